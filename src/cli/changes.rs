//! Options that change a scenario without touching its file.

use std::path::Path;

use clap::Args;

use super::Failure;
use crate::scenario::{Driver, EngineName, Override, SHIPPED, Scenario};
use memreel_projects::project::ProjectFormat;

/// The options; each is a short form of `--set`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Changes to the scenario (lists are separated by commas)")]
pub struct ScenarioOptions {
    /// Engines: ffmpeg, melt, mlt-python, rlvideo. A certain build: ENGINE@PROGRAM, or with a name
    /// for it LABEL:ENGINE@PROGRAM
    #[arg(long, value_name = "LIST")]
    engine: Option<String>,
    /// Threads: single (one per part), default (engine default), parallel (as many as CPUs), parallel:N
    #[arg(long, value_name = "LIST")]
    threading: Option<String>,
    /// Thread of the process that runs the export: main, background
    #[arg(long, value_name = "LIST")]
    driver: Option<String>,
    /// Whether the application calls stop() on an MLT consumer that has stopped by itself: never, after
    #[arg(long, value_name = "LIST")]
    stop: Option<String>,
    /// Layout of MLT's graph: flat, stacked, sections
    #[arg(long, value_name = "LIST")]
    layout: Option<String>,
    /// Files to export: original, proxy; make-proxies: only create the proxies
    #[arg(long, value_name = "LIST")]
    media: Option<String>,
    /// Frame size: 1280x720
    #[arg(long, value_name = "LIST")]
    size: Option<String>,
    /// Video encoders, by FFmpeg's names; default: engine defaults for encoder and formats
    #[arg(long, value_name = "LIST")]
    encoder: Option<String>,
    /// Presets of the encoder; default: engine default
    #[arg(long, value_name = "LIST")]
    preset: Option<String>,
    /// Containers: mp4, matroska, mpegts …
    #[arg(long, value_name = "LIST")]
    container: Option<String>,
    /// Output of the export: file, null (encoded and discarded)
    #[arg(long, value_name = "LIST")]
    sink: Option<String>,
    /// Length of the timeline, as a multiple: 1,2,4
    #[arg(long, value_name = "LIST")]
    length: Option<String>,
    /// Number of distinct files per source, at the same length: 1,10,40
    #[arg(long, value_name = "LIST")]
    sources: Option<String>,
    /// Number of exports in one process: 1,5
    #[arg(long, value_name = "LIST")]
    exports: Option<String>,
    /// Most memory that the engine and all that it starts may use: 512MiB; none: no limit. Needs control groups
    /// (`memreel doctor`)
    #[arg(long, value_name = "LIST")]
    memory_limit: Option<String>,
    /// Number of repeats of each variant
    #[arg(long, value_name = "N")]
    repeat: Option<String>,
    /// Seconds between two samples (0.02)
    #[arg(long, value_name = "SECONDS")]
    interval: Option<String>,
    /// End an engine that runs longer than this
    #[arg(long, value_name = "SECONDS")]
    wall_limit: Option<String>,
    /// End an engine that exports no frame for this long (60)
    #[arg(long, value_name = "SECONDS")]
    stall_limit: Option<String>,
    /// Any other key, as TOML: --set export.pixel_format=yuv422p
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl ScenarioOptions {
    /// Each as `key=value`.
    pub fn texts(&self) -> Vec<String> {
        let options = [
            ("matrix.engine", &self.engine),
            ("matrix.threading", &self.threading),
            ("matrix.driver", &self.driver),
            ("matrix.stop", &self.stop),
            ("matrix.layout", &self.layout),
            ("matrix.media", &self.media),
            ("matrix.size", &self.size),
            ("matrix.encoder", &self.encoder),
            ("matrix.preset", &self.preset),
            ("matrix.container", &self.container),
            ("matrix.sink", &self.sink),
            ("matrix.length", &self.length),
            ("matrix.sources", &self.sources),
            ("matrix.exports", &self.exports),
            ("matrix.memory-limit", &self.memory_limit),
            ("matrix.repeats", &self.repeat),
            ("sampling.interval", &self.interval),
            ("limits.wall", &self.wall_limit),
            ("limits.stall", &self.stall_limit),
        ];
        let given = options.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
        given.chain(self.set.iter().cloned()).collect()
    }
}

/// Loads a scenario by path or, where no such file is, by the name of one that comes with the program.
pub fn load(scenario: &str, changes: &[String]) -> Result<Scenario, Failure> {
    let overrides = overrides(changes)?;
    let path = Path::new(scenario);
    if let Some(format) = ProjectFormat::of_path(path).filter(|_| path.exists()) {
        return of_project(path, format, &overrides);
    }
    let shipped = SHIPPED.iter().find(|(name, _)| *name == scenario);
    match shipped {
        Some((name, text)) if !path.exists() => {
            Ok(Scenario::parse(text, Path::new(&format!("scenarios/{name}.toml")), &overrides)?)
        }
        _ => Ok(Scenario::load(path, &overrides)?),
    }
}

/// The scenario of a project that is exported as it is, by the engine that it was made for: nothing is told
/// that an application would not tell.
fn of_project(path: &Path, format: ProjectFormat, changes: &[Override]) -> Result<Scenario, Failure> {
    let project = std::path::absolute(path)?;
    let name = path.file_name().unwrap_or_default().display();
    let (engine, driver) = match format {
        ProjectFormat::Mlt | ProjectFormat::Kdenlive => (EngineName::Melt, Driver::Main),
        ProjectFormat::Rlvideo => (EngineName::Rlvideo, Driver::Background),
    };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let Some(project) = project.to_str() else {
        return Err(Failure::usage(format!("{name}: the path is not UTF-8")));
    };
    let text = format!(
        "version = 1\nquestion = {}\ntimeline.project = {}\nexport.encoder = \"default\"\n\
         matrix.engine = \"{engine}\"\nmatrix.driver = \"{driver}\"\nmatrix.threading = \"default\"\n",
        quoted(&format!("How much memory does the export of {name} take, and does it grow?")),
        quoted(project),
    );
    Ok(Scenario::parse(&text, path, changes)?)
}

/// Parses `key=value` texts; programs that they name by relative paths are taken from the current folder.
pub fn overrides(texts: &[String]) -> Result<Vec<Override>, Failure> {
    let overrides: Vec<Override> = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let folder = std::env::current_dir()?;
    Ok(overrides.into_iter().map(|change| change.given_in(&folder)).collect())
}
