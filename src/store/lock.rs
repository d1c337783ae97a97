//! One writer at a time: what a result or a baseline is written under.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock, major, minor};

use crate::store::StoreError;

/// The sole right to write in a folder. It ends with this value, or with the process, however that ends.
///
/// The folder itself is locked (`flock(2)`): no file is left behind. Where the file system has no such locks, there is
/// none, and nobody is kept out.
#[derive(Debug)]
pub struct Lock {
    _folder: File,
}

/// Who holds a lock; `None` where the system does not say, as of a process in another container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(Option<i32>);

impl Lock {
    /// Locks a folder, unless another process has.
    ///
    /// # Errors
    /// When another process writes there, or the folder cannot be opened.
    pub fn take(folder: &Path) -> Result<Lock, StoreError> {
        let file = open(folder)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(StoreError::InUse { path: folder.to_path_buf(), by: holder_of(&file) })
            }
            Ok(()) | Err(_) => Ok(Lock { _folder: file }),
        }
    }

    /// Locks a folder as soon as no other process has.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub fn wait(folder: &Path) -> Result<Lock, StoreError> {
        let file = open(folder)?;
        while flock(&file, FlockOperation::LockExclusive) == Err(rustix::io::Errno::INTR) {}
        Ok(Lock { _folder: file })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}

fn open(folder: &Path) -> Result<File, StoreError> {
    File::open(folder).map_err(|source| StoreError::Io { path: folder.to_path_buf(), source })
}

fn holder_of(folder: &File) -> Holder {
    let known = || -> io::Result<Option<i32>> {
        let meta = folder.metadata()?;
        let device = (major(meta.dev()), minor(meta.dev()));
        Ok(holder_in(&fs::read_to_string("/proc/locks")?, device, meta.ino()))
    };
    Holder(known().ok().flatten())
}

/// Who holds the lock of a file, in the text of `/proc/locks`: `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF`, of which
/// the numbers of the device are hexadecimal.
fn holder_in(text: &str, (major, minor): (u32, u32), inode: u64) -> Option<i32> {
    let file = format!("{major:02x}:{minor:02x}:{inode}");
    let locks = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let holder = locks.filter(|words| words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&file.as_str()));
    holder.filter_map(|words| words[4].parse().ok()).find(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_free_again_when_the_lock_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).unwrap_err().to_string();
        let held = format!("is being written by process {}", std::process::id());
        assert!(error.contains(&held), "{error}");
        drop(lock);
        Lock::take(folder.path()).unwrap();
    }

    #[test]
    fn the_holder_is_found_by_device_and_inode() {
        let text = "1: POSIX  ADVISORY  WRITE 7 fe:00:131 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF\n\
                    2: -> FLOCK  ADVISORY  WRITE 9 fe:00:131 0 EOF\n3: FLOCK  ADVISORY  WRITE 0 fe:00:132 0 EOF\n";
        assert_eq!(holder_in(text, (0xfe, 0), 131), Some(4711));
        assert_eq!(holder_in(text, (0xfe, 0), 132), None);
        assert_eq!(Holder(None).to_string(), "another process");
    }
}
