//! Takes what is nested out of its container, where it is nothing but a sequence.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use super::graph::*;

/// What a graph holds, to look into.
pub struct GraphView<'a> {
    pub services: HashMap<&'a str, &'a Service>,
    pub lengths: HashMap<&'a str, u64>,
    /// Services in which there is a clip whose filter looks at the sizes of its pictures.
    sized: HashSet<&'a str>,
}

/// Tracks that were one entry, as long as each other.
#[derive(Debug)]
pub struct Lifted {
    pub tracks: Vec<(Hide, Vec<PlaylistItem>)>,
    /// With points of the entry's time.
    pub transitions: Vec<Effect>,
}

/// In words, why something stays nested.
pub type Why = String;

impl<'a> GraphView<'a> {
    pub fn new(graph: &'a Graph) -> GraphView<'a> {
        let mut sized = HashSet::new();
        for service in graph.services() {
            let below = service.links().into_iter().any(|id| sized.contains(id));
            if below || own_filters(service).any(looks_at_sizes) {
                sized.insert(service.id.as_str());
            }
        }
        GraphView { services: graph.by_id(), lengths: graph.lengths(), sized }
    }

    /// How many frames an entry takes.
    pub fn frames(&self, entry: &Entry) -> Option<u64> {
        entry.frames(self.lengths.get(entry.of.as_str()).copied())
    }

    pub fn item_frames(&self, item: &PlaylistItem) -> Option<u64> {
        match item {
            PlaylistItem::Blank(frames) => Some(*frames),
            PlaylistItem::Entry(entry) => self.frames(entry),
        }
    }

    /// Whether an entry is of a playlist or a tractor.
    pub fn is_nested(&self, entry: &Entry) -> bool {
        let body = self.services.get(entry.of.as_str()).map(|service| &service.body);
        matches!(body, Some(Body::Playlist(_) | Body::Tractor(_)))
    }

    /// Whether a service is known to have no frames.
    pub fn is_empty(&self, id: &str) -> bool {
        self.lengths.get(id) == Some(&0)
    }

    /// The items, with those of nested sequences in place of these; `left` is told what stays nested.
    pub fn sequence(&self, items: &[PlaylistItem], left: &mut Vec<Why>) -> Vec<PlaylistItem> {
        let mut all = Vec::new();
        for item in items {
            let nested = item.entry().filter(|entry| self.is_nested(entry));
            match nested.map(|entry| (entry, self.lift(entry))) {
                Some((_, Ok(mut lifted))) if lifted.is_plain() => all.append(&mut lifted.tracks[0].1),
                Some((entry, Ok(_))) => {
                    left.push(format!(
                        "`{}` stays nested: it has several tracks, on a track among others",
                        entry.of
                    ));
                    all.push(item.clone());
                }
                Some((_, Err(why))) => {
                    left.push(why);
                    all.push(item.clone());
                }
                None => all.push(item.clone()),
            }
        }
        joined(all)
    }

    /// The tracks of a nested entry.
    pub fn lift(&self, entry: &Entry) -> Result<Lifted, Why> {
        let stays = |why: &str| format!("`{}` stays nested: {why}", entry.of);
        let service = self.services[entry.of.as_str()];
        if !entry.filters.is_empty() || !service.filters.is_empty() {
            return Err(stays("it has a filter of its own"));
        }
        if !entry.others.is_empty() || !service.others.is_empty() || entry.attributes.get("repeat").is_some()
        {
            return Err(stays("it has elements that are not understood"));
        }
        let whole = self.lengths.get(entry.of.as_str()).copied();
        let (Some(frames), Some(whole)) = (self.frames(entry), whole) else {
            return Err(stays("its length is unknown"));
        };
        let first = entry.points.first.unwrap_or(0);
        if frames == 0 || service.value("hide").is_some() {
            return Err(stays("it shows nothing, or hides something by a property"));
        }
        if service.points.first.unwrap_or(0) > 0 || first + frames > whole {
            return Err(stays("its in and out points are not those of its content"));
        }
        if matches!(service.body, Body::Tractor(_)) && self.sized.contains(entry.of.as_str()) {
            return Err(stays("a clip in it has a filter that looks at the sizes of pictures"));
        }
        let mut lifted = match &service.body {
            Body::Playlist(items) => self.lift_playlist(items),
            Body::Tractor(tractor) => self.lift_tractor(tractor, whole),
            Body::Producer | Body::Chain => Err("it is none".into()),
        }
        .map_err(|why| stays(&why))?;
        lifted.cut(self, first, frames).map_err(|why| stays(&why))?;
        Ok(lifted)
    }

    /// A playlist of sequences, one of which may have several tracks.
    fn lift_playlist(&self, items: &[PlaylistItem]) -> Result<Lifted, Why> {
        let mut inner = Vec::new();
        let items = self.sequence(items, &mut inner);
        match inner.into_iter().next() {
            Some(why) => Err(format!("in it {why}")),
            None => Ok(Lifted { tracks: vec![(Hide::Nothing, items)], transitions: Vec::new() }),
        }
    }

    fn lift_tractor(&self, tractor: &Tractor, frames: u64) -> Result<Lifted, Why> {
        let mut lifted = Lifted { tracks: Vec::new(), transitions: Vec::new() };
        for planted in &tractor.planted {
            match planted {
                Planted::Filter(filter) => {
                    return Err(format!("a filter, {}, is attached to it", filter.service()));
                }
                Planted::Transition(transition) => lifted.transitions.push(ranged(transition, frames)?),
            }
        }
        for track in &tractor.tracks {
            if !track.others.is_empty() || track.points != Points::default() {
                return Err("a track of it has filters or points of its own".into());
            }
            let entry = Entry { of: track.of.clone(), ..Entry::default() };
            let stays = sizes_matter_on(lifted.tracks.len(), tractor.transitions());
            let (hide, items) = match self.is_nested(&entry) {
                true if self.is_empty(&track.of) => (Hide::Nothing, Vec::new()),
                true if stays => (Hide::Nothing, self.as_it_is(entry)),
                true => self.whole(&entry)?,
                false => (Hide::Nothing, vec![PlaylistItem::Entry(entry)]),
            };
            lifted.tracks.push((track.hide.and(hide), self.padded(items, frames)?));
        }
        lifted.drop_blank_tracks();
        Ok(lifted)
    }

    /// All of a nested service, if it is a sequence, and what of it is hidden.
    fn whole(&self, entry: &Entry) -> Result<(Hide, Vec<PlaylistItem>), Why> {
        let mut lifted = self.lift(entry).map_err(|why| format!("in it {why}"))?;
        match lifted.tracks.len() == 1 && lifted.transitions.is_empty() {
            true => Ok(lifted.tracks.remove(0)),
            false => Err(format!("a track of it, `{}`, has tracks of its own", entry.of)),
        }
    }

    /// The items of a playlist, or the nested service itself.
    fn as_it_is(&self, entry: Entry) -> Vec<PlaylistItem> {
        let service = self.services[entry.of.as_str()];
        match &service.body {
            Body::Playlist(items) if service.filters.is_empty() && service.points == Points::default() => {
                items.clone()
            }
            _ => vec![PlaylistItem::Entry(entry)],
        }
    }

    /// As long as the tractor that it is a track of.
    fn padded(&self, items: Vec<PlaylistItem>, frames: u64) -> Result<Vec<PlaylistItem>, Why> {
        let long = items.iter().try_fold(0, |sum, item| Some(sum + self.item_frames(item)?));
        let long = long.ok_or("the length of one of its tracks is unknown")?;
        let mut items = if long > frames { self.slice(&items, 0, frames)? } else { items };
        items.extend((long < frames).then(|| PlaylistItem::Blank(frames - long)));
        Ok(items)
    }

    /// Part of a sequence.
    fn slice(&self, items: &[PlaylistItem], first: u64, frames: u64) -> Result<Vec<PlaylistItem>, Why> {
        let (mut at, end) = (0, first + frames);
        let mut part = Vec::new();
        for item in items {
            let long = self.item_frames(item).ok_or("the length of one of its clips is unknown")?;
            let (from, to) = (at.max(first), (at + long).min(end));
            if from < to {
                part.push(self.cut(item, from - at, to - from, long)?);
            }
            at += long;
        }
        Ok(part)
    }

    fn cut(&self, item: &PlaylistItem, first: u64, frames: u64, long: u64) -> Result<PlaylistItem, Why> {
        match item {
            PlaylistItem::Blank(_) => Ok(PlaylistItem::Blank(frames)),
            PlaylistItem::Entry(_) if frames == long => Ok(item.clone()),
            PlaylistItem::Entry(entry) => {
                if !entry.filters.is_empty() || entry.attributes.get("repeat").is_some() {
                    return Err("it cuts through a clip with a filter".into());
                }
                if frames == 1 {
                    return Err("it cuts a clip down to one frame, and MLT plays those without sound".into());
                }
                let first = self.first(entry) + first;
                Ok(PlaylistItem::Entry(Entry {
                    points: Points::new(first, first + frames - 1),
                    ..entry.clone()
                }))
            }
        }
    }

    /// The first frame of its service that an entry shows.
    pub fn first(&self, entry: &Entry) -> u64 {
        let of_service = || self.services.get(entry.of.as_str())?.points.first;
        entry.points.first.or_else(of_service).unwrap_or(0)
    }
}

/// A transition with its points said.
fn ranged(transition: &Effect, frames: u64) -> Result<Effect, Why> {
    if transition.track("a_track").is_none() || transition.track("b_track").is_none() {
        return Err(format!("a transition, {}, does not name its tracks", transition.service()));
    }
    let mut ranged = transition.clone();
    if is_always(transition) {
        ranged.points = Points::new(0, frames.saturating_sub(1));
        ranged.properties.take("always_active");
    }
    Ok(ranged)
}

/// Whether a transition works at all times: MLT takes an out point of 0 for none.
pub fn is_always(transition: &Effect) -> bool {
    transition.value("always_active") == Some("1")
        || transition.points.first.unwrap_or(0) == 0 && transition.points.last.unwrap_or(0) == 0
}

/// Blanks that follow each other become one.
pub fn joined(items: Vec<PlaylistItem>) -> Vec<PlaylistItem> {
    let mut all: Vec<PlaylistItem> = Vec::new();
    for item in items {
        match (all.last_mut(), &item) {
            (_, PlaylistItem::Blank(0)) => {}
            (Some(PlaylistItem::Blank(sum)), PlaylistItem::Blank(more)) => *sum += more,
            _ => all.push(item),
        }
    }
    all
}

impl Lifted {
    /// Whether it is a sequence and nothing else.
    fn is_plain(&self) -> bool {
        matches!(self.tracks.as_slice(), [(Hide::Nothing, _)]) && self.transitions.is_empty()
    }

    /// Takes the part from one frame on.
    fn cut(&mut self, look: &GraphView, first: u64, frames: u64) -> Result<(), Why> {
        for (_, items) in &mut self.tracks {
            *items = joined(look.slice(items, first, frames)?);
            let long: u64 = items.iter().filter_map(|item| look.item_frames(item)).sum();
            if long != frames {
                return Err("its in and out points are not those of its content".into());
            }
        }
        for transition in &mut self.transitions {
            let (from, to) = (transition.points.first.unwrap_or(0), transition.points.last.unwrap_or(0));
            let is_whole = from == 0 && to + 1 >= first + frames;
            if !is_whole && (from < first || to < from || to >= first + frames) {
                return Err("it cuts through a transition".into());
            }
            transition.points = match is_whole {
                true => Points::new(0, frames - 1),
                false => Points::new(from - first, to - first),
            };
        }
        Ok(())
    }

    /// Takes out tracks that show nothing and that no transition brings anything onto.
    fn drop_blank_tracks(&mut self) {
        for number in (0..self.tracks.len()).rev() {
            let is_blank = self.tracks[number].1.iter().all(|item| matches!(item, PlaylistItem::Blank(_)));
            if !is_blank || self.tracks.len() == 1 || !may_drop(number, &self.transitions) {
                continue;
            }
            self.tracks.remove(number);
            self.transitions.retain(|transition| !names(transition, number));
            self.transitions
                .iter_mut()
                .for_each(|transition| renumber(transition, &|track| track - usize::from(track > number)));
        }
    }
}

/// Whether a transition works on a track.
pub fn names(transition: &Effect, number: usize) -> bool {
    [transition.track("a_track"), transition.track("b_track")].contains(&Some(number))
}

/// Whether a transition is one that MLT leaves alone where its upper track shows nothing, and that gives
/// the upper track as it is where its lower one shows nothing.
pub fn is_idle_on_blanks(transition: &Effect) -> bool {
    match transition.service() {
        "mix" => is_sum(transition),
        service => matches!(service, "qtblend" | "composite" | "frei0r.cairoblend" | "luma" | "affine"),
    }
}

/// Filters on a service, and on the items of a playlist.
fn own_filters(service: &Service) -> impl Iterator<Item = &Effect> {
    let items = match &service.body {
        Body::Playlist(items) => items.as_slice(),
        _ => &[],
    };
    let on_items = items.iter().filter_map(PlaylistItem::entry).flat_map(|entry| &entry.filters);
    service.filters.iter().chain(on_items)
}

/// Whether what an effect gives depends on the size of a medium's pictures. A tractor in between gives pictures of the
/// profile's size, so it may not be taken out.
fn looks_at_sizes(effect: &Effect) -> bool {
    matches!(effect.service(), "qtblend" | "composite" | "affine" | "qtcrop" | "crop")
}

/// Whether a transition looks at the sizes of the media on a track.
pub fn sizes_matter_on<'a>(number: usize, mut transitions: impl Iterator<Item = &'a Effect>) -> bool {
    transitions.any(|transition| looks_at_sizes(transition) && transition.track("b_track") == Some(number))
}

/// Whether a transition adds the sound of one track to that of another.
pub fn is_sum(transition: &Effect) -> bool {
    transition.service() == "mix" && transition.value("sum") == Some("1")
}

/// Whether a track that shows nothing can go: nothing, or the next track alone, may be brought onto it. One
/// from further up would come to lie below those between.
pub fn may_drop<E: Borrow<Effect>>(number: usize, transitions: &[E]) -> bool {
    let transitions = || transitions.iter().map(Borrow::borrow);
    let mut named = transitions().filter(|transition| names(transition, number));
    let onto = transitions().filter(|transition| transition.track("a_track") == Some(number));
    let mut onto: Vec<_> = onto.filter_map(|transition| transition.track("b_track")).collect();
    onto.dedup();
    let is_alone = |other: usize| {
        let mut named = transitions().filter(|transition| names(transition, other));
        named.all(|transition| names(transition, number))
    };
    named.all(is_idle_on_blanks)
        && onto.len() <= 1
        && onto.into_iter().all(|other| other == number + 1 && is_alone(other))
}

/// Has a transition name other tracks.
pub fn renumber(effect: &mut Effect, new: &dyn Fn(usize) -> usize) {
    for name in ["a_track", "b_track", "track"] {
        let Some(track) = effect.track(name) else { continue };
        let holder = if effect.properties.get(name).is_some() {
            &mut effect.properties
        } else {
            &mut effect.attributes
        };
        holder.set(name, new(track).to_string());
    }
}
