//! Runbooks of the user's own on real stacks: they fail over, refuse, and are rolled back.

use drdrill::evidence::SigningKey;

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
    evidence_rig::verify,
    killed::killed_and_swept,
};

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_primary_that_is_only_cut_off_is_fenced_before_another_is_promoted() {
    let done = Drill::shipped("redis/isolated-by-hand.yaml").run();
    done.expect(0, "pass");
    let rto = done.value("rto").expect("a recovery");
    let with_people = done.value("rto_with_people").expect("with people");
    assert!((with_people - rto - 180.0).abs() < 1e-6, "{}", done.talk);
    // Three seconds of looking, and no more than a few for the rest.
    assert!((3.0..15.0).contains(&rto), "{rto}");
    assert_eq!(done.line("runbook"), "met");
    assert!(done.talk.contains("fenced it (power off) on r1"));
    assert!(done.talk.contains("verified: r2 alone is primary"));
    nothing_left(&done);
    verifies_with_its_runbook(&done);
}

/// The run verifies as it is, and neither without its runbook nor with another one.
fn verifies_with_its_runbook(done: &Done) {
    let (key, _) = SigningKey::generate(None).expect("a key");
    let problems = || verify(&done.run, &key.public().line(), &[]).problems;
    let says = |words: &str| problems().iter().any(|problem| problem.contains(words));
    assert!(
        !says("does not follow") && !says("runbook"),
        "{:?}",
        problems()
    );
    let kept = done.run.join("runbook-2.yaml");
    let text = std::fs::read_to_string(&kept).expect("the runbook");
    std::fs::write(&kept, text.replace("takes: 3m", "takes: 1m")).expect("a file");
    assert!(
        says("does not follow from `scenario.yaml`"),
        "{:?}",
        problems()
    );
    std::fs::remove_file(&kept).expect("it was there");
    assert!(says("failed to read the runbook"), "{:?}", problems());
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn shipped_runbooks_end_as_they_must() {
    for (scenario, verdict) in [
        ("postgres/failover-by-hand.yaml", "pass"),
        ("postgres/failover-by-mistake.yaml", "control"),
        ("redis/failover-rolled-back.yaml", "pass"),
        ("mongodb/dr-promote.yaml", "pass"),
    ] {
        let done = Drill::shipped(scenario).run();
        done.expect(0, verdict);
        assert_eq!(done.line("runbook"), "met", "{}", done.talk);
        nothing_left(&done);
    }
}

/// A drill with this runbook, and how it must end.
fn with(fault: &str, more: &str) -> Drill {
    Drill::written(&format!(
        "schema: 1\nname: own-runbook\nsummary: A runbook of the user's own.\n\
         stack: {{ redis: {{ topology: replicas, nodes: 2 }} }}\ntargets: {{ rto: 2m, rpo: any }}\n\
         drill:\n  - steady: 8s\n  - fault: {fault}\n  - runbook: {{ {more} }}\n  - hold: 12s\n"
    ))
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_runbook_that_ends_otherwise_fails_the_drill() {
    // It acts on a service that is well.
    let acted = with(
        "noop",
        "expect: refused, steps: [ { run: { node: r2, command: 'true' } } ]",
    )
    .run();
    acted.expect(1, "fail");
    assert_eq!(acted.line("runbook"), "missed", "{}", acted.talk);
    // It refuses where it should act: the primary is down, and nothing is looked at but a replica that is there.
    let check = "{ check: { primary: up, for: 1s } }, { promote: best }, { repoint: clients }";
    let refused = with("{ kill: primary }", &format!("steps: [ {check} ]")).run();
    refused.expect(1, "fail");
    assert_eq!(refused.line("runbook"), "missed", "{}", refused.talk);
    assert!(refused.talk.contains("no member says that it is primary"));
    // Its undo fails.
    let left = "{ run: { node: r2, command: 'true', undo: exit 9 } }, { run: { node: r2, command: exit 3 } }";
    let half = format!("expect: rolled-back, on-failure: rollback, steps: [ {left} ]");
    let half = with(
        "{ kill: 'r2' }",
        &half.replace("r2, command", "r1, command"),
    )
    .run();
    assert_eq!(half.line("runbook"), "missed", "{}", half.talk);
    assert!(half.talk.contains("not undone: on r1 it ended with code 9"));
    // It is not known what a step did that was cut off, whatever undoes it.
    let cut = "{ run: { node: r2, command: sleep 9, undo: 'true' }, within: 1s }";
    let cut = format!("expect: rolled-back, on-failure: rollback, steps: [ {cut} ]");
    let cut = with("{ kill: primary }", &cut).run();
    cut.expect(1, "fail");
    assert_eq!(cut.line("runbook"), "missed", "{}", cut.talk);
    assert!(
        cut.talk
            .contains("1 undone; not undone: its step 1 (run) was cut off"),
        "{}",
        cut.talk
    );
    let without = "{ run: { node: r2, command: 'true' } }, { run: { node: r2, command: exit 3, undo: 'true' } }";
    let without = format!("expect: rolled-back, on-failure: rollback, steps: [ {without} ]");
    let without = with("{ kill: primary }", &without).run();
    assert_eq!(without.line("runbook"), "missed", "{}", without.talk);
    assert!(
        without.talk.contains("`true` on r2 has no undo"),
        "{}",
        without.talk
    );
    // Its undo hangs.
    let hangs = "{ run: { node: r2, command: 'true', undo: sleep 99 }, within: 2s }";
    let dies = "{ run: { node: r2, command: exit 3, undo: 'true' } }";
    let hangs = format!("expect: rolled-back, on-failure: rollback, steps: [ {hangs}, {dies} ]");
    let hangs = with("{ kill: primary }", &hangs).run();
    assert_eq!(hangs.line("runbook"), "missed", "{}", hangs.talk);
    assert!(
        hangs
            .talk
            .contains("1 undone; not undone: `sleep 99` on r2 took longer than 2s"),
        "{}",
        hangs.talk
    );
    // What promoted is not undone.
    let late = "{ promote: best }, { repoint: clients }, { run: { node: r2, command: exit 3 } }";
    let late = format!("expect: rolled-back, on-failure: rollback, steps: [ {late} ]");
    let late = with("{ kill: primary }", &late).run();
    late.expect(1, "fail");
    assert!(
        late.talk.contains("nothing undoes the promotion"),
        "{}",
        late.talk
    );
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn killed_at_every_step_of_a_runbook_it_leaves_nothing() {
    let moments = [
        "checked: so",
        "on-call: ",
        "fenced it",
        "promoted it",
        "verified: ",
    ];
    for moment in moments {
        killed_and_swept(&Drill::shipped("redis/isolated-by-hand.yaml"), moment);
    }
}
