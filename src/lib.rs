//! The library behind the program `memreel`, which exports a scripted timeline with a real engine and watches the
//! memory of that process.
//!
//! For other programs there is [`function`], which measures the memory of a function in a benchmark. What can be used
//! without memreel is in packages of its own: `memreel-trace`, `memreel-record`, `memreel-judge`, `memreel-timeline`,
//! `memreel-projects` and `memreel-bounds`. All else here serves the program and its tests, is hidden from this page, and
//! may change at any time.
//!
//! Data flows one way. **Script**: a scenario file becomes a plan, a list of jobs. **Measure**: each
//! job is an engine started by a launcher of ours and sampled from outside, and leaves a trace on
//! disk. **Judge**: traces become numbers, by pure functions. **Tell**: numbers become tables, CSV
//! and plots.

#![forbid(unsafe_code)]

pub mod function;

#[doc(hidden)]
pub mod baseline;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod media;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod scenario;
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod store;

mod digest;
mod execution;
mod headroom;
mod result_check;
