//! Memory of a function: each repeat of it in a process of its own, so that nothing which ran before is in it.
//!
//! The process is this very program, started again. So what a benchmark or a test measures beside time is asked for in
//! three steps: [`is_repeat`] first thing in `main`, [`measure`] where the figures are wanted, and [`check()`] to hold them
//! against a [`Baseline`] or budgets, with the same error rate for all of them together as exports have
//! ([`memreel_judge::check`]).
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use memreel::function::{self, Baseline, Conclusion, Function};
//!
//! fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
//!     let frames = Function { name: "frames", run: &|| drop(vec![1u8; 64 << 20]) };
//!     if function::is_repeat(&[frames]) {
//!         return Ok(ExitCode::SUCCESS);
//!     }
//!     let measured = function::measure(&[frames], 5)?;
//!     let baseline = Baseline::parse(&std::fs::read_to_string("memory.baseline")?)?;
//!     let check = function::check("my-benchmarks", &measured, &[], Some(&baseline));
//!     function::write_check("my-benchmarks", &check, Some("memory.baseline"), &mut std::io::stdout())?;
//!     Ok(ExitCode::from(u8::from(check.conclusion() == Conclusion::Failed)))
//! }
//! ```
//!
//! **What the figures are.** The peak is the kernel's own high-water mark of the process's resident memory, so none is
//! missed; what the program takes before it calls the function is in it, which is a few MiB. The level is anonymous
//! memory and swap when the function has returned: what it left behind. Both are read by the process itself, at its end;
//! of processes that the function starts nothing is known.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use command_fds::{CommandFdExt, FdMapping};

use crate::baseline::BaselineKey;
use crate::report::checks::{self, Strictness, Told};
use crate::report::{Report, TableLook};
use memreel_judge::check::{self, Against, Changed, CheckedVariant};
use memreel_record::{machine, proc};
use memreel_trace::MachineClass;
use memreel_trace::units::Bytes;

pub use crate::baseline::{Baseline, BaselineEntry};
pub use crate::report::ReportError;
pub use memreel_judge::budget::{Budget, Figure, Figures};
pub use memreel_judge::check::{Check, Conclusion};

/// Names the function that a process is to run.
const REPEAT_OF: &str = "MEMREEL_REPEAT_OF";
/// Where a process finds the pipe for what it has to tell.
const PIPE: i32 = 10;
/// What stands in a baseline in the place of an engine.
const ENGINE: &str = "function";

/// A function whose memory is measured.
#[derive(Clone, Copy)]
pub struct Function<'a> {
    /// What tells it from others.
    pub name: &'a str,
    /// What is run.
    pub run: &'a dyn Fn(),
}

/// What the repeats of a function took.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredFunction {
    /// Its name.
    pub name: String,
    /// The peak and the level of each repeat.
    pub runs: Vec<Figures>,
}

/// Why a function was not measured.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// This program could not be started again.
    #[error("cannot start this program again: {0}")]
    Start(#[from] io::Error),
    /// The process of a repeat did not come to its end: the function panicked, or was killed.
    #[error("{name}: repeat {repeat} ended with {status}")]
    Failed {
        /// Which function.
        name: String,
        /// From 1.
        repeat: usize,
        /// How the process ended.
        status: ExitStatus,
    },
    /// The process did something else.
    #[error("{name}: repeat {repeat} reported no figures; call memreel::function::is_repeat first in main")]
    Silent {
        /// Which function.
        name: String,
        /// From 1.
        repeat: usize,
    },
}

/// Whether this process is a repeat. If so, its function has been run when this returns, and `main` has to return, too.
///
/// To be asked before anything that takes memory.
pub fn is_repeat(functions: &[Function<'_>]) -> bool {
    let Some(name) = std::env::var_os(REPEAT_OF) else { return false };
    if let Some(function) = functions.iter().find(|function| name == function.name) {
        (function.run)();
        // Whoever reads it says that there was nothing to read.
        let _ = tell(&taken());
    }
    true
}

/// Runs each function so often, all of them once, then all again.
///
/// # Errors
/// When a process cannot be started, or does not come to its end.
pub fn measure(functions: &[Function<'_>], repeats: usize) -> Result<Vec<MeasuredFunction>, FunctionError> {
    let measured =
        |function: &Function<'_>| MeasuredFunction { name: function.name.into(), runs: Vec::new() };
    let mut all: Vec<_> = functions.iter().map(measured).collect();
    for repeat in 1..=repeats {
        for measured in &mut all {
            let taken = run(&measured.name, repeat)?;
            measured.runs.push(taken);
        }
    }
    Ok(all)
}

/// What was measured as entries of a baseline, under the name of a group. The machine is this one; how the program was
/// built is not told: that it changes is what is asked about.
pub fn entries(group: &str, measured: &[MeasuredFunction]) -> Vec<BaselineEntry> {
    let saved = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let class = class();
    let entry = |measured: &MeasuredFunction| BaselineEntry {
        key: key(group, &measured.name, &class),
        settings: BTreeMap::new(),
        engine: ENGINE.into(),
        saved: saved.clone(),
        runs: measured.runs.clone(),
    };
    measured.iter().map(entry).collect()
}

/// Holds what was measured against budgets, which are those of each function, and a baseline where there is one.
pub fn check(
    group: &str,
    measured: &[MeasuredFunction],
    budgets: &[(Figure, Budget)],
    baseline: Option<&Baseline>,
) -> Check {
    let (class, none) = (class(), BTreeMap::new());
    let against = |name: &str| match baseline
        .map(|baseline| baseline.runs_of(&key(group, name, &class), &none, &[], false))
    {
        None => Against::Nothing,
        Some(Ok(runs)) => Against::Runs(runs.to_vec()),
        Some(Err(nearest)) => {
            let before = nearest.entry.map(|entry| entry.runs.clone()).unwrap_or_default();
            Against::Changed(Changed { why: nearest.why, names: Vec::new(), before, accepted: false })
        }
    };
    let subject = |measured: &MeasuredFunction| CheckedVariant {
        name: measured.name.clone(),
        runs: measured.runs.clone(),
        missing: 0,
        budgets: budgets.to_vec(),
        against: against(&measured.name),
    };
    check::check(&measured.iter().map(subject).collect::<Vec<_>>(), &[], &[])
}

/// Writes a check for the terminal, as `memreel check` does; `baseline` is what it is called.
///
/// # Errors
/// When the writer takes no more.
pub fn write_check(
    group: &str,
    check: &Check,
    baseline: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let report = Report {
        scenario: group.into(),
        question: String::new(),
        varied: Vec::new(),
        shard: None,
        machines: Vec::new(),
        experiments: Vec::new(),
        jobs: Vec::new(),
    };
    let told = Told {
        report: &report,
        check,
        baseline: baseline.map(String::from),
        strictness: Strictness::default(),
        scenario_file: None,
    };
    checks::write_check(&told, out, TableLook::of_stdout())
}

fn class() -> MachineClass {
    let builds = BTreeMap::from([(ENGINE.to_string(), String::new())]);
    MachineClass { builds, ..MachineClass::of(&machine::describe()) }
}

fn key(group: &str, name: &str, class: &MachineClass) -> BaselineKey {
    BaselineKey { scenario: group.into(), variant: name.into(), class: class.clone(), export: ENGINE.into() }
}

/// A repeat in a process of its own, which runs this program as this one was run.
fn run(name: &str, repeat: usize) -> Result<Figures, FunctionError> {
    let (mut reader, writer) = io::pipe()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(REPEAT_OF, name).stdin(Stdio::null());
    let mapping = FdMapping { parent_fd: writer.into(), child_fd: PIPE };
    command.fd_mappings(vec![mapping]).map_err(io::Error::other)?;
    let mut child = command.spawn()?;
    // The builder holds the other end of the pipe: while it lives that never comes to its end.
    drop(command);
    let mut said = String::new();
    let read = reader.read_to_string(&mut said);
    let status = child.wait()?;
    if !status.success() {
        return Err(FunctionError::Failed { name: name.into(), repeat, status });
    }
    read?;
    heard(&said).ok_or_else(|| FunctionError::Silent { name: name.into(), repeat })
}

/// What this process has taken so far.
fn taken() -> Figures {
    let read = |file: &str| fs::read(format!("/proc/self/{file}")).unwrap_or_default();
    let (status, rollup) = (proc::status(&read("status")), proc::rollup(&read("smaps_rollup")));
    let level =
        rollup.anonymous.or(status.anon).map(|anonymous| anonymous + status.swap.unwrap_or(Bytes::ZERO));
    Figures::default()
        .with(Figure::Peak, status.high_water.map(Bytes::as_f64))
        .with(Figure::Level, level.map(Bytes::as_f64))
}

fn tell(taken: &Figures) -> io::Result<()> {
    let mut pipe = OpenOptions::new().write(true).open(format!("/proc/self/fd/{PIPE}"))?;
    for figure in Figure::ALL {
        if let Some(number) = taken.get(figure) {
            writeln!(pipe, "{} {number}", figure.name())?;
        }
    }
    Ok(())
}

/// What a process told; `None` where that is nothing.
fn heard(said: &str) -> Option<Figures> {
    let lines = said.lines().filter_map(|line| line.split_once(' '));
    let figures = lines.filter_map(|(name, number)| Some((Figure::named(name)?, number.parse().ok()?)));
    let all = figures.fold(Figures::default(), |all, (figure, number)| all.with(figure, Some(number)));
    (all != Figures::default()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn a_process_knows_its_peak_and_what_is_left() {
        let memory = std::hint::black_box(vec![1u8; 64 * MIB]);
        let with = taken();
        drop(memory);
        let after = taken();
        let mib = |taken: &Figures, figure: Figure| taken.get(figure).unwrap() / MIB as f64;
        assert!(mib(&with, Figure::Level) > 64.0 && mib(&with, Figure::Peak) > 64.0, "{with:?}");
        // The kernel's high-water mark is exact to its counters, which it brings together now and then.
        assert!(mib(&after, Figure::Level) < 32.0 && mib(&after, Figure::Peak) > 63.0, "{after:?}");
    }

    #[test]
    fn what_a_process_tells_is_heard_and_nothing_is_no_measurement() {
        let figures = heard("peak 4096\nlevel 1024.5\nanother 3\n").unwrap();
        assert_eq!((figures.get(Figure::Peak), figures.get(Figure::Level)), (Some(4096.0), Some(1024.5)));
        assert_eq!((heard(""), heard("running 1 test\n")), (None, None));
    }

    #[test]
    fn what_is_kept_of_a_function_is_compared_with_it_and_with_no_other() {
        let run = |peak: f64| Figures::default().with(Figure::Peak, Some(peak * MIB as f64));
        let measured = |name: &str, peak: f64| MeasuredFunction {
            name: name.into(),
            runs: [0.0, 0.1, 0.2].map(|more| run(peak + more)).into(),
        };
        let kept = Baseline::default().with(&entries("group", &[measured("one", 64.0)]));
        let kept = Baseline::parse(&kept.text()).unwrap();
        let states = |name, peak| -> Vec<_> {
            let check = check("group", &[measured(name, peak)], &[], Some(&kept));
            check.items.iter().map(|item| item.state).collect()
        };
        assert_eq!(states("one", 64.0), [check::State::Passed]);
        assert_eq!(states("one", 128.0), [check::State::Failed]);
        assert_eq!(states("another", 64.0), [check::State::NotComparable]);
    }
}
