//! What brokers believe while the drill runs.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, Milestone, Role, View, What},
    system::{Observer, watch::watch},
};

use super::{
    brokers::Brokers,
    client::Ground,
    questions::{Belief, belief, log_end, quorum},
    wire::Wire,
};

/// How often a broker is asked for its view.
const NODE_EVERY: Duration = Duration::from_millis(100);

/// How often the active controller is asked for.
const CONTROLLER_EVERY: Duration = Duration::from_millis(250);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(300);

/// What a broker says: what it believes of the partition, and where its own log ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it believes.
    pub belief: Belief,
    /// Where its own log ends.
    pub end: u64,
}

impl Status {
    /// Asks on an open connection.
    pub async fn ask(wire: &mut Wire, topic: &str) -> Result<Self, String> {
        Ok(Self {
            belief: belief(wire, topic).await?,
            end: log_end(wire, topic).await?,
        })
    }

    /// The view of a broker that answered this, or did not answer. It calls itself primary when it believes that it
    /// leads; `leading` is where the leader's log ended when it was last asked.
    pub fn view(said: Option<&Self>, node: &NodeName, brokers: &Brokers, leading: u64) -> View {
        let own = brokers.seats().find(|seat| seat.name == *node);
        let own = own.map_or(0, Brokers::id);
        let leader = said.and_then(|status| status.belief.leader);
        let role = match (said, leader) {
            (None, _) => Role::Unreachable,
            (Some(_), Some(leader)) if leader == own => Role::Primary,
            (Some(_), Some(_)) => Role::Replica,
            (Some(_), None) => Role::Other,
        };
        let name = |id: i32| match brokers.seat(id) {
            Some(seat) => seat.name.to_string(),
            None => format!("broker {id}"),
        };
        View {
            node: node.clone(),
            role,
            term: said.and_then(|status| u64::try_from(status.belief.epoch).ok()),
            position: said.map(|status| status.end),
            lag: said.map(|status| match role {
                Role::Primary => 0,
                _ => leading.saturating_sub(status.end),
            }),
            follows: leader.filter(|leader| *leader != own).map(name),
            eligible: said.map(|status| {
                status.belief.in_sync.contains(&own) && status.belief.brokers.contains(&own)
            }),
        }
    }
}

/// A connection that is kept between questions and made again after a failure.
pub struct Line {
    address: SocketAddr,
    topic: String,
    open: Mutex<Option<Wire>>,
}

impl Line {
    /// A line that connects when first used.
    pub fn new(address: SocketAddr, topic: &str) -> Self {
        Self {
            address,
            topic: topic.to_owned(),
            open: Mutex::new(None),
        }
    }

    /// The broker's status; none if it does not answer.
    pub async fn ask(&self) -> Option<Status> {
        let mut open = self.open.lock().await;
        let kept = open.take();
        let conversation = async {
            let mut wire = match kept {
                Some(wire) => wire,
                None => Wire::connect(self.address).await.ok()?,
            };
            let said = Status::ask(&mut wire, &self.topic).await.ok()?;
            Some((wire, said))
        };
        let (wire, said) = timeout(ASK_LIMIT, conversation).await.ok()??;
        *open = Some(wire);
        Some(said)
    }
}

/// Watches every broker on a connection of its own, says what each learns of the leader and of brokers that were
/// fenced, and watches who is the active controller.
pub fn observers(ground: &Ground, emitter: &Emitter, stop: &CancellationToken) -> Vec<Observer> {
    let leading = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut observers: Vec<Observer> = Vec::new();
    for seat in ground.brokers.seats() {
        let line = Arc::new(Line::new(seat.address, ground.records.topic()));
        let (ground, leading, seat) = (ground.clone(), leading.clone(), seat.clone());
        let known = Arc::new(std::sync::Mutex::new(None::<Belief>));
        let say = emitter.clone();
        observers.push(watch(
            emitter.clone(),
            stop.clone(),
            NODE_EVERY,
            move || {
                let (ground, leading, seat) = (ground.clone(), leading.clone(), seat.clone());
                let (line, known, say) = (line.clone(), known.clone(), say.clone());
                async move {
                    use std::sync::atomic::Ordering::Relaxed;
                    let status = line.ask().await;
                    if let Some(status) = &status {
                        if status.belief.leader == Some(Brokers::id(&seat)) {
                            leading.store(status.end, Relaxed);
                        }
                        let mut known = known
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner);
                        if let Some(before) = known.replace(status.belief.clone()) {
                            for event in news(&before, &status.belief, &seat.name, &ground.brokers)
                            {
                                say.say(What::Control(event));
                            }
                        }
                    }
                    Status::view(
                        status.as_ref(),
                        &seat.name,
                        &ground.brokers,
                        leading.load(Relaxed),
                    )
                }
            },
        ));
    }
    observers.push(controllers(ground.clone(), emitter.clone(), stop.clone()));
    observers
}

/// What a broker has learned between two answers.
fn news(
    before: &Belief,
    after: &Belief,
    source: &NodeName,
    brokers: &Brokers,
) -> Vec<ControlEvent> {
    let name = |id: i32| brokers.seat(id).map(|seat| seat.name.clone());
    let event = |milestone, id: Option<i32>, text: String| ControlEvent {
        source: source.clone(),
        milestone,
        node: id.and_then(name),
        text,
    };
    let word = |id: i32| name(id).map_or_else(|| format!("broker {id}"), |name| name.to_string());
    let mut events = Vec::new();
    for id in &before.brokers {
        if !after.brokers.contains(id) {
            let text = format!("the controller has fenced {}", word(*id));
            events.push(event(Some(Milestone::Declared), Some(*id), text));
        }
    }
    if before.in_sync != after.in_sync {
        let names: Vec<String> = after.in_sync.iter().map(|id| word(*id)).collect();
        let text = format!("in sync: {}", names.join(", "));
        events.push(event(None, None, text));
    }
    if before.leader != after.leader {
        let (milestone, text) = match after.leader {
            Some(leader) => (
                Some(Milestone::Routed),
                format!("{} leads in epoch {}", word(leader), after.epoch),
            ),
            None => (None, format!("no leader in epoch {}", after.epoch)),
        };
        events.push(event(milestone, after.leader, text));
    }
    events
}

/// Says when another node is the active controller, by whichever broker answers first.
fn controllers(ground: Ground, emitter: Emitter, stop: CancellationToken) -> Observer {
    tokio::spawn(async move {
        let mut known = None;
        loop {
            for seat in ground.brokers.seats() {
                let asked = tokio::select! {
                    () = stop.cancelled() => return,
                    asked = quorum(seat.address, ASK_LIMIT) => asked,
                };
                let Ok(said) = asked else { continue };
                let active = ground.brokers.seat(said.leader);
                if known.is_some_and(|epoch| epoch != said.epoch) {
                    emitter.say(What::Control(ControlEvent {
                        source: seat.name.clone(),
                        milestone: None,
                        node: active.map(|seat| seat.name.clone()),
                        text: format!(
                            "{} is the active controller in epoch {}",
                            active.map_or_else(
                                || said.leader.to_string(),
                                |seat| seat.name.to_string()
                            ),
                            said.epoch
                        ),
                    }));
                }
                known = Some(said.epoch);
                break;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(CONTROLLER_EVERY) => {}
            }
        }
    })
}
