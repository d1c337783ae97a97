//! `memreel plot`: recordings over each other in one picture.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Failure, summary};
use crate::analysis::Over;
use crate::report::{Axes, Picture};
use crate::trace::Memory;

/// Draw the memory of recordings over each other
///
/// Each recording has a line, with its name at the right; time begins with each of them. Moments that were
/// marked while recording stand above. Of a single recording the CPU use is drawn as well, in percent of
/// one core, against the right-hand axis. However many samples, no spike is lost.
///
/// A recording is what `memreel summary` reads: a folder or CSV file of memreel's, a log of psrecord
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
    /// The picture; its ending says whether it is a .png or an .svg
    #[arg(short, long, value_name = "FILE", default_value = "memory.png")]
    output: PathBuf,
    /// Which memory. Unless told: anonymous memory and swap where all recordings have it, else rss
    #[arg(long, value_enum)]
    column: Option<Column>,
    /// Over what
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
    /// Proportional set size: shared pages divided among those who share them
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
            Failure::usage(format!("{output}: a plot is a .png or an .svg, by the file's ending"))
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
