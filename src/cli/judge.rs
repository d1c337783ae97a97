//! `memreel judge`: whether memory grows in anyone's recording.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::forecast::Forecast;
use super::{Exit, Failure};
use crate::analysis::{self, Drift, ProgressClock};
use crate::report::verdicts::{self, DriftRecord, VerdictRecord};
use crate::report::{Look, write_run_lines};
use crate::trace::{self, ColumnNames, Memory, RunContext};
use crate::verdict::{RunVerdict, judge};
use crate::{store, trace::Series};

/// Say whether memory grows in a recording, by how much, and what could not have been seen
///
/// Judged is growth with each frame exported, of anonymous memory and swap where they were measured. A recording
/// is the folder of a job or of `memreel record`, its samples.csv, a log of psrecord, a .dat file of mprof, or any
/// CSV with time and memory (`--columns`); of several there is a line each. Without frames it is judged by the second, and says what that loses.
///
/// PLATEAU: level. STEP: level but for few rises. PLATEAU_LATE: grew and stopped, a bounded cache. SAWTOOTH: falls
/// again and again. GROWS_AT_CUTS: where clips begin, not between. GROWING: with every frame. LEAK: every export in
/// one process leaves something behind. INCONCLUSIVE: and what would settle it. The exit code is 0 whatever the verdict.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel judge reports/forty-clips/latest/jobs/*
  memreel judge psrecord.log --container stream
  memreel judge trace.csv --columns time=t_s,frames=frames,memory=anon_bytes --cuts cuts.txt
  memreel judge trace.csv --predict 2h --memory 4GiB
  memreel judge --json *.csv | jq -r '[.file, .verdict] | @tsv'")]
pub struct Judge {
    /// Recordings: folders or files
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
    /// Print an object of JSON for each trace, on a line each; sizes are bytes
    #[arg(long)]
    json: bool,
    /// Which columns of a CSV are what: time=NAME, memory=NAME, frames=NAME, threads=NAME, cpu=NAME
    #[arg(long, value_name = "LIST")]
    columns: Option<ColumnNames>,
    /// What was written: an MP4 file keeps an index that grows with every frame, a stream (MPEG-TS, Matroska,
    /// or nothing) does not; default: what the trace says, else mp4
    #[arg(long, value_name = "KIND")]
    container: Option<Kind>,
    /// A file with the frames at which clips begin, one a line; default: what the trace says
    #[arg(long, value_name = "FILE")]
    cuts: Option<PathBuf>,
    #[command(flatten)]
    forecast: Forecast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Mp4,
    Stream,
}

/// What is judged.
struct Subject {
    file: String,
    series: Series,
    context: RunContext,
}

impl Subject {
    fn drift(&self) -> Option<Drift> {
        analysis::cpu_drift(&ProgressClock::of_frames(&self.series), &self.series)
    }
}

impl Judge {
    /// Judges one trace after the other and prints what each shows.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let cuts = self.cuts.as_deref().map(trace::read_cuts).transpose();
        let cuts = cuts.map_err(|error| Failure::usage(error.to_string()))?;
        let mut exit = Exit::Fine;
        for path in &self.traces {
            let mut subject = match self.open(path) {
                Ok(subject) => subject,
                Err(failure) => {
                    failure.print();
                    exit = failure.exit;
                    continue;
                }
            };
            if let Some(cuts) = &cuts {
                subject.context.cuts.clone_from(cuts);
            }
            if let Some(kind) = self.container {
                let name = if kind == Kind::Mp4 { "mp4" } else { "stream" };
                subject.context.container = Some(name.into());
            }
            let verdict = judge(&subject.series, &subject.context);
            match self.json {
                true => self.print_json(&subject, &verdict, out)?,
                false => self.print(&subject, &verdict, out)?,
            }
        }
        Ok(exit)
    }

    fn open(&self, path: &std::path::Path) -> Result<Subject, Failure> {
        let of_user = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
        let trace = store::open_trace(path, self.columns.as_ref()).map_err(|error| of_user(&error))?;
        let series = trace.series(&Memory::JUDGED).map_err(|error| of_user(&error))?;
        Ok(Subject { file: path.display().to_string(), series, context: trace.context.unwrap_or_default() })
    }

    fn print(&self, subject: &Subject, verdict: &RunVerdict, out: &mut dyn Write) -> Result<(), Failure> {
        if self.traces.len() > 1 {
            let headline = verdicts::headline(verdict);
            return Ok(writeln!(out, "{}: {}: {headline}", subject.file, verdict.verdict.word())?);
        }
        writeln!(out, "{}", subject.file)?;
        let prediction = self.forecast.of(verdict, subject.context.rate);
        let forecast = prediction.map(|prediction| verdicts::forecast(prediction, self.forecast.memory()));
        let speed = subject.drift().as_ref().map(verdicts::drift);
        let beside: Vec<_> = speed.into_iter().chain(forecast).collect();
        Ok(write_run_lines(verdict, &beside, out, Look::of_stdout())?)
    }

    fn print_json(
        &self,
        subject: &Subject,
        verdict: &RunVerdict,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut record = VerdictRecord::of(&subject.file, verdict);
        record.speed = subject.drift().map(DriftRecord::from);
        if let Some(prediction) = self.forecast.of(verdict, subject.context.rate) {
            record = record.with(prediction, self.forecast.memory());
        }
        let line = serde_json::to_string(&record).map_err(|error| Failure::harness(error.to_string()))?;
        Ok(writeln!(out, "{line}")?)
    }
}
