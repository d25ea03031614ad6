//! The order of steps: what cannot follow what.

use crate::scenario::{
    Expect, Fault, Point, Selector, Step,
    problem::{Place, Problem},
};

use super::{decode::Decoder, tree::Tree};

/// What has happened up to a step.
#[derive(Default)]
struct Before<'t> {
    /// A baseline was measured.
    steady: bool,
    /// Something was done that clients may notice, and where.
    disturbed: Option<&'t Place>,
    /// The primary may have moved.
    moved: bool,
    /// Faults not yet healed, and where.
    unhealed: Vec<(&'t Fault, &'t Place)>,
    /// Some step waited after the first disturbance.
    waited: bool,
    /// A backup was made.
    backup: bool,
    /// A fault did harm that shows, and whether there was a backup by then.
    harmed: Option<bool>,
}

/// Notes steps that make no sense where they stand. A step that could not be read may be anything, so
/// nothing is said about those behind it.
pub fn check(d: &mut Decoder, list: &Tree, items: &[Tree], steps: &[Option<Step>]) {
    let mut before = Before::default();
    for (item, step) in items.iter().zip(steps) {
        let Some(step) = step else {
            return;
        };
        if let Some(problem) = before.problem(step, &item.place) {
            d.note(problem);
        }
        before.take(step, &item.place);
    }
    match before.disturbed {
        None => d.note(
            Problem::at(list.place.clone(), "nothing happens in this drill").help(
                "add a step such as `- fault: { kill: primary }`; a control run says `- fault: noop`",
            ),
        ),
        Some(place) if !before.waited => d.note(
            Problem::at(place.clone(), "the drill ends before anything can be measured").help(
                "wait for the recovery behind it: `- expect: { recovered: { within: 60s } }`",
            ),
        ),
        Some(_) => {}
    }
}

impl<'t> Before<'t> {
    fn problem(&self, step: &Step, place: &Place) -> Option<Problem> {
        let (message, help) = match step {
            Step::Steady(_) | Step::Hold(_) => return None,
            Step::Capacity(_) if self.steady || self.disturbed.is_some() => (
                "the capacity is measured too late".to_owned(),
                "put it first: what it leaves undone must not reach into the baseline",
            ),
            Step::Capacity(_) => return None,
            Step::Fault(_) | Step::Consumer(_) | Step::Switchover(_)
                if !self.steady && self.disturbed.is_none() =>
            {
                (
                    "there is no baseline before this step".to_owned(),
                    "let the clients run undisturbed first: `- steady: 10s`",
                )
            }
            Step::Fault(fault) => return self.victim_problem(fault, place),
            Step::Consumer(_) | Step::Switchover(_) => return None,
            Step::Runbook(runbook) if self.disturbed.is_none() => (
                format!("the runbook `{runbook}` has no cause yet"),
                "put the fault that it answers before it, or `- fault: noop` where it must refuse",
            ),
            Step::Runbook(_) => return None,
            Step::Expect(expect) if self.disturbed.is_none() => (
                format!(
                    "nothing has happened yet before `{}` is expected",
                    noun(expect)
                ),
                "put it behind a fault or a switchover",
            ),
            Step::Expect(_) => return None,
            Step::Heal(what) => return self.heal_problem(what, place),
            Step::Backup(_) => return None,
            Step::Restore(_) if !self.backup => (
                "there is no backup before this restore".to_owned(),
                "make one first: `- backup: now`",
            ),
            Step::Restore(restore)
                if restore.to == Point::BeforeMistake && self.harmed.is_none() =>
            {
                (
                    "there is no mistake before this restore".to_owned(),
                    "put `- fault: { mistake: ... }` before it, or say how long ago: `{ to: 5s ago }`",
                )
            }
            Step::Restore(restore)
                if restore.to == Point::BeforeMistake && self.harmed == Some(false) =>
            {
                (
                    "there is no backup from before the mistake".to_owned(),
                    "put `- backup: now` before the `mistake`",
                )
            }
            Step::Restore(_) => return None,
            Step::Failback(_) => return self.failback_problem(place),
        };
        Some(Problem::at(place.clone(), message).help(help))
    }

    fn victim_problem(&self, fault: &Fault, place: &Place) -> Option<Problem> {
        (self.disturbed.is_none() && names_old_primary(fault)).then(|| {
            Problem::at(
                place.clone(),
                "there is no old primary before the first fault",
            )
            .help("say `primary`")
        })
    }

    fn heal_problem(&self, what: &str, place: &Place) -> Option<Problem> {
        if self
            .unhealed
            .iter()
            .any(|(fault, _)| what == "all" || what == fault.name())
        {
            return None;
        }
        let message = if what == "all" {
            "there is no fault to heal here".to_owned()
        } else {
            format!("there is no `{what}` to heal here")
        };
        Some(Problem::at(place.clone(), message).help("put it behind the fault that it ends, once"))
    }

    fn failback_problem(&self, place: &Place) -> Option<Problem> {
        if !self.moved {
            return Some(
                Problem::at(place.clone(), "nothing has moved the primary before this failback")
                    .help("remove the step, or put it behind the fault or switchover that moves the primary"),
            );
        }
        let (fault, cause) = self.unhealed.iter().find(|(fault, _)| fault.lasts())?;
        Some(
            Problem::at(
                place.clone(),
                format!("the {} is not healed yet at this failback", fault.name()),
            )
            .also(cause, "broken here")
            .help("heal first and wait: `- heal: all`, then `- expect: { redundant: { within: 2m } }`"),
        )
    }

    fn take(&mut self, step: &'t Step, place: &'t Place) {
        match step {
            Step::Steady(_) => self.steady = true,
            Step::Capacity(_) => {}
            Step::Backup(_) => self.backup = true,
            Step::Restore(_) => self.waited |= self.disturbed.is_some(),
            Step::Hold(_) | Step::Expect(_) => self.waited |= self.disturbed.is_some(),
            Step::Fault(fault) => {
                self.disturbed.get_or_insert(place);
                self.moved |= !fault.is_control();
                if fault.harm().is_some() {
                    self.harmed = Some(self.backup);
                }
                self.unhealed.push((fault, place));
            }
            Step::Consumer(_) => {
                self.disturbed.get_or_insert(place);
            }
            Step::Switchover(_) | Step::Failback(_) | Step::Runbook(_) => {
                self.disturbed.get_or_insert(place);
                // What a file's runbook does is not known here.
                self.moved = true;
            }
            Step::Heal(what) => self
                .unhealed
                .retain(|(fault, _)| what != "all" && what != fault.name()),
        }
    }
}

fn names_old_primary(fault: &Fault) -> bool {
    let named = fault.named();
    named
        .iter()
        .any(|(_, selector)| **selector == Selector::OldPrimary)
}

fn noun(expect: &Expect) -> &'static str {
    match expect {
        Expect::Recovered(_) => "recovered",
        Expect::Redundant(_) => "redundant",
        Expect::Consumed(_) => "consumed",
        Expect::Alerted(_) => "alerted",
        Expect::Resolved(_) => "resolved",
    }
}
