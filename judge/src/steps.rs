//! Single rises of the level, and what happened there.

use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::{Course, Envelope};
use crate::stats;
use memreel_trace::RunContext;
use memreel_trace::units::Bytes;

/// A rise of the level that stayed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// The frame at which the rise began; the second, if frames were not counted.
    pub at: f64,
    /// The duration of the rise, in frames; in seconds, if frames were not counted.
    pub over: f64,
    /// The height of the rise, in bytes.
    #[serde(rename = "bytes")]
    pub size: Bytes,
    /// The frame of the cut that the rise belongs to, if one is close enough.
    pub cut: Option<u64>,
    /// Whether a source is used for the first time at that cut.
    pub first_use: bool,
    /// The change of the number of threads during the rise.
    pub threads: i64,
}

/// The steps of a course from one step of the way on, in order.
///
/// A step is a stretch over which the envelope rises at four times its usual pace or faster, by as much as any growth
/// takes at least.
pub fn steps(
    course: &Course,
    envelope: &Envelope,
    context: &RunContext,
    from: f64,
    k: &Constants,
) -> Vec<Step> {
    let knots: Vec<_> = envelope.knots().iter().copied().filter(|knot| knot.0 >= from).collect();
    let (Some(first), Some(last)) = (knots.first(), knots.last()) else { return Vec::new() };
    let usual = 4.0 * (last.1 - first.1) / (last.0 - first.0).max(1.0);
    let mut found = Vec::new();
    let mut rises = knots.windows(2).peekable();
    while let Some(pair) = rises.next() {
        let is_rise = |pair: &[(f64, f64)]| pair[1].1 - pair[0].1 > usual * (pair[1].0 - pair[0].0);
        if !is_rise(pair) {
            continue;
        }
        let mut end = pair[1];
        while let Some(next) = rises.next_if(|pair| is_rise(pair)) {
            end = next[1];
        }
        if end.1 - pair[0].1 >= k.least_gain {
            found.push(step(course, context, pair[0], end));
        }
    }
    found
}

fn step(course: &Course, context: &RunContext, begin: (f64, f64), end: (f64, f64)) -> Step {
    let cut = cut_at(course, context, begin.0, end.0);
    let threads = |at: f64| stats::interpolate(&course.threads, at).unwrap_or_default();
    Step {
        at: begin.0,
        over: end.0 - begin.0,
        size: Bytes::new((end.1 - begin.1) as u64),
        cut,
        first_use: cut.is_some_and(|cut| context.first_uses.contains(&cut)),
        threads: (threads(end.0 + course.resolution) - threads(begin.0 - course.resolution)).round() as i64,
    }
}

/// The cut within reach of a rise: two resolutions before it or after. Where half of all frames are within
/// reach of some cut, nearness says nothing; and so it does where MiB or seconds are the steps, since cuts are frames.
fn cut_at(course: &Course, context: &RunContext, begin: f64, end: f64) -> Option<u64> {
    if !course.per.is_counted() {
        return None;
    }
    let reach = 2.0 * course.resolution;
    let lengths: Vec<_> = context.cuts.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    if stats::median(&lengths).is_some_and(|frames| frames < 4.0 * reach) {
        return None;
    }
    let near = |cut: &&u64| (begin - reach..=end + reach).contains(&course.step_of_frame(**cut));
    context.cuts.iter().find(near).copied()
}
