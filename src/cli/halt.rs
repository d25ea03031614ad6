//! `drdrill halt`: stops every drill of this user and of the container engine, and keeps new ones from starting.

use drdrill::{
    local,
    runtime::{docker::Engine, halted},
};

use super::{
    arguments::HaltArguments,
    exit::{Exit, Failure},
    output,
    run::runtime,
};

/// Halts drills, or lets them run again.
///
/// # Errors
/// When the state folder cannot be written, or the engine refuses.
pub fn halt(arguments: &HaltArguments) -> Result<Exit, Failure> {
    let state = local::state_folder()?;
    let host = local::docker_host();
    let unfit = |message: String| {
        Failure::new(
            Exit::EnvironmentUnfit,
            message,
            "look at the folder, or at the engine",
        )
    };
    let here =
        |error: std::io::Error| unfit(format!("failed to write to `{}`: {error}", state.display()));
    let engine = runtime()?.block_on(async {
        let engine = Engine::connect(host.as_deref()).await.ok();
        match (&engine, arguments.lift) {
            (None, _) => Ok(None),
            (Some(engine), true) => engine.lift().await.map(Some),
            (Some(engine), false) => engine.halt(&arguments.reason).await.map(|()| Some(true)),
        }
    });
    // Here in any case: what the engine says of it comes after.
    let was = match arguments.lift {
        true => halted::lift(&state).map_err(here)?,
        false => halted::halt(&state, &arguments.reason)
            .map(|()| true)
            .map_err(here)?,
    };
    let there = engine.map_err(|error| unfit(error.to_string()))?;
    output::result(match (arguments.lift, was || there == Some(true)) {
        (false, _) => {
            "halted: drills heal what they broke and end; new ones do not start until `drdrill halt --lift`\n"
        }
        (true, true) => "lifted: drills may start\n",
        (true, false) => "nothing was halted\n",
    });
    if there.is_none() {
        output::talk("no container engine answers: drills of other users are not told\n");
    }
    Ok(Exit::Pass)
}
