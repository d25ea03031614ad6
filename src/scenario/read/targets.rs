//! Decoding `targets`: what must hold.

use std::str::FromStr;

use crate::scenario::{
    Confidence, Consistency, Dur, Goal, Percent, RecoveredBy, Rpo, Targets, problem::Problem,
    scalar::ScalarError,
};

use super::{
    decode::{Decoder, Fields},
    tree::{Tree, Value},
};

/// Decodes `targets`.
pub fn targets(d: &mut Decoder, tree: &Tree) -> Option<Targets> {
    let mut f = d.fields(tree, "`targets`")?;
    let targets = Targets {
        rto: duration(d, &mut f, "rto"),
        rto_write: duration(d, &mut f, "rto-write"),
        rto_read: duration(d, &mut f, "rto-read"),
        rto_app: duration(d, &mut f, "rto-app"),
        rto_slo: duration(d, &mut f, "rto-slo"),
        outage: duration(d, &mut f, "outage"),
        failback: duration(d, &mut f, "failback"),
        max_gap: duration(d, &mut f, "max-gap"),
        rpo: f.get("rpo").and_then(|tree| rpo(d, tree)),
        split_brain: count(d, &mut f, "split-brain"),
        fencing: duration(d, &mut f, "fencing"),
        staleness: duration(d, &mut f, "staleness"),
        redundancy_restored: duration(d, &mut f, "redundancy-restored"),
        availability: goal::<Percent>(d, &mut f, "availability", "a percentage"),
        unavailable_total: duration(d, &mut f, "unavailable-total"),
        rebalance: duration(d, &mut f, "rebalance"),
        archive_lag: duration(d, &mut f, "archive-lag"),
        restore_rto: duration(d, &mut f, "restore-rto"),
        restore_rpo: duration(d, &mut f, "restore-rpo"),
        pitr_missing: count(d, &mut f, "pitr-missing"),
        pitr_extra: count(d, &mut f, "pitr-extra"),
        consistency: f.get("consistency").and_then(|tree| consistency(d, tree)),
        recovered_by: f.get("recovered-by").and_then(|tree| recovered_by(d, tree)),
        confidence: f.get("confidence").and_then(|tree| confidence(d, tree)),
    };
    d.finish(f);
    Some(targets)
}

fn goal<T: FromStr<Err = ScalarError>>(
    d: &mut Decoder,
    f: &mut Fields<'_>,
    name: &'static str,
    what: &str,
) -> Option<Goal<T>> {
    f.get(name).and_then(|tree| d.goal(tree, what))
}

fn duration(d: &mut Decoder, f: &mut Fields<'_>, name: &'static str) -> Option<Goal<Dur>> {
    goal(d, f, name, "a duration")
}

fn count(d: &mut Decoder, f: &mut Fields<'_>, name: &'static str) -> Option<Goal<u64>> {
    f.get(name).and_then(|tree| d.count_goal(tree, "a count"))
}

/// `any`, or limits; `rpo: 1s` alone could mean either seconds or a count, so it is asked for.
fn rpo(d: &mut Decoder, tree: &Tree) -> Option<Rpo> {
    let help = "write `rpo: any`, or a map of limits such as `rpo: { seconds: 1s }` or `rpo: { count: 0 }`";
    if let Value::Scalar(text) = &tree.value {
        if text == "any" {
            return Some(Rpo::ANY);
        }
        d.note(
            Problem::at(
                tree.place.clone(),
                format!("failed to read `{text}` as an RPO target"),
            )
            .help(help),
        );
        return None;
    }
    let mut f = d.fields(tree, "`rpo`")?;
    let rpo = Rpo {
        seconds: duration(d, &mut f, "seconds"),
        count: count(d, &mut f, "count"),
        bytes: f
            .get("bytes")
            .and_then(|tree| d.count_goal(tree, "a number of bytes")),
    };
    d.finish(f);
    if matches!(&tree.value, Value::Map(entries) if entries.is_empty()) {
        d.note(Problem::at(tree.place.clone(), "`rpo` names no limit").help(help));
        return None;
    }
    Some(rpo)
}

fn consistency(d: &mut Decoder, tree: &Tree) -> Option<Consistency> {
    let words = [
        ("linearizable", Consistency::Linearizable),
        ("constant-total", Consistency::ConstantTotal),
        ("read-committed", Consistency::ReadCommitted),
        ("snapshot-isolation", Consistency::SnapshotIsolation),
        ("serializable", Consistency::Serializable),
        ("strict-serializable", Consistency::StrictSerializable),
        ("any", Consistency::Any),
    ];
    d.word(tree, "consistency", &words)
}

fn recovered_by(d: &mut Decoder, tree: &Tree) -> Option<RecoveredBy> {
    let words = [
        ("other-node", RecoveredBy::OtherNode),
        ("restart", RecoveredBy::Restart),
        ("heal", RecoveredBy::Heal),
    ];
    d.word(tree, "way of recovery", &words)
}

fn confidence(d: &mut Decoder, tree: &Tree) -> Option<Confidence> {
    let mut f = d.fields(tree, "`confidence`")?;
    let mut percent = |name, help| {
        let tree = f.need(name, help)?;
        let percent: Percent = d.scalar(tree, "a percentage")?;
        d.within(
            tree,
            &format!("a {name}"),
            percent,
            Percent(1.0)..=Percent(99.9),
        )
    };
    let quantile = percent("quantile", "write `quantile: 50%` for the median");
    let level = percent("level", "write `level: 95%`");
    d.finish(f);
    Some(Confidence {
        quantile: quantile?,
        level: level?,
    })
}
