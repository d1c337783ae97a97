//! Memory that falls again and again: a collector, a cache that is emptied, a queue that drains.

use serde::Serialize;

use super::course::{Envelope, Point};
use crate::stats;
use crate::units::Bytes;

/// A fall of less is noise, in bytes.
const LEAST_FALL: f64 = 2_097_152.0;
/// And of less than this share of all that is seen.
const LEAST_SHARE: f64 = 0.3;
/// On average a saw stands so far above what it never gives back, as a share of the height of its teeth: half,
/// where they are straight. Spikes stand hardly above it.
const STANDS: f64 = 0.25;
/// Before this share of the way everything is still warming up.
pub const AFTER: f64 = 0.15;
/// With fewer troughs nothing is known of their trend.
pub const TROUGHS: usize = 7;

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
}

/// A fall, after which it rose again by half.
pub struct Tooth {
    /// How far it fell, in bytes.
    pub height: f64,
    /// Where it was lowest.
    pub trough: Point,
}

/// A single fall of a tooth's height from what had been built up as that of a saw is: memory that is collected once in a
/// long while. `None` of what only spiked.
pub fn long_tooth(points: &[Point], steps: f64) -> Option<Tooth> {
    let points = warm(points, steps);
    let tooth = teeth(&points).pop()?;
    let until = points.partition_point(|point| point.at <= tooth.trough.at);
    (above_what_is_kept(&points[..until]) >= STANDS * tooth.height).then_some(tooth)
}

fn warm(points: &[Point], steps: f64) -> Vec<Point> {
    points.iter().filter(|point| point.at > AFTER * steps).copied().collect()
}

fn teeth(points: &[Point]) -> Vec<Tooth> {
    let lows: Vec<_> = points.iter().map(|point| point.low).collect();
    let Some((high, low)) = stats::quantile(&lows, 0.98).zip(stats::quantile(&lows, 0.02)) else {
        return Vec::new();
    };
    let least = LEAST_FALL.max(LEAST_SHARE * (high - low));
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

impl Sawtooth {
    /// The saw-tooth in these points, if it has two teeth at least.
    ///
    /// On average it stands high above its own future minimum: what only spikes is no saw.
    ///
    /// A tooth is a fall of 2 MiB or more and of 30 % or more of the range between the 2 % and the 98 %
    /// quantile, after which it rises again by half of the fall.
    pub fn of(points: &[Point], steps: f64) -> Option<Sawtooth> {
        let points = warm(points, steps);
        let teeth = teeth(&points);
        let heights: Vec<_> = teeth.iter().map(|tooth| tooth.height).collect();
        let height = stats::median(&heights)?;
        (teeth.len() >= 2 && above_what_is_kept(&points) >= STANDS * height).then(|| Sawtooth {
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

    /// Where the last trough is; what comes after is a tooth that is not whole.
    pub fn last_trough(&self) -> f64 {
        self.troughs.last().copied().unwrap_or_default()
    }

    /// From one trough to the next, in steps: the median, and the longest.
    pub fn periods(&self) -> (f64, f64) {
        let periods: Vec<_> = self.troughs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        (stats::median(&periods).unwrap_or_default(), periods.into_iter().fold(0.0, f64::max))
    }
}

/// How far the points stand above their future minimum, on average over the way, in bytes.
fn above_what_is_kept(points: &[Point]) -> f64 {
    let envelope = Envelope::of(points, 0.0);
    let above =
        points.iter().zip(envelope.knots()).map(|(point, knot)| (point.low + point.high) / 2.0 - knot.1);
    stats::mean(&above.collect::<Vec<_>>()).unwrap_or_default()
}
