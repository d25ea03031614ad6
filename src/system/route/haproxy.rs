//! A proxy on a machine of its own: HAProxy leads to the nodes that say that they are primary.

use std::fmt::Write;

use crate::{
    id::NodeName,
    runtime::{NodeFile, NodeSpec},
    system::{Design, Machinery, Scraped, SystemError, roster::Roster, settings::Values},
};

use super::{Check, alone, filled_in};

/// The route by which clients go through HAProxy.
pub const ROUTE: &str = "haproxy";

/// The image.
pub const IMAGE: &str = "haproxy:3.0";

/// The proxy's node.
pub const NODE: &str = "haproxy1";

/// Where the image expects its configuration.
pub const CONFIG_PATH: &str = "/usr/local/etc/haproxy/haproxy.cfg";

/// Where it answers Prometheus: the port of HAProxy's own documentation.
const METRICS_PORT: u16 = 8405;

/// The proxy of a design, if it has one, as Prometheus asks it.
pub fn machinery(design: &Design) -> Option<Machinery> {
    let proxy = NodeName::new(NODE);
    let stands = design.members.iter().any(|member| member.name == proxy);
    stands.then(|| Machinery {
        job: "haproxy",
        nodes: vec![proxy],
        scraped: Scraped::Itself(METRICS_PORT),
        rules: include_str!("../../../docker/prometheus/rules/haproxy.yaml"),
    })
}

/// The proxy's node.
pub(super) fn specs(
    roster: &Roster,
    image: &str,
    values: Values<'_>,
    check: Check,
) -> Result<Vec<NodeSpec>, SystemError> {
    let text = config(roster, values, check)?;
    let files = vec![NodeFile::text(CONFIG_PATH, 0o644, &text)];
    Ok(vec![alone(NODE, image, Vec::new(), files)])
}

fn config(roster: &Roster, values: Values<'_>, check: Check) -> Result<String, SystemError> {
    let servers = roster.data().fold(String::new(), |mut text, seat| {
        let _ = writeln!(text, "    server {} {} check", seat.name, seat.address);
        text
    });
    let none = || SystemError::Refused("a proxy cannot ask this system's nodes".into());
    let dialogue = check.dialogue.ok_or_else(none)?;
    let interval = values.duration("check-interval")?.as_millis();
    let words = [
        ("@PORT@", check.port.to_string()),
        ("@INTER@", format!("{interval}ms")),
        ("@FALL@", values.count("check-fall")?.to_string()),
        ("@RISE@", values.count("check-rise")?.to_string()),
        ("@DIALOGUE@", dialogue.replace('\n', "\n    ")),
        ("@SERVERS@", servers.trim_end().to_owned()),
    ];
    Ok(filled_in(include_str!("haproxy.cfg"), &words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        record::{Member, MemberKind},
        scenario::SystemSpec,
        system::{route::Kind, settings::filled},
    };

    #[test]
    fn the_proxy_asks_every_node_and_a_system_that_it_cannot_ask_is_refused() {
        let member = Member {
            name: NodeName::new("r1"),
            kind: MemberKind::Data,
            address: "10.0.0.1:6379".into(),
            host: "r1".into(),
            image: String::new(),
        };
        let roster = Roster::new(&[member]).expect("an address");
        let settings = filled(&Kind::HaProxy.settings(), &SystemSpec::default());
        let check = Check {
            script: "",
            dialogue: Some("tcp-check send ROLE\\r\\n\ntcp-check expect string master"),
            port: 6379,
        };
        let specs = specs(&roster, "image", Values(&settings), check).expect("a node");
        let text = String::from_utf8(specs[0].files[0].bytes.clone()).expect("text");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for line in [
            "bind :6379",
            "default-server inter 1000ms fall 2 rise 1 on-marked-down shutdown-sessions",
            r"tcp-check send ROLE\r\n",
            "tcp-check expect string master",
            "server r1 10.0.0.1:6379 check",
        ] {
            assert!(lines.contains(&line), "{line}: {text}");
        }
        assert!(!text.contains('@'), "{text}");
        let blind = Check {
            dialogue: None,
            ..check
        };
        assert!(super::specs(&roster, "image", Values(&settings), blind).is_err());
    }
}
