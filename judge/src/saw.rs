//! Memory that falls again and again: a collector, a cache that is emptied, a queue that drains.

use memreel_trace::units::Bytes;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::{Envelope, Point};
use crate::stats;

/// The teeth of a saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sawtooth {
    /// Falls after which it rose again by half.
    pub falls: usize,
    /// The median of their heights.
    #[serde(rename = "height_bytes")]
    pub height: Bytes,
    /// Where each trough is: its step.
    pub troughs: Vec<f64>,
    /// Their levels, in bytes.
    #[serde(skip)]
    lows: Vec<f64>,
    /// Whether it stands high above what it never gives back, as a saw does: spikes hardly do.
    #[serde(skip)]
    pub stands: bool,
}

/// A fall, after which it rose again by half.
struct Tooth {
    height: f64,
    trough: Point,
}

impl Sawtooth {
    /// The saw-tooth in these points, if it has a tooth.
    ///
    /// A tooth is a fall of 2 MiB or more and of 30 % or more of the range between the 2 % and the 98 %
    /// quantile, after which it rises again by half of the fall. On average a saw stands above its own future
    /// minimum by half the height of its teeth, where they are straight: what only spikes hardly does.
    pub fn of(points: &[Point], k: &Constants) -> Option<Sawtooth> {
        let teeth = teeth(points, k);
        let heights: Vec<_> = teeth.iter().map(|tooth| tooth.height).collect();
        let height = stats::median(&heights)?;
        let last = teeth.last()?.trough.at;
        let until = points.partition_point(|point| point.at <= last);
        Some(Sawtooth {
            stands: above_what_is_kept(&points[..until]) > k.alike * height,
            falls: teeth.len(),
            height: Bytes::new(height as u64),
            troughs: teeth.iter().map(|tooth| tooth.trough.at).collect(),
            lows: teeth.iter().map(|tooth| tooth.trough.low).collect(),
        })
    }

    /// The farthest fall from one trough to a later one, in bytes: a leak up to there shows in none.
    pub fn farthest_fall(&self) -> f64 {
        let mut highest = f64::MIN;
        let falls = self.lows.iter().map(|&low| {
            highest = highest.max(low);
            highest - low
        });
        falls.fold(0.0, f64::max)
    }

    /// Where the last trough is, and its level in bytes; what comes after is a tooth that is not whole.
    pub fn last_trough(&self) -> (f64, f64) {
        self.troughs.last().copied().zip(self.lows.last().copied()).unwrap_or_default()
    }

    /// From one trough to the next, in steps: the median.
    pub fn period(&self) -> f64 {
        let periods: Vec<_> = self.troughs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        stats::median(&periods).unwrap_or_default()
    }
}

fn teeth(points: &[Point], k: &Constants) -> Vec<Tooth> {
    let lows: Vec<_> = points.iter().map(|point| point.low).collect();
    let Some((high, low)) = stats::quantile(&lows, 0.98).zip(stats::quantile(&lows, 0.02)) else {
        return Vec::new();
    };
    let least = k.least_fall.max(k.alike * (high - low));
    let (mut teeth, mut crest, mut trough) = (Vec::new(), f64::MIN, None::<Point>);
    for &point in points {
        match trough {
            None if point.low <= crest - least => trough = Some(point),
            None => crest = crest.max(point.high),
            Some(low) if point.low < low.low => trough = Some(point),
            Some(low) if point.high >= low.low + (crest - low.low) / 2.0 => {
                teeth.push(Tooth { height: crest - low.low, trough: low });
                (crest, trough) = (point.high, None);
            }
            Some(_) => {}
        }
    }
    teeth
}

/// How far the points stand above their future minimum, on average over the way, in bytes.
fn above_what_is_kept(points: &[Point]) -> f64 {
    let envelope = Envelope::of(points);
    let above =
        points.iter().zip(envelope.knots()).map(|(point, knot)| (point.low + point.high) / 2.0 - knot.1);
    stats::mean(&above.collect::<Vec<_>>()).unwrap_or_default()
}
