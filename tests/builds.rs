//! Builds of an engine, chosen by path: the right program runs, with the right libraries, under a name of its
//! own, and what is no such program is told before anything runs.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use memreel::engine::{self, Companions, Missing};
use memreel::scenario::EngineChoice;
use memreel::store::StoredResult;
use memreel_trace::EngineRecord;
use support::*;

/// An export of an instant.
const SMALL: &str = "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
";

fn stand_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/editor")
}

/// The installed melt.
fn melt() -> PathBuf {
    PathBuf::from("/usr/bin/melt")
}

/// What is found where an engine's value points.
fn found(value: &str) -> Result<EngineRecord, Missing> {
    let choice: EngineChoice = value.parse().unwrap();
    let companions = Companions::in_folder(exporter().parent().unwrap());
    engine::find(&choice, &companions).installation().map(|here| here.record.clone()).map_err(Clone::clone)
}

#[track_caller]
fn is_missing(value: &str, words: &[&str]) {
    let missing = found(value).unwrap_err().to_string();
    for word in words {
        assert!(missing.contains(word), "`{word}` is missing: {missing}");
    }
}

/// The record of each job, by its value of the axis `engine`.
fn by_engine<'a>(result: &'a StoredResult, engine: &str) -> &'a memreel_trace::RunRecord {
    let is_it = |(axis, value): &(String, String)| axis == "engine" && value == engine;
    let mut jobs = result.jobs.iter().filter(|job| job.record.variant.iter().any(is_it));
    &jobs.next().unwrap_or_else(|| panic!("no job of {engine}")).record
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The library of MLT's that melt is linked with.
fn libmlt() -> PathBuf {
    let output = Command::new("ldd").arg(melt()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.trim().starts_with("libmlt-7.so.7")).unwrap();
    let file = line.split("=> ").nth(1).unwrap().split(' ').next().unwrap();
    fs::canonicalize(file).unwrap()
}

#[test]
fn one_melt_by_name_link_and_folder_is_one_build_in_folders_of_its_own() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path().join("prefix/bin")).unwrap();
    symlink(melt(), bench.path().join("link")).unwrap();
    symlink(melt(), bench.path().join("prefix/bin/melt")).unwrap();
    let engines = "melt,a:melt,b:melt@link,c:melt@prefix,melt@prefix/bin";
    let result = bench.result_of("melts", SMALL, &["--engine", engines]);
    let plain = by_engine(&result, "melt");
    let last = format!("melt@{}", bench.path().join("prefix/bin").display());
    for (value, program) in [
        ("a:melt", None),
        ("b:melt", Some("link")),
        ("c:melt", Some("prefix/bin/melt")),
        (&last, Some("prefix/bin/melt")),
    ] {
        let record = by_engine(&result, value);
        let program = program.map_or(melt(), |program| bench.path().join(program));
        assert_eq!(record.command[0], program.to_str().unwrap(), "{value}");
        assert_eq!((&record.engine.build, &record.digest), (&plain.engine.build, &plain.digest), "{value}");
    }
    assert_eq!(result.jobs.len(), 5);
    for job in &result.jobs {
        assert_eq!(shown(&export_of(&result, job)), shot(1, 0, 5), "{:?}", job.record.command);
    }
}

#[test]
fn an_exporter_that_is_named_from_here_is_found_again_when_resumed_from_elsewhere() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path().join("old")).unwrap();
    fs::create_dir_all(bench.path().join("elsewhere")).unwrap();
    fs::hard_link(exporter(), bench.path().join("old/memreel-export")).unwrap();
    let engines = "ffmpeg,old:ffmpeg@old/memreel-export,dir:ffmpeg@old";
    let result = bench.result_of("exporters", SMALL, &["--engine", engines]);
    for value in ["old:ffmpeg", "dir:ffmpeg"] {
        let record = by_engine(&result, value);
        assert_eq!(Path::new(&record.command[0]), bench.path().join("old/memreel-export"));
        assert_eq!(record.digest, by_engine(&result, "ffmpeg").digest);
    }
    let folder = fs::canonicalize(&result.folder).unwrap();
    fs::remove_dir_all(&result.jobs[1].folder).unwrap();
    let mut resume = bench.memreel(&["run", "--resume", folder.to_str().unwrap()]);
    resume.current_dir(bench.path().join("elsewhere"));
    let ran = bench.start_command(resume).wait();
    ran.expect(0);
    assert_eq!(ran.err.matches("already measured, reused").count(), 2, "{}", ran.err);
}

#[test]
fn a_scenario_names_programs_that_lie_beside_it() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path().join("mine")).unwrap();
    fs::hard_link(exporter(), bench.path().join("mine/my-export")).unwrap();
    bench.scenario("mine/beside", &format!("{SMALL}matrix.engine = ['ffmpeg', 'x:ffmpeg@my-export']"));
    bench.run(&["run", "mine/beside.toml"]).expect(0);
    let record = by_engine(&bench.latest("beside"), "x:ffmpeg").clone();
    assert_eq!(Path::new(&record.command[0]), bench.path().join("mine/my-export"));
}

#[test]
fn a_python_and_a_checkout_can_be_chosen_too() {
    let bench = Bench::new();
    let editor = stand_in();
    let engines = format!("p:mlt-python@/usr/bin/python3,e:rlvideo@{}", editor.display());
    let result = bench.result_of("others", SMALL, &["--engine", &engines]);
    let python = by_engine(&result, "p:mlt-python");
    assert_eq!(python.command[0], "/usr/bin/python3");
    let mut with_python = bench.memreel(&["doctor"]);
    with_python.env("MEMREEL_PYTHON", "/usr/bin/python3");
    bench.start_command(with_python).wait().says(&[&python.engine.build]);
    let rlvideo = by_engine(&result, "e:rlvideo");
    let checkout = rlvideo.command.iter().position(|word| word == "--checkout").unwrap();
    assert_eq!(Path::new(&rlvideo.command[checkout + 1]), editor);
}

/// A script that has melt use a library of MLT's of its own.
fn own_library(folder: &Path) -> (PathBuf, PathBuf) {
    let library = folder.join("libmlt-7.so.7");
    fs::copy(libmlt(), &library).unwrap();
    let wrapper = folder.join("melt.sh");
    script(&wrapper, &format!("LD_LIBRARY_PATH='{}' exec {} \"$@\"", folder.display(), melt().display()));
    (wrapper, library)
}

#[test]
fn a_library_that_was_built_again_is_another_build_although_its_version_and_the_program_are_the_same() {
    let bench = Bench::new();
    let (wrapper, library) = own_library(bench.path());
    let build = || found(&format!("melt@{}", wrapper.display())).unwrap();
    let before = build();
    assert_eq!(before.version, found("melt").unwrap().version);
    assert_eq!(
        before.libraries.keys().collect::<Vec<_>>(),
        found("melt").unwrap().libraries.keys().collect::<Vec<_>>()
    );
    assert_eq!(build().build, before.build);
    // The loader does not mind what stands behind all sections.
    let mut bytes = fs::read(&library).unwrap();
    bytes.push(0);
    fs::write(&library, bytes).unwrap();
    let after = build();
    assert_ne!(after.build, before.build);
    assert_eq!((after.version, after.libraries), (before.version, before.libraries));
}

#[test]
fn the_program_behind_a_script_is_part_of_the_build() {
    let bench = Bench::new();
    let program = bench.path().join("real");
    fs::copy(exporter(), &program).unwrap();
    let wrapper = bench.path().join("export.sh");
    script(&wrapper, &format!("exec '{}' \"$@\"", program.display()));
    let build = || found(&format!("ffmpeg@{}", wrapper.display())).unwrap().build;
    let before = build();
    let mut bytes = fs::read(&program).unwrap();
    bytes.push(0);
    fs::write(&program, bytes).unwrap();
    assert_ne!(build(), before);
}

#[test]
fn a_melt_that_would_use_another_ones_library_is_not_run() {
    let bench = Bench::new();
    let prefix = bench.path().join("prefix");
    fs::create_dir_all(prefix.join("bin")).unwrap();
    fs::create_dir_all(prefix.join("lib/triplet")).unwrap();
    fs::copy(melt(), prefix.join("bin/melt")).unwrap();
    let value = format!("melt@{}", prefix.display());
    assert_eq!(found(&value).unwrap().build, found("melt").unwrap().build);
    let own = prefix.join("lib/triplet/libmlt-7.so.7");
    fs::copy(libmlt(), &own).unwrap();
    is_missing(&value, &["loads /", own.to_str().unwrap(), "LD_LIBRARY_PATH and MLT_REPOSITORY"]);
}

#[test]
fn what_is_not_there_or_another_program_is_told_by_name() {
    let bench = Bench::new();
    let folder = bench.path().display();
    fs::write(bench.path().join("text"), "words").unwrap();
    is_missing(&format!("melt@{folder}/gone"), &["gone does not exist"]);
    is_missing(&format!("melt@{folder}"), &[&format!("{folder}/melt does not exist")]);
    is_missing(&format!("ffmpeg@{folder}"), &[&format!("{folder}/memreel-export does not exist")]);
    is_missing(&format!("melt@{folder}/~/melt"), &["does not exist", "only a shell expands ~"]);
    is_missing(&format!("melt@{folder}/text"), &["text is not an executable file"]);
    is_missing(&format!("mlt-python@{folder}"), &["is a folder"]);
    is_missing("melt@/bin/true", &["/bin/true does not identify itself as MLT's melt"]);
    is_missing("ffmpeg@/bin/true", &["/bin/true does not answer like memreel-export"]);
    is_missing("mlt-python@/bin/true", &["/bin/true is not a Python that imports MLT"]);
    is_missing(&format!("rlvideo@{folder}"), &["is not a checkout of rlvideo"]);
}

#[test]
fn a_build_that_is_missing_is_an_engine_that_is_missing() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let ran = bench.run(&["run", "small.toml", "--engine", "ffmpeg,old:melt@gone/melt"]);
    ran.expect(4).says(&["not run", "gone/melt does not exist"]);
    assert!(
        ran.err.contains("not run: old:melt: ") && ran.err.contains("gone/melt does not exist"),
        "{}",
        ran.err
    );
    let rows = summary(&bench.latest_folder("small"));
    let outcomes: Vec<_> = rows.iter().map(|row| (row["engine"].as_str(), row["outcome"].as_str())).collect();
    assert_eq!(outcomes, [("ffmpeg", "finished"), ("old:melt", "not-run")]);

    let alone = ["small.toml", "--engine", "melt@gone/melt"];
    bench.run(&[&["run"], alone.as_slice()].concat()).expect(4).complains(&["gone/melt does not exist"]);
    bench
        .run(&[&["plan"], alone.as_slice()].concat())
        .expect(4)
        .says(&["not run: ", "gone/melt does not exist"]);
    let wrong = bench.run(&["plan", "small.toml", "--engine", "old:mlet@gone/melt"]);
    wrong.expect(2).complains(&["override `matrix.engine=", "did you mean `melt`?"]);
}
