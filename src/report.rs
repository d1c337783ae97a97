//! Tells people what was measured: a CSV, a terminal table, a sentence, plots.
//!
//! Everything is made from a result's files alone, so it can be made again a year later, and the
//! same files give the same bytes. Nothing else in the crate formats numbers for people.

pub mod checks;
mod comparisons;
mod damage;
mod explain;
mod headroom;
mod machines;
#[cfg(test)]
pub(crate) mod made_up;
mod number;
mod plot;
mod rates;
mod recordings;
mod result_table;
mod side_by_side;
mod summary;
mod summary_json;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
pub mod verdicts;
mod visible;

pub use explain::{Forecast, RunLines, write_explanation, write_run, write_run_lines};
pub use headroom::{print_headroom, write_headroom_csv};
pub use plot::Picture;
pub use recordings::{Axes, RecordingLine, RecordingReport, RecordingRow, tell_recording};
pub use result_table::write_table;
pub use summary::write_summary;
pub use summary_json::{SummaryRecord, write_summary_json};
pub use terminal::{TableLook, stderr_width, stdout_width, write_lines};
pub use visible::{Reader, Visible};

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::report::verdicts::next::{Experiment, Longer, Next};
use crate::store::{
    self, MachineRecord, PlannedJob, ResultIndex, ShardRecord, StoreError, StoredJob, StoredResult,
};
use memreel_judge::analysis::{self, Curve, Drift, JobSummary, ProgressClock, VariantSummary};
use memreel_judge::budget::Figures;
use memreel_judge::compare;
use memreel_judge::course::Per;
use memreel_judge::jobs::{JobFacts, JobsVerdict, Removals, judge_jobs};
use memreel_judge::shape::Answer;
use memreel_judge::stats;
use memreel_judge::terms::Index;
use memreel_judge::{RunVerdict, Verdict, With, judge_export};
use memreel_trace::units::Count;
use memreel_trace::{EVIDENCE, EngineRecord, Machine, Memory, RunContext, RunRecord, TraceError, WorkUnit};

/// Columns that a job's line is thinned to: as many as the widest plot has pixels.
const COLUMNS: usize = 1600;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A job's trace could not be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A file of the report could not be put into the result's folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A writer took no more, or a table could not be written to it.
    #[error("cannot write the report: {0}")]
    Io(#[from] io::Error),
    /// A plot could not be drawn.
    #[error("cannot draw the plot {name}: {reason}")]
    Plot {
        /// Which.
        name: &'static str,
        /// What the drawing library said.
        reason: String,
    },
}

/// The files of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPaths {
    /// `summary.csv`.
    pub summary: PathBuf,
    /// The plots, each as PNG and as SVG.
    pub plots: Vec<PathBuf>,
}

/// A result, read and worked out: what every part of a report is written from.
///
/// Traces are read one after the other and only their summaries and thinned lines are kept, so that
/// reporting takes no more memory than the largest trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// The question that the scenario answers.
    pub question: String,
    /// The axes with more than one value.
    pub varied: Vec<String>,
    /// Which part of the plan it tells of; `None` when of all.
    pub shard: Option<ShardRecord>,
    /// The machines that its jobs ran on, where these are not alike; else empty.
    pub machines: Vec<MachineRecord>,
    /// How it was made: what another result like it takes. Of several results side by side each, with its name.
    pub experiments: Vec<(Option<String>, Experiment)>,
    /// A row for each planned job, in the order of the plan.
    pub jobs: Vec<JobRow>,
}

/// A planned job and, if it ran, what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// The plan.
    pub planned: PlannedJob,
    /// What was measured; `None` when it did not run.
    pub measured: Option<MeasuredJob>,
}

/// A job that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredJob {
    /// Its numbers.
    pub summary: JobSummary,
    /// Memory over the frames exported; empty without a frame counter.
    pub over_frames: Curve,
    /// Memory over time.
    pub over_time: Curve,
    /// Where it ran.
    pub machine: Machine,
    /// What ran.
    pub engine: EngineRecord,
    /// What was exported.
    pub context: RunContext,
    /// A digest of what was exported and how it was sampled.
    pub exported: String,
    /// Distinct sources of its timeline, and frames of one export of it, where they are known.
    pub timeline: (u64, Option<u64>),
    /// What it shows by itself.
    pub verdict: RunVerdict,
    /// CPU time a frame late against early; `None` where too little was seen.
    pub drift: Option<Drift>,
    /// What its files have lost since; empty as a rule.
    pub damage: Vec<String>,
    /// Whether its folder holds what is known of a crash or a stall.
    pub has_evidence: bool,
}

impl JobRow {
    /// Whether it is an application of MLT's that does not stop its consumer, as many do.
    fn leaves_a_consumer_running(&self) -> bool {
        let engine = self.measured.as_ref().map(|job| job.engine.name.as_str());
        let never = |(axis, value): &(String, String)| axis == "stop" && value == "never";
        matches!(engine, Some("mlt-python" | "rlvideo")) && self.planned.variant.iter().any(never)
    }
}

/// Jobs that are the same but for what is varied to find out with what memory grows.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyRow<'a> {
    /// What tells it from the other families.
    pub name: String,
    /// Its jobs that ran, in the order of the plan.
    pub jobs: Vec<&'a JobRow>,
    /// What they show together.
    pub verdict: JobsVerdict,
}

/// The axes that are varied to find out with what memory grows.
const ASKED: [&str; 4] = ["length", "sources", "exports", "times"];

/// The axis that takes something out of a project: without what growth ends is asked across families.
const REMOVING: &str = "without";

/// The value of it that takes nothing out.
const NOTHING: &str = "nothing";

/// The axes that decide whether an index is kept: exports without one are the control of those with.
const WRITING: [&str; 2] = ["container", "sink"];

/// The jobs of a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantRow<'a> {
    /// What tells it from the other variants.
    pub name: String,
    /// Its jobs in the order of the plan, also those that did not run.
    pub jobs: Vec<&'a JobRow>,
    /// The numbers over those that ran.
    pub summary: VariantSummary,
}

impl FamilyRow<'_> {
    /// What its jobs have alike but for what is taken out of the project, and what that is.
    fn without(&self) -> Option<(Vec<(String, String)>, &str)> {
        let axes = self.jobs.first()?.planned.variant.as_slice();
        let (_, removed) = axes.iter().find(|(axis, _)| axis == REMOVING)?;
        let others = axes.iter().filter(|(axis, _)| axis != REMOVING && !ASKED.contains(&axis.as_str()));
        Some((others.cloned().collect(), removed))
    }

    /// What its jobs have alike but for what is written.
    fn all_but_writing(&self) -> Vec<(String, String)> {
        let axes = self.jobs.first().map(|job| job.planned.variant.as_slice()).unwrap_or_default();
        let asked = |axis: &str| ASKED.contains(&axis) || WRITING.contains(&axis);
        axes.iter().filter(|(axis, _)| !asked(axis)).cloned().collect()
    }

    /// Whether an index is kept, and the median growth with each frame, in bytes.
    fn growth(&self) -> Option<(bool, f64)> {
        let runs: Vec<_> = self.jobs.iter().filter_map(|job| job.measured.as_ref()).collect();
        let index = runs.first()?.verdict.terms?.index == Index::Kept;
        let by_frame = runs.iter().filter(|job| job.verdict.per == Some(Per::Frame));
        let growths: Vec<_> = by_frame.filter_map(|job| Some(job.verdict.growth.frame?.estimate)).collect();
        Some((index, stats::median(&growths)?))
    }
}

/// Says of each family of whole projects without what their growth ends.
fn put_removals(families: &mut [FamilyRow<'_>]) {
    let found: Vec<Removals> = families.iter().map(|whole| removals(whole, families)).collect();
    for (family, removals) in families.iter_mut().zip(found) {
        family.verdict.removals = removals;
    }
}

fn removals(whole: &FamilyRow<'_>, families: &[FamilyRow<'_>]) -> Removals {
    let Some((alike, NOTHING)) = whole.without() else { return Removals::default() };
    let same = families.iter().filter_map(|family| {
        let (others, removed) = family.without()?;
        (others == alike && removed != NOTHING).then(|| (removed.to_string(), &family.verdict))
    });
    Removals::of(&whole.verdict, same)
}

impl JobRow {
    /// Why the job has no numbers; `None` when it has.
    pub fn why_not_run(&self) -> Option<String> {
        let nothing_there = || format!("no result in jobs/{}: not run yet, or removed", self.planned.folder);
        let why = || self.planned.not_run.clone().unwrap_or_else(nothing_there);
        self.measured.is_none().then(why)
    }

    /// What did not go as planned: that it did not run or not finish, and what its files have lost.
    pub fn exceptions(&self) -> Vec<String> {
        let Some(measured) = &self.measured else {
            let prefix = if self.planned.not_run.is_some() { "not run: " } else { "" };
            return self.why_not_run().map(|why| format!("{prefix}{why}")).into_iter().collect();
        };
        let outcome = &measured.summary.outcome;
        let evidence = || format!("; evidence: jobs/{}/{EVIDENCE}", self.planned.folder);
        let evidence = if measured.has_evidence { evidence() } else { String::new() };
        let failure = (!outcome.is_finished()).then(|| format!("{outcome}{evidence}"));
        failure.into_iter().chain(measured.damage.iter().cloned()).collect()
    }
}

impl VariantRow<'_> {
    /// What was measured of its jobs.
    pub fn measured(&self) -> impl Iterator<Item = &MeasuredJob> {
        self.jobs.iter().filter_map(|job| job.measured.as_ref())
    }

    /// What each of its repeats that finished measured: what is compared and checked.
    pub fn runs(&self) -> Vec<Figures> {
        self.measured().filter_map(|job| compare::figures(&job.summary, &job.verdict)).collect()
    }
}

impl Report {
    /// Reads a result's traces and works out their numbers.
    ///
    /// # Errors
    /// When a trace is missing or broken.
    pub fn read(result: &StoredResult) -> Result<Report, ReportError> {
        let row = |planned: &PlannedJob| -> Result<JobRow, ReportError> {
            let stored = result.jobs.iter().find(|job| job.is_called(&planned.folder));
            Ok(JobRow { planned: planned.clone(), measured: stored.map(measure).transpose()? })
        };
        Ok(Report {
            scenario: result.index.scenario.clone(),
            question: result.index.question.clone(),
            varied: result.index.varied.clone(),
            shard: result.index.shard.clone(),
            machines: result.index.machines.clone(),
            experiments: vec![(None, experiment(&result.index))],
            jobs: result.index.jobs.iter().map(row).collect::<Result<_, _>>()?,
        })
    }

    /// The variants in the order of the plan.
    pub fn variants(&self) -> Vec<VariantRow<'_>> {
        let groups = analysis::group_by_variant(&self.jobs, |job| &job.planned.variant);
        groups.into_iter().map(|jobs| self.variant(jobs)).collect()
    }

    /// The families that there was anything to run of, in the order of the plan, and what each shows.
    pub fn families(&self) -> Vec<FamilyRow<'_>> {
        let key = |job: &JobRow| -> Vec<(String, String)> {
            job.planned.variant.iter().filter(|(axis, _)| !ASKED.contains(&axis.as_str())).cloned().collect()
        };
        let run = self.jobs.iter().filter(|job| job.planned.not_run.is_none());
        let keyed: Vec<_> = run.map(|job| (key(job), job)).collect();
        let groups = analysis::group_by_variant(&keyed, |(key, _)| key);
        let mut families: Vec<_> =
            groups.iter().map(|group| self.family(&group[0].0, group.iter().map(|(_, job)| *job))).collect();
        let measured: Vec<_> =
            families.iter().map(|family| (family.all_but_writing(), family.growth())).collect();
        for (family, (key, growth)) in families.iter_mut().zip(&measured) {
            let control =
                measured.iter().find(|(other, growth)| other == key && growth.is_some_and(|g| !g.0));
            let with = growth.filter(|growth| growth.0);
            family.verdict.index_per_frame =
                with.zip(control.and_then(|control| control.1)).map(|(with, without)| with.1 - without.1);
        }
        put_removals(&mut families);
        families
    }

    fn family<'a>(
        &'a self,
        key: &[(String, String)],
        jobs: impl Iterator<Item = &'a JobRow>,
    ) -> FamilyRow<'a> {
        let ended = |job: &MeasuredJob| job.summary.outcome.is_final();
        let jobs: Vec<_> = jobs.filter(|job| job.measured.as_ref().is_some_and(ended)).collect();
        let facts: Vec<_> = jobs.iter().filter_map(|job| job.measured.as_ref()).map(facts).collect();
        FamilyRow { name: variant_name(key, &self.varied, &self.scenario), verdict: judge_jobs(&facts), jobs }
    }

    fn variant<'a>(&'a self, jobs: Vec<&'a JobRow>) -> VariantRow<'a> {
        let summaries: Vec<_> =
            jobs.iter().filter_map(|job| job.measured.as_ref()).map(|job| &job.summary).collect();
        let name = variant_name(&jobs[0].planned.variant, &self.varied, &self.scenario);
        VariantRow { name, summary: VariantSummary::of(&summaries), jobs }
    }

    /// What to do next, where the answer of a family leaves something to find out.
    pub fn next(&self, family: &FamilyRow<'_>) -> Option<Next> {
        let experiment = self.experiment_of(family)?;
        let leaks = family.verdict.verdict() == Verdict::Leak;
        let asked = self.varied.iter().any(|axis| axis == "stop");
        if leaks && !asked && family.jobs.iter().any(|job| job.leaves_a_consumer_running()) {
            return Some(verdicts::next::of_exports_not_stopped(experiment));
        }
        let verdict = &family.verdict;
        let at_frames =
            verdict.grows == Answer::Yes && verdict.per == Per::Frame && verdict.with.contains(&With::Frames);
        let mut measured = family.jobs.iter().filter_map(|job| job.measured.as_ref());
        if at_frames && experiment.is_opaque && measured.all(|job| job.context.cuts.is_empty()) {
            return Some(Next::Words(CUTS_UNKNOWN.into()));
        }
        // What failed would fail again.
        let finished =
            |job: &&JobRow| job.measured.as_ref().is_some_and(|job| job.summary.outcome.is_finished());
        family.jobs.iter().any(finished).then(|| verdicts::next::of_jobs(&family.verdict, experiment))?
    }

    /// How the jobs of a family were made.
    fn experiment_of(&self, family: &FamilyRow<'_>) -> Option<&Experiment> {
        let axes = family.jobs.first().map_or(&[][..], |job| &job.planned.variant);
        let result = axes.iter().find(|(axis, _)| axis == side_by_side::RESULT).map(|(_, name)| name);
        self.experiments.iter().find(|(name, _)| name.as_ref() == result).map(|(_, experiment)| experiment)
    }

    /// The unit of all engines' progress; `None` where they have several.
    pub fn unit(&self) -> Option<WorkUnit> {
        the_same(self.measured().map(|job| job.context.unit))
    }

    /// What was measured, in the order of the plan.
    pub fn measured(&self) -> impl Iterator<Item = &MeasuredJob> {
        self.jobs.iter().filter_map(|job| job.measured.as_ref())
    }

    /// Writes `summary.csv`, `summary.json` and the plots into a folder; each file whole or not at all.
    ///
    /// A plot that would be empty is left out: memory over frames when no engine counted any, all
    /// of them when nothing ran.
    ///
    /// # Errors
    /// When a plot cannot be drawn or the folder cannot be written.
    pub fn write_all(&self, folder: &Path) -> Result<ReportPaths, ReportError> {
        let summary = folder.join("summary.csv");
        let mut csv = Vec::new();
        write_summary(self, &mut csv)?;
        store::write_in_place(&summary, &csv)?;
        let mut json = Vec::new();
        write_summary_json(self, &mut json)?;
        store::write_in_place(&folder.join("summary.json"), &json)?;
        Ok(ReportPaths { summary, plots: plot::write_plots(self, folder)? })
    }

    /// Prints the table, what did not finish, the sentences and what measuring cost.
    ///
    /// # Errors
    /// When the writer takes no more.
    pub fn print(&self, out: &mut dyn Write, look: TableLook) -> Result<(), ReportError> {
        write_table(self, out, look)?;
        comparisons::write_comparisons(self, out, look.width)?;
        Ok(())
    }
}

/// Writes `summary.csv`, `summary.json` and the plots of a result into its folder, as [`Report::write_all`].
///
/// # Errors
/// When a trace cannot be read, a plot not drawn or the folder not written.
pub fn write_all(result: &StoredResult) -> Result<ReportPaths, ReportError> {
    Report::read(result)?.write_all(&result.folder)
}

/// Prints a result's table and sentences, as [`Report::print`].
///
/// # Errors
/// When a trace cannot be read or the writer takes no more.
pub fn print(result: &StoredResult, out: &mut dyn Write, look: TableLook) -> Result<(), ReportError> {
    Report::read(result)?.print(out, look)
}

fn measure(stored: &StoredJob) -> Result<MeasuredJob, ReportError> {
    let (series, threads) = (or_none(stored.series())?, or_none(stored.threads())?);
    let unit = stored.record.context.unit;
    let (clock, memory) = (ProgressClock::of_work(&series, unit), Memory::AnonymousAndSwap);
    let finished = stored.record.outcome.is_finished();
    let verdict = judge_export(&series, &stored.record.context, finished);
    Ok(MeasuredJob {
        summary: analysis::summarise(&stored.record, &series, &threads, &verdict),
        over_frames: Curve::over_progress(&clock, &series, memory, COLUMNS),
        over_time: Curve::over_time(&series, memory, COLUMNS),
        machine: stored.record.machine.clone(),
        engine: stored.record.engine.clone(),
        context: stored.record.context.clone(),
        exported: exported(stored),
        timeline: (stored.record.timeline.sources, stored.record.timeline.frames),
        verdict,
        drift: analysis::cpu_drift(&clock, &series),
        damage: damage::damage(stored, series.len())?,
        has_evidence: stored.folder.join(EVIDENCE).exists(),
    })
}

/// Below growth that may be growth at cuts.
const CUTS_UNKNOWN: &str = "Clip starts are not known: --cuts LIST, like --cuts 50,100, separates growth at cuts from \
                            growth per frame.";

/// The unit that all of these have, frames where there are none; `None` where they differ.
fn the_same(mut units: impl Iterator<Item = WorkUnit>) -> Option<WorkUnit> {
    let first = units.next().unwrap_or_default();
    units.all(|unit| unit == first).then_some(first)
}

/// How a result was made: what another one like it takes.
pub fn experiment(index: &ResultIndex) -> Experiment {
    let values = |axis: &str| -> Vec<u64> {
        let of = |job: &PlannedJob| job.variant.iter().find(|(name, _)| name == axis)?.1.parse().ok();
        let mut values: Vec<u64> = index.jobs.iter().filter_map(of).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let change =
        |text: &String| text.split_once('=').map(|(key, value)| (key.to_string(), value.to_string()));
    let longer = longer(index);
    let mut scenario = match index.ships_with_memreel {
        _ if !index.options.is_empty() => index.options.clone(),
        true => vec![index.scenario.clone()],
        false => vec![index.scenario_path.display().to_string()],
    };
    // As long as they are there, they need not be written out.
    let files = &index.engines_files;
    let are_there = files.paths.iter().all(|path| path.exists());
    let of_files = if are_there { files.overrides } else { 0 };
    let named = files.paths.iter().filter(|_| are_there);
    scenario.extend(named.flat_map(|path| ["--engines".to_string(), path.display().to_string()]));
    Experiment {
        scenario,
        is_opaque: index.is_opaque,
        changes: index.overrides.iter().skip(of_files).filter_map(change).collect(),
        length: values(if longer == Longer::Times { "times" } else { "length" }).last().copied().unwrap_or(1),
        sources: values("sources"),
        project: index.project.clone().filter(|project| project.can_be_changed),
        is_removed: index.varied.iter().any(|axis| axis == REMOVING),
        longer,
    }
}

/// How another export of a result is made longer.
fn longer(index: &ResultIndex) -> Longer {
    let ending = index.scenario_path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match &index.project {
        _ if index.is_opaque => Longer::ByUser,
        Some(project) if project.can_be_changed => Longer::Times,
        Some(project) if project.format == "rlvideo" => Longer::Exports,
        Some(_) => Longer::ByUser,
        // Results of versions that did not record the project.
        None => match ending {
            "toml" => Longer::Length,
            "rlvideo" => Longer::Exports,
            _ => Longer::Times,
        },
    }
}

/// Of a record of before there were baselines only its timeline is known.
fn exported(stored: &StoredJob) -> String {
    let RunRecord { export_digest, timeline, .. } = &stored.record;
    export_digest.clone().unwrap_or_else(|| timeline.digest.clone())
}

/// What the jobs of a family show together, in words.
pub fn headline(family: &FamilyRow<'_>) -> String {
    verdicts::of_jobs(&family.verdict)
}

fn facts(job: &MeasuredJob) -> JobFacts {
    let (sources, planned) = job.timeline;
    let index = job.verdict.terms.is_some_and(|terms| terms.index == Index::Kept);
    let finished = job.summary.outcome.is_finished();
    let exported = job.summary.frames_out.or(job.summary.frames_in).map_or(0, Count::get);
    let frames = planned.filter(|_| finished).unwrap_or(exported).min(planned.unwrap_or(exported));
    let first_uses = &job.context.first_uses;
    let opened = first_uses.iter().filter(|&&frame| frame < exported).count() as u64;
    let sources = if finished || first_uses.is_empty() { sources } else { opened };
    JobFacts { frames, sources, index, finished, verdict: job.verdict.clone() }
}

/// A job that could not be started leaves no such file; of any other, that is damage.
fn or_none<T: Default>(rows: Result<T, TraceError>) -> Result<T, TraceError> {
    match rows {
        Err(error) if error.is_missing() => Ok(T::default()),
        rows => rows,
    }
}

/// The values of the axes that vary; of a single variant its engine, or else the scenario's name.
///
/// A value that is a bare number says nothing by itself, so its axis comes with it.
fn variant_name(variant: &[(String, String)], varied: &[String], scenario: &str) -> String {
    let telling = variant.iter().filter(|(axis, _)| varied.contains(axis));
    let name = telling.map(|(axis, value)| value_name(axis, value)).collect::<Vec<_>>().join(" · ");
    let engine = || variant.iter().find(|(axis, _)| axis == "engine").map(|(_, engine)| engine.as_str());
    if name.is_empty() { engine().unwrap_or(scenario).to_string() } else { name }
}

pub(crate) fn value_name(axis: &str, value: &str) -> String {
    match value.parse::<f64>() {
        Ok(_) => format!("{axis} {value}"),
        Err(_) if (axis, value) == (REMOVING, "nothing") => "complete".into(),
        Err(_) if matches!(axis, "memory-limit" | REMOVING | "part") => format!("{axis} {value}"),
        Err(_) => value.to_string(),
    }
}
