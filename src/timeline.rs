//! The timeline's model, and the formats that engines other than ours read it in.

pub mod mlt;
pub mod rlvideo;

pub use memreel_timeline::*;
