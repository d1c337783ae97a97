//! Verdicts in words and in JSON.

mod answer;
mod drift;
mod evidence;
pub mod families;
mod json;
pub mod next;

pub use answer::{amount, of_jobs, of_recording, of_run, rates_in_short};
pub use drift::{DriftRecord, drift};
pub use evidence::{caveats, clock, evidence, forecast, incomplete, peak};
pub use json::{JobsRecord, VerdictRecord};
