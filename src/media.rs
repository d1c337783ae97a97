//! The media of a plan: generated ones are made on demand and kept, files are looked up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::digest;
use crate::plan::Variant;
use crate::scenario::{Media, SourceSpec};
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
    /// The generator could not write a file, for example because the disk is full.
    #[error("{message}; free some space, or set MEMREEL_MEDIA to another folder")]
    NotWritten {
        /// What the generator said.
        message: String,
    },
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

/// Where generated media are kept: `$MEMREEL_MEDIA`, else in the user's cache folder.
pub fn usual_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("MEMREEL_MEDIA")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("memreel/media")))
        .or_else(|| Some(set("HOME")?.join(".cache/memreel/media")))
        .unwrap_or_else(|| std::env::temp_dir().join("memreel-media"));
    std::path::absolute(&folder).unwrap_or(folder)
}

/// The generated files of these variants that do not exist yet.
pub fn missing<'a>(variants: impl IntoIterator<Item = &'a Variant>) -> Vec<(&'a Path, &'a SourceSpec)> {
    let mut missing = BTreeMap::new();
    for (path, media) in variants.into_iter().flat_map(|variant| &variant.media) {
        if let Media::Generated(spec) = media
            && !path.exists()
        {
            missing.insert(path.as_path(), spec);
        }
    }
    missing.into_iter().collect()
}

/// What happens while media are made: to which of the files that are wanted, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// It is in the making.
    Begun(usize),
    /// It is whole.
    Made(usize),
}

/// Makes files with the exporter, `workers` at a time, in the order in which they are wanted.
///
/// # Errors
/// When the generator fails or the user stops it; what is whole by then is kept.
pub fn make(
    exporter: &Path,
    wanted: &[(&Path, &SourceSpec)],
    workers: u32,
    stop: &Stop,
    tell: &(dyn Fn(MediaEvent) + Sync),
) -> Result<(), MediaError> {
    let workshops = Workshops::open(wanted)?;
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<MediaError>> = Mutex::new(None);
    let failed = || failure.lock().is_ok_and(|failure| failure.is_some());
    let work = || {
        loop {
            let file = next.fetch_add(1, Ordering::Relaxed);
            let Some((path, spec)) = wanted.get(file).filter(|_| !failed()) else { return };
            tell(MediaEvent::Begun(file));
            match make_one(exporter, path, spec, stop) {
                Ok(()) => tell(MediaEvent::Made(file)),
                Err(error) => {
                    let Ok(mut failure) = failure.lock() else { return };
                    failure.get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(work);
        }
    });
    drop(workshops);
    failure.into_inner().ok().flatten().map_or(Ok(()), Err)
}

/// The folders that files are made in, for as long as they are made.
struct Workshops(BTreeSet<PathBuf>);

impl Workshops {
    /// Makes the folders, and clears away those of processes that were killed.
    fn open(wanted: &[(&Path, &SourceSpec)]) -> Result<Workshops, MediaError> {
        let workshops = Workshops(wanted.iter().map(|(path, _)| workshop(path)).collect());
        for folder in &workshops.0 {
            let failed = |source| MediaError::Folder { path: folder.clone(), source };
            std::fs::create_dir_all(folder).map_err(failed)?;
            for left in abandoned(folder.parent().unwrap_or(Path::new("."))) {
                let _ = std::fs::remove_dir_all(left);
            }
        }
        Ok(workshops)
    }
}

impl Drop for Workshops {
    fn drop(&mut self) {
        for folder in &self.0 {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Workshops whose process is no more.
fn abandoned(folder: &Path) -> Vec<PathBuf> {
    let is_gone = |name: &str| {
        let owner = name.strip_prefix(WORKSHOP).and_then(|pid| pid.parse::<u32>().ok());
        owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(is_gone))
        .map(|entry| entry.path())
        .collect()
}

/// What a workshop is called, before the number of its process.
const WORKSHOP: &str = ".making-";

/// Where a file is made before it is moved to its place: a folder of this process's own beside it,
/// because another memreel may be making the same file.
fn workshop(path: &Path) -> PathBuf {
    path.with_file_name(format!("{WORKSHOP}{}", std::process::id()))
}

fn make_one(exporter: &Path, path: &Path, spec: &SourceSpec, stop: &Stop) -> Result<(), MediaError> {
    let not_made = |message: String| MediaError::NotMade { number: spec.number, message };
    let made = workshop(path).join(path.file_name().unwrap_or_default());
    let mut child = Command::new(exporter)
        .args(arguments(&made, spec))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_made(format!("{}: {error}", exporter.display())))?;
    let status = wait(&mut child, stop).map_err(|error| not_made(error.to_string()))?;
    match status {
        None => Err(MediaError::Stopped),
        Some(status) if status.success() => std::fs::rename(&made, path)
            .map_err(|source| MediaError::Folder { path: path.to_path_buf(), source }),
        Some(status) => {
            let mut message = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.read_to_string(&mut message);
            }
            let said =
                message.lines().last().map(|line| line.trim_start_matches("memreel-export: ").to_string());
            let message = said.unwrap_or_else(|| status.to_string());
            let not_written = status.code() == Some(NOT_WRITTEN);
            Err(if not_written { MediaError::NotWritten { message } } else { not_made(message) })
        }
    }
}

/// `None` when the user wants to stop; the child is ended then.
fn wait(child: &mut Child, stop: &Stop) -> std::io::Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop.is_set() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
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
        let bytes = Bytes::new(std::fs::metadata(path).map_err(missing)?.len());
        let digest = match media {
            Media::Generated(spec) => spec.digest(),
            Media::File(_) => std::fs::File::open(path).and_then(digest::of_reader).map_err(missing)?,
        };
        let file = MediaFile { path: path.to_path_buf(), bytes, digest };
        self.known.insert(path.to_path_buf(), file.clone());
        Ok(file)
    }
}
