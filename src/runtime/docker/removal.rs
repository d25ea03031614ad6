//! Removes and finds by label what a run made: containers, networks, volumes.

use std::collections::HashMap;

use bollard::{
    models::{ContainerSummary, ContainerSummaryStateEnum},
    query_parameters::{
        ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
        RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
    },
};
use futures_util::{StreamExt, stream};
use tokio::time::{Duration, sleep};

use crate::{
    id::RunId,
    runtime::{OWNER_LABEL, Owner, RUN_LABEL, RuntimeError, apart, journal::Journal},
};

use super::{
    engine::{ASK, Engine, REMOVE, status, within},
    given_back,
};

/// How many things are removed at a time.
const AT_ONCE: usize = 8;
/// How often a removal is asked for again that the engine refused for the moment.
const AGAIN_EVERY: Duration = Duration::from_millis(100);

/// Labels of everything that a run makes.
pub(super) fn labels(run: &RunId, owner: &Owner) -> HashMap<String, String> {
    HashMap::from([
        (RUN_LABEL.to_owned(), run.to_string()),
        (OWNER_LABEL.to_owned(), owner.to_string()),
    ])
}

/// Something with a run's label.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Labelled {
    kind: Kind,
    id: String,
    name: String,
    paused: bool,
    active: bool,
    labels: HashMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Container,
    Network,
    Volume,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Network => "network",
            Self::Volume => "volume",
        }
    }
}

/// Everything whose label `drdrill.run` matches `filter` (`drdrill.run` or `drdrill.run=<run>`).
async fn find(engine: &Engine, filter: &str) -> Result<Vec<Labelled>, RuntimeError> {
    let filters = HashMap::from([("label", vec![filter])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let call = engine.docker.list_containers(Some(options));
    let containers = within("list containers of", filter, ASK, call);
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let call = engine.docker.list_networks(Some(options));
    let networks = within("list networks of", filter, ASK, call);
    let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let call = engine.docker.list_volumes(Some(options));
    let volumes = within("list volumes of", filter, ASK, call);
    let (containers, networks, volumes) = tokio::try_join!(containers, networks, volumes)?;
    let thing = |kind, id: String, name: String, labels| Labelled {
        kind,
        id,
        name,
        paused: false,
        active: false,
        labels,
    };
    let containers = containers.into_iter().map(from_container);
    let networks = networks.into_iter().map(|network| {
        thing(
            Kind::Network,
            network.id.unwrap_or_default(),
            network.name.unwrap_or_default(),
            network.labels.unwrap_or_default(),
        )
    });
    let volumes = volumes.volumes.unwrap_or_default().into_iter();
    let volumes = volumes.map(|v| thing(Kind::Volume, v.name.clone(), v.name, v.labels));
    Ok(containers.chain(networks).chain(volumes).collect())
}

fn from_container(summary: ContainerSummary) -> Labelled {
    let names = summary.names.unwrap_or_default();
    let name = names
        .first()
        .map(|name| name.trim_start_matches('/').to_owned());
    let id = summary.id.unwrap_or_default();
    Labelled {
        kind: Kind::Container,
        name: name.unwrap_or_else(|| id.clone()),
        id,
        paused: summary.state == Some(ContainerSummaryStateEnum::PAUSED),
        active: matches!(
            summary.state,
            Some(ContainerSummaryStateEnum::RUNNING | ContainerSummaryStateEnum::PAUSED)
        ),
        labels: summary.labels.unwrap_or_default(),
    }
}

/// What is still there of a run, for instance `container drdrill-ab12cd-pg1`.
pub(super) async fn residue(engine: &Engine, run: &RunId) -> Result<Vec<String>, RuntimeError> {
    let found = find(engine, &format!("{RUN_LABEL}={run}")).await?;
    Ok(found
        .iter()
        .map(|thing| format!("{} {}", thing.kind.word(), thing.name))
        .collect())
}

/// Gives back what a run holds and removes everything of it; all removals are tried. Returns how many things went and what failed.
pub(super) async fn remove_run(engine: &Engine, run: &RunId) -> (u32, Vec<String>) {
    // First of all: what undoes faults by itself is among what is removed.
    let mut failures = match given_back::give_back(engine, run).await {
        Ok(changed) => changed,
        Err(failures) => return (0, failures),
    };
    let found = match find(engine, &format!("{RUN_LABEL}={run}")).await {
        Ok(found) => found,
        Err(error) => return (0, [failures, vec![error.to_string()]].concat()),
    };
    let mut removed = 0;
    // Containers first: they hold networks and volumes. Volumes without a name go with them.
    for kind in [Kind::Container, Kind::Network, Kind::Volume] {
        let of_kind = found.iter().filter(|thing| thing.kind == kind);
        let removals: Vec<_> = of_kind.map(|thing| remove(engine, thing)).collect();
        let results: Vec<_> = stream::iter(removals)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for result in results {
            match result {
                Ok(()) => removed += 1,
                Err(error) => failures.push(error.to_string()),
            }
        }
    }
    (removed, failures)
}

/// Removes everything of a run on a connection made anew, and closes what its journal has to undo.
pub(super) async fn tear_down(
    engine: &Engine,
    run: &RunId,
    journal: &Journal,
) -> (u32, Vec<String>) {
    let answered = engine.made().await;
    let (host, run) = (engine.host().map(str::to_owned), run.clone());
    let meant = journal.engine();
    // The connection is made anew: one that serves the run's executor may hang with it.
    let removed = apart(move || async move {
        let engine = Engine::connect(host.as_deref()).await?;
        engine.is_still(meant.as_deref()).await?;
        Ok::<_, RuntimeError>(remove_run(&engine, &run).await)
    });
    let (removed, mut failures) = match removed.await {
        Ok(Ok(removed)) => removed,
        Ok(Err(error)) => (0, vec![error.to_string()]),
        Err(error) => (0, vec![format!("failed to clean up: {error}")]),
    };
    if !answered {
        let words = "the engine was asked to make something and has not answered: a later sweep looks for it";
        failures.push(words.to_owned());
    }
    if failures.is_empty() {
        for effect in journal.outstanding() {
            if let Err(error) = journal.undone(effect).await {
                failures.push(format!("failed to write that it is undone: {error}"));
            }
        }
    }
    (removed, failures)
}

/// Removes one thing. What is gone already counts as removed; what is busy is tried until the deadline.
async fn remove(engine: &Engine, thing: &Labelled) -> Result<(), RuntimeError> {
    let name = format!("{} {}", thing.kind.word(), thing.name);
    let mut last = String::new();
    let attempts = async {
        if thing.paused {
            // A frozen process cannot die; that it may be running again by now is no failure.
            let _ = engine.docker.unpause_container(&thing.id).await;
        }
        loop {
            match remove_once(engine, thing).await {
                Ok(()) => return Ok(()),
                Err(error) if status(&error) == Some(404) => return Ok(()),
                Err(error) if matches!(status(&error), Some(403 | 409 | 500)) => {
                    last = super::engine::cause(&error);
                    sleep(AGAIN_EVERY).await;
                }
                Err(error) => return Err(error),
            }
        }
    };
    match within("remove", &name, REMOVE, attempts).await {
        Err(RuntimeError::Deadline { .. }) if !last.is_empty() => Err(RuntimeError::Failed {
            action: "remove",
            node: name,
            cause: last,
        }),
        result => result,
    }
}

async fn remove_once(engine: &Engine, thing: &Labelled) -> Result<(), bollard::errors::Error> {
    match thing.kind {
        Kind::Container => {
            let options = RemoveContainerOptionsBuilder::new()
                .force(true)
                .v(true)
                .build();
            engine
                .docker
                .remove_container(&thing.id, Some(options))
                .await
        }
        Kind::Network => engine.docker.remove_network(&thing.id).await,
        Kind::Volume => {
            let options = RemoveVolumeOptionsBuilder::new().force(true).build();
            engine.docker.remove_volume(&thing.id, Some(options)).await
        }
    }
}

/// Every labelled thing's run and owner, and whether it is a container that runs. A label that is
/// not a run's name is not ours.
pub(super) async fn owners(
    engine: &Engine,
) -> Result<Vec<(RunId, Option<Owner>, bool)>, RuntimeError> {
    let found = find(engine, RUN_LABEL).await?;
    let owner = |thing: Labelled| {
        let run = RunId::parse(thing.labels.get(RUN_LABEL)?)?;
        let owner = thing
            .labels
            .get(OWNER_LABEL)
            .and_then(|text| Owner::parse(text));
        Some((run, owner, thing.active))
    };
    Ok(found.into_iter().filter_map(owner).collect())
}
