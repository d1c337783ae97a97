//! Results and jobs on disk.
//!
//! A result is a folder `reports/<scenario>/<UTC time>/` with `result.json` (an [`ResultIndex`]), the
//! timelines, plots and `summary.csv`, and one folder a job under `jobs/`. A job's folder is written
//! under a temporary name and renamed when it is whole, so a folder that has its final name can be
//! trusted; what is left of a killed harness is cleared away when the result is resumed.
//!
//! A recording of any other process is a folder of the same kind, or one file of samples.

mod lasting;
mod lock;
mod machines;
mod merge;
mod output;
mod recording;

pub use lasting::{put, remove_strangers, sync, write_in_place, write_whole};
pub use lock::{Holder, Lock};
pub use merge::{MergeError, Merged};
pub use output::container;
pub use recording::{READABLE, Recorded, Recording, open_recording, open_trace};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use memreel_bounds as bounds;
use memreel_trace::{
    MachineClass, Memory, RunRecord, Sample, Series, SeriesFormat, ThreadSample, TraceError,
};

/// The version of `result.json`.
pub const FORMAT: &str = "memreel-result/1";

/// Why a stored result or job could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be read, made or renamed.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A JSON file does not hold what it should.
    #[error("{path}: invalid content: {source}")]
    Json {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A file of a later version.
    #[error("{path}: its format is {found}, this program reads {known}; update memreel")]
    Version {
        /// Which.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What we know.
        known: &'static str,
    },
    /// Not a result at all.
    #[error("{path}: not a memreel result (result.json is missing); `memreel run` creates one")]
    NoResult {
        /// The folder.
        path: PathBuf,
    },
    /// Something in a result that is neither a file nor a folder.
    #[error("{path}: a result has files and folders only; remove this link or special file")]
    NotOfAResult {
        /// What.
        path: PathBuf,
    },
    /// A job that lies elsewhere.
    #[error("{path}: `{name}` is not the name of a job's folder")]
    NoName {
        /// The file that says so.
        path: PathBuf,
        /// What it says.
        name: String,
    },
    /// A file where a result's folder should be.
    #[error("{path}: this is a file; a result is a folder, like reports/SCENARIO/latest")]
    ResultIsFile {
        /// The file.
        path: PathBuf,
    },
    /// Nothing that can be read as a recording.
    #[error("{path}: {what}; memreel reads {READABLE}")]
    NoRecording {
        /// The file or folder.
        path: PathBuf,
        /// What it is, as far as can be told.
        what: String,
    },
    /// Another process writes there.
    #[error("{path}: it is being written by {by}; wait until that has ended, or end it")]
    InUse {
        /// The folder.
        path: PathBuf,
        /// By whom.
        by: Holder,
    },
    /// What should be a link to the newest result is something else.
    #[error(
        "{path}: this is not a link to the newest result; move it away, or choose another folder with --reports"
    )]
    LatestIsTaken {
        /// The file or folder.
        path: PathBuf,
    },
    /// A CSV file could not be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// `result.json`: the plan of a run, from which it can be reported on and resumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResultIndex {
    /// The version of the file.
    #[schemars(extend("const" = FORMAT))]
    pub format: String,
    /// The scenario's name.
    pub scenario: String,
    /// The question that the scenario answers.
    pub question: String,
    /// The path of the scenario file; its relative media paths start there.
    pub scenario_path: PathBuf,
    /// The text of the scenario file.
    pub scenario_text: String,
    /// Whether the scenario is one that memreel ships, known by its name and not by a file.
    #[serde(default)]
    pub ships_with_memreel: bool,
    /// The options of the command line that stand for a scenario file, where there is none; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Whether the engines' commands alone say what is exported, and no timeline or project.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_opaque: bool,
    /// The project that was exported, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectRecord>,
    /// The overrides of the command line, as `key=value`.
    pub overrides: Vec<String>,
    /// Where the first of these overrides come from.
    #[serde(default, skip_serializing_if = "EnginesFiles::is_empty")]
    pub engines_files: EnginesFiles,
    /// The time at which the run began (RFC 3339, UTC).
    pub started: String,
    /// The axes with more than one value, in the plan's order.
    pub varied: Vec<String>,
    /// The seed of the jobs' order. Unknown in results of older versions.
    #[serde(default)]
    pub seed: Option<u32>,
    /// The part of the plan that this result is, if it is a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardRecord>,
    /// The meaning of the values of the axis `machine`, if jobs ran on different machines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<MachineRecord>,
    /// Every job of the plan or of the shard, in the order in which they run.
    pub jobs: Vec<PlannedJob>,
}

/// Files of engines that were added to the scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnginesFiles {
    /// The paths of the files.
    pub paths: Vec<PathBuf>,
    /// How many overrides come from them: the first ones.
    pub overrides: usize,
}

impl EnginesFiles {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}

/// A project that was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectRecord {
    /// The format of the project.
    #[schemars(extend("enum" = ["mlt", "kdenlive", "rlvideo"]))]
    pub format: String,
    /// Whether it can be exported with changes: the axes `times`, `without` and `part`.
    pub can_be_changed: bool,
    /// The kinds of filters that it plays.
    pub filters: Vec<String>,
    /// The kinds of transitions that it plays.
    pub transitions: Vec<String>,
    /// The numbers of the tracks on which there is something; empty if it has only one.
    pub tracks: Vec<usize>,
}

/// A result's place among those that together are the whole plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardRecord {
    /// The number of the shard, from 1.
    pub number: u32,
    /// The number of shards.
    #[serde(deserialize_with = "shards")]
    pub of: u32,
    /// The jobs of the plan that other shards run.
    pub elsewhere: Vec<PlannedJob>,
}

fn shards<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let most = bounds::SHARDS;
    let told = |of| serde::de::Error::custom(format!("{of} shards; at most {most} are allowed"));
    let of = u32::deserialize(from)?;
    if u64::from(of) > most { Err(told(of)) } else { Ok(of) }
}

/// The meaning of a value of the axis `machine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MachineRecord {
    /// The value: `m1`, `m2` …
    pub name: String,
    /// The class of the machine.
    pub class: MachineClass,
}

/// A job of a plan, whether it runs or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedJob {
    /// The variant: each axis and its value.
    pub variant: Vec<(String, String)>,
    /// The place of the variant in the scenario's matrix, from 0.
    #[serde(default)]
    pub place: usize,
    /// The number of the repeat, from 1.
    pub repeat: u32,
    /// The name of its folder under `jobs/`.
    pub folder: String,
    /// The job's identity, as `digest` in its `run.json`; empty if it does not run.
    pub digest: String,
    /// Why it does not run.
    pub not_run: Option<String>,
}

impl PlannedJob {
    /// The name of its variant: engine, threading, and every value that is not the scenario's default.
    pub fn slug(&self) -> &str {
        let repeat = format!("-r{}", self.repeat);
        self.folder.strip_suffix(&repeat).unwrap_or(&self.folder)
    }
}

/// A job that is on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredJob {
    /// Its folder.
    pub folder: PathBuf,
    /// What its `run.json` says.
    pub record: RunRecord,
}

impl StoredJob {
    /// Whether it is the job whose folder has this name.
    pub fn is_called(&self, folder: &str) -> bool {
        self.folder.file_name() == Some(folder.as_ref())
    }

    /// Reads what judging needs of the samples.
    ///
    /// # Errors
    /// When `samples.csv` is missing or broken.
    pub fn series(&self) -> Result<Series, TraceError> {
        memreel_trace::read_series(&self.folder.join("samples.csv"), SeriesFormat::Samples, &Memory::JUDGED)
    }

    /// Reads the samples with all that was measured, row by row.
    ///
    /// # Errors
    /// When `samples.csv` is missing or broken.
    pub fn samples(&self) -> Result<Vec<Sample>, TraceError> {
        memreel_trace::read_samples(&self.folder.join("samples.csv"))
    }

    /// Reads the threads' CPU times.
    ///
    /// # Errors
    /// When `threads.csv` is missing or broken.
    pub fn threads(&self) -> Result<Vec<ThreadSample>, TraceError> {
        memreel_trace::read_threads(&self.folder.join("threads.csv"))
    }
}

/// A result's folder, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResult {
    /// The folder.
    pub folder: PathBuf,
    /// What its `result.json` says, its jobs by repeat and place in the matrix: people look for variants
    /// there, in whatever order they were run.
    pub index: ResultIndex,
    /// The jobs that are whole, in the same order.
    pub jobs: Vec<StoredJob>,
}

/// Opens a result's folder.
///
/// # Errors
/// When there is none, or a file of it is broken or of a later version.
pub fn open_result(folder: &Path) -> Result<StoredResult, StoreError> {
    let mut index = open_index(folder)?;
    index.jobs.sort_by_key(|job| (job.repeat, job.place));
    let jobs: Vec<_> = index
        .jobs
        .iter()
        .map(|job| folder.join("jobs").join(&job.folder))
        .filter(|folder| folder.join("run.json").exists())
        .map(|folder| open_job(&folder))
        .collect::<Result<_, _>>()?;
    machines::tell_apart(&mut index, &jobs);
    Ok(StoredResult { folder: folder.to_path_buf(), index, jobs })
}

/// Reads what a run set out to do, without its jobs.
///
/// # Errors
/// When there is no result, or its `result.json` is broken or of a later version.
pub fn open_index(folder: &Path) -> Result<ResultIndex, StoreError> {
    let path = folder.join("result.json");
    if folder.is_file() {
        return Err(StoreError::ResultIsFile { path: folder.to_path_buf() });
    }
    if !path.exists() {
        return Err(StoreError::NoResult { path: folder.to_path_buf() });
    }
    check_within(folder)?;
    let index: ResultIndex = read_versioned(&path, FORMAT)?;
    // What is not run has no folder.
    let is_name = |job: &PlannedJob| {
        job.folder.is_empty() || Path::new(&job.folder).file_name() == Some(job.folder.as_ref())
    };
    match index.jobs.iter().find(|job| !is_name(job)) {
        Some(job) => Err(StoreError::NoName { path, name: job.folder.clone() }),
        None => Ok(index),
    }
}

/// Whoever reads or writes a result must not come to what lies elsewhere.
fn check_within(folder: &Path) -> Result<(), StoreError> {
    let found = lasting::stranger_in(folder);
    match found.map_err(|source| StoreError::Io { path: folder.to_path_buf(), source })? {
        Some(path) => Err(StoreError::NotOfAResult { path }),
        None => Ok(()),
    }
}

/// Opens a job's folder.
///
/// # Errors
/// When `run.json` is missing, broken or of a later version.
pub fn open_job(folder: &Path) -> Result<StoredJob, StoreError> {
    let record = read_versioned(&folder.join("run.json"), memreel_trace::FORMAT)?;
    Ok(StoredJob { folder: folder.to_path_buf(), record })
}

/// Writes a JSON file of a result's.
///
/// # Errors
/// When the folder cannot be written or the disk is full.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StoreError> {
    write_in_place(path, &json(path, value)?)
}

/// What a JSON file of that name holds.
///
/// # Errors
/// When the value cannot be written as JSON.
pub fn json<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, StoreError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|source| StoreError::Json { path: path.to_path_buf(), source })?;
    text.push(b'\n');
    Ok(text)
}

fn read_versioned<T: serde::de::DeserializeOwned>(path: &Path, known: &'static str) -> Result<T, StoreError> {
    let text = bounds::read(path, bounds::DOCUMENT_BYTES)
        .map_err(|source| StoreError::Io { path: path.to_path_buf(), source })?;
    let broken = |source| StoreError::Json { path: path.to_path_buf(), source };
    let found = match serde_json::from_slice::<Versioned>(&text) {
        Err(error) if !error.is_data() => return Err(broken(error)),
        versioned => versioned.ok().and_then(|versioned| versioned.format),
    };
    match found.unwrap_or_else(|| "unknown".into()) {
        found if found == known => serde_json::from_slice(&text).map_err(broken),
        found => Err(StoreError::Version { path: path.to_path_buf(), found, known }),
    }
}

/// What every document begins with; whatever else it says takes no memory yet.
#[derive(serde::Deserialize)]
struct Versioned {
    format: Option<String>,
}

/// Makes a folder for a new result, `<reports>/<scenario>/<UTC time>`, and points `latest` to it.
///
/// # Errors
/// When the folder cannot be made.
pub fn new_result_folder(
    reports: &Path,
    scenario: &str,
    now: jiff::Timestamp,
) -> Result<PathBuf, StoreError> {
    let parent = reports.join(scenario);
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| StoreError::Io { path, source }
    };
    fs::create_dir_all(&parent).map_err(failed(&parent))?;
    let parent = fs::canonicalize(&parent).map_err(failed(&parent))?;
    let latest = parent.join("latest");
    if fs::symlink_metadata(&latest).is_ok_and(|there| !there.is_symlink()) {
        return Err(StoreError::LatestIsTaken { path: latest });
    }
    let stamp = now.strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
    let names = std::iter::once(stamp.clone()).chain((2..).map(|number| format!("{stamp}-{number}")));
    for name in names {
        let folder = parent.join(&name);
        match fs::create_dir(&folder) {
            Ok(()) => {
                point_latest(&parent, &name).map_err(failed(&parent))?;
                return Ok(folder);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&folder)(error)),
        }
    }
    unreachable!("the numbers do not end")
}

/// Replaces the link in one step, so that it always points somewhere.
fn point_latest(parent: &Path, name: &str) -> io::Result<()> {
    let new = parent.join(format!(".latest-{name}"));
    std::os::unix::fs::symlink(name, &new)?;
    fs::rename(&new, parent.join("latest"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    use super::*;

    #[test]
    fn what_a_link_points_to_is_replaced_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_result_of_before_there_were_seeds_is_read_in_the_order_in_which_it_was_run() {
        let folder = tempfile::tempdir().unwrap();
        let job = |variant: &str, repeat: u32| {
            serde_json::json!({"variant": [["engine", variant]], "repeat": repeat,
                "folder": format!("{variant}-r{repeat}"), "digest": "", "not_run": null})
        };
        let index = serde_json::json!({"format": FORMAT, "scenario": "", "question": "", "scenario_path": "",
            "scenario_text": "", "overrides": [], "started": "", "varied": [],
            "jobs": [job("a", 1), job("b", 1), job("b", 2), job("a", 2)]});
        write_json(&folder.path().join("result.json"), &index).unwrap();
        let index = open_result(folder.path()).unwrap().index;
        assert_eq!(index.seed, None);
        let folders: Vec<_> = index.jobs.iter().map(|job| job.folder.as_str()).collect();
        assert_eq!(folders, ["a-r1", "b-r1", "b-r2", "a-r2"]);
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write_whole(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
