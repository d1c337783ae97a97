//! What a verdict on several jobs rests on, in sentences with their numbers.

use super::answer::amount;
use super::evidence::form_in_words;
use crate::report::number::number;
use memreel_judge::With;
use memreel_judge::jobs::{Along, Because, JobsVerdict};

/// A smaller difference between exports with and without an index is none, in bytes per frame.
const LEAST_INDEX: f64 = 32.0;

/// What decided, what the runs show by themselves, and growth along what was varied, a sentence each.
pub fn evidence(verdict: &JobsVerdict) -> Vec<String> {
    let runs: Vec<_> =
        verdict.runs.iter().map(|(verdict, count)| format!("{count} {}", verdict.word())).collect();
    let jobs = if verdict.jobs == 1 { "one run".into() } else { format!("{} runs", verdict.jobs) };
    let form = verdict.form.map(|form| format!("; {}", form_in_words(form))).unwrap_or_default();
    let mut sentences =
        vec![format!("Evidence: {} ({jobs}: {}{form}).", because(verdict.because), runs.join(", "))];
    let varied = verdict.along.iter().filter(|along| along.range.0 < along.range.1);
    sentences.extend(varied.map(along));
    sentences.extend(verdict.index_per_frame.filter(|&index| index >= LEAST_INDEX).map(|index| {
        format!(
            "The index of the file takes {} per frame, compared with exports without an index.",
            amount(index)
        )
    }));
    sentences
}

fn along(along: &Along) -> String {
    let (of, each) = if along.with == With::Sources { ("sources", "source") } else { ("frames", "frame") };
    format!(
        "From {} to {} {of}, over {} runs: {} per {each} ({} to {}).",
        number(along.range.0 as f64, 0),
        number(along.range.1 as f64, 0),
        along.jobs,
        amount(along.growth.estimate),
        amount(along.growth.low),
        amount(along.growth.high)
    )
}

fn because(because: Because) -> &'static str {
    match because {
        Because::NothingMeasured => "no export finished",
        Because::RestsRise => "the memory between exports rises with each export",
        Because::RunsGrow => "most runs grow, also the longest",
        Because::LevelsRiseWithLength => "the level at the end rises with the length of the export",
        Because::FramesWait => "frames wait in memory between input and output",
        Because::LevelsRiseWithSources => {
            "the level rises from the second largest to the largest number of sources"
        }
        Because::RunsStop => "growth stopped within the runs",
        Because::LevelsStopRisingWithSources => "the level rises with few sources, and not with many",
        Because::NothingGrows => "no run grows, and no level rises",
        Because::RunsAreOpen => "runs are inconclusive, or disagree",
        Because::LengthsAreOpen => "the lengths do not show whether the level rises",
        Because::SourcesAreOpen => "the numbers of sources do not show whether growth continues",
    }
}
