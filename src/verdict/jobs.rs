//! With what memory grows: a set of jobs together.
//!
//! One run cannot tell a leak from a cache that has not filled yet. Several can: the same export at other
//! lengths, with more sources, more often in one process. Jobs are put in *families* – the same but for what
//! is varied to find out – and within a family each thing that memory may grow with is asked about: frames,
//! sources, cuts, exports, a queue.

mod sen;

use serde::Serialize;

use super::course::Per;
use super::decide::{JUDGED, enough_frames, more};
use super::staircase::OTHER_USE;
use super::{Needs, Rule, RunVerdict, Verdict, word};
use crate::stats::{self, Interval};

use sen::Cloud;

/// Runs of a cell that it takes at least to say something between lengths.
const LEAST_REPEATS: usize = 3;
/// More with each source, in bytes, is growth with sources: what a heap keeps by chance is less.
const LEAST_PER_SOURCE: f64 = 65_536.0;
/// And more in all, in bytes: a heap may hide as much.
const LEAST_RISE: f64 = 524_288.0;
/// Where growth stopped in two runs counts as the same share of the way, or the same frame, within this.
const ALIKE: f64 = 1.3;

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

impl JobFacts {
    fn end_level(&self) -> Option<f64> {
        self.verdict.end_level.filter(|_| self.finished)
    }

    fn peak(&self) -> Option<f64> {
        let level = self.verdict.level.as_ref().filter(|_| self.finished);
        level.map(|level| level.peak.as_f64())
    }
}

/// What memory may grow with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// Frames exported.
    Frame,
    /// Distinct sources.
    Source,
    /// Cuts, whatever comes after.
    Cut,
    /// Exports in one process.
    Export,
    /// Frames that wait in a queue.
    Queue,
}

/// What a family of jobs shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Finding {
    /// Every export in a process leaves something behind.
    Leak,
    /// With every frame, up to the longest export that was measured.
    GrowsPerFrame,
    /// In a queue that holds more for a longer export.
    QueueGrows,
    /// With every cut, also to sources that were used before.
    GrowsPerCut,
    /// With every source.
    GrowsPerSource,
    /// It cannot be told from these jobs.
    Inconclusive,
    /// It grew with something, and stopped.
    Bounded,
    /// No growth along anything that was varied.
    Healthy,
}

impl Finding {
    /// The word for files and tables.
    pub fn word(self) -> String {
        word(&self)
    }
}

/// Growth with one thing, over the jobs of a family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Along {
    /// What it grows with.
    pub with: With,
    /// The least and the most of it that was measured.
    pub range: (u64, u64),
    /// Bytes with each of it, with their interval.
    #[serde(rename = "growth_bytes")]
    pub growth: Interval,
    /// Jobs that it comes from.
    pub jobs: usize,
}

/// What a family of jobs shows, and the evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobsVerdict {
    /// The finding.
    pub finding: Finding,
    /// What decided, in the order in which it was asked.
    pub because: Because,
    /// Jobs that were judged.
    pub jobs: usize,
    /// How many of them show what by themselves.
    pub runs: Vec<(Verdict, usize)>,
    /// The longest export, in frames.
    pub up_to_frames: u64,
    /// The most distinct sources of an export.
    pub up_to_sources: u64,
    /// Growth along what was varied, and along what every run shows.
    pub along: Vec<Along>,
    /// Where growth stopped, in frames: the median over the runs in which it did.
    #[serde(rename = "stopped_at_frame")]
    pub stopped_at: Option<f64>,
    /// Growth with each frame beyond that of the same exports without an index: the measured size of the index,
    /// where there is such a control.
    #[serde(rename = "index_bytes_per_frame")]
    pub index_per_frame: Option<f64>,
    /// Growth with each frame that would not have been called stable: the median over the runs whose frames were
    /// counted.
    #[serde(rename = "not_stable_above_bytes_per_frame")]
    pub not_stable_above: Option<f64>,
    /// What would settle it, where it is open.
    pub needs: Needs,
}

/// Whether the level rises from one number of sources to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rise {
    Rises,
    Open,
    None,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// Nothing was measured.
    NothingMeasured,
    /// Memory at rest rises from export to export.
    RestsRise,
    /// Most runs grow by themselves, at every length.
    RunsGrow,
    /// The level at the end rises with the length, and the runs go on growing to their end.
    LevelsRiseWithLength,
    /// Frames wait in a queue, in memory, in most runs.
    FramesWait,
    /// The level rises with the length, and growth stops at the same share of every length.
    StopsAtTheSameShare,
    /// Most runs grow at cuts, also to sources that were used before.
    RunsGrowAtCuts,
    /// Most runs grow at cuts, where a source is used first.
    RunsGrowAtFirstUses,
    /// The level rises from the second largest to the largest number of sources.
    LevelsRiseWithSources,
    /// Growth stopped in most runs, or at the longest lengths.
    RunsStop,
    /// The level rises from one number of sources to another, and there is no third: what the first sources cost says
    /// nothing of the next.
    TwoNumbersOfSources,
    /// The level rises with few sources, and not with many.
    LevelsStopRisingWithSources,
    /// No run grows, and no level rises.
    NothingGrows,
    /// Runs disagree, or most are open.
    RunsAreOpen,
    /// The interval of growth from length to length contains both growth and none.
    LengthsAreOpen,
    /// The interval of growth from source to source contains both growth and none.
    SourcesAreOpen,
}

/// Says what a family of jobs shows.
pub fn judge_jobs(jobs: &[JobFacts]) -> JobsVerdict {
    Family { jobs }.verdict()
}

struct Family<'a> {
    jobs: &'a [JobFacts],
}

type Answer = (Finding, Because, Needs);

impl Family<'_> {
    fn verdict(&self) -> JobsVerdict {
        let (finding, because, needs) = self.answer();
        JobsVerdict {
            finding,
            because,
            jobs: self.jobs.len(),
            runs: self.census(),
            up_to_frames: self.longest_frames(),
            up_to_sources: self.jobs.iter().map(|job| job.sources).max().unwrap_or(0),
            along: self.along(),
            stopped_at: self.stopped_at(),
            index_per_frame: None,
            not_stable_above: self.not_stable_above_per_frame(),
            needs,
        }
    }

    fn answer(&self) -> Answer {
        if self.jobs.is_empty() {
            return sure(Finding::Inconclusive, Because::NothingMeasured);
        }
        self.exports()
            .or_else(|| self.queue())
            .or_else(|| self.frames())
            .or_else(|| self.cuts())
            .or_else(|| self.sources())
            .unwrap_or_else(|| self.rest())
    }

    fn census(&self) -> Vec<(Verdict, usize)> {
        let mut census: Vec<(Verdict, usize)> = Vec::new();
        for job in self.jobs {
            match census.iter_mut().find(|(verdict, _)| *verdict == job.verdict.verdict) {
                Some((_, count)) => *count += 1,
                None => census.push((job.verdict.verdict, 1)),
            }
        }
        census.sort();
        census
    }

    fn most(&self, is_so: impl Fn(&JobFacts) -> bool) -> bool {
        is_most(self.jobs.iter(), is_so)
    }

    /// The jobs of several exports in one process.
    fn several(&self) -> impl Iterator<Item = &JobFacts> {
        self.jobs.iter().filter(|job| job.verdict.at_rest.is_some())
    }

    fn exports(&self) -> Option<Answer> {
        let leaks = is_most(self.several(), |job| job.verdict.verdict == Verdict::Leak);
        leaks.then(|| sure(Finding::Leak, Because::RestsRise))
    }

    fn queue(&self) -> Option<Answer> {
        let waits = self.most(|job| job.verdict.rule == Rule::HeldInAQueue);
        waits.then(|| sure(Finding::QueueGrows, Because::FramesWait))
    }

    fn frames(&self) -> Option<Answer> {
        let longest = self.longest_frames();
        if self.longest_grow() && self.most(grows) {
            return Some(sure(Finding::GrowsPerFrame, Because::RunsGrow));
        }
        let cloud = self.by_length(JobFacts::end_level)?;
        let growth = cloud.slope()?;
        let floor = self.floor();
        let at_cuts = self.most(|job| job.verdict.verdict == Verdict::GrowsAtCuts);
        if cloud.least_repeats() < LEAST_REPEATS {
            let needs = Needs { repeats: Some(LEAST_REPEATS as u64), ..Needs::default() };
            let may_rise =
                growth.low > floor && self.rise_in_all(growth.estimate) > self.hidden() && !at_cuts;
            return may_rise.then_some((Finding::Inconclusive, Because::LengthsAreOpen, needs));
        }
        let rests = self.most(|job| job.verdict.verdict.is_stable());
        match () {
            () if growth.low > floor && self.stops_at_the_same_share() => {
                Some(sure(Finding::QueueGrows, Because::StopsAtTheSameShare))
            }
            () if growth.low > floor && self.stops_at_the_same_frame() => {
                Some(sure(Finding::Bounded, Because::RunsStop))
            }
            () if growth.low > floor && !at_cuts => {
                Some(sure(Finding::GrowsPerFrame, Because::LevelsRiseWithLength))
            }
            // Runs that rest by themselves are not made open by one of them that jumped.
            () if growth.high > floor + self.not_stable_above()
                && !at_cuts
                && !(rests && growth.estimate <= floor) =>
            {
                let repeats = Some(2 * cloud.least_repeats() as u64);
                let needs = Needs { repeats, frames: Some(2 * longest), ..Needs::default() };
                Some((Finding::Inconclusive, Because::LengthsAreOpen, needs))
            }
            () => None,
        }
    }

    /// The jobs of the longest exports.
    fn longest(&self) -> impl Iterator<Item = &JobFacts> {
        let longest = self.longest_frames();
        self.jobs.iter().filter(move |job| job.frames == longest)
    }

    fn longest_frames(&self) -> u64 {
        self.jobs.iter().map(|job| job.frames).max().unwrap_or(0)
    }

    fn longest_grow(&self) -> bool {
        is_most(self.longest(), grows)
    }

    /// What growth with each frame comes to from the shortest to the longest export, beyond the floor, in bytes.
    fn rise_in_all(&self, per_frame: f64) -> f64 {
        let (shortest, longest) = self.range();
        (per_frame - self.floor()) * (longest - shortest) as f64
    }

    fn cuts(&self) -> Option<Answer> {
        if !self.most(|job| job.verdict.verdict == Verdict::GrowsAtCuts) {
            return None;
        }
        let first = self.at_cut(|stairs| stairs.at_first_use).unwrap_or(0.0);
        let other = self.at_cut(|stairs| stairs.at_other_use).unwrap_or(0.0);
        if other > OTHER_USE * first && other > self.noise() {
            return Some(sure(Finding::GrowsPerCut, Because::RunsGrowAtCuts));
        }
        // Where their number was varied, the levels say more than a warm-up that takes its steps at cuts.
        match self.largest_two().and_then(|(from, to)| self.judged_rise(from, to)) {
            None | Some((_, Rise::Rises)) => {
                Some(sure(Finding::GrowsPerSource, Because::RunsGrowAtFirstUses))
            }
            Some((repeats, _)) if repeats >= LEAST_REPEATS => None,
            Some(_) => {
                let needs = Needs { repeats: Some(LEAST_REPEATS as u64), ..Needs::default() };
                Some((Finding::Inconclusive, Because::SourcesAreOpen, needs))
            }
        }
    }

    /// Whether the level rises from each number of sources to the next larger one.
    fn rises(&self) -> Vec<Rise> {
        self.counts().windows(2).filter_map(|pair| self.rise(pair[0], pair[1])).collect()
    }

    fn sources(&self) -> Option<Answer> {
        let steps = self.rises();
        let last = *steps.last()?;
        match () {
            () if last == Rise::Open => {
                let needs = Needs { repeats: Some(2 * LEAST_REPEATS as u64), ..Needs::default() };
                Some((Finding::Inconclusive, Because::SourcesAreOpen, needs))
            }
            // What the first sources cost says nothing of the next.
            () if last == Rise::Rises && steps.len() == 1 => {
                Some(sure(Finding::Inconclusive, Because::TwoNumbersOfSources))
            }
            () if last == Rise::Rises => Some(sure(Finding::GrowsPerSource, Because::LevelsRiseWithSources)),
            () if steps.contains(&Rise::Rises) => {
                Some(sure(Finding::Bounded, Because::LevelsStopRisingWithSources))
            }
            () => None,
        }
    }

    /// The numbers of sources, each once, from the smallest.
    fn counts(&self) -> Vec<u64> {
        let mut counts: Vec<u64> =
            self.jobs.iter().filter(|job| job.finished).map(|job| job.sources).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    fn rise(&self, from: u64, to: u64) -> Option<Rise> {
        self.judged_rise(from, to).filter(|(repeats, _)| *repeats >= LEAST_REPEATS).map(|(_, rise)| rise)
    }

    /// The least repeats of a cell, and what they show.
    fn judged_rise(&self, from: u64, to: u64) -> Option<(usize, Rise)> {
        let cloud = self.by_sources(from, to)?;
        let slope = cloud.slope()?;
        let least = LEAST_PER_SOURCE.max(LEAST_RISE / (to - from) as f64);
        let rise = match () {
            () if slope.low > least => Rise::Rises,
            () if slope.high > least => Rise::Open,
            () => Rise::None,
        };
        Some((cloud.least_repeats(), rise))
    }

    fn rest(&self) -> Answer {
        let several = self.several().count();
        if several > 0 && several < self.jobs.len() {
            // What stays between exports is not seen in a run of one.
            let several: Vec<_> = self.several().cloned().collect();
            return Family { jobs: &several }.rest();
        }
        let late = self.jobs.iter().filter(|job| job.verdict.verdict == Verdict::PlateauLate).count();
        match () {
            () if 2 * late >= self.jobs.len() && is_most(self.longest(), rests) => {
                sure(Finding::Bounded, Because::RunsStop)
            }
            () if self.most(rests) => sure(Finding::Healthy, Because::NothingGrows),
            () => (Finding::Inconclusive, Because::RunsAreOpen, self.needs_of_runs()),
        }
    }

    /// The most that any run asks for.
    fn needs_of_runs(&self) -> Needs {
        let most =
            |of: fn(&Needs) -> Option<u64>| self.jobs.iter().filter_map(|job| of(&job.verdict.needs)).max();
        Needs {
            frames: self.jobs.iter().filter_map(frames_needed).max().map(|frames| self.longer(frames)),
            samples: most(|needs| needs.samples),
            repeats: most(|needs| needs.repeats),
            exports: most(|needs| needs.exports),
        }
    }

    /// So many frames, or more than the longest export has.
    fn longer(&self, frames: u64) -> u64 {
        more(frames as f64, self.longest_frames() as f64)
    }

    fn floor(&self) -> f64 {
        self.jobs.iter().filter_map(|job| Some(job.verdict.terms?.floor)).fold(0.0, f64::max)
    }

    fn hidden(&self) -> f64 {
        self.jobs.iter().filter_map(|job| Some(job.verdict.terms?.hidden)).fold(0.0, f64::max)
    }

    fn noise(&self) -> f64 {
        self.jobs.iter().filter_map(|job| Some(job.verdict.terms?.noise)).fold(0.0, f64::max)
    }

    fn not_stable_above(&self) -> f64 {
        let limits: Vec<_> = self.jobs.iter().filter_map(|job| job.verdict.not_stable_above).collect();
        stats::median(&limits).unwrap_or_default()
    }

    fn not_stable_above_per_frame(&self) -> Option<f64> {
        let by_frame = self.jobs.iter().filter(|job| job.verdict.per == Some(Per::Frame));
        let limits: Vec<_> = by_frame.filter_map(|job| job.verdict.not_stable_above).collect();
        stats::median(&limits)
    }

    /// Levels over lengths, for each number of sources apart: sources have a free level each.
    fn by_length(&self, level: fn(&JobFacts) -> Option<f64>) -> Option<Cloud> {
        // The same for all repeats, however far an engine's counter came.
        let at = |job: &JobFacts| JUDGED.1 * job.frames as f64;
        let point = |job: &JobFacts| Some(((job.sources, job.index), at(job), level(job)?));
        Cloud::of(self.jobs.iter().filter_map(point))
    }

    /// Levels over two numbers of sources, for each length apart.
    fn by_sources(&self, from: u64, to: u64) -> Option<Cloud> {
        let wanted = self.jobs.iter().filter(|job| job.sources == from || job.sources == to);
        let point = |job: &JobFacts| Some(((job.frames, job.index), job.sources as f64, job.end_level()?));
        Cloud::of(wanted.filter_map(point))
    }

    fn at_cut(&self, of: impl Fn(&super::staircase::Staircase) -> Option<f64>) -> Option<f64> {
        let runs = self.jobs.iter().filter_map(|job| of(job.verdict.staircase.as_ref()?));
        stats::median(&runs.collect::<Vec<_>>())
    }

    fn stops(&self) -> Vec<(f64, f64)> {
        let stop = |job: &JobFacts| Some((job.frames as f64, job.verdict.flat_since?));
        self.jobs.iter().filter_map(stop).collect()
    }

    fn stopped_at(&self) -> Option<f64> {
        stats::median(&self.stops().iter().map(|stop| stop.1).collect::<Vec<_>>())
    }

    fn stops_at_the_same_share(&self) -> bool {
        let stops = self.stops();
        let shares: Vec<_> = stops.iter().map(|(frames, at)| at / frames).collect();
        2 * stops.len() > self.jobs.len() && is_alike(&shares) && !is_alike(&ends(&stops))
    }

    fn stops_at_the_same_frame(&self) -> bool {
        let stop = |job: &JobFacts| job.verdict.flat_since.is_some();
        is_most(self.longest(), stop) && is_alike(&ends(&self.stops()))
    }

    /// Growth with each thing: from what the jobs vary, else from what each run shows by itself.
    fn along(&self) -> Vec<Along> {
        let frames = self.range();
        let by_frames = self.varied(With::Frame, frames, self.by_length(JobFacts::end_level));
        let of_frames = || self.typical(With::Frame, frames, |job| Some(job.verdict.growth?.estimate));
        let by_sources = self
            .largest_two()
            .and_then(|(from, to)| self.varied(With::Source, (from, to), self.by_sources(from, to)));
        let of_sources = || {
            let first_use = |job: &JobFacts| job.verdict.staircase.as_ref()?.at_first_use;
            self.typical(With::Source, NOT_VARIED, first_use)
        };
        let at_cut = |job: &JobFacts| job.verdict.staircase.as_ref().map(|stairs| stairs.at_cut);
        let exports =
            self.several().filter_map(|job| job.verdict.at_rest.as_ref()).map(|rest| rest.exports).max();
        let stays = |job: &JobFacts| Some(job.verdict.at_rest.as_ref()?.gain?.estimate);
        let along = [
            by_frames.or_else(of_frames),
            by_sources.or_else(of_sources),
            self.varied(With::Queue, frames, self.by_length(JobFacts::peak)),
            self.typical(With::Cut, NOT_VARIED, at_cut),
            self.typical(With::Export, (1, exports.unwrap_or(1) as u64), stays),
        ];
        along.into_iter().flatten().collect()
    }

    /// The lengths of the finished jobs: the least and the most.
    fn range(&self) -> (u64, u64) {
        let finished = || self.jobs.iter().filter(|job| job.finished).map(|job| job.frames);
        (finished().min().unwrap_or(0), finished().max().unwrap_or(0))
    }

    /// The two largest numbers of sources.
    fn largest_two(&self) -> Option<(u64, u64)> {
        let counts = self.counts();
        let second = counts.len().checked_sub(2)?;
        Some((counts[second], counts[second + 1]))
    }

    fn varied(&self, with: With, range: (u64, u64), cloud: Option<Cloud>) -> Option<Along> {
        let cloud = cloud?;
        Some(Along { with, range, growth: cloud.slope()?, jobs: cloud.len() })
    }

    /// The median over the runs of what each shows by itself, from the least to the most.
    fn typical(&self, with: With, range: (u64, u64), of: impl Fn(&JobFacts) -> Option<f64>) -> Option<Along> {
        let mut runs: Vec<_> = self.jobs.iter().filter_map(of).collect();
        runs.sort_by(f64::total_cmp);
        let estimate = stats::median(&runs)?;
        let growth = Interval { low: runs[0], estimate, high: runs[runs.len() - 1] };
        Some(Along { with, range, growth, jobs: runs.len() })
    }
}

fn grows(job: &JobFacts) -> bool {
    job.verdict.verdict == Verdict::Growing
}

/// Whether a run by itself shows no growth. Where it is open whether the troughs of a saw rise, they must not have
/// risen by more than would have been called growth.
fn rests(job: &JobFacts) -> bool {
    let RunVerdict { verdict, rule, growth, not_stable_above, .. } = &job.verdict;
    let risen = growth.zip(*not_stable_above).is_some_and(|(growth, limit)| growth.estimate > limit);
    verdict.is_stable() || *verdict == Verdict::Sawtooth && !(*rule == Rule::TroughsOpen && risen)
}

/// The range of what the jobs do not vary.
const NOT_VARIED: (u64, u64) = (0, 0);

fn sure(finding: Finding, because: Because) -> Answer {
    (finding, because, Needs::default())
}

/// Frames of the export that a run asks for; `None` where it had none.
///
/// One whose frames were not counted asks for seconds: as many of its frames as pass in them. In a longer export
/// they may be counted, and then it takes [`enough_frames`].
fn frames_needed(job: &JobFacts) -> Option<u64> {
    let needed = job.verdict.needs.frames?;
    if job.verdict.per == Some(Per::Frame) {
        return Some(needed);
    }
    let longer = job.frames as f64 * needed as f64 / job.verdict.steps;
    (job.frames > 0).then(|| enough_frames().max(longer.ceil() as u64))
}

fn is_most<'a>(jobs: impl Iterator<Item = &'a JobFacts>, is_so: impl Fn(&JobFacts) -> bool) -> bool {
    let (mut all, mut so) = (0, 0);
    for job in jobs {
        all += 1;
        so += usize::from(is_so(job));
    }
    2 * so > all
}

fn ends(stops: &[(f64, f64)]) -> Vec<f64> {
    stops.iter().map(|stop| stop.1).collect()
}

fn is_alike(numbers: &[f64]) -> bool {
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    numbers.iter().copied().fold(0.0, f64::max) <= ALIKE * least
}

#[cfg(test)]
mod tests;
