//! The matrix: which axes are varied, over which values, how often.
//!
//! An axis is added in this file: its name in [`Axis`], its values in [`AxisValue`], and how they
//! are read, defaulted and written below; what it does to a variant is in [`crate::plan`].

use std::fmt;

use bytesize::ByteSize;
use memreel_projects::mlt::Removal;
use memreel_timeline::Rate;
use memreel_trace::units::Bytes;

use super::engine::EngineChoice;
use super::export::{ExportSettings, ExportTable, audio_encoder, video_encoder};
use super::part::PartChoice;
use super::recipe::{Recipe, UserNames, axis_value};
use super::source::{Source, preset, preset_suits};
use super::spelling::unknown;
use super::tree::{Field, KeyTable, ScenarioFault, Value};
use super::values::{
    AllocatorChoice, Container, Driver, EngineName, LayoutChoice, MediaChoice, PixelFormat, Sink, Size,
    StopChoice, ThreadingChoice, open_names,
};
use super::word::Word;

open_names! {
    /// What a matrix can vary, in the order of the plan: the first changes slowest.
    Axis, {
        /// The program that exports.
        Engine = "engine",
        /// How many threads it is given.
        Threading = "threading",
        /// Where in its process the export runs.
        Driver = "driver",
        /// Whether a consumer of MLT's is told to stop once it says that it has.
        Stop = "stop",
        /// How clips are put together in a graph of MLT's.
        Layout = "layout",
        /// What is exported of each source.
        Media = "media",
        /// Size of the pictures.
        Size = "size",
        /// Pictures a second.
        Rate = "rate",
        /// The video encoder, or the engine's own choice.
        Encoder = "encoder",
        /// The video encoder's preset.
        Preset = "preset",
        /// How the encoder is given the pictures.
        PixelFormat = "pixel_format",
        /// The audio encoder, or none.
        Audio = "audio",
        /// The file format.
        Container = "container",
        /// Where the export goes.
        Sink = "sink",
        /// How many times as long every track is.
        Length = "length",
        /// How many files of each source are used.
        Sources = "sources",
        /// How often the timeline is exported in one process.
        Exports = "exports",
        /// How many times in a row a project is played in one export.
        Times = "times",
        /// What is taken out of a project.
        Without = "without",
        /// Which part of a project is played.
        Part = "part",
        /// The memory allocator of the engine's processes.
        Allocator = "allocator",
        /// The most memory that the engine may use.
        MemoryLimit = "memory-limit",
    },
    /// What a user varies: it takes the place of `{NAME}` in commands and environments.
}

impl Axis {
    /// The placeholders in commands that say its value.
    pub fn placeholders(&self) -> &'static [&'static str] {
        match self {
            Axis::Threading => &["threads"],
            Axis::Size => &["size", "width", "height"],
            Axis::Rate => &["rate"],
            Axis::Encoder => &["encoder"],
            Axis::Preset => &["preset"],
            Axis::PixelFormat => &["pixel_format"],
            Axis::Audio => &["audio", "audio_rate"],
            Axis::Container => &["container", "output"],
            Axis::Exports => &["exports"],
            _ => &[],
        }
    }

    /// Whether its value reaches a recipe's command.
    pub fn reaches(&self, recipe: &Recipe) -> bool {
        self.placeholders().iter().any(|name| recipe.has_given(name))
    }
}

/// One value of one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AxisValue {
    /// The program that exports.
    Engine(EngineChoice),
    /// How many threads it is given.
    Threading(ThreadingChoice),
    /// Where in its process the export runs.
    Driver(Driver),
    /// Whether a consumer of MLT's is told to stop once it says that it has.
    Stop(StopChoice),
    /// How clips are put together in a graph of MLT's.
    Layout(LayoutChoice),
    /// What is exported of each source.
    Media(MediaChoice),
    /// Size of the pictures.
    Size(Size),
    /// Pictures a second.
    Rate(Rate),
    /// The video encoder; `None`: not told, nor anything else of how to encode.
    Encoder(Option<String>),
    /// Its preset; `None`: not told.
    Preset(Option<String>),
    /// How the encoder is given the pictures.
    PixelFormat(PixelFormat),
    /// The audio encoder; `None`: no sound.
    Audio(Option<String>),
    /// The file format.
    Container(Container),
    /// Where the export goes.
    Sink(Sink),
    /// Every track so many times as long.
    Length(u32),
    /// Only the first so many files of each source, over and over; `None`: all.
    Sources(Option<u32>),
    /// The timeline so often, one export after another in one process.
    Exports(u32),
    /// The project so many times in a row, in one export.
    Times(u32),
    /// The project without something; `None`: all of it.
    Without(Option<Removal>),
    /// Only a part of the project; `None`: all of it.
    Part(Option<PartChoice>),
    /// The memory allocator of the engine's processes.
    Allocator(AllocatorChoice),
    /// The most memory that the engine and all that it starts may use; `None`: no limit.
    MemoryLimit(Option<Bytes>),
    /// A value of an axis that a user names.
    Own(Word, String),
}

/// An axis and the values it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisRange {
    /// Which axis.
    pub axis: Axis,
    /// At least one, each once, in the order of the file.
    pub values: Vec<AxisValue>,
    /// What it is when `[matrix]` does not name it.
    pub default: AxisValue,
}

/// Which variants there are, and how often each is run.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Every axis of memreel's, once, in the order of [`Axis::ALL`], and then those that the user names.
    pub axes: Vec<AxisRange>,
    /// How often each variant is run, at least once.
    pub repeats: u32,
    /// Chooses the order in which variants are run.
    pub seed: u32,
    /// Combinations that are left out: those that have all values of an entry.
    pub exclude: Vec<Vec<AxisValue>>,
    /// Samples a second of the sound, where a variant has any.
    pub audio_rate: u32,
}

impl AxisValue {
    /// The axis it is a value of.
    pub fn axis(&self) -> Axis {
        match self {
            AxisValue::Engine(_) => Axis::Engine,
            AxisValue::Threading(_) => Axis::Threading,
            AxisValue::Driver(_) => Axis::Driver,
            AxisValue::Stop(_) => Axis::Stop,
            AxisValue::Layout(_) => Axis::Layout,
            AxisValue::Media(_) => Axis::Media,
            AxisValue::Size(_) => Axis::Size,
            AxisValue::Rate(_) => Axis::Rate,
            AxisValue::Encoder(_) => Axis::Encoder,
            AxisValue::Preset(_) => Axis::Preset,
            AxisValue::PixelFormat(_) => Axis::PixelFormat,
            AxisValue::Audio(_) => Axis::Audio,
            AxisValue::Container(_) => Axis::Container,
            AxisValue::Sink(_) => Axis::Sink,
            AxisValue::Length(_) => Axis::Length,
            AxisValue::Sources(_) => Axis::Sources,
            AxisValue::Exports(_) => Axis::Exports,
            AxisValue::Times(_) => Axis::Times,
            AxisValue::Without(_) => Axis::Without,
            AxisValue::Part(_) => Axis::Part,
            AxisValue::Allocator(_) => Axis::Allocator,
            AxisValue::MemoryLimit(_) => Axis::MemoryLimit,
            AxisValue::Own(axis, _) => Axis::Own(*axis),
        }
    }

    /// The engine that it names, if it is a value of that axis.
    pub fn engine(&self) -> Option<&EngineChoice> {
        match self {
            AxisValue::Engine(choice) => Some(choice),
            _ => None,
        }
    }

    /// With the axis's name where the value alone would be a riddle: `melt`, but `length 2`.
    pub fn phrase(&self) -> String {
        let text = self.to_string();
        let says_itself = !matches!(
            self.axis(),
            Axis::Rate
                | Axis::Stop
                | Axis::Preset
                | Axis::Audio
                | Axis::Sink
                | Axis::Length
                | Axis::Sources
                | Axis::Exports
                | Axis::Times
                | Axis::Without
                | Axis::Part
                | Axis::MemoryLimit
                | Axis::Own(_)
        );
        if says_itself && text != "default" { text } else { format!("{} {text}", self.axis()) }
    }

    /// Whether an entry of `exclude` that has this value means the other one.
    fn stands_for(&self, other: &AxisValue) -> bool {
        match (self, other) {
            (AxisValue::Engine(one), AxisValue::Engine(other)) => one.stands_for(other),
            _ => self == other,
        }
    }

    /// Of an axis that `[matrix]` does not name.
    fn default(axis: Axis, export: &ExportSettings, memory_limit: Option<Bytes>) -> AxisValue {
        match axis {
            Axis::Engine => AxisValue::Engine(EngineName::Ffmpeg.into()),
            Axis::Threading => AxisValue::Threading(ThreadingChoice::Single),
            Axis::Driver => AxisValue::Driver(Driver::Main),
            Axis::Stop => AxisValue::Stop(StopChoice::Never),
            Axis::Layout => AxisValue::Layout(LayoutChoice::Default),
            Axis::Media => AxisValue::Media(MediaChoice::Original),
            Axis::Size => AxisValue::Size(export.size),
            Axis::Rate => AxisValue::Rate(export.rate),
            Axis::Encoder => AxisValue::Encoder(export.encoder.clone()),
            Axis::Preset => AxisValue::Preset(export.preset.clone()),
            Axis::PixelFormat => AxisValue::PixelFormat(export.pixel_format),
            Axis::Audio => AxisValue::Audio(export.audio.as_ref().map(|audio| audio.encoder.clone())),
            Axis::Container => AxisValue::Container(export.container),
            Axis::Sink => AxisValue::Sink(export.sink),
            Axis::Length => AxisValue::Length(1),
            Axis::Sources => AxisValue::Sources(None),
            Axis::Exports => AxisValue::Exports(1),
            Axis::Times => AxisValue::Times(1),
            Axis::Without => AxisValue::Without(None),
            Axis::Part => AxisValue::Part(None),
            Axis::Allocator => AxisValue::Allocator(AllocatorChoice::Default),
            Axis::MemoryLimit => AxisValue::MemoryLimit(memory_limit),
            Axis::Own(axis) => AxisValue::Own(axis, String::new()),
        }
    }

    pub(super) fn read(axis: Axis, field: Field, names: &UserNames) -> Result<AxisValue, ScenarioFault> {
        Ok(match axis {
            Axis::Engine => AxisValue::Engine(field.engine(&names.recipes)?),
            Axis::Threading => AxisValue::Threading(field.threading()?),
            Axis::Driver => AxisValue::Driver(field.named()?),
            Axis::Stop => AxisValue::Stop(field.named()?),
            Axis::Layout => AxisValue::Layout(field.named()?),
            Axis::Media => AxisValue::Media(field.named()?),
            Axis::Size => AxisValue::Size(field.size()?),
            Axis::Rate => AxisValue::Rate(field.rate()?),
            Axis::Encoder => AxisValue::Encoder(video_encoder(field)?),
            Axis::Preset => AxisValue::Preset(preset(field)?),
            Axis::PixelFormat => AxisValue::PixelFormat(field.named()?),
            Axis::Audio => AxisValue::Audio(audio_encoder(field)?),
            Axis::Container => AxisValue::Container(field.container()?),
            Axis::Sink => AxisValue::Sink(field.named()?),
            Axis::Length => AxisValue::Length(field.whole(1..=10_000)?),
            Axis::Sources => AxisValue::Sources(source_limit(field)?),
            Axis::Exports => AxisValue::Exports(field.whole(1..=1_000)?),
            Axis::Times => AxisValue::Times(field.whole(1..=10_000)?),
            Axis::Without => AxisValue::Without(removal(field)?),
            Axis::Part => AxisValue::Part(part(field)?),
            Axis::Allocator => AxisValue::Allocator(field.allocator()?),
            Axis::MemoryLimit => AxisValue::MemoryLimit(memory_limit(field)?),
            Axis::Own(axis) => AxisValue::Own(axis, axis_value(field)?),
        })
    }
}

/// A number of files, or `all`.
fn source_limit(field: Field) -> Result<Option<u32>, ScenarioFault> {
    match field.value() {
        Value::Text(text) if text == "all" => Ok(None),
        Value::Text(_) => Err(field.mismatch("a number of files, or \"all\"")),
        _ => field.whole(1..=10_000).map(Some),
    }
}

/// Something that is in a project, or `nothing`.
fn removal(field: Field) -> Result<Option<Removal>, ScenarioFault> {
    let wanted = "nothing, filters, transitions, track:N, clip:N, or the name of an MLT service";
    match field.text(wanted)? {
        "nothing" => Ok(None),
        text => text.parse().map(Some).map_err(|why: String| field.fault(format!("{why}; write {wanted}"))),
    }
}

/// `FROM..TO`, or `all`.
fn part(field: Field) -> Result<Option<PartChoice>, ScenarioFault> {
    let wanted = "a part FROM..TO like \"0..60s\" or \"0..1500f\", or \"all\"";
    match field.text(wanted)? {
        "all" => Ok(None),
        text => text.parse().map(Some).map_err(|()| field.fault(format!("`{text}` is not {wanted}"))),
    }
}

/// No engine runs in less.
const LEAST_MEMORY: u64 = 1 << 20;

/// An amount of memory, or `none`.
pub(super) fn memory_limit(field: Field) -> Result<Option<Bytes>, ScenarioFault> {
    let bytes = match field.value() {
        Value::Text(text) if text == "none" => return Ok(None),
        Value::Text(text) => text.parse::<ByteSize>().ok().map(|size| size.as_u64()),
        Value::Whole(bytes) => u64::try_from(*bytes).ok(),
        _ => None,
    };
    let bytes = bytes.filter(|bytes| (LEAST_MEMORY..1 << 60).contains(bytes));
    let wanted = "an amount of memory of at least 1 MiB, like \"512 MiB\", or \"none\"";
    bytes.map(|bytes| Some(Bytes::new(bytes))).ok_or_else(|| field.mismatch(wanted))
}

/// As it can be read again: in MiB where these are not too long a fraction.
fn exact(bytes: Bytes) -> String {
    match bytes.get() {
        bytes if bytes.is_multiple_of(1 << 30) => format!("{} GiB", bytes >> 30),
        bytes if bytes.is_multiple_of(1 << 16) => format!("{} MiB", bytes as f64 / f64::from(1 << 20)),
        bytes => format!("{bytes} B"),
    }
}

impl fmt::Display for AxisValue {
    /// As a scenario writes it, without quotation marks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisValue::Engine(value) => value.fmt(f),
            AxisValue::Threading(value) => value.fmt(f),
            AxisValue::Driver(value) => value.fmt(f),
            AxisValue::Stop(value) => value.fmt(f),
            AxisValue::Layout(value) => value.fmt(f),
            AxisValue::Media(value) => value.fmt(f),
            AxisValue::Size(value) => value.fmt(f),
            AxisValue::Rate(value) => value.fmt(f),
            AxisValue::Encoder(value) | AxisValue::Preset(value) => {
                f.write_str(value.as_deref().unwrap_or("default"))
            }
            AxisValue::PixelFormat(value) => value.fmt(f),
            AxisValue::Audio(value) => f.write_str(value.as_deref().unwrap_or("false")),
            AxisValue::Container(value) => value.fmt(f),
            AxisValue::Sink(value) => value.fmt(f),
            AxisValue::Length(value) => value.fmt(f),
            AxisValue::Sources(Some(value)) => value.fmt(f),
            AxisValue::Sources(None) => f.write_str("all"),
            AxisValue::Exports(value) | AxisValue::Times(value) => value.fmt(f),
            AxisValue::Without(Some(value)) => value.fmt(f),
            AxisValue::Without(None) => f.write_str("nothing"),
            AxisValue::Part(Some(value)) => value.fmt(f),
            AxisValue::Part(None) => f.write_str("all"),
            AxisValue::Allocator(value) => value.fmt(f),
            AxisValue::MemoryLimit(Some(limit)) => f.write_str(&exact(*limit)),
            AxisValue::MemoryLimit(None) => f.write_str("none"),
            AxisValue::Own(_, value) => f.write_str(value),
        }
    }
}

impl Matrix {
    /// The engines that it names.
    pub fn engines(&self) -> impl Iterator<Item = &EngineChoice> {
        self.range(Axis::Engine).values.iter().filter_map(AxisValue::engine)
    }

    /// The values of an axis of memreel's.
    pub fn range(&self, axis: Axis) -> &AxisRange {
        self.axes.iter().find(|range| range.axis == axis).expect("a matrix has every axis of memreel's")
    }

    /// The axes that take more than one value.
    pub fn varied(&self) -> impl Iterator<Item = Axis> {
        self.axes.iter().filter(|range| range.is_varied()).map(|range| range.axis)
    }

    /// How many combinations there are before any is left out.
    pub fn combinations(&self) -> u64 {
        self.axes.iter().fold(1, |product, axis| product.saturating_mul(axis.values.len() as u64))
    }

    /// The combinations that are not left out: a value for each axis, the first axis changing
    /// slowest.
    pub fn kept(&self) -> impl Iterator<Item = Vec<AxisValue>> {
        (0..self.combinations()).map(|number| self.combination(number)).filter(|one| !self.is_excluded(one))
    }

    /// The largest factor among the values of `length` or `exports`; 1 for an axis without factors.
    pub(super) fn largest(&self, axis: Axis) -> u64 {
        let factor = |value: &AxisValue| match value {
            AxisValue::Length(factor) | AxisValue::Exports(factor) => u64::from(*factor),
            _ => 1,
        };
        self.range(axis).values.iter().map(factor).max().unwrap_or(1)
    }

    fn combination(&self, number: u64) -> Vec<AxisValue> {
        let mut rest = number;
        let mut values: Vec<_> = self.axes.iter().rev().map(|axis| axis.pick(&mut rest)).collect();
        values.reverse();
        values
    }

    fn is_excluded(&self, combination: &[AxisValue]) -> bool {
        let has = |value: &AxisValue| combination.iter().any(|one| value.stands_for(one));
        self.exclude.iter().any(|entry| entry.iter().all(has))
    }
}

impl AxisRange {
    /// The value at the last digit of a number written in as many digits as there are values.
    fn pick(&self, number: &mut u64) -> AxisValue {
        let count = self.values.len() as u64;
        let value = self.values[(*number % count) as usize].clone();
        *number /= count;
        value
    }

    /// A value as [`AxisValue::phrase`] says it, but of an engine's program only what tells it from those of
    /// the axis's other values.
    pub fn phrase(&self, value: &AxisValue) -> String {
        match value {
            AxisValue::Engine(choice) => choice.among(self.values.iter().filter_map(AxisValue::engine)),
            _ => value.phrase(),
        }
    }

    /// Whether it takes more than one value.
    pub fn is_varied(&self) -> bool {
        self.values.len() > 1
    }
}

/// The most jobs of a plan.
const MOST_JOBS: u64 = 10_000;

/// Reads `[matrix]`; all of it may be left out.
pub(super) fn matrix(
    root: &KeyTable,
    export: &ExportTable,
    sources: &[Source],
    names: &UserNames,
) -> Result<Matrix, ScenarioFault> {
    let ExportTable { export, audio_rate } = export;
    let field = root.get("matrix");
    let table = field.map(|field| known_axes(field.table("[matrix]")?)).transpose()?;
    let get = |key| table.as_ref().and_then(|table| table.get(key));
    let usual = limit_of_all(root)?;
    let mut axes: Vec<AxisRange> = Vec::new();
    for axis in Axis::ALL {
        let default = AxisValue::default(*axis, export, usual);
        let values = match get(axis.name()) {
            Some(field) => values(*axis, field, names)?,
            None => usual_values(*axis, &default, &axes, names),
        };
        axes.push(AxisRange { axis: *axis, values, default });
    }
    for (axis, values) in &names.axes {
        check_own(axis, root)?;
        axes.push(own_range(*axis, values));
    }
    let repeats = get("repeats").map_or(Ok(1), |field| field.whole(1..=1_000))?;
    let seed = get("seed").map_or(Ok(1), |field| field.whole(0..=u32::MAX))?;
    let mut matrix = Matrix { axes, repeats, seed, exclude: Vec::new(), audio_rate: *audio_rate };
    let jobs = matrix.combinations().saturating_mul(repeats.into());
    if let Some(field) = field.filter(|_| jobs > MOST_JOBS) {
        return Err(field.fault(format!("the matrix has {jobs} jobs: at most {MOST_JOBS} are allowed")));
    }
    if let Some(field) = get("exclude") {
        matrix.exclude = exclude(field, &matrix.axes, names)?;
        if matrix.kept().next().is_none() {
            return Err(field.fault("`exclude` leaves nothing to run"));
        }
    }
    get("sources").map_or(Ok(()), |field| check_sources(field, sources))?;
    check_presets(&matrix, get("preset").or_else(|| export_field(root, "preset")))?;
    check_sizes(&matrix, get("size").or_else(|| export_field(root, "size")), root)?;
    Ok(matrix)
}

fn export_field<'a>(root: &KeyTable<'a>, key: &str) -> Option<Field<'a>> {
    root.get("export")?.table("[export]").ok()?.get(key)
}

/// Axes, and the keys that are none.
fn known_axes(table: KeyTable) -> Result<KeyTable, ScenarioFault> {
    let others = ["repeats", "seed", "exclude"];
    let allowed: Vec<_> = Axis::ALL.iter().map(|axis| axis.name()).chain(others).collect();
    match table.fields().find(|field| !allowed.contains(&field.name)) {
        Some(stray) => Err(table.key_fault(stray.name, unknown("axis", stray.name, "in [matrix]", &allowed))),
        None => Ok(table),
    }
}

/// The values of an axis that `[matrix]` does not name. A user's engines are exported with, where there are any; and
/// threads are varied where an engine can be told their number.
fn usual_values(axis: Axis, default: &AxisValue, before: &[AxisRange], names: &UserNames) -> Vec<AxisValue> {
    let engines = before.iter().flat_map(|range| &range.values).filter_map(AxisValue::engine);
    match axis {
        Axis::Engine if !names.recipes.is_empty() => {
            names.recipes.iter().map(|recipe| AxisValue::Engine(recipe.into())).collect()
        }
        Axis::Threading
            if engines.clone().all(|engine| engine.recipe.as_ref().is_some_and(|one| !axis.reaches(one))) =>
        {
            vec![AxisValue::Threading(ThreadingChoice::Default)]
        }
        Axis::Threading => {
            [ThreadingChoice::Single, ThreadingChoice::Parallel(None)].map(AxisValue::Threading).to_vec()
        }
        _ => vec![default.clone()],
    }
}

/// A name that an axis of memreel's has.
fn check_own(axis: &Word, root: &KeyTable) -> Result<(), ScenarioFault> {
    if Axis::ALL.iter().all(|known| known.name() != axis.as_str()) {
        return Ok(());
    }
    let message = format!("`{axis}` is an axis of memreel: its values belong in [matrix]");
    Err(match root.get("axes").map(|field| field.table("[axes]")).transpose()? {
        Some(table) => table.key_fault(axis.as_str(), message),
        None => root.fault(message),
    })
}

fn own_range(axis: Word, values: &[String]) -> AxisRange {
    let values: Vec<_> = values.iter().map(|value| AxisValue::Own(axis, value.clone())).collect();
    AxisRange { axis: Axis::Own(axis), default: AxisValue::Own(axis, String::new()), values }
}

/// The memory limit of variants that have none of their own.
fn limit_of_all(root: &KeyTable) -> Result<Option<Bytes>, ScenarioFault> {
    let Some(limits) = root.get("limits") else { return Ok(None) };
    limits.table("[limits]")?.get(Axis::MemoryLimit.name()).map_or(Ok(None), memory_limit)
}

fn values(axis: Axis, field: Field, names: &UserNames) -> Result<Vec<AxisValue>, ScenarioFault> {
    let mut values = Vec::new();
    for item in field.one_or_more()? {
        let value = AxisValue::read(axis, item, names)?;
        // Of builds it is the label that has to be another one.
        if values.iter().any(|other: &AxisValue| other.to_string() == value.to_string()) {
            return Err(item.fault(format!("`{value}` is listed twice in `{axis}`")));
        }
        values.push(value);
    }
    // What something is taken out of is exported as well: it is what the others are compared with.
    let whole = AxisValue::Without(None);
    if axis == Axis::Without && !values.contains(&whole) {
        values.insert(0, whole);
    }
    Ok(values)
}

fn exclude(
    field: Field,
    axes: &[AxisRange],
    names: &UserNames,
) -> Result<Vec<Vec<AxisValue>>, ScenarioFault> {
    let wanted = "a list of tables like { engine = \"melt\", driver = \"background\" }";
    field.list(wanted)?.into_iter().map(|entry| exclusion(entry, axes, names)).collect()
}

fn exclusion(entry: Field, axes: &[AxisRange], names: &UserNames) -> Result<Vec<AxisValue>, ScenarioFault> {
    let known: Vec<_> = axes.iter().map(|range| range.axis.name()).collect();
    let table = entry.table("`exclude`")?;
    if table.fields().next().is_none() {
        return Err(entry.fault("an empty entry of `exclude` would leave nothing to run"));
    }
    let mut values = Vec::new();
    for field in table.fields() {
        let Some(range) = axes.iter().find(|range| range.axis.name() == field.name) else {
            let message = unknown("axis", field.name, "in `exclude`", &known);
            return Err(table.key_fault(field.name, message));
        };
        values.push(excluded_value(range, field, names)?);
    }
    Ok(values)
}

fn excluded_value(range: &AxisRange, field: Field, names: &UserNames) -> Result<AxisValue, ScenarioFault> {
    let value = AxisValue::read(range.axis, field, names)?;
    if !range.values.iter().any(|one| value.stands_for(one)) {
        let texts: Vec<_> = range.values.iter().map(AxisValue::to_string).collect();
        let message = format!(
            "`{value}` is not among the values of `{}` in this matrix ({})",
            range.axis,
            texts.join(", ")
        );
        return Err(field.fault(message));
    }
    Ok(value)
}

/// More files than there are would be the same variant twice, under two names.
fn check_sources(field: Field, sources: &[Source]) -> Result<(), ScenarioFault> {
    let largest = sources.iter().map(|source| source.media.len() as u32).max().unwrap_or(0);
    for item in field.one_or_more()? {
        if let Some(limit) = source_limit(item)?.filter(|limit| *limit > largest) {
            let message = format!("`sources` = {limit}, but no source has more than {largest} files");
            return Err(item.fault(message));
        }
    }
    Ok(())
}

/// A preset that no encoder of the matrix knows.
fn check_presets(matrix: &Matrix, field: Option<Field>) -> Result<(), ScenarioFault> {
    let Some(field) = field else { return Ok(()) };
    let mut encoders = Vec::new();
    for value in &matrix.range(Axis::Encoder).values {
        if let AxisValue::Encoder(encoder) = value {
            encoders.extend(encoder.as_deref());
        }
    }
    for item in field.one_or_more()? {
        preset_suits(item, preset(item)?.as_deref(), &encoders)?;
    }
    Ok(())
}

/// A size that its pixel format cannot have, in any variant that is kept.
fn check_sizes(matrix: &Matrix, field: Option<Field>, root: &KeyTable) -> Result<(), ScenarioFault> {
    let objection = matrix.kept().find_map(|values| {
        let size = values
            .iter()
            .find_map(|value| if let AxisValue::Size(size) = value { Some(*size) } else { None })?;
        let format = values.iter().find_map(|value| {
            if let AxisValue::PixelFormat(format) = value { Some(*format) } else { None }
        })?;
        format.objection(size).map(|objection| (size, objection))
    });
    let Some((size, objection)) = objection else { return Ok(()) };
    let items = field.map_or(Ok(Vec::new()), |field| field.one_or_more())?;
    let guilty = items.iter().find(|item| item.size().is_ok_and(|one| one == size));
    Err(guilty.map_or_else(|| root.fault(&*objection), |item| item.fault(&*objection)))
}
