//! Says of a trace whether memory grows with the work, and with what.

pub mod progress;
pub mod stats;
