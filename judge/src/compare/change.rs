//! How one figure changes between two sets of repeats, and what it takes to know.

use schemars::JsonSchema;
use serde::Serialize;

use crate::budget::{Figure, Scale};
use crate::stats::{Centre, Interval, cut_at_each_end};

/// How sure an interval is.
pub const CONFIDENCE: f64 = 0.95;
/// Repeats on each side that an interval takes: two agree by chance too easily.
pub const LEAST_REPEATS: usize = 3;
/// More repeats than this nobody makes.
const MOST_REPEATS: usize = 100;
/// The share of the repeats that is cut off at each end: one of eight and more.
const TRIM: f64 = 0.125;

/// The repeats of one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    figure: Figure,
    /// What a typical repeat measured, on the figure's scale.
    pub middle: f64,
    /// The same with its error, which is that of the least spread at least; `None` of one repeat.
    pub centre: Option<Centre>,
    /// Repeats that measured it.
    pub repeats: usize,
}

impl Side {
    /// `None` without repeats, and of a ratio when a number is not above zero.
    pub fn of(figure: Figure, numbers: &[f64]) -> Option<Side> {
        let numbers: Vec<f64> =
            numbers.iter().map(|&number| figure.onto_scale(number)).collect::<Option<_>>()?;
        let least = figure.least_spread() / (numbers.len() as f64).sqrt();
        let centre = Centre::trimmed_mean(&numbers, TRIM);
        let centre = centre.map(|centre| Centre { error: centre.error.max(least), ..centre });
        let middle = centre.map(|centre| centre.value).or(numbers.first().copied())?;
        Some(Side { figure, middle, centre, repeats: numbers.len() })
    }

    /// What a typical repeat measured, in the figure's unit; of a ratio the geometric mean.
    pub fn value(&self) -> f64 {
        self.figure.off_scale(self.middle)
    }

    /// What it would be with so many repeats that scatter as these do.
    fn with(&self, repeats: usize) -> Option<Centre> {
        let left = repeats - 2 * cut_at_each_end(repeats, TRIM);
        let error = self.centre?.error * (self.repeats as f64 / repeats as f64).sqrt();
        Some(Centre { value: self.middle, error, freedom: (left - 1) as f64 })
    }
}

/// Whether there is more of something on side `b` than on side `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
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

/// How a figure changes from side `a` to side `b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Which.
    pub figure: Figure,
    /// The side that is compared with.
    pub a: Side,
    /// The side that is compared.
    pub b: Side,
}

impl Change {
    /// How a figure changes between these repeats, in the figure's unit.
    ///
    /// `None` when a side is empty, or of a ratio when a number is not above zero.
    pub fn of(figure: Figure, [a, b]: [&[f64]; 2]) -> Option<Change> {
        Some(Change { figure, a: Side::of(figure, a)?, b: Side::of(figure, b)? })
    }

    /// b − a on the scale, where no change is zero.
    pub fn effect(&self) -> f64 {
        self.b.middle - self.a.middle
    }

    /// The same with its error and Welch's degrees of freedom; `None` when a side has fewer than three repeats.
    pub fn difference(&self) -> Option<Centre> {
        let enough = self.a.repeats.min(self.b.repeats) >= LEAST_REPEATS;
        Some(self.b.centre?.minus(self.a.centre?)).filter(|_| enough)
    }

    /// b − a in the figure's unit, or b / a, as [`Figure::scale`] says.
    pub fn estimate(&self) -> f64 {
        self.figure.off_scale(self.effect())
    }

    /// The estimate with its 95 % interval.
    pub fn interval(&self) -> Option<Interval> {
        let Interval { low, estimate, high } = self.difference()?.interval(CONFIDENCE);
        let [low, estimate, high] = [low, estimate, high].map(|end| self.figure.off_scale(end));
        Some(Interval { low, estimate, high })
    }

    /// Up to here it counts as the same, either way: a difference in the figure's unit, or a factor above one.
    pub fn tolerance(&self) -> f64 {
        self.figure.off_scale(self.same())
    }

    /// The same on the scale.
    fn same(&self) -> f64 {
        let same = self.figure.same();
        match self.figure.scale() {
            Scale::Difference => same.at(self.a.value()),
            Scale::Ratio => same.share.ln_1p(),
        }
    }

    /// Whether there is more of it on side `b`, less, or the same. An interval that excludes no change and
    /// yet lies within what counts as the same is the same.
    pub fn finding(&self) -> Finding {
        self.difference().map_or(Finding::Open, |difference| self.shown_by(difference))
    }

    fn shown_by(&self, difference: Centre) -> Finding {
        let (Interval { low, high, .. }, same) = (difference.interval(CONFIDENCE), self.same());
        match () {
            () if low >= -same && high <= same => Finding::Same,
            () if low > 0.0 => Finding::More,
            () if high < 0.0 => Finding::Less,
            () => Finding::Open,
        }
    }

    /// Repeats on each side that would tell more, less and the same apart; `None` when they are, or when it takes
    /// more than a hundred.
    pub fn needs(&self) -> Option<usize> {
        let is_open = self.finding() == Finding::Open;
        is_open.then(|| self.repeats_until(|difference| self.shown_by(difference) != Finding::Open))?
    }

    /// Repeats on each side with which a difference settles a question that is open, if its estimate and the spread
    /// of each side stay as they are; `None` when it takes more than a hundred.
    ///
    /// They may not stay: a jump among three repeats asks for dozens, and among eight it is cut off. So make some of
    /// them, and ask again.
    pub fn repeats_until(&self, is_settled: impl Fn(Centre) -> bool) -> Option<usize> {
        if self.difference().is_none() {
            return Some(LEAST_REPEATS);
        }
        let with = |each: usize| Some(self.b.with(each)?.minus(self.a.with(each)?));
        // The interval gets narrower with every repeat, but at eight hardly: of these the first are cut off.
        let mut open_with = self.a.repeats.max(self.b.repeats);
        let mut settled_with = MOST_REPEATS + 1;
        while settled_with - open_with > 1 {
            let each = open_with.midpoint(settled_with);
            *(if with(each).is_some_and(&is_settled) { &mut settled_with } else { &mut open_with }) = each;
        }
        (settled_with <= MOST_REPEATS).then_some(settled_with)
    }
}
