//! `memreel run`: export every variant, sample it, report.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::allowed::Allowed;
use super::changes::{self, ScenarioOptions};
use super::check::CheckOptions;
use super::progress::{MediaLine, ProgressLine};
use super::{Exit, Failure, plan, say};
use crate::engine::{Companions, Engines, Found};
use crate::execution::{self, Execution, Tally, Wishes};
use crate::media::{self, Makers};
use crate::plan::{Plan, Shard};
use crate::scenario::{Media, Scenario, SourceSpec};
use crate::store::{self, Lock, ResultIndex, StoreError, StoredResult};
use memreel_record::group::Groups;
use memreel_record::machine;
use memreel_record::record::not_ignored;
use memreel_record::supervise::Stop;

/// Export every variant of a scenario, sample each export's memory, and report
///
/// The result is in reports/SCENARIO/TIME (UTC; `latest` points to it): summary.csv, plots as PNG and
/// SVG, and one folder per job with all its samples. Ctrl-C ends the running engine, keeps what was
/// measured and reports on it; `--resume` continues from there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel run forty-clips
  memreel run forty-clips --engine melt --threading single,parallel --repeat 5
  memreel run my-scenario.toml --length 1,2,4 --sink null
  memreel run forty-clips --engine melt,mlt-python,rlvideo --rlvideo ~/rlvideo --driver main,background
  memreel run holiday.kdenlive --threading single,default
  memreel run --command 'ffmpeg -y -i in.mov -threads {threads} {output}' --axis threads=1,4 --repeat 5
  memreel run my-scenario.toml --repeat 5 --check --baseline memreel.baseline
  memreel run forty-clips --repeat 4 --shard 1/2        on one machine; 2/2 on another
  memreel run --resume reports/forty-clips/latest")]
pub struct RunCommand {
    /// A scenario file, the name of one that comes with memreel, or an editor's project (.mlt, .kdenlive,
    /// .rlvideo), which is exported as it is
    #[arg(required_unless_present_any = ["resume", "command"], conflicts_with = "resume")]
    scenario: Option<String>,
    /// Check the result against its budgets and, with --baseline, a baseline. The exit code is the outcome, as in
    /// `memreel check --help`
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    checking: CheckOptions,
    #[command(flatten)]
    session: Session,
    #[command(flatten)]
    changes: ScenarioOptions,
}

/// What a command that measures is told beside the scenario.
#[derive(Debug, Args)]
#[command(next_help_heading = "Result")]
pub struct Session {
    /// Continue an interrupted result: complete jobs are kept, the others run. The scenario and its changes are
    /// those of the result and cannot be given
    #[arg(long, value_name = "DIR", conflicts_with = "ScenarioOptions")]
    resume: Option<PathBuf>,
    /// Run only the K-th of N parts of the plan's jobs, one part per machine; `memreel merge` combines their
    /// results, `memreel plan --shards N` shows the jobs of each part
    #[arg(long, value_name = "K/N", conflicts_with = "resume")]
    shard: Option<Shard>,
    /// Folder for all results
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// Keep the exported files, in the folder `exports` of the result
    #[arg(long)]
    keep_exports: bool,
    /// Write the graph that MLT exports to graph.mlt in each job's folder, and its digest to run.json. Engines
    /// mlt-python and rlvideo only; `memreel run graph.mlt` exports that file
    #[arg(long)]
    dump_graph: bool,
    /// Checkout of the editor rlvideo, for the engine of that name ($MEMREEL_RLVIDEO)
    #[arg(long, value_name = "DIR")]
    rlvideo: Option<PathBuf>,
    #[command(flatten)]
    allowed: Allowed,
    /// In a search for a memory limit, the jobs that were done so far by this very command.
    #[arg(skip)]
    search: Option<usize>,
    /// The engines, once they were looked for: all plans of a command have the same.
    #[arg(skip)]
    engines: OnceCell<Rc<Engines>>,
}

/// A scenario that can be carried out: its engines were looked for, and something of it can be run.
pub struct Prepared<'a> {
    /// What is asked.
    pub scenario: &'a Scenario,
    /// Its variants and jobs.
    pub plan: Plan,
    /// The engines that it names.
    pub engines: Rc<Engines>,
    /// Why each variant will not be run; `None` for one that will.
    pub obstacles: Vec<Option<String>>,
    /// Where control groups of engines are made, if they can be.
    groups: Option<Arc<Groups>>,
    session: &'a Session,
    companions: Companions,
}

/// What came of the jobs of a plan.
pub struct CarriedOut {
    /// How it went.
    pub tally: Tally,
    /// The result's folder.
    pub folder: PathBuf,
    /// Whether an engine of the plan is missing.
    is_engine_missing: bool,
    /// While it lives nobody else writes the result.
    _lock: Lock,
}

/// What came of a scenario that was carried out.
pub struct ScenarioResult {
    /// The result, from its files.
    pub result: StoredResult,
    /// What there is to say so far: whether it was run to its end, and all engines did what they were asked.
    pub exit: Exit,
}

impl RunCommand {
    /// Runs, reports, and says by the exit code whether all engines did what they were asked.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        if !self.check && self.checking.is_given() {
            return Err(Failure::usage("options of a check need --check"));
        }
        let scenario = match self.session.resumed()? {
            Some(scenario) => scenario,
            None => self.changes.load(self.scenario.as_deref())?,
        };
        if self.check {
            self.checking.verify(&scenario)?;
        }
        let ScenarioResult { result, exit } = self.session.prepare(&scenario)?.carry_out("run")?;
        self.checking.judging.tell_measured(&result, self.check, out)?;
        if !self.check || exit == Exit::Interrupted {
            return Ok(exit);
        }
        Ok(exit.or_worse(self.checking.check(&result, out)?))
    }
}

impl Session {
    /// The scenario of the result that is to be resumed, if one is.
    pub fn resumed(&self) -> Result<Option<Scenario>, Failure> {
        let Some(folder) = &self.resume else { return Ok(None) };
        let index = store::open_index(folder)?;
        check_one_machine(folder, &index)?;
        let overrides = changes::overrides(&index.overrides)?;
        let scenario = Scenario::parse(&index.scenario_text, &index.scenario_path, &overrides)?;
        Ok(Some(Scenario { options: index.options, ..scenario }))
    }

    /// The folder of the result that is to be resumed, if one is.
    pub fn resumed_folder(&self) -> Option<PathBuf> {
        self.resume.clone()
    }

    /// Whether only a part of the plan is to be run.
    pub fn is_sharded(&self) -> bool {
        self.shard.is_some()
    }

    /// It is a search for a memory limit: control groups are needed whatever the plan says, and nobody knows how many
    /// jobs there will be.
    pub fn begin_search(&mut self) {
        self.search = Some(0);
    }

    /// From now on it is this result that is gone on with, in which so many jobs are done.
    pub fn go_on_in(&mut self, folder: &Path, done: usize) {
        (self.resume, self.search) = (Some(folder.to_path_buf()), Some(done));
    }

    /// Plans, and looks for the engines.
    ///
    /// # Errors
    /// When nothing of it can be run.
    pub fn prepare<'a>(&'a self, scenario: &'a Scenario) -> Result<Prepared<'a>, Failure> {
        self.prepare_part(scenario, |plan| plan)
    }

    /// The same of a part of the plan.
    ///
    /// # Errors
    /// When nothing of it can be run.
    pub fn prepare_part<'a>(
        &'a self,
        scenario: &'a Scenario,
        part: impl FnOnce(Plan) -> Plan,
    ) -> Result<Prepared<'a>, Failure> {
        let companions = Companions::usual().with_rlvideo(self.rlvideo.as_deref());
        let plan = part(self.part_of(plan::of(scenario, &companions)?)?);
        for project in plan.variants.iter().filter_map(|variant| variant.input.project()) {
            self.allowed.check(project)?;
        }
        let found = || Rc::new(execution::find_engines(&plan, &companions));
        let engines = Rc::clone(self.engines.get_or_init(found));
        let obstacles = execution::obstacles(&plan, &engines);
        check_something_runs(&plan, &engines, &obstacles)?;
        let groups = groups_for(&plan, self.search.is_some())?.map(Arc::new);
        Ok(Prepared { scenario, plan, engines, obstacles, groups, session: self, companions })
    }

    /// The part of a plan that is to be run: of a resumed result the one that it is of.
    fn part_of(&self, plan: Plan) -> Result<Plan, Failure> {
        let shard = match &self.resume {
            Some(folder) => {
                let record = store::open_index(folder)?.shard;
                record.and_then(|shard| Shard::new(shard.number, shard.of))
            }
            None => self.shard,
        };
        Ok(match shard {
            Some(shard) => plan.shard(shard)?,
            None => plan,
        })
    }

    /// The result's folder, which nobody else writes now: that of the result to resume, or a new one.
    fn folder(&self, scenario: &Scenario) -> Result<(PathBuf, Lock), Failure> {
        let folder = match &self.resume {
            Some(folder) => {
                let io = |source| StoreError::Io { path: folder.clone(), source };
                fs::canonicalize(folder).map_err(io)?
            }
            None => self.new_folder(scenario)?,
        };
        let lock = Lock::take(&folder)?;
        Ok((folder, lock))
    }

    fn new_folder(&self, scenario: &Scenario) -> Result<PathBuf, Failure> {
        let made = store::new_result_folder(&self.reports, &scenario.name, jiff::Timestamp::now());
        made.map_err(|error| match error {
            StoreError::Io { .. } => Failure::harness(format!(
                "cannot create the result's folder: {error}; choose another folder with --reports"
            )),
            other => other.into(),
        })
    }

    /// When the run began: for a resumed one when it first did.
    fn started(&self, folder: &Path) -> Result<String, Failure> {
        match &self.resume {
            Some(_) => Ok(store::open_index(folder)?.started),
            None => Ok(jiff::Timestamp::now().to_string()),
        }
    }
}

/// What ran on another machine is not to be measured again on this one, in its place.
fn check_one_machine(folder: &Path, index: &ResultIndex) -> Result<(), Failure> {
    if index.machines.is_empty() {
        return Ok(());
    }
    let message =
        "its jobs ran on different machines; resume each shard on its own machine, then merge again";
    Err(Failure::usage(format!("{}: {message}", folder.display())))
}

impl Prepared<'_> {
    /// Runs all jobs that are not there yet; `command` is what goes on with a run that is interrupted.
    pub fn carry_out(self, command: &str) -> Result<ScenarioResult, Failure> {
        let measured = self.measure(command)?;
        let result = store::open_result(&measured.folder)?;
        Ok(ScenarioResult { exit: conclude(&measured), result })
    }

    /// The same, and says nothing of engines that failed.
    pub fn measure(self, command: &str) -> Result<CarriedOut, Failure> {
        let Prepared { scenario, plan, engines, obstacles, groups, session, companions } = self;
        let stop = stop_on_signals()?;
        tell_what_is_not_run(&plan, &obstacles);
        make_media(scenario, &plan, &obstacles, &companions, &stop)?;
        if session.dump_graph {
            tell_who_dumps_none(&engines);
        }
        let is_engine_missing = engines.iter().any(|engine| engine.installation().is_err());
        let writable = session.allowed.folders()?;
        let wishes = Wishes { exports: session.keep_exports, graphs: session.dump_graph, writable };
        let execution = Execution::new(scenario, &plan, engines, &obstacles, &companions, groups, wishes)?;
        if let Some(missed) = execution::not_loaded(&plan) {
            say(format_args!("memreel: {missed}"));
        }
        let (folder, lock) = session.folder(scenario)?;
        let started = session.started(&folder)?;
        store::write_json(&folder.join("result.json"), &execution.index(started))?;
        let progress = ProgressLine::new(work(&plan, &obstacles));
        let mut progress = progress.in_a_search(session.search);
        let tally = execution.carry_out(&folder, &stop, &mut |happening| progress.show(happening))?;
        if tally.interrupted {
            say(format_args!(
                "memreel: stopped; continue with `memreel {command} --resume {}`",
                folder.display()
            ));
        }
        Ok(CarriedOut { tally, folder, is_engine_missing, _lock: lock })
    }
}

/// The first Ctrl-C (or TERM, or HUP) asks for an orderly end; a second one ends memreel at once, and
/// the launcher ends the engine. What was ignored before (`nohup`) stays so.
fn stop_on_signals() -> Result<Stop, Failure> {
    let stop = Stop::default();
    for signal in not_ignored(&[SIGINT, SIGTERM, SIGHUP]) {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, stop.0.clone())?;
        signal_hook::flag::register(signal, stop.0.clone())?;
    }
    Ok(stop)
}

/// What is exported is there all the same: in the result's folder `timelines`, as the engine reads it.
fn tell_who_dumps_none(engines: &Engines) {
    let names = engines.iter().filter(|engine| !engine.dumps_graph()).map(|engine| engine.name());
    for name in names.collect::<BTreeSet<_>>() {
        say(format_args!(
            "memreel: --dump-graph has no effect on {name}: this engine builds no graph of its own"
        ));
    }
}

/// It is an error when nothing is left to run.
fn check_something_runs(plan: &Plan, engines: &Engines, obstacles: &[Option<String>]) -> Result<(), Failure> {
    match obstacles.iter().any(Option::is_none) {
        true => Ok(()),
        false => Err(plan::nothing_runs(plan, engines, obstacles)),
    }
}

/// Where control groups are made. That they cannot be, where there is a limit, is an error before anything runs.
fn groups_for(plan: &Plan, are_needed: bool) -> Result<Option<Groups>, Failure> {
    let limit = plan.variants.iter().find_map(|variant| variant.memory_limit);
    let to = limit.map_or_else(String::new, |limit| format!(" to {limit}"));
    match limit.is_some() || are_needed {
        false => Ok(Groups::at_hand()),
        true => Groups::take()
            .map(Some)
            .map_err(|error| Failure::usage(format!("cannot limit an engine's memory{to}: {error}"))),
    }
}

fn tell_what_is_not_run(plan: &Plan, obstacles: &[Option<String>]) {
    for (variant, obstacle) in plan.variants.iter().zip(obstacles) {
        if let Some(obstacle) = obstacle {
            say(format_args!("memreel: not run: {}: {obstacle}", variant.label()));
        }
    }
}

/// What is run, in its order: the label of each job's variant, and its frames.
fn work<'a>(plan: &'a Plan, obstacles: &'a [Option<String>]) -> impl Iterator<Item = (String, u64)> {
    let run = plan.jobs.iter().filter(|job| obstacles[job.variant].is_none()).map(|job| plan.variant(*job));
    run.map(|variant| (variant.label().to_string(), variant.frames_of_all_exports().unwrap_or(0)))
}

fn make_media(
    scenario: &Scenario,
    plan: &Plan,
    obstacles: &[Option<String>],
    companions: &Companions,
    stop: &Stop,
) -> Result<(), Failure> {
    let run = plan.variants.iter().zip(obstacles).filter(|(_, obstacle)| obstacle.is_none());
    let mut missing = media::missing(run.map(|(variant, _)| variant));
    if missing.is_empty() {
        return Ok(());
    }
    let needed = |found: Found| found.map_err(|missing| Failure::harness(missing.to_string()));
    let (launcher, exporter) = (needed(companions.launcher())?, needed(companions.exporter())?);
    say(format_args!(
        "making {} media files in {} (kept for later runs)",
        missing.len(),
        media::usual_folder().display()
    ));
    missing.sort_by_key(|(_, spec)| spec.number);
    let pixels = |spec: &SourceSpec| spec.frames * u64::from(spec.size.width) * u64::from(spec.size.height);
    let files = missing.iter().map(|(_, spec)| (clip_name(scenario, spec), pixels(spec)));
    let line = MediaLine::new(files.collect());
    let makers = Makers { launcher: &launcher, exporter: &exporter, at_once: machine::cpus(), stop };
    media::make(&makers, &missing, &|event| line.show(event))?;
    Ok(())
}

/// What clips call a generated file: `shot.3`. A proxy has the name of what it stands for.
fn clip_name(scenario: &Scenario, spec: &SourceSpec) -> String {
    let is_it = |media: &Media| matches!(media, Media::Generated(known) if known.number == spec.number);
    let place = |source: &crate::scenario::Source| source.media.iter().position(is_it);
    let found = scenario.sources.iter().find_map(|source| Some((source, place(source)?)));
    found.map_or_else(String::new, |(source, place)| match source.media.len() {
        1 => source.name.clone(),
        _ => format!("{}.{}", source.name, place + 1),
    })
}

fn conclude(measured: &CarriedOut) -> Exit {
    let CarriedOut { tally, is_engine_missing, .. } = measured;
    if tally.interrupted {
        return Exit::Interrupted;
    }
    if tally.failed > 0 {
        say(format_args!(
            "memreel: {} of {} exports failed; see engine.log in each job's folder",
            tally.failed, tally.done
        ));
    }
    if tally.failed > 0 || *is_engine_missing { Exit::EngineFailed } else { Exit::Fine }
}
