//! Witnesses inside the nodes of a real database: plain tools of the image, run beside the drill.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use crate::{
    drill::Aside,
    fault::FaultContext,
    id::{LaneId, NodeName},
    record::MemberKind,
    runtime::{NodeState, Signal},
    truth::disk::Disk,
};

/// The longest time for one command in a node.
const EXEC_LIMIT: Duration = Duration::from_secs(20);

/// The longest wait for a database that is started alone.
const ALONE_LIMIT: Duration = Duration::from_secs(60);

/// How often it is asked whether it answers.
const LOOK: Duration = Duration::from_millis(200);

/// What a witness told, once it has.
pub struct Told<T>(Arc<Mutex<Option<Result<T, String>>>>);

impl<T> Clone for Told<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Told<T> {
    /// Runs a look at the stack after a step, and keeps what it tells.
    pub fn after(
        step: usize,
        look: impl Fn(FaultContext) -> BoxFuture<'static, Result<T, String>> + Send + Sync + 'static,
    ) -> (Aside, Self) {
        let told = Self(Arc::new(Mutex::new(None)));
        let keep = told.clone();
        let look = move |ground: FaultContext| -> BoxFuture<'static, ()> {
            let (looking, keep) = (look(ground), keep.clone());
            Box::pin(async move {
                let result = looking.await;
                *keep.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            })
        };
        let aside = Aside {
            after: step,
            look: Box::new(look),
        };
        (aside, told)
    }

    /// What it told.
    pub fn take(&self) -> Result<T, String> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        told.unwrap_or_else(|| Err("the witness was not reached".into()))
    }
}

/// Runs a shell script in a node.
pub async fn shell(ground: &FaultContext, node: &NodeName, script: &str) -> Result<String, String> {
    let argv = ["bash", "-c", script];
    let output = ground.runtime.exec(node, &argv, EXEC_LIMIT).await;
    let output = output.map_err(|error| error.to_string())?;
    if output.code == 0 {
        Ok(output.stdout)
    } else {
        Err(format!("in `{node}`: {}", output.stderr.trim()))
    }
}

/// A clock within the node that stops with it: it writes down every pause of 100 ms and more, with the longest of
/// the shorter ones since the one before, in microseconds.
pub const TICKER: &str = r#"
rm -f /tmp/drdrill.ticks
setsid bash -c '
exec 9<> <(:)
p=${EPOCHREALTIME//[.,]/} m=0
while :; do
    read -rt 0.002 -u 9
    n=${EPOCHREALTIME//[.,]/}
    d=$((n - p))
    if [ $d -ge 100000 ]; then echo "$d $m" >>/tmp/drdrill.ticks; m=0; elif [ $d -gt $m ]; then m=$d; fi
    p=$n
done' </dev/null >/dev/null 2>&1 &
"#;

/// Reads what the ticker wrote.
pub const TICKS: &str = "cat /tmp/drdrill.ticks";

/// A database whose elements can be listed by the plain client of its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// `psql`.
    Postgres,
    /// `redis-cli`.
    Redis,
}

impl Database {
    /// Its name in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    fn list(self) -> &'static str {
        match self {
            Self::Postgres => {
                r#"psql -qAtX -F ' ' -h /var/run/postgresql -U postgres -d postgres <<'SQL'
\set ON_ERROR_STOP on
select format('select lane, seq, xmin from %I', tablename)
from pg_tables where tablename like 'drdrill\_appends%' \gexec
SQL"#
            }
            Self::Redis => {
                "redis-cli ping >/dev/null && for key in $(redis-cli --scan --pattern 'drdrill:*'); do \
                 lane=${key##*:}; case $key in *:pinned:*|*:ready) continue;; esac; \
                 redis-cli lrange $key 0 -1 | sed \"s/^0*\\([0-9][0-9]*\\):.*/$lane \\1 0/\"; done"
            }
        }
    }

    /// The elements that a running node holds: lane, number, and its transaction where it has one.
    async fn elements(self, ground: &FaultContext, node: &NodeName) -> Result<Elements, String> {
        let text = shell(ground, node, self.list()).await?;
        let element = |line: &str| -> Option<((LaneId, u64), u64)> {
            let mut words = line.split(' ').map(str::parse::<u64>);
            let mut next = || words.next()?.ok();
            let lane = LaneId(u16::try_from(next()?).ok()?);
            Some(((lane, next()?), next()?))
        };
        if text.trim().is_empty() {
            return Err(format!("`{node}` holds no element"));
        }
        let strange = |line: &str| format!("`{node}` listed `{line}`");
        text.lines()
            .map(|line| element(line).ok_or_else(|| strange(line)))
            .collect()
    }

    /// Starts the old primary alone if it was killed, lists what it and the new primary hold, and ends it again.
    pub async fn compare(self, ground: FaultContext) -> Result<Disk, String> {
        let old = ground.first_primary.clone();
        let new = self.successor(&ground, &old)?;
        let dead = ground.runtime.state(&old).await != Ok(NodeState::Running);
        let failed = |error: crate::runtime::RuntimeError| error.to_string();
        if dead {
            ground.runtime.start(&old).await.map_err(failed)?;
        }
        let mut last = String::new();
        let answers = async {
            loop {
                match self.elements(&ground, &old).await {
                    Ok(elements) => return elements,
                    Err(why) => last = why,
                }
                sleep(LOOK).await;
            }
        };
        let answered = timeout(ALONE_LIMIT, answers).await;
        let late = |_| format!("`{old}` did not answer within {ALONE_LIMIT:?}: {last}");
        let elements = answered.map_err(late)?;
        let kept = self.elements(&ground, &new).await?;
        let alone: Vec<u64> = elements
            .iter()
            .filter(|(id, _)| !kept.contains_key(id))
            .map(|(_, transaction)| *transaction)
            .collect();
        let age = self.age(&ground, &old, &alone).await;
        if dead {
            ground
                .runtime
                .signal(&old, Signal::Kill)
                .await
                .map_err(failed)?;
        }
        Ok(Disk {
            old: elements.into_keys().collect(),
            new: kept.into_keys().collect(),
            age,
        })
    }

    fn successor(self, ground: &FaultContext, old: &NodeName) -> Result<NodeName, String> {
        let data = ground
            .members()
            .iter()
            .filter(|member| member.kind == MemberKind::Data);
        let mut others = data.filter(|member| member.name != *old);
        let other = others.next().map(|member| member.name.clone());
        other.ok_or_else(|| "there is no other node".into())
    }

    /// The time between the commits of the first and last of these transactions, by the old primary's own log.
    async fn age(
        self,
        ground: &FaultContext,
        node: &NodeName,
        transactions: &[u64],
    ) -> Option<Duration> {
        let (first, last) = (transactions.iter().min()?, transactions.iter().max()?);
        if self != Self::Postgres {
            return None;
        }
        let script = format!(
            "cd ${{PGDATA:-/var/lib/postgresql/data}}/pg_wal && \
             for segment in $(ls | grep -E '^[0-9A-F]{{24}}$'); do pg_waldump -p . $segment 2>/dev/null; done \
             | grep -E 'tx: +({first}|{last}),.*COMMIT'"
        );
        let text = shell(ground, node, &script).await.ok()?;
        let moment = |line: &str| -> Option<jiff::Timestamp> {
            let stamp = line.split("COMMIT ").nth(1)?;
            let stamp = stamp.split(" UTC").next()?.trim_end_matches(';');
            format!("{stamp}Z").parse().ok()
        };
        let moments: Vec<jiff::Timestamp> = text.lines().filter_map(moment).collect();
        let (first, last) = (moments.iter().min()?, moments.iter().max()?);
        last.duration_since(*first).try_into().ok()
    }
}

type Elements = BTreeMap<(LaneId, u64), u64>;
