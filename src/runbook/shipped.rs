//! The runbooks that systems bring along: the files in `runbooks/`.

use crate::scenario::{Task, read_runbook};

/// Each by its name.
const SHIPPED: [(&str, &str); 2] = [
    (
        "promote-replica",
        include_str!("../../runbooks/promote-replica.yaml"),
    ),
    (
        "force-members",
        include_str!("../../runbooks/force-members.yaml"),
    ),
];

/// The steps of one of them.
pub(super) fn steps(name: &str) -> Option<Vec<Task>> {
    let (_, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
    read_runbook(name, text).ok().map(|file| file.steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::catalogue;

    #[test]
    fn every_runbook_of_a_system_is_a_file_that_reads() {
        let systems = catalogue::all();
        let offers = systems.iter().map(|system| system.describe());
        let named: Vec<&str> = offers
            .flat_map(|offer| offer.topologies.to_vec())
            .flat_map(|topology| topology.runbooks)
            .copied()
            .collect();
        assert!(named.len() > 2, "{named:?}");
        for name in named {
            assert!(steps(name).is_some(), "{name}");
        }
    }
}
