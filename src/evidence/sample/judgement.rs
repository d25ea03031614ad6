//! What follows from the sample run, judged as any other.

use crate::score::{Judgement, judge};

/// The judgement of the sample.
pub fn judgement() -> Judgement {
    judge(&super::record(), &super::history())
}
