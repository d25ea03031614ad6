//! `drdrill plan`: what a drill would create, do and take, without creating anything.

use std::fmt::Write;

use drdrill::{
    drill::{Plan, step_title},
    measure::{format::roughly, lane::SUSTAIN},
    runtime::RuntimeKind,
    scenario::Estimate,
};
use serde_json::{Value, json};

use super::{
    arguments::PlanArguments,
    check,
    exit::{Exit, Failure},
    machines, output,
};

/// Prints what the scenarios would create, do and take.
///
/// # Errors
/// When a scenario has problems.
pub fn plan(arguments: &PlanArguments) -> Result<Exit, Failure> {
    let mut values = Vec::new();
    for plan in check::ready(&arguments.scenarios, &[])? {
        if arguments.json {
            values.push(json(&plan));
        } else {
            output::result(&page(&plan));
        }
    }
    if arguments.json {
        output::result(&format!("{:#}\n", Value::Array(values)));
    }
    Ok(Exit::Pass)
}

/// The memory that the members may take, in MiB; 0 where no limit is set.
fn memory(plan: &Plan) -> u32 {
    let members = plan.design.members.iter();
    members
        .map(|member| plan.system.memory_mib(member.kind))
        .sum()
}

fn page(plan: &Plan) -> String {
    let scenario = &plan.scenario;
    let mut text = format!("{}: {}\n", scenario.name, scenario.summary);
    text.push_str(&stands(plan));
    text.push_str(&steps(plan));
    text.push_str("\nMust hold\n");
    for (target, limit) in targets(plan) {
        let _ = writeln!(text, "  {target:<20} {limit}");
    }
    let _ = writeln!(
        text,
        "\nReport  reports/{}/<run-id>/report.html\nNothing was created.",
        scenario.name
    );
    text
}

/// What is created, and where.
fn stands(plan: &Plan) -> String {
    let containers = plan.description.runtime == RuntimeKind::Docker;
    let (design, what) = (
        &plan.design,
        if containers {
            "containers"
        } else {
            "processes"
        },
    );
    let mut text = format!(
        "\nStands  {} {}, clients by {}: {} {what}\n",
        plan.description.name,
        design.topology,
        design.route,
        design.members.len(),
    );
    for member in &design.members {
        let kind = match member.kind {
            drdrill::record::MemberKind::Data => "holds data",
            drdrill::record::MemberKind::Control => "watches, decides",
            drdrill::record::MemberKind::Route => "leads clients",
            drdrill::record::MemberKind::Store => "keeps backups",
        };
        let name = member.name.as_str();
        let _ = writeln!(text, "  {name:<12} {kind:<18} {}", member.image);
    }
    if plan.sidecars() {
        let _ = writeln!(
            text,
            "  beside each   a sidecar that shapes and cuts its network"
        );
    }
    if plan.alerting.is_some() {
        let _ = writeln!(
            text,
            "  beside them   Prometheus, Alertmanager and exporters"
        );
    }
    if containers {
        let _ = writeln!(
            text,
            "Where   a network of its own in the engine at {}; all labelled drdrill.run, and removed at the end",
            machines::docker_host().unwrap_or_else(|| "its usual socket".into())
        );
        let _ = writeln!(
            text,
            "Memory  the members may take {} MiB together",
            memory(plan)
        );
    } else {
        let _ = writeln!(
            text,
            "Where   processes of this machine, ended at the end; no containers"
        );
    }
    text
}

fn steps(plan: &Plan) -> String {
    let scenario = &plan.scenario;
    let mut text = String::from("\nSteps\n");
    for (index, step) in scenario.drill.iter().enumerate() {
        let takes = takes(step.estimate(SUSTAIN));
        let _ = writeln!(text, "  {:>2}  {:<46} {takes}", index + 1, step_title(step));
    }
    let _ = writeln!(
        text,
        "Takes   {}, and before that what bringing up {} takes",
        takes(scenario.estimate(0, SUSTAIN)),
        plan.description.name
    );
    if scenario.repeat > 1 {
        let _ = writeln!(text, "        {} times", scenario.repeat);
    }
    text
}

fn takes(estimate: Estimate) -> String {
    match estimate.most {
        Some(most) if most == estimate.least => roughly(most),
        Some(most) if estimate.least.is_zero() => format!("at most {}", roughly(most)),
        Some(most) => format!(
            "{} if all goes well, at most {}",
            roughly(estimate.least),
            roughly(most)
        ),
        None => "moments".into(),
    }
}

/// Each target with its limit, as the scenario has it.
fn targets(plan: &Plan) -> Vec<(String, String)> {
    let value = serde_json::to_value(&plan.scenario.targets).unwrap_or_default();
    let Value::Object(targets) = value else {
        return Vec::new();
    };
    let said = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    targets
        .into_iter()
        .map(|(name, value)| (name, said(value)))
        .collect()
}

fn json(plan: &Plan) -> Value {
    let (scenario, design) = (&plan.scenario, &plan.design);
    let members = design.members.iter().map(|member| {
        json!({
            "name": member.name, "kind": member.kind, "host": member.host, "image": member.image,
            "memory_mib": plan.system.memory_mib(member.kind),
        })
    });
    let steps = scenario.drill.iter().map(|step| {
        let estimate = step.estimate(SUSTAIN);
        json!({
            "title": step_title(step),
            "least_s": estimate.least.as_secs_f64(),
            "most_s": estimate.most.map(|most| most.as_secs_f64()),
        })
    });
    let whole = scenario.estimate(0, SUSTAIN);
    json!({
        "scenario": scenario.name,
        "system": plan.description.name,
        "topology": design.topology,
        "route": design.route,
        "runtime": plan.description.runtime.name(),
        "members": members.collect::<Vec<_>>(),
        "images": plan.images(),
        "sidecars": plan.sidecars(),
        "settings": design.settings,
        "memory_mib": memory(plan),
        "steps": steps.collect::<Vec<_>>(),
        "least_s": whole.least.as_secs_f64(),
        "most_s": whole.most.map(|most| most.as_secs_f64()),
        "targets": scenario.targets,
        "repeat": scenario.repeat,
    })
}
