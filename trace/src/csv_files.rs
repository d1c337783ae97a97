//! The time series of a job as CSV files: written as they come, read leniently.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use memreel_bounds as bounds;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::{FileFault, TraceError};
use crate::lines::WholeText;
use crate::{Event, ProcessSample, Sample, ThreadSample};

/// Whether a path is not that of a file of its own: a pipe, a device, or a descriptor of ours that stands for
/// whatever it was opened as.
pub fn is_special(path: &Path) -> bool {
    let is_no_file = std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    is_no_file
        || ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"].iter().any(|folder| path.starts_with(folder))
}

/// Creates a file; what [is special](is_special) is opened as it is, and nothing is cut off.
///
/// # Errors
/// When it cannot be opened for writing.
pub fn create(path: &Path) -> std::io::Result<File> {
    match is_special(path) {
        true => std::fs::OpenOptions::new().append(true).open(path),
        false => File::create(path),
    }
}

/// A CSV file of one kind of row, open for writing.
pub struct CsvFile<Row> {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
    rows: PhantomData<Row>,
}

impl<Row: Serialize> CsvFile<Row> {
    /// Creates the file; the header comes with the first row.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path) -> Result<CsvFile<Row>, TraceError> {
        let file = create(path)
            .map_err(|error| TraceError { path: path.to_path_buf(), source: FileFault::Io(error) })?;
        let writer = csv::Writer::from_writer(BufWriter::new(file));
        Ok(CsvFile { path: path.to_path_buf(), writer, rows: PhantomData })
    }

    /// Adds a row; it is on disk after the next [`CsvFile::flush`].
    ///
    /// # Errors
    /// When the disk is full or the file cannot be written.
    pub fn write(&mut self, row: &Row) -> Result<(), TraceError> {
        self.writer
            .serialize(row)
            .map_err(|error| TraceError { path: self.path.clone(), source: FileFault::from(error) })
    }

    /// Hands everything written so far to the kernel.
    ///
    /// # Errors
    /// When the disk is full or the file cannot be written.
    pub fn flush(&mut self) -> Result<(), TraceError> {
        self.writer
            .flush()
            .map_err(|error| TraceError { path: self.path.clone(), source: FileFault::Io(error) })
    }
}

/// Reads `samples.csv` with all its columns, row by row: for traces that are short. Everything that judges
/// or draws reads a [`Series`](crate::Series).
///
/// A last line that a kill cut short is left out.
///
/// # Errors
/// When the file is missing, or a row before the last makes no sense.
pub fn read_samples(path: &Path) -> Result<Vec<Sample>, TraceError> {
    read(path)
}

/// Reads `threads.csv`, as [`read_samples`].
///
/// # Errors
/// As [`read_samples`].
pub fn read_threads(path: &Path) -> Result<Vec<ThreadSample>, TraceError> {
    read(path)
}

/// Reads `processes.csv`, as [`read_samples`].
///
/// # Errors
/// As [`read_samples`].
pub fn read_processes(path: &Path) -> Result<Vec<ProcessSample>, TraceError> {
    read(path)
}

/// Reads `events.csv`, as [`read_samples`].
///
/// # Errors
/// As [`read_samples`].
pub fn read_events(path: &Path) -> Result<Vec<Event>, TraceError> {
    read(path)
}

fn read<Row: DeserializeOwned>(path: &Path) -> Result<Vec<Row>, TraceError> {
    let failed = |source| TraceError { path: path.to_path_buf(), source };
    let file = bounds::open(path, bounds::KEPT_TABLE_BYTES).map_err(FileFault::Io).map_err(failed)?;
    let text = WholeText::of(BufReader::new(file));
    let rows = csv::Reader::from_reader(text).into_deserialize().collect::<Result<_, _>>();
    rows.map_err(FileFault::from).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, Count};

    fn written(rows: &[Sample]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.csv");
        let mut file = CsvFile::create(&path).unwrap();
        rows.iter().for_each(|row| file.write(row).unwrap());
        file.flush().unwrap();
        (folder, path)
    }

    fn rows() -> Vec<Sample> {
        let first = Sample { t_s: 0.02, rss_bytes: Some(Bytes::from_mib(3)), ..Sample::default() };
        vec![first, Sample { t_s: 0.04, frames_in: Some(Count::ZERO), cpu_s: Some(0.0), ..first }]
    }

    #[test]
    fn unmeasured_cells_stay_unmeasured_and_zeros_stay_zeros() {
        let (_folder, path) = written(&rows());
        assert_eq!(read_samples(&path).unwrap(), rows());
    }

    #[test]
    fn a_file_killed_mid_write_still_loads() {
        let (_folder, path) = written(&rows());
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 4]).unwrap();
        assert_eq!(read_samples(&path).unwrap(), rows()[..1]);
    }

    #[test]
    fn nonsense_in_the_middle_is_named_with_its_line() {
        let (_folder, path) = written(&rows());
        let text = std::fs::read_to_string(&path).unwrap().replace("0.02,", "soon,");
        std::fs::write(&path, text).unwrap();
        let error = read_samples(&path).unwrap_err().to_string();
        assert!(error.contains("samples.csv") && error.contains("line"), "{error}");
    }
}
