//! `memreel explain`: a verdict, step by step, with the figures of that run.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::forecast::ForecastOptions;
use super::judge::JudgeSubject;
use super::{Exit, Failure};
use crate::report::{self, TableLook};
use crate::store;

/// Explain the verdict on a result or a recording, with its own figures
///
/// For a result it explains, for each engine and threading, the answer of all its jobs and the evidence, and shows
/// one of the runs in detail. For a job's folder or another recording it explains that one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel explain reports/forty-clips/latest
  memreel explain reports/long/latest --predict 2h --memory 4GiB
  memreel explain recording/")]
pub struct ExplainCommand {
    /// The folder of a result (reports/SCENARIO/TIME), of a job, or a recording
    #[arg(value_name = "DIR")]
    path: PathBuf,
    #[command(flatten)]
    forecast: ForecastOptions,
}

impl ExplainCommand {
    /// Reads, judges and explains.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let look = TableLook::of_stdout();
        if self.path.join("result.json").is_file() {
            let report = report::Report::read(&store::open_result(&self.path)?)?;
            if report.measured().next().is_none() {
                return Err(Failure::usage(format!(
                    "{}: none of the jobs of this result has run",
                    self.path.display()
                )));
            }
            report::write_explanation(
                &report,
                &|verdict, rate| self.forecast.words(verdict, rate),
                out,
                look,
            )?;
            return Ok(Exit::Fine);
        }
        let subject = JudgeSubject::open(&self.path, None)?;
        let verdict = subject.verdict();
        report::write_run(&verdict, &subject.lines(&verdict, &self.forecast), out, look)?;
        Ok(Exit::Fine)
    }
}
