//! Routes: what leads clients to the primary at one address of its own, and finds out by itself where the primary is.

pub mod dns;
pub mod haproxy;
pub mod keepalived;
mod kind;
mod led;
pub mod nginx;

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{Emitter, MemberKind, Setting, What},
    runtime::{NodeSpec, NodeState, Runtime},
};

use super::{
    Deploy, Design, Observer, SystemError,
    roster::{Roster, Seat},
    settings::Values,
    wait::until,
};

pub use kind::{Kind, issues};

use dns::Names;

/// The longest wait until a route leads to the primary, once that is one: a minute and a half, as long as VRRP takes with
/// advertisements every half minute.
const LEADS_LIMIT: Duration = Duration::from_secs(90);

/// How often is asked then.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How often it is looked who answers there while a drill runs.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The longest wait for a program to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

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

/// A route as it stands.
#[derive(Debug, Clone)]
pub struct Route {
    kind: Kind,
    /// Where clients connect; where they look a name up, the name server.
    pub entry: SocketAddr,
    /// The same, for clients that follow an endpoint: it stays where it is.
    fixed: Arc<watch::Sender<SocketAddr>>,
    /// What looks the primary up, where clients do.
    names: Option<Names>,
    /// The nodes that make it up.
    nodes: Vec<NodeName>,
    check: Check,
    /// See `period_ns`.
    period: Duration,
}

impl Route {
    /// The route of a design, its address reserved; nothing where clients go to the primary's own.
    ///
    /// # Errors
    /// When the machines have no address left.
    pub async fn of(
        design: &Design,
        roster: &Roster,
        deploy: &Deploy,
        check: Check,
    ) -> Result<Option<Self>, SystemError> {
        let Some(kind) = Kind::of(design.route) else {
            return Ok(None);
        };
        let of_it = |name: &&NodeName| match kind {
            Kind::Keepalived => keepalived::is_agent(name),
            Kind::HaProxy => name.as_str() == haproxy::NODE,
            Kind::Nginx => name.as_str() == nginx::NODE,
            Kind::Dns => name.as_str() == dns::NODE,
        };
        let nodes = roster.of(MemberKind::Route).map(|seat| &seat.name);
        let nodes: Vec<NodeName> = nodes.filter(of_it).cloned().collect();
        let ip = match kind {
            Kind::Keepalived => keepalived::reserve(deploy).await?,
            Kind::HaProxy => roster.named(&NodeName::new(haproxy::NODE))?.address.ip(),
            Kind::Nginx => roster.named(&NodeName::new(nginx::NODE))?.address.ip(),
            Kind::Dns => roster.named(&NodeName::new(dns::NODE))?.address.ip(),
        };
        let named = (kind == Kind::Dns).then(|| Names::of(ip, Values::of(design), check.port));
        let entry = SocketAddr::new(ip, check.port);
        Ok(Some(Self {
            kind,
            entry,
            fixed: Arc::new(watch::Sender::new(entry)),
            names: named.transpose()?,
            period: kind.period(Values::of(design))?,
            nodes,
            check,
        }))
    }

    /// Where clients go that follow an endpoint.
    pub fn endpoint(&self) -> watch::Receiver<SocketAddr> {
        self.fixed.subscribe()
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

    /// The period with which it looks or forgets, nanoseconds: when a fault falls into it says how long it takes to notice.
    pub fn period_ns(&self) -> u64 {
        u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX)
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

    /// Where it leads now, for someone who remembers nothing.
    pub async fn now(&self) -> Option<SocketAddr> {
        match &self.names {
            Some(names) => names.fresh().await.ok(),
            None => Some(self.entry),
        }
    }

    /// Lets the clients of another drill begin: they remember nothing.
    pub fn forget(&self) {
        self.names.iter().for_each(Names::forget);
    }

    /// Makes it lead to this node, which is primary: an operator changes a record or a configuration, and all else finds it by
    /// itself and is waited for, as `who` learns by asking at its address.
    ///
    /// # Errors
    /// When it does not in time: who answered last.
    pub async fn lead_to<A>(
        &self,
        seat: &Seat,
        runtime: &dyn Runtime,
        who: impl Fn(SocketAddr) -> A,
    ) -> Result<(), SystemError>
    where
        A: Future<Output = Option<NodeName>>,
    {
        let answers = || async {
            match self.now().await {
                Some(address) => who(address).await,
                None => None,
            }
        };
        let node = &seat.name;
        // Who leads there already is left alone: Nginx would end the sessions of a worker that it replaces.
        if answers().await.as_ref() != Some(node) {
            self.tell(seat, runtime).await?;
        }
        let in_a_row = AtomicU32::new(0);
        let asked = until(LEADS_LIMIT, ASK_EVERY, || async {
            let answers = answers().await;
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
    ///
    /// # Errors
    /// When one does not answer.
    pub async fn read_back(&self, runtime: &dyn Runtime) -> Result<Vec<Setting>, SystemError> {
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

    /// Looks who answers at its address until told to stop, and says when it leads elsewhere.
    pub fn watch<A>(
        &self,
        emitter: Emitter,
        stop: CancellationToken,
        who: impl Fn(SocketAddr) -> A + Send + Sync + 'static,
    ) -> Observer
    where
        A: Future<Output = Option<NodeName>> + Send,
    {
        let (mut led, route) = (led::Led::new(self.kind.word(), self.label()), self.clone());
        tokio::spawn(async move {
            let mut ticks = interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let look = async {
                    match route.now().await {
                        Some(address) => who(address).await,
                        None => None,
                    }
                };
                let (at, answers) = tokio::select! {
                    () = stop.cancelled() => return,
                    looked = emitter.time(look) => looked,
                };
                if let Some((at, event)) = led.look(at, answers) {
                    emitter.say_at(at, What::Control(event));
                }
            }
        })
    }
}
