//! Memory over frames and over time: a line for each variant.

use crate::analysis::{Curve, LevelPoint};
use crate::report::number::number;
use crate::report::plot::axis::{Scale, Ticks};
use crate::report::plot::cuts;
use crate::report::plot::frame::{self, Field, LABEL, MARGIN, NOTE};
use crate::report::plot::labels::spread_out;
use crate::report::plot::palette::{GREY, INK, Ink, cross};
use crate::report::plot::provenance;
use crate::report::plot::scene::{Font, HEIGHT, Place, Scene, Shape, WIDTH};
use crate::report::{MeasuredJob, Report, VariantRow};
use crate::stats;
use crate::trace::Outcome;

/// Width of the lines.
const STROKE: u32 = 6;
/// From the middle of a mark to its rim.
const MARK: i32 = 14;
/// Marks on a line as long as the plot is wide.
const MARKS: usize = 5;
/// Between the field and the labels, and from a label's mark to its words.
const GAP: i32 = 70;
/// The widest that words beside the lines may be.
const WIDEST_LABEL: i32 = 760;

/// What the lines run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Frames,
    Time,
}

/// Anonymous memory plus swap over the frames exported; `None` when no engine counted frames.
pub fn over_frames(report: &Report) -> Option<Scene> {
    draw(report, Over::Frames)
}

/// Anonymous memory plus swap over the seconds since the engine was started.
pub fn over_time(report: &Report) -> Option<Scene> {
    draw(report, Over::Time)
}

impl Over {
    fn curve(self, job: &MeasuredJob) -> &Curve {
        match self {
            Over::Frames => &job.over_frames,
            Over::Time => &job.over_time,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Over::Frames => "frames exported",
            Over::Time => "seconds since the engine was started",
        }
    }

    /// How far a job was to go, or went.
    fn reach(self, job: &MeasuredJob) -> f64 {
        let planned = match self {
            Over::Frames => job.context.frames.map_or(0.0, |frames| frames.as_f64()),
            Over::Time => job.summary.wall_s,
        };
        self.curve(job).points.last().map_or(planned, |point| planned.max(point.at))
    }

    fn where_it_died(self, at: f64) -> String {
        match self {
            Over::Frames => format!("at frame {}", number(at, 0)),
            Over::Time => format!("after {} s", number(at, 1)),
        }
    }

    /// Why there is no line.
    fn why_empty(self, job: &MeasuredJob) -> &'static str {
        match self {
            Over::Frames if !job.over_time.points.is_empty() => "no frames counted",
            _ => "too short to be sampled",
        }
    }
}

/// A variant with what is drawn of it.
struct Series<'a> {
    variant: &'a VariantRow<'a>,
    ink: Ink,
    /// The line, or the median of the repeats' lines.
    line: Vec<Place>,
    /// From the lowest to the highest of several repeats.
    band: Vec<(i32, i32, i32)>,
    /// Where repeats died.
    deaths: Vec<Place>,
    /// What is written under its name.
    remarks: Vec<String>,
}

/// The field and where values lie in it.
struct Plane {
    field: Field,
    across: Scale,
    upward: Scale,
}

impl Plane {
    fn place(&self, point: &LevelPoint) -> Place {
        (self.across.place(point.at), self.upward.place(point.level.mib()))
    }
}

fn draw(report: &Report, over: Over) -> Option<Scene> {
    let variants = report.variants();
    let shown: Vec<_> = variants.iter().filter(|variant| variant.summary.ran > 0).collect();
    let points = || report.measured().flat_map(|job| &over.curve(job).points);
    let highest = points().map(|point| point.level.mib()).reduce(f64::max)?;
    let reach = report.measured().map(|job| over.reach(job)).fold(0.0, f64::max);

    let mut scene = Scene::default();
    let top = frame::write_header(&mut scene, report, &provenance(report)) + 140;
    let cuts = (over == Over::Frames).then(|| cuts::shared(report));
    let notes = frame::write_notes(&mut scene, &notes(report, over, &shown, cuts.as_ref()));
    let field = Field {
        left: MARGIN + 150,
        right: WIDTH - MARGIN - GAP - label_width(&shown),
        top,
        bottom: HEIGHT - notes - 190,
    };
    let rows = Ticks::beyond(highest, 6);
    let plane = Plane {
        field,
        across: Scale::new(reach, field.left, field.right),
        upward: Scale::new(rows.last(), field.bottom, field.top),
    };
    let columns = (plane.across, Ticks::within(reach, 6));
    frame::draw_sideward_axis(
        &mut scene,
        field,
        columns,
        if over == Over::Frames { 78 } else { 50 },
        over.title(),
    );
    frame::draw_upward_axis(&mut scene, field, plane.upward, rows, "anonymous memory + swap, MiB");
    if let Some(cuts) = cuts {
        cuts.draw(&mut scene, field, plane.across);
    }
    let series: Vec<_> =
        shown.iter().enumerate().map(|(index, variant)| Series::of(variant, index, over, &plane)).collect();
    draw_series(&mut scene, &series, &plane);
    draw_labels(&mut scene, &series, field);
    Some(scene)
}

fn label_width(variants: &[&VariantRow<'_>]) -> i32 {
    let widest = variants.iter().map(|variant| LABEL.width_of(&variant.name)).max().unwrap_or(0);
    let failed = variants.iter().any(|variant| variant.summary.finished < variant.summary.ran);
    GAP + widest.clamp(if failed { 500 } else { 260 }, WIDEST_LABEL)
}

fn notes(report: &Report, over: Over, shown: &[&VariantRow<'_>], cuts: Option<&cuts::Cuts>) -> Vec<String> {
    let most = shown.iter().map(|variant| variant.summary.ran).max().unwrap_or(0);
    let repeats =
        (most > 1).then(|| format!("line: median of up to {most} repeats, band: lowest to highest"));
    let died = |job: &MeasuredJob| !job.summary.outcome.is_finished() && !over.curve(job).points.is_empty();
    let failed = report.measured().any(died);
    let failures = failed.then(|| "×: an export ended there without being finished".to_string());
    let cuts = cuts.map(cuts::Cuts::notes).unwrap_or_default();
    let late = (over == Over::Frames).then(|| frames_taken_in(report)).flatten();
    cuts.into_iter().chain(late).chain(repeats).chain(failures).chain(frame::not_run(report)).collect()
}

/// The note that names the engines that say only which frame they have taken in, and say it late, so
/// that their lines stop short of the last frame.
fn frames_taken_in(report: &Report) -> Option<String> {
    let drawn = report.measured().filter(|job| !job.over_frames.points.is_empty());
    let mut names: Vec<_> = drawn
        .filter(|job| job.context.frame_counters == "in")
        .map(|job| match job.engine.name.as_str() {
            "melt" => "melt: frames as it reports them, up to 40 ms late".to_string(),
            name => format!("{name}: frames as it reports them"),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join("; "))
}

impl<'a> Series<'a> {
    fn of(variant: &'a VariantRow<'a>, index: usize, over: Over, plane: &Plane) -> Series<'a> {
        let jobs: Vec<_> = variant.measured().collect();
        let curves: Vec<_> =
            jobs.iter().map(|job| over.curve(job)).filter(|curve| !curve.points.is_empty()).collect();
        let (line, band) = match curves[..] {
            [] => (Vec::new(), Vec::new()),
            [only] => (only.points.iter().map(|point| plane.place(point)).collect(), Vec::new()),
            _ => median_and_band(&curves, plane),
        };
        let died = jobs.iter().filter(|job| !job.summary.outcome.is_finished());
        let deaths = died.filter_map(|job| over.curve(job).points.last()).map(|point| plane.place(point));
        Series {
            variant,
            ink: Ink::of(index),
            line: without_doubles(line),
            band,
            deaths: deaths.collect(),
            remarks: remarks(&jobs, over),
        }
    }

    /// The height of the line near its end, before the teardown of an export pulls it down.
    fn end(&self, field: Field) -> Place {
        let (Some(first), Some(last)) = (self.line.first(), self.line.last()) else {
            return (field.left, field.bottom);
        };
        let near_end = last.0 - (last.0 - first.0) / 50;
        (last.0, self.height_at(near_end).unwrap_or(last.1))
    }

    fn height_at(&self, x: i32) -> Option<i32> {
        let within = self.line.first()?.0 <= x && x <= self.line.last()?.0;
        let knots: Vec<_> = self.line.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect();
        stats::interpolate(&knots, f64::from(x)).filter(|_| within).map(|y| y.round() as i32)
    }
}

/// How many repeats ended early and how; why there is no line.
fn remarks(jobs: &[&MeasuredJob], over: Over) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(died) = jobs.iter().find(|job| !job.summary.outcome.is_finished()) {
        let place = over.curve(died).points.last().map(|point| over.where_it_died(point.at));
        let count = jobs.iter().filter(|job| !job.summary.outcome.is_finished()).count();
        let of = if jobs.len() > 1 { format!("{count} of {}: ", jobs.len()) } else { String::new() };
        remarks.push(format!("{of}{} {}", died.summary.outcome.word(), place.unwrap_or_default()));
    }
    let none = jobs.iter().all(|job| over.curve(job).points.is_empty());
    if none && !jobs.iter().any(|job| matches!(job.summary.outcome, Outcome::NotStarted { .. })) {
        remarks.extend(jobs.first().map(|job| over.why_empty(job).to_string()));
    }
    remarks
}

/// The median of the repeats as long as half of them live, and their lowest to highest.
fn median_and_band(curves: &[&Curve], plane: &Plane) -> (Vec<Place>, Vec<(i32, i32, i32)>) {
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

fn without_doubles(mut line: Vec<Place>) -> Vec<Place> {
    line.dedup();
    line
}

fn draw_series(scene: &mut Scene, series: &[Series<'_>], plane: &Plane) {
    for one in series.iter().filter(|one| one.band.len() > 1) {
        scene.shapes.push(Shape::Band { columns: one.band.clone(), colour: one.ink.see_through(0.22) });
    }
    for one in series.iter().filter(|one| one.line.len() > 1) {
        scene.line(one.line.clone(), STROKE, one.ink.colour);
    }
    for (index, one) in series.iter().enumerate() {
        draw_marks(scene, one, (index, series.len()), plane.field);
    }
    for one in series {
        one.deaths.iter().for_each(|&death| cross(scene, death, 22, one.ink.colour));
    }
}

/// Marks at places that differ from line to line; a line too short for any gets one.
fn draw_marks(scene: &mut Scene, series: &Series<'_>, (index, of): (usize, usize), field: Field) {
    let spacing = f64::from(field.right - field.left) / MARKS as f64;
    let shift = (index as f64 + 0.5) / of as f64;
    let across = (0..MARKS).map(|mark| field.left + ((mark as f64 + shift) * spacing).round() as i32);
    let mut places: Vec<_> = across.filter_map(|x| Some((x, series.height_at(x)?))).collect();
    if places.is_empty() && series.deaths.is_empty() {
        places.extend(series.line.last());
    }
    places.into_iter().for_each(|place| series.ink.mark(scene, place, MARK));
}

fn draw_labels(scene: &mut Scene, series: &[Series<'_>], field: Field) {
    let width = WIDTH - MARGIN - field.right - 2 * GAP;
    let mut sorted: Vec<_> = series.iter().collect();
    sorted.sort_by_key(|one| one.end(field).1);
    let font = label_font(&sorted, width, field);
    let texts: Vec<_> = sorted.iter().map(|one| LabelText::of(one, width, font)).collect();
    let wanted: Vec<_> =
        sorted.iter().zip(&texts).map(|(one, text)| (one.end(field).1, text.height())).collect();
    for ((one, text), top) in sorted.iter().zip(&texts).zip(spread_out(&wanted, field.top - 20, HEIGHT - 130))
    {
        draw_label(scene, one, text, (field, top));
    }
}

/// The largest font in which all labels find room.
fn label_font(series: &[&Series<'_>], width: i32, field: Field) -> Font {
    let room = HEIGHT - 130 - field.top;
    let fits =
        |font: &Font| series.iter().map(|one| LabelText::of(one, width, *font).height()).sum::<i32>() <= room;
    let fonts = [LABEL, Font::plain(36, INK), Font::plain(32, INK), Font::plain(28, INK)];
    fonts.into_iter().find(fits).unwrap_or(Font::plain(24, INK))
}

/// A label's words, cut into lines.
struct LabelText {
    name: Vec<String>,
    remarks: Vec<String>,
    font: Font,
}

impl LabelText {
    fn of(series: &Series<'_>, width: i32, font: Font) -> LabelText {
        let small = LabelText::small(font);
        let remarks = series.remarks.iter().flat_map(|remark| small.wrap(remark, width, 2)).collect();
        LabelText { name: font.wrap(&series.variant.name, width, 3), remarks, font }
    }

    fn small(font: Font) -> Font {
        Font { size: font.size.min(NOTE.size), bold: false, colour: GREY }
    }

    fn height(&self) -> i32 {
        let lines = |lines: &[String], font: Font| lines.len() as i32 * font.line();
        lines(&self.name, self.font) + lines(&self.remarks, LabelText::small(self.font)) + 16
    }
}

/// The words, the mark before them, and a thin line from where the variant's line ends.
fn draw_label(scene: &mut Scene, series: &Series<'_>, text: &LabelText, (field, top): (Field, i32)) {
    let first = top + 8 + text.font.line() / 2;
    let (x, y) = series.end(field);
    let mark = (field.right + GAP, first);
    if field.right - x < (field.right - field.left) / 25 && !series.line.is_empty() {
        scene.line(vec![(x + 6, y), (field.right + 14, y), (mark.0 - 34, first), mark], 2, series.ink.colour);
    }
    if !series.line.is_empty() {
        scene.line(vec![(mark.0 - 28, first), (mark.0 + 28, first)], STROKE, series.ink.colour);
        series.ink.mark(scene, mark, MARK);
    }
    let left = mark.0 + GAP - 24;
    let below = scene.lines_of_words((left, first), &text.name, text.font);
    scene.lines_of_words((left, below), &text.remarks, LabelText::small(text.font));
}
