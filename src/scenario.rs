//! The scenario file: a scripted timeline, how to export it, and what to vary.
//!
//! A scenario is TOML (see `docs/scenarios.md`). [`Scenario::load`] reads the file alone first, so
//! that its own mistakes are found at their line and column, then with the overrides applied.
//! Whatever is wrong is a [`ScenarioError`] of one line that says what would be right. What a
//! scenario means, job by job, is for [`crate::plan`] to say.

mod budgets;
mod engine;
mod error;
mod export;
mod matrix;
mod overrides;
mod part;
mod project;
mod recipe;
mod source;
mod spelling;
mod template;
mod track;
mod tree;
mod values;
mod word;

pub use engine::EngineChoice;
pub use error::ScenarioError;
pub use export::{Audio, ExportSettings};
pub use matrix::{Axis, AxisRange, AxisValue, Matrix};
pub use overrides::{Override, of_engines_file};
pub use part::PartChoice;
pub use recipe::{Argument, RECIPES, Recipe, RecipeProgress};
pub use source::{GENERATOR_VERSION, Media, Source, SourceSpec};
pub use spelling::nearest;
pub use template::{Placeholder, Template};
pub use track::{Child, ClipPattern, Extent, TrackPattern};
pub use values::{
    AllocatorChoice, Container, Driver, EngineName, LayoutChoice, MediaChoice, PixelFormat, Sink, Size,
    StopChoice, ThreadingChoice,
};

pub use word::Word;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use memreel_bounds as bounds;
use memreel_judge::budget::Budgets;
use memreel_timeline::Rate;

use error::ScenarioError as Error;
use export::Usual;
use recipe::UserNames;
use tree::{Field, KeyTable, Node, ScenarioFault, Value};
use values::Time;

/// The version of the format that this program reads.
pub const VERSION: u32 = 1;

/// The scenarios that come with the program: name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("one-clip", include_str!("../scenarios/one-clip.toml")),
    ("two-clips", include_str!("../scenarios/two-clips.toml")),
    ("forty-clips", include_str!("../scenarios/forty-clips.toml")),
    ("long", include_str!("../scenarios/long.toml")),
    ("uhd", include_str!("../scenarios/uhd.toml")),
];

/// A scripted timeline, how to export it, and what to vary.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The name of its file without `.toml`.
    pub name: String,
    /// What it asks, in one sentence.
    pub question: String,
    /// Its file.
    pub path: PathBuf,
    /// The text of its file.
    pub text: String,
    /// The options of the command line that stand for a file, where there is none; else empty.
    pub options: Vec<String>,
    /// What was changed without touching the file, as it was given.
    pub overrides: Vec<String>,
    /// The files of engines, axes and variables that are among these changes, and how many of them, the first, are theirs.
    pub engines_files: (Vec<PathBuf>, usize),
    /// Where clips are cut from, in the order of the file.
    pub sources: Vec<Source>,
    /// Frames a second of the timeline.
    pub rate: Rate,
    /// The timeline, bottom to top; empty where a project takes its place.
    pub tracks: Vec<TrackPattern>,
    /// A project in an application's own format, instead of a timeline.
    pub project: Option<PathBuf>,
    /// What is known of an export that the engines' commands alone describe, instead of a timeline.
    pub opaque: Option<Opaque>,
    /// Variables of the environment of every engine, with placeholders of the axes that the user names.
    pub environment: BTreeMap<String, Template>,
    /// How it is exported, where no axis says otherwise.
    pub export: ExportSettings,
    /// What is varied.
    pub matrix: Matrix,
    /// When a job is given up.
    pub limits: Limits,
    /// How a job is sampled.
    pub sampling: SamplingSettings,
    /// What an export may take.
    pub budgets: Budgets,
}

/// What is known of an export that nobody but its command describes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opaque {
    /// How many frames it has.
    pub frames: Option<u64>,
    /// The frames at which clips begin, the first excepted.
    pub cuts: Option<Vec<u64>>,
    /// A project that memreel cannot open: the command is given its path.
    pub project: Option<PathBuf>,
}

/// When a job is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// After so long, whatever it does; `None`: never.
    pub wall: Option<Duration>,
    /// After so long without a new frame.
    pub stall: Duration,
}

/// How a job is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplingSettings {
    /// From one sample to the next.
    pub interval: Duration,
}

impl Scenario {
    /// Reads a scenario file and applies the overrides.
    ///
    /// Relative paths of media and of engines' programs are taken from the file's folder and made absolute.
    ///
    /// # Errors
    /// When there is no such file, it cannot be read, or it or an override is wrong.
    pub fn load(path: &Path, overrides: &[Override]) -> Result<Scenario, ScenarioError> {
        let text = read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = match folder.as_os_str().is_empty() {
            true => std::env::current_dir(),
            false => std::path::absolute(folder),
        };
        let folder = folder.map_err(|error| unreadable(path, error))?;
        Scenario::parse_in(&text, path, &folder, overrides)
    }

    /// The scenario of a file's text. Opens nothing: `path` is for its name, for errors, and for its
    /// folder, from which relative paths of media are taken.
    ///
    /// # Errors
    /// When the text or an override is wrong.
    pub fn parse(text: &str, path: &Path, overrides: &[Override]) -> Result<Scenario, ScenarioError> {
        Scenario::parse_in(text, path, path.parent().unwrap_or(Path::new("")), overrides)
    }

    fn parse_in(text: &str, path: &Path, folder: &Path, changes: &[Override]) -> Result<Scenario, Error> {
        let alone = |fault| Error::new(fault, path, text, &[]);
        let mut tree = Node::of_file(text).map_err(alone)?;
        root_programs(&mut tree, folder);
        let mut scenario = scenario(&tree, folder).map_err(alone);
        if !changes.is_empty() {
            let texts: Vec<_> = changes.iter().map(|change| change.text().to_string()).collect();
            let changed = |fault| Error::new(fault, path, text, &texts);
            for (index, change) in changes.iter().enumerate() {
                change.apply(index, &mut tree).map_err(changed)?;
            }
            root_programs(&mut tree, folder);
            // What is wrong without the changes, too, is wrong in the file, where it has a line.
            scenario = match (scenario, self::scenario(&tree, folder)) {
                (Err(fault), Err(_)) => Err(fault),
                (_, with_changes) => with_changes.map_err(changed),
            };
            scenario = scenario.map(|scenario| Scenario { overrides: texts.clone(), ..scenario });
        }
        let mut scenario = scenario?;
        scenario.name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        scenario.path = path.into();
        scenario.text = text.into();
        Ok(scenario)
    }
}

impl Scenario {
    /// The same with pictures of a project's size and rate, which no key can say.
    pub fn with_pictures_of(&self, size: Size, rate: Rate) -> Scenario {
        let mut scenario = self.clone();
        (scenario.export.size, scenario.export.rate, scenario.rate) = (size, rate, rate);
        for range in &mut scenario.matrix.axes {
            let value = match range.axis {
                Axis::Size => AxisValue::Size(size),
                Axis::Rate => AxisValue::Rate(rate),
                _ => continue,
            };
            (range.values, range.default) = (vec![value.clone()], value);
        }
        scenario
    }
}

/// Has relative paths of engines' programs count from the scenario's folder, as those of media do.
fn root_programs(tree: &mut Node, folder: &Path) {
    let Value::Table(entries) = &mut tree.value else { return };
    for entry in entries.iter_mut().filter(|entry| engine::NAMING.contains(&entry.key.as_str())) {
        engine::root_programs(&mut entry.node, &entry.key, folder);
    }
}

/// The text of a file.
fn read(path: &Path) -> Result<String, ScenarioError> {
    let bytes = bounds::read(path, bounds::SCENARIO_BYTES).map_err(|error| unreadable(path, error))?;
    String::from_utf8(bytes).map_err(|error| not_text(path, &error))
}

fn unreadable(path: &Path, error: std::io::Error) -> ScenarioError {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::Missing { path: path.into() },
        _ => Error::Unreadable { path: path.into(), error },
    }
}

/// At the first byte that is not UTF-8.
fn not_text(path: &Path, error: &std::string::FromUtf8Error) -> ScenarioError {
    let offset = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    let fault =
        ScenarioFault { at: tree::Origin::File { offset }, message: "the file is not UTF-8 text".into() };
    Error::new(fault, path, &text, &[])
}

const KEYS: &[&str] = &[
    "version", "question", "sources", "timeline", "export", "engines", "axes", "env", "matrix", "limits",
    "sampling", "budgets",
];

/// All but what the file's name and text give.
fn scenario(tree: &Node, folder: &Path) -> Result<Scenario, ScenarioFault> {
    let root = Field::new("the file", tree).table("a scenario")?;
    check_version(&root)?;
    let root = root.only(KEYS)?;
    let question = question(&root)?;
    let names = UserNames::read(&root, Some(folder))?;
    let timeline = match root.get("timeline") {
        None if !names.recipes.is_empty() => None,
        _ => Some(root.required("timeline")?.table("[timeline]")?.only(TIMELINE_KEYS)?),
    };
    let of_timeline = |key: &str| timeline.as_ref().and_then(|table| table.get(key));
    let foreign = of_timeline("project").map(|field| project::foreign(field, folder)).transpose()?.flatten();
    let project = match (of_timeline("project"), &timeline) {
        (Some(field), Some(timeline)) if foreign.is_none() => {
            Some(project::path(field, timeline, &root, folder)?)
        }
        _ => None,
    };
    let opaque = opaque(timeline.as_ref(), &names, foreign)?;
    let rate =
        of_timeline("rate").map_or(Ok(Rate::new(25, 1).expect("25 is a rate")), |field| field.rate())?;
    let sources = match root.get("sources") {
        Some(field) => source::sources(&field.table("[sources]")?, rate, folder)?,
        None => Vec::new(),
    };
    let tracks = match &timeline {
        Some(timeline) if project.is_none() && opaque.is_none() => track::tracks(timeline, rate, &sources)?,
        _ => Vec::new(),
    };
    let usual = match &project {
        None => Usual::of_script(rate, &sources, &tracks),
        Some(path) => project::usual(path, rate),
    };
    let export = export::export(&root, &usual)?;
    let matrix = matrix::matrix(&root, &export, &sources, &names)?;
    check_extent(timeline.as_ref().unwrap_or(&root), &tracks, &sources, &matrix)?;
    if project.is_none() {
        project::check_none_of_its_axes(&root, opaque.is_none())?;
    }
    check_engines(&root, opaque.as_ref(), project.is_some(), &matrix)?;
    Ok(Scenario {
        name: String::new(),
        question,
        path: PathBuf::new(),
        text: String::new(),
        options: Vec::new(),
        engines_files: Default::default(),
        overrides: Vec::new(),
        sources,
        rate,
        tracks,
        project,
        opaque,
        environment: names.environment.clone(),
        export: export.export,
        matrix,
        limits: limits(&root)?,
        sampling: sampling(&root)?,
        budgets: budgets::budgets(&root, &names)?,
    })
}

const TIMELINE_KEYS: &[&str] = &["rate", "tracks", "project", "frames", "cuts"];

/// What is known of an export whose timeline is not given: how many frames it has, and where its clips begin.
fn opaque(
    timeline: Option<&KeyTable>,
    names: &UserNames,
    project: Option<PathBuf>,
) -> Result<Option<Opaque>, ScenarioFault> {
    let Some(timeline) = timeline else { return Ok(Some(Opaque::default())) };
    let (frames, cuts) = (timeline.get("frames"), timeline.get("cuts"));
    if timeline.get("tracks").is_some() || timeline.get("project").is_some() && project.is_none() {
        return match frames.or(cuts) {
            Some(field) => Err(field.fault(format!(
                "`{}` is known from the timeline: it is for engines whose command alone says what they export",
                field.name
            ))),
            None => Ok(None),
        };
    }
    if names.recipes.is_empty() && project.is_none() {
        return Ok(None);
    }
    let most = 1..=MOST_FRAMES;
    let frames = frames.map(|field| field.whole(most.clone())).transpose()?.map(u64::from);
    let cut = |field: Field| field.whole(most.clone()).map(u64::from);
    let cuts = match cuts {
        Some(field) => {
            let list = field.list("a list of frames, like [50, 100]")?;
            let cuts = list.into_iter().map(cut).collect::<Result<BTreeSet<_>, _>>()?;
            Some(cuts.into_iter().collect())
        }
        None => None,
    };
    Ok(Some(Opaque { frames, cuts, project }))
}

/// More than any export has.
const MOST_FRAMES: u32 = 1_000_000_000;

/// An engine that is to export a timeline, where the scenario has none.
fn check_engines(
    root: &KeyTable,
    opaque: Option<&Opaque>,
    is_project: bool,
    matrix: &Matrix,
) -> Result<(), ScenarioFault> {
    let (is_opaque, file) = (opaque.is_some(), opaque.and_then(|opaque| opaque.project.as_ref()));
    for engine in matrix.engines().filter(|_| is_opaque || is_project) {
        let needs = |key| engine.recipe.as_ref().is_none_or(|recipe| recipe.has_given(key));
        if let Some(file) = file.filter(|_| engine.recipe.is_none()) {
            return Err(
                root.fault(format!("the engine {engine} cannot open it: {}", project::not_ours(file)))
            );
        }
        if is_opaque && needs("timeline") {
            return Err(root.fault(format!(
                "the engine {engine} exports a timeline, and the scenario has no [timeline]"
            )));
        }
        if is_opaque && file.is_none() && needs("project") {
            return Err(root.fault(format!(
                "the engine {engine} exports a project: name it, like timeline.project = \"cut.mlt\""
            )));
        }
    }
    Ok(())
}

/// Before anything else: a newer format may have any keys.
fn check_version(root: &KeyTable) -> Result<(), ScenarioFault> {
    let Some(field) = root.get("version") else {
        return Err(root.fault(format!("`version` is missing: begin the file with `version = {VERSION}`")));
    };
    match field.value() {
        Value::Whole(version) if *version == VERSION.into() => Ok(()),
        Value::Whole(version) if *version > VERSION.into() => Err(field.fault(format!(
            "the file is of version {version}, this program reads version {VERSION}: it needs a newer memreel"
        ))),
        _ => Err(field.mismatch(&VERSION.to_string())),
    }
}

fn question(root: &KeyTable) -> Result<String, ScenarioFault> {
    let field = root.get("question").ok_or_else(|| {
        root.fault("`question` is missing: write in one sentence what the scenario answers")
    })?;
    match field.text("one sentence")?.trim() {
        "" => Err(field.fault("`question` is empty: write in one sentence what the scenario answers")),
        text if text.contains(|c: char| c.is_control()) => Err(field.fault("`question` must be one line")),
        text => Ok(text.into()),
    }
}

/// The most clips and gaps that all variants export together: beyond it a plan, or the list of a job's
/// cuts, no longer fits in memory.
const MOST_ITEMS: u64 = 2_000_000;

fn check_extent(
    timeline: &KeyTable,
    tracks: &[TrackPattern],
    sources: &[Source],
    matrix: &Matrix,
) -> Result<(), ScenarioFault> {
    let items = tracks.iter().map(|track| track.items(sources)).fold(0, u64::saturating_add);
    let times = matrix.largest(Axis::Length).saturating_mul(matrix.largest(Axis::Exports));
    let planned = items.saturating_mul(times).saturating_mul(matrix.kept().count() as u64);
    if planned > MOST_ITEMS {
        let message = format!(
            "the variants export {planned} clips and gaps together: at most {MOST_ITEMS} are allowed"
        );
        return Err(timeline.fault(message));
    }
    Ok(())
}

fn limits(root: &KeyTable) -> Result<Limits, ScenarioFault> {
    let keys = ["wall", "stall", Axis::MemoryLimit.name()];
    let table = root.get("limits").map(|field| field.table("[limits]")?.only(&keys)).transpose()?;
    let get = |key| table.as_ref().and_then(|table| table.get(key));
    Ok(Limits {
        wall: get("wall").map(duration).transpose()?,
        stall: get("stall").map_or(Ok(Duration::from_secs(60)), duration)?,
    })
}

fn duration(field: Field) -> Result<Duration, ScenarioFault> {
    match field.time()? {
        Time::Seconds(seconds) if seconds > 0.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(field.mismatch("a time above zero, in seconds or like \"10m\"")),
    }
}

fn sampling(root: &KeyTable) -> Result<SamplingSettings, ScenarioFault> {
    let table =
        root.get("sampling").map(|field| field.table("[sampling]")?.only(&["interval"])).transpose()?;
    let Some(field) = table.as_ref().and_then(|table| table.get("interval")) else {
        return Ok(SamplingSettings { interval: Duration::from_millis(20) });
    };
    let seconds = field.number().filter(|seconds| (0.001..=10.0).contains(seconds));
    let seconds = seconds.ok_or_else(|| field.mismatch("a number of seconds from 0.001 to 10"))?;
    Ok(SamplingSettings { interval: Duration::from_secs_f64(seconds) })
}

#[cfg(test)]
mod tests;
