//! What one run shows: the answer, what memory grows with and by how much, and the evidence.

use schemars::JsonSchema;
use serde::Serialize;

use crate::backlog::Backlog;
use crate::course::Per;
use crate::division::Division;
use crate::exports::AtRest;
use crate::peak::HighestLevel;
use crate::saw::Sawtooth;
use crate::shape::{Answer, Form};
use crate::stats::Interval;
use crate::steps::Step;
use crate::terms::Terms;

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Memory grows with the work.
    Grows,
    /// Memory does not grow with the work.
    Level,
    /// Memory grows with every export in one process.
    Leak,
    /// The data do not decide.
    Inconclusive,
}

impl Verdict {
    /// The word for files and tables.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Grows => "GROWS",
            Verdict::Level => "LEVEL",
            Verdict::Leak => "LEAK",
            Verdict::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// What memory grows with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// Exported frames; seconds, if frames were not counted.
    Frames,
    /// First uses of a source.
    Sources,
    /// Other cuts.
    Cuts,
    /// Exports in one process.
    Exports,
}

/// Why the answer is inconclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Memory was not measured.
    NothingMeasured,
    /// The export ended before its first frame.
    NoFrames,
    /// The judged part of the run is too short.
    TooShort,
    /// The judged part has too few samples, or too few changes of the frame counter.
    TooFewSamples,
    /// Growth slowed down: a leak, or a cache that is filling.
    Slowing,
    /// Memory rose too often for single rises, and too rarely for steady growth.
    Irregular,
    /// Memory rose and fell once; this may repeat.
    GivenBack,
    /// Memory falls repeatedly, but too rarely to decide whether the troughs rise.
    FewTeeth,
    /// Frames were read much faster than written, and waited in memory.
    HeldInAQueue,
    /// Most of the memory was allocated before the first frame was written.
    FilledBefore,
    /// The level between exports rises, as it does at first while the heaps of threads fill.
    HeapsOfThreads,
    /// Too few exports in the process, or their gains vary too much.
    TooFewExports,
}

/// What would decide an inconclusive answer; null if more of it would not help.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Needs {
    /// Frames of the export; seconds, if frames were not counted.
    pub frames: Option<u64>,
    /// Samples in the whole run, and changes of its frame counter.
    pub samples: Option<u64>,
    /// Repeats of the run.
    pub repeats: Option<u64>,
    /// Exports in the same process.
    pub exports: Option<u64>,
}

/// A growth rate, in bytes per frame, second, source, cut or export.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct GrowthRate {
    /// Whether memory grows with this.
    pub grows: Answer,
    /// The lower end of the 95 % interval, in bytes.
    pub low: f64,
    /// The estimate, in bytes.
    pub estimate: f64,
    /// The upper end of the 95 % interval, in bytes.
    pub high: f64,
    /// The detection limit, in bytes: a smaller rate would not have been seen.
    pub limit: f64,
}

impl GrowthRate {
    pub(super) fn of(grows: Answer, found: Interval, limit: f64) -> GrowthRate {
        let Interval { low, estimate, high } = found;
        GrowthRate { grows, low, estimate, high, limit }
    }
}

/// What was gained, divided among what memory may grow with; `None`: not enough of it in the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Growth {
    /// With each frame (or second).
    pub frame: Option<GrowthRate>,
    /// With each first use of a source.
    pub source: Option<GrowthRate>,
    /// With each other cut; with every cut, where it is not known which are first uses.
    pub cut: Option<GrowthRate>,
    /// With each export in the process.
    pub export: Option<GrowthRate>,
}

impl Growth {
    /// That with one thing.
    pub fn with(&self, with: With) -> Option<GrowthRate> {
        match with {
            With::Frames => self.frame,
            With::Sources => self.source,
            With::Cuts => self.cut,
            With::Exports => self.export,
        }
    }
}

/// What one run shows, and the evidence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunVerdict {
    /// Whether memory grows with the work: yes, no, or inconclusive.
    pub grows: Answer,
    /// What it grows with: two or more where they cannot be told apart, or where it grows with each.
    pub with: Vec<With>,
    /// Whether what stands in `with` could not be told apart in this run.
    pub unparted: bool,
    /// How much with each.
    pub growth: Growth,
    /// What the course looks like.
    pub form: Option<Form>,
    /// Why it is open.
    pub reason: Option<Reason>,
    /// What would settle it, where it is open.
    pub needs: Needs,
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
    /// The gain with each frame (or second) in each of twelve blocks of the judged part, in bytes.
    pub blocks: Vec<f64>,
    /// No steady growth above this can be in what was seen, in bytes for each frame (or second).
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
    pub division: Option<Division>,
    /// What stays between exports, where there are several.
    pub at_rest: Option<AtRest>,
    /// Frames taken in and not yet put out, where both are counted.
    pub backlog: Option<Backlog>,
    /// The highest level, and what it is made of.
    pub peak: Option<HighestLevel>,
    /// Threads that were there at the end of the judged part beyond those at its beginning.
    pub threads_gained: f64,
    /// The same of open descriptors.
    pub descriptors_gained: f64,
}

impl RunVerdict {
    /// The verdict in a word.
    pub fn verdict(&self) -> Verdict {
        verdict(self.grows, &self.with)
    }

    /// Whether it grows with frames, or it cannot be told whether with frames.
    pub fn grows_with_frames(&self) -> bool {
        self.grows == Answer::Yes && self.with.contains(&With::Frames)
    }
}

/// The word for an answer and what memory grows with.
pub(crate) fn verdict(grows: Answer, with: &[With]) -> Verdict {
    match grows {
        Answer::Yes if with == [With::Exports] => Verdict::Leak,
        Answer::Yes => Verdict::Grows,
        Answer::No => Verdict::Level,
        Answer::Open => Verdict::Inconclusive,
    }
}
