//! The shape of memory over the judged part of a way: level, grown and stopped, or still growing.

use super::course::{Envelope, Point};
use super::terms::Terms;
use crate::stats;

/// Blocks that the judged part is cut into.
pub const BLOCKS: usize = 12;
/// Finer parts of a block.
const FINE: usize = 20;
/// Less than this over the judged part is not called growth, however steady, in bytes: 64 pages.
const LEAST_GAIN: f64 = 262_144.0;
/// Nor is what heaps of threads may take, unless it is even, since heaps are taken here and there: the median absolute
/// deviation of the blocks is no larger a share of their median. Of healthy exports with 13 to 16 threads it was 0.9 to 1,
/// of leaks up to 0.5.
const EVEN: f64 = 0.5;
/// Up to this it might be even after all.
const NEARLY_EVEN: f64 = 0.75;
/// From this share of the least gain on a plateau is not told either: a few samples more would turn it into growth.
const NEARLY_ENOUGH: f64 = 0.75;
/// The later half of what goes on growing has at least this share of the earlier half's growth. What fills up
/// like 1 − exp(−x) has 0.70 when the export ends at x = 1, at 63 % of what it would come to.
const STEADY: f64 = 0.75;
/// Of 36 pairs of an earlier and a later block.
const SLOWER_PAIRS: usize = 29;
/// Cells that must mostly grow, four a block: jumps come in few of them, however evenly they fall into the blocks.
const CELLS: usize = 4 * BLOCKS;
/// In so large a share of them.
const GROWING_CELLS: f64 = 0.5;
/// No more is asked of the longest cells: growth itself is not that even.
const MOST_CELLS: f64 = 0.85;
/// From this share on it might be growth after all, and is no plateau.
const NEARLY_EVERYWHERE: f64 = 0.35;
/// Lumps of which regularity can be told.
const LEAST_LUMPS: usize = 5;
/// The sizes and the distances of lumps that come regularly scatter by less than this share of their mean.
const REGULAR: f64 = 0.3;
/// They are this share of all growth at least,
const IN_LUMPS: f64 = 0.7;
/// and each this share of the largest.
const LUMP: f64 = 0.3;
/// A single step has this share of all growth at least, within the length of a block: a leak that first fills
/// holes came with half of it.
const STEP: f64 = 5.0 / 6.0;
/// So many blocks follow it: what comes after has to be seen.
const AFTER_STEP: usize = 2;
/// Growth is added so often, doubled each time, to find what would have been seen.
const MOST_DOUBLINGS: usize = 24;
/// Blocks that a rise must go through to be one that is worth telling when it was given back,
const LONG_RISE: usize = 4;
/// and the share of it, and the bytes, that were given back.
const GIVEN_BACK: f64 = 0.2;
const GIVEN_BACK_LEAST: f64 = 2_097_152.0;
/// A last sixth with less than this share of the usual growth has nearly stopped.
const NEARLY_STOPPED: f64 = 0.4;
/// A stretch with less than this share of the usual growth is flat beside it.
const FLAT: f64 = 0.1;

/// What the judged part looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nearly every block grows, as fast at the end as before.
    Growing,
    /// Nearly every block grows, but late ones gain less.
    Slowing,
    /// What it gains is no more than the floor or what hides.
    Plateau,
    /// It rose in few blocks, and was flat after.
    Step,
    /// Nearly all of it was one rise, and the rest is what a plateau may gain.
    SingleStep,
    /// It grew, and was flat after for longer than ever before.
    Stopped,
    /// It rose in few blocks, too late to see what follows.
    LateRise,
    /// None of these.
    Mixed,
}

impl Shape {
    /// Whether it has come to rest.
    pub fn is_stable(self) -> bool {
        matches!(self, Shape::Plateau | Shape::Step | Shape::SingleStep | Shape::Stopped)
    }
}

/// Whether something grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grows {
    Yes,
    Perhaps,
    No,
}

/// The envelope over the judged part, cut into blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    begin: f64,
    fine: f64,
    /// Bytes at each border of the finer parts.
    levels: Vec<f64>,
    /// Gain for each step in each of twelve blocks, in bytes.
    pub twelfths: Vec<f64>,
    /// The same in six blocks twice as long: what comes in lumps is smoother there.
    pub sixths: Vec<f64>,
}

impl Profile {
    /// Of these points over a part of the way, with `extra` bytes more for each step.
    pub fn of(points: &[Point], (begin, end): (f64, f64), extra: f64) -> Profile {
        let envelope = Envelope::of(points, extra);
        let parts = BLOCKS * FINE;
        let fine = (end - begin) / parts as f64;
        let levels: Vec<_> = (0..=parts).map(|part| envelope.at(begin + fine * part as f64)).collect();
        let blocks = |parts: usize| -> Vec<f64> {
            let borders: Vec<_> = levels.iter().step_by(parts).collect();
            borders.windows(2).map(|pair| (pair[1] - pair[0]) / (fine * parts as f64)).collect()
        };
        Profile { begin, fine, twelfths: blocks(FINE), sixths: blocks(2 * FINE), levels }
    }

    /// Its steps.
    pub fn steps(&self) -> f64 {
        self.fine * (self.levels.len() - 1) as f64
    }

    /// The steps of a block.
    fn block(&self) -> f64 {
        self.steps() / BLOCKS as f64
    }

    /// What it gains in all, in bytes.
    pub fn gain(&self) -> f64 {
        self.levels[self.levels.len() - 1] - self.levels[0]
    }

    /// Growth for each step, in bytes: the median of the sixths, and the interval of the median block.
    ///
    /// The third smallest and third largest of twelve independent blocks enclose their median in 96.1 %, the
    /// smallest and largest of six in 96.9 % of all cases, whatever their distribution (David and Nagaraja,
    /// *Order Statistics*, 2003, 7.1); the narrower end of both is taken. The lower end is growth that nearly
    /// every block shows. Rare jumps move it as little as they move a median.
    pub fn growth(&self) -> stats::Interval {
        let (twelfths, sixths) = (sorted(&self.twelfths), sorted(&self.sixths));
        let (low, high) = (twelfths[2].max(sixths[0]), twelfths[BLOCKS - 3].min(sixths[BLOCKS / 2 - 1]));
        let estimate = self.usual().clamp(low, high);
        stats::Interval { estimate, low, high }
    }

    /// How long it has been flat at its end, and the longest that it was flat before, in steps.
    ///
    /// Flat is a stretch that gains no more than the floor, or a tenth of the usual growth, and the noise.
    fn flats(&self, terms: &Terms) -> (f64, f64) {
        let pace = terms.floor.max(FLAT * self.usual());
        let since = self.flat_from(pace, terms.noise);
        let mut longest = 0;
        for from in 0..since {
            let longer =
                (from + longest + 1..=since).rev().find(|&to| self.is_flat(from, to, pace, terms.noise));
            longest = longer.map_or(longest, |to| to - from);
        }
        (self.fine * (self.levels.len() - 1 - since) as f64, self.fine * longest as f64)
    }

    fn is_flat(&self, from: usize, to: usize, pace: f64, noise: f64) -> bool {
        self.levels[to] - self.levels[from] <= pace * self.fine * (to - from) as f64 + noise
    }

    /// The place from which on every stretch to the end is flat.
    fn flat_from(&self, pace: f64, noise: f64) -> usize {
        let last = self.levels.len() - 1;
        (0..last).rev().find(|&from| !self.is_flat(from, last, pace, noise)).map_or(0, |from| from + 1)
    }

    /// Blocks that gain more than the floor and the noise.
    fn standing_out(&self, terms: &Terms) -> usize {
        let most = terms.floor + terms.noise / self.block();
        self.twelfths.iter().filter(|&&gain| gain > most).count()
    }

    /// Whether nearly all of it is a single step, without which it would be a plateau, all in all and after it.
    fn is_level_beside_step(&self, terms: &Terms) -> bool {
        let last = self.levels.len() - 1;
        let rise = |end: &usize| self.levels[*end] - self.levels[end - FINE];
        let ends = FINE..=last - AFTER_STEP * FINE;
        let Some(end) = ends.max_by(|a, b| rise(a).total_cmp(&rise(b))) else { return false };
        let after = self.levels[last] - self.levels[end];
        let no_more = |parts: usize| terms.floor * self.fine * parts as f64 + terms.hidden + terms.noise;
        rise(&end) >= STEP * self.gain()
            && self.gain() - rise(&end) <= no_more(last)
            && after <= no_more(last - end)
    }

    /// Rises that stand apart: neighbouring blocks that stand out, and gain a tenth of all, are one.
    fn rises(&self, terms: &Terms) -> usize {
        let least = (terms.floor + terms.noise / self.block()).max(0.1 * self.gain() / self.block());
        let stands: Vec<_> = self.twelfths.iter().map(|&gain| gain > least).collect();
        stands.chunk_by(|a, b| a == b).filter(|alike| alike[0]).count()
    }

    /// Whether it grows clearly slower later than earlier, or has nearly stopped.
    ///
    /// Slower: of the 36 pairs of an earlier and a later block the later one gains less in 29 or more – Mann
    /// and Whitney's U of 7 or less, which six and six alike blocks give in 4.7 % –, and the third smallest
    /// gain of the later half is clearly less than that of the earlier. By ranks, since a jump is no growth that
    /// could slow down.
    fn is_slowing(&self) -> bool {
        let (first, last) = self.twelfths.split_at(BLOCKS / 2);
        let less = |late: &f64| first.iter().filter(|&early| late < early).count();
        let slower = last.iter().map(less).sum::<usize>() >= SLOWER_PAIRS;
        let slows = slower && sorted(last)[2] < STEADY * sorted(first)[2];
        slows || self.sixths[BLOCKS / 2 - 1] < NEARLY_STOPPED * self.usual()
    }

    /// How uneven the blocks are: their median absolute deviation as a share of their median, which a single jump
    /// does not move.
    fn scatter(&self) -> f64 {
        let median = stats::median(&self.twelfths).unwrap_or_default();
        let deviations: Vec<_> = self.twelfths.iter().map(|gain| (gain - median).abs()).collect();
        stats::median(&deviations).unwrap_or_default() / median.max(f64::MIN_POSITIVE)
    }

    fn usual(&self) -> f64 {
        stats::median(&self.sixths).unwrap_or_default()
    }

    /// Gain in each of so many parts as are as long as two things that can be told apart, 48 at most, in bytes.
    fn cells(&self, resolution: f64) -> Vec<f64> {
        let known = (self.steps() / resolution.max(f64::MIN_POSITIVE)) as usize;
        let cells = [CELLS, CELLS / 2, BLOCKS].into_iter().find(|&cells| cells <= known).unwrap_or(BLOCKS);
        let borders: Vec<_> = self.levels.iter().step_by(BLOCKS * FINE / cells).collect();
        borders.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Whether growth is in most of the way and not in few places of it, or in lumps that come regularly;
    /// `growing` is the share of these cells that gained more than the floor.
    ///
    /// Jumps at random – a heap that takes a new arena, a pool that takes one more picture – may well fall into
    /// ten of twelve blocks, but hardly into half of four times as many cells.
    fn is_everywhere(&self, cells: &[f64], growing: f64) -> bool {
        // What leaves half of the finest cells empty leaves a quarter of those twice as long.
        let longer = CELLS as f64 / cells.len() as f64;
        let least = 1.0 - (1.0 - GROWING_CELLS).powf(longer);
        growing >= least.min(MOST_CELLS) || self.comes_in_lumps(cells)
    }

    /// The share of cells that gained more than the floor.
    fn growing_cells(&self, cells: &[f64], terms: &Terms) -> f64 {
        let least = terms.floor * self.steps() / cells.len() as f64;
        cells.iter().filter(|&&gain| gain > least).count() as f64 / cells.len() as f64
    }

    /// Whether it grows in lumps of one size at one distance from each other, to the end.
    fn comes_in_lumps(&self, cells: &[f64]) -> bool {
        let largest = cells.iter().copied().fold(0.0, f64::max);
        let mut lumps: Vec<(f64, f64)> = Vec::new();
        for (place, &gain) in cells.iter().enumerate().filter(|(_, gain)| **gain > LUMP * largest) {
            match lumps.last_mut() {
                // A lump that lies on the border of two cells.
                Some(last) if place as f64 - last.0 <= 1.0 => *last = (place as f64, last.1 + gain),
                _ => lumps.push((place as f64, gain)),
            }
        }
        let sizes: Vec<_> = lumps.iter().map(|lump| lump.1).collect();
        let distances: Vec<_> = lumps.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        let usual = stats::mean(&distances).unwrap_or(f64::INFINITY);
        lumps.len() >= LEAST_LUMPS
            && sizes.iter().sum::<f64>() >= IN_LUMPS * self.gain()
            && scatter(&sizes) < REGULAR
            && scatter(&distances) < REGULAR
            && cells.len() as f64 - lumps[lumps.len() - 1].0 <= 1.5 * usual
    }

    /// Whether it gains enough in enough places, whatever becomes of it in the end.
    fn grows(&self, terms: &Terms, resolution: f64) -> Grows {
        let cells = self.cells(resolution);
        let growing = self.growing_cells(&cells, terms);
        let scatter = if self.comes_in_lumps(&cells) { 0.0 } else { self.scatter() };
        let least = |even| if scatter <= even { LEAST_GAIN } else { LEAST_GAIN.max(terms.heaps) };
        // Without what a single jump gained.
        let steady = self.gain().min(self.usual() * self.steps());
        let enough = steady > least(EVEN) + terms.noise;
        let nearly_enough = steady > NEARLY_ENOUGH * least(NEARLY_EVEN) + terms.noise;
        if enough && self.growth().low > terms.floor && self.is_everywhere(&cells, growing) {
            Grows::Yes
        } else if nearly_enough && self.usual() > terms.floor && growing > NEARLY_EVERYWHERE {
            Grows::Perhaps
        } else {
            Grows::No
        }
    }

    /// What it looks like; two things are told apart only when they are `resolution` steps apart.
    pub fn shape(&self, terms: &Terms, resolution: f64) -> Shape {
        let (trailing, before) = self.flats(terms);
        let stopped = trailing > 1.5 * before + resolution;
        let gain = self.gain();
        let grows = self.grows(terms, resolution);
        // Rises that come again at the same distance are no single ones.
        let over = trailing >= 1.5 * self.block() && (self.rises(terms) < 2 || trailing > before);
        match self.standing_out(terms) {
            _ if grows == Grows::Yes && !(stopped && trailing > 0.25 * self.block()) => {
                match self.is_slowing() {
                    true => Shape::Slowing,
                    false => Shape::Growing,
                }
            }
            _ if gain <= terms.floor * self.steps() + terms.noise => Shape::Plateau,
            // What might be growth after all is left open, so that a chance does not turn it into its opposite.
            _ if gain <= terms.floor * self.steps() + terms.hidden + terms.noise && grows == Grows::No => {
                Shape::Plateau
            }
            0 => Shape::Plateau,
            1..=4 if over => Shape::Step,
            _ if self.is_level_beside_step(terms) && grows == Grows::No => Shape::SingleStep,
            _ if stopped && trailing >= 1.5 * self.block() => Shape::Stopped,
            1..=3 => Shape::LateRise,
            _ => Shape::Mixed,
        }
    }

    /// The step at which it stopped growing: after which it gained no more than the floor, unless a small rise
    /// came later.
    pub fn flat_since(&self, terms: &Terms) -> f64 {
        let last = self.levels.len() - 1;
        let beside = self.flat_from(terms.floor.max(FLAT * self.usual()), terms.noise);
        let strictly = self.flat_from(terms.floor, terms.noise);
        let since = if 2 * (last - strictly) < last - beside { beside } else { strictly };
        self.begin + self.fine * since as f64
    }
}

/// Whether memory rose for long over a part of the way, and was given back by its end: that is in no envelope.
///
/// For long: through four blocks or more, by the medians of their levels, with one exception at most. Given back:
/// a fifth of its range, and 2 MiB, of the highest of them. What only goes up and down does not rise so.
pub fn is_given_back(points: &[Point], (begin, end): (f64, f64), terms: &Terms) -> bool {
    let length = (end - begin) / BLOCKS as f64;
    let median = |block: usize| {
        let from = begin + length * block as f64;
        let within = points.iter().filter(|point| (from..from + length).contains(&point.at));
        stats::median(&within.map(|point| point.low).collect::<Vec<_>>())
    };
    let medians: Vec<_> = (0..BLOCKS).filter_map(median).collect();
    let Some((crest, highest)) = medians.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
    else {
        return false;
    };
    let rises =
        medians[..crest].iter().zip(&medians[1..]).filter(|(now, next)| *next - *now > terms.noise).count();
    let lowest = medians.iter().copied().fold(f64::MAX, f64::min);
    let kept = Envelope::of(points, 0.0).at(end);
    let least = (GIVEN_BACK * (highest - lowest)).max(GIVEN_BACK_LEAST);
    crest >= LONG_RISE && rises + 1 >= crest && highest - kept > least
}

/// How far memory fell below what it had been for a whole block, at most, in bytes: a leak up to there was in no envelope.
pub fn masked(points: &[Point], envelope: &Envelope, (begin, end): (f64, f64)) -> f64 {
    let length = (end - begin) / BLOCKS as f64;
    let fallen = |block: usize| {
        let (from, to) = (begin + length * block as f64, begin + length * (block + 1) as f64);
        let within = points.iter().filter(|point| (from..to).contains(&point.at));
        Some(within.map(|point| point.low).reduce(f64::min)? - envelope.at(to))
    };
    (0..BLOCKS).filter_map(fallen).fold(0.0, f64::max)
}

/// The standard deviation as a share of the mean.
fn scatter(numbers: &[f64]) -> f64 {
    let spread = stats::standard_deviation(numbers).unwrap_or(f64::INFINITY);
    spread / stats::mean(numbers).unwrap_or_default().max(f64::MIN_POSITIVE)
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// The growth for each step, in bytes, above which these points would not have been called stable.
///
/// What nearly every block shows is taken away, and growth added, ever more, until it is called growth; the
/// limit is the largest that was still called stable, refined by bisection. What a real leak may first fill comes
/// on top of it. `base` is what nearly every block shows: the lower end of [`Profile::growth`].
pub fn not_stable_above(
    points: &[Point],
    part: (f64, f64),
    base: f64,
    terms: &Terms,
    resolution: f64,
) -> f64 {
    let shape = |growth: f64| Profile::of(points, part, growth - base).shape(terms, resolution);
    let (mut low, mut high, mut next) = (0.0, terms.floor, terms.floor);
    for _ in 0..MOST_DOUBLINGS {
        match shape(next) {
            Shape::Growing => break,
            found if found.is_stable() => (low, high) = (next, 2.0 * next),
            _ => {}
        }
        next *= 2.0;
    }
    for _ in 0..10 {
        let middle = (low + high) / 2.0;
        if shape(middle).is_stable() { low = middle } else { high = middle }
    }
    high.max(terms.floor)
}
