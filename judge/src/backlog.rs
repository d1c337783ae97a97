//! Frames that were taken in and not yet put out: a queue.

use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Series};

/// The largest number of frames that waited in memory: read, and not yet written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Backlog {
    /// Frames that waited.
    pub frames: u64,
    /// Frames written at that moment.
    pub at: u64,
    /// How much more memory was used at that moment than when the first frame was read, in bytes.
    pub bytes: Bytes,
    /// Frames written in the whole run.
    pub of: u64,
}

impl Backlog {
    /// The backlog of an engine that counts both; `None` for others.
    pub fn of(series: &Series, memory: Memory) -> Option<Backlog> {
        let column = series.memory(memory);
        let both =
            |row: usize| Some((series.frames_in().at(row)?, series.frames_out().at(row)?, column.at(row)?));
        let rows = (0..series.len()).filter_map(both);
        let first = rows.clone().find(|(taken_in, ..)| *taken_in > Count::ZERO)?.2;
        let (taken_in, put_out, level) =
            rows.max_by_key(|(taken_in, put_out, _)| taken_in.saturating_sub(*put_out))?;
        Some(Backlog {
            frames: taken_in.saturating_sub(put_out).get(),
            at: put_out.get(),
            bytes: level.saturating_sub(first),
            of: series.frames_out().last()?.get(),
        })
    }

    /// Whether it is a queue without bounds: longer than any look-ahead, a fair share of the export, and
    /// memory holds its pictures.
    pub fn is_queue(&self, context: &RunContext, k: &Constants) -> bool {
        let picture = context.frame_bytes.map_or(0.0, Bytes::as_f64);
        self.frames as f64 >= k.least_frames
            && self.frames as f64 >= k.judged_from * self.of as f64
            && self.bytes.as_f64() >= k.alike * picture * self.frames as f64
    }
}
