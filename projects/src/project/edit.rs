//! A project that is exported in another way than its file says, although nobody can edit it.

use std::path::Path;

use super::{Project, ProjectFormat, described, mlt};
use crate::mlt::edit::{self, ShownTrack};
use crate::mlt::{Graph, Removal, from_mlt_xml, write};

/// What is changed: first something is taken out, then a part is chosen, then it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    /// What is taken out.
    pub without: Option<Removal>,
    /// The frames of the project that are played, from the first to the one after the last.
    pub part: Option<(u64, u64)>,
    /// How many times in a row it is played, at least once.
    pub times: u32,
}

impl Default for Edit {
    fn default() -> Edit {
        Edit { without: None, part: None, times: 1 }
    }
}

impl Project {
    /// A copy with a change, described as the file itself is. Nothing is written.
    ///
    /// # Errors
    /// When there is nothing to take out, or the part is not in the project: what there is.
    pub fn edited(&self, edit: &Edit) -> Result<Project, String> {
        let mut graph = self.graph()?;
        if let Some(removal) = &edit.without {
            self.remove(&mut graph, removal)?;
        }
        let (from, to) = edit.part.unwrap_or((0, self.frames));
        if from >= to || to > self.frames {
            return Err(format!("choose a part of its {} frames, not {from}f..{to}f", self.frames));
        }
        if edit.part.is_some() || edit.times > 1 {
            edit::play(&mut graph, from, to, edit.times);
        }
        self.copy_of(&graph)
    }

    /// The project of a changed graph.
    fn copy_of(&self, graph: &Graph) -> Result<Project, String> {
        let (text, folder) = (write(graph), self.path.parent().unwrap_or(Path::new("/")));
        let (profile, found) = mlt::found(&self.path, &text, folder).map_err(|error| error.to_string())?;
        let (path, format) = (self.path.clone(), self.format);
        Ok(described(Project { path, format, text, profile, is_copy: true, ..Project::default() }, found))
    }

    /// Whether it is one of rlvideo, which has no graph before the editor makes one.
    pub fn is_rlvideo(&self) -> bool {
        self.format == ProjectFormat::Rlvideo
    }

    /// The tracks as the editor shows them; empty where it has only one.
    ///
    /// # Errors
    /// When it is a project of rlvideo's.
    pub fn shown_tracks(&self) -> Result<Vec<ShownTrack>, String> {
        Ok(edit::tracks(&self.graph()?))
    }

    /// The text of the copy for any other folder: its `root` is absolute.
    ///
    /// # Errors
    /// When it is a project of rlvideo's.
    pub fn rooted_text(&self) -> Result<String, String> {
        let mut graph = self.graph()?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let root = folder.join(graph.attributes.get("root").unwrap_or_default());
        graph.attributes.set("root", root.to_string_lossy());
        Ok(write(&graph))
    }

    fn graph(&self) -> Result<Graph, String> {
        match self.format {
            ProjectFormat::Rlvideo => Err("it is no MLT XML".into()),
            ProjectFormat::Mlt | ProjectFormat::Kdenlive => {
                from_mlt_xml(&self.text).map_err(|error| error.to_string())
            }
        }
    }

    fn remove(&self, graph: &mut Graph, removal: &Removal) -> Result<(), String> {
        match removal {
            Removal::Filters | Removal::Transitions | Removal::Service(_) => {
                if !self.has(removal) {
                    return Err(format!("{}: {}", nothing_of(removal), self.effects()));
                }
                edit::remove_effects(graph, removal);
            }
            Removal::Track(number) => {
                let tracks = edit::tracks(graph);
                let is_full = tracks.iter().any(|track| track.number == *number && !track.is_empty);
                if !is_full || !edit::empty_track(graph, *number) {
                    return Err(format!("nothing is on track {number}: {}", listed(&tracks)));
                }
            }
            Removal::Clip(number) => match mlt::way_to_clip(graph, *number)? {
                Some(way) => edit::blank_clip(graph, &way),
                None => return Err(format!("no clip {number}: {} are played", self.clips)),
            },
        }
        Ok(())
    }

    /// Whether there are effects to take out.
    fn has(&self, removal: &Removal) -> bool {
        match removal {
            Removal::Filters => !self.filters.is_empty(),
            Removal::Transitions => !self.transitions.is_empty(),
            Removal::Service(name) => self.filters.contains_key(name) || self.transitions.contains_key(name),
            Removal::Track(_) | Removal::Clip(_) => false,
        }
    }

    /// The effects that there are: `there are avfilter.gblur (2), mix (4)`.
    fn effects(&self) -> String {
        let each = self.filters.iter().chain(&self.transitions);
        let each: Vec<_> = each.map(|(service, count)| format!("{service} ({count})")).collect();
        match each.is_empty() {
            true => "it plays neither filters nor transitions".into(),
            false => format!("there are {}", each.join(", ")),
        }
    }
}

fn nothing_of(removal: &Removal) -> String {
    match removal {
        Removal::Service(service) => format!("no service \"{service}\""),
        other => format!("no {other}"),
    }
}

/// The tracks on which there is something.
fn listed(tracks: &[ShownTrack]) -> String {
    let full = tracks.iter().filter(|track| !track.is_empty);
    let full: Vec<_> = full.map(|track| format!("{} ({})", track.number, track.name)).collect();
    match full.is_empty() {
        true => "it has only one".into(),
        false => format!("there are tracks {}", full.join(", ")),
    }
}
