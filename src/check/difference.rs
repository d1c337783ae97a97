//! A figure against a baseline.

use super::{ChangeEvidence, Evidence, LEAST_REPEATS, PASS_CONFIDENCE, POWER, State, terms};
use crate::budget::{Figure, Slack};
use crate::stats::{self, Centre, student_t_quantile};

/// The share of the repeats that is cut off at each end: one of eight and more. An engine that jumps by some MiB once
/// in twenty exports would hide all else otherwise (Yuen's trimmed t, [`Centre::trimmed_mean`]); with fewer repeats it
/// costs more than it brings.
const TRIM: f64 = 0.125;
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

/// How far the difference may be off: so that a whole check is right in 99 of 100, and this one alone in 19 of 20.
#[derive(Clone, Copy)]
struct Reaches {
    sure: f64,
    ordinary: f64,
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
    if before.is_empty() || now.is_empty() {
        return (State::Open, Evidence::NotMeasured);
    }
    let means = [&before, &now].map(|side| stats::mean(side).unwrap_or(f64::NAN));
    let sides = Sides::of(figure, [&before, &now]);
    let means = sides.as_ref().map_or(means, |sides| sides.centres.map(|centre| centre.value));
    let baseline = terms::back(figure, means[0]);
    let tolerated = terms::tolerance(figure, slack.unwrap_or(terms::usual_slack(figure)), baseline);
    let effect = means[1] - means[0];
    let reaches = sides.as_ref().map(|sides| Reaches::of(sides.error(sides.repeats), confidence));
    // Two agree by chance too easily.
    let enough = before.len().min(now.len()) >= LEAST_REPEATS;
    let state = reaches.filter(|_| enough).map_or(State::Open, |reaches| reaches.state(effect, tolerated));
    let told = |effect: f64| terms::told(figure, effect);
    let evidence = ChangeEvidence {
        baseline,
        now: terms::back(figure, means[1]),
        effect: told(effect),
        interval: reaches.map(|reach| (told(effect - reach.ordinary), told(effect + reach.ordinary))),
        at_least: reaches.map(|reach| told(effect - reach.sure)),
        tolerated: told(tolerated),
        least_effect: sides.as_ref().map(|sides| told(tolerated + sides.detectable(confidence))),
        repeats: (before.len(), now.len()),
        needs: (state == State::Open).then(|| needs(sides.as_ref(), tolerated, confidence)).flatten(),
    };
    (state, Evidence::Change(evidence))
}

impl Reaches {
    fn of(error: Error, confidence: f64) -> Reaches {
        Reaches { sure: error.reach(confidence), ordinary: error.reach(PASS_CONFIDENCE) }
    }

    fn state(self, effect: f64, tolerated: f64) -> State {
        match () {
            () if effect - self.sure > tolerated => State::Failed,
            () if effect + self.ordinary <= tolerated => State::Passed,
            () => State::Open,
        }
    }
}

/// Repeats on each side that would settle it if the means and spreads stayed as they are.
fn needs(sides: Option<&Sides>, tolerated: f64, confidence: f64) -> Option<usize> {
    let Some(sides) = sides.filter(|sides| sides.repeats.iter().all(|&repeats| repeats >= LEAST_REPEATS))
    else {
        return Some(LEAST_REPEATS);
    };
    let least = LEAST_REPEATS.max(sides.repeats[0].max(sides.repeats[1]) + 1);
    // The interval only gets narrower.
    let is_open = |each: usize| {
        Reaches::of(sides.error([each; 2]), confidence).state(sides.effect(), tolerated) == State::Open
    };
    let mut open_with = least - 1;
    let mut settled_with = MOST_REPEATS + 1;
    while settled_with - open_with > 1 {
        let each = open_with.midpoint(settled_with);
        *(if is_open(each) { &mut open_with } else { &mut settled_with }) = each;
    }
    (settled_with <= MOST_REPEATS).then_some(settled_with)
}

impl Sides {
    fn of(figure: Figure, sides: [&[f64]; 2]) -> Option<Sides> {
        let [before, now] = sides.map(|side| Centre::trimmed_mean(side, TRIM));
        Some(Sides { figure, centres: [before?, now?], repeats: sides.map(<[f64]>::len) })
    }

    /// How much worse it is.
    fn effect(&self) -> f64 {
        self.centres[1].value - self.centres[0].value
    }

    /// The error of a side with so many repeats, which is that of the least spread at least.
    fn error_of(&self, side: usize, repeats: usize) -> Error {
        let centre = self.centres[side];
        let least = terms::least_spread(self.figure) / (self.repeats[side] as f64).sqrt();
        let fewer = (self.repeats[side] as f64 / repeats as f64).sqrt();
        let left = repeats - 2 * stats::cut_at_each_end(repeats, TRIM);
        Error { standard: centre.error.max(least) * fewer, freedom: (left - 1) as f64 }
    }

    /// The error of the difference with so many repeats: Welch's, with Satterthwaite's degrees of freedom.
    fn error(&self, repeats: [usize; 2]) -> Error {
        let [a, b] = [0, 1].map(|side| self.error_of(side, repeats[side]));
        let (e, f) = (a.standard.powi(2), b.standard.powi(2));
        Error { standard: (e + f).sqrt(), freedom: (e + f).powi(2) / (e * e / a.freedom + f * f / b.freedom) }
    }

    /// How much more than is tolerated would be found in most checks, were both sides to scatter as the baseline
    /// does: as much as that may be, since few repeats know it badly (the upper end of the 95 % interval of a
    /// standard deviation, s √(ν / χ²(0.05, ν))).
    fn detectable(&self, confidence: f64) -> f64 {
        let before = self.error_of(0, self.repeats[0]);
        let quantile = stats::chi_squared_quantile(1.0 - POWER, before.freedom).unwrap_or(f64::NAN);
        let spread = (before.freedom / quantile).sqrt();
        let standard =
            before.standard * spread * (1.0 + self.repeats[0] as f64 / self.repeats[1] as f64).sqrt();
        let freedom = before.freedom + self.error_of(1, self.repeats[1]).freedom;
        let error = Error { standard, freedom };
        error.reach(confidence) + error.reach(POWER)
    }
}

impl Error {
    /// One-sided, so that the truth is beyond it in a share of 1 − `confidence`.
    fn reach(self, confidence: f64) -> f64 {
        student_t_quantile(confidence, self.freedom).unwrap_or(f64::INFINITY) * self.standard
    }
}
