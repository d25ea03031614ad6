//! A node loses its files and ends.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{ExecOutput, RuntimeError, Signal},
    scenario::{Stored, fault::Wipe},
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::bring_back,
    described::{Described, Seen, ended, hits_primary},
    select::{expand_hosts, select},
    stored::exec,
};

/// Deletes everything below a folder; prints how many things there were and are.
const WIPE: &str = r#"cd "$1" || exit 1; find . -mindepth 1 | wc -l; rm -rf ./* ./.[!.]* 2>/dev/null; find . -mindepth 1 | wc -l"#;

/// Nodes that lost their files, and everything on their machines.
#[derive(Debug)]
struct WipeEffect {
    nodes: Vec<Wiped>,
    hosts: Vec<NodeName>,
}

/// What was said when a node's files went.
#[derive(Debug)]
struct Wiped {
    node: NodeName,
    said: Result<String, String>,
}

#[async_trait]
impl Action for Wipe {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        wipe(&self.0, context).await
    }
}

#[async_trait]
impl ActiveEffect for WipeEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.nodes, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(
            &self.hosts,
            bring_back(&self.hosts, context).await,
        ))
    }
}

/// Deletes a folder's files and kills the node at once: it comes back without them.
async fn wipe(wiped: &Stored, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&wiped.node, context).await?;
    let hosts = expand_hosts(&nodes, context);
    let primary_hit = hits_primary(&nodes, context).await;
    let acts = nodes.iter().map(|node| async {
        let said = exec(node, WIPE, &wiped.path, context).await;
        (node.clone(), said)
    });
    let whole = async {
        let said = join_all(acts).await;
        let kills = hosts
            .iter()
            .map(|node| context.runtime.signal(node, Signal::Kill));
        (said, join_all(kills).await)
    };
    let (at, (said, kills)) = context.emitter.time(whole).await;
    kills.into_iter().collect::<Result<Vec<()>, _>>()?;
    let gone = said.into_iter().map(|(node, said)| Wiped {
        node,
        said: judge(said, |lines| match lines {
            [before, after] if after < before => Ok(format!(
                "{before} files and folders below {}, {after} after",
                wiped.path
            )),
            _ => Err(format!("nothing below {} was deleted", wiped.path)),
        }),
    });
    let injected = Described {
        means: "the files deleted inside the node, and SIGKILL to its main process".into(),
        primary_hit,
        at,
    };
    let effect = WipeEffect {
        nodes: gone.collect(),
        hosts,
    };
    Ok(injected.into(nodes, effect))
}

fn judge(
    said: Result<ExecOutput, RuntimeError>,
    read: impl Fn(&[u64]) -> Result<String, String>,
) -> Result<String, String> {
    let said = said.map_err(|error| error.to_string())?;
    let numbers: Vec<u64> = said
        .stdout
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    read(&numbers)
}

/// What was deleted was, and the node has ended.
async fn look(gone: &[Wiped], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for Wiped { node, said } in gone {
        match said {
            Ok(said) => seen.yes(format!("{node}: {said}")),
            Err(why) => seen.no(format!("{node}: {why}")),
        }
        if ended(node, context).await {
            seen.yes(format!("{node} has ended"));
        } else {
            seen.no(format!("{node} still runs"));
        }
    }
    seen
}
