//! How much memory grows with each step of the way, once the process has warmed up.

use std::fmt;

use crate::stats;
use crate::units::{BytesPerFrame, Rate};

/// Blocks of equal length that the second half is cut into.
pub const BLOCKS: usize = 12;
/// Fewer samples in the second half say nothing: three a block.
const LEAST_SAMPLES: usize = 36;
/// Fewer frames in the second half say nothing: ten a block.
pub const LEAST_FRAMES: f64 = 120.0;

/// Growth for each step – for each frame exported, unless told –, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth<R = BytesPerFrame> {
    /// The mean over the blocks.
    pub estimate: R,
    /// The lower end of the interval.
    pub low: R,
    /// The upper end of the interval.
    pub high: R,
}

impl<R: Rate> Growth<R> {
    /// Half the width of the interval: the number after ±.
    pub fn half_width(&self) -> R {
        R::of_bytes((self.high.bytes() - self.low.bytes()) / 2.0)
    }
}

/// Why a growth cannot be known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoGrowth {
    /// Memory or progress was not measured at all.
    Unmeasured,
    /// The second half holds too few samples.
    FewSamples {
        /// How many it holds.
        found: usize,
        /// How many it takes.
        least: usize,
    },
    /// The second half is too short.
    Short {
        /// How many steps it has.
        steps: f64,
        /// How many it takes.
        least: f64,
    },
}

impl fmt::Display for NoGrowth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoGrowth::Unmeasured => f.write_str("not measured"),
            NoGrowth::FewSamples { .. } => f.write_str("too few samples"),
            NoGrowth::Short { .. } => f.write_str("too short"),
        }
    }
}

/// The part of the way that growth is judged over: from its half to where the teardown begins.
pub fn second_half(steps: f64) -> (f64, f64) {
    (0.5 * steps, 0.98 * steps)
}

/// Growth from 50 % to 98 % of the way that was gone: of the frames that were exported, of what was
/// written, of the seconds.
///
/// The frames are those that *were* exported, not those planned: an export that died of its growth
/// still shows it. The range is cut into twelve blocks of equal steps; the level at each border is
/// interpolated between the samples beside it, and its increment over a block divided by the block's
/// steps. With d₁ … d₁₂ these increments, their mean d̄ and standard deviation s, the estimate is d̄
/// and the interval d̄ ± t(0.975, 11) · s / √12, Student's for a mean. Increments are used and not
/// the levels themselves because memory is a ratchet: its levels depend on each other, and a line
/// fitted through them is far too sure of itself.
///
/// **Limits.** d̄ is the level at 98 % less that at 50 % over the steps between: one step up in that
/// half is growth to it, with an interval that contains zero when nothing else happened. The
/// interval supposes increments that are alike and independent; rare jumps or sources that open at
/// cuts are neither, and then it covers less often than 95 times in 100. It says nothing about a
/// longer run.
///
/// `steps` are those of the whole way, `levels` are (step, bytes).
///
/// # Errors
/// Why it cannot be known: with fewer than 36 samples or `least` steps in that half.
pub fn growth_over_second_half<R: Rate>(
    steps: Option<f64>,
    least: f64,
    levels: &[(f64, f64)],
) -> Result<Growth<R>, NoGrowth> {
    let (begin, end) = second_half(steps.filter(|_| !levels.is_empty()).ok_or(NoGrowth::Unmeasured)?);
    let found = levels.iter().filter(|level| (begin..=end).contains(&level.0)).count();
    if found < LEAST_SAMPLES {
        return Err(NoGrowth::FewSamples { found, least: LEAST_SAMPLES });
    }
    if end - begin < least || end <= begin {
        return Err(NoGrowth::Short { steps: end - begin, least });
    }
    let increments = increments(levels, begin, end);
    let found = increments.and_then(|increments| stats::mean_interval(&increments, 0.95));
    let found = found.ok_or(NoGrowth::Unmeasured)?;
    let [estimate, low, high] = [found.estimate, found.low, found.high].map(R::of_bytes);
    Ok(Growth { estimate, low, high })
}

/// The increment for each step in each block.
fn increments(levels: &[(f64, f64)], begin: f64, end: f64) -> Option<Vec<f64>> {
    let block = (end - begin) / BLOCKS as f64;
    let border = |index: usize| stats::interpolate(levels, begin + block * index as f64);
    (0..BLOCKS).map(|index| Some((border(index + 1)? - border(index)?) / block)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::ProgressClock;
    use crate::trace::{Memory, Sample, Series};
    use crate::units::{Bytes, Count};

    /// A sample every second and a frame with it, with this level at each frame.
    fn growth_of(frames: u64, level: impl Fn(f64) -> f64) -> Option<Growth> {
        let sample = |frame: u64| Sample {
            t_s: frame as f64,
            frames_out: Some(Count::new(frame)),
            anon_bytes: Some(Bytes::new(level(frame as f64) as u64)),
            ..Sample::default()
        };
        let samples: Vec<_> = (0..=frames).map(sample).collect();
        let series = Series::of(&samples, &Memory::JUDGED);
        let clock = ProgressClock::of_frames(&series);
        let levels = clock.levels(&series, Memory::AnonymousAndSwap);
        growth_over_second_half(clock.last_step(), LEAST_FRAMES, &levels).ok()
    }

    #[test]
    fn a_known_slope_is_recovered() {
        let wave = |frame: f64| 1e8 + 1000.0 * frame + 2e4 * (frame / 7.0).sin();
        let found = growth_of(2000, wave).unwrap();
        assert!((found.estimate.0 - 1000.0).abs() < 50.0, "{found:?}");
        assert!(found.low.0 < 1000.0 && 1000.0 < found.high.0, "{found:?}");
        assert!(found.half_width().0 < 500.0, "{found:?}");
    }

    #[test]
    fn a_step_in_the_first_half_is_no_growth_in_the_second() {
        let step = |frame: f64| if frame < 400.0 { 1e8 } else { 2e8 };
        let found = growth_of(1000, step).unwrap();
        assert_eq!((found.estimate.0, found.low.0, found.high.0), (0.0, 0.0, 0.0));
    }

    #[test]
    fn one_step_in_the_second_half_leaves_zero_within_the_interval() {
        let step = |frame: f64| if frame < 700.0 { 1e8 } else { 1.1e8 };
        let found = growth_of(1000, step).unwrap();
        assert!(found.low.0 < 0.0 && found.high.0 > 0.0, "{found:?}");
    }

    #[test]
    fn the_teardown_at_the_end_is_not_part_of_it() {
        let falling = |frame: f64| if frame < 990.0 { 1e8 } else { 1e6 };
        assert_eq!(growth_of(1000, falling).unwrap().estimate.0, 0.0);
    }

    #[test]
    fn too_short_an_export_says_nothing() {
        assert_eq!(growth_of(240, |_| 1e8), None);
        assert!(growth_of(260, |_| 1e8).is_some());
    }
}
