//! The numbers of recordings: a row each for people, a JSON object each for programs.

use std::io::{self, Write};

use schemars::JsonSchema;
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
        .filter_map(|row| Some(format!("{}: {}", row.name, verdicts::incomplete(row.recording.is_whole)?)));
    let failed = rows.iter().filter_map(|row| Some(format!("{}: {}", row.name, row.failure()?)));
    let clocks = rows
        .iter()
        .filter_map(|row| Some(format!("{}: {}", row.name, verdicts::clock(row.summary.set_back_s)?)));
    kernel.into_iter().chain(judged).chain(cut_short).chain(failed).chain(clocks).collect()
}

/// The numbers of a recording; null was not measured or is not known.
#[derive(Serialize, JsonSchema)]
pub struct RecordingLine<'a> {
    /// The name of the recording in the table.
    name: &'a str,
    /// The file or folder.
    path: String,
    /// The format of the samples, in words.
    format: String,
    /// The duration of the recording, in seconds.
    lasted_s: f64,
    /// The number of samples.
    samples: u64,
    /// The peak of resident memory, in bytes.
    peak_rss_bytes: Option<Bytes>,
    /// The source of the peak: the largest total of the process tree at any sample (`sampled`), or the kernel's
    /// high-water mark of the largest process (`kernel`).
    peak_source: Option<PeakSource>,
    /// The kind of memory of the level: anonymous memory and swap (`anon+swap`), or resident memory (`RSS`).
    #[schemars(extend("enum" = [level_word(Memory::AnonymousAndSwap), level_word(Memory::Rss), null]))]
    level_of: Option<&'static str>,
    /// The level late in the run, in bytes.
    level_bytes: Option<Bytes>,
    /// Whether memory grows with the work.
    grows: Answer,
    /// The answer in words.
    answer: String,
    /// The growth rate per frame; per second, if frames were not counted.
    growth: Option<RecordingGrowth>,
    /// How the process ended, in one word, as in `summary.csv`.
    outcome: Option<&'static str>,
}

/// The growth rate of a recording, with its 95 % interval.
#[derive(Serialize, JsonSchema)]
struct RecordingGrowth {
    /// The unit of the numbers.
    #[schemars(extend("enum" = [unit(Per::Frame), unit(Per::Item), unit(Per::Mebibyte), unit(Per::Second)]))]
    unit: &'static str,
    /// The estimate.
    estimate: f64,
    /// The lower end of the interval.
    low: f64,
    /// The upper end of the interval.
    high: f64,
}

/// Writes an object a line.
pub fn write_json(rows: &[RecordingRow], out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *out, &line(row))?;
        writeln!(out)?;
    }
    Ok(())
}

fn line(row: &RecordingRow) -> RecordingLine<'_> {
    let summary = &row.summary;
    let measured = summary.level.is_some();
    RecordingLine {
        name: &row.name,
        path: row.recording.path.display().to_string(),
        format: row.recording.format.to_string(),
        lasted_s: summary.lasted_s,
        samples: summary.samples,
        peak_rss_bytes: summary.peak.map(|peak| peak.rss),
        peak_source: summary.peak.map(|peak| peak.source),
        level_of: measured.then(|| level_word(summary.level_of)),
        level_bytes: summary.level,
        grows: summary.verdict.grows,
        answer: verdicts::of_run(&summary.verdict),
        growth: line_growth(&summary.verdict),
        outcome: row.recording.outcome.as_ref().map(|outcome| outcome.word()),
    }
}

fn line_growth(verdict: &RunVerdict) -> Option<RecordingGrowth> {
    let (per, rate) = (verdict.per?, verdict.growth.frame?);
    Some(RecordingGrowth { unit: unit(per), estimate: rate.estimate, low: rate.low, high: rate.high })
}

fn unit(per: Per) -> &'static str {
    match per {
        Per::Frame => "bytes/frame",
        Per::Item => "bytes/item",
        Per::Mebibyte => "bytes/MiB written",
        Per::Second => "bytes/s",
    }
}
