//! The numbers of a recording in words, for who has just made it.

use std::io::{self, Write};

use crate::report::number::{mib, number};
use crate::report::recordings::RecordingRow;
use crate::report::terminal::write_wrapped;
use crate::report::verdicts;
use memreel_judge::analysis::{Over, PeakSource, RecordingSummary, SharedPages};

/// Writes whether its memory grows, how long it took, its peak and its level, a line each.
pub fn write(row: &RecordingRow, out: &mut dyn Write, width: u16) -> io::Result<()> {
    let summary = &row.summary;
    let lines = [Some(lasted(summary)), peak(summary), shared(summary), level(summary)];
    write_wrapped(out, &verdicts::of_recording(&summary.verdict, row.failure()), width)?;
    // A command that failed would fail again.
    let next = verdicts::next::of_run(&summary.verdict, &row.recording.made);
    if let Some(next) = next.filter(|_| row.failure().is_none()) {
        writeln!(out, "{next}")?;
    }
    let lines = lines.into_iter().flatten().chain(verdicts::clock(summary.set_back_s));
    lines.into_iter().try_for_each(|line| write_wrapped(out, &line, width))
}

fn lasted(summary: &RecordingSummary) -> String {
    let plural = if summary.samples == 1 { "" } else { "s" };
    let samples = number(summary.samples as f64, 0);
    format!("lasted   {} s, {samples} sample{plural}", number(summary.lasted_s, 1))
}

fn peak(summary: &RecordingSummary) -> Option<String> {
    let peak = summary.peak?;
    let source = match peak.source {
        PeakSource::Kernel => "the kernel's high-water mark of the largest process: exact",
        PeakSource::Sampled => "as sampled over the process tree",
    };
    Some(format!("peak     {} MiB resident ({source})", mib(peak.rss.as_f64())))
}

/// What a page that several processes have in common does to the peak.
fn shared(summary: &RecordingSummary) -> Option<String> {
    let SharedPages { t_s, rss, pss } = summary.shared?;
    let (rss, pss, t_s) = (mib(rss.as_f64()), mib(pss.as_f64()), number(t_s, 1));
    Some(format!(
        "shared   {pss} MiB proportional (PSS), of {rss} MiB resident at {t_s} s: processes share pages, and resident \
         memory counts these once for each process"
    ))
}

fn level(summary: &RecordingSummary) -> Option<String> {
    let level = mib(summary.level?.as_f64());
    let of = way(summary.over);
    Some(format!("level    {level} MiB of {} (median from 88 % to 98 % of {of})", summary.level_of))
}

fn way(over: Over) -> &'static str {
    match over {
        Over::Frames => "the frames",
        Over::Written => "what was written",
        Over::Seconds => "the time",
    }
}
