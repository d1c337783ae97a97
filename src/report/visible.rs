//! Text of others – what an engine wrote, what a file, a project or a process is called – on its way to a terminal or the
//! log of a workflow: nothing in it is taken for a command.

use std::io::{self, Write};

use super::table::STYLES;
use memreel_trace::picture;

/// Characters that nobody sees and that change the order or the lines in which others are seen.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How much of the end of a text may be the beginning of a style of tables. Text of others that has one is harmless.
fn begun(text: &[u8]) -> usize {
    let ends_in =
        |bold: &&str| (1..bold.len()).rev().find(|&begun| text.ends_with(&bold.as_bytes()[..begun]));
    STYLES.iter().filter_map(ends_in).max().unwrap_or(0)
}

/// Who reads what is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reader {
    /// A person reads it as it is written, at a terminal or in a log.
    pub is_person: bool,
    /// The log is one of GitHub's: there a line that begins with `::`, and `##[` in any line, are commands.
    pub obeys_lines: bool,
}

/// A writer that passes text on so that its reader sees it and obeys nothing in it. Lines and tabs stay.
#[derive(Debug)]
pub struct Visible<W> {
    out: W,
    reader: Reader,
    /// The beginning of a character, or of a style, whose end has not come yet.
    unfinished: Vec<u8>,
    line: Line,
}

/// How far a line has come towards a command of GitHub's.
#[derive(Debug, Default)]
struct Line {
    /// More has come than spaces and a colon.
    has_begun: bool,
    /// A colon has just come, and only spaces before.
    colon: bool,
    hashes: usize,
}

impl<W: Write> Visible<W> {
    /// Passes on to this writer.
    pub fn new(out: W, reader: Reader) -> Visible<W> {
        Visible { out, reader, unfinished: Vec::new(), line: Line::default() }
    }

    fn text(&mut self, text: &str) -> String {
        let mut passed = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            if self.reader.obeys_lines && self.line.makes_a_command(c) {
                passed.push(' ');
            }
            match c {
                '\n' | '\t' => passed.push(c),
                '\u{1b}' if STYLES.iter().any(|style| text[at..].starts_with(style)) => passed.push(c),
                c if self.reader.is_person && reorders(c) => passed.push(char::REPLACEMENT_CHARACTER),
                c => passed.push(picture(c)),
            }
        }
        passed
    }
}

impl Line {
    /// Whether this character makes a command of what has come so far; takes note of it.
    fn makes_a_command(&mut self, c: char) -> bool {
        if c == '\n' {
            *self = Line::default();
            return false;
        }
        let is_one = (c == ':' && self.colon) || (c == '[' && self.hashes >= 2);
        let is_first_colon = c == ':' && !self.has_begun && !self.colon;
        self.has_begun |= self.colon || !(c.is_whitespace() || is_first_colon);
        self.colon = is_first_colon;
        self.hashes = if c == '#' { self.hashes + 1 } else { 0 };
        is_one
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut bytes = std::mem::take(&mut self.unfinished);
        bytes.extend(buffer);
        let end = match std::str::from_utf8(&bytes) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => bytes.len() - begun(&bytes),
        };
        self.unfinished = bytes.split_off(end);
        let passed = self.text(&String::from_utf8_lossy(&bytes));
        self.out.write_all(passed.as_bytes())?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pieces: &[&[u8]], reader: Reader) -> String {
        let mut out = Visible::new(Vec::new(), reader);
        pieces.iter().for_each(|piece| out.write_all(piece).unwrap());
        String::from_utf8(out.out).unwrap()
    }

    const PERSON: Reader = Reader { is_person: true, obeys_lines: false };
    const GITHUB: Reader = Reader { is_person: true, obeys_lines: true };

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let text = "a\u{1b}]0;title\u{7}\r\tb\u{9b}31m\n";
        assert_eq!(seen(&[text.as_bytes()], PERSON), "a␛]0;title␇␍\tb\u{fffd}31m\n");
        assert_eq!(seen(&["\u{202e}".as_bytes()], PERSON), "\u{fffd}");
        assert_eq!(seen(&["\u{202e}".as_bytes()], Reader::default()), "\u{202e}");
    }

    #[test]
    fn tables_keep_their_styles_and_nothing_else_is_set() {
        let text = "\u{1b}[1mpeak\u{1b}[0m \u{1b}[32mgreen \u{1b}[2J";
        assert_eq!(seen(&[text.as_bytes()], PERSON), "\u{1b}[1mpeak\u{1b}[0m ␛[32mgreen ␛[2J");
        assert_eq!(seen(&[b"\x1b", b"[1", b"mpeak\x1b[", b"2J"], PERSON), "\u{1b}[1mpeak␛[2J");
    }

    #[test]
    fn characters_may_come_in_pieces_and_what_is_none_is_shown_as_such() {
        let (first, second) = "é".as_bytes().split_at(1);
        assert_eq!(seen(&[first, second, b"\xff!"], PERSON), "é\u{fffd}!");
    }

    #[test]
    fn no_line_is_a_command_of_a_workflow() {
        let lines = "::add-mask::x\n  ::error::y\na ::b:: c\n##[group]z\n: :\n# [x] ##";
        let passed = ": :add-mask::x\n  : :error::y\na ::b:: c\n## [group]z\n: :\n# [x] ##";
        assert_eq!(seen(&[lines.as_bytes()], GITHUB), passed);
        assert_eq!(seen(&[b":", b":x\n:", b":y"], GITHUB), ": :x\n: :y");
        assert_eq!(seen(&[lines.as_bytes()], PERSON), lines);
    }
}
