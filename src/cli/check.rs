//! `memreel check`: a result against its budgets and a baseline.

mod outputs;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use self::outputs::Outputs;
use super::{Exit, Failure, changes, report, say, visible};
use crate::baseline::{self, Baseline};
use crate::report::Report;
use crate::report::checks::{Strictness, Told};
use crate::result_check;
use crate::scenario::{Scenario, nearest};
use crate::store::{self, StoreError, StoredResult};
use memreel_bounds as bounds;
use memreel_judge::budget::Budgets;
use memreel_judge::check::{Check, Conclusion};

/// Check a result against its budgets and a baseline
///
/// The check fails if memory grows with frames or cuts, or an export leaks; if a budget is exceeded; or if a figure
/// is certainly worse than the baseline by more than the tolerance. Inconclusive results pass with a warning. If
/// nothing has changed, at most 1 check in 100 fails, however many figures it judges.
///
/// Results of other settings, another class of machine, another kernel or another build of the engine are not compared:
/// both figures are shown with what differs, and the check has not passed (exit code 3) unless --accept-change says that
/// the difference is meant. Peak, level and growth are judged; CPU time, speed and threads only if a budget
/// names them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel check reports/forty-clips/latest
  memreel check reports/forty-clips/latest --baseline memreel.baseline
  memreel check reports/forty-clips/latest --baseline reports/forty-clips/2026-11-26T15-39-13Z
  memreel check reports/forty-clips/latest --budget peak=400MiB --budget level.more=5%
  memreel check reports/forty-clips/latest --baseline memreel.baseline --junit memreel.xml --markdown memreel.md

Budgets: peak, level, growth_per_frame, growth_per_source, growth_per_cut, growth_per_export,
cpu_per_frame, frames_per_second, threads, descriptors_left. KEY=VALUE sets a limit, as KEY.limit
does; KEY.more (speed: KEY.less) sets the tolerance against the baseline; KEY.soft=true only warns.
In a scenario they are the table [budgets].

Exit codes:
  0  nothing failed; inconclusive results are warnings
  1  memory grows, a budget is exceeded, or something is worse than the baseline
  2  the command line, the scenario or a baseline is invalid
  3  inconclusive, with --strict; or something of the baseline was not compared (with --strict: 1)
  4  an engine failed
  5  memreel itself failed
If several apply, the exit code is the first of these: 5, 4, 1, 3.")]
pub struct CheckCommand {
    /// The folder of a result: reports/SCENARIO/TIME, or reports/SCENARIO/latest
    result: PathBuf,
    #[command(flatten)]
    options: CheckOptions,
}

/// How a result is checked.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Checking")]
pub struct CheckOptions {
    /// Baseline to compare with: a file of `memreel baseline save`, or the folder of another result
    #[arg(long, value_name = "FILE|DIR")]
    baseline: Option<PathBuf>,
    /// Compare also with a baseline of another build of the engine
    #[arg(long)]
    across_builds: bool,
    /// Show a difference to the baseline that is meant, and do not judge it: an axis (preset, threading …), timeline,
    /// build, machine, or missing for variants that are not run any more. Afterwards save the baseline anew
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "baseline")]
    accept_change: Vec<String>,
    /// What fails it, and where that is reported.
    #[command(flatten)]
    pub judging: Judging,
}

/// What fails a check, whatever a result is compared with, and where that is told.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Checking")]
pub struct Judging {
    /// Add a budget to those of the scenario: peak=400MiB, level.more=5%, frames_per_second.limit=24
    #[arg(long = "budget", value_name = "KEY=VALUE")]
    budgets: Vec<String>,
    /// Treat inconclusive results as failures: exit code 3
    #[arg(long)]
    strict: bool,
    /// Report failures as warnings and exit 0, except if an engine failed
    #[arg(long, conflicts_with = "strict")]
    warn_only: bool,
    #[command(flatten)]
    outputs: Outputs,
}

impl CheckCommand {
    /// Checks and says so.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let result = store::open_result(&self.result)?;
        if result.jobs.is_empty() {
            let folder = self.result.display();
            return Err(Failure::usage(format!("{folder}: nothing to check: none of its jobs has run")));
        }
        let exit = self.options.check(&result, out)?;
        let failed = result.jobs.iter().filter(|job| is_failure(&job.record.outcome)).count();
        if failed > 0 {
            say(format_args!("memreel: {failed} of {} exports failed", result.jobs.len()));
            return Ok(exit.or_worse(Exit::EngineFailed));
        }
        Ok(exit)
    }
}

fn is_failure(outcome: &memreel_trace::Outcome) -> bool {
    outcome.is_final() && !outcome.is_finished()
}

impl CheckOptions {
    /// Whether any of them was given.
    pub fn is_given(&self) -> bool {
        let CheckOptions { baseline, across_builds, accept_change, judging } = self;
        baseline.is_some() || *across_builds || !accept_change.is_empty() || judging.is_given()
    }

    /// Finds what is wrong with the budgets and the baseline before anything is exported.
    pub fn verify(&self, scenario: &Scenario) -> Result<(), Failure> {
        self.judging.verify(scenario)?;
        self.baseline.as_deref().map(read_baseline).transpose()?;
        Ok(())
    }

    /// A change that is accepted has to be one that there can be.
    fn check_names(&self, result: &StoredResult) -> Result<(), Failure> {
        let axes = result.index.jobs.iter().flat_map(|job| &job.variant).map(|(axis, _)| axis.as_str());
        let others = [baseline::TIMELINE, baseline::BUILD, baseline::MACHINE, result_check::MISSING];
        let known: BTreeSet<&str> = axes.chain(others).collect();
        let Some(name) = self.accept_change.iter().find(|name| !known.contains(name.as_str())) else {
            return Ok(());
        };
        let known: Vec<&str> = known.into_iter().collect();
        let near = nearest(name, &known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let known = known.join(", ");
        Err(Failure::usage(format!(
            "--accept-change: no change is called `{name}`{near} (there are {known})"
        )))
    }

    /// Checks a result and says so; the exit code is that of the check and its files, whatever engines did.
    pub fn check(&self, result: &StoredResult, out: &mut dyn Write) -> Result<Exit, Failure> {
        self.check_names(result)?;
        let baseline = self.baseline.as_deref().map(read_baseline).transpose()?;
        let named = self.baseline.as_ref().map(|path| path.display().to_string());
        self.judging.judge(result, named, out, |report, budgets| {
            let across_builds = self.across_builds || budgets.across_builds;
            let budgets = Budgets { across_builds, ..budgets };
            result_check::check(report, &budgets, baseline.as_ref(), &self.accept_change)
        })
    }
}

impl Judging {
    fn is_given(&self) -> bool {
        let Judging { budgets, strict, warn_only, outputs } = self;
        *strict || *warn_only || outputs.is_given() || !budgets.is_empty()
    }

    /// Finds what is wrong with the budgets before anything is exported.
    pub fn verify(&self, scenario: &Scenario) -> Result<(), Failure> {
        self.outputs.verify()?;
        self.budgets(&scenario.text, &scenario.path, &scenario.overrides).map(drop)
    }

    /// Whether standard output is for programs.
    pub fn is_for_programs(&self) -> bool {
        self.outputs.json
    }

    /// Tells people what was measured: on standard error where programs read the other. That nobody reads on is no
    /// reason not to check.
    pub fn tell_measured(
        &self,
        result: &StoredResult,
        checked: bool,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let told = match self.is_for_programs() {
            true => report::tell(result, &mut visible(io::stderr())),
            false if checked => report::tell(result, out).and_then(|()| Ok(writeln!(out)?)),
            false => report::tell(result, out),
        };
        told.or_else(|failure| if failure.is_reader_gone() { Ok(()) } else { Err(failure) })
    }

    /// Checks a result and says so; `against` names what it is compared with.
    pub fn judge(
        &self,
        result: &StoredResult,
        against: Option<String>,
        out: &mut dyn Write,
        check: impl FnOnce(&Report, Budgets) -> Check,
    ) -> Result<Exit, Failure> {
        self.outputs.verify()?;
        let index = &result.index;
        let budgets = self.budgets(&index.scenario_text, &index.scenario_path, &index.overrides)?;
        let report = Report::read(result)?;
        let check = check(&report, budgets);
        let told = Told {
            report: &report,
            check: &check,
            baseline: against,
            strictness: self.strictness(),
            scenario_file: outputs::scenario_file(&index.scenario_path),
        };
        Ok(self.exit(&check).or_worse(self.outputs.tell(&told, out)?))
    }

    fn strictness(&self) -> Strictness {
        match (self.warn_only, self.strict) {
            (true, _) => Strictness::WarnOnly,
            (false, true) => Strictness::Strict,
            (false, false) => Strictness::Usual,
        }
    }

    /// What a check comes to for whoever started it.
    fn exit(&self, check: &Check) -> Exit {
        match (check.conclusion(), self.strictness()) {
            (_, Strictness::WarnOnly) => Exit::Fine,
            (Conclusion::Failed, _) => Exit::CheckFailed,
            (Conclusion::NotCompared, Strictness::Strict) => Exit::CheckFailed,
            (Conclusion::NotCompared, _) | (Conclusion::Open, Strictness::Strict) => Exit::Inconclusive,
            (Conclusion::Open | Conclusion::Passed, _) => Exit::Fine,
        }
    }

    /// The scenario's budgets as they were when it was run, and those of the command line.
    fn budgets(&self, text: &str, path: &Path, overrides: &[String]) -> Result<Budgets, Failure> {
        let added = self.budgets.iter().map(|budget| format!("budgets.{budget}"));
        let overrides: Vec<_> = overrides.iter().cloned().chain(added).collect();
        Ok(Scenario::parse(text, path, &changes::overrides(&overrides)?)?.budgets)
    }
}

/// A baseline's file, or a result as a baseline.
pub fn read_baseline(path: &Path) -> Result<Baseline, Failure> {
    if path.is_dir() {
        let report = Report::read(&store::open_result(path)?)?;
        return Ok(Baseline::of(result_check::entries(&report, "")));
    }
    let unreadable = |source| Failure::from(StoreError::Io { path: path.to_path_buf(), source });
    let text = match bounds::read_text(path, bounds::BASELINE_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::usage(format!(
                "{}: no such baseline; `memreel baseline save RESULT {0}` creates it",
                path.display()
            )));
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(Failure::usage(format!(
                "{}: not a memreel baseline: not a text file",
                path.display()
            )));
        }
        text => text.map_err(unreadable)?,
    };
    Baseline::parse(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
