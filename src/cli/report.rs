//! `memreel report`: draw everything again from the files.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure};
use crate::report::{self, TableLook};
use crate::store::{self, StoredResult};

/// Recreate the table, summary.csv and the plots of a result from its files
#[derive(Debug, Args)]
pub struct ReportCommand {
    /// The folder of a result: reports/SCENARIO/TIME, or reports/SCENARIO/latest
    folder: PathBuf,
}

impl ReportCommand {
    /// Writes the files and prints the table.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let result = store::open_result(&self.folder)?;
        tell(&result, out)?;
        Ok(Exit::Fine)
    }
}

/// Writes a result's summary and plots, and prints its table and sentences.
pub fn tell(result: &StoredResult, out: &mut dyn Write) -> Result<(), Failure> {
    let report = report::Report::read(result)?;
    let paths = report.write_all(&result.folder)?;
    report.print(out, TableLook::of_stdout())?;
    writeln!(out, "\n{}", paths.summary.display())?;
    for plot in paths.plots.iter().filter(|plot| plot.extension().is_some_and(|ending| ending == "png")) {
        writeln!(out, "{}", plot.display())?;
    }
    Ok(())
}
