//! The part of a project that is exported, as it is written: `0..60s`.

use std::fmt;
use std::str::FromStr;

use memreel_timeline::Rate;

use super::values::Time;

/// From one point of a project to another one, or to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartChoice {
    from: Moment,
    to: Option<Moment>,
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Moment {
    Microseconds(u64),
    Frames(u64),
}

impl PartChoice {
    /// The first frame and the one after the last, of a project of so many frames. They may lie outside of it.
    pub fn frames(&self, rate: Rate, all: u64) -> (u64, u64) {
        (self.from.frame(rate), self.to.map_or(all, |to| to.frame(rate)))
    }
}

impl Moment {
    const START: Moment = Moment::Microseconds(0);

    fn frame(self, rate: Rate) -> u64 {
        match self {
            Moment::Frames(frame) => frame,
            Moment::Microseconds(time) => Time::Seconds(time as f64 / 1e6).frames(rate),
        }
    }

    /// As under `[timeline]`; a number without a unit is seconds.
    fn read(text: &str) -> Option<Moment> {
        let text = text.trim();
        let bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let text = if bare { format!("{text}s") } else { text.to_string() };
        let time: Time = text.parse().ok()?;
        match time {
            Time::Frames(0) => Some(Moment::START),
            Time::Frames(frames) => Some(Moment::Frames(frames)),
            Time::Seconds(seconds) => Some(Moment::Microseconds((seconds * 1e6).round() as u64)),
        }
        .filter(|_| time.is_possible())
    }
}

impl FromStr for PartChoice {
    type Err = ();

    /// `FROM..TO`; either may be left out.
    fn from_str(text: &str) -> Result<PartChoice, ()> {
        let (from, to) = text.split_once("..").filter(|_| text.len() > 2).ok_or(())?;
        let from = if from.is_empty() { Moment::START } else { Moment::read(from).ok_or(())? };
        let to = if to.is_empty() { None } else { Some(Moment::read(to).ok_or(())?) };
        Ok(PartChoice { from, to })
    }
}

impl fmt::Display for PartChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (from, Some(to)) => write!(f, "{from}..{to}"),
            (from, None) => write!(f, "{from}.."),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Microseconds(0) => f.write_str("0"),
            Moment::Frames(frames) => write!(f, "{frames}f"),
            Moment::Microseconds(time) => write!(f, "{}s", *time as f64 / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_told_in_seconds_or_frames() {
        let rate = Rate::new(25, 1).unwrap();
        for (text, shown, frames) in [
            ("0..60s", "0..60s", (0, 1500)),
            ("0..1500f", "0..1500f", (0, 1500)),
            ("1.5..1m", "1.5s..60s", (38, 1500)),
            ("10f..", "10f..", (10, 2000)),
            ("..2", "0..2s", (0, 50)),
            ("0f..2", "0..2s", (0, 50)),
        ] {
            let part: PartChoice = text.parse().unwrap();
            assert_eq!((part.to_string().as_str(), part.frames(rate, 2000)), (shown, frames), "{text}");
            assert_eq!(part.to_string().parse(), Ok(part), "{text}");
        }
        for text in ["", "..", "60s", "a..b", "0..-1", "0..99999h"] {
            assert_eq!(text.parse::<PartChoice>(), Err(()), "{text}");
        }
    }
}
