//! `memreel ab`: two builds of an engine against each other, in one session.

use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use super::changes::{self, ScenarioOptions};
use super::check::Judging;
use super::run::{Prepared, ScenarioResult, Session};
use super::{Exit, Failure, visible};
use crate::result_check;
use crate::scenario::{Axis, AxisValue, EngineChoice, EngineName, Scenario};
use crate::store::StoredJob;

/// Run a scenario with two builds of an engine in turns, and fail if b is worse than a
///
/// Is my new build worse than the old one? Yesterday's figures, or another machine's, cannot show it: a warmer or
/// busier machine changes figures more than most builds do. So memreel runs both builds in one session, directly after
/// each other in each repeat. The order is random: of every two repeats, each build is first in one. The same build on
/// both sides (--a melt --b melt) shows the noise.
///
/// The comparison fails if b is certainly worse than a by more than the tolerance, as in `memreel check`; but here
/// CPU time and speed are judged, too. Growth on both sides is not a difference.
///
/// Each side runs 5 times per variant, or more often if the scenario says so. 5 repeats find a change of a few per
/// cent of the peak; an engine whose peak jumps needs 10. Decide the number of repeats beforehand: if you add
/// repeats until a difference shows, you will find differences that do not exist.
///
/// ENGINE is the name of an engine: ffmpeg, melt, mlt-python, rlvideo. PATH is one of its programs: melt,
/// memreel-export, a Python with MLT's binding, a checkout of rlvideo. memreel takes the engine of a PATH from the
/// program's name, else from the other side; ENGINE@PATH names it.
#[derive(Debug, Args)]
#[command(mut_arg("engine", |arg| arg.hide(true)), mut_arg("command", |arg| arg.hide(true)))]
#[command(after_help = "\
Examples:
  memreel ab forty-clips --a melt --b ~/mlt/melt.sh
  memreel ab forty-clips --a melt@old/start.sh --b melt@new/start.sh --threading default --repeat 10
  memreel ab holiday.kdenlive --a melt --b /opt/mlt/melt.sh
  memreel ab one-clip --a ffmpeg --b ffmpeg")]
pub struct AbCommand {
    /// A scenario file, the name of one that comes with memreel, or an editor's project
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    scenario: Option<String>,
    /// The build to compare with: the old one
    #[arg(long, value_name = "ENGINE|PATH", requires = "b", required_unless_present = "resume")]
    #[arg(conflicts_with_all = ["resume", "engine"])]
    a: Option<String>,
    /// The build to check: the new one
    #[arg(long, value_name = "ENGINE|PATH", requires = "a", required_unless_present = "resume")]
    #[arg(conflicts_with_all = ["resume", "engine"])]
    b: Option<String>,
    #[command(flatten)]
    judging: Judging,
    #[command(flatten)]
    session: Session,
    #[command(flatten)]
    changes: ScenarioOptions,
}

/// Repeats of each side: of the exporter they find 5 % more of a peak in 19 of 20 checks (`make rates`).
const REPEATS: u32 = 5;

/// What the sides are called in results: values of the axis `engine`, as `a:melt` and `b:melt`.
struct Sides {
    a: String,
    b: String,
}

impl AbCommand {
    /// Runs both sides, reports, and says by the exit code how it went.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let scenario = match self.session.resumed()? {
            Some(scenario) => scenario,
            None => self.scenario()?,
        };
        let sides = Sides::of(&scenario)?;
        self.judging.verify(&scenario)?;
        let prepared = self.session.prepare(&scenario)?;
        sides.check_both_run(&prepared)?;
        let measured = prepared.carry_out("ab")?;
        self.judging.tell_measured(&measured.result, false, out)?;
        self.conclude(&measured, &sides, out)
    }

    /// Says what each side was, and holds `b` against `a`. A run that was interrupted shows nothing yet.
    fn conclude(
        &self,
        measured: &ScenarioResult,
        sides: &Sides,
        out: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        match self.judging.is_for_programs() {
            true => sides.tell_builds(measured, &mut visible(io::stderr()))?,
            false => sides.tell_builds(measured, out)?,
        }
        if measured.exit == Exit::Interrupted {
            return Ok(measured.exit);
        }
        let against = format!("{}, measured in turns", sides.a);
        let judged = self.judging.judge(&measured.result, Some(against), out, |report, budgets| {
            result_check::check_sides(report, &budgets, &sides.a, &sides.b)
        })?;
        Ok(measured.exit.or_worse(judged))
    }

    fn scenario(&self) -> Result<Scenario, Failure> {
        let (Some(scenario), Some(a), Some(b)) = (&self.scenario, &self.a, &self.b) else {
            return Err(Failure::usage("give a scenario and two builds; `memreel ab --help` has examples"));
        };
        let mut texts = self.changes.texts()?;
        let told = texts.iter().any(|text| text.trim_start().starts_with("matrix.repeats"));
        texts.push(builds(a, b)?);
        let scenario_as_told = changes::load(scenario, &texts)?;
        if told || scenario_as_told.matrix.repeats >= REPEATS {
            return Ok(scenario_as_told);
        }
        texts.push(format!("matrix.repeats={REPEATS}"));
        changes::load(scenario, &texts)
    }
}

/// The change to a scenario that has it run both sides.
fn builds(a: &str, b: &str) -> Result<String, Failure> {
    let (one, other) = (Side::read("--a", a)?, Side::read("--b", b)?);
    let sides = [("a", one.build(&other)?), ("b", other.build(&one)?)];
    let values = sides.map(|(label, build)| serde_json::Value::from(format!("{label}:{build}")));
    Ok(format!("matrix.engine={}", serde_json::Value::from(values.to_vec())))
}

/// A side as it was given.
struct Side<'a> {
    option: &'static str,
    /// The engine, where it is told.
    engine: Option<EngineName>,
    /// The program, where one is named.
    program: Option<&'a str>,
}

impl<'a> Side<'a> {
    fn read(option: &'static str, text: &'a str) -> Result<Side<'a>, Failure> {
        match text.parse::<EngineChoice>() {
            Ok(EngineChoice { label: Some(_), .. }) => Err(Failure::usage(format!(
                "{option} {text}: the labels of the sides are a and b; write it without a label"
            ))),
            Ok(choice) => {
                let program = text.split_once('@').map(|(_, program)| program);
                Ok(Side { option, engine: Some(choice.name), program })
            }
            Err(_) if text.contains('/') || Path::new(text).exists() => {
                Ok(Side { option, engine: engine_of(Path::new(text)), program: Some(text) })
            }
            Err(message) => {
                Err(Failure::usage(format!("{option}: {message}; to name a program, give its path")))
            }
        }
    }

    /// Its value of the axis `engine`, without a label.
    fn build(&self, other: &Side) -> Result<String, Failure> {
        match (self.engine.or(other.engine), self.program) {
            (Some(engine), Some(program)) => Ok(format!("{engine}@{program}")),
            (Some(engine), None) => Ok(engine.to_string()),
            (None, program) => {
                let (option, program) = (self.option, program.unwrap_or_default());
                let message = format!("{option}: the engine of {program} is unknown; write ENGINE@{program}");
                Err(Failure::usage(message))
            }
        }
    }
}

/// The engine that a program, or a folder that holds one, is called after.
fn engine_of(path: &Path) -> Option<EngineName> {
    let holds = |names: &[&str]| names.iter().any(|name| path.join(name).exists());
    match path.file_name()?.to_str()? {
        "melt" if !path.is_dir() => Some(EngineName::Melt),
        "memreel-export" if !path.is_dir() => Some(EngineName::Ffmpeg),
        name if name.starts_with("python") && !path.is_dir() => Some(EngineName::MltPython),
        _ if holds(&["rlvideolib"]) => Some(EngineName::Rlvideo),
        _ if holds(&["melt", "bin/melt"]) => Some(EngineName::Melt),
        _ if holds(&["memreel-export", "bin/memreel-export"]) => Some(EngineName::Ffmpeg),
        _ => None,
    }
}

impl Sides {
    /// The builds of a scenario that are labelled `a` and `b`.
    fn of(scenario: &Scenario) -> Result<Sides, Failure> {
        let engines = &scenario.matrix.range(Axis::Engine).values;
        let side = |label: &str| {
            let is_it = |choice: &&EngineChoice| choice.label.as_deref() == Some(label);
            engines.iter().filter_map(AxisValue::engine).find(is_it).map(EngineChoice::to_string)
        };
        let missing = || {
            Failure::usage(format!(
                "{}: it has no builds labelled a and b; `memreel run --resume` continues any other result",
                scenario.name
            ))
        };
        Ok(Sides { a: side("a").ok_or_else(missing)?, b: side("b").ok_or_else(missing)? })
    }

    fn both(&self) -> [&str; 2] {
        [&self.a, &self.b]
    }

    /// With one side alone there is nothing to compare.
    fn check_both_run(&self, prepared: &Prepared) -> Result<(), Failure> {
        let variants = || prepared.plan.variants.iter().zip(&prepared.obstacles);
        for side in self.both() {
            let of_side = || variants().filter(|(variant, _)| variant.engine.to_string() == side);
            let Some((variant, Some(obstacle))) = of_side().next() else { continue };
            if of_side().all(|(_, obstacle)| obstacle.is_some()) {
                let engine = prepared.engines.get(&variant.engine);
                let missing = engine.is_some_and(|engine| engine.installation().is_err());
                let exit = if missing { Exit::EngineFailed } else { Exit::Usage };
                return Err(Failure { message: format!("{side} cannot be run: {obstacle}"), exit });
            }
        }
        Ok(())
    }

    /// Says what each side was, and whether both were the same.
    fn tell_builds(&self, measured: &ScenarioResult, out: &mut dyn Write) -> Result<(), Failure> {
        let mut builds = Vec::new();
        writeln!(out)?;
        for side in self.both() {
            let is_it = |job: &&StoredJob| {
                job.record.variant.iter().any(|(axis, value)| axis == Axis::Engine.name() && value == side)
            };
            let Some(job) = measured.result.jobs.iter().find(is_it) else { continue };
            let engine = &job.record.engine;
            let path = engine.path.display();
            writeln!(out, "{side}: {} {}, build {}, {path}", engine.name, engine.version, engine.build)?;
            builds.push(&engine.build);
        }
        if let [a, b] = builds.as_slice()
            && a == b
        {
            writeln!(out, "Both sides are the same build: any difference is noise.")?;
        }
        Ok(())
    }
}
