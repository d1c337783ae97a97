//! `memreel summary`: the numbers of recordings, a row each.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure};
use crate::report::{Axes, RecordingReport, ReportError, TableLook};
use crate::store::{self, Recording};
use memreel_trace::ColumnNames;

/// Compare recordings in a table: peak, level, and whether memory grows
///
/// A recording is the folder or the CSV file of `memreel record`, a job's folder of `memreel run`
/// (reports/SCENARIO/TIME/jobs/NAME), a log of psrecord (plain or CSV), a .dat file of mprof, or any CSV table
/// with a time and memory. The format is detected.
///
/// peak: the largest resident set, as sampled over the process tree, or the kernel's high-water mark of its
/// largest process if that is known and larger. level: the median from 88 % to 98 % of the recording. memory grows:
/// the answer of `memreel judge`, per frame if frames are counted, else per second. Level and growth are those of
/// anonymous memory plus swap, or of the resident set if the recording has nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel summary before after
  memreel summary reports/forty-clips/latest/jobs/*
  memreel summary psrecord.log mprofile_20260101120000.dat
  memreel summary heap.csv --columns time=when:ms,memory=heap:MiB
  memreel summary --json before after | jq '.growth.estimate'")]
pub struct SummaryCommand {
    /// Recordings: folders or files
    #[arg(required = true, value_name = "RECORDING")]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    columns: Columns,
    /// Print one JSON object per recording, one per line; sizes are bytes, times seconds, and null was not
    /// measured
    #[arg(long)]
    json: bool,
}

/// Which columns of the recordings hold what.
#[derive(Debug, Args)]
pub struct Columns {
    /// Columns of a CSV table: time, memory, frames, threads, cpu, each =COLUMN or =COLUMN:UNIT. Units: B, kB, KiB,
    /// MB, MiB, GB, GiB, pages; s, ms, us, ns, min; % of a CPU. The others are found by their usual names (time,
    /// rss_mb …). A memory column with `anon` in its name is anonymous memory, else resident memory
    #[arg(long = "columns", value_name = "NAMES")]
    names: Option<ColumnNames>,
}

impl SummaryCommand {
    /// Reads the recordings and prints their numbers.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let report = read(&self.recordings, &self.columns, Axes::default())?;
        if self.json {
            report.print_json(out)?;
        } else {
            report.print(out, TableLook::of_stdout())?;
        }
        Ok(Exit::Fine)
    }
}

/// Opens and reads recordings; one whose content makes no sense is the user's mistake, not ours.
pub fn read(paths: &[PathBuf], columns: &Columns, axes: Axes) -> Result<RecordingReport, Failure> {
    let recordings = paths.iter().map(|path| store::open_trace(path, columns.names.as_ref()));
    let recordings: Vec<Recording> = recordings.collect::<Result<_, _>>()?;
    RecordingReport::read(recordings, axes).map_err(|error| match &error {
        ReportError::Trace(trace) if trace.is_content() => Failure::usage(error.to_string()),
        _ => error.into(),
    })
}
