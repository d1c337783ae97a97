//! Verdicts as JSON: units in the names, null for what is not known.

use serde::Serialize;

use super::{DriftRecord, answer};
use memreel_judge::backlog::Backlog;
use memreel_judge::course::Per;
use memreel_judge::division::Division;
use memreel_judge::exports::AtRest;
use memreel_judge::jobs::{Along, Because, JobsVerdict};
use memreel_judge::peak::HighestLevel;
use memreel_judge::prediction::{Fit, Prediction, WhyNot};
use memreel_judge::saw::Sawtooth;
use memreel_judge::shape::{Answer, Form};
use memreel_judge::steps::Step;
use memreel_judge::terms::{Expected, Index};
use memreel_judge::{Growth, GrowthRate, Needs, RULES_VERSION, Reason, RunVerdict, Verdict, With};
use memreel_trace::units::Bytes;

/// Growth with each thing, in bytes for each of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GrowthRecord {
    frame: Option<GrowthRate>,
    second: Option<GrowthRate>,
    source: Option<GrowthRate>,
    cut: Option<GrowthRate>,
    export: Option<GrowthRate>,
}

impl GrowthRecord {
    fn of(growth: &Growth, per: Per) -> GrowthRecord {
        let by = |wanted: Per| growth.frame.filter(|_| per == wanted).map(rounded_rate);
        GrowthRecord {
            frame: by(Per::Frame),
            second: by(Per::Second),
            source: growth.source.map(rounded_rate),
            cut: growth.cut.map(rounded_rate),
            export: growth.export.map(rounded_rate),
        }
    }
}

/// What several jobs show together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobsRecord {
    verdict: Verdict,
    grows: Answer,
    with: Vec<With>,
    parted: bool,
    growth: GrowthRecord,
    /// The answer in a sentence.
    answer: String,
    course: Option<Form>,
    because: Because,
    runs: Vec<(Verdict, usize)>,
    up_to_frames: u64,
    up_to_sources: u64,
    up_to_exports: u64,
    along: Vec<Along>,
    stopped_at_frame: Option<f64>,
    index_bytes_per_frame: Option<f64>,
    not_stable_above_bytes_per_frame: Option<f64>,
    needs: Needs,
}

impl JobsRecord {
    /// The record of a verdict.
    pub fn of(verdict: &JobsVerdict) -> JobsRecord {
        JobsRecord {
            verdict: verdict.verdict(),
            grows: verdict.grows,
            with: verdict.with.clone(),
            parted: !verdict.unparted,
            growth: GrowthRecord::of(&verdict.growth, Per::Frame),
            answer: answer::of_jobs(verdict),
            course: verdict.form,
            because: verdict.because,
            runs: verdict.runs.clone(),
            up_to_frames: verdict.up_to_frames,
            up_to_sources: verdict.up_to_sources,
            up_to_exports: verdict.up_to_exports,
            along: verdict.along.clone(),
            stopped_at_frame: verdict.stopped_at.map(round),
            index_bytes_per_frame: verdict.index_per_frame.map(round),
            not_stable_above_bytes_per_frame: verdict.not_stable_above.map(round),
            needs: verdict.needs,
        }
    }
}

/// A verdict on a run, as files and other programs read it. Where frames were not counted, the fields of frames are
/// null and those of seconds are not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictRecord {
    /// The file or folder.
    pub file: String,
    /// The verdict in a word.
    pub verdict: Verdict,
    /// The version of the rules that gave it.
    pub rules_version: u32,
    /// Whether memory grows with the work.
    pub grows: Answer,
    /// What it grows with.
    pub with: Vec<With>,
    /// Whether these could be told apart.
    pub parted: bool,
    /// How much with each.
    pub growth: GrowthRecord,
    /// The answer in a sentence.
    pub answer: String,
    /// What the course looks like.
    pub course: Option<Form>,
    /// Why it is open.
    pub reason: Option<Reason>,
    /// The evidence in sentences.
    pub because: Vec<String>,
    /// What would settle it.
    pub needs: Needs,
    /// The command that does.
    pub next: Option<String>,
    /// What is judged.
    pub memory: Option<String>,
    /// Frames exported.
    pub frames: Option<f64>,
    /// Seconds, where no frames were counted.
    pub seconds: Option<f64>,
    /// The part that is judged.
    pub judged_frames: Option<(f64, f64)>,
    /// No steady growth above this can be in what was seen.
    pub not_stable_above_bytes_per_frame: Option<f64>,
    /// The same per second, where no frames were counted.
    pub not_stable_above_bytes_per_second: Option<f64>,
    /// Growth that does not count as such.
    pub floor_bytes_per_frame: Option<f64>,
    /// Which index the container keeps.
    pub index: Option<Index>,
    /// Whether that is assumed.
    pub index_is_assumed: bool,
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
    /// The gain per frame in each block of the judged part.
    pub blocks_bytes_per_frame: Vec<f64>,
    /// Rises that stayed.
    pub steps: Vec<Step>,
    /// Growth at cuts against growth between.
    pub division: Option<Division>,
    /// Falls.
    pub sawtooth: Option<Sawtooth>,
    /// What stays between exports.
    pub at_rest: Option<AtRest>,
    /// Frames that wait.
    pub backlog: Option<Backlog>,
    /// The highest level.
    pub peak: Option<HighestLevel>,
    /// Threads at the end of the judged part beyond those at its beginning.
    pub threads_gained: f64,
    /// CPU time per frame late against early, where CPU time was measured.
    pub speed: Option<DriftRecord>,
    /// What a longer export would take, where that was asked for and is known.
    pub prediction: Option<Prediction>,
    /// Why it is not.
    pub no_prediction: Option<WhyNot>,
    /// Whether it fits into the memory that was given.
    pub fits: Option<Fit>,
}

impl VerdictRecord {
    /// The record of a verdict on what lies in `file`.
    pub fn of(file: &str, verdict: &RunVerdict) -> VerdictRecord {
        let per = verdict.per.unwrap_or_default();
        let by_frames = verdict.per == Some(Per::Frame);
        let by_seconds = verdict.per == Some(Per::Second);
        let limit = verdict.not_stable_above.map(round);
        let terms = verdict.terms;
        VerdictRecord {
            file: file.into(),
            verdict: verdict.verdict(),
            rules_version: RULES_VERSION,
            grows: verdict.grows,
            with: verdict.with.clone(),
            parted: !verdict.unparted,
            growth: GrowthRecord::of(&verdict.growth, per),
            answer: answer::of_run(verdict),
            course: verdict.form,
            reason: verdict.reason,
            because: super::evidence(verdict),
            needs: verdict.needs,
            next: None,
            memory: verdict.memory.clone(),
            frames: by_frames.then_some(round(verdict.steps)),
            seconds: by_seconds.then_some(round(verdict.steps)),
            judged_frames: verdict
                .judged
                .filter(|_| by_frames)
                .map(|(begin, end)| (round(begin), round(end))),
            not_stable_above_bytes_per_frame: limit.filter(|_| by_frames),
            not_stable_above_bytes_per_second: limit.filter(|_| by_seconds),
            floor_bytes_per_frame: terms.filter(|_| by_frames).map(|terms| round(terms.floor)),
            index: terms.map(|terms| terms.index),
            index_is_assumed: terms.is_some_and(|terms| terms.index_is_assumed),
            expected_index_bytes_per_frame: terms.and_then(|terms| terms.expected),
            hidden_bytes: terms.map(|terms| round(terms.hidden)),
            noise_bytes: terms.map(|terms| round(terms.noise)),
            warm_up_frames: verdict.warm_up.filter(|_| by_frames).map(round),
            flat_since_frame: verdict.flat_since.filter(|_| by_frames).map(round),
            end_level_bytes: verdict.end_level.map(round),
            blocks_bytes_per_frame: verdict.blocks.iter().copied().map(round).collect(),
            steps: verdict.steps_up.clone(),
            division: verdict.division.clone(),
            sawtooth: verdict.sawtooth.clone(),
            at_rest: verdict.at_rest.clone(),
            backlog: verdict.backlog,
            peak: verdict.peak.clone(),
            threads_gained: verdict.threads_gained,
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

fn rounded_rate(rate: GrowthRate) -> GrowthRate {
    GrowthRate {
        low: round(rate.low),
        estimate: round(rate.estimate),
        high: round(rate.high),
        limit: round(rate.limit),
        ..rate
    }
}

/// To a thousandth: digits beyond say nothing.
fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
