//! Gives a graph another layout that shows and sounds the same.
//!
//! Flat: what is nested is taken out, tracks that show nothing go, tracks whose clips never meet become
//! one. Each step is taken only where it can be shown to change nothing: a filter, or a transition of a
//! kind that is not known to rest where a track shows nothing, leaves its tracks as they are, and
//! [`Changes`] says so. Stacked and in sections only a graph can be laid out that has clips, gaps and sound
//! that is added up, and nothing else.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use super::graph::*;
use super::lanes::{Lane, Lanes, Piece};
use super::layout::{Layout, mixes, write_lanes};
use super::lift::{GraphView, is_always, is_idle_on_blanks, is_sum, joined, may_drop, names, renumber};

/// What was done to a graph, and what was left and why, a line each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// What is other than it was.
    pub done: Vec<String>,
    /// What might have been simpler, and why it is as it was.
    pub left: Vec<String>,
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.done.iter().map(|what| format!("done: {what}"));
        let left = self.left.iter().map(|what| format!("left: {what}"));
        let all: Vec<_> = done.chain(left).collect();
        f.write_str(if all.is_empty() { "nothing to change".to_string() } else { all.join("\n") }.as_str())
    }
}

/// The graph with as few tracks and as little nesting as can be shown to be the same.
pub fn flatten(graph: &Graph) -> (Graph, Changes) {
    let mut changes = Changes::default();
    let look = GraphView::new(graph);
    let Some(root) = graph.root().filter(|root| matches!(root.body, Body::Playlist(_) | Body::Tractor(_)))
    else {
        changes.left.push("what is played is a single producer".into());
        return (graph.clone(), changes);
    };
    let mut spread = match Spread::of(root, &look, &mut changes) {
        Ok(spread) => spread,
        Err(why) => {
            changes.left.push(why);
            return (graph.clone(), changes);
        }
    };
    let nested = changes.left.clone();
    loop {
        let before = (spread.spots.len(), spread.planted.len());
        changes.left.clone_from(&nested);
        spread.join_sums(&look, &mut changes);
        spread.drop_blank_tracks(&look, &mut changes);
        spread.merge_tracks(&look, &mut changes);
        if (spread.spots.len(), spread.planted.len()) == before {
            break;
        }
    }
    if changes.done.is_empty() {
        return (graph.clone(), changes);
    }
    (spread.written(graph, root), changes)
}

/// The graph in a layout.
///
/// # Errors
/// In one line, what of it cannot be laid out so.
pub fn lay_out(graph: &Graph, layout: Layout) -> Result<(Graph, Changes), String> {
    let (flat, mut changes) = flatten(graph);
    if layout == Layout::Flat {
        return Ok((flat, changes));
    }
    let (lanes, used) =
        plain_lanes(&flat).map_err(|why| format!("only a plain graph can be laid out {layout}: {why}"))?;
    let unused = flat.services().filter(|service| !used.contains(&service.id)).count();
    if unused > 0 {
        changes.done.push(format!("{unused} services that are not played were removed"));
    }
    changes.done.push(format!(
        "{} clips were laid out {layout}",
        lanes.lanes.iter().map(|lane| lane.pieces.len()).sum::<usize>()
    ));
    let others = flat.parts.iter().filter(|part| matches!(part, Part::Other(_))).cloned().collect();
    let mut attributes = flat.attributes.clone();
    attributes.take("producer");
    let empty = Graph { attributes, profile: flat.profile.clone(), parts: others };
    Ok((write_lanes(empty, &lanes, layout), changes))
}

/// A track of what is played.
#[derive(Debug)]
struct Spot {
    track: TractorTrack,
    /// `None` for a service that is no playlist, and fills the track.
    items: Option<Vec<PlaylistItem>>,
    /// Those of the playlist.
    properties: NamedValues,
    is_changed: bool,
}

/// What is played, as tracks side by side.
#[derive(Debug)]
struct Spread {
    /// The frame after its last.
    end: u64,
    spots: Vec<Spot>,
    planted: Vec<Planted>,
}

impl Spread {
    fn of(root: &Service, look: &GraphView, changes: &mut Changes) -> Result<Spread, String> {
        let frames = look.lengths.get(root.id.as_str()).copied();
        let frames = frames.ok_or("its length is unknown: a clip has neither points nor a length")?;
        let end = root.points.first.unwrap_or(0) + frames;
        let mut spread = Spread { end, spots: Vec::new(), planted: Vec::new() };
        match &root.body {
            Body::Tractor(tractor) => spread.take_tractor(tractor, look, changes),
            Body::Playlist(items) if root.filters.is_empty() && root.points.first.unwrap_or(0) == 0 => {
                spread.take_playlist(items, look, changes)?;
            }
            _ => return Err("what is played has filters or points of its own".into()),
        }
        Ok(spread)
    }

    fn take_tractor(&mut self, tractor: &Tractor, look: &GraphView, changes: &mut Changes) {
        self.planted.clone_from(&tractor.planted);
        for track in &tractor.tracks {
            let mut track = track.clone();
            let service = look.services[track.of.as_str()];
            let (items, is_changed) = match &service.body {
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
            self.spots.push(Spot { track, items, properties: service.properties.clone(), is_changed });
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
                    self.place(lifted, at, look);
                }
                None => self.spots[0].put(at, vec![item.clone()], look),
            }
            at += frames;
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
    fn place(&mut self, lifted: super::lift::Lifted, at: u64, look: &GraphView) {
        let mut taken = Vec::new();
        for (hide, items) in lifted.tracks {
            let from = taken.last().map_or(0, |last| last + 1);
            let free = (from..self.spots.len()).find(|&number| self.spots[number].track.hide == hide);
            let number = free.unwrap_or_else(|| {
                self.spots.push(Spot::empty(hide));
                self.spots.len() - 1
            });
            self.spots[number].put(at, items, look);
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

    fn transitions(&self) -> Vec<Effect> {
        let transitions = self.planted.iter().filter_map(|planted| match planted {
            Planted::Transition(transition) => Some(transition.clone()),
            Planted::Filter(_) => None,
        });
        transitions.collect()
    }

    /// Where all that is heard is added up at all times, one sum a track does it as well as one a section.
    fn join_sums(&mut self, look: &GraphView, changes: &mut Changes) {
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

    fn drop_blank_tracks(&mut self, look: &GraphView, changes: &mut Changes) {
        for number in (0..self.spots.len()).rev() {
            let spot = &self.spots[number];
            let is_blank = spot.clips(look).is_some_and(|clips| clips.is_empty());
            if !is_blank || self.spots.len() == 1 {
                continue;
            }
            let name = spot.name(number);
            let others = self.spots.iter().enumerate().filter(|(other, _)| *other != number);
            let longest = others.filter_map(|(_, spot)| spot.frames(look)).max().unwrap_or(0);
            if !spot.track.others.is_empty() || self.has_filter(number) {
                changes.left.push(format!("{name} shows nothing, and has a filter"));
            } else if longest < self.end {
                changes.left.push(format!("{name} shows nothing, and sets the length of the whole"));
            } else if !may_drop(number, &self.transitions()) {
                changes.left.push(format!("{name} shows nothing, and transitions mix other tracks onto it"));
            } else {
                changes.done.push(format!("{name} shows nothing, and was removed"));
                self.remove(number, |_| false);
            }
        }
    }

    fn has_filter(&self, number: usize) -> bool {
        self.planted.iter().any(
            |planted| matches!(planted, Planted::Filter(filter) if filter.track("track") == Some(number)),
        )
    }

    /// Takes a track out; of the transitions that name it those that are wanted stay.
    fn remove(&mut self, number: usize, is_wanted: impl Fn(&Effect) -> bool) {
        self.spots.remove(number);
        self.planted.retain(|planted| match planted {
            Planted::Transition(transition) => !names(transition, number) || is_wanted(transition),
            Planted::Filter(_) => true,
        });
        let lower = |track: usize| track - usize::from(track > number);
        for planted in &mut self.planted {
            let (Planted::Transition(effect) | Planted::Filter(effect)) = planted;
            renumber(effect, &lower);
        }
    }

    /// Puts the clips of each track on the lowest one on which they are as well.
    fn merge_tracks(&mut self, look: &GraphView, changes: &mut Changes) {
        let before = self.spots.len();
        let mut why_not = None;
        let mut upper = 1;
        while upper < self.spots.len() {
            let found = (0..upper).find(|&lower| {
                self.have_room(lower, upper, look)
                    && match self.why_apart(lower, upper) {
                        None => true,
                        Some(why) => {
                            why_not = Some(why);
                            false
                        }
                    }
            });
            match found {
                Some(lower) => self.merge(lower, upper, look),
                None => upper += 1,
            }
        }
        if before > self.spots.len() {
            changes
                .done
                .push(format!("{before} tracks became {}: their clips never overlap", self.spots.len()));
        }
        if let Some(why) = why_not {
            changes.left.push(format!("tracks whose clips never overlap stay apart: {why}"));
        }
    }

    /// Whether the clips of a track meet none on the tracks from another one up to it.
    fn have_room(&self, lower: usize, upper: usize, look: &GraphView) -> bool {
        let Some(moved) = self.spots[upper].clips(look) else { return false };
        self.spots[lower..upper].iter().all(|spot| {
            let meets =
                |clips: Vec<(u64, u64)>| clips.iter().any(|a| moved.iter().any(|b| a.0 < b.1 && b.0 < a.1));
            spot.clips(look).is_some_and(|clips| !meets(clips))
        })
    }

    /// Why two tracks may not become one, as far as their effects go.
    fn why_apart(&self, lower: usize, upper: usize) -> Option<String> {
        let apart = |what: String| Some(format!("tracks {lower} and {upper} {what}"));
        let (a, b) = (&self.spots[lower].track, &self.spots[upper].track);
        if a.hide != b.hide {
            return apart("hide different things".into());
        }
        let has_more = |track: &TractorTrack| !track.others.is_empty() || track.points != Points::default();
        if [lower, upper].into_iter().any(|number| self.has_filter(number)) || has_more(a) || has_more(b) {
            return apart("have filters or points of their own".into());
        }
        let all = self.transitions();
        let of = |number: usize| all.iter().filter(move |transition| names(transition, number));
        if let Some(unknown) = of(lower).chain(of(upper)).find(|t| !is_always(t) || !is_idle_on_blanks(t)) {
            return apart(format!(
                "have a transition, {}, that is active at times or may be",
                unknown.service()
            ));
        }
        let from_above = |transition: &Effect| {
            let onto = transition.track("a_track").is_some_and(|onto| lower < onto && onto < upper);
            onto && transition.track("b_track").is_some_and(|from| from > upper)
        };
        if all.iter().any(from_above) {
            return apart("have a track between them that a higher track is mixed onto".into());
        }
        let onto = |number: usize| all.iter().any(|transition| transition.track("a_track") == Some(number));
        if onto(upper) {
            return apart(format!("differ: other tracks are mixed onto {upper}"));
        }
        let is_same = match onto(lower) {
            true => {
                of(upper).all(|t| is_sum(t) && t.track("a_track") == Some(lower))
                    && of(upper).count() == 1
                    && of(lower).all(|t| is_sum(t) && t.track("a_track") == Some(lower))
            }
            false => kinds(&all, lower) == kinds(&all, upper),
        };
        if is_same { None } else { apart("are mixed onto other tracks in different ways".into()) }
    }

    fn merge(&mut self, lower: usize, upper: usize, look: &GraphView) {
        let until = [lower, upper].into_iter().filter_map(|number| self.spots[number].frames(look)).max();
        let moved = self.spots[upper].take_placed(look);
        let spot = &mut self.spots[lower];
        let mut all = spot.take_placed(look);
        all.extend(moved);
        all.sort_by_key(|(start, _, _)| *start);
        let (mut at, mut items) = (0, Vec::new());
        for (start, end, item) in all {
            items.extend((start > at).then(|| PlaylistItem::Blank(start - at)));
            items.push(item);
            at = end;
        }
        items.extend(until.filter(|&until| until > at).map(|until| PlaylistItem::Blank(until - at)));
        spot.items = Some(items);
        spot.is_changed = true;
        self.remove(upper, |_| false);
    }

    /// The graph with these tracks in place of what was played.
    fn written(self, graph: &Graph, root: &Service) -> Graph {
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

/// How a track is brought onto others: what each of its transitions says, but for the track.
fn kinds(transitions: &[Effect], number: usize) -> Vec<NamedValues> {
    let own = transitions.iter().filter(|transition| transition.track("b_track") == Some(number));
    let kind = |transition: &Effect| {
        let mut said = NamedValues([&transition.properties.0[..], &transition.attributes.0[..]].concat());
        said.take("b_track");
        said.take("id");
        said.0.sort();
        said
    };
    own.map(kind).collect()
}

/// The graph with another root, without what only the old one used.
fn without_orphans(graph: &Graph, root: &Service, services: Vec<Service>) -> Graph {
    let mut made = graph.clone();
    made.parts.retain(|part| !matches!(part, Part::Service(service) if service.id == root.id));
    let before = reached(graph, [root.id.clone()]);
    let roots = graph.services().map(|service| service.id.clone()).filter(|id| !before.contains(id));
    let links = services.iter().flat_map(Service::links).map(str::to_string);
    let used = reached(graph, roots.chain(links));
    made.parts.retain(|part| !matches!(part, Part::Service(service) if !used.contains(&service.id)));
    made.parts.extend(services.into_iter().map(Part::Service));
    made
}

/// Services and all that they are made of.
fn reached(graph: &Graph, from: impl IntoIterator<Item = String>) -> HashSet<String> {
    let services = graph.by_id();
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

impl Spot {
    fn empty(hide: Hide) -> Spot {
        Spot {
            track: TractorTrack { hide, ..TractorTrack::default() },
            items: Some(Vec::new()),
            properties: NamedValues::default(),
            is_changed: true,
        }
    }

    fn name(&self, number: usize) -> String {
        if self.track.of.is_empty() {
            format!("track {number}")
        } else {
            format!("track {number} (`{}`)", self.track.of)
        }
    }

    /// Whether it is a colour, from the first frame to the last.
    fn is_silent(&self, look: &GraphView) -> bool {
        look.services.get(self.track.of.as_str()).is_some_and(|service| service.is_colour())
    }

    fn frames(&self, look: &GraphView) -> Option<u64> {
        match &self.items {
            None => look.lengths.get(self.track.of.as_str()).copied(),
            Some(items) => items.iter().map(|item| look.item_frames(item)).sum(),
        }
    }

    /// Appends items at a frame.
    fn put(&mut self, at: u64, more: Vec<PlaylistItem>, look: &GraphView) {
        let long = self.frames(look).unwrap_or(at);
        let items = self.items.get_or_insert_default();
        items.extend((at > long).then(|| PlaylistItem::Blank(at - long)));
        items.extend(more);
        *items = joined(std::mem::take(items));
    }

    /// When it has a clip; `None` where that is not known.
    fn clips(&self, look: &GraphView) -> Option<Vec<(u64, u64)>> {
        let (mut at, mut clips) = (0, Vec::new());
        for item in self.items.as_ref()? {
            let end = at + look.item_frames(item)?;
            clips.extend(item.entry().map(|_| (at, end)));
            at = end;
        }
        Some(clips)
    }

    /// Takes its entries out, with their places.
    fn take_placed(&mut self, look: &GraphView) -> Vec<(u64, u64, PlaylistItem)> {
        let clips = self.clips(look).unwrap_or_default();
        let items = self.items.take().unwrap_or_default();
        let entries = items.into_iter().filter(|item| item.entry().is_some());
        clips.into_iter().zip(entries).map(|((start, end), item)| (start, end, item)).collect()
    }
}

/// Lanes of a graph that has nothing but clips, gaps and sound that is added up; and what it plays.
fn plain_lanes(graph: &Graph) -> Result<(Lanes, HashSet<String>), String> {
    let look = GraphView::new(graph);
    let root = graph.root().ok_or("there is nothing to play")?;
    let frames = *look.lengths.get(root.id.as_str()).ok_or("its length is unknown")?;
    let one = [TractorTrack { of: root.id.clone(), ..TractorTrack::default() }];
    let (tracks, planted): (&[TractorTrack], &[Planted]) = match &root.body {
        Body::Tractor(tractor) => (&tractor.tracks, &tractor.planted),
        _ => (&one, &[]),
    };
    if root.points.first.unwrap_or(0) > 0 {
        return Err("what is played has an in point".into());
    }
    let is_colour = |track: &TractorTrack| {
        look.services.get(track.of.as_str()).is_some_and(|service| service.is_colour())
    };
    let has_background = tracks.len() > 1 && is_colour(&tracks[0]);
    let mut lanes = Lanes { frames, background: None, lanes: Vec::new() };
    for (number, track) in tracks.iter().enumerate() {
        if !track.others.is_empty() || track.points != Points::default() {
            return Err(format!("track {number} has filters or points of its own"));
        }
        match has_background && number == 0 {
            true => lanes.background = Some(look.services[track.of.as_str()].clone()),
            false => lanes.lanes.push(lane(track, number, &look)?),
        }
    }
    all_is_heard(&lanes, planted)?;
    Ok((lanes, reached(graph, [root.id.clone()])))
}

/// Whether the sound of all tracks that are heard is added up, and nothing else is planted.
fn all_is_heard(lanes: &Lanes, planted: &[Planted]) -> Result<(), String> {
    let mut sums = Vec::new();
    for planted in planted {
        match planted {
            Planted::Transition(effect) if is_sum(effect) => sums.push(effect.clone()),
            Planted::Transition(effect) | Planted::Filter(effect) => {
                return Err(format!("`{}` is attached to it, which is not a sum of sound", effect.service()));
            }
        }
    }
    let below = usize::from(lanes.background.is_some());
    let heard = (below..).zip(&lanes.lanes).filter(|(_, lane)| lane.is_heard());
    let places = |lane: &Lane| lane.pieces.iter().map(|piece| (piece.start, piece.end)).collect();
    let heard: Vec<Heard> = heard.map(|(number, lane)| (number, places(lane))).collect();
    match unsummed(&heard, &sums) {
        Some(at) => Err(format!("at frame {at} tracks are audible at the same time, and not summed")),
        None => Ok(()),
    }
}

/// A track that is heard: its number, and when it has a clip.
type Heard = (usize, Vec<(u64, u64)>);

/// The first frame on which not all that is heard is added up.
fn unsummed(heard: &[Heard], transitions: &[Effect]) -> Option<u64> {
    let clips = heard.iter().flat_map(|(_, clips)| clips.iter().flat_map(|&(start, end)| [start, end]));
    let ranges = transitions
        .iter()
        .flat_map(|sum| [sum.points.first.unwrap_or(0), sum.points.last.map_or(0, |last| last + 1)]);
    let places: BTreeSet<u64> = clips.chain(ranges).collect();
    places.into_iter().find(|&at| {
        let plays = |(_, clips): &&Heard| clips.iter().any(|&(start, end)| start <= at && at < end);
        let mut sound: Vec<(usize, usize)> =
            heard.iter().filter(plays).map(|(number, _)| (*number, 1)).collect();
        let all = sound.len();
        for sum in transitions.iter().filter(|sum| is_sum(sum) && works_at(sum, at)) {
            let (Some(onto), Some(upper)) = (sum.track("a_track"), sum.track("b_track")) else { return true };
            if let Some(taken) = sound.iter().position(|(number, _)| *number == upper) {
                let (_, parts) = sound.remove(taken);
                match sound.iter_mut().find(|(number, _)| *number == onto) {
                    Some((_, sum)) => *sum += parts,
                    None => sound.push((onto, parts)),
                }
            }
        }
        sound.iter().max().is_some_and(|(_, parts)| *parts < all)
    })
}

fn works_at(transition: &Effect, at: u64) -> bool {
    let within =
        |points: Points| points.first.unwrap_or(0) <= at && points.last.is_some_and(|last| at <= last);
    is_always(transition) || within(transition.points)
}

fn lane(track: &TractorTrack, number: usize, look: &GraphView) -> Result<Lane, String> {
    let mut lane = Lane { hide: track.hide, frames: 0, pieces: Vec::new() };
    let service = look.services[track.of.as_str()];
    let whole = [PlaylistItem::Entry(Entry { of: track.of.clone(), ..Entry::default() })];
    let items = match &service.body {
        Body::Playlist(items) => items.as_slice(),
        _ => &whole,
    };
    for item in items {
        let frames = look
            .item_frames(item)
            .ok_or_else(|| format!("the length of a clip on track {number} is unknown"))?;
        if let PlaylistItem::Entry(entry) = item {
            let producer = look.services[entry.of.as_str()];
            if look.is_nested(entry) {
                return Err(format!("`{}` on track {number} stays nested", entry.of));
            }
            if !entry.filters.is_empty()
                || !entry.others.is_empty()
                || !producer.filters.is_empty()
                || entry.attributes.get("repeat").is_some()
            {
                return Err(format!("a clip on track {number}, of `{}`, has a filter", entry.of));
            }
            let producer = Service { id: String::new(), ..producer.clone() };
            let (start, end) = (lane.frames, lane.frames + frames);
            lane.pieces.extend((frames > 0).then(|| Piece {
                producer,
                first: look.first(entry),
                start,
                end,
            }));
        }
        lane.frames += frames;
    }
    Ok(lane)
}
