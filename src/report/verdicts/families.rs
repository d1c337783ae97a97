//! What a family of jobs shows, in words.

use super::evidence::{amount, to_settle};
use crate::report::number::number;
use crate::verdict::jobs::{Along, Because, Finding, JobsVerdict, With};

/// A smaller difference between exports with and without an index is none, in bytes a frame.
const LEAST_INDEX: f64 = 32.0;

/// The finding in one sentence with its number.
pub fn headline(verdict: &JobsVerdict) -> String {
    let up_to = format!("up to {} frames", number(verdict.up_to_frames as f64, 0));
    let growth = |with| of(verdict, with).unwrap_or_default();
    match verdict.finding {
        Finding::Leak => {
            format!("exports in one process leave memory behind{}", with_comma(growth(With::Export)))
        }
        Finding::GrowsPerFrame => {
            format!("memory grows with every frame, {up_to}{}", with_comma(growth(With::Frame)))
        }
        Finding::QueueGrows => {
            format!("memory is taken by a queue that holds more for a longer export, {up_to}")
        }
        Finding::GrowsPerCut => {
            format!("memory grows with every cut{}{}", with_comma(growth(With::Cut)), hidden(verdict))
        }
        Finding::GrowsPerSource => {
            let source = of(verdict, With::Source).or(of(verdict, With::Cut)).unwrap_or_default();
            let sources = number(verdict.up_to_sources as f64, 0);
            // Where their number was not varied each of them may stand for its cut.
            let varied = |along: &Along| along.with == With::Source && along.range.0 < along.range.1;
            let what = match verdict.along.iter().any(varied) {
                true => format!("every source, up to {sources} sources"),
                false => format!("every cut to a new source, up to {sources} sources"),
            };
            format!("memory grows with {what}{}{}", with_comma(source), none_between(verdict))
        }
        Finding::Inconclusive => format!("cannot be told: {}", because(verdict.because)),
        Finding::Bounded => match verdict.stopped_at {
            Some(frame) => format!("memory grew, and stopped at frame {} of {up_to}", number(frame, 0)),
            None => "memory grew with the first sources, and not with more".into(),
        },
        Finding::Healthy => match exports(verdict) {
            Some(exports) => format!("nothing adds up over {exports} exports in one process"),
            None => format!("no growth along anything that was varied, {up_to}{}", limit(verdict)),
        },
    }
}

/// What would have been seen.
fn limit(verdict: &JobsVerdict) -> String {
    let limit = verdict.not_stable_above.map(amount);
    let clause =
        |limit| format!("; steady growth of more than {limit} a frame would not have been called stable");
    limit.map(clause).unwrap_or_default()
}

/// What may be beneath growth at cuts.
fn hidden(verdict: &JobsVerdict) -> String {
    let limit = verdict.not_stable_above.map(amount);
    limit.map(|limit| format!("; between cuts up to {limit} a frame may hide")).unwrap_or_default()
}

/// That nothing was seen beneath growth at cuts, and what of it says little.
fn none_between(verdict: &JobsVerdict) -> String {
    let limit = verdict.not_stable_above.map(amount);
    let hidden = limit.map(|limit| format!(", where up to {limit} a frame may hide")).unwrap_or_default();
    format!("; none was seen between cuts{hidden}")
}

fn exports(verdict: &JobsVerdict) -> Option<String> {
    let along = verdict.along.iter().find(|along| along.with == With::Export)?;
    Some(number(along.range.1 as f64, 0))
}

fn with_comma(growth: String) -> String {
    if growth.is_empty() { growth } else { format!(": {growth}") }
}

fn of(verdict: &JobsVerdict, with: With) -> Option<String> {
    verdict.along.iter().find(|along| along.with == with).map(growth)
}

fn growth(along: &Along) -> String {
    let growth = along.growth;
    let what = match along.with {
        With::Frame => "a frame",
        With::Source => "a source",
        With::Cut => "a cut",
        With::Export => "an export",
        With::Queue => "a frame of the peak",
    };
    let (low, high) = (amount(growth.low), amount(growth.high));
    if low == high {
        return format!("{} {what}", amount(growth.estimate));
    }
    format!("{} {what} [{low} to {high}]", amount(growth.estimate))
}

/// What decided, what the runs show by themselves, and growth along what was varied, a sentence each.
pub fn evidence(verdict: &JobsVerdict) -> Vec<String> {
    let runs: Vec<_> =
        verdict.runs.iter().map(|(verdict, count)| format!("{count} × {}", verdict.word())).collect();
    let jobs = if verdict.jobs == 1 { "1 job".into() } else { format!("{} jobs", verdict.jobs) };
    let mut told =
        vec![format!("Because {}: {jobs}, judged one by one {}.", because(verdict.because), runs.join(", "))];
    for along in
        verdict.along.iter().filter(|along| along.range.0 < along.range.1 && along.with != With::Export)
    {
        let (least, most) = along.range;
        let of = if along.with == With::Source { "sources" } else { "frames" };
        told.push(format!(
            "From {} to {} {of}, over {} jobs: {}.",
            number(least as f64, 0),
            number(most as f64, 0),
            along.jobs,
            growth(along)
        ));
    }
    told.extend(verdict.index_per_frame.filter(|&index| index >= LEAST_INDEX).map(|index| {
        format!(
            "With an index in the file it grows by {} a frame more than without: that is the index.",
            amount(index)
        )
    }));
    told.extend((verdict.finding == Finding::GrowsPerSource).then(|| NO_LEAK.to_string()));
    told
}

/// What growth with sources does not say, and what would.
const NO_LEAK: &str = "No leak is shown by this: what is kept of each source may be meant, such as a cache of open \
                       producers. `--sources` shows fewer of them for as long, and tells whether it is the sources or \
                       the cuts, and whether it goes on; `--exports 12`, where the engine can, tells whether it is \
                       given back.";

fn because(because: Because) -> &'static str {
    match because {
        Because::NothingMeasured => "no job came to its end",
        Because::RestsRise => "what stays between exports rises with each",
        Because::RunsGrow => "most runs grow by themselves, the longest too",
        Because::LevelsRiseWithLength => "the level at the end rises with the length of the export",
        Because::FramesWait => "frames wait in memory, taken in and not yet put out",
        Because::StopsAtTheSameShare => {
            "the level rises with the length, and growth stops at the same share of each length"
        }
        Because::RunsGrowAtCuts => "most runs grow at cuts, also to sources that were used before",
        Because::RunsGrowAtFirstUses => "most runs grow where a source is used first",
        Because::LevelsRiseWithSources => {
            "the level rises from the second largest to the largest number of sources"
        }
        Because::RunsStop => "growth stopped within the runs",
        Because::TwoNumbersOfSources => {
            "the level rises from one number of sources to the other; whether it goes on, a third and larger number tells"
        }
        Because::LevelsStopRisingWithSources => "the level rises with few sources, and not with many",
        Because::NothingGrows => "no run grows, and no level rises",
        Because::RunsAreOpen => "too few runs can be told",
        Because::LengthsAreOpen => "growth from length to length may be some or none",
        Because::SourcesAreOpen => "growth from source to source may be some or none",
    }
}

/// What would settle an open finding.
pub fn needs(verdict: &JobsVerdict) -> Option<String> {
    let needs = verdict.needs;
    let whole = |count: u64| number(count as f64, 0);
    let wanted = [
        needs.repeats.map(|repeats| format!("{} repeats of each", whole(repeats))),
        needs.frames.map(|frames| format!("an export of {} frames", whole(frames))),
        needs.samples.map(|samples| format!("{} samples of an export", whole(samples))),
        needs.exports.map(|exports| format!("{} exports in one process", whole(exports))),
    ];
    to_settle(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::jobs::judge_jobs;

    fn found(finding: Finding) -> JobsVerdict {
        let not_stable_above = Some(1992.9);
        JobsVerdict { finding, up_to_frames: 2000, up_to_sources: 40, not_stable_above, ..judge_jobs(&[]) }
    }

    #[test]
    fn growth_with_sources_is_told_for_as_many_as_were_measured_and_is_no_leak() {
        let grows = found(Finding::GrowsPerSource);
        // Of one number of sources it may be the cuts as well.
        assert!(
            headline(&grows).contains("every cut to a new source, up to 40 sources;"),
            "{}",
            headline(&grows)
        );
        assert!(
            headline(&grows).ends_with("; none was seen between cuts, where up to 1,993 B a frame may hide")
        );
        let growth = crate::stats::Interval { low: 1.0, estimate: 2.0, high: 3.0 };
        let varied = Along { with: With::Source, range: (10, 40), growth, jobs: 12 };
        let varied = JobsVerdict { along: vec![varied], ..found(Finding::GrowsPerSource) };
        assert!(headline(&varied).contains("every source, up to 40 sources:"), "{}", headline(&varied));
        let told = evidence(&grows).join(" ");
        assert!(
            ["No leak", "`--sources`", "`--exports 12`"].iter().all(|word| told.contains(word)),
            "{told}"
        );
        assert!(!evidence(&found(Finding::Healthy)).join(" ").contains("leak"));
    }

    #[test]
    fn healthy_says_which_growth_it_leaves_out() {
        let told = headline(&found(Finding::Healthy));
        assert!(
            told.ends_with("; steady growth of more than 1,993 B a frame would not have been called stable"),
            "{told}"
        );
        let unknown = JobsVerdict { not_stable_above: None, ..found(Finding::Healthy) };
        assert!(headline(&unknown).ends_with("up to 2,000 frames"), "{}", headline(&unknown));
    }
}
