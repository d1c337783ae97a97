//! A source's sound, found by sample and resampled to the export's rate.

use std::path::Path;

use ffmpeg::{frame, media};
use ffmpeg_next as ffmpeg;

use crate::clock::units_as_seconds;
use crate::decode::Stream;
use crate::failure::Failure;
use crate::resample::{Resampler, SampleKind};

/// Channels of everything that is mixed.
pub const CHANNELS: usize = 2;

/// How much earlier than wanted decoding begins after a seek, in seconds: codecs need some frames
/// until they are right (AAC two, Opus 80 ms).
const PRIMING: f64 = 0.12;

/// A step in the timestamps beyond this many seconds is a hole in the sound, not a rounding.
const HOLE: f64 = 0.02;

/// Up to this many seconds ahead are decoded through, further ones sought.
const NEAR: f64 = 0.5;

/// A source's sound, as interleaved stereo floats. Positions are counted in samples of the export
/// since time zero of the source, so they may be negative.
pub struct SoundReader {
    stream: Stream,
    rate: u32,
    resampler: Option<Resampler>,
    /// Decoded and not asked for yet; its first sample's position is `start`.
    pending: Vec<f32>,
    start: i64,
    /// Whether `start` is known: not before the first frame after a seek.
    placed: bool,
    ended: bool,
}

impl SoundReader {
    /// Opens a file's sound, to be had at `rate` samples a second; `None` when it has none.
    /// `threads` 0 lets the decoder choose.
    ///
    /// # Errors
    /// When the file is no media, or has no decoder here.
    pub fn open(path: &Path, rate: u32, threads: u32) -> Result<Option<SoundReader>, Failure> {
        let stream = Stream::open(path, media::Type::Audio, threads)?;
        Ok(stream.map(|stream| SoundReader {
            stream,
            rate,
            resampler: None,
            pending: Vec::new(),
            start: 0,
            placed: false,
            ended: false,
        }))
    }

    /// Adds the sound from a position on to `mix`; where the source has none, nothing is added.
    ///
    /// # Errors
    /// When the file cannot be searched, read or decoded.
    pub fn add_to(&mut self, mix: &mut [f32], from: i64) -> Result<(), Failure> {
        let end = from + (mix.len() / CHANNELS) as i64;
        if self.is_far(from) {
            self.seek(from)?;
        }
        while !self.ended && (!self.placed || self.end() < end) {
            self.forget_before(from);
            self.decode()?;
        }
        self.forget_before(from);
        let silent = ((self.start - from).max(0) as usize * CHANNELS).min(mix.len());
        for (sum, sample) in mix[silent..].iter_mut().zip(&self.pending) {
            *sum += sample;
        }
        Ok(())
    }

    fn end(&self) -> i64 {
        self.start + (self.pending.len() / CHANNELS) as i64
    }

    fn is_far(&self, from: i64) -> bool {
        let near = (NEAR * f64::from(self.rate)) as i64;
        let (start, end) = if self.placed { (self.start, self.end()) } else { (0, 0) };
        from < start || (from > end + near && !self.ended)
    }

    fn seek(&mut self, from: i64) -> Result<(), Failure> {
        let at = self.stream.first() + self.stream.units(from as f64 / f64::from(self.rate));
        let mut found = frame::Audio::empty();
        let any = self.stream.seek_before(at, PRIMING, &mut found)?;
        self.resampler = None;
        self.pending.clear();
        self.placed = false;
        self.ended = !any;
        if any { self.take(&found) } else { Ok(()) }
    }

    /// Decodes one more frame, or takes what was held back at the stream's end.
    fn decode(&mut self) -> Result<(), Failure> {
        let mut frame = frame::Audio::empty();
        if self.stream.next(&mut frame)? {
            return self.take(&frame);
        }
        self.ended = true;
        self.placed = true;
        self.drain()
    }

    fn take(&mut self, frame: &frame::Audio) -> Result<(), Failure> {
        let at = frame.timestamp();
        if frame.is_corrupt() || frame.has_decode_errors() {
            return Err(self.stream.broken(at, "the sound is damaged"));
        }
        let kind = SampleKind::of(frame);
        if self.resampler.as_ref().is_some_and(|resampler| resampler.from() != kind) {
            self.drain()?;
        }
        if let Some(at) = at {
            self.place(self.position(at))?;
        }
        self.placed = true;
        let fresh = || Resampler::new(kind, SampleKind::mixing(self.rate));
        let failed = |cause: ffmpeg::Error| self.stream.broken(at, &cause.to_string());
        let mut resampler = match self.resampler.take() {
            Some(resampler) => resampler,
            None => fresh().map_err(failed)?,
        };
        resampler.append(Some(frame), &mut self.pending).map_err(failed)?;
        self.resampler = Some(resampler);
        Ok(())
    }

    /// Sees to it that the next sample appended stands at a position: the first one after a seek
    /// sets the count, later ones only correct it where the sound has a hole.
    fn place(&mut self, position: i64) -> Result<(), Failure> {
        if !self.placed {
            self.start = position;
            return Ok(());
        }
        let held = self.resampler.as_ref().map_or(0, Resampler::held);
        if (position - self.end() - held).abs() <= (HOLE * f64::from(self.rate)) as i64 {
            return Ok(());
        }
        self.drain()?;
        let kept = (position - self.start).max(0) as usize * CHANNELS;
        self.pending.resize(kept, 0.0);
        self.start = self.start.min(position);
        Ok(())
    }

    /// Takes what the resampler held back, and ends it.
    fn drain(&mut self) -> Result<(), Failure> {
        let Some(mut resampler) = self.resampler.take() else { return Ok(()) };
        resampler
            .append(None, &mut self.pending)
            .map_err(|cause| self.stream.broken(None, &cause.to_string()))
    }

    fn position(&self, timestamp: i64) -> i64 {
        let seconds = units_as_seconds(timestamp - self.stream.first(), self.stream.time_base());
        (seconds * f64::from(self.rate)).round() as i64
    }

    fn forget_before(&mut self, position: i64) {
        let over = (position - self.start).max(0) as usize * CHANNELS;
        let over = over.min(self.pending.len());
        self.pending.drain(..over);
        self.start += (over / CHANNELS) as i64;
    }
}
