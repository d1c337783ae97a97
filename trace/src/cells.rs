//! The cells of a line of CSV, as any program may have written it.

use std::borrow::Cow;

/// What may stand between two cells. Where a header has several equally often, the first.
const SEPARATORS: [u8; 3] = *b"\t;,";

/// The names of a table's columns, and what stands between the cells of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The names without quotes and the space around them, in the order of the file.
    pub names: Vec<String>,
    /// A comma, a semicolon or a tab: what the header has most of.
    pub separator: u8,
}

impl Header {
    /// The columns that a file's first line names.
    pub fn of(line: &[u8]) -> Header {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let separator = separator(line);
        let name = |cell: Cow<[u8]>| String::from_utf8_lossy(&cell).trim().to_string();
        Header { names: cells(line, separator).map(name).collect(), separator }
    }
}

fn separator(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut found = [0_usize; SEPARATORS.len()];
    for byte in line {
        quoted ^= *byte == b'"';
        if !quoted && let Some(index) = SEPARATORS.iter().position(|separator| separator == byte) {
            found[index] += 1;
        }
    }
    let most = found.into_iter().max().unwrap_or_default();
    let of_most = SEPARATORS.into_iter().zip(found).find(|(_, found)| *found == most && most > 0);
    of_most.map_or(b',', |(separator, _)| separator)
}

/// The cells of a line, without quotes and without the white space around them. A quoted cell ends with the
/// line at the latest.
pub fn cells(line: &[u8], separator: u8) -> Cells<'_> {
    Cells { rest: Some(line), separator }
}

/// See [`cells`].
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    /// `None` behind the last cell.
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        let rest = self.rest?;
        if rest.trim_ascii_start().first() == Some(&b'"') {
            return Some(Cow::Owned(self.quoted(&rest.trim_ascii_start()[1..])));
        }
        Some(Cow::Borrowed(self.up_to_separator(rest).trim_ascii()))
    }
}

impl<'a> Cells<'a> {
    fn up_to_separator(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(self.separator, rest);
        self.rest = end.map(|end| &rest[end + 1..]);
        &rest[..end.unwrap_or(rest.len())]
    }

    /// The cell whose opening quote was taken off: two quotes in it are one.
    fn quoted(&mut self, mut rest: &'a [u8]) -> Vec<u8> {
        let mut cell = Vec::new();
        while let Some(end) = memchr::memchr(b'"', rest) {
            cell.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            if rest.first() != Some(&b'"') {
                cell.extend_from_slice(self.up_to_separator(rest).trim_ascii());
                return cell;
            }
            cell.push(b'"');
            rest = &rest[1..];
        }
        self.rest = None;
        cell.extend_from_slice(rest);
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str, separator: u8) -> Vec<String> {
        let text = |cell: Cow<[u8]>| String::from_utf8(cell.into_owned()).unwrap();
        cells(line.as_bytes(), separator).map(text).collect()
    }

    #[test]
    fn a_separator_within_quotes_is_part_of_the_cell() {
        assert_eq!(split("a, \"b, \"\"c\"\"\" ,,d e ", b','), ["a", "b, \"c\"", "", "d e"]);
        assert_eq!(split("\"\";1.5", b';'), ["", "1.5"]);
        assert_eq!(split("1,", b','), ["1", ""]);
        assert_eq!(split("", b','), [""]);
    }

    #[test]
    fn a_quote_that_is_not_closed_ends_with_the_line() {
        assert_eq!(split("1,\"2,3", b','), ["1", "2,3"]);
        assert_eq!(split("\"", b','), [""]);
    }

    #[test]
    fn a_header_tells_what_stands_between_its_cells() {
        for (line, separator, names) in [
            ("time,rss", b',', vec!["time", "rss"]),
            ("\"time, s\";\"rss, all, now\"", b';', vec!["time, s", "rss, all, now"]),
            ("time\trss (MB), resident\tn", b'\t', vec!["time", "rss (MB), resident", "n"]),
            ("\u{feff}time,rss", b',', vec!["time", "rss"]),
            ("time", b',', vec!["time"]),
        ] {
            let names = names.into_iter().map(str::to_string).collect();
            assert_eq!(Header::of(line.as_bytes()), Header { names, separator }, "{line}");
        }
    }
}
