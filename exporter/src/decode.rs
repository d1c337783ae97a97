//! One stream of one file, demuxed and decoded frame by frame.
//!
//! Pictures and sound of a file are read by separate demuxers, each of which drops the other's
//! packets: the file is read twice, but no queue between the two can grow.

use std::path::{Path, PathBuf};

use ffmpeg::codec::decoder::Opened;
use ffmpeg::format::context::Input;
use ffmpeg::{Packet, Rational, ffi, format, frame, media};
use ffmpeg_next as ffmpeg;

use crate::clock;
use crate::failure::Failure;
use crate::libav;

/// How far back to look, in seconds, when a seek came out after the wanted frame: containers seek
/// by other timestamps than those shown (MP4: decoding order; MPEG-TS: any frame).
const STEPS_BACK: [f64; 5] = [0.0, 1.0, 4.0, 16.0, 64.0];

/// A stream that is being decoded.
pub struct Stream {
    path: PathBuf,
    input: Input,
    decoder: Opened,
    index: usize,
    time_base: Rational,
    first: i64,
    /// After a seek, packets that do not begin a decodable run are dropped until one does.
    awaits_key: bool,
    drained: bool,
    /// The largest timestamp of the packets that the decoder was given since it started.
    newest: Option<i64>,
}

impl Stream {
    /// Opens a file's best stream of a kind; `None` when it has none. `threads` 0 lets the decoder
    /// choose.
    ///
    /// # Errors
    /// When the file is no media, or has no decoder here.
    pub fn open(path: &Path, kind: media::Type, threads: u32) -> Result<Option<Stream>, Failure> {
        let failed = |cause| Failure::OpenMedia { path: path.into(), cause };
        let mut input = libav::open_input(path).map_err(failed)?;
        let Some(stream) = input.streams().best(kind) else { return Ok(None) };
        let (index, time_base) = (stream.index(), stream.time_base());
        let first = origin(&input, &stream);
        let decoder = libav::open_decoder(&stream, threads).map_err(failed)?;
        libav::keep_only(&mut input, index);
        Ok(Some(Stream {
            path: path.into(),
            input,
            decoder,
            index,
            time_base,
            first,
            awaits_key: false,
            drained: false,
            newest: None,
        }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The unit of the stream's timestamps, in seconds.
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// The timestamp that counts as time zero of the source: its first picture's, or its first
    /// sample's where it has no pictures.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// The opened decoder, for what it knows of the stream.
    pub fn decoder(&self) -> &Opened {
        &self.decoder
    }

    /// The container's own description of the stream.
    pub fn description(&self) -> format::stream::Stream<'_> {
        self.input.stream(self.index).expect("a stream that was found when the file was opened")
    }

    /// The timestamp as seconds since time zero of the source, for messages.
    pub fn seconds(&self, timestamp: i64) -> f64 {
        clock::units_as_seconds(timestamp - self.first, self.time_base)
    }

    /// Decodes the next frame into `frame`; `false` at the stream's end.
    ///
    /// # Errors
    /// When a packet cannot be read or decoded. Nothing that is broken is skipped.
    pub fn next(&mut self, frame: &mut frame::Frame) -> Result<bool, Failure> {
        loop {
            match self.decoder.receive_frame(frame) {
                Ok(()) => return Ok(true),
                Err(ffmpeg::Error::Eof) => return Ok(false),
                Err(ffmpeg::Error::Other { errno: libc::EAGAIN }) if !self.drained => self.feed()?,
                Err(cause) => return Err(self.broken(None, &cause.to_string())),
            }
        }
    }

    /// Gives the decoder the stream's next packet, or tells it that there are no more.
    fn feed(&mut self) -> Result<(), Failure> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.index => {}
                Ok(()) if self.awaits_key && !packet.is_key() => {}
                Ok(()) => {
                    self.awaits_key = false;
                    return self.decode(&packet);
                }
                Err(ffmpeg::Error::Eof) => {
                    self.drained = true;
                    return self.decoder.send_eof().map_err(|cause| self.broken(None, &cause.to_string()));
                }
                Err(cause) => return Err(self.broken(None, &cause.to_string())),
            }
        }
    }

    fn decode(&mut self, packet: &Packet) -> Result<(), Failure> {
        let at = packet.pts().or(packet.dts());
        if packet.is_corrupt() {
            return Err(self.broken(at, "the packet is damaged or cut off"));
        }
        self.newest = self.newest.max(packet.pts());
        self.decoder.send_packet(packet).map_err(|cause| self.broken(at, &cause.to_string()))
    }

    /// Whether the stream has ended although its decoder was given something that begins after `last`,
    /// the newest frame that came out. FFmpeg 5.1's H.264 decoder loses the last frame when it starts
    /// at a key frame that only a few frames with B-frames among them follow; started earlier, it does
    /// not.
    pub fn has_swallowed(&self, last: i64) -> bool {
        self.drained && self.newest.is_some_and(|newest| newest > last)
    }

    /// The failure for something broken at a timestamp.
    pub fn broken(&self, at: Option<i64>, cause: &str) -> Failure {
        let seconds = at.map_or(0.0, |at| self.seconds(at));
        Failure::Decode { path: self.path.clone(), seconds, cause: cause.into() }
    }

    /// Seeks and decodes until a frame comes out that is not after `at`, looking further back until
    /// one does, at last from the beginning. The frame is left in `frame`; `false` when the stream
    /// has none at all. From the beginning, the first frame counts wherever it stands.
    ///
    /// `margin` is how many seconds earlier to begin at least, even before time zero, where sound
    /// has samples that only prime its decoder.
    ///
    /// # Errors
    /// When the file cannot be searched, read or decoded.
    pub fn seek_before(&mut self, at: i64, margin: f64, frame: &mut frame::Frame) -> Result<bool, Failure> {
        let earliest = self.first - self.units(margin);
        for step in STEPS_BACK {
            let target = (at - self.units(margin + step)).max(earliest);
            let sought = libav::seek(&mut self.input, self.index, target);
            if sought.is_ok() {
                self.decoder_starts_anew();
                self.awaits_key = true;
                // What cannot be decoded here may only lack its beginning: further back will tell.
                if self.next(frame).unwrap_or(false) && frame.timestamp().is_some_and(|found| found <= at) {
                    return Ok(true);
                }
            }
            if target == earliest {
                break;
            }
        }
        self.restart()?;
        self.next(frame)
    }

    /// Back to the very beginning. Not every container can seek there (MPEG-TS lands after the first
    /// key frame), but each can be opened again.
    fn restart(&mut self) -> Result<(), Failure> {
        let failed = |cause| Failure::OpenMedia { path: self.path.clone(), cause };
        let mut input = libav::open_input(&self.path).map_err(failed)?;
        libav::keep_only(&mut input, self.index);
        self.input = input;
        self.awaits_key = false;
        self.decoder_starts_anew();
        Ok(())
    }

    fn decoder_starts_anew(&mut self) {
        self.decoder.flush();
        self.drained = false;
        self.newest = None;
    }

    /// So many seconds in the stream's units.
    pub fn units(&self, seconds: f64) -> i64 {
        (seconds * f64::from(self.time_base.denominator()) / f64::from(self.time_base.numerator())) as i64
    }
}

/// Time zero of a source in the units of one of its streams: sound is counted from the first
/// picture too, or containers that begin with the encoder's priming samples would be out of step.
fn origin(input: &Input, stream: &format::stream::Stream<'_>) -> i64 {
    let cover = format::stream::Disposition::ATTACHED_PIC;
    let pictures =
        input.streams().best(media::Type::Video).filter(|best| !best.disposition().contains(cover));
    let start = pictures.and_then(|pictures| Some((start(&pictures)?, pictures.time_base())));
    match start {
        // SAFETY: a calculation on plain numbers.
        Some((at, unit)) => unsafe { ffi::av_rescale_q(at, unit.into(), stream.time_base().into()) },
        None => start_or_zero(stream),
    }
}

fn start(stream: &format::stream::Stream<'_>) -> Option<i64> {
    Some(stream.start_time()).filter(|&at| at != ffi::AV_NOPTS_VALUE)
}

fn start_or_zero(stream: &format::stream::Stream<'_>) -> i64 {
    start(stream).unwrap_or(0)
}
