//! What a variant exports: a timeline of ours, or a project as it is.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::scenario::Opaque;
use memreel_projects::project::Project;
use memreel_timeline::{Placed, Rate, Timeline};

/// What is exported.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A timeline that a scenario scripts, with the paths of its media as they will be.
    Script(Timeline),
    /// A project in an application's own format: its engine opens it as it is.
    Project(Arc<Project>),
    /// What the engine's command alone describes.
    Opaque(Opaque),
}

impl Input {
    /// The scripted timeline; `None` for a project.
    pub fn script(&self) -> Option<&Timeline> {
        match self {
            Input::Script(timeline) => Some(timeline),
            Input::Project(_) | Input::Opaque(_) => None,
        }
    }

    /// The project; `None` for a scripted timeline.
    pub fn project(&self) -> Option<&Project> {
        match self {
            Input::Script(_) | Input::Opaque(_) => None,
            Input::Project(project) => Some(project),
        }
    }

    /// The file of a project, also of one that memreel cannot open.
    pub fn project_file(&self) -> Option<&Path> {
        match self {
            Input::Script(_) => None,
            Input::Project(project) => Some(&project.path),
            Input::Opaque(opaque) => opaque.project.as_deref(),
        }
    }

    /// Frames at this rate; a project has its own rate. `None` where it is not known.
    pub fn frames(&self, rate: Rate) -> Option<u64> {
        match self {
            Input::Script(timeline) => Some(timeline.frames_at(rate)),
            Input::Project(project) => Some(project.frames),
            Input::Opaque(opaque) => opaque.frames,
        }
    }

    /// Clips with pictures.
    pub fn clips(&self) -> u64 {
        match self {
            Input::Script(timeline) => timeline.picture_clips() as u64,
            Input::Project(project) => project.clips as u64,
            Input::Opaque(opaque) => opaque.cuts.as_ref().map_or(1, |cuts| cuts.len() as u64 + 1),
        }
    }

    /// The frames at which clips begin, of all tracks, in order, each once and the first excepted; and those
    /// at which each source is used for the first time.
    pub fn cuts(&self, rate: Rate) -> (Vec<u64>, Vec<u64>) {
        match self {
            Input::Script(timeline) => cuts(timeline, rate),
            Input::Project(project) => (project.cuts.clone(), project.first_uses.clone()),
            Input::Opaque(opaque) => (opaque.cuts.clone().unwrap_or_default(), Vec::new()),
        }
    }
}

fn cuts(timeline: &Timeline, rate: Rate) -> (Vec<u64>, Vec<u64>) {
    let mut placed: Vec<Placed> = timeline.tracks.iter().flat_map(|track| track.placed(rate)).collect();
    placed.sort_by_key(|place| place.start);
    let mut cuts: Vec<u64> = placed.iter().map(|place| place.start).filter(|&start| start > 0).collect();
    cuts.dedup();
    let mut seen: BTreeSet<&Path> = BTreeSet::new();
    let first_uses =
        placed.iter().filter(|place| seen.insert(&place.clip.media)).map(|place| place.start).collect();
    (cuts, first_uses)
}
