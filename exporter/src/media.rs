//! Sources to cut from: moving pictures whose every frame carries its number, and sound that
//! marks each second.

use ffmpeg::{filter, frame};
use ffmpeg_next as ffmpeg;
use memreel_timeline::Rate;

use crate::barcode::Barcode;
use crate::clock;
use crate::convert;
use crate::encode::Pictures;
use crate::failure::Failure;
use crate::libav;
use crate::pictures::{Color, Look};
use crate::progress::Progress;
use crate::sound::CHANNELS;
use crate::write::{Encoding, FrameWriter, Rendered};

/// Loudness of the steady tone, and of the bursts, as amplitudes.
const QUIET: f64 = 0.04;
const LOUD: f64 = 0.8;
/// Pitch of the bursts in Hz.
const BURST_PITCH: f64 = 1000.0;
/// From how many lines on pictures are high definition, with the colors of BT.709.
const HIGH_DEFINITION: u32 = 720;

/// A source to be made.
#[derive(Debug, Clone)]
pub struct SourceRequest {
    /// Number in the barcode; also varies the hue and the pitch.
    pub number: u16,
    /// How many frames.
    pub frames: u64,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames a second.
    pub rate: Rate,
    /// How it is encoded, and where to.
    pub recipe: Encoding,
    /// Threads of the filters; 0 lets libavfilter choose.
    pub filter_threads: u32,
}

/// Makes a source.
///
/// # Errors
/// When a filter or encoder refuses, or the file cannot be written; none is left then.
pub fn make(request: &SourceRequest) -> Result<(), Failure> {
    let look = Look {
        width: request.width,
        height: request.height,
        format: request.recipe.pictures.format,
        full_range: false,
    };
    let pictures = Pictures {
        look,
        color: color(request.height),
        pixel_aspect: ffmpeg::Rational(1, 1),
        rate: request.rate,
    };
    if !Barcode::fits(look.format) {
        let format = libav::pixel_name(look.format);
        return Err(Failure::Refused(format!(
            "a barcode cannot be painted into {format}: choose yuv420p, yuv422p10le …"
        )));
    }
    let progress = Progress::silent();
    let mut generator = Generator::new(request)?;
    let mut writer = FrameWriter::new(&request.recipe, &pictures, &progress)?;
    for number in 0..request.frames {
        writer.write(generator.frame(number)?)?;
    }
    writer.finish()
}

/// Makes a source's frames.
struct Generator {
    pictures: filter::Graph,
    sound: Option<(filter::Graph, u32)>,
    source: u16,
    rate: Rate,
}

impl Generator {
    fn new(request: &SourceRequest) -> Result<Generator, Failure> {
        let failed = |cause| Failure::Filter { what: "make pictures and sound of a source".into(), cause };
        let build = |chain: &[(&str, &str, String)]| {
            let mut graph = convert::new_graph(request.filter_threads);
            convert::link(&mut graph, chain).map(|()| graph).map_err(failed)
        };
        let sound = match &request.recipe.sound {
            Some(codec) => Some((build(&sound_chain(request, codec.rate))?, codec.rate)),
            None => None,
        };
        Ok(Generator {
            pictures: build(&picture_chain(request))?,
            sound,
            source: request.number,
            rate: request.rate,
        })
    }

    fn frame(&mut self, number: u64) -> Result<Rendered, Failure> {
        let failed = |cause| Failure::Filter { what: format!("make frame {number} of a source"), cause };
        let mut picture = frame::Video::empty();
        convert::end(&mut self.pictures, "out").sink().frame(&mut picture).map_err(failed)?;
        make_writable(&mut picture).map_err(failed)?;
        Barcode { source: self.source, frame: number as u32 }.paint(&mut picture);
        picture.set_pts(Some(number as i64));
        picture.set_kind(ffmpeg::picture::Type::None);
        Ok(Rendered { picture, sound: self.samples(number).map_err(failed)? })
    }

    fn samples(&mut self, number: u64) -> Result<Vec<f32>, ffmpeg::Error> {
        let Some((graph, sample_rate)) = &mut self.sound else { return Ok(Vec::new()) };
        let before = |frame| clock::samples_before(frame, self.rate, *sample_rate);
        let wanted = (before(number + 1) - before(number)) as usize;
        let mut frame = frame::Audio::empty();
        convert::end(graph, "out").sink().samples(&mut frame, wanted)?;
        // SAFETY: the graph ends in interleaved stereo floats, so its one plane holds two for each sample.
        let samples = unsafe {
            std::slice::from_raw_parts((*frame.as_ptr()).data[0].cast::<f32>(), frame.samples() * CHANNELS)
        };
        Ok(samples.to_vec())
    }
}

fn make_writable(picture: &mut frame::Video) -> Result<(), ffmpeg::Error> {
    // SAFETY: an allocated frame with planes; they are copied where something else refers to them.
    libav::checked(unsafe { ffmpeg::ffi::av_frame_make_writable(picture.as_mut_ptr()) }).map(drop)
}

/// A moving test picture, its hue turned by the source's number, with noise so that encoders have to
/// work as on real footage.
fn picture_chain(request: &SourceRequest) -> Vec<(&'static str, &'static str, String)> {
    let (width, height, rate) = (request.width, request.height, request.rate);
    // The golden angle keeps neighbouring numbers far apart.
    let hue = f64::from(request.number) * 137.508 % 360.0;
    let format = libav::pixel_name(request.recipe.pictures.format);
    vec![
        ("testsrc2", "pictures", format!("size={width}x{height}:rate={rate}")),
        ("format", "plain", "pix_fmts=yuv420p|yuv422p|yuv444p".into()),
        ("hue", "hue", format!("h={hue}")),
        ("noise", "noise", format!("c0_strength=6:c0_flags=t:all_seed={}", request.number)),
        ("format", "format", format!("pix_fmts={format}")),
        ("buffersink", "out", String::new()),
    ]
}

/// A quiet steady tone, and a loud one for the length of each frame that begins a second. Frames are
/// counted as whole numbers, so that a burst begins at its very sample.
fn sound_chain(request: &SourceRequest, sample_rate: u32) -> Vec<(&'static str, &'static str, String)> {
    let (above, below) = (request.rate.numerator(), request.rate.denominator());
    let second = request.rate.as_f64().round().max(1.0);
    let pitch = 220.0 + 20.0 * f64::from(request.number % 32);
    let samples = u64::from(below) * u64::from(sample_rate);
    let tone = format!("{QUIET}*sin(2*PI*{pitch}*t)");
    let burst = format!("{LOUD}*sin(2*PI*{BURST_PITCH}*t)*eq(mod(floor(n*{above}/{samples}),{second}),0)");
    vec![
        ("aevalsrc", "sound", format!("exprs='{tone}+{burst}':sample_rate={sample_rate}")),
        ("aformat", "format", "sample_fmts=flt:channel_layouts=stereo".into()),
        ("abuffersink", "out", String::new()),
    ]
}

fn color(height: u32) -> Color {
    use ffmpeg::color::{Primaries, Range, Space, TransferCharacteristic};
    let range = Range::MPEG;
    if height >= HIGH_DEFINITION {
        let (primaries, transfer) = (Primaries::BT709, TransferCharacteristic::BT709);
        return Color { space: Space::BT709, primaries, transfer, range };
    }
    let (primaries, transfer) = (Primaries::SMPTE170M, TransferCharacteristic::SMPTE170M);
    Color { space: Space::SMPTE170M, primaries, transfer, range }
}
