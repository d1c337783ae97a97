//! What stays when an export is closed: several exports one after another in one process.

use serde::Serialize;

use crate::stats::{self, Interval};
use crate::trace::{Memory, RunContext, Series};
use crate::units::{Bytes, Count};

/// Less is what a heap keeps by chance from one export to the next, in bytes.
pub const FLOOR: f64 = 65_536.0;
/// The first rests are still warming up.
const WARM_UP: usize = 1;
/// With fewer gains nothing is said: the smallest and largest of six enclose the median in 96.9 %.
const LEAST_GAINS: usize = 6;

/// Exports that it takes to judge them.
pub const NEEDED: u64 = (WARM_UP + LEAST_GAINS + 2) as u64;

/// Memory at rest between exports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtRest {
    /// Exports in the process.
    pub exports: usize,
    /// The level at rest after each export but the last, which the end of the process follows.
    pub levels: Vec<Bytes>,
    /// What each export leaves behind, in bytes: the median gain from one rest to the next, the first left
    /// out, and the smallest and largest; `None` of fewer than six.
    pub gain: Option<(f64, f64, f64)>,
}

impl AtRest {
    /// The rests of a series, which are where the frame counter stands at the beginning of a next export: the
    /// lowest level there.
    pub fn of(series: &Series, memory: Memory, context: &RunContext) -> Option<AtRest> {
        let borders = &context.exports;
        let mut lowest: Vec<Option<Bytes>> = vec![None; borders.len()];
        for row in 0..series.len() {
            let place =
                series.frames().at(row).and_then(|frames: Count| borders.binary_search(&frames.get()).ok());
            if let Some((place, level)) = place.zip(series.memory(memory).at(row)) {
                lowest[place] = Some(lowest[place].map_or(level, |low| low.min(level)));
            }
        }
        let levels: Vec<_> = lowest.into_iter().collect::<Option<_>>()?;
        let gain = gain(&levels).map(|gain| (gain.low, gain.estimate, gain.high));
        (!levels.is_empty()).then(|| AtRest { exports: borders.len() + 1, gain, levels })
    }

    /// Whether every export leaves something behind, and does so to the end.
    pub fn grows(&self) -> bool {
        let gains = gains(&self.levels);
        let Some((low, usual, _)) = self.gain else { return false };
        low > FLOOR && gains[gains.len() - 2..].iter().all(|&gain| gain > 0.5 * usual)
    }

    /// Whether exports leave nothing behind.
    pub fn is_level(&self) -> bool {
        self.gain.is_some_and(|(_, usual, _)| usual <= FLOOR)
            && gains(&self.levels).iter().rev().take(2).all(|&gain| gain <= FLOOR)
    }
}

fn gains(levels: &[Bytes]) -> Vec<f64> {
    let gains = levels.windows(2).map(|pair| pair[1].as_f64() - pair[0].as_f64());
    gains.skip(WARM_UP).collect()
}

fn gain(levels: &[Bytes]) -> Option<Interval> {
    let gains = gains(levels);
    let estimate = stats::median(&gains).filter(|_| gains.len() >= LEAST_GAINS)?;
    let low = gains.iter().copied().fold(f64::INFINITY, f64::min);
    let high = gains.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(Interval { estimate, low, high })
}
