//! Effects that change nothing, taken out before a layout is looked for.

use std::collections::HashSet;

use crate::mlt::graph::*;
use crate::mlt::lift::renumber;

/// Takes out what is switched off, and meters, which Kdenlive has on its tracks; returns how many effects.
pub(super) fn take_out_idle(graph: &mut Graph) -> usize {
    let services = graph.parts.iter_mut().filter_map(|part| match part {
        Part::Service(service) => Some(service),
        Part::Other(_) => None,
    });
    services.map(of_service).sum()
}

fn of_service(service: &mut Service) -> usize {
    let in_body = match &mut service.body {
        Body::Producer | Body::Chain => 0,
        Body::Playlist(items) => items.iter_mut().map(of_item).sum(),
        Body::Tractor(tractor) => {
            let on_tracks: usize =
                tractor.tracks.iter_mut().map(|track| of_elements(&mut track.others)).sum();
            on_tracks + retain(&mut tractor.planted, |planted| !is_idle(planted.effect()))
        }
    };
    in_body + retain(&mut service.filters, |filter| !is_idle(filter)) + of_elements(&mut service.others)
}

fn of_item(item: &mut PlaylistItem) -> usize {
    match item {
        PlaylistItem::Blank(_) => 0,
        PlaylistItem::Entry(entry) => retain(&mut entry.filters, |filter| !is_idle(filter)),
    }
}

fn of_elements(elements: &mut Vec<Element>) -> usize {
    let is_off = |element: &Element| element.name == "filter" && element.value("disable") == Some("1");
    retain(elements, |element| !is_off(element))
}

/// Whether an effect changes neither pictures nor sound.
fn is_idle(effect: &Effect) -> bool {
    effect.value("disable") == Some("1") || effect.service() == "audiolevel"
}

fn retain<T>(all: &mut Vec<T>, keep: impl FnMut(&T) -> bool) -> usize {
    let before = all.len();
    all.retain(keep);
    before - all.len()
}

/// Takes tracks without a frame out of tractors that have others, where nothing works on them; returns how many.
pub(super) fn take_out_empty_tracks(graph: &mut Graph) -> usize {
    let lengths = graph.lengths().into_iter();
    let empty: HashSet<String> =
        lengths.filter(|(_, frames)| *frames == 0).map(|(id, _)| id.to_string()).collect();
    let root = graph.root().map(|root| root.id.clone());
    let mut taken = Vec::new();
    for part in &mut graph.parts {
        match part {
            Part::Service(Service { id, body: Body::Tractor(tractor), .. }) if root.as_ref() != Some(id) => {
                taken.extend(without_empty(tractor, &empty));
            }
            _ => {}
        }
    }
    let count = taken.len();
    drop_unused(graph, taken);
    count
}

/// The ids of what was on the tracks that were taken out.
fn without_empty(tractor: &mut Tractor, empty: &HashSet<String>) -> Vec<String> {
    let mut taken = Vec::new();
    for number in (0..tractor.tracks.len()).rev() {
        let track = &tractor.tracks[number];
        let is_empty = empty.contains(&track.of) && track.others.is_empty();
        let is_named = tractor.planted.iter().any(|planted| {
            let effect = planted.effect();
            ["a_track", "b_track", "track"].iter().any(|name| effect.track(name) == Some(number))
        });
        if is_empty && !is_named && tractor.tracks.len() > 1 {
            taken.push(tractor.tracks.remove(number).of);
            for planted in &mut tractor.planted {
                let (Planted::Transition(effect) | Planted::Filter(effect)) = planted;
                renumber(effect, &|track| track - usize::from(track > number));
            }
        }
    }
    taken
}

/// Takes these services out, and what they are made of, unless others are made of it.
fn drop_unused(graph: &mut Graph, mut candidates: Vec<String>) {
    while let Some(id) = candidates.pop() {
        let is_used = graph.services().any(|service| service.links().contains(&id.as_str()));
        let place = graph.parts.iter().position(|part| matches!(part, Part::Service(one) if one.id == id));
        let unused = place.filter(|_| !is_used).map(|place| graph.parts.remove(place));
        if let Some(Part::Service(service)) = unused {
            candidates.extend(service.links().into_iter().map(str::to_string));
        }
    }
}
