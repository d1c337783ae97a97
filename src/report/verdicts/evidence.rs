//! What a verdict on one run rests on, in sentences with their numbers.

use super::answer::{amount, amounts};
use crate::report::number::{mib, number, short};
use memreel_judge::course::Per;
use memreel_judge::division::Division;
use memreel_judge::exports::AtRest;
use memreel_judge::peak::HighestLevel;
use memreel_judge::prediction::{Fit, Prediction, WhyNot};
use memreel_judge::saw::Sawtooth;
use memreel_judge::shape::{Answer, Form};
use memreel_judge::steps::Step;
use memreel_judge::terms::{Index, Terms};
use memreel_judge::{RunVerdict, With};
use memreel_trace::Memory;
use memreel_trace::units::Bytes;

/// Steps that are listed one by one.
const LISTED_STEPS: usize = 4;

/// The numbers behind a verdict, a sentence each.
pub fn evidence(verdict: &RunVerdict) -> Vec<String> {
    let parts = [
        course(verdict),
        verdict.division.as_ref().filter(|_| verdict.grows == Answer::Yes).map(|it| division(it, verdict)),
        verdict
            .sawtooth
            .as_ref()
            .filter(|_| verdict.form == Some(Form::SawTooth))
            .map(|saw| teeth(saw, verdict)),
        verdict.at_rest.as_ref().map(rests),
        hidden(verdict),
        steps(&verdict.steps_up, verdict),
    ];
    parts.into_iter().flatten().collect()
}

/// The course, and the blocks that it was judged by.
fn course(verdict: &RunVerdict) -> Option<String> {
    let ((begin, end), form) = verdict.judged.zip(verdict.form)?;
    let one = one(verdict);
    Some(format!(
        "Course: {}. The twelve blocks from {one} {} to {} gained {} per {one}.{}",
        match (form, verdict.grows) {
            (Form::Steps | Form::Filled, Answer::Yes) => "rises at some cuts",
            _ => form_in_words(form),
        },
        number(begin, 0),
        number(end, 0),
        if verdict.blocks.iter().all(|gain| *gain == 0.0) {
            "nothing".into()
        } else {
            amounts(&verdict.blocks)
        },
        verdict.terms.map(|terms| format!(" {}", floor(&terms, one))).unwrap_or_default(),
    ))
}

/// What is not called growth, and why.
fn floor(terms: &Terms, one: &str) -> String {
    let floor = amount(terms.floor);
    let sound = if terms.track_of_sound.is_some() { " with one track of sound" } else { "" };
    let index = match terms.index {
        Index::Kept if terms.index_is_assumed => {
            ": the index of the output, if that is an MP4 file (`--container` changes it)".into()
        }
        Index::Kept => format!(": the index of an MP4 file{sound}"),
        Index::Cues => ": the index of a Matroska file".into(),
        Index::None => String::new(),
    };
    format!("Growth of up to {floor} per {one} is ignored{index}.")
}

/// The course in words.
pub fn form_in_words(form: Form) -> &'static str {
    match form {
        Form::Plateau => "level after the warm-up",
        Form::Steps => "level, with one to three rises that stayed",
        Form::Filled => "grew and stopped, like a cache that has filled",
        Form::SawTooth => "rises and falls",
        Form::Steady => "steady growth",
        Form::Slowing => "growth that slows down",
        Form::Accelerating => "growth that accelerates",
        Form::Irregular => "irregular rises",
    }
}

fn division(division: &Division, verdict: &RunVerdict) -> String {
    let share = division.share_at_cuts;
    let percent = |share: f64| number(100.0 * share.clamp(0.0, 1.0), 0);
    let coarse = verdict.unparted && !division.is_resolved;
    let coarse = if coarse {
        " The frame counter changes too rarely to distinguish growth at cuts from growth between."
    } else {
        ""
    };
    format!(
        "Cuts: {} of them in the judged part, usually {} frames apart; {} % of the growth came at cuts{}.{coarse}",
        division.stretches,
        number(division.frames, 0),
        percent(share.estimate),
        match (percent(share.low), percent(share.high)) {
            (low, high) if low == high => String::new(),
            (low, high) => format!(" ({low} to {high} %)"),
        },
    )
}

fn rests(rest: &AtRest) -> String {
    let levels: Vec<_> = rest.levels.iter().map(|level| mib(level.as_f64())).collect();
    let gain = rest.gain.map(|gain| {
        format!(
            " Estimate from export {} on: {} per export ({} to {} in three parts).",
            rest.estimated_from(),
            amount(gain.estimate),
            amount(gain.low),
            amount(gain.high)
        )
    });
    format!(
        "Memory after each of {} exports except the last: {} MiB.{}",
        rest.exports,
        levels.join(", "),
        gain.unwrap_or_default()
    )
}

fn teeth(saw: &Sawtooth, verdict: &RunVerdict) -> String {
    let times = if saw.falls == 1 { "once".into() } else { format!("{} times", saw.falls) };
    let height = mib(saw.height.as_f64());
    format!("It fell {times} by {height} MiB, every {} {}.", number(saw.period(), 0), plural(verdict))
}

/// What may be beneath growth, or be given in the answer already.
fn hidden(verdict: &RunVerdict) -> Option<String> {
    let limit = amount(verdict.not_stable_above?);
    let beneath = verdict.grows == Answer::Yes && !verdict.with.contains(&With::Frames);
    let one = one(verdict);
    match verdict.grows {
        Answer::Yes if beneath => Some(format!("A leak below {limit} per {one} could be missed beside it.")),
        Answer::Open => Some(format!("If memory grows steadily, then by at most {limit} per {one}.")),
        _ => None,
    }
}

fn steps(steps: &[Step], verdict: &RunVerdict) -> Option<String> {
    // What was judged comes first.
    let begin = verdict.judged.map_or(0.0, |judged| judged.0);
    let judged = steps.iter().filter(|step| step.at >= begin);
    let mut largest: Vec<_> =
        if judged.clone().next().is_some() { judged.collect() } else { steps.iter().collect() };
    largest.sort_by_key(|step| std::cmp::Reverse(step.size));
    largest.truncate(LISTED_STEPS);
    largest.sort_by(|a, b| a.at.total_cmp(&b.at));
    let listed: Vec<_> = largest.iter().map(|step| one_step(step, verdict)).collect();
    let more = steps.len() - listed.len();
    let more = if more > 0 { format!(" and {more} smaller") } else { String::new() };
    (!listed.is_empty()).then(|| format!("Rises that stayed: {}{more}.", listed.join("; ")))
}

fn one_step(step: &Step, verdict: &RunVerdict) -> String {
    let at = format!("{} MiB at {} {}", mib(step.size.as_f64()), one(verdict), number(step.at, 0));
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

/// The peak as an answer: how much, when reached, what it is made of.
pub fn peak(peak: &HighestLevel) -> String {
    let reached = match peak.reached_at_frame {
        Some(frame) => format!("at frame {}", number(frame, 0)),
        None => format!("after {} s", short(peak.reached_at_s)),
    };
    let share = |bytes: Option<Bytes>, name: &str| {
        let bytes = bytes.filter(|bytes| *bytes > Bytes::ZERO);
        bytes.map(|bytes| format!("{} MiB {name}", mib(bytes.as_f64())))
    };
    let pictures = peak.pictures.filter(|&pictures| pictures >= 1.0);
    let pictures =
        pictures.map(|pictures| format!(" (as much as {} uncompressed frames)", number(pictures, 0)));
    let shared = share(peak.shared.filter(|shared| *shared >= Bytes::from_mib(1)), "of these shared");
    let parts = [
        share(peak.anonymous, "heap, stacks and swap").map(|part| part + &pictures.unwrap_or_default()),
        share(peak.file, "file pages"),
        shared,
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let made_of = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let threads =
        peak.threads.map(|threads| format!("; {threads} thread{}", if threads == 1 { "" } else { "s" }));
    let peak = mib(peak.bytes.as_f64());
    format!("Peak {peak} MiB{made_of}{}. 98 % of it was reached {reached}.", threads.unwrap_or_default())
}

/// A prediction in words, and whether it fits into so much memory.
pub fn forecast(prediction: Result<Prediction, WhyNot>, memory: Option<Bytes>) -> String {
    let prediction = match prediction {
        Ok(prediction) => prediction,
        Err(WhyNot::Open) => return "No prediction: it is not known whether memory grows.".into(),
        Err(WhyNot::NoFrames) => return "No prediction: the frames were not counted.".into(),
        Err(WhyNot::Exports) => return "No prediction from several exports in one process.".into(),
    };
    let fits = memory.map(|memory| {
        let word = match prediction.fit(memory) {
            Fit::Fits => "fits into",
            Fit::DoesNotFit => "does not fit into",
            Fit::Open => "may or may not fit into",
        };
        format!("; this {word} {} MiB", mib(memory.as_f64()))
    });
    let conditions = [
        prediction.if_cuts_go_on.then_some("if cuts and new sources continue at the same rate"),
        prediction.accelerates.then_some("if growth continues to accelerate"),
    ];
    let conditions: Vec<_> = conditions.into_iter().flatten().collect();
    let stops = if prediction.low < prediction.low_if_it_goes_on {
        format!(", or {} MiB, if memory stops growing now", mib(prediction.low.as_f64()))
    } else {
        String::new()
    };
    let conditions =
        if conditions.is_empty() { String::new() } else { format!(", {}", conditions.join(" and ")) };
    format!(
        "After {} frames ({} × this run){conditions}: {} MiB resident ({} to {}){stops}{}.",
        number(prediction.frames as f64, 0),
        short(prediction.times),
        mib(prediction.estimate.as_f64()),
        mib(prediction.low_if_it_goes_on.as_f64()),
        mib(prediction.high.as_f64()),
        fits.unwrap_or_default()
    )
}

fn one(verdict: &RunVerdict) -> &'static str {
    verdict.per.unwrap_or_default().one()
}

fn plural(verdict: &RunVerdict) -> &'static str {
    verdict.per.unwrap_or_default().several()
}

/// That a recording of ours without its record has no end; `None` where it has one.
pub fn incomplete(is_whole: bool) -> Option<String> {
    (!is_whole).then(|| "Incomplete: the recording was killed, or is still running.".into())
}

/// That the clock was set back, and what was made of it; `None` where it was not.
pub fn clock(set_back_s: f64) -> Option<String> {
    (set_back_s > 0.0).then(|| {
        format!(
            "The clock was set back by {} s during the recording: memreel assumes that the later samples follow at the \
             usual interval.",
            number(set_back_s, 0)
        )
    })
}

/// What is judged, where that says less than it could.
pub fn caveats(verdict: &RunVerdict) -> Vec<String> {
    let resident = verdict.memory.as_deref() == Some(&Memory::Rss.to_string());
    let seconds = verdict.per == Some(Per::Second);
    let frames = verdict.per.unwrap_or_default() == Per::Frame;
    let blind = verdict.grows_with_frames() && !verdict.cuts_known && frames;
    let caveats = [
        resident.then_some(
            "Anonymous memory was not measured: resident memory is judged, pages of files included.",
        ),
        seconds.then_some(
            "No frames were counted: memory is judged per second, so a slow machine looks like small growth.",
        ),
        blind.then_some(
            "Clip starts are not known. `--cuts FILE` separates growth at cuts from growth per frame.",
        ),
    ];
    caveats.into_iter().flatten().map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use memreel_judge::judge;
    use memreel_trace::units::Count;
    use memreel_trace::{RunContext, Sample, Series};

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
        assert!(told(&RunContext::default()).contains("`--cuts FILE`"));
        assert_eq!(told(&one_clip), "");
    }
}
