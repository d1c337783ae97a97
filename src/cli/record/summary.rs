//! What is said when a recording is over.

use std::fmt::Write as _;
use std::io::Write;

use serde::Serialize;

use crate::launch::Status;
use crate::record::{Ending, Recorded};
use crate::trace::{Outcome, RecordingRecord};
use crate::units::Bytes;

/// All that is known beside the samples, for `--json`.
#[derive(Debug, Serialize)]
pub struct Known<'a> {
    #[serde(flatten)]
    record: &'a RecordingRecord,
    /// The largest resident set of the whole tree at any sample.
    sampled_peak_bytes: Bytes,
    /// Processes that the command left running.
    left_running: u64,
}

impl<'a> Known<'a> {
    /// Of this recording.
    pub fn of(recorded: &'a Recorded) -> Known<'a> {
        Known {
            record: &recorded.record,
            sampled_peak_bytes: recorded.sampled_peak,
            left_running: recorded.left_running,
        }
    }

    /// Writes it for programs.
    pub fn write_json(&self, out: &mut dyn Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

/// A few lines for people.
pub fn in_words(recorded: &Recorded) -> String {
    let record = &recorded.record;
    let mut text = String::new();
    let mut line = |name: &str, what: String| {
        let _ = writeln!(text, "  {name:<8}{what}");
    };
    line("peak", peak(recorded));
    line("time", time(record));
    line("samples", samples(record));
    line("cost", cost(record));
    match recorded.left_running {
        0 => {}
        1 => line("left", "1 process still runs".into()),
        count => line("left", format!("{count} processes still run")),
    }
    for note in &record.notes {
        line("unread", note.clone());
    }
    format!("{}\n{text}", headline(recorded))
}

fn headline(recorded: &Recorded) -> String {
    let record = &recorded.record;
    let (name, seconds) = (program(record), record.wall_s);
    let what = if record.attached { format!("{name} (PID {})", record.pid) } else { name };
    let how = match (&recorded.ending, &record.outcome) {
        (Ending::Ended(Status::Exit(0)), _) => "finished".into(),
        (Ending::Ended(Status::Exit(code)), _) => format!("ended with exit code {code}"),
        (Ending::Gone, _) => "has ended".into(),
        (Ending::OutOfTime, Some(Outcome::TimedOut { .. })) => "was ended".into(),
        (Ending::OutOfTime | Ending::Stopped | Ending::Unwritten, _) => "still runs".into(),
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

fn peak(recorded: &Recorded) -> String {
    let sampled = recorded.sampled_peak;
    match recorded.record.high_water_bytes {
        Some(kernel) => {
            format!("{kernel} its largest process (the kernel's mark), {sampled} all together (sampled)")
        }
        None => format!("{sampled} all together (sampled)"),
    }
}

fn time(record: &RecordingRecord) -> String {
    let wall = record.wall_s;
    match record.cpu_s {
        Some(cpu) if wall > 0.0 => {
            format!("{wall:.2} s, CPU {cpu:.2} s ({:.0} % of one)", cpu / wall * 100.0)
        }
        _ => format!("{wall:.2} s"),
    }
}

fn samples(record: &RecordingRecord) -> String {
    let sampling = &record.sampling;
    let mut text = format!("{}, {:.1} a second", sampling.samples, sampling.achieved_hz);
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
    let share = if wall > 0.0 { format!(" ({:.2} % of one)", cpu / wall * 100.0) } else { String::new() };
    let private = record.overhead.harness_private_bytes.map(|bytes| format!(", {bytes} of memory"));
    format!("{:.1} ms of CPU{share}{}", cpu * 1e3, private.unwrap_or_default())
}
