//! What stood, what was done to it, and how it was measured.

use crate::{
    history::{Access, Group, Lane},
    record::{ConsumerGroup, DisruptionKind, MemberKind, Origin, Record, Status},
    scenario::{Attach, ConsistencyKind},
    score::Scorecard,
    time::Nanos,
};

use super::{FaultView, Table, Title, text};

/// Which run this is.
pub(super) fn title(record: &Record) -> Title {
    let opened = &record.opened;
    let stack = record.stack.as_ref();
    let asked = opened.scenario.stack.keys().next();
    Title {
        scenario: text::clean(&opened.scenario.name),
        file: text::clean(&opened.file),
        summary: text::clean(&opened.scenario.summary),
        run: opened.run.to_string(),
        started: text::clean(&opened.started),
        attempt: (opened.attempt, opened.attempts),
        system: stack.map_or_else(
            || asked.map_or_else(|| "none".into(), Clone::clone),
            |stack| text::clean(&stack.system),
        ),
        stack: stack.map_or_else(
            || "the stack did not come up".into(),
            |stack| {
                text::clean(&format!(
                    "{}, {}, clients by {}",
                    stack.server, stack.topology, stack.route
                ))
            },
        ),
        status: text::clean(&text::status(&record.status)),
        seed: opened.seed.to_string(),
        drdrill: record.environment.drdrill.clone(),
        scenario_sha256: opened.scenario_sha256.clone(),
    }
}

/// The headline disruption.
pub(super) fn fault(record: &Record) -> Option<FaultView> {
    let (at, disruption) = record.headline()?;
    let effect = record.effect(disruption.step);
    Some(FaultView {
        name: text::clean(&text::disruption(disruption)),
        means: text::clean(&disruption.means),
        width: text::milliseconds(at.high.0.saturating_sub(at.low.0)),
        effect: effect.map_or("effect not looked at", |effect| text::effect(effect.state)),
        evidence: effect
            .iter()
            .flat_map(|effect| &effect.evidence)
            .map(|said| text::clean(said))
            .collect(),
    })
}

/// The target lines beside those of the last completed run of the scenario.
pub(super) fn last(record: &Record, card: &Scorecard) -> Option<(String, Table)> {
    let last = record.opened.last.as_ref()?;
    let head = ["figure", "this run", "state", "last run", "then"];
    let mut table = Table::new(&head, "There is no target line.");
    for line in &card.lines {
        let then = last.lines.iter().find(|then| then.figure == line.figure);
        let said = |of: fn(&crate::record::LastLine) -> &String| {
            then.map_or_else(|| "no such line".into(), |then| of(then).clone())
        };
        table.row([
            line.figure.clone(),
            line.measured.clone(),
            text::state(line.state).into(),
            said(|then| &then.measured),
            said(|then| &then.state),
        ]);
    }
    Some((
        format!("{}, {}", last.run, text::clean(&last.verdict)),
        table,
    ))
}

/// What a reader must know first.
pub(super) fn alarms(record: &Record) -> Vec<String> {
    let mut alarms = Vec::new();
    if record.status != Status::Completed {
        alarms.push(format!(
            "The run did not complete; it was {}.",
            text::status(&record.status)
        ));
    }
    match &record.residue {
        None if record.handed_on => {}
        None => alarms
            .push("Teardown was not recorded: `drdrill sweep` removes what may be left.".into()),
        Some(residue) => {
            if !residue.left.is_empty() {
                alarms.push(format!("Left behind: {}.", residue.left.join(", ")));
            }
            if !residue.failed.is_empty() {
                alarms.push(format!("Undo failed: {}.", residue.failed.join(", ")));
            }
        }
    }
    if let Some((false, evidence)) = &record.converged {
        alarms.push(format!(
            "The members did not converge: {}.",
            evidence.join("; ")
        ));
    }
    alarms.iter().map(|alarm| text::clean(alarm)).collect()
}

/// What stands below the first line of the reason for which the run was aborted: the tail of a node's log.
pub(super) fn last_words(record: &Record) -> Vec<String> {
    match &record.status {
        Status::Aborted(why) => why.lines().skip(1).map(text::clean).collect(),
        Status::Completed | Status::Interrupted | Status::Halted(_) => Vec::new(),
    }
}

/// Settings as read back.
pub(super) fn settings(record: &Record) -> Table {
    let mut table = Table::new(
        &["setting", "value", "read from"],
        "No setting was read back.",
    );
    let group = record
        .consumers
        .iter()
        .flat_map(|(_, group)| &group.settings);
    let stack = record.stack.iter().flat_map(|stack| &stack.effective);
    for setting in stack.chain(group) {
        table.row([
            setting.name.clone(),
            setting.value.clone(),
            setting.source.clone(),
        ]);
    }
    table
}

/// Images with digest and origin.
pub(super) fn images(record: &Record) -> Table {
    let mut table = Table::new(&["image", "used", "origin", "digest"], "No image was used.");
    for image in &record.images {
        let origin = match image.origin {
            Origin::Present => "present",
            Origin::Pulled => "pulled for this run",
            Origin::Built => "built by drdrill's recipe",
            Origin::Program => "program on this machine",
        };
        table.row([
            image.reference.clone(),
            image.used.clone(),
            origin.into(),
            image.digest.clone(),
        ]);
    }
    table
}

/// The stack's members.
pub(super) fn members(record: &Record) -> Table {
    let mut table = Table::new(
        &["member", "does", "address", "host", "image"],
        "No stack came up.",
    );
    for member in record.stack.iter().flat_map(|stack| &stack.members) {
        let kind = match member.kind {
            MemberKind::Data => "holds data",
            MemberKind::Control => "decides",
            MemberKind::Route => "leads clients",
            MemberKind::Store => "keeps backups",
        };
        table.row([
            member.name.to_string(),
            kind.into(),
            member.address.clone(),
            member.host.clone(),
            member.image.clone(),
        ]);
    }
    table
}

/// What the drill ran on.
pub(super) fn environment(record: &Record) -> Table {
    let mut table = Table::new(&["fact", "value"], "Nothing is known of the machine.");
    let environment = &record.environment;
    let harness = &record.opened.harness;
    table.row(["drdrill".into(), environment.drdrill.clone()]);
    table.row(["drdrill's sha256".into(), harness.program_sha256.clone()]);
    for (name, value) in &harness.facts {
        table.row([format!("harness: {name}"), value.clone()]);
    }
    for (name, value) in &environment.facts {
        table.row([name.clone(), value.clone()]);
    }
    for (key, value) in &record.opened.overrides {
        table.row([format!("--set {key}"), value.clone()]);
    }
    if let Some(stack) = &record.stack {
        let limit = stack.connection_limit;
        table.row([
            "connection limit".into(),
            limit.map_or_else(|| "not known".into(), |limit| text::count(limit.into())),
        ]);
    }
    table
}

/// What was done, step by step.
pub(super) fn steps(record: &Record, zero: Nanos) -> Table {
    let mut table = Table::new(&["step", "from", "to", "came out"], "No step was taken.");
    let titles = &record.opened.scenario.drill;
    for (at, step, result) in &record.steps {
        let title = titles
            .get(*step)
            .map_or_else(|| "unknown step".into(), step_title);
        table.row([
            format!("{}. {title}", step + 1),
            text::offset(at.low, zero),
            text::offset(at.high, zero),
            text::step(result),
        ]);
    }
    table
}

/// A step as the scenario's file holds it, on one line.
fn step_title(step: &crate::scenario::Step) -> String {
    let json = serde_json::to_string(step).unwrap_or_default();
    let plain: String = json
        .chars()
        .filter(|c| !matches!(c, '"' | '{' | '}'))
        .collect();
    plain.replace(':', ": ").replace(',', ", ")
}

/// How it was measured, and what the numbers do not show.
pub(super) fn method(record: &Record) -> Vec<String> {
    let mut said = Vec::new();
    let service = |access| {
        record
            .lanes
            .iter()
            .filter(move |lane| lane.group == Group::Service && lane.access == access)
    };
    let (writes, reads): (Vec<&Lane>, Vec<&Lane>) = (
        service(Access::Write).collect(),
        service(Access::Read).collect(),
    );
    if let Some(slowest) = writes.iter().chain(&reads).map(|lane| lane.interval).max() {
        let timeout = record
            .lanes
            .iter()
            .filter(|lane| lane.group == Group::Service)
            .map(|lane| lane.timeout)
            .max();
        said.push(format!(
            "{} and {} started operations at fixed times, whatever earlier ones did, at most {} ms apart per lane, each given up after {} ms.",
            text::plural(writes.len() as u64, "write lane"),
            text::plural(reads.len() as u64, "read lane"),
            slowest.as_millis(),
            timeout.unwrap_or_default().as_millis(),
        ));
    }
    if reads.is_empty() && !writes.is_empty() {
        said.push(
            "No lane read: whether reads were served, and what they returned, is not known.".into(),
        );
    }
    said.extend(attached(record));
    let fresh = record.lanes.iter().filter(|lane| lane.fresh).count() as u64;
    let program = attach(record).is_some_and(|attach| !attach.client.is_empty());
    if program {
        said.push("Clients acted through a program of the user's own, a session for each lane: what it called acknowledged, and what it called certainly not done, is taken at its word.".into());
    } else if !record.lanes.is_empty() {
        said.push(format!(
            "Each lane has a connection of its own, without pool and retry, dropped at the first operation that is not ok; {} for every operation.",
            match fresh {
                0 => "none connects afresh".into(),
                1 => "one connects afresh".into(),
                several => format!("{several} connect afresh"),
            }
        ));
    }
    said.extend(consistency(record));
    said.extend(record.consumers.as_ref().map(|(_, group)| consumers(group)));
    said.push("Recovery time runs from just before the injecting call to the end of the first successful operation after which a lane stays available; the printed value is the upper end of its bracket, over the worst service lane.".into());
    let guard = match &record.converged {
        Some((true, _)) => "taken after the members had converged",
        Some((false, _)) => "taken although the members had not converged",
        None => "which were not preceded by a convergence check",
    };
    said.push(format!("Loss is what was acknowledged and is absent from the final reads, {guard}; an operation whose outcome the client does not know is never counted as loss."));
    if record
        .disruptions
        .iter()
        .any(|(_, d)| d.kind == DisruptionKind::Control)
    {
        said.push("This is a control run: nothing was broken on purpose, so that it shows what the instrument itself does.".into());
    }
    said.extend(stack(record));
    said.push("Not shown: hangs shorter than the operations' timeout count as latency and in max_gap, not as recovery time; one run says what happened once, not how often it would; client and stack share one machine, so that network distance is not part of any figure.".into());
    said.push(
        "Nodes' own views are polled; they annotate the picture and decide no figure.".into(),
    );
    said
}

fn attach(record: &Record) -> Option<&Attach> {
    let stack = record.opened.scenario.stack.values();
    stack.filter_map(|spec| spec.attach.as_ref()).next()
}

/// What is to be known of a stack that ran before the drill.
fn attached(record: &Record) -> Option<String> {
    let attach = attach(record)?;
    Some(format!(
        "The stack ran before the drill and was set up by its owner: who leads and which settings are in force was read from it, and others may have used it meanwhile. Of its members at most {} at a time were to be out of service; what was written was removed, and the containers were compared with how they were found.",
        attach.max_targets
    ))
}

fn consumers(group: &ConsumerGroup) -> String {
    format!(
        "{} as one group; a beat was sent to each partition every {} ms, and is late where it was not delivered within {} ms. The time of a rebalance runs from just before the injecting call to the first delivery after the last late beat, over the worst partition; the first deliveries of a record count, repeated ones are counted apart.",
        text::sharing(group),
        group.every_ns / 1_000_000,
        group.late_ns / 1_000_000,
    )
}

/// What the consistency lanes did, if there were some, and by what they are judged.
fn consistency(record: &Record) -> Option<String> {
    let spec = record.opened.scenario.clients.consistency.as_ref()?;
    let lanes = spec.lanes;
    Some(match spec.kind {
        ConsistencyKind::Registers => {
            let keys = text::plural(spec.keys.into(), "register");
            format!(
                "{lanes} register lanes wrote values that no other write carries to {keys}, or read them; each register is judged by itself: every answer must be explained by some order in which each operation takes effect between its start and its end."
            )
        }
        ConsistencyKind::Transfers => {
            let keys = text::plural(spec.keys.into(), "account");
            format!(
                "{lanes} transfer lanes moved amounts between {keys} in transactions that read both balances and wrote both, or read the total, which must never change."
            )
        }
        ConsistencyKind::ListAppend => {
            let keys = text::plural(spec.keys.into(), "list");
            format!(
                "{lanes} list-append lanes took transactions of one to four steps on {keys} at a time: each step appends an element that no other one appends, or reads a whole list. What was read tells the order of all appends, and with it which transaction depends on which: a circle of them is an anomaly, named by its kind."
            )
        }
    })
}

/// Where the stack came from and what became of it, if it was not this run's alone.
fn stack(record: &Record) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(rearmed) = &record.rearmed {
        let lent = match rearmed.lent {
            0 => String::new(),
            lent => format!(
                " Its baseline is its own first operations and {} that run {} lends: those that were acknowledged after its last failure.",
                text::plural(lent, "operation"),
                rearmed.after
            ),
        };
        said.push(format!(
            "The stack was not brought up for this run: it is that of run {}, and this is run {} on it. It was made ready again, with the proof that a fresh one gives; drills on one stack are less independent than drills on fresh ones.{lent}",
            rearmed.stack_of, rearmed.nth
        ));
        said.push(format!("Ready again: {}.", rearmed.evidence.join("; ")));
    }
    if record.handed_on {
        said.push("The stack stayed for the next repeat: the last run on it removes it and says what is left.".into());
    }
    said
}
