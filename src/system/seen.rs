//! Collects what was seen of a stack's members; what is missing comes first.

use std::{future::Future, time::Duration};

use tokio::time::sleep;

use super::Redundancy;

/// How often positions are compared before they count as different: members cannot be asked at the very same moment, and what
/// they tell each other moves them a few times a second.
const COMPARISONS: u32 = 10;

/// The pause between two comparisons.
const PAUSE: Duration = Duration::from_millis(50);

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    missing: Vec<String>,
    there: Vec<String>,
}

impl Seen {
    /// One observation, and whether it is as it should be.
    pub fn note(&mut self, good: bool, text: String) {
        if good {
            self.there.push(text);
        } else {
            self.missing.push(text);
        }
    }

    /// Whole if nothing is missing.
    pub fn redundancy(self) -> Redundancy {
        Redundancy {
            whole: self.missing.is_empty(),
            evidence: self.missing.into_iter().chain(self.there).collect(),
        }
    }
}

/// Of observations, each with whether it is as it should be.
impl FromIterator<(bool, String)> for Redundancy {
    fn from_iter<I: IntoIterator<Item = (bool, String)>>(observations: I) -> Self {
        let mut seen = Seen::default();
        for (good, text) in observations {
            seen.note(good, text);
        }
        seen.redundancy()
    }
}

/// Looks until all is as it should be twice in a row; the last look, which is not whole where that was never so.
pub async fn twice<F, A>(mut look: F) -> Redundancy
where
    F: FnMut() -> A,
    A: Future<Output = Redundancy>,
{
    let mut found = look().await;
    for _ in 1..COMPARISONS {
        let before = found.whole;
        sleep(PAUSE).await;
        found = look().await;
        if before && found.whole {
            return found;
        }
    }
    found.whole = false;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_first_and_leaves_nothing_whole() {
        let told = |all: &[(bool, &str)]| -> Redundancy {
            all.iter()
                .map(|(good, text)| (*good, (*text).to_owned()))
                .collect()
        };
        let some = told(&[(true, "a"), (false, "b"), (true, "c"), (false, "d")]);
        assert_eq!(some.evidence, ["b", "d", "a", "c"]);
        assert!(!some.whole);
        assert!(told(&[(true, "a"), (true, "b")]).whole);
    }

    /// Whether a series of looks, the last of which is repeated, is whole, and how many were taken.
    async fn looked(series: &[bool]) -> (bool, usize) {
        let mut looks = 0;
        let found = twice(|| {
            let good = series[looks.min(series.len() - 1)];
            looks += 1;
            async move { [(good, String::new())].into_iter().collect() }
        });
        (found.await.whole, looks)
    }

    #[tokio::test]
    async fn once_is_not_twice_in_a_row() {
        assert_eq!(looked(&[true, true]).await, (true, 2));
        assert_eq!(looked(&[true, false, true, true]).await, (true, 4));
        let turns: Vec<bool> = (0..10).map(|look| look % 2 == 1).collect();
        assert_eq!(looked(&turns).await, (false, 10));
    }
}
