//! What a probe says to Redis on a connection of its own, byte by byte.

use crate::net::Dialogue;

/// `ECHO` and `QUIT` in Redis's protocol.
#[derive(Debug)]
pub struct Resp;

impl Dialogue for Resp {
    fn greeting(&self) -> Vec<u8> {
        Vec::new()
    }

    fn request(&self, bytes: usize) -> Vec<u8> {
        let mut words = format!("*2\r\n$4\r\nECHO\r\n${bytes}\r\n").into_bytes();
        words.resize(words.len() + bytes, b'x');
        words.extend_from_slice(b"\r\n");
        words
    }

    fn whole(&self, heard: &[u8]) -> bool {
        if heard.first() != Some(&b'$') {
            // An error or a status is one line.
            return heard.ends_with(b"\r\n");
        }
        let Some(line) = heard.windows(2).position(|pair| pair == b"\r\n") else {
            return false;
        };
        let length = std::str::from_utf8(&heard[1..line]).ok();
        let length = length.and_then(|length| length.parse::<usize>().ok());
        length.is_some_and(|length| heard.len() >= line + 2 + length + 2)
    }

    fn farewell(&self) -> Vec<u8> {
        b"*1\r\n$4\r\nQUIT\r\n".to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_whole_with_its_last_byte() {
        let request = Resp.request(3);
        assert_eq!(request, b"*2\r\n$4\r\nECHO\r\n$3\r\nxxx\r\n");
        assert!(Resp.whole(b"$3\r\nxxx\r\n"));
        for part in ["", "$", "$3\r\n", "$3\r\nxxx\r"] {
            assert!(!Resp.whole(part.as_bytes()), "{part}");
        }
    }
}
