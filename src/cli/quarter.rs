//! `drdrill report --quarter`: the runs of a quarter in one document.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use drdrill::{
    archive::{Archive, Offered, Quarter, controls, review},
    drill::offered_modes,
    evidence::Signers,
    report::quarterly::{Standing, quarterly},
    system::{System, catalogue},
};

use super::{
    arguments::ReportArguments,
    check,
    exit::{Exit, Failure},
    history::archive,
    keys, output, pdf,
    verify::verification,
};

/// Writes the quarter's report as a page and as Markdown, beside the runs or where `--out` says.
///
/// # Errors
/// When the folder or a key cannot be read, or the files cannot be written.
pub fn quarter(arguments: &ReportArguments, quarter: Quarter) -> Result<Exit, Failure> {
    let reports = &arguments.folder;
    let archive = archive(reports)?;
    let systems = if arguments.require.is_empty() {
        Vec::new()
    } else {
        check::systems(&arguments.require)?
    };
    let mut standing = standing(reports, arguments.key.as_deref())?;
    standing.sentence.push_str(&unended(&archive, quarter));
    let availability: BTreeMap<String, f64> = arguments.availability.iter().cloned().collect();
    let review = review(&archive, quarter, &systems, &offered(), &availability);
    let document = quarterly(&review, &controls(&review), &standing);
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| reports.join("quarterly"));
    let written = fs::create_dir_all(&out).and_then(|()| {
        fs::write(out.join(format!("{quarter}.html")), document.html())?;
        fs::write(out.join(format!("{quarter}.md")), document.markdown())
    });
    written.map_err(|error| {
        let message = format!("failed to write to `{}`: {error}", out.display());
        Failure::new(
            Exit::EnvironmentUnfit,
            message,
            "name another folder with --out",
        )
    })?;
    let newest = review.runs.last().and_then(|run| run.started);
    pdf::write(arguments, &document, newest)?;
    output::result(&format!(
        "{}\n{}\n",
        document.lead,
        out.join(format!("{quarter}.html")).display()
    ));
    let proven = standing.verified || arguments.key.is_none();
    Ok(if proven {
        Exit::Pass
    } else {
        Exit::EvidenceUnverified
    })
}

/// The quarter's runs that were opened and came to no verdict, by name.
fn unended(archive: &Archive, quarter: Quarter) -> String {
    let within = |started| quarter.holds(started);
    let runs = archive.runs.iter().filter(|run| run.unended());
    let runs = runs.filter(|run| run.started.is_none_or(within));
    let names: Vec<String> = runs.map(|run| run.id.to_string()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        " Opened, and ended without a verdict or not at all: {}. What they would have shown is not known.",
        names.join(", ")
    )
}

/// The failure modes that each system's stacks can go through.
fn offered() -> Offered {
    let modes =
        |system: &Arc<dyn System>| (system.describe().name.into(), offered_modes(&**system));
    catalogue::all().iter().map(modes).collect()
}

/// What can be said of the evidence: verified where there is a key to hold it against.
fn standing(reports: &Path, key: Option<&str>) -> Result<Standing, Failure> {
    let Some(key) = key else {
        return Ok(Standing {
            sentence: "The evidence was not verified for this report: no public key was named."
                .into(),
            ..Standing::default()
        });
    };
    let key = keys::pinned(key)?;
    let found = verification(reports, Some(&Signers::from(&key)), None, None)?;
    let problems = found.problems();
    let head = found.register.as_ref().and_then(|audit| audit.head.clone());
    let sentence = match (problems.first(), &found.register) {
        (_, None) => "There is no register: nothing shows that these are all runs.".into(),
        (None, Some(_)) => format!(
            "{} sealed runs and the register verify against key {}.",
            found.runs.len(),
            key.id()
        ),
        (Some(first), Some(_)) => format!(
            "THE EVIDENCE DOES NOT VERIFY: {} problems, the first is {first}.",
            problems.len()
        ),
    };
    Ok(Standing {
        sentence,
        verified: problems.is_empty() && found.register.is_some() && !found.runs.is_empty(),
        head,
    })
}
