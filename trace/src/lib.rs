//! What was measured of one job, how it ended, and what is needed to judge it later.
//!
//! A job's folder holds `run.json` (a [`RunRecord`]), `samples.csv` (a [`Sample`] a row, the whole
//! process tree), `processes.csv` and `threads.csv` (long form) and `events.csv`. The files carry
//! bytes and seconds with the unit in the column's name; a cell that was not measured is empty.
//!
//! Whoever judges or draws reads a [`Series`]: of our own files, of what psrecord and mprof leave, and of any
//! table with a column of time and one of memory ([`ColumnNames`]).
//!
//! ```
//! use memreel_trace::{Memory, SeriesFormat, read_series};
//!
//! let folder = tempfile::tempdir().unwrap();
//! let path = folder.path().join("memory.csv");
//! std::fs::write(&path, "time_s,rss_bytes\n0,10\n1,12\n").unwrap();
//! let series = read_series(&path, SeriesFormat::Table, &[Memory::Rss]).unwrap();
//! assert_eq!(series.len(), 2);
//! ```

#![forbid(unsafe_code)]

mod any_csv;
mod cells;
mod columns;
mod csv_files;
mod cuts;
mod fault;
mod format;
mod lines;
mod machine_class;
mod mprof;
mod outcome;
mod psrecord;
mod record;
mod recording;
mod samples_csv;
mod series;
mod table;
mod text;
pub mod units;

pub use any_csv::why_unusual;
pub use columns::{ColumnNames, ColumnNamesError, NamedColumn, Quantity, Unit};
pub use csv_files::{CsvFile, create, is_special, read_events, read_processes, read_samples, read_threads};
pub use cuts::read_cuts;
pub use fault::{FileFault, TraceError};
pub use format::{SeriesFormat, first_line, read_columns, read_series};
pub use machine_class::MachineClass;
pub use outcome::Outcome;
pub use record::{
    EngineRecord, FramesShownBy, GroupVersion, Machine, MediaFile, MemoryGroupRecord, Overhead, PssSource,
    RunContext, RunRecord, Sampling, Threading, TimelineRecord, WorkUnit,
};
pub use recording::{OUT_OF_FILES, RECORDING_FORMAT, RecordingRecord};
pub use series::{Column, Memory, Series};
pub use text::{cell, picture, visible};

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Count};

/// The file of a job's folder that holds what is known of a crash or a stall.
pub const EVIDENCE: &str = "evidence.txt";

/// The version of the job folder's files, in `run.json`.
pub const FORMAT: &str = "memreel-job/1";

/// One tick: the totals over the engine's process tree.
///
/// `None`: not measured at this tick, or not to be had at all. What costs more is read more rarely than
/// resident memory: see the sampler. A last row that holds the frame counters alone says what they
/// came to after the last tick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds since the engine was started (monotonic clock).
    pub t_s: f64,
    /// Frames the engine had pulled from the timeline when the sample was taken.
    pub frames_in: Option<Count>,
    /// Frames the engine had encoded and put out.
    pub frames_out: Option<Count>,
    /// Resident set size (`statm`): anonymous, file-backed and shared pages in memory.
    pub rss_bytes: Option<Bytes>,
    /// Resident anonymous memory: `statm`'s resident pages without those of files and shared memory, which
    /// is `RssAnon`.
    pub anon_bytes: Option<Bytes>,
    /// Resident pages of files (`RssFile`).
    pub file_bytes: Option<Bytes>,
    /// Resident shared memory (`RssShmem`).
    pub shmem_bytes: Option<Bytes>,
    /// Anonymous memory that was swapped out (`VmSwap`).
    pub swap_bytes: Option<Bytes>,
    /// Proportional set size (`smaps_rollup`): shared pages divided among those who share them.
    pub pss_bytes: Option<Bytes>,
    /// Memory that no other process maps (`smaps_rollup`), often called USS.
    #[serde(default)]
    pub private_bytes: Option<Bytes>,
    /// Resident anonymous memory counted page by page (`smaps_rollup`), where the counter behind
    /// `anon_bytes` may be off.
    #[serde(default)]
    pub exact_anon_bytes: Option<Bytes>,
    /// Address space (`statm`).
    pub virtual_bytes: Option<Bytes>,
    /// CPU time used so far, user and system. Here and in the other counters of what was done *so far*,
    /// processes that have ended keep what was last seen of them.
    pub cpu_s: Option<f64>,
    /// Threads alive.
    pub threads: Option<Count>,
    /// Processes alive.
    pub processes: Option<Count>,
    /// Page faults without I/O so far.
    pub minor_faults: Option<Count>,
    /// Page faults with I/O so far.
    pub major_faults: Option<Count>,
    /// Bytes read through system calls so far (`rchar`).
    pub read_bytes: Option<Bytes>,
    /// Bytes written through system calls so far (`wchar`).
    pub written_bytes: Option<Bytes>,
    /// System calls that read, so far (`syscr`).
    #[serde(default)]
    pub read_calls: Option<Count>,
    /// System calls that write, so far (`syscw`).
    #[serde(default)]
    pub write_calls: Option<Count>,
    /// Bytes that came from storage so far (`read_bytes`).
    #[serde(default)]
    pub disk_read_bytes: Option<Bytes>,
    /// Bytes sent to storage so far (`write_bytes`).
    #[serde(default)]
    pub disk_written_bytes: Option<Bytes>,
    /// Open file descriptors.
    pub descriptors: Option<Count>,
    /// How long after its deadline the sample was taken, in seconds.
    pub late_s: f64,
}

impl Sample {
    /// The frames counter that comes nearest to "exported": frames put out where the engine says
    /// them, else frames taken in.
    pub fn frames(&self) -> Option<Count> {
        self.frames_out.or(self.frames_in)
    }
}

/// A name of a process or thread as the kernel shows it, 15 bytes at most, kept where it is used.
pub type Name = arrayvec::ArrayString<48>;

/// A kernel's name as text: what is not UTF-8 is shown as U+FFFD.
pub fn name(bytes: &[u8]) -> Name {
    let mut name = Name::new();
    for chunk in bytes.utf8_chunks() {
        let replaced = if chunk.invalid().is_empty() { "" } else { "\u{FFFD}" };
        // Fifteen bytes are never more than 45 once replaced.
        let _ = name.try_push_str(chunk.valid()).and_then(|()| name.try_push_str(replaced));
    }
    name
}

/// One process of the tree at one tick; only written while there is more than one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProcessSample {
    /// Seconds since the engine was started.
    pub t_s: f64,
    /// Process number.
    pub pid: i32,
    /// When it began, in clock ticks since boot: a process number used again is another process.
    pub start_ticks: u64,
    /// Its name as the kernel shows it (15 bytes at most).
    #[serde(with = "text")]
    pub name: Name,
    /// Resident set size.
    pub rss_bytes: Option<Bytes>,
    /// Resident anonymous memory.
    pub anon_bytes: Option<Bytes>,
    /// Swapped-out anonymous memory.
    pub swap_bytes: Option<Bytes>,
    /// CPU time used so far, user and system.
    pub cpu_s: Option<f64>,
    /// Address space.
    #[serde(default)]
    pub virtual_bytes: Option<Bytes>,
    /// System calls that read, so far.
    #[serde(default)]
    pub read_calls: Option<Count>,
    /// System calls that write, so far.
    #[serde(default)]
    pub write_calls: Option<Count>,
    /// Bytes that came from storage so far.
    #[serde(default)]
    pub disk_read_bytes: Option<Bytes>,
    /// Bytes sent to storage so far.
    #[serde(default)]
    pub disk_written_bytes: Option<Bytes>,
}

/// The CPU time of one thread, as last seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ThreadSample {
    /// Seconds since the engine was started.
    pub t_s: f64,
    /// Process number.
    pub pid: i32,
    /// Thread number; equal to `pid` for a process's first thread.
    pub tid: i32,
    /// Its name as the kernel shows it.
    #[serde(with = "text")]
    pub name: Name,
    /// CPU time used so far, user and system.
    pub cpu_s: f64,
}

/// Something that happened at an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since the engine was started.
    pub t_s: f64,
    /// Frames exported by then, as [`Sample::frames`].
    pub frames: Option<Count>,
    /// `exec`, `source-open`, `source-close`, `process-start`, `process-end`, `name` (a process is seen to
    /// have another one), `left-running`, `missed-ticks`, `mark` (set by the user).
    #[serde(with = "text")]
    pub kind: String,
    /// Of what: a path, a process, a number of ticks.
    #[serde(with = "text")]
    pub what: String,
}
