//! A source's pictures, found by time.

use std::path::Path;

use ffmpeg::{Rational, codec, ffi, format, frame, media};
use ffmpeg_next as ffmpeg;

use crate::clock::SourceTime;
use crate::decode::Stream;
use crate::failure::Failure;

/// How many frames ahead decoding through is taken to be cheaper than a seek, which goes back to a
/// key frame.
const NEAR_FRAMES: i64 = 12;

/// What pictures look like, as far as an encoder or filter must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixel format.
    pub format: format::Pixel,
    /// Whether luma uses all values (`pc`), not 16 to 235 (`tv`, and what nobody specified).
    pub full_range: bool,
}

impl Look {
    /// The look of a decoded picture.
    pub fn of(picture: &frame::Video) -> Look {
        Look {
            width: picture.width(),
            height: picture.height(),
            format: picture.format(),
            full_range: picture.color_range() == ffmpeg::color::Range::JPEG,
        }
    }
}

/// How a source says its numbers are to be understood as colors.
#[derive(Debug, Clone, Copy)]
pub struct Color {
    /// Matrix between RGB and luma and chroma.
    pub space: ffmpeg::color::Space,
    /// Which red, green and blue.
    pub primaries: ffmpeg::color::Primaries,
    /// Transfer characteristic.
    pub transfer: ffmpeg::color::TransferCharacteristic,
    /// Full or limited.
    pub range: ffmpeg::color::Range,
}

impl Color {
    /// Nothing specified.
    pub const UNSPECIFIED: Color = Color {
        space: ffmpeg::color::Space::Unspecified,
        primaries: ffmpeg::color::Primaries::Unspecified,
        transfer: ffmpeg::color::TransferCharacteristic::Unspecified,
        range: ffmpeg::color::Range::Unspecified,
    };
}

/// How many seconds earlier a decoder is started that loses its last picture.
const EARLIER: [f64; 3] = [2.0, 20.0, 1e6];

/// A source's pictures. Holds one decoded picture, two where the next had to be looked at.
pub struct PictureReader {
    stream: Stream,
    /// A frame's length, in the stream's units: the average, and the shortest that may occur.
    frame: i64,
    shortest: i64,
    /// The last picture at or before the last time asked for.
    shown: Option<frame::Video>,
    /// The one after it, where it is decoded already.
    ahead: Option<frame::Video>,
}

impl PictureReader {
    /// Opens a file's pictures. `threads` 0 lets the decoder choose.
    ///
    /// # Errors
    /// When the file is no media, has no pictures, or no decoder for them is here.
    pub fn open(path: &Path, threads: u32) -> Result<PictureReader, Failure> {
        let stream = Stream::open(path, media::Type::Video, threads)?;
        let stream = stream.ok_or_else(|| Failure::NoStream { path: path.into(), what: "pictures" })?;
        let (average, real) = (stream.description().avg_frame_rate(), stream.description().rate());
        let length = |rate: Rational| {
            let seconds = f64::from(rate.denominator()) / f64::from(rate.numerator());
            Some(stream.units(seconds)).filter(|_| rate.numerator() > 0 && rate.denominator() > 0)
        };
        let frame = length(average).or(length(real)).unwrap_or_else(|| stream.units(0.04)).max(1);
        let shortest = length(real).unwrap_or(frame).clamp(1, frame);
        Ok(PictureReader { stream, frame, shortest, shown: None, ahead: None })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.stream.path()
    }

    /// The pictures' look, as far as the container knows it.
    pub fn look(&self) -> Look {
        let context = self.context();
        let format = format::Pixel::from(context.pix_fmt);
        let full_range = context.color_range == ffi::AVColorRange::AVCOL_RANGE_JPEG;
        Look { width: context.width as u32, height: context.height as u32, format, full_range }
    }

    /// How the pictures' colors are meant.
    pub fn color(&self) -> Color {
        let context = self.context();
        Color {
            space: context.colorspace.into(),
            primaries: context.color_primaries.into(),
            transfer: context.color_trc.into(),
            range: context.color_range.into(),
        }
    }

    /// Width of a pixel by its height; 0/1 where nobody said.
    pub fn pixel_aspect(&self) -> Rational {
        self.context().sample_aspect_ratio.into()
    }

    fn context(&self) -> &ffi::AVCodecContext {
        let context: &codec::Context = self.stream.decoder();
        // SAFETY: an opened decoder's context is valid as long as the decoder, which `self` borrows.
        unsafe { &*context.as_ptr() }
    }

    /// How many frames the file had, once its end was met.
    pub fn frames_until_end(&self) -> u64 {
        let end = self.shown.as_ref().map_or(self.stream.first(), |shown| timestamp(shown) + self.frame);
        ((end - self.stream.first() + self.frame / 2) / self.frame).max(0) as u64
    }

    /// The picture that stands at a time: the last that begins no later than a quarter of a frame
    /// after it, since containers round timestamps. `None` when the file ended more than a frame before.
    ///
    /// # Errors
    /// When the file cannot be searched, read or decoded, or the picture itself is broken.
    pub fn picture_at(&mut self, time: SourceTime) -> Result<Option<&frame::Video>, Failure> {
        let target = self.stream.first() + time.in_units(self.stream.time_base()) + self.frame / 4;
        if self.is_far(target) {
            self.seek(target, 0.0)?;
        }
        self.advance(target)?;
        self.look_further_back(target)?;
        match &self.shown {
            Some(shown) if damaged(shown) => {
                Err(self.stream.broken(Some(timestamp(shown)), "the picture is damaged"))
            }
            Some(shown) if self.ahead.is_none() && target >= timestamp(shown) + 2 * self.frame => Ok(None),
            shown => Ok(shown.as_ref()),
        }
    }

    /// Whether the target lies behind, or so far ahead that a seek is worth it.
    fn is_far(&self, target: i64) -> bool {
        let near = NEAR_FRAMES * self.frame;
        match self.ahead.as_ref().or(self.shown.as_ref()) {
            None => target > self.stream.first() + near,
            Some(latest) if target > timestamp(latest) => target > timestamp(latest) + near,
            Some(_) => {
                self.shown.as_ref().is_some_and(|shown| target < timestamp(shown))
                    && target >= self.stream.first()
            }
        }
    }

    fn seek(&mut self, target: i64, margin: f64) -> Result<(), Failure> {
        self.shown = None;
        self.ahead = None;
        let mut found = frame::Video::empty();
        if self.stream.seek_before(target, margin, &mut found)? {
            self.shown = Some(self.stamped(found));
        }
        Ok(())
    }

    /// Where the decoder lost the picture at the target, it is started earlier, at last at the beginning.
    fn look_further_back(&mut self, target: i64) -> Result<(), Failure> {
        for margin in EARLIER {
            let shown = self.shown.as_ref().map_or(i64::MIN, timestamp);
            if self.ahead.is_some() || !self.stream.has_swallowed(shown) {
                break;
            }
            self.seek(target, margin)?;
            self.advance(target)?;
        }
        Ok(())
    }

    /// Decodes until the picture at the target is shown: until the next one is seen to begin after
    /// it, or cannot begin before it.
    fn advance(&mut self, target: i64) -> Result<(), Failure> {
        loop {
            match self.ahead.take() {
                Some(ahead) if self.shown.is_none() || timestamp(&ahead) <= target => {
                    self.shown = Some(ahead)
                }
                Some(ahead) => {
                    self.ahead = Some(ahead);
                    return Ok(());
                }
                None => {}
            }
            let certain = |shown| target < timestamp(shown) + self.shortest * 3 / 4;
            if self.shown.as_ref().is_some_and(certain) {
                return Ok(());
            }
            let mut next = frame::Video::empty();
            if !self.stream.next(&mut next)? {
                return Ok(());
            }
            self.ahead = Some(self.stamped(next));
        }
    }

    /// The picture with its best known timestamp; where there is none, a frame after the last.
    fn stamped(&self, mut picture: frame::Video) -> frame::Video {
        let guess = self.shown.as_ref().map_or(self.stream.first(), |shown| timestamp(shown) + self.frame);
        let at = picture.timestamp().unwrap_or(guess);
        picture.set_pts(Some(at));
        picture
    }
}

fn timestamp(picture: &frame::Video) -> i64 {
    picture.pts().expect("pictures are stamped when they are decoded")
}

fn damaged(picture: &frame::Video) -> bool {
    picture.is_corrupt() || picture.has_decode_errors()
}
