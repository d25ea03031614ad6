//! The steps that make backups and restore them, and the servers' clock by which a point in time is asked for.

use std::time::Duration;

use crate::{
    fault::FaultContext,
    record::{BackedUp, HarmSeen, RestoreStage, Restored, StageName, StepResult, What},
    scenario::{Fault, Point},
    system::{Backups, SystemError, Until},
    time::{Bracket, Nanos},
};

/// How many writes in a row the restored service must acknowledge before it counts as taking writes.
const WRITES: u32 = 20;

/// How long the command that shows a mistake's harm may take.
const SHOWS: Duration = Duration::from_secs(60);

/// How often the clock is asked each time.
const QUESTIONS: u32 = 5;

/// What steps remember for restores.
#[derive(Default)]
pub struct Restores {
    /// By how much the servers' clock was ahead of the run's, each time that it was read: at least and at most, nanoseconds.
    ahead: Vec<(i64, i64)>,
    /// When the newest mistake was begun, the command that shows its harm, and what that then says.
    harm: Option<(Nanos, String, String)>,
}

impl Restores {
    /// Remembers when harm was begun, if a fault does some that shows where data is held.
    pub fn struck(&mut self, fault: &Fault, begun: Nanos, holds_data: bool) {
        if let Some(harm) = fault.harm().filter(|_| holds_data) {
            self.harm = Some((begun, harm.shows.to_owned(), harm.expect.to_owned()));
        }
    }

    /// A moment as the servers' clock tells it, at the earliest that it may have been, in whole steps of what the tool counts in;
    /// and all moments of the run's clock that may be that. Between its first and its last reading the clock is taken to be within
    /// what both allow.
    fn point(&self, moment: Nanos, counted: Duration) -> Option<(i64, Bracket)> {
        let counted = i64::try_from(counted.as_nanos()).ok()?.max(1);
        let low = self.ahead.iter().map(|(low, _)| *low).min()?;
        let high = self.ahead.iter().map(|(_, high)| *high).max()?;
        let told = (i64::try_from(moment.0).ok()? + low).div_euclid(counted) * counted;
        let of = |ahead: i64| u64::try_from(told - ahead).map(Nanos).ok();
        let (low, high) = (of(high)?, of(low)?);
        Some((told, Bracket { low, high }))
    }

    /// Reads the clock of the primary: of several answers the one that came soonest tells most.
    pub async fn read_clock(&mut self, ground: &FaultContext) -> Result<(), SystemError> {
        let primary = ground.system.primary().await?;
        let mut best: Option<(i64, i64)> = None;
        for _ in 0..QUESTIONS {
            let (at, told) = ground.emitter.time(ground.system.time_of(&primary)).await;
            let told = told?;
            let run = |moment: Nanos| i64::try_from(moment.0).unwrap_or(i64::MAX);
            let ahead = (told.low - run(at.high), told.high - run(at.low));
            let width = |(low, high): (i64, i64)| high - low;
            best = Some(best.map_or(ahead, |best| {
                if width(ahead) < width(best) {
                    ahead
                } else {
                    best
                }
            }));
        }
        self.ahead.extend(best);
        Ok(())
    }

    /// Reads it once more; where nobody tells it, what was read before must do.
    async fn read_again(&mut self, ground: &FaultContext) -> Result<(), String> {
        match self.read_clock(ground).await {
            Ok(()) => Ok(()),
            Err(error) if self.ahead.is_empty() => Err(format!("{UNREAD}: {error}")),
            Err(error) => {
                ground
                    .emitter
                    .note(format!("{UNREAD}: {error}; it was before"));
                Ok(())
            }
        }
    }
}

/// Makes a backup.
pub async fn backup(step: usize, ground: &FaultContext, restores: &mut Restores) -> StepResult {
    let Some(backups) = ground.system.backups() else {
        return StepResult::Failed(NONE.into());
    };
    if let Err(error) = restores.read_clock(ground).await {
        return StepResult::Failed(format!("{UNREAD}: {error}"));
    }
    let (at, made) = ground.emitter.time(backups.backup()).await;
    let made = made.map_err(|error| error.to_string());
    let event = BackedUp {
        step,
        node: backups.node().clone(),
        made: made.clone(),
    };
    ground.emitter.say_at(at, What::BackedUp(event));
    match made {
        Ok(_) => StepResult::Done,
        Err(why) => StepResult::Failed(format!("the backup was not made: {why}")),
    }
}

const NONE: &str = "this stack keeps no backups";
const UNREAD: &str = "the servers' clock could not be read";

/// Restores the newest backup beside the running service.
pub async fn restore(
    step: usize,
    to: Point,
    ground: &FaultContext,
    restores: &mut Restores,
) -> StepResult {
    let Some(backups) = ground.system.backups() else {
        return StepResult::Failed(NONE.into());
    };
    let begun = ground.emitter.now();
    if let Err(why) = restores.read_again(ground).await {
        return StepResult::Failed(why);
    }
    let moment = match (to, &restores.harm) {
        (Point::Ago(time), _) if time.0 > begun.since(Nanos::default()) => {
            return StepResult::Failed("the point lies before the run began".into());
        }
        (Point::Ago(time), _) => begun.before(time.0),
        (Point::Latest, _) => begun,
        (Point::BeforeMistake, Some((at, ..))) => *at,
        (Point::BeforeMistake, None) => return StepResult::Failed("no mistake was made".into()),
    };
    let Some((point_ns, mut point)) = restores.point(moment, backups.counts_in()) else {
        return StepResult::Failed(UNREAD.into());
    };
    point.high = point.high.after(backups.told_late());
    let mut restored = Restored {
        step,
        to,
        node: backups.node().clone(),
        point_ns,
        point,
        begun,
        stages: Vec::new(),
        harm: None,
        held: Err("it was not restored".into()),
        refused: false,
    };
    let result = match carry_out(backups, ground, &mut restored).await {
        Ok(()) => {
            if to != Point::Latest {
                restored.harm = shown(ground, &restored, restores).await;
            }
            StepResult::Done
        }
        Err(Failure { refused, why }) => {
            restored.held = Err(why.clone());
            restored.refused = refused;
            match refused {
                // The tool could not do it: that is what the drill found.
                true => StepResult::Unmet(why),
                false => StepResult::Failed(why),
            }
        }
    };
    let at = Bracket {
        low: begun,
        high: ground.emitter.now(),
    };
    let event = What::Restored(Box::new(restored));
    ground.emitter.say_at(at, event);
    result
}

/// Why a restore came to no end, and whether the tool refused it: else nothing was learnt of the backup.
struct Failure {
    refused: bool,
    why: String,
}

fn by_tool(error: SystemError) -> Failure {
    let refused = matches!(error, SystemError::Refused(_));
    let why = error.to_string();
    Failure { refused, why }
}

fn by_harness(error: SystemError) -> Failure {
    let why = error.to_string();
    Failure {
        refused: false,
        why,
    }
}

/// Takes the stages of a restore, and looks up what it brought back.
async fn carry_out(
    backups: &dyn Backups,
    ground: &FaultContext,
    restored: &mut Restored,
) -> Result<(), Failure> {
    let emitter = &ground.emitter;
    let stages = &mut restored.stages;
    let mut over = |name: StageName, at: Bracket, said: String| {
        emitter.note(format!("{}: {said}", name.text()));
        stages.push(RestoreStage { name, at, said });
    };
    let now = || Bracket::at(emitter.now());
    let until = match restored.to {
        Point::Latest => Until::Latest,
        Point::BeforeMistake | Point::Ago(_) => Until::Moment(restored.point_ns),
    };
    let said = backups.fetch(until).await.map_err(by_tool)?;
    over(StageName::Fetched, now(), said);
    let said = backups.replay(until).await.map_err(by_tool)?;
    over(StageName::Replayed, now(), said);
    let (first, written) = emitter.time(backups.write()).await;
    written.map_err(by_harness)?;
    for _ in 1..WRITES {
        backups.write().await.map_err(by_harness)?;
    }
    let said = format!("{WRITES} writes in a row were acknowledged");
    over(StageName::Writes, first, said);
    restored.held = Ok(backups.restored().await.map_err(by_harness)?);
    Ok(())
}

/// What shows the newest mistake's harm, asked of the restored service.
async fn shown(
    ground: &FaultContext,
    restored: &Restored,
    restores: &Restores,
) -> Option<HarmSeen> {
    let (_, shows, expect) = restores.harm.clone()?;
    let argv = ["sh", "-c", shows.as_str()];
    let said = ground.runtime.exec(&restored.node, &argv, SHOWS).await;
    // Its exit code says nothing: a count of nothing ends with 1, here as on the node where the harm was done.
    let said = said.map(|said| said.stdout.trim().to_owned());
    let said = said.map_err(|error| error.to_string());
    Some(HarmSeen {
        shows,
        expect,
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_the_earliest_that_the_servers_clock_may_have_told() {
        let mut restores = Restores::default();
        let micro = Duration::from_micros(1);
        assert_eq!(restores.point(Nanos(5), micro), None);
        // 1,000 s ahead, by readings that were 2 ms wide, between which the clock went 1 ms on.
        let second = 1_000_000_000_000;
        restores.ahead = vec![
            (second, second + 2_000_000),
            (second + 1_000_000, second + 3_000_000),
        ];
        let (told, at) = restores
            .point(Nanos(7_000_000_500), micro)
            .expect("a point");
        assert_eq!(told, 1_007_000_000_000);
        assert_eq!(at.high, Nanos(7_000_000_000));
        assert_eq!(at.low, Nanos(6_997_000_000));
        // A tool that counts in seconds is asked for the last whole one before.
        let (told, at) = restores
            .point(Nanos(7_900_000_500), Duration::from_secs(1))
            .expect("a point");
        assert_eq!(told, 1_007_000_000_000);
        assert_eq!(at.high, Nanos(7_000_000_000));
    }
}
