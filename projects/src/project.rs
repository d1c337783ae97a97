//! A project of an editor, opened to be described: what it plays, and what files it needs.
//!
//! What an export depends on is counted as it is played, from what MLT would play down: a clip in a
//! sequence that is used twice counts twice, a clip in an editor's bin not at all.

mod edit;
mod mlt;
mod not_loaded;
mod pictures;
mod proxies;
mod reach;
mod rlvideo;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::mlt::{Graph, MltError, Profile, from_mlt_xml};
use crate::rlvideo::RlvideoError;

pub use edit::Edit;
pub use mlt::PlayedClip;
pub use pictures::files;
pub use reach::{ProjectFetch, ProjectWrite, Reach};

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectFormat {
    /// MLT XML, as Shotcut, Flowblade and `melt -consumer xml` write it.
    Mlt,
    /// MLT XML with what Kdenlive adds.
    Kdenlive,
    /// JSON of the editor rlvideo.
    Rlvideo,
}

/// What a project is.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Where it lies, absolute.
    pub path: PathBuf,
    /// Whose it is.
    pub format: ProjectFormat,
    /// The file's text, or that of the copy.
    pub text: String,
    /// Whether MLT is to be given this text, and not the file: there are other files in it, or something is changed.
    pub is_copy: bool,
    /// Whether something of it was [changed](Edit).
    pub is_edited: bool,
    /// The pictures that it is composed of; `None` where the file leaves that to MLT.
    pub profile: Option<Profile>,
    /// How long it is.
    pub frames: u64,
    /// How many tracks play side by side at most.
    pub tracks: usize,
    /// How many clips it plays: pieces of files, titles, generators other than colours.
    pub clips: usize,
    /// How many playlists and tractors stand in each other down to a clip.
    pub nesting_depth: usize,
    /// Every file that it plays, absolute, in order of first use. A sequence of pictures is one, by its pattern:
    /// [`files`] finds the pictures.
    pub sources: Vec<PathBuf>,
    /// Those of them that are not there.
    pub missing: Vec<PathBuf>,
    /// Frames at which a clip begins, the first frame excepted; ascending, each once.
    pub cuts: Vec<u64>,
    /// For each of the sources the frame at which it is first used.
    pub first_uses: Vec<u64>,
    /// How many transitions of each kind.
    pub transitions: BTreeMap<String, usize>,
    /// How many filters of each kind, links of chains among them.
    pub filters: BTreeMap<String, usize>,
    /// What it would write and fetch, beside the export itself.
    pub reach: Reach,
    /// Whether only MLT knows how long it is: the file does not say it, or says something else than MLT plays.
    pub is_known_by_mlt: bool,
    /// The service of its own consumer. Exports have settings of their own.
    pub consumer: Option<String>,
    /// How many producers of the file play a proxy. The originals are in their place here, unless that was [changed
    /// back](Edit).
    pub proxies: usize,
    /// What MLT could not load of it, each with how often that is played: services by their names, producers by what
    /// they are to open. `None` where MLT was not asked.
    pub not_loaded: Option<BTreeMap<String, usize>>,
}

/// Why a file is no project that can be described.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// By its name it is nobody's.
    #[error("{}: not a project: its name must end in .mlt, .kdenlive or .rlvideo", .0.display())]
    Unknown(PathBuf),
    /// By its name it is another editor's.
    #[error(
        "{}: a project of {editor}, which memreel cannot open: save it as MLT XML if the editor can, or measure the editor's \
         own export with `memreel run --command` (docs/commands.md)",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        editor: &'static str,
    },
    /// It is a timeline that the exporter takes, and no project.
    #[error(
        "{}: an OpenTimelineIO timeline, not a project: `memreel run --command 'memreel-export {} {{output}}'` exports it",
        .0.display(), .0.display()
    )]
    Otio(PathBuf),
    /// It is not what its ending says.
    #[error("{}:{source}", path.display())]
    Mlt {
        /// The file.
        path: PathBuf,
        /// Where it is wrong, and how.
        source: MltError,
    },
    /// It is not what its ending says.
    #[error("{}:{source}", path.display())]
    Rlvideo {
        /// The file.
        path: PathBuf,
        /// Where it is wrong, and how.
        source: RlvideoError,
    },
    /// It is well-formed and cannot be described.
    #[error("{}: {what}", path.display())]
    Indescribable {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },
}

impl Project {
    /// Of what MLT says that it could not load, what is played, and how often.
    pub fn missed(&self, names: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
        let Ok(graph) = from_mlt_xml(&self.text) else { return BTreeMap::new() };
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        not_loaded::counted(names.into_iter().collect(), &graph, folder)
    }
}

impl ProjectFormat {
    /// The format of a file, by its ending.
    pub fn of_path(path: &Path) -> Option<ProjectFormat> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mlt" | "westley" => Some(ProjectFormat::Mlt),
            "kdenlive" => Some(ProjectFormat::Kdenlive),
            "rlvideo" => Some(ProjectFormat::Rlvideo),
            _ => None,
        }
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            ProjectFormat::Mlt => "mlt",
            ProjectFormat::Kdenlive => "kdenlive",
            ProjectFormat::Rlvideo => "rlvideo",
        }
    }
}

/// Endings of other editors' projects.
const FOREIGN: &[(&str, &str)] = &[
    ("aaf", "an editor that writes AAF"),
    ("aep", "After Effects"),
    ("blend", "Blender"),
    ("drp", "DaVinci Resolve"),
    ("edl", "an editor that writes edit decision lists"),
    ("fcpbundle", "Final Cut Pro"),
    ("fcpxml", "Final Cut Pro"),
    ("fcpxmld", "Final Cut Pro"),
    ("flb", "Flowblade"),
    ("imovieproj", "iMovie"),
    ("ove", "Olive"),
    ("osp", "OpenShot"),
    ("prproj", "Premiere Pro"),
    ("veg", "Vegas Pro"),
    ("vpj", "VideoPad"),
    ("wlmp", "Movie Maker"),
    ("xges", "GStreamer Editing Services (as Pitivi writes them)"),
];

/// That a file is the project of an editor whose projects memreel cannot open, by its ending; `None` for others.
pub fn foreign(path: &Path) -> Option<ProjectError> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    if ending == "otio" {
        return Some(ProjectError::Otio(path.into()));
    }
    let (_, editor) = FOREIGN.iter().find(|(known, _)| *known == ending)?;
    Some(ProjectError::Foreign { path: path.into(), editor })
}

impl fmt::Display for ProjectFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProjectFormat::Mlt => "MLT XML",
            ProjectFormat::Kdenlive => "Kdenlive",
            ProjectFormat::Rlvideo => "rlvideo",
        })
    }
}

/// What is found in a project on the way down from what is played.
#[derive(Debug, Default)]
struct Found {
    frames: u64,
    tracks: usize,
    nesting_depth: usize,
    clips: Vec<u64>,
    /// What each clip plays, where that was asked for.
    names: Option<Vec<String>>,
    /// The way to a clip that was looked for.
    way: Option<crate::mlt::edit::Way>,
    /// Files as they are used, with the frame.
    uses: Vec<(u64, PathBuf)>,
    transitions: BTreeMap<String, usize>,
    filters: BTreeMap<String, usize>,
    reach: Reach,
}

/// A project as MLT opened it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// The graph that MLT made of it, in MLT XML: with every length known.
    pub graph: String,
    /// What it could not load, in its own words: a service's name, or what a producer was to open.
    pub not_loaded: BTreeSet<String>,
}

/// Opens a project, and describes it by what the file says.
///
/// # Errors
/// When the file cannot be read, is not what its ending says, or does not say how long it is; files
/// that it needs and that are missing are no error.
pub fn open(path: &Path) -> Result<Project, ProjectError> {
    open_as_played(path, &|_| None)
}

/// Opens a project, and describes it by what MLT plays: `ask` has MLT open it, or returns `None` where that cannot be
/// done; then the file's word counts. A project that reaches for more than its media is not opened.
///
/// # Errors
/// As [`open`]; the length may be MLT's word alone.
pub fn open_as_played(
    path: &Path,
    ask: &dyn Fn(&Project) -> Option<Opened>,
) -> Result<Project, ProjectError> {
    let (format, text) = read(path)?;
    let absolute = absolute(path)?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let project = Project { path: absolute.clone(), format, text, ..Project::default() };
    match format {
        ProjectFormat::Mlt | ProjectFormat::Kdenlive => mlt::describe(path, project, folder, ask),
        ProjectFormat::Rlvideo => {
            let (profile, found) = rlvideo::found(path, &project.text, folder)?;
            Ok(described(Project { profile, ..project }, found))
        }
    }
}

/// Opens the graph of a project in MLT XML. Its `root` is made absolute, so that relative paths in it
/// mean the same files wherever it is written.
///
/// # Errors
/// When the file cannot be read or is no MLT XML.
pub fn open_graph(path: &Path) -> Result<Graph, ProjectError> {
    let (format, text) = read(path)?;
    if format == ProjectFormat::Rlvideo {
        let what = "an rlvideo project has no layout; `memreel inspect` describes it".into();
        return Err(ProjectError::Indescribable { path: path.into(), what });
    }
    let mut graph = from_mlt_xml(&text).map_err(|source| ProjectError::Mlt { path: path.into(), source })?;
    let absolute = absolute(path)?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let is_relative = |medium: &str| !medium.starts_with('/') && !medium.contains("://");
    if graph.services().filter_map(|service| service.medium()).any(is_relative) {
        let root = graph.root_folder(folder);
        graph.attributes.set("root", root.to_string_lossy());
    }
    Ok(graph)
}

fn read(path: &Path) -> Result<(ProjectFormat, String), ProjectError> {
    let unknown = || foreign(path).unwrap_or_else(|| ProjectError::Unknown(path.into()));
    let format = ProjectFormat::of_path(path).ok_or_else(unknown)?;
    let bytes = memreel_bounds::read(path, memreel_bounds::PROJECT_BYTES)
        .map_err(|source| ProjectError::Unreadable { path: path.into(), source })?;
    let not_text = |_| ProjectError::Indescribable { path: path.into(), what: "not UTF-8 text".into() };
    Ok((format, String::from_utf8(bytes).map_err(not_text)?))
}

fn absolute(path: &Path) -> Result<PathBuf, ProjectError> {
    std::path::absolute(path).map_err(|source| ProjectError::Unreadable { path: path.into(), source })
}

impl Default for Project {
    fn default() -> Project {
        Project {
            path: PathBuf::new(),
            format: ProjectFormat::Mlt,
            text: String::new(),
            is_copy: false,
            is_edited: false,
            profile: None,
            frames: 0,
            tracks: 0,
            clips: 0,
            nesting_depth: 0,
            sources: Vec::new(),
            missing: Vec::new(),
            cuts: Vec::new(),
            first_uses: Vec::new(),
            transitions: BTreeMap::new(),
            filters: BTreeMap::new(),
            reach: Reach::default(),
            is_known_by_mlt: false,
            consumer: None,
            proxies: 0,
            not_loaded: None,
        }
    }
}

fn described(project: Project, mut found: Found) -> Project {
    found.uses.sort_by_key(|(at, _)| *at);
    let mut seen = std::collections::HashSet::new();
    found.uses.retain(|(_, path)| seen.insert(path.clone()));
    let clips = found.clips.len();
    found.clips.retain(|&at| at > 0);
    found.clips.sort_unstable();
    found.clips.dedup();
    let (first_uses, sources): (Vec<u64>, Vec<PathBuf>) = found.uses.into_iter().unzip();
    Project {
        frames: found.frames,
        tracks: found.tracks,
        clips,
        nesting_depth: found.nesting_depth,
        missing: sources.iter().filter(|path| pictures::files(path).is_empty()).cloned().collect(),
        sources,
        cuts: found.clips,
        first_uses,
        transitions: found.transitions,
        filters: found.filters,
        reach: found.reach,
        ..project
    }
}
