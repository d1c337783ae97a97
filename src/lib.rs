//! memreel exports a scripted timeline with a real engine and watches the memory of that process.
//!
//! Data flows one way. **Script**: a scenario file becomes a plan, a list of jobs. **Measure**: each
//! job is an engine started by a launcher of ours and sampled from outside, and leaves a trace on
//! disk. **Judge**: traces become numbers, by pure functions. **Tell**: numbers become tables, CSV
//! and plots.

pub mod analysis;
pub mod baseline;
pub mod budget;
pub mod check;
pub mod cli;
pub mod compare;
pub mod digest;
pub mod engine;
pub mod execution;
pub mod function;
pub mod gate;
pub mod launch;
pub mod machine;
pub mod media;
pub mod plan;
pub mod proc;
pub mod project;
pub mod record;
pub mod report;
pub mod run;
pub mod sampler;
pub mod scenario;
pub mod store;
pub mod timeline;
pub mod writer;

pub use memreel_judge as verdict;
pub use memreel_judge::stats;
pub use memreel_trace as trace;
pub use memreel_trace::units;
