//! A script for Slurm's sbatch: a task of a job array for each shard.

use std::io::Write;

use crate::cli::Failure;

/// What the script runs, but for the shard.
pub struct Command {
    /// The scenario's name.
    pub name: String,
    /// Words after `memreel run`.
    pub arguments: Vec<String>,
}

/// Prints the script.
pub fn print(command: &Command, shards: u32, out: &mut dyn Write) -> Result<(), Failure> {
    let name = format!("memreel-{}", plain(&command.name));
    let words = command.arguments.iter().map(|word| shlex::try_quote(word));
    let words = words.collect::<Result<Vec<_>, _>>().map_err(|error| Failure::usage(error.to_string()))?;
    write!(
        out,
        r#"#!/bin/sh
#SBATCH --job-name={name}
#SBATCH --array=1-{shards}
#SBATCH --output={name}-%A-%a.log
#
# Each task runs one shard. Choose the nodes and their resources here or as options of sbatch: --constraint for equal
# nodes, --cpus-per-task, --mem, --exclusive.
#
# When all tasks have ended, run this, with the number that sbatch printed in place of JOB:
#
#   memreel merge {name}-JOB/*/*/latest -o {name}-JOB/merged
set -eu
exec memreel run {words} \
    --shard "$SLURM_ARRAY_TASK_ID/{shards}" --reports "{name}-$SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID"
"#,
        words = words.join(" "),
    )?;
    Ok(())
}

/// A name that needs no quotes, neither for the shell nor for sbatch, to which `%` and `\` mean something.
fn plain(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_', "-")
}
