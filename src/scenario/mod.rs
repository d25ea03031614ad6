//! The scenario file: its types, and reading it with every problem shown at its place.

pub mod abort;
pub mod alerting;
pub mod attach;
pub mod consistency;
pub mod consumers;
mod estimate;
pub mod fault;
pub mod must_fail;
pub mod problem;
mod read;
mod rehearsal;
pub mod restore;
pub mod runbook;
pub mod scalar;
pub mod schema;
pub mod spans;
pub mod steps;
pub mod suggest;
pub mod targets;
pub mod types;
mod write;

pub use abort::{Abort, Floor, MustSucceed};
pub use alerting::{Alerting, ExpectedAlert, SHIPPED};
pub use attach::{Allowance, Attach};
pub use consistency::{Consistency, ConsistencyClients, ConsistencyKind};
pub use consumers::{Assignor, ConsumerClients, ConsumerEnd};
pub use estimate::Estimate;
pub(crate) use fault::for_each_fault;
pub use fault::{
    ClientPlace, Condition, Conditions, Direction, Disk, DiskOperation, Distribution, FAULTS,
    Facts, Fault, Flow, Misnaming, Nature, Need, Part, Path, Play, Reach, Refuse, Selector, Share,
    Stored, Stream, StreamLink, Victim, facts, region_name,
};
pub use must_fail::{Miss, MustFail};
pub use problem::{Problem, Problems};
pub use read::{
    BYTES_MAX, Parsed, RunbookFile, RunbookText, SCHEMA, Source, StatedRule, prometheus_duration,
    read, read_runbook, rules, to_json, with_runbooks,
};
pub use rehearsal::rehearsal;
pub use restore::{BackupTime, Point, Restore};
pub use runbook::{
    Act, BEST, Check, Command, Health, OnFailure, OwnRunbook, Person, RunbookEnd, RunbookStep,
    Task, Verified,
};
pub use scalar::{BitRate, Dur, Goal, Percent, Rate, ScalarError, Size};
pub use spans::Spans;
pub use steps::Steps;
pub use targets::{Confidence, RecoveredBy, Rpo, Targets};
pub use types::{
    AppClients, Clients, Expect, Move, Pinned, PinnedAsk, Reads, Scenario, ServiceClients, Step,
    SystemSpec, Within,
};
pub use write::to_yaml;
