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

/// Holds one side of a result against another that was measured together with it, in turns: the values of the axis
/// `engine` that are two builds of one. Growth that both sides show is no difference between them.
pub fn check_sides(report: &Report, budgets: &Budgets, a: &str, b: &str) -> Check {
    let variants = report.variants();
    let against = |variant: &VariantRow<'_>| {
        let is_twin = |other: &&VariantRow<'_>| {
            engine_is(axes(other), a) && all_but_engine(axes(other)) == all_but_engine(axes(variant))
        };
        variants.iter().find(is_twin).map_or(Against::Nothing, |twin| Against::Together(runs(twin)))
    };
    let of_b = variants.iter().filter(|variant| engine_is(axes(variant), b));
    let subject = |variant: &VariantRow<'_>| Subject {
        name: variant.name.clone(),
        runs: runs(variant),
        missing: missing(variant),
        budgets: budgets.of(axes(variant)),
        against: against(variant),
    };
    let subjects: Vec<_> = of_b.map(subject).collect();
    check::check(&subjects, &grown_on_one_side(report, budgets, a, b))
}

/// What the families of side `b` show; what the same family of side `a` shows, too, is allowed.
fn grown_on_one_side(report: &Report, budgets: &Budgets, a: &str, b: &str) -> Vec<Grown> {
    let families = report.families();
    let of_b = families.iter().filter(|family| engine_is(family_axes(family), b));
    of_b.map(|family| {
        let twin = families.iter().find(|other| {
            engine_is(family_axes(other), a)
                && all_but_engine(family_axes(other)) == all_but_engine(family_axes(family))
        });
        let both = twin.is_some_and(|twin| {
            (twin.verdict.grows, &twin.verdict.with) == (family.verdict.grows, &family.verdict.with)
        });
        let grown = grown(family, budgets);
        Grown { allowed: grown.allowed || both, ..grown }
    })
    .collect()
}

fn axes<'a>(variant: &'a VariantRow<'_>) -> &'a [(String, String)] {
    &variant.jobs[0].planned.variant
}

/// Those of its first job; of none none.
fn family_axes<'a>(family: &FamilyRow<'a>) -> &'a [(String, String)] {
    family.jobs.first().map_or(&[], |job| job.planned.variant.as_slice())
}

fn engine_is(variant: &[(String, String)], engine: &str) -> bool {
    variant.iter().any(|(axis, value)| axis == "engine" && value == engine)
}

fn all_but_engine(variant: &[(String, String)]) -> Vec<&(String, String)> {
    variant.iter().filter(|(axis, _)| axis != "engine").collect()
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
    let against = match baseline.zip(key(report, variant)) {
        None => Against::Nothing,
        Some((baseline, key)) => match baseline.runs_of(&key, budgets.across_builds) {
            Ok(runs) => Against::Runs(runs.to_vec()),
            Err(why) => Against::NotComparable(why),
        },
    };
    Subject {
        name: variant.name.clone(),
        runs: runs(variant),
        missing: missing(variant),
        budgets: budgets.of(axes(variant)),
        against,
    }
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

/// Repeats that were planned and that there is nothing of.
fn missing(variant: &VariantRow<'_>) -> usize {
    variant.jobs.iter().filter(|job| job.planned.not_run.is_none() && job.measured.is_none()).count()
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
    Grown {
        name: family.name.clone(),
        grows: family.verdict.grows,
        with: family.verdict.with.clone(),
        words: headline(family),
        allowed: budgets.allow.iter().any(|word| word == family.verdict.verdict().word()),
    }
}
