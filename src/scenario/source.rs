//! Where clips are cut from: media generated on demand, or files that are there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use memreel_timeline::Rate;

use super::spelling::{quoted, unknown};
use super::tree::{Field, KeyTable, ScenarioFault, Value};
use super::values::{Container, PixelFormat, Size};

/// The version of what the generator draws and plays: part of every [`SourceSpec::digest`], so that
/// files of an older generator are not taken for those of this one.
pub const GENERATOR_VERSION: u32 = 1;

/// A set of media under one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What clips call it: `shot`.
    pub name: String,
    /// Its files in order: clip `shot.3` is cut from the third.
    pub media: Vec<Media>,
}

/// One file that clips are cut from.
#[derive(Debug, Clone, PartialEq)]
pub enum Media {
    /// Made on demand, from this description.
    Generated(SourceSpec),
    /// A file that is there.
    File(PathBuf),
}

/// All that decides what a generated file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSpec {
    /// What tells it from the scenario's other generated files, from 1: seeds its pictures and sound.
    pub number: u32,
    /// Size of its pictures.
    pub size: Size,
    /// Pictures a second.
    pub rate: Rate,
    /// How many pictures.
    pub frames: u64,
    /// How its encoder is given the pictures.
    pub pixel_format: PixelFormat,
    /// FFmpeg's name of its video encoder.
    pub codec: String,
    /// The encoder's preset; `None`: not told.
    pub preset: Option<String>,
    /// Pictures from one key frame to the next.
    pub keyframe_distance: u32,
    /// Further options of the encoder.
    pub options: BTreeMap<String, String>,
    /// Samples a second of its sound; `None`: silent film.
    pub audio_rate: Option<u32>,
    /// Its file format.
    pub container: Container,
}

impl SourceSpec {
    /// Sixteen hexadecimal digits that change with anything that changes the file: SHA-256 over
    /// every field and [`GENERATOR_VERSION`].
    pub fn digest(&self) -> String {
        crate::digest::of(self.canonical_text())
    }

    /// The name of its file in a folder of generated media.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.digest(), self.container.extension())
    }

    /// What a preview shows in its place: pictures 540 lines high, each one on its own (Motion JPEG), so
    /// that any of them is decoded quickly. Editors make theirs so.
    pub fn proxy(&self) -> SourceSpec {
        const LINES: u32 = 540;
        // FF_QP2LAMBDA, 118, is one step of the scale that `-qscale:v 3` counts in.
        let options = [("flags", "+qscale"), ("global_quality", "354")];
        let width = u64::from(self.size.width) * u64::from(LINES) / u64::from(self.size.height.max(1));
        SourceSpec {
            size: Size { width: u32::try_from(width / 2 * 2).unwrap_or(u32::MAX).max(2), height: LINES },
            pixel_format: PixelFormat::Yuvj420p,
            codec: "mjpeg".into(),
            preset: None,
            keyframe_distance: 1,
            options: options.map(|(name, value)| (name.into(), value.into())).into(),
            container: Container::Matroska,
            ..self.clone()
        }
    }

    /// How long it lasts, in seconds.
    pub fn seconds(&self) -> f64 {
        memreel_timeline::RationalTime::new(self.frames, self.rate).seconds()
    }

    /// One field a line; strings are quoted, so no two specifications share a text.
    fn canonical_text(&self) -> String {
        let SourceSpec { number, size, rate, frames, pixel_format, codec, preset, .. } = self;
        let SourceSpec { keyframe_distance, options, audio_rate, container, .. } = self;
        let mut text = format!(
            "memreel media {GENERATOR_VERSION}\nnumber {number}\nsize {size}\nrate {rate}\nframes {frames}\n\
             pixel_format {pixel_format}\ncodec {codec:?}\npreset {preset:?}\n\
             keyframe_distance {keyframe_distance}\naudio_rate {audio_rate:?}\ncontainer {container}\n"
        );
        for (key, value) in options {
            writeln!(text, "option {key:?} {value:?}").expect("a string takes any text");
        }
        text
    }
}

impl Media {
    /// Where the file lies, when generated ones lie in `media_folder`.
    pub fn path(&self, media_folder: &Path) -> PathBuf {
        match self {
            Media::Generated(spec) => media_folder.join(spec.file_name()),
            Media::File(path) => path.clone(),
        }
    }
}

impl Source {
    /// What its files are generated from, the first one's; `None` for files that are there.
    pub fn spec(&self) -> Option<&SourceSpec> {
        match self.media.first() {
            Some(Media::Generated(spec)) => Some(spec),
            _ => None,
        }
    }
}

/// The most files a source may have.
const MOST_FILES: u32 = 10_000;

/// The table `[sources]`. `timeline_rate` is the default rate of what is generated; relative files
/// are taken from `folder`.
pub(super) fn sources(
    table: &KeyTable,
    timeline_rate: Rate,
    folder: &Path,
) -> Result<Vec<Source>, ScenarioFault> {
    let mut generated = 0;
    let mut sources = Vec::new();
    for field in table.fields() {
        let source = source(table, field, generated, timeline_rate, folder)?;
        generated += source.spec().map_or(0, |_| source.media.len() as u32);
        sources.push(source);
    }
    Ok(sources)
}

fn source(
    sources: &KeyTable,
    field: Field,
    generated_before: u32,
    timeline_rate: Rate,
    folder: &Path,
) -> Result<Source, ScenarioFault> {
    let name = field.name;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        let message =
            format!("{} is not a valid name of a source: use letters, digits, _ and -", quoted(name));
        return Err(sources.key_fault(name, message));
    }
    let place = format!("[sources.{name}]");
    let table = field.table(&*place)?.only(&["generate", "files", "file"])?;
    let media = match (table.get("generate"), table.get("files"), table.get("file")) {
        (Some(recipe), None, None) => generated(recipe, generated_before, timeline_rate)?,
        (None, Some(list), None) => files(list, folder)?,
        (None, None, Some(file)) => vec![Media::File(path(file, folder)?)],
        _ => {
            return Err(table.fault(format!(
                "{place} must have exactly one of: generate = {{ seconds = 4 }}, files = [\"a.mp4\"], file = \"a.mp4\""
            )));
        }
    };
    Ok(Source { name: name.into(), media })
}

fn files(list: Field, folder: &Path) -> Result<Vec<Media>, ScenarioFault> {
    let items = list.list("a list of files")?;
    if items.is_empty() || items.len() > MOST_FILES as usize {
        return Err(list.fault(format!("`files` must name from 1 to {MOST_FILES} files")));
    }
    items.into_iter().map(|item| path(item, folder).map(Media::File)).collect()
}

fn path(field: Field, folder: &Path) -> Result<PathBuf, ScenarioFault> {
    match field.text("the path of a file")? {
        "" => Err(field.fault("an empty path")),
        text if text.contains('\0') => Err(field.fault("a path cannot contain a zero byte")),
        text => Ok(folder.join(text)),
    }
}

const RECIPE_KEYS: &[&str] = &[
    "count",
    "size",
    "rate",
    "seconds",
    "pixel_format",
    "codec",
    "preset",
    "keyframe_distance",
    "options",
    "audio",
    "audio_rate",
    "container",
];

fn generated(recipe: Field, generated_before: u32, timeline_rate: Rate) -> Result<Vec<Media>, ScenarioFault> {
    let table = recipe.table("`generate`")?.only(RECIPE_KEYS)?;
    let count = table.get("count").map_or(Ok(1), |field| field.whole(1..=MOST_FILES))?;
    let first = spec(&table, timeline_rate)?;
    let numbered = |index| SourceSpec { number: generated_before + 1 + index, ..first.clone() };
    Ok((0..count).map(|index| Media::Generated(numbered(index))).collect())
}

/// What all files of the set have in common.
fn spec(table: &KeyTable, timeline_rate: Rate) -> Result<SourceSpec, ScenarioFault> {
    let rate = table.get("rate").map_or(Ok(timeline_rate), |field| field.rate())?;
    let codec = table.get("codec").map_or(Ok("libx264".into()), |field| field.token("an encoder"))?;
    let size = table.get("size").map_or(Ok(DEFAULT_SIZE), |field| field.size())?;
    let pixel_format = table.get("pixel_format").map_or(Ok(PixelFormat::Yuv420p), |field| field.named())?;
    if let Some(objection) = pixel_format.objection(size) {
        return Err(table
            .get("size")
            .map_or_else(|| table.fault(&*objection), |field| field.fault(&*objection)));
    }
    let intra = codec == "ffv1";
    let every = table.get("keyframe_distance");
    let container = table.get("container").map(|field| field.container()).transpose()?;
    Ok(SourceSpec {
        number: 1,
        size,
        rate,
        frames: table.required("seconds")?.frames(rate)?,
        pixel_format,
        preset: generator_preset(table, &codec)?,
        keyframe_distance: every.map_or(Ok(if intra { 1 } else { 50 }), |field| field.whole(1..=100_000))?,
        options: table.get("options").map_or(Ok(BTreeMap::new()), options)?,
        audio_rate: audio_rate(table)?,
        container: container.unwrap_or(Container::usual(Some(&codec))),
        codec,
    })
}

/// What is generated is generated fast unless told otherwise.
fn generator_preset(table: &KeyTable, codec: &str) -> Result<Option<String>, ScenarioFault> {
    match table.get("preset") {
        Some(field) => {
            let told = preset(field)?;
            preset_suits(field, told.as_deref(), &[codec])?;
            Ok(told)
        }
        None => Ok(has_x264_presets(codec).then(|| "ultrafast".into())),
    }
}

fn audio_rate(table: &KeyTable) -> Result<Option<u32>, ScenarioFault> {
    let wanted = table.get("audio").map_or(Ok(true), |field| field.boolean())?;
    let rate = table.get("audio_rate").map_or(Ok(Some(DEFAULT_AUDIO_RATE)), |field| match field.value() {
        Value::Whole(0) => Ok(None),
        _ => field.whole(8_000..=192_000).map(Some),
    })?;
    Ok(rate.filter(|_| wanted))
}

/// Of pictures that nobody told a size of.
pub(super) const DEFAULT_SIZE: Size = Size { width: 1280, height: 720 };
/// Of sound, in samples a second.
pub(super) const DEFAULT_AUDIO_RATE: u32 = 48_000;

/// Options of an encoder, all as text.
pub(super) fn options(field: Field) -> Result<BTreeMap<String, String>, ScenarioFault> {
    let table = field.table("`options`")?;
    table.fields().map(|option| Ok((option_name(&table, option)?, option_value(option)?))).collect()
}

fn option_name(table: &KeyTable, option: Field) -> Result<String, ScenarioFault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    if option.name.is_empty() || option.name.len() > 64 || !option.name.bytes().all(plain) {
        let message = format!("{} is not a valid name of an encoder option", quoted(option.name));
        return Err(table.key_fault(option.name, message));
    }
    Ok(option.name.into())
}

fn option_value(option: Field) -> Result<String, ScenarioFault> {
    match option.value() {
        Value::Text(text) if !text.contains(|c: char| c.is_control()) => Ok(text.clone()),
        Value::Whole(number) => Ok(number.to_string()),
        Value::Number(number) if number.is_finite() => Ok(number.to_string()),
        Value::Boolean(value) => Ok(if *value { "1" } else { "0" }.into()),
        _ => Err(option.mismatch("text, a number, true or false")),
    }
}

/// The presets of x264 and x265, fastest first.
const X264_PRESETS: &[&str] = &[
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];

fn has_x264_presets(encoder: &str) -> bool {
    matches!(encoder, "libx264" | "libx264rgb" | "libx265")
}

/// A preset; `default` tells the encoder none.
pub(super) fn preset(field: Field) -> Result<Option<String>, ScenarioFault> {
    let preset = field.token("a preset")?;
    Ok(Some(preset).filter(|preset| preset != "default"))
}

/// Refuses what none of the encoders knows, of those whose presets we know.
pub(super) fn preset_suits(
    field: Field,
    preset: Option<&str>,
    encoders: &[&str],
) -> Result<(), ScenarioFault> {
    let Some(preset) = preset else { return Ok(()) };
    if X264_PRESETS.contains(&preset) || !encoders.iter().all(|encoder| has_x264_presets(encoder)) {
        return Ok(());
    }
    let allowed: Vec<_> = ["default"].iter().chain(X264_PRESETS).copied().collect();
    Err(field.fault(unknown("preset", preset, &format!("of {}", encoders.join(" and ")), &allowed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SourceSpec {
        SourceSpec {
            number: 1,
            size: DEFAULT_SIZE,
            rate: Rate::new(25, 1).unwrap(),
            frames: 100,
            pixel_format: PixelFormat::Yuv420p,
            codec: "libx264".into(),
            preset: Some("ultrafast".into()),
            keyframe_distance: 50,
            options: BTreeMap::new(),
            audio_rate: Some(48_000),
            container: Container::Mp4,
        }
    }

    #[test]
    fn the_digest_of_a_description_does_not_move() {
        assert_eq!(sample().file_name(), "97756f75dfbe8e13.mp4");
    }

    #[test]
    fn whatever_changes_the_file_changes_its_name() {
        let changes: [fn(&mut SourceSpec); 11] = [
            |spec| spec.number = 2,
            |spec| spec.size.width = 640,
            |spec| spec.rate = Rate::new(30, 1).unwrap(),
            |spec| spec.frames = 99,
            |spec| spec.pixel_format = PixelFormat::Nv12,
            |spec| spec.codec = "libx265".into(),
            |spec| spec.preset = None,
            |spec| spec.keyframe_distance = 25,
            |spec| spec.options = BTreeMap::from([("crf".into(), "23".into())]),
            |spec| spec.audio_rate = None,
            |spec| spec.container = Container::Matroska,
        ];
        let digests: std::collections::BTreeSet<_> = changes
            .iter()
            .map(|change| {
                let mut spec = sample();
                change(&mut spec);
                spec.digest()
            })
            .chain([sample().digest()])
            .collect();
        assert_eq!(digests.len(), changes.len() + 1);
    }
}
