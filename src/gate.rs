//! From a result to the questions of a check: its variants with their budgets and baselines, and what its jobs show
//! together.

use std::collections::BTreeSet;

use crate::baseline::{Baseline, Entry, Key};
use crate::budget::{Budgets, Figures};
use crate::check::{self, Against, Check, Grown, Subject};
use crate::report::{FamilyRow, MeasuredJob, Report, VariantRow, headline};
use crate::trace::MachineClass;

/// Holds a result against its budgets, and against a baseline where there is one.
pub fn check(report: &Report, budgets: &Budgets, baseline: Option<&Baseline>) -> Check {
    let variants = report.variants();
    let is_planned = |variant: &&VariantRow<'_>| variant.jobs.iter().any(|job| job.planned.not_run.is_none());
    let subjects: Vec<_> = variants
        .iter()
        .filter(is_planned)
        .map(|variant| subject(report, variant, budgets, baseline))
        .collect();
    let families = report.families();
    let grown: Vec<_> = families.iter().map(|family| grown(family, budgets)).collect();
    check::check(&subjects, &grown)
}

/// What a result would be as a baseline: an entry for each variant of which repeats finished.
pub fn entries(report: &Report, saved: &str) -> Vec<Entry> {
    report.variants().iter().filter_map(|variant| entry(report, variant, saved)).collect()
}

/// The variants of which nothing finished, so that there is nothing to keep of them.
pub fn without_runs(report: &Report) -> Vec<String> {
    let variants = report.variants();
    let none = variants.iter().filter(|variant| runs(variant).is_empty());
    none.map(|variant| variant.name.clone()).collect()
}

fn subject(
    report: &Report,
    variant: &VariantRow<'_>,
    budgets: &Budgets,
    baseline: Option<&Baseline>,
) -> Subject {
    let planned = &variant.jobs[0].planned.variant;
    let against = match baseline.zip(key(report, variant)) {
        None => Against::Nothing,
        Some((baseline, key)) => match baseline.runs_of(&key, budgets.across_builds) {
            Ok(runs) => Against::Runs(runs.to_vec()),
            Err(why) => Against::NotComparable(why),
        },
    };
    Subject { name: variant.name.clone(), runs: runs(variant), budgets: budgets.of(planned), against }
}

fn entry(report: &Report, variant: &VariantRow<'_>, saved: &str) -> Option<Entry> {
    let first = variant.measured().next()?;
    let runs = runs(variant);
    (!runs.is_empty()).then_some(Entry {
        key: key(report, variant)?,
        engine: format!("{} {}", first.engine.name, first.engine.version),
        saved: saved.into(),
        runs,
    })
}

fn runs(variant: &VariantRow<'_>) -> Vec<Figures> {
    variant.measured().filter_map(|job| check::figures(&job.summary, &job.verdict)).collect()
}

fn key(report: &Report, variant: &VariantRow<'_>) -> Option<Key> {
    let first = variant.measured().next()?;
    let planned = &variant.jobs.iter().find(|job| job.measured.is_some())?.planned;
    Some(Key {
        scenario: report.scenario.clone(),
        variant: planned.slug().to_string(),
        class: MachineClass::of(&first.machine).with_engine(&first.engine),
        export: exported(variant),
    })
}

/// What all repeats exported; where they differ, all of it, which nothing else is like.
fn exported(variant: &VariantRow<'_>) -> String {
    let all: BTreeSet<_> = variant.measured().map(|job: &MeasuredJob| job.exported.as_str()).collect();
    all.into_iter().collect::<Vec<_>>().join("+")
}

fn grown(family: &FamilyRow<'_>, budgets: &Budgets) -> Grown {
    let finding = family.verdict.finding;
    Grown {
        name: family.name.clone(),
        finding,
        words: format!("{} – {}", finding.word(), headline(family)),
        allowed: budgets.allow.contains(&finding.word()),
    }
}
