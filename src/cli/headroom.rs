//! `memreel headroom`: the least memory in which an export ends.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::changes::{self, ScenarioOptions};
use super::run::{CarriedOut, Session};
use super::{Exit, Failure, plan, print_lines, say};
use crate::engine::Companions;
use crate::headroom::{HeadroomRecord, LimitStep, NextStep, Search, VariantHeadroom};
use crate::plan::{Plan, Variant};
use crate::report::{self, TableLook};
use crate::scenario::{Axis, AxisValue, Scenario};
use crate::store::{self, StoredResult};
use memreel_trace::units::Bytes;
use memreel_trace::{Outcome, RunRecord};

/// The change to a scenario that sets the limits.
const LIMITS: &str = "matrix.memory-limit";

/// Find the least memory in which an export ends, and how its speed falls on the way there
///
/// Many engines use more memory when more is available. How much does this export need? memreel exports once without a
/// limit, then searches by bisection for the smallest limit within which the export ends: about ten exports per variant.
/// The limit is set on a control group of the engine, without swap (`memreel doctor` says whether that is possible).
///
/// A limit is too small if the kernel kills the export. It is also too small if the export takes more than three times
/// as long as without a limit, plus one second: such an export is thrashing, it reads its own pages again and again.
/// The page cache also counts towards the limit, but the kernel drops it first.
///
/// Every step is a job of a result, as in `memreel run`; headroom.json and headroom.csv are beside its summary.csv.
///
/// Exit codes: 0 found; 2 the scenario is wrong, or limits cannot be set; 4 the export does not end without a limit, or
/// failed for another reason than memory; 5 memreel failed.
#[derive(Debug, Args)]
#[command(mut_arg("memory_limit", |arg| arg.hide(true)), mut_arg("shard", |arg| arg.hide(true)))]
#[command(mut_arg("command", |arg| arg.hide(true)))]
#[command(after_help = "\
Examples:
  memreel headroom forty-clips --threading single
  memreel headroom my-scenario.toml --engine melt --threading single,parallel --json
  memreel headroom --resume reports/my-scenario/latest")]
pub struct HeadroomCommand {
    /// A scenario file, the name of one that comes with memreel, or an editor's project
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    scenario: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    session: Session,
    #[command(flatten)]
    changes: ScenarioOptions,
}

/// What is searched: a scenario, of which only the memory limits change.
struct Base {
    /// By name or path; `None`: the scenario of the result in this folder.
    scenario: Result<String, PathBuf>,
    /// Its changes.
    texts: Vec<String>,
}

/// A variant of the scenario, and how far its search is.
struct VariantSearch {
    name: String,
    axes: Vec<(Axis, String)>,
    search: Search,
}

impl HeadroomCommand {
    /// Searches, reports, and says by the exit code whether the least memory was found.
    pub fn run(mut self, out: &mut dyn Write) -> Result<Exit, Failure> {
        if self.session.is_sharded() {
            return Err(Failure::usage(
                "headroom: each limit depends on the one before; --shard is not possible",
            ));
        }
        self.session.begin_search();
        let base = self.base()?;
        let scenario = base.load(&[])?;
        check_unlimited(&scenario)?;
        let plan = plan::of(&scenario, &Companions::usual())?;
        let mut searches: Vec<_> = plan.variants.iter().map(VariantSearch::new).collect();
        let mut folder = None;
        while searches.iter().any(|search| search.search.next() != NextStep::Over) {
            let scenario = base.load(&limits(&searches))?;
            let prepared = self.session.prepare_part(&scenario, |plan| restricted(plan, &searches))?;
            let CarriedOut { tally, folder: made, .. } = prepared.measure("headroom")?;
            if tally.interrupted {
                return Ok(Exit::Interrupted);
            }
            let result = store::open_result(&made)?;
            searches.iter_mut().for_each(|search| search.note(&result));
            self.session.go_on_in(&made, tally.done);
            folder = Some(result.folder);
        }
        let folder = folder.expect("a search begins without a limit");
        self.conclude(&store::open_result(&folder)?, &searches, out)
    }

    fn base(&self) -> Result<Base, Failure> {
        match (&self.session.resumed_folder(), &self.scenario) {
            (Some(folder), _) => {
                let mut texts = store::open_index(folder)?.overrides;
                texts.retain(|text| !text.starts_with(LIMITS));
                Ok(Base { scenario: Err(folder.clone()), texts })
            }
            (None, Some(scenario)) => {
                Ok(Base { scenario: Ok(scenario.clone()), texts: self.changes.texts()? })
            }
            (None, None) => Err(Failure::usage("no scenario was given; `memreel scenarios` lists them")),
        }
    }

    fn conclude(
        &self,
        result: &StoredResult,
        searches: &[VariantSearch],
        out: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        let variants = searches.iter().map(|search| search.told(result)).collect::<Result<_, _>>()?;
        let groups = result.jobs.iter().find_map(|job| job.record.memory_group.as_ref());
        let record =
            HeadroomRecord::new(result.index.scenario.clone(), groups.map(|group| group.version), variants);
        write_files(result, &record)?;
        match self.json {
            true => writeln!(out, "{}", serde_json::to_string_pretty(&record).map_err(io::Error::from)?)?,
            false => {
                report::print_headroom(&record, out, TableLook::of_stdout())?;
                print_lines(out, |out| {
                    Ok(writeln!(out, "{}", result.folder.join("headroom.csv").display())?)
                })?;
            }
        }
        for search in searches {
            search.tell_failure(result);
        }
        let found = record.variants.iter().all(|variant| variant.least.is_some());
        Ok(if found { Exit::Fine } else { Exit::EngineFailed })
    }
}

/// Beside what every result has.
fn write_files(result: &StoredResult, record: &HeadroomRecord) -> Result<(), Failure> {
    store::write_json(&result.folder.join("headroom.json"), record)?;
    let mut csv = Vec::new();
    report::write_headroom_csv(record, &mut csv)?;
    store::write_in_place(&result.folder.join("headroom.csv"), &csv)?;
    report::write_all(result)?;
    Ok(())
}

impl Base {
    fn load(&self, more: &[String]) -> Result<Scenario, Failure> {
        let texts = [&self.texts[..], more].concat();
        match &self.scenario {
            Ok(scenario) => changes::load(scenario, &texts),
            Err(folder) => {
                let index = store::open_index(folder)?;
                let overrides = changes::overrides(&texts)?;
                Ok(Scenario::parse(&index.scenario_text, &index.scenario_path, &overrides)?)
            }
        }
    }
}

fn check_unlimited(scenario: &Scenario) -> Result<(), Failure> {
    match scenario.matrix.range(Axis::MemoryLimit).values.as_slice() {
        [AxisValue::MemoryLimit(None)] => Ok(()),
        _ => Err(Failure::usage(format!(
            "{}: headroom sets `memory-limit` itself; take it out of the scenario",
            scenario.name
        ))),
    }
}

/// As a change to the scenario: every limit of any search, and those that are next.
fn limits(searches: &[VariantSearch]) -> Vec<String> {
    let mut limits: Vec<_> = searches.iter().flat_map(VariantSearch::limits).collect();
    limits.sort_unstable_by_key(|limit| std::cmp::Reverse(limit.unwrap_or(Bytes::new(u64::MAX))));
    limits.dedup();
    let values: Vec<_> = limits.into_iter().map(|limit| AxisValue::MemoryLimit(limit).to_string()).collect();
    vec![format!("{LIMITS}={}", serde_json::Value::from(values))]
}

/// The jobs of the searches alone; those with a limit may not take for ever.
fn restricted(plan: Plan, searches: &[VariantSearch]) -> Plan {
    let of = |variant: &Variant| searches.iter().find(|search| search.is_of(&variant.axes));
    let mut plan = plan.only(|variant| {
        of(variant).is_some_and(|search| search.limits().any(|limit| limit == variant.memory_limit))
    });
    for variant in &mut plan.variants {
        variant.wall_limit = variant.memory_limit.and_then(|_| of(variant)?.search.longest());
    }
    plan
}

impl VariantSearch {
    fn new(variant: &Variant) -> VariantSearch {
        let axes = variant.axes.iter().filter(|(axis, _)| *axis != Axis::MemoryLimit);
        VariantSearch {
            name: variant.label().to_string(),
            axes: axes.cloned().collect(),
            search: Search::default(),
        }
    }

    fn is_of(&self, axes: &[(Axis, String)]) -> bool {
        axes.iter().filter(|(axis, _)| *axis != Axis::MemoryLimit).eq(&self.axes)
    }

    /// Those that were measured, and the next.
    fn limits(&self) -> impl Iterator<Item = Option<Bytes>> {
        let next = match self.search.next() {
            NextStep::Limit(limit) => Some(limit),
            NextStep::Over => None,
        };
        self.search.limits().chain(next)
    }

    /// Takes note of the step that was next.
    fn note(&mut self, result: &StoredResult) {
        if let NextStep::Limit(limit) = self.search.next() {
            let jobs = self.jobs(result, limit);
            self.search.add(LimitStep::of(limit, &jobs, self.search.longest()));
        }
    }

    fn jobs<'a>(&self, result: &'a StoredResult, limit: Option<Bytes>) -> Vec<&'a RunRecord> {
        let limit = AxisValue::MemoryLimit(limit).to_string();
        let has = |record: &RunRecord, axis: Axis, value: &str| {
            record.variant.iter().any(|(name, other)| name == axis.name() && other == value)
        };
        let is_it = |record: &&RunRecord| {
            self.axes.iter().all(|(axis, value)| has(record, *axis, value))
                && has(record, Axis::MemoryLimit, &limit)
        };
        result.jobs.iter().map(|job| &job.record).filter(is_it).collect()
    }

    fn told(&self, result: &StoredResult) -> Result<VariantHeadroom, Failure> {
        Ok(VariantHeadroom {
            variant: self.name.clone(),
            least: self.search.least(),
            unlimited_peak_bytes: self.search.unlimited_peak(),
            file_bytes: self.file_bytes(result)?,
            steps: self.search.steps(),
        })
    }

    /// The most resident pages of files without a limit.
    fn file_bytes(&self, result: &StoredResult) -> Result<Option<Bytes>, Failure> {
        let unlimited = self.jobs(result, None);
        let is_it = |record: &RunRecord| unlimited.iter().any(|other| other.digest == record.digest);
        let Some(job) = result.jobs.iter().find(|job| is_it(&job.record)) else { return Ok(None) };
        let samples = job.samples().map_err(store::StoreError::from)?;
        Ok(samples.iter().filter_map(|sample| sample.file_bytes).max())
    }

    /// What an engine failed of, if not of memory.
    fn tell_failure(&self, result: &StoredResult) {
        let Some(step) = self.search.failure() else { return };
        let jobs = self.jobs(result, step.limit_bytes);
        let outcome = jobs.iter().map(|job| &job.outcome).find(|outcome| !outcome.is_finished());
        let limit =
            step.limit_bytes.map_or_else(|| "without a limit".into(), |limit| format!("with {limit}"));
        let outcome = outcome.map_or_else(|| "too slow".into(), Outcome::to_string);
        say(format_args!("memreel: {} {limit}: {outcome}", self.name));
    }
}
