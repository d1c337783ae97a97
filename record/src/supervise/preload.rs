//! Whether a library that the dynamic linker was to load first is really in the engine.

use std::fs;
use std::path::PathBuf;

/// The library, and what was last seen of it.
#[derive(Debug)]
pub struct Preload {
    /// As the kernel names it.
    library: PathBuf,
    is_loaded: Option<bool>,
}

impl Preload {
    /// Nothing was seen yet.
    pub fn of(library: PathBuf) -> Preload {
        Preload { library: fs::canonicalize(&library).unwrap_or(library), is_loaded: None }
    }

    /// Looks for it among what the process has mapped. It may not be there yet; once there, it stays.
    pub fn look_at(&mut self, process: i32) {
        if self.is_loaded == Some(true) {
            return;
        }
        // Of a process that has ended nothing is mapped.
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
        if !maps.is_empty() {
            let library = self.library.to_string_lossy();
            self.is_loaded = Some(maps.lines().any(|line| line.ends_with(&*library)));
        }
    }

    /// Whether it is loaded; `None` when the process was never seen.
    pub fn is_loaded(&self) -> Option<bool> {
        self.is_loaded
    }
}
