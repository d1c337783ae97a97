//! What memreel says and which exit code it gives, as a user or a script meets it.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::*;

/// An export of an instant.
const SMALL: &str = "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
";

fn small(bench: &Bench) {
    bench.scenario("small", SMALL);
}

/// A scenario that is the small one with something in place of something.
fn wrong(bench: &Bench, right: &str, wrong: &str) {
    assert!(SMALL.contains(right));
    bench.scenario("wrong", &SMALL.replace(right, wrong));
}

#[test]
fn a_misspelt_key_is_shown_with_its_place_and_the_nearest_one() {
    let bench = Bench::new();
    wrong(&bench, "export.preset", "export.prest");
    // Two lines and an empty one stand before.
    let ran = bench.run(&["run", "wrong.toml"]);
    ran.expect(2).complains(&["wrong.toml:6:8: ", "unknown key `prest`", "did you mean `preset`?"]);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    bench.run(&["plan", "wrong.toml"]).expect(2).complains(&["wrong.toml:6:8: ", "`preset`"]);
}

#[test]
fn a_misspelt_value_is_shown_with_its_place_and_the_nearest_one() {
    let bench = Bench::new();
    wrong(&bench, "'single'", "'singel'");
    let complaint = ["wrong.toml:8:20: ", "singel", "did you mean `single`?"];
    bench.run(&["run", "wrong.toml"]).expect(2).complains(&complaint);
}

#[test]
fn a_wrong_override_is_blamed_not_the_file() {
    let bench = Bench::new();
    small(&bench);
    let ran = bench.run(&["run", "small.toml", "--engine", "mlet"]);
    ran.expect(2).complains(&["override `matrix.engine=mlet`", "did you mean `melt`?"]);
    let ran = bench.run(&["run", "small.toml", "--set", "export.presett=fast"]);
    ran.expect(2).complains(&["override `export.presett=fast`", "did you mean `preset`?"]);
}

#[test]
fn a_scenario_that_is_not_there_is_named_with_where_to_look() {
    let bench = Bench::new();
    bench.run(&["run", "forty-clip"]).expect(2).complains(&["forty-clip", "memreel scenarios"]);
}

#[test]
fn a_missing_media_file_is_named_and_nothing_is_begun() {
    let bench = Bench::new();
    wrong(
        &bench,
        "sources.shot.generate = { seconds = 1, size = '320x180' }",
        "sources.shot.file = 'gone.mp4'",
    );
    let gone = bench.path().join("gone.mp4");
    bench.run(&["run", "wrong.toml"]).expect(2).complains(&[gone.to_str().unwrap(), "No such file"]);
    assert!(!bench.path().join("reports").exists());
}

#[test]
fn a_media_file_that_is_none_fails_the_engine_and_its_words_are_kept() {
    let bench = Bench::new();
    wrong(
        &bench,
        "sources.shot.generate = { seconds = 1, size = '320x180' }",
        "sources.shot.file = 'text.mp4'",
    );
    fs::write(bench.path().join("text.mp4"), "no pictures in here").unwrap();
    bench.run(&["run", "wrong.toml"]).expect(4).says(&["failed", "text.mp4"]);
    assert!(summary(&bench.latest_folder("wrong"))[0]["detail"].contains("text.mp4"));
}

/// memreel without any other program on its path.
fn without_melt(bench: &Bench, arguments: &[&str]) -> Ran {
    let mut command = bench.memreel(arguments);
    command.env("PATH", bench.path());
    bench.start_command(command).wait()
}

#[test]
fn without_melt_the_other_engine_runs_and_the_reason_is_told() {
    let bench = Bench::new();
    small(&bench);
    let ran = without_melt(&bench, &["run", "small.toml", "--engine", "ffmpeg,melt"]);
    ran.expect(4).says(&["finished", "melt is not installed"]);
    assert!(
        ran.err.contains("melt is not installed") && ran.err.contains("apt-get install melt"),
        "{}",
        ran.err
    );
    let rows = summary(&bench.latest_folder("small"));
    assert_eq!((rows[0]["engine"].as_str(), rows[0]["outcome"].as_str()), ("ffmpeg", "finished"));
    assert_eq!((rows[1]["engine"].as_str(), rows[1]["outcome"].as_str()), ("melt", "not-run"));
    assert!(rows[1]["detail"].contains("melt is not installed"), "{rows:?}");
}

#[test]
fn melt_alone_and_not_installed_is_an_engine_that_failed() {
    let bench = Bench::new();
    small(&bench);
    let ran = without_melt(&bench, &["run", "small.toml", "--engine", "melt"]);
    ran.expect(4).complains(&["melt is not installed", "apt-get install melt"]);
    assert!(!bench.path().join("reports").exists());
    without_melt(&bench, &["doctor"]).expect(4).says(&["melt  not found", "apt-get install melt"]);
    without_melt(&bench, &["plan", "small.toml", "--engine", "melt"])
        .expect(4)
        .says(&["melt is not installed"]);
}

#[test]
fn an_encoder_that_does_not_exist_is_answered_with_the_nearest() {
    let bench = Bench::new();
    small(&bench);
    for engine in ["ffmpeg", "melt"] {
        let ran = bench.run(&["run", "small.toml", "--encoder", "libx246", "--engine", engine]);
        ran.expect(2).complains(&[engine, "libx246", "did you mean `libx264`?"]);
    }
    let ran = bench.run(&["run", "small.toml", "--set", "export.audio=acc"]);
    ran.expect(2).complains(&["audio encoder `acc`"]);
    assert!(!bench.path().join("reports").exists());
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let bench = Bench::new();
    small(&bench);
    for place in ["/sys/kernel/reports", "/proc/reports", "/dev/null/reports"] {
        bench.run(&["run", "small.toml", "--reports", place]).expect(5).complains(&[place]);
    }
}

#[test]
fn media_that_cannot_be_kept_are_told_where_else() {
    let bench = Bench::new();
    small(&bench);
    let mut command = bench.memreel(&["run", "small.toml"]);
    command.env("MEMREEL_MEDIA", "/sys/kernel/media");
    bench.start_command(command).wait().expect(5).complains(&["/sys/kernel/media", "MEMREEL_MEDIA"]);
}

/// Runs memreel with its results on a disk of so many KiB; returns what it said, and a copy of the disk.
fn on_a_disk_of(bench: &Bench, kib: u32, more: &str) -> (Ran, std::path::PathBuf) {
    bench.run(&["plan", "full.toml"]).expect(0);
    let (disk, copy) = (bench.path().join("disk"), bench.path().join("copy"));
    fs::create_dir(&disk).unwrap();
    let script = format!(
        "mount -t tmpfs -o size={kib}k tmpfs disk || exit 99
         '{}' run full.toml --reports disk {more}; code=$?
         cp -a disk copy; exit $code",
        env!("CARGO_BIN_EXE_memreel")
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]);
    bench.settle(&mut command);
    let ran = bench.start_command(command).wait();
    assert_ne!(ran.status.code(), Some(99), "a test of a full disk has to be run as root: {}", ran.err);
    (ran, copy)
}

const FILLS_THE_DISK: &str = "
sources.shot.generate = { seconds = 4, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = 4 }], repeat = 40 }]
export.preset = 'ultrafast'
matrix.threading = 'single'
matrix.repeats = 2
";

#[test]
fn a_disk_that_is_full_of_samples_is_told_in_one_line_and_nothing_half_written_is_left() {
    let bench = Bench::new();
    bench.scenario("full", FILLS_THE_DISK);
    let (ran, copy) = on_a_disk_of(&bench, 250, "--sink null --interval 0.001");
    ran.expect(5).complains(&["samples.csv", "No space left on device"]);
    assert!(bench.engines().is_empty());
    let jobs = fs::read_dir(copy.join("full/latest/jobs")).unwrap().map(|entry| entry.unwrap().file_name());
    let whole: Vec<_> = jobs.filter(|name| !name.to_string_lossy().starts_with(".partial")).collect();
    assert!(whole.is_empty(), "{whole:?}");
    // Where there is space again, it goes on.
    let latest = copy.join("full/latest");
    let report = bench.run(&["report", latest.to_str().unwrap()]);
    report.expect(0).says(&["not run yet"]);
}

#[test]
fn a_disk_that_is_full_of_media_is_memreels_failure_not_the_scenarios() {
    let bench = Bench::new();
    small(&bench);
    let ran = with_media_on_a_disk(&bench, "8k", "small.toml");
    ran.expect(5).complains(&["No space left on device", "MEMREEL_MEDIA"]);
}

/// Runs a scenario whose media are made on a disk of this size; `left` then lists what is on it.
fn with_media_on_a_disk(bench: &Bench, size: &str, scenario: &str) -> Ran {
    fs::create_dir(bench.path().join("disk")).unwrap();
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs disk || exit 99
         '{}' run {scenario}; code=$?
         ls -A disk > left; exit $code",
        env!("CARGO_BIN_EXE_memreel")
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]);
    bench.settle(&mut command);
    command.env("MEMREEL_MEDIA", bench.path().join("disk"));
    bench.start_command(command).wait()
}

/// Half a billion pixels, and as many bytes.
const MUCH_MEDIA: &str = "
sources.shot.generate = { seconds = 25, size = '1280x720', codec = 'rawvideo', container = 'nut' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = 2 }] }]
matrix.threading = 'single'
";

#[test]
fn media_that_will_not_fit_on_the_disk_are_refused_before_they_are_made() {
    let bench = Bench::new();
    bench.scenario("much", MUCH_MEDIA);
    let ran = with_media_on_a_disk(&bench, "200m", "much.toml");
    ran.expect(5).complains(&["of 82", "MiB or more do not fit in", "are free", "MEMREEL_MEDIA"]);
    assert_eq!(fs::read_to_string(bench.path().join("left")).unwrap(), "");
}

#[test]
fn of_much_media_it_is_said_beforehand_what_they_take() {
    let bench = Bench::new();
    bench.scenario("much", MUCH_MEDIA);
    let mut command = bench.memreel(&["run", "much.toml"]);
    command.env("MEMREEL_MEDIA", bench.path().join("media"));
    let running = bench.start_command(command);
    until("it is said", || running.err().contains("they take about 82").then_some(()));
    running.signal(rustix::process::Signal::INT);
    running.wait().expect(130);
}

#[test]
fn a_disk_that_is_full_of_an_export_is_told_in_one_line_and_no_export_is_taken_for_whole() {
    let bench = Bench::new();
    // Sound as MP2: with AAC the disk would be full later.
    bench.scenario("full", &format!("{FILLS_THE_DISK}export.audio = 'mp2'\n"));
    let (ran, copy) = on_a_disk_of(&bench, 2000, "--keep-exports");
    ran.expect(4).says(&["failed"]);
    assert!(ran.err.contains("No space left on device"), "{}", ran.err);
    let exports = fs::read_dir(copy.join("full/latest/exports"));
    let left: Vec<_> = exports.into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_folder_that_holds_no_result_is_told_so() {
    let bench = Bench::new();
    let folder = bench.path().to_str().unwrap();
    for command in [["report", folder].as_slice(), &["run", "--resume", folder]] {
        bench.run(command).expect(2).complains(&[folder, "not a memreel result"]);
    }
    bench.run(&["report", "nowhere"]).expect(2).complains(&["nowhere", "not a memreel result"]);
}

/// Changes a file's text.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn files_of_a_later_version_are_refused_and_files_of_another_kind_too() {
    let bench = Bench::new();
    let result = bench.result_of("small", SMALL, &[]);
    let folder = result.folder.to_str().unwrap();
    let (job, index) = (result.jobs[0].folder.join("run.json"), result.folder.join("result.json"));
    let refused = |words: &[&str]| {
        bench.run(&["report", folder]).expect(2).complains(words);
    };
    edit(&job, "memreel-job/1", "memreel-job/2");
    refused(&["run.json", "memreel-job/2", "memreel-job/1", "update memreel"]);
    edit(&job, "memreel-job/2", "memreel-job/1");
    edit(&index, "memreel-result/1", "memreel-result/2");
    refused(&["result.json", "memreel-result/2", "update memreel"]);
    bench.run(&["run", "--resume", folder]).expect(2).complains(&["memreel-result/2"]);
    fs::write(&index, "{").unwrap();
    refused(&["result.json"]);
}

#[test]
fn a_report_is_made_again_from_the_files_byte_by_byte() {
    let bench = Bench::new();
    let result = bench.result_of("small", SMALL, &[]);
    let told = || {
        let paths = fs::read_dir(&result.folder).unwrap().map(|entry| entry.unwrap().path());
        let told = paths.filter(|path| path.extension().is_some_and(|ending| ending != "json"));
        told.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap()))
    };
    let before: BTreeMap<_, _> = told().collect();
    assert!(before.len() >= 3, "{:?}", before.keys());
    before.keys().for_each(|path| fs::remove_file(path).unwrap());
    bench.run(&["report", result.folder.to_str().unwrap()]).expect(0).says(&["summary.csv"]);
    assert!(told().collect::<BTreeMap<_, _>>() == before);
}

#[test]
fn resuming_a_complete_result_runs_nothing() {
    let bench = Bench::new();
    let result = bench.result_of("small", SMALL, &["--repeat", "2"]);
    let engine_logs = || result.jobs.iter().map(|job| fs::metadata(job.folder.join("engine.log")).unwrap());
    let before: Vec<_> = engine_logs().map(|meta| meta.modified().unwrap()).collect();
    let ran = bench.run(&["run", "--resume", result.folder.to_str().unwrap()]);
    ran.expect(0);
    assert_eq!(ran.err.matches("already measured, reused").count(), 2, "{}", ran.err);
    assert_eq!(engine_logs().map(|meta| meta.modified().unwrap()).collect::<Vec<_>>(), before);
}

#[test]
fn what_was_measured_of_other_media_is_measured_again_on_resume() {
    let bench = Bench::new();
    let made = bench.result_of("small", SMALL, &[]).jobs[0].record.media[0].path.clone();
    let file = bench.path().join("mine.mp4");
    fs::copy(made, &file).unwrap();
    let text = SMALL.replace("generate = { seconds = 1, size = '320x180' }", "file = 'mine.mp4'");
    let result = bench.result_of("mine", &text, &[]);
    let resume = || bench.run(&["run", "--resume", result.folder.to_str().unwrap()]).expect(0).err.clone();
    assert!(resume().contains("already measured, reused"));
    // A byte more in the file's last box: the same pictures, another file.
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend([0, 0, 0, 9, b'f', b'r', b'e', b'e', 0]);
    fs::write(&file, bytes).unwrap();
    assert!(!resume().contains("already measured, reused"));
}

#[test]
fn two_runs_of_a_moment_have_folders_of_their_own() {
    let bench = Bench::new();
    small(&bench);
    let both = [bench.start(&["run", "small.toml"]), bench.start(&["run", "small.toml"])];
    for running in both {
        running.wait().expect(0);
    }
    let entries = fs::read_dir(bench.path().join("reports/small")).unwrap().flatten();
    let folders: Vec<_> = entries.filter(|entry| entry.file_type().unwrap().is_dir()).collect();
    assert_eq!(folders.len(), 2, "{folders:?}");
    assert!(folders.iter().all(|folder| folder.path().join("summary.csv").exists()));
}

#[test]
fn two_runs_that_make_the_same_media_do_not_spoil_them() {
    let bench = Bench::new();
    bench.scenario("media", &SMALL.replace("seconds = 1", "count = 6, seconds = 4"));
    let media = bench.path().join("media");
    let start = || {
        let mut command = bench.memreel(&["run", "media.toml"]);
        command.env("MEMREEL_MEDIA", &media);
        bench.start_command(command)
    };
    let running: Vec<_> = (0..4).map(|_| start()).collect();
    let waited = running.into_iter().map(|running| running.wait().expect(0).err.clone());
    let waited = waited.filter(|said| said.contains("waiting for process")).count();
    assert!(waited > 0);
    let files = files_in(&media);
    assert_eq!(files.len(), 6, "{files:?}");
    for file in files {
        let shown = shown(&file);
        let (number, _) = shown[0].unwrap();
        assert_eq!(shown, shot(number, 0, 100), "{}", file.display());
    }
}

#[test]
fn exports_are_thrown_away_unless_they_are_to_be_kept() {
    let bench = Bench::new();
    small(&bench);
    bench.run(&["run", "small.toml"]).expect(0);
    assert!(!bench.latest_folder("small").join("exports").exists());
    let result = bench.result_of("small", SMALL, &[]);
    assert!(export_of(&result, &result.jobs[0]).is_file());
}

#[test]
fn what_the_command_line_does_not_know_is_refused_with_a_hint() {
    let bench = Bench::new();
    let ran = bench.run(&["run", "one-clip", "--thredaing", "single"]);
    ran.expect(2);
    assert!(ran.err.contains("--thredaing") && ran.err.contains("--threading"), "{}", ran.err);
    let ran = bench.run(&["rum"]);
    ran.expect(2);
    assert!(ran.err.contains("rum") && ran.err.contains("run"), "{}", ran.err);
    bench.run::<&str>(&[]).expect(2);
    bench.run(&["run"]).expect(2);
    bench.run(&["run", "--resume", "x", "--engine", "melt"]).expect(2);
}

#[test]
fn help_version_scenarios_and_doctor_are_fine() {
    let bench = Bench::new();
    bench.run(&["--help"]).expect(0).says(&["run", "plan", "report", "scenarios", "doctor", "Exit codes"]);
    bench.run(&["--help"]).expect(0).says(&["summary", "plot"]);
    bench.run(&["summary", "--help"]).expect(0).says(&["psrecord", "mprof", "--json", "Examples:"]);
    bench.run(&["plot", "--help"]).expect(0).says(&["--column", "--over", "memory.png", "Examples:"]);
    bench.run(&["run", "--help"]).expect(0).says(&["--resume", "--keep-exports", "--threading"]);
    bench.run(&["scenarios"]).expect(0).says(&["forty-clips", "one-clip"]);
    bench.run(&["scenarios", "--show", "forty-clips"]).expect(0).says(&["[timeline]", "count = 40"]);
    bench.run(&["scenarios", "--show", "fifty"]).expect(2).complains(&["fifty", "forty-clips"]);
    bench.run(&["doctor"]).expect(0).says(&["ffmpeg", "melt", "memreel-launch", "kernel"]);
    bench.run(&["doctor", "--encoders"]).expect(0).says(&["video encoders:", "libx264"]);
}

#[test]
fn a_version_tells_the_commit_the_rules_and_the_ffmpeg_that_the_exporter_is_linked_with() {
    let bench = Bench::new();
    let name = format!("memreel {}", env!("CARGO_PKG_VERSION"));
    let ran = bench.run(&["--version"]);
    ran.expect(0);
    let lines: Vec<_> = ran.out.lines().collect();
    let [first, commit, rules, ffmpeg] = lines.as_slice() else { panic!("{}", ran.out) };
    assert_eq!(*first, name);
    assert!(commit.starts_with("commit: "), "{commit}");
    assert_eq!(*rules, format!("rules: version {}", memreel_judge::RULES_VERSION));
    let about = Command::new(exporter()).arg("about").output().unwrap();
    let about = String::from_utf8(about.stdout).unwrap();
    let linked = about.lines().next().unwrap().rsplit(' ').next().unwrap();
    let beside = exporter().canonicalize().unwrap();
    assert_eq!(
        *ffmpeg,
        format!("FFmpeg: {linked} (memreel-export {}, {})", env!("CARGO_PKG_VERSION"), beside.display())
    );
    assert_eq!(bench.run(&["-V"]).expect(0).out, format!("{name}\n"));
}

#[test]
fn a_version_without_an_exporter_says_where_it_was_looked_for() {
    let bench = Bench::new();
    let alone = bench.path().join("memreel");
    fs::hard_link(env!("CARGO_BIN_EXE_memreel"), &alone).unwrap();
    let mut command = Command::new(&alone);
    bench.settle(&mut command);
    command.arg("--version").env_remove("MEMREEL_LIBEXEC");
    let folder = bench.path().canonicalize().unwrap();
    let said = format!("FFmpeg: unknown, because memreel-export is not in {}", folder.display());
    bench.start_command(command).wait().expect(0).says(&[&said]);
}

#[test]
fn what_lies_outside_of_a_result_is_neither_read_nor_written() {
    let bench = Bench::new();
    small(&bench);
    bench.run(&["run", "small.toml"]).expect(0);
    let result = bench.latest_folder("small");
    let secret = bench.path().join("secret");
    fs::write(&secret, "t_s,rss_bytes\n0,1\n").unwrap();
    let reading = [
        &["report", "reports/small/latest"][..],
        &["explain", "reports/small/latest"],
        &["check", "reports/small/latest"],
        &["run", "--resume", "reports/small/latest"],
        &["merge", "reports/small/latest", "-o", "merged"],
    ];
    for (place, commands) in
        [("summary.csv", &reading[..]), ("jobs/ffmpeg-single-r1/samples.csv", &reading[..1])]
    {
        let link = result.join(place);
        let kept = fs::read(&link).unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        for arguments in commands {
            bench.run(arguments).expect(2).complains(&[place, "remove this link"]);
        }
        fs::remove_file(&link).unwrap();
        fs::write(&link, kept).unwrap();
    }
    let index = fs::read_to_string(result.join("result.json")).unwrap();
    fs::write(result.join("result.json"), index.replace("\"ffmpeg-single-r1\"", "\"../../secret\"")).unwrap();
    bench.run(reading[0]).expect(2).complains(&["`../../secret` is not the name of a job's folder"]);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "t_s,rss_bytes\n0,1\n");
    assert!(!bench.path().join("merged").exists());
}

#[test]
fn what_an_engine_says_is_obeyed_by_no_terminal_workflow_or_spreadsheet() {
    let bench = Bench::new();
    small(&bench);
    let long = "word ".repeat(20);
    let says = format!("printf '=1+1\\033]0;title\\007 {long}::add-mask::x {long}\\n'; exit 3");
    let mut command = bench.memreel_with_exporter(&says, &["run", "small.toml", "--check"]);
    command.env("GITHUB_ACTIONS", "true");
    let ran = bench.start_command(command).wait();
    ran.expect(4).says(&["=1+1␛]0;title␇"]);
    let all = format!("{}{}", ran.out, ran.err);
    assert!(!all.contains(|c: char| c.is_control() && c != '\n'), "{all:?}");
    let commands: Vec<_> = all.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    let is_ours = |line: &&str| line.starts_with("::error file=") || line.starts_with("::warning file=");
    assert!(commands.iter().all(is_ours) && commands.len() == 2, "{commands:?}");
    let row = &summary(&bench.latest_folder("small"))[0];
    assert!(row["detail"].contains(": =1+1␛]0;title␇ word"), "{}", row["detail"]);
    let page = bench.run(&["check", "reports/small/latest", "--markdown", "page.md"]);
    page.expect(4);
    assert!(!fs::read_to_string(bench.path().join("page.md")).unwrap().contains('\u{1b}'));
}

/// The files of a folder of generated media, without the records beside them.
fn files_in(media: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(media).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_none_or(|ending| ending != "json")).collect()
}

#[test]
fn a_kept_file_that_is_damaged_or_another_one_is_made_again() {
    let bench = Bench::new();
    small(&bench);
    let media = bench.path().join("media");
    let run = || {
        let mut command = bench.memreel(&["run", "small.toml"]);
        command.env("MEMREEL_MEDIA", &media);
        let making = bench.start_command(command).wait().expect(0).err.clone();
        (fs::read(&files_in(&media)[0]).unwrap(), making.contains("making 1 media files"))
    };
    let (made, _) = run();
    let file = &files_in(&media)[0];
    let mut damaged = made.clone();
    damaged[made.len() / 2] ^= 1;
    fs::write(file, damaged).unwrap();
    assert_eq!(run(), (made.clone(), true));
    assert_eq!(run(), (made, false));
}

/// memreel while it makes media, and their folder.
fn making_media(bench: &Bench) -> (Running, PathBuf) {
    bench.scenario(
        "making",
        &SMALL.replace("seconds = 1, size = '320x180'", "count = 9, seconds = 60, size = '640x360'"),
    );
    let media = bench.path().join("media");
    let mut command = bench.memreel(&["run", "making.toml"]);
    command.env("MEMREEL_MEDIA", &media);
    let running = bench.start_command(command);
    until("media are being made", || (!mentioning(&media).is_empty()).then_some(()));
    (running, media)
}

#[test]
fn a_memreel_that_is_killed_leaves_no_maker_of_media() {
    let bench = Bench::new();
    let (running, media) = making_media(&bench);
    running.signal(rustix::process::Signal::KILL);
    assert_eq!(running.wait().status.code(), None);
    assert!(tree_is_gone(&media));
}

#[test]
fn a_memreel_that_is_killed_leaves_no_program_that_was_asked_what_it_is() {
    let bench = Bench::new();
    small(&bench);
    let melt = bench.path().join("melt");
    fs::write(&melt, "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n").unwrap();
    fs::set_permissions(&melt, fs::Permissions::from_mode(0o755)).unwrap();
    let running = bench.start(&["run", "small.toml", "--engine", &format!("melt@{}", melt.display())]);
    let asked = |process: &Process| process.program() == "sh";
    until("it is asked", || mentioning(&melt).iter().any(asked).then_some(()));
    running.signal(rustix::process::Signal::KILL);
    assert_eq!(running.wait().status.code(), None);
    assert!(tree_is_gone(bench.path()));
}

#[test]
fn a_plan_says_what_would_run_and_starts_nothing() {
    let bench = Bench::new();
    small(&bench);
    let more = ["--engine", "ffmpeg,melt", "--threading", "single,parallel:2", "--repeat", "3"];
    let ran = bench.run(&[&["plan", "small.toml"], more.as_slice()].concat());
    ran.expect(0).says(&["4 variants, 12 jobs", "5 frames of 320x180", "memreel-export", "real_time=-2"]);
    assert!(!bench.path().join("reports").exists());
    let mut command = bench.memreel(&["plan", "small.toml"]);
    command.env("MEMREEL_MEDIA", bench.path().join("media"));
    bench.start_command(command).wait().expect(0).says(&["1 media files would be generated"]);
    assert!(!bench.path().join("media").exists());
}

/// The order of the jobs as `memreel plan` shows it, repeat by repeat.
fn shown_order(plan: &str) -> Vec<Vec<String>> {
    let lines = plan.lines().filter_map(|line| line.strip_prefix("  repeat ")?.split_once(": "));
    lines.map(|(_, labels)| labels.split(", ").map(str::to_string).collect()).collect()
}

#[test]
fn jobs_are_run_in_the_order_that_is_planned_and_reported_in_that_of_the_matrix() {
    let bench = Bench::new();
    small(&bench);
    let more =
        ["--threading", "single,default,parallel:2,parallel:3", "--repeat", "2", "--set", "matrix.seed=3"];
    let plan = bench.run(&[&["plan", "small.toml"], more.as_slice()].concat());
    plan.expect(0).says(&["Order of the jobs (seed 3):"]);
    let order = shown_order(&plan.out);
    assert_eq!(order.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4]);
    let matrix = ["single", "default", "parallel:2", "parallel:3"];
    assert!(
        order.iter().any(|labels| labels.iter().position(|label| label == "single") != Some(0)),
        "{order:?}"
    );

    bench.run(&[&["run", "small.toml"], more.as_slice()].concat()).expect(0);
    let folder = bench.latest_folder("small");
    let index = memreel::store::open_index(&folder).unwrap();
    assert_eq!(index.seed, Some(3));
    let threading = |variant: &[(String, String)]| {
        let (_, value) = variant.iter().find(|(axis, _)| axis == "threading").unwrap();
        if value == "default" { format!("threading {value}") } else { value.clone() }
    };
    let listed: Vec<_> = index.jobs.iter().map(|job| threading(&job.variant)).collect();
    assert_eq!(listed, order.concat());

    let result = bench.latest("small");
    let mut run: Vec<_> = result.jobs.iter().map(|job| &job.record).collect();
    run.sort_by(|one, other| one.started.cmp(&other.started));
    assert_eq!(run.iter().map(|record| threading(&record.variant)).collect::<Vec<_>>(), order.concat());
    let reported: Vec<_> = summary(&folder).iter().map(|row| row["threading"].clone()).collect();
    assert_eq!(reported, [matrix, matrix].concat());
}

#[test]
fn every_shipped_scenario_can_be_run_here() {
    let bench = Bench::new();
    let list = bench.run(&["scenarios"]).out;
    let names: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let ran = bench.run(&["plan", name, "--probe"]);
        ran.expect(0);
        assert!(!ran.out.contains("not run"), "{}", ran.out);
    }
}

#[test]
fn a_reader_of_the_output_that_goes_away_is_no_panic() {
    let bench = Bench::new();
    let memreel = env!("CARGO_BIN_EXE_memreel");
    for arguments in ["doctor --encoders", "plan forty-clips", "scenarios --show uhd", "--help"] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("'{memreel}' {arguments} 2>err | true; cat err >&2")]);
        bench.settle(&mut command);
        let ran = bench.start_command(command).wait();
        assert!(!ran.err.contains("panicked"), "{arguments}: {}", ran.err);
    }
}

#[test]
fn an_interrupt_while_media_are_made_leaves_nothing_half_made() {
    let bench = Bench::new();
    let (running, media) = making_media(&bench);
    running.signal(rustix::process::Signal::INT);
    running.wait().expect(130).complains(&["stopped"]);
    assert!(tree_is_gone(&media));
    let left: Vec<_> = fs::read_dir(&media).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_verdict_that_the_docs_show_is_what_memreel_says() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("docs/how-to.md")).unwrap();
    let shown = page.split("```console\n$ memreel judge ").nth(1).unwrap().split("```").next().unwrap();
    let (arguments, told) = shown.split_once('\n').unwrap();
    let arguments: Vec<_> = ["judge"].into_iter().chain(arguments.split(' ')).collect();
    let bench = Bench::new();
    let mut command = bench.memreel(&arguments);
    command.current_dir(package);
    let ran = bench.start_command(command).wait();
    assert_eq!(ran.expect(0).out, told);
}

/// The help of a program and of each of its commands.
fn help(bench: &Bench, program: &Path, commands: &[&str]) -> String {
    let of = |command: &[&str]| {
        let mut help = Command::new(program);
        help.args(command).arg("--help").env_remove("COLUMNS");
        bench.settle(&mut help);
        let ran = bench.start_command(help).wait();
        let name = program.file_name().unwrap().display();
        format!("## {}\n\n{}", [&[&*name.to_string()], command].concat().join(" "), ran.expect(0).out)
    };
    let commands = commands.iter().map(|command| of(&[command]));
    [of(&[])].into_iter().chain(commands).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_help_reads_like_this() {
    let bench = Bench::new();
    let memreel = memreel::cli::command();
    let commands: Vec<_> = memreel.get_subcommands().map(|command| command.get_name()).collect();
    let helps = [
        help(&bench, Path::new(env!("CARGO_BIN_EXE_memreel")), &commands),
        help(&bench, &exporter(), &["make-source", "frames", "about"]),
    ];
    insta::assert_snapshot!(helps.join("\n"));
}

#[test]
fn what_is_wrong_with_a_command_line_or_a_file_reads_like_this() {
    let bench = Bench::new();
    small(&bench);
    let write = |name: &str, text: &str| fs::write(bench.path().join(name), text).unwrap();
    write("numbers.csv", "when,heap\n0,1\n");
    write("broken.csv", "t_s,rss_bytes\n0,1\nsoon,2\n");
    write("notes.txt", "Hello\n");
    write("empty.csv", "");
    write("broken.baseline", "format = \"memreel-baseline/1\"\n[[entry]]\nscenario = 3\n");
    write("late.baseline", "format = \"memreel-baseline/9\"");
    write("nothing.baseline", "format = \"memreel-baseline/1\"");
    write("broken.mlt", "<mlt>\n<playlist><entry producer=\"red\"/></playlist>\n</mlt>");
    write("other.mlt", "<html></html>");
    write("short.mlt", "<mlt>\n<producer id=\"red\">");
    write("cuts.txt", "0\n2.5\n");
    write("recording.csv", "t_s,rss_bytes\n0,1\n1,2\n");
    fs::create_dir(bench.path().join("folder")).unwrap();
    let lines = [
        "run",
        "run nowhere.toml",
        "run small.toml --engine mlet",
        "run small.toml --set size",
        "run small.toml --shard 5/4",
        "run small.toml --strict",
        "run small.toml --check --junit x --bmf x",
        "run --resume folder",
        "plan small.toml --shards 9",
        "plan small.toml --layout flat",
        "plan small.toml --stop after",
        "plan small.toml --media proxy",
        "plan small.toml --encoder libx246 --probe",
        "ab small.toml --a mlet --b melt",
        "ab small.toml --a melt --b old:melt",
        "check folder",
        "check small.toml",
        "baseline show nowhere.baseline",
        "baseline show broken.baseline",
        "baseline show late.baseline",
        "baseline show nothing.baseline",
        "baseline update folder nowhere.baseline",
        "judge nowhere.csv",
        "judge notes.txt",
        "judge empty.csv",
        "judge folder",
        "judge broken.csv",
        "judge numbers.csv",
        "judge numbers.csv --columns time=when,memory=mem",
        "judge numbers.csv --columns time=when,memory=heap:TB",
        "judge numbers.csv --columns time=when,time=heap",
        "judge recording.csv --cuts cuts.txt",
        "judge recording.csv --predict long",
        "summary notes.txt",
        "plot recording.csv -o memory.gif",
        "plot recording.csv --over frames",
        "inspect small.toml",
        "inspect nowhere.mlt",
        "inspect broken.mlt",
        "inspect other.mlt",
        "inspect short.mlt",
        "layout broken.mlt --to flat",
        "record",
        "record sleep 5",
        "record 1 2",
        "record --interval 5parsecs 1",
        "record --progress-regex frame -- true",
        "record --progress-regex frame=([0-9]+) 1",
        "record --plot memory.gif -- true",
        "record --csv - -- true",
        "record --save folder/file -- nowhere",
        "scenarios --show nothing",
        "merge folder -o merged",
    ];
    let said = lines.map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let ran = bench.run(&words);
        let code = ran.status.code().unwrap();
        let said = ran.err.replace(bench.path().to_str().unwrap(), "FOLDER");
        format!("$ memreel {line}\n{said}exit code {code}\n")
    });
    insta::assert_snapshot!(said.join("\n"));
}
