//! The editor rlvideo itself, from a checkout that the user names: its own export, without its window.
//!
//! The timeline is written as a project of the editor's. A driver of ours loads it and calls the editor's
//! `Project.export()`, with the editor's own worker: the one that starts a thread, or the one that does
//! not. What the editor decides for itself (UHD, 25 frames a second, MLT's defaults for everything else) it
//! decides, unless the variant asks for something else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::binding::{self, Binding};
use super::{Engine, Installation, JobFiles, Missing, Probe, Resolved, mlt, probe};
use crate::digest;
use crate::plan::{Input, Variant};
use crate::scenario::{Driver, EngineName, LayoutChoice, MediaChoice, Size};
use memreel_projects::mlt::Profile;
use memreel_projects::project::ProjectFormat;
use memreel_projects::rlvideo;

/// The driver that runs the editor's export; it shares the other one's means.
const DRIVER: (&str, &str) = ("memreel_rlvideo.py", include_str!("drivers/memreel_rlvideo.py"));

/// A checkout of the editor, and the binding that it uses.
#[derive(Debug)]
pub struct RlvideoEngine {
    found: Result<Checkout, Missing>,
}

#[derive(Debug)]
struct Checkout {
    folder: PathBuf,
    binding: Binding,
}

impl RlvideoEngine {
    /// Looks for the binding, and whether the folder that was named is a checkout.
    pub fn find(named: Option<&Path>, probe: Option<&Probe>) -> RlvideoEngine {
        RlvideoEngine { found: checkout(named, probe) }
    }
}

fn checkout(named: Option<&Path>, probe: Option<&Probe>) -> Result<Checkout, Missing> {
    let folder = named.ok_or_else(|| Missing {
        what: "no checkout of the editor rlvideo was given".into(),
        advice: "clone rickardlindberg/rlvideo from GitHub, and name the folder with --rlvideo or \
                 MEMREEL_RLVIDEO"
            .into(),
    })?;
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.into());
    let sources = python_files(&folder.join("rlvideolib"));
    if sources.is_empty() {
        return Err(Missing {
            what: format!("{} is not a checkout of rlvideo: it has no folder rlvideolib", folder.display()),
            advice: "give the folder that contains rlvideo.py".into(),
        });
    }
    let mut binding = binding::find(EngineName::Rlvideo, None, probe)?;
    let Some(probe) = probe else { return Ok(Checkout { folder, binding }) };
    let record = &mut binding.installation.record;
    record.version = match commit(&folder, probe) {
        Some(commit) => format!("{commit}, MLT {}", record.version),
        None => format!("MLT {}", record.version),
    };
    record.build = build(&record.build, &folder, &sources);
    Ok(Checkout { folder, binding })
}

/// The editor's Python files, by their paths.
fn python_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(python_files(&path)),
            _ if path.extension().is_some_and(|ending| ending == "py") => files.push(path),
            _ => {}
        }
    }
    files.sort();
    files
}

/// `cb18049 2023-08-06`, with a `+` when files were changed since.
fn commit(folder: &Path, probe: &Probe) -> Option<String> {
    let git = probe::on_path("git")?;
    let ask = |words: &[&str]| {
        let arguments =
            ["-C".as_ref(), folder.as_os_str()].into_iter().chain(words.iter().map(AsRef::as_ref));
        probe.output_of(&git, arguments)
    };
    let commit = ask(&["log", "-1", "--format=%h %cs"])?;
    let changed =
        ask(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    Some(format!("{}{}", commit.trim(), if changed { "+" } else { "" }))
}

/// A digest of everything of the editor that could run, and of what it runs on.
fn build(binding: &str, folder: &Path, sources: &[PathBuf]) -> String {
    let mut content = format!("{binding}\n{}\n", digest::of(DRIVER.1)).into_bytes();
    for file in sources {
        let name = file.strip_prefix(folder).unwrap_or(file);
        content.extend(format!("{}\n", name.display()).bytes());
        content.extend(std::fs::read(file).unwrap_or_default());
    }
    digest::of(content)
}

impl Engine for RlvideoEngine {
    fn name(&self) -> EngineName {
        EngineName::Rlvideo
    }

    fn installation(&self) -> Result<&Installation, &Missing> {
        self.found.as_ref().map(|checkout| &checkout.binding.installation)
    }

    fn unsupported(&self, variant: &Variant) -> Vec<String> {
        let mut unsupported = match variant.input.project() {
            Some(project) if project.format == ProjectFormat::Rlvideo => Vec::new(),
            Some(_) => vec!["rlvideo opens only its own projects (.rlvideo)".into()],
            None => mlt::unsupported(variant),
        };
        unsupported.extend(project(variant).err().map(|error| error.to_string()));
        if !matches!(variant.layout, LayoutChoice::Default | LayoutChoice::Sections) {
            unsupported.push("the editor always uses its own layout, in sections".into());
        }
        if variant.media_choice == MediaChoice::MakeProxies && variant.exports > 1 {
            unsupported.push("proxies are made only once per process".into());
        }
        unsupported
    }

    fn timeline(&self, variant: &Variant) -> (&'static str, String) {
        // What cannot be written as one of the editor's projects is told as unsupported.
        ("rlvideo", project(variant).unwrap_or_default())
    }

    fn drivers(&self) -> Vec<(String, &str)> {
        [binding::DRIVER, DRIVER].map(|(name, text)| (name.into(), text)).into()
    }

    fn dumps_graph(&self) -> bool {
        true
    }

    fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved {
        let before = (variant.media_choice == MediaChoice::Proxy).then(|| {
            let mut command = self.command(variant, files);
            command.extend(["--media", "make-proxies", "--keep-proxies"].map(OsString::from));
            command
        });
        let mut command = self.command(variant, files);
        command.extend(["--media", variant.media_choice.name()].map(OsString::from));
        command.extend(binding::arguments(variant, files));
        Resolved {
            before,
            command,
            environment: environment(variant),
            progress: Some(binding::PROGRESS),
            effective: mlt::effective(variant.threading),
            notes: notes(variant, files),
        }
    }
}

impl RlvideoEngine {
    fn command(&self, variant: &Variant, files: &JobFiles) -> Vec<OsString> {
        let (python, folder) = match &self.found {
            Ok(checkout) => (checkout.binding.python.as_path(), checkout.folder.as_path()),
            Err(_) => (Path::new("python3"), Path::new("CHECKOUT")),
        };
        let driver = files.drivers.join(DRIVER.0);
        let mut command: Vec<OsString> = vec![python.into(), driver.into(), files.timeline.into()];
        command.extend(["--checkout".into(), folder.into()]);
        if let Some(profile) = profile(variant) {
            command.extend(["--profile".into(), profile.into()]);
        }
        command
    }
}

/// The editor's project: its own, or the timeline written as one.
fn project(variant: &Variant) -> Result<String, rlvideo::RlvideoError> {
    let length = |path: &Path| variant.source_frames(path);
    match &variant.input {
        Input::Script(timeline) => rlvideo::to_rlvideo(timeline, &length, variant.export.rate),
        Input::Project(project) => Ok(project.text.clone()),
        Input::Opaque(_) => Ok(String::new()),
    }
}

/// What takes the place of the editor's own profile, where that is not what is asked for.
fn profile(variant: &Variant) -> Option<String> {
    let export = &variant.export;
    let Size { width, height } = export.size;
    let rate = format!("{}/{}", export.rate.numerator(), export.rate.denominator());
    let asked = Profile { width, height, rate: export.rate };
    (asked != rlvideo::profile()).then(|| format!("{}@{rate}", export.size))
}

/// Python writes no caches into the user's checkout.
fn environment(variant: &Variant) -> BTreeMap<String, Option<String>> {
    let mut environment = mlt::of_threads(variant.threading);
    environment.insert("PYTHONDONTWRITEBYTECODE".into(), Some("1".into()));
    environment
}

fn notes(variant: &Variant, files: &JobFiles) -> Vec<String> {
    let mut notes = binding::notes(variant, files);
    let worker = match variant.driver {
        Driver::Background => "BackgroundWorker, as in its window",
        Driver::Main => "NonThreadedBackgroundWorker, without a thread",
    };
    notes.push(format!("the editor's export() runs in its own {worker}"));
    if profile(variant).is_some() {
        notes.push(format!(
            "the editor uses {} instead of its own profile (uhd_2160p_25)",
            variant.export.size
        ));
    }
    notes
}
