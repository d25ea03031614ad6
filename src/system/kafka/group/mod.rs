//! Consumers of the driver in one group: beats are sent to every partition, and what becomes of them is told.

mod beat;
mod ledger;
mod member;
mod questions;
mod running;
mod track;
