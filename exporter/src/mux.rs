//! The output file: a container that takes packets, and a name that is only given to a whole file.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr;

use ffmpeg::format::context::Output;
use ffmpeg::{Packet, Rational, codec, ffi};
use ffmpeg_next as ffmpeg;
use memreel_timeline::Rate;

use crate::failure::Failure;
use crate::libav::{self, checked};

/// Where the packets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MuxTarget {
    /// Into a file.
    File(PathBuf),
    /// Nowhere: all is encoded and thrown away.
    Discard,
}

impl MuxTarget {
    /// Whether writing it would replace a file, by whatever name.
    pub fn replaces(&self, path: &Path) -> bool {
        match (self, fs::canonicalize(path)) {
            (MuxTarget::File(output), Ok(path)) => {
                fs::canonicalize(output).is_ok_and(|output| output == path)
            }
            _ => false,
        }
    }

    /// As the user named it.
    pub fn name(&self) -> &Path {
        match self {
            MuxTarget::File(path) => path,
            MuxTarget::Discard => Path::new("the discarded output"),
        }
    }
}

/// A file under a temporary name, removed again unless it is kept.
struct Partial {
    temporary: PathBuf,
    whole: PathBuf,
    kept: bool,
}

impl Partial {
    /// `.NAME.partial` beside the file that the user named; where that is a link, beside its goal.
    fn beside(path: &Path) -> Partial {
        let whole = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let mut name = std::ffi::OsString::from(".");
        name.push(whole.file_name().unwrap_or_default());
        name.push(".partial");
        Partial { temporary: whole.with_file_name(name), whole, kept: false }
    }

    fn keep(mut self) -> std::io::Result<()> {
        fs::rename(&self.temporary, &self.whole)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // It may never have been created; there is nobody to tell about more.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A container that is being written.
pub struct Container {
    output: Output,
    target: MuxTarget,
    /// `None` for what cannot be renamed: devices, pipes, the discarded output.
    partial: Option<Partial>,
}

impl Container {
    /// Chooses the container by its name, or by the ending of the output's. Creates no file yet.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn new(target: &MuxTarget, format: Option<&str>) -> Result<Container, Failure> {
        let format = muxer(target, format)?;
        let mut context = ptr::null_mut();
        // SAFETY: the muxer is static; a null context is allocated by the call.
        checked(unsafe {
            ffi::avformat_alloc_output_context2(&mut context, format.cast_mut(), ptr::null(), ptr::null())
        })
        .map_err(|cause| write_failure(target, &cause.to_string()))?;
        // SAFETY: the context was allocated just above and belongs to nothing else.
        let output = unsafe { Output::wrap(context) };
        Ok(Container { output, target: target.clone(), partial: None })
    }

    /// Whether encoders must put their headers into the container's.
    pub fn wants_global_header(&self) -> bool {
        self.flags() & ffi::AVFMT_GLOBALHEADER != 0
    }

    fn flags(&self) -> i32 {
        // SAFETY: the context has had its muxer since it was allocated.
        unsafe { (*(*self.output.as_ptr()).oformat).flags }
    }

    /// Adds a stream for an opened encoder; gives its index.
    ///
    /// # Errors
    /// When the container cannot hold the codec.
    pub fn add_stream(&mut self, encoder: &codec::Context, rate: Option<Rate>) -> Result<usize, Failure> {
        self.check_holds(encoder)?;
        let stream = self.output.add_stream_with(encoder);
        let mut stream = stream.map_err(|cause| write_failure(&self.target, &cause.to_string()))?;
        stream.set_time_base(encoder.time_base());
        if let Some(rate) = rate {
            stream.set_avg_frame_rate(Rational(rate.numerator() as i32, rate.denominator() as i32));
        }
        Ok(stream.index())
    }

    fn check_holds(&self, encoder: &codec::Context) -> Result<(), Failure> {
        // SAFETY: the muxer is static.
        let (answer, name) = unsafe {
            let muxer = (*self.output.as_ptr()).oformat;
            (
                ffi::avformat_query_codec(muxer, encoder.id().into(), ffi::FF_COMPLIANCE_NORMAL),
                self.output.format(),
            )
        };
        if answer != 0 {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "container {} cannot hold {}: choose another --format, or another codec",
            name.name(),
            encoder.id().name()
        )))
    }

    /// Creates the file and writes the header.
    ///
    /// # Errors
    /// When the file cannot be created, or the muxer refuses the streams.
    pub fn begin(&mut self) -> Result<(), Failure> {
        let target = self.target.clone();
        let failed = |cause: ffmpeg::Error| write_failure(&target, &cause.to_string());
        if let (MuxTarget::File(path), 0) = (&target, self.flags() & ffi::AVFMT_NOFILE) {
            self.create(path).map_err(failed)?;
        }
        let (written, reason) = libav::hear(|| self.output.write_header());
        written.map(drop).map_err(|cause| match reason.as_str() {
            "" => failed(cause),
            reason => write_failure(&target, reason),
        })
    }

    fn create(&mut self, path: &Path) -> Result<(), ffmpeg::Error> {
        let is_special = fs::metadata(path).is_ok_and(|file| !file.is_file());
        let created = if is_special {
            path.into()
        } else {
            self.partial.insert(Partial::beside(path)).temporary.clone()
        };
        let url: CString = libav::url(&created)?;
        // SAFETY: the context has no file yet; libavformat keeps its own copy of the URL.
        checked(unsafe {
            let raw = self.output.as_mut_ptr();
            ffi::av_free((*raw).url.cast());
            (*raw).url = ffi::av_strdup(url.as_ptr());
            ffi::avio_open(&mut (*raw).pb, url.as_ptr(), ffi::AVIO_FLAG_WRITE)
        })?;
        Ok(())
    }

    /// The unit of a stream's timestamps. The muxer may change it in [`Container::begin`].
    pub fn time_base(&self, stream: usize) -> Rational {
        self.output.stream(stream).expect("a stream that was added").time_base()
    }

    /// Writes a packet, when its turn among the streams' has come.
    ///
    /// # Errors
    /// When the file cannot be written, or the packet's timestamps make no sense.
    pub fn write(&mut self, packet: &Packet) -> Result<(), Failure> {
        packet
            .write_interleaved(&mut self.output)
            .map_err(|cause| write_failure(&self.target, &cause.to_string()))
    }

    /// Writes the trailer, closes the file and gives it its name.
    ///
    /// # Errors
    /// When any of it fails; the file is removed then.
    pub fn finish(mut self) -> Result<(), Failure> {
        let target = self.target.clone();
        self.output
            .write_trailer()
            .and_then(|()| self.close())
            .map_err(|cause| write_failure(&target, &cause.to_string()))?;
        match self.partial.take() {
            Some(partial) => partial.keep().map_err(|cause| write_failure(&target, &cause.to_string())),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), ffmpeg::Error> {
        // SAFETY: the context owns its file, or has none (null); closing sets it to null, so it is
        // not closed again when the context is freed.
        unsafe {
            let file = &mut (*self.output.as_mut_ptr()).pb;
            if file.is_null() {
                return Ok(());
            }
            ffi::avio_flush(*file);
            let written = checked((**file).error);
            let closed = checked(ffi::avio_closep(file));
            written.and(closed).map(drop)
        }
    }
}

fn muxer(target: &MuxTarget, format: Option<&str>) -> Result<*const ffi::AVOutputFormat, Failure> {
    let (name, path) = match target {
        MuxTarget::Discard => (Some("null"), None),
        MuxTarget::File(path) => (format, Some(path)),
    };
    let nul = |_| Failure::Refused("a name contains a NUL byte: remove it".into());
    let name = name.map(libav::text).transpose().map_err(nul)?;
    let url = path.filter(|_| name.is_none()).map(|path| libav::url(path)).transpose().map_err(nul)?;
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    // SAFETY: null or C strings that live until the call returns.
    let found = unsafe { ffi::av_guess_format(pointer(&name), pointer(&url), ptr::null()) };
    if !found.is_null() {
        return Ok(found);
    }
    Err(Failure::Refused(match format {
        Some(format) => format!("unknown container `{format}`: `memreel-export about` lists them"),
        None => format!("{}: no container has this extension: give --format NAME", target.name().display()),
    }))
}

fn write_failure(target: &MuxTarget, cause: &str) -> Failure {
    Failure::Write { path: target.name().into(), cause: cause.into() }
}
