//! The faults in force, some of which end by themselves after a time.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use crate::{
    fault::{ActiveFault, FaultContext},
    record::What,
    scenario::Dur,
    time::Nanos,
};

/// The faults in force.
#[derive(Default)]
pub struct Faults {
    active: Arc<Mutex<Vec<ActiveFault>>>,
    timers: Vec<JoinHandle<()>>,
}

impl Faults {
    /// Takes a fault in charge; with `lasting` it is healed that long after `since`.
    pub fn hold(
        &mut self,
        fault: ActiveFault,
        lasting: Option<(Nanos, Dur)>,
        ground: &FaultContext,
    ) {
        let step = fault.step;
        self.lock().push(fault);
        let Some((since, lasting)) = lasting else {
            return;
        };
        let (active, ground) = (self.active.clone(), ground.clone());
        self.timers.push(tokio::spawn(async move {
            let until = ground.emitter.clock().instant(since.after(lasting.0));
            tokio::time::sleep_until(until.into()).await;
            let due = take(&active, |fault| fault.step == step);
            for fault in due {
                if let Err(error) = fault.heal(&ground).await {
                    ground
                        .emitter
                        .say(What::Note(format!("failed to heal: {error}")));
                }
            }
        }));
    }

    /// Takes in charge what is undone after all that is in force.
    pub fn hold_below(&mut self, fault: ActiveFault) {
        self.lock().insert(0, fault);
    }

    /// Undoes all faults in force, the last one first; everything is tried.
    pub async fn heal_all(&mut self, ground: &FaultContext) -> Vec<String> {
        self.heal("all", ground).await
    }

    /// Undoes the faults in force of one kind, or `all`; everything is tried.
    pub async fn heal(&mut self, what: &str, ground: &FaultContext) -> Vec<String> {
        let mut failures = Vec::new();
        let mut faults = take(&self.active, |fault| what == "all" || what == fault.name);
        while let Some(fault) = faults.pop() {
            failures.extend(
                fault
                    .heal(ground)
                    .await
                    .err()
                    .map(|error| error.to_string()),
            );
        }
        failures
    }

    /// Whether something in force starts nodes again by itself.
    pub fn may_return(&self) -> bool {
        self.lock().iter().any(ActiveFault::starts_nodes)
            || self.timers.iter().any(|timer| !timer.is_finished())
    }

    /// Ends what is waiting to heal by itself. To be called after `heal_all`.
    pub async fn close(self) {
        for timer in self.timers {
            timer.abort();
            let _ = timer.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<ActiveFault>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the faults that fit out of the list, so that each is healed once.
fn take(active: &Mutex<Vec<ActiveFault>>, fits: impl Fn(&ActiveFault) -> bool) -> Vec<ActiveFault> {
    let mut active = active.lock().unwrap_or_else(PoisonError::into_inner);
    let (taken, kept) = active.drain(..).partition(fits);
    *active = kept;
    taken
}
