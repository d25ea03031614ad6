//! The scenario file: its types, and reading it with every problem shown at its place.

pub mod alerting;
pub mod consistency;
pub mod consumers;
pub mod disk;
pub mod fault;
mod fault_facts;
pub mod inside;
pub mod machine;
pub mod means;
pub mod must_fail;
pub mod packets;
pub mod problem;
mod read;
pub mod scalar;
pub mod schema;
pub mod spans;
pub mod steps;
pub mod streams;
pub mod suggest;
pub mod targets;
pub mod types;

pub use alerting::{Alerting, ExpectedAlert, SHIPPED};
pub use consistency::{Consistency, ConsistencyClients, ConsistencyKind};
pub use consumers::{Assignor, ConsumerClients, ConsumerEnd};
pub use disk::{Disk, DiskOperation, FailingDisk, SlowDisk};
pub use fault::{
    ClientPlace, Condition, CrashLoop, Direction, Fault, KillProcess, Mistake, Part, Partition,
    Play, Refuse, Script, Selector, Stored, Victim, region_name,
};
pub use fault_facts::FAULTS;
pub use inside::{Certificate, Descriptors, Dns, Misnaming};
pub use machine::{ClockDrift, ClockJump, Reboot};
pub use means::{Cpu, Memory, OutOfMemory};
pub use must_fail::{Miss, MustFail};
pub use packets::{Bandwidth, Distribution, Latency, Path, Reach, Reorder, Share};
pub use problem::{Problem, Problems};
pub use read::{BYTES_MAX, Parsed, SCHEMA, StatedRule, prometheus_duration, read, rules, to_json};
pub use scalar::{BitRate, Dur, Goal, Percent, Rate, ScalarError, Size};
pub use spans::Spans;
pub use steps::Steps;
pub use streams::{
    Flow, HalfOpen, LimitData, Reset, Slice, SlowClose, Stream, StreamBandwidth, StreamLatency,
    StreamLink,
};
pub use targets::{Confidence, RecoveredBy, Rpo, Targets};
pub use types::{
    AppClients, Clients, Expect, Move, Pinned, PinnedAsk, Scenario, ServiceClients, Step,
    SystemSpec, Within,
};
