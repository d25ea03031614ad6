//! A store of the user's own as it stands: everything that is known of it, its program says.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{LaneId, NodeName, RunId},
    record::{Emitter, Holdings, Role, Setting, Source, Stack, View},
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Client, Deploy, Design, Observer, Redundancy, Running, SystemError,
        reserve::reserve,
        roster::{Roster, sole},
        watch::watch,
    },
};

use super::{
    client::OwnClient,
    element::{ELEMENT_BYTES, element, holdings},
    program::{Lost, Program},
    protocol::{Answer, Ask},
};

/// How long the program may take to make what the run's lists stand in, and to remove it.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// How long a final read may take; the drill gives it 60 s.
const READ_LIMIT: Duration = Duration::from_secs(55);
/// The longest wait for one node's role.
const ROLE_LIMIT: Duration = Duration::from_millis(800);
/// How often observers ask.
const OBSERVE_EVERY: Duration = Duration::from_millis(200);
/// How long the stack may take to be whole, and how often is asked.
const READY_LIMIT: Duration = Duration::from_secs(30);
const READY_EVERY: Duration = Duration::from_millis(500);
/// The list by which the start proves that an element which is acknowledged is read.
const READY_LIST: LaneId = LaneId(u16::MAX);
/// The session of drdrill's own questions.
const CONTROL: &str = "drdrill";

/// The stack.
pub struct OwnStack {
    stack: Stack,
    run: RunId,
    roster: Arc<Roster>,
    program: Arc<Program>,
    runtime: Arc<dyn Runtime>,
}

/// Starts the program and meets the store through it.
///
/// # Errors
/// When the program fails, a node does not say what it is, or what was appended is not read.
pub async fn attach(design: &Design, deploy: Deploy) -> Result<OwnStack, SystemError> {
    let members = reserve(design, &deploy, |_| 0).await?;
    let roster = Roster::new(&members)?;
    let attach = deploy.attach.clone().unwrap_or_default();
    let shown = attach.client.join(" ");
    deploy
        .emitter
        .note(format!("starting the client program `{shown}`"));
    let program = Program::start(&attach.client, &deploy.folder, &deploy.logins);
    let program =
        program.map_err(|error| refused(format!("failed to start `{shown}`: {error}")))?;
    let first = members.first().map(|member| member.name.clone());
    let mut stack = OwnStack {
        stack: Stack {
            system: "own".into(),
            topology: design.topology.into(),
            route: design.route.into(),
            server: String::new(),
            primary: first.unwrap_or_else(|| NodeName::new("")),
            members,
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            // What a program does with an append whose answer was lost, nobody here knows.
            idempotent: false,
            one_writer: true,
            element_bytes: ELEMENT_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        },
        run: deploy.runtime.run().clone(),
        roster: Arc::new(roster),
        program: Arc::new(program),
        runtime: deploy.runtime,
    };
    let opened = stack.open().await?;
    let read = |(name, value): (&String, &String)| Setting {
        name: name.clone(),
        value: value.clone(),
        source: "the client program".into(),
    };
    stack.stack.effective = opened.settings.iter().map(read).collect();
    stack.stack.server = opened
        .version
        .unwrap_or_else(|| "a store of one's own".into());
    stack.stack.ready = stack.proven().await?;
    stack.stack.primary = stack.primary().await?;
    Ok(stack)
}

fn refused(words: String) -> SystemError {
    SystemError::Refused(words)
}

impl OwnStack {
    /// Asks the program, and says why where it does not do it.
    async fn ask(&self, what: &str, ask: Ask, limit: Duration) -> Result<Vec<Answer>, SystemError> {
        let answers = match self.program.ask(CONTROL, ask, limit).await {
            Ok(answers) => answers,
            Err(Lost::Late) => {
                return Err(refused(format!(
                    "the client program did not {what} within {limit:?}"
                )));
            }
            Err(Lost::Ended) => {
                let why = self
                    .program
                    .ended()
                    .unwrap_or_else(|| "the client program has ended".into());
                return Err(refused(format!("failed to {what}: {why}")));
            }
        };
        match answers.iter().find(|answer| !answer.ok) {
            None => Ok(answers),
            Some(answer) => {
                let why = answer.against().unwrap_or("it gave no reason");
                Err(refused(format!("the client program did not {what}: {why}")))
            }
        }
    }

    async fn open(&self) -> Result<Answer, SystemError> {
        let seats = self.roster.data();
        let nodes: BTreeMap<String, String> = seats
            .map(|seat| (seat.name.to_string(), seat.address.ip().to_string()))
            .collect();
        let ask = Ask::Open {
            run: self.run.to_string(),
            nodes,
        };
        let mut answers = self.ask("open", ask, OPEN_LIMIT).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Waits until the stack is whole, and an element that was appended is read.
    async fn proven(&self) -> Result<Vec<String>, SystemError> {
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
        let written = element(&self.run, READY_LIST, 0);
        let append = Ask::Append {
            list: READY_LIST.0,
            element: written.clone(),
            node: None,
            ms: 5_000,
        };
        self.ask("append", append, OPEN_LIMIT).await?;
        let read = Ask::Read {
            list: READY_LIST.0,
            node: None,
            ms: 5_000,
        };
        let answers = self.ask("read", read, OPEN_LIMIT).await?;
        if !answers
            .iter()
            .any(|answer| answer.elements.contains(&written))
        {
            return Err(refused(
                "an element that was acknowledged is not read".into(),
            ));
        }
        evidence.push("an element that was acknowledged was read".into());
        Ok(evidence)
    }

    async fn role(&self, node: &NodeName) -> Result<Answer, String> {
        let ask = Ask::Role {
            node: node.to_string(),
            ms: u64::try_from(ROLE_LIMIT.as_millis()).unwrap_or(0),
        };
        let session = format!("{CONTROL}.{node}");
        match self.program.one(&session, ask, ROLE_LIMIT).await {
            Ok(answer) if answer.ok => Ok(answer),
            Ok(answer) => Err(answer.against().unwrap_or("it gave no reason").to_owned()),
            Err(Lost::Late) => {
                self.program.reset(&session);
                Err(format!("no answer within {ROLE_LIMIT:?}"))
            }
            Err(Lost::Ended) => Err("the client program has ended".into()),
        }
    }

    async fn roles(&self) -> Vec<(NodeName, Result<Answer, String>)> {
        let asked = self.roster.data().map(|seat| async {
            let said = self.role(&seat.name).await;
            (seat.name.clone(), said)
        });
        join_all(asked).await
    }
}

/// What a node's answer says of it.
fn view(node: &NodeName, said: Result<&Answer, &String>) -> View {
    let answer = said.ok();
    let role = match answer.map(|answer| answer.role.as_deref()) {
        None => Role::Unreachable,
        Some(Some("primary")) => Role::Primary,
        Some(_) => Role::Replica,
    };
    View {
        node: node.clone(),
        role,
        term: answer.and_then(|answer| answer.term),
        position: answer.and_then(|answer| answer.position),
        lag: answer.and_then(|answer| answer.lag),
        follows: answer.and_then(|answer| answer.follows.clone()),
        eligible: None,
    }
}

fn leads(said: &Result<Answer, String>) -> bool {
    let role = said.as_ref().ok().and_then(|answer| answer.role.as_deref());
    role == Some("primary")
}

#[async_trait]
impl Running for OwnStack {
    fn stack(&self) -> &Stack {
        &self.stack
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let node = lane.pinned.clone().filter(|_| lane.group == Group::Pinned);
        Box::new(OwnClient::new(
            self.run.clone(),
            self.program.clone(),
            self.roster.clone(),
            (lane.name.clone(), node),
        ))
    }

    fn app_client(&self, lane: &Lane, _: &AppClients) -> Box<dyn Client> {
        self.client(lane)
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        let observe = |node: NodeName| {
            let program = self.program.clone();
            watch(emitter.clone(), stop.clone(), OBSERVE_EVERY, move || {
                let (program, node) = (program.clone(), node.clone());
                async move {
                    let ask = Ask::Role {
                        node: node.to_string(),
                        ms: u64::try_from(ROLE_LIMIT.as_millis()).unwrap_or(0),
                    };
                    let session = format!("observer.{node}");
                    let said = program.one(&session, ask, ROLE_LIMIT).await;
                    if said.is_err() {
                        program.reset(&session);
                    }
                    let said = said.ok().filter(|answer| answer.ok);
                    view(&node, said.as_ref().ok_or(&String::new()))
                }
            })
        };
        self.roster
            .data()
            .map(|seat| observe(seat.name.clone()))
            .collect()
    }

    async fn view(&self, node: &NodeName) -> View {
        view(node, self.role(node).await.as_ref())
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        let roles = self.roles().await;
        sole(
            roles
                .iter()
                .filter(|(_, said)| leads(said))
                .map(|(node, _)| node),
        )
    }

    async fn redundancy(&self) -> Redundancy {
        let roles = self.roles().await;
        let leaders = roles.iter().filter(|(_, said)| leads(said)).count();
        let of = |(node, said): &(NodeName, Result<Answer, String>)| match said {
            Err(why) => (false, format!("{node}: {why}")),
            Ok(answer) => {
                let role = answer.role.as_deref().unwrap_or("no role told");
                match answer.lag.filter(|lag| *lag > 0) {
                    Some(lag) => (false, format!("{node}: {role}, {lag} behind")),
                    None => (true, format!("{node}: {role}")),
                }
            }
        };
        let one = (
            leaders == 1,
            format!("{leaders} of the nodes say that they are primary"),
        );
        roles.iter().map(of).chain([one]).collect()
    }

    async fn converged(&self) -> Redundancy {
        let roles = self.roles().await;
        let positions = roles
            .iter()
            .filter_map(|(_, said)| said.as_ref().ok()?.position);
        let furthest = positions.max();
        let of = |(node, said): &(NodeName, Result<Answer, String>)| match said {
            Err(why) => (false, format!("{node}: {why}")),
            Ok(answer) => match (answer.position, furthest) {
                (Some(position), Some(furthest)) => (
                    position == furthest,
                    format!("{node}: position {position} of {furthest}"),
                ),
                _ => {
                    let lag = answer.lag.unwrap_or(0);
                    (
                        lag == 0,
                        format!("{node}: {lag} behind, as it says; it tells no position"),
                    )
                }
            },
        };
        roles.iter().map(of).collect()
    }

    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        let node = match source {
            Source::Authority { .. } => None,
            Source::Before { node } | Source::After { node } => Some(node.to_string()),
        };
        let answers = self
            .ask("read everything", Ask::FinalRead { node }, READ_LIMIT)
            .await?;
        let mut held = holdings(&self.run, &answers);
        held.lanes.remove(&READY_LIST);
        Ok(held)
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        Ok(self.runtime.start(node).await?)
    }

    async fn remove_data(&self) -> Result<(), SystemError> {
        self.ask("remove what it wrote", Ask::Remove, OPEN_LIMIT)
            .await
            .map(drop)
    }

    async fn close(&self) {
        self.program.close().await;
    }
}
