//! `run.json`: everything about a job that is not a time series.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::units::{Bytes, Count};

/// `run.json` of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of the folder's files: [`crate::FORMAT`].
    pub format: String,
    /// The job's identity: a digest of engine build, timeline, arguments, environment differences,
    /// media, limits, sampling settings and repeat.
    pub digest: String,
    /// A digest of what is exported and how it is sampled: timeline, arguments, environment differences, media,
    /// sampling interval. Whatever the engine's build, the same work has the same; `None` in a record of before
    /// there were baselines.
    #[serde(default)]
    pub export_digest: Option<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The variant: each axis and its value, in the plan's order.
    pub variant: Vec<(String, String)>,
    /// Which repeat of the variant this is, from 1.
    pub repeat: u32,
    /// Which engine, and which build of it.
    pub engine: EngineRecord,
    /// The exact command.
    pub command: Vec<String>,
    /// What differs from the harness's own environment: `None` where a variable was taken away.
    pub environment: BTreeMap<String, Option<String>>,
    /// The threading that was asked for.
    pub requested_threading: Threading,
    /// The threading that the engine really gives for it.
    pub effective_threading: Threading,
    /// What the engine does otherwise than asked, in words.
    pub notes: Vec<String>,
    /// What was exported.
    pub timeline: TimelineRecord,
    /// The media that the timeline uses.
    pub media: Vec<MediaFile>,
    /// Where it ran.
    pub machine: Machine,
    /// How it was sampled.
    pub sampling: Sampling,
    /// What measuring cost.
    pub overhead: Overhead,
    /// What judging needs.
    pub context: RunContext,
    /// How it ended.
    pub outcome: Outcome,
    /// What shows that an export that finished has all its frames; `None` where that was not asked.
    #[serde(default)]
    pub frames_shown_by: Option<FramesShownBy>,
    /// When it began (RFC 3339, UTC).
    pub started: String,
    /// How long it ran, in seconds.
    pub wall_s: f64,
    /// User and system CPU time of the engine and the children it waited for (`wait4`), in seconds.
    pub cpu_s: Option<f64>,
    /// The largest resident set of any process of the engine (`ru_maxrss` of `wait4`): known even
    /// for a run too short to be sampled.
    pub max_rss_bytes: Option<Bytes>,
    /// The size of the exported file, where there is one.
    pub output_bytes: Option<Bytes>,
    /// The digest of `graph.mlt` beside this file: the graph that was exported, as the engine itself wrote
    /// it out, where that was asked for.
    #[serde(default)]
    pub graph_digest: Option<String>,
}

/// What shows that an export has all its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FramesShownBy {
    /// The pictures in its file, counted by FFmpeg.
    File,
    /// The engine's own counter.
    Counter,
    /// Nothing: only the engine says that it succeeded.
    Nothing,
}

/// Which engine ran, and which build of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineRecord {
    /// `ffmpeg`, `melt` …
    pub name: String,
    /// The executable.
    pub path: PathBuf,
    /// Its version as it says it.
    pub version: String,
    /// The distribution's package that it, or for our own exporter FFmpeg, comes from, with its version;
    /// `None` when no package manager that we know has installed it.
    #[serde(default)]
    pub package: Option<String>,
    /// A digest of the executable and the versions of the libraries that do the work.
    pub build: String,
    /// The libraries that do the work, and their versions.
    pub libraries: BTreeMap<String, String>,
}

/// How many threads each part of an export may use; `None`: not told, the engine's own default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threading {
    /// Threads that pull and compose frames.
    pub render: Option<u32>,
    /// Threads of each decoder.
    pub decode: Option<u32>,
    /// Threads of filters and scaling.
    pub filter: Option<u32>,
    /// Threads of the encoder.
    pub encode: Option<u32>,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineRecord {
    /// Digest of the timeline's file with media replaced by their digests.
    pub digest: String,
    /// Frames of one export.
    pub frames: u64,
    /// Frames a second, as a fraction.
    pub rate: String,
    /// Clips on its video tracks.
    pub clips: u64,
    /// Distinct media files.
    pub sources: u64,
}

/// A media file of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFile {
    /// Where it lay.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Bytes,
    /// A digest of what it holds, or for generated media of what it was generated from.
    pub digest: String,
}

/// The machine and its kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system, as it names itself.
    pub system: String,
    /// Kernel release.
    pub kernel: String,
    /// CPU model.
    pub cpu: String,
    /// CPUs that may be used.
    pub cpus: u32,
    /// Memory in all.
    pub memory_bytes: Bytes,
    /// Swap in all.
    pub swap_bytes: Bytes,
}

/// Where a proportional set size came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PssSource {
    /// `/proc/PID/smaps_rollup`, exact.
    SmapsRollup,
    /// Not to be had on this machine or of this process.
    None,
}

/// How a job was sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Time between two deadlines, in seconds.
    pub interval_s: f64,
    /// Samples taken.
    pub samples: u64,
    /// Samples taken more than half an interval after their deadline.
    pub late: u64,
    /// Deadlines overtaken by the next one: no sample.
    pub missed: u64,
    /// Samples a second really taken.
    pub achieved_hz: f64,
    /// Where PSS came from.
    pub pss: PssSource,
    /// Times PSS was read.
    pub pss_reads: u64,
    /// Rows that were measured and are not in the files, because the disk was too slow for too long.
    #[serde(default)]
    pub lost_rows: u64,
    /// The most that the counter of anonymous memory was seen to be off, against a count page by page at
    /// the same moment; `None` when they were never compared.
    #[serde(default)]
    pub counter_off_bytes: Option<Bytes>,
    /// What could not be read, or was asked for and not allowed, in words.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What measuring cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Overhead {
    /// CPU time of the harness while the job ran, in seconds.
    pub harness_cpu_s: f64,
    /// Part of it that the sampling thread took.
    pub sampler_cpu_s: f64,
    /// How long the engine's memory map may have been locked by reading PSS, in seconds.
    pub held_s: f64,
    /// Private memory of the harness when the job ended.
    pub harness_private_bytes: Option<Bytes>,
}

/// What judging a trace needs to know of the export, so that it never needs the timeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunContext {
    /// Frames of all exports in the process; `None` for a command of which nothing is known.
    pub frames: Option<Count>,
    /// Frames a second of the timeline.
    pub rate: Option<f64>,
    /// Frames at which a clip begins (the first excepted), of all tracks and exports, in order, each once.
    /// They count what goes in: an encoder puts such a frame out some frames later.
    pub cuts: Vec<u64>,
    /// Frames at which a source is used for the first time in the process, an entry for each source, in order.
    pub first_uses: Vec<u64>,
    /// Frames at which the second, third … export in the process begins; empty for one export.
    #[serde(default)]
    pub exports: Vec<u64>,
    /// `mp4`, `matroska`, `mpegts` … or `null` when nothing is written.
    pub container: Option<String>,
    /// Packets written for each frame, over all streams: what an MP4 index grows with.
    pub packets_per_frame: Option<f64>,
    /// Bytes of one uncompressed frame in the export's pixel format.
    pub frame_bytes: Option<Bytes>,
    /// How far the kernel's resident counters may be off for this engine on this machine.
    pub counter_error_bytes: Option<Bytes>,
    /// CPUs that the engine might use: the C library gives threads so many heaps for each.
    #[serde(default)]
    pub cpus: Option<u32>,
    /// Which frame counters the engine gives: `in`, `out`, `in+out` or empty.
    pub frame_counters: String,
}
