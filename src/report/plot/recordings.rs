//! Memory of recordings over each other; of a single one, its CPU use as well.

use crate::report::number::number;
use crate::report::plot::axis::{AxisScale, Ticks};
use crate::report::plot::frame::{self, MARGIN, PlotArea, UpwardAxis};
use crate::report::plot::lines::{self, GAP, Legend, Line, Plane};
use crate::report::plot::marks::{Mark, PlotMarks};
use crate::report::plot::palette::{GREY, Ink};
use crate::report::plot::scene::{HEIGHT, Place, Scene, WIDTH};
use crate::report::plot::{distinct, work_title};
use crate::report::recordings::{RecordingReport, RecordingRow};
use memreel_judge::analysis::{CpuUse, Over};
use memreel_trace::{Memory, WorkUnit};

/// Width of the line of CPU use.
const THIN: u32 = 3;
/// The room of the right-hand axis.
const RIGHT_AXIS: i32 = 150;
/// From the axis' title to the words of the marks, or the field.
const ABOVE: i32 = 62;

/// Lays the plot out; `None` when no recording has anything to show.
pub fn draw(report: &RecordingReport) -> Option<Scene> {
    let mut scene = Scene::default();
    let layout = Layout::of(report, &mut scene)?;
    layout.draw_axes(report, &mut scene);
    layout.marks.draw(&mut scene, layout.plane.field);
    let (memory, over) = (report.memory(), report.axes.over);
    let cpu = report.cpu_to_show().map(|cpu| draw_cpu_axis(&mut scene, &layout, cpu));
    let rows = report.rows.iter().enumerate();
    let rows = rows.map(|(index, row)| line_of(row, index, (memory, over), &layout.plane));
    let field = layout.plane.field;
    let key = if cpu.is_some() { Legend::from(field.right + RIGHT_AXIS) } else { Legend::beside(field) };
    let lines: Vec<Line> = cpu.into_iter().chain(rows).collect();
    lines::draw_lines(&mut scene, &lines, field);
    lines::draw_labels(&mut scene, &lines, field, key);
    Some(scene)
}

/// Where everything stands.
struct Layout {
    plane: Plane,
    /// The values that are written upward and across.
    ticks: (Ticks, Ticks),
    marks: PlotMarks,
    /// How far above the field the titles of the upward axes stand.
    above: i32,
}

impl Layout {
    /// Writes header and notes, and shares out the room that they leave.
    fn of(report: &RecordingReport, scene: &mut Scene) -> Option<Layout> {
        let (highest, reach) = extent(report)?;
        let cpu = report.cpu_to_show();
        let header = frame::write_header(scene, &title(report), &provenance(report));
        let left = MARGIN + 150;
        let right = WIDTH - MARGIN - GAP - cpu.map_or(0, |_| RIGHT_AXIS) - label_width(report);
        let across = AxisScale::new(reach, left, right);
        let marks = PlotMarks::place(marks(report, across), (left, right));
        let notes = frame::write_notes(scene, &notes(report, &marks, cpu));
        let field = PlotArea { left, right, top: header + 140 + marks.room(), bottom: HEIGHT - notes - 190 };
        let ticks = (Ticks::beyond(highest, 6), Ticks::within(reach, 6));
        let upward = AxisScale::new(ticks.0.last(), field.bottom, field.top);
        Some(Layout { plane: Plane { field, across, upward }, ticks, above: ABOVE + marks.room(), marks })
    }

    fn draw_axes(&self, report: &RecordingReport, scene: &mut Scene) {
        let Plane { field, across, upward } = self.plane;
        frame::draw_sideward_axis(scene, field, (across, self.ticks.1), 50, over_title(report));
        let title = format!("{}, MiB", report.memory());
        let axis = UpwardAxis { scale: upward, ticks: self.ticks.0, title: &title, above: self.above };
        frame::draw_upward_axis(scene, field, &axis);
    }
}

/// The largest value upward, in MiB, and across. A moment may be marked after the last sample.
fn extent(report: &RecordingReport) -> Option<(f64, f64)> {
    let memory = report.memory();
    let points = || report.rows.iter().flat_map(|row| &row.curve(memory).points);
    let highest = points().map(|point| point.level.mib()).reduce(f64::max)?;
    let marked = report.rows.iter().flat_map(|row| &row.marks).map(|(at, _)| *at);
    Some((highest, points().map(|point| point.at).chain(marked).fold(0.0, f64::max)))
}

fn label_width(report: &RecordingReport) -> i32 {
    let remarked = |row| !remarks(row, report.memory(), report.axes.over).is_empty();
    let names = report.rows.iter().map(|row| row.name.as_str());
    lines::label_width(names, report.rows.iter().any(remarked))
}

impl RecordingReport {
    /// CPU use shares the time axis with memory, and a plot with one line has room for it.
    fn cpu_to_show(&self) -> Option<&CpuUse> {
        let [only] = self.rows.as_slice() else { return None };
        Some(&only.cpu).filter(|cpu| self.axes.over == Over::Seconds && cpu.points.len() > 1)
    }
}

fn title(report: &RecordingReport) -> String {
    match report.rows.as_slice() {
        [only] => format!("Memory of {}", only.name),
        rows => format!("Memory of {} recordings", rows.len()),
    }
}

/// Who recorded, and where.
fn provenance(report: &RecordingReport) -> String {
    let machines = report.rows.iter().filter_map(RecordingRow::machine).map(super::machine);
    let formats = report.rows.iter().map(|row| row.recording.format.to_string());
    [distinct(machines), distinct(formats)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

fn notes(report: &RecordingReport, marks: &PlotMarks, cpu: Option<&CpuUse>) -> Vec<String> {
    let failed = report.rows.iter().any(|row| row.failure().is_some());
    let failed = failed.then(|| "×: it ended there and did not finish".to_string());
    let cpu =
        cpu.map(|cpu| format!("CPU: means over at least {} s; 100 % is one core", number(cpu.window_s, 1)));
    cpu.into_iter().chain(marks.note()).chain(failed).collect()
}

fn over_title(report: &RecordingReport) -> &'static str {
    match report.axes.over {
        Over::Frames => work_title(report.unit()),
        Over::Written => work_title(Some(WorkUnit::Mebibyte)),
        Over::Seconds => "seconds since the recording began",
    }
}

fn marks(report: &RecordingReport, across: AxisScale) -> Vec<Mark> {
    let of_row = |(index, row): (usize, &RecordingRow)| -> Vec<Mark> {
        let mark = |(at, label): &(f64, String)| Mark {
            x: across.place(*at),
            label: label.clone(),
            ink: Ink::of(index),
        };
        row.marks.iter().map(mark).collect()
    };
    report.rows.iter().enumerate().flat_map(of_row).collect()
}

fn line_of(row: &RecordingRow, index: usize, (memory, over): (Memory, Over), plane: &Plane) -> Line {
    let places = plane.places(row.curve(memory));
    let death = row.failure().and(places.last().copied());
    Line {
        name: row.name.clone(),
        ink: Ink::of(index),
        stroke: lines::STROKE,
        places,
        band: Vec::new(),
        deaths: death.into_iter().collect(),
        remarks: remarks(row, memory, over),
    }
}

/// How it ended where that was not well; why there is no line.
fn remarks(row: &RecordingRow, memory: Memory, over: Over) -> Vec<String> {
    let failure = row.failure().map(ToString::to_string);
    let empty = row.curve(memory).points.is_empty().then(|| match over {
        _ if row.summary.samples == 0 => "no samples".to_string(),
        Over::Frames if row.has(memory) => "no progress counted".to_string(),
        Over::Written if row.has(memory) => "nothing written".to_string(),
        _ => format!("without {memory}"),
    });
    failure.into_iter().chain(empty).collect()
}

/// Draws the right-hand axis; returns the line.
fn draw_cpu_axis(scene: &mut Scene, layout: &Layout, cpu: &CpuUse) -> Line {
    let Plane { field, across, .. } = layout.plane;
    let highest = cpu.points.iter().map(|point| point.percent).fold(0.0, f64::max);
    let ticks = Ticks::beyond(highest.max(100.0), 5);
    let scale = AxisScale::new(ticks.last(), field.bottom, field.top);
    let axis = UpwardAxis { scale, ticks, title: "CPU, %", above: layout.above };
    frame::draw_right_axis(scene, field, &axis, GREY);
    let place = |t_s: f64, percent: f64| -> Place { (across.place(t_s), scale.place(percent)) };
    Line {
        name: "CPU".to_string(),
        ink: Ink::aside(),
        stroke: THIN,
        places: cpu.points.iter().map(|point| place(point.t_s, point.percent)).collect(),
        band: Vec::new(),
        deaths: Vec::new(),
        remarks: Vec::new(),
    }
}
