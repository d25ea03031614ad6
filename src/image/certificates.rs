//! The certificates that the host trusts, for recipes that download over TLS.

use std::fs;

/// Its name in the context of every build.
pub const NAME: &str = "certificates.crt";

/// Where systems keep them as one file: Debian and Alpine, Fedora, macOS.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The first bundle that can be read; empty where the host has none, and the base image's own then decide.
/// A network that signs TLS anew is passed only by those who trust its authority, and containers do not.
pub fn trusted() -> Vec<u8> {
    let mut read = BUNDLES.iter().filter_map(|path| fs::read(path).ok());
    read.next().unwrap_or_default()
}
