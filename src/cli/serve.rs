//! `drdrill serve`: a reports folder as a local page, until Ctrl-C.

use drdrill::{
    report::view::text::plural,
    serve::{self as page, Page},
};

use super::{
    arguments::ServeArguments,
    exit::{Exit, Failure},
    history::runs_of,
    output,
    run::runtime,
};

/// Serves the page until it is interrupted.
///
/// # Errors
/// When the folder cannot be read or the address cannot be had.
pub fn serve(arguments: &ServeArguments) -> Result<Exit, Failure> {
    let found = runs_of(&arguments.reports)?;
    let unfit = |error: std::io::Error| {
        Failure::new(
            Exit::EnvironmentUnfit,
            format!("failed to listen on {}: {error}", arguments.listen),
            "name another address with --listen",
        )
    };
    runtime()?.block_on(async {
        let listener = page::listen(arguments.listen).await.map_err(unfit)?;
        let address = listener.local_addr().map_err(unfit)?;
        if !address.ip().is_loopback() {
            output::talk("warning: everyone who can reach this address can read these reports\n");
        }
        output::talk(&format!(
            "{} at http://{address}/ until Ctrl-C\n",
            plural(found.runs.len() as u64, "run")
        ));
        let stop = async {
            // Without signals there is still the way to kill it.
            let _ = tokio::signal::ctrl_c().await;
        };
        Page::new(found)
            .serve(listener, stop)
            .await
            .map_err(unfit)?;
        Ok(Exit::Pass)
    })
}
