//! Changes to a scenario that do not touch its file: `export.preset=medium`.

use std::path::Path;
use std::str::FromStr;

use memreel_judge::budget::Figure;

use super::budgets::LIMIT;
use super::engine::{NAMING, root_programs};
use super::error::ScenarioError;
use super::recipe::UserNames;
use super::tree::{Field, MOST_KEY_PARTS, Node, Origin, ScenarioFault, TableEntry, Value};

/// One key of a scenario and the value it is to have: `key.path=value`.
///
/// The value is TOML; what is not TOML is a string, and under `matrix` and `axes` `a,b` is a list. A number in
/// the path counts the items of a list from 0: `timeline.tracks.0.repeat=3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    path: Vec<String>,
    value: String,
    text: String,
}

impl FromStr for Override {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Override, ScenarioError> {
        let wrong = || ScenarioError::InOverride {
            text: text.into(),
            message: "write key.path=value, like export.preset=medium".into(),
        };
        let (path, value) = text.split_once('=').ok_or_else(wrong)?;
        let path: Vec<_> = path.split('.').map(|key| key.trim().to_string()).collect();
        if path.iter().any(String::is_empty) || path.len() > MOST_KEY_PARTS {
            return Err(wrong());
        }
        Ok(Override { path, value: value.trim().into(), text: text.into() })
    }
}

impl Override {
    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same with relative paths of engines' programs counted from the folder in which it was given, so that
    /// it says the same wherever it is read again.
    pub fn given_in(self, folder: &Path) -> Override {
        if !NAMING.contains(&self.path[0].as_str()) {
            return self;
        }
        let mut node = self.node(0);
        // Numbers count the items of a list, whose key is the one before.
        let key = self.path.iter().rfind(|key| key.parse::<usize>().is_err());
        let rooted = root_programs(&mut node, key.map_or("", String::as_str), folder);
        match node.to_toml().filter(|_| rooted > 0) {
            Some(value) => Override { text: format!("{}={value}", self.path.join(".")), value, ..self },
            None => self,
        }
    }

    /// Sets the value in the tree of a scenario; tables on the way there are made.
    pub(super) fn apply(&self, index: usize, root: &mut Node) -> Result<(), ScenarioFault> {
        let mut node = root;
        for (depth, key) in self.path.iter().enumerate() {
            let parent = self.path[..depth].join(".");
            if self.is_budget(depth) {
                write_out(node);
            }
            node = step(node, key, index).map_err(|why| ScenarioFault {
                at: Origin::Override { index },
                message: format!("`{parent}` {why}"),
            })?;
        }
        let value = self.node(index);
        match &mut node.value {
            Value::Table(entries)
                if self.is_budget(self.path.len()) && !entries.is_empty() && is_plain(&value) =>
            {
                *entry(entries, LIMIT, index) = value;
            }
            _ => *node = value,
        }
        Ok(())
    }

    /// Whether the first so many keys lead to a figure of a budget.
    fn is_budget(&self, depth: usize) -> bool {
        self.path[0] == "budgets" && depth > 1 && Figure::named(&self.path[depth - 1]).is_some()
    }

    fn node(&self, index: usize) -> Node {
        let list = matches!(self.path[0].as_str(), "matrix" | "axes")
            && Node::of_override(&self.value, index).is_none();
        let parts = pieces(&self.value);
        match parts.as_slice() {
            [_, _, ..] if list => Node {
                at: Origin::Override { index },
                value: Value::Array(parts.iter().map(|part| word(part, index)).collect()),
            },
            _ => word(&self.value, index),
        }
    }
}

/// The changes that add the engines, axes and variables of a file to a scenario, each as `key=value`.
///
/// # Errors
/// When the file cannot be read, is no TOML, or holds something else.
pub fn of_engines_file(path: &Path) -> Result<Vec<String>, ScenarioError> {
    let text = super::read(path)?;
    let fault = |fault| ScenarioError::new(fault, path, &text, &[]);
    let tree = Node::of_file(&text).map_err(fault)?;
    let root =
        Field::new("the file", &tree).table("a file of engines").and_then(|root| root.only(&ENGINES_KEYS));
    let root = root.map_err(fault)?;
    // Faults are found here, where they have their line.
    UserNames::read(&root, None).map_err(fault)?;
    let mut changes = Vec::new();
    for key in ENGINES_KEYS {
        let table = root.get(key).map(|field| field.table(format!("[{key}]"))).transpose().map_err(fault)?;
        for field in table.iter().flat_map(|table| table.fields()) {
            let value = field.to_toml().ok_or_else(|| fault(field.mismatch("no date")))?;
            changes.push(format!("{key}.{}={value}", field.name));
        }
    }
    Ok(changes)
}

/// What a file of engines holds.
const ENGINES_KEYS: [&str; 3] = ["engines", "axes", "env"];

/// A limit that stands alone, as what it is short for: a table with it.
fn write_out(node: &mut Node) {
    if is_plain(node) {
        let limit = TableEntry { key: LIMIT.into(), key_at: node.at, node: node.clone() };
        node.value = Value::Table(vec![limit]);
    }
}

fn is_plain(node: &Node) -> bool {
    !matches!(node.value, Value::Table(_) | Value::Array(_))
}

/// A TOML value, or else a string.
fn word(text: &str, index: usize) -> Node {
    Node::of_override(text, index)
        .unwrap_or_else(|| Node { at: Origin::Override { index }, value: Value::Text(text.into()) })
}

/// Split at the commas that no bracket encloses.
fn pieces(text: &str) -> Vec<&str> {
    let mut depth = 0i32;
    text.split(|c| {
        depth += match c {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    })
    .map(str::trim)
    .collect()
}

/// The value under a key, or at a place of a list.
fn step<'a>(node: &'a mut Node, key: &str, index: usize) -> Result<&'a mut Node, String> {
    match &mut node.value {
        Value::Table(entries) => Ok(entry(entries, key, index)),
        Value::Array(items) => {
            let count = items.len();
            let item = key.parse().ok().and_then(|place: usize| items.get_mut(place));
            item.ok_or_else(|| match count {
                0 => "is an empty list".into(),
                _ => format!("is a list of items 0 to {}: it has no `{key}`", count - 1),
            })
        }
        _ => Err(format!("is neither a table nor a list: it has no `{key}`")),
    }
}

fn entry<'a>(entries: &'a mut Vec<TableEntry>, key: &str, index: usize) -> &'a mut Node {
    let at = Origin::Override { index };
    let place = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        let node = Node { at, value: Value::Table(Vec::new()) };
        entries.push(TableEntry { key: key.into(), key_at: at, node });
        entries.len() - 1
    });
    &mut entries[place].node
}
