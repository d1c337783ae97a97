//! Whether memory grows, with what, by how much, and what could not have been seen.
//!
//! Judging is pure: the same series and the same context give the same verdict on every machine, in any year.
//! [`judge`] says of one run what it shows. One run can prove growth, never a leak: a leak, an unbounded queue
//! and a cache that has not filled yet look the same in it.
//!
//! Memory is a ratchet with rare jumps, not a level with noise. So what is judged are the *increments* of its
//! future-minimum [`course::Envelope`] over blocks of equal length ([`shape`]), never a line through its
//! levels.

pub mod backlog;
pub mod course;
pub mod exports;
pub mod jobs;
pub mod level;
pub mod prediction;
pub mod sawtooth;
pub mod shape;
pub mod staircase;
pub mod steps;
pub mod terms;

mod decide;

use serde::Serialize;

use crate::analysis::ProgressClock;
use crate::stats::Interval;
use crate::trace::{Memory, RunContext, Series};

use backlog::Backlog;
use course::{Course, Per};
use exports::AtRest;
use level::Level;
use sawtooth::Sawtooth;
use staircase::Staircase;
use steps::Step;
use terms::Terms;

/// The version of the rules by which verdicts are given. It rises when the same files may be judged otherwise.
pub const RULES_VERSION: u32 = 3;

/// What one run shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Level after the warm-up.
    Plateau,
    /// Level, but for few rises that stayed.
    Step,
    /// It grew for long, and stopped: a bounded cache that has filled.
    PlateauLate,
    /// It falls again and again.
    Sawtooth,
    /// It grows where clips begin, and not between.
    GrowsAtCuts,
    /// It grows with nearly every frame, to the end of the run.
    Growing,
    /// Every export in the process leaves something behind.
    Leak,
    /// It cannot be told from this run.
    Inconclusive,
}

impl Verdict {
    /// The word for files and tables.
    pub fn word(self) -> String {
        word(&self)
    }

    /// Whether it says that memory has come to rest.
    pub fn is_stable(self) -> bool {
        matches!(self, Verdict::Plateau | Verdict::Step | Verdict::PlateauLate)
    }
}

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Neither memory nor progress was measured.
    NothingMeasured,
    /// The judged part is shorter than it takes.
    TooShort,
    /// The judged part holds too few samples, or too few changes of the frame counter.
    TooFewSamples,
    /// It gained no more than the floor or what may hide.
    GainedNoMoreThanTheFloor,
    /// It rose in four of twelve blocks at most, and was flat after.
    RoseInFewBlocks,
    /// Nearly all of it was one rise, and the rest is what a plateau may gain.
    RoseOnce,
    /// It was flat at the end for longer than ever before.
    FlatAtTheEnd,
    /// Nearly every block grew by more than the floor, to the end.
    GrewInNearlyEveryBlock,
    /// The same of the troughs of a saw.
    TroughsRise,
    /// It falls again and again, and its troughs do not rise.
    TroughsDoNotRise,
    /// It falls again and again; whether its troughs rise is open.
    TroughsOpen,
    /// What it gained, it gained at cuts; between them it came to rest, or gained too small a share to tell.
    GrewAtCutsOnly,
    /// It grew at cuts, and after the last rise no more.
    GrewAtCutsAndStopped,
    /// It grew, and cuts follow each other too fast to tell growth at them from growth between them.
    CutsTooClose,
    /// It grew at cuts; whether between them, too, is open.
    BetweenCutsOpen,
    /// It rose for long and gave it back, once.
    GivenBackOnce,
    /// It grew in nearly every block, but late ones gained less.
    GrewEverSlower,
    /// It rose too late to see what follows.
    RoseTooLate,
    /// It rose now and then, in too many blocks for steps and too few for growth.
    RoseNowAndThen,
    /// Frames were taken in far faster than put out, and held in memory: whether they are more for a longer
    /// export takes another length to see.
    HeldInAQueue,
    /// Most of it was taken before the first frame was put out: whether it is more for a longer export
    /// cannot be seen.
    FilledBeforeTheFirstFrame,
    /// Every export left something behind.
    LeftBehindByEveryExport,
    /// Exports left nothing behind.
    NothingLeftBehind,
    /// Rests rise, as the heaps of threads that come and go do at first.
    HeapsOfThreads,
    /// Too few exports in the process, or what they left behind varies too much.
    TooFewExports,
}

impl Rule {
    /// Its name in files.
    pub fn word(self) -> String {
        word(&self)
    }
}

/// What a value without fields is called in files.
fn word(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_string()
}

/// What would settle an open question; `None`: it takes no more of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Frames of the export (seconds where none are counted).
    pub frames: Option<u64>,
    /// Samples over the whole run, and changes of its frame counter.
    pub samples: Option<u64>,
    /// Runs of the same.
    pub repeats: Option<u64>,
    /// Exports in the same process.
    pub exports: Option<u64>,
}

/// What one run shows, and the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct RunVerdict {
    /// The version of the rules.
    pub rules_version: u32,
    /// The verdict.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Rule,
    /// What is judged: anonymous memory and swap, or resident memory where that is all there is.
    pub memory: Option<String>,
    /// Whether by frames or by seconds.
    pub per: Option<Per>,
    /// Frames (or seconds) of the run.
    pub steps: f64,
    /// The part that is judged, in frames (or seconds).
    pub judged: Option<(f64, f64)>,
    /// What growth is measured against.
    pub terms: Option<Terms>,
    /// Whether it is known where clips begin, or that none does but the first.
    pub cuts_known: bool,
    /// Growth with each frame (or second) over the judged part, in bytes; between cuts where it grows at
    /// them.
    pub growth: Option<Interval>,
    /// The gain with each frame (or second) in each of twelve blocks of the judged part, in bytes.
    pub blocks: Vec<f64>,
    /// Growth with each frame (or second) that would not have been called stable in this run, in bytes.
    pub not_stable_above: Option<f64>,
    /// The frame (or second) by which 95 % of the level at a quarter of the way was reached.
    pub warm_up: Option<f64>,
    /// The level at the end of the judged part, in bytes.
    pub end_level: Option<f64>,
    /// Where it stopped growing, where it did.
    pub flat_since: Option<f64>,
    /// Rises that stayed, after the warm-up.
    pub steps_up: Vec<Step>,
    /// Falls.
    pub sawtooth: Option<Sawtooth>,
    /// Growth at cuts against growth between them.
    pub staircase: Option<Staircase>,
    /// What stays between exports, where there are several.
    pub at_rest: Option<AtRest>,
    /// Frames taken in and not yet put out, where both are counted.
    pub backlog: Option<Backlog>,
    /// The highest level, and what it is made of.
    pub level: Option<Level>,
    /// What would settle it, where it is open.
    pub needs: Needs,
}

/// Says of one run what it shows.
///
/// The series keeps [`Memory::JUDGED`] at least. Of the context only what is known is used: an unknown
/// container counts as MP4, without cuts growth at cuts is taken for growth.
pub fn judge(series: &Series, context: &RunContext) -> RunVerdict {
    let memory =
        [Memory::AnonymousAndSwap, Memory::Rss].into_iter().find(|&m| series.memory(m).is_measured());
    let clock = ProgressClock::of_frames(series);
    let course = memory.and_then(|memory| Course::of(series, &clock, memory));
    let verdict = match (&course, memory) {
        (Some(course), Some(memory)) if !context.exports.is_empty() => {
            decide::of_exports(course, series, memory, context)
        }
        (Some(course), Some(memory)) => decide::of_one_export(course, Backlog::of(series, memory), context),
        _ => RunVerdict::open(Rule::NothingMeasured, Needs::default()),
    };
    let level = Level::of(series, &clock, context);
    if !matches!(verdict.verdict, Verdict::Growing | Verdict::Leak)
        && let Some(shared) = of_shared(series, &clock, context)
    {
        return RunVerdict { level, ..shared };
    }
    RunVerdict { memory: memory.map(|memory| memory.to_string()), level, ..verdict }
}

/// The verdict on shared memory, where that grows: it is no part of anonymous memory.
fn of_shared(series: &Series, clock: &ProgressClock, context: &RunContext) -> Option<RunVerdict> {
    if !context.exports.is_empty() || !series.memory(Memory::Shared).is_measured() {
        return None;
    }
    let verdict = decide::of_one_export(&Course::of(series, clock, Memory::Shared)?, None, context);
    let memory = Some(Memory::Shared.to_string());
    (verdict.verdict == Verdict::Growing).then_some(RunVerdict { memory, ..verdict })
}

impl RunVerdict {
    fn open(rule: Rule, needs: Needs) -> RunVerdict {
        RunVerdict {
            rules_version: RULES_VERSION,
            verdict: Verdict::Inconclusive,
            rule,
            memory: None,
            per: None,
            steps: 0.0,
            judged: None,
            terms: None,
            cuts_known: false,
            growth: None,
            blocks: Vec::new(),
            not_stable_above: None,
            warm_up: None,
            end_level: None,
            flat_since: None,
            steps_up: Vec::new(),
            sawtooth: None,
            staircase: None,
            at_rest: None,
            backlog: None,
            level: None,
            needs,
        }
    }
}

#[cfg(test)]
mod tests;
