//! The slope through points that jump now and then.

use std::collections::BTreeMap;

use crate::stats::{self, Interval};

/// 1.96: the 97.5 % quantile of the normal distribution.
const NORMAL: f64 = 1.959_963_984_540_054;

/// Points of one or more strata; each stratum has a level of its own, all have one slope.
pub struct Cloud {
    strata: Vec<Vec<(f64, f64)>>,
}

impl Cloud {
    /// The strata of these points (stratum, x, y) in which x varies; `None` when there are none.
    pub fn of<S: Ord>(points: impl Iterator<Item = (S, f64, f64)>) -> Option<Cloud> {
        let mut strata: BTreeMap<S, Vec<(f64, f64)>> = BTreeMap::new();
        points.for_each(|(stratum, x, y)| strata.entry(stratum).or_default().push((x, y)));
        let varied = |points: &Vec<(f64, f64)>| points.iter().any(|point| point.0 != points[0].0);
        let strata: Vec<_> = strata.into_values().filter(varied).collect();
        (!strata.is_empty()).then_some(Cloud { strata })
    }

    /// Points in all.
    pub fn len(&self) -> usize {
        self.strata.iter().map(Vec::len).sum()
    }

    /// The least number of points that share a stratum and an x.
    pub fn least_repeats(&self) -> usize {
        let repeats = |points: &Vec<(f64, f64)>| {
            let of = |x: f64| points.iter().filter(|point| point.0 == x).count();
            points.iter().map(|point| of(point.0)).min().unwrap_or(0)
        };
        self.strata.iter().map(repeats).min().unwrap_or(0)
    }

    /// The slope and its 95 % interval: the median of all pairwise slopes within the strata (Theil, 1950; Sen,
    /// 1968), and the order statistics of theirs that Kendall's S with ties in x bounds, summed over the strata
    /// (Hirsch, Slack and Smith, 1982).
    ///
    /// It takes a third of the points to move it, so that a run which jumps moves it little. With three points
    /// at each of two x the interval is the range of all pairwise slopes, which covers in 90 %.
    pub fn slope(&self) -> Option<Interval> {
        let mut slopes: Vec<f64> = self.strata.iter().flat_map(|points| pairwise(points)).collect();
        slopes.sort_by(f64::total_cmp);
        let estimate = stats::median(&slopes)?;
        let variance: f64 = self.strata.iter().map(|points| kendall_variance(points)).sum();
        let reach = NORMAL * variance.sqrt();
        let outside = ((slopes.len() as f64 - reach) / 2.0).floor().max(0.0) as usize;
        let outside = outside.min(slopes.len().saturating_sub(1) / 2);
        Some(Interval { estimate, low: slopes[outside], high: slopes[slopes.len() - 1 - outside] })
    }
}

fn pairwise(points: &[(f64, f64)]) -> Vec<f64> {
    let pairs =
        points.iter().enumerate().flat_map(|(index, a)| points[index + 1..].iter().map(move |b| (a, b)));
    pairs.filter(|(a, b)| a.0 != b.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect()
}

/// The variance of Kendall's S without any trend: n(n−1)(2n+5)/18, less the same of the points that share an x.
fn kendall_variance(points: &[(f64, f64)]) -> f64 {
    let term = |n: usize| (n * n.saturating_sub(1) * (2 * n + 5)) as f64;
    let mut xs: Vec<f64> = points.iter().map(|point| point.0).collect();
    xs.sort_by(f64::total_cmp);
    let ties: f64 = xs.chunk_by(|a, b| a == b).map(|tie| term(tie.len())).sum();
    (term(points.len()) - ties) / 18.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_found_through_levels_of_their_own() {
        let points = (0..12).map(|index| {
            let (stratum, x) = (index % 2, f64::from(index / 4));
            (stratum, x, 100.0 * f64::from(stratum) + 7.0 * x)
        });
        let slope = Cloud::of(points).unwrap().slope().unwrap();
        assert_eq!((slope.low, slope.estimate, slope.high), (7.0, 7.0, 7.0));
    }

    #[test]
    fn one_run_that_jumps_moves_neither_estimate_nor_lower_end() {
        let points =
            (0..9).map(|index| ((), f64::from(index / 3), 5.0 * f64::from(index / 3) + f64::from(index % 3)));
        let jumped = points.map(|(s, x, y)| (s, x, if x == 2.0 && y == 10.0 { 1e6 } else { y }));
        let slope = Cloud::of(jumped).unwrap().slope().unwrap();
        assert!((4.0..=6.0).contains(&slope.estimate) && slope.low > 3.0, "{slope:?}");
    }

    #[test]
    fn three_points_at_each_of_two_x_give_the_whole_range() {
        let points = [(0.0, 1.0), (0.0, 2.0), (0.0, 3.0), (1.0, 4.0), (1.0, 5.0), (1.0, 9.0)];
        let slope = Cloud::of(points.into_iter().map(|(x, y)| ((), x, y))).unwrap().slope().unwrap();
        assert_eq!((slope.low, slope.high), (1.0, 8.0));
    }
}
