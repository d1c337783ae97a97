//! How much a service plays, with all that it is made of.
//!
//! A service that is used twice is played twice: what few lines name may be more than there is memory for. It is
//! counted, never written out.

use std::collections::HashMap;

use super::graph::*;

/// What plays when a service does. Counts end at the largest number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Played {
    /// Playlists and tractors inside each other.
    pub nesting: u64,
    /// Services, gaps, transitions and filters.
    pub items: u64,
    /// Bytes of names and values.
    pub bytes: u64,
}

impl Played {
    /// What a service plays, when that of the services before it is known.
    pub fn of(service: &Service, before: &HashMap<String, Played>) -> Played {
        let mut played = Played { items: 1, ..Played::default() };
        played.add_service(service);
        for link in service.links() {
            let inside = before.get(link).copied().unwrap_or_default();
            played.items = played.items.saturating_add(inside.items);
            played.bytes = played.bytes.saturating_add(inside.bytes);
            played.nesting = played.nesting.max(inside.nesting);
        }
        played.nesting += u64::from(!matches!(service.body, Body::Producer | Body::Chain));
        played
    }

    fn add_service(&mut self, service: &Service) {
        self.bytes += service.id.len() as u64;
        self.add_values([&service.attributes, &service.properties]);
        service.filters.iter().for_each(|filter| self.add_effect(filter));
        service.others.iter().for_each(|element| self.add_element(element));
        match &service.body {
            Body::Producer | Body::Chain => {}
            Body::Playlist(items) => items.iter().for_each(|item| self.add_item(item)),
            Body::Tractor(tractor) => {
                tractor.planted.iter().for_each(|planted| {
                    let (Planted::Filter(effect) | Planted::Transition(effect)) = planted;
                    self.add_effect(effect);
                });
                for track in &tractor.tracks {
                    self.add_values([&track.attributes]);
                    track.others.iter().for_each(|element| self.add_element(element));
                }
            }
        }
    }

    fn add_item(&mut self, item: &PlaylistItem) {
        let PlaylistItem::Entry(entry) = item else {
            self.items += 1;
            return;
        };
        self.bytes += entry.of.len() as u64;
        self.add_values([&entry.attributes, &entry.properties]);
        entry.filters.iter().for_each(|filter| self.add_effect(filter));
        entry.others.iter().for_each(|element| self.add_element(element));
    }

    fn add_effect(&mut self, effect: &Effect) {
        self.items += 1;
        self.add_values([&effect.attributes, &effect.properties]);
        effect.others.iter().for_each(|element| self.add_element(element));
    }

    fn add_element(&mut self, element: &Element) {
        self.bytes += (element.name.len() + element.text.len()) as u64;
        self.add_values([&element.attributes]);
        element.children.iter().for_each(|child| self.add_element(child));
    }

    fn add_values<const N: usize>(&mut self, values: [&NamedValues; N]) {
        let pairs = values.into_iter().flat_map(|values| &values.0);
        self.bytes += pairs.map(|(name, value)| (name.len() + value.len()) as u64).sum::<u64>();
    }
}
