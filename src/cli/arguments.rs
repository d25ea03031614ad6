//! The arguments, and help texts that teach.

mod evidence;
mod first;
mod many;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use evidence::{
    KeygenArguments, PruneArguments, SignArguments, SigningArguments, TimestampArguments,
    VerifyArguments,
};
pub use first::{NewArguments, PlanArguments};
pub use many::{
    BaselineArguments, BaselineCommand, GateArguments, HistoryArguments, Language, ReportArguments,
    ServeArguments, WhyArguments,
};

use drdrill::{calibrate::Level, id::RunId, scenario::Dur};

use super::{exit::Exit, matrix::Axis};

/// Disaster-recovery drills on real database stacks.
///
/// A scenario file says what stands, who uses it, what breaks and what must hold. drdrill builds the
/// stack, lets clients use it, breaks it, and measures from the clients' side how long they waited
/// (RTO) and what they lost (RPO).
#[derive(Debug, Parser)]
#[command(
    name = "drdrill",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Start here:\n  drdrill doctor                          what this machine can run\n  drdrill list                            systems, settings, faults\n  drdrill check scenarios                 find mistakes, create nothing\n  drdrill run scenarios/quickstart.yaml   the first drill, half a minute",
    after_long_help = concat!(
        "Start here:\n  drdrill doctor                          what this machine can run\n  drdrill list                            systems, settings, faults\n  drdrill check scenarios                 find mistakes, create nothing\n  drdrill run scenarios/quickstart.yaml   the first drill, half a minute\n\n"
    ).to_owned() + Exit::HELP,
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run drills and judge them against their targets
    Run(RunArguments),
    /// Show that drills can turn red: run them with the changes under which they must fail
    Prove(ProveArguments),
    /// Look within a time for the drill with the worst outcome, and write it down as a small scenario
    Hunt(HuntArguments),
    /// Write a first scenario for a system, with comments
    New(NewArguments),
    /// Show what drills would create, do and take, without creating anything
    Plan(PlanArguments),
    /// Check scenario files without creating anything
    Check(CheckArguments),
    /// Plant known truths and compare what drdrill measures with them
    Calibrate(CalibrateArguments),
    /// Say what this machine can run, and what is missing
    Doctor(DoctorArguments),
    /// List systems, topologies, settings, runbooks and faults
    List,
    /// Show the images that drills need, or build drdrill's own
    Images(ImagesArguments),
    /// Remove what interrupted drills have left behind
    Sweep(SweepArguments),
    /// Try a client program of your own on a store: whether it speaks the protocol
    Conform(ConformArguments),
    /// Stop every drill, and keep new ones from starting until the halt is lifted
    Halt(HaltArguments),
    /// Judge and render a finished run again from its folder
    Report(ReportArguments),
    /// Say why a run's recovery took as long as it did: each part of it, and what it waited for
    #[command(
        after_help = "Example:\n  drdrill why reports/redis-sentinel-kill/20261127t081500-3fa4b2"
    )]
    Why(WhyArguments),
    /// Decide whether a pipeline may go on: evidence, targets, baseline, history
    Gate(GateArguments),
    /// Set or show the runs that later ones are held against
    Baseline(BaselineArguments),
    /// Show the runs of a reports folder and how they went over time
    History(HistoryArguments),
    /// Show a reports folder as a local page
    Serve(ServeArguments),
    /// Check that evidence is what the runs left: digests, signatures, every verdict derived again
    Verify(VerifyArguments),
    /// Remove old runs, leaving in the register what was known of them
    Prune(PruneArguments),
    /// Sign a finished run's folder
    Sign(SignArguments),
    /// Have the register time-stamped by an authority (RFC 3161)
    Timestamp(TimestampArguments),
    /// Make a key pair for signing
    Keygen(KeygenArguments),
    /// Print a JSON schema, for editors and pipelines
    Schema(SchemaArguments),
    /// Print a completion script
    #[command(
        after_help = "Examples:\n  source <(drdrill completions bash)\n  drdrill completions fish > ~/.config/fish/completions/drdrill.fish"
    )]
    Completions(CompletionsArguments),
    /// Be a node of the reference store; drdrill starts these itself
    #[command(hide = true)]
    ReferenceNode(ReferenceNodeArguments),
}

/// Which scenarios.
#[derive(Debug, Args)]
pub struct ScenarioArguments {
    /// Scenario files, or folders with `.yaml` files in them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Replace or add one value of every scenario, such as `targets.rto=20s`
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub overrides: Vec<(String, String)>,
}

/// Which of the scenarios, by their `tags`.
#[derive(Debug, Args)]
pub struct TagArguments {
    /// Only scenarios with this tag; given more than once, with any of them
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Not those with this tag
    #[arg(long, value_name = "TAG")]
    pub except_tag: Vec<String>,
}

/// How to say what goes on and what came of it.
#[derive(Debug, Args)]
pub struct SayingArguments {
    /// Say nothing while a drill runs, and one line about each run that ended
    #[arg(long, conflicts_with_all = ["verbose", "keep"])]
    pub quiet: bool,
    /// Say each step on a line of its own, on a terminal too
    #[arg(long)]
    pub verbose: bool,
    /// Print a line of JSON for each run that ended, and nothing else
    #[arg(long, conflicts_with = "keep")]
    pub json: bool,
    /// Write a JUnit report with a suite for each run that ended; an older file there is removed first
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill run scenarios/quickstart.yaml
  drdrill run scenarios --tag quarterly --except-tag long --out reports
  drdrill run scenarios/redis/sentinel-kill.yaml --repeat 5 --set targets.rto=20s
  drdrill run scenarios/redis/sentinel-kill-p95.yaml --parallel 2
  drdrill run orders.yaml --rehearse
  drdrill run scenarios/redis/sentinel-kill.yaml --set stack.redis.settings.down-after=500ms
  drdrill run scenarios/redis/sentinel-kill.yaml --repeat 4 --matrix image=redis:7,redis:8

Ctrl-C once heals and stops; twice only removes what was created.")]
pub struct RunArguments {
    /// Which scenarios
    #[command(flatten)]
    pub scenarios: ScenarioArguments,
    /// By tags
    #[command(flatten)]
    pub tags: TagArguments,
    /// Run each scenario this often, on one stack that is made ready again where the system can do so
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeat: Option<u32>,
    /// Bring up a fresh stack for each repeat
    #[arg(long)]
    pub fresh: bool,
    /// Run repeats on so many stacks at once, if a control on all of them shows that they leave each other alone
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16), conflicts_with_all = ["fresh", "keep"])]
    pub parallel: u32,
    /// Run each scenario with each of these values, or combination of them, and compare in one table; `image`, `nodes`, `cpu`,
    /// `topology` and `settings.NAME` are those of its system
    #[arg(long, value_name = "KEY=VALUE,VALUE..", value_parser = Axis::parse, conflicts_with = "keep")]
    pub matrix: Vec<Axis>,
    /// Write run folders below this folder
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
    /// How to say it
    #[command(flatten)]
    pub saying: SayingArguments,
    /// Do all but break something: bring the stack up or find it, put the clients on it, ask whether it is whole. Nothing is a
    /// pass then: a rehearsal that stays quiet is a control
    #[arg(long, conflicts_with_all = ["matrix", "plan"])]
    pub rehearse: bool,
    /// Keep the stack after the drill until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Run only if the drill and the containers that it attaches to are those of this plan: a file of `drdrill plan --out`, or its digest
    #[arg(long, value_name = "FILE|DIGEST", conflicts_with = "matrix")]
    pub plan: Option<String>,
    /// Repeat the choices of an earlier run, as its report prints them
    #[arg(long, value_name = "HEX", value_parser = seed)]
    pub seed: Option<u64>,
    /// How to sign
    #[command(flatten)]
    pub signing: SigningArguments,
    /// Post how each run ended here as a CloudEvent; that this fails is a warning
    #[arg(
        long,
        value_name = "URL",
        env = "DRDRILL_WEBHOOK",
        hide_env_values = true
    )]
    pub webhook: Option<String>,
}

/// Arguments of `prove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill prove scenarios/reference/primary-kill.yaml
  drdrill prove scenarios/redis --red

A drill that cannot fail proves nothing. Each scenario is run as it is, which must pass, and with each change that its
`must-fail` names, which must make it miss what is named there. The exit code is 1 if a drill did not come out so, 3 if
that could not be told or a scenario names no change.")]
pub struct ProveArguments {
    /// Which scenarios
    #[command(flatten)]
    pub scenarios: ScenarioArguments,
    /// By tags
    #[command(flatten)]
    pub tags: TagArguments,
    /// Only the drills with a change, not the scenario as it is
    #[arg(long)]
    pub red: bool,
    /// Write run folders below this folder
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
    /// Repeat the choices of an earlier run, as its report prints them
    #[arg(long, value_name = "HEX", value_parser = seed)]
    pub seed: Option<u64>,
    /// How to sign
    #[command(flatten)]
    pub signing: SigningArguments,
}

/// Arguments of `hunt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill hunt scenarios/redis/sentinel-kill.yaml --for 10m
  drdrill hunt scenarios/reference/primary-kill.yaml --for 3m --faults 1 --seed 7
  drdrill hunt scenarios/redis/sentinel-kill.yaml --for 20m --failing --faults 4

The scenario gives the stack, the clients, the first `steady` and the rto and rpo targets; its faults are replaced. Lost
writes are worse than any wait. With --failing the first schedule of faults that fails is made as small as it can be. The
exit code is 1 if a drill missed a target, 3 if none could be told.")]
pub struct HuntArguments {
    /// The scenario whose stack and clients are used
    #[arg(value_name = "FILE")]
    pub scenario: PathBuf,
    /// How long to look; a drill that has begun is seen through
    #[arg(long = "for", value_name = "TIME", default_value = "10m")]
    pub budget: Dur,
    /// The most faults in one drill
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=6))]
    pub faults: u8,
    /// Stop at the first drill that fails, and look for the least that fails in the same way
    #[arg(long)]
    pub failing: bool,
    /// Replace or add one value of the scenario, such as `targets.rto=20s`
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub overrides: Vec<(String, String)>,
    /// Write run folders and the scenario found below this folder
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
    /// Repeat the choices of an earlier search
    #[arg(long, value_name = "HEX", value_parser = seed)]
    pub seed: Option<u64>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill check scenarios
  drdrill check drill.yaml --set targets.rto=20s

Every problem of a file is shown at once. The exit code is 4 if there is any.")]
pub struct CheckArguments {
    /// Which scenarios
    #[command(flatten)]
    pub scenarios: ScenarioArguments,
}

/// Arguments of `sweep`.
#[derive(Debug, Args)]
#[command(after_help = "\
Undoes journalled faults and removes containers, networks and volumes labelled `drdrill.run`
whose run is over. Drills that are still running keep theirs.

Examples:
  drdrill sweep
  drdrill sweep --run 20261121t081500-abcdef")]
pub struct SweepArguments {
    /// Only this run, even if it cannot be told whether its drill still runs, or if another engine answers by now
    #[arg(long, value_name = "RUN-ID", value_parser = run_id)]
    pub run: Option<RunId>,
}

fn run_id(text: &str) -> Result<RunId, String> {
    RunId::parse(text).ok_or_else(|| "expected a run's name, such as 20261121t081500-abcdef".into())
}

/// Arguments of `conform`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill conform --node n1=172.31.248.11 --node n2=172.31.248.12 --node n3=172.31.248.13 -- python3 client.py")]
pub struct ConformArguments {
    /// A node of the store and its address; each once
    #[arg(long = "node", value_name = "NAME=ADDRESS", value_parser = node, required = true)]
    pub nodes: Vec<(String, String)>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub program: Vec<String>,
}

fn node(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, address)) if !name.is_empty() && !address.is_empty() => {
            Ok((name.into(), address.into()))
        }
        _ => Err("expected `name=address`, such as n1=172.31.248.11".into()),
    }
}

/// Arguments of `halt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every drill of this user, and every one in the same container engine, heals what it broke, ends as aborted (exit code 9),
and new ones do not start.

Examples:
  drdrill halt --reason 'a real incident'
  drdrill halt --lift")]
pub struct HaltArguments {
    /// Let drills start again
    #[arg(long, conflicts_with = "reason")]
    pub lift: bool,
    /// Why, as drills and their reports tell it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "a person halted all drills"
    )]
    pub reason: String,
}

/// Arguments of `calibrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill calibrate --quick              less than a minute, without containers
  drdrill calibrate                      all levels, on real databases too
  drdrill calibrate --level C2 --json

The levels are those of docs/measurement.md, section 6. The exit code is 0 if every line is accepted, 1 if one is
rejected, 3 if one could not be told.")]
pub struct CalibrateArguments {
    /// Only the levels that need no containers
    #[arg(long, conflicts_with = "levels")]
    pub quick: bool,
    /// Only this level; may be given several times
    #[arg(long = "level", value_name = "LEVEL")]
    pub levels: Vec<Level>,
    /// Print the lines as JSON
    #[arg(long)]
    pub json: bool,
    /// Repeat the random choices of an earlier calibration
    #[arg(long, value_name = "HEX", value_parser = seed)]
    pub seed: Option<u64>,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `images`.
#[derive(Debug, Args)]
pub struct ImagesArguments {
    /// Only these, by the folder of their recipe in docker/ (all)
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Build the images that are drdrill's own
    #[arg(long)]
    pub build: bool,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: checks and completion in an editor that speaks the YAML language server
  drdrill schema > scenario.schema.json
  # yaml-language-server: $schema=scenario.schema.json   (first line of the scenario)")]
pub struct SchemaArguments {
    /// Which schema
    #[arg(default_value = "scenario")]
    pub which: SchemaKind,
}

/// The schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// Scenario files
    Scenario,
    /// `result.json` of a run folder
    Result,
    /// What drdrill and a client program of yours say to each other, line by line
    Client,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// For which shell
    pub shell: Shell,
}

/// The shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
}

/// Arguments of `reference-node`.
#[derive(Debug, Args)]
pub struct ReferenceNodeArguments {
    /// Passed through
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("expected KEY=VALUE, such as `targets.rto=20s`")?;
    if key.is_empty() {
        return Err("the key is missing, such as `targets.rto`".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Seeds are printed in hexadecimal.
fn seed(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16)
        .map_err(|_| "expected up to 16 hexadecimal digits, as a report prints them".to_owned())
}
