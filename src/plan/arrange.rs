//! From patterns to a timeline: every clip in its place, with the path of its file.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::scenario::{Child, ClipPattern, Extent, Media, Scenario, Source, TrackPattern};
use memreel_timeline::{Clip, Item, RationalTime, Timeline, Track, TrackKind};

/// The scenario's timeline, `length` times as long, from only the first `limit` files of each source;
/// and its distinct media in order of first use.
///
/// Every clip is shown `length` times before the next one is: were the whole pattern repeated instead,
/// its sources would be needed again later, more of them would be open at a time, and the length would
/// not be all that changes.
pub(super) fn arrange(
    scenario: &Scenario,
    media_folder: &Path,
    length: u32,
    limit: Option<u32>,
) -> (Timeline, Vec<(PathBuf, Media)>) {
    let mut stack =
        Stack { scenario, media_folder, limit, tracks: Vec::new(), media: Vec::new(), seen: HashSet::new() };
    for pattern in &scenario.tracks {
        stack.add(pattern, length);
    }
    let timeline = Timeline { name: scenario.name.clone(), rate: scenario.rate, tracks: stack.tracks };
    (timeline, stack.media)
}

/// Shows the proxies of generated media in their places; files that are there have none.
pub(super) fn put_proxies(timeline: &mut Timeline, media: &mut [(PathBuf, Media)], media_folder: &Path) {
    let mut places = HashMap::new();
    for (path, media) in media {
        let Media::Generated(spec) = media else { continue };
        *media = Media::Generated(spec.proxy());
        let proxy = media.path(media_folder);
        places.insert(std::mem::replace(path, proxy.clone()), proxy);
    }
    for item in timeline.tracks.iter_mut().flat_map(|track| &mut track.children) {
        if let Item::Clip(clip) = item
            && let Some(proxy) = places.get(&clip.media)
        {
            clip.media = proxy.clone();
        }
    }
}

/// Tracks as they are put one on another.
struct Stack<'a> {
    scenario: &'a Scenario,
    media_folder: &'a Path,
    limit: Option<u32>,
    tracks: Vec<Track>,
    media: Vec<(PathBuf, Media)>,
    seen: HashSet<PathBuf>,
}

/// A clip or gap of a pattern, and what it is cut from.
struct Piece<'a> {
    item: Item,
    media: Option<&'a Media>,
}

impl<'a> Stack<'a> {
    fn add(&mut self, pattern: &'a TrackPattern, length: u32) {
        let once: Vec<_> = pattern.children.iter().flat_map(|child| self.pieces(child)).collect();
        let in_place = |piece| std::iter::repeat_n(piece, length as usize);
        let pieces: Vec<_> = extended(&once, pattern.extent).into_iter().flat_map(in_place).collect();
        for (piece, _) in &pieces {
            self.use_media(piece);
        }
        let item = |(piece, frames): &(&Piece, u64)| piece.trimmed(*frames);
        self.push(pattern.kind, pieces.iter().map(item).collect());
        if pattern.linked_audio && pieces.iter().any(|(piece, _)| piece.sounds()) {
            let sound = |(piece, frames): &(&Piece, u64)| piece.sound().trimmed(*frames);
            self.push(TrackKind::Audio, pieces.iter().map(sound).collect());
        }
    }

    fn push(&mut self, kind: TrackKind, children: Vec<Item>) {
        let letter = if kind == TrackKind::Video { 'V' } else { 'A' };
        let number = 1 + self.tracks.iter().filter(|track| track.kind == kind).count();
        self.tracks.push(Track { name: format!("{letter}{number}"), kind, children });
    }

    fn use_media(&mut self, piece: &Piece) {
        if let (Item::Clip(clip), Some(media)) = (&piece.item, piece.media)
            && self.seen.insert(clip.media.clone())
        {
            self.media.push((clip.media.clone(), media.clone()));
        }
    }

    fn pieces(&self, child: &Child) -> Vec<Piece<'a>> {
        match child {
            Child::Gap { duration } => vec![Piece { item: Item::Gap { duration: *duration }, media: None }],
            Child::Clip(clip) => {
                let files = self.scenario.sources[clip.source].media.len();
                let wanted = clip.file.map_or(0..files, |file| file..file + 1);
                wanted.map(|file| self.clip(clip, file)).collect()
            }
        }
    }

    /// A clip of one file, or of the one that stands in for it when only the first few are used.
    fn clip(&self, pattern: &ClipPattern, wanted: usize) -> Piece<'a> {
        let source = &self.scenario.sources[pattern.source];
        let files = source.media.len();
        let used = self.limit.map_or(files, |limit| files.min(limit as usize));
        let file = wanted % used;
        let media = &source.media[file];
        let item = Item::Clip(Clip {
            name: clip_name(source, file),
            media: media.path(self.media_folder),
            source_range: pattern.range,
        });
        Piece { item, media: Some(media) }
    }
}

fn clip_name(source: &Source, file: usize) -> String {
    match source.media.len() {
        1 => source.name.clone(),
        _ => format!("{}.{}", source.name, file + 1),
    }
}

impl Piece<'_> {
    /// A file that is there is taken to have sound.
    fn sounds(&self) -> bool {
        match self.media {
            Some(Media::Generated(spec)) => spec.audio_rate.is_some(),
            Some(Media::File(_)) => true,
            None => false,
        }
    }

    /// The same on an audio track: silence where there is no sound.
    fn sound(&self) -> Piece<'_> {
        let silence = Item::Gap { duration: self.item.duration() };
        Piece { item: if self.sounds() { self.item.clone() } else { silence }, media: self.media }
    }

    fn trimmed(&self, frames: u64) -> Item {
        let mut item = self.item.clone();
        let duration = match &mut item {
            Item::Clip(clip) => &mut clip.source_range.duration,
            Item::Gap { duration } => duration,
        };
        *duration = RationalTime::new(frames, duration.rate);
        item
    }
}

/// The pieces again and again, each with the frames it takes: the last one fewer where only so many
/// are left.
fn extended<'p, 'a>(once: &'p [Piece<'a>], extent: Extent) -> Vec<(&'p Piece<'a>, u64)> {
    let frames = |piece: &Piece| piece.item.duration().value;
    let all = match extent {
        Extent::Repeat(times) => frames_of(once).saturating_mul(times.into()),
        Extent::Length(length) => length,
    };
    let mut left = all;
    let mut pieces = Vec::new();
    for piece in once.iter().cycle().take_while(|_| !once.is_empty()) {
        if left == 0 {
            break;
        }
        let taken = frames(piece).min(left);
        pieces.push((piece, taken));
        left -= taken;
    }
    pieces
}

fn frames_of(pieces: &[Piece]) -> u64 {
    pieces.iter().map(|piece| piece.item.duration().value).sum()
}
