//! The command line, made into what the rest of the program works with.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ffmpeg::format::Pixel;
use ffmpeg_next as ffmpeg;
use memreel_timeline::Rate;

use crate::encode::{PictureCodec, SoundCodec};
use crate::export::{self, Export, PictureSize, Request, Threads};
use crate::fault::Fault;
use crate::media::SourceRequest;
use crate::mux::MuxTarget;
use crate::write::Encoding;

const EXAMPLES: &str = "\
Examples:
  memreel-export make-source --source-number 1 --frames 250 --size 1280x720 a.mp4
  memreel-export --preset ultrafast timeline.otio out.mp4
  memreel-export --threads 1 --discard --progress-fd 3 timeline.otio 3>progress.txt
  memreel-export --exports 5 --rest 0.2 --discard --progress-fd 3 timeline.otio 3>progress.txt
  memreel-export frames --checksum out.mp4

Progress lines:
  frames IN OUT           frames taken from the timeline, frames from the encoder, over all exports
  open PATH, close PATH   a video decoder was opened or closed
  export K, closed K      the K-th export begins, or all its memory has been freed

Exit codes: 0 success, 1 failure, 2 invalid usage, 5 the output could not be written.";

const MAKE_SOURCE_EXAMPLES: &str = "\
Examples:
  memreel-export make-source --source-number 3 --frames 500 --preset ultrafast --video-option bf=2 c.mp4
  memreel-export make-source --frames 100 --size 320x180 --codec ffv1 --pixel-format yuv422p d.mkv";

const ABOUT: &str = "Exports an OpenTimelineIO timeline to a media file with FFmpeg's libraries";

/// Exports an OpenTimelineIO timeline to a media file with FFmpeg's libraries.
#[derive(Debug, Parser)]
#[command(
    name = "memreel-export",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print the warnings of FFmpeg's libraries on standard error.
    #[arg(long, global = true)]
    verbose: bool,
    #[command(flatten)]
    export: ExportArguments,
}

/// What the program is to do.
#[derive(Debug)]
pub enum Task {
    /// Export a timeline, once or several times.
    Export(Box<Request>),
    /// Make a source.
    MakeSource(Box<SourceRequest>),
    /// List a file's frames, with checksums or without.
    Frames {
        /// The file.
        path: PathBuf,
        /// Whether each frame's checksum is wanted.
        checksum: bool,
    },
    /// Say how many pictures a file holds.
    CountFrames {
        /// The file.
        path: PathBuf,
    },
    /// List when a file's sound bursts.
    AudioBursts {
        /// The file.
        path: PathBuf,
    },
    /// Tell which FFmpeg this is.
    About {
        /// For programs, not people.
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a source whose every frame contains its number and whose sound marks each second.
    #[command(after_help = MAKE_SOURCE_EXAMPLES)]
    MakeSource(MakeSourceArguments),
    /// List the frames of a file as CSV: timestamp, and source and frame from the barcode.
    Frames(FramesArguments),
    /// Print the version of FFmpeg and what it can encode.
    About {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Driver {
    /// Export in the main thread.
    Main,
    /// Export in another thread while the main thread polls twice per second, as an editor does.
    Background,
}

#[derive(Debug, Args)]
struct CodecArguments {
    /// Video encoder; `memreel-export about` lists them.
    #[arg(long, visible_alias = "codec", value_name = "NAME", default_value = "libx264")]
    video_codec: String,
    /// Preset of the encoder; default: that of the encoder.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Pixel format to encode.
    #[arg(long, value_name = "FORMAT", default_value = "yuv420p", value_parser = pixel_format)]
    pixel_format: Pixel,
    /// Option of the video encoder; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    video_option: Vec<(String, String)>,
    /// Audio encoder.
    #[arg(long, value_name = "NAME", default_value = "aac")]
    audio_codec: String,
    /// Write no sound.
    #[arg(long)]
    no_audio: bool,
    /// Audio samples per second; always stereo.
    #[arg(long, value_name = "HZ", default_value_t = 48_000, value_parser = clap::value_parser!(u32).range(1..=768_000))]
    audio_rate: u32,
    /// Container; default: by the extension of the output.
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
}

#[derive(Debug, Args)]
struct ExportArguments {
    /// The timeline, as OpenTimelineIO writes it.
    #[arg(value_name = "TIMELINE", required = true)]
    timeline: Option<PathBuf>,
    /// The file to write; it is written under a temporary name and renamed when it is complete.
    #[arg(value_name = "OUTPUT", required_unless_present = "discard")]
    output: Option<PathBuf>,
    /// Encode everything and discard it, instead of writing OUTPUT.
    #[arg(long, conflicts_with = "output")]
    discard: bool,
    /// Frame size; default: that of the first clip.
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<PictureSize>,
    /// Frames per second (25, 29.97, 30000/1001); default: those of the timeline.
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    #[command(flatten)]
    codecs: CodecArguments,
    /// Thread that exports.
    #[arg(long, value_enum, default_value_t = Driver::Main)]
    driver: Driver,
    /// Number of exports, one after another in this process; everything is opened and closed each time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    exports: u32,
    /// Pause after each export.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    rest: Duration,
    /// Write progress lines to this open file descriptor.
    #[arg(long, value_name = "FD", value_parser = clap::value_parser!(i32).range(0..))]
    progress_fd: Option<i32>,
    /// Misbehave, so that those who look for leaks can be tried; may be repeated.
    #[arg(long, value_name = "KIND", hide = true)]
    fault: Vec<Fault>,
    // The last, because its heading would be that of all that follow.
    #[command(flatten)]
    threads: ThreadArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Threads (default: the libraries choose)")]
struct ThreadArguments {
    /// 1: decode and encode in turns. 2 or more: in parallel, in two threads (the default).
    #[arg(long, value_name = "N", value_parser = threads())]
    render_threads: Option<u32>,
    /// Threads of each decoder.
    #[arg(long, value_name = "N", value_parser = threads())]
    decode_threads: Option<u32>,
    /// Threads of the filters that scale and convert.
    #[arg(long, value_name = "N", value_parser = threads())]
    filter_threads: Option<u32>,
    /// Threads of each encoder.
    #[arg(long, value_name = "N", value_parser = threads())]
    encode_threads: Option<u32>,
    /// All four; each of the other options overrides it. With 1, the whole export has one thread.
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<u32>,
}

#[derive(Debug, Args)]
struct MakeSourceArguments {
    /// The file to create.
    #[arg(value_name = "OUTPUT")]
    output: PathBuf,
    /// Number in the barcode; also varies hue and pitch.
    #[arg(long, value_name = "I", default_value_t = 0)]
    source_number: u16,
    /// Number of frames.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1 << 24))]
    frames: u64,
    /// Frame size.
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = size)]
    size: PictureSize,
    /// Frames per second.
    #[arg(long, value_name = "RATE", default_value = "25")]
    rate: Rate,
    #[command(flatten)]
    codecs: CodecArguments,
    /// Longest distance between two keyframes, in frames; default: that of the encoder.
    #[arg(long, value_name = "FRAMES")]
    keyframe_distance: Option<u32>,
    /// Threads of the filters and encoders; default: the libraries choose.
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<u32>,
}

#[derive(Debug, Args)]
struct FramesArguments {
    /// The file.
    file: PathBuf,
    /// Add a CRC-32 of each frame's visible bytes.
    #[arg(long)]
    checksum: bool,
    /// List instead when loud bursts of sound begin.
    #[arg(long, conflicts_with = "checksum")]
    audio_bursts: bool,
    /// Print instead the number of pictures, without decoding.
    #[arg(long, conflicts_with_all = ["checksum", "audio_bursts"])]
    count: bool,
}

impl Cli {
    /// Whether the libraries may write to stderr.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// What is to be done.
    pub fn into_task(self) -> Task {
        match self.command {
            None => Task::Export(Box::new(self.export.into_request())),
            Some(Command::MakeSource(arguments)) => Task::MakeSource(Box::new(arguments.into_request())),
            Some(Command::Frames(FramesArguments { file, audio_bursts: true, .. })) => {
                Task::AudioBursts { path: file }
            }
            Some(Command::Frames(FramesArguments { file, count: true, .. })) => {
                Task::CountFrames { path: file }
            }
            Some(Command::Frames(FramesArguments { file, checksum, .. })) => {
                Task::Frames { path: file, checksum }
            }
            Some(Command::About { json }) => Task::About { json },
        }
    }
}

impl ExportArguments {
    fn into_request(self) -> Request {
        Request {
            exports: self.exports,
            rest: self.rest,
            driver: match self.driver {
                Driver::Main => export::Driver::Main,
                Driver::Background => export::Driver::Background,
            },
            progress_fd: self.progress_fd,
            faults: self.fault.clone(),
            export: self.into_export(),
        }
    }

    fn into_export(self) -> Export {
        let threads = self.threads.into_threads();
        let encode_threads = threads.encode.unwrap_or(0);
        Export {
            timeline: self.timeline.expect("clap asks for it"),
            target: self.output.map_or(MuxTarget::Discard, MuxTarget::File),
            size: self.size,
            rate: self.rate,
            pictures: self.codecs.pictures(None, encode_threads),
            sound: self.codecs.sound(encode_threads),
            format: self.codecs.format,
            threads,
        }
    }
}

impl ThreadArguments {
    fn into_threads(self) -> Threads {
        Threads {
            render: self.render_threads.or(self.threads),
            decode: self.decode_threads.or(self.threads),
            filter: self.filter_threads.or(self.threads),
            encode: self.encode_threads.or(self.threads),
        }
    }
}

impl MakeSourceArguments {
    fn into_request(self) -> SourceRequest {
        let threads = self.threads.unwrap_or(0);
        SourceRequest {
            number: self.source_number,
            frames: self.frames,
            width: self.size.width,
            height: self.size.height,
            rate: self.rate,
            recipe: Encoding {
                pictures: self.codecs.pictures(self.keyframe_distance, threads),
                sound: self.codecs.sound(threads),
                target: MuxTarget::File(self.output),
                format: self.codecs.format,
            },
            filter_threads: threads,
        }
    }
}

impl CodecArguments {
    fn pictures(&self, keyframe_distance: Option<u32>, threads: u32) -> PictureCodec {
        PictureCodec {
            name: self.video_codec.clone(),
            preset: self.preset.clone(),
            options: self.video_option.clone(),
            format: self.pixel_format,
            keyframe_distance,
            threads,
        }
    }

    fn sound(&self, threads: u32) -> Option<SoundCodec> {
        let codec = SoundCodec { name: self.audio_codec.clone(), rate: self.audio_rate, threads };
        Some(codec).filter(|_| !self.no_audio)
    }
}

fn threads() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=1024)
}

/// Up to an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or("give seconds from 0 to 3600, like 0.5".into())
}

fn size(text: &str) -> Result<PictureSize, String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width @ 1..=16_384, height @ 1..=16_384)) => Ok(PictureSize { width, height }),
        _ => Err("give width and height in pixels, like 1280x720".into()),
    }
}

fn pixel_format(text: &str) -> Result<Pixel, String> {
    text.parse().map_err(|_| "unknown pixel format: `ffmpeg -pix_fmts` lists them".into())
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.map(|(key, value)| (key.into(), value.into())).ok_or("write KEY=VALUE, like crf=18".into())
}
