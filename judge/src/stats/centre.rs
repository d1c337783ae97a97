//! Where the middle of some numbers lies, how far off that may be, and how far two of them are apart.

use super::{Interval, mean, student_t_quantile};

/// The middle of a sample with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Centre {
    /// Where it is.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
    /// The degrees of freedom that the standard error has.
    pub freedom: f64,
}

impl Centre {
    /// The mean: its error is s / √n with n − 1 degrees of freedom. `None` of fewer than two numbers.
    pub fn mean(numbers: &[f64]) -> Option<Centre> {
        Centre::trimmed_mean(numbers, 0.0)
    }

    /// The mean of what is left when this share of the numbers, rounded down, is cut off at each end.
    ///
    /// Its error is that of Yuen ("The two-sample trimmed t for unequal population variances",
    /// Biometrika 61, 1974): with n numbers of which h are left, and w the numbers with those that were
    /// cut off replaced by the nearest that was not, √(Σ(w − w̄)² / (h (h − 1))), with h − 1 degrees of
    /// freedom. Where nothing is cut off this is the mean.
    ///
    /// `None` when fewer than two are left. Numbers must not be NaN.
    pub fn trimmed_mean(numbers: &[f64], share: f64) -> Option<Centre> {
        let cut = cut_at_each_end(numbers.len(), share);
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let left = sorted.get(cut..sorted.len().checked_sub(cut)?).filter(|left| left.len() > 1)?;
        let (&lowest, &highest) = (left.first()?, left.last()?);
        let drawn_in: Vec<f64> = sorted.iter().map(|number| number.clamp(lowest, highest)).collect();
        let middle = mean(&drawn_in)?;
        let squares: f64 = drawn_in.iter().map(|number| (number - middle).powi(2)).sum();
        let freedom = (left.len() - 1) as f64;
        let error = (squares / (left.len() as f64 * freedom)).sqrt();
        Some(Centre { value: mean(left)?, error, freedom })
    }

    /// How far the truth may be to either side of it at this confidence: t(1/2 + `confidence`/2, ν) times its error.
    pub fn reach(self, confidence: f64) -> f64 {
        self.reach_one_sided(0.5 + confidence / 2.0)
    }

    /// How far the truth may be to one side of it: t(`confidence`, ν) times its error.
    pub fn reach_one_sided(self, confidence: f64) -> f64 {
        student_t_quantile(confidence, self.freedom).unwrap_or(0.0) * self.error
    }

    /// It with Student's interval of this confidence.
    pub fn interval(self, confidence: f64) -> Interval {
        let reach = self.reach(confidence);
        Interval { estimate: self.value, low: self.value - reach, high: self.value + reach }
    }

    /// How much larger it is than another. With e and f their errors that is known to √(e² + f²), with the degrees
    /// of freedom of Welch and Satterthwaite ("The generalization of 'Student's' problem when several different
    /// population variances are involved", Biometrika 34, 1947): (e² + f²)² / (e⁴/ν₁ + f⁴/ν₂).
    ///
    /// The spreads need not be alike. Both errors zero give an interval of no width, which says nothing of
    /// what other samples would give.
    pub fn minus(self, from: Centre) -> Centre {
        let (e, f) = (from.error.powi(2), self.error.powi(2));
        let freedom = (e + f).powi(2) / (e * e / from.freedom + f * f / self.freedom);
        Centre { value: self.value - from.value, error: (e + f).sqrt(), freedom }
    }

    /// The natural logarithm of it, by the delta method: its error is the relative one (Casella and
    /// Berger, "Statistical Inference", 2002, section 5.5.4).
    ///
    /// Good while the relative error is small, up to a tenth or two. `None` unless it is above zero.
    pub fn logarithm(self) -> Option<Centre> {
        let relative = Centre { value: self.value.ln(), error: self.error / self.value, ..self };
        (self.value > 0.0).then_some(relative)
    }
}

/// How many of so many numbers are cut off at each end for a share of them, rounded down.
pub fn cut_at_each_end(numbers: usize, share: f64) -> usize {
    // A fifth of five is one, whatever the last bit of a float says.
    (share.clamp(0.0, 0.5) * numbers as f64 + 1e-9) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Extra hours of sleep with two drugs: the data set `sleep` of R.
    const SLEEP: [[f64; 10]; 2] = [
        [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
        [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
    ];

    #[test]
    fn the_difference_of_two_means_agrees_with_t_test_of_r() {
        let [first, second] = SLEEP.map(|hours| Centre::mean(&hours).unwrap());
        let found = first.minus(second).interval(0.95);
        assert!((found.estimate + 1.58).abs() < 1e-9, "{found:?}");
        assert!(
            (found.low + 3.365_483_2).abs() < 1e-5 && (found.high - 0.205_483_2).abs() < 1e-5,
            "{found:?}"
        );
    }

    #[test]
    fn one_wild_number_of_five_is_cut_off_and_one_of_four_is_not() {
        let found = Centre::trimmed_mean(&[1.0, 100.0, 3.0, 4.0, 2.0], 0.2).unwrap();
        // Drawn in, they are 2, 2, 3, 4, 4; three are left.
        assert_eq!((found.value, found.freedom), (3.0, 2.0));
        assert!((found.error - (4.0_f64 / 6.0).sqrt()).abs() < 1e-12, "{found:?}");
        let four = [1.0, 100.0, 3.0, 4.0];
        assert_eq!(Centre::trimmed_mean(&four, 0.2), Centre::mean(&four));
    }

    #[test]
    fn a_centre_needs_two_numbers_that_are_left() {
        assert_eq!(Centre::mean(&[1.0]), None);
        assert_eq!(Centre::trimmed_mean(&[], 0.2), None);
        assert_eq!(Centre::trimmed_mean(&[1.0, 2.0, 3.0], 0.5), None);
    }

    #[test]
    fn equal_numbers_have_no_error_and_their_difference_no_width() {
        let [three, five] = [[3.0; 4], [5.0; 4]].map(|numbers| Centre::mean(&numbers).unwrap());
        assert_eq!(five.minus(three).interval(0.95), Interval { estimate: 2.0, low: 2.0, high: 2.0 });
    }

    #[test]
    fn the_error_of_a_logarithm_is_the_relative_error() {
        let centre = Centre { value: 50.0, error: 1.0, freedom: 9.0 };
        let found = centre.logarithm().unwrap();
        assert_eq!((found.value, found.error), (50.0_f64.ln(), 0.02));
        assert_eq!(Centre { value: -1.0, ..centre }.logarithm(), None);
    }
}
