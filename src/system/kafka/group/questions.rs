//! What brokers are asked of a group and of its topic's partitions.

use std::{net::SocketAddr, time::Duration};

use kafka_protocol::{
    messages::{
        BrokerId, CreatePartitionsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId,
        MetadataRequest,
        create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic},
        metadata_request::MetadataRequestTopic,
    },
    protocol::StrBytes,
};

use super::super::{
    questions::{error_of, topic_name},
    wire::ask,
};

/// The state of a group whose members all have what they were given.
const STABLE: &str = "Stable";

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Gives a topic more partitions: the replicas of each new one, its first leader first.
pub async fn add_partitions(
    address: SocketAddr,
    topic: &str,
    replicas: &[Vec<i32>],
    limit: Duration,
) -> Result<(), String> {
    let assignment = |ids: &Vec<i32>| {
        let ids = ids.iter().map(|id| BrokerId(*id)).collect();
        CreatePartitionsAssignment::default().with_broker_ids(ids)
    };
    let count = i32::try_from(replicas.len() + 1).map_err(|error| error.to_string())?;
    let topic = CreatePartitionsTopic::default()
        .with_name(topic_name(topic))
        .with_count(count)
        .with_assignments(Some(replicas.iter().map(assignment).collect()));
    let question = CreatePartitionsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(i32::try_from(limit.as_millis()).unwrap_or(i32::MAX));
    let answer = ask(address, &question, 3, limit).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let result = answer.results.first().ok_or("the answer is empty")?;
    match error_of(result.error_code) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// How many partitions of a topic a broker knows to be led.
pub async fn led(address: SocketAddr, topic: &str, limit: Duration) -> Result<usize, String> {
    let wanted = MetadataRequestTopic::default().with_name(Some(topic_name(topic)));
    let question = MetadataRequest::default()
        .with_topics(Some(vec![wanted]))
        .with_allow_auto_topic_creation(false);
    let answer = ask(address, &question, 12, limit).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    Ok(partitions.filter(|it| it.leader_id.0 >= 0).count())
}

/// The broker that coordinates a group, by any broker's word.
pub async fn coordinator(address: SocketAddr, group: &str, limit: Duration) -> Result<i32, String> {
    let question = FindCoordinatorRequest::default().with_key(text(group));
    let answer = ask(address, &question, 3, limit).await;
    let answer = answer.map_err(|error| error.to_string())?;
    match error_of(answer.error_code) {
        None => Ok(answer.node_id.0),
        Some(error) => Err(error),
    }
}

/// What a coordinator says of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether all members have what they were given.
    pub stable: bool,
    /// The members that it counts, by the names that they give themselves.
    pub members: Vec<String>,
}

/// Asks a group's coordinator for its members.
pub async fn told(address: SocketAddr, group: &str, limit: Duration) -> Result<Told, String> {
    let question = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(group))]);
    let answer = ask(address, &question, 5, limit).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let group = answer.groups.first().ok_or("the answer is empty")?;
    if let Some(error) = error_of(group.error_code) {
        return Err(error);
    }
    let mut members: Vec<String> = group
        .members
        .iter()
        .map(|member| member.client_id.to_string())
        .collect();
    members.sort();
    Ok(Told {
        stable: group.group_state.as_str() == STABLE,
        members,
    })
}
