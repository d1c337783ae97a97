//! Tables that fit a terminal of any width.
//!
//! Where a table is too wide, the name of each row gets a line of its own; then headings are broken at spaces. Where
//! that is not enough, the least important columns are stacked: their values follow the row, each after its heading.
//! No value is left out and no word is broken.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::terminal::{TableLook, filled};

/// Characters that a row is set in below its name, and what is stacked below its row.
const INDENT: usize = 2;

/// Characters between two columns.
const GAP: &str = "  ";

/// A column beside the names.
pub struct TableColumn {
    heading: String,
    unit: &'static str,
    is_number: bool,
    rank: u8,
}

impl TableColumn {
    /// A column of words; that of the highest rank is stacked first.
    pub fn words(heading: impl Into<String>, rank: u8) -> TableColumn {
        TableColumn { heading: heading.into(), unit: "", is_number: false, rank }
    }

    /// A column of numbers, which may have a unit.
    pub fn numbers(heading: impl Into<String>, unit: &'static str, rank: u8) -> TableColumn {
        TableColumn { heading: heading.into(), unit, is_number: true, rank }
    }

    fn heading_lines(&self) -> impl Iterator<Item = &str> {
        self.heading.lines().chain((!self.unit.is_empty()).then_some(self.unit))
    }

    /// The heading and a value on one line; what stands below a number comes after its unit.
    fn stacked(&self, cell: &Cell) -> String {
        let mut lines = cell.text.lines();
        let heading = self.heading.split_whitespace().collect::<Vec<_>>().join(" ");
        let colon = if heading.is_empty() { "" } else { ": " };
        let first = lines.next().unwrap_or_default();
        let space = if self.unit.is_empty() { "" } else { " " };
        let rest: String = lines.map(|line| format!(", {line}")).collect();
        format!("{heading}{colon}{first}{space}{}{rest}", self.unit)
    }
}

/// What stands in a column; it may have several lines.
pub struct Cell {
    text: String,
    emphasis: Emphasis,
}

#[derive(Clone, Copy, PartialEq)]
enum Emphasis {
    None,
    Bold,
    Red,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell { text: text.into(), emphasis: Emphasis::None }
    }
}

impl Cell {
    /// The same in bold letters, if that is so.
    pub fn bold(self, is_bold: bool) -> Cell {
        if is_bold { Cell { emphasis: Emphasis::Bold, ..self } } else { self }
    }

    /// The same in red.
    pub fn red(self) -> Cell {
        Cell { emphasis: Emphasis::Red, ..self }
    }
}

const PLAIN: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";

/// All that a table asks of a terminal.
pub const STYLES: [&str; 3] = [PLAIN, BOLD, RED];

impl Emphasis {
    fn of(self, text: &str, look: TableLook) -> String {
        match self {
            Emphasis::Bold if look.colour => format!("{BOLD}{text}{PLAIN}"),
            Emphasis::Red if look.colour => format!("{RED}{text}{PLAIN}"),
            _ => text.to_string(),
        }
    }
}

/// Rows with names, and columns beside these.
pub struct PrintedTable {
    heading: &'static str,
    columns: Vec<TableColumn>,
    rows: Vec<Row>,
    is_ruled: bool,
}

struct Row {
    name: String,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, PartialEq)]
enum Names {
    Beside,
    Above,
}

#[derive(Clone, Copy, PartialEq)]
enum Headings {
    Whole,
    /// At spaces, where they are wider than what is below them.
    Broken,
}

/// How a table is laid out in some width.
struct Layout {
    /// Whether names stand above their rows.
    names_above: bool,
    /// The columns that are drawn: places, headings in lines, and widths.
    drawn: Vec<(usize, Vec<String>, usize)>,
    /// Places of those that are stacked.
    stacked: Vec<usize>,
    /// Of all of it.
    width: usize,
}

impl PrintedTable {
    /// A table without rows; `heading` is that of the names.
    pub fn new(heading: &'static str, columns: Vec<TableColumn>) -> PrintedTable {
        PrintedTable { heading, columns, rows: Vec::new(), is_ruled: false }
    }

    /// The same with lines between its rows, if that is so.
    pub fn ruled(self, is_ruled: bool) -> PrintedTable {
        PrintedTable { is_ruled, ..self }
    }

    /// Adds a row. One without a name goes on with what the row above it names.
    pub fn row(&mut self, name: &str, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row { name: name.to_string(), cells: cells.into_iter().collect() });
    }

    /// Writes the table with lines above, below and under the headings.
    ///
    /// # Errors
    /// When the writer takes no more.
    pub fn write(&self, out: &mut dyn Write, look: TableLook) -> io::Result<()> {
        let layout = self.layout(usize::from(look.width));
        let rule = |fill: &str| fill.repeat(layout.width);
        writeln!(out, "{}", rule("─"))?;
        self.write_headings(&layout, out, look)?;
        writeln!(out, "{}", rule("─"))?;
        for (place, row) in self.rows.iter().enumerate() {
            if place > 0 && self.is_ruled {
                writeln!(out, "{}", rule("╌"))?;
            }
            self.write_row(row, &layout, out, look)?;
        }
        writeln!(out, "{}", rule("─"))
    }

    fn write_headings(&self, layout: &Layout, out: &mut dyn Write, look: TableLook) -> io::Result<()> {
        let heading = |lines: &[String]| Cell::from(lines.join("\n")).bold(true);
        let headings: Vec<_> = layout.drawn.iter().map(|(_, lines, _)| heading(lines)).collect();
        let name = Cell::from(self.heading).bold(true);
        self.write_beside(&name, &headings.iter().collect::<Vec<_>>(), layout, out, look)
    }

    fn write_row(&self, row: &Row, layout: &Layout, out: &mut dyn Write, look: TableLook) -> io::Result<()> {
        let cells: Vec<_> = layout.drawn.iter().map(|(place, _, _)| &row.cells[*place]).collect();
        self.write_beside(&row.name.as_str().into(), &cells, layout, out, look)?;
        let stacked = layout.stacked.iter().filter(|&&place| !row.cells[place].text.is_empty());
        let stacked = stacked.map(|&place| self.columns[place].stacked(&row.cells[place]));
        let indent = 2 * INDENT;
        for line in filled_items(&stacked.collect::<Vec<_>>(), usize::from(look.width).saturating_sub(indent))
        {
            writeln!(out, "{:indent$}{line}", "")?;
        }
        Ok(())
    }

    /// A name and cells in their columns, or the name above them.
    fn write_beside(
        &self,
        name: &Cell,
        cells: &[&Cell],
        layout: &Layout,
        out: &mut dyn Write,
        look: TableLook,
    ) -> io::Result<()> {
        let columns = layout.drawn.iter().zip(cells);
        let mut blocks: Vec<_> = columns
            .map(|((place, _, width), cell)| (*cell, *width, self.columns[*place].is_number))
            .collect();
        let indent = if layout.names_above { INDENT } else { 0 };
        if !layout.names_above {
            blocks.insert(0, (name, self.widest_name(), false));
        } else if !name.text.is_empty() {
            for line in filled(name.text.split(' '), usize::from(look.width)) {
                writeln!(out, "{}", name.emphasis.of(&line, look))?;
            }
        }
        let height = blocks.iter().map(|(cell, ..)| cell.text.lines().count()).max().unwrap_or(0);
        for line in 0..height {
            let texts = blocks.iter().map(|&(cell, width, is_number)| {
                let text = cell.text.lines().nth(line).unwrap_or_default();
                let padding = " ".repeat(width.saturating_sub(text.width()));
                let text = if text.is_empty() { String::new() } else { cell.emphasis.of(text, look) };
                if is_number { padding + &text } else { text + &padding }
            });
            let texts = texts.collect::<Vec<_>>().join(GAP);
            writeln!(out, "{}", format!("{:indent$}{texts}", "").trim_end())?;
        }
        Ok(())
    }

    /// As wide as it is, where that fits; else narrowed, and then without one column after the other.
    fn layout(&self, width: usize) -> Layout {
        let mut drawn: Vec<usize> = (0..self.columns.len()).collect();
        let wide = self.layout_of(&drawn, Names::Beside, Headings::Whole);
        if wide.width <= width {
            return wide;
        }
        let mut narrow = self.layout_of(&drawn, Names::Above, Headings::Whole);
        while narrow.width > width && !drawn.is_empty() {
            let broken = self.layout_of(&drawn, Names::Above, Headings::Broken);
            if broken.width <= width {
                narrow = broken;
                break;
            }
            // Of equal ranks the last.
            let least = drawn.iter().enumerate().max_by_key(|(_, place)| self.columns[**place].rank);
            drawn.remove(least.map_or(0, |(index, _)| index));
            narrow = self.layout_of(&drawn, Names::Above, Headings::Whole);
        }
        // Names and what is stacked may be longer than what is left of the rows.
        Layout { width, ..narrow }
    }

    fn layout_of(&self, drawn: &[usize], names: Names, headings: Headings) -> Layout {
        let column = |&place: &usize| {
            let (column, cells) = (&self.columns[place], self.rows.iter().map(|row| &row.cells[place]));
            let cells = cells.map(|cell| widest(cell.text.lines())).max().unwrap_or(0);
            let words = widest(column.heading_lines().flat_map(str::split_whitespace));
            let room = if headings == Headings::Broken { cells.max(words) } else { usize::MAX };
            let heading: Vec<_> =
                column.heading_lines().flat_map(|line| filled(line.split(' '), room)).collect();
            let width = cells.max(widest(heading.iter().map(String::as_str)));
            (place, heading, width)
        };
        let columns: Vec<_> = drawn.iter().map(column).collect();
        let names_above = names == Names::Above;
        let first = if names_above { INDENT } else { self.widest_name() + GAP.len() };
        // The lines end one character after the last column.
        let width = columns.iter().map(|(.., width)| width + GAP.len()).sum::<usize>();
        let width = (first + width).saturating_sub(1);
        let stacked = (0..self.columns.len()).filter(|place| !drawn.contains(place)).collect();
        Layout { names_above, drawn: columns, stacked, width }
    }

    fn widest_name(&self) -> usize {
        widest(self.rows.iter().map(|row| row.name.as_str()).chain([self.heading]))
    }
}

fn widest<'a>(lines: impl IntoIterator<Item = &'a str>) -> usize {
    lines.into_iter().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Items one after the other; one that fits on a line stays on one.
fn filled_items(items: &[String], width: usize) -> Vec<String> {
    let mut items = items.to_vec();
    let last = items.len().saturating_sub(1);
    items[..last].iter_mut().for_each(|item| item.push(';'));
    let pieces = items.iter().flat_map(|item| match item.width() <= width {
        true => vec![item.as_str()],
        false => item.split(' ').collect(),
    });
    let lines = filled(pieces, width);
    if items.is_empty() { Vec::new() } else { lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> PrintedTable {
        let mut table = PrintedTable::new(
            "variant",
            vec![
                TableColumn::numbers("peak\nRSS", "MiB", 2),
                TableColumn::numbers("CPU time a frame", "ms", 4),
                TableColumn::numbers("frames a second", "", 5),
                TableColumn::numbers("memory\ngrows", "", 1),
                TableColumn::words("engine", 3),
                TableColumn::words("outcome", 0),
            ],
        );
        let cells =
            ["1,058.1\n1,057.0–1,059.3", "2.51", "158 frames/s", "can't tell", "ffmpeg 5.1.9-0+deb12u1"];
        for name in ["ffmpeg · single", "ffmpeg · parallel · 1920x1080 · libx264 · ultrafast"] {
            table.row(name, cells.into_iter().chain(["3 of 3\nfinished"]).map(Cell::from));
        }
        table
    }

    fn drawn(table: &PrintedTable, width: u16) -> String {
        let mut out = Vec::new();
        table.write(&mut out, TableLook { width, ..TableLook::PLAIN }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn at_any_width_no_line_is_longer_no_word_is_broken_and_no_value_is_left_out() {
        let words: Vec<_> = drawn(&table(), 1000).split_whitespace().map(str::to_string).collect();
        for width in [30, 40, 60, 80, 100, 120, 140, 160] {
            let text = drawn(&table(), width);
            assert!(text.lines().all(|line| line.width() <= usize::from(width)), "{width}:\n{text}");
            // What is stacked has a sign behind its words.
            let plain = text.replace([':', ';', ','], "");
            let shown: Vec<_> = plain.split_whitespace().collect();
            for word in words.iter().filter(|word| !word.starts_with('─')) {
                let word = word.replace(',', "");
                assert!(shown.contains(&word.as_str()), "{width}: `{word}` is missing in\n{text}");
            }
        }
    }

    #[test]
    fn what_is_least_important_is_stacked_first() {
        let headings = |width| {
            let text = drawn(&table(), width);
            let heading = text.split("\n─").next().unwrap().to_string();
            ["engine", "frames", "CPU", "outcome"].map(|word| heading.contains(word))
        };
        assert_eq!(headings(120), [true; 4]);
        assert_eq!(headings(80), [true, false, true, true]);
        assert_eq!(headings(40), [false, false, false, true]);
    }

    #[test]
    fn a_value_that_is_stacked_follows_its_heading_and_has_its_unit() {
        let text = drawn(&table(), 60);
        assert!(
            text.contains("\n    CPU time a frame: 2.51 ms;\n    frames a second: 158 frames/s;\n"),
            "{text}"
        );
        assert!(drawn(&table(), 30).contains("peak RSS: 1,058.1 MiB"), "{text}");
    }

    #[test]
    fn a_row_without_a_name_goes_on_below_the_one_above_it() {
        let mut table = PrintedTable::new(
            "variant",
            vec![TableColumn::words("figure", 0), TableColumn::numbers("now", "", 1)],
        );
        table.row("a variant with a long name", ["peak".into(), "1.0 MiB".into()]);
        table.row("", ["level".into(), "0.5 MiB".into()]);
        let text = drawn(&table, 30);
        assert!(
            text.contains("a variant with a long name\n  peak    1.0 MiB\n  level   0.5 MiB\n"),
            "{text}"
        );
    }
}
