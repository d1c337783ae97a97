//! Verdicts in words and in JSON.

mod drift;
mod evidence;
pub mod families;
mod json;

pub use drift::{DriftRecord, drift};
pub use evidence::{amount, caveats, evidence, forecast, headline, level, needs};
pub use json::VerdictRecord;
