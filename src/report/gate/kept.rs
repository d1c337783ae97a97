//! What a baseline holds, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use comfy_table::Cell;

use super::words::shown;
use crate::baseline::{Baseline, BaselineEntry};
use crate::budget::Figure;
use crate::report::TableLook;
use crate::report::number::UNKNOWN;
use crate::report::terminal::{bold, right, ruled_table, write_wrapped};
use crate::stats;
use crate::trace::MachineClass;

/// What is shown of an entry.
const SHOWN: [Figure; 4] = [Figure::Peak, Figure::Level, Figure::CpuPerFrame, Figure::FramesPerSecond];

/// Writes a table of what a baseline holds.
///
/// # Errors
/// When the writer takes no more.
pub fn write_baseline(baseline: &Baseline, out: &mut dyn Write, look: TableLook) -> io::Result<()> {
    let mut machines: Vec<String> = Vec::new();
    let header = ["variant", "engine", "machine", "saved", "repeats"].map(String::from).into_iter();
    let header = header.chain(SHOWN.map(|figure| figure.to_string()));
    let mut table = ruled_table(look, header.map(|text| bold(Cell::new(text))).collect(), false);
    for entry in baseline.entries() {
        let class = MachineClass { builds: BTreeMap::new(), ..entry.key.class.clone() };
        let machine = class.to_string();
        let place = machines.iter().position(|known| *known == machine).unwrap_or_else(|| {
            machines.push(machine);
            machines.len() - 1
        });
        let words = [
            format!("{} of {}", entry.key.variant, entry.key.scenario),
            entry.engine.clone(),
            format!("m{}", place + 1),
            entry.saved.clone(),
        ];
        let cells = words.into_iter().map(Cell::new);
        let numbers = SHOWN.map(|figure| right(middle(entry, figure)));
        table.add_row(cells.chain([right(entry.runs.len().to_string())]).chain(numbers));
    }
    writeln!(out, "{}", table.trim_fmt())?;
    for (place, machine) in machines.iter().enumerate() {
        write_wrapped(out, &format!("m{}: {machine}", place + 1), look.width)?;
    }
    Ok(())
}

/// Writes a line on an entry that is new or takes the place of another.
///
/// # Errors
/// When the writer takes no more.
pub fn write_renewal(
    before: Option<&BaselineEntry>,
    now: &BaselineEntry,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = format!("{} of {}", now.key.variant, now.key.scenario);
    let told = |figure: Figure| match before.map(|before| middle(before, figure)) {
        Some(before) if before != UNKNOWN => format!("{figure} {before} → {}", middle(now, figure)),
        _ => format!("{figure} {}", middle(now, figure)),
    };
    let figures: Vec<_> =
        SHOWN.into_iter().filter(|&figure| middle(now, figure) != UNKNOWN).map(told).collect();
    let repeats = now.runs.len();
    writeln!(out, "{name}: {} ({repeats} repeat{})", figures.join(", "), if repeats == 1 { "" } else { "s" })
}

/// The median over the repeats.
fn middle(entry: &BaselineEntry, figure: Figure) -> String {
    let numbers: Vec<_> = entry.runs.iter().filter_map(|run| run.get(figure)).collect();
    stats::median(&numbers).map_or(UNKNOWN.into(), |median| shown(figure, median))
}
