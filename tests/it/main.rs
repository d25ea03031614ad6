//! Integration tests, in one binary so that they link once.

mod adapter_rig;
mod calibration;
mod calibration_rig;
mod cli_check;
mod docker_images;
mod docker_links;
mod docker_machine;
mod docker_rig;
mod docker_sweep;
mod drill_rig;
mod drills;
mod evidence_rig;
mod forgeries;
mod offers;
mod postgres_client;
mod postgres_stack;
mod redis_client;
mod redis_stack;
mod reference;
mod sample;
mod scenario_plan;
mod scenario_problems;
mod scenario_shipped;
mod secrets;
mod stack_rig;
mod tidy;
