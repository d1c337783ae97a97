//! `memreel ab`: two builds that take turns in one session.

mod support;

use std::fs;

use memreel::store::StoredResult;
use support::*;

/// An export of an instant.
const SMALL: &str = "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
";

fn small(bench: &Bench, more: &str) {
    bench.scenario("small", &format!("{SMALL}{more}"));
}

fn value<'a>(variant: &'a [(String, String)], axis: &str) -> &'a str {
    &variant.iter().find(|(name, _)| name == axis).unwrap().1
}

/// Engine, sink and repeat of each job, in the order in which they began.
fn run_order(result: &StoredResult) -> Vec<(String, String, u32)> {
    let mut records: Vec<_> = result.jobs.iter().map(|job| &job.record).collect();
    records.sort_by(|one, other| one.started.cmp(&other.started));
    let of = |axis: &str, record: &memreel_trace::RunRecord| value(&record.variant, axis).to_string();
    records.iter().map(|one| (of("engine", one), of("sink", one), one.repeat)).collect()
}

#[test]
fn one_build_against_itself_is_run_in_pairs_and_told_to_be_the_same() {
    let bench = Bench::new();
    small(&bench, "");
    let ran = bench.run(&["ab", "small.toml", "--a", "ffmpeg", "--b", "ffmpeg", "--sink", "file,null"]);
    ran.expect(0).says(&[
        "a:ffmpeg: ffmpeg ",
        "b:ffmpeg: ffmpeg ",
        "Both sides are the same build",
        "5 of each",
    ]);
    let result = bench.latest("small");
    assert_eq!(result.index.varied, ["engine", "sink"]);
    let order = run_order(&result);
    assert_eq!(order.len(), 20);
    let mut first = Vec::new();
    for pair in order.chunks(2) {
        let [(one, of, repeat), (other, of_other, repeat_of_other)] = pair else { panic!("{order:?}") };
        assert_eq!((of, repeat), (of_other, repeat_of_other), "{order:?}");
        assert_ne!(one, other);
        first.push((of, one));
    }
    for sink in ["file", "null"] {
        let a_first = first.iter().filter(|(of, build)| *of == sink && *build == "a:ffmpeg").count();
        assert!(a_first == 2 || a_first == 3, "{order:?}");
    }
    let digest = |side: &str| {
        let of_side = |job: &&memreel::store::StoredJob| value(&job.record.variant, "engine") == side;
        result.jobs.iter().find(of_side).unwrap().record.digest.clone()
    };
    assert_eq!(digest("a:ffmpeg"), digest("b:ffmpeg"));
}

#[test]
fn programs_are_named_by_paths_and_their_engine_by_their_names_or_the_other_side() {
    let bench = Bench::new();
    small(&bench, "");
    fs::create_dir(bench.path().join("old")).unwrap();
    fs::hard_link(exporter(), bench.path().join("old/memreel-export")).unwrap();
    fs::hard_link(exporter(), bench.path().join("new-build")).unwrap();
    for (a, b) in
        [("old/memreel-export", "new-build"), ("ffmpeg@new-build", "old"), ("./new-build", "ffmpeg")]
    {
        bench.run(&["ab", "small.toml", "--a", a, "--b", b, "--repeat", "1"]).expect(0);
        let result = bench.latest("small");
        assert_eq!(result.jobs.len(), 2);
        for job in &result.jobs {
            let record = &job.record;
            let side = if value(&record.variant, "engine") == "a:ffmpeg" { a } else { b };
            let program = match side {
                "ffmpeg" => exporter(),
                "old" => bench.path().join("old/memreel-export"),
                other => bench.path().join(other.trim_start_matches("ffmpeg@").trim_start_matches("./")),
            };
            assert_eq!(record.command[0], program.to_str().unwrap(), "{a} {b}");
        }
    }
}

#[test]
fn two_engines_can_be_the_sides() {
    let bench = Bench::new();
    small(&bench, "");
    bench
        .run(&["ab", "small.toml", "--a", "ffmpeg", "--b", "/usr/bin/melt", "--repeat", "1"])
        .expect(0)
        .says(&["a:ffmpeg: ffmpeg ", "b:melt: melt ", "b:melt takes"]);
}

#[test]
fn each_side_is_run_five_times_unless_the_scenario_or_the_user_says_more_or_less() {
    let bench = Bench::new();
    let repeats = |in_file: &str, more: &[&str]| {
        small(&bench, in_file);
        let sides = ["ab", "small.toml", "--a", "ffmpeg", "--b", "ffmpeg"];
        bench.run(&[&sides, more].concat()).expect(0);
        bench.latest("small").jobs.len() / 2
    };
    assert_eq!(repeats("matrix.repeats = 3", &[]), 5);
    assert_eq!(repeats("matrix.repeats = 6", &[]), 6);
    assert_eq!(repeats("matrix.repeats = 6", &["--repeat", "1"]), 1);
}

#[test]
fn what_was_not_measured_yet_is_measured_on_resume() {
    let bench = Bench::new();
    small(&bench, "");
    bench.run(&["ab", "small.toml", "--a", "ffmpeg", "--b", "ffmpeg", "--repeat", "2"]).expect(0);
    let result = bench.latest("small");
    fs::remove_dir_all(&result.jobs[0].folder).unwrap();
    let folder = result.folder.to_str().unwrap();
    let ran = bench.run(&["ab", "--resume", folder]);
    ran.expect(0).says(&["a:ffmpeg: ", "b:ffmpeg: "]);
    assert_eq!(ran.err.matches("already measured, reused").count(), 3, "{}", ran.err);
    assert_eq!(bench.latest("small").jobs.len(), 4);

    bench.run(&["run", "small.toml"]).expect(0);
    let other = bench.latest_folder("small");
    let ran = bench.run(&["ab", "--resume", other.to_str().unwrap()]);
    ran.expect(2).complains(&["it has no builds labelled a and b", "memreel run --resume"]);
}

#[test]
fn a_side_that_cannot_be_run_leaves_nothing_to_compare() {
    let bench = Bench::new();
    small(&bench, "");
    let ab = |a: &str, b: &str, more: &[&str]| {
        bench.run(&[&["ab", "small.toml", "--a", a, "--b", b, "--repeat", "1"], more].concat())
    };
    ab("ffmpeg", "melt@gone/melt", &[])
        .expect(4)
        .complains(&["b:melt cannot be run", "gone/melt does not exist"]);
    ab("./melt", "melt", &[]).expect(4).complains(&["a:melt cannot be run", "/melt does not exist"]);
    let lacking = ["--driver", "background"];
    ab("ffmpeg", "melt", &lacking).expect(2).complains(&["b:melt cannot be run", "no background driver"]);
    assert!(!bench.path().join("reports").exists());
}

#[test]
fn sides_that_cannot_be_understood_are_told_what_would_be_right() {
    let bench = Bench::new();
    small(&bench, "");
    fs::write(bench.path().join("x"), "").unwrap();
    let wrong = |a: &str, b: &str| bench.run(&["ab", "small.toml", "--a", a, "--b", b]);
    wrong("mlet", "melt").expect(2).complains(&["--a: ", "did you mean `melt`?", "give its path"]);
    wrong("melt", "old:melt").expect(2).complains(&["--b old:melt", "without a label"]);
    wrong("x", "./y").expect(2).complains(&["--a: the engine of x is unknown; write ENGINE@x"]);
    wrong("melt@", "melt").expect(2).complains(&["--a: ", "an empty path"]);
    for arguments in [
        &["ab", "small.toml", "--a", "melt"][..],
        &["ab", "small.toml"],
        &["ab", "--a", "melt", "--b", "melt"],
        &["ab", "small.toml", "--a", "melt", "--b", "melt", "--engine", "melt"],
        &["ab", "--resume", "x", "--a", "melt", "--b", "melt"],
    ] {
        bench.run(arguments).expect(2);
    }
    bench.run(&["ab", "--help"]).expect(0).says(&["5 times", "ENGINE@PATH", "Examples:"]);
}
