//! How a timeline is exported, as far as no axis varies it.

use std::collections::BTreeMap;

use memreel_timeline::{Rate, TrackKind};
use memreel_trace::units::Bytes;

use super::source::{self, DEFAULT_AUDIO_RATE, DEFAULT_SIZE, Source, SourceSpec};
use super::track::{Child, TrackPattern};
use super::tree::{Field, KeyTable, ScenarioFault, Value};
use super::values::{Container, PixelFormat, Sink, Size};

/// What an export is to produce.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportSettings {
    /// Size of the pictures.
    pub size: Size,
    /// Pictures a second.
    pub rate: Rate,
    /// FFmpeg's name of the video encoder; `None`: not told, and neither are pixel format and audio
    /// encoder: how the engine encodes when nobody tells it.
    pub encoder: Option<String>,
    /// The encoder's preset; `None`: not told, its own default.
    pub preset: Option<String>,
    /// How the encoder is given the pictures.
    pub pixel_format: PixelFormat,
    /// Further options of the video encoder.
    pub options: BTreeMap<String, String>,
    /// The sound; `None`: exported without, whatever the timeline holds.
    pub audio: Option<Audio>,
    /// The file format.
    pub container: Container,
    /// Where it goes.
    pub sink: Sink,
}

/// The sound of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// FFmpeg's name of the audio encoder.
    pub encoder: String,
    /// Samples a second.
    pub rate: u32,
}

impl ExportSettings {
    /// What one uncompressed picture of it takes.
    pub fn picture_bytes(&self) -> Bytes {
        self.pixel_format.picture_bytes(self.size)
    }
}

/// `[export]` and what of it the matrix needs besides.
pub(super) struct ExportTable {
    pub export: ExportSettings,
    /// The rate of sound, should an axis ask for sound where the export has none.
    pub audio_rate: u32,
}

const KEYS: &[&str] = &[
    "size",
    "rate",
    "encoder",
    "preset",
    "pixel_format",
    "options",
    "audio",
    "audio_rate",
    "container",
    "sink",
];

/// What holds where `[export]` does not say otherwise.
pub(super) struct Usual {
    pub size: Size,
    pub rate: Rate,
    /// Whether there is anything to hear.
    pub sounds: bool,
}

impl Usual {
    /// For a scripted timeline: as large as the first source whose size is known.
    pub fn of_script(rate: Rate, sources: &[Source], tracks: &[TrackPattern]) -> Usual {
        let size = sources.iter().find_map(Source::spec).map_or(DEFAULT_SIZE, |spec| spec.size);
        Usual { size, rate, sounds: sounds(sources, tracks) }
    }
}

/// Reads `[export]`; all of it may be left out.
pub(super) fn export(root: &KeyTable, usual: &Usual) -> Result<ExportTable, ScenarioFault> {
    let table = root.get("export").map(|field| field.table("[export]")?.only(KEYS)).transpose()?;
    let get = |key| table.as_ref().and_then(|table| table.get(key));
    let encoder = get("encoder").map_or(Ok(Some("libx264".into())), video_encoder)?;
    let audio_rate =
        get("audio_rate").map_or(Ok(DEFAULT_AUDIO_RATE), |field| field.whole(8_000..=192_000))?;
    let sound = usual.sounds.then(|| "aac".to_string());
    let audio = get("audio").map_or(Ok(sound), audio_encoder)?;
    let container = get("container").map(|field| field.container()).transpose()?;
    let export = ExportSettings {
        size: get("size").map_or(Ok(usual.size), |field| field.size())?,
        rate: get("rate").map_or(Ok(usual.rate), |field| field.rate())?,
        preset: get("preset").map(source::preset).transpose()?.flatten(),
        pixel_format: get("pixel_format").map_or(Ok(PixelFormat::Yuv420p), |field| field.named())?,
        options: get("options").map_or(Ok(BTreeMap::new()), source::options)?,
        audio: audio.map(|encoder| Audio { encoder, rate: audio_rate }),
        container: container.unwrap_or(Container::usual(encoder.as_deref())),
        sink: get("sink").map_or(Ok(Sink::File), |field| field.named())?,
        encoder,
    };
    Ok(ExportTable { export, audio_rate })
}

/// A video encoder, or `default` for what the engine does untold.
pub(super) fn video_encoder(field: Field) -> Result<Option<String>, ScenarioFault> {
    let name = field.token("an encoder")?;
    Ok((name != "default").then_some(name))
}

/// An audio encoder, or `false` for none.
pub(super) fn audio_encoder(field: Field) -> Result<Option<String>, ScenarioFault> {
    match field.value() {
        Value::Boolean(false) => Ok(None),
        Value::Text(_) => field.token("an audio encoder").map(Some),
        _ => Err(field.mismatch("the name of an audio encoder, or false")),
    }
}

/// Whether anything of the timeline can be heard: files are taken to have sound.
fn sounds(sources: &[Source], tracks: &[TrackPattern]) -> bool {
    let silent = |spec: &SourceSpec| spec.audio_rate.is_none();
    let heard = |child: &Child| match child {
        Child::Clip(clip) => !sources[clip.source].spec().is_some_and(silent),
        Child::Gap { .. } => false,
    };
    let used = |track: &&TrackPattern| track.kind == TrackKind::Audio || track.linked_audio;
    tracks.iter().filter(used).any(|track| track.children.iter().any(heard))
}
