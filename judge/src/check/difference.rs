//! A figure against a baseline: what a check decides on the change that [`crate::compare`] finds.

use super::{ChangeEvidence, Evidence, PASS_CONFIDENCE, POWER, State};
use crate::budget::{Figure, Scale, Slack};
use crate::compare::{CONFIDENCE, Change};
use crate::stats::{Centre, chi_squared_quantile};

/// When a change fails and when it passes. Effects are on the scale, and worse is more.
struct Decision {
    figure: Figure,
    tolerated: f64,
    /// How sure a failure is: so that a whole check is right in 99 of 100.
    confidence: f64,
}

/// Fails when it is surely worse by more than is tolerated, passes when it is likely not, and is open in between.
pub(super) fn answer(
    figure: Figure,
    sides: &[Vec<f64>; 2],
    slack: Option<Slack>,
    confidence: f64,
) -> (State, Evidence) {
    let Some(change) = Change::of(figure, [&sides[0], &sides[1]]) else {
        return (State::Open, Evidence::NotMeasured);
    };
    let baseline = change.a.value();
    let tolerated = tolerance(figure, slack.unwrap_or(figure.same()), baseline);
    let decision = Decision { figure, tolerated, confidence };
    let difference = change.difference().map(|difference| decision.worse(difference));
    let state = difference.map_or(State::Open, |difference| decision.state(difference));
    let settles = |difference| decision.state(decision.worse(difference)) != State::Open;
    let told = |effect: f64| decision.told(effect);
    let evidence = ChangeEvidence {
        baseline,
        now: change.b.value(),
        effect: told(worse(figure, change.effect())),
        interval: difference.map(|difference| {
            let interval = difference.interval(CONFIDENCE);
            (told(interval.low), told(interval.high))
        }),
        at_least: difference.map(|difference| told(decision.at_least(difference))),
        tolerated: told(tolerated),
        least_effect: decision.detectable(&change).map(|more| told(tolerated + more)),
        repeats: (change.a.repeats, change.b.repeats),
        needs: (state == State::Open).then(|| change.repeats_until(settles)).flatten(),
    };
    (state, Evidence::Change(evidence))
}

impl Decision {
    fn worse(&self, difference: Centre) -> Centre {
        Centre { value: worse(self.figure, difference.value), ..difference }
    }

    fn at_least(&self, difference: Centre) -> f64 {
        difference.value - difference.reach_one_sided(self.confidence)
    }

    fn state(&self, difference: Centre) -> State {
        match () {
            () if self.at_least(difference) > self.tolerated => State::Failed,
            () if difference.value + difference.reach_one_sided(PASS_CONFIDENCE) <= self.tolerated => {
                State::Passed
            }
            () => State::Open,
        }
    }

    /// How much more than is tolerated would be found in most checks, were both sides to scatter as the baseline
    /// does: as much as that may be, since few repeats know it badly (the upper end of the 95 % interval of a
    /// standard deviation, s √(ν / χ²(0.05, ν))).
    fn detectable(&self, change: &Change) -> Option<f64> {
        let (before, now) = (change.a.centre?, change.b.centre?);
        let spread = (before.freedom / chi_squared_quantile(1.0 - POWER, before.freedom)?).sqrt();
        let both = (1.0 + change.a.repeats as f64 / change.b.repeats as f64).sqrt();
        let error = before.error * spread * both;
        let found = Centre { error, freedom: before.freedom + now.freedom, ..before };
        Some(found.reach_one_sided(self.confidence) + found.reach_one_sided(POWER))
    }

    /// An effect as it is told: in the figure's unit, or as a share of what it was.
    fn told(&self, effect: f64) -> f64 {
        match self.figure.scale() {
            Scale::Difference => effect,
            Scale::Ratio => worse(self.figure, worse(self.figure, effect).exp_m1()),
        }
    }
}

/// A difference on the scale on which worse is more.
pub(super) fn worse(figure: Figure, effect: f64) -> f64 {
    if figure.less_is_worse() { -effect } else { effect }
}

/// What is tolerated at a baseline, on the scale.
pub(super) fn tolerance(figure: Figure, slack: Slack, baseline: f64) -> f64 {
    let worst = baseline + worse(figure, slack.at(baseline));
    match (figure.onto_scale(worst), figure.onto_scale(baseline)) {
        (Some(worst), Some(baseline)) => worse(figure, worst - baseline),
        _ => f64::INFINITY,
    }
}
