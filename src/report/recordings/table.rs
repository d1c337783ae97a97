//! The numbers of recordings: a row each for people, a JSON object each for programs.

use std::io::{self, Write};

use comfy_table::{Cell, Table};
use serde::Serialize;

use crate::analysis::{Growth, NoGrowth, Over, PeakSource, ProgressGrowth, RecordingSummary};
use crate::report::number::{UNKNOWN, mib, number};
use crate::report::recordings::RecordingRow;
use crate::report::terminal::{self, Look, write_wrapped};
use crate::trace::Memory;
use crate::units::{Bytes, Rate};

/// The headings of the numbers.
const HEADINGS: [&str; 5] = ["lasted\ns", "samples", "peak RSS\nMiB", "plateau\nMiB", "growth in\n2nd half"];

/// Writes the table and what its words mean.
pub fn write(rows: &[RecordingRow], out: &mut dyn Write, look: Look) -> io::Result<()> {
    writeln!(out, "{}", table(rows, look).trim_fmt())?;
    for line in legend(rows) {
        write_wrapped(out, &line, look.width)?;
    }
    Ok(())
}

fn table(rows: &[RecordingRow], look: Look) -> Table {
    let numbers = HEADINGS.iter().map(|heading| terminal::right((*heading).to_string()));
    let header = [Cell::new("recording")].into_iter().chain(numbers).map(terminal::bold);
    let mut table = terminal::ruled_table(look, header.collect(), false);
    for row in rows {
        let summary = &row.summary;
        let cells = [
            number(summary.lasted_s, if summary.lasted_s < 100.0 { 1 } else { 0 }),
            number(summary.samples as f64, 0),
            peak(summary),
            plateau(summary),
            growth(summary),
        ];
        table.add_row([Cell::new(&row.name)].into_iter().chain(cells.map(terminal::right)));
    }
    table
}

fn peak(summary: &RecordingSummary) -> String {
    summary.peak.map_or(UNKNOWN.to_string(), |peak| match peak.source {
        PeakSource::Kernel => format!("{}\nkernel", mib(peak.rss.as_f64())),
        PeakSource::Sampled => format!("{}\nsampled", mib(peak.rss.as_f64())),
    })
}

fn plateau(summary: &RecordingSummary) -> String {
    summary.plateau.map_or(UNKNOWN.to_string(), |level| {
        format!("{}\n{}", mib(level.as_f64()), level_word(summary.level_of))
    })
}

fn level_word(memory: Memory) -> &'static str {
    if memory == Memory::AnonymousAndSwap { "anon+swap" } else { "RSS" }
}

fn growth(summary: &RecordingSummary) -> String {
    match &summary.growth {
        Ok(growth) => {
            let (number, unit) = plus_minus(growth);
            format!("{number}\n{unit}")
        }
        Err(why) => format!("{UNKNOWN}\n{why}"),
    }
}

/// Growth as in `1.2 ± 0.3`, and its unit.
pub fn plus_minus(growth: &ProgressGrowth) -> (String, &'static str) {
    match growth {
        ProgressGrowth::Frames(growth) => in_unit(growth, &[(1.0, "B/frame")]),
        ProgressGrowth::Written(growth) => {
            in_unit(growth, &[(1.0, "B/MiB written"), (1024.0, "KiB/MiB written")])
        }
        ProgressGrowth::Seconds(growth) => in_unit(growth, &[(1024.0, "KiB/s"), (1024.0 * 1024.0, "MiB/s")]),
    }
}

/// In the largest unit of which it is ten or more, else in the smallest.
fn in_unit<R: Rate>(growth: &Growth<R>, units: &[(f64, &'static str)]) -> (String, &'static str) {
    let (estimate, half_width) = (growth.estimate.bytes(), growth.half_width().bytes());
    let large = |unit: &&(f64, &str)| estimate.abs().max(half_width) >= 10.0 * unit.0;
    let (bytes, unit) = units.iter().rev().find(large).unwrap_or(&units[0]);
    let decimals = usize::from(*bytes > 1.0);
    (format!("{} ± {}", number(estimate / bytes, decimals), number(half_width / bytes, decimals)), unit)
}

fn legend(rows: &[RecordingRow]) -> Vec<String> {
    let some = |has: fn(&RecordingSummary) -> bool| rows.iter().any(|row| has(&row.summary));
    let is_kernel =
        |summary: &RecordingSummary| summary.peak.is_some_and(|peak| peak.source == PeakSource::Kernel);
    let kernel = some(is_kernel)
        .then(|| "peak, kernel: the exact high-water mark of the largest process, above any sample.".into());
    let judged = some(|summary| summary.plateau.is_some() || summary.growth.is_ok()).then(|| {
        "plateau: median from 88 % to 98 % of the way, which is frames, MiB written or seconds as the unit of \
         growth says; growth: from 50 % to 98 % of it, ± its 95 % interval."
            .into()
    });
    let cut_short = rows
        .iter()
        .filter(|row| !row.recording.is_whole)
        .map(|row| format!("{}: not whole: the recording was killed, or still goes on.", row.name));
    let failed = rows.iter().filter_map(|row| Some(format!("{}: {}", row.name, row.failure()?)));
    let unjudged = rows.iter().filter_map(|row| {
        let why = row.summary.growth.as_ref().err()?;
        Some(format!("{}: no growth: {}", row.name, why_unknown(why, row.summary.over)))
    });
    kernel.into_iter().chain(judged).chain(cut_short).chain(failed).chain(unjudged).collect()
}

/// Why growth is not known, with the numbers.
pub fn why_unknown(why: &NoGrowth, over: Over) -> String {
    match why {
        NoGrowth::Unmeasured => "no memory was measured".to_string(),
        NoGrowth::FewSamples { found, least } => {
            format!("too few samples: {found} in its second half, it takes {least}")
        }
        NoGrowth::Short { steps, least } => {
            let unit = match over {
                Over::Frames => "frames",
                Over::Written => "MiB written",
                Over::Seconds => "s",
            };
            format!("too short: its second half is {} {unit}, it takes {least}", number(*steps, 1))
        }
    }
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
    plateau_bytes: Option<Bytes>,
    growth: Option<ToldGrowth>,
    why_no_growth: Option<String>,
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
    let measured = summary.plateau.is_some() || summary.growth.is_ok();
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
        plateau_bytes: summary.plateau,
        growth: summary.growth.as_ref().ok().map(told_growth),
        why_no_growth: summary.growth.as_ref().err().map(|why| why_unknown(why, summary.over)),
        outcome: row.recording.outcome.as_ref().map(|outcome| outcome.word()),
    }
}

fn told_growth(growth: &ProgressGrowth) -> ToldGrowth {
    fn of<R: Rate>(unit: &'static str, growth: &Growth<R>) -> ToldGrowth {
        let [estimate, low, high] = [growth.estimate, growth.low, growth.high].map(R::bytes);
        ToldGrowth { unit, estimate, low, high }
    }
    match growth {
        ProgressGrowth::Frames(growth) => of("bytes/frame", growth),
        ProgressGrowth::Written(growth) => of("bytes/MiB written", growth),
        ProgressGrowth::Seconds(growth) => of("bytes/s", growth),
    }
}
