//! The arguments of `drdrill reference-node`, which only drdrill itself writes.

use std::{net::IpAddr, time::Duration};

use super::Setup;

/// Reads `--address= --nodes= --detect-ms= --synchronous= --defect=`.
///
/// # Errors
/// The argument that is missing or wrong.
pub fn parse(arguments: &[String]) -> Result<Setup, String> {
    let value = |name: &str| {
        let prefix = format!("--{name}=");
        let found = arguments
            .iter()
            .find_map(|argument| argument.strip_prefix(&prefix));
        found.ok_or_else(|| format!("`--{name}=` is missing"))
    };
    let wrong = |name: &str| format!("`--{name}=` is wrong");
    let address = |text: &str| text.parse::<IpAddr>();
    let nodes: Result<Vec<IpAddr>, _> = value("nodes")?.split(',').map(address).collect();
    Ok(Setup {
        address: address(value("address")?).map_err(|_| wrong("address"))?,
        nodes: nodes.map_err(|_| wrong("nodes"))?,
        detect: Duration::from_millis(
            value("detect-ms")?
                .parse()
                .map_err(|_| wrong("detect-ms"))?,
        ),
        synchronous: value("synchronous")? == "true",
        defect: value("defect")?.parse()?,
    })
}
