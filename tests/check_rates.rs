//! How often a check is wrong, and what it finds: ten thousand checks drawn from real exports that are alike.
//!
//! `make rates` prints the figures that `docs/ci.md` quotes.

#[path = "support/alike.rs"]
mod alike;

use alike::{Cell, Random, Sides, cells, check, fails, finds, least_effect, put_in, subjects};
use memreel_judge::budget::Figure;
use memreel_judge::check::State;

/// Checks that false alarms are counted in.
const CHECKS: usize = 10_000;
/// Checks that what is found is counted in.
const TRIALS: usize = 1_000;
/// More than one in a hundred is too many.
const MOST_ALARMS: usize = CHECKS / 100;
/// What is put in is to be found in 19 of 20.
const LEAST_FOUND: usize = TRIALS * 19 / 20;

fn false_alarms(sides: Sides, repeats: usize) -> usize {
    let (cells, mut random) = (cells(), Random::seeded(repeats as u64));
    let (mut alarms, mut open, mut answers) = (0, 0, 0);
    for _ in 0..CHECKS {
        let check = check(&subjects(&cells, sides, repeats, &mut random));
        alarms += usize::from(fails(&check));
        open += check.items.iter().filter(|item| item.state == State::Open).count();
        answers += check.items.len();
    }
    let open = 100.0 * open as f64 / answers as f64;
    let variants = cells.len();
    println!(
        "{sides:?}, {repeats} repeats: {alarms} of {CHECKS} checks of {variants} variants failed, {open:.1} % open"
    );
    alarms
}

/// In how many checks this much more of a figure is found in a variant; `more` is told the check without it.
fn found(
    variant: &str,
    figure: Figure,
    repeats: usize,
    more: impl Fn(&[memreel_judge::check::CheckedVariant]) -> f64,
) -> usize {
    let (cells, mut random) = (cells(), Random::seeded(repeats as u64));
    let mut sizes = Vec::new();
    let mut is_found = |random: &mut Random| {
        let mut drawn = subjects(&cells, Sides::OneSession, repeats, random);
        let more = more(&drawn);
        sizes.push(more);
        put_in(&mut drawn, variant, figure, more);
        finds(&check(&drawn), variant, figure)
    };
    let found = (0..TRIALS).filter(|_| is_found(&mut random)).count();
    let middle = memreel_judge::stats::median(&sizes).unwrap() / f64::from(1 << 20);
    println!("{variant}, {figure}, {repeats} repeats: {middle:.1} MiB more found in {found} of {TRIALS}");
    found
}

/// The least effect that a check says it could have found, in the median some MiB.
fn stated(variant: &str, figure: Figure) -> impl Fn(&[memreel_judge::check::CheckedVariant]) -> f64 {
    move |drawn| least_effect(&check(drawn), variant, figure).expect("each side has repeats")
}

fn five_per_cent(variant: &str) -> impl Fn(&[memreel_judge::check::CheckedVariant]) -> f64 {
    move |drawn| {
        let subject = drawn.iter().find(|subject| subject.name == variant).unwrap();
        let peaks: Vec<_> = subject.runs.iter().filter_map(|run| run.get(Figure::Peak)).collect();
        0.05 * memreel_judge::stats::median(&peaks).unwrap()
    }
}

#[test]
fn two_hundred_runs_of_four_variants_at_least_are_stored_in_sessions() {
    let cells = cells();
    let sessions = |cell: &Cell| cell.sessions.len();
    assert!(alike::runs(&cells) >= 200 && cells.len() >= 4, "{} runs", alike::runs(&cells));
    assert!(cells.iter().all(|cell| sessions(cell) >= 2));
}

#[test]
fn side_by_side_one_check_in_a_hundred_fails_at_most_though_nothing_changed() {
    for repeats in [3, 5] {
        let alarms = false_alarms(Sides::OneSession, repeats);
        assert!(alarms <= MOST_ALARMS, "{alarms} with {repeats} repeats");
    }
}

#[test]
fn against_a_baseline_of_a_quieter_or_busier_hour_one_check_in_a_hundred_fails_at_most() {
    for repeats in [3, 5] {
        let alarms = false_alarms(Sides::TwoSessions, repeats);
        assert!(alarms <= MOST_ALARMS, "{alarms} with {repeats} repeats");
    }
}

#[test]
fn five_per_cent_more_peak_of_the_exporter_are_found_by_five_repeats() {
    for variant in ["ffmpeg-single", "ffmpeg-parallel-2"] {
        assert!(found(variant, Figure::Peak, 5, five_per_cent(variant)) >= LEAST_FOUND, "{variant}");
    }
}

#[test]
fn the_least_effect_that_is_stated_is_found_by_ten_repeats_also_of_melt_which_jumps() {
    for cell in cells() {
        for figure in [Figure::Peak, Figure::Level] {
            let found = found(&cell.variant, figure, 10, stated(&cell.variant, figure));
            assert!(found >= LEAST_FOUND, "{} {figure}: {found}", cell.variant);
        }
    }
}
