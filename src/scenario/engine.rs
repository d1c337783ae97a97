//! Which program exports: an engine as it is installed, or one build of it among several.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::digest;

use super::recipe::{RECIPES, Recipe};
use super::spelling::{quoted, unknown};
use super::tree::{Field, Node, ScenarioFault, Value};
use super::values::EngineName;

/// A value of the axis `engine`: `[LABEL:]ENGINE[@PROGRAM]`.
///
/// Two values may be the same build: `a:melt` and `b:melt` are what noise alone makes different.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EngineChoice {
    /// What it is called among several builds: `old`, `new`. Begins with a letter or digit.
    pub label: Option<String>,
    /// Which engine.
    pub name: EngineName,
    /// Its program, or the folder that holds it; `None`: the one that is installed.
    ///
    /// For `mlt-python` a Python that imports MLT, for `rlvideo` a checkout.
    pub program: Option<PathBuf>,
    /// How it is run, where a recipe says that.
    pub recipe: Option<Arc<Recipe>>,
}

impl From<&Arc<Recipe>> for EngineChoice {
    fn from(recipe: &Arc<Recipe>) -> EngineChoice {
        let name = EngineName::Own(recipe.name);
        EngineChoice { label: None, name, program: None, recipe: Some(Arc::clone(recipe)) }
    }
}

impl From<EngineName> for EngineChoice {
    fn from(name: EngineName) -> EngineChoice {
        EngineChoice { label: None, name, program: None, recipe: None }
    }
}

impl fmt::Display for EngineChoice {
    /// What results know it by: where there is a label, that takes the place of the program.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.label, &self.program) {
            (Some(label), _) => write!(f, "{label}:{}", self.name),
            (None, Some(program)) => write!(f, "{}@{}", self.name, program.display()),
            (None, None) => self.name.fmt(f),
        }
    }
}

impl FromStr for EngineChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<EngineChoice, String> {
        EngineChoice::among_recipes(text, &[])
    }
}

impl EngineChoice {
    /// The value that a text stands for, where these are the user's own engines.
    ///
    /// # Errors
    /// When it is none: what would be one.
    pub fn among_recipes(text: &str, own: &[Arc<Recipe>]) -> Result<EngineChoice, String> {
        let (called, program) = match text.split_once('@') {
            Some((called, program)) => (called, Some(program)),
            None => (text, None),
        };
        let (label, name) = match called.split_once(':') {
            Some((label, name)) if !name.contains('/') => (Some(label), name),
            _ => (None, called),
        };
        Ok(EngineChoice {
            label: label.map(|label| checked_label(label, name)).transpose()?,
            program: program.map(checked_program).transpose()?,
            ..named(name, own)?
        })
    }
}

/// A user's engine comes before one of memreel's that has the same name.
fn named(name: &str, own: &[Arc<Recipe>]) -> Result<EngineChoice, String> {
    let of_user = own.iter().find(|recipe| recipe.name.as_str() == name).cloned();
    let built_in = || EngineName::ALL.iter().find(|engine| engine.name() == name).copied();
    let found = of_user.as_ref().map(EngineChoice::from).or_else(|| built_in().map(EngineChoice::from));
    let found = found.or_else(|| Recipe::shipped(name).as_ref().map(EngineChoice::from));
    found.ok_or_else(|| match name.contains('/') {
        true => format!("{} is not an engine: write ENGINE@PROGRAM, like \"melt@{name}\"", quoted(name)),
        false => {
            let own = own.iter().map(|recipe| recipe.name.as_str());
            let built_in = EngineName::ALL.iter().map(|engine| engine.name());
            let names: Vec<_> = own.chain(built_in).chain(RECIPES.iter().map(|(name, _)| *name)).collect();
            unknown("engine", name, "", &names)
        }
    })
}

/// A label is part of folders' names.
fn checked_label(label: &str, name: &str) -> Result<String, String> {
    const LONGEST: usize = 64;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if label.is_empty() {
        return Err(format!("an empty label: write LABEL:{name}, or {name} alone"));
    }
    let begins = label.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins || label.len() > LONGEST || !label.bytes().all(plain) {
        return Err(format!(
            "{} is not a valid label: use up to {LONGEST} letters, digits, -, _ and ., a letter or digit first",
            quoted(label)
        ));
    }
    Ok(label.into())
}

fn checked_program(path: &str) -> Result<PathBuf, String> {
    match path {
        "" => Err("an empty path: write ENGINE@PROGRAM, or ENGINE alone".into()),
        path if path.contains(|c: char| c.is_control()) => {
            Err(format!("{} is not a valid path of a program: it has control characters", quoted(path)))
        }
        path => Ok(path.into()),
    }
}

impl EngineChoice {
    /// The same, but of a path that has no label only what tells it from the others' paths: `melt@7.30` of
    /// `melt@/opt/7.30/bin/melt` beside `melt@/opt/7.32/bin/melt`.
    pub fn among<'a>(&self, all: impl Iterator<Item = &'a EngineChoice>) -> String {
        let (None, Some(program)) = (&self.label, &self.program) else { return self.to_string() };
        let rivals = all.filter(|one| one.label.is_none() && one.name == self.name);
        let rivals: Vec<&Path> = rivals.filter_map(|one| one.program.as_deref()).collect();
        format!("{}@{}", self.name, telling(program, &rivals).display())
    }

    /// A name for its files, of letters, digits, `_`, `.` and `-`: another one for any other value.
    pub fn file_name(&self) -> String {
        match (&self.label, &self.program) {
            (Some(label), _) => format!("{label}-{}", self.name),
            (None, Some(program)) => {
                format!("{}-{}", self.name, digest::of(program.as_os_str().as_encoded_bytes()))
            }
            (None, None) => self.name.to_string(),
        }
    }

    /// Whether an entry of `exclude` that names this one means the other: an engine's name alone stands for
    /// all its builds.
    pub(super) fn stands_for(&self, other: &EngineChoice) -> bool {
        let alone = self.label.is_none() && self.program.is_none();
        if alone { self.name == other.name } else { self.to_string() == other.to_string() }
    }
}

/// A path without what all the paths begin and end with; the whole path when there is no other one.
fn telling(path: &Path, all: &[&Path]) -> PathBuf {
    let all: Vec<Vec<Component>> = all.iter().map(|path| path.components().collect()).collect();
    let parts: Vec<_> = path.components().collect();
    let spare = all.iter().map(Vec::len).min().unwrap_or(0).saturating_sub(1);
    if all.len() < 2 {
        return path.into();
    }
    let begin = (0..spare).take_while(|&at| all.iter().all(|other| other[at] == parts[at])).count();
    let from_end = |path: &[Component<'_>], at: usize| path[path.len() - 1 - at].as_os_str().to_owned();
    let ends_alike = |at: &usize| all.iter().all(|other| from_end(other, *at) == from_end(&parts, *at));
    let end = (0..spare - begin).take_while(ends_alike).count();
    // Where they have but the root alike, they keep it.
    let begin = if begin == 1 { 0 } else { begin };
    parts[begin..parts.len() - end].iter().collect()
}

impl Field<'_> {
    /// An engine, or a build of one.
    pub fn engine(&self, own: &[Arc<Recipe>]) -> Result<EngineChoice, ScenarioFault> {
        let text = self.text("the name of an engine, like \"melt\" or \"old:melt@/opt/old/bin/melt\"")?;
        EngineChoice::among_recipes(text, own).map_err(|message| self.fault(message))
    }
}

/// The parts of a scenario in which engines are named.
pub(super) const NAMING: [&str; 2] = ["matrix", "budgets"];

/// Has relative paths of programs count from `folder` wherever engines are named in a tree that is written
/// under a key; returns how many there were.
pub(super) fn root_programs(node: &mut Node, key: &str, folder: &Path) -> usize {
    match &mut node.value {
        Value::Text(text) if key == "engine" => {
            let rooted = rooted(text, folder);
            let count = usize::from(rooted.is_some());
            *text = rooted.unwrap_or_else(|| std::mem::take(text));
            count
        }
        Value::Array(items) => items.iter_mut().map(|item| root_programs(item, key, folder)).sum(),
        Value::Table(entries) => {
            entries.iter_mut().map(|entry| root_programs(&mut entry.node, &entry.key, folder)).sum()
        }
        _ => 0,
    }
}

/// The same value with its path counted from the folder; `None` where that changes nothing.
fn rooted(text: &str, folder: &Path) -> Option<String> {
    let (called, program) = text.split_once('@')?;
    let is_relative = !program.is_empty() && Path::new(program).is_relative();
    // Without `.` and double slashes, so that one program is not two values.
    let path: PathBuf = folder.join(program).components().collect();
    is_relative.then(|| format!("{called}@{}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(text: &str) -> EngineChoice {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_has_a_label_an_engine_and_a_program() {
        let all = choice("old-1.0_x:mlt-python@/opt/a@b:c/python3");
        assert_eq!(all.label.as_deref(), Some("old-1.0_x"));
        assert_eq!(all.name, EngineName::MltPython);
        assert_eq!(all.program.as_deref(), Some(Path::new("/opt/a@b:c/python3")));
        assert_eq!(choice("melt"), EngineName::Melt.into());
    }

    #[test]
    fn a_label_stands_for_the_program_wherever_results_name_it() {
        for text in ["melt", "a:melt", "melt@/opt/melt"] {
            assert_eq!(choice(text).to_string(), text);
        }
        assert_eq!(choice("a:melt@/opt/melt").to_string(), "a:melt");
    }

    #[test]
    fn what_is_no_engine_is_told_what_would_be() {
        for (text, told) in [
            ("mlet", "did you mean `melt`?"),
            ("a:mlet@/x", "unknown engine `mlet`"),
            (":melt", "an empty label: write LABEL:melt"),
            (".partial-a:melt", "\".partial-a\" is not a valid label"),
            ("a b:melt", "\"a b\" is not a valid label"),
            ("melt@", "an empty path"),
            ("melt@a\nb", "control characters"),
            ("/opt/x/melt", "write ENGINE@PROGRAM, like \"melt@/opt/x/melt\""),
            ("", "unknown engine ``"),
        ] {
            let message = text.parse::<EngineChoice>().unwrap_err();
            assert!(message.contains(told), "{text}: {message}");
        }
    }

    #[track_caller]
    fn shown(texts: &[&str], wanted: &[&str]) {
        let choices: Vec<_> = texts.iter().map(|text| choice(text)).collect();
        let shown: Vec<_> = choices.iter().map(|one| one.among(choices.iter())).collect();
        assert_eq!(shown, wanted);
    }

    #[test]
    fn of_paths_only_what_tells_them_apart_is_shown() {
        shown(
            &["melt", "melt@/opt/7.30/bin/melt", "melt@/opt/7.32/bin/melt", "x:melt@/y"],
            &["melt", "melt@7.30", "melt@7.32", "x:melt"],
        );
        shown(&["melt@/a/x/1/melt", "melt@/a/y/1/m/melt"], &["melt@x/1", "melt@y/1/m"]);
        shown(&["melt@/a/bin/melt", "melt@/b/bin/melt"], &["melt@/a", "melt@/b"]);
        shown(&["melt@/opt", "melt@/opt/opt"], &["melt@/opt", "melt@/opt/opt"]);
        shown(&["melt@/a/opt", "melt@/a/opt/opt"], &["melt@opt", "melt@opt/opt"]);
        shown(&["melt@/opt/melt", "rlvideo@/opt/r"], &["melt@/opt/melt", "rlvideo@/opt/r"]);
        shown(&["melt@/", "melt@/a"], &["melt@/", "melt@/a"]);
    }
}
