//! Statistics: numbers in, numbers out. Nothing here knows what the numbers measure.

mod centre;
mod proportion;
pub mod random;

pub use centre::{Centre, cut_at_each_end};
pub use proportion::{Proportion, newcombe_interval};

use schemars::JsonSchema;
use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF, StudentsT};

/// The middle of the numbers; the mean of the two middle ones when their count is even.
///
/// `None` when there are none. Numbers must not be NaN.
pub fn median(numbers: &[f64]) -> Option<f64> {
    quantile(numbers, 0.5)
}

/// The quantile `p` (0 to 1), linear between order statistics: Hyndman and Fan's definition 7
/// ("Sample quantiles in statistical packages", 1996), the default of R and NumPy.
///
/// `None` when there are no numbers. Numbers must not be NaN.
///
/// ```
/// assert_eq!(memreel_judge::stats::quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
/// ```
pub fn quantile(numbers: &[f64], p: f64) -> Option<f64> {
    let mut numbers = numbers.to_vec();
    let place = p.clamp(0.0, 1.0) * numbers.len().checked_sub(1)? as f64;
    let (_, &mut below, larger) = numbers.select_nth_unstable_by(place.floor() as usize, f64::total_cmp);
    let above = larger.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
    Some(below + (above - below) * place.fract())
}

/// The mean, or `None` of nothing.
pub fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

/// The median absolute deviation: how far the numbers lie from their median, which a few wild ones do not move. `None`
/// of nothing. Numbers must not be NaN.
pub fn median_absolute_deviation(numbers: &[f64]) -> Option<f64> {
    let centre = median(numbers)?;
    median(&numbers.iter().map(|number| (number - centre).abs()).collect::<Vec<_>>())
}

/// The median absolute deviation as a share of the median: how uneven the numbers are.
pub fn scatter(numbers: &[f64]) -> f64 {
    let deviation = median_absolute_deviation(numbers).unwrap_or_default();
    deviation / median(numbers).unwrap_or_default().max(f64::MIN_POSITIVE)
}

/// The standard deviation of a sample (divided by n − 1), or `None` of fewer than two numbers.
pub fn standard_deviation(numbers: &[f64]) -> Option<f64> {
    let centre = mean(numbers).filter(|_| numbers.len() > 1)?;
    let squares: f64 = numbers.iter().map(|number| (number - centre).powi(2)).sum();
    Some((squares / (numbers.len() - 1) as f64).sqrt())
}

/// An estimate and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Interval {
    /// The lower end of the interval.
    pub low: f64,
    /// The estimate.
    pub estimate: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// The mean with Student's confidence interval: mean ± t(1/2 + `confidence`/2, n − 1) · s / √n.
///
/// The interval assumes numbers that are independent and roughly normal. `None` of fewer than two.
pub fn mean_interval(numbers: &[f64], confidence: f64) -> Option<Interval> {
    let estimate = mean(numbers)?;
    let error = standard_deviation(numbers)? / (numbers.len() as f64).sqrt();
    let reach = student_t_quantile(0.5 + confidence / 2.0, (numbers.len() - 1) as f64)? * error;
    Some(Interval { estimate, low: estimate - reach, high: estimate + reach })
}

/// The quantile `p` of Student's t distribution; `None` without degrees of freedom. These need not be whole.
pub fn student_t_quantile(p: f64, degrees_of_freedom: f64) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
    Some(distribution.inverse_cdf(p))
}

/// The quantile `p` of the χ² distribution; `None` without degrees of freedom.
pub fn chi_squared_quantile(p: f64, degrees_of_freedom: f64) -> Option<f64> {
    let distribution = ChiSquared::new(degrees_of_freedom).ok()?;
    Some(distribution.inverse_cdf(p))
}

/// At each place the lowest of the levels from there on: it never falls.
pub fn future_minimum(levels: impl DoubleEndedIterator<Item = f64>) -> Vec<f64> {
    let mut lowest = f64::INFINITY;
    let mut minimum: Vec<f64> = levels
        .rev()
        .map(|level| {
            lowest = lowest.min(level);
            lowest
        })
        .collect();
    minimum.reverse();
    minimum
}

/// The largest fall from one of the levels to a later one; 0 where none falls.
pub fn largest_fall(levels: impl Iterator<Item = f64>) -> f64 {
    let mut highest = f64::NEG_INFINITY;
    levels.fold(0.0, |fall: f64, level| {
        highest = highest.max(level);
        fall.max(highest - level)
    })
}

/// The value at `x` on the straight lines between knots, which are sorted by `x`; before the first
/// and after the last knot, that knot's value. Where several knots share an `x`, the last counts.
///
/// `None` without knots.
pub fn interpolate(knots: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = knots.partition_point(|knot| knot.0 <= x);
    let Some(&(x1, y1)) = knots.get(after) else { return knots.last().map(|knot| knot.1) };
    let Some(&(x0, y0)) = after.checked_sub(1).map(|before| &knots[before]) else { return Some(y1) };
    Some(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn one_wild_number_does_not_move_the_median_absolute_deviation() {
        assert_eq!(median_absolute_deviation(&[1.0, 2.0, 4.0, 5.0, 1000.0]), Some(2.0));
        assert_eq!(median_absolute_deviation(&[]), None);
    }

    #[test]
    fn quantiles_agree_with_r() {
        let numbers = [3.0, 9.0, 1.0, 4.0, 7.0];
        assert!((quantile(&numbers, 0.1).unwrap() - 1.8).abs() < 1e-12);
        assert_eq!(quantile(&numbers, 1.0), Some(9.0));
    }

    #[test]
    fn student_t_agrees_with_the_printed_tables() {
        for (freedom, printed) in [(1.0, 12.706), (4.0, 2.776), (11.0, 2.201), (30.0, 2.042)] {
            let found = student_t_quantile(0.975, freedom).unwrap();
            assert!((found - printed).abs() < 5e-4, "{freedom}: {found}");
        }
        assert_eq!(student_t_quantile(0.975, 0.0), None);
    }

    #[test]
    fn chi_squared_agrees_with_the_printed_tables() {
        for (p, freedom, printed) in [(0.05, 4.0, 0.711), (0.95, 4.0, 9.488), (0.05, 9.0, 3.325)] {
            let found = chi_squared_quantile(p, freedom).unwrap();
            assert!((found - printed).abs() < 5e-4, "{freedom}: {found}");
        }
        assert_eq!(chi_squared_quantile(0.05, 0.0), None);
    }

    #[test]
    fn an_interval_needs_two_numbers_and_widens_with_their_scatter() {
        assert_eq!(mean_interval(&[5.0], 0.95), None);
        let found = mean_interval(&[4.0, 6.0], 0.95).unwrap();
        assert_eq!(found.estimate, 5.0);
        assert!((found.high - 17.706).abs() < 1e-3 && (found.low + 7.706).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn interpolation_holds_the_ends_and_takes_the_last_of_equal_knots() {
        let knots = [(1.0, 10.0), (3.0, 20.0), (3.0, 40.0), (4.0, 50.0)];
        assert_eq!(interpolate(&knots, 0.0), Some(10.0));
        assert_eq!(interpolate(&knots, 2.0), Some(15.0));
        assert_eq!(interpolate(&knots, 3.0), Some(40.0));
        assert_eq!(interpolate(&knots, 9.0), Some(50.0));
        assert_eq!(interpolate(&[], 1.0), None);
    }
}
