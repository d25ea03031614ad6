//! The application's client: a pool of connections that goes round the endpoints, with the official client's policy of retries.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{
    history::Access,
    scenario::AppClients,
    system::{
        Client, Reply, Request,
        endpoints::{Endpoint, Endpoints},
    },
    time::left,
};

use super::{
    api::{Failure, Open},
    client::{acknowledged, question},
    element::{Elements, Space},
    outcome::{Phase, late, outcome_of},
};

/// The pause before another attempt: the official Go client's `defaultBackoffWaitBetween`.
const BACKOFF: Duration = Duration::from_millis(25);

/// The application's connections.
///
/// There is no official client for Rust. This one does as the official Go client does: it takes the members in turn; what
/// could not be sent at all is tried at the next one; a read is tried again after any failure of the connection or of the
/// cluster; a write that was sent is never sent again (`clientv3`, `isSafeRetryMutableRPC`).
pub struct Pool {
    endpoints: Arc<Endpoints>,
    serializable: bool,
    next: AtomicUsize,
    permits: Semaphore,
    idle: Mutex<Vec<Pooled>>,
}

struct Pooled {
    open: Open,
    node: u16,
}

impl Pool {
    /// A pool that connects when first used.
    pub fn new(endpoints: Arc<Endpoints>, serializable: bool, app: &AppClients) -> Self {
        let size = usize::try_from(app.pool).unwrap_or(1).max(1);
        Self {
            endpoints,
            serializable,
            next: AtomicUsize::new(0),
            permits: Semaphore::new(size),
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Pooled>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that its member has not ended, or a new one to the member whose turn it is.
    async fn connection(&self) -> Result<Pooled, Failure> {
        while let Some(pooled) = self.take() {
            if pooled.open.is_open() {
                return Ok(pooled);
            }
        }
        let list = self.endpoints.list();
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % list.len();
        let endpoint: Endpoint = list[turn];
        let open = Open::at(endpoint).await.map_err(Failure::Lost)?;
        let node = endpoint.node;
        Ok(Pooled { open, node })
    }

    fn take(&self) -> Option<Pooled> {
        self.idle().pop()
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

    async fn attempt(&self, request: &Request, phase: &mut Phase) -> Reply {
        // The pool is never closed while there are clients; without a permit nothing was sent.
        let Ok(_permit) = self.pool.permits.acquire().await else {
            return late(Phase::Connecting, request.access);
        };
        loop {
            *phase = Phase::Connecting;
            match self.once(request, phase).await {
                Ok(reply) => return reply,
                Err(failure) => {
                    if !again(&failure, *phase, request.access) {
                        return outcome_of(&failure, *phase, request.access);
                    }
                }
            }
            sleep(BACKOFF).await;
        }
    }

    async fn once(&self, request: &Request, phase: &mut Phase) -> Result<Reply, Failure> {
        let mut pooled = self.pool.connection().await?;
        let serializable = self.pool.serializable;
        let question = question(&self.elements, request, Space::Appends, serializable);
        *phase = Phase::Sent;
        let answer = pooled.open.ask(&question).await?;
        let reply = acknowledged(&self.elements, request, &answer, Some(pooled.node));
        self.pool.idle().push(pooled);
        Ok(reply)
    }
}

/// Whether the official client would try again: gRPC's code 14 is `Unavailable`.
fn again(failure: &Failure, phase: Phase, access: Access) -> bool {
    match (phase, access, failure) {
        (Phase::Connecting, ..) => true,
        (Phase::Sent, Access::Write, _) => false,
        (Phase::Sent, Access::Read, Failure::Refused { code, .. }) => *code == 14,
        (Phase::Sent, Access::Read, Failure::Lost(_)) => true,
        (Phase::Sent, Access::Read, Failure::Unreadable(_)) => false,
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

    #[test]
    fn only_what_was_not_sent_and_reads_are_tried_again() {
        let lost = Failure::Lost(ErrorKind::ConnectionReset.into());
        let refused = |code| Failure::Refused {
            code,
            words: "etcdserver: leader changed".into(),
        };
        assert!(again(&lost, Phase::Connecting, Access::Write));
        assert!(again(&lost, Phase::Sent, Access::Read));
        assert!(again(&refused(14), Phase::Sent, Access::Read));
        assert!(!again(&refused(8), Phase::Sent, Access::Read));
        for failure in [&lost, &refused(14)] {
            assert!(!again(failure, Phase::Sent, Access::Write));
        }
    }
}
