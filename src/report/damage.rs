//! What is missing of a job's files, so that its numbers are not taken for all there were.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::report::number::number;
use crate::store::StoredJob;

/// A line for each of a job's files that holds less than was written when the job ended.
///
/// A job that could not be started was never sampled, and lacks nothing.
///
/// # Errors
/// When a file is there but cannot be read.
pub fn damage(stored: &StoredJob, samples: usize) -> io::Result<Vec<String>> {
    let taken = stored.record.sampling.samples;
    if taken == 0 {
        return Ok(Vec::new());
    }
    let of_samples = damage_of_samples(&stored.folder.join("samples.csv"), samples as u64, taken)?;
    let threads = stored.folder.join("threads.csv").try_exists()?;
    let of_threads = (!threads).then(|| "threads.csv is missing: threads are unknown".to_string());
    Ok(of_samples.into_iter().chain(of_threads).collect())
}

fn damage_of_samples(path: &Path, read: u64, taken: u64) -> io::Result<Option<String>> {
    if !path.try_exists()? {
        let known = "the outcome, the times and the kernel's peak are known";
        return Ok(Some(format!("samples.csv is missing: only {known}")));
    }
    if ends_within_a_line(path)? {
        return Ok(Some("samples.csv ends in the middle of a line; the rest is missing".into()));
    }
    let counts = || (number(read as f64, 0), number(taken as f64, 0));
    Ok((read < taken).then(counts).map(|(read, taken)| format!("samples.csv has {read} of {taken} samples")))
}

fn ends_within_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
