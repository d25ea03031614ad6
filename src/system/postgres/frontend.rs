//! What a probe says to PostgreSQL on a connection of its own, message by message.

use crate::net::Dialogue;

/// The start of a session, simple queries, and its end, in PostgreSQL's protocol (version 3.0).
#[derive(Debug)]
pub struct Frontend;

/// A message: its kind, its length (itself included), its content.
fn message(kind: Option<u8>, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).unwrap_or(u32::MAX);
    let mut bytes: Vec<u8> = kind.into_iter().collect();
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(content);
    bytes
}

impl Dialogue for Frontend {
    fn greeting(&self) -> Vec<u8> {
        let mut content = 0x0003_0000_u32.to_be_bytes().to_vec();
        content.extend_from_slice(
            b"user\0postgres\0database\0postgres\0application_name\0drdrill\0\0",
        );
        message(None, &content)
    }

    fn request(&self, bytes: usize) -> Vec<u8> {
        let query = format!("SELECT '{}'\0", "x".repeat(bytes));
        message(Some(b'Q'), query.as_bytes())
    }

    /// The server ends every answer by saying that it is ready for the next query.
    fn whole(&self, heard: &[u8]) -> bool {
        let mut rest = heard;
        while let [kind, a, b, c, d, ..] = *rest {
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            let Some(next) = rest.get(length.saturating_add(1)..) else {
                return false;
            };
            if kind == b'Z' {
                return true;
            }
            rest = next;
        }
        false
    }

    fn farewell(&self) -> Vec<u8> {
        message(Some(b'X'), b"")
    }

    /// A message of the protocol's own, `SSLRequest`; the server agrees with one letter.
    fn asks_for_tls(&self) -> Option<(Vec<u8>, u8)> {
        Some((message(None, &80_877_103_u32.to_be_bytes()), b'S'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_once_the_server_is_ready() {
        assert_eq!(Frontend.request(2), b"Q\0\0\0\x10SELECT 'xx'\0");
        assert_eq!(Frontend.farewell(), b"X\0\0\0\x04");
        let asks = (b"\0\0\0\x08\x04\xd2\x16\x2f".to_vec(), b'S');
        assert_eq!(Frontend.asks_for_tls(), Some(asks));
        let complete = message(Some(b'C'), b"SELECT 1\0");
        let ready = message(Some(b'Z'), b"I");
        assert!(!Frontend.whole(&complete));
        assert!(Frontend.whole(&[complete.clone(), ready.clone()].concat()));
        assert!(!Frontend.whole(&[complete, ready[..5].to_vec()].concat()));
    }
}
