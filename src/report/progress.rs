//! Live progress: a line per meaningful event, and on a terminal a spinner that shows the clients' state.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    measure::{format, lane::SUSTAIN},
    record::{Event, Milestone, Residue, Role, Shard, Stack, What},
    scenario::{Expect, Scenario, Step},
    shown::shown,
};

use super::view::text;

/// Shorter hold-ups are in the record, and judged; a person at the terminal need not hear of them.
const STALL_WORTH_SAYING: std::time::Duration = std::time::Duration::from_millis(100);

/// What the clients did within the last second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Acknowledged operations per second.
    pub ok: u64,
    /// Other operations per second.
    pub not_ok: u64,
}

/// Shows a run's progress. It is given events and counters, and writes nowhere but to its writer.
pub struct Progress<W> {
    out: W,
    spinner: Option<ProgressBar>,
    step: String,
    scenario: Option<Box<Scenario>>,
    primaries: Vec<String>,
    shards: Vec<Shard>,
    counters: Counters,
    clients: bool,
}

impl<W: Write> Progress<W> {
    /// Plain lines only: for files, pipes and CI.
    pub fn plain(out: W) -> Self {
        Self {
            out,
            spinner: None,
            step: "starting: images, nodes, replication".into(),
            scenario: None,
            primaries: Vec::new(),
            shards: Vec::new(),
            counters: Counters::default(),
            clients: false,
        }
    }

    /// Lines, with a spinner below them that is drawn on `target`; lines then go through the spinner.
    pub fn live(out: W, target: ProgressDrawTarget) -> Self {
        let spinner = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{spinner:.cyan} {elapsed:>4} {wide_msg}")
            .expect("the template is valid");
        spinner.set_style(style);
        spinner.enable_steady_tick(std::time::Duration::from_millis(120));
        Self {
            spinner: Some(spinner),
            ..Self::plain(out)
        }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn on_event(&mut self, event: &Event) -> io::Result<()> {
        if let What::View(view) = &event.what {
            return self.on_view(event, view.node.as_str(), view.role);
        }
        match &event.what {
            What::Opened(opened) => {
                self.scenario = Some(Box::new(opened.scenario.clone()));
            }
            What::StepStarted { step, title } => {
                self.step = self.waited_for(*step, title);
                if let Some(spinner) = &self.spinner {
                    spinner.reset_elapsed();
                }
            }
            What::Stack(stack) => self.shards.clone_from(&stack.shards),
            What::Clients(_) => self.clients = true,
            What::ClientsStopped => {
                self.clients = false;
                self.step = "final reads".into();
            }
            What::Closed(_) => self.step = "tearing down".into(),
            _ => {}
        }
        if let Some(mut line) = line(&event.what) {
            if let What::StepStarted { step, .. } = &event.what {
                line.push_str(self.window(*step));
            }
            self.say(event, &line)?;
        }
        if matches!(event.what, What::Clients(_)) {
            self.say_estimate(event)?;
        }
        self.refresh();
        Ok(())
    }

    /// What a step waits for beside its condition.
    fn window(&self, step: usize) -> &'static str {
        match self.step_of(step) {
            Some(Step::Expect(Expect::Recovered(_))) => ", then 10 s without a failure",
            Some(Step::Expect(Expect::Consumed(_))) => ", then 10 s without a delay",
            _ => "",
        }
    }

    fn step_of(&self, step: usize) -> Option<&Step> {
        self.scenario.as_ref()?.drill.get(step)
    }

    /// What a step waits for, how long that may take, and how long the steps behind it take at least.
    fn waited_for(&self, step: usize, title: &str) -> String {
        let mut text = format!("{title}{}", self.window(step));
        let most = self.step_of(step).and_then(|it| it.estimate(SUSTAIN).most);
        if let Some(most) = most {
            text.push_str(&format!(" (at most {})", format::roughly(most)));
        }
        let scenario = self.scenario.as_ref();
        let rest = scenario.map(|it| it.estimate(step + 1, SUSTAIN).least);
        if let Some(rest) = rest.filter(|rest| !rest.is_zero()) {
            text.push_str(&format!("  |  then {} more", format::roughly(rest)));
        }
        text
    }

    /// How long the steps take, once the stack stands.
    fn say_estimate(&mut self, event: &Event) -> io::Result<()> {
        let Some(scenario) = &self.scenario else {
            return Ok(());
        };
        let estimate = scenario.estimate(0, SUSTAIN);
        let steps = text::plural(scenario.drill.len() as u64, "step");
        let least = format::roughly(estimate.least);
        let most = estimate.most.map_or_else(String::new, |most| {
            format!(", at most {}", format::roughly(most))
        });
        self.say(
            event,
            &format!("{steps}: about {least} if all goes well{most}"),
        )
    }

    /// Takes the clients' counters, about once a second; shown on a terminal only.
    pub fn on_counters(&mut self, counters: Counters) {
        self.counters = counters;
        self.refresh();
    }

    /// Takes the spinner away.
    pub fn finish(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    /// Says so when another set of nodes calls itself primary.
    fn on_view(&mut self, event: &Event, node: &str, role: Role) -> io::Result<()> {
        let before = self.primaries.clone();
        self.primaries.retain(|other| other != node);
        if role == Role::Primary {
            self.primaries.push(node.to_owned());
            self.primaries.sort();
        }
        if self.primaries != before {
            let line = self.primaries_beside(node);
            self.say(event, &line)?;
        }
        self.refresh();
        Ok(())
    }

    /// Who calls itself primary among those of whom one should be: all, or the members of the node's shard.
    fn primaries_beside(&self, node: &str) -> String {
        let holds = |shard: &&Shard, name: &str| shard.members.iter().any(|m| m.as_str() == name);
        let shard = self.shards.iter().find(|shard| holds(shard, node));
        let own = self.primaries.iter().map(String::as_str);
        let own: Vec<&str> = own
            .filter(|name| shard.is_none_or(|shard| holds(&shard, name)))
            .collect();
        let place = shard.map_or_else(String::new, |shard| format!(" of shard {}", shard.number));
        match own.as_slice() {
            [] => format!("no node calls itself primary{place}"),
            [one] => format!("primary{place}: {one}"),
            several => format!("more than one primary{place}: {}", several.join(", ")),
        }
    }

    fn say(&mut self, event: &Event, line: &str) -> io::Result<()> {
        let text = format!("{:>9}  {}", text::seconds(event.at.high.0), shown(line));
        match &self.spinner {
            Some(spinner) if !spinner.is_hidden() => {
                let out = &mut self.out;
                spinner.suspend(|| writeln!(out, "{text}"))
            }
            Some(_) | None => writeln!(self.out, "{text}"),
        }
    }

    fn refresh(&self) {
        let Some(spinner) = &self.spinner else {
            return;
        };
        let mut message = self.step.clone();
        if self.clients {
            let Counters { ok, not_ok } = self.counters;
            message.push_str(&format!("  |  {ok} ok/s, {not_ok} not ok/s"));
        }
        if !self.primaries.is_empty() {
            message.push_str(&format!("  |  primary: {}", self.primaries.join(", ")));
        }
        spinner.set_message(shown(&message).into_owned());
    }
}

/// An event in one line; `None` for those that are no news to a person.
fn line(what: &What) -> Option<String> {
    let line = match what {
        What::Opened(opened) => format!(
            "run {} of {}, attempt {} of {}, seed {}",
            opened.run, opened.scenario.name, opened.attempt, opened.attempts, opened.seed
        ),
        What::Image(image) => format!("image {}", image.used),
        What::Note(note) => note.clone(),
        What::Stack(stack) => ready(stack),
        What::Rearmed(rearmed) => format!(
            "run {} on the stack of run {}, which is whole again",
            rearmed.nth, rearmed.stack_of
        ),
        What::HandedOn => "the stack stays for the next repeat".into(),
        What::Capacity(capacity) => format!(
            "{:.0} writes a second were taken beside the drill's own clients",
            capacity.per_second()
        ),
        What::Alerting(alerting) => match &alerting.proof {
            Ok(_) => "alerting works: its watchdog was delivered".into(),
            Err(why) => format!("alerting does not work: {}", text::clean(why)),
        },
        What::Alert(event) => format!(
            "alert {} {}",
            text::clean(&event.alert),
            text::alert_moment(event.moment)
        ),
        What::AlertsUnseen { why } => format!("alerts could not be seen: {}", text::clean(why)),
        What::Clients(lanes) => {
            let lanes = text::plural(lanes.len() as u64, "lane");
            format!("clients started: {lanes}")
        }
        What::ConsumerGroup(group) => text::sharing(group),
        What::Rebalanced(moved) => text::rebalanced(moved),
        What::StepStarted { step, title } => format!("step {}: {title}", step + 1),
        What::StepEnded { step, result } => format!("step {} {}", step + 1, text::step(result)),
        What::Disrupted(disruption) => {
            format!("{} ({})", text::disruption(disruption), disruption.means)
        }
        What::Effect(effect) => text::effect(effect.state).into(),
        What::Healed { step } => format!("healed what step {} broke", step + 1),
        What::Action(deed) => text::action(deed),
        What::BackedUp(backup) => text::backed_up(backup),
        What::Restored(restored) => text::restored(restored),
        What::Control(event) if event.milestone.is_some_and(worth) => {
            format!("{}: {}", event.source, event.text)
        }
        What::Stalled { by } if *by < STALL_WORTH_SAYING => return None,
        What::Stalled { by } => format!("the harness was held up for {} ms", by.as_millis()),
        What::Dropped { packets: 1.. } => "the machine dropped packets".into(),
        What::Unexplained(one) => text::clean(&one.told()).to_string(),
        What::Returned { node } => format!("{node} is back"),
        What::Redundant { .. } => "every member is back in sync".into(),
        What::Converged { reached, .. } => converged(*reached).into(),
        What::ClientsStopped => "clients stopped".into(),
        What::Closed(status) => format!("run {}", text::status(status)),
        What::Residue(residue) => cleaned(residue),
        What::Environment(_)
        | What::Consumed(_)
        | What::View(_)
        | What::LogKept(_)
        | What::Control(_)
        | What::Final(_)
        | What::Due { .. }
        | What::Watched(_)
        | What::Dropped { packets: 0 } => return None,
    };
    Some(line)
}

fn ready(stack: &Stack) -> String {
    let (server, topology, primary) = (&stack.server, &stack.topology, &stack.primary);
    format!("{server} {topology} is ready, primary {primary}")
}

fn converged(reached: bool) -> &'static str {
    match reached {
        true => "members converged",
        false => "members did not converge",
    }
}

fn cleaned(residue: &Residue) -> String {
    if residue.left.is_empty() && residue.failed.is_empty() {
        return format!("cleaned up: {} removed, nothing left", residue.removed);
    }
    format!(
        "cleanup incomplete: left {}; failed {}",
        residue.left.join(", "),
        residue.failed.join(", ")
    )
}

/// Whether the control plane's word for a milestone is news: the clients' own milestones are theirs to say.
fn worth(milestone: Milestone) -> bool {
    match milestone {
        Milestone::Declared | Milestone::Accepts | Milestone::Routed => true,
        Milestone::FirstFailure | Milestone::FirstSuccess | Milestone::Sustained => false,
    }
}
