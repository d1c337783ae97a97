//! The terminal: how wide it is, whether it has colours, and lines that fit it.

use std::io::{self, IsTerminal, Write};

use rustix::fd::AsFd;
use rustix::termios;
use unicode_width::UnicodeWidthStr;

/// How a table is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLook {
    /// Columns of characters that it may take.
    pub width: u16,
    /// Whether to colour it.
    pub colour: bool,
}

impl TableLook {
    /// For files and pipes: 120 columns, no colour.
    pub const PLAIN: TableLook = TableLook { width: 120, colour: false };

    /// As standard output is: as wide as its terminal, and coloured if it is one and the
    /// environment variable `NO_COLOR` is empty or not set (<https://no-color.org>).
    pub fn of_stdout() -> TableLook {
        TableLook::of(stdout_width())
    }

    /// As standard error is, likewise.
    pub fn of_stderr() -> TableLook {
        TableLook::of(stderr_width())
    }

    fn of(terminal: Option<u16>) -> TableLook {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        terminal.map_or(TableLook::PLAIN, |width| TableLook { width, colour: !no_colour })
    }
}

/// Columns of the terminal that standard output is; `None` when it is none.
pub fn stdout_width() -> Option<u16> {
    width_of_terminal(&io::stdout())
}

/// Columns of the terminal that standard error is; `None` when it is none.
pub fn stderr_width() -> Option<u16> {
    width_of_terminal(&io::stderr())
}

/// A terminal that does not say how wide it is is as wide as a file.
fn width_of_terminal(stream: &(impl IsTerminal + AsFd)) -> Option<u16> {
    let told = || termios::tcgetwinsize(stream).map_or(0, |size| size.ws_col);
    stream.is_terminal().then(|| Some(told()).filter(|&width| width > 0).unwrap_or(TableLook::PLAIN.width))
}

/// Writes words in lines of at most so many characters; a longer word, as a path, stays whole.
pub fn write_wrapped(out: &mut dyn Write, text: &str, width: u16) -> io::Result<()> {
    filled(text.split(' '), usize::from(width)).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Writes lines that may be longer than a terminal: there they are broken at spaces, but not within a command in
/// backquotes, and go on below their last column, or set in.
pub fn write_lines(out: &mut dyn Write, text: &str, terminal: Option<u16>) -> io::Result<()> {
    let Some(width) = terminal.map(usize::from) else { return out.write_all(text.as_bytes()) };
    for line in text.lines() {
        let (head, rest) =
            line.split_at(if line.width() > width { hanging(line, width) } else { line.len() });
        let indent = if head.trim().is_empty() { head.width() + 2 } else { head.width() };
        let mut lines = filled(words(rest), width.saturating_sub(indent)).into_iter();
        writeln!(out, "{head}{}", lines.next().unwrap_or_default().trim_end())?;
        lines.try_for_each(|line| writeln!(out, "{:indent$}{}", "", line.trim()))?;
    }
    Ok(())
}

/// What stands between spaces; of a command in backquotes, which is to be pasted, all.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut is_command = false;
    text.split(move |character| {
        is_command ^= character == '`';
        character == ' ' && !is_command
    })
}

/// Where the last column of a line begins that several spaces set apart, in its first half, and beside which every
/// word fits.
fn hanging(line: &str, width: usize) -> usize {
    let indent = line.len() - line.trim_start().len();
    let ends = line.match_indices("  ").map(|(at, _)| line.len() - line[at..].trim_start().len());
    let fits = |&end: &usize| {
        let (head, rest) = line.split_at(end);
        let widest = words(rest).map(UnicodeWidthStr::width).max().unwrap_or(0);
        head.width() <= width / 2 && head.width() + widest <= width
    };
    ends.filter(fits).max().unwrap_or(indent)
}

/// Pieces in lines of at most so many characters, a space between two of them.
pub fn filled<'a>(pieces: impl IntoIterator<Item = &'a str>, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces {
        let line = lines.last_mut().expect("there is a first line");
        match line.as_str() {
            "" => line.push_str(piece),
            full if full.width() + 1 + piece.width() > width => lines.push(piece.to_string()),
            _ => line.extend([" ", piece]),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: u16) -> String {
        let mut out = Vec::new();
        write_lines(&mut out, text, Some(width)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_that_fits_stays_as_it_is() {
        assert_eq!(lines("  a  b\n\n  c\n", 8), "  a  b\n\n  c\n");
    }

    #[test]
    fn a_line_that_is_broken_goes_on_below_its_last_column() {
        assert_eq!(lines("name  some words\n", 12), "name  some\n      words\n");
        assert_eq!(lines("  some more words\n", 12), "  some\n    more\n    words\n");
    }

    #[test]
    fn a_long_path_has_a_line_of_its_own_and_a_command_is_not_broken() {
        assert_eq!(lines("  tool  1.0  /a/long/path\n", 18), "  tool  1.0\n    /a/long/path\n");
        assert_eq!(lines("go on with `memreel run x`\n", 18), "go on with\n  `memreel run x`\n");
    }

    #[test]
    fn what_is_no_terminal_takes_lines_of_any_length() {
        let mut out = Vec::new();
        write_lines(&mut out, "some words\n", None).unwrap();
        assert_eq!(out, b"some words\n");
    }
}
