//! Decoding runbooks: in a scenario, and in files of their own.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use miette::NamedSource;

use crate::scenario::{
    Act, Check, Command, Dur, Health, OnFailure, OwnRunbook, Person, Problem, RunbookEnd,
    RunbookStep, Selector, Spans, Step, Task, Verified, problem,
    runbook::{Led, Others},
};

use super::{
    Parsed,
    decode::Decoder,
    name, schema_fits, sentence,
    tree::{self, Tree, Value},
    unprintable,
};

const ACTS: &[&str] = &[
    "check", "person", "fence", "promote", "repoint", "refollow", "run", "verify", "notify",
];
const STEPS_MAX: usize = 100;
const HEALTH: &[(&str, Health)] = &[("up", Health::Up), ("down", Health::Down)];
const FIRST: &str = "start with what must be so, such as `- check: { primary: down }`";

/// A runbook file that is right as far as it alone tells.
#[derive(Debug, Clone)]
pub struct RunbookFile {
    /// What becomes of what was done when a step fails.
    pub on_failure: OnFailure,
    /// Its steps.
    pub steps: Vec<Task>,
    /// Where its keys stand.
    pub spans: Spans,
}

/// A runbook in a step of a drill: a name, a file, or its steps.
pub fn step(d: &mut Decoder, tree: &Tree) -> Option<RunbookStep> {
    if let Value::Scalar(text) = &tree.value {
        if text.ends_with(".yaml") || text.ends_with(".yml") {
            let file = Some(text.clone());
            let own = OwnRunbook {
                file,
                ..OwnRunbook::default()
            };
            return Some(RunbookStep::Own(Box::new(own)));
        }
        return super::stack::word(d, tree, "a runbook").map(RunbookStep::Shipped);
    }
    let mut f = d.fields(tree, "`runbook`")?;
    let file = f.get("file").map(|tree| d.text(tree, "a file"));
    let expect = f
        .get("expect")
        .map(|tree| d.word(tree, "end of a runbook", &RunbookEnd::ALL));
    let listed = f.get("steps");
    let failure = f.get("on-failure");
    d.finish(f);
    match (file.is_some(), listed) {
        (false, None) => {
            let message = "this runbook has neither a file nor steps";
            let help = "name a file: `- runbook: { file: failover.yaml }`, or list its `steps`";
            d.note(Problem::at(tree.place.clone(), message).help(help));
            return None;
        }
        (true, Some(listed)) => {
            let message = "this runbook has a file and steps";
            d.note(Problem::at(listed.place.clone(), message).help("keep one of both"));
            return None;
        }
        _ => {}
    }
    if let Some(failure) = failure.filter(|_| file.is_some()) {
        let message = "what becomes of a failure stands in the runbook's file";
        d.note(Problem::at(failure.place.clone(), message).help("write it there"));
        return None;
    }
    let on_failure = failure.map_or(Some(OnFailure::Leave), |tree| on_failure(d, tree));
    let steps = listed.map_or(Some(Vec::new()), |tree| tasks(d, tree));
    let own = OwnRunbook {
        file: match file {
            None => None,
            Some(file) => Some(file?.to_owned()),
        },
        expect: expect.unwrap_or(Some(RunbookEnd::Done))?,
        on_failure: on_failure?,
        steps: steps?,
    };
    Some(RunbookStep::Own(Box::new(own)))
}

/// Reads a runbook file.
///
/// # Errors
/// Every problem of the file at once, each at its place in it.
pub fn read_runbook(file: &str, text: &str) -> Result<RunbookFile, Vec<Problem>> {
    let mut d = Decoder::default();
    match whole(&mut d, file, text) {
        Some(read) if d.problems.is_empty() => Ok(read),
        _ => Err(d.problems),
    }
}

/// The text of a runbook file.
#[derive(Debug, Clone)]
pub struct RunbookText {
    /// The file, as problems name it.
    pub file: String,
    /// What stands in it.
    pub text: String,
}

/// The scenario with the steps of every runbook file that it names, and where the keys of each stand, by the step that runs it.
/// `text_of` reads the file that a step names.
///
/// # Errors
/// Every problem of every file, and why one cannot be read.
pub fn with_runbooks(
    parsed: &Parsed,
    text_of: impl Fn(usize, &str) -> Result<RunbookText, String>,
) -> Result<(Parsed, BTreeMap<usize, Spans>), Vec<Problem>> {
    let mut filled = parsed.clone();
    let (mut places, mut problems) = (BTreeMap::new(), Vec::new());
    for (index, step) in filled.scenario.drill.iter_mut().enumerate() {
        let Step::Runbook(RunbookStep::Own(own)) = step else {
            continue;
        };
        let Some(name) = own.file.clone() else {
            continue;
        };
        let read = text_of(index, &name).map_err(|cause| {
            vec![parsed.spans.problem(
                &["drill", &index.to_string(), "runbook"],
                format!("failed to read the runbook `{name}`: {cause}"),
                "name a file from the scenario's folder on; `drdrill list` shows the runbooks that systems bring along",
            )]
        });
        let read = read.and_then(|read| Ok((read_runbook(&read.file, &read.text)?, read.text)));
        match read {
            Ok((file, text)) => {
                own.steps = file.steps;
                own.on_failure = file.on_failure;
                places.insert(index, file.spans);
                filled.source.runbooks.push((index, text));
            }
            Err(more) => problems.extend(more),
        }
    }
    match problems.is_empty() {
        true => Ok((filled, places)),
        false => Err(problems),
    }
}

fn whole(d: &mut Decoder, file: &str, text: &str) -> Option<RunbookFile> {
    if let Some(problem) = unprintable(text) {
        d.note(problem);
        return None;
    }
    let source: problem::Source = Arc::new(NamedSource::new(file, text.to_owned()));
    let tree = match tree::parse(&source, &mut d.problems) {
        Ok(tree) => tree,
        Err(problem) => {
            d.note(problem);
            return None;
        }
    };
    let mut f = d.fields(&tree, "the runbook")?;
    let schema = f.need("schema", "write `schema: 1`, the version of the language");
    if let Some(tree) = schema
        && !schema_fits(d, tree)
    {
        return None;
    }
    let named = f.need("name", "give it a name, such as `name: fail-over-by-hand`");
    let named = named.and_then(|tree| d.parsed(tree, "a name", name));
    let said = f.need("summary", "say in one sentence what it does");
    let said = said.and_then(|tree| d.parsed(tree, "a summary", sentence));
    let failure = f.get("on-failure").map(|tree| on_failure(d, tree));
    let steps = f
        .need("steps", "say what is done, as a list of steps")
        .and_then(|tree| tasks(d, tree));
    d.finish(f);
    named?;
    said?;
    Some(RunbookFile {
        on_failure: failure.unwrap_or(Some(OnFailure::Leave))?,
        steps: steps?,
        spans: Spans::of(&tree),
    })
}

fn on_failure(d: &mut Decoder, tree: &Tree) -> Option<OnFailure> {
    let words = [
        ("leave", OnFailure::Leave),
        ("rollback", OnFailure::Rollback),
    ];
    d.word(tree, "way out of a failure", &words)
}

/// The steps, and that each stands where it can be taken.
fn tasks(d: &mut Decoder, tree: &Tree) -> Option<Vec<Task>> {
    let items = d.list(tree, "`steps`")?;
    if items.is_empty() || items.len() > STEPS_MAX {
        let message = format!("the runbook has {} steps", items.len());
        let help = format!("write 1 to {STEPS_MAX}; {FIRST}");
        d.note(Problem::at(tree.place.clone(), message).help(help));
        return None;
    }
    let mut tasks = Vec::new();
    let mut seen = BTreeSet::new();
    let mut is_read = true;
    for item in items {
        let task = task(d, item);
        let Some(task) = task else {
            is_read = false;
            continue;
        };
        let name = task.act.name();
        let needs_promotion = matches!(task.act, Act::Repoint(_) | Act::Refollow(_));
        if is_read && needs_promotion && !seen.contains("promote") {
            let message = format!("nothing was promoted before this `{name}`");
            d.note(Problem::at(item.place.clone(), message).help("put `- promote: best` first"));
        }
        if name == "promote" && !seen.insert(name) {
            let message = "the runbook promotes twice";
            d.note(Problem::at(item.place.clone(), message).help("remove one of both"));
        }
        seen.insert(name);
        tasks.push(task);
    }
    if is_read && !tasks.iter().any(|task| task.act.changes()) {
        let message = "nothing is done in this runbook";
        let help = "add what is to be done, such as `- promote: best`";
        d.note(Problem::at(tree.place.clone(), message).help(help));
        return None;
    }
    is_read.then_some(tasks)
}

fn task(d: &mut Decoder, tree: &Tree) -> Option<Task> {
    let (tree, within) = without_within(tree);
    let act = act(d, &tree);
    if let (Some(Act::Person(_) | Act::Notify(_)), Some(within)) = (&act, within) {
        let message = "this step is not waited for, so that it needs no deadline";
        d.note(Problem::at(within.place.clone(), message).help("remove `within`"));
    }
    let within = within.map(|tree| lasting(d, tree));
    Some(Task {
        act: act?,
        within: match within {
            None => None,
            Some(within) => Some(within?),
        },
    })
}

/// The item without the key `within` that may stand beside its word, and what that says.
fn without_within(tree: &Tree) -> (Cow<'_, Tree>, Option<&Tree>) {
    let Value::Map(entries) = &tree.value else {
        return (Cow::Borrowed(tree), None);
    };
    let place = entries.iter().position(|(key, _)| key.text == "within");
    let Some(place) = place.filter(|_| entries.len() > 1) else {
        return (Cow::Borrowed(tree), None);
    };
    let mut others = entries.clone();
    others.remove(place);
    let others = Tree {
        value: Value::Map(others),
        ..tree.clone()
    };
    (Cow::Owned(others), Some(&entries[place].1))
}

fn act(d: &mut Decoder, tree: &Tree) -> Option<Act> {
    let choice = d.choice(tree, "step of a runbook", ACTS)?;
    let help = match choice.name {
        "check" => "say what must be so, such as `- check: { primary: down }`",
        "person" => {
            "say who, what and how long, such as `- person: { who: on-call, does: decides, takes: 3m }`"
        }
        "fence" => "say whom, such as `- fence: old-primary`",
        "promote" => "write `- promote: best`, or name a node",
        "repoint" => "write `- repoint: clients`",
        "refollow" => "write `- refollow: others`",
        "run" => "say where and what, such as `- run: { node: primary, command: ... }`",
        "verify" => "write `- verify: one-primary`, `redundant` or `equal`",
        _ => "say what, such as `- notify: the spare is primary now`",
    };
    let body = d.body(&choice, help)?;
    Some(match choice.name {
        "check" => Act::Check(check(d, body)?),
        "person" => Act::Person(person(d, body)?),
        "fence" => Act::Fence(d.scalar::<Selector>(body, "a node")?),
        "promote" => Act::Promote(super::stack::word(d, body, "`best` or a node")?),
        "repoint" => {
            Act::Repoint(d.word(body, "who is led elsewhere", &[("clients", Led::Clients)])?)
        }
        "refollow" => Act::Refollow(d.word(body, "who follows", &[("others", Others::Others)])?),
        "run" => Act::Run(command(d, body)?),
        "verify" => {
            let words = [
                ("one-primary", Verified::OnePrimary),
                ("redundant", Verified::Redundant),
                ("equal", Verified::Equal),
            ];
            Act::Verify(d.word(body, "condition", &words)?)
        }
        _ => Act::Notify(d.text(body, "what is told")?.to_owned()),
    })
}

fn check(d: &mut Decoder, tree: &Tree) -> Option<Check> {
    let mut f = d.fields(tree, "`check`")?;
    let primary = f.get("primary").map(|tree| d.word(tree, "state", HEALTH));
    let replica = f.get("replica").map(|tree| d.word(tree, "state", HEALTH));
    let lasting = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    if primary.is_none() && replica.is_none() {
        let message = "nothing is looked at by this check";
        d.note(Problem::at(tree.place.clone(), message).help(FIRST));
        return None;
    }
    Some(Check {
        primary: primary.map_or(Some(None), |health| health.map(Some))?,
        replica: replica.map_or(Some(None), |health| health.map(Some))?,
        lasting: lasting.unwrap_or(Some(Check::looked()))?,
    })
}

fn person(d: &mut Decoder, tree: &Tree) -> Option<Person> {
    let mut f = d.fields(tree, "`person`")?;
    let who = f.need("who", "say who, such as `who: on-call`");
    let who = who.and_then(|tree| d.parsed(tree, "who does it", sentence));
    let does = f.need("does", "say what, such as `does: decides to fail over`");
    let does = does.and_then(|tree| d.parsed(tree, "what is done", sentence));
    let takes = f.need("takes", "say how long it takes them, such as `takes: 3m`");
    let takes = takes.and_then(|tree| lasting(d, tree));
    d.finish(f);
    Some(Person {
        who: who?,
        does: does?,
        takes: takes?,
    })
}

fn command(d: &mut Decoder, tree: &Tree) -> Option<Command> {
    let mut f = d.fields(tree, "`run`")?;
    let node = f.need("node", "say where, such as `node: primary`");
    let node = node.and_then(|tree| d.scalar::<Selector>(tree, "a node"));
    let command = f.need(
        "command",
        "say what is run, such as `command: redis-cli ping`",
    );
    let command = command.and_then(|tree| d.text(tree, "a command"));
    let expect = f.get("expect").map(|tree| d.text(tree, "what it says"));
    let undo = f.get("undo").map(|tree| d.text(tree, "a command"));
    d.finish(f);
    let owned = |text: Option<Option<&str>>| match text {
        None => Some(None),
        Some(text) => text.map(|text| Some(text.to_owned())),
    };
    Some(Command {
        node: node?,
        command: command?.to_owned(),
        expect: owned(expect)?,
        undo: owned(undo)?,
    })
}

fn lasting(d: &mut Decoder, tree: &Tree) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    let range = Dur(Duration::from_millis(100))..=Dur(Duration::from_secs(24 * 3600));
    d.within(tree, "a time", dur, range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(steps: &str) -> Result<RunbookFile, Vec<String>> {
        let text = format!("schema: 1\nname: a\nsummary: b\nsteps:\n{steps}");
        let read = read_runbook("a.yaml", &text);
        read.map_err(|all| all.iter().map(|it| it.message().to_owned()).collect())
    }

    fn said(steps: &str) -> Vec<String> {
        file(steps).err().unwrap_or_default()
    }

    #[test]
    fn a_runbook_reads_with_its_deadlines() {
        let read = file(
            "  - check: { primary: down, for: 5s }\n  - promote: best\n    within: 30s\n  - repoint: clients\n",
        );
        let steps = read.expect("a runbook").steps;
        let limits: Vec<u64> = steps.iter().map(|task| task.limit().as_secs()).collect();
        assert_eq!(limits, [305, 30, 300]);
        assert!(matches!(&steps[1].act, Act::Promote(whom) if whom == "best"));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong = said(
            "  - check: {}\n  - promot: best\n  - person: { who: a, does: b }\n  - run: { node: n1 }\n  - verify: fine\n",
        );
        let expected = [
            "nothing is looked at by this check",
            "unknown step of a runbook `promot`",
            "missing key `takes` in `person`",
            "missing key `command` in `run`",
            "unknown condition `fine`",
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn what_cannot_come_to_anything_is_refused() {
        assert_eq!(
            said("  - repoint: clients\n"),
            ["nothing was promoted before this `repoint`"]
        );
        assert_eq!(
            said("  - promote: best\n  - promote: n2\n"),
            ["the runbook promotes twice"]
        );
        assert_eq!(
            said("  - check: { primary: down }\n  - notify: it is down\n"),
            ["nothing is done in this runbook"]
        );
        assert_eq!(said("  []\n"), ["the runbook has 0 steps"]);
        assert_eq!(
            said("  - fence: n1\n  - notify: done\n    within: 5s\n"),
            ["this step is not waited for, so that it needs no deadline"]
        );
    }

    #[test]
    fn a_step_of_a_drill_names_a_file_or_lists_steps_and_not_both() {
        let read = |runbook: &str| {
            let text = format!(
                "schema: 1\nname: a\nsummary: b\nstack: {{ redis: {{}} }}\ntargets: {{ rto: 1m, rpo: any }}\n\
                 drill: [ {{ steady: 10s }}, {{ fault: {{ kill: primary }} }}, {{ runbook: {runbook} }}, {{ hold: 1s }} ]\n"
            );
            match crate::scenario::read("a.yaml", &text, &[]) {
                Ok(parsed) => vec![parsed.scenario.drill[2].clone()],
                Err(problems) => {
                    let told = problems.all.iter().map(|it| it.message().to_owned());
                    panic!("{:?}", told.collect::<Vec<_>>())
                }
            }
        };
        let file = read("a.yaml");
        assert_eq!(file, read("{ file: a.yaml, expect: done }"));
        assert_ne!(file, read("{ file: a.yaml, expect: refused }"));
        let written = read("{ steps: [ { fence: n1 } ] }");
        let text = serde_json::to_string(&written).expect("it serialises");
        assert_eq!(text, r#"[{"runbook":{"steps":[{"fence":"n1"}]}}]"#);
        let back: Vec<crate::scenario::Step> = serde_json::from_str(&text).expect("it reads");
        assert_eq!(back, written);
        for wrong in [
            "{}",
            "{ file: a.yaml, steps: [ { fence: n1 } ] }",
            "{ file: a.yaml, on-failure: leave }",
            "{ steps: [ { fence: n1 } ], expect: perhaps }",
        ] {
            assert!(std::panic::catch_unwind(|| read(wrong)).is_err(), "{wrong}");
        }
    }
}
