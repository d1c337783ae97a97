//! Verdicts in words and in JSON.

mod evidence;
pub mod families;
mod json;

pub use evidence::{caveats, evidence, forecast, headline, level, needs};
pub use json::VerdictRecord;
