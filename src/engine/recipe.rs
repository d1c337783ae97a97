//! Engines that are text: a command with placeholders, of the user's or out of `engines/`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Engine, Installation, JobFiles, Missing, Probe, Resolved, ffmpeg_line, probe};
use crate::digest;
use crate::plan::{Input, Variant};
use crate::scenario::{
    Axis, Driver, EngineName, LayoutChoice, Placeholder, Recipe, RecipeProgress, Sink, Template, Word,
};
use memreel_record::launch::EndStatus;
use memreel_record::progress::Pattern;
use memreel_record::supervise::{Channel, PROGRESS_FD, ProgressFormat, ProgressLines};
use memreel_trace::{EngineRecord, Threading};

/// A line on the descriptor for progress: a number, alone or after the word `frame`.
const COUNT: &str = r"^\s*(?:frame\s*=?\s*)?([0-9]+)\s*$";

/// How often ffmpeg says how far it is, in seconds: by itself twice a second.
const STATS_PERIOD: &str = "0.05";

/// A program that a recipe describes.
#[derive(Debug)]
pub struct RecipeEngine {
    recipe: Arc<Recipe>,
    program: PathBuf,
    installation: Result<Installation, Missing>,
}

impl RecipeEngine {
    /// Looks for its program, or at the one that was chosen, and if that is wanted asks for its version.
    pub fn find(recipe: &Arc<Recipe>, chosen: Option<&Path>, probe: Option<&Probe>) -> RecipeEngine {
        let named = match recipe.shell {
            true => PathBuf::from("/bin/sh"),
            false => chosen.map_or_else(|| first_word(recipe), Path::to_path_buf),
        };
        let found = program(recipe, &named, chosen.is_some());
        let installation = match (&found, probe) {
            (Err(missing), _) => Err(missing.clone()),
            (Ok(path), None) => Ok(Installation::unasked(EngineName::Own(recipe.name), path)),
            (Ok(path), Some(probe)) => asked(recipe, path, probe),
        };
        RecipeEngine { recipe: Arc::clone(recipe), program: named, installation }
    }

    /// What a placeholder stands for.
    fn value(&self, placeholder: Placeholder<'_>, variant: &Variant, files: &JobFiles) -> Option<String> {
        let export = &variant.export;
        let path = |path: &Path| Some(path.to_string_lossy().into_owned());
        let name = match placeholder {
            Placeholder::Given(name) => name,
            Placeholder::Own(axis) => {
                return variant.own.iter().find(|own| own.axis == axis).map(|own| own.value.clone());
            }
        };
        match name {
            "output" => path(files.output),
            "timeline" => path(files.timeline),
            "project" => match variant.input.project() {
                Some(project) if project.is_edited => path(files.timeline),
                _ => path(variant.input.project_file()?),
            },
            "files" => path(&files.drivers.join(self.recipe.name.as_str())),
            "folder" => path(files.folder),
            "frames" => variant.frames().map(|frames| frames.to_string()),
            "threads" => variant.threading.encode.map(|threads| threads.to_string()),
            "size" => Some(export.size.to_string()),
            "width" => Some(export.size.width.to_string()),
            "height" => Some(export.size.height.to_string()),
            "rate" => Some(export.rate.to_string()),
            "encoder" => export.encoder.clone(),
            "preset" => export.preset.clone(),
            "pixel_format" => Some(export.pixel_format.to_string()),
            "audio" => export.audio.as_ref().map(|audio| audio.encoder.clone()),
            "audio_rate" => export.audio.as_ref().map(|audio| audio.rate.to_string()),
            "container" => Some(export.container.to_string()),
            "exports" => Some(variant.exports.to_string()),
            _ => None,
        }
    }

    /// The command's words; what is optional and has no value is left out.
    fn command(&self, fill: &Fill<'_>) -> Vec<OsString> {
        let mut command = Vec::new();
        for argument in &self.recipe.command {
            let words: Option<Vec<String>> = argument.words.iter().map(|word| word.filled(fill)).collect();
            command.extend(words.unwrap_or_default().into_iter().map(OsString::from));
        }
        match (self.recipe.shell, command.first_mut()) {
            (true, _) => command = self.shell_script(fill),
            (false, Some(program)) => *program = self.program.clone().into(),
            (false, None) => {}
        }
        command
    }

    /// Values are quoted: a path with a space stays one word.
    fn shell_script(&self, fill: &Fill<'_>) -> Vec<OsString> {
        let quoted = |placeholder: Placeholder<'_>| {
            let value = fill(placeholder)?;
            shlex::try_quote(&value).ok().map(|quoted| quoted.into_owned())
        };
        let script = self.recipe.command[0].words[0].filled(&quoted).unwrap_or_default();
        ["/bin/sh".into(), "-c".into(), script.into()].into()
    }

    /// Where the command runs.
    fn here(&self) -> &Path {
        self.recipe.folder.as_deref().unwrap_or(Path::new(""))
    }

    /// Its command line, where ffmpeg is run.
    fn ffmpeg_line(&self, variant: &Variant) -> Option<Vec<String>> {
        let files = JobFiles::unnamed(false);
        let command = self.command(&|placeholder| self.value(placeholder, variant, &files));
        let words = command.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
        (self.recipe.progress == RecipeProgress::Ffmpeg).then_some(words)
    }

    /// How the progress is read; of ffmpeg it is asked for.
    fn progress(&self, command: &mut Vec<OsString>, rate: f64, fill: &Fill<'_>) -> Option<ProgressFormat> {
        let pattern_of = |regex: &str| Some(Pattern::new(regex).ok()?.at_rate(rate));
        let (channel, pattern) = match &self.recipe.progress {
            RecipeProgress::None => return None,
            RecipeProgress::Ffmpeg => (self.of_ffmpeg(command), Pattern::of_ffmpeg()),
            RecipeProgress::Descriptor => (Channel::Pipe, pattern_of(COUNT)?),
            RecipeProgress::Output(regex) => (Channel::Output, pattern_of(regex)?),
            RecipeProgress::File(path, regex) => {
                let pattern = match regex {
                    Some(regex) => pattern_of(regex)?,
                    None => Pattern::usual_of_files(),
                };
                (Channel::File(self.here().join(path.filled(fill)?)), pattern)
            }
        };
        Some(ProgressFormat {
            channel,
            lines: ProgressLines::Numbered(pattern),
            counters: "out",
            left_out: |_| None,
        })
    }

    /// Where `-progress` of ffmpeg goes: it is added to the command, unless it is there.
    fn of_ffmpeg(&self, command: &mut Vec<OsString>) -> Channel {
        let given = command.iter().position(|word| word == "-progress").and_then(|at| command.get(at + 1));
        match given.and_then(|target| target.to_str()) {
            Some("-" | "pipe:" | "pipe:1" | "pipe:2") => Channel::Output,
            Some(file) => Channel::File(self.here().join(file.strip_prefix("file:").unwrap_or(file))),
            None => {
                let target = format!("pipe:{PROGRESS_FD}");
                let added = ["-progress", &target, "-stats_period", STATS_PERIOD].map(OsString::from);
                command.splice(1..1, added);
                Channel::Pipe
            }
        }
    }

    /// What is varied and does not reach the command: its variants would all be the same.
    fn unheeded<'a>(&'a self, variant: &'a Variant) -> impl Iterator<Item = String> + 'a {
        let name = self.recipe.name;
        variant.varied.iter().filter(|axis| !self.heeds(**axis)).map(move |axis| {
            format!("{name} cannot be told the {axis}: its command has no {}", placeholders_of(*axis))
        })
    }

    fn heeds(&self, axis: Axis) -> bool {
        match axis {
            // What memreel does itself.
            Axis::Engine | Axis::Allocator | Axis::MemoryLimit => true,
            Axis::Length | Axis::Sources | Axis::Media => self.recipe.has_given("timeline"),
            // Refused by themselves.
            Axis::Driver | Axis::Stop | Axis::Layout | Axis::Sink | Axis::Own(_) => true,
            Axis::Times | Axis::Without | Axis::Part => true,
            axis => axis.reaches(&self.recipe),
        }
    }

    /// Placeholders that have to have a value and have none.
    fn without_value(&self, variant: &Variant) -> Vec<String> {
        let files = JobFiles::unnamed(false);
        let needed = self.recipe.command.iter().filter(|argument| !argument.is_optional);
        let templates = needed.flat_map(|argument| &argument.words);
        let mut names: Vec<Placeholder<'_>> = templates.flat_map(Template::placeholders).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.value(*name, variant, &files).is_none());
        names.into_iter().map(|name| no_value(&self.recipe.name, &name)).collect()
    }
}

fn no_value(recipe: &Word, placeholder: &Placeholder<'_>) -> String {
    let advice = match placeholder {
        Placeholder::Own(_) => "name its values in [axes]",
        Placeholder::Given(name) => missing_value(name),
    };
    format!("{placeholder} in the command of {recipe} has no value here: {advice}")
}

fn missing_value(placeholder: &str) -> &'static str {
    match placeholder {
        "threads" => "use threading single, parallel or parallel:N",
        "frames" => "write timeline.frames",
        "encoder" => "name an encoder in [export]",
        "project" => "write timeline.project",
        _ => "put the words that need it in a list of their own, which is then left out",
    }
}

/// What fills in placeholders.
type Fill<'a> = dyn Fn(Placeholder<'_>) -> Option<String> + 'a;

/// `{size}, {width} or {height}`.
fn placeholders_of(axis: Axis) -> String {
    let names: Vec<_> = axis.placeholders().iter().map(|name| format!("{{{name}}}")).collect();
    names.join(" or ")
}

/// The program of a command, as it is written.
fn first_word(recipe: &Recipe) -> PathBuf {
    let word = recipe.command.first().and_then(|argument| argument.words.first());
    word.and_then(|word| word.filled(&|_| None)).map_or_else(PathBuf::new, PathBuf::from)
}

fn program(recipe: &Recipe, named: &Path, is_chosen: bool) -> Result<PathBuf, Missing> {
    if is_chosen {
        return probe::chosen(named, None);
    }
    let is_path = named.components().count() > 1;
    let found = match is_path {
        true => probe::chosen(&recipe.folder.as_deref().unwrap_or(Path::new("")).join(named), None).ok(),
        false => named.to_str().and_then(probe::on_path),
    };
    found.ok_or_else(|| Missing {
        what: format!("`{}` is not installed", named.display()),
        advice: advice(recipe),
    })
}

fn advice(recipe: &Recipe) -> String {
    match &recipe.install {
        Some(install) => format!("install it: {install}"),
        None => format!("install it, or write its path in the command of {}", recipe.name),
    }
}

/// Its version by its own words, and a digest of the program, of what it is linked with, and of those words.
fn asked(recipe: &Recipe, program: &Path, probe: &Probe) -> Result<Installation, Missing> {
    let mut version = String::new();
    if let Some((first, arguments)) = recipe.version.split_first() {
        // The interpreter that was chosen says which version of a library it has.
        let is_program = first_word(recipe) == Path::new(first);
        let asked =
            if is_program { program.into() } else { probe::on_path(first).unwrap_or_else(|| first.into()) };
        let answer = probe.answer(&asked, arguments, &[]).filter(|answer| answer.end == EndStatus::Exit(0));
        let answer = answer.ok_or_else(|| Missing {
            what: format!(
                "`{}` fails",
                shlex::try_join(recipe.version.iter().map(String::as_str)).unwrap_or_default()
            ),
            advice: advice(recipe),
        })?;
        let mut lines = answer.output.lines().chain(answer.errors.lines()).map(str::trim);
        let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
        version = line.split(" Copyright").next().unwrap_or_default().to_string();
    }
    let linked = probe.linked_libraries(program);
    let versions =
        linked.iter().filter_map(|(name, file)| Some((name.clone(), probe::library_version(file)?)));
    let versions: BTreeMap<String, String> = versions.collect();
    let held = std::fs::read(program).map(digest::of).unwrap_or_default();
    let build = digest::of(format!("{held}\n{version}\n{versions:?}\n{:?}", recipe.files));
    let unasked = Installation::unasked(EngineName::Own(recipe.name), program);
    let record = EngineRecord { version, package: probe.package_of(program), build, ..unasked.record };
    Ok(Installation { record, ..unasked })
}

impl Engine for RecipeEngine {
    fn name(&self) -> EngineName {
        EngineName::Own(self.recipe.name)
    }

    fn installation(&self) -> Result<&Installation, &Missing> {
        self.installation.as_ref()
    }

    fn unsupported(&self, variant: &Variant) -> Vec<String> {
        let name = self.recipe.name;
        let mut unsupported: Vec<String> = self.unheeded(variant).collect();
        let mut refuse = |is_asked: bool, why: &str| {
            unsupported.extend(is_asked.then(|| format!("{name} {why}")));
        };
        refuse(variant.driver != Driver::Main, "runs by itself: memreel has no say in its threads (driver)");
        refuse(
            variant.layout != LayoutChoice::Default,
            "has no graph of MLT's that could be laid out (layout)",
        );
        refuse(variant.export.sink == Sink::Null, "writes what its command says (sink)");
        refuse(
            variant.exports > 1 && !self.recipe.has_given("exports"),
            "exports once in its process: its command has no {exports}",
        );
        match &variant.input {
            Input::Script(_) => refuse(
                !self.recipe.has_given("timeline"),
                "exports no timeline: its command has no {timeline}",
            ),
            Input::Project(_) => {
                refuse(!self.recipe.has_given("project"), "exports no project: its command has no {project}");
            }
            Input::Opaque(_) => {}
        }
        unsupported.extend(self.without_value(variant));
        unsupported
    }

    fn timeline(&self, variant: &Variant) -> (&'static str, String) {
        ("otio", variant.input.script().map_or_else(String::new, memreel_timeline::to_otio))
    }

    fn drivers(&self) -> Vec<(String, &str)> {
        let name = |file: &String| format!("{}/{file}", self.recipe.name);
        self.recipe.files.iter().map(|(file, text)| (name(file), text.as_str())).collect()
    }

    fn folder(&self) -> Option<&Path> {
        self.recipe.folder.as_deref()
    }

    fn is_of_user(&self) -> bool {
        !self.recipe.is_shipped
    }

    fn joined(&self, variant: &Variant) -> Option<Vec<PathBuf>> {
        ffmpeg_line::joined(&self.ffmpeg_line(variant)?, self.here())
    }

    fn inputs(&self, variant: &Variant) -> Vec<PathBuf> {
        let line = self.ffmpeg_line(variant).unwrap_or_default();
        let named = ffmpeg_line::inputs(&line).into_iter().map(|path| self.here().join(path));
        let mut inputs: Vec<PathBuf> = named.filter(|path| path.is_file()).collect();
        inputs.extend(self.joined(variant).unwrap_or_default());
        inputs.sort();
        inputs.dedup();
        inputs
    }

    fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved {
        let fill = |placeholder: Placeholder<'_>| self.value(placeholder, variant, files);
        let mut command = self.command(&fill);
        let progress = self.progress(&mut command, variant.export.rate.as_f64(), &fill);
        let environment = self.recipe.environment.iter();
        let environment = environment.map(|(name, value)| (name.clone(), value.filled(&fill)));
        let is_told = Axis::Threading.reaches(&self.recipe);
        Resolved {
            before: None,
            command,
            environment: environment.filter(|(_, value)| value.is_some()).collect(),
            progress,
            effective: if is_told { variant.threading } else { Threading::default() },
            notes: self.notes(variant),
        }
    }
}

impl RecipeEngine {
    /// What of the export's settings does not reach the command. Where it describes the export by itself, it has none.
    fn notes(&self, variant: &Variant) -> Vec<String> {
        let Input::Script(_) = &variant.input else { return Vec::new() };
        let export = &variant.export;
        let settings = [
            (Axis::Size, Some(export.size.to_string())),
            (Axis::Rate, Some(export.rate.to_string())),
            (Axis::Encoder, export.encoder.clone()),
            (Axis::Preset, export.preset.clone()),
            (Axis::Audio, export.audio.as_ref().map(|audio| audio.encoder.clone())),
        ];
        let untold = settings.into_iter().filter(|(axis, _)| !axis.reaches(&self.recipe));
        let name = self.recipe.name;
        untold.filter_map(|(axis, value)| Some(format!("{axis} {} is not told to {name}", value?))).collect()
    }
}
