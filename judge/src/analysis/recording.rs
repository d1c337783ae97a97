//! What is said of a recording of any process, whoever made it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::{ProgressClock, SharePart, level_over};
use crate::run::{RunVerdict, judge};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Series, WorkUnit};

/// Writing goes on where every block of the second half wrote as much as this.
const LEAST_WRITTEN_A_BLOCK: Bytes = Bytes::from_kib(64);
/// Blocks of the second half in each of which something is written, where writing goes on.
const BLOCKS: usize = 12;

/// What memory is laid out and judged over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Frames exported.
    Frames,
    /// MiB written.
    Written,
    /// Seconds since the recording began.
    Seconds,
}

/// The largest resident set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// How large.
    pub rss: Bytes,
    /// Who saw it.
    pub source: PeakSource,
}

/// The source of a peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeakSource {
    /// The samples of the process tree: what rose and fell between two of them was missed.
    Sampled,
    /// The kernel's high-water mark of the largest process: exact.
    Kernel,
}

/// What is said of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingSummary {
    /// How long it took, in seconds.
    pub lasted_s: f64,
    /// Samples that can be read.
    pub samples: u64,
    /// The largest resident set: the largest sampled total over the process tree, or the kernel's own
    /// high-water mark of the largest process where that is known and larger.
    pub peak: Option<Peak>,
    /// The memory that the level describes: anonymous memory and swap if they were measured, else RSS.
    pub level_of: Memory,
    /// The progress over which the level is calculated: frames if they were counted; else bytes written, if writing
    /// continues over the whole second half; else seconds.
    pub over: Over,
    /// The level ([`level_over`]) from 88 % to 98 % of the way, along that.
    pub level: Option<Bytes>,
    /// Whether memory grows, with what, and by how much.
    pub verdict: RunVerdict,
    /// What the processes of the tree have in common, when that was most; `None` where it is little, or not known.
    pub shared: Option<SharedPages>,
    /// By how many seconds the clock was set back meanwhile; zero where it was not.
    pub set_back_s: f64,
}

/// The memory of a tree whose processes share pages: resident memory counts such a page once for each of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedPages {
    /// When it was measured, in seconds.
    pub t_s: f64,
    /// The resident sets of all processes, added up.
    pub rss: Bytes,
    /// Their proportional set sizes, added up: each page once.
    pub pss: Bytes,
}

/// Less than this share of resident memory that is counted twice is not worth a word.
const SHARED_SHARE: f64 = 0.2;

/// The largest proportional set size of a tree of several processes, where resident memory is a good deal more.
fn shared_pages(series: &Series) -> Option<SharedPages> {
    series.most_processes().filter(|processes| processes.get() > 1)?;
    let (resident, proportional) = (series.memory(Memory::Rss), series.memory(Memory::Pss));
    let known = series.t_s().iter().enumerate().filter_map(|(row, &t_s)| {
        Some(SharedPages { t_s, rss: resident.at(row)?, pss: proportional.at(row)? })
    });
    let most = known.max_by_key(|shared| shared.pss)?;
    (most.pss.as_f64() < (1.0 - SHARED_SHARE) * most.rss.as_f64()).then_some(most)
}

/// Says of one recording what its series shows.
///
/// The series keeps [`Memory::JUDGED`] at least. `kernel_peak` is the largest high-water mark that the
/// kernel kept of any process, `lasted_s` how long it took where that is known better than from the last
/// sample, `frames` those that were to be exported, where they are known.
pub fn summarise_recording(
    series: &Series,
    context: &RunContext,
    kernel_peak: Option<Bytes>,
    lasted_s: Option<f64>,
    frames: Option<Count>,
) -> RecordingSummary {
    let anonymous = series.memory(Memory::AnonymousAndSwap).is_measured();
    let level_of = if anonymous { Memory::AnonymousAndSwap } else { Memory::Rss };
    let way = Way::of(series, level_of, context.unit);
    let planned = frames.filter(|_| way.over == Over::Frames).map(Count::as_f64);
    RecordingSummary {
        lasted_s: lasted_s.or(series.end_s()).unwrap_or(0.0),
        samples: series.len() as u64,
        peak: peak(series.memory(Memory::Rss).measured().max(), kernel_peak),
        level_of,
        over: way.over,
        level: level_over(SharePart::END, planned.or(way.steps), &way.levels),
        verdict: judge(series, context),
        shared: shared_pages(series),
        set_back_s: series.set_back_s(),
    }
}

fn peak(sampled: Option<Bytes>, kernel: Option<Bytes>) -> Option<Peak> {
    let sampled = sampled.map(|rss| Peak { rss, source: PeakSource::Sampled });
    let kernel = kernel.map(|rss| Peak { rss, source: PeakSource::Kernel });
    match (sampled, kernel) {
        (Some(sampled), Some(kernel)) if sampled.rss >= kernel.rss => Some(sampled),
        (sampled, kernel) => kernel.or(sampled),
    }
}

/// The way a recording went: its steps, and the level at each sample of it.
struct Way {
    over: Over,
    steps: Option<f64>,
    /// (step, bytes).
    levels: Vec<(f64, f64)>,
}

impl Way {
    fn of(series: &Series, memory: Memory, unit: WorkUnit) -> Way {
        let work = ProgressClock::of_work(series, unit);
        if work.is_running() {
            let over = if unit.is_counted() { Over::Frames } else { Over::Written };
            return Way::along(over, &work, series, memory);
        }
        if goes_on_writing(series) {
            return Way::along(Over::Written, &ProgressClock::of_written(series), series, memory);
        }
        let levels = series.levels(memory).map(|(t_s, level)| (t_s, level.as_f64())).collect();
        Way { over: Over::Seconds, steps: series.end_s(), levels }
    }

    fn along(over: Over, clock: &ProgressClock, series: &Series, memory: Memory) -> Way {
        Way { over, steps: clock.last_step(), levels: clock.levels(series, memory) }
    }
}

/// Whether something is written in every block of the second half of the recording's time: then what was
/// written is how far it came. What is written in one go, or at the end, is not.
fn goes_on_writing(series: &Series) -> bool {
    let end = series.end_s().unwrap_or(0.0);
    let begin = end / 2.0;
    let border = |index: usize| begin + (end - begin) * index as f64 / BLOCKS as f64;
    let written_by = |t_s: f64| {
        let rows = series.t_s().partition_point(|&at| at <= t_s);
        (0..rows).rev().find_map(|row| series.written().at(row))
    };
    let at_borders: Option<Vec<_>> = (0..=BLOCKS).map(|index| written_by(border(index))).collect();
    at_borders.is_some_and(|written| {
        written.windows(2).all(|ends| ends[1].saturating_sub(ends[0]) >= LEAST_WRITTEN_A_BLOCK)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Per;
    use crate::run::Reason;
    use crate::shape::Answer;
    use memreel_trace::Sample;

    /// Samples 20 ms apart that grow by 10 KiB each, changed in this way.
    fn recording(samples: u64, change: impl Fn(u64, &mut Sample)) -> RecordingSummary {
        let sample = |tick: u64| {
            let rss_bytes = Some(Bytes::from_kib(50_000 + 10 * tick));
            let mut sample = Sample { t_s: tick as f64 * 0.02, rss_bytes, ..Sample::default() };
            change(tick, &mut sample);
            sample
        };
        let samples: Vec<_> = (0..samples).map(sample).collect();
        summarise_recording(&Series::of(&samples, &Memory::JUDGED), &RunContext::default(), None, None, None)
    }

    #[test]
    fn without_frames_growth_is_told_per_second() {
        let found = recording(1000, |_, _| ());
        assert_eq!((found.over, found.level_of), (Over::Seconds, Memory::Rss));
        assert_eq!((found.verdict.grows, found.verdict.per), (Answer::Yes, Some(Per::Second)));
        let growth = found.verdict.growth.frame.unwrap();
        assert!((growth.estimate / 1024.0 - 500.0).abs() < 1.0, "{growth:?}");
        assert!((growth.high - growth.low) / 1024.0 < 10.0, "{growth:?}");
    }

    #[test]
    fn the_level_is_told_over_what_was_written_where_writing_goes_on() {
        let found = recording(1000, |tick, sample| sample.written_bytes = Some(Bytes::from_kib(64 * tick)));
        assert_eq!(found.over, Over::Written);
    }

    #[test]
    fn what_is_written_at_the_end_or_not_at_all_is_no_progress() {
        let at_end = |tick: u64, sample: &mut Sample| {
            sample.written_bytes = Some(Bytes::from_mib(if tick < 900 { 1 } else { tick }));
        };
        assert_eq!(recording(1000, at_end).over, Over::Seconds);
        let stops = |tick: u64, sample: &mut Sample| {
            sample.written_bytes = Some(Bytes::from_kib(64 * tick.min(900)));
        };
        assert_eq!(recording(1000, stops).over, Over::Seconds);
        let log = |tick: u64, sample: &mut Sample| sample.written_bytes = Some(Bytes::new(80 * tick));
        assert_eq!(recording(1000, log).over, Over::Seconds);
    }

    #[test]
    fn frames_are_preferred_to_what_is_written_and_anonymous_memory_to_the_resident_set() {
        let found = recording(1000, |tick, sample| {
            sample.frames_in = Some(Count::new(tick));
            sample.written_bytes = Some(Bytes::from_kib(64 * tick));
            sample.anon_bytes = Some(Bytes::from_mib(7));
        });
        assert_eq!((found.over, found.level_of), (Over::Frames, Memory::AnonymousAndSwap));
        assert_eq!(found.level, Some(Bytes::from_mib(7)));
        assert_eq!(found.verdict.growth.frame.map(|growth| growth.estimate), Some(0.0));
    }

    #[test]
    fn the_level_is_late_and_knows_nothing_of_the_teardown() {
        let found = recording(1000, |tick, sample| {
            let mib = match tick {
                0..850 => 10,
                850..982 => 40,
                _ => 1,
            };
            sample.rss_bytes = Some(Bytes::from_mib(mib));
        });
        assert_eq!(found.level, Some(Bytes::from_mib(40)));
    }

    #[test]
    fn of_hardly_any_samples_nothing_is_said() {
        assert_eq!(recording(50, |_, _| ()).verdict.reason, Some(Reason::TooShort));
        assert_eq!(recording(0, |_, _| ()).verdict.reason, Some(Reason::NothingMeasured));
        assert_eq!(recording(0, |_, _| ()).peak, None);
        assert_eq!(recording(2, |_, _| ()).level, None);
    }

    #[test]
    fn the_kernels_high_water_mark_counts_where_it_is_larger() {
        let (small, large) = (Some(Bytes::from_mib(5)), Some(Bytes::from_mib(6)));
        assert_eq!(peak(small, large).unwrap().source, PeakSource::Kernel);
        assert_eq!(peak(large, small).unwrap().source, PeakSource::Sampled);
        assert_eq!(peak(None, small).unwrap().source, PeakSource::Kernel);
    }
}
