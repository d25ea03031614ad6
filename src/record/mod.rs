//! Everything observed in one run: a list of events as they happened, and the record folded from them.

pub mod alerting;
pub mod bound;
pub mod consumers;
pub mod emit;
pub mod event;
pub mod finals;
pub mod fold;
pub mod lifecycle;
pub mod ranges;
pub mod restore;
pub mod stack;
pub mod variant;
pub mod view;

pub use alerting::{AlertEvent, AlertMoment, AlertRule, Alerting, AlertingMember, WATCHDOG};
pub use bound::{Bound, Wait};
pub use consumers::{Consumed, ConsumerGroup, RebalanceMoment, Rebalanced};
pub use emit::Emitter;
pub use event::{
    Capacity, Deed, Disruption, DisruptionKind, Effect, EffectState, Event, Last, LastLine, Opened,
    Rearmed, Residue, Status, StepResult, What,
};
pub use finals::{FinalRead, Holdings, Repeated, Source};
pub use fold::{Record, RecordError};
pub use lifecycle::{Cause, Change, Unexplained, Watched};
pub use ranges::{Range, Ranges};
pub use restore::{BackedUp, HarmSeen, LogKept, RestoreStage, Restored, StageName};
pub use stack::{
    Environment, Harness, ImageFact, Member, MemberKind, Origin, Setting, Shard, Stack,
};
pub use variant::variant;
pub use view::{ControlEvent, Milestone, Role, View};
