//! `memreel record`: any command, or a process that runs already.

mod live_line;
mod summary;

pub use summary::SummaryFacts;

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Exit, Failure, again, duration, say};
use crate::engine::Companions;
use crate::report::Picture;
use crate::store;
use memreel_record::launch::EndStatus;
use memreel_record::progress::Pattern;
use memreel_record::record::{
    self, Content, Ending, Folder, LogLayout, Order, ProgressSource, PsrecordLog, RecordError, RecordingEnd,
    What,
};
use memreel_record::sampler::{Detail, Live, Settings};
use memreel_record::writer::{SamplesFile, Sink, TraceFiles};
use memreel_trace::{OUT_OF_FILES, TraceError, WorkUnit};

use live_line::LiveLine;

/// Of `env` and `timeout`: the duration was over.
const OUT_OF_TIME: u8 = 124;
/// Their own fault.
const OUR_FAULT: u8 = 125;
/// Wrong options, where a command is recorded.
pub const USAGE: Exit = Exit::Passed(OUR_FAULT);
/// The program was found and could not be executed.
const NOT_EXECUTABLE: u8 = 126;
/// The program was not found.
const NOT_FOUND: u8 = 127;

const AFTER_HELP: &str = "\
Examples:
  memreel record -- make -j8                     how much memory does a build take?
  memreel record --live 4711                     a running process; Ctrl-C ends the recording
  memreel record --log activity.txt 4711         a log like that of psrecord
  memreel record --plot a.svg -- ./render a.mov  a plot
  memreel record --save kept -- ./render a.mov   keep everything; then `memreel summary kept`
  memreel record --progress-file p.txt -- ffmpeg -progress p.txt -i a.mov a.mp4
  memreel record --progress-regex 'frame= *([0-9]+)' -- ffmpeg -i a.mov a.mp4
  memreel record --marks /tmp/marks -- ./server  in another shell: echo loaded > /tmp/marks

All figures are of the whole process tree: the process and all its descendants, including those whose \
parent has ended. Only --log counts the process alone, as psrecord does, unless --include-children is \
given.

A command runs as it would without memreel: in this terminal, with its keyboard and input. Signals to \
memreel are passed on to it. Processes that it leaves running are counted and not ended. SIGUSR1 to \
memreel sets a mark.

Exit codes with a command:
  that of the command, or 128 + N if signal N ended it
  124  --duration ended it
  125  memreel failed, a file could not be written although the command succeeded, or its options are invalid
  126  the command was found and cannot be executed
  127  the command was not found
Exit codes with a PID:
  0    the process ended, or --duration, Ctrl-C or SIGTERM ended the recording
  2    there is no such process, it has no memory (a kernel thread), or the options are invalid
  5    memreel failed";

/// Record the memory of a command or of a running process
///
/// Samples the whole process tree from outside, 50 times per second: memory by kind, CPU, threads, input
/// and output. Prints the result on standard error. All samples are on disk before they are judged.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, override_usage = "\
memreel record [OPTIONS] PID
       memreel record [OPTIONS] -- COMMAND [ARGUMENT]…")]
pub struct RecordCommand {
    /// PID of a running process
    #[arg(value_name = "PID", num_args = 0..)]
    process: Vec<OsString>,
    /// Command to start, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,

    /// Time between two samples: 0.02 (seconds), 20ms, 1s; 0 is as fast as possible
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration::parse, allow_hyphen_values = true)]
    interval: Duration,
    /// Record no longer than this: 90 (seconds), 5m, 2h. A command is then ended, with all that it started:
    /// SIGTERM, and SIGKILL two seconds later
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    duration: Option<Duration>,
    /// Continue until all processes that the command started have ended: for commands that go into the
    /// background
    #[arg(long, requires = "command")]
    wait_for_all: bool,
    /// What to read: `rss` is only resident, anonymous and virtual memory, for the shortest intervals
    #[arg(long, value_name = "DETAIL", default_value = "all")]
    detail: DetailWord,
    /// Use real-time scheduling, so that samples are on time on a busy machine
    #[arg(long)]
    realtime: bool,

    /// Keep the recording in this folder: recording.json, samples.csv, threads.csv, processes.csv (if
    /// there is more than one process) and events.csv
    #[arg(long, value_name = "DIR", help_heading = "Output files")]
    save: Option<PathBuf>,
    /// Replace a recording in that folder
    #[arg(long, requires = "save", help_heading = "Output files")]
    force: bool,
    /// Write the samples, as in samples.csv, to this file
    #[arg(long, value_name = "FILE", help_heading = "Output files")]
    csv: Option<PathBuf>,
    /// Write the summary as JSON to this file; `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Output files")]
    json: Option<PathBuf>,
    /// Plot memory and CPU use to this .png or .svg
    #[arg(long, value_name = "FILE", help_heading = "Output files")]
    plot: Option<PathBuf>,
    /// Write a log with the columns of psrecord
    #[arg(long, value_name = "FILE", help_heading = "Output files")]
    log: Option<PathBuf>,
    /// Format of the log
    #[arg(long, value_name = "LAYOUT", default_value = "plain", help_heading = "Output files")]
    log_format: LayoutWord,
    /// Include child processes in the log; all other output always includes them
    #[arg(long, help_heading = "Output files")]
    include_children: bool,
    /// Add input and output to the log: numbers of read and write calls, bytes read from and written to storage
    #[arg(long, help_heading = "Output files")]
    include_io: bool,

    /// Read the number of frames from the output of the command, by a regular expression: its group `frames`,
    /// or else its first group. The output then passes through a pipe, unchanged and without delay. With
    /// --progress-file the expression is applied to the end of that file instead
    #[arg(long, value_name = "REGEX", value_parser = Pattern::new, help_heading = "Progress and marks")]
    progress_regex: Option<Pattern>,
    /// Read the number of frames from the end of this file, whenever it changes: the last `frame=N`, as
    /// `ffmpeg -progress FILE` writes it, or else the last number
    #[arg(long, value_name = "FILE", help_heading = "Progress and marks")]
    progress_file: Option<PathBuf>,
    /// What the progress counts: frame, item (pages, files …); MiB: no progress is read, and the MiB written by
    /// the process count
    #[arg(long, value_name = "UNIT", default_value = "frame", help_heading = "Progress and marks")]
    unit: WorkUnit,
    /// Set a mark for each line written to this named pipe; if there is none, it is created, and removed at
    /// the end
    #[arg(long, value_name = "FIFO", help_heading = "Progress and marks")]
    marks: Option<PathBuf>,

    /// Show the current figures on one line, if standard error is a terminal
    #[arg(long)]
    live: bool,
    /// Print no summary
    #[arg(long, short)]
    quiet: bool,

    /// Run the command this often, as `memreel run --command` does: its output goes to engine.log, and the exit code is
    /// that of `memreel run`. `memreel compare` compares such recordings
    #[arg(long, value_name = "N", requires = "command", requires = "name", help_heading = "Repeats")]
    #[arg(conflicts_with_all = ["process", "save", "csv", "json", "plot", "log", "marks", "live", "duration"])]
    repeat: Option<u32>,
    /// The name of the repeats: they are kept in reports/NAME
    #[arg(long, value_name = "NAME", requires = "repeat", help_heading = "Repeats")]
    name: Option<String>,
}

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DetailWord {
    Rss,
    All,
}

/// How the log is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LayoutWord {
    Plain,
    Csv,
}

/// Whether a command is to be recorded: then wrong options are told by another exit code, one that the
/// command itself would hardly give.
pub fn is_for_a_command(mut words: impl Iterator<Item = OsString>) -> bool {
    words.nth(1).is_some_and(|word| word == "record") && words.any(|word| word == "--")
}

impl RecordCommand {
    /// Records, says what there was, and gives the command's exit code.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let is_command = !self.command.is_empty();
        if let Some(repeat) = self.repeat {
            return self.repeated(repeat, out);
        }
        self.record(out).map_err(|failure| match failure.exit {
            Exit::Usage | Exit::HarnessFailed if is_command => {
                Failure { exit: Exit::Passed(OUR_FAULT), ..failure }
            }
            _ => failure,
        })
    }

    /// Several times: as `memreel run` does it.
    fn repeated(self, repeat: u32, out: &mut dyn Write) -> Result<Exit, Failure> {
        let utf8 = |word: &OsString| word.clone().into_string();
        let words: Vec<String> = self
            .command
            .iter()
            .map(utf8)
            .collect::<Result<_, _>>()
            .map_err(|word| Failure::usage(format!("{}: the word is not UTF-8", word.display())))?;
        let command = shlex::try_join(words.iter().map(String::as_str));
        let command = command.map_err(|_| Failure::usage("the command has a null character"))?;
        let mut run =
            vec!["run".to_string(), "--command".into(), command, "--repeat".into(), repeat.to_string()];
        run.extend(self.name.iter().flat_map(|name| ["--name".to_string(), name.clone()]));
        run.extend(["--interval".into(), self.interval.as_secs_f64().to_string()]);
        let regex = self.progress_regex.as_ref().and_then(Pattern::given).map(str::to_string);
        let file = self.progress_file.as_ref().map(|path| path.display().to_string());
        for (name, value) in [("--progress-regex", regex), ("--progress-file", file)] {
            run.extend(value.into_iter().flat_map(|value| [name.to_string(), value]));
        }
        if !self.unit.is_frame() {
            run.extend(["--unit".to_string(), self.unit.name().into()]);
        }
        again(run, out)
    }

    fn record(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        self.check()?;
        let what = self.what()?;
        let is_command = what.is_command();
        let (folder, sinks) = self.outputs()?;
        let order = Order {
            what,
            settings: self.settings(),
            duration: self.duration,
            progress: self.progress()?,
            unit: self.unit,
            marks: self.marks.clone(),
        };
        let mut has_failed = false;
        let mut tell = |error: &TraceError| {
            has_failed = true;
            let goes_on = if is_command { "; the command continues" } else { "" };
            say(format_args!("memreel: cannot write {error}{goes_on}"));
        };
        let live = Arc::new(Live::default());
        let recorded = record::record(order, sinks, &live, &mut tell)?;
        if let Ending::NotStarted(error) = &recorded.ending {
            let program = &recorded.record.command[0];
            match error.kind() {
                std::io::ErrorKind::NotFound => {
                    say(format_args!("memreel: `{program}` was not found ({error})"))
                }
                _ => say(format_args!("memreel: cannot execute `{program}`: {error}")),
            }
            return Ok(exit(&recorded));
        }
        // Without its samples a recording is not whole, and must not look so.
        if !has_failed {
            match self.tell(&recorded, &folder, out) {
                Err(failure) if is_command => {
                    has_failed = true;
                    failure.print();
                }
                told => told?,
            }
        }
        if recorded.ran_out_of_files {
            has_failed = true;
            say(format_args!("memreel: {OUT_OF_FILES}"));
        }
        // How the command failed is worth more than how we did.
        match exit(&recorded) {
            Exit::Passed(0) if has_failed => Ok(Exit::Passed(OUR_FAULT)),
            exit => Ok(exit),
        }
    }

    /// What clap cannot say.
    fn check(&self) -> Result<(), Failure> {
        let wrong = |message: &str| Err(Failure::usage(message));
        if self.plot.as_ref().is_some_and(|path| Picture::of_path(path).is_none()) {
            return wrong("the name of a plot must end in .png or .svg");
        }
        if [&self.csv, &self.log].into_iter().flatten().any(|path| path == Path::new("-")) {
            return wrong("only --json can go to standard output with `-`; --csv and --log need a file");
        }
        if self.log.is_some() && self.detail == DetailWord::Rss {
            return wrong("--log needs CPU time, which --detail rss does not read");
        }
        if self.unit == WorkUnit::Mebibyte && (self.progress_regex.is_some() || self.progress_file.is_some())
        {
            return wrong(
                "--unit MiB counts what the process writes; leave out --progress-regex and --progress-file",
            );
        }
        if self.progress_regex.is_some() && self.progress_file.is_none() && self.command.is_empty() {
            return wrong(
                "--progress-regex cannot read the output of a process that is already running; if the process \
                 writes its progress to a file, give --progress-file",
            );
        }
        Ok(())
    }

    fn what(&self) -> Result<What, Failure> {
        if self.command.is_empty() {
            return process(&self.process).map(What::Process);
        }
        if let Some(first) = self.process.first() {
            let first = first.to_string_lossy();
            return Err(Failure::usage(format!(
                "`{first}` is before the command; give either a PID or a command"
            )));
        }
        let launcher =
            Companions::usual().launcher().map_err(|missing| Failure::harness(missing.to_string()))?;
        Ok(What::Command { launcher, words: self.command.clone(), wait_for_all: self.wait_for_all })
    }

    fn settings(&self) -> Settings {
        Settings {
            interval: self.interval,
            detail: if self.detail == DetailWord::Rss { Detail::Resident } else { Detail::Full },
            realtime: self.realtime,
            root_at_each_tick: self.log.is_some(),
        }
    }

    fn progress(&self) -> Result<ProgressSource, Failure> {
        let pattern = self.progress_regex.clone();
        Ok(match (&self.progress_file, pattern) {
            (Some(path), pattern) => ProgressSource::File {
                path: path.clone(),
                pattern: pattern.unwrap_or_else(Pattern::usual_of_files),
            },
            (None, Some(pattern)) => {
                let own = |stream: &dyn AsFd| stream.as_fd().try_clone_to_owned().map(File::from);
                ProgressSource::Output { pattern, to: (own(&std::io::stdout())?, own(&std::io::stderr())?) }
            }
            (None, None) => ProgressSource::Written,
        })
    }

    /// Opens everything that is written, so that what cannot be is known before a command is started.
    fn outputs(&self) -> Result<(Folder, Vec<Box<dyn Sink>>), Failure> {
        let at_the_end = self.json.iter().filter(|path| *path != Path::new("-")).chain(&self.plot);
        for path in at_the_end {
            record::check_writable(path).map_err(|error| unwritable(path, &error))?;
        }
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(path) = &self.log {
            let layout = if self.log_format == LayoutWord::Csv { LogLayout::Csv } else { LogLayout::Plain };
            let content = Content { children: self.include_children, io: self.include_io };
            sinks.push(Box::new(PsrecordLog::create(path, layout, content)?));
        }
        let folder = match &self.save {
            Some(path) => Folder::to_keep(path, self.force).map_err(|error| unwritable(path, &error))?,
            None => Folder::temporary()
                .map_err(|error| Failure::harness(format!("cannot create a temporary folder: {error}")))?,
        };
        match &self.csv {
            // Written once, where it is a file that can be read again.
            Some(path) if self.save.is_none() && !memreel_trace::is_special(path) => {
                sinks.push(Box::new(TraceFiles::create_with_samples_in(folder.path(), path)?));
            }
            csv => {
                if let Some(path) = csv {
                    sinks.push(Box::new(SamplesFile::create(path)?));
                }
                sinks.push(Box::new(TraceFiles::create(folder.path())?));
            }
        }
        if self.live && std::io::stderr().is_terminal() {
            sinks.push(Box::new(LiveLine::new(Box::new(std::io::stderr()), self.duration)));
        }
        Ok((folder, sinks))
    }

    /// Completes the recording and says what there was.
    fn tell(&self, recorded: &RecordingEnd, folder: &Folder, out: &mut dyn Write) -> Result<(), Failure> {
        // The record comes last: with it, all is there.
        if self.save.is_some() {
            store::sync(folder.path())?;
        }
        store::write_json(&folder.path().join("recording.json"), &recorded.record)?;
        let kept = || summary::open(recorded, folder.path(), self.save.is_some());
        match self.json.as_deref() {
            Some(path) if path == Path::new("-") => {
                summary::SummaryFacts::of(recorded, kept()?)?.write(out)?
            }
            Some(path) => {
                let facts = summary::SummaryFacts::of(recorded, kept()?)?;
                store::write_whole(path, &store::json(path, &facts)?)?;
            }
            None => {}
        }
        if !self.quiet || self.plot.is_some() {
            let words = summary::in_words(recorded, kept()?, self.plot.as_deref())?;
            if !self.quiet {
                say(format_args!("{}", words.trim_end()));
            }
        }
        Ok(())
    }
}

/// The one process number that is given.
fn process(words: &[OsString]) -> Result<i32, Failure> {
    let [word] = words else {
        return Err(match words {
            [] => Failure::usage("give a PID, or a command as in `memreel record -- sleep 5`"),
            _ => no_number(words),
        });
    };
    word.to_str().and_then(|word| word.parse().ok()).ok_or_else(|| no_number(words))
}

fn no_number(words: &[OsString]) -> Failure {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let (first, all) = (&words[0], words.join(" "));
    match first.parse::<i64>() {
        Ok(_) => Failure::usage(format!("`{all}` is not a PID: give one PID; child processes are included")),
        Err(_) => Failure::usage(format!(
            "`{first}` is not a PID; write a command after two dashes: memreel record -- {all}"
        )),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::harness(format!("cannot write {}: {error}", path.display()))
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Failure {
        Failure::harness(format!("cannot write {error}"))
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Failure {
        let message = error.to_string();
        if error.is_of_the_process() { Failure::usage(message) } else { Failure::harness(message) }
    }
}

fn exit(recorded: &RecordingEnd) -> Exit {
    let is_command = !recorded.record.attached;
    match &recorded.ending {
        Ending::Ended(EndStatus::Exit(code)) => Exit::Passed(*code as u8),
        Ending::Ended(EndStatus::Signal(signal)) => Exit::Passed(128 + *signal as u8),
        Ending::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound => Exit::Passed(NOT_FOUND),
        Ending::NotStarted(_) => Exit::Passed(NOT_EXECUTABLE),
        Ending::OutOfTime if is_command => Exit::Passed(OUT_OF_TIME),
        Ending::OutOfTime | Ending::Gone | Ending::Stopped => Exit::Fine,
        Ending::Unwritten => Exit::HarnessFailed,
    }
}
