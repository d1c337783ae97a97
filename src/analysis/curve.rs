//! A job's memory as a line to draw: few points, and no spike lost.

use crate::analysis::FrameClock;
use crate::trace::Sample;
use crate::units::Bytes;

/// A point of a line: memory at a frame or at a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelPoint {
    /// The frame, or the second.
    pub at: f64,
    /// Anonymous memory plus swap.
    pub level: Bytes,
}

/// Anonymous memory plus swap of one job, thinned out for drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// Sorted by where they are.
    pub points: Vec<LevelPoint>,
}

impl Curve {
    /// Over the frames exported, thinned to so many columns; empty without a frame counter.
    ///
    /// Start-up and teardown have no frames, and no width here: of the former nothing is shown, of
    /// the flush and teardown only what rises above the level at the last frame, as a line straight up.
    pub fn over_frames(samples: &[Sample], columns: usize) -> Curve {
        let clock = FrameClock::of(samples);
        let Some((begin, end)) = clock.exporting() else { return Curve::default() };
        let place = |sample: &Sample| clock.frame_at(sample.t_s).filter(|_| sample.t_s >= begin);
        let during = points(samples.iter().filter(|sample| sample.t_s <= end), place);
        let after = points(samples.iter().filter(|sample| sample.t_s > end), place);
        let level = during.last().map(|point| point.level);
        let highest = after.into_iter().max_by_key(|point| point.level);
        let rise = highest.filter(|highest| Some(highest.level) > level);
        Curve { points: thin(during.into_iter().chain(rise).collect(), columns) }
    }

    /// Over the seconds since the engine was started, thinned to so many columns.
    pub fn over_time(samples: &[Sample], columns: usize) -> Curve {
        Curve { points: thin(points(samples.iter(), |sample| Some(sample.t_s)), columns) }
    }
}

fn points<'a>(
    samples: impl Iterator<Item = &'a Sample>,
    place: impl Fn(&Sample) -> Option<f64>,
) -> Vec<LevelPoint> {
    samples
        .filter_map(|sample| Some(LevelPoint { at: place(sample)?, level: sample.anon_and_swap()? }))
        .collect()
}

/// Keeps the first, the lowest, the highest and the last point of each column: a line through them
/// covers the same pixels as a line through all ("M4", Jugel et al., VLDB 2014).
fn thin(points: Vec<LevelPoint>, columns: usize) -> Vec<LevelPoint> {
    if points.len() <= 4 * columns {
        return points;
    }
    let (first, last) = (points[0].at, points[points.len() - 1].at);
    let column = |point: &LevelPoint| ((point.at - first) / (last - first) * columns as f64) as usize;
    points.chunk_by(|a, b| column(a) == column(b)).flat_map(outline).collect()
}

/// The first, lowest, highest and last of the points, in their order, none twice.
fn outline(points: &[LevelPoint]) -> Vec<LevelPoint> {
    let by_level = |&index: &usize| points[index].level;
    let lowest = (0..points.len()).min_by_key(by_level).unwrap_or(0);
    let highest = (0..points.len()).max_by_key(by_level).unwrap_or(0);
    let mut kept = [0, lowest, highest, points.len() - 1].to_vec();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| points[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Count;

    #[test]
    fn a_spike_of_one_sample_in_a_million_is_kept() {
        let level = |index: u64| Bytes::from_mib(if index == 654_321 { 900 } else { 100 });
        let all = (0..1_000_000).map(|index| LevelPoint { at: index as f64, level: level(index) }).collect();
        let thinned = thin(all, 1000);
        assert!(thinned.len() <= 4000, "{}", thinned.len());
        assert!(thinned.contains(&LevelPoint { at: 654_321.0, level: Bytes::from_mib(900) }));
        assert_eq!((thinned[0].at, thinned[thinned.len() - 1].at), (0.0, 999_999.0));
    }

    fn sample(t_s: f64, frames: u64, mib: u64) -> Sample {
        Sample {
            t_s,
            frames_out: Some(Count::new(frames)),
            anon_bytes: Some(Bytes::from_mib(mib)),
            ..Sample::default()
        }
    }

    #[test]
    fn the_teardown_is_no_part_of_the_line_over_frames_but_a_rise_while_flushing_is() {
        let trace = [sample(0.0, 0, 1), sample(1.0, 10, 50), sample(2.0, 20, 60), sample(3.0, 20, 5)];
        let levels = |samples: &[Sample]| -> Vec<f64> {
            Curve::over_frames(samples, 100).points.iter().map(|point| point.level.mib()).collect()
        };
        assert_eq!(levels(&trace), [1.0, 50.0, 60.0]);
        let flushing = [&trace[..3], &[sample(3.0, 20, 90), sample(4.0, 20, 5)]].concat();
        assert_eq!(levels(&flushing), [1.0, 50.0, 60.0, 90.0]);
    }

    #[test]
    fn without_a_frame_counter_there_is_no_line_over_frames() {
        let trace = [Sample { anon_bytes: Some(Bytes::from_mib(1)), ..Sample::default() }];
        assert_eq!(Curve::over_frames(&trace, 100), Curve::default());
        assert_eq!(Curve::over_time(&trace, 100).points.len(), 1);
    }
}
