//! The scorecards of a repeated drill taken together: what they show, and what they do not yet.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    measure::format::{self, Round},
    scenario::{Confidence, Targets},
    stats::{
        Gate, at_most, drills_for, gate, median_ranks, more_needed, shown_by_maximum, upper_rank,
    },
};

use super::{Line, LineState, Scorecard, Verdict, verdict::INTEGRITY};

/// The confidence level where the scenario sets none.
pub const LEVEL: f64 = 0.95;

/// Repeats taken together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeats {
    /// The verdict over all of them.
    pub verdict: Verdict,
    /// One sentence on it.
    pub sentence: String,
    /// How many there were.
    pub runs: u64,
    /// How many passed, failed, were inconclusive, were controls.
    pub verdicts: [u64; 4],
    /// The quantile that the worst of so many runs bounds at the level, from 0 to 1.
    pub shown: f64,
    /// What the runs show, one sentence each.
    pub shows: Vec<String>,
    /// How many more runs, all within the target, the claim needs; 0 when it stands or none is made.
    pub more: u64,
}

/// Combines the scorecards of a repeated drill, which ran on so many stacks.
///
/// Loss beyond the target in any run fails the repeat, and so does every other missed line but RTO. RTO
/// is judged by the quantile that `confidence` names; without it, every run must pass. Inconclusive runs
/// make the repeat inconclusive unless only their RTO is undecided, which the quantile allows for.
pub fn repeats(cards: &[Scorecard], stacks: u64, targets: &Targets) -> Repeats {
    let runs = cards.len() as u64;
    let count = |verdict: Verdict| cards.iter().filter(|c| c.verdict == verdict).count() as u64;
    let verdicts = [
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Inconclusive) + count(Verdict::Aborted),
        count(Verdict::Control),
    ];
    let level = targets.confidence.map_or(LEVEL, |c| c.level.0 / 100.0);
    let (verdict, more) = match targets.confidence {
        _ if runs == 0 => (Verdict::Inconclusive, 0),
        _ if verdicts[3] == runs => (Verdict::Control, 0),
        Some(confidence) => by_quantile(cards, confidence),
        None => (plainly(verdicts), 0),
    };
    Repeats {
        verdict,
        sentence: sentence(verdict, runs, verdicts, targets.confidence, more),
        runs,
        verdicts,
        shown: shown_by_maximum(runs, level),
        shows: shows(cards, stacks, level),
        more,
    }
}

fn plainly(verdicts: [u64; 4]) -> Verdict {
    match verdicts {
        [_, failed, _, _] if failed > 0 => Verdict::Fail,
        [passed, 0, 0, 0] if passed > 0 => Verdict::Pass,
        _ => Verdict::Inconclusive,
    }
}

/// Whether the line is a recovery time, which the quantile judges: a planned move's outage is one, where it stands for the
/// headline's and of other moves.
fn is_rto(card: &Scorecard, figure: &str) -> bool {
    let stands = || {
        let first = card.lines.first();
        first.is_some_and(|first| first.figure == figure && is_headline(figure))
    };
    figure == "rto" || figure.starts_with("rto_") || figure.starts_with("outage_after_") || stands()
}

fn by_quantile(cards: &[Scorecard], confidence: Confidence) -> (Verdict, u64) {
    if cards.iter().any(fails_beside_rto) {
        return (Verdict::Fail, 0);
    }
    let (q, level) = (confidence.quantile.0 / 100.0, confidence.level.0 / 100.0);
    let n = cards.len() as u64;
    let mut figures: Vec<&str> = cards
        .iter()
        .flat_map(|card| card.lines.iter().map(move |line| (card, line)))
        .filter(|(card, line)| is_rto(card, &line.figure) && line.limit.is_some())
        .map(|(_, line)| line.figure.as_str())
        .collect();
    figures.sort_unstable();
    figures.dedup();
    let mut answer = Verdict::Pass;
    let mut more = 0;
    for figure in &figures {
        let states = |state| {
            let of = |card: &&Scorecard| {
                card.lines
                    .iter()
                    .any(|line| line.figure == *figure && line.state == state)
            };
            cards.iter().filter(of).count() as u64
        };
        // A run without such a line saw no outage after that step.
        let spared = cards.iter().filter(|card| {
            let has = card.lines.iter().any(|line| line.figure == *figure);
            figure.contains("_after_") && !has
        });
        let within = states(LineState::Met) + spared.count() as u64;
        let beyond = states(LineState::Missed);
        match gate(n, within, beyond, q, level) {
            Gate::Pass => {}
            Gate::Fail => return (Verdict::Fail, 0),
            Gate::Inconclusive => {
                answer = Verdict::Inconclusive;
                more = more.max(more_needed(n, within, q, level));
            }
        }
    }
    if figures.is_empty() || cards.iter().any(undecided_beside_rto) {
        answer = Verdict::Inconclusive;
    }
    (answer, more)
}

fn fails_beside_rto(card: &Scorecard) -> bool {
    let missed = card
        .lines
        .iter()
        .any(|line| line.state == LineState::Missed && !is_rto(card, &line.figure));
    let integrity = card.verdict == Verdict::Fail
        && card.reasons.iter().any(|reason| {
            INTEGRITY.contains(&reason.name.as_str()) || reason.name.starts_with("control-")
        });
    let rto = card
        .lines
        .iter()
        .any(|line| line.state == LineState::Missed && is_rto(card, &line.figure));
    missed || integrity || (card.verdict == Verdict::Fail && !rto)
}

fn undecided_beside_rto(card: &Scorecard) -> bool {
    let other = card
        .lines
        .iter()
        .any(|line| line.state == LineState::Inconclusive && !is_rto(card, &line.figure));
    let rto = card
        .lines
        .iter()
        .any(|line| line.state == LineState::Inconclusive && is_rto(card, &line.figure));
    other
        || match card.verdict {
            Verdict::Pass | Verdict::Fail => false,
            Verdict::Inconclusive => !rto,
            Verdict::Control | Verdict::Aborted => true,
        }
}

/// The quantiles that are spoken of, by their usual names.
const NAMED: [(&str, f64); 5] = [
    ("the median", 0.5),
    ("P75", 0.75),
    ("P90", 0.90),
    ("P95", 0.95),
    ("P99", 0.99),
];

/// What n runs show about recovery time and loss, and what they do not yet.
fn shows(cards: &[Scorecard], stacks: u64, level: f64) -> Vec<String> {
    let n = cards.len() as u64;
    let mut lines = vec![shown(cards, level)];
    lines.extend(not_shown(n, level));
    lines.extend(median(cards, level));
    lines.push(loss(cards, level));
    if stacks < n {
        lines.push(format!(
            "{} on {}, made ready again in between: less independent than drills on fresh stacks",
            format::counted(n, "drill"),
            format::counted(stacks, "stack"),
        ));
    }
    lines
}

/// Recovery times in ascending order; infinite where one was not seen or may not be read.
fn times(cards: &[Scorecard]) -> Vec<f64> {
    let time = |card: &Scorecard| {
        let line = card.lines.iter().find(|line| is_headline(&line.figure))?;
        line.value.filter(|_| line.state != LineState::Inconclusive)
    };
    let mut times: Vec<f64> = cards
        .iter()
        .map(|card| time(card).unwrap_or(f64::INFINITY))
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The line of the headline's recovery: a planned move's outage stands for it.
fn is_headline(figure: &str) -> bool {
    matches!(figure, "rto" | "outage")
}

fn seconds(time: f64) -> String {
    Duration::try_from_secs_f64(time).map_or_else(
        |_| "no bound, as too many were not measured or not seen".into(),
        |time| format::duration(time, Round::Up),
    )
}

fn shown(cards: &[Scorecard], level: f64) -> String {
    let times = times(cards);
    let n = cards.len() as u64;
    let drills = format::counted(n, "drill");
    let sure = format::percent(level * 100.0);
    let bounds: Vec<String> = NAMED
        .iter()
        .filter_map(|(name, q)| {
            let rank = upper_rank(n, *q, level)?;
            let bound = times.get(usize::try_from(rank).ok()?.checked_sub(1)?)?;
            Some(format!("{name} <= {} (rank {rank})", seconds(*bound)))
        })
        .collect();
    if bounds.is_empty() {
        format!("{drills} show no quantile of the recovery time at {sure} confidence")
    } else {
        format!(
            "{drills} show of the recovery time at {sure} confidence: {}",
            bounds.join(", ")
        )
    }
}

fn not_shown(n: u64, level: f64) -> Option<String> {
    let more: Vec<String> = NAMED
        .iter()
        .filter_map(|(name, q)| {
            Some((
                name,
                drills_for(*q, level)
                    .checked_sub(n)
                    .filter(|more| *more > 0)?,
            ))
        })
        .map(|(name, more)| format!("{name} takes {}", format::counted(more, "more drill")))
        .collect();
    (!more.is_empty()).then(|| format!("not shown yet: {}", more.join(", ")))
}

fn median(cards: &[Scorecard], level: f64) -> Option<String> {
    let times = times(cards);
    let (low, high) = median_ranks(cards.len() as u64, level)?;
    let at = |rank: u64| {
        times
            .get(usize::try_from(rank).ok()?.checked_sub(1)?)
            .copied()
    };
    let (from, to) = (at(low)?, at(high)?);
    to.is_finite().then(|| {
        format!(
            "the median lies between {} and {} (ranks {low} and {high}) at {} confidence",
            seconds(from),
            seconds(to),
            format::percent(level * 100.0),
        )
    })
}

fn loss(cards: &[Scorecard], level: f64) -> String {
    let exposed: Vec<&Scorecard> = cards.iter().filter(|card| is_exposed(card)).collect();
    let lost = |card: &&&Scorecard| {
        let mut gone = card.lines.iter().filter(tells_of_loss);
        gone.any(|line| line.value.is_some_and(|value| value > 0.0))
    };
    let lossy = exposed.iter().filter(lost).count() as u64;
    let exposed = exposed.len() as u64;
    if exposed == 0 {
        return "no drill was exposed to loss: nothing is shown about it".into();
    }
    let bound = (at_most(lossy, exposed, level) * 1000.0).ceil() / 10.0;
    format!(
        "{lossy} of {} lost acknowledged data: at {} confidence at most {bound:.1} % of such drills do",
        format::counted(exposed, "exposed drill"),
        format::percent(level * 100.0),
    )
}

/// Acknowledged writes that are gone are told by the RPO, and by what a second primary had taken.
fn tells_of_loss(line: &&Line) -> bool {
    line.figure.starts_with("rpo_") || line.figure == "split_brain"
}

/// A run counts for a claim on loss only if it has RPO lines, and all that tell of loss were decided.
fn is_exposed(card: &Scorecard) -> bool {
    let told = |line: &Line| line.state != LineState::Inconclusive;
    let mut rpo = card.lines.iter().filter(tells_of_loss);
    let asked = |line: &Line| line.figure.starts_with("rpo_");
    card.lines.iter().any(asked) && rpo.all(told)
}

fn sentence(
    verdict: Verdict,
    runs: u64,
    [passed, failed, inconclusive, _]: [u64; 4],
    confidence: Option<Confidence>,
    more: u64,
) -> String {
    let counts = format!(
        "{passed} of {runs} runs passed, {failed} failed, {inconclusive} were inconclusive"
    );
    let Some(confidence) = confidence else {
        return match verdict {
            Verdict::Pass => format!("{counts}: every run passed, as it must."),
            Verdict::Fail => format!("{counts}: every run must pass."),
            Verdict::Inconclusive | Verdict::Aborted => format!("{counts}: it is not decided."),
            Verdict::Control => format!("All {runs} controls stayed quiet."),
        };
    };
    let claim = format!(
        " ({} of recoveries within the target, at {} confidence)",
        confidence.quantile, confidence.level
    );
    match verdict {
        Verdict::Pass => format!("{counts}: the claim holds{claim}."),
        Verdict::Fail => format!("{counts}: the claim does not hold{claim}."),
        Verdict::Inconclusive if more > 0 => {
            let runs = format::counted(more, "more run");
            format!("{counts}: not yet shown{claim}; it takes {runs} within the target.")
        }
        Verdict::Inconclusive | Verdict::Aborted => format!("{counts}: nothing is shown{claim}."),
        Verdict::Control => format!("All {runs} controls stayed quiet."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::fixture::{Bench, W1, control, ms},
        scenario::Percent,
        score::tests::card,
    };

    fn passed() -> Scorecard {
        card(Bench::with_outage(ms(22_000)))
    }

    fn slow() -> Scorecard {
        card(Bench::with_outage(ms(32_000)))
    }

    fn lossy() -> Scorecard {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.absent.push((W1, 499));
        card(bench)
    }

    fn unsure() -> Scorecard {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.record.converged = None;
        card(bench)
    }

    fn claim(quantile: f64) -> Targets {
        Targets {
            confidence: Some(Confidence {
                quantile: Percent(quantile),
                level: Percent(95.0),
            }),
            ..Targets::default()
        }
    }

    #[test]
    fn without_a_claim_every_repeat_must_pass() {
        let none = Targets::default();
        let of = |cards: &[Scorecard]| repeats(cards, cards.len() as u64, &none).verdict;
        assert_eq!(of(&[passed(), passed()]), Verdict::Pass);
        assert_eq!(of(&[passed(), slow()]), Verdict::Fail);
        assert_eq!(of(&[passed(), unsure()]), Verdict::Inconclusive);
        assert_eq!(of(&[unsure(), lossy()]), Verdict::Fail);
        let stopped = || Scorecard {
            verdict: Verdict::Aborted,
            ..passed()
        };
        assert_eq!(of(&[passed(), stopped()]), Verdict::Inconclusive);
        assert_eq!(of(&[stopped(), stopped()]), Verdict::Inconclusive);
        assert_eq!(of(&[stopped(), lossy()]), Verdict::Fail);
        assert_eq!(of(&[]), Verdict::Inconclusive);
        assert_eq!(of(&[card(control()), card(control())]), Verdict::Control);
        assert_eq!(of(&[card(control()), passed()]), Verdict::Inconclusive);
    }

    #[test]
    fn a_claim_is_judged_by_its_quantile_and_loss_by_every_run() {
        let of = |cards: Vec<Scorecard>, quantile: f64| {
            repeats(&cards, cards.len() as u64, &claim(quantile))
        };
        assert_eq!(of(vec![passed(); 5], 50.0).verdict, Verdict::Pass);
        let four = of(vec![passed(); 4], 50.0);
        assert_eq!((four.verdict, four.more), (Verdict::Inconclusive, 1));
        let mut one_slow = vec![passed(); 19];
        one_slow.push(slow());
        assert_eq!(of(one_slow.clone(), 50.0).verdict, Verdict::Pass);
        assert_eq!(of(one_slow, 95.0).verdict, Verdict::Inconclusive);
        assert_eq!(of(vec![slow(); 5], 50.0).verdict, Verdict::Fail);
        let mut one_lossy = vec![passed(); 19];
        one_lossy.push(lossy());
        assert_eq!(of(one_lossy, 50.0).verdict, Verdict::Fail);
        let mut one_unsure = vec![passed(); 19];
        one_unsure.push(unsure());
        assert_eq!(of(one_unsure, 50.0).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn repeats_say_what_they_show_and_what_not_yet() {
        let of = |cards: &[Scorecard], stacks| repeats(cards, stacks, &Targets::default()).shows;
        let shown = repeats(&vec![passed(); 10], 10, &Targets::default());
        assert!((shown.shown - 0.05_f64.powf(0.1)).abs() < 1e-12);
        assert_eq!(
            shown.shows,
            [
                "10 drills show of the recovery time at 95 % confidence: the median <= 2.003 s (rank 9)",
                "not shown yet: P75 takes 1 more drill, P90 takes 19 more drills, P95 takes 49 more drills, P99 takes 289 more drills",
                "the median lies between 2.003 s and 2.003 s (ranks 2 and 9) at 95 % confidence",
                "0 of 10 exposed drills lost acknowledged data: at 95 % confidence at most 25.9 % of such drills do",
            ]
        );
        assert_eq!(
            of(&vec![passed(); 59], 59)[0],
            "59 drills show of the recovery time at 95 % confidence: the median <= 2.003 s (rank 37), \
             P75 <= 2.003 s (rank 51), P90 <= 2.003 s (rank 58), P95 <= 2.003 s (rank 59)"
        );
        let three = of(&vec![passed(); 3], 1);
        assert_eq!(
            three[0],
            "3 drills show no quantile of the recovery time at 95 % confidence"
        );
        assert!(three[1].starts_with("not shown yet: the median takes 2 more drills, P75 takes 8"));
        assert_eq!(
            three[3],
            "3 drills on 1 stack, made ready again in between: less independent than drills on fresh stacks"
        );
        assert!(of(&[], 0)[2].contains("no drill was exposed"));
    }

    #[test]
    fn a_time_that_is_not_known_bounds_nothing() {
        let mut cards = vec![passed(); 4];
        let mut unknown = passed();
        unknown.lines[0].state = LineState::Inconclusive;
        cards.push(unknown);
        let shows = repeats(&cards, 5, &Targets::default()).shows;
        assert!(shows[0].contains("the median <= no bound"), "{shows:?}");
        let mut cards = vec![passed(); 9];
        cards.push(unsure());
        let shows = repeats(&cards, 10, &Targets::default()).shows;
        assert!(shows[3].starts_with("0 of 9 exposed drills"), "{shows:?}");
        // A write that a second primary had taken is gone as well.
        let mut split = Bench::with_outage(ms(22_000));
        split.absent.push((W1, 750));
        for lossy in [lossy(), card(split)] {
            let shows = repeats(&[lossy, passed()], 2, &Targets::default()).shows;
            assert!(shows[2].starts_with("1 of 2 exposed"), "{shows:?}");
        }
        let shows = repeats(&[lossy(), passed()], 2, &Targets::default()).shows;
        assert_eq!(
            shows[2],
            "1 of 2 exposed drills lost acknowledged data: at 95 % confidence at most 97.5 % of such drills do"
        );
    }
}
