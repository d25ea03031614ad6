//! Whether the consistency clients were told what their model allows.

use crate::{
    history::History,
    measure::{ConsistencyFigures, Figure, Figures, format},
    record::Record,
    scenario::{Consistency, ConsistencyKind},
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "consistency";

/// Invalid when no order explains what was told and the target asks for one; the evidence is the first of it in words.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let touches = &[Touch::Data];
    let found = match &figures.consistency {
        Some(Figure::Measured(found)) => found,
        Some(Figure::Missing(why)) => return Finding::unknown(NAME, touches, why.clone()),
        None => return Finding::unknown(NAME, touches, "there are no such clients"),
    };
    let summary = summary(found);
    let more = found.anomalies.saturating_sub(found.told.len() as u64);
    let more = (more > 0).then(|| format!("and {} more", format::count(more)));
    let finding = match record.opened.scenario.targets.consistency {
        _ if found.anomalies == 0 => Finding::valid(NAME, summary),
        Some(
            Consistency::Linearizable
            | Consistency::ConstantTotal
            | Consistency::ReadCommitted
            | Consistency::SnapshotIsolation
            | Consistency::Serializable
            | Consistency::StrictSerializable,
        ) => Finding::invalid(NAME, touches, summary),
        Some(Consistency::Any) => Finding::remark(NAME, format!("{summary}; measured, not judged")),
        None => Finding::unknown(
            NAME,
            touches,
            format!("{summary}; no target says what must hold"),
        ),
    };
    finding.with(found.told.iter().cloned().chain(more))
}

fn summary(found: &ConsistencyFigures) -> String {
    let operations = format::counted(found.operations, "operation");
    match (found.kind, found.anomalies) {
        (ConsistencyKind::Registers, 0) => {
            let registers = format::counted(found.keys.into(), "register");
            format!("some order explains all {operations} on {registers}")
        }
        (ConsistencyKind::Registers, many) => {
            let registers = format::counted(found.keys.into(), "register");
            let (many, broken) = (anomalies(many), found.broken);
            format!("no order explains {operations}: {many} on {broken} of {registers}")
        }
        (ConsistencyKind::Transfers, 0) => {
            let accounts = format::counted(found.keys.into(), "account");
            format!("the total of {accounts} stayed what it was over {operations}")
        }
        (ConsistencyKind::Transfers, many) => {
            let accounts = format::counted(found.keys.into(), "account");
            let reads = format::counted(many, "read");
            format!("{reads} showed another total of {accounts} than they held at first")
        }
        (ConsistencyKind::ListAppend, 0) => {
            format!(
                "{} show nothing that {} rules out",
                transactions(found),
                model(found)
            )
        }
        (ConsistencyKind::ListAppend, _) => {
            let kinds = kinds(found);
            let (transactions, model) = (transactions(found), model(found));
            format!("{transactions} are not {model}: {kinds}")
        }
    }
}

fn transactions(found: &ConsistencyFigures) -> String {
    format::counted(found.operations, "transaction")
}

fn model(found: &ConsistencyFigures) -> Consistency {
    found.model.unwrap_or(found.kind.model())
}

/// How many of each kind.
fn kinds(found: &ConsistencyFigures) -> String {
    let kinds = found.kinds.iter();
    let kinds: Vec<String> = kinds
        .map(|(kind, many)| format!("{kind} {}", format::count(*many)))
        .collect();
    kinds.join(", ")
}

fn anomalies(many: u64) -> String {
    match many {
        1 => "1 anomaly".to_owned(),
        many => format!("{} anomalies", format::count(many)),
    }
}
