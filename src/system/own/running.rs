//! A store of the user's own as it stands: everything that is known of it, its program says.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{
        Cause, Change, Emitter, Holdings, Role, Setting, Source, Stack, Unexplained, View, What,
    },
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Client, Deploy, Design, Logins, Observer, Redundancy, Running, SystemError, mark,
        reserve::reserve,
        roster::{Roster, sole},
        watch::watch,
    },
};

use super::{
    client::OwnClient,
    element::holdings,
    program::{Lost, Program},
    protocol::{Answer, Ask},
    ready::READY_LIST,
};

/// How long the program may take to make what the run's lists stand in, and to remove it.
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// How long a final read may take; the drill gives it 60 s.
pub(super) const READ_LIMIT: Duration = Duration::from_secs(55);
/// The longest wait for one node's role.
const ROLE_LIMIT: Duration = Duration::from_millis(800);
/// How often observers ask.
const OBSERVE_EVERY: Duration = Duration::from_millis(200);
/// How often the program is asked what needs no store, and how late its answer may be.
const MIND_EVERY: Duration = Duration::from_millis(500);
const MIND_LIMIT: Duration = Duration::from_secs(1);
/// The session in which it is asked.
const MIND: &str = "mind";
/// The session of drdrill's own questions.
pub(super) const CONTROL: &str = "drdrill";
/// The sessions of observers.
const OBSERVER: &str = "observer";

/// The stack.
pub struct OwnStack {
    stack: Stack,
    pub(super) run: RunId,
    roster: Arc<Roster>,
    start: Start,
    pub(super) program: Arc<Program>,
    runtime: Arc<dyn Runtime>,
}

/// How the program is started.
struct Start {
    argv: Vec<String>,
    folder: PathBuf,
    logins: Logins,
}

impl Start {
    fn program(&self) -> Result<Program, SystemError> {
        let program = Program::start(&self.argv, &self.folder, &self.logins);
        let shown = self.argv.join(" ");
        program.map_err(|error| refused(format!("failed to start `{shown}`: {error}")))
    }
}

/// Starts the program and meets the store through it.
///
/// # Errors
/// When the program fails, a node does not say what it is, or what was appended is not read.
pub async fn attach(design: &Design, deploy: Deploy) -> Result<OwnStack, SystemError> {
    let members = reserve(design, &deploy, |_| 0).await?;
    let roster = Roster::new(&members)?;
    let attach = deploy.attach.clone().unwrap_or_default();
    let start = Start {
        argv: attach.client,
        folder: deploy.folder,
        logins: deploy.logins,
    };
    let shown = start.argv.join(" ");
    deploy
        .emitter
        .note(format!("starting the client program `{shown}`"));
    let program = start.program()?;
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
            element_bytes: mark::NUMBERED_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        },
        run: deploy.runtime.run().clone(),
        roster: Arc::new(roster),
        start,
        program: Arc::new(program),
        runtime: deploy.runtime,
    };
    let opened = stack.ask("open", stack.opening(), OPEN_LIMIT).await?;
    let opened = opened.into_iter().next_back().unwrap_or_default();
    let read = |(name, value): (&String, &String)| Setting {
        name: name.clone(),
        value: value.clone(),
        source: "the client program".into(),
    };
    stack.stack.effective = opened.settings.iter().map(read).collect();
    let identity = identity(&stack.start.argv, &stack.start.folder);
    stack.stack.effective.extend(identity);
    stack.stack.server = opened
        .version
        .unwrap_or_else(|| "a store of one's own".into());
    stack.stack.ready = stack.proven().await?;
    stack.stack.primary = stack.primary().await?;
    Ok(stack)
}

pub(super) fn refused(words: String) -> SystemError {
    SystemError::Refused(words)
}

/// Asks the program, and says why where it does not do it.
async fn ask(
    program: &Program,
    what: &str,
    ask: Ask,
    limit: Duration,
) -> Result<Vec<Answer>, SystemError> {
    let answers = match program.ask(CONTROL, ask, limit).await {
        Ok(answers) => answers,
        Err(Lost::Late) => {
            return Err(refused(format!(
                "the client program did not {what} within {limit:?}"
            )));
        }
        Err(Lost::Ended) => {
            let why = program
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

impl OwnStack {
    pub(super) async fn ask(
        &self,
        what: &str,
        request: Ask,
        limit: Duration,
    ) -> Result<Vec<Answer>, SystemError> {
        // Its connection has been idle, perhaps with a node that is gone since.
        self.program.reset(CONTROL);
        ask(&self.program, what, request, limit).await
    }

    /// The request with which a program begins.
    fn opening(&self) -> Ask {
        let seats = self.roster.data();
        let nodes: BTreeMap<String, String> = seats
            .map(|seat| (seat.name.to_string(), seat.address.ip().to_string()))
            .collect();
        Ask::Open {
            run: self.run.to_string(),
            nodes,
        }
    }

    async fn role(&self, node: &NodeName) -> Result<Answer, String> {
        role(&self.program, CONTROL, node).await
    }

    async fn roles(&self) -> Vec<(NodeName, Result<Answer, String>)> {
        let asked = self.roster.data().map(|seat| async {
            let said = self.role(&seat.name).await;
            (seat.name.clone(), said)
        });
        join_all(asked).await
    }
}

/// What a node says that it is, asked in a session of its own.
///
/// # Errors
/// Why that is not known.
async fn role(program: &Program, asker: &str, node: &NodeName) -> Result<Answer, String> {
    let ask = Ask::Role {
        node: node.to_string(),
        ms: u64::try_from(ROLE_LIMIT.as_millis()).unwrap_or(0),
    };
    let session = format!("{asker}.{node}");
    match program.one(&session, ask, ROLE_LIMIT).await {
        Ok(answer) if answer.ok => Ok(answer),
        Ok(answer) => Err(answer.against().unwrap_or("it gave no reason").to_owned()),
        Err(Lost::Late) => {
            program.reset(&session);
            Err(format!("no answer within {ROLE_LIMIT:?}"))
        }
        Err(Lost::Ended) => Err("the client program has ended".into()),
    }
}

/// Tells once if the program ends, or is late with what needs no store: what clients then see is its doing, not the store's.
async fn mind(program: Arc<Program>, emitter: Emitter, stop: CancellationToken) {
    let lost = async {
        loop {
            sleep(MIND_EVERY).await;
            match program.one(MIND, Ask::Reset, MIND_LIMIT).await {
                Ok(_) => {}
                Err(Lost::Late) => {
                    return format!("did not close an idle session within {MIND_LIMIT:?}");
                }
                Err(Lost::Ended) => {
                    return program.ended().map_or_else(
                        || "has ended".into(),
                        |why| why.trim_start_matches("the client program ").to_owned(),
                    );
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        why = lost => emitter.say(What::Unexplained(Unexplained {
            node: None,
            change: Change::ClientAway { why },
            by: Cause::Outsider,
            engine_time: None,
        })),
    }
}

/// What acts for the clients, as evidence: the program's words, and a digest of each that is a file.
fn identity(argv: &[String], folder: &Path) -> Vec<Setting> {
    let digest = |word: &String| {
        let bytes = std::fs::read(folder.join(word)).ok()?;
        Some((format!("sha256 of {word}"), mark::hexadecimal(bytes, 32)))
    };
    let words = ("client program".to_owned(), argv.join(" "));
    let all = [words].into_iter().chain(argv.iter().filter_map(digest));
    let setting = |(name, value)| Setting {
        name,
        value,
        source: "the scenario".into(),
    };
    all.map(setting).collect()
}

/// What a node's answer says of it.
fn view(node: &NodeName, answer: Option<&Answer>) -> View {
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
                    let said = role(&program, OBSERVER, &node).await;
                    view(&node, said.ok().as_ref())
                }
            })
        };
        let mind = mind(self.program.clone(), emitter.clone(), stop.clone());
        let nodes = self.roster.data().map(|seat| observe(seat.name.clone()));
        nodes.chain([tokio::spawn(mind)]).collect()
    }

    async fn view(&self, node: &NodeName) -> View {
        view(node, self.role(node).await.ok().as_ref())
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
        const WHAT: &str = "remove what it wrote";
        if self.lost().is_none() {
            return self.ask(WHAT, Ask::Remove, OPEN_LIMIT).await.map(drop);
        }
        // Another one removes it in the place of the one that is gone.
        let another = self.start.program()?;
        ask(&another, "open", self.opening(), OPEN_LIMIT).await?;
        let removed = ask(&another, WHAT, Ask::Remove, OPEN_LIMIT).await;
        another.close().await;
        removed.map(drop)
    }

    fn lost(&self) -> Option<String> {
        self.program.ended()
    }

    async fn close(&self) {
        self.program.close().await;
    }
}
