//! Runs a drill on the reference store, without containers: `cargo run --example reference_drill [REPORTS]`.

use std::{env, error::Error, io, path::Path};

use drdrill::{
    drill::Plan,
    report::{Progress, Style, View, terminal},
    runtime::sweep::Scope,
    scenario::read,
    session::{Host, Session},
    system::{catalogue, reference::node},
};

const FILE: &str = "scenarios/reference/primary-kill.yaml";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // The nodes of the reference store are this program, started once more each.
    if let [first, node @ ..] = arguments.as_slice()
        && first == "reference-node"
    {
        let setup = node::arguments::parse(node)?;
        return Ok(node::run(setup, Path::new("log.txt")).await?);
    }
    let reports = arguments.first().map_or("reports", String::as_str);
    drill(Path::new(reports)).await
}

/// Runs the drill, and prints what it measured.
async fn drill(reports: &Path) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(FILE)?;
    let plan = Plan::check(&read(FILE, &text, &[])?, &catalogue::all())?;
    let host = Host::new(reports.join(".state"), env::current_exe()?);
    // Whoever was killed before left what it had created to this one.
    host.sweep(&Scope::Dead).await?;
    let session = Session::new(&plan, &host, reports);
    let ended = session
        .run(Progress::plain(io::stderr()), &mut None)
        .await?;
    let view = View::new(&ended.record, &ended.history, &ended.judgement);
    let page = ended.folder.join("report.html");
    let style = Style {
        width: 100,
        colour: false,
    };
    print!("{}", terminal(&view, &page.display().to_string(), style));
    Ok(())
}
