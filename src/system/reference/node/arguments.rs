//! The arguments of `drdrill reference-node`, which only drdrill itself writes.

use std::{net::IpAddr, time::Duration};

use super::Setup;

/// Reads `--address= --nodes= --detect-ms= --synchronous= --service-ms= --defect= --clock-ahead-ms= --keeps=`.
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
    let time = |name: &str| {
        let parsed = value(name)?.parse().map(Duration::from_millis);
        parsed.map_err(|_| wrong(name))
    };
    Ok(Setup {
        address: address(value("address")?).map_err(|_| wrong("address"))?,
        nodes: nodes.map_err(|_| wrong("nodes"))?,
        detect: time("detect-ms")?,
        synchronous: value("synchronous")? == "true",
        service_time: time("service-ms")?,
        defect: value("defect")?.parse()?,
        clock_ahead: time("clock-ahead-ms")?,
        keeps: value("keeps")? == "true",
    })
}
