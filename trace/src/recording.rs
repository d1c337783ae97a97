//! `recording.json`: everything about a recording of some process that is not a time series.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Bytes;
use crate::{Machine, Outcome, Overhead, Sampling, WorkUnit};

/// What is noted if processes were left out because no more files could be opened.
pub const OUT_OF_FILES: &str = "too many open files: not every process was sampled; raise `ulimit -n`";

/// The version of a recording's folder, in `recording.json`.
pub const RECORDING_FORMAT: &str = "memreel-recording/1";

/// `recording.json`: a recording of any process, without its time series. `samples.csv`, `threads.csv`,
/// `processes.csv` and `events.csv` lie beside it, as in a job's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingRecord {
    /// The version of the folder's files.
    #[schemars(extend("const" = RECORDING_FORMAT))]
    pub format: String,
    /// The command that was started, or that of the process that was already running.
    pub command: Vec<String>,
    /// The ID of the recorded process.
    pub pid: i32,
    /// Whether the process was already running, and was not started for the recording.
    pub attached: bool,
    /// The time at which the recording began (RFC 3339, UTC).
    pub started: String,
    /// The duration of the recording, in seconds.
    pub wall_s: f64,
    /// How the process ended. Unknown if it was still running, or if its end could not be observed.
    pub outcome: Option<Outcome>,
    /// User and system CPU time, in seconds: of the command and the children it waited for (`wait4`), or of the sampled
    /// process tree if that is more. For a process that was already running, of the sampled process tree.
    pub cpu_s: Option<f64>,
    /// The largest resident set of any one process during the recording, in bytes: from `ru_maxrss` of `wait4`, from
    /// `VmHWM` if that rose during the recording, or from the samples.
    pub high_water_bytes: Option<Bytes>,
    /// The measure of progress: `frames`, `written` (bytes written) or `none`.
    #[schemars(extend("enum" = ["frames", "written", "none"]))]
    pub progress: String,
    /// The unit of the progress.
    #[serde(default, skip_serializing_if = "WorkUnit::is_frame")]
    pub unit: WorkUnit,
    /// The regular expression that finds the progress in the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_regex: Option<String>,
    /// The file from which the progress was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_file: Option<String>,
    /// The machine on which the process ran.
    pub machine: Machine,
    /// How the process was sampled.
    pub sampling: Sampling,
    /// The cost of measuring.
    pub overhead: Overhead,
    /// What could not be read or was not permitted, in words.
    pub notes: Vec<String>,
}
