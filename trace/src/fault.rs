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
    pub source: Fault,
}

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
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
        matches!(&self.source, Fault::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the file was read, and its content is at fault.
    pub fn is_content(&self) -> bool {
        !matches!(&self.source, Fault::Io(_))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl From<csv::Error> for Fault {
    fn from(error: csv::Error) -> Fault {
        let what = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Fault::Io(error),
            _ => Fault::Row(what),
        }
    }
}
