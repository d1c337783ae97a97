//! The answers of a check in words.

use crate::report::number::{mib, number, short};
use crate::report::verdicts::amount;
use memreel_judge::budget::{Figure, FigureUnit};
use memreel_judge::check::{Asked, ChangeEvidence, CheckItem, Evidence, LimitEvidence, State};
use memreel_judge::compare::LEAST_REPEATS;

/// Less than this would be 0.0 MiB.
const LEAST_IN_MIB: f64 = 0.1 * MIB;
const KIB: f64 = 1024.0;
const MIB: f64 = 1_048_576.0;

/// What comes before the sentence of an item.
pub fn heading(item: &CheckItem) -> &'static str {
    match item.state {
        State::Failed if item.soft => "warning",
        State::Failed => "FAILED",
        State::Open => "inconclusive",
        State::NotComparable => "not comparable",
        State::Passed => "passed",
        State::Shown => "not judged",
    }
}

/// An answer with its evidence, without what it comes to: `melt · single: peak is …`.
pub fn sentence(item: &CheckItem) -> String {
    format!("{}: {}", item.subject, statement(item))
}

/// The same without the variant.
pub fn statement(item: &CheckItem) -> String {
    match (&item.evidence, item.asked) {
        (Evidence::Change(change), Asked::Change(figure)) => changed(figure, change, item.state),
        (Evidence::Limit(limit), Asked::Limit(figure)) => limited(figure, limit, item.state),
        (Evidence::NotMeasured, Asked::Limit(figure)) => {
            format!("{figure} has a budget and was not measured.")
        }
        (Evidence::NotMeasured, Asked::Change(figure)) => format!("{figure} is not in the baseline."),
        (Evidence::Words(words), _) => format!("{words}."),
        _ => "there is no evidence.".into(),
    }
}

/// What came of it, and its evidence: `inconclusive: peak may exceed …`.
pub fn line(item: &CheckItem) -> String {
    format!("{}: {}", heading(item), statement(item))
}

/// What an item is about, in a word or two.
pub fn topic(item: &CheckItem) -> String {
    match item.asked {
        Asked::Finding => "memory".into(),
        Asked::Baseline => "baseline".into(),
        Asked::Repeats => "repeats".into(),
        Asked::Limit(figure) | Asked::Change(figure) => figure.to_string(),
    }
}

fn changed(figure: Figure, change: &ChangeEvidence, state: State) -> String {
    let levels = format!("{} → {}", shown(figure, change.baseline), shown(figure, change.now));
    let tolerated = effect(figure, change.tolerated);
    let Some(((low, high), at_least)) = change.interval.zip(change.at_least) else {
        return format!(
            "{figure} {levels}: {} and {} repeats are too few to show the spread. Repeat {LEAST_REPEATS} times on \
             each side to decide.",
            change.repeats.0, change.repeats.1
        );
    };
    let interval = effect_within(figure, change.effect, low, high);
    match state {
        State::NotComparable => format!("{figure} {levels}."),
        State::Failed => format!(
            "{figure} is {} {} than in the baseline ({levels}), at least {}; the tolerance is {tolerated}.",
            effect(figure, change.effect),
            worse(figure),
            effect(figure, at_least),
        ),
        State::Open => format!(
            "{figure} may {} the baseline by more than the tolerance of {tolerated}: {levels}, a change of \
             {interval}{}.",
            if figure.less_is_worse() { "be below" } else { "exceed" },
            needed(change),
        ),
        _ => format!("{figure} {levels}, a change of {interval}; the tolerance is {tolerated}."),
    }
}

fn needed(change: &ChangeEvidence) -> String {
    match change.needs {
        Some(repeats) => format!("; with the same spread, {repeats} repeats on each side would decide"),
        None => "; more than 100 repeats would be needed: use a quieter machine or a wider tolerance".into(),
    }
}

fn limited(figure: Figure, limit: &LimitEvidence, state: State) -> String {
    let of = if figure.less_is_worse() { "at least" } else { "at most" };
    let allowed = format!("{of} {} is allowed", shown(figure, limit.limit));
    let value = shown(figure, limit.value);
    let beyond = match (limit.beyond, limit.repeats) {
        (_, 1) => String::new(),
        (beyond, repeats) => format!(" (exceeded in {beyond} of {repeats} repeats)"),
    };
    match state {
        State::Failed => format!("{figure} is {value}, and {allowed}{beyond}."),
        State::Open => format!("{figure} is {value}, too close to the limit to decide: {allowed}{beyond}."),
        _ => format!("{figure} is {value}; {allowed}."),
    }
}

/// The word for how it gets worse.
fn worse(figure: Figure) -> &'static str {
    if figure.less_is_worse() { "less" } else { "more" }
}

/// Whether it is told in MiB, however few.
fn is_in_mib(figure: Figure) -> bool {
    matches!(figure, Figure::Peak | Figure::Level)
}

/// A value of a figure with its unit.
pub fn shown(figure: Figure, value: f64) -> String {
    match figure.unit() {
        _ if is_in_mib(figure) && (value == 0.0 || value.abs() >= LEAST_IN_MIB) => {
            format!("{} MiB", mib(value))
        }
        FigureUnit::Bytes => amount(value),
        FigureUnit::Seconds => format!("{} ms", number(value * 1e3, 2)),
        FigureUnit::FramesPerSecond => format!("{} frames/s", short(value)),
        FigureUnit::Count if value.fract() == 0.0 => number(value, 0),
        FigureUnit::Count => number(value, 1),
    }
}

/// How much worse: of memory and counts an amount, else a share.
pub fn effect(figure: Figure, effect: f64) -> String {
    match figure.unit() {
        FigureUnit::Bytes | FigureUnit::Count => shown(figure, effect),
        FigureUnit::Seconds | FigureUnit::FramesPerSecond => format!("{} %", short(effect * 100.0)),
    }
}

/// The same with the interval that it lies in, in one unit: `0.3 [−0.1 … 0.7] MiB`.
pub fn effect_within(figure: Figure, effect: f64, low: f64, high: f64) -> String {
    let largest = effect.abs().max(low.abs()).max(high.abs());
    let (unit, divisor) = match figure.unit() {
        FigureUnit::Bytes if is_in_mib(figure) && largest >= LEAST_IN_MIB || largest >= 10.0 * MIB => {
            ("MiB", MIB)
        }
        FigureUnit::Bytes if largest >= 10.0 * KIB => ("KiB", KIB),
        FigureUnit::Bytes => ("B", 1.0),
        FigureUnit::Seconds | FigureUnit::FramesPerSecond => ("%", 0.01),
        FigureUnit::Count => ("", 1.0),
    };
    let digits = |value: f64| if unit == "B" { number(value, 0) } else { short(value / divisor) };
    format!("{} [{} … {}] {unit}", digits(effect), digits(low), digits(high)).trim_end().into()
}
