//! Growth at cuts against growth between cuts.
//!
//! "Longer exports take more memory" and "projects with more clips take more memory" look the same as long
//! as clips follow each other evenly. Where the cuts are known they can be told apart in a single run: all
//! stretches from one cut to the next are laid over each other, and what is gained in each phase of them
//! is added up. Opening a source shows as a peak in a few phases, wherever they are – an engine reads ahead,
//! its counter lags behind –, and growth with every frame shows in all of them.

use serde::Serialize;

use super::course::{Course, Envelope, Point};
use super::shape::Profile;
use super::terms::Terms;
use crate::stats;
use crate::trace::RunContext;

/// Phases that a stretch from cut to cut is divided into.
const PHASES: usize = 12;
/// The quietest neighbouring phases stand for what happens between cuts.
const QUIET: usize = 5;
/// Fewer stretches say nothing.
const LEAST_STRETCHES: usize = 2;
/// So much of a stretch around a cut has to be known to see whether it rises: beyond the middle, where it does.
const UP_TO_PEAK: f64 = 0.75;
/// Stretches without a rise that it takes to say that rises at cuts have stopped, and first uses that it takes to
/// say that rises come with them alone.
const LEAST_QUIET: usize = 3;
/// Growth at a cut to a source that was used before counts when it is this share of that at a first use.
pub const OTHER_USE: f64 = 0.3;
/// A stretch from a cut on is as long as the usual one, but for this share: what is gained at the next cut is in none.
const AS_LONG: f64 = 0.9;
/// What is gained at a cut is told of those that no other is nearer to than this share of the usual stretch.
const APART: f64 = 0.75;
/// A stretch of fewer steps than so many times what can be told apart is not divided: at 1.45 the peak
/// covers all phases, at 2.25 it leaves the quietest clean.
const LEAST_RESOLUTIONS: f64 = 2.0;

/// What was gained at cuts and between them, in bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Staircase {
    /// Stretches from cut to cut that were laid over each other.
    pub stretches: usize,
    /// Their usual length, in frames.
    pub frames: f64,
    /// What was gained in each phase of the stretches, all in all, in bytes.
    #[serde(rename = "phases_bytes")]
    pub phases: Vec<f64>,
    /// Gain with each frame between cuts, in bytes.
    #[serde(rename = "between_bytes_per_frame")]
    pub between_per_frame: f64,
    /// Gain with each cut of the judged part beyond that, in bytes: the mean.
    #[serde(rename = "at_cut_bytes")]
    pub at_cut: f64,
    /// The same of cuts at which a source is used for the first time; `None` where there is none.
    #[serde(rename = "at_first_use_bytes")]
    pub at_first_use: Option<f64>,
    /// The same of cuts to a source that was used before.
    #[serde(rename = "at_other_use_bytes")]
    pub at_other_use: Option<f64>,
    /// Whether it rises at first uses alone: what follows looks at their stretches only, since where no source is
    /// new nothing could rise.
    pub first_uses_alone: bool,
    /// The share of cuts at which more was gained than noise.
    pub rising: f64,
    /// The last cut at which more was gained than noise.
    pub last_rise: Option<f64>,
    /// The most stretches in a row without a rise before the last rise, and those after it.
    pub quiet: (usize, usize),
    /// What the quiet phases gained, one stretch after the other.
    #[serde(skip)]
    pub between: Vec<Point>,
}

/// A stretch around a cut, as long as from one to the next.
struct Stretch {
    cut: f64,
    gains: [f64; PHASES],
}

impl Staircase {
    /// The staircase over the judged part; `None` when there are too few cuts, or they follow each other
    /// faster than can be told apart.
    pub fn of(course: &Course, part: (f64, f64), context: &RunContext, terms: &Terms) -> Option<Staircase> {
        let last = course.points.last()?.at;
        let cuts: Vec<f64> =
            context.cuts.iter().map(|&cut| cut as f64).filter(|&cut| cut > 0.0 && cut < last).collect();
        let lengths: Vec<_> = cuts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let frames =
            stats::median(&lengths).filter(|&frames| frames >= LEAST_RESOLUTIONS * course.resolution)?;
        let envelope = Envelope::of(&course.points, 0.0);
        let behind = course.behind(&context.cuts);
        let laid_over = |offset: f64, needed: f64, apart: (f64, f64)| {
            let begin = |cut: f64| cut - behind + offset;
            let is_known = |cut: f64| begin(cut) >= part.0 && begin(cut) + needed * frames <= last;
            let known =
                standing_apart(&cuts, apart.0 * frames, apart.1 * frames).filter(|&cut| is_known(cut));
            let stretch = |cut: f64| Stretch { cut, gains: gains(&envelope, begin(cut), frames, last) };
            LaidOver::of(known.map(stretch).collect(), frames)
        };
        // Of the last one half is enough to see where it rises.
        let from_cuts = laid_over(0.0, 0.5, (0.0, AS_LONG));
        let around_cuts = laid_over(from_cuts.to_peak(), UP_TO_PEAK, (APART, APART));
        let enough = [&from_cuts, &around_cuts].iter().all(|laid| laid.stretches.len() >= LEAST_STRETCHES);
        enough.then(|| staircase(from_cuts, &around_cuts, context, terms))
    }

    /// Whether the growth between cuts alone goes on, by the same rules as any growth.
    pub fn between_profile(&self) -> Profile {
        Profile::of(&self.between, self.between_part(), 0.0)
    }

    /// The way that the quiet phases make up, one stretch after the other.
    pub fn between_part(&self) -> (f64, f64) {
        (0.0, self.between.last().map_or(0.0, |point| point.at))
    }

    /// What is gained at each cut at which it may rise, beyond what is gained between, in bytes: the mean.
    pub fn at_rise(&self) -> f64 {
        self.at_first_use.filter(|_| self.first_uses_alone).unwrap_or(self.at_cut)
    }

    /// Whether it has rested after its last rise for no longer than before.
    pub fn goes_on(&self) -> bool {
        self.quiet.1 <= self.quiet.0
    }

    /// Whether it has rested after its last rise for so much longer than before that it rises no more. What is
    /// neither this nor [`Staircase::goes_on`] has not rested for long enough to say.
    pub fn has_stopped(&self) -> bool {
        let (before, after) = self.quiet;
        after >= LEAST_QUIET && 2 * after > 3 * before
    }
}

/// Cuts with no other so many steps before them, and so many after.
fn standing_apart(cuts: &[f64], before: f64, after: f64) -> impl Iterator<Item = f64> {
    let is_alone = move |place: usize| {
        let last = place.checked_sub(1).map_or(0.0, |last| cuts[last]);
        cuts[place] - last >= before && cuts.get(place + 1).is_none_or(|next| next - cuts[place] >= after)
    };
    (0..cuts.len()).filter(move |&place| is_alone(place)).map(|place| cuts[place])
}

fn gains(envelope: &Envelope, begin: f64, frames: f64, last: f64) -> [f64; PHASES] {
    let phase = frames / PHASES as f64;
    let level = |index: usize| envelope.at((begin + phase * index as f64).min(last));
    std::array::from_fn(|index| level(index + 1) - level(index))
}

/// Stretches laid over each other.
struct LaidOver {
    stretches: Vec<Stretch>,
    /// Their length, in steps.
    frames: f64,
    /// What was gained in each phase of all of them.
    phases: Vec<f64>,
    /// The phases that stand for what happens between cuts.
    quiet: Vec<usize>,
}

impl LaidOver {
    fn of(stretches: Vec<Stretch>, frames: f64) -> LaidOver {
        let phases: Vec<f64> =
            (0..PHASES).map(|index| stretches.iter().map(|stretch| stretch.gains[index]).sum()).collect();
        LaidOver { quiet: quietest(&phases), stretches, frames, phases }
    }

    /// From a cut so many steps on begins the way around what is gained at it: an engine that reads ahead gains it
    /// before the cut, one that is slow to open its sources after. It lies in the middle between two quiet parts,
    /// and belongs to the cut that is nearer.
    fn to_peak(&self) -> f64 {
        let half = PHASES as f64 / 2.0;
        let peak = (self.quiet[0] as f64 + QUIET as f64 / 2.0 + half) % PHASES as f64;
        let begin = if peak <= half { peak - half } else { peak - half - PHASES as f64 };
        begin * self.frames / PHASES as f64
    }

    fn quiet_frames(&self) -> f64 {
        self.frames * QUIET as f64 / PHASES as f64
    }

    fn in_quiet(&self, stretch: &Stretch) -> f64 {
        self.quiet.iter().map(|&index| stretch.gains[index]).sum()
    }

    fn between_per_frame(&self) -> f64 {
        let gained: f64 = self.stretches.iter().map(|stretch| self.in_quiet(stretch)).sum();
        gained / (self.quiet_frames() * self.stretches.len() as f64)
    }

    /// What the quiet phases gained, one stretch after the other.
    fn between(&self) -> Vec<Point> {
        let (mut at, mut level) = (0.0, 0.0);
        let next = self.stretches.iter().map(|stretch| {
            at += self.quiet_frames();
            level += self.in_quiet(stretch);
            Point { at, low: level, high: level }
        });
        let next: Vec<_> = next.collect();
        std::iter::once(Point { at: 0.0, low: 0.0, high: 0.0 }).chain(next).collect()
    }
}

/// What is gained between cuts is told of the stretches that begin at them, and what is gained at a cut of the one
/// around it.
fn staircase(from_cuts: LaidOver, around: &LaidOver, context: &RunContext, terms: &Terms) -> Staircase {
    let between_per_frame = from_cuts.between_per_frame();
    let at_cut = |stretch: &Stretch| {
        let between = between_per_frame.min(around.in_quiet(stretch) / around.quiet_frames());
        stretch.gains.iter().sum::<f64>() - between * around.frames
    };
    let mean = |wanted: &dyn Fn(&Stretch) -> bool| {
        let wanted = around.stretches.iter().filter(|stretch| wanted(stretch));
        stats::mean(&wanted.map(at_cut).collect::<Vec<_>>())
    };
    let is_first = |stretch: &Stretch| context.first_uses.contains(&(stretch.cut as u64));
    let known = !context.first_uses.is_empty();
    let at_first_use = mean(&|stretch| known && is_first(stretch));
    let at_other_use = mean(&|stretch| known && !is_first(stretch));
    let first_uses = around.stretches.iter().filter(|stretch| is_first(stretch)).count();
    let first_uses_alone = first_uses >= LEAST_QUIET
        && at_first_use.zip(at_other_use).is_some_and(|(first, other)| other <= OTHER_USE * first);
    let may_rise = around.stretches.iter().filter(|stretch| !first_uses_alone || is_first(stretch));
    let may_rise: Vec<_> = may_rise.collect();
    let rises: Vec<_> = may_rise.iter().map(|stretch| at_cut(stretch) > terms.noise).collect();
    Staircase {
        stretches: from_cuts.stretches.len(),
        frames: from_cuts.frames,
        between_per_frame,
        at_cut: mean(&|_| true).unwrap_or_default(),
        at_first_use,
        at_other_use,
        first_uses_alone,
        rising: rises.iter().filter(|rise| **rise).count() as f64 / rises.len().max(1) as f64,
        last_rise: rises.iter().rposition(|rise| *rise).map(|place| may_rise[place].cut),
        quiet: quiet_stretches(&rises),
        between: from_cuts.between(),
        phases: from_cuts.phases,
    }
}

/// The most stretches in a row without a rise before the last one with, and those after that.
fn quiet_stretches(rises: &[bool]) -> (usize, usize) {
    let Some(last) = rises.iter().rposition(|rise| *rise) else { return (0, rises.len()) };
    let before = rises[..last].chunk_by(|a, b| a == b).filter(|alike| !alike[0]).map(<[bool]>::len);
    (before.max().unwrap_or(0), rises.len() - last - 1)
}

/// The neighbouring phases that gained least; the last is a neighbour of the first.
fn quietest(phases: &[f64]) -> Vec<usize> {
    let arc = |from: usize| (0..QUIET).map(move |step| (from + step) % PHASES);
    let gain = |from: &usize| arc(*from).map(|index| phases[index]).sum::<f64>();
    let from = (0..PHASES).min_by(|a, b| gain(a).total_cmp(&gain(b))).unwrap_or_default();
    arc(from).collect()
}
