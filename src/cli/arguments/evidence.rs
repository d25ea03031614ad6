//! Arguments of the commands that sign and verify.

use std::path::PathBuf;

use clap::Args;
use drdrill::scenario::Dur;

use super::many::{count, time};

/// The key to sign with.
#[derive(Debug, Args)]
pub struct SigningArguments {
    /// Sign run folders with this minisign secret key; else with that in DRDRILL_SIGNING_KEY, if it is set
    ///
    /// The password of an encrypted key is taken from DRDRILL_SIGNING_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub sign_key: Option<PathBuf>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill verify reports --key drill.pub --head 5f2c...
  drdrill verify reports/quickstart/20261121t081500-abcdef --key RWQ... --register reports/register.jsonl
  drdrill verify reports --key operator.pub --key auditor.pub --key owner.pub --threshold 2
  drdrill verify reports --key drill.pub --tsa-ca tsa-ca.pem

Needs no network. A reports folder is verified with its register and every run in it. The public key must
come by another way than the evidence. The exit code is 6 if anything is wrong, or if there is nothing to verify;
each thing is named.")]
pub struct VerifyArguments {
    /// The folder of a run, or a reports folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The public key that must have signed: a file, or its line; once for each signer
    #[arg(long, value_name = "FILE|KEY", required = true)]
    pub key: Vec<String>,
    /// How many of the keys must have signed each run; all of them if not said
    #[arg(long, value_name = "N", value_parser = count)]
    pub threshold: Option<usize>,
    /// The register that must know the run; of a reports folder its own
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,
    /// A head of the register that was noted elsewhere: the register must still hold it
    #[arg(long, value_name = "SHA256")]
    pub head: Option<String>,
    /// Certificates of a time-stamping authority, PEM: each run must be covered by one of its time stamps
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `timestamp`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill timestamp reports --tsa https://tsa.example.com --tsa-ca tsa-ca.pem
  drdrill verify reports --key drill.pub --tsa-ca tsa-ca.pem

Asks an authority (RFC 3161) to stamp the register's head, which covers every run that has ended. Its answer is checked
and kept beside the register. Only the head is sent, a digest. Needs openssl. docs/evidence.md says how to ask from a
machine that has no network. The certificates must come by another way than the evidence.")]
pub struct TimestampArguments {
    /// The reports folder
    #[arg(value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// The authority's address
    #[arg(long, value_name = "URL")]
    pub tsa: String,
    /// Certificates, PEM, that the authority's answer must chain to
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: PathBuf,
}

/// Arguments of `prune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drdrill prune reports --keep 20 --sign-key drill.key --dry-run
  drdrill prune reports --older-than 400d --keep 5 --sign-key drill.key

The oldest runs of each scenario go, after they were verified; repeats that were started together stay
together. For each the register gets a signed line with its manifest's digest and its verdict. It counts as no
evidence any more. A folder that is removed without such a line is a deleted run: exit 6 of `verify` and `gate`.")]
pub struct PruneArguments {
    /// The reports folder
    #[arg(value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// Keep at least this many newest runs of each scenario
    #[arg(long, value_name = "N", default_value = "10", value_parser = count)]
    pub keep: usize,
    /// Only runs that are older than this
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub older_than: Option<Dur>,
    /// How to sign
    #[command(flatten)]
    pub signing: SigningArguments,
    /// Write lines without a signature, for runs without one
    #[arg(long, conflicts_with = "sign_key")]
    pub unsigned: bool,
    /// Set this run aside instead, which was killed or never ended: its folder stays, and gates go on without it
    #[arg(long, value_name = "RUN-ID", requires = "reason")]
    pub run: Option<String>,
    /// Why, for the register
    #[arg(long, value_name = "TEXT", requires = "run")]
    pub reason: Option<String>,
    /// Only say which runs would go
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
Signing apart from running lets another person than the operator hold the key. The folder's digests are
checked first; what was changed is not signed. A signature by another key stays beside the new one:
`drdrill verify --key A --key B --threshold 2` asks for both.")]
pub struct SignArguments {
    /// The folder of a run
    #[arg(value_name = "RUN-DIR")]
    pub folder: PathBuf,
    /// How to sign
    #[command(flatten)]
    pub signing: SigningArguments,
}

/// Arguments of `keygen`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: an encrypted key
  DRDRILL_SIGNING_PASSWORD=... drdrill keygen ~/keys/drill

Writes NAME.key (secret), NAME.pub (minisign) and NAME.pem (for cosign and openssl). Keys that minisign made
do as well.")]
pub struct KeygenArguments {
    /// Where to write, without an ending
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
}
