//! What surrounds the data of every plot: title, where it comes from, grid, axes, notes.

use crate::report::Report;
use crate::report::plot::axis::{AxisScale, Ticks};
use crate::report::plot::palette::{GREY, INK, PALE};
use crate::report::plot::scene::{Font, HEIGHT, LabelSide, Scene, WIDTH};
use plotters::style::RGBAColor;

/// Free room around everything.
pub const MARGIN: i32 = 60;

/// The title's font.
const TITLE: Font = Font { size: 56, bold: true, colour: INK };
/// The font of everything that is to be read at a distance.
pub const LABEL: Font = Font::plain(40, INK);
/// The font of what is read once.
pub const NOTE: Font = Font::plain(34, GREY);

/// The rectangle that data is drawn in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlotArea {
    /// Left edge.
    pub left: i32,
    /// Right edge.
    pub right: i32,
    /// Upper edge.
    pub top: i32,
    /// Lower edge.
    pub bottom: i32,
}

/// Writes the question and where the numbers come from; says how far down that reaches.
pub fn write_header(scene: &mut Scene, title: &str, provenance: &str) -> i32 {
    let width = WIDTH - 2 * MARGIN;
    let title = TITLE.wrap(title, width, 2);
    let below = scene.lines_of_words((MARGIN, MARGIN + TITLE.size / 2), &title, TITLE);
    let from = NOTE.wrap(provenance, width, 2);
    scene.lines_of_words((MARGIN, below + 2), &from, NOTE) - NOTE.size / 2
}

/// Writes notes at the lower edge; says how much room they take.
pub fn write_notes(scene: &mut Scene, notes: &[String]) -> i32 {
    let lines = NOTE.wrap(&notes.join(" · "), WIDTH - 2 * MARGIN, 3);
    let room = lines.len() as i32 * NOTE.line();
    scene.lines_of_words((MARGIN, HEIGHT - MARGIN / 2 - room + NOTE.line() / 2), &lines, NOTE);
    room + MARGIN / 2
}

/// An axis at the left edge.
pub struct UpwardAxis<'a> {
    /// Where values lie.
    pub scale: AxisScale,
    /// The values that are written.
    pub ticks: Ticks,
    /// What they are.
    pub title: &'a str,
    /// How far above the field that is written.
    pub above: i32,
}

/// Draws the horizontal lines of the grid and their labels, and says what they are of.
pub fn draw_upward_axis(scene: &mut Scene, field: PlotArea, axis: &UpwardAxis<'_>) {
    for (value, label) in axis.ticks.labelled() {
        let y = axis.scale.place(value);
        let (width, colour) = if value == 0.0 { (4, INK) } else { (2, PALE) };
        scene.line(vec![(field.left, y), (field.right, y)], width, colour);
        scene.words((field.left - 20, y), label, LABEL, LabelSide::Right);
    }
    let bold = Font { bold: true, ..LABEL };
    scene.words((MARGIN, field.top - axis.above), axis.title, bold, LabelSide::Left);
}

/// Writes the labels of an axis at the right edge, whose grid is not drawn, and says what they are of.
pub fn draw_right_axis(scene: &mut Scene, field: PlotArea, axis: &UpwardAxis<'_>, colour: RGBAColor) {
    let (label, bold) = (Font { colour, ..LABEL }, Font { colour, bold: true, ..LABEL });
    for (value, words) in axis.ticks.labelled() {
        let y = axis.scale.place(value);
        scene.line(vec![(field.right, y), (field.right + 12, y)], 3, colour);
        scene.words((field.right + 24, y), words, label, LabelSide::Left);
    }
    scene.words((field.right + 24, field.top - axis.above), axis.title, bold, LabelSide::Left);
}

/// Draws the vertical lines of the grid, and their labels so far below the field.
pub fn draw_sideward_axis(
    scene: &mut Scene,
    field: PlotArea,
    (scale, ticks): (AxisScale, Ticks),
    below: i32,
    title: &str,
) {
    for (value, label) in ticks.labelled() {
        let x = scale.place(value);
        let (width, colour) = if value == 0.0 { (4, INK) } else { (2, PALE) };
        scene.line(vec![(x, field.top), (x, field.bottom)], width, colour);
        scene.words((x, field.bottom + below), label, LABEL, LabelSide::Middle);
    }
    let bold = Font { bold: true, ..LABEL };
    let middle = (field.left + field.right) / 2;
    scene.words((middle, field.bottom + below + LABEL.line() + 8), title, bold, LabelSide::Middle);
}

/// The note that names the variants without a result, and why they have none.
pub fn not_run(report: &Report) -> Option<String> {
    let variants = report.variants();
    let missing: Vec<String> = variants
        .iter()
        .filter(|variant| variant.summary.ran == 0)
        .map(|variant| format!("{} ({})", variant.name, variant.jobs[0].why_not_run().unwrap_or_default()))
        .collect();
    match missing.len() {
        0 => None,
        1..=3 => Some(format!("without a result: {}", missing.join("; "))),
        more => {
            let first = missing[..2].join("; ");
            Some(format!("without a result: {first}; and {} more, see summary.csv", more - 2))
        }
    }
}
