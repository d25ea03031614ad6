//! Watches the nodes, each on a connection of its own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::{
    record::Emitter,
    system::{
        Observer,
        postgres::health::LAG_MAX,
        roster::{Roster, Seat},
        watch::watch,
    },
};

use super::status::{Status, view};

/// How often a node is asked.
const VIEW_EVERY: Duration = Duration::from_millis(250);

/// The longest wait for a node's answer: after it, the node counts as unreachable.
const VIEW_LIMIT: Duration = Duration::from_millis(500);

/// Watches one node. How far a subscriber is behind is told from `leading`, where whoever is primary leaves its position.
pub fn node(
    seat: &Seat,
    roster: &Arc<Roster>,
    leading: &Arc<AtomicU64>,
    emitter: &Emitter,
    stop: &CancellationToken,
) -> Observer {
    let (seat, roster, leading) = (seat.clone(), roster.clone(), leading.clone());
    let held: Arc<Mutex<Option<PgConnection>>> = Arc::default();
    watch(emitter.clone(), stop.clone(), VIEW_EVERY, move || {
        let (seat, roster, leading) = (seat.clone(), roster.clone(), leading.clone());
        let held = held.clone();
        async move {
            let connection = held.lock().unwrap_or_else(PoisonError::into_inner).take();
            let answer = Status::ask_again(connection, &seat, VIEW_LIMIT).await;
            let (connection, status) = answer.unzip();
            *held.lock().unwrap_or_else(PoisonError::into_inner) = connection;
            if let Some(status) = status.as_ref().filter(|status| status.leads()) {
                leading.store(status.written, Ordering::Relaxed);
            }
            let leading = leading.load(Ordering::Relaxed);
            view(seat.name, status.as_ref(), &roster, leading, LAG_MAX)
        }
    })
}
