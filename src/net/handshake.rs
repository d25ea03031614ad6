//! TLS with a server, from outside: what certificate it presents, and whether it is accepted.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::talk::{Dialogue, End, Talk};

/// A session within TLS.
pub type Secured = Talk<TlsStream<TcpStream>>;

/// Why a certificate was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its time is over.
    Expired,
    /// Something else is wrong with it.
    Otherwise,
}

/// What a handshake came to.
#[derive(Debug)]
pub struct Handshake {
    /// When the certificate that the server presented ends; none if it presented none.
    pub ends: Option<Timestamp>,
    /// The session, in which the server answered; or why its certificate was not accepted, if that is why, and the words.
    pub session: Result<Secured, (Option<Refused>, String)>,
}

/// Whom to believe.
#[derive(Debug, Clone)]
pub struct Authorities {
    verifier: Arc<WebPkiServerVerifier>,
}

/// Why an error is that of a certificate that was not accepted; none if it is another one. A certificate is looked at before
/// anything of an application is sent.
pub fn certificate_refused(error: &(dyn Error + 'static)) -> Option<Refused> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return match error {
            rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => Some(Refused::Expired),
            rustls::Error::InvalidCertificate(_) => Some(Refused::Otherwise),
            _ => None,
        };
    }
    let within = error.downcast_ref::<io::Error>()?.get_ref()?;
    certificate_refused(within)
}

impl Authorities {
    /// Believes the authority of this certificate (PEM) and nobody else.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn only(pem: &str) -> Result<Self, String> {
        let words = |error: &dyn Error| format!("the authority's certificate: {error}");
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| words(&error))?;
        let mut store = RootCertStore::empty();
        store.add(certificate).map_err(|error| words(&error))?;
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
        let verifier = builder.build().map_err(|error| words(&error))?;
        Ok(Self { verifier })
    }

    /// Connects, shakes hands, greets, and asks once; all within `limit`.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not agree to TLS.
    pub async fn shake(
        &self,
        address: SocketAddr,
        dialogue: &dyn Dialogue,
        limit: Duration,
    ) -> io::Result<Handshake> {
        let whole = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            agree(&mut stream, dialogue).await?;
            Ok(self.secure(stream, address, dialogue, limit).await)
        };
        let late = |_| Err(io::ErrorKind::TimedOut.into());
        timeout(limit, whole).await.unwrap_or_else(late)
    }

    async fn secure(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        dialogue: &dyn Dialogue,
        limit: Duration,
    ) -> Handshake {
        let witness = Arc::new(Witness {
            verifier: self.verifier.clone(),
            presented: Mutex::default(),
        });
        let connector = TlsConnector::from(Arc::new(config(witness.clone())));
        let name = ServerName::from(address.ip());
        let shaken = connector.connect(name, stream).await;
        let presented = witness.presented.lock();
        let presented = presented.unwrap_or_else(PoisonError::into_inner).take();
        let ends = presented.and_then(|bytes| not_after(&bytes));
        let session = match shaken {
            Ok(stream) => answered(stream, dialogue, limit).await,
            Err(error) => Err((certificate_refused(&error), error.to_string())),
        };
        Handshake { ends, session }
    }
}

/// Up to when a certificate is valid; none if the bytes are no certificate.
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Asks for TLS where the server wants to be asked.
async fn agree(stream: &mut TcpStream, dialogue: &dyn Dialogue) -> io::Result<()> {
    let Some((question, yes)) = dialogue.asks_for_tls() else {
        return Ok(());
    };
    stream.write_all(&question).await?;
    if stream.read_u8().await? == yes {
        return Ok(());
    }
    Err(io::Error::other("the server does not agree to TLS"))
}

/// A session counts once the server has answered in it: with TLS 1.3 its own objections come after the handshake.
async fn answered(
    stream: TlsStream<TcpStream>,
    dialogue: &dyn Dialogue,
    limit: Duration,
) -> Result<Secured, (Option<Refused>, String)> {
    let (mut talk, greeted) = Talk::over(stream, dialogue, limit).await;
    if greeted.is_some_and(|heard| heard.end != End::Whole) {
        return Err((None, "the server did not answer a greeting".into()));
    }
    let heard = talk.ask(1, dialogue, limit).await;
    if heard.end != End::Whole {
        return Err((None, "the server did not answer a question".into()));
    }
    Ok(talk)
}

fn config(witness: Arc<Witness>) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the versions that it was built with")
        .dangerous()
        .with_custom_certificate_verifier(witness)
        .with_no_client_auth()
}

/// Verifies as usual, and keeps what was presented.
#[derive(Debug)]
struct Witness {
    verifier: Arc<WebPkiServerVerifier>,
    presented: Mutex<Option<Vec<u8>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = self.presented.lock();
        *presented.unwrap_or_else(PoisonError::into_inner) = Some(certificate.to_vec());
        self.verifier
            .verify_server_cert(certificate, intermediates, name, status, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_certificate_that_was_not_accepted_counts_as_refused() {
        let of = |error| {
            let within = io::Error::new(io::ErrorKind::InvalidData, error);
            certificate_refused(&within)
        };
        let invalid = rustls::Error::InvalidCertificate;
        assert_eq!(
            of(invalid(CertificateError::Expired)),
            Some(Refused::Expired)
        );
        let context = CertificateError::ExpiredContext {
            time: UnixTime::since_unix_epoch(Duration::from_secs(9)),
            not_after: UnixTime::since_unix_epoch(Duration::from_secs(8)),
        };
        assert_eq!(of(invalid(context)), Some(Refused::Expired));
        let unknown = CertificateError::UnknownIssuer;
        assert_eq!(of(invalid(unknown)), Some(Refused::Otherwise));
        assert_eq!(of(rustls::Error::HandshakeNotComplete), None);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(certificate_refused(&reset), None);
        assert!(Authorities::only("no certificate").is_err());
        assert_eq!(not_after(b"no certificate"), None);
    }
}
