//! A server whose certificate has expired.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::{sync::Mutex, time::sleep};

use crate::{
    id::NodeName,
    net::{End, Handshake, Refused, Secured},
    runtime::{NodeState, journal},
    scenario::fault::Certificate,
    system::{
        SystemError,
        certified::{Certified, Issued},
    },
    time::{Clock, wall_now},
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// The longest wait for a server to present what it was told to read; it takes some milliseconds.
const READ: Duration = Duration::from_secs(5);
/// The longest wait for a server to present its own certificate again; it may just be starting.
const BACK: Duration = Duration::from_secs(20);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest wait for an answer on a connection that was opened before.
const ANSWER: Duration = Duration::from_secs(2);

/// A node whose certificate was replaced, and the one that it had.
#[derive(Debug)]
struct Replaced {
    node: NodeName,
    good: Issued,
}

impl Replaced {
    fn effect(&self) -> journal::Effect {
        journal::Effect::Certificate {
            node: self.node.clone(),
            before: self.good.pem.clone(),
        }
    }
}

/// What certificates that have expired should look like.
#[derive(Debug)]
struct CertificateEffect {
    nodes: Vec<One>,
    replaced: Vec<Replaced>,
}

#[derive(Debug)]
struct One {
    node: NodeName,
    /// When the certificate that it had ends, and when the one that it is to present ended.
    before: Timestamp,
    ended: Timestamp,
    /// A session that was opened before.
    held: Mutex<Secured>,
}

#[async_trait]
impl Action for Certificate {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        expire(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for CertificateEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        let nodes: Vec<NodeName> = self.replaced.iter().map(|one| one.node.clone()).collect();
        Some(Undone::of(&nodes, renew(&self.replaced, context).await))
    }
}

/// The certificates of the stack.
fn certified(context: &FaultContext) -> Result<&Certified, FaultError> {
    let none = || SystemError::Refused("no server of this stack presents a certificate".into());
    Ok(context.system.certified().ok_or_else(none)?)
}

/// Lets servers present certificates that have expired.
async fn expire(expired: &Certificate, context: &FaultContext) -> Result<Injected, FaultError> {
    let certified = certified(context)?;
    let chosen = select(&expired.node, context).await?;
    let victims: Vec<NodeName> = chosen.into_iter().filter(|n| certified.has(n)).collect();
    if victims.is_empty() {
        return Err(FaultError::NoVictim(expired.node.to_string()));
    }
    let primary_hit = hits_primary(&victims, context).await;
    let mut nodes = Vec::new();
    let mut replaced = Vec::new();
    for node in &victims {
        let (before, held) = sound(node, certified).await?;
        let good = certified.good(node)?.clone();
        let issued = certified.expired(node, expired.expired.0)?;
        nodes.push(One {
            node: node.clone(),
            before,
            ended: issued.ends,
            held: Mutex::new(held),
        });
        let one = Replaced {
            node: node.clone(),
            good,
        };
        let written = context.journal.ensure(one.effect()).await;
        written.map_err(|error| FaultError::Journal(error.to_string()))?;
        certified.put(node, &issued, &*context.runtime).await?;
        replaced.push(one);
    }
    let reloads = victims
        .iter()
        .map(|node| certified.reload(node, &*context.runtime));
    let (at, results) = context.emitter.time(join_all(reloads)).await;
    results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let injected = Described {
        means: "a certificate of the run's own authority that has expired, for the server's own key, which the server was told to read".into(),
        primary_hit,
        at,
    };
    let effect = CertificateEffect { nodes, replaced };
    Ok(injected.into(victims, effect))
}

/// A server whose certificate is accepted: when that ends, and a session.
async fn sound(node: &NodeName, certified: &Certified) -> Result<(Timestamp, Secured), FaultError> {
    let wrong = |words: String| FaultError::Certificate(node.clone(), words);
    let shaken = certified.shake(node).await;
    let Handshake { ends, session } = shaken.map_err(|error| wrong(error.to_string()))?;
    let session = session.map_err(|(_, words)| wrong(words))?;
    let ends = ends.ok_or_else(|| wrong("it presented none that can be read".into()))?;
    Ok((ends, session))
}

/// A new handshake is refused because the certificate presented ended when it was to end, and a connection of before answers.
async fn look(presenting: &CertificateEffect, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for one in &presenting.nodes {
        let (fits, text) = new_one(one, context).await;
        let text = format!("{}: {text}", one.node);
        if fits {
            seen.yes(text)
        } else {
            seen.no(text)
        }
        let (fits, text) = old_one(one, context).await;
        let text = format!("{}: {text}", one.node);
        if fits { seen.yes(text) } else { seen.no(text) }
    }
    seen
}

/// Looks until a new handshake fares as it should, or the time for that is over.
async fn new_one(one: &One, context: &FaultContext) -> (bool, String) {
    let certified = match certified(context) {
        Ok(certified) => certified,
        Err(error) => return (false, error.to_string()),
    };
    let clock = Clock::start();
    loop {
        let (fits, text) = match certified.shake(&one.node).await {
            Ok(shaken) => judge(one.before, one.ended, shaken),
            Err(error) => (false, format!("no handshake came about: {error}")),
        };
        if fits || clock.now().since_start() >= READ {
            return (fits, text);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Whether a new handshake was refused for the certificate that was asked for, and the words for it.
fn judge(before: Timestamp, ended: Timestamp, shaken: Handshake) -> (bool, String) {
    let presented = shaken
        .ends
        .map_or_else(|| "none".to_owned(), |ends| ends.to_string());
    let (refused, words) = match shaken.session {
        Ok(_) => (false, "was accepted".to_owned()),
        Err((Some(Refused::Expired), words)) => (true, format!("was refused: {words}")),
        Err((_, words)) => (false, format!("failed otherwise: {words}")),
    };
    let fits = refused && shaken.ends == Some(ended) && ended < wall_now();
    let text = format!(
        "asked for a certificate that ended at {ended}; presented was one that ends at {presented} ({before} before), and a new handshake {words}"
    );
    (fits, text)
}

async fn old_one(one: &One, context: &FaultContext) -> (bool, String) {
    let mut held = one.held.lock().await;
    let dialogue = match certified(context) {
        Ok(certified) => certified.dialogue(),
        Err(error) => return (false, error.to_string()),
    };
    let heard = held.ask(1, dialogue, ANSWER).await;
    let millis = heard.took.as_secs_f64() * 1e3;
    match heard.end {
        End::Whole => {
            let text = format!("a connection opened before answered after {millis:.1} ms");
            (true, text)
        }
        end => {
            let text = format!("a request on a connection opened before came to {end}");
            (false, text)
        }
    }
}

/// Puts the certificates back that were there before, and sees that new handshakes are accepted.
async fn renew(replaced: &[Replaced], context: &FaultContext) -> Result<(), FaultError> {
    let renewals = replaced.iter().map(|one| put_back(one, context));
    join_all(renewals).await.into_iter().collect()
}

async fn put_back(one: &Replaced, context: &FaultContext) -> Result<(), FaultError> {
    let certified = certified(context)?;
    certified
        .put(&one.node, &one.good, &*context.runtime)
        .await?;
    match context.runtime.state(&one.node).await {
        Ok(NodeState::Running) => {
            certified.reload(&one.node, &*context.runtime).await?;
            accepted(one, certified).await?;
        }
        Ok(NodeState::Paused) => {
            let words = "it is frozen, and cannot read its own again".to_owned();
            return Err(FaultError::Certificate(one.node.clone(), words));
        }
        // A node that is down reads it when it starts.
        _ => {}
    }
    let _ = context.journal.undone(one.effect()).await;
    Ok(())
}

async fn accepted(one: &Replaced, certified: &Certified) -> Result<(), FaultError> {
    let clock = Clock::start();
    loop {
        let found = sound(&one.node, certified).await;
        match found {
            Ok((ends, _)) if ends == one.good.ends => return Ok(()),
            Ok((ends, _)) if clock.now().since_start() >= BACK => {
                let words = format!("it presents one that ends at {ends}");
                return Err(FaultError::Certificate(one.node.clone(), words));
            }
            Err(error) if clock.now().since_start() >= BACK => return Err(error),
            _ => sleep(LOOK_EVERY).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn shaken(ends: i64, why: Option<Refused>) -> Handshake {
        Handshake {
            ends: Some(at(ends)),
            session: Err((why, "words".into())),
        }
    }

    #[test]
    fn only_a_refusal_for_expiry_of_the_very_certificate_counts() {
        let now = wall_now().as_second();
        let judge = |ended, shaken| judge(at(now + 900), at(ended), shaken).0;
        let expired = Some(Refused::Expired);
        assert!(judge(now - 60, shaken(now - 60, expired)));
        assert!(!judge(now - 60, shaken(now - 90, expired)), "another one");
        assert!(!judge(now + 60, shaken(now + 60, expired)), "still valid");
        let otherwise = Some(Refused::Otherwise);
        assert!(!judge(now - 60, shaken(now - 60, otherwise)));
        assert!(!judge(now - 60, shaken(now - 60, None)));
        let none = Handshake {
            ends: None,
            session: Err((expired, "words".into())),
        };
        assert!(!judge(now - 60, none), "nothing was presented");
    }
}
