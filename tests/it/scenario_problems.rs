//! Every mistake in a scenario file, and how it is shown.

use drdrill::scenario::{Problems, read};
use miette::{GraphicalReportHandler, GraphicalTheme};

/// A file without mistakes; every case changes one place of it.
const GOOD: &str = "\
schema: 1
name: redis-kill
summary: Sentinel promotes a replica when the primary dies.
tags: [redis, failover]
stack:
  redis:
    topology: sentinel
    nodes: 3
    settings: { down-after: 1s }
clients:
  route: sentinel
  service: { lanes: 4, rate: 100/s, timeout: 500ms }
targets:
  rto: 1m
  rpo: any
drill:
  - steady: 10s
  - fault: { kill: { node: primary } }
  - expect: { recovered: { within: 60s } }
  - heal: all
  - expect: { redundant: { within: 2m } }
repeat: 1
";

/// Name, what is replaced in the good file, by what.
const CASES: &[(&str, &str, &str)] = &[
    ("unknown_key", "    nodes: 3", "    node: 3"),
    (
        "unknown_key_far",
        "    nodes: 3",
        "    replication-factor: 3",
    ),
    ("underscores", "  rto: 1m", "  rto: 1m\n  max_gap: 2s"),
    (
        "abort_check",
        "repeat: 1\n",
        "repeat: 1\nabort: { check: { run: [], every: 1m, for: 1ms } }\n",
    ),
    (
        "reads_word",
        "timeout: 500ms }",
        "timeout: 500ms, reads: some }",
    ),
    (
        "reads_none",
        "timeout: 500ms }\ntargets:\n",
        "timeout: 500ms, reads: none }\ntargets:\n  rto-read: 10s\n  staleness: 1s\n",
    ),
    ("misspelt_required_key", "summary:", "sumary:"),
    ("missing_key", "name: redis-kill\n", ""),
    (
        "missing_drill",
        "drill:\n  - steady: 10s\n  - fault: { kill: { node: primary } }\n  - expect: { recovered: { within: 60s } }\n  - heal: all\n  - expect: { redundant: { within: 2m } }\n",
        "",
    ),
    ("duplicate_key", "  rpo: any", "  rpo: any\n  rto: 2m"),
    (
        "no_yaml",
        "stack:\n  redis:",
        "stack:\n  redis: sentinel: 3",
    ),
    (
        "unclosed_bracket",
        "tags: [redis, failover]",
        "tags: [redis, failover",
    ),
    ("tab", "  redis:\n", "\tredis:\n"),
    ("unknown_anchor", "rpo: any", "rpo: *loss"),
    (
        "alerts_not_waited_for",
        "targets:\n",
        "alerting: { expect: [{ alert: RedisDown, firing: 30s }] }\ntargets:\n",
    ),
    (
        "alerts_without_alerting",
        "  - heal: all\n",
        "  - expect: { alerted: { within: 30s } }\n  - heal: all\n",
    ),
    (
        "alerts_awaited_too_briefly",
        "  - expect: { redundant: { within: 2m } }\nrepeat: 1\n",
        "  - expect: { alerted: { within: 20s } }\nalerting: { expect: [{ alert: RedisDown, firing: 30s }] }\n",
    ),
    (
        "alerts_wrong",
        "repeat: 1\n",
        "alerting:\n  scrape-interval: 10ms\n  rules: []\n  expect:\n    - { alert: RedisDown, firing: 30s }\n    - { alert: RedisDown, firing: any }\n    - { alert: Redis down }\n",
    ),
    ("two_documents", "repeat: 1", "---\nrepeat: 1"),
    ("later_schema", "schema: 1", "schema: 2"),
    ("name_with_space", "name: redis-kill", "name: Redis kill"),
    (
        "empty_summary",
        "summary: Sentinel promotes a replica when the primary dies.",
        "summary: ''",
    ),
    ("duplicate_tag", "[redis, failover]", "[redis, redis]"),
    (
        "map_expected",
        "  service: { lanes: 4, rate: 100/s, timeout: 500ms }",
        "  service: 4",
    ),
    ("list_expected", "tags: [redis, failover]", "tags: redis"),
    ("value_expected", "  rto: 1m", "  rto: { seconds: 60 }"),
    ("nothing_there", "  rto: 1m", "  rto:"),
    ("duration_without_unit", "  rto: 1m", "  rto: 60"),
    ("rate_without_unit", "rate: 100/s", "rate: 100"),
    (
        "percentage_without_sign",
        "  rpo: any",
        "  rpo: any\n  availability: 99.9",
    ),
    ("rpo_bare", "  rpo: any", "  rpo: 1s"),
    ("rpo_empty", "  rpo: any", "  rpo: {}"),
    (
        "recovered_by_unknown",
        "  rpo: any",
        "  rpo: any\n  recovered-by: failover",
    ),
    (
        "consistency_without_target",
        "  route: sentinel",
        "  route: sentinel\n  consistency: { kind: registers }",
    ),
    (
        "consistency_without_clients",
        "  rpo: any",
        "  rpo: any\n  consistency: linearizable",
    ),
    (
        "consistency_of_another_kind",
        "targets:\n",
        "  consistency: { kind: transfers }\ntargets:\n  consistency: linearizable\n",
    ),
    (
        "consistency_wrong",
        "  route: sentinel",
        "  route: sentinel\n  consistency: { kind: register, lanes: 1, keys: 0 }",
    ),
    (
        "consumers_wrong",
        "  route: sentinel",
        "  route: sentinel\n  consumers: { members: 0, session: 2s, heartbeats: 1s, assignor: sticky }",
    ),
    (
        "consumers_heard_too_seldom",
        "  route: sentinel",
        "  route: sentinel\n  consumers: { session: 6s }",
    ),
    (
        "consumer_without_consumers",
        "- heal: all",
        "- consumer: { crash: 1 }\n  - expect: { consumed: { within: 1m } }\n  - fault: { kill: coordinator }\n  - heal: all",
    ),
    (
        "rebalance_without_consumers",
        "  rpo: any",
        "  rpo: any\n  rebalance: 10s",
    ),
    (
        "must_fail_of_a_target",
        "repeat: 1\n",
        "must-fail:\n  - { with: { targets.rto: 1s }, misses: [rto] }\n",
    ),
    ("must_fail_empty", "repeat: 1\n", "must-fail: []\n"),
    (
        "must_fail_of_nothing",
        "repeat: 1\n",
        "must-fail:\n  - { with: {}, misses: [] }\n  - { misses: [rpa] }\n",
    ),
    (
        "must_fail_that_nothing_judges",
        "repeat: 1\n",
        "must-fail:\n  - { with: { stack.redis.settings.down-after: 2m }, misses: [rto, rpo, max-gap, alerts] }\n",
    ),
    ("timeout_too_long", "timeout: 500ms", "timeout: 5s"),
    ("lanes_out_of_range", "lanes: 4", "lanes: 0"),
    ("lanes_no_number", "lanes: 4", "lanes: many"),
    (
        "workload_unknown",
        "  route: sentinel",
        "  route: sentinel\n  workload: transfers",
    ),
    ("image_with_space", "    nodes: 3", "    image: redis 8"),
    (
        "empty_stack",
        "stack:\n  redis:\n    topology: sentinel\n    nodes: 3\n    settings: { down-after: 1s }",
        "stack: {}",
    ),
    (
        "setting_is_a_map",
        "down-after: 1s",
        "down-after: { ms: 5 }",
    ),
    ("steady_too_short", "steady: 10s", "steady: 10ms"),
    ("unknown_step", "- heal: all", "- repair: all"),
    ("step_with_two_keys", "  - heal: all", "    heal: all"),
    ("step_with_nothing", "- heal: all", "- heal"),
    (
        "unknown_fault",
        "{ kill: { node: primary } }",
        "{ latency: { node: primary } }",
    ),
    (
        "unknown_distribution",
        "{ kill: { node: primary } }",
        "{ latency: { node: primary, delay: 50ms, jitter: 5ms, distribution: gauss } }",
    ),
    (
        "distribution_of_nothing",
        "{ kill: { node: primary } }",
        "{ latency: { node: primary, delay: 50ms, distribution: normal } }",
    ),
    (
        "fault_without_victim",
        "{ kill: { node: primary } }",
        "kill",
    ),
    ("unknown_selector", "node: primary", "node: 'the primary'"),
    ("bad_replica_index", "node: primary", "node: replica[one]"),
    ("for_on_kill", "node: primary", "node: primary, for: 5s"),
    (
        "and_unless",
        "node: primary",
        "node: primary, and: etcd-leader, unless: etcd-leader",
    ),
    (
        "unknown_condition",
        "node: primary",
        "node: primary, unless: leader",
    ),
    (
        "partition_of_nobody",
        "{ kill: { node: primary } }",
        "{ partition: { direction: in } }",
    ),
    (
        "partition_twice",
        "{ kill: { node: primary } }",
        "{ partition: { isolate: primary, between: [primary, replicas] } }",
    ),
    (
        "partition_three_groups",
        "{ kill: { node: primary } }",
        "{ partition: { between: [primary, replica, replicas] } }",
    ),
    (
        "partition_of_the_same",
        "{ kill: { node: primary } }",
        "{ partition: { between: [primary, primary] } }",
    ),
    ("unknown_expectation", "{ recovered:", "{ healthy:"),
    (
        "expect_without_deadline",
        "{ recovered: { within: 60s } }",
        "recovered",
    ),
    ("no_baseline", "  - steady: 10s\n", ""),
    (
        "nothing_happens",
        "  - fault: { kill: { node: primary } }\n  - expect: { recovered: { within: 60s } }\n  - heal: all\n  - expect: { redundant: { within: 2m } }\n",
        "",
    ),
    (
        "expect_too_early",
        "  - steady: 10s\n",
        "  - steady: 10s\n  - expect: { recovered: { within: 60s } }\n",
    ),
    (
        "heal_twice",
        "  - heal: all\n",
        "  - heal: all\n  - heal: all\n",
    ),
    ("heal_another_kind", "- heal: all", "- heal: partition"),
    ("heal_unknown", "- heal: all", "- heal: everything"),
    (
        "failback_of_nothing",
        "- fault: { kill: { node: primary } }",
        "- fault: noop\n  - failback: planned",
    ),
    (
        "failback_too_early",
        "  - heal: all\n",
        "  - failback: planned\n  - heal: all\n",
    ),
    (
        "failback_how",
        "repeat: 1",
        "  - failback: quickly\nrepeat: 1",
    ),
    (
        "runbook_without_cause",
        "  - steady: 10s\n",
        "  - steady: 10s\n  - runbook: promote-replica\n",
    ),
    (
        "old_primary_too_early",
        "node: primary",
        "node: old-primary",
    ),
    (
        "drill_ends_too_early",
        "  - expect: { recovered: { within: 60s } }\n  - heal: all\n  - expect: { redundant: { within: 2m } }\n",
        "",
    ),
    (
        "target_never_measured",
        "  rpo: any",
        "  rpo: any\n  outage: 5s",
    ),
    (
        "headline_is_no_fault",
        "repeat: 1",
        "headline: 0\nrepeat: 1",
    ),
    (
        "headline_is_not_judged",
        "  - fault: { kill: { node: primary } }\n",
        "  - fault: { kill: { node: primary } }\n    targets: any\n",
    ),
    ("deadline_before_target", "rto: 1m", "rto: 5m"),
    (
        "too_few_repeats",
        "  rpo: any",
        "  rpo: any\n  confidence: { quantile: 95%, level: 95% }",
    ),
    (
        "control_character",
        "Sentinel promotes",
        "Sentinel \u{1b}[31m promotes",
    ),
    ("empty_file", GOOD, ""),
    ("empty_map", GOOD, "{}"),
];

pub fn rendered(problems: &Problems) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut out = format!("{problems}\n");
    for problem in &problems.all {
        out.push('\n');
        handler
            .render_report(&mut out, problem)
            .expect("every problem can be rendered");
    }
    out
}

fn problems(text: &str, overrides: &[(&str, &str)]) -> Problems {
    let overrides: Vec<(String, String)> = overrides
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect();
    read("drill.yaml", text, &overrides).expect_err("the file has a mistake")
}

#[test]
fn a_good_file_is_read() {
    let parsed = read("drill.yaml", GOOD, &[])
        .map_err(|p| rendered(&p))
        .expect("no problems");
    assert_eq!(parsed.scenario.drill.len(), 5);
    let range = parsed
        .spans
        .range(&["stack", "redis", "settings", "down-after"])
        .expect("it is there");
    assert_eq!(&GOOD[range], "1s");
    let range = parsed
        .spans
        .range(&["drill", "1", "fault"])
        .expect("it is there");
    assert_eq!(&GOOD[range], "fault");
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    for (name, from, to) in CASES {
        assert!(GOOD.contains(from), "{name}");
        let text = GOOD.replacen(from, to, 1);
        insta::assert_snapshot!(*name, rendered(&problems(&text, &[])));
    }
}

#[test]
fn eight_mistakes_are_shown_at_once() {
    let text = GOOD
        .replacen("redis-kill", "Redis kill", 1)
        .replacen("tags: [redis, failover]", "tag: [redis, failover]", 1)
        .replacen("nodes: 3", "nodes: three", 1)
        .replacen("lanes: 4", "lanes: 400", 1)
        .replacen("timeout: 500ms", "timeout: 500", 1)
        .replacen("rto: 1m", "rto: soon", 1)
        .replacen("steady: 10s", "steady: 1ms", 1)
        .replacen("heal: all", "heal: al", 1);
    let problems = problems(&text, &[]);
    assert_eq!(problems.all.len(), 8);
    insta::assert_snapshot!("eight_at_once", rendered(&problems));
}

#[test]
fn overrides_replace_and_add_values() {
    let set = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let overrides = [
        set("targets.rto", "20s"),
        set("targets.rpo.count", "0"),
        set("stack.redis.settings.quorum", "2"),
        set("drill.0.steady", "5s"),
        set("tags", "[quarterly]"),
        set("clients.app", "{ lanes: 1 }"),
    ];
    let parsed = read("drill.yaml", GOOD, &overrides)
        .map_err(|p| rendered(&p))
        .expect("no problems");
    let yaml = serde_json::to_value(&parsed.scenario).expect("a scenario serialises");
    assert_eq!(yaml["targets"]["rto"], "20s");
    assert_eq!(yaml["targets"]["rpo"]["count"], "0");
    assert_eq!(yaml["stack"]["redis"]["settings"]["quorum"], "2");
    assert_eq!(yaml["stack"]["redis"]["settings"]["down-after"], "1s");
    assert_eq!(yaml["drill"][0]["steady"], "5s");
    assert_eq!(yaml["tags"][0], "quarterly");
    assert_eq!(yaml["clients"]["app"]["lanes"], 1);
}

#[test]
fn mistakes_in_overrides_point_at_the_argument() {
    let overrides = [
        ("targets.rto", "20"),
        ("target.rpo", "any"),
        ("drill.9.steady", "5s"),
        ("stack..redis", "1"),
        ("tags", "[a"),
        ("repeat", ""),
    ];
    insta::assert_snapshot!("overrides", rendered(&problems(GOOD, &overrides)));
}

#[test]
fn anchors_and_merge_keys_are_understood() {
    let text = GOOD
        .replacen("{ within: 60s }", "&wait { within: 60s }", 1)
        .replacen("redundant: { within: 2m }", "redundant: { <<: *wait }", 1);
    assert!(read("drill.yaml", &text, &[]).is_ok());
}

#[test]
fn huge_and_deep_files_are_refused() {
    let big = format!("{GOOD}# {}", "x".repeat(300_000));
    let deep = format!("a: {}", "[".repeat(5_000));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    let mut all = String::new();
    for text in [big.as_str(), deep.as_str(), bomb] {
        let problem = &problems(text, &[]).all[0];
        all.push_str(&format!(
            "{problem}\n  help: {}\n",
            problem.help_text().unwrap_or("none")
        ));
    }
    insta::assert_snapshot!("limits", all);
}

proptest::proptest! {
    #[test]
    fn damaged_files_never_panic(
        edits in proptest::collection::vec((0usize..2_000, 0usize..40, "\\PC{0,6}|[\\[\\]{}:,&*#|>'\"\\n\\t -]{0,6}"), 1..6),
        path in "[a-z.0-9]{0,12}",
        value in "\\PC{0,8}",
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, len, new) in edits {
            let at = at % (text.len() + 1);
            let end = (at + len).min(text.len());
            text.splice(at..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        for overrides in [vec![], vec![(path, value)]] {
            if let Err(problems) = read("drill.yaml", &text, &overrides) {
                assert!(!problems.all.is_empty());
                rendered(&problems);
            }
        }
    }
}
