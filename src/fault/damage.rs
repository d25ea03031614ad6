//! A part of a file is overwritten under a running node.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{ExecOutput, NodeState},
    scenario::{Stored, fault::Damage},
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected,
    described::{Described, Seen, hits_primary},
    select::select,
    stored::exec,
};

/// Overwrites 4 KiB in the middle of the greatest file that fits; prints its name, the block's place, and the block's
/// digest before and after.
const DAMAGE: &str = r#"f=$(ls -1S $1 2>/dev/null | head -n 1); [ -f "$f" ] || exit 1
s=$(wc -c <"$f"); at=$((s / 8192)); digest() { dd if="$f" bs=4096 skip=$at count=1 2>/dev/null | sha256sum | cut -c1-16; }
before=$(digest); dd if=/dev/urandom of="$f" bs=4096 seek=$at count=1 conv=notrunc 2>/dev/null || exit 1
echo "$f $((at * 4096)) $before $(digest)""#;

/// Nodes with a damaged file.
#[derive(Debug)]
struct DamageEffect(Vec<Damaged>);

/// What was said when a file was damaged.
#[derive(Debug)]
struct Damaged {
    node: NodeName,
    said: Result<String, String>,
}

#[async_trait]
impl Action for Damage {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        damage(&self.0, context).await
    }
}

#[async_trait]
impl ActiveEffect for DamageEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.0, context).await
    }
}

/// Overwrites a part of a file under the running node.
async fn damage(bad: &Stored, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&bad.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let acts = nodes.iter().map(|node| async {
        let said = exec(node, DAMAGE, &bad.path, context).await;
        (node.clone(), said)
    });
    let (at, said) = context.emitter.time(join_all(acts)).await;
    let gone = said.into_iter().map(|(node, said)| Damaged {
        node,
        said: match said {
            Ok(said) => damaged(&said),
            Err(error) => Err(error.to_string()),
        },
    });
    let injected = Described {
        means: "4 KiB of a file overwritten with random bytes inside the node".into(),
        primary_hit,
        at,
    };
    let effect = DamageEffect(gone.collect());
    Ok(injected.into(nodes, effect))
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

/// What was damaged was.
async fn look(gone: &[Damaged], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for Damaged { node, said } in gone {
        match said {
            Ok(said) => seen.yes(format!("{node}: {said}")),
            Err(why) => seen.no(format!("{node}: {why}")),
        }
        // Damage may well end the server.
        let runs = context.runtime.state(node).await == Ok(NodeState::Running);
        let word = if runs { "runs on" } else { "has ended by it" };
        seen.yes(format!("{node} {word}"));
    }
    seen
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
