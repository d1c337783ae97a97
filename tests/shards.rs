//! A run dealt to several machines, and made one again.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use memreel::store::{self, StoredResult};
use serde_json::Value;
use support::*;

/// Four exports of an instant: two variants, twice each.
const FOUR: &str = "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = ['single', 'parallel:2']
matrix.repeats = 2
";

/// A bench with the scenario in `four.toml`.
fn four() -> Bench {
    let bench = Bench::new();
    bench.scenario("four", FOUR);
    bench
}

/// Runs a shard; its result lies in a folder of its own.
fn run_shard(bench: &Bench, shard: &str, more: &[&str]) -> PathBuf {
    let reports = format!("shard-{}", shard.replace('/', "-of-"));
    bench.run(&[&["run", "four.toml", "--shard", shard, "--reports", &reports], more].concat()).expect(0);
    bench.path().join(reports).join("four/latest")
}

fn merge(bench: &Bench, results: &[&Path], output: &str) -> Ran {
    let results = results.iter().map(|folder| folder.to_str().unwrap());
    let arguments: Vec<_> = ["merge"].into_iter().chain(results).chain(["--output", output]).collect();
    bench.run(&arguments)
}

fn opened(folder: &Path) -> StoredResult {
    store::open_result(folder).unwrap()
}

/// The jobs of a plan as programs are told them.
fn planned(bench: &Bench, more: &[&str]) -> Vec<Value> {
    let ran = bench.run(&[&["plan", "four.toml", "--format", "json"], more].concat());
    let plan: Value = serde_json::from_str(&ran.expect(0).out).unwrap();
    assert_eq!(plan["format"], "memreel-plan/1");
    plan["jobs"].as_array().unwrap().clone()
}

/// Each job's folder and digest: what is the same whoever ran it, and when.
fn measured(result: &StoredResult) -> Vec<(String, String)> {
    let name = |folder: &Path| folder.file_name().unwrap().to_str().unwrap().to_string();
    result.jobs.iter().map(|job| (name(&job.folder), job.record.digest.clone())).collect()
}

fn summary_json(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

/// Rewrites what a result's jobs say of their machine.
fn rewrite_cpu(folder: &Path, cpu: &str) {
    for job in opened(folder).jobs {
        let path = job.folder.join("run.json");
        let mut record = job.record;
        record.machine.cpu = cpu.into();
        store::write_json(&path, &record).unwrap();
    }
}

#[test]
fn shards_merged_are_the_jobs_of_the_whole_run() {
    let bench = four();
    bench.run(&["run", "four.toml"]).expect(0);
    let whole = bench.latest("four");
    let shards = ["1/2", "2/2"].map(|shard| run_shard(&bench, shard, &[]));
    for shard in &shards {
        assert_eq!(opened(shard).jobs.len(), 2);
    }
    let ran = merge(&bench, &[&shards[1], &shards[0]], "merged");
    assert_eq!(ran.expect(0).says(&["parallel:2", "2 of 2\n", "summary.csv"]).err, "");
    let merged = opened(&bench.path().join("merged"));
    assert_eq!(merged.index.jobs, whole.index.jobs);
    assert_eq!(measured(&merged), measured(&whole));
    assert_eq!((merged.index.shard, merged.index.machines), (None, vec![]));
    assert_eq!(merged.index.varied, whole.index.varied);
    let folders: Vec<_> = planned(&bench, &[]).iter().map(|job| job["folder"].clone()).collect();
    let index = store::open_index(&whole.folder).unwrap();
    assert_eq!(folders, index.jobs.iter().map(|job| job.folder.as_str()).collect::<Vec<_>>());
}

#[test]
fn a_shard_says_that_it_is_one_and_is_resumed_as_one() {
    let bench = four();
    let folder = run_shard(&bench, "2/2", &[]);
    let shard = opened(&folder).index.shard.unwrap();
    assert_eq!((shard.number, shard.of, shard.elsewhere.len()), (2, 2, 2));
    bench.run(&["report", folder.to_str().unwrap()]).expect(0).says(&["Shard 2 of 2: 2 of the 4 jobs"]);
    let gone = opened(&folder).jobs[0].folder.clone();
    fs::remove_dir_all(&gone).unwrap();
    let ran = bench.run(&["run", "--resume", folder.to_str().unwrap()]);
    assert_eq!(ran.expect(0).err.matches("already measured, reused").count(), 1, "{}", ran.err);
    let resumed = opened(&folder);
    assert_eq!((resumed.jobs.len(), resumed.index.shard), (2, Some(shard)));
    assert!(gone.join("samples.csv").is_file());
}

#[test]
fn results_of_unlike_machines_are_kept_apart_and_never_compared_with_each_other() {
    let bench = four();
    let shards = ["1/2", "2/2"].map(|shard| run_shard(&bench, shard, &[]));
    rewrite_cpu(&shards[1], "Another CPU");
    let ran = merge(&bench, &[&shards[0], &shards[1]], "merged");
    ran.expect(0).says(&["m1: ", "m2 (differs from m1 in CPU model): ", "(Another CPU)", "single · m2: "]);
    let folder = bench.path().join("merged");
    let index = store::open_index(&folder).unwrap();
    assert_eq!(index.varied, ["threading", "machine"]);
    assert_eq!(index.machines.iter().map(|machine| machine.name.as_str()).collect::<Vec<_>>(), ["m1", "m2"]);
    assert_eq!(index.machines[1].class.cpu, "Another CPU");
    let rows = summary(&folder);
    let machines: Vec<_> = rows.iter().map(|row| (row["repeat"].as_str(), row["machine"].as_str())).collect();
    assert_eq!(machines, [("1", "m1"), ("1", "m1"), ("2", "m2"), ("2", "m2")]);
    let told = summary_json(&folder);
    let comparisons = told["comparisons"].as_array().unwrap();
    assert_eq!(comparisons.len(), 2, "{comparisons:#?}");
    for (comparison, machine) in comparisons.iter().zip(["m1", "m2"]) {
        assert_eq!((&comparison["axis"], &comparison["others"]), (&"threading".into(), &machine.into()));
        assert!(comparison["changes"].as_array().unwrap().iter().all(|change| change["repeats"][0] == 1));
    }
    assert_eq!(told["families"].as_array().unwrap().len(), 4);
    assert_eq!(told["machines"][1]["name"], "m2");
    let path = folder.to_str().unwrap();
    bench.run(&["explain", path]).expect(0).says(&["m2 (differs", "parallel:2 · m1: "]);
    bench.run(&["run", "--resume", path]).expect(2).complains(&[
        path,
        "on different machines",
        "resume each shard",
    ]);
}

#[test]
fn a_result_that_was_resumed_on_another_machine_is_told_apart_too() {
    let bench = four();
    bench.run(&["run", "four.toml"]).expect(0);
    let folder = bench.latest_folder("four");
    assert_eq!(opened(&folder).index.varied, ["threading"]);
    let job = opened(&folder).jobs.remove(3);
    let mut record = job.record;
    record.machine.kernel = "6.1".into();
    store::write_json(&job.folder.join("run.json"), &record).unwrap();
    let index = opened(&folder).index;
    assert_eq!((index.varied, index.machines.len()), (vec!["threading".into(), "machine".into()], 2));
    // And no more when that job is gone.
    fs::remove_dir_all(&job.folder).unwrap();
    assert_eq!(opened(&folder).index.varied, ["threading"]);
}

#[test]
fn a_merged_result_is_a_new_folder_of_links_in_which_what_is_missing_is_named_and_can_be_run() {
    let bench = four();
    let shard = run_shard(&bench, "1/2", &["--keep-exports"]);
    let merged = bench.path().join("deep/er/merged");
    let ran = merge(&bench, &[&shard], merged.to_str().unwrap());
    ran.expect(0).complains(&["2 of 4 jobs are missing (shard 2/2 was not given): ", "ffmpeg-single-r2"]);
    let result = opened(&merged);
    let samples = fs::metadata(result.jobs[0].folder.join("samples.csv")).unwrap();
    assert_eq!(samples.nlink(), 2, "copied, and not linked to");
    assert!(export_of(&result, &result.jobs[0]).is_file());
    assert!(merged.join("timelines").is_dir());
    let ran = merge(&bench, &[&shard], merged.to_str().unwrap());
    ran.expect(2).complains(&["merged: this already exists"]);
    let beside: Vec<_> = fs::read_dir(merged.parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    bench.run(&["merge", "nowhere", "-o", "x"]).expect(2).complains(&["nowhere", "not a memreel result"]);
    let ran = bench.run(&["run", "--resume", merged.to_str().unwrap()]);
    assert_eq!(ran.expect(0).err.matches("already measured, reused").count(), 2, "{}", ran.err);
    assert_eq!(opened(&merged).jobs.len(), 4);
}

#[test]
fn what_was_changed_otherwise_is_not_merged() {
    let bench = four();
    let first = run_shard(&bench, "1/2", &[]);
    let second = run_shard(&bench, "2/2", &["--sink", "null"]);
    let ran = merge(&bench, &[&first, &second], "merged");
    ran.expect(2).complains(&[second.to_str().unwrap(), first.to_str().unwrap(), "changes to the scenario"]);
    assert!(!bench.path().join("merged").exists());
}

#[test]
fn more_shards_than_there_is_work_for_are_refused_with_how_many_make_sense() {
    let bench = four();
    let words = ["3 shards are too many", "variants: 2, repeats: 2", "at most 2"];
    bench.run(&["run", "four.toml", "--shard", "1/3"]).expect(2).complains(&words);
    bench.run(&["plan", "four.toml", "--shards", "3"]).expect(2).complains(&words);
    assert!(!bench.path().join("reports").exists());
    for wrong in ["3/2", "0/2", "2", "1/0"] {
        let ran = bench.run(&["run", "four.toml", "--shard", wrong]);
        assert!(ran.expect(2).err.contains("K/N"), "{}", ran.err);
    }
}

#[test]
fn a_shard_needs_only_the_engines_and_media_of_its_own_variants() {
    let bench = four();
    let text = FOUR.replace("threading = ['single', 'parallel:2']", "engine = ['ffmpeg', 'melt']");
    bench.scenario("four", &text.replace("repeats = 2", "repeats = 1\nmatrix.threading = 'single'"));
    let without_melt = |shard: &str| {
        let mut command = bench.memreel(&["run", "four.toml", "--shard", shard]);
        command.env("PATH", bench.path());
        bench.start_command(command).wait()
    };
    assert_eq!(without_melt("1/2").expect(0).err.matches("melt").count(), 0);
    without_melt("2/2").expect(4).complains(&["melt is not installed"]);
}

#[test]
fn a_plan_is_printed_for_programs_job_by_job() {
    let bench = four();
    let whole = planned(&bench, &[]);
    assert_eq!((whole.len(), &whole[0]["shard"], &whole[0]["not_run"]), (4, &Value::Null, &Value::Null));
    assert_eq!((&whole[0]["variant"]["engine"], &whole[0]["frames"]), (&"ffmpeg".into(), &5.into()));
    let dealt = planned(&bench, &["--shards", "2"]);
    let shards: Vec<_> = dealt.iter().map(|job| &job["shard"]).collect();
    assert_eq!(shards, ["1/2", "1/2", "2/2", "2/2"]);
    let text = bench.run(&["plan", "four.toml", "--shards", "2"]);
    text.expect(0).says(&["Shard 1/2 (seed 1):\n  repeat 1: ", "Shard 2/2 (seed 1):\n  repeat 2: "]);
}

#[test]
fn a_plan_is_a_matrix_for_github_on_one_line() {
    let bench = four();
    let ran = bench.run(&["plan", "four.toml", "--shards", "2", "--format", "github"]);
    assert_eq!(ran.expect(0).out, "{\"include\":[{\"shard\":\"1/2\"},{\"shard\":\"2/2\"}]}\n");
    for format in ["github", "slurm"] {
        let ran = bench.run(&["plan", "four.toml", "--format", format]);
        assert!(ran.expect(2).err.contains("--shards <N>"), "{}", ran.err);
    }
}
