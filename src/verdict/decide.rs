//! The order in which the rules are asked.

use super::backlog::Backlog;
use super::course::{Course, Envelope, Per, Point};
use super::exports::{self, AtRest};
use super::sawtooth::{Sawtooth, TROUGHS, Tooth, long_tooth};
use super::shape::{Profile, Shape, is_given_back, masked, not_stable_above};
use super::staircase::Staircase;
use super::steps::steps;
use super::terms::Terms;
use super::{Needs, Rule, RunVerdict, Verdict};
use crate::trace::{Memory, RunContext, Series};
use crate::units::Bytes;

/// The part of the way that is judged, as shares: after most of the warm-up, and far enough before the end
/// that the envelope still knows some future.
pub const JUDGED: (f64, f64) = (0.25, 0.95);
/// So many frames must be judged, or so many seconds where frames are not counted.
const LEAST_FRAMES: f64 = 479.0;
const LEAST_SECONDS: f64 = 3.0;
/// Growth that is [`STEEP`] times the floor and even is called so in a run of fewer frames.
const LEAST_STEEP_FRAMES: f64 = 279.0;
const STEEP: f64 = 16.0;
/// So many things must be known of the judged part: two a block.
const LEAST_KNOWN: f64 = 24.0;
/// One a sixth is enough to see that next to nothing was gained from the first to the last,
const LEAST_KNOWN_OF_PLATEAUS: f64 = 6.0;
/// and one a block that it grows steeply and evenly, where it is the counter that changed so rarely. So few samples
/// might meet each tooth of a saw a little higher up.
const LEAST_KNOWN_OF_STEEP: f64 = 12.0;
/// Of no stretch as long as this share of the judged part nothing is known: growth is taken for even between two things
/// known.
const LONGEST_GAP: f64 = 0.25;
/// What fell as a tooth does may be one until it has risen by so many times that again.
const BEYOND_A_TOOTH: f64 = 3.0;
/// What was taken before the first frame was put out is suspicious from these shares of the time and of the
/// level on, and where it could hold this share of all pictures.
const START: (f64, f64, f64) = (0.4, 0.8, 0.1);
/// What an interpreter and its libraries take by themselves, where a picture's size is not known, in bytes.
const START_UNKNOWN: f64 = 134_217_728.0;
/// What is taken at a cut is taken over some frames: a source is opened ahead, and each thread of its decoder comes
/// to hold pictures of its own. So many frames at least,
const LEAST_REACH: f64 = 3.0;
/// and as many as there are threads: FFmpeg gives a decoder so many at most by itself (`MAX_AUTO_THREADS`).
const MOST_REACH: f64 = 16.0;
/// In stretches of fewer than so many times that, or of what can be told apart, it reaches from cut to cut,
const COVERED: f64 = 2.0;
/// and in stretches of fewer than so many growth between cuts may be what smears from them,
const SMEARED: f64 = 4.0;
/// where they have this share of it.
const SMEARING: f64 = 0.25;
/// Sources that are opened, sought in and closed leave holes in the heap: with five of them 2 MiB of a leak were
/// not seen in 29 MiB, with twenty 4 MiB in 74 MiB. So much for each, in bytes,
const HOLES_A_SOURCE: f64 = 524_288.0;
/// and no larger a share of the level.
const HOLES: f64 = 0.1;
/// Growth at cuts is seen at this share of them at least: a few jumps among many cuts are none.
const RISING_CUTS: f64 = 0.15;
/// Growth between cuts of a smaller share of all growth may be what opening sources left of theirs: with four
/// threads and clips of 40 frames it was 5 %.
const RESIDUE: f64 = 0.15;

/// A verdict in the making.
struct Ruling<'a> {
    verdict: Verdict,
    rule: Rule,
    needs: Needs,
    /// What growth is told of.
    evidence: Evidence<'a>,
}

/// The points and the part of the way from which a growth is told.
struct Evidence<'a> {
    points: &'a [Point],
    part: (f64, f64),
}

/// The rules for a run of one export.
pub fn of_one_export(course: &Course, backlog: Option<Backlog>, context: &RunContext) -> RunVerdict {
    let case = Case::of(course, backlog, context);
    let Ruling { verdict, rule, needs, evidence: Evidence { points, part } } = case.ruling();
    let growth = Profile::of(points, part, 0.0).growth();
    let limit = not_stable_above(points, part, growth.low, &case.terms, course.resolution);
    let is_saw = matches!(rule, Rule::TroughsRise | Rule::TroughsDoNotRise | Rule::TroughsOpen);
    let masked = match case.saw.as_ref().filter(|_| is_saw) {
        Some(saw) => saw.farthest_fall(),
        None => case.masked(),
    };
    let limit = limit + (case.hidden() + masked) / (part.1 - part.0);
    let at_cuts = matches!(rule, Rule::GrewAtCutsOnly | Rule::GrewAtCutsAndStopped);
    let stairs = case.stairs.as_ref().filter(|_| at_cuts);
    let limit = stairs.map_or(limit, |stairs| limit.max(case.hides_between(stairs)));
    let stopped = verdict.is_stable() && verdict != Verdict::Plateau;
    let warm_up = warm_up(course, &case.envelope, case.part.0);
    RunVerdict {
        verdict,
        per: Some(course.per),
        steps: course.steps,
        judged: Some(case.part),
        growth: Some(growth),
        blocks: case.profile.twelfths.clone(),
        not_stable_above: Some(limit),
        warm_up: Some(warm_up),
        end_level: Some(case.end_level()),
        flat_since: stopped.then(|| case.profile.flat_since(&case.terms)),
        steps_up: steps(course, context, warm_up),
        terms: Some(case.terms),
        cuts_known: !(context.cuts.is_empty() && context.first_uses.is_empty()),
        sawtooth: case.saw,
        staircase: case.stairs,
        backlog,
        ..RunVerdict::open(rule, needs)
    }
}

/// The rules for a run of several exports: they fall at each end, and what stays then is judged.
pub fn of_exports(course: &Course, series: &Series, memory: Memory, context: &RunContext) -> RunVerdict {
    let at_rest = AtRest::of(series, memory, context);
    let exports = Some(exports::NEEDED.max(2 * context.exports.len() as u64));
    let (verdict, rule, needs) = match &at_rest {
        Some(rest) if rest.grows() && rest.may_be_heaps_of_threads() => {
            let exports = Some(rest.settled_after);
            (Verdict::Inconclusive, Rule::HeapsOfThreads, Needs { exports, ..Needs::default() })
        }
        Some(rest) if rest.grows() => (Verdict::Leak, Rule::LeftBehindByEveryExport, Needs::default()),
        Some(rest) if rest.is_level() => (Verdict::Plateau, Rule::NothingLeftBehind, Needs::default()),
        _ => (Verdict::Inconclusive, Rule::TooFewExports, Needs { exports, ..Needs::default() }),
    };
    RunVerdict {
        verdict,
        per: Some(course.per),
        steps: course.steps,
        terms: Some(Terms::of(context, course)),
        end_level: at_rest.as_ref().and_then(|rest| rest.levels.last().copied().map(Bytes::as_f64)),
        at_rest,
        ..RunVerdict::open(rule, needs)
    }
}

fn warm_up(course: &Course, envelope: &Envelope, quarter: f64) -> f64 {
    let level = 0.95 * envelope.at(quarter);
    let reached = envelope.knots().iter().find(|knot| knot.1 >= level);
    reached.map_or(quarter, |knot| knot.0).min(course.steps)
}

/// Frames of an export of which enough can be judged.
pub fn enough_frames() -> u64 {
    whole(LEAST_FRAMES) as u64
}

/// As much of a whole run as it takes to judge so much of it.
fn whole(judged: f64) -> f64 {
    (judged / (JUDGED.1 - JUDGED.0)).ceil()
}

/// As much as is usually enough; twice what there was, where that was as much already and did not do.
pub fn more(usual: f64, had: f64) -> u64 {
    let needed = if usual > had { usual } else { 2.0 * had };
    needed.ceil() as u64
}

/// All that the rules ask about.
struct Case<'a> {
    course: &'a Course,
    context: &'a RunContext,
    backlog: Option<Backlog>,
    terms: Terms,
    part: (f64, f64),
    envelope: Envelope,
    profile: Profile,
    shape: Shape,
    saw: Option<Sawtooth>,
    stairs: Option<Staircase>,
}

impl<'a> Case<'a> {
    fn of(course: &'a Course, backlog: Option<Backlog>, context: &'a RunContext) -> Case<'a> {
        let terms = Terms::of(context, course);
        let last = course.points.last().map_or(0.0, |point| point.at);
        let part = (JUDGED.0 * course.steps, (JUDGED.1 * course.steps).min(last));
        let profile = Profile::of(&course.points, part, 0.0);
        Case {
            shape: profile.shape(&terms, course.resolution),
            envelope: Envelope::of(&course.points, 0.0),
            saw: Sawtooth::of(&course.points, course.steps),
            stairs: Staircase::of(course, part, context, &terms),
            course,
            context,
            backlog,
            terms,
            part,
            profile,
        }
    }

    fn ruling(&self) -> Ruling<'_> {
        self.too_little()
            .or_else(|| self.queued())
            .or_else(|| self.filled_before())
            .or_else(|| self.falls())
            .or_else(|| self.at_cuts())
            .or_else(|| self.given_back())
            .unwrap_or_else(|| self.by_shape())
    }

    fn rule(&self, verdict: Verdict, rule: Rule) -> Ruling<'_> {
        let evidence = Evidence { points: &self.course.points, part: self.part };
        Ruling { verdict, rule, needs: Needs::default(), evidence }
    }

    /// The same, with growth told of what happens between cuts.
    fn rule_between<'s>(&'s self, stairs: &'s Staircase, verdict: Verdict, rule: Rule) -> Ruling<'s> {
        let evidence = Evidence { points: &stairs.between, part: stairs.between_part() };
        Ruling { evidence, ..self.rule(verdict, rule) }
    }

    fn open(&self, rule: Rule, needs: Needs) -> Ruling<'_> {
        Ruling { needs, ..self.rule(Verdict::Inconclusive, rule) }
    }

    /// So many times the run's length.
    fn times(&self, factor: f64) -> Option<u64> {
        Some((self.course.steps * factor).ceil() as u64)
    }

    fn too_little(&self) -> Option<Ruling<'_>> {
        let judged = self.part.1 - self.part.0;
        let least = match self.course.per {
            Per::Frame if self.is_steep() => LEAST_STEEP_FRAMES,
            Per::Frame => LEAST_FRAMES,
            Per::Second => LEAST_SECONDS,
        };
        let least_known = match self.shape {
            Shape::Plateau => LEAST_KNOWN_OF_PLATEAUS,
            _ if self.is_steep() && judged / self.course.sampled >= LEAST_KNOWN => LEAST_KNOWN_OF_STEEP,
            _ => LEAST_KNOWN,
        };
        let few = self.course.known_within(self.part) < least_known
            || self.course.longest_gap(self.part) > LONGEST_GAP * judged;
        let samples = Needs { samples: Some(self.samples(whole(LEAST_KNOWN))), ..Needs::default() };
        if judged < least {
            let frames = whole(if self.course.per == Per::Frame { LEAST_FRAMES } else { LEAST_SECONDS });
            // Of a run that is long enough too little is judged where its last sample comes long before its end.
            let needs = match few && frames <= self.course.steps {
                true => samples,
                false => Needs { frames: Some(more(frames, self.course.steps)), ..Needs::default() },
            };
            return Some(self.open(Rule::TooShort, needs));
        }
        few.then(|| self.open(Rule::TooFewSamples, samples))
    }

    /// So many samples and changes of the counter, or more than there were.
    fn samples(&self, usual: f64) -> u64 {
        more(usual, self.course.known_within((0.0, self.course.steps)))
    }

    /// Whether every sixth grows far above the floor, none more than twice as fast as another.
    fn is_steep(&self) -> bool {
        let sixths = &self.profile.sixths;
        let least = sixths.iter().copied().fold(f64::INFINITY, f64::min);
        let most = sixths.iter().copied().fold(0.0, f64::max);
        self.shape == Shape::Growing && least > STEEP * self.terms.floor && most < 2.0 * least
    }

    fn queued(&self) -> Option<Ruling<'_>> {
        self.backlog.filter(|backlog| backlog.is_queue(self.context))?;
        let needs = Needs { frames: self.times(2.0), repeats: Some(3), ..Needs::default() };
        Some(self.open(Rule::HeldInAQueue, needs))
    }

    fn filled_before(&self) -> Option<Ruling<'_>> {
        let start = self.course.start;
        let highest = self.course.points.iter().map(|point| point.high).fold(0.0, f64::max);
        let pictures = self.context.frame_bytes.map_or(0.0, Bytes::as_f64) * self.course.steps;
        let many = if pictures > 0.0 { START.2 * pictures } else { START_UNKNOWN };
        let holds_many = start.level >= many;
        let filled = start.time_share >= START.0 && start.level >= START.1 * highest && holds_many;
        (filled && self.shape.is_stable()).then(|| {
            let needs = Needs { frames: self.times(2.0), repeats: Some(3), ..Needs::default() };
            self.open(Rule::FilledBeforeTheFirstFrame, needs)
        })
    }

    /// What rose for long and was given back once is in no envelope.
    fn given_back(&self) -> Option<Ruling<'_>> {
        let rose = is_given_back(&self.course.points, self.part, &self.terms);
        // What seems to have stopped may have gone on, up to what fell.
        let stopped = self.shape == Shape::Stopped && self.masked() > self.terms.hidden;
        (rose && self.shape.is_stable() || stopped || self.may_be_a_tooth()).then(|| self.open_for_a_fall())
    }

    /// Whether what grows has fallen as the tooth of a saw does, and has not risen far beyond that since.
    fn may_be_a_tooth(&self) -> bool {
        let is_near = |tooth: Tooth| self.end_level() - tooth.trough.low < BEYOND_A_TOOTH * tooth.height;
        self.shape == Shape::Growing
            && long_tooth(&self.course.points, self.course.steps).is_some_and(is_near)
    }

    fn open_for_a_fall(&self) -> Ruling<'_> {
        self.open(Rule::GivenBackOnce, Needs { frames: self.times(3.0), ..Needs::default() })
    }

    fn masked(&self) -> f64 {
        masked(&self.course.points, &self.envelope, self.part)
    }

    /// What is kept at the end of the judged part, in bytes.
    fn end_level(&self) -> f64 {
        self.envelope.at(self.part.1)
    }

    /// A saw: its troughs are judged, where there are enough of them.
    fn falls(&self) -> Option<Ruling<'_>> {
        let saw = self.saw.as_ref()?;
        let last = saw.last_trough();
        let (period, longest) = saw.periods();
        let (begin, end) = (self.part.0.max(saw.troughs[0]), last);
        if saw.troughs.len() >= TROUGHS && end > begin {
            let points = &self.course.points;
            let points = &points[..points.partition_point(|point| point.at <= last)];
            let profile = Profile::of(points, (begin, end), 0.0);
            let (verdict, rule) = match profile.shape(&self.terms, self.course.resolution.max(period)) {
                Shape::Growing => (Verdict::Growing, Rule::TroughsRise),
                shape if shape.is_stable() => (Verdict::Sawtooth, Rule::TroughsDoNotRise),
                _ => (Verdict::Sawtooth, Rule::TroughsOpen),
            };
            return Some(Ruling {
                evidence: Evidence { points, part: (begin, end) },
                ..self.rule(verdict, rule)
            });
        }
        // What has gone on for far longer than any tooth is none.
        if self.shape == Shape::Growing && self.course.steps - last > 3.0 * longest {
            return None;
        }
        let frames = Some(((TROUGHS as f64 + 2.0) * period / 0.85).ceil() as u64).filter(|_| period > 0.0);
        let needs = Needs { frames: frames.max(self.times(1.5)), ..Needs::default() };
        Some(Ruling { needs, ..self.rule(Verdict::Sawtooth, Rule::TroughsOpen) })
    }

    /// Where the cuts are known, what still grows is divided among them and the frames between.
    fn at_cuts(&self) -> Option<Ruling<'_>> {
        let cuts = self.context.cuts.iter().map(|&cut| cut as f64);
        let within = cuts.filter(|cut| (self.part.0..self.part.1).contains(cut)).count();
        if self.shape == Shape::Plateau || within < 3 || self.course.per == Per::Second {
            return None;
        }
        match &self.stairs {
            Some(stairs) if self.shape.is_stable() => self.at_every_cut(stairs),
            Some(stairs) => self.at_cuts_or_between(stairs),
            None => self.cuts_too_close(),
        }
    }

    /// A rise at every cut is none of a few, however few cuts there are.
    fn at_every_cut<'s>(&'s self, stairs: &'s Staircase) -> Option<Ruling<'s>> {
        let rises = stairs.quiet == (0, 0) && stairs.at_rise() > self.terms.hidden;
        rises.then(|| self.rule_between(stairs, Verdict::GrowsAtCuts, Rule::GrewAtCutsOnly))
    }

    fn cuts_too_close(&self) -> Option<Ruling<'_>> {
        let per_stretch = 3.0 * self.context.cuts.len() as f64;
        let needs = Needs { samples: Some(self.samples(per_stretch)), ..Needs::default() };
        (self.shape == Shape::Growing).then(|| self.open(Rule::CutsTooClose, needs))
    }

    fn at_cuts_or_between<'s>(&'s self, stairs: &'s Staircase) -> Option<Ruling<'s>> {
        let between = stairs.between_profile();
        let between = between.shape(&self.terms, between.steps() / stairs.stretches as f64);
        let residue = self.is_residue(stairs);
        let at_rest = between.is_stable() || residue && stairs.goes_on();
        Some(match between {
            Shape::Growing if self.shape == Shape::Growing && !residue && !self.is_smeared(stairs) => {
                self.rule_between(stairs, Verdict::Growing, Rule::GrewInNearlyEveryBlock)
            }
            _ if !at_rest => {
                let needs = Needs { frames: self.times(2.0), ..Needs::default() };
                self.open(Rule::BetweenCutsOpen, needs)
            }
            _ if stairs.at_rise() <= self.terms.noise || stairs.rising < RISING_CUTS => return None,
            // What came with later cuts may be in what was given back.
            _ if self.masked() > stairs.at_rise() => self.open_for_a_fall(),
            _ if stairs.has_stopped() => {
                self.rule_between(stairs, Verdict::PlateauLate, Rule::GrewAtCutsAndStopped)
            }
            _ => self.rule_between(stairs, Verdict::GrowsAtCuts, Rule::GrewAtCutsOnly),
        })
    }

    /// A leak up to so many bytes a frame would not be seen between cuts. What is mapped when a source is opened may
    /// be free again until the next cut, and so may what a source leaves when it is closed: a leak fills that in
    /// each stretch anew, and all that shows of it is the rise at the cut.
    fn hides_between(&self, stairs: &Staircase) -> f64 {
        self.terms.floor + self.terms.hidden.max(stairs.at_rise()) / stairs.frames
    }

    /// Whether growth between cuts may be what opening sources left of theirs.
    fn is_residue(&self, stairs: &Staircase) -> bool {
        let pace = self.profile.gain() / self.profile.steps();
        stairs.between_per_frame <= RESIDUE * pace
    }

    /// Whether growth between cuts may be what smears from them.
    fn is_smeared(&self, stairs: &Staircase) -> bool {
        let threads = self.course.most_threads().clamp(LEAST_REACH, MOST_REACH);
        let reaches = stairs.frames / self.course.resolution.max(threads);
        let is_large = stairs.at_cut > SMEARING * stairs.between_per_frame * stairs.frames;
        reaches < COVERED || is_large && reaches < SMEARED
    }

    /// How much of a leak may fill holes of the heap before any of it is seen, in bytes: what [`Terms::hidden`] says,
    /// or what the sources leave, where it is known how many there are; at most as many as clips.
    fn hidden(&self) -> f64 {
        let (first_uses, cuts) = (self.context.first_uses.len(), self.context.cuts.len());
        let sources = if first_uses > 0 { first_uses } else { cuts + 1 };
        let holes = HOLES * self.end_level();
        self.terms.hidden.max(holes.min(HOLES_A_SOURCE * sources as f64))
    }

    fn by_shape(&self) -> Ruling<'_> {
        let longer = |factor: f64| Needs { frames: self.times(factor), ..Needs::default() };
        match self.shape {
            Shape::Growing => self.rule(Verdict::Growing, Rule::GrewInNearlyEveryBlock),
            Shape::Plateau => self.rule(Verdict::Plateau, Rule::GainedNoMoreThanTheFloor),
            Shape::Step => self.rule(Verdict::Step, Rule::RoseInFewBlocks),
            Shape::SingleStep => self.rule(Verdict::Step, Rule::RoseOnce),
            Shape::Stopped => self.rule(Verdict::PlateauLate, Rule::FlatAtTheEnd),
            Shape::Slowing => self.open(Rule::GrewEverSlower, longer(3.0)),
            Shape::LateRise => self.open(Rule::RoseTooLate, Needs { repeats: Some(3), ..longer(1.5) }),
            Shape::Mixed => self.open(Rule::RoseNowAndThen, longer(2.0)),
        }
    }
}
