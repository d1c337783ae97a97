//! What is played, as tracks side by side.

use std::collections::HashSet;

use super::spot::Spot;
use super::sums::{Heard, unsummed};
use super::{Changes, without_orphans};
use crate::mlt::graph::*;
use crate::mlt::layout::mixes;
use crate::mlt::lift::{
    GraphView, Lifted, is_idle_on_blanks, is_sum, joined, may_drop, names, renumber, sizes_matter_on,
};

/// What is played, as tracks side by side.
#[derive(Debug)]
pub(super) struct Spread {
    /// The frame after its last.
    end: u64,
    pub(super) spots: Vec<Spot>,
    pub(super) planted: Vec<Planted>,
}

/// The entry that a tractor is as good as, if it only passes a sequence on: Kdenlive has its sequences in such one.
fn only_sequence(tractor: &Tractor, look: &GraphView) -> Option<Entry> {
    let [track] = tractor.tracks.as_slice() else { return None };
    let passes_on = track.others.is_empty() && track.hide == Hide::Nothing && tractor.planted.is_empty();
    let entry = Entry { of: track.of.clone(), points: track.points, ..Entry::default() };
    let is_sequence = matches!(look.services.get(track.of.as_str())?.body, Body::Tractor(_));
    (passes_on && is_sequence).then_some(entry)
}

impl Spread {
    pub(super) fn of(root: &Service, look: &GraphView, changes: &mut Changes) -> Result<Spread, String> {
        let frames = look.lengths.get(root.id.as_str()).copied();
        let frames = frames.ok_or("its length is unknown: a clip has neither points nor a length")?;
        let end = root.points.first.unwrap_or(0) + frames;
        let mut spread = Spread { end, spots: Vec::new(), planted: Vec::new() };
        match &root.body {
            Body::Tractor(tractor) => {
                let sequence = only_sequence(tractor, look).filter(|_| root.points.first.unwrap_or(0) == 0);
                match sequence.filter(|entry| look.lift(entry).is_ok()) {
                    Some(entry) => spread.take_playlist(&[PlaylistItem::Entry(entry)], look, changes)?,
                    None => spread.take_tractor(tractor, look, changes),
                }
            }
            Body::Playlist(items) if root.filters.is_empty() && root.points.first.unwrap_or(0) == 0 => {
                spread.take_playlist(items, look, changes)?;
            }
            _ => return Err("what is played has filters or points of its own".into()),
        }
        Ok(spread)
    }

    fn take_tractor(&mut self, tractor: &Tractor, look: &GraphView, changes: &mut Changes) {
        self.planted.clone_from(&tractor.planted);
        for (number, track) in tractor.tracks.iter().enumerate() {
            let stays = sizes_matter_on(number, tractor.transitions());
            let mut track = track.clone();
            let service = look.services[track.of.as_str()];
            let (items, is_changed) = match &service.body {
                Body::Playlist(_) | Body::Tractor(_) if look.is_empty(&track.of) => (Some(Vec::new()), true),
                Body::Playlist(items) if stays && service.filters.is_empty() => (Some(items.clone()), false),
                Body::Playlist(_) if stays => (None, false),
                Body::Tractor(_) if stays => (None, false),
                Body::Playlist(items)
                    if service.filters.is_empty()
                        && service.points == Points::default()
                        && service.value("hide").is_none() =>
                {
                    let flat = look.sequence(items, &mut changes.left);
                    let is_changed = flat != *items;
                    (Some(flat), is_changed)
                }
                Body::Tractor(_) => match look.lift(&Entry { of: track.of.clone(), ..Entry::default() }) {
                    Ok(mut lifted) if lifted.tracks.len() == 1 && lifted.transitions.is_empty() => {
                        let (hide, items) = lifted.tracks.remove(0);
                        track.hide = track.hide.and(hide);
                        (Some(items), true)
                    }
                    Ok(_) => {
                        changes
                            .left
                            .push(format!("`{}` stays nested: it has several tracks, on one", track.of));
                        (None, false)
                    }
                    Err(why) => {
                        changes.left.push(why);
                        (None, false)
                    }
                },
                _ => (None, false),
            };
            if is_changed {
                changes.done.push(format!("the sequences in `{}` were replaced by their content", track.of));
            }
            self.spots.push(Spot::of(track, items, service.properties.clone(), is_changed));
        }
    }

    /// A playlist that is played becomes tracks: one for what is alone, more for nested tractors.
    fn take_playlist(
        &mut self,
        items: &[PlaylistItem],
        look: &GraphView,
        changes: &mut Changes,
    ) -> Result<(), String> {
        let (mut at, mut nested) = (0, 0);
        self.spots.push(Spot::empty(Hide::Nothing));
        for item in items {
            let frames = look.item_frames(item).ok_or("the length of a clip is unknown")?;
            let lifted = match item.entry().filter(|entry| look.is_nested(entry)) {
                Some(entry) => look.lift(entry).map_err(|why| changes.left.push(why)).ok(),
                None => None,
            };
            match lifted {
                Some(lifted) => {
                    nested += 1;
                    self.place(lifted, at, frames);
                }
                None => self.spots[0].put(at, vec![item.clone()], frames),
            }
            at += frames;
        }
        for items in self.spots.iter_mut().filter_map(|spot| spot.items.as_mut()) {
            *items = joined(std::mem::take(items));
        }
        if nested > 0 {
            changes.done.push(format!("{nested} nested sequences were replaced by their content"));
        }
        if at != self.end {
            return Err("what is played has points that are not those of its content".into());
        }
        Ok(())
    }

    /// Puts nested tracks beside each other, each on one of ours where its place is free.
    fn place(&mut self, lifted: Lifted, at: u64, frames: u64) {
        let mut taken = Vec::new();
        for (hide, items) in lifted.tracks {
            let from = taken.last().map_or(0, |last| last + 1);
            let free = (from..self.spots.len()).find(|&number| self.spots[number].track.hide == hide);
            let number = free.unwrap_or_else(|| {
                self.spots.push(Spot::empty(hide));
                self.spots.len() - 1
            });
            self.spots[number].put(at, items, frames);
            taken.push(number);
        }
        for mut transition in lifted.transitions {
            renumber(&mut transition, &|track| taken.get(track).copied().unwrap_or(track));
            let moved = |point: Option<u64>| point.map(|frame| frame + at);
            transition.points =
                Points { first: moved(transition.points.first), last: moved(transition.points.last) };
            self.planted.push(Planted::Transition(transition));
        }
    }

    fn transitions(&self) -> Vec<&Effect> {
        let transitions = self.planted.iter().filter_map(|planted| match planted {
            Planted::Transition(transition) => Some(transition),
            Planted::Filter(_) => None,
        });
        transitions.collect()
    }

    /// Where all that is heard is added up at all times, one sum a track does it as well as one a section.
    pub(super) fn join_sums(&mut self, look: &GraphView, changes: &mut Changes) {
        let Some(heard) = self.heard(look) else { return };
        let is_known =
            |planted: &Planted| matches!(planted, Planted::Transition(effect) if is_idle_on_blanks(effect));
        let is_a_sum = |planted: &Planted| matches!(planted, Planted::Transition(effect) if is_sum(effect));
        let numbers: Vec<_> = heard.iter().map(|(number, _)| *number).collect();
        let made = mixes(&numbers, self.end);
        let sums = self.planted.iter().filter(|planted| is_a_sum(planted)).count();
        if made.len() < sums
            && self.planted.iter().all(is_known)
            && unsummed(&heard, &self.transitions()).is_none()
        {
            self.planted.retain(|planted| !is_a_sum(planted));
            self.planted.extend(made);
            changes.done.push(format!("{sums} sums of sound became {}", numbers.len().saturating_sub(1)));
        }
    }

    /// Tracks that are heard, with the places of their clips; `None` where these are not known.
    fn heard(&self, look: &GraphView) -> Option<Vec<Heard>> {
        let numbered = self.spots.iter().enumerate();
        let can_be = numbered.filter(|(_, spot)| spot.track.is_heard() && !spot.is_silent(look));
        can_be.map(|(number, spot)| Some((number, spot.clips(look)?))).collect()
    }

    pub(super) fn drop_blank_tracks(&mut self, look: &GraphView, changes: &mut Changes) {
        let mut lengths: Vec<_> = self.spots.iter().map(|spot| spot.frames(look)).collect();
        for number in (0..self.spots.len()).rev() {
            let spot = &self.spots[number];
            if !spot.is_blank() || self.spots.len() == 1 {
                continue;
            }
            let name = spot.name(number);
            let others = lengths.iter().enumerate().filter(|(other, _)| *other != number);
            let longest = others.filter_map(|(_, frames)| *frames).max().unwrap_or(0);
            if !spot.track.others.is_empty() || self.has_filter(number) {
                changes.left.push(format!("{name} shows nothing, and has a filter"));
            } else if longest < self.end {
                changes.left.push(format!("{name} shows nothing, and sets the length of the whole"));
            } else if !may_drop(number, &self.transitions()) {
                changes.left.push(format!("{name} shows nothing, and transitions mix other tracks onto it"));
            } else {
                changes.done.push(format!("{name} shows nothing, and was removed"));
                self.remove(number);
                lengths.remove(number);
            }
        }
    }

    fn has_filter(&self, number: usize) -> bool {
        self.planted.iter().any(
            |planted| matches!(planted, Planted::Filter(filter) if filter.track("track") == Some(number)),
        )
    }

    /// Takes a track out, and the transitions that name it.
    pub(super) fn remove(&mut self, number: usize) -> Spot {
        let spot = self.spots.remove(number);
        self.planted.retain(|planted| match planted {
            Planted::Transition(transition) => !names(transition, number),
            Planted::Filter(_) => true,
        });
        let lower = |track: usize| track - usize::from(track > number);
        for planted in &mut self.planted {
            let (Planted::Transition(effect) | Planted::Filter(effect)) = planted;
            renumber(effect, &lower);
        }
        spot
    }

    /// The graph with these tracks in place of what was played.
    pub(super) fn written(self, graph: &Graph, root: &Service) -> Graph {
        let mut ids: HashSet<String> = graph.services().map(|service| service.id.clone()).collect();
        let mut services = Vec::new();
        let mut tracks = Vec::new();
        for spot in self.spots {
            let mut track = spot.track;
            if spot.is_changed {
                let id = (0..)
                    .map(|number| format!("flat{number}"))
                    .find(|id| !ids.contains(id))
                    .unwrap_or_default();
                ids.insert(id.clone());
                let body = Body::Playlist(spot.items.unwrap_or_default());
                services.push(Service { properties: spot.properties, ..Service::new(&id, body) });
                track.of = id;
            }
            tracks.push(track);
        }
        let multitrack = match &root.body {
            Body::Tractor(tractor) => tractor.multitrack.clone(),
            _ => None,
        };
        let mut played = Service {
            body: Body::Tractor(Tractor { tracks, planted: self.planted, multitrack }),
            ..root.clone()
        };
        played.points = Points::new(root.points.first.unwrap_or(0), self.end.saturating_sub(1));
        services.push(played);
        without_orphans(graph, root, services)
    }
}
