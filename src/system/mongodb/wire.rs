//! MongoDB's wire protocol as far as a probe needs it: one connection, one command at a time, no retry.
//!
//! The driver shares connections, watches every member on further ones, and waits for its own idea of the topology
//! before it sends anything; a probe measures the server only if it does none of that. The application's clients use the
//! driver (`app`).

use std::{io, net::SocketAddr};

use mongodb::bson::{Document, doc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Bytes of a message's header: its length, its number, the number that it answers, its kind.
const HEADER: usize = 16;

/// The kind of every message of today (`OP_MSG`).
const OP_MSG: i32 = 2013;

/// The longest message that a server sends (`maxMessageSizeBytes`).
const LONGEST: usize = 48_000_000;

/// Why a command has no answer that says it was done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The connection could not be made, or was lost.
    #[error("{0}")]
    Lost(#[from] io::Error),
    /// The server answered with an error.
    #[error("{name} ({code}): {message}")]
    Answered {
        /// Where in the answer the error stood.
        place: Place,
        /// Its number, from the server's `error_codes.yml`.
        code: i32,
        /// Its name; empty where the server gave none.
        name: String,
        /// The server's words.
        message: String,
    },
    /// What came back is no answer.
    #[error("unreadable answer: {0}")]
    Unreadable(String),
}

/// Where in an answer an error stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The command failed.
    Command,
    /// The command ran, and this write of it was refused.
    Write,
    /// The write was applied, and fewer members than wanted have confirmed it.
    WriteConcern,
}

/// One connection.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    number: i32,
}

impl Line {
    /// Connects. Callers have deadlines of their own.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, number: 0 })
    }

    /// Sends one command and reads its answer. A connection on which this failed or was given up is of no more use,
    /// unless the server answered.
    ///
    /// # Errors
    /// When the connection is lost, or the server answers that the command or a write of it failed.
    pub async fn ask(
        &mut self,
        database: &str,
        mut command: Document,
    ) -> Result<Document, Failure> {
        command.insert("$db", database);
        self.number = self.number.wrapping_add(1);
        let message = message(self.number, &command)?;
        self.stream.write_all(&message).await?;
        let mut header = [0; HEADER];
        self.stream.read_exact(&mut header).await?;
        let mut body = vec![0; body_length(&header, self.number)?];
        self.stream.read_exact(&mut body).await?;
        judged(document(&body)?)
    }
}

/// One conversation of one command on a connection of its own.
///
/// # Errors
/// As [`Line::ask`].
pub async fn ask(
    address: SocketAddr,
    database: &str,
    command: Document,
) -> Result<Document, Failure> {
    Line::connect(address).await?.ask(database, command).await
}

/// The server's own view of its role.
pub fn hello() -> Document {
    doc! { "hello": 1 }
}

fn message(number: i32, command: &Document) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: mongodb::bson::error::Error| Failure::Unreadable(error.to_string());
    let command = command.to_vec().map_err(unreadable)?;
    // No flags, and one section of kind 0: the command itself.
    let length = HEADER + 4 + 1 + command.len();
    let whole =
        i32::try_from(length).map_err(|_| Failure::Unreadable("a command too long".into()))?;
    let mut message = Vec::with_capacity(length);
    for word in [whole, number, 0, OP_MSG, 0] {
        message.extend(word.to_le_bytes());
    }
    message.push(0);
    message.extend(command);
    Ok(message)
}

/// How many bytes follow the header of the answer to message `number`.
fn body_length(header: &[u8; HEADER], number: i32) -> Result<usize, Failure> {
    let word = |at: usize| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        i32::from_le_bytes(bytes)
    };
    if (word(8), word(12)) != (number, OP_MSG) {
        return Err(Failure::Unreadable("not the answer to the command".into()));
    }
    let length = usize::try_from(word(0)).unwrap_or(0);
    if (HEADER..=LONGEST).contains(&length) {
        Ok(length - HEADER)
    } else {
        Err(Failure::Unreadable(format!("{length} bytes long")))
    }
}

fn document(body: &[u8]) -> Result<Document, Failure> {
    // Four bytes of flags, one of the section's kind.
    let section = body.get(5..).filter(|_| body[4] == 0);
    let section = section.ok_or_else(|| Failure::Unreadable("no document in it".into()))?;
    Document::from_reader(section).map_err(|error| Failure::Unreadable(error.to_string()))
}

/// Numbers come as any of three types.
pub fn number(document: &Document, key: &str) -> Option<i64> {
    use mongodb::bson::Bson;
    match document.get(key)? {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        // Counts and codes are whole and small.
        Bson::Double(number) => Some(*number as i64),
        _ => None,
    }
}

/// An answer that says the command, each write of it and its write concern are done; else the error.
fn judged(answer: Document) -> Result<Document, Failure> {
    if number(&answer, "ok") != Some(1) {
        return Err(error(Place::Command, &answer));
    }
    let first = answer
        .get_array("writeErrors")
        .ok()
        .and_then(|all| all.first()?.as_document());
    if let Some(first) = first {
        return Err(error(Place::Write, first));
    }
    match answer.get_document("writeConcernError") {
        Ok(refused) => Err(error(Place::WriteConcern, refused)),
        Err(_) => Ok(answer),
    }
}

fn error(place: Place, said: &Document) -> Failure {
    let text = |key| said.get_str(key).unwrap_or_default().to_owned();
    let code = number(said, "code").and_then(|code| i32::try_from(code).ok());
    Failure::Answered {
        place,
        code: code.unwrap_or(0),
        name: text("codeName"),
        message: text("errmsg"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(answer: Document) -> Option<(Place, i32)> {
        match judged(answer) {
            Ok(_) => None,
            Err(Failure::Answered { place, code, .. }) => Some((place, code)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_answer_is_done_only_if_command_write_and_write_concern_are() {
        assert_eq!(place(doc! { "n": 1, "ok": 1.0 }), None);
        let refused = doc! { "ok": 0.0, "code": 10107, "codeName": "NotWritablePrimary", "errmsg": "not primary" };
        assert_eq!(place(refused), Some((Place::Command, 10107)));
        let write =
            doc! { "n": 0, "ok": 1.0, "writeErrors": [{ "index": 0, "code": 189, "errmsg": "" }] };
        assert_eq!(place(write), Some((Place::Write, 189)));
        let late = doc! { "n": 1, "ok": 1.0, "writeConcernError": { "code": 64, "codeName": "WriteConcernTimeout" } };
        assert_eq!(place(late), Some((Place::WriteConcern, 64)));
    }

    #[test]
    fn a_message_is_read_as_it_is_written() {
        let command = doc! { "hello": 1, "$db": "admin" };
        let sent = message(7, &command).expect("a message");
        let mut header: [u8; HEADER] = sent[..HEADER].try_into().expect("a header");
        assert!(body_length(&header, 7).is_err(), "it answers nothing");
        header[8] = 7;
        assert_eq!(
            body_length(&header, 7).expect("a length"),
            sent.len() - HEADER
        );
        assert_eq!(document(&sent[HEADER..]).expect("a document"), command);
        header[3] = 0x7f;
        assert!(body_length(&header, 7).is_err(), "longer than any message");
        assert!(document(&sent[HEADER..HEADER + 5]).is_err());
        assert!(document(&[]).is_err());
    }
}
