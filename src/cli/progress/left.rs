//! How long what is still to be done will take, from what was done.

use std::collections::BTreeMap;
use std::time::Duration;

/// Less time than this says nothing of a pace.
const BASIS: Duration = Duration::from_secs(1);

/// Work done in some time: frames of an export, pixels of media.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RunPace {
    work: u64,
    time: Duration,
}

impl RunPace {
    /// So much in this time.
    pub fn new(work: u64, time: Duration) -> RunPace {
        RunPace { work, time }
    }

    fn and(self, other: RunPace) -> RunPace {
        RunPace { work: self.work + other.work, time: self.time + other.time }
    }

    /// The time that this amount of work takes at the measured pace; `None` before the pace is known.
    pub fn time_for(self, work: u64) -> Option<Duration> {
        let is_known = self.work > 0 && self.time >= BASIS;
        is_known.then(|| self.time.mul_f64(work as f64 / self.work as f64))
    }
}

/// The jobs of a run in their order, and how fast those were that are done.
///
/// A variant has a pace of its own as soon as it has run; until then it has that of all that ran.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    jobs: Vec<(String, u64)>,
    paces: BTreeMap<String, RunPace>,
}

impl Schedule {
    /// Jobs: variants by their labels, and frames.
    pub fn new(jobs: impl IntoIterator<Item = (String, u64)>) -> Schedule {
        Schedule { jobs: jobs.into_iter().collect(), paces: BTreeMap::new() }
    }

    /// Notes how fast a job of a variant was, as far as it came.
    pub fn note(&mut self, variant: &str, pace: RunPace) {
        let known = self.paces.entry(variant.to_string()).or_default();
        *known = known.and(pace);
    }

    /// The time that the rest takes while the job of this number, from 1, has come so far; `None` before anything
    /// is known.
    pub fn left(&self, number: usize, so_far: RunPace) -> Option<Duration> {
        let (variant, frames) = self.jobs.get(number.checked_sub(1)?)?;
        let mut known = self.clone();
        known.note(variant, so_far);
        let all = known.paces.values().fold(RunPace::default(), |all, &pace| all.and(pace));
        let time = |variant: &String, frames: u64| {
            let own = known.paces.get(variant).and_then(|pace| pace.time_for(frames));
            own.or_else(|| all.time_for(frames))
        };
        let rest = frames.saturating_sub(so_far.work);
        let later = self.jobs[number..].iter().map(|(variant, frames)| time(variant, *frames));
        [time(variant, rest)].into_iter().chain(later).sum()
    }
}

/// `4 min left`.
pub fn words(left: Duration) -> String {
    format!("{} left", minutes(left))
}

/// `4 min`.
pub fn minutes(time: Duration) -> String {
    match time.as_secs() {
        0..60 => "< 1 min".into(),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Two repeats of a fast variant and a slow one.
    fn schedule() -> Schedule {
        Schedule::new(["fast", "slow", "fast", "slow"].map(|variant| (variant.into(), 100)))
    }

    #[test]
    fn nothing_is_known_before_there_is_a_basis() {
        let schedule = schedule();
        assert_eq!(schedule.left(1, RunPace::default()), None);
        assert_eq!(schedule.left(1, RunPace::new(0, seconds(60))), None);
        assert_eq!(schedule.left(1, RunPace::new(1, seconds(0))), None);
        assert_eq!(Schedule::default().left(1, RunPace::new(1, seconds(60))), None);
    }

    #[test]
    fn a_variant_that_has_not_run_is_taken_to_be_as_fast_as_the_others() {
        assert_eq!(schedule().left(1, RunPace::new(50, seconds(5))), Some(seconds(35)));
    }

    #[test]
    fn each_variant_has_its_own_pace_once_it_has_run() {
        let mut schedule = schedule();
        schedule.note("fast", RunPace::new(100, seconds(10)));
        assert_eq!(schedule.left(2, RunPace::new(50, seconds(50))), Some(seconds(50 + 10 + 100)));
        schedule.note("slow", RunPace::new(100, seconds(100)));
        assert_eq!(schedule.left(3, RunPace::default()), Some(seconds(10 + 100)));
        assert_eq!(schedule.left(4, RunPace::new(100, seconds(100))), Some(seconds(0)));
    }

    #[test]
    fn the_time_is_told_in_minutes() {
        let told = [0, 59, 60, 89, 90, 7200].map(|left| words(seconds(left)));
        assert_eq!(
            told,
            ["< 1 min left", "< 1 min left", "1 min left", "1 min left", "2 min left", "120 min left"]
        );
    }
}
