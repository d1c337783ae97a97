//! What each frame of the export shows and sounds, worked out before anything is opened.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memreel_timeline::{Placed, Rate, RationalTime, Timeline, Track, TrackKind};

use crate::clock::{self, SourceTime};

/// A run of output frames that one clip fills.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// The clip's name, for messages.
    pub clip: String,
    /// The file it is cut from.
    pub media: PathBuf,
    /// Which output frames.
    pub frames: Range<u64>,
    in_point: RationalTime,
    clip_start: u64,
}

impl Shot {
    fn new(placed: &Placed<'_>, frames: Range<u64>) -> Shot {
        Shot {
            clip: placed.clip.name.clone(),
            media: placed.clip.media.clone(),
            frames,
            in_point: placed.clip.source_range.start_time,
            clip_start: placed.start,
        }
    }

    /// Which moment of the source an output frame shows.
    pub fn source_time(&self, frame: u64, rate: Rate) -> SourceTime {
        SourceTime::after(self.in_point, frame - self.clip_start, rate)
    }

    /// Which sample of the source, counted at the export's sample rate, an output frame begins with.
    pub fn source_sample(&self, frame: u64, rate: Rate, sample_rate: u32) -> i64 {
        let in_point = SourceTime::after(self.in_point, 0, rate).in_samples(sample_rate);
        let played = clock::samples_before(frame, rate, sample_rate)
            - clock::samples_before(self.clip_start, rate, sample_rate);
        in_point + played as i64
    }
}

/// What is seen: at every frame the topmost clip, in order of time; a frame in no shot is black.
///
/// Clips that others hide all the time do not appear, so their files are never opened. One shot at
/// a time means one decoder at work; a dissolve would show two.
pub fn pictures(timeline: &Timeline, rate: Rate) -> Vec<Shot> {
    let tracks: Vec<_> = tracks(timeline, TrackKind::Video).map(|track| track.placed(rate)).collect();
    let mut cuts: Vec<u64> = tracks.iter().flatten().flat_map(|clip| [clip.start, clip.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut seen: Vec<(Placed<'_>, Range<u64>)> = Vec::new();
    for span in cuts.windows(2).map(|pair| pair[0]..pair[1]) {
        let Some(top) = tracks.iter().rev().find_map(|track| clip_at(track, span.start)) else { continue };
        match seen.last_mut() {
            Some((last, frames)) if std::ptr::eq(last.clip, top.clip) && frames.end == span.start => {
                frames.end = span.end;
            }
            _ => seen.push((top, span)),
        }
    }
    seen.iter().map(|(placed, frames)| Shot::new(placed, frames.clone())).collect()
}

/// What is heard: every audio track's clips in order of time.
pub fn sounds(timeline: &Timeline, rate: Rate) -> Vec<Vec<Shot>> {
    let shots = |track: &Track| {
        let placed = track.placed(rate);
        placed
            .iter()
            .filter(|clip| clip.start < clip.end)
            .map(|clip| Shot::new(clip, clip.start..clip.end))
            .collect()
    };
    tracks(timeline, TrackKind::Audio).map(shots).collect()
}

/// After which output frame a source is not used any more.
pub fn last_uses(shots: &[Shot]) -> HashMap<PathBuf, u64> {
    let mut last = HashMap::new();
    for shot in shots {
        last.insert(shot.media.clone(), shot.frames.end - 1);
    }
    last
}

/// The first clip that uses a file, for messages.
pub fn first_user<'a>(timeline: &'a Timeline, media: &Path) -> &'a str {
    timeline.clips().find(|clip| clip.media == media).map_or("", |clip| &clip.name)
}

fn tracks(timeline: &Timeline, kind: TrackKind) -> impl Iterator<Item = &Track> {
    timeline.tracks.iter().filter(move |track| track.kind == kind)
}

fn clip_at<'a>(track: &[Placed<'a>], frame: u64) -> Option<Placed<'a>> {
    let after = track.partition_point(|clip| clip.end <= frame);
    track[after..].iter().find(|clip| clip.start < clip.end).filter(|clip| clip.start <= frame).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_timeline::{Clip, Item, TimeRange};

    fn rate() -> Rate {
        Rate::new(25, 1).unwrap()
    }

    fn clip(name: &str, frames: u64) -> Item {
        let source_range = TimeRange {
            start_time: RationalTime::new(7, rate()),
            duration: RationalTime::new(frames, rate()),
        };
        Item::Clip(Clip { name: name.into(), media: name.into(), source_range })
    }

    fn gap(frames: u64) -> Item {
        Item::Gap { duration: RationalTime::new(frames, rate()) }
    }

    fn stacked(tracks: Vec<Vec<Item>>) -> Timeline {
        let track = |children| Track { name: String::new(), kind: TrackKind::Video, children };
        Timeline { name: String::new(), rate: rate(), tracks: tracks.into_iter().map(track).collect() }
    }

    #[test]
    fn the_topmost_clip_is_seen_and_the_lower_one_goes_on_under_it() {
        let timeline = stacked(vec![vec![clip("low", 30)], vec![gap(10), clip("high", 5)]]);
        let shots = pictures(&timeline, rate());
        let seen: Vec<_> = shots.iter().map(|shot| (shot.clip.as_str(), shot.frames.clone())).collect();
        assert_eq!(seen, [("low", 0..10), ("high", 10..15), ("low", 15..30)]);
        assert_eq!(shots[2].source_time(15, rate()).in_units(ffmpeg_next::Rational(1, 25)), 22);
    }

    #[test]
    fn a_hidden_clip_is_never_opened() {
        let timeline = stacked(vec![vec![clip("hidden", 30)], vec![clip("seen", 30)]]);
        let shots = pictures(&timeline, rate());
        assert_eq!(shots.len(), 1);
        assert!(!last_uses(&shots).contains_key(Path::new("hidden")));
    }

    #[test]
    fn clips_of_no_length_are_not_seen() {
        let timeline = stacked(vec![vec![clip("a", 5), clip("none", 0), gap(2), clip("b", 3)]]);
        let seen: Vec<_> = pictures(&timeline, rate()).into_iter().map(|shot| shot.frames).collect();
        assert_eq!(seen, [0..5, 7..10]);
    }
}
