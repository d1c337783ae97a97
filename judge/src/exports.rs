//! What stays when an export is closed: several exports one after another in one process.

use schemars::JsonSchema;
use serde::Serialize;

use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Series};

use crate::constants::Constants;
use crate::division::LEAST_EVENTS;
use crate::shape::Answer;
use crate::stats::{self, Interval};

/// Blocks of exports that must all gain, of two gains from rest to rest at least.
const BLOCKS: usize = LEAST_EVENTS;
/// glibc gives threads up to so many heaps for each CPU, and hands the heap of one that has ended to a later
/// one (`M_ARENA_MAX` in mallopt(3)).
const HEAPS_PER_CPU: f64 = 8.0;
/// Exports that it takes to judge them.
pub const NEEDED: u64 = 11;

/// Memory at rest between the exports of one process.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AtRest {
    /// Exports in the process.
    pub exports: usize,
    /// The level after each export but the last, which ends with the process, in bytes.
    #[serde(rename = "levels_bytes")]
    pub levels: Vec<Bytes>,
    /// The gain of each export, in bytes: the mean, between the least and the greatest of three blocks of exports.
    /// Unknown if there are too few exports.
    #[serde(rename = "gain_bytes_per_export")]
    pub gain: Option<Interval>,
    /// The threads left after each export; empty if they were not counted.
    pub threads: Vec<u64>,
    /// The number of exports that judging needs: enough for the heaps of threads to fill.
    pub settled_after: u64,
    /// The largest fall from the level after one export to that after a later one, in bytes.
    #[serde(rename = "swing_bytes")]
    pub swing: Bytes,
    /// Heaps that threads that come and go may fill.
    #[serde(skip)]
    heaps: usize,
    /// The levels after the warm-up, in bytes.
    #[serde(skip)]
    rests: Vec<f64>,
}

impl AtRest {
    /// The rests of a series, which are where the frame counter stands at the beginning of a next export: the
    /// lowest level there.
    pub fn of(series: &Series, memory: Memory, context: &RunContext, k: &Constants) -> Option<AtRest> {
        let borders = &context.exports;
        let levels = least_at_rest(series, borders, |row| series.memory(memory).at(row))?;
        let threads = least_at_rest(series, borders, |row| series.threads().at(row)).unwrap_or_default();
        let skipped = (levels.len() as f64 * k.judged_from).ceil() as usize;
        let rests: Vec<f64> = levels.iter().skip(skipped).map(|level| level.as_f64()).collect();
        let threads = threads.iter().map(|threads| threads.get()).collect();
        let heaps = heaps_of_threads(series, context);
        let settled_after = NEEDED.max((LEAST_EVENTS * heaps) as u64);
        let swing = Bytes::new(stats::largest_fall(rests.iter().copied()) as u64);
        let exports = borders.len() + 1;
        let rest = AtRest { exports, gain: None, swing, levels, threads, settled_after, heaps, rests };
        (!rest.levels.is_empty()).then(|| AtRest { gain: rest.gain(), ..rest })
    }

    /// The first export whose gain counts, from 1: earlier ones are the warm-up.
    pub fn estimated_from(&self) -> usize {
        self.levels.len() - self.rests.len() + 2
    }

    /// Whether what rises at rest may be the heaps of threads that come and go, and the threads did not stay either:
    /// there were too few exports, or exports leave no more than chance does but for one rise of each heap. A heap
    /// rises whenever the thread that takes most happens to get it for the first time.
    pub fn may_be_heaps_of_threads(&self, k: &Constants) -> bool {
        let judged = self.threads.len() / 2;
        let stays = |pair: &[u64]| pair[1] > pair[0];
        let threads_stay = self.threads.len() > 2 && self.threads[judged..].windows(2).all(stays);
        let mut gains = self.gains();
        gains.sort_by(f64::total_cmp);
        let others = &gains[..gains.len().saturating_sub(self.heaps)];
        let few_rises = others.iter().sum::<f64>() <= others.len() as f64 * k.by_chance;
        !threads_stay && ((self.exports as u64) < self.settled_after || self.heaps > 0 && few_rises)
    }

    /// Whether exports leave something behind that adds up.
    ///
    /// They do where every block gains, the last not much less than the others, and all in all clearly more than rests
    /// swing. They do not where later rests reach no higher than earlier ones did, or the usual export leaves no more than
    /// chance does.
    pub fn answer(&self, k: &Constants) -> Answer {
        let Some((blocks, gain)) = self.blocks().zip(self.gain) else { return Answer::Open };
        let goes_on = gain.low > k.by_chance && blocks[BLOCKS - 1] > k.goes_on * gain.estimate;
        match () {
            () if goes_on && self.gains().iter().sum::<f64>() > 2.0 * self.swing.as_f64() => Answer::Yes,
            () if self.rise(f64::max) <= k.by_chance || self.are_quiet(k) => Answer::No,
            () => Answer::Open,
        }
    }

    /// The least leak that would have been found where exports are level, in bytes per export. A fall may have hidden
    /// one, unless both the highest and the lowest rests are as before.
    pub fn least_found(&self, k: &Constants) -> f64 {
        let as_before = [f64::max, f64::min].iter().all(|&extreme| self.rise(extreme).abs() <= k.by_chance);
        let hidden = if as_before { 0.0 } else { self.swing.as_f64() / (self.rests.len() / 2) as f64 };
        hidden.max(k.by_chance)
    }

    /// What each export left behind for good.
    fn gains(&self) -> Vec<f64> {
        let kept = stats::future_minimum(self.rests.iter().copied());
        kept.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The mean gain of an export, and that in the smallest and the largest block.
    fn gain(&self) -> Option<Interval> {
        let blocks = self.blocks()?;
        Some(Interval {
            low: blocks.iter().copied().fold(f64::INFINITY, f64::min),
            estimate: stats::mean(&self.gains())?,
            high: blocks.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// The gain an export in each block; `None` of too few.
    fn blocks(&self) -> Option<Vec<f64>> {
        let gains = self.gains();
        let border = |block: usize| block * gains.len() / BLOCKS;
        let gain = |block: usize| stats::mean(&gains[border(block)..border(block + 1)]);
        if gains.len() < 2 * BLOCKS { None } else { (0..BLOCKS).map(gain).collect() }
    }

    /// By how much the highest (or lowest) of the later half of the rests lies above that of the earlier half, per export.
    /// A heap that changes between two levels soon shows the higher one in each half.
    fn rise(&self, extreme: fn(f64, f64) -> f64) -> f64 {
        let half = self.rests.len() / 2;
        let border = self.rests.len() - half;
        let of = |rests: &[f64]| rests.iter().copied().reduce(extreme).unwrap_or_default();
        (of(&self.rests[border..]) - of(&self.rests[..half])) / border as f64
    }

    /// Whether the usual export leaves no more than chance does. What rises now and then has no rate, unless it comes again
    /// in the same size, or in the last block, after which nobody has looked.
    fn are_quiet(&self, k: &Constants) -> bool {
        let gains = self.gains();
        let mut watched = gains[..gains.len() - gains.len() / BLOCKS].to_vec();
        watched.sort_by(|a, b| b.total_cmp(a));
        let alone = watched.iter().take(k.single_rises as usize).enumerate();
        let alone = alone.filter(|&(place, gain)| place == 0 || *gain <= (1.0 - k.alike) * watched[0]);
        let (rises, single) = alone.fold((0.0, 0.0), |(count, sum), (_, gain)| (count + 1.0, sum + gain));
        gains.iter().sum::<f64>() - single <= (gains.len() as f64 - rises) * k.by_chance
    }
}

/// The least of something at each rest. A rest that no sample saw is taken to be as the next one was, so that what comes
/// later was kept. `None` where two in a row, or the last, were not seen.
fn least_at_rest<T: Ord + Copy>(
    series: &Series,
    borders: &[u64],
    value: impl Fn(usize) -> Option<T>,
) -> Option<Vec<T>> {
    let mut least: Vec<Option<T>> = vec![None; borders.len()];
    for row in 0..series.len() {
        let place = series.frames().at(row).and_then(|frames| borders.binary_search(&frames.get()).ok());
        if let Some((place, value)) = place.zip(value(row)) {
            least[place] = Some(least[place].map_or(value, |so_far| so_far.min(value)));
        }
    }
    let seen_later = least.iter().skip(1).copied().chain([None]);
    least.iter().zip(seen_later).map(|(seen, next)| seen.or(next)).collect()
}

/// Heaps that threads may fill: no more than there are threads at a time, nor than the C library makes; none beside that
/// of an only thread.
fn heaps_of_threads(series: &Series, context: &RunContext) -> usize {
    let most = series.threads().measured().max().map_or(0.0, Count::as_f64);
    let heaps = context.cpus.map_or(most, |cpus| most.min(HEAPS_PER_CPU * f64::from(cpus)));
    if most <= 1.0 { 0 } else { heaps as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_trace::Sample;

    const K: &Constants = &Constants::USUAL;

    /// Exports of ten frames that end at these levels, in KiB.
    fn at_rest(levels: &[u64]) -> AtRest {
        at_rest_with(levels, |_| None)
    }

    /// The same with so many threads at rest after each, and ten while it runs.
    fn at_rest_with(levels: &[u64], threads: impl Fn(u64) -> Option<u64>) -> AtRest {
        let frame = |export: u64, kib: u64, frame: u64| {
            let (is_rest, count) = (frame == 10, export * 10 + frame);
            Sample {
                t_s: count as f64,
                frames_out: Some(Count::new(count)),
                anon_bytes: Some(Bytes::from_kib(if is_rest { kib } else { 50_000 })),
                threads: threads(export).map(|left| Count::new(if is_rest { left } else { 10 })),
                ..Sample::default()
            }
        };
        let exports = levels.iter().chain([&0]).zip(0..);
        let samples: Vec<_> =
            exports.flat_map(|(&kib, export)| (1..=10).map(move |at| (export, kib, at))).collect();
        let samples: Vec<_> = samples.into_iter().map(|(export, kib, at)| frame(export, kib, at)).collect();
        let exports = (1..=levels.len() as u64).map(|export| export * 10).collect();
        let context = RunContext { exports, cpus: Some(2), ..RunContext::default() };
        let series = Series::of(&samples, &Memory::JUDGED);
        AtRest::of(&series, Memory::AnonymousAndSwap, &context, K).unwrap()
    }

    /// Levels that rise by 300 KiB from export to export.
    fn rising(exports: u64) -> Vec<u64> {
        (0..exports).map(|export| 20_000 + 300 * export).collect()
    }

    #[test]
    fn the_lowest_level_between_two_exports_is_the_rest() {
        let rest = at_rest(&[100, 200, 300]);
        assert_eq!(rest.levels, [100, 200, 300].map(Bytes::from_kib));
        assert_eq!((rest.exports, rest.gain, rest.answer(K)), (4, None, Answer::Open));
    }

    #[test]
    fn a_rest_that_no_sample_saw_is_as_the_next_one() {
        let seen = |missed: &[u64]| {
            let frames = (0..=40).filter(|frame| !missed.contains(frame));
            let sample = |frame: u64| Sample {
                t_s: frame as f64,
                frames_out: Some(Count::new(frame)),
                anon_bytes: Some(Bytes::from_kib(1000 + frame)),
                ..Sample::default()
            };
            let samples: Vec<_> = frames.map(sample).collect();
            let context = RunContext { exports: vec![10, 20, 30], ..RunContext::default() };
            let series = Series::of(&samples, &Memory::JUDGED);
            let rest = AtRest::of(&series, Memory::AnonymousAndSwap, &context, K)?;
            Some(rest.levels.iter().map(|level| level.get() / 1024).collect::<Vec<_>>())
        };
        assert_eq!(seen(&[]), Some(vec![1010, 1020, 1030]));
        assert_eq!(seen(&[20]), Some(vec![1010, 1030, 1030]));
        assert_eq!(seen(&[10, 20]), None);
        assert_eq!(seen(&[30]), None);
    }

    #[test]
    fn what_every_export_leaves_behind_is_a_leak() {
        let rest = at_rest(&rising(12));
        assert!(rest.answer(K) == Answer::Yes);
        assert_eq!(rest.gain.unwrap().estimate, 300.0 * 1024.0);
    }

    #[test]
    fn heaps_of_threads_that_come_and_go_may_fill_for_three_exports_each() {
        let gone = at_rest_with(&rising(28), |_| Some(1));
        assert!(gone.answer(K) == Answer::Yes && gone.settled_after == 30 && gone.may_be_heaps_of_threads(K));
        assert!(!at_rest_with(&rising(30), |_| Some(1)).may_be_heaps_of_threads(K));
        // Threads that stay, too, are no such heaps; nor is there one beside the only thread's.
        assert!(!at_rest_with(&rising(12), |export| Some(1 + export)).may_be_heaps_of_threads(K));
        assert!(!at_rest(&rising(12)).may_be_heaps_of_threads(K));
    }

    #[test]
    fn heaps_of_threads_that_rise_late_one_by_one_are_no_leak() {
        // Ten heaps, of which each rises once by 3 MiB, beside 20 KiB that every export leaves.
        let late = |rises: &[u64], each: u64| {
            let level = |export: u64| {
                let risen = rises.iter().filter(|&&rise| rise <= export).count() as u64;
                20_000 + each * export + 3_000 * risen
            };
            at_rest_with(&(0..36).map(level).collect::<Vec<_>>(), |_| Some(1))
        };
        let heaps = late(&[13, 22, 31], 20);
        assert!(heaps.exports as u64 > heaps.settled_after);
        assert!(heaps.answer(K) == Answer::Yes && heaps.may_be_heaps_of_threads(K));
        // What every export leaves is a leak, also beside them.
        assert!(!late(&[13, 22, 31], 300).may_be_heaps_of_threads(K));
    }

    #[test]
    fn a_heap_that_swings_and_settles_is_level() {
        let levels =
            [15_800, 16_200, 16_700, 19_300, 16_700, 19_200, 16_700, 16_700, 16_700, 16_700, 19_200, 16_700];
        assert!(at_rest(&levels).answer(K) == Answer::No);
    }

    #[test]
    fn a_heap_that_gave_back_and_took_again_is_level_with_both_levels_as_before() {
        // Of the same export, ten times: the last fall, to 17.5 MiB, comes late.
        let recorded = [
            16_282, 20_081, 20_081, 20_275, 20_275, 20_275, 20_275, 20_337, 20_337, 20_337, 20_480, 20_480,
            20_480, 17_920, 20_193, 17_920, 20_132, 20_419, 20_480,
        ];
        // The level after it may be the highest yet, by a little.
        let higher = [&recorded[..18], &[20_500]].concat();
        for levels in [&recorded[..], &higher] {
            let rest = at_rest(levels);
            assert!(rest.answer(K) == Answer::No, "{levels:?}");
            // What each of seven exports kept may be lost in the fall.
            assert!(rest.least_found(K) > 2_560.0 * 1024.0 / 7.0 - 1.0, "{}", rest.least_found(K));
        }
        // With 300 KiB kept of each, it is not.
        let kept: Vec<_> = higher.iter().zip(0..).map(|(level, export)| level + 300 * export).collect();
        assert_ne!(at_rest(&kept).answer(K), Answer::No);
    }

    /// Levels in KiB after a first rest of 24 MiB that nothing comes of, by what each export adds.
    fn after(gains: impl Iterator<Item = u64>) -> Vec<u64> {
        let gains = std::iter::repeat_n(20, 7).chain(gains);
        gains.scan(24_000, |level, gain| Some(std::mem::replace(level, *level + gain))).collect()
    }

    #[test]
    fn a_heap_that_rises_once_and_stays_is_level() {
        // As an export of MLT's leaves it: 3.6 MiB with one export in many, wherever that is.
        for at in 0..10 {
            let levels = after((0..18).map(|export| match export {
                _ if export == at => 3640,
                _ if export == at + 1 => 696,
                _ if export == at + 2 => 280,
                _ => 20,
            }));
            assert!(at_rest(&levels).answer(K) == Answer::No, "{at}");
        }
    }

    #[test]
    fn what_rises_more_and_more_or_again_and_again_is_not_level() {
        let more_and_more = after((0..18).map(|export| 10 << (export / 2)));
        let again = after((0..18).map(|export| if export % 4 == 3 { 2000 } else { 20 }));
        let twice = after((0..18).map(|export| if export % 8 == 3 { 2000 } else { 20 }));
        for levels in [more_and_more, again, twice] {
            assert_ne!(at_rest(&levels).answer(K), Answer::No, "{levels:?}");
        }
        // Every export adds more than chance does.
        assert_ne!(at_rest(&after((0..18).map(|_| 70))).answer(K), Answer::No);
        assert_eq!(at_rest(&after((0..18).map(|_| 60))).answer(K), Answer::No);
    }

    #[test]
    fn a_leak_smaller_than_the_swing_is_open() {
        let levels: Vec<_> = (0..12).map(|export| 20_000 + 100 * export + 2600 * (export % 2)).collect();
        assert_ne!(at_rest(&levels).answer(K), Answer::Yes);
    }
}
