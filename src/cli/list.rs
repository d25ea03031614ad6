//! What there is: systems with their topologies, routes, settings and runbooks, and the faults.

use std::fmt::Write;

use drdrill::{
    runtime::RuntimeKind,
    scenario::{FAULTS, Play},
    system::{Description, SettingKind, TopologySpec, catalogue},
};

use super::{exit::Exit, output};

/// Prints everything that a scenario can name.
pub fn list() -> Exit {
    let mut text = String::new();
    for system in catalogue::all() {
        text.push_str(&system_text(&system.describe()));
        text.push('\n');
    }
    text.push_str("faults\n");
    let rows: Vec<Vec<String>> = FAULTS
        .iter()
        .map(|facts| vec![facts.name.to_owned(), facts.help.to_owned()])
        .collect();
    text.push_str(&columns(&rows, "  "));
    output::result(&text);
    Exit::Pass
}

fn system_text(offer: &Description) -> String {
    let mut text = format!("{}: {}\n", offer.name, offer.summary);
    let image = if offer.image.is_empty() {
        String::new()
    } else {
        format!(", image {}", offer.image)
    };
    let _ = writeln!(text, "  runs as {}{image}", machines(offer.runtime));
    for (index, topology) in offer.topologies.iter().enumerate() {
        let default = if index == 0 { " (default)" } else { "" };
        text.push_str(&topology_text(topology, default));
    }
    if !offer.settings.is_empty() {
        text.push_str("  settings\n");
        let rows: Vec<Vec<String>> = offer
            .settings
            .iter()
            .map(|s| {
                let (kind, more) = kind(s.kind);
                let cells = [s.name, kind, s.default, &format!("{}{more}", s.help)];
                cells.map(str::to_owned).to_vec()
            })
            .collect();
        text.push_str(&columns(&rows, "    "));
    }
    text
}

fn machines(runtime: RuntimeKind) -> &'static str {
    match runtime {
        RuntimeKind::Process => "processes on this machine",
        RuntimeKind::Docker => "containers",
    }
}

fn topology_text(topology: &TopologySpec, default: &str) -> String {
    let mut text = format!(
        "  topology {}{default}: {}\n",
        topology.name, topology.summary
    );
    let (least, usual, most) = topology.nodes;
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "    {name:<14} {value}");
    };
    row("nodes", &format!("{least} to {most}, {usual} by default"));
    row("routes", &topology.routes.join(", "));
    if !topology.runbooks.is_empty() {
        row("runbooks", &topology.runbooks.join(", "));
    }
    let moves = if topology.planned_moves {
        "switchover, failback"
    } else {
        "none"
    };
    row("planned moves", moves);
    if !topology.consistency.is_empty() {
        let kinds: Vec<String> = topology
            .consistency
            .iter()
            .map(ToString::to_string)
            .collect();
        row("consistency", &kinds.join(", "));
    }
    if topology.consumers {
        row("consumers", "as one group");
    }
    if topology.etcd {
        row("conditions", "etcd-leader");
    }
    if topology.scripts {
        let plays: Vec<&str> = Play::ALL.iter().map(|(name, _)| *name).collect();
        row("scripts", &plays.join(", "));
    }
    text
}

/// The kind in a word, and what is to be added to the help.
fn kind(kind: SettingKind) -> (&'static str, String) {
    match kind {
        SettingKind::Duration => ("duration", String::new()),
        SettingKind::Count => ("number", String::new()),
        SettingKind::Flag => ("true or false", String::new()),
        SettingKind::OneOf(words) => ("word", format!("; one of {}", words.join(", "))),
    }
}

/// Left-aligned columns; the last is not padded.
fn columns(rows: &[Vec<String>], indent: &str) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        let _ = writeln!(text, "{indent}{}", cells.join("  ").trim_end());
    }
    text
}
