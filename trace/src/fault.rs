//! Why a trace's file could not be written or read.

use std::io;
use std::path::PathBuf;

/// A file and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct TraceError {
    /// The file.
    pub path: PathBuf,
    /// What went wrong with it.
    #[source]
    pub source: FileFault,
}

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It could not be opened, read or written.
    #[error(transparent)]
    Io(io::Error),
    /// A line of it makes no sense.
    #[error("line {number}: {what}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A row of it is not what it should be.
    #[error("{0}")]
    Row(String),
}

impl TraceError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(&self.source, FileFault::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the file was read, and its content is at fault.
    pub fn is_content(&self) -> bool {
        match &self.source {
            FileFault::Io(error) => memreel_bounds::is_refusal(error),
            _ => true,
        }
    }
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> FileFault {
        FileFault::Io(error)
    }
}

impl From<csv::Error> for FileFault {
    fn from(error: csv::Error) -> FileFault {
        let what = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => FileFault::Io(error),
            _ => FileFault::Row(what),
        }
    }
}
