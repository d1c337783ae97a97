//! The jobs of a plan, for programs.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use crate::cli::Failure;
use crate::plan::{Job, Plan, Shard};

/// The version of what is printed.
const FORMAT: &str = "memreel-plan/1";

#[derive(Serialize)]
struct PlanRecord<'a> {
    format: &'static str,
    scenario: &'a str,
    question: &'a str,
    varied: Vec<String>,
    excluded: u64,
    seed: u32,
    shards: Option<u32>,
    jobs: Vec<JobRecord<'a>>,
}

#[derive(Serialize)]
struct JobRecord<'a> {
    label: &'a str,
    variant: BTreeMap<String, String>,
    repeat: u32,
    folder: String,
    frames: u64,
    shard: Option<String>,
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
