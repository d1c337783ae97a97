//! JUnit's XML, which every CI shows in a way of its own: a suite for the scenario, a case for each variant and for
//! what the jobs of each engine show together.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::measured::{MeasuredVariant, measured};
use super::words::{line, topic};
use super::{FailedExports, Severity, Told};
use crate::report::{ReportError, VariantRow};
use memreel_judge::check::{Asked, CheckItem};

/// Writes the document. What fails the check is a failure, exports that failed are an error, what is open – and under
/// `--warn-only` what failed – is skipped; a case that passes with a warning has it in its output.
///
/// # Errors
/// When the writer takes no more.
pub fn write_junit(told: &Told<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut document = Document::new("memreel");
    document.add_test_suite(suite(told));
    let text = document.to_string().map_err(io::Error::other)?;
    // The schema that Jenkins' xUnit plugin insists on has no such count at the root, only with each suite.
    let own = format!(" skipped=\"{}\"", document.skipped);
    Ok(out.write_all(text.replacen(&own, "", 1).as_bytes())?)
}

fn suite(told: &Told<'_>) -> TestSuite {
    let mut suite = TestSuite::new(told.report.scenario.as_str());
    let (variants, failed) = (told.report.variants(), told.failed_exports());
    suite.set_time(wall(&variants));
    for variant in measured(told.report) {
        suite.add_properties(properties(&variant));
    }
    for variant in &variants {
        suite.add_test_case(variant_case(told, variant, &failed));
    }
    for item in told.check.items.iter().filter(|item| item.asked == Asked::Finding) {
        let name = format!("{}: memory", item.subject);
        suite.add_test_case(case(told, &name, status(told, &[item]), &[item]));
    }
    suite
}

/// Each figure of a variant; of several repeats the median, the lowest and the highest.
fn properties(variant: &MeasuredVariant) -> Vec<(String, String)> {
    let of_figure = variant.figures.iter().flat_map(|(figure, spread)| {
        let name = format!("{}: {}", variant.name, figure.column());
        let ends = [(" lowest", spread.low), (" highest", spread.high)];
        let ends = ends.into_iter().filter(|_| spread.of > 1);
        let numbers = [("", spread.median)].into_iter().chain(ends);
        numbers.map(move |(which, number)| (format!("{name}{which}"), number.to_string()))
    });
    of_figure.collect()
}

fn variant_case(told: &Told<'_>, variant: &VariantRow<'_>, failed: &[FailedExports]) -> TestCase {
    let is_its = |item: &&CheckItem| item.subject == variant.name && item.asked != Asked::Finding;
    let items: Vec<_> = told.check.items.iter().filter(is_its).collect();
    let failed = failed.iter().find(|failed| failed.variant == variant.name);
    let status = match (failed, variant.jobs.iter().find_map(|job| job.why_not_run())) {
        (Some(failed), _) => {
            let all = format!("{}\n{}", failed.words, lines(&items));
            non_success(NonSuccessKind::Error, "exports", &failed.words, &all)
        }
        (None, Some(why)) if variant.measured().next().is_none() => skipped(&why, &items),
        _ => status(told, &items),
    };
    let mut case = case(told, &variant.name, status, &items);
    case.set_time(wall(std::slice::from_ref(variant)));
    case
}

fn case(told: &Told<'_>, name: &str, status: TestCaseStatus, items: &[&CheckItem]) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(told.report.scenario.as_str());
    if !items.is_empty() {
        case.set_system_out(lines(items));
    }
    case
}

/// What these items come to together, with the sentences of those that are why.
fn status(told: &Told<'_>, items: &[&CheckItem]) -> TestCaseStatus {
    let of = |severity| -> Vec<&CheckItem> {
        items.iter().copied().filter(|item| told.severity(item) == Some(severity)).collect()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let unsettled: Vec<_> = warnings.into_iter().filter(|item| !item.soft).collect();
    match (errors.first(), unsettled.first()) {
        (Some(first), _) => {
            non_success(NonSuccessKind::Failure, &topic(first), &line(first), &lines(&errors))
        }
        (None, Some(first)) => skipped(&line(first), &unsettled),
        (None, None) => TestCaseStatus::success(),
    }
}

fn non_success(kind: NonSuccessKind, what: &str, message: &str, all: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(what).set_message(message).set_description(all);
    status
}

fn skipped(why: &str, items: &[&CheckItem]) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why).set_description(lines(items));
    status
}

fn lines(items: &[&CheckItem]) -> String {
    items.iter().map(|item| line(item)).collect::<Vec<_>>().join("\n")
}

/// How long the exports of these variants ran, one after the other.
fn wall(variants: &[VariantRow<'_>]) -> Duration {
    let seconds: f64 = variants.iter().flat_map(VariantRow::measured).map(|job| job.summary.wall_s).sum();
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
