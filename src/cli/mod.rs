//! The command line: arguments, wiring, printing, exit codes. Results go to stdout, talk to stderr.

mod arguments;
mod baseline;
mod calibrate;
mod check;
mod chosen;
mod commands;
mod completions;
mod conform;
mod environment;
mod exit;
mod gate;
mod halt;
mod history;
mod hunt;
mod keys;
mod limits;
mod list;
mod machines;
mod matrix;
mod new;
mod notify;
mod output;
mod pdf;
mod plan;
mod prove;
mod prune;
mod quarter;
mod report;
mod run;
mod saying;
mod series;
mod serve;
mod sweep;
mod tags;
mod timestamp;
mod verify;

use std::{panic, process::ExitCode};

use clap::Parser;

use arguments::{Arguments, Command};
use exit::{Exit, Failure};

/// Reads the arguments, does what they ask for, and says how it went.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = panic::catch_unwind(|| dispatch(arguments.command));
    let exit = match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            output::failure(&failure);
            failure.exit
        }
        // The panic hook has said where.
        Err(_) => Exit::Bug,
    };
    exit.into()
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Prove(arguments) => prove::prove(&arguments),
        Command::Hunt(arguments) => hunt::hunt(&arguments),
        Command::Calibrate(arguments) => calibrate::command(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Doctor(arguments) => environment::doctor(&arguments),
        Command::List => Ok(list::list()),
        Command::Images(arguments) => environment::images(&arguments),
        Command::Sweep(arguments) => sweep::sweep(&arguments),
        Command::Conform(arguments) => conform::conform(&arguments),
        Command::Halt(arguments) => halt::halt(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Why(arguments) => report::why(&arguments.folder),
        Command::Gate(arguments) => gate::gate(&arguments),
        Command::Baseline(arguments) => baseline::baseline(&arguments),
        Command::History(arguments) => history::history(&arguments),
        Command::Serve(arguments) => serve::serve(&arguments),
        Command::Verify(arguments) => verify::verify(&arguments),
        Command::Prune(arguments) => prune::prune(&arguments),
        Command::Sign(arguments) => keys::sign(&arguments),
        Command::Timestamp(arguments) => timestamp::timestamp(&arguments),
        Command::Keygen(arguments) => keys::keygen(&arguments),
        Command::Schema(arguments) => Ok(commands::schema(&arguments)),
        Command::Completions(arguments) => Ok(completions::completions(arguments.shell)),
        Command::ReferenceNode(arguments) => commands::reference_node(&arguments.arguments),
    }
}
