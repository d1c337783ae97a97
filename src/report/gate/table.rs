//! The figures of a check in a table.

use comfy_table::{Cell, Table};

use super::words::{effect, effect_within, shown};
use crate::budget::Figure;
use crate::check::{Asked, ChangeEvidence, Check, Evidence, Item, LimitEvidence, State};
use crate::report::Look;
use crate::report::number::UNKNOWN;
use crate::report::terminal::{bold, right, ruled_table};

/// A table of changes and one of limits, where there are any.
pub fn tables(check: &Check, look: Look) -> Vec<Table> {
    [changes(check, look), limits(check, look)].into_iter().flatten().collect()
}

/// What the columns mean.
pub fn legend(check: &Check) -> Vec<String> {
    let changes = check.items.iter().any(|item| matches!(item.evidence, Evidence::Change(_)));
    let legend = "change: how much worse, and the interval that it lies in (each end is right in 95 of 100); a \
                  minus is better. could find: the least change that such repeats find in 19 of 20 checks.";
    changes.then(|| legend.to_string()).into_iter().collect()
}

fn changes(check: &Check, look: Look) -> Option<Table> {
    let header = ["variant", "figure", "baseline", "now", "change", "tolerated", "could find", ""];
    let row = |item: &Item| match (&item.evidence, item.asked) {
        (Evidence::Change(_), Asked::Change(Figure::Threads)) if item.state == State::Shown => None,
        (Evidence::Change(change), Asked::Change(figure)) => Some(change_row(item, figure, change)),
        _ => None,
    };
    table(check, look, header, row)
}

fn limits(check: &Check, look: Look) -> Option<Table> {
    let header = ["variant", "figure", "limit", "now", "at worst", "repeats", "beyond", ""];
    let row = |item: &Item| match (&item.evidence, item.asked) {
        (Evidence::Limit(limit), Asked::Limit(figure)) => Some(limit_row(figure, limit)),
        _ => None,
    };
    table(check, look, header, row)
}

/// A row an item that has one; no table without rows. A variant is named in its first row only.
fn table<const N: usize>(
    check: &Check,
    look: Look,
    header: [&str; N],
    row: impl Fn(&Item) -> Option<Vec<String>>,
) -> Option<Table> {
    let rows: Vec<_> = check.items.iter().filter_map(|item| Some((item, row(item)?))).collect();
    if rows.is_empty() {
        return None;
    }
    let mut table = ruled_table(look, header.iter().map(|text| bold(Cell::new(text))).collect(), false);
    let mut last = "";
    for (item, cells) in &rows {
        let name = if item.subject == last { String::new() } else { item.subject.clone() };
        last = &item.subject;
        let (figure, numbers) = cells.split_first().expect("a row begins with its figure");
        let numbers = numbers.iter().map(|text| right(text.clone()));
        table.add_row([Cell::new(name), Cell::new(figure)].into_iter().chain(numbers).chain([answer(item)]));
    }
    Some(table)
}

fn answer(item: &Item) -> Cell {
    match item.state {
        State::Failed if !item.soft => bold(Cell::new("FAILED")),
        State::Failed => Cell::new("warning"),
        State::Open => Cell::new("open"),
        State::NotComparable => Cell::new("not comparable"),
        State::Passed => Cell::new("ok"),
        State::Shown => Cell::new("not judged"),
    }
}

fn change_row(item: &Item, figure: Figure, change: &ChangeEvidence) -> Vec<String> {
    let judged = item.state != State::Shown;
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
