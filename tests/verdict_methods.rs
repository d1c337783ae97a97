//! The methods that verdicts are compared with, against values worked out by hand.

#[path = "../benches/verdicts/increments.rs"]
mod increments;
#[path = "../benches/verdicts/methods.rs"]
mod methods;

use increments::by_increments;
use memreel_judge::stats::Interval;
use methods::{
    Answer, against_floor, against_zero, by_eye, by_ranks, first_and_last, least_squares, mann_kendall,
    newey_west, theil_sen,
};

const POINTS: [(f64, f64); 4] = [(0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (3.0, 3.0)];

#[track_caller]
fn is_near(found: Interval, estimate: f64, reach: f64) {
    let wanted = [estimate, estimate - reach, estimate + reach];
    let is_near = |(a, b): (f64, f64)| (a - b).abs() < 1e-4;
    assert!([found.estimate, found.low, found.high].into_iter().zip(wanted).all(is_near), "{found:?}");
}

#[test]
fn least_squares_has_students_interval() {
    // s² = 0.7/2, Sxx = 5, t(0.975, 2) = 4.30265.
    is_near(least_squares(&POINTS).unwrap(), 0.9, 4.302_65 * (0.35_f64 / 5.0).sqrt());
    assert_eq!(least_squares(&POINTS[..2]), None);
    assert_eq!(least_squares(&[(1.0, 2.0); 4]), None);
}

#[test]
fn newey_and_west_weigh_the_first_lag_by_half() {
    // Scores −0.15, −0.1, −0.35, 0.6: variance (0.515 + 2·½·(−0.16)) / 25.
    is_near(newey_west(&POINTS).unwrap(), 0.9, 1.959_96 * (0.355_f64 / 25.0).sqrt());
}

#[test]
fn sens_slope_is_the_median_of_all_and_kendalls_z_knows_ties() {
    assert_eq!(theil_sen(&POINTS), Some(1.0));
    // S = 5, variance (156 − 18) / 18.
    let levels = POINTS.map(|point| point.1);
    assert!((mann_kendall(&levels) - 4.0 / (138.0_f64 / 18.0).sqrt()).abs() < 1e-12);
    assert_eq!(mann_kendall(&[2.0; 9]), 0.0);
}

#[test]
fn an_interval_that_contains_the_floor_leaves_open() {
    let interval = Some(Interval { estimate: 5.0, low: 1.0, high: 9.0 });
    assert_eq!(against_zero(interval), Answer::Grows);
    assert_eq!(
        [0.5, 4.0, 9.0].map(|floor| against_floor(interval, floor)),
        [Answer::Grows, Answer::Open, Answer::Rests]
    );
    assert_eq!((against_zero(None), against_floor(None, 1.0)), (Answer::Open, Answer::Open));
}

/// Levels over 2,000 frames, one a frame.
fn over_frames(level: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (1..=1960).map(|frame| (f64::from(frame), 50e6 + level(f64::from(frame)))).collect()
}

#[test]
fn every_method_tells_a_steep_leak_from_nothing() {
    let (leak, level) = (over_frames(|frame| 65_536.0 * frame), over_frames(|_| 0.0));
    for (points, answer) in [(leak, Answer::Grows), (level, Answer::Rests)] {
        let bytes: Vec<f64> = points.iter().map(|point| point.1).collect();
        assert_eq!(by_ranks(&points, 512.0), answer);
        assert_eq!(by_eye(&bytes), answer);
        assert_eq!(first_and_last(&bytes), answer);
        assert_eq!(against_floor(least_squares(&points), 512.0), answer);
        assert_eq!(by_increments(&points, 2000.0, true), answer);
    }
}

#[test]
fn increments_tell_a_leak_from_a_cache_that_filled_and_a_saw_but_lines_do_not() {
    let cache = over_frames(|frame| 65_536.0 * frame.min(1000.0));
    let saw = over_frames(|frame| 65_536.0 * (frame % 200.0));
    let leaking_saw = over_frames(|frame| 65_536.0 * (frame % 200.0) + 4096.0 * frame);
    assert_eq!(by_increments(&cache, 2000.0, true), Answer::Rests);
    assert_eq!(by_increments(&saw, 2000.0, true), Answer::Rests);
    assert_eq!(by_increments(&leaking_saw, 2000.0, true), Answer::Grows);
    assert_eq!(against_floor(newey_west(&cache), 512.0), Answer::Grows);
}

#[test]
fn increments_leave_a_short_run_and_one_that_slows_down_open() {
    let slows = over_frames(|frame| 60e6 * (1.0 - (-frame / 700.0).exp()));
    assert_eq!(by_increments(&slows, 2000.0, true), Answer::Open);
    assert_eq!(by_increments(&over_frames(|frame| 65_536.0 * frame)[..600], 600.0, true), Answer::Open);
}
