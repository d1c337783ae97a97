//! The block-increment test: the method that memreel's rules were developed from, as it was first written down.
//!
//! Levels are replaced by their future minimum, the tail of the run is cut into blocks of equal frames, and the
//! blocks' increments are judged. It knows nothing of cuts, queues or what a heap hides.

use memreel_judge::stats;

use super::methods::Answer;

/// The tail that is judged begins at this share of the frames; a saw-tooth is looked for from the other on.
const TAIL: f64 = 0.25;
const SAW: f64 = 0.15;
const LEAST_FRAMES: f64 = 500.0;
const LEAST_SAMPLES: usize = 36;
/// What is no growth over a whole tail, and no fall, in bytes.
const LITTLE: f64 = 1_048_576.0;
const FALL: f64 = 2_097_152.0;
/// With fewer troughs their trend is open.
const TROUGHS: usize = 7;

/// What it says of levels over frames, from the first frame to 98 % of `frames`.
pub fn by_increments(points: &[(f64, f64)], frames: f64, has_index: bool) -> Answer {
    let floor = if has_index { 512.0 } else { (131_072.0 / frames).max(32.0) };
    let from = |share: f64| &points[points.partition_point(|point| point.0 < share * frames)..];
    let tail = from(TAIL);
    let (Some(first), Some(last)) = (tail.first(), tail.last()) else { return Answer::Open };
    if last.0 - first.0 < LEAST_FRAMES || tail.len() < LEAST_SAMPLES {
        return Answer::Open;
    }
    let troughs = troughs(from(SAW));
    match troughs.len() {
        0 | 1 => Increments::of(tail).answer(floor),
        few if few < TROUGHS => Answer::Rests,
        _ if low_trough_slope(&troughs) > floor => Answer::Grows,
        _ => Answer::Rests,
    }
}

/// The lowest points after falls that were risen again by half.
fn troughs(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let levels: Vec<f64> = points.iter().map(|point| point.1).collect();
    let quantile = |p: f64| stats::quantile(&levels, p).unwrap_or_default();
    let least = FALL.max(0.3 * (quantile(0.98) - quantile(0.02)));
    let (mut found, mut crest, mut low) = (Vec::new(), f64::MIN, None::<(f64, f64)>);
    for &(at, level) in points {
        match low {
            None if level <= crest - least => low = Some((at, level)),
            None => crest = crest.max(level),
            Some(trough) if level < trough.1 => low = Some((at, level)),
            Some(trough) if level >= trough.1 + (crest - trough.1) / 2.0 => {
                found.push(trough);
                (crest, low) = (level, None);
            }
            Some(_) => {}
        }
    }
    found
}

/// The second smallest slope from one trough to the next.
fn low_trough_slope(troughs: &[(f64, f64)]) -> f64 {
    let slopes = troughs.windows(2).map(|pair| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0));
    sorted(&slopes.collect::<Vec<_>>())[1]
}

/// The future minimum over the tail, cut into blocks.
struct Increments {
    frames: f64,
    gain: f64,
    twelfths: Vec<f64>,
    sixths: Vec<f64>,
}

impl Increments {
    fn of(tail: &[(f64, f64)]) -> Increments {
        let mut lowest = f64::MAX;
        let backward = tail.iter().rev().map(|&(at, level)| {
            lowest = lowest.min(level);
            (at, lowest)
        });
        let mut envelope: Vec<_> = backward.collect();
        envelope.reverse();
        let (begin, end) = (tail[0].0, tail[tail.len() - 1].0);
        let level = |at: f64| stats::interpolate(&envelope, at).unwrap_or_default();
        let blocks = |count: usize| -> Vec<f64> {
            let block = (end - begin) / count as f64;
            let border = |index: usize| level(begin + block * index as f64);
            (0..count).map(|index| (border(index + 1) - border(index)) / block).collect()
        };
        let gain = level(end) - level(begin);
        Increments { frames: end - begin, gain, twelfths: blocks(12), sixths: blocks(6) }
    }

    fn answer(&self, floor: f64) -> Answer {
        let (d12, last) = (&self.twelfths, &self.twelfths[8..]);
        let low = sorted(d12)[2].max(sorted(&self.sixths)[0]);
        let flat_end = median(last) <= floor || median(&d12[9..]) <= floor;
        let standing_out = d12.iter().filter(|&&gain| gain > floor).count();
        match () {
            () if low > floor && !flat_end && !self.slows() => Answer::Grows,
            () if low > floor && !flat_end => Answer::Open,
            () if self.gain <= (floor * self.frames).max(LITTLE) => Answer::Rests,
            () if median(d12) <= floor && standing_out <= 2 && last.iter().all(|&gain| gain <= floor) => {
                Answer::Rests
            }
            () if self.has_stopped(floor) => Answer::Rests,
            () => Answer::Open,
        }
    }

    fn slows(&self) -> bool {
        let (first, last) = (median(&self.twelfths[..4]), &self.twelfths[8..]);
        median(last) < 0.6 * first && sorted(last)[2] < first
    }

    /// The last blocks are small against the largest.
    fn has_stopped(&self, floor: f64) -> bool {
        let largest = sorted(&self.twelfths)[11];
        self.twelfths[10..].iter().all(|&gain| gain <= floor.max(0.1 * largest))
    }
}

fn median(numbers: &[f64]) -> f64 {
    stats::median(numbers).unwrap_or_default()
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers
}
