//! The values that scenarios are written in: sizes, rates, times, and names out of short lists.

use std::fmt;
use std::str::FromStr;

use memreel_timeline::Rate;
use memreel_trace::Threading;
use memreel_trace::units::Bytes;

use super::spelling::{quoted, unknown};
use super::tree::{Field, ScenarioFault, Value};

/// A value out of a short list of names.
pub(super) trait Named: Copy + Eq + 'static {
    /// What errors call one of them.
    const WHAT: &'static str;
    /// All of them, in the order errors list them.
    const EVERY: &'static [Self];
    /// As it is written.
    fn written(self) -> &'static str;
}

macro_rules! names {
    ($(#[$about:meta])* $name:ident, $what:literal, { $($(#[$doc:meta])* $case:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $case,)* }

        impl $name {
            /// All there are.
            pub const ALL: &'static [$name] = &[$($name::$case,)*];

            /// The name that scenarios use.
            pub const fn name(self) -> &'static str {
                match self { $($name::$case => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::scenario::values::Named for $name {
            const WHAT: &'static str = $what;
            const EVERY: &'static [$name] = $name::ALL;
            fn written(self) -> &'static str {
                self.name()
            }
        }
    };
}

/// Names out of a list of ours, and those that users give.
macro_rules! open_names {
    ($(#[$about:meta])* $name:ident, { $($(#[$doc:meta])* $case:ident = $text:literal,)* }, $(#[$own:meta])*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $case,)* $(#[$own])* Own($crate::scenario::word::Word), }

        impl $name {
            /// All of memreel's.
            pub const ALL: &'static [$name] = &[$($name::$case,)*];

            /// The name that scenarios use.
            pub fn name(&self) -> &str {
                match self { $($name::$case => $text,)* $name::Own(word) => word.as_str() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(super) use open_names;

open_names! {
    /// Which program exports.
    EngineName, {
        /// Our own exporter on libav*.
        Ffmpeg = "ffmpeg",
        /// The command line of MLT.
        Melt = "melt",
        /// MLT's Python binding.
        MltPython = "mlt-python",
        /// The editor rlvideo, from a checkout.
        Rlvideo = "rlvideo",
    },
    /// A program that a recipe describes.
}

names! {
    /// Where in its process the export runs.
    Driver, "driver", {
        /// On the main thread.
        Main = "main",
        /// In a thread of its own, while the main thread polls, as an editor does.
        Background = "background",
    }
}

names! {
    /// What an application does with a consumer of MLT's that says it has stopped.
    StopChoice, "way to end an export", {
        /// Lets go of it.
        Never = "never",
        /// Tells it to stop first: only then its threads are joined and its encoder is closed.
        After = "after",
    }
}

names! {
    /// How clips are put together in a graph of MLT's; the pictures are the same.
    LayoutChoice, "layout", {
        /// The engine's own: `flat` for graphs that memreel writes, `sections` for rlvideo.
        Default = "default",
        /// One playlist a track.
        Flat = "flat",
        /// One track a clip.
        Stacked = "stacked",
        /// A playlist of sections, each a playlist or a stack of playlists of its own.
        Sections = "sections",
    }
}

names! {
    /// What is exported of each source.
    MediaChoice, "kind of media", {
        /// The files that the timeline names.
        Original = "original",
        /// Small copies of them that are easy to decode, as a preview shows them.
        Proxy = "proxy",
        /// Nothing: the copies are made, and that is what is measured.
        MakeProxies = "make-proxies",
    }
}

names! {
    /// Where the encoded packets go.
    Sink, "sink", {
        /// Into a file.
        File = "file",
        /// Nowhere: encoded, then thrown away.
        Null = "null",
    }
}

names! {
    /// A file format for media, by the name of its FFmpeg muxer.
    Container, "container", {
        /// MPEG-4: its index is kept in memory until the end.
        Mp4 = "mp4",
        /// QuickTime.
        Mov = "mov",
        /// Matroska: takes any codec.
        Matroska = "matroska",
        /// MPEG transport stream: has no index.
        MpegTs = "mpegts",
        /// Matroska for VP8, VP9, AV1.
        WebM = "webm",
        /// FFmpeg's own.
        Nut = "nut",
        /// Audio Video Interleave.
        Avi = "avi",
    }
}

names! {
    /// How pixels lie in memory, by FFmpeg's names: those that encoders in use take.
    PixelFormat, "pixel format", {
        /// 4:2:0, 8 bits.
        Yuv420p = "yuv420p",
        /// 4:2:2, 8 bits.
        Yuv422p = "yuv422p",
        /// 4:4:4, 8 bits.
        Yuv444p = "yuv444p",
        /// 4:2:0, 10 bits in 16.
        Yuv420p10 = "yuv420p10le",
        /// 4:2:2, 10 bits in 16.
        Yuv422p10 = "yuv422p10le",
        /// 4:4:4, 10 bits in 16.
        Yuv444p10 = "yuv444p10le",
        /// 4:2:0 full range, 8 bits.
        Yuvj420p = "yuvj420p",
        /// 4:2:2 full range, 8 bits.
        Yuvj422p = "yuvj422p",
        /// 4:4:4 full range, 8 bits.
        Yuvj444p = "yuvj444p",
        /// 4:2:0 with interleaved chroma, 8 bits.
        Nv12 = "nv12",
        /// 4:2:0 with interleaved chroma, 10 bits in 16.
        P010 = "p010le",
        /// Brightness only, 8 bits.
        Gray = "gray",
        /// Planar green, blue, red, 8 bits each.
        Gbrp = "gbrp",
        /// Packed red, green, blue, 8 bits each.
        Rgb24 = "rgb24",
        /// Packed blue, green, red and a byte unused.
        Bgr0 = "bgr0",
        /// Packed red, green, blue, alpha, 8 bits each.
        Rgba = "rgba",
    }
}

impl Container {
    /// What files of this kind are called by: `mkv` for Matroska.
    pub const fn extension(self) -> &'static str {
        match self {
            Container::Matroska => "mkv",
            Container::MpegTs => "ts",
            other => other.name(),
        }
    }

    /// The usual container of an encoder's output.
    pub(super) fn usual(encoder: Option<&str>) -> Container {
        if encoder == Some("ffv1") { Container::Matroska } else { Container::Mp4 }
    }
}

impl PixelFormat {
    /// By what width and height must be divisible: chroma is kept for blocks of so many pixels.
    pub const fn chroma_block(self) -> Size {
        use PixelFormat::*;
        match self {
            Yuv420p | Yuv420p10 | Yuvj420p | Nv12 | P010 => Size { width: 2, height: 2 },
            Yuv422p | Yuv422p10 | Yuvj422p => Size { width: 2, height: 1 },
            _ => Size { width: 1, height: 1 },
        }
    }

    /// What one uncompressed picture takes.
    pub const fn picture_bytes(self, size: Size) -> Bytes {
        use PixelFormat::*;
        let bits_per_pixel = match self {
            Gray => 8,
            Yuv420p | Yuvj420p | Nv12 => 12,
            Yuv422p | Yuvj422p => 16,
            Yuv444p | Yuvj444p | Gbrp | Rgb24 | Yuv420p10 | P010 => 24,
            Yuv422p10 | Bgr0 | Rgba => 32,
            Yuv444p10 => 48,
        };
        Bytes::new(size.width as u64 * size.height as u64 * bits_per_pixel / 8)
    }

    /// Why a picture of this size cannot be had in this format, if so.
    pub(super) fn objection(self, size: Size) -> Option<String> {
        let block = self.chroma_block();
        let fits = size.width.is_multiple_of(block.width) && size.height.is_multiple_of(block.height);
        let odd = match (fits, block.height) {
            (true, _) => return None,
            (false, 1) => "an even width",
            (false, _) => "an even width and height",
        };
        Some(format!("size {size} is not possible in {self}, which needs {odd}"))
    }
}

/// Width and height of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = String;

    /// `1280x720`; each side from 2 to 16384, which is as far as H.264 goes.
    fn from_str(text: &str) -> Result<Size, String> {
        let side = |text: &str| text.trim().parse().ok().filter(|side| (2..=16384).contains(side));
        text.split_once('x')
            .and_then(|(width, height)| Some(Size { width: side(width)?, height: side(height)? }))
            .ok_or_else(|| {
                format!("{} is not a size: write \"1280x720\", each side from 2 to 16384", quoted(text))
            })
    }
}

/// A point in time or a length of it, as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Time {
    Seconds(f64),
    Frames(u64),
}

/// A hundred hours; in frames, at more than any rate in use.
const LONGEST_SECONDS: f64 = 360_000.0;
const LONGEST_FRAMES: u64 = 100_000_000;

impl Time {
    /// Whether it is no more than a hundred hours.
    pub fn is_possible(self) -> bool {
        match self {
            Time::Seconds(seconds) => (0.0..=LONGEST_SECONDS).contains(&seconds),
            Time::Frames(frames) => frames <= LONGEST_FRAMES,
        }
    }

    /// Rounded to whole frames.
    pub fn frames(self, rate: Rate) -> u64 {
        match self {
            Time::Frames(frames) => frames,
            Time::Seconds(seconds) => {
                (seconds * f64::from(rate.numerator()) / f64::from(rate.denominator())).round() as u64
            }
        }
    }
}

impl FromStr for Time {
    type Err = ();

    /// `50f`, or hours, minutes and seconds in that order: `1m30s`, `2.5s`.
    fn from_str(text: &str) -> Result<Time, ()> {
        if let Some(frames) = text.strip_suffix('f') {
            return frames.parse().map(Time::Frames).map_err(drop);
        }
        let mut rest = text;
        let mut seconds = 0.0;
        for (unit, length) in [('h', 3600.0), ('m', 60.0), ('s', 1.0)] {
            if let Some((amount, after)) = rest.split_once(unit) {
                seconds += unsigned(amount).ok_or(())? * length;
                rest = after;
            }
        }
        if rest.is_empty() && !text.is_empty() { Ok(Time::Seconds(seconds)) } else { Err(()) }
    }
}

/// Digits with at most one point among them: no sign, no exponent, no `inf`.
fn unsigned(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain)
}

/// How many threads an export is given: a word for the usual cases, or part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadingChoice {
    /// One thread for each part: the engine's least concurrency.
    Single,
    /// Nothing is told: the engine's own default.
    Default,
    /// So many threads for each part; `None`: as many as there are CPUs.
    Parallel(Option<u32>),
    /// Each part by itself; what is `None` is not told.
    Parts(Threading),
}

impl ThreadingChoice {
    /// The threads of each part on a machine of so many CPUs.
    pub fn threading(self, cpus: u32) -> Threading {
        let each = |threads| Threading { render: threads, decode: threads, filter: threads, encode: threads };
        match self {
            ThreadingChoice::Single => each(Some(1)),
            ThreadingChoice::Default => each(None),
            ThreadingChoice::Parallel(threads) => each(Some(threads.unwrap_or(cpus).max(1))),
            ThreadingChoice::Parts(threading) => threading,
        }
    }
}

impl fmt::Display for ThreadingChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ThreadingChoice::Single => f.write_str("single"),
            ThreadingChoice::Default => f.write_str("default"),
            ThreadingChoice::Parallel(None) => f.write_str("parallel"),
            ThreadingChoice::Parallel(Some(threads)) => write!(f, "parallel:{threads}"),
            ThreadingChoice::Parts(parts) => f.write_str(&parts_text(parts)),
        }
    }
}

/// The memory allocator of the engine's processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AllocatorChoice {
    /// The program's own: the C library's, as a rule.
    #[default]
    Default,
    /// glibc's allocator, with this number of arenas at most.
    Arenas(u32),
    /// jemalloc in place of the C library's.
    Jemalloc,
    /// mimalloc in place of the C library's.
    Mimalloc,
}

impl fmt::Display for AllocatorChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AllocatorChoice::Default => f.write_str("default"),
            AllocatorChoice::Arenas(count) => write!(f, "arenas:{count}"),
            AllocatorChoice::Jemalloc => f.write_str("jemalloc"),
            AllocatorChoice::Mimalloc => f.write_str("mimalloc"),
        }
    }
}

fn parts_text(parts: &Threading) -> String {
    let Threading { render, decode, filter, encode } = parts;
    [("render", render), ("decode", decode), ("filter", filter), ("encode", encode)]
        .into_iter()
        .filter_map(|(part, threads)| threads.map(|threads| format!("{part}={threads}")))
        .collect::<Vec<_>>()
        .join(" ")
}

const MOST_THREADS: u32 = 1024;

impl Field<'_> {
    /// A value out of a list of names.
    pub fn named<T: Named>(&self) -> Result<T, ScenarioFault> {
        let text = self.text(&format!("the name of a {}", T::WHAT))?;
        let names: Vec<_> = T::EVERY.iter().map(|value| value.written()).collect();
        let found = T::EVERY.iter().find(|value| value.written() == text);
        found.copied().ok_or_else(|| self.fault(unknown(T::WHAT, text, "", &names)))
    }

    /// A container, by the name of its muxer or by the extension of its files.
    pub fn container(&self) -> Result<Container, ScenarioFault> {
        let by_extension = |text: &str| Container::ALL.iter().find(|one| one.extension() == text).copied();
        match self.value() {
            Value::Text(text) => by_extension(text).map_or_else(|| self.named(), Ok),
            _ => self.named(),
        }
    }

    /// A picture's size.
    pub fn size(&self) -> Result<Size, ScenarioFault> {
        self.text("a size like \"1280x720\"")?.parse().map_err(|message: String| self.fault(message))
    }

    /// Frames a second, from 1 to 1000.
    pub fn rate(&self) -> Result<Rate, ScenarioFault> {
        let wanted = "a frame rate from 1 to 1000, like 25, 29.97 or \"30000/1001\"";
        let rate = match self.value() {
            Value::Text(text) => text.parse().ok(),
            _ => self.number().and_then(Rate::from_f64),
        };
        rate.filter(|rate| (1.0..=1000.0).contains(&rate.as_f64())).ok_or_else(|| self.mismatch(wanted))
    }

    /// A time, in seconds or frames.
    pub fn time(&self) -> Result<Time, ScenarioFault> {
        let time = match self.value() {
            Value::Text(text) => text.parse().ok(),
            _ => self.number().map(Time::Seconds),
        };
        time.filter(|time| time.is_possible()).ok_or_else(|| {
            self.mismatch(
                "a time of up to 100 hours: seconds like 2.5, or \"2.5s\", \"1m30s\", \"50f\" (frames)",
            )
        })
    }

    /// A length of time in frames, at least one.
    pub fn frames(&self, rate: Rate) -> Result<u64, ScenarioFault> {
        match self.time()?.frames(rate) {
            0 => Err(self
                .fault(format!("`{}` is less than half a frame (at {rate} frames per second)", self.name))),
            frames => Ok(frames),
        }
    }

    /// A name of an encoder, a preset or an option, as FFmpeg writes them.
    pub fn token(&self, what: &str) -> Result<String, ScenarioFault> {
        let text = self.text(&format!("the name of {what}"))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
            return Err(self.fault(format!("{} is not a valid name of {what}", quoted(text))));
        }
        Ok(text.into())
    }

    /// A word or a table of threads.
    pub fn threading(&self) -> Result<ThreadingChoice, ScenarioFault> {
        match self.value() {
            Value::Text(text) => self.threading_word(text),
            Value::Table(_) => self.threading_parts(),
            _ => Err(self.mismatch("a word (single, default, parallel, parallel:4) or a table {render = 1}")),
        }
    }

    fn threading_word(&self, text: &str) -> Result<ThreadingChoice, ScenarioFault> {
        match text {
            "single" => return Ok(ThreadingChoice::Single),
            "default" => return Ok(ThreadingChoice::Default),
            "parallel" => return Ok(ThreadingChoice::Parallel(None)),
            _ => (),
        }
        let Some(threads) = text.strip_prefix("parallel:") else {
            let words = ["single", "default", "parallel", "parallel:4"];
            return Err(self.fault(unknown("threading", text, "", &words)));
        };
        let threads = threads.parse().ok().filter(|threads| (1..=MOST_THREADS).contains(threads));
        let wanted = format!("parallel:N with N from 1 to {MOST_THREADS}");
        threads.map(|threads| ThreadingChoice::Parallel(Some(threads))).ok_or_else(|| self.mismatch(&wanted))
    }

    /// The word of an allocator.
    pub fn allocator(&self) -> Result<AllocatorChoice, ScenarioFault> {
        let words = ["default", "arenas:1", "jemalloc", "mimalloc"];
        let text = self.text(&format!("an allocator ({})", words.join(", ")))?;
        let Some(count) = text.strip_prefix("arenas:") else {
            return match text {
                "default" => Ok(AllocatorChoice::Default),
                "jemalloc" => Ok(AllocatorChoice::Jemalloc),
                "mimalloc" => Ok(AllocatorChoice::Mimalloc),
                _ => Err(self.fault(unknown("allocator", text, "", &words))),
            };
        };
        let count = count.parse().ok().filter(|count| (1..=MOST_THREADS).contains(count));
        let wanted = format!("arenas:N with N from 1 to {MOST_THREADS}");
        count.map(AllocatorChoice::Arenas).ok_or_else(|| self.mismatch(&wanted))
    }

    fn threading_parts(&self) -> Result<ThreadingChoice, ScenarioFault> {
        let table = self.table("threading")?.only(&["render", "decode", "filter", "encode"])?;
        let part = |key| table.get(key).map(|field| field.whole(1..=MOST_THREADS)).transpose();
        let parts = Threading {
            render: part("render")?,
            decode: part("decode")?,
            filter: part("filter")?,
            encode: part("encode")?,
        };
        if parts == Threading::default() {
            return Err(self.fault("the table is empty: write \"default\""));
        }
        Ok(ThreadingChoice::Parts(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> Rate {
        Rate::new(25, 1).unwrap()
    }

    #[test]
    fn times_are_seconds_or_frames() {
        for (text, frames) in [("50f", 50), ("2.5s", 63), ("1m30s", 2250), ("1h", 90_000), ("1m0.04s", 1501)]
        {
            assert_eq!(text.parse::<Time>().map(|time| time.frames(rate())), Ok(frames), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for text in ["", "2.5", "f", "-1f", "1.5f", "30s1m", "s", "1e3s", "infs", "1..2s", "1m 30s"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn subsampled_chroma_wants_even_sides() {
        let size = |width, height| Size { width, height };
        assert!(PixelFormat::Yuv420p.objection(size(640, 361)).unwrap().contains("width and height"));
        assert_eq!(PixelFormat::Yuv422p.objection(size(640, 361)), None);
        assert!(PixelFormat::Yuv422p.objection(size(641, 361)).is_some());
        assert_eq!(PixelFormat::Yuv444p.objection(size(641, 361)), None);
    }

    #[test]
    fn a_720p_picture_takes_one_and_a_half_bytes_a_pixel() {
        let size = Size { width: 1280, height: 720 };
        assert_eq!(PixelFormat::Yuv420p.picture_bytes(size), Bytes::new(1_382_400));
    }

    #[test]
    fn parallel_means_every_cpu_there_is() {
        assert_eq!(ThreadingChoice::Parallel(None).threading(6).encode, Some(6));
        assert_eq!(ThreadingChoice::Parallel(Some(3)).threading(6).decode, Some(3));
        assert_eq!(ThreadingChoice::Single.threading(6).filter, Some(1));
        assert_eq!(ThreadingChoice::Default.threading(6), Threading::default());
    }
}
