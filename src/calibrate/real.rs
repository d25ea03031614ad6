//! C2 to C6 on real databases in containers.

use std::time::Duration;

use futures_util::{StreamExt, future::join_all, stream};

use crate::{
    drill::Aside,
    seed::Seed,
    session::Observed,
    truth::{
        Acceptance, Line,
        control::{self, Silence},
        disk::{self, Disk, Loses},
        stop,
    },
};

use super::{
    Field,
    aside::{Database, TICKER, TICKS, Told, shell},
    observe, reference,
};

/// How often a drill is observed again whose machine was unfit.
const TRIES: u32 = 3;

/// How many controls run on a real database.
const CONTROLS: usize = 5;

/// How many stacks in containers stand side by side.
const SIDE_BY_SIDE: usize = 2;

/// The stack of a database, with this many nodes, of which nothing fails over by itself within a minute unless
/// `down_after` says so.
fn stack(database: Database, nodes: u32, settings: &str) -> String {
    let topology = match database {
        Database::Postgres => "streaming",
        Database::Redis => "sentinel",
    };
    format!(
        "stack: {{ {}: {{ topology: {topology}, nodes: {nodes}, settings: {{ {settings} }} }} }}",
        database.name()
    )
}

fn scenario(stack: &str, headline: Option<usize>, steps: &[&str]) -> String {
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let headline = headline.map_or(String::new(), |step| format!("headline: {step}\n"));
    format!(
        "schema: 1\nname: calibration\nsummary: A known truth is planted.\n{stack}\n\
         clients: {{ service: {{ {CLIENTS} }} }}\n\
         {headline}targets: {{ rto: any, rpo: any }}\ndrill:\n{steps}"
    )
}

/// How the clients write.
const CLIENTS: &str = "lanes: 2, rate: 100/s, timeout: 500ms";

/// The same before a database that stands still: a probe each 100 ms on every lane, so that the slope can be told to
/// a hundredth; few lanes, because the database has to take and end each connection that was tried meanwhile, which
/// makes the outage longer than the stop. The shortest stop that is to show as an outage is twice the timeout.
const GENTLE: &str = "lanes: 1, rate: 10/s, timeout: 300ms, pinned: 1s";

/// How long a database is stopped, milliseconds. The longest is so long that errors which each stop allows (up to some
/// 400 ms) move the slope by 0.8 hundredths at most: with 20 s as the longest they move it by up to 2.3.
const STOPS: [u64; 4] = [1_000, 5_000, 20_000, 60_000];

const RECOVERED: &str = "expect: { recovered: { within: 1m } }";
/// The wait begins with the stop.
const RECOVERED_FROM_STOP: &str = "expect: { recovered: { within: 2m } }";
const REDUNDANT: &str = "expect: { redundant: { within: 2m } }";

/// Tries until the machine was fit or often enough.
async fn again<F, A>(field: &dyn Field, mut one: F) -> Vec<Line>
where
    F: FnMut() -> A,
    A: Future<Output = Vec<Line>>,
{
    let mut lines = Vec::new();
    for _ in 0..TRIES {
        lines = one().await;
        let undecided: Vec<&Line> = lines
            .iter()
            .filter(|line| line.state == Acceptance::Undecided)
            .collect();
        if undecided.is_empty() || field.stop().wished() {
            break;
        }
        for line in undecided {
            field.say(&format!(
                "{} {}: once more: {}; truth {}, measured {}",
                line.level,
                line.what,
                line.why.join("; "),
                line.truth,
                line.measured
            ));
        }
    }
    lines
}

/// C2: a database is stopped and goes on.
pub async fn stops(field: &dyn Field, seed: Seed) -> Vec<Line> {
    let databases = [Database::Postgres, Database::Redis];
    let mut lines = Vec::new();
    for database in databases {
        let long = again(field, || stopped(database, &STOPS, field, seed));
        let short = again(field, || stopped(database, &[200], field, seed));
        lines.extend(join_all([boxed(long), boxed(short)]).await.concat());
    }
    lines
}

type Lines<'a> = std::pin::Pin<Box<dyn Future<Output = Vec<Line>> + Send + 'a>>;

fn boxed<'a>(work: impl Future<Output = Vec<Line>> + Send + 'a) -> Lines<'a> {
    Box::pin(work)
}

async fn stopped(database: Database, lengths: &[u64], field: &dyn Field, seed: Seed) -> Vec<Line> {
    let settings = match database {
        // Its queue of connections not taken yet is twice as long: a PostgreSQL that goes on ends each of them by a
        // process of its own, and 340 of them took it 0.2 s. The budget of a lane holds all that wait for their timeout.
        Database::Postgres => "fsync: false, max-connections: 60",
        Database::Redis => "down-after: 10m",
    };
    let pauses: Vec<String> = lengths
        .iter()
        .map(|length| format!("fault: {{ pause: {{ node: primary, for: {length}ms }} }}"))
        .collect();
    let mut steps = vec!["steady: 5s"];
    for pause in &pauses {
        steps.extend([pause.as_str(), RECOVERED_FROM_STOP]);
    }
    let text = scenario(&stack(database, 2, settings), None, &steps).replace(CLIENTS, GENTLE);
    let (start, _) = Told::after(0, |ground| {
        Box::pin(async move {
            let primary = ground.system.primary().await.map_err(|e| e.to_string())?;
            shell(&ground, &primary, TICKER).await
        })
    });
    let (end, ticks) = Told::after(steps.len() - 1, |ground| {
        Box::pin(async move {
            let primary = ground.first_primary.clone();
            shell(&ground, &primary, TICKS).await
        })
    });
    let what = format!("{} stopped", database.name());
    let line = Line::new("C2", what, "a ticker in the node");
    let observed = match observe(&text, vec![start, end], field, seed).await {
        Ok(observed) => observed,
        Err(why) => return vec![untold(line, why)],
    };
    match ticks.take() {
        Err(why) => vec![untold(line, why)],
        Ok(ticks) => {
            // On a busy machine the ticker stands still for shorter times too.
            let shortest = lengths.iter().min().copied().unwrap_or(0);
            let truths = stop::pauses(&ticks, Duration::from_millis(shortest * 4 / 5));
            stops_judged(&line, &truths, lengths.len(), &observed)
        }
    }
}

fn stops_judged(
    line: &Line,
    truths: &[crate::time::Span],
    count: usize,
    observed: &Observed,
) -> Vec<Line> {
    if count > 1 {
        stop::recoveries(line, truths, &observed.record, &observed.history)
    } else {
        vec![stop::gap(line, truths, &observed.record, &observed.history)]
    }
}

fn untold(mut line: Line, why: String) -> Line {
    line.undecide(why);
    line
}

/// A way to lose acknowledged writes of a real database, or to lose none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losing {
    /// The database.
    pub database: Database,
    /// What is lost.
    pub loses: Loses,
}

impl Losing {
    /// C3, C4 and C5.
    pub const ALL: [Self; 5] = [
        Self::of(Database::Postgres, Loses::Tail),
        Self::of(Database::Redis, Loses::Tail),
        Self::of(Database::Postgres, Loses::Nothing),
        Self::of(Database::Postgres, Loses::SplitBrain),
        Self::of(Database::Redis, Loses::SplitBrain),
    ];

    const fn of(database: Database, loses: Loses) -> Self {
        Self { database, loses }
    }

    /// Its level.
    pub fn level(self) -> &'static str {
        match self.loses {
            Loses::Tail => "C3",
            Loses::Nothing => "C4",
            Loses::SplitBrain => "C5",
        }
    }

    fn what(self) -> String {
        let name = self.database.name();
        match self.loses {
            Loses::Tail => format!("{name}: replication blocked, primary killed"),
            Loses::Nothing => format!("{name}: the same, synchronous"),
            Loses::SplitBrain => format!("{name}: replica promoted, primary alive"),
        }
    }

    /// The drill, and after which of its steps the disks are compared.
    fn scenario(self) -> (String, usize) {
        const CUT: &str = "fault: { partition: { between: [primary, replicas], clients: keep } }";
        const ISOLATE: &str = "fault: { partition: { isolate: primary, clients: keep } }";
        const KILL: &str = "fault: { kill: primary }";
        const KILL_OLD: &str = "fault: { kill: old-primary }";
        const PROMOTE: &str = "runbook: promote-replica";
        const HEAL: &str = "heal: all";
        let (nodes, settings, headline): (u32, &str, usize) = match (self.database, self.loses) {
            (Database::Postgres, Loses::Nothing) => (3, "synchronous: on, fsync: false", 3),
            (Database::Postgres, Loses::Tail) => (2, "fsync: false", 3),
            (Database::Postgres, Loses::SplitBrain) => (2, "fsync: false", 1),
            (Database::Redis, Loses::SplitBrain) => (2, "persistence: aof, down-after: 2s", 1),
            (Database::Redis, _) => (2, "persistence: aof, down-after: 2s", 3),
        };
        let middle: &[&str] = match (self.database, self.loses) {
            (Database::Postgres, Loses::SplitBrain) => {
                &[CUT, "hold: 2s", PROMOTE, RECOVERED, KILL_OLD]
            }
            (Database::Postgres, _) => &[CUT, "hold: 2s", KILL, PROMOTE, RECOVERED],
            (Database::Redis, Loses::SplitBrain) => &[ISOLATE, "hold: 10s", KILL_OLD, RECOVERED],
            (Database::Redis, _) => &[CUT, "hold: 2s", KILL, RECOVERED],
        };
        let steps = [&["steady: 5s"], middle, &[HEAL, REDUNDANT]].concat();
        let stack = stack(self.database, nodes, settings);
        (scenario(&stack, Some(headline), &steps), middle.len())
    }

    /// Runs the drill; gives what was observed and what the disks hold.
    ///
    /// # Errors
    /// When the drill could not be carried to its end, or the disks could not be read.
    pub async fn observe(self, field: &dyn Field, seed: Seed) -> Result<(Observed, Disk), String> {
        let (text, after) = self.scenario();
        let database = self.database;
        let (aside, disk): (Aside, Told<Disk>) =
            Told::after(after, move |ground| Box::pin(database.compare(ground)));
        let observed = observe(&text, vec![aside], field, seed).await?;
        Ok((observed, disk.take()?))
    }

    /// Compares what was measured with what the disks hold.
    pub fn judge(self, observed: &Observed, disk: &Disk) -> Vec<Line> {
        let line = Line::new(
            self.level(),
            self.what(),
            "the old primary's data alone, by its plain client",
        );
        let (record, history) = (&observed.record, &observed.history);
        let loss = disk::loss(line.clone(), self.loses, disk, record, history);
        if (self.database, self.loses) != (Database::Postgres, Loses::Tail) {
            return vec![loss];
        }
        let mut line = line;
        line.what = format!("{}: age", line.what);
        line.witness = "commit times in the old primary's log".into();
        vec![loss, disk::age(line, disk, record, history)]
    }
}

/// C3, C4 or C5: those ways to lose writes that belong to a level.
pub async fn losses(level: &str, field: &dyn Field, seed: Seed) -> Vec<Line> {
    let ways = Losing::ALL.into_iter().filter(|way| way.level() == level);
    let running = ways.map(|way| async move {
        let one = || async move {
            match way.observe(field, seed).await {
                Ok((observed, disk)) => way.judge(&observed, &disk),
                Err(why) => vec![Line::untold(way.level(), way.what(), why)],
            }
        };
        again(field, one).await
    });
    let lines: Vec<Vec<Line>> = stream::iter(running).buffered(SIDE_BY_SIDE).collect().await;
    lines.concat()
}

/// C6 on a real database.
pub async fn controls(field: &dyn Field, seed: Seed) -> Line {
    let text = scenario(
        &stack(Database::Postgres, 2, "fsync: false"),
        None,
        &["steady: 8s", "fault: noop", RECOVERED],
    )
    .replace("rto: any, rpo: any", "rto: 10s, rpo: { count: 0 }")
    .replace("timeout: 500ms", "timeout: 1s");
    let mut runs: Vec<Silence> = Vec::new();
    for side_by_side in [SIDE_BY_SIDE, 1] {
        runs.retain(|run| *run == Silence::Kept);
        let missing = CONTROLS - runs.len();
        let more = (0..missing).map(|number| {
            let seed = Seed(seed.0.wrapping_add(number as u64));
            reference::control(&text, field, seed)
        });
        let more: Vec<Silence> = stream::iter(more)
            .buffer_unordered(side_by_side)
            .collect()
            .await;
        runs.extend(more);
        let untold = runs.iter().any(|run| matches!(run, Silence::Untold(_)));
        if !untold || field.stop().wished() {
            break;
        }
    }
    control::line("PostgreSQL", CONTROLS as u64, &runs)
}
