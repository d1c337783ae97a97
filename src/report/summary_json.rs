//! `summary.json`: verdicts and their evidence, for programs.

use std::collections::BTreeMap;
use std::io::Write;

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

#[derive(Serialize)]
struct SummaryRecord {
    format: &'static str,
    rules_version: u32,
    scenario: String,
    question: String,
    /// What the values of the axis `machine` stand for; empty where there is no such axis.
    machines: Vec<MachineRecord>,
    families: Vec<FamilyRecord>,
    comparisons: Vec<ComparisonRecord>,
    rates: Vec<RatesRecord>,
    rate_comparisons: Vec<RateChangeRecord>,
    jobs: Vec<JobRecord>,
}

/// Jobs that are judged together.
#[derive(Serialize)]
struct FamilyRecord {
    family: String,
    verdict: Verdict,
    answer: String,
    next: Option<String>,
    because: Vec<String>,
    jobs: Vec<String>,
    evidence: JobsRecord,
}

#[derive(Serialize)]
struct JobRecord {
    variant: BTreeMap<String, String>,
    repeat: u32,
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
        next: verdicts::next::of_jobs(&family.verdict, &report.experiment).and_then(Next::into_command),
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
