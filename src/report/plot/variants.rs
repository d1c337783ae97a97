//! Memory over frames and over time: a line for each variant.

use crate::report::number::number;
use crate::report::plot::axis::{AxisScale, Ticks};
use crate::report::plot::cuts;
use crate::report::plot::frame::{self, MARGIN, PlotArea, UpwardAxis};
use crate::report::plot::lines::{self, GAP, Line, Plane};
use crate::report::plot::palette::Ink;
use crate::report::plot::scene::{HEIGHT, Scene, WIDTH};
use crate::report::plot::{provenance, work_title};
use crate::report::{MeasuredJob, Report, VariantRow};
use memreel_judge::analysis::Curve;
use memreel_trace::{Outcome, WorkUnit};

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

/// Anonymous memory plus swap over the seconds since the engine started.
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

    fn title(self, unit: Option<WorkUnit>) -> &'static str {
        match self {
            Over::Frames => work_title(unit),
            Over::Time => "seconds since the engine started",
        }
    }

    /// How far a job was to go, or went.
    fn reach(self, job: &MeasuredJob) -> f64 {
        let planned = match self {
            Over::Frames => {
                let frames = job.context.frames.filter(|_| job.context.unit.is_counted());
                frames.map_or(0.0, |frames| frames.as_f64())
            }
            Over::Time => job.summary.wall_s,
        };
        self.curve(job).points.last().map_or(planned, |point| planned.max(point.at))
    }

    fn where_it_died(self, at: f64, unit: WorkUnit) -> String {
        match (self, unit) {
            (Over::Frames, WorkUnit::Frame | WorkUnit::Item) => {
                format!("at {} {}", unit.name(), number(at, 0))
            }
            (Over::Frames, WorkUnit::Mebibyte) => format!("after {} MiB", number(at, 1)),
            (Over::Time, _) => format!("after {} s", number(at, 1)),
        }
    }

    /// Why there is no line.
    fn why_empty(self, job: &MeasuredJob) -> &'static str {
        match self {
            Over::Frames if !job.over_time.points.is_empty() => "no progress counted",
            _ => "too short to be sampled",
        }
    }
}

fn draw(report: &Report, over: Over) -> Option<Scene> {
    let variants = report.variants();
    let shown: Vec<_> = variants.iter().filter(|variant| variant.summary.ran > 0).collect();
    let points = || report.measured().flat_map(|job| &over.curve(job).points);
    let highest = points().map(|point| point.level.mib()).reduce(f64::max)?;
    let reach = report.measured().map(|job| over.reach(job)).fold(0.0, f64::max);

    let mut scene = Scene::default();
    let top = frame::write_header(&mut scene, &report.question, &provenance(report)) + 140;
    let unit = report.unit();
    let cuts = (over == Over::Frames && unit == Some(WorkUnit::Frame)).then(|| cuts::shared(report));
    let notes = frame::write_notes(&mut scene, &notes(report, over, &shown, cuts.as_ref()));
    let names = shown.iter().map(|variant| variant.name.as_str());
    let failed = shown.iter().any(|variant| variant.summary.finished < variant.summary.ran);
    let field = PlotArea {
        left: MARGIN + 150,
        right: WIDTH - MARGIN - GAP - lines::label_width(names, failed),
        top,
        bottom: HEIGHT - notes - 190,
    };
    let rows = Ticks::beyond(highest, 6);
    let plane = Plane {
        field,
        across: AxisScale::new(reach, field.left, field.right),
        upward: AxisScale::new(rows.last(), field.bottom, field.top),
    };
    let columns = (plane.across, Ticks::within(reach, 6));
    let below = if over == Over::Frames { 78 } else { 50 };
    frame::draw_sideward_axis(&mut scene, field, columns, below, over.title(unit));
    let upward =
        UpwardAxis { scale: plane.upward, ticks: rows, title: "anonymous memory + swap, MiB", above: 62 };
    frame::draw_upward_axis(&mut scene, field, &upward);
    if let Some(cuts) = cuts {
        cuts.draw(&mut scene, field, plane.across);
    }
    let lines: Vec<_> = shown
        .iter()
        .enumerate()
        .map(|(index, variant)| line_of(variant, Ink::of(index), over, &plane))
        .collect();
    lines::draw_lines(&mut scene, &lines, field);
    lines::draw_labels(&mut scene, &lines, field, lines::Legend::beside(field));
    Some(scene)
}

fn notes(report: &Report, over: Over, shown: &[&VariantRow<'_>], cuts: Option<&cuts::Cuts>) -> Vec<String> {
    let most = shown.iter().map(|variant| variant.summary.ran).max().unwrap_or(0);
    let repeats =
        (most > 1).then(|| format!("line: median of up to {most} repeats, band: lowest to highest"));
    let died = |job: &MeasuredJob| !job.summary.outcome.is_finished() && !over.curve(job).points.is_empty();
    let failed = report.measured().any(died);
    let failures = failed.then(|| "×: an export ended there and did not finish".to_string());
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
        .map(|job| {
            let late = if job.engine.name == "melt" { " up to 40 ms late" } else { "" };
            format!("{} reports its frame number{late}", job.engine.name)
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join("; "))
}

/// The line of a variant: of one repeat, or the median of several.
fn line_of(variant: &VariantRow<'_>, ink: Ink, over: Over, plane: &Plane) -> Line {
    let jobs: Vec<_> = variant.measured().collect();
    let curves: Vec<_> =
        jobs.iter().map(|job| over.curve(job)).filter(|curve| !curve.points.is_empty()).collect();
    let (places, band) = match curves[..] {
        [] => (Vec::new(), Vec::new()),
        [only] => (plane.places(only), Vec::new()),
        _ => lines::median_and_band(&curves, plane),
    };
    let died = jobs.iter().filter(|job| !job.summary.outcome.is_finished());
    let deaths = died.filter_map(|job| over.curve(job).points.last()).map(|point| plane.place(point));
    Line {
        name: variant.name.clone(),
        ink,
        stroke: lines::STROKE,
        places,
        band,
        deaths: deaths.collect(),
        remarks: remarks(&jobs, over),
    }
}

/// How many repeats ended early and how; why there is no line.
fn remarks(jobs: &[&MeasuredJob], over: Over) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(died) = jobs.iter().find(|job| !job.summary.outcome.is_finished()) {
        let place =
            over.curve(died).points.last().map(|point| over.where_it_died(point.at, died.context.unit));
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
