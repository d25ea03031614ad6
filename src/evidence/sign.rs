//! Signatures over a manifest: as minisign, and as an in-toto test result in a DSSE envelope.

use std::{io::Cursor, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use minisign::SignatureBox;
use serde::{Deserialize, Serialize};

use crate::{
    record::ImageFact,
    score::{LineState, Verdict},
};

use super::{
    EvidenceError, Manifest, PinnedKey, SigningKey, files,
    folder::{MANIFEST, replace},
    load,
    manifest::sha256,
};

/// The detached minisign signature.
pub const MINISIG: &str = "manifest.json.minisig";
/// The in-toto statement in its envelope.
pub const DSSE: &str = "manifest.dsse.json";
/// How a further signer's minisign signature ends: `manifest.json.KEYID.minisig`.
const ENDING: &str = ".minisig";

pub(super) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// An in-toto statement, version 1, with a test-result predicate, version 0.1.
#[derive(Serialize)]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Resource<'a>; 1],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: TestResult<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestResult<'a> {
    result: &'static str,
    configuration: Vec<Resource<'a>>,
    passed_tests: Vec<&'a str>,
    warned_tests: Vec<&'a str>,
    failed_tests: Vec<&'a str>,
}

#[derive(Serialize)]
struct Resource<'a> {
    name: &'a str,
    digest: Digest<'a>,
}

#[derive(Serialize)]
struct Digest<'a> {
    sha256: &'a str,
}

/// A DSSE envelope, version 1.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope {
    pub(super) payload: String,
    pub(super) payload_type: String,
    pub(super) signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Signature {
    keyid: String,
    pub(super) sig: String,
}

/// Both signatures over a manifest's bytes, by file name, beside those that others made.
///
/// # Errors
/// When the key refuses.
pub(super) fn signatures(
    folder: &Path,
    manifest: &Manifest,
    bytes: &[u8],
    key: &SigningKey,
) -> Result<[(String, Vec<u8>); 2], EvidenceError> {
    let refused = |error: minisign::PError| EvidenceError::Unsigned(error.to_string());
    let minisig = minisign::sign(
        None,
        &key.secret,
        Cursor::new(bytes),
        Some(&comment(manifest)),
        Some("signature from drdrill"),
    )
    .map_err(refused)?;
    let payload = statement(manifest, bytes);
    let others = others(folder, &payload, key.public());
    let name = if others.is_empty() || first_is_by(folder, key.public()) {
        MINISIG.to_owned()
    } else {
        format!("{MANIFEST}.{}{ENDING}", key.public().id())
    };
    let sig = key.ed25519.sign(&pre_authentication(&payload));
    let own = Signature {
        // A hint that nobody signed. cosign looks for its own name of the key there, and passes over a signature by another.
        keyid: String::new(),
        sig: STANDARD.encode(sig.as_ref()),
    };
    let envelope = Envelope {
        payload: STANDARD.encode(&payload),
        payload_type: PAYLOAD_TYPE.into(),
        signatures: others.into_iter().chain([own]).collect(),
    };
    let mut dsse = serde_json::to_vec(&envelope)
        .expect("the envelope has text keys and no value that JSON cannot hold");
    dsse.push(b'\n');
    Ok([(name, minisig.to_bytes()), (DSSE.to_owned(), dsse)])
}

/// The signatures by others over this very statement. Those over another one are over another manifest: they go.
fn others(folder: &Path, payload: &[u8], own: &PinnedKey) -> Vec<Signature> {
    let found = files::read(&folder.join(DSSE), files::KEY_MOST).ok();
    let envelope: Option<Envelope> = found.and_then(|it| serde_json::from_slice(&it).ok());
    let Some(envelope) = envelope.filter(|it| it.payload == STANDARD.encode(payload)) else {
        return Vec::new();
    };
    let signed = pre_authentication(payload);
    let by_own = |it: &Signature| {
        let sig = STANDARD.decode(&it.sig);
        sig.is_ok_and(|sig| own.signed(&signed, &sig))
    };
    let signatures = envelope.signatures.into_iter();
    signatures.filter(|it| !by_own(it)).collect()
}

/// Whether the first signature names this key.
fn first_is_by(folder: &Path, key: &PinnedKey) -> bool {
    let found = files::read(&folder.join(MINISIG), files::KEY_MOST).ok();
    let text = found.and_then(|bytes| String::from_utf8(bytes).ok());
    let first = text.and_then(|text| SignatureBox::from_string(&text).ok());
    first.is_none_or(|first| first.keynum() == key.0.keynum())
}

/// Signs a sealed folder whose digests hold. An earlier signature by the same key is replaced; one by another key stays,
/// unless it is over another manifest.
///
/// # Errors
/// When the folder is no run's, is incomplete or altered, or a signature cannot be written.
pub fn sign_folder(folder: &Path, key: &SigningKey) -> Result<Manifest, EvidenceError> {
    let path = folder.join(MANIFEST);
    let manifest = load(folder)?
        .manifest
        .ok_or_else(|| EvidenceError::Unsigned(format!("there is no `{}`", path.display())))?;
    let bytes = files::bytes(&path, files::MANIFEST_MOST)?;
    for (name, bytes) in signatures(folder, &manifest, &bytes, key)? {
        replace(&folder.join(name), &bytes)?;
    }
    Ok(manifest)
}

/// Whether a file of a run's folder is a minisign signature by its name: the first one, or that of a further signer.
pub(super) fn is_minisig(name: &str) -> bool {
    let further = || {
        let id = name.strip_prefix(MANIFEST)?.strip_prefix('.')?;
        let id = id.strip_suffix(ENDING)?;
        let digit = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        (id.len() == 16 && id.bytes().all(digit)).then_some(())
    };
    name == MINISIG || further().is_some()
}

/// What the signature says of itself: which run, and which file. No time: the signer's clock proves nothing.
pub(super) fn comment(manifest: &Manifest) -> String {
    format!("file:{MANIFEST}\trun:{}", manifest.run)
}

pub(super) fn statement(manifest: &Manifest, bytes: &[u8]) -> Vec<u8> {
    let claims = &manifest.claims;
    let subject = sha256(bytes);
    let named = |states: &[LineState]| {
        let of = claims.lines.iter();
        of.filter(|(_, state)| states.contains(state))
            .map(|(figure, _)| figure.as_str())
            .collect()
    };
    let mut configuration = vec![resource("scenario.yaml", &claims.scenario_sha256)];
    let program = &claims.harness.program_sha256;
    configuration.extend((!program.is_empty()).then(|| resource("drdrill", program)));
    configuration.extend(claims.images.iter().filter_map(image));
    let statement = Statement {
        kind: "https://in-toto.io/Statement/v1",
        subject: [resource(MANIFEST, &subject)],
        predicate_type: "https://in-toto.io/attestation/test-result/v0.1",
        predicate: TestResult {
            // What could not be told is no pass: a policy that asks for PASSED must not get it.
            result: match claims.verdict {
                Some(Verdict::Pass | Verdict::Control) => "PASSED",
                Some(Verdict::Inconclusive | Verdict::Aborted) | None => "WARNED",
                Some(Verdict::Fail) => "FAILED",
            },
            configuration,
            passed_tests: named(&[LineState::Met]),
            warned_tests: named(&[LineState::Inconclusive]),
            failed_tests: named(&[LineState::Missed]),
        },
    };
    serde_json::to_vec(&statement)
        .expect("the statement has text keys and no value that JSON cannot hold")
}

fn resource<'a>(name: &'a str, sha256: &'a str) -> Resource<'a> {
    Resource {
        name,
        digest: Digest { sha256 },
    }
}

/// An image whose digest is known; a program of this machine has none.
fn image(image: &ImageFact) -> Option<Resource<'_>> {
    let digest = image.digest.strip_prefix("sha256:")?;
    Some(resource(&image.used, digest))
}

/// DSSE's pre-authentication encoding: what is signed.
pub(super) fn pre_authentication(payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} ",
        PAYLOAD_TYPE.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}
