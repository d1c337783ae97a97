//! How often something goes wrong on one side and on the other.

use super::change::Finding;
use crate::stats::{Interval, Proportion, newcombe_interval};

/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;
/// Exports of each side that a finding takes. Of two against two, 2 of 2 against 0 of 2 would be a difference by
/// its interval, and comes about in 12.5 % of all cases by chance.
const FEWEST: u64 = 3;

/// A share of exports on both sides.
///
/// Of sides that fail equally often, both of 3 to 30 exports, at most 9.3 % are called different (6 against 7
/// exports, of which half fail; 5.3 % of 20 against 20), by adding up all cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateChange {
    /// The side that is compared with.
    pub a: Proportion,
    /// The side that is compared.
    pub b: Proportion,
    /// b − a, from −1 to 1, with its 95 % interval.
    pub difference: Interval,
}

impl RateChange {
    /// From `a` to `b`.
    pub fn of(a: Proportion, b: Proportion) -> RateChange {
        RateChange { a, b, difference: newcombe_interval(a, b, CONFIDENCE) }
    }

    /// Whether there are exports enough for a finding.
    pub fn is_told(&self) -> bool {
        self.a.of().min(self.b.of()) >= FEWEST
    }

    /// Whether it happens more or less often on side `b`; never that it is the same.
    pub fn finding(&self) -> Finding {
        match () {
            () if self.is_told() && self.difference.low > 0.0 => Finding::More,
            () if self.is_told() && self.difference.high < 0.0 => Finding::Less,
            () => Finding::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(a: (u64, u64), b: (u64, u64)) -> Finding {
        let side = |(hits, of)| Proportion::new(hits, of).unwrap();
        RateChange::of(side(a), side(b)).finding()
    }

    #[test]
    fn three_crashes_of_twenty_are_too_few_to_tell_from_none_and_five_are_not() {
        assert_eq!(finding((0, 20), (3, 20)), Finding::Open);
        assert_eq!(finding((0, 20), (5, 20)), Finding::More);
        assert_eq!(finding((5, 20), (0, 20)), Finding::Less);
    }

    #[test]
    fn two_exports_of_a_side_tell_nothing_however_they_end() {
        assert_eq!((finding((0, 2), (2, 2)), finding((0, 3), (3, 3))), (Finding::Open, Finding::More));
    }

    #[test]
    fn sides_that_fail_equally_often_are_seldom_called_different() {
        let worst = |a: u64, b: u64| (1..100).map(|share| called_different(a, b, share)).fold(0.0, f64::max);
        assert!((0.091..0.093).contains(&worst(6, 7)), "{}", worst(6, 7));
        assert!((0.052..0.054).contains(&worst(20, 20)), "{}", worst(20, 20));
        for (a, b) in [(3, 3), (3, 20), (5, 5), (10, 10), (10, 20)] {
            assert!(worst(a, b) < 0.08, "{a} against {b}: {}", worst(a, b));
        }
    }

    /// The chance of a finding where both fail in so many per cent.
    fn called_different(a: u64, b: u64, percent: u32) -> f64 {
        let share = f64::from(percent) / 100.0;
        let cases = (0..=a).flat_map(|of_a| (0..=b).map(move |of_b| (of_a, of_b)));
        let differ = cases.filter(|&(of_a, of_b)| finding((of_a, a), (of_b, b)) != Finding::Open);
        differ.map(|(of_a, of_b)| chance(a, of_a, share) * chance(b, of_b, share)).sum()
    }

    fn chance(of: u64, hits: u64, share: f64) -> f64 {
        let ways: f64 = (0..hits).map(|hit| (of - hit) as f64 / (hit + 1) as f64).product();
        ways * share.powi(hits as i32) * (1.0 - share).powi((of - hits) as i32)
    }
}
