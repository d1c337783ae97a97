//! Exact time: frames of the timeline, points in a source, samples of sound.

use ffmpeg_next as ffmpeg;
use memreel_timeline::{Rate, RationalTime};

/// A point in a source's own time, in seconds since its first picture, as an exact fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceTime {
    above: i128,
    below: i128,
}

impl SourceTime {
    /// What a clip shows `frame` frames (at `rate`) after its beginning, when it begins at `in_point`.
    pub fn after(in_point: RationalTime, frame: u64, rate: Rate) -> SourceTime {
        let (in_above, in_below) = seconds(in_point.value, in_point.rate);
        let (above, below) = seconds(frame, rate);
        SourceTime { above: in_above * below + above * in_below, below: in_below * below }
    }

    /// In whole units of a stream's time base, rounded down.
    pub fn in_units(self, time_base: ffmpeg::Rational) -> i64 {
        let below = self.below * i128::from(time_base.numerator());
        (self.above * i128::from(time_base.denominator())).div_euclid(below) as i64
    }

    /// In whole samples of sound, halves rounded up.
    pub fn in_samples(self, sample_rate: u32) -> i64 {
        round(self.above * i128::from(sample_rate), self.below) as i64
    }

    /// As near as a float comes, for messages.
    pub fn as_seconds(self) -> f64 {
        self.above as f64 / self.below as f64
    }
}

/// How many samples of sound belong before a frame: halves rounded up, so that nothing drifts.
pub fn samples_before(frame: u64, rate: Rate, sample_rate: u32) -> u64 {
    let (above, below) = seconds(frame, rate);
    round(above * i128::from(sample_rate), below) as u64
}

/// The length of one frame as libav's time base.
pub fn time_base(rate: Rate) -> ffmpeg::Rational {
    ffmpeg::Rational(rate.denominator() as i32, rate.numerator() as i32)
}

/// Stream units as seconds, for messages and tables.
pub fn units_as_seconds(units: i64, time_base: ffmpeg::Rational) -> f64 {
    units as f64 * f64::from(time_base.numerator()) / f64::from(time_base.denominator())
}

fn seconds(frames: u64, rate: Rate) -> (i128, i128) {
    (i128::from(frames) * i128::from(rate.denominator()), rate.numerator().into())
}

fn round(above: i128, below: i128) -> i128 {
    (2 * above + below).div_euclid(2 * below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_does_not_drift_in_ten_hours_of_ntsc() {
        let ntsc = Rate::new(30000, 1001).unwrap();
        let total = samples_before(1_078_920, ntsc, 48_000);
        assert_eq!(total, 1_078_920 * 1001 * 48_000 / 30_000);
        let summed: u64 = (0..1000)
            .map(|frame| samples_before(frame + 1, ntsc, 48_000) - samples_before(frame, ntsc, 48_000))
            .sum();
        assert_eq!(summed, samples_before(1000, ntsc, 48_000));
    }

    #[test]
    fn a_frame_of_another_rate_lies_where_its_time_says() {
        let (slow, fast) = (Rate::new(25, 1).unwrap(), Rate::new(30, 1).unwrap());
        let time = SourceTime::after(RationalTime::new(60, fast), 5, slow);
        assert_eq!(time.in_units(ffmpeg::Rational(1, 30)), 66);
        assert_eq!(time.in_samples(48_000), 105_600);
    }
}
