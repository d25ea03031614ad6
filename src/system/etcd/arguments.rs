//! How one etcd member is started; also those beside Patroni.

use std::time::Duration;

use crate::system::roster::Seat;

use super::{PEER_PORT, PORT};

/// The command of the member on a seat among all of them. `heartbeat` and `election` are in whole milliseconds.
pub fn arguments<'a>(
    members: impl Iterator<Item = &'a Seat>,
    seat: &Seat,
    (heartbeat, election): (Duration, Duration),
) -> Vec<String> {
    let cluster: Vec<String> = members
        .map(|seat| format!("{}=http://{}:{PEER_PORT}", seat.name, seat.address.ip()))
        .collect();
    include_str!("files/etcd.args")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            line.replace("@NAME@", seat.name.as_str())
                .replace("@IP@", &seat.address.ip().to_string())
                .replace("@CLIENTS@", &PORT.to_string())
                .replace("@PEERS@", &PEER_PORT.to_string())
                .replace("@CLUSTER@", &cluster.join(","))
                .replace("@HEARTBEAT_MS@", &heartbeat.as_millis().to_string())
                .replace("@ELECTION_MS@", &election.as_millis().to_string())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, record::MemberKind};

    #[test]
    fn a_member_knows_itself_the_others_and_its_timings() {
        let seat = |index: u16| Seat {
            index,
            name: NodeName::new(format!("e{}", index + 1)),
            kind: MemberKind::Data,
            address: format!("10.0.0.{}:2379", index + 1)
                .parse()
                .expect("an address"),
            host: format!("e{}", index + 1),
        };
        let seats = [seat(0), seat(1)];
        let timing = (Duration::from_millis(50), Duration::from_secs(2));
        let words = arguments(seats.iter(), &seats[1], timing);
        assert_eq!(words[0], "/usr/local/bin/etcd");
        for expected in [
            "--name=e2",
            "--advertise-client-urls=http://10.0.0.2:2379",
            "--listen-peer-urls=http://10.0.0.2:2380",
            "--initial-cluster=e1=http://10.0.0.1:2380,e2=http://10.0.0.2:2380",
            "--heartbeat-interval=50",
            "--election-timeout=2000",
        ] {
            assert!(words.iter().any(|word| word == expected), "{words:?}");
        }
        assert!(words.iter().all(|word| !word.contains(['@', '#'])));
    }
}
