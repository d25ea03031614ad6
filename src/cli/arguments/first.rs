//! Arguments of the commands that a newcomer meets first.

use std::path::PathBuf;

use clap::Args;

use super::ScenarioArguments;

/// Arguments of `new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill new                                        what there is to choose from
  drdrill new redis/sentinel --fault kill --out my.yaml
  drdrill new postgres/streaming --fault pause")]
pub struct NewArguments {
    /// The system and its topology; without it, all are listed
    #[arg(value_name = "SYSTEM/TOPOLOGY")]
    pub stack: Option<String>,
    /// What breaks; `drdrill list` shows the faults
    #[arg(long, value_name = "FAULT", default_value = "kill")]
    pub fault: String,
    /// Write it to this new file, not to the terminal
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill plan scenarios/quickstart.yaml
  drdrill plan scenarios/quickstart.yaml --json")]
pub struct PlanArguments {
    /// Which scenarios
    #[command(flatten)]
    pub scenarios: ScenarioArguments,
    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,
    /// Look for the containers that a drill attaches to, and write the plan with them and its digest to this file, for `run --plan`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
