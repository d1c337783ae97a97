//! A figure against a limit that a scenario sets.

use super::{Evidence, LimitEvidence, PASS_CONFIDENCE, State, terms};
use crate::budget::{Budget, Figure};
use crate::stats::{Centre, student_t_quantile};

/// Fails when the mean is surely beyond the limit, passes when it is surely not, and is open in between.
///
/// One run has no spread of its own: it is taken to be as far off as what is the same for the figure.
pub(super) fn answer(figure: Figure, runs: &[f64], budget: Budget, confidence: f64) -> (State, Evidence) {
    let on_scale: Option<Vec<f64>> = runs.iter().map(|&run| terms::onto(figure, run)).collect();
    let limit = budget.limit.and_then(|limit| terms::onto(figure, limit));
    let (Some(on_scale), Some(limit)) = (on_scale.filter(|runs| !runs.is_empty()), limit) else {
        return limit_of_nothing(figure, runs, budget);
    };
    let value = on_scale.iter().sum::<f64>() / on_scale.len() as f64;
    let [sure, ordinary] = [confidence, PASS_CONFIDENCE].map(|confidence| {
        reach(figure, &on_scale, confidence).unwrap_or_else(|| {
            terms::tolerance(figure, terms::usual_slack(figure), terms::back(figure, value))
        })
    });
    let state = match () {
        () if value - sure > limit => State::Failed,
        () if value + ordinary <= limit || is_exactly_within(figure, &on_scale, limit) => State::Passed,
        () => State::Open,
    };
    let evidence = LimitEvidence {
        limit: terms::back(figure, limit),
        value: terms::back(figure, value),
        surely: terms::back(figure, value - sure),
        at_worst: terms::back(figure, value + ordinary),
        repeats: runs.len(),
        beyond: on_scale.iter().filter(|&&run| run > limit).count(),
    };
    (state, Evidence::Limit(evidence))
}

/// Zero may be a limit or a measurement of what has a logarithm otherwise: then it is a matter of more or less.
fn limit_of_nothing(figure: Figure, runs: &[f64], budget: Budget) -> (State, Evidence) {
    let Some((limit, value)) = budget.limit.zip(crate::stats::mean(runs)) else {
        return (State::Open, Evidence::NotMeasured);
    };
    let is_beyond = |value: f64| if figure.less_is_worse() { value < limit } else { value > limit };
    let beyond = runs.iter().filter(|&&run| is_beyond(run)).count();
    let state = if is_beyond(value) { State::Failed } else { State::Passed };
    let evidence =
        LimitEvidence { limit, value, surely: value, at_worst: value, repeats: runs.len(), beyond };
    (state, Evidence::Limit(evidence))
}

/// Counts are whole: those that are all within a limit are within it.
fn is_exactly_within(figure: Figure, on_scale: &[f64], limit: f64) -> bool {
    figure.unit() == crate::budget::Unit::Count && on_scale.iter().all(|&run| run <= limit)
}

/// How far the mean may be off, one-sided; `None` of one run.
fn reach(figure: Figure, on_scale: &[f64], confidence: f64) -> Option<f64> {
    let centre = Centre::mean(on_scale)?;
    let least = terms::least_spread(figure) / (on_scale.len() as f64).sqrt();
    Some(student_t_quantile(confidence, centre.freedom)? * centre.error.max(least))
}
