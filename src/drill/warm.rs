//! A stack between two repeats: kept after one, made ready again for the next.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    fault::FaultContext,
    id::{NodeName, RunId},
    net::{LinkProbe, Links},
    record::{Emitter, Environment, MemberKind, Rearmed, Residue, Stack, What},
    runtime::Runtime,
    scenario::{Selector, Step},
    system::{Redundancy, SharedRunning},
};

use super::{
    Plan,
    allot::allot,
    lost::{Lost, unless_lost},
    plan_design::selectors,
    provision::{Machines, Provisioned, remove},
};

/// The longest wait for every member to be back in sync.
const WHOLE_LIMIT: Duration = Duration::from_secs(60);

/// The longest wait for bytes to pass a link.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// The fewest operations that may stand for another drill's baseline; below, it takes one of its own. The baseline's own
/// least number (measurement definitions, section 4).
const LENT_LEAST: u64 = 1_000;

/// A stack that was not torn down after a drill.
pub struct WarmStack {
    pub(super) machines: Machines,
    pub(super) links: Option<Arc<dyn Links>>,
    pub(super) system: SharedRunning,
    pub(super) past: StackHistory,
}

/// What a stack has been through.
#[derive(Debug, Clone)]
pub struct StackHistory {
    /// The run that it was brought up for.
    pub stack_of: RunId,
    /// The run that was on it last.
    pub after: RunId,
    /// How many runs were on it.
    pub runs: u32,
    /// Its first primary.
    pub first_primary: NodeName,
    /// Operations of service lanes that the last run saw acknowledged after each lane's last failure.
    pub sound: u64,
}

impl WarmStack {
    /// The machines that it stands on.
    pub fn machines(&self) -> Machines {
        self.machines.clone()
    }

    /// Removes it; says what is left.
    pub async fn tear_down(self) -> Residue {
        self.system.close().await;
        let residue = remove(&*self.machines.runtime).await;
        // What could not be removed stays in the journal, for the next sweep.
        let _ = self.machines.journal.finish();
        residue
    }
}

/// Makes a stack ready for another drill: as whole as a fresh one, proven so, with nothing that holds the next failover
/// back, and roles as the scenario needs them.
///
/// # Errors
/// Why it cannot be: then a fresh stack is needed, and this one must be torn down.
pub async fn rearm(
    plan: &Plan,
    warm: &WarmStack,
    run: &RunId,
    emitter: &Emitter,
) -> Result<Provisioned, String> {
    let WarmStack {
        machines,
        links,
        system,
        past,
    } = warm;
    if plan.sidecars() && links.is_none() {
        return Err("its nodes have no sidecars, which this drill needs".into());
    }
    retell(machines, emitter).await?;
    emitter.note(format!(
        "making the stack of run {} ready again",
        past.stack_of
    ));
    let rearm = system
        .rearm()
        .ok_or("the system cannot make a stack ready again")?;
    let mut evidence = whole(system, &*machines.runtime).await?;
    if names_nodes(plan) {
        evidence.push(restore_roles(system, &past.first_primary).await?);
    }
    let (at, ready) = emitter.time(rearm.rearm(run, emitter)).await;
    let (system, said) = ready.map_err(|error| error.to_string())?;
    evidence.extend(said);
    if let Some(links) = links {
        evidence.push(reconnect(&**links, system.stack()).await?);
    }
    let stack = allot(plan, &*machines.runtime, system.stack()).await;
    let stack = stack.map_err(|error| error.to_string())?;
    emitter.say_at(at, What::Stack(Box::new(stack)));
    let lent = if past.sound >= LENT_LEAST {
        past.sound
    } else {
        0
    };
    emitter.say(What::Rearmed(Rearmed {
        stack_of: past.stack_of.clone(),
        after: past.after.clone(),
        nth: past.runs + 1,
        lent,
        evidence,
    }));
    let first_primary = system.stack().primary.clone();
    let ground = FaultContext {
        runtime: machines.runtime.clone(),
        links: links.clone(),
        system,
        group: None,
        emitter: emitter.clone(),
        journal: machines.journal.clone(),
        first_primary,
        regions: Arc::new(plan.regions()),
        clocked: Arc::new(plan.clocked()),
        permit: plan.permit(),
    };
    Ok(Provisioned {
        ground,
        past: Some(past.clone()),
        lent: lent > 0,
        alerting: None,
    })
}

/// Says what the stack stands on, as a run on a fresh one would.
async fn retell(machines: &Machines, emitter: &Emitter) -> Result<(), String> {
    let facts = machines.runtime.facts().await;
    emitter.say(What::Environment(Environment {
        drdrill: env!("CARGO_PKG_VERSION").into(),
        facts: facts.map_err(|error| error.to_string())?,
    }));
    for image in &machines.images {
        emitter.say(What::Image(image.clone()));
    }
    Ok(())
}

/// Opens the probe connections again that a restart of a node has ended, and sees that every link passes bytes.
async fn reconnect(links: &dyn Links, stack: &Stack) -> Result<String, String> {
    let members = stack.members.iter();
    let nodes: Vec<NodeName> = members.map(|member| member.name.clone()).collect();
    let mut silent = String::new();
    // A probe is what shows that a connection has ended; only then is it opened anew.
    for _ in 0..2 {
        links.arm(&nodes).await.map_err(|error| error.to_string())?;
        let probes = links.probe(PROBE_LIMIT).await;
        let probes = probes.map_err(|error| error.to_string())?;
        match probes
            .iter()
            .find(|probe| !(probe.established && probe.fresh))
        {
            None => return Ok(format!("{} links pass bytes", probes.len())),
            Some(LinkProbe { from, to, .. }) => {
                let to = to.as_ref().map_or("the harness", |to| to.as_str());
                silent = format!("{from} does not reach {to}");
            }
        }
    }
    Err(silent)
}

/// Waits until every member is present, in sync and eligible, unless one is down with nothing that brings it back.
async fn whole(system: &SharedRunning, runtime: &dyn Runtime) -> Result<Vec<String>, String> {
    let mut last = Vec::new();
    let poll = async {
        loop {
            let Redundancy { whole, evidence } = system.redundancy().await;
            if whole {
                return evidence;
            }
            last = evidence;
            sleep(LOOK).await;
        }
    };
    let members = system.stack().members.iter();
    let data = members.filter(|member| member.kind == MemberKind::Data);
    let nodes: Vec<NodeName> = data.map(|member| member.name.clone()).collect();
    let whole = unless_lost(runtime, &nodes, Lost::Any, poll);
    let found = timeout(WHOLE_LIMIT, whole).await;
    match found {
        Ok(found) => found,
        Err(_) => {
            let missing = last.first().cloned().unwrap_or_default();
            Err(format!(
                "it was not whole within {WHOLE_LIMIT:?}: {missing}"
            ))
        }
    }
}

/// Whether a step speaks of a node by its name or by its place: then who is primary matters.
fn names_nodes(plan: &Plan) -> bool {
    let named = |step: &Step| {
        selectors(step)
            .iter()
            .any(|(_, selector)| matches!(selector, Selector::Named(_) | Selector::Region(_)))
    };
    plan.scenario.drill.iter().any(named)
}

async fn restore_roles(system: &SharedRunning, first: &NodeName) -> Result<String, String> {
    let text = |error: crate::system::SystemError| error.to_string();
    if system.primary().await.map_err(text)? == *first {
        return Ok(format!(
            "{first} is primary, as the scenario's names need it"
        ));
    }
    let planned = system
        .planned_move()
        .ok_or("the scenario names nodes, and this topology cannot move the primary back")?;
    planned.switchover(Some(first)).await.map_err(text)?;
    Ok(format!(
        "{first} was made primary again, as the scenario's names need it"
    ))
}
