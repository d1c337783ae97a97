//! The numbers of recordings: a row each for people, a JSON object each for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::report::number::{UNKNOWN, mib, number};
use crate::report::recordings::RecordingRow;
use crate::report::table::{PrintedTable, TableColumn};
use crate::report::terminal::{TableLook, write_wrapped};
use crate::report::verdicts;
use memreel_judge::RunVerdict;
use memreel_judge::analysis::{PeakSource, RecordingSummary};
use memreel_judge::course::Per;
use memreel_judge::shape::Answer;
use memreel_trace::Memory;
use memreel_trace::units::Bytes;

/// Writes the table and what its words mean.
pub fn write(rows: &[RecordingRow], out: &mut dyn Write, look: TableLook) -> io::Result<()> {
    table(rows).write(out, look)?;
    for line in legend(rows) {
        write_wrapped(out, &line, look.width)?;
    }
    Ok(())
}

fn table(rows: &[RecordingRow]) -> PrintedTable {
    let columns = vec![
        TableColumn::numbers("lasted", "s", 3),
        TableColumn::numbers("samples", "", 4),
        TableColumn::numbers("peak RSS", "MiB", 1),
        TableColumn::numbers("level", "MiB", 2),
        TableColumn::numbers("memory\ngrows", "", 0),
    ];
    let mut table = PrintedTable::new("recording", columns);
    for row in rows {
        let summary = &row.summary;
        let cells = [
            number(summary.lasted_s, if summary.lasted_s < 100.0 { 1 } else { 0 }),
            number(summary.samples as f64, 0),
            peak(summary),
            level(summary),
            growth(summary),
        ];
        table.row(&row.name, cells.map(Into::into));
    }
    table
}

fn peak(summary: &RecordingSummary) -> String {
    summary.peak.map_or(UNKNOWN.to_string(), |peak| match peak.source {
        PeakSource::Kernel => format!("{}\nkernel", mib(peak.rss.as_f64())),
        PeakSource::Sampled => format!("{}\nsampled", mib(peak.rss.as_f64())),
    })
}

fn level(summary: &RecordingSummary) -> String {
    summary.level.map_or(UNKNOWN.to_string(), |level| {
        format!("{}\n{}", mib(level.as_f64()), level_word(summary.level_of))
    })
}

fn level_word(memory: Memory) -> &'static str {
    if memory == Memory::AnonymousAndSwap { "anon+swap" } else { "RSS" }
}

/// Whether it grows, and by how much with each of what it grows with.
fn growth(summary: &RecordingSummary) -> String {
    let verdict = &summary.verdict;
    match verdict.grows {
        Answer::Yes => format!("yes\n{}", verdicts::rates_in_short(verdict).join("\n")),
        Answer::No => "no".into(),
        Answer::Open => "can't tell".into(),
    }
}

fn legend(rows: &[RecordingRow]) -> Vec<String> {
    let some = |has: fn(&RecordingSummary) -> bool| rows.iter().any(|row| has(&row.summary));
    let is_kernel =
        |summary: &RecordingSummary| summary.peak.is_some_and(|peak| peak.source == PeakSource::Kernel);
    let kernel = some(is_kernel)
        .then(|| "peak, kernel: the exact high-water mark of the largest process, above any sample.".into());
    let judged = some(|summary| summary.level.is_some())
        .then(|| "level: median from 88 % to 98 % of the run. memory grows: see `memreel judge`.".into());
    let cut_short = rows
        .iter()
        .filter(|row| !row.recording.is_whole)
        .map(|row| format!("{}: incomplete: the recording was killed, or is still running.", row.name));
    let failed = rows.iter().filter_map(|row| Some(format!("{}: {}", row.name, row.failure()?)));
    let clocks = rows
        .iter()
        .filter_map(|row| Some(format!("{}: {}", row.name, verdicts::clock(row.summary.set_back_s)?)));
    kernel.into_iter().chain(judged).chain(cut_short).chain(failed).chain(clocks).collect()
}

/// What is told of a recording as JSON; `null` where it was not measured.
#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    path: String,
    format: String,
    lasted_s: f64,
    samples: u64,
    peak_rss_bytes: Option<Bytes>,
    peak_source: Option<&'static str>,
    level_of: Option<&'static str>,
    level_bytes: Option<Bytes>,
    grows: Answer,
    answer: String,
    growth: Option<ToldGrowth>,
    outcome: Option<&'static str>,
}

#[derive(Serialize)]
struct ToldGrowth {
    unit: &'static str,
    estimate: f64,
    low: f64,
    high: f64,
}

/// Writes an object a line.
pub fn write_json(rows: &[RecordingRow], out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *out, &told(row))?;
        writeln!(out)?;
    }
    Ok(())
}

fn told(row: &RecordingRow) -> Told<'_> {
    let summary = &row.summary;
    let measured = summary.level.is_some();
    Told {
        name: &row.name,
        path: row.recording.path.display().to_string(),
        format: row.recording.format.to_string(),
        lasted_s: summary.lasted_s,
        samples: summary.samples,
        peak_rss_bytes: summary.peak.map(|peak| peak.rss),
        peak_source: summary.peak.map(|peak| match peak.source {
            PeakSource::Kernel => "kernel",
            PeakSource::Sampled => "sampled",
        }),
        level_of: measured.then(|| level_word(summary.level_of)),
        level_bytes: summary.level,
        grows: summary.verdict.grows,
        answer: verdicts::of_run(&summary.verdict),
        growth: told_growth(&summary.verdict),
        outcome: row.recording.outcome.as_ref().map(|outcome| outcome.word()),
    }
}

fn told_growth(verdict: &RunVerdict) -> Option<ToldGrowth> {
    let unit = if verdict.per? == Per::Frame { "bytes/frame" } else { "bytes/s" };
    let rate = verdict.growth.frame?;
    Some(ToldGrowth { unit, estimate: rate.estimate, low: rate.low, high: rate.high })
}
