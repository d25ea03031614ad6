//! Streams through a proxy are reset, half open, closed late, sliced, cut off or slow: asked against observed.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::Mutex;

use crate::{
    id::NodeName,
    net::{Dialogue, Dose, End, Heard, Side, Talk, Toxic},
    runtime::{RuntimeError, journal},
    scenario::{Dur, Flow, Stream, StreamLink},
    system::{
        proxied::{Proxied, door_name},
        roster::Door,
    },
};

use super::{
    ActiveEffect, FaultContext, FaultError, Injected, Undone,
    described::{Seen, hits_primary},
    select::select,
    stream_effect::{Asked, Look, Looks},
};

/// How many connections of before, and how many new ones, are looked at: with a share there must be enough of them for
/// chance not to hide it.
const CONNECTIONS: usize = 3;
const CONNECTIONS_SHARED: usize = 24;
/// How long a connection and an answer may take where nothing is wrong.
const HEALTHY: Duration = Duration::from_secs(1);

/// Streams that fare badly, and what makes them so.
#[derive(Debug)]
struct StreamsEffect {
    disturbed: Disturbed,
    nodes: Vec<NodeName>,
    doses: Vec<Dose>,
}

/// Streams that fare badly, with connections of before.
#[derive(Debug)]
struct Disturbed {
    asked: Asked,
    link: StreamLink,
    doors: Vec<Behind>,
    /// The other proxies, and whether they led somewhere before.
    spared: Vec<(Door, bool)>,
    dialogue: &'static dyn Dialogue,
}

/// One proxy that is meant.
#[derive(Debug)]
struct Behind {
    door: Door,
    held: Mutex<Vec<Talk>>,
    /// How long before the fault it took what is measured.
    before: Duration,
}

#[async_trait]
impl ActiveEffect for StreamsEffect {
    async fn verify(&self, _context: &FaultContext) -> Seen {
        look_on(&self.disturbed).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(&self.nodes, calm(&self.doses, context).await))
    }
}

/// A time in Toxiproxy's unit.
pub(super) fn ms(dur: Dur) -> u32 {
    u32::try_from(dur.0.as_millis()).unwrap_or(u32::MAX)
}

/// Disturbs the streams.
pub(super) async fn disturb(
    stream: &Stream,
    how: Toxic,
    context: &FaultContext,
) -> Result<Injected, FaultError> {
    let unsupported = || RuntimeError::Unsupported("no proxy stands before these nodes".into());
    let proxied = context.system.proxied().ok_or_else(unsupported)?;
    let nodes = select(&stream.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let meant = |door: &&Door| door.link == stream.link && nodes.contains(&door.node);
    let doors: Vec<Door> = proxied.doors.iter().filter(meant).cloned().collect();
    if doors.is_empty() {
        return Err(unsupported().into());
    }
    let asked = Asked {
        how,
        flow: stream.direction,
        share: stream.share.0 / 100.0,
    };
    let doses = doses(&doors, &asked);
    proxied.server.free(&doses).await?;
    let disturbed = Disturbed::before(proxied, asked, stream.link, &doors).await?;
    context
        .write_ahead(std::slice::from_ref(&proxied.node), |node| {
            journal::Effect::Toxic { node }
        })
        .await?;
    let at = match proxied.server.add(&doses, context.emitter.clock()).await {
        Ok(at) => at,
        Err(error) => {
            // What was added until then must not stay; the journal's word stays if it does.
            let _ = proxied.server.remove(&doses).await;
            return Err(error.into());
        }
    };
    let effect = StreamsEffect {
        disturbed,
        nodes: nodes.clone(),
        doses,
    };
    Ok(Injected {
        victims: nodes,
        primary_hit,
        means: means(how, stream.link),
        at,
        effect: Arc::new(effect),
    })
}

fn means(how: Toxic, link: StreamLink) -> String {
    let between = match link {
        StreamLink::Clients => "between the clients and the node",
        StreamLink::Replication => "between the node and its followers",
    };
    format!("Toxiproxy's `{}` {between}", how.kind())
}

fn doses(doors: &[Door], asked: &Asked) -> Vec<Dose> {
    let sides: &[Side] = match asked.flow {
        Flow::Down => &[Side::Downstream],
        Flow::Up => &[Side::Upstream],
        Flow::Both => &[Side::Downstream, Side::Upstream],
    };
    let of = |door: &Door| {
        let proxy = door_name(&door.node, door.link);
        let dose = move |side: &Side| Dose {
            proxy: proxy.clone(),
            side: *side,
            toxic: asked.how,
            // A percentage has at most seven digits.
            toxicity: asked.share as f32,
        };
        sides.iter().map(dose).collect::<Vec<_>>()
    };
    doors.iter().flat_map(of).collect()
}

/// Takes the toxics back.
///
/// # Errors
/// When one is still in force.
async fn calm(doses: &[Dose], context: &FaultContext) -> Result<(), FaultError> {
    let Some(proxied) = context.system.proxied() else {
        return Ok(());
    };
    if proxied.server.remove(doses).await? {
        let node = proxied.node.clone();
        let _ = context
            .journal
            .undone(journal::Effect::Toxic { node })
            .await;
    }
    Ok(())
}

impl Disturbed {
    /// Opens connections and measures how they fare before the fault.
    async fn before(
        proxied: &Proxied,
        asked: Asked,
        link: StreamLink,
        doors: &[Door],
    ) -> Result<Self, FaultError> {
        let dialogue = proxied.dialogue;
        let opened = doors.iter().map(|door| async {
            let failed =
                |cause: String| FaultError::Stream(door_name(&door.node, door.link), cause);
            let mut held = Vec::new();
            for _ in 0..count(asked) {
                held.push(healthy(door, dialogue).await.map_err(failed)?);
            }
            let before = usual(&mut held, door, &asked, dialogue);
            let before = before.await.map_err(failed)?;
            Ok(Behind {
                door: door.clone(),
                held: Mutex::new(held),
                before,
            })
        });
        let doors_before: Result<Vec<Behind>, FaultError> =
            join_all(opened).await.into_iter().collect();
        let others = proxied.doors.iter().filter(|door| !doors.contains(door));
        let spared = others.map(|door| async {
            let alive = healthy(door, dialogue).await.is_ok();
            (door.clone(), alive)
        });
        Ok(Self {
            asked,
            link,
            doors: doors_before?,
            spared: join_all(spared).await,
            dialogue,
        })
    }
}

fn count(asked: Asked) -> usize {
    if asked.share < 1.0 {
        CONNECTIONS_SHARED
    } else {
        CONNECTIONS
    }
}

/// A connection on which bytes came back.
async fn healthy(door: &Door, dialogue: &'static dyn Dialogue) -> Result<Talk, String> {
    let opened = Talk::open(door.address, dialogue, HEALTHY).await;
    let (mut talk, _) = opened.map_err(|error| error.to_string())?;
    let heard = talk.ask(1, dialogue, HEALTHY).await;
    match heard.end {
        End::Whole => Ok(talk),
        end => Err(format!("a request came to {end}")),
    }
}

/// How long what is measured takes without the fault.
async fn usual(
    held: &mut [Talk],
    door: &Door,
    asked: &Asked,
    dialogue: &'static dyn Dialogue,
) -> Result<Duration, String> {
    if let Toxic::SlowClose(_) = asked.how {
        let talk = healthy(door, dialogue).await?;
        return Ok(part(talk, asked, dialogue).await.took);
    }
    let Some(talk) = held.first_mut() else {
        return Err("no connection".into());
    };
    Ok(rounds(talk, asked, dialogue).await.took)
}

/// Each stream meant fares as asked, on connections of before and new ones, and the other proxies are as before.
async fn look_on(disturbed: &Disturbed) -> Seen {
    let mut seen = Seen::default();
    let looked = disturbed.doors.iter().map(|behind| async {
        let held: Vec<Talk> = behind.held.lock().await.drain(..).collect();
        let (asked, dialogue) = (&disturbed.asked, disturbed.dialogue);
        let old = join_all(
            held.into_iter()
                .map(|talk| look(talk, None, asked, dialogue)),
        );
        let new = (0..count(*asked)).map(|_| fresh(&behind.door, asked, dialogue));
        let (old, new) = tokio::join!(old, join_all(new));
        let looks = Looks {
            asked: *asked,
            before: behind.before,
            old: old.into_iter().map(Some).collect(),
            new,
        };
        (name(&behind.door, disturbed.link), looks)
    });
    for (name, looks) in join_all(looked).await {
        let (text, fine) = looks.judge();
        let text = format!("{name}: {text}");
        if fine { seen.yes(text) } else { seen.no(text) }
    }
    spared(disturbed, &mut seen).await;
    seen
}

fn name(door: &Door, link: StreamLink) -> String {
    match link {
        StreamLink::Clients => format!("clients of {} through the proxy", door.node),
        StreamLink::Replication => format!("followers of {} through the proxy", door.node),
    }
}

async fn spared(disturbed: &Disturbed, seen: &mut Seen) {
    let alive = disturbed.spared.iter().filter(|(_, alive)| *alive);
    let asked =
        alive.map(|(door, _)| async move { (door, healthy(door, disturbed.dialogue).await) });
    let mut well = 0;
    for (door, answer) in join_all(asked).await {
        match answer {
            Ok(_) => well += 1,
            Err(cause) => seen.no(format!(
                "proxy {}, which was not meant: {cause}",
                door_name(&door.node, door.link)
            )),
        }
    }
    if well > 0 {
        seen.yes(format!("{well} other proxies answer as before"));
    }
}

/// A new connection under the fault; none if it could not even be opened.
async fn fresh(door: &Door, asked: &Asked, dialogue: &'static dyn Dialogue) -> Option<Look> {
    let opened = Talk::open(door.address, dialogue, asked.patience()).await;
    let (talk, greeted) = opened.ok()?;
    Some(look(talk, greeted, asked, dialogue).await)
}

/// How a connection fares. What came of the greeting belongs to it.
async fn look(
    mut talk: Talk,
    greeted: Option<Heard>,
    asked: &Asked,
    dialogue: &'static dyn Dialogue,
) -> Look {
    if let Some(heard) = greeted.filter(|heard| heard.end != End::Whole) {
        return Look::of(&heard);
    }
    match asked.how {
        Toxic::SlowClose(_) => part(talk, asked, dialogue).await,
        Toxic::LimitData(bytes) => exhaust(&mut talk, greeted, bytes, asked, dialogue).await,
        _ => rounds(&mut talk, asked, dialogue).await,
    }
}

async fn part(talk: Talk, asked: &Asked, dialogue: &'static dyn Dialogue) -> Look {
    // Bytes up are closed late when this side closes first, bytes down when the server does.
    let heard = match asked.flow {
        Flow::Up => talk.leave(asked.patience()).await,
        Flow::Down | Flow::Both => talk.part(dialogue, asked.patience()).await,
    };
    Look::of(&heard)
}

/// Asks as often as it takes to measure, and gives the median.
async fn rounds(talk: &mut Talk, asked: &Asked, dialogue: &'static dyn Dialogue) -> Look {
    let mut looks = Vec::new();
    for _ in 0..asked.rounds() {
        let heard = talk.ask(asked.load(), dialogue, asked.patience()).await;
        if heard.end != End::Whole {
            return Look::of(&heard);
        }
        looks.push(Look::of(&heard));
    }
    Look::median(looks)
}

/// Asks until no more bytes pass, or more than should.
async fn exhaust(
    talk: &mut Talk,
    greeted: Option<Heard>,
    bytes: u32,
    asked: &Asked,
    dialogue: &'static dyn Dialogue,
) -> Look {
    let most = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut all = greeted.as_ref().map_or_else(Look::default, Look::of);
    loop {
        let heard = talk.ask(asked.load(), dialogue, asked.patience()).await;
        all.add(&heard);
        if heard.end != End::Whole || all.heard.min(all.passed) > most {
            return all;
        }
    }
}
