//! What a file really holds: each frame's barcode and checksum, and when its sound bursts.

use std::io::Write;
use std::path::Path;

use ffmpeg::{Packet, ffi, frame, media};
use ffmpeg_next as ffmpeg;

use crate::barcode::Barcode;
use crate::clock::units_as_seconds;
use crate::decode::Stream;
use crate::failure::Failure;
use crate::libav;
use crate::resample::{Resampler, SampleKind};
use crate::sound::CHANNELS;

/// Loudness is measured over so many seconds, which is a whole period of a burst's tone …
const WINDOW: f64 = 0.001;
/// … at every so many seconds.
const STEP: f64 = 0.00025;
/// Sound must have been quiet for so many seconds before a new burst counts.
const QUIET: f64 = 0.01;
/// A burst lasts at least so many seconds; what is shorter is one that a cut left a rest of.
const LEAST_LENGTH: f64 = 0.005;
/// A file whose loudest moment stays below this amplitude has no bursts.
const LEAST_LOUD: f32 = 0.2;

/// Writes a table of a file's frames: number, timestamp in seconds, source and frame as the barcode
/// says (empty where it cannot be read), and with `checksum` a CRC-32 of the visible bytes.
///
/// # Errors
/// When the file cannot be decoded. A reader of the table that went away is none.
pub fn list(path: &Path, checksum: bool, out: &mut impl Write) -> Result<(), Failure> {
    let stream = Stream::open(path, media::Type::Video, 0)?;
    let mut stream = stream.ok_or_else(|| Failure::NoStream { path: path.into(), what: "pictures" })?;
    let mut taken =
        writeln!(out, "frame,pts_s,source,source_frame{}", if checksum { ",checksum" } else { "" });
    let mut picture = frame::Video::empty();
    let mut number = 0;
    while taken.is_ok() && stream.next(&mut picture)? {
        taken = writeln!(out, "{}", row(number, &picture, stream.time_base(), checksum));
        number += 1;
    }
    told(taken.and_then(|()| out.flush()))
}

/// Writes how many pictures a file holds, by its packets: nothing is decoded.
///
/// # Errors
/// When the file cannot be read to its end. A reader that went away is none.
pub fn count(path: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let failed = |cause| Failure::OpenMedia { path: path.into(), cause };
    let mut input = libav::open_input(path).map_err(failed)?;
    let best = input.streams().best(media::Type::Video).map(|stream| stream.index());
    let index = best.ok_or_else(|| Failure::NoStream { path: path.into(), what: "pictures" })?;
    libav::keep_only(&mut input, index);
    let mut packet = Packet::empty();
    let mut pictures = 0_u64;
    loop {
        match packet.read(&mut input) {
            Ok(()) => pictures += u64::from(packet.stream() == index),
            Err(ffmpeg::Error::Eof) => return told(writeln!(out, "{pictures}").and_then(|()| out.flush())),
            Err(cause) => return Err(failed(cause)),
        }
    }
}

fn row(number: u64, picture: &frame::Video, time_base: ffmpeg::Rational, checksum: bool) -> String {
    let at =
        picture.timestamp().map_or(String::new(), |at| format!("{:.6}", units_as_seconds(at, time_base)));
    let code = Barcode::read(picture).map_or(",".into(), |code| format!("{},{}", code.source, code.frame));
    let sum = if checksum { format!(",{:08x}", visible_checksum(picture)) } else { String::new() };
    format!("{number},{at},{code}{sum}")
}

/// CRC-32 of all planes' visible bytes, whatever lies between their lines.
fn visible_checksum(picture: &frame::Video) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for plane in 0..picture.planes() {
        // SAFETY: asked by number.
        let visible = unsafe {
            ffi::av_image_get_linesize(picture.format().into(), picture.width() as i32, plane as i32)
        };
        let stride = picture.stride(plane);
        for line in 0..picture.plane_height(plane) as usize {
            // SAFETY: the line lies within the plane, which is at least as wide as what is visible.
            let bytes = unsafe {
                let start = (*picture.as_ptr()).data[plane].add(line * stride);
                std::slice::from_raw_parts(start, visible.max(0) as usize)
            };
            hasher.update(bytes);
        }
    }
    hasher.finalize()
}

/// Writes a table of when loud bursts of sound begin, in seconds on the axis of the frames' timestamps.
///
/// # Errors
/// When the file has no sound or cannot be decoded.
pub fn list_bursts(path: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let loudness = Loudness::of(path)?;
    let mut taken = writeln!(out, "burst,start_s");
    for (number, start) in loudness.bursts().into_iter().enumerate() {
        taken = taken.and_then(|()| writeln!(out, "{number},{start:.6}"));
    }
    told(taken.and_then(|()| out.flush()))
}

/// Nobody reading on, as in `… | head`, is no failure.
fn told(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Refused(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Loudness of a file's sound over time.
struct Loudness {
    /// Seconds of the first value.
    start: f64,
    /// Seconds between values.
    step: f64,
    /// Root mean square of the window that begins at each step.
    values: Vec<f32>,
}

impl Loudness {
    fn of(path: &Path) -> Result<Loudness, Failure> {
        let stream = Stream::open(path, media::Type::Audio, 0)?;
        let mut stream = stream.ok_or_else(|| Failure::NoStream { path: path.into(), what: "sound" })?;
        let mut frame = frame::Audio::empty();
        let mut sound: Option<(f64, Resampler)> = None;
        let (mut rate, mut meter) = (0, Meter::default());
        while stream.next(&mut frame)? {
            let at = frame.timestamp();
            let failed = |cause: ffmpeg::Error| stream.broken(at, &cause.to_string());
            if sound.is_none() {
                let kind = SampleKind::of(&frame);
                rate = kind.rate;
                meter = Meter::new(rate);
                let start = units_as_seconds(at.unwrap_or(0), stream.time_base());
                sound = Some((start, Resampler::new(kind, SampleKind::mixing(rate)).map_err(failed)?));
            }
            if let Some((_, resampler)) = &mut sound {
                resampler.append(Some(&frame), &mut meter.pending).map_err(failed)?;
                meter.measure();
            }
        }
        let start = sound.map_or(0.0, |(start, _)| start);
        let step = if rate == 0 { STEP } else { meter.step as f64 / f64::from(rate) };
        Ok(Loudness { start, step, values: meter.values })
    }

    /// When loudness rises past half of its highest, having been below for a while.
    fn bursts(&self) -> Vec<f64> {
        let highest = self.values.iter().copied().fold(0.0, f32::max);
        if highest < LEAST_LOUD {
            return Vec::new();
        }
        let steps = |seconds: f64| (seconds / self.step) as usize;
        let (mut quiet, mut bursts, mut at) = (steps(QUIET), Vec::new(), 0);
        for same in self.values.chunk_by(|&one, &other| (one < highest / 2.0) == (other < highest / 2.0)) {
            let is_quiet = same[0] < highest / 2.0;
            if is_quiet || same.len() < steps(LEAST_LENGTH) {
                quiet += same.len();
            } else {
                if quiet >= steps(QUIET) {
                    bursts.push(self.start + self.rise(at));
                }
                quiet = 0;
            }
            at += same.len();
        }
        bursts
    }

    /// When a burst begins whose loudness is half of its highest in the window at `index`: energy is
    /// a quarter then, so the burst fills the window's last quarter.
    fn rise(&self, index: usize) -> f64 {
        if index == 0 { 0.0 } else { index as f64 * self.step + WINDOW * 0.75 }
    }
}

/// Measures loudness as samples come in.
#[derive(Default)]
struct Meter {
    step: usize,
    window: usize,
    pending: Vec<f32>,
    values: Vec<f32>,
}

impl Meter {
    fn new(rate: u32) -> Meter {
        let samples = |seconds: f64| ((seconds * f64::from(rate)).round() as usize).max(1);
        Meter { step: samples(STEP), window: samples(WINDOW), pending: Vec::new(), values: Vec::new() }
    }

    fn measure(&mut self) {
        let mut at = 0;
        while at + self.window * CHANNELS <= self.pending.len() {
            let window = &self.pending[at..at + self.window * CHANNELS];
            let energy: f32 = window.iter().map(|sample| sample * sample).sum();
            self.values.push((energy / window.len() as f32).sqrt());
            at += self.step * CHANNELS;
        }
        self.pending.drain(..at.min(self.pending.len()));
    }
}
