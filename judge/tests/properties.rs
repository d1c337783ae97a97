//! What no verdict may depend on, on recordings and on exports that never were.

mod labelled;
mod simulated;

use std::sync::LazyLock;

use labelled::{Recording, leaking, recordings, series, with_memory};
use memreel_judge::constants::Constants;
use memreel_judge::shape::Answer;
use memreel_judge::{Growth, GrowthRate, Reason, RunVerdict, judge};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Sample, Series};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use simulated::{Course, Looked, Simulated};

/// A recording, its samples, and the verdict on them.
struct Judged {
    recording: Recording,
    samples: Vec<Sample>,
    verdict: RunVerdict,
}

static TRACES: LazyLock<Vec<Judged>> = LazyLock::new(|| {
    let judged = |recording: Recording| {
        let samples = recording.samples();
        Judged { verdict: recording.judge_samples(&samples), samples, recording }
    };
    recordings("traces").into_iter().map(judged).collect()
});

fn told(judged: &Judged, verdict: &RunVerdict) -> String {
    let Recording { name, label, kept, .. } = &judged.recording;
    let (limit, reason) = (verdict.not_stable_above.unwrap_or(f64::NAN), verdict.reason);
    let said = (verdict.grows, verdict.form, reason, &verdict.with);
    format!("{name} ({label}, {kept} B): {said:?}, not stable above {limit:.0}")
}

/// Asserts that nothing broke the rule.
#[track_caller]
fn none(offenders: &[String]) {
    assert!(offenders.is_empty(), "{} of them:\n{}", offenders.len(), offenders.join("\n"));
}

/// Whether two verdicts on the same export contradict each other.
fn contradict(one: &RunVerdict, other: &RunVerdict) -> bool {
    matches!((one.grows, other.grows), (Answer::Yes, Answer::No) | (Answer::No, Answer::Yes))
}

/// Whether two verdicts say different things; of growth by more than a thousandth of a byte.
fn differ(one: &RunVerdict, other: &RunVerdict) -> bool {
    let word = |verdict: &RunVerdict| (verdict.grows, verdict.with.clone(), verdict.unparted, verdict.form);
    let rates = |Growth { frame, source, cut, export }: Growth| [frame, source, cut, export];
    let numbers = |rate: GrowthRate| [rate.low, rate.estimate, rate.high];
    let is_same = |pair: (Option<GrowthRate>, Option<GrowthRate>)| match pair {
        (Some(one), Some(other)) => {
            numbers(one).iter().zip(numbers(other)).all(|(a, b)| (a - b).abs() <= 1e-3 + 1e-9 * a.abs())
        }
        (one, other) => one == other,
    };
    word(one) != word(other) || !rates(one.growth).into_iter().zip(rates(other.growth)).all(is_same)
}

fn slower(samples: &[Sample], factor: f64) -> Vec<Sample> {
    samples.iter().map(|sample| Sample { t_s: sample.t_s * factor, ..*sample }).collect()
}

fn raised(samples: &[Sample], bytes: u64) -> Vec<Sample> {
    with_memory(samples, |_, memory| memory + bytes)
}

fn every(samples: &[Sample], nth: usize) -> Vec<Sample> {
    samples.iter().step_by(nth).copied().collect()
}

/// The same samples with a frame counter that changes with every nth only.
fn counted_every(samples: &[Sample], nth: usize) -> Vec<Sample> {
    let last = |place: usize| samples[place - place % nth].frames_out;
    let counted = |(place, sample): (usize, &Sample)| Sample { frames_out: last(place), ..*sample };
    samples.iter().enumerate().map(counted).collect()
}

/// Applies a change to recordings, and tells of those of which it makes something that `is_wrong`.
fn changed(
    what: &str,
    of: impl Fn(&Recording) -> bool,
    change: impl Fn(&[Sample]) -> Vec<Sample>,
    is_wrong: impl Fn(&Judged, &RunVerdict) -> bool,
) -> Vec<String> {
    let offender = |judged: &Judged| {
        let after = judged.recording.judge_samples(&change(&judged.samples));
        let before = (judged.verdict.grows, judged.verdict.form);
        is_wrong(judged, &after).then(|| format!("{what}: {}, was {before:?}", told(judged, &after)))
    };
    TRACES.iter().filter(|judged| of(&judged.recording)).filter_map(offender).collect()
}

#[test]
fn samples_are_all_that_judging_looks_at() {
    let is_other = |judged: &&Judged| judged.recording.judge() != judged.verdict;
    none(&TRACES.iter().filter(is_other).map(|judged| told(judged, &judged.verdict)).collect::<Vec<_>>());
}

#[test]
fn judging_twice_gives_the_same() {
    none(&changed("again", |_| true, <[Sample]>::to_vec, |before, after| before.verdict != *after));
}

#[test]
fn a_machine_ten_times_slower_or_faster_changes_nothing() {
    let times = [0.1, 10.0].map(|factor| {
        let slower = |samples: &[Sample]| slower(samples, factor);
        changed(&format!("× {factor}"), |_| true, slower, |before, after| differ(&before.verdict, after))
    });
    none(&times.concat());
}

#[test]
fn memory_held_from_beginning_to_end_changes_nothing() {
    let constants = [12_345, 1 << 30].map(|bytes| {
        let raised = |samples: &[Sample]| raised(samples, bytes);
        changed(&format!("+ {bytes}"), |_| true, raised, |before, after| differ(&before.verdict, after))
    });
    none(&constants.concat());
}

/// Two rises of 12 MB in all stand beside a leak of 256 B per frame here. In all samples the leak is below what the heaps
/// of threads may take (0.88 of 1.08 MB), in every tenth above it (1.11 MB), as the borders of blocks fall.
const AT_THE_LIMIT: &str = "melt_single_ts_L4000_perframe_K256_r0.csv";

#[test]
fn sampling_more_rarely_leaves_open_but_never_contradicts() {
    let contradicts = |before: &Judged, after: &RunVerdict| {
        contradict(&before.verdict, after) && before.recording.name != AT_THE_LIMIT
    };
    let rarer = [2, 3, 5, 10, 15, 20, 30].map(|nth| {
        let sampled = |samples: &[Sample]| every(samples, nth);
        let counted = |samples: &[Sample]| counted_every(samples, nth);
        [
            changed(&format!("every {nth}."), |_| true, sampled, contradicts),
            changed(&format!("counted every {nth}."), |_| true, counted, contradicts),
        ]
        .concat()
    });
    none(&rarer.concat());
}

#[test]
fn a_leak_above_the_limit_is_not_called_level_by_few_samples_either() {
    let is_denied = |before: &Judged, after: &RunVerdict| {
        after.grows == Answer::No && before.recording.kept > after.not_stable_above.unwrap_or_default()
    };
    let rarer = [5, 10, 15, 20, 30].map(|nth| {
        let sampled = |samples: &[Sample]| every(samples, nth);
        let counted = |samples: &[Sample]| counted_every(samples, nth);
        [
            changed(&format!("every {nth}."), Recording::is_leak, sampled, is_denied),
            changed(&format!("counted every {nth}."), Recording::is_leak, counted, is_denied),
        ]
        .concat()
    });
    none(&rarer.concat());
}

#[test]
fn a_healthy_export_that_is_cut_short_does_not_grow_with_frames() {
    let shares = (0..10).map(|step| 0.5 + 0.05 * f64::from(step));
    let cut = shares.flat_map(|share| {
        let shorter = |samples: &[Sample]| samples[..(share * samples.len() as f64) as usize].to_vec();
        let what = format!("{share:.2}");
        changed(&what, Recording::is_healthy, shorter, |_, after| after.grows_with_frames())
    });
    none(&cut.collect::<Vec<_>>());
}

#[test]
fn what_is_freed_just_before_the_end_does_not_make_growth_level() {
    let freed = |samples: &[Sample]| {
        let last = samples.last().and_then(|sample| sample.frames_out).map_or(0.0, Count::as_f64);
        let is_over = |sample: &Sample| sample.frames_out.is_some_and(|at| at.as_f64() > 0.965 * last);
        with_memory(samples, |sample, memory| if is_over(sample) { memory / 2 } else { memory })
    };
    let is_denied = |before: &Judged, after: &RunVerdict| contradict(&before.verdict, after);
    none(&changed("freed", Recording::is_leak, freed, is_denied));
}

/// Leaks to add to a run, as shares of what the run says it would have shown.
const LEAKS: [f64; 9] = [0.0, 0.25, 0.7, 1.01, 1.25, 1.6, 2.5, 8.0, 64.0];

/// What a leak that is added may not do: be denied by a run that says it would have seen it, or make a run level
/// that grew with less of it.
fn wrong_steps(samples: &[Sample], context: &RunContext, hides: f64) -> Vec<String> {
    let verdict_with = |leak: f64| judge(&series(&leaking(samples, leak)), context);
    let Some(limit) = verdict_with(0.0).not_stable_above else { return Vec::new() };
    let (mut grew, mut wrong) = (false, Vec::new());
    for share in LEAKS {
        let (leak, verdict) = (share * limit, verdict_with(share * limit));
        let own_limit = verdict.not_stable_above.unwrap_or_default();
        let is_level = verdict.grows == Answer::No;
        if is_level && (grew || leak > hides * own_limit) {
            let said = (verdict.form, verdict.reason);
            wrong.push(format!(
                "a leak of {leak:.0} B per frame ({share} of {limit:.0}): {said:?}, not stable above {own_limit:.0}"
            ));
        }
        grew |= verdict.grows == Answer::Yes;
    }
    wrong
}

#[test]
fn a_leak_added_to_a_recording_is_not_denied_above_the_limit() {
    let mut wrong = Vec::new();
    for judged in TRACES.iter().filter(|judged| judged.recording.is_healthy()) {
        let steps = wrong_steps(&judged.samples, &judged.recording.context, 1.0);
        wrong.extend(steps.into_iter().map(|step| format!("{}: {step}", judged.recording.name)));
    }
    none(&wrong);
}

// The same on exports that never were.

fn by_chance(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20),
        failure_persistence: None,
        max_shrink_iters: 64,
        ..ProptestConfig::default()
    }
}

fn courses() -> impl Strategy<Value = Course> {
    let size = || (4.0..18.0_f64).prop_map(f64::exp2);
    prop_oneof![
        (0.0..8.0_f64).prop_map(|jumps| Course::Ratchet { jumps }),
        size().prop_map(|bytes| Course::Leak { bytes }),
        (size(), 100.0..6000.0_f64).prop_map(|(bytes, entries)| Course::Cache { bytes, entries }),
        (size(), 20.0..900.0_f64).prop_map(|(bytes, frames)| Course::Saw { bytes, frames }),
        (size(), 20.0..400.0_f64)
            .prop_map(|(bytes, frames)| Course::Staircase { bytes: 64.0 * bytes, frames: frames.floor() }),
        size().prop_map(|bytes| Course::Walk { bytes }),
    ]
}

fn exports() -> impl Strategy<Value = Simulated> {
    (courses(), 500..6000_u32, any::<u64>()).prop_map(|(course, frames, seed)| Simulated {
        course,
        frames,
        seed,
    })
}

fn verdict_of(export: &Simulated, samples: &[Sample]) -> RunVerdict {
    judge(&series(samples), &export.context())
}

proptest! {
    #![proptest_config(by_chance(150))]

    #[test]
    fn neither_speed_nor_what_is_held_throughout_matters(
        export in exports(), factor in prop::sample::select(vec![0.1, 10.0]), bytes in 0..1_u64 << 31
    ) {
        let samples = export.samples(Looked::default());
        let verdict = verdict_of(&export, &samples);
        let (slow, high) = (slower(&samples, factor), raised(&samples, bytes));
        prop_assert!(!differ(&verdict, &verdict_of(&export, &slow)), "× {factor} of {verdict:?}");
        prop_assert!(!differ(&verdict, &verdict_of(&export, &high)), "+ {bytes} to {verdict:?}");
    }

    #[test]
    fn the_same_memory_sampled_at_any_rate_is_never_called_both_level_and_growing(
        export in exports(), frames_a_second in 100.0..800.0_f64, counter_s in 0.01..0.5_f64
    ) {
        let rates = [10.0, 25.0, 60.0, 220.0, 1000.0];
        let verdict = |hz: f64| {
            verdict_of(&export, &export.samples(Looked { frames_a_second, hz, counter_s })).grows
        };
        let answers = rates.map(verdict);
        let contradict = answers.contains(&Answer::No) && answers.contains(&Answer::Yes);
        prop_assert!(!contradict, "{answers:?}");
    }
}

proptest! {
    #![proptest_config(by_chance(80))]

    #[test]
    fn a_rising_leak_is_never_denied_above_the_limit(export in exports()) {
        // Where memory falls by itself, a leak first fills what falls, and what is called level comes and goes with
        // its size: the limit is the largest of those that were tried.
        let hides = if matches!(export.course, Course::Walk { .. }) { f64::INFINITY } else { 1.0 };
        let wrong = wrong_steps(&export.samples(Looked::default()), &export.context(), hides);
        prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// What an export shows with a leak of so many times what it says it would have shown.
fn with_leak(export: Simulated, times: f64) -> Answer {
    let samples = export.samples(Looked::default());
    let limit = verdict_of(&export, &samples).not_stable_above.unwrap();
    verdict_of(&export, &leaking(&samples, times * limit)).grows
}

#[test]
fn a_leak_between_few_cuts_is_not_called_level() {
    let course = Course::Staircase { bytes: 1_422_093.0, frames: 348.0 };
    let export = Simulated { course, frames: 1722, seed: 0 };
    assert!([1.1, 1.5, 3.0].iter().all(|&times| with_leak(export, times) != Answer::No));
}

#[test]
fn a_leak_in_memory_that_wanders_is_found_above_the_limit() {
    let export = Simulated {
        course: Course::Walk { bytes: 178_476.0 },
        frames: 5927,
        seed: 7_746_434_371_293_856_939,
    };
    assert_eq!([8.0, 64.0].map(|times| with_leak(export, times)), [Answer::Yes, Answer::Yes]);
}

#[test]
fn an_export_that_ends_before_its_counter_is_read_is_too_short_and_not_unmeasured() {
    let sample = |tick: u64, frames: Option<u64>| Sample {
        t_s: tick as f64 * 0.02,
        rss_bytes: Some(Bytes::from_mib(20 + tick)),
        frames_out: frames.map(Count::new),
        ..Sample::default()
    };
    let known = |frames: u64| RunContext { frames: Some(Count::new(frames)), ..RunContext::default() };
    let said = |last: Option<u64>, context: &RunContext| {
        let counts = (0..14).map(|tick| sample(tick, Some(0))).chain([sample(14, last)]);
        let counts: Vec<_> = counts.collect();
        let verdict = judge(&Series::of(&counts, &Memory::JUDGED), context);
        (verdict.reason, verdict.needs.frames, verdict.needs.samples)
    };
    let enough = Some(Constants::USUAL.enough_frames().ceil() as u64);
    assert_eq!(said(Some(200), &known(200)), (Some(Reason::TooShort), enough, None));
    assert_eq!(said(Some(200), &RunContext::default()), (Some(Reason::TooShort), enough, None));
    // Long enough, had it been sampled.
    assert_eq!(said(Some(9000), &known(9000)), (Some(Reason::TooFewSamples), None, Some(24)));
}
