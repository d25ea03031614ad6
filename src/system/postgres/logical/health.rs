//! Whether logical replication flows, and whether the subscriber has applied all that the primary wrote.

use futures_util::future::join_all;

use crate::system::{
    Redundancy, SystemError, patience,
    postgres::health::{LAG_MAX, lsn},
    roster::{self, Seat},
    seen::Seen,
};

use super::{
    running::LogicalStack,
    status::{Slot, Status, slot},
};

/// A node and what it says.
pub type Said = roster::Said<Status>;

/// The one node that subscribes to none and takes writes.
///
/// # Errors
/// When there is none or more than one: an old primary that was started as it was takes writes as before.
pub fn sole_primary(said: &[Said]) -> Result<(&Seat, &Status), SystemError> {
    roster::leading(said, Status::leads)
}

impl LogicalStack {
    /// What every node says, asked at once.
    pub(super) async fn statuses(&self) -> Vec<Said> {
        let asked = self.roster.data().map(|seat| async {
            let said = patience::answer(&*self.runtime, &seat.name, Status::ask(seat)).await;
            (seat.clone(), said)
        });
        join_all(asked).await
    }

    /// Whether each other node subscribes to the primary, has copied all tables and is near.
    pub(super) async fn whole(&self) -> Redundancy {
        let mut seen = Seen::default();
        let said = self.statuses().await;
        let primary = match sole_primary(&said) {
            Ok((primary, _)) => primary,
            Err(error) => {
                seen.note(false, error.to_string());
                return seen.redundancy();
            }
        };
        seen.note(true, format!("{}: primary", primary.name));
        for (seat, status) in said.iter().filter(|(seat, _)| seat.name != primary.name) {
            let slot = slot(primary, &seat.name).await;
            let (good, text) = judge(status, &slot, |slot| {
                let behind = slot.behind?;
                let text = format!("subscribes, {behind} bytes behind");
                Some((behind <= LAG_MAX, text))
            });
            seen.note(good, format!("{}: {text}", seat.name));
        }
        seen.redundancy()
    }

    /// Whether each subscriber has confirmed the primary's log up to where it was when asked first. Positions of two
    /// servers' own logs are never equal here; what the members hold is compared by the final reads.
    pub(super) async fn level(&self) -> Redundancy {
        let mut seen = Seen::default();
        let said = self.statuses().await;
        let (primary, written) = match sole_primary(&said) {
            Ok((primary, status)) => (primary, status.written),
            Err(error) => {
                seen.note(false, error.to_string());
                return seen.redundancy();
            }
        };
        let text = format!("{}: written to {}", primary.name, lsn(written));
        seen.note(true, text);
        for (seat, status) in said.iter().filter(|(seat, _)| seat.name != primary.name) {
            let slot = slot(primary, &seat.name).await;
            let (good, text) = judge(status, &slot, |slot| {
                let confirmed = slot.confirmed?;
                let at = lsn(confirmed);
                let text = format!(
                    "has applied and confirmed the primary's log up to {at}; its own log is another one, so that the \
                     members are compared by their contents"
                );
                Some((confirmed >= written, text))
            });
            seen.note(good, format!("{}: {text}", seat.name));
        }
        seen.redundancy()
    }
}

/// Whether a subscriber is as it should be, and words for it; `more` judges what its primary keeps for it.
fn judge(
    status: &Result<Status, String>,
    slot: &Result<Option<Slot>, String>,
    more: impl Fn(&Slot) -> Option<(bool, String)>,
) -> (bool, String) {
    let status = match status {
        Ok(status) => status,
        Err(error) => return (false, error.clone()),
    };
    let missing = match slot {
        _ if !status.subscribes => "does not subscribe",
        _ if !status.works => "its subscription has no worker",
        _ if status.copying > 0 => {
            return (false, format!("copies {} tables still", status.copying));
        }
        Ok(Some(slot)) if slot.active => {
            let none = || (false, "has confirmed nothing yet".to_owned());
            return more(slot).unwrap_or_else(none);
        }
        Ok(_) => "takes nothing from the primary",
        Err(error) => return (false, error.clone()),
    };
    (false, missing.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, record::MemberKind};

    fn status(subscribes: bool) -> Status {
        Status {
            subscribes,
            refuses: false,
            works: subscribes,
            received: None,
            applied: None,
            source: None,
            copying: 0,
            written: 900,
        }
    }

    fn said(name: &str, status: Result<Status, String>) -> Said {
        let seat = Seat {
            index: 0,
            name: NodeName::new(name),
            kind: MemberKind::Data,
            address: "10.0.0.1:5432".parse().expect("an address"),
            host: "h1".into(),
        };
        (seat, status)
    }

    #[test]
    fn a_primary_is_the_only_one_that_subscribes_to_none() {
        let name = |said: &[Said]| {
            let primary = sole_primary(said).ok();
            primary.map(|(seat, _)| seat.name.to_string())
        };
        let (pg1, pg2) = (
            said("pg1", Ok(status(false))),
            said("pg2", Ok(status(true))),
        );
        assert_eq!(name(&[pg1.clone(), pg2.clone()]), Some("pg1".into()));
        assert_eq!(name(&[said("pg1", Err("gone".into())), pg2]), None);
        assert_eq!(name(&[pg1.clone(), said("pg2", Ok(status(false)))]), None);
        let refuses = Status {
            refuses: true,
            ..status(false)
        };
        let handed_over = [pg1, said("pg2", Ok(refuses))];
        assert_eq!(name(&handed_over), Some("pg1".into()));
    }

    #[test]
    fn a_subscriber_is_judged_by_its_worker_its_copies_and_its_slot() {
        let near = |slot: &Slot| Some((slot.behind? <= 10, "near".to_owned()));
        let slot = |active, behind| {
            Ok(Some(Slot {
                active,
                confirmed: Some(900),
                behind,
            }))
        };
        let good =
            |status: Status, slot: Result<Option<Slot>, String>| judge(&Ok(status), &slot, near).0;
        assert!(good(status(true), slot(true, Some(10))));
        assert!(!good(status(true), slot(true, Some(11))));
        assert!(!good(status(true), slot(true, None)));
        assert!(!good(status(true), slot(false, Some(0))));
        assert!(!good(status(true), Ok(None)));
        assert!(!good(status(true), Err("gone".into())));
        assert!(!good(status(false), slot(true, Some(0))));
        let copies = Status {
            copying: 2,
            ..status(true)
        };
        assert!(!good(copies, slot(true, Some(0))));
        assert!(!judge(&Err("gone".into()), &slot(true, Some(0)), near).0);
    }
}
