//! Where a recording's files lie.

use std::ffi::OsStr;
use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The names of a recording's files: a folder that holds nothing else is an old recording.
const NAMES: [&str; 5] = ["recording.json", "samples.csv", "threads.csv", "processes.csv", "events.csv"];

/// The folder of a recording.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    is_kept: bool,
}

impl Folder {
    /// A folder to keep: made where there is none. One that is not empty is refused; with `replace` an old
    /// recording in it is removed first.
    ///
    /// # Errors
    /// When it is not empty, or cannot be made or written.
    pub fn to_keep(path: &Path, replace: bool) -> std::io::Result<Folder> {
        fs::create_dir_all(path)?;
        let found = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        let is_ours = |name: &OsStr| NAMES.iter().any(|ours| name == *ours);
        if found.iter().any(|entry| !is_ours(&entry.file_name())) {
            return Err(refusal("it contains more than an old recording"));
        }
        if !found.is_empty() && !replace {
            return Err(refusal("it contains a recording; --force replaces it"));
        }
        // The record first: without it nobody takes what is left for whole.
        for name in NAMES {
            match fs::remove_file(path.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(Folder { path: path.to_path_buf(), is_kept: true })
    }

    /// A folder in the system's place for temporary files, for ourselves alone; it goes with this.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn temporary() -> std::io::Result<Folder> {
        let place = std::env::temp_dir();
        for attempt in 0..1000 {
            let path = place.join(format!("memreel-{}-{attempt}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Folder { path, is_kept: false }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::new(error.kind(), format!("{}: {error}", place.display()))),
            }
        }
        Err(Error::new(ErrorKind::AlreadyExists, format!("{} is full of old folders", place.display())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn refusal(why: &str) -> Error {
    Error::new(ErrorKind::DirectoryNotEmpty, why)
}

/// Whether a file could be written here later. What is in it stays as it is.
///
/// # Errors
/// Why it could not.
pub fn check_writable(path: &Path) -> std::io::Result<()> {
    match fs::OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::OpenOptions::new().write(true).create_new(true).open(path)?;
            fs::remove_file(path)
        }
        opened => opened.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_old_recording_is_replaced_and_only_when_asked() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("new").join("folder");
        drop(Folder::to_keep(&folder, false).unwrap());
        fs::write(folder.join("samples.csv"), "old").unwrap();
        let refused = Folder::to_keep(&folder, false).unwrap_err().to_string();
        assert!(refused.contains("--force"), "{refused}");
        assert!(folder.join("samples.csv").exists());
        drop(Folder::to_keep(&folder, true).unwrap());
        assert!(!folder.join("samples.csv").exists());
        fs::write(folder.join("thesis.tex"), "years of work").unwrap();
        assert!(Folder::to_keep(&folder, true).unwrap_err().to_string().contains("more than"));
        assert!(folder.join("thesis.tex").exists());
    }

    #[test]
    fn a_temporary_folder_goes_with_its_owner() {
        let folder = Folder::temporary().unwrap();
        let path = folder.path().to_path_buf();
        fs::write(path.join("samples.csv"), "text").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn asking_whether_a_file_can_be_written_leaves_no_trace() {
        let place = tempfile::tempdir().unwrap();
        let (new, old) = (place.path().join("new"), place.path().join("old"));
        fs::write(&old, "text").unwrap();
        check_writable(&new).unwrap();
        check_writable(&old).unwrap();
        assert!(!new.exists());
        assert_eq!(fs::read_to_string(&old).unwrap(), "text");
        assert!(check_writable(&place.path().join("nowhere").join("file")).is_err());
    }
}
