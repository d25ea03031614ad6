//! The files of a run folder that follow from its record and its operations alone.

use crate::{evidence, history::History, record::Record, report::render_all, score::Judgement};

/// Each of them, by name. The same run gives the same bytes, wherever and whenever it is judged.
pub fn rendered(
    record: &Record,
    history: &History,
    judgement: &Judgement,
) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![("result.json", evidence::result_json(record, judgement))];
    files.extend(render_all(record, history, judgement));
    files
}
