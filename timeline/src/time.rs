//! Rational time: exact, because a ten-hour timeline at 30000/1001 must not drift by a frame.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// Frames (or samples) a second, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    numerator: NonZeroU32,
    denominator: NonZeroU32,
}

/// A number of frames at a rate: a point in time or a length of it, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RationalTime {
    /// How many frames.
    pub value: u64,
    /// Of what length.
    pub rate: Rate,
}

/// From a point in time on, for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// Where it begins.
    pub start_time: RationalTime,
    /// How long it lasts.
    pub duration: RationalTime,
}

impl Rate {
    /// `numerator / denominator` a second, reduced; `None` when either is zero.
    pub fn new(numerator: u32, denominator: u32) -> Option<Rate> {
        let divisor = gcd(numerator.into(), denominator.into()) as u32;
        if divisor == 0 {
            return None;
        }
        Some(Rate {
            numerator: NonZeroU32::new(numerator / divisor)?,
            denominator: NonZeroU32::new(denominator / divisor)?,
        })
    }

    /// The rate a decimal number stands for. OpenTimelineIO writes 29.97002997…; the NTSC family is
    /// recognised within 1e-4, other fractions are taken to a thousandth.
    pub fn from_f64(rate: f64) -> Option<Rate> {
        if !rate.is_finite() || rate <= 0.0 || rate > 1_000_000.0 {
            return None;
        }
        let whole = rate.round();
        if (rate - whole).abs() < 1e-9 {
            return Rate::new(whole as u32, 1);
        }
        let ntsc = rate.ceil() * 1000.0 / 1001.0;
        if (rate - ntsc).abs() / rate < 1e-4 {
            return Rate::new(rate.ceil() as u32 * 1000, 1001);
        }
        Rate::new((rate * 1000.0).round() as u32, 1000)
    }

    /// The numerator of the reduced fraction.
    pub fn numerator(self) -> u32 {
        self.numerator.get()
    }

    /// The denominator of the reduced fraction.
    pub fn denominator(self) -> u32 {
        self.denominator.get()
    }

    /// The nearest decimal number, for people and for OpenTimelineIO.
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator()) / f64::from(self.denominator())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator() {
            1 => write!(f, "{}", self.numerator()),
            denominator => write!(f, "{}/{denominator}", self.numerator()),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    /// `25`, `29.97` or `30000/1001`.
    fn from_str(text: &str) -> Result<Rate, String> {
        let parsed = match text.split_once('/') {
            Some((above, below)) => match (above.trim().parse(), below.trim().parse()) {
                (Ok(above), Ok(below)) => Rate::new(above, below),
                _ => None,
            },
            None => text.trim().parse().ok().and_then(Rate::from_f64),
        };
        parsed.ok_or_else(|| format!("`{text}` is not a frame rate: write 25, 29.97 or 30000/1001"))
    }
}

impl RationalTime {
    /// `value` frames at `rate`.
    pub fn new(value: u64, rate: Rate) -> RationalTime {
        RationalTime { value, rate }
    }

    /// The same in seconds, as near as a float comes.
    pub fn seconds(self) -> f64 {
        self.value as f64 * f64::from(self.rate.denominator()) / f64::from(self.rate.numerator())
    }

    /// How long after another point, in frames at `rate` if it is a whole number of these, within a
    /// hundredth, else in the unit that both have in common. `None` if it is more than half a frame before.
    pub(crate) fn since(self, other: RationalTime, rate: Rate) -> Option<RationalTime> {
        let parts = |time: RationalTime| {
            let above = i128::from(time.value).checked_mul(time.rate.denominator().into())?;
            Some((above, i128::from(time.rate.numerator())))
        };
        let ((above, below), (other_above, other_below)) = (parts(self)?, parts(other)?);
        let difference = above.checked_mul(other_below)?.checked_sub(other_above.checked_mul(below)?)?;
        let (difference, unit) = reduced(difference, below * other_below);
        let (frames, of) = reduced(
            difference.checked_mul(rate.numerator().into())?,
            unit.checked_mul(rate.denominator().into())?,
        );
        let nearest = (2 * frames + of).div_euclid(2 * of);
        let whole = RationalTime::new(u64::try_from(nearest).ok()?, rate);
        let is_whole = nearest == 0 && frames < 0 || (frames - nearest * of).abs() <= of / 100;
        let common = u32::try_from(unit).ok().filter(|&unit| unit <= 1_000_000 && difference < MOST_VALUE);
        match common.and_then(|unit| Rate::new(unit, 1)).filter(|_| !is_whole) {
            Some(common) => Some(RationalTime::new(difference as u64, common)),
            None => Some(whole),
        }
    }

    /// The same point as a whole number of frames at another rate, halves rounded up.
    pub fn frame_at(self, rate: Rate) -> u64 {
        ExactTime::ZERO.after(self).frame(rate)
    }
}

/// An exact point in time, in seconds, as a reduced fraction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExactTime {
    above: u128,
    below: u128,
}

impl ExactTime {
    pub(crate) const ZERO: ExactTime = ExactTime { above: 0, below: 1 };

    /// The point so much later.
    pub(crate) fn after(self, time: RationalTime) -> ExactTime {
        let above = u128::from(time.value) * u128::from(time.rate.denominator());
        let below = u128::from(time.rate.numerator());
        let sum = self.above * below + above * self.below;
        let common = self.below * below;
        let divisor = gcd(sum, common).max(1);
        ExactTime { above: sum / divisor, below: common / divisor }
    }

    /// The nearest frame at `rate`, halves rounded up.
    pub(crate) fn frame(self, rate: Rate) -> u64 {
        let above = 2 * self.above * u128::from(rate.numerator());
        let below = self.below * u128::from(rate.denominator());
        ((above + below) / (2 * below)) as u64
    }
}

/// The largest number that a float holds exactly, about: times are written as floats.
const MOST_VALUE: i128 = 9_000_000_000_000_000;

fn reduced(above: i128, below: i128) -> (i128, i128) {
    let divisor = gcd(above.unsigned_abs(), below.unsigned_abs()).max(1) as i128;
    (above / divisor, below / divisor)
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntsc_rates_are_recognised_from_decimals() {
        for (decimal, numerator) in
            [(23.976, 24000), (29.97, 30000), (29.97002997002997, 30000), (59.94, 60000)]
        {
            let rate = Rate::from_f64(decimal).unwrap();
            assert_eq!((rate.numerator(), rate.denominator()), (numerator, 1001), "{decimal}");
        }
        assert_eq!(Rate::from_f64(12.5).unwrap(), Rate::new(25, 2).unwrap());
        assert_eq!(Rate::from_f64(25.0).unwrap(), Rate::new(25, 1).unwrap());
    }

    #[test]
    fn ten_hours_of_ntsc_clips_do_not_drift() {
        let ntsc = Rate::new(30000, 1001).unwrap();
        let mut at = ExactTime::ZERO;
        for _ in 0..36_000 {
            at = at.after(RationalTime::new(30, ntsc));
        }
        assert_eq!(at.frame(ntsc), 36_000 * 30);
    }

    #[test]
    fn nonsense_is_no_rate() {
        for text in ["", "0", "-25", "25/0", "fast", "nan", "inf"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
