//! How much memory an export takes, whether it grows or not, and what it is made of.

use schemars::JsonSchema;
use serde::Serialize;

use crate::progress_clock::ProgressClock;
use memreel_trace::units::Bytes;
use memreel_trace::{Memory, RunContext, Series};

/// This share of the highest level counts as reaching it.
const REACHED: f64 = 0.98;

/// The peak of a run. Look-ahead, frame threads and caches raise it without any growth.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HighestLevel {
    /// The kind of memory: resident memory if that was measured, else the kind that is judged for growth.
    pub of: String,
    /// The peak, in bytes.
    #[serde(rename = "peak_bytes")]
    pub bytes: Bytes,
    /// The frame at which 98 % of the peak was reached. Unknown if frames were not counted.
    pub reached_at_frame: Option<f64>,
    /// The time at which 98 % of the peak was reached, in seconds.
    pub reached_at_s: f64,
    /// Anonymous memory and swap at the peak, in bytes.
    #[serde(rename = "anonymous_bytes")]
    pub anonymous: Option<Bytes>,
    /// Resident pages of files at the peak, in bytes.
    #[serde(rename = "file_bytes")]
    pub file: Option<Bytes>,
    /// Resident shared memory at the peak, in bytes.
    #[serde(rename = "shared_bytes")]
    pub shared: Option<Bytes>,
    /// Threads at the peak.
    pub threads: Option<u64>,
    /// The anonymous memory at the peak, in uncompressed frames of the export. Unknown if the size of a frame is not
    /// known.
    pub pictures: Option<f64>,
}

impl HighestLevel {
    /// The highest level in a series; `None` where no memory was measured.
    /// `clock` is that of its work.
    pub fn of(series: &Series, clock: &ProgressClock, context: &RunContext) -> Option<HighestLevel> {
        let resident = series.memory(Memory::Rss).is_measured();
        let memory = if resident { Memory::Rss } else { Memory::AnonymousAndSwap };
        let column = series.memory(memory);
        let level = |row: usize| column.at(row).map(Bytes::as_f64);
        let rows = 0..series.len();
        let top = rows.clone().filter_map(|row| Some((row, level(row)?))).max_by(|a, b| a.1.total_cmp(&b.1));
        let (peak_row, peak) = top?;
        let reached = rows.clone().find(|&row| level(row).is_some_and(|level| level >= REACHED * peak))?;
        let anonymous = series.memory(Memory::AnonymousAndSwap).at(peak_row);
        Some(HighestLevel {
            of: memory.to_string(),
            bytes: Bytes::new(peak as u64),
            reached_at_frame: clock
                .step_at(series.t_s()[reached])
                .filter(|_| context.unit.is_frame())
                .map(f64::round),
            reached_at_s: series.t_s()[reached],
            anonymous,
            file: anonymous.filter(|_| resident).map(|part| Bytes::new(peak as u64).saturating_sub(part)),
            shared: (0..=peak_row).rev().find_map(|row| series.memory(Memory::Shared).at(row)),
            threads: (0..=peak_row)
                .rev()
                .find_map(|row| series.threads().at(row))
                .map(|threads| threads.get()),
            pictures: anonymous
                .zip(context.frame_bytes)
                .map(|(all, one)| all.as_f64() / one.as_f64().max(1.0)),
        })
    }
}
