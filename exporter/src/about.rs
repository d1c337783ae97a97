//! Which FFmpeg this is, and what it can encode.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};
use std::fmt;

use ffmpeg::{ffi, media};
use ffmpeg_next as ffmpeg;
use serde::Serialize;

use crate::libav;

/// What `about` tells.
#[derive(Debug, Serialize)]
pub struct About {
    /// This program's name.
    pub program: &'static str,
    /// This program's version.
    pub version: &'static str,
    /// FFmpeg's own version, as its builders named it.
    pub ffmpeg: String,
    /// Version of each library, as found at run time.
    pub libraries: BTreeMap<&'static str, String>,
    /// How FFmpeg was configured when it was built.
    pub configuration: String,
    /// Names for `--video-codec`.
    pub video_encoders: Vec<String>,
    /// Names for `--audio-codec`.
    pub audio_encoders: Vec<String>,
    /// Names for `--format`.
    pub muxers: Vec<String>,
}

impl About {
    /// Asks the libraries.
    pub fn ask() -> About {
        About {
            program: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            // SAFETY: libav's version strings are static.
            ffmpeg: unsafe { string(ffi::av_version_info()) },
            libraries: libraries(),
            // SAFETY: as above.
            configuration: unsafe { string(ffi::avcodec_configuration()) },
            video_encoders: encoders(ffi::AVMediaType::AVMEDIA_TYPE_VIDEO),
            audio_encoders: encoders(ffi::AVMediaType::AVMEDIA_TYPE_AUDIO),
            muxers: muxers(),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let libraries: Vec<_> =
            self.libraries.iter().map(|(name, version)| format!("{name} {version}")).collect();
        writeln!(f, "{} {} on FFmpeg {}", self.program, self.version, self.ffmpeg)?;
        writeln!(f, "libraries: {}", libraries.join(", "))?;
        writeln!(f, "video encoders: {}", self.video_encoders.join(" "))?;
        writeln!(f, "audio encoders: {}", self.audio_encoders.join(" "))?;
        writeln!(f, "containers: {}", self.muxers.join(" "))?;
        writeln!(f, "built with: {}", self.configuration)
    }
}

fn libraries() -> BTreeMap<&'static str, String> {
    // SAFETY: these only return the number the library was built with.
    let versions = unsafe {
        [
            ("libavcodec", ffi::avcodec_version()),
            ("libavfilter", ffi::avfilter_version()),
            ("libavformat", ffi::avformat_version()),
            ("libavutil", ffi::avutil_version()),
            ("libswresample", ffi::swresample_version()),
            ("libswscale", ffi::swscale_version()),
        ]
    };
    let dotted = |version: u32| format!("{}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff);
    versions.into_iter().map(|(name, version)| (name, dotted(version))).collect()
}

/// Names of the encoders of a kind that make a format such as `h264`; none where it is no format's name.
pub fn encoders_of(format: &str, kind: media::Type) -> Vec<String> {
    let Ok(name) = libav::text(format) else { return Vec::new() };
    // SAFETY: a C string; the descriptor is static, or null for an unknown name.
    let Some(wanted) = (unsafe { ffi::avcodec_descriptor_get_by_name(name.as_ptr()).as_ref() }) else {
        return Vec::new();
    };
    encoders_where(|codec| codec.id == wanted.id && codec.type_ == kind.into())
}

fn encoders(kind: ffi::AVMediaType) -> Vec<String> {
    encoders_where(|codec| codec.type_ == kind)
}

fn encoders_where(wanted: impl Fn(&ffi::AVCodec) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    let mut place = std::ptr::null_mut();
    // SAFETY: the iterator keeps its place in `place` and returns static codecs until it returns null.
    unsafe {
        while let Some(codec) = ffi::av_codec_iterate(&mut place).as_ref() {
            if wanted(codec) && ffi::av_codec_is_encoder(codec) != 0 {
                names.push(string(codec.name));
            }
        }
    }
    names.sort();
    names
}

fn muxers() -> Vec<String> {
    let mut names = Vec::new();
    let mut place = std::ptr::null_mut();
    // SAFETY: the iterator keeps its place in `place` and returns static muxers until it returns null.
    unsafe {
        while let Some(muxer) = ffi::av_muxer_iterate(&mut place).as_ref() {
            names.push(string(muxer.name));
        }
    }
    names.sort();
    names
}

/// # Safety
/// `text` must be a C string.
unsafe fn string(text: *const c_char) -> String {
    // SAFETY: the caller vouches for it.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
