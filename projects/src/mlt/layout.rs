//! A timeline as an MLT graph, in three layouts that show and sound the same.
//!
//! Where no track has a clip, MLT's consumer would encode white; black below everything prevents it.
//! A video track whose sound stands on a linked audio track becomes one playlist, as an editor would
//! write it; the file is then opened once for both. No layout needs a transition for its pictures:
//! of tracks over each other MLT shows the highest that has a clip. Sound is added up by `mix`.
//!
//! Two tracks that seek one producer at the same time would have it jump back and forth, so no producer
//! is used on two tracks. Flat and stacked, a track opens each of its media once. In sections every
//! piece has a producer of its own, as editors that make their graph anew for an export open the file
//! for each cut: this is what makes that layout dear, and worth measuring.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;

use super::Profile;
use super::graph::*;
use super::lanes::{Lane, Lanes, Piece};
use memreel_timeline::{Rate, Timeline};

/// How the clips of a timeline are put on MLT's tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    /// A playlist a track, in one tractor.
    #[default]
    Flat,
    /// A track for every clip, in one tractor: many tracks that nobody needs.
    Stacked,
    /// A playlist of sections, as an editor generates it: where clips lie over each other a tractor of a
    /// playlist each, between these a playlist.
    Sections,
}

impl Layout {
    /// All of them.
    pub const ALL: [Layout; 3] = [Layout::Flat, Layout::Stacked, Layout::Sections];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Layout::Flat => "flat",
            Layout::Stacked => "stacked",
            Layout::Sections => "sections",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The timeline as a graph; with `sound` false no track is heard.
pub fn graph_of(timeline: &Timeline, profile: Profile, sound: bool, layout: Layout) -> Graph {
    let attributes = NamedValues::from([("LC_NUMERIC", "C"), ("version", "7.0.0"), ("producer", "timeline")]);
    let graph = Graph { attributes, profile: Some(profile.attributes()), parts: Vec::new() };
    write_lanes(graph, &Lanes::of_timeline(timeline, profile.rate, sound), layout)
}

/// The timeline as MLT XML; with `sound` false no track is heard.
pub fn to_mlt_xml(timeline: &Timeline, profile: Profile, sound: bool, layout: Layout) -> String {
    super::write(&graph_of(timeline, profile, sound, layout))
}

/// In-points that fall between two frames of the profile and are moved to the nearer one, because
/// MLT counts every source in the profile's frames.
pub fn rounded_in_points(timeline: &Timeline, rate: Rate) -> usize {
    let exact = |time: memreel_timeline::RationalTime| {
        let frame = memreel_timeline::RationalTime::new(time.frame_at(rate), rate);
        (frame.seconds() - time.seconds()).abs() < 1e-6
    };
    timeline.clips().filter(|clip| !exact(clip.source_range.start_time)).count()
}

/// Adds lanes to a graph that has no service yet.
pub(super) fn write_lanes(graph: Graph, lanes: &Lanes, layout: Layout) -> Graph {
    let mut writer = LaneWriter { graph, frames: lanes.frames };
    match layout {
        Layout::Flat => writer.tracks(lanes),
        Layout::Stacked => writer.tracks(&stacked(lanes)),
        Layout::Sections => writer.sections(lanes),
    }
    writer.graph
}

/// A lane for each piece.
fn stacked(lanes: &Lanes) -> Lanes {
    let alone =
        |lane: &Lane, piece: &Piece| Lane { hide: lane.hide, frames: piece.end, pieces: vec![piece.clone()] };
    let each = |lane: &Lane| lane.pieces.iter().map(|piece| alone(lane, piece)).collect::<Vec<_>>();
    let mut stacked: Vec<Lane> = lanes.lanes.iter().flat_map(each).collect();
    if stacked.is_empty() {
        stacked.push(Lane { hide: Hide::Nothing, frames: 0, pieces: Vec::new() });
    }
    // Without a background one of the tracks has to last: melt ends with the longest of them.
    if let (None, Some(last)) = (&lanes.background, stacked.last_mut()) {
        last.frames = lanes.frames;
    }
    Lanes { lanes: stacked, ..lanes.clone() }
}

/// A stretch of the whole in which pieces lie over each other, or do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Section {
    start: u64,
    end: u64,
    is_mix: bool,
}

/// Pieces with the lane they are on.
fn laid_pieces(lanes: &Lanes) -> Vec<(&Lane, &Piece)> {
    lanes.lanes.iter().flat_map(|lane| lane.pieces.iter().map(move |piece| (lane, piece))).collect()
}

/// Sections from the first frame to the last, as long as they can be.
fn sections(lanes: &Lanes) -> Vec<Section> {
    let mut changes: BTreeMap<u64, (i64, i64)> = BTreeMap::from([(0, (0, 0)), (lanes.frames, (0, 0))]);
    for (lane, piece) in laid_pieces(lanes) {
        let alone = i64::from(needs_track(lane, piece));
        for (place, more) in [(piece.start, 1), (piece.end, -1)] {
            let (pieces, needing) = changes.entry(place).or_default();
            (*pieces, *needing) = (*pieces + more, *needing + more * alone);
        }
    }
    let changes: Vec<_> = changes.into_iter().filter(|&(place, _)| place <= lanes.frames).collect();
    let (mut pieces, mut needing) = (0, 0);
    let mut sections: Vec<Section> = Vec::new();
    for pair in changes.windows(2) {
        let ((start, more), (end, _)) = (pair[0], pair[1]);
        (pieces, needing) = (pieces + more.0, needing + more.1);
        let is_mix = pieces > 1 || needing > 0;
        match sections.last_mut() {
            Some(last) if last.is_mix == is_mix => last.end = end,
            _ => sections.push(Section { start, end, is_mix }),
        }
    }
    sections
}

/// Joins sections between which a clip would be cut so that one frame of it is left: MLT 7.12 plays entries of
/// one frame without sound.
fn without_single_frames(sections: Vec<Section>, lanes: &Lanes) -> Vec<Section> {
    let leaves_one = |a: Section, b: Section| {
        let crossing = lanes.lanes.iter().filter_map(|lane| {
            let before = lane.pieces.partition_point(|piece| piece.start < b.start);
            lane.pieces[..before].last().filter(|piece| piece.end > b.start)
        });
        crossing
            .into_iter()
            .any(|piece| a.end - piece.start.max(a.start) == 1 || piece.end.min(b.end) - b.start == 1)
    };
    let mut all: Vec<Section> = Vec::new();
    for mut section in sections {
        while let Some(last) = all.pop_if(|last| leaves_one(*last, section)) {
            section = Section { start: last.start, end: section.end, is_mix: true };
        }
        all.push(section);
    }
    all
}

/// The pieces of each section, lane by lane.
fn pieces_of<'a>(sections: &[Section], lanes: &'a Lanes) -> Vec<Vec<(&'a Lane, Piece)>> {
    let mut pieces = vec![Vec::new(); sections.len()];
    for (lane, piece) in laid_pieces(lanes) {
        let first = sections.partition_point(|section| section.end <= piece.start);
        for (section, pieces) in sections[first..].iter().zip(&mut pieces[first..]) {
            match piece.within(section.start, section.end) {
                Some(part) => pieces.push((lane, part)),
                None => break,
            }
        }
    }
    pieces
}

/// How many pieces sections have together.
pub(super) fn pieces_in_sections(lanes: &Lanes) -> u64 {
    let lanes = on_background(lanes);
    let sections = without_single_frames(sections(&lanes), &lanes);
    let crossed = |piece: &Piece| {
        let first = sections.partition_point(|section| section.end <= piece.start);
        sections.partition_point(|section| section.start < piece.end) - first
    };
    laid_pieces(&lanes).into_iter().map(|(_, piece)| crossed(piece) as u64).sum()
}

/// Whether only a track can leave out what the lane leaves out of the piece.
fn needs_track(lane: &Lane, piece: &Piece) -> bool {
    let is_silent = piece.producer.is_colour() || piece.producer.value("audio_index") == Some("-1");
    !lane.is_seen() || !lane.is_heard() && !is_silent
}

/// The lanes with a lowest one that has the background wherever nothing else is seen.
fn on_background(lanes: &Lanes) -> Lanes {
    let Some(background) = &lanes.background else { return lanes.clone() };
    let colour = Rc::new(background.clone());
    let seen = laid_pieces(lanes).into_iter().filter(|(lane, _)| lane.is_seen());
    let mut seen: Vec<_> =
        seen.map(|(_, piece)| (piece.start, piece.end)).chain([(lanes.frames, lanes.frames)]).collect();
    seen.sort_unstable();
    let (mut at, mut holes) = (0, Vec::new());
    for (start, end) in seen {
        if at < start {
            holes.push(Piece { producer: Rc::clone(&colour), first: 0, start: at, end: start });
        }
        at = at.max(end);
    }
    let mut all = lanes.clone();
    all.lanes.insert(0, Lane { hide: Hide::Audio, frames: lanes.frames, pieces: holes });
    all
}

struct LaneWriter {
    graph: Graph,
    frames: u64,
}

impl LaneWriter {
    fn push(&mut self, service: Service) {
        self.graph.parts.push(Part::Service(service));
    }

    /// A playlist a lane, in one tractor.
    fn tracks(&mut self, lanes: &Lanes) {
        let mut tracks = Vec::new();
        for (number, lane) in lanes.lanes.iter().enumerate() {
            let id = format!("track{number}");
            let items = self.lane(&id, lane);
            self.push(Service::new(&id, Body::Playlist(items)));
            tracks.push(TractorTrack { of: id, hide: lane.hide, ..TractorTrack::default() });
        }
        let mut heard: Vec<_> =
            (0..lanes.lanes.len()).filter(|&number| lanes.lanes[number].is_heard()).collect();
        if let Some(background) = &lanes.background {
            self.push(background.clone());
            tracks.insert(
                0,
                TractorTrack { of: background.id.clone(), hide: Hide::Audio, ..TractorTrack::default() },
            );
            heard.iter_mut().for_each(|number| *number += 1);
        }
        let planted = mixes(&heard, self.frames);
        let mut tractor =
            Service::new("timeline", Body::Tractor(Tractor { tracks, planted, multitrack: None }));
        tractor.points = Points::new(0, self.frames.saturating_sub(1));
        self.push(tractor);
    }

    /// The entries of a lane; its producers are written, equal ones once.
    fn lane(&mut self, id: &str, lane: &Lane) -> Vec<PlaylistItem> {
        let mut producers: HashMap<&Service, String> = HashMap::new();
        let mut entries = Vec::new();
        for piece in &lane.pieces {
            let number = producers.len();
            let of = producers.entry(&piece.producer).or_insert_with(|| {
                let of = format!("{id}_media{number}");
                self.push(Service { id: of.clone(), ..Service::clone(&piece.producer) });
                of
            });
            entries.push((piece, of.clone()));
        }
        items(&entries, 0, lane.frames)
    }

    fn sections(&mut self, lanes: &Lanes) {
        let lanes = on_background(lanes);
        let sections = without_single_frames(sections(&lanes), &lanes);
        let pieces = pieces_of(&sections, &lanes);
        let mut items = Vec::new();
        for (number, (section, pieces)) in sections.into_iter().zip(pieces).enumerate() {
            let id = format!("section{number}");
            match section.is_mix {
                true => self.mix(&id, pieces, section),
                false => self.plain(&id, pieces, section),
            }
            let points = Points::new(0, section.end - section.start - 1);
            items.push(PlaylistItem::Entry(Entry { of: id, points, ..Entry::default() }));
        }
        self.push(Service::new("timeline", Body::Playlist(items)));
    }

    /// Pieces one after another.
    fn plain(&mut self, id: &str, pieces: Vec<(&Lane, Piece)>, section: Section) {
        let mut pieces: Vec<_> = pieces.into_iter().map(|(_, piece)| piece).collect();
        pieces.sort_by_key(|piece| piece.start);
        let entries: Vec<_> =
            (0..).zip(&pieces).map(|(number, piece)| (piece, self.own_producer(id, number, piece))).collect();
        self.push(Service::new(id, Body::Playlist(items(&entries, section.start, section.end))));
    }

    /// A playlist for each piece, over each other.
    fn mix(&mut self, id: &str, pieces: Vec<(&Lane, Piece)>, section: Section) {
        let (mut tracks, mut heard) = (Vec::new(), Vec::new());
        for (lane, piece) in pieces {
            let number = tracks.len();
            let entries = [(&piece, self.own_producer(id, number, &piece))];
            let playlist = format!("{id}_track{number}");
            self.push(Service::new(&playlist, Body::Playlist(items(&entries, section.start, section.end))));
            tracks.push(TractorTrack { of: playlist, hide: lane.hide, ..TractorTrack::default() });
            heard.extend(lane.is_heard().then_some(number));
        }
        let planted = mixes(&heard, section.end - section.start);
        let mut tractor = Service::new(id, Body::Tractor(Tractor { tracks, planted, multitrack: None }));
        tractor.points = Points::new(0, section.end - section.start - 1);
        self.push(tractor);
    }

    fn own_producer(&mut self, id: &str, number: usize, piece: &Piece) -> String {
        let own = format!("{id}_media{number}");
        self.push(Service { id: own.clone(), ..Service::clone(&piece.producer) });
        own
    }
}

/// Entries and the blanks between them, from one frame of the whole to another.
fn items(entries: &[(&Piece, String)], start: u64, end: u64) -> Vec<PlaylistItem> {
    let (mut at, mut items) = (start, Vec::new());
    for (piece, of) in entries {
        items.extend((piece.start > at).then(|| PlaylistItem::Blank(piece.start - at)));
        items.push(PlaylistItem::Entry(Entry { of: of.clone(), points: piece.points(), ..Entry::default() }));
        at = piece.end;
    }
    items.extend((end > at).then(|| PlaylistItem::Blank(end - at)));
    items
}

/// Adds the sound of every track that is heard to that of the lowest of them.
pub(super) fn mixes(heard: &[usize], frames: u64) -> Vec<Planted> {
    let Some((first, others)) = heard.split_first() else { return Vec::new() };
    others.iter().map(|other| Planted::Transition(mix(*first, *other, frames))).collect()
}

fn mix(onto: usize, track: usize, frames: u64) -> Effect {
    let properties = NamedValues::from([
        ("mlt_service", "mix"),
        ("a_track", &onto.to_string()),
        ("b_track", &track.to_string()),
        ("sum", "1"),
        ("always_active", "1"),
    ]);
    Effect { points: Points::new(0, frames.saturating_sub(1)), properties, ..Effect::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_timeline::{Clip, Item, RationalTime, TimeRange, Track, TrackKind};

    const PROFILE: (u32, u32) = (640, 360);

    fn clip(name: &str, start: u64, frames: u64) -> Item {
        let rate = Rate::new(25, 1).unwrap();
        let source_range = TimeRange {
            start_time: RationalTime::new(start, rate),
            duration: RationalTime::new(frames, rate),
        };
        Item::Clip(Clip { name: name.into(), media: format!("/media/{name}.mp4").into(), source_range })
    }

    fn xml(tracks: &[(TrackKind, Vec<Item>)], sound: bool) -> String {
        let rate = Rate::new(25, 1).unwrap();
        let track = |(kind, children): &(TrackKind, Vec<Item>)| Track {
            name: String::new(),
            kind: *kind,
            children: children.clone(),
        };
        let timeline = Timeline { name: "test".into(), rate, tracks: tracks.iter().map(track).collect() };
        to_mlt_xml(&timeline, Profile { width: PROFILE.0, height: PROFILE.1, rate }, sound, Layout::Flat)
    }

    #[test]
    fn out_points_are_inclusive() {
        let xml = xml(&[(TrackKind::Video, vec![clip("a", 13, 50)])], true);
        assert!(xml.contains(r#"<entry producer="track0_media0" in="13" out="62"/>"#), "{xml}");
    }

    #[test]
    fn a_linked_audio_track_is_no_second_playlist() {
        let children = vec![clip("a", 0, 50), clip("b", 0, 50), clip("a", 0, 50)];
        let xml = xml(&[(TrackKind::Video, children.clone()), (TrackKind::Audio, children)], true);
        assert_eq!(xml.matches("<playlist").count(), 1, "{xml}");
        assert_eq!(xml.matches("<producer").count(), 2, "{xml}");
        assert!(!xml.contains("hide") && !xml.contains("audio_index"), "{xml}");
    }

    #[test]
    fn without_sound_nothing_is_heard() {
        let children = vec![clip("a", 0, 50)];
        let xml = xml(&[(TrackKind::Video, children.clone()), (TrackKind::Audio, children)], false);
        assert!(xml.contains(r#"hide="audio""#), "{xml}");
        assert!(xml.contains(r#"<property name="audio_index">-1</property>"#), "{xml}");
    }

    #[test]
    fn a_gap_lies_on_black() {
        let gap = Item::Gap { duration: RationalTime::new(10, Rate::new(25, 1).unwrap()) };
        let holed = xml(&[(TrackKind::Video, vec![clip("a", 0, 50), gap])], true);
        assert!(holed.contains(r#"<track producer="black" hide="audio"/>"#), "{holed}");
        let whole = xml(&[(TrackKind::Video, vec![clip("a", 0, 50)])], true);
        assert!(!whole.contains("black"), "{whole}");
    }

    #[test]
    fn names_that_xml_reserves_are_escaped() {
        let xml = xml(&[(TrackKind::Video, vec![clip("a & <b>", 0, 50)])], true);
        assert!(xml.contains("/media/a &amp; &lt;b&gt;.mp4"), "{xml}");
    }
}
