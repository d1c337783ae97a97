//! Two sets of repeats against each other: threaded against single, engine against engine, before against
//! after. Comparisons in reports and checks all ask here: the same repeats have one estimate and one interval.
//!
//! **The question** is what a typical repeat of `b` takes more than a typical one of `a`, and how far off
//! that may be, from three to ten repeats of each.
//!
//! **The method** is Yuen's: means of what is left when an eighth of the repeats, rounded down, is cut off at
//! each end, with Welch's degrees of freedom. Below eight repeats nothing is cut off, and it is Welch's t. Speed and
//! CPU time are compared by their logarithms. Each side's standard deviation is taken to be 256 KiB, 128 B per
//! frame or 1.25 % at least ([`crate::budget::Figure::least_spread`]), because memory repeats to the byte, and an
//! interval without width would be a lie about the next repeat.
//!
//! **Why an eighth?** Of 40,000 simulated comparisons each, the 95 % interval holds the true difference in so many
//! per cent, with 3, 4, 5 and 8 repeats (`cargo test -p memreel-judge --lib compare::tests -- --nocapture` simulates a tenth as many, of
//! an eighth). A jump is one of 10–50 MiB in one of eleven repeats, as melt makes them.
//!
//! | repeats | nothing cut off | an eighth | a fifth |
//! | --- | --- | --- | --- |
//! | normal | 96.4, 95.9, 95.6, 95.1 | 96.4, 95.9, 95.6, 95.3 | 96.4, 95.9, 95.8, 95.3 |
//! | with jumps | 98.0, 97.9, 98.1, 98.2 | 98.0, 97.9, 98.1, 97.1 | 98.0, 97.9, 96.7, 97.1 |
//! | with jumps on one side | 97.0, 96.8, 96.8, 96.6 | 97.0, 96.8, 96.8, 95.8 | 97.0, 96.8, 95.8, 95.8 |
//! | ten times the scatter on one side | 94.3, 94.9, 94.6, 95.0 | 94.3, 94.9, 94.6, 94.5 | 94.3, 94.9, 92.8, 94.5 |
//! | on either of two levels | 96.8, 97.7, 97.2, 94.5 | 96.8, 97.7, 97.2, 95.7 | 96.8, 97.7, 92.5, 95.7 |
//!
//! Of five repeats a fifth leaves three, which know their spread badly. The interval of normal ones is wider by a third,
//! and the same checks of real exports (`make rates`) find 5 % more of a peak in 881 of 1,000 where an eighth finds it in
//! all, and fail 71 of 10,000 times where nothing changed, and not 5. With nothing cut off, eight repeats that scatter
//! by a MiB and jump are known to ±9.5 MiB, and not ±1.4; and of the least change that a check says it could find, ten
//! repeats of melt find it in 884 of 1,000, and not 954.
//!
//! **Why not** the shift of Hodges and Lehmann, with the exact interval of Mann and Whitney's test? With
//! three repeats against three, all of their nine differences together cover 90 % and not 95 (1 − 2/20;
//! four against four 97.1 %, five against five 96.8 %). It supposes spreads that are alike, and they are
//! not: of one side that repeats to the byte and another that does not, seven repeats cover 87 %. And at
//! five repeats it is as wide as the largest jump, like any method that supposes nothing of the numbers.
//!
//! **Limits.** A jump among fewer than eight repeats makes the interval very wide. It says nothing of what is too rare
//! for so few repeats: what jumps once in eleven times is in most sets of three not at all, and the mean over many
//! repeats is not what is told. Repeats of a side that ran one after the other on a machine that got warmer are not
//! independent; interleave them. Each interval is right 95 times in 100 by itself: of twenty comparisons of equals one
//! is called a difference.

mod change;
mod figures;
mod pairs;
mod rates;
#[cfg(test)]
mod tests;

pub use change::{CONFIDENCE, Change, Finding, LEAST_REPEATS, Side};
pub use figures::{alike, figures};
pub use pairs::{MOST_PAIRS, Pair, pairs};
pub use rates::RateChange;

use crate::budget::{Figure, Figures};

/// What changes from one set of repeats to another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// What was measured on both sides, in the order of [`Figure::ALL`].
    pub changes: Vec<Change>,
}

/// Sets the repeats of `b` against those of `a`, each figure by itself.
///
/// A repeat that did not measure a figure does not count for it; a figure that no repeat of a side measured is left
/// out, and so is a ratio to what is not above zero.
pub fn compare(a: &[Figures], b: &[Figures]) -> Comparison {
    let change = |figure| {
        let [a, b] = alike(figure, [a, b]);
        Change::of(figure, [&a, &b])
    };
    Comparison { changes: Figure::ALL.into_iter().filter_map(change).collect() }
}

impl Comparison {
    /// How a figure changes; `None` when it was not measured on both sides.
    pub fn of(&self, figure: Figure) -> Option<&Change> {
        self.changes.iter().find(|change| change.figure == figure)
    }

    /// How many repeats each side needs so that this is settled as far as repeats can: the most that any
    /// open one of these figures needs. `None` when none of them is open for want of repeats.
    pub fn needs_repeats(&self, figures: &[Figure]) -> Option<usize> {
        figures.iter().filter_map(|figure| self.of(*figure)?.needs()).max()
    }
}
