//! The project file of the editor rlvideo: JSON with sources and cuts of them.
//!
//! Its cuts lie on no tracks. Where they meet, all are heard, and this says which is seen: a cut whose
//! `mix_strategy` is `over` lies above all that came before it, one that is `under` below – in order of
//! where the cuts begin, and of those that begin at once, where they end. Points are whole frames, ends
//! the frame after the last. The editor counts 25 frames a second, in UHD.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mlt::Profile;
use memreel_bounds as bounds;
use memreel_timeline::{Placed, Rate, Timeline, Track, TrackKind};

/// How much quieter a cut is made that shall not be heard; the editor knows no other way. In dB.
const SILENCE_DB: f64 = -200.0;

/// What the editor composes: it has no setting for it.
pub fn profile() -> Profile {
    Profile { width: 3840, height: 2160, rate: Rate::new(25, 1).expect("25 is a rate") }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rlvideo {
    /// What is cut from, by id.
    pub sources: BTreeMap<String, RlvideoSource>,
    /// The cuts, by id.
    pub cuts: BTreeMap<String, Cut>,
}

/// What is cut from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum RlvideoSource {
    /// A file.
    File {
        /// Where.
        path: PathBuf,
        /// How long it is, in frames.
        length: u64,
    },
    /// A text on a red ground.
    Text {
        /// Its words.
        text: String,
    },
}

/// A piece of a source at a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// The source's id.
    pub source: String,
    /// Which part of the source, as fast as it is played.
    pub in_out: Region,
    /// The frame at which it begins.
    pub position: u64,
    /// Whether it lies over or under those that came before.
    pub mix_strategy: MixStrategy,
    /// Louder or quieter by so much, in dB.
    #[serde(default)]
    pub volume: f64,
    /// How fast it is played.
    #[serde(default = "one")]
    pub speed: f64,
}

fn one() -> f64 {
    1.0
}

/// From one frame up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// The first frame.
    pub start: u64,
    /// The frame after the last.
    pub end: u64,
}

/// Where a cut lies among those that it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MixStrategy {
    /// Below those that came before it.
    Under,
    /// Above them.
    Over,
}

/// Why a text is no project, or a timeline cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum RlvideoError {
    /// Not JSON, or not the editor's.
    #[error("{}: {}", .0.line(), unplaced(.0))]
    Json(#[from] serde_json::Error),
    /// A cut that the editor could not open.
    #[error("1: cut `{cut}` {what}")]
    Cut {
        /// Its id.
        cut: String,
        /// What is wrong with it.
        what: String,
    },
    /// More cuts than memreel reads.
    #[error("1: the project has {0} cuts; at most {most} are allowed", most = bounds::PROJECT_CLIPS)]
    TooMany(usize),
    /// A timeline that has what the editor has not.
    #[error("{0}")]
    Unsupported(String),
}

/// What a JSON error says, without the place that it ends with.
fn unplaced(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_string())
}

impl Cut {
    /// The frame after its last, in the project's time.
    pub fn end(&self) -> u64 {
        self.position + (self.in_out.end - self.in_out.start)
    }
}

/// Reads a project.
///
/// # Errors
/// When it is no JSON, or not what the editor writes, or a cut is of no source or of no length.
pub fn from_rlvideo(text: &str) -> Result<Rlvideo, RlvideoError> {
    let project: Rlvideo = serde_json::from_str(text)?;
    if project.cuts.len() as u64 > bounds::PROJECT_CLIPS {
        return Err(RlvideoError::TooMany(project.cuts.len()));
    }
    for (id, cut) in &project.cuts {
        let wrong = |what: String| Err(RlvideoError::Cut { cut: id.clone(), what });
        if !project.sources.contains_key(&cut.source) {
            return wrong(format!("is of the source `{}`, which does not exist", cut.source));
        }
        if cut.in_out.start >= cut.in_out.end {
            return wrong(format!("ends at {} and begins at {}", cut.in_out.end, cut.in_out.start));
        }
        if cut.in_out.end > i32::MAX as u64 || cut.position > i32::MAX as u64 {
            return wrong("is further away than the editor counts".into());
        }
        if !(cut.speed.is_finite() && cut.speed > 0.0) {
            return wrong(format!("has a speed of {}; 1 is the original speed", cut.speed));
        }
    }
    Ok(project)
}

/// Writes the clips of all video tracks as a project; `length` is how many frames of `rate` a file has.
///
/// # Errors
/// When the timeline has what the editor has not: sound without a picture, or cuts that meet so that no
/// choice of over and under shows the upper track.
pub fn to_rlvideo(
    timeline: &Timeline,
    length: &dyn Fn(&Path) -> Option<u64>,
    rate: Rate,
) -> Result<String, RlvideoError> {
    let placed = placed(timeline, rate)?;
    let strategies = strategies(&placed)?;
    let mut project = Rlvideo { sources: BTreeMap::new(), cuts: BTreeMap::new() };
    let mut ids: HashMap<&Path, String> = HashMap::new();
    for (number, (laid, mix_strategy)) in placed.iter().zip(strategies).enumerate() {
        let path = laid.placed.clip.media.as_path();
        let known = ids.len();
        let id = ids.entry(path).or_insert_with(|| format!("source{known:04}"));
        let in_out = laid.in_out(rate);
        let long = length(path);
        if let Some(long) = long.filter(|&long| long < in_out.end) {
            let path = path.display();
            let what = format!("{path} has {long} frames, and {} are cut from it", in_out.end);
            return Err(RlvideoError::Unsupported(what));
        }
        let source = project.sources.entry(id.clone());
        let file = source.or_insert(RlvideoSource::File { path: path.into(), length: long.unwrap_or(0) });
        if let RlvideoSource::File { length, .. } = file {
            *length = in_out.end.max(*length);
        }
        let volume = if laid.is_heard { 0.0 } else { SILENCE_DB };
        let cut =
            Cut { source: id.clone(), in_out, position: laid.placed.start, mix_strategy, volume, speed: 1.0 };
        project.cuts.insert(format!("cut{number:06}"), cut);
    }
    let mut text = serde_json::to_string_pretty(&project)?;
    text.push('\n');
    Ok(text)
}

/// A clip with its place and its track.
struct Laid<'a> {
    placed: Placed<'a>,
    track: usize,
    is_heard: bool,
}

impl Laid<'_> {
    fn in_out(&self, rate: Rate) -> Region {
        let start = self.placed.clip.source_range.start_time.frame_at(rate);
        Region { start, end: start + self.placed.end - self.placed.start }
    }

    /// What the editor sorts cuts by.
    fn key(&self) -> (u64, u64) {
        (self.placed.start, self.placed.end)
    }

    fn meets(&self, other: &Laid) -> bool {
        self.placed.start < other.placed.end && other.placed.start < self.placed.end
    }
}

/// The clips of a track that have a frame.
fn clips(track: &Track, rate: Rate) -> Vec<Placed<'_>> {
    track.placed(rate).into_iter().filter(|placed| placed.start < placed.end).collect()
}

/// The clips of all video tracks; a clip is heard when an audio track has it at the same place.
fn placed(timeline: &Timeline, rate: Rate) -> Result<Vec<Laid<'_>>, RlvideoError> {
    let of_kind = |kind: TrackKind| timeline.tracks.iter().filter(move |track| track.kind == kind);
    let mut audio: Vec<Placed> = of_kind(TrackKind::Audio).flat_map(|track| clips(track, rate)).collect();
    let mut all = Vec::new();
    for (number, track) in of_kind(TrackKind::Video).enumerate() {
        for placed in clips(track, rate) {
            let is_same = |sound: &Placed| {
                (sound.start, sound.end, &sound.clip.media) == (placed.start, placed.end, &placed.clip.media)
                    && sound.clip.source_range == placed.clip.source_range
            };
            let sound = audio.iter().position(is_same).map(|at| audio.remove(at));
            all.push(Laid { placed, track: number, is_heard: sound.is_some() });
        }
    }
    match audio.first() {
        Some(sound) => Err(RlvideoError::Unsupported(format!(
            "rlvideo has no sound without its picture, like that of {} at frame {}",
            sound.clip.media.display(),
            sound.start
        ))),
        None => Ok(all),
    }
}

/// Over or under for each clip.
///
/// Of two that meet, the upper one is seen when it is over and the lower one under. When the editor sorts
/// the upper one after the lower it is also seen with both over, so it has to be over; when it sorts it
/// before, also with both under, so the lower one has to be under; when it sorts them alike, both have to.
fn strategies(placed: &[Laid]) -> Result<Vec<MixStrategy>, RlvideoError> {
    let mut wanted: Vec<Option<MixStrategy>> = vec![None; placed.len()];
    let mut by_start: Vec<usize> = (0..placed.len()).collect();
    by_start.sort_by_key(|&number| placed[number].placed.start);
    for (at, &a) in by_start.iter().enumerate() {
        let others = by_start[at + 1..].iter();
        for &b in others.take_while(|&&b| placed[b].placed.start < placed[a].placed.end) {
            if !placed[a].meets(&placed[b]) {
                continue;
            }
            let (upper, lower) = if placed[a].track > placed[b].track { (a, b) } else { (b, a) };
            let order = placed[upper].key().cmp(&placed[lower].key());
            if order.is_ge() {
                want(&mut wanted, placed, upper, MixStrategy::Over)?;
            }
            if order.is_le() {
                want(&mut wanted, placed, lower, MixStrategy::Under)?;
            }
        }
    }
    Ok(wanted.into_iter().map(|strategy| strategy.unwrap_or(MixStrategy::Under)).collect())
}

fn want(
    wanted: &mut [Option<MixStrategy>],
    placed: &[Laid],
    number: usize,
    strategy: MixStrategy,
) -> Result<(), RlvideoError> {
    if *wanted[number].get_or_insert(strategy) == strategy {
        return Ok(());
    }
    let placed = placed[number].placed;
    Err(RlvideoError::Unsupported(format!(
        "{} at frame {} is between others, and would have to be over and under at once: rlvideo has no tracks",
        placed.clip.media.display(),
        placed.start
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_timeline::{Clip, Item, RationalTime, TimeRange};

    fn rate() -> Rate {
        Rate::new(25, 1).unwrap()
    }

    fn track(kind: TrackKind, items: &[(&str, u64, u64)]) -> Track {
        let item = |&(name, start, frames): &(&str, u64, u64)| {
            let duration = RationalTime::new(frames, rate());
            let source_range = TimeRange { start_time: RationalTime::new(start, rate()), duration };
            match name {
                "" => Item::Gap { duration },
                _ => Item::Clip(Clip {
                    name: name.into(),
                    media: format!("/media/{name}.mp4").into(),
                    source_range,
                }),
            }
        };
        Track { name: String::new(), kind, children: items.iter().map(item).collect() }
    }

    fn timeline(tracks: Vec<Track>) -> Timeline {
        Timeline { name: "test".into(), rate: rate(), tracks }
    }

    fn project(tracks: Vec<Track>) -> Result<Rlvideo, RlvideoError> {
        let text = to_rlvideo(&timeline(tracks), &|_| Some(100), rate())?;
        from_rlvideo(&text)
    }

    /// Which source is seen at a frame, as the editor puts its cuts over each other.
    fn seen(project: &Rlvideo, at: u64) -> Option<&str> {
        let mut here: Vec<_> =
            project.cuts.values().filter(|cut| (cut.position..cut.end()).contains(&at)).collect();
        here.sort_by_key(|cut| (cut.position, cut.end()));
        let mut stack = std::collections::VecDeque::new();
        for cut in here {
            match cut.mix_strategy {
                MixStrategy::Over => stack.push_front(cut),
                MixStrategy::Under => stack.push_back(cut),
            }
        }
        stack.front().map(|cut| match &project.sources[&cut.source] {
            RlvideoSource::File { path, .. } => path.file_stem().unwrap().to_str().unwrap(),
            RlvideoSource::Text { text } => text,
        })
    }

    #[test]
    fn the_upper_track_is_seen_wherever_it_begins() {
        let tracks = vec![
            track(TrackKind::Video, &[("low", 0, 20), ("", 0, 5), ("low", 30, 30)]),
            track(TrackKind::Video, &[("", 0, 10), ("high", 7, 20), ("", 0, 10), ("high", 40, 30)]),
        ];
        let project = project(tracks).unwrap();
        let shown: Vec<_> = (0..70).map(|at| seen(&project, at)).collect();
        let wanted = [(10, "low"), (20, "high"), (10, "low"), (30, "high")];
        let wanted: Vec<_> = wanted.iter().flat_map(|&(frames, name)| vec![Some(name); frames]).collect();
        assert_eq!(shown, wanted);
    }

    #[test]
    fn a_source_is_as_long_as_what_is_cut_from_it() {
        let one = project(vec![track(TrackKind::Video, &[("a", 10, 20), ("a", 50, 25)])]).unwrap();
        assert_eq!(
            one.sources["source0000"],
            RlvideoSource::File { path: "/media/a.mp4".into(), length: 100 }
        );
        let long = timeline(vec![track(TrackKind::Video, &[("a", 90, 20)])]);
        let error = to_rlvideo(&long, &|_| Some(100), rate()).unwrap_err().to_string();
        assert!(error.contains("/media/a.mp4 has 100 frames, and 110"), "{error}");
        let unknown = from_rlvideo(&to_rlvideo(&long, &|_| None, rate()).unwrap()).unwrap();
        assert_eq!(
            unknown.sources["source0000"],
            RlvideoSource::File { path: "/media/a.mp4".into(), length: 110 }
        );
    }

    #[test]
    fn what_is_not_heard_is_silenced_and_sound_alone_is_refused() {
        let (a, b) = (track(TrackKind::Video, &[("a", 0, 9)]), track(TrackKind::Audio, &[("a", 0, 9)]));
        let heard = |tracks| project(tracks).unwrap().cuts["cut000000"].volume == 0.0;
        assert!(heard(vec![a.clone(), b.clone()]));
        assert!(!heard(vec![a]));
        let error = project(vec![b]).unwrap_err().to_string();
        assert!(error.contains("sound without its picture"), "{error}");
    }

    #[test]
    fn three_tracks_that_over_and_under_cannot_tell_are_refused() {
        let tracks = vec![
            track(TrackKind::Video, &[("a", 0, 30)]),
            track(TrackKind::Video, &[("", 0, 10), ("b", 0, 30)]),
            track(TrackKind::Video, &[("", 0, 5), ("c", 0, 30)]),
        ];
        let error = project(tracks).unwrap_err().to_string();
        assert!(error.contains("/media/b.mp4 at frame 10"), "{error}");
    }

    #[test]
    fn volume_and_speed_may_be_missing_and_nonsense_is_named() {
        let text = r#"{"sources": {"s": {"type": "file", "path": "a.mp4", "length": 9}, "t": {"type": "text", "text": "x"}},
            "cuts": {"c": {"source": "s", "in_out": {"start": 1, "end": 5}, "position": 2, "mix_strategy": "under"}}}"#;
        let cut = &from_rlvideo(text).unwrap().cuts["c"];
        assert_eq!((cut.end(), cut.volume, cut.speed), (6, 0.0, 1.0));
        for (right, wrong, says) in [
            ("\"source\": \"s\"", "\"source\": \"z\"", "the source `z`"),
            ("\"end\": 5", "\"end\": 1", "ends at 1"),
            ("under", "beside", "beside"),
            ("\"position\": 2", "\"position\": -2", "-2"),
        ] {
            let error = from_rlvideo(&text.replace(right, wrong)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        for end in 0..text.len() {
            assert!(from_rlvideo(&text[..end]).is_err());
        }
    }
}
