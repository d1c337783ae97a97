//! Generated media that are kept: whether a file is still the one that was made.
//!
//! Beside a file lies a record of it, `NAME.json`. As long as size and time of modification are those of the record, the
//! file is taken for whole; otherwise its content is read and held against the digest.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest;
use crate::store::{self, StoreError};

/// What a file was when it was made.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified_ns: i64,
    digest: String,
}

impl Record {
    fn of(file: &Path) -> io::Result<Record> {
        let digest = digest::of_reader(fs::File::open(file)?)?;
        let meta = fs::metadata(file)?;
        Ok(Record { bytes: meta.len(), modified_ns: modified_ns(&meta), digest })
    }
}

fn modified_ns(meta: &fs::Metadata) -> i64 {
    meta.mtime() * 1_000_000_000 + meta.mtime_nsec()
}

fn record_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// Moves a file that was made to its place, after its record: of what lies at its place without a record that fits,
/// nobody knows whether it is whole.
///
/// # Errors
/// When it cannot be read or moved.
pub fn keep(made: &Path, place: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Io { path: made.to_path_buf(), source };
    let record = Record::of(made).and_then(|record| Ok(serde_json::to_vec(&record)?)).map_err(failed)?;
    store::write_in_place(&record_of(place), &record)?;
    store::put(made, place)
}

/// Whether a file is there, and is what was made.
pub fn is_whole(file: &Path) -> bool {
    let kept = fs::read(record_of(file)).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
    let Some((kept, meta)) = kept.zip(fs::metadata(file).ok()) else { return false };
    let untouched = kept.bytes == meta.len() && kept.modified_ns == modified_ns(&meta);
    untouched || is_copy(file, &kept)
}

/// A copy of a cache has the same content and other times, which are kept from now on.
fn is_copy(file: &Path, kept: &Record) -> bool {
    let Ok(found) = Record::of(file) else { return false };
    let same = found.digest == kept.digest;
    if let Some(text) = serde_json::to_vec(&found).ok().filter(|_| same) {
        let _ = store::write_in_place(&record_of(file), &text);
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_file_is_whole_until_its_content_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (made, place) = (folder.path().join("made"), folder.path().join("place"));
        fs::write(&made, "content").unwrap();
        keep(&made, &place).unwrap();
        assert!(is_whole(&place));
        // Touched, or copied to another machine.
        fs::write(&place, "content").unwrap();
        assert!(is_whole(&place));
        fs::write(&place, "c0ntent").unwrap();
        assert!(!is_whole(&place));
        fs::write(&place, "cont").unwrap();
        assert!(!is_whole(&place));
        fs::remove_file(record_of(&place)).unwrap();
        assert!(!is_whole(&place));
    }
}
