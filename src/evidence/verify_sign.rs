//! Checks the signatures of a run: who of those who must have signed did, each counted once.

use std::{fs, io::Cursor, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use minisign::SignatureBox;

use super::{
    Manifest, PinnedKey, Problem, Signers, files,
    folder::MANIFEST,
    sign::{
        DSSE, Envelope, MINISIG, PAYLOAD_TYPE, comment, is_minisig, pre_authentication, statement,
    },
};

/// What the signatures of a run show.
pub(super) struct Checked {
    /// Whether there are any.
    pub signed: bool,
    /// What is wrong with them.
    pub problems: Vec<Problem>,
    /// What a reader should know, and is not wrong.
    pub notices: Vec<String>,
}

/// What one key's signatures are.
struct By {
    /// What is wrong with its minisign signature, and in which file.
    minisig: Option<(String, String)>,
    /// What is wrong with its signature in the envelope.
    dsse: Option<String>,
    /// Whether a signature names the key.
    tried: bool,
}

/// Checks both kinds of signature by every key.
pub(super) fn check(
    folder: &Path,
    manifest: &Manifest,
    bytes: &[u8],
    signers: &Signers,
) -> Checked {
    let minisigs = minisigs(folder);
    let dsse = files::read(&folder.join(DSSE), files::KEY_MOST);
    let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    if minisigs.is_empty() && dsse.as_ref().is_err_and(gone) {
        return Checked {
            signed: false,
            problems: vec![Problem::new(MANIFEST, NOT_SIGNED)],
            notices: Vec::new(),
        };
    }
    let dsse = dsse.map_err(|error| format!("no signature: {error}"));
    let of = |key: &PinnedKey| {
        let (minisig, tried) = minisig_by(&minisigs, manifest, bytes, key);
        let dsse = match &dsse {
            Ok(envelope) => check_dsse(manifest, bytes, envelope, key),
            Err(problem) => Some(problem.clone()),
        };
        // One without the other was cut off.
        let tried = tried || minisig.is_none() || dsse.is_none();
        By {
            minisig,
            dsse,
            tried,
        }
    };
    let all: Vec<(&PinnedKey, By)> = signers.keys().iter().map(|key| (key, of(key))).collect();
    let wholly = |by: &By| by.minisig.is_none() && by.dsse.is_none();
    let count = all.iter().filter(|(_, by)| wholly(by)).count();
    let enough = count >= signers.threshold();
    let mut checked = Checked {
        signed: true,
        problems: Vec::new(),
        notices: Vec::new(),
    };
    for (key, by) in all {
        if wholly(&by) {
            continue;
        }
        if enough && !by.tried {
            let what = format!("key {} did not sign; {count} others did", key.id());
            checked.notices.push(what);
            continue;
        }
        let minisig = by.minisig.map(|(file, what)| Problem::new(file, what));
        let dsse = by.dsse.map(|what| Problem::new(DSSE, what));
        checked.problems.extend(minisig.into_iter().chain(dsse));
    }
    checked
}

const NOT_SIGNED: &str =
    "not signed: nobody vouches for this run, so that nothing shows who left it";

/// Every minisign signature of a folder by its file, the first one first.
fn minisigs(folder: &Path) -> Vec<(String, Result<SignatureBox, String>)> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_minisig(name)).collect();
    names.sort_by_key(|name| (name != MINISIG, name.clone()));
    let read = |name: &String| {
        let bytes = files::read(&folder.join(name), files::KEY_MOST);
        let text = String::from_utf8(bytes.map_err(|error| format!("no signature: {error}"))?)
            .map_err(|_| "it is no minisign signature: it is no text".to_owned())?;
        SignatureBox::from_string(&text)
            .map_err(|error| format!("it is no minisign signature: {error}"))
    };
    names
        .into_iter()
        .map(|name| {
            let found = read(&name);
            (name, found)
        })
        .collect()
}

/// What is wrong with a key's minisign signature, with its file, and whether there is one that names the key.
fn minisig_by(
    all: &[(String, Result<SignatureBox, String>)],
    manifest: &Manifest,
    bytes: &[u8],
    key: &PinnedKey,
) -> (Option<(String, String)>, bool) {
    let own = format!("{MANIFEST}.{}.minisig", key.id());
    let mut wrong = None;
    let mut tried = false;
    for (name, found) in all {
        match found {
            Ok(found) if found.keynum() == key.0.keynum() => {
                match check_minisig(manifest, bytes, found, key) {
                    None => return (None, true),
                    Some(what) => wrong = Some((name.clone(), what)),
                }
                tried = true;
            }
            Ok(_) => {}
            Err(what) => {
                tried |= *name == own;
                wrong = wrong.or_else(|| Some((name.clone(), what.clone())));
            }
        }
    }
    let none = || {
        let what = format!(
            "it is not by the pinned key {} over this manifest",
            key.id()
        );
        (MINISIG.to_owned(), what)
    };
    (Some(wrong.unwrap_or_else(none)), tried)
}

/// What is wrong with a minisign signature; nothing if the pinned key made it over these bytes.
fn check_minisig(
    manifest: &Manifest,
    bytes: &[u8],
    signature: &SignatureBox,
    key: &PinnedKey,
) -> Option<String> {
    let verified = minisign::verify(&key.0, signature, Cursor::new(bytes), true, false, false);
    if let Err(error) = verified {
        let id = key.id();
        return Some(format!(
            "it is not by the pinned key {id} over this manifest: {error}"
        ));
    }
    let said = signature.trusted_comment().unwrap_or_default();
    (said != comment(manifest)).then(|| format!("it is for something else: `{said}`"))
}

/// What is wrong with a DSSE envelope; nothing if the pinned key signed the very statement that follows
/// from the manifest.
fn check_dsse(manifest: &Manifest, bytes: &[u8], dsse: &[u8], key: &PinnedKey) -> Option<String> {
    let decoded = |envelope: Envelope| {
        let payload = STANDARD.decode(&envelope.payload).ok()?;
        let signatures: Option<Vec<Vec<u8>>> = envelope
            .signatures
            .iter()
            .map(|signature| STANDARD.decode(&signature.sig).ok())
            .collect();
        (envelope.payload_type == PAYLOAD_TYPE).then_some((payload, signatures?))
    };
    let Some((payload, signatures)) = serde_json::from_slice(dsse).ok().and_then(decoded) else {
        return Some("it is no DSSE envelope of an in-toto statement".into());
    };
    let signed = pre_authentication(&payload);
    if !signatures
        .iter()
        .any(|signature| key.signed(&signed, signature))
    {
        let id = key.id();
        return Some(format!("no signature in it is by the pinned key {id}"));
    }
    (payload != statement(manifest, bytes))
        .then(|| "its statement does not follow from the manifest".into())
}
