use super::*;
use crate::analysis::JobSummary;
use crate::course::Per;
use crate::run::{Growth, GrowthRate, RunVerdict, judge};
use crate::shape::Answer;
use crate::stats::random::Random;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Outcome, RunContext, Series};

const MIB: f64 = (1_u64 << 20) as f64;

/// MiB by which an export jumps: in one of eleven by 10 to 50, as melt's do.
fn jump(random: &mut Random) -> f64 {
    if random.even() < 1.0 / 11.0 { 10.0 + 40.0 * random.even() } else { 0.0 }
}

fn of_peaks(a: &[f64], b: &[f64]) -> Change {
    let [a, b] = [a, b].map(|mib| mib.iter().map(|mib| mib * MIB).collect::<Vec<_>>());
    Change::of(Figure::Peak, [&a, &b]).unwrap()
}

fn of_speeds(a: &[f64], b: &[f64]) -> Change {
    Change::of(Figure::FramesPerSecond, [a, b]).unwrap()
}

fn half_width(change: &Change) -> f64 {
    change.interval().map(|interval| (interval.high - interval.low) / 2.0).unwrap()
}

/// The share of simulated comparisons whose interval holds the true difference of 40 MiB.
fn coverage(repeats: usize, [a, b]: [fn(&mut Random) -> f64; 2]) -> f64 {
    const COMPARISONS: usize = 4000;
    let mut random = Random::seeded(7);
    let covers = |_: &usize| {
        let a: Vec<_> = (0..repeats).map(|_| 400.0 + a(&mut random)).collect();
        let b: Vec<_> = (0..repeats).map(|_| 440.0 + b(&mut random)).collect();
        let found = of_peaks(&a, &b).interval().unwrap();
        found.low <= 40.0 * MIB && 40.0 * MIB <= found.high
    };
    (0..COMPARISONS).filter(covers).count() as f64 / COMPARISONS as f64
}

fn quiet(random: &mut Random) -> f64 {
    5.0 * random.normal()
}

fn jumping(random: &mut Random) -> f64 {
    3.0 * random.normal() + jump(random)
}

fn wide(random: &mut Random) -> f64 {
    10.0 * quiet(random)
}

fn either(random: &mut Random) -> f64 {
    random.normal() + if random.even() < 0.5 { 20.0 } else { 0.0 }
}

fn constant(_: &mut Random) -> f64 {
    0.0
}

/// Asserts that of three, four, five and eight repeats the intervals hold the true difference so often.
#[track_caller]
fn assert_covered(least: f64, name: &str, sides: [fn(&mut Random) -> f64; 2]) {
    for repeats in [3, 4, 5, 8] {
        let covered = coverage(repeats, sides);
        println!("{name}, {repeats} repeats: {:.1} %", 100.0 * covered);
        assert!(covered >= least, "{name}, {repeats} repeats: {covered}");
    }
}

#[test]
fn three_to_eight_normal_or_constant_repeats_cover_the_difference_as_often_as_they_say() {
    assert_covered(0.95, "normal", [quiet, quiet]);
    assert_covered(1.0, "constant", [constant, constant]);
    assert_covered(0.93, "normal against constant", [constant, quiet]);
}

#[test]
fn three_to_eight_repeats_that_jump_now_and_then_cover_it_as_well() {
    assert_covered(0.95, "jumping", [jumping, jumping]);
    assert_covered(0.95, "jumping against normal", [quiet, jumping]);
}

#[test]
fn at_their_worst_the_intervals_cover_hardly_less() {
    assert_covered(0.935, "normal against ten times as wide", [quiet, wide]);
    assert_covered(0.94, "either of two levels", [either, either]);
}

#[test]
fn repeats_that_agree_to_the_byte_do_not_make_an_interval_of_no_width() {
    let found = of_peaks(&[40.0; 3], &[40.0; 3]);
    assert!(half_width(&found) > 0.5 * MIB, "{found:?}");
    assert_eq!((found.finding(), found.needs()), (Finding::Same, None));
}

#[test]
fn a_difference_far_beyond_the_scatter_is_one_either_way() {
    let (single, parallel) = ([400.0, 402.0, 401.0], [441.0, 444.0, 440.0]);
    let found = of_peaks(&single, &parallel);
    assert!((found.estimate() / MIB - 40.67).abs() < 0.01, "{found:?}");
    assert!((2.0..8.0).contains(&(half_width(&found) / MIB)), "{found:?}");
    assert_eq!([found.finding(), of_peaks(&parallel, &single).finding()], [Finding::More, Finding::Less]);
}

#[test]
fn a_difference_of_less_than_two_percent_is_none_however_sure() {
    let found = of_peaks(&[400.0, 400.1, 400.0], &[404.0, 404.1, 404.0]);
    assert!(found.interval().unwrap().low > 0.0, "{found:?}");
    assert_eq!(found.finding(), Finding::Same);
}

#[test]
fn fewer_than_three_repeats_give_the_estimate_and_no_interval_and_need_three() {
    for few in [&[400.0][..], &[399.0, 401.0]] {
        let found = of_peaks(few, &[440.0, 441.0, 442.0]);
        assert_eq!((found.estimate(), found.interval()), (41.0 * MIB, None));
        assert_eq!((found.finding(), found.needs()), (Finding::Open, Some(3)));
    }
}

#[test]
fn a_jump_among_five_repeats_leaves_it_open_and_among_eight_is_cut_off() {
    let a = [400.0, 401.0, 450.0, 402.0, 400.0, 399.0, 401.0, 400.0];
    let b = [430.0, 431.0, 432.0, 430.0, 431.0, 429.0, 430.0, 431.0];
    let jumped = of_peaks(&a[..5], &b[..5]);
    assert_eq!(jumped.finding(), Finding::Open);
    assert!(jumped.needs().is_some_and(|each| each > 5), "{jumped:?}");
    let more = of_peaks(&a, &b);
    assert_eq!(more.finding(), Finding::More);
    assert!((more.estimate() / MIB - 30.0).abs() < 0.2, "{more:?}");
}

#[test]
fn speeds_are_compared_as_a_ratio() {
    let found = of_speeds(&[10.0, 10.2, 9.8], &[17.0, 17.4, 16.6]);
    assert!((found.estimate() - 1.7).abs() < 1e-3, "{found:?}");
    assert!((0.05..0.15).contains(&half_width(&found)), "{found:?}");
    assert_eq!(found.finding(), Finding::More);
    let back = of_speeds(&[17.0, 17.4, 16.6], &[10.0, 10.2, 9.8]);
    assert!((back.estimate() * found.estimate() - 1.0).abs() < 1e-12, "{back:?}");
    assert_eq!(of_speeds(&[10.0; 3], &[10.1; 3]).finding(), Finding::Same);
    assert_eq!(Change::of(Figure::FramesPerSecond, [&[0.0], &[1.0]]), None);
}

#[test]
fn so_many_repeats_as_are_asked_for_settle_it_if_they_scatter_alike() {
    let (a, b) = ([10.0, 11.0, 9.0], [11.4, 12.4, 10.4]);
    let found = of_speeds(&a, &b);
    let each = found.needs().unwrap();
    assert!(found.finding() == Finding::Open && each > 3, "{found:?}");
    let often = |numbers: &[f64]| numbers.iter().copied().cycle().take(each).collect::<Vec<_>>();
    assert_ne!(of_speeds(&often(&a), &often(&b)).finding(), Finding::Open);
    assert_eq!(of_speeds(&[10.0, 20.0, 5.0], &[10.0, 21.0, 5.0]).needs(), None);
}

#[test]
fn open_questions_ask_for_as_many_repeats_as_the_neediest() {
    let both = |mib: f64, fps: f64| {
        Figures::default().with(Figure::Peak, Some(mib * MIB)).with(Figure::FramesPerSecond, Some(fps))
    };
    let (a, b) = ([400.0, 410.0, 390.0], [409.0, 419.0, 399.0]);
    let of = |peaks: [f64; 3], speeds: [f64; 3]| [0, 1, 2].map(|run| both(peaks[run], speeds[run]));
    let found = compare(&of(a, [10.0, 11.0, 9.0]), &of(b, [11.4, 12.4, 10.4]));
    let needs = |figures: &[Figure]| found.needs_repeats(figures);
    let [peak, speed] = [Figure::Peak, Figure::FramesPerSecond].map(|figure| needs(&[figure]).unwrap());
    assert_eq!(needs(&[Figure::Peak, Figure::FramesPerSecond]), Some(peak.max(speed)));
    assert_eq!(needs(&[Figure::GrowthPerFrame]), None);
}

#[test]
fn what_was_not_measured_on_both_sides_is_not_compared() {
    let one = Figures::default().with(Figure::Peak, Some(1.0));
    let found = compare(&[one.with(Figure::FramesPerSecond, Some(1.0))], &[one]);
    assert_eq!(found.changes.iter().map(|change| change.figure).collect::<Vec<_>>(), [Figure::Peak]);
    assert_eq!(compare(&[], &[]), Comparison::default());
}

#[test]
fn growth_between_cuts_and_growth_over_all_frames_have_no_mean() {
    let over_all = |bytes| Figures::default().with(Figure::GrowthPerFrame, Some(bytes));
    let between = |bytes| over_all(bytes).with(Figure::GrowthPerCut, Some(65_536.0));
    let mixed = [over_all(900.0), between(10.0), between(12.0), between(14.0)];
    let growth = |a: &[Figures], b: &[Figures]| {
        let found = compare(a, b);
        found.of(Figure::GrowthPerFrame).map(|change| (change.estimate(), change.a.repeats, change.b.repeats))
    };
    assert_eq!(growth(&mixed, &[between(20.0); 3]), Some((8.0, 3, 3)));
    assert_eq!(growth(&mixed, &[over_all(1000.0); 3]), Some((100.0, 1, 3)));
    assert_eq!(growth(&[between(10.0); 3], &[over_all(10.0); 3]), None);
}

#[test]
fn a_growth_per_second_is_not_one_per_frame() {
    let rate = GrowthRate { grows: Answer::Yes, low: 900.0, estimate: 1000.0, high: 1100.0, limit: 100.0 };
    let told = |per| {
        let growth = Growth { frame: Some(rate), ..Growth::default() };
        let verdict = RunVerdict { per: Some(per), growth, ..RunVerdict::default() };
        figures(&job(Outcome::Finished), &verdict).unwrap().get(Figure::GrowthPerFrame)
    };
    assert_eq!([told(Per::Frame), told(Per::Second)], [Some(1000.0), None]);
}

/// A job of 400 frames in 20 s, of which the engine counted 390.
fn job(outcome: Outcome) -> JobSummary {
    JobSummary {
        outcome,
        frames_in: Some(Count::new(390)),
        frames_out: None,
        peak_rss: Some(Bytes::from_mib(300)),
        kernel_max_rss: None,
        peak_anon_swap: None,
        peak_pss: None,
        level_after_warmup: Some(Bytes::from_mib(200)),
        level_at_end: Some(Bytes::from_mib(210)),
        growth: None,
        busy_threads: None,
        most_threads: None,
        descriptors_left: None,
        wall_s: 20.0,
        cpu_s: Some(32.0),
        fps: Some(20.0),
        fps_early: None,
        fps_late: None,
        is_unverified: false,
        output_bytes: None,
        samples: 1000,
        missed: 0,
        harness_cpu_s: 0.0,
        harness_private: None,
        group: None,
        digest: String::new(),
    }
}

#[test]
fn cpu_time_is_shared_by_all_frames_of_the_export_counted_or_not() {
    let verdict = judge(&Series::default(), &RunContext::default());
    let found = figures(&job(Outcome::Finished), &verdict).unwrap();
    let wanted = [Figure::Peak, Figure::Level, Figure::CpuPerFrame, Figure::FramesPerSecond];
    assert_eq!(wanted.map(|figure| found.get(figure).unwrap()), [300.0 * MIB, 210.0 * MIB, 0.08, 20.0]);
    // Its numbers say how far it came, and not what an export takes.
    assert_eq!(figures(&job(Outcome::TimedOut { limit_s: 20.0 }), &verdict), None);
}
