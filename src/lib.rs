//! drdrill: disaster-recovery drills on real stacks, measured from the clients' side.
//!
//! The data flows one way: scenario, plan, run, record, judgement, report.

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
pub mod time;
pub mod truth;
pub mod workload;
