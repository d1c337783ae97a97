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

/// Three generated sources.
fn sources(bench: &Bench) -> Vec<PathBuf> {
    bench.sources(3)
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
    complains("holiday.docx", &["not a project: its name must end in"]);
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

const PROFILE: &str = "<profile width='320' height='180' frame_rate_num='25' frame_rate_den='1' progressive='1' \
    sample_aspect_num='1' sample_aspect_den='1' display_aspect_num='16' display_aspect_den='9'/>";

/// A project of this body in a folder of its own, with two media of five seconds, `a.mp4` and `b.mp4`, in `media`.
fn project_of(bench: &Bench, name: &str, root: &str, body: &str) -> PathBuf {
    let folder = bench.path().join("project");
    fs::create_dir_all(folder.join("media")).unwrap();
    for (source, name) in sources(bench).iter().zip(["a.mp4", "b.mp4"]) {
        let _ = fs::hard_link(source, folder.join("media").join(name));
    }
    let path = folder.join(name);
    fs::write(&path, format!("<mlt LC_NUMERIC='C' {root}>{PROFILE}{body}</mlt>")).unwrap();
    path
}

/// What each export of a project shows.
fn shown_of(bench: &Bench, project: &Path, more: &[&str]) -> Vec<Vec<Code>> {
    let name = project.file_stem().unwrap().to_str().unwrap();
    let usual = [
        "run",
        project.to_str().unwrap(),
        "--keep-exports",
        "--stall-limit",
        "15",
        "--threading",
        "parallel:2",
    ];
    bench.run(&[&usual, more].concat()).expect(0);
    let result = bench.latest(name);
    result.jobs.iter().map(|job| shown(&export_of(&result, job))).collect()
}

#[test]
fn a_project_with_a_relative_root_is_played_from_its_folder_and_ends_with_its_longest_track() {
    let bench = Bench::new();
    let body = "<producer id='a'><property name='resource'>a.mp4</property></producer>\
        <playlist id='p'><entry producer='a' in='00:00:-0.04' out='49.9'/></playlist>\
        <tractor id='t' in='0' out='50'><track producer='p'/></tractor>";
    let project = project_of(&bench, "root.mlt", "root='./media'", body);
    let shown = shown_of(&bench, &project, &["--engine", "melt,mlt-python"]);
    assert_eq!(shown, [shot(1, 0, 50), shot(1, 0, 50)]);
    assert_eq!(bench.latest("root").jobs[0].record.timeline.frames, Some(50));
    let project = project_of(&bench, "empty.mlt", "root=''", &body.replace("a.mp4", "media/a.mp4"));
    assert_eq!(shown_of(&bench, &project, &["--engine", "melt"]), [shot(1, 0, 50)]);
}

#[test]
fn originals_are_exported_unless_the_proxies_are_asked_for() {
    let bench = Bench::new();
    let body = "<chain id='a' out='124'><property name='resource'>media/b.mp4</property>\
        <property name='mlt_service'>avformat-novalidate</property>\
        <property name='length'>125</property><property name='kdenlive:proxy'>media/b.mp4</property>\
        <property name='kdenlive:originalurl'>media/a.mp4</property></chain>\
        <playlist id='p'><entry producer='a' in='5' out='24'/></playlist>";
    let project = project_of(&bench, "proxies.kdenlive", "root=''", body);
    bench.run(&["inspect", project.to_str().unwrap()]).expect(0).says(&["proxies      1:", "media/a.mp4"]);
    let shown = shown_of(&bench, &project, &["--engine", "melt", "--media", "original,proxy"]);
    assert_eq!(shown, [shot(1, 5, 20), shot(2, 5, 20)]);
    let project = project_of(&bench, "none.mlt", "", &body.replace("kdenlive:", "x:"));
    let ran = bench.run(&["run", project.to_str().unwrap(), "--engine", "melt", "--media", "proxy"]);
    ran.expect(2).complains(&["media proxy: the project plays no proxies"]);
}

/// Two of it are played, on a track and on a clip; the one in the bin is not, nor is what is only there.
#[test]
fn what_mlt_cannot_load_is_named_before_and_makes_the_export_incomplete() {
    let bench = Bench::new();
    let filter = |id: &str, service: &str| {
        format!("<filter id='{id}'><property name='mlt_service'>{service}</property></filter>")
    };
    let body = format!(
        "<producer id='bin'><property name='resource'>media/b.mp4</property>{}{}</producer>\
         <producer id='a'><property name='resource'>media/a.mp4</property>{}</producer>\
         <playlist id='p'><entry producer='a' in='0' out='19'/></playlist>\
         <tractor id='t'><track producer='p'/>{}</tractor>",
        filter("f1", "nosuchfilter"),
        filter("f2", "neither"),
        filter("f3", "nosuchfilter"),
        filter("f4", "nosuchfilter")
    );
    let project = project_of(&bench, "lacking.mlt", "", &body);
    let file = project.to_str().unwrap();
    let unknown = "not loaded   unknown: --probe has melt open the project";
    bench.run(&["inspect", file]).expect(0).says(&[unknown]);
    bench.run(&["inspect", file, "--probe"]).expect(0).says(&["not loaded   2 × nosuchfilter\n"]);
    let planned = bench.run(&["plan", file, "--engine", "melt", "--probe"]);
    planned.expect(0).says(&["MLT cannot load 2 × nosuchfilter here: exports are without it\n"]);
    let ran = bench.run(&["run", file, "--engine", "melt,mlt-python", "--stall-limit", "15"]);
    assert!(ran.expect(4).err.contains("memreel: MLT cannot load 2 × nosuchfilter here"), "{}", ran.err);
    ran.says(&["melt: exported without 2 × nosuchfilter"]);
    let without = memreel_trace::Outcome::ExportedWithout { what: vec!["2 × nosuchfilter".into()] };
    let outcomes: Vec<_> = bench.latest("lacking").jobs.into_iter().map(|job| job.record.outcome).collect();
    assert_eq!(outcomes, [without.clone(), without]);
    // Where only what is in the bin is not there, nothing is missed.
    let project = project_of(
        &bench,
        "whole.mlt",
        "",
        &body.replace(&filter("f3", "nosuchfilter"), "").replace(&filter("f4", "nosuchfilter"), ""),
    );
    assert_eq!(shown_of(&bench, &project, &["--engine", "melt"]), [shot(1, 0, 20)]);
}

/// `qtblend` puts the second source over the left half: without it the first alone would be seen.
#[test]
fn services_that_need_a_display_work_without_one() {
    let bench = Bench::new();
    let body = "<producer id='a' out='124'><property name='resource'>media/a.mp4</property></producer>\
        <producer id='b' out='124'><property name='resource'>media/b.mp4</property></producer>\
        <playlist id='p'><entry producer='a' in='0' out='9'/></playlist>\
        <playlist id='q'><entry producer='b' in='30' out='39'/></playlist>\
        <tractor id='t'><track producer='p'/><track producer='q'/><transition>\
        <property name='a_track'>0</property><property name='b_track'>1</property>\
        <property name='mlt_service'>qtblend</property><property name='rect'>0 0 320 180 1</property>\
        </transition></tractor>";
    let project = project_of(&bench, "blended.mlt", "", body);
    let mut command =
        bench.memreel(&["run", project.to_str().unwrap(), "--engine", "melt,mlt-python", "--keep-exports"]);
    command.env_remove("DISPLAY").env_remove("QT_QPA_PLATFORM");
    bench.start_command(command).wait().expect(0);
    let result = bench.latest("blended");
    for job in &result.jobs {
        assert_eq!(shown(&export_of(&result, job)), shot(2, 30, 10));
        assert_eq!(job.record.environment["QT_QPA_PLATFORM"].as_deref(), Some("offscreen"));
        assert!(job.record.notes.iter().any(|note| note.contains("Qt draws off screen")));
    }
}

#[test]
fn sequences_of_pictures_texts_and_clips_without_a_length_are_described_as_mlt_plays_them() {
    let bench = Bench::new();
    let body = "<producer id='a' out='9'><property name='resource'>media/still%03d.png</property>\
        <property name='mlt_service'>pixbuf</property></producer>\
        <producer id='b' out='9'><property name='resource'>+hello.txt</property></producer>\
        <producer id='c'><property name='resource'>media/a.mp4</property></producer>\
        <playlist id='p'><entry producer='a'/><entry producer='b'/><entry producer='c'/></playlist>";
    let project = project_of(&bench, "kinds.mlt", "", body);
    for number in 1..=12 {
        let file = fs::File::create(project.with_file_name(format!("media/still{number:03}.png"))).unwrap();
        let mut encoder = png::Encoder::new(file, 64, 48);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[number; 64 * 48]).unwrap();
    }
    let file = project.to_str().unwrap();
    bench.run(&["inspect", file]).expect(2).complains(&["only MLT knows how long it is", "--probe"]);
    let ran = bench.run(&["inspect", file, "--probe"]);
    ran.expect(0).says(&[
        "145 frames, 5.80 s",
        "3, with 2 cuts",
        "not loaded   nothing",
        "2, 0 of them missing",
    ]);
    ran.says(&["from frame 0       ", "media/still%03d.png\n", "from frame 20      ", "media/a.mp4\n"]);
    bench.run(&["run", file, "--engine", "melt", "--stall-limit", "15"]).expect(0);
    let record = &bench.latest("kinds").jobs[0].record;
    assert_eq!((record.timeline.frames, record.context.cuts.as_slice()), (Some(145), [10, 20].as_slice()));
    // All pictures of a sequence are identified: another one makes another medium.
    let digest = record.media[0].digest.clone();
    fs::copy(project.with_file_name("media/still001.png"), project.with_file_name("media/still013.png"))
        .unwrap();
    bench.run(&["run", file, "--engine", "melt", "--stall-limit", "15"]).expect(0);
    assert_ne!(bench.latest("kinds").jobs[0].record.media[0].digest, digest);
}

#[test]
fn projects_of_other_editors_are_refused_as_what_they_are() {
    let bench = Bench::new();
    for (name, words) in [
        ("cut.osp", "a project of OpenShot, which memreel cannot open"),
        ("cut.xges", "a project of GStreamer Editing Services"),
        ("cut.fcpxml", "a project of Final Cut Pro"),
        (
            "cut.otio",
            "an OpenTimelineIO timeline, not a project: `memreel run --command 'memreel-export cut.otio {output}'`",
        ),
    ] {
        fs::write(bench.path().join(name), "{}").unwrap();
        for command in ["run", "plan", "inspect"] {
            bench.run(&[command, name]).expect(2).complains(&[words]);
        }
    }
}
