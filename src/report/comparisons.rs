//! Variants that differ in one thing, set against each other in a plain sentence.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::number::{mib, number, short};
use crate::report::terminal::write_wrapped;
use crate::report::{ASKED, Report, VariantRow, value_name};
use memreel_judge::With;
use memreel_judge::budget::Figure;
use memreel_judge::compare::{self, Change, Comparison, Finding, LEAST_REPEATS, Pair};
use memreel_judge::course::Per;
use memreel_judge::shape::Answer;
use memreel_judge::stats::Interval;

/// What a sentence tells, and what repeats are asked for.
const TOLD_FIGURES: [Figure; 2] = [Figure::Peak, Figure::FramesPerSecond];

/// Sentences in the terminal; all of them are in `summary.json`.
const TOLD: usize = 8;

/// Two variants that differ in one axis.
pub struct Paired<'a> {
    /// In which.
    pub pair: Pair,
    /// What both have alike, of what varies; empty when nothing else does.
    pub others: String,
    /// The one that is compared with.
    pub a: &'a VariantRow<'a>,
    /// The other one.
    pub b: &'a VariantRow<'a>,
}

/// Two variants, and what one takes more than the other.
struct Compared<'a> {
    pair: Pair,
    others: String,
    a: &'a VariantRow<'a>,
    b: &'a VariantRow<'a>,
    comparison: Comparison,
}

/// Two variants that differ in one axis, compared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ComparisonRecord {
    /// The axis in which the variants differ.
    axis: String,
    /// The values that the variants have in common, of the axes that vary.
    others: String,
    /// The value of variant a.
    a: String,
    /// The value of variant b.
    b: String,
    /// The comparison in one sentence.
    sentence: String,
    /// The change of each quantity.
    changes: Vec<ChangeRecord>,
    /// The number of repeats of each variant that would decide.
    needs_repeats: Option<usize>,
}

/// The change of a quantity from variant a to variant b.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct ChangeRecord {
    /// The name of the quantity. One that ends in `_ratio` is compared by the ratio b / a, any other by the difference
    /// b − a.
    quantity: String,
    /// The value of variant a.
    a: f64,
    /// The value of variant b.
    b: f64,
    /// The repeats of variant a and of variant b.
    repeats: (usize, usize),
    /// The estimated change: a difference or a ratio.
    estimate: f64,
    /// The lower end of the 95 % interval of the change.
    low: Option<f64>,
    /// The upper end of the 95 % interval of the change.
    high: Option<f64>,
    /// Whether variant b has more or less of the quantity than variant a.
    finding: Finding,
}

/// All pairs of variants that differ in one axis and that there was anything to run of.
pub fn paired<'a>(report: &Report, variants: &'a [VariantRow<'a>]) -> Vec<Paired<'a>> {
    let is_run = |variant: &VariantRow| variant.jobs.iter().any(|job| job.planned.not_run.is_none());
    let variants: Vec<_> = variants.iter().filter(|variant| is_run(variant)).collect();
    let axes: Vec<_> = variants.iter().map(|variant| variant.jobs[0].planned.variant.clone()).collect();
    let paired = |pair: Pair| {
        let others: Vec<_> = axes[pair.a].iter().filter(|(axis, _)| *axis != pair.axis).cloned().collect();
        let varied = others.iter().any(|(axis, _)| report.varied.contains(axis));
        let others = super::variant_name(&others, &report.varied, &report.scenario);
        let others = if varied { others } else { String::new() };
        Paired { a: variants[pair.a], b: variants[pair.b], pair, others }
    };
    compare::pairs(&axes).into_iter().map(paired).collect()
}

/// What one takes more than the other, but for pairs of what is varied to find out with what memory grows:
/// these are told together.
fn compared<'a>(report: &Report, variants: &'a [VariantRow<'a>]) -> Vec<Compared<'a>> {
    let pairs = paired(report, variants).into_iter();
    let compared = |Paired { pair, others, a, b }: Paired<'a>| {
        let comparison = compare::compare(&a.runs(), &b.runs());
        Compared { pair, others, a, b, comparison }
    };
    pairs.filter(|paired| !ASKED.contains(&paired.pair.axis.as_str())).map(compared).collect()
}

/// Writes a sentence for each pair.
pub fn write_comparisons(report: &Report, out: &mut dyn Write, width: u16) -> io::Result<()> {
    let variants = report.variants();
    let pairs = compared(report, &variants);
    for pair in pairs.iter().take(TOLD) {
        writeln!(out)?;
        write_wrapped(out, &sentence(pair), width)?;
    }
    if pairs.len() > TOLD {
        writeln!(out, "\n{} more comparisons are in summary.json.", pairs.len() - TOLD)?;
    }
    Ok(())
}

impl Compared<'_> {
    /// What the two are called: a number alone says nothing.
    fn names(&self) -> (String, String) {
        let Pair { axis, a_value, b_value, .. } = &self.pair;
        (value_name(axis, a_value), value_name(axis, b_value))
    }
}

/// What one takes more than the other, how much faster it is, and whether either grows.
fn sentence(pair: &Compared<'_>) -> String {
    let subject = if pair.others.is_empty() { String::new() } else { format!("{}: ", pair.others) };
    let (a, b) = &pair.names();
    let unfinished: Vec<_> = [(a, pair.a), (b, pair.b)]
        .into_iter()
        .filter(|(_, variant)| variant.summary.finished == 0)
        .map(|(value, _)| value.as_str())
        .collect();
    if !unfinished.is_empty() {
        return format!("{subject}{} did not finish, so nothing is compared.", unfinished.join(" and "));
    }
    let clauses = [peak(pair, b, a), speed(pair), growth(pair)];
    let clauses: Vec<_> = clauses.into_iter().flatten().collect();
    format!("{subject}{} ({}).", clauses.join("; "), repeats(pair))
}

fn peak(pair: &Compared<'_>, b: &str, a: &str) -> Option<String> {
    let change = pair.comparison.of(Figure::Peak)?;
    let (estimate, interval) = (change.estimate(), change.interval());
    let amount = match interval {
        Some(Interval { low, high, .. }) => {
            format!("{} ± {} MiB", mib(estimate.abs()), mib((high - low) / 2.0))
        }
        None => format!("{} MiB", mib(estimate.abs())),
    };
    let on_average = if change.a.repeats.max(change.b.repeats) > 1 { " on average" } else { "" };
    let (of_b, of_a) = (mib(change.b.value()), mib(change.a.value()));
    let levels = format!("{of_b} against {of_a} MiB at their peaks{on_average}");
    Some(match (change.finding(), interval) {
        (Finding::Same, _) => {
            format!("{b} takes as much memory as {a}, within {} MiB ({levels})", mib(change.tolerance()))
        }
        (Finding::Open, Some(Interval { low, high, .. })) => format!(
            "inconclusive whether {b} takes more memory than {a}: {levels}, a difference of {} to {} MiB",
            mib(low),
            mib(high)
        ),
        _ if estimate < 0.0 => format!("{b} takes {amount} less than {a} ({levels})"),
        _ => format!("{b} takes {amount} more than {a} ({levels})"),
    })
}

fn speed(pair: &Compared<'_>) -> Option<String> {
    let change = pair.comparison.of(Figure::FramesPerSecond)?;
    let times = number(change.estimate(), 2);
    let times = match change.interval() {
        Some(Interval { low, high, .. }) => format!("{times} × [{} to {}]", number(low, 2), number(high, 2)),
        None => format!("{times} ×"),
    };
    let speeds = format!("{} against {} frames/s", short(change.b.value()), short(change.a.value()));
    Some(match change.finding() {
        Finding::Same => {
            format!("it is as fast, within {} % ({speeds})", short((change.tolerance() - 1.0) * 100.0))
        }
        Finding::Open if change.difference().is_some() => {
            format!("inconclusive whether it is faster: {times} ({speeds})")
        }
        _ => format!("it is {times} as fast ({speeds})"),
    })
}

/// Whether either grows with the length of the export, by the verdicts on its runs.
fn growth(pair: &Compared<'_>) -> Option<String> {
    let (a, b) = &pair.names();
    let (of_a, of_b) = (Grows::of(pair.a)?, Grows::of(pair.b)?);
    let differ = || format!("{b} {}, {a} {}", of_b.words(false), of_a.words(false));
    Some(if of_a == of_b { of_a.words(true) } else { differ() })
}

/// How memory grows with the length of the export.
#[derive(Debug, Clone, PartialEq)]
enum Grows {
    With(Vec<With>, Per),
    Not,
}

impl Grows {
    /// How most runs of a variant grow; `None` when most are open, or they grow with different things.
    fn of(variant: &VariantRow<'_>) -> Option<Grows> {
        let runs: Vec<_> = variant.measured().map(|job| &job.verdict).collect();
        let most = |answer: Answer| 2 * runs.iter().filter(|run| run.grows == answer).count() > runs.len();
        if most(Answer::No) {
            return Some(Grows::Not);
        }
        let growing: Vec<_> = runs.iter().filter(|run| run.grows == Answer::Yes).collect();
        let first = growing.first().filter(|_| most(Answer::Yes))?;
        let alike = growing.iter().all(|run| run.with == first.with);
        alike.then(|| Grows::With(first.with.clone(), first.per.unwrap_or_default()))
    }

    /// What one variant does, or both.
    fn words(&self, both: bool) -> String {
        let s = if both { "" } else { "s" };
        match self {
            Grows::Not if both => "neither grows".into(),
            Grows::Not => "does not grow".into(),
            Grows::With(with, per) => {
                let with: Vec<_> = with.iter().map(|with| each(*with, *per)).collect();
                format!("{}grow{s} with every {}", if both { "both " } else { "" }, with.join(" or "))
            }
        }
    }
}

fn each(with: With, per: Per) -> &'static str {
    match with {
        With::Frames => per.one(),
        With::Sources => "new source",
        With::Cuts => "cut",
        With::Exports => "export",
    }
}

fn repeats(pair: &Compared<'_>) -> String {
    let (a, b) = (pair.a.summary.finished, pair.b.summary.finished);
    let count = if a == b { format!("{a} of each") } else { format!("{b} against {a}") };
    match pair.comparison.needs_repeats(&TOLD_FIGURES) {
        _ if (a, b) == (1, 1) => format!("one run each: an interval needs {LEAST_REPEATS} repeats"),
        _ if a.min(b) < LEAST_REPEATS => {
            format!("{count}: an interval needs {LEAST_REPEATS} repeats of each")
        }
        Some(needed) => format!("95 % intervals from {count}; repeat {needed} times to decide"),
        None => format!("95 % intervals from {count}"),
    }
}

/// All comparisons, for `summary.json`.
pub fn records(report: &Report) -> Vec<ComparisonRecord> {
    let variants = report.variants();
    compared(report, &variants).iter().map(record).collect()
}

fn record(pair: &Compared<'_>) -> ComparisonRecord {
    ComparisonRecord {
        axis: pair.pair.axis.clone(),
        others: pair.others.clone(),
        a: pair.pair.a_value.clone(),
        b: pair.pair.b_value.clone(),
        sentence: sentence(pair),
        changes: pair.comparison.changes.iter().map(change_record).collect(),
        needs_repeats: pair.comparison.needs_repeats(&TOLD_FIGURES),
    }
}

fn change_record(change: &Change) -> ChangeRecord {
    let name = match change.figure {
        Figure::Peak => "peak_rss_bytes",
        Figure::Level => "level_at_end_bytes",
        Figure::FramesPerSecond => "frames_per_second_ratio",
        Figure::CpuPerFrame => "cpu_per_frame_ratio",
        other => other.column(),
    };
    let interval = change.interval();
    ChangeRecord {
        quantity: name.into(),
        a: change.a.value(),
        b: change.b.value(),
        repeats: (change.a.repeats, change.b.repeats),
        estimate: change.estimate(),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        finding: change.finding(),
    }
}
