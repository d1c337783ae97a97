//! `run.json`: everything about a job that is not a time series.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::units::{Bytes, Count};

/// `run.json`: one job of a run, without its time series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The version of the folder's files.
    #[schemars(extend("const" = crate::FORMAT))]
    pub format: String,
    /// The job's identity: a digest of engine build, timeline, arguments, environment differences,
    /// media, limits, sampling settings and repeat.
    pub digest: String,
    /// A digest of timeline, arguments, environment differences, media and sampling interval: the same for every
    /// build of the engine. Unknown in records that are older than baselines.
    #[serde(default)]
    pub export_digest: Option<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The variant: each axis and its value, in the plan's order.
    pub variant: Vec<(String, String)>,
    /// The number of the repeat, from 1.
    pub repeat: u32,
    /// The engine and its build.
    pub engine: EngineRecord,
    /// The exact command.
    pub command: Vec<String>,
    /// How the environment differs from memreel's own: variables with their values, null for a variable that was
    /// removed.
    pub environment: BTreeMap<String, Option<String>>,
    /// The requested threading.
    pub requested_threading: Threading,
    /// The threading that the engine uses for this request.
    pub effective_threading: Threading,
    /// How the engine deviates from the request, in words.
    pub notes: Vec<String>,
    /// The exported timeline.
    pub timeline: TimelineRecord,
    /// The media files that the timeline uses.
    pub media: Vec<MediaFile>,
    /// The machine on which the job ran.
    pub machine: Machine,
    /// How the job was sampled.
    pub sampling: Sampling,
    /// The cost of measuring.
    pub overhead: Overhead,
    /// Facts about the export that judging needs.
    pub context: RunContext,
    /// How the job ended.
    pub outcome: Outcome,
    /// What confirms the number of frames of an export that finished; null for other outcomes, and for proxies.
    #[serde(default)]
    pub frames_shown_by: Option<FramesShownBy>,
    /// The time of the start (RFC 3339, UTC).
    pub started: String,
    /// Wall-clock time from the start of the engine to its end, in seconds.
    pub wall_s: f64,
    /// User and system CPU time of the engine and the children it waited for (`wait4`), in seconds.
    pub cpu_s: Option<f64>,
    /// The largest resident set of any one process of the engine (`ru_maxrss` of `wait4`), in bytes. Exact also for
    /// runs that are too short to be sampled.
    pub max_rss_bytes: Option<Bytes>,
    /// The size of the exported file, in bytes.
    pub output_bytes: Option<Bytes>,
    /// The digest of `graph.mlt` beside this file, the exported graph as the engine itself wrote it; only with
    /// `--dump-graph`.
    #[serde(default)]
    pub graph_digest: Option<String>,
    /// The control group of the job, which counts the memory of all its processes and limits it where a limit was
    /// set; null if none could be made.
    #[serde(default)]
    pub memory_group: Option<MemoryGroupRecord>,
}

/// The control group of a job. It counts anonymous memory, the kernel's memory for the job, and the page cache of
/// files that the job was the first to read or write; the kernel drops that cache first when the limit is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryGroupRecord {
    /// The version of control groups.
    pub version: GroupVersion,
    /// The limit, in bytes; null for no limit. Nothing beyond it is swapped out.
    pub limit_bytes: Option<Bytes>,
    /// The most memory that the group counted, in bytes. Unknown on kernels that do not keep it.
    pub peak_bytes: Option<Bytes>,
    /// How often memory was about to exceed the limit; each time the kernel first tries to free some.
    pub limit_hits: Option<Count>,
    /// The number of processes of the job that the kernel killed because memory ran out.
    pub oom_kills: Option<Count>,
}

/// A version of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupVersion {
    /// The first, a hierarchy for each controller.
    V1,
    /// The second, one hierarchy for all.
    V2,
}

impl std::fmt::Display for GroupVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            GroupVersion::V1 => "v1",
            GroupVersion::V2 => "v2",
        })
    }
}

/// What confirms that an export has all its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FramesShownBy {
    /// The pictures in the file, as FFmpeg counts them.
    File,
    /// The engine's own counter.
    Counter,
    /// Nothing but the engine's exit code.
    Nothing,
}

/// An engine and its build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineRecord {
    /// The engine's name: `ffmpeg`, `melt` …
    pub name: String,
    /// The path of the executable.
    pub path: PathBuf,
    /// The version that the engine reports.
    pub version: String,
    /// The distribution's package of the engine, or for memreel's exporter that of FFmpeg, with its version. Unknown
    /// if no known package manager installed it.
    #[serde(default)]
    pub package: Option<String>,
    /// A digest of the executable and of the versions of `libraries`.
    pub build: String,
    /// The libraries that do the work, and their versions.
    pub libraries: BTreeMap<String, String>,
}

/// The number of threads that each part of an export may use; null is the engine's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// An exported timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRecord {
    /// A digest of the timeline's file, with media replaced by their digests.
    pub digest: String,
    /// Frames of one export; null where nobody knows.
    pub frames: Option<u64>,
    /// Frames per second, as a fraction.
    pub rate: String,
    /// Clips on the video tracks.
    pub clips: u64,
    /// Distinct media files.
    pub sources: u64,
}

/// A media file of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The size of the file, in bytes.
    pub bytes: Bytes,
    /// A digest of the content; for generated media, of the parameters of the generator.
    pub digest: String,
}

/// A machine and its kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// The name of the operating system.
    pub system: String,
    /// The kernel release.
    pub kernel: String,
    /// The CPU model.
    pub cpu: String,
    /// The number of usable CPUs.
    pub cpus: u32,
    /// Total memory, in bytes.
    pub memory_bytes: Bytes,
    /// Total swap, in bytes.
    pub swap_bytes: Bytes,
}

/// The source of a proportional set size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PssSource {
    /// `/proc/PID/smaps_rollup`, exact.
    SmapsRollup,
    /// Not available on this machine or for this process.
    None,
}

/// How a process tree was sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sampling {
    /// The time between two deadlines, in seconds.
    pub interval_s: f64,
    /// The number of samples.
    pub samples: u64,
    /// Samples that were taken more than half an interval after their deadline.
    pub late: u64,
    /// Deadlines that passed without a sample.
    pub missed: u64,
    /// The achieved number of samples per second.
    pub achieved_hz: f64,
    /// The source of the proportional set size.
    pub pss: PssSource,
    /// How often the proportional set size was read.
    pub pss_reads: u64,
    /// Measured rows that are missing from the files, because the disk was too slow.
    #[serde(default)]
    pub lost_rows: u64,
    /// The largest difference between the counter of anonymous memory and a count page by page at the same moment, in
    /// bytes. Unknown if they were never compared.
    #[serde(default)]
    pub counter_off_bytes: Option<Bytes>,
    /// What could not be read or was not permitted, in words.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The cost of measuring.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overhead {
    /// CPU time of memreel itself while the process ran, in seconds.
    pub harness_cpu_s: f64,
    /// The part of `harness_cpu_s` that the sampling thread used, in seconds.
    pub sampler_cpu_s: f64,
    /// How long reading the proportional set size may have locked the memory map of the process, in seconds.
    pub held_s: f64,
    /// Private memory of memreel itself when the process ended, in bytes.
    pub harness_private_bytes: Option<Bytes>,
}

/// Facts about an export that judging needs, so that it never needs the timeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunContext {
    /// Frames of all exports in the process. Unknown for a command that is not an engine.
    pub frames: Option<Count>,
    /// Frames per second of the timeline.
    pub rate: Option<f64>,
    /// Frames at which a clip begins, of all tracks and exports, sorted, without the first frame and without
    /// duplicates. They are counted at the input: an encoder writes such a frame some frames later.
    pub cuts: Vec<u64>,
    /// The frame at which each source is used for the first time in the process, sorted.
    pub first_uses: Vec<u64>,
    /// Frames at which the second and every further export in the process begins; empty for one export.
    #[serde(default)]
    pub exports: Vec<u64>,
    /// The container: `mp4`, `matroska`, `mpegts` …; the string `null` if nothing is written.
    pub container: Option<String>,
    /// Packets written per frame, over all streams; the index of an MP4 file grows with them.
    pub packets_per_frame: Option<f64>,
    /// The size of one uncompressed frame in the export's pixel format, in bytes.
    pub frame_bytes: Option<Bytes>,
    /// The possible error of the kernel's resident counters for this engine on this machine, in bytes.
    pub counter_error_bytes: Option<Bytes>,
    /// The number of CPUs that the engine may use; the C library limits the heaps of threads by it.
    #[serde(default)]
    pub cpus: Option<u32>,
    /// The frame counters of the engine: `in`, `out`, `in+out`, or empty.
    pub frame_counters: String,
    /// The unit of the progress.
    #[serde(default, skip_serializing_if = "WorkUnit::is_frame")]
    pub unit: WorkUnit,
}

/// The unit of a program's progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum WorkUnit {
    /// Frames.
    #[default]
    #[serde(rename = "frame")]
    Frame,
    /// Items of other work: pages, files, requests.
    #[serde(rename = "item")]
    Item,
    /// MiB that its processes have written: for programs that report no progress.
    #[serde(rename = "MiB")]
    Mebibyte,
}

impl WorkUnit {
    /// All of them.
    pub const ALL: [WorkUnit; 3] = [WorkUnit::Frame, WorkUnit::Item, WorkUnit::Mebibyte];

    /// As options, scenarios and files write it.
    pub fn name(self) -> &'static str {
        match self {
            WorkUnit::Frame => "frame",
            WorkUnit::Item => "item",
            WorkUnit::Mebibyte => "MiB",
        }
    }

    /// One of them, in a sentence.
    pub fn one(self) -> &'static str {
        match self {
            WorkUnit::Frame => "frame",
            WorkUnit::Item => "item",
            WorkUnit::Mebibyte => "MiB written",
        }
    }

    /// Several of them.
    pub fn several(self) -> &'static str {
        match self {
            WorkUnit::Frame => "frames",
            WorkUnit::Item => "items",
            WorkUnit::Mebibyte => "MiB written",
        }
    }

    /// Whether the program counts its work one by one: frames or items, but no MiB.
    pub fn is_counted(self) -> bool {
        self != WorkUnit::Mebibyte
    }

    /// Whether it is frames.
    pub fn is_frame(&self) -> bool {
        *self == WorkUnit::Frame
    }
}

impl FromStr for WorkUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<WorkUnit, String> {
        let known = WorkUnit::ALL.into_iter().find(|unit| unit.name() == text);
        known.ok_or_else(|| format!("`{text}` is not a unit of progress; use frame, item or MiB"))
    }
}
