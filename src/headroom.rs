//! The least memory limit in which an export ends, and how its speed falls on the way there, by bisection.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use memreel_trace::units::{Bytes, Count};
use memreel_trace::{GroupVersion, Outcome, RunRecord};

/// The version of the JSON.
const FORMAT: &str = "memreel-headroom/1";

/// An export that takes so many times as long as without a limit, and a second, does not get on: it drops its own
/// pages and reads them again.
pub const THRASHING: u32 = 3;

/// The search is over when the limits around the answer differ by no more than this share.
const CLOSE: f64 = 0.025;

/// How often a limit is raised that is as large as what the export took, and still too small.
const MOST_RAISES: usize = 6;

/// How an export within a limit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    /// All repeats exported all frames.
    Ended,
    /// The kernel killed the export because memory ran out.
    OutOfMemory,
    /// It took more than three times as long as without a limit, and a second.
    Thrashing,
    /// It failed, and memory was not the reason.
    Failed,
}

/// The jobs with one limit.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LimitStep {
    /// The limit, in bytes; null for none.
    pub limit_bytes: Option<Bytes>,
    /// How they ended.
    pub end: StepEnd,
    /// The speed of the slowest, in frames per second; null unless all exported all frames.
    pub frames_per_second: Option<f64>,
    /// The most memory that the control group of any of them counted, in bytes.
    pub group_peak_bytes: Option<Bytes>,
    /// The largest resident set of any one process, in bytes.
    pub max_rss_bytes: Option<Bytes>,
    /// How often memory was about to exceed the limit, at most.
    pub limit_hits: Option<Count>,
    /// The longest wall-clock time, in seconds.
    pub wall_s: f64,
}

/// What to measure next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// The export with this limit, or without one.
    Limit(Option<Bytes>),
    /// Nothing.
    Over,
}

/// The search for the least limit of one variant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    steps: Vec<LimitStep>,
}

/// The answer of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Least {
    /// The least memory, in bytes: in the middle between the two limits.
    pub needs_bytes: Bytes,
    /// The largest limit in which it did not end, in bytes.
    pub failed_with_bytes: Bytes,
    /// The smallest limit in which it ended, in bytes.
    pub ended_with_bytes: Bytes,
}

/// The headroom of each variant of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HeadroomRecord {
    /// The version of this JSON.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The scenario's name.
    pub scenario: String,
    /// The version of control groups that enforced the limits.
    pub cgroup: Option<GroupVersion>,
    /// The variants, in the plan's order.
    pub variants: Vec<VariantHeadroom>,
}

/// The headroom of one variant.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VariantHeadroom {
    /// The name of the variant.
    pub variant: String,
    /// The least memory in which it ends; null if that was not found.
    pub least: Option<Least>,
    /// The most memory that its control group counted without a limit, in bytes; on kernels that do not keep that (v2
    /// before Linux 5.19), its largest resident set.
    pub unlimited_peak_bytes: Option<Bytes>,
    /// Resident pages of files without a limit, in bytes: program, libraries, mapped media. The kernel counts them in
    /// the group that was the first to read them, so they may not be part of the other figures.
    pub file_bytes: Option<Bytes>,
    /// The steps, from no limit to the smallest.
    pub steps: Vec<LimitStep>,
}

impl HeadroomRecord {
    /// Of these variants.
    pub fn new(scenario: String, cgroup: Option<GroupVersion>, variants: Vec<VariantHeadroom>) -> Self {
        HeadroomRecord { format: FORMAT, scenario, cgroup, variants }
    }
}

impl LimitStep {
    /// From the records of its jobs; `longest` is how long an export may take that gets on.
    pub fn of(limit: Option<Bytes>, jobs: &[&RunRecord], longest: Option<Duration>) -> LimitStep {
        let groups = || jobs.iter().filter_map(|job| job.memory_group.as_ref());
        let wall_s = jobs.iter().map(|job| job.wall_s).fold(0.0, f64::max);
        let limit_hits = groups().filter_map(|group| group.limit_hits).max();
        let end = worst_end(jobs, limit_hits, longest.is_some_and(|longest| wall_s > longest.as_secs_f64()));
        let speed = |job: &&RunRecord| Some(job.context.frames?.as_f64() / job.wall_s);
        let slowest = jobs.iter().filter_map(speed).min_by(f64::total_cmp);
        let all_frames = jobs.iter().all(|job| job.outcome.is_finished());
        LimitStep {
            limit_bytes: limit,
            end,
            frames_per_second: slowest.filter(|_| all_frames),
            group_peak_bytes: groups().filter_map(|group| group.peak_bytes).max(),
            max_rss_bytes: jobs.iter().filter_map(|job| job.max_rss_bytes).max(),
            limit_hits,
            wall_s,
        }
    }

    fn has_ended(&self) -> bool {
        self.end == StepEnd::Ended
    }
}

/// An engine that gave up without ever having been short of memory failed for another reason.
fn worst_end(jobs: &[&RunRecord], hits: Option<Count>, too_slow: bool) -> StepEnd {
    let any = |is_it: fn(&Outcome) -> bool| jobs.iter().any(|job| is_it(&job.outcome));
    let was_short = hits > Some(Count::ZERO);
    if any(|outcome| *outcome == Outcome::OutOfMemory) {
        StepEnd::OutOfMemory
    } else if any(|outcome| {
        !matches!(outcome, Outcome::Finished | Outcome::TimedOut { .. } | Outcome::Stalled { .. })
    }) {
        StepEnd::Failed
    } else if too_slow || any(|outcome| !outcome.is_finished()) {
        if was_short { StepEnd::Thrashing } else { StepEnd::Failed }
    } else if jobs.is_empty() {
        StepEnd::Failed
    } else {
        StepEnd::Ended
    }
}

impl Search {
    /// Adds what was measured.
    pub fn add(&mut self, step: LimitStep) {
        self.steps.push(step);
    }

    /// The steps, from no limit to the smallest.
    pub fn steps(&self) -> Vec<LimitStep> {
        let mut steps = self.steps.clone();
        steps.sort_by_key(|step| std::cmp::Reverse(step.limit_bytes.unwrap_or(Bytes::new(u64::MAX))));
        steps
    }

    /// The limits that were measured.
    pub fn limits(&self) -> impl Iterator<Item = Option<Bytes>> {
        self.steps.iter().map(|step| step.limit_bytes)
    }

    fn unlimited(&self) -> Option<&LimitStep> {
        self.steps.iter().find(|step| step.limit_bytes.is_none())
    }

    /// The most that its group counted without a limit; where the kernel does not keep that, its resident set.
    pub fn unlimited_peak(&self) -> Option<Bytes> {
        let unlimited = self.unlimited()?;
        unlimited.group_peak_bytes.or(unlimited.max_rss_bytes)
    }

    /// How long an export within a limit may take.
    pub fn longest(&self) -> Option<Duration> {
        let wall = Duration::from_secs_f64(self.unlimited()?.wall_s);
        Some(wall * THRASHING + Duration::from_secs(1))
    }

    /// The largest limit in which it did not end, and the smallest above it in which it did.
    fn bounds(&self) -> (Bytes, Option<Bytes>) {
        let limits = |ended: bool| {
            let like = self.steps.iter().filter(move |step| step.has_ended() == ended);
            like.filter_map(|step| step.limit_bytes)
        };
        let low = limits(false).max().unwrap_or(Bytes::ZERO);
        (low, limits(true).filter(|limit| *limit > low).min())
    }

    /// The answer, when it is found.
    pub fn least(&self) -> Option<Least> {
        let (low, Some(high)) = self.bounds() else { return None };
        (self.next() == NextStep::Over && low > Bytes::ZERO).then(|| Least {
            needs_bytes: Bytes::new((low.get() + high.get()) / 2),
            failed_with_bytes: low,
            ended_with_bytes: high,
        })
    }

    /// The step that failed for another reason than memory; it ends the search.
    pub fn failure(&self) -> Option<&LimitStep> {
        self.steps
            .iter()
            .find(|step| step.end == StepEnd::Failed || (step.limit_bytes.is_none() && !step.has_ended()))
    }

    /// What to measure next: first without a limit, then what that took, then the middle of what is not known.
    pub fn next(&self) -> NextStep {
        if self.unlimited().is_none() {
            return NextStep::Limit(None);
        }
        let Some(peak) = self.unlimited_peak().filter(|_| self.failure().is_none()) else {
            return NextStep::Over;
        };
        let next = match self.bounds() {
            (Bytes::ZERO, None) => rounded_up(peak.as_f64()),
            (_, None) if self.steps.len() > MOST_RAISES => return NextStep::Over,
            (low, None) => rounded_up(low.as_f64() * 1.25),
            (low, Some(high)) if high.as_f64() - low.as_f64() <= CLOSE * high.as_f64() => {
                return NextStep::Over;
            }
            (low, Some(high)) => rounded_up((low.as_f64() + high.as_f64()) / 2.0),
        };
        if self.limits().any(|limit| limit == Some(next)) {
            NextStep::Over
        } else {
            NextStep::Limit(Some(next))
        }
    }
}

/// No limit is finer than this.
const FINEST: f64 = 65_536.0;

/// To about a two-hundredth, so that limits read well.
fn rounded_up(bytes: f64) -> Bytes {
    let grain = (bytes / 256.0).max(FINEST).log2().floor().exp2();
    Bytes::new(((bytes / grain).ceil() * grain) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(limit: Option<Bytes>, end: StepEnd) -> LimitStep {
        LimitStep {
            limit_bytes: limit,
            end,
            frames_per_second: Some(25.0),
            group_peak_bytes: limit.or(Some(Bytes::from_mib(212))),
            max_rss_bytes: None,
            limit_hits: None,
            wall_s: 2.0,
        }
    }

    /// Searches for what an export needs that ends with no less than so much.
    fn search(needs: Bytes) -> Search {
        let mut search = Search::default();
        while let NextStep::Limit(limit) = search.next() {
            let ends = limit.is_none_or(|limit| limit >= needs);
            search.add(step(limit, if ends { StepEnd::Ended } else { StepEnd::OutOfMemory }));
            assert!(search.steps.len() < 40, "{search:?}");
        }
        search
    }

    #[test]
    fn the_answer_lies_between_a_limit_that_failed_and_one_that_ended() {
        for mib in [3, 20, 77, 143, 211, 250] {
            let needs = Bytes::from_mib(mib);
            let search = search(needs);
            let least = search.least().unwrap();
            assert!(least.failed_with_bytes < needs && needs <= least.ended_with_bytes, "{mib}: {least:?}");
            assert!((least.needs_bytes.as_f64() / needs.as_f64() - 1.0).abs() < 0.025, "{mib}: {least:?}");
            assert!(search.steps.len() <= 14, "{mib}: {}", search.steps.len());
        }
    }

    #[test]
    fn the_first_limit_is_what_the_export_took_without_one() {
        let mut search = Search::default();
        assert_eq!(search.next(), NextStep::Limit(None));
        search.add(step(None, StepEnd::Ended));
        assert_eq!(search.next(), NextStep::Limit(Some(Bytes::from_mib(212))));
        assert_eq!(search.longest(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn an_export_that_fails_without_a_limit_or_for_another_reason_ends_the_search() {
        let mut search = Search::default();
        search.add(step(None, StepEnd::OutOfMemory));
        assert_eq!((search.next(), search.least()), (NextStep::Over, None));
        let mut search = Search::default();
        search.add(step(None, StepEnd::Ended));
        search.add(step(Some(Bytes::from_mib(212)), StepEnd::Failed));
        assert_eq!((search.next(), search.least()), (NextStep::Over, None));
        assert!(search.failure().is_some());
    }
}
