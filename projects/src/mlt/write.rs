//! [`Graph`] → MLT XML, indented by two spaces.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesStart, BytesText, Event};

use super::graph::*;

/// The document's text.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn write(graph: &Graph) -> String {
    let mut document = Document { xml: Writer::new_with_indent(Vec::new(), b' ', 2) };
    document.graph(graph).expect("memory can be written to");
    let mut text = String::from_utf8(document.xml.into_inner()).expect("only UTF-8 was written");
    text.push('\n');
    text
}

type Written = std::io::Result<()>;

struct Document {
    xml: Writer<Vec<u8>>,
}

/// An element's attributes.
#[derive(Default)]
struct Attributes(Vec<(&'static str, String)>);

impl Attributes {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Attributes {
        self.0.push((name, value.into()));
        self
    }

    fn points(mut self, points: Points) -> Attributes {
        self.0.extend(points.first.map(|frame| ("in", frame.to_string())));
        self.0.extend(points.last.map(|frame| ("out", frame.to_string())));
        self
    }
}

impl Document {
    fn graph(&mut self, graph: &Graph) -> Written {
        self.xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        self.element("mlt", Attributes::default(), &graph.attributes, false, |document| {
            if let Some(profile) = &graph.profile {
                document.element("profile", Attributes::default(), profile, true, |_| Ok(()))?;
            }
            graph.parts.iter().try_for_each(|part| match part {
                Part::Service(service) => document.service(service),
                Part::Other(element) => document.other(element),
            })
        })
    }

    fn service(&mut self, service: &Service) -> Written {
        let name = match service.body {
            Body::Producer => "producer",
            Body::Chain => "chain",
            Body::Playlist(_) => "playlist",
            Body::Tractor(_) => "tractor",
        };
        let attributes = Attributes::default().with("id", &service.id).points(service.points);
        self.element(name, attributes, &service.attributes, false, |document| {
            document.properties(&service.properties)?;
            match &service.body {
                Body::Producer | Body::Chain => {}
                Body::Playlist(items) => items.iter().try_for_each(|item| document.item(item))?,
                Body::Tractor(tractor) => document.tractor(tractor)?,
            }
            service.filters.iter().try_for_each(|filter| document.effect("filter", filter))?;
            document.others(&service.others)
        })
    }

    fn item(&mut self, item: &PlaylistItem) -> Written {
        let entry = match item {
            PlaylistItem::Blank(frames) => {
                let attributes = Attributes::default().with("length", frames.to_string());
                return self.element("blank", attributes, &NamedValues::default(), true, |_| Ok(()));
            }
            PlaylistItem::Entry(entry) => entry,
        };
        let attributes = Attributes::default().with("producer", &entry.of).points(entry.points);
        let is_empty = entry.properties.0.is_empty() && entry.filters.is_empty() && entry.others.is_empty();
        self.element("entry", attributes, &entry.attributes, is_empty, |document| {
            document.properties(&entry.properties)?;
            entry.filters.iter().try_for_each(|filter| document.effect("filter", filter))?;
            document.others(&entry.others)
        })
    }

    fn tractor(&mut self, tractor: &Tractor) -> Written {
        match &tractor.multitrack {
            None => self.tracks(&tractor.tracks)?,
            Some(attributes) => {
                self.element("multitrack", Attributes::default(), attributes, false, |document| {
                    document.tracks(&tractor.tracks)
                })?;
            }
        }
        tractor.planted.iter().try_for_each(|planted| match planted {
            Planted::Filter(effect) => self.effect("filter", effect),
            Planted::Transition(effect) => self.effect("transition", effect),
        })
    }

    fn tracks(&mut self, tracks: &[TractorTrack]) -> Written {
        tracks.iter().try_for_each(|track| {
            let mut attributes = Attributes::default().with("producer", &track.of);
            attributes.0.extend(track.hide.word().map(|word| ("hide", word.to_string())));
            let attributes = attributes.points(track.points);
            self.element("track", attributes, &track.attributes, track.others.is_empty(), |document| {
                document.others(&track.others)
            })
        })
    }

    fn effect(&mut self, name: &str, effect: &Effect) -> Written {
        let attributes = Attributes::default().points(effect.points);
        self.element(name, attributes, &effect.attributes, false, |document| {
            document.properties(&effect.properties)?;
            document.others(&effect.others)
        })
    }

    fn properties(&mut self, properties: &NamedValues) -> Written {
        properties.0.iter().try_for_each(|(name, value)| {
            let property = self.xml.create_element("property").with_attribute(("name", name.as_str()));
            property.write_text_content(BytesText::new(value)).map(drop)
        })
    }

    fn others(&mut self, others: &[Element]) -> Written {
        others.iter().try_for_each(|element| self.other(element))
    }

    fn other(&mut self, element: &Element) -> Written {
        if element.children.is_empty() && !element.text.is_empty() {
            let attributes = element.attributes.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let written = self.xml.create_element(element.name.as_str()).with_attributes(attributes);
            return written.write_text_content(BytesText::new(&element.text)).map(drop);
        }
        let is_empty = element.children.is_empty();
        self.element(&element.name, Attributes::default(), &element.attributes, is_empty, |document| {
            if !element.text.is_empty() {
                document.xml.write_event(Event::Text(BytesText::new(&element.text)))?;
            }
            document.others(&element.children)
        })
    }

    /// An element: attributes of ours, then those that are kept, then what is inside.
    fn element(
        &mut self,
        name: &str,
        ours: Attributes,
        kept: &NamedValues,
        is_empty: bool,
        inside: impl FnOnce(&mut Document) -> Written,
    ) -> Written {
        let ours = ours.0.iter().map(|(name, value)| (*name, value.as_str()));
        let kept = kept.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let start = BytesStart::new(name).with_attributes(ours.chain(kept));
        if is_empty {
            return self.xml.write_event(Event::Empty(start));
        }
        self.xml.write_event(Event::Start(start.clone()))?;
        inside(self)?;
        self.xml.write_event(Event::End(start.to_end()))
    }
}
