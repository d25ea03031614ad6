//! Routes: what leads clients to the primary at one address of its own, and finds out by itself where the primary is.

pub mod dns;
pub mod haproxy;
pub mod keepalived;
mod kind;
mod led;
pub mod nginx;

use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{Emitter, MemberKind, Setting, Stack, What},
    runtime::{NodeFile, NodeSpec, NodeState, Runtime},
};

use super::{
    Deploy, Design, Observer, SystemError,
    roster::{Roster, Seat},
    settings::Values,
    wait::until,
};

pub use kind::{Kind, issues};

use dns::Names;
use led::Led;

/// The longest wait until a route leads to the primary, once that is one: a minute and a half, as long as VRRP takes with
/// advertisements every half minute.
const LEADS_LIMIT: Duration = Duration::from_secs(90);

/// How often is asked then.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How often it is looked who answers there while a drill runs.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The longest wait for a program to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// Memory of a node on a machine of its own, which it uses for its connections.
const MEMORY_MIB: u32 = 256;

/// How a system's nodes are asked whether they are primary.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// A script that ends with 0 in the network of a node whose server says so.
    pub script: &'static str,
    /// The lines of a proxy's check, by HAProxy's `tcp-check`, where a system's protocol allows one.
    pub dialogue: Option<&'static str>,
    /// Where clients connect.
    pub port: u16,
}

/// Asks at an address which primary answers there; nobody where none does, or one that is none.
type Who = Arc<dyn Fn(SocketAddr) -> BoxFuture<'static, Option<NodeName>> + Send + Sync>;

/// A route as it stands.
#[derive(Clone)]
pub struct Route {
    kind: Kind,
    /// Where clients connect; where they look a name up, the name server.
    pub entry: SocketAddr,
    /// What looks the primary up, where clients do.
    names: Option<Names>,
    /// The nodes that make it up.
    nodes: Vec<NodeName>,
    check: Check,
    who: Who,
    /// The period with which it looks or forgets: when a fault falls into it says how long it takes to notice.
    period: Duration,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut route = f.debug_struct("Route");
        route.field("kind", &self.kind).field("entry", &self.entry);
        route.finish_non_exhaustive()
    }
}

impl Route {
    /// The route of a design, its address reserved; nothing where clients go to the primary's own. `who` asks at an address
    /// which primary answers there.
    ///
    /// # Errors
    /// When the machines have no address left.
    pub async fn of<A>(
        design: &Design,
        roster: &Roster,
        deploy: &Deploy,
        check: Check,
        who: impl Fn(SocketAddr, Arc<Roster>) -> A + Send + Sync + 'static,
    ) -> Result<Option<Self>, SystemError>
    where
        A: Future<Output = Option<NodeName>> + Send + 'static,
    {
        let Some(kind) = Kind::of(design.route) else {
            return Ok(None);
        };
        let nodes = roster.of(MemberKind::Route).map(|seat| &seat.name);
        let of_it = |name: &&NodeName| match kind.node() {
            Some(node) => name.as_str() == node,
            None => keepalived::is_agent(name),
        };
        let nodes: Vec<NodeName> = nodes.filter(of_it).cloned().collect();
        let ip = match kind.node() {
            Some(node) => roster.named(&NodeName::new(node))?.address.ip(),
            None => keepalived::reserve(deploy).await?,
        };
        let values = Values::of(design);
        let named = (kind == Kind::Dns).then(|| Names::of(ip, values, check.port));
        let roster = Arc::new(roster.clone());
        Ok(Some(Self {
            kind,
            entry: SocketAddr::new(ip, check.port),
            names: named.transpose()?,
            nodes,
            check,
            who: Arc::new(move |address| Box::pin(who(address, roster.clone()))),
            period: kind.period(values)?,
        }))
    }

    /// Where clients go that follow an endpoint: it stays where it is.
    pub fn endpoint(&self) -> watch::Receiver<SocketAddr> {
        watch::channel(self.entry).1
    }

    fn specs(
        &self,
        roster: &Roster,
        deploy: &Deploy,
        values: Values<'_>,
    ) -> Result<Vec<NodeSpec>, SystemError> {
        let image = self.kind.image();
        let image = deploy.images.get(image).map_or(image, String::as_str);
        match self.kind {
            Kind::Keepalived => keepalived::specs(
                self.entry.ip(),
                &self.nodes,
                roster,
                image,
                values,
                self.check,
            ),
            Kind::HaProxy => haproxy::specs(roster, image, values, self.check),
            Kind::Nginx => nginx::specs(roster, image, self.check),
            Kind::Dns => dns::specs(roster, image, values),
        }
    }

    /// Makes its nodes and starts them, once those that hold data run.
    ///
    /// # Errors
    /// When one cannot be made or started.
    pub async fn raise(
        &self,
        roster: &Roster,
        deploy: &Deploy,
        values: Values<'_>,
    ) -> Result<(), SystemError> {
        deploy
            .emitter
            .note(format!("starting {}", self.kind.word()));
        for spec in self.specs(roster, deploy, values)? {
            deploy.runtime.create(&spec).await?;
            deploy.runtime.start(&spec.name).await?;
        }
        Ok(())
    }

    /// Where a client connects that needs a connection now: it may remember a record that has been changed since.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn way(&self) -> Result<SocketAddr, String> {
        match &self.names {
            Some(names) => names.kept().await,
            None => Ok(self.entry),
        }
    }

    /// The primary to which it leads someone who remembers nothing; nobody where none answers there.
    pub async fn leads(&self) -> Option<NodeName> {
        let address = match &self.names {
            Some(names) => names.fresh().await.ok()?,
            None => self.entry,
        };
        (self.who)(address).await
    }

    /// Lets the clients of another drill begin, who remember nothing; waits until they are led to the primary, and adds its
    /// period and what is read back to the stack's facts. Returns what was seen.
    ///
    /// # Errors
    /// When they are not led there in time, or a node of it does not answer.
    pub async fn prove(
        &self,
        primary: &Seat,
        runtime: &dyn Runtime,
        facts: &mut Stack,
    ) -> Result<String, SystemError> {
        self.names.iter().for_each(Names::forget);
        self.leads_to(primary).await?;
        facts.phase_ns = u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX);
        facts.effective.extend(self.read_back(runtime).await?);
        let (name, route) = (&primary.name, self.kind.word());
        Ok(format!("clients are led to {name} by {route}"))
    }

    /// Makes it lead to this node, which is primary: an operator changes a record or a configuration, and all else finds it by
    /// itself and is waited for.
    ///
    /// # Errors
    /// When the operator is refused, or it does not lead there in time: who answered last.
    pub async fn lead_to(&self, seat: &Seat, runtime: &dyn Runtime) -> Result<(), SystemError> {
        // One that leads there already is left alone: Nginx would end the sessions of a worker that it replaces.
        if self.leads().await.as_ref() != Some(&seat.name) {
            self.tell(seat, runtime).await?;
        }
        self.leads_to(seat).await
    }

    /// Waits until it leads to this node.
    ///
    /// # Errors
    /// When it does not in time: who answered last.
    pub async fn leads_to(&self, seat: &Seat) -> Result<(), SystemError> {
        let (node, in_a_row) = (&seat.name, AtomicU32::new(0));
        let asked = until(LEADS_LIMIT, ASK_EVERY, || async {
            let answers = self.leads().await;
            if answers.as_ref() != Some(node) {
                in_a_row.store(0, Ordering::Relaxed);
            }
            match answers {
                None => Err("no primary answers there".to_owned()),
                Some(name) if name != *node => Err(format!("{name} answers there")),
                Some(_) if in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= self.steady() => Ok(()),
                Some(_) => Err("others may answer there too".into()),
            }
        });
        let (route, entry) = (self.kind.word(), self.entry.ip());
        let words = |why| {
            format!("{route} at {entry} did not lead to {node} within {LEADS_LIMIT:?}: {why}")
        };
        asked.await.map_err(|why| SystemError::Refused(words(why)))
    }

    /// Does what an operator does for it; nothing for one that finds the primary by itself.
    async fn tell(&self, seat: &Seat, runtime: &dyn Runtime) -> Result<(), SystemError> {
        match &self.names {
            Some(names) => names.lead_to(seat, runtime).await,
            None if self.kind == Kind::Nginx => nginx::lead_to(seat, self.check, runtime).await,
            None => Ok(()),
        }
    }

    /// What clients know it by.
    fn label(&self) -> String {
        match self.names {
            Some(_) => dns::NAME.trim_end_matches('.').to_owned(),
            None => self.entry.ip().to_string(),
        }
    }

    /// How many answers of one node in a row show that it leads nowhere else: a proxy asks its servers by turns as long as
    /// several count as primary.
    fn steady(&self) -> u32 {
        match self.kind {
            Kind::Keepalived | Kind::Nginx | Kind::Dns => 1,
            Kind::HaProxy => 6,
        }
    }

    /// Its address, and what each of its nodes says of itself, as settings read back.
    async fn read_back(&self, runtime: &dyn Runtime) -> Result<Vec<Setting>, SystemError> {
        let route = self.kind.word();
        let (config, ask) = match self.kind {
            Kind::Keepalived => (keepalived::CONFIG_PATH, ["keepalived", "--version"]),
            Kind::HaProxy => (haproxy::CONFIG_PATH, ["haproxy", "-v"]),
            Kind::Nginx => (nginx::CONFIG_PATH, ["nginx", "-v"]),
            Kind::Dns => (dns::CONFIG_PATH, ["named", "-v"]),
        };
        let mut settings = vec![Setting {
            name: format!("{route} address"),
            value: self.entry.to_string(),
            source: config.into(),
        }];
        for node in &self.nodes {
            let said = runtime.exec(node, &ask, VERSION_LIMIT).await?;
            // Keepalived says it on standard error.
            let said = said.stderr + &said.stdout;
            settings.push(Setting {
                name: format!("{node} version"),
                value: said.lines().next().unwrap_or_default().to_owned(),
                source: ask.join(" "),
            });
        }
        Ok(settings)
    }

    /// Whether each of its nodes runs.
    pub async fn redundancy(&self, runtime: &dyn Runtime) -> Vec<(bool, String)> {
        let mut seen = Vec::new();
        for node in &self.nodes {
            let runs = runtime.state(node).await == Ok(NodeState::Running);
            let words = if runs { "runs" } else { "does not run" };
            seen.push((runs, format!("{node}: {words}")));
        }
        seen
    }

    /// Looks where it leads until told to stop, and says when that is elsewhere.
    pub fn watch(&self, emitter: Emitter, stop: CancellationToken) -> Observer {
        let (mut led, route) = (Led::new(self.kind.word(), self.label()), self.clone());
        tokio::spawn(async move {
            let mut ticks = interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let (at, leads) = tokio::select! {
                    () = stop.cancelled() => return,
                    looked = emitter.time(route.leads()) => looked,
                };
                if let Some((at, event)) = led.look(at, leads) {
                    emitter.say_at(at, What::Control(event));
                }
            }
        })
    }
}

/// A node of a route on a machine of its own.
fn alone(node: &str, image: &str, entrypoint: Vec<String>, files: Vec<NodeFile>) -> NodeSpec {
    NodeSpec {
        name: NodeName::new(node),
        image: image.to_owned(),
        entrypoint,
        command: Vec::new(),
        env: Vec::new(),
        files,
        memory_mib: MEMORY_MIB,
        sidecar: true,
        beside: None,
    }
}

/// A configuration with its words filled in.
fn filled_in(text: &str, words: &[(&str, String)]) -> String {
    let filled = |text: String, (word, value): &(&str, String)| text.replace(word, value);
    words.iter().fold(text.to_owned(), filled)
}
