//! How much a longer export would take.

use memreel_trace::units::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::Per;
use crate::run::{RunVerdict, With};
use crate::shape::{Answer, BLOCKS, Form};
use crate::stats::{self, Interval};

/// The predicted memory of a longer export, with its 90 % interval.
///
/// One run cannot distinguish a leak from a cache that is filling, so the interval begins at no further growth. If growth
/// goes on, it begins at `low_if_it_goes_on`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Prediction {
    /// Frames of the longer export.
    pub frames: u64,
    /// The length of the longer export, in lengths of the run.
    pub times: f64,
    /// The lower end of the interval, if growth stops, in bytes.
    pub low: Bytes,
    /// The lower end of the interval, if growth goes on, in bytes.
    pub low_if_it_goes_on: Bytes,
    /// The estimate, in bytes.
    pub estimate: Bytes,
    /// The upper end of the interval, in bytes.
    pub high: Bytes,
    /// Whether the prediction is valid only if cuts and new sources come as often as in the run.
    pub if_cuts_go_on: bool,
    /// Whether growth accelerated in the run; the prediction assumes that it goes on accelerating.
    pub accelerates: bool,
}

/// Whether a predicted export fits into a limit of memory, if growth goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The whole interval is below the limit.
    Fits,
    /// The whole interval is above the limit.
    DoesNotFit,
    /// The interval contains the limit.
    Open,
}

/// Why there is no prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhyNot {
    /// Whether memory grows is inconclusive.
    Open,
    /// Frames were not counted.
    NoFrames,
    /// The process does several exports; a longer export cannot be predicted from them.
    Exports,
}

impl Prediction {
    /// Resident memory after so many frames, from the verdict on a run.
    ///
    /// With dᵢ the gains per frame of the twelve blocks, sorted, r the frames beyond the judged part, and end the level
    /// where that ends:
    ///
    /// | | |
    /// | --- | --- |
    /// | estimate | end + mean(d)·r |
    /// | upper end | end + max(d₁₀, mean(d))·r + 2 MiB + what was given back |
    /// | lower end | end − 2 MiB |
    /// | lower end, if it goes on | end + min(d₃, mean(d))·r − 2 MiB |
    ///
    /// What accelerates goes on doing so. To each comes what was resident beside it at the peak,
    /// pages of files, and none is below what the run reached already. What was given back is how far that stood above
    /// the end: a longer export takes it on top of what it keeps.
    ///
    /// Exports cut at a half and at three quarters of their frames came to an end within the interval in more than nine
    /// of ten cases, whatever their course (`tests/prediction.rs`). One in six that grew steadily until the cut stopped
    /// after it.
    ///
    /// # Errors
    /// Why nothing can be predicted.
    pub fn of(verdict: &RunVerdict, frames: u64) -> Result<Prediction, WhyNot> {
        let k = &Constants::USUAL;
        if verdict.at_rest.is_some() {
            return Err(WhyNot::Exports);
        }
        let (end, (begin, judged)) = match (verdict.per, verdict.end_level.zip(verdict.judged)) {
            (Some(Per::Frame), Some(known)) => known,
            _ => return Err(WhyNot::NoFrames),
        };
        let mut sorted = verdict.blocks.clone();
        sorted.sort_by(f64::total_cmp);
        let pace = stats::mean(&sorted).ok_or(WhyNot::NoFrames)?;
        if verdict.grows == Answer::Open {
            return Err(WhyNot::Open);
        }
        let block = (judged - begin) / BLOCKS as f64;
        let remaining = (frames as f64 - judged).max(0.0);
        let straight = Interval {
            low: sorted[2].min(pace) * remaining,
            estimate: pace * remaining,
            high: sorted[BLOCKS - 3].max(pace) * remaining + k.least_fall,
        };
        let accelerates = verdict.form == Some(Form::Accelerating);
        let ahead =
            if accelerates { accelerating(&verdict.blocks, block, remaining, straight) } else { straight };
        let beside = verdict.peak.as_ref().and_then(|peak| peak.file).map_or(0.0, Bytes::as_f64);
        let reached = verdict.peak.as_ref().map_or(Bytes::ZERO, |peak| peak.bytes);
        let bytes = |more: f64| Bytes::new((end + more + beside).max(0.0) as u64).max(reached);
        // What is taken and given back comes on top of what is kept.
        let given_back = (reached.as_f64() - end - beside).max(0.0);
        Ok(Prediction {
            frames,
            times: frames as f64 / verdict.steps,
            low: bytes(-k.least_fall),
            low_if_it_goes_on: bytes(ahead.low - k.least_fall),
            estimate: bytes(ahead.estimate),
            high: bytes(given_back + ahead.high),
            if_cuts_go_on: verdict.with.iter().any(|with| matches!(with, With::Sources | With::Cuts)),
            accelerates,
        })
    }

    /// Whether it fits into so much memory.
    pub fn fit(&self, memory: Bytes) -> Fit {
        match () {
            () if self.high <= memory => Fit::Fits,
            () if self.low_if_it_goes_on > memory => Fit::DoesNotFit,
            () => Fit::Open,
        }
    }
}

/// The pace rises on as it did: blocks beyond the last gain what the line through the blocks says; at least as much as
/// the mean, at most as much more again as the line rises.
fn accelerating(blocks: &[f64], block: f64, remaining: f64, straight: Interval) -> Interval {
    let pairs = (0..blocks.len()).flat_map(|i| (i + 1..blocks.len()).map(move |j| (i, j)));
    let slopes: Vec<f64> = pairs.map(|(i, j)| (blocks[j] - blocks[i]) / (j - i) as f64).collect();
    let slope = stats::median(&slopes).unwrap_or_default();
    let middle = (blocks.len() - 1) as f64 / 2.0;
    let centre = stats::median(blocks).unwrap_or_default();
    let ahead = remaining / block;
    let at_the_end = centre + slope * (middle + 0.5 + ahead / 2.0);
    let estimate = at_the_end * remaining;
    let bend = slope * ahead / 2.0 * remaining;
    Interval {
        low: straight.estimate.min(estimate),
        estimate,
        high: (estimate + bend).max(straight.high) + (straight.high - straight.estimate),
    }
}
