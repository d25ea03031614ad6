//! Everything that is wrong with a scenario, in one go: what was not checked cannot be bound.

use std::sync::Arc;

use crate::{
    scenario::{Parsed, Problem, Problems, Scenario},
    system::{Description, System},
};

use super::{
    Plan,
    plan_alerting::validate_alerting,
    plan_attach,
    plan_checks::validate_against,
    plan_design::{issue_problems, validate_design},
    plan_runbooks, rule_files, runbook_files,
};

impl Plan {
    /// Binds a scenario that was read to its system, which is one of these. Files of alerting rules
    /// and of runbooks that it names are read.
    ///
    /// # Errors
    /// Everything at once that the system does not offer, that the stack would not have, or that could not be read.
    pub fn check(parsed: &Parsed, systems: &[Arc<dyn System>]) -> Result<Self, Problems> {
        let wrong = |problems| Problems::new(&parsed.source.file, problems);
        let offers: Vec<Description> = systems.iter().map(|system| system.describe()).collect();
        let named = parsed.scenario.stack.keys().next();
        let mut systems = systems.iter().zip(&offers);
        let system = systems.find(|(_, offer)| Some(offer.name) == named.map(String::as_str));
        let Some((system, _)) = system else {
            let mut problems = validate_against(parsed, &offers);
            if problems.is_empty() {
                problems.push(parsed.spans.problem(
                    &["stack"],
                    "there is no system under `stack`",
                    "name one: `drdrill list` shows them",
                ));
            }
            return Err(wrong(problems));
        };
        let rules = rule_files::read(parsed);
        let (filled, mut problems) = match runbook_files::filled(parsed) {
            Ok(filled) => (filled, Vec::new()),
            Err(unread) => ((parsed.clone(), runbook_files::Places::new()), unread),
        };
        let (parsed, places) = (&filled.0, &filled.1);
        add(&mut problems, unfit(parsed, system.as_ref(), &offers));
        add(
            &mut problems,
            plan_attach::problems(parsed, system.as_ref()),
        );
        let runbooks = plan_runbooks::problems(parsed, places, system.as_ref());
        add(&mut problems, runbooks);
        match &rules {
            Ok(rules) => add(
                &mut problems,
                validate_alerting(parsed, system.as_ref(), rules),
            ),
            Err(unread) => add(&mut problems, unread.clone()),
        }
        if !problems.is_empty() {
            return Err(wrong(problems));
        }
        let bound = Self::bind(parsed, system.clone(), rules.unwrap_or_default());
        bound.map_err(|issues| wrong(issue_problems(parsed, system.describe().name, issues)))
    }
}

/// What the system does not offer, and what the stack would not have. The stack is designed where it is right by itself; of
/// a place with which something is wrong already, nothing more is said.
pub(super) fn unfit(parsed: &Parsed, system: &dyn System, offers: &[Description]) -> Vec<Problem> {
    let mut problems = validate_against(parsed, offers);
    let designed =
        problems.is_empty() || validate_against(&without_steps(parsed), offers).is_empty();
    if designed {
        add(&mut problems, validate_design(parsed, system));
    }
    problems
}

/// Adds what is said of other places.
fn add(problems: &mut Vec<Problem>, mut more: Vec<Problem>) {
    more.retain(|more| !problems.iter().any(|known| more.is_within(known)));
    problems.extend(more);
}

fn without_steps(parsed: &Parsed) -> Parsed {
    Parsed {
        scenario: Scenario {
            drill: Vec::new().into(),
            ..parsed.scenario.clone()
        },
        ..parsed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drill::example_fault, scenario::read, system::catalogue};

    /// What is said of a drill on a stack, and below the targets.
    fn said(stack: &str, fault: &str, more: &str) -> Vec<String> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ {stack} }}\ntargets: {{ rto: 1m, rpo: any }}\n{more}\
             drill: [ {{ steady: 10s }}, {{ fault: {fault} }}, {{ hold: 1s }}, {{ heal: all }},\n\
             {{ fault: {{ kill: {{ node: n9 }} }} }}, {{ expect: {{ recovered: {{ within: 1m }} }} }} ]\n"
        );
        let parsed = read("a.yaml", &text, &[]).expect("a scenario");
        let problems = Plan::check(&parsed, &catalogue::all()).err();
        let all = problems.into_iter().flat_map(|problems| problems.all);
        all.map(|problem| problem.message().to_owned()).collect()
    }

    const NOBODY: &str = "there is no node or role `n9` in this stack";

    #[test]
    fn what_the_system_lacks_and_what_the_stack_lacks_are_told_at_once() {
        let script = "{ script: { node: primary, how: hang, for: 2s } }";
        let lacks = "`redis` cannot play an outage";
        assert_eq!(said("redis: {}", script, ""), [lacks, NOBODY]);
        let unread = said(
            "redis: {}",
            script,
            "alerting: { rules: [nowhere.rules] }\n",
        );
        assert_eq!(unread.len(), 3, "{unread:?}");
        assert!(unread[0].starts_with("failed to read the rules `nowhere.rules`"));
    }

    #[test]
    fn of_a_stack_that_cannot_be_nothing_is_foretold_and_of_no_place_twice() {
        let none = said("redis: { nodes: 15 }", "{ kill: primary }", "");
        assert_eq!(none, ["`sentinel` cannot stand on 15 nodes"]);
        let clock = said("reference: {}", &example_fault("clock-jump", "primary"), "");
        assert_eq!(clock.len(), 2, "{clock:?}");
        assert_eq!(clock[1], NOBODY);
    }
}
