//! What elements that a program tells amount to.

use crate::{
    id::{LaneId, RunId},
    record::Holdings,
    system::mark::read_numbered,
};

use super::protocol::Answer;

/// The highest number among elements plus one, 0 for none.
pub fn version(run: &RunId, lane: LaneId, elements: &[String]) -> u64 {
    let seen = elements
        .iter()
        .filter_map(|one| read_numbered(run, lane, one));
    seen.map(|(seq, _)| seq + 1).max().unwrap_or(0)
}

/// Everything that answers to a final read tell.
pub fn holdings(run: &RunId, answers: &[Answer]) -> Holdings {
    let (mut found, mut alien) = (Vec::new(), 0);
    for (list, elements) in answers.iter().flat_map(|answer| &answer.lists) {
        let lane = LaneId(*list);
        for element in elements {
            match read_numbered(run, lane, element) {
                Some((seq, sound)) => found.push((lane, seq, sound)),
                None => alien += 1,
            }
        }
    }
    Holdings {
        alien,
        ..Holdings::collect(found)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::system::mark::numbered;

    #[test]
    fn what_was_written_is_read_and_what_was_not_is_told() {
        let run = RunId::new("20261121t081500", 7);
        let lane = LaneId(3);
        let own = |seq| numbered(&run, lane, seq);
        assert_eq!(version(&run, lane, &[own(3), own(41), own(7)]), 42);
        assert_eq!(version(&run, lane, &[]), 0);
        let torn = format!("{:012}:00000000", 9);
        let lists = BTreeMap::from([(3, vec![own(1), own(1), torn, "rubbish".into()])]);
        let answer = Answer {
            lists,
            ..Answer::default()
        };
        let held = holdings(&run, &[answer]);
        assert_eq!((held.len(), held.alien), (2, 1));
        assert_eq!(held.repeated.len(), 1);
        assert_eq!(held.corrupt, [(lane, 9)]);
    }
}
