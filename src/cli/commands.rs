//! The small commands: schemas, and being a node of the reference store.

use std::path::Path;

use drdrill::{
    scenario::schema::json_schema,
    system::{own, reference::node},
};

use super::{
    arguments::{SchemaArguments, SchemaKind},
    exit::{Exit, Failure},
    output,
};

/// Prints a schema.
pub fn schema(arguments: &SchemaArguments) -> Exit {
    match arguments.which {
        SchemaKind::Scenario => output::result(&format!("{:#}\n", json_schema())),
        SchemaKind::Result => output::result(include_str!("../../schema/result.schema.json")),
        SchemaKind::Client => output::result(&format!("{:#}\n", own::json_schema())),
    }
    Exit::Pass
}

/// Is a node of the reference store until it is killed; keeps its log in the working folder.
///
/// # Errors
/// When the arguments are wrong or its address cannot be had.
pub fn reference_node(arguments: &[String]) -> Result<Exit, Failure> {
    let help = "drdrill starts these nodes itself";
    let setup = node::arguments::parse(arguments)
        .map_err(|message| Failure::new(Exit::Usage, message, help))?;
    let unfit =
        |error: std::io::Error| Failure::new(Exit::EnvironmentUnfit, error.to_string(), help);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unfit)?;
    runtime
        .block_on(node::run(setup, Path::new("log.txt")))
        .map_err(unfit)?;
    Ok(Exit::Pass)
}
