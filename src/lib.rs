//! drdrill: disaster-recovery drills on real stacks, measured from the clients' side.
//!
//! The data flows one way: scenario, plan, run, record, judgement, report. Each of them is a call:
//!
//! 1. [`scenario::read`] reads a file; everything that is wrong with it is told at its place.
//! 2. [`drill::Plan::check`] binds it to its system, one of [`system::catalogue`]. Nothing is created yet.
//! 3. [`session::Session::run`] brings the stack up, takes the steps, removes everything, and seals the run's folder.
//! 4. [`evidence::load`] reads a folder back: a [`record::Record`] and a [`history::History`].
//! 5. [`score::judge`] is a pure function of these two: a folder judged again elsewhere gives the same judgement.
//! 6. [`report`] shows it: [`report::View`], and each format from it.
//!
//! The library reads no arguments, and the environment only in [`local`]; a [`session::Host`] tells it where journals lie and
//! what must not reach a report. A drill as a test of your own: [`Drill`]. Which module does what: `ARCHITECTURE.md`.
//!
//! # A drill of a few seconds
//!
//! The reference store is drdrill's own, and needs no containers. Its nodes are this program, started once more each.
//!
//! ```standalone_crate
//! use std::{env, error::Error, path::Path};
//!
//! use drdrill::{
//!     drill::Plan,
//!     evidence,
//!     record::Status,
//!     scenario, score,
//!     session::{Host, Session},
//!     system::{catalogue, reference::node},
//! };
//!
//! const SCENARIO: &str = "
//! schema: 1
//! name: first
//! summary: The primary is killed, and another node takes over.
//! stack: { reference: { settings: { detect: 300ms } } }
//! clients: { service: { lanes: 4, rate: 400/s, timeout: 200ms } }
//! targets: { rto: 5s, rpo: any }
//! drill:
//!   - steady: 2s
//!   - fault: { kill: primary }
//!   - expect: { recovered: { within: 10s } }
//! ";
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     let arguments: Vec<String> = env::args().skip(1).collect();
//!     if arguments.first().is_some_and(|first| first == "reference-node") {
//!         let setup = node::arguments::parse(&arguments[1..])?;
//!         return Ok(node::run(setup, Path::new("log.txt")).await?);
//!     }
//!     let plan = Plan::check(&scenario::read("first.yaml", SCENARIO, &[])?, &catalogue::all())?;
//!     let place = tempfile::tempdir()?;
//!     let host = Host::new(place.path().join("state"), env::current_exe()?);
//!     let reports = place.path().join("reports");
//!     let ended = Session::new(&plan, &host, &reports).run((), &mut None).await?;
//!     assert_eq!(ended.record.status, Status::Completed);
//!
//!     let loaded = evidence::load(&ended.folder)?;
//!     let again = score::judge(&loaded.record, &loaded.history);
//!     assert_eq!(again.scorecard, ended.judgement.scorecard);
//!     Ok(())
//! }
//! ```

pub mod alerting;
pub mod archive;
pub mod calibrate;
pub mod check;
pub mod drill;
pub mod evidence;
pub mod fault;
pub mod gate;
pub mod history;
pub mod id;
pub mod image;
pub mod local;
pub mod measure;
pub mod net;
pub mod record;
pub mod report;
pub mod runbook;
pub mod runtime;
pub mod scenario;
pub mod score;
pub mod seed;
pub mod serve;
pub mod session;
pub mod shown;
pub mod stats;
pub mod system;
pub mod testing;
pub mod time;
pub mod truth;
pub mod workload;

pub use testing::Drill;
