//! One track of what is played, while it is filled.

use crate::mlt::graph::*;
use crate::mlt::lift::GraphView;

/// A track of what is played.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) track: TractorTrack,
    /// `None` for a service that is no playlist, and fills the track.
    pub(super) items: Option<Vec<PlaylistItem>>,
    /// Those of the playlist.
    pub(super) properties: NamedValues,
    pub(super) is_changed: bool,
    /// The frame after its last item, while it is filled.
    end: u64,
    /// Tracks that were joined to it, and whose clips are still to be put between its own.
    pub(super) joined: Vec<Spot>,
}

impl Spot {
    /// A track with these items and the properties of their playlist.
    pub(super) fn of(
        track: TractorTrack,
        items: Option<Vec<PlaylistItem>>,
        properties: NamedValues,
        is_changed: bool,
    ) -> Spot {
        Spot { track, items, properties, is_changed, end: 0, joined: Vec::new() }
    }

    pub(super) fn empty(hide: Hide) -> Spot {
        let track = TractorTrack { hide, ..TractorTrack::default() };
        Spot::of(track, Some(Vec::new()), NamedValues::default(), true)
    }

    /// Whether it is known to show nothing.
    pub(super) fn is_blank(&self) -> bool {
        let is_blank = |item: &PlaylistItem| matches!(item, PlaylistItem::Blank(_));
        self.items.as_ref().is_some_and(|items| items.iter().all(is_blank))
    }

    pub(super) fn name(&self, number: usize) -> String {
        if self.track.of.is_empty() {
            format!("track {number}")
        } else {
            format!("track {number} (`{}`)", self.track.of)
        }
    }

    /// Whether it is a colour, from the first frame to the last.
    pub(super) fn is_silent(&self, look: &GraphView) -> bool {
        look.services.get(self.track.of.as_str()).is_some_and(|service| service.is_colour())
    }

    pub(super) fn frames(&self, look: &GraphView) -> Option<u64> {
        match &self.items {
            None => look.lengths.get(self.track.of.as_str()).copied(),
            Some(items) => items.iter().map(|item| look.item_frames(item)).sum(),
        }
    }

    /// Appends items that take so many frames, at a frame.
    pub(super) fn put(&mut self, at: u64, more: Vec<PlaylistItem>, frames: u64) {
        let items = self.items.get_or_insert_default();
        items.extend((at > self.end).then(|| PlaylistItem::Blank(at - self.end)));
        items.extend(more);
        self.end = at + frames;
    }

    /// Puts the clips of tracks that were joined to it between its own.
    pub(super) fn settle(&mut self, look: &GraphView) {
        let moved = std::mem::take(&mut self.joined);
        if moved.is_empty() {
            return;
        }
        let until = moved.iter().chain([&*self]).filter_map(|spot| spot.frames(look)).max();
        let mut all = self.take_placed(look);
        moved.into_iter().for_each(|mut spot| all.extend(spot.take_placed(look)));
        all.sort_by_key(|(start, _, _)| *start);
        let (mut at, mut items) = (0, Vec::new());
        for (start, end, item) in all {
            items.extend((start > at).then(|| PlaylistItem::Blank(start - at)));
            items.push(item);
            at = end;
        }
        items.extend(until.filter(|&until| until > at).map(|until| PlaylistItem::Blank(until - at)));
        self.items = Some(items);
        self.is_changed = true;
    }

    /// When it has a clip; `None` where that is not known.
    pub(super) fn clips(&self, look: &GraphView) -> Option<Vec<(u64, u64)>> {
        let (mut at, mut clips) = (0, Vec::new());
        for item in self.items.as_ref()? {
            let end = at + look.item_frames(item)?;
            clips.extend(item.entry().map(|_| (at, end)));
            at = end;
        }
        Some(clips)
    }

    /// Takes its entries out, with their places.
    fn take_placed(&mut self, look: &GraphView) -> Vec<(u64, u64, PlaylistItem)> {
        let clips = self.clips(look).unwrap_or_default();
        let items = self.items.take().unwrap_or_default();
        let entries = items.into_iter().filter(|item| item.entry().is_some());
        clips.into_iter().zip(entries).map(|((start, end), item)| (start, end, item)).collect()
    }
}
