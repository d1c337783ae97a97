//! Memory that falls again and again: a collector, a cache that is emptied, a queue that drains.

use memreel_trace::units::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::Point;
use crate::stats;

/// The falls of a memory curve that has the shape of a saw.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sawtooth {
    /// Falls after which memory rose again by at least half of the fall.
    pub falls: usize,
    /// The median height of the falls, in bytes.
    #[serde(rename = "height_bytes")]
    pub height: Bytes,
    /// The frame of each trough; the second, if frames were not counted.
    pub troughs: Vec<f64>,
}

impl Sawtooth {
    /// The saw-tooth in these points, if it has a tooth.
    ///
    /// A tooth is a fall of 2 MiB or more after which it rises again by half of the fall. On average a saw stands above
    /// its own future minimum by half the height of its teeth, where they are straight: what only spikes hardly does, and
    /// is not one.
    pub fn of(points: &[Point], k: &Constants) -> Option<Sawtooth> {
        let (heights, troughs): (Vec<f64>, Vec<Point>) = teeth(points, k).into_iter().unzip();
        let height = stats::median(&heights)?;
        let last = troughs.last()?.at;
        let until = points.partition_point(|point| point.at <= last);
        (above_what_is_kept(&points[..until]) > k.alike * height).then(|| Sawtooth {
            falls: troughs.len(),
            height: Bytes::new(height as u64),
            troughs: troughs.iter().map(|trough| trough.at).collect(),
        })
    }

    /// Where the last trough is; what comes after is a tooth that is not whole.
    pub fn last_trough(&self) -> f64 {
        self.troughs.last().copied().unwrap_or_default()
    }

    /// From one trough to the next, in steps: the median.
    pub fn period(&self) -> f64 {
        let periods: Vec<_> = self.troughs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        stats::median(&periods).unwrap_or_default()
    }
}

/// The height of each fall after which it rose again by half, and the trough.
fn teeth(points: &[Point], k: &Constants) -> Vec<(f64, Point)> {
    let (mut teeth, mut crest, mut trough) = (Vec::new(), f64::MIN, None::<Point>);
    for &point in points {
        match trough {
            None if point.low <= crest - k.least_fall => trough = Some(point),
            None => crest = crest.max(point.high),
            Some(low) if point.low < low.low => trough = Some(point),
            Some(low) if point.high >= low.low + (crest - low.low) / 2.0 => {
                teeth.push((crest - low.low, low));
                (crest, trough) = (point.high, None);
            }
            Some(_) => {}
        }
    }
    teeth
}

/// How far the points stand above their future minimum, on average over the way, in bytes.
fn above_what_is_kept(points: &[Point]) -> f64 {
    let kept = stats::future_minimum(points.iter().map(|point| point.low));
    let above = points.iter().zip(kept).map(|(point, kept)| (point.low + point.high) / 2.0 - kept);
    stats::mean(&above.collect::<Vec<_>>()).unwrap_or_default()
}
