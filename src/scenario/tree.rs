//! A scenario's text as a tree whose every part knows where it came from, and how parts are taken
//! from it: each reading either gives a value or a [`ScenarioFault`] at the place that is to blame.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use super::spelling::{quoted, unknown};

/// Where a part of the tree was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the scenario file, so many bytes from its beginning.
    File { offset: usize },
    /// In the override of this number.
    Override { index: usize },
}

/// What is wrong with a scenario, and where.
#[derive(Debug)]
pub(super) struct ScenarioFault {
    pub at: Origin,
    pub message: String,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub at: Origin,
    pub value: Value,
}

/// A TOML value. Dates are kept only to be refused by name.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Whole(i128),
    Number(f64),
    Boolean(bool),
    Date,
    Array(Vec<Node>),
    Table(Vec<TableEntry>),
}

/// A key of a table with its value, in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct TableEntry {
    pub key: String,
    pub key_at: Origin,
    pub node: Node,
}

impl Node {
    /// The tree of a whole file.
    pub fn of_file(text: &str) -> Result<Node, ScenarioFault> {
        if let Some(offset) = overlong_key(text) {
            let message = format!("a key of more than {MOST_KEY_PARTS} parts");
            return Err(ScenarioFault { at: Origin::File { offset }, message });
        }
        let root = DeTable::parse(text).map_err(|error| ScenarioFault {
            at: Origin::File { offset: error.span().map_or(0, |span| span.start) },
            message: error.message().to_string(),
        })?;
        let place = |offset| Origin::File { offset };
        Ok(Node { at: place(0), value: Value::Table(entries(root.get_ref(), &place)) })
    }

    /// The tree of an override's value, if it is a TOML value.
    pub fn of_override(text: &str, index: usize) -> Option<Node> {
        let value = overlong_key(text).is_none().then(|| DeValue::parse(text).ok())??;
        Some(node(&value, &|_| Origin::Override { index }))
    }

    /// As it could be written; `None` for a date, of which nothing is kept.
    pub fn to_toml(&self) -> Option<String> {
        Some(match &self.value {
            // JSON's strings are TOML's, but for a character that may not stand in TOML as it is.
            Value::Text(text) => {
                serde_json::Value::from(text.as_str()).to_string().replace('\u{7f}', "\\u007f")
            }
            Value::Whole(number) => number.to_string(),
            Value::Number(number) => format!("{number:?}").to_lowercase(),
            Value::Boolean(value) => value.to_string(),
            Value::Date => return None,
            Value::Array(items) => {
                let items: Option<Vec<_>> = items.iter().map(Node::to_toml).collect();
                format!("[{}]", items?.join(", "))
            }
            Value::Table(entries) => {
                let entry = |entry: &TableEntry| {
                    let key = serde_json::Value::from(entry.key.as_str());
                    Some(format!("{key} = {}", entry.node.to_toml()?))
                };
                let entries: Option<Vec<_>> = entries.iter().map(entry).collect();
                format!("{{ {} }}", entries?.join(", "))
            }
        })
    }

    fn kind(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("the string {}", quoted(text)),
            Value::Whole(number) => number.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Boolean(value) => value.to_string(),
            Value::Date => "a date".into(),
            Value::Array(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        }
    }
}

/// The most parts of a dotted key: no key of a scenario has as many.
pub(super) const MOST_KEY_PARTS: usize = 16;

/// Where a dotted key has more parts than any use. The parser bounds how deep brackets nest, but a
/// key of a hundred thousand parts is as many tables one within another, and to go through them, or
/// only to drop them, takes more stack than there is.
fn overlong_key(text: &str) -> Option<usize> {
    let mut dots = 0;
    for token in toml_parser::Source::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::Atom | TokenKind::Whitespace | TokenKind::BasicString | TokenKind::LiteralString => (),
            _ => dots = 0,
        }
        if dots == MOST_KEY_PARTS {
            return Some(token.span().start());
        }
    }
    None
}

fn node(value: &Spanned<DeValue<'_>>, place: &dyn Fn(usize) -> Origin) -> Node {
    let tree = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => whole(number),
        DeValue::Float(number) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(items) => Value::Array(nodes(items, place)),
        DeValue::Table(table) => Value::Table(entries(table, place)),
    };
    Node { at: place(value.span().start), value: tree }
}

/// A number that no integer type holds is a number all the same, and out of any range.
fn whole(number: &DeInteger<'_>) -> Value {
    match i128::from_str_radix(number.as_str(), number.radix()) {
        Ok(value) => Value::Whole(value),
        Err(_) => Value::Number(f64::INFINITY),
    }
}

fn nodes(items: &DeArray<'_>, place: &dyn Fn(usize) -> Origin) -> Vec<Node> {
    items.iter().map(|item| node(item, place)).collect()
}

/// In the order of the file: the parser sorts them by name.
fn entries(table: &DeTable<'_>, place: &dyn Fn(usize) -> Origin) -> Vec<TableEntry> {
    let mut pairs: Vec<_> = table.iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    pairs
        .into_iter()
        .map(|(key, value)| TableEntry {
            key: key.get_ref().to_string(),
            key_at: place(key.span().start),
            node: node(value, place),
        })
        .collect()
}

/// A table all of whose keys are known.
pub(super) struct KeyTable<'a> {
    /// What errors call it: `[export]`.
    pub place: String,
    at: Origin,
    entries: &'a [TableEntry],
}

/// A value under the name that errors call it by.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub name: &'a str,
    node: &'a Node,
}

impl<'a> KeyTable<'a> {
    /// What errors about the table as a whole point at.
    pub fn fault(&self, message: impl Into<String>) -> ScenarioFault {
        ScenarioFault { at: self.at, message: message.into() }
    }

    /// The value of a key that may be left out.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(Field { name: &entry.key, node: &entry.node })
    }

    /// The value of a key that must be there.
    pub fn required(&self, key: &str) -> Result<Field<'a>, ScenarioFault> {
        self.get(key).ok_or_else(|| self.fault(format!("`{key}` is missing in {}", self.place)))
    }

    /// Every key with its value.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.entries.iter().map(|entry| Field { name: &entry.key, node: &entry.node })
    }

    /// Where a key is written: what an error about the key itself points at.
    pub fn key_fault(&self, key: &str, message: String) -> ScenarioFault {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        ScenarioFault { at: entry.map_or(self.at, |entry| entry.key_at), message }
    }

    /// This table, if it has none but the allowed keys.
    pub fn only(self, allowed: &[&str]) -> Result<KeyTable<'a>, ScenarioFault> {
        match self.entries.iter().find(|entry| !allowed.contains(&entry.key.as_str())) {
            Some(stray) => Err(ScenarioFault {
                at: stray.key_at,
                message: unknown("key", &stray.key, &format!("in {}", self.place), allowed),
            }),
            None => Ok(self),
        }
    }
}

impl<'a> Field<'a> {
    /// A value under a name.
    pub fn new(name: &'a str, node: &'a Node) -> Field<'a> {
        Field { name, node }
    }

    /// An error that points at the value.
    pub fn fault(&self, message: impl Into<String>) -> ScenarioFault {
        ScenarioFault { at: self.node.at, message: message.into() }
    }

    /// The error that the value is something else than `wanted`.
    pub fn mismatch(&self, wanted: &str) -> ScenarioFault {
        self.fault(format!("`{}` must be {wanted}, not {}", self.name, self.node.kind()))
    }

    /// As it could be written; `None` where a date is in it.
    pub fn to_toml(self) -> Option<String> {
        self.node.to_toml()
    }

    /// Whether it stands in the scenario's file, and not in a change to it.
    pub fn is_of_file(&self) -> bool {
        matches!(self.node.at, Origin::File { .. })
    }

    /// The value as it is.
    pub fn value(&self) -> &'a Value {
        &self.node.value
    }

    /// A string.
    pub fn text(&self, wanted: &str) -> Result<&'a str, ScenarioFault> {
        match self.value() {
            Value::Text(text) => Ok(text),
            _ => Err(self.mismatch(wanted)),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Result<bool, ScenarioFault> {
        match self.value() {
            Value::Boolean(value) => Ok(*value),
            _ => Err(self.mismatch("true or false")),
        }
    }

    /// A whole number within bounds.
    pub fn whole(&self, bounds: RangeInclusive<u32>) -> Result<u32, ScenarioFault> {
        let wanted = || format!("a whole number from {} to {}", bounds.start(), bounds.end());
        match self.value() {
            Value::Whole(number) => u32::try_from(*number).ok().filter(|number| bounds.contains(number)),
            _ => None,
        }
        .ok_or_else(|| self.mismatch(&wanted()))
    }

    /// A number, with or without a fraction.
    pub fn number(&self) -> Option<f64> {
        match self.value() {
            Value::Whole(number) => Some(*number as f64),
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of a list, each under the list's name.
    pub fn list(&self, wanted: &str) -> Result<Vec<Field<'a>>, ScenarioFault> {
        match self.value() {
            Value::Array(items) => Ok(items.iter().map(|node| Field { name: self.name, node }).collect()),
            _ => Err(self.mismatch(wanted)),
        }
    }

    /// A single value, or the items of a list that is not empty.
    pub fn one_or_more(&self) -> Result<Vec<Field<'a>>, ScenarioFault> {
        match self.value() {
            Value::Array(items) if items.is_empty() => {
                Err(self.fault(format!("`{}` is an empty list: name at least one value", self.name)))
            }
            Value::Array(_) => self.list("a list"),
            _ => Ok(vec![*self]),
        }
    }

    /// A table; `place` is what errors call it.
    pub fn table(&self, place: impl Into<String>) -> Result<KeyTable<'a>, ScenarioFault> {
        match self.value() {
            Value::Table(entries) => Ok(KeyTable { place: place.into(), at: self.node.at, entries }),
            _ => Err(self.mismatch("a table")),
        }
    }
}
