//! Reads everything that the run wrote, key by key.

use std::{iter::repeat_n, time::Duration};

use serde_json::Value;
use tokio::time::timeout;

use crate::{
    record::Holdings,
    system::{SystemError, endpoints::Endpoint, mark::Element},
};

use super::{
    api::{Failure, Open, Question, found, number, plain},
    element::Elements,
};

/// The longest time for one read; the drill gives it 60 s.
const READ_LIMIT: Duration = Duration::from_secs(55);

/// How many keys a read fetches at a time.
const PAGE: u32 = 2_000;

/// Reads all appends at one member: with `serializable` what it has itself, without what the cluster agrees on.
///
/// # Errors
/// When they cannot be read.
pub async fn holdings(
    elements: &Elements,
    endpoint: Endpoint,
    serializable: bool,
) -> Result<Holdings, SystemError> {
    let address = endpoint.address;
    let refused =
        |words: String| SystemError::Refused(format!("failed to read {address}: {words}"));
    match timeout(READ_LIMIT, read(elements, endpoint, serializable)).await {
        Ok(Ok(pages)) => Ok(collect(elements, pages.iter().flat_map(found))),
        Ok(Err(failure)) => Err(refused(failure.to_string())),
        Err(_) => Err(refused(format!("not done within {READ_LIMIT:?}"))),
    }
}

/// All pages, of the store as it was at the first one.
async fn read(
    elements: &Elements,
    endpoint: Endpoint,
    serializable: bool,
) -> Result<Vec<Value>, Failure> {
    let prefix = elements.prefix();
    let mut open = Open::at(endpoint).await.map_err(Failure::Lost)?;
    let mut question = Question::first(&prefix, &prefix, PAGE, serializable);
    let mut pages = Vec::new();
    let mut revision = None;
    loop {
        let page = open.ask(&question).await?;
        let strange = || Failure::Unreadable("a page without its revision or its last key".into());
        let at = match revision {
            Some(at) => at,
            None => number(&page["header"]["revision"]).ok_or_else(strange)?,
        };
        revision = Some(at);
        let more = page["more"].as_bool().unwrap_or(false);
        let last = found(&page).last().and_then(|last| plain(&last["key"]));
        pages.push(page);
        if !more {
            return Ok(pages);
        }
        let next = format!("{}\0", last.ok_or_else(strange)?);
        question = Question::first(&prefix, &next, PAGE, serializable).at_revision(at);
    }
}

fn collect<'a>(elements: &Elements, keys: impl Iterator<Item = &'a Value>) -> Holdings {
    let (mut appends, mut alien) = (Vec::new(), 0);
    for key in keys {
        match elements.read(key) {
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
    use serde_json::json;

    use super::*;
    use crate::{
        id::{LaneId, RunId},
        system::etcd::element::Space,
    };

    #[test]
    fn a_key_that_was_put_twice_is_an_element_applied_twice() {
        let elements = Elements::new(RunId::new("20261121t081500", 7));
        let key = |seq, version: &str| {
            let put = elements.append(Space::Appends, LaneId(1), seq).body;
            json!({ "key": put["key"], "value": put["value"], "version": version })
        };
        let keys = [key(1, "2"), key(0, "1"), json!({ "key": "?" })];
        let holdings = collect(&elements, keys.iter());
        assert_eq!((holdings.len(), holdings.alien), (2, 1));
        assert_eq!(holdings.repeated.len(), 1);
        assert_eq!(
            (holdings.repeated[0].seq, holdings.repeated[0].times),
            (1, 2)
        );
        assert!(holdings.corrupt.is_empty());
    }
}
