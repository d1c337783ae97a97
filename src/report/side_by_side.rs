//! Several results as one: what they have alike, and an axis that says which of them a job is of.

use super::{JobRow, Report};

/// The axis that tells results apart.
pub(super) const RESULT: &str = "result";

impl Report {
    /// The jobs of several results, each under its name. Only axes that all of them have are kept: what one result
    /// alone knows would make everything different.
    pub fn side_by_side(named: Vec<(String, Report)>) -> Report {
        let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
        let question = format!("How do {} differ?", names.join(" and "));
        let rows = || named.iter().flat_map(|(name, report)| report.jobs.iter().map(move |job| (name, job)));
        let first = rows().next().map(|(_, job)| axes(job)).unwrap_or_default();
        let shared = first.into_iter().filter(|axis| axis != RESULT);
        let shared: Vec<String> =
            shared.filter(|axis| rows().all(|(_, job)| axes(job).contains(axis))).collect();
        let value = |job: &JobRow, axis: &String| {
            job.planned.variant.iter().find(|(name, _)| name == axis).map(|(_, value)| value.clone())
        };
        let takes_several = |axis: &String| {
            let first = rows().next().and_then(|(_, job)| value(job, axis));
            rows().any(|(_, job)| value(job, axis) != first)
        };
        let varied = std::iter::once(RESULT.to_string())
            .chain(shared.iter().filter(|axis| takes_several(axis)).cloned());
        let row = |(name, job): (&String, &JobRow)| {
            let mut planned = job.planned.clone();
            planned.variant.retain(|(axis, _)| shared.contains(axis));
            planned.variant.insert(0, (RESULT.into(), name.clone()));
            JobRow { planned, measured: job.measured.clone() }
        };
        let experiments = named.iter().flat_map(|(name, report)| {
            report.experiments.iter().map(|(_, experiment)| (Some(name.clone()), experiment.clone()))
        });
        Report {
            scenario: names.join("-"),
            question,
            varied: varied.collect(),
            shard: None,
            machines: Vec::new(),
            experiments: experiments.collect(),
            jobs: rows().map(row).collect(),
        }
    }
}

fn axes(job: &JobRow) -> Vec<String> {
    job.planned.variant.iter().map(|(axis, _)| axis.clone()).collect()
}
