//! Samples of one kind made into another by libswresample.

use std::ptr;

use ffmpeg::{ffi, frame};
use ffmpeg_next as ffmpeg;

use crate::libav::checked;

/// How samples are laid out and how many there are a second. Stereo or whatever a file has; layouts
/// that nobody named are taken as the usual one of their number of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleKind {
    /// Type of a sample, planar or interleaved.
    pub format: ffi::AVSampleFormat,
    /// Samples a second and channel.
    pub rate: u32,
    channels: i32,
    mask: u64,
}

impl SampleKind {
    /// Interleaved stereo floats: what memreel-export mixes in.
    pub fn mixing(rate: u32) -> SampleKind {
        SampleKind::stereo(ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT, rate)
    }

    /// Stereo of any type of sample.
    pub fn stereo(format: ffi::AVSampleFormat, rate: u32) -> SampleKind {
        SampleKind { format, rate, channels: 2, mask: usual_layout(2).1 }
    }

    /// What a decoded frame holds.
    pub fn of(frame: &frame::Audio) -> SampleKind {
        // SAFETY: the frame is allocated; the union holds a mask when the order is native.
        let (layout, mask) = unsafe {
            let layout = &(*frame.as_ptr()).ch_layout;
            (layout, layout.u.mask)
        };
        let native = layout.order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE;
        let (channels, mask) =
            if native { (layout.nb_channels, mask) } else { usual_layout(layout.nb_channels) };
        SampleKind { format: frame.format().into(), rate: frame.rate(), channels, mask }
    }

    /// libav's layout of these channels. It owns nothing, so it need not be freed.
    pub fn layout(&self) -> ffi::AVChannelLayout {
        ffi::AVChannelLayout {
            order: ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE,
            nb_channels: self.channels,
            u: ffi::AVChannelLayout__bindgen_ty_1 { mask: self.mask },
            opaque: ptr::null_mut(),
        }
    }
}

fn usual_layout(channels: i32) -> (i32, u64) {
    // SAFETY: all zeros is a valid layout without channels; the default one of a number of channels
    // is native, so the union holds a mask, or unspecified, where it is zero.
    unsafe {
        let mut layout: ffi::AVChannelLayout = std::mem::zeroed();
        ffi::av_channel_layout_default(&mut layout, channels);
        (channels, layout.u.mask)
    }
}

/// A resampler from one kind of samples to another.
pub struct Resampler {
    context: *mut ffi::SwrContext,
    from: SampleKind,
    to: SampleKind,
}

// SAFETY: the context belongs to this value alone, and libswresample ties nothing to a thread.
unsafe impl Send for Resampler {}

impl Resampler {
    /// Readies a resampler.
    ///
    /// # Errors
    /// When libswresample does not know a way.
    pub fn new(from: SampleKind, to: SampleKind) -> Result<Resampler, ffmpeg::Error> {
        let mut resampler = Resampler { context: ptr::null_mut(), from, to };
        let (mut layout_in, mut layout_out) = (from.layout(), to.layout());
        // SAFETY: a null context is allocated by the call; the layouts live until it returns. What it
        // allocated is freed by `Drop` on every way out.
        checked(unsafe {
            ffi::swr_alloc_set_opts2(
                &mut resampler.context,
                &mut layout_out,
                to.format,
                to.rate as i32,
                &mut layout_in,
                from.format,
                from.rate as i32,
                0,
                ptr::null_mut(),
            )
        })?;
        // SAFETY: the context was allocated above.
        checked(unsafe { ffi::swr_init(resampler.context) })?;
        Ok(resampler)
    }

    /// What it takes.
    pub fn from(&self) -> SampleKind {
        self.from
    }

    /// How many samples (at the rate that comes out) it holds back.
    pub fn held(&self) -> i64 {
        // SAFETY: the context is initialised.
        unsafe { ffi::swr_get_delay(self.context, self.to.rate.into()) }
    }

    /// Appends what comes out of a frame to `to`; without a frame, what was held back. Only for
    /// resamplers into [`SampleKind::mixing`].
    pub fn append(&mut self, frame: Option<&frame::Audio>, to: &mut Vec<f32>) -> Result<(), ffmpeg::Error> {
        debug_assert_eq!(self.to.format, ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT);
        let taken = frame.map_or(0, |frame| frame.samples() as i32);
        // SAFETY: the context is initialised.
        let room = checked(unsafe { ffi::swr_get_out_samples(self.context, taken) })?;
        let (channels, start) = (self.to.channels as usize, to.len());
        to.resize(start + room as usize * channels, 0.0);
        let mut out = to[start..].as_mut_ptr().cast::<u8>();
        // SAFETY: `out` has room for `room` interleaved samples; the input planes are those of a
        // decoded frame of the kind this context was made for, or null to take what is held back.
        let made = unsafe {
            let planes =
                frame.map_or(ptr::null_mut(), |frame| (*frame.as_ptr()).extended_data.cast::<*const u8>());
            ffi::swr_convert(self.context, &mut out, room, planes, taken)
        };
        to.truncate(start + made.max(0) as usize * channels);
        checked(made).map(drop)
    }

    /// Fills a frame of the kind that comes out from interleaved samples. Only for resamplers from
    /// [`SampleKind::mixing`] that keep the rate, which never hold anything back.
    pub fn fill(&mut self, samples: &[f32], frame: &mut frame::Audio) -> Result<(), ffmpeg::Error> {
        debug_assert_eq!(self.from.rate, self.to.rate);
        assert_eq!(samples.len(), frame.samples() * self.from.channels as usize);
        let mut input = samples.as_ptr().cast::<u8>();
        // SAFETY: the frame's planes were allocated for its number of samples, and `samples` holds
        // exactly as many.
        checked(unsafe {
            let planes = (*frame.as_mut_ptr()).extended_data;
            ffi::swr_convert(self.context, planes, frame.samples() as i32, &mut input, frame.samples() as i32)
        })?;
        Ok(())
    }
}

impl Drop for Resampler {
    fn drop(&mut self) {
        // SAFETY: the context is ours, or null, which swr_free accepts.
        unsafe { ffi::swr_free(&mut self.context) };
    }
}

/// An empty frame for so many samples of a kind.
///
/// # Errors
/// When there is no memory for it.
pub fn new_frame(kind: SampleKind, samples: usize) -> Result<frame::Audio, ffmpeg::Error> {
    let mut frame = frame::Audio::empty();
    // SAFETY: the frame is allocated and blank; its layout owns nothing.
    checked(unsafe {
        let raw = frame.as_mut_ptr();
        (*raw).format = kind.format as i32;
        (*raw).nb_samples = samples as i32;
        (*raw).sample_rate = kind.rate as i32;
        (*raw).ch_layout = kind.layout();
        ffi::av_frame_get_buffer(raw, 0)
    })?;
    Ok(frame)
}
