//! A project of an editor, opened to be described: what it plays, and what files it needs.
//!
//! What an export depends on is counted as it is played, from what MLT would play down: a clip in a
//! sequence that is used twice counts twice, a clip in an editor's bin not at all.

mod edit;
mod mlt;
mod reach;
mod rlvideo;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::mlt::{Graph, MltError, Profile, from_mlt_xml};
use crate::rlvideo::RlvideoError;

pub use edit::Edit;
pub use mlt::PlayedClip;
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
    /// Whether it is a copy with [changes](Edit) of what the file holds.
    pub is_copy: bool,
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
    /// Every file that it plays, absolute, in order of first use.
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

/// Opens a project.
///
/// # Errors
/// When the file cannot be read, is not what its ending says, or does not say how long it is; files
/// that it needs and that are missing are no error.
pub fn open(path: &Path) -> Result<Project, ProjectError> {
    let (format, text) = read(path)?;
    let absolute = absolute(path)?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let (profile, found) = match format {
        ProjectFormat::Mlt | ProjectFormat::Kdenlive => mlt::found(path, &text, folder)?,
        ProjectFormat::Rlvideo => rlvideo::found(path, &text, folder)?,
    };
    Ok(described(Project { path: absolute, format, text, profile, ..Project::default() }, found))
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
        let root = folder.join(graph.attributes.get("root").unwrap_or_default());
        graph.attributes.set("root", root.to_string_lossy());
    }
    Ok(graph)
}

fn read(path: &Path) -> Result<(ProjectFormat, String), ProjectError> {
    let format = ProjectFormat::of_path(path).ok_or_else(|| ProjectError::Unknown(path.into()))?;
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
        missing: sources.iter().filter(|path| !path.exists()).cloned().collect(),
        sources,
        cuts: found.clips,
        first_uses,
        transitions: found.transitions,
        filters: found.filters,
        reach: found.reach,
        ..project
    }
}
