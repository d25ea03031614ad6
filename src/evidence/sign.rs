//! Signatures over a manifest: as minisign, and as an in-toto test result in a DSSE envelope.

use std::{fs, io::Cursor, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use minisign::SignatureBox;
use serde::{Deserialize, Serialize};

use crate::{
    record::ImageFact,
    score::{LineState, Verdict},
};

use super::{
    EvidenceError, Manifest, PinnedKey, SigningKey,
    folder::{MANIFEST, replace},
    load,
    manifest::sha256,
};

/// The detached minisign signature.
pub const MINISIG: &str = "manifest.json.minisig";
/// The in-toto statement in its envelope.
pub const DSSE: &str = "manifest.dsse.json";

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

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
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    keyid: String,
    sig: String,
}

/// Both signatures over a manifest's bytes, by file name.
///
/// # Errors
/// When the key refuses.
pub(super) fn signatures(
    manifest: &Manifest,
    bytes: &[u8],
    key: &SigningKey,
) -> Result<[(&'static str, Vec<u8>); 2], EvidenceError> {
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
    let sig = key.ed25519.sign(&pre_authentication(&payload));
    let envelope = Envelope {
        payload: STANDARD.encode(&payload),
        payload_type: PAYLOAD_TYPE.into(),
        signatures: vec![Signature {
            // A hint that nobody signed. cosign looks for its own name of the key there, and passes over a signature by another.
            keyid: String::new(),
            sig: STANDARD.encode(sig.as_ref()),
        }],
    };
    let mut dsse = serde_json::to_vec(&envelope)
        .expect("the envelope has text keys and no value that JSON cannot hold");
    dsse.push(b'\n');
    Ok([(MINISIG, minisig.to_bytes()), (DSSE, dsse)])
}

/// Signs a sealed folder whose digests hold; earlier signatures are replaced.
///
/// # Errors
/// When the folder is no run's, is incomplete or altered, or a signature cannot be written.
pub fn sign_folder(folder: &Path, key: &SigningKey) -> Result<Manifest, EvidenceError> {
    let path = folder.join(MANIFEST);
    let manifest = load(folder)?
        .manifest
        .ok_or_else(|| EvidenceError::Unsigned(format!("there is no `{}`", path.display())))?;
    let bytes = fs::read(&path).map_err(EvidenceError::io("read", &path))?;
    for (name, bytes) in signatures(&manifest, &bytes, key)? {
        replace(&folder.join(name), &bytes)?;
    }
    Ok(manifest)
}

/// What the signature says of itself: which run, and which file. No time: the signer's clock proves nothing.
fn comment(manifest: &Manifest) -> String {
    format!("file:{MANIFEST}\trun:{}", manifest.run)
}

fn statement(manifest: &Manifest, bytes: &[u8]) -> Vec<u8> {
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
                Some(Verdict::Inconclusive) | None => "WARNED",
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
fn pre_authentication(payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} ",
        PAYLOAD_TYPE.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}

/// What is wrong with a minisign signature; nothing if the pinned key made it over these bytes.
pub(super) fn check_minisig(
    manifest: &Manifest,
    bytes: &[u8],
    minisig: &str,
    key: &PinnedKey,
) -> Option<String> {
    let signature = match SignatureBox::from_string(minisig) {
        Ok(signature) => signature,
        Err(error) => return Some(format!("it is no minisign signature: {error}")),
    };
    let verified = minisign::verify(&key.0, &signature, Cursor::new(bytes), true, false, false);
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
pub(super) fn check_dsse(
    manifest: &Manifest,
    bytes: &[u8],
    dsse: &[u8],
    key: &PinnedKey,
) -> Option<String> {
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
