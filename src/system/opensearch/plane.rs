//! The elected cluster manager, for steps that choose its node.

use async_trait::async_trait;

use crate::system::{ControlPlane, SystemError, roster::sole};

use super::running::OpenSearchStack;

#[async_trait]
impl ControlPlane for OpenSearchStack {
    async fn leader_host(&self) -> Result<String, SystemError> {
        let statuses = self.statuses().await;
        let says = statuses.iter().filter(|(seat, status)| {
            let manager = status.as_ref().and_then(|status| status.manager.as_deref());
            manager == Some(seat.name.as_str())
        });
        let name = sole(says.map(|(seat, _)| &seat.name))
            .map_err(|error| SystemError::Refused(format!("no one cluster manager: {error}")))?;
        Ok(self.roster.named(&name)?.host.clone())
    }

    async fn move_leader(&self, _: &str) -> Result<(), SystemError> {
        Err(SystemError::Refused(
            "drdrill does not choose OpenSearch's cluster manager; the setting `cluster-manager` puts the primary \
             where it is wanted"
                .into(),
        ))
    }
}
