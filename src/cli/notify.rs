//! Tells a webhook what happened, as a CloudEvent. That it cannot be told is a warning, never a verdict.

use std::time::Duration;

use serde_json::{Value, json};

use super::output;

/// The time for all of it: name, connection, answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Posts a CloudEvent (version 1.0, structured mode). `id` is the same for the same thing, so that a
/// receiver can tell a repetition.
pub fn notify(url: &str, kind: &str, id: &str, subject: &str, data: &Value) {
    let event = json!({
        "specversion": "1.0",
        "type": format!("drdrill.{kind}"),
        "source": "drdrill",
        "id": id,
        "subject": subject,
        "datacontenttype": "application/json",
        "data": data,
    });
    if let Err(error) = post(url, &event.to_string()) {
        output::talk(&format!(
            "warning: failed to tell the webhook at {} of {kind}: {error}\n",
            host(url)
        ));
    }
}

fn post(url: &str, body: &str) -> Result<(), ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .build()
        .into();
    agent
        .post(url)
        .header(
            "content-type",
            "application/cloudevents+json; charset=utf-8",
        )
        .send(body)
        .map(|_| ())
}

/// The address without its path and user, which may hold a token.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}
