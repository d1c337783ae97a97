//! A figure against a baseline.

use super::{ChangeEvidence, Evidence, LEAST_REPEATS, PASS_CONFIDENCE, POWER, State, terms};
use crate::budget::{Figure, Slack};
use crate::stats::{Centre, student_t_quantile};

/// More repeats than this nobody makes.
const MOST_REPEATS: usize = 100;

/// Two sides on a scale, baseline first.
struct Sides {
    figure: Figure,
    centres: [Centre; 2],
    repeats: [usize; 2],
}

/// How far the difference may be off.
#[derive(Clone, Copy)]
struct Error {
    standard: f64,
    freedom: f64,
}

/// Fails when it is surely worse by more than is tolerated, passes when it is likely not, and is open in between.
pub(super) fn answer(
    figure: Figure,
    sides: &[Vec<f64>; 2],
    slack: Option<Slack>,
    confidence: f64,
) -> (State, Evidence) {
    let on_scale =
        |side: &Vec<f64>| side.iter().map(|&run| terms::onto(figure, run)).collect::<Option<Vec<_>>>();
    let (Some(before), Some(now)) = (on_scale(&sides[0]), on_scale(&sides[1])) else {
        return (State::Open, Evidence::NotMeasured);
    };
    let means = [&before, &now].map(|side| crate::stats::mean(side).unwrap_or(f64::NAN));
    let baseline = terms::back(figure, means[0]);
    let tolerated = terms::tolerance(figure, slack.unwrap_or(terms::usual_slack(figure)), baseline);
    let effect = means[1] - means[0];
    let sides = Sides::of(figure, [&before, &now]);
    let error = sides.as_ref().map(|sides| sides.error(sides.repeats));
    let state = error.map_or(State::Open, |error| state(effect, tolerated, error, confidence));
    let told = |effect: f64| terms::told(figure, effect);
    let evidence = ChangeEvidence {
        baseline,
        now: terms::back(figure, means[1]),
        effect: told(effect),
        interval: error.map(|error| {
            let reach = error.reach(PASS_CONFIDENCE);
            (told(effect - reach), told(effect + reach))
        }),
        at_least: error.map(|error| told(effect - error.reach(confidence))),
        tolerated: told(tolerated),
        least_effect: sides.as_ref().map(|sides| told(tolerated + sides.detectable(confidence))),
        repeats: (before.len(), now.len()),
        needs: (state == State::Open).then(|| needs(sides.as_ref(), effect, tolerated, confidence)).flatten(),
    };
    (state, Evidence::Change(evidence))
}

fn state(effect: f64, tolerated: f64, error: Error, confidence: f64) -> State {
    match () {
        () if effect - error.reach(confidence) > tolerated => State::Failed,
        () if effect + error.reach(PASS_CONFIDENCE) <= tolerated => State::Passed,
        () => State::Open,
    }
}

/// Repeats on each side that would settle it if the means and spreads stayed as they are.
fn needs(sides: Option<&Sides>, effect: f64, tolerated: f64, confidence: f64) -> Option<usize> {
    let Some(sides) = sides else { return Some(LEAST_REPEATS) };
    let least = LEAST_REPEATS.max(sides.repeats[0].max(sides.repeats[1]) + 1);
    let settles = |&each: &usize| state(effect, tolerated, sides.error([each; 2]), confidence) != State::Open;
    (least..=MOST_REPEATS).find(settles)
}

impl Sides {
    fn of(figure: Figure, sides: [&[f64]; 2]) -> Option<Sides> {
        let [before, now] = sides.map(Centre::mean);
        Some(Sides { figure, centres: [before?, now?], repeats: sides.map(<[f64]>::len) })
    }

    /// The standard deviation of a side, which is the least that repeats are taken to have at least.
    fn spread(&self, side: usize) -> f64 {
        let spread = self.centres[side].error * (self.repeats[side] as f64).sqrt();
        spread.max(terms::least_spread(self.figure))
    }

    /// The error of the difference with so many repeats: Welch's, with Satterthwaite's degrees of freedom.
    fn error(&self, repeats: [usize; 2]) -> Error {
        let [e, f] = [0, 1].map(|side| self.spread(side).powi(2) / repeats[side] as f64);
        let [n, m] = repeats.map(|repeats| (repeats - 1) as f64);
        Error { standard: (e + f).sqrt(), freedom: (e + f).powi(2) / (e * e / n + f * f / m) }
    }

    /// How much more than is tolerated would be found in most checks, were both sides to scatter as the baseline
    /// does.
    fn detectable(&self, confidence: f64) -> f64 {
        let [n, m] = self.repeats.map(|repeats| repeats as f64);
        let standard = self.spread(0) * (1.0 / n + 1.0 / m).sqrt();
        let error = Error { standard, freedom: n + m - 2.0 };
        error.reach(confidence) + error.reach(POWER)
    }
}

impl Error {
    /// One-sided, so that the truth is beyond it in a share of 1 − `confidence`.
    fn reach(self, confidence: f64) -> f64 {
        student_t_quantile(confidence, self.freedom).unwrap_or(f64::INFINITY) * self.standard
    }
}
