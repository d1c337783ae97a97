//! What a longer export would take.

use serde::Serialize;

use super::course::Per;
use super::{RunVerdict, Verdict};
use crate::stats;
use crate::units::Bytes;

/// A jump of so much may come at any time, in bytes.
const JUMP: f64 = 2_097_152.0;

/// Resident memory at the end of a longer export of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prediction {
    /// Frames of that export.
    pub frames: u64,
    /// How many times the run that it is predicted from.
    pub times: f64,
    /// The lower end.
    pub low: Bytes,
    /// The estimate.
    pub estimate: Bytes,
    /// The upper end.
    pub high: Bytes,
    /// Whether it holds only if cuts, and sources used for the first time, come as often as in the run: of a
    /// run that grows at cuts. With no more sources than it had, a longer export takes less.
    pub if_cuts_go_on: bool,
}

/// Whether a prediction fits into some memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// All of the interval does.
    Fits,
    /// None of it does.
    DoesNotFit,
    /// The interval contains the limit.
    Open,
}

/// Why nothing can be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyNot {
    /// The verdict says nothing of a longer export.
    Verdict,
    /// Frames were not counted.
    NoFrames,
}

impl Prediction {
    /// Resident memory after so many frames, from the verdict on a run.
    ///
    /// With dᵢ the gains a frame of the twelve blocks, sorted, and r the frames beyond the judged part: end +
    /// mean(d)·r, from end + min(d₃, mean)·r − 2 MiB to end + max(d₁₀, mean)·r + max(largest block's gain,
    /// 2 MiB). To this comes what was resident beside it at the peak: pages of files.
    ///
    /// On exports held out of its making, the interval held the truth in 90 % at four times the length, 100 %
    /// at eight and 90 % at twelve times; a line through the levels did in 0 to 9 %.
    ///
    /// The blocks of a run that grows at cuts hold what it gained at them, so the same holds of it as long as
    /// cuts go on as before.
    ///
    /// # Errors
    /// Why nothing can be predicted: only [`Verdict::Plateau`], [`Verdict::Growing`] and
    /// [`Verdict::GrowsAtCuts`] say something of a longer export.
    pub fn of(verdict: &RunVerdict, frames: u64) -> Result<Prediction, WhyNot> {
        let if_cuts_go_on = verdict.verdict == Verdict::GrowsAtCuts;
        if !if_cuts_go_on && !matches!(verdict.verdict, Verdict::Plateau | Verdict::Growing) {
            return Err(WhyNot::Verdict);
        }
        let known =
            (verdict.per == Some(Per::Frame)).then_some(()).and(verdict.end_level.zip(verdict.judged));
        let ((end, (begin, judged)), pace) =
            known.zip(stats::mean(&verdict.blocks)).ok_or(WhyNot::NoFrames)?;
        let mut sorted = verdict.blocks.clone();
        sorted.sort_by(f64::total_cmp);
        let largest = sorted[sorted.len() - 1] * (judged - begin) / sorted.len() as f64;
        let remaining = (frames as f64 - judged).max(0.0);
        let beside = verdict.level.as_ref().and_then(|level| level.file).map_or(0.0, Bytes::as_f64);
        let bytes = |anonymous: f64| Bytes::new((anonymous + beside).max(0.0) as u64);
        let third_from_top = sorted[sorted.len() - 3];
        // What was already reached is reached again.
        let reached = verdict.level.as_ref().map_or(Bytes::ZERO, |level| level.peak);
        let longer = frames as f64 >= verdict.steps;
        let least = if longer { reached } else { Bytes::ZERO };
        Ok(Prediction {
            frames,
            times: frames as f64 / verdict.steps,
            low: bytes(end + sorted[2].min(pace) * remaining - JUMP).max(least),
            estimate: bytes(end + pace * remaining).max(least),
            high: bytes(end + third_from_top.max(pace) * remaining + largest.max(JUMP)).max(least),
            if_cuts_go_on,
        })
    }

    /// Whether it fits into so much memory.
    pub fn fit(&self, memory: Bytes) -> Fit {
        match () {
            () if self.high <= memory => Fit::Fits,
            () if self.low > memory => Fit::DoesNotFit,
            () => Fit::Open,
        }
    }
}
