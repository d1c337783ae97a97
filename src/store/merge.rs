//! Several results of one scenario made one: what was dealt to several machines is put together again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::{PlannedJob, ResultIndex, StoreError, StoredJob, StoredResult, machines, put, write_json};

/// What a merged result is called until it is whole.
const PARTIAL: &str = ".partial-";

/// What is kept of a result beside its jobs, one folder each. Files of the same name are the same, or of no
/// more interest than each other: a timeline of the same variant, named after its media's place.
const BESIDE: [&str; 3] = ["timelines", "drivers", "exports"];

/// Why results cannot be made one.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// They are not of the same plan.
    #[error("{}: its {what} differs from that of {}; only results of one scenario with the same changes can be merged", .other.display(), .first.display())]
    Unlike {
        /// The first result that was given.
        first: PathBuf,
        /// The one that differs from it.
        other: PathBuf,
        /// In what.
        what: &'static str,
    },
    /// A job was measured twice.
    #[error("{job} was measured twice, in {} and in {}; leave one of them out", .first.display(), .other.display())]
    Twice {
        /// The job's folder.
        job: String,
        /// A result with it.
        first: PathBuf,
        /// Another one, in which it is not the same.
        other: PathBuf,
    },
    /// Repeats of a variant are not repeats of the same export.
    #[error(
        "{job} in {} exported other media than {another} in {}; only results of the same media can be merged",
        .other.display(), .first.display()
    )]
    OtherMedia {
        /// A job's folder.
        job: String,
        /// The result with it.
        other: PathBuf,
        /// The folder of another job of its variant.
        another: String,
        /// The result with that one.
        first: PathBuf,
    },
    /// Something is there already.
    #[error("{}: this already exists; a merged result needs a new folder", .path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One result made of several, not written yet.
#[derive(Debug)]
pub struct Merged {
    /// What it says of itself: every job that any of the results knows of, by repeat and place in the matrix.
    pub index: ResultIndex,
    /// Shards of which none of the results is one, as `2/4`.
    pub shards_not_given: Vec<String>,
    /// The jobs that were measured, where they lie.
    jobs: Vec<StoredJob>,
    /// The results that it is made of.
    sources: Vec<PathBuf>,
}

/// A job, as far as the results know it.
struct Known {
    planned: PlannedJob,
    /// The result in which it was measured, and the job there.
    measured: Option<(PathBuf, StoredJob)>,
    /// Whether one of the results had it to run.
    is_own: bool,
}

impl Merged {
    /// Puts results together, at least one, in whatever order they are given; a job that is the same in several
    /// is taken once.
    ///
    /// # Errors
    /// When they are not of the same scenario text, overrides and seed, or of other media, or a job differs.
    pub fn of(results: &[StoredResult]) -> Result<Merged, MergeError> {
        let mut jobs: BTreeMap<String, Known> = BTreeMap::new();
        for result in results {
            check_alike(&results[0], result)?;
            take(&mut jobs, result)?;
        }
        check_media(jobs.values())?;
        let mut index = results[0].index.clone();
        index.started = results.iter().map(|result| result.index.started.clone()).min().unwrap_or_default();
        index.shard = None;
        index.jobs = jobs.values().map(|known| known.planned.clone()).collect();
        index.jobs.sort_by_key(|job| (job.repeat, job.place));
        let stored: Vec<_> = jobs.into_values().filter_map(|known| Some(known.measured?.1)).collect();
        machines::tell_apart(&mut index, &stored);
        Ok(Merged {
            index,
            jobs: stored,
            sources: results.iter().map(|result| result.folder.clone()).collect(),
            shards_not_given: shards_not_given(results),
        })
    }

    /// The folders of jobs that no result has, though they were to be run.
    pub fn missing(&self) -> Vec<&str> {
        let is_there = |folder: &str| self.jobs.iter().any(|job| job.is_called(folder));
        let to_run = self.index.jobs.iter().filter(|job| job.not_run.is_none());
        to_run.map(|job| job.folder.as_str()).filter(|folder| !is_there(folder)).collect()
    }

    /// Writes it as a new folder, which has its name when it is whole. Files are linked to where that can be
    /// done, and copied elsewhere.
    ///
    /// # Errors
    /// When there is something of that name, or the files cannot be read or written.
    pub fn write(&self, folder: &Path) -> Result<(), MergeError> {
        let exists = || MergeError::Exists { path: folder.to_path_buf() };
        let name = folder.file_name().filter(|_| !folder.exists()).ok_or_else(exists)?;
        let mut partial = std::ffi::OsString::from(PARTIAL);
        partial.push(name);
        let partial = folder.with_file_name(partial);
        let written = self.fill(&partial).and_then(|()| put(&partial, folder));
        written.inspect_err(|_| {
            let _ = fs::remove_dir_all(&partial);
        })?;
        Ok(())
    }

    fn fill(&self, folder: &Path) -> Result<(), StoreError> {
        if folder.exists() {
            done(folder, fs::remove_dir_all(folder))?;
        }
        let jobs = folder.join("jobs");
        done(&jobs, fs::create_dir_all(&jobs))?;
        for job in &self.jobs {
            bring(&job.folder, &jobs.join(job.folder.file_name().unwrap_or_default()))?;
        }
        for (source, beside) in self.sources.iter().flat_map(|source| BESIDE.map(|beside| (source, beside))) {
            let from = source.join(beside);
            if from.is_dir() {
                bring(&from, &folder.join(beside))?;
            }
        }
        write_json(&folder.join("result.json"), &self.index)
    }
}

fn check_alike(first: &StoredResult, other: &StoredResult) -> Result<(), MergeError> {
    let (a, b) = (&first.index, &other.index);
    let differs = [
        ("scenario", a.scenario_text != b.scenario_text),
        ("list of changes to the scenario", a.overrides != b.overrides),
        ("seed", a.seed != b.seed),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        Some((what, _)) => {
            Err(MergeError::Unlike { first: first.folder.clone(), other: other.folder.clone(), what })
        }
        None => Ok(()),
    }
}

/// The scenario's text may be the same, and what it names has changed: footage, or an editor's project.
fn check_media<'a>(jobs: impl Iterator<Item = &'a Known>) -> Result<(), MergeError> {
    let mut firsts: BTreeMap<&[(String, String)], (&PathBuf, &StoredJob)> = BTreeMap::new();
    for known in jobs {
        let Some((other, job)) = &known.measured else { continue };
        let (first, another) = *firsts.entry(&known.planned.variant).or_insert((other, job));
        if another.record.timeline.digest != job.record.timeline.digest {
            let name = |job: &StoredJob| job.folder.file_name().unwrap_or_default().display().to_string();
            let (job, another) = (name(job), name(another));
            return Err(MergeError::OtherMedia { job, other: other.clone(), another, first: first.clone() });
        }
    }
    Ok(())
}

/// Takes in all that a result knows.
fn take(jobs: &mut BTreeMap<String, Known>, result: &StoredResult) -> Result<(), MergeError> {
    let mut index = result.index.clone();
    machines::forget(&mut index);
    let elsewhere = index.shard.into_iter().flat_map(|shard| shard.elsewhere);
    let planned = index.jobs.into_iter().map(|job| (job, true)).chain(elsewhere.map(|job| (job, false)));
    for (planned, is_own) in planned {
        let measured = result.jobs.iter().find(|job| job.is_called(&planned.folder));
        let measured = measured.filter(|_| is_own).map(|job| (result.folder.clone(), job.clone()));
        let known = Known { planned, measured, is_own };
        match jobs.get_mut(&known.planned.folder) {
            Some(before) => before.join(known)?,
            None => drop(jobs.insert(known.planned.folder.clone(), known)),
        }
    }
    Ok(())
}

impl Known {
    /// Takes in what another result knows of the same job. What was measured counts for more than why it was
    /// not, and that for more than that it is run elsewhere.
    fn join(&mut self, other: Known) -> Result<(), MergeError> {
        if let (Some((first, job)), Some((other, another))) = (&self.measured, &other.measured) {
            let same = done(&another.folder, is_same(&job.folder, &another.folder))?;
            let (job, first, other) = (self.planned.folder.clone(), first.clone(), other.clone());
            return if same { Ok(()) } else { Err(MergeError::Twice { job, first, other }) };
        }
        let known = |job: &Known| (job.measured.is_some(), job.is_own, job.planned.not_run.is_none());
        if known(&other) > known(self) {
            *self = other;
        }
        Ok(())
    }
}

/// Of every number of shards that results are of, those that none of them is.
fn shards_not_given(results: &[StoredResult]) -> Vec<String> {
    let given = results.iter().filter_map(|result| result.index.shard.as_ref());
    let mut given: Vec<_> = given.map(|shard| (shard.of, shard.number)).collect();
    given.sort_unstable();
    let groups = given.chunk_by(|a, b| a.0 == b.0);
    let missing = |group: &&[(u32, u32)]| {
        let (of, group) = (group[0].0, group.to_vec());
        (1..=of)
            .filter(move |number| !group.contains(&(of, *number)))
            .map(move |number| format!("{number}/{of}"))
    };
    groups.flat_map(|group| missing(&group)).collect()
}

/// Whether two folders hold the same files.
fn is_same(a: &Path, b: &Path) -> io::Result<bool> {
    let names = files(a)?;
    if names != files(b)? {
        return Ok(false);
    }
    for name in names {
        if !is_same_file(&a.join(&name), &b.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two files have the same content, of which only a piece at a time is in memory.
fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let open = |path: &Path| io::Result::Ok(BufReader::with_capacity(1 << 16, fs::File::open(path)?));
    let (mut a, mut b) = (open(a)?, open(b)?);
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let length = left.len().min(right.len());
        if left[..length] != right[..length] || length == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        a.consume(length);
        b.consume(length);
    }
}

/// Links or copies the files of a folder into another one, but for those that are there.
fn bring(from: &Path, to: &Path) -> Result<(), StoreError> {
    for name in done(from, files(from))? {
        let (from, to) = (from.join(&name), to.join(&name));
        if to.exists() {
            continue;
        }
        let folder = to.parent().unwrap_or(&to);
        done(folder, fs::create_dir_all(folder))?;
        if fs::hard_link(&from, &to).is_err() {
            done(&to, fs::copy(&from, &to).map(drop))?;
        }
    }
    Ok(())
}

/// The files of a folder and the folders in it, by their paths from there, in order.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => files.extend(self::files(&entry.path())?.into_iter().map(|inner| name.join(inner))),
            false => files.push(name),
        }
    }
    files.sort();
    Ok(files)
}

fn done<T>(path: &Path, result: io::Result<T>) -> Result<T, StoreError> {
    result.map_err(|source| StoreError::Io { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::made_up::{MadeUp, result};
    use crate::store::{ShardRecord, open_result};

    fn job(repeat: u32) -> MadeUp {
        MadeUp::new("ffmpeg", "single", |_| 47.0).repeat(repeat)
    }

    /// The shard of two that runs this repeat.
    fn shard(folder: &Path, repeat: u32) -> StoredResult {
        let mut shard = result(folder, &[job(repeat)]);
        let elsewhere = PlannedJob {
            repeat: 3 - repeat,
            folder: format!("ffmpeg-single-{}", 3 - repeat),
            ..shard.index.jobs[0].clone()
        };
        shard.index.shard = Some(ShardRecord { number: repeat, of: 2, elsewhere: vec![elsewhere] });
        write_json(&folder.join("result.json"), &shard.index).unwrap();
        shard
    }

    #[test]
    fn a_job_that_is_the_same_in_two_results_is_taken_once_and_one_that_differs_is_refused() {
        let [a, b] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let results = [result(a.path(), &[job(1), job(2)]), result(b.path(), &[job(1)])];
        let merged = Merged::of(&results).unwrap();
        assert_eq!((merged.index.jobs.len(), merged.jobs.len(), merged.missing().len()), (2, 2, 0));
        fs::write(b.path().join("jobs/ffmpeg-single-1/samples.csv"), "t_s\n0\n").unwrap();
        let told = Merged::of(&results).unwrap_err().to_string();
        let (a, b) = (a.path().display(), b.path().display());
        assert_eq!(
            told,
            format!("ffmpeg-single-1 was measured twice, in {a} and in {b}; leave one of them out")
        );
    }

    #[test]
    fn results_of_another_scenario_other_changes_or_another_seed_are_refused() {
        let [a, b] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (first, second) = (result(a.path(), &[job(1)]), result(b.path(), &[job(2)]));
        let told = |change: fn(&mut ResultIndex)| {
            let mut other = second.clone();
            change(&mut other.index);
            let told = Merged::of(&[first.clone(), other]).unwrap_err().to_string();
            assert!(told.starts_with(b.path().to_str().unwrap()), "{told}");
            assert!(told.contains(a.path().to_str().unwrap()), "{told}");
            told
        };
        assert!(Merged::of(&[first.clone(), second.clone()]).is_ok());
        assert!(told(|index| index.scenario_text.push('#')).contains("its scenario differs from that of"));
        assert!(told(|index| index.overrides.push("a=1".into())).contains("changes to the scenario"));
        assert!(told(|index| index.seed = Some(2)).contains("its seed"));
    }

    #[test]
    fn repeats_of_other_media_are_refused() {
        let [a, b] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let mut results = [result(a.path(), &[job(1)]), result(b.path(), &[job(2)])];
        assert!(Merged::of(&results).is_ok());
        results[1].jobs[0].record.timeline.digest = "another".into();
        let told = Merged::of(&results).unwrap_err().to_string();
        let (a, b) = (a.path().display(), b.path().display());
        assert!(
            told.starts_with(&format!(
                "ffmpeg-single-2 in {b} exported other media than ffmpeg-single-1 in {a};"
            )),
            "{told}"
        );
    }

    #[test]
    fn a_shard_that_was_not_given_is_missed_and_comes_late() {
        let folder = tempfile::tempdir().unwrap();
        let shards = [1, 2].map(|repeat| shard(&folder.path().join(repeat.to_string()), repeat));
        let half = Merged::of(&shards[..1]).unwrap();
        assert_eq!(half.missing(), ["ffmpeg-single-2"]);
        assert_eq!(half.shards_not_given, ["2/2"]);
        half.write(&folder.path().join("half")).unwrap();
        let half = open_result(&folder.path().join("half")).unwrap();
        assert_eq!((half.index.jobs.len(), half.jobs.len()), (2, 1));
        let whole = Merged::of(&[half, shards[1].clone()]).unwrap();
        assert_eq!((whole.missing().len(), whole.jobs.len(), &whole.index.shard), (0, 2, &None));
        let both = Merged::of(&shards).unwrap();
        assert_eq!((both.index.jobs, both.shards_not_given), (whole.index.jobs, vec![]));
    }

    #[test]
    fn what_was_measured_counts_for_more_than_why_it_was_not() {
        let [a, b] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let with = result(b.path(), &[job(1)]);
        let mut without = result(a.path(), &[job(1).not_run("ffmpeg is not installed")]);
        without.index.jobs[0].folder = with.index.jobs[0].folder.clone();
        let interrupted = StoredResult { jobs: Vec::new(), ..with.clone() };
        let merged = |a: &StoredResult, b: &StoredResult| {
            let merged = [[a, b], [b, a]].map(|both| Merged::of(&both.map(Clone::clone)).unwrap());
            let told = merged.map(|merged| {
                (merged.jobs.len(), merged.missing().len(), merged.index.jobs[0].not_run.is_some())
            });
            assert_eq!(told[0], told[1], "the order does not matter");
            told[0]
        };
        assert_eq!(merged(&with, &without), (1, 0, false));
        assert_eq!(merged(&with, &interrupted), (1, 0, false));
        assert_eq!(merged(&interrupted, &without), (0, 1, false));
        assert_eq!(merged(&without, &without), (0, 0, true));
    }

    #[test]
    fn nothing_is_left_of_a_merge_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let source = result(&folder.path().join("source"), &[job(1)]);
        let merged = Merged::of(&[source]).unwrap();
        let target = folder.path().join("merged");
        fs::remove_dir_all(folder.path().join("source/jobs/ffmpeg-single-1")).unwrap();
        let told = merged.write(&target).unwrap_err().to_string();
        assert!(told.contains("source/jobs/ffmpeg-single-1"), "{told}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::create_dir(&target).unwrap();
        assert!(merged.write(&target).unwrap_err().to_string().contains("already exists"));
    }
}
