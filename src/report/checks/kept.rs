//! What a baseline holds, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::words::shown;
use crate::baseline::{Baseline, BaselineEntry};
use crate::report::TableLook;
use crate::report::number::UNKNOWN;
use crate::report::table::{PrintedTable, TableColumn};
use crate::report::terminal::write_wrapped;
use memreel_judge::budget::Figure;
use memreel_judge::stats;
use memreel_trace::MachineClass;

/// What is shown of an entry.
const SHOWN: [Figure; 4] = [Figure::Peak, Figure::Level, Figure::CpuPerFrame, Figure::FramesPerSecond];

/// Writes a table of what a baseline holds.
///
/// # Errors
/// When the writer takes no more.
pub fn write_baseline(baseline: &Baseline, out: &mut dyn Write, look: TableLook) -> io::Result<()> {
    let mut machines: Vec<String> = Vec::new();
    let words = [("engine", 3), ("machine", 4), ("saved", 6)];
    let words = words.into_iter().map(|(heading, rank)| TableColumn::words(heading, rank));
    let figures = SHOWN.into_iter().zip([0, 1, 2, 2]);
    let figures = figures.map(|(figure, rank)| TableColumn::numbers(figure.to_string(), "", rank));
    let columns = words.chain([TableColumn::numbers("repeats", "", 5)]).chain(figures);
    let mut table = PrintedTable::new("variant", columns.collect());
    for entry in baseline.entries() {
        let class = MachineClass { builds: BTreeMap::new(), ..entry.key.class.clone() };
        let machine = class.to_string();
        let place = machines.iter().position(|known| *known == machine).unwrap_or_else(|| {
            machines.push(machine);
            machines.len() - 1
        });
        let words = [
            entry.engine.clone(),
            format!("m{}", place + 1),
            entry.saved.clone(),
            entry.runs.len().to_string(),
        ];
        let figures = SHOWN.map(|figure| middle(entry, figure));
        let name = format!("{} of {}", entry.key.variant, entry.key.scenario);
        table.row(&name, words.into_iter().chain(figures).map(Into::into));
    }
    table.write(out, look)?;
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
