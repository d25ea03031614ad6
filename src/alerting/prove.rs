//! Proves that alerting works before anything is broken: targets, rules, and a notification that arrives.

use std::{net::SocketAddr, time::Duration};

use crate::{
    record::{AlertRule, Alerting, AlertingMember, WATCHDOG},
    system::wait::until,
};

use super::{
    api::{self, Rules, ScrapeTarget},
    design::AlertingDesign,
    seen::{NAME, Seen},
};

/// The longest wait for it to work, beyond the scenario's own intervals.
const LIMIT: Duration = Duration::from_secs(60);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// What is to be proven.
pub struct Proving<'a> {
    /// Alerting as it was built.
    pub design: &'a AlertingDesign,
    /// Where Prometheus listens.
    pub prometheus: SocketAddr,
    /// Where Alertmanager listens.
    pub alertmanager: SocketAddr,
    /// How many targets there are.
    pub targets: usize,
    /// How many of them are exporters.
    pub exporters: usize,
    /// What the receiver heard.
    pub seen: &'a Seen,
}

/// What was read back.
struct Proven {
    targets: Vec<ScrapeTarget>,
    rules: Vec<AlertRule>,
    group_wait_ns: u64,
}

/// Waits until every target is up and every exporter reaches its member, every rule was evaluated, nothing but the
/// watchdog and what may fire is active, and the watchdog's notification has arrived.
pub async fn prove(proving: Proving<'_>, members: Vec<AlertingMember>) -> Alerting {
    let spec = &proving.design.spec;
    let limit =
        LIMIT + spec.group_wait.0 + 2 * (spec.scrape_interval.0 + spec.evaluation_interval.0);
    let mut alerting = Alerting {
        members,
        scrape_ns: 0,
        scrape_timeout_ns: 0,
        group_wait_ns: 0,
        rules: Vec::new(),
        proof: Ok(Vec::new()),
    };
    match until(limit, ASK_EVERY, || proving.look()).await {
        Ok(proven) => {
            let longest = |of: fn(&ScrapeTarget) -> &str| {
                let all = proven.targets.iter().filter_map(|it| api::nanos(of(it)));
                all.max().unwrap_or_default()
            };
            alerting.scrape_ns = longest(|target| &target.scrape_interval);
            alerting.scrape_timeout_ns = longest(|target| &target.scrape_timeout);
            alerting.group_wait_ns = proven.group_wait_ns;
            alerting.proof = Ok(vec![
                format!(
                    "{} targets are up, and every exporter reaches its member",
                    proven.targets.len()
                ),
                format!(
                    "{} alerting rules were evaluated without an error, none of them active but {WATCHDOG} and what may fire",
                    proven.rules.len()
                ),
                format!("the notification of {WATCHDOG} arrived"),
            ]);
            alerting.rules = proven.rules;
        }
        Err(why) => alerting.proof = Err(format!("within {limit:?} it was not proven: {why}")),
    }
    alerting
}

impl Proving<'_> {
    async fn look(&self) -> Result<Proven, String> {
        api::ready(self.prometheus).await?;
        api::ready(self.alertmanager).await?;
        let targets = api::targets(self.prometheus).await?;
        if let Some(why) = targets_problem(&targets, self.targets) {
            return Err(why);
        }
        let up = self.design.exporter.up;
        let reached = api::reached(self.prometheus, up).await?;
        if reached < self.exporters {
            return Err(format!(
                "`{up}` is 1 at {reached} of {} exporters",
                self.exporters
            ));
        }
        let Rules { alerts, unhealthy } = api::rules(self.prometheus).await?;
        if let Some(rule) = unhealthy.first() {
            return Err(format!("the rule {rule}"));
        }
        let active = api::active(self.prometheus).await?;
        let mut names = active.iter().filter_map(|alert| alert.labels.get(NAME));
        let may = &self.design.spec.may_fire;
        if let Some(name) = names.find(|name| *name != WATCHDOG && !may.contains(name)) {
            return Err(format!("{name} is active already"));
        }
        if !self.seen.watched() {
            return Err(format!("no notification of {WATCHDOG} has arrived"));
        }
        Ok(Proven {
            targets,
            rules: alerts,
            group_wait_ns: api::group_wait(self.alertmanager).await?,
        })
    }
}

fn targets_problem(targets: &[ScrapeTarget], expected: usize) -> Option<String> {
    if targets.len() < expected {
        return Some(format!("{} of {expected} targets are known", targets.len()));
    }
    let down = targets.iter().find(|target| target.health != "up")?;
    let who = down.labels.get("instance").map_or("?", String::as_str);
    Some(format!(
        "the target {who} is {}: {}",
        down.health, down.last_error
    ))
}
