//! Export engines: is it here and which build, what can it not do, and how is a job launched.

mod allocator;
mod binding;
mod ffmpeg;
mod ffmpeg_line;
mod melt;
mod mlt;
mod mlt_python;
mod opened;
mod pipe_lines;
mod probe;
mod recipe;
mod rlvideo;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::plan::Variant;
use crate::scenario::{
    self, Axis, EngineChoice, EngineName, Media, MediaChoice, Placeholder, Sink, StopChoice,
};
use memreel_record::launch::EndStatus;
use memreel_record::supervise::ProgressFormat;
use memreel_trace::{EngineRecord, Threading};

pub use allocator::all as allocators;
pub use ffmpeg::Ffmpeg;
pub use melt::Melt;
pub use mlt_python::MltPython;
pub use opened::opened;
pub use probe::{Companions, Probe};
pub use recipe::RecipeEngine;
pub use rlvideo::RlvideoEngine;

/// A program that exports.
pub trait Engine {
    /// Its name in scenarios and results.
    fn name(&self) -> EngineName;

    /// The installed build.
    ///
    /// # Errors
    /// When it is not installed or does not answer: what is missing, and how to get it.
    fn installation(&self) -> Result<&Installation, &Missing>;

    /// What it cannot do of a variant, beyond what its build lacks; empty when it can
    /// do it exactly as asked.
    fn unsupported(&self, variant: &Variant) -> Vec<String>;

    /// The timeline in the format that it reads: the file's name ending, and its text.
    fn timeline(&self, variant: &Variant) -> (&'static str, String);

    /// Programs of ours that it runs: the files' names below the folder of drivers, and their texts.
    fn drivers(&self) -> Vec<(String, &str)> {
        Vec::new()
    }

    /// Where it runs; `None`: where memreel does.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// Whether its command is the user's own: it may write wherever the user may.
    fn is_of_user(&self) -> bool {
        false
    }

    /// The files whose pictures it exports one after another, where its command says that and nothing else does.
    fn joined(&self, _: &Variant) -> Option<Vec<PathBuf>> {
        None
    }

    /// Files that it reads beside the timeline's media.
    fn inputs(&self, _: &Variant) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Whether it can write out the graph that it exports ([`JobFiles::graph`]).
    fn dumps_graph(&self) -> bool {
        false
    }

    /// How it is launched.
    fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved;
}

/// The build of an engine that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// For `run.json`.
    pub record: EngineRecord,
    /// Whether it was asked what it has; else only its program is known.
    pub is_asked: bool,
    /// The video encoders it has.
    pub video_encoders: BTreeSet<String>,
    /// The audio encoders it has.
    pub audio_encoders: BTreeSet<String>,
    /// The containers it writes, by FFmpeg's names.
    pub containers: BTreeSet<String>,
}

/// An engine that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What was looked for and not found, or did not answer.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Installation {
    /// A program that was found and not started.
    fn unasked(name: EngineName, program: &Path) -> Installation {
        Installation {
            record: EngineRecord {
                name: name.name().into(),
                path: program.into(),
                version: String::new(),
                package: None,
                build: String::new(),
                libraries: BTreeMap::new(),
            },
            is_asked: false,
            video_encoders: BTreeSet::new(),
            audio_encoders: BTreeSet::new(),
            containers: BTreeSet::new(),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.advice)
    }
}

/// Where a job's files are.
#[derive(Debug, Clone, Copy)]
pub struct JobFiles<'a> {
    /// The timeline, as [`Engine::timeline`] gave it.
    pub timeline: &'a Path,
    /// Where the export goes; not used with a null sink.
    pub output: &'a Path,
    /// The folder with [`Engine::drivers`].
    pub drivers: &'a Path,
    /// The job's folder, for whatever else the engine writes.
    pub folder: &'a Path,
    /// Where the engine is to write the graph that it exports, when that is wanted.
    pub graph: Option<&'a Path>,
}

impl JobFiles<'static> {
    /// Words in the files' places, for a command that is only looked at.
    pub fn unnamed(with_graph: bool) -> JobFiles<'static> {
        JobFiles {
            timeline: Path::new("TIMELINE"),
            output: Path::new("OUTPUT"),
            drivers: Path::new("DRIVERS"),
            folder: Path::new("FOLDER"),
            graph: with_graph.then_some(Path::new("GRAPH")),
        }
    }
}

/// How a job is launched.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What has to run to its end before, and is not measured.
    pub before: Option<Vec<OsString>>,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// What to change in the environment.
    pub environment: BTreeMap<String, Option<String>>,
    /// How its progress is read, if it says any.
    pub progress: Option<ProgressFormat>,
    /// The threading it really gives.
    pub effective: Threading,
    /// What it does otherwise than asked, in words.
    pub notes: Vec<String>,
}

/// Looks for an engine, in the build that was chosen.
pub fn find(choice: &EngineChoice, companions: &Companions) -> Box<dyn Engine> {
    let (program, probe) = (choice.program.as_deref(), companions.probe());
    let probe = probe.as_ref();
    if let Some(recipe) = &choice.recipe {
        return Box::new(RecipeEngine::find(recipe, program, probe));
    }
    match choice.name {
        EngineName::Own(_) => unreachable!("an engine of a recipe has that recipe"),
        EngineName::Ffmpeg => Box::new(Ffmpeg::find(program, companions)),
        EngineName::Melt => Box::new(Melt::find(program, probe)),
        EngineName::MltPython => Box::new(MltPython::find(program, probe)),
        EngineName::Rlvideo => Box::new(RlvideoEngine::find(program.or(companions.rlvideo()), probe)),
    }
}

/// How a job is launched, with what the user sets in the environment of all engines.
pub fn resolve(engine: &dyn Engine, variant: &Variant, files: &JobFiles) -> Resolved {
    let mut resolved = engine.resolve(variant, files);
    let set = variant.environment.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
    resolved.environment.extend(set);
    allocator::put(variant.allocator, &mut resolved.environment);
    resolved
}

/// The library that a variant's engine has to load in place of its allocator.
pub fn allocator_file(variant: &Variant) -> Option<PathBuf> {
    allocator::file(variant.allocator)
}

/// Engines that were looked for: whatever they are labelled, each program once.
pub struct Engines {
    found: Vec<(EngineChoice, Box<dyn Engine>)>,
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.found.iter().map(|(choice, _)| choice)).finish()
    }
}

impl Engines {
    /// Looks for each of these.
    pub fn find<'a>(choices: impl Iterator<Item = &'a EngineChoice>, companions: &Companions) -> Engines {
        let mut engines = Engines { found: Vec::new() };
        for choice in choices {
            if engines.get(choice).is_none() {
                engines.found.push((choice.clone(), find(choice, companions)));
            }
        }
        engines
    }

    /// The one of this choice; `None` when it was not looked for.
    pub fn get(&self, choice: &EngineChoice) -> Option<&dyn Engine> {
        let is_it = |one: &EngineChoice| {
            one.name == choice.name && one.program == choice.program && one.recipe == choice.recipe
        };
        self.found.iter().find(|(one, _)| is_it(one)).map(|(_, engine)| engine.as_ref())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Engine> {
        self.found.iter().map(|(_, engine)| engine.as_ref())
    }
}

/// The exporter that comes with memreel, as far as it can be told without looking at files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExporterVersion {
    /// Where it is.
    pub path: PathBuf,
    /// Its own version.
    pub version: String,
    /// The version of the FFmpeg that it is linked with.
    pub ffmpeg: String,
}

/// Asks the exporter which one it is: in one start of it, and nothing else is started.
///
/// # Errors
/// When it is not installed or does not answer.
pub fn exporter_version(companions: &Companions) -> Result<ExporterVersion, Missing> {
    let path = companions.exporter()?;
    let about = ffmpeg::about(&path, &Probe::with(companions))?;
    Ok(ExporterVersion { path, version: about.version, ffmpeg: about.ffmpeg })
}

/// How many pictures a file holds, as the exporter counts them: none where it cannot be read. `None` when the exporter
/// itself was killed, could not be started or took too long, which says nothing of the file.
pub fn count_frames(exporter: &Path, file: &Path, probe: &Probe) -> Option<u64> {
    let answer = probe.answer(exporter, ["frames".as_ref(), "--count".as_ref(), file.as_os_str()], &[])?;
    match answer.end {
        EndStatus::Exit(0) => answer.output.trim().parse().ok(),
        EndStatus::Exit(_) => Some(0),
        EndStatus::Signal(_) => None,
    }
}

/// Why this engine will not run this variant: it does not exist, its build lacks something, or it
/// cannot do it at all. Empty when it will.
pub fn obstacles(engine: &dyn Engine, variant: &Variant) -> Vec<String> {
    match engine.installation() {
        Err(missing) => vec![missing.to_string()],
        Ok(installation) => {
            let mut obstacles = lacking(installation, variant);
            obstacles.extend(without_proxies(variant));
            obstacles.extend(without_stop(variant));
            obstacles.extend(allocator::missing(variant.allocator));
            obstacles.extend(engine.unsupported(variant));
            obstacles.extend(without_effect(engine, variant));
            obstacles
        }
    }
}

/// Proxies that nobody can make: only the editor does, and memreel generates those of sources that it
/// generates itself. A project has its own.
fn without_proxies(variant: &Variant) -> Option<String> {
    let engine = variant.engine.name;
    let has_its_own = variant.input.project().is_some() && variant.media_choice == MediaChoice::Proxy;
    if engine == EngineName::Rlvideo || has_its_own {
        return None;
    }
    match variant.media_choice {
        MediaChoice::Original => None,
        MediaChoice::MakeProxies => Some(format!("{engine} makes no proxies: rlvideo does")),
        MediaChoice::Proxy => {
            let file = variant.media.iter().find(|(_, media)| matches!(media, Media::File(_)));
            file.map(|(path, _)| {
                let path = path.display();
                format!(
                    "{path} is not a generated source: memreel has no proxy of it (rlvideo makes its own)"
                )
            })
        }
    }
}

/// Axes of the user's that are varied, and neither in the engine's command nor in its environment.
fn without_effect(engine: &dyn Engine, variant: &Variant) -> impl Iterator<Item = String> {
    let is_in_command = |axis| {
        let recipe = variant.engine.recipe.as_ref();
        recipe.is_some_and(|recipe| recipe.has(Placeholder::Own(axis)))
    };
    let unused = variant.own.iter().filter(move |own| {
        variant.varied.contains(&Axis::Own(own.axis)) && !own.is_in_environment && !is_in_command(own.axis)
    });
    let engine = engine.name();
    unused.map(move |own| {
        let axis = own.axis;
        format!("nothing of {engine} depends on `{axis}`: write {{{axis}}} in its command, or in [env]")
    })
}

/// Only an application of MLT's has a consumer to stop.
fn without_stop(variant: &Variant) -> Option<String> {
    let engine = variant.engine.name;
    let has_one = matches!(engine, EngineName::MltPython | EngineName::Rlvideo);
    let asked = variant.stop == StopChoice::After && !has_one;
    asked.then(|| format!("{engine} has no consumer that an application could stop"))
}

/// Encoders and containers that a variant needs and the build has not.
fn lacking(installation: &Installation, variant: &Variant) -> Vec<String> {
    let export = &variant.export;
    let engine = &installation.record.name;
    let mut lacking = Vec::new();
    if !installation.is_asked {
        return lacking;
    }
    let mut need = |kind: &str, name: &str, available: &BTreeSet<String>| {
        if !available.contains(name) {
            let names: Vec<_> = available.iter().map(String::as_str).collect();
            let near = scenario::nearest(name, &names);
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            lacking.push(format!(
                "this build of {engine} has no {kind} `{name}`{hint} (`memreel doctor --encoders` lists what it has)"
            ));
        }
    };
    // Untold, it encodes both as it likes.
    if let Some(encoder) = &export.encoder {
        need("video encoder", encoder, &installation.video_encoders);
        if let Some(audio) = &export.audio {
            need("audio encoder", &audio.encoder, &installation.audio_encoders);
        }
    }
    if export.sink == Sink::File {
        need("container", export.container.name(), &installation.containers);
    }
    lacking
}

/// Where every engine may write, since no program runs without: temporary files, devices, names of threads, caches of
/// fonts and shaders. Some of it may not exist.
pub fn usually_writable() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let caches = ["fontconfig", "gstreamer-1.0", "mesa_shader_cache", "mesa_shader_cache_db"];
    let caches = cache.iter().flat_map(|cache| caches.iter().map(|name| cache.join(name)));
    let usual = ["/tmp", "/var/tmp", "/dev", "/proc"].iter().map(PathBuf::from);
    usual.chain(caches).chain(variable("XDG_RUNTIME_DIR")).chain([std::env::temp_dir()]).collect()
}

/// A program of ours, or what is missing.
pub type Found = Result<PathBuf, Missing>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_two_labels_is_looked_for_once() {
        let choices = ["a:melt@/nowhere/x", "b:melt@/nowhere/x", "melt@/nowhere/x", "melt@/nowhere/y"];
        let choices = choices.map(|text| text.parse::<EngineChoice>().unwrap());
        let engines = Engines::find(choices.iter(), &Companions::in_folder(Path::new("/nowhere")));
        assert_eq!(engines.iter().count(), 2);
        for choice in &choices {
            let missing = engines.get(choice).unwrap().installation().unwrap_err();
            let program = choice.program.as_deref().unwrap();
            assert_eq!(missing.what, format!("{} does not exist", program.display()));
        }
        assert!(engines.get(&EngineName::Melt.into()).is_none());
    }
}
