//! What several jobs show together: the same export at other lengths, with more sources, more often in one process.
//!
//! One run cannot tell a leak from a cache that has not filled yet. Several can. Jobs are put in *families* – the same
//! but for what is varied to find out –, and the two questions are asked of each family.

use serde::Serialize;

use crate::constants::Constants;
use crate::course::Per;
use crate::division::LEAST_EVENTS;
use crate::run::{Growth, GrowthRate, Needs, Reason, RunVerdict, Verdict, With, more, verdict};
use crate::sen::Cloud;
use crate::shape::{Answer, Form};
use crate::stats::{self, Interval};

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

/// Growth with one thing that the jobs of a family vary.
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

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// Nothing was measured.
    NothingMeasured,
    /// Memory at rest rises from export to export.
    RestsRise,
    /// Most runs grow by themselves, also most of the longest.
    RunsGrow,
    /// The level at the end rises with the length, and the runs go on growing to their end.
    LevelsRiseWithLength,
    /// Frames wait in a queue, in memory, in most runs.
    FramesWait,
    /// The level rises with the length, and growth stops at the same share of every length: a queue.
    StopsAtTheSameShare,
    /// The level rises from the second largest to the largest number of sources.
    LevelsRiseWithSources,
    /// Growth stopped at the same frame, or in the longest exports.
    RunsStop,
    /// The level rises with few sources, and not with many.
    LevelsStopRisingWithSources,
    /// No run grows, and no level rises.
    NothingGrows,
    /// Runs disagree, or most are open.
    RunsAreOpen,
    /// The interval of growth from length to length contains both growth and none.
    LengthsAreOpen,
    /// The level rises from one number of sources to another, and there is no third, or it may rise or not.
    SourcesAreOpen,
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
    /// No steady growth with each frame above this can be in what was seen: the median over the runs whose frames
    /// were counted.
    pub not_stable_above: Option<f64>,
    /// What would settle it, where it is open.
    pub needs: Needs,
}

impl JobsVerdict {
    /// The verdict in a word.
    pub fn verdict(&self) -> Verdict {
        verdict(Some(self.grows), &self.with)
    }
}

/// Says what a family of jobs shows.
pub fn judge_jobs(jobs: &[JobFacts]) -> JobsVerdict {
    let family = Family { jobs, k: &Constants::USUAL };
    let ruling = family.ruling();
    let gives = |job: &&JobFacts| job.verdict.answer() == ruling.grows;
    let growing: Vec<_> = jobs.iter().filter(gives).collect();
    let with = family.with(&ruling, &growing);
    let unparted = with.len() > 1 && is_most(growing.iter().copied(), |job| job.verdict.unparted);
    JobsVerdict {
        unparted,
        with,
        growth: typical_growth(if growing.is_empty() { jobs.iter().collect() } else { growing.clone() }),
        form: most_common(growing.iter().filter_map(|job| job.verdict.form)),
        reason: most_common(jobs.iter().filter_map(|job| job.verdict.reason)),
        jobs: jobs.len(),
        runs: family.census(),
        up_to_frames: family.longest_frames(),
        up_to_sources: jobs.iter().map(|job| job.sources).max().unwrap_or(0),
        up_to_exports: family.several().map(|(_, exports)| exports as u64).max().unwrap_or(1),
        along: family.along(),
        stopped_at: family.stopped_at(),
        index_per_frame: None,
        not_stable_above: family.not_stable_above(),
        grows: ruling.grows,
        because: ruling.because,
        needs: ruling.needs,
    }
}

/// An answer, what decided, and what would settle it.
struct Ruling {
    grows: Answer,
    with: Option<With>,
    because: Because,
    needs: Needs,
}

impl Ruling {
    fn yes(with: Option<With>, because: Because) -> Ruling {
        Ruling { grows: Answer::Yes, with, because, needs: Needs::default() }
    }

    fn no(because: Because) -> Ruling {
        Ruling { grows: Answer::No, with: None, because, needs: Needs::default() }
    }

    fn open(because: Because, needs: Needs) -> Ruling {
        Ruling { grows: Answer::Open, with: None, because, needs }
    }
}

struct Family<'a> {
    jobs: &'a [JobFacts],
    k: &'a Constants,
}

impl Family<'_> {
    fn ruling(&self) -> Ruling {
        if self.jobs.is_empty() {
            return Ruling::open(Because::NothingMeasured, Needs { repeats: Some(1), ..Needs::default() });
        }
        self.exports()
            .or_else(|| self.runs_grow())
            .or_else(|| self.lengths())
            .or_else(|| self.sources())
            .unwrap_or_else(|| self.rest())
    }

    fn census(&self) -> Vec<(Verdict, usize)> {
        let mut words: Vec<_> = self.jobs.iter().map(|job| job.verdict.verdict()).collect();
        words.sort_unstable();
        words.chunk_by(|a, b| a == b).map(|alike| (alike[0], alike.len())).collect()
    }

    fn most(&self, is_so: impl Fn(&JobFacts) -> bool) -> bool {
        is_most(self.jobs.iter(), is_so)
    }

    /// The jobs of several exports in one process, and how many each has.
    fn several(&self) -> impl Iterator<Item = (&JobFacts, usize)> {
        self.jobs.iter().filter_map(|job| Some((job, job.verdict.at_rest.as_ref()?.exports)))
    }

    fn exports(&self) -> Option<Ruling> {
        let several: Vec<_> = self.several().map(|(job, _)| job).collect();
        is_most(several.iter().copied(), |job| job.verdict.verdict() == Verdict::Leak)
            .then(|| Ruling::yes(Some(With::Exports), Because::RestsRise))
    }

    fn runs_grow(&self) -> Option<Ruling> {
        let waits = |job: &JobFacts| job.verdict.reason == Some(Reason::HeldInAQueue);
        if self.most(waits) {
            return Some(Ruling::yes(Some(With::Frames), Because::FramesWait));
        }
        let grow = self.most(grows) && is_most(self.longest(), grows);
        grow.then(|| Ruling::yes(None, Because::RunsGrow))
    }

    fn lengths(&self) -> Option<Ruling> {
        let cloud = self.by_length()?;
        let (growth, floor) = (cloud.slope()?, self.most_of(|terms| terms.floor));
        if cloud.least_repeats() < LEAST_REPEATS {
            let (shortest, longest) = self.range();
            let rise = (growth.estimate - floor) * (longest - shortest) as f64;
            let may_rise = growth.low > floor && rise > self.most_of(|terms| terms.hidden);
            let needs = Needs { repeats: Some(LEAST_REPEATS as u64), ..Needs::default() };
            return may_rise.then(|| Ruling::open(Because::LengthsAreOpen, needs));
        }
        if growth.low > floor {
            return Some(match () {
                () if self.stops_at_the_same_share() => {
                    Ruling::yes(Some(With::Frames), Because::StopsAtTheSameShare)
                }
                () if self.stops_at_the_same_frame() => Ruling::no(Because::RunsStop),
                () => Ruling::yes(Some(With::Frames), Because::LevelsRiseWithLength),
            });
        }
        // Runs that are level by themselves are not made open by one of them that jumped.
        let level = self.most(is_level) && growth.estimate <= floor;
        let unclear = growth.high > floor + self.not_stable_above().unwrap_or_default() && !level;
        unclear.then(|| {
            let repeats = Some(2 * cloud.least_repeats() as u64);
            let frames = Some(2 * self.longest_frames());
            Ruling::open(Because::LengthsAreOpen, Needs { repeats, frames, ..Needs::default() })
        })
    }

    fn sources(&self) -> Option<Ruling> {
        let counts = self.counts();
        let rises: Vec<Answer> =
            counts.windows(2).map(|pair| self.rises(pair[0], pair[1])).collect::<Option<_>>()?;
        let needs = Needs { repeats: Some(2 * LEAST_REPEATS as u64), ..Needs::default() };
        match rises.last()? {
            // What the first sources cost says nothing of the next.
            Answer::Yes if rises.len() == 1 => Some(Ruling::open(Because::SourcesAreOpen, Needs::default())),
            Answer::Yes => Some(Ruling::yes(Some(With::Sources), Because::LevelsRiseWithSources)),
            Answer::Open if !self.most(is_level) => Some(Ruling::open(Because::SourcesAreOpen, needs)),
            _ if rises.contains(&Answer::Yes) => Some(Ruling::no(Because::LevelsStopRisingWithSources)),
            _ => None,
        }
    }

    /// Whether the level rises from one number of sources to another; `None` of fewer than three repeats.
    fn rises(&self, from: u64, to: u64) -> Option<Answer> {
        let cloud = self.by_sources(from, to).filter(|cloud| cloud.least_repeats() >= LEAST_REPEATS)?;
        let slope = cloud.slope()?;
        let least = self.k.by_chance.max(self.k.hidden / (to - from) as f64);
        Some(match () {
            () if slope.low > least => Answer::Yes,
            () if slope.high > least => Answer::Open,
            () => Answer::No,
        })
    }

    fn rest(&self) -> Ruling {
        let several: Vec<_> = self.several().map(|(job, _)| job.clone()).collect();
        if !several.is_empty() && several.len() < self.jobs.len() {
            // What stays between exports is not seen in a run of one.
            return Family { jobs: &several, k: self.k }.rest();
        }
        let filled = |job: &JobFacts| job.verdict.form == Some(Form::Filled) && is_level(job);
        match () {
            () if self.most(filled) && is_most(self.longest(), is_level) => Ruling::no(Because::RunsStop),
            () if self.most(is_level) => Ruling::no(Because::NothingGrows),
            () => Ruling::open(Because::RunsAreOpen, self.needs_of_runs()),
        }
    }

    /// What memory grows with: what the ruling says, or most of the runs that grow.
    fn with(&self, ruling: &Ruling, growing: &[&JobFacts]) -> Vec<With> {
        if ruling.grows != Answer::Yes {
            return Vec::new();
        }
        if let Some(with) = ruling.with {
            return vec![with];
        }
        let is_in = |with: &With| is_most(growing.iter().copied(), |job| job.verdict.with.contains(with));
        let with: Vec<_> =
            [With::Frames, With::Sources, With::Cuts, With::Exports].into_iter().filter(is_in).collect();
        // Runs that name different things leave all of them.
        if with.is_empty() { growing.iter().flat_map(|job| job.verdict.with.clone()).collect() } else { with }
    }

    /// The most that any run asks for.
    fn needs_of_runs(&self) -> Needs {
        let most =
            |of: fn(&Needs) -> Option<u64>| self.jobs.iter().filter_map(|job| of(&job.verdict.needs)).max();
        let longest = self.longest_frames() as f64;
        Needs {
            frames: most(|needs| needs.frames).map(|frames| more(frames as f64, longest)),
            samples: most(|needs| needs.samples),
            repeats: most(|needs| needs.repeats),
            exports: most(|needs| needs.exports),
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

    /// The lengths of the finished jobs: the least and the most.
    fn range(&self) -> (u64, u64) {
        let finished = || self.jobs.iter().filter(|job| job.finished).map(|job| job.frames);
        (finished().min().unwrap_or(0), finished().max().unwrap_or(0))
    }

    /// The numbers of sources, each once, from the smallest.
    fn counts(&self) -> Vec<u64> {
        let finished = self.jobs.iter().filter(|job| job.finished);
        let mut counts: Vec<u64> = finished.map(|job| job.sources).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    fn most_of(&self, term: fn(&crate::terms::Terms) -> f64) -> f64 {
        self.jobs.iter().filter_map(|job| job.verdict.terms.as_ref().map(term)).fold(0.0, f64::max)
    }

    fn not_stable_above(&self) -> Option<f64> {
        let by_frame = self.jobs.iter().filter(|job| job.verdict.per == Some(Per::Frame));
        let limits: Vec<_> = by_frame.filter_map(|job| job.verdict.not_stable_above).collect();
        stats::median(&limits)
    }

    /// Levels over lengths, for each number of sources apart: sources have a free level each.
    fn by_length(&self) -> Option<Cloud> {
        // The same for all repeats, however far an engine's counter came.
        let at = |job: &JobFacts| self.k.judged_to * job.frames as f64;
        let point = |job: &JobFacts| Some(((job.sources, job.index), at(job), end_level(job)?));
        Cloud::of(self.jobs.iter().filter_map(point))
    }

    /// Levels over two numbers of sources, for each length apart.
    fn by_sources(&self, from: u64, to: u64) -> Option<Cloud> {
        let wanted = self.jobs.iter().filter(|job| job.sources == from || job.sources == to);
        let point = |job: &JobFacts| Some(((job.frames, job.index), job.sources as f64, end_level(job)?));
        Cloud::of(wanted.filter_map(point))
    }

    fn along(&self) -> Vec<Along> {
        let varied = |with: With, range: (u64, u64), cloud: Option<Cloud>| {
            let cloud = cloud?;
            Some(Along { with, range, growth: cloud.slope()?, jobs: cloud.len() })
        };
        let counts = self.counts();
        let largest = counts.len().checked_sub(2).map(|second| (counts[second], counts[second + 1]));
        let by_sources =
            largest.and_then(|(from, to)| varied(With::Sources, (from, to), self.by_sources(from, to)));
        [varied(With::Frames, self.range(), self.by_length()), by_sources].into_iter().flatten().collect()
    }

    /// Where growth stopped in each run in which it did: its frames, and the frame.
    fn stops(&self) -> Vec<(f64, f64)> {
        let filled = self.jobs.iter().filter(|job| job.verdict.form == Some(Form::Filled));
        filled.filter_map(|job| Some((job.frames as f64, job.verdict.flat_since?))).collect()
    }

    fn stopped_at(&self) -> Option<f64> {
        stats::median(&self.stops().iter().map(|stop| stop.1).collect::<Vec<_>>())
    }

    fn stops_at_the_same_share(&self) -> bool {
        let stops = self.stops();
        let shares: Vec<_> = stops.iter().map(|(frames, at)| at / frames).collect();
        let frames: Vec<_> = stops.iter().map(|stop| stop.1).collect();
        2 * stops.len() > self.jobs.len() && self.is_alike(&shares) && !self.is_alike(&frames)
    }

    fn stops_at_the_same_frame(&self) -> bool {
        let frames: Vec<_> = self.stops().iter().map(|stop| stop.1).collect();
        is_most(self.longest(), |job| job.verdict.form == Some(Form::Filled)) && self.is_alike(&frames)
    }

    fn is_alike(&self, numbers: &[f64]) -> bool {
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        numbers.iter().copied().fold(0.0, f64::max) <= (1.0 + self.k.alike) * least
    }
}

fn end_level(job: &JobFacts) -> Option<f64> {
    job.verdict.end_level.filter(|_| job.finished)
}

fn grows(job: &JobFacts) -> bool {
    job.verdict.answer() == Answer::Yes
}

fn is_level(job: &JobFacts) -> bool {
    job.verdict.answer() == Answer::No
}

fn is_most<'a>(jobs: impl Iterator<Item = &'a JobFacts>, is_so: impl Fn(&JobFacts) -> bool) -> bool {
    let (mut all, mut so) = (0, 0);
    for job in jobs {
        all += 1;
        so += usize::from(is_so(job));
    }
    2 * so > all
}

/// What comes most often; of several the first.
fn most_common<T: Copy + PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let values: Vec<T> = values.collect();
    let count = |value: &T| values.iter().filter(|other| *other == value).count();
    let most = values.iter().map(count).max()?;
    values.iter().copied().find(|value| count(value) == most)
}

/// The medians of what the runs say, end by end.
fn typical_growth(jobs: Vec<&JobFacts>) -> Growth {
    let typical = |of: fn(&Growth) -> Option<GrowthRate>| -> Option<GrowthRate> {
        // Per second is another rate than per frame.
        let alike = jobs.iter().filter(|job| job.verdict.per == Some(Per::Frame));
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
