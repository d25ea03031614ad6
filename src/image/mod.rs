//! Container images: present, pulled, or built from our recipes; what stands in for what is never silent.

mod certificates;
pub mod doctor;
mod preflight;
mod recipes;
mod resolve;

pub use preflight::{Preflight, preflight};
pub use recipes::{BASE, Base, DEBIAN, RECIPES, Recipe, SIDECAR, standing_in};
pub use resolve::{ImageError, Listed, Resolver, Say, State};
