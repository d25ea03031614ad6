//! The steps of a drill, and which of them the targets do not judge.

use std::{collections::BTreeSet, ops::Deref};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{OwnRunbook, Step};

/// What happens, in order. Reads and writes as in a file: a step that the targets do not judge has `targets: any`
/// beside it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Steps {
    steps: Vec<Step>,
    unjudged: BTreeSet<usize>,
}

impl Steps {
    /// Steps, of which those at these places (from 0) are measured and not judged.
    pub fn new(steps: Vec<Step>, unjudged: BTreeSet<usize>) -> Self {
        Self { steps, unjudged }
    }

    /// Adds a step at the end.
    #[cfg(test)]
    pub(crate) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The step that `rto` and `rpo` speak of where the scenario names none: the first that may be one and is judged, else the
    /// first that may.
    pub fn headline(&self) -> Option<usize> {
        let may = |index: &usize| self.steps[*index].may_be_headline();
        let places = 0..self.steps.len();
        let judged = places.clone().filter(may).find(|index| self.judges(*index));
        judged.or_else(|| places.into_iter().find(may))
    }

    /// The runbooks of the user's own, each with its step.
    pub fn own_runbooks(&self) -> impl Iterator<Item = (usize, &OwnRunbook)> {
        let steps = self.steps.iter().enumerate();
        steps.filter_map(|(index, step)| match step {
            Step::Runbook(called) => Some((index, called.own()?)),
            _ => None,
        })
    }

    /// Whether what clients see of the step at `index` is held against the targets.
    pub fn judges(&self, index: usize) -> bool {
        !self.unjudged.contains(&index)
    }
}

impl From<Vec<Step>> for Steps {
    fn from(steps: Vec<Step>) -> Self {
        Self::new(steps, BTreeSet::new())
    }
}

impl Deref for Steps {
    type Target = [Step];

    fn deref(&self) -> &[Step] {
        &self.steps
    }
}

impl std::ops::DerefMut for Steps {
    fn deref_mut(&mut self) -> &mut [Step] {
        &mut self.steps
    }
}

/// A step as it stands in a file.
#[derive(Serialize, Deserialize)]
struct Item<S> {
    #[serde(flatten)]
    step: S,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    targets: Option<Any>,
}

/// The word `any`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Any {
    Any,
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items = self.steps.iter().enumerate().map(|(index, step)| Item {
            step,
            targets: (!self.judges(index)).then_some(Any::Any),
        });
        serializer.collect_seq(items)
    }
}

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Item<Step>>::deserialize(deserializer)?;
        let places = items.iter().enumerate();
        let unjudged = places.filter(|(_, item)| item.targets.is_some());
        let unjudged = unjudged.map(|(index, _)| index).collect();
        let steps = items.into_iter().map(|item| item.step).collect();
        Ok(Self::new(steps, unjudged))
    }
}

impl JsonSchema for Steps {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Steps".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<Step>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Dur, RunbookStep};

    #[test]
    fn steps_are_written_as_in_a_file_and_read_back() {
        let hold = || Step::Hold(Dur(std::time::Duration::from_secs(5)));
        let steps = Steps::new(vec![hold(), hold()], BTreeSet::from([1]));
        let text = serde_json::to_string(&steps).expect("it serialises");
        assert_eq!(text, r#"[{"hold":"5s"},{"hold":"5s","targets":"any"}]"#);
        let back: Steps = serde_json::from_str(&text).expect("it deserialises");
        assert_eq!(back, steps);
        assert!(back.judges(0) && !back.judges(1));
        assert!(serde_json::from_str::<Steps>(r#"[{"hold":"5s","targets":"none"}]"#).is_err());
    }

    #[test]
    fn the_main_figures_speak_of_the_first_fault_that_is_judged() {
        let noop = || Step::Fault(crate::scenario::fault::Noop.into());
        let with = |unjudged: &[usize]| {
            let steps = vec![
                Step::Runbook(RunbookStep::Shipped("promote-replica".into())),
                noop(),
                noop(),
            ];
            Steps::new(steps, unjudged.iter().copied().collect()).headline()
        };
        assert_eq!(with(&[]), Some(1));
        assert_eq!(with(&[1]), Some(2));
        // A runbook has no figures, whether or not it is judged.
        assert_eq!(with(&[1, 2]), Some(1));
        assert_eq!(Steps::from(Vec::new()).headline(), None);
    }
}
