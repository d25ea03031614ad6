//! `result.json`: everything that a run found, for programs; its schema is `schema/result.schema.json`.

use serde::Serialize;

use crate::{
    check::Finding,
    history::Lane,
    id::NodeName,
    measure::Figures,
    record::{
        Bound, Disruption, Effect, ImageFact, Last, Member, Rearmed, Record, Residue, Setting,
        Shard, Stack, Status, StepResult,
    },
    scenario::Scenario,
    score::{Judgement, Scorecard, Verdict},
    time::Bracket,
};

/// The version of `result.json`.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    verdict: Verdict,
    run: Run<'a>,
    scorecard: &'a Scorecard,
    figures: &'a Figures,
    findings: &'a [Finding],
    disruptions: Vec<Disrupted<'a>>,
    effects: &'a [Effect],
    steps: Vec<Step<'a>>,
    lanes: &'a [Lane],
    system: Option<System<'a>>,
    effective_settings: &'a [Setting],
    bounds: &'a [Bound],
    images: &'a [ImageFact],
    environment: Vec<Fact<'a>>,
    convergence: Option<Convergence<'a>>,
    residue: Option<&'a Residue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rearmed: Option<&'a Rearmed>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    handed_on: bool,
    config: &'a Scenario,
}

#[derive(Serialize)]
struct Run<'a> {
    id: String,
    scenario: &'a str,
    started: &'a str,
    attempt: u32,
    attempts: u32,
    seed: String,
    status: &'a Status,
    drdrill: &'a str,
    format: u32,
    file: &'a str,
    scenario_sha256: &'a str,
    overrides: &'a [(String, String)],
    program_sha256: &'a str,
    harness: Vec<Fact<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<&'a Last>,
}

#[derive(Serialize)]
struct Disrupted<'a> {
    at: Bracket,
    disruption: &'a Disruption,
}

#[derive(Serialize)]
struct Step<'a> {
    step: usize,
    at: Bracket,
    result: &'a StepResult,
}

#[derive(Serialize)]
struct System<'a> {
    name: &'a str,
    topology: &'a str,
    route: &'a str,
    server: &'a str,
    primary: &'a NodeName,
    members: &'a [Member],
    #[serde(skip_serializing_if = "<[Shard]>::is_empty")]
    shards: &'a [Shard],
    connection_limit: Option<u32>,
    phase_ns: u64,
    idempotent: bool,
    ready: &'a [String],
}

#[derive(Serialize)]
struct Fact<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Convergence<'a> {
    reached: bool,
    evidence: &'a [String],
}

/// Renders `result.json`. The same record and judgement give the same bytes.
pub fn result_json(record: &Record, judgement: &Judgement) -> Vec<u8> {
    let stack = record.stack.as_ref();
    let document = Document {
        schema_version: SCHEMA_VERSION,
        verdict: judgement.scorecard.verdict,
        run: run(record),
        scorecard: &judgement.scorecard,
        figures: &judgement.figures,
        findings: &judgement.findings,
        disruptions: record
            .disruptions
            .iter()
            .map(|(at, disruption)| Disrupted {
                at: *at,
                disruption,
            })
            .collect(),
        effects: &record.effects,
        steps: record
            .steps
            .iter()
            .map(|(at, step, result)| Step {
                step: *step,
                at: *at,
                result,
            })
            .collect(),
        lanes: &record.lanes,
        system: stack.map(system),
        effective_settings: stack.map_or(&[], |stack| &stack.effective),
        bounds: stack.map_or(&[], |stack| &stack.bounds),
        images: &record.images,
        environment: facts(&record.environment.facts),
        convergence: record
            .converged
            .as_ref()
            .map(|(reached, evidence)| Convergence {
                reached: *reached,
                evidence,
            }),
        residue: record.residue.as_ref(),
        rearmed: record.rearmed.as_ref(),
        handed_on: record.handed_on,
        config: &record.opened.scenario,
    };
    let mut bytes = serde_json::to_vec_pretty(&document)
        .expect("the document has text keys and no value that JSON cannot hold");
    bytes.push(b'\n');
    bytes
}

fn facts(facts: &[(String, String)]) -> Vec<Fact<'_>> {
    facts
        .iter()
        .map(|(name, value)| Fact { name, value })
        .collect()
}

fn run(record: &Record) -> Run<'_> {
    let opened = &record.opened;
    Run {
        id: opened.run.to_string(),
        scenario: &opened.scenario.name,
        started: &opened.started,
        attempt: opened.attempt,
        attempts: opened.attempts,
        seed: opened.seed.to_string(),
        status: &record.status,
        drdrill: &record.environment.drdrill,
        format: opened.format,
        file: &opened.file,
        scenario_sha256: &opened.scenario_sha256,
        overrides: &opened.overrides,
        program_sha256: &opened.harness.program_sha256,
        harness: facts(&opened.harness.facts),
        last: opened.last.as_ref(),
    }
}

fn system(stack: &Stack) -> System<'_> {
    System {
        name: &stack.system,
        topology: &stack.topology,
        route: &stack.route,
        server: &stack.server,
        primary: &stack.primary,
        members: &stack.members,
        shards: &stack.shards,
        connection_limit: stack.connection_limit,
        phase_ns: stack.phase_ns,
        idempotent: stack.idempotent,
        ready: &stack.ready,
    }
}
