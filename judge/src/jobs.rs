//! What several jobs show together: the same export at other lengths, with more sources, more often in one process.
//!
//! One run cannot tell a leak from a cache that has not filled yet. Several can. Jobs are put in *families* – the same
//! but for what is varied to find out –, and the two questions are asked of each family.

mod removals;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::Per;
use crate::division::LEAST_EVENTS;
use crate::run::{Growth, GrowthRate, Needs, Reason, RunVerdict, Verdict, With, more, verdict};
use crate::sen::Cloud;
use crate::shape::{Answer, Form};
use crate::stats::{self, Interval};
use crate::terms::Terms;

pub use removals::Removals;

const K: &Constants = &Constants::USUAL;

/// Runs of a cell that it takes at least to say something between lengths.
const LEAST_REPEATS: usize = LEAST_EVENTS;

/// One job, as much of it as is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFacts {
    /// Frames of one export: those of the timeline, or as far as it came.
    pub frames: u64,
    /// Distinct sources, as far as it came.
    pub sources: u64,
    /// Whether the container keeps an index of all packets.
    pub index: bool,
    /// Whether it came to its end; the levels of others are not compared.
    pub finished: bool,
    /// What it shows by itself.
    pub verdict: RunVerdict,
}

/// Growth with something that varies between the jobs of a family.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Along {
    /// What varies.
    pub with: With,
    /// The least and the most of it that was measured.
    pub range: (u64, u64),
    /// Growth with each of it, in bytes.
    #[serde(rename = "growth_bytes")]
    pub growth: Interval,
    /// The number of jobs that this comes from.
    pub jobs: usize,
}

/// The evidence that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// Nothing was measured.
    NothingMeasured,
    /// Memory at rest rises from export to export.
    RestsRise,
    /// Most runs grow on their own, including most of the longest.
    RunsGrow,
    /// The level at the end rises with the length.
    LevelsRiseWithLength,
    /// In most runs frames wait in memory.
    FramesWait,
    /// The level rises from the second largest to the largest number of sources.
    LevelsRiseWithSources,
    /// Growth stopped at the same frame, or in the longest exports.
    RunsStop,
    /// The level rises with few sources, and not with many.
    LevelsStopRisingWithSources,
    /// No run grows, and no level rises with length or sources.
    NothingGrows,
    /// Runs disagree, or most are inconclusive.
    RunsAreOpen,
    /// The interval of growth with the length contains both growth and no growth.
    LengthsAreOpen,
    /// The interval of growth with the sources contains both growth and no growth, or only two numbers of sources were
    /// measured.
    SourcesAreOpen,
}

impl Because {
    /// The answer that it gives, and with what memory grows where the runs are not asked.
    fn answer(self) -> (Answer, Option<With>) {
        match self {
            Because::RestsRise => (Answer::Yes, Some(With::Exports)),
            Because::LevelsRiseWithLength | Because::FramesWait => (Answer::Yes, Some(With::Frames)),
            Because::LevelsRiseWithSources => (Answer::Yes, Some(With::Sources)),
            Because::RunsGrow => (Answer::Yes, None),
            Because::RunsStop | Because::LevelsStopRisingWithSources | Because::NothingGrows => {
                (Answer::No, None)
            }
            Because::NothingMeasured
            | Because::RunsAreOpen
            | Because::LengthsAreOpen
            | Because::SourcesAreOpen => (Answer::Open, None),
        }
    }
}

/// What a family of jobs shows, and the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct JobsVerdict {
    /// Whether memory grows with the work.
    pub grows: Answer,
    /// What it grows with.
    pub with: Vec<With>,
    /// Whether what stands in `with` could not be told apart.
    pub unparted: bool,
    /// How much with each: the medians over the runs.
    pub growth: Growth,
    /// The unit of rates and steps: frames, or seconds if no job counted frames.
    pub per: Per,
    /// The steps of the job that did the most.
    pub steps: f64,
    /// What decided.
    pub because: Because,
    /// What the course of most runs looks like, of those that gave the answer.
    pub form: Option<Form>,
    /// Why most open runs are open.
    pub reason: Option<Reason>,
    /// Jobs that were judged.
    pub jobs: usize,
    /// How many of them show what by themselves.
    pub runs: Vec<(Verdict, usize)>,
    /// The longest export, in frames.
    pub up_to_frames: u64,
    /// The most distinct sources of an export.
    pub up_to_sources: u64,
    /// The most exports in one process.
    pub up_to_exports: u64,
    /// Growth along what was varied.
    pub along: Vec<Along>,
    /// Where growth stopped, in frames: the median over the runs in which it did.
    pub stopped_at: Option<f64>,
    /// Growth with each frame beyond that of the same exports without an index: the measured size of the index,
    /// where there is such a control.
    pub index_per_frame: Option<f64>,
    /// No steady growth with each frame, or second, above this can be in what was seen: the median over the runs.
    pub not_stable_above: Option<f64>,
    /// What would settle it, where it is open.
    pub needs: Needs,
    /// What became of growth without something, where the same was also exported without it.
    pub removals: Removals,
}

impl JobsVerdict {
    /// The verdict in a word.
    pub fn verdict(&self) -> Verdict {
        verdict(self.grows, &self.with)
    }
}

/// Says what a family of jobs shows.
pub fn judge_jobs(jobs: &[JobFacts]) -> JobsVerdict {
    let jobs: Vec<&JobFacts> = jobs.iter().collect();
    let because = because(&jobs);
    let (grows, with) = because.answer();
    let so: Vec<_> = jobs.iter().copied().filter(|job| job.verdict.grows == grows).collect();
    let with = match with {
        Some(with) => vec![with],
        None if grows == Answer::Yes => named(&so),
        None => Vec::new(),
    };
    let exports = jobs.iter().filter_map(|job| Some(job.verdict.at_rest.as_ref()?.exports as u64));
    JobsVerdict {
        unparted: with.len() > 1 && is_most(&so, |job| job.verdict.unparted),
        with,
        growth: typical_growth(if so.is_empty() { &jobs } else { &so }, per(&jobs)),
        per: per(&jobs),
        steps: jobs.iter().map(|job| job.verdict.steps).fold(0.0, f64::max),
        form: most_common(so.iter().filter_map(|job| job.verdict.form)),
        reason: most_common(jobs.iter().filter_map(|job| job.verdict.reason)),
        jobs: jobs.len(),
        runs: census(&jobs),
        up_to_frames: longest(&jobs),
        up_to_sources: jobs.iter().map(|job| job.sources).max().unwrap_or(0),
        up_to_exports: exports.max().unwrap_or(1),
        along: along(&jobs),
        stopped_at: stats::median(&stops(&jobs)),
        index_per_frame: None,
        not_stable_above: not_stable_above(&jobs),
        grows,
        because,
        needs: needs(&jobs, because),
        removals: Removals::default(),
    }
}

/// What decides, in this order.
fn because(jobs: &[&JobFacts]) -> Because {
    if jobs.is_empty() {
        return Because::NothingMeasured;
    }
    runs(jobs).or_else(|| lengths(jobs)).or_else(|| sources(jobs)).unwrap_or_else(|| rest(jobs))
}

/// What most runs show by themselves.
fn runs(jobs: &[&JobFacts]) -> Option<Because> {
    let several = of_several_exports(jobs);
    let waits = |job: &JobFacts| job.verdict.reason == Some(Reason::HeldInAQueue);
    match () {
        () if is_most(&several, |job| job.verdict.verdict() == Verdict::Leak) => Some(Because::RestsRise),
        () if is_most(jobs, waits) => Some(Because::FramesWait),
        () if is_most(jobs, grows) && is_most(&of_longest(jobs), grows) => Some(Because::RunsGrow),
        () => None,
    }
}

/// Whether the level at the end rises from length to length.
fn lengths(jobs: &[&JobFacts]) -> Option<Because> {
    let cloud = by_length(jobs)?;
    let (growth, floor) = (cloud.slope()?, most_of(jobs, |terms| terms.floor));
    if cloud.least_repeats() < LEAST_REPEATS {
        let lengths = varied(jobs, |job| job.frames);
        let rise = (growth.estimate - floor) * (lengths[lengths.len() - 1] - lengths[0]) as f64;
        let may_rise = growth.low > floor && rise > most_of(jobs, |terms| terms.hidden);
        return may_rise.then_some(Because::LengthsAreOpen);
    }
    if growth.low > floor {
        let stopped = stops_at_the_same_frame(jobs);
        return Some(if stopped { Because::RunsStop } else { Because::LevelsRiseWithLength });
    }
    // Runs that are level by themselves are not made open by one of them that jumped.
    let level = is_most(jobs, is_level) && growth.estimate <= floor;
    let unclear = growth.high > floor + not_stable_above(jobs).unwrap_or_default() && !level;
    unclear.then_some(Because::LengthsAreOpen)
}

/// Whether the level at the end rises from one number of sources to the next, to the largest.
fn sources(jobs: &[&JobFacts]) -> Option<Because> {
    let counts = varied(jobs, |job| job.sources);
    let rises: Vec<Answer> =
        counts.windows(2).map(|pair| rises(jobs, pair[0], pair[1])).collect::<Option<_>>()?;
    match rises.last()? {
        // What the first sources cost says nothing of the next.
        Answer::Yes if rises.len() == 1 => Some(Because::SourcesAreOpen),
        Answer::Yes => Some(Because::LevelsRiseWithSources),
        Answer::Open if !is_most(jobs, is_level) => Some(Because::SourcesAreOpen),
        _ if rises.contains(&Answer::Yes) => Some(Because::LevelsStopRisingWithSources),
        _ => None,
    }
}

/// Whether the level rises from one number of sources to another; `None` of fewer than three repeats.
fn rises(jobs: &[&JobFacts], from: u64, to: u64) -> Option<Answer> {
    let cloud = by_sources(jobs, from, to).filter(|cloud| cloud.least_repeats() >= LEAST_REPEATS)?;
    let slope = cloud.slope()?;
    let least = K.by_chance.max(K.hidden / (to - from) as f64);
    Some(match () {
        () if slope.low > least => Answer::Yes,
        () if slope.high > least => Answer::Open,
        () => Answer::No,
    })
}

/// Where nothing grows. What stays between exports is not seen in a run of one.
fn rest(jobs: &[&JobFacts]) -> Because {
    let several = of_several_exports(jobs);
    let jobs = if several.is_empty() { jobs } else { &several };
    let filled = |job: &JobFacts| job.verdict.form == Some(Form::Filled) && is_level(job);
    match () {
        () if is_most(jobs, filled) && is_most(&of_longest(jobs), is_level) => Because::RunsStop,
        () if is_most(jobs, is_level) => Because::NothingGrows,
        () => Because::RunsAreOpen,
    }
}

/// What most of the runs that grow name; where they name different things, all of them.
fn named(growing: &[&JobFacts]) -> Vec<With> {
    let all = || [With::Frames, With::Sources, With::Cuts, With::Exports].into_iter();
    let names = |with: With| move |job: &JobFacts| job.verdict.with.contains(&with);
    let by_most: Vec<_> = all().filter(|&with| is_most(growing, names(with))).collect();
    let by_any = all().filter(|&with| growing.iter().any(|job| names(with)(job)));
    if by_most.is_empty() { by_any.collect() } else { by_most }
}

/// What would settle it: repeats, or the most that any run asks for.
fn needs(jobs: &[&JobFacts], because: Because) -> Needs {
    let repeats = |count: u64| Needs { repeats: Some(count), ..Needs::default() };
    let most = |of: fn(&Needs) -> Option<u64>| jobs.iter().filter_map(|job| of(&job.verdict.needs)).max();
    match because {
        Because::NothingMeasured => repeats(1),
        Because::LengthsAreOpen => {
            let had = by_length(jobs).map_or(0, |cloud| cloud.least_repeats());
            repeats(more(LEAST_REPEATS as f64, had as f64))
        }
        Because::SourcesAreOpen => repeats(LEAST_REPEATS as u64),
        Because::RunsAreOpen => Needs {
            frames: most(|needs| needs.frames).map(|needed| more(needed as f64, steps_done(jobs))),
            samples: most(|needs| needs.samples),
            repeats: most(|needs| needs.repeats),
            exports: most(|needs| needs.exports),
        },
        _ => Needs::default(),
    }
}

fn census(jobs: &[&JobFacts]) -> Vec<(Verdict, usize)> {
    let mut words: Vec<_> = jobs.iter().map(|job| job.verdict.verdict()).collect();
    words.sort_unstable();
    words.chunk_by(|a, b| a == b).map(|alike| (alike[0], alike.len())).collect()
}

/// The steps of the longest export, in the unit that jobs are judged by.
fn steps_done(jobs: &[&JobFacts]) -> f64 {
    match per(jobs) {
        Per::Frame | Per::Item => longest(jobs) as f64,
        Per::Mebibyte | Per::Second => jobs.iter().map(|job| job.verdict.steps).fold(0.0, f64::max),
    }
}

/// The longest export, in frames.
fn longest(jobs: &[&JobFacts]) -> u64 {
    jobs.iter().map(|job| job.frames).max().unwrap_or(0)
}

fn of_longest<'a>(jobs: &[&'a JobFacts]) -> Vec<&'a JobFacts> {
    jobs.iter().copied().filter(|job| job.frames == longest(jobs)).collect()
}

fn of_several_exports<'a>(jobs: &[&'a JobFacts]) -> Vec<&'a JobFacts> {
    jobs.iter().copied().filter(|job| job.verdict.at_rest.is_some()).collect()
}

/// What the finished jobs vary, each value once, from the smallest.
fn varied(jobs: &[&JobFacts], of: fn(&JobFacts) -> u64) -> Vec<u64> {
    let values: BTreeSet<u64> = jobs.iter().filter(|job| job.finished).map(|job| of(job)).collect();
    values.into_iter().collect()
}

fn most_of(jobs: &[&JobFacts], term: fn(&Terms) -> f64) -> f64 {
    jobs.iter().filter_map(|job| job.verdict.terms.as_ref().map(term)).fold(0.0, f64::max)
}

/// What the jobs can be asked together by: what they count, seconds only where none of them counts anything.
fn per(jobs: &[&JobFacts]) -> Per {
    let known = || jobs.iter().filter_map(|job| job.verdict.per);
    let counted = known().find(|per| *per != Per::Second);
    let all_seconds = !jobs.is_empty() && known().count() == jobs.len();
    counted.unwrap_or(if all_seconds { Per::Second } else { Per::Frame })
}

fn not_stable_above(jobs: &[&JobFacts]) -> Option<f64> {
    let alike = jobs.iter().filter(|job| job.verdict.per == Some(per(jobs)));
    let limits: Vec<_> = alike.filter_map(|job| job.verdict.not_stable_above).collect();
    stats::median(&limits)
}

/// Levels over lengths, for each number of sources apart: sources have a free level each.
fn by_length(jobs: &[&JobFacts]) -> Option<Cloud> {
    // The same for all repeats, however far an engine's counter came.
    let at = |job: &JobFacts| K.judged_to * job.frames as f64;
    let point = |job: &&JobFacts| Some(((job.sources, job.index), at(job), end_level(job)?));
    Cloud::of(jobs.iter().filter_map(point))
}

/// Levels over two numbers of sources, for each length apart.
fn by_sources(jobs: &[&JobFacts], from: u64, to: u64) -> Option<Cloud> {
    let wanted = jobs.iter().filter(|job| job.sources == from || job.sources == to);
    let point = |job: &&JobFacts| Some(((job.frames, job.index), job.sources as f64, end_level(job)?));
    Cloud::of(wanted.filter_map(point))
}

fn along(jobs: &[&JobFacts]) -> Vec<Along> {
    let of = |with: With, range: (u64, u64), cloud: Option<Cloud>| {
        let cloud = cloud?;
        Some(Along { with, range, growth: cloud.slope()?, jobs: cloud.len() })
    };
    let (lengths, counts) = (varied(jobs, |job| job.frames), varied(jobs, |job| job.sources));
    let lengths = lengths.first().copied().zip(lengths.last().copied());
    let largest = counts.windows(2).last().map(|pair| (pair[0], pair[1]));
    let by_length = lengths.and_then(|range| of(With::Frames, range, by_length(jobs)));
    let by_sources = largest.and_then(|(from, to)| of(With::Sources, (from, to), by_sources(jobs, from, to)));
    by_length.into_iter().chain(by_sources).collect()
}

/// Where growth stopped in each run in which it did, in frames.
fn stops(jobs: &[&JobFacts]) -> Vec<f64> {
    let filled = jobs.iter().filter(|job| job.verdict.form == Some(Form::Filled));
    filled.filter_map(|job| job.verdict.flat_since).collect()
}

fn stops_at_the_same_frame(jobs: &[&JobFacts]) -> bool {
    let stops = stops(jobs);
    let first = stops.iter().copied().fold(f64::INFINITY, f64::min);
    let last = stops.iter().copied().fold(0.0, f64::max);
    is_most(&of_longest(jobs), |job| job.verdict.form == Some(Form::Filled))
        && last <= (1.0 + K.alike) * first
}

fn end_level(job: &JobFacts) -> Option<f64> {
    job.verdict.end_level.filter(|_| job.finished)
}

fn grows(job: &JobFacts) -> bool {
    job.verdict.grows == Answer::Yes
}

fn is_level(job: &JobFacts) -> bool {
    job.verdict.grows == Answer::No
}

fn is_most(jobs: &[&JobFacts], is_so: impl Fn(&JobFacts) -> bool) -> bool {
    2 * jobs.iter().filter(|job| is_so(job)).count() > jobs.len()
}

/// What comes most often; of several the first.
fn most_common<T: Copy + PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let values: Vec<T> = values.collect();
    let count = |value: &T| values.iter().filter(|other| *other == value).count();
    values.iter().copied().rev().max_by_key(count)
}

/// The medians of what the runs say, end by end.
fn typical_growth(jobs: &[&JobFacts], per: Per) -> Growth {
    let typical = |of: fn(&Growth) -> Option<GrowthRate>| -> Option<GrowthRate> {
        let alike = jobs.iter().filter(|job| job.verdict.per == Some(per));
        let rates: Vec<GrowthRate> = alike.filter_map(|job| of(&job.verdict.growth)).collect();
        let median = |of: fn(&GrowthRate) -> f64| stats::median(&rates.iter().map(of).collect::<Vec<_>>());
        Some(GrowthRate {
            grows: most_common(rates.iter().map(|rate| rate.grows))?,
            low: median(|rate| rate.low)?,
            estimate: median(|rate| rate.estimate)?,
            high: median(|rate| rate.high)?,
            limit: median(|rate| rate.limit)?,
        })
    };
    Growth {
        frame: typical(|growth| growth.frame),
        source: typical(|growth| growth.source),
        cut: typical(|growth| growth.cut),
        export: typical(|growth| growth.export),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An export of so many frames that came to so many MiB, and was level but for where it stopped growing.
    fn export(frames: u64, mib: f64, stopped_at: Option<f64>) -> JobFacts {
        let verdict = RunVerdict {
            grows: Answer::No,
            form: Some(if stopped_at.is_some() { Form::Filled } else { Form::Plateau }),
            flat_since: stopped_at,
            end_level: Some(mib * 1_048_576.0),
            per: Some(Per::Frame),
            not_stable_above: Some(100.0),
            ..RunVerdict::default()
        };
        JobFacts { frames, sources: 1, index: false, finished: true, verdict }
    }

    /// Three repeats of each of these.
    fn thrice(exports: &[JobFacts]) -> JobsVerdict {
        judge_jobs(&std::iter::repeat_n(exports, 3).flatten().cloned().collect::<Vec<_>>())
    }

    #[test]
    fn a_level_that_rises_with_the_length_is_growth_although_no_run_grows() {
        // As of a queue, that stops growing at the same share of every length.
        let queue = [1000, 2000, 4000].map(|n| export(n, n as f64 / 20.0, Some(0.4 * n as f64)));
        let verdict = thrice(&queue);
        let said = (verdict.grows, &*verdict.with, verdict.because);
        assert_eq!(said, (Answer::Yes, &[With::Frames][..], Because::LevelsRiseWithLength));
        assert!((verdict.along[0].growth.estimate / 1_048_576.0 - 1.0 / 19.0).abs() < 1e-6);
        // Of one run of each length that is not known, but neither is it level.
        let once = judge_jobs(&queue);
        assert_eq!((once.grows, once.because), (Answer::Open, Because::LengthsAreOpen));
        assert_eq!(once.needs.repeats, Some(3));
    }

    #[test]
    fn a_cache_that_fills_at_the_same_frame_of_every_length_is_level() {
        // In the shortest it had hardly any time to fill.
        let cache = [(1000, 80.0, 880.0), (4000, 95.0, 900.0)];
        let verdict = thrice(&cache.map(|(frames, mib, at)| export(frames, mib, Some(at))));
        assert_eq!((verdict.grows, verdict.because), (Answer::No, Because::RunsStop));
    }

    #[test]
    fn growth_with_the_first_sources_that_stops_is_level_and_growth_to_the_last_is_not() {
        let with = |levels: [f64; 3]| {
            let of = |(sources, mib): (u64, f64)| JobFacts { sources, ..export(2000, mib, None) };
            thrice(&[1, 10, 40].into_iter().zip(levels).map(of).collect::<Vec<_>>()).because
        };
        assert_eq!(with([50.0, 60.0, 90.0]), Because::LevelsRiseWithSources);
        assert_eq!(with([50.0, 60.0, 60.0]), Because::LevelsStopRisingWithSources);
        assert_eq!(with([50.0, 50.0, 50.0]), Because::NothingGrows);
    }

    #[test]
    fn an_export_that_was_judged_by_seconds_has_to_last_so_many_seconds() {
        let needs = Needs { frames: Some(4), ..Needs::default() };
        let short = RunVerdict { per: Some(Per::Second), steps: 0.3, needs, ..RunVerdict::default() };
        let verdict = judge_jobs(&[JobFacts { verdict: short, ..export(200, 50.0, None) }]);
        assert_eq!((verdict.because, verdict.needs.frames), (Because::RunsAreOpen, Some(4)));
    }

    #[test]
    fn a_run_that_counted_nothing_does_not_change_the_unit_of_the_others() {
        let by = |per: Per| {
            let verdict = RunVerdict { per: Some(per), ..export(200, 50.0, None).verdict };
            JobFacts { verdict, ..export(200, 50.0, None) }
        };
        let unit = |pers: &[Per]| judge_jobs(&pers.iter().map(|per| by(*per)).collect::<Vec<_>>()).per;
        assert_eq!(unit(&[Per::Second, Per::Item, Per::Item]), Per::Item);
        assert_eq!(unit(&[Per::Mebibyte, Per::Second]), Per::Mebibyte);
        assert_eq!(unit(&[Per::Second, Per::Frame]), Per::Frame);
        assert_eq!(unit(&[Per::Second, Per::Second]), Per::Second);
        assert_eq!(unit(&[]), Per::Frame);
    }

    #[test]
    fn one_of_three_runs_that_disagrees_does_not_decide() {
        let grows = JobFacts {
            verdict: RunVerdict {
                grows: Answer::Yes,
                with: vec![With::Cuts],
                ..export(2000, 50.0, None).verdict
            },
            ..export(2000, 50.0, None)
        };
        let level = export(2000, 50.0, None);
        let of = |runs: &[&JobFacts]| {
            let verdict = judge_jobs(&runs.iter().map(|&job| job.clone()).collect::<Vec<_>>());
            (verdict.because, verdict.with)
        };
        assert_eq!(of(&[&grows, &grows, &level]), (Because::RunsGrow, vec![With::Cuts]));
        assert_eq!(of(&[&grows, &level, &level]), (Because::NothingGrows, Vec::new()));
        assert_eq!(of(&[&grows, &level]), (Because::RunsAreOpen, Vec::new()));
    }
}
