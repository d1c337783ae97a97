//! The verdict on one run.
//!
//! [`judge`] is the way in. Of one export, `does_it_grow` asks for what forbids an answer – too little of it, a queue,
//! memory that was filled before or given back –, and else takes that of the [shape](crate::shape). Then `with_what`
//! divides the growth; growth with sources or cuts that it finds makes a yes also of a course that shows none. Several
//! exports in one process are judged by their [rests](crate::exports) alone.

use memreel_trace::units::Count;
use memreel_trace::{Memory, RunContext, Series};
use schemars::JsonSchema;
use serde::Serialize;

use crate::backlog::Backlog;
use crate::constants::Constants;
use crate::course::{Counts, Course, Envelope, Per, Point};
use crate::division::Division;
use crate::exports::{self, AtRest};
use crate::peak::HighestLevel;
use crate::progress_clock::ProgressClock;
use crate::saw::Sawtooth;
use crate::shape::{Answer, BLOCKS, Blocks, Form, Shape};
use crate::stats::Interval;
use crate::steps::{Step, steps};
use crate::terms::Terms;

/// The version of the rules by which verdicts are given. It rises when the same files may be judged otherwise.
pub const RULES_VERSION: u32 = 4;

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Memory grows with the work.
    Grows,
    /// Memory does not grow with the work.
    Level,
    /// Memory grows with every export in one process.
    Leak,
    /// The data do not decide.
    Inconclusive,
}

impl Verdict {
    /// The word for files and tables.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Grows => "GROWS",
            Verdict::Level => "LEVEL",
            Verdict::Leak => "LEAK",
            Verdict::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// What memory grows with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// Exported frames; seconds, if frames were not counted.
    Frames,
    /// First uses of a source.
    Sources,
    /// Other cuts.
    Cuts,
    /// Exports in one process.
    Exports,
}

/// Why the answer is inconclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Memory was not measured.
    NothingMeasured,
    /// The export ended before its first frame.
    NoFrames,
    /// The judged part of the run is too short.
    TooShort,
    /// The judged part has too few samples, or too few changes of the frame counter.
    TooFewSamples,
    /// Growth slowed down: a leak, or a cache that is filling.
    Slowing,
    /// Memory rose too often for single rises, and too rarely for steady growth.
    Irregular,
    /// Memory rose and fell once; this may repeat.
    GivenBack,
    /// Memory falls repeatedly, but too rarely to decide whether the troughs rise.
    FewTeeth,
    /// Frames were read much faster than written, and waited in memory.
    HeldInAQueue,
    /// Most of the memory was allocated before the first frame was written.
    FilledBefore,
    /// The level between exports rises, as it does at first while the heaps of threads fill.
    HeapsOfThreads,
    /// Too few exports in the process, or their gains vary too much.
    TooFewExports,
}

/// What would decide an inconclusive answer; null if more of it would not help.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Needs {
    /// Frames of the export; seconds, if frames were not counted.
    pub frames: Option<u64>,
    /// Samples in the whole run, and changes of its frame counter.
    pub samples: Option<u64>,
    /// Repeats of the run.
    pub repeats: Option<u64>,
    /// Exports in the same process.
    pub exports: Option<u64>,
}

/// A growth rate, in bytes per frame, second, source, cut or export.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct GrowthRate {
    /// Whether memory grows with this.
    pub grows: Answer,
    /// The lower end of the 95 % interval, in bytes.
    pub low: f64,
    /// The estimate, in bytes.
    pub estimate: f64,
    /// The upper end of the 95 % interval, in bytes.
    pub high: f64,
    /// The detection limit, in bytes: a smaller rate would not have been seen.
    pub limit: f64,
}

impl GrowthRate {
    fn of(grows: Answer, found: Interval, limit: f64) -> GrowthRate {
        let Interval { low, estimate, high } = found;
        GrowthRate { grows, low, estimate, high, limit }
    }
}

/// What was gained, divided among what memory may grow with; `None`: not enough of it in the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Growth {
    /// With each frame (or second).
    pub frame: Option<GrowthRate>,
    /// With each first use of a source.
    pub source: Option<GrowthRate>,
    /// With each other cut; with every cut, where it is not known which are first uses.
    pub cut: Option<GrowthRate>,
    /// With each export in the process.
    pub export: Option<GrowthRate>,
}

impl Growth {
    /// That with one thing.
    pub fn with(&self, with: With) -> Option<GrowthRate> {
        match with {
            With::Frames => self.frame,
            With::Sources => self.source,
            With::Cuts => self.cut,
            With::Exports => self.export,
        }
    }
}

/// What one run shows, and the evidence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunVerdict {
    /// Whether memory grows with the work: yes, no, or inconclusive.
    pub grows: Answer,
    /// What it grows with: two or more where they cannot be told apart, or where it grows with each.
    pub with: Vec<With>,
    /// Whether what stands in `with` could not be told apart in this run.
    pub unparted: bool,
    /// How much with each.
    pub growth: Growth,
    /// What the course looks like.
    pub form: Option<Form>,
    /// Why it is open.
    pub reason: Option<Reason>,
    /// What would settle it, where it is open.
    pub needs: Needs,
    /// What is judged: anonymous memory and swap, or resident memory where that is all there is.
    pub memory: Option<String>,
    /// Whether by frames or by seconds.
    pub per: Option<Per>,
    /// Frames (or seconds) of the run.
    pub steps: f64,
    /// The part that is judged, in frames (or seconds).
    pub judged: Option<(f64, f64)>,
    /// What growth is measured against.
    pub terms: Option<Terms>,
    /// Whether it is known where clips begin, or that none does but the first.
    pub cuts_known: bool,
    /// The gain with each frame (or second) in each of twelve blocks of the judged part, in bytes.
    pub blocks: Vec<f64>,
    /// No steady growth above this can be in what was seen, in bytes for each frame (or second).
    pub not_stable_above: Option<f64>,
    /// The frame (or second) by which 95 % of the level at a quarter of the way was reached.
    pub warm_up: Option<f64>,
    /// The level at the end of the judged part, in bytes.
    pub end_level: Option<f64>,
    /// Where it stopped growing, where it did.
    pub flat_since: Option<f64>,
    /// Rises that stayed, after the warm-up.
    pub steps_up: Vec<Step>,
    /// Falls.
    pub sawtooth: Option<Sawtooth>,
    /// Growth at cuts against growth between them.
    pub division: Option<Division>,
    /// What stays between exports, where there are several.
    pub at_rest: Option<AtRest>,
    /// Frames taken in and not yet put out, where both are counted.
    pub backlog: Option<Backlog>,
    /// The highest level, and what it is made of.
    pub peak: Option<HighestLevel>,
    /// Threads that were there at the end of the judged part beyond those at its beginning.
    pub threads_gained: f64,
    /// The same of open descriptors.
    pub descriptors_gained: f64,
}

impl RunVerdict {
    /// The verdict in a word.
    pub fn verdict(&self) -> Verdict {
        verdict(self.grows, &self.with)
    }

    /// Whether it grows with frames, or it cannot be told whether with frames.
    pub fn grows_with_frames(&self) -> bool {
        self.grows == Answer::Yes && self.with.contains(&With::Frames)
    }
}

/// The word for an answer and what memory grows with.
pub(crate) fn verdict(grows: Answer, with: &[With]) -> Verdict {
    match grows {
        Answer::Yes if with == [With::Exports] => Verdict::Leak,
        Answer::Yes => Verdict::Grows,
        Answer::No => Verdict::Level,
        Answer::Open => Verdict::Inconclusive,
    }
}

/// Says of one run what it shows, by [`Constants::USUAL`].
///
/// The series keeps [`Memory::JUDGED`] at least. Of the context only what is known is used.
pub fn judge(series: &Series, context: &RunContext) -> RunVerdict {
    judge_with(series, context, &Constants::USUAL)
}

/// The same of an export that may have failed. One that counts frames and put out none has done no work that memory
/// could grow with, however long it took.
pub fn judge_export(series: &Series, context: &RunContext, finished: bool) -> RunVerdict {
    let counts = !context.frame_counters.is_empty();
    if !finished && counts && !ProgressClock::of_frames(series).is_running() {
        let peak = HighestLevel::of(series, &ProgressClock::of_frames(series), context);
        return RunVerdict {
            reason: Some(Reason::NoFrames),
            per: Some(Per::Frame),
            peak,
            ..RunVerdict::default()
        };
    }
    judge(series, context)
}

/// The same by other constants: to see which of them a verdict hangs on.
pub fn judge_with(series: &Series, context: &RunContext, k: &Constants) -> RunVerdict {
    let clock = ProgressClock::of_frames(series);
    let of = |memory: Memory| {
        let course = Course::of(series, &clock, memory, k)?;
        Some(match context.exports.is_empty() {
            true => of_one_export(&course, Backlog::of(series, memory), context, k),
            false => of_exports(&course, AtRest::of(series, memory, context, k), context, k),
        })
    };
    let named =
        |memory: Memory, verdict: RunVerdict| RunVerdict { memory: Some(memory.to_string()), ..verdict };
    let memory = [Memory::AnonymousAndSwap, Memory::Rss]
        .into_iter()
        .find(|&memory| series.memory(memory).is_measured());
    let open = || without_course(memory, series.len(), frames(&clock, context), k);
    let verdict = memory.map_or_else(open, |memory| named(memory, of(memory).unwrap_or_else(open)));
    // Shared memory is no part of anonymous memory.
    let shared =
        of(Memory::Shared).filter(|shared| shared.grows == Answer::Yes && verdict.grows != Answer::Yes);
    RunVerdict {
        peak: HighestLevel::of(series, &clock, context),
        ..shared.map_or(verdict, |shared| named(Memory::Shared, shared))
    }
}

/// Frames of the run: those that were counted, or that it is known to have.
fn frames(clock: &ProgressClock, context: &RunContext) -> Option<f64> {
    clock.last_step().or(context.frames.map(Count::as_f64))
}

/// The verdict where there are no two samples to lay a course through.
fn without_course(memory: Option<Memory>, samples: usize, frames: Option<f64>, k: &Constants) -> RunVerdict {
    let enough = k.enough_frames();
    let finer = Needs { samples: Some(more(k.least_known, samples as f64)), ..Needs::default() };
    let (reason, needs) = match (memory, frames) {
        (None, _) => (Reason::NothingMeasured, finer),
        (_, Some(frames)) if frames < enough => {
            (Reason::TooShort, Needs { frames: Some(more(enough, frames)), ..Needs::default() })
        }
        _ => (Reason::TooFewSamples, finer),
    };
    let per = frames.map_or(Per::Second, |_| Per::Frame);
    RunVerdict {
        reason: Some(reason),
        needs,
        per: Some(per),
        steps: frames.unwrap_or_default(),
        ..RunVerdict::default()
    }
}

/// Several exports in one process: memory falls at each end, and what stays then is judged.
fn of_exports(course: &Course, at_rest: Option<AtRest>, context: &RunContext, k: &Constants) -> RunVerdict {
    let answer = at_rest.as_ref().map_or(Answer::Open, |rest| rest.answer(k));
    let heaps = at_rest.as_ref().filter(|rest| answer == Answer::Yes && rest.may_be_heaps_of_threads(k));
    let (grows, open) = match (answer, heaps) {
        (_, Some(rest)) => {
            let exports = more(rest.settled_after as f64, rest.exports as f64);
            (Answer::Open, Some((Reason::HeapsOfThreads, exports)))
        }
        (Answer::Open, _) => {
            let exports = more(exports::NEEDED as f64, context.exports.len() as f64);
            (Answer::Open, Some((Reason::TooFewExports, exports)))
        }
        _ => (answer, None),
    };
    let rate = |rest: &AtRest| Some(GrowthRate::of(grows, rest.gain?, rest.least_found(k)));
    RunVerdict {
        grows,
        reason: open.map(|open| open.0),
        needs: Needs { exports: open.map(|open| open.1), ..Needs::default() },
        with: if grows == Answer::Yes { vec![With::Exports] } else { Vec::new() },
        growth: Growth { export: at_rest.as_ref().and_then(rate), ..Growth::default() },
        per: Some(course.per),
        steps: course.steps,
        terms: Some(Terms::of(context, course, k)),
        end_level: at_rest.as_ref().and_then(|rest| rest.levels.last().map(|level| level.as_f64())),
        at_rest,
        ..RunVerdict::default()
    }
}

/// All that is asked about one export.
struct Case<'a> {
    k: &'a Constants,
    course: &'a Course,
    context: &'a RunContext,
    terms: Terms,
    part: (f64, f64),
    envelope: Envelope,
    saw: Option<Sawtooth>,
    profile: Blocks,
    shape: Shape,
    form: Form,
    division: Option<Division>,
}

fn of_one_export(
    course: &Course,
    backlog: Option<Backlog>,
    context: &RunContext,
    k: &Constants,
) -> RunVerdict {
    let case = Case::of(course, context, k);
    let open = case.open(backlog);
    let parts = case.with_what(if open.is_some() { Answer::Open } else { case.shape.grows });
    let open = open.filter(|_| parts.grows == Answer::Open);
    let warm_up = warm_up(course, &case.envelope, k.judged_from * course.steps);
    let stopped = case.form == Form::Filled || case.form == Form::Steps;
    RunVerdict {
        form: Some(case.form),
        reason: open.map(|open| open.0),
        needs: open.map(|open| open.1).unwrap_or_default(),
        per: Some(course.per),
        steps: course.steps,
        judged: Some(case.part),
        terms: Some(case.terms),
        cuts_known: !(context.cuts.is_empty() && context.first_uses.is_empty()),
        not_stable_above: Some(case.limit()),
        warm_up: Some(warm_up),
        end_level: Some(case.end_level()),
        flat_since: stopped.then_some(case.shape.flat_since),
        steps_up: steps(course, &case.envelope, context, warm_up, k),
        threads_gained: case.gained(&course.threads),
        descriptors_gained: case.gained(&course.descriptors),
        blocks: case.profile.twelfths,
        sawtooth: case.saw,
        division: case.division,
        backlog,
        ..parts
    }
}

fn warm_up(course: &Course, envelope: &Envelope, quarter: f64) -> f64 {
    let level = 0.95 * envelope.at(quarter);
    let reached = envelope.knots().iter().find(|knot| knot.1 >= level);
    reached.map_or(quarter, |knot| knot.0).min(course.steps)
}

/// As much as is usually enough; twice what there was, where that was as much already and did not do.
pub fn more(usual: f64, had: f64) -> u64 {
    let needed = if usual > had { usual } else { 2.0 * had };
    needed.ceil() as u64
}

impl<'a> Case<'a> {
    fn of(course: &'a Course, context: &'a RunContext, k: &'a Constants) -> Case<'a> {
        let last = course.points.last().map_or(0.0, |point| point.at);
        let whole = (k.judged_from * course.steps, (k.judged_to * course.steps).min(last));
        let warm: Vec<Point> = course.points.iter().filter(|point| point.at > whole.0).copied().collect();
        let saw = Sawtooth::of(&warm, k);
        let teeth = saw.as_ref().filter(|saw| saw.falls > 1);
        // What comes after the last trough is a tooth that is not whole.
        let part = teeth.map_or(whole, |saw| (whole.0, saw.last_trough().min(whole.1)));
        let envelope = Envelope::of(&course.points);
        let profile = Blocks::of(&envelope, part);
        let terms = Terms::of(context, course, k);
        // Troughs scatter by as much as a tooth: so much may hide in them.
        let hidden = terms.hidden.max(teeth.map_or(0.0, |saw| saw.height.as_f64()));
        let terms = Terms { hidden, ..terms };
        let shape = profile.shape(&terms, course.resolution, k);
        Case {
            form: if teeth.is_some() { Form::SawTooth } else { shape.form },
            division: (course.per == Per::Frame)
                .then(|| Division::of(course, &envelope, whole, context, &terms, k))
                .flatten(),
            k,
            course,
            context,
            terms,
            part,
            envelope,
            saw,
            profile,
            shape,
        }
    }

    // The first question.

    /// Why the answer is inconclusive, and what would decide it; `None` if the shape decides.
    fn open(&self, backlog: Option<Backlog>) -> Option<(Reason, Needs)> {
        let grows = self.shape.grows;
        let longer = |factor: f64| Needs {
            frames: Some((self.course.steps * factor).ceil() as u64),
            ..Needs::default()
        };
        let compared = Needs { repeats: Some(3), ..longer(2.0) };
        let is_queue = backlog.is_some_and(|backlog| backlog.is_queue(self.context, self.k));
        // That may be the tooth of a saw, and what is left of it is in no envelope.
        let fell = self.saw.is_none() && self.masked() > self.k.least_fall;
        self.too_little().or(match () {
            () if is_queue && grows != Answer::Yes => Some((Reason::HeldInAQueue, compared)),
            () if self.filled_before() && grows == Answer::No => Some((Reason::FilledBefore, compared)),
            () if fell && grows != Answer::Yes => Some((Reason::GivenBack, longer(3.0))),
            () if grows != Answer::Open => None,
            () if self.form == Form::SawTooth => Some((Reason::FewTeeth, longer(3.0))),
            () if self.form == Form::Slowing => Some((Reason::Slowing, longer(3.0))),
            () => Some((Reason::Irregular, longer(2.0))),
        })
    }

    fn too_little(&self) -> Option<(Reason, Needs)> {
        let scale = if self.course.per == Per::Frame { 1.0 } else { 0.01 };
        // What is steep shows in half of it, and what is level in few samples: the envelope knows the future.
        let steep = self.shape.grows == Answer::Yes && self.profile.is_steep(&self.terms);
        let least = scale * self.k.least_frames / if steep { 2.0 } else { 1.0 };
        let known = match self.shape.grows {
            Answer::No => self.k.least_known / 4.0,
            _ if steep => self.k.least_known / 2.0,
            _ => self.k.least_known,
        };
        if self.part.1 - self.part.0 < least {
            let frames = more(scale * self.k.enough_frames(), self.course.steps);
            return Some((Reason::TooShort, Needs { frames: Some(frames), ..Needs::default() }));
        }
        let usual = self.k.least_known / (self.k.judged_to - self.k.judged_from);
        let samples = more(usual, self.course.known_within((0.0, self.course.steps)));
        (self.course.known_within(self.part) < known)
            .then(|| (Reason::TooFewSamples, Needs { samples: Some(samples), ..Needs::default() }))
    }

    /// Whether most of it was taken before the first step, and more than a program takes by itself.
    fn filled_before(&self) -> bool {
        self.course.waited >= self.k.filled_before && self.course.level_before >= self.k.program
    }

    /// What is kept at the end of the judged part, in bytes.
    fn end_level(&self) -> f64 {
        self.envelope.at(self.part.1)
    }

    /// No steady growth above this can be in what was seen: what may hide in falls and in the holes that sources
    /// leave comes on top.
    fn limit(&self) -> f64 {
        let (first_uses, cuts) = (self.context.first_uses.len(), self.context.cuts.len());
        let sources = if first_uses > 0 { first_uses } else { cuts + 1 };
        let holes = (self.k.holes * self.end_level()).min(self.k.hidden * sources as f64);
        let more = self.masked() + (holes - self.terms.hidden).max(0.0);
        (self.shape.limit + more / self.profile.steps()).max(self.terms.floor)
    }

    /// How far memory fell below what it had been for a whole block, at most, in bytes.
    fn masked(&self) -> f64 {
        let fallen = |block: usize| {
            Some(self.lows(block).reduce(f64::min)? - self.envelope.at(self.border(block + 1)))
        };
        (0..BLOCKS).filter_map(fallen).fold(0.0, f64::max)
    }

    /// Where a block of the judged part begins.
    fn border(&self, block: usize) -> f64 {
        self.part.0 + (self.part.1 - self.part.0) / BLOCKS as f64 * block as f64
    }

    /// The levels in a block, in bytes.
    fn lows(&self, block: usize) -> impl Iterator<Item = f64> {
        let within = self.border(block)..self.border(block + 1);
        self.course.points.iter().filter(move |point| within.contains(&point.at)).map(|point| point.low)
    }

    // The second question.

    /// The answer, with what memory grows, whether that could not be parted, and how much with each.
    fn with_what(&self, grows: Answer) -> RunVerdict {
        let division = self.division.as_ref();
        let rate = |first: bool| division.and_then(|division| self.rate_at(division, first, grows));
        let (mut source, mut cut) = (rate(true), rate(false));
        let grows_with = |rate: Option<GrowthRate>| rate.is_some_and(|rate| rate.grows == Answer::Yes);
        // Where every cut is a first use, that one and any cut are the same.
        let every_cut = division.is_some_and(|division| division.events.iter().all(|event| event.first_use));
        let alike = grows_with(source) && cut.is_none() && every_cut;
        if alike {
            cut = source;
        }
        let found = grows_with(source) || grows_with(cut);
        let both = division.is_some_and(|division| division.is_both(self.k));
        let at_frames = division.is_none_or(|division| division.is_between(self.k));
        let frames = match grows {
            Answer::Yes if both || at_frames || !found => Answer::Yes,
            Answer::No => Answer::No,
            _ => Answer::Open,
        };
        let unparted = frames == Answer::Yes && !both && !at_frames;
        if unparted {
            let open = |rate: GrowthRate| GrowthRate { grows: Answer::Open, ..rate };
            (source, cut) = (source.map(open), cut.map(open));
        }
        let per_frame = match division {
            Some(division) if both || found => division.between(self.terms.floor, self.k),
            _ => self.profile.growth(),
        };
        let frame = Some(GrowthRate::of(frames, per_frame, self.limit()));
        let rates = [(With::Frames, frame), (With::Sources, source), (With::Cuts, cut)];
        let named = rates.into_iter().filter(|(_, rate)| grows_with(*rate) || unparted && rate.is_some());
        let with: Vec<With> = named.map(|(with, _)| with).collect();
        RunVerdict {
            grows: if with.is_empty() { grows } else { Answer::Yes },
            with,
            unparted: unparted || alike,
            growth: Growth { frame, source, cut, export: None },
            ..RunVerdict::default()
        }
    }

    /// How much it grows with first uses of sources, or with the other cuts; `None` of fewer than three.
    fn rate_at(&self, division: &Division, first: bool, grows: Answer) -> Option<GrowthRate> {
        let rate = division.rate(first, &self.terms, self.k)?;
        let usual = division.without_largest(first);
        // If the course is inconclusive, more than two of the cuts must gain more than by chance.
        let least = if grows == Answer::Yes { self.terms.noise } else { self.k.by_chance };
        // Rises that are few, or have stopped, may still come with every one of them, to the last.
        let goes_on = division.goes_on(first, self.k);
        let asked = match self.shape.form {
            _ if grows != Answer::No => true,
            Form::Steps => first || goes_on,
            Form::Filled => goes_on,
            _ => false,
        };
        let answer = match () {
            () if division.is_at_cuts(self.k) && asked && usual > least => Answer::Yes,
            () if rate.high <= least || grows == Answer::No => Answer::No,
            () => Answer::Open,
        };
        Some(GrowthRate::of(answer, rate, self.k.by_chance))
    }

    /// How many more of something there were in the last block than in the first.
    fn gained(&self, counts: &Counts) -> f64 {
        let least = |block: usize| {
            let within = self.border(block)..=self.border(block + 1);
            let counts = counts.iter().filter(|(at, _)| within.contains(at));
            counts.map(|count| count.1).reduce(f64::min)
        };
        least(BLOCKS - 1).zip(least(0)).map_or(0.0, |(last, first)| last - first)
    }
}
