//! The engine rlvideo: an editor's own export, driven without its window.
//!
//! The editor cannot come with memreel (it has no licence), so what is driven here is a stand-in with the same parts
//! (tests/data/editor); where `MEMREEL_RLVIDEO` names a checkout, the editor itself as well.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use memreel::store::StoredJob;
use memreel_trace::Outcome;
use support::*;

/// Cuts of two sources, one after the other.
const CUTS: &str = "
sources.shot.generate = { count = 2, seconds = 3, size = '320x180' }
timeline.tracks = [{ repeat = 2, children = [{ clip = 'shot', start = '13f', duration = '20f' }] }]
export.preset = 'ultrafast'
export.audio = 'mp2'
matrix.engine = 'rlvideo'
matrix.threading = 'single'
";

fn cuts() -> Vec<Code> {
    [shot(1, 13, 20), shot(2, 13, 20)].concat().repeat(2)
}

fn stand_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/editor")
}

/// The stand-in, and the editor itself where there is a checkout.
fn editors() -> Vec<PathBuf> {
    let checkout = std::env::var_os("MEMREEL_RLVIDEO").filter(|value| !value.is_empty()).map(PathBuf::from);
    if checkout.is_none() {
        println!("no checkout is named in MEMREEL_RLVIDEO: the stand-in alone is driven");
    }
    [Some(stand_in()), checkout].into_iter().flatten().collect()
}

fn graph(job: &StoredJob) -> String {
    fs::read_to_string(job.folder.join("graph.mlt")).unwrap()
}

#[test]
fn the_editors_export_shows_the_frames_asked_for_with_its_thread_and_without() {
    for editor in editors() {
        let bench = Bench::new();
        let editor = editor.to_str().unwrap();
        let more = ["--rlvideo", editor, "--driver", "main,background", "--dump-graph"];
        let result = bench.result_of("editor", CUTS, &more);
        for job in &result.jobs {
            assert_eq!(shown(&export_of(&result, job)), cuts(), "{:?}", job.record.command);
            assert_eq!(job.record.context.cuts, [20, 40, 60]);
            assert_eq!(job.record.context.frame_counters, "in+out");
            let digest = job.record.graph_digest.as_deref().unwrap();
            assert_eq!(digest.len(), 16, "{digest}");
        }
        // The thread is the application's; the graph is the same, and so is every path in it.
        let digests: Vec<_> = result.jobs.iter().map(|job| job.record.graph_digest.clone()).collect();
        assert_eq!(digests[0], digests[1]);
        assert!(graph(&result.jobs[0]).contains(r#"width="320" height="180""#));
    }
}

#[test]
fn the_graph_that_the_editor_exports_shows_the_same_in_melt_and_through_the_binding() {
    for editor in editors() {
        let bench = Bench::new();
        let result =
            bench.result_of("editor", CUTS, &["--rlvideo", editor.to_str().unwrap(), "--dump-graph"]);
        let file = result.jobs[0].folder.join("graph.mlt");
        let ran = bench.run(&[
            "run",
            file.to_str().unwrap(),
            "--engine",
            "melt,mlt-python",
            "--encoder",
            "libx264",
            "--keep-exports",
        ]);
        ran.expect(0);
        let again = bench.latest("graph");
        assert_eq!(again.jobs.len(), 2);
        for job in &again.jobs {
            assert_eq!(shown(&export_of(&again, job)), cuts(), "{:?}", job.record.command);
            assert_eq!(job.record.context.cuts, result.jobs[0].record.context.cuts);
            assert_eq!(job.record.context.first_uses, result.jobs[0].record.context.first_uses);
        }
    }
}

#[test]
fn exports_one_after_another_in_the_editors_process_are_told_apart() {
    for editor in editors() {
        let bench = Bench::new();
        let more = ["--rlvideo", editor.to_str().unwrap(), "--exports", "3", "--driver", "background"];
        let result = bench.result_of("editor", CUTS, &more);
        let job = &result.jobs[0];
        assert_eq!(shown(&export_of(&result, job)), cuts());
        assert_eq!(job.record.context.frames.map(|frames| frames.get()), Some(240));
        let events = memreel_trace::read_events(&job.folder.join("events.csv")).unwrap();
        let ended = events.iter().filter(|event| event.kind == "export-end");
        assert_eq!(ended.map(|event| event.frames.unwrap().get()).collect::<Vec<_>>(), [80, 160, 240]);
    }
}

#[test]
fn proxies_are_made_before_they_are_exported_and_making_them_is_measured_by_itself() {
    for editor in editors() {
        let bench = Bench::new();
        let more = ["--rlvideo", editor.to_str().unwrap(), "--media", "proxy,make-proxies", "--dump-graph"];
        let result = bench.result_of("editor", CUTS, &more);
        let proxies = job(&result, &["proxy"]);
        assert_eq!(shown(&export_of(&result, proxies)).len(), 80);
        let graph = graph(proxies);
        assert!(graph.contains(".mkv") && !graph.contains(".mp4"), "{graph}");
        let ran = fs::read_to_string(proxies.folder.join("processes.csv")).unwrap_or_default();
        assert!(!ran.contains("ffmpeg"), "the making is not measured: {ran}");
        let making = job(&result, &["make-proxies"]);
        let events = memreel_trace::read_events(&making.folder.join("events.csv")).unwrap();
        assert_eq!(events.iter().filter(|event| event.kind == "proxy-made").count(), 2);
        let ran = fs::read_to_string(making.folder.join("processes.csv")).unwrap();
        assert!(ran.contains("ffmpeg"), "{ran}");
    }
}

/// A copy of the stand-in in which one text is another.
fn changed(bench: &Bench, file: &str, from: &str, to: &str) -> PathBuf {
    let folder = bench.path().join("changed");
    for name in [
        "rlvideolib/__init__.py",
        "rlvideolib/jobs.py",
        "rlvideolib/domain/__init__.py",
        "rlvideolib/domain/project.py",
    ] {
        let text = fs::read_to_string(stand_in().join(name)).unwrap();
        let text = if name == file { text.replace(from, to) } else { text };
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }
    folder
}

/// How the only export of a changed stand-in ended.
fn outcome_of(file: &str, from: &str, to: &str, driver: &str) -> Outcome {
    let bench = Bench::new();
    let editor = changed(&bench, file, from, to);
    bench.scenario("editor", CUTS);
    let ran = bench.run(&["run", "editor.toml", "--rlvideo", editor.to_str().unwrap(), "--driver", driver]);
    ran.expect(4);
    bench.latest("editor").jobs.remove(0).record.outcome
}

#[track_caller]
fn assert_failed_with(outcome: &Outcome, words: &[&str]) {
    let Outcome::Failed { message: Some(message), .. } = outcome else { panic!("{outcome:?}") };
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
}

#[test]
fn an_editor_that_has_lost_a_part_is_told_by_the_parts_name() {
    let project = "rlvideolib/domain/project.py";
    assert_failed_with(
        &outcome_of(project, "def export(", "def render(", "main"),
        &["Project.export", "2023-08-06"],
    );
    let worker = outcome_of("rlvideolib/jobs.py", "class BackgroundWorker", "class Worker", "main");
    assert_failed_with(&worker, &["BackgroundWorker", "2023-08-06"]);
}

#[test]
fn an_export_that_breaks_in_the_editors_thread_does_not_hang() {
    let broken = outcome_of(
        "rlvideolib/domain/project.py",
        "consumer.start()",
        "raise ValueError('no disk')",
        "background",
    );
    assert_failed_with(&broken, &["the editor's job failed", "no disk"]);
}

#[test]
fn without_a_checkout_the_way_to_one_is_told() {
    let bench = Bench::new();
    bench.scenario("editor", CUTS);
    let mut command = bench.memreel(&["run", "editor.toml"]);
    command.env_remove("MEMREEL_RLVIDEO");
    bench.start_command(command).wait().expect(4).complains(&["no checkout", "--rlvideo", "MEMREEL_RLVIDEO"]);
    let ran = bench.run(&["run", "editor.toml", "--rlvideo", "/nowhere"]);
    ran.expect(4).complains(&["/nowhere is not a checkout of rlvideo"]);
}
