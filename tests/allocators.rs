//! Memory allocators in place of the C library's: every engine and command runs with the one that is asked for.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use memreel_trace::FramesShownBy;
use support::*;

/// Long enough to be looked into.
const TIMELINE: &str = "
[sources.shot]
generate = { seconds = 5, size = '320x180' }
[timeline]
tracks = [{ children = [{ clip = 'shot', duration = '5s' }] }]
[export]
preset = 'ultrafast'
";

const ALLOCATORS: &str = "default,arenas:1,jemalloc,mimalloc";

#[test]
fn a_command_runs_with_each_allocator_and_its_process_has_it_loaded() {
    let bench = Bench::new();
    let script = "import re, sys, time\n\
                  maps = open('/proc/self/maps').read()\n\
                  with open('loaded', 'a') as loaded:\n\
                  \x20   print(*sorted(set(re.findall('(?:je|mi)malloc', maps))) or ['libc'], file=loaded)\n\
                  time.sleep(0.6)\n";
    fs::write(bench.path().join("loaded.py"), script).unwrap();
    let ran = bench.run(&["run", "--command", "/usr/bin/python3 loaded.py", "--allocator", ALLOCATORS]);
    ran.expect(0).says(&["default ", "arenas:1 ", "jemalloc ", "mimalloc "]);
    let loaded = fs::read_to_string(bench.path().join("loaded")).unwrap();
    let mut loaded: Vec<_> = loaded.lines().collect();
    loaded.sort_unstable();
    assert_eq!(loaded, ["jemalloc", "libc", "libc", "mimalloc"]);
    let arenas =
        |job: &memreel::store::StoredJob| job.record.environment.get("MALLOC_ARENA_MAX").cloned().flatten();
    let arenas: BTreeSet<_> = bench.latest("python3").jobs.iter().filter_map(arenas).collect();
    assert_eq!(arenas, ["1".to_string()].into());
}

#[test]
fn memreels_exporter_melt_and_the_binding_export_every_frame_with_each_allocator() {
    let bench = Bench::new();
    bench.scenario("each", TIMELINE);
    let engines = ["--engine", "ffmpeg,melt,mlt-python", "--threading", "parallel"];
    let ran = bench.run(&[&["run", "each.toml", "--allocator", ALLOCATORS][..], &engines].concat());
    ran.expect(0);
    // Finished: the pictures of each file were counted.
    let jobs = bench.latest("each").jobs;
    let shown: Vec<_> =
        jobs.iter().map(|job| (job.record.outcome.is_finished(), job.record.frames_shown_by)).collect();
    assert_eq!(shown, [(true, Some(FramesShownBy::File)); 12]);
}

#[test]
fn an_export_by_a_program_that_does_not_load_the_allocator_is_incomplete() {
    let bench = Bench::new();
    let source = bench.path().join("fixed.c");
    fs::write(&source, "#include <unistd.h>\nint main(void) { usleep(700000); return 0; }\n").unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-static", "-o"]).arg(bench.path().join("fixed")).arg(source);
    assert!(cc.status().unwrap().success());
    let ran = bench.run(&["run", "--command", "./fixed", "--allocator", "default,jemalloc"]);
    ran.expect(4).says(&["exported without jemalloc: its program does not load it"]);
    let jobs = bench.latest("fixed").jobs;
    assert_eq!(jobs.iter().filter(|job| job.record.outcome.is_finished()).count(), 1);
}

#[test]
fn an_unknown_allocator_is_refused_with_those_that_there_are() {
    let bench = Bench::new();
    let refused = |allocator: &str| bench.run(&["plan", "one-clip", "--allocator", allocator]);
    refused("tcmalloc").expect(2).complains(&["tcmalloc", "default, arenas:1, jemalloc, mimalloc"]);
    refused("arenas:0").expect(2).complains(&["arenas:N with N from 1 to 1024"]);
}
