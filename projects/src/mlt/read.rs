//! MLT XML → [`Graph`].
//!
//! `.mlt` and `.kdenlive` files alike. Elements become a tree first, so that a file that ends too early
//! or is no XML is told apart from one that is no MLT; then the tree becomes the model. What the model
//! does not look into is kept element by element; only comments and white space go. A service that
//! stands inside an entry or a track is put before its container, where MLT would have it as well.

use std::collections::{HashMap, HashSet};

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::graph::*;
use super::played::Played;
use super::points;
use memreel_bounds as bounds;
use memreel_timeline::Rate;

/// Why a text is no MLT graph.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{line}: {what}")]
pub struct MltError {
    /// Where, counted from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub what: String,
}

type Read<T> = Result<T, MltError>;

fn wrong<T>(line: usize, what: impl Into<String>) -> Read<T> {
    Err(MltError { line, what: what.into() })
}

/// Reads a document.
///
/// # Errors
/// When it is no XML, ends too early, is not MLT's, names what it does not have, or is beyond a bound.
pub fn from_mlt_xml(text: &str) -> Result<Graph, MltError> {
    let document = tree(text)?;
    if !matches!(document.name.as_str(), "mlt" | "westley") {
        return wrong(
            document.line,
            format!("the document begins with <{}>; documents of MLT begin with <mlt>", document.name),
        );
    }
    let mut named = HashSet::new();
    document.ids(&mut named);
    Document { named, ..Document::default() }.read(document)
}

/// An element with its place.
#[derive(Debug)]
struct Raw {
    line: usize,
    name: String,
    attributes: NamedValues,
    children: Vec<Raw>,
    text: String,
}

/// Counts lines up to places that only go forward.
struct Lines<'a> {
    text: &'a str,
    line: usize,
    at: usize,
}

impl Lines<'_> {
    fn at(&mut self, place: u64) -> usize {
        let place = usize::try_from(place).unwrap_or(usize::MAX).min(self.text.len());
        if place > self.at {
            self.line += self.text.as_bytes()[self.at..place].iter().filter(|&&byte| byte == b'\n').count();
            self.at = place;
        }
        self.line
    }
}

/// The outermost element of a document, whole.
fn tree(text: &str) -> Read<Raw> {
    let mut reader = Reader::from_str(text);
    let mut lines = Lines { text, line: 1, at: 0 };
    let mut open: Vec<Raw> = Vec::new();
    let mut whole = None;
    let mut elements = 0;
    loop {
        let line = lines.at(reader.buffer_position());
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                return wrong(lines.at(reader.error_position()), format!("not well-formed XML: {error}"));
            }
        };
        let closed = match event {
            Event::Start(start) => {
                open.push(raw(&start, line, &mut elements)?);
                within(
                    open.len() as u64,
                    bounds::PROJECT_ELEMENT_DEPTH,
                    "elements are nested",
                    " deep",
                    line,
                )?;
                None
            }
            Event::Empty(start) => Some(raw(&start, line, &mut elements)?),
            Event::End(_) => open.pop(),
            Event::Eof => return end(open.pop(), whole, lines.at(text.len() as u64)),
            Event::Text(text) => put(&mut open, &text.xml10_content()),
            Event::CData(text) => put(&mut open, &text.xml10_content()),
            Event::GeneralRef(name) => match resolved(&name) {
                Some(text) => put(&mut open, &text),
                None => return wrong(line, format!("XML has no entity `&{};`", &*name)),
            },
            _ => None,
        };
        let Some(element) = closed else { continue };
        match open.last_mut() {
            Some(parent) => parent.children.push(element),
            None if whole.is_none() => whole = Some(element),
            None => {
                return wrong(element.line, format!("<{}> is after the end of the document", element.name));
            }
        }
    }
}

/// Counts an element or an attribute, if there may be one more.
fn count(elements: &mut u64, line: usize) -> Read<()> {
    *elements += 1;
    within(*elements, bounds::PROJECT_ELEMENTS, "the document has", " elements and attributes", line)
}

/// Whether there are no more of something than there may be.
fn within(count: u64, most: u64, what: &str, of: &str, line: usize) -> Read<()> {
    match count > most {
        true => wrong(line, format!("{what} more than {most}{of}, which memreel does not read")),
        false => Ok(()),
    }
}

fn end(open: Option<Raw>, whole: Option<Raw>, line: usize) -> Read<Raw> {
    match (open, whole) {
        (Some(open), _) => wrong(
            line,
            format!("the file ends inside <{}> of line {}: it is incomplete", open.name, open.line),
        ),
        (None, Some(whole)) => Ok(whole),
        (None, None) => wrong(line, "no XML element: documents of MLT begin with <mlt>"),
    }
}

fn put(open: &mut [Raw], text: &str) -> Option<Raw> {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
    None
}

fn resolved(name: &quick_xml::events::BytesRef) -> Option<String> {
    match name.resolve_char_ref() {
        Ok(Some(character)) => Some(character.into()),
        Ok(None) => resolve_predefined_entity(name).map(str::to_string),
        Err(_) => None,
    }
}

fn raw(start: &BytesStart, line: usize, elements: &mut u64) -> Read<Raw> {
    count(elements, line)?;
    let mut attributes = NamedValues(Vec::with_capacity(1));
    for attribute in start.attributes() {
        count(elements, line)?;
        let pair = attribute.map_err(quick_xml::Error::from).and_then(|attribute| {
            Ok((
                attribute.key.as_ref().to_string(),
                attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned(),
            ))
        });
        match pair {
            Ok(pair) => attributes.0.push(pair),
            Err(error) => return wrong(line, format!("not well-formed XML: {error}")),
        }
    }
    Ok(Raw {
        line,
        name: start.name().as_ref().to_string(),
        attributes,
        children: Vec::new(),
        text: String::new(),
    })
}

impl Raw {
    /// The element as it is, without its place.
    fn kept(self) -> Element {
        let text = if self.children.is_empty() { self.text } else { self.text.trim().to_string() };
        Element {
            name: self.name,
            attributes: self.attributes,
            children: self.children.into_iter().map(Raw::kept).collect(),
            text,
        }
    }

    fn is_service(&self) -> bool {
        matches!(self.name.as_str(), "producer" | "chain" | "playlist" | "tractor")
    }

    /// The ids of the element and of all in it.
    fn ids(&self, ids: &mut HashSet<String>) {
        ids.extend(self.attributes.get("id").map(str::to_string));
        self.children.iter().for_each(|child| child.ids(ids));
    }

    /// A property with nothing but a name and a text.
    fn is_plain_property(&self) -> bool {
        let [(name, _)] = self.attributes.0.as_slice() else { return false };
        self.name == "property" && name == "name" && self.children.is_empty()
    }

    fn missing<T>(&self, attribute: &str, example: &str) -> Read<T> {
        wrong(self.line, format!("<{}> without `{attribute}`: {example}", self.name))
    }
}

/// What a document holds so far.
#[derive(Default)]
struct Document {
    graph: Graph,
    rate: Option<Rate>,
    /// The services so far, and what each plays.
    played: HashMap<String, Played>,
    /// How many frames each gives, and how many there are in it, if it is a playlist or a tractor.
    frames: HashMap<String, (Option<u64>, Option<u64>)>,
    /// Every id of the document, also further down: none of these may be made up.
    named: HashSet<String>,
    made_up: u64,
}

impl Document {
    fn read(mut self, document: Raw) -> Read<Graph> {
        self.graph.attributes = document.attributes;
        let line = document.line;
        for element in document.children {
            if element.is_service() {
                self.service(element)?;
            } else if element.name == "profile" && self.graph.profile.is_none() {
                self.graph.profile = Some(element.attributes);
                self.rate = self.graph.profile().map(|profile| profile.rate);
            } else {
                self.graph.parts.push(Part::Other(element.kept()));
            }
        }
        match self.graph.root() {
            Some(_) => Ok(self.graph),
            None => wrong(
                line,
                "<mlt> contains no producer, chain, playlist or tractor: there is nothing to play",
            ),
        }
    }

    /// Takes a service in and returns its id.
    fn service(&mut self, mut element: Raw) -> Read<String> {
        let points = self.span(&mut element)?;
        let line = element.line;
        let id = match element.attributes.take("id") {
            Some(id) => id,
            None => self.made_up_id(),
        };
        let mut service = Service::new(id.clone(), Body::Producer);
        service.points = points;
        service.attributes = element.attributes;
        service.body = match element.name.as_str() {
            "producer" => Body::Producer,
            "chain" => Body::Chain,
            "playlist" => Body::Playlist(Vec::new()),
            _ => Body::Tractor(Tractor::default()),
        };
        for child in element.children {
            self.child(&mut service, child)?;
        }
        let services = self.played.len() as u64 + 1;
        within(
            services,
            bounds::PROJECT_SERVICES,
            "the document has",
            " producers, playlists and tractors",
            line,
        )?;
        let played = Played::of(&service, &self.played);
        within_bounds(&service, played, line)?;
        self.play_what_there_is(&mut service);
        if self.played.insert(id.clone(), played).is_some() {
            return wrong(line, format!("the id `{id}` is used twice: every service needs its own"));
        }
        self.graph.parts.push(Part::Service(service));
        Ok(id)
    }

    fn play_what_there_is(&mut self, service: &mut Service) {
        let length = |id: &str| self.frames.get(id).and_then(|(length, _)| *length);
        let content = |id: &str| self.frames.get(id).and_then(|(_, content)| *content);
        service.play_what_there_is(&length, &content);
        let frames = (service.length(&length, self.rate), service.content_frames(&length));
        self.frames.insert(service.id.clone(), frames);
    }

    fn made_up_id(&mut self) -> String {
        loop {
            self.made_up += 1;
            let id = format!("unnamed{}", self.made_up);
            if !self.named.contains(&id) {
                return id;
            }
        }
    }

    /// Puts an element of a service in its place.
    fn child(&mut self, service: &mut Service, child: Raw) -> Read<()> {
        if child.is_plain_property() {
            service.properties.0.push(property(child));
            return Ok(());
        }
        match (&mut service.body, child.name.as_str()) {
            (Body::Tractor(tractor), "filter") => tractor.planted.push(Planted::Filter(self.effect(child)?)),
            (Body::Tractor(tractor), "transition") => {
                tractor.planted.push(Planted::Transition(self.effect(child)?))
            }
            (Body::Tractor(tractor), "track") => tractor.tracks.push(self.track(child)?),
            (Body::Tractor(tractor), "multitrack") if tractor.multitrack.is_none() => {
                tractor.multitrack = Some(child.attributes);
                for track in child.children {
                    tractor.tracks.push(self.track_of_multitrack(track)?);
                }
            }
            (Body::Playlist(items), "entry") => items.push(PlaylistItem::Entry(self.entry(child)?)),
            (Body::Playlist(items), "blank") => items.push(PlaylistItem::Blank(self.blank(&child)?)),
            (Body::Playlist(items), _) if child.is_service() => {
                items.push(PlaylistItem::Entry(Entry { of: self.service(child)?, ..Entry::default() }));
            }
            (_, "filter") => service.filters.push(self.effect(child)?),
            (_, name @ ("entry" | "blank" | "track" | "transition")) => {
                return wrong(
                    child.line,
                    format!(
                        "<{name}> in a service that cannot contain it: entries and blanks belong in a <playlist>, tracks and transitions in a <tractor>"
                    ),
                );
            }
            _ if child.is_service() => {
                return wrong(
                    child.line,
                    format!(
                        "<{}> directly in a service that cannot contain it: put it before, and refer to it by its id",
                        child.name
                    ),
                );
            }
            _ => service.others.push(child.kept()),
        }
        Ok(())
    }

    /// A point before 0 stands for the first frame as `in`, for the last that there is as `out`.
    fn points(&self, element: &mut Raw) -> Read<Points> {
        let first = self.point(element, "in")?.map(|first| first.try_into().unwrap_or(0));
        Ok(Points { first, last: self.point(element, "out")?.and_then(|last| last.try_into().ok()) })
    }

    /// The points of what is played: MLT exchanges them where the last is before the first.
    fn span(&self, element: &mut Raw) -> Read<Points> {
        let points = self.points(element)?;
        Ok(match (points.first, points.last) {
            (Some(first), Some(last)) if last < first => Points::new(last, first),
            _ => points,
        })
    }

    fn point(&self, element: &mut Raw, name: &str) -> Read<Option<i64>> {
        let Some(text) = element.attributes.take(name) else { return Ok(None) };
        match points::position(&text, self.rate) {
            Some(frames) => Ok(Some(frames)),
            None => wrong(element.line, self.no_point(name, &text)),
        }
    }

    fn no_point(&self, name: &str, text: &str) -> String {
        match (self.rate, text.contains(':')) {
            (None, true) => {
                format!("`{name}` is the time {text}, and no <profile> before it has the frame rate")
            }
            _ => format!(
                "`{name}` is `{text}`: write frames (25), a clock value (00:00:01.000) or a timecode (00:00:01:00)"
            ),
        }
    }

    fn blank(&self, element: &Raw) -> Read<u64> {
        let Some(text) = element.attributes.get("length") else {
            return element.missing("length", "<blank length=\"25\"/>");
        };
        points::frames(text, self.rate).map_or_else(|| wrong(element.line, self.no_point("length", text)), Ok)
    }

    fn entry(&mut self, mut element: Raw) -> Read<Entry> {
        let points = self.span(&mut element)?;
        let of = self.link(&mut element, "producer")?;
        let mut entry = Entry { of, points, attributes: element.attributes, ..Entry::default() };
        for child in element.children {
            if child.is_plain_property() {
                entry.properties.0.push(property(child));
            } else if child.name == "filter" {
                entry.filters.push(self.effect(child)?);
            } else {
                entry.others.push(child.kept());
            }
        }
        Ok(entry)
    }

    fn track(&mut self, mut element: Raw) -> Read<TractorTrack> {
        let points = self.span(&mut element)?;
        let of = self.link(&mut element, "producer")?;
        let hide = match element.attributes.take("hide").as_deref() {
            None | Some("") => Hide::Nothing,
            Some("video") => Hide::Video,
            Some("audio") => Hide::Audio,
            Some("both") => Hide::Both,
            Some(other) => {
                return wrong(element.line, format!("`hide` is `{other}`: write video, audio or both"));
            }
        };
        let others = element.children.into_iter().map(Raw::kept).collect();
        Ok(TractorTrack { of, hide, points, attributes: element.attributes, others })
    }

    fn track_of_multitrack(&mut self, element: Raw) -> Read<TractorTrack> {
        match element.name.as_str() {
            "track" => self.track(element),
            _ if element.is_service() => {
                Ok(TractorTrack { of: self.service(element)?, ..TractorTrack::default() })
            }
            name => wrong(element.line, format!("<{name}> in a <multitrack>: only tracks belong there")),
        }
    }

    /// The id of what an entry or a track is of; one that stands inside it is taken in.
    fn link(&mut self, element: &mut Raw, attribute: &str) -> Read<String> {
        if let Some(at) = element.children.iter().position(Raw::is_service) {
            let inside = element.children.remove(at);
            element.attributes.take(attribute);
            return self.service(inside);
        }
        match element.attributes.take(attribute) {
            Some(id) if self.played.contains_key(&id) => Ok(id),
            Some(id) => wrong(
                element.line,
                format!("<{}> refers to `{id}`, and nothing before it has this id", element.name),
            ),
            None => element.missing(attribute, "the id of a producer, playlist or tractor before it"),
        }
    }

    fn effect(&mut self, mut element: Raw) -> Read<Effect> {
        let points = self.points(&mut element)?;
        let mut effect = Effect { points, attributes: element.attributes, ..Effect::default() };
        for child in element.children {
            match child.is_plain_property() {
                true => effect.properties.0.push(property(child)),
                false => effect.others.push(child.kept()),
            }
        }
        Ok(effect)
    }
}

/// Whether a service plays no more than memreel lays out, with what it is made of.
fn within_bounds(service: &Service, played: Played, line: usize) -> Read<()> {
    let id = &service.id;
    if let Body::Tractor(tractor) = &service.body {
        let tracks = tractor.tracks.len() as u64;
        let mixes = tracks.saturating_mul(tractor.planted.len() as u64);
        within(tracks, bounds::PROJECT_TRACKS, &format!("`{id}` has"), " tracks", line)?;
        let of = " tracks times transitions and filters";
        within(mixes, bounds::PROJECT_MIXES, &format!("`{id}` has"), of, line)?;
    }
    let nests = format!("`{id}` nests playlists and tractors");
    within(played.nesting, bounds::PROJECT_NESTING, &nests, " deep", line)?;
    let plays = format!("`{id}` plays");
    within(played.items, bounds::PROJECT_CLIPS, &plays, " clips and gaps", line)?;
    within(played.bytes, bounds::PROJECT_PLAYED_BYTES, &plays, " bytes of properties", line)
}

fn property(mut element: Raw) -> (String, String) {
    (element.attributes.take("name").unwrap_or_default(), element.text)
}
