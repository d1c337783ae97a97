//! Gives a graph another layout that shows and sounds the same.
//!
//! Flat: what is nested is taken out, tracks that show nothing go, tracks whose clips never meet become
//! one. Each step is taken only where it can be shown to change nothing: a filter, or a transition of a
//! kind that is not known to rest where a track shows nothing, leaves its tracks as they are, and
//! [`Changes`] says so. Stacked and in sections only a graph can be laid out that has clips, gaps and sound
//! that is added up, and nothing else.

mod merge;
mod plain;
mod rest;
mod spot;
mod spread;
mod sums;

use std::fmt;

use memreel_bounds as bounds;
use memreel_timeline::{Rate, Timeline};

use self::plain::plain_lanes;
use self::spread::Spread;
use super::graph::*;
use super::lanes::Lanes;
use super::layout::{Layout, pieces_in_sections, write_lanes};
use super::lift::GraphView;

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
    let mut working = graph.clone();
    let idle = rest::take_out_idle(&mut working);
    let empty = rest::take_out_empty_tracks(&mut working);
    let (flat, mut changes) = flatten_working(&working);
    if changes.done.is_empty() && empty == 0 {
        return (graph.clone(), changes);
    }
    let told = [(empty, "empty tracks of sequences"), (idle, "effects that change nothing")];
    let told = told.iter().filter(|(count, _)| *count > 0);
    changes.done.extend(told.map(|(count, what)| format!("{count} {what} were removed")));
    (flat, changes)
}

/// The same of a graph without effects that change nothing.
fn flatten_working(graph: &Graph) -> (Graph, Changes) {
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

/// The graph with another root, without what only the old one used.
fn without_orphans(graph: &Graph, root: &Service, services: Vec<Service>) -> Graph {
    let mut made = graph.clone();
    made.parts.retain(|part| !matches!(part, Part::Service(service) if service.id == root.id));
    let before = graph.reached([root.id.clone()]);
    let roots = graph.services().map(|service| service.id.clone()).filter(|id| !before.contains(id));
    let links = services.iter().flat_map(Service::links).map(str::to_string);
    let used = graph.reached(roots.chain(links));
    made.parts.retain(|part| !matches!(part, Part::Service(service) if !used.contains(&service.id)));
    made.parts.extend(services.into_iter().map(Part::Service));
    made
}
