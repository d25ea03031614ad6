//! Signing keys and pinned public keys, in minisign's format: one Ed25519 key for both kinds of signature.

use base64::{Engine, engine::general_purpose::STANDARD};
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

/// Where the 64 bytes of Ed25519 key lie in a decrypted secret key: after three algorithms of two bytes,
/// a salt of 32, two limits and the key's number of eight each.
const SECRET_AT: usize = 62;
/// Where the checksum lies in a secret key: behind the key. minisign 0.11 and 0.12 leave it zero in a key that is not encrypted.
const CHECKSUM_AT: usize = 126;
/// The length of an Ed25519 seed and of a public key.
const HALF: usize = 32;
/// What DER puts before an Ed25519 public key (RFC 8410).
const DER_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is no key.
    #[error("it is no minisign {kind} key: {problem}")]
    NoKey {
        /// `public` or `secret`.
        kind: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A password is needed.
    #[error("the secret key is encrypted and no password was given")]
    Encrypted,
    /// A key was given more than once: it would count as several signers.
    #[error("key {0} was given twice")]
    Twice(String),
    /// More signers are asked for than keys were given.
    #[error("{threshold} signers are asked for and {keys} keys were given")]
    TooFew {
        /// How many signers there must be.
        threshold: usize,
        /// How many keys there are.
        keys: usize,
    },
    /// No randomness for a new key.
    #[error("failed to make a key: {0}")]
    NotMade(String),
}

/// A key that signs. Never written into a reports folder, never printed.
pub struct SigningKey {
    pub(super) secret: SecretKey,
    pub(super) ed25519: Ed25519KeyPair,
    public: PinnedKey,
}

impl SigningKey {
    /// Reads a secret key: minisign's file of two lines, or its second line alone.
    ///
    /// # Errors
    /// When it is no key, or is encrypted and the password is missing or wrong.
    pub fn read(text: &str, password: Option<&str>) -> Result<Self, KeyError> {
        let no_key = |problem: String| KeyError::NoKey {
            kind: "secret",
            problem,
        };
        let encoded = last_line(text);
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|error| no_key(error.to_string()))?;
        let boxed = SecretKeyBox::from(format!("untrusted comment:\n{encoded}\n"));
        let secret = match (bytes.get(2..4), password) {
            // Without a checksum it is the public half that shows a damaged key, below.
            (Some([0, 0]), _) if no_checksum(&bytes) => SecretKey::from_bytes(&bytes),
            (Some([0, 0]), _) => boxed.into_unencrypted_secret_key(),
            (_, None) => return Err(KeyError::Encrypted),
            (_, Some(password)) => boxed.into_secret_key(Some(password.to_owned())),
        };
        Self::of(secret.map_err(|error| no_key(error.to_string()))?)
    }

    /// Makes a key; returns it with the text of its file. Encrypted if there is a password.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate(password: Option<&str>) -> Result<(Self, String), KeyError> {
        let not_made = |error: minisign::PError| KeyError::NotMade(error.to_string());
        let pair = match password {
            None => KeyPair::generate_unencrypted_keypair(),
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
        };
        let comment = Some("drdrill signing key: keep it away from the reports");
        let boxed = pair.and_then(|pair| pair.sk.to_box(comment));
        let text = boxed.map_err(not_made)?.into_string();
        Ok((Self::read(&text, password)?, text))
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> &PinnedKey {
        &self.public
    }

    fn of(secret: SecretKey) -> Result<Self, KeyError> {
        let wrong = |problem: String| KeyError::NoKey {
            kind: "secret",
            problem,
        };
        let public = PublicKey::from_secret_key(&secret).map_err(|e| wrong(e.to_string()))?;
        let public = PinnedKey(public);
        let bytes = secret.to_bytes();
        let seed = bytes
            .get(SECRET_AT..SECRET_AT + HALF)
            .ok_or_else(|| wrong("it is too short".into()))?;
        let ed25519 = Ed25519KeyPair::from_seed_and_public_key(seed, &public.ed25519())
            .map_err(|e| wrong(e.to_string()))?;
        Ok(Self {
            secret,
            ed25519,
            public,
        })
    }
}

/// A public key that a verifier got by another way than with the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct PinnedKey(pub(super) PublicKey);

impl PinnedKey {
    /// Reads a public key: minisign's file of two lines, or its second line alone.
    ///
    /// # Errors
    /// When it is no key.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        PublicKey::from_base64(last_line(text))
            .map(Self)
            .map_err(|error| KeyError::NoKey {
                kind: "public",
                problem: error.to_string(),
            })
    }

    /// The key as one line.
    pub fn line(&self) -> String {
        self.0.to_base64()
    }

    /// The text of minisign's file.
    ///
    /// # Errors
    /// When the key cannot be written.
    pub fn text(&self) -> Result<String, KeyError> {
        let text = self.0.to_box().map(PublicKeyBox::into_string);
        text.map_err(|error| KeyError::NotMade(error.to_string()))
    }

    /// The key's identifier, as minisign prints it.
    pub fn id(&self) -> String {
        let bytes = self.0.keynum().iter().rev();
        bytes.map(|byte| format!("{byte:02X}")).collect()
    }

    /// The key as PEM (RFC 8410), as cosign and openssl read it.
    pub fn pem(&self) -> String {
        let der = [DER_PREFIX.as_slice(), &self.ed25519()].concat();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der)
        )
    }

    /// Whether the key signed these bytes.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.ed25519())
            .verify(message, signature)
            .is_ok()
    }

    /// The bare key: what follows the algorithm and the key's number.
    fn ed25519(&self) -> Vec<u8> {
        self.0.to_bytes()[10..].to_vec()
    }
}

/// Who must have signed: so many of these keys, each of another holder.
#[derive(Debug, Clone, PartialEq)]
pub struct Signers {
    keys: Vec<PinnedKey>,
    threshold: usize,
}

impl Signers {
    /// So many of these keys must have signed; without a number, all of them.
    ///
    /// # Errors
    /// When there is no key, one is there twice, or more are asked for than there are.
    pub fn new(keys: Vec<PinnedKey>, threshold: Option<usize>) -> Result<Self, KeyError> {
        let threshold = threshold.unwrap_or(keys.len());
        if threshold == 0 || threshold > keys.len() {
            return Err(KeyError::TooFew {
                threshold,
                keys: keys.len(),
            });
        }
        // By the bare key: the same key under another number is the same signer.
        let mut bare: Vec<Vec<u8>> = Vec::new();
        for key in &keys {
            if bare.contains(&key.ed25519()) {
                return Err(KeyError::Twice(key.id()));
            }
            bare.push(key.ed25519());
        }
        Ok(Self { keys, threshold })
    }

    /// The keys.
    pub fn keys(&self) -> &[PinnedKey] {
        &self.keys
    }

    /// How many of them must have signed, at least 1.
    pub fn threshold(&self) -> usize {
        self.threshold
    }
}

impl From<&PinnedKey> for Signers {
    fn from(key: &PinnedKey) -> Self {
        Self {
            keys: vec![key.clone()],
            threshold: 1,
        }
    }
}

impl std::fmt::Display for Signers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.keys.iter().map(PinnedKey::id).collect();
        match names.as_slice() {
            [one] => write!(f, "key {one}"),
            several if self.threshold == several.len() => {
                write!(f, "keys {}", several.join(" and "))
            }
            several => write!(f, "{} of keys {}", self.threshold, several.join(", ")),
        }
    }
}

fn no_checksum(bytes: &[u8]) -> bool {
    let checksum = bytes.get(CHECKSUM_AT..);
    checksum.is_some_and(|it| it.len() == HALF && it.iter().all(|byte| *byte == 0))
}

fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_file_and_from_its_line() {
        let (key, text) = SigningKey::generate(None).unwrap();
        for text in [text.as_str(), text.lines().last().unwrap()] {
            assert_eq!(SigningKey::read(text, None).unwrap().public(), key.public());
        }
        let public = key.public();
        for text in [public.text().unwrap(), public.line()] {
            assert_eq!(&PinnedKey::read(&text).unwrap(), public);
        }
        assert_eq!(public.id().len(), 16);
        assert!(
            public
                .pem()
                .lines()
                .nth(1)
                .unwrap()
                .starts_with("MCowBQYDK2VwAyEA")
        );
    }

    #[test]
    fn an_unencrypted_key_of_minisigns_has_no_checksum_and_is_read() {
        let (key, text) = SigningKey::generate(None).unwrap();
        let mut bytes = STANDARD.decode(last_line(&text)).unwrap();
        bytes[CHECKSUM_AT..].fill(0);
        let read = SigningKey::read(&STANDARD.encode(&bytes), None).unwrap();
        assert_eq!(read.public(), key.public());
        bytes[SECRET_AT] ^= 1;
        assert!(SigningKey::read(&STANDARD.encode(&bytes), None).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused_without_asking_anyone() {
        let (key, text) = SigningKey::generate(None).unwrap();
        assert!(PinnedKey::read("RWQ").is_err());
        assert!(SigningKey::read(&key.public().line(), None).is_err());
        let encrypted = text.lines().last().unwrap().replacen("RWQAA", "RWRTY", 1);
        assert_eq!(
            SigningKey::read(&encrypted, None).err(),
            Some(KeyError::Encrypted)
        );
    }
}
