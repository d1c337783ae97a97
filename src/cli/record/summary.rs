//! What is said when a recording is over.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::cli::Failure;
use crate::report::{Axes, RecordingLine, RecordingReport, TableLook, tell_recording};
use crate::store::{self, Recording};
use memreel_record::launch::EndStatus;
use memreel_record::record::{Ending, RecordingEnd};
use memreel_trace::units::Bytes;
use memreel_trace::{OUT_OF_FILES, Outcome, RecordingRecord};

/// Opens what was just recorded. One that is not kept is called by its program, not by the temporary
/// folder it lies in.
pub fn open(recorded: &RecordingEnd, folder: &Path, is_kept: bool) -> Result<Recording, Failure> {
    let recording = store::open_recording(folder)?;
    let path = if is_kept { recording.path.clone() } else { PathBuf::from(program(&recorded.record)) };
    Ok(Recording { path, ..recording })
}

/// A recording that has just ended: `recording.json` and its numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SummaryFacts<'a> {
    #[serde(flatten)]
    record: &'a RecordingRecord,
    /// The largest resident set of the whole process tree at any sample, in bytes.
    sampled_peak_bytes: Option<Bytes>,
    /// The number of processes that the command left running.
    left_running: u64,
    /// The output of `memreel summary --json` for the recording.
    #[schemars(with = "RecordingLine")]
    summary: Value,
}

impl<'a> SummaryFacts<'a> {
    /// Of what was recorded, and lies on the disk.
    pub(in crate::cli) fn of(
        recorded: &'a RecordingEnd,
        kept: Recording,
    ) -> Result<SummaryFacts<'a>, Failure> {
        let mut summary = Vec::new();
        RecordingReport::read(vec![kept], Axes::default())?.print_json(&mut summary)?;
        Ok(SummaryFacts {
            record: &recorded.record,
            sampled_peak_bytes: recorded.sampled_peak,
            left_running: recorded.left_running,
            summary: serde_json::from_slice(&summary).map_err(std::io::Error::from)?,
        })
    }

    /// Writes it for programs.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

/// A few lines for people: what memory did, then how it was measured. Draws the plot on the way.
pub fn in_words(recorded: &RecordingEnd, kept: Recording, plot: Option<&Path>) -> Result<String, Failure> {
    let record = &recorded.record;
    let mut told = Vec::new();
    tell_recording(kept, plot, &mut told, TableLook::of_stderr())?;
    let mut text = format!("{}\n{}", headline(recorded), String::from_utf8_lossy(&told));
    let mut line = |name: &str, what: String| {
        let _ = writeln!(text, "{name:<9}{what}");
    };
    line("largest", peaks(recorded));
    line("cpu", cpu(record));
    line("sampled", samples(record));
    line("cost", cost(record));
    match recorded.left_running {
        0 => {}
        1 => line("left", "1 process is still running".into()),
        count => line("left", format!("{count} processes are still running")),
    }
    // What failed is told by itself.
    let failed = |note: &&String| recorded.ran_out_of_files && *note == OUT_OF_FILES;
    for note in record.notes.iter().filter(|note| !failed(note)) {
        line("unread", note.clone());
    }
    Ok(text)
}

fn headline(recorded: &RecordingEnd) -> String {
    let record = &recorded.record;
    let (name, seconds) = (program(record), record.wall_s);
    let what = if record.attached { format!("{name} (PID {})", record.pid) } else { name };
    let how = match (&recorded.ending, &record.outcome) {
        (Ending::Ended(EndStatus::Exit(0)), _) => "finished".into(),
        (Ending::Ended(EndStatus::Exit(code)), _) => format!("ended with exit code {code}"),
        (Ending::Gone, _) => "has ended".into(),
        (Ending::OutOfTime, Some(Outcome::TimedOut { .. })) => "was ended".into(),
        (Ending::OutOfTime | Ending::Stopped | Ending::Unwritten, _) => "is still running".into(),
        (_, Some(outcome)) => outcome.to_string(),
        (_, None) => "has ended".into(),
    };
    format!("memreel: {what} {how} after {seconds:.2} s")
}

/// The program's file name.
fn program(record: &RecordingRecord) -> String {
    let path = record.command.first().map_or("", String::as_str);
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path).to_string()
}

/// Both views of the largest resident set: neither holds the other.
fn peaks(recorded: &RecordingEnd) -> String {
    let kernel = recorded.record.high_water_bytes.map(|kernel| format!("{kernel} in one process"));
    let sampled = recorded.sampled_peak.map(|peak| format!("{peak} in all processes together, sampled"));
    let known: Vec<_> = kernel.into_iter().chain(sampled).collect();
    if known.is_empty() { "not measured".into() } else { known.join("; ") }
}

fn cpu(record: &RecordingRecord) -> String {
    match record.cpu_s {
        Some(cpu) if record.wall_s > 0.0 => {
            format!("{cpu:.2} s ({:.0} % of one core)", cpu / record.wall_s * 100.0)
        }
        Some(cpu) => format!("{cpu:.2} s"),
        None => "unknown".into(),
    }
}

fn samples(record: &RecordingRecord) -> String {
    let sampling = &record.sampling;
    let mut text = sampling.samples.to_string();
    if sampling.samples > 1 {
        let _ = write!(text, ", {:.1} per second", sampling.achieved_hz);
    }
    for (count, what) in
        [(sampling.late, "late"), (sampling.missed, "missed"), (sampling.lost_rows, "lost by a slow disk")]
    {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

fn cost(record: &RecordingRecord) -> String {
    let (cpu, wall) = (record.overhead.harness_cpu_s, record.wall_s);
    let share =
        if wall > 0.0 { format!(" ({:.2} % of one core)", cpu / wall * 100.0) } else { String::new() };
    let private = record.overhead.harness_private_bytes.map(|bytes| format!(", {bytes} of memory"));
    format!("{:.1} ms of CPU{share}{}", cpu * 1e3, private.unwrap_or_default())
}
