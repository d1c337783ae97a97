//! The plots, each as PNG and as SVG.
//!
//! A plot is first laid out as a [`Scene`] of lines, areas and words in one space of units; then the
//! scene is written in both formats. So both show the same, and neither needs a font, a display or a
//! library of the machine it is made on.

mod axis;
mod cuts;
mod frame;
mod labels;
mod lines;
mod marks;
mod palette;
mod peaks;
mod png;
pub mod recordings;
mod scene;
pub mod svg;
mod variants;

use std::path::{Path, PathBuf};

use crate::report::{MeasuredJob, Report, ReportError};
use crate::store;
use memreel_trace::{Machine, WorkUnit};
use scene::Scene;

/// The title of an axis along which work is done; `None` where it has several units.
fn work_title(unit: Option<WorkUnit>) -> &'static str {
    match unit {
        Some(WorkUnit::Frame) => "frames exported",
        Some(WorkUnit::Item) => "items finished",
        Some(WorkUnit::Mebibyte) => "MiB written",
        None => "progress, each in its own unit",
    }
}

/// Lays a plot out; `None` when it would be empty.
type LayOut = fn(&Report) -> Option<Scene>;

/// The plots by the name of their files.
const PLOTS: &[(&str, LayOut)] = &[
    ("memory-over-frames", variants::over_frames),
    ("memory-over-time", variants::over_time),
    ("peak-by-variant", peaks::peak_by_variant),
];

/// The plots that are not empty, by the name of their files.
pub fn scenes(report: &Report) -> impl Iterator<Item = (&'static str, Scene)> {
    PLOTS.iter().filter_map(move |(name, lay_out)| Some((*name, lay_out(report)?)))
}

/// Writes every plot that is not empty into a folder.
///
/// # Errors
/// When one cannot be drawn or the folder cannot be written.
pub fn write_plots(report: &Report, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = Vec::new();
    for (name, scene) in scenes(report) {
        for picture in [Picture::Png, Picture::Svg] {
            let path = folder.join(format!("{name}.{}", picture.ending()));
            store::write_in_place(&path, &drawn(&scene, picture, name)?)?;
            written.push(path);
        }
    }
    Ok(written)
}

/// A format of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// 1600 × 900 pixels.
    Png,
    /// Lines and words, as large.
    Svg,
}

impl Picture {
    /// The format that a file's ending stands for.
    pub fn of_path(path: &Path) -> Option<Picture> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        [Picture::Png, Picture::Svg].into_iter().find(|picture| picture.ending() == ending)
    }

    fn ending(self) -> &'static str {
        match self {
            Picture::Png => "png",
            Picture::Svg => "svg",
        }
    }
}

/// The scene as the content of a file; `name` says in an error which plot it is.
///
/// # Errors
/// What the drawing library or the encoder said.
pub fn drawn(scene: &Scene, picture: Picture, name: &'static str) -> Result<Vec<u8>, ReportError> {
    let drawn = match picture {
        Picture::Png => {
            let mut png = Vec::new();
            png::write(scene, &mut png).map(|()| png)
        }
        Picture::Svg => svg::write(scene).map(String::into_bytes),
    };
    drawn.map_err(|reason| ReportError::Plot { name, reason })
}

/// Where it was measured and with what: what has to be known to compare a plot with another.
fn provenance(report: &Report) -> String {
    let engine = |job: &MeasuredJob| format!("{} {}", job.engine.name, job.engine.version);
    let machines = report.measured().map(|job| machine(&job.machine));
    format!("{} · {}", distinct(machines), distinct(report.measured().map(engine)))
}

fn machine(machine: &Machine) -> String {
    format!("{}, {} CPUs, {}", machine.cpu, machine.cpus, machine.kernel)
}

/// Each once, in the order in which they come.
fn distinct(all: impl Iterator<Item = String>) -> String {
    let mut distinct: Vec<String> = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct.join(" / ")
}
