//! A check for programs: units in the names, null for what is not known.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::measured::measured;
use super::words::statement;
use super::{Severity, Strictness, Told};
use crate::report::{Report, ReportError};
use memreel_judge::analysis::Spread;
use memreel_judge::budget::{Figure, FigureUnit, Scale};
use memreel_judge::check::{
    Asked, ChangeEvidence, CheckItem, Conclusion, ERROR_RATE, Evidence, LimitEvidence, PASS_CONFIDENCE, State,
};

/// The version of what is written.
const FORMAT: &str = "memreel-check/1";

#[derive(Serialize)]
struct CheckRecord<'a> {
    format: &'static str,
    scenario: &'a str,
    baseline: Option<&'a str>,
    conclusion: &'static str,
    strictness: &'static str,
    error_rate: f64,
    pass_confidence: f64,
    questions: usize,
    failed_exports: Vec<FailedExport>,
    items: Vec<ItemRecord>,
    variants: Vec<VariantRecord>,
}

#[derive(Serialize)]
struct FailedExport {
    variant: String,
    words: String,
}

#[derive(Serialize)]
struct ItemRecord {
    subject: String,
    asked: &'static str,
    figure: Option<&'static str>,
    unit: Option<&'static str>,
    state: &'static str,
    soft: bool,
    severity: Option<&'static str>,
    because: String,
    limit: Option<LimitRecord>,
    change: Option<ChangeRecord>,
}

#[derive(Serialize)]
struct LimitRecord {
    limit: f64,
    value: f64,
    surely: f64,
    at_worst: f64,
    repeats: usize,
    beyond: usize,
}

#[derive(Serialize)]
struct ChangeRecord {
    baseline: f64,
    now: f64,
    effect_unit: &'static str,
    effect: f64,
    low: Option<f64>,
    high: Option<f64>,
    at_least: Option<f64>,
    tolerated: f64,
    least_effect: Option<f64>,
    repeats_of_baseline: usize,
    repeats: usize,
    needs_repeats: Option<usize>,
}

#[derive(Serialize)]
struct VariantRecord {
    name: String,
    slug: String,
    figures: BTreeMap<&'static str, FigureRecord>,
}

#[derive(Serialize)]
struct FigureRecord {
    median: f64,
    lowest: f64,
    highest: f64,
    repeats: usize,
}

/// Writes one object: what the check comes to, every answer with its evidence, what each variant measured.
///
/// # Errors
/// When the writer takes no more.
pub fn write_json(told: &Told<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let failed = told.failed_exports().into_iter();
    let record = CheckRecord {
        format: FORMAT,
        scenario: &told.report.scenario,
        baseline: told.baseline.as_deref(),
        conclusion: match told.check.conclusion() {
            Conclusion::Passed => "passed",
            Conclusion::Failed => "failed",
            Conclusion::Open => "inconclusive",
        },
        strictness: match told.strictness {
            Strictness::WarnOnly => "warn-only",
            Strictness::Usual => "usual",
            Strictness::Strict => "strict",
        },
        error_rate: ERROR_RATE,
        pass_confidence: PASS_CONFIDENCE,
        questions: told.check.questions,
        failed_exports: failed
            .map(|failed| FailedExport { variant: failed.variant, words: failed.words })
            .collect(),
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
        state: state(item.state),
        soft: item.soft,
        severity: told.severity(item).map(|severity| match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }),
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

fn state(state: State) -> &'static str {
    match state {
        State::Passed => "passed",
        State::Failed => "failed",
        State::Open => "open",
        State::NotComparable => "not-comparable",
        State::Shown => "not-judged",
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
