//! What stays when an export is closed: several exports one after another in one process.

use serde::Serialize;

use crate::stats::Interval;
use crate::trace::{Memory, RunContext, Series};
use crate::units::Bytes;

/// Less for each export is what a heap keeps by chance, in bytes.
pub const FLOOR: f64 = 65_536.0;
/// The first share of the rests is still warming up: heaps settle over several exports.
const WARM_UP: f64 = 0.25;
/// Gains from rest to rest that are judged at least.
const LEAST_GAINS: usize = 6;
/// Blocks of exports that must all gain.
const BLOCKS: usize = 3;
/// What goes on has at least this share of the usual gain in the last block.
const STEADY: f64 = 0.4;
/// A gain counts when it is so many times the largest fall between two rests: the exporter's own heap swings by
/// 2.6 MiB from one export to the next and back.
const SWINGS: f64 = 2.0;

/// Exports that it takes to judge them.
pub const NEEDED: u64 = 11;

/// Memory at rest between exports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtRest {
    /// Exports in the process.
    pub exports: usize,
    /// The level at rest after each export but the last, which the end of the process follows.
    #[serde(rename = "levels_bytes")]
    pub levels: Vec<Bytes>,
    /// What each export leaves behind for good, in bytes: the mean, and the smallest and largest of three blocks
    /// of exports; `None` where there are too few.
    #[serde(rename = "gain_bytes_per_export")]
    pub gain: Option<Interval>,
    /// The largest fall from one rest to a later one, in bytes: how far a single rest may mislead.
    #[serde(rename = "swing_bytes")]
    pub swing: Bytes,
}

impl AtRest {
    /// The rests of a series, which are where the frame counter stands at the beginning of a next export: the
    /// lowest level there.
    pub fn of(series: &Series, memory: Memory, context: &RunContext) -> Option<AtRest> {
        let borders = &context.exports;
        let mut lowest: Vec<Option<Bytes>> = vec![None; borders.len()];
        for row in 0..series.len() {
            let place = series.frames().at(row).and_then(|frames| borders.binary_search(&frames.get()).ok());
            if let Some((place, level)) = place.zip(series.memory(memory).at(row)) {
                lowest[place] = Some(lowest[place].map_or(level, |low| low.min(level)));
            }
        }
        let levels: Vec<_> = lowest.into_iter().collect::<Option<_>>()?;
        let rests = Rests::of(&levels);
        let gain = rests.blocks().map(|blocks| Interval {
            low: blocks.iter().copied().fold(f64::INFINITY, f64::min),
            estimate: rests.gained() / (rests.kept.len() - 1) as f64,
            high: blocks.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        });
        let swing = Bytes::new(rests.largest_fall() as u64);
        (!levels.is_empty()).then(|| AtRest { exports: borders.len() + 1, gain, swing, levels })
    }

    /// Whether exports go on leaving something behind, to the last: every block gains, the last not much less
    /// than the others, and all in all clearly more than rests swing.
    pub fn grows(&self) -> bool {
        let rests = Rests::of(&self.levels);
        let (Some(gain), Some(blocks)) = (self.gain, rests.blocks()) else { return false };
        gain.low > FLOOR
            && blocks[BLOCKS - 1] > STEADY * gain.estimate
            && rests.gained() > SWINGS * self.swing.as_f64()
    }

    /// Whether exports leave nothing behind that adds up: no more than rests swing, or than chance leaves.
    pub fn is_level(&self) -> bool {
        let rests = Rests::of(&self.levels);
        let chance = rests.levels.len() as f64 * FLOOR;
        self.gain.is_some() && rests.gained() <= chance.max(self.swing.as_f64())
    }
}

/// The rests after the warm-up, in bytes.
struct Rests {
    levels: Vec<f64>,
    kept: Vec<f64>,
}

impl Rests {
    fn of(levels: &[Bytes]) -> Rests {
        let skipped = (levels.len() as f64 * WARM_UP).ceil() as usize;
        let levels: Vec<_> = levels.iter().skip(skipped).map(|level| level.as_f64()).collect();
        Rests { kept: kept(&levels), levels }
    }

    /// What all exports together left behind for good.
    fn gained(&self) -> f64 {
        self.kept.last().zip(self.kept.first()).map_or(0.0, |(last, first)| last - first)
    }

    /// The gain an export in each block; `None` of too few.
    fn blocks(&self) -> Option<Vec<f64>> {
        let gains = self.kept.len().checked_sub(1).filter(|&gains| gains >= LEAST_GAINS)?;
        let border = |block: usize| block * gains / BLOCKS;
        let gain = |block: usize| {
            let (begin, end) = (border(block), border(block + 1));
            (self.kept[end] - self.kept[begin]) / (end - begin) as f64
        };
        Some((0..BLOCKS).map(gain).collect())
    }

    fn largest_fall(&self) -> f64 {
        let mut highest = f64::NEG_INFINITY;
        self.levels.iter().fold(0.0, |fall: f64, &level| {
            highest = highest.max(level);
            fall.max(highest - level)
        })
    }
}

/// At each rest the lowest level that is still to come: what was never given back.
fn kept(levels: &[f64]) -> Vec<f64> {
    let mut lowest = f64::INFINITY;
    let mut kept: Vec<_> = levels
        .iter()
        .rev()
        .map(|&level| {
            lowest = lowest.min(level);
            lowest
        })
        .collect();
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Sample;
    use crate::units::Count;

    /// Exports of ten frames that end at these levels, in KiB.
    fn at_rest(levels: &[u64]) -> AtRest {
        let mut samples = Vec::new();
        for (export, &kib) in levels.iter().chain([&0]).enumerate() {
            for frame in 1..=10 {
                let anon_bytes = Some(Bytes::from_kib(if frame == 10 { kib } else { 50_000 }));
                let count = export as u64 * 10 + frame;
                let t_s = count as f64;
                samples.push(Sample {
                    t_s,
                    frames_out: Some(Count::new(count)),
                    anon_bytes,
                    ..Sample::default()
                });
            }
        }
        let exports = (1..=levels.len() as u64).map(|export| export * 10).collect();
        let context = RunContext { exports, ..RunContext::default() };
        let series = Series::of(&samples, &Memory::JUDGED);
        AtRest::of(&series, Memory::AnonymousAndSwap, &context).unwrap()
    }

    #[test]
    fn the_lowest_level_between_two_exports_is_the_rest() {
        let rest = at_rest(&[100, 200, 300]);
        assert_eq!(rest.levels, [100, 200, 300].map(Bytes::from_kib));
        assert!((rest.exports, rest.gain) == (4, None) && !rest.grows() && !rest.is_level());
    }

    #[test]
    fn what_every_export_leaves_behind_is_a_leak() {
        let levels: Vec<_> = (0..12).map(|export| 20_000 + 300 * export).collect();
        let rest = at_rest(&levels);
        assert!(rest.grows() && !rest.is_level());
        assert_eq!(rest.gain.unwrap().estimate, 300.0 * 1024.0);
    }

    #[test]
    fn a_heap_that_swings_and_settles_is_level() {
        let levels =
            [15_800, 16_200, 16_700, 19_300, 16_700, 19_200, 16_700, 16_700, 16_700, 16_700, 19_200, 16_700];
        assert!(at_rest(&levels).is_level() && !at_rest(&levels).grows());
    }

    #[test]
    fn a_leak_smaller_than_the_swing_is_open() {
        let levels: Vec<_> = (0..12).map(|export| 20_000 + 100 * export + 2600 * (export % 2)).collect();
        assert!(!at_rest(&levels).grows());
    }
}
