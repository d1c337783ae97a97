//! What a graph without effects shows: pieces of producers on lanes over each other.
//!
//! All layouts are written from it, so that they cannot differ in what they show.

use std::rc::Rc;

use memreel_timeline::{Item, Rate, Timeline, Track, TrackKind};

use super::graph::{Body, Hide, NamedValues, Points, Service};

/// Lanes over each other; where two have a piece, the higher one is seen and both are heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Lanes {
    /// How long the whole is.
    pub frames: u64,
    /// What is seen where no lane has a piece: MLT's consumer would encode white.
    pub background: Option<Service>,
    /// From the lowest to the highest.
    pub lanes: Vec<Lane>,
}

/// Pieces one after another, with gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// What of them is left out.
    pub hide: Hide,
    /// How long it is, with the gap at its end.
    pub frames: u64,
    /// In order of time, none over another.
    pub pieces: Vec<Piece>,
}

/// A piece of a producer.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The producer; its id is given when it is written.
    pub producer: Rc<Service>,
    /// The first frame of the producer that is shown.
    pub first: u64,
    /// The frame of the whole at which it begins.
    pub start: u64,
    /// The frame of the whole after it.
    pub end: u64,
}

impl Lane {
    pub fn is_seen(&self) -> bool {
        !matches!(self.hide, Hide::Video | Hide::Both)
    }

    pub fn is_heard(&self) -> bool {
        !matches!(self.hide, Hide::Audio | Hide::Both)
    }
}

impl Piece {
    /// The part of it from one frame of the whole to another.
    pub fn within(&self, start: u64, end: u64) -> Option<Piece> {
        let (begins, ends) = (self.start.max(start), self.end.min(end));
        let first = self.first + begins.saturating_sub(self.start);
        (begins < ends).then(|| Piece { first, start: begins, end: ends, producer: self.producer.clone() })
    }

    /// In and out points in the producer.
    pub fn points(&self) -> Points {
        Points::new(self.first, self.first + (self.end - self.start) - 1)
    }
}

/// A colour for so many frames.
pub fn colour(colour: &str, frames: u64) -> Service {
    let mut service = Service::new(colour, Body::Producer);
    service.points = Points::new(0, frames.saturating_sub(1));
    service.properties = NamedValues::from([
        ("length", frames.to_string().as_str()),
        ("resource", colour),
        ("mlt_service", "color"),
    ]);
    service
}

impl Lanes {
    /// The lanes of a timeline; with `sound` false none is heard.
    pub fn of_timeline(timeline: &Timeline, rate: Rate, sound: bool) -> Lanes {
        let frames = timeline.frames_at(rate);
        let lanes =
            tracks(timeline, sound).into_iter().map(|(track, hide)| lane(track, hide, rate)).collect();
        let background = has_holes(timeline, rate).then(|| colour("black", frames));
        Lanes { frames, background, lanes }
    }
}

/// Pairs each video track with the audio track that has the same clips at the same places.
fn tracks(timeline: &Timeline, sound: bool) -> Vec<(&Track, Hide)> {
    let mut audio: Vec<_> =
        timeline.tracks.iter().filter(|track| sound && track.kind == TrackKind::Audio).collect();
    let mut tracks = Vec::new();
    for track in timeline.tracks.iter().filter(|track| track.kind == TrackKind::Video) {
        let linked = audio.iter().position(|other| is_linked(track, other));
        if let Some(index) = linked {
            audio.remove(index);
        }
        tracks.push((track, if linked.is_some() { Hide::Nothing } else { Hide::Audio }));
    }
    tracks.extend(audio.into_iter().map(|track| (track, Hide::Video)));
    tracks
}

fn is_linked(video: &Track, audio: &Track) -> bool {
    let same = |pair: (&Item, &Item)| match pair {
        (Item::Clip(a), Item::Clip(b)) => a.media == b.media && a.source_range == b.source_range,
        (Item::Gap { duration: a }, Item::Gap { duration: b }) => a == b,
        _ => false,
    };
    video.children.len() == audio.children.len() && video.children.iter().zip(&audio.children).all(same)
}

fn lane(track: &Track, hide: Hide, rate: Rate) -> Lane {
    let placed = track.placed(rate).into_iter().filter(|placed| placed.start < placed.end);
    let piece = |placed: memreel_timeline::Placed| Piece {
        producer: Rc::new(medium(&placed.clip.media.to_string_lossy(), hide)),
        first: placed.clip.source_range.start_time.frame_at(rate),
        start: placed.start,
        end: placed.end,
    };
    Lane { hide, frames: track.frames(rate), pieces: placed.map(piece).collect() }
}

/// A file, of which only what is needed is opened.
fn medium(resource: &str, hide: Hide) -> Service {
    let mut service = Service::new("", Body::Producer);
    service.properties = NamedValues::from([("resource", resource), ("mlt_service", "avformat")]);
    match hide {
        Hide::Audio => service.properties.set("audio_index", "-1"),
        Hide::Video => service.properties.set("video_index", "-1"),
        Hide::Nothing | Hide::Both => {}
    }
    service
}

/// Whether there is a frame for which no video track has a clip, as far as one track alone tells.
fn has_holes(timeline: &Timeline, rate: Rate) -> bool {
    let frames = timeline.frames_at(rate);
    let covers = |track: &Track| {
        let clips_only = track.children.iter().all(|item| matches!(item, Item::Clip(_)));
        track.kind == TrackKind::Video && clips_only && track.frames(rate) == frames
    };
    !timeline.tracks.iter().any(covers)
}
