//! `memreel summary` and `memreel plot` on recordings that memreel, psrecord and mprof really made.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use memreel::store;
use memreel_trace::Outcome;
use serde_json::{Value, json};
use support::*;

fn data(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name).to_str().unwrap().to_string()
}

/// What psrecord 1.4 and mprof (memory_profiler 0.61) left of a program that grows by about 1.1 MiB a
/// second for nine seconds, and takes 60 MiB more for a moment in the middle.
const REAL: [&str; 5] = ["psrecord.txt", "psrecord-io.txt", "psrecord.csv", "psrecord-io.csv", "mprof.dat"];

fn json(bench: &Bench, recording: &str) -> Value {
    let ran = bench.run(&["summary", "--json", recording]);
    ran.expect(0);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn what_others_recorded_of_one_program_is_told_alike() {
    let bench = Bench::new();
    for name in REAL {
        let told = json(&bench, &data(name));
        assert_eq!((&told["name"], &told["samples"]), (&json!(name), &json!(89)), "{told}");
        assert_eq!((&told["peak_source"], &told["level_of"]), (&json!("sampled"), &json!("RSS")), "{told}");
        let mib = |key: &str| told[key].as_f64().unwrap() / f64::from(1 << 20);
        assert!((8.9..9.2).contains(&told["lasted_s"].as_f64().unwrap()), "{told}");
        assert!((70.0..130.0).contains(&mib("peak_rss_bytes")), "{told}");
        assert!((17.0..20.0).contains(&mib("level_bytes")), "{told}");
        assert_eq!(told["growth"]["unit"], "bytes/s", "{told}");
        let ends = ["low", "high"].map(|end| told["growth"][end].as_f64().unwrap() / f64::from(1 << 20));
        assert!(ends[0] < 1.11 && 1.07 < ends[1], "{told}");
    }
}

#[test]
fn children_that_mprof_counts_in_already_are_counted_once() {
    let told = json(&Bench::new(), &data("mprof-children-included.dat"));
    assert_eq!((told["peak_rss_bytes"].as_f64().unwrap() / 1048576.0).round(), 219.0);
}

#[test]
fn a_clock_that_was_set_back_does_not_hide_half_of_a_recording() {
    let bench = Bench::new();
    let file = data("mprof-clock-set-back.dat");
    let told = json(&bench, &file);
    assert!((told["lasted_s"].as_f64().unwrap() - 120.0).abs() < 1.0, "{told}");
    assert_eq!((told["level_bytes"].as_f64().unwrap() / 1048576.0).round(), 106.0);
    let ran = bench.run(&["judge", &file]);
    ran.expect(0).says(&["Memory grows: yes, by 512 KiB per second", "The clock was set back by 3,600 s"]);
}

#[test]
fn children_that_mprof_counts_apart_belong_to_the_sum() {
    let told = json(&Bench::new(), &data("mprof-children.dat"));
    // 30 MiB and 20 MiB, and two interpreters.
    assert!(told["peak_rss_bytes"].as_u64().unwrap() > 60 << 20, "{told}");
    let alone = json(&Bench::new(), &data("mprof-func.dat"));
    assert!(alone["peak_rss_bytes"].as_u64().unwrap() < 60 << 20, "{alone}");
}

#[test]
fn the_table_of_two_recordings_fits_80_columns() {
    let bench = Bench::new();
    let ran = bench.run(&["summary", &data("psrecord-io.csv"), &data("mprof-children.dat")]);
    ran.expect(0).says(&[
        "psrecord-io.csv",
        "mprof-children.dat",
        "sampled",
        "RSS",
        "grows",
        "can't tell",
        "/s",
    ]);
    let table = ran.out.lines().take_while(|line| !line.starts_with("level:"));
    let widest = table.map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 80, "{widest} in\n{}", ran.out);
}

#[test]
fn recordings_of_all_kinds_are_drawn_over_each_other() {
    let bench = Bench::new();
    let recordings: Vec<_> = REAL.iter().map(|name| data(name)).collect();
    let plot = |more: &[&str]| {
        let recordings = recordings.iter().map(String::as_str);
        bench.run(&["plot"].into_iter().chain(recordings).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    plot(&[]).expect(0).says(&["memory.png"]);
    assert!(fs::read(bench.path().join("memory.png")).unwrap().starts_with(b"\x89PNG"));
    plot(&["-o", "all.SVG"]).expect(0);
    let svg = fs::read_to_string(bench.path().join("all.SVG")).unwrap();
    assert!(REAL.iter().all(|name| svg.contains(name)) && svg.contains("resident memory (RSS), MiB"));
    assert!(!svg.contains("CPU"));
    plot(&["-o", "written.svg", "--over", "written"]).expect(0);
    let svg = fs::read_to_string(bench.path().join("written.svg")).unwrap();
    assert!(svg.contains("MiB written") && svg.contains("nothing written"));
}

#[test]
fn a_single_recording_shows_its_cpu_use() {
    let bench = Bench::new();
    bench.run(&["plot", &data("psrecord.csv"), "-o", "one.svg", "--column", "virtual"]).expect(0);
    let svg = fs::read_to_string(bench.path().join("one.svg")).unwrap();
    assert!(svg.contains("CPU, %") && svg.contains("address space, MiB"));
    bench.run(&["plot", &data("mprof.dat"), "-o", "one.svg"]).expect(0);
    assert!(!fs::read_to_string(bench.path().join("one.svg")).unwrap().contains("CPU"));
}

/// A folder as `memreel record --save` leaves it.
fn recorded(bench: &Bench, name: &str, format: &str) -> PathBuf {
    let folder = bench.path().join(name);
    fs::create_dir(&folder).unwrap();
    let samples: String = (0..1000)
        .map(|tick| format!("{:.2},{},{}\n", f64::from(tick) * 0.02, (20 << 20) + tick * 4096, 10 << 20))
        .collect();
    fs::write(folder.join("samples.csv"), format!("t_s,rss_bytes,anon_bytes\n{samples}")).unwrap();
    fs::write(
        folder.join("events.csv"),
        "t_s,frames,kind,what\n9.5,,mark,<half & half>\n20.4,,mark,past the last sample\n9.6,,name,no mark\n",
    )
    .unwrap();
    let record = json!({
        "format": format, "command": ["sleep", "20"], "pid": 7, "attached": false,
        "started": "2026-01-01T00:00:00Z", "wall_s": 20.5, "outcome": {"kind": "failed", "code": 3, "message": null},
        "cpu_s": 1.0, "high_water_bytes": 300u64 << 20, "progress": "none",
        "machine": {"system": "Linux", "kernel": "6.18", "cpu": "A CPU", "cpus": 2,
            "memory_bytes": 1u64 << 33, "swap_bytes": 0},
        "sampling": {"interval_s": 0.02, "samples": 1000, "late": 0, "missed": 0, "achieved_hz": 50.0,
            "pss": "none", "pss_reads": 0},
        "overhead": {"harness_cpu_s": 0.01, "sampler_cpu_s": 0.01, "held_s": 0.0, "harness_private_bytes": null},
        "notes": [],
    });
    fs::write(folder.join("recording.json"), record.to_string()).unwrap();
    folder
}

#[test]
fn a_recording_of_memreels_brings_the_kernels_peak_its_marks_and_how_it_ended() {
    let bench = Bench::new();
    recorded(&bench, "mine", "memreel-recording/1");
    let told = json(&bench, "mine");
    assert_eq!((&told["peak_rss_bytes"], &told["peak_source"]), (&json!(300 << 20), &json!("kernel")));
    assert_eq!(
        (&told["lasted_s"], &told["level_of"], &told["outcome"]),
        (&json!(20.5), &json!("anon+swap"), &json!("failed"))
    );
    assert_eq!(told["growth"]["estimate"], 0.0);
    bench.run(&["summary", "mine"]).expect(0).says(&["kernel", "mine: failed with exit code 3"]);
    bench.run(&["plot", "mine", "-o", "mine.svg"]).expect(0);
    let svg = fs::read_to_string(bench.path().join("mine.svg")).unwrap();
    assert!(!svg.contains("no mark"));
    for words in [
        "&lt;half &amp; half&gt;",
        "past the last sample",
        "failed with exit code 3",
        "A CPU",
        "anonymous memory + swap, MiB",
    ] {
        assert!(svg.contains(words), "{words}");
    }
    let lone = bench.path().join("mine/samples.csv");
    let lone = json(&bench, lone.to_str().unwrap());
    assert_eq!((&lone["peak_source"], &lone["outcome"]), (&json!("sampled"), &json!("failed")));
}

#[test]
fn a_recording_that_was_killed_is_told_to_be_not_whole() {
    let bench = Bench::new();
    let folder = recorded(&bench, "mine", "memreel-recording/1");
    let told = |is_whole: bool| {
        let ran = bench.run(&["summary", "mine"]);
        assert_eq!(ran.expect(0).out.contains("mine: Incomplete: the recording was killed"), !is_whole);
        let judged = bench.run(&["judge", "mine"]);
        assert_eq!(judged.expect(0).out.contains("Incomplete: the recording was killed"), !is_whole);
        let record = bench.run(&["judge", "--json", "mine"]);
        assert_eq!(serde_json::from_str::<Value>(&record.out).unwrap()["complete"], json!(is_whole));
    };
    told(true);
    fs::remove_file(folder.join("recording.json")).unwrap();
    told(false);
}

#[test]
fn the_samples_of_a_job_bring_what_it_exported_with_their_folder_or_alone() {
    let bench = Bench::new();
    let folder = recorded(&bench, "job", "memreel-recording/1");
    fs::remove_file(folder.join("recording.json")).unwrap();
    let (threads, machine) = (
        json!({"render": null, "decode": null, "filter": null, "encode": null}),
        json!({"system": "Linux", "kernel": "6.18", "cpu": "A CPU", "cpus": 2, "memory_bytes": 1, "swap_bytes": 0}),
    );
    let record = json!({
        "format": "memreel-job/1", "digest": "d", "scenario": "s", "variant": [], "repeat": 1,
        "engine": {"name": "melt", "path": "melt", "version": "7", "build": "b", "libraries": {}},
        "command": [], "environment": {}, "requested_threading": threads, "effective_threading": threads,
        "notes": [], "timeline": {"digest": "t", "frames": 100, "rate": "25/1", "clips": 2, "sources": 2},
        "media": [], "machine": machine,
        "sampling": {"interval_s": 0.02, "samples": 1000, "late": 0, "missed": 0, "achieved_hz": 50.0,
            "pss": "none", "pss_reads": 0},
        "overhead": {"harness_cpu_s": 0.01, "sampler_cpu_s": 0.01, "held_s": 0.0, "harness_private_bytes": null},
        "context": {"frames": 100, "rate": 25.0, "cuts": [50], "first_uses": [50], "container": "mp4",
            "packets_per_frame": 2.0, "frame_bytes": null, "counter_error_bytes": null, "frame_counters": "in"},
        "outcome": {"kind": "finished"}, "started": "2026-01-01T00:00:00Z", "wall_s": 20.5, "cpu_s": null,
        "max_rss_bytes": 300u64 << 20, "output_bytes": null,
    });
    fs::write(folder.join("run.json"), record.to_string()).unwrap();
    let opened = |path: &Path| store::open_trace(path, None).unwrap();
    let (whole, lone) = (opened(&folder), opened(&folder.join("samples.csv")));
    for recording in [&whole, &lone] {
        assert_eq!(recording.context.as_ref().unwrap().cuts, [50]);
        assert!(
            recording.is_whole && recording.machine.is_some() && recording.outcome == Some(Outcome::Finished)
        );
    }
    assert_eq!((whole.wall_s, lone.wall_s), (Some(20.5), None));
    assert_eq!(opened(&folder.join("events.csv")).context, None);
}

#[test]
fn anybodys_table_is_told_by_its_usual_names_or_by_named_columns() {
    let bench = Bench::new();
    let rows: String =
        (0..500).map(|row| format!("{};{};{row}\r\n", 1_700_000_000_000_u64 + row * 20, row + 50)).collect();
    fs::write(bench.path().join("usual.csv"), format!("time_ms;mem (KiB);frames\r\n{rows}")).unwrap();
    fs::write(bench.path().join("own.csv"), format!("when;\"heap, all\";n\r\n{rows}")).unwrap();
    let usual = json(&bench, "usual.csv");
    let columns = "--columns=time=when:ms,memory=\"heap, all\":KiB,frames=n";
    let own = bench.run(&["summary", "--json", "own.csv", columns]);
    let own: Value = serde_json::from_str(&own.expect(0).out).unwrap();
    for told in [&usual, &own] {
        assert_eq!((&told["format"], &told["lasted_s"]), (&json!("CSV table"), &json!(9.98)), "{told}");
        assert_eq!(
            (&told["growth"]["unit"], &told["level_of"]),
            (&json!("bytes/frame"), &json!("RSS")),
            "{told}"
        );
        let growth = told["growth"]["estimate"].as_f64().unwrap();
        assert!((1000.0..1050.0).contains(&growth), "{told}");
    }
    bench.run(&["plot", "own.csv", columns, "-o", "own.svg"]).expect(0);
    let words = ["own.csv", "`when`, `heap, all`, `n`", "--columns time=COLUMN,memory=COLUMN:UNIT"];
    bench.run(&["summary", "own.csv"]).expect(2).complains(&words);
    bench
        .run(&["summary", "own.csv", "--columns", "time=when:ms,memory=heap"])
        .expect(2)
        .complains(&["no column `heap`"]);
    bench.run(&["summary", "own.csv", "--columns", "memry=heap"]).expect(2);
    for name in ["mprof.dat", "psrecord.txt"] {
        let ran = bench.run(&["summary", &data(name), "--columns", "memory=heap"]);
        ran.expect(2).complains(&[name, "without naming columns"]);
    }
}

#[test]
fn a_recording_of_a_later_version_is_refused_by_name() {
    let bench = Bench::new();
    recorded(&bench, "mine", "memreel-recording/2");
    for command in ["summary", "plot"] {
        let words = ["recording.json", "memreel-recording/2", "memreel-recording/1", "update memreel"];
        bench.run(&[command, "mine"]).expect(2).complains(&words);
    }
}

#[test]
fn what_is_no_recording_is_named_with_what_it_looks_like_and_what_can_be_read() {
    let bench = Bench::new();
    for (name, content, looks) in [
        ("page.html", b"<html>\n".as_slice(), "begins with `<html>`"),
        ("other.csv", b"time;rss\n1;2\n", "none of the columns `time`, `rss`"),
        ("empty.csv", b"", "empty"),
        ("memreel", b"\x7fELF\0\0\n", "not a text"),
    ] {
        fs::write(bench.path().join(name), content).unwrap();
        for command in ["summary", "plot"] {
            let ran = bench.run(&[command, &data("mprof.dat"), name]);
            ran.expect(2).complains(&[name, looks, "psrecord", "mprof", "samples.csv"]);
        }
    }
    bench.run(&["summary", "nowhere.csv"]).expect(2).complains(&["nowhere.csv: not found"]);
    bench.run(&["plot", "."]).expect(2).complains(&["without recording.json"]);
    bench.run(&["summary", "/dev/null"]).expect(2).complains(&["neither a file nor a folder"]);
    bench.run::<&str>(&["plot"]).expect(2);
}

#[test]
fn nonsense_within_a_recording_is_named_with_its_line() {
    let bench = Bench::new();
    let text = fs::read_to_string(data("psrecord.csv")).unwrap().replacen(",2,", ",two,", 3);
    fs::write(bench.path().join("broken.log"), text).unwrap();
    bench.run(&["summary", "broken.log"]).expect(2).complains(&["broken.log: line 2: `two`", "nproc"]);
}

#[test]
fn a_plot_that_cannot_be_made_says_why() {
    let bench = Bench::new();
    let recording = data("mprof.dat");
    for name in ["plot.jpg", "plot", ".png"] {
        bench.run(&["plot", &recording, "-o", name]).expect(2).complains(&[name, ".png or .svg"]);
    }
    for (more, why) in [(["--over", "frames"], "frames"), (["--column", "pss"], "proportional set size")] {
        bench.run(&["plot", &recording, more[0], more[1]]).expect(2).complains(&["nothing to plot", why]);
    }
    bench
        .run(&["plot", &recording, "-o", "/sys/kernel/plot.png"])
        .expect(5)
        .complains(&["/sys/kernel/plot.png"]);
    assert!(!bench.path().join("memory.png").exists());
}

#[test]
fn of_a_recording_whose_command_is_unknown_the_next_step_is_in_words() {
    let bench = Bench::new();
    let judged = |rows: usize, every_s: f64| {
        let row = |row: usize| format!("{},{}\n", row as f64 * every_s, (50 << 20) + row * 10_240);
        let text = (0..rows).fold("t_s,rss_bytes\n".to_string(), |text, number| text + &row(number));
        fs::write(bench.path().join("it.csv"), text).unwrap();
        let said = bench.run(&["judge", "it.csv"]).expect(0).out.clone();
        let json = bench.run(&["judge", "--json", "it.csv"]).expect(0).out.clone();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["next"], Value::Null, "{json}");
        said.lines().find(|line| line.starts_with("To decide")).unwrap().to_string()
    };
    let finer = "To decide: record it again with `memreel record --interval 0.004`.";
    assert_eq!(judged(10, 1.0), finer);
    let longer = judged(400, 0.004);
    assert!(longer.starts_with("To decide: record it again with an input "), "{longer}");
    assert!(longer.ends_with(" as long."), "{longer}");
}
