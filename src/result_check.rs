//! From a result to the questions of a check: its variants with their budgets and baselines, and what its jobs show
//! together. The command (`cli::check`) names the files; which repeats stand against which is found here; whether a
//! figure passes is decided by [`memreel_judge::check`].

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::{Baseline, BaselineEntry, BaselineKey, Nearest};
use crate::report::{FamilyRow, MeasuredJob, Report, VariantRow, headline};
use memreel_judge::budget::Budgets;
use memreel_judge::check::{self, Against, Changed, Check, CheckedVariant, Grown, Lost};
use memreel_trace::MachineClass;

/// Holds a result against its budgets, and against a baseline where there is one.
/// Differences that the user accepts are shown and not judged: axes, or one of [`crate::baseline::TIMELINE`],
/// [`crate::baseline::BUILD`], [`crate::baseline::MACHINE`], [`MISSING`].
pub fn check(report: &Report, budgets: &Budgets, baseline: Option<&Baseline>, accepted: &[String]) -> Check {
    let variants = report.variants();
    let is_planned = |variant: &&VariantRow<'_>| variant.jobs.iter().any(|job| job.planned.not_run.is_none());
    let subjects: Vec<_> = variants
        .iter()
        .filter(is_planned)
        .map(|variant| subject(report, variant, budgets, baseline, accepted))
        .collect();
    let families = report.families();
    let grown: Vec<_> = families.iter().map(|family| grown(family, budgets)).collect();
    let lost = baseline.map(|baseline| lost(report, baseline, accepted)).unwrap_or_default();
    check::check(&subjects, &grown, &lost)
}

/// What is accepted where a variant of the baseline was not measured.
pub const MISSING: &str = "missing";

/// Variants of the baseline, measured on a machine like this one, that the result has not: neither as they were nor
/// with other settings. Of a shard the others have them.
fn lost(report: &Report, baseline: &Baseline, accepted: &[String]) -> Vec<Lost> {
    let variants = report.variants();
    let keys: Vec<_> = variants.iter().filter_map(|variant| Some((variant, key(report, variant)?))).collect();
    let taken = taken(report);
    let nearest = |(variant, key): &(&VariantRow<'_>, BaselineKey)| {
        let found = baseline.runs_of(key, &settings(variant), &taken, true).err()?;
        Some(found.entry?.key.variant.clone())
    };
    let changed: Vec<String> = keys.iter().filter_map(nearest).collect();
    let is_here = |entry: &&BaselineEntry| {
        let here =
            keys.iter().any(|(_, key)| key.scenario == entry.key.scenario && key.has_machine_of(&entry.key));
        here && !taken.contains(&entry.key.variant.as_str()) && !changed.contains(&entry.key.variant)
    };
    let entries = baseline.entries().iter().filter(|_| report.shard.is_none()).filter(is_here);
    let names: BTreeSet<_> = entries.map(|entry| entry.key.variant.clone()).collect();
    let accepted = accepted.iter().any(|name| name == MISSING);
    names.into_iter().map(|name| Lost { name, accepted_by: MISSING, accepted }).collect()
}

/// What the result's variants are called in a baseline.
fn taken(report: &Report) -> Vec<&str> {
    report.jobs.iter().map(|job| job.planned.slug()).collect()
}

fn settings(variant: &VariantRow<'_>) -> BTreeMap<String, String> {
    axes(variant).iter().cloned().collect()
}

/// Holds one side of a result against another that was measured together with it, in turns: the values of the axis
/// `engine` that are two builds of one. Growth that both sides show is no difference between them.
pub fn check_sides(report: &Report, budgets: &Budgets, a: &str, b: &str) -> Check {
    let variants = report.variants();
    let against = |variant: &VariantRow<'_>| {
        let is_twin = |other: &&VariantRow<'_>| {
            engine_is(axes(other), a) && all_but_engine(axes(other)) == all_but_engine(axes(variant))
        };
        variants.iter().find(is_twin).map_or(Against::Nothing, |twin| Against::Together(twin.runs()))
    };
    let of_b = variants.iter().filter(|variant| engine_is(axes(variant), b));
    let subject = |variant: &VariantRow<'_>| CheckedVariant {
        name: variant.name.clone(),
        runs: variant.runs(),
        missing: missing(variant),
        budgets: budgets.of(axes(variant)),
        against: against(variant),
    };
    let subjects: Vec<_> = of_b.map(subject).collect();
    check::check(&subjects, &grown_on_one_side(report, budgets, a, b), &[])
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
pub fn entries(report: &Report, saved: &str) -> Vec<BaselineEntry> {
    report.variants().iter().filter_map(|variant| entry(report, variant, saved)).collect()
}

/// The variants of which nothing finished, so that there is nothing to keep of them.
pub fn without_runs(report: &Report) -> Vec<String> {
    let variants = report.variants();
    let none = variants.iter().filter(|variant| variant.runs().is_empty());
    none.map(|variant| variant.name.clone()).collect()
}

fn subject(
    report: &Report,
    variant: &VariantRow<'_>,
    budgets: &Budgets,
    baseline: Option<&Baseline>,
    accepted: &[String],
) -> CheckedVariant {
    let against = match baseline.zip(key(report, variant)) {
        None => Against::Nothing,
        Some((baseline, key)) => {
            match baseline.runs_of(&key, &settings(variant), &taken(report), budgets.across_builds) {
                Ok(runs) => Against::Runs(runs.to_vec()),
                Err(nearest) => Against::Changed(changed(nearest, accepted)),
            }
        }
    };
    CheckedVariant {
        name: variant.name.clone(),
        runs: variant.runs(),
        missing: missing(variant),
        budgets: budgets.of(axes(variant)),
        against,
    }
}

fn changed(nearest: Nearest<'_>, accepted: &[String]) -> Changed {
    let Nearest { entry, differences, why } = nearest;
    Changed {
        why,
        names: differences.iter().map(|it| it.name.clone()).collect(),
        before: entry.map(|entry| entry.runs.clone()).unwrap_or_default(),
        accepted: !differences.is_empty() && differences.iter().all(|it| accepted.contains(&it.name)),
    }
}

fn entry(report: &Report, variant: &VariantRow<'_>, saved: &str) -> Option<BaselineEntry> {
    let first = variant.measured().next()?;
    let runs = variant.runs();
    (!runs.is_empty()).then_some(BaselineEntry {
        key: key(report, variant)?,
        settings: settings(variant),
        engine: format!("{} {}", first.engine.name, first.engine.version),
        saved: saved.into(),
        runs,
    })
}

/// Repeats that were planned and that there is nothing of.
fn missing(variant: &VariantRow<'_>) -> usize {
    variant.jobs.iter().filter(|job| job.planned.not_run.is_none() && job.measured.is_none()).count()
}

fn key(report: &Report, variant: &VariantRow<'_>) -> Option<BaselineKey> {
    let first = variant.measured().next()?;
    let planned = &variant.jobs.iter().find(|job| job.measured.is_some())?.planned;
    Some(BaselineKey {
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
        unparted: family.verdict.unparted,
        words: headline(family).trim_end_matches('.').to_string(),
        allowed: budgets.allow.iter().any(|word| word == family.verdict.verdict().word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::{self, MeasuredFunction};
    use crate::report::made_up::{MadeUp, result};
    use crate::report::write_summary_json;
    use memreel_judge::budget::Figure;
    use memreel_judge::check::{Asked, Evidence};
    use memreel_judge::compare::{Change, compare};

    type Repeats = [(fn(f64) -> f64, f64); 5];

    /// The level at a frame, and the speed, of each repeat.
    const OLD: Repeats = [
        (|frame| 40.0 + frame / 90.0, 90.0),
        (|frame| 43.0 + frame / 80.0, 93.0),
        (|frame| 41.0 + frame / 85.0, 91.0),
        (|_| 42.0, 92.0),
        (|frame| 42.5 + frame / 70.0, 88.0),
    ];
    /// One of them jumped.
    const NEW: Repeats = [
        (|frame| 49.0 + frame / 40.0, 71.0),
        (|frame| 52.0 + frame / 50.0, 73.0),
        (|frame| 47.0 + frame / 45.0, 69.0),
        (|_| 51.0, 70.0),
        (|frame| 75.0 + frame / 60.0, 52.0),
    ];

    fn jobs(engine: &'static str, repeats: Repeats) -> impl Iterator<Item = MadeUp> {
        let job = move |(level, fps), repeat| MadeUp::new(engine, "single", level).fps(fps).repeat(repeat);
        repeats.into_iter().zip(1..).map(move |(measured, repeat)| job(measured, repeat))
    }

    fn report(jobs: impl Iterator<Item = MadeUp>) -> Report {
        let folder = tempfile::tempdir().unwrap();
        Report::read(&result(folder.path(), &jobs.collect::<Vec<_>>())).unwrap()
    }

    /// How much worse each figure is, and the ends of its interval, as a check has them.
    fn checked(check: &Check) -> BTreeMap<Figure, [f64; 3]> {
        let of = |item: &check::CheckItem| match (&item.evidence, item.asked) {
            (Evidence::Change(change), Asked::Change(figure)) => {
                let (low, high) = change.interval.unwrap();
                Some((figure, [change.effect, low, high]))
            }
            _ => None,
        };
        check.items.iter().filter_map(of).collect()
    }

    /// The same of a change: speed that is less is worse, and time is told as a share.
    fn worse(change: &Change) -> [f64; 3] {
        let interval = change.interval().unwrap();
        let [estimate, low, high] = [change.estimate(), interval.low, interval.high];
        match change.figure {
            Figure::CpuPerFrame => [estimate - 1.0, low - 1.0, high - 1.0],
            Figure::FramesPerSecond => [1.0 - estimate, 1.0 - high, 1.0 - low],
            _ => [estimate, low, high],
        }
    }

    /// To the last digits, which JSON rounds.
    #[track_caller]
    fn assert_near(found: [f64; 3], wanted: [f64; 3]) {
        let is_near =
            |place: usize| (found[place] - wanted[place]).abs() <= 1e-9 * wanted[place].abs().max(1.0);
        assert!((0..3).all(is_near), "{found:?}, {wanted:?}");
    }

    #[track_caller]
    fn assert_alike(found: &BTreeMap<Figure, [f64; 3]>, wanted: &BTreeMap<Figure, [f64; 3]>) {
        assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
        wanted.iter().for_each(|(figure, numbers)| assert_near(found[figure], *numbers));
    }

    #[test]
    fn run_check_ab_and_function_find_the_same_of_the_same_repeats() {
        let both = report(jobs("old", OLD).chain(jobs("new", NEW)));
        let [old, new] = [0, 1].map(|side: usize| both.variants()[side].runs());
        let comparison = compare(&old, &new);
        let wanted: BTreeMap<_, _> =
            comparison.changes.iter().map(|change| (change.figure, worse(change))).collect();
        assert!(wanted.len() >= 5 && wanted.contains_key(&Figure::GrowthPerFrame), "{wanted:?}");

        // `memreel run`, by what it leaves.
        let mut summary = Vec::new();
        write_summary_json(&both, &mut summary).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        let told = summary["comparisons"][0]["changes"].as_array().unwrap();
        assert_eq!(told.len(), comparison.changes.len());
        for (told, change) in told.iter().zip(&comparison.changes) {
            let interval = change.interval().unwrap();
            assert_near(
                ["estimate", "low", "high"].map(|key| told[key].as_f64().unwrap()),
                [change.estimate(), interval.low, interval.high],
            );
        }

        let ab = check_sides(&both, &Budgets::default(), "old", "new");
        assert_alike(&checked(&ab), &wanted);

        let baseline = Baseline::of(entries(&report(jobs("x", OLD)), ""));
        let against_baseline = check(&report(jobs("x", NEW)), &Budgets::default(), Some(&baseline), &[]);
        assert_alike(&checked(&against_baseline), &wanted);

        let measured = |runs: &[_]| [MeasuredFunction { name: "x".into(), runs: runs.to_vec() }];
        let kept = Baseline::of(function::entries("group", &measured(&old)));
        assert_alike(&checked(&function::check("group", &measured(&new), &[], Some(&kept))), &wanted);
    }
}
