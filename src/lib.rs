//! memreel exports a scripted timeline with a real engine and watches the memory of that process.
//!
//! Data flows one way. **Script**: a scenario file becomes a plan, a list of jobs. **Measure**: each
//! job is an engine started by a launcher of ours and sampled from outside, and leaves a trace on
//! disk. **Judge**: traces become numbers, by pure functions. **Tell**: numbers become tables, CSV
//! and plots.

pub mod baseline;
pub mod cli;
pub mod digest;
pub mod engine;
pub mod execution;
pub mod function;
pub mod gate;
pub mod media;
pub mod plan;
pub mod report;
pub mod scenario;
pub mod store;

pub use memreel_judge as verdict;
pub use memreel_judge::{analysis, budget, check, compare, stats};
pub use memreel_projects::{mlt, project, rlvideo};
pub use memreel_record::{launch, machine, proc, record, sampler, supervise, writer};
pub use memreel_timeline as timeline;
pub use memreel_trace as trace;
pub use memreel_trace::units;
