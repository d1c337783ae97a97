//! Whether an export gets slower as it goes on, in words and in JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::number::number;
use memreel_judge::analysis::{Drift, Pace};
use memreel_judge::stats::Interval;

/// CPU time per frame, late in the run and early.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct DriftRecord {
    /// CPU time per frame early in the run, in seconds.
    pub early_cpu_s_per_frame: f64,
    /// CPU time per frame late in the run, in seconds.
    pub late_cpu_s_per_frame: f64,
    /// The ratio late / early, with its 95 % interval.
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
