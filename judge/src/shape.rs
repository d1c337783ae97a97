//! The first question, of one part of the way: does memory grow, does it not, or is that open?
//!
//! What is judged are the *increments* of the future-minimum [`Envelope`] over blocks of equal length, never a line
//! through the levels: memory of a healthy export is a ratchet with rare jumps.

use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::Envelope;
use crate::stats::{self, Interval};
use crate::terms::Terms;

/// Blocks that the judged part is cut into.
pub const BLOCKS: usize = 12;
/// Finer parts of a block.
const FINE: usize = 20;
/// Cells that must mostly grow, four a block: jumps come in few of them, however evenly they fall into the blocks.
const CELLS: usize = 4 * BLOCKS;
/// Of the 36 pairs of an early and a late block, so many are ordered alike by chance in 4.7 % of all cases: Mann and
/// Whitney's U for six and six.
const ORDERED_PAIRS: usize = 29;

/// The shape of the memory curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Level after the warm-up.
    Plateau,
    /// Level but for one to three rises that stayed.
    Steps,
    /// Memory rose for a long time, and stopped.
    Filled,
    /// Memory falls repeatedly.
    SawTooth,
    /// Memory grows at a constant rate.
    Steady,
    /// Memory grows, and less later on.
    Slowing,
    /// Memory grows, and more later on.
    Accelerating,
    /// Memory rises at irregular times.
    Irregular,
}

/// Whether memory grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Memory grows.
    Yes,
    /// Memory does not grow.
    No,
    /// The data do not decide.
    #[default]
    Open,
}

/// What a part of the way shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Whether memory grows.
    pub grows: Answer,
    /// What its course looks like.
    pub form: Form,
    /// No steady growth above this, in bytes for each step, can be in what was seen, if that is not growth.
    pub limit: f64,
    /// The step from which on it is flat to its end.
    pub flat_since: f64,
}

/// The envelope over the judged part, cut into blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks {
    begin: f64,
    fine: f64,
    /// Bytes at each border of the finer parts.
    levels: Vec<f64>,
    /// Gain for each step in each of twelve blocks, in bytes.
    pub twelfths: Vec<f64>,
    /// The same in six blocks twice as long: what comes in lumps is smoother there.
    pub sixths: Vec<f64>,
}

impl Blocks {
    /// Of an envelope over a part of the way.
    pub fn of(envelope: &Envelope, (begin, end): (f64, f64)) -> Blocks {
        let parts = BLOCKS * FINE;
        let fine = (end - begin) / parts as f64;
        let levels: Vec<_> = (0..=parts).map(|part| envelope.at(begin + fine * part as f64)).collect();
        let blocks = |parts: usize| -> Vec<f64> {
            let borders: Vec<_> = levels.iter().step_by(parts).collect();
            borders.windows(2).map(|pair| (pair[1] - pair[0]) / (fine * parts as f64)).collect()
        };
        Blocks { begin, fine, twelfths: blocks(FINE), sixths: blocks(2 * FINE), levels }
    }

    /// Its steps.
    pub fn steps(&self) -> f64 {
        self.fine * self.last() as f64
    }

    fn last(&self) -> usize {
        self.levels.len() - 1
    }

    fn block(&self) -> f64 {
        self.fine * FINE as f64
    }

    /// What it gains in all, in bytes.
    pub fn gain(&self) -> f64 {
        self.levels[self.last()] - self.levels[0]
    }

    /// Growth for each step, in bytes: the trimmed mean of the twelfths, and the interval of the median block.
    ///
    /// The third smallest and third largest of twelve independent blocks enclose their median in 96.1 %, the
    /// smallest and largest of six in 96.9 % of all cases, whatever their distribution (David and Nagaraja,
    /// *Order Statistics*, 2003, 7.1); the narrower end of both is taken. The lower end is growth that nearly
    /// every block shows.
    pub fn growth(&self) -> Interval {
        let (twelfths, sixths) = (sorted(&self.twelfths), sorted(&self.sixths));
        let (low, high) = (twelfths[2].max(sixths[0]), twelfths[BLOCKS - 3].min(sixths[BLOCKS / 2 - 1]));
        let estimate = stats::mean(&twelfths[2..BLOCKS - 2]).unwrap_or_default();
        Interval { estimate: estimate.clamp(low, high.max(low)), low, high: high.max(low) }
    }

    fn usual(&self) -> f64 {
        stats::median(&self.sixths).unwrap_or_default()
    }

    /// The shape; two things are told apart only when they are `resolution` steps apart.
    pub fn shape(&self, terms: &Terms, resolution: f64, k: &Constants) -> Shape {
        let (since, before) = self.flats(terms, k);
        let (gain, length) = (self.gain(), self.steps());
        let trailing = length - self.fine * since as f64;
        // At each of its ends as much as one thing known may be missing.
        let stopped = trailing > k.stopped * self.fine * before as f64 + 2.0 * resolution;
        let shape = |grows: Answer, form: Form, rest: f64, length: f64| Shape {
            grows,
            form,
            limit: (rest + terms.hidden) / length,
            flat_since: self.begin + self.fine * since as f64,
        };
        let growing = self.grows(terms, resolution, k);
        if growing == Answer::Yes && !stopped {
            let form = self.pace(k);
            let grows = if form == Form::Slowing { Answer::Open } else { Answer::Yes };
            return shape(grows, form, gain, length);
        }
        // Possible growth stays inconclusive, so that chance does not turn a yes into a no.
        if growing == Answer::No {
            let most = terms.floor * length + terms.noise + terms.hidden;
            let (mut rest, reach) = (gain, self.block().max(resolution));
            for (rises, rise) in std::iter::once(0.0).chain(self.largest_rises(reach, k)).enumerate() {
                rest -= rise;
                if rest <= most {
                    let form = if rises == 0 { Form::Plateau } else { Form::Steps };
                    return shape(Answer::No, form, rest, length - reach * rises as f64);
                }
            }
        }
        match stopped && trailing >= k.stopped * self.block() {
            true => shape(Answer::No, Form::Filled, self.levels[self.last()] - self.levels[since], trailing),
            false => shape(Answer::Open, Form::Irregular, gain, length),
        }
    }

    /// The largest rises over the length of a block, from the largest, in bytes, so many steps apart; none that is as
    /// large as the largest, since what has come twice may come again. Enough of the way follows each to see that it
    /// stayed alone.
    fn largest_rises(&self, reach: f64, k: &Constants) -> Vec<f64> {
        let mut rises: Vec<(usize, f64)> = Vec::new();
        let (apart, alone) = ((reach / self.fine) as usize, (k.stopped * reach / self.fine) as usize);
        let last = self.last().saturating_sub(alone);
        for _ in 0..k.single_rises as usize {
            let is_free = |end: &usize| rises.iter().all(|rise| rise.0.abs_diff(*end) >= apart);
            let rise = |end: usize| (end, self.levels[end] - self.levels[end - FINE]);
            let largest = (FINE..=last).filter(is_free).map(rise).max_by(|a, b| a.1.total_cmp(&b.1));
            let is_alike = |rise: &(usize, f64)| {
                rises.first().is_some_and(|largest| rise.1 > (1.0 - k.alike) * largest.1)
            };
            rises.extend(largest.filter(|rise| !is_alike(rise)));
        }
        rises.into_iter().map(|rise| rise.1).collect()
    }

    /// The place from which on it is flat to its end, and how long it was flat at most before, in places.
    ///
    /// Flat is a stretch that gains no more than the floor, or a tenth of the usual growth, and the noise.
    fn flats(&self, terms: &Terms, k: &Constants) -> (usize, usize) {
        let pace = self.fine * terms.floor.max(k.flat * self.usual());
        let is_flat = |from: usize, to: usize| {
            self.levels[to] - self.levels[from] <= pace * (to - from) as f64 + terms.noise
        };
        let last = self.last();
        let since = (0..last).rev().find(|&from| !is_flat(from, last)).map_or(0, |from| from + 1);
        let mut longest = 0;
        for from in 0..since {
            let longer = (from + longest + 1..=since).rev().find(|&to| is_flat(from, to));
            longest = longer.map_or(longest, |to| to - from);
        }
        (since, longest)
    }

    /// Whether later blocks gain less than earlier ones, more, or as much.
    ///
    /// By ranks, since a jump is no growth that could slow down, and by a quarter of what nearly every block of a
    /// half gains.
    fn pace(&self, k: &Constants) -> Form {
        let (early, late) = self.twelfths.split_at(BLOCKS / 2);
        let less = late.iter().map(|late| early.iter().filter(|&early| late < early).count()).sum::<usize>();
        let more = late.iter().map(|late| early.iter().filter(|&early| late > early).count()).sum::<usize>();
        let (early, late) = (sorted(early)[2], sorted(late)[2]);
        let nearly_stopped = self.sixths[BLOCKS / 2 - 1] < k.goes_on * self.usual();
        match () {
            () if less >= ORDERED_PAIRS && late < k.nearly * early || nearly_stopped => Form::Slowing,
            () if more >= ORDERED_PAIRS && early < k.nearly * late => Form::Accelerating,
            () => Form::Steady,
        }
    }

    /// Gain in each of so many parts as are as long as two things that can be told apart, 48 at most, in bytes.
    fn cells(&self, resolution: f64) -> Vec<f64> {
        let known = (self.steps() / resolution.max(f64::MIN_POSITIVE)) as usize;
        let cells = [CELLS, CELLS / 2, BLOCKS].into_iter().find(|&cells| cells <= known).unwrap_or(BLOCKS);
        let borders: Vec<_> = self.levels.iter().step_by(BLOCKS * FINE / cells).collect();
        borders.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Whether it gains enough in enough places, whatever becomes of it in the end.
    ///
    /// Jumps at random – a heap that takes a new arena, a pool that takes one more picture – may well fall into
    /// ten of twelve blocks, but hardly into half of four times as many cells.
    fn grows(&self, terms: &Terms, resolution: f64, k: &Constants) -> Answer {
        let cells = self.cells(resolution);
        let least = terms.floor * self.steps() / cells.len() as f64;
        let growing = cells.iter().filter(|&&gain| gain > least).count() as f64 / cells.len() as f64;
        let regular = regular_rises(&cells, k);
        let scatter = if regular { 0.0 } else { stats::scatter(&self.twelfths) };
        // Without what a single jump gained.
        let usual = if regular { self.usual() } else { stats::median(&self.twelfths).unwrap_or_default() };
        let steady = self.gain().min(usual * self.steps()) - terms.noise;
        // What leaves half of the finest cells empty leaves a quarter of those twice as long.
        let longer = CELLS as f64 / cells.len() as f64;
        let everywhere = 1.0 - (1.0 - k.growing_cells).powf(longer);
        // A yes asks for all of it, a no for less than most of it, however few the cells are.
        let passes = |share: f64, low: f64, everywhere: f64| {
            let heaps = if scatter <= k.even / share { 0.0 } else { terms.heaps };
            steady > share * k.least_gain.max(heaps)
                && low > terms.floor
                && (regular || growing >= share * everywhere)
        };
        match () {
            () if passes(1.0, self.growth().low, everywhere) => Answer::Yes,
            () if passes(k.nearly, usual, k.growing_cells) => Answer::Open,
            () => Answer::No,
        }
    }

    /// Whether every sixth gains more than what may hide, and none more than twice another: growth that is seen in
    /// few frames and few samples.
    pub fn is_steep(&self, terms: &Terms) -> bool {
        let sixths = sorted(&self.sixths);
        sixths[0] * 2.0 * self.block() > terms.hidden && sixths[BLOCKS / 2 - 1] < 2.0 * sixths[0]
    }
}

/// Whether what these cells gained came in rises of one size at one distance from each other.
fn regular_rises(cells: &[f64], k: &Constants) -> bool {
    let largest = cells.iter().copied().fold(0.0, f64::max);
    let mut rises: Vec<(f64, f64)> = Vec::new();
    for (place, &gain) in cells.iter().enumerate().filter(|(_, gain)| **gain > k.alike * largest) {
        match rises.last_mut() {
            // One that lies on the border of two cells.
            Some(last) if place as f64 - last.0 <= 1.0 => *last = (place as f64, last.1 + gain),
            _ => rises.push((place as f64, gain)),
        }
    }
    let sizes: Vec<_> = rises.iter().map(|rise| rise.1).collect();
    let distances: Vec<_> = rises.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    rises.len() as f64 > k.single_rises && spread(&sizes) < k.alike && spread(&distances) < k.alike
}

/// The standard deviation as a share of the mean.
fn spread(numbers: &[f64]) -> f64 {
    let deviation = stats::standard_deviation(numbers).unwrap_or(f64::INFINITY);
    deviation / stats::mean(numbers).unwrap_or_default().max(f64::MIN_POSITIVE)
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers
}
