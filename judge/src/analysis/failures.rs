//! How often exports of a variant go wrong, and in which way.

use crate::stats::Proportion;
use memreel_trace::Outcome;

/// A way in which an export goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A signal that the harness did not send ended it, or it exited with a status other than 0.
    Crash,
    /// Its frame counter stood still until the harness ended it.
    Stall,
    /// It ran longer than allowed.
    TimeOut,
    /// The kernel ended it for want of memory.
    OutOfMemory,
    /// It called itself successful, and its file holds another number of pictures than the timeline, or lacks what the
    /// engine could not load.
    Incomplete,
}

impl FailureKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [FailureKind; 5] = [
        FailureKind::Crash,
        FailureKind::Stall,
        FailureKind::TimeOut,
        FailureKind::OutOfMemory,
        FailureKind::Incomplete,
    ];

    /// The way in which this outcome is one; `None` of an export that finished, and of one that says nothing
    /// of the engine because the user ended it or the kernel would not start it.
    pub fn of(outcome: &Outcome) -> Option<FailureKind> {
        match outcome {
            Outcome::Failed { .. } | Outcome::Killed { .. } => Some(FailureKind::Crash),
            Outcome::Stalled { .. } => Some(FailureKind::Stall),
            Outcome::TimedOut { .. } => Some(FailureKind::TimeOut),
            Outcome::OutOfMemory => Some(FailureKind::OutOfMemory),
            Outcome::Incomplete { .. } | Outcome::ExportedWithout { .. } => Some(FailureKind::Incomplete),
            Outcome::Finished | Outcome::Interrupted | Outcome::NotStarted { .. } => None,
        }
    }
}

/// How many exports came to an end of their own, and how many of these went wrong in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    exports: u64,
    kinds: [u64; FailureKind::ALL.len()],
}

impl Failures {
    /// Counts what finished and what went wrong; anything else counts for nothing.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Failures {
        let mut failures = Failures::default();
        for outcome in outcomes {
            let kind = FailureKind::of(outcome);
            failures.exports += u64::from(kind.is_some() || outcome.is_finished());
            if let Some(kind) = kind {
                failures.kinds[kind as usize] += 1;
            }
        }
        failures
    }

    /// Exports that finished or went wrong.
    pub fn exports(&self) -> u64 {
        self.exports
    }

    /// How many of them went wrong in this way; in any way for `None`.
    pub fn count(&self, kind: Option<FailureKind>) -> u64 {
        kind.map_or_else(|| self.kinds.iter().sum(), |kind| self.kinds[kind as usize])
    }

    /// The same as a share; `None` when there was no export.
    pub fn rate(&self, kind: Option<FailureKind>) -> Option<Proportion> {
        Proportion::new(self.count(kind), self.exports)
    }

    /// The ways in which any went wrong.
    pub fn kinds(&self) -> impl Iterator<Item = FailureKind> {
        FailureKind::ALL.into_iter().filter(|kind| self.count(Some(*kind)) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_interrupted_or_never_started_counts_for_nothing() {
        let outcomes = [
            Outcome::Finished,
            Outcome::Interrupted,
            Outcome::NotStarted { message: "no such file".into() },
            Outcome::OutOfMemory,
        ];
        let failures = Failures::of(&outcomes);
        assert_eq!((failures.exports(), failures.count(None)), (2, 1));
        assert_eq!(failures.rate(Some(FailureKind::OutOfMemory)), Proportion::new(1, 2));
        assert_eq!(Failures::of(&outcomes[1..3]).rate(None), None);
    }

    #[test]
    fn a_signal_and_an_exit_status_are_crashes_and_every_way_is_counted_once() {
        let outcomes = [
            Outcome::killed(11),
            Outcome::Failed { code: 1, message: None },
            Outcome::Stalled { for_s: 60.0, at_frame: 0 },
            Outcome::TimedOut { limit_s: 9.0 },
            Outcome::OutOfMemory,
            Outcome::Incomplete { frames: 9, of: 10 },
        ];
        let failures = Failures::of(&outcomes);
        assert_eq!(FailureKind::ALL.map(|kind| failures.count(Some(kind))), [2, 1, 1, 1, 1]);
        assert_eq!((failures.exports(), failures.count(None), failures.kinds().count()), (6, 6, 5));
    }
}
