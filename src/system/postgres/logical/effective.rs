//! What the running servers say of their settings and of the subscription, and what follows from them.

use std::time::Duration;

use sqlx::Row;

use crate::{
    record::{Bound, Milestone, Setting, Wait},
    system::{
        SystemError,
        postgres::{effective::server_settings, sql},
        roster::Seat,
    },
    time::Span,
};

use super::{SUBSCRIPTION, moves::AT_REST, running::LogicalStack};

/// The longest wait for a server to say its settings.
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// What decides how a subscriber applies, what an acknowledged write has reached, and whether others than its
/// subscription may write to it: they may, unless someone forbids it. The drill's probes count it as no primary.
const SUBSCRIBED: [(&str, &str); 7] = [
    ("enabled", "subenabled::text"),
    ("streaming", "substream::text"),
    ("two_phase", "subtwophasestate::text"),
    ("synchronous_commit", "subsynccommit"),
    ("disable_on_error", "subdisableonerr::text"),
    ("origin", "suborigin"),
    (
        "server is read-only to others",
        "current_setting('transaction_read_only')",
    ),
];

/// Reads the primary's settings and every subscription back, and writes them into the stack's facts.
///
/// # Errors
/// When they cannot be read.
pub async fn read(stack: &mut LogicalStack, primary: &Seat) -> Result<(), SystemError> {
    let mut settings = server_settings(primary).await?;
    settings.push(stack.shape.isolation.fact());
    let subscribers = stack.roster.data().filter(|seat| seat.name != primary.name);
    for seat in subscribers {
        settings.extend(subscription(seat).await?);
    }
    let find = |name: &str| {
        let setting = settings.iter().find(|setting| setting.name == name);
        setting.map(|setting| setting.value.clone())
    };
    let server = find("server_version").map_or("PostgreSQL".into(), |v| format!("PostgreSQL {v}"));
    stack.facts.server = server;
    stack.facts.connection_limit = find("max_connections").and_then(|value| value.parse().ok());
    stack.facts.effective = settings;
    stack.facts.bounds = bounds();
    Ok(())
}

async fn subscription(seat: &Seat) -> Result<Vec<Setting>, SystemError> {
    let refused = |words: String| SystemError::Refused(format!("`{}`: {words}", seat.name));
    let columns = SUBSCRIBED.map(|(name, column)| format!("{column} AS \"{name}\""));
    let question = format!(
        "SELECT {} FROM pg_subscription WHERE subname = '{SUBSCRIPTION}'",
        columns.join(", ")
    );
    let rows = sql::ask(seat.address, ASK_LIMIT, &question).await;
    let rows = rows.map_err(refused)?;
    let row = rows
        .first()
        .ok_or_else(|| refused("it has no subscription".into()))?;
    let setting = |(name, _): &(&str, &str)| {
        let value = row.try_get(*name);
        Ok(Setting {
            name: format!("subscription {name}"),
            value: value.map_err(|error: sqlx::Error| refused(error.to_string()))?,
            source: format!("{}: pg_subscription and a session", seat.name),
        })
    };
    SUBSCRIBED.iter().map(setting).collect()
}

/// With an operator: nothing happens by itself, and no upper bound follows from any setting.
fn bounds() -> Vec<Bound> {
    let waits = [
        Wait::open(
            Milestone::Accepts,
            "an operator promotes the subscriber",
            "nothing fails over by itself: no setting",
        ),
        Wait {
            span: Span::at_least(AT_REST),
            ..Wait::open(
                Milestone::Accepts,
                "a look that it applies no more, and the end of the subscription",
                "the subscriber's backlog",
            )
        },
    ];
    ["kill primary", "pause primary", "partition primary"]
        .map(|fault| Bound::of(fault, waits.to_vec(), ""))
        .to_vec()
}
