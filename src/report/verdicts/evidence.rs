//! A verdict on one run in words, with the numbers that decided it.

use crate::report::number::{mib, number, short};
use crate::stats::Interval;
use crate::trace::Memory;
use crate::units::Bytes;
use crate::verdict::course::Per;
use crate::verdict::exports;
use crate::verdict::level::Level;
use crate::verdict::prediction::{Fit, Prediction, WhyNot};
use crate::verdict::sawtooth::Sawtooth;
use crate::verdict::staircase::Staircase;
use crate::verdict::steps::Step;
use crate::verdict::terms::Index;
use crate::verdict::{Rule, RunVerdict, Verdict};

/// Steps that are told one by one.
const TOLD_STEPS: usize = 4;

/// What the verdict means, in one sentence with its number.
pub fn headline(verdict: &RunVerdict) -> String {
    let last = whole(verdict.steps);
    let unit = plural(verdict);
    let growth = verdict.growth.map(|growth| interval(growth, verdict)).unwrap_or_default();
    match verdict.verdict {
        Verdict::Plateau if verdict.at_rest.is_some() => {
            "exports in one process leave nothing behind that adds up".into()
        }
        Verdict::Plateau => format!("level over {last} {unit}: {growth}"),
        Verdict::Step => format!("level over {last} {unit}, but for single rises that stayed: {growth}"),
        Verdict::PlateauLate => {
            let since = verdict.flat_since.map(whole).unwrap_or_default();
            format!("grew until {} {since} of {last}, and not after: something filled up", one(verdict))
        }
        Verdict::Sawtooth => format!("falls again and again over {last} {unit}"),
        Verdict::GrowsAtCuts => format!("grows where clips begin, not between: {}", at_cuts(verdict)),
        Verdict::Growing => {
            format!("grows with every {} of all {last}: {growth}", one(verdict))
        }
        Verdict::Leak => "every export in the process leaves memory behind".into(),
        Verdict::Inconclusive => format!("cannot be told: {}", why_open(verdict)),
    }
}

fn at_cuts(verdict: &RunVerdict) -> String {
    let Some(stairs) = &verdict.staircase else { return String::new() };
    format!("{} a cut, {} a frame between cuts", amount(stairs.at_cut), amount(stairs.between_per_frame))
}

fn why_open(verdict: &RunVerdict) -> String {
    let last = whole(verdict.steps);
    let unit = plural(verdict);
    match verdict.rule {
        Rule::NothingMeasured => "neither memory nor progress was measured".into(),
        Rule::TooShort if verdict.per == Some(Per::Second) => format!("the run has only {} s", short(verdict.steps)),
        Rule::TooShort => format!("the run has only {last} {unit}"),
        Rule::TooFewSamples => "too few samples, or too few changes of the frame counter".into(),
        Rule::CutsTooClose => {
            "it grows, and cuts follow each other too fast to tell growth at them from growth between".into()
        }
        Rule::BetweenCutsOpen => "it grows at cuts; whether between them, too, is open".into(),
        Rule::GivenBackOnce => "it rose for long and was given back once".into(),
        Rule::GrewEverSlower => "it grew in many places, but late ones gained less".into(),
        Rule::RoseTooLate => "it rose shortly before the end, too late to see what follows".into(),
        Rule::RoseNowAndThen => "it rose too often for single steps, too seldom for steady growth".into(),
        Rule::HeldInAQueue => "frames wait in a queue that may hold more of a longer export".into(),
        Rule::FilledBeforeTheFirstFrame => {
            "nearly all of it was taken before the first frame was put out; it may be more for a longer export"
                .into()
        }
        Rule::HeapsOfThreads => {
            "what stays between exports may be the heaps of threads that come and go, which fill up".into()
        }
        Rule::TooFewExports => "too few exports in the process, or too uneven ones".into(),
        _ => "the rules leave it open".into(),
    }
}

/// The numbers behind a verdict, a sentence each.
pub fn evidence(verdict: &RunVerdict) -> Vec<String> {
    let parts = [
        Some(decided(verdict)),
        verdict.staircase.as_ref().filter(|_| is_of_cuts(verdict)).map(staircase),
        verdict
            .sawtooth
            .as_ref()
            .filter(|_| verdict.verdict == Verdict::Sawtooth)
            .map(|saw| teeth(saw, verdict)),
        verdict.at_rest.as_ref().map(|rest| {
            let levels: Vec<_> = rest.levels.iter().map(|level| mib(level.as_f64())).collect();
            let gain = rest.gain.map(|gain| {
                let (low, high) = (amount(gain.low), amount(gain.high));
                format!("; {} an export stays for good [{low} to {high}]", amount(gain.estimate))
            });
            format!(
                "At rest after each of {} exports but the last: {} MiB{}.",
                rest.exports,
                levels.join(", "),
                gain.unwrap_or_default()
            )
        }),
        index(verdict),
        limit(verdict),
        steps(&verdict.steps_up, verdict),
    ];
    parts.into_iter().flatten().collect()
}

fn is_of_cuts(verdict: &RunVerdict) -> bool {
    matches!(verdict.rule, Rule::GrewAtCutsOnly | Rule::GrewAtCutsAndStopped | Rule::BetweenCutsOpen)
}

/// The rule, with what it looked at.
fn decided(verdict: &RunVerdict) -> String {
    let Some((begin, end)) = verdict.judged else { return format!("Rule: {}.", rule(verdict.rule)) };
    let blocks: Vec<_> = verdict.blocks.iter().map(|&gain| amount(gain)).collect();
    let floor = verdict.terms.map_or(0.0, |terms| terms.floor);
    format!(
        "Rule: {}. Judged from {} {} to {} in twelve blocks, which gained {} a {}; less than {} a {} is not called \
         growth.",
        rule(verdict.rule),
        one(verdict),
        whole(begin),
        whole(end),
        blocks.join(", "),
        one(verdict),
        amount(floor),
        one(verdict),
    )
}

fn rule(rule: Rule) -> String {
    let words = match rule {
        Rule::NothingMeasured => "there is nothing to judge",
        Rule::TooShort => "a verdict takes more",
        Rule::TooFewSamples => "a verdict takes two samples a block",
        Rule::GainedNoMoreThanTheFloor => "it gained no more than the floor, or than the heap may hide",
        Rule::RoseInFewBlocks => "it rose in four of twelve blocks at most, and was flat after",
        Rule::RoseOnce => {
            "nearly all of it came with one rise, and the rest is no more than a plateau may gain"
        }
        Rule::FlatAtTheEnd => "it was flat at the end for half as long again as ever before",
        Rule::GrewInNearlyEveryBlock => "nearly every block grew by more than the floor, to the end",
        Rule::TroughsRise => "it falls again and again, and from trough to trough it rises",
        Rule::TroughsDoNotRise => "it falls again and again, and its troughs do not rise",
        Rule::TroughsOpen => "it falls and rises again; whether its troughs rise is open",
        Rule::GivenBackOnce => "what rises must be seen to rise again or not",
        Rule::GrewAtCutsOnly => "what it gained, it gained at cuts",
        Rule::GrewAtCutsAndStopped => "what it gained, it gained at cuts, and late ones added nothing",
        Rule::CutsTooClose => "growth at cuts must be told from growth between",
        Rule::BetweenCutsOpen => "growth between cuts must be seen in nearly every block, or in none",
        Rule::GrewEverSlower => "growth must not slow down, nor nearly stop at the end",
        Rule::RoseTooLate => "what rose must be seen to rest or to go on",
        Rule::RoseNowAndThen => "growth must be seen in nearly every block, or in few",
        Rule::HeldInAQueue => "frames taken in must not wait in memory beyond any look-ahead",
        Rule::FilledBeforeTheFirstFrame => "most must be taken while frames are put out",
        Rule::LeftBehindByEveryExport => "every export left something behind, to the last",
        Rule::NothingLeftBehind => "the usual export left nothing behind",
        Rule::HeapsOfThreads => {
            "what stays must go on rising when the C library's heaps for threads (8 a CPU) have filled, or threads \
             must stay as well"
        }
        Rule::TooFewExports => {
            return format!(
                "{} exports must go on leaving something behind, or nothing beyond how rests swing",
                exports::NEEDED
            );
        }
    };
    words.into()
}

fn staircase(stairs: &Staircase) -> String {
    let uses = match (stairs.at_first_use, stairs.at_other_use) {
        (Some(first), Some(other)) => format!(
            " (a source's first use {}, a source that was used before {})",
            amount(first),
            amount(other)
        ),
        (Some(_), None) => " (each of them the first use of a source)".into(),
        _ => String::new(),
    };
    format!(
        "{} stretches from cut to cut laid over each other: {} a cut{uses}, {} a frame in the quietest five twelfths.",
        stairs.stretches,
        amount(stairs.at_cut),
        amount(stairs.between_per_frame)
    )
}

fn teeth(saw: &Sawtooth, verdict: &RunVerdict) -> String {
    let (period, _) = saw.periods();
    format!(
        "It fell {} times by {} MiB, every {} {}.",
        saw.falls,
        mib(saw.height.as_f64()),
        whole(period),
        plural(verdict)
    )
}

/// What of a growth is expected, and what it is.
fn index(verdict: &RunVerdict) -> Option<String> {
    let terms = verdict.terms?;
    let expected = terms.expected.filter(|_| verdict.at_rest.is_none())?;
    let (what, each) = match terms.index {
        Index::Kept => ("The index of an MP4 file", "a frame"),
        Index::Cues => ("The cues of a Matroska file", "for each keyframe"),
        Index::None => return None,
    };
    let expected = format!(
        "{what} may take {} to {} {each} until the file is closed: expected, and not called growth.",
        amount(expected.low.0),
        amount(expected.high.0)
    );
    Some(match terms.track_of_sound {
        Some(track) => format!(
            "{expected} Further tracks of sound may take {} a frame each, and would be called growth.",
            amount(track.0)
        ),
        None => expected,
    })
}

fn limit(verdict: &RunVerdict) -> Option<String> {
    let limit = amount(verdict.not_stable_above?);
    Some(match verdict.verdict {
        Verdict::GrowsAtCuts => format!(
            "Between cuts, growth of up to {limit} a {} may hide in what sources leave free after they are opened or closed.",
            one(verdict)
        ),
        _ => format!(
            "Steady growth of more than {limit} a {} would not have been called stable in this run.",
            one(verdict)
        ),
    })
}

fn steps(steps: &[Step], verdict: &RunVerdict) -> Option<String> {
    // What was judged comes first.
    let begin = verdict.judged.map_or(0.0, |judged| judged.0);
    let judged = steps.iter().filter(|step| step.at >= begin);
    let mut largest: Vec<_> =
        if judged.clone().next().is_some() { judged.collect() } else { steps.iter().collect() };
    largest.sort_by_key(|step| std::cmp::Reverse(step.size));
    largest.truncate(TOLD_STEPS);
    largest.sort_by(|a, b| a.at.total_cmp(&b.at));
    let told: Vec<_> = largest.iter().map(|step| one_step(step, verdict)).collect();
    let more = steps.len() - told.len();
    let more = if more > 0 { format!(" and {more} smaller") } else { String::new() };
    (!told.is_empty()).then(|| format!("Rises that stayed: {}{more}.", told.join("; ")))
}

fn one_step(step: &Step, verdict: &RunVerdict) -> String {
    let at = format!("{} MiB at {} {}", mib(step.size.as_f64()), one(verdict), whole(step.at));
    let cut = step.cut.map(|cut| match step.first_use {
        true => format!("a source's first use at {cut}"),
        false => format!("the cut at {cut}"),
    });
    let threads = (step.threads != 0).then(|| {
        let (count, word) = (step.threads.unsigned_abs(), if step.threads > 0 { "more" } else { "fewer" });
        format!("{count} thread{} {word}", if count == 1 { "" } else { "s" })
    });
    let causes: Vec<_> = cut.into_iter().chain(threads).collect();
    if causes.is_empty() { at } else { format!("{at} ({})", causes.join(", ")) }
}

/// The level as an answer: how much, when reached, what it is made of.
pub fn level(level: &Level) -> String {
    let reached = match level.reached_at_frame {
        Some(frame) => format!("98 % of it reached by frame {}", whole(frame)),
        None => format!("98 % of it reached after {} s", short(level.reached_at_s)),
    };
    let mut parts = Vec::new();
    let share = |name: &str, bytes: Option<Bytes>| {
        bytes.filter(|bytes| *bytes > Bytes::ZERO).map(|bytes| format!("{} {name}", mib(bytes.as_f64())))
    };
    parts.extend(share("anonymous", level.anonymous));
    parts.extend(share("pages of files", level.file));
    parts.extend(share("of these shared", level.shared.filter(|shared| *shared >= Bytes::from_mib(1))));
    let made_of = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(" + ")) };
    let pictures = level.pictures.filter(|&pictures| pictures >= 1.0);
    let pictures = pictures.map(|pictures| format!("worth {} pictures of the export", number(pictures, 0)));
    let threads =
        level.threads.map(|threads| format!("{threads} thread{}", if threads == 1 { "" } else { "s" }));
    let besides: Vec<_> = pictures.into_iter().chain(threads).collect();
    let besides = if besides.is_empty() { String::new() } else { format!(" ({})", besides.join(", ")) };
    format!("Level: {} MiB at most, {reached}{made_of}{besides}.", mib(level.peak.as_f64()))
}

/// What would settle an open verdict; `None` when nothing is asked for.
pub fn needs(verdict: &RunVerdict) -> Option<String> {
    let needs = verdict.needs;
    let wanted = [
        needs.frames.map(|frames| format!("an export of {} {}", whole(frames as f64), plural(verdict))),
        needs.samples.map(|samples| {
            format!("{} samples of it, and as many changes of its frame counter", whole(samples as f64))
        }),
        needs.repeats.map(|repeats| format!("{repeats} runs of the same")),
        needs.exports.map(|exports| format!("{exports} exports in one process")),
    ];
    to_settle(wanted)
}

/// Any of these is enough; `None` of none.
pub fn to_settle(wanted: [Option<String>; 4]) -> Option<String> {
    let wanted: Vec<_> = wanted.into_iter().flatten().collect();
    (!wanted.is_empty()).then(|| format!("To settle it: {}.", wanted.join(", or ")))
}

/// A prediction in words, and whether it fits into so much memory.
pub fn forecast(prediction: Result<Prediction, WhyNot>, memory: Option<Bytes>) -> String {
    let prediction = match prediction {
        Ok(prediction) => prediction,
        Err(WhyNot::Verdict) => {
            return "No prediction: only PLATEAU, GROWING and GROWS_AT_CUTS say something of a longer export.".into();
        }
        Err(WhyNot::NoFrames) => return "No prediction: its frames were not counted.".into(),
    };
    let fits = memory.map(|memory| {
        let word = match prediction.fit(memory) {
            Fit::Fits => "fits into",
            Fit::DoesNotFit => "does not fit into",
            Fit::Open => "may or may not fit into",
        };
        format!("; that {word} {} MiB", mib(memory.as_f64()))
    });
    let condition = if prediction.if_cuts_go_on { ", if new sources go on coming as often" } else { "" };
    format!(
        "After {} frames ({} × this run){condition}: {} MiB resident, {} to {}{}.",
        whole(prediction.frames as f64),
        short(prediction.times),
        mib(prediction.estimate.as_f64()),
        mib(prediction.low.as_f64()),
        mib(prediction.high.as_f64()),
        fits.unwrap_or_default()
    )
}

fn interval(growth: Interval, verdict: &RunVerdict) -> String {
    format!(
        "{} a {} [{} to {}]",
        amount(growth.estimate),
        one(verdict),
        amount(growth.low),
        amount(growth.high)
    )
}

/// Bytes in a unit that leaves digits.
pub fn amount(bytes: f64) -> String {
    match bytes.abs() {
        small if small < 10_240.0 => format!("{} B", number(bytes, 0)),
        middle if middle < 10_240.0 * 1024.0 => format!("{} KiB", short(bytes / 1024.0)),
        _ => format!("{} MiB", mib(bytes)),
    }
}

fn whole(steps: f64) -> String {
    number(steps, 0)
}

fn one(verdict: &RunVerdict) -> &'static str {
    if verdict.per == Some(Per::Second) { "second" } else { "frame" }
}

fn plural(verdict: &RunVerdict) -> &'static str {
    if verdict.per == Some(Per::Second) { "seconds" } else { "frames" }
}

/// What is judged, where that says less than it could.
pub fn caveats(verdict: &RunVerdict) -> Vec<String> {
    let resident = verdict.memory.as_deref() == Some(&Memory::Rss.to_string());
    let seconds = verdict.per == Some(Per::Second);
    let told = [
        resident.then_some(
            "Anonymous memory was not measured: resident memory is judged, pages of files included.",
        ),
        seconds.then_some(
            "No frames were counted: it is judged by the second, so that a slow machine looks like small growth, \
             and where the export begins and ends is guessed.",
        ),
        (verdict.verdict == Verdict::Growing && !verdict.cuts_known).then_some(
            "It is not known where clips begin (--cuts): growth with each source, opened every now and then, \
             looks the same.",
        ),
    ];
    told.into_iter().flatten().map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{RunContext, Sample, Series};
    use crate::units::Count;
    use crate::verdict::judge;

    #[test]
    fn the_exports_that_a_verdict_takes_are_those_that_the_rule_takes() {
        let told = rule(Rule::TooFewExports);
        assert!(told.starts_with(&format!("{} exports must go on", exports::NEEDED)), "{told}");
    }

    #[test]
    fn growth_says_so_where_nobody_knows_where_clips_begin() {
        let sample = |frame: u64| Sample {
            t_s: frame as f64 / 100.0,
            frames_out: Some(Count::new(frame)),
            anon_bytes: Some(Bytes::from_kib(50_000 + 4 * frame)),
            ..Sample::default()
        };
        let series = Series::of(&(0..2000).map(sample).collect::<Vec<_>>(), &Memory::JUDGED);
        let told = |context: &RunContext| caveats(&judge(&series, context)).join(" ");
        let one_clip = RunContext { first_uses: vec![0], ..RunContext::default() };
        assert!(told(&RunContext::default()).contains("where clips begin (--cuts)"));
        assert_eq!(told(&one_clip), "");
    }
}
