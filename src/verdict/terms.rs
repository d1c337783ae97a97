//! What growth is measured against: what is expected, what is noise, and what hides.

use serde::Serialize;

use super::course::{Course, PAGES, Per};
use crate::trace::RunContext;
use crate::units::{Bytes, BytesPerFrame};

/// What an index of an MP4 file takes at most for each packet, in bytes.
///
/// FFmpeg's muxer keeps an entry of 64 to 80 bytes a packet until the file is closed. With the copies that its
/// growing array leaves in the heap, healthy exports of 1,000 to 16,000 frames gained 76 B a frame without
/// sound and 184 to 450 B with sound, which is 2.875 packets a frame: 157 B a packet at most.
const INDEX_BYTES_A_PACKET: (f64, f64) = (64.0, 178.0);

/// What the cues of a Matroska or WebM file take for each keyframe until it is closed, in bytes: FFmpeg's muxer keeps
/// entries of 40 bytes. Where every frame is a keyframe exports of 1,000 to 60,000 frames gained 35 to 41 B a frame,
/// and with the copies that the growing array leaves 63 B over the whole way, once 105; the same share is allowed for
/// copies as in [`INDEX_BYTES_A_PACKET`].
const CUE_BYTES: (f64, f64) = (40.0, 89.0);

/// Packets a frame of AAC sound at 48 kHz beside 25 pictures a second,
const PACKETS_OF_SOUND: f64 = 48_000.0 / 1024.0 / 25.0;

/// and with a picture, where nothing else is known.
const USUAL_PACKETS: f64 = 1.0 + PACKETS_OF_SOUND;

/// Without an index a healthy export may still gain this much over its length.
const DRIFT: f64 = 131_072.0;

/// Growth below is never asked about, however long the export, in bytes a frame.
const LEAST_FLOOR: f64 = 32.0;

/// Frames a second of a fast export of small pictures, where the frames were not counted and an index is kept of all,
const FAST: f64 = 1000.0;

/// and of a usual one, where less is kept.
const USUAL: f64 = 100.0;

/// Of a leak, so much filled holes of the heap before any was seen: 80 leaks of 32 B to 1 MiB a frame, injected
/// into exports of 640x360 pictures, hid up to 410 KiB over the judged part of the way.
const HIDDEN: f64 = 524_288.0;

/// The same in pictures, since the holes are left by them: 1.5 of those of 345,600 bytes.
const HIDDEN_PICTURES: f64 = 1.5;

/// And in threads: each may have a heap of its own, which takes so much whenever it is full (glibc's arenas and
/// their `M_TOP_PAD`), in bytes. melt with 17 threads gained a MiB so from frame 500 to 1,900.
const HEAP_OF_A_THREAD: f64 = 135_168.0;

/// So many threads may have heaps where they were not counted: encoders and decoders of a few CPUs have as many.
const UNCOUNTED_THREADS: f64 = 16.0;

/// Containers that are written as they go and keep nothing, and no file at all.
const KEEP_NOTHING: [&str; 4] = ["ts", "mpegts", "null", "rawvideo"];

/// Containers that keep something for each keyframe, and what is only said to be written as it goes.
const KEEP_CUES: [&str; 4] = ["stream", "mkv", "matroska", "webm"];

/// Whether the container keeps an index until it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Index {
    /// Of all packets, as MP4 and MOV do, and NUT of nearly all; taken for granted where the container is not known.
    Kept,
    /// Of keyframes, as Matroska and WebM do.
    Cues,
    /// None: MPEG-TS, or no file at all.
    None,
}

/// Growth that is expected of a healthy export, and named as what it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Expected {
    /// The least that the index takes for each frame; of cues, where each frame is a keyframe.
    pub low: BytesPerFrame,
    /// The most, with the copies that its growing array leaves in the heap.
    pub high: BytesPerFrame,
}

/// What growth is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Terms {
    /// Whether an index is kept.
    pub index: Index,
    /// What that index is expected to take; `None` where there is none.
    pub expected: Option<Expected>,
    /// What the index takes at most for each frame with a further track of sound; `None` where it is known what there
    /// is, or there is no such index.
    pub track_of_sound: Option<BytesPerFrame>,
    /// Growth for each step that is not called growth, in bytes: what an index takes at most, or 128 KiB over
    /// the whole way.
    pub floor: f64,
    /// By how much two readings may be off, in bytes: two pages, and twice the error of the kernel's counters.
    pub noise: f64,
    /// How much of a leak may fill holes of the heap before any of it is seen, in bytes.
    pub hidden: f64,
    /// What the heaps of its threads may take by and by, so that it is not called growth unless it is even, in bytes.
    pub heaps: f64,
}

/// What the heaps of so many threads take at most, in bytes, where each may be anything from empty to full: the
/// mean of a sum of uniform distributions, and twice its standard deviation.
fn heaps(threads: f64) -> f64 {
    HEAP_OF_A_THREAD * (threads / 2.0 + 2.0 * (threads / 12.0).sqrt())
}

impl Terms {
    /// The terms for a course.
    pub fn of(context: &RunContext, course: &Course) -> Terms {
        let (per, steps) = (course.per, course.steps);
        let index = match context.container.as_deref() {
            Some(container) if KEEP_NOTHING.contains(&container) => Index::None,
            Some(container) if KEEP_CUES.contains(&container) => Index::Cues,
            _ => Index::Kept,
        };
        let packets = context.packets_per_frame.unwrap_or(USUAL_PACKETS);
        let frames = match (per, index) {
            (Per::Frame, _) => 1.0,
            (Per::Second, Index::Kept) => FAST,
            (Per::Second, Index::Cues | Index::None) => USUAL,
        };
        let (low, high) = match index {
            Index::Kept => (packets * INDEX_BYTES_A_PACKET.0, packets * INDEX_BYTES_A_PACKET.1),
            // As much where every frame is a keyframe; nothing where hardly any is.
            Index::Cues => CUE_BYTES,
            Index::None => (0.0, 0.0),
        };
        let expected = Expected { low: BytesPerFrame(low), high: BytesPerFrame(high) };
        let drift = (DRIFT / steps).max(LEAST_FLOOR * frames);
        let picture = context.frame_bytes.map_or(0.0, Bytes::as_f64);
        let threads = course.most_threads();
        let counters = context.counter_error_bytes.map_or(0.0, Bytes::as_f64);
        Terms {
            index,
            expected: (index != Index::None && per == Per::Frame).then_some(expected),
            track_of_sound: (index == Index::Kept
                && per == Per::Frame
                && context.packets_per_frame.is_none())
            .then_some(BytesPerFrame(PACKETS_OF_SOUND * INDEX_BYTES_A_PACKET.1)),
            floor: (high * frames).max(drift),
            noise: PAGES + 2.0 * counters,
            hidden: HIDDEN.max(HIDDEN_PICTURES * picture).max(heaps(threads)),
            heaps: heaps(if threads > 0.0 { threads } else { UNCOUNTED_THREADS }),
        }
    }
}
