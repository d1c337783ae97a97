//! What the engines on MLT share: the properties of its `avformat` consumer, its threads, its libraries.
//!
//! Threads: `real_time=0` renders in the consumer's own thread and `-N` with N threads, dropping no
//! frame; a positive value would drop frames and is never used. Untold, the `avformat` consumer
//! renders with one thread beside its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::probe::{self, Loaded, Probe};
use super::{JobFiles, Missing};
use crate::plan::{Input, Variant};
use crate::scenario::{LayoutChoice, Sink};
use memreel_projects::mlt::{self, Layout, Profile};
use memreel_projects::project::ProjectFormat;
use memreel_trace::Threading;

/// The list that `PROGRAM ARGUMENTS` prints in MLT's way, an entry a line after a dash.
pub fn list(
    probe: &Probe,
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Option<BTreeSet<String>> {
    let text = probe.output_of(program, arguments)?;
    let list: BTreeSet<_> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- ")).map(str::to_string).collect();
    (!list.is_empty()).then_some(list)
}

/// What is loaded when a program is asked something of MLT; where that cannot be seen, what the library or
/// program at `linked` is linked with, and the `avformat` module behind it.
pub fn loaded(
    probe: &Probe,
    program: &Path,
    question: impl IntoIterator<Item = impl AsRef<OsStr>>,
    linked: &Path,
) -> Loaded {
    let seen = probe.loaded(program, question);
    if seen.library(CORE).is_some() {
        return seen;
    }
    let mut libraries = probe.linked_libraries(linked);
    let core = libraries.iter().find(|(name, _)| name.starts_with(CORE));
    let module = core.and_then(|(name, file)| {
        let folder = name.trim_start_matches("lib").split(".so").next()?;
        Some(file.canonicalize().ok()?.parent()?.join(folder).join("libmltavformat.so"))
    });
    libraries.extend(module.map(|module| probe.linked_libraries(&module)).unwrap_or_default());
    Loaded { program: None, libraries }
}

/// MLT's own library: `libmlt-7.so.7`.
const CORE: &str = "libmlt-";

/// The versions of MLT's own library and of FFmpeg's.
pub fn versions(loaded: &Loaded) -> BTreeMap<String, String> {
    let ours = [CORE, "libavcodec", "libavformat", "libavutil", "libavfilter", "libswscale", "libswresample"];
    let libraries = loaded.libraries.iter();
    libraries
        .filter(|(name, _)| ours.iter().any(|prefix| name.starts_with(prefix)))
        .filter_map(|(name, file)| {
            Some((name.split(".so").next()?.to_string(), probe::library_version(file)?))
        })
        .collect()
}

/// A build in a folder of its own may be linked so that the loader finds another MLT, as a rule the installed
/// one: then that is what would be measured.
///
/// # Errors
/// When libraries of MLT's that lie beside the program, in its `lib`, are not those that it loads.
pub fn check_its_own(program: &Path, loaded: &Loaded) -> Result<(), Missing> {
    let real = program.canonicalize().unwrap_or_else(|_| program.into());
    let prefix = real.ancestors().nth(2).filter(|prefix| !probe::is_systems(&prefix.join("lib")));
    let Some(prefix) = prefix.filter(|_| probe::is_machine_code(program)) else { return Ok(()) };
    let strangers = loaded.libraries.iter().filter(|(name, file)| {
        let real = file.canonicalize().unwrap_or_else(|_| (*file).clone());
        name.starts_with("libmlt") && !real.starts_with(prefix)
    });
    let strangers: Vec<_> = strangers.collect();
    let own = |name: &str| ["lib", "lib64"].iter().find_map(|lib| file_below(&prefix.join(lib), name, 2));
    let Some((stranger, own)) = strangers.into_iter().find_map(|(name, file)| Some((file, own(name)?)))
    else {
        return Ok(());
    };
    Err(Missing {
        what: format!("{} loads {}, not {}", program.display(), stranger.display(), own.display()),
        advice:
            "name a script instead that sets LD_LIBRARY_PATH and MLT_REPOSITORY and ends in exec melt \"$@\""
                .into(),
    })
}

/// A file of this name in a folder, or so many folders further down.
fn file_below(folder: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    let file = folder.join(name);
    if file.is_file() {
        return Some(file);
    }
    let folders = std::fs::read_dir(folder).ok().filter(|_| depth > 0)?.flatten().map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).find_map(|folder| file_below(&folder, name, depth - 1))
}

/// Where the export goes.
pub fn target(variant: &Variant, files: &JobFiles) -> PathBuf {
    if variant.export.sink == Sink::Null { PathBuf::from("/dev/null") } else { files.output.into() }
}

/// The consumer's properties, its target excepted: what nobody told stays untold.
pub fn properties(variant: &Variant) -> Vec<(String, String)> {
    let mut properties = encoding(variant);
    let threading = variant.threading;
    properties.extend(real_time(threading).map(|value| ("real_time", value.to_string())));
    properties.extend(threading.encode.map(|threads| ("threads", threads.to_string())));
    let named = properties.into_iter().map(|(name, value)| (name.to_string(), value));
    named.chain(variant.export.options.clone()).collect()
}

fn encoding(variant: &Variant) -> Vec<(&'static str, String)> {
    let export = &variant.export;
    let mut properties = Vec::new();
    if let Some(encoder) = &export.encoder {
        let format = if export.sink == Sink::Null { "null" } else { export.container.name() };
        properties.push(("f", format.to_string()));
        properties.push(("vcodec", encoder.clone()));
        properties.push(("pix_fmt", export.pixel_format.name().into()));
    }
    properties.extend(export.preset.clone().map(|preset| ("preset", preset)));
    match &export.audio {
        None => properties.push(("an", "1".into())),
        Some(_) if export.encoder.is_none() => {}
        Some(audio) => properties.extend([
            ("acodec", audio.encoder.clone()),
            ("frequency", audio.rate.to_string()),
            ("channels", "2".into()),
        ]),
    }
    properties
}

/// Properties of MLT's consumer that name files.
const NOT_OF_THE_ENCODER: &[&str] = &["target", "resource", "mlt_service", "passlogfile"];

/// Why MLT cannot do a variant, whatever drives it.
pub fn unsupported(variant: &Variant) -> Vec<String> {
    let mut unsupported = Vec::new();
    if variant.export.encoder.is_none() && variant.export.sink == Sink::Null {
        unsupported.push(
            "by default MLT chooses the encoder by the file's name, and a null sink has none: \
             set an encoder, or use sink = \"file\""
                .into(),
        );
    }
    if variant.input.project().is_some_and(|project| project.format == ProjectFormat::Rlvideo) {
        unsupported.push(
            "MLT cannot open .rlvideo projects: run it with --engine rlvideo --dump-graph, then run the graph.mlt \
             that the editor exported"
                .into(),
        );
    }
    let others = variant.export.options.keys();
    for name in others.filter(|name| NOT_OF_THE_ENCODER.contains(&name.as_str())) {
        unsupported.push(format!("option `{name}` is not the encoder's: MLT would write to another file"));
    }
    let sections = variant.input.script().filter(|_| variant.layout == LayoutChoice::Sections);
    unsupported.extend(sections.and_then(|timeline| mlt::too_many_sections(timeline, variant.export.rate)));
    if variant.input.project().is_some() && variant.layout != LayoutChoice::Default {
        unsupported
            .push("a project keeps its own layout: `memreel layout` writes it with another layout".into());
    }
    if variant.media.iter().any(|(path, _)| path.to_str().is_none()) {
        unsupported.push("a media file's name is not UTF-8, which MLT XML cannot contain".into());
    }
    unsupported
}

/// The graph as MLT XML: that of a scripted timeline, or the project's own.
pub fn graph(variant: &Variant) -> (&'static str, String) {
    let export = &variant.export;
    let profile = Profile { width: export.size.width, height: export.size.height, rate: export.rate };
    match &variant.input {
        Input::Script(timeline) => {
            ("mlt", mlt::to_mlt_xml(timeline, profile, export.audio.is_some(), layout(variant.layout)))
        }
        Input::Project(project) => ("mlt", project.text.clone()),
        Input::Opaque(_) => ("mlt", String::new()),
    }
}

fn layout(choice: LayoutChoice) -> Layout {
    match choice {
        LayoutChoice::Default | LayoutChoice::Flat => Layout::Flat,
        LayoutChoice::Stacked => Layout::Stacked,
        LayoutChoice::Sections => Layout::Sections,
    }
}

/// The threading that the consumer really gives.
pub fn effective(threading: Threading) -> Threading {
    Threading { render: Some(threading.render.unwrap_or(1)), ..threading }
}

/// 0: render in the consumer's own thread; −N: with N threads, dropping no frame.
fn real_time(threading: Threading) -> Option<i64> {
    threading.render.map(|threads| if threads <= 1 { 0 } else { -i64::from(threads) })
}

/// The variables by which MLT learns of threads; and, for a project, of a display.
pub fn environment(variant: &Variant) -> BTreeMap<String, Option<String>> {
    let mut variables = of_threads(variant.threading);
    if variant.input.project().is_some() {
        variables.extend(display().map(|(name, value)| (name.into(), Some(value.into()))));
    }
    variables
}

/// The variables by which MLT learns of threads.
pub fn of_threads(threading: Threading) -> BTreeMap<String, Option<String>> {
    let variables = [("MLT_AVFORMAT_THREADS", threading.decode), ("MLT_SLICES_COUNT", threading.filter)];
    let text = |threads: Option<u32>| threads.map(|threads| threads.to_string());
    variables.into_iter().map(|(name, threads)| (name.into(), text(threads))).collect()
}

/// What MLT's services of Qt's need where there is no display. They load nothing unless `DISPLAY` is set, and then Qt
/// draws off screen, the same pictures as with an X server.
pub fn display() -> impl Iterator<Item = (&'static str, &'static str)> {
    let has_one = std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty());
    let off_screen = [("DISPLAY", "none"), ("QT_QPA_PLATFORM", "offscreen")];
    off_screen.into_iter().filter(move |_| !has_one)
}

/// What it does otherwise than asked, in words.
pub fn notes(variant: &Variant) -> Vec<String> {
    let mut notes = Vec::new();
    let threading = variant.threading;
    if [threading.render, threading.decode, threading.filter, threading.encode] == [Some(1); 4] {
        notes.push("with one thread per part MLT still has three threads, two of them busy".into());
    }
    if let Some(project) = variant.input.project() {
        let drawn = display().next().map(|_| "there is no display here: Qt draws off screen".to_string());
        let consumer =
            project.consumer.as_ref().map(|_| "the project's own consumer is not used".to_string());
        notes.extend(drawn.into_iter().chain(consumer));
    }
    let moved_in = |timeline| mlt::rounded_in_points(timeline, variant.export.rate);
    let moved = variant.input.script().map_or(0, moved_in);
    if moved > 0 {
        notes.push(format!(
            "{moved} in-points are between frames of the export's rate and were moved to the nearest frame"
        ));
    }
    notes
}

/// What MLT says that it could not load: it leaves that out, or shows something else in its place, and goes on.
pub fn not_loaded(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("failed to load ")?;
    let (kind, name) = rest.split_once(' ')?;
    let is_of_a_graph = ["producer", "filter", "transition", "link"].contains(&kind);
    is_of_a_graph.then_some(name.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mlt_could_not_load_is_read_in_its_own_words() {
        for what in ["producer", "filter", "transition", "link"] {
            let line = format!("[producer_xml] failed to load {what} \"qtblend\"\n");
            assert_eq!(not_loaded(&line), Some("qtblend"), "{what}");
        }
        assert_eq!(not_loaded("[producer_xml] failed to load consumer \"sdl2\""), None);
        assert_eq!(not_loaded("Current Frame:         12, percentage:          1"), None);
    }

    #[test]
    fn no_thread_count_makes_melt_drop_frames() {
        for render in [None, Some(0), Some(1), Some(2), Some(64)] {
            let value = real_time(Threading { render, ..Threading::default() });
            assert!(value.is_none_or(|value| value <= 0), "{render:?} gives {value:?}");
        }
    }
}
