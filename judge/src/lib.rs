//! Says of a process's trace whether its memory grows with the work, and with what.
//!
//! Two questions, in this order. *Does memory grow with the work?* is answered from its course over the work
//! ([`shape`]), or from its rests where there are several exports ([`exports`]). *With what?* divides what was gained
//! among frames, first uses of a source and other cuts ([`division`]). `run.rs` puts both together: see [`judge`].
//! Nothing that is known of cuts, sources or threads turns a yes into an
//! open question.
//!
//! Judging is pure: the same series and the same context give the same verdict on every machine, in any year. One
//! run of one export can prove growth, never a leak: a leak, an unbounded queue and a cache that has not filled yet
//! look the same in it.
//!
//! Beside it: [`analysis`] turns a trace into the numbers that describe it, [`compare`] compares two sets of repeats,
//! and [`check`] holds them against budgets ([`budget`]) and a baseline, with one error rate for the whole check.
//!
//! A file of anybody's samples is read by memreel-trace, and judged here:
//!
//! ```no_run
//! use memreel_judge::judge;
//! use memreel_trace::{Memory, RunContext, SeriesFormat, read_series};
//!
//! let series = read_series("memory.csv".as_ref(), SeriesFormat::Table, &Memory::JUDGED)?;
//! println!("{}", judge(&series, &RunContext::default()).verdict().word());
//! # Ok::<(), memreel_trace::TraceError>(())
//! ```
//!
//! A process that keeps 64 KiB of every frame:
//!
//! ```
//! use memreel_judge::{Verdict, judge};
//! use memreel_trace::units::{Bytes, Count};
//! use memreel_trace::{Memory, RunContext, Sample, Series};
//!
//! let sample = |frame: u64| Sample {
//!     t_s: frame as f64 / 50.0,
//!     frames_out: Some(Count::new(frame)),
//!     rss_bytes: Some(Bytes::from_mib(40) + Bytes::new(frame * 65_536)),
//!     ..Sample::default()
//! };
//! let samples: Vec<_> = (0..2000).map(sample).collect();
//! let verdict = judge(&Series::of(&samples, &Memory::JUDGED), &RunContext::default());
//! assert_eq!(verdict.verdict(), Verdict::Grows);
//! ```

#![forbid(unsafe_code)]

pub mod analysis;
pub mod backlog;
pub mod budget;
pub mod check;
pub mod compare;
pub mod constants;
pub mod course;
pub mod division;
pub mod exports;
pub mod jobs;
pub mod peak;
pub mod prediction;
pub mod progress_clock;
pub mod saw;
pub mod shape;
pub mod stats;
pub mod steps;
pub mod terms;

mod run;
mod sen;

pub use run::{
    Growth, GrowthRate, Needs, RULES_VERSION, Reason, RunVerdict, Verdict, With, judge, judge_export,
    judge_with, more,
};
