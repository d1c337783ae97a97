//! `memreel plan`: what would run.

mod github;
mod json;
mod slurm;

pub use json::PlanRecord;

use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::changes::ScenarioOptions;
use super::{Exit, Failure, print_lines};
use crate::engine::{self, Companions, Engines, JobFiles};
use crate::execution;
use crate::media;
use crate::plan::{self, Copies, EditChoice, Input, Job, PlanContext, Shard, Variant};
use crate::scenario::{EngineName, Scenario, Sink, Size};
use memreel_projects::mlt::Profile;
use memreel_projects::project::{self, Project, ProjectFormat};
use memreel_record::machine;
use memreel_trace::Threading;

/// Show which jobs a scenario would run, and which it would not and why. Nothing is started
///
/// No program is started, not even one that the scenario names, so it is safe to plan a scenario that you do not trust.
/// For this reason memreel does not know yet which encoders an engine has; with --probe it asks the engines, as `memreel
/// run` does.
///
/// With --shards it divides the jobs among several machines, and can print a matrix for GitHub Actions or a script for
/// Slurm that runs them all. `memreel run SCENARIO --shard K/N` runs one shard, and `memreel merge` combines their
/// results.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel plan forty-clips --repeat 4
  memreel plan forty-clips --repeat 4 --format json
  memreel plan forty-clips --repeat 4 --shards 2
  echo \"matrix=$(memreel plan forty-clips --repeat 4 --shards 2 --format github)\" >> \"$GITHUB_OUTPUT\"
  memreel plan forty-clips --repeat 4 --shards 2 --format slurm | sbatch")]
pub struct PlanCommand {
    /// A scenario file, the name of one that comes with memreel, or an editor's project
    #[arg(required_unless_present = "command")]
    scenario: Option<String>,
    /// Divide the jobs among this many machines: whole repeats, or whole variants if there are fewer repeats
    #[arg(long, value_name = "N", required_if_eq_any([("format", "github"), ("format", "slurm")]))]
    shards: Option<NonZeroU32>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Start each engine to ask what it has: also list variants that it cannot run
    #[arg(long)]
    probe: bool,
    /// Checkout of the editor rlvideo, for the engine of that name ($MEMREEL_RLVIDEO)
    #[arg(long, value_name = "DIR")]
    rlvideo: Option<PathBuf>,
    #[command(flatten)]
    changes: ScenarioOptions,
}

/// What a plan is printed as.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Every variant and its command, for people
    #[default]
    Text,
    /// Every job, for programs
    Json,
    /// A matrix for GitHub Actions, on one line: one job of the workflow per shard
    Github,
    /// A script for Slurm's sbatch: one task of a job array per shard
    Slurm,
}

impl PlanCommand {
    /// Prints the plan.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let scenario = self.changes.load(self.scenario.as_deref())?;
        let companions = Companions::usual().with_rlvideo(self.rlvideo.as_deref()).asked(self.probe);
        let plan = of(&scenario, &companions)?;
        let dealt = self.shards.map(|shards| plan.deal(shards)).transpose()?;
        // What is not for this machine says nothing of it.
        match (self.format, self.shards) {
            (Format::Github, Some(shards)) => github::print(Shard::all(shards.get()), out)?,
            (Format::Slurm, Some(shards)) => slurm::print(&self.command(&plan)?, shards.get(), out)?,
            _ => self.print_for_here(&plan, &companions, dealt.as_deref(), out)?,
        }
        Ok(Exit::Fine)
    }

    /// Prints what would run on this machine; that it is nothing is a failure.
    fn print_for_here(
        &self,
        plan: &plan::Plan,
        companions: &Companions,
        dealt: Option<&[Shard]>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let engines = execution::find_engines(plan, companions);
        let obstacles = execution::obstacles(plan, &engines);
        match self.format {
            Format::Json => json::print(plan, &obstacles, dealt, out)?,
            _ => print_lines(out, |out| {
                print_text(plan, &engines, &obstacles, dealt, out)?;
                Ok(self.print_what_is_open(out)?)
            })?,
        }
        if obstacles.iter().all(Option::is_some) {
            return Err(nothing_runs(plan, &engines, &obstacles));
        }
        Ok(())
    }

    /// What nobody knows who starts nothing.
    fn print_what_is_open(&self, out: &mut dyn Write) -> std::io::Result<()> {
        match self.probe {
            true => Ok(()),
            false => writeln!(
                out,
                "\nNo engine was started: --probe also asks them for their encoders and containers, and has MLT open a project."
            ),
        }
    }

    /// What runs the same plan from any folder.
    fn command(&self, plan: &plan::Plan) -> Result<slurm::Command, Failure> {
        let mut arguments = self.changes.given();
        if let Some(scenario) = &self.scenario {
            let path = Path::new(scenario);
            arguments.push(if path.exists() { absolute(path)? } else { scenario.clone() });
        }
        arguments.extend(self.changes.texts()?.into_iter().flat_map(|change| ["--set".into(), change]));
        if let Some(checkout) = &self.rlvideo {
            arguments.extend(["--rlvideo".into(), absolute(checkout)?]);
        }
        Ok(slurm::Command { name: plan.scenario.clone(), arguments })
    }
}

/// A path from the root.
fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path)?;
    let text = absolute.to_str().map(str::to_string);
    text.ok_or_else(|| Failure::usage(format!("{}: the path is not UTF-8", absolute.display())))
}

fn print_text(
    plan: &plan::Plan,
    engines: &Engines,
    obstacles: &[Option<String>],
    dealt: Option<&[Shard]>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(out, "{}: {}", plan.scenario, plan.question)?;
    writeln!(out, "{}, {}", counted(plan.variants.len(), "variant"), counted(plan.jobs.len(), "job"))?;
    if plan.excluded > 0 {
        writeln!(out, "{} combinations are excluded by the scenario", plan.excluded)?;
    }
    if let Some(missed) = execution::not_loaded(plan) {
        writeln!(out, "{missed}")?;
    }
    let missing = media::missing(&plan.variants).len();
    if missing > 0 {
        writeln!(out, "{missing} media files would be generated in {}", media::usual_folder().display())?;
    }
    for (variant, obstacle) in plan.variants.iter().zip(obstacles) {
        writeln!(out)?;
        print_variant(variant, engines, obstacle.as_deref(), out)?;
    }
    print_orders(plan, obstacles, dealt, out)
}

/// The plan of a scenario on this machine. A project that it names is opened, by MLT too where engines are asked.
pub fn of(scenario: &Scenario, companions: &Companions) -> Result<plan::Plan, Failure> {
    let ask = |project: &Project| engine::opened(project, scenario.matrix.engines(), companions);
    let open = |path: &PathBuf| project::open_as_played(path, &ask);
    let project = scenario.project.as_ref().map(open).transpose()?;
    let context =
        |project| PlanContext { cpus: machine::cpus(), media_folder: media::usual_folder(), project };
    // The editor rlvideo gives a project its size when it opens it; all others have their own.
    let is_own = |project: &Project| project.format != ProjectFormat::Rlvideo;
    let project = match project {
        Some(project) if is_own(&project) => project,
        other => return Ok(plan::plan(scenario, &context(other.map(Copies::unchanged)))),
    };
    let Some(Profile { width, height, rate }) = project.profile else {
        let message =
            "has no <profile>, and melt and the binding would choose different ones: add one to the file";
        return Err(Failure::usage(format!("{}: {message}", project.path.display())));
    };
    let scenario = scenario.with_pictures_of(Size { width, height }, rate);
    let path = project.path.clone();
    let copies =
        Copies::of(project, rate, scenario.matrix.kept().map(|values| EditChoice::of(&values)), &ask);
    let copies = copies.map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
    Ok(plan::plan(&scenario, &context(Some(copies))))
}

/// The failure of a plan of which nothing can be run here.
pub fn nothing_runs(plan: &plan::Plan, engines: &Engines, obstacles: &[Option<String>]) -> Failure {
    let first = obstacles.iter().flatten().next().map_or("the matrix is empty", String::as_str);
    let message = format!("no variant of {} can run: {first}", plan.scenario);
    let all_missing = engines.iter().all(|engine| engine.installation().is_err());
    Failure { message, exit: if all_missing { Exit::EngineFailed } else { Exit::Usage } }
}

fn print_variant(
    variant: &Variant,
    engines: &Engines,
    obstacle: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(out, "{}", variant.label())?;
    if let Some(obstacle) = obstacle {
        writeln!(out, "  not run: {obstacle}")?;
        return Ok(());
    }
    match variant.frames() {
        Some(frames) if matches!(variant.input, Input::Opaque(_)) => {
            writeln!(out, "  {}, as the scenario says", counted(frames as usize, "frame"))?;
        }
        None => writeln!(out, "  as many frames as the command exports")?,
        Some(frames) => print_export(variant, frames, out)?,
    }
    if let Some(engine) = engines.get(&variant.engine) {
        let resolved = engine::resolve(engine, variant, &JobFiles::unnamed(false));
        // A command of the user's own has a number of threads only if it asks for one.
        let is_own = matches!(variant.engine.name, EngineName::Own(_));
        if !is_own || variant.threading != Threading::default() {
            writeln!(out, "  threads requested: {}", threads(variant.threading))?;
            writeln!(out, "  threads set:       {}", threads(resolved.effective))?;
        }
        for note in &resolved.notes {
            writeln!(out, "  note: {note}")?;
        }
        let words: Vec<_> = resolved.command.iter().map(|word| word.to_string_lossy()).collect();
        let words = shlex::try_join(words.iter().map(AsRef::as_ref)).unwrap_or_else(|_| words.join(" "));
        let set = resolved
            .environment
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={} ", value.as_ref()?)));
        writeln!(out, "  {}{words}", set.collect::<String>())?;
    }
    Ok(())
}

fn print_export(variant: &Variant, frames: u64, out: &mut dyn Write) -> Result<(), Failure> {
    let export = &variant.export;
    writeln!(
        out,
        "  {} of {} at {} from {} of {}; {}{}{}",
        counted(frames as usize, "frame"),
        export.size,
        export.rate,
        counted(variant.input.clips() as usize, "clip"),
        counted(variant.media.len(), "file"),
        export.encoder.as_deref().unwrap_or("the engine's default encoder"),
        if export.sink == Sink::Null { ", discarded".into() } else { format!(" to {}", export.container) },
        if variant.exports > 1 {
            format!(", {} times in one process", variant.exports)
        } else {
            String::new()
        },
    )?;
    Ok(())
}

/// The order of what can be run here: of all jobs, or of each shard's.
fn print_orders(
    plan: &plan::Plan,
    obstacles: &[Option<String>],
    dealt: Option<&[Shard]>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let can_run = |job: &&Job| obstacles[job.variant].is_none();
    let Some(dealt) = dealt else {
        let jobs: Vec<_> = plan.jobs.iter().filter(can_run).collect();
        return if jobs.len() > 1 { print_order(plan, "Order of the jobs", &jobs, out) } else { Ok(()) };
    };
    for shard in dealt.first().into_iter().flat_map(|shard| Shard::all(shard.of())) {
        let jobs = plan.jobs.iter().zip(dealt).filter(|(_, dealt)| **dealt == shard).map(|(job, _)| job);
        print_order(plan, &format!("Shard {shard}"), &jobs.filter(can_run).collect::<Vec<_>>(), out)?;
    }
    Ok(())
}

/// A line for each repeat.
fn print_order(plan: &plan::Plan, what: &str, jobs: &[&Job], out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "\n{what} (seed {}):", plan.seed)?;
    for repeat in jobs.chunk_by(|one, next| one.repeat == next.repeat) {
        let labels: Vec<_> = repeat.iter().map(|&&job| plan.variant(job).label()).collect();
        writeln!(out, "  repeat {}: {}", repeat[0].repeat, labels.join(", "))?;
    }
    if jobs.is_empty() {
        writeln!(out, "  no job that can run here")?;
    }
    Ok(())
}

fn threads(threading: Threading) -> String {
    let count = |threads: Option<u32>| {
        threads.map_or_else(|| "engine default".to_string(), |count| count.to_string())
    };
    format!(
        "render {}, decode {}, filter {}, encode {}",
        count(threading.render),
        count(threading.decode),
        count(threading.filter),
        count(threading.encode)
    )
}

/// `1 clip`, `2 clips`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
