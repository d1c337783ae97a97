//! How one quantity changes between two sets of repeats, and what it takes to know.

use super::quantity::{Quantity, Scale};
use crate::stats::{self, Centre, Interval};

/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;
/// What a quantity needs whose spread is not known: two repeats know it hardly at all.
const FEWEST_REPEATS: usize = 3;
/// More repeats than this nobody makes.
const MOST_REPEATS: usize = 100;

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// What a typical repeat measured, in the quantity's unit; of a ratio the geometric mean.
    pub value: f64,
    /// Its 95 % interval. `None` of one repeat; but of growth the run's own.
    pub interval: Option<Interval>,
    /// Repeats that measured it.
    pub repeats: usize,
}

/// Whether there is more of something on side `b` than on side `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// More: the whole interval lies above no change.
    More,
    /// Less: the whole interval lies below no change.
    Less,
    /// The same: the whole interval lies within what counts as the same.
    Same,
    /// The interval allows more than one of these, or there is none.
    Open,
}

/// What it takes to settle an open question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// So many repeats on each side, those that there are included.
    Repeats(usize),
    /// More repeats on each side than a hundred: a quieter machine, or a larger effect.
    TooManyRepeats,
    /// Longer exports: each run by itself is too unsure of its growth, however often it is repeated.
    LongerRuns,
}

/// How a quantity changes from side `a` to side `b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Which.
    pub quantity: Quantity,
    /// The side that is compared with.
    pub a: Side,
    /// The side that is compared.
    pub b: Side,
    /// b − a in the quantity's unit, or b / a, as [`Quantity::scale`] says.
    pub estimate: f64,
    /// Its 95 % interval, from the repeats; `None` when a side has only one.
    pub interval: Option<Interval>,
    /// Up to here it counts as the same: a difference in the quantity's unit, or a factor above one.
    pub tolerance: f64,
    /// The centre of each side, on the scale; `None` when a side has only one repeat.
    centres: Option<[Centre; 2]>,
    /// Half the interval that the runs leave by themselves, on the scale; zero where they are exact.
    own_half_width: f64,
}

/// Numbers on the scale of a quantity, and what is known of them.
struct Scaled {
    quantity: Quantity,
    numbers: Vec<f64>,
    /// Half the width of the interval that a repeat leaves by itself.
    own_half_width: f64,
}

impl Scaled {
    fn of(quantity: Quantity, numbers: &[f64], own_half_width: Option<f64>) -> Option<Scaled> {
        let numbers = numbers.iter().map(|&number| quantity.scale().onto(number)).collect::<Option<_>>()?;
        Some(Scaled { quantity, numbers, own_half_width: own_half_width.unwrap_or(0.0) })
    }

    /// What a typical repeat gave; `None` without any.
    fn typical(&self) -> Option<f64> {
        let centre = Centre::trimmed_mean(&self.numbers, self.quantity.trim());
        centre.map(|centre| centre.value).or(self.numbers.first().copied())
    }

    /// The same with its error, which is that of the least spread at least; `None` of one repeat.
    fn centre(&self) -> Option<Centre> {
        let centre = Centre::trimmed_mean(&self.numbers, self.quantity.trim())?;
        let least = self.quantity.least_spread() / (self.numbers.len() as f64).sqrt();
        Some(Centre { error: centre.error.max(least), ..centre })
    }

    fn side(&self) -> Option<Side> {
        let (value, scale) = (self.typical()?, self.quantity.scale());
        let among_repeats = self.centre().map(|centre| centre.interval(CONFIDENCE));
        let of_one = Interval { estimate: value, low: value, high: value };
        let interval = among_repeats.or((self.own_half_width > 0.0).then_some(of_one));
        Some(Side {
            value: scale.back(value),
            interval: interval.map(|found| in_unit(scale, widened(found, self.own_half_width))),
            repeats: self.numbers.len(),
        })
    }
}

impl Change {
    /// How a quantity changes between the numbers of `a` and of `b`, in the quantity's unit; `own` is how far
    /// off a repeat of each is by itself.
    ///
    /// `None` when a side is empty, or of a ratio when a number is not above zero.
    pub(super) fn of(quantity: Quantity, sides: [&[f64]; 2], own: [Option<f64>; 2]) -> Option<Change> {
        let a = Scaled::of(quantity, sides[0], own[0])?;
        let b = Scaled::of(quantity, sides[1], own[1])?;
        let (from, scale) = (a.typical()?, quantity.scale());
        let centres = a.centre().zip(b.centre());
        let own_half_width = a.own_half_width.hypot(b.own_half_width);
        let interval = centres.map(|(a, b)| stats::welch_interval(a, b, CONFIDENCE));
        Some(Change {
            quantity,
            a: a.side()?,
            b: b.side()?,
            estimate: scale.back(b.typical()? - from),
            interval: interval.map(|found| in_unit(scale, widened(found, own_half_width))),
            tolerance: scale.back(quantity.tolerance(from)),
            centres: centres.map(|(a, b)| [a, b]),
            own_half_width,
        })
    }

    /// The number after ±: half the interval's width in the quantity's unit. Of a ratio how much larger or
    /// smaller it may be, as a share: 0.06 is from a 1.06th of it to 1.06 times as much.
    ///
    /// `None` without an interval.
    pub fn half_width(&self) -> Option<f64> {
        self.reach().map(|reach| self.shown(reach))
    }

    /// The half-width with which the question would be settled for this estimate, as [`Change::half_width`]
    /// gives it: to exclude no change, or to lie within what counts as the same, whichever takes less.
    pub fn wanted_half_width(&self) -> f64 {
        self.shown(self.wanted())
    }

    /// Whether there is more of it on side `b`, less, or the same. An interval that excludes no change and
    /// yet lies within what counts as the same is the same.
    pub fn finding(&self) -> Finding {
        let effect = self.effect();
        let ends = self.reach().map(|reach| (effect - reach, effect + reach));
        finding(ends, self.same())
    }

    /// What it takes to settle an open question; `None` when it is not open.
    ///
    /// The repeats are those with which the half-width would come down to the wanted one if the estimate
    /// and the spread of each side stayed as they are. They may not: a jump among three repeats asks for
    /// dozens, and among five it is cut off. So make some of them, and ask again.
    pub fn needs(&self) -> Option<Needs> {
        if self.finding() != Finding::Open {
            return None;
        }
        let Some(centres) = self.centres else { return Some(Needs::Repeats(FEWEST_REPEATS)) };
        if self.own_half_width > self.wanted() {
            return Some(Needs::LongerRuns);
        }
        let least = FEWEST_REPEATS.max(self.a.repeats.max(self.b.repeats) + 1);
        let settles = |&each: &usize| self.reach_with(each, centres) <= self.wanted();
        Some((least..=MOST_REPEATS).find(settles).map_or(Needs::TooManyRepeats, Needs::Repeats))
    }

    /// The estimate on the scale, where no change is zero.
    fn effect(&self) -> f64 {
        self.quantity.scale().onto(self.estimate).unwrap_or(0.0)
    }

    /// Half the interval's width on the scale.
    fn reach(&self) -> Option<f64> {
        let scale = self.quantity.scale();
        self.interval.and_then(|found| Some((scale.onto(found.high)? - scale.onto(found.low)?) / 2.0))
    }

    /// What counts as the same, on the scale.
    fn same(&self) -> f64 {
        self.quantity.scale().onto(self.tolerance).unwrap_or(0.0)
    }

    /// The half-width that settles it, on the scale.
    fn wanted(&self) -> f64 {
        let effect = self.effect().abs();
        effect.max(self.same() - effect)
    }

    /// A half-width on the scale, as it is shown.
    fn shown(&self, reach: f64) -> f64 {
        match self.quantity.scale() {
            Scale::Difference => reach,
            Scale::Ratio => reach.exp_m1(),
        }
    }

    /// The half-width on the scale with so many repeats on each side, if their spreads are as they are now.
    fn reach_with(&self, each: usize, [a, b]: [Centre; 2]) -> f64 {
        let left = each - 2 * stats::cut_at_each_end(each, self.quantity.trim());
        let with = |centre: Centre, repeats: usize| Centre {
            error: centre.error * (repeats as f64 / each as f64).sqrt(),
            freedom: (left - 1) as f64,
            ..centre
        };
        let found = stats::welch_interval(with(a, self.a.repeats), with(b, self.b.repeats), CONFIDENCE);
        (found.high - found.low) / 2.0
    }
}

impl Side {
    /// Whether memory grows with the frames, of a side of [`Quantity::Growth`].
    pub(super) fn growing(self) -> Finding {
        let ends = self.interval.map(|interval| (interval.low, interval.high));
        finding(ends, Quantity::Growth.tolerance(0.0))
    }
}

/// What an interval on the scale shows, given what counts as the same.
fn finding(ends: Option<(f64, f64)>, same: f64) -> Finding {
    match ends {
        Some((low, high)) if low >= -same && high <= same => Finding::Same,
        Some((low, _)) if low > 0.0 => Finding::More,
        Some((_, high)) if high < 0.0 => Finding::Less,
        _ => Finding::Open,
    }
}

/// An interval that reaches so far at least.
fn widened(interval: Interval, reach: f64) -> Interval {
    let Interval { estimate, low, high } = interval;
    Interval { estimate, low: low.min(estimate - reach), high: high.max(estimate + reach) }
}

fn in_unit(scale: Scale, interval: Interval) -> Interval {
    let [estimate, low, high] =
        [interval.estimate, interval.low, interval.high].map(|number| scale.back(number));
    Interval { estimate, low, high }
}
