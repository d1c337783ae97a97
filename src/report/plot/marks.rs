//! Labelled moments: vertical lines over the field, and their words above it.

use crate::report::plot::frame::{NOTE, PlotArea};
use crate::report::plot::palette::{Ink, PAPER};
use crate::report::plot::scene::{Font, LabelSide, Scene};

/// Rows of words above the field, at most.
const MOST_ROWS: i32 = 4;
/// The widest that the words of one may be.
const WIDEST: i32 = 520;
/// Between two words on a row.
const BETWEEN: i32 = 36;
/// More lines than this a recording would hide what they stand in front of.
const MOST: usize = 200;

/// A moment.
pub struct Mark {
    /// Where it lies.
    pub x: i32,
    /// What is written above it.
    pub label: String,
    /// Of which recording it is.
    pub ink: Ink,
}

/// Moments, and where the words of each stand; `None` where there is no room for them.
pub struct PlotMarks {
    placed: Vec<(Mark, Option<Words>)>,
    rows: i32,
    left_out: usize,
}

/// Words on one of the rows, from the lowest up.
struct Words {
    row: i32,
    left: i32,
    text: String,
}

impl PlotMarks {
    /// Finds room for the words of each moment, the earliest first, each beginning at its line.
    pub fn place(mut marks: Vec<Mark>, (left, right): (i32, i32)) -> PlotMarks {
        marks.retain(|mark| (left..=right).contains(&mark.x));
        marks.sort_by_key(|mark| mark.x);
        let left_out = marks.len().saturating_sub(MOST);
        marks.truncate(MOST);
        let mut ends = [i32::MIN; MOST_ROWS as usize];
        let placed: Vec<_> = marks
            .into_iter()
            .map(|mark| {
                let words = find_room(&mark, &mut ends, right);
                (mark, words)
            })
            .collect();
        let rows = placed.iter().filter_map(|(_, words)| words.as_ref()).map(|words| words.row + 1).max();
        PlotMarks { rows: rows.unwrap_or(0), placed, left_out }
    }

    /// How much room the words take above the field.
    pub fn room(&self) -> i32 {
        if self.rows == 0 { 0 } else { self.rows * NOTE.line() + 10 }
    }

    /// What is not shown of them.
    pub fn note(&self) -> Option<String> {
        let bare = self.placed.iter().filter(|(_, words)| words.is_none()).count();
        let bare = (bare > 0).then(|| format!("marks without room for their labels: {bare}"));
        let left_out = (self.left_out > 0).then(|| format!("marks not drawn: {}", self.left_out));
        let notes: Vec<_> = bare.into_iter().chain(left_out).collect();
        (!notes.is_empty()).then(|| notes.join(", "))
    }

    /// Draws the lines and writes the words.
    pub fn draw(&self, scene: &mut Scene, field: PlotArea) {
        for (mark, words) in &self.placed {
            let top = words.as_ref().map_or(field.top, |words| middle(field, words.row));
            scene.line(vec![(mark.x, top), (mark.x, field.bottom)], 3, mark.ink.see_through(0.75));
        }
        for (mark, words) in &self.placed {
            let Some(words) = words else { continue };
            let (y, font) = (middle(field, words.row), font(mark.ink));
            let width = font.width_of(&words.text);
            let half = font.line() / 2;
            scene.rectangle((words.left - 6, y - half), (words.left + width + 6, y + half), PAPER);
            scene.words((words.left, y), words.text.as_str(), font, LabelSide::Left);
        }
    }
}

fn font(ink: Ink) -> Font {
    Font { colour: ink.colour, ..NOTE }
}

fn middle(field: PlotArea, row: i32) -> i32 {
    field.top - 10 - row * NOTE.line() - NOTE.line() / 2
}

/// The lowest row with room right of the line, or left of it where the field ends.
fn find_room(mark: &Mark, ends: &mut [i32], right: i32) -> Option<Words> {
    let font = font(mark.ink);
    let text = font.wrap(&mark.label, WIDEST, 1).into_iter().next()?;
    let width = font.width_of(&text);
    let left = (mark.x + 8).min(right - width);
    let row = ends.iter().position(|&end| end.saturating_add(BETWEEN) <= left)?;
    ends[row] = left + width;
    Some(Words { row: row as i32, left, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(places: &[i32]) -> PlotMarks {
        let mark = |&x: &i32| Mark { x, label: format!("mark {x}"), ink: Ink::of(0) };
        PlotMarks::place(places.iter().map(mark).collect(), (0, 2000))
    }

    #[test]
    fn words_that_do_not_fit_on_a_row_stand_on_the_next_or_are_said_to_be_missing() {
        let rows = |marks: &PlotMarks| -> Vec<Option<i32>> {
            marks.placed.iter().map(|(_, words)| words.as_ref().map(|words| words.row)).collect()
        };
        assert_eq!(rows(&marks(&[100, 600, 1100])), [Some(0); 3]);
        let close = marks(&[100, 102, 104, 106, 108]);
        assert_eq!(rows(&close), [Some(0), Some(1), Some(2), Some(3), None]);
        assert_eq!(close.note().as_deref(), Some("marks without room for their labels: 1"));
        assert_eq!((marks(&[]).room(), marks(&[5]).note()), (0, None));
    }

    #[test]
    fn words_at_the_end_of_the_field_stay_inside() {
        let placed = marks(&[1995]);
        let words = placed.placed[0].1.as_ref().unwrap();
        assert!(words.left + font(Ink::of(0)).width_of(&words.text) <= 2000);
    }
}
