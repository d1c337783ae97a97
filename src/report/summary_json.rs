//! `summary.json`: verdicts and their evidence, for programs.

use std::collections::BTreeMap;
use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::comparisons::{self, ComparisonRecord};
use crate::report::rates::{self, RateChangeRecord, RatesRecord};
use crate::report::verdicts::next::Next;
use crate::report::verdicts::{self, DriftRecord, JobsRecord, VerdictRecord, families};
use crate::report::{FamilyRow, JobRow, Report, ReportError};
use crate::store::MachineRecord;
use memreel_judge::RULES_VERSION;
use memreel_judge::Verdict;

/// The version of the file.
const FORMAT: &str = "memreel-summary/2";

/// `summary.json`: the verdicts of a run with their evidence, every comparison, and how often exports failed.
#[derive(Serialize, JsonSchema)]
pub struct SummaryRecord {
    /// The version of the file.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The version of the judge's rules.
    rules_version: u32,
    /// The scenario's name.
    scenario: String,
    /// The question that the scenario answers.
    question: String,
    /// The meaning of the values of the axis `machine`; empty if there is no such axis.
    machines: Vec<MachineRecord>,
    /// The jobs that are judged together.
    families: Vec<FamilyRecord>,
    /// The variants that differ in one axis, compared.
    comparisons: Vec<ComparisonRecord>,
    /// How often exports of each variant failed, in the order of the plan.
    rates: Vec<RatesRecord>,
    /// How often exports of variants that differ in one axis failed, compared, for each way of failing.
    rate_comparisons: Vec<RateChangeRecord>,
    /// The verdict on each job.
    jobs: Vec<JobRecord>,
}

/// Jobs that are judged together.
#[derive(Serialize, JsonSchema)]
struct FamilyRecord {
    /// The name of the family.
    family: String,
    /// The verdict on all its jobs together.
    verdict: Verdict,
    /// The answer in words.
    answer: String,
    /// A command that can decide, if the answer is inconclusive.
    next: Option<String>,
    /// The evidence in sentences.
    because: Vec<String>,
    /// The folders of its jobs, under `jobs/`.
    jobs: Vec<String>,
    /// The evidence in numbers.
    evidence: JobsRecord,
}

/// One job, with its verdict if it was measured.
#[derive(Serialize, JsonSchema)]
struct JobRecord {
    /// The variant: each axis with its value.
    variant: BTreeMap<String, String>,
    /// The number of the repeat, from 1.
    repeat: u32,
    /// How the job ended, in one word, as in `summary.csv`.
    outcome: String,
    #[serde(flatten)]
    verdict: Option<VerdictRecord>,
}

/// Writes `summary.json`.
///
/// # Errors
/// When the writer takes no more.
pub fn write_summary_json(report: &Report, out: &mut dyn Write) -> Result<(), ReportError> {
    let record = SummaryRecord {
        format: FORMAT,
        rules_version: RULES_VERSION,
        scenario: report.scenario.clone(),
        question: report.question.clone(),
        machines: report.machines.clone(),
        families: report.families().iter().map(|one| family(report, one)).collect(),
        comparisons: comparisons::records(report),
        rates: rates::records(report),
        rate_comparisons: rates::change_records(report),
        jobs: report.jobs.iter().map(job).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &record).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn family(report: &Report, family: &FamilyRow<'_>) -> FamilyRecord {
    FamilyRecord {
        family: family.name.clone(),
        verdict: family.verdict.verdict(),
        answer: verdicts::of_jobs(&family.verdict),
        next: report.next(family).and_then(Next::into_command),
        because: families::evidence(&family.verdict),
        jobs: family.jobs.iter().map(|job| job.planned.folder.clone()).collect(),
        evidence: JobsRecord::of(&family.verdict),
    }
}

fn job(row: &JobRow) -> JobRecord {
    let measured = row.measured.as_ref();
    let outcome = measured.map_or("not-run", |job| job.summary.outcome.word());
    let file = format!("jobs/{}", row.planned.folder);
    JobRecord {
        variant: row.planned.variant.iter().cloned().collect(),
        repeat: row.planned.repeat,
        outcome: outcome.into(),
        verdict: measured.map(|job| {
            let speed = job.drift.map(DriftRecord::from);
            VerdictRecord { speed, ..VerdictRecord::of(&file, &job.verdict) }
        }),
    }
}
