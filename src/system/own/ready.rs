//! The proof at the start: the stack is whole, and an element that the program acknowledges is read.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    id::LaneId,
    system::{Running, SystemError, mark},
};

use super::{
    protocol::{Answer, Ask},
    running::{CONTROL, OPEN_LIMIT, OwnStack, READ_LIMIT, refused},
};

/// How long the stack may take to be whole, and how often is asked.
const READY_LIMIT: Duration = Duration::from_secs(30);
const READY_EVERY: Duration = Duration::from_millis(500);
/// The list by which the start proves that an element which is acknowledged is read.
pub(super) const READY_LIST: LaneId = LaneId(u16::MAX);

impl OwnStack {
    /// Waits until the stack is whole, and an element that was appended is read.
    pub(super) async fn proven(&self) -> Result<Vec<String>, SystemError> {
        let mut waited = Duration::ZERO;
        let mut evidence = loop {
            let seen = self.redundancy().await;
            if seen.whole {
                break seen.evidence;
            }
            if waited >= READY_LIMIT {
                return Err(refused(format!(
                    "the store is not whole after {READY_LIMIT:?}: {}",
                    seen.evidence.join("; ")
                )));
            }
            sleep(READY_EVERY).await;
            waited += READY_EVERY;
        };
        let written = mark::numbered(&self.run, READY_LIST, 0);
        let append = Ask::Append {
            list: READY_LIST.0,
            element: written.clone(),
            node: None,
            ms: 5_000,
        };
        self.ask("append", append, OPEN_LIMIT).await?;
        let all = Ask::FinalRead { node: None };
        let answers = self.ask("read everything", all, READ_LIMIT).await?;
        let mut held = answers.iter().flat_map(|answer| answer.lists.values());
        if !held.any(|list| list.contains(&written)) {
            let why = "an element that was acknowledged is in no final read";
            return Err(refused(why.into()));
        }
        evidence.push("an element that was acknowledged was read at the end".into());
        evidence.push(self.reads(&written).await?);
        Ok(evidence)
    }

    /// Whether the newest elements of a list can be read: not of every store, and then no lane of the drill may read.
    async fn reads(&self, written: &String) -> Result<String, SystemError> {
        let read = Ask::Read {
            list: READY_LIST.0,
            node: None,
            ms: 5_000,
        };
        self.program.reset(CONTROL);
        let answer = self.program.one(CONTROL, read.clone(), OPEN_LIMIT).await;
        if let Ok(Answer {
            fail: Some(why), ..
        }) = answer
        {
            return Ok(format!("the client program reads no list by itself: {why}"));
        }
        let answers = self.ask("read", read, OPEN_LIMIT).await?;
        match answers
            .iter()
            .any(|answer| answer.elements.contains(written))
        {
            true => Ok("an element that was acknowledged was read".into()),
            false => Err(refused(
                "an element that was acknowledged is not read".into(),
            )),
        }
    }
}
