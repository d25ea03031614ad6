//! Whether a program of the user's speaks the protocol: what a drill relies on, tried on a real store.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use futures_util::future::join_all;

use crate::{
    id::{LaneId, RunId},
    system::{Logins, mark::numbered},
    time::Clock,
};

use super::{
    element::{holdings, version},
    program::Program,
    protocol::{Answer, Ask},
};

/// How many elements are appended to each of two lists.
const ELEMENTS: u64 = 20;
/// The longest wait for the store to be open, as a drill waits.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// The longest wait for another answer.
const LIMIT: Duration = Duration::from_secs(15);
/// What an operation gets, in milliseconds.
const MS: u64 = 5_000;
/// An operation that may take this long must be answered within `GRACE` of it: a drill goes on by the clock.
const SHORT: u64 = 1;
const GRACE: Duration = Duration::from_secs(1);

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What a program must do.
    pub what: &'static str,
    /// What was seen, or why it does not.
    pub seen: Result<String, String>,
}

struct Conformance {
    program: Arc<Program>,
    run: RunId,
    nodes: BTreeMap<String, String>,
    tried: Vec<Tried>,
}

/// Tries a program on a store with these nodes, by name and address.
///
/// # Errors
/// When it cannot be started.
pub async fn conform(
    argv: &[String],
    nodes: &BTreeMap<String, String>,
    run: RunId,
    logins: &Logins,
) -> std::io::Result<Vec<Tried>> {
    let program = Arc::new(Program::start(argv, Path::new("."), logins)?);
    let mut all = Conformance {
        program: program.clone(),
        run,
        nodes: nodes.clone(),
        tried: Vec::new(),
    };
    all.all().await;
    let ended = match (program.ended(), program.close().await) {
        (Some(why), _) => Err(why),
        (None, Some(true)) => Ok("it did".into()),
        (None, Some(false)) => Err("it ended with an error".into()),
        (None, None) => Err("it had to be killed after 2 s".into()),
    };
    all.say("ends when its input does", ended);
    Ok(all.tried)
}

impl Conformance {
    fn say(&mut self, what: &'static str, seen: Result<String, String>) {
        self.tried.push(Tried { what, seen });
    }

    async fn one(&self, session: &str, ask: Ask) -> Result<Answer, String> {
        self.within(session, ask, LIMIT).await
    }

    async fn within(&self, session: &str, ask: Ask, limit: Duration) -> Result<Answer, String> {
        let answer = self.program.one(session, ask, limit).await;
        let answer = answer.map_err(|_| {
            self.program
                .ended()
                .unwrap_or_else(|| format!("no answer within {limit:?}"))
        })?;
        match answer.ok {
            true => Ok(answer),
            false => Err(answer
                .against()
                .unwrap_or("neither `ok` nor `fail` nor `unsure`")
                .to_owned()),
        }
    }

    fn append(&self, list: u16, seq: u64, ms: u64) -> Ask {
        Ask::Append {
            list,
            element: numbered(&self.run, LaneId(list), seq),
            node: None,
            ms,
        }
    }

    async fn all(&mut self) {
        let open = Ask::Open {
            run: self.run.to_string(),
            nodes: self.nodes.clone(),
        };
        let opened = self.within("drdrill", open, OPEN_LIMIT).await;
        let go_on = opened.is_ok();
        let named = opened.map(|answer| {
            answer
                .version
                .unwrap_or_else(|| "it names no version".into())
        });
        self.say("opens", named);
        if !go_on {
            return;
        }
        let roles = self.roles().await;
        self.say("tells each node's role, and one primary", roles);
        let appended = self.appended().await;
        self.say("appends in sessions beside each other", appended);
        let read = self.read().await;
        self.say("reads the newest elements, or says that it cannot", read);
        let held = self.held(ELEMENTS).await;
        self.say("tells everything in a final read, once each", held);
        let late = self.late().await;
        self.say("answers about when an operation's time is over", late);
        let reset = self.one("write-0", Ask::Reset).await;
        self.say("closes a session", reset.map(|_| "it did".into()));
        let again = self.one("write-0", self.append(0, ELEMENTS, MS)).await;
        self.say(
            "appends again in a session that was closed",
            again.map(|_| "it did".into()),
        );
        let removed = self.one("drdrill", Ask::Remove).await;
        let removed = removed.map(|_| "it did".to_owned());
        self.say("removes what it wrote", removed);
    }

    async fn roles(&self) -> Result<String, String> {
        let mut primaries = Vec::new();
        for node in self.nodes.keys() {
            let ask = Ask::Role {
                node: node.clone(),
                ms: MS,
            };
            let said = self
                .one("drdrill", ask)
                .await
                .map_err(|why| format!("{node}: {why}"))?;
            match said.role.as_deref() {
                Some("primary") => primaries.push(node.clone()),
                Some("replica") => {}
                other => {
                    return Err(format!(
                        "{node}: its role is {other:?}, and must be `primary` or `replica`"
                    ));
                }
            }
        }
        match primaries.as_slice() {
            [one] => Ok(format!("{one} is primary of {}", self.nodes.len())),
            several => Err(format!("{} say that they are primary", several.len())),
        }
    }

    async fn appended(&self) -> Result<String, String> {
        let lanes = [0_u16, 1].map(|list| async move {
            for seq in 0..ELEMENTS {
                self.one(&format!("write-{list}"), self.append(list, seq, MS))
                    .await?;
            }
            Ok::<(), String>(())
        });
        for lane in join_all(lanes).await {
            lane?;
        }
        Ok(format!("{} elements in 2 lists", 2 * ELEMENTS))
    }

    async fn read(&self) -> Result<String, String> {
        let ask = Ask::Read {
            list: 1,
            node: None,
            ms: MS,
        };
        let answer = self.program.one("read-1", ask.clone(), LIMIT).await;
        if let Ok(Answer {
            ok: false,
            fail: Some(why),
            ..
        }) = answer
        {
            return Ok(format!(
                "{why}: write `clients: {{ service: {{ reads: none }} }}`"
            ));
        }
        let answer = self.one("read-1", ask).await?;
        let seen = version(&self.run, LaneId(1), &answer.elements);
        match seen == ELEMENTS {
            true => Ok(format!("the newest is number {}", seen - 1)),
            false => Err(format!(
                "the newest of {ELEMENTS} elements is number {} (-1 for none)",
                seen as i128 - 1
            )),
        }
    }

    async fn held(&self, each: u64) -> Result<String, String> {
        let asked = self
            .program
            .ask("drdrill", Ask::FinalRead { node: None }, LIMIT)
            .await;
        let answers = asked.map_err(|_| "no answer".to_owned())?;
        if let Some(answer) = answers.iter().find(|answer| !answer.ok) {
            return Err(answer.against().unwrap_or("no reason given").to_owned());
        }
        let held = holdings(&self.run, &answers);
        let sound = held.repeated.is_empty() && held.corrupt.is_empty() && held.alien == 0;
        match held.len() == 2 * each && sound {
            true => Ok(format!("{} elements", held.len())),
            false => Err(format!(
                "{} different elements of {}, {} repeated, {} damaged, {} that are none",
                held.len(),
                2 * each,
                held.repeated.len(),
                held.corrupt.len(),
                held.alien
            )),
        }
    }

    /// With almost no time left the outcome is open; that there is an answer soon is not.
    async fn late(&self) -> Result<String, String> {
        let clock = Clock::start();
        let from = clock.now();
        let ask = self.append(2, 0, SHORT);
        let answer = self.program.one("late", ask, LIMIT).await;
        let took = clock.now().since(from);
        let limit = Duration::from_millis(SHORT) + GRACE;
        match answer {
            Ok(_) if took <= limit => Ok(format!("after {} ms of {SHORT}", took.as_millis())),
            Ok(_) => Err(format!("after {} ms of {SHORT}", took.as_millis())),
            Err(_) => Err(format!("no answer within {LIMIT:?}")),
        }
    }
}
