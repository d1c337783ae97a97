//! A verdict on one run as JSON: units in the names, null for what is not known.

use serde::Serialize;

use super::DriftRecord;
use crate::stats::Interval;
use crate::units::Bytes;
use crate::verdict::backlog::Backlog;
use crate::verdict::course::Per;
use crate::verdict::exports::AtRest;
use crate::verdict::level::Level;
use crate::verdict::prediction::{Fit, Prediction, WhyNot};
use crate::verdict::sawtooth::Sawtooth;
use crate::verdict::staircase::Staircase;
use crate::verdict::steps::Step;
use crate::verdict::terms::{Expected, Index};
use crate::verdict::{Needs, Rule, RunVerdict, Verdict};

/// A verdict, as files and other programs read it. Where frames were not counted, the fields of frames are
/// null and those of seconds are not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictRecord {
    /// The file or folder.
    pub file: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The version of the rules that gave it.
    pub rules_version: u32,
    /// The rule that decided.
    pub rule: Rule,
    /// The same in words, with its numbers.
    pub because: Vec<String>,
    /// What is judged.
    pub memory: Option<String>,
    /// Frames exported.
    pub frames: Option<f64>,
    /// Seconds, where no frames were counted.
    pub seconds: Option<f64>,
    /// The part that is judged.
    pub judged_frames: Option<(f64, f64)>,
    /// Growth over the judged part.
    pub growth_bytes_per_frame: Option<Interval>,
    /// The same a second, where no frames were counted.
    pub growth_bytes_per_second: Option<Interval>,
    /// Growth that would not have been called stable in this run.
    pub not_stable_above_bytes_per_frame: Option<f64>,
    /// The same a second, where no frames were counted.
    pub not_stable_above_bytes_per_second: Option<f64>,
    /// What would settle it.
    pub needs: Needs,
    /// Growth that is not called so.
    pub floor_bytes_per_frame: Option<f64>,
    /// Whether the container keeps an index of all packets.
    pub index: Option<Index>,
    /// What that index is expected to take.
    pub expected_index_bytes_per_frame: Option<Expected>,
    /// What of a leak the heap may hide.
    pub hidden_bytes: Option<f64>,
    /// By how much two readings may be off.
    pub noise_bytes: Option<f64>,
    /// The frame by which 95 % of the level at a quarter of the way was reached.
    pub warm_up_frames: Option<f64>,
    /// The frame after which it grew no more.
    pub flat_since_frame: Option<f64>,
    /// The level at the end of the judged part.
    pub end_level_bytes: Option<f64>,
    /// The gain a frame of each block of the judged part.
    pub blocks_bytes_per_frame: Vec<f64>,
    /// Rises that stayed.
    pub steps: Vec<Step>,
    /// Growth at cuts against growth between.
    pub staircase: Option<Staircase>,
    /// Falls.
    pub sawtooth: Option<Sawtooth>,
    /// What stays between exports.
    pub at_rest: Option<AtRest>,
    /// Frames that wait.
    pub backlog: Option<Backlog>,
    /// The highest level.
    pub level: Option<Level>,
    /// CPU time a frame late against early, where CPU time was measured.
    pub speed: Option<DriftRecord>,
    /// What a longer export would take, where that was asked for and can be told.
    pub prediction: Option<Prediction>,
    /// Why it cannot.
    pub no_prediction: Option<WhyNot>,
    /// Whether it fits into the memory that was told.
    pub fits: Option<Fit>,
}

impl VerdictRecord {
    /// The record of a verdict on what lies in `file`.
    pub fn of(file: &str, verdict: &RunVerdict) -> VerdictRecord {
        let by_frames = verdict.per == Some(Per::Frame);
        let by_seconds = verdict.per == Some(Per::Second);
        let growth = verdict.growth.map(rounded);
        let limit = verdict.not_stable_above.map(round);
        VerdictRecord {
            file: file.into(),
            verdict: verdict.verdict,
            rules_version: verdict.rules_version,
            rule: verdict.rule,
            because: super::evidence(verdict),
            memory: verdict.memory.clone(),
            frames: by_frames.then_some(round(verdict.steps)),
            seconds: by_seconds.then_some(round(verdict.steps)),
            judged_frames: verdict
                .judged
                .filter(|_| by_frames)
                .map(|(begin, end)| (round(begin), round(end))),
            growth_bytes_per_frame: growth.filter(|_| by_frames),
            growth_bytes_per_second: growth.filter(|_| by_seconds),
            not_stable_above_bytes_per_frame: limit.filter(|_| by_frames),
            not_stable_above_bytes_per_second: limit.filter(|_| by_seconds),
            needs: verdict.needs,
            floor_bytes_per_frame: verdict.terms.filter(|_| by_frames).map(|terms| round(terms.floor)),
            index: verdict.terms.map(|terms| terms.index),
            expected_index_bytes_per_frame: verdict.terms.and_then(|terms| terms.expected),
            hidden_bytes: verdict.terms.map(|terms| round(terms.hidden)),
            noise_bytes: verdict.terms.map(|terms| round(terms.noise)),
            warm_up_frames: verdict.warm_up.filter(|_| by_frames).map(round),
            flat_since_frame: verdict.flat_since.filter(|_| by_frames).map(round),
            end_level_bytes: verdict.end_level.map(round),
            blocks_bytes_per_frame: verdict.blocks.iter().copied().map(round).collect(),
            steps: verdict.steps_up.clone(),
            staircase: verdict.staircase.clone(),
            sawtooth: verdict.sawtooth.clone(),
            at_rest: verdict.at_rest.clone(),
            backlog: verdict.backlog,
            level: verdict.level.clone(),
            speed: None,
            prediction: None,
            no_prediction: None,
            fits: None,
        }
    }

    /// The same with a prediction, and whether it fits into so much memory.
    pub fn with(mut self, prediction: Result<Prediction, WhyNot>, memory: Option<Bytes>) -> VerdictRecord {
        self.fits = prediction.ok().zip(memory).map(|(prediction, memory)| prediction.fit(memory));
        (self.prediction, self.no_prediction) = (prediction.ok(), prediction.err());
        self
    }
}

fn rounded(growth: Interval) -> Interval {
    Interval { low: round(growth.low), estimate: round(growth.estimate), high: round(growth.high) }
}

/// To a thousandth: digits beyond say nothing.
fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
