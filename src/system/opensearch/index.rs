//! The index of a run: made at the node that is to hold its primary, then copied to the others.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use crate::{
    id::NodeName,
    system::{SystemError, settings::Values},
};

use super::{
    api::{Question, ask},
    element::Elements,
};

/// What the index is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Copies beside the primary.
    pub replicas: u64,
    /// How many copies there must be before a write begins: a number, or `all`.
    pub wait_for: String,
    /// How soon a search sees what was written.
    pub refresh: Duration,
}

impl Shape {
    /// As a scenario says.
    ///
    /// # Errors
    /// When a value cannot be read; the scenario's check refuses such a file before.
    pub fn of(values: Values<'_>) -> Result<Self, SystemError> {
        let replicas = values.count("replicas")?;
        let wait_for = match values.word("wait-for-active-shards") {
            "majority" => (replicas.div_ceil(2) + 1).to_string(),
            word => word.to_owned(),
        };
        Ok(Self {
            replicas,
            wait_for,
            refresh: values.duration("refresh-interval")?,
        })
    }

    /// Copies, the primary among them.
    pub fn copies(&self) -> usize {
        usize::try_from(self.replicas + 1).unwrap_or(usize::MAX)
    }

    fn body(&self, primary: &NodeName) -> Value {
        json!({
            "settings": { "index": {
                "number_of_shards": 1,
                "number_of_replicas": 0,
                "write.wait_for_active_shards": self.wait_for,
                "refresh_interval": format!("{}ms", self.refresh.as_millis()),
                "routing.allocation.require._name": primary.as_str(),
            } },
            "mappings": Elements::mapping(),
        })
    }

    fn spread(&self) -> Value {
        json!({ "index": {
            "number_of_replicas": self.replicas,
            "routing.allocation.require._name": null,
        } })
    }
}

/// Makes the index with its primary on this node, then lets copies be made. A repeat finds it there.
///
/// # Errors
/// Why the node that was asked refuses.
pub async fn create(
    address: SocketAddr,
    elements: &Elements,
    shape: &Shape,
    primary: &NodeName,
    limit: Duration,
) -> Result<(), String> {
    let index = elements.index();
    let there = Question::get(format!("/{index}/_settings"));
    if ask(address, &there, limit).await.is_err() {
        // The answer waits for the primary. With more copies asked for than there are yet it would wait for ever.
        let path = format!("/{index}?wait_for_active_shards=1");
        ask(
            address,
            &Question::with("PUT", path, &shape.body(primary)),
            limit,
        )
        .await?;
    }
    let health = format!("/_cluster/health/{index}?wait_for_status=yellow&timeout=1s");
    let health = ask(address, &Question::get(health), limit).await?;
    if health["active_primary_shards"] != 1 {
        return Err("the index has no primary yet".into());
    }
    let spread = Question::with("PUT", format!("/{index}/_settings"), &shape.spread());
    ask(address, &spread, limit).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_majority_is_more_than_half_of_all_copies() {
        let wait_for = |replicas: &str, word: &str| {
            let values = BTreeMap::from([
                ("replicas", replicas.to_owned()),
                ("wait-for-active-shards", word.to_owned()),
                ("refresh-interval", "1s".to_owned()),
            ]);
            Shape::of(Values(&values)).expect("a shape").wait_for
        };
        assert_eq!(wait_for("2", "majority"), "2");
        assert_eq!(wait_for("1", "majority"), "2");
        assert_eq!(wait_for("0", "majority"), "1");
        assert_eq!(wait_for("2", "1"), "1");
        assert_eq!(wait_for("2", "all"), "all");
    }
}
