//! The media of a plan: generated ones are made on demand and kept, files are looked up.

mod forecast;
mod kept;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::digest;
use crate::plan::Variant;
use crate::scenario::{Media, SourceSpec};
use crate::store::{Holder, Lock, StoreError};
pub use forecast::MediaForecast;
use memreel_bounds as bounds;
use memreel_projects::project::files as files_of;
use memreel_record::launch::{self, EndStatus, NoReply};
use memreel_record::supervise::Stop;
use memreel_trace::MediaFile;
use memreel_trace::units::Bytes;

/// Why a plan's media are not there.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// A file that the scenario names does not exist or cannot be read.
    #[error("media file {path}: {source}; correct its path in the scenario")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The folder for generated media cannot be made.
    #[error("folder for generated media {path}: {source}; set MEMREEL_MEDIA to another folder")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The generator could not make a file.
    #[error("cannot generate source {number}: {message}")]
    NotMade {
        /// Its number.
        number: u32,
        /// What the generator said.
        message: String,
    },
    /// The generator could not be started, or was ended by somebody.
    #[error("cannot generate source {number}: {program} {message}; run memreel again")]
    BrokenOff {
        /// The number of the source.
        number: u32,
        /// The generator.
        program: PathBuf,
        /// How it ended, or why it did not begin.
        message: String,
    },
    /// The generator could not write a file, for example because the disk is full.
    #[error("{message}; free some space, or set MEMREEL_MEDIA to another folder")]
    NotWritten {
        /// What the generator said.
        message: String,
    },
    /// The files will be larger than what is left of the disk.
    #[error(
        "generated media of {needed} or more do not fit in {folder}: {free} are free; free some space, or set \
         MEMREEL_MEDIA to another folder"
    )]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// What they will take at least.
        needed: Bytes,
        /// What is left.
        free: Bytes,
    },
    /// The folder of generated media cannot be locked, or a file not moved there.
    #[error("{0}; set MEMREEL_MEDIA to another folder")]
    Kept(#[from] StoreError),
    /// The user stopped it.
    #[error("stopped while media were generated")]
    Stopped,
}

impl MediaError {
    /// Whether the user stopped it.
    pub fn is_stop(&self) -> bool {
        matches!(self, MediaError::Stopped)
    }

    /// Whether the scenario is to blame.
    pub fn is_scenarios_fault(&self) -> bool {
        matches!(self, MediaError::Missing { .. } | MediaError::NotMade { .. })
    }
}

/// The exporter's exit code when it cannot write its output.
const NOT_WRITTEN: i32 = 5;

/// How often it is looked whether another memreel has made its media.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where generated media are kept: `$MEMREEL_MEDIA`, else in the user's cache folder.
pub fn usual_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("MEMREEL_MEDIA")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("memreel/media")))
        .or_else(|| Some(set("HOME")?.join(".cache/memreel/media")))
        .unwrap_or_else(|| std::env::temp_dir().join("memreel-media"));
    std::path::absolute(&folder).unwrap_or(folder)
}

/// The generated files of these variants that do not exist yet, or are not what was made.
pub fn missing<'a>(variants: impl IntoIterator<Item = &'a Variant>) -> Vec<(&'a Path, &'a SourceSpec)> {
    let mut missing = BTreeMap::new();
    for (path, media) in variants.into_iter().flat_map(|variant| &variant.media) {
        if let Media::Generated(spec) = media
            && !kept::is_whole(path)
        {
            missing.insert(path.as_path(), spec);
        }
    }
    missing.into_iter().collect()
}

/// What happens while media are made: to which of the files that are wanted, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// Another memreel makes media in this folder; its end is waited for.
    WaitsFor(Holder),
    /// What all of it will take; not of little.
    Forecast(MediaForecast),
    /// It is in the making.
    Begun(usize),
    /// It is whole.
    Made(usize),
}

/// What makes media, and what may end it.
#[derive(Debug, Clone, Copy)]
pub struct Makers<'a> {
    /// `memreel-launch`.
    pub launcher: &'a Path,
    /// `memreel-export`.
    pub exporter: &'a Path,
    /// How many files are made at a time.
    pub at_once: u32,
    /// The user's wish to stop.
    pub stop: &'a Stop,
}

/// Makes files with the exporter, in the order in which they are wanted; all lie in one folder. Of several memreels,
/// one makes media there at a time, and what another has made by then is not made again.
///
/// # Errors
/// When the generator fails or the user stops it; what is whole by then is kept.
pub fn make(
    makers: &Makers,
    wanted: &[(&Path, &SourceSpec)],
    tell: &(dyn Fn(MediaEvent) + Sync),
) -> Result<(), MediaError> {
    let Some(folder) = wanted.first().and_then(|(path, _)| path.parent()) else { return Ok(()) };
    let workshop = Workshop::open(folder, makers.stop, &|holder| tell(MediaEvent::WaitsFor(holder)))?;
    let files: Vec<_> =
        wanted.iter().filter(|(path, _)| !kept::is_whole(path)).map(|(_, spec)| *spec).collect();
    if let Some(forecast) = forecast::forecast(makers, &workshop, &files)? {
        check_room(folder, forecast.least)?;
        tell(MediaEvent::Forecast(forecast));
    }
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<MediaError>> = Mutex::new(None);
    let failed = || failure.lock().is_ok_and(|failure| failure.is_some());
    let work = || {
        loop {
            let file = next.fetch_add(1, Ordering::Relaxed);
            let Some((path, spec)) = wanted.get(file).filter(|_| !failed()) else { return };
            tell(MediaEvent::Begun(file));
            let made = if kept::is_whole(path) { Ok(()) } else { make_one(makers, &workshop, path, spec) };
            match made {
                Ok(()) => tell(MediaEvent::Made(file)),
                Err(error) => {
                    let Ok(mut failure) = failure.lock() else { return };
                    failure.get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..makers.at_once.max(1) {
            scope.spawn(work);
        }
    });
    drop(workshop);
    failure.into_inner().ok().flatten().map_or(Ok(()), Err)
}

/// # Errors
/// When less is left of the disk. Where nobody can say that, it shows when it is full.
fn check_room(folder: &Path, needed: Bytes) -> Result<(), MediaError> {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = Bytes::new(disk.f_bavail.saturating_mul(disk.f_frsize));
    let no_room = || MediaError::NoRoom { folder: folder.to_path_buf(), needed, free };
    if needed > free { Err(no_room()) } else { Ok(()) }
}

/// The folder beside the wanted files that they are made in before they are moved to their places.
struct Workshop {
    path: PathBuf,
    _lock: Lock,
}

/// What it is called.
const WORKSHOP: &str = ".making";

impl Workshop {
    /// Opens it as soon as no other memreel makes media there; what a killed one has left is cleared away.
    fn open(folder: &Path, stop: &Stop, waits_for: &dyn Fn(Holder)) -> Result<Workshop, MediaError> {
        let path = folder.join(WORKSHOP);
        let failed = |source| MediaError::Folder { path: folder.to_path_buf(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let lock = lock(folder, stop, waits_for)?;
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).map_err(failed)?;
        Ok(Workshop { path, _lock: lock })
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Waits for the lock of a folder of media; tells once for whom.
fn lock(folder: &Path, stop: &Stop, waits_for: &dyn Fn(Holder)) -> Result<Lock, MediaError> {
    let mut told = false;
    loop {
        match Lock::take(folder) {
            Err(StoreError::InUse { by, .. }) if !told => {
                told = true;
                waits_for(by);
            }
            Err(StoreError::InUse { .. }) if stop.is_set() => return Err(MediaError::Stopped),
            Err(StoreError::InUse { .. }) => std::thread::sleep(LOOK_EVERY),
            taken => return Ok(taken?),
        }
    }
}

/// Makes a file in the workshop, and moves it to its place with what it can be checked by.
fn make_one(makers: &Makers, workshop: &Workshop, path: &Path, spec: &SourceSpec) -> Result<(), MediaError> {
    let made = workshop.path.join(path.file_name().unwrap_or_default());
    make_in(makers, &made, spec)?;
    Ok(kept::keep(&made, path)?)
}

/// Makes a file at a path.
fn make_in(makers: &Makers, made: &Path, spec: &SourceSpec) -> Result<(), MediaError> {
    let broken_off = |message: String| MediaError::BrokenOff {
        number: spec.number,
        program: makers.exporter.to_path_buf(),
        message,
    };
    let command: Vec<OsString> = [makers.exporter.into()].into_iter().chain(arguments(made, spec)).collect();
    let answer = launch::ask(makers.launcher, &command, &[], None, || !makers.stop.is_set());
    let answer = answer.map_err(|none| match none {
        NoReply::Ended => MediaError::Stopped,
        none => broken_off(format!("did not start: {none}")),
    })?;
    let said =
        answer.errors.lines().last().map(|line| line.trim_start_matches("memreel-export: ").to_string());
    match answer.end {
        EndStatus::Exit(0) => Ok(()),
        EndStatus::Exit(NOT_WRITTEN) => Err(MediaError::NotWritten { message: said.unwrap_or_default() }),
        EndStatus::Exit(code) => {
            let message = said.unwrap_or_else(|| format!("exit code {code}"));
            Err(MediaError::NotMade { number: spec.number, message })
        }
        EndStatus::Signal(signal) => Err(broken_off(format!("was killed by signal {signal}"))),
    }
}

/// `memreel-export make-source …`
fn arguments(path: &Path, spec: &SourceSpec) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["make-source".into(), path.into()];
    let mut option = |name: &str, value: String| arguments.extend([name.into(), value.into()]);
    option("--source-number", spec.number.to_string());
    option("--frames", spec.frames.to_string());
    option("--size", spec.size.to_string());
    option("--rate", spec.rate.to_string());
    option("--pixel-format", spec.pixel_format.name().into());
    option("--codec", spec.codec.clone());
    option("--keyframe-distance", spec.keyframe_distance.to_string());
    option("--format", spec.container.name().into());
    option("--threads", "1".into());
    if let Some(preset) = &spec.preset {
        option("--preset", preset.clone());
    }
    for (name, value) in &spec.options {
        option("--video-option", format!("{name}={value}"));
    }
    match spec.audio_rate {
        Some(rate) => option("--audio-rate", rate.to_string()),
        None => arguments.push("--no-audio".into()),
    }
    arguments
}

/// Identifies media files: generated ones by what they were generated from, others by their content,
/// read once.
#[derive(Debug, Default)]
pub struct Catalogue {
    known: HashMap<PathBuf, MediaFile>,
}

/// Size and digest of a file, or of all the pictures of a sequence.
fn content(path: &Path) -> std::io::Result<(u64, String)> {
    let of_file = |file: &Path| {
        let bytes = std::fs::metadata(file)?.len();
        Ok((bytes, bounds::open_file(file).and_then(digest::of_reader)?))
    };
    match files_of(path).as_slice() {
        [] => of_file(path),
        [file] => of_file(file),
        files => {
            let each = files.iter().map(|file| of_file(file)).collect::<std::io::Result<Vec<_>>>()?;
            let (bytes, digests): (Vec<u64>, Vec<String>) = each.into_iter().unzip();
            Ok((bytes.iter().sum(), digest::of(digests.join("\n"))))
        }
    }
}

impl Catalogue {
    /// What `run.json` says of a file.
    ///
    /// # Errors
    /// When it does not exist or cannot be read.
    pub fn identify(&mut self, path: &Path, media: &Media) -> Result<MediaFile, MediaError> {
        if let Some(known) = self.known.get(path) {
            return Ok(known.clone());
        }
        let missing = |source| MediaError::Missing { path: path.to_path_buf(), source };
        let (bytes, digest) = match media {
            Media::Generated(spec) => (std::fs::metadata(path).map_err(missing)?.len(), spec.digest()),
            Media::File(_) => content(path).map_err(missing)?,
        };
        let file = MediaFile { path: path.to_path_buf(), bytes: Bytes::new(bytes), digest };
        self.known.insert(path.to_path_buf(), file.clone());
        Ok(file)
    }
}
