//! The library that tells programs another time of day, taken out of the image that holds it.

use std::time::Duration;

use crate::{
    id::RunId,
    runtime::{ImageStore, RuntimeError},
};

/// How long taking it out may take.
const LOOK: Duration = Duration::from_secs(20);
/// Where the recipe puts it.
const PATH: &str = "/usr/local/lib/drdrill/clock.so";

/// The library's bytes, out of its image by a throw-away container.
///
/// # Errors
/// When the engine fails, or the image has no such file.
pub async fn clock_library(
    store: &dyn ImageStore,
    run: &RunId,
    image: &str,
) -> Result<Vec<u8>, RuntimeError> {
    let argv = ["od", "-An", "-v", "-tx1", PATH];
    let said = store.run_once(run, image, &argv, LOOK).await?;
    let bytes = bytes(&said.stdout).filter(|bytes| said.code == 0 && !bytes.is_empty());
    bytes.ok_or_else(|| RuntimeError::Failed {
        action: "take the clock library out of",
        node: image.to_owned(),
        cause: format!("exit code {}: {}", said.code, said.stderr.trim()),
    })
}

/// Bytes as two hexadecimal digits each.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.split_whitespace();
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_read_back() {
        assert_eq!(
            bytes(" 7f 45 4c\n 46\n"),
            Some(vec![0x7f, 0x45, 0x4c, 0x46])
        );
        assert_eq!(bytes("7f zz"), None);
    }
}
