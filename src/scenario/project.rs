//! A project in an application's own format, in the place of a scripted timeline.

use std::path::{Path, PathBuf};

use memreel_projects::mlt::Profile;
use memreel_projects::project::{ProjectError, ProjectFormat};
use memreel_projects::rlvideo;
use memreel_timeline::Rate;

use super::export::Usual;
use super::source::DEFAULT_SIZE;
use super::tree::{Field, KeyTable, ScenarioFault, Value};
use super::values::Size;

/// The path of a project that memreel cannot open, and a command of the user's may; `None` of one that it can.
pub(super) fn foreign(field: Field, folder: &Path) -> Result<Option<PathBuf>, ScenarioFault> {
    match field.value() {
        Value::Text(path) if !path.is_empty() => {
            Ok(Some(folder.join(path)).filter(|path| ProjectFormat::of_path(path).is_none()))
        }
        _ => Ok(None),
    }
}

/// Whose project a file is that memreel cannot open.
pub(super) fn not_ours(path: &Path) -> ProjectError {
    memreel_projects::project::foreign(path).unwrap_or_else(|| ProjectError::Unknown(path.into()))
}

/// The path of `timeline.project`; relative ones are taken from `folder`. What the project decides itself
/// cannot be said beside it.
pub(super) fn path(
    field: Field,
    timeline: &KeyTable,
    root: &KeyTable,
    folder: &Path,
) -> Result<PathBuf, ScenarioFault> {
    let path = match field.value() {
        Value::Text(path) if !path.is_empty() => folder.join(path),
        _ => return Err(field.mismatch("the path of a project: \"cut.mlt\"")),
    };
    refuse(timeline, &["tracks", "rate"], "has a timeline of its own")?;
    let table = |name: &str| root.get(name).map(|field| field.table(name)).transpose();
    let matrix = table("matrix")?;
    if let Some(matrix) = &matrix {
        let because = match is_rlvideo(&path) {
            true => "is exported as it is",
            false => "is exported as it is (`times` plays it several times in a row)",
        };
        refuse(matrix, &["length", "sources"], because)?;
    }
    if let Some(matrix) = matrix.as_ref().filter(|_| is_rlvideo(&path)) {
        refuse(matrix, &ITS_AXES, NOT_CHANGED)?;
    }
    if !is_rlvideo(&path) {
        for table in [table("export")?, matrix].iter().flatten() {
            refuse(table, &["size", "rate"], "has a profile of its own")?;
        }
    }
    Ok(path)
}

/// Why these are not for a project of rlvideo.
const NOT_CHANGED: &str =
    "is of rlvideo, and memreel changes only graphs of MLT (run it with --dump-graph, then run graph.mlt)";

/// The axes that change a copy of a project's graph.
const ITS_AXES: [&str; 3] = ["times", "without", "part"];

/// Axes of projects, where there is none.
pub(super) fn check_none_of_its_axes(root: &KeyTable, is_scripted: bool) -> Result<(), ScenarioFault> {
    let Some(matrix) = root.get("matrix").map(|field| field.table("[matrix]")).transpose()? else {
        return Ok(());
    };
    let Some(key) = ITS_AXES.iter().find(|key| matrix.get(key).is_some()) else { return Ok(()) };
    let instead = match (is_scripted, *key) {
        (false, _) => "this scenario has none",
        (true, "times") => "a scripted timeline is made longer by `length`",
        (true, _) => "change the scripted timeline itself",
    };
    Err(matrix
        .key_fault(key, format!("`{key}` is an axis of projects of editors (.mlt, .kdenlive): {instead}")))
}

fn refuse(table: &KeyTable, keys: &[&str], because: &str) -> Result<(), ScenarioFault> {
    match keys.iter().find(|key| table.get(key).is_some()) {
        Some(key) => Err(table.key_fault(key, format!("the project {because}: leave out `{key}`"))),
        None => Ok(()),
    }
}

/// How large the pictures are is known when the project is opened; the editor rlvideo has one size for all.
pub(super) fn usual(path: &Path, rate: Rate) -> Usual {
    let Profile { width, height, .. } = rlvideo::profile();
    let size = if is_rlvideo(path) { Size { width, height } } else { DEFAULT_SIZE };
    Usual { size, rate, sounds: true }
}

fn is_rlvideo(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "rlvideo")
}
