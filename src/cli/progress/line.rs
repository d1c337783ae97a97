//! The text of the progress line: it fits on one line of any terminal.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::left;
use memreel_trace::WorkUnit;
use memreel_trace::units::Bytes;

/// Places of the bar.
const PLACES: u64 = 20;

/// How far a job is.
#[derive(Debug, Clone, Copy)]
pub struct JobProgress<'a> {
    /// Which job of the run, from 1.
    pub number: usize,
    /// Of how many, where that is known.
    pub of: Option<usize>,
    /// What it runs.
    pub variant: &'a str,
    /// Which repeat.
    pub repeat: u32,
    /// The unit of its work.
    pub unit: WorkUnit,
    /// Frames exported so far, or items.
    pub frames: u64,
    /// Frames to export, where that is known.
    pub all_frames: Option<u64>,
    /// For how long it has run.
    pub elapsed: Duration,
    /// Resident memory now, and the most of it so far; `None` before the first sample.
    pub memory: Option<(Bytes, Bytes)>,
    /// What the whole run will still take, where that is known.
    pub left: Option<Duration>,
}

/// Optional parts of the line, in the order in which they are dropped on a narrow terminal.
const DETAILS: [Detail; 5] = [Detail::Bar, Detail::Speed, Detail::Peak, Detail::LongRepeat, Detail::Unit];

#[derive(Clone, Copy, PartialEq)]
enum Detail {
    Bar,
    Speed,
    Peak,
    /// `repeat 1` in place of `r1`.
    LongRepeat,
    /// The word `frames`.
    Unit,
}

impl JobProgress<'_> {
    /// The line for a terminal of this width: optional parts are dropped first, then the variant's name is shortened.
    pub fn text(&self, width: usize) -> String {
        let lines = (0..=DETAILS.len()).map(|left_out| self.line(self.variant, &DETAILS[left_out..]));
        let mut lines = lines.skip_while(|line| line.width() > width);
        lines.next().unwrap_or_else(|| {
            let others = self.line("", &[]).width();
            let name = shortened(self.variant, width.saturating_sub(others));
            shortened(&self.line(&name, &[]), width)
        })
    }

    fn line(&self, variant: &str, details: &[Detail]) -> String {
        let has = |detail: Detail| details.contains(&detail);
        let JobProgress { number, of, repeat, frames, .. } = self;
        let place = place(*number, *of);
        let repeat_word = if has(Detail::LongRepeat) { "repeat " } else { "r" };
        let bar = self.all_frames.filter(|_| has(Detail::Bar)).map(|all| format!("{} ", self.bar(all)));
        let bar = bar.unwrap_or_default();
        let all_frames = self.all_frames.map_or_else(String::new, |all| format!("/{all}"));
        let unit = if has(Detail::Unit) { format!(" {}", self.unit.several()) } else { String::new() };
        let frames_so_far =
            format!("{place} {variant} · {repeat_word}{repeat}: {bar}{frames}{all_frames}{unit}");
        let speed = (has(Detail::Speed) && *frames > 0).then(|| format!("{:.0}/s", self.speed()));
        let memory = self.memory.map(|(now, peak)| match has(Detail::Peak) {
            true => format!("{now} (peak {peak})"),
            false => now.to_string(),
        });
        let parts = [Some(frames_so_far), speed, memory, self.left.map(left::words)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn bar(&self, all_frames: u64) -> String {
        let filled = (self.frames * PLACES / all_frames.max(1)).min(PLACES) as usize;
        "█".repeat(filled) + &"░".repeat(PLACES as usize - filled)
    }

    fn speed(&self) -> f64 {
        self.frames as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }
}

/// Which job it is: `[3/12]`, or `[3]` where nobody knows how many there will be.
pub fn place(number: usize, of: Option<usize>) -> String {
    of.map_or_else(|| format!("[{number}]"), |of| format!("[{number}/{of}]"))
}

/// The line while media are made; `number` counts the files from 1.
pub fn media(number: usize, of: usize, name: &str, left: Option<Duration>, width: usize) -> String {
    let line = |name: &str| {
        let left = left.map_or_else(String::new, |left| format!(", {}", left::words(left)));
        format!("making media {number}/{of}: {name}{left}")
    };
    let name = shortened(name, width.saturating_sub(line("").width()));
    shortened(&line(&name), width)
}

/// A text in at most this many columns; of a longer text both ends are shown.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_string();
    }
    let room = width.saturating_sub(1);
    let head = fitting(text.chars(), room.div_ceil(2));
    let tail = fitting(text.chars().rev(), room / 2);
    let sign = if width > 0 { "…" } else { "" };
    head + sign + &tail.chars().rev().collect::<String>()
}

/// As many characters as fit.
fn fitting(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut taken = 0;
    let fits = |character: &char| {
        taken += character.width().unwrap_or(0);
        taken <= width
    };
    characters.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> JobProgress<'static> {
        JobProgress {
            number: 3,
            of: Some(12),
            variant: "melt · parallel",
            repeat: 1,
            frames: 1200,
            all_frames: Some(2000),
            unit: WorkUnit::Frame,
            elapsed: Duration::from_secs(3),
            memory: Some((Bytes::from_mib(92), Bytes::from_mib(93))),
            left: Some(Duration::from_secs(240)),
        }
    }

    #[test]
    fn a_wide_terminal_shows_all() {
        assert_eq!(
            progress().text(120),
            "[3/12] melt · parallel · repeat 1: ████████████░░░░░░░░ 1200/2000 frames, 400/s, 92.0 MiB (peak 93.0 MiB), \
             4 min left"
        );
    }

    #[test]
    fn a_narrow_terminal_shows_what_is_important() {
        assert_eq!(
            progress().text(80),
            "[3/12] melt · parallel · repeat 1: 1200/2000 frames, 92.0 MiB, 4 min left"
        );
        assert_eq!(progress().text(60), "[3/12] melt · parallel · r1: 1200/2000, 92.0 MiB, 4 min left");
    }

    #[test]
    fn a_long_name_is_shortened_in_its_middle() {
        let variant = "melt · parallel · 3840x2160 · libx264 · main · single · length 4";
        let text = JobProgress { variant, ..progress() }.text(60);
        assert_eq!(text, "[3/12] melt · …ength 4 · r1: 1200/2000, 92.0 MiB, 4 min left");
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let searching = JobProgress { of: None, left: None, ..progress() };
        assert!(searching.text(60).starts_with("[3] melt"), "{}", searching.text(60));
        let begun = JobProgress { frames: 0, memory: None, left: None, ..progress() };
        assert_eq!(begun.text(60), "[3/12] melt · parallel · repeat 1: 0/2000 frames");
    }

    #[test]
    fn no_line_is_longer_than_the_terminal() {
        for variant in ["m", "melt · parallel", &"ü · 日本".repeat(30)] {
            for width in 0..150 {
                let line = JobProgress { variant, number: 100, of: Some(1000), ..progress() }.text(width);
                assert!(line.width() <= width, "{width}: {line}");
                assert!(media(3, 40, variant, None, width).width() <= width);
            }
        }
    }

    #[test]
    fn media_are_counted_and_named() {
        let left = Some(Duration::from_secs(30));
        assert_eq!(media(3, 40, "shot.3", None, 60), "making media 3/40: shot.3");
        assert_eq!(media(3, 40, "shot.3", left, 60), "making media 3/40: shot.3, < 1 min left");
    }
}
