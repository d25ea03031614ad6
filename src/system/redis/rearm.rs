//! Makes a stack ready for another drill: no sentinel holds a failover back, and everything is proven again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::try_join_all;

use crate::{
    id::{NodeName, RunId},
    record::{Emitter, MemberKind},
    runtime::Runtime,
    system::{Rearm, Running, SharedRunning, SystemError, roster::Seat},
};

use super::{link, ready, running::RedisStack, sentinel::MASTER};

/// Where the start script puts a sentinel's configuration, which the sentinel rewrites as its state changes.
const CONFIGURATION: &str = "/data/sentinel.conf";

/// The longest wait for a sentinel's configuration.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// A longer anti-flap period is not waited out: a fresh stack stands sooner.
const HOLD_MAX: Duration = Duration::from_secs(10);

/// What a sentinel adds to its hold at random: `SENTINEL_MAX_DESYNC` in `sentinel.c`.
const DESYNC: Duration = Duration::from_secs(1);

/// After an election that came to nothing a sentinel starts no failover for twice the failover timeout; after
/// one that moved the primary it may fail over again at once (`sentinelResetMaster` in `sentinel.c`).
#[async_trait]
impl Rearm for RedisStack {
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        let mut evidence = Vec::new();
        if let Some(failed) = self.failed_election().await? {
            let hold = self.failover_timeout()? * 2 + DESYNC;
            if hold > HOLD_MAX {
                return Err(SystemError::Refused(format!(
                    "{failed}: the sentinels hold the next failover back for up to {hold:?}"
                )));
            }
            emitter.note(format!("{failed}: waiting {hold:?}, as the sentinels do"));
            tokio::time::sleep(hold).await;
            evidence.push(format!("{failed}; {hold:?} were waited out"));
        } else {
            evidence.push("the last election moved the primary, or there was none: no sentinel holds the next failover back".into());
        }
        let mut next = self.again(run.clone(), self.primary().await?);
        ready::prove(&mut next).await?;
        Ok((Arc::new(next), evidence))
    }
}

impl RedisStack {
    /// An election after the one that made the present primary, by the sentinels' own state.
    async fn failed_election(&self) -> Result<Option<String>, SystemError> {
        let sentinels = self.roster.of(MemberKind::Control);
        let asked = sentinels.map(|seat| epochs(&self.runtime, seat));
        let epochs = try_join_all(asked).await?;
        Ok(epochs.iter().find_map(|(node, epochs)| {
            (epochs.current > epochs.configuration).then(|| {
                let Epochs {
                    current,
                    configuration,
                } = epochs;
                format!(
                    "{node} knows of election {current}, and the primary is that of {configuration}"
                )
            })
        }))
    }

    fn failover_timeout(&self) -> Result<Duration, SystemError> {
        let named = |setting: &&crate::record::Setting| setting.name == "failover-timeout";
        let read = self.stack.effective.iter().find(named);
        let milliseconds = read.and_then(|setting| setting.value.strip_suffix(" ms")?.parse().ok());
        milliseconds
            .map(Duration::from_millis)
            .ok_or_else(|| SystemError::Refused("`failover-timeout` was not read back".into()))
    }
}

/// What a sentinel knows of elections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Epochs {
    /// The last one that it heard of.
    current: u64,
    /// The one that made the primary which it knows.
    configuration: u64,
}

/// A sentinel that has seen no election yet has written nothing either, unless it is told to.
async fn epochs(
    runtime: &Arc<dyn Runtime>,
    seat: &Seat,
) -> Result<(NodeName, Epochs), SystemError> {
    let node = &seat.name;
    let flush = link::command(&["SENTINEL", "FLUSHCONFIG"]);
    let flushed: Result<String, _> = link::ask(seat.address, &flush, READ_LIMIT).await;
    flushed.map_err(|error| {
        SystemError::Refused(format!("`{node}` did not write its configuration: {error}"))
    })?;
    let read = runtime
        .exec(node, &["cat", CONFIGURATION], READ_LIMIT)
        .await?;
    let epochs = Epochs::parse(&read.stdout).ok_or_else(|| {
        SystemError::Refused(format!("`{node}` has no election in `{CONFIGURATION}`"))
    })?;
    Ok((node.clone(), epochs))
}

impl Epochs {
    fn parse(configuration: &str) -> Option<Self> {
        let of = |key: &str| {
            let mut lines = configuration.lines();
            lines.find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
        };
        Some(Self {
            current: of("sentinel current-epoch ")?,
            configuration: of(&format!("sentinel config-epoch {MASTER} "))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_read_from_what_a_sentinel_writes() {
        let text = "port 26379\nsentinel monitor drdrill 10.213.4.11 6379 2\n\
            sentinel config-epoch drdrill 3\nsentinel leader-epoch drdrill 4\nsentinel current-epoch 4\n";
        let epochs = Epochs::parse(text).expect("epochs");
        assert_eq!((epochs.current, epochs.configuration), (4, 3));
        assert_eq!(Epochs::parse("port 26379\n"), None);
    }
}
