//! What a node of the reference store logged: the witness of calibration without containers.

use crate::{id::LaneId, time::Span};

use super::definitions_loss::Ids;
use super::loss::GivenUp;

/// How long a script was played, by the kernel's clock as the node logged it.
pub fn played(log: &str, script: &str) -> Option<Span> {
    let moments = |word: &str| -> Option<(i128, i128)> {
        let start = format!("script {script} {word} ");
        let line = log.lines().find_map(|line| line.strip_prefix(&start))?;
        let mut numbers = line.split(' ');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    };
    let (begins, ends) = (moments("begins")?, moments("ends")?);
    Some(Span {
        low_ns: u64::try_from(ends.0 - begins.1).ok()?,
        high_ns: Some(u64::try_from(ends.1 - begins.0).ok()?),
    })
}

/// The elements of lines that start with a word.
pub fn elements(log: &str, word: &str) -> Ids {
    let start = format!("{word} ");
    log.lines()
        .filter_map(|line| line.strip_prefix(&start))
        .filter_map(element)
        .collect()
}

/// The number on the last line that starts with these words.
pub fn number(log: &str, words: &str) -> Option<i128> {
    let lines = log.lines().rev();
    let mut numbers = lines.filter_map(|line| line.strip_prefix(words)?.trim().parse().ok());
    numbers.next()
}

fn element(text: &str) -> Option<(LaneId, u64)> {
    let mut words = text.split(' ');
    let lane = LaneId(words.next()?.parse().ok()?);
    Some((lane, words.next()?.parse().ok()?))
}

/// What a node gave up that had been isolated.
pub fn given_up(log: &str) -> Option<GivenUp> {
    let begins = log
        .lines()
        .find(|line| line.starts_with("script isolate begins "))?;
    let length: u64 = begins.rsplit(' ').next()?.parse().ok()?;
    let lines = log.lines().filter_map(|line| line.strip_prefix("gave up "));
    let mut given_up = GivenUp::default();
    for line in lines {
        let (name, place) = line.split_once(" at ")?;
        let id = element(name)?;
        given_up.all.insert(id);
        if place.parse::<u64>().ok()? >= length {
            given_up.after.insert(id);
        }
    }
    Some(given_up)
}

/// Each read that was answered: its version, and how old the first element was that it did not show.
pub fn reads(log: &str) -> Vec<(u64, u64)> {
    let numbers = |line: &str| -> Option<(u64, u64)> {
        let mut words = line.strip_prefix("read ")?.split(' ').skip(1);
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    log.lines().filter_map(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_read_as_they_are_written() {
        let log = "127.0.0.1:1 listens\nscript refuse begins 1000 1200 length 2\ndropped 0 7\n\
                   script refuse ends 5000 5100\nread 0 3 70\nread 0 4 0\n";
        assert_eq!(
            played(log, "refuse"),
            Some(Span {
                low_ns: 3800,
                high_ns: Some(4100)
            })
        );
        assert_eq!(played(log, "hang"), None);
        assert_eq!(elements(log, "dropped"), [(LaneId(0), 7)].into());
        assert_eq!(reads(log), [(3, 70), (4, 0)]);
        let log = "script isolate begins 1 2 length 5\ngave up 0 3 at 4\ngave up 1 9 at 5\n";
        let told = given_up(log).expect("an isolated node's log");
        assert_eq!(told.all, [(LaneId(0), 3), (LaneId(1), 9)].into());
        assert_eq!(told.after, [(LaneId(1), 9)].into());
    }
}
