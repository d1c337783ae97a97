//! One plain sentence about each engine: what threading costs in memory and gives in speed.

use std::io::Write;

use crate::analysis::{Spread, group_by_variant};
use crate::report::number::{mib, number, plus_minus, range, short, signed};
use crate::report::terminal::write_wrapped;
use crate::report::{Look, Report, ReportError, VariantRow};

/// The axis that is compared, and the two values of it.
const AXIS: &str = "threading";
const SINGLE: &str = "single";
const PARALLEL: &str = "parallel";

/// Writes a sentence for each engine that ran both single-threaded and in parallel, all else equal.
///
/// Numbers are medians over the repeats that finished, with their smallest and largest when there
/// are several, and with what each run says of its own growth; a number that was not measured on both sides is not compared.
///
/// # Errors
/// When the writer takes no more.
pub fn write_sentences(report: &Report, out: &mut dyn Write, look: Look) -> Result<(), ReportError> {
    let variants = report.variants();
    let others: Vec<_> = variants.iter().map(|variant| (all_but_threading(variant), variant)).collect();
    for group in group_by_variant(&others, |(others, _)| others) {
        let with =
            |value: &str| group.iter().map(|(_, variant)| *variant).find(|row| threading(row) == value);
        if let (Some(single), Some(parallel)) = (with(SINGLE), with(PARALLEL)) {
            writeln!(out)?;
            write_wrapped(out, &sentence(report, &group[0].0, single, parallel), look.width)?;
        }
    }
    Ok(())
}

fn all_but_threading(variant: &VariantRow<'_>) -> Vec<(String, String)> {
    variant.jobs[0].planned.variant.iter().filter(|(axis, _)| axis != AXIS).cloned().collect()
}

fn threading<'a>(variant: &'a VariantRow<'_>) -> &'a str {
    let found = variant.jobs[0].planned.variant.iter().find(|(axis, _)| axis == AXIS);
    found.map_or("", |(_, value)| value)
}

fn sentence(
    report: &Report,
    others: &[(String, String)],
    single: &VariantRow<'_>,
    parallel: &VariantRow<'_>,
) -> String {
    let mut subject = super::variant_name(others, &report.varied, &report.scenario);
    if report.varied.iter().all(|axis| axis == AXIS) {
        subject = super::variant_name(others, &[], &report.scenario);
    }
    let unfinished: Vec<_> =
        [single, parallel].into_iter().filter(|row| row.summary.finished == 0).map(threading).collect();
    if !unfinished.is_empty() {
        return format!("{subject}: {} did not finish, so nothing is compared.", unfinished.join(" and "));
    }
    let clauses = [Some(memory(single, parallel)), speed(single, parallel), growth(single, parallel)];
    let clauses: Vec<_> = clauses.into_iter().flatten().collect();
    format!("{subject}: {} ({}).", clauses.join("; "), runs(single, parallel))
}

fn memory(single: &VariantRow<'_>, parallel: &VariantRow<'_>) -> String {
    let peaks = (single.summary.peak_rss_bytes, parallel.summary.peak_rss_bytes);
    let (Some(one), Some(many)) = peaks else { return "the peaks were not measured".to_string() };
    let more = signed((many.median - one.median) / f64::from(1 << 20), 0);
    format!(
        "parallel takes {} at its peak, single {} ({more} MiB, {})",
        with_range(many, "MiB", mib),
        with_range(one, "MiB", mib),
        times(many, one)
    )
}

fn speed(single: &VariantRow<'_>, parallel: &VariantRow<'_>) -> Option<String> {
    let (one, many) = (single.summary.fps?, parallel.summary.fps?);
    let (one_shown, many_shown) = (with_range(one, "", short), with_range(many, "frames/s", short));
    Some(format!("it exports {many_shown}, single {one_shown} ({})", times(many, one)))
}

fn growth(single: &VariantRow<'_>, parallel: &VariantRow<'_>) -> Option<String> {
    let (many, one) = (plus_minus(parallel.summary.growth?), plus_minus(single.summary.growth?));
    Some(format!("over the second half memory grows by {many} B/frame in parallel, by {one} single-threaded"))
}

fn with_range(spread: Spread, unit: &str, show: fn(f64) -> String) -> String {
    let range = range(Some(spread), show).map(|range| format!(" ({range})")).unwrap_or_default();
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    format!("{}{unit}{range}", show(spread.median))
}

fn times(many: Spread, one: Spread) -> String {
    if one.median > 0.0 { format!("{} ×", number(many.median / one.median, 2)) } else { "no ratio".into() }
}

fn runs(single: &VariantRow<'_>, parallel: &VariantRow<'_>) -> String {
    match (single.summary.finished, parallel.summary.finished) {
        (1, 1) => "one run each".to_string(),
        (one, many) if one == many => {
            format!("medians of {one} runs each, smallest–largest in brackets, ± within a run")
        }
        (one, many) => {
            format!(
                "medians of {many} parallel and {one} single runs, smallest–largest in brackets, ± within a run"
            )
        }
    }
}
