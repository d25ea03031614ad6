//! Where a route led at the last looks, and what a new look shows.

use crate::{
    id::NodeName,
    record::{ControlEvent, Milestone},
    time::{Bracket, Nanos},
};

/// What was seen of a route.
#[derive(Debug)]
pub struct Led {
    /// The word for the route.
    route: &'static str,
    /// What clients know it by: its address or name.
    label: String,
    /// When the last look began, and who answered.
    last: Option<(Nanos, Option<NodeName>)>,
    /// Who answered last at all.
    to: Option<NodeName>,
}

impl Led {
    /// Nothing was seen yet.
    pub fn new(route: &'static str, label: String) -> Self {
        Self {
            route,
            label,
            last: None,
            to: None,
        }
    }

    /// What a look shows that the one before did not. It happened between the two.
    pub fn look(
        &mut self,
        at: Bracket,
        answers: Option<NodeName>,
    ) -> Option<(Bracket, ControlEvent)> {
        let last = self.last.replace((at.low, answers.clone()));
        let low = last.as_ref().map_or(at.low, |(low, _)| *low);
        if last.as_ref().is_some_and(|(_, before)| *before == answers) {
            return None;
        }
        let label = &self.label;
        let (milestone, node, text) = match (&answers, &self.to) {
            (Some(new), Some(old)) if new != old => (
                Some(Milestone::Routed),
                Some(new.clone()),
                format!("{label} leads to {new}, no longer to {old}"),
            ),
            (Some(new), _) => (None, Some(new.clone()), format!("{label} leads to {new}")),
            (None, old) => (None, old.clone(), format!("no primary answers at {label}")),
        };
        if answers.is_some() {
            self.to = answers;
        }
        let event = ControlEvent {
            source: NodeName::new(self.route),
            milestone,
            node,
            text,
        };
        Some((Bracket { low, high: at.high }, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_moved_when_another_node_answers_there() {
        let mut led = Led::new("keepalived", "10.0.0.9".into());
        let (r1, r2) = (NodeName::new("r1"), NodeName::new("r2"));
        let (one, two) = (Some(&r1), Some(&r2));
        let looks = [one, one, None, one, None, two, two];
        let told = (0..).zip(looks).map(|(number, answers)| {
            let at = Bracket {
                low: Nanos(number * 10),
                high: Nanos(number * 10 + 5),
            };
            let event = led.look(at, answers.cloned());
            event.map(|(at, event)| (at.low.0, at.high.0, event.milestone, event.node))
        });
        let routed = Some(Milestone::Routed);
        let expected = [
            Some((0, 5, None, Some(r1.clone()))),
            None,
            Some((10, 25, None, Some(r1.clone()))),
            Some((20, 35, None, Some(r1.clone()))),
            Some((30, 45, None, Some(r1.clone()))),
            Some((40, 55, routed, Some(r2.clone()))),
            None,
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
