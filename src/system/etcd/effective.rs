//! Reads the settings back from the running members.

use std::time::Duration;

use serde_json::Value;

use crate::{
    record::Setting,
    system::{SystemError, http::get},
};

use super::{bounds::bounds, running::EtcdStack};

/// Where a member tells its own command line and its limit of file descriptors.
const VARIABLES: &str = "/debug/vars";

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// What a member runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Effective {
    heartbeat: Duration,
    election: Duration,
    descriptors: Option<u32>,
}

/// Fills in the version, the settings, the connection limit and the bounds. Flags beat environment variables and there is
/// no configuration file, so what the process was started with is in force.
///
/// # Errors
/// When a member does not tell, or not all tell the same.
pub async fn read_back(stack: &mut EtcdStack) -> Result<(), SystemError> {
    let refused =
        |words: String| SystemError::Refused(format!("failed to read the settings back: {words}"));
    let mut members = Vec::new();
    for seat in stack.roster.data() {
        let answer = get(seat.address, VARIABLES, ASK_LIMIT)
            .await
            .map_err(refused)?;
        let said = read(&answer.json().map_err(refused)?);
        members
            .push(said.map_err(|what| refused(format!("`{}` does not tell {what}", seat.name)))?);
    }
    let one = members.first().cloned();
    let one = one.ok_or_else(|| refused("there is no member".into()))?;
    if let Some(other) = members
        .iter()
        .find(|other| (other.heartbeat, other.election) != (one.heartbeat, one.election))
    {
        return Err(refused(format!(
            "members run with unlike timings: {one:?} and {other:?}"
        )));
    }
    let versions: Vec<String> = stack
        .statuses()
        .await
        .into_iter()
        .filter_map(|(_, status)| Some(status?.version))
        .collect();
    stack.stack.server = match versions.first() {
        Some(version) => format!("etcd {version}"),
        None => return Err(refused("no member tells its version".into())),
    };
    stack.stack.connection_limit = members.iter().filter_map(|member| member.descriptors).min();
    stack.stack.bounds = bounds(one.heartbeat, one.election);
    stack.stack.phase_ns = u64::try_from(one.heartbeat.as_nanos()).unwrap_or(0);
    stack.stack.effective = settings(&one, stack.serializable);
    Ok(())
}

fn settings(one: &Effective, serializable: bool) -> Vec<Setting> {
    let setting = |name: &str, value: String, source: &str| Setting {
        name: name.to_owned(),
        value,
        source: source.to_owned(),
    };
    let members = "every member: /debug/vars, its command line";
    let reads = match serializable {
        true => "serializable: what the member that is asked has itself",
        false => "linearizable: what the leader has confirmed since it was asked",
    };
    vec![
        setting(
            "heartbeat-interval",
            format!("{:?}", one.heartbeat),
            members,
        ),
        setting("election-timeout", format!("{:?}", one.election), members),
        setting(
            "reads",
            reads.into(),
            "clients: every read but those pinned to a member",
        ),
    ]
}

/// Reads the variables; the error says what is missing.
fn read(variables: &Value) -> Result<Effective, &'static str> {
    let words: Vec<&str> = variables["cmdline"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let milliseconds = |flag: &str| {
        let value = words.iter().find_map(|word| word.strip_prefix(flag))?;
        value.parse().ok().map(Duration::from_millis)
    };
    let descriptors = variables["file_descriptor_limit"].as_u64();
    Ok(Effective {
        heartbeat: milliseconds("--heartbeat-interval=").ok_or("its heartbeat interval")?,
        election: milliseconds("--election-timeout=").ok_or("its election timeout")?,
        descriptors: descriptors.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn timings_are_read_from_the_command_line_that_a_member_tells() {
        let mut variables = json!({
            "cmdline": ["/usr/local/bin/etcd", "--name=e1", "--heartbeat-interval=50", "--election-timeout=2000"],
            "file_descriptor_limit": 1_048_576_u64,
        });
        let expected = Effective {
            heartbeat: Duration::from_millis(50),
            election: Duration::from_secs(2),
            descriptors: Some(1_048_576),
        };
        assert_eq!(read(&variables), Ok(expected));
        variables["cmdline"][3] = "--initial-cluster=x".into();
        assert_eq!(read(&variables), Err("its election timeout"));
        assert_eq!(read(&json!({})), Err("its heartbeat interval"));
    }
}
