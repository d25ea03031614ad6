//! What the instrument itself costs: pacer lateness, bytes of history per operation, time and memory to judge.
//! Prints one line per figure with its bar; the exit code is 1 if one is beyond it.

#[path = "../tests/it/multiplied.rs"]
mod multiplied;

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, mpsc::channel},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use drdrill::{
    evidence::{self, HistoryThread, Redactor, history_write::HistoryWriter},
    history::{Access, Group, Heard, Lane, Op, Outcome},
    id::{LaneId, NodeName, RunId},
    record::{Emitter, Holdings, Source, Stack, View},
    scenario::AppClients,
    score::judge,
    system::{Client, Observer, Redundancy, Reply, Request, Running, SharedRunning, SystemError},
    time::{Clock, Nanos},
    workload::{LaneBudget, Load, PlannedLane},
};
use tokio_util::sync::CancellationToken;

use multiplied::{Shape, multiplied};

/// How long each rate is paced.
const PACED: Duration = Duration::from_secs(5);

/// Operations a second of one lane.
const LANE_RATE: u64 = 500;

/// The most memory that judging may take, MiB, however many operations there are.
const PEAK: f64 = 96.0;

/// How many times the sample run's operations are judged: a history, and one ten times as long.
const TIMES: [u64; 2] = [112, 1_120];

/// What ten million operations of any kind may take: seconds, and MiB (400 MB).
const ANY: [f64; 2] = [30.0, 381.0];

/// The variable that makes this program judge one folder, in a process of its own: memory is a process's affair.
const CHILD: &str = "INSTRUMENT_JUDGES";

fn main() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return judge_once(Path::new(&folder));
    }
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut beyond = 0;
    let mut line = |name: &str, value: f64, unit: &str, bar: f64| {
        let state = if value <= bar { "ok" } else { "BEYOND" };
        beyond += u32::from(value > bar);
        println!("{name:<42} {value:>10.3} {unit:<3} bar {bar:>8.3} {state}");
    };
    for (rate, bar) in [(1_000, 1.0), (10_000, 3.0), (50_000, 20.0)] {
        let lateness = runtime.block_on(lateness(rate));
        let name = format!("lateness p99 at {rate} operations/s");
        line(&name, lateness.as_secs_f64() * 1e3, "ms", bar);
    }
    line("history per operation", bytes_per_operation(), "B", 24.0);
    for times in TIMES {
        let [operations, seconds, peak] = judging(times, Shape::Sample);
        let millions = operations / 1e6;
        let name = format!("judging, a million of {millions:.1} million");
        line(&name, seconds / millions, "s", 5.0);
        let name = format!("peak memory, {millions:.1} million operations");
        line(&name, peak, "MiB", PEAK);
    }
    for shape in [Shape::ByTurns, Shape::Down, Shape::EveryOther] {
        let [operations, seconds, peak] = judging(TIMES[1], shape);
        let millions = operations / 1e6;
        line(
            &format!("judging {millions:.1} million, {shape:?}"),
            seconds,
            "s",
            ANY[0],
        );
        line(&format!("peak memory, {shape:?}"), peak, "MiB", ANY[1]);
    }
    std::process::exit(i32::from(beyond > 0));
}

/// How late operations were sent, at the 99th percentile; every one must have been.
async fn lateness(rate: u64) -> Duration {
    let lanes = u16::try_from(rate / LANE_RATE).expect("few lanes");
    let planned = (0..lanes).map(|id| PlannedLane {
        lane: lane(id, Duration::from_nanos(1_000_000_000 / LANE_RATE)),
        budget: LaneBudget(usize::MAX),
    });
    let ops: Arc<Mutex<Vec<Op>>> = Arc::default();
    let kept = ops.clone();
    let running: SharedRunning = Arc::new(Answering);
    let (emitter, _events) = Emitter::new(Clock::start());
    let sink = Box::new(move |heard: Heard| kept.lock().expect("a lock").push(heard.op));
    let load = Load::start(planned.collect(), None, &running, &emitter, sink);
    tokio::time::sleep(PACED).await;
    load.stop().await;
    let ops = ops.lock().expect("a lock");
    let least = rate * PACED.as_secs() * 98 / 100;
    assert!(ops.len() as u64 >= least, "{} of {least}", ops.len());
    let late = |op: &Op| op.sent.map(|sent| sent.since(op.intended));
    let mut late: Vec<Duration> = ops.iter().filter_map(late).collect();
    late.sort_unstable();
    late[late.len() * 99 / 100]
}

/// Bytes on disk of a million operations of eight lanes.
fn bytes_per_operation() -> f64 {
    const COUNT: u64 = 1_000_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("history.arrows");
    let run = RunId::new("20260101t000000", 1);
    let writer = HistoryWriter::create(path.clone(), &run, Redactor::knowing([]));
    let (ops, received) = channel();
    let thread: HistoryThread = writer.expect("a file").follow(received).expect("a thread");
    for number in 0..COUNT {
        let lane = LaneId(u16::try_from(number % 8).expect("small"));
        let op = op(lane, number / 8, Nanos(number * 250_000));
        let heard = Heard {
            op,
            error: None,
            lists: None,
        };
        ops.send(heard).expect("a reader");
    }
    drop(ops);
    thread.join().expect("a whole history");
    fs::metadata(path).expect("a file").len() as f64 / COUNT as f64
}

/// Operations, seconds and peak memory in MiB, as a process says that reads and judges the multiplied sample run.
fn judging(times: u64, shape: Shape) -> [f64; 3] {
    let root = tempfile::tempdir().expect("a folder");
    let folder = multiplied(root.path(), times, shape);
    let this = std::env::current_exe().expect("a program");
    let child = Command::new(this).env(CHILD, folder).output();
    let child = child.expect("a process");
    assert!(child.status.success(), "{child:?}");
    let said = String::from_utf8(child.stdout).expect("text");
    let figures: Vec<f64> = said
        .split_whitespace()
        .map(|it| it.parse().expect("a number"))
        .collect();
    figures.try_into().expect("three figures")
}

/// Judges a run; prints its number of operations, seconds with reading them, and this process's peak memory.
fn judge_once(folder: &Path) {
    let begin = Instant::now();
    let loaded = evidence::load(folder).expect("a run");
    let judgement = judge(&loaded.record, &loaded.history);
    let took = begin.elapsed().as_secs_f64();
    assert!(!judgement.findings.is_empty());
    let status = fs::read_to_string("/proc/self/status").expect("a Linux kernel");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak: f64 = peak.expect("a peak").parse().expect("a number");
    println!("{} {took} {}", loaded.history.count(), peak / 1024.0);
}

fn lane(id: u16, interval: Duration) -> Lane {
    Lane {
        id: LaneId(id),
        name: format!("write-{id}"),
        group: Group::Service,
        access: Access::Write,
        fresh: false,
        reads: None,
        pinned: None,
        shard: None,
        keys: None,
        interval,
        timeout: Duration::from_secs(1),
        objective: None,
    }
}

/// An acknowledged write whose times vary as real ones do.
fn op(lane: LaneId, seq: u64, intended: Nanos) -> Op {
    let jitter = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
    let sent = Nanos(intended.0 + 60_000 + jitter % 90_000);
    Op {
        lane,
        seq,
        intended,
        sent: Some(sent),
        done: Some(Nanos(sent.0 + 400_000 + jitter)),
        outcome: Outcome::Ok,
        error: None,
        node: Some(0),
        version: None,
    }
}

/// A stack whose every operation is answered at once, so that only the instrument's own time is seen.
struct Answering;

struct AnsweringClient;

#[async_trait]
impl Client for AnsweringClient {
    async fn invoke(&mut self, _: Request) -> Reply {
        Reply::written(None)
    }
}

fn none() -> SystemError {
    SystemError::Refused("there is no stack".into())
}

#[async_trait]
impl Running for Answering {
    fn stack(&self) -> &Stack {
        unreachable!("nothing asks for it")
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        Ok(())
    }

    fn client(&self, _: &Lane) -> Box<dyn Client> {
        Box::new(AnsweringClient)
    }

    fn app_client(&self, _: &Lane, _: &AppClients) -> Box<dyn Client> {
        Box::new(AnsweringClient)
    }

    fn observe(&self, _: &Emitter, _: CancellationToken) -> Vec<Observer> {
        Vec::new()
    }

    async fn view(&self, _: &NodeName) -> View {
        unreachable!("nothing asks for it")
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        Err(none())
    }

    async fn redundancy(&self) -> Redundancy {
        Redundancy {
            whole: false,
            evidence: Vec::new(),
        }
    }

    async fn converged(&self) -> Redundancy {
        self.redundancy().await
    }

    async fn final_read(&self, _: &Source) -> Result<Holdings, SystemError> {
        Err(none())
    }

    async fn bring_back(&self, _: &NodeName) -> Result<(), SystemError> {
        Err(none())
    }

    async fn close(&self) {}
}
