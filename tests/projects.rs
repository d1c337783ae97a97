//! Timelines in every layout, and projects of editors: what melt makes of them, and what is said of them.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use memreel_projects::mlt::{self, Layout, Profile};
use memreel_projects::project;
use memreel_timeline::{Clip, Item, Rate, RationalTime, TimeRange, Timeline, Track, TrackKind};
use support::*;

fn rate() -> Rate {
    Rate::new(25, 1).unwrap()
}

fn profile() -> Profile {
    Profile { width: 320, height: 180, rate: rate() }
}

/// Three generated sources of five seconds, whose sound bursts at each whole second.
fn sources(bench: &Bench) -> Vec<PathBuf> {
    let text = "
        sources.shot.generate = { count = 3, seconds = 5, size = '320x180' }
        timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
        export.preset = 'ultrafast'
        matrix.engine = 'ffmpeg'
        matrix.threading = 'single'";
    let result = bench.result_of("sources", text, &[]);
    result.jobs[0].record.media.iter().map(|media| media.path.clone()).collect()
}

/// Exports with melt. Now and then it hangs before the first frame, and is asked again.
fn export(bench: &Bench, project: &Path) -> PathBuf {
    let output = project.with_extension("mkv");
    for _ in 0..3 {
        let mut command = Command::new("melt");
        command.arg(project).args(["-consumer", "avformat", &format!("target={}", output.display())]);
        command.args(["vcodec=libx264", "preset=ultrafast", "pix_fmt=yuv420p", "acodec=pcm_s16le"]);
        command.args(["real_time=-1", "threads=1"]).stdout(Stdio::null()).stderr(Stdio::null());
        bench.settle(&mut command);
        let mut melt = command.spawn().unwrap();
        let mut patience = Patience::with_files(bench.path());
        while !patience.is_over() {
            if let Some(status) = melt.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return output;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        melt.kill().unwrap();
        melt.wait().unwrap();
    }
    panic!("melt does not export {}", project.display());
}

fn clip(media: &Path, start: u64, frames: u64) -> Item {
    let range = |value| RationalTime::new(value, rate());
    let source_range = TimeRange { start_time: range(start), duration: range(frames) };
    Item::Clip(Clip { name: String::new(), media: media.into(), source_range })
}

fn gap(frames: u64) -> Item {
    Item::Gap { duration: RationalTime::new(frames, rate()) }
}

/// Video tracks with their sound.
fn timeline(tracks: &[Vec<Item>]) -> Timeline {
    let track = |kind, children: &Vec<Item>| Track { name: String::new(), kind, children: children.clone() };
    let both = |children| [track(TrackKind::Video, children), track(TrackKind::Audio, children)];
    Timeline { name: "test".into(), rate: rate(), tracks: tracks.iter().flat_map(both).collect() }
}

/// What a file shows, and when it sounds, in hundredths of a second.
fn seen_and_heard(file: &Path) -> (Vec<Option<(u16, u32)>>, Vec<i64>) {
    (shown(file), bursts(file).into_iter().map(|seconds| (seconds * 100.0).round() as i64).collect())
}

#[test]
fn three_layouts_and_what_they_are_flattened_to_show_and_sound_the_same() {
    let bench = Bench::new();
    let sources = sources(&bench);
    // Frames 0..30 low, 30..40 both, 40..60 high, 60..75 nothing, 75..100 low again.
    let timeline = timeline(&[
        vec![clip(&sources[0], 13, 40), gap(35), clip(&sources[1], 61, 25)],
        vec![gap(30), clip(&sources[2], 20, 30)],
    ]);
    let wanted = [shot(1, 13, 30), shot(3, 20, 30), black(15), shot(2, 61, 25)].concat();
    // Whole seconds of the sources: frames 12 and 37, 35, 89.
    let sounds = vec![48, 140, 148, 356];
    for layout in Layout::ALL {
        let path = bench.path().join(format!("{layout}.mlt"));
        fs::write(&path, mlt::to_mlt_xml(&timeline, profile(), true, layout)).unwrap();
        assert_eq!(seen_and_heard(&export(&bench, &path)), (wanted.clone(), sounds.clone()), "{layout}");
        let again = bench.path().join(format!("{layout}-flat.mlt"));
        let (from, to) = (path.to_str().unwrap(), again.to_str().unwrap());
        bench.run(&["layout", from, "--to", "flat", "-o", to]).expect(0);
        assert_eq!(
            seen_and_heard(&export(&bench, &again)),
            (wanted.clone(), sounds.clone()),
            "{layout} → flat"
        );
    }
    let described = |name: &str| project::open(&bench.path().join(name)).unwrap();
    let [flat, stacked, sections] = ["flat.mlt", "stacked.mlt", "sections.mlt"].map(described);
    assert_eq!([flat.tracks, stacked.tracks, sections.tracks], [3, 4, 2]);
    assert_eq!([flat.nesting_depth, sections.nesting_depth], [2, 3]);
    assert_eq!([described("stacked-flat.mlt").tracks, described("sections-flat.mlt").tracks], [3, 2]);
    // A clip that is cut into sections begins anew in each.
    assert_eq!([&flat.cuts, &sections.cuts], [&vec![30, 75], &vec![30, 40, 75]]);
    assert_eq!(flat.sources, [&sources[0], &sources[2], &sources[1]].map(PathBuf::from));
    assert_eq!((flat.first_uses, flat.frames), (vec![0, 30, 75], 100));
}

/// A file of `tests/data/projects`, with three sources in place of its own.
fn project_file(bench: &Bench, name: &str, sources: &[PathBuf]) -> PathBuf {
    let text = fs::read_to_string(data(name)).unwrap();
    let mut text = text.replace(" root=\"media\"", "");
    for (name, source) in ["one.mp4", "two.mp4", "three.mp4"].iter().zip(sources) {
        text = text.replace(name, source.to_str().unwrap());
    }
    let path = bench.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/projects").join(name)
}

#[test]
fn what_an_editor_generates_is_flattened_with_its_transitions_to_the_same() {
    let bench = Bench::new();
    let sources = sources(&bench);
    let path = project_file(&bench, "sections.mlt", &sources);
    let flat = bench.path().join("flat.mlt");
    let ran = bench.run(&["layout", path.to_str().unwrap(), "--to", "flat", "-o", flat.to_str().unwrap()]);
    ran.expect(0);
    assert!(ran.err.contains("4 nested sequences were replaced by their content"), "{}", ran.err);
    let project = project::open(&flat).unwrap();
    assert_eq!((project.tracks, project.nesting_depth, project.frames), (2, 2, 110));
    assert_eq!(project.transitions["composite"], 2);
    let (as_it_was, as_it_is) =
        (seen_and_heard(&export(&bench, &path)), seen_and_heard(&export(&bench, &flat)));
    assert_eq!(as_it_is, as_it_was);
    let wanted =
        [shot(1, 0, 20), shot(2, 30, 10), shot(3, 0, 20), shot(2, 20, 20), shot(1, 60, 20), shot(3, 50, 20)];
    assert_eq!(as_it_is.0, wanted.concat());
}

#[test]
fn a_project_of_kdenlive_is_described_and_shows_the_same_with_fewer_tracks() {
    let bench = Bench::new();
    let sources = sources(&bench);
    let path = project_file(&bench, "small.kdenlive", &sources);
    let project = project::open(&path).unwrap();
    assert_eq!((project.frames, project.clips, project.nesting_depth), (100, 4, 3));
    assert_eq!((project.sources, project.missing), (sources[..2].to_vec(), vec![]));
    let flat = bench.path().join("flat.mlt");
    let ran = bench.run(&["layout", path.to_str().unwrap(), "--to", "flat", "-o", flat.to_str().unwrap()]);
    ran.expect(0);
    for said in ["`playlist6`) shows nothing, and was removed", "`tractor0` stays nested: a filter, panner"] {
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    assert!(project::open(&flat).unwrap().tracks < project.tracks);
    assert_eq!(seen_and_heard(&export(&bench, &flat)), seen_and_heard(&export(&bench, &path)));
}

#[test]
fn what_a_project_needs_and_does_not_find_is_told_and_no_error() {
    let bench = Bench::new();
    let ran = bench.run(&["inspect", data("small.kdenlive").to_str().unwrap()]);
    ran.expect(0).says(&[
        "Kdenlive",
        "1280x720 at 25 frames/s",
        "100 frames, 4.00 s",
        "2 of them missing",
        "MISSING",
    ]);
    let ran = bench.run(&["inspect", "--json", data("small.kdenlive").to_str().unwrap()]);
    let json: serde_json::Value = serde_json::from_str(&ran.expect(0).out).unwrap();
    assert_eq!(json["sources"][1]["first_used_at"], 40);
    assert_eq!(json["missing"][0], data("media/one.mp4").to_str().unwrap());
    assert_eq!(json["filters"]["volume"], 1);
}

#[test]
fn a_project_of_rlvideo_is_described_as_the_editor_would_play_it() {
    let project = project::open(&data("cuts.rlvideo")).unwrap();
    assert_eq!((project.frames, project.clips, project.tracks), (80, 4, 2));
    assert_eq!(project.profile.map(|profile| (profile.width, profile.height)), Some((3840, 2160)));
    assert_eq!((project.cuts, project.first_uses), (vec![20, 40, 60], vec![0, 20]));
    assert_eq!(project.missing, [data("one.mp4"), data("two.mp4")]);
}

#[test]
fn a_file_that_is_no_project_is_named_with_the_line_that_is_wrong() {
    let bench = Bench::new();
    let write = |name: &str, text: &str| fs::write(bench.path().join(name), text).unwrap();
    write("short.mlt", "<mlt>\n<playlist id='a'>\n<blank length='5'/>\n");
    write("wrong.mlt", "<mlt>\n<playlist id='a'>\n<entry producer='b'/>\n</playlist></mlt>");
    write("words.kdenlive", "Once upon a time");
    write("other.mlt", "<svg/>");
    write("cuts.rlvideo", "{\"sources\": {},\n\"cuts\": 5}");
    let complains = |name: &str, words: &[&str]| {
        bench.run(&["inspect", name]).expect(2).complains(words);
    };
    complains("short.mlt", &["short.mlt:4: ", "it is incomplete"]);
    complains("wrong.mlt", &["wrong.mlt:3: ", "refers to `b`"]);
    complains("words.kdenlive", &["words.kdenlive:1: ", "<mlt>"]);
    complains("other.mlt", &["other.mlt:1: ", "<svg>", "<mlt>"]);
    complains("cuts.rlvideo", &["cuts.rlvideo:2: ", "expected a map"]);
    complains("gone.mlt", &["gone.mlt", "No such file"]);
    complains("holiday.prproj", &["not a project: its name must end in"]);
    bench.run(&["layout", "wrong.mlt", "--to", "flat"]).expect(2).complains(&["wrong.mlt:3: "]);
}

/// Two clips on two tracks, as an MLT project with relative paths beside its media.
fn project_of_two_clips(bench: &Bench) -> PathBuf {
    let sources = sources(bench);
    let timeline = timeline(&[vec![clip(&sources[0], 13, 30)], vec![gap(20), clip(&sources[1], 5, 30)]]);
    let media = sources[0].parent().unwrap();
    let xml = mlt::to_mlt_xml(&timeline, profile(), true, Layout::Flat);
    let folder = bench.path().join("project");
    fs::create_dir(&folder).unwrap();
    for source in &sources[..2] {
        fs::hard_link(source, folder.join(source.file_name().unwrap())).unwrap();
    }
    let path = folder.join("my.mlt");
    fs::write(&path, xml.replace(&format!("{}/", media.display()), "")).unwrap();
    path
}

#[test]
fn a_project_is_exported_as_it_is_without_a_scenario() {
    let bench = Bench::new();
    let project = project_of_two_clips(&bench);
    let more =
        ["--engine", "ffmpeg,melt,mlt-python", "--driver", "main", "--keep-exports", "--stall-limit", "15"];
    let ran = bench.run(&[&["run", project.to_str().unwrap()], more.as_slice()].concat());
    // One engine cannot open it, and says so; the others do.
    ran.expect(0);
    assert!(ran.err.contains("memreel-export cannot open .mlt projects"), "{}", ran.err);
    let result = bench.latest("my");
    let [melt, binding] = result.jobs.as_slice() else { panic!("{} jobs", result.jobs.len()) };
    for job in [melt, binding] {
        let (seen, _) = seen_and_heard(&export_of(&result, job));
        assert_eq!(seen, [shot(1, 13, 20), shot(2, 5, 30)].concat(), "{:?}", job.record.command);
        assert!(job.record.command.iter().any(|word| word == project.to_str().unwrap()), "the file itself");
        assert!(!job.record.command.iter().any(|word| word.contains("vcodec")), "{:?}", job.record.command);
        assert_eq!((job.record.context.cuts.clone(), job.record.timeline.frames), (vec![20], Some(50)));
        assert_eq!((job.record.context.first_uses.clone(), job.record.media.len()), (vec![0, 20], 2));
        assert!(job.record.variant.contains(&("size".into(), "320x180".into())), "{:?}", job.record.variant);
    }
    assert!(binding.record.command.contains(&"loaded".to_string()));
    // The same again is the same job: what is whole is kept.
    let again = bench.run(&["run", "--resume", bench.latest_folder("my").to_str().unwrap()]);
    again.expect(0);
    assert!(
        again.err.matches("already there").count() == 2 || !again.err.contains("finished, 50"),
        "{}",
        again.err
    );
}

#[test]
fn what_cannot_be_said_of_a_project_is_told_with_the_way_out() {
    let bench = Bench::new();
    let project = project_of_two_clips(&bench);
    let path = project.to_str().unwrap();
    let run = |more: &[&str]| bench.run(&[&["run", path], more].concat());
    run(&["--size", "640x360"]).expect(2).complains(&["the project has a profile of its own", "size"]);
    run(&["--length", "2"]).expect(2).complains(&["the project is exported as it is", "length"]);
    run(&["--layout", "stacked"]).expect(2).complains(&["memreel layout"]);
    run(&["--engine", "ffmpeg"]).expect(2).complains(&["cannot open .mlt projects"]);
    run(&["--engine", "rlvideo", "--rlvideo", "tests"]).expect(4);
    let text = fs::read_to_string(&project).unwrap();
    let without = text.lines().filter(|line| !line.contains("<profile")).collect::<Vec<_>>().join("\n");
    fs::write(&project, without).unwrap();
    run(&[]).expect(2).complains(&["my.mlt", "has no <profile>"]);
    fs::write(&project, &text[..text.len() / 2]).unwrap();
    run(&[]).expect(2).complains(&["my.mlt:"]);
    fs::write(&project, text.replace(".mp4", ".mov")).unwrap();
    run(&[]).expect(2).complains(&[".mov"]);
    bench.run(&["run", "nowhere.mlt"]).expect(2).complains(&["nowhere.mlt"]);
}

#[test]
fn a_project_of_rlvideo_runs_in_the_editor_at_the_size_that_is_asked_for() {
    let bench = Bench::new();
    let sources = sources(&bench);
    let timeline = timeline(&[vec![clip(&sources[0], 13, 30), clip(&sources[1], 5, 30)]]);
    let text = memreel_projects::rlvideo::to_rlvideo(&timeline, &|_| Some(125), rate()).unwrap();
    fs::write(bench.path().join("film.rlvideo"), text).unwrap();
    let editor = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/editor");
    let editor = editor.to_str().unwrap();
    let more = ["--rlvideo", editor, "--size", "320x180", "--preset", "ultrafast", "--keep-exports"];
    bench.run(&[&["run", "film.rlvideo"], more.as_slice()].concat()).expect(0);
    let result = bench.latest("film");
    let job = &result.jobs[0];
    assert_eq!(shown(&export_of(&result, job)), [shot(1, 13, 30), shot(2, 5, 30)].concat());
    assert!(job.record.variant.contains(&("driver".into(), "background".into())));
    let ran = bench.run(&["run", "film.rlvideo", "--engine", "melt"]);
    ran.expect(2).complains(&["--dump-graph"]);
}

/// A project on one medium of five seconds in the folder `media` beside it, whose root is given relative to it.
fn project_of_one_clip(bench: &Bench, name: &str, tractor: &str) -> PathBuf {
    let folder = bench.path().join("project");
    fs::create_dir_all(folder.join("media")).unwrap();
    fs::hard_link(&sources(bench)[0], folder.join("media/a.mp4")).unwrap();
    let path = folder.join(name);
    let profile = "<profile width='320' height='180' frame_rate_num='25' frame_rate_den='1' progressive='1' \
        sample_aspect_num='1' sample_aspect_den='1' display_aspect_num='16' display_aspect_den='9'/>";
    let text = format!(
        "<mlt LC_NUMERIC='C' root='./media'>{profile}<producer id='a'><property name='resource'>a.mp4</property>\
         </producer><playlist id='p'><entry producer='a' in='00:00:-0.04' out='49.9'/></playlist>\
         <tractor id='t' in='0' out='50'><track producer='p'/>{tractor}</tractor></mlt>"
    );
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_project_with_a_relative_root_is_played_from_its_folder_and_ends_with_its_longest_track() {
    let bench = Bench::new();
    let project = project_of_one_clip(&bench, "root.mlt", "");
    let more = ["--engine", "melt,mlt-python", "--driver", "main", "--keep-exports", "--stall-limit", "15"];
    bench.run(&[&["run", project.to_str().unwrap()], more.as_slice()].concat()).expect(0);
    let result = bench.latest("root");
    assert_eq!(result.jobs.len(), 2);
    for job in &result.jobs {
        assert_eq!(job.record.timeline.frames, Some(50));
        let (seen, _) = seen_and_heard(&export_of(&result, job));
        assert_eq!(seen, shot(1, 0, 50), "{:?}", job.record.command);
    }
}

#[test]
fn a_service_that_mlt_could_not_load_is_no_finished_export() {
    let bench = Bench::new();
    let filter = "<filter id='f'><property name='mlt_service'>nosuchfilter</property></filter>";
    let project = project_of_one_clip(&bench, "lacking.mlt", filter);
    let more = ["--engine", "melt,mlt-python", "--driver", "main", "--stall-limit", "15"];
    let ran = bench.run(&[&["run", project.to_str().unwrap()], more.as_slice()].concat());
    ran.expect(4).says(&["failed to load filter \"f\""]);
    for job in &bench.latest("lacking").jobs {
        assert!(!job.record.outcome.is_finished(), "{:?}", job.record.command);
    }
}
