//! Reserves a block of loopback addresses for a run, so that runs beside each other do not meet.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4, TcpListener},
};

/// The port whose listener marks a block as taken.
const FENCE_PORT: u16 = 7472;

/// A block of addresses `127.a.b.1` to `127.a.b.250`, held while it lives.
pub struct Fence {
    block: [u8; 2],
    _held: TcpListener,
}

impl Fence {
    /// Takes the first free block at or after the one that the run's name points to.
    ///
    /// # Errors
    /// When no block is free.
    pub fn take(tail: &str) -> io::Result<Self> {
        let start = u16::from_str_radix(&tail[tail.len().saturating_sub(4)..], 16).unwrap_or(0);
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for step in 0..64u16 {
            let [high, low] = start.wrapping_add(step).to_be_bytes();
            // 127.0.0.0/16 is where other programs listen.
            let block = [high.max(1), low];
            match TcpListener::bind(SocketAddrV4::new(
                Ipv4Addr::new(127, block[0], block[1], 254),
                FENCE_PORT,
            )) {
                Ok(held) => return Ok(Self { block, _held: held }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The block's address with this last part.
    pub fn address(&self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.block[0], self.block[1], last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_with_the_same_tail_get_different_blocks() {
        let first = Fence::take("00beef").expect("a free block");
        let second = Fence::take("00beef").expect("another free block");
        assert_ne!(first.address(1), second.address(1));
    }
}
