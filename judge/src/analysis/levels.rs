//! The level of memory, and the speed, over a part of the export.

use crate::analysis::ProgressClock;
use crate::stats;
use memreel_trace::units::Bytes;

/// A median of fewer is a reading, not a level.
const LEAST_SAMPLES: usize = 3;

/// A part of an export or a recording, as shares of its way: of its frames, of what it wrote, of its
/// seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharePart {
    low: f64,
    high: f64,
}

impl SharePart {
    /// 25–50 %: what is read once and kept has been read.
    pub const WARM: SharePart = SharePart { low: 0.25, high: 0.50 };
    /// 88–98 %: the end, before the encoder is flushed.
    pub const END: SharePart = SharePart { low: 0.88, high: 0.98 };
    /// 10–30 %: speed when the export has got going.
    pub const EARLY: SharePart = SharePart { low: 0.10, high: 0.30 };
    /// 70–90 %: speed when it nears its end.
    pub const LATE: SharePart = SharePart { low: 0.70, high: 0.90 };

    /// The part in steps, of a way of so many: above the first, up to the second.
    pub fn of(self, steps: f64) -> (f64, f64) {
        (self.low * steps, self.high * steps)
    }
}

/// The level of a run over a part of its way: the median of the samples above the part's first step, up to its last.
///
/// **The level of a run**, wherever one is told, is that over [`SharePart::END`], of anonymous memory and swap: late,
/// and before the encoder is flushed and all is closed. So it is in `summary.csv` (`level_at_end_bytes`), the table, the
/// figure `level` of comparisons and checks, and as the level of a recording, which is of the resident set where
/// no anonymous memory was measured.
///
/// `steps` are those of the whole way – of an export the planned frames, where they are known –, `levels` are (step,
/// bytes). `None` when the run did not come through the whole part, or fewer than three samples fell into it.
pub fn level_over(part: SharePart, steps: Option<f64>, levels: &[(f64, f64)]) -> Option<Bytes> {
    let (low, high) = part.of(steps?);
    // The counter of an export of 10 frames may end at 9: a frame short is through.
    levels.last().filter(|last| last.0 >= high - 1.0)?;
    let within: Vec<f64> =
        levels.iter().filter(|level| level.0 > low && level.0 <= high).map(|level| level.1).collect();
    let median = stats::median(&within).filter(|_| within.len() >= LEAST_SAMPLES);
    median.map(|bytes| Bytes::new(bytes.round() as u64))
}

/// Frames a second over a part of the export.
///
/// `None` when the export did not come through it, or the counter changed less than twice within.
pub fn speed_over(clock: &ProgressClock, (low, high): (f64, f64)) -> Option<f64> {
    let seconds = clock.time_of(high)? - clock.time_of(low)?;
    (clock.changes_within(low, high) >= 2 && seconds > 0.0).then(|| (high - low) / seconds)
}
