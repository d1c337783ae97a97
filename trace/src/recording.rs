//! `recording.json`: everything about a recording of some process that is not a time series.

use serde::{Deserialize, Serialize};

use crate::units::Bytes;
use crate::{Machine, Outcome, Overhead, Sampling};

/// The version of a recording's folder, in `recording.json`.
pub const RECORDING_FORMAT: &str = "memreel-recording/1";

/// `recording.json` of a recording's folder; `samples.csv`, `threads.csv`, `processes.csv` and
/// `events.csv` lie beside it, as in a job's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingRecord {
    /// The version: [`RECORDING_FORMAT`].
    pub format: String,
    /// The command that was started, or that of the process that was already running.
    pub command: Vec<String>,
    /// Process number of what was recorded.
    pub pid: i32,
    /// Whether it was running before, and not started for the recording.
    pub attached: bool,
    /// When the recording began (RFC 3339, UTC).
    pub started: String,
    /// How long it was recorded, in seconds.
    pub wall_s: f64,
    /// How it ended; `None` where that is not known, or when it was still running.
    pub outcome: Option<Outcome>,
    /// User and system CPU time of the command and the children it waited for (`wait4`), or what was seen of
    /// the tree where that is more, in seconds; of a process that was already running, what was seen.
    pub cpu_s: Option<f64>,
    /// The largest resident set that any single process is known to have had during the recording: by
    /// `ru_maxrss` of `wait4` for a command and what it waited for, and for every process of the tree by
    /// `VmHWM`, where that rose since the process was first seen, and by its samples.
    pub high_water_bytes: Option<Bytes>,
    /// What counts as its progress: `frames`, `written` (bytes written) or `none`.
    pub progress: String,
    /// The regular expression that found its progress, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_regex: Option<String>,
    /// The file that its progress was read from, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_file: Option<String>,
    /// Where it ran.
    pub machine: Machine,
    /// How it was sampled.
    pub sampling: Sampling,
    /// What measuring cost.
    pub overhead: Overhead,
    /// What could not be read or was not allowed, in words.
    pub notes: Vec<String>,
}
