//! Which frame was being exported at an instant.

use crate::stats;
use crate::trace::Sample;
use crate::units::Count;

/// The frames exported as a function of time, from an engine's progress.
///
/// Engines tell their progress in jumps – every 20 ms, every half second, every frame – and the
/// counter stands still between them. Frames are taken to pass evenly between two changes of the
/// counter, which is as much as can be known; the count may lag behind the engine by one update.
/// A counter that falls is taken to stand still.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameClock {
    /// (seconds, frames) where the counter changed; both rise.
    changes: Vec<(f64, f64)>,
}

impl FrameClock {
    /// The clock of a trace: of frames put out where the engine counts them, else of frames taken in.
    pub fn of(samples: &[Sample]) -> FrameClock {
        let counts_out = samples.iter().any(|sample| sample.frames_out.is_some());
        let counter = |sample: &Sample| if counts_out { sample.frames_out } else { sample.frames_in };
        let counted = samples.iter().filter_map(|sample| Some((sample.t_s, counter(sample)?)));
        FrameClock { changes: changes(counted) }
    }

    /// Whether any progress was seen.
    pub fn is_running(&self) -> bool {
        self.changes.len() > 1
    }

    /// The frame the counter ended at.
    pub fn last_frame(&self) -> Option<f64> {
        self.changes.last().filter(|_| self.is_running()).map(|change| change.1)
    }

    /// Seconds between which frames were exported: from the last instant without any to the last
    /// change. What comes later is the flush and the teardown.
    pub fn exporting(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.changes.first()?, self.changes.last()?);
        self.is_running().then_some((first.0, last.0))
    }

    /// The frame at an instant; zero before the export began, the last one after it ended.
    pub fn frame_at(&self, t_s: f64) -> Option<f64> {
        stats::interpolate(&self.changes, t_s).filter(|_| self.is_running())
    }

    /// The instant in seconds at which a frame was exported; `None` when it never was.
    pub fn time_of(&self, frame: f64) -> Option<f64> {
        if frame > self.last_frame()? {
            return None;
        }
        let frames_first: Vec<_> = self.changes.iter().map(|&(t_s, frames)| (frames, t_s)).collect();
        stats::interpolate(&frames_first, frame)
    }

    /// How often the counter changed to a frame in this range.
    pub fn changes_within(&self, low: f64, high: f64) -> usize {
        self.changes.iter().filter(|change| (low..=high).contains(&change.1)).count()
    }

    /// (frame, bytes of anonymous memory plus swap) of each sample taken while frames were exported.
    pub fn levels(&self, samples: &[Sample]) -> Vec<(f64, f64)> {
        let Some((begin, end)) = self.exporting() else { return Vec::new() };
        let during = samples.iter().filter(|sample| (begin..=end).contains(&sample.t_s));
        during
            .filter_map(|sample| Some((self.frame_at(sample.t_s)?, sample.anon_and_swap()?.as_f64())))
            .collect()
    }
}

fn changes(counted: impl Iterator<Item = (f64, Count)>) -> Vec<(f64, f64)> {
    let mut changes: Vec<(f64, f64)> = Vec::new();
    for (t_s, count) in counted {
        let frames = count.as_f64();
        match changes.last_mut() {
            // The export has not begun: the last such instant is where it begins.
            Some(last) if frames == 0.0 && last.1 == 0.0 => last.0 = t_s,
            Some(last) if frames <= last.1 || t_s <= last.0 => {}
            _ => changes.push((t_s, frames)),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(counts: &[u64]) -> Vec<Sample> {
        let sample = |(index, &count): (usize, &u64)| Sample {
            t_s: index as f64,
            frames_out: Some(Count::new(count)),
            ..Sample::default()
        };
        counts.iter().enumerate().map(sample).collect()
    }

    #[test]
    fn frames_pass_evenly_between_two_changes_of_the_counter() {
        let clock = FrameClock::of(&samples(&[0, 0, 10, 10, 10, 40]));
        assert_eq!(clock.frame_at(1.0), Some(0.0));
        assert_eq!(clock.frame_at(3.0), Some(20.0));
        assert_eq!(clock.frame_at(99.0), Some(40.0));
        assert_eq!(clock.time_of(25.0), Some(3.5));
        assert_eq!(clock.time_of(41.0), None);
    }

    #[test]
    fn waiting_for_the_first_frame_is_not_spread_over_the_first_frames() {
        let clock = FrameClock::of(&samples(&[0, 0, 0, 0, 10, 20]));
        assert_eq!(clock.exporting(), Some((3.0, 5.0)));
    }

    #[test]
    fn a_counter_that_never_moves_is_no_clock() {
        assert_eq!(FrameClock::of(&samples(&[0, 0, 0])).frame_at(1.0), None);
        assert_eq!(FrameClock::of(&samples(&[])).last_frame(), None);
    }

    #[test]
    fn frames_put_out_are_preferred_to_frames_taken_in() {
        let mut all = samples(&[0, 5, 10]);
        all.iter_mut().for_each(|sample| sample.frames_in = Some(Count::new(99)));
        all[0].frames_out = None;
        assert_eq!(FrameClock::of(&all).last_frame(), Some(10.0));
    }
}
