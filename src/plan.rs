//! From a scenario to jobs: every kept combination of the matrix is a [`Variant`], every variant is
//! run as often as the scenario repeats it.
//!
//! Planning is pure. It opens no file and asks nothing of the machine: how many CPUs there are and
//! where generated media lie is told by the [`PlanContext`].

mod arrange;
mod copies;
mod input;
mod order;
mod shard;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::digest;
use crate::scenario::{
    AllocatorChoice, Audio, Axis, AxisValue, Driver, EngineChoice, EngineName, ExportSettings, LayoutChoice,
    Media, MediaChoice, Placeholder, Scenario, Sink, StopChoice, Template, ThreadingChoice, Word,
};
use memreel_projects::mlt::Removal;
use memreel_timeline::{Clip, RationalTime, Timeline};
use memreel_trace::units::Bytes;
use memreel_trace::{Threading, WorkUnit};

pub use copies::{Copies, EditChoice};
pub use input::Input;
pub use shard::{PartOf, Shard, ShardError};

/// What a plan depends on besides its scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanContext {
    /// How many threads `parallel` means.
    pub cpus: u32,
    /// Where generated media lie; absolute, since timelines name their media by it.
    pub media_folder: PathBuf,
    /// The project that the scenario names, as its variants export it.
    pub project: Option<Copies>,
}

/// All that a scenario asks to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// What it asks.
    pub question: String,
    /// The axes that take more than one value.
    pub varied: Vec<Axis>,
    /// Every kept combination of the axes' values, the first axis changing slowest.
    pub variants: Vec<Variant>,
    /// Combinations that the scenario leaves out.
    pub excluded: u64,
    /// What to run, in this order.
    pub jobs: Vec<Job>,
    /// What the order was made from.
    pub seed: u32,
    /// Which part of the scenario's plan this is; `None` when it is all of it.
    pub part: Option<PartOf>,
}

/// One launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Job {
    /// Which of the plan's variants, from 0.
    pub variant: usize,
    /// Which repeat of it, from 1.
    pub repeat: u32,
}

/// What a job is called, whichever part of the plan it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobName {
    /// Every axis and its value, as in [`Variant::axes`].
    pub axes: Vec<(Axis, String)>,
    /// Its variant's place in the scenario's matrix, as [`Variant::place`].
    pub place: usize,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// The name of its folder.
    pub folder: String,
}

/// One point on the axes, with everything an engine needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Every axis and its value as a scenario writes it, in the plan's order.
    pub axes: Vec<(Axis, String)>,
    /// Its place among the scenario's kept combinations, from 0.
    pub place: usize,
    /// The program that exports.
    pub engine: EngineChoice,
    /// The threads it is given.
    pub threading: Threading,
    /// The word that stands for them: `single`, `parallel` …
    pub threading_choice: ThreadingChoice,
    /// Where in its process the export runs.
    pub driver: Driver,
    /// Whether a consumer of MLT's is told to stop once it says that it has.
    pub stop: StopChoice,
    /// How its clips are put together in a graph of MLT's.
    pub layout: LayoutChoice,
    /// What is exported of each source.
    pub media_choice: MediaChoice,
    /// How often it is exported, one after another in the same process; at least once.
    pub exports: u32,
    /// The memory allocator of its processes.
    pub allocator: AllocatorChoice,
    /// The most memory that the engine and all that it starts may use; `None`: no limit.
    pub memory_limit: Option<Bytes>,
    /// The longest that it may run, where that is less than the scenario's own limit.
    pub wall_limit: Option<Duration>,
    /// How long the process rests after each export, so that samples show what stays; not at all after the
    /// only one.
    pub rest: Duration,
    /// What it is to produce.
    pub export: ExportSettings,
    /// What is exported.
    pub input: Input,
    /// Its distinct media, in order of first use.
    pub media: Vec<(PathBuf, Media)>,
    /// Its values of the axes that the user names.
    pub own: Vec<OwnValue>,
    /// The axes of its plan that take more than one value.
    pub varied: Arc<[Axis]>,
    /// What the user sets in its environment, whatever the engine.
    pub environment: BTreeMap<String, String>,
    label: String,
    slug: String,
}

/// A value of an axis that the user names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnValue {
    /// The axis.
    pub axis: Word,
    /// The value.
    pub value: String,
    /// Whether it is in the environment of every engine.
    pub is_in_environment: bool,
}

impl Variant {
    /// What tells it from the plan's other variants: the varied axes' values, joined by ` · `; for the
    /// only variant of a plan its engine.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Frames of one export; of all sources where only their proxies are made. `None` where it is not known.
    pub fn frames(&self) -> Option<u64> {
        match self.media_choice {
            MediaChoice::MakeProxies => {
                Some(self.media.iter().filter_map(|(path, _)| self.source_frames(path)).sum())
            }
            _ => self.input.frames(self.export.rate),
        }
    }

    /// Frames of a source at the export's rate: of a generated one all that it has, of another one as
    /// many as clips are known to need.
    pub fn source_frames(&self, media: &Path) -> Option<u64> {
        let rate = self.export.rate;
        let range_end = |clip: &Clip| {
            clip.source_range.start_time.frame_at(rate) + clip.source_range.duration.frame_at(rate)
        };
        let clips = self.input.script().into_iter().flat_map(Timeline::clips);
        let needed = clips.filter(|clip| clip.media == media).map(range_end).max();
        let generated = self.media.iter().find_map(|(path, media_of)| match media_of {
            Media::Generated(spec) if path == media => {
                Some(RationalTime::new(spec.frames, spec.rate).frame_at(rate))
            }
            _ => None,
        });
        generated.or(needed)
    }

    /// The unit of its progress.
    pub fn unit(&self) -> WorkUnit {
        self.engine.recipe.as_ref().map_or(WorkUnit::Frame, |recipe| recipe.unit)
    }

    /// Whether there is a file afterwards with the frames of one export.
    pub fn writes_a_file(&self) -> bool {
        let names_it = self.engine.recipe.as_ref().is_none_or(|recipe| recipe.has_given("output"));
        self.export.sink == Sink::File && self.media_choice != MediaChoice::MakeProxies && names_it
    }

    /// Frames of all exports in its process. `None` where it is not known.
    pub fn frames_of_all_exports(&self) -> Option<u64> {
        Some(self.frames()? * u64::from(self.exports))
    }

    /// A name for its files, different for each variant of a plan: engine, threading, and every value
    /// that is not the scenario's default. Letters, digits, `_`, `.` and `-` only.
    pub fn slug(&self) -> &str {
        &self.slug
    }
}

impl Plan {
    /// The variant that a job runs.
    pub fn variant(&self, job: Job) -> &Variant {
        &self.variants[job.variant]
    }

    /// What a job is called.
    pub fn name_of(&self, job: Job) -> JobName {
        let variant = self.variant(job);
        JobName {
            axes: variant.axes.clone(),
            place: variant.place,
            repeat: job.repeat,
            folder: format!("{}-r{}", variant.slug(), job.repeat),
        }
    }

    /// The plan of some variants alone.
    pub fn only(self, is_it: impl Fn(&Variant) -> bool) -> Plan {
        let jobs = self.jobs.iter().filter(|job| is_it(self.variant(**job))).copied().collect();
        self.restricted(jobs)
    }

    /// Some of the jobs, and those variants alone that they run.
    fn restricted(self, jobs: Vec<Job>) -> Plan {
        let run: BTreeSet<_> = jobs.iter().map(|job| job.variant).collect();
        let jobs = jobs.iter().map(|job| Job { variant: run.range(..job.variant).count(), ..*job }).collect();
        let variants = self.variants.into_iter().enumerate().filter(|(place, _)| run.contains(place));
        Plan { variants: variants.map(|(_, variant)| variant).collect(), jobs, ..self }
    }
}

/// Every job of a scenario.
pub fn plan(scenario: &Scenario, context: &PlanContext) -> Plan {
    let kept = scenario.matrix.kept().enumerate();
    let variants: Vec<_> = kept.map(|(place, values)| variant(scenario, context, place, &values)).collect();
    Plan {
        scenario: scenario.name.clone(),
        question: scenario.question.clone(),
        varied: scenario.matrix.varied().collect(),
        excluded: scenario.matrix.combinations() - variants.len() as u64,
        jobs: order::jobs(&variants, scenario.matrix.repeats, scenario.matrix.seed),
        seed: scenario.matrix.seed,
        variants,
        part: None,
    }
}

/// What the values of a combination decide.
struct Settings {
    engine: EngineChoice,
    threading: ThreadingChoice,
    driver: Driver,
    stop: StopChoice,
    layout: LayoutChoice,
    media: MediaChoice,
    export: ExportSettings,
    length: u32,
    sources: Option<u32>,
    exports: u32,
    edit: EditChoice,
    allocator: AllocatorChoice,
    memory_limit: Option<Bytes>,
    own: Vec<OwnValue>,
}

fn settings(scenario: &Scenario, values: &[AxisValue]) -> Settings {
    let mut settings = Settings {
        engine: EngineName::Ffmpeg.into(),
        threading: ThreadingChoice::Single,
        driver: Driver::Main,
        stop: StopChoice::Never,
        layout: LayoutChoice::Default,
        media: MediaChoice::Original,
        export: scenario.export.clone(),
        length: 1,
        sources: None,
        exports: 1,
        edit: EditChoice::of(values),
        allocator: AllocatorChoice::Default,
        memory_limit: None,
        own: Vec::new(),
    };
    for value in values {
        settings.take(value, scenario.matrix.audio_rate);
    }
    for own in &mut settings.own {
        let mut used = scenario.environment.values().flat_map(Template::placeholders);
        own.is_in_environment = used.any(|placeholder| placeholder == Placeholder::Own(own.axis));
    }
    settings
}

impl Settings {
    fn take(&mut self, value: &AxisValue, audio_rate: u32) {
        let export = &mut self.export;
        match value {
            AxisValue::Engine(engine) => self.engine = engine.clone(),
            AxisValue::Threading(choice) => self.threading = *choice,
            AxisValue::Driver(driver) => self.driver = *driver,
            AxisValue::Stop(stop) => self.stop = *stop,
            AxisValue::Layout(layout) => self.layout = *layout,
            AxisValue::Media(media) => self.media = *media,
            AxisValue::Size(size) => export.size = *size,
            AxisValue::Rate(rate) => export.rate = *rate,
            AxisValue::Encoder(encoder) => export.encoder = encoder.clone(),
            AxisValue::Preset(preset) => export.preset = preset.clone(),
            AxisValue::PixelFormat(format) => export.pixel_format = *format,
            AxisValue::Audio(encoder) => {
                export.audio = encoder.clone().map(|encoder| Audio { encoder, rate: audio_rate });
            }
            AxisValue::Container(container) => export.container = *container,
            AxisValue::Sink(sink) => export.sink = *sink,
            AxisValue::Length(factor) => self.length = *factor,
            AxisValue::Sources(limit) => self.sources = *limit,
            AxisValue::Exports(count) => self.exports = *count,
            // The edit is of all three.
            AxisValue::Times(_) | AxisValue::Without(_) | AxisValue::Part(_) => {}
            AxisValue::Allocator(choice) => self.allocator = *choice,
            AxisValue::MemoryLimit(limit) => self.memory_limit = *limit,
            AxisValue::Own(axis, value) => {
                self.own.push(OwnValue { axis: *axis, value: value.clone(), is_in_environment: false });
            }
        }
    }
}

fn variant(scenario: &Scenario, context: &PlanContext, place: usize, values: &[AxisValue]) -> Variant {
    let settings = settings(scenario, values);
    let media_choice = settings.media;
    let Settings { engine, threading, driver, stop, layout, export, .. } = settings;
    let Settings { length, sources, exports, edit, allocator, memory_limit, own, .. } = settings;
    let own_value = |placeholder: Placeholder<'_>| {
        let used = own.iter().find(|one| Placeholder::Own(one.axis) == placeholder);
        used.map(|one| one.value.clone())
    };
    let filled = |(name, template): (&String, &Template)| Some((name.clone(), template.filled(&own_value)?));
    let environment = scenario.environment.iter().filter_map(filled).collect();
    // An editor makes its own.
    let put_proxies = media_choice == MediaChoice::Proxy && engine.name != EngineName::Rlvideo;
    let (input, media) = match &context.project {
        None if scenario.opaque.is_some() => {
            (Input::Opaque(scenario.opaque.clone().unwrap_or_default()), Vec::new())
        }
        Some(copies) => {
            let project = copies.get(&edit);
            let media =
                project.sources.iter().map(|path| (path.clone(), Media::File(path.clone()))).collect();
            (Input::Project(project), media)
        }
        None => {
            let (mut timeline, mut media) =
                arrange::arrange(scenario, &context.media_folder, length, sources);
            if put_proxies {
                arrange::put_proxies(&mut timeline, &mut media, &context.media_folder);
            }
            (Input::Script(timeline), media)
        }
    };
    let said = values.iter().filter(|value| is_told(scenario, value.axis()));
    Variant {
        axes: said.map(|value| (value.axis(), value.to_string())).collect(),
        place,
        engine,
        threading: threading.threading(context.cpus),
        threading_choice: threading,
        driver,
        stop,
        layout,
        media_choice,
        exports,
        allocator,
        memory_limit,
        wall_limit: None,
        rest: if exports > 1 { rest(scenario.sampling.interval) } else { Duration::ZERO },
        export,
        input,
        media,
        own,
        varied: scenario.matrix.varied().collect(),
        environment,
        label: label(scenario, values),
        slug: slug(scenario, values),
    }
}

/// Whether an axis says anything of the export: where commands alone describe it, only what they are told.
fn is_told(scenario: &Scenario, axis: Axis) -> bool {
    let engines = scenario.matrix.range(Axis::Engine).values.iter().filter_map(AxisValue::engine);
    let mut recipes = engines.filter_map(|engine| engine.recipe.as_ref());
    scenario.opaque.is_none()
        || matches!(axis, Axis::Engine | Axis::Allocator | Axis::MemoryLimit | Axis::Own(_))
        || recipes.any(|recipe| axis.reaches(recipe))
}

/// The least time that a process rests after an export.
const LEAST_REST: Duration = Duration::from_millis(100);

/// How many samples are to see a process at rest: a level is the median of some.
const SAMPLES_AT_REST: u32 = 6;

fn rest(interval: Duration) -> Duration {
    LEAST_REST.max(interval * SAMPLES_AT_REST)
}

fn label(scenario: &Scenario, values: &[AxisValue]) -> String {
    let varied = scenario.matrix.axes.iter().zip(values).filter(|(range, _)| range.is_varied());
    let phrases: Vec<_> = varied.map(|(range, value)| range.phrase(value)).collect();
    if phrases.is_empty() { values[0].phrase() } else { phrases.join(" · ") }
}

fn slug(scenario: &Scenario, values: &[AxisValue]) -> String {
    let told = scenario.matrix.axes.iter().zip(values).filter(|(range, value)| match range.axis {
        Axis::Engine => true,
        Axis::Threading => is_told(scenario, Axis::Threading),
        _ => **value != range.default,
    });
    let phrase = |value: &AxisValue| match value {
        AxisValue::Engine(engine) => engine.file_name(),
        AxisValue::Own(axis, value) => format!("{axis}-{}", file_name(value)),
        AxisValue::Without(Some(Removal::Service(service))) => format!("without-{}", file_name(service)),
        _ => value.phrase(),
    };
    let phrases: Vec<_> = told.map(|(_, value)| phrase(value)).collect();
    phrases.join("-").replace(is_unusual, "-")
}

/// What the names of files are kept free of.
fn is_unusual(c: char) -> bool {
    !c.is_ascii_alphanumeric() && c != '.' && c != '_'
}

/// The longest value that stands in the name of a file as it is.
const LONGEST_VALUE: usize = 32;

/// A name for any value, another one for every other value.
fn file_name(value: &str) -> String {
    match value.contains(is_unusual) || value.len() > LONGEST_VALUE {
        true => digest::of(value.as_bytes()),
        false => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
