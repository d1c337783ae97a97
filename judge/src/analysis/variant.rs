//! The repeats of a variant together.

use crate::analysis::{Failures, JobSummary};
use crate::stats;
use memreel_trace::units::Bytes;

/// The middle and the ends of what the repeats of a variant gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Repeats that gave a number.
    pub of: usize,
}

impl Spread {
    /// The spread of these numbers; `None` of none.
    pub fn of(numbers: &[f64]) -> Option<Spread> {
        let median = stats::median(numbers)?;
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Spread { median, low, high, of: numbers.len() })
    }

    /// The same in other units.
    pub fn scaled(self, factor: f64) -> Spread {
        Spread { median: self.median * factor, low: self.low * factor, high: self.high * factor, ..self }
    }
}

/// A variant, over its repeats.
///
/// The numbers are of the repeats that finished; of all that ran when none did, and then they say
/// how far these came.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantSummary {
    /// Peak resident set, in bytes.
    pub peak_rss_bytes: Option<Spread>,
    /// Peak anonymous memory plus swap, in bytes.
    pub peak_anon_swap_bytes: Option<Spread>,
    /// Level after warm-up, in bytes.
    pub level_after_warmup_bytes: Option<Spread>,
    /// Level at the end, in bytes.
    pub level_at_end_bytes: Option<Spread>,
    /// Threads that worked.
    pub busy_threads: Option<Spread>,
    /// Time it took, in seconds.
    pub wall_s: Option<Spread>,
    /// CPU time, in seconds.
    pub cpu_s: Option<Spread>,
    /// Frames a second over the whole run.
    pub fps: Option<Spread>,
    /// Frames a second over 10–30 % of the export.
    pub fps_early: Option<Spread>,
    /// Frames a second over 70–90 % of the export.
    pub fps_late: Option<Spread>,
    /// Repeats that ran.
    pub ran: usize,
    /// Repeats that finished.
    pub finished: usize,
    /// How many of them went wrong, and how.
    pub failures: Failures,
}

impl VariantSummary {
    /// Puts the repeats of one variant together.
    pub fn of(repeats: &[&JobSummary]) -> VariantSummary {
        let finished: Vec<_> = repeats.iter().copied().filter(|job| job.outcome.is_finished()).collect();
        let told = if finished.is_empty() { repeats } else { &finished };
        let bytes = |of: fn(&JobSummary) -> Option<Bytes>| spread(told, |job| of(job).map(Bytes::as_f64));
        VariantSummary {
            peak_rss_bytes: bytes(|job| job.peak_rss),
            peak_anon_swap_bytes: bytes(|job| job.peak_anon_swap),
            level_after_warmup_bytes: bytes(|job| job.level_after_warmup),
            level_at_end_bytes: bytes(|job| job.level_at_end),
            busy_threads: spread(told, |job| job.busy_threads.map(|threads| threads.as_f64())),
            wall_s: spread(told, |job| Some(job.wall_s)),
            cpu_s: spread(told, |job| job.cpu_s),
            fps: spread(told, |job| job.fps),
            fps_early: spread(told, |job| job.fps_early),
            fps_late: spread(told, |job| job.fps_late),
            ran: repeats.len(),
            finished: finished.len(),
            failures: Failures::of(repeats.iter().map(|job| &job.outcome)),
        }
    }
}

fn spread(jobs: &[&JobSummary], of: impl Fn(&JobSummary) -> Option<f64>) -> Option<Spread> {
    Spread::of(&jobs.iter().filter_map(|job| of(job)).collect::<Vec<_>>())
}

/// Puts together what belongs to the same variant, in the order in which variants first appear.
pub fn group_by_variant<T>(
    jobs: impl IntoIterator<Item = T>,
    variant: impl Fn(&T) -> &[(String, String)],
) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    for job in jobs {
        match groups.iter_mut().find(|group| variant(&group[0]) == variant(&job)) {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_keeps_its_ends() {
        let spread = Spread::of(&[3.0, 1.0, 8.0]).unwrap();
        assert_eq!((spread.median, spread.low, spread.high, spread.of), (3.0, 1.0, 8.0, 3));
        assert_eq!(Spread::of(&[]), None);
    }
}
