//! Changes to a graph that leave all else as it is: something is taken out, a part is played, or all of it several times.

use std::fmt;
use std::str::FromStr;

use super::graph::*;

/// What is taken out of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Removal {
    /// All filters, and links of chains.
    Filters,
    /// All transitions.
    Transitions,
    /// All filters, links and transitions of one kind, by its `mlt_service`.
    Service(String),
    /// What is on a track, by its number in [`tracks`].
    Track(usize),
    /// A clip, by its number in the order of play, from 1.
    Clip(usize),
}

/// A track as an editor shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownTrack {
    /// Its number, from 1 for the lowest.
    pub number: usize,
    /// The name that the editor gave it, or its service's id.
    pub name: String,
    /// What of it is neither seen nor heard.
    pub hide: Hide,
    /// Whether nothing is on it.
    pub is_empty: bool,
    /// Its place among the tracks of its tractor.
    place: usize,
}

/// The way down from what is played to a clip: the ids of playlists and tractors, and the place in each.
pub type Way = Vec<(String, usize)>;

impl FromStr for Removal {
    type Err = String;

    fn from_str(text: &str) -> Result<Removal, String> {
        let numbered = |number: &str| {
            let number = number.parse().ok().filter(|&number| number > 0);
            number.ok_or_else(|| format!("`{text}`: the number is a whole number from 1"))
        };
        match text.split_once(':') {
            Some(("track", number)) => numbered(number).map(Removal::Track),
            Some(("clip", number)) => numbered(number).map(Removal::Clip),
            _ if text == "filters" => Ok(Removal::Filters),
            _ if text == "transitions" => Ok(Removal::Transitions),
            _ if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                Err(format!("`{text}` is not the name of an MLT service"))
            }
            _ => Ok(Removal::Service(text.into())),
        }
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Removal::Filters => f.write_str("filters"),
            Removal::Transitions => f.write_str("transitions"),
            Removal::Service(service) => f.write_str(service),
            Removal::Track(number) => write!(f, "track:{number}"),
            Removal::Clip(number) => write!(f, "clip:{number}"),
        }
    }
}

/// Whether an effect stays.
type Keep<'a> = dyn Fn(IsTransition, &str) -> bool + 'a;
type IsTransition = bool;

/// Takes filters, links and transitions out, wherever in the document they are.
pub fn remove_effects(graph: &mut Graph, removal: &Removal) {
    let keep = |is_transition: bool, service: &str| match removal {
        Removal::Filters => is_transition,
        Removal::Transitions => !is_transition,
        Removal::Service(removed) => service != removed,
        Removal::Track(_) | Removal::Clip(_) => true,
    };
    for part in &mut graph.parts {
        if let Part::Service(service) = part {
            retain_effects(service, &keep);
        }
    }
}

fn retain_effects(service: &mut Service, keep: &Keep) {
    service.filters.retain(|filter| keep(false, filter.service()));
    retain_elements(&mut service.others, keep);
    match &mut service.body {
        Body::Producer | Body::Chain => {}
        Body::Playlist(items) => {
            for item in items {
                let PlaylistItem::Entry(entry) = item else { continue };
                entry.filters.retain(|filter| keep(false, filter.service()));
                retain_elements(&mut entry.others, keep);
            }
        }
        Body::Tractor(tractor) => {
            tractor.planted.retain(|planted| match planted {
                Planted::Filter(effect) => keep(false, effect.service()),
                Planted::Transition(effect) => keep(true, effect.service()),
            });
            tractor.tracks.iter_mut().for_each(|track| retain_elements(&mut track.others, keep));
        }
    }
}

fn retain_elements(elements: &mut Vec<Element>, keep: &Keep) {
    elements.retain(|element| effect_service(element).is_none_or(|service| keep(false, service)));
}

/// The kind of a filter or link that is kept as an element; `None` of any other element.
pub fn effect_service(element: &Element) -> Option<&str> {
    let is_effect = matches!(element.name.as_str(), "filter" | "link");
    is_effect.then(|| element.service().unwrap_or_default())
}

/// The tracks of a project, from the lowest: those of the first tractor with several tracks on the way down from what is
/// played. A plain colour below them is the editor's background, and none of them. Empty where there is no such tractor.
pub fn tracks(graph: &Graph) -> Vec<ShownTrack> {
    let Some((_, tractor)) = stack(graph) else { return Vec::new() };
    let services = graph.by_id();
    let lowest = leaves_of(graph, &tractor.tracks[0].of);
    let background = !lowest.is_empty() && lowest.iter().all(|leaf| leaf.is_colour());
    let shown = tractor.tracks.iter().enumerate().skip(usize::from(background));
    let named = shown.zip(1..).map(|((place, track), number)| {
        let service = services[track.of.as_str()];
        let given = ["kdenlive:track_name", "shotcut:name"].iter().find_map(|name| service.value(name));
        let name = given.filter(|name| !name.is_empty()).unwrap_or(&track.of).to_string();
        let is_empty = leaves_of(graph, &track.of).is_empty();
        ShownTrack { number, name, hide: track.hide.and(hidden_inside(service)), is_empty, place }
    });
    named.collect()
}

/// What all tracks of a tractor leave out, as the two that Kdenlive has for each that it shows.
fn hidden_inside(service: &Service) -> Hide {
    let Body::Tractor(tractor) = &service.body else { return Hide::Nothing };
    let hides = tractor.tracks.iter().map(|track| track.hide);
    let all = |hide: Hide| hides.clone().all(|one| one == hide);
    hides.clone().next().filter(|&hide| all(hide)).unwrap_or_default()
}

/// The first tractor with several tracks on the way down from what is played.
fn stack(graph: &Graph) -> Option<(&Service, &Tractor)> {
    let services = graph.by_id();
    let mut service = graph.root()?;
    loop {
        let next = match &service.body {
            Body::Tractor(tractor) if tractor.tracks.len() > 1 => return Some((service, tractor)),
            Body::Tractor(tractor) => &tractor.tracks.first()?.of,
            Body::Playlist(items) => {
                let first = &items.first()?.entry()?.of;
                // As a project that is played several times.
                let is_same = |item: &PlaylistItem| item.entry().is_some_and(|entry| entry.of == *first);
                items.iter().all(is_same).then_some(first)?
            }
            Body::Producer | Body::Chain => return None,
        };
        service = services.get(next.as_str())?;
    }
}

/// The media and generators that a service is made of, each once.
fn leaves_of<'a>(graph: &'a Graph, id: &str) -> Vec<&'a Service> {
    let reached = graph.reached([id.to_string()]);
    let services = graph.services().filter(|service| reached.contains(&service.id));
    services.filter(|service| matches!(service.body, Body::Producer | Body::Chain)).collect()
}

/// Puts as many frames of nothing in the place of what is on a track, and takes out the filters on the track. `false`
/// where there is no such track.
pub fn empty_track(graph: &mut Graph, number: usize) -> bool {
    let found = tracks(graph).into_iter().find(|track| track.number == number);
    let tractor = stack(graph).map(|(service, _)| service.id.clone());
    let (Some(found), Some(tractor)) = (found, tractor) else { return false };
    put_blank(graph, &tractor, found.place);
    true
}

/// Puts as many frames of nothing in the place of one playing of a clip. Playlists and tractors that are played elsewhere
/// as well are copied, so that nothing is taken out there.
pub fn blank_clip(graph: &mut Graph, way: &Way) {
    let mut holder = match way.first() {
        Some((root, _)) => root.clone(),
        None => return put_blank_root(graph),
    };
    for step in 0..way.len() {
        let place = way[step].1;
        let Some((inside, _)) = way.get(step + 1) else { return put_blank(graph, &holder, place) };
        holder = match uses(graph, inside) > 1 {
            true => put_copy(graph, &holder, place, inside),
            false => inside.clone(),
        };
    }
}

/// How often a service is named.
fn uses(graph: &Graph, id: &str) -> usize {
    graph.services().flat_map(Service::links).filter(|link| *link == id).count()
}

/// A copy of a service in one place of its holder.
fn put_copy(graph: &mut Graph, holder: &str, place: usize, id: &str) -> String {
    let copy = Service { id: graph.new_id("memreel"), ..graph.by_id()[id].clone() };
    let name = copy.id.clone();
    let at = position(graph, holder);
    match &mut service_at(graph, at).body {
        Body::Playlist(items) => {
            if let PlaylistItem::Entry(entry) = &mut items[place] {
                entry.of.clone_from(&name);
            }
        }
        Body::Tractor(tractor) => tractor.tracks[place].of.clone_from(&name),
        Body::Producer | Body::Chain => {}
    }
    graph.parts.insert(at, Part::Service(copy));
    name
}

/// Nothing, for as long, in one place of a playlist or tractor.
fn put_blank(graph: &mut Graph, holder: &str, place: usize) {
    let frames = frames_at(graph, holder, place);
    let at = position(graph, holder);
    let blank = Service::new(graph.new_id("memreel"), Body::Playlist(vec![PlaylistItem::Blank(frames)]));
    match &mut service_at(graph, at).body {
        Body::Playlist(items) => items[place] = PlaylistItem::Blank(frames),
        Body::Tractor(tractor) => {
            let track = &mut tractor.tracks[place];
            (track.of, track.points) = (blank.id.clone(), Points::default());
            retain_elements(&mut track.others, &|_, _| false);
            let is_elsewhere = |planted: &Planted| match planted {
                Planted::Filter(filter) => filter.track("track") != Some(place),
                Planted::Transition(_) => true,
            };
            tractor.planted.retain(is_elsewhere);
            graph.parts.insert(at, Part::Service(blank));
        }
        Body::Producer | Body::Chain => {}
    }
}

/// Nothing, for as long as the project.
fn put_blank_root(graph: &mut Graph) {
    let frames = graph.root().and_then(|root| graph.lengths().get(root.id.as_str()).copied()).unwrap_or(0);
    let blank = Service::new(graph.new_id("memreel"), Body::Playlist(vec![PlaylistItem::Blank(frames)]));
    graph.parts.push(Part::Service(blank));
}

/// How many frames something takes in its holder.
fn frames_at(graph: &Graph, holder: &str, place: usize) -> u64 {
    let lengths = graph.lengths();
    let length = |id: &str| lengths.get(id).copied();
    let frames = match &graph.by_id()[holder].body {
        Body::Playlist(items) => match &items[place] {
            PlaylistItem::Entry(entry) => entry.frames(length(&entry.of)),
            PlaylistItem::Blank(frames) => Some(*frames),
        },
        Body::Tractor(tractor) => {
            let track = &tractor.tracks[place];
            track.points.frames().or_else(|| length(&track.of))
        }
        Body::Producer | Body::Chain => None,
    };
    frames.unwrap_or(0)
}

/// Plays a part of what was played before, several times in a row: one item of a playlist for each time.
///
/// The service itself does not change. MLT counts the in and out points of an entry from the first frame that the service
/// plays, whatever the in point of the service is (melt 7.12).
pub fn play(graph: &mut Graph, points: Points, times: u32) {
    let Some(root) = graph.root() else { return };
    let entry = Entry { of: root.id.clone(), points, ..Entry::default() };
    let items = std::iter::repeat_n(PlaylistItem::Entry(entry), times as usize).collect();
    let playlist = Service::new(graph.new_id("memreel"), Body::Playlist(items));
    graph.parts.push(Part::Service(playlist));
}

fn position(graph: &Graph, id: &str) -> usize {
    let is_it = |part: &Part| matches!(part, Part::Service(service) if service.id == id);
    graph.parts.iter().position(is_it).expect("a way leads through services of its graph")
}

fn service_at(graph: &mut Graph, at: usize) -> &mut Service {
    match &mut graph.parts[at] {
        Part::Service(service) => service,
        Part::Other(_) => unreachable!("a position is that of a service"),
    }
}
