//! Servers with certificates: an authority of the run's own, a certificate for each node, and changing it.

use std::{collections::BTreeMap, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};

use crate::{
    id::NodeName,
    net::{Authorities, Dialogue, Handshake},
    runtime::{NodeFile, Runtime},
    time::wall_now,
};

use super::{
    SystemError,
    roster::{Roster, Seat},
};

/// Where a node finds its authority's certificate.
pub const AUTHORITY_PATH: &str = "/drdrill/tls/ca.crt";

/// Where a server finds its certificate.
pub const CERTIFICATE_PATH: &str = "/drdrill/tls/server.crt";

/// Where it finds its key. Nothing but the node has it, and this process.
pub const KEY_PATH: &str = "/drdrill/tls/server.key";

/// Where members that are sure of each other on both sides find their authority's certificate.
pub const MUTUAL_AUTHORITY: &str = "/drdrill/mutual/ca.crt";

/// Where each finds its own.
pub const MUTUAL_CERTIFICATE: &str = "/drdrill/mutual/node.crt";

/// Where each finds its key.
pub const MUTUAL_KEY: &str = "/drdrill/mutual/node.key";

/// How long certificates are valid before and after a run begins: clocks that jump stay within it.
const VALID: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How long a certificate that has expired was valid: what Let's Encrypt gives.
const LIVED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The longest wait for a handshake.
const SHAKE_LIMIT: Duration = Duration::from_secs(2);

/// The longest wait for a command by which a server reads its certificate.
const RELOAD_LIMIT: Duration = Duration::from_secs(5);

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// It, as PEM.
    pub pem: String,
    /// Up to when it is valid.
    pub ends: Timestamp,
}

/// The certificates of a stack. Keys are in the memory of this process and in the nodes, and nowhere else.
#[derive(Clone)]
pub struct Certified(Arc<Inner>);

struct Inner {
    authority: Issuer<'static, KeyPair>,
    pem: String,
    believed: Authorities,
    servers: BTreeMap<NodeName, Server>,
    dialogue: &'static dyn Dialogue,
    /// A command in a node by which its server reads its certificate again.
    reload: &'static [&'static str],
}

struct Server {
    address: SocketAddr,
    key: KeyPair,
    good: Issued,
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certified({:?})", self.0.servers.keys())
    }
}

fn refused(error: impl fmt::Display) -> SystemError {
    SystemError::Refused(format!("certificates could not be made: {error}"))
}

impl Certified {
    /// An authority, and a certificate for each member that holds data: for its name and its address.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn new(
        roster: &Roster,
        dialogue: &'static dyn Dialogue,
        reload: &'static [&'static str],
    ) -> Result<Self, SystemError> {
        let (authority, pem) = authority()?;
        let servers = roster.data().map(|seat| {
            let key = KeyPair::generate().map_err(refused)?;
            let good = issue(&authority, &seat.name, seat.address, &key, valid_now())?;
            let address = seat.address;
            Ok((seat.name.clone(), Server { address, key, good }))
        });
        Ok(Self(Arc::new(Inner {
            servers: servers.collect::<Result<_, SystemError>>()?,
            believed: Authorities::only(&pem).map_err(refused)?,
            authority,
            pem,
            dialogue,
            reload,
        })))
    }

    /// The authority's certificate, as PEM.
    pub fn authority(&self) -> &str {
        &self.0.pem
    }

    /// What a node needs before it starts; nothing for one that has no certificate.
    pub fn files(&self, node: &NodeName) -> Vec<NodeFile> {
        let Some(server) = self.0.servers.get(node) else {
            return Vec::new();
        };
        vec![
            NodeFile::text(AUTHORITY_PATH, 0o644, &self.0.pem),
            NodeFile::text(CERTIFICATE_PATH, 0o644, &server.good.pem),
            NodeFile::text(KEY_PATH, 0o600, &server.key.serialize_pem()),
        ]
    }

    /// Whether this node has a certificate.
    pub fn has(&self, node: &NodeName) -> bool {
        self.0.servers.contains_key(node)
    }

    fn server(&self, node: &NodeName) -> Result<&Server, SystemError> {
        let none = || SystemError::Refused(format!("`{node}` has no certificate"));
        self.0.servers.get(node).ok_or_else(none)
    }

    /// The certificate that a node started with.
    ///
    /// # Errors
    /// When it has none.
    pub fn good(&self, node: &NodeName) -> Result<&Issued, SystemError> {
        Ok(&self.server(node)?.good)
    }

    /// A certificate for a node's own key that has been expired for so long.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn expired(&self, node: &NodeName, since: Duration) -> Result<Issued, SystemError> {
        let server = self.server(node)?;
        let since = SignedDuration::try_from(since).map_err(refused)?;
        let end = wall_now() - since;
        let valid = (end - LIVED, end);
        issue(&self.0.authority, node, server.address, &server.key, valid)
    }

    /// Puts a certificate into a node. Its server goes on with the one that it has until it reads it.
    ///
    /// # Errors
    /// When the machine fails.
    pub async fn put(
        &self,
        node: &NodeName,
        certificate: &Issued,
        runtime: &dyn Runtime,
    ) -> Result<(), SystemError> {
        let file = NodeFile::text(CERTIFICATE_PATH, 0o644, &certificate.pem);
        Ok(runtime.upload(node, &[file]).await?)
    }

    /// Lets a server read its certificate again, as an operator does who replaced it.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn reload(&self, node: &NodeName, runtime: &dyn Runtime) -> Result<(), SystemError> {
        let done = runtime.exec(node, self.0.reload, RELOAD_LIMIT).await?;
        if done.code == 0 {
            return Ok(());
        }
        let said = done.stderr.trim();
        Err(SystemError::Refused(format!(
            "`{node}` could not be told to read its certificate: {said}"
        )))
    }

    /// A new session with a node's server, which presents its certificate; only the run's own authority is believed.
    ///
    /// # Errors
    /// When it cannot be reached, or does not agree to TLS.
    pub async fn shake(&self, node: &NodeName) -> io::Result<Handshake> {
        let server = self.server(node).map_err(io::Error::other)?;
        let Inner {
            believed, dialogue, ..
        } = &*self.0;
        believed.shake(server.address, *dialogue, SHAKE_LIMIT).await
    }

    /// How one speaks with the servers.
    pub fn dialogue(&self) -> &'static dyn Dialogue {
        self.0.dialogue
    }
}

/// An authority of its own, and a certificate for each of these members by which they are sure of each other on both sides:
/// the files of each.
///
/// # Errors
/// When they cannot be made.
pub fn mutual<'a>(
    seats: impl Iterator<Item = &'a Seat>,
) -> Result<BTreeMap<NodeName, Vec<NodeFile>>, SystemError> {
    let (authority, pem) = authority()?;
    let files = seats.map(|seat| {
        let key = KeyPair::generate().map_err(refused)?;
        let issued = issue(&authority, &seat.name, seat.address, &key, valid_now())?;
        let files = vec![
            NodeFile::text(MUTUAL_AUTHORITY, 0o644, &pem),
            NodeFile::text(MUTUAL_CERTIFICATE, 0o644, &issued.pem),
            NodeFile::text(MUTUAL_KEY, 0o600, &key.serialize_pem()),
        ];
        Ok((seat.name.clone(), files))
    });
    files.collect()
}

/// A new authority, and its certificate as PEM.
fn authority() -> Result<(Issuer<'static, KeyPair>, String), SystemError> {
    let key = KeyPair::generate().map_err(refused)?;
    let (begins, ends) = valid_now();
    let mut own = params(&[], "drdrill", begins, ends)?;
    own.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let pem = own.self_signed(&key).map_err(refused)?.pem();
    Ok((Issuer::new(own, key), pem))
}

/// From when to when certificates of this run are valid.
fn valid_now() -> (Timestamp, Timestamp) {
    let now = wall_now();
    (now - VALID, now + VALID)
}

fn issue(
    authority: &Issuer<'static, KeyPair>,
    node: &NodeName,
    address: SocketAddr,
    key: &KeyPair,
    (begins, ends): (Timestamp, Timestamp),
) -> Result<Issued, SystemError> {
    let names = [node.to_string(), address.ip().to_string()];
    let mut params = params(&names, node.as_str(), begins, ends)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    let pem = params.signed_by(key, authority).map_err(refused)?.pem();
    Ok(Issued {
        pem,
        ends: whole(ends),
    })
}

/// What all certificates here have in common. They are valid for whole seconds.
fn params(
    names: &[String],
    common: &str,
    begins: Timestamp,
    ends: Timestamp,
) -> Result<CertificateParams, SystemError> {
    let mut params = CertificateParams::new(names).map_err(refused)?;
    let epoch = date_time_ymd(1970, 1, 1);
    let at = |moment: Timestamp| {
        epoch + Duration::from_secs(u64::try_from(moment.as_second()).unwrap_or(0))
    };
    params.not_before = at(begins);
    params.not_after = at(ends);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    // The same key may have several certificates; the first bit stays 0, as the number is a positive one.
    let serial = u64::try_from(wall_now().as_nanosecond()).unwrap_or(0) >> 1;
    params.serial_number = Some(SerialNumber::from(serial));
    Ok(params)
}

fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        net::Refused,
        record::{Member, MemberKind},
    };
    use rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    /// Single bytes that are sent back.
    #[derive(Debug)]
    struct Echo;

    impl Dialogue for Echo {
        fn greeting(&self) -> Vec<u8> {
            Vec::new()
        }

        fn request(&self, bytes: usize) -> Vec<u8> {
            vec![b'x'; bytes]
        }

        fn whole(&self, heard: &[u8]) -> bool {
            !heard.is_empty()
        }

        fn farewell(&self) -> Vec<u8> {
            Vec::new()
        }

        fn asks_for_tls(&self) -> Option<(Vec<u8>, u8)> {
            Some((b"?".to_vec(), b'!'))
        }
    }

    fn certified(address: SocketAddr) -> Certified {
        let member = Member {
            name: NodeName::new("a"),
            kind: MemberKind::Data,
            address: address.to_string(),
            host: "a".into(),
            image: String::new(),
        };
        let roster = Roster::new(&[member]).expect("an address");
        Certified::new(&roster, &Echo, &[]).expect("certificates")
    }

    /// A server that presents this certificate to one client.
    async fn serve(listener: &TcpListener, agrees: bool, certificate: &str, key: &[u8]) {
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .expect("a pair");
        let (mut stream, _) = listener.accept().await.expect("a connection");
        assert_eq!(stream.read_u8().await.expect("a question"), b'?');
        let said = if agrees { b"!" } else { b"N" };
        stream.write_all(said).await.expect("an answer");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        if let Ok(mut stream) = acceptor.accept(stream).await {
            let byte = stream.read_u8().await.expect("a byte");
            stream.write_u8(byte).await.expect("an answer");
        }
    }

    #[tokio::test]
    async fn good_certificates_are_accepted_and_others_refused_for_what_is_wrong_with_them() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = certified(listener.local_addr().expect("an address"));
        let other = certified(listener.local_addr().expect("an address"));
        let node = NodeName::new("a");
        let key = |of: &Certified| of.files(&node)[2].bytes.clone();
        let (own_key, other_key) = (key(&own), key(&other));
        let good = own.good(&node).expect("a certificate");
        let (_, shaken) = tokio::join!(
            serve(&listener, true, &good.pem, &own_key),
            own.shake(&node)
        );
        let shaken = shaken.expect("a handshake");
        assert_eq!(shaken.ends, Some(good.ends));
        assert!(shaken.session.is_ok(), "{:?}", shaken.session);

        let hour = Duration::from_secs(3600);
        let expired = own.expired(&node, hour).expect("a certificate");
        let ago = wall_now().duration_since(expired.ends).as_secs();
        assert!((3600..3610).contains(&ago), "{ago}");
        let (_, shaken) = tokio::join!(
            serve(&listener, true, &expired.pem, &own_key),
            own.shake(&node)
        );
        let shaken = shaken.expect("a handshake");
        assert_eq!(shaken.ends, Some(expired.ends));
        let (why, words) = shaken.session.expect_err("a refusal");
        assert_eq!(why, Some(Refused::Expired), "{words}");

        let strange = other.good(&node).expect("a certificate");
        let (_, shaken) = tokio::join!(
            serve(&listener, true, &strange.pem, &other_key),
            own.shake(&node)
        );
        let (why, words) = shaken.expect("a handshake").session.expect_err("a refusal");
        assert_eq!(why, Some(Refused::Otherwise), "{words}");

        let (_, shaken) = tokio::join!(
            serve(&listener, false, &good.pem, &own_key),
            own.shake(&node)
        );
        assert!(shaken.is_err(), "it does not agree to TLS");
    }

    #[test]
    fn keys_are_for_the_node_alone_and_show_nowhere() {
        let own = certified("10.0.0.1:5432".parse().expect("an address"));
        let node = NodeName::new("a");
        let files = own.files(&node);
        assert_eq!(files[2].mode, 0o600);
        assert!(own.files(&NodeName::new("b")).is_empty());
        let shown = format!("{own:?} {:?}", own.good(&node));
        assert!(!shown.contains("PRIVATE"), "{shown}");
        assert!(own.expired(&NodeName::new("b"), Duration::ZERO).is_err());
    }
}
