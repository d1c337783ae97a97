//! What "can't tell yet" names as the next step is run, as it stands, and settles the question.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use support::*;

/// Two clips of six seconds each: too short to judge. Sound is MP2, which is encoded five times as fast as AAC, so the
/// export is sampled five times as often.
const SHORT: &str = "sources.shot.generate = { count = 2, seconds = 8, size = '160x90' }
    timeline.tracks = [{ children = [{ clip = 'shot', start = 0.52, duration = 6 }] }]
    export.preset = 'ultrafast'\nexport.audio = 'mp2'\nmatrix.engine = 'ffmpeg'\nmatrix.threading = 'single'
    sampling.interval = 0.004\n";

/// Eight seconds of one colour.
const PROJECT: &str = r#"<mlt>
  <profile width="320" height="180" progressive="1" frame_rate_num="25" frame_rate_den="1" colorspace="709"
    sample_aspect_num="1" sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9"/>
  <producer id="red" in="0" out="199">
    <property name="mlt_service">color</property>
    <property name="resource">red</property>
  </producer>
  <playlist id="main"><entry producer="red" in="0" out="199"/></playlist>
</mlt>"#;

/// The answers in what was printed.
fn answers(printed: &str) -> Vec<&str> {
    printed.lines().filter(|line| line.contains("Memory grows: ")).collect()
}

/// The command that is named next.
#[track_caller]
fn next(printed: &str) -> Vec<String> {
    let command = printed.lines().find_map(|line| line.strip_prefix("To ")?.split_once(": memreel "));
    let command = command.map(|(_, command)| command);
    shlex::split(command.unwrap_or_else(|| panic!("no command in\n{printed}"))).unwrap()
}

/// Runs memreel, which must not be able to tell; then what it names next, which must. A heap that jumps in the last
/// exports of all asks for more of them, twice at most.
#[track_caller]
fn settles(bench: &Bench, arguments: &[&str], why: &str) -> String {
    let run = |arguments: &[&str]| {
        let ran = bench.start_command(bench.memreel(arguments)).wait();
        let ran = ran.expect(0);
        format!("{}{}", ran.out, ran.err)
    };
    let is_open = |printed: &str| {
        let answers = answers(printed);
        assert!(!answers.is_empty(), "{printed}");
        answers.iter().any(|line| line.contains("can't tell yet"))
    };
    let mut printed = run(arguments);
    assert!(is_open(&printed) && unwrapped(&printed).contains(why), "{printed}");
    for _ in 0..3 {
        let command = next(&printed);
        printed = run(&command.iter().map(String::as_str).collect::<Vec<_>>());
        if !is_open(&printed) {
            return answers(&printed).join("\n");
        }
    }
    panic!("{printed}\n{}", last_rests(bench));
}

/// Memory at rest between the exports of the last result, if it has any.
fn last_rests(bench: &Bench) -> String {
    let results = fs::read_dir(bench.path().join("reports")).into_iter().flatten().flatten();
    let summaries = results.filter_map(|one| fs::read(one.path().join("latest/summary.json")).ok());
    let rests = summaries.map(|summary| {
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        summary["jobs"][0]["at_rest"].to_string()
    });
    rests.collect()
}

#[test]
fn a_scenario_that_is_too_short_is_made_longer() {
    let bench = Bench::new();
    bench.scenario("short", SHORT);
    let said =
        settles(&bench, &["run", "short.toml", "--repeat", "2"], "the export is too short: 300 frames");
    assert!(said.contains("Memory grows: no"), "{said}");
}

#[test]
fn too_few_exports_in_a_process_become_more() {
    let bench = Bench::new();
    bench.scenario("exports", SHORT);
    let said =
        settles(&bench, &["run", "exports.toml", "--exports", "3"], "3 exports in one process are too few");
    assert!(said.contains("nothing accumulates over 11 exports in one process"), "{said}");
}

/// Options with which the project above is exported fast.
const FASTER: [&str; 7] =
    ["--threading", "single", "--preset", "ultrafast", "--set", "export.audio=false", "--interval=0.004"];

#[test]
fn a_project_that_is_too_short_is_played_several_times_in_a_row() {
    let bench = Bench::new();
    fs::write(bench.path().join("short.mlt"), PROJECT).unwrap();
    let arguments = [&["run", "short.mlt"], &FASTER[..]].concat();
    let said = settles(&bench, &arguments, "the export is too short: ");
    assert!(said.contains("Memory grows: no"), "{said}");
}

#[test]
fn a_project_that_a_scenario_names_is_played_several_times_in_a_row_as_well() {
    let bench = Bench::new();
    fs::write(bench.path().join("short.mlt"), PROJECT).unwrap();
    bench.scenario(
        "named",
        "timeline.project = 'short.mlt'\nmatrix.engine = 'melt'\nmatrix.threading = 'single'
        export.preset = 'ultrafast'\nexport.audio = false\nsampling.interval = 0.004",
    );
    let said = settles(&bench, &["run", "named.toml"], "the export is too short: ");
    assert!(said.contains("Memory grows: no"), "{said}");
}

/// A module of MLT with a filter that keeps 64 KiB of every frame. Structures are those of MLT 7's headers.
const LEAKY_MODULE: &str = r#"
    #include <stdlib.h>
    #include <string.h>
    struct filter { void *of_properties[4]; void *of_service[5]; void *close; void *(*process)(void *, void *); };
    struct filter *mlt_filter_new(void);
    void mlt_repository_register(void *repository, int type, const char *service, void *make);
    enum { FILTER = 6 };

    static void *process(void *filter, void *frame) {
        memset(malloc(65536), 1, 65536);
        return frame;
    }

    static void *make(void *profile, int type, const char *id, const void *argument) {
        struct filter *filter = mlt_filter_new();
        filter->process = process;
        return filter;
    }

    void mlt_register(void *repository) {
        mlt_repository_register(repository, FILTER, "leaky", (void *) make);
    }
"#;

/// A folder of MLT's modules, with the leaking one beside those that are installed.
fn leaky_modules(bench: &Bench) -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.chain(["/usr/lib".into(), "/usr/lib64".into()]).map(|path| path.join("mlt-7"));
    let installed =
        folders.into_iter().find(|path| path.is_dir()).expect("MLT 7 has its modules below /usr/lib");
    let modules = bench.path().join("modules");
    fs::create_dir(&modules).unwrap();
    for module in fs::read_dir(installed).unwrap().map(|entry| entry.unwrap()) {
        symlink(module.path(), modules.join(module.file_name())).unwrap();
    }
    let source = bench.path().join("leaky.c");
    fs::write(&source, LEAKY_MODULE).unwrap();
    // GCC knows that nobody uses what is kept.
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O0", "-o"]).arg(modules.join("libmltleaky.so")).arg(source);
    assert!(cc.status().unwrap().success());
    modules
}

#[test]
fn a_leak_of_a_project_is_followed_to_the_filter_that_leaks_by_the_commands_that_answers_name() {
    let bench = Bench::new();
    let modules = leaky_modules(&bench);
    let filters = ["leaky", "brightness"].map(|service| format!("<filter mlt_service='{service}'/>"));
    let stack = "<tractor id='all'><track producer='red'/><track producer='main'/>
        <transition mlt_service='mix' a_track='0' b_track='1'/></tractor></mlt>";
    let project = PROJECT.replace("</playlist>", &format!("{}</playlist>", filters.concat()));
    let project =
        project.replace("</mlt>", stack).replace("\"320\"", "\"640\"").replace("\"180\"", "\"360\"");
    fs::write(bench.path().join("leaks.mlt"), project).unwrap();
    let mut command: Vec<String> = ["run", "leaks.mlt"].into_iter().chain(FASTER).map(String::from).collect();
    let mut printed = String::new();
    for _ in 0..6 {
        let mut memreel = bench.memreel(&command);
        memreel.env("MLT_REPOSITORY", &modules);
        let ran = bench.start_command(memreel).wait();
        printed = format!("{}{}", ran.expect(0).out, ran.err);
        if unwrapped(&printed).contains(" It does not grow without leaky.") {
            let without = command.iter().position(|word| word == "--without").unwrap();
            assert_eq!(command[without + 1], "brightness,leaky", "{printed}");
            return;
        }
        command = next(&printed);
    }
    panic!("{printed}");
}

#[test]
fn a_recording_with_too_few_samples_is_made_finer() {
    let grows = "import time; kept = [(bytearray(65536), time.sleep(0.02)) for _ in range(400)]";
    let bench = Bench::new();
    let said = settles(
        &bench,
        &["record", "--interval", "1", "--", "python3", "-c", grows],
        "there are too few samples",
    );
    assert!(said.contains("Memory grows: yes, by") && said.contains("per second"), "{said}");
}
