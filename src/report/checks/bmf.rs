//! Bencher Metric Format: a benchmark for each variant, with a measure for each figure.
//!
//! <https://bencher.dev/docs/reference/bencher-metric-format>

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::Told;
use super::measured::measured;
use crate::report::ReportError;
use memreel_judge::analysis::Spread;
use memreel_judge::budget::Figure;

#[derive(Serialize)]
struct Metric {
    value: f64,
    lower_value: f64,
    upper_value: f64,
}

/// Writes what each variant measured, in bytes, seconds and frames a second: the median of its repeats, the lowest
/// and the highest.
///
/// # Errors
/// When the writer takes no more.
pub fn write_bmf(told: &Told<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let benchmarks = measured(told.report).into_iter().map(|variant| {
        let name = format!("{}/{}", told.report.scenario, variant.slug);
        let metrics = variant.figures.iter().map(|&(figure, spread)| (measure(figure), metric(spread)));
        (name, metrics.collect::<BTreeMap<_, _>>())
    });
    super::json::write_pretty(&benchmarks.collect::<BTreeMap<_, _>>(), out)
}

/// The measure's name, in the way of the names that Bencher itself has.
fn measure(figure: Figure) -> String {
    match figure {
        Figure::Peak => "peak-rss".into(),
        _ => figure.name().replace('_', "-"),
    }
}

fn metric(spread: Spread) -> Metric {
    Metric { value: spread.median, lower_value: spread.low, upper_value: spread.high }
}
