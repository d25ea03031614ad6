//! `drdrill plan`: what a drill would create, do and take, without creating anything.

use std::{fmt::Write, fs, path::Path};

use drdrill::{
    drill::{Plan, step_title},
    id::NodeName,
    local,
    measure::{format::roughly, lane::SUSTAIN},
    runtime::{
        ALLOW_LABEL, RuntimeKind,
        docker::{Engine, look},
    },
    scenario::{Attach, Estimate},
};
use serde_json::{Value, json};

use super::{
    arguments::PlanArguments,
    check,
    exit::{Exit, Failure},
    output, run,
};

/// Prints what the scenarios would create, do and take.
///
/// # Errors
/// When a scenario has problems.
pub fn plan(arguments: &PlanArguments) -> Result<Exit, Failure> {
    let mut values = Vec::new();
    for plan in check::ready(&arguments.scenarios, &[])? {
        if let Some(out) = &arguments.out {
            write(&plan, out)?;
        }
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

/// Looks for the containers that a drill attaches to, and writes the plan with them and its digest.
fn write(plan: &Plan, out: &Path) -> Result<(), Failure> {
    let Some(wanted) = plan.attached() else {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "`{}` attaches to nothing that could change before it runs",
                plan.scenario.name
            ),
            "leave `--out` away",
        ));
    };
    let names: Vec<NodeName> = plan
        .design
        .members
        .iter()
        .map(|one| one.name.clone())
        .collect();
    let look = async {
        let engine = Engine::connect(local::docker_host().as_deref()).await?;
        look(&engine, &wanted, &names).await
    };
    let looked = run::runtime()?.block_on(look);
    let (found, digest) = looked.map_err(|error| {
        Failure::new(
            Exit::EnvironmentUnfit,
            error.to_string(),
            "mend that, and plan again",
        )
    })?;
    let containers = found.iter().map(|one| {
        json!({
            "node": one.node, "container": one.container, "id": one.id, "image": one.image, "allows": one.allows,
        })
    });
    let mut value = json(plan);
    value["containers"] = containers.collect();
    value["needs"] = json!(wanted.needs.name());
    value["digest"] = json!(digest);
    output::replace(out, &format!("{value:#}\n"))?;
    output::talk(&format!(
        "{}: plan {digest}, written to {}\n",
        plan.scenario.name,
        out.display()
    ));
    Ok(())
}

/// Holds the only drill to a plan that was agreed to: its file, or its digest.
///
/// # Errors
/// When there is more than one drill, it attaches to nothing, or the file holds no digest.
pub fn agree(plans: &mut [Plan], agreed: &str) -> Result<(), Failure> {
    let wrong = |message: String, help: &str| Failure::new(Exit::Usage, message, help);
    let [plan] = plans else {
        let message = format!("a plan is of one drill, and there are {}", plans.len());
        return Err(wrong(message, "name one scenario"));
    };
    if plan.attach().is_none() {
        let message = format!("`{}` attaches to nothing", plan.scenario.name);
        return Err(wrong(message, "leave `--plan` away"));
    }
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let digest = match is_digest(agreed) {
        true => agreed.to_ascii_lowercase(),
        false => {
            let text = fs::read_to_string(agreed).map_err(|error| {
                wrong(
                    format!("failed to read the plan `{agreed}`: {error}"),
                    "name a file of `drdrill plan --out`, or its digest",
                )
            })?;
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            let digest = value["digest"].as_str().filter(|text| is_digest(text));
            let none = || {
                wrong(
                    format!("`{agreed}` holds no digest of a plan"),
                    "name a file of `drdrill plan --out`",
                )
            };
            digest.ok_or_else(none)?.to_owned()
        }
    };
    plan.agree_to(digest);
    Ok(())
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
        let image = match plan.attach() {
            Some(_) => "runs already",
            None => member.image.as_str(),
        };
        let _ = writeln!(text, "  {name:<12} {kind:<18} {image}");
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
    if let Some(attach) = plan.attach() {
        text.push_str(&taken(plan, attach));
    } else if containers {
        let _ = writeln!(
            text,
            "Where   a network of its own in the engine at {}; all labelled drdrill.run, and removed at the end",
            local::docker_host().unwrap_or_else(|| "its usual socket".into())
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

/// What is taken of containers that run already, and what their owner must allow.
fn taken(plan: &Plan, attach: &Attach) -> String {
    let project = attach
        .project
        .iter()
        .map(|name| format!(" of the Compose project {name}"));
    let label = attach
        .label
        .iter()
        .map(|label| format!(" with the label {label}"));
    let whence: String = project.chain(label).collect();
    let mut text = format!(
        "Where   containers{whence} in the engine at {}; none of them is created, changed or removed\n",
        local::docker_host().unwrap_or_else(|| "its usual socket".into())
    );
    let needs = plan.attached().map_or("", |attached| attached.needs.name());
    let _ = writeln!(
        text,
        "Needs   the label {ALLOW_LABEL}={needs} on each of them"
    );
    let _ = writeln!(
        text,
        "Limits  {} at a time may be out of service; faults are undone there {} after drdrill's last sign of life",
        attach.max_targets, attach.lease
    );
    let _ = writeln!(
        text,
        "Beside  a sidecar for each, and one container that undoes faults by the engine's socket; removed at the end"
    );
    if !attach.client.is_empty() {
        let _ = writeln!(
            text,
            "Client  `{}`, run in the scenario's folder",
            attach.client.join(" ")
        );
    }
    let _ = writeln!(
        text,
        "Data    its own, apart from yours, removed at the end"
    );
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
        "Takes   {}, and before that what {} {} takes",
        takes(scenario.estimate(0, SUSTAIN)),
        plan.attach().map_or("bringing up", |_| "looking at"),
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
