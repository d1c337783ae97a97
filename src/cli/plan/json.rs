//! The jobs of a plan, for programs.

use std::collections::BTreeMap;
use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Failure;
use crate::plan::{Job, Plan, Shard};

/// The version of what is printed.
const FORMAT: &str = "memreel-plan/1";

/// The jobs of a plan, in the order in which they run.
#[derive(Serialize, JsonSchema)]
pub struct PlanRecord<'a> {
    /// The version of the output.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The scenario's name.
    scenario: &'a str,
    /// The question that the scenario answers.
    question: &'a str,
    /// The axes with more than one value.
    varied: Vec<String>,
    /// The number of combinations that the scenario excludes.
    excluded: u64,
    /// The seed of the jobs' order.
    seed: u32,
    /// The number of shards, if the jobs are divided.
    shards: Option<u32>,
    /// The jobs, in the order in which they run.
    jobs: Vec<JobRecord<'a>>,
}

/// A job of a plan.
#[derive(Serialize, JsonSchema)]
struct JobRecord<'a> {
    /// The label of its variant.
    label: &'a str,
    /// The variant: each axis with its value.
    variant: BTreeMap<String, String>,
    /// The number of the repeat, from 1.
    repeat: u32,
    /// The name of its folder under `jobs/`.
    folder: String,
    /// Frames of all its exports.
    frames: Option<u64>,
    /// The shard that runs it, as NUMBER/COUNT.
    shard: Option<String>,
    /// Why it cannot run.
    not_run: Option<&'a str>,
}

/// Prints a plan, with the shard of each job where jobs are dealt.
pub fn print(
    plan: &Plan,
    obstacles: &[Option<String>],
    dealt: Option<&[Shard]>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let shard = |index: usize| dealt.map(|dealt| dealt[index].to_string());
    let jobs = plan.jobs.iter().enumerate();
    let record = PlanRecord {
        format: FORMAT,
        scenario: &plan.scenario,
        question: &plan.question,
        varied: plan.varied.iter().map(ToString::to_string).collect(),
        excluded: plan.excluded,
        seed: plan.seed,
        shards: dealt.and_then(|dealt| Some(dealt.first()?.of())),
        jobs: jobs.map(|(index, &job)| record(plan, job, shard(index), obstacles)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &record).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn record<'a>(
    plan: &'a Plan,
    job: Job,
    shard: Option<String>,
    obstacles: &'a [Option<String>],
) -> JobRecord<'a> {
    let (name, variant) = (plan.name_of(job), plan.variant(job));
    JobRecord {
        label: variant.label(),
        variant: name.axes.into_iter().map(|(axis, value)| (axis.to_string(), value)).collect(),
        repeat: job.repeat,
        folder: name.folder,
        frames: variant.frames_of_all_exports(),
        shard,
        not_run: obstacles[job.variant].as_deref(),
    }
}
