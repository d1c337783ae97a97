//! How busy a process was, from the CPU time it had used.

use crate::analysis::curve::thin;
use memreel_trace::Series;

/// The shortest stretch that a share is worked out over. The kernel counts CPU time in ticks of 10 ms: over
/// a shorter one a share would jump by more than ten percent of a core.
const LEAST_WINDOW_S: f64 = 0.1;
/// The most stretches that a recording is cut into: beyond, a line is a smear.
const MOST_WINDOWS: f64 = 600.0;

/// The share of one core that was used until an instant, since the point before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CpuPoint {
    /// Seconds since the recording began.
    pub t_s: f64,
    /// In percent of one core: 200 is two of them.
    pub percent: f64,
}

/// CPU use over the time of a recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CpuUse {
    /// In the order of time.
    pub points: Vec<CpuPoint>,
    /// How long a point covers at least, in seconds.
    pub window_s: f64,
}

impl CpuUse {
    /// That of a series, thinned to so many columns; empty when CPU time was not measured.
    ///
    /// CPU time that falls – a process that ended was no longer counted – says nothing of its stretch.
    pub fn of(series: &Series, columns: usize) -> CpuUse {
        let window_s = LEAST_WINDOW_S.max(series.end_s().unwrap_or(0.0) / MOST_WINDOWS);
        let (mut points, mut begin): (Vec<CpuPoint>, Option<(f64, f64)>) = (Vec::new(), None);
        for (row, &t_s) in series.t_s().iter().enumerate() {
            let Some(cpu_s) = series.cpu_s().at(row) else { continue };
            let (from_s, before_s) = *begin.get_or_insert((t_s, cpu_s));
            // The sum of many intervals may fall short of a window by a rounding error.
            if t_s - from_s >= window_s - 1e-9 {
                let percent = 100.0 * (cpu_s - before_s) / (t_s - from_s);
                points.extend((percent >= 0.0).then_some(CpuPoint { t_s, percent }));
                begin = Some((t_s, cpu_s));
            }
        }
        CpuUse { points: thin(points, columns, |point| (point.t_s, point.percent)), window_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_trace::Sample;

    fn of(cpu_s: impl Fn(u32) -> Option<f64>, ticks: u32) -> CpuUse {
        let sample =
            |tick: u32| Sample { t_s: f64::from(tick) * 0.02, cpu_s: cpu_s(tick), ..Sample::default() };
        CpuUse::of(&Series::of(&(0..ticks).map(sample).collect::<Vec<_>>(), &[]), 1000)
    }

    #[test]
    fn a_share_is_worked_out_over_a_tenth_of_a_second_and_not_over_a_tick() {
        // A core and a half, as the kernel counts it.
        let found = of(|tick| Some((f64::from(tick) * 0.03 * 100.0).floor() / 100.0), 101);
        assert_eq!(found.points.len(), 20);
        assert!(found.points.iter().all(|point| (point.percent - 150.0).abs() <= 10.1), "{found:?}");
    }

    #[test]
    fn cpu_time_that_was_not_measured_is_no_idleness() {
        assert_eq!(of(|_| None, 50).points, []);
        let late = of(|tick| (tick >= 25).then(|| f64::from(tick) * 0.02), 51);
        assert!(late.points.iter().all(|point| point.t_s > 0.5 && (point.percent - 100.0).abs() < 0.1));
    }

    #[test]
    fn a_process_that_is_no_longer_counted_leaves_a_gap_and_no_negative_share() {
        let found = of(|tick| Some(if tick < 25 { f64::from(tick) } else { 0.0 }), 51);
        assert!(found.points.iter().all(|point| point.percent >= 0.0), "{found:?}");
    }
}
