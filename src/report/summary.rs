//! `summary.csv`: a row for each planned job.
//!
//! Bytes and seconds with the unit in the column's name; an empty cell was not measured. Before them each axis of the
//! plan. Most columns are fields of [`JobSummary`], which says what each means; those of growth are the verdict's.

use std::io::Write;

use serde::Serialize;

use crate::report::{JobRow, Report, ReportError};
use memreel_judge::GrowthRate;
use memreel_judge::analysis::{FrameGrowth, JobSummary};
use memreel_judge::course::Per;
use memreel_trace::units::{Bytes, BytesPerFrame};
use memreel_trace::{MemoryGroupRecord, cell};

/// A column and how its cell is written; empty when it was not measured.
type Column = (&'static str, fn(&JobSummary) -> String);

/// The columns that only a job that ran can fill.
const MEASURED: &[Column] = &[
    ("frames_in", |job| whole(job.frames_in.map(|frames| frames.get()))),
    ("frames_out", |job| whole(job.frames_out.map(|frames| frames.get()))),
    ("peak_rss_bytes", |job| bytes(job.peak_rss)),
    ("kernel_max_rss_bytes", |job| bytes(job.kernel_max_rss)),
    ("peak_anon_swap_bytes", |job| bytes(job.peak_anon_swap)),
    ("peak_pss_bytes", |job| bytes(job.peak_pss)),
    ("level_after_warmup_bytes", |job| bytes(job.level_after_warmup)),
    ("level_at_end_bytes", |job| bytes(job.level_at_end)),
    ("growth_bytes_per_frame", |job| growth(job, |growth| growth.estimate)),
    ("growth_low_bytes_per_frame", |job| growth(job, |growth| growth.low)),
    ("growth_high_bytes_per_frame", |job| growth(job, |growth| growth.high)),
    ("busy_threads", |job| whole(job.busy_threads.map(|threads| threads.get()))),
    ("wall_s", |job| decimal(Some(job.wall_s), 3)),
    ("cpu_s", |job| decimal(job.cpu_s, 3)),
    ("fps", |job| decimal(job.fps, 2)),
    ("fps_early", |job| decimal(job.fps_early, 2)),
    ("fps_late", |job| decimal(job.fps_late, 2)),
    ("output_bytes", |job| bytes(job.output_bytes)),
    ("samples", |job| job.samples.to_string()),
    ("missed", |job| job.missed.to_string()),
    ("harness_cpu_s", |job| decimal(Some(job.harness_cpu_s), 3)),
    ("harness_private_bytes", |job| bytes(job.harness_private)),
    ("memory_limit_bytes", |job| bytes(group(job).and_then(|group| group.limit_bytes))),
    ("group_peak_bytes", |job| bytes(group(job).and_then(|group| group.peak_bytes))),
    ("group_limit_hits", |job| whole(group(job).and_then(|group| group.limit_hits).map(|hits| hits.get()))),
];

/// The columns of the verdict.
const VERDICT: &[&str] = &[
    "verdict",
    "with",
    "course",
    "growth_bytes_per_source",
    "growth_bytes_per_cut",
    "growth_bytes_per_export",
    "not_stable_above_bytes_per_frame",
];

/// Writes `summary.csv`.
///
/// # Errors
/// When the writer takes no more.
pub fn write_summary(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    let axes = axes(report);
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(header(&axes)).map_err(std::io::Error::from)?;
    for job in &report.jobs {
        csv.write_record(row(&axes, job)).map_err(std::io::Error::from)?;
    }
    Ok(csv.flush()?)
}

/// Every axis of any job, in the order in which they first appear.
fn axes(report: &Report) -> Vec<&str> {
    let mut axes: Vec<&str> = Vec::new();
    for (axis, _) in report.jobs.iter().flat_map(|job| &job.planned.variant) {
        if !axes.contains(&axis.as_str()) {
            axes.push(axis);
        }
    }
    axes
}

fn header<'a>(axes: &[&'a str]) -> Vec<&'a str> {
    let measured = MEASURED.iter().map(|column| column.0);
    axes.iter()
        .copied()
        .chain(["repeat", "outcome", "detail"])
        .chain(measured)
        .chain(VERDICT.iter().copied())
        .chain(["digest", "folder"])
        .collect()
}

fn row(axes: &[&str], job: &JobRow) -> Vec<String> {
    let value = |axis: &&str| {
        let found = job.planned.variant.iter().find(|(name, _)| name == axis);
        found.map_or_else(String::new, |(_, value)| cell(value).into_owned())
    };
    let (outcome, detail) = outcome(job);
    let summary = job.measured.as_ref().map(|measured| &measured.summary);
    let measured = MEASURED.iter().map(|column| summary.map_or_else(String::new, column.1));
    let digest = summary.map_or(&job.planned.digest, |summary| &summary.digest);
    axes.iter()
        .map(value)
        .chain([job.planned.repeat.to_string(), outcome, cell(&detail).into_owned()])
        .chain(measured)
        .chain(verdict(job))
        .chain([digest.clone(), job.planned.folder.clone()])
        .collect()
}

fn outcome(job: &JobRow) -> (String, String) {
    match &job.measured {
        None => ("not-run".into(), job.why_not_run().unwrap_or_default()),
        Some(job) if job.summary.is_unverified => ("finished".into(), "frames not verified".into()),
        Some(job) if job.summary.outcome.is_finished() => ("finished".into(), String::new()),
        Some(job) => (job.summary.outcome.word().into(), job.summary.outcome.to_string()),
    }
}

fn verdict(job: &JobRow) -> [String; VERDICT.len()] {
    let Some(verdict) = job.measured.as_ref().map(|job| &job.verdict) else { return Default::default() };
    let limit = verdict.not_stable_above.filter(|_| verdict.per == Some(Per::Frame));
    let growth = verdict.growth;
    let rate = |rate: Option<GrowthRate>| decimal(rate.map(|rate| rate.estimate), 1);
    [
        verdict.verdict().word().into(),
        verdict.with.iter().map(|&with| in_files(with)).collect::<Vec<_>>().join("+"),
        verdict.form.map(in_files).unwrap_or_default(),
        rate(growth.source),
        rate(growth.cut),
        rate(growth.export),
        decimal(limit, 1),
    ]
}

/// The word for a value in files.
fn in_files(value: impl Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default()
}

fn group(job: &JobSummary) -> Option<&MemoryGroupRecord> {
    job.group.as_ref()
}

fn whole(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

fn bytes(bytes: Option<Bytes>) -> String {
    whole(bytes.map(Bytes::get))
}

fn decimal(number: Option<f64>, decimals: usize) -> String {
    number.map_or_else(String::new, |number| format!("{number:.decimals$}"))
}

fn growth(job: &JobSummary, part: fn(&FrameGrowth) -> BytesPerFrame) -> String {
    decimal(job.growth.as_ref().map(|growth| part(growth).0), 1)
}
