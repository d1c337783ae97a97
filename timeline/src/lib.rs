//! A scripted timeline in OpenTimelineIO's terms, and its file format.
//!
//! The harness builds a [`Timeline`] from a scenario and writes it as `.otio`; the exporter reads that
//! file. Both use this crate, so that neither can understand the file differently from the other.
//!
//! What is here is what exports are made of today: tracks of clips and gaps. Anything else in an
//! `.otio` file (transitions, nested stacks, effects) is refused by name, never skipped.
//!
//! ```
//! use memreel_timeline::{Rate, Timeline, from_otio, to_otio};
//!
//! let timeline = Timeline { name: "empty".into(), rate: Rate::new(25, 1).unwrap(), tracks: Vec::new() };
//! let read = from_otio(&to_otio(&timeline), std::path::Path::new("."));
//! assert_eq!(read.unwrap().name, "empty");
//! ```

#![forbid(unsafe_code)]

mod otio;
mod time;

pub use otio::{OtioError, from_otio, to_otio};
pub use time::{Rate, RationalTime, TimeRange};

use std::path::PathBuf;

/// A whole timeline: tracks from the bottom of the stack to its top, as OpenTimelineIO orders them.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// What it is called in reports.
    pub name: String,
    /// Frames a second of the timeline; every frame number below counts at this rate.
    pub rate: Rate,
    /// Bottom to top: where two video tracks have a clip, the later one is seen.
    pub tracks: Vec<Track>,
}

/// One track: clips and gaps, one after another from time zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// What it is called in reports.
    pub name: String,
    /// What of its clips' media is used.
    pub kind: TrackKind,
    /// In order of time.
    pub children: Vec<Item>,
}

/// What a track takes from the media of its clips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// What stands on a track.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A piece of some media.
    Clip(Clip),
    /// Nothing, for so long: black, or what a lower track shows; silence.
    Gap {
        /// How long.
        duration: RationalTime,
    },
}

/// A piece of some media, from an in-point on, for so long.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// What it is called in reports.
    pub name: String,
    /// The file it is cut from.
    pub media: PathBuf,
    /// Which part of the media, in the media's own time.
    pub source_range: TimeRange,
}

/// A clip and where it stands, in frames of the timeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed<'a> {
    /// The clip.
    pub clip: &'a Clip,
    /// The first frame of the timeline that shows it.
    pub start: u64,
    /// The first frame of the timeline after it.
    pub end: u64,
}

impl Item {
    /// How long it lasts, in its own rate.
    pub fn duration(&self) -> RationalTime {
        match self {
            Item::Clip(clip) => clip.source_range.duration,
            Item::Gap { duration } => *duration,
        }
    }
}

impl Track {
    /// Its clips with their places. Ends are rounded from the exact running time, so nothing drifts
    /// when a clip's length is no whole number of the timeline's frames.
    pub fn placed(&self, rate: Rate) -> Vec<Placed<'_>> {
        let mut at = time::ExactTime::ZERO;
        let mut placed = Vec::new();
        for item in &self.children {
            let start = at.frame(rate);
            at = at.after(item.duration());
            if let Item::Clip(clip) = item {
                placed.push(Placed { clip, start, end: at.frame(rate) });
            }
        }
        placed
    }

    /// How many frames of the timeline it takes.
    pub fn frames(&self, rate: Rate) -> u64 {
        self.children.iter().fold(time::ExactTime::ZERO, |at, item| at.after(item.duration())).frame(rate)
    }
}

impl Timeline {
    /// How many frames an export of it has: the length of its longest track.
    pub fn frames(&self) -> u64 {
        self.frames_at(self.rate)
    }

    /// How many frames an export of it at another rate has.
    pub fn frames_at(&self, rate: Rate) -> u64 {
        self.tracks.iter().map(|track| track.frames(rate)).max().unwrap_or(0)
    }

    /// Every media file, once, in order of first use.
    pub fn media(&self) -> Vec<&std::path::Path> {
        let mut seen = std::collections::HashSet::new();
        self.clips().map(|clip| clip.media.as_path()).filter(|path| seen.insert(*path)).collect()
    }

    /// How many clips its video tracks have: what a person would count.
    pub fn picture_clips(&self) -> usize {
        let video = self.tracks.iter().filter(|track| track.kind == TrackKind::Video);
        video.flat_map(|track| &track.children).filter(|item| matches!(item, Item::Clip(_))).count()
    }

    /// Every clip of every track.
    pub fn clips(&self) -> impl Iterator<Item = &Clip> {
        self.tracks.iter().flat_map(|track| &track.children).filter_map(|item| match item {
            Item::Clip(clip) => Some(clip),
            Item::Gap { .. } => None,
        })
    }
}
