//! How far a process had come at an instant.

use crate::stats;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Column, Memory, Series, WorkUnit};

/// What a process has done so far as a function of time, from a counter of it: frames exported, MiB
/// written.
///
/// Engines tell their progress in jumps – every 20 ms, every half second, every frame – and the
/// counter stands still between them. Steps are taken to pass evenly between two changes of the
/// counter, which is as much as can be known; the count may lag behind the process by one update.
/// A counter that falls is taken to stand still.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressClock {
    /// (seconds, steps) where the counter changed; both rise.
    changes: Vec<(f64, f64)>,
}

impl ProgressClock {
    /// The clock of frames put out where they are counted, else of frames taken in.
    pub fn of_frames(series: &Series) -> ProgressClock {
        ProgressClock::of(series, series.frames(), Count::as_f64)
    }

    /// The clock of the work in its unit.
    pub fn of_work(series: &Series, unit: WorkUnit) -> ProgressClock {
        match unit {
            WorkUnit::Frame | WorkUnit::Item => ProgressClock::of_frames(series),
            WorkUnit::Mebibyte => ProgressClock::of_written(series),
        }
    }

    /// The clock of frames taken in.
    pub fn of_frames_in(series: &Series) -> ProgressClock {
        ProgressClock::of(series, series.frames_in(), Count::as_f64)
    }

    /// The clock of MiB written since the first sample: a process that was running already had written before.
    pub fn of_written(series: &Series) -> ProgressClock {
        let before = series.written().measured().next().map_or(0.0, Bytes::mib);
        let clock = ProgressClock::of(series, series.written(), Bytes::mib);
        let since = clock.changes.into_iter().map(|(t_s, step)| (t_s, step - before));
        ProgressClock { changes: since.collect() }
    }

    /// A clock whose steps are the seconds themselves, and that changes with every sample.
    pub fn of_seconds(series: &Series) -> ProgressClock {
        ProgressClock { changes: changes(series.t_s().iter().map(|&t_s| (t_s, t_s))) }
    }

    fn of<T: Copy>(series: &Series, counter: &Column<T>, steps: fn(T) -> f64) -> ProgressClock {
        let rows = series.t_s().iter().enumerate();
        let counted = rows.filter_map(|(row, &t_s)| Some((t_s, steps(counter.at(row)?))));
        ProgressClock { changes: changes(counted) }
    }

    /// Whether any progress was seen.
    pub fn is_running(&self) -> bool {
        self.changes.len() > 1
    }

    /// The step the counter ended at.
    pub fn last_step(&self) -> Option<f64> {
        self.changes.last().filter(|_| self.is_running()).map(|change| change.1)
    }

    /// Seconds between which there was progress: from the last instant without any to the last
    /// change. What comes later is the flush and the teardown.
    pub fn running(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.changes.first()?, self.changes.last()?);
        self.is_running().then_some((first.0, last.0))
    }

    /// The step at an instant; that of the beginning before, the last one after.
    pub fn step_at(&self, t_s: f64) -> Option<f64> {
        stats::interpolate(&self.changes, t_s).filter(|_| self.is_running())
    }

    /// The instant in seconds at which a step was done; `None` when it never was.
    pub fn time_of(&self, step: f64) -> Option<f64> {
        if step > self.last_step()? {
            return None;
        }
        let after = self.changes.partition_point(|change| change.1 <= step);
        let (begin, end) = (after.saturating_sub(1), (after + 1).min(self.changes.len()));
        let beside: Vec<_> = self.changes[begin..end].iter().map(|&(t_s, step)| (step, t_s)).collect();
        stats::interpolate(&beside, step)
    }

    /// How often the counter changed to a step in this range.
    pub fn changes_within(&self, low: f64, high: f64) -> usize {
        self.changes.iter().filter(|change| (low..=high).contains(&change.1)).count()
    }

    /// (step, bytes) of each row taken while there was progress.
    pub fn levels(&self, series: &Series, memory: Memory) -> Vec<(f64, f64)> {
        let Some((begin, end)) = self.running() else { return Vec::new() };
        let during = series.levels(memory).filter(|(t_s, _)| (begin..=end).contains(t_s));
        during.filter_map(|(t_s, level)| Some((self.step_at(t_s)?, level.as_f64()))).collect()
    }
}

fn changes(counted: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut changes: Vec<(f64, f64)> = Vec::new();
    for (t_s, step) in counted {
        match changes.last_mut() {
            // Nothing has begun: the last such instant is where it begins.
            Some(last) if step == 0.0 && last.1 == 0.0 => last.0 = t_s,
            Some(last) if step <= last.1 || t_s <= last.0 => {}
            _ => changes.push((t_s, step)),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_trace::Sample;

    fn samples(counts: &[u64]) -> Vec<Sample> {
        let sample = |(index, &count): (usize, &u64)| Sample {
            t_s: index as f64,
            frames_out: Some(Count::new(count)),
            ..Sample::default()
        };
        counts.iter().enumerate().map(sample).collect()
    }

    fn clock(samples: &[Sample]) -> ProgressClock {
        ProgressClock::of_frames(&Series::of(samples, &[]))
    }

    #[test]
    fn what_was_written_before_the_first_sample_is_no_progress() {
        let sample = |tick: u64| Sample {
            t_s: tick as f64,
            written_bytes: Some(Bytes::from_mib(10_000 + 2 * tick)),
            ..Sample::default()
        };
        let series = Series::of(&(0..=10).map(sample).collect::<Vec<_>>(), &[]);
        let clock = ProgressClock::of_work(&series, WorkUnit::Mebibyte);
        assert_eq!((clock.step_at(5.0), clock.last_step()), (Some(10.0), Some(20.0)));
        assert!(!ProgressClock::of_work(&series, WorkUnit::Item).is_running());
    }

    #[test]
    fn frames_pass_evenly_between_two_changes_of_the_counter() {
        let clock = clock(&samples(&[0, 0, 10, 10, 10, 40]));
        assert_eq!(clock.step_at(1.0), Some(0.0));
        assert_eq!(clock.step_at(3.0), Some(20.0));
        assert_eq!(clock.step_at(99.0), Some(40.0));
        assert_eq!([0.0, 5.0, 10.0, 25.0].map(|frame| clock.time_of(frame).unwrap()), [1.0, 1.5, 2.0, 3.5]);
        assert_eq!(clock.time_of(41.0), None);
    }

    #[test]
    fn waiting_for_the_first_frame_is_not_spread_over_the_first_frames() {
        let clock = clock(&samples(&[0, 0, 0, 0, 10, 20]));
        assert_eq!(clock.running(), Some((3.0, 5.0)));
    }

    #[test]
    fn a_counter_that_never_moves_is_no_clock() {
        assert_eq!(clock(&samples(&[0, 0, 0])).step_at(1.0), None);
        assert_eq!(clock(&samples(&[])).last_step(), None);
    }

    #[test]
    fn frames_put_out_are_preferred_to_frames_taken_in() {
        let mut all = samples(&[0, 5, 10]);
        all.iter_mut().for_each(|sample| sample.frames_in = Some(Count::new(99)));
        all[0].frames_out = None;
        assert_eq!(clock(&all).last_step(), Some(10.0));
    }
}
