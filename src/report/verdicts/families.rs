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
    let form = verdict.form.map(form_in_words);
    let all = match verdict.jobs {
        1 => verdict.runs.iter().map(|(verdict, _)| verdict.word().to_string()).collect(),
        jobs => format!("{jobs} runs: {}", runs.join(", ")),
    };
    let known: Vec<_> = [all.as_str()].into_iter().chain(form).collect();
    let because = of_one(verdict).unwrap_or_else(|| because(verdict));
    let mut sentences = vec![format!("Evidence: {because} ({}).", known.join("; "))];
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

/// The same of a family that is one run.
fn of_one(verdict: &JobsVerdict) -> Option<&'static str> {
    match verdict.because {
        _ if verdict.jobs != 1 => None,
        Because::RunsGrow => Some("the only run grows"),
        Because::NothingGrows => Some("the only run does not grow"),
        Because::RunsStop => Some("growth stopped within the only run"),
        Because::RunsAreOpen => Some("the only run is inconclusive"),
        _ => None,
    }
}

fn because(verdict: &JobsVerdict) -> &'static str {
    match verdict.because {
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
        Because::RunsAreOpen if verdict.runs.len() == 1 => "the runs are inconclusive",
        Because::RunsAreOpen => "the runs disagree",
        Because::LengthsAreOpen => "the lengths do not show whether the level rises",
        Because::SourcesAreOpen => "the numbers of sources do not show whether growth continues",
    }
}
