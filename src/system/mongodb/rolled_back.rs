//! What members rolled back, from the files that they write it to: the evidence of writes that were acknowledged and lost.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use mongodb::bson::Document;

use crate::{id::NodeName, runtime::Runtime, system::roster::Roster};

/// The longest wait for one member's files.
const READ_LIMIT: Duration = Duration::from_secs(20);

/// Each file's name after a `#`, then its bytes in hexadecimal. A member without such files has no such folder.
const DUMP: &str = "cd /data/db/rollback 2>/dev/null || exit 0
find . -name '*.bson' | sort | while read -r file; do echo \"# $file\"; od -An -v -tx1 \"$file\"; done";

/// The documents that each member rolled back, one line each, under a name for the file.
pub async fn collect(runtime: &Arc<dyn Runtime>, roster: &Roster) -> Vec<(NodeName, String)> {
    let dumps = roster.data().map(|seat| async {
        let name = NodeName::new(format!("{}-rolled-back", seat.name));
        match runtime
            .exec(&seat.name, &["sh", "-c", DUMP], READ_LIMIT)
            .await
        {
            Ok(dump) if dump.stdout.is_empty() => None,
            Ok(dump) => Some((name, readable(&dump.stdout))),
            Err(error) => Some((name, format!("{error}\n"))),
        }
    });
    join_all(dumps).await.into_iter().flatten().collect()
}

fn readable(dump: &str) -> String {
    let mut text = String::new();
    for file in dump.split("# ").filter(|file| !file.is_empty()) {
        let (name, digits) = file.split_once('\n').unwrap_or((file, ""));
        let bytes = digits
            .split_whitespace()
            .filter_map(|digits| u8::from_str_radix(digits, 16).ok());
        let documents = documents(&bytes.collect::<Vec<u8>>());
        text.push_str(&format!(
            "# {name}: {} documents rolled back\n",
            documents.len()
        ));
        for document in documents {
            text.push_str(&format!("{document}\n"));
        }
    }
    text
}

/// The documents of a file, up to one that cannot be read.
fn documents(mut bytes: &[u8]) -> Vec<Document> {
    let mut documents = Vec::new();
    while !bytes.is_empty() {
        match Document::from_reader(&mut bytes) {
            Ok(document) => documents.push(document),
            Err(_) => break,
        }
    }
    documents
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn files_are_read_document_by_document() {
        let hexadecimal = |document: &Document| {
            let bytes = document.to_vec().expect("bytes");
            bytes
                .iter()
                .map(|byte| format!(" {byte:02x}"))
                .collect::<String>()
        };
        let (one, two) = (
            hexadecimal(&doc! { "seq": 1 }),
            hexadecimal(&doc! { "seq": 2 }),
        );
        let dump = format!("# ./drdrill/removed.bson\n{one}\n{two}\n# ./x.bson\n{one} 07\n");
        let expected = "# ./drdrill/removed.bson: 2 documents rolled back\n{ \"seq\": 1 }\n{ \"seq\": 2 }\n\
            # ./x.bson: 1 documents rolled back\n{ \"seq\": 1 }\n";
        assert_eq!(readable(&dump), expected);
    }
}
