//! Decoding `alerting`: rules, intervals and expected alerts.

use std::time::Duration;

use crate::scenario::{Alerting, Dur, ExpectedAlert, Problem};

use super::{
    decode::{Decoder, Fields},
    tree::Tree,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Decodes `alerting`.
pub fn alerting(d: &mut Decoder, tree: &Tree) -> Option<Alerting> {
    let mut f = d.fields(tree, "`alerting`")?;
    let default = Alerting::default();
    let rules = f
        .get("rules")
        .map_or(Some(default.rules), |tree| rules(d, tree));
    let mut interval = |name, default| interval(d, &mut f, name, default);
    let scrape = interval("scrape-interval", default.scrape_interval);
    let evaluation = interval("evaluation-interval", default.evaluation_interval);
    let wait = interval("group-wait", default.group_wait);
    let group = interval("group-interval", default.group_interval);
    let expect = f
        .get("expect")
        .map_or(Some(Vec::new()), |tree| expected(d, tree));
    let may_fire = f
        .get("may-fire")
        .map_or(Some(Vec::new()), |tree| names(d, tree));
    d.finish(f);
    Some(Alerting {
        rules: rules?,
        scrape_interval: scrape?,
        evaluation_interval: evaluation?,
        group_wait: wait?,
        group_interval: group?,
        expect: expect?,
        may_fire: may_fire?,
    })
}

fn interval(d: &mut Decoder, f: &mut Fields<'_>, name: &'static str, default: Dur) -> Option<Dur> {
    f.get(name).map_or(Some(default), |tree| {
        let dur: Dur = d.scalar(tree, "a duration")?;
        d.within(tree, &format!("a {name}"), dur, Dur(SECOND)..=Dur(HOUR))
    })
}

fn rules(d: &mut Decoder, tree: &Tree) -> Option<Vec<String>> {
    let items = d.list(tree, "`alerting.rules`")?;
    if items.is_empty() {
        let help = "write `rules: [shipped]`, or a file such as `rules: [redis.rules]`";
        d.note(Problem::at(tree.place.clone(), "`rules` names no file").help(help));
        return None;
    }
    let read = |tree: &Tree| d.text(tree, "a file of rules").map(str::to_owned);
    items.iter().map(read).collect()
}

fn expected(d: &mut Decoder, tree: &Tree) -> Option<Vec<ExpectedAlert>> {
    let items = d.list(tree, "`alerting.expect`")?;
    let read: Vec<Option<ExpectedAlert>> = items.iter().map(|item| one(d, item)).collect();
    let named = |index: usize| read[index].as_ref().map(|one| one.alert.as_str());
    for (index, item) in items.iter().enumerate() {
        if let Some(name) = named(index)
            && (0..index).any(|before| named(before) == Some(name))
        {
            let message = format!("`{name}` is expected twice");
            d.note(Problem::at(item.place.clone(), message).help("keep one of them"));
        }
    }
    read.into_iter().collect()
}

fn one(d: &mut Decoder, tree: &Tree) -> Option<ExpectedAlert> {
    let mut f = d.fields(tree, "an expected alert")?;
    let alert = f
        .need("alert", "name the alert, such as `alert: RedisDown`")
        .and_then(|tree| d.parsed(tree, "an alert's name", name));
    let firing = f
        .need(
            "firing",
            "say within which time it must fire, such as `firing: 30s`, or `any`",
        )
        .and_then(|tree| d.goal(tree, "a duration"));
    let delivered = f
        .get("delivered")
        .map(|tree| d.goal::<Dur>(tree, "a duration"));
    d.finish(f);
    Some(ExpectedAlert {
        alert: alert?,
        firing: firing?,
        delivered: match delivered {
            None => None,
            Some(goal) => Some(goal?),
        },
    })
}

fn names(d: &mut Decoder, tree: &Tree) -> Option<Vec<String>> {
    let items = d.list(tree, "`alerting.may-fire`")?;
    items
        .iter()
        .map(|item| d.parsed(item, "an alert's name", name))
        .collect()
}

/// What Prometheus takes as a label's value may be anything; what people write is a word.
fn name(text: &str) -> Result<String, String> {
    let fits = text.len() <= 100
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-:.".contains(&b));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(
            "expected at most 100 letters, digits, `_`, `-`, `:` and `.`, such as `RedisDown`"
                .into(),
        )
    }
}
