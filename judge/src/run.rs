//! The verdict on one run.
//!
//! [`judge`] is the way in. One export is judged in `run/export.rs`. `Case::open` looks for what forbids an answer: too
//! little of it, a queue, memory that was filled before or given back. If nothing does, the [shape](crate::shape) decides
//! whether memory grows. Then `Case::with_what` divides the growth; if it finds growth with sources or cuts, the answer is
//! yes even where the course shows none. Several exports in one process are judged by their [rests](crate::exports) alone.

mod export;
mod verdict;

use memreel_trace::units::Count;
use memreel_trace::{Memory, RunContext, Series};

use self::export::of_one_export;
pub(crate) use self::verdict::verdict;
pub use self::verdict::{Growth, GrowthRate, Needs, Reason, RunVerdict, Verdict, With};
use crate::backlog::Backlog;
use crate::constants::Constants;
use crate::course::{Course, Per};
use crate::exports::{self, AtRest};
use crate::peak::HighestLevel;
use crate::progress_clock::ProgressClock;
use crate::shape::Answer;
use crate::terms::Terms;

/// The version of the rules by which verdicts are given. It rises when the same files may be judged otherwise.
pub const RULES_VERSION: u32 = 4;

/// Says of one run what it shows, by [`Constants::USUAL`].
///
/// The series keeps [`Memory::JUDGED`] at least. Of the context only what is known is used.
pub fn judge(series: &Series, context: &RunContext) -> RunVerdict {
    judge_with(series, context, &Constants::USUAL)
}

/// The same of an export that may have failed. One that counts frames and put out none has done no work that memory
/// could grow with, however long it took.
pub fn judge_export(series: &Series, context: &RunContext, finished: bool) -> RunVerdict {
    let counts = !context.frame_counters.is_empty();
    if !finished && counts && !ProgressClock::of_frames(series).is_running() {
        let peak = HighestLevel::of(series, &ProgressClock::of_frames(series), context);
        return RunVerdict {
            reason: Some(Reason::NoFrames),
            per: Some(Per::of(context.unit)),
            peak,
            ..RunVerdict::default()
        };
    }
    judge(series, context)
}

/// The same by other constants: to see which of them a verdict hangs on.
pub fn judge_with(series: &Series, context: &RunContext, k: &Constants) -> RunVerdict {
    let clock = ProgressClock::of_work(series, context.unit);
    let of = |memory: Memory| {
        let course = Course::of(series, (&clock, context.unit), memory, k)?;
        Some(match context.exports.is_empty() {
            true => of_one_export(&course, Backlog::of(series, memory), context, k),
            false => of_exports(&course, AtRest::of(series, memory, context, k), context, k),
        })
    };
    let named =
        |memory: Memory, verdict: RunVerdict| RunVerdict { memory: Some(memory.to_string()), ..verdict };
    let memory = [Memory::AnonymousAndSwap, Memory::Rss]
        .into_iter()
        .find(|&memory| series.memory(memory).is_measured());
    let frames = frames(&clock, context).map(|frames| (frames, Per::of(context.unit)));
    let open = || without_course(memory, series.len(), frames, k);
    let verdict = memory.map_or_else(open, |memory| named(memory, of(memory).unwrap_or_else(open)));
    // Shared memory is no part of anonymous memory.
    let shared =
        of(Memory::Shared).filter(|shared| shared.grows == Answer::Yes && verdict.grows != Answer::Yes);
    RunVerdict {
        peak: HighestLevel::of(series, &clock, context),
        ..shared.map_or(verdict, |shared| named(Memory::Shared, shared))
    }
}

/// Frames or items of the run: those that were counted, or that it is known to have.
fn frames(clock: &ProgressClock, context: &RunContext) -> Option<f64> {
    clock.last_step().or(context.frames.map(Count::as_f64)).filter(|_| context.unit.is_counted())
}

/// The verdict where there are no two samples to lay a course through.
fn without_course(
    memory: Option<Memory>,
    samples: usize,
    frames: Option<(f64, Per)>,
    k: &Constants,
) -> RunVerdict {
    let enough = k.enough_frames();
    let finer = Needs { samples: Some(more(k.least_known, samples as f64)), ..Needs::default() };
    let (reason, needs) = match (memory, frames) {
        (None, _) => (Reason::NothingMeasured, finer),
        (_, Some((frames, _))) if frames < enough => {
            (Reason::TooShort, Needs { frames: Some(more(enough, frames)), ..Needs::default() })
        }
        _ => (Reason::TooFewSamples, finer),
    };
    let (steps, per) = frames.unwrap_or((0.0, Per::Second));
    RunVerdict { reason: Some(reason), needs, per: Some(per), steps, ..RunVerdict::default() }
}

/// Several exports in one process: memory falls at each end, and what stays then is judged.
fn of_exports(course: &Course, at_rest: Option<AtRest>, context: &RunContext, k: &Constants) -> RunVerdict {
    let answer = at_rest.as_ref().map_or(Answer::Open, |rest| rest.answer(k));
    let heaps = at_rest.as_ref().filter(|rest| answer == Answer::Yes && rest.may_be_heaps_of_threads(k));
    let (grows, open) = match (answer, heaps) {
        (_, Some(rest)) => {
            let exports = more(rest.settled_after as f64, rest.exports as f64);
            (Answer::Open, Some((Reason::HeapsOfThreads, exports)))
        }
        (Answer::Open, _) => {
            let exports = more(exports::NEEDED as f64, context.exports.len() as f64);
            (Answer::Open, Some((Reason::TooFewExports, exports)))
        }
        _ => (answer, None),
    };
    let rate = |rest: &AtRest| Some(GrowthRate::of(grows, rest.gain?, rest.least_found(k)));
    RunVerdict {
        grows,
        reason: open.map(|open| open.0),
        needs: Needs { exports: open.map(|open| open.1), ..Needs::default() },
        with: if grows == Answer::Yes { vec![With::Exports] } else { Vec::new() },
        growth: Growth { export: at_rest.as_ref().and_then(rate), ..Growth::default() },
        per: Some(course.per),
        steps: course.steps,
        terms: Some(Terms::of(context, course, k)),
        end_level: at_rest.as_ref().and_then(|rest| rest.levels.last().map(|level| level.as_f64())),
        at_rest,
        ..RunVerdict::default()
    }
}

/// As much as is usually enough; twice what there was, where that was as much already and did not do.
pub fn more(usual: f64, had: f64) -> u64 {
    let needed = if usual > had { usual } else { 2.0 * had };
    needed.ceil() as u64
}
