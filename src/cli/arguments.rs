//! The arguments, and help texts that teach.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use drdrill::{archive::Quarter, scenario::Dur};

use super::exit::Exit;

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
    after_help = "Start here:\n  drdrill doctor                          what this machine can run\n  drdrill list                            systems, settings, faults\n  drdrill check scenarios                 find mistakes, create nothing\n  drdrill run scenarios/quickstart.yaml   the first drill, about a minute",
    after_long_help = concat!(
        "Start here:\n  drdrill doctor                          what this machine can run\n  drdrill list                            systems, settings, faults\n  drdrill check scenarios                 find mistakes, create nothing\n  drdrill run scenarios/quickstart.yaml   the first drill, about a minute\n\n"
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
    /// Check scenario files without creating anything
    Check(CheckArguments),
    /// Say what this machine can run, and what is missing
    Doctor(DoctorArguments),
    /// List systems, topologies, settings, runbooks and faults
    List,
    /// Show the images that drills need, or build drdrill's own
    Images(ImagesArguments),
    /// Remove what interrupted drills have left behind
    #[command(
        after_help = "Undoes journalled faults and removes containers, networks and volumes labelled `drdrill.run`\nwhose run is over. Drills that are still running keep theirs."
    )]
    Sweep,
    /// Judge and render a finished run again from its folder
    Report(ReportArguments),
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
    /// Sign a finished run's folder
    Sign(SignArguments),
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

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill run scenarios/quickstart.yaml
  drdrill run scenarios/redis --out reports
  drdrill run scenarios/redis/sentinel-kill.yaml --repeat 5 --set targets.rto=20s
  drdrill run scenarios/redis/sentinel-kill.yaml --set stack.redis.settings.down-after=500ms

Ctrl-C once heals and stops; twice only removes what was created.")]
pub struct RunArguments {
    /// Which scenarios
    #[command(flatten)]
    pub scenarios: ScenarioArguments,
    /// Run each scenario this often, each time on a fresh stack
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeat: Option<u32>,
    /// Write run folders below this folder
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
    /// Keep the stack after the drill until Ctrl-C
    #[arg(long)]
    pub keep: bool,
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

/// The key to sign with.
#[derive(Debug, Args)]
pub struct SigningArguments {
    /// Sign run folders with this minisign secret key; else with that in DRDRILL_SIGNING_KEY, if it is set
    ///
    /// The password of an encrypted key is taken from DRDRILL_SIGNING_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub sign_key: Option<PathBuf>,
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
    /// Build the images that are drdrill's own
    #[arg(long)]
    pub build: bool,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill report reports/quickstart/20261121t081500-abcdef
  drdrill report reports --quarter 2026Q4 --key drill.pub --require scenarios --availability redis=99.95

Of a run, the manifest is verified first; the exit code is 6 if the folder was changed. Of a quarter, a page
and Markdown are written to DIR/quarterly.")]
pub struct ReportArguments {
    /// The folder of a run; with --quarter a reports folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Report on all runs of a quarter, such as `2026Q4`
    #[arg(long, value_name = "YEARQn")]
    pub quarter: Option<Quarter>,
    /// Where to write a quarter's report
    #[arg(long, value_name = "DIR", requires = "quarter")]
    pub out: Option<PathBuf>,
    /// Verify all evidence of a quarter's report against this public key
    #[arg(long, value_name = "FILE|KEY", requires = "quarter")]
    pub key: Option<String>,
    /// Scenario files, or folders of them, whose systems must be covered
    #[arg(long, value_name = "FILE|DIR", requires = "quarter")]
    pub require: Vec<PathBuf>,
    /// A system's availability target in percent; there are defaults
    #[arg(long, value_name = "SYSTEM=PERCENT", requires = "quarter", value_parser = availability)]
    pub availability: Vec<(String, f64)>,
}

/// Arguments of `gate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill gate reports --key drill.pub --baseline baseline.json --junit junit.xml
  drdrill gate reports --unsigned --scenario quickstart --max-age 7d
  drdrill gate reports --key drill.pub --require scenarios --textfile drdrill.prom

Judged are the newest run of each scenario and the repeats that it was started with. Exit codes: 0 pass,
1 target missed, 3 could not be told, 6 evidence missing, too old, unsigned or not as the run left it,
7 worse than the baseline or than the history. On GitHub, annotations and the step summary are written.")]
pub struct GateArguments {
    /// The reports folder
    #[arg(value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// Only these scenarios; each must have evidence
    #[arg(long = "scenario", value_name = "NAME")]
    pub scenarios: Vec<String>,
    /// Scenario files, or folders of them, that must have evidence too
    #[arg(long, value_name = "FILE|DIR")]
    pub require: Vec<PathBuf>,
    /// The public key that must have signed: a file, or its line
    #[arg(long, value_name = "FILE|KEY")]
    pub key: Option<String>,
    /// Accept evidence without a signature; all else is still verified
    #[arg(long, conflicts_with = "key")]
    pub unsigned: bool,
    /// How long evidence counts
    #[arg(long, value_name = "TIME", default_value = "100d", value_parser = time)]
    pub max_age: Dur,
    /// Hold recovery times against this baseline
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// How much slower still counts as not worse; else 5 % of the baseline's median, or the resolution
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub margin: Option<Dur>,
    /// Judge this many newest runs of each scenario
    #[arg(long, value_name = "N", value_parser = count)]
    pub last: Option<usize>,
    /// Write JUnit XML here
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a metrics report for merge requests here (GitLab: OpenMetrics)
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Write a file for Prometheus' textfile collector here
    #[arg(long, value_name = "FILE")]
    pub textfile: Option<PathBuf>,
    /// Append a Markdown summary here; on GitHub to the step summary
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Post the decisions here as a CloudEvent; that this fails is a warning
    #[arg(
        long,
        value_name = "URL",
        env = "DRDRILL_WEBHOOK",
        hide_env_values = true
    )]
    pub webhook: Option<String>,
    /// Print the decisions as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `baseline`.
#[derive(Debug, Args)]
pub struct BaselineArguments {
    /// What to do
    #[command(subcommand)]
    pub command: BaselineCommand,
}

/// What to do with a baseline.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Take the newest completed runs of each scenario as its baseline; all of them must have passed
    Set {
        /// The reports folder
        #[arg(value_name = "DIR", default_value = "reports")]
        reports: PathBuf,
        /// Only this scenario
        #[arg(long, value_name = "NAME")]
        scenario: Option<String>,
        /// How many runs; 5 against 5 are the fewest that can show a difference at 95 %
        #[arg(long, value_name = "N", default_value = "10", value_parser = count)]
        last: usize,
        /// The file to write; keep it under version control
        #[arg(long, value_name = "FILE", default_value = "baseline.json")]
        file: PathBuf,
    },
    /// Show the runs of a baseline
    Show {
        /// The file
        #[arg(value_name = "FILE", default_value = "baseline.json")]
        file: PathBuf,
    },
}

/// Arguments of `history`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill history reports
  drdrill history reports --scenario redis-sentinel-kill --last 50")]
pub struct HistoryArguments {
    /// The reports folder
    #[arg(value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// Show the runs of this scenario
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// How many runs of it
    #[arg(long, value_name = "N", default_value = "20", value_parser = count)]
    pub last: usize,
    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
The page only reads. It is served on the loopback address; anyone who can reach another address that you
name can read every report in the folder.")]
pub struct ServeArguments {
    /// The reports folder
    #[arg(value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    pub listen: std::net::SocketAddr,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill verify reports --key drill.pub --head 5f2c...
  drdrill verify reports/quickstart/20261121t081500-abcdef --key RWQ... --register reports/register.jsonl

Needs no network. A reports folder is verified with its register and every run in it. The public key must
come by another way than the evidence. The exit code is 6 if anything is wrong; each thing is named.")]
pub struct VerifyArguments {
    /// The folder of a run, or a reports folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The public key that must have signed: a file, or its line
    #[arg(long, value_name = "FILE|KEY")]
    pub key: String,
    /// The register that must know the run; of a reports folder its own
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,
    /// A head of the register that was noted elsewhere: the register must still hold it
    #[arg(long, value_name = "SHA256")]
    pub head: Option<String>,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
Signing apart from running lets another person than the operator hold the key. The folder's digests are
checked first; what was changed is not signed.")]
pub struct SignArguments {
    /// The folder of a run
    #[arg(value_name = "RUN-DIR")]
    pub folder: PathBuf,
    /// How to sign
    #[command(flatten)]
    pub signing: SigningArguments,
}

/// Arguments of `keygen`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: an encrypted key
  DRDRILL_SIGNING_PASSWORD=... drdrill keygen ~/keys/drill

Writes NAME.key (secret), NAME.pub (minisign) and NAME.pem (for cosign and openssl). Keys that minisign made
do as well.")]
pub struct KeygenArguments {
    /// Where to write, without an ending
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
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

/// A time with its unit, days included: a scenario's times end at hours.
fn time(text: &str) -> Result<Dur, String> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok());
    match days {
        Some(days) => Ok(Dur(Duration::from_secs(u64::from(days) * 86_400))),
        None => text.parse::<Dur>().map_err(|error| error.to_string()),
    }
}

fn availability(text: &str) -> Result<(String, f64), String> {
    let read = text.split_once('=').and_then(|(system, percent)| {
        let percent: f64 = percent.trim_end_matches('%').parse().ok()?;
        (percent > 0.0 && percent < 100.0).then(|| (system.to_owned(), percent))
    });
    read.ok_or_else(|| "expected SYSTEM=PERCENT, such as `redis=99.95`".to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a number from 1".to_owned())
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
