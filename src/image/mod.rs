//! Container images: present, pulled, or built from our recipes; what stands in for what is never silent.

mod certificates;
mod clock;
pub mod doctor;
mod preflight;
mod recipes;
mod resolve;

pub use clock::clock_library;
pub use preflight::{Preflight, preflight};
pub use recipes::{BASE, Base, CLOCK, DEBIAN, RECIPES, Recipe, SIDECAR, standing_in};
pub use resolve::{ImageError, Listed, Resolver, Say, State};
