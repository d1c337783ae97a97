//! What memreel writes for programs is what its JSON Schemas say, and nothing more.

#[path = "support/json_schema.rs"]
mod json_schema;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use json_schema::ClosedSchema;
use serde_json::{Value, json};
use support::*;

/// Exports of an instant: two variants to compare, one of which exports often enough for rests to be judged.
const SMALL: &str = "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }], repeat = 4 }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
matrix.exports = [1, 12]
matrix.repeats = 2
";

fn schema(name: &str) -> ClosedSchema {
    let mut documents = memreel::schema::documents().into_iter();
    let document = documents.find(|document| document.name == name);
    ClosedSchema::of(document.unwrap_or_else(|| panic!("there is no schema {name}")).schema.to_value())
}

#[track_caller]
fn assert_fits(name: &str, text: &str) {
    assert_eq!(schema(name).misfit(text), None, "{name}");
}

#[track_caller]
fn assert_file_fits(name: &str, path: &Path) {
    assert_fits(name, &fs::read_to_string(path).unwrap());
}

/// Asserts that a command prints an object per line, and each fits.
#[track_caller]
fn assert_lines_fit(name: &str, ran: &Ran) {
    let (schema, lines) = (schema(name), &ran.expect(0).out);
    assert!(!lines.is_empty());
    lines.lines().for_each(|line| assert_eq!(schema.misfit(line), None, "{name}"));
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The recordings in a folder of `tests/data`.
fn recordings(folder: &str) -> Vec<String> {
    let paths = fs::read_dir(data(folder)).unwrap().map(|entry| entry.unwrap().path());
    let names = paths.map(|path| path.to_str().unwrap().to_string());
    names.filter(|name| name.ends_with(".csv") && !name.ends_with("labels.csv")).collect()
}

/// The arguments of a command on these recordings.
fn on(command: &[&str], recordings: Vec<String>) -> Vec<String> {
    command.iter().map(ToString::to_string).chain(recordings).collect()
}

#[test]
fn the_files_of_a_run_and_the_output_of_its_check_fit() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let checked = ["--check", "--json", "--budget", "peak=1GiB"];
    let ran = bench.run(&[&["run", "small.toml"], &checked[..]].concat());
    assert_fits("check-output", &ran.expect(0).out);
    let result = bench.latest("small");
    assert_file_fits("result", &result.folder.join("result.json"));
    assert_file_fits("summary", &result.folder.join("summary.json"));
    let folders = result.jobs.iter().map(|job| job.folder.to_str().unwrap().to_string());
    let folders: Vec<_> = folders.collect();
    assert_eq!(folders.len(), 4);
    folders.iter().for_each(|folder| assert_file_fits("run", &Path::new(folder).join("run.json")));
    assert_lines_fit("judge-output", &bench.run(&on(&["judge", "--json"], folders.clone())));
    assert_lines_fit("summary-output", &bench.run(&on(&["summary", "--json"], folders)));
}

#[test]
fn a_plan_and_a_shard_of_it_fit() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let plan = ["plan", "small.toml", "--format", "json"];
    assert_fits("plan-output", &bench.run(&plan).expect(0).out);
    let shards = bench.run(&[&plan[..], &["--shards", "2"]].concat());
    assert_fits("plan-output", &shards.expect(0).out);
    bench.run(&["run", "small.toml", "--set", "matrix.exports=1", "--shard", "1/2"]).expect(0);
    assert_file_fits("result", &bench.latest_folder("small").join("result.json"));
}

#[test]
fn a_recording_and_what_is_printed_of_it_fit() {
    let bench = Bench::new();
    for (saved, more) in [("plain", &[][..]), ("counted", &["--progress-regex", "frame=(\\d+)"])] {
        let arguments = [&["record", "--json", "-", "--save", saved], more, &["--", "true"]].concat();
        assert_fits("record-output", &bench.run(&arguments).expect(0).out);
        assert_file_fits("recording", &bench.path().join(saved).join("recording.json"));
        assert_lines_fit("summary-output", &bench.run(&["summary", "--json", saved]));
        assert_lines_fit("judge-output", &bench.run(&["judge", "--json", saved]));
    }
}

#[test]
fn verdicts_on_real_recordings_fit() {
    let bench = Bench::new();
    let all = ["live", "traces", "validation", "validation-2", "validation-3"].map(recordings).concat();
    let predict = ["judge", "--json", "--predict", "100000", "--memory", "1GiB"];
    for judge in [&predict[..2], &predict] {
        assert_lines_fit("judge-output", &bench.run(&on(judge, all.clone())));
    }
    assert_lines_fit("summary-output", &bench.run(&on(&["summary", "--json"], all)));
}

#[test]
fn what_editors_projects_play_fits() {
    let bench = Bench::new();
    for entry in fs::read_dir(data("projects")).unwrap() {
        let project = entry.unwrap().path();
        let ran = bench.run(&["inspect", "--json", project.to_str().unwrap()]);
        assert_fits("inspect-output", &ran.expect(0).out);
    }
}

#[test]
fn a_field_that_is_missing_added_or_of_another_type_or_version_does_not_fit() {
    let bench = Bench::new();
    let plan = bench.run(&["plan", "forty-clips", "--format", "json"]);
    let (schema, text) = (schema("plan-output"), &plan.expect(0).out);
    assert_eq!(schema.misfit(text), None);
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 4] = [
        (|plan| drop(plan["jobs"][0].as_object_mut().unwrap().remove("folder")), "'folder'"),
        (|plan| plan["jobs"][0]["place"] = json!(0), "'place'"),
        (|plan| plan["seed"] = json!("1"), "/seed"),
        (|plan| plan["format"] = json!("memreel-plan/2"), "memreel-plan/1"),
    ];
    for (change, word) in changes {
        let mut plan = serde_json::from_str(text).unwrap();
        change(&mut plan);
        let misfit = schema.misfit(&plan.to_string()).unwrap_or_else(|| panic!("it fits: {plan}"));
        assert!(misfit.contains(word), "{misfit}");
    }
}

#[test]
fn every_schema_has_a_title_and_describes_each_field() {
    for document in memreel::schema::documents() {
        let schema = document.schema.to_value();
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{}", document.name);
        assert_described(document.name, &schema);
    }
}

/// Asserts that each property has a description for people who read JSON, and not Rust.
fn assert_described(place: &str, schema: &Value) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties.iter().filter(|(_, property)| property["const"].is_null()) {
            let text = property["description"].as_str().unwrap_or_else(|| panic!("{place}/{name}"));
            assert!(!text.contains("[`") && !text.contains("`None`"), "{place}/{name}: {text}");
        }
    }
    let inner: Vec<_> = match schema {
        Value::Object(keywords) => keywords.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => return,
    };
    inner.into_iter().for_each(|inner| assert_described(place, inner));
}
