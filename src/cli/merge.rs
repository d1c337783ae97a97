//! `memreel merge`: one result of several.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, report, say};
use crate::store::{self, MergeError, Merged};

/// Missing jobs that are named; of more only how many there are is said.
const NAMED: usize = 8;

/// Combine the shards of a run into one result, and report on it
///
/// All results must be of the same scenario, with the same changes. A job that is in several results is taken
/// once; missing jobs are named, and the rest is merged. Jobs of different machines – by CPU model, number of CPUs,
/// memory, kernel and build of the engine – are distinguished by an axis `machine` and never averaged or compared
/// with each other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel merge shard-1 shard-2 shard-3 -o reports/forty-clips/merged
  memreel merge shards/*/forty-clips/latest -o merged
  memreel merge merged shard-4 -o whole        a late shard")]
pub struct MergeCommand {
    /// The folders of results: reports/SCENARIO/TIME, or reports/SCENARIO/latest
    #[arg(value_name = "DIR", required = true)]
    results: Vec<PathBuf>,
    /// Folder to create for the merged result. Files are linked if possible, else copied
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

impl MergeCommand {
    /// Merges, reports, and warns of what is missing.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let results = self.results.iter().map(|folder| store::open_result(folder));
        let merged = Merged::of(&results.collect::<Result<Vec<_>, _>>()?)?;
        merged.write(&self.output)?;
        report::tell(&store::open_result(&self.output)?, out)?;
        warn_of_missing(&merged);
        Ok(Exit::Fine)
    }
}

fn warn_of_missing(merged: &Merged) {
    let missing = merged.missing();
    if missing.is_empty() {
        return;
    }
    let mut named = missing.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if missing.len() > NAMED {
        named.push_str(&format!(" and {} more", missing.len() - NAMED));
    }
    let shards = match merged.shards_not_given.as_slice() {
        [] => String::new(),
        [one] => format!(" (shard {one} was not given)"),
        several => format!(" (shards {} were not given)", several.join(", ")),
    };
    let of = merged.index.jobs.len();
    say(format_args!("memreel: {} of {of} jobs are missing{shards}: {named}", missing.len()));
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Failure {
        match error {
            MergeError::Store(error) => error.into(),
            error => Failure::usage(error.to_string()),
        }
    }
}
