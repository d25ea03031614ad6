//! A policy: which scenario files a gate accepts runs of, by their digests, and the fewest runs of each.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The version of the file.
const SCHEMA: u32 = 1;
/// Characters of a SHA-256 digest in hexadecimal.
const DIGEST: usize = 64;

/// What a gate accepts; it lies where whoever runs the drills cannot change it unseen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    schema: u32,
    scenarios: BTreeMap<String, Permitted>,
}

/// What is accepted of one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Permitted {
    /// SHA-256 of each permitted scenario file, in hexadecimal.
    digests: Vec<String>,
    /// The fewest runs that are judged together.
    #[serde(default = "one")]
    runs: usize,
}

fn one() -> usize {
    1
}

impl Policy {
    /// Reads a policy, which is JSON.
    ///
    /// # Errors
    /// When it is no policy, is of another version, or pins nothing.
    pub fn read(text: &str) -> Result<Self, String> {
        let policy: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if policy.schema != SCHEMA {
            let found = policy.schema;
            return Err(format!(
                "its schema is {found}, this drdrill reads {SCHEMA}"
            ));
        }
        if policy.scenarios.is_empty() {
            return Err("it names no scenario".into());
        }
        for (name, permitted) in &policy.scenarios {
            permitted
                .sound()
                .map_err(|why| format!("`{name}`: {why}"))?;
        }
        Ok(policy)
    }

    /// The scenarios that must have evidence.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.scenarios.keys().map(String::as_str)
    }

    /// Whether runs of a scenario, each with its name and the digests of its file and of the runbooks that it names, may be
    /// decided on.
    ///
    /// # Errors
    /// Why not: the scenario is not named, a file is another, or the runs are too few.
    pub fn permits(&self, scenario: &str, runs: &[(String, Vec<String>)]) -> Result<(), String> {
        let Some(permitted) = self.scenarios.get(scenario) else {
            return Err(format!("the policy does not name `{scenario}`"));
        };
        for (run, digests) in runs {
            let other = |digest: &&String| !permitted.digests.contains(digest);
            if let Some(digest) = digests.iter().find(other) {
                return Err(format!(
                    "the policy does not permit the scenario file of run {run}, or a runbook of it: its digest is {digest}"
                ));
            }
        }
        if runs.len() < permitted.runs {
            return Err(format!(
                "the policy asks for at least {} runs together, and {} were judged",
                permitted.runs,
                runs.len()
            ));
        }
        Ok(())
    }
}

impl Permitted {
    fn sound(&self) -> Result<(), &'static str> {
        let hex = |digest: &String| {
            let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            digest.len() == DIGEST && digest.bytes().all(lower)
        };
        if self.digests.is_empty() {
            return Err("it has no digest");
        }
        if !self.digests.iter().all(hex) {
            return Err("a digest is not 64 hexadecimal digits in lower case");
        }
        if self.runs == 0 {
            return Err("`runs` is at least 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(digest: &str, more: &str) -> String {
        format!(r#"{{"schema":1,"scenarios":{{"a-kill":{{"digests":["{digest}"]{more}}}}}}}"#)
    }

    #[test]
    fn only_pinned_files_in_sufficient_number_are_permitted() {
        let (own, other) = ("a".repeat(64), "b".repeat(64));
        let policy = Policy::read(&text(&own, r#","runs":2"#)).unwrap();
        let runs = |digests: &[&String]| -> Vec<(String, Vec<String>)> {
            let one = |digest: &&String| ("run".to_owned(), vec![(*digest).clone()]);
            digests.iter().map(one).collect()
        };
        assert_eq!(policy.permits("a-kill", &runs(&[&own, &own])), Ok(()));
        for wrong in [&[&own][..], &[], &[&own, &other], &[&other, &other]] {
            assert!(policy.permits("a-kill", &runs(wrong)).is_err());
        }
        let runbook = vec![own.clone(), other.clone()];
        let with_runbook = [("run".to_owned(), runbook), runs(&[&own]).remove(0)];
        assert!(policy.permits("a-kill", &with_runbook).is_err());
        let variant = policy.permits("a-kill [targets.rto=1h]", &runs(&[&own, &own]));
        assert!(variant.is_err());
        assert_eq!(policy.names().collect::<Vec<_>>(), ["a-kill"]);
    }

    #[test]
    fn a_policy_that_pins_nothing_is_refused() {
        let own = "a".repeat(64);
        for wrong in [
            r#"{"schema":1,"scenarios":{}}"#.to_owned(),
            r#"{"schema":1,"scenarios":{"a-kill":{"digests":[]}}}"#.to_owned(),
            text(&own, r#","runs":0"#),
            text(&own, r#","minimum":3"#),
            text(&own, r#","digests":["b"]"#),
            text(&own.to_uppercase(), ""),
            text("abc", ""),
            text(&own, "").replace("\"schema\":1", "\"schema\":2"),
            String::new(),
        ] {
            assert!(Policy::read(&wrong).is_err(), "{wrong}");
        }
    }
}
