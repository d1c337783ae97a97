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
mod palette;
mod peaks;
mod png;
mod scene;
pub mod svg;

use std::path::{Path, PathBuf};

use crate::report::{MeasuredJob, Report, ReportError};
use crate::store;
use scene::Scene;

/// Lays a plot out; `None` when it would be empty.
type LayOut = fn(&Report) -> Option<Scene>;

/// The plots by the name of their files.
const PLOTS: &[(&str, LayOut)] = &[
    ("memory-over-frames", lines::over_frames),
    ("memory-over-time", lines::over_time),
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
        let drawn = |reason: String| ReportError::Plot { name, reason };
        let mut png = Vec::new();
        png::write(&scene, &mut png).map_err(drawn)?;
        let svg = svg::write(&scene).map_err(drawn)?;
        for (ending, content) in [("png", png), ("svg", svg.into_bytes())] {
            let path = folder.join(format!("{name}.{ending}"));
            store::write_whole(&path, &content)?;
            written.push(path);
        }
    }
    Ok(written)
}

/// Where it was measured and with what: what has to be known to compare a plot with another.
fn provenance(report: &Report) -> String {
    let machine = |job: &MeasuredJob| {
        let machine = &job.machine;
        format!("{}, {} CPUs, {}", machine.cpu, machine.cpus, machine.kernel)
    };
    let engine = |job: &MeasuredJob| format!("{} {}", job.engine.name, job.engine.version);
    let distinct = |of: &dyn Fn(&MeasuredJob) -> String| {
        let mut all: Vec<String> = Vec::new();
        report.measured().map(of).for_each(|one| {
            if !all.contains(&one) {
                all.push(one);
            }
        });
        all.join(" / ")
    };
    format!("{} · {}", distinct(&machine), distinct(&engine))
}
