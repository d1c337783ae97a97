//! Whether an export gets slower as it goes on, in words and in JSON.

use serde::Serialize;

use crate::report::number::number;
use memreel_judge::analysis::{Drift, Pace};
use memreel_judge::stats::Interval;

/// CPU time a frame late against early, as programs read it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DriftRecord {
    /// CPU seconds a frame early on.
    pub early_cpu_s_per_frame: f64,
    /// CPU seconds a frame late.
    pub late_cpu_s_per_frame: f64,
    /// Late against early, with its 95 % interval.
    pub ratio: Interval,
}

impl From<Drift> for DriftRecord {
    fn from(drift: Drift) -> DriftRecord {
        DriftRecord {
            early_cpu_s_per_frame: drift.early_s_per_frame,
            late_cpu_s_per_frame: drift.late_s_per_frame,
            ratio: drift.ratio,
        }
    }
}

/// The same in a sentence.
pub fn drift(drift: &Drift) -> String {
    let word = match drift.pace() {
        Pace::Slower => "slower",
        Pace::Faster => "faster",
        Pace::Steady => "no change",
        Pace::Open => "no proven slowdown",
    };
    format!(
        "CPU time per frame: {} ms late, {} ms early; ratio {} ({} to {}): {word}.",
        number(drift.late_s_per_frame * 1000.0, 2),
        number(drift.early_s_per_frame * 1000.0, 2),
        number(drift.ratio.estimate, 2),
        number(drift.ratio.low, 2),
        number(drift.ratio.high, 2)
    )
}
