//! Two sets of repeats against each other: threaded against single, engine against engine, before against
//! after.
//!
//! **The question** is what a typical repeat of `b` takes more than a typical one of `a`, and how far off
//! that may be, from three to five repeats of each.
//!
//! **The method** for memory and growth is Yuen's: means of what is left when a fifth of the repeats,
//! rounded down, is cut off at each end, with Welch's degrees of freedom. Below five repeats nothing is cut
//! off and it is Welch's t. For speed and CPU time it is Welch's t on the logarithms. Each side's standard
//! deviation is taken to be 256 KiB, 128 B a frame or 1.2 % at least, because memory repeats to the byte,
//! and an interval without width would be a lie about the next repeat. Growth is known no better than its
//! runs know it by themselves: its interval is no narrower than the runs' own together.
//!
//! **Why not** the shift of Hodges and Lehmann, with the exact interval of Mann and Whitney's test? With
//! three repeats against three, all of their nine differences together cover 90 % and not 95 (1 − 2/20;
//! four against four 97.1 %, five against five 96.8 %). It supposes spreads that are alike, and they are
//! not: of one side that repeats to the byte and another that does not, seven repeats cover 87 %. And at
//! five repeats it is as wide as the largest jump, like any method that supposes nothing of the numbers.
//!
//! **What it covers**, of 20,000 simulated comparisons each, with 3, 4 and 5 repeats: of normal repeats 96.4,
//! 95.8 and 95.8 %; with a jump of 10–50 MiB in one of eleven repeats, as melt makes them, 98.0, 97.8 and
//! 96.7 %, on one side only 97.0, 96.7 and 95.9 %. The worst that was found are 92.7 %, with five repeats of
//! which one side scatters ten times as much as the other, and 92.6 %, with five that lie on either of two
//! levels. With two repeats it is 97.6 % of normal ones and 87 % of the latter. A jump among three or four
//! repeats makes the interval very wide. Among five it is cut off: where the rest scatters by a MiB half of
//! the intervals are then within ±2.4 MiB, and with Welch's t within ±11.5.
//!
//! **Limits.** It says nothing of what is too rare for so few repeats: what jumps once in eleven times is in
//! most sets of three not at all, and the mean over many repeats is not what is told. Repeats of a side that
//! ran one after the other on a machine that got warmer are not independent; interleave them. Each interval
//! is right 95 times in 100 by itself: of twenty comparisons of equals one is called a difference.

mod change;
mod pairs;
mod quantity;
mod rates;
#[cfg(test)]
mod tests;

pub use change::{Change, Finding, Needs, Side};
pub use pairs::{MOST_PAIRS, Pair, pairs};
pub use quantity::{Measure, Quantity, Scale};
pub use rates::RateChange;

use crate::stats;

/// What changes from one set of repeats to another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// What was measured on both sides, in the order of [`Quantity::ALL`].
    pub changes: Vec<Change>,
}

/// Sets the repeats of `b` against those of `a`, each quantity by itself.
///
/// A repeat that did not measure a quantity does not count for it; a quantity that no repeat of a side
/// measured is left out, and so is a ratio to what is not above zero.
pub fn compare(a: &[Measure], b: &[Measure]) -> Comparison {
    let of = |repeats: &[Measure], quantity: Quantity| -> Vec<f64> {
        repeats.iter().filter_map(|repeat| quantity.of(repeat)).collect()
    };
    let change = |quantity: &Quantity| {
        let own = match quantity {
            Quantity::Growth => [own_half_width(a), own_half_width(b)],
            _ => [None, None],
        };
        Change::of(*quantity, [&of(a, *quantity), &of(b, *quantity)], own)
    };
    Comparison { changes: Quantity::ALL.iter().filter_map(change).collect() }
}

/// How far off a typical repeat is in its growth, by itself.
fn own_half_width(repeats: &[Measure]) -> Option<f64> {
    let known: Vec<_> = repeats.iter().filter_map(|repeat| Some(repeat.growth_half_width?.0)).collect();
    stats::median(&known)
}

impl Comparison {
    /// How a quantity changes; `None` when it was not measured on both sides.
    pub fn of(&self, quantity: Quantity) -> Option<&Change> {
        self.changes.iter().find(|change| change.quantity == quantity)
    }

    /// Whether `b` takes more of it than `a`, less, or the same.
    pub fn finding(&self, quantity: Quantity) -> Option<Finding> {
        self.of(quantity).map(Change::finding)
    }

    /// Whether the sides differ in it; `None` when that is open or not measured.
    pub fn is_difference(&self, quantity: Quantity) -> Option<bool> {
        match self.finding(quantity)? {
            Finding::More | Finding::Less => Some(true),
            Finding::Same => Some(false),
            Finding::Open => None,
        }
    }

    /// Whether memory grows with the length, on side `a` and on side `b`: [`Finding::Same`] is no growth
    /// beyond half a KiB a frame, over the frames that were exported.
    ///
    /// `None` when growth was not measured on both sides.
    pub fn grows(&self) -> Option<[Finding; 2]> {
        self.of(Quantity::Growth).map(|change| [change.a, change.b].map(|side| side.growing()))
    }

    /// Whether neither side grows with the length; `None` when that is open or not measured.
    pub fn neither_grows(&self) -> Option<bool> {
        let sides = self.grows()?;
        let is_known = sides.iter().all(|side| *side != Finding::Open) || sides.contains(&Finding::More);
        is_known.then(|| !sides.contains(&Finding::More))
    }

    /// How many repeats each side needs so that this is settled as far as repeats can: the most that any
    /// open quantity of these needs. `None` when none of them is open for want of repeats.
    pub fn needs_repeats(&self, quantities: &[Quantity]) -> Option<usize> {
        let open = quantities.iter().filter_map(|quantity| self.of(*quantity)?.needs());
        open.filter_map(|needs| match needs {
            Needs::Repeats(each) => Some(each),
            Needs::TooManyRepeats | Needs::LongerRuns => None,
        })
        .max()
    }
}
