//! The application's client: a pool of connections that goes round the nodes, with the official client's policy of retries.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    history::{Access, Outcome},
    scenario::AppClients,
    system::{
        Client, Reply, Request,
        endpoints::{Endpoint, Endpoints},
    },
    time::left,
};

use super::{
    api::{Failure, Open, Place},
    client::{acknowledged, question},
    element::Elements,
    outcome::{Phase, late, outcome_of},
};

/// How long a node that failed is passed over at first (`DeadHostState.MIN_CONNECTION_TIMEOUT_NANOS` of the official Java
/// client), which doubles with every second failure of it.
const DEAD: Duration = Duration::from_secs(60);

/// The application's connections.
///
/// There is no official client for Rust that tries again. This one does as the low-level client does on which the official
/// Java client rests: it takes the nodes in turn; where the connection fails or a node answers 502, 503 or 504, it tries
/// the next one, a write that was sent too, until every node was tried once; a node that failed is passed over for a while.
pub struct Pool {
    endpoints: Arc<Endpoints>,
    next: AtomicUsize,
    permits: Semaphore,
    idle: Mutex<Vec<Pooled>>,
    dead: Mutex<BTreeMap<u16, Dead>>,
}

struct Pooled {
    open: Open,
    node: u16,
}

/// A node that failed.
#[derive(Debug, Clone, Copy)]
struct Dead {
    until: Instant,
    /// How often in a row it failed.
    failed: u32,
}

impl Pool {
    /// A pool that connects when first used.
    pub fn new(endpoints: Arc<Endpoints>, app: &AppClients) -> Self {
        let size = usize::try_from(app.pool).unwrap_or(1).max(1);
        Self {
            endpoints,
            next: AtomicUsize::new(0),
            permits: Semaphore::new(size),
            idle: Mutex::default(),
            dead: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Pooled>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dead(&self) -> MutexGuard<'_, BTreeMap<u16, Dead>> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nodes in the order in which a request tries them: those that live, from the one whose turn it is; where none
    /// does, the one that is to be tried again first.
    fn order(&self, now: Instant) -> Vec<Endpoint> {
        let mut list = self.endpoints.list().to_vec();
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % list.len().max(1);
        list.rotate_left(turn);
        let dead = self.dead();
        let until = |one: &Endpoint| dead.get(&one.node).map(|dead| dead.until);
        let live: Vec<Endpoint> = list
            .iter()
            .filter(|one| until(one).is_none_or(|until| until <= now))
            .copied()
            .collect();
        match live.is_empty() {
            true => list.into_iter().min_by_key(until).into_iter().collect(),
            false => live,
        }
    }

    async fn connection(&self, endpoint: Endpoint) -> Result<Pooled, Failure> {
        while let Some(pooled) = self.take(endpoint.node) {
            if pooled.open.is_open() {
                return Ok(pooled);
            }
        }
        let open = Open::at(endpoint).await.map_err(Failure::Lost)?;
        let node = endpoint.node;
        Ok(Pooled { open, node })
    }

    fn take(&self, node: u16) -> Option<Pooled> {
        let mut idle = self.idle();
        let place = idle.iter().position(|pooled| pooled.node == node)?;
        Some(idle.swap_remove(place))
    }

    fn answered(&self, pooled: Pooled) {
        self.dead().remove(&pooled.node);
        self.idle().push(pooled);
    }

    fn failed(&self, node: u16, now: Instant) {
        let mut dead = self.dead();
        let failed = dead.get(&node).map_or(0, |dead| dead.failed + 1);
        let until = now + DEAD * 2u32.pow((failed / 2).min(4));
        dead.insert(node, Dead { until, failed });
    }

    /// Lets go of the connections that nobody uses.
    pub fn close(&self) {
        self.idle().clear();
    }
}

/// An app lane's client.
pub struct AppClient {
    elements: Elements,
    pool: Arc<Pool>,
}

impl AppClient {
    /// A client on the shared pool.
    pub fn new(elements: Elements, pool: Arc<Pool>) -> Self {
        Self { elements, pool }
    }

    /// `phase` is as far as any attempt got: what one may have left behind, no later refusal takes back.
    async fn attempt(&self, request: &Request, phase: &mut Phase) -> Reply {
        // The pool is never closed while there are clients; without a permit nothing was sent.
        let Ok(_permit) = self.pool.permits.acquire().await else {
            return late(Phase::Connecting, request.access);
        };
        let mut last = late(Phase::Connecting, request.access);
        let mut open = false;
        for endpoint in self.pool.order(Instant::now()) {
            let mut own = Phase::Connecting;
            let failure = match self.once(request, endpoint, &mut own, phase).await {
                Ok(reply) => return reply,
                Err(failure) => failure,
            };
            let reply = outcome_of(&failure, own, request.access);
            open |= reply.outcome == Outcome::Info;
            last = match open && request.access == Access::Write {
                true => Reply::error(Outcome::Info, reply.error.unwrap_or_default()),
                false => reply,
            };
            if !again(&failure) {
                break;
            }
            self.pool.failed(endpoint.node, Instant::now());
        }
        last
    }

    async fn once(
        &self,
        request: &Request,
        endpoint: Endpoint,
        own: &mut Phase,
        furthest: &mut Phase,
    ) -> Result<Reply, Failure> {
        let mut pooled = self.pool.connection(endpoint).await?;
        *own = Phase::Sent;
        *furthest = Phase::Sent;
        let answer = pooled.open.ask(&question(&self.elements, request)).await?;
        let reply = acknowledged(request.access, &answer, Some(pooled.node));
        self.pool.answered(pooled);
        reply
    }
}

/// Whether the official client would try the next node. A bulk whose writes were refused is an answer to it.
fn again(failure: &Failure) -> bool {
    match failure {
        Failure::Lost(_) => true,
        Failure::Refused { place, status, .. } => {
            *place == Place::Request && matches!(status, 502..=504)
        }
        Failure::Unreadable(_) => false,
    }
}

#[async_trait]
impl Client for AppClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = left(request.deadline);
        let attempt = timeout(left, self.attempt(&request, &mut phase)).await;
        attempt.unwrap_or_else(|_| late(phase, request.access))
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::{
        id::NodeName,
        record::{Member, MemberKind},
        scenario::{Dur, Rate},
        system::roster::Roster,
    };

    #[test]
    fn losses_and_nodes_that_cannot_answer_send_a_request_to_the_next_node() {
        let refused = |place, status| Failure::Refused {
            place,
            status,
            name: "cluster_block_exception".into(),
            words: String::new(),
        };
        assert!(again(&Failure::Lost(ErrorKind::ConnectionReset.into())));
        assert!(again(&refused(Place::Request, 503)));
        assert!(!again(&refused(Place::Request, 429)));
        assert!(!again(&refused(Place::Item, 503)), "the bulk was answered");
        assert!(!again(&Failure::Unreadable("<html>".into())));
    }

    #[test]
    fn a_node_that_failed_is_passed_over_until_all_have() {
        let members: Vec<Member> = (1..=3)
            .map(|n| Member {
                address: format!("10.0.0.{n}:9200"),
                ..Member::alone(&format!("o{n}"), MemberKind::Data, "")
            })
            .collect();
        let roster = Roster::new(&members).expect("addresses");
        let endpoints = Endpoints::new(&roster, &NodeName::new("o1"));
        let app = AppClients {
            lanes: 1,
            rate: Rate(20.0),
            timeout: Dur(DEAD),
            pool: 1,
            slo: Dur(DEAD),
        };
        let pool = Pool::new(Arc::new(endpoints), &app);
        let now = Instant::now();
        let nodes = |now| -> Vec<u16> {
            pool.next.store(0, Ordering::Relaxed);
            pool.order(now).iter().map(|one| one.node).collect()
        };
        assert_eq!(nodes(now), [0, 1, 2]);
        pool.failed(0, now);
        assert_eq!(nodes(now), [1, 2]);
        assert_eq!(nodes(now + DEAD), [0, 1, 2], "it is tried again");
        pool.failed(1, now + DEAD);
        pool.failed(2, now + DEAD * 2);
        assert_eq!(nodes(now), [0], "the one whose time comes first");
    }
}
