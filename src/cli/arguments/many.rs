//! Arguments of the commands over many runs.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use drdrill::{archive::Quarter, scenario::Dur};

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill report reports/quickstart/20261121t081500-abcdef
  drdrill report reports/quickstart/20261121t081500-abcdef --pdf report.pdf --language zh
  drdrill report reports --quarter 2026Q4 --key drill.pub --require scenarios --availability redis=99.95

Of a run, the manifest is verified first; the exit code is 6 if the folder was changed. Of a quarter, a page
and Markdown are written to DIR/quarterly.")]
pub struct ReportArguments {
    /// The folder of a run; with --quarter a reports folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Write a PDF with a text layer here
    #[arg(long, value_name = "FILE")]
    pub pdf: Option<PathBuf>,
    /// Write every operation as CSV here, with the names of lanes and nodes
    #[arg(long, value_name = "FILE", conflicts_with = "quarter")]
    pub csv: Option<PathBuf>,
    /// The PDF's language
    #[arg(long, value_name = "en|zh", default_value = "en", requires = "pdf")]
    pub language: Language,
    /// A font for the PDF; Chinese takes one of the machine's otherwise
    #[arg(long, value_name = "FILE", requires = "pdf")]
    pub font: Option<PathBuf>,
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
    /// A system's availability target in percent; most systems have a default
    #[arg(long, value_name = "SYSTEM=PERCENT", requires = "quarter", value_parser = availability)]
    pub availability: Vec<(String, f64)>,
}

/// A report's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

/// Arguments of `gate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill gate reports --key drill.pub --baseline baseline.json --junit junit.xml
  drdrill gate reports --unsigned --scenario quickstart --max-age 7d
  drdrill gate reports --key drill.pub --require scenarios --textfile drdrill.prom
  drdrill gate reports --key drill.pub --policy policy.json --head DIGEST

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
    /// Scenario files, or folders of them, that must have evidence of just what stands in them
    #[arg(long, value_name = "FILE|DIR")]
    pub require: Vec<PathBuf>,
    /// The public key that must have signed: a file, or its line
    #[arg(long, value_name = "FILE|KEY")]
    pub key: Option<String>,
    /// Accept evidence without a signature; all else is still verified
    #[arg(long, conflicts_with = "key")]
    pub unsigned: bool,
    /// The head of the register as it was noted elsewhere: a line with it must still be there
    #[arg(long, value_name = "DIGEST")]
    pub head: Option<String>,
    /// The certificates of a time stamp authority, in PEM: a time stamp must cover each run
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    /// The policy that says which scenario files are permitted, by digest, and how many runs are asked for
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
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
        /// The public key that must have signed the runs: a file, or its line; all else is verified without it too
        #[arg(long, value_name = "FILE|KEY")]
        key: Option<String>,
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
  drdrill history reports --scenario redis-sentinel-kill --last 50
  drdrill history reports --systems > docs/systems.md")]
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
    /// Print a Markdown table of systems, faults and routes with what was measured
    #[arg(long, conflicts_with_all = ["json", "scenario"])]
    pub systems: bool,
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

/// A time with its unit, days included: a scenario's times end at hours.
pub(super) fn time(text: &str) -> Result<Dur, String> {
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

pub(super) fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a number from 1".to_owned())
}

/// Arguments of `why`.
#[derive(Debug, Args)]
pub struct WhyArguments {
    /// The run's folder
    #[arg(value_name = "RUN-DIR")]
    pub folder: PathBuf,
}
