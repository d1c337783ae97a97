//! Options that change a scenario without touching its file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::scenario::{self, Driver, EngineName, Override, SHIPPED, Scenario, Word};
use memreel_projects::project::{self, ProjectFormat};
use memreel_trace::WorkUnit;

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
    /// Play an editor's project so many times in a row, in one export: 1,2,4
    #[arg(long, value_name = "LIST")]
    times: Option<String>,
    /// Export an editor's project without something: filters, transitions, an MLT service by its name, track:N
    /// and clip:N (`memreel inspect --clips` lists both). The project with all of it is always exported too: nothing
    #[arg(long, value_name = "LIST")]
    without: Option<String>,
    /// Export only a part of an editor's project: 0..60s, 250f..1500f; all
    #[arg(long, value_name = "LIST")]
    part: Option<String>,
    /// Memory allocator of the engine: default, arenas:N (glibc's, with at most N arenas), jemalloc, mimalloc
    #[arg(long, value_name = "LIST")]
    allocator: Option<String>,
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
    #[command(flatten)]
    own: OwnOptions,
}

/// The options for commands, axes and engines of the user's own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Your own commands, axes and engines")]
struct OwnOptions {
    /// Measure this command, in place of a scenario: {output}, {threads} and the names of --axis are filled in. Its
    /// words are split as a shell splits them, and no shell runs it. The number of frames of ffmpeg
    /// comes from -progress. Several commands take turns
    #[arg(long, value_name = "COMMAND")]
    command: Vec<String>,
    /// The name of the result of a command; its program's, if not given
    #[arg(long, value_name = "NAME", requires = "command")]
    name: Option<String>,
    /// What several commands are called, in their order; their programs' names or a, b …, if not given
    #[arg(long, value_name = "LIST", requires = "command")]
    names: Option<String>,
    /// Have a shell run the command: for pipes and redirections
    #[arg(long, requires = "command")]
    shell: bool,
    /// How the command says how far it is: the number of frames in its output
    #[arg(long, value_name = "REGEX", requires = "command")]
    progress_regex: Option<String>,
    /// The same in a file that it writes: the last `frame=N` or number in it
    #[arg(long, value_name = "FILE", requires = "command")]
    progress_file: Option<String>,
    /// What the progress counts: frame, item (pages, files …); MiB: no progress is read, and the MiB written by
    /// the command count
    #[arg(long, value_name = "UNIT", requires = "command")]
    unit: Option<WorkUnit>,
    /// The number of frames that the command exports, where it is known
    #[arg(long, value_name = "N")]
    frames: Option<u64>,
    /// The frames at which clips begin, where they are known: 50,100
    #[arg(long, value_name = "LIST")]
    cuts: Option<String>,
    /// An axis of your own: {NAME} in the command, or in [env], takes each of these values
    #[arg(long, value_name = "NAME=LIST")]
    axis: Vec<String>,
    /// A variable of the engines' environment, and its values: MALLOC_ARENA_MAX=1,8 is an axis
    #[arg(long, value_name = "NAME=LIST")]
    env: Vec<String>,
    /// Add the engines, axes and variables of this file (`memreel engines --help`)
    #[arg(long, value_name = "FILE")]
    engines: Vec<PathBuf>,
}

impl OwnOptions {
    /// What the files of engines change, each as `key=value`.
    fn texts_of_files(&self) -> Result<Vec<String>, Failure> {
        let mut texts = Vec::new();
        for path in &self.engines {
            texts.extend(scenario::of_engines_file(path)?);
        }
        Ok(texts)
    }

    /// The other options that change a scenario, each as `key=value`.
    fn texts(&self) -> Result<Vec<String>, Failure> {
        let mut texts = Vec::new();
        for text in &self.axis {
            let (name, values) = named("--axis", "threads=1,4", text)?;
            texts.push(format!("axes.{name}={values}"));
        }
        for text in &self.env {
            let (name, values) = named("--env", "MALLOC_ARENA_MAX=1,8", text)?;
            texts.extend([format!("axes.{name}={values}"), format!("env.{name}={{{name}}}")]);
        }
        texts.extend(self.frames.map(|frames| format!("timeline.frames={frames}")));
        texts.extend(self.cuts.as_ref().map(|cuts| format!("timeline.cuts=[{cuts}]")));
        Ok(texts)
    }

    /// The options that stand for a scenario file.
    fn given(&self) -> Vec<String> {
        let options = [
            ("--name", &self.name),
            ("--names", &self.names),
            ("--progress-regex", &self.progress_regex),
            ("--progress-file", &self.progress_file),
            ("--unit", &self.unit.map(|unit| unit.name().to_string())),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let commands = self.command.iter().map(|command| ("--command", command));
        let words = commands.chain(given).flat_map(|(name, value)| [name.to_string(), value.clone()]);
        words.chain(self.shell.then(|| "--shell".to_string())).collect()
    }

    /// The name and text of a scenario that runs the commands alone.
    fn scenario(&self) -> Result<(String, String), Failure> {
        let commands = self.command.iter().map(|text| self.words(text)).collect::<Result<Vec<_>, _>>()?;
        let programs: Vec<String> = commands.iter().map(|words| program(words)).collect();
        let names = self.engine_names(&programs)?;
        let name = self.name.clone().unwrap_or_else(|| programs[0].clone());
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
            return Err(Failure::usage(format!("--name {name}: use a name that a folder can have")));
        }
        let mut distinct = programs.clone();
        distinct.dedup();
        let verb = if distinct.len() == 1 { "does" } else { "do" };
        let question = format!("How much memory {verb} {} take, and does it grow?", distinct.join(" and "));
        let mut text = format!("version = 1\nquestion = {}\n", quoted(&question));
        let (regex, file) = (self.progress_regex.as_deref(), self.progress_file.as_deref());
        let parts = [("regex", regex), ("file", file)].into_iter();
        let parts: Vec<_> =
            parts.filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value?)))).collect();
        for ((name, words), given) in names.iter().zip(commands).zip(&self.command) {
            let command = match self.shell {
                true => format!("{}\nshell = true", quoted(given)),
                false => serde_json::Value::from(words).to_string(),
            };
            text.push_str(&format!("\n[engines.{name}]\ncommand = {command}\n"));
            if !parts.is_empty() {
                text.push_str(&format!("progress = {{ {} }}\n", parts.join(", ")));
            }
            if let Some(unit) = self.unit {
                text.push_str(&format!("unit = {}\n", quoted(unit.name())));
            }
        }
        Ok((name, text))
    }

    fn words(&self, command: &str) -> Result<Vec<String>, Failure> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| {
            let given = quoted(command);
            Failure::usage(format!("--command {given}: a quotation mark is not closed, or there is no word"))
        })?;
        match words.iter().find(|word| !self.shell && is_for_a_shell(word)) {
            Some(word) => Err(Failure::usage(format!(
                "--command: only a shell understands `{word}`; add --shell, or write the command without it"
            ))),
            None => Ok(words),
        }
    }

    /// What the commands are called in the matrix.
    fn engine_names(&self, programs: &[String]) -> Result<Vec<String>, Failure> {
        let count = programs.len();
        let usable = |names: &[String]| {
            let known = |name: &String| EngineName::ALL.iter().any(|engine| engine.name() == name);
            let valid = |name: &String| name.parse::<Word>().is_ok() && !known(name);
            let distinct: BTreeSet<_> = names.iter().collect();
            distinct.len() == count && names.len() == count && names.iter().all(valid)
        };
        let letters = || ('a'..='z').map(String::from).take(count).collect::<Vec<_>>();
        match &self.names {
            Some(list) => {
                let names: Vec<_> = list.split(',').map(|name| name.trim().to_string()).collect();
                let wrong = || {
                    Failure::usage(format!(
                        "--names {list}: give {count} different names of letters, digits, _ and -, none of an engine"
                    ))
                };
                usable(&names).then_some(names).ok_or_else(wrong)
            }
            None if count == 1 => Ok(vec!["command".into()]),
            None if usable(programs) => Ok(programs.to_vec()),
            None if count <= 26 => Ok(letters()),
            None => Err(Failure::usage("more than 26 commands: give them names with --names")),
        }
    }
}

/// As TOML and JSON write a string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The program of a command, as a name.
fn program(words: &[String]) -> String {
    let program = Path::new(&words[0]).file_name().map_or("command".into(), |name| name.to_string_lossy());
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    program.chars().map(plain).collect()
}

/// What a shell does something with, and a program that is started without one does not.
fn is_for_a_shell(word: &str) -> bool {
    let operator = matches!(word, "|" | "||" | "&&" | ";" | "&" | "<" | "|&");
    let redirection = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&').starts_with('>');
    operator || redirection || word.starts_with("~/") || names_a_variable(word)
}

/// `$NAME` or `${NAME}`.
fn names_a_variable(word: &str) -> bool {
    let name = word.strip_prefix("${").or_else(|| word.strip_prefix('$'));
    name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

/// `NAME=LIST`.
fn named<'a>(option: &str, example: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let parts = text.split_once('=').filter(|(name, values)| !name.contains('.') && !values.is_empty());
    parts.ok_or_else(|| {
        Failure::usage(format!("{option} {text}: write {option} NAME=LIST, like {option} {example}"))
    })
}

impl ScenarioOptions {
    /// Loads the scenario that is named, or makes one of the command, and changes it.
    pub fn load(&self, scenario: Option<&str>) -> Result<Scenario, Failure> {
        self.load_with(scenario, &[])
    }

    /// The same with further changes.
    pub fn load_with(&self, scenario: Option<&str>, more: &[String]) -> Result<Scenario, Failure> {
        let mut texts = self.own.texts_of_files()?;
        let paths = self.own.engines.iter().map(std::path::absolute).collect::<Result<_, _>>()?;
        let engines_files = (paths, texts.len());
        texts.extend(self.texts_but_of_files()?.into_iter().chain(more.iter().cloned()));
        let scenario = match scenario {
            Some(scenario) if !self.own.command.is_empty() => {
                Err(Failure::usage(format!("give either the scenario {scenario} or a --command, not both")))
            }
            None if !self.own.command.is_empty() => {
                let (name, text) = self.own.scenario()?;
                let path = std::env::current_dir()?.join(format!("{name}.toml"));
                let scenario = Scenario::parse(&text, &path, &overrides(&texts)?)?;
                Ok(Scenario { options: self.own.given(), ..scenario })
            }
            Some(scenario) => load(scenario, &texts),
            None => Err(Failure::usage(
                "give a scenario or a --command; `memreel scenarios` lists those that come with memreel",
            )),
        }?;
        Ok(Scenario { engines_files, ..scenario })
    }

    /// The options that stand for a scenario file, where there is none.
    pub fn given(&self) -> Vec<String> {
        self.own.given()
    }

    /// Each change as `key=value`; first those of files.
    pub fn texts(&self) -> Result<Vec<String>, Failure> {
        let mut texts = self.own.texts_of_files()?;
        texts.extend(self.texts_but_of_files()?);
        Ok(texts)
    }

    fn texts_but_of_files(&self) -> Result<Vec<String>, Failure> {
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
            ("matrix.times", &self.times),
            ("matrix.without", &self.without),
            ("matrix.part", &self.part),
            ("matrix.allocator", &self.allocator),
            ("matrix.memory-limit", &self.memory_limit),
            ("matrix.repeats", &self.repeat),
            ("sampling.interval", &self.interval),
            ("limits.wall", &self.wall_limit),
            ("limits.stall", &self.stall_limit),
        ];
        let given = options.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
        Ok(self.own.texts()?.into_iter().chain(given).chain(self.set.iter().cloned()).collect())
    }
}

/// Loads a scenario by path or, where no such file is, by the name of one that comes with the program.
pub fn load(scenario: &str, changes: &[String]) -> Result<Scenario, Failure> {
    let overrides = overrides(changes)?;
    let path = Path::new(scenario);
    if let Some(format) = ProjectFormat::of_path(path).filter(|_| path.exists()) {
        return of_project(path, format, &overrides);
    }
    if let Some(foreign) = project::foreign(path).filter(|_| path.exists()) {
        return Err(foreign.into());
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
