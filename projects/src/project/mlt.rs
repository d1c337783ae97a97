//! What a project in MLT XML plays.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Found, Opened, Project, ProjectError, Reach, described, not_loaded, proxies, reach};
use crate::mlt::edit::{self, Way};
use crate::mlt::graph::{Body, Effect, Element, Entry, Hide, Part, Planted, PlaylistItem, Service};
use crate::mlt::{Graph, from_mlt_xml, write};

/// Finds what a project plays: by its text, and by MLT's account of it where there is one.
pub fn describe(
    path: &Path,
    project: Project,
    folder: &Path,
    ask: &dyn Fn(&Project) -> Option<Opened>,
) -> Result<Project, ProjectError> {
    let mut graph =
        from_mlt_xml(&project.text).map_err(|source| ProjectError::Mlt { path: path.into(), source })?;
    // MLT 7.12 takes a relative root from where it runs, and twice; also the empty one, which Kdenlive writes.
    let has_relative_root = graph.attributes.get("root").is_some_and(|root| Path::new(root).is_relative());
    let project = match project.is_copy {
        true => project,
        false => with_originals(project, &mut graph, has_relative_root),
    };
    let (profile, reach, consumer) = (graph.profile(), reach::of_graph(&graph, folder), consumer(&graph));
    let project = Project { profile, reach, consumer, ..project };
    let opened = if project.reach == Reach::default() { ask(&project) } else { None };
    let by_text = Search::new(&graph, graph.root_folder(folder)).run();
    let by_mlt = opened.as_ref().and_then(|opened| played(&opened.graph));
    let text_frames = by_text.as_ref().ok().map(|found| found.frames);
    let found = match (by_text, by_mlt) {
        (Ok(by_text), Some(by_mlt)) if by_text.frames != by_mlt.frames => {
            Found { frames: by_mlt.frames, clips: by_mlt.clips, uses: by_mlt.uses, ..by_text }
        }
        (Ok(by_text), _) => by_text,
        // What it plays lies in a playlist of ours, and in a playlist and a tractor of melt's.
        (Err(_), Some(by_mlt)) => Found { nesting_depth: by_mlt.nesting_depth.saturating_sub(3), ..by_mlt },
        (Err(what), None) => return Err(ProjectError::Indescribable { path: path.into(), what }),
    };
    let found = Found { reach: project.reach.clone(), ..found };
    let not_loaded = opened.map(|opened| not_loaded::counted(opened.not_loaded, &graph, folder));
    let is_known_by_mlt = text_frames != Some(found.frames);
    Ok(described(Project { not_loaded, is_known_by_mlt, ..project }, found))
}

/// The consumer's service, where the document has one.
fn consumer(graph: &Graph) -> Option<String> {
    graph.parts.iter().find_map(|part| match part {
        Part::Other(element) if element.name == "consumer" => {
            Some(element.service().unwrap_or("without a service").to_string())
        }
        _ => None,
    })
}

/// What is exported of a file: what it says, but for proxies, and a copy of it where MLT cannot be given the file itself.
fn with_originals(project: Project, graph: &mut Graph, has_relative_root: bool) -> Project {
    let proxies = proxies::put_originals(graph);
    let text = if proxies > 0 { write(graph) } else { project.text };
    Project { text, proxies, is_copy: proxies > 0 || has_relative_root, ..project }
}

/// What MLT's own account of a project says that it plays.
fn played(account: &str) -> Option<Found> {
    let graph = from_mlt_xml(account).ok()?;
    let root = PathBuf::from(graph.attributes.get("root").unwrap_or("/"));
    Search::new(&graph, root).run().ok()
}

/// A clip as it is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayedClip {
    /// The frame at which it begins.
    pub at: u64,
    /// Its medium as the file names it, or the id of a title or generator.
    pub name: String,
    /// Its place in the order of the walk.
    place: usize,
}

/// The clips in the order of play, the lower track first where several begin at once.
pub fn clips(graph: &Graph) -> Result<Vec<PlayedClip>, String> {
    let mut search = Search::new(graph, PathBuf::new());
    search.found.names = Some(Vec::new());
    let found = search.run()?;
    let names = found.names.unwrap_or_default();
    let played = found.clips.into_iter().zip(names).enumerate();
    let mut clips: Vec<_> = played.map(|(place, (at, name))| PlayedClip { at, name, place }).collect();
    clips.sort_by_key(|clip| clip.at);
    Ok(clips)
}

/// The way to a clip, by its number in the order of play, from 1. `None` where there are not as many.
pub fn way_to_clip(graph: &Graph, number: usize) -> Result<Option<Way>, String> {
    let clips = clips(graph)?;
    let wanted = number.checked_sub(1).and_then(|place| Some(clips.get(place)?.place));
    let Some(wanted) = wanted else { return Ok(None) };
    let mut search = Search::new(graph, PathBuf::new());
    search.wanted = Some(wanted);
    Ok(search.run()?.way)
}

/// A walk from what is played down to the files.
struct Search<'a> {
    graph: &'a Graph,
    base: PathBuf,
    services: HashMap<&'a str, &'a Service>,
    lengths: HashMap<&'a str, u64>,
    counted: HashSet<&'a str>,
    /// Where the items of each playlist begin, and the frame after the last.
    begins: HashMap<&'a str, Vec<u64>>,
    /// Entries whose filters are counted.
    counted_entries: HashSet<(&'a str, usize)>,
    /// The way to where the walk is.
    way: Vec<(&'a str, usize)>,
    /// The clip to which the way is looked for, in the order of the walk.
    wanted: Option<usize>,
    found: Found,
}

/// The part of a service that is played: its frames `from..to`, the first of which is at `at`.
#[derive(Debug, Clone, Copy)]
struct Window {
    at: u64,
    from: u64,
    to: u64,
    /// What of it the tracks above leave out.
    hide: Hide,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, base: PathBuf) -> Search<'a> {
        let (services, lengths) = (graph.by_id(), graph.lengths());
        Search {
            graph,
            base,
            services,
            lengths,
            counted: HashSet::new(),
            begins: HashMap::new(),
            counted_entries: HashSet::new(),
            way: Vec::new(),
            wanted: None,
            found: Found::default(),
        }
    }

    fn run(mut self) -> Result<Found, String> {
        let root = self.graph.root().ok_or("there is nothing to play")?;
        let frames = self.lengths.get(root.id.as_str()).copied();
        let frames = frames.ok_or(
            "a clip has neither in and out points nor a length: only MLT knows how long it is, and was not asked \
             (`inspect` and `plan` ask it with --probe) or did not open the project",
        )?;
        self.found.frames = frames;
        let first = root.points.first.unwrap_or(0);
        self.service(root, Window { at: 0, from: first, to: first + frames, hide: Hide::Nothing });
        let (tracks, depth) = self.shape();
        (self.found.tracks, self.found.nesting_depth) = (tracks, depth);
        Ok(self.found)
    }

    fn service(&mut self, service: &'a Service, window: Window) {
        self.count_effects(service);
        match &service.body {
            Body::Producer | Body::Chain => self.clip(service, window.at),
            Body::Playlist(items) => self.playlist(&service.id, items, window),
            Body::Tractor(tractor) => {
                for (number, track) in tractor.tracks.iter().enumerate() {
                    let first = track.points.first.unwrap_or(0);
                    let long = track.points.frames().or_else(|| self.lengths.get(track.of.as_str()).copied());
                    let to = (window.to + first).min(first + long.unwrap_or(window.to));
                    let from = window.from + first;
                    let hide = window.hide.and(track.hide);
                    if from < to && hide != Hide::Both {
                        self.way.push((&service.id, number));
                        self.service(self.services[track.of.as_str()], Window { from, to, hide, ..window });
                        self.way.pop();
                    }
                }
            }
        }
    }

    fn playlist(&mut self, id: &'a str, items: &'a [PlaylistItem], window: Window) {
        if !self.begins.contains_key(id) {
            let begins = self.all_begins(items);
            self.begins.insert(id, begins);
        }
        let begins_at = |number: usize| self.begins[id][number];
        let first = self.begins[id].partition_point(|&begins| begins <= window.from).saturating_sub(1);
        let last = self.begins[id].partition_point(|&begins| begins < window.to).min(items.len());
        let shown: Vec<_> =
            (first..last).map(|number| (number, begins_at(number), begins_at(number + 1))).collect();
        for (number, begins, ends) in shown {
            let (from, to) = (begins.max(window.from), ends.min(window.to));
            if let (PlaylistItem::Entry(entry), true) = (&items[number], from < to) {
                let service = self.services[entry.of.as_str()];
                let first = self.first(entry, service) + from - begins;
                let at = window.at + from - window.from;
                self.way.push((id, number));
                self.service(service, Window { at, from: first, to: first + to - from, ..window });
                self.way.pop();
                if self.counted_entries.insert((id, number)) {
                    self.count(entry.filters.iter());
                }
            }
        }
    }

    fn all_begins(&self, items: &[PlaylistItem]) -> Vec<u64> {
        let ends = items.iter().scan(0_u64, |end, item| {
            *end = end.saturating_add(self.frames(item));
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect()
    }

    fn frames(&self, item: &PlaylistItem) -> u64 {
        match item {
            PlaylistItem::Blank(frames) => *frames,
            PlaylistItem::Entry(entry) => {
                entry.frames(self.lengths.get(entry.of.as_str()).copied()).unwrap_or(0)
            }
        }
    }

    fn first(&self, entry: &Entry, service: &Service) -> u64 {
        let of_service = match service.body {
            Body::Producer | Body::Chain => service.points.first,
            Body::Playlist(_) | Body::Tractor(_) => None,
        };
        entry.points.first.or(of_service).unwrap_or(0)
    }

    fn clip(&mut self, service: &Service, at: u64) {
        if service.is_colour() {
            return;
        }
        if self.wanted == Some(self.found.clips.len()) {
            self.found.way = Some(self.way.iter().map(|(id, place)| (id.to_string(), *place)).collect());
        }
        self.found.clips.push(at);
        if let Some(names) = &mut self.found.names {
            names.push(service.medium().unwrap_or(&service.id).to_string());
        }
        if let Some(medium) = service.medium().filter(|medium| !medium.contains("://")) {
            let begin = service.value("begin").filter(|_| !medium.contains('?'));
            let from = begin.map_or_else(String::new, |begin| format!("?begin={begin}"));
            self.found.uses.push((at, self.base.join(format!("{medium}{from}"))));
        }
    }

    /// The effects of a service, once however often it is played.
    fn count_effects(&mut self, service: &'a Service) {
        if !self.counted.insert(&service.id) {
            return;
        }
        self.count(service.filters.iter());
        self.count_elements(&service.others);
        let Body::Tractor(tractor) = &service.body else { return };
        for planted in &tractor.planted {
            match planted {
                Planted::Filter(filter) => self.count([filter].into_iter()),
                Planted::Transition(transition) => count(&mut self.found.transitions, transition.service()),
            }
        }
        tractor.tracks.iter().for_each(|track| self.count_elements(&track.others));
    }

    /// Filters and links that are kept as elements.
    fn count_elements(&mut self, elements: &[Element]) {
        elements
            .iter()
            .filter_map(edit::effect_service)
            .for_each(|service| count(&mut self.found.filters, service));
    }

    fn count<'b>(&mut self, filters: impl Iterator<Item = &'b Effect>) {
        filters.for_each(|filter| count(&mut self.found.filters, filter.service()));
    }

    /// How many tracks play side by side at most, and how deep a clip is nested.
    fn shape(&self) -> (usize, usize) {
        let mut shapes: HashMap<&str, (usize, usize)> = HashMap::new();
        let mut last = (0, 0);
        for service in self.graph.services() {
            let below = service.links().into_iter().filter_map(|id| shapes.get(id).copied());
            let depth = below.clone().map(|(_, depth)| depth).max();
            last = match &service.body {
                Body::Producer | Body::Chain => (1, 0),
                Body::Playlist(_) => (below.map(|(wide, _)| wide).max().unwrap_or(1), depth.unwrap_or(0) + 1),
                Body::Tractor(_) => {
                    (below.fold(0, |sum: usize, (wide, _)| sum.saturating_add(wide)), depth.unwrap_or(0) + 1)
                }
            };
            shapes.insert(&service.id, last);
        }
        last
    }
}

fn count(counts: &mut std::collections::BTreeMap<String, usize>, service: &str) {
    *counts.entry(service.to_string()).or_default() += 1;
}
