//! What a project may do beside its export: it is listed, and refused unless it is allowed by name.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::*;

const PROFILE: &str = "<profile width='320' height='180' frame_rate_num='25' frame_rate_den='1' progressive='1' \
    sample_aspect_num='1' sample_aspect_den='1' display_aspect_num='16' display_aspect_den='9' colorspace='601'/>";

/// Ten red frames, with this filter on them.
fn project(bench: &Bench, name: &str, filter: &str) {
    let text = format!(
        "<mlt>{PROFILE}<producer id='red' in='0' out='9'><property name='mlt_service'>color</property>\
         <property name='resource'>red</property>{filter}</producer>\
         <playlist id='main'><entry producer='red'/></playlist></mlt>"
    );
    fs::write(bench.path().join(name), text).unwrap();
}

fn filter(pairs: &[(&str, &str)]) -> String {
    let property = |(name, value): &(&str, &str)| format!("<property name='{name}'>{value}</property>");
    format!("<filter>{}</filter>", pairs.iter().map(property).collect::<String>())
}

#[test]
fn a_filter_that_writes_a_file_is_listed_and_refused_unless_its_folder_is_allowed() {
    let bench = Bench::new();
    let kept = bench.path().join("kept");
    fs::create_dir(&kept).unwrap();
    let file = kept.join("mine.trf");
    fs::write(&file, "mine").unwrap();
    project(&bench, "shaky.mlt", &filter(&[("mlt_service", "vidstab"), ("filename", "kept/mine.trf")]));

    let does = format!("filter vidstab writes {}", file.display());
    bench.run(&["inspect", "shaky.mlt"]).expect(0).says(&["writes       1 file", &does]);
    let refused = bench.run(&["run", "shaky.mlt"]);
    refused.expect(2).complains(&[&does, &format!("--allow-write {}", kept.display()), "shaky.mlt"]);
    bench.run(&["run", "shaky.mlt", "--allow-write", "."]).expect(0);
    assert_ne!(fs::read(&file).unwrap(), b"mine", "melt wrote it, as it was allowed to");
}

#[test]
fn what_a_project_fetches_is_listed_and_refused_unless_the_network_is_allowed() {
    let bench = Bench::new();
    let url = "http://127.0.0.1:1/logo.png";
    project(&bench, "logo.mlt", &filter(&[("mlt_service", "watermark"), ("resource", url)]));
    let does = format!("filter watermark fetches {url}");
    bench.run(&["inspect", "logo.mlt"]).expect(0).says(&["fetches      1 URL", &does]);
    bench.run(&["inspect", "logo.mlt", "--json"]).expect(0).says(&["\"writes\": []", url]);
    bench.run(&["run", "logo.mlt"]).expect(2).complains(&[&does, "--allow-network"]);
    let allowed = bench.run(&["run", "logo.mlt", "--allow-network"]);
    assert_ne!(allowed.status.code(), Some(2), "{}", allowed.err);
}

#[test]
fn a_folder_that_is_allowed_has_to_exist() {
    let bench = Bench::new();
    project(&bench, "plain.mlt", "");
    let ran = bench.run(&["run", "plain.mlt", "--allow-write", "gone"]);
    ran.expect(2).complains(&["--allow-write gone: "]);
}

/// A result in whose export the exporter also tried to write a file beside the scenario.
fn export_that_writes_beside(bench: &Bench, file: &Path, more: &[&str]) -> Ran {
    bench.scenario(
        "red",
        "sources.shot.generate = { count = 1, seconds = 1, size = '320x180', audio = false }
         timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
         export = { preset = 'ultrafast', audio = false }
         matrix.threading = 'single'",
    );
    let script = format!("echo surprise > '{}'", file.display());
    let command = bench.memreel_with_exporter(&script, &[&["run", "red.toml"], more].concat());
    bench.start_command(command).wait()
}

#[test]
fn an_engine_can_write_nowhere_but_in_its_result_where_the_kernel_sees_to_it() {
    let bench = Bench::new();
    // The bench may lie in /tmp, where every engine can write.
    let home = tempfile::tempdir_in(std::env::home_dir().unwrap()).unwrap();
    let file = home.path().join("surprise");
    export_that_writes_beside(&bench, &file, &[]).expect(0);
    let events = fs::read_to_string(bench.latest("red").jobs[0].folder.join("events.csv")).unwrap();
    let confined = !events.contains("unconfined");
    assert_eq!(file.exists(), !confined, "{events}");
    assert_eq!(confined, memreel_record::machine::has_landlock(), "{events}");
}

#[test]
fn an_engine_can_write_in_a_folder_that_is_allowed() {
    let bench = Bench::new();
    let file = bench.path().join("surprise");
    export_that_writes_beside(&bench, &file, &["--allow-write", "."]).expect(0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "surprise\n");
}

#[test]
fn planning_starts_no_program_that_a_scenario_names_unless_it_is_to_ask_it() {
    let bench = Bench::new();
    let trace = bench.path().join("started");
    for program in ["melt", "memreel-export", "python3"] {
        let path = bench.path().join(program);
        fs::write(&path, format!("#!/bin/sh\necho $0 >> '{}'\n", trace.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bench.scenario(
        "strange",
        "sources.shot.generate = { count = 1, seconds = 1, size = '320x180' }
         timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
         matrix.engine = ['melt@./melt', 'ffmpeg@./memreel-export', 'mlt-python@./python3']
         matrix.threading = 'single'",
    );
    for format in ["text", "json"] {
        bench.run(&["plan", "strange.toml", "--format", format]).expect(0);
        assert!(!trace.exists(), "{:?}", fs::read_to_string(&trace));
    }
    let asked = bench.run(&["plan", "strange.toml", "--probe"]);
    asked.expect(4);
    let started = fs::read_to_string(&trace).unwrap();
    let has_started = |program: &str| started.lines().any(|line| line.ends_with(program));
    assert!(["melt", "memreel-export", "python3"].into_iter().all(has_started), "{started}");
}
