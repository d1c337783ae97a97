//! A check for programs: units in the names, null for what is not known.

use std::collections::BTreeMap;
use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::measured::measured;
use super::words::statement;
use super::{FailedExports, Severity, Strictness, Told};
use crate::report::{Report, ReportError};
use memreel_judge::analysis::Spread;
use memreel_judge::budget::{Figure, FigureUnit, Scale};
use memreel_judge::check::{
    Asked, ChangeEvidence, CheckItem, Conclusion, ERROR_RATE, Evidence, LimitEvidence, PASS_CONFIDENCE, State,
};

/// The version of what is written.
const FORMAT: &str = "memreel-check/1";

/// A check of a result: its conclusion, every answer with its evidence, and the figures of each variant. Null is not
/// applicable or not known.
#[derive(Serialize, JsonSchema)]
pub struct CheckRecord<'a> {
    /// The version of the output.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The scenario's name.
    scenario: &'a str,
    /// The baseline, as it was named on the command line.
    baseline: Option<&'a str>,
    /// The conclusion.
    conclusion: Conclusion,
    /// Which answers fail the check.
    strictness: Strictness,
    /// The largest probability that the whole check fails although nothing has changed.
    error_rate: f64,
    /// The confidence with which a figure that passed is within what is tolerated.
    pass_confidence: f64,
    /// The number of figures that share the error rate.
    questions: usize,
    /// The variants of which exports failed.
    failed_exports: Vec<FailedExports>,
    /// Every answer with its evidence.
    items: Vec<ItemRecord>,
    /// The measured variants.
    variants: Vec<VariantRecord>,
}

/// A question and its answer.
#[derive(Serialize, JsonSchema)]
struct ItemRecord {
    /// The variant; for a finding, the jobs that belong together.
    subject: String,
    /// The question: whether memory grows (`finding`), whether all repeats are there (`repeats`), whether a figure is
    /// within its limit (`limit`) and no worse than the baseline (`change`), whether there is a comparable baseline
    /// (`baseline`).
    #[schemars(extend("enum" = ["finding", "repeats", "limit", "change", "baseline"]))]
    asked: &'static str,
    /// The figure, as budgets name it.
    #[schemars(extend("enum" = figures()))]
    figure: Option<&'static str>,
    /// The unit of the figure.
    #[schemars(extend("enum" = ["bytes", "seconds", "frames_per_second", "count", null]))]
    unit: Option<&'static str>,
    /// The answer.
    state: State,
    /// Whether a failure is only a warning.
    soft: bool,
    /// The consequence for the check; null if everything is as required.
    severity: Option<Severity>,
    /// The evidence in one sentence.
    because: String,
    /// The evidence for the answer to `limit`.
    limit: Option<LimitRecord>,
    /// The evidence for the answer to `change`.
    change: Option<ChangeRecord>,
}

/// A figure and its limit, in the figure's unit.
#[derive(Serialize, JsonSchema)]
struct LimitRecord {
    /// The limit.
    limit: f64,
    /// The value of a typical repeat.
    value: f64,
    /// The end of the one-sided interval with the error rate of the whole check: beyond the limit, the figure failed.
    surely: f64,
    /// The end of the one-sided interval with `pass_confidence`: within the limit, the figure passed.
    at_worst: f64,
    /// The number of repeats.
    repeats: usize,
    /// The number of repeats beyond the limit.
    beyond: usize,
}

/// A figure and its baseline.
#[derive(Serialize, JsonSchema)]
struct ChangeRecord {
    /// The value of a typical repeat of the baseline, in the figure's unit.
    baseline: f64,
    /// The value of a typical repeat now, in the figure's unit.
    now: f64,
    /// The unit of the effect, of its interval, and of the tolerance.
    #[schemars(extend("enum" = ["bytes", "seconds", "frames_per_second", "count", "share_of_baseline"]))]
    effect_unit: &'static str,
    /// How much worse the figure is.
    effect: f64,
    /// The lower end of the 95 % interval of the effect.
    low: Option<f64>,
    /// The upper end of the 95 % interval of the effect.
    high: Option<f64>,
    /// How much worse the figure is at least, with the error rate of the whole check.
    at_least: Option<f64>,
    /// How much worse the figure may be.
    tolerated: f64,
    /// The minimum detectable effect: this check would find it in 19 of 20 cases.
    least_effect: Option<f64>,
    /// The number of repeats of the baseline.
    repeats_of_baseline: usize,
    /// The number of repeats now.
    repeats: usize,
    /// The number of repeats of each side that would decide an inconclusive answer.
    needs_repeats: Option<usize>,
}

/// A measured variant.
#[derive(Serialize, JsonSchema)]
struct VariantRecord {
    /// The name of the variant in the report.
    name: String,
    /// The name of the variant in files, which does not depend on the other variants.
    slug: String,
    /// The figures that were measured, by the names of their columns in `summary.csv`.
    figures: BTreeMap<&'static str, FigureRecord>,
}

/// A figure of a variant, in the figure's unit.
#[derive(Serialize, JsonSchema)]
struct FigureRecord {
    /// The median of the repeats.
    median: f64,
    /// The lowest repeat.
    lowest: f64,
    /// The highest repeat.
    highest: f64,
    /// The number of repeats.
    repeats: usize,
}

/// The figures' names, and null where a question is about none.
fn figures() -> Vec<Option<&'static str>> {
    Figure::ALL.map(|figure| Some(figure.name())).into_iter().chain([None]).collect()
}

/// Writes one object: what the check comes to, every answer with its evidence, what each variant measured.
///
/// # Errors
/// When the writer takes no more.
pub fn write_json(told: &Told<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let record = CheckRecord {
        format: FORMAT,
        scenario: &told.report.scenario,
        baseline: told.baseline.as_deref(),
        conclusion: told.check.conclusion(),
        strictness: told.strictness,
        error_rate: ERROR_RATE,
        pass_confidence: PASS_CONFIDENCE,
        questions: told.check.questions,
        failed_exports: told.failed_exports(),
        items: told.check.items.iter().map(|item| item_record(told, item)).collect(),
        variants: variants(told.report),
    };
    write_pretty(&record, out)
}

/// Writes JSON for programs that people may read too, with an end of line.
pub(super) fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> Result<(), ReportError> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn item_record(told: &Told<'_>, item: &CheckItem) -> ItemRecord {
    let (asked, figure) = match item.asked {
        Asked::Finding => ("finding", None),
        Asked::Baseline => ("baseline", None),
        Asked::Repeats => ("repeats", None),
        Asked::Limit(figure) => ("limit", Some(figure)),
        Asked::Change(figure) => ("change", Some(figure)),
    };
    ItemRecord {
        subject: item.subject.clone(),
        asked,
        figure: figure.map(Figure::name),
        unit: figure.map(unit),
        state: item.state,
        soft: item.soft,
        severity: told.severity(item),
        because: statement(item),
        limit: match &item.evidence {
            Evidence::Limit(limit) => Some(limit_record(limit)),
            _ => None,
        },
        change: match (&item.evidence, figure) {
            (Evidence::Change(change), Some(figure)) => Some(change_record(figure, change)),
            _ => None,
        },
    }
}

fn unit(figure: Figure) -> &'static str {
    match figure.unit() {
        FigureUnit::Bytes => "bytes",
        FigureUnit::Seconds => "seconds",
        FigureUnit::FramesPerSecond => "frames_per_second",
        FigureUnit::Count => "count",
    }
}

fn limit_record(evidence: &LimitEvidence) -> LimitRecord {
    let &LimitEvidence { limit, value, surely, at_worst, repeats, beyond } = evidence;
    LimitRecord { limit, value, surely, at_worst, repeats, beyond }
}

fn change_record(figure: Figure, change: &ChangeEvidence) -> ChangeRecord {
    ChangeRecord {
        baseline: change.baseline,
        now: change.now,
        effect_unit: if figure.scale() == Scale::Ratio { "share_of_baseline" } else { unit(figure) },
        effect: change.effect,
        low: change.interval.map(|interval| interval.0),
        high: change.interval.map(|interval| interval.1),
        at_least: change.at_least,
        tolerated: change.tolerated,
        least_effect: change.least_effect,
        repeats_of_baseline: change.repeats.0,
        repeats: change.repeats.1,
        needs_repeats: change.needs,
    }
}

fn variants(report: &Report) -> Vec<VariantRecord> {
    let figure = |(figure, spread): (Figure, Spread)| {
        let Spread { median, low, high, of } = spread;
        (figure.column(), FigureRecord { median, lowest: low, highest: high, repeats: of })
    };
    let variants = measured(report).into_iter().map(|variant| VariantRecord {
        name: variant.name,
        slug: variant.slug,
        figures: variant.figures.into_iter().map(figure).collect(),
    });
    variants.collect()
}
