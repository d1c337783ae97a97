//! Lines over a plane, with marks, bands and labels.

use crate::report::plot::axis::AxisScale;
use crate::report::plot::frame::{LABEL, MARGIN, NOTE, PlotArea};
use crate::report::plot::labels::spread_out;
use crate::report::plot::palette::{GREY, INK, Ink, cross};
use crate::report::plot::scene::{Font, HEIGHT, Place, Scene, SceneShape, WIDTH};
use memreel_judge::analysis::{Curve, LevelPoint};
use memreel_judge::stats;

/// Width of the lines.
pub const STROKE: u32 = 6;
/// From the middle of a mark to its rim.
const MARK: i32 = 14;
/// Marks on a line as long as the plot is wide.
const MARKS: usize = 5;
/// Between the field and the labels, and from a label's mark to its words.
pub const GAP: i32 = 70;
/// Size of the labels where they are so many that no larger one finds room.
const CROWDED: i32 = 20;
/// The widest that words beside the lines may be.
const WIDEST_LABEL: i32 = 760;

/// A line, and what is drawn and said of it.
pub struct Line {
    /// What it is of.
    pub name: String,
    /// Its colour and mark.
    pub ink: Ink,
    /// How wide it is.
    pub stroke: u32,
    /// The line, or the median of several.
    pub places: Vec<Place>,
    /// From the lowest to the highest of several.
    pub band: Vec<(i32, i32, i32)>,
    /// Where something died.
    pub deaths: Vec<Place>,
    /// What is written under its name.
    pub remarks: Vec<String>,
}

/// The field and where values lie in it.
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    /// The rectangle.
    pub field: PlotArea,
    /// Where a frame, a MiB written or a second lies.
    pub across: AxisScale,
    /// Where MiB lie.
    pub upward: AxisScale,
}

impl Plane {
    /// Where a point lies.
    pub fn place(&self, point: &LevelPoint) -> Place {
        (self.across.place(point.at), self.upward.place(point.level.mib()))
    }

    /// Where a curve lies.
    pub fn places(&self, curve: &Curve) -> Vec<Place> {
        curve.points.iter().map(|point| self.place(point)).collect()
    }
}

/// The room that labels of these names take beside the field.
pub fn label_width<'a>(names: impl Iterator<Item = &'a str>, with_remarks: bool) -> i32 {
    let widest = names.map(|name| LABEL.width_of(name)).max().unwrap_or(0);
    GAP + widest.clamp(if with_remarks { 500 } else { 260 }, WIDEST_LABEL)
}

impl Line {
    /// The height of the line near its end, before a teardown pulls it down.
    fn end(&self, field: PlotArea) -> Place {
        let (Some(first), Some(last)) = (self.places.first(), self.places.last()) else {
            return (field.left, field.bottom);
        };
        let near_end = last.0 - (last.0 - first.0) / 50;
        (last.0, self.height_at(near_end).unwrap_or(last.1))
    }

    fn height_at(&self, x: i32) -> Option<i32> {
        let within = self.places.first()?.0 <= x && x <= self.places.last()?.0;
        let after = self.places.partition_point(|place| place.0 <= x);
        let (begin, end) = (after.saturating_sub(1), (after + 1).min(self.places.len()));
        let beside: Vec<_> =
            self.places[begin..end].iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect();
        stats::interpolate(&beside, f64::from(x)).filter(|_| within).map(|y| y.round() as i32)
    }
}

/// The median of the repeats as long as half of them live, and their lowest to highest.
pub fn median_and_band(curves: &[&Curve], plane: &Plane) -> (Vec<Place>, Vec<(i32, i32, i32)>) {
    let (mut line, mut band) = (Vec::new(), Vec::new());
    let repeats: Vec<_> = curves.iter().map(|curve| Repeat::of(curve)).collect();
    for x in (plane.field.left..=plane.field.right).step_by(2) {
        let (from, to) = (plane.across.value(x - 1), plane.across.value(x + 1));
        let here: Vec<_> = repeats.iter().filter_map(|repeat| repeat.between(from, to)).collect();
        let middles: Vec<f64> = here.iter().map(|column| column.middle).collect();
        let Some(median) = stats::median(&middles) else { continue };
        if 2 * here.len() >= curves.len() {
            line.push((x, plane.upward.place(median)));
        }
        let lowest = here.iter().map(|column| column.low).fold(f64::INFINITY, f64::min);
        let highest = here.iter().map(|column| column.high).fold(0.0, f64::max);
        // A single repeat that is left has a band of no height, which is to be seen all the same.
        let top = plane.upward.place(highest);
        band.push((x, top, plane.upward.place(lowest).max(top + 3)));
    }
    (line, band)
}

/// A repeat's line in MiB.
struct Repeat {
    knots: Vec<(f64, f64)>,
}

/// What a repeat did within a column of the plot, in MiB.
struct Column {
    low: f64,
    middle: f64,
    high: f64,
}

impl Repeat {
    fn of(curve: &Curve) -> Repeat {
        Repeat { knots: curve.points.iter().map(|point| (point.at, point.level.mib())).collect() }
    }

    /// `None` where the repeat has no line.
    fn between(&self, from: f64, to: f64) -> Option<Column> {
        let (first, last) = (self.knots.first()?.0, self.knots.last()?.0);
        if to < first || from > last {
            return None;
        }
        let middle = stats::interpolate(&self.knots, ((from + to) / 2.0).clamp(first, last))?;
        let begin = self.knots.partition_point(|knot| knot.0 < from);
        let within = self.knots[begin..].iter().take_while(|knot| knot.0 <= to).map(|knot| knot.1);
        let (low, high) = within.fold((middle, middle), |(low, high), mib| (low.min(mib), high.max(mib)));
        Some(Column { low, middle, high })
    }
}

pub fn draw_lines(scene: &mut Scene, lines: &[Line], field: PlotArea) {
    for one in lines.iter().filter(|one| one.band.len() > 1) {
        scene.shapes.push(SceneShape::Band { columns: one.band.clone(), colour: one.ink.see_through(0.22) });
    }
    for one in lines.iter().filter(|one| one.places.len() > 1) {
        scene.line(without_doubles(one.places.clone()), one.stroke, one.ink.colour);
    }
    for (index, one) in lines.iter().enumerate() {
        draw_marks(scene, one, (index, lines.len()), field);
    }
    for one in lines {
        one.deaths.iter().for_each(|&death| cross(scene, death, 22, one.ink.colour));
    }
}

fn without_doubles(mut places: Vec<Place>) -> Vec<Place> {
    places.dedup();
    places
}

/// Marks at places that differ from line to line; a line too short for any gets one.
fn draw_marks(scene: &mut Scene, line: &Line, (index, of): (usize, usize), field: PlotArea) {
    let spacing = f64::from(field.right - field.left) / MARKS as f64;
    let shift = (index as f64 + 0.5) / of as f64;
    let across = (0..MARKS).map(|mark| field.left + ((mark as f64 + shift) * spacing).round() as i32);
    let mut places: Vec<_> = across.filter_map(|x| Some((x, line.height_at(x)?))).collect();
    if places.is_empty() && line.deaths.is_empty() {
        places.extend(line.places.last());
    }
    places.into_iter().for_each(|place| line.ink.mark(scene, place, MARK));
}

/// Where the labels stand.
pub struct Legend {
    /// Where the room for them begins.
    left: i32,
    /// Whether a thin line leads from the end of a line to its label.
    led: bool,
}

impl Legend {
    /// At the right edge of the field, each led to from its line.
    pub fn beside(field: PlotArea) -> Legend {
        Legend { left: field.right, led: true }
    }

    /// From there on, with something between them and the field.
    pub fn from(left: i32) -> Legend {
        Legend { left, led: false }
    }
}

/// Writes the labels beside the field, each as near to the end of its line as can be.
pub fn draw_labels(scene: &mut Scene, lines: &[Line], field: PlotArea, key: Legend) {
    let width = WIDTH - MARGIN - key.left - 2 * GAP;
    let mut sorted: Vec<_> = lines.iter().collect();
    sorted.sort_by_key(|one| one.end(field).1);
    let font = label_font(&sorted, width, field);
    let texts: Vec<_> = sorted.iter().map(|one| LabelText::of(one, width, font)).collect();
    let wanted: Vec<_> =
        sorted.iter().zip(&texts).map(|(one, text)| (one.end(field).1, text.height())).collect();
    for ((one, text), top) in sorted.iter().zip(&texts).zip(spread_out(&wanted, field.top - 20, HEIGHT - 130))
    {
        draw_label(scene, one, text, (field, &key, top));
    }
}

/// The largest font in which all labels find room.
fn label_font(lines: &[&Line], width: i32, field: PlotArea) -> Font {
    let room = HEIGHT - 130 - field.top;
    let fits =
        |font: &Font| lines.iter().map(|one| LabelText::of(one, width, *font).height()).sum::<i32>() <= room;
    let fonts = [LABEL.size, 36, 32, 28, 24].map(|size| Font::plain(size, INK));
    fonts.into_iter().find(fits).unwrap_or(Font::plain(CROWDED, INK))
}

/// A label's words, cut into lines.
struct LabelText {
    name: Vec<String>,
    remarks: Vec<String>,
    font: Font,
}

impl LabelText {
    fn of(line: &Line, width: i32, font: Font) -> LabelText {
        let small = LabelText::small(font);
        let remarks = line.remarks.iter().flat_map(|remark| small.wrap(remark, width, 2)).collect();
        LabelText { name: font.wrap(&line.name, width, 3), remarks, font }
    }

    fn small(font: Font) -> Font {
        Font { size: font.size.min(NOTE.size), bold: false, colour: GREY }
    }

    /// Between two labels.
    fn padding(&self) -> i32 {
        if self.font.size == CROWDED { 4 } else { 16 }
    }

    fn height(&self) -> i32 {
        let lines = |lines: &[String], font: Font| lines.len() as i32 * font.line();
        lines(&self.name, self.font) + lines(&self.remarks, LabelText::small(self.font)) + self.padding()
    }
}

/// The words, the mark before them, and a thin line from where the line ends.
fn draw_label(scene: &mut Scene, line: &Line, text: &LabelText, (field, key, top): (PlotArea, &Legend, i32)) {
    let first = top + text.padding() / 2 + text.font.line() / 2;
    let (x, y) = line.end(field);
    let mark = (key.left + GAP, first);
    if key.led && field.right - x < (field.right - field.left) / 25 && !line.places.is_empty() {
        scene.line(vec![(x + 6, y), (field.right + 14, y), (mark.0 - 34, first), mark], 2, line.ink.colour);
    }
    if !line.places.is_empty() {
        scene.line(vec![(mark.0 - 28, first), (mark.0 + 28, first)], line.stroke, line.ink.colour);
        line.ink.mark(scene, mark, MARK);
    }
    let left = mark.0 + GAP - 24;
    let below = scene.lines_of_words((left, first), &text.name, text.font);
    scene.lines_of_words((left, below), &text.remarks, LabelText::small(text.font));
}
