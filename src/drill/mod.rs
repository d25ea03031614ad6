//! Runs one drill: binds a scenario to a stack, takes its steps, and always cleans up or hands the stack on.

mod allot;
mod faults;
mod finish;
pub mod hunt;
mod offered;
mod outside;
mod plan;
mod plan_alerting;
mod plan_checks;
mod plan_clock;
mod plan_design;
mod plan_inside;
mod plan_regions;
mod plan_shards;
mod plan_sidecars;
mod provision;
mod run;
pub mod schedule;
mod standing;
mod steps;
mod stop;
mod vigil;
mod wait;

pub use offered::{example as example_fault, modes as offered_modes};
pub use plan::{Plan, warnings};
pub use plan_alerting::{alert_warnings, validate_alerting};
pub use plan_checks::validate_against;
pub use plan_design::validate_design;
pub use provision::{After, Aside, Machines, Provisioned, Site, provision, tear_down};
pub use run::{Finished, run};
pub use standing::{Standing, rearm};
pub use stop::Stop;
