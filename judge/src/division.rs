//! The second question: with what does memory grow – frames, first uses of a source, or other cuts?
//!
//! The gains of the envelope are laid over each other from cut to cut, a matrix of stretches × phases. A usual
//! stretch is the trimmed mean of each phase, so that a stretch in which a heap happened to jump counts little. Its
//! quieter half of phases stands for what happens between cuts; the rest is gained at them. Stretches are resampled
//! (Efron's bootstrap, 1979) for the interval of the share that is gained at cuts.

use memreel_trace::RunContext;
use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::{Course, Envelope};
use crate::shape::BLOCKS;
use crate::stats::random::Random;
use crate::stats::{self, Interval};
use crate::terms::Terms;

/// Stretches without which nothing is divided: one event is no rate, nor are two.
pub const LEAST_EVENTS: usize = 3;
/// What is cut off at each end for the interquartile mean.
const QUARTILE: f64 = 0.25;
/// Times that the stretches are resampled.
const DRAWS: usize = 200;
/// Stretches that are resampled at most, evenly chosen: of more the interval is narrow enough.
const MOST_STRETCHES: usize = 512;

/// Growth at cuts and between them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Division {
    /// Stretches from cut to cut in the judged part.
    pub stretches: usize,
    /// The usual length of a stretch, in frames.
    pub frames: f64,
    /// The gain of a usual stretch in each of its phases, in bytes.
    #[serde(rename = "phases_bytes")]
    pub phases: Vec<f64>,
    /// The share of the gain at cuts, from 0 to 1, with its 95 % interval.
    pub share_at_cuts: Interval,
    /// Whether the rises lie at the same place in every stretch, more than by chance.
    pub is_aligned: bool,
    /// Whether samples and frame counter are fine enough to distinguish growth at cuts from growth between them.
    pub is_resolved: bool,
    /// Growth per frame between cuts, in bytes.
    #[serde(rename = "between_bytes_per_frame")]
    pub between_per_frame: f64,
    /// Whether nearly every stretch has this growth, and not only a few.
    pub between_is_even: bool,
    /// What each cut gained, in order.
    #[serde(skip)]
    pub events: Vec<GainAtCut>,
}

/// What was gained at a cut, from the middle between it and the last to the middle between it and the next; at the first
/// and the last, from the beginning and to the end of the part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainAtCut {
    /// Whether a source is known to be used for the first time there.
    pub first_use: bool,
    /// All that was gained around it, in bytes.
    pub gain: f64,
    /// In so many steps.
    pub steps: f64,
}

/// What is gained in the phases around a cut, from half a usual stretch before it to half a one after; NaN where another
/// cut is nearer.
type Row = Vec<f64>;

impl Division {
    /// The division over a part of the way; `None` where fewer than three cuts are in it.
    pub fn of(
        course: &Course,
        envelope: &Envelope,
        part: (f64, f64),
        context: &RunContext,
        terms: &Terms,
        k: &Constants,
    ) -> Option<Division> {
        let behind = course.behind(&context.cuts);
        let place = |&frame: &u64| (frame, frame as f64 - behind);
        let within = |&(_, at): &(u64, f64)| at >= part.0 && at < part.1;
        let cuts: Vec<(u64, f64)> = context.cuts.iter().map(place).filter(within).collect();
        let lengths: Vec<_> = cuts.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
        let frames = stats::median(&lengths).filter(|_| cuts.len() >= LEAST_EVENTS)?;
        let count = k.phases as usize;
        let width = frames / k.phases;
        let expected = terms.index_bytes() * width;
        let every = cuts.len().div_ceil(MOST_STRETCHES);
        let rows: Vec<Row> = (0..cuts.len())
            .step_by(every)
            .map(|place| row(envelope, &cuts, place, part, frames, k))
            .collect();
        let all: Vec<&Row> = rows.iter().collect();
        let (usual, plain) = (phases(&all, QUARTILE, count), phases(&all, 0.0, count));
        // Rises rarer than stretches are cut off with the rest: then the plain means divide what there is.
        let trimmed = if 2.0 * usual.iter().sum::<f64>() > plain.iter().sum() { QUARTILE } else { 0.0 };
        let phases_kept = if trimmed > 0.0 { usual } else { plain.clone() };
        let between = quieter_half(&plain) * k.phases;
        let quiet = quiet_places(&phases_kept);
        let in_quiet = |row: &Row| -> f64 { quiet.iter().map(|&phase| row[phase]).sum() };
        let sums: Vec<f64> = rows.iter().map(in_quiet).filter(|sum| !sum.is_nan()).collect();
        Some(Division {
            stretches: cuts.len(),
            frames,
            share_at_cuts: share(&rows, &phases_kept, trimmed, expected),
            is_aligned: is_aligned(&rows, count, k),
            is_resolved: frames >= k.phases * course.resolution,
            between_per_frame: between / frames,
            between_is_even: is_even(&sums, terms, k),
            events: events(envelope, &cuts, part, offset(&phases_kept) * width, context),
            phases: phases_kept,
        })
    }

    /// Whether growth comes at cuts. A coarse counter smears what is gained there over the frames between, never the
    /// other way round.
    pub fn is_at_cuts(&self, k: &Constants) -> bool {
        let least = if self.is_resolved { k.parted } else { 1.0 - k.parted };
        self.is_aligned && self.share_at_cuts.low >= least
    }

    /// Whether growth comes between cuts; growth in ten of twelve blocks and in half of the cells is not that of five
    /// cuts.
    pub fn is_between(&self, k: &Constants) -> bool {
        let few = 2 * self.stretches < BLOCKS - 1;
        few || self.is_resolved && self.share_at_cuts.high <= 1.0 - k.parted
    }

    /// Whether growth comes at cuts, and beside it between them.
    pub fn is_both(&self, k: &Constants) -> bool {
        self.is_at_cuts(k) && self.is_resolved && self.between_is_even
    }

    /// Growth with each frame between cuts, in bytes; unless it is growth by itself, anything from none to the floor.
    pub fn between(&self, floor: f64, k: &Constants) -> Interval {
        let Interval { low, estimate: share, high } = self.share_at_cuts;
        let estimate = self.between_per_frame;
        let beside =
            |share_at_cuts: f64| estimate * (1.0 - share_at_cuts) / (1.0 - share).max(f64::MIN_POSITIVE);
        match self.is_both(k) {
            true => Interval { low: beside(high), estimate, high: beside(low) },
            false => Interval { low: 0.0, estimate, high: estimate.max(floor) },
        }
    }

    /// What each first use (or each other cut) gained beyond what is gained between, in bytes: the mean with Student's
    /// interval, which ends at zero, since the envelope never falls.
    ///
    /// Where frames do not grow by themselves, no more is taken for gained between than an index is expected to.
    pub fn rate(&self, first_uses: bool, terms: &Terms, k: &Constants) -> Option<Interval> {
        let of: Vec<_> = self.events.iter().filter(|event| event.first_use == first_uses).collect();
        let beyond = |between: f64| {
            let gains: Vec<f64> = of.iter().map(|event| event.gain - between * event.steps).collect();
            stats::mean_interval(&gains, 0.95).filter(|_| of.len() >= LEAST_EVENTS)
        };
        let most = self.between_per_frame;
        let least = if self.is_both(k) { most } else { most.min(terms.index_bytes()) };
        let (low, rate) = (beyond(most)?.low, beyond(least)?);
        Some(Interval { low: low.clamp(0.0, rate.estimate.max(0.0)), ..rate })
    }

    /// What each first use (or each other cut) gained, in their order, in bytes.
    fn gains(&self, first_uses: bool) -> Vec<f64> {
        let of = self.events.iter().filter(|event| event.first_use == first_uses);
        of.map(|event| event.gain).collect()
    }

    /// Whether the last third of them still gains, not much less than they usually do.
    pub fn goes_on(&self, first_uses: bool, k: &Constants) -> bool {
        let gains = self.gains(first_uses);
        let last = stats::mean(&gains[gains.len() - gains.len().div_ceil(LEAST_EVENTS)..]);
        last.is_some_and(|last| last > k.goes_on * self.without_largest(first_uses))
    }

    /// The mean gain per event without the two largest, in bytes: two large gains do not make a rate.
    pub fn without_largest(&self, first_uses: bool) -> f64 {
        let mut gains = self.gains(first_uses);
        gains.sort_by(f64::total_cmp);
        let kept = gains.len().saturating_sub(LEAST_EVENTS - 1);
        stats::mean(&gains[..kept]).unwrap_or_default()
    }
}

/// The gains in each phase around a cut, for stretches of this many frames.
fn row(
    envelope: &Envelope,
    cuts: &[(u64, f64)],
    place: usize,
    part: (f64, f64),
    frames: f64,
    k: &Constants,
) -> Row {
    let (at, width) = (cuts[place].1, frames / k.phases);
    let before = place.checked_sub(1).map_or(part.0, |last| (at + cuts[last].1) / 2.0);
    let after = cuts.get(place + 1).map_or(part.1, |next| (at + next.1) / 2.0);
    let border = |phase: usize| at + width * (phase as f64 - k.phases / 2.0);
    let gain = |phase: usize| {
        let (begin, end) = (border(phase), border(phase + 1));
        let is_near = begin >= before - width / 2.0 && end <= after + width / 2.0;
        if is_near { envelope.at(end) - envelope.at(begin) } else { f64::NAN }
    };
    (0..k.phases as usize).map(gain).collect()
}

/// The mean of each phase over the stretches that have it, without a share of them at each end.
fn phases(rows: &[&Row], trimmed: f64, count: usize) -> Vec<f64> {
    let mut column = Vec::with_capacity(rows.len());
    let mean = |phase: usize| {
        column.clear();
        column.extend(rows.iter().map(|row| row[phase]).filter(|gain| !gain.is_nan()));
        let cut = stats::cut_at_each_end(column.len(), trimmed);
        let kept = column.len() - 2 * cut;
        if cut > 0 {
            column.select_nth_unstable_by(cut, f64::total_cmp);
            column[cut..].select_nth_unstable_by(kept - 1, f64::total_cmp);
        }
        stats::mean(&column[cut..cut + kept]).unwrap_or_default()
    };
    (0..count).map(mean).collect()
}

/// The places of the phases that gain least, half of them.
fn quiet_places(phases: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..phases.len()).collect();
    places.sort_by(|&a, &b| phases[a].total_cmp(&phases[b]));
    places.truncate(phases.len() / 2);
    places
}

fn quieter_half(phases: &[f64]) -> f64 {
    let quiet: Vec<_> = quiet_places(phases).into_iter().map(|place| phases[place]).collect();
    stats::mean(&quiet).unwrap_or_default()
}

/// The share that is gained at cuts, of what an index is not expected to take.
fn share_of(phases: &[f64], expected: f64) -> f64 {
    let quiet = quieter_half(phases);
    let beyond = |gain: f64| gain - quiet.min(expected);
    let total = phases.iter().map(|&gain| beyond(gain)).sum::<f64>();
    if total < 1.0 { 1.0 } else { 1.0 - beyond(quiet) * phases.len() as f64 / total }
}

fn share(rows: &[Row], phases_kept: &[f64], trimmed: f64, expected: f64) -> Interval {
    let mut random = Random::seeded(1);
    let mut draw = || {
        let place = |_| &rows[random.below(rows.len())];
        let drawn: Vec<&Row> = (0..rows.len()).map(place).collect();
        share_of(&phases(&drawn, trimmed, phases_kept.len()), expected)
    };
    let mut drawn: Vec<f64> = (0..DRAWS).map(|_| draw()).collect();
    drawn.sort_by(f64::total_cmp);
    let estimate = share_of(phases_kept, expected);
    let at = |p: f64| stats::quantile(&drawn, p).unwrap_or(estimate);
    Interval { low: at(0.025).min(estimate), estimate, high: at(0.975).max(estimate) }
}

/// Whether rises lie at one place from cut to cut: no more than one in twenty of as many stretches, each turned by
/// chance, gather as much in so few neighbouring phases (a permutation test). A few rises anywhere leave most phases
/// empty, too.
fn is_aligned(rows: &[Row], count: usize, k: &Constants) -> bool {
    let near = (k.alike * count as f64).round() as usize;
    let gathered = |turn: &mut dyn FnMut() -> usize| {
        let mut sums = vec![0.0; count];
        for row in rows {
            let by = turn();
            let gains = row.iter().enumerate().filter(|(_, gain)| !gain.is_nan());
            gains.for_each(|(phase, gain)| sums[(phase + by) % count] += gain);
        }
        let around = |from: usize| (from..from + near).map(|phase| sums[phase % count]).sum::<f64>();
        (0..count).map(around).fold(0.0, f64::max)
    };
    let found = gathered(&mut || 0);
    let mut random = Random::seeded(2);
    let mut turn = || random.below(count);
    let as_much = (0..DRAWS).filter(|_| gathered(&mut turn) >= found).count();
    20 * as_much <= DRAWS
}

/// Whether what stretches gain in their quiet phases is about the same in most, and enough to be called growth.
fn is_even(sums: &[f64], terms: &Terms, k: &Constants) -> bool {
    let gain = stats::median(sums).unwrap_or_default() * sums.len() as f64;
    stats::scatter(sums) <= k.even && gain > k.least_gain + terms.noise
}

/// How many phases after a cut the middle of what is gained at it lies; below zero before it.
fn offset(phases: &[f64]) -> f64 {
    let (count, between) = (phases.len() as f64, quieter_half(phases));
    let angle = |phase: usize| std::f64::consts::TAU * ((phase as f64 + 0.5) / count - 0.5);
    let beyond = |phase: usize| (phases[phase] - between).max(0.0);
    let sum =
        |of: fn(f64) -> f64| (0..phases.len()).map(|phase| beyond(phase) * of(angle(phase))).sum::<f64>();
    sum(f64::sin).atan2(sum(f64::cos)) / std::f64::consts::TAU * count
}

/// What each cut gained: around it, where what is gained at cuts lies `offset` steps after them.
fn events(
    envelope: &Envelope,
    cuts: &[(u64, f64)],
    part: (f64, f64),
    offset: f64,
    context: &RunContext,
) -> Vec<GainAtCut> {
    let middles = cuts.windows(2).map(|pair| (pair[0].1 + pair[1].1) / 2.0 + offset);
    let inside = middles.map(|at| at.clamp(part.0, part.1));
    let borders: Vec<f64> = std::iter::once(part.0).chain(inside).chain([part.1]).collect();
    let event = |(between, (frame, _)): (&[f64], &(u64, f64))| GainAtCut {
        first_use: context.first_uses.binary_search(frame).is_ok(),
        gain: envelope.at(between[1]) - envelope.at(between[0]),
        steps: between[1] - between[0],
    };
    borders.windows(2).zip(cuts).map(event).collect()
}
