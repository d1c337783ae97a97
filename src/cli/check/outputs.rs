//! Where a check is told: standard output, files for other programs, and what a CI that is GitHub's reads along.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{Exit, Failure, is_on_github};
use crate::report::checks::{self, SUMMARY_BYTES, Told};
use crate::report::{ReportError, TableLook};
use crate::store::{self, StoreError};

/// The files that a check leaves.
#[derive(Debug, Default, Args)]
pub struct Outputs {
    /// Print one JSON object instead of the tables, sizes in bytes; the text for people goes to standard error
    #[arg(long)]
    pub json: bool,
    /// Write a Markdown page. If $GITHUB_STEP_SUMMARY is set, the page is also appended to that file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JUnit XML, with one test case per variant
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the figures in Bencher's metric format (JSON)
    #[arg(long, value_name = "FILE")]
    bmf: Option<PathBuf>,
    /// Write the figures for github-action-benchmark, tool customSmallerIsBetter (JSON)
    #[arg(long, value_name = "FILE")]
    smaller_is_better: Option<PathBuf>,
}

impl Outputs {
    /// Whether any of them was given.
    pub fn is_given(&self) -> bool {
        let Outputs { json, markdown, junit, bmf, smaller_is_better } = self;
        *json || [markdown, junit, bmf, smaller_is_better].into_iter().any(Option::is_some)
    }

    /// Finds two outputs that go to one file, before anything is written.
    pub fn verify(&self) -> Result<(), Failure> {
        let files = [&self.markdown, &self.junit, &self.bmf, &self.smaller_is_better];
        let files: Vec<_> = files.into_iter().flatten().collect();
        let twice = files.iter().enumerate().find(|(place, file)| files[..*place].contains(file));
        match twice {
            // A device takes any number of them.
            Some((_, file)) if file.is_file() || !file.exists() => {
                Err(Failure::usage(format!("{}: two outputs cannot be written to one file", file.display())))
            }
            _ => Ok(()),
        }
    }

    /// Writes the files, then tells people; a file that cannot be written keeps nothing else from being told.
    pub fn tell(&self, told: &Told<'_>, out: &mut dyn Write) -> Result<Exit, Failure> {
        let mut exit = Exit::Fine;
        for result in self.write_files(told) {
            if let Err(failure) = result {
                failure.print();
                exit = exit.or_worse(failure.exit);
            }
        }
        match self.print(told, out).map_err(Failure::from) {
            Err(failure) if failure.is_reader_gone() => Ok(exit),
            result => result.map(|()| exit),
        }
    }

    fn write_files(&self, told: &Told<'_>) -> [Result<(), Failure>; 5] {
        let markdown = |out: &mut Vec<u8>| Ok(checks::write_markdown(told, SUMMARY_BYTES, out)?);
        [
            write(self.markdown.as_deref(), markdown),
            write(self.junit.as_deref(), |out| checks::write_junit(told, out)),
            write(self.bmf.as_deref(), |out| checks::write_bmf(told, out)),
            write(self.smaller_is_better.as_deref(), |out| checks::write_smaller_is_better(told, out)),
            add_to_summary(told),
        ]
    }

    fn print(&self, told: &Told<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
        // The runner finds its commands in either stream, and these are ours.
        let (mut error, mut output) = (io::stderr(), io::stdout());
        let commands: &mut dyn Write = if self.json { &mut error } else { &mut output };
        if is_on_github() {
            checks::write_annotations(told, commands)?;
        }
        match self.json {
            true => checks::write_json(told, out),
            false => checks::write_check(told, out, TableLook::of_stdout()),
        }
    }
}

/// Writes a file that is wanted, whole or not at all.
fn write(
    path: Option<&Path>,
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), ReportError>,
) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let mut bytes = Vec::new();
    content(&mut bytes)?;
    Ok(store::write_whole(path, &bytes)?)
}

/// Adds a page to what the summary of this step holds so far, where it is one of GitHub's.
fn add_to_summary(told: &Told<'_>) -> Result<(), Failure> {
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let held = fs::metadata(&path).map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
    let mut page = Vec::new();
    checks::write_markdown(told, SUMMARY_BYTES.saturating_sub(held), &mut page)?;
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let added = file.and_then(|mut file| file.write_all(&page));
    Ok(added.map_err(|source| StoreError::Io { path, source })?)
}

/// A scenario's file from the top of the tree that GitHub has checked out, or from here; `None` of one that is not
/// there, or not in it.
pub fn scenario_file(path: &Path) -> Option<String> {
    let file = fs::canonicalize(path).ok()?;
    let top = match env::var_os("GITHUB_WORKSPACE").filter(|top| !top.is_empty()) {
        Some(top) => fs::canonicalize(top).ok()?,
        None => env::current_dir().ok()?,
    };
    file.strip_prefix(top).ok()?.to_str().map(String::from)
}
