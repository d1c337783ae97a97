//! Verdicts as JSON: units in the names, null for what is not known.

use schemars::JsonSchema;
use serde::Serialize;

use super::{DriftRecord, answer};
use memreel_judge::backlog::Backlog;
use memreel_judge::course::Per;
use memreel_judge::division::Division;
use memreel_judge::exports::AtRest;
use memreel_judge::jobs::{Along, Because, JobsVerdict, Removals};
use memreel_judge::peak::HighestLevel;
use memreel_judge::prediction::{Fit, Prediction, WhyNot};
use memreel_judge::saw::Sawtooth;
use memreel_judge::shape::{Answer, Form};
use memreel_judge::steps::Step;
use memreel_judge::terms::{Expected, Index};
use memreel_judge::{Growth, GrowthRate, Needs, RULES_VERSION, Reason, RunVerdict, Verdict, With};
use memreel_trace::units::Bytes;

/// Growth rates in bytes; null if the run had not enough of something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct GrowthRecord {
    /// Growth with each frame.
    frame: Option<GrowthRate>,
    /// Growth with each item, if items were counted.
    item: Option<GrowthRate>,
    /// Growth with each MiB written, if these were counted.
    mib_written: Option<GrowthRate>,
    /// Growth with each second, if nothing was counted.
    second: Option<GrowthRate>,
    /// Growth with each first use of a source.
    source: Option<GrowthRate>,
    /// Growth with each other cut.
    cut: Option<GrowthRate>,
    /// Growth with each export in the process.
    export: Option<GrowthRate>,
}

impl GrowthRecord {
    fn of(growth: &Growth, per: Per) -> GrowthRecord {
        let by = |wanted: Per| growth.frame.filter(|_| per == wanted).map(rounded_rate);
        GrowthRecord {
            frame: by(Per::Frame),
            item: by(Per::Item),
            mib_written: by(Per::Mebibyte),
            second: by(Per::Second),
            source: growth.source.map(rounded_rate),
            cut: growth.cut.map(rounded_rate),
            export: growth.export.map(rounded_rate),
        }
    }
}

/// The evidence of several jobs together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JobsRecord {
    /// The verdict in one word.
    verdict: Verdict,
    /// Whether memory grows with the work.
    grows: Answer,
    /// What memory grows with; empty unless `grows` is `yes`.
    with: Vec<With>,
    /// Whether the items of `with` could be distinguished.
    parted: bool,
    /// The growth rates: medians over the runs.
    growth: GrowthRecord,
    /// The answer in words.
    answer: String,
    /// The shape of the memory curve of most runs.
    course: Option<Form>,
    /// Whether frames were not counted by any job, so that rates are per second.
    per_second: bool,
    /// The evidence that decided.
    because: Because,
    /// The verdicts on the runs, each with its count.
    runs: Vec<(Verdict, usize)>,
    /// The length of the longest export, in frames.
    up_to_frames: u64,
    /// The most distinct sources of an export.
    up_to_sources: u64,
    /// The most exports in one process.
    up_to_exports: u64,
    /// Growth with each axis that was varied.
    along: Vec<Along>,
    /// The frame at which growth stopped: the median over the runs in which it did.
    stopped_at_frame: Option<f64>,
    /// The measured growth of the file's index, in bytes per frame, if the same export was also made without one.
    index_bytes_per_frame: Option<f64>,
    /// The detection limit, in bytes per frame: a leak above it would have been seen. The median over the runs.
    not_stable_above_bytes_per_frame: Option<f64>,
    /// What would decide an inconclusive answer.
    needs: Needs,
    /// What became of growth when something was taken out of the project, if that was varied.
    removals: Removals,
}

impl JobsRecord {
    /// The record of a verdict.
    pub fn of(verdict: &JobsVerdict) -> JobsRecord {
        JobsRecord {
            verdict: verdict.verdict(),
            grows: verdict.grows,
            with: verdict.with.clone(),
            parted: !verdict.unparted,
            growth: GrowthRecord::of(&verdict.growth, verdict.per),
            answer: answer::of_jobs(verdict),
            course: verdict.form,
            per_second: verdict.per == Per::Second,
            because: verdict.because,
            runs: verdict.runs.clone(),
            up_to_frames: verdict.up_to_frames,
            up_to_sources: verdict.up_to_sources,
            up_to_exports: verdict.up_to_exports,
            along: verdict.along.clone(),
            stopped_at_frame: verdict.stopped_at.map(round),
            index_bytes_per_frame: verdict.index_per_frame.map(round),
            not_stable_above_bytes_per_frame: verdict
                .not_stable_above
                .filter(|_| verdict.per == Per::Frame)
                .map(round),
            needs: verdict.needs,
            removals: verdict.removals.clone(),
        }
    }
}

/// A verdict on one run or recording. Sizes are in bytes. If frames were not counted, the fields per frame are null and
/// the fields per second are not.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VerdictRecord {
    /// The file or folder.
    pub file: String,
    /// Whether the recording came to its end; false for one that was killed, or is still running.
    pub complete: bool,
    /// The verdict in one word.
    pub verdict: Verdict,
    /// The version of the judge's rules.
    pub rules_version: u32,
    /// Whether memory grows with the work.
    pub grows: Answer,
    /// What memory grows with; empty unless `grows` is `yes`.
    pub with: Vec<With>,
    /// Whether the items of `with` could be distinguished.
    pub parted: bool,
    /// The growth rates.
    pub growth: GrowthRecord,
    /// The answer in words.
    pub answer: String,
    /// The shape of the memory curve.
    pub course: Option<Form>,
    /// Why the answer is inconclusive.
    pub reason: Option<Reason>,
    /// The evidence in sentences.
    pub because: Vec<String>,
    /// What would decide an inconclusive answer.
    pub needs: Needs,
    /// A command that can decide, if the answer is inconclusive and the command of the run is known.
    pub next: Option<String>,
    /// The kind of memory that was judged.
    pub memory: Option<String>,
    /// The unit of the run's length; null if nothing was measured.
    pub unit: Option<Per>,
    /// The length of the run, in that unit.
    pub work: Option<f64>,
    /// The length of the run, in frames.
    pub frames: Option<f64>,
    /// The length of the run, in seconds, if frames were not counted.
    pub seconds: Option<f64>,
    /// The first and the last frame of the judged part.
    pub judged_frames: Option<(f64, f64)>,
    /// The detection limit, in bytes per frame: a steady leak above it would have been seen.
    pub not_stable_above_bytes_per_frame: Option<f64>,
    /// The detection limit, in bytes per second, if frames were not counted.
    pub not_stable_above_bytes_per_second: Option<f64>,
    /// Growth up to this does not count, in bytes per frame.
    pub floor_bytes_per_frame: Option<f64>,
    /// The index that the container keeps in memory.
    pub index: Option<Index>,
    /// Whether the container is an assumption.
    pub index_is_assumed: bool,
    /// The expected growth of the index, in bytes per frame.
    pub expected_index_bytes_per_frame: Option<Expected>,
    /// How much of a leak the heap may hide, in bytes.
    pub hidden_bytes: Option<f64>,
    /// The error of the difference of two readings, in bytes.
    pub noise_bytes: Option<f64>,
    /// The frame at which 95 % of the level at a quarter of the run was reached.
    pub warm_up_frames: Option<f64>,
    /// The frame at which growth stopped.
    pub flat_since_frame: Option<f64>,
    /// The level at the end of the judged part, in bytes.
    pub end_level_bytes: Option<f64>,
    /// The gain in each of the twelve blocks of the judged part, in bytes per frame.
    pub blocks_bytes_per_frame: Vec<f64>,
    /// Rises of the level that stayed.
    pub steps: Vec<Step>,
    /// Growth at cuts and between them.
    pub division: Option<Division>,
    /// The falls of a memory curve that has the shape of a saw.
    pub sawtooth: Option<Sawtooth>,
    /// Memory at rest between the exports of one process.
    pub at_rest: Option<AtRest>,
    /// Frames that waited in memory.
    pub backlog: Option<Backlog>,
    /// The peak of the run.
    pub peak: Option<HighestLevel>,
    /// Threads at the end of the judged part, less those at its beginning.
    pub threads_gained: f64,
    /// CPU time per frame, late in the run and early, if CPU time was measured.
    pub speed: Option<DriftRecord>,
    /// The predicted memory of a longer export, with `--predict`.
    pub prediction: Option<Prediction>,
    /// Why there is no prediction, with `--predict`.
    pub no_prediction: Option<WhyNot>,
    /// Whether the predicted export fits into the memory given by `--memory`.
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
            complete: true,
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
            unit: verdict.per,
            work: verdict.per.map(|_| round(verdict.steps)),
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
