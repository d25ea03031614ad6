//! A proxy on a machine of its own that asks nobody: an operator writes the new primary into Nginx's configuration and has it
//! read again.

use std::time::Duration;

use crate::{
    id::NodeName,
    runtime::{NodeFile, NodeSpec, Runtime},
    system::{
        SystemError,
        roster::{Roster, Seat},
    },
};

use super::{Check, alone, filled_in};

/// The route by which clients go through Nginx.
pub const ROUTE: &str = "nginx";

/// The image, of the newest stable version that Debian has too.
pub const IMAGE: &str = "nginx:1.26";

/// The proxy's node.
pub const NODE: &str = "nginx1";

/// Where it is told where to lead.
pub const CONFIG_PATH: &str = "/drdrill/nginx.conf";

/// How long reading the configuration again may take.
const TELL_LIMIT: Duration = Duration::from_secs(10);

/// The proxy's node; it leads to the first one that holds data.
pub(super) fn specs(
    roster: &Roster,
    image: &str,
    check: Check,
) -> Result<Vec<NodeSpec>, SystemError> {
    let none = || SystemError::Refused("there is no data node".into());
    let first = roster.data().next().ok_or_else(none)?;
    let entrypoint = command(&["-g", "daemon off;"]);
    Ok(vec![alone(
        NODE,
        image,
        entrypoint,
        vec![config(first, check)],
    )])
}

/// Leads it to this node: connections of before end within 10 s (`worker_shutdown_timeout`).
pub(super) async fn lead_to(
    seat: &Seat,
    check: Check,
    runtime: &dyn Runtime,
) -> Result<(), SystemError> {
    let node = NodeName::new(NODE);
    runtime.upload(&node, &[config(seat, check)]).await?;
    let reload = command(&["-s", "reload"]);
    let reload: Vec<&str> = reload.iter().map(String::as_str).collect();
    let told = runtime.exec(&node, &reload, TELL_LIMIT).await?;
    if told.code == 0 {
        return Ok(());
    }
    let words = format!(
        "Nginx did not read its configuration: {}",
        told.stderr.trim()
    );
    Err(SystemError::Refused(words))
}

fn command(words: &[&str]) -> Vec<String> {
    let first = ["nginx", "-c", CONFIG_PATH].into_iter();
    first
        .chain(words.iter().copied())
        .map(str::to_owned)
        .collect()
}

fn config(seat: &Seat, check: Check) -> NodeFile {
    let words = [
        ("@PORT@", check.port.to_string()),
        ("@SERVER@", seat.address.to_string()),
    ];
    let text = filled_in(include_str!("nginx.conf"), &words);
    NodeFile::text(CONFIG_PATH, 0o644, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Member, MemberKind};

    #[test]
    fn it_leads_to_one_server() {
        let member = Member {
            name: NodeName::new("r1"),
            kind: MemberKind::Data,
            address: "10.0.0.1:6379".into(),
            host: "r1".into(),
            image: String::new(),
        };
        let roster = Roster::new(&[member]).expect("an address");
        let check = Check {
            script: "",
            dialogue: None,
            port: 6379,
        };
        let specs = specs(&roster, "image", check).expect("a node");
        let text = String::from_utf8(specs[0].files[0].bytes.clone()).expect("text");
        assert!(text.contains("listen 6379;\n"), "{text}");
        assert!(text.contains("proxy_pass 10.0.0.1:6379;\n"), "{text}");
        assert!(!text.contains('@'), "{text}");
    }
}
