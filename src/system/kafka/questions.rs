//! What brokers are asked, and what is read from their answers.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use kafka_protocol::{
    ResponseError,
    messages::{
        AlterPartitionReassignmentsRequest, BrokerId, CreateTopicsRequest, DescribeConfigsRequest,
        DescribeQuorumRequest, ElectLeadersRequest, ListOffsetsRequest, MetadataRequest, TopicName,
        alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
        create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig},
        describe_configs_request::DescribeConfigsResource,
        describe_quorum_request::{PartitionData, TopicData},
        elect_leaders_request::TopicPartitions,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
        metadata_response::MetadataResponseTopic,
    },
    protocol::StrBytes,
};

use super::{element::PARTITION, wire::Wire, wire::ask};

/// Whoever asks any replica where its own log ends (`ListOffsetsRequest.DEBUGGING_REPLICA_ID`).
const DEBUGGER: BrokerId = BrokerId(-2);

/// The offset after a log's last record (`ListOffsetsRequest.LATEST_TIMESTAMP`).
const LATEST: i64 = -1;

/// A broker as a resource with settings (`ConfigResource.Type.BROKER`).
const BROKER: i8 = 4;

/// An election that makes a partition's first replica its leader (`ElectionType.PREFERRED`).
const PREFERRED: i8 = 0;

/// The answer where the preferred replica leads already (`Errors.ELECTION_NOT_NEEDED`).
const ELECTION_NOT_NEEDED: i16 = 84;

/// The answer where a topic is there already (`Errors.TOPIC_ALREADY_EXISTS`).
const TOPIC_EXISTS: i16 = 36;

/// The name of a topic as the protocol has it.
pub fn topic_name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// The words of a broker's error code; none for success.
pub fn error_of(code: i16) -> Option<String> {
    (code != 0).then(|| match ResponseError::try_from_code(code) {
        Some(error) => error.to_string(),
        None => format!("error {code}"),
    })
}

/// What one broker believes of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belief {
    /// The brokers that it takes for alive.
    pub brokers: Vec<i32>,
    /// The leader; none when there is none.
    pub leader: Option<i32>,
    /// The leader's epoch.
    pub epoch: i32,
    /// Who holds a replica.
    pub replicas: Vec<i32>,
    /// Who is in sync.
    pub in_sync: Vec<i32>,
    /// All partitions of its topic.
    pub partitions: Vec<i32>,
    /// Those that nobody leads, or with a replica that is not in sync.
    pub thin: Vec<i32>,
}

/// Asks one broker what it believes of the workload's partition.
pub async fn belief(wire: &mut Wire, topic: &str) -> Result<Belief, String> {
    let wanted = MetadataRequestTopic::default().with_name(Some(topic_name(topic)));
    let question = MetadataRequest::default()
        .with_topics(Some(vec![wanted]))
        .with_allow_auto_topic_creation(false);
    let answer = wire.ask(&question, 12).await.map_err(text)?;
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    let brokers = answer.brokers.iter().map(|broker| broker.node_id.0);
    let topic = answer.topics.first().ok_or("it does not know the topic")?;
    let partition = topic
        .partitions
        .iter()
        .find(|partition| partition.partition_index == PARTITION)
        .ok_or_else(|| error_of(topic.error_code).unwrap_or("it knows no partition".into()))?;
    Ok(Belief {
        brokers: brokers.collect(),
        leader: Some(partition.leader_id.0).filter(|leader| *leader >= 0),
        epoch: partition.leader_epoch,
        replicas: ids(&partition.replica_nodes),
        in_sync: ids(&partition.isr_nodes),
        partitions: topic
            .partitions
            .iter()
            .map(|it| it.partition_index)
            .collect(),
        thin: thin(topic),
    })
}

fn thin(topic: &MetadataResponseTopic) -> Vec<i32> {
    let thin = topic.partitions.iter().filter(|partition| {
        partition.leader_id.0 < 0 || partition.isr_nodes.len() < partition.replica_nodes.len()
    });
    thin.map(|partition| partition.partition_index).collect()
}

/// The end of a broker's own log of the workload's partition.
pub async fn log_end(wire: &mut Wire, topic: &str) -> Result<u64, String> {
    let ends = log_ends(wire, topic, &[PARTITION]).await?;
    let end = ends.get(&PARTITION).copied();
    end.ok_or_else(|| "it knows no partition".into())
}

/// The ends of a broker's own logs, by partition.
pub async fn log_ends(
    wire: &mut Wire,
    topic: &str,
    partitions: &[i32],
) -> Result<BTreeMap<i32, u64>, String> {
    let partition = |index: &i32| {
        ListOffsetsPartition::default()
            .with_partition_index(*index)
            .with_current_leader_epoch(-1)
            .with_timestamp(LATEST)
    };
    let wanted = ListOffsetsTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions.iter().map(partition).collect());
    let question = ListOffsetsRequest::default()
        .with_replica_id(DEBUGGER)
        .with_topics(vec![wanted]);
    let answer = wire.ask(&question, 7).await.map_err(text)?;
    let told = answer.topics.iter().flat_map(|topic| &topic.partitions);
    told.map(|partition| match error_of(partition.error_code) {
        Some(error) => Err(error),
        None => Ok((
            partition.partition_index,
            u64::try_from(partition.offset).map_err(text)?,
        )),
    })
    .collect()
}

/// What the controllers say of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// The active controller.
    pub leader: i32,
    /// Its epoch.
    pub epoch: i32,
    /// Where each voter's log ends.
    pub voters: BTreeMap<i32, i64>,
}

/// Asks the active controller, through any broker or controller, about the quorum.
pub async fn quorum(address: SocketAddr, limit: Duration) -> Result<Quorum, String> {
    let topic = TopicData::default()
        .with_topic_name(topic_name("__cluster_metadata"))
        .with_partitions(vec![PartitionData::default()]);
    let question = DescribeQuorumRequest::default().with_topics(vec![topic]);
    let answer = ask(address, &question, 1, limit).await.map_err(text)?;
    let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    let failed = error_of(answer.error_code);
    let partition = partitions
        .next()
        .ok_or_else(|| failed.unwrap_or("the answer is empty".into()))?;
    match error_of(partition.error_code) {
        Some(error) => Err(error),
        None => Ok(Quorum {
            leader: partition.leader_id.0,
            epoch: partition.leader_epoch,
            voters: partition
                .current_voters
                .iter()
                .map(|voter| (voter.replica_id.0, voter.log_end_offset))
                .collect(),
        }),
    }
}

/// Creates a topic, unless there is one of that name, with a partition for each of these lists: the brokers that its
/// replicas stand on, the first as its leader.
pub async fn create_topic(
    address: SocketAddr,
    topic: &str,
    replicas: &[&[i32]],
    settings: &[(&str, &str)],
    limit: Duration,
) -> Result<(), String> {
    let assignments = (0..).zip(replicas).map(|(index, replicas)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(index)
            .with_broker_ids(replicas.iter().map(|id| BrokerId(*id)).collect())
    });
    let setting = |(name, value): &(&str, &str)| {
        CreatableTopicConfig::default()
            .with_name(StrBytes::from_string((*name).to_owned()))
            .with_value(Some(StrBytes::from_string((*value).to_owned())))
    };
    let topic = CreatableTopic::default()
        .with_name(topic_name(topic))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(assignments.collect())
        .with_configs(settings.iter().map(setting).collect());
    let question = CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(milliseconds(limit));
    let answer = ask(address, &question, 7, limit).await.map_err(text)?;
    let result = answer.topics.first().ok_or("the answer is empty")?;
    if result.error_code == TOPIC_EXISTS {
        return Ok(());
    }
    refused(result.error_code, result.error_message.as_ref())
}

/// Names the partition's replicas anew, in this order; the same ones in another order move nothing.
pub async fn reorder(
    address: SocketAddr,
    topic: &str,
    replicas: &[i32],
    limit: Duration,
) -> Result<(), String> {
    let partition = ReassignablePartition::default()
        .with_partition_index(PARTITION)
        .with_replicas(Some(replicas.iter().map(|id| BrokerId(*id)).collect()));
    let topic = ReassignableTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    let question = AlterPartitionReassignmentsRequest::default()
        .with_timeout_ms(milliseconds(limit))
        .with_topics(vec![topic]);
    let answer = ask(address, &question, 0, limit).await.map_err(text)?;
    refused(answer.error_code, answer.error_message.as_ref())?;
    let mut partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let result = partitions.next().ok_or("the answer is empty")?;
    refused(result.error_code, result.error_message.as_ref())
}

/// Makes the partition's first replica its leader; nothing happens where it leads already.
pub async fn elect_preferred(
    address: SocketAddr,
    topic: &str,
    limit: Duration,
) -> Result<(), String> {
    let partition = TopicPartitions::default()
        .with_topic(topic_name(topic))
        .with_partitions(vec![PARTITION]);
    let question = ElectLeadersRequest::default()
        .with_election_type(PREFERRED)
        .with_topic_partitions(Some(vec![partition]))
        .with_timeout_ms(milliseconds(limit));
    let answer = ask(address, &question, 2, limit).await.map_err(text)?;
    refused(answer.error_code, None)?;
    let mut partitions = answer
        .replica_election_results
        .iter()
        .flat_map(|topic| &topic.partition_result);
    let result = partitions.next().ok_or("the answer is empty")?;
    if result.error_code == ELECTION_NOT_NEEDED {
        return Ok(());
    }
    refused(result.error_code, result.error_message.as_ref())
}

/// The settings that a broker works with.
pub async fn settings(
    address: SocketAddr,
    broker: i32,
    names: &[&str],
    limit: Duration,
) -> Result<BTreeMap<String, String>, String> {
    let names = names
        .iter()
        .map(|name| StrBytes::from_string((*name).to_owned()));
    let resource = DescribeConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(StrBytes::from_string(broker.to_string()))
        .with_configuration_keys(Some(names.collect()));
    let question = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = ask(address, &question, 4, limit).await.map_err(text)?;
    let result = answer.results.first().ok_or("the answer is empty")?;
    refused(result.error_code, result.error_message.as_ref())?;
    let configs = result.configs.iter();
    let pair = |config: &kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult| {
        let value = config.value.as_ref().map(ToString::to_string);
        (config.name.to_string(), value.unwrap_or_default())
    };
    Ok(configs.map(pair).collect())
}

fn refused(code: i16, message: Option<&StrBytes>) -> Result<(), String> {
    match (error_of(code), message) {
        (None, _) => Ok(()),
        (Some(_), Some(message)) if !message.is_empty() => Err(message.to_string()),
        (Some(error), _) => Err(error),
    }
}

fn milliseconds(limit: Duration) -> i32 {
    i32::try_from(limit.as_millis()).unwrap_or(i32::MAX)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::metadata_response::MetadataResponsePartition;

    use super::*;

    #[test]
    fn a_partition_is_thin_without_a_leader_or_with_a_replica_that_is_behind() {
        let partition = |index: i32, leader: i32, in_sync: &[i32]| {
            let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect();
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_leader_id(BrokerId(leader))
                .with_replica_nodes(ids(&[1, 2, 3]))
                .with_isr_nodes(ids(in_sync))
        };
        let topic = MetadataResponseTopic::default().with_partitions(vec![
            partition(0, 1, &[1, 2, 3]),
            partition(1, 2, &[2, 3]),
            partition(2, -1, &[1, 2, 3]),
            partition(3, 3, &[3, 1, 2]),
        ]);
        assert_eq!(thin(&topic), [1, 2]);
    }
}
