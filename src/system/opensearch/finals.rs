//! Reads everything that the run wrote, page by page, and refuses what is not the whole.

use std::{iter::repeat_n, time::Duration};

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    record::Holdings,
    system::{SystemError, endpoints::Endpoint, mark::Element},
};

use super::{
    api::{Failure, Open, Question, complete},
    element::Elements,
};

/// The longest time for one read; the drill gives it 60 s.
const READ_LIMIT: Duration = Duration::from_secs(55);

/// How many documents a read fetches at a time.
const PAGE: usize = 2_000;

/// Whose copy is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// The primary, wherever it is.
    Primary,
    /// That of the node that is asked, and no other.
    Own,
}

impl Copy {
    fn preference(self) -> &'static str {
        match self {
            Self::Primary => "_primary",
            Self::Own => "_only_local",
        }
    }
}

/// Reads all appends of one copy, as it is once what was written before can be searched for.
///
/// # Errors
/// When they cannot be read, or not all of them.
pub async fn holdings(
    elements: &Elements,
    endpoint: Endpoint,
    copy: Copy,
) -> Result<Holdings, SystemError> {
    let address = endpoint.address;
    let refused =
        |words: String| SystemError::Refused(format!("failed to read {address}: {words}"));
    match timeout(READ_LIMIT, read(elements, endpoint, copy)).await {
        Ok(Ok(found)) => Ok(collect(elements, &found)),
        Ok(Err(failure)) => Err(refused(failure.to_string())),
        Err(_) => Err(refused(format!("not done within {READ_LIMIT:?}"))),
    }
}

/// A search sees what was refreshed: each copy that is to answer is refreshed first, and all pages are of one moment
/// (a point in time).
async fn read(elements: &Elements, endpoint: Endpoint, copy: Copy) -> Result<Vec<Value>, Failure> {
    let mut open = Open::at(endpoint).await.map_err(Failure::Lost)?;
    let index = elements.index();
    let refresh = Question::with("POST", format!("/{index}/_refresh"), &json!({}));
    let refreshed = open.ask(&refresh).await?;
    if refreshed["_shards"]["failed"] != 0 {
        return Err(partial("a refresh", &refreshed));
    }
    let path = format!(
        "/{index}/_search/point_in_time?keep_alive=1m&preference={}",
        copy.preference()
    );
    let moment = open.ask(&Question::with("POST", path, &json!({}))).await?;
    if !complete(&moment) {
        return Err(partial("a point in time", &moment));
    }
    let found = pages(&mut open, &moment["pit_id"]).await;
    let end = json!({ "pit_id": [moment["pit_id"]] });
    let end = Question::with("DELETE", "/_search/point_in_time", &end);
    // One that is not ended ends by itself; what was read was read.
    let _ = open.ask(&end).await;
    found
}

async fn pages(open: &mut Open, moment: &Value) -> Result<Vec<Value>, Failure> {
    let mut found: Vec<Value> = Vec::new();
    loop {
        let mut search = json!({
            "size": PAGE,
            "version": true,
            "track_total_hits": true,
            "query": { "exists": { "field": "lane" } },
            "sort": [{ "lane": "asc" }, { "seq": "asc" }],
            "pit": { "id": moment, "keep_alive": "1m" },
        });
        if let Some(last) = found.last() {
            search["search_after"] = last["sort"].clone();
        }
        let mut page = open
            .ask(&Question::with("POST", "/_search", &search))
            .await?;
        if !complete(&page) || page["timed_out"] != false {
            return Err(partial("a search", &page));
        }
        let total = page["hits"]["total"]["value"].as_u64();
        let Value::Array(hits) = page["hits"]["hits"].take() else {
            return Err(partial("a search", &page));
        };
        let last = hits.len() < PAGE;
        found.extend(hits);
        if last {
            // Two documents of one number at the end of a page would be taken for one.
            return match total == u64::try_from(found.len()).ok() {
                true => Ok(found),
                false => {
                    let words = format!("{} of {total:?} documents", found.len());
                    Err(Failure::Unreadable(words))
                }
            };
        }
    }
}

/// An answer that not every copy gave which was asked.
fn partial(what: &str, answer: &Value) -> Failure {
    let shards = answer["_shards"].to_string();
    let shards: String = shards.chars().take(300).collect();
    Failure::Unreadable(format!("{what} is not complete: {shards}"))
}

fn collect(elements: &Elements, found: &[Value]) -> Holdings {
    let (mut appends, mut alien) = (Vec::new(), 0);
    for one in found {
        match elements.read(one) {
            (Element::Append(lane, seq, sound), times) => {
                let times = usize::try_from(times).unwrap_or(usize::MAX);
                appends.extend(repeat_n((lane, seq, sound), times));
            }
            (Element::Alien, _) => alien += 1,
        }
    }
    Holdings {
        alien,
        ..Holdings::collect(appends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{LaneId, RunId},
        system::mark,
    };

    #[test]
    fn a_document_that_was_written_twice_is_an_element_applied_twice() {
        let run = RunId::new("20261121t081500", 7);
        let elements = Elements::new(run.clone());
        let document = |seq: u64, version: u64| {
            let lane = LaneId(1);
            json!({
                "_id": format!("append-1-{seq}"), "_version": version,
                "_source": {
                    "lane": 1, "seq": seq,
                    "body": mark::body(&run, lane, seq), "sum": mark::checksum(&run, lane, seq),
                },
            })
        };
        let found = [document(1, 2), document(0, 1), json!({ "_id": "?" })];
        let holdings = collect(&elements, &found);
        assert_eq!((holdings.len(), holdings.alien), (2, 1));
        assert_eq!(holdings.repeated.len(), 1);
        assert_eq!(
            (holdings.repeated[0].seq, holdings.repeated[0].times),
            (1, 2)
        );
        assert!(holdings.corrupt.is_empty());
    }
}
