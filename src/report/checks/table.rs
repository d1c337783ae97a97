//! The figures of a check in a table.

use super::words::{effect, effect_within, shown};
use crate::report::number::UNKNOWN;
use crate::report::table::{Cell, PrintedTable, TableColumn};
use memreel_judge::budget::Figure;
use memreel_judge::check::{Asked, ChangeEvidence, Check, CheckItem, Evidence, LimitEvidence, State};

/// Figures in rows, however they are drawn: two columns of words, numbers, and the answer.
pub struct FigureTable {
    /// The columns, that of the answer last and without a name.
    pub header: &'static [&'static str],
    /// In the order of the check.
    pub rows: Vec<FigureRow>,
}

/// A figure's row.
pub struct FigureRow {
    /// The variant.
    pub subject: String,
    /// The figure, then numbers with their units.
    pub cells: Vec<String>,
    /// What the answer is, in a word or two.
    pub answer: &'static str,
    /// Whether it fails the check.
    pub fails: bool,
}

/// A table of changes and one of limits, where there are any.
pub fn tables(check: &Check) -> Vec<FigureTable> {
    [changes(check), limits(check)].into_iter().filter(|table| !table.rows.is_empty()).collect()
}

/// Which columns beside the variant are stacked first where a terminal is too narrow for all.
const RANKS: [u8; 7] = [0, 4, 3, 2, 5, 6, 1];

/// A table for the terminal. A variant is named in its first row only.
pub fn drawn(table: &FigureTable) -> PrintedTable {
    let headings = table.header[1..].iter().zip(RANKS).enumerate();
    let columns =
        headings.map(|(place, (heading, rank))| match (1..table.header.len() - 2).contains(&place) {
            true => TableColumn::numbers(*heading, "", rank),
            false => TableColumn::words(*heading, rank),
        });
    let mut drawn = PrintedTable::new(table.header[0], columns.collect());
    let mut last = "";
    for row in &table.rows {
        let name = if row.subject == last { "" } else { row.subject.as_str() };
        last = &row.subject;
        let cells = row.cells.iter().map(|cell| Cell::from(cell.as_str()));
        drawn.row(name, cells.chain([Cell::from(row.answer).bold(row.fails)]));
    }
    drawn
}

/// What the columns mean.
pub fn legend(check: &Check) -> Vec<String> {
    let changes = check.items.iter().any(|item| matches!(item.evidence, Evidence::Change(_)));
    let legend = "change: how much worse, with its 95 % interval; negative is better. detectable: the minimum \
                  detectable change, which this number of repeats finds in 19 of 20 checks.";
    changes.then(|| legend.to_string()).into_iter().collect()
}

fn changes(check: &Check) -> FigureTable {
    let cells = |item: &CheckItem| match (&item.evidence, item.asked) {
        (Evidence::Change(_), Asked::Change(Figure::Threads)) if item.state == State::Shown => None,
        (Evidence::Change(change), Asked::Change(figure)) => Some(change_row(item, figure, change)),
        _ => None,
    };
    let header = &["variant", "figure", "baseline", "now", "change", "tolerance", "detectable", ""];
    FigureTable { header, rows: rows(check, cells) }
}

fn limits(check: &Check) -> FigureTable {
    let cells = |item: &CheckItem| match (&item.evidence, item.asked) {
        (Evidence::Limit(limit), Asked::Limit(figure)) => Some(limit_row(figure, limit)),
        _ => None,
    };
    let header = &["variant", "figure", "limit", "now", "at worst", "repeats", "beyond", ""];
    FigureTable { header, rows: rows(check, cells) }
}

/// A row of each item that has cells.
fn rows(check: &Check, cells: impl Fn(&CheckItem) -> Option<Vec<String>>) -> Vec<FigureRow> {
    let row = |item: &CheckItem| {
        let (subject, answer, fails) = (item.subject.clone(), answer(item), item.fails());
        Some(FigureRow { subject, cells: cells(item)?, answer, fails })
    };
    check.items.iter().filter_map(row).collect()
}

fn answer(item: &CheckItem) -> &'static str {
    match item.state {
        State::Failed if !item.soft => "FAILED",
        State::Failed => "warning",
        State::Open => "inconclusive",
        State::NotComparable => "not comparable",
        State::Passed => "ok",
        State::Shown => "not judged",
    }
}

fn change_row(item: &CheckItem, figure: Figure, change: &ChangeEvidence) -> Vec<String> {
    let judged = !matches!(item.state, State::Shown | State::NotComparable);
    let interval = change.interval.map_or_else(
        || effect(figure, change.effect),
        |(low, high)| effect_within(figure, change.effect, low, high),
    );
    let tolerated = if judged { effect(figure, change.tolerated) } else { UNKNOWN.into() };
    let could_find = change.least_effect.filter(|_| judged);
    vec![
        figure.to_string(),
        shown(figure, change.baseline),
        shown(figure, change.now),
        interval,
        tolerated,
        could_find.map_or(UNKNOWN.into(), |least| effect(figure, least)),
    ]
}

fn limit_row(figure: Figure, limit: &LimitEvidence) -> Vec<String> {
    vec![
        figure.to_string(),
        shown(figure, limit.limit),
        shown(figure, limit.value),
        shown(figure, limit.at_worst),
        limit.repeats.to_string(),
        limit.beyond.to_string(),
    ]
}
