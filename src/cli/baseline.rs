//! `memreel baseline`: the file that later results are compared with.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::check::read_baseline;
use super::{Exit, Failure, say};
use crate::baseline::{Baseline, BaselineEntry};
use crate::report::checks::{write_baseline, write_renewal};
use crate::report::{Report, TableLook};
use crate::result_check;
use crate::store::{self, Lock};
use memreel_judge::compare::LEAST_REPEATS;

/// Keep the figures of exports in a small text file, beside the code that it guards
///
/// A baseline contains the figures of each repeat of each variant, by scenario, engine build, machine and kernel:
/// several machines can share one file. It is sorted, with one line per figure, so that a review shows what changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel run my-scenario.toml --repeat 5
  memreel baseline save reports/my-scenario/latest memreel.baseline
  memreel check reports/my-scenario/latest --baseline memreel.baseline
  memreel baseline update reports/my-scenario/latest memreel.baseline   # after an intended change
  memreel baseline show memreel.baseline")]
pub struct BaselineCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add the figures of a result to a file, or create the file; existing entries are not replaced
    Save(Kept),
    /// Show what a file contains
    Show {
        /// The baseline, or the folder of a result
        #[arg(value_name = "FILE|DIR")]
        file: PathBuf,
    },
    /// Replace the entries of the same variants on the same machine by the figures of a result
    Update(Kept),
}

#[derive(Debug, Args)]
struct Kept {
    /// The folder of a result
    result: PathBuf,
    /// The baseline
    #[arg(default_value = "memreel.baseline")]
    file: PathBuf,
}

impl BaselineCommand {
    /// Does as it is told.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        match self.command {
            Command::Save(kept) => kept.save(out),
            Command::Update(kept) => kept.update(out),
            Command::Show { file } => {
                write_baseline(&read_baseline(&file)?, out, TableLook::of_stdout())?;
                Ok(Exit::Fine)
            }
        }
    }
}

impl Kept {
    fn save(&self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let entries = self.entries()?.into_iter();
        let _lock = self.lock()?;
        let before = self.before()?;
        let (there, new): (Vec<_>, Vec<_>) =
            entries.partition(|entry| before.replaced_by(&entry.key).is_some());
        let file = self.file.display();
        if new.is_empty() {
            return Err(Failure::usage(format!(
                "{file} already has all entries of this machine: {}; `memreel baseline update` replaces them",
                there.iter().map(name).collect::<Vec<_>>().join(", ")
            )));
        }
        for entry in &there {
            say(format_args!(
                "memreel: {} is already in {file} and was not replaced (`update` replaces it)",
                name(entry)
            ));
        }
        self.write(&before, &new, out)
    }

    fn update(&self, out: &mut dyn Write) -> Result<Exit, Failure> {
        if !self.file.exists() {
            let file = self.file.display();
            return Err(Failure::usage(format!(
                "{file}: no such baseline; `memreel baseline save RESULT {file}` creates it"
            )));
        }
        let entries = self.entries()?;
        let _lock = self.lock()?;
        self.write(&self.before()?, &entries, out)
    }

    /// Of several that change one file, each waits for the one before. The folder is locked, for the file is replaced.
    fn lock(&self) -> Result<Lock, Failure> {
        let file = fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        Ok(Lock::wait(folder.unwrap_or(Path::new(".")))?)
    }

    fn entries(&self) -> Result<Vec<BaselineEntry>, Failure> {
        let report = Report::read(&store::open_result(&self.result)?)?;
        for variant in result_check::without_runs(&report) {
            say(format_args!("memreel: {variant} is not saved: none of its exports finished"));
        }
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        match result_check::entries(&report, &today) {
            entries if entries.is_empty() => {
                Err(Failure::usage(format!("{}: none of its exports finished", self.result.display())))
            }
            entries => Ok(entries),
        }
    }

    fn before(&self) -> Result<Baseline, Failure> {
        let file = Path::new(&self.file);
        if file.exists() { read_baseline(file) } else { Ok(Baseline::default()) }
    }

    fn write(
        &self,
        before: &Baseline,
        entries: &[BaselineEntry],
        out: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        for entry in entries.iter().filter(|entry| entry.runs.len() < LEAST_REPEATS) {
            let (name, repeats) = (name(entry), entry.runs.len());
            say(format_args!(
                "memreel: {name} has {repeats} of the {LEAST_REPEATS} repeats that a check needs"
            ));
        }
        let after = before.with(entries);
        store::write_whole(&self.file, after.text().as_bytes())?;
        for entry in entries {
            write_renewal(before.replaced_by(&entry.key), entry, out)?;
        }
        writeln!(out, "{}", self.file.display())?;
        Ok(Exit::Fine)
    }
}

fn name(entry: &BaselineEntry) -> String {
    format!("{} of {}", entry.key.variant, entry.key.scenario)
}
