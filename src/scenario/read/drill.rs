//! Decoding `drill`: the list of steps.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use crate::scenario::{
    BackupTime, ConsumerEnd, Dur, Expect, FAULTS, Fault, Move, Restore, Selector, Step, Steps,
    Within, problem::Problem,
};

use super::{
    decode::{Choice, Decoder},
    order, runbook,
    tree::{Tree, Value},
};

const STEPS: &[&str] = &[
    "steady",
    "hold",
    "capacity",
    "fault",
    "consumer",
    "switchover",
    "runbook",
    "expect",
    "heal",
    "failback",
    "backup",
    "restore",
];
/// How a restore says its point.
const TO: &str = "say up to when, such as `- restore: { to: before-mistake }` `- restore: { to: 5s ago }` or `- restore: { to: latest }`";
const STEPS_MAX: usize = 100;
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Decodes the steps and checks their order.
pub fn drill(d: &mut Decoder, tree: &Tree) -> Option<Steps> {
    let items = d.list(tree, "`drill`")?;
    if items.len() > STEPS_MAX {
        let message = format!(
            "the drill has {} steps; at most {STEPS_MAX} are run",
            items.len()
        );
        d.note(Problem::at(tree.place.clone(), message).help("split it into several scenarios"));
        return None;
    }
    let mut unjudged = BTreeSet::new();
    let mut steps: Vec<Option<Step>> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let (item, any) = without_targets(d, item);
        let step = step(d, &item);
        if any && let Some(step) = &step {
            outage_of(d, &item, step);
            unjudged.insert(index);
        }
        steps.push(step);
    }
    order::check(d, tree, items, &steps);
    let steps = steps.into_iter().collect::<Option<_>>()?;
    Some(Steps::new(steps, unjudged))
}

/// The item without the key `targets` that may stand beside its step, and whether that says `any`.
fn without_targets<'t>(d: &mut Decoder, tree: &'t Tree) -> (Cow<'t, Tree>, bool) {
    let Value::Map(entries) = &tree.value else {
        return (Cow::Borrowed(tree), false);
    };
    let place = entries.iter().position(|(key, _)| key.text == "targets");
    let Some(place) = place.filter(|_| entries.len() > 1) else {
        return (Cow::Borrowed(tree), false);
    };
    let any = d.word(&entries[place].1, "target of a step", &[("any", "any")]);
    let mut entries = entries.clone();
    entries.remove(place);
    let step = Tree {
        value: Value::Map(entries),
        ..tree.clone()
    };
    (Cow::Owned(step), any.is_some())
}

/// Only a step that may interrupt service has something that the targets could judge.
fn outage_of(d: &mut Decoder, tree: &Tree, step: &Step) {
    match step {
        Step::Fault(_) | Step::Consumer(_) | Step::Switchover(_) | Step::Failback(_) => {}
        Step::Steady(_)
        | Step::Hold(_)
        | Step::Capacity(_)
        | Step::Runbook(_)
        | Step::Expect(_)
        | Step::Heal(_)
        | Step::Backup(_)
        | Step::Restore(_) => d.note(
            Problem::at(
                tree.place.clone(),
                "`targets: any` stands beside a step that interrupts nothing by itself",
            )
            .help("put it beside the fault; what follows its heal goes with it"),
        ),
    }
}

fn step(d: &mut Decoder, tree: &Tree) -> Option<Step> {
    let choice = d.choice(tree, "step", STEPS)?;
    let help = match choice.name {
        "steady" => "write how long, such as `- steady: 10s`",
        "hold" => "write how long, such as `- hold: 5s`",
        "capacity" => "write how long, such as `- capacity: 3s`",
        "fault" => {
            "write what breaks, such as `- fault: { kill: { node: primary } }` or `- fault: noop`"
        }
        "consumer" => "say which and how, such as `- consumer: { crash: 1 }`",
        "switchover" => {
            "write `- switchover: planned`, or say where to: `- switchover: { to: replica }`"
        }
        "runbook" => "name a runbook, such as `- runbook: promote-replica`, or a file of your own",
        "expect" => "write what for, such as `- expect: { recovered: { within: 60s } }`",
        "heal" => "write `- heal: all`, or the kind of fault",
        "backup" => "write `- backup: now`",
        "restore" => TO,
        _ => "write `- failback: planned`",
    };
    let body = d.body(&choice, help)?;
    Some(match choice.name {
        "steady" => Step::Steady(lasting(d, body, 2 * SECOND)?),
        "hold" => Step::Hold(lasting(d, body, SECOND / 10)?),
        "capacity" => Step::Capacity(lasting(d, body, SECOND)?),
        "fault" => Step::Fault(Fault::decode(d, body)?),
        "consumer" => Step::Consumer(consumer(d, body)?),
        "switchover" => Step::Switchover(planned(d, body, "`switchover`")?),
        "runbook" => Step::Runbook(runbook::step(d, body)?),
        "expect" => Step::Expect(expect(d, body)?),
        "heal" => Step::Heal(heal(d, body)?),
        "backup" => Step::Backup(d.word(body, "time of a backup", &[("now", BackupTime::Now)])?),
        "restore" => Step::Restore(restore(d, body)?),
        _ => Step::Failback(planned(d, body, "`failback`")?),
    })
}

fn lasting(d: &mut Decoder, tree: &Tree, least: Duration) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    d.within(tree, "a time", dur, Dur(least)..=Dur(DAY))
}

/// `planned`, or where to.
fn planned(d: &mut Decoder, tree: &Tree, what: &'static str) -> Option<Move> {
    match &tree.value {
        Value::Scalar(text) if text == "planned" => return Some(Move::default()),
        Value::Scalar(text) => {
            let message = format!("unknown way `{text}` for {what}");
            let help = "write `planned`, or say where to: `{ to: replica }`";
            d.note(Problem::at(tree.place.clone(), message).help(help));
            return None;
        }
        Value::Null | Value::List(_) | Value::Map(_) => {}
    }
    let mut f = d.fields(tree, what)?;
    let to = f.get("to").map(|tree| d.scalar::<Selector>(tree, "a node"));
    d.finish(f);
    match to {
        None => Some(Move::default()),
        Some(to) => Some(Move { to: Some(to?) }),
    }
}

fn restore(d: &mut Decoder, tree: &Tree) -> Option<Restore> {
    let mut f = d.fields(tree, "`restore`")?;
    let to = f
        .need("to", TO)
        .and_then(|tree| d.scalar(tree, "a point in time"));
    d.finish(f);
    Some(Restore { to: to? })
}

fn consumer(d: &mut Decoder, tree: &Tree) -> Option<ConsumerEnd> {
    let choice = d.choice(tree, "way to go", &["crash", "leave"])?;
    let body = d.body(&choice, "say which consumer, counted from 1")?;
    let member = d.number(body, "a consumer's number", 1..=16)?;
    Some(match choice.name {
        "crash" => ConsumerEnd::Crash(member),
        _ => ConsumerEnd::Leave(member),
    })
}

fn expect(d: &mut Decoder, tree: &Tree) -> Option<Expect> {
    let choice = d.choice(
        tree,
        "condition",
        &["recovered", "redundant", "consumed", "alerted", "resolved"],
    )?;
    let within = within(d, &choice)?;
    Some(match choice.name {
        "recovered" => Expect::Recovered(within),
        "redundant" => Expect::Redundant(within),
        "consumed" => Expect::Consumed(within),
        "alerted" => Expect::Alerted(within),
        _ => Expect::Resolved(within),
    })
}

fn within(d: &mut Decoder, choice: &Choice<'_>) -> Option<Within> {
    let help = "every wait has a deadline: write `{ within: 60s }`";
    let body = d.body(choice, help)?;
    let mut f = d.fields(body, "the condition")?;
    let within = f
        .need("within", help)
        .and_then(|tree| lasting(d, tree, SECOND));
    d.finish(f);
    Some(Within { within: within? })
}

fn heal(d: &mut Decoder, tree: &Tree) -> Option<String> {
    let kinds = FAULTS.iter().map(|facts| (facts.name, facts.name));
    let words: Vec<(&'static str, &'static str)> =
        std::iter::once(("all", "all")).chain(kinds).collect();
    d.word(tree, "fault to heal", &words).map(str::to_owned)
}
