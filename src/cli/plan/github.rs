//! A matrix for GitHub Actions: a job of the workflow for each shard.

use std::io::Write;

use serde::Serialize;

use crate::cli::Failure;
use crate::plan::Shard;

#[derive(Serialize)]
struct Matrix {
    include: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    shard: String,
}

/// Prints the matrix on a line, as `$GITHUB_OUTPUT` takes it.
pub fn print(shards: impl Iterator<Item = Shard>, out: &mut dyn Write) -> Result<(), Failure> {
    let include = shards.map(|shard| Entry { shard: shard.to_string() }).collect();
    serde_json::to_writer(&mut *out, &Matrix { include }).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}
