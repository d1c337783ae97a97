//! Rows of numbers as text, of which some columns are kept.

use std::io::BufRead;

use crate::Sample;
use crate::fault::FileFault;
use crate::lines::WholeLines;
use crate::units::{Bytes, Count, whole};

/// A column by its name in a file's header, and how its cell enters a sample; `None` when the cell makes
/// no sense.
pub type Known = (&'static str, fn(&mut Sample, &[u8]) -> Option<()>);

/// The columns of a file, those that are not kept among them.
pub struct Table<'a> {
    columns: Vec<Option<&'a Known>>,
    separator: Separator,
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A comma. A cell may be empty.
    Comma,
    /// Any white space. No cell is empty.
    Space,
}

impl<'a> Table<'a> {
    /// The columns of these names, of which those that are known are kept.
    pub fn of<'n>(
        names: impl IntoIterator<Item = &'n [u8]>,
        known: &'a [Known],
        separator: Separator,
    ) -> Table<'a> {
        let find = |name: &[u8]| known.iter().find(|(known, _)| known.as_bytes() == name);
        Table { columns: names.into_iter().map(find).collect(), separator }
    }

    /// Reads the rows that follow.
    ///
    /// # Errors
    /// When the text cannot be read, or a line of it makes no sense.
    pub fn read(
        &self,
        lines: &mut WholeLines<impl BufRead>,
        mut each: impl FnMut(Sample),
    ) -> Result<(), FileFault> {
        loop {
            let number = lines.number() + 1;
            let Some(line) = lines.next_line()? else { return Ok(()) };
            if !line.is_empty() {
                each(self.row(line).map_err(|what| FileFault::Line { number, what })?);
            }
        }
    }

    fn row(&self, line: &[u8]) -> Result<Sample, String> {
        match self.separator {
            Separator::Comma => self.row_of(line.split(|&byte| byte == b',')),
            Separator::Space => {
                let cells = line.split(u8::is_ascii_whitespace);
                self.row_of(cells.filter(|cell| !cell.is_empty()))
            }
        }
    }

    fn row_of<'c>(&self, cells: impl Iterator<Item = &'c [u8]>) -> Result<Sample, String> {
        let (mut sample, mut found) = (Sample::default(), 0);
        for cell in cells {
            if let Some(Some((name, take))) = self.columns.get(found)
                && !cell.is_empty()
            {
                take(&mut sample, cell).ok_or_else(|| nonsense(name, cell))?;
            }
            found += 1;
        }
        let wanted = self.columns.len();
        if found == wanted { Ok(sample) } else { Err(format!("{found} cells, the header has {wanted}")) }
    }
}

/// What is told of a cell that makes no sense.
pub fn nonsense(name: &str, cell: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(cell).chars().take(20).collect();
    format!("`{shown}` is not a valid value of {name}")
}

/// A number that is neither infinite nor NaN.
pub fn decimal(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// An amount in bytes.
pub fn bytes(cell: &[u8]) -> Option<Bytes> {
    whole(cell).map(Bytes::new)
}

/// How many.
pub fn count(cell: &[u8]) -> Option<Count> {
    whole(cell).map(Count::new)
}

/// An amount in MiB with decimals, to the nearest byte.
pub fn mebibytes(cell: &[u8]) -> Option<Bytes> {
    let mib = decimal(cell).filter(|&mib| mib >= 0.0)?;
    Some(Bytes::new((mib * f64::from(1 << 20)).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_nothing_but_digits() {
        assert_eq!((whole(b"0"), whole(b"18446744073709551615")), (Some(0), Some(u64::MAX)));
        for nonsense in ["", "-1", "+1", "1.0", "1e3", " 1", "18446744073709551616"] {
            assert_eq!(whole(nonsense.as_bytes()), None, "{nonsense}");
        }
    }

    #[test]
    fn infinity_is_no_measurement() {
        for nonsense in ["inf", "NaN", "1e999", "", "1,0"] {
            assert_eq!(decimal(nonsense.as_bytes()), None, "{nonsense}");
        }
        assert_eq!((decimal(b"1e-3"), mebibytes(b"1.5")), (Some(0.001), Some(Bytes::from_kib(1536))));
        assert_eq!(mebibytes(b"-1"), None);
    }
}
