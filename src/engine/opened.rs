//! A project as MLT opens it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;

use super::{Companions, binding, melt, mlt, usually_writable};
use crate::scenario::{EngineChoice, EngineName};
use memreel_projects::project::{Opened, Project};

/// Has MLT open a project, in the first build of it among these engines, or the installed `melt` where none of them is
/// MLT's. It is loaded and not played, in a process that can write nowhere but in temporary folders. `None` where there
/// is no MLT, or it does not open it in time.
pub fn opened<'a>(
    project: &Project,
    choices: impl IntoIterator<Item = &'a EngineChoice>,
    companions: &Companions,
) -> Option<Opened> {
    let probe = companions.probe()?;
    let choice = choices.into_iter().find(|choice| is_of_mlt(choice));
    let program = choice.and_then(|choice| choice.program.as_deref());
    let (program, before, after) = match choice.map(|choice| choice.name) {
        Some(EngineName::MltPython) => {
            (binding::python(program, &probe).ok()?, vec!["-c", binding::DRIVER.1, "--describe"], vec![])
        }
        _ => (melt::program(program).ok()?, vec![], vec![AS_PLAYLIST, "-consumer", "xml", "no_meta=1"]),
    };
    let copy = copy(&project.as_an_item().ok()?).ok()?;
    let words = |words: Vec<&'static str>| words.into_iter().map(OsStr::new);
    let arguments = words(before).chain([copy.path().as_os_str()]).chain(words(after));
    let environment: Vec<_> = mlt::display().collect();
    let answer = probe.confined_answer(&program, arguments, &environment, &places())?;
    let from = answer.output.find("<?xml")?;
    let not_loaded = answer.errors.lines().filter_map(mlt::not_loaded).map(str::to_string).collect();
    Some(Opened { graph: answer.output[from..].to_string(), not_loaded })
}

/// A property with which MLT gives an account of all that is in a document, and not only of its name.
const AS_PLAYLIST: &str = "resource=<playlist>";

fn is_of_mlt(choice: &EngineChoice) -> bool {
    matches!(choice.name, EngineName::Melt | EngineName::MltPython)
}

fn places() -> Vec<PathBuf> {
    let mut places = usually_writable();
    places.retain(|path| path.exists());
    places
}

fn copy(text: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut copy = tempfile::Builder::new().suffix(".mlt").tempfile()?;
    copy.write_all(text.as_bytes())?;
    Ok(copy)
}
