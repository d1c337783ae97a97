//! Recordings on disk, whoever made them.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{StoreError, read_versioned};
use crate::trace::{
    self, Event, Machine, Memory, Outcome, RECORDING_FORMAT, RecordingRecord, RunRecord, Series,
    SeriesFormat, TraceError,
};
use crate::units::Bytes;

/// What can be read, for who gave something else.
pub const READABLE: &str = "the folder of a recording or of a job of memreel's, its samples.csv, \
                            a log of psrecord (plain or CSV), a .dat file of mprof";

/// A recording, opened: what is known of it apart from its samples, which are not yet read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The file or folder that it was opened from.
    pub path: PathBuf,
    /// The file of its samples.
    pub samples: PathBuf,
    /// How they are written.
    pub format: SeriesFormat,
    /// How long it took, in seconds, where that is known better than from the last sample.
    pub wall_s: Option<f64>,
    /// The largest resident set of any single process, as the kernel keeps it.
    pub high_water: Option<Bytes>,
    /// How it ended, where that is known.
    pub outcome: Option<Outcome>,
    /// Where it was recorded, where that is known.
    pub machine: Option<Machine>,
    /// What happened meanwhile.
    pub events: Vec<Event>,
}

impl Recording {
    /// Reads the samples, keeping these kinds of memory.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it makes no sense. Of a folder whose samples are missing
    /// there are none.
    pub fn series(&self, memory: &[Memory]) -> Result<Series, TraceError> {
        match trace::read_series(&self.samples, self.format, memory) {
            Err(error) if error.is_missing() && self.path != self.samples => Ok(Series::default()),
            series => series,
        }
    }

    fn of_samples(path: &Path, samples: PathBuf, format: SeriesFormat) -> Recording {
        Recording {
            path: path.to_path_buf(),
            samples,
            format,
            wall_s: None,
            high_water: None,
            outcome: None,
            machine: None,
            events: Vec::new(),
        }
    }
}

/// Opens a recording: what is there is told by its content, never by its name.
///
/// # Errors
/// When there is nothing, when it is none of what can be read, or of a later version.
pub fn open_recording(path: &Path) -> Result<Recording, StoreError> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => open_folder(path),
        Ok(meta) if meta.is_file() => open_file(path),
        Ok(_) => Err(no_recording(path, "neither a file nor a folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(no_recording(path, "not there")),
        Err(source) => Err(StoreError::Io { path: path.to_path_buf(), source }),
    }
}

fn no_recording(path: &Path, what: impl Into<String>) -> StoreError {
    StoreError::NoRecording { path: path.to_path_buf(), what: what.into() }
}

fn open_folder(folder: &Path) -> Result<Recording, StoreError> {
    let samples = folder.join("samples.csv");
    let recording = Recording::of_samples(folder, samples, SeriesFormat::Samples);
    let recording = Recording { events: events(folder)?, ..recording };
    if let Some(record) = record::<RecordingRecord>(folder, "recording.json", RECORDING_FORMAT)? {
        return Ok(Recording {
            wall_s: Some(record.wall_s),
            high_water: record.high_water_bytes,
            outcome: record.outcome,
            machine: Some(record.machine),
            ..recording
        });
    }
    if let Some(record) = record::<RunRecord>(folder, "run.json", trace::FORMAT)? {
        return Ok(Recording {
            wall_s: Some(record.wall_s),
            high_water: record.max_rss_bytes,
            outcome: Some(record.outcome),
            machine: Some(record.machine),
            ..recording
        });
    }
    // A recording that was killed has no record yet.
    if recording.samples.is_file() {
        let format = open_file(&recording.samples)?.format;
        return Ok(Recording { format, ..recording });
    }
    Err(no_recording(folder, what_folder(folder)))
}

fn what_folder(folder: &Path) -> &'static str {
    if folder.join("result.json").is_file() {
        "a whole result, of which each folder under jobs/ is a recording (`memreel report` tells it all)"
    } else {
        "a folder without recording.json, run.json or samples.csv"
    }
}

fn record<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    known: &'static str,
) -> Result<Option<T>, StoreError> {
    let path = folder.join(name);
    path.is_file().then(|| read_versioned(&path, known)).transpose()
}

fn events(folder: &Path) -> Result<Vec<Event>, TraceError> {
    match trace::read_events(&folder.join("events.csv")) {
        Err(error) if error.is_missing() => Ok(Vec::new()),
        events => events,
    }
}

fn open_file(path: &Path) -> Result<Recording, StoreError> {
    let line = trace::first_line(path)?;
    match SeriesFormat::of_first_line(&line) {
        Some(format) => Ok(Recording::of_samples(path, path.to_path_buf(), format)),
        None => Err(no_recording(path, what_file(&line))),
    }
}

/// What a file looks like that is no recording.
fn what_file(line: &str) -> String {
    let odd = |c: char| c == char::REPLACEMENT_CHARACTER || (c.is_control() && c != '\t');
    match line {
        "" => "an empty file, or one that begins with an empty line".into(),
        line if line.contains(odd) => "not a text".into(),
        line if line.starts_with('{') => "JSON".into(),
        line if line.contains(',') => format!("a table of other columns (`{}`)", shortened(line)),
        line => format!("a text that begins with `{}`", shortened(line)),
    }
}

fn shortened(line: &str) -> String {
    const LONGEST: usize = 40;
    let start: String = line.chars().take(LONGEST).collect();
    if line.chars().count() > LONGEST { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
    }

    const REAL: [(&str, SeriesFormat); 7] = [
        ("psrecord.txt", SeriesFormat::Psrecord),
        ("psrecord-io.txt", SeriesFormat::Psrecord),
        ("psrecord.csv", SeriesFormat::PsrecordCsv),
        ("psrecord-io.csv", SeriesFormat::PsrecordCsv),
        ("mprof.dat", SeriesFormat::Mprof),
        ("mprof-children.dat", SeriesFormat::Mprof),
        ("mprof-func.dat", SeriesFormat::Mprof),
    ];

    #[test]
    fn what_others_recorded_is_told_by_its_content_and_read_to_its_end() {
        for (name, format) in REAL {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("anything.at.all");
            fs::copy(data(name), &path).unwrap();
            let recording = open_recording(&path).unwrap();
            assert_eq!(recording.format, format, "{name}");
            let series = recording.series(&Memory::JUDGED).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let samples = text.lines().filter(|line| line.starts_with(|c: char| "M 0123456789".contains(c)));
            assert_eq!(series.len(), samples.count(), "{name}");
            assert_eq!(series.memory(Memory::Rss).measured().count(), series.len(), "{name}");
            assert_eq!(series.written().is_measured(), name.contains("io"), "{name}");
        }
    }

    #[test]
    fn a_recording_cut_short_anywhere_is_read_or_refused_in_words() {
        for (name, _) in REAL {
            let whole = fs::read(data(name)).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            // All lines but the first and the last are alike.
            for end in (0..300).chain(whole.len() - 300..whole.len()) {
                fs::write(&path, &whole[..end]).unwrap();
                match open_recording(&path) {
                    Ok(recording) => drop(recording.series(&Memory::JUDGED).unwrap()),
                    Err(error) => {
                        let told = error.to_string();
                        assert!(end < 100 && told.contains(name) && told.lines().count() == 1, "{told}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_recording_is_told_what_it_looks_like_and_what_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        let told = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            open_recording(&path).unwrap_err().to_string()
        };
        for (content, looks) in [
            (b"".as_slice(), "empty"),
            (b"\x89PNG\r\n", "not a text"),
            (b"{\"rss\": 1}\n", "JSON"),
            (b"time,rss\n0,1\n", "other columns (`time,rss`)"),
            (b"Hello\n", "begins with `Hello`"),
        ] {
            let told = told(content);
            assert!(told.contains(looks) && told.contains("psrecord") && told.contains("mprof"), "{told}");
            assert!(told.starts_with(path.to_str().unwrap()), "{told}");
        }
        let told = open_recording(folder.path()).unwrap_err().to_string();
        assert!(told.contains("without recording.json"), "{told}");
        let told = open_recording(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(told.contains("nowhere: not there"), "{told}");
    }

    #[test]
    fn a_folder_of_a_recording_that_was_killed_is_its_samples() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("samples.csv"), "t_s,rss_bytes\n0,1\n1,2\n2,").unwrap();
        let recording = open_recording(folder.path()).unwrap();
        assert_eq!((recording.path.as_path(), recording.wall_s), (folder.path(), None));
        assert_eq!(recording.series(&Memory::JUDGED).unwrap().len(), 2);
    }
}
