//! Looks at the frames of a history before they are decoded: none may claim more than it has, or than a reader can take.

use std::{fs::File, io, os::unix::fs::FileExt};

use arrow_ipc::{Message, MessageHeader, RecordBatch, root_as_message};

/// The end mark of an Arrow IPC stream.
pub(super) const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
/// What each frame begins with.
const BEGIN: [u8; 4] = [0xff, 0xff, 0xff, 0xff];
/// Bytes of a frame before its description: the mark, and the length of the description.
const HEAD: u64 = 8;
/// The most bytes of a frame's description.
const DESCRIPTION_MOST: u64 = 1 << 20;
/// The most rows of a batch; a run writes a thousand.
const ROWS_MOST: i64 = 1 << 20;
/// The most elements of a column, those of lists included.
const ELEMENTS_MOST: i64 = 1 << 25;
/// The most bytes of a frame, unpacked.
const UNPACKED_MOST: u64 = 256 << 20;
/// What stands before a column that is not compressed.
const NOT_COMPRESSED: i64 = -1;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frames {
    /// Where the last whole frame ends.
    pub end: u64,
    /// Whether the end mark follows, and nothing else.
    pub ended: bool,
}

/// Looks at every frame of a file of this size. One that was cut off is no error.
///
/// # Errors
/// When the file cannot be read, or a frame is none or claims what cannot be.
pub(super) fn frames(file: &File, size: u64) -> io::Result<Frames> {
    let mut at = 0;
    loop {
        let cut = Frames {
            end: at,
            ended: false,
        };
        let left = size - at;
        if left < HEAD {
            return Ok(cut);
        }
        let mut head = [0; HEAD as usize];
        file.read_exact_at(&mut head, at)?;
        if head == END {
            return match left {
                HEAD => Ok(Frames {
                    end: at,
                    ended: true,
                }),
                _ => Err(damaged(at, "something follows its end")),
            };
        }
        let (begin, length) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
        let length = u64::from(length);
        if begin != BEGIN || length > DESCRIPTION_MOST {
            return Err(damaged(at, "no frame begins there"));
        }
        if left - HEAD < length {
            return Ok(cut);
        }
        let mut description = vec![0; length as usize];
        file.read_exact_at(&mut description, at + HEAD)?;
        let message = root_as_message(&description)
            .map_err(|_| damaged(at, "its description cannot be read"))?;
        let body = u64::try_from(message.bodyLength())
            .ok()
            .filter(|body| *body <= UNPACKED_MOST)
            .ok_or_else(|| damaged(at, "it claims a size that cannot be"))?;
        let body_at = at + HEAD + length;
        if size - body_at < body {
            return Ok(cut);
        }
        sound(file, body_at, body, message)?.map_err(|what| damaged(at, what))?;
        at = body_at + body;
    }
}

fn damaged(at: u64, what: &str) -> io::Error {
    let what = format!("it is damaged: the frame at byte {at}: {what}");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Whether a frame is one of a history, and its columns lie within it and have sizes that can be.
fn sound(
    file: &File,
    at: u64,
    body: u64,
    message: Message<'_>,
) -> io::Result<Result<(), &'static str>> {
    let batch = match message.header_type() {
        MessageHeader::Schema => return Ok(Ok(())),
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message
            .header_as_dictionary_batch()
            .and_then(|it| it.data()),
        _ => None,
    };
    let Some(batch) = batch else {
        return Ok(Err("it holds nothing of a history"));
    };
    let fits = |count: i64, most: i64| (0..=most).contains(&count);
    let counted = |node: &arrow_ipc::FieldNode| {
        fits(node.length(), ELEMENTS_MOST) && fits(node.null_count(), node.length())
    };
    let nodes = batch.nodes();
    if !fits(batch.length(), ROWS_MOST) || !nodes.is_some_and(|nodes| nodes.iter().all(counted)) {
        return Ok(Err("it claims numbers of rows that cannot be"));
    }
    columns(file, at, body, batch)
}

fn columns(
    file: &File,
    at: u64,
    body: u64,
    batch: RecordBatch<'_>,
) -> io::Result<Result<(), &'static str>> {
    let mut unpacked: u64 = 0;
    for column in batch.buffers().into_iter().flatten() {
        let place = (
            u64::try_from(column.offset()),
            u64::try_from(column.length()),
        );
        let (Ok(offset), Ok(length)) = place else {
            return Ok(Err("a column has no place"));
        };
        if offset.checked_add(length).is_none_or(|end| end > body) {
            return Ok(Err("a column lies outside it"));
        }
        let own = if batch.compression().is_some() && length > 0 {
            let mut before = [0; 8];
            if length < before.len() as u64 {
                return Ok(Err("a column has no length"));
            }
            file.read_exact_at(&mut before, at + offset)?;
            match i64::from_le_bytes(before) {
                NOT_COMPRESSED => length,
                claimed => u64::try_from(claimed).unwrap_or(u64::MAX),
            }
        } else {
            length
        };
        unpacked = unpacked.saturating_add(own);
        if unpacked > UNPACKED_MOST {
            return Ok(Err("it unpacks to a size that cannot be"));
        }
    }
    Ok(Ok(()))
}
