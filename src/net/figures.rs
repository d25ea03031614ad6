//! What numbered datagrams on a path came to.

use std::time::Duration;

use crate::id::NodeName;

/// Bytes that probe a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Push {
    /// For how long, once they flow.
    pub time: Duration,
    /// At most so many bits a second.
    pub bits: f64,
}

/// New connections that probe a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knock {
    /// How many.
    pub count: u32,
    /// One every so often.
    pub gap: Duration,
    /// How long each is waited for: less than the second after which the kernel would try again.
    pub limit: Duration,
}

/// What new connections to a node came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Knocked {
    /// How many were tried.
    pub tried: u32,
    /// On how many bytes came back.
    pub answered: u32,
    /// How many had no answer in time.
    pub silent: u32,
    /// From the first try to the last one, seconds.
    pub seconds: f64,
}

/// Datagrams that probe a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// How many.
    pub count: u32,
    /// One every so often.
    pub gap: Duration,
    /// How long the last one is waited for.
    pub limit: Duration,
    /// From how many sockets by turns: what keeps the order of a socket's datagrams leaves others alone.
    pub flows: u32,
}

impl Ping {
    /// How long it takes.
    pub fn took(self) -> Duration {
        self.gap * self.count + self.limit
    }
}

/// What datagrams between a node and another one came to, there and back.
#[derive(Debug, Clone, PartialEq)]
pub struct PathFigures {
    /// The node.
    pub node: NodeName,
    /// The other node; none stands for the harness.
    pub peer: Option<NodeName>,
    /// How many were sent.
    pub sent: u32,
    /// How many of them came back.
    pub answered: u32,
    /// How many came back once more.
    pub again: u32,
    /// How many came back after a later one.
    pub overtaken: u32,
    /// The times of those that came back, in milliseconds, the least first.
    times: Vec<f64>,
}

impl PathFigures {
    /// From what came back, in the order of arrival, after how many milliseconds.
    pub fn of(node: &NodeName, peer: Option<&NodeName>, sent: u32, came: &[(u32, f64)]) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let (mut times, mut again, mut overtaken, mut last) = (Vec::new(), 0, 0, 0);
        for (number, ms) in came {
            if !seen.insert(number) {
                again += 1;
                continue;
            }
            overtaken += u32::from(*number < last);
            last = last.max(*number);
            times.push(*ms);
        }
        times.sort_by(f64::total_cmp);
        Self {
            node: node.clone(),
            peer: peer.cloned(),
            sent,
            answered: u32::try_from(times.len()).unwrap_or(u32::MAX),
            again,
            overtaken,
            times,
        }
    }

    /// The least, the median and the greatest time of those that came back, in milliseconds; none if none came back.
    pub fn ms(&self) -> Option<(f64, f64, f64)> {
        let middle = *self.times.get(self.times.len() / 2)?;
        Some((*self.times.first()?, middle, *self.times.last()?))
    }

    /// How many of those that came back took less than this, in milliseconds.
    pub fn earlier_than(&self, ms: f64) -> u32 {
        let earlier = self.times.partition_point(|time| *time < ms);
        u32::try_from(earlier).unwrap_or(u32::MAX)
    }

    /// How many of those that came back took longer than this, in milliseconds.
    pub fn later_than(&self, ms: f64) -> u32 {
        let later = self.times.len() - self.times.partition_point(|time| *time <= ms);
        u32::try_from(later).unwrap_or(u32::MAX)
    }

    /// How many did not come back.
    pub fn lost(&self) -> u32 {
        self.sent - self.answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_repeated_and_overtaken_datagrams_are_told_apart() {
        let came = [(0, 1.0), (2, 1.0), (1, 9.0), (2, 1.0), (4, 2.0)];
        let figures = PathFigures::of(&NodeName::new("a"), None, 6, &came);
        assert_eq!(
            (figures.answered, figures.again, figures.overtaken),
            (4, 1, 1)
        );
        assert_eq!((figures.lost(), figures.ms()), (2, Some((1.0, 2.0, 9.0))));
        assert_eq!((figures.later_than(1.0), figures.earlier_than(9.0)), (2, 3));
        let silent = PathFigures::of(&NodeName::new("a"), None, 3, &[]);
        assert_eq!((silent.lost(), silent.ms()), (3, None));
    }
}
