//! Text that comes in any pieces, heard line by line.

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

    /// Calls `heard` with what was not ended.
    pub fn end(&mut self, mut heard: impl FnMut(&str)) {
        if !self.unfinished.is_empty() {
            heard(&String::from_utf8_lossy(&self.unfinished));
            self.unfinished.clear();
        }
    }
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
    fn an_endless_line_does_not_eat_memory() {
        let (mut longest, mut lines) = (0, Lines::default());
        lines.take(&vec![b'x'; 3 * LONGEST_LINE], |line| longest = longest.max(line.len()));
        lines.end(|line| longest = longest.max(line.len()));
        assert_eq!(longest, LONGEST_LINE);
    }
}
