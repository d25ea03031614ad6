//! Signing keys from a file or the environment, and making them.

use std::{
    env, fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use drdrill::evidence::{KeyError, PinnedKey, Register, Signers, SigningKey, files, sign_folder};

use super::{
    arguments::{KeygenArguments, SignArguments, SigningArguments},
    exit::{Exit, Failure},
    output,
};

/// The variable that may hold the secret key itself.
const KEY: &str = "DRDRILL_SIGNING_KEY";
/// The variable that may hold the password of an encrypted key.
const PASSWORD: &str = "DRDRILL_SIGNING_PASSWORD";

/// The key to sign with: from the file that was named, else from the environment; `None` where neither is.
///
/// # Errors
/// When the file cannot be read, lies in a reports folder, or is no key that can be used.
pub fn signing(arguments: &SigningArguments) -> Result<Option<SigningKey>, Failure> {
    let variable = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
    let (text, place) = match &arguments.sign_key {
        Some(path) => {
            beside_reports(path)?;
            let text = files::text_named(path, files::KEY_MOST);
            let text = text.map_err(|error| {
                refused(&format!("failed to read `{}`: {error}", path.display()))
            })?;
            (text, format!("`{}`", path.display()))
        }
        None => match variable(KEY) {
            Some(text) => (text, format!("the variable {KEY}")),
            None => return Ok(None),
        },
    };
    SigningKey::read(&text, variable(PASSWORD).as_deref())
        .map(Some)
        .map_err(|error| unusable(&place, &error))
}

/// A public key, given as a file or as its line.
///
/// # Errors
/// When it is neither.
pub fn pinned(given: &str) -> Result<PinnedKey, Failure> {
    let path = Path::new(given);
    let text = if path.exists() {
        files::text_named(path, files::KEY_MOST)
            .map_err(|error| refused(&format!("failed to read `{given}`: {error}")))?
    } else {
        given.to_owned()
    };
    PinnedKey::read(&text).map_err(|error| unusable(&format!("`{given}`"), &error))
}

/// The public keys of those who must have signed, and how many of them must.
///
/// # Errors
/// When one is no key or is given twice, or there are fewer than must have signed.
pub fn signers(given: &[String], threshold: Option<usize>) -> Result<Signers, Failure> {
    let keys: Result<Vec<PinnedKey>, Failure> = given.iter().map(|key| pinned(key)).collect();
    Signers::new(keys?, threshold).map_err(|error| unusable("these keys", &error))
}

/// Makes a key pair: the secret key in `NAME.key`, the public one in `NAME.pub` and `NAME.pem`.
///
/// # Errors
/// When a file is there already or cannot be written.
pub fn keygen(arguments: &KeygenArguments) -> Result<Exit, Failure> {
    let of = |ending: &str| PathBuf::from(format!("{}.{ending}", arguments.name.display()));
    let (secret, public, pem) = (of("key"), of("pub"), of("pem"));
    beside_reports(&secret)?;
    let password = env::var(PASSWORD).ok().filter(|text| !text.is_empty());
    let (key, text) = SigningKey::generate(password.as_deref())
        .map_err(|error| unusable("the new key", &error))?;
    let public_text = key
        .public()
        .text()
        .map_err(|error| unusable("the new key", &error))?;
    write_new(&secret, &text, 0o600)?;
    write_new(&public, &public_text, 0o644)?;
    write_new(&pem, &key.public().pem(), 0o644)?;
    output::result(&format!(
        "{}  secret: for `drdrill run --sign-key`; keep it away from reports and operators\n\
         {}  public: hand it to verifiers by another way than the reports\n\
         {}  the same for cosign and openssl\nkey id {}\n",
        secret.display(),
        public.display(),
        pem.display(),
        key.public().id()
    ));
    if password.is_none() {
        output::talk(&format!(
            "the secret key is not encrypted; set {PASSWORD} to encrypt it\n"
        ));
    }
    Ok(Exit::Pass)
}

/// Signs a sealed run folder.
///
/// # Errors
/// When there is no key, or the folder is not what its manifest says.
pub fn sign(arguments: &SignArguments) -> Result<Exit, Failure> {
    let Some(key) = signing(&arguments.signing)? else {
        return Err(Failure::new(
            Exit::Usage,
            "there is no signing key",
            format!("name one with --sign-key, or put it into {KEY}"),
        ));
    };
    let manifest = sign_folder(&arguments.folder, &key)
        .map_err(|error| Failure::new(Exit::EvidenceUnverified, error.to_string(), error.help()))?;
    output::result(&format!(
        "signed {} with key {}\n",
        manifest.run,
        key.public().id()
    ));
    Ok(Exit::Pass)
}

/// Refuses a secret key that lies in a folder with a register or below one.
fn beside_reports(key: &Path) -> Result<(), Failure> {
    let path = std::path::absolute(key).unwrap_or_else(|_| key.to_owned());
    let path = path
        .parent()
        .and_then(|dir| dir.canonicalize().ok())
        .unwrap_or(path);
    let reports = path
        .ancestors()
        .find(|dir| Register::of(dir).path().is_file());
    match reports {
        None => Ok(()),
        Some(reports) => Err(refused(&format!(
            "the secret key `{}` lies in the reports folder `{}`",
            key.display(),
            reports.display()
        ))),
    }
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            let help = match error.kind() {
                ErrorKind::NotFound => "make the folder first, or name another place",
                ErrorKind::AlreadyExists => {
                    "a key is never overwritten: name another place, or remove it yourself"
                }
                ErrorKind::PermissionDenied => "name a place that you may write to",
                _ => "name another place",
            };
            let message = format!("failed to write `{}`: {error}", path.display());
            Failure::new(Exit::Usage, message, help)
        })
}

fn refused(message: &str) -> Failure {
    let help =
        "a key is a file of its own, outside every reports folder; `drdrill keygen` makes one";
    Failure::new(Exit::Usage, message, help)
}

fn unusable(place: &str, error: &KeyError) -> Failure {
    let help = match error {
        KeyError::Twice(_) | KeyError::TooFew { .. } => {
            "name the key of each signer once with --key, and at most so many with --threshold"
                .into()
        }
        KeyError::Encrypted => format!("put its password into {PASSWORD}"),
        _ => "`drdrill keygen` makes a key pair; minisign's own files do as well".into(),
    };
    Failure::new(Exit::Usage, format!("failed to use {place}: {error}"), help)
}
