//! Whether transitions add up all that is heard, at every frame.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::mlt::graph::*;
use crate::mlt::lift::{is_always, is_sum};

/// A track that is heard: its number, and when it has a clip.
pub(super) type Heard = (usize, Vec<(u64, u64)>);

/// The first frame on which not all that is heard is added up.
pub(super) fn unsummed(heard: &[Heard], transitions: &[&Effect]) -> Option<u64> {
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
