//! Exports from the timeline's file to the finished output: one, or several in a row in one process.
//!
//! *Render* makes frames (decode, compose, mix), *write* encodes and muxes them. With one render
//! thread both take turns in the same thread; otherwise a thread of its own renders ahead, at most
//! [`FRAMES_AHEAD`] frames.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use ffmpeg::Rational;
use ffmpeg_next as ffmpeg;
use memreel_timeline::{Rate, Timeline, TrackKind};

use crate::compose::{Composer, Sources};
use crate::encode::{PictureCodec, Pictures, SoundCodec};
use crate::failure::Failure;
use crate::fault::{Fault, Faults};
use crate::mix::Mixer;
use crate::mux::MuxTarget;
use crate::pictures::{Color, Look};
use crate::plan::{self, Shot};
use crate::progress::Progress;
use crate::write::{Encoding, FrameWriter, Rendered};

/// How many rendered frames may wait for the encoder.
pub const FRAMES_AHEAD: usize = 4;

/// How often an editor looks whether its export is done.
const POLL: Duration = Duration::from_millis(500);

/// In which thread the export runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// In the main thread.
    Main,
    /// In a thread of its own, while the main thread polls.
    Background,
}

/// Threads of each part; `None` lets the library choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Threads {
    /// 1: rendering and encoding take turns. Else they run side by side, in two threads.
    pub render: Option<u32>,
    /// Of each decoder.
    pub decode: Option<u32>,
    /// Of the filter graph.
    pub filter: Option<u32>,
    /// Of each encoder.
    pub encode: Option<u32>,
}

/// A picture's size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Everything that is asked of a process: an export, once or again and again.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is exported.
    pub export: Export,
    /// How often, one after another; each time everything is opened and closed anew.
    pub exports: u32,
    /// How long to wait after each, so that what stays can be seen from outside.
    pub rest: Duration,
    /// Where each export runs.
    pub driver: Driver,
    /// Where progress is told.
    pub progress_fd: Option<i32>,
    /// What to do wrong.
    pub faults: Vec<Fault>,
}

/// Everything that is asked of one export.
#[derive(Debug, Clone)]
pub struct Export {
    /// The `.otio` file.
    pub timeline: PathBuf,
    /// Where to.
    pub target: MuxTarget,
    /// Container, where the output's ending does not say.
    pub format: Option<String>,
    /// Size of the picture; `None` for that of the first clip.
    pub size: Option<PictureSize>,
    /// Frames a second; `None` for the timeline's.
    pub rate: Option<Rate>,
    /// How pictures are encoded.
    pub pictures: PictureCodec,
    /// How sound is encoded; `None` for an output without.
    pub sound: Option<SoundCodec>,
    /// Threads of each part.
    pub threads: Threads,
}

/// Runs every export that is asked for to its end; the last one's output stays.
///
/// # Errors
/// Whatever keeps an output from being made whole; no part of that one is left then, and no further
/// export is begun.
pub fn run(request: &Request) -> Result<(), Failure> {
    check_faults(request)?;
    let progress = request.progress_fd.map_or(Ok(Progress::silent()), Progress::on_descriptor)?;
    let faults = Faults::new(&request.faults);
    let around = Surroundings { progress: &progress, faults: &faults };
    (1..=request.exports).try_for_each(|number| {
        progress.export_began(number);
        faults.export_began();
        match request.driver {
            Driver::Main => run_here(&request.export, around)?,
            Driver::Background => run_in_background(&request.export, around)?,
        }
        faults.export_closed();
        progress.export_closed(number);
        thread::sleep(request.rest);
        Ok(())
    })
}

/// What an export meets that outlives it.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    progress: &'a Progress,
    faults: &'a Faults,
}

/// A single thread that renders and writes in turn has no queue.
fn check_faults(request: &Request) -> Result<(), Failure> {
    if request.faults.contains(&Fault::Queue) && request.export.threads.render == Some(1) {
        let reason = "--fault queue needs a thread that renders ahead: give --render-threads 2";
        return Err(Failure::Refused(reason.into()));
    }
    Ok(())
}

/// As an editor does it: a thread exports, and the main thread looks twice a second. It is also
/// woken at the end, so that an export takes no longer than it takes.
fn run_in_background(export: &Export, around: Surroundings<'_>) -> Result<(), Failure> {
    let (done, signal) = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let result = run_here(export, around);
            *done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = true;
            signal.notify_one();
            result
        });
        let mut is_done = done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while !*is_done && !worker.is_finished() {
            is_done = match signal.wait_timeout(is_done, POLL) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        drop(is_done);
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn run_here(export: &Export, around: Surroundings<'_>) -> Result<(), Failure> {
    let Surroundings { progress, faults } = around;
    let timeline = read_timeline(&export.timeline)?;
    check_target(export, &timeline)?;
    let rate = export.rate.unwrap_or(timeline.rate);
    let shots = plan::pictures(&timeline, rate);
    let mut sources = Sources::new(&shots, export.threads.decode.unwrap_or(0), progress, faults);
    let pictures = output_pictures(export, &shots, &mut sources, rate)?;
    let recipe = recipe(export, &timeline);
    let mut writer = FrameWriter::new(&recipe, &pictures, progress)?;
    let filter_threads = export.threads.filter.unwrap_or(0);
    let render = Render {
        composer: Composer::new(shots, sources, rate, pictures.look, filter_threads),
        mixer: recipe.sound.as_ref().map(|codec| {
            let decode_threads = export.threads.decode.unwrap_or(0);
            Mixer::new(plan::sounds(&timeline, rate), rate, codec.rate, decode_threads)
        }),
        frames: frames(&timeline, rate),
        around,
    };
    match export.threads.render {
        Some(1) => render.in_turn(&mut writer)?,
        _ => render.ahead_of(&mut writer)?,
    }
    writer.finish()
}

fn read_timeline(path: &Path) -> Result<Timeline, Failure> {
    let text = memreel_bounds::read_text(path, memreel_bounds::PROJECT_BYTES)
        .map_err(|cause| Failure::ReadTimeline { path: path.into(), cause })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let timeline = memreel_timeline::from_otio(&text, folder)
        .map_err(|cause| Failure::Timeline { path: path.into(), cause })?;
    if timeline.frames() == 0 {
        return Err(Failure::EmptyTimeline { path: path.into() });
    }
    check_media(&timeline)?;
    Ok(timeline)
}

/// A file that is missing at the end of a long timeline is better known before an hour's export.
fn check_media(timeline: &Timeline) -> Result<(), Failure> {
    for path in timeline.media() {
        if let Err(cause) = fs::metadata(path) {
            let clip = plan::first_user(timeline, path).into();
            return Err(Failure::MissingMedia { clip, path: path.into(), cause });
        }
    }
    Ok(())
}

/// Nobody wants an export in place of what it was made from.
fn check_target(export: &Export, timeline: &Timeline) -> Result<(), Failure> {
    let used = std::iter::once(export.timeline.as_path()).chain(timeline.media());
    match used.into_iter().find(|path| export.target.replaces(path)) {
        Some(path) => {
            let path = path.display();
            Err(Failure::Refused(format!(
                "the output would replace {path}, which the export reads: choose another name"
            )))
        }
        None => Ok(()),
    }
}

/// How many frames the output has: those of the longest track.
fn frames(timeline: &Timeline, rate: Rate) -> u64 {
    timeline.tracks.iter().map(|track| track.frames(rate)).max().unwrap_or(0)
}

/// A timeline without audio tracks has an output without sound.
fn recipe(export: &Export, timeline: &Timeline) -> Encoding {
    let audible = timeline.tracks.iter().any(|track| track.kind == TrackKind::Audio);
    Encoding {
        target: export.target.clone(),
        format: export.format.clone(),
        pictures: export.pictures.clone(),
        sound: export.sound.clone().filter(|_| audible),
    }
}

/// What the output's pictures are like: as the first clip's, where nothing else was asked.
fn output_pictures(
    export: &Export,
    shots: &[Shot],
    sources: &mut Sources<'_>,
    rate: Rate,
) -> Result<Pictures, Failure> {
    let (mut color, mut pixel_aspect, mut first_size) = (Color::UNSPECIFIED, Rational(0, 1), None);
    if let Some(first) = shots.first() {
        let reader = sources.reader(&first.media).map_err(|failure| failure.in_clip(&first.clip))?;
        let look = reader.look();
        first_size = Some(PictureSize { width: look.width, height: look.height });
        color = reader.color();
        pixel_aspect = reader.pixel_aspect();
        if first.frames.start > 0 {
            sources.close(&first.media);
        }
    }
    let size = export.size.or(first_size).ok_or(Failure::NoPictureSize)?;
    if Some(size) != first_size {
        pixel_aspect = Rational(1, 1);
    }
    let full_range = color.range == ffmpeg::color::Range::JPEG;
    let look = Look { width: size.width, height: size.height, format: export.pictures.format, full_range };
    Ok(Pictures { look, color, pixel_aspect, rate })
}

/// Makes every frame of the output.
struct Render<'a> {
    composer: Composer<'a>,
    mixer: Option<Mixer>,
    frames: u64,
    around: Surroundings<'a>,
}

impl Render<'_> {
    fn frame(&mut self, number: u64) -> Result<Rendered, Failure> {
        let picture = self.composer.picture(number)?;
        let sound = match &mut self.mixer {
            Some(mixer) => mixer.sound(number)?,
            None => Vec::new(),
        };
        self.around.faults.frame_rendered();
        self.around.progress.frame_in();
        Ok(Rendered { picture, sound })
    }

    fn in_turn(mut self, writer: &mut FrameWriter<'_>) -> Result<(), Failure> {
        (0..self.frames).try_for_each(|number| writer.write(self.frame(number)?))
    }

    /// The thread is waited for by name: a scope's end alone lets it outlive the export by a moment.
    fn ahead_of(self, writer: &mut FrameWriter<'_>) -> Result<(), Failure> {
        let frames_ahead = self.around.faults.frames_ahead(FRAMES_AHEAD, self.frames);
        let (sender, receiver) = mpsc::sync_channel(frames_ahead);
        thread::scope(|scope| {
            let renderer = scope.spawn(move || self.send_all(&sender));
            let written = write_all(receiver, writer);
            renderer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            written
        })
    }

    /// Ends early when a frame fails, or when nobody takes them any more.
    fn send_all(mut self, sender: &SyncSender<Result<Rendered, Failure>>) {
        for number in 0..self.frames {
            let frame = self.frame(number);
            let failed = frame.is_err();
            if sender.send(frame).is_err() || failed {
                return;
            }
        }
    }
}

/// Takes the receiver, so that the sender notices at once when writing failed.
fn write_all(
    receiver: Receiver<Result<Rendered, Failure>>,
    writer: &mut FrameWriter<'_>,
) -> Result<(), Failure> {
    receiver.into_iter().try_for_each(|frame| writer.write(frame?))
}
