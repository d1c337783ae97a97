//! The picture of every output frame: the topmost clip's, or black.

use std::collections::HashMap;
use std::mem;
use std::path::{Path, PathBuf};

use ffmpeg::frame;
use ffmpeg_next as ffmpeg;
use memreel_timeline::Rate;

use crate::convert::Converter;
use crate::failure::Failure;
use crate::fault::Faults;
use crate::libav;
use crate::pictures::{Look, PictureReader};
use crate::plan::{self, Shot};
use crate::progress::Progress;

/// The opened picture sources: each opened at its first use, closed after its last.
pub struct Sources<'a> {
    readers: HashMap<PathBuf, PictureReader>,
    last_use: HashMap<PathBuf, u64>,
    threads: u32,
    progress: &'a Progress,
    faults: &'a Faults,
}

impl<'a> Sources<'a> {
    /// None opened yet. `threads` are each decoder's, 0 lets it choose.
    pub fn new(shots: &[Shot], threads: u32, progress: &'a Progress, faults: &'a Faults) -> Sources<'a> {
        Sources { readers: HashMap::new(), last_use: plan::last_uses(shots), threads, progress, faults }
    }

    /// The reader of a file, opened when it is not yet.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&mut self, path: &Path) -> Result<&mut PictureReader, Failure> {
        if !self.readers.contains_key(path) {
            let reader = PictureReader::open(path, self.threads)?;
            self.readers.insert(path.into(), reader);
            self.progress.opened(path);
        }
        Ok(self.readers.get_mut(path).expect("it was put there above"))
    }

    /// Closes a file's reader and frees all that it held.
    pub fn close(&mut self, path: &Path) {
        let Some(reader) = self.readers.remove(path) else { return };
        if self.faults.keeps_source(path) {
            return mem::forget(reader);
        }
        drop(reader);
        self.progress.closed(path);
    }

    /// Closes the source of a shot after its last use.
    fn close_if_done(&mut self, shot: &Shot, frame: u64) {
        if shot.frames.end == frame + 1 && self.faults.keeps_clips() {
            mem::forget(self.readers.remove(&shot.media));
        } else if self.last_use.get(&shot.media) == Some(&frame) {
            self.close(&shot.media);
        }
    }
}

/// Makes the pictures of a timeline, in order.
pub struct Composer<'a> {
    shots: Vec<Shot>,
    /// How many shots are over.
    over: usize,
    sources: Sources<'a>,
    rate: Rate,
    look: Look,
    filter_threads: u32,
    /// The last one used: sources that alternate between two looks have it built anew at each cut.
    converter: Option<Converter>,
    black: Option<frame::Video>,
}

impl<'a> Composer<'a> {
    /// Makes pictures of one look out of shots. `filter_threads` 0 lets libavfilter choose.
    pub fn new(
        shots: Vec<Shot>,
        sources: Sources<'a>,
        rate: Rate,
        look: Look,
        filter_threads: u32,
    ) -> Composer<'a> {
        Composer { shots, over: 0, sources, rate, look, filter_threads, converter: None, black: None }
    }

    /// The picture of an output frame; frames must be asked for in rising order.
    ///
    /// # Errors
    /// When a clip's media cannot be read, or ends before the clip does.
    pub fn picture(&mut self, frame: u64) -> Result<frame::Video, Failure> {
        while self.shots.get(self.over).is_some_and(|shot| shot.frames.end <= frame) {
            self.over += 1;
        }
        let shot = self.shots.get(self.over).filter(|shot| shot.frames.start <= frame);
        let mut picture = match shot {
            Some(shot) => {
                let picture = shown(&mut self.sources, shot, frame, self.rate)
                    .map_err(|failure| failure.in_clip(&shot.clip))?;
                self.sources.close_if_done(shot, frame);
                self.fitted(picture)?
            }
            None => self.black()?,
        };
        // The encoder is to choose its own picture types.
        picture.set_kind(ffmpeg::picture::Type::None);
        picture.set_pts(Some(frame as i64));
        Ok(picture)
    }

    /// The picture in the output's look; untouched where it has it already.
    fn fitted(&mut self, picture: frame::Video) -> Result<frame::Video, Failure> {
        let from = Look::of(&picture);
        if from == self.look {
            return Ok(picture);
        }
        if !self.converter.as_ref().is_some_and(|converter| converter.fits(from, self.look)) {
            self.converter = None;
        }
        let converter = match &mut self.converter {
            Some(converter) => converter,
            none => none.insert(Converter::new(from, self.look, self.filter_threads)?),
        };
        converter.convert(picture)
    }

    /// A reference to the one black picture, painted when it is first needed.
    fn black(&mut self) -> Result<frame::Video, Failure> {
        let failed = |cause| Failure::Filter { what: "paint a black picture".into(), cause };
        let black = match &mut self.black {
            Some(black) => black,
            none => {
                let mut black = frame::Video::new(self.look.format, self.look.width, self.look.height);
                libav::paint_black(&mut black, self.look.full_range).map_err(failed)?;
                none.insert(black)
            }
        };
        libav::reference(black).map_err(failed)
    }
}

fn shown(sources: &mut Sources<'_>, shot: &Shot, frame: u64, rate: Rate) -> Result<frame::Video, Failure> {
    let reader = sources.reader(&shot.media)?;
    let time = shot.source_time(frame, rate);
    if let Some(picture) = reader.picture_at(time)? {
        return libav::reference(picture)
            .map_err(|cause| Failure::OpenMedia { path: shot.media.clone(), cause });
    }
    Err(Failure::TooShort {
        clip: shot.clip.clone(),
        path: shot.media.clone(),
        seconds: time.as_seconds(),
        frames: reader.frames_until_end(),
    })
}
