//! What a quarter's records show of what controls ask for, and what they do not show.
//!
//! References are named and paraphrased, not quoted: read the original where a claim depends on it.

use crate::{check::Answer, record::DisruptionKind, score::LineState};

use super::{Review, Run, Summary, review::answered};

/// Runs named per claim.
const NAMED: usize = 3;

/// One control, what the records show of it, and what is missing.
#[derive(Debug, Clone)]
pub struct Control {
    /// Where it is asked for.
    pub reference: &'static str,
    /// What is asked, in a few words.
    pub asks: &'static str,
    /// What the records show, with the runs; empty where they show nothing.
    pub shown: String,
    /// What they do not show.
    pub gap: &'static str,
}

/// One control with the runs that show something of it.
struct Rule {
    reference: &'static str,
    asks: &'static str,
    /// What a run shows, as the end of "n runs ...".
    shows: &'static str,
    by: fn(&Summary) -> bool,
    gap: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        reference: "NIST SP 800-53 CP-4",
        asks: "test the contingency plan with defined tests, review, correct",
        shows: "with an RTO and an RPO target fixed before the fault, and an answer",
        by: has_targets,
        gap: "that the plan itself was tested and the results were reviewed: people sign for it below",
    },
    Rule {
        reference: "NIST SP 800-53 CP-4(2)",
        asks: "test at the alternate processing site",
        shows: "",
        by: never,
        gap: "drills ran in a container lab, not at an alternate site",
    },
    Rule {
        reference: "NIST SP 800-53 CP-4(3)",
        asks: "automated testing",
        shows: "run without a person between fault and verdict",
        by: has_fault,
        gap: "tests that only people can do",
    },
    Rule {
        reference: "NIST SP 800-53 CP-4(4)",
        asks: "full recovery and reconstitution to a known state",
        shows: "after which every member was back in sync within its target",
        by: was_restored,
        gap: "reconstitution of the production system",
    },
    Rule {
        reference: "NIST SP 800-53 CP-4(5)",
        asks: "self-challenge: disrupt the system on purpose",
        shows: "with a fault whose effect was verified",
        by: effect_verified,
        gap: "disruption of the production system",
    },
    Rule {
        reference: "SOC 2 A1.3, CC7.5",
        asks: "test recovery procedures; recover, find causes, improve",
        shows: "of a recovery, with data checked afterwards",
        by: integrity_checked,
        gap: "that backups can be restored (no restore drill is in these records), root causes and improvements: people write them below",
    },
    Rule {
        reference: "ISO 22301 8.5, 8.6",
        asks: "exercises with clear aims, reports, evaluation at planned intervals",
        shows: "with aims set as targets, and a report",
        by: has_targets,
        gap: "people's part of the exercise, and its evaluation by management",
    },
    Rule {
        reference: "DORA Art. 11(6), RTS 2024/1774 Art. 25",
        asks: "switchover scenarios, severe but plausible",
        shows: "of a switchover or failback between nodes",
        by: switched_over,
        gap: "cyber-attack scenarios, switchover of the primary infrastructure, third parties, crisis communication",
    },
    Rule {
        reference: "DORA Art. 12(2), 12(6)",
        asks: "restoration tests; recovery objectives per function",
        shows: "with recovery objectives per service",
        by: has_targets,
        gap: "restoration from backup",
    },
    Rule {
        reference: "DORA Art. 12(7)",
        asks: "several checks of data integrity on recovery",
        shows: "with acknowledged writes reconciled one by one, and checks for loss, corruption, phantoms and duplicates",
        by: integrity_checked,
        gap: "reconciliation with other systems",
    },
    Rule {
        reference: "GB/T 22239-2019 8.1.4.9 (data backup and recovery)",
        asks: "hot redundancy of processing systems",
        shows: "in which another node took over",
        by: taken_over,
        gap: "local and remote backup and their restoration",
    },
    Rule {
        reference: "GB/T 22239-2019 (emergency plan management)",
        asks: "regular exercises of the emergency plan with records",
        shows: "with time, operations and result on record",
        by: has_fault,
        gap: "training, and that the plan was revised: people sign for it below",
    },
];

/// What the quarter's records show of each control. Only completed, sealed drills with an answer count.
pub fn controls(review: &Review<'_>) -> Vec<Control> {
    let counted: Vec<(&Run, &Summary)> = review
        .runs
        .iter()
        .filter(|run| answered(run))
        .filter_map(|run| run.summary.as_ref().map(|summary| (*run, summary)))
        .collect();
    let control = |rule: &Rule| {
        let runs: Vec<&Run> = counted
            .iter()
            .filter(|(_, summary)| (rule.by)(summary))
            .map(|(run, _)| *run)
            .collect();
        Control {
            reference: rule.reference,
            asks: rule.asks,
            shown: shown(&runs, rule.shows),
            gap: rule.gap,
        }
    };
    RULES.iter().map(control).collect()
}

fn shown(runs: &[&Run], what: &str) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let noun = if runs.len() == 1 { "drill" } else { "drills" };
    let mut names: Vec<String> = runs
        .iter()
        .rev()
        .take(NAMED)
        .map(|run| run.id.to_string())
        .collect();
    if runs.len() > NAMED {
        names.push(format!("{} more", runs.len() - NAMED));
    }
    format!("{} {noun} {what}: {}", runs.len(), names.join(", "))
}

fn never(_: &Summary) -> bool {
    false
}

fn has_targets(summary: &Summary) -> bool {
    let decided = |name: &str| {
        let mut lines = summary
            .scorecard
            .lines
            .iter()
            .filter(|line| line.figure.starts_with(name));
        lines.any(|line| matches!(line.state, LineState::Met | LineState::Missed))
    };
    (decided("rto") || decided("outage")) && decided("rpo_")
}

fn has_fault(summary: &Summary) -> bool {
    summary
        .figures
        .events
        .iter()
        .any(|event| event.kind == DisruptionKind::Fault)
}

fn switched_over(summary: &Summary) -> bool {
    let moved = |kind| matches!(kind, DisruptionKind::Switchover | DisruptionKind::Failback);
    summary.figures.events.iter().any(|event| moved(event.kind))
}

fn was_restored(summary: &Summary) -> bool {
    let mut lines = summary.scorecard.lines.iter();
    lines.any(|line| line.figure == "redundancy_restored" && line.state == LineState::Met)
}

fn taken_over(summary: &Summary) -> bool {
    let by = |event: &super::Recovery| event.recovered_by.value().copied();
    let other = crate::scenario::RecoveredBy::OtherNode;
    summary.headline().and_then(by) == Some(other)
}

fn effect_verified(summary: &Summary) -> bool {
    has_fault(summary) && is_valid(summary, "effect-verified")
}

fn integrity_checked(summary: &Summary) -> bool {
    let told = |name: &&str| {
        let mut findings = summary.findings.iter();
        findings.any(|finding| finding.check == **name && finding.answer != Answer::Unknown)
    };
    ["lost-writes", "corrupt", "phantom", "duplicates"]
        .iter()
        .all(told)
}

fn is_valid(summary: &Summary, check: &str) -> bool {
    let mut findings = summary.findings.iter();
    findings.any(|finding| finding.check == check && finding.answer == Answer::Valid)
}
