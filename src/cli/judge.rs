//! `memreel judge`: whether memory grows in anyone's recording.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::forecast::ForecastOptions;
use super::{Exit, Failure};
use crate::report::verdicts::next::{Experiment, Next};
use crate::report::verdicts::{self, DriftRecord, VerdictRecord};
use crate::report::{self, RunLines, TableLook, write_run_lines};
use crate::store::{self, Recorded, StoreError};
use memreel_judge::analysis::{self, Drift, ProgressClock};
use memreel_judge::{RunVerdict, judge_export};
use memreel_trace::{ColumnNames, Memory, Outcome, RunContext, Series};

/// Answer whether memory grows in a recording, by how much, and which leak could be missed
///
/// memreel judges growth per frame, of anonymous memory plus swap if they were measured. A recording is the folder of
/// a job or of `memreel record`, its samples.csv, a log of psrecord, a .dat file of mprof, or any CSV with time and
/// memory (`--columns`). With several recordings, each gets one line. Without frames, memreel judges growth per second
/// and states the limits of that.
///
/// The first line is the answer: whether memory grows, with what, and by how much. Memory grows with frames, first
/// uses of a source, other cuts, or exports in one process; if two of these cannot be distinguished, both are named.
/// After an inconclusive answer the next line is a command that can decide. The exit code is 0 whatever the answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel judge reports/forty-clips/latest/jobs/*
  memreel judge psrecord.log --container stream
  memreel judge recording.csv --columns time=t_s,frames=frames,memory=anon_bytes --cuts cuts.txt
  memreel judge recording.csv --cuts cuts.txt --first-uses sources.txt
  memreel judge recording.csv --predict 2h --memory 4GiB
  memreel judge --json *.csv | jq -r '[.file, .verdict] | @tsv'")]
pub struct JudgeCommand {
    /// Recordings: folders or files
    #[arg(required = true, value_name = "RECORDING")]
    recordings: Vec<PathBuf>,
    /// Print one JSON object per recording, one per line; sizes are bytes
    #[arg(long)]
    json: bool,
    /// Columns of a CSV: time=NAME, memory=NAME, frames=NAME, threads=NAME, cpu=NAME
    #[arg(long, value_name = "LIST")]
    columns: Option<ColumnNames>,
    /// Container that was written. mp4, mov, nut and avi keep an index that grows with every frame; matroska and
    /// webm keep one of keyframes; mpegts and null (no file) keep none; stream: matroska or less. Default: that of the
    /// recording or of its command, else mp4 if frames are counted, else null
    #[arg(long, value_name = "KIND")]
    container: Option<Kind>,
    /// File with the frames at which clips begin, one per line; default: those of the recording
    #[arg(long, value_name = "FILE")]
    cuts: Option<PathBuf>,
    /// File with the frames at which a source is used for the first time, including the first (0)
    #[arg(long, value_name = "FILE")]
    first_uses: Option<PathBuf>,
    /// File with the frames at which the second, third … export in the process begins
    #[arg(long, value_name = "FILE")]
    exports: Option<PathBuf>,
    #[command(flatten)]
    forecast: ForecastOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Mp4,
    Mov,
    Nut,
    Avi,
    Matroska,
    Webm,
    Mpegts,
    Null,
    Stream,
}

/// What is judged.
pub struct JudgeSubject {
    series: Series,
    context: RunContext,
    made: Recorded,
    /// How the result was made that it is a job of.
    experiment: Option<Experiment>,
    outcome: Option<Outcome>,
    is_whole: bool,
}

impl JudgeSubject {
    /// Reads a job, a recording or a table.
    pub fn open(path: &Path, columns: Option<&ColumnNames>) -> Result<JudgeSubject, StoreError> {
        let trace = store::open_trace(path, columns)?;
        let series = trace.series(&Memory::JUDGED)?;
        let context = trace.context.unwrap_or_default();
        let index = path.ancestors().nth(2).and_then(|result| store::open_index(result).ok());
        let experiment = index.as_ref().map(report::experiment);
        let (made, outcome, is_whole) = (trace.made, trace.outcome, trace.is_whole);
        Ok(JudgeSubject { series, context, made, experiment, outcome, is_whole })
    }

    /// The lines that are printed of it.
    pub fn lines(&self, verdict: &RunVerdict, forecast: &ForecastOptions) -> RunLines {
        let beside = self.beside(verdict, forecast);
        RunLines { answer: self.answer(verdict), next: self.next(verdict), beside }
    }

    /// What it shows.
    pub fn verdict(&self) -> RunVerdict {
        judge_export(&self.series, &self.context, self.failure().is_none())
    }

    /// What is to be said beside the verdict: its speed, and a longer export where one is asked about.
    fn beside(&self, verdict: &RunVerdict, forecast: &ForecastOptions) -> Vec<String> {
        let speed = self.drift().as_ref().map(verdicts::drift);
        let clock = verdicts::clock(self.series.set_back_s());
        verdicts::incomplete(self.is_whole)
            .into_iter()
            .chain(clock)
            .chain(speed)
            .chain(forecast.words(verdict, self.context.rate))
            .collect()
    }

    /// The answer, with how the command failed if it did.
    fn answer(&self, verdict: &RunVerdict) -> String {
        verdicts::of_recording(verdict, self.failure())
    }

    /// How the command ended, where that was not well.
    fn failure(&self) -> Option<&Outcome> {
        self.outcome.as_ref().filter(|outcome| !outcome.is_finished())
    }

    /// What can decide an inconclusive answer.
    fn next(&self, verdict: &RunVerdict) -> Option<Next> {
        // A command that failed would fail again.
        if self.failure().is_some() {
            return None;
        }
        match &self.experiment {
            Some(experiment) => verdicts::next::of_job(verdict, experiment),
            None => verdicts::next::of_run(verdict, &self.made),
        }
    }

    fn drift(&self) -> Option<Drift> {
        analysis::cpu_drift(&ProgressClock::of_frames(&self.series), &self.series)
    }
}

impl JudgeCommand {
    /// Judges one recording after the other and prints what each shows.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let frames = |file: &Option<PathBuf>| {
            let frames = file.as_deref().map(memreel_trace::read_cuts).transpose();
            frames.map_err(|error| Failure::usage(error.to_string()))
        };
        let [cuts, first_uses, exports] = [&self.cuts, &self.first_uses, &self.exports].map(frames);
        let (cuts, first_uses, exports) = (cuts?, first_uses?, exports?);
        let mut exit = Exit::Fine;
        for path in &self.recordings {
            let mut subject = match JudgeSubject::open(path, self.columns.as_ref()) {
                Ok(subject) => subject,
                Err(error) => {
                    let failure = Failure::usage(error.to_string());
                    failure.print();
                    exit = failure.exit;
                    continue;
                }
            };
            let context = &mut subject.context;
            let given = [
                (&cuts, &mut context.cuts),
                (&first_uses, &mut context.first_uses),
                (&exports, &mut context.exports),
            ];
            for (frames, known) in
                given.into_iter().filter_map(|(frames, known)| Some((frames.as_ref()?, known)))
            {
                known.clone_from(frames);
            }
            if let Some(kind) = self.container {
                let name = kind.to_possible_value().map(|value| value.get_name().to_string());
                subject.context.container = name;
            }
            let file = path.display().to_string();
            match self.json {
                true => self.print_json(&file, &subject, out)?,
                false => self.print(&file, &subject, out)?,
            }
        }
        Ok(exit)
    }

    fn print(&self, file: &str, subject: &JudgeSubject, out: &mut dyn Write) -> Result<(), Failure> {
        let verdict = subject.verdict();
        if self.recordings.len() > 1 {
            writeln!(out, "{file}: {}", subject.answer(&verdict))?;
            let forecast = self.forecast.words(&verdict, subject.context.rate);
            return Ok(forecast.iter().try_for_each(|words| writeln!(out, "  {words}"))?);
        }
        let lines = subject.lines(&verdict, &self.forecast);
        Ok(write_run_lines(&verdict, &lines, out, TableLook::of_stdout())?)
    }

    fn print_json(&self, file: &str, subject: &JudgeSubject, out: &mut dyn Write) -> Result<(), Failure> {
        let verdict = subject.verdict();
        let mut record = VerdictRecord::of(file, &verdict);
        record.complete = subject.is_whole;
        record.answer = subject.answer(&verdict);
        record.next = subject.next(&verdict).and_then(Next::into_command);
        record.speed = subject.drift().map(DriftRecord::from);
        if let Some(prediction) = self.forecast.of(&verdict, subject.context.rate) {
            record = record.with(prediction, self.forecast.memory());
        }
        let line = serde_json::to_string(&record).map_err(|error| Failure::harness(error.to_string()))?;
        Ok(writeln!(out, "{line}")?)
    }
}
