//! What MLT could not load of a project, counted in what is played.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::mlt::Graph;
use crate::mlt::graph::{Body, Effect, Element, Planted, PlaylistItem, Service};

/// How often each of these is in the played part: a service by its name, a producer by what it is to open. What stands
/// only in a bin is not missed; what the document does not name, as a service of a project in it, counts once.
/// `folder` is the project's.
pub fn counted(names: BTreeSet<String>, graph: &Graph, folder: &Path) -> BTreeMap<String, usize> {
    let base = &graph.root_folder(folder);
    let played = graph.reached(graph.root().map(|root| root.id.clone()));
    let count = |name: &str, wanted: &dyn Fn(&Service) -> bool| -> usize {
        let services = graph.services().filter(|service| wanted(service));
        services.map(|service| of_service(service, name, base)).sum()
    };
    let of_name = |name: String| match count(&name, &|service| played.contains(&service.id)) {
        0 if count(&name, &|_| true) > 0 => None,
        times => Some((name, times.max(1))),
    };
    names.into_iter().filter_map(of_name).collect()
}

fn of_service(service: &Service, name: &str, base: &Path) -> usize {
    let opens = |resource: &str| resource == name || base.join(resource) == base.join(name);
    let itself = service.value("resource").is_some_and(opens);
    let filters = service.filters.iter().map(|filter| of_effect(filter, name)).sum::<usize>();
    usize::from(itself) + filters + of_elements(&service.others, name) + of_body(&service.body, name)
}

fn of_body(body: &Body, name: &str) -> usize {
    match body {
        Body::Producer | Body::Chain => 0,
        Body::Playlist(items) => items
            .iter()
            .filter_map(PlaylistItem::entry)
            .flat_map(|entry| &entry.filters)
            .map(|filter| of_effect(filter, name))
            .sum(),
        Body::Tractor(tractor) => {
            let planted = tractor.planted.iter().map(|planted| match planted {
                Planted::Filter(effect) | Planted::Transition(effect) => of_effect(effect, name),
            });
            let on_tracks = tractor.tracks.iter().map(|track| of_elements(&track.others, name));
            planted.chain(on_tracks).sum()
        }
    }
}

fn of_effect(effect: &Effect, name: &str) -> usize {
    usize::from(effect.service() == name)
}

/// Links of chains, and filters on tracks.
fn of_elements(elements: &[Element], name: &str) -> usize {
    elements.iter().filter(|element| element.service() == Some(name)).count()
}
