//! Tracks whose clips never meet become one, where their effects allow it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Changes;
use super::spread::Spread;
use crate::mlt::graph::*;
use crate::mlt::lift::{GraphView, is_always, is_idle_on_blanks, is_sum};

impl Spread {
    /// Puts the clips of each track on the lowest one on which they are as well.
    pub(super) fn merge_tracks(&mut self, look: &GraphView, changes: &mut Changes) {
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
