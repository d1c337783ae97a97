//! What memreel reads of others, a function of bytes each: what the fuzzer (`fuzz/`) tries, and `tests/inputs.rs` reads
//! the kept inputs with.
//!
//! No input panics or takes long, and what can be written again is read the same then.

use std::cell::LazyCell;
use std::fmt::Debug;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memreel::baseline::Baseline;
use memreel::engine::{self, Companions, Engine, JobFiles};
use memreel::plan::{self, Plan, PlanContext};
use memreel::report::verdicts::{self, VerdictRecord};
use memreel::scenario::{EngineChoice, Override, Scenario};
use memreel::store::{self, Merged, Recording};
use memreel_projects::mlt::{self, Graph, Layout};
use memreel_projects::project::{self, Edit, Project};
use memreel_projects::rlvideo;
use memreel_record::launch::Lines;
use memreel_record::proc;
use memreel_record::progress::Pattern;
use memreel_record::supervise::{EngineProgress, ProgressFormat};
use memreel_timeline::{from_otio, to_otio};
use memreel_trace::{ColumnNames, CsvFile, Memory, Sample};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

/// A kind of input.
pub struct Target {
    /// The folder of its inputs.
    pub name: &'static str,
    /// Reads one.
    read: fn(&[u8]),
}

impl Target {
    /// Reads an input; how much CPU time that took.
    pub fn time(&self, input: &[u8]) -> Duration {
        let before = cpu();
        (self.read)(input);
        cpu() - before
    }
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// All of them.
pub const TARGETS: [Target; 12] = [
    Target { name: "scenario", read: scenario },
    Target { name: "samples", read: samples },
    Target { name: "recording", read: recording },
    Target { name: "columns", read: columns },
    Target { name: "otio", read: otio },
    Target { name: "mlt", read: mlt_xml },
    Target { name: "rlvideo", read: rlvideo_project },
    Target { name: "proc", read: text_of_proc },
    Target { name: "progress", read: progress },
    Target { name: "job", read: job },
    Target { name: "result", read: result },
    Target { name: "baseline", read: baseline },
];

/// More clips than this are planned, and not written: that takes as long as there are clips.
const MOST_WRITTEN: usize = 500;

thread_local! {
    static FOLDER: LazyCell<TempDir> = LazyCell::new(|| tempfile::tempdir().unwrap());
}

/// A file with this content, in a folder that one input after the other uses.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = FOLDER.with(|folder| folder.path().join(name));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn text(input: &[u8]) -> &str {
    match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&input[..error.valid_up_to()]).unwrap(),
    }
}

/// The first line, and what follows.
fn first_line(input: &[u8]) -> (&str, &[u8]) {
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    (text(&input[..end]), input.get(end + 1..).unwrap_or_default())
}

/// Asserts that something is the same when it is read again; what is no number is equal to itself here.
#[track_caller]
fn assert_same<T: Debug + PartialEq>(again: &T, before: &T) {
    if again != before {
        let (again, before) = (format!("{again:#?}"), format!("{before:#?}"));
        let lines = before.lines().map(Some).chain([None]).zip(again.lines().map(Some).chain([None]));
        let other = lines.into_iter().find(|(before, again)| before != again);
        assert_eq!(other, None, "what was written is read as another");
    }
}

/// A scenario. Lines that begin with `#=` are overrides as well.
fn scenario(input: &[u8]) {
    let path = file("scenario.toml", input);
    let given = text(input).lines().filter_map(|line| line.strip_prefix("#="));
    let overrides: Vec<Override> = given.filter_map(|line| line.parse().ok()).collect();
    let Ok(scenario) = Scenario::load(&path, &overrides).map_err(|error| error.to_string()) else { return };
    let context = PlanContext { cpus: 4, media_folder: "/media".into(), project: None };
    if scenario.project.is_none() {
        plan_of(&scenario, &context);
    }
}

fn plan_of(scenario: &Scenario, context: &PlanContext) {
    let plan = plan::plan(scenario, context);
    let clips = plan.variants.iter().filter_map(|variant| variant.input.script());
    if clips.map(|timeline| timeline.clips().count()).sum::<usize>() <= MOST_WRITTEN {
        black_box(commands(&plan));
    }
}

/// What would be given to the engines.
fn commands(plan: &Plan) -> Vec<String> {
    let engines: Vec<_> = engines().collect();
    let mut all = Vec::new();
    for (engine, variant) in
        engines.iter().flat_map(|one| plan.variants.iter().map(move |variant| (one, variant)))
    {
        let resolved = engine.resolve(variant, &JobFiles::unnamed(engine.dumps_graph()));
        all.extend(engine.unsupported(variant));
        all.push(format!("{} {} {:?}", variant.slug(), engine.timeline(variant).1, resolved.command));
    }
    all
}

/// Every engine as it is where none is installed.
fn engines() -> impl Iterator<Item = Box<dyn Engine>> {
    let nowhere = Companions::in_folder(Path::new("/nowhere"));
    let names = ["ffmpeg", "melt", "mlt-python", "rlvideo"];
    let choices = names.map(|name| format!("{name}@/nowhere/{name}").parse::<EngineChoice>().unwrap());
    choices.into_iter().map(move |choice| engine::find(&choice, &nowhere))
}

/// The tables in the folder of a job.
fn samples(input: &[u8]) {
    let path = file("samples.csv", input);
    let _ = black_box((memreel_trace::read_threads(&path), memreel_trace::read_processes(&path)));
    let _ = black_box((memreel_trace::read_events(&path), memreel_trace::read_cuts(&path)));
    judged(store::open_recording(&path));
    let Ok(rows) = memreel_trace::read_samples(&path) else { return };
    let copy = file("copy.csv", b"");
    assert_same(&written(&rows, &copy), &rows);
}

fn written(rows: &[Sample], path: &Path) -> Vec<Sample> {
    let mut table = CsvFile::create(path).unwrap();
    rows.iter().for_each(|row| table.write(row).unwrap());
    table.flush().unwrap();
    memreel_trace::read_samples(path).unwrap()
}

/// A recording of any program, in one file.
fn recording(input: &[u8]) {
    judged(store::open_recording(&file("recording", input)));
}

/// A table of which the first line of the input says which columns hold what.
fn columns(input: &[u8]) {
    let (names, table) = first_line(input);
    let Ok(names) = names.parse::<ColumnNames>() else { return };
    judged(store::open_trace(&file("table.csv", table), Some(&names)));
}

fn judged(recording: Result<Recording, store::StoreError>) {
    let Ok(recording) = recording.map_err(|error| error.to_string()) else { return };
    let Ok(series) = recording.series(&Memory::JUDGED).map_err(|error| error.to_string()) else { return };
    let verdict = memreel_judge::judge(&series, &recording.context.unwrap_or_default());
    black_box(verdicts::of_recording(&verdict, recording.outcome.as_ref()));
    black_box(verdicts::next::of_run(&verdict, &recording.made));
    black_box(serde_json::to_string(&VerdictRecord::of("recording", &verdict)).unwrap());
}

/// An OpenTimelineIO timeline.
fn otio(input: &[u8]) {
    if let Ok(timeline) = from_otio(text(input), Path::new("/media")).map_err(|error| error.to_string()) {
        let again = from_otio(&to_otio(&timeline), Path::new("/media")).unwrap();
        assert_same(&again, &timeline);
    }
}

/// A project in MLT XML.
fn mlt_xml(input: &[u8]) {
    let path = file("project.mlt", input);
    if let Ok(project) = project::open(&path).map_err(|error| error.to_string()) {
        change(&project);
    }
    let Ok(graph) = project::open_graph(&path).map_err(|error| error.to_string()) else { return };
    read_again(&graph);
    let flat = mlt::flatten(&graph).0;
    // What plays nothing at all may become a frame of black.
    if let Some(long) = frames(&graph).filter(|long| *long > 0) {
        assert_eq!(frames(&flat), Some(long), "it is as long as before");
    }
    read_again(&flat);
    for layout in [Layout::Flat, Layout::Stacked, Layout::Sections] {
        if let Ok((graph, _)) = mlt::lay_out(&graph, layout) {
            read_again(&graph);
        }
    }
}

/// Changes a project in all ways: each copy can be read again and is as long as it should be.
fn change(project: &Project) {
    let removals =
        ["filters", "transitions", "track:1", "clip:1", "clip:2"].map(|text| text.parse().unwrap());
    for without in std::iter::once(None).chain(removals.map(Some)) {
        let edit = Edit { without, part: Some((0, project.frames)), times: 2, ..Edit::default() };
        let Ok(copy) = project.edited(&edit, &|_| None) else { continue };
        assert_eq!(copy.frames, 2 * project.frames, "{edit:?}");
        let _ = black_box(copy.rooted_text());
    }
}

/// How long it plays.
fn frames(graph: &Graph) -> Option<u64> {
    graph.lengths().get(graph.root()?.id.as_str()).copied()
}

#[track_caller]
fn read_again(graph: &Graph) {
    assert_same(&mlt::from_mlt_xml(&mlt::write(graph)).unwrap(), graph);
}

/// A project of the editor rlvideo.
fn rlvideo_project(input: &[u8]) {
    let _ = black_box(project::open(&file("project.rlvideo", input)).map_err(|error| error.to_string()));
    if let Ok(project) = rlvideo::from_rlvideo(text(input)).map_err(|error| error.to_string()) {
        let text = serde_json::to_string(&project).unwrap();
        assert_same(&rlvideo::from_rlvideo(&text).unwrap(), &project);
    }
}

/// Any file of `/proc` that is read.
fn text_of_proc(input: &[u8]) {
    black_box((proc::statm(input, 4096), proc::stat(input), proc::status(input), proc::io(input)));
    black_box((proc::rollup(input), proc::schedstat(input), proc::last_pid(input)));
    black_box((proc::children(input).count(), proc::counter(input, "oom_kill")));
    black_box(proc::KernelRelease::parse(text(input)));
}

/// What programs say of their progress. The first line of the input is a regular expression.
fn progress(input: &[u8]) {
    let (regex, said) = first_line(input);
    let patterns: Vec<_> = Pattern::new(regex).into_iter().chain([Pattern::usual_of_files()]).collect();
    let formats = formats();
    let mut lines = Lines::default();
    let mut heard = |line: &str| {
        black_box(
            formats.iter().find_map(|format| format.lines.read(line)).map(|it: EngineProgress| it.event),
        );
        black_box(patterns.iter().find_map(|pattern| pattern.last_in(line)));
    };
    lines.take(said, &mut heard);
    lines.end(heard);
}

/// How the progress of each engine is read.
fn formats() -> Vec<ProgressFormat> {
    let text = "version = 1\nquestion = 'Does it?'\nsources.a.generate = { seconds = 1 }\n\
        timeline.tracks = [{ children = [{ clip = 'a', duration = '2f' }] }]\nmatrix.threading = 'single'";
    let scenario = Scenario::parse(text, Path::new("/a.toml"), &[]).unwrap();
    let plan = plan::plan(&scenario, &PlanContext { cpus: 1, media_folder: "/media".into(), project: None });
    engines()
        .filter_map(|engine| engine.resolve(&plan.variants[0], &JobFiles::unnamed(false)).progress)
        .collect()
}

/// The record of a job or of a recording.
fn job(input: &[u8]) {
    let record = file("job/run.json", input);
    let folder = record.parent().unwrap();
    if let Ok(job) = store::open_job(folder).map_err(|error| error.to_string()) {
        in_json_again(&record, &job.record);
    }
    judged(store::open_recording(folder));
    fs::rename(&record, folder.join("recording.json")).unwrap();
    judged(store::open_recording(folder));
    fs::remove_file(folder.join("recording.json")).unwrap();
}

/// The plan of a result.
fn result(input: &[u8]) {
    let index = file("result/result.json", input);
    let Ok(result) = store::open_result(index.parent().unwrap()).map_err(|error| error.to_string()) else {
        return;
    };
    in_json_again(&index, &store::open_index(&result.folder).unwrap());
    let overrides: Vec<_> = result.index.overrides.iter().filter_map(|text| text.parse().ok()).collect();
    let path = &result.index.scenario_path;
    let _ = black_box(Scenario::parse(&result.index.scenario_text, path, &overrides));
    if let Ok(merged) = Merged::of(&[result.clone(), result]) {
        black_box(merged.missing());
    }
}

#[track_caller]
fn in_json_again<T: Serialize + DeserializeOwned + Debug + PartialEq>(path: &Path, value: &T) {
    let again: T = serde_json::from_slice(&store::json(path, value).unwrap()).unwrap();
    assert_same(&again, value);
}

/// A file of baselines.
fn baseline(input: &[u8]) {
    if let Ok(baseline) = Baseline::parse(text(input)).map_err(|error| error.to_string()) {
        // What is written is rounded.
        let text = baseline.text();
        assert_same(&Baseline::parse(&text).unwrap().text(), &text);
    }
}
