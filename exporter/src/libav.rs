//! The few calls of FFmpeg's libraries that `ffmpeg-next` has no sound wrapper for.

use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use ffmpeg::{codec, ffi, format, frame};
use ffmpeg_next as ffmpeg;

/// Readies the libraries. They keep silent, so that a failure is one line of ours; `verbose` lets
/// them write their warnings to stderr.
pub fn start(verbose: bool) -> Result<(), ffmpeg::Error> {
    ffmpeg::init()?;
    ffmpeg::log::set_level(if verbose { ffmpeg::log::Level::Warning } else { ffmpeg::log::Level::Quiet });
    Ok(())
}

/// What the libraries write to stderr while something is done, in one line. Encoders give their
/// reasons only there, some of them past libav's own log. With a `verbose` start, all goes to stderr
/// as ever and nothing is heard.
pub fn hear<T>(action: impl FnOnce() -> T) -> (T, String) {
    let is_quiet = ffmpeg::log::get_level() == Ok(ffmpeg::log::Level::Quiet);
    let Some(ear) = Some(()).filter(|()| is_quiet).and_then(|()| Ear::new()) else {
        return (action(), String::new());
    };
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    let result = action();
    ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
    (result, one_line(&ear.heard()))
}

/// Stderr turned into memory, until this is dropped.
struct Ear {
    memory: File,
    stderr: OwnedFd,
}

impl Ear {
    fn new() -> Option<Ear> {
        let stderr = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
        // SAFETY: the name is a C string; a descriptor that is not -1 is new and ours.
        let memory = unsafe {
            let descriptor = libc::memfd_create(c"stderr".as_ptr(), libc::MFD_CLOEXEC);
            (descriptor != -1).then(|| File::from_raw_fd(descriptor))
        }?;
        // SAFETY: both descriptors are open.
        let turned = unsafe { libc::dup2(memory.as_raw_fd(), libc::STDERR_FILENO) };
        (turned != -1).then_some(Ear { memory, stderr })
    }

    fn heard(mut self) -> String {
        let mut text = Vec::new();
        // What cannot be read is only a worse message.
        let _ = self.memory.rewind().and_then(|()| self.memory.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // SAFETY: both descriptors are open.
        unsafe { libc::dup2(self.stderr.as_raw_fd(), libc::STDERR_FILENO) };
    }
}

/// Lines joined, without libav's `[name @ address]` and without what is no complaint.
fn one_line(text: &str) -> String {
    let bare = |line: &str| match (line.starts_with('['), line.split_once("] ")) {
        (true, Some((_, rest))) => rest.trim().to_string(),
        _ => line.trim().to_string(),
    };
    let complains = |line: &String| !line.is_empty() && !line.contains("[info]");
    text.lines().map(bare).filter(complains).collect::<Vec<_>>().join("; ")
}

/// `Ok` with the number for a result that is not negative, as libav's functions report.
pub fn checked(result: i32) -> Result<i32, ffmpeg::Error> {
    if result < 0 { Err(ffmpeg::Error::from(result)) } else { Ok(result) }
}

/// A path as libav's URL. The protocol is named, so that a colon in a file's name is only a colon.
pub fn url(path: &Path) -> Result<CString, ffmpeg::Error> {
    let mut url = b"file:".to_vec();
    url.extend_from_slice(path.as_os_str().as_bytes());
    CString::new(url).map_err(|_| ffmpeg::Error::Other { errno: libc::EINVAL })
}

/// Text for libav; text with a NUL in it is refused.
pub fn text(value: &str) -> Result<CString, ffmpeg::Error> {
    CString::new(value).map_err(|_| ffmpeg::Error::Other { errno: libc::EINVAL })
}

/// Opens a media file and finds what streams it has.
pub fn open_input(path: &Path) -> Result<format::context::Input, ffmpeg::Error> {
    let url = url(path)?;
    let mut context = ptr::null_mut();
    // SAFETY: `context` is null, so libavformat allocates it; on failure it frees it again.
    checked(unsafe {
        ffi::avformat_open_input(&mut context, url.as_ptr(), ptr::null_mut(), ptr::null_mut())
    })?;
    // SAFETY: the context was opened just above and is owned by nothing else yet.
    let mut input = unsafe { format::context::Input::wrap(context) };
    // SAFETY: `input` owns an open context; null means no options for any stream.
    checked(unsafe { ffi::avformat_find_stream_info(input.as_mut_ptr(), ptr::null_mut()) })?;
    Ok(input)
}

/// Makes the demuxer drop the packets of every stream but one, so that no queue of them can grow.
pub fn keep_only(input: &mut format::context::Input, kept: usize) {
    for index in 0..input.nb_streams() as usize {
        let discard =
            if index == kept { ffi::AVDiscard::AVDISCARD_DEFAULT } else { ffi::AVDiscard::AVDISCARD_ALL };
        // SAFETY: `index` is below the context's number of streams, whose array holds valid pointers.
        unsafe { (**(*input.as_mut_ptr()).streams.add(index)).discard = discard };
    }
}

/// Goes to the last key frame at or before `at` (in the stream's units), as the container knows it.
pub fn seek(input: &mut format::context::Input, stream: usize, at: i64) -> Result<(), ffmpeg::Error> {
    // SAFETY: `input` owns an open context that has this stream.
    checked(unsafe { ffi::avformat_seek_file(input.as_mut_ptr(), stream as i32, i64::MIN, at, at, 0) })?;
    Ok(())
}

/// Opens a decoder for a stream. `threads` 0 lets the library choose.
pub fn open_decoder(
    stream: &format::stream::Stream<'_>,
    threads: u32,
) -> Result<codec::decoder::Opened, ffmpeg::Error> {
    let mut context = codec::Context::from_parameters(stream.parameters())?;
    let codec = ffmpeg::decoder::find(context.id()).ok_or(ffmpeg::Error::DecoderNotFound)?;
    set_threads(&mut context, threads);
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    decoder.open_as(codec)
}

/// Sets a codec's number of threads and leaves the way they share the work as the codec has it;
/// `codec::Context::set_threading` would always change both.
pub fn set_threads(context: &mut codec::Context, threads: u32) {
    // SAFETY: the context is allocated and not opened yet.
    unsafe { (*context.as_mut_ptr()).thread_count = threads as i32 };
}

/// A second reference to the same picture, with its own timestamps; no pixel is copied
/// (`frame::Video::clone` copies them all).
pub fn reference(picture: &frame::Video) -> Result<frame::Video, ffmpeg::Error> {
    let mut other = frame::Video::empty();
    // SAFETY: both are allocated frames, and `other` is blank as av_frame_ref asks.
    checked(unsafe { ffi::av_frame_ref(other.as_mut_ptr(), picture.as_ptr()) })?;
    Ok(other)
}

/// A pixel format's name, as FFmpeg writes it.
pub fn pixel_name(format: format::Pixel) -> &'static str {
    format.descriptor().map_or("none", |descriptor| descriptor.name())
}

/// Fills a picture with black that is right for its format and range.
pub fn paint_black(picture: &mut frame::Video, full_range: bool) -> Result<(), ffmpeg::Error> {
    let range =
        if full_range { ffi::AVColorRange::AVCOL_RANGE_JPEG } else { ffi::AVColorRange::AVCOL_RANGE_MPEG };
    let (format, width, height) = (picture.format(), picture.width() as i32, picture.height() as i32);
    // SAFETY: the frame owns its planes and was allocated for exactly this format and size.
    checked(unsafe {
        let raw = picture.as_mut_ptr();
        let strides = (*raw).linesize.map(|stride| stride as isize);
        ffi::av_image_fill_black(
            (*raw).data.as_mut_ptr(),
            strides.as_ptr(),
            format.into(),
            range,
            width,
            height,
        )
    })?;
    Ok(())
}

/// Whether an encoder or filter context has an option of this name that may be set.
///
/// # Safety
/// `object` must point to a live struct whose first field is its `AVClass`.
pub unsafe fn has_option(object: *mut libc::c_void, name: &str) -> bool {
    let Ok(name) = text(name) else { return false };
    // SAFETY: the caller vouches for `object`; the name is a C string.
    let found =
        unsafe { ffi::av_opt_find(object, name.as_ptr(), ptr::null(), 0, ffi::AV_OPT_SEARCH_CHILDREN) };
    !found.is_null()
}
