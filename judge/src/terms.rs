//! What growth is measured against: what is expected, what is noise, and what hides.

use memreel_trace::RunContext;
use memreel_trace::units::{Bytes, BytesPerFrame};
use schemars::JsonSchema;
use serde::Serialize;

use crate::constants::Constants;
use crate::course::{Course, PAGES, Per};

/// The least that an index takes for each entry: FFmpeg's muxers keep 64 bytes of each packet (MP4) and 40 of each
/// keyframe (Matroska) until the file is closed.
const LEAST_ENTRY: (f64, f64) = (64.0, 40.0);

/// Packets of AAC sound at 48 kHz for each of 25 pictures a second,
const PACKETS_OF_SOUND: f64 = 48_000.0 / 1024.0 / 25.0;

/// and with the picture's own, where nothing else is known.
const USUAL_PACKETS: f64 = 1.0 + PACKETS_OF_SOUND;

/// Containers that are written as they go and keep nothing, and no file at all.
const KEEP_NOTHING: [&str; 4] = ["ts", "mpegts", "null", "rawvideo"];

/// Containers that keep something for each keyframe, and what is only known to be written as it goes.
const KEEP_CUES: [&str; 4] = ["stream", "mkv", "matroska", "webm"];

/// The index that the container keeps in memory until the file is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Index {
    /// An index of all packets (MP4, MOV), or of nearly all (NUT).
    Kept,
    /// An index of keyframes (Matroska, WebM).
    Cues,
    /// No index (MPEG-TS), or no file.
    None,
}

/// The expected growth of the container's index.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Expected {
    /// The least growth, in bytes per frame; for an index of keyframes, if every frame is a keyframe.
    pub low: BytesPerFrame,
    /// The most growth, in bytes per frame, with the copies that a growing array leaves in the heap.
    pub high: BytesPerFrame,
}

/// What growth is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Terms {
    /// Whether an index is kept.
    pub index: Index,
    /// Whether that is only assumed, because the container is not known.
    pub index_is_assumed: bool,
    /// What that index is expected to take; `None` where there is none.
    pub expected: Option<Expected>,
    /// What the index takes at most for each frame with a further track of sound; `None` where it is known what there
    /// is, or there is no such index.
    pub track_of_sound: Option<BytesPerFrame>,
    /// Growth for each step that is not called growth, in bytes.
    pub floor: f64,
    /// By how much two readings may be off, in bytes: two pages, and twice the error of the kernel's counters.
    pub noise: f64,
    /// How much of a leak may fill holes of the heap before any of it is seen, in bytes.
    pub hidden: f64,
    /// What the heaps of its threads may take by and by, so that it is not called growth unless it is even, in bytes.
    pub heaps: f64,
}

impl Terms {
    /// The terms for a course.
    pub fn of(context: &RunContext, course: &Course, k: &Constants) -> Terms {
        let per_frame = course.per == Per::Frame;
        let index = match context.container.as_deref() {
            Some(container) if KEEP_NOTHING.contains(&container) => Index::None,
            Some(container) if KEEP_CUES.contains(&container) => Index::Cues,
            // By seconds nothing is known of what is written: any program may have been recorded.
            None if !per_frame => Index::None,
            _ => Index::Kept,
        };
        let packets = context.packets_per_frame.unwrap_or(USUAL_PACKETS);
        let (low, high) = match index {
            Index::Kept => (packets * LEAST_ENTRY.0, packets * k.index_bytes),
            Index::Cues => (LEAST_ENTRY.1, k.cue_bytes),
            Index::None => (0.0, 0.0),
        };
        let rate = match (course.per, context.frames) {
            (Per::Frame, _) => 1.0,
            (Per::Mebibyte, Some(frames)) => frames.as_f64() / course.steps,
            (Per::Item | Per::Mebibyte | Per::Second, _) => k.assumed_rate,
        };
        let expected = Expected { low: BytesPerFrame(low), high: BytesPerFrame(high) };
        let unknown_sound = index == Index::Kept && per_frame && context.packets_per_frame.is_none();
        let picture = context.frame_bytes.map_or(0.0, Bytes::as_f64);
        let threads = course.threads.iter().map(|count| count.1).fold(0.0, f64::max);
        let counters = context.counter_error_bytes;
        let heaps = heaps(if threads > 0.0 { threads } else { k.uncounted_threads }, k);
        Terms {
            index,
            index_is_assumed: index == Index::Kept && context.container.is_none(),
            expected: (index != Index::None && per_frame).then_some(expected),
            track_of_sound: unknown_sound.then_some(BytesPerFrame(PACKETS_OF_SOUND * k.index_bytes)),
            floor: (high * rate).max(k.heap / course.steps),
            noise: PAGES + 2.0 * counters.map_or(0.0, Bytes::as_f64),
            hidden: k.hidden.max(picture).max(if threads > 0.0 { heaps } else { 0.0 }),
            heaps,
        }
    }

    /// What the index is expected to take for each step, in bytes: the middle of what it may.
    pub fn index_bytes(&self) -> f64 {
        self.expected.map_or(0.0, |expected| (expected.low.0 + expected.high.0) / 2.0)
    }
}

/// What the heaps of so many threads take at most, in bytes, where each may be anything from empty to full: the
/// mean of a sum of uniform distributions, and twice its standard deviation.
fn heaps(threads: f64, k: &Constants) -> f64 {
    k.heap * (threads / 2.0 + 2.0 * (threads / 12.0).sqrt())
}
