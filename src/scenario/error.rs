//! Why a scenario could not be loaded, in one line.

use std::path::{Path, PathBuf};

use super::spelling::one_line;
use super::tree::{Origin, ScenarioFault};

/// Why a scenario could not be loaded. Each is shown as one line that says where, what, and what
/// would be right.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// There is no such file.
    #[error("{}: no such file; `memreel scenarios` lists the scenarios that are shipped", shown(.path))]
    Missing {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The file is there, but the system does not let us have it.
    #[error("{}: cannot be read: {error}", shown(.path))]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system says; part of the line, therefore not its source.
        error: std::io::Error,
    },
    /// What the file says is wrong.
    #[error("{}:{line}:{column}: {message}{}", shown(.path), together_with(.overrides))]
    InFile {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What is wrong with it.
        message: String,
        /// The overrides in force, when the file alone is right.
        overrides: Vec<String>,
    },
    /// What an override says is wrong.
    #[error("override `{}`: {message}", one_line(.text))]
    InOverride {
        /// The override as it was given.
        text: String,
        /// What is wrong with it.
        message: String,
    },
}

fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}

fn together_with(overrides: &[String]) -> String {
    match overrides {
        [] => String::new(),
        [one] => format!(" (with the override `{}`)", one_line(one)),
        many => format!(" (with the overrides `{}`)", one_line(&many.join("`, `"))),
    }
}

impl ScenarioError {
    /// What is wrong at an offset of the file's text, or in one of the overrides that are in force.
    pub(super) fn new(fault: ScenarioFault, path: &Path, text: &str, overrides: &[String]) -> ScenarioError {
        let message = one_line(&fault.message);
        match fault.at {
            Origin::Override { index } => {
                ScenarioError::InOverride { text: overrides.get(index).cloned().unwrap_or_default(), message }
            }
            Origin::File { offset } => {
                let (line, column) = line_and_column(text, offset);
                ScenarioError::InFile {
                    path: path.into(),
                    line,
                    column,
                    message,
                    overrides: overrides.to_vec(),
                }
            }
        }
    }
}

/// Counted from 1; an offset within a character counts as that character's.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let column = 1 + before[line_start..].iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\nüb = 1";
        assert_eq!(line_and_column(text, text.find('b').unwrap()), (2, 2));
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 999), (2, 7));
    }
}
