//! Options that change a scenario without touching its file.

use std::path::Path;

use clap::Args;

use super::Failure;
use crate::project::ProjectFormat;
use crate::scenario::{Override, SHIPPED, Scenario};

/// The options; each is a short form of `--set`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Changes to the scenario (lists are separated by commas)")]
pub struct ScenarioOptions {
    /// Engines: ffmpeg, melt, mlt-python, rlvideo. Several builds of one: ENGINE@PROGRAM, and with a name for
    /// it LABEL:ENGINE@PROGRAM
    #[arg(long, value_name = "LIST")]
    engine: Option<String>,
    /// Threads: single (one for each part), default (engine default), parallel (as many as CPUs), parallel:N
    #[arg(long, value_name = "LIST")]
    threading: Option<String>,
    /// Where in its process the export runs: main, background
    #[arg(long, value_name = "LIST")]
    driver: Option<String>,
    /// Whether an application tells MLT's consumer to stop once it says that it has: never, after
    #[arg(long, value_name = "LIST")]
    stop: Option<String>,
    /// How clips are put together in a graph of MLT's: flat, stacked, sections
    #[arg(long, value_name = "LIST")]
    layout: Option<String>,
    /// What is exported of each source: original, proxy; make-proxies: only make the proxies
    #[arg(long, value_name = "LIST")]
    media: Option<String>,
    /// Size of the pictures: 1280x720
    #[arg(long, value_name = "LIST")]
    size: Option<String>,
    /// Video encoders, by FFmpeg's names; default: nothing is told of how to encode
    #[arg(long, value_name = "LIST")]
    encoder: Option<String>,
    /// The encoder's presets; default: engine default
    #[arg(long, value_name = "LIST")]
    preset: Option<String>,
    /// Containers: mp4, matroska, mpegts …
    #[arg(long, value_name = "LIST")]
    container: Option<String>,
    /// Where the export goes: file, null (encoded and thrown away)
    #[arg(long, value_name = "LIST")]
    sink: Option<String>,
    /// How many times as long the timeline is: 1,2,4
    #[arg(long, value_name = "LIST")]
    length: Option<String>,
    /// How many distinct files of each source are used, at the same length: 1,10,40
    #[arg(long, value_name = "LIST")]
    sources: Option<String>,
    /// How often the timeline is exported in one process: 1,5
    #[arg(long, value_name = "LIST")]
    exports: Option<String>,
    /// How often each variant is run
    #[arg(long, value_name = "N")]
    repeat: Option<String>,
    /// Seconds from one sample to the next (0.02)
    #[arg(long, value_name = "SECONDS")]
    interval: Option<String>,
    /// Give up an engine that runs longer
    #[arg(long, value_name = "SECONDS")]
    wall_limit: Option<String>,
    /// Give up an engine that exports no frame for so long (60)
    #[arg(long, value_name = "SECONDS")]
    stall_limit: Option<String>,
    /// Any other key, in TOML: --set export.pixel_format=yuv422p
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
        ProjectFormat::Mlt | ProjectFormat::Kdenlive => ("melt", "main"),
        ProjectFormat::Rlvideo => ("rlvideo", "background"),
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
