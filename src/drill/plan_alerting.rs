//! Checks a scenario's alerting against the system and the rules, before anything is created.

use crate::{
    alerting::{AlertingDesign, RuleFile},
    record::{AlertRule, Alerting},
    scenario::{Goal, Parsed, Problem, SHIPPED, StatedRule, rules, suggest},
    system::System,
    time::Nanos,
};

use super::Plan;

/// Alerting that the system cannot have, rules that cannot be read, and alerts that no rule raises. `files` are those that
/// the scenario names, read.
pub fn validate_alerting(parsed: &Parsed, system: &dyn System, files: &[RuleFile]) -> Vec<Problem> {
    let Some(spec) = &parsed.scenario.alerting else {
        return Vec::new();
    };
    let name = system.describe().name;
    let Some(exporter) = system.exporter() else {
        return vec![parsed.spans.key_problem(
            &["alerting"],
            format!("there is no exporter for `{name}`, so Prometheus cannot see it"),
            "remove the key, or choose another system (see docs/alerting.md)",
        )];
    };
    let stack = parsed.scenario.stack.get(name);
    let topology = stack.and_then(|stack| stack.topology.as_deref());
    let misfit = topology.and_then(|topology| system.rules_misfit(topology));
    if let Some(why) = misfit.filter(|_| spec.rules.iter().any(|file| file == SHIPPED)) {
        return vec![parsed.spans.key_problem(
            &["alerting"],
            format!("the shipped rules do not fit this topology: {why}"),
            "name rules of your own (`rules: [file.yaml]`), or remove the key",
        )];
    }
    // A stack that cannot be designed has problems of its own; which rules belong to it is not known then.
    let route = parsed.scenario.clients.route.as_deref();
    let design = system.design(&stack.cloned().unwrap_or_default(), route);
    let machinery = design.as_ref().map(|design| system.machinery(design));
    let mut alerting = AlertingDesign::new(spec.clone(), exporter, machinery.unwrap_or_default());
    alerting.rules.extend(files.iter().cloned());
    match stated(&alerting) {
        Ok(stated) if design.is_ok() => unknown(parsed, &stated),
        Ok(_) => Vec::new(),
        Err(problem) => vec![problem],
    }
}

/// Every rule of a design as its files state it.
fn stated(design: &AlertingDesign) -> Result<Vec<StatedRule>, Problem> {
    let mut all = Vec::new();
    for file in &design.rules {
        all.extend(rules(&file.name, &file.text)?);
    }
    Ok(all)
}

fn unknown(parsed: &Parsed, stated: &[StatedRule]) -> Vec<Problem> {
    let known: Vec<&str> = stated.iter().map(|rule| rule.alert.as_str()).collect();
    let Some(spec) = &parsed.scenario.alerting else {
        return Vec::new();
    };
    let problem = |path: &[&str], name: &str| {
        let message = format!("no rule raises the alert `{name}`");
        let help = suggest::help(name, &known);
        (!known.contains(&name)).then(|| parsed.spans.problem(path, message, help))
    };
    let expected = spec.expect.iter().enumerate().filter_map(|(index, one)| {
        let index = index.to_string();
        problem(&["alerting", "expect", &index, "alert"], &one.alert)
    });
    let allowed = spec
        .may_fire
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let index = index.to_string();
            problem(&["alerting", "may-fire", &index], name)
        });
    expected.chain(allowed).collect()
}

/// Expected alerts that cannot fire while an outage lasts that meets the RTO target, by the rules as they are stated.
pub fn alert_warnings(plan: &Plan) -> Vec<String> {
    let Some(design) = &plan.alerting else {
        return Vec::new();
    };
    let Some(target) = plan.scenario.targets.rto.and_then(Goal::limit) else {
        return Vec::new();
    };
    let ns = |duration| Nanos::from_duration(duration).0;
    let alerting = Alerting {
        members: Vec::new(),
        scrape_ns: ns(design.spec.scrape_interval.0),
        scrape_timeout_ns: 0,
        group_wait_ns: ns(design.spec.group_wait.0),
        rules: stated(design)
            .unwrap_or_default()
            .into_iter()
            .map(|rule| AlertRule {
                alert: rule.alert,
                expr: String::new(),
                hold_ns: ns(rule.hold),
                every_ns: ns(rule.every.unwrap_or(design.spec.evaluation_interval.0)),
            })
            .collect(),
        proof: Ok(Vec::new()),
    };
    let late = design.spec.expect.iter().filter_map(|one| {
        let soonest = alerting.soonest(&one.alert)?.since_start();
        (soonest > target.0).then(|| {
            format!(
                "`{}` cannot fire within the outage: {} s after the fault at the soonest, and the RTO target is {target}; \
                 shorten `for:` in {}",
                one.alert,
                soonest.as_secs_f64(),
                if design.spec.rules == [SHIPPED] { "rules of your own" } else { "its rule" },
            )
        })
    });
    late.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        scenario::read,
        system::{postgres::Postgres, redis::Redis},
    };

    fn warned(rto: &str, hold: &str) -> Vec<String> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ redis: {{}} }}\ntargets: {{ rto: {rto}, rpo: any }}\n\
             alerting: {{ rules: [a.rules], expect: [{{ alert: Down, firing: any }}] }}\n\
             drill:\n  - steady: 10s\n  - fault: {{ kill: primary }}\n  - expect: {{ alerted: {{ within: 1m }} }}\n"
        );
        let parsed = read("a.yaml", &text, &[]).expect("a scenario");
        let rules = RuleFile {
            name: "a.rules".into(),
            text: format!(
                "groups:\n- name: a\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: {hold}\n"
            ),
        };
        let plan = Plan::bind(&parsed, Arc::new(Redis::Redis), vec![rules]).expect("a plan");
        alert_warnings(&plan)
    }

    /// How many problems there are with alerting on PostgreSQL of a topology, by these rules.
    fn refused(topology: &str, rules: &str) -> usize {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ postgres: {{ topology: {topology} }} }}\n\
             targets: {{ rto: 1m, rpo: any }}\nalerting: {{ rules: [{rules}] }}\n\
             drill:\n  - steady: 10s\n  - fault: {{ kill: primary }}\n  - expect: {{ recovered: {{ within: 1m }} }}\n"
        );
        let parsed = read("a.yaml", &text, &[]).expect("a scenario");
        validate_alerting(&parsed, &Postgres, &[]).len()
    }

    #[test]
    fn rules_that_take_a_subscriber_for_a_second_primary_are_refused() {
        assert_eq!(refused("logical", "shipped"), 1);
        assert_eq!(refused("logical", "own.yaml"), 0);
        assert_eq!(refused("streaming", "shipped"), 0);
    }

    #[test]
    fn a_rule_that_outlasts_the_rto_target_is_warned_of_by_whole_evaluations() {
        // Evaluated each 15 s: 31 s are 45 s.
        assert!(warned("45s", "31s").is_empty());
        let said = warned("44s", "31s");
        assert!(
            said[0].contains("45 s after the fault at the soonest"),
            "{said:?}"
        );
        assert!(warned("any", "1h").is_empty());
    }
}
