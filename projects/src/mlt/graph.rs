//! The model of an MLT graph, as MLT XML has it.
//!
//! Services stand in the document's order and name each other by id; one may only name what stands
//! before it, so there are no circles. What MLT would do with a property is no business of this model:
//! all are kept, in their order. Points are frames of the profile; an out point is the last frame that
//! is shown.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Profile, points};
use memreel_timeline::Rate;

/// What is longer than this (a thousand years) is taken for a mistake, and for of no known length.
const MOST_FRAMES: u64 = 1 << 40;

/// A whole document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// What the outermost element says: `LC_NUMERIC`, `version`, `root`, `title` …
    pub attributes: NamedValues,
    /// What the `profile` element says, if there is one.
    pub profile: Option<NamedValues>,
    /// Services and what else there is, in the document's order.
    pub parts: Vec<Part>,
}

/// What stands at a document's top level.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A producer, chain, playlist or tractor.
    Service(Service),
    /// A consumer, or anything that this model does not look into.
    Other(Element),
}

/// Names and values, in order; attributes or properties.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct NamedValues(pub Vec<(String, String)>);

/// An element that is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: NamedValues,
    /// The elements in it.
    pub children: Vec<Element>,
    /// The text in it.
    pub text: String,
}

/// Something that gives frames.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Service {
    /// What others call it by.
    pub id: String,
    /// The first and the last frame of it that is used.
    pub points: Points,
    /// Other attributes.
    pub attributes: NamedValues,
    /// Its properties.
    pub properties: NamedValues,
    /// What it is made of.
    pub body: Body,
    /// Filters on the whole of it.
    pub filters: Vec<Effect>,
    /// Elements that this model does not look into.
    pub others: Vec<Element>,
}

/// What a service is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Body {
    /// A medium, or a generator of pictures.
    Producer,
    /// A producer with links; these are among the other elements.
    Chain,
    /// One thing after another.
    Playlist(Vec<PlaylistItem>),
    /// Tracks over each other.
    Tractor(Tractor),
}

/// In and out points; what is not said is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Points {
    /// The first frame.
    pub first: Option<u64>,
    /// The last frame.
    pub last: Option<u64>,
}

/// What stands in a playlist.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PlaylistItem {
    /// A piece of a service.
    Entry(Entry),
    /// So many frames of nothing.
    Blank(u64),
}

/// A piece of a service in a playlist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Entry {
    /// The service's id.
    pub of: String,
    /// Which part of it.
    pub points: Points,
    /// Other attributes, as `repeat`.
    pub attributes: NamedValues,
    /// Properties and filters of this piece alone.
    pub properties: NamedValues,
    /// Filters on this piece alone.
    pub filters: Vec<Effect>,
    /// Elements that this model does not look into.
    pub others: Vec<Element>,
}

/// Tracks over each other, and what is planted on them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tractor {
    /// From the lowest to the highest.
    pub tracks: Vec<TractorTrack>,
    /// In the order in which they work.
    pub planted: Vec<Planted>,
    /// The attributes of a `multitrack` element around the tracks, where there is one.
    pub multitrack: Option<NamedValues>,
}

/// A track of a tractor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TractorTrack {
    /// The service's id.
    pub of: String,
    /// What of it is neither seen nor heard.
    pub hide: Hide,
    /// Which part of the service.
    pub points: Points,
    /// Other attributes.
    pub attributes: NamedValues,
    /// Filters on the track and what else stands in it.
    pub others: Vec<Element>,
}

/// What of a track is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Hide {
    /// Nothing.
    #[default]
    Nothing,
    /// Its pictures.
    Video,
    /// Its sound.
    Audio,
    /// Both.
    Both,
}

/// What works on the tracks of a tractor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Planted {
    /// On one track (its property `track`), or on all that comes out.
    Filter(Effect),
    /// Brings its `b_track` onto its `a_track`.
    Transition(Effect),
}

/// A filter or a transition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Effect {
    /// When it works, in the time of what it is attached to.
    pub points: Points,
    /// Other attributes.
    pub attributes: NamedValues,
    /// Its properties.
    pub properties: NamedValues,
    /// Elements that this model does not look into.
    pub others: Vec<Element>,
}

impl NamedValues {
    /// The value of a name, the last where it is given twice.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Gives a name a value, in its place if it has one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.0.iter_mut().rev().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((name.into(), value.into())),
        }
    }

    /// Takes a name out and returns what it said.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().rposition(|(other, _)| other == name)?;
        Some(self.0.remove(at).1)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for NamedValues {
    fn from(pairs: [(&str, &str); N]) -> NamedValues {
        NamedValues(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }
}

impl Element {
    /// A property of a filter or a link, however it is written.
    pub fn value(&self, name: &str) -> Option<&str> {
        let is_it = |child: &&Element| child.attributes.get("name") == Some(name);
        let property = self.children.iter().find(is_it).map(|child| child.text.as_str());
        property.or_else(|| self.attributes.get(name))
    }

    /// The kind of it.
    pub fn service(&self) -> Option<&str> {
        self.value("mlt_service")
    }
}

impl Points {
    /// From the first to the last frame.
    pub fn new(first: u64, last: u64) -> Points {
        Points { first: Some(first), last: Some(last) }
    }

    /// How many frames; `None` when the last is not said.
    pub fn frames(self) -> Option<u64> {
        Some((self.last? + 1).saturating_sub(self.first.unwrap_or(0)))
    }
}

impl Hide {
    /// What is left out when this and something else are.
    pub fn and(self, other: Hide) -> Hide {
        match (self, other) {
            (Hide::Nothing, one) | (one, Hide::Nothing) => one,
            (one, same) if one == same => one,
            _ => Hide::Both,
        }
    }

    /// The word of MLT XML.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Hide::Nothing => None,
            Hide::Video => Some("video"),
            Hide::Audio => Some("audio"),
            Hide::Both => Some("both"),
        }
    }
}

impl TractorTrack {
    /// Whether its sound is not left out.
    pub fn is_heard(&self) -> bool {
        !matches!(self.hide, Hide::Audio | Hide::Both)
    }
}

impl Tractor {
    /// Its transitions.
    pub fn transitions(&self) -> impl Iterator<Item = &Effect> {
        self.planted.iter().filter_map(|planted| match planted {
            Planted::Transition(transition) => Some(transition),
            Planted::Filter(_) => None,
        })
    }
}

impl Planted {
    /// The filter or the transition.
    pub fn effect(&self) -> &Effect {
        let (Planted::Filter(effect) | Planted::Transition(effect)) = self;
        effect
    }
}

impl Effect {
    /// The kind of it: `mix`, `volume` …; empty where it does not say.
    pub fn service(&self) -> &str {
        self.value("mlt_service").unwrap_or_default()
    }

    /// A property, however it is written.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.properties.get(name).or_else(|| self.attributes.get(name))
    }

    /// The number of a track that it names.
    pub fn track(&self, name: &str) -> Option<usize> {
        self.value(name)?.trim().parse().ok()
    }
}

impl Service {
    /// A service with nothing but an id and what it is made of.
    pub fn new(id: impl Into<String>, body: Body) -> Service {
        Service {
            id: id.into(),
            points: Points::default(),
            attributes: NamedValues::default(),
            properties: NamedValues::default(),
            body,
            filters: Vec::new(),
            others: Vec::new(),
        }
    }

    /// A property, however it is written.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.properties.get(name).or_else(|| self.attributes.get(name))
    }

    /// The ids of the services that it is made of.
    pub fn links(&self) -> Vec<&str> {
        match &self.body {
            Body::Producer | Body::Chain => Vec::new(),
            Body::Playlist(items) => {
                items.iter().filter_map(PlaylistItem::entry).map(|e| e.of.as_str()).collect()
            }
            Body::Tractor(tractor) => tractor.tracks.iter().map(|track| track.of.as_str()).collect(),
        }
    }

    /// The medium's path or URL as it stands there; `None` for generators and for what holds others.
    pub fn medium(&self) -> Option<&str> {
        if !matches!(self.body, Body::Producer | Body::Chain) {
            return None;
        }
        let resource = self.value("resource").filter(|resource| !resource.is_empty());
        let medium = match self.value("mlt_service") {
            Some("timewarp") => {
                self.value("warp_resource").or_else(|| resource?.split_once(':').map(|(_, path)| path))
            }
            None | Some("loader" | "loader-nogl") => resource.and_then(file_of_loader),
            Some(service) if FILE_SERVICES.contains(&service) => {
                resource.map(|text| of_file_service(text).unwrap_or(text))
            }
            Some(_) => None,
        };
        medium.map(path_of_url)
    }

    /// Whether it is a colour without end, as what lies below all tracks.
    pub fn is_colour(&self) -> bool {
        let of_loader = |text: &str| text.starts_with("color:") || text.starts_with("colour:");
        match self.value("mlt_service") {
            Some(service) => matches!(service, "color" | "colour"),
            None => self.value("resource").is_some_and(of_loader),
        }
    }
}

/// Producers whose resource is a file.
const FILE_SERVICES: &[&str] = &[
    "avformat",
    "avformat-novalidate",
    "consumer",
    "glaxnimate",
    "kdenlivetitle",
    "melt",
    "melt_file",
    "pixbuf",
    "qimage",
    "xml",
    "xml-nogl",
];

/// `x.mp4` of `avformat:x.mp4`.
fn of_file_service(resource: &str) -> Option<&str> {
    resource.split_once(':').filter(|(service, _)| FILE_SERVICES.contains(service)).map(|(_, path)| path)
}

/// The path of `file:x.mp4` and `file:///x.mp4`, and of `x.mp4\?key=value` what comes before the query.
fn path_of_url(medium: &str) -> &str {
    let path = medium.split("\\?").next().unwrap_or(medium);
    let path = path.strip_prefix("file:").unwrap_or(path);
    if path.starts_with("///") { &path[2..] } else { path }
}

/// What MLT's loader would open as a file: `avformat:x.mp4` and `x.mp4`, not `color:red`, nor `+words.txt`,
/// which is a text itself.
fn file_of_loader(resource: &str) -> Option<&str> {
    if resource.starts_with('+') && resource.ends_with(".txt") {
        return None;
    }
    if let Some(path) = of_file_service(resource) {
        return Some(path);
    }
    match resource.split_once(':') {
        Some(("timewarp", rest)) => rest.split_once(':').map(|(_, path)| path),
        Some(("file" | "http" | "https", _)) => Some(resource),
        Some((service, _)) if service.chars().all(|c| c.is_alphanumeric() || "._-".contains(c)) => None,
        _ => Some(resource),
    }
}

impl PlaylistItem {
    /// The entry, if it is one.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            PlaylistItem::Entry(entry) => Some(entry),
            PlaylistItem::Blank(_) => None,
        }
    }
}

impl Graph {
    /// The services, in the document's order.
    pub fn services(&self) -> impl DoubleEndedIterator<Item = &Service> {
        self.parts.iter().filter_map(|part| match part {
            Part::Service(service) => Some(service),
            Part::Other(_) => None,
        })
    }

    /// The service that MLT plays: the last one (whatever the outermost element's `producer` says).
    pub fn root(&self) -> Option<&Service> {
        self.services().next_back()
    }

    /// The ids of services and of all that they are made of.
    pub fn reached(&self, from: impl IntoIterator<Item = String>) -> HashSet<String> {
        let services = self.by_id();
        let mut open: Vec<String> = from.into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            if let Some(service) = services.get(id.as_str()).filter(|_| !seen.contains(&id)) {
                open.extend(service.links().into_iter().map(str::to_string));
            }
            seen.insert(id);
        }
        seen
    }

    /// An id that no service has yet: this word, with a number where it is taken.
    pub fn new_id(&self, word: &str) -> String {
        let services = self.by_id();
        let numbered = (1..).map(|number| format!("{word}{number}"));
        let mut ids = std::iter::once(word.to_string()).chain(numbered);
        ids.find(|id| !services.contains_key(id.as_str())).unwrap_or_default()
    }

    /// The folder that relative paths start from; `folder` is the document's own.
    pub fn root_folder(&self, folder: &Path) -> PathBuf {
        folder.join(self.attributes.get("root").unwrap_or_default()).components().collect()
    }

    /// The services by their ids.
    pub fn by_id(&self) -> HashMap<&str, &Service> {
        self.services().map(|service| (service.id.as_str(), service)).collect()
    }

    /// The pictures that are composed; `None` where the document leaves it to MLT.
    pub fn profile(&self) -> Option<Profile> {
        let number = |name: &str| self.profile.as_ref()?.get(name)?.trim().parse().ok();
        Some(Profile {
            width: number("width")?,
            height: number("height")?,
            rate: Rate::new(number("frame_rate_num")?, number("frame_rate_den")?)?,
        })
    }

    /// How many frames each service gives; it is not there for a medium whose length is not said.
    pub fn lengths(&self) -> HashMap<&str, u64> {
        let mut lengths = HashMap::new();
        let rate = self.profile().map(|profile| profile.rate);
        for service in self.services() {
            if let Some(frames) = service.length(&|id| lengths.get(id).copied(), rate) {
                lengths.insert(service.id.as_str(), frames);
            }
        }
        lengths
    }
}

impl Service {
    /// How many frames it gives, when those of the services before it are known.
    pub(super) fn length(&self, of: &dyn Fn(&str) -> Option<u64>, rate: Option<Rate>) -> Option<u64> {
        let frames = match (&self.body, self.points.frames()) {
            (_, Some(frames)) => Some(frames),
            (Body::Producer | Body::Chain, None) => {
                let length = points::frames(self.value("length")?, rate)?;
                Some(length.saturating_sub(self.points.first.unwrap_or(0)))
            }
            (Body::Playlist(_) | Body::Tractor(_), None) => self.content_frames(of),
        };
        frames.filter(|&frames| frames <= MOST_FRAMES)
    }

    /// How many frames there are in a playlist or a tractor, whatever its own points say, when those of the
    /// services before it are known.
    pub(super) fn content_frames(&self, of: &dyn Fn(&str) -> Option<u64>) -> Option<u64> {
        match &self.body {
            Body::Producer | Body::Chain => None,
            Body::Playlist(items) => items.iter().try_fold(0_u64, |sum, item| {
                let frames = match item {
                    PlaylistItem::Blank(frames) => *frames,
                    PlaylistItem::Entry(entry) => entry.frames(of(&entry.of))?,
                };
                sum.checked_add(frames)
            }),
            Body::Tractor(tractor) => {
                let track = |track: &TractorTrack| track.points.frames().or_else(|| of(&track.of));
                tractor.tracks.iter().map(track).try_fold(0, |most, frames| Some(most.max(frames?)))
            }
        }
    }

    /// The points as MLT plays them. It ends a tractor with its longest track and a playlist with its last
    /// item, whatever their own points say, and plays no more of them than there is. `length` is that of a
    /// service before this one, `content` only if it is a playlist or a tractor.
    pub(super) fn play_what_there_is(
        &mut self,
        length: &dyn Fn(&str) -> Option<u64>,
        content: &dyn Fn(&str) -> Option<u64>,
    ) {
        let within = |points: &mut Points, of: &str| {
            let last = content(of).and_then(|frames| frames.checked_sub(1));
            points.last = points.last.map(|out| out.min(last.unwrap_or(out)));
        };
        match &mut self.body {
            Body::Producer | Body::Chain => return,
            Body::Playlist(items) => items.iter_mut().for_each(|item| {
                if let PlaylistItem::Entry(entry) = item {
                    within(&mut entry.points, &entry.of);
                }
            }),
            Body::Tractor(tractor) => {
                tractor.tracks.iter_mut().for_each(|track| within(&mut track.points, &track.of));
            }
        }
        let last = self.content_frames(length).and_then(|frames| frames.checked_sub(1));
        let Some(last) = last.filter(|_| self.points != Points::default()) else { return };
        let first = match self.body {
            Body::Tractor(_) => None,
            _ => self.points.first.filter(|&first| first <= last),
        };
        self.points = Points { first: first.or(self.points.first.map(|_| 0)), last: Some(last) };
    }
}

impl Entry {
    /// How many frames it takes, of a service that has so many.
    pub fn frames(&self, of_service: Option<u64>) -> Option<u64> {
        let once = match self.points.frames() {
            Some(frames) => frames,
            None => of_service?.saturating_sub(self.points.first.unwrap_or(0)),
        };
        let times = self.attributes.get("repeat").and_then(|text| text.parse().ok()).unwrap_or(1_u64);
        once.checked_mul(times.max(1)).filter(|&frames| frames <= MOST_FRAMES)
    }
}
