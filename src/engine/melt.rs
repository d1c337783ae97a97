//! MLT's command line, `melt`, on MLT XML that we write.
//!
//! Threads: `real_time=0` renders in the consumer's own thread and `-N` with N threads, dropping no
//! frame; a positive value would drop frames and is never used. Untold, the `avformat` consumer
//! renders with one thread beside its own. With everything at one, melt still has three threads, two
//! of them working: the program's first, which waits, the consumer's and the file writer's.
//!
//! On a busy machine melt 7.12 with `real_time=0` now and then ends its consumer's thread before the first
//! frame and waits for ever (6 of 285 exports of 80 frames, three at a time on 2 CPUs; 0 of 285 with
//! `real_time=-2`). That is told as what it is: stalled at frame 0.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use super::{Engine, Installation, JobFiles, Missing, Resolved, probe};
use crate::plan::Variant;
use crate::run::{Channel, Progress, ProgressFormat};
use crate::scenario::{Driver, EngineName, Sink};
use crate::timeline::mlt::{self, Layout, Profile};
use crate::trace::{EngineRecord, Threading};
use crate::units::Count;

/// `melt` as a shell would find it.
#[derive(Debug)]
pub struct Melt {
    installation: Result<Installation, Missing>,
}

impl Melt {
    /// Looks for `melt` and asks it what it has.
    pub fn find() -> Melt {
        Melt { installation: installation() }
    }
}

fn installation() -> Result<Installation, Missing> {
    let missing = |what: &str| Missing {
        what: what.into(),
        advice: "install it (Debian and Ubuntu: `apt-get install melt`)".into(),
    };
    let program = probe::on_path("melt").ok_or_else(|| missing("melt is not installed"))?;
    let version = probe::output_of(&program, ["--version"])
        .and_then(|text| Some(text.lines().next()?.trim_start_matches("melt ").trim().to_string()))
        .ok_or_else(|| missing("melt does not tell its version"))?;
    let libraries = libraries(&program);
    let build = probe::build_digest(&program, &libraries).ok_or_else(|| missing("melt cannot be read"))?;
    let list =
        |kind: &str| query(&program, kind).ok_or_else(|| missing(&format!("melt does not list its {kind}")));
    Ok(Installation {
        video_encoders: list("video_codecs")?,
        audio_encoders: list("audio_codecs")?,
        containers: list("formats")?,
        record: EngineRecord {
            name: "melt".into(),
            package: probe::package_of(&program),
            path: program,
            version,
            build,
            libraries,
        },
    })
}

/// The list that `melt -query KIND` prints.
fn query(program: &Path, kind: &str) -> Option<BTreeSet<String>> {
    let text = probe::output_of(program, ["-query", kind])?;
    let list: BTreeSet<_> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- ")).map(str::to_string).collect();
    (!list.is_empty()).then_some(list)
}

/// MLT's own library, and the FFmpeg libraries that its `avformat` module is linked with.
fn libraries(program: &Path) -> BTreeMap<String, String> {
    let linked = probe::linked_libraries(program);
    let mlt = linked.iter().find(|(name, _)| name.starts_with("libmlt-"));
    let module = mlt.and_then(|(name, file)| {
        let folder = name.trim_start_matches("lib").split(".so").next()?;
        Some(file.canonicalize().ok()?.parent()?.join(folder).join("libmltavformat.so"))
    });
    let behind_module = module.map(|module| probe::linked_libraries(&module)).unwrap_or_default();
    let ours =
        ["libmlt-", "libavcodec", "libavformat", "libavutil", "libavfilter", "libswscale", "libswresample"];
    linked
        .into_iter()
        .chain(behind_module)
        .filter(|(name, _)| ours.iter().any(|prefix| name.starts_with(prefix)))
        .filter_map(|(name, file)| {
            Some((name.split(".so").next()?.to_string(), probe::library_version(&file)?))
        })
        .collect()
}

impl Engine for Melt {
    fn name(&self) -> EngineName {
        EngineName::Melt
    }

    fn installation(&self) -> Result<&Installation, &Missing> {
        self.installation.as_ref()
    }

    fn unsupported(&self, variant: &Variant) -> Vec<String> {
        let mut unsupported = Vec::new();
        if variant.driver == Driver::Background {
            unsupported
                .push("melt is a program of its own: it has no driver to put in the background".into());
        }
        if variant.exports > 1 {
            unsupported.push(format!("melt does one export a process, not {}", variant.exports));
        }
        if variant.timeline.media().iter().any(|path| path.to_str().is_none()) {
            unsupported.push("a media file's name is not UTF-8, which MLT XML cannot hold".into());
        }
        unsupported
    }

    fn timeline(&self, variant: &Variant) -> (&'static str, String) {
        let export = &variant.export;
        let profile = Profile { width: export.size.width, height: export.size.height, rate: export.rate };
        ("mlt", mlt::to_mlt_xml(&variant.timeline, profile, export.audio.is_some(), Layout::Flat))
    }

    fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved {
        let program = self.installation.as_ref().map_or(Path::new("melt"), |here| &here.record.path);
        let mut command: Vec<OsString> = vec![program.into(), files.timeline.into()];
        command.extend(["-progress2", "-consumer", "avformat"].map(OsString::from));
        command.push(target(variant, files.output));
        command.extend(properties(variant).into_iter().map(|(name, value)| format!("{name}={value}").into()));
        Resolved {
            command,
            environment: environment(variant.threading),
            progress: ProgressFormat {
                channel: Channel::Output,
                parse: parse_progress,
                counters: "in",
                is_failure: says_it_cannot,
            },
            effective: Threading { render: Some(variant.threading.render.unwrap_or(1)), ..variant.threading },
            notes: notes(variant),
        }
    }
}

fn target(variant: &Variant, output: &Path) -> OsString {
    let mut target = OsString::from("target=");
    target.push(if variant.export.sink == Sink::Null { Path::new("/dev/null") } else { output });
    target
}

/// The consumer's properties.
fn properties(variant: &Variant) -> Vec<(String, String)> {
    let export = &variant.export;
    let format = if export.sink == Sink::Null { "null" } else { export.container.name() };
    let mut properties = vec![("f", format.to_string()), ("vcodec", export.encoder.clone())];
    properties.push(("pix_fmt", export.pixel_format.name().into()));
    properties.extend(export.preset.clone().map(|preset| ("preset", preset)));
    match &export.audio {
        Some(audio) => properties.extend([
            ("acodec", audio.encoder.clone()),
            ("frequency", audio.rate.to_string()),
            ("channels", "2".into()),
        ]),
        None => properties.push(("an", "1".into())),
    }
    properties.extend(real_time(variant.threading).map(|value| ("real_time", value.to_string())));
    properties.extend(variant.threading.encode.map(|threads| ("threads", threads.to_string())));
    let named = properties.into_iter().map(|(name, value)| (name.to_string(), value));
    named.chain(export.options.clone()).collect()
}

/// 0: render in the consumer's own thread; −N: with N threads, dropping no frame.
fn real_time(threading: Threading) -> Option<i64> {
    threading.render.map(|threads| if threads <= 1 { 0 } else { -i64::from(threads) })
}

fn environment(threading: Threading) -> BTreeMap<String, Option<String>> {
    let variables = [("MLT_AVFORMAT_THREADS", threading.decode), ("MLT_SLICES_COUNT", threading.filter)];
    variables
        .into_iter()
        .map(|(name, threads)| (name.into(), threads.map(|threads| threads.to_string())))
        .collect()
}

fn notes(variant: &Variant) -> Vec<String> {
    let mut notes = Vec::new();
    let threading = variant.threading;
    if [threading.render, threading.decode, threading.filter, threading.encode] == [Some(1); 4] {
        notes.push("with one thread for each part melt still has three, two of them working".into());
    }
    let moved = mlt::rounded_in_points(&variant.timeline, variant.export.rate);
    if moved > 0 {
        notes.push(format!(
            "{moved} in-points lie between frames of the export's rate and were moved to the nearest"
        ));
    }
    notes
}

/// melt leaves out or replaces what it cannot load, goes on, and exits with 0.
fn says_it_cannot(line: &str) -> bool {
    line.contains("failed to load producer")
}

/// `Current Frame:         12, percentage:          1`, on a line of its own with `-progress2`.
fn parse_progress(line: &str) -> Option<Progress> {
    let rest = line.trim().strip_prefix("Current Frame:")?;
    let frame = rest.split(',').next()?.trim().parse().ok()?;
    Some(Progress { frames_in: Some(Count::new(frame)), ..Progress::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn melts_progress_is_understood() {
        let progress = parse_progress("Current Frame:        312, percentage:         31").unwrap();
        assert_eq!(progress.frames_in, Some(Count::new(312)));
        assert_eq!(parse_progress("[consumer avformat] no frames"), None);
    }

    #[test]
    fn no_thread_count_makes_melt_drop_frames() {
        for render in [None, Some(0), Some(1), Some(2), Some(64)] {
            let value = real_time(Threading { render, ..Threading::default() });
            assert!(value.is_none_or(|value| value <= 0), "{render:?} gives {value:?}");
        }
    }
}
