//! Exports that never were: memory after each frame by a rule, and sampled as a harness samples.
//!
//! Shared by `tests/properties.rs` and the workspace's `benches/verdicts`.

// Each of them uses a part of it.
#![allow(dead_code)]

use memreel_judge::stats::random::Random;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{RunContext, Sample};

/// Where every export begins, in bytes.
const BASE: f64 = 60e6;
/// What the warm-up takes, over the first tenth of the frames.
const WARM_UP: f64 = 12e6;
/// Seconds before the first frame, and after the last.
const AROUND_S: f64 = 0.3;

/// Above 1, with a tail so heavy that its variance is infinite (Pareto, α = 1.2).
pub fn heavy(random: &mut Random) -> f64 {
    random.even().powf(-1.0 / 1.2)
}

/// The rule by which memory goes on after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Course {
    /// A ratchet: so many jumps on average at any time, of 64 KiB and more.
    Ratchet { jumps: f64 },
    /// So many bytes with every frame.
    Leak { bytes: f64 },
    /// A cache of so many entries, one a frame, of so many bytes.
    Cache { bytes: f64, entries: f64 },
    /// So many bytes with every frame, given back after so many frames.
    Saw { bytes: f64, frames: f64 },
    /// So many bytes at every cut, of which there is one after so many frames.
    Staircase { bytes: f64, frames: f64 },
    /// Steps of so many bytes up or down with every frame.
    Walk { bytes: f64 },
}

/// An export of so many frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulated {
    /// What its memory does.
    pub course: Course,
    /// How long it is.
    pub frames: u32,
    /// Where its random numbers come from.
    pub seed: u64,
}

/// How an export is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looked {
    /// Frames that are exported in a second.
    pub frames_a_second: f64,
    /// Samples in a second.
    pub hz: f64,
    /// Seconds from one change of the frame counter to the next.
    pub counter_s: f64,
}

impl Default for Looked {
    /// As the traces of real exports were sampled.
    fn default() -> Looked {
        Looked { frames_a_second: 400.0, hz: 50.0, counter_s: 0.04 }
    }
}

impl Simulated {
    /// What the judge is told of it: nothing but that it has no index, and its cuts.
    pub fn context(&self) -> RunContext {
        let every = match self.course {
            Course::Staircase { frames, .. } => frames as usize,
            _ => usize::MAX,
        };
        let cuts = (every as u64..u64::from(self.frames)).step_by(every).collect();
        RunContext { container: Some("stream".into()), cuts, ..RunContext::default() }
    }

    /// Memory after each frame, in bytes; the first is that before any.
    pub fn levels(&self) -> Vec<f64> {
        let mut random = Random::seeded(self.seed);
        let mut held = 0.0_f64;
        let warm = |frame: f64| WARM_UP * (frame / (0.1 * f64::from(self.frames))).min(1.0);
        let mut level = |frame: u32| {
            held = self.next(held, f64::from(frame), &mut random);
            BASE + warm(f64::from(frame)) + held
        };
        (0..=self.frames).map(&mut level).collect()
    }

    fn next(&self, held: f64, frame: f64, random: &mut Random) -> f64 {
        match self.course {
            Course::Ratchet { jumps } if random.even() < jumps / f64::from(self.frames) => {
                held + (65_536.0 * heavy(random)).min(50e6)
            }
            Course::Ratchet { .. } => held,
            Course::Leak { bytes } => frame * bytes,
            Course::Cache { bytes, entries } => frame.min(entries) * bytes,
            Course::Saw { bytes, frames } => (frame % frames) * bytes,
            Course::Staircase { bytes, frames } => (frame / frames).floor() * bytes,
            Course::Walk { bytes } => (held + bytes * random.normal()).max(-0.5 * BASE),
        }
    }

    /// Its samples, whole pages.
    pub fn samples(&self, looked: Looked) -> Vec<Sample> {
        let levels = self.levels();
        let last = f64::from(self.frames);
        let lasts = AROUND_S + last / looked.frames_a_second;
        let frame_at = |t_s: f64| ((t_s - AROUND_S) * looked.frames_a_second).clamp(0.0, last);
        let sample = |tick: u32| {
            let t_s = f64::from(tick) / looked.hz;
            let told_s = (t_s / looked.counter_s + 1e-9).floor() * looked.counter_s;
            let told = if t_s >= lasts { last } else { frame_at(told_s) };
            let (share, level) = (share_of_end(t_s - lasts), levels[frame_at(t_s) as usize]);
            let anonymous = (share * level / 4096.0) as u64 * 4096;
            Sample {
                t_s,
                frames_out: Some(Count::new(told as u64)),
                anon_bytes: Some(Bytes::new(anonymous)),
                rss_bytes: Some(Bytes::new(anonymous + (40 << 20))),
                ..Sample::default()
            }
        };
        (0..=((lasts + AROUND_S) * looked.hz) as u32).map(sample).collect()
    }
}

/// What is still there so many seconds after the last frame, as a share.
fn share_of_end(after_s: f64) -> f64 {
    1.0 - (after_s / AROUND_S).clamp(0.0, 1.0)
}
