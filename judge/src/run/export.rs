//! One export: does its memory grow, and with what?

use memreel_trace::RunContext;

use super::{Growth, GrowthRate, Needs, Reason, RunVerdict, With, more};
use crate::backlog::Backlog;
use crate::constants::Constants;
use crate::course::{Counts, Course, Envelope, Per, Point};
use crate::division::Division;
use crate::saw::Sawtooth;
use crate::shape::{Answer, BLOCKS, Blocks, Form, Shape};
use crate::steps::steps;
use crate::terms::Terms;

/// The verdict on one export, from its course.
pub(super) fn of_one_export(
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
            division: course
                .per
                .is_counted()
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
        // For MiB and seconds, the duration decides whether the run is long enough.
        let scale = match self.course.per {
            Per::Frame | Per::Item => 1.0,
            Per::Mebibyte => 0.01 * self.course.steps / self.course.seconds,
            Per::Second => 0.01,
        };
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

fn warm_up(course: &Course, envelope: &Envelope, quarter: f64) -> f64 {
    let level = 0.95 * envelope.at(quarter);
    let reached = envelope.knots().iter().find(|knot| knot.1 >= level);
    reached.map_or(quarter, |knot| knot.0).min(course.steps)
}
