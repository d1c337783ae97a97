//! A project in an application's own format (stub).

use std::path::{Path, PathBuf};

use crate::timeline::mlt_xml::Profile;

/// Formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectFormat {
    /// MLT XML.
    Mlt,
    /// Kdenlive.
    Kdenlive,
    /// rlvideo.
    Rlvideo,
}

impl ProjectFormat {
    /// By a file's ending.
    pub fn of(path: &Path) -> Option<ProjectFormat> {
        match path.extension()?.to_str()? {
            "mlt" => Some(ProjectFormat::Mlt),
            "kdenlive" => Some(ProjectFormat::Kdenlive),
            "rlvideo" => Some(ProjectFormat::Rlvideo),
            _ => None,
        }
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its file.
    pub path: PathBuf,
    /// Its format.
    pub format: ProjectFormat,
    /// Its text.
    pub text: String,
    /// Its profile.
    pub profile: Profile,
    /// Frames.
    pub frames: u64,
    /// Clips.
    pub clips: u64,
    /// Media.
    pub sources: Vec<PathBuf>,
    /// Cuts.
    pub cuts: Vec<u64>,
    /// First uses.
    pub first_uses: Vec<u64>,
}

/// Error.
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct ProjectError;

/// Opens.
///
/// # Errors
/// Always.
pub fn open(_path: &Path) -> Result<Project, ProjectError> {
    Err(ProjectError)
}
