//! A project in an application's own format, in the place of a scripted timeline.

use std::path::{Path, PathBuf};

use memreel_projects::mlt::Profile;
use memreel_projects::rlvideo;
use memreel_timeline::Rate;

use super::export::Usual;
use super::source::DEFAULT_SIZE;
use super::tree::{Field, KeyTable, ScenarioFault, Value};
use super::values::Size;

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
        refuse(matrix, &["length", "sources"], "is exported as it is")?;
    }
    if !is_rlvideo(&path) {
        for table in [table("export")?, matrix].iter().flatten() {
            refuse(table, &["size", "rate"], "has a profile of its own")?;
        }
    }
    Ok(path)
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
