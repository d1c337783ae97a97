//! `memreel plot`: recordings over each other in one picture.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Failure, summary};
use crate::report::{Axes, Picture};
use memreel_judge::analysis::Over;
use memreel_trace::Memory;

/// Plot the memory of recordings, one line per recording
///
/// The name of a recording is at the right of its line; time starts at the start of each recording. Marks that were
/// set while recording are shown above the lines. A plot of a single recording also shows the CPU use, in percent of
/// one core, on the right-hand axis. Every spike is visible, however many samples there are.
///
/// A recording is anything that `memreel summary` reads: a folder or CSV file of memreel's, a log of psrecord
/// (plain or CSV), a .dat file of mprof, any CSV table with a time and memory.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel plot recording.csv
  memreel plot before after -o compared.svg
  memreel plot reports/forty-clips/latest/jobs/* --over frames
  memreel plot psrecord.log mprofile_20260101120000.dat --column rss")]
pub struct PlotCommand {
    /// Recordings: folders or files
    #[arg(required = true, value_name = "RECORDING")]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    columns: summary::Columns,
    /// The plot file; its extension selects .png or .svg
    #[arg(short, long, value_name = "FILE", default_value = "memory.png")]
    output: PathBuf,
    /// Kind of memory; default: anonymous memory and swap if all recordings have it, else rss
    #[arg(long, value_enum)]
    column: Option<Column>,
    /// Horizontal axis
    #[arg(long, value_enum, default_value_t = Across::Time)]
    over: Across,
}

/// A kind of memory.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Column {
    /// Resident set size
    Rss,
    /// Resident anonymous memory
    Anon,
    /// Anonymous memory, resident or swapped out
    AnonSwap,
    /// Proportional set size: shared pages divided among the processes that share them
    Pss,
    /// Address space
    Virtual,
    /// Resident pages of files
    File,
    /// Resident shared memory
    Shmem,
    /// Swapped-out memory
    Swap,
}

/// What lies across.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Across {
    /// Seconds since each recording began
    Time,
    /// Frames exported
    Frames,
    /// MiB written
    Written,
}

impl From<Column> for Memory {
    fn from(column: Column) -> Memory {
        match column {
            Column::Rss => Memory::Rss,
            Column::Anon => Memory::Anonymous,
            Column::AnonSwap => Memory::AnonymousAndSwap,
            Column::Pss => Memory::Pss,
            Column::Virtual => Memory::Virtual,
            Column::File => Memory::File,
            Column::Shmem => Memory::Shared,
            Column::Swap => Memory::Swap,
        }
    }
}

impl From<Across> for Over {
    fn from(across: Across) -> Over {
        match across {
            Across::Time => Over::Seconds,
            Across::Frames => Over::Frames,
            Across::Written => Over::Written,
        }
    }
}

impl PlotCommand {
    /// Reads the recordings, draws them and says where.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let picture = Picture::of_path(&self.output).ok_or_else(|| {
            let output = self.output.display();
            Failure::usage(format!("{output}: the name of a plot must end in .png or .svg"))
        })?;
        let axes = Axes { memory: self.column.map(Memory::from), over: self.over.into() };
        let report = summary::read(&self.recordings, &self.columns, axes)?;
        if let Some(why) = report.why_no_plot() {
            return Err(Failure::usage(format!("nothing to plot: {why}")));
        }
        report.write_plot(&self.output, picture)?;
        writeln!(out, "{}", self.output.display())?;
        Ok(Exit::Fine)
    }
}
