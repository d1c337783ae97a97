//! A project that is exported in another way than its file says, although nobody can edit it.

use std::path::Path;

use super::{Opened, PlayedClip, Project, ProjectFormat, mlt, proxies};
use crate::mlt::edit::{self, ShownTrack};
use crate::mlt::graph::Points;
use crate::mlt::{Graph, Removal, from_mlt_xml, write};

/// What is changed: first something is taken out, then a part is chosen, then it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    /// Whether proxies are played where the file has them, and not their originals.
    pub proxies: bool,
    /// What is taken out.
    pub without: Option<Removal>,
    /// The frames of the project that are played, from the first to the one after the last.
    pub part: Option<(u64, u64)>,
    /// How many times in a row it is played, at least once.
    pub times: u32,
}

impl Default for Edit {
    fn default() -> Edit {
        Edit { proxies: false, without: None, part: None, times: 1 }
    }
}

impl Project {
    /// A copy with a change, described as the file itself is. Nothing is written. `ask` has MLT open the copy, where
    /// only MLT knows how long the project is.
    ///
    /// # Errors
    /// When there is nothing to take out, or the part is not in the project: what there is.
    pub fn edited(&self, edit: &Edit, ask: &dyn Fn(&Project) -> Option<Opened>) -> Result<Project, String> {
        let mut graph = self.graph()?;
        if edit.proxies && proxies::put_proxies(&mut graph) == 0 {
            return Err("the project plays no proxies".into());
        }
        if let Some(removal) = &edit.without {
            self.remove(&mut graph, removal)?;
        }
        let (from, to) = edit.part.unwrap_or((0, self.frames));
        if from >= to || to > self.frames {
            return Err(format!("choose a part of its {} frames, not {from}f..{to}f", self.frames));
        }
        if edit.part.is_some() || edit.times > 1 {
            edit::play(&mut graph, Points::new(from, to.saturating_sub(1)), edit.times);
        }
        self.copy_of(&graph, &|copy| if self.is_known_by_mlt { ask(copy) } else { None })
    }

    /// The project of a changed graph.
    fn copy_of(&self, graph: &Graph, ask: &dyn Fn(&Project) -> Option<Opened>) -> Result<Project, String> {
        let (path, folder) = (self.path.clone(), self.path.parent().unwrap_or(Path::new("/")));
        let copy =
            Project { path, format: self.format, text: write(graph), is_copy: true, ..Project::default() };
        let copy = mlt::describe(&self.path, copy, folder, ask).map_err(|error| error.to_string())?;
        let not_loaded = self.not_loaded.as_ref().map(|names| copy.missed(names.keys().cloned()));
        Ok(Project { not_loaded, proxies: self.proxies, is_edited: true, ..copy })
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

    /// The clips in the order of play: their numbers are those of [`Removal::Clip`].
    ///
    /// # Errors
    /// When it is a project of rlvideo's.
    pub fn played_clips(&self) -> Result<Vec<PlayedClip>, String> {
        mlt::clips(&self.graph()?)
    }

    /// The text of the copy for any other folder: its `root` is absolute.
    ///
    /// # Errors
    /// When it is a project of rlvideo's.
    pub fn rooted_text(&self) -> Result<String, String> {
        self.rooted().map(|graph| write(&graph))
    }

    /// The same as the only item of a playlist: MLT gives an account of all that is in an item, and of a document only
    /// the name.
    ///
    /// # Errors
    /// When it is a project of rlvideo's.
    pub fn as_an_item(&self) -> Result<String, String> {
        let mut graph = self.rooted()?;
        if graph.root().is_none() {
            return Err("there is nothing to play".into());
        }
        edit::play(&mut graph, Points::default(), 1);
        Ok(write(&graph))
    }

    fn rooted(&self) -> Result<Graph, String> {
        let mut graph = self.graph()?;
        let root = graph.root_folder(self.path.parent().unwrap_or(Path::new("/")));
        graph.attributes.set("root", root.to_string_lossy());
        Ok(graph)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlt::graph::Hide;

    /// Over a black background: a track with a sequence that is played twice, an empty one, one with a clip that has a link
    /// and a filter, and a hidden sound track.
    const TEXT: &str = r#"<mlt title="kept">
  <profile width="320" height="180" frame_rate_num="25" frame_rate_den="1"/>
  <producer id="black" in="0" out="99"><property name="mlt_service">color</property></producer>
  <producer id="one" in="0" out="99"><property name="resource">one.mp4</property></producer>
  <chain id="two" out="99"><property name="resource">two.mp4</property>
    <link><property name="mlt_service">timeremap</property></link></chain>
  <playlist id="sequence"><entry producer="one" in="0" out="9"/><entry producer="one" in="20" out="29"/></playlist>
  <playlist id="low"><entry producer="sequence" in="0" out="19"/><entry producer="sequence" in="0" out="19"/></playlist>
  <playlist id="empty"/>
  <playlist id="high"><property name="kdenlive:track_name">Titles</property><blank length="5"/>
    <entry producer="two" in="0" out="9" mine="kept"><filter mlt_service="volume"/></entry></playlist>
  <playlist id="sound"><entry producer="one" in="0" out="9"/></playlist>
  <tractor id="inside"><track producer="sound" hide="video"/></tractor>
  <tractor id="all">
    <track producer="black"/><track producer="low"/><track producer="empty"/>
    <track producer="high"><filter><property name="mlt_service">volume</property></filter></track>
    <track producer="inside"/>
    <transition mlt_service="mix" a_track="0" b_track="1"/>
    <filter mlt_service="panner" track="3"/>
  </tractor>
  <consumer mlt_service="avformat" target="out.mp4"/>
</mlt>"#;

    fn project() -> Project {
        let project = Project { path: "/films/my.mlt".into(), ..Project::default() };
        project.copy_of(&from_mlt_xml(TEXT).unwrap(), &|_| None).unwrap()
    }

    fn edited(edit: Edit) -> Project {
        project().edited(&edit, &|_| None).unwrap()
    }

    fn without(removal: Removal) -> Project {
        edited(Edit { without: Some(removal), ..Edit::default() })
    }

    fn refused(removal: &str) -> String {
        let without = Some(removal.parse().unwrap());
        project().edited(&Edit { without, ..Edit::default() }, &|_| None).unwrap_err()
    }

    #[test]
    fn tracks_are_counted_from_the_lowest_above_the_background() {
        let tracks = project().shown_tracks().unwrap();
        let shown: Vec<_> =
            tracks.iter().map(|track| (track.number, &*track.name, track.hide, track.is_empty)).collect();
        let wanted = [
            (1, "low", Hide::Nothing, false),
            (2, "empty", Hide::Nothing, true),
            (3, "Titles", Hide::Nothing, false),
            (4, "inside", Hide::Video, false),
        ];
        assert_eq!(shown, wanted);
        let twice = edited(Edit { times: 2, ..Edit::default() });
        assert_eq!(twice.shown_tracks().unwrap(), tracks);
    }

    #[test]
    fn played_twice_there_are_twice_the_clips_and_no_more_sources_or_filters() {
        let (once, twice) = (project(), edited(Edit { times: 2, ..Edit::default() }));
        assert_eq!((once.frames, once.clips, once.cuts.as_slice()), (100, 6, [5, 10, 20, 30].as_slice()));
        assert_eq!((twice.frames, twice.clips), (200, 12));
        assert_eq!(twice.cuts, [5, 10, 20, 30, 100, 105, 110, 120, 130]);
        assert_eq!((twice.sources, twice.first_uses), (once.sources, once.first_uses));
        assert_eq!((twice.filters, twice.transitions), (once.filters, once.transitions));
    }

    #[test]
    fn a_part_has_the_clips_that_are_played_in_it() {
        let part = edited(Edit { part: Some((12, 40)), times: 2, ..Edit::default() });
        assert_eq!((part.frames, part.cuts), (56, vec![8, 18, 28, 36, 46]));
        for part in [(0, 101), (50, 50), (60, 50)] {
            let why = project().edited(&Edit { part: Some(part), ..Edit::default() }, &|_| None).unwrap_err();
            assert!(why.starts_with("choose a part of its 100 frames, not "), "{why}");
        }
    }

    #[test]
    fn effects_are_taken_out_wherever_they_are() {
        let kinds = |project: &Project| {
            (project.filters.keys().cloned().collect::<Vec<_>>(), project.transitions.len())
        };
        assert_eq!(kinds(&project()), (["panner", "timeremap", "volume"].map(String::from).to_vec(), 1));
        assert_eq!(kinds(&without(Removal::Filters)), (vec![], 1));
        assert_eq!(kinds(&without(Removal::Transitions)).1, 0);
        let volume = without(Removal::Service("volume".into()));
        assert_eq!(kinds(&volume), (["panner", "timeremap"].map(String::from).to_vec(), 1));
        assert!(!volume.text.contains("volume"), "{}", volume.text);
        for kept in ["title=\"kept\"", "mine=\"kept\"", "target=\"out.mp4\""] {
            assert!(volume.text.contains(kept), "{}", volume.text);
        }
    }

    #[test]
    fn one_playing_of_a_clip_is_replaced_and_the_length_stays() {
        let names: Vec<_> = project().played_clips().unwrap().into_iter().map(|clip| clip.name).collect();
        assert_eq!(names, ["one.mp4", "one.mp4", "two.mp4", "one.mp4", "one.mp4", "one.mp4"]);
        let cuts = |number: usize| {
            let copy = without(Removal::Clip(number));
            assert_eq!((copy.frames, copy.clips), (100, 5), "clip {number}");
            copy.cuts
        };
        assert_eq!(cuts(3), [10, 20, 30]);
        assert_eq!(cuts(4), [5, 20, 30]);
        assert_eq!(cuts(5), [5, 10, 30]);
        assert_eq!(cuts(6), [5, 10, 20]);
        assert_eq!((cuts(1), cuts(2)), (vec![5, 10, 20, 30], vec![5, 10, 20, 30]));
    }

    #[test]
    fn an_emptied_track_keeps_its_length_and_loses_its_filters() {
        let titles = without(Removal::Track(3));
        assert_eq!((titles.frames, titles.clips), (100, 5));
        assert_eq!(titles.filters.len(), 0, "{:?}", titles.filters);
        assert_eq!(without(Removal::Track(1)).cuts, [5]);
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_is() {
        let effects = "there are panner (1), timeremap (1), volume (2), mix (1)";
        assert_eq!(refused("gblur"), format!("no service \"gblur\": {effects}"));
        let tracks = "there are tracks 1 (low), 3 (Titles), 4 (inside)";
        assert_eq!(refused("track:2"), format!("nothing is on track 2: {tracks}"));
        assert_eq!(refused("track:9"), format!("nothing is on track 9: {tracks}"));
        assert_eq!(refused("clip:7"), "no clip 7: 6 are played");
        let plain = without(Removal::Filters);
        let filters = Some(Removal::Filters);
        let why = plain.edited(&Edit { without: filters, ..Edit::default() }, &|_| None).unwrap_err();
        assert_eq!(why, "no filters: there are mix (1)");
    }

    #[test]
    fn the_text_for_another_folder_says_where_relative_paths_begin() {
        assert!(project().rooted_text().unwrap().contains("root=\"/films\""));
        let text = project().text.replace("title=\"kept\"", "root=\"media\"");
        let rooted = Project { text, ..project() }.rooted_text().unwrap();
        assert!(rooted.contains("root=\"/films/media\""), "{rooted}");
    }
}
