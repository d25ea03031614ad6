//! `drdrill conform`: whether a client program of one's own speaks the protocol.

use std::{collections::BTreeMap, env, fmt::Write};

use drdrill::{
    id::RunId,
    system::{
        Logins,
        own::conform::{Tried, conform as tried},
    },
};

use super::{
    arguments::ConformArguments,
    exit::{Exit, Failure},
    output,
    run::runtime,
};

/// Tries a program on a store, and prints what it does and does not.
///
/// # Errors
/// When it cannot be started.
pub fn conform(arguments: &ConformArguments) -> Result<Exit, Failure> {
    let nodes: BTreeMap<String, String> = arguments.nodes.iter().cloned().collect();
    let run = RunId::new("conform00000000", std::process::id());
    let logins = Logins {
        data: env::var("DRDRILL_LOGIN").ok(),
        control: env::var("DRDRILL_CONTROL_LOGIN").ok(),
    };
    let all = runtime()?.block_on(tried(&arguments.program, &nodes, run, &logins));
    let all = all.map_err(|error| {
        let program = arguments.program.join(" ");
        let message = format!("failed to start `{program}`: {error}");
        Failure::new(
            Exit::Usage,
            message,
            "name a program that can be run from here",
        )
    })?;
    output::result(&page(&all));
    Ok(match all.iter().all(|one| one.seen.is_ok()) {
        true => Exit::Pass,
        false => Exit::TargetMissed,
    })
}

fn page(all: &[Tried]) -> String {
    let mut text = String::new();
    for one in all {
        let (mark, said) = match &one.seen {
            Ok(said) => ("ok", said),
            Err(why) => ("NOT", why),
        };
        let _ = writeln!(text, "  {mark:<4} {:<52} {said}", one.what);
    }
    let bad = all.iter().filter(|one| one.seen.is_err()).count();
    let _ = match bad {
        0 => writeln!(text, "It can be drilled with."),
        bad => writeln!(
            text,
            "{bad} of {} are not as a drill needs them.",
            all.len()
        ),
    };
    text
}
