//! What a project may reach for while it is exported, as the user allows it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use memreel_projects::project::{Project, ProjectWrite};

/// The options. No scenario can say this: it may be as strange as the project.
#[derive(Debug, Args)]
pub struct Allowed {
    /// Let the project fetch what it names by URLs and other protocols of FFmpeg (`memreel inspect` lists them)
    #[arg(long)]
    allow_network: bool,
    /// Let engines, and filters of the project, write in this folder; repeatable. Elsewhere they can write only in the
    /// result's folder and in temporary folders, if the kernel has Landlock
    #[arg(long, value_name = "DIR")]
    allow_write: Vec<PathBuf>,
}

impl Allowed {
    /// The folders in which engines may write.
    ///
    /// # Errors
    /// When one of them does not exist.
    pub fn folders(&self) -> Result<Vec<PathBuf>, Failure> {
        let real = |folder: &PathBuf| {
            let failed = |error| Failure::usage(format!("--allow-write {}: {error}", folder.display()));
            folder.canonicalize().map_err(failed)
        };
        self.allow_write.iter().map(real).collect()
    }

    /// Whether a project does nothing that is not allowed.
    ///
    /// # Errors
    /// In one line, the first thing that it does, and what allows it.
    pub fn check(&self, project: &Project) -> Result<(), Failure> {
        let refused = |by: &str, does: String, option: String| {
            let path = project.path.display();
            let message = format!("{path}: {by} {does}; {option} allows it, `memreel inspect` lists all");
            Failure::usage(message)
        };
        let fetch = project.reach.fetches.first().filter(|_| !self.allow_network);
        if let Some(fetch) = fetch {
            return Err(refused(&fetch.by, format!("fetches {}", fetch.url), "--allow-network".into()));
        }
        let folders = self.folders()?;
        let is_allowed =
            |write: &&ProjectWrite| folders.iter().any(|folder| real(&write.file).starts_with(folder));
        let mut writes = project.reach.writes.iter().filter(|write| write.in_an_export);
        if let Some(write) = writes.find(|write| !is_allowed(write)) {
            let folder = write.file.parent().unwrap_or(Path::new("/")).display();
            let does = format!("writes {}", write.file.display());
            return Err(refused(&write.by, does, format!("--allow-write {folder}")));
        }
        Ok(())
    }
}

/// The file without links and `..` on the way to it, as far as it exists.
fn real(file: &Path) -> PathBuf {
    let there = file.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    match there {
        Some((folder, real)) => real.join(file.strip_prefix(folder).unwrap_or(Path::new(""))),
        None => file.to_path_buf(),
    }
}
