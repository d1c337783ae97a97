//! What a plot consists of, in units of half a pixel: 3200 × 1800 of them make 1600 × 900 pixels.

use std::sync::Once;

use memreel_trace::visible;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, RGBAColor, TextStyle, register_font};
use plotters_backend::BackendTextStyle;

/// Units across.
pub const WIDTH: i32 = 3200;
/// Units down.
pub const HEIGHT: i32 = 1800;
/// Units a pixel, in each direction.
pub const UNITS_A_PIXEL: i32 = 2;

/// A place in units from the upper left corner.
pub type Place = (i32, i32);

/// A part of a plot; later ones cover earlier ones.
#[derive(Debug, Clone)]
pub enum SceneShape {
    /// A line through places, with round corners.
    Line {
        /// At least one.
        places: Vec<Place>,
        /// How wide it is.
        width: u32,
        /// Its colour.
        colour: RGBAColor,
    },
    /// What lies between two lines: (across, top, bottom) from left to right.
    Band {
        /// Sorted; at least one.
        columns: Vec<(i32, i32, i32)>,
        /// Its colour.
        colour: RGBAColor,
    },
    /// A filled convex outline.
    Area {
        /// The corners.
        corners: Vec<Place>,
        /// Its colour.
        colour: RGBAColor,
    },
    /// Words on one line.
    Words {
        /// The middle of their height, at their `side`.
        at: Place,
        /// What they say.
        text: String,
        /// How they look.
        font: Font,
        /// Which side of the words `at` is.
        side: LabelSide,
    },
}

/// Which side of words a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelSide {
    /// The words begin there.
    Left,
    /// The words stand around it.
    Middle,
    /// The words end there.
    Right,
}

/// How words look.
#[derive(Debug, Clone, Copy)]
pub struct Font {
    /// Height of a line in units.
    pub size: i32,
    /// Whether they are bold.
    pub bold: bool,
    /// Their colour.
    pub colour: RGBAColor,
}

impl Font {
    /// Not bold.
    pub const fn plain(size: i32, colour: RGBAColor) -> Font {
        Font { size, bold: false, colour }
    }

    /// The height of a line, with the room to the next.
    pub const fn line(self) -> i32 {
        self.size * 11 / 10
    }

    /// How far these words reach, in units, in the embedded font. Most fonts that a viewer of an SVG
    /// may put in its place are narrower.
    pub fn width_of(self, text: &str) -> i32 {
        let layout = self.painted_style().layout_box(text);
        layout.map_or(0, |((left, _), (right, _))| right - left)
    }

    /// As the drawing library has it for an SVG.
    pub fn style(self, side: LabelSide) -> TextStyle<'static> {
        self.sized(f64::from(self.size), side)
    }

    /// As the drawing library has it for a bitmap, as large as in the SVG: in one a size is 1.24
    /// times the font's em, in the other 1.164 times (its ascent and descent).
    pub fn painted_style(self) -> TextStyle<'static> {
        self.sized(self.painted_size(), LabelSide::Left)
    }

    /// The size of [`Font::painted_style`].
    pub fn painted_size(self) -> f64 {
        f64::from(self.size) * 1.164 / 1.24
    }

    fn sized(self, size: f64, side: LabelSide) -> TextStyle<'static> {
        register_fonts();
        let style = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        let across = match side {
            LabelSide::Left => HPos::Left,
            LabelSide::Middle => HPos::Center,
            LabelSide::Right => HPos::Right,
        };
        let font = FontDesc::new(FontFamily::SansSerif, size, style);
        font.color(&self.colour).pos(Pos::new(across, VPos::Center))
    }

    /// Cuts words into at most `lines` lines of this width; what does not fit ends in an ellipsis. A word
    /// that is wider than a line is cut as well.
    pub fn wrap(self, text: &str, width: i32, lines: usize) -> Vec<String> {
        let mut wrapped: Vec<String> = Vec::new();
        for word in text.split_whitespace().flat_map(|word| self.pieces(word, width)) {
            match wrapped.last_mut() {
                Some(line) if word == "·" || self.width_of(&format!("{line} {word}")) <= width => {
                    line.push(' ');
                    line.push_str(&word);
                }
                _ => wrapped.push(word),
            }
        }
        if wrapped.len() > lines {
            wrapped[lines - 1] = wrapped[lines - 1..].join(" ");
            wrapped.truncate(lines);
        }
        wrapped.into_iter().map(|line| self.shortened(line, width)).collect()
    }

    /// A word in pieces that are no wider than this.
    fn pieces(self, word: &str, width: i32) -> Vec<String> {
        if self.width_of(word) <= width {
            return vec![word.to_string()];
        }
        let mut pieces = vec![String::new()];
        for character in word.chars() {
            let last = pieces.len() - 1;
            pieces[last].push(character);
            if self.width_of(&pieces[last]) > width && pieces[last].chars().count() > 1 {
                pieces[last].pop();
                pieces.push(character.to_string());
            }
        }
        pieces
    }

    fn shortened(self, line: String, width: i32) -> String {
        // A separator may hang over the edge.
        if self.width_of(line.trim_end_matches(" ·")) <= width {
            return line;
        }
        let mut kept: String = line;
        while !kept.is_empty() && self.width_of(&format!("{kept}…")) > width {
            kept.pop();
        }
        format!("{}…", kept.trim_end())
    }
}

/// The fonts are part of the program: a plot looks the same on a machine that has none.
fn register_fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let fonts = [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())];
        for (style, font) in fonts {
            assert!(register_font("sans-serif", style, font).is_ok(), "the embedded font is whole");
        }
    });
}

/// A plot, laid out.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// From back to front.
    pub shapes: Vec<SceneShape>,
}

impl Scene {
    /// Adds a line.
    pub fn line(&mut self, places: Vec<Place>, width: u32, colour: RGBAColor) {
        self.shapes.push(SceneShape::Line { places, width, colour });
    }

    /// Adds an area.
    pub fn area(&mut self, corners: Vec<Place>, colour: RGBAColor) {
        self.shapes.push(SceneShape::Area { corners, colour });
    }

    /// Adds a rectangle between two opposite corners.
    pub fn rectangle(&mut self, (left, top): Place, (right, bottom): Place, colour: RGBAColor) {
        self.area(vec![(left, top), (right, top), (right, bottom), (left, bottom)], colour);
    }

    /// Adds words on one line.
    pub fn words(&mut self, at: Place, text: impl Into<String>, font: Font, side: LabelSide) {
        self.shapes.push(SceneShape::Words { at, text: visible(&text.into()).into_owned(), font, side });
    }

    /// Adds words that begin at a place, on several lines downwards; says where the next would be.
    pub fn lines_of_words(&mut self, (x, mut y): Place, lines: &[String], font: Font) -> i32 {
        for line in lines {
            self.words((x, y), line.as_str(), font, LabelSide::Left);
            y += font.line();
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_wider_than_a_line_is_cut_and_none_of_it_is_lost() {
        let font = Font::plain(40, RGBAColor(0, 0, 0, 1.0));
        let name = "2026-11-22T23-49-29Z/jobs/ffmpeg-parallel-r1";
        let lines = font.wrap(name, 500, 3);
        assert!(lines.len() > 1 && lines.iter().all(|line| font.width_of(line) <= 500), "{lines:?}");
        assert_eq!(lines.concat(), name);
        assert!(font.wrap(name, 500, 1)[0].ends_with('…'));
        assert_eq!(font.wrap("one two", 1, 9).len(), 6);
    }
}
