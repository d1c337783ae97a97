//! Gives a graph another layout that shows and sounds the same.
//!
//! Flat: what is nested is taken out, tracks that show nothing go, tracks whose clips never meet become
//! one. Each step is taken only where it can be shown to change nothing: a filter, or a transition of a
//! kind that is not known to rest where a track shows nothing, leaves its tracks as they are, and
//! [`Changes`] says so. Stacked and in sections only a graph can be laid out that has clips, gaps and sound
//! that is added up, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use memreel_bounds as bounds;
use memreel_timeline::{Rate, Timeline};

use super::graph::*;
use super::lanes::{Lane, Lanes, Piece};
use super::layout::{Layout, mixes, pieces_in_sections, write_lanes};
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

/// How often tracks are looked at again, after others went.
const MOST_ROUNDS: usize = 16;

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
    for _ in 0..MOST_ROUNDS {
        if spread.spots.len() as u64 * spread.planted.len() as u64 > bounds::PROJECT_MIXES {
            changes.left.push("there are too many tracks and transitions to join tracks".into());
            break;
        }
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
    within_bounds(&lanes, layout)?;
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

/// Why a timeline cannot be laid out in sections: each clip is cut where another one begins or ends, and the pieces
/// may be more than memreel reads itself. `None` when it can.
pub fn too_many_sections(timeline: &Timeline, rate: Rate) -> Option<String> {
    within_bounds(&Lanes::of_timeline(timeline, rate, true), Layout::Sections).err()
}

/// Whether a layout does not have more tracks, or pieces of clips, than memreel reads itself.
fn within_bounds(lanes: &Lanes, layout: Layout) -> Result<(), String> {
    let (count, most, what) = match layout {
        Layout::Flat => return Ok(()),
        Layout::Stacked => {
            let clips = lanes.lanes.iter().map(|lane| lane.pieces.len() as u64).sum();
            (clips, bounds::PROJECT_TRACKS, "tracks")
        }
        Layout::Sections => (pieces_in_sections(lanes), bounds::PROJECT_CLIPS, "clips"),
    };
    match count > most {
        true => Err(format!("laid out {layout} it would have {count} {what}; at most {most} are allowed")),
        false => Ok(()),
    }
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
    /// The frame after its last item, while it is filled.
    end: u64,
    /// Tracks that were joined to it, and whose clips are still to be put between its own.
    joined: Vec<Spot>,
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
            let properties = service.properties.clone();
            self.spots.push(Spot { track, items, properties, is_changed, ..Spot::empty(Hide::Nothing) });
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
    fn place(&mut self, lifted: super::lift::Lifted, at: u64, frames: u64) {
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
    fn remove(&mut self, number: usize) -> Spot {
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

    /// Puts the clips of each track on the lowest one on which they are as well.
    fn merge_tracks(&mut self, look: &GraphView, changes: &mut Changes) {
        let before = self.spots.len();
        let mut places: Vec<_> = self.spots.iter().map(|spot| spot.clips(look)).collect();
        let mut effects = TrackEffects::of(&self.planted);
        let mut why_not = None;
        let mut upper = 1;
        while upper < self.spots.len() {
            let mut found = None;
            for lower in lowest_with_room(&places, upper)..upper {
                match self.why_apart(&effects, lower, upper) {
                    Some(why) => why_not = Some(why),
                    None => {
                        found = Some(lower);
                        break;
                    }
                }
            }
            match found {
                Some(lower) => {
                    let moved = self.remove(upper);
                    self.spots[lower].joined.push(moved);
                    let moved = places.remove(upper).unwrap_or_default();
                    places[lower] = places[lower].take().map(|clips| in_order(clips, moved));
                    effects = TrackEffects::of(&self.planted);
                }
                None => upper += 1,
            }
        }
        self.spots.iter_mut().for_each(|spot| spot.settle(look));
        if before > self.spots.len() {
            changes
                .done
                .push(format!("{before} tracks became {}: their clips never overlap", self.spots.len()));
        }
        if let Some(why) = why_not {
            changes.left.push(format!("tracks whose clips never overlap stay apart: {why}"));
        }
    }

    /// Why two tracks may not become one, as far as their effects go.
    fn why_apart(&self, effects: &TrackEffects, lower: usize, upper: usize) -> Option<String> {
        let apart = |what: String| Some(format!("tracks {lower} and {upper} {what}"));
        let (a, b) = (&self.spots[lower].track, &self.spots[upper].track);
        if a.hide != b.hide {
            return apart("hide different things".into());
        }
        let has_more = |track: &TractorTrack| !track.others.is_empty() || track.points != Points::default();
        let has_filter = |number: usize| effects.filtered.contains(&number);
        if has_filter(lower) || has_filter(upper) || has_more(a) || has_more(b) {
            return apart("have filters or points of their own".into());
        }
        let of = |number: usize| effects.naming(number).map(|place| self.transition(place));
        if let Some(unknown) = of(lower).chain(of(upper)).find(|t| !is_always(t) || !is_idle_on_blanks(t)) {
            return apart(format!(
                "have a transition, {}, that is active at times or may be",
                unknown.service()
            ));
        }
        if effects.reaches_between(lower, upper) {
            return apart("have a track between them that a higher track is mixed onto".into());
        }
        if effects.onto.contains_key(&upper) {
            return apart(format!("differ: other tracks are mixed onto {upper}"));
        }
        let is_same = match effects.onto.contains_key(&lower) {
            true => {
                of(upper).all(|t| is_sum(t) && t.track("a_track") == Some(lower))
                    && of(upper).count() == 1
                    && of(lower).all(|t| is_sum(t) && t.track("a_track") == Some(lower))
            }
            false => kinds(of(lower), lower) == kinds(of(upper), upper),
        };
        if is_same { None } else { apart("are mixed onto other tracks in different ways".into()) }
    }

    /// What is planted at a place.
    fn transition(&self, place: usize) -> &Effect {
        let (Planted::Transition(effect) | Planted::Filter(effect)) = &self.planted[place];
        effect
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

/// Which of what is planted concerns which track.
struct TrackEffects {
    /// Tracks with a filter.
    filtered: HashSet<usize>,
    /// For a track the places of the transitions that name it.
    named: HashMap<usize, Vec<usize>>,
    /// For a track that others are mixed onto, the highest of these.
    onto: BTreeMap<usize, usize>,
}

impl TrackEffects {
    fn of(planted: &[Planted]) -> TrackEffects {
        let (filtered, named, onto) = (HashSet::new(), HashMap::new(), BTreeMap::new());
        let mut effects = TrackEffects { filtered, named, onto };
        for (place, planted) in planted.iter().enumerate() {
            match planted {
                Planted::Filter(filter) => effects.filtered.extend(filter.track("track")),
                Planted::Transition(transition) => effects.add(place, transition),
            }
        }
        effects
    }

    fn add(&mut self, place: usize, transition: &Effect) {
        let (onto, from) = (transition.track("a_track"), transition.track("b_track"));
        for track in [onto, from].into_iter().flatten().collect::<BTreeSet<_>>() {
            self.named.entry(track).or_default().push(place);
        }
        if let Some(onto) = onto {
            let highest = self.onto.entry(onto).or_default();
            *highest = from.unwrap_or(0).max(*highest);
        }
    }

    /// The places of the transitions that name a track.
    fn naming(&self, track: usize) -> impl Iterator<Item = usize> {
        self.named.get(&track).into_iter().flatten().copied()
    }

    /// Whether a track from further up is mixed onto one between two.
    fn reaches_between(&self, lower: usize, upper: usize) -> bool {
        self.onto.range(lower + 1..upper).any(|(_, &highest)| highest > upper)
    }
}

/// The lowest track on which there is room for the clips of another one, and on all between them.
fn lowest_with_room(places: &[Option<Vec<(u64, u64)>>], upper: usize) -> usize {
    let Some(moved) = &places[upper] else { return upper };
    let has_room = |clips: &Option<Vec<_>>| clips.as_ref().is_some_and(|clips| !meet(clips, moved));
    let highest = places[..upper].iter().rposition(|clips| !has_room(clips));
    highest.map_or(0, |highest| highest + 1)
}

/// Whether any two of two tracks' clips meet. Both are in order of time.
fn meet(a: &[(u64, u64)], b: &[(u64, u64)]) -> bool {
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    few.iter().any(|&(start, end)| {
        let after = many.partition_point(|&(_, ends)| ends <= start);
        many[after..].iter().take_while(|&&(begins, _)| begins < end).any(|&(begins, ends)| begins < ends)
            && start < end
    })
}

/// The clips of two tracks in order of time.
fn in_order(mut clips: Vec<(u64, u64)>, more: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    clips.extend(more);
    clips.sort();
    clips
}

/// How a track is brought onto others: what each of the transitions that name it says, but for the track.
fn kinds<'a>(named: impl Iterator<Item = &'a Effect>, number: usize) -> Vec<NamedValues> {
    let own = named.filter(|transition| transition.track("b_track") == Some(number));
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
            end: 0,
            joined: Vec::new(),
        }
    }

    /// Whether it is known to show nothing.
    fn is_blank(&self) -> bool {
        let is_blank = |item: &PlaylistItem| matches!(item, PlaylistItem::Blank(_));
        self.items.as_ref().is_some_and(|items| items.iter().all(is_blank))
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

    /// Appends items that take so many frames, at a frame.
    fn put(&mut self, at: u64, more: Vec<PlaylistItem>, frames: u64) {
        let items = self.items.get_or_insert_default();
        items.extend((at > self.end).then(|| PlaylistItem::Blank(at - self.end)));
        items.extend(more);
        self.end = at + frames;
    }

    /// Puts the clips of tracks that were joined to it between its own.
    fn settle(&mut self, look: &GraphView) {
        let moved = std::mem::take(&mut self.joined);
        if moved.is_empty() {
            return;
        }
        let until = moved.iter().chain([&*self]).filter_map(|spot| spot.frames(look)).max();
        let mut all = self.take_placed(look);
        moved.into_iter().for_each(|mut spot| all.extend(spot.take_placed(look)));
        all.sort_by_key(|(start, _, _)| *start);
        let (mut at, mut items) = (0, Vec::new());
        for (start, end, item) in all {
            items.extend((start > at).then(|| PlaylistItem::Blank(start - at)));
            items.push(item);
            at = end;
        }
        items.extend(until.filter(|&until| until > at).map(|until| PlaylistItem::Blank(until - at)));
        self.items = Some(items);
        self.is_changed = true;
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
    let mut producers = HashMap::new();
    for (number, track) in tracks.iter().enumerate() {
        if !track.others.is_empty() || track.points != Points::default() {
            return Err(format!("track {number} has filters or points of its own"));
        }
        match has_background && number == 0 {
            true => lanes.background = Some(look.services[track.of.as_str()].clone()),
            false => lanes.lanes.push(lane(track, number, &look, &mut producers)?),
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
            Planted::Transition(effect) if is_sum(effect) => sums.push(effect),
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
fn unsummed(heard: &[Heard], transitions: &[&Effect]) -> Option<u64> {
    let sums = transitions.iter().filter(|sum| is_sum(sum)).map(|sum| Sum::of(sum));
    let (sums, nameless): (Vec<_>, Vec<_>) = sums.partition(|sum| sum.tracks.is_some());
    let unknown = nameless.iter().filter(|sum| sum.from < sum.to).map(|sum| sum.from).min();
    let unknown = unknown.into_iter();
    let mut changes: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
    let mut at = |frame: u64, change: Change| changes.entry(frame).or_default().push(change);
    for (track, (_, clips)) in heard.iter().enumerate() {
        for &(start, end) in clips.iter().filter(|(start, end)| start < end) {
            at(start, Change::Sounds(track, 1));
            at(end, Change::Sounds(track, -1));
        }
    }
    for (number, sum) in sums.iter().enumerate() {
        at(sum.from, Change::Sums(number, true));
        at(sum.to, Change::Sums(number, false));
    }
    let mut now = Sound { sums: &sums, playing: BTreeMap::new(), working: HashMap::new() };
    let first = changes.into_iter().find_map(|(frame, changes)| {
        changes.into_iter().for_each(|change| now.take(change));
        (!now.is_added_up(heard)).then_some(frame)
    });
    unknown.chain(first).min()
}

/// Adds the sound of one track to that of another, from one frame up to another.
struct Sum {
    tracks: Option<(usize, usize)>,
    from: u64,
    to: u64,
}

impl Sum {
    fn of(sum: &Effect) -> Sum {
        let tracks = sum.track("a_track").zip(sum.track("b_track"));
        let (from, to) = match (is_always(sum), sum.points.last) {
            (true, _) => (0, u64::MAX),
            (false, Some(last)) => (sum.points.first.unwrap_or(0), last.saturating_add(1)),
            (false, None) => (0, 0),
        };
        Sum { tracks, from: from.min(to), to }
    }
}

/// What changes at a frame.
enum Change {
    /// A clip of a track begins or ends: so many more of them play.
    Sounds(usize, i64),
    /// A sum begins to work, or ends.
    Sums(usize, bool),
}

/// What is heard at a frame, and what is added up there.
struct Sound<'a> {
    sums: &'a [Sum],
    /// Tracks of which clips play, and how many.
    playing: BTreeMap<usize, i64>,
    /// The sums that work, by the track that they take away.
    working: HashMap<usize, BTreeSet<usize>>,
}

impl Sound<'_> {
    fn take(&mut self, change: Change) {
        match change {
            Change::Sounds(track, more) => {
                let clips = self.playing.entry(track).or_default();
                *clips += more;
                if *clips == 0 {
                    self.playing.remove(&track);
                }
            }
            Change::Sums(number, works) => {
                let Some((_, upper)) = self.sums[number].tracks else { return };
                let working = self.working.entry(upper).or_default();
                if works {
                    working.insert(number)
                } else {
                    working.remove(&number)
                };
            }
        }
    }

    /// Whether all that plays comes to one track, when the sums work one after another.
    fn is_added_up(&self, heard: &[Heard]) -> bool {
        let all = self.playing.len();
        if all < 2 {
            return true;
        }
        let mut parts: HashMap<usize, usize> =
            self.playing.keys().map(|&track| (heard[track].0, 1)).collect();
        let taking = |track: usize| self.working.get(&track).into_iter().flatten().copied();
        let mut next: BTreeSet<usize> = parts.keys().flat_map(|&track| taking(track)).collect();
        while let Some(number) = next.pop_first() {
            let Some((onto, upper)) = self.sums[number].tracks else { continue };
            if let Some(taken) = parts.remove(&upper) {
                *parts.entry(onto).or_default() += taken;
                next.extend(taking(onto).filter(|&later| later > number));
            }
        }
        parts.len() == 1
    }
}

fn lane<'a>(
    track: &TractorTrack,
    number: usize,
    look: &GraphView<'a>,
    producers: &mut HashMap<&'a str, Rc<Service>>,
) -> Result<Lane, String> {
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
            let unnamed = || Rc::new(Service { id: String::new(), ..producer.clone() });
            let producer = Rc::clone(producers.entry(&producer.id).or_insert_with(unnamed));
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
