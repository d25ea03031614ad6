//! What lies beside a register.

use std::{collections::BTreeSet, fs, path::Path};

use crate::shown::shown;

use super::{
    Audit,
    folder::EVENTS,
    register::REGISTER,
    stamp::{self, STAMPS},
};

/// Names everything beside the register that is no run of it: whoever looks for evidence there must find nothing else.
/// Plain files beside the register are told and no more, since gates and reports are written there.
pub(super) fn unregistered(base: &Path, audit: &mut Audit) {
    let openings = audit.runs.values().filter_map(|it| it.opened.as_ref());
    let known: BTreeSet<String> = openings.map(|(_, it)| it.folder.clone()).collect();
    // Every folder on the way to a run.
    let on_the_way = |name: &str| known.iter().any(|it| it.starts_with(&format!("{name}/")));
    let mut folders = vec![String::new()];
    let mut beside = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(base.join(&folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let own = entry.file_name();
            let top = folder.is_empty();
            let name = match own.to_str() {
                Some(own) if top => own.to_owned(),
                Some(own) => format!("{folder}/{own}"),
                None => {
                    let name = Path::new(&folder).join(&own);
                    let what = "the register does not know this: its name is no text";
                    audit.problem(name.to_string_lossy(), what);
                    continue;
                }
            };
            let kind = entry.file_type();
            let is_folder = kind.as_ref().is_ok_and(fs::FileType::is_dir);
            let is_file = kind.as_ref().is_ok_and(fs::FileType::is_file);
            if known.contains(&name) || (top && (name == REGISTER || name == REPOSITORY)) {
                continue;
            }
            let has_own = top && (name == QUARTERLY || name == STAMPS);
            let is_stamp = folder == STAMPS && stamp::head_of(Path::new(&name)).is_some();
            if is_folder && (on_the_way(&name) || has_own) {
                folders.push(name);
            } else if is_file && is_stamp {
                // Whoever pins the authority's certificate has it checked.
            } else if is_file && (top || folder == QUARTERLY) {
                beside.push(shown(&name).into_owned());
            } else {
                audit.problem(&name, stranger(&base.join(&name), is_folder, is_file));
            }
        }
    }
    if !beside.is_empty() {
        beside.sort();
        let what = format!(
            "nothing protects what lies beside the register: {}",
            beside.join(", ")
        );
        audit.notices.push(what);
    }
}

/// Where quarterly reports are written.
const QUARTERLY: &str = "quarterly";
/// What a repository of its own keeps beside the register.
const REPOSITORY: &str = ".git";

/// What is wrong with something that the register does not know.
fn stranger(path: &Path, is_folder: bool, is_file: bool) -> &'static str {
    if is_folder && path.join(EVENTS).is_file() {
        "the register does not know this run"
    } else if is_folder {
        "the register does not know this folder"
    } else if is_file {
        "the register does not know this file"
    } else {
        "it is a link, a pipe or a device: no run leaves such a thing"
    }
}
