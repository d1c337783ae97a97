//! `memreel plan`: what would run.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::changes::{self, Changes};
use super::{Exit, Failure};
use crate::engine::{Companions, Engines, JobFiles};
use crate::execution;
use crate::machine;
use crate::media;
use crate::plan::{self, PlanContext, Variant};
use crate::project::{self, ProjectFormat};
use crate::scenario::{Scenario, Sink, Size};
use crate::timeline::mlt::Profile;
use crate::trace::Threading;

/// Show what a scenario would run, and what it would not and why; nothing is started or made
#[derive(Debug, Args)]
pub struct Plan {
    /// A scenario file, the name of one that comes with memreel, or an editor's project
    scenario: String,
    /// A checkout of the editor rlvideo, for the engine of that name ($MEMREEL_RLVIDEO)
    #[arg(long, value_name = "DIR")]
    rlvideo: Option<PathBuf>,
    #[command(flatten)]
    changes: Changes,
}

impl Plan {
    /// Prints the plan.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let scenario = changes::load(&self.scenario, &self.changes.texts())?;
        let plan = of(&scenario)?;
        let engines =
            execution::find_engines(&plan, &Companions::usual().with_rlvideo(self.rlvideo.as_deref()));
        writeln!(out, "{}: {}", plan.scenario, plan.question)?;
        writeln!(out, "{}, {}", counted(plan.variants.len(), "variant"), counted(plan.jobs.len(), "job"))?;
        if plan.excluded > 0 {
            writeln!(out, "{} combinations are excluded by the scenario", plan.excluded)?;
        }
        let missing = media::missing(&plan.variants).len();
        if missing > 0 {
            writeln!(out, "{missing} media files would be generated in {}", media::usual_folder().display())?;
        }
        let obstacles = execution::obstacles(&plan, &engines);
        for (variant, obstacle) in plan.variants.iter().zip(&obstacles) {
            writeln!(out)?;
            print_variant(variant, &engines, obstacle.as_deref(), out)?;
        }
        print_order(&plan, &obstacles, out)?;
        if obstacles.iter().all(Option::is_some) {
            return Err(nothing_runs(&plan, &engines, &obstacles));
        }
        Ok(Exit::Fine)
    }
}

/// The plan of a scenario on this machine. A project that it names is opened.
pub fn of(scenario: &Scenario) -> Result<plan::Plan, Failure> {
    let open = |path: &PathBuf| project::open(path).map(Arc::new);
    let project = scenario.project.as_ref().map(open).transpose()?;
    let context = PlanContext { cpus: machine::cpus(), media_folder: media::usual_folder(), project };
    // The editor rlvideo gives a project its size when it opens it; all others have their own.
    let own = context.project.as_ref().filter(|project| project.format != ProjectFormat::Rlvideo);
    let Some(project) = own else { return Ok(plan::plan(scenario, &context)) };
    let Some(Profile { width, height, rate }) = project.profile else {
        let message =
            "has no <profile>, and melt and the binding would each choose another one: write one into it";
        return Err(Failure::usage(format!("{}: {message}", project.path.display())));
    };
    Ok(plan::plan(&scenario.with_pictures_of(Size { width, height }, rate), &context))
}

/// The failure of a plan of which nothing can be run here.
pub fn nothing_runs(plan: &plan::Plan, engines: &Engines, obstacles: &[Option<String>]) -> Failure {
    let first = obstacles.iter().flatten().next().map_or("the matrix is empty", String::as_str);
    let message = format!("nothing of {} can be run: {first}", plan.scenario);
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
    let export = &variant.export;
    writeln!(
        out,
        "  {} of {} at {} from {} of {}; {}{}{}",
        counted(variant.frames() as usize, "frame"),
        export.size,
        export.rate,
        counted(variant.input.clips() as usize, "clip"),
        counted(variant.media.len(), "file"),
        export.encoder.as_deref().unwrap_or("an encoder of the engine's choice"),
        if export.sink == Sink::Null { ", thrown away".into() } else { format!(" to {}", export.container) },
        if variant.exports > 1 {
            format!(", {} times in one process", variant.exports)
        } else {
            String::new()
        },
    )?;
    if let Some(engine) = engines.get(&variant.engine) {
        let resolved = engine.resolve(variant, &JobFiles::unnamed(false));
        writeln!(out, "  threads asked for: {}", threads(variant.threading))?;
        writeln!(out, "  threads given:     {}", threads(resolved.effective))?;
        for note in &resolved.notes {
            writeln!(out, "  note: {note}")?;
        }
        let words: Vec<_> = resolved.command.iter().map(|word| word.to_string_lossy()).collect();
        let set = resolved
            .environment
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={} ", value.as_ref()?)));
        writeln!(out, "  {}{}", set.collect::<String>(), words.join(" "))?;
    }
    Ok(())
}

/// A line for each repeat, where there is more than one job to run.
fn print_order(plan: &plan::Plan, obstacles: &[Option<String>], out: &mut dyn Write) -> Result<(), Failure> {
    let jobs: Vec<_> = plan.jobs.iter().filter(|job| obstacles[job.variant].is_none()).collect();
    if jobs.len() > 1 {
        writeln!(out, "\nIn this order (seed {}):", plan.seed)?;
    }
    for repeat in jobs.chunk_by(|one, next| one.repeat == next.repeat).filter(|_| jobs.len() > 1) {
        let labels: Vec<_> = repeat.iter().map(|&&job| plan.variant(job).label()).collect();
        writeln!(out, "  repeat {}: {}", repeat[0].repeat, labels.join(", "))?;
    }
    Ok(())
}

fn threads(threading: Threading) -> String {
    let count =
        |threads: Option<u32>| threads.map_or_else(|| "untold".to_string(), |count| count.to_string());
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
