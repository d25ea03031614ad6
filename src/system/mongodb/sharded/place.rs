//! Which documents lie in which shard, and the commands by which a cluster is told so.

use mongodb::bson::{Document, doc};

use crate::system::mongodb::{
    client::DATABASE,
    element::{Collection, Elements, SHARD},
    set::ReplicaSet,
};

/// The documents of a shard (from 1): from the first key on, and before the second.
pub fn range(shard: u16) -> (Document, Document) {
    let number = i32::from(shard);
    (doc! { SHARD: number }, doc! { SHARD: number + 1 })
}

/// What makes a cluster of these shards, each a zone of its own, between which nothing is moved.
pub fn members(shards: &[ReplicaSet]) -> Vec<Document> {
    let addresses = |set: &ReplicaSet| {
        let each = set.seats.iter().map(|seat| seat.address.to_string());
        format!("{}/{}", set.name, each.collect::<Vec<_>>().join(","))
    };
    let added = shards
        .iter()
        .map(|set| doc! { "addShard": addresses(set), "name": &set.name });
    let zoned = shards
        .iter()
        .map(|set| doc! { "addShardToZone": &set.name, "zone": &set.name });
    added
        .chain([doc! { "balancerStop": 1 }])
        .chain(zoned)
        .collect()
}

/// What spreads a run's collections. They are empty and have their zones before they are sharded, so that each zone's
/// chunk is made in its shard, and none has to be moved there.
pub fn collections(shards: &[ReplicaSet], elements: &Elements) -> Vec<Document> {
    let first = shards.first().map_or("", |set| set.name.as_str());
    let mut commands = vec![doc! { "enableSharding": DATABASE, "primaryShard": first }];
    for collection in [Collection::Appends, Collection::Pins, Collection::Ready] {
        let namespace = format!("{DATABASE}.{}", elements.collection(collection));
        for (number, set) in (1..).zip(shards) {
            let (min, max) = range(number);
            commands.push(doc! {
                "updateZoneKeyRange": &namespace, "min": min, "max": max, "zone": &set.name,
            });
        }
        commands.push(doc! { "shardCollection": namespace, "key": { SHARD: 1 } });
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{LaneId, NodeName, RunId},
        record::MemberKind,
        system::roster::Seat,
    };

    fn elements() -> Elements {
        Elements::new(RunId::new("20261121t081500", 7))
    }

    fn shards() -> Vec<ReplicaSet> {
        let seat = |index: u16| Seat {
            index,
            name: NodeName::new(format!("m{}", index + 1)),
            kind: MemberKind::Data,
            address: format!("10.0.0.{}:27017", index + 2)
                .parse()
                .expect("an address"),
            host: String::new(),
        };
        let set =
            |name: &str, first: u16| ReplicaSet::new(name, (first..first + 3).map(seat).collect());
        vec![set("drdrill-1", 0), set("drdrill-2", 3)]
    }

    /// The shards whose range holds a document.
    fn holders(document: &Document) -> Vec<u16> {
        let key = |document: &Document| document.get_i32(SHARD).expect("a shard key");
        let within = |shard: &u16| {
            let (min, max) = range(*shard);
            (key(&min)..key(&max)).contains(&key(document))
        };
        (1..=9).filter(within).collect()
    }

    #[test]
    fn a_lanes_documents_lie_in_its_own_shard_and_in_no_other() {
        for (lane, shard) in (0..12).zip((1..=3).cycle()) {
            let own = elements().in_shard(Some(shard));
            let document = own.append(LaneId(lane), 41);
            assert_eq!(holders(&document), [shard], "lane {lane}");
            let asked = own.of_lane(LaneId(lane));
            assert!(
                asked
                    .iter()
                    .all(|(key, value)| document.get(key) == Some(value))
            );
        }
    }

    #[test]
    fn shards_are_added_and_nothing_moves_before_a_collection_is_spread() {
        let first = |commands: Vec<Document>| -> Vec<String> {
            let keys = commands.iter().filter_map(|command| command.keys().next());
            keys.cloned().collect()
        };
        let cluster = members(&shards());
        assert_eq!(
            cluster[0].get_str("addShard").ok(),
            Some("drdrill-1/10.0.0.2:27017,10.0.0.3:27017,10.0.0.4:27017")
        );
        let expected = [
            "addShard",
            "addShard",
            "balancerStop",
            "addShardToZone",
            "addShardToZone",
        ];
        assert_eq!(first(cluster), expected);
        let spread = collections(&shards(), &elements());
        let zone = |command: &Document| command.get_str("zone").unwrap_or_default().to_owned();
        assert_eq!(
            [zone(&spread[1]), zone(&spread[2])],
            ["drdrill-1", "drdrill-2"]
        );
        let each = [
            "updateZoneKeyRange",
            "updateZoneKeyRange",
            "shardCollection",
        ];
        assert_eq!(
            first(spread),
            [&["enableSharding"][..], &each, &each, &each].concat()
        );
    }

    #[test]
    fn a_stacks_documents_without_shards_have_no_shard_key() {
        assert!(!elements().append(LaneId(0), 0).contains_key(SHARD));
    }
}
