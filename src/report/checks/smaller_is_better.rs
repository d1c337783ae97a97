//! What github-action-benchmark reads as `customSmallerIsBetter`.
//!
//! <https://github.com/benchmark-action/github-action-benchmark>

use std::io::Write;

use serde::Serialize;

use super::Told;
use super::measured::{MeasuredVariant, measured};
use crate::report::ReportError;
use crate::report::number::range;
use memreel_judge::analysis::Spread;
use memreel_judge::budget::Figure;

/// Figures of which less is better and which are well above zero. That action compares by the ratio of two values,
/// which says nothing of a growth that scatters around none.
const FIGURES: [Figure; 4] = [Figure::Peak, Figure::Level, Figure::CpuPerFrame, Figure::Threads];

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

/// Writes an entry for each of these figures of each variant: the median of its repeats.
///
/// # Errors
/// When the writer takes no more.
pub fn write_smaller_is_better(told: &Told<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let variants = measured(told.report);
    let entries: Vec<_> = variants.iter().flat_map(|variant| entries(told, variant)).collect();
    super::json::write_pretty(&entries, out)
}

fn entries(told: &Told<'_>, variant: &MeasuredVariant) -> Vec<Entry> {
    let wanted = variant.figures.iter().filter(|(figure, _)| FIGURES.contains(figure));
    let entry = |&(figure, spread): &(Figure, Spread)| {
        let (unit, factor) = unit(figure);
        let spread = spread.scaled(factor);
        Entry {
            name: format!("{}/{}: {figure}", told.report.scenario, variant.slug),
            unit,
            value: rounded(spread.median),
            range: range(Some(spread), |value| rounded(value).to_string()),
            extra: format!("median of {} repeat{}", spread.of, if spread.of == 1 { "" } else { "s" }),
        }
    };
    wanted.map(entry).collect()
}

/// The unit that people read the figure in, and how many of it are one of the figure's own.
fn unit(figure: Figure) -> (&'static str, f64) {
    match figure {
        Figure::Peak | Figure::Level => ("MiB", 1.0 / 1_048_576.0),
        Figure::CpuPerFrame => ("ms/frame", 1e3),
        _ => ("threads", 1.0),
    }
}

/// To a thousandth: digits beyond say nothing.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
