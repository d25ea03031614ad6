//! `drdrill calibrate`: known truths are planted, and what drdrill measures is compared with them.

use std::time::Duration;

use drdrill::{
    calibrate::{Field, Level, calibrate},
    drill::Stop,
    local,
    report::calibration,
    runtime::facts::machine_facts,
    seed::Seed,
    session::Host,
    time::{Clock, Nanos},
    truth::{Acceptance, Calibration},
};

use super::{
    arguments::CalibrateArguments,
    exit::{Exit, Failure},
    output, run, sweep,
};

/// How long `--quick` may take.
const QUICK: Duration = Duration::from_secs(60);

/// How long a drill of `--quick` takes, with some room.
const DRILL: Duration = Duration::from_secs(25);

/// Runs the levels, prints their lines; the worst line is the exit code.
///
/// # Errors
/// When threads cannot be started.
pub fn command(arguments: &CalibrateArguments) -> Result<Exit, Failure> {
    let seed = arguments.seed.map_or_else(Seed::random, Seed);
    let levels = if arguments.quick {
        Level::QUICK.to_vec()
    } else if arguments.levels.is_empty() {
        Level::ALL.to_vec()
    } else {
        arguments.levels.clone()
    };
    let clock = Clock::start();
    let host = local::host()?;
    let whole = run::for_drills()?.block_on(async {
        let field = Here {
            host,
            stop: Stop::default(),
            clock,
            until: arguments.quick.then(|| clock.now().after(QUICK)),
        };
        let listening = tokio::spawn(run::listen(field.stop.clone()));
        sweep::before_a_run(&field.host).await;
        let lines = calibrate(&levels, &field, seed).await;
        listening.abort();
        (lines, field.stop.wished())
    });
    let (lines, interrupted) = whole;
    let whole = Calibration {
        drdrill: env!("CARGO_PKG_VERSION").into(),
        seed,
        machine: machine_facts(),
        lines,
        seconds: clock.now().seconds(),
    };
    if arguments.json {
        output::result(&format!("{:#}\n", serde_json::json!(whole)));
    } else {
        output::result(&calibration(&whole, output::style()));
    }
    Ok(match whole.state() {
        _ if interrupted => Exit::Interrupted,
        Acceptance::Accepted => Exit::Pass,
        Acceptance::Undecided => Exit::Inconclusive,
        Acceptance::Rejected => Exit::TargetMissed,
    })
}

/// This machine.
struct Here {
    host: Host,
    stop: Stop,
    clock: Clock,
    /// When it must have ended.
    until: Option<Nanos>,
}

impl Field for Here {
    fn host(&self) -> &Host {
        &self.host
    }

    fn stop(&self) -> Stop {
        self.stop.clone()
    }

    fn again(&self, drills: u32) -> bool {
        let time = self
            .until
            .is_none_or(|until| self.clock.now().after(DRILL * drills) < until);
        if !time {
            output::talk(
                "no time for it once more within a minute; `drdrill calibrate --level` takes it\n",
            );
        }
        time && !self.stop.wished()
    }

    fn say(&self, text: &str) {
        output::talk(&format!("{text}\n"));
    }
}
