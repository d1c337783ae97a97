//! Text of others – what an engine wrote, what a process is called – where a terminal or a spreadsheet would obey it.

use std::borrow::Cow;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// A spreadsheet takes a cell that begins so for a formula.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// What spreadsheets take for "this is text", and do not show.
const TEXT: char = '\'';

/// The picture of a control character, `␛`; any other character is itself. Unicode has pictures of the first 32 and of
/// `DEL`.
pub fn picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '\u{2421}',
        0x80..=0x9f => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// Text without control characters: their pictures stand for them.
pub fn visible(text: &str) -> Cow<'_, str> {
    match text.contains(|c: char| c.is_control()) {
        true => text.chars().map(picture).collect::<String>().into(),
        false => text.into(),
    }
}

/// Text as a cell of a CSV file: what a spreadsheet would take for a formula is marked as text by an apostrophe.
pub fn cell(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    if text.starts_with(FORMULA) { format!("{TEXT}{text}").into() } else { text }
}

/// The text of a [`cell`], control characters excepted.
fn of_cell(cell: &str) -> &str {
    cell.strip_prefix(TEXT).filter(|text| text.starts_with(FORMULA)).unwrap_or(cell)
}

/// Of a field that is text of others.
pub(crate) fn serialize<S: Serializer>(text: &impl AsRef<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&cell(text.as_ref()))
}

/// What [`serialize`] wrote.
pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    of_cell(&text).parse().map_err(|_| D::Error::custom("the text is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_its_text_comes_back() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("\u{1b}[2J\n"), "␛[2J␊");
        for text in ["=1+1", "-bash", "@x", "'", "'a", "plain", ""] {
            assert_eq!(of_cell(&cell(text)), text);
        }
    }
}
