//! What `clients.consumers` and the drill's steps say about each other.

use std::collections::BTreeSet;

use crate::scenario::{
    ConsumerClients, Expect, Goal, Scenario, Selector, Step, problem::Problem, spans::Spans,
};

/// Reports that come too seldom, steps that speak of consumers where there are none, members that cannot go, and waits
/// that end before the target does.
pub fn problems(scenario: &Scenario, spans: &Spans) -> Vec<Problem> {
    let consumers = scenario.clients.consumers.as_ref();
    let mut problems: Vec<Problem> = consumers
        .and_then(|consumers| heartbeat_problem(consumers, spans))
        .into_iter()
        .collect();
    let mut gone = BTreeSet::new();
    for (index, step) in scenario.drill.iter().enumerate() {
        let index = index.to_string();
        match consumers {
            None => problems.extend(orphan_problem(step, &index, spans)),
            Some(consumers) => {
                problems.extend(end_problem(consumers, &mut gone, step, &index, spans));
                problems.extend(wait_problem(scenario, step, &index, spans));
            }
        }
    }
    problems
}

/// Kafka's documentation of heartbeat.interval.ms: no higher than a third of the session.
fn heartbeat_problem(consumers: &ConsumerClients, spans: &Spans) -> Option<Problem> {
    let ConsumerClients {
        session, heartbeat, ..
    } = consumers;
    let key = if spans.has(&["clients", "consumers", "heartbeat"]) {
        "heartbeat"
    } else {
        "session"
    };
    (heartbeat.0 * 3 > session.0).then(|| {
        spans.problem(
            &["clients", "consumers", key],
            format!("a heartbeat of {heartbeat} is more than a third of the session of {session}"),
            "a report or two that are late would cost a member its partitions: shorten `heartbeat`",
        )
    })
}

/// A step that speaks of consumers where there are none.
fn orphan_problem(step: &Step, index: &str, spans: &Spans) -> Option<Problem> {
    let path = match step {
        Step::Consumer(_) => vec!["drill", index, "consumer"],
        Step::Expect(Expect::Consumed(_)) => vec!["drill", index, "expect", "consumed"],
        Step::Fault(fault) => {
            let mut named = fault.named().into_iter();
            let (key, _) = named.find(|(_, selector)| **selector == Selector::Coordinator)?;
            vec!["drill", index, "fault", fault.name(), key]
        }
        _ => return None,
    };
    Some(spans.problem(
        &path,
        "there are no consumers in this scenario",
        "add a group of them: `clients: { consumers: { members: 3 } }`",
    ))
}

/// A member that is not there (any more), or the last one.
fn end_problem(
    consumers: &ConsumerClients,
    gone: &mut BTreeSet<u16>,
    step: &Step,
    index: &str,
    spans: &Spans,
) -> Option<Problem> {
    let Step::Consumer(end) = step else {
        return None;
    };
    let (member, members) = (end.member(), consumers.members);
    let (message, help) = if member > members {
        (
            format!("there is no consumer {member}"),
            format!("the group has {members}, counted from 1"),
        )
    } else if !gone.insert(member) {
        (
            format!("consumer {member} is gone already"),
            "a consumer that went does not come back: name another one".into(),
        )
    } else if gone.len() == usize::from(members) {
        (
            "no consumer would be left".into(),
            "give the group one member more: `members`".into(),
        )
    } else {
        return None;
    };
    Some(spans.problem(&["drill", index, "consumer"], message, help))
}

fn wait_problem(scenario: &Scenario, step: &Step, index: &str, spans: &Spans) -> Option<Problem> {
    let Step::Expect(Expect::Consumed(wait)) = step else {
        return None;
    };
    let within = wait.within;
    let Some(Goal::Limit(target)) = scenario.targets.rebalance else {
        return None;
    };
    (within < target).then(|| {
        spans.problem(
            &["drill", index, "expect", "consumed", "within"],
            format!("the wait of {within} is shorter than the target of {target} for `rebalance`"),
            format!("wait at least {target}: a rebalance within the target must be seen"),
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::scenario::read;

    /// What is said of a drill with two consumers, these steps and this target.
    fn said(target: &str, steps: &str) -> Vec<String> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ kafka: {{}} }}\n\
             clients: {{ consumers: {{ members: 2 }} }}\ntargets: {{ rto: any, rpo: any{target} }}\n\
             drill: [ {{ steady: 10s }}, {steps}, {{ expect: {{ consumed: {{ within: 1m }} }} }} ]\n"
        );
        match read("a.yaml", &text, &[]) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.all.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_consumer_goes_once_and_the_last_one_stays() {
        let fine = said(", rebalance: 1m", "{ consumer: { crash: 1 } }");
        assert_eq!(fine, [] as [&str; 0]);
        for (steps, wanted) in [
            ("{ consumer: { leave: 3 } }", "there is no consumer 3"),
            (
                "{ consumer: { leave: 2 } }, { consumer: { crash: 2 } }",
                "consumer 2 is gone already",
            ),
            (
                "{ consumer: { leave: 2 } }, { consumer: { crash: 1 } }",
                "no consumer would be left",
            ),
        ] {
            assert_eq!(said("", steps), [wanted]);
        }
    }

    #[test]
    fn a_wait_is_as_long_as_the_target() {
        let said = said(", rebalance: 90s", "{ consumer: { crash: 1 } }");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("is shorter than the target"), "{said:?}");
    }
}
