//! How often something happens, how far off that may be, and how far two of them are apart.

use statrs::distribution::{ContinuousCDF, Normal};

use super::Interval;

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    hits: u64,
    of: u64,
}

impl Proportion {
    /// `None` of none at all, and of more hits than there are.
    pub fn new(hits: u64, of: u64) -> Option<Proportion> {
        (of > 0 && hits <= of).then_some(Proportion { hits, of })
    }

    /// How many it happened to.
    pub fn hits(self) -> u64 {
        self.hits
    }

    /// How many it could have happened to.
    pub fn of(self) -> u64 {
        self.of
    }

    /// The share, from 0 to 1.
    pub fn share(self) -> f64 {
        self.hits as f64 / self.of as f64
    }

    /// The share with Wilson's score interval ("Probable inference, the law of succession, and statistical
    /// inference", Journal of the American Statistical Association 22, 1927): with p = `hits`/n and z the
    /// normal quantile of 1/2 + `confidence`/2,
    /// (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n).
    ///
    /// It holds the true share about as often as it says, however few there are and however rare it is, which
    /// p ± z √(p (1 − p)/n) does not (Brown, Cai and DasGupta, "Interval estimation for a binomial proportion",
    /// Statistical Science 16, 2001). Of no hits it goes from 0 to z²/(n + z²). It supposes that each of them
    /// happens by itself, with the same chance.
    ///
    /// ```
    /// let none_of_twenty = memreel_judge::stats::Proportion::new(0, 20).unwrap().interval(0.95);
    /// assert!(none_of_twenty.low == 0.0 && (none_of_twenty.high - 0.161).abs() < 0.001);
    /// ```
    pub fn interval(self, confidence: f64) -> Interval {
        let (n, p, z) = (self.of as f64, self.share(), normal_quantile(0.5 + confidence / 2.0));
        let middle = p + z * z / (2.0 * n);
        let reach = z * (p * (1.0 - p) / n + (z / (2.0 * n)).powi(2)).sqrt();
        let shrunk = |end: f64| end / (1.0 + z * z / n);
        // Exactly there, whatever the last bit of a float says.
        let low = if self.hits == 0 { 0.0 } else { shrunk(middle - reach) };
        let high = if self.hits == self.of { 1.0 } else { shrunk(middle + reach) };
        Interval { low, estimate: p, high }
    }
}

/// How much larger one share is than another, as Newcombe's hybrid score interval ("Interval estimation for the
/// difference between independent proportions", Statistics in Medicine 17, 1998, method 10): with (l, u) the
/// score intervals of the shares, `to` − `from` −√((to − l_to)² + (u_from − from)²) and +√((u_to − to)² + (from −
/// l_from)²).
///
/// The two are independent of each other.
pub fn newcombe_interval(from: Proportion, to: Proportion, confidence: f64) -> Interval {
    let (from, to) = (from.interval(confidence), to.interval(confidence));
    let estimate = to.estimate - from.estimate;
    let low = estimate - (to.estimate - to.low).hypot(from.high - from.estimate);
    let high = estimate + (to.high - to.estimate).hypot(from.estimate - from.low);
    Interval { low, estimate, high }
}

fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of((hits, of): (u64, u64)) -> Proportion {
        Proportion::new(hits, of).unwrap()
    }

    #[track_caller]
    fn assert_ends(found: Interval, low: f64, high: f64) {
        assert!((found.low - low).abs() < 5.1e-5 && (found.high - high).abs() < 5.1e-5, "{found:?}");
    }

    /// The examples of Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
    #[test]
    fn the_interval_of_one_share_is_the_published_one() {
        for (share, low, high) in [
            ((81, 263), 0.2553, 0.3662),
            ((15, 148), 0.0624, 0.1605),
            ((0, 20), 0.0, 0.1611),
            ((1, 29), 0.0061, 0.1718),
        ] {
            assert_ends(of(share).interval(0.95), low, high);
        }
    }

    #[test]
    fn of_none_and_of_all_the_interval_ends_exactly_at_the_end() {
        assert_eq!((of((0, 20)).interval(0.95).low, of((20, 20)).interval(0.95).high), (0.0, 1.0));
        assert_ends(of((20, 20)).interval(0.95), 0.8389, 1.0);
        assert_ends(of((3, 20)).interval(0.95), 0.0524, 0.3604);
        for n in 1..500 {
            let z = normal_quantile(0.975);
            let rule = z * z / (n as f64 + z * z);
            assert!((of((0, n)).interval(0.95).high - rule).abs() < 1e-12, "{n}");
        }
    }

    /// Table II of the paper, column of method 10: contrasts (a) to (h).
    #[test]
    fn the_interval_of_a_difference_is_the_published_one() {
        for (to, from, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
            ((10, 10), (0, 10), 0.6075, 1.0),
        ] {
            let found = newcombe_interval(of(from), of(to), 0.95);
            assert_ends(found, low, high);
            let back = newcombe_interval(of(to), of(from), 0.95);
            assert_ends(back, -high, -low);
        }
    }

    #[test]
    fn nothing_of_nothing_is_no_share() {
        assert_eq!((Proportion::new(0, 0), Proportion::new(3, 2)), (None, None));
    }

    #[test]
    fn the_interval_holds_the_true_share_about_as_often_as_it_says() {
        for n in [3_u64, 10, 20, 50] {
            let mean = (1..200).map(|share| covered(n, f64::from(share) / 200.0)).sum::<f64>() / 199.0;
            assert!((0.94..0.97).contains(&mean), "{n}: {mean}");
        }
    }

    /// The chance that the interval of `n` holds a share, over all numbers of hits.
    fn covered(n: u64, share: f64) -> f64 {
        let holds = |hits: &u64| {
            let found = of((*hits, n)).interval(0.95);
            found.low <= share && share <= found.high
        };
        (0..=n).filter(holds).map(|hits| chance(n, hits, share)).sum()
    }

    /// Of so many, so many hits.
    fn chance(n: u64, hits: u64, share: f64) -> f64 {
        let ways: f64 = (0..hits).map(|hit| (n - hit) as f64 / (hit + 1) as f64).product();
        ways * share.powi(hits as i32) * (1.0 - share).powi((n - hits) as i32)
    }
}
