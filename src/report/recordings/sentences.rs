//! The numbers of a recording in words, for who has just made it.

use std::io::{self, Write};

use crate::analysis::{Over, PeakSource, ProgressGrowth, RecordingSummary};
use crate::report::number::{mib, number};
use crate::report::recordings::RecordingRow;
use crate::report::recordings::table::{plus_minus, why_unknown};
use crate::report::terminal::write_wrapped;
use crate::units::Rate;

/// Writes how long it took, its peak, its plateau and its growth, a line each; of what was not measured
/// why.
pub fn write(row: &RecordingRow, out: &mut dyn Write, width: u16) -> io::Result<()> {
    let summary = &row.summary;
    let failure = row.failure().map(|outcome| format!("ended    {outcome}"));
    let lines = [Some(lasted(summary)), failure, peak(summary), plateau(summary), Some(growth(summary))];
    lines.into_iter().flatten().try_for_each(|line| write_wrapped(out, &line, width))
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

fn plateau(summary: &RecordingSummary) -> Option<String> {
    let level = mib(summary.plateau?.as_f64());
    let of = way(summary.over);
    Some(format!("plateau  {level} MiB of {} (median from 88 % to 98 % of {of})", summary.level_of))
}

fn growth(summary: &RecordingSummary) -> String {
    match &summary.growth {
        Ok(growth) => {
            let (number, unit) = plus_minus(growth);
            let of = way(summary.over);
            let level = summary.level_of;
            format!("growth   {number} {unit} of {level} from 50 % to 98 % of {of}: {}", verdict(growth))
        }
        Err(why) => format!("growth   unknown: {}", why_unknown(why, summary.over)),
    }
}

fn way(over: Over) -> &'static str {
    match over {
        Over::Frames => "the frames",
        Over::Written => "what was written",
        Over::Seconds => "the time",
    }
}

/// What the interval says.
fn verdict(growth: &ProgressGrowth) -> &'static str {
    let (low, high) = match growth {
        ProgressGrowth::Frames(growth) => (growth.low.bytes(), growth.high.bytes()),
        ProgressGrowth::Written(growth) => (growth.low.bytes(), growth.high.bytes()),
        ProgressGrowth::Seconds(growth) => (growth.low.bytes(), growth.high.bytes()),
    };
    match () {
        () if low > 0.0 => "it rose there",
        () if high < 0.0 => "it fell there",
        () => "none that can be told from zero",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Growth;
    use crate::units::BytesPerSecond;

    fn of(low: f64, high: f64) -> ProgressGrowth {
        let rate = |bytes| BytesPerSecond(bytes * 1024.0);
        ProgressGrowth::Seconds(Growth {
            estimate: rate((low + high) / 2.0),
            low: rate(low),
            high: rate(high),
        })
    }

    #[test]
    fn an_interval_around_zero_is_no_growth() {
        assert_eq!(verdict(&of(-1.0, 2.0)), "none that can be told from zero");
        assert_eq!(verdict(&of(0.0, 0.0)), "none that can be told from zero");
        assert_eq!((verdict(&of(1.0, 2.0)), verdict(&of(-2.0, -1.0))), ("it rose there", "it fell there"));
    }

    #[test]
    fn a_growth_is_told_in_a_unit_that_leaves_digits() {
        assert_eq!(plus_minus(&of(1.0, 3.0)), ("2.0 ± 1.0".to_string(), "KiB/s"));
        assert_eq!(plus_minus(&of(10_240.0, 30_720.0)), ("20.0 ± 10.0".to_string(), "MiB/s"));
    }
}
