//! One lane: takes operations as they fall due, keeps its connection, sheds what is beyond its budget.

use std::sync::Arc;

use tokio::{sync::mpsc::UnboundedReceiver, task::JoinSet};

use crate::{
    history::{Access, Group, Heard, Lane, Op, Outcome},
    system::{Client, Request, Subject},
    time::{Clock, Nanos},
};

use super::{LaneBudget, load::Shared, pacer::Due};

/// Makes a client for the lane.
pub type MakeClient = Arc<dyn Fn() -> Box<dyn Client> + Send + Sync>;

/// A lane at work.
pub struct Dispatch {
    pub lane: Lane,
    pub budget: LaneBudget,
    pub make: MakeClient,
    pub shared: Arc<Shared>,
    pub clock: Clock,
}

/// A finished operation and the client that made it.
type Finished = (Heard, Box<dyn Client>);

impl Dispatch {
    /// Works until the pacer stops and every operation in flight is done.
    pub async fn work(self, mut due: UnboundedReceiver<Due>) {
        let mut idle: Option<Box<dyn Client>> = None;
        let mut flying: JoinSet<Finished> = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(done) = flying.join_next() => self.land(done, &mut idle),
                next = due.recv() => match next {
                    Some(due) if flying.len() < self.budget.0 => {
                        let client = idle.take().unwrap_or_else(|| (self.make)());
                        self.launch(&mut flying, due, client);
                    }
                    Some(due) => self.shared.record(Heard {
                        op: self.op(due, Outcome::Shed),
                        error: None,
                        lists: None,
                    }),
                    None => break,
                },
            }
        }
        while let Some(done) = flying.join_next().await {
            self.land(done, &mut idle);
        }
    }

    fn launch(&self, flying: &mut JoinSet<Finished>, due: Due, mut client: Box<dyn Client>) {
        let mut op = self.op(due, Outcome::Info);
        let clock = self.clock;
        let (access, lane) = (self.lane.access, self.lane.reads.unwrap_or(self.lane.id));
        let on = subject(&self.lane, due.seq);
        let timeout = self.lane.timeout;
        flying.spawn(async move {
            let sent = clock.now();
            let deadline = clock.instant(sent.after(timeout));
            let reply = client
                .invoke(Request {
                    access,
                    on,
                    lane,
                    seq: due.seq,
                    deadline,
                })
                .await;
            op.sent = Some(sent);
            op.done = Some(clock.now());
            op.outcome = reply.outcome;
            op.node = reply.node;
            op.version = reply.version;
            let heard = Heard {
                op,
                error: reply.error,
                lists: reply.lists,
            };
            (heard, client)
        });
    }

    /// After an operation that was not ok, its connection and the idle one are dropped: what is left
    /// of an old connection must not make the outage look longer. A probe whose write a node refused keeps its own:
    /// connecting anew each time would cost a replica of some systems more than all else that is asked of it.
    fn land(
        &self,
        done: Result<Finished, tokio::task::JoinError>,
        idle: &mut Option<Box<dyn Client>>,
    ) {
        // A client that panicked leaves a gap in the lane's numbers, which makes the run inconclusive.
        let Ok((heard, client)) = done else {
            return;
        };
        let refused = self.lane.group == Group::Pinned
            && self.lane.access == Access::Write
            && heard.op.outcome == Outcome::Fail;
        if !heard.op.outcome.available() && !refused {
            *idle = None;
        } else if !self.lane.fresh && idle.is_none() {
            *idle = Some(client);
        }
        self.shared.record(heard);
    }

    fn op(&self, due: Due, outcome: Outcome) -> Op {
        Op {
            lane: self.lane.id,
            seq: due.seq,
            intended: due.intended,
            sent: None::<Nanos>,
            done: None,
            outcome,
            error: None,
            node: None,
            version: None,
        }
    }
}

/// What an operation of a lane works on.
fn subject(lane: &Lane, seq: u64) -> Subject {
    let keys = lane.keys.unwrap_or_default();
    match lane.group {
        Group::Service | Group::App | Group::Pinned => Subject::Appends,
        Group::Register => Subject::Register(lane.register(seq).unwrap_or_default()),
        Group::Transfer => Subject::Accounts(keys),
        Group::List => Subject::Lists(keys),
    }
}
