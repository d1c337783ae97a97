//! Text that comes in any pieces, heard line by line.

use std::borrow::Cow;

/// A longer line is heard in pieces of this many bytes.
pub const LONGEST_LINE: usize = 8192;

/// The beginning of a line whose end has not come yet. A carriage return ends a line, too, as progress
/// displays have it; empty lines are not heard.
#[derive(Debug, Default)]
pub struct Lines {
    unfinished: Vec<u8>,
}

impl Lines {
    /// Takes a piece, and calls `heard` with each line that ends in it.
    pub fn take(&mut self, text: &[u8], mut heard: impl FnMut(&str)) {
        for &byte in text {
            let ends = byte == b'\n' || byte == b'\r';
            if !ends {
                self.unfinished.push(byte);
            }
            if ends || self.unfinished.len() >= LONGEST_LINE {
                self.end(&mut heard);
            }
        }
    }

    /// Takes a piece, and calls `heard` with the lines that end in it, the last first, until it says that this was one
    /// that counts. Of what comes at once, however much, the last is all that matters to who looks now and then.
    pub fn take_last(&mut self, text: &[u8], mut heard: impl FnMut(&str) -> bool) {
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let Some(end) = text.iter().rposition(ends) else { return self.go_on(text, &mut heard) };
        let (lines, rest) = (&text[..end], &text[end + 1..]);
        let first = lines.iter().position(ends).unwrap_or(lines.len());
        let (first, others) = lines.split_at(first);
        let found = others.rsplit(ends).filter(|line| !line.is_empty()).any(|line| heard(&as_text(line)));
        if found {
            self.unfinished.clear();
        } else {
            self.go_on(first, &mut heard);
            self.end(|line| _ = heard(line));
        }
        self.go_on(rest, &mut heard);
    }

    /// More of a line that has not ended.
    fn go_on(&mut self, text: &[u8], heard: &mut impl FnMut(&str) -> bool) {
        for piece in text.chunks(LONGEST_LINE) {
            self.unfinished.extend(piece);
            if self.unfinished.len() >= LONGEST_LINE {
                self.end(|line| _ = heard(line));
            }
        }
    }

    /// Calls `heard` with what was not ended.
    pub fn end(&mut self, mut heard: impl FnMut(&str)) {
        if !self.unfinished.is_empty() {
            heard(&as_text(&self.unfinished));
            self.unfinished.clear();
        }
    }
}

fn as_text(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_heard_however_they_are_cut_and_ended() {
        let (mut heard, mut lines) = (Vec::new(), Lines::default());
        for piece in ["fra", "me 1\rframe 2\r", "\ndo", "ne"] {
            lines.take(piece.as_bytes(), |line| heard.push(line.to_string()));
        }
        lines.end(|line| heard.push(line.to_string()));
        assert_eq!(heard, ["frame 1", "frame 2", "done"]);
    }

    #[test]
    fn of_a_piece_the_last_line_that_counts_is_heard_however_it_is_cut() {
        let text = "frame 1\nnothing\rframe 2\nframe 3\nnothing\nfra";
        for size in 1..text.len() {
            let (mut last, mut lines) = (String::new(), Lines::default());
            let mut counts = |line: &str| {
                let counts = line.starts_with("frame");
                last = if counts { line.to_string() } else { last.clone() };
                counts
            };
            text.as_bytes().chunks(size).for_each(|piece| lines.take_last(piece, &mut counts));
            assert_eq!(last, "frame 3", "in pieces of {size}");
        }
    }

    #[test]
    fn an_endless_line_does_not_eat_memory() {
        let (mut longest, mut lines) = (0, Lines::default());
        lines.take(&vec![b'x'; 3 * LONGEST_LINE], |line| longest = longest.max(line.len()));
        lines.end(|line| longest = longest.max(line.len()));
        assert_eq!(longest, LONGEST_LINE);
        lines.take_last(&vec![b'x'; 3 * LONGEST_LINE], |_| false);
        assert!(lines.unfinished.len() <= LONGEST_LINE);
    }
}
