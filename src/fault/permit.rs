//! How many nodes faults may have out of service at a time, near containers that drdrill did not create.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::id::NodeName;

use super::FaultError;

/// A limit, and what is out of service by now. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Permit {
    most: usize,
    /// The members that decide by majority.
    deciding: Arc<Vec<NodeName>>,
    struck: Arc<Mutex<BTreeMap<usize, Vec<NodeName>>>>,
}

impl Permit {
    /// At most so many nodes at a time, and of those that decide by majority fewer than half.
    pub fn of(most: u32, deciding: Vec<NodeName>) -> Self {
        Self {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            deciding: Arc::new(deciding),
            struck: Arc::default(),
        }
    }

    /// Whether these may be struck beside those that are.
    ///
    /// # Errors
    /// When they would be too many together.
    pub(super) fn admits(&self, chosen: &[NodeName]) -> Result<(), FaultError> {
        let struck = self.lock();
        let all: BTreeSet<&NodeName> = struck.values().flatten().chain(chosen).collect();
        let few = |names: &BTreeSet<&NodeName>| {
            let names = names.iter().map(|name| name.as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        if all.len() > self.most {
            return Err(FaultError::TooMany(few(&all), self.most));
        }
        let out: BTreeSet<&NodeName> = all
            .into_iter()
            .filter(|one| self.deciding.contains(one))
            .collect();
        match out.len() * 2 >= self.deciding.len() && !out.is_empty() {
            true => Err(FaultError::Quorum(few(&out), self.deciding.len())),
            false => Ok(()),
        }
    }

    /// A step's fault struck these.
    pub(super) fn struck(&self, step: usize, victims: &[NodeName]) {
        self.lock().insert(step, victims.to_vec());
    }

    /// A step's fault was undone.
    pub(super) fn undone(&self, step: usize) {
        self.lock().remove(&step);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<NodeName>>> {
        self.struck.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_already_counts_until_it_is_back() {
        let permit = Permit::of(1, Vec::new());
        let node = |name: &str| [NodeName::new(name)];
        assert!(permit.admits(&node("a")).is_ok());
        permit.struck(1, &node("a"));
        assert!(permit.admits(&node("a")).is_ok(), "it is out already");
        let refused = permit.admits(&node("b")).expect_err("too many");
        assert!(refused.to_string().contains("a, b"), "{refused}");
        permit.undone(1);
        assert!(permit.admits(&node("b")).is_ok());
        let both = [NodeName::new("a"), NodeName::new("b")];
        assert!(permit.admits(&both).is_err());
    }

    #[test]
    fn a_majority_of_those_that_decide_stays() {
        let names = |names: &[&str]| -> Vec<NodeName> {
            names.iter().map(|name| NodeName::new(*name)).collect()
        };
        let permit = Permit::of(3, names(&["s1", "s2", "s3"]));
        assert!(permit.admits(&names(&["r1", "s1"])).is_ok());
        let refused = permit.admits(&names(&["s1", "s2"])).expect_err("no quorum");
        assert!(refused.to_string().contains("s1, s2"), "{refused}");
        let pair = Permit::of(2, names(&["s1", "s2"]));
        assert!(
            pair.admits(&names(&["s1"])).is_err(),
            "one of two is no majority"
        );
    }
}
