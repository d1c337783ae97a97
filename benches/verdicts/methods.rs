//! What people use to tell whether memory grows: lines through its levels, ranks, and the eye.

use memreel_judge::stats::{self, Interval};

/// 1.96: the 97.5 % quantile of the normal distribution.
const NORMAL: f64 = 1.959_963_984_540_054;
/// By the eye it grows where the last third is higher by so much than the first.
const SEEN: f64 = 1.10;
/// A last reading is higher than the first when it is by so much, in bytes.
const HIGHER: f64 = 1_048_576.0;

/// Whether memory grows with every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Grows,
    /// It does not.
    Rests,
    /// It cannot be told.
    Open,
}

/// The slope through points and its 95 % interval by least squares: independent normal errors of one variance.
pub fn least_squares(points: &[(f64, f64)]) -> Option<Interval> {
    let fit = Fit::of(points)?;
    let freedom = points.len() as f64 - 2.0;
    let squares: f64 = fit.residuals.iter().map(|(_, error)| error * error).sum();
    let reach = stats::student_t_quantile(0.975, freedom)? * (squares / freedom / fit.sxx).sqrt();
    Some(fit.within(reach))
}

/// The same with errors that may depend on each other: Newey and West ("A simple, positive semi-definite,
/// heteroskedasticity and autocorrelation consistent covariance matrix", 1987), ⌊4(n/100)^(2/9)⌋ lags.
pub fn newey_west(points: &[(f64, f64)]) -> Option<Interval> {
    let fit = Fit::of(points)?;
    let lags = (4.0 * (points.len() as f64 / 100.0).powf(2.0 / 9.0)) as usize;
    let scores: Vec<f64> = fit.residuals.iter().map(|(x, error)| x * error).collect();
    let covariance =
        |lag: usize| -> f64 { scores.iter().zip(scores.iter().skip(lag)).map(|(a, b)| a * b).sum() };
    let weighted = (1..=lags).map(|lag| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64) * covariance(lag));
    let variance = covariance(0) + weighted.sum::<f64>();
    Some(fit.within(NORMAL * variance.max(0.0).sqrt() / fit.sxx))
}

/// A line through points.
struct Fit {
    slope: f64,
    /// The sum of squared distances from the mean x.
    sxx: f64,
    /// Distances from the mean x, and from the line.
    residuals: Vec<(f64, f64)>,
}

impl Fit {
    fn of(points: &[(f64, f64)]) -> Option<Fit> {
        let n = points.len() as f64;
        let x = points.iter().map(|point| point.0).sum::<f64>() / n;
        let y = points.iter().map(|point| point.1).sum::<f64>() / n;
        let sxx: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        let sxy: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let slope = sxy / sxx;
        let residual = |point: &(f64, f64)| (point.0 - x, point.1 - y - slope * (point.0 - x));
        let residuals = points.iter().map(residual).collect();
        (points.len() > 2 && sxx > 0.0).then_some(Fit { slope, sxx, residuals })
    }

    fn within(&self, reach: f64) -> Interval {
        Interval { estimate: self.slope, low: self.slope - reach, high: self.slope + reach }
    }
}

/// What an interval says of growth: above zero, or not.
pub fn against_zero(interval: Option<Interval>) -> Answer {
    match interval {
        Some(interval) if interval.low > 0.0 => Answer::Grows,
        Some(_) => Answer::Rests,
        None => Answer::Open,
    }
}

/// What an interval says of growth: above the floor, below it, or neither.
pub fn against_floor(interval: Option<Interval>, floor: f64) -> Answer {
    match interval {
        Some(interval) if interval.low > floor => Answer::Grows,
        Some(interval) if interval.high <= floor => Answer::Rests,
        _ => Answer::Open,
    }
}

/// The median of all pairwise slopes (Theil, 1950; Sen, 1968).
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let pairs =
        points.iter().enumerate().flat_map(|(index, a)| points[index + 1..].iter().map(move |b| (a, b)));
    let slopes = pairs.filter(|(a, b)| a.0 != b.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0));
    stats::median(&slopes.collect::<Vec<_>>())
}

/// Mann and Kendall's Z of levels in order, with ties (Kendall, *Rank Correlation Methods*, 1975).
pub fn mann_kendall(levels: &[f64]) -> f64 {
    let order = |a: f64, b: f64| f64::from(u8::from(b > a)) - f64::from(u8::from(b < a));
    let pairs = levels
        .iter()
        .enumerate()
        .flat_map(|(index, &a)| levels[index + 1..].iter().map(move |&b| order(a, b)));
    let s: f64 = pairs.sum();
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = levels.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|tie| term(tie.len() as f64)).sum();
    let variance = (term(levels.len() as f64) - ties) / 18.0;
    if s == 0.0 || variance == 0.0 { 0.0 } else { (s - s.signum()) / variance.sqrt() }
}

/// Growth where ranks rise significantly and the median of the pairwise slopes is above `floor`.
pub fn by_ranks(points: &[(f64, f64)], floor: f64) -> Answer {
    let levels: Vec<f64> = points.iter().map(|point| point.1).collect();
    let rises = mann_kendall(&levels) > NORMAL;
    match theil_sen(points) {
        Some(slope) if rises && slope > floor => Answer::Grows,
        Some(_) => Answer::Rests,
        None => Answer::Open,
    }
}

/// Whether the last third is clearly higher than the first.
pub fn by_eye(levels: &[f64]) -> Answer {
    let third = levels.len() / 3;
    let medians = (stats::median(&levels[..third]), stats::median(&levels[levels.len() - third..]));
    match medians {
        (Some(first), Some(last)) if last > SEEN * first => Answer::Grows,
        (Some(_), Some(_)) => Answer::Rests,
        _ => Answer::Open,
    }
}

/// Whether the last reading is higher than the first.
pub fn first_and_last(levels: &[f64]) -> Answer {
    match (levels.first(), levels.last()) {
        (Some(first), Some(last)) if last - first > HIGHER => Answer::Grows,
        (Some(_), Some(_)) => Answer::Rests,
        _ => Answer::Open,
    }
}
