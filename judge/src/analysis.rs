//! Calculates the numbers that describe a run, from its trace and its verdict.
//!
//! Everything here is per **frame exported** where it can be, so that a slow machine does not look
//! like a smaller growth. What cannot be known from a trace is `None`: never zero, never NaN.

mod cpu;
mod curve;
mod drift;
mod failures;
mod growth;
mod levels;
mod recording;
mod threads;
mod variant;

pub use crate::progress_clock::ProgressClock;
pub use cpu::{CpuPoint, CpuUse};
pub use curve::{Curve, LevelPoint};
pub use drift::{Drift, Pace, cpu_drift, wall_drift};
pub use failures::{FailureKind, Failures};
pub use growth::FrameGrowth;
pub use levels::{SharePart, level_over, speed_over};
pub use recording::{Over, Peak, PeakSource, RecordingSummary, SharedPages, summarise_recording};
pub use threads::busy_threads;
pub use variant::{Spread, VariantSummary, group_by_variant};

use crate::run::RunVerdict;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{FramesShownBy, Memory, MemoryGroupRecord, Outcome, RunRecord, Series, ThreadSample};

/// What is said of one job: a row of `summary.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSummary {
    /// How it ended.
    pub outcome: Outcome,
    /// The last count of frames pulled from the timeline, where the engine says it.
    pub frames_in: Option<Count>,
    /// The last count of frames put out, where the engine says it.
    pub frames_out: Option<Count>,
    /// The largest resident set.
    ///
    /// The largest sampled total over the process tree. A peak between two samples is missed by it;
    /// so where there never was more than one process, the kernel's own high-water mark counts when
    /// it is larger, and it stands alone for a job too short to be sampled.
    pub peak_rss: Option<Bytes>,
    /// The kernel's high-water mark of the largest single process (`ru_maxrss`): exact, but not a
    /// total where there are several processes.
    pub kernel_max_rss: Option<Bytes>,
    /// The largest sampled anonymous memory plus swap.
    pub peak_anon_swap: Option<Bytes>,
    /// The largest proportional set size; read rarely, so a short peak is missed.
    pub peak_pss: Option<Bytes>,
    /// The level after warm-up, over 25–50 % of the export's frames ([`level_over`]).
    pub level_after_warmup: Option<Bytes>,
    /// The level of the run, over 88–98 %.
    pub level_at_end: Option<Bytes>,
    /// Growth with each frame exported, as the verdict says.
    pub growth: Option<FrameGrowth>,
    /// Threads that took more than 1 % of the job's CPU time, where most of that time was seen.
    pub busy_threads: Option<Count>,
    /// The most threads at a time.
    pub most_threads: Option<Count>,
    /// Open files that each export in one process left behind: from the first rest between two of them to the
    /// last, as a mean.
    pub descriptors_left: Option<f64>,
    /// How long it ran, in seconds.
    pub wall_s: f64,
    /// CPU time, user and system, in seconds.
    pub cpu_s: Option<f64>,
    /// Frames a second over the whole run, start and end of the engine included.
    pub fps: Option<f64>,
    /// Frames a second over 10–30 % of the export's frames.
    pub fps_early: Option<f64>,
    /// Frames a second over 70–90 % of the export's frames.
    pub fps_late: Option<f64>,
    /// Whether only the engine says that it exported all frames: there is neither a file nor a counter that shows it.
    pub is_unverified: bool,
    /// The size of the exported file.
    pub output_bytes: Option<Bytes>,
    /// Samples taken.
    pub samples: u64,
    /// Deadlines at which no sample was taken.
    pub missed: u64,
    /// CPU time the harness took meanwhile, in seconds.
    pub harness_cpu_s: f64,
    /// Private memory of the harness when the job ended.
    pub harness_private: Option<Bytes>,
    /// Its control group, if it had one.
    pub group: Option<MemoryGroupRecord>,
    /// The job's identity.
    pub digest: String,
}

/// Says of one job what its trace shows.
///
/// The series keeps [`Memory::JUDGED`] at least; it and `threads` may be empty.
pub fn summarise(
    record: &RunRecord,
    series: &Series,
    threads: &[ThreadSample],
    verdict: &RunVerdict,
) -> JobSummary {
    let clock = ProgressClock::of_work(series, record.context.unit);
    let total = work_of_export(record, &clock);
    let counted = total.filter(|_| record.context.unit.is_counted());
    let levels = clock.levels(series, Memory::AnonymousAndSwap);
    JobSummary {
        outcome: record.outcome.clone(),
        frames_in: series.frames_in().last(),
        frames_out: series.frames_out().last(),
        peak_rss: peak_rss(record, series),
        kernel_max_rss: kernel_max_rss(record),
        peak_anon_swap: series.memory(Memory::AnonymousAndSwap).measured().max(),
        peak_pss: series.memory(Memory::Pss).measured().max(),
        level_after_warmup: level_over(SharePart::WARM, total, &levels),
        level_at_end: level_over(SharePart::END, total, &levels),
        growth: FrameGrowth::of(verdict),
        busy_threads: busy_threads(record.cpu_s, threads),
        most_threads: series.threads().measured().max(),
        descriptors_left: descriptors_left(series, &record.context.exports),
        wall_s: record.wall_s,
        cpu_s: record.cpu_s,
        fps: speed(record, series),
        fps_early: counted.and_then(|frames| speed_over(&clock, SharePart::EARLY.of(frames))),
        fps_late: counted.and_then(|frames| speed_over(&clock, SharePart::LATE.of(frames))),
        is_unverified: record.frames_shown_by == Some(FramesShownBy::Nothing),
        output_bytes: record.output_bytes,
        samples: record.sampling.samples,
        missed: record.sampling.missed,
        harness_cpu_s: record.overhead.harness_cpu_s,
        harness_private: record.overhead.harness_private_bytes,
        group: record.memory_group.clone(),
        digest: record.digest.clone(),
    }
}

/// What each export added to the open files at rest, over the rests at which they were counted; `None` where they
/// were at fewer than two.
fn descriptors_left(series: &Series, begins: &[u64]) -> Option<f64> {
    let mut rests: Vec<(usize, u64)> = Vec::new();
    for row in 0..series.len() {
        let rest = series.frames().at(row).and_then(|frames| begins.binary_search(&frames.get()).ok());
        let Some((rest, open)) = rest.zip(series.descriptors().at(row)) else { continue };
        match rests.last_mut().filter(|(last, _)| *last == rest) {
            Some((_, least)) => *least = open.get().min(*least),
            None => rests.push((rest, open.get())),
        }
    }
    let (first, last) = (rests.first()?, rests.last()?);
    (last.0 > first.0).then(|| (last.1 as f64 - first.1 as f64) / (last.0 - first.0) as f64)
}

/// What was exported in the time that it took.
fn speed(record: &RunRecord, series: &Series) -> Option<f64> {
    let planned = record.context.frames.filter(|_| record.outcome.is_finished());
    let frames = planned.or_else(|| series.frames().last())?;
    (record.wall_s > 0.0).then(|| frames.as_f64() / record.wall_s)
}

/// The work of the whole export: as planned, or else as counted when it came to its end.
fn work_of_export(record: &RunRecord, clock: &ProgressClock) -> Option<f64> {
    let counted = clock.last_step().filter(|_| record.outcome.is_finished());
    let planned = record.context.frames.filter(|_| record.context.unit.is_counted());
    planned.map(Count::as_f64).or(counted).filter(|&steps| steps > 0.0)
}

fn peak_rss(record: &RunRecord, series: &Series) -> Option<Bytes> {
    let sampled = series.memory(Memory::Rss).measured().max();
    let several = series.most_processes() > Some(Count::new(1));
    if several { sampled } else { sampled.max(kernel_max_rss(record)) }
}

/// Of an engine that never started it would be the launcher's.
fn kernel_max_rss(record: &RunRecord) -> Option<Bytes> {
    record.max_rss_bytes.filter(|_| !matches!(record.outcome, Outcome::NotStarted { .. }))
}
