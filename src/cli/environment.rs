//! `drdrill doctor` and `drdrill images`: what this machine has.

use std::sync::Arc;

use drdrill::{
    image::{
        RECIPES, Recipe, Resolver, SIDECAR, State,
        doctor::{Check, Fitness},
    },
    local,
    runtime::docker::Engine,
};

use super::{
    arguments::{DoctorArguments, ImagesArguments},
    exit::{Exit, Failure},
    limits, machines, output,
    run::runtime,
};

/// Says what this machine can run, and what each missing thing costs.
///
/// # Errors
/// When threads cannot be started.
pub fn doctor(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let mut checks = runtime()?.block_on(machines::examine());
    checks.push(limits::check());
    let text = if arguments.json {
        json(&checks)
    } else {
        table(&checks)
    };
    output::result(&text);
    // Without these no drill in containers runs; everything else costs some faults only.
    let needed = ["engine", "packet filter", "base image", "open files"];
    let unfit = checks
        .iter()
        .any(|check| check.fitness == Fitness::Missing && needed.contains(&check.name.as_str()));
    Ok(if unfit {
        Exit::EnvironmentUnfit
    } else {
        Exit::Pass
    })
}

/// Shows the images, or makes every one available that drdrill may need.
///
/// # Errors
/// When there is no container engine, or an image cannot be had.
pub fn images(arguments: &ImagesArguments) -> Result<Exit, Failure> {
    let recipes = named(&arguments.names)?;
    runtime()?.block_on(async {
        let host = local::docker_host();
        let unfit = |error: &dyn std::fmt::Display| {
            Failure::new(
                Exit::EnvironmentUnfit,
                error.to_string(),
                "scripts/setup.sh sets the machine up",
            )
        };
        let engine = Engine::connect(host.as_deref())
            .await
            .map_err(|error| unfit(&error))?;
        let say = Arc::new(|text: String| output::talk(&format!("{text}\n")));
        let locks = local::state_folder()?.join("locks");
        let resolver = Resolver::new(Arc::new(engine), locks, say);
        if arguments.build {
            let wanted: Vec<String> = recipes
                .iter()
                .map(|recipe| first(recipe.stands_for, recipe.image))
                .collect();
            for (reference, fact) in resolver.ensure_all(&wanted).await {
                let fact = fact.map_err(|error| unfit(&error))?;
                output::result(&format!(
                    "{reference}: {} ({:?}) {}\n",
                    fact.used, fact.origin, fact.digest
                ));
            }
            return Ok(Exit::Pass);
        }
        for listed in resolver.listing().await.map_err(|error| unfit(&error))? {
            if !recipes
                .iter()
                .any(|recipe| recipe.name == listed.recipe.name)
            {
                continue;
            }
            let state = match listed.state {
                State::Built(info) => format!("built, {} MiB", info.size >> 20),
                State::Outdated(_) => "built by an older recipe; built anew when needed".into(),
                State::Missing => "not built; pulled or built when needed".into(),
            };
            let recipe = listed.recipe;
            let purpose = match recipe.stands_for {
                _ if recipe.image == SIDECAR => "cuts and probes links".into(),
                [] => "used where a topology names it".into(),
                references => format!("stands in for {}", references.join(", ")),
            };
            output::result(&format!(
                "{:<28} {state}\n{:<28} {purpose}\n",
                recipe.image, ""
            ));
        }
        Ok(Exit::Pass)
    })
}

/// The recipes of these names; all where none is named.
fn named(names: &[String]) -> Result<Vec<&'static Recipe>, Failure> {
    if names.is_empty() {
        return Ok(RECIPES.iter().collect());
    }
    let find = |name: &String| {
        let found = RECIPES.iter().find(|recipe| recipe.name == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
            let help = format!("the names are {}", known.join(", "));
            Failure::new(Exit::Usage, format!("there is no recipe `{name}`"), help)
        })
    };
    names.iter().map(find).collect()
}

/// A reference without a pattern that the recipe stands in for, else its own image.
fn first(stands_for: &[&str], image: &str) -> String {
    let plain = stands_for.iter().find(|reference| !reference.contains('*'));
    (*plain.unwrap_or(&image)).to_owned()
}

fn table(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = match check.fitness {
            Fitness::Good => "ok     ",
            Fitness::Limited => "limited",
            Fitness::Missing => "MISSING",
            Fitness::Unknown => "unknown",
        };
        text.push_str(&format!("{mark}  {:<22} {}\n", check.name, check.found));
        if check.fitness != Fitness::Good && !check.cost.is_empty() {
            text.push_str(&format!("{:<9}{:<22} {}\n", "", "", check.cost));
        }
    }
    text
}

fn json(checks: &[Check]) -> String {
    let checks: Vec<serde_json::Value> = checks
        .iter()
        .map(|check| {
            serde_json::json!({
                "name": check.name,
                "found": check.found,
                "fitness": format!("{:?}", check.fitness).to_lowercase(),
                "cost": check.cost,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(checks))
}
