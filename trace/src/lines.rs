//! A text's lines, read one after the other and never all at once.

use std::io::{self, BufRead, Read};

use memreel_bounds as bounds;

/// The lines of a text that were written to their end.
///
/// A last line without a line feed was cut short by a kill, and is left out: half a number is another
/// number.
pub struct WholeLines<R> {
    text: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> WholeLines<R> {
    /// From where the text stands now.
    pub fn of(text: R) -> WholeLines<R> {
        WholeLines { text, line: Vec::new(), number: 0 }
    }

    /// The next line without its end; `None` after the last whole one.
    ///
    /// # Errors
    /// When the text cannot be read, or the line is too long.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        bounds::read_line(&mut self.text, bounds::TABLE_LINE_BYTES, &mut self.line)?;
        let Some(line) = self.line.strip_suffix(b"\n") else { return Ok(None) };
        self.number += 1;
        bounds::count_line(self.number, bounds::TABLE_LINES)?;
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// The same lines as one text, for who splits it himself.
pub struct WholeText<R> {
    text: R,
    line: Vec<u8>,
    given: usize,
    number: u64,
    /// Bytes since quotes were opened that are not closed yet.
    quoted: u64,
}

impl<R: BufRead> WholeText<R> {
    /// From where the text stands now.
    pub fn of(text: R) -> WholeText<R> {
        WholeText { text, line: Vec::new(), given: 0, number: 0, quoted: 0 }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.given = 0;
        self.line.clear();
        bounds::read_line(&mut self.text, bounds::TABLE_LINE_BYTES, &mut self.line)?;
        if !self.line.ends_with(b"\n") {
            self.line.clear();
        }
        self.number += 1;
        bounds::count_line(self.number, bounds::KEPT_TABLE_LINES)?;
        self.count_quoted()
    }

    /// A cell in quotes may go on over lines, and is no longer than a line may be.
    fn count_quoted(&mut self) -> io::Result<()> {
        let is_quote = |byte: &&u8| **byte == b'"';
        let changes = self.line.iter().filter(is_quote).count() % 2 == 1;
        let is_open = (self.quoted > 0) != changes;
        self.quoted = if is_open { self.quoted + self.line.len() as u64 } else { 0 };
        bounds::check_line(self.quoted, bounds::TABLE_LINE_BYTES)
    }
}

impl<R: BufRead> Read for WholeText<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() {
            self.refill()?;
        }
        let mut rest = &self.line[self.given..];
        let copied = rest.read(room)?;
        self.given += copied;
        Ok(copied)
    }
}

/// What a reader makes of a text, or what is wrong with that, for the tests of readers.
#[cfg(test)]
pub fn series_of<'t>(
    text: &'t str,
    kept: &[crate::Memory],
    read: impl FnOnce(&mut WholeLines<&'t [u8]>, &mut crate::Series) -> Result<(), crate::fault::FileFault>,
) -> Result<crate::Series, String> {
    let mut series = crate::Series::keeping(kept);
    let read = read(&mut WholeLines::of(text.as_bytes()), &mut series);
    read.map(|()| series).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_elsewhere_ends_with_a_whole_line_too() {
        let mut read = String::new();
        WholeText::of("a,1\nlonger than the room,2\nb,".as_bytes()).read_to_string(&mut read).unwrap();
        assert_eq!(read, "a,1\nlonger than the room,2\n");
    }

    #[test]
    fn a_last_line_without_its_end_is_not_there() {
        let mut lines = WholeLines::of("one\r\n\nthr".as_bytes());
        assert_eq!(lines.next_line().unwrap(), Some(b"one".as_slice()));
        assert_eq!(lines.next_line().unwrap(), Some(b"".as_slice()));
        assert_eq!(lines.next_line().unwrap(), None);
        assert_eq!(lines.number(), 2);
    }
}
