//! HAProxy in front of Patroni: its configuration, and which servers it says are up.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use crate::{
    record::MemberKind,
    system::{
        http, proxied,
        roster::{Roster, Seat},
        route::keepalived,
    },
};

use super::shape::Timings;

/// Where clients reach the primary.
pub const PRIMARY_PORT: u16 = 5000;

/// Where clients reach the replicas.
const REPLICAS_PORT: u16 = 5001;

/// Where its statistics are.
const STATS_PORT: u16 = 7000;

/// Where Patroni answers the checks.
pub const CHECK_PORT: u16 = 8008;

/// How long a check may take: what Patroni's nodes give each other in the race for the lead.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the image expects its configuration.
pub const CONFIG_PATH: &str = "/usr/local/etc/haproxy/haproxy.cfg";

/// The longest wait for the statistics.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The configuration for these nodes.
pub fn config(roster: &Roster, timings: Timings) -> String {
    let servers = roster.data().fold(String::new(), |mut text, seat| {
        let _ = writeln!(
            text,
            "    server {} {} check port {CHECK_PORT}",
            seat.name, seat.address
        );
        text
    });
    let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
    include_str!("files/haproxy.cfg")
        .lines()
        .map(|line| match line {
            "@SERVERS@" => servers.clone(),
            _ => format!("{line}\n"),
        })
        .collect::<String>()
        .replace("@INTER@", &milliseconds(timings.inter))
        .replace("@FALL@", &timings.fall.to_string())
        .replace("@RISE@", &timings.rise.to_string())
        .replace("@CHECK_TIMEOUT@", &milliseconds(CHECK_TIMEOUT))
}

/// The proxy of a stack. Toxiproxy is another one, which chooses nobody; Keepalived is none.
pub fn seat(roster: &Roster) -> Option<&Seat> {
    let mut routes = roster.of(MemberKind::Route);
    routes.find(|seat| !proxied::is_server(&seat.name) && !keepalived::is_agent(&seat.name))
}

/// Where reads go when they are apart from writes.
pub fn readers(roster: &Roster) -> Option<SocketAddr> {
    seat(roster).map(|proxy| SocketAddr::new(proxy.address.ip(), REPLICAS_PORT))
}

/// The servers that are up, by backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Up {
    /// Those that the primary's port leads to.
    pub primary: Vec<String>,
    /// Those that the replicas' port leads to.
    pub replicas: Vec<String>,
}

/// Asks the proxy which servers are up.
///
/// # Errors
/// When it does not answer.
pub async fn up(proxy: &Seat) -> Result<Up, String> {
    let address = SocketAddr::new(proxy.address.ip(), STATS_PORT);
    let answer = http::get(address, "/;csv", ASK_LIMIT).await?;
    parse(&answer.body).ok_or_else(|| "HAProxy's statistics are unreadable".into())
}

fn parse(csv: &str) -> Option<Up> {
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next()?.trim_start_matches("# ").split(',').collect();
    let column = |name: &str| head.iter().position(|head| *head == name);
    let (backend, server, status) = (column("pxname")?, column("svname")?, column("status")?);
    let mut up = Up::default();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
        let name = cell(server);
        // `UP 1/3` is going down and still takes connections.
        if !cell(status).starts_with("UP") || matches!(name, "FRONTEND" | "BACKEND") {
            continue;
        }
        match cell(backend) {
            "primary" => up.primary.push(name.to_owned()),
            "replicas" => up.replicas.push(name.to_owned()),
            _ => {}
        }
    }
    Some(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_are_up_are_read_from_the_statistics() {
        let csv = "# pxname,svname,qcur,status,weight\n\
            stats,FRONTEND,,OPEN,\nprimary,FRONTEND,,OPEN,\nprimary,pg1,0,DOWN,1\nprimary,pg2,0,UP 1/3,1\n\
            primary,BACKEND,0,UP,1\nreplicas,pg1,0,UP,1\nreplicas,pg3,0,DOWN 1/2,1\n";
        let expected = Up {
            primary: vec!["pg2".into()],
            replicas: vec!["pg1".into()],
        };
        assert_eq!(parse(csv), Some(expected));
        assert_eq!(parse("<html>"), None);
    }
}
