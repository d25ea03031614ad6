//! The scenario file: its types, and reading it with every problem shown at its place.

pub mod fault;
mod fault_facts;
pub mod packets;
pub mod problem;
mod read;
pub mod scalar;
pub mod schema;
pub mod spans;
pub mod streams;
pub mod suggest;
pub mod targets;
pub mod types;

pub use fault::{
    ClientPlace, Condition, Cpu, CrashLoop, Direction, Fault, KillProcess, Mistake, OutOfMemory,
    Part, Partition, Play, Refuse, Script, Selector, Stored, Victim,
};
pub use fault_facts::FAULTS;
pub use packets::{Bandwidth, Latency, Path, Reach, Reorder, Share};
pub use problem::{Problem, Problems};
pub use read::{BYTES_MAX, Parsed, SCHEMA, read, to_json};
pub use scalar::{BitRate, Dur, Goal, Percent, Rate, ScalarError};
pub use spans::Spans;
pub use streams::{
    Flow, HalfOpen, LimitData, Reset, Slice, SlowClose, Stream, StreamBandwidth, StreamLatency,
    StreamLink,
};
pub use targets::{Confidence, RecoveredBy, Rpo, Targets};
pub use types::{
    AppClients, Clients, Expect, Move, Pinned, PinnedAsk, Scenario, ServiceClients, Step,
    SystemSpec, Within,
};
