//! Says of a process's trace whether its memory grows with the work, and with what.
//!
//! Two questions, in this order. *Does memory grow with the work?* is answered from its course over the work alone
//! ([`shape`]). *With what?* divides what was gained among frames, first uses of a source, other cuts
//! ([`division`]) and exports ([`exports`]). Nothing that is known of cuts, sources or threads turns a yes into an
//! open question.
//!
//! Judging is pure: the same series and the same context give the same verdict on every machine, in any year. One
//! run of one export can prove growth, never a leak: a leak, an unbounded queue and a cache that has not filled yet
//! look the same in it.

pub mod backlog;
pub mod constants;
pub mod course;
pub mod division;
pub mod exports;
pub mod jobs;
pub mod level;
pub mod prediction;
pub mod progress;
pub mod saw;
pub mod shape;
pub mod stats;
pub mod steps;
pub mod terms;

mod run;
mod sen;

pub use run::{
    Growth, Needs, RULES_VERSION, Rate, Reason, RunVerdict, Verdict, With, enough_frames, judge, judge_with,
    more,
};
