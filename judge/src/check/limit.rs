//! A figure against a limit that a scenario sets.

use super::difference::{tolerance, worse};
use super::{Evidence, LimitEvidence, PASS_CONFIDENCE, State};
use crate::budget::{Budget, Figure, FigureUnit};
use crate::compare::Side;
use crate::stats;

/// Fails when a typical repeat is surely beyond the limit, passes when it is surely not, and is open in between.
///
/// One run has no spread of its own: it is taken to be as far off as what is the same for the figure.
pub(super) fn answer(figure: Figure, runs: &[f64], budget: Budget, confidence: f64) -> (State, Evidence) {
    let limit = budget.limit.and_then(|limit| figure.onto_scale(limit));
    let Some((side, limit)) = Side::of(figure, runs).zip(limit) else {
        return limit_of_nothing(figure, runs, budget);
    };
    let alone = tolerance(figure, figure.same(), side.value());
    let sure = side.centre.map_or(alone, |centre| centre.reach_one_sided(confidence));
    let ordinary = side.centre.map_or(alone, |centre| centre.reach_one_sided(PASS_CONFIDENCE));
    let beyond = worse(figure, side.middle - limit);
    let is_beyond = |run: &&f64| figure.onto_scale(**run).is_some_and(|run| worse(figure, run - limit) > 0.0);
    let runs_beyond = runs.iter().filter(is_beyond).count();
    // Counts are whole: those that are all within a limit are within it.
    let exactly_within = figure.unit() == FigureUnit::Count && runs_beyond == 0;
    let state = match () {
        () if beyond - sure > 0.0 => State::Failed,
        () if beyond + ordinary <= 0.0 || exactly_within => State::Passed,
        () => State::Open,
    };
    let evidence = LimitEvidence {
        limit: figure.off_scale(limit),
        value: side.value(),
        surely: figure.off_scale(side.middle - worse(figure, sure)),
        at_worst: figure.off_scale(side.middle + worse(figure, ordinary)),
        repeats: runs.len(),
        beyond: runs_beyond,
    };
    (state, Evidence::Limit(evidence))
}

/// Zero may be a limit or a measurement of what has a logarithm otherwise: then it is a matter of more or less.
fn limit_of_nothing(figure: Figure, runs: &[f64], budget: Budget) -> (State, Evidence) {
    let Some((limit, value)) = budget.limit.zip(stats::mean(runs)) else {
        return (State::Open, Evidence::NotMeasured);
    };
    let is_beyond = |value: f64| worse(figure, value - limit) > 0.0;
    let beyond = runs.iter().filter(|&&run| is_beyond(run)).count();
    let state = if is_beyond(value) { State::Failed } else { State::Passed };
    let evidence =
        LimitEvidence { limit, value, surely: value, at_worst: value, repeats: runs.len(), beyond };
    (state, Evidence::Limit(evidence))
}
