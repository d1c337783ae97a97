//! Recordings on disk, whoever made them.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{StoreError, output, read_versioned};
use memreel_trace::units::Bytes;
use memreel_trace::{
    ColumnNames, Event, Machine, Memory, OUT_OF_FILES, Outcome, RECORDING_FORMAT, RecordingRecord,
    RunContext, RunRecord, Series, SeriesFormat, TraceError, WorkUnit,
};

/// What can be read, for who gave something else.
pub const READABLE: &str = "the folder of a recording or of a job, its samples.csv, a log of psrecord (plain or \
                            CSV), a .dat file of mprof, or a CSV table with time and memory";

/// What lies beside the samples of a recording.
const RECORDING_JSON: &str = "recording.json";
/// What lies beside the samples of a job.
const RUN_JSON: &str = "run.json";
/// What samples are called in both.
const SAMPLES_CSV: &str = "samples.csv";

/// A recording, opened: what is known of it apart from its samples, which are not yet read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The file or folder that it was opened from.
    pub path: PathBuf,
    /// The file of its samples.
    pub samples: PathBuf,
    /// How they are written.
    pub format: SeriesFormat,
    /// Which of their columns hold what, where the user has said it.
    pub columns: Option<ColumnNames>,
    /// How long it took, in seconds, where that is known better than from the last sample.
    pub wall_s: Option<f64>,
    /// The largest resident set of any single process, as the kernel keeps it.
    pub high_water: Option<Bytes>,
    /// How it ended, where that is known.
    pub outcome: Option<Outcome>,
    /// Where it was recorded, where that is known.
    pub machine: Option<Machine>,
    /// What was exported, of a job.
    pub context: Option<RunContext>,
    /// Whether it went on to its end. A folder of memreel's without a record, which comes last, is that of a
    /// recording that was killed or still goes on. Of a lone file it cannot be told, and is taken to be so.
    pub is_whole: bool,
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// How it was made, as far as that is known.
    pub made: Recorded,
}

/// How a recording was made, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// The command; empty where it is not known.
    pub command: Vec<String>,
    /// The process, where one was recorded that was running already.
    pub pid: Option<i32>,
    /// The regular expression that found its progress, where one was given.
    pub progress_regex: Option<String>,
    /// The file that its progress was read from, where one was given.
    pub progress_file: Option<String>,
    /// The unit of its progress.
    pub unit: WorkUnit,
    /// Whether samples are missing because no more files could be opened.
    pub lacked_files: bool,
}

impl Recording {
    /// Reads the samples, keeping these kinds of memory.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it makes no sense. Of a folder whose samples are missing
    /// there are none.
    pub fn series(&self, memory: &[Memory]) -> Result<Series, TraceError> {
        let series = match &self.columns {
            Some(columns) => memreel_trace::read_columns(&self.samples, columns, memory),
            None => memreel_trace::read_series(&self.samples, self.format, memory),
        };
        match series {
            Err(error) if error.is_missing() && self.path != self.samples => Ok(Series::default()),
            series => series,
        }
    }

    fn of_samples(path: &Path, samples: PathBuf, format: SeriesFormat) -> Recording {
        Recording {
            path: path.to_path_buf(),
            samples,
            format,
            columns: None,
            wall_s: None,
            high_water: None,
            outcome: None,
            machine: None,
            context: None,
            is_whole: true,
            events: Vec::new(),
            made: Recorded::default(),
        }
    }

    /// With what is true of a process wherever its samples lie: where it ran, how it ended, what it exported.
    fn with_circumstances(self, circumstances: Circumstances) -> Recording {
        let Circumstances { outcome, machine, context, made, .. } = circumstances;
        Recording { outcome, machine: Some(machine), context, made, ..self }
    }
}

/// What the record beside the samples says.
struct Circumstances {
    wall_s: f64,
    high_water: Option<Bytes>,
    outcome: Option<Outcome>,
    machine: Machine,
    context: Option<RunContext>,
    made: Recorded,
}

impl From<RecordingRecord> for Circumstances {
    fn from(record: RecordingRecord) -> Circumstances {
        // By the command line alone is known what is written.
        let (container, unit) = (output::container(&record.command), record.unit);
        let is_known = container.is_some() || !unit.is_frame();
        let context = is_known.then(|| RunContext { container, unit, ..RunContext::default() });
        let pid = record.attached.then_some(record.pid);
        Circumstances {
            wall_s: record.wall_s,
            high_water: record.high_water_bytes,
            outcome: record.outcome,
            machine: record.machine,
            context,
            made: Recorded {
                lacked_files: record.notes.iter().any(|note| note == OUT_OF_FILES),
                command: record.command,
                pid,
                progress_regex: record.progress_regex,
                progress_file: record.progress_file,
                unit,
            },
        }
    }
}

impl From<RunRecord> for Circumstances {
    fn from(record: RunRecord) -> Circumstances {
        Circumstances {
            wall_s: record.wall_s,
            high_water: record.max_rss_bytes,
            outcome: Some(record.outcome),
            machine: record.machine,
            context: Some(record.context),
            made: Recorded::default(),
        }
    }
}

/// Opens a recording: what is there is told by its content, never by its name.
///
/// # Errors
/// When there is nothing, when it is none of what can be read, or of a later version.
pub fn open_recording(path: &Path) -> Result<Recording, StoreError> {
    open_trace(path, None)
}

/// Opens anybody's recording; where the user has said which columns of its samples hold what, by these.
///
/// A `samples.csv` that lies beside the record of its job or recording has from it where the process ran, how
/// it ended and what it exported; all that the record says belongs to the folder.
///
/// # Errors
/// As [`open_recording`]. Whether the columns are there is seen when the samples are read.
pub fn open_trace(path: &Path, columns: Option<&ColumnNames>) -> Result<Recording, StoreError> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => open_folder(path, columns),
        Ok(meta) if meta.is_file() => open_lone_file(path, columns),
        Ok(_) => Err(no_recording(path, "neither a file nor a folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(no_recording(path, "not found")),
        Err(source) => Err(StoreError::Io { path: path.to_path_buf(), source }),
    }
}

fn no_recording(path: &Path, what: impl Into<String>) -> StoreError {
    StoreError::NoRecording { path: path.to_path_buf(), what: what.into() }
}

fn open_folder(folder: &Path, columns: Option<&ColumnNames>) -> Result<Recording, StoreError> {
    let recording = Recording::of_samples(folder, folder.join(SAMPLES_CSV), SeriesFormat::Samples);
    let recording = Recording { events: events(folder)?, columns: columns.cloned(), ..recording };
    if let Some(record) = circumstances(folder)? {
        let (wall_s, high_water) = (Some(record.wall_s), record.high_water);
        return Ok(Recording { wall_s, high_water, ..recording.with_circumstances(record) });
    }
    if recording.samples.is_file() {
        let format = open_file(&recording.samples, columns)?.format;
        // A recording of ours that was killed has no record yet; a log of others has none at all.
        return Ok(Recording { format, is_whole: format != SeriesFormat::Samples, ..recording });
    }
    Err(no_recording(folder, what_folder(folder)))
}

/// What the record in a folder says, where there is one.
fn circumstances(folder: &Path) -> Result<Option<Circumstances>, StoreError> {
    if let Some(record) = record::<RecordingRecord>(folder, RECORDING_JSON, RECORDING_FORMAT)? {
        return Ok(Some(record.into()));
    }
    Ok(record::<RunRecord>(folder, RUN_JSON, memreel_trace::FORMAT)?.map(Circumstances::from))
}

fn what_folder(folder: &Path) -> &'static str {
    if folder.join("result.json").is_file() {
        "a result; each folder under its jobs/ is a recording (`memreel report` reports all of it)"
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
    match memreel_trace::read_events(&folder.join("events.csv")) {
        Err(error) if error.is_missing() => Ok(Vec::new()),
        events => events,
    }
}

/// A file that was given itself, and not its folder.
fn open_lone_file(path: &Path, columns: Option<&ColumnNames>) -> Result<Recording, StoreError> {
    let recording = open_file(path, columns)?;
    if recording.format != SeriesFormat::Samples || !path.ends_with(SAMPLES_CSV) {
        return Ok(recording);
    }
    Ok(match circumstances_beside(path)? {
        Some(record) => recording.with_circumstances(record),
        None => recording,
    })
}

/// What the record beside a file says. One that no memreel wrote has nothing to say.
fn circumstances_beside(path: &Path) -> Result<Option<Circumstances>, StoreError> {
    let here = || Path::new(".");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(here);
    match circumstances(folder) {
        Err(StoreError::Version { found, .. }) if !found.starts_with("memreel") => Ok(None),
        circumstances => circumstances,
    }
}

fn open_file(path: &Path, columns: Option<&ColumnNames>) -> Result<Recording, StoreError> {
    let line = memreel_trace::first_line(path)?;
    let named = columns.filter(|_| why_no_table(&line).is_none()).map(|_| SeriesFormat::Table);
    match SeriesFormat::of_first_line(&line).or(named) {
        Some(format) => {
            let recording = Recording::of_samples(path, path.to_path_buf(), format);
            Ok(Recording { columns: columns.cloned(), ..recording })
        }
        None => Err(no_recording(path, what_file(&line))),
    }
}

/// What a file looks like that is no recording.
fn what_file(line: &str) -> String {
    match (why_no_table(line), memreel_trace::why_unusual(line)) {
        (Some(what), _) => what.into(),
        (None, Some(what)) => format!("a table: {what}"),
        (None, None) => format!("a text that begins with `{}`", shortened(line)),
    }
}

/// What a file looks like that cannot even be a table.
fn why_no_table(line: &str) -> Option<&'static str> {
    let odd = |c: char| c == char::REPLACEMENT_CHARACTER || (c.is_control() && c != '\t');
    match line {
        "" => Some("an empty file, or one that begins with an empty line"),
        line if line.contains(odd) => Some("not a text file"),
        line if line.starts_with('{') => Some("JSON"),
        _ => None,
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
            (
                b"time,rss\n0,1\n",
                "a table: none of the columns `time`, `rss` is memory with its unit in the name",
            ),
            (b"time;rss\n0;1\n", "--columns time=time,memory=rss:UNIT"),
            (b"Hello\n", "begins with `Hello`"),
        ] {
            let told = told(content);
            assert!(told.contains(looks) && told.contains("psrecord") && told.contains("mprof"), "{told}");
            assert!(told.starts_with(path.to_str().unwrap()), "{told}");
        }
        let told = open_recording(folder.path()).unwrap_err().to_string();
        assert!(told.contains("without recording.json"), "{told}");
        let told = open_recording(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(told.contains("nowhere: not found"), "{told}");
    }

    #[test]
    fn a_folder_of_a_recording_that_was_killed_is_its_samples() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("samples.csv"), "t_s,rss_bytes\n0,1\n1,2\n2,").unwrap();
        let recording = open_recording(folder.path()).unwrap();
        assert_eq!((recording.path.as_path(), recording.wall_s), (folder.path(), None));
        assert_eq!(recording.series(&Memory::JUDGED).unwrap().len(), 2);
        assert!(!recording.is_whole);
        fs::copy(data("psrecord.csv"), folder.path().join("samples.csv")).unwrap();
        assert!(open_recording(folder.path()).unwrap().is_whole);
    }

    fn named(text: &str) -> ColumnNames {
        text.parse().unwrap()
    }

    #[test]
    fn anybodys_table_is_opened_by_its_named_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heap.tsv");
        fs::write(&path, "step\theap\n5\t1\n6\t2\n").unwrap();
        assert!(open_recording(&path).is_err());
        let recording = open_trace(&path, Some(&named("time=step,memory=heap:MiB"))).unwrap();
        let series = recording.series(&Memory::JUDGED).unwrap();
        assert_eq!((recording.format, series.t_s()), (SeriesFormat::Table, [5.0, 6.0].as_slice()));
        assert_eq!(series.memory(Memory::Rss).last(), Some(Bytes::from_mib(2)));
        let missing = open_trace(&path, Some(&named("time=step,memory=mem"))).unwrap();
        let told = missing.series(&Memory::JUDGED).unwrap_err().to_string();
        assert!(
            told.ends_with("heap.tsv: line 1: no column `mem`; the columns are `step`, `heap`"),
            "{told}"
        );
        fs::write(&path, b"\x89PNG\r\n").unwrap();
        let told = open_trace(&path, Some(&named("memory=mem"))).unwrap_err().to_string();
        assert!(told.contains("not a text"), "{told}");
    }

    #[test]
    fn a_table_cut_short_anywhere_is_read_or_refused_in_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.csv");
        let text = "when;\"heap, all\";n\r\n0;1.5;1\r\n0.5;;2\r\n1e0;25;30\r\n";
        let columns = named("time=when,memory=\"heap, all\":MiB,frames=n");
        for end in 0..=text.len() {
            fs::write(&path, &text[..end]).unwrap();
            for columns in [Some(&columns), None] {
                let read = open_trace(&path, columns).map_err(|error| error.to_string());
                let read = read.and_then(|recording| {
                    recording.series(&Memory::JUDGED).map_err(|error| error.to_string())
                });
                match read {
                    Ok(series) => assert!(series.len() < text[..end].lines().count().max(1), "cut at {end}"),
                    Err(told) => {
                        assert!(columns.is_none() || end == 0, "cut at {end}: {told}");
                        assert!(told.contains("it.csv: ") && told.lines().count() == 1, "{told}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_table_of_anybodys_with_usual_names_is_a_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.csv");
        fs::write(&path, "timestamp,mem_mib,n\n1700000000,1,x\n1700000001,2.5,y\n").unwrap();
        let recording = open_recording(&path).unwrap();
        assert_eq!((recording.format, recording.is_whole), (SeriesFormat::Table, true));
        assert_eq!(recording.series(&Memory::JUDGED).unwrap().t_s(), [0.0, 1.0]);
    }

    #[test]
    fn a_record_that_no_memreel_wrote_says_nothing_of_samples_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (samples, record) = (folder.path().join(SAMPLES_CSV), folder.path().join(RUN_JSON));
        fs::write(&samples, "t_s,rss_bytes\n0,1\n").unwrap();
        fs::write(&record, "{\"format\": \"of another program\"}").unwrap();
        assert_eq!(open_recording(&samples).unwrap().machine, None);
        fs::write(&record, "{\"format\": \"memreel-job/9\"}").unwrap();
        assert!(open_recording(&samples).unwrap_err().to_string().contains("update memreel"));
        let other = folder.path().join("other.csv");
        fs::rename(&samples, &other).unwrap();
        assert_eq!(open_recording(&other).unwrap().machine, None);
    }
}
