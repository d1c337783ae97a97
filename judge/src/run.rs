//! The verdict on one run.
//!
//! [`judge`] is the way in. Of one export, `does_it_grow` asks for what forbids an answer – too little of it, a queue,
//! memory that was filled before or given back –, and else takes that of the [shape](crate::shape). Then `with_what`
//! divides the growth; growth with sources or cuts that it finds makes a yes also of a course that shows none. Several
//! exports in one process are judged by their [rests](crate::exports) alone.

use memreel_trace::units::Count;
use memreel_trace::{Memory, RunContext, Series};
use serde::Serialize;

use crate::backlog::Backlog;
use crate::constants::Constants;
use crate::course::{Counts, Course, Envelope, Per, Point};
use crate::division::{Division, GainAtCut, LEAST_EVENTS};
use crate::exports::{self, AtRest};
use crate::level::Level;
use crate::progress_clock::ProgressClock;
use crate::saw::Sawtooth;
use crate::shape::{Answer, BLOCKS, Blocks, Form, Shape};
use crate::stats::{self, Interval};
use crate::steps::{Step, steps};
use crate::terms::Terms;

/// The version of the rules by which verdicts are given. It rises when the same files may be judged otherwise.
pub const RULES_VERSION: u32 = 4;

/// What a run shows, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Memory grows with the work.
    Grows,
    /// It does not.
    Level,
    /// Every export in one process leaves something behind.
    Leak,
    /// The data do not tell.
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

/// What memory may grow with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// The frames exported, or seconds where they are not counted.
    Frames,
    /// Sources that are used for the first time.
    Sources,
    /// Other cuts.
    Cuts,
    /// Exports in one process.
    Exports,
}

/// Why the first question is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Memory was not measured.
    NothingMeasured,
    /// The judged part is shorter than it takes.
    TooShort,
    /// The judged part holds too few samples, or too few changes of the frame counter.
    TooFewSamples,
    /// Growth slowed down: a leak, or a cache that is filling.
    Slowing,
    /// It rose now and then: too often for single rises, too seldom for growth.
    Irregular,
    /// It rose, and was given back once: it may go on so.
    GivenBack,
    /// It falls again and again, in too few teeth to tell whether the troughs rise.
    FewTeeth,
    /// Frames were taken in far faster than put out, and held in memory.
    HeldInAQueue,
    /// Most of it was taken before the first frame was put out.
    FilledBefore,
    /// Rests between exports rise, as the heaps of threads that come and go do at first.
    HeapsOfThreads,
    /// Too few exports in the process, or what they left behind varies too much.
    TooFewExports,
}

/// What would settle an open question; `None`: it takes no more of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Frames of the export (seconds where none are counted).
    pub frames: Option<u64>,
    /// Samples over the whole run, and changes of its frame counter.
    pub samples: Option<u64>,
    /// Runs of the same.
    pub repeats: Option<u64>,
    /// Exports in the same process.
    pub exports: Option<u64>,
}

/// How much memory grows with one thing, in bytes for each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GrowthRate {
    /// Whether it does.
    pub grows: Answer,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The estimate.
    pub estimate: f64,
    /// The upper end.
    pub high: f64,
    /// Growth below this would not have been seen.
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
    /// Whether memory grows with the work; `None` where nothing was judged.
    pub grows: Option<Answer>,
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
    pub level: Option<Level>,
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

    /// Whether memory grows, does not, or that is open.
    pub fn answer(&self) -> Answer {
        self.grows.unwrap_or(Answer::Open)
    }

    /// Whether it grows with frames, or it cannot be told whether with frames.
    pub fn grows_with_frames(&self) -> bool {
        self.answer() == Answer::Yes && self.with.contains(&With::Frames)
    }
}

/// The word for an answer and what memory grows with.
pub(crate) fn verdict(grows: Option<Answer>, with: &[With]) -> Verdict {
    match grows {
        Some(Answer::Yes) if with == [With::Exports] => Verdict::Leak,
        Some(Answer::Yes) => Verdict::Grows,
        Some(Answer::No) => Verdict::Level,
        Some(Answer::Open) | None => Verdict::Inconclusive,
    }
}

/// Says of one run what it shows, by [`Constants::USUAL`].
///
/// The series keeps [`Memory::JUDGED`] at least. Of the context only what is known is used.
pub fn judge(series: &Series, context: &RunContext) -> RunVerdict {
    judge_with(series, context, &Constants::USUAL)
}

/// The same by other constants: to see which of them a verdict hangs on.
pub fn judge_with(series: &Series, context: &RunContext, k: &Constants) -> RunVerdict {
    let memory =
        [Memory::AnonymousAndSwap, Memory::Rss].into_iter().find(|&m| series.memory(m).is_measured());
    let clock = ProgressClock::of_frames(series);
    let course = memory.and_then(|memory| Course::of(series, &clock, memory, k));
    let verdict = match (&course, memory) {
        (Some(course), Some(memory)) if !context.exports.is_empty() => {
            of_exports(course, series, memory, context, k)
        }
        (Some(course), Some(memory)) => of_one_export(course, Backlog::of(series, memory), context, k),
        _ => without_course(memory, series.len(), frames(&clock, context), k),
    };
    let shared = of_shared(series, &clock, context, k).filter(|_| verdict.answer() != Answer::Yes);
    let memory = if shared.is_some() { Some(Memory::Shared) } else { memory };
    RunVerdict {
        memory: memory.map(|memory| memory.to_string()),
        level: Level::of(series, &clock, context),
        ..shared.unwrap_or(verdict)
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

/// The verdict on shared memory, where that grows: it is no part of anonymous memory.
fn of_shared(
    series: &Series,
    clock: &ProgressClock,
    context: &RunContext,
    k: &Constants,
) -> Option<RunVerdict> {
    if !context.exports.is_empty() || !series.memory(Memory::Shared).is_measured() {
        return None;
    }
    let verdict = of_one_export(&Course::of(series, clock, Memory::Shared, k)?, None, context, k);
    (verdict.answer() == Answer::Yes).then_some(verdict)
}

/// Several exports in one process: memory falls at each end, and what stays then is judged.
fn of_exports(
    course: &Course,
    series: &Series,
    memory: Memory,
    context: &RunContext,
    k: &Constants,
) -> RunVerdict {
    let at_rest = AtRest::of(series, memory, context, k);
    let more_exports = exports::NEEDED.max(2 * context.exports.len() as u64);
    let open = |reason: Reason, exports: u64| {
        (Answer::Open, Some(reason), Needs { exports: Some(exports), ..Needs::default() })
    };
    let (grows, reason, needs) = match &at_rest {
        Some(rest) if rest.grows(k) && rest.may_be_heaps_of_threads() => {
            open(Reason::HeapsOfThreads, rest.settled_after)
        }
        Some(rest) if rest.grows(k) => (Answer::Yes, None, Needs::default()),
        Some(rest) if rest.is_level(k) => (Answer::No, None, Needs::default()),
        _ => open(Reason::TooFewExports, more_exports),
    };
    let gain = at_rest.as_ref().and_then(|rest| rest.gain);
    RunVerdict {
        grows: Some(grows),
        reason,
        needs,
        with: if grows == Answer::Yes { vec![With::Exports] } else { Vec::new() },
        growth: Growth {
            export: at_rest
                .as_ref()
                .zip(gain)
                .map(|(rest, gain)| GrowthRate::of(grows, gain, rest.least_found(k))),
            ..Growth::default()
        },
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
    backlog: Option<Backlog>,
    terms: Terms,
    part: (f64, f64),
    envelope: Envelope,
    falls: Option<Sawtooth>,
    profile: Blocks,
    shape: Shape,
    division: Option<Division>,
}

/// What a question was answered with.
struct Ruling {
    grows: Answer,
    reason: Option<Reason>,
    needs: Needs,
}

fn of_one_export(
    course: &Course,
    backlog: Option<Backlog>,
    context: &RunContext,
    k: &Constants,
) -> RunVerdict {
    let case = Case::of(course, backlog, context, k);
    let first = case.does_it_grow();
    let (with, unparted, growth) = case.with_what(first.grows);
    let grows = if with.is_empty() { first.grows } else { Answer::Yes };
    let form = case.form();
    let warm_up = warm_up(course, &case.envelope, k.judged_from * course.steps);
    RunVerdict {
        grows: Some(grows),
        with,
        unparted,
        growth,
        form: Some(form),
        reason: first.reason.filter(|_| grows == Answer::Open),
        needs: if grows == Answer::Open { first.needs } else { Needs::default() },
        per: Some(course.per),
        steps: course.steps,
        judged: Some(case.part),
        terms: Some(case.terms),
        cuts_known: !(context.cuts.is_empty() && context.first_uses.is_empty()),
        blocks: case.profile.twelfths.clone(),
        not_stable_above: Some(case.limit()),
        warm_up: Some(warm_up),
        end_level: Some(case.end_level()),
        flat_since: (form == Form::Filled || form == Form::Steps)
            .then(|| case.profile.flat_since(&case.terms, k)),
        steps_up: steps(course, &case.envelope, context, warm_up, k),
        threads_gained: case.gained(&course.threads),
        descriptors_gained: case.gained(&course.descriptors),
        sawtooth: case.falls.filter(|falls| falls.stands),
        division: case.division,
        backlog,
        ..RunVerdict::default()
    }
}

fn warm_up(course: &Course, envelope: &Envelope, quarter: f64) -> f64 {
    let level = 0.95 * envelope.at(quarter);
    let reached = envelope.knots().iter().find(|knot| knot.1 >= level);
    reached.map_or(quarter, |knot| knot.0).min(course.steps)
}

/// Frames of an export of which enough can be judged.
pub fn enough_frames() -> u64 {
    Constants::USUAL.enough_frames().ceil() as u64
}

/// As much as is usually enough; twice what there was, where that was as much already and did not do.
pub fn more(usual: f64, had: f64) -> u64 {
    let needed = if usual > had { usual } else { 2.0 * had };
    needed.ceil() as u64
}

impl<'a> Case<'a> {
    fn of(
        course: &'a Course,
        backlog: Option<Backlog>,
        context: &'a RunContext,
        k: &'a Constants,
    ) -> Case<'a> {
        let terms = Terms::of(context, course, k);
        let last = course.points.last().map_or(0.0, |point| point.at);
        let whole = (k.judged_from * course.steps, (k.judged_to * course.steps).min(last));
        let warm: Vec<Point> = course.points.iter().filter(|point| point.at > whole.0).copied().collect();
        let falls = Sawtooth::of(&warm, k);
        // What comes after the last trough is a tooth that is not whole.
        let teeth = falls.as_ref().filter(|saw| saw.stands && saw.falls > 1);
        let part = teeth.map_or(whole, |saw| (whole.0, saw.last_trough().0.min(whole.1)));
        let envelope = Envelope::of(&course.points);
        let profile = match teeth {
            Some(_) => Blocks::of(&Envelope::of(course.until(part.1)), part),
            None => Blocks::of(&envelope, part),
        };
        let resolution = course.resolution.max(teeth.map_or(0.0, Sawtooth::period));
        // Troughs scatter by as much as a tooth: so much may hide in them.
        let hidden = terms.hidden.max(teeth.map_or(0.0, |saw| saw.height.as_f64()));
        let terms = Terms { hidden, ..terms };
        Case {
            shape: profile.shape(&terms, resolution, k),
            division: (course.per == Per::Frame)
                .then(|| Division::of(course, &envelope, whole, context, &terms, k))
                .flatten(),
            envelope,
            k,
            course,
            context,
            backlog,
            terms,
            part,
            falls,
            profile,
        }
    }

    /// The saw, where what falls is one.
    fn saw(&self) -> Option<&Sawtooth> {
        self.falls.as_ref().filter(|falls| falls.stands)
    }

    fn form(&self) -> Form {
        match self.saw() {
            Some(saw) if saw.falls > 1 => Form::SawTooth,
            _ => self.shape.form,
        }
    }

    // The first question.

    fn does_it_grow(&self) -> Ruling {
        self.too_little()
            .or_else(|| self.queued())
            .or_else(|| self.filled_before())
            .or_else(|| self.given_back())
            .unwrap_or_else(|| self.by_shape())
    }

    fn open(&self, reason: Reason, needs: Needs) -> Ruling {
        Ruling { grows: Answer::Open, reason: Some(reason), needs }
    }

    /// So many times the run's length.
    fn longer(&self, factor: f64) -> Needs {
        Needs { frames: Some((self.course.steps * factor).ceil() as u64), ..Needs::default() }
    }

    fn too_little(&self) -> Option<Ruling> {
        let judged = self.part.1 - self.part.0;
        let whole = |judged: f64| judged / (self.k.judged_to - self.k.judged_from);
        let frames =
            if self.course.per == Per::Frame { self.k.least_frames } else { self.k.least_frames / 100.0 };
        // What is steep shows in half of it, and what is level in few samples: the envelope knows the future.
        let steep = self.shape.grows == Answer::Yes && self.profile.is_steep(&self.terms);
        let known = match self.shape.grows {
            Answer::No => self.k.least_known / 4.0,
            _ if steep => self.k.least_known / 2.0,
            _ => self.k.least_known,
        };
        let gap = self.course.longest_gap(self.part) / judged;
        let few = self.course.known_within(self.part) < known || gap > 0.5 && self.shape.grows != Answer::No;
        let samples = more(whole(self.k.least_known), self.course.known_within((0.0, self.course.steps)));
        let samples = Needs { samples: Some(samples), ..Needs::default() };
        if judged < if steep { frames / 2.0 } else { frames } {
            let needs = match few && whole(frames) <= self.course.steps {
                true => samples,
                false => Needs { frames: Some(more(whole(frames), self.course.steps)), ..Needs::default() },
            };
            return Some(self.open(Reason::TooShort, needs));
        }
        few.then(|| self.open(Reason::TooFewSamples, samples))
    }

    fn queued(&self) -> Option<Ruling> {
        self.backlog.filter(|backlog| backlog.is_queue(self.context, self.k))?;
        let needs = Needs { repeats: Some(3), ..self.longer(2.0) };
        (self.shape.grows != Answer::Yes).then(|| self.open(Reason::HeldInAQueue, needs))
    }

    fn filled_before(&self) -> Option<Ruling> {
        let start = self.course.start;
        let highest = self.course.points.iter().map(|point| point.high).fold(0.0, f64::max);
        let filled = start.time_share >= self.k.filled_before
            && start.level >= self.k.nearly * highest
            && start.level >= self.k.program;
        let needs = Needs { repeats: Some(3), ..self.longer(2.0) };
        (filled && self.shape.grows == Answer::No).then(|| self.open(Reason::FilledBefore, needs))
    }

    /// What rose and was given back once may be the tooth of a saw: what is left of it is in no envelope.
    fn given_back(&self) -> Option<Ruling> {
        let open = || self.open(Reason::GivenBack, self.longer(3.0));
        let Some(saw) = self.saw() else {
            return (self.shape.grows != Answer::Yes && self.rose_and_fell()).then(open);
        };
        let risen = self.end_level() - saw.last_trough().1;
        let near = risen < saw.height.as_f64();
        (saw.falls == 1 && self.shape.grows == Answer::Yes && near).then(open)
    }

    /// Whether the levels rose from block to block, through a third of them or more, and fell below that again.
    fn rose_and_fell(&self) -> bool {
        let median = |block: usize| stats::median(&self.lows(block).collect::<Vec<_>>());
        let medians: Vec<f64> = (0..BLOCKS).filter_map(median).collect();
        let top = medians.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((crest, highest)) = top else { return false };
        let rises = medians[..crest].windows(2).filter(|pair| pair[1] - pair[0] > self.terms.noise).count();
        let lowest = medians.iter().copied().fold(f64::MAX, f64::min);
        let least = self.k.least_fall.max(self.k.alike * (highest - lowest));
        crest >= BLOCKS / 3 && rises + 2 >= crest && highest - self.end_level() > least
    }

    fn by_shape(&self) -> Ruling {
        let few_teeth = self.form() == Form::SawTooth;
        match (self.shape.grows, self.shape.form) {
            (Answer::Open, _) if few_teeth => self.open(Reason::FewTeeth, self.longer(3.0)),
            (Answer::Open, Form::Slowing) => self.open(Reason::Slowing, self.longer(3.0)),
            (Answer::Open, _) => self.open(Reason::Irregular, self.longer(2.0)),
            (grows, _) => Ruling { grows, reason: None, needs: Needs::default() },
        }
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
        let fallen = match self.saw() {
            Some(saw) if saw.falls > 1 => saw.farthest_fall(),
            _ => self.masked(),
        };
        let more = fallen + (holes - self.terms.hidden).max(0.0);
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

    /// What it grows with, whether that could not be parted, and how much with each.
    fn with_what(&self, grows: Answer) -> (Vec<With>, bool, Growth) {
        let per_frame = self.profile.growth();
        let frame = |grows: Answer, found: Interval| Some(GrowthRate::of(grows, found, self.limit()));
        let Some(division) = &self.division else {
            let with = if grows == Answer::Yes { vec![With::Frames] } else { Vec::new() };
            return (with, false, Growth { frame: frame(grows, per_frame), ..Growth::default() });
        };
        let share = division.share_at_cuts;
        // A coarse counter smears what is gained at cuts over the frames between, never the other way round.
        let least = if division.is_resolved { self.k.parted } else { 1.0 - self.k.parted };
        let at_cuts = division.is_aligned && share.low >= least;
        // Growth in ten of twelve blocks and in half of the cells is not that of five cuts.
        let few = 2 * division.stretches < BLOCKS - 1;
        let at_frames = few || division.is_resolved && share.high <= 1.0 - self.k.parted;
        let at_cuts = at_cuts && !(few && grows == Answer::Yes);
        let both = at_cuts && division.is_resolved && division.between_is_even;
        let between = division.between_per_frame;
        let subtracted =
            if both { (between, between) } else { (between.min(self.terms.index_bytes()), between) };
        let class = |first: bool| {
            let of = move |event: &GainAtCut| event.first_use.unwrap_or(false) == first;
            let found = division.rate(of, subtracted)?;
            // Of a run that is open by its course, more than two of them must rise by more than chance.
            let least = if grows == Answer::Yes { self.terms.noise } else { self.k.by_chance };
            let rises = match grows {
                Answer::Yes => found.low > least,
                _ => division.without_largest(of) > least,
            };
            // Rises that are few, or have stopped, may still come with every one of them. A source that is open already
            // takes nothing for the first time: where the last cuts to such take nothing, it has stopped.
            let asked = grows != Answer::No
                || (first || division.goes_on(of, self.k))
                    && (self.shape.form == Form::Steps || self.ran_out_of(first));
            let answer = match () {
                () if at_cuts && asked && rises => Answer::Yes,
                () if found.high <= least || grows == Answer::No => Answer::No,
                () => Answer::Open,
            };
            Some(GrowthRate::of(answer, found, self.k.by_chance))
        };
        let (mut source, mut cut) = (class(true), class(false));
        let mut with = Vec::new();
        let rises = |rate: &Option<GrowthRate>| rate.is_some_and(|rate| rate.grows == Answer::Yes);
        let (sources_grow, cuts_grow) = (rises(&source), rises(&cut));
        let found = sources_grow || cuts_grow;
        // Where every cut is a first use, that one and any cut are the same.
        let alike = sources_grow && cut.is_none() && self.every_cut_is_a_first_use();
        if sources_grow {
            with.push(With::Sources);
        }
        if cuts_grow || alike {
            with.push(With::Cuts);
        }
        let frames = match grows {
            Answer::Yes if both => Answer::Yes,
            Answer::Yes if at_frames || !found => Answer::Yes,
            Answer::No => Answer::No,
            _ => Answer::Open,
        };
        if frames == Answer::Yes {
            with.insert(0, With::Frames);
        }
        let unparted = frames == Answer::Yes && !both && !at_frames;
        if unparted {
            let class = [(With::Sources, &mut source), (With::Cuts, &mut cut)];
            for (what, rate) in class.into_iter().filter_map(|(what, rate)| Some((what, rate.as_mut()?))) {
                rate.grows = Answer::Open;
                with.push(what);
            }
        }
        if alike {
            cut = source;
        }
        let of_frames = match frames {
            Answer::Yes if both => {
                let low = between * (1.0 - share.high) / (1.0 - share.estimate).max(f64::MIN_POSITIVE);
                let high = between * (1.0 - share.low) / (1.0 - share.estimate).max(f64::MIN_POSITIVE);
                Interval { low, estimate: between, high }
            }
            _ if found => Interval { low: 0.0, estimate: between, high: between.max(self.terms.floor) },
            _ => per_frame,
        };
        let growth = Growth { frame: frame(frames, of_frames), source, cut, export: None };
        (with, unparted || alike && !cuts_grow, growth)
    }

    /// Whether memory may have stopped rising only because no more of them came: no first use (or no cut) as long as
    /// it has been flat.
    fn ran_out_of(&self, first: bool) -> bool {
        let Some(division) = &self.division else { return false };
        let of = |event: &&GainAtCut| event.first_use.unwrap_or(false) == first;
        let last = division.events.iter().filter(of).map(|event| event.at).fold(0.0, f64::max);
        let since = self.profile.flat_since(&self.terms, self.k);
        self.shape.form == Form::Filled
            && since <= last + division.frames
            && division.events.iter().filter(of).count() >= LEAST_EVENTS
    }

    fn every_cut_is_a_first_use(&self) -> bool {
        self.division
            .as_ref()
            .is_some_and(|division| division.events.iter().all(|event| event.first_use == Some(true)))
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
