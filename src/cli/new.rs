//! `drdrill new`: a first scenario for a purpose, with comments.

use std::{fs::OpenOptions, io::Write, path::Path};

use drdrill::{
    drill::{Purpose, starter},
    scenario::suggest,
    system::catalogue,
};

use super::{
    arguments::NewArguments,
    exit::{Exit, Failure},
    output,
};

/// Writes a scenario for a topology and a fault; without one, lists what there is.
///
/// # Errors
/// When there is no such system or topology, it cannot take the fault, or the file cannot be written.
pub fn new(arguments: &NewArguments) -> Result<Exit, Failure> {
    let Some(stack) = &arguments.stack else {
        output::result(&choices());
        return Ok(Exit::Pass);
    };
    let text = scenario(stack, &arguments.fault)?;
    match &arguments.out {
        None => output::result(&text),
        Some(path) => {
            write(path, &text)?;
            let path = path.display();
            output::result(&format!(
                "{path} is written. Next: drdrill check {path}, drdrill plan {path}, drdrill run {path}\n"
            ));
        }
    }
    Ok(Exit::Pass)
}

fn choices() -> String {
    let mut text = String::from("drdrill new SYSTEM/TOPOLOGY --fault kill --out my.yaml\n\n");
    for system in catalogue::all() {
        let offer = system.describe();
        for topology in &offer.topologies {
            let name = format!("{}/{}", offer.name, topology.name);
            text.push_str(&format!("  {name:<26} {}\n", topology.summary));
        }
    }
    text.push_str("\n`drdrill list` shows the faults.\n");
    text
}

fn scenario(stack: &str, fault: &str) -> Result<String, Failure> {
    let wrong = |message: String, help: String| Failure::new(Exit::Usage, message, help);
    let (name, topology) = match stack.split_once('/') {
        Some((name, topology)) => (name, Some(topology)),
        None => (stack, None),
    };
    let systems = catalogue::all();
    let system = systems.iter().find(|it| it.describe().name == name);
    let system = system.ok_or_else(|| {
        let names: Vec<&str> = systems.iter().map(|it| it.describe().name).collect();
        wrong(
            format!("there is no system `{name}`"),
            suggest::help(name, &names),
        )
    })?;
    let offer = system.describe();
    let found = match topology {
        None => offer.topologies.first(),
        Some(topology) => offer.topologies.iter().find(|it| it.name == topology),
    };
    let found = found.ok_or_else(|| {
        let names: Vec<&str> = offer.topologies.iter().map(|it| it.name).collect();
        let topology = topology.unwrap_or_default();
        wrong(
            format!("`{name}` has no topology `{topology}`"),
            suggest::help(topology, &names),
        )
    })?;
    let purpose = Purpose {
        system: system.as_ref(),
        topology: found,
        fault,
    };
    starter(&purpose)
        .map_err(|message| wrong(message, "`drdrill list` shows systems and faults".into()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("failed to write `{}`: {error}", path.display()),
            "name another file with --out; none is overwritten",
        )
    })
}
