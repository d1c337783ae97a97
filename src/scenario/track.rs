//! The timeline as a scenario scripts it: tracks, each a pattern of clips and gaps and how often or
//! how long it goes on.

use memreel_timeline::{Rate, RationalTime, TimeRange, TrackKind};

use super::source::{Source, SourceSpec};
use super::spelling::unknown;
use super::tree::{Field, KeyTable, ScenarioFault};

/// A track: a pattern, gone through again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackPattern {
    /// What of its clips' media is used.
    pub kind: TrackKind,
    /// Whether the sound of its clips comes along on an audio track of its own.
    pub linked_audio: bool,
    /// The pattern.
    pub children: Vec<Child>,
    /// How far the pattern goes.
    pub extent: Extent,
}

/// What a pattern consists of.
#[derive(Debug, Clone, PartialEq)]
pub enum Child {
    /// A piece of each file of a source, or of one of them.
    Clip(ClipPattern),
    /// Nothing, for so long.
    Gap {
        /// How long, in the timeline's rate.
        duration: RationalTime,
    },
}

/// The same piece of each file of a source, one after another, or of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipPattern {
    /// Which of the scenario's sources, from 0.
    pub source: usize,
    /// Which file of it, from 0; `None`: all, one after another.
    pub file: Option<usize>,
    /// Which piece: it starts in the source's rate where that is known, and lasts in the timeline's.
    pub range: TimeRange,
}

/// How far a pattern goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// So many times.
    Repeat(u32),
    /// Over and over until so many frames of the timeline are full; the last clip is trimmed.
    Length(u64),
}

impl TrackPattern {
    /// How many clips and gaps the track has: none of a zero-length pattern is ever made.
    pub fn items(&self, sources: &[Source]) -> u64 {
        let counts = self.children.iter().map(|child| child.items(sources));
        let once: u64 = counts.clone().sum();
        match self.extent {
            Extent::Repeat(times) => once.saturating_mul(times.into()),
            Extent::Length(frames) => {
                let pattern: u64 = self
                    .children
                    .iter()
                    .zip(counts)
                    .map(|(child, items)| items * child.duration().value)
                    .sum();
                once.saturating_mul(frames.div_ceil(pattern.max(1)))
            }
        }
    }
}

impl Child {
    fn items(&self, sources: &[Source]) -> u64 {
        match self {
            Child::Clip(ClipPattern { source, file: None, .. }) => sources[*source].media.len() as u64,
            _ => 1,
        }
    }

    fn duration(&self) -> RationalTime {
        match self {
            Child::Clip(clip) => clip.range.duration,
            Child::Gap { duration } => *duration,
        }
    }
}

/// The tracks of `[timeline]`.
pub(super) fn tracks(
    timeline: &KeyTable,
    rate: Rate,
    sources: &[Source],
) -> Result<Vec<TrackPattern>, ScenarioFault> {
    let list = timeline.required("tracks")?;
    let tracks = list
        .list("a list of tracks: [[timeline.tracks]]")?
        .into_iter()
        .map(|field| track(field, rate, sources))
        .collect::<Result<Vec<_>, _>>()?;
    if !tracks.iter().any(shows_pictures) {
        return Err(list.fault("the timeline is empty: it needs a video track with at least one clip"));
    }
    Ok(tracks)
}

fn shows_pictures(track: &TrackPattern) -> bool {
    track.kind == TrackKind::Video && track.children.iter().any(|child| matches!(child, Child::Clip(_)))
}

fn track(field: Field, rate: Rate, sources: &[Source]) -> Result<TrackPattern, ScenarioFault> {
    let table =
        field.table("[[timeline.tracks]]")?.only(&["children", "kind", "audio", "repeat", "length"])?;
    let kind = table.get("kind").map_or(Ok(TrackKind::Video), kind)?;
    let children = table.required("children")?;
    let children = children
        .one_or_more()?
        .into_iter()
        .map(|child_field| child(child_field, rate, sources))
        .collect::<Result<Vec<_>, _>>()?;
    if kind == TrackKind::Audio {
        check_sound(&table, &children, sources)?;
    }
    Ok(TrackPattern {
        kind,
        linked_audio: linked_audio(&table, kind)?,
        children,
        extent: extent(&table, rate)?,
    })
}

/// A clip that an audio track can make nothing of.
fn check_sound(table: &KeyTable, children: &[Child], sources: &[Source]) -> Result<(), ScenarioFault> {
    let silent =
        |clip: &ClipPattern| sources[clip.source].spec().is_some_and(|spec| spec.audio_rate.is_none());
    let mute = children.iter().find_map(|child| match child {
        Child::Clip(clip) if silent(clip) => Some(&sources[clip.source].name),
        _ => None,
    });
    match mute {
        Some(name) => {
            Err(table.fault(format!("an audio track of `{name}`, which is generated without sound")))
        }
        None => Ok(()),
    }
}

fn kind(field: Field) -> Result<TrackKind, ScenarioFault> {
    match field.text("\"video\" or \"audio\"")? {
        "video" => Ok(TrackKind::Video),
        "audio" => Ok(TrackKind::Audio),
        other => Err(field.fault(unknown("kind of track", other, "", &["video", "audio"]))),
    }
}

fn linked_audio(table: &KeyTable, kind: TrackKind) -> Result<bool, ScenarioFault> {
    match (table.get("audio"), kind) {
        (Some(field), TrackKind::Audio) => {
            Err(field.fault("`audio` is for video tracks: this is an audio track"))
        }
        (Some(field), TrackKind::Video) => field.boolean(),
        (None, kind) => Ok(kind == TrackKind::Video),
    }
}

fn extent(table: &KeyTable, rate: Rate) -> Result<Extent, ScenarioFault> {
    match (table.get("repeat"), table.get("length")) {
        (Some(_), Some(length)) => {
            Err(length.fault("`repeat` and `length` on one track: give only one of them"))
        }
        (Some(repeat), None) => repeat.whole(1..=1_000_000).map(Extent::Repeat),
        (None, Some(length)) => length.frames(rate).map(Extent::Length),
        (None, None) => Ok(Extent::Repeat(1)),
    }
}

fn child(field: Field, rate: Rate, sources: &[Source]) -> Result<Child, ScenarioFault> {
    let table = field.table("`children`")?.only(&["clip", "start", "duration", "gap"])?;
    match (table.get("clip"), table.get("gap")) {
        (Some(name), None) => clip(&table, name, rate, sources).map(Child::Clip),
        (None, Some(gap)) => {
            if let Some(stray) = table.fields().find(|field| field.name != "gap") {
                return Err(stray.fault(format!("a gap has no `{}`: write only {{ gap = 1.0 }}", stray.name)));
            }
            Ok(Child::Gap { duration: RationalTime::new(gap.frames(rate)?, rate) })
        }
        _ => {
            Err(table
                .fault("a child is either { clip = \"source\", start = 0, duration = 2 } or { gap = 1 }"))
        }
    }
}

fn clip(table: &KeyTable, name: Field, rate: Rate, sources: &[Source]) -> Result<ClipPattern, ScenarioFault> {
    let (source, file) = named_source(name, sources)?;
    let spec = sources[source].spec();
    let start_rate = spec.map_or(rate, |spec| spec.rate);
    let start = table.get("start").map_or(Ok(0), |field| Ok(field.time()?.frames(start_rate)))?;
    let duration = table.required("duration")?.frames(rate)?;
    let range = TimeRange {
        start_time: RationalTime::new(start, start_rate),
        duration: RationalTime::new(duration, rate),
    };
    if let Some(spec) = spec.filter(|spec| !lies_within(range, spec)) {
        let message = format!(
            "clip `{}` from {} s for {} s ends after its source, which is {} s long",
            name.text("a name")?,
            plain(range.start_time.seconds()),
            plain(range.duration.seconds()),
            plain(spec.seconds()),
        );
        return Err(table
            .get("duration")
            .map_or_else(|| table.fault(&*message), |field| field.fault(&*message)));
    }
    Ok(ClipPattern { source, file, range })
}

/// To a thousandth, without zeros that say nothing.
fn plain(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Exact, because both rates may be fractions: duration ≤ frames − start, in seconds.
fn lies_within(range: TimeRange, spec: &SourceSpec) -> bool {
    let Some(left) = spec.frames.checked_sub(range.start_time.value) else { return false };
    let RationalTime { value, rate } = range.duration;
    let wide = |number: u32| u128::from(number);
    let needed = u128::from(value) * wide(rate.denominator()) * wide(spec.rate.numerator());
    needed <= u128::from(left) * wide(spec.rate.denominator()) * wide(rate.numerator())
}

/// `shot` is the whole source, `shot.3` its third file.
fn named_source(field: Field, sources: &[Source]) -> Result<(usize, Option<usize>), ScenarioFault> {
    let text = field.text("the name of a source")?;
    let (name, number) = match text.rsplit_once('.') {
        Some((name, number)) => (name, Some(number)),
        None => (text, None),
    };
    let names: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
    let Some(source) = names.iter().position(|known| *known == name) else {
        return Err(field.fault(unknown("source", name, "", &names)));
    };
    let count = sources[source].media.len();
    let Some(number) = number else { return Ok((source, None)) };
    let file = number.parse().ok().filter(|number| (1..=count).contains(number));
    let file = file.ok_or_else(|| {
        let allowed = if count == 1 {
            format!("`{name}` is one file")
        } else {
            format!("`{name}` has {count} files: `{name}.1` to `{name}.{count}`")
        };
        field.fault(format!("no clip `{}`: {allowed}", text.chars().take(80).collect::<String>()))
    })?;
    Ok((source, Some(file - 1)))
}
