//! What can go wrong, each as the one line that its user reads.

use std::path::PathBuf;

use ffmpeg_next as ffmpeg;
use memreel_timeline::OtioError;

/// Why an export (or another command) could not be done. Its text names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The timeline file could not be read at all.
    #[error("cannot read the timeline {}: {cause}", path.display())]
    ReadTimeline {
        /// The `.otio` file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The timeline file is no timeline that can be exported.
    #[error("cannot export the timeline {}: {cause}", path.display())]
    Timeline {
        /// The `.otio` file.
        path: PathBuf,
        /// What is wrong with it.
        cause: OtioError,
    },
    /// There is nothing to export.
    #[error("the timeline {} has no frames: put a clip or a gap on a track", path.display())]
    EmptyTimeline {
        /// The `.otio` file.
        path: PathBuf,
    },
    /// No clip that could give the picture its size.
    #[error("the timeline shows no clip to take the frame size from: give --size WxH")]
    NoPictureSize,
    /// A media file is not there.
    #[error(
        "media file {} of clip `{clip}` is missing ({cause}): put it there or correct the clip's target_url",
        path.display()
    )]
    MissingMedia {
        /// The first clip that uses it.
        clip: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Something went wrong while a clip's media was read.
    #[error("clip `{clip}`: {cause}")]
    InClip {
        /// The clip's name.
        clip: String,
        /// What went wrong.
        cause: Box<Failure>,
    },
    /// A media file could not be opened.
    #[error("cannot open {} as media: {cause}", path.display())]
    OpenMedia {
        /// The file.
        path: PathBuf,
        /// What libavformat or libavcodec said.
        cause: ffmpeg::Error,
    },
    /// A media file without what the track needs.
    #[error("{} has no {what}: use another file", path.display())]
    NoStream {
        /// The file.
        path: PathBuf,
        /// `pictures` or `sound`.
        what: &'static str,
    },
    /// A packet or frame is broken.
    #[error("cannot decode {} near {seconds:.3} s: {cause} (is the file complete?)", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Where, from the stream's beginning.
        seconds: f64,
        /// What the decoder said.
        cause: String,
    },
    /// The clip goes on after its media has ended.
    #[error(
        "clip `{clip}` needs {seconds:.3} s of {}, which ends after {frames} frames: shorten the clip or replace the file",
        path.display()
    )]
    TooShort {
        /// The clip's name.
        clip: String,
        /// The file.
        path: PathBuf,
        /// Which second of it was wanted.
        seconds: f64,
        /// How many frames it has.
        frames: u64,
    },
    /// A filter graph could not be built or failed.
    #[error("cannot {what}: {cause}")]
    Filter {
        /// What the graph was for.
        what: String,
        /// What libavfilter said.
        cause: ffmpeg::Error,
    },
    /// An encoder failed.
    #[error("encoder {codec} failed: {cause}")]
    Encode {
        /// The encoder's name.
        codec: String,
        /// What it said.
        cause: ffmpeg::Error,
    },
    /// The output could not be written.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// The output as the user named it.
        path: PathBuf,
        /// What libavformat or the system said.
        cause: String,
    },
    /// A request that this FFmpeg, or memreel-export, cannot serve; the text says what to ask instead.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// The failure with the clip it happened in, unless it names its clip already.
    pub fn in_clip(self, clip: &str) -> Failure {
        match self {
            Failure::TooShort { .. } | Failure::MissingMedia { .. } | Failure::InClip { .. } => self,
            cause => Failure::InClip { clip: clip.into(), cause: Box::new(cause) },
        }
    }

    /// 5 when the output could not be written (the disk is full), else 1.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Failure::Write { .. }) { 5 } else { 1 }
    }

    /// The text in one line, however the libraries wrote theirs.
    pub fn line(&self) -> String {
        self.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
