//! A plain graph as lanes: one that has clips, gaps and sound that is added up, and nothing else.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::sums::{Heard, unsummed};
use crate::mlt::graph::*;
use crate::mlt::lanes::{Lane, Lanes, Piece};
use crate::mlt::lift::{GraphView, is_sum};

/// Lanes of a graph that has nothing but clips, gaps and sound that is added up; and what it plays.
pub(super) fn plain_lanes(graph: &Graph) -> Result<(Lanes, HashSet<String>), String> {
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
    Ok((lanes, graph.reached([root.id.clone()])))
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
