//! Whether the stack is whole, and whether its members hold the same.

use futures_util::future::join_all;

use crate::system::{
    Redundancy, SystemError, patience,
    roster::{self, Seat},
    seen::Seen,
};

use super::{
    kind::Kind,
    members::named,
    rejoin::in_use,
    running::MySqlStack,
    status::{LAG_MAX, Status},
};

/// A node and what it says.
pub type Said = roster::Said<Status>;

/// The one node that takes writes.
///
/// # Errors
/// When none or more than one does.
pub fn sole_primary(said: &[Said]) -> Result<&Said, SystemError> {
    let leads = |said: &&Said| said.1.as_ref().is_ok_and(Status::writable);
    let primaries: Vec<&Said> = said.iter().filter(leads).collect();
    match primaries.as_slice() {
        [one] => Ok(one),
        [] => Err(SystemError::Refused("no node takes writes".into())),
        [one, two, ..] => Err(SystemError::Refused(format!(
            "`{}` and `{}` both take writes",
            one.0.name, two.0.name
        ))),
    }
}

impl MySqlStack {
    /// What every node says, asked at once.
    pub(super) async fn statuses(&self) -> Vec<Said> {
        let kind = self.shape.kind;
        let asked = self.roster().data().map(|seat| async move {
            let ask = Status::ask(seat.address, kind);
            (
                seat.clone(),
                patience::answer(&*self.runtime, &seat.name, ask).await,
            )
        });
        join_all(asked).await
    }

    /// The node that clients use, among what was said.
    pub(super) fn used<'a>(&self, said: &'a [Said]) -> Result<&'a Said, SystemError> {
        in_use(said, self.shape.kind, *self.directory.lead.borrow())
    }

    pub(super) async fn whole(&self) -> Redundancy {
        let mut seen = Seen::default();
        let said = self.statuses().await;
        let (primary, leads) = match self.used(&said) {
            Ok((seat, Ok(status))) => (seat, status),
            Ok((_, Err(error))) => {
                seen.note(false, error.clone());
                return seen.redundancy();
            }
            Err(error) => {
                seen.note(false, error.to_string());
                return seen.redundancy();
            }
        };
        seen.note(true, format!("{}: takes writes", primary.name));
        if let Some(route) = &self.route {
            let nodes = route.redundancy(&*self.runtime).await;
            (nodes.into_iter()).for_each(|(runs, text)| seen.note(runs, text));
        }
        for (seat, status) in &said {
            match status {
                Err(error) => seen.note(false, format!("{}: {error}", seat.name)),
                Ok(status) if self.shape.kind.by_operator() => {
                    if seat.name != primary.name {
                        let (good, text) = self.follows(primary, leads, status);
                        seen.note(good, format!("{}: {text}", seat.name));
                    }
                }
                Ok(status) => {
                    let (good, text) = self.present(status);
                    seen.note(good, format!("{}: {text}", seat.name));
                }
            }
        }
        seen.redundancy()
    }

    /// Whether a replica follows this primary with both threads, and is near.
    fn follows(&self, primary: &Seat, leads: &Status, status: &Status) -> (bool, String) {
        let Some(replica) = &status.replica else {
            return (false, "does not follow the primary".into());
        };
        let source = named(&replica.source, self.roster());
        let lag = leads.executed.beyond(&status.executed);
        let good = replica.runs() && source == primary.name.as_str() && lag <= LAG_MAX;
        let text = format!(
            "follows {source}, IO thread {}, SQL thread {}, {lag} transactions behind",
            replica.io, replica.sql
        );
        (good, text)
    }

    /// Whether a member is in its group, and sees everyone there.
    fn present(&self, status: &Status) -> (bool, String) {
        let Some(group) = &status.group else {
            return (false, "has no group".into());
        };
        let all = self.roster().data().count();
        let present = |state: &str| matches!(state, "ONLINE" | "present");
        let everyone =
            group.size == all && group.members.iter().all(|member| present(&member.state));
        let own = matches!(group.state.as_str(), "ONLINE" | "Synced");
        // In Galera each node must take writes itself.
        let ready = self.shape.kind != Kind::Galera || group.writable;
        (own && everyone && ready, group.words(self.roster()))
    }

    /// What the primary has applied, then every node, then the primary again: equal, and at rest.
    pub(super) async fn level(&self) -> Redundancy {
        let mut seen = Seen::default();
        let said = self.statuses().await;
        let (primary, executed) = match self.used(&said) {
            Ok((seat, Ok(status))) => (seat, &status.executed),
            Ok((_, Err(error))) => {
                seen.note(false, error.clone());
                return seen.redundancy();
            }
            Err(error) => {
                seen.note(false, error.to_string());
                return seen.redundancy();
            }
        };
        // Asked once more after it: a replica that is equal to an older state is not behind a newer one.
        for (seat, status) in &self.statuses().await {
            match status {
                Ok(status) => {
                    let (behind, errant) = (
                        executed.beyond(&status.executed),
                        status.executed.beyond(executed),
                    );
                    let leads = self.shape.kind.by_operator() && seat.name == primary.name;
                    let follows =
                        status.replica.is_some() != leads || !self.shape.kind.by_operator();
                    let text = format!(
                        "{}: applied {}, {behind} fewer and {errant} more than {} had",
                        seat.name, status.executed, primary.name
                    );
                    seen.note(behind == 0 && errant == 0 && follows, text);
                }
                Err(error) => seen.note(false, format!("{}: {error}", seat.name)),
            }
        }
        seen.redundancy()
    }
}
