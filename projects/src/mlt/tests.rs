//! Graphs of any timeline, written and read back.

use proptest::prelude::*;

use memreel_timeline as timeline;

use super::*;
use graph::PlaylistItem;
use graph::{Body, Hide, Planted, Service, Tractor};
use memreel_timeline::{Clip, RationalTime, TimeRange, Timeline, Track, TrackKind};
use std::collections::HashMap;

fn rate() -> Rate {
    Rate::new(25, 1).unwrap()
}

fn profile() -> Profile {
    Profile { width: 320, height: 180, rate: rate() }
}

fn item() -> impl Strategy<Value = timeline::Item> {
    let clip = ("[a-c]", 0_u64..50, 1_u64..30).prop_map(|(name, start, frames)| {
        let source_range = TimeRange {
            start_time: RationalTime::new(start, rate()),
            duration: RationalTime::new(frames, rate()),
        };
        timeline::Item::Clip(Clip {
            media: format!("/media/{name} & \"é\" <x>.mp4").into(),
            name,
            source_range,
        })
    });
    let gap =
        (1_u64..30).prop_map(|frames| timeline::Item::Gap { duration: RationalTime::new(frames, rate()) });
    prop_oneof![3 => clip, 1 => gap]
}

/// Video tracks, each with its sound on a track of its own or without.
pub(super) fn timelines() -> impl Strategy<Value = Timeline> {
    let track = (prop::collection::vec(item(), 1..6), any::<bool>(), any::<bool>());
    prop::collection::vec(track, 1..5).prop_map(|made| {
        let track = |kind, children: &Vec<timeline::Item>| Track {
            name: String::new(),
            kind,
            children: children.clone(),
        };
        let tracks = made.iter().flat_map(|(children, is_seen, is_heard)| {
            let seen = (*is_seen || !is_heard).then(|| track(TrackKind::Video, children));
            seen.into_iter().chain(is_heard.then(|| track(TrackKind::Audio, children)))
        });
        Timeline { name: "any".into(), rate: rate(), tracks: tracks.collect() }
    })
}

/// What one frame of a graph shows and sounds like, by the rules that MLT has for what stands in ours.
#[derive(Debug, Clone, PartialEq, Default)]
struct Frame {
    picture: Option<(String, u64)>,
    sound: Vec<(String, u64)>,
}

fn frame(services: &HashMap<&str, &Service>, id: &str, at: u64) -> Frame {
    let service = services[id];
    match &service.body {
        Body::Producer | Body::Chain => {
            let has = |name: &str| service.value(name) != Some("-1");
            let medium = service.value("resource").unwrap().to_string();
            let shown = (medium.clone(), if service.is_colour() { 0 } else { at });
            let is_heard = has("audio_index") && !service.is_colour();
            if service.points.last.is_some_and(|last| at > last) {
                return Frame::default();
            }
            Frame {
                picture: has("video_index").then_some(shown),
                sound: is_heard.then_some((medium, at)).into_iter().collect(),
            }
        }
        Body::Playlist(items) => {
            let mut left = at;
            for item in items {
                let frames = match item {
                    PlaylistItem::Blank(frames) => *frames,
                    PlaylistItem::Entry(entry) => entry.points.frames().unwrap_or(60),
                };
                match item {
                    PlaylistItem::Entry(entry) if left < frames => {
                        let mut shown = frame(services, &entry.of, entry.points.first.unwrap_or(0) + left);
                        // MLT 7.12 plays a clip of one frame without sound.
                        shown
                            .sound
                            .retain(|_| frames > 1 || services[entry.of.as_str()].body != Body::Producer);
                        return shown;
                    }
                    PlaylistItem::Blank(_) if left < frames => return Frame::default(),
                    _ => left -= frames,
                }
            }
            Frame::default()
        }
        Body::Tractor(tractor) => composed(services, tractor, at),
    }
}

fn composed(services: &HashMap<&str, &Service>, tractor: &Tractor, at: u64) -> Frame {
    let track = |track: &graph::TractorTrack| {
        let mut frame = frame(services, &track.of, at);
        frame.picture = frame.picture.filter(|_| !matches!(track.hide, Hide::Video | Hide::Both));
        frame.sound.retain(|_| !matches!(track.hide, Hide::Audio | Hide::Both));
        frame
    };
    let mut frames: Vec<_> = tractor.tracks.iter().map(track).collect();
    for planted in &tractor.planted {
        let Planted::Transition(mix) = planted else { panic!("{planted:?}") };
        let works = lift::is_always(mix) || mix.points.first.unwrap() <= at && at <= mix.points.last.unwrap();
        assert_eq!((mix.service(), mix.value("sum")), ("mix", Some("1")));
        if works {
            let upper = std::mem::take(&mut frames[mix.track("b_track").unwrap()].sound);
            frames[mix.track("a_track").unwrap()].sound.extend(upper);
        }
    }
    let mut made = Frame::default();
    for frame in frames {
        made.picture = frame.picture.or(made.picture);
        made.sound = if frame.sound.is_empty() { made.sound } else { frame.sound };
    }
    made.sound.sort();
    made
}

fn every_frame(graph: &Graph) -> Vec<Frame> {
    let (services, root) = (graph.by_id(), &graph.root().unwrap().id);
    let lengths = graph.lengths();
    // melt ends with the longest track, whatever the tractor says.
    let longest = graph.root().unwrap().links().into_iter().map(|id| lengths[id]).max();
    let is_tractor = matches!(graph.root().unwrap().body, Body::Tractor(_));
    let frames = lengths[root.as_str()].min(longest.filter(|_| is_tractor).unwrap_or(u64::MAX));
    (0..frames).map(|at| frame(&services, root, at)).collect()
}

/// Choices, one after another; 0 when there are no more.
struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    fn below(&mut self, limit: u64) -> u64 {
        u64::from(self.0.next().unwrap_or(0)) % limit.max(1)
    }
}

/// A graph of sequences in sequences, trimmed, over each other, with sound added up here and there.
fn nested(choices: Vec<u8>) -> Graph {
    let mut choices = Choices(choices.into_iter());
    let mut graph = Graph { profile: Some(profile().attributes()), ..Graph::default() };
    for id in ["a", "b", "c"] {
        let mut producer = Service::new(id, Body::Producer);
        producer.points = graph::Points::new(0, 59);
        producer.properties = graph::NamedValues::from([("resource", id), ("mlt_service", "avformat")]);
        graph.parts.push(graph::Part::Service(producer));
    }
    for number in 0..1 + choices.below(6) {
        let service = match choices.below(2) {
            0 => sequence(&graph, number, &mut choices),
            _ => pile(&graph, number, &mut choices),
        };
        graph.parts.push(graph::Part::Service(service));
    }
    graph
}

/// Any of the services so far, and how long it is; the newest ones more often.
fn any_of(graph: &Graph, choices: &mut Choices) -> (String, u64) {
    let services: Vec<_> = graph.services().collect();
    let newest = services.len() as u64 - 1;
    let at = choices.below(newest + 1).max(choices.below(newest + 1));
    let id = &services[at as usize].id;
    (id.clone(), graph.lengths()[id.as_str()])
}

fn sequence(graph: &Graph, number: u64, choices: &mut Choices) -> Service {
    let mut items = Vec::new();
    for _ in 0..1 + choices.below(4) {
        if choices.below(4) == 0 {
            items.push(PlaylistItem::Blank(1 + choices.below(9)));
            continue;
        }
        let (of, long) = any_of(graph, choices);
        let first = choices.below(long.min(6));
        let last = first + choices.below((long - first).min(30));
        let points = graph::Points::new(first, last);
        items.push(PlaylistItem::Entry(graph::Entry { of, points, ..graph::Entry::default() }));
    }
    Service::new(format!("sequence{number}"), Body::Playlist(items))
}

fn pile(graph: &Graph, number: u64, choices: &mut Choices) -> Service {
    let (mut tracks, mut longest) = (Vec::new(), 0);
    for _ in 0..1 + choices.below(4) {
        let (of, long) = any_of(graph, choices);
        longest = longest.max(long);
        let hide = [Hide::Nothing, Hide::Nothing, Hide::Audio, Hide::Video][choices.below(4) as usize];
        tracks.push(graph::TractorTrack { of, hide, ..graph::TractorTrack::default() });
    }
    let mut planted = Vec::new();
    for upper in 1..tracks.len() as u64 {
        if choices.below(4) == 0 {
            continue;
        }
        let onto = if choices.below(3) == 0 { choices.below(upper) } else { 0 };
        let properties = graph::NamedValues::from([
            ("mlt_service", "mix"),
            ("a_track", &onto.to_string()),
            ("b_track", &upper.to_string()),
            ("sum", "1"),
        ]);
        let mut mix = graph::Effect { properties, ..graph::Effect::default() };
        match choices.below(3) {
            0 => mix.points = graph::Points::new(1 + choices.below(5), 6 + choices.below(longest)),
            1 => mix.properties.set("always_active", "1"),
            _ => {}
        }
        planted.push(Planted::Transition(mix));
    }
    let mut service =
        Service::new(format!("pile{number}"), Body::Tractor(Tractor { tracks, planted, multitrack: None }));
    service.points = graph::Points::new(0, longest - 1);
    service
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_nested_shows_and_sounds_the_same_when_it_is_flat(choices in prop::collection::vec(any::<u8>(), 0..150)) {
        let graph = nested(choices);
        let (flat, changes) = flatten(&graph);
        prop_assert_eq!(every_frame(&flat), every_frame(&graph), "{}", changes);
        prop_assert_eq!(from_mlt_xml(&write(&flat)), Ok(flat.clone()));
        for layout in [Layout::Stacked, Layout::Sections] {
            if let Ok((other, _)) = lay_out(&graph, layout) {
                prop_assert_eq!(every_frame(&other), every_frame(&graph), "{}: {}", layout, changes);
            }
        }
    }

    #[test]
    fn a_file_with_anything_in_place_of_something_makes_nothing_panic(
        choices in prop::collection::vec(any::<u8>(), 0..150), share in 0.0..1.0_f64, long in 0..9_usize,
        other in "(2147483647|[0-9]{1,3}|[a-z<>=\"/]{1,4}|pile1|mix|:|-)",
    ) {
        let text = write(&nested(choices));
        let begin = (share * text.len() as f64) as usize;
        let text = [&text[..begin], &other, &text[(begin + long).min(text.len())..]].concat();
        if let Ok(graph) = from_mlt_xml(&text) {
            let (flat, _) = flatten(&graph);
            let _ = lay_out(&flat, Layout::Sections);
        }
    }
}

proptest! {
    #[test]
    fn every_layout_shows_and_sounds_the_same_on_every_frame(timeline in timelines(), sound: bool) {
        let [flat, stacked, sections] = Layout::ALL.map(|layout| graph_of(&timeline, profile(), sound, layout));
        let wanted = every_frame(&flat);
        prop_assert_eq!(&every_frame(&stacked), &wanted);
        prop_assert_eq!(&every_frame(&sections), &wanted);
    }

    #[test]
    fn a_graph_that_is_laid_out_anew_shows_and_sounds_the_same(
        timeline in timelines(), sound: bool, from in 0..3_usize, to in 0..3_usize,
    ) {
        let graph = graph_of(&timeline, profile(), sound, Layout::ALL[from]);
        let (other, changes) = lay_out(&graph, Layout::ALL[to]).unwrap();
        prop_assert_eq!(every_frame(&other), every_frame(&graph), "{}", changes);
        prop_assert_eq!(from_mlt_xml(&write(&other)), Ok(other));
    }

    #[test]
    fn flattened_again_nothing_changes(timeline in timelines(), from in 0..3_usize) {
        let (flat, _) = flatten(&graph_of(&timeline, profile(), true, Layout::ALL[from]));
        let (again, changes) = flatten(&flat);
        prop_assert_eq!(again, flat, "{}", changes);
    }

    #[test]
    fn a_graph_that_is_written_is_read_back_whole(timeline in timelines(), sound: bool, layout in 0..3_usize) {
        let graph = graph_of(&timeline, profile(), sound, Layout::ALL[layout]);
        prop_assert_eq!(from_mlt_xml(&write(&graph)), Ok(graph));
    }

    #[test]
    fn every_layout_is_as_long_as_the_timeline(timeline in timelines(), layout in 0..3_usize) {
        let graph = graph_of(&timeline, profile(), true, Layout::ALL[layout]);
        prop_assert_eq!(graph.lengths()[graph.root().unwrap().id.as_str()], timeline.frames());
    }

    #[test]
    fn a_file_that_is_cut_short_is_an_error_and_no_panic(timeline in timelines(), share in 0.0..1.0_f64) {
        let text = to_mlt_xml(&timeline, profile(), true, Layout::Sections);
        let end = ((share * text.len() as f64) as usize).min(text.trim_end().len() - 1);
        let end = (0..=end).rev().find(|&place| text.is_char_boundary(place)).unwrap();
        prop_assert!(from_mlt_xml(&text[..end]).is_err());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(<(mlt|playlist|tractor|entry|track|/mlt|blank|producer/|!\\[CDATA\\[)( (in|out|id|producer|length)=\"[0-9:.&;x]{0,6}\")*>|&[a-z#0-9]{0,3};|]]>|\\PC){0,40}") {
        let _ = from_mlt_xml(&text);
    }
}

/// How many frames of a document melt 7.12 plays, whose media have 150: those of `melt FILE -consumer xml`.
#[test]
fn points_past_what_there_is_are_played_as_mlt_plays_them() {
    let p = "<playlist id='p'><entry producer='a' in='0' out='49'/></playlist>";
    let t = |points: &str| format!("{p}<tractor id='t' {points}><track producer='p'/></tractor>");
    let q = |points: &str, of: &str| format!("<playlist id='q'><entry producer='{of}' {points}/></playlist>");
    let u = |points: &str, of: &str| format!("<tractor id='u'><track producer='{of}' {points}/></tractor>");
    for (services, frames) in [
        (t("in='0' out='50'"), 50),
        (t("in='0' out='30'"), 50),
        (t("in='5' out='70'"), 50),
        (t("out='-1'"), 50),
        (t(""), 50),
        (t("out='30'") + &q("", "t"), 50),
        (t("in='5' out='30'") + &q("in='10' out='40'", "t"), 31),
        (t("out='70'") + &q("in='0' out='70'", "t"), 50),
        (t("out='70'") + &u("", "t"), 50),
        (p.to_string() + &u("in='10' out='40'", "p"), 31),
        (p.to_string() + &u("in='0' out='90'", "p"), 50),
        (u("in='10' out='30'", "a"), 21),
        (p.replace("'p'", "'p' in='0' out='20'"), 50),
        (p.replace("'p'", "'p' in='5' out='30'") + &u("", "p"), 45),
        (p.replace("in='0' out='49'", "in='10' out='5'"), 6),
        (p.replace("in='0' out='49'", "in='-1' out='19'"), 20),
        (p.replace("in='0' out='49'", "in='0' out=''"), 1),
        (p.replace("in='0' out='49'", "in='0' out='-1'"), 150),
        (p.replace("in='0' out='49'", "in=':04.5' out='149'"), 38),
        (p.replace("/></playlist>", "/><blank length='-5'/><blank length='4.9'/></playlist>"), 54),
    ] {
        let profile = "<profile width='64' height='48' frame_rate_num='25' frame_rate_den='1'/>";
        let media = "<producer id='a'><property name='length'>150</property></producer>";
        let graph = from_mlt_xml(&format!("<mlt>{profile}{media}{services}</mlt>")).unwrap();
        let root = graph.root().unwrap().id.clone();
        assert_eq!(graph.lengths()[root.as_str()], frames, "{services}");
    }
}

#[test]
fn a_text_is_no_file() {
    let medium = |resource: &str| {
        let mut producer = Service::new("a", Body::Producer);
        producer.properties.set("resource", resource);
        producer.medium().map(str::to_string)
    };
    assert_eq!(medium("+hello.txt"), None);
    assert_eq!(medium("hello.txt").as_deref(), Some("hello.txt"));
    assert_eq!(medium("+hello.mp4").as_deref(), Some("+hello.mp4"));
}

#[test]
fn a_resource_names_its_file_in_many_ways() {
    for (resource, path) in [
        ("avformat:x.mp4", "x.mp4"),
        ("consumer:x.mlt", "x.mlt"),
        ("qimage:x.png", "x.png"),
        ("file:x.mp4", "x.mp4"),
        ("file:///m/x.mp4", "/m/x.mp4"),
        ("x.mp4\\?multi=1", "x.mp4"),
        ("img%03d.png?begin=5", "img%03d.png?begin=5"),
    ] {
        let mut producer = Service::new("a", Body::Producer);
        producer.properties.set("resource", resource);
        assert_eq!(producer.medium(), Some(path), "{resource}");
    }
}

/// As Kdenlive of today writes them: a sequence in a tractor of its own, each track a tractor of two playlists, one of
/// them empty, with a meter and effects that are switched off.
fn of_kdenlive(transition: &str, clip_filter: &str) -> Graph {
    let off = "<filter><property name='mlt_service'>volume</property><property name='disable'>1</property></filter>\
        <filter><property name='mlt_service'>audiolevel</property></filter>";
    let text = format!(
        "<mlt><producer id='black' in='0' out='7500'><property name='resource'>black</property>\
         <property name='mlt_service'>color</property></producer>\
         <chain id='a' out='99'><property name='resource'>a.mp4</property></chain>\
         <playlist id='p0'><entry producer='a' in='5' out='34'>{clip_filter}</entry></playlist><playlist id='p1'/>\
         <tractor id='t0' in='0' out='29'><track producer='p0' hide='audio'/><track producer='p1' hide='audio'/>{off}</tractor>\
         <playlist id='p2'/><playlist id='p3'/>\
         <tractor id='t1' in='0'><track producer='p2'/><track producer='p3'/>{off}</tractor>\
         <tractor id='sequence' in='0' out='29'><track producer='black'/><track producer='t0'/><track producer='t1'/>\
         <transition><property name='a_track'>0</property><property name='b_track'>1</property>\
         <property name='mlt_service'>{transition}</property><property name='sum'>1</property></transition>{off}</tractor>\
         <tractor id='root' in='0' out='29'><track producer='sequence' in='0' out='29'/></tractor></mlt>"
    );
    from_mlt_xml(&text).unwrap()
}

#[test]
fn sequences_of_kdenlive_are_taken_apart_as_far_as_nothing_looks_at_the_sizes_of_pictures() {
    let sized = "<filter><property name='mlt_service'>qtblend</property></filter>";
    for (transition, filter, tractors) in
        [("mix", "", 1), ("qtblend", "", 2), ("mix", sized, 3), ("frei0r.cairoblend", "", 1)]
    {
        let graph = of_kdenlive(transition, filter);
        let (flat, changes) = flatten(&graph);
        let count = |graph: &Graph| graph.services().filter(|s| matches!(s.body, Body::Tractor(_))).count();
        assert_eq!((count(&graph), count(&flat)), (4, tractors), "{transition} {filter}: {changes}");
        let empty = flat.services().filter(|s| matches!(&s.body, Body::Playlist(items) if items.is_empty()));
        assert_eq!(empty.count(), 0, "{transition} {filter}: {changes}");
        assert!(!write(&flat).contains("audiolevel"), "{changes}");
        let length = |graph: &Graph| graph.lengths()[graph.root().unwrap().id.as_str()];
        assert_eq!((length(&graph), length(&flat)), (30, 30), "{transition} {filter}: {changes}");
    }
}
