//! Reads the settings back from every member of a sharded cluster.

use std::time::Duration;

use futures_util::future::try_join_all;
use mongodb::bson::{Document, doc};

use crate::{
    record::Setting,
    system::{
        SystemError,
        mongodb::{
            deploy::command,
            effective::{CONFIGURATION, OFFSET, clients, connections, text, version},
            wire::number,
        },
        roster::Seat,
    },
};

use super::{super::bounds::Timeouts, bounds::sharded, running::ShardedStack};

/// A member with its settings.
type Read<'a> = (&'a Seat, Document);

/// Fills in the version, the settings of every member that is no router, and the bounds.
pub async fn read_back(stack: &mut ShardedStack) -> Result<(), SystemError> {
    let sets = stack.sets();
    let seats = sets.iter().flat_map(|set| &set.seats);
    let read: Vec<Read<'_>> = try_join_all(seats.map(settings)).await?;
    let mut effective = Vec::new();
    for (name, unit) in CONFIGURATION {
        effective.extend(told(name, unit, "replSetGetConfig", &read));
    }
    effective.extend(told(OFFSET, "", "getParameter", &read));
    effective.extend(clients(stack.concern));
    let heartbeat = agreed("heartbeatIntervalMillis", &read)?;
    let bounds = sharded(&Timeouts {
        election: agreed("electionTimeoutMillis", &read)?,
        heartbeat,
        lost: agreed("heartbeatTimeoutSecs", &read)? * 1000,
    });
    let first = stack.roster.named(&stack.stack.primary)?.address;
    let server = version(&said(first, doc! { "buildInfo": 1 }).await?);
    stack.stack.server = server;
    stack.stack.bounds = bounds;
    stack.stack.phase_ns = u64::try_from(heartbeat.as_nanos()).unwrap_or(0);
    stack.stack.effective = effective;
    Ok(())
}

/// The connections that the router with the fewest takes.
pub async fn connection_limit(routers: &[Seat]) -> Result<Option<u32>, SystemError> {
    let asked = routers
        .iter()
        .map(|seat| said(seat.address, doc! { "serverStatus": 1, "metrics": 0 }));
    let answers = try_join_all(asked).await?;
    Ok(answers.iter().filter_map(connections).min())
}

async fn said(address: std::net::SocketAddr, question: Document) -> Result<Document, SystemError> {
    let refused =
        |words| SystemError::Refused(format!("failed to read the settings back: {words}"));
    command(address, question).await.map_err(refused)
}

async fn settings(seat: &Seat) -> Result<Read<'_>, SystemError> {
    let answer = said(seat.address, doc! { "replSetGetConfig": 1 }).await?;
    let settings = answer
        .get_document("config")
        .and_then(|config| config.get_document("settings"));
    let mut settings = settings.cloned().unwrap_or_default();
    let parameter = said(seat.address, doc! { "getParameter": 1, OFFSET: 1 }).await;
    if let Some(value) = parameter.ok().as_ref().and_then(|all| all.get(OFFSET)) {
        settings.insert(OFFSET, value.clone());
    }
    Ok((seat, settings))
}

/// One setting of all members, once if they agree. A server that has no such setting says nothing.
fn told(name: &str, unit: &str, question: &str, read: &[Read<'_>]) -> Vec<Setting> {
    let setting = |values: &Document, who: &str| {
        values.get(name).map(|value| Setting {
            name: name.to_owned(),
            value: format!("{}{unit}", text(value)),
            source: format!("{who}: {question}"),
        })
    };
    let first = read.first().and_then(|(_, values)| values.get(name));
    if read.iter().all(|(_, values)| values.get(name) == first) {
        let who = format!("all {} members", read.len());
        let values = read.first().map(|(_, values)| values);
        return values
            .and_then(|values| setting(values, &who))
            .into_iter()
            .collect();
    }
    let each = read.iter();
    each.filter_map(|(seat, values)| setting(values, seat.name.as_str()))
        .collect()
}

/// They were all started with one value, so a difference is an error.
fn agreed(name: &str, read: &[Read<'_>]) -> Result<Duration, SystemError> {
    let mut values = read.iter().map(|(_, values)| number(values, name));
    let first = values.next().flatten();
    match first.and_then(|value| u64::try_from(value).ok()) {
        Some(milliseconds) if values.all(|value| value == first) => {
            Ok(Duration::from_millis(milliseconds))
        }
        _ => Err(SystemError::Refused(format!(
            "the members do not agree on `{name}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, record::MemberKind};

    #[test]
    fn a_setting_is_told_once_where_members_agree_and_of_each_where_they_do_not() {
        let seat = |name: &str| Seat {
            index: 0,
            name: NodeName::new(name),
            kind: MemberKind::Data,
            address: ([10, 0, 0, 2], 27017).into(),
            host: name.into(),
        };
        let (one, other) = (seat("m1"), seat("m2"));
        let value = |milliseconds: i32| doc! { "electionTimeoutMillis": milliseconds };
        let name = "electionTimeoutMillis";
        let same = [(&one, value(2_000)), (&other, value(2_000))];
        let said = told(name, " ms", "replSetGetConfig", &same);
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].value, "2000 ms");
        assert_eq!(said[0].source, "all 2 members: replSetGetConfig");
        assert_eq!(agreed(name, &same), Ok(Duration::from_secs(2)));
        let different = [(&one, value(2_000)), (&other, value(3_000))];
        assert_eq!(told(name, " ms", "replSetGetConfig", &different).len(), 2);
        assert!(agreed(name, &different).is_err());
        assert!(agreed("heartbeatIntervalMillis", &same).is_err());
    }
}
