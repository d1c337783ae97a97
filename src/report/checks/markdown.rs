//! A page for the summary of a job, or a comment on a change: the conclusion and what is to be known first, every
//! figure below it, folded away.

use std::io::{self, Write};

use memreel_trace::picture;

use super::Told;
use super::table::{FigureTable, legend, tables};
use super::words::{heading, sentence};

/// As many bytes as GitHub takes for the summary of a step: more of it, and none is shown.
pub const SUMMARY_BYTES: usize = 1 << 20;

/// Kept free for what is said of lines that were left out, and for what closes what is open.
const CLOSING_BYTES: usize = 1024;
/// With less room than this there is no page.
const LEAST_BYTES: usize = 8 * CLOSING_BYTES;

/// Writes the page in so many bytes at most; what has no room is counted and said to be left out, and where there is
/// none for a few lines nothing is written.
///
/// # Errors
/// When the writer takes no more.
pub fn write_markdown(told: &Told<'_>, room: usize, out: &mut dyn Write) -> io::Result<()> {
    if room < LEAST_BYTES {
        return Ok(());
    }
    let mut page = Page { text: String::new(), room: room / 2 };
    page.lines(head(told).into_iter());
    page.lines(sentences(told).into_iter());
    page.room = room - CLOSING_BYTES;
    let tables = tables(told.check);
    if !tables.is_empty() {
        page.lines(["".into(), "<details><summary>All figures</summary>".into()].into_iter());
        tables.iter().for_each(|table| page.table(table));
        let notes = legend(told.check).into_iter().chain(told.certainty());
        page.lines(notes.flat_map(|note| [String::new(), escaped(&note)]));
        page.text.push_str("\n</details>\n");
    }
    page.text.push('\n');
    out.write_all(page.text.as_bytes())
}

/// Lines, as long as there is room.
struct Page {
    text: String,
    room: usize,
}

impl Page {
    /// Adds the first of these lines that have room, and says how many have none.
    fn lines(&mut self, lines: impl Iterator<Item = String>) {
        let mut left_out = 0;
        for line in lines {
            match left_out == 0 && self.text.len() + line.len() < self.room {
                true => self.text.extend([&line, "\n"]),
                false => left_out += 1,
            }
        }
        if left_out > 0 {
            self.text.push_str(&format!("\n… and {left_out} more lines, for which there is no room here.\n"));
        }
    }

    /// A table; nothing but its heading stays before what is left out of it.
    fn table(&mut self, table: &FigureTable) {
        let alignment =
            |place: usize| if (2..table.header.len() - 1).contains(&place) { "--:" } else { "---" };
        let heading = row(table.header.iter().copied());
        let rule = row((0..table.header.len()).map(alignment));
        let rows = table.rows.iter().map(|figures| {
            let bold = format!("**{}**", figures.answer);
            let answer = if figures.fails { &bold } else { figures.answer };
            let cells = figures.cells.iter().map(|cell| escaped(cell));
            let cells: Vec<_> = [escaped(&figures.subject)].into_iter().chain(cells).collect();
            row(cells.iter().map(String::as_str).chain([answer]))
        });
        self.lines([String::new(), heading, rule].into_iter().chain(rows));
    }
}

fn head(told: &Told<'_>) -> [String; 5] {
    let scenario = escaped(&told.report.scenario);
    [
        format!("### memreel: {scenario}"),
        String::new(),
        format!("**{}**", escaped(&told.conclusion())),
        String::new(),
        format!("{}.", escaped(&told.subject())),
    ]
}

/// What failed first, each a point of a list.
fn sentences(told: &Told<'_>) -> Vec<String> {
    let exports = told.failed_exports().into_iter();
    let exports =
        exports.map(|failed| point("exports failed", &format!("{}: {}", failed.variant, failed.words)));
    let items = told.told().map(|item| point(heading(item), &sentence(item)));
    let points: Vec<_> = exports.chain(items).collect();
    let space = (!points.is_empty()).then(String::new);
    space.into_iter().chain(points).collect()
}

fn point(heading: &str, sentence: &str) -> String {
    format!("- **{heading}**: {}", escaped(sentence))
}

fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

/// Text that is nothing but text: on one line, and every sign that would be more has a backslash.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            control if control.is_control() => escaped.push(picture(control)),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' => {
                escaped.extend(['\\', character]);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
