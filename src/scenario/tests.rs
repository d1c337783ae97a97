use super::*;
use memreel_judge::budget::{Budget, Figure, Slack};

/// Every key there is, so that a mangled copy meets every reader.
const WHOLE: &str = r#"version = 1
question = "Does memory grow with the number of distinct sources?"

[sources.shot]
generate = { count = 40, size = "1280x720", rate = 25, seconds = 4, pixel_format = "yuv420p", codec = "libx264", preset = "ultrafast", keyframe_distance = 50, audio_rate = 48000, options = { tune = "grain", bf = 2 }, container = "mkv" }
[sources.city]
files = ["city.mp4", "more/night.mov"]
[sources.still]
file = "still.mov"

[timeline]
rate = 25
[[timeline.tracks]]
children = [{ clip = "shot", start = 0.52, duration = 2.0 }, { gap = 1.0 }]
repeat = 2
[[timeline.tracks]]
kind = "audio"
children = [{ clip = "city.2", start = "50f", duration = "1m30s" }]
length = 600

[export]
size = "1280x720"
rate = "30000/1001"
encoder = "libx264"
preset = "ultrafast"
pixel_format = "yuv420p"
options = { crf = "23" }
audio = "aac"
audio_rate = 48000
container = "mp4"
sink = "file"

[matrix]
engine = ["ffmpeg", "melt", "old:melt@../old/melt"]
threading = ["single", "parallel", "parallel:3", { render = 1, encode = 4 }]
driver = ["main", "background"]
preset = ["default", "ultrafast"]
length = [1, 2]
sources = [4, "all"]
audio = ["aac", false]
repeats = 3
exclude = [{ engine = "melt", driver = "background" }]

[limits]
wall = 600
stall = 60

[sampling]
interval = 0.02

[budgets]
peak = "400MiB"
level = { limit = 300000000, more = ["5%", "4MiB"] }
cpu_per_frame = { limit = "40ms", soft = true }
frames_per_second = { limit = 24, less = "10%" }
threads = 20
allow = ["GROWS"]
across_builds = true
[[budgets.where]]
engine = "melt"
peak = { more = "10MiB" }
"#;

/// The smallest scenario, with a place for more.
const SMALL: &str = r#"version = 1
question = "What?"
sources.shot.generate = { count = 40, seconds = 4 }
sources.city.file = "city.mp4"
timeline.tracks = [{ children = [{ clip = "shot", duration = 2 }] }]
"#;

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(text, Path::new("scenarios/x.toml"), &[])
}

fn overridden(text: &str, overrides: &[&str]) -> Result<Scenario, ScenarioError> {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    Scenario::parse(text, Path::new("scenarios/x.toml"), &overrides)
}

/// The error line of the small scenario with one line put in the place of another.
fn complaint(line: &str, instead: &str) -> String {
    assert!(SMALL.contains(line), "{line}");
    parse(&SMALL.replace(line, instead)).expect_err(instead).to_string()
}

/// The error line of the small scenario with more at its end.
fn complaint_with(more: &str) -> String {
    parse(&format!("{SMALL}{more}")).expect_err(more).to_string()
}

#[track_caller]
fn says(complaint: String, all: &[&str]) {
    for part in all {
        assert!(complaint.contains(part), "{complaint:?} lacks {part:?}");
    }
    assert!(!complaint.contains('\n'), "{complaint}");
}

#[test]
fn every_key_is_read() {
    let scenario = parse(WHOLE).unwrap();
    assert_eq!(scenario.name, "x");
    assert_eq!(
        scenario.sources.iter().map(|source| &*source.name).collect::<Vec<_>>(),
        ["shot", "city", "still"]
    );
    let spec = scenario.sources[0].spec().unwrap();
    assert_eq!((spec.frames, spec.container, &*spec.options["bf"]), (100, Container::Matroska, "2"));
    assert_eq!(scenario.sources[1].media[1], Media::File("scenarios/more/night.mov".into()));
    assert_eq!(scenario.export.rate, Rate::new(30000, 1001).unwrap());
    assert_eq!(scenario.tracks[1].extent, Extent::Length(15_000));
    assert_eq!(scenario.matrix.combinations(), 3 * 4 * 2 * 2 * 2 * 2 * 2);
    assert_eq!(scenario.limits.wall, Some(Duration::from_secs(600)));
}

#[test]
fn what_is_left_out_has_a_default() {
    let scenario = parse(SMALL).unwrap();
    let spec = scenario.sources[0].spec().unwrap();
    assert_eq!(
        (spec.preset.as_deref(), spec.audio_rate, spec.keyframe_distance),
        (Some("ultrafast"), Some(48_000), 50)
    );
    let export = &scenario.export;
    assert_eq!((export.preset.as_deref(), export.container, export.sink), (None, Container::Mp4, Sink::File));
    assert_eq!(export.audio, Some(Audio { encoder: "aac".into(), rate: 48_000 }));
    assert_eq!((scenario.matrix.repeats, scenario.matrix.seed), (1, 1));
    assert_eq!(scenario.matrix.range(Axis::Threading).values.len(), 2);
    assert_eq!(scenario.limits, Limits { wall: None, stall: Duration::from_secs(60) });
    assert_eq!(scenario.sampling.interval, Duration::from_millis(20));
}

#[test]
fn an_export_without_anything_to_hear_has_no_sound() {
    let silent = SMALL.replace("seconds = 4", "seconds = 4, audio = false");
    assert_eq!(parse(&silent).unwrap().export.audio, None);
    let with_file = silent.replace("clip = \"shot\"", "clip = \"city\"");
    assert!(parse(&with_file).unwrap().export.audio.is_some());
}

#[test]
fn lossless_media_go_into_a_container_that_takes_them() {
    let scenario = parse(&SMALL.replace("seconds = 4", "seconds = 4, codec = \"ffv1\"")).unwrap();
    let spec = scenario.sources[0].spec().unwrap();
    assert_eq!((spec.container, spec.preset.as_deref()), (Container::Matroska, None));
    assert!(spec.file_name().ends_with(".mkv"));
}

#[test]
fn no_two_generated_files_of_a_scenario_are_the_same() {
    let text = SMALL.replace("sources.city.file = \"city.mp4\"", "sources.town.generate = { seconds = 4 }");
    let scenario = parse(&text).unwrap();
    assert_eq!(scenario.sources[1].spec().unwrap().number, 41);
}

#[test]
fn a_misspelt_key_is_named_with_its_place_and_its_neighbour() {
    let text = complaint_with("[export]\nprest = \"fast\"\n");
    assert_eq!(
        text,
        "scenarios/x.toml:7:1: unknown key `prest` in [export]; did you mean `preset`? (allowed: size, rate, \
         encoder, preset, pixel_format, options, audio, audio_rate, container, sink)"
    );
}

#[test]
fn misspelt_names_are_told_what_there_is() {
    says(
        complaint("clip = \"shot\"", "clip = \"shto\""),
        &["x.toml:5:43: unknown source `shto`", "mean `shot`?", "shot, city"],
    );
    says(
        complaint_with("matrix.engine = \"mlt\""),
        &[":6:17: unknown engine `mlt`; did you mean `melt`?", "ffmpeg, melt"],
    );
    says(complaint_with("matrix.engine = [\"ffmpeg\", \"mlt\"]"), &[":6:28: "]);
    says(
        complaint_with("matrix.engin = \"melt\""),
        &[":6:8: unknown axis `engin` in [matrix]", "mean `engine`?"],
    );
    says(complaint_with("matrix.linker = \"lld\""), &["unknown axis `linker`", "engine, threading, driver"]);
    says(complaint_with("matrix.driver = \"backgroud\""), &["did you mean `background`?"]);
    says(complaint_with("matrix.threading = \"paralell\""), &["did you mean `parallel`?"]);
    says(complaint_with("export.pixel_format = \"yuv42p\""), &["unknown pixel format", "mean `yuv420p`?"]);
    says(complaint_with("export.preset = \"ultrafst\""), &["unknown preset", "mean `ultrafast`?"]);
    says(complaint_with("matrix.preset = [\"fast\", \"meduim\"]"), &[":6:26: ", "mean `medium`?"]);
    says(complaint_with("export.sink = \"nul\""), &["unknown sink", "mean `null`?", "(allowed: file, null)"]);
}

#[test]
fn a_clip_beyond_the_last_file_is_told_how_many_there_are() {
    says(
        complaint("clip = \"shot\"", "clip = \"shot.41\""),
        &["no clip `shot.41`", "40 files: `shot.1` to `shot.40`"],
    );
    says(complaint("clip = \"shot\"", "clip = \"shot.0\""), &["no clip `shot.0`"]);
    says(complaint("clip = \"shot\"", "clip = \"city.2\""), &["`city` is one file"]);
}

#[test]
fn a_clip_must_lie_within_what_is_generated() {
    says(
        complaint("duration = 2 ", "start = 2.5, duration = 2 "),
        &[":5:75: ", "clip `shot` from 2.52 s for 2 s ends after its source, which is 4 s long"],
    );
    assert!(parse(&SMALL.replace("duration = 2 ", "start = 2, duration = 2 ")).is_ok());
    assert!(parse(&SMALL.replace("duration = 2 ", "start = 2, duration = \"51f\" ")).is_err());
    assert!(
        parse(&SMALL.replace("\"shot\", duration = 2 ", "\"city\", start = 2000, duration = 2 ")).is_ok()
    );
}

#[test]
fn in_points_are_frames_of_the_source_and_durations_of_the_timeline() {
    let text = SMALL
        .replace("seconds = 4", "seconds = 4, rate = 50")
        .replace("duration = 2", "start = 0.5, duration = 2");
    let Child::Clip(clip) = &parse(&text).unwrap().tracks[0].children[0] else { panic!("a clip") };
    let TimeRange { start_time, duration } = clip.range;
    assert_eq!((start_time.value, start_time.rate.as_f64()), (25, 50.0));
    assert_eq!((duration.value, duration.rate.as_f64()), (50, 25.0));
}

use memreel_timeline::TimeRange;

#[test]
fn what_makes_no_sense_is_refused() {
    says(complaint("version = 1\n", ""), &["x.toml:1:1: `version` is missing", "`version = 1`"]);
    says(complaint("version = 1", "version = 2\nnovelty = true"), &["version 2", "newer memreel"]);
    says(complaint("version = 1", "version = \"1\""), &["`version` must be 1, not the string \"1\""]);
    says(complaint("question = \"What?\"\n", ""), &["`question` is missing"]);
    says(complaint("\"What?\"", "\" \""), &[":2:12: `question` is empty"]);
    says(complaint("[{ children = [{ clip = \"shot\", duration = 2 }] }]", "[]"), &["the timeline is empty"]);
    says(complaint("{ clip = \"shot\", duration = 2 }", "{ gap = 2 }"), &["the timeline is empty"]);
    says(complaint("{ clip = \"shot\", duration = 2 }", ""), &["`children` is an empty list"]);
    says(complaint("duration = 2", "duration = 0"), &["`duration` is less than half a frame"]);
    says(complaint("duration = 2", "duration = -2"), &["`duration` must be a time", "not -2"]);
    says(complaint(", duration = 2", ""), &["`duration` is missing in `children`"]);
    says(complaint("clip = \"shot\"", "gap = 1"), &["a gap has no `duration`"]);
    says(complaint("seconds = 4 }", "seconds = }"), &["x.toml:3:49: "]);
    says(complaint("count = 40, seconds = 4", "count = 40"), &["`seconds` is missing in `generate`"]);
    says(complaint("count = 40", "count = 0"), &["from 1 to 10000, not 0"]);
    says(
        complaint("sources.city.file = \"city.mp4\"", "sources.city = {}"),
        &["[sources.city] must have exactly one of"],
    );
    says(complaint("sources.city", "sources.\"a.b\""), &["\"a.b\" is not a valid name of a source"]);
    says(complaint("] }]", "], repeat = 2, length = 4 }]"), &["give only one of them"]);
    says(complaint("] }]", "], repeat = 1000000 }]"), &["clips and gaps together"]);
    says(complaint_with("limits.stall = 0"), &["a time above zero"]);
    says(complaint_with("matrix.exports = [1, 1001]"), &["from 1 to 1000, not 1001"]);
    says(complaint_with("matrix.seed = -1"), &["`seed` must be a whole number from 0"]);
    says(complaint_with("matrix.sede = 2"), &["unknown axis `sede`", "did you mean `seed`?"]);
    says(complaint_with("sampling.interval = 0.0001"), &["from 0.001 to 10, not 0.0001"]);
    says(complaint_with("export.rate = 1e999"), &["`rate` must be a frame rate"]);
    says(complaint_with("version = 1"), &[":6:1: duplicate key"]);
}

#[test]
fn sizes_that_no_picture_can_have_are_refused() {
    for size in ["0x720", "-2x720", "1280", "1280x", "99999x720"] {
        says(complaint_with(&format!("export.size = \"{size}\"")), &[":6:15: ", size, "is not a size"]);
    }
    says(
        complaint_with("export.size = \"641x360\""),
        &[":6:15: size 641x360 is not possible in yuv420p", "even"],
    );
    says(complaint_with("matrix.size = [\"640x360\", \"640x361\"]"), &[":6:27: size 640x361"]);
    says(complaint("seconds = 4", "seconds = 4, size = \"641x360\""), &["size 641x360 is not possible"]);
    let format = "export.size = \"641x361\"\nexport.pixel_format = \"yuv444p\"";
    assert!(parse(&format!("{SMALL}{format}")).is_ok());
}

#[test]
fn a_size_is_only_refused_where_it_is_wanted() {
    let matrix =
        "matrix.size = [\"640x360\", \"641x361\"]\nmatrix.pixel_format = [\"yuv420p\", \"yuv444p\"]\n";
    assert!(parse(&format!("{SMALL}{matrix}")).is_err());
    let exclude = "matrix.exclude = [{ size = \"641x361\", pixel_format = \"yuv420p\" }]";
    assert!(parse(&format!("{SMALL}{matrix}{exclude}")).is_ok());
}

#[test]
fn no_more_sources_can_be_used_than_there_are() {
    says(
        complaint_with("matrix.sources = [4, 41]"),
        &[":6:22: `sources` = 41, but no source has more than 40 files"],
    );
    assert!(parse(&format!("{SMALL}matrix.sources = [4, 40, \"all\"]")).is_ok());
}

#[test]
fn a_plan_too_large_for_memory_is_refused_whichever_way_it_grows() {
    let ten = SMALL.replace("] }]", "], repeat = 10 }]");
    assert!(parse(&ten).is_ok());
    says(
        parse(&format!("{ten}matrix.length = [1, 10000]")).unwrap_err().to_string(),
        &["clips and gaps together"],
    );
    says(
        parse(&format!("{ten}matrix.length = 100\nmatrix.exports = [1, 100]")).unwrap_err().to_string(),
        &["clips and gaps together"],
    );
    let sides: Vec<_> = (1..=200).map(|half| format!("\"{0}x{0}\"", 2 * half)).collect();
    let matrix = format!("[matrix]\nsize = [{}]\nrepeats = 100", sides.join(", "));
    says(parse(&format!("{SMALL}{matrix}")).unwrap_err().to_string(), &["has 40000 jobs", "at most 10000"]);
}

#[test]
fn exclusions_name_what_is_in_the_matrix() {
    says(
        complaint_with("matrix.exclude = [{ engin = \"melt\" }]"),
        &[":6:21: unknown axis `engin` in `exclude`", "mean `engine`?"],
    );
    says(
        complaint_with("matrix.exclude = [{ engine = \"melt\" }]"),
        &["`melt` is not among the values of `engine`", "(ffmpeg)"],
    );
    says(complaint_with("matrix.exclude = [{}]"), &["empty entry"]);
    says(complaint_with("matrix.exclude = [{ engine = \"ffmpeg\" }]"), &["leaves nothing to run"]);
    says(complaint_with("matrix.threading = [\"single\", \"single\"]"), &[":6:31: `single` is listed twice"]);
    says(complaint_with("matrix.engine = []"), &["empty list"]);
}

#[test]
fn an_override_is_toml_or_a_word_or_a_list_of_words() {
    let scenario = overridden(
        WHOLE,
        &[
            "matrix.engine=melt",
            "matrix.exclude=[]",
            "matrix.threading=single,{render=2,decode=2},parallel:2",
            "export.preset=medium",
            "sources.shot.generate.count=4",
            "timeline.tracks.0.repeat=3",
            "question=so, what?",
        ],
    )
    .unwrap();
    let texts =
        |axis: Axis| scenario.matrix.range(axis).values.iter().map(AxisValue::to_string).collect::<Vec<_>>();
    assert_eq!(texts(Axis::Engine), ["melt"]);
    assert_eq!(texts(Axis::Threading), ["single", "render=2 decode=2", "parallel:2"]);
    assert_eq!(scenario.export.preset.as_deref(), Some("medium"));
    assert_eq!(scenario.sources[0].media.len(), 4);
    assert_eq!(scenario.tracks[0].extent, Extent::Repeat(3));
    assert_eq!(scenario.question, "so, what?");
    assert_eq!(scenario.overrides.len(), 7);
}

#[test]
fn an_override_can_set_what_the_file_leaves_out() {
    let scenario = overridden(SMALL, &["limits.wall=5m", "matrix.repeats=2"]).unwrap();
    assert_eq!(scenario.limits.wall, Some(Duration::from_secs(300)));
    assert_eq!(scenario.matrix.repeats, 2);
}

#[test]
fn a_wrong_override_is_blamed_by_name() {
    let blame = |text: &str| overridden(SMALL, &["export.preset=fast", text]).unwrap_err().to_string();
    says(
        blame("matrix.engine=mlt"),
        &["override `matrix.engine=mlt`: unknown engine `mlt`; did you mean `melt`?"],
    );
    says(blame("export.prest=fast"), &["override `export.prest=fast`: unknown key `prest` in [export]"]);
    says(
        blame("timeline.tracks.7.repeat=2"),
        &["`timeline.tracks` is a list of items 0 to 0: it has no `7`"],
    );
    says(blame("question.x=2"), &["`question` is neither a table nor a list"]);
    says("export.preset".parse::<Override>().unwrap_err().to_string(), &["write key.path=value"]);
}

#[test]
fn a_file_that_an_override_makes_wrong_is_blamed_together_with_it() {
    let text = SMALL.replace("\"shot\"", "\"shot.9\"");
    let error = overridden(&text, &["sources.shot.generate.count=4"]).unwrap_err().to_string();
    says(error, &["x.toml:5:43: no clip `shot.9`", "(with the override `sources.shot.generate.count=4`)"]);
}

#[test]
fn a_wrong_file_is_blamed_before_any_override() {
    let error = overridden(&SMALL.replace("count = 40", "count = 0"), &["matrix.engine=mlt"]).unwrap_err();
    says(error.to_string(), &["x.toml:3:35: `count`"]);
}

#[test]
fn a_missing_file_says_where_to_look() {
    let error = Scenario::load(Path::new("/nowhere/at all.toml"), &[]).unwrap_err();
    says(error.to_string(), &["/nowhere/at all.toml: no such file", "`memreel scenarios`"]);
}

#[test]
fn what_cannot_be_read_keeps_the_systems_words() {
    let folder = tempfile::tempdir().unwrap();
    says(Scenario::load(folder.path(), &[]).unwrap_err().to_string(), &["cannot be read: ", "directory"]);
    let file = folder.path().join("latin.toml");
    std::fs::write(&file, b"version = 1\nquestion = \"caf\xe9\"\n").unwrap();
    says(
        Scenario::load(&file, &[]).unwrap_err().to_string(),
        &["latin.toml:2:16: the file is not UTF-8 text"],
    );
}

#[test]
fn files_lie_beside_the_scenario_wherever_it_is_loaded_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, SMALL).unwrap();
    let scenario = Scenario::load(&file, &[]).unwrap();
    assert_eq!(scenario.sources[1].media[0], Media::File(folder.path().join("city.mp4")));
}

/// The engines of a scenario's matrix.
fn engines(scenario: &Scenario) -> Vec<EngineChoice> {
    let values = scenario.matrix.range(Axis::Engine).values.iter();
    values.map(|value| value.engine().unwrap().clone()).collect()
}

#[test]
fn programs_of_engines_lie_beside_the_scenario_wherever_it_is_loaded_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let engines_are = "matrix.engine = ['melt', 'old:melt@./old//melt', 'melt@/opt/melt', 'ffmpeg@new']\n";
    std::fs::write(&file, format!("{SMALL}{engines_are}")).unwrap();
    let programs: Vec<_> =
        engines(&Scenario::load(&file, &[]).unwrap()).into_iter().map(|choice| choice.program).collect();
    let beside = |name: &str| Some(folder.path().join(name));
    assert_eq!(programs, [None, beside("old/melt"), Some("/opt/melt".into()), beside("new")]);
}

#[test]
fn a_program_that_an_override_names_is_the_same_wherever_it_is_read_again() {
    let given = |text: &str| text.parse::<Override>().unwrap().given_in(Path::new("/home/me"));
    for (text, wanted) in [
        ("matrix.engine=a:melt,b:melt@../b/melt", r#"matrix.engine=["a:melt", "b:melt@/home/me/../b/melt"]"#),
        ("matrix.engine=melt@x", r#"matrix.engine="melt@/home/me/x""#),
        ("matrix.engine.0=melt@x y", r#"matrix.engine.0="melt@/home/me/x y""#),
        (
            "matrix={engine=['melt@x'], size='2x2', length=2}",
            r#"matrix={ "engine" = ["melt@/home/me/x"], "size" = "2x2", "length" = 2 }"#,
        ),
        (
            "matrix.exclude=[{engine='melt@x', audio=false}]",
            r#"matrix.exclude=[{ "engine" = "melt@/home/me/x", "audio" = false }]"#,
        ),
    ] {
        assert_eq!(given(text).text(), wanted);
        assert_eq!(given(wanted).text(), wanted);
    }
    for text in ["matrix.engine=melt,a:ffmpeg", "matrix.engine=[\"melt@/x\"]", "export.options.engine=a@b"] {
        assert_eq!(given(text).text(), text);
    }
    let scenario = Scenario::parse(SMALL, Path::new("/s/x.toml"), &[given("matrix.engine=a:melt@m,melt")]);
    let scenario = scenario.unwrap();
    assert_eq!(engines(&scenario)[0].program.as_deref(), Some(Path::new("/home/me/m")));
    assert_eq!(scenario.overrides, [r#"matrix.engine=["a:melt@/home/me/m", "melt"]"#]);
}

#[test]
fn wrong_builds_are_told_where_they_stand_and_what_would_be_right() {
    says(
        complaint_with("matrix.engine = [\"ffmpeg\", \"old:mlet@/opt/melt\"]"),
        &["x.toml:6:28: unknown engine `mlet`; did you mean `melt`?"],
    );
    says(complaint_with("matrix.engine = \":melt\""), &[":6:17: an empty label"]);
    says(complaint_with("matrix.engine = \"a/b:melt\""), &[":6:17: \"a/b\" is not a valid label"]);
    says(complaint_with("matrix.engine = \"melt@\""), &[":6:17: an empty path"]);
    says(
        complaint_with("matrix.engine = [\"a:melt@/x\", \"a:melt@/y\"]"),
        &[":6:31: `a:melt` is listed twice in `engine`"],
    );
    says(
        complaint_with("matrix.engine = [\"melt@x\", \"melt@./x\"]"),
        &[":6:28: `melt@scenarios/x` is listed twice"],
    );
    says(complaint_with("matrix.engine = 3"), &[":6:17: `engine` must be the name of an engine", "not 3"]);
}

/// A scenario of a project, with more at its end.
fn of_project(name: &str, more: &str) -> Result<Scenario, ScenarioError> {
    parse(&format!(
        "version = 1\nquestion = '?'\ntimeline.project = '{name}'\nmatrix.threading = 'single'\n{more}"
    ))
}

#[test]
fn the_whole_project_is_exported_beside_what_it_is_without() {
    let values = |without: &str| -> Vec<String> {
        let scenario = of_project("my.mlt", &format!("matrix.without = {without}")).unwrap();
        scenario.matrix.range(Axis::Without).values.iter().map(AxisValue::to_string).collect()
    };
    assert_eq!(values("'avfilter.gblur'"), ["nothing", "avfilter.gblur"]);
    assert_eq!(values("['track:2', 'nothing', 'clip:7']"), ["track:2", "nothing", "clip:7"]);
    let scenario =
        of_project("my.mlt", "matrix.times = [1, 4]\nmatrix.part = ['all', '0..1m', '10f..']").unwrap();
    let parts: Vec<_> = scenario.matrix.range(Axis::Part).values.iter().map(AxisValue::phrase).collect();
    assert_eq!(parts, ["part all", "part 0..60s", "part 10f.."]);
    assert_eq!(scenario.matrix.kept().count(), 6);
}

#[test]
fn axes_of_projects_are_for_graphs_of_mlt_alone() {
    for axis in ["times = 2", "without = 'filters'", "part = '0..2s'"] {
        let name = axis.split(' ').next().unwrap();
        let scripted = complaint_with(&format!("matrix.{axis}"));
        says(scripted, &[":6:8: ", &format!("`{name}` is an axis of projects of editors")]);
        let editor = of_project("my.rlvideo", &format!("matrix.{axis}")).unwrap_err().to_string();
        says(editor, &["rlvideo", "--dump-graph", &format!("leave out `{name}`")]);
    }
    says(complaint_with("matrix.times = 2"), &["a scripted timeline is made longer by `length`"]);
    let wrong = |more: &str| of_project("my.mlt", more).unwrap_err().to_string();
    says(wrong("matrix.times = 0"), &[":5:16: `times` must be a whole number from 1 to 10000"]);
    says(wrong("matrix.without = 'track:x'"), &["`track:x`: the number is a whole number from 1", "clip:N"]);
    says(wrong("matrix.without = 'a b'"), &["`a b` is not the name of an MLT service"]);
    says(wrong("matrix.part = '60s'"), &["`60s` is not a part FROM..TO like \"0..60s\""]);
    says(wrong("matrix.length = 2"), &["`times` plays it several times in a row", "leave out `length`"]);
}

#[test]
fn an_exclusion_means_a_build_by_its_label_and_all_builds_by_their_engine() {
    let left = |exclude: &str| {
        let matrix =
            "matrix.engine = ['a:melt@/a', 'b:melt', 'ffmpeg', 'melt@/c']\nmatrix.threading = 'single'";
        let scenario = parse(&format!("{SMALL}{matrix}\nmatrix.exclude = [{{ engine = '{exclude}' }}]"));
        let kept: Vec<_> = scenario?.matrix.kept().map(|values| values[0].to_string()).collect();
        Ok::<_, ScenarioError>(kept.join(" "))
    };
    assert_eq!(left("melt").unwrap(), "ffmpeg");
    assert_eq!(left("a:melt").unwrap(), "b:melt ffmpeg melt@/c");
    assert_eq!(left("melt@/c").unwrap(), "a:melt b:melt ffmpeg");
    says(left("c:melt").unwrap_err().to_string(), &["`c:melt` is not among", "(a:melt, b:melt, ffmpeg, "]);
}

#[test]
fn every_shipped_scenario_loads_and_asks_one_question() {
    for (name, text) in SHIPPED {
        let scenario = Scenario::parse(text, &PathBuf::from(format!("{name}.toml")), &[]).unwrap();
        assert_eq!(scenario.name, *name);
        assert_eq!(scenario.question.matches('?').count(), 1, "{name}");
        assert_eq!(scenario.matrix.kept().count(), 4, "{name}");
    }
}

#[test]
fn the_documented_example_is_a_scenario() {
    let page = include_str!("../../docs/scenarios.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let scenario = parse(example).unwrap();
    assert_eq!(scenario.matrix.combinations() * u64::from(scenario.matrix.repeats), 12);
}

#[test]
fn the_page_names_every_axis_engine_and_container() {
    let page = include_str!("../../docs/scenarios.md");
    let axes = Axis::ALL.iter().map(|axis| axis.name());
    let engines = EngineName::ALL.iter().map(|engine| engine.name());
    for name in axes.chain(engines) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    for container in Container::ALL {
        assert!(page.contains(container.name()), "{container}");
    }
}

#[test]
fn a_scenario_loads_whatever_order_its_tables_have() {
    let (before, after) = WHOLE.split_once("[export]").unwrap();
    let (head, middle) = before.split_once("[sources.shot]").unwrap();
    let turned = format!("{head}[export]{after}\n[sources.shot]{middle}");
    let (one, other) = (parse(WHOLE).unwrap(), parse(&turned).unwrap());
    assert_eq!((one.tracks, one.matrix, one.export), (other.tracks, other.matrix, other.export));
}

/// A generator that always gives the same numbers (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// Drops, doubles, swaps or changes a piece; pieces of the format are put where they do not belong.
fn mangle(text: &str, dice: &mut Dice) -> String {
    const STRANGE: &[&str] = &[
        "[",
        "]",
        "{",
        "}",
        "\"",
        "=",
        ",",
        ".",
        "\n",
        "-1",
        "0",
        "1e999",
        "nan",
        "99999999999999999999",
        "true",
        "[[",
        "\u{0}",
        "é",
        "1979-05-27",
        "''",
        "\"\"",
        "[]",
        "{}",
        "18446744073709551615",
        "0.0000001",
        "\"1x1\"",
        "\"999999999f\"",
        "\"parallel:0\"",
    ];
    let words: Vec<&str> = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()).collect();
    let (from, other) = (dice.below(words.len()), dice.below(words.len()));
    let mut mangled: Vec<&str> = words.clone();
    if words.is_empty() {
        return STRANGE[dice.below(STRANGE.len())].into();
    }
    match dice.below(6) {
        4 => return replace_character(text, dice),
        0 => mangled[from] = "",
        1 => mangled.insert(from, words[other]),
        2 => mangled.swap(from, other),
        3 => mangled[from] = STRANGE[dice.below(STRANGE.len())],
        _ => mangled.truncate(from),
    }
    mangled.concat()
}

fn replace_character(text: &str, dice: &mut Dice) -> String {
    let place = dice.below(text.chars().count());
    let other = char::from(dice.below(128) as u8);
    text.chars().enumerate().map(|(index, c)| if index == place { other } else { c }).collect()
}

#[test]
fn no_mangled_scenario_is_a_panic_or_more_than_a_line() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let context = crate::plan::PlanContext { cpus: 2, media_folder: "/media".into(), project: None };
    for _ in 0..4_000 {
        let mut text = WHOLE.to_string();
        for _ in 0..=dice.below(3) {
            text = mangle(&text, &mut dice);
        }
        match parse(&text) {
            Ok(scenario) if scenario.matrix.kept().count() < 40 => {
                drop(crate::plan::plan(&scenario, &context))
            }
            Ok(_) => (),
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    }
}

#[test]
fn depth_is_no_way_to_exhaust_the_stack() {
    let dotted = vec!["a"; 200_000].join(".");
    let texts = [
        format!("{dotted} = 1"),
        format!("[{dotted}]"),
        format!("[[{dotted}]]"),
        format!("a = {{ {dotted} = 1 }}"),
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}{}", "[".repeat(200_000), "]".repeat(200_000)),
        format!("a = {}", "{a=".repeat(200_000)),
        format!("question = \"{}\"", ".".repeat(200_000)),
    ];
    for text in texts {
        assert!(parse(&text).is_err());
        let change =
            text.parse::<Override>().and_then(|change| Scenario::parse(SMALL, Path::new("x"), &[change]));
        assert!(change.is_err() || text.starts_with("question"));
    }
}

#[test]
fn no_mangled_override_is_a_panic_or_more_than_a_line() {
    const SEEDS: &[&str] = &[
        "matrix.threading=single,parallel,{render=1}",
        "matrix.engine=a:melt@../m,ffmpeg",
        "timeline.tracks.0.children.0.clip=shot.3",
        "sources.shot.generate.count=4",
        "export={ size = \"640x360\" }",
        "matrix=\n1",
    ];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for _ in 0..2_000 {
        let text = mangle(SEEDS[dice.below(SEEDS.len())], &mut dice);
        let result = text
            .parse::<Override>()
            .map(|change| change.given_in(Path::new("/home")))
            .and_then(|change| Scenario::parse(WHOLE, Path::new("x"), &[change]));
        if let Err(error) = result {
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}

#[test]
fn budgets_are_read_for_all_and_for_some_variants() {
    let budgets = parse(WHOLE).unwrap().budgets;
    let of = |engine: &str| budgets.of(&[("engine".to_string(), engine.to_string())]);
    let budget = |engine: &str, figure: Figure| of(engine).iter().find(|(one, _)| *one == figure).unwrap().1;
    assert_eq!(budget("ffmpeg", Figure::Peak).limit, Some(419_430_400.0));
    let level =
        Budget { limit: Some(3e8), slack: Some(Slack { share: 0.05, amount: 4_194_304.0 }), soft: None };
    assert_eq!(budget("ffmpeg", Figure::Level), level);
    assert_eq!(
        budget("ffmpeg", Figure::CpuPerFrame),
        Budget { limit: Some(0.04), soft: Some(true), slack: None }
    );
    assert_eq!(budget("ffmpeg", Figure::FramesPerSecond).slack.unwrap().at(200.0), 20.0);
    assert_eq!((budget("melt", Figure::Peak).limit, of("melt").len()), (None, of("ffmpeg").len()));
    assert_eq!((budgets.allow, budgets.across_builds), (vec!["GROWS".to_string()], true));
}

#[test]
fn a_limit_that_stands_alone_is_changed_in_part_and_as_the_table_that_it_is_short_for() {
    let peak = |changes: &[&str]| {
        let text = format!("{SMALL}\n[budgets]\npeak = '1MiB'");
        let budgets = overridden(&text, changes).unwrap().budgets;
        budgets.of(&[])[0].1
    };
    let mib = |limit: f64, soft: Option<bool>| Budget { limit: Some(limit * 1_048_576.0), soft, slack: None };
    assert_eq!(peak(&["budgets.peak.soft=true"]), mib(1.0, Some(true)));
    assert_eq!(peak(&["budgets.peak.soft=true", "budgets.peak=3MiB"]), mib(3.0, Some(true)));
    assert_eq!(peak(&["budgets.peak=2MiB"]), mib(2.0, None));
}

#[test]
fn a_wrong_budget_says_what_would_be_right() {
    for (text, parts) in [
        ("budgets.paek = '1MiB'", &["unknown budget `paek`", "did you mean `peak`"][..]),
        ("budgets.peak = 'much'", &["`peak` must be an amount of memory like \"400MiB\""]),
        ("budgets.peak = -1", &["`peak` must be"]),
        ("budgets.peak = {}", &["neither `limit` nor `more`"]),
        ("budgets.frames_per_second = { more = '5%' }", &["unknown key `more`"]),
        ("budgets.level = { more = '-5%' }", &["a share like \"5%\""]),
        ("budgets.level = { more = 5 }", &["`more` must be a share like \"5%\", or an amount with its unit"]),
        ("budgets.threads = 2.5", &["`threads` must be a whole number"]),
        ("budgets.cpu_per_frame = '3 days'", &["a time like \"40ms\""]),
        ("budgets.allow = 'HEALTHY'", &["unknown finding `HEALTHY`"]),
        ("budgets.where = [{ peak = '1MiB' }]", &["names no axis"]),
        ("budgets.where = [{ engine = 'metl', peak = '1MiB' }]", &["unknown engine `metl`"]),
    ] {
        says(complaint_with(text), parts);
    }
    let error = overridden(SMALL, &["budgets.peak=lots"]).unwrap_err().to_string();
    says(error, &["override `budgets.peak=lots`", "an amount of memory"]);
}

#[test]
fn what_is_wrong_with_a_scenario_reads_like_this() {
    let clip = "[{ children = [{ clip = \"shot\", duration = 2 }] }]";
    let changed = [
        ("version = 1\n", ""),
        ("version = 1", "version = 2"),
        ("question = \"What?\"\n", ""),
        ("\"What?\"", "\" \""),
        ("sources.city.file = \"city.mp4\"", "sources.city = {}"),
        ("sources.city.file = \"city.mp4\"", "sources.\"a.b\".file = \"city.mp4\""),
        ("sources.city.file = \"city.mp4\"", "sources.city.file = \"\""),
        ("count = 40, seconds = 4", "count = 40"),
        ("count = 40", "count = 0"),
        ("seconds = 4", "seconds = 4, size = \"641x360\""),
        ("seconds = 4", "seconds = 4, options = { \"a b\" = 1 }"),
        (clip, "[]"),
        ("clip = \"shot\"", "clip = \"shto\""),
        ("clip = \"shot\"", "clip = \"shot.41\""),
        ("clip = \"shot\"", "gap = 1"),
        ("duration = 2", "duration = 0"),
        ("duration = 2", "duration = 5"),
        (", duration = 2", ""),
        ("] }]", "], repeat = 2, length = 4 }]"),
        ("] }]", "], repeat = 1000000 }]"),
        ("] }]", "], kind = \"audio\", audio = true }]"),
    ];
    let added = [
        "[export]\nprest = \"fast\"",
        "export.size = \"1280\"",
        "export.rate = 0",
        "export.encoder = \"lib x264\"",
        "export.preset = \"ultrafst\"",
        "export.sink = \"nul\"",
        "export.audio = 3",
        "matrix.engine = \"mlt\"",
        "matrix.engine = \"/opt/melt\"",
        "matrix.engine = \"a/b:melt\"",
        "matrix.engine = []",
        "matrix.threading = {}",
        "matrix.threading = \"parallel:0\"",
        "matrix.threading = [\"single\", \"single\"]",
        "matrix.sources = [4, 41]",
        "matrix.exclude = [{ engine = \"ffmpeg\" }]",
        "matrix.exclude = [{ engine = \"melt\" }]",
        "matrix.exports = 1001",
        "matrix.seed = -1",
        "limits.stall = 0",
        "sampling.interval = 0.0001",
        "budgets.paek = '1MiB'",
        "budgets.peak = 'much'",
        "budgets.peak = {}",
        "budgets.frames_per_second = 'fast'",
        "budgets.allow = 'HEALTHY'",
        "budgets.where = [{ peak = '1MiB' }]",
    ];
    let changed = changed.map(|(line, instead)| complaint(line, instead));
    let added = added.map(complaint_with);
    let overrides = ["export.prest=fast", "export.size", "budgets.peak=lots", "timeline.tracks.7.repeat=2"];
    let overridden = overrides.map(|text| {
        let change = text.parse::<Override>();
        let read = change.and_then(|change| Scenario::parse(SMALL, Path::new("scenarios/x.toml"), &[change]));
        read.expect_err(text).to_string()
    });
    insta::assert_snapshot!([&changed[..], &added, &overridden].concat().join("\n"));
}
