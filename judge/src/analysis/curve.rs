//! A recording as a line to draw: few points, and no spike lost.

use crate::analysis::ProgressClock;
use memreel_trace::units::Bytes;
use memreel_trace::{Memory, Series};

/// A point of a line: memory at a frame, at a MiB written or at a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelPoint {
    /// The frame, the MiB written, or the second.
    pub at: f64,
    /// How much memory.
    pub level: Bytes,
}

/// The memory of one recording, thinned out for drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// Sorted by where they are.
    pub points: Vec<LevelPoint>,
}

impl Curve {
    /// Over what the clock counts – frames, MiB written –, thinned to so many columns; empty where there
    /// was no progress.
    ///
    /// Start-up and teardown have no progress, and no width here: of the former nothing is shown, of
    /// the flush and teardown only what rises above the level at the last step, as a line straight up.
    pub fn over_progress(clock: &ProgressClock, series: &Series, memory: Memory, columns: usize) -> Curve {
        let Some((begin, end)) = clock.running() else { return Curve::default() };
        let during = series.levels(memory).filter(|(t_s, _)| (begin..=end).contains(t_s));
        let mut points: Vec<_> =
            during.filter_map(|(t_s, level)| Some(LevelPoint { at: clock.step_at(t_s)?, level })).collect();
        let level = points.last().map(|point| point.level);
        let highest = series.levels(memory).filter(|(t_s, _)| *t_s > end).map(|(_, level)| level).max();
        let rise = highest.filter(|highest| Some(*highest) > level).zip(clock.last_step());
        points.extend(rise.map(|(level, at)| LevelPoint { at, level }));
        Curve { points: thinned(points, columns) }
    }

    /// Over the seconds since the recording began, thinned to so many columns.
    pub fn over_time(series: &Series, memory: Memory, columns: usize) -> Curve {
        let points = series.levels(memory).map(|(at, level)| LevelPoint { at, level });
        Curve { points: thinned(points.collect(), columns) }
    }
}

fn thinned(points: Vec<LevelPoint>, columns: usize) -> Vec<LevelPoint> {
    thin(points, columns, |point| (point.at, point.level.as_f64()))
}

/// Keeps the first, the lowest, the highest and the last point of each column: a line through them
/// covers the same pixels as a line through all ("M4", Jugel et al., VLDB 2014).
///
/// `place` says where a point is: across, and upward.
pub fn thin<P: Copy>(points: Vec<P>, columns: usize, place: impl Fn(&P) -> (f64, f64)) -> Vec<P> {
    if points.len() <= 4 * columns {
        return points;
    }
    let (first, last) = (place(&points[0]).0, place(&points[points.len() - 1]).0);
    let column = |point: &P| ((place(point).0 - first) / (last - first) * columns as f64) as usize;
    let columns = points.chunk_by(|a, b| column(a) == column(b));
    columns.flat_map(|points| outline(points, |point| place(point).1)).collect()
}

/// The first, lowest, highest and last of the points, in their order, none twice.
fn outline<P: Copy>(points: &[P], level: impl Fn(&P) -> f64) -> Vec<P> {
    let by_level = |a: &usize, b: &usize| level(&points[*a]).total_cmp(&level(&points[*b]));
    let lowest = (0..points.len()).min_by(by_level).unwrap_or(0);
    let highest = (0..points.len()).max_by(by_level).unwrap_or(0);
    let mut kept = [0, lowest, highest, points.len() - 1].to_vec();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| points[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_trace::Sample;
    use memreel_trace::units::Count;

    #[test]
    fn a_spike_of_one_sample_in_a_million_is_kept() {
        let level = |index: u64| Bytes::from_mib(if index == 654_321 { 900 } else { 100 });
        let all = (0..1_000_000).map(|index| LevelPoint { at: index as f64, level: level(index) }).collect();
        let thinned = thinned(all, 1000);
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

    fn over_frames(samples: &[Sample]) -> Curve {
        let series = Series::of(samples, &Memory::JUDGED);
        let clock = ProgressClock::of_frames(&series);
        Curve::over_progress(&clock, &series, Memory::AnonymousAndSwap, 100)
    }

    #[test]
    fn the_teardown_is_no_part_of_the_line_over_frames_but_a_rise_while_flushing_is() {
        let trace = [sample(0.0, 0, 1), sample(1.0, 10, 50), sample(2.0, 20, 60), sample(3.0, 20, 5)];
        let levels = |samples: &[Sample]| -> Vec<f64> {
            over_frames(samples).points.iter().map(|point| point.level.mib()).collect()
        };
        assert_eq!(levels(&trace), [1.0, 50.0, 60.0]);
        let flushing = [&trace[..3], &[sample(3.0, 20, 90), sample(4.0, 20, 5)]].concat();
        assert_eq!(levels(&flushing), [1.0, 50.0, 60.0, 90.0]);
    }

    #[test]
    fn without_a_frame_counter_there_is_no_line_over_frames() {
        let trace = [Sample { anon_bytes: Some(Bytes::from_mib(1)), ..Sample::default() }];
        assert_eq!(over_frames(&trace), Curve::default());
        let series = Series::of(&trace, &Memory::JUDGED);
        assert_eq!(Curve::over_time(&series, Memory::AnonymousAndSwap, 100).points.len(), 1);
    }
}
