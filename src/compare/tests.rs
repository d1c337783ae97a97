use super::*;
use crate::analysis::{Growth, JobSummary};
use crate::stats::random::Random;
use crate::trace::Outcome;
use crate::units::{Bytes, BytesPerFrame, Count};

const MIB: f64 = (1_u64 << 20) as f64;

/// MiB by which an export jumps: in 8 of 88 by 10 to 50, as melt's do.
fn jump(random: &mut Random) -> f64 {
    if random.even() < 8.0 / 88.0 { 10.0 + 40.0 * random.even() } else { 0.0 }
}

fn peak(mib: f64) -> Measure {
    Measure { peak_rss: Some(Bytes::new((mib * MIB) as u64)), ..Measure::default() }
}

fn speed(fps: f64) -> Measure {
    Measure { fps: Some(fps), ..Measure::default() }
}

fn growth(bytes: f64, half_width: f64) -> Measure {
    let [growth, growth_half_width] = [bytes, half_width].map(|bytes| Some(BytesPerFrame(bytes)));
    Measure { growth, growth_half_width, ..Measure::default() }
}

fn change(quantity: Quantity, of: fn(f64) -> Measure, a: &[f64], b: &[f64]) -> Change {
    let [a, b]: [Vec<_>; 2] = [a, b].map(|numbers| numbers.iter().map(|&number| of(number)).collect());
    *compare(&a, &b).of(quantity).unwrap()
}

fn of_peaks(a: &[f64], b: &[f64]) -> Change {
    change(Quantity::PeakRss, peak, a, b)
}

/// The share of simulated comparisons whose interval holds the true difference of 40 MiB.
fn coverage(repeats: usize, [a, b]: [fn(&mut Random) -> f64; 2]) -> f64 {
    const COMPARISONS: usize = 4000;
    let mut random = Random::seeded(7);
    let covers = |_: &usize| {
        let a: Vec<_> = (0..repeats).map(|_| 400.0 + a(&mut random)).collect();
        let b: Vec<_> = (0..repeats).map(|_| 440.0 + b(&mut random)).collect();
        let found = of_peaks(&a, &b).interval.unwrap();
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

/// Asserts that of three to five repeats the intervals hold the true difference so often.
#[track_caller]
fn assert_covered(least: f64, name: &str, sides: [fn(&mut Random) -> f64; 2]) {
    for repeats in [3, 4, 5] {
        let covered = coverage(repeats, sides);
        assert!(covered >= least, "{name}, {repeats} repeats: {covered}");
    }
}

#[test]
fn three_to_five_normal_or_constant_repeats_cover_the_difference_as_often_as_they_say() {
    assert_covered(0.95, "normal", [quiet, quiet]);
    assert_covered(1.0, "constant", [constant, constant]);
    assert_covered(0.93, "normal against constant", [constant, quiet]);
}

#[test]
fn three_to_five_repeats_that_jump_now_and_then_cover_it_as_well() {
    assert_covered(0.95, "jumping", [jumping, jumping]);
    assert_covered(0.95, "jumping against normal", [quiet, jumping]);
}

#[test]
fn at_their_worst_the_intervals_cover_hardly_less() {
    assert_covered(0.92, "normal against ten times as wide", [quiet, wide]);
    assert_covered(0.92, "either of two levels", [either, either]);
}

#[test]
fn repeats_that_agree_to_the_byte_do_not_make_an_interval_of_no_width() {
    let of_two = of_peaks(&[40.0; 2], &[40.0; 2]);
    assert!(of_two.half_width().unwrap() > MIB && of_two.finding() == Finding::Open, "{of_two:?}");
    let of_three = of_peaks(&[40.0; 3], &[40.0; 3]);
    assert!(of_three.half_width().unwrap() > 0.5 * MIB, "{of_three:?}");
    assert_eq!((of_three.finding(), of_three.needs()), (Finding::Same, None));
}

#[test]
fn a_difference_far_beyond_the_scatter_is_one_either_way() {
    let (single, parallel) = ([400.0, 402.0, 401.0], [441.0, 444.0, 440.0]);
    let found = of_peaks(&single, &parallel);
    assert!((found.estimate / MIB - 40.67).abs() < 0.01, "{found:?}");
    let half_width = found.half_width().unwrap() / MIB;
    assert!((2.0..8.0).contains(&half_width), "{half_width}");
    assert_eq!([found.finding(), of_peaks(&parallel, &single).finding()], [Finding::More, Finding::Less]);
}

#[test]
fn a_difference_of_less_than_two_percent_is_none_however_sure() {
    let found = of_peaks(&[400.0, 400.1, 400.0], &[404.0, 404.1, 404.0]);
    assert!(found.interval.unwrap().low > 0.0, "{found:?}");
    assert_eq!(found.finding(), Finding::Same);
}

#[test]
fn one_repeat_gives_the_estimate_and_no_interval_and_needs_three() {
    let found = of_peaks(&[400.0], &[440.0, 441.0, 442.0]);
    assert_eq!((found.estimate, found.interval, found.half_width()), (41.0 * MIB, None, None));
    assert_eq!((found.finding(), found.needs()), (Finding::Open, Some(Needs::Repeats(3))));
}

#[test]
fn a_jump_among_three_repeats_leaves_it_open_and_among_five_is_cut_off() {
    let jumped = of_peaks(&[400.0, 401.0, 430.0], &[440.0, 441.0, 442.0]);
    assert_eq!(jumped.finding(), Finding::Open);
    assert!(matches!(jumped.needs(), Some(Needs::Repeats(4..))), "{:?}", jumped.needs());
    let more = of_peaks(&[400.0, 401.0, 430.0, 402.0, 400.0], &[440.0, 441.0, 442.0, 440.0, 441.0]);
    assert_eq!(more.finding(), Finding::More);
    assert!((more.estimate / MIB - 39.7).abs() < 0.1, "{more:?}");
}

#[test]
fn speeds_are_compared_as_a_ratio() {
    let found = change(Quantity::Fps, speed, &[10.0, 10.2, 9.8], &[17.0, 17.4, 16.6]);
    assert!((found.estimate - 1.7).abs() < 1e-3, "{found:?}");
    assert!((0.03..0.09).contains(&found.half_width().unwrap()), "{found:?}");
    assert_eq!(found.finding(), Finding::More);
    let back = change(Quantity::Fps, speed, &[17.0, 17.4, 16.6], &[10.0, 10.2, 9.8]);
    assert!((back.estimate * found.estimate - 1.0).abs() < 1e-12, "{back:?}");
    assert_eq!(change(Quantity::Fps, speed, &[10.0; 3], &[10.1; 3]).finding(), Finding::Same);
    assert_eq!(compare(&[speed(0.0)], &[speed(1.0)]).changes, []);
}

#[test]
fn the_repeats_that_are_asked_for_bring_the_half_width_down_to_what_is_wanted() {
    let (a, b) = ([10.0, 11.0, 9.0], [10.9, 11.9, 9.9]);
    let found = change(Quantity::Fps, speed, &a, &b);
    let Some(Needs::Repeats(each)) = found.needs() else { panic!("{found:?}") };
    assert!(found.half_width().unwrap() > found.wanted_half_width() && each > 3, "{found:?}");
    // The same scatter, so often that there are as many: their standard deviation is a little smaller.
    let often = |numbers: &[f64]| numbers.iter().copied().cycle().take(each).collect::<Vec<_>>();
    assert_ne!(change(Quantity::Fps, speed, &often(&a), &often(&b)).finding(), Finding::Open);
    let noisy = change(Quantity::Fps, speed, &[10.0, 20.0, 5.0], &[10.0, 21.0, 5.0]);
    assert_eq!(noisy.needs(), Some(Needs::TooManyRepeats));
}

#[test]
fn sides_that_seem_equal_want_a_half_width_within_what_is_the_same() {
    let found = of_peaks(&[20.0, 22.0, 18.0], &[18.0, 20.0, 22.0]);
    assert_eq!((found.finding(), found.wanted_half_width()), (Finding::Open, MIB));
    assert!(matches!(found.needs(), Some(Needs::Repeats(30..))), "{:?}", found.needs());
    let seems_more = of_peaks(&[20.0, 22.0, 18.0], &[21.0, 23.0, 25.0]);
    assert_eq!((seems_more.finding(), seems_more.wanted_half_width()), (Finding::Open, 3.0 * MIB));
    assert!(matches!(seems_more.needs(), Some(Needs::Repeats(4..10))), "{:?}", seems_more.needs());
}

#[test]
fn more_repeats_are_asked_for_than_there_are() {
    // Five of which one is cut off at each end are less sure than four.
    let (a, b) = ([20.0, 21.0, 22.0, 23.0, 24.0], [23.18, 24.18, 25.18, 26.18, 27.18]);
    let found = of_peaks(&a, &b);
    assert_eq!(found.finding(), Finding::Open);
    assert!(matches!(found.needs(), Some(Needs::Repeats(6..))), "{:?}", found.needs());
}

#[test]
fn repeats_that_agree_on_growth_are_no_surer_of_it_than_their_runs() {
    let (a, b) = ([growth(100.0, 600.0); 3], [growth(300.0, 800.0); 3]);
    let found = compare(&a, &b);
    let change = found.of(Quantity::Growth).unwrap();
    assert!((change.half_width().unwrap() - 1000.0).abs() < 1e-9, "{change:?}");
    assert_eq!((change.finding(), change.needs()), (Finding::Open, Some(Needs::LongerRuns)));
    assert_eq!((found.grows(), found.neither_grows()), (Some([Finding::Open; 2]), None));
}

#[test]
fn it_is_told_whether_either_side_grows() {
    let (flat, leak) = ([growth(20.0, 100.0); 3], [growth(4000.0, 300.0); 3]);
    assert_eq!(compare(&flat, &flat).neither_grows(), Some(true));
    let found = compare(&flat, &leak);
    assert_eq!(found.grows(), Some([Finding::Same, Finding::More]));
    assert_eq!((found.neither_grows(), found.is_difference(Quantity::Growth)), (Some(false), Some(true)));
    // Of one run each its own interval says as much.
    assert_eq!(compare(&flat[..1], &flat[..1]).neither_grows(), Some(true));
}

#[test]
fn what_was_not_measured_on_both_sides_is_not_compared() {
    let found = compare(&[peak(1.0), speed(1.0)], &[peak(2.0)]);
    assert_eq!(found.changes.iter().map(|change| change.quantity).collect::<Vec<_>>(), [Quantity::PeakRss]);
    assert_eq!((found.finding(Quantity::Fps), found.is_difference(Quantity::Fps)), (None, None));
    assert_eq!(compare(&[], &[]), Comparison::default());
}

#[test]
fn open_questions_ask_for_as_many_repeats_as_the_neediest() {
    let both = |mib: f64, fps: f64| Measure { fps: Some(fps), ..peak(mib) };
    let found = compare(&[both(400.0, 10.0), both(401.0, 11.0)], &[both(401.0, 12.5), both(402.0, 11.0)]);
    let of_speed = found.needs_repeats(&[Quantity::Fps]);
    let of_both = found.needs_repeats(&[Quantity::PeakRss, Quantity::Fps]);
    assert!(of_speed > found.needs_repeats(&[Quantity::PeakRss]) && of_both == of_speed, "{found:?}");
    assert_eq!(found.needs_repeats(&[Quantity::Growth]), None);
}

/// A job of 400 frames in 20 s, of which the engine counted 390.
fn job(outcome: Outcome) -> JobSummary {
    let [estimate, low, high] = [100.0, 40.0, 160.0].map(BytesPerFrame);
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
        growth: Some(Growth { estimate, low, high }),
        busy_threads: None,
        most_threads: None,
        descriptors_left: None,
        wall_s: 20.0,
        cpu_s: Some(32.0),
        fps: Some(20.0),
        fps_early: None,
        fps_late: None,
        output_bytes: None,
        samples: 1000,
        missed: 0,
        harness_cpu_s: 0.0,
        harness_private: None,
        digest: String::new(),
    }
}

#[test]
fn cpu_time_is_shared_by_all_frames_of_the_export_counted_or_not() {
    let found = Measure::of(&job(Outcome::Finished)).unwrap();
    assert_eq!(
        Quantity::ALL.map(|quantity| quantity.of(&found).unwrap()),
        [300.0 * MIB, 200.0 * MIB, 210.0 * MIB, 100.0, 20.0, 0.08]
    );
    assert_eq!(found.growth_half_width, Some(BytesPerFrame(60.0)));
}

#[test]
fn a_job_that_did_not_finish_says_nothing_of_what_an_export_takes() {
    assert_eq!(Measure::of(&job(Outcome::TimedOut { limit_s: 20.0 })), None);
}
