//! The same word in an engine: a volume of a fixed name, which drills of every user of that engine see.

use std::collections::HashMap;

use bollard::{models::VolumeCreateRequest, query_parameters::RemoveVolumeOptions};

use crate::runtime::RuntimeError;

use super::engine::{ACT, ASK, Engine, status, within};

/// The volume's name, and the label that says why.
const VOLUME: &str = "drdrill-halted";
const WHY: &str = "drdrill.halted";

impl Engine {
    /// Why drills are halted in this engine, if they are.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn halted(&self) -> Result<Option<String>, RuntimeError> {
        let ask = async {
            match self.docker.inspect_volume(VOLUME).await {
                Ok(found) => Ok(Some(found.labels.get(WHY).cloned().unwrap_or_default())),
                Err(error) if status(&error) == Some(404) => Ok(None),
                Err(error) => Err(error),
            }
        };
        within("ask for a halt in", "the engine", ASK, ask).await
    }

    /// Halts drills in this engine, for this reason.
    ///
    /// # Errors
    /// When it refuses or does not answer.
    pub async fn halt(&self, why: &str) -> Result<(), RuntimeError> {
        let request = VolumeCreateRequest {
            name: Some(VOLUME.into()),
            labels: Some(HashMap::from([(WHY.to_owned(), why.to_owned())])),
            ..VolumeCreateRequest::default()
        };
        let call = self.docker.create_volume(request);
        within("halt drills in", "the engine", ACT, call)
            .await
            .map(drop)
    }

    /// Lets drills run again in this engine; says whether they were halted.
    ///
    /// # Errors
    /// When it refuses or does not answer.
    pub async fn lift(&self) -> Result<bool, RuntimeError> {
        let remove = async {
            match self
                .docker
                .remove_volume(VOLUME, None::<RemoveVolumeOptions>)
                .await
            {
                Ok(()) => Ok(true),
                Err(error) if status(&error) == Some(404) => Ok(false),
                Err(error) => Err(error),
            }
        };
        within("lift the halt in", "the engine", ACT, remove).await
    }
}
