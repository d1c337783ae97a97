//! `[engines]`: programs that export, said in text. A recipe is a command with placeholders, and how its progress is
//! read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memreel_trace::WorkUnit;
use regex::Regex;

use super::spelling::{nearest, quoted};
use super::template::{Placeholder, Template};
use super::tree::{Field, KeyTable, Node, ScenarioFault, Value};
use super::values::EngineName;
use super::word::Word;

/// The recipes that come with the program: name and text, in the form of a scenario's `[engines]`.
pub const RECIPES: &[(&str, &str)] = &[
    ("blender", include_str!("../../engines/blender.toml")),
    ("ffmpeg-cli", include_str!("../../engines/ffmpeg-cli.toml")),
    ("ges", include_str!("../../engines/ges.toml")),
    ("moviepy", include_str!("../../engines/moviepy.toml")),
    ("openshot", include_str!("../../engines/openshot.toml")),
];

/// One argument of a command, or several that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Argument {
    /// The words.
    pub words: Vec<Template>,
    /// Whether all of them are left out where a placeholder has no value.
    pub is_optional: bool,
}

/// Where a command says how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecipeProgress {
    /// Nowhere.
    None,
    /// `-progress` is added to its command line, unless it is there.
    Ffmpeg,
    /// Descriptor 5: the last number of each line.
    Descriptor,
    /// In what it prints, where the regular expression finds it.
    Output(String),
    /// At the end of a file: the last `frame=N` or number, or where the regular expression finds it.
    File(Template, Option<String>),
}

/// A program that exports, said in text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipe {
    /// The engine's name.
    pub name: Word,
    /// What it is, in a sentence.
    pub about: Option<String>,
    /// The command. With a shell it is one argument, the shell's script.
    pub command: Vec<Argument>,
    /// Whether a shell runs it.
    pub shell: bool,
    /// Where it says how far it is.
    pub progress: RecipeProgress,
    /// The unit of its progress.
    pub unit: WorkUnit,
    /// A command that prints its version; empty where there is none.
    pub version: Vec<String>,
    /// Variables of its environment.
    pub environment: BTreeMap<String, Template>,
    /// Files that it needs, by name: drivers of libraries that have no command line.
    pub files: BTreeMap<String, String>,
    /// How it is installed.
    pub install: Option<String>,
    /// Where the command runs; `None`: where memreel does.
    pub folder: Option<PathBuf>,
    /// Whether it comes with memreel.
    pub is_shipped: bool,
}

/// What memreel fills in by itself: no axis of a user's can have such a name.
const FILLED_IN: &[&str] = &["output", "timeline", "project", "files", "folder", "frames"];

/// What memreel fills in from the export's settings, where no axis of the user's has that name.
const SETTINGS: &[&str] = &[
    "threads",
    "size",
    "width",
    "height",
    "rate",
    "encoder",
    "preset",
    "pixel_format",
    "audio",
    "audio_rate",
    "container",
    "exports",
];

/// What a user names: engines, axes with their values, and variables of every engine's environment.
#[derive(Debug, Default)]
pub(super) struct UserNames {
    pub recipes: Vec<Arc<Recipe>>,
    pub axes: Vec<(Word, Vec<String>)>,
    pub environment: BTreeMap<String, Template>,
}

impl Recipe {
    /// A recipe that comes with the program.
    pub fn shipped(name: &str) -> Option<Arc<Recipe>> {
        let (_, text) = RECIPES.iter().find(|(shipped, _)| *shipped == name)?;
        let tree = Node::of_file(text).ok()?;
        let root = Field::new("the recipe", &tree).table("a recipe").ok()?;
        let names = UserNames::read(&root, None).ok()?;
        let recipe = names.recipes.into_iter().next()?;
        Some(Arc::new(Recipe { is_shipped: true, ..Arc::unwrap_or_clone(recipe) }))
    }

    /// Every template of it.
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let file = match &self.progress {
            RecipeProgress::File(path, _) => Some(path),
            _ => None,
        };
        let words = self.command.iter().flat_map(|argument| &argument.words);
        words.chain(self.environment.values()).chain(file)
    }

    /// Whether the command has a placeholder.
    pub fn has(&self, placeholder: Placeholder<'_>) -> bool {
        self.templates().any(|template| template.placeholders().any(|one| one == placeholder))
    }

    /// The same of one that memreel fills in.
    pub fn has_given(&self, name: &str) -> bool {
        self.has(Placeholder::Given(name))
    }
}

impl UserNames {
    /// Reads `[engines]`, `[axes]` and `[env]`; all of them may be left out.
    pub fn read(root: &KeyTable, folder: Option<&Path>) -> Result<UserNames, ScenarioFault> {
        let table = |name: &str| root.get(name).map(|field| field.table(format!("[{name}]"))).transpose();
        let mut names = UserNames::default();
        for field in table("axes")?.iter().flat_map(KeyTable::fields) {
            names.axes.push(axis(field)?);
        }
        if let Some(table) = table("env")? {
            names.environment = environment(&table, &names)?;
        }
        for field in table("engines")?.iter().flat_map(KeyTable::fields) {
            names.recipes.push(Arc::new(recipe(field, &names, folder)?));
        }
        Ok(names)
    }

    fn axis_names(&self) -> Vec<Word> {
        self.axes.iter().map(|(axis, _)| *axis).collect()
    }

    /// Reads text with placeholders, and refuses those that nobody fills in. What is set for all engines has but
    /// the user's axes.
    fn template(&self, field: Field, text: &str, is_for_all: bool) -> Result<Template, ScenarioFault> {
        let template = Template::from(text).with_axes(&self.axis_names());
        let ours: Vec<&str> = FILLED_IN.iter().chain(SETTINGS).copied().filter(|_| !is_for_all).collect();
        let stray = template.placeholders().find_map(|placeholder| match placeholder {
            Placeholder::Given(name) if !ours.contains(&name) => Some(name.to_string()),
            _ => None,
        });
        let Some(stray) = stray else { return Ok(template) };
        let known: Vec<&str> = self.axes.iter().map(|(axis, _)| axis.as_str()).chain(ours).collect();
        let hint = nearest(&stray, &known)
            .map_or_else(String::new, |near| format!("did you mean {{{near}}}? Else "));
        let text = format!("{{{{{stray}}}}}");
        Err(field.fault(format!(
            "nothing fills in {{{stray}}}: {hint}name an axis `{stray}` in [axes], or write {text} for that very text"
        )))
    }
}

/// An axis that the user names, and its values.
fn axis(field: Field) -> Result<(Word, Vec<String>), ScenarioFault> {
    let axis: Word = field.name.parse().map_err(|message: String| field.fault(message))?;
    if FILLED_IN.contains(&field.name) {
        return Err(
            field.fault(format!("memreel fills in {{{axis}}} itself: choose another name for the axis"))
        );
    }
    let mut values = Vec::new();
    for item in field.one_or_more()? {
        let value = axis_value(item)?;
        if values.contains(&value) {
            return Err(item.fault(format!("`{value}` is listed twice in `{axis}`")));
        }
        values.push(value);
    }
    Ok((axis, values))
}

/// The longest value of a user's axis.
const LONGEST_VALUE: usize = 200;

/// A value of an axis that the user names: a word, a number, `true` or `false`.
pub(super) fn axis_value(field: Field) -> Result<String, ScenarioFault> {
    let text = match field.value() {
        Value::Text(text) => text.clone(),
        Value::Whole(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        _ => return Err(field.mismatch("a string, a number, true or false")),
    };
    if text.is_empty() || text.len() > LONGEST_VALUE || text.contains(|c: char| c.is_control()) {
        return Err(field.mismatch(&format!("1 to {LONGEST_VALUE} characters on one line")));
    }
    Ok(text)
}

fn environment(table: &KeyTable, names: &UserNames) -> Result<BTreeMap<String, Template>, ScenarioFault> {
    variables(table, &|field, text| names.template(field, text, true))
}

fn variables(table: &KeyTable, template: &Read<'_>) -> Result<BTreeMap<String, Template>, ScenarioFault> {
    let mut variables = BTreeMap::new();
    for field in table.fields() {
        if field.name.is_empty() || field.name.contains(['=', '\0']) {
            return Err(
                table.key_fault(field.name, format!("{} is not the name of a variable", quoted(field.name)))
            );
        }
        variables.insert(field.name.to_string(), template(field, &axis_value(field)?)?);
    }
    Ok(variables)
}

const KEYS: &[&str] =
    &["about", "command", "shell", "progress", "unit", "version", "env", "files", "install"];

fn recipe(field: Field, names: &UserNames, folder: Option<&Path>) -> Result<Recipe, ScenarioFault> {
    let name: Word = field.name.parse().map_err(|message: String| field.fault(message))?;
    if EngineName::ALL.iter().any(|engine| engine.name() == field.name) {
        return Err(field.fault(format!("`{name}` is an engine of memreel: choose another name for yours")));
    }
    let table = field.table(format!("[engines.{name}]"))?.only(KEYS)?;
    let shell = table.get("shell").map_or(Ok(false), |field| field.boolean())?;
    let template = |field: Field, text: &str| names.template(field, text, false);
    let command = table.required("command")?;
    let command = if shell { script(command, &template)? } else { arguments(command, &template)? };
    let text = |key| table.get(key).map(|field| field.text("a sentence").map(str::to_string)).transpose();
    let unit = table.get("unit").map_or(Ok(WorkUnit::Frame), unit)?;
    let progress = match table.get("progress") {
        Some(field) if unit == WorkUnit::Mebibyte => {
            return Err(
                field.fault("the MiB are those that the command writes: leave out `progress`, or `unit`")
            );
        }
        Some(field) => progress(field, &template)?,
        None if unit == WorkUnit::Mebibyte => RecipeProgress::None,
        None => usual_progress(&command, shell),
    };
    let variables_of = |field: Field| variables(&field.table(format!("[engines.{name}.env]"))?, &template);
    Ok(Recipe {
        name,
        about: text("about")?,
        command,
        shell,
        progress,
        unit,
        version: table.get("version").map_or(Ok(Vec::new()), words)?,
        environment: table.get("env").map_or(Ok(BTreeMap::new()), variables_of)?,
        files: table.get("files").map_or(Ok(BTreeMap::new()), files)?,
        install: text("install")?,
        folder: folder.filter(|_| field.is_of_file()).map(Path::to_path_buf),
        is_shipped: false,
    })
}

/// Reads text with placeholders.
type Read<'a> = dyn Fn(Field, &str) -> Result<Template, ScenarioFault> + 'a;

/// A shell's script: one string.
fn script(field: Field, template: &Read<'_>) -> Result<Vec<Argument>, ScenarioFault> {
    let text = field.text("one string, since a shell runs it")?;
    Ok(vec![Argument { words: vec![template(field, text)?], is_optional: false }])
}

fn arguments(field: Field, template: &Read<'_>) -> Result<Vec<Argument>, ScenarioFault> {
    let wanted = "a list of words, like [\"ffmpeg\", \"-i\", \"in.mov\", \"{output}\"]";
    let word = |item: Field| template(item, plain(item, "a word of the command")?);
    let mut arguments = Vec::new();
    for item in field.list(wanted)? {
        let (words, is_optional) = match item.value() {
            Value::Array(_) => (item.list("")?.into_iter().map(word).collect::<Result<_, _>>()?, true),
            _ => (vec![word(item)?], false),
        };
        arguments.push(Argument { words, is_optional });
    }
    match arguments.first() {
        Some(Argument { words, is_optional: false }) if !words[0].is_empty() => Ok(arguments),
        _ => Err(field.mismatch(wanted)),
    }
}

fn plain<'a>(field: Field<'a>, wanted: &str) -> Result<&'a str, ScenarioFault> {
    match field.text(wanted)? {
        text if text.contains('\0') => Err(field.fault(format!("`{}` has a null character", field.name))),
        text => Ok(text),
    }
}

fn words(field: Field) -> Result<Vec<String>, ScenarioFault> {
    let items = field.list("a list of words, like [\"blender\", \"--version\"]")?;
    items.into_iter().map(|item| plain(item, "a word of a command").map(str::to_string)).collect()
}

/// What nobody says: ffmpeg can be asked, of anything else it is not known.
fn usual_progress(command: &[Argument], shell: bool) -> RecipeProgress {
    let is_ffmpeg = |argument: &Argument| {
        let program = argument.words[0].filled(&|_| None);
        program.is_some_and(|program| Path::new(&program).file_name().is_some_and(|name| name == "ffmpeg"))
    };
    match command.first() {
        Some(program) if !shell && is_ffmpeg(program) => RecipeProgress::Ffmpeg,
        Some(script) if shell && runs_ffmpeg(&script.words[0]) => {
            RecipeProgress::Output(FFMPEG_STATUS.into())
        }
        _ => RecipeProgress::None,
    }
}

/// The line that ffmpeg draws again and again.
const FFMPEG_STATUS: &str = "frame= *([0-9]+) fps=";

fn runs_ffmpeg(script: &Template) -> bool {
    script.texts().any(|text| text.contains("ffmpeg"))
}

fn progress(field: Field, template: &Read<'_>) -> Result<RecipeProgress, ScenarioFault> {
    let wanted = "\"ffmpeg\", \"fd\", \"none\", or a table like { regex = 'frame ([0-9]+)' } or { file = \"{folder}/progress\" }";
    match field.value() {
        Value::Text(text) if text == "ffmpeg" => return Ok(RecipeProgress::Ffmpeg),
        Value::Text(text) if text == "fd" => return Ok(RecipeProgress::Descriptor),
        Value::Text(text) if text == "none" => return Ok(RecipeProgress::None),
        Value::Table(_) => {}
        _ => return Err(field.mismatch(wanted)),
    }
    let table = field.table("`progress`")?.only(&["regex", "file"])?;
    let regex = table.get("regex").map(regex).transpose()?;
    match (table.get("file"), regex) {
        (Some(field), regex) => {
            let path = template(field, plain(field, "the path of a file")?)?;
            Ok(RecipeProgress::File(path, regex))
        }
        (None, Some(regex)) => Ok(RecipeProgress::Output(regex)),
        (None, None) => Err(field.mismatch(wanted)),
    }
}

/// What is counted.
fn unit(field: Field) -> Result<WorkUnit, ScenarioFault> {
    field
        .text("a unit of progress: \"frame\", \"item\" or \"MiB\"")?
        .parse()
        .map_err(|why: String| field.fault(why))
}

/// A regular expression one part of which is a number.
fn regex(field: Field) -> Result<String, ScenarioFault> {
    let text = field.text("a regular expression")?;
    let expression = Regex::new(text).map_err(|error| field.fault(one_line(&error.to_string())))?;
    match expression.captures_len() {
        1 => Err(field.fault("put parentheses around the number, as in 'frame *([0-9]+)'")),
        _ => Ok(text.into()),
    }
}

/// What the parser of expressions shows on several lines.
fn one_line(message: &str) -> String {
    let told = message.lines().rev().find_map(|line| line.strip_prefix("error: "));
    format!("the regular expression is invalid: {}", told.unwrap_or(message))
}

fn files(field: Field) -> Result<BTreeMap<String, String>, ScenarioFault> {
    let table = field.table("`files`")?;
    let mut files = BTreeMap::new();
    for field in table.fields() {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if field.name.starts_with('.') || field.name.is_empty() || !field.name.chars().all(plain) {
            let message = format!(
                "{} is not a valid name of a file: use letters, digits, _, - and .",
                quoted(field.name)
            );
            return Err(table.key_fault(field.name, message));
        }
        files.insert(field.name.to_string(), field.text("the text of a file")?.to_string());
    }
    Ok(files)
}
