//! `run --matrix`: a scenario with every combination of some values.

use drdrill::scenario::Scenario;

/// Keys of a system's stack that may stand alone.
const OF_THE_SYSTEM: [&str; 4] = ["image", "nodes", "cpu", "topology"];

/// One key and the values that it takes one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// As it was given: a key of the scenario, or short for one of its system.
    key: String,
    values: Vec<String>,
}

impl Axis {
    /// Reads `KEY=VALUE,VALUE..`.
    ///
    /// # Errors
    /// When it is not of that form, or names a value twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "expected KEY=VALUE,VALUE.., such as `image=redis:7,redis:8`";
        let (key, values) = text.split_once('=').ok_or(form)?;
        let values: Vec<String> = values.split(',').map(|it| it.trim().to_owned()).collect();
        if key.is_empty() || values.iter().any(String::is_empty) {
            return Err(form.into());
        }
        let mut sorted = values.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("`{}` is there twice: name it once", twice[0]));
        }
        let key = key.to_owned();
        Ok(Self { key, values })
    }

    /// The key in full, of a scenario with this system.
    fn full(&self, system: &str) -> String {
        let first = self.key.split('.').next().unwrap_or_default();
        if OF_THE_SYSTEM.contains(&self.key.as_str()) || first == "settings" {
            format!("stack.{system}.{}", self.key)
        } else {
            self.key.clone()
        }
    }
}

/// One combination of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combination {
    /// As a person wrote it.
    pub title: String,
    /// What replaces values of the scenario.
    pub overrides: Vec<(String, String)>,
}

/// Every combination of the axes' values for a scenario, the last axis changing first; one that replaces nothing where
/// there is no axis.
pub fn combinations(axes: &[Axis], scenario: &Scenario) -> Vec<Combination> {
    let system = scenario.stack.keys().next();
    combined(axes, system.map_or("", String::as_str))
}

fn combined(axes: &[Axis], system: &str) -> Vec<Combination> {
    let mut all = vec![Combination {
        title: String::new(),
        overrides: Vec::new(),
    }];
    for axis in axes {
        let longer = |one: &Combination| -> Vec<Combination> {
            let values = axis.values.iter();
            let with = values.map(|value| {
                let mut overrides = one.overrides.clone();
                overrides.push((axis.full(system), value.clone()));
                let title = format!("{} {}={value}", one.title, axis.key);
                let title = title.trim_start().to_owned();
                Combination { title, overrides }
            });
            with.collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_made_once_and_short_keys_are_those_of_the_system() {
        let axes = ["image=redis:7,redis:8", "settings.down-after=1s,2s"].map(Axis::parse);
        let axes: Vec<Axis> = axes.into_iter().map(Result::unwrap).collect();
        let all = combined(&axes, "redis");
        let titles: Vec<&str> = all.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "image=redis:7 settings.down-after=1s",
                "image=redis:7 settings.down-after=2s",
                "image=redis:8 settings.down-after=1s",
                "image=redis:8 settings.down-after=2s",
            ]
        );
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            all[1].overrides,
            [
                pair("stack.redis.image", "redis:7"),
                pair("stack.redis.settings.down-after", "2s"),
            ]
        );
        let other = Axis::parse("targets.rto=1s").unwrap();
        assert_eq!(other.full("redis"), "targets.rto");
    }

    #[test]
    fn what_is_no_list_of_values_is_refused() {
        for wrong in ["image", "image=", "=a,b", "image=a,,b", "image=a,a"] {
            assert!(Axis::parse(wrong).is_err(), "{wrong}");
        }
    }
}
