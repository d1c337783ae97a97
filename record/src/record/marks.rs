//! Moments that the user marks: lines that come through a named pipe.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use rustix::io::Errno;

/// A longer label is cut.
const LONGEST: usize = 200;

/// A named pipe of which each line is a mark.
#[derive(Debug)]
pub struct Marks {
    pipe: File,
    /// Where it is removed again.
    made: Option<PathBuf>,
}

impl Marks {
    /// Opens the pipe; makes it, for its owner alone, where there is none.
    ///
    /// # Errors
    /// When there is something else in its place, or it cannot be made.
    pub fn open(path: &Path) -> std::io::Result<Marks> {
        let made = match mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR) {
            Ok(()) => Some(path.to_path_buf()),
            Err(Errno::EXIST) => None,
            Err(error) => return Err(error.into()),
        };
        if !std::fs::metadata(path)?.file_type().is_fifo() {
            return Err(std::io::Error::other("it exists and is not a named pipe"));
        }
        // Open for writing, too: the pipe then never ends, however many writers come and go.
        let flags = OFlags::NONBLOCK.bits() as i32;
        let pipe = std::fs::OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
        Ok(Marks { pipe, made })
    }

    /// The labels that came since last asked; empty lines are marks without one. What a writer did not
    /// end with a line's end is a label as it is: it comes in one piece.
    pub fn read(&mut self) -> Vec<String> {
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = self.pipe.read(&mut chunk) {
            text.extend(&chunk[..length]);
        }
        labels(&text)
    }
}

fn labels(text: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(text).lines().map(|line| line.trim().chars().take(LONGEST).collect()).collect()
}

impl AsFd for Marks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(path: &Path, text: &str) {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn writers_come_and_go_and_every_line_is_a_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let mut marks = Marks::open(&path).unwrap();
        assert!(marks.read().is_empty());
        write(&path, "loaded\n\n");
        write(&path, "no end");
        assert_eq!(marks.read(), ["loaded", "", "no end"]);
        write(&path, "again\n");
        assert_eq!(marks.read(), ["again"]);
        drop(marks);
        assert!(!path.exists());
    }

    #[test]
    fn a_pipe_that_was_there_stays_and_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        drop(Marks::open(&path).unwrap());
        assert!(path.exists());
        let file = folder.path().join("file");
        std::fs::write(&file, "text").unwrap();
        assert!(Marks::open(&file).unwrap_err().to_string().contains("not a named pipe"));
    }
}
