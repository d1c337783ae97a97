//! Pictures and sound into packets.

use ffmpeg::codec::{self, encoder};
use ffmpeg::{Codec, Packet, Rational, ffi, format, frame, media};
use ffmpeg_next as ffmpeg;
use memreel_timeline::Rate;

use crate::about;
use crate::clock;
use crate::failure::Failure;
use crate::libav::{self, checked};
use crate::mux::Container;
use crate::pictures::{Color, Look};
use crate::progress::Progress;
use crate::resample::{self, Resampler, SampleKind};
use crate::sound::CHANNELS;

/// How many samples go into a packet where the codec does not care.
const FREE_FRAME_SIZE: usize = 1024;

/// What the user asked of the picture encoder.
#[derive(Debug, Clone)]
pub struct PictureCodec {
    /// The encoder's name, such as `libx264`.
    pub name: String,
    /// Its preset, where one was asked for.
    pub preset: Option<String>,
    /// Options of the encoder's own.
    pub options: Vec<(String, String)>,
    /// Pixel format to encode.
    pub format: format::Pixel,
    /// Longest distance of two key frames in frames, where one was asked for.
    pub keyframe_distance: Option<u32>,
    /// Its threads; 0 lets it choose.
    pub threads: u32,
}

/// What the user asked of the sound encoder.
#[derive(Debug, Clone)]
pub struct SoundCodec {
    /// The encoder's name, such as `aac`.
    pub name: String,
    /// Samples a second.
    pub rate: u32,
    /// Its threads; 0 lets it choose.
    pub threads: u32,
}

/// What the pictures to encode are like.
#[derive(Debug, Clone, Copy)]
pub struct Pictures {
    /// Size, format and range.
    pub look: Look,
    /// Meaning of the colors.
    pub color: Color,
    /// Width of a pixel by its height.
    pub pixel_aspect: Rational,
    /// Pictures a second.
    pub rate: Rate,
}

/// Encodes pictures.
pub struct PictureEncoder<'a> {
    encoder: encoder::Encoder,
    codec: String,
    stream: usize,
    time_base: Rational,
    progress: &'a Progress,
}

impl<'a> PictureEncoder<'a> {
    /// Opens the encoder and adds its stream to the container.
    ///
    /// # Errors
    /// When the encoder is not here, does not take the pixel format, the preset or an option, or
    /// when the container cannot hold what it makes.
    pub fn open(
        wanted: &PictureCodec,
        pictures: &Pictures,
        container: &mut Container,
        progress: &'a Progress,
    ) -> Result<PictureEncoder<'a>, Failure> {
        let codec = find(&wanted.name, media::Type::Video)?;
        check_pixel_format(codec, wanted.format)?;
        let time_base = clock::time_base(pictures.rate);
        let mut context = codec::Context::new_with_codec(codec);
        libav::set_threads(&mut context, wanted.threads);
        if container.wants_global_header() {
            context.set_flags(codec::Flags::GLOBAL_HEADER);
        }
        set_options(&mut context, wanted)?;
        let mut video = context.encoder().video().map_err(|cause| encode_failure(&wanted.name, cause))?;
        describe(&mut video, wanted, pictures);
        let (opened, reason) = libav::hear(|| video.open_as(codec));
        let opened = opened.map_err(|cause| cannot_open(&wanted.name, cause, &reason))?;
        let stream = container.add_stream(opened.as_ref(), Some(pictures.rate))?;
        let encoder::Video(encoder::video::Video(encoder)) = opened;
        Ok(PictureEncoder { encoder, codec: wanted.name.clone(), stream, time_base, progress })
    }

    /// Encodes a picture and writes the packets that come out.
    ///
    /// # Errors
    /// When the encoder or the file fails.
    pub fn encode(&mut self, picture: &frame::Video, container: &mut Container) -> Result<(), Failure> {
        let sent = self.encoder.send_frame(picture);
        self.drain(sent, container)
    }

    /// Writes what the encoder still holds.
    ///
    /// # Errors
    /// When the encoder or the file fails.
    pub fn finish(&mut self, container: &mut Container) -> Result<(), Failure> {
        let sent = self.encoder.send_eof();
        self.drain(sent, container)
    }

    fn drain(&mut self, sent: Result<(), ffmpeg::Error>, container: &mut Container) -> Result<(), Failure> {
        sent.map_err(|cause| encode_failure(&self.codec, cause))?;
        while let Some(mut packet) = receive(&mut self.encoder, &self.codec)? {
            self.progress.packet_out();
            packet.set_duration(1);
            packet.set_stream(self.stream);
            packet.rescale_ts(self.time_base, container.time_base(self.stream));
            container.write(&packet)?;
        }
        Ok(())
    }
}

/// Encodes sound, given as interleaved stereo floats in pieces of any length.
pub struct SoundEncoder {
    encoder: encoder::Encoder,
    codec: String,
    stream: usize,
    kind: SampleKind,
    converter: Resampler,
    frame_size: usize,
    pending: Vec<f32>,
    samples_sent: i64,
}

impl SoundEncoder {
    /// Opens the encoder and adds its stream to the container.
    ///
    /// # Errors
    /// When the encoder is not here or does not take the sample rate, or when the container cannot
    /// hold what it makes.
    pub fn open(wanted: &SoundCodec, container: &mut Container) -> Result<SoundEncoder, Failure> {
        let codec = find(&wanted.name, media::Type::Audio)?;
        check_sample_rate(codec, wanted.rate)?;
        let kind = SampleKind::stereo(sample_format(codec), wanted.rate);
        let mut context = codec::Context::new_with_codec(codec);
        libav::set_threads(&mut context, wanted.threads);
        if container.wants_global_header() {
            context.set_flags(codec::Flags::GLOBAL_HEADER);
        }
        set_sample_kind(&mut context, kind);
        let audio = context.encoder().audio();
        let (opened, reason) = libav::hear(|| audio.and_then(|audio| audio.open_as(codec)));
        let opened = opened.map_err(|cause| cannot_open(&wanted.name, cause, &reason))?;
        let stream = container.add_stream(opened.as_ref(), None)?;
        let frame_size =
            Some(opened.frame_size() as usize).filter(|&size| size > 0).unwrap_or(FREE_FRAME_SIZE);
        let converter = Resampler::new(SampleKind::mixing(wanted.rate), kind);
        let converter = converter.map_err(|cause| encode_failure(&wanted.name, cause))?;
        let encoder::Audio(encoder::audio::Audio(encoder)) = opened;
        let (codec, pending) = (wanted.name.clone(), Vec::new());
        Ok(SoundEncoder { encoder, codec, stream, kind, converter, frame_size, pending, samples_sent: 0 })
    }

    /// Takes samples and writes the packets that come out.
    ///
    /// # Errors
    /// When the encoder or the file fails.
    pub fn encode(&mut self, samples: &[f32], container: &mut Container) -> Result<(), Failure> {
        self.pending.extend_from_slice(samples);
        let size = self.frame_size * CHANNELS;
        let whole = self.pending.len() / size * size;
        let mut pending = std::mem::take(&mut self.pending);
        for piece in pending[..whole].chunks_exact(size) {
            self.send(piece, container)?;
        }
        pending.drain(..whole);
        self.pending = pending;
        Ok(())
    }

    /// Writes what is left, here and in the encoder.
    ///
    /// # Errors
    /// When the encoder or the file fails.
    pub fn finish(&mut self, container: &mut Container) -> Result<(), Failure> {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            self.send(&rest, container)?;
        }
        let sent = self.encoder.send_eof();
        self.drain(sent, container)
    }

    fn send(&mut self, samples: &[f32], container: &mut Container) -> Result<(), Failure> {
        let failed = |cause| encode_failure(&self.codec, cause);
        let length = samples.len() / CHANNELS;
        let mut frame = resample::new_frame(self.kind, length).map_err(failed)?;
        self.converter.fill(samples, &mut frame).map_err(failed)?;
        frame.set_pts(Some(self.samples_sent));
        self.samples_sent += length as i64;
        let sent = self.encoder.send_frame(&frame);
        self.drain(sent, container)
    }

    fn drain(&mut self, sent: Result<(), ffmpeg::Error>, container: &mut Container) -> Result<(), Failure> {
        sent.map_err(|cause| encode_failure(&self.codec, cause))?;
        let time_base = Rational(1, self.kind.rate as i32);
        while let Some(mut packet) = receive(&mut self.encoder, &self.codec)? {
            packet.set_stream(self.stream);
            packet.rescale_ts(time_base, container.time_base(self.stream));
            container.write(&packet)?;
        }
        Ok(())
    }
}

/// The encoder's next packet; `None` when it wants more first, or has ended.
fn receive(encoder: &mut encoder::Encoder, codec: &str) -> Result<Option<Packet>, Failure> {
    let mut packet = Packet::empty();
    match encoder.receive_packet(&mut packet) {
        Ok(()) => Ok(Some(packet)),
        Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => Ok(None),
        Err(cause) => Err(encode_failure(codec, cause)),
    }
}

fn find(name: &str, kind: media::Type) -> Result<Codec, Failure> {
    encoder::find_by_name(name).filter(|codec| codec.medium() == kind).ok_or_else(|| {
        let makers = about::encoders_of(name, kind);
        Failure::Refused(match makers.is_empty() {
            false => {
                format!("`{name}` is a codec, not an encoder: choose from {}", makers.join(", "))
            }
            true => format!(
                "this FFmpeg has no {} encoder `{name}`: `memreel-export about` lists those it has",
                if kind == media::Type::Video { "video" } else { "audio" }
            ),
        })
    })
}

fn check_pixel_format(codec: Codec, wanted: format::Pixel) -> Result<(), Failure> {
    let Some(mut taken) = codec.video().ok().and_then(|video| video.formats()) else { return Ok(()) };
    if taken.any(|format| format == wanted) {
        return Ok(());
    }
    let formats = codec.video().ok().and_then(|video| video.formats()).into_iter().flatten();
    let names: Vec<_> = formats.map(libav::pixel_name).collect();
    Err(Failure::Refused(format!(
        "encoder {} does not take pixel format {}: choose --pixel-format from {}",
        codec.name(),
        libav::pixel_name(wanted),
        names.join(", ")
    )))
}

fn check_sample_rate(codec: Codec, wanted: u32) -> Result<(), Failure> {
    let Some(rates) = codec.audio().ok().and_then(|audio| audio.rates()) else { return Ok(()) };
    let rates: Vec<i32> = rates.collect();
    if rates.contains(&(wanted as i32)) {
        return Ok(());
    }
    let names: Vec<_> = rates.iter().map(i32::to_string).collect();
    Err(Failure::Refused(format!(
        "encoder {} does not take {wanted} samples per second: choose --audio-rate from {}",
        codec.name(),
        names.join(", ")
    )))
}

/// The sample format to give an encoder: floats where it takes them, else its first.
fn sample_format(codec: Codec) -> ffi::AVSampleFormat {
    let formats = codec.audio().ok().and_then(|audio| audio.formats()).into_iter().flatten();
    let formats: Vec<ffi::AVSampleFormat> = formats.map(Into::into).collect();
    let floats = [ffi::AVSampleFormat::AV_SAMPLE_FMT_FLTP, ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT];
    let float = floats.into_iter().find(|float| formats.contains(float));
    float.or(formats.first().copied()).unwrap_or(ffi::AVSampleFormat::AV_SAMPLE_FMT_FLTP)
}

fn set_sample_kind(context: &mut codec::Context, kind: SampleKind) {
    context.set_time_base(Rational(1, kind.rate as i32));
    // SAFETY: the context is allocated and not opened; the layout owns nothing.
    unsafe {
        let raw = context.as_mut_ptr();
        (*raw).sample_fmt = kind.format;
        (*raw).sample_rate = kind.rate as i32;
        (*raw).ch_layout = kind.layout();
    }
}

fn describe(video: &mut encoder::video::Video, wanted: &PictureCodec, pictures: &Pictures) {
    let rate = pictures.rate;
    video.set_width(pictures.look.width);
    video.set_height(pictures.look.height);
    video.set_format(wanted.format);
    video.set_aspect_ratio(pictures.pixel_aspect);
    video.set_time_base(clock::time_base(rate));
    video.set_frame_rate(Some(Rational(rate.numerator() as i32, rate.denominator() as i32)));
    video.set_colorspace(pictures.color.space);
    video.set_color_primaries(pictures.color.primaries);
    video.set_color_transfer_characteristic(pictures.color.transfer);
    video.set_color_range(pictures.color.range);
    if let Some(distance) = wanted.keyframe_distance {
        video.set_gop(distance);
    }
}

fn set_options(context: &mut codec::Context, wanted: &PictureCodec) -> Result<(), Failure> {
    if let Some(preset) = &wanted.preset {
        set_option(context, "preset", preset).map_err(|problem| {
            let name = &wanted.name;
            Failure::Refused(match problem {
                OptionProblem::Unknown => format!("encoder {name} has no presets: leave out --preset"),
                OptionProblem::Value => format!("encoder {name} has no preset `{preset}`: choose another"),
            })
        })?;
    }
    for (key, value) in &own_options(wanted) {
        set_option(context, key, value).map_err(|problem| {
            let name = &wanted.name;
            Failure::Refused(match problem {
                OptionProblem::Unknown => {
                    format!("encoder {name} has no option `{key}`: see `ffmpeg -h encoder={name}`")
                }
                OptionProblem::Value => {
                    format!(
                        "encoder {name} does not take `{value}` for `{key}`: see `ffmpeg -h encoder={name}`"
                    )
                }
            })
        })?;
    }
    Ok(())
}

/// The options asked for. x265 also writes to stderr and starts a pool of threads past all of libav's
/// settings, so it is told by its own to do neither, before what the user tells it.
fn own_options(wanted: &PictureCodec) -> Vec<(String, String)> {
    if wanted.name != "libx265" {
        return wanted.options.clone();
    }
    let quiet =
        if wanted.threads == 1 { "log-level=error:pools=none:frame-threads=1" } else { "log-level=error" };
    let (theirs, mut options): (Vec<_>, Vec<_>) =
        wanted.options.iter().cloned().partition(|(key, _)| key == "x265-params");
    let parameters = theirs.into_iter().fold(quiet.to_string(), |all, (_, more)| format!("{all}:{more}"));
    options.push(("x265-params".into(), parameters));
    options
}

enum OptionProblem {
    Unknown,
    Value,
}

fn set_option(context: &mut codec::Context, key: &str, value: &str) -> Result<(), OptionProblem> {
    // SAFETY: a codec context begins with its AVClass.
    if !unsafe { libav::has_option(context.as_mut_ptr().cast(), key) } {
        return Err(OptionProblem::Unknown);
    }
    let (Ok(key), Ok(text)) = (libav::text(key), libav::text(value)) else {
        return Err(OptionProblem::Value);
    };
    // SAFETY: as above, and both are C strings.
    let set = unsafe {
        let object = context.as_mut_ptr().cast();
        ffi::av_opt_set(object, key.as_ptr(), text.as_ptr(), ffi::AV_OPT_SEARCH_CHILDREN)
    };
    checked(set).map(drop).map_err(|_| OptionProblem::Value)
}

fn cannot_open(codec: &str, cause: ffmpeg::Error, reason: &str) -> Failure {
    let reason = if reason.is_empty() { cause.to_string() } else { reason.into() };
    Failure::Refused(format!(
        "cannot open encoder {codec} ({reason}): check its preset, its options and the picture's size"
    ))
}

fn encode_failure(codec: &str, cause: ffmpeg::Error) -> Failure {
    Failure::Encode { codec: codec.into(), cause }
}
