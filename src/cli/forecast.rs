//! A longer export that is asked about.

use bytesize::ByteSize;
use clap::Args;

use super::duration;
use crate::report::verdicts;
use memreel_judge::RunVerdict;
use memreel_judge::prediction::{Prediction, WhyNot};
use memreel_trace::units::Bytes;

/// Frames per second where nobody says.
const USUAL_RATE: f64 = 25.0;

/// How long an export is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    /// So many seconds.
    Seconds(f64),
    /// So many frames.
    Frames(u64),
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "A longer export")]
pub struct ForecastOptions {
    /// Predict memory at the end of an export of this length: a time (2h, 90m) or frames (180000f)
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    predict: Option<Length>,
    /// Frames per second of that export; default: those of the recording, else 25
    #[arg(long, value_name = "RATE", requires = "predict", value_parser = rate)]
    predict_rate: Option<f64>,
    /// Answer whether that fits into this much memory (4GiB)
    #[arg(long, value_name = "SIZE", requires = "predict", value_parser = size)]
    memory: Option<Bytes>,
}

impl ForecastOptions {
    /// The memory that it is to fit into.
    pub fn memory(&self) -> Option<Bytes> {
        self.memory
    }

    /// What the verdict says of that export; `None` when none is asked about.
    pub fn of(&self, verdict: &RunVerdict, rate: Option<f64>) -> Option<Result<Prediction, WhyNot>> {
        let rate = self.predict_rate.or(rate).unwrap_or(USUAL_RATE);
        let frames = match self.predict? {
            Length::Frames(frames) => frames,
            Length::Seconds(seconds) => (seconds * rate).round() as u64,
        };
        Some(Prediction::of(verdict, frames))
    }

    /// The same in words.
    pub fn words(&self, verdict: &RunVerdict, rate: Option<f64>) -> Option<String> {
        let prediction = self.of(verdict, rate)?;
        Some(verdicts::forecast(prediction, self.memory))
    }
}

fn length(text: &str) -> Result<Length, String> {
    if let Some(frames) = text.strip_suffix('f').and_then(|digits| digits.parse().ok()) {
        return Ok(Length::Frames(frames));
    }
    let length = duration::parse(text).map(|length| Length::Seconds(length.as_secs_f64()));
    length.map_err(|_| "give a length, like 2h, 90m or 180000f".into())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| *rate > 0.0 && rate.is_finite());
    rate.ok_or_else(|| "give frames per second, like 25 or 29.97".into())
}

fn size(text: &str) -> Result<Bytes, String> {
    let size = text.parse::<ByteSize>().map(|size| Bytes::new(size.as_u64()));
    size.map_err(|_| "give a size, like 4GiB or 512MiB".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_times_or_frames() {
        assert_eq!(length("2h"), Ok(Length::Seconds(7200.0)));
        assert_eq!(length("180000f"), Ok(Length::Frames(180_000)));
        assert!(length("long").is_err() && length("f").is_err());
    }

    #[test]
    fn sizes_are_binary_where_they_say_so() {
        assert_eq!(size("4GiB"), Ok(Bytes::from_mib(4096)));
        assert_eq!(size("1MB"), Ok(Bytes::new(1_000_000)));
        assert!(size("much").is_err());
    }
}
