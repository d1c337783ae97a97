//! Carries out a plan: one job after another, each in a folder that is renamed when it is whole.
//!
//! It emits [`ExecutionEvent`]s and knows nothing of how they are shown.

mod identity;
mod record;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::digest;
use crate::engine::{self, Companions, Engine, Engines, JobFiles, Missing, Probe, Resolved};
use crate::media::{Catalogue, MediaError};
use crate::plan::{Input, Job, JobName, PartOf, Plan, Variant};
use crate::scenario::{EngineName, Media, MediaChoice, Opaque, SHIPPED, Scenario};
use crate::store::{self, EnginesFiles, PlannedJob, ProjectRecord, ResultIndex, ShardRecord, StoreError};
use memreel_record::group::Groups;
use memreel_record::machine;
use memreel_record::sampler::Live;
use memreel_record::supervise::{self, EngineLimits, Launch, Measured, RunError, Stop};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{FramesShownBy, Machine, MediaFile, Outcome};

/// A plan made ready: its media are there, its engines are known.
pub struct Execution<'a> {
    scenario: &'a Scenario,
    plan: &'a Plan,
    engines: Rc<Engines>,
    launcher: PathBuf,
    /// Counts the frames of what was exported, where it is installed.
    exporter: Option<PathBuf>,
    probe: Probe,
    machine: Machine,
    /// Where control groups of engines are made, if they can be.
    groups: Option<Arc<Groups>>,
    /// Media of each variant, in the plan's order; empty for one that is not run.
    media: Vec<Vec<MediaFile>>,
    /// Frames of inputs that were counted.
    counted: RefCell<BTreeMap<PathBuf, u64>>,
    /// Its jobs, with their identities, in the order in which they are run.
    planned: Vec<PlannedJob>,
    wishes: Wishes,
}

/// What is wanted beside the measurements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The exported files are kept.
    pub exports: bool,
    /// Engines that can are to write out the graph that they export, as `graph.mlt` in a job's folder.
    pub graphs: bool,
    /// Folders beside the result's in which engines may write.
    pub writable: Vec<PathBuf>,
}

/// What happens while a plan is carried out.
#[derive(Debug)]
pub enum ExecutionEvent<'a> {
    /// A job begins; `live` shows how far it is.
    Started {
        /// Which job of those to run, from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// What it runs.
        variant: &'a Variant,
        /// Which repeat.
        repeat: u32,
        /// Its counters while it runs.
        live: Arc<Live>,
    },
    /// A job that was there already is used as it is.
    Reused {
        /// What it ran.
        variant: &'a Variant,
        /// Which repeat.
        repeat: u32,
    },
    /// A job is over.
    Ended {
        /// How it ended.
        outcome: &'a Outcome,
        /// The most resident memory of it, by the kernel's word or by the samples.
        peak: Bytes,
    },
}

/// How carrying out a plan went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs that are there now, run or re-used.
    pub done: usize,
    /// Jobs whose engine did not do what it was asked.
    pub failed: usize,
    /// Whether the user ended it before all was run.
    pub interrupted: bool,
}

/// Why a plan could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A program of ours is missing.
    #[error("{0}")]
    Missing(Missing),
    /// Media are missing.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The result's folder cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A job could not be measured.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Looks for every engine that a plan names, each program once.
pub fn find_engines(plan: &Plan, companions: &Companions) -> Engines {
    Engines::find(plan.variants.iter().map(|variant| &variant.engine), companions)
}

/// Why each variant of a plan will not be run; `None` for one that will.
pub fn obstacles(plan: &Plan, engines: &Engines) -> Vec<Option<String>> {
    let of = |variant: &Variant| {
        let obstacles = engine::obstacles(engine_of(engines, variant), variant);
        (!obstacles.is_empty()).then(|| obstacles.join("; "))
    };
    plan.variants.iter().map(of).collect()
}

fn engine_of<'a>(engines: &'a Engines, variant: &Variant) -> &'a dyn Engine {
    engines.get(&variant.engine).expect("engines were looked for by the plan's own names")
}

impl<'a> Execution<'a> {
    /// Identifies the media; they must exist by now.
    ///
    /// # Errors
    /// When the launcher or a media file is missing.
    pub fn new(
        scenario: &'a Scenario,
        plan: &'a Plan,
        engines: Rc<Engines>,
        obstacles: &[Option<String>],
        companions: &Companions,
        groups: Option<Arc<Groups>>,
        wishes: Wishes,
    ) -> Result<Execution<'a>, ExecutionError> {
        let mut catalogue = Catalogue::default();
        let mut media = Vec::new();
        for (variant, obstacle) in plan.variants.iter().zip(obstacles) {
            let mut files = Vec::new();
            if obstacle.is_none() {
                let beside = engine_of(&engines, variant).inputs(variant).into_iter();
                files.extend(beside.map(|path| (path.clone(), Media::File(path))));
                files.extend(variant.media.iter().cloned());
            }
            let files = files.iter().map(|(path, media)| catalogue.identify(path, media));
            media.push(files.collect::<Result<Vec<_>, _>>()?);
        }
        let mut execution = Execution {
            scenario,
            plan,
            launcher: companions.launcher().map_err(ExecutionError::Missing)?,
            exporter: companions.exporter().ok(),
            probe: Probe::with(companions),
            machine: machine::describe(),
            groups,
            media,
            counted: RefCell::default(),
            planned: Vec::new(),
            engines,
            wishes,
        };
        let planned = plan.jobs.iter().map(|job| execution.plan_job(*job, obstacles[job.variant].clone()));
        execution.planned = planned.collect();
        Ok(execution)
    }

    /// What the run sets out to do.
    pub fn index(&self, started: String) -> ResultIndex {
        ResultIndex {
            format: store::FORMAT.into(),
            scenario: self.plan.scenario.clone(),
            question: self.plan.question.clone(),
            scenario_path: std::path::absolute(&self.scenario.path)
                .unwrap_or_else(|_| self.scenario.path.clone()),
            scenario_text: self.scenario.text.clone(),
            ships_with_memreel: !self.scenario.path.exists() && is_shipped(self.scenario),
            options: self.scenario.options.clone(),
            is_opaque: self.scenario.opaque.is_some(),
            project: self.project(),
            overrides: self.scenario.overrides.clone(),
            engines_files: EnginesFiles {
                paths: self.scenario.engines_files.0.clone(),
                overrides: self.scenario.engines_files.1,
            },
            started,
            varied: self.plan.varied.iter().map(ToString::to_string).collect(),
            seed: Some(self.plan.seed),
            shard: self.plan.part.as_ref().map(shard_record),
            machines: Vec::new(),
            jobs: self.planned.clone(),
        }
    }

    /// What there is to take out of the project that is exported.
    fn project(&self) -> Option<ProjectRecord> {
        let variants = &self.plan.variants;
        let mut projects = variants.iter().filter_map(|variant| variant.input.project());
        // All of it is in the variant that nothing is taken out of.
        let project = projects.clone().find(|project| !project.is_copy).or_else(|| projects.next())?;
        let runs = self.planned.iter().zip(&self.plan.jobs).filter(|(planned, _)| planned.not_run.is_none());
        let changes_it = |engine: EngineName| matches!(engine, EngineName::Melt | EngineName::MltPython);
        let can_be_changed = runs.clone().all(|(_, job)| changes_it(self.plan.variant(*job).engine.name));
        let tracks = project.shown_tracks().unwrap_or_default();
        Some(ProjectRecord {
            format: project.format.word().into(),
            can_be_changed: can_be_changed && !project.is_rlvideo(),
            filters: project.filters.keys().cloned().collect(),
            transitions: project.transitions.keys().cloned().collect(),
            tracks: tracks.iter().filter(|track| !track.is_empty).map(|track| track.number).collect(),
        })
    }

    fn plan_job(&self, job: Job, not_run: Option<String>) -> PlannedJob {
        let digest = if not_run.is_some() { String::new() } else { self.digest(job) };
        PlannedJob { digest, not_run, ..planned(&self.plan.name_of(job)) }
    }

    fn digest(&self, job: Job) -> String {
        let variant = self.plan.variant(job);
        let media = &self.media[job.variant];
        let limits = limits(self.scenario, variant);
        identity::job_digest(
            self.engine(variant),
            variant,
            media,
            &limits,
            self.scenario.sampling.interval,
            job.repeat,
            self.dumps_graph(variant),
        )
    }

    fn dumps_graph(&self, variant: &Variant) -> bool {
        self.wishes.graphs && self.engine(variant).dumps_graph()
    }

    fn engine(&self, variant: &Variant) -> &dyn Engine {
        engine_of(&self.engines, variant)
    }

    /// Runs every job that is not in the folder yet, in the plan's order.
    ///
    /// # Errors
    /// When the harness cannot do its work; no engine is left running.
    pub fn carry_out(
        &self,
        folder: &Path,
        stop: &Stop,
        tell: &mut dyn FnMut(ExecutionEvent<'_>),
    ) -> Result<Tally, ExecutionError> {
        let jobs = folder.join("jobs");
        make_folder(&jobs)?;
        clear_partial(&jobs)?;
        let all = self.plan.jobs.iter().zip(&self.planned);
        let to_run: Vec<_> = all.filter(|(_, planned)| planned.not_run.is_none()).collect();
        let mut tally = Tally::default();
        for (index, &(&job, planned)) in to_run.iter().enumerate() {
            let variant = self.plan.variant(job);
            let outcome = match done(folder, planned) {
                Some(outcome) => {
                    tell(ExecutionEvent::Reused { variant, repeat: job.repeat });
                    outcome
                }
                None => {
                    let live = Arc::new(Live::default());
                    let (number, of, repeat) = (index + 1, to_run.len(), job.repeat);
                    tell(ExecutionEvent::Started { number, of, variant, repeat, live: Arc::clone(&live) });
                    let (outcome, peak) = self.run_job(job, planned, folder, stop, &live)?;
                    tell(ExecutionEvent::Ended { outcome: &outcome, peak });
                    outcome
                }
            };
            tally.done += usize::from(outcome.is_final());
            tally.failed += usize::from(outcome.is_final() && !outcome.is_finished());
            if stop.is_set() {
                tally.interrupted = index + 1 < to_run.len() || !outcome.is_final();
                break;
            }
        }
        Ok(tally)
    }

    /// Runs one job in a folder under a temporary name, and renames it when it is whole.
    fn run_job(
        &self,
        job: Job,
        planned: &PlannedJob,
        folder: &Path,
        stop: &Stop,
        live: &Arc<Live>,
    ) -> Result<(Outcome, Bytes), ExecutionError> {
        let variant = self.plan.variant(job);
        // An engine that runs elsewhere takes relative paths from there.
        let folder = &std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let whole = folder.join("jobs").join(&planned.folder);
        let partial = folder.join("jobs").join(format!("{PARTIAL}{}", planned.folder));
        make_folder(&partial)?;
        let timeline = self.write_timeline(variant, folder)?;
        let exports = folder.join("exports");
        make_folder(&exports)?;
        let output = exports.join(format!("{}.{}", planned.folder, variant.export.container.extension()));
        let drivers = self.write_drivers(variant, folder)?;
        let graph = partial.join(GRAPH);
        let files = JobFiles {
            timeline: &timeline,
            output: &output,
            drivers: &drivers,
            folder: &partial,
            graph: self.dumps_graph(variant).then_some(&graph),
        };
        let resolved = engine::resolve(self.engine(variant), variant, &files);
        let started = jiff::Timestamp::now();
        let launch = self.launch(variant, &resolved, folder);
        let mut measured = self.measure(&launch, &resolved, &partial, stop, live)?;
        let proof = self.proved(variant, &measured, &output, live);
        measured.outcome = proof.outcome;
        let output_bytes = fs::metadata(&output).ok().filter(|_| variant.writes_a_file());
        let record = record::RecordOf {
            execution: self,
            job,
            planned,
            resolved: &resolved,
            measured: &measured,
            started,
            cuts: self.cuts_of_inputs(variant, proof.frames),
            frames: proof.frames,
            frames_shown_by: proof.by,
            output_bytes: output_bytes.map(|meta| meta.len()),
            graph: fs::read(&graph).ok().map(digest::of),
        };
        store::write_json(&partial.join("run.json"), &record.record())?;
        // What is not whole is not to be taken for whole.
        if !self.wishes.exports || !measured.outcome.is_finished() {
            let _ = fs::remove_file(&output).or_else(|_| fs::remove_dir_all(&output));
            // Gone when it was the only one in there.
            let _ = fs::remove_dir(&exports);
        }
        replace(&partial, &whole)?;
        let (_, sampled) = live.memory();
        Ok((measured.outcome, sampled.max(measured.max_rss.unwrap_or(Bytes::ZERO))))
    }

    /// Measures an export, after what has to be done before it: when that fails there is no export.
    fn measure(
        &self,
        launch: &Launch,
        resolved: &Resolved,
        folder: &Path,
        stop: &Stop,
        live: &Arc<Live>,
    ) -> Result<Measured, ExecutionError> {
        if let Some(command) = &resolved.before {
            let limits = EngineLimits { stall: None, memory: None, ..launch.limits };
            let before = Launch { command: command.clone(), limits, ..launch.clone() };
            let scratch = folder.join("before");
            make_folder(&scratch)?;
            let prepared = supervise::measure(&before, &scratch, stop, &Arc::new(Live::default()))?;
            if !prepared.outcome.is_finished() {
                return Ok(prepared);
            }
            let _ = fs::remove_dir_all(&scratch);
        }
        Ok(supervise::measure(launch, folder, stop, live)?)
    }

    /// The engine's own word for how it ended, held against the best witness there is: an engine may leave
    /// out what it cannot show, or write nothing at all, and call that a success.
    fn proved(&self, variant: &Variant, measured: &Measured, output: &Path, live: &Live) -> Proof {
        let said = of_what_is_played(measured.outcome.clone(), variant);
        if said.is_finished() && measured.is_preloaded == Some(false) {
            let what = vec![format!("{}: its program does not load it", variant.allocator)];
            return Proof { outcome: Outcome::ExportedWithout { what }, frames: None, by: None };
        }
        if !said.is_finished() || variant.media_choice == MediaChoice::MakeProxies {
            return Proof { outcome: said, frames: None, by: None };
        }
        let exporter = self.exporter.as_ref().filter(|_| variant.writes_a_file());
        let in_file = exporter.and_then(|exporter| frames_in_file(&self.probe, exporter, output));
        let Some(of) = variant.frames() else { return self.of_unknown(variant, said, in_file, output, live) };
        let (frames, of, by) = match in_file {
            Some(frames) => (frames, of, FramesShownBy::File),
            None => {
                let of = of * u64::from(variant.exports);
                let (frames, by) = frames_counted(live, of, measured.wall);
                (frames, of, by)
            }
        };
        let outcome = if frames == of { said } else { Outcome::Incomplete { frames, of } };
        Proof { outcome, frames: Some(of), by: Some(by) }
    }

    /// Where nobody knows beforehand how many frames there are to be, what is in the file is held against the engine's
    /// counter. A file that it was to write is there, at least.
    fn of_unknown(
        &self,
        variant: &Variant,
        said: Outcome,
        in_file: Option<u64>,
        output: &Path,
        live: &Live,
    ) -> Proof {
        let counted = live.frames_out().map(Count::get).filter(|&frames| frames > 0);
        let is_there = !variant.writes_a_file()
            || fs::metadata(output).is_ok_and(|meta| meta.is_dir() || meta.len() > 0);
        match (in_file.filter(|&frames| frames > 0), counted) {
            _ if !is_there => Proof { outcome: no_output(counted), frames: None, by: None },
            (Some(frames), Some(of)) if frames < of => Proof {
                outcome: Outcome::Incomplete { frames, of },
                frames: Some(of),
                by: Some(FramesShownBy::File),
            },
            (Some(frames), _) => Proof { outcome: said, frames: Some(frames), by: Some(FramesShownBy::File) },
            (None, counted) => {
                let by = if counted.is_some() { FramesShownBy::Counter } else { FramesShownBy::Nothing };
                Proof { outcome: said, frames: counted, by: Some(by) }
            }
        }
    }

    /// Where the pictures of joined inputs begin in an export that has as many frames as all of them. `None` where that
    /// is not known: the scenario says it, or nobody.
    fn cuts_of_inputs(&self, variant: &Variant, frames: Option<u64>) -> Option<Vec<u64>> {
        let Input::Opaque(Opaque { cuts: None, .. }) = &variant.input else { return None };
        let (files, exporter) = (self.engine(variant).joined(variant)?, self.exporter.as_ref()?);
        let mut counted = self.counted.borrow_mut();
        let mut ends = Vec::new();
        for file in files {
            let frames = match counted.get(&file) {
                Some(frames) => *frames,
                None => engine::count_frames(exporter, &file, &self.probe)?,
            };
            ends.push(ends.last().unwrap_or(&0) + frames);
            counted.insert(file, frames);
        }
        (ends.pop() == frames).then_some(ends)
    }

    /// The folder with the programs of ours that the variant's engine runs.
    fn write_drivers(&self, variant: &Variant, folder: &Path) -> Result<PathBuf, StoreError> {
        let drivers = folder.join("drivers");
        for (name, text) in self.engine(variant).drivers() {
            let driver = drivers.join(name);
            make_folder(driver.parent().unwrap_or(&drivers))?;
            store::write_in_place(&driver, text.as_bytes())?;
        }
        Ok(drivers)
    }

    fn launch(&self, variant: &Variant, resolved: &Resolved, folder: &Path) -> Launch {
        let (limits, engine) = (limits(self.scenario, variant), self.engine(variant));
        let wall = [limits.wall, variant.wall_limit].into_iter().flatten().min();
        Launch {
            launcher: self.launcher.clone(),
            command: resolved.command.clone(),
            environment: resolved.environment.clone(),
            preload: engine::allocator_file(variant),
            progress: resolved.progress.clone(),
            folder: engine.folder().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_path_buf),
            limits: EngineLimits { wall, ..limits },
            groups: self.groups.clone(),
            interval: self.scenario.sampling.interval,
            writable: (!engine.is_of_user()).then(|| writable(folder, &self.wishes.writable)),
        }
    }

    /// Where the timeline of a variant lies, in the format of its engine: the same for all repeats. A project
    /// stays where it is, and so do files that it names by their places beside it; a copy is written.
    fn write_timeline(&self, variant: &Variant, folder: &Path) -> Result<PathBuf, StoreError> {
        let (ending, text) = match &variant.input {
            Input::Opaque(_) => return Ok(PathBuf::new()),
            Input::Project(project) if !project.is_copy => return Ok(project.path.clone()),
            // Beside the original, relative paths of the copy would mean the same without that.
            Input::Project(project) => ("mlt", project.rooted_text().unwrap_or_default()),
            Input::Script(_) => self.engine(variant).timeline(variant),
        };
        let timelines = folder.join("timelines");
        make_folder(&timelines)?;
        let timeline = timelines.join(format!("{}.{ending}", variant.slug()));
        store::write_in_place(&timeline, text.as_bytes())?;
        Ok(timeline)
    }
}

/// An export lacks what was not loaded only as far as that is played.
fn of_what_is_played(outcome: Outcome, variant: &Variant) -> Outcome {
    match (outcome, variant.input.project()) {
        (Outcome::ExportedWithout { what }, Some(project)) => {
            let missed = project.missed(what);
            match missed.is_empty() {
                true => Outcome::Finished,
                false => Outcome::ExportedWithout { what: counted(&missed) },
            }
        }
        (outcome, _) => outcome,
    }
}

/// What MLT cannot load of the plan's project, where it was asked: exports are other ones than the project's then.
pub fn not_loaded(plan: &Plan) -> Option<String> {
    let projects = plan.variants.iter().filter_map(|variant| variant.input.project());
    let missed =
        projects.filter_map(|project| project.not_loaded.as_ref()).find(|missed| !missed.is_empty())?;
    Some(format!("MLT cannot load {} here: exports are without it", counted(missed).join(", ")))
}

/// `2 × qtblend`.
pub fn counted(missed: &BTreeMap<String, usize>) -> Vec<String> {
    let each = |(name, count): (&String, &usize)| match count {
        1 => name.clone(),
        _ => format!("{count} × {name}"),
    };
    missed.iter().map(each).collect()
}

/// How an export ended, and what that rests on.
struct Proof {
    outcome: Outcome,
    /// The frames of one export, as far as they are known.
    frames: Option<u64>,
    by: Option<FramesShownBy>,
}

/// The end of a command that wrote nothing where it was told to.
fn no_output(counted: Option<u64>) -> Outcome {
    match counted {
        Some(of) => Outcome::Incomplete { frames: 0, of },
        None => Outcome::Failed { code: 0, message: Some("it wrote no file at {output}".into()) },
    }
}

/// The pictures in an export's file: none where it is no regular file, or not one that can be read. `None` where they
/// could not be counted.
fn frames_in_file(probe: &Probe, exporter: &Path, output: &Path) -> Option<u64> {
    let is_file = fs::symlink_metadata(output).is_ok_and(|meta| meta.is_file());
    if is_file { engine::count_frames(exporter, output, probe) } else { Some(0) }
}

/// The frames of an export by the engine's own counter. One that only says which frame it takes in, and says it late,
/// can confirm that all were exported, and not that some are missing.
fn frames_counted(live: &Live, of: u64, wall: Duration) -> (u64, FramesShownBy) {
    let late = LATE_S * of as f64 / wall.as_secs_f64();
    match (live.frames_out(), live.frames_in()) {
        (Some(out), _) => (out.get(), FramesShownBy::Counter),
        (None, Some(taken)) if taken.as_f64() + late >= of as f64 => (of, FramesShownBy::Counter),
        (None, _) => (of, FramesShownBy::Nothing),
    }
}

/// A job of which nothing is known but its name.
fn planned(name: &JobName) -> PlannedJob {
    PlannedJob {
        variant: name.axes.iter().map(|(axis, value)| (axis.to_string(), value.clone())).collect(),
        place: name.place,
        repeat: name.repeat,
        folder: name.folder.clone(),
        digest: String::new(),
        not_run: None,
    }
}

fn is_shipped(scenario: &Scenario) -> bool {
    SHIPPED.iter().any(|(name, text)| *name == scenario.name && *text == scenario.text)
}

fn shard_record(part: &PartOf) -> ShardRecord {
    ShardRecord {
        number: part.shard.number(),
        of: part.shard.of(),
        elsewhere: part.elsewhere.iter().map(planned).collect(),
    }
}

/// The graph that an engine exported, in its own words, in a job's folder.
const GRAPH: &str = "graph.mlt";

/// An engine that says which frame it takes in says it no later than this, in seconds: melt does every 0.04 s.
const LATE_S: f64 = 0.1;

/// What a job's folder is called until it is whole.
const PARTIAL: &str = ".partial-";

/// Frames stand still while the process rests, and that is no stall; nor is it while a proxy is made, which is
/// counted when it is whole.
fn limits(scenario: &Scenario, variant: &Variant) -> EngineLimits {
    let counts = variant.media_choice != MediaChoice::MakeProxies;
    EngineLimits {
        wall: scenario.limits.wall,
        stall: counts.then_some(scenario.limits.stall + variant.rest),
        memory: variant.memory_limit,
    }
}

/// How a job ended that need not be run again: it is there, whole, the same, and not interrupted.
fn done(folder: &Path, planned: &PlannedJob) -> Option<Outcome> {
    let stored = store::open_job(&folder.join("jobs").join(&planned.folder)).ok()?;
    let same = stored.record.digest == planned.digest && stored.record.outcome.is_final();
    same.then_some(stored.record.outcome)
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|source| StoreError::Io { path: path.to_path_buf(), source })
}

/// Removes what a killed harness left behind.
fn clear_partial(jobs: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Io { path: jobs.to_path_buf(), source };
    for entry in fs::read_dir(jobs).map_err(failed)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

fn replace(partial: &Path, whole: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Io { path: whole.to_path_buf(), source };
    if whole.exists() {
        fs::remove_dir_all(whole).map_err(failed)?;
    }
    store::remove_strangers(partial)?;
    store::put(partial, whole)
}

/// Where an engine can write: the result's folder, what the user allows, and what a program needs to run at all.
fn writable(folder: &Path, allowed: &[PathBuf]) -> Vec<PathBuf> {
    let mut writable = engine::usually_writable();
    writable.push(folder.to_path_buf());
    writable.extend(allowed.iter().cloned());
    writable.retain(|path| path.exists());
    writable
}
