//! C1 and C6 without containers: the reference store plays outages and has defects, and its log is the witness.

use std::{
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::time::sleep;

use crate::{
    scenario::Play,
    seed::Seed,
    session::Observed,
    truth::{
        Acceptance, Line,
        control::{self, Silence},
        line::SLACK,
        loss, outage, witness,
    },
};

use super::{Field, observe};

/// How often a drill is observed again whose machine was unfit.
const TRIES: u32 = 3;

/// How many controls are run: so many that none with an alarm shows at most 5 % at 95 %.
pub const CONTROLS: u64 = 59;

/// How many controls run side by side at first, and when the machine was unfit for so many: 30 take one core or two.
const SIDE_BY_SIDE: [u32; 4] = [30, 15, 8, 4];

/// How far apart drills side by side start: outages, and judging, of all at one moment would be more than a slow machine
/// can do.
const PLANTS_APART: Duration = Duration::from_secs(3);
const CONTROLS_APART: Duration = Duration::from_millis(50);

/// The timeout of the lanes, which is also how much longer an outage by unanswered requests may look.
const TIMEOUT: Duration = Duration::from_millis(200);

/// What is planted in the reference store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// An outage of two seconds.
    Outage(Play),
    /// Seven acknowledged writes are not kept.
    Drop,
    /// Every hundredth write is applied twice.
    Twice,
    /// Reads show what was there 700 ms ago.
    Stale,
    /// A primary that is cut off from the others goes on taking writes.
    TwoPrimaries,
}

impl Plant {
    /// Everything that C1 plants.
    pub const ALL: [Self; 9] = [
        Self::Outage(Play::Refuse),
        Self::Outage(Play::Reset),
        Self::Outage(Play::Hang),
        Self::Outage(Play::Slow),
        Self::Outage(Play::HalfOpen),
        Self::Drop,
        Self::Twice,
        Self::Stale,
        Self::TwoPrimaries,
    ];

    fn what(self) -> String {
        match self {
            Self::Outage(play) => format!("outage: {play}"),
            Self::Drop => "acknowledged writes dropped".into(),
            Self::Twice => "writes applied twice".into(),
            Self::Stale => "stale reads".into(),
            Self::TwoPrimaries => "two primaries".into(),
        }
    }

    /// The drill that plants it.
    fn scenario(self) -> String {
        let (defect, amount, fault) = match self {
            Self::Outage(play) => ("none", 0, script(play)),
            Self::Drop => ("drop", 7, "noop".into()),
            Self::Twice => ("twice", 100, "noop".into()),
            Self::Stale => ("stale", 700, "noop".into()),
            Self::TwoPrimaries => ("two-primaries", 1, script(Play::Isolate)),
        };
        format!(
            "schema: 1
name: calibration
summary: A known truth is planted.
stack: {{ reference: {{ settings: {{ detect: 500ms, defect: {defect}, defect-amount: {amount} }} }} }}
clients: {{ service: {{ lanes: 2, rate: 100/s, timeout: {}ms }} }}
targets: {{ rto: any, rpo: any }}
drill:
  - steady: 5s
  - fault: {fault}
  - expect: {{ recovered: {{ within: 20s }} }}
  - expect: {{ redundant: {{ within: 20s }} }}
",
            TIMEOUT.as_millis()
        )
    }

    /// Runs the drill that plants it.
    ///
    /// # Errors
    /// When the drill could not be carried to its end.
    pub async fn observe(self, field: &dyn Field, seed: Seed) -> Result<Observed, String> {
        observe(&self.scenario(), Vec::new(), field, seed).await
    }

    /// Compares what was measured with what the nodes logged.
    pub fn judge(self, observed: &Observed) -> Line {
        let line = Line::new("C1", self.what(), "the node's own log");
        let (record, history, log) = (&observed.record, &observed.history, observed.log());
        let untold = |line: Line| {
            let mut line = line;
            line.undecide("the node's log does not tell");
            line
        };
        match self {
            Self::Outage(play) => {
                let refused = !matches!(play, Play::Hang | Play::Slow);
                let beyond = if refused { SLACK } else { SLACK + TIMEOUT };
                match witness::played(&log, &play.to_string()) {
                    None => untold(line),
                    Some(length) => {
                        let planted = outage::Planted { length, beyond };
                        outage::recovery(line, planted, record, history)
                    }
                }
            }
            Self::Drop | Self::Twice => {
                let fate = loss::Fate {
                    lost: witness::elements(&log, "dropped"),
                    twice: witness::elements(&log, "twice"),
                };
                if fate == loss::Fate::default() {
                    return untold(line);
                }
                loss::fate(line, &fate, record, history)
            }
            Self::Stale => loss::staleness(line, &witness::reads(&log), record, history),
            Self::TwoPrimaries => match witness::given_up(&log) {
                None => untold(line),
                Some(given_up) => loss::split_brain(line, &given_up, record, history),
            },
        }
    }
}

fn script(play: Play) -> String {
    format!("{{ script: {{ node: primary, how: {play}, for: 2s }} }}")
}

/// C1: everything that the reference store can have planted, side by side.
pub async fn planted(field: &dyn Field, seed: Seed) -> Vec<Line> {
    let lines = (0..).zip(Plant::ALL).map(|(number, plant)| async move {
        sleep(PLANTS_APART * number).await;
        one(plant, field, seed).await
    });
    join_all(lines).await
}

async fn one(plant: Plant, field: &dyn Field, seed: Seed) -> Line {
    let observe = async || plant.observe(field, seed).await;
    tried(("C1", plant.what()), field, observe, |it| plant.judge(it)).await
}

/// Runs a drill and judges it, once more where the machine was unfit for it.
pub(super) async fn tried(
    (level, what): (&str, String),
    field: &dyn Field,
    observe: impl AsyncFn() -> Result<Observed, String>,
    judge: impl Fn(&Observed) -> Line,
) -> Line {
    let mut line = Line::untold(level, what.clone(), "it was not run");
    for _ in 0..TRIES {
        line = match observe().await {
            Ok(observed) => judge(&observed),
            Err(why) => Line::untold(level, what.clone(), why),
        };
        if line.state != Acceptance::Undecided || !field.again(1) {
            break;
        }
        let why = line.why.join("; ");
        field.say(&format!("{level} {what}: once more: {why}"));
    }
    line
}

const CONTROL: &str = "schema: 1
name: control
summary: Nothing happens.
stack: { reference: { settings: { detect: 2s, synchronous: true } } }
clients: { service: { lanes: 1, rate: 44/s, timeout: 600ms, pinned: 500ms } }
targets: { rto: 10s, rpo: { count: 0 }, split-brain: 0 }
drill:
  - steady: 10500ms
  - fault: noop
  - expect: { recovered: { within: 20s } }
";

/// C6 on the reference store: controls side by side. Those for which the machine was unfit are run again,
/// fewer side by side.
pub async fn controls(field: &dyn Field, seed: Seed) -> Line {
    let mut silent = Vec::new();
    let mut rest = Vec::new();
    for (number, side_by_side) in SIDE_BY_SIDE.into_iter().enumerate() {
        let missing = CONTROLS - silent.len() as u64;
        let (ended, untold) = (AtomicU32::new(0), AtomicU32::new(0));
        let (ended, untold) = (&ended, &untold);
        let runs = (0_u32..).zip(0..missing).map(|(place, number)| async move {
            // Later ones start as others end, unless the machine turned out to be unfit for so many.
            if place < side_by_side {
                sleep(CONTROLS_APART * place).await;
            } else if 2 * untold.load(SeqCst) > ended.load(SeqCst) {
                return Silence::Untold("the machine was unfit for so many side by side".into());
            }
            let told = control(CONTROL, field, Seed(seed.0.wrapping_add(number))).await;
            ended.fetch_add(1, SeqCst);
            if matches!(told, Silence::Untold(_)) {
                untold.fetch_add(1, SeqCst);
            }
            told
        });
        let (kept, others): (Vec<Silence>, Vec<Silence>) = stream::iter(runs)
            .buffer_unordered(side_by_side as usize)
            .collect::<Vec<Silence>>()
            .await
            .into_iter()
            .partition(|run| *run == Silence::Kept);
        silent.extend(kept);
        let broken = others.iter().any(|run| matches!(run, Silence::Broken(_)));
        rest = others;
        let Some(fewer) = SIDE_BY_SIDE.get(number + 1) else {
            break;
        };
        let drills = (rest.len() as u32).div_ceil(*fewer);
        if rest.is_empty() || broken || !field.again(drills) {
            break;
        }
        field.say(&format!("C6: {} controls once more", rest.len()));
    }
    silent.extend(rest);
    control::line("the reference store", CONTROLS, &silent)
}

/// One control.
pub(super) async fn control(text: &str, field: &dyn Field, seed: Seed) -> Silence {
    match observe(text, Vec::new(), field, seed).await {
        Ok(observed) => control::silence(&observed.record, &observed.history),
        Err(why) => Silence::Untold(why),
    }
}
