//! Data that goes: a node that loses its files, a file that is damaged.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    id::NodeName,
    record::Effect,
    runtime::{ExecOutput, NodeState, RuntimeError, Signal},
    scenario::Stored,
};

use super::{
    Expected, FaultError, Ground, Injected, Undo,
    process::{Described, Seen, ended, hits_primary},
    select::{expand_hosts, select},
};

/// How long a command in a node may take.
const EXEC: Duration = Duration::from_secs(30);
/// Deletes everything below a folder; prints how many things there were and are.
const WIPE: &str = r#"cd "$1" || exit 1; find . -mindepth 1 | wc -l; rm -rf ./* ./.[!.]* 2>/dev/null; find . -mindepth 1 | wc -l"#;
/// Overwrites 4 KiB in the middle of the greatest file that fits; prints its name, the block's place, and the block's
/// digest before and after.
const DAMAGE: &str = r#"f=$(ls -1S $1 2>/dev/null | head -n 1); [ -f "$f" ] || exit 1
s=$(wc -c <"$f"); at=$((s / 8192)); digest() { dd if="$f" bs=4096 skip=$at count=1 2>/dev/null | sha256sum | cut -c1-16; }
before=$(digest); dd if=/dev/urandom of="$f" bs=4096 seek=$at count=1 conv=notrunc 2>/dev/null || exit 1
echo "$f $((at * 4096)) $before $(digest)""#;

/// What was said when data went.
#[derive(Debug)]
pub struct Gone {
    /// The node.
    node: NodeName,
    /// What was seen.
    said: Result<String, String>,
    /// Whether the node ends with it.
    ends: bool,
}

/// Deletes a folder's files and kills the node at once: it comes back without them.
pub async fn wipe(wiped: &Stored, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let nodes = select(&wiped.node, ground).await?;
    let hosts = expand_hosts(&nodes, ground);
    let primary_hit = hits_primary(&nodes, ground).await;
    let acts = nodes.iter().map(|node| async {
        let said = exec(node, WIPE, &wiped.path, ground).await;
        (node.clone(), said)
    });
    let whole = async {
        let said = join_all(acts).await;
        let kills = hosts
            .iter()
            .map(|node| ground.runtime.signal(node, Signal::Kill));
        (said, join_all(kills).await)
    };
    let (at, (said, kills)) = ground.emitter.time(whole).await;
    kills.into_iter().collect::<Result<Vec<()>, _>>()?;
    let gone = said.into_iter().map(|(node, said)| Gone {
        node,
        said: judge(said, |lines| match lines {
            [before, after] if after < before => Ok(format!(
                "{before} files and folders below {}, {after} after",
                wiped.path
            )),
            _ => Err(format!("nothing below {} was deleted", wiped.path)),
        }),
        ends: true,
    });
    let injected = Described {
        name: "wipe",
        means: "the files deleted inside the node, and SIGKILL to its main process",
        primary_hit,
        at,
        step,
    };
    let expected = Expected::DataGone(gone.collect());
    Ok(injected.into(nodes, Undo::BringBack(hosts), expected))
}

/// Overwrites a part of a file under the running node.
pub async fn damage(bad: &Stored, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let nodes = select(&bad.node, ground).await?;
    let primary_hit = hits_primary(&nodes, ground).await;
    let acts = nodes.iter().map(|node| async {
        let said = exec(node, DAMAGE, &bad.path, ground).await;
        (node.clone(), said)
    });
    let (at, said) = ground.emitter.time(join_all(acts)).await;
    let gone = said.into_iter().map(|(node, said)| Gone {
        node,
        said: match said {
            Ok(said) => damaged(&said),
            Err(error) => Err(error.to_string()),
        },
        ends: false,
    });
    let injected = Described {
        name: "damage",
        means: "4 KiB of a file overwritten with random bytes inside the node",
        primary_hit,
        at,
        step,
    };
    let expected = Expected::DataGone(gone.collect());
    Ok(injected.into(nodes, Undo::Nothing, expected))
}

async fn exec(
    node: &NodeName,
    script: &str,
    path: &str,
    ground: &Ground,
) -> Result<ExecOutput, RuntimeError> {
    let argv = ["sh", "-c", script, "sh", path];
    ground.runtime.exec(node, &argv, EXEC).await
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

fn damaged(said: &ExecOutput) -> Result<String, String> {
    let words: Vec<&str> = said.stdout.split_whitespace().collect();
    match words.as_slice() {
        [file, at, before, after] if before != after => Ok(format!(
            "4 KiB of {file} at {at} were {before} by their digest, and are {after}"
        )),
        _ => Err(format!(
            "no file was damaged (code {}): {}",
            said.code,
            said.stderr.trim()
        )),
    }
}

/// What was deleted or damaged was; a node that was to end has.
pub async fn verify(step: usize, gone: &[Gone], ground: &Ground) -> Effect {
    let mut seen = Seen::default();
    for Gone { node, said, ends } in gone {
        match said {
            Ok(said) => seen.yes(format!("{node}: {said}")),
            Err(why) => seen.no(format!("{node}: {why}")),
        }
        if !ends {
            // Damage may well end the server.
            let runs = ground.runtime.state(node).await == Ok(NodeState::Running);
            let word = if runs { "runs on" } else { "has ended by it" };
            seen.yes(format!("{node} {word}"));
        } else if ended(node, ground).await {
            seen.yes(format!("{node} has ended"));
        } else {
            seen.no(format!("{node} still runs"));
        }
    }
    seen.effect(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_as_before_was_not_damaged() {
        let said = |stdout: &str| ExecOutput {
            code: 0,
            stdout: stdout.into(),
            stderr: String::new(),
        };
        assert!(damaged(&said("/data/a 4096 aa bb\n")).is_ok());
        assert!(damaged(&said("/data/a 4096 aa aa\n")).is_err());
        assert!(damaged(&said("")).is_err());
    }
}
