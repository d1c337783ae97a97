//! MLT's Python binding: which Python has it, and what MLT behind it can do.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Installation, JobFiles, Missing, Probe, mlt, probe};
use crate::plan::Variant;
use crate::scenario::{EngineName, StopChoice};
use memreel_record::supervise::{Channel, ProgressFormat, ProgressLines};
use memreel_trace::EngineRecord;

/// The driver that exports a graph: it is run from a file in the result's folder.
pub const DRIVER: (&str, &str) = ("memreel_mlt.py", include_str!("drivers/memreel_mlt.py"));

/// How the drivers report.
pub const PROGRESS: ProgressFormat = ProgressFormat {
    channel: Channel::Pipe,
    lines: ProgressLines::Own(super::pipe_lines::parse),
    counters: "in+out",
    left_out: mlt::not_loaded,
};

/// A Python that imports MLT.
#[derive(Debug)]
pub struct Binding {
    /// The interpreter.
    pub python: PathBuf,
    /// What it is and has; named by whoever drives it.
    pub installation: Installation,
}

/// What the driver says with `--about`.
#[derive(Deserialize)]
struct About {
    version: String,
    module: String,
    native: PathBuf,
    python: String,
}

/// Looks for a Python that imports MLT: the one that was chosen, or `$MEMREEL_PYTHON`, or `python3` as a shell
/// finds it, or the system's own.
///
/// # Errors
/// When there is none.
pub fn find(name: EngineName, chosen: Option<&Path>, probe: Option<&Probe>) -> Result<Binding, Missing> {
    let Some(probe) = probe else {
        let python = match chosen {
            Some(path) => probe::chosen(path, None)?,
            None => candidates().into_iter().find(|python| python.is_file()).ok_or_else(none)?,
        };
        return Ok(Binding { installation: Installation::unasked(name, &python), python });
    };
    let (about, python) = match chosen {
        Some(path) => at(path, probe)?,
        None => anywhere(probe)?,
    };
    let installation = installation(name.name(), &about, &python, probe).ok_or_else(|| Missing {
        what: format!("MLT at {} does not list its encoders", about.native.display()),
        advice: "its module avformat is missing (Debian and Ubuntu: `apt-get install libmlt7`)".into(),
    })?;
    Ok(Binding { python, installation })
}

/// The interpreter alone, looked for in the same places.
///
/// # Errors
/// When there is none.
pub fn python(chosen: Option<&Path>, probe: &Probe) -> Result<PathBuf, Missing> {
    chosen.map_or_else(|| anywhere(probe), |path| at(path, probe)).map(|(_, python)| python)
}

fn at(path: &Path, probe: &Probe) -> Result<(About, PathBuf), Missing> {
    let python = probe::chosen(path, None)?;
    let about = about(&python, probe).ok_or_else(|| Missing {
        what: format!("{} is not a Python that imports MLT (module mlt7 or mlt)", python.display()),
        advice: "give the interpreter of a Python that has the binding".into(),
    })?;
    Ok((about, python))
}

fn anywhere(probe: &Probe) -> Result<(About, PathBuf), Missing> {
    candidates().into_iter().find_map(|python| Some((about(&python, probe)?, python))).ok_or_else(none)
}

fn candidates() -> Vec<PathBuf> {
    let stated = std::env::var_os("MEMREEL_PYTHON").map(PathBuf::from);
    let usual = [probe::on_path("python3"), Some(PathBuf::from("/usr/bin/python3"))];
    stated.map_or_else(|| usual.into_iter().flatten().collect(), |stated| vec![stated])
}

fn none() -> Missing {
    Missing {
        what: "no Python here imports MLT (module mlt7 or mlt)".into(),
        advice: "install the binding (Debian and Ubuntu: `apt-get install python3-mlt`), or name the Python \
                 that has it in MEMREEL_PYTHON"
            .into(),
    }
}

fn about(python: &Path, probe: &Probe) -> Option<About> {
    let text = probe.output_of(python, ["-c", DRIVER.1, "--about"])?;
    serde_json::from_str(text.lines().last()?).ok()
}

fn installation(name: &str, about: &About, python: &Path, probe: &Probe) -> Option<Installation> {
    let loaded = mlt::loaded(probe, python, ["-c", DRIVER.1, "--list", "f"], &about.native);
    let libraries = mlt::versions(&loaded);
    let told = BTreeMap::from([("driver".to_string(), crate::digest::of(DRIVER.1))]);
    let with_driver = libraries.iter().chain(&told).map(|(name, version)| (name.clone(), version.clone()));
    let list = |kind: &str| mlt::list(probe, python, ["-c", DRIVER.1, "--list", kind]);
    Some(Installation {
        is_asked: true,
        video_encoders: list("vcodec")?,
        audio_encoders: list("acodec")?,
        containers: list("f")?,
        record: EngineRecord {
            name: name.into(),
            path: python.into(),
            version: format!("{} ({}, Python {})", about.version, about.module, about.python),
            package: probe.package_of(&about.native),
            build: probe::build_digest(&about.native, &with_driver.collect(), &loaded)?,
            libraries,
        },
    })
}

/// The arguments that all drivers understand.
pub fn arguments(variant: &Variant, files: &JobFiles) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["--target".into(), mlt::target(variant, files).into()];
    let mut option = |name: &str, value: String| arguments.extend([name.into(), value.into()]);
    option("--driver", variant.driver.name().into());
    for (name, value) in mlt::properties(variant) {
        option("--set", format!("{name}={value}"));
    }
    if variant.exports > 1 {
        option("--exports", variant.exports.to_string());
        option("--rest", variant.rest.as_secs_f64().to_string());
    }
    if variant.stop == StopChoice::After {
        arguments.push("--stop".into());
    }
    if let Some(graph) = files.graph {
        arguments.extend(["--dump-graph".into(), graph.into()]);
    }
    arguments
}

/// What the drivers do otherwise than asked, in words.
pub fn notes(variant: &Variant, files: &JobFiles) -> Vec<String> {
    let mut notes = mlt::notes(variant);
    notes.push(
        "the driver asks every 0.5 s whether the export is over, so wall time is up to that much longer; \
         a thread of it reads the frame counters every 10 ms"
            .into(),
    );
    if files.graph.is_some() {
        notes.push("MLT wrote the graph before the export, in the same process".into());
    }
    notes
}
