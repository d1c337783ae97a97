//! The command line: the only place that knows clap, and where its words become the library's types.

mod ab;
mod allowed;
mod baseline;
mod changes;
mod check;
mod compare;
mod doctor;
mod duration;
mod engines;
mod explain;
mod forecast;
mod headroom;
mod inspect;
mod judge;
mod layout;
mod merge;
mod plan;
mod plot;
mod progress;
mod record;
mod report;
mod run;
mod scenarios;
mod summary;
mod version;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};

pub(crate) use inspect::InspectRecord;
pub(crate) use plan::PlanRecord;
pub(crate) use record::SummaryFacts;

use crate::engine::Companions;
use crate::execution::ExecutionError;
use crate::media::MediaError;
use crate::plan::ShardError;
use crate::report::{Reader, ReportError, Visible, stderr_width, stdout_width, write_lines};
use crate::scenario::ScenarioError;
use crate::store::StoreError;

/// What the process's exit code means. The numbers are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// A check failed: memory grows, a budget is broken, or something is worse than the baseline.
    CheckFailed,
    /// The command line or the scenario is wrong, or nothing of it can be run.
    Usage,
    /// A check is open, and that was not to pass.
    Inconclusive,
    /// An engine is missing or did not do what it was asked.
    EngineFailed,
    /// memreel itself could not do its work.
    HarnessFailed,
    /// The user ended the run before all of it was measured (128 + SIGINT, as shells have it).
    Interrupted,
    /// That of the command that was recorded, or what `env` and `timeout` would say in its place.
    Passed(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Fine => 0,
            Exit::CheckFailed => 1,
            Exit::Usage => 2,
            Exit::Inconclusive => 3,
            Exit::EngineFailed => 4,
            Exit::HarnessFailed => 5,
            Exit::Interrupted => 130,
            Exit::Passed(code) => code,
        })
    }
}

impl Exit {
    /// The one of two that the user has to know of first: what memreel could not do, then what engines did not,
    /// then what a check came to.
    fn or_worse(self, other: Exit) -> Exit {
        let order = [
            Exit::Interrupted,
            Exit::HarnessFailed,
            Exit::EngineFailed,
            Exit::CheckFailed,
            Exit::Inconclusive,
        ];
        let otherwise = if self == Exit::Fine { other } else { self };
        order.into_iter().find(|exit| [self, other].contains(exit)).unwrap_or(otherwise)
    }
}

/// One line for the user, and the exit code.
#[derive(Debug)]
struct Failure {
    message: String,
    exit: Exit,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), exit: Exit::Usage }
    }

    fn harness(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), exit: Exit::HarnessFailed }
    }

    /// Whether it is only that whoever read our output has seen enough.
    fn is_reader_gone(&self) -> bool {
        self.exit == Exit::Fine
    }

    fn print(&self) {
        if !self.message.is_empty() {
            say(format_args!("memreel: {}", self.message));
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Failure {
        Failure::usage(error.to_string())
    }
}

impl From<ShardError> for Failure {
    fn from(error: ShardError) -> Failure {
        Failure::usage(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match &error {
            StoreError::NoResult { .. }
            | StoreError::ResultIsFile { .. }
            | StoreError::NoRecording { .. }
            | StoreError::InUse { .. }
            | StoreError::LatestIsTaken { .. }
            | StoreError::NotOfAResult { .. }
            | StoreError::NoName { .. }
            | StoreError::Version { .. }
            | StoreError::Json { .. } => Failure::usage(error.to_string()),
            StoreError::Io { source, .. } if memreel_bounds::is_refusal(source) => {
                Failure::usage(error.to_string())
            }
            StoreError::Trace(trace) if trace.is_content() => Failure::usage(trace.to_string()),
            _ => Failure::harness(error.to_string()),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Failure {
        match error {
            ReportError::Io(error) => error.into(),
            _ => Failure::harness(error.to_string()),
        }
    }
}

impl From<ExecutionError> for Failure {
    fn from(error: ExecutionError) -> Failure {
        let message = error.to_string();
        match error {
            ExecutionError::Media(error) => error.into(),
            ExecutionError::Store(error) => error.into(),
            ExecutionError::Missing(_) | ExecutionError::Run(_) => Failure::harness(message),
        }
    }
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Failure {
        let exit = match &error {
            error if error.is_stop() => Exit::Interrupted,
            error if error.is_scenarios_fault() => Exit::Usage,
            _ => Exit::HarnessFailed,
        };
        Failure { message: error.to_string(), exit }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match error.kind() {
            // `memreel doctor | head`
            std::io::ErrorKind::BrokenPipe => Failure { message: String::new(), exit: Exit::Fine },
            _ => Failure::harness(error.to_string()),
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
    0  success
    1  a check failed: memory grows, a budget is exceeded, or something is worse than the baseline
    2  the command line, the scenario or a recording is invalid, or nothing of it can run here
    3  a check is inconclusive, with --strict, or it did not compare what its baseline has
    4  an engine is not installed, or it failed
    5  memreel itself failed (for example a full disk, or a missing companion program)
  130  interrupted by the user before all was measured";

/// Exports video timelines with real engines and measures the memory of their processes from outside.
///
/// A scenario (a small TOML file) describes the export, the engines, the threading and the repeats.
/// `memreel run` exports every variant, samples the engine's process tree, and writes CSV, plots and a
/// table: how much memory each variant takes, whether it grows and with what, and how fast it is.
///
/// Start with `memreel doctor` (what is installed?), `memreel scenarios` (which scenarios are there?)
/// and `memreel run one-clip`.
#[derive(Debug, Parser)]
#[command(version, disable_version_flag = true, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Cli {
    /// Print the version; --version adds the commit, the rules and the FFmpeg of memreel-export
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunCommand>),
    Ab(Box<ab::AbCommand>),
    Compare(compare::CompareCommand),
    Headroom(Box<headroom::HeadroomCommand>),
    Record(record::RecordCommand),
    Plan(Box<plan::PlanCommand>),
    Merge(merge::MergeCommand),
    Report(report::ReportCommand),
    Check(check::CheckCommand),
    Baseline(baseline::BaselineCommand),
    Explain(explain::ExplainCommand),
    Judge(judge::JudgeCommand),
    Summary(summary::SummaryCommand),
    Plot(plot::PlotCommand),
    Inspect(inspect::InspectCommand),
    Layout(layout::LayoutCommand),
    Scenarios(scenarios::ScenariosCommand),
    Engines(engines::EnginesCommand),
    Doctor(doctor::DoctorCommand),
}

/// The command line as clap has it, for what is written from it: man pages and completions of shells.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line and returns its exit code; errors are printed as one line.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error)
            if error.kind() == ErrorKind::DisplayVersion && version::is_in_full(std::env::args_os()) =>
        {
            // A reader that went away has read enough.
            let _ = version::print(&Companions::usual(), &mut std::io::stdout().lock());
            return Exit::Fine;
        }
        Err(error) => {
            let _ = error.print();
            return match error.use_stderr() {
                false => Exit::Fine,
                true if record::is_for_a_command(std::env::args_os()) => record::USAGE,
                true => Exit::Usage,
            };
        }
    };
    let mut out = visible(std::io::stdout().lock());
    let result = match cli.command {
        Command::Run(command) => command.run(&mut out),
        Command::Ab(command) => command.run(&mut out),
        Command::Compare(command) => command.run(&mut out),
        Command::Headroom(command) => command.run(&mut out),
        Command::Record(command) => command.run(&mut out),
        Command::Plan(command) => command.run(&mut out),
        Command::Merge(command) => command.run(&mut out),
        Command::Report(command) => command.run(&mut out),
        Command::Check(command) => command.run(&mut out),
        Command::Baseline(command) => command.run(&mut out),
        Command::Explain(command) => command.run(&mut out),
        Command::Judge(command) => command.run(&mut out),
        Command::Summary(command) => command.run(&mut out),
        Command::Plot(command) => command.run(&mut out),
        Command::Inspect(command) => command.run(&mut out),
        Command::Layout(command) => command.run(&mut out),
        Command::Scenarios(command) => command.run(&mut out),
        Command::Engines(command) => command.run(&mut out),
        Command::Doctor(command) => command.run(&mut out),
    };
    let _ = out.flush();
    result.unwrap_or_else(|failure| {
        failure.print();
        failure.exit
    })
}

/// Another command in the place of this one, from its words: what one command is a short form of.
fn again(words: Vec<String>, out: &mut dyn Write) -> Result<Exit, Failure> {
    let all = std::iter::once("memreel".to_string()).chain(words);
    match Cli::try_parse_from(all).map(|cli| cli.command) {
        Ok(Command::Run(command)) => command.run(out),
        Ok(_) => Err(Failure::usage("only `memreel run` has short forms")),
        Err(error) => Err(Failure::usage(error.to_string().lines().next().unwrap_or_default().to_string())),
    }
}

/// A line on standard error; a terminal that is narrower shows it on several. That nobody reads it is no reason to
/// stop.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = write_lines(&mut visible(std::io::stderr()), &format!("{line}\n"), stderr_width());
}

/// Standard output or error, on which text of others obeys nothing.
fn visible<W: Write + IsTerminal>(stream: W) -> Visible<W> {
    let obeys_lines = is_on_github();
    let reader = Reader { is_person: obeys_lines || stream.is_terminal(), obeys_lines };
    Visible::new(stream, reader)
}

/// Whether a runner of GitHub's reads what we print.
fn is_on_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Lines for standard output, of any length: a terminal that is narrower shows them on several.
fn print_lines(
    out: &mut dyn Write,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut lines = Vec::new();
    write(&mut lines)?;
    Ok(write_lines(out, &String::from_utf8_lossy(&lines), stdout_width())?)
}
