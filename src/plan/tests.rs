use super::*;
use memreel_timeline::{Item, TrackKind};
use std::collections::HashSet;
use std::path::Path;

const BASE: &str = r#"version = 1
question = "What?"
sources.shot.generate = { count = 4, seconds = 4 }
sources.mute.generate = { seconds = 4, audio = false }
"#;

pub(super) fn planned(more: &str) -> Plan {
    let scenario = Scenario::parse(&format!("{BASE}{more}"), Path::new("/s/x.toml"), &[]).unwrap();
    plan(&scenario, &PlanContext { cpus: 8, media_folder: "/media".into(), project: None })
}

pub(super) const ONE_TRACK: &str = "timeline.tracks = [{ children = [{ clip = 'shot', duration = 2 }] }]\n";

fn frames_of(items: &[Item]) -> Vec<u64> {
    items.iter().map(|item| item.duration().value).collect()
}

fn names_of(variant: &Variant) -> Vec<&str> {
    variant.input.script().unwrap().clips().map(|clip| clip.name.as_str()).collect()
}

#[test]
fn a_source_of_many_files_is_cut_one_after_another() {
    let plan = planned(
        "timeline.tracks = [{ children = [{ clip = 'shot', duration = 2 }, { gap = 1 }], audio = false }]",
    );
    let timeline = plan.variants[0].input.script().unwrap();
    assert_eq!(frames_of(&timeline.tracks[0].children), [50, 50, 50, 50, 25]);
    assert_eq!(names_of(&plan.variants[0]), ["shot.1", "shot.2", "shot.3", "shot.4"]);
    assert_eq!(plan.variants[0].media.len(), 4);
}

#[test]
fn generated_media_lie_under_their_digest() {
    let variant = &planned(ONE_TRACK).variants[0];
    let (path, media) = &variant.media[0];
    let Media::Generated(spec) = media else { panic!("generated") };
    assert_eq!(*path, Path::new("/media").join(format!("{}.mp4", spec.digest())));
    let paths: Vec<_> = variant.media.iter().map(|(path, _)| path.as_path()).collect();
    assert_eq!(variant.input.script().unwrap().media(), paths);
}

#[test]
fn a_length_trims_the_last_clip() {
    let plan = planned(
        "timeline.tracks = [{ children = [{ clip = 'shot.2', duration = 2 }, { gap = 1 }], length = 7 }]",
    );
    assert_eq!(frames_of(&plan.variants[0].input.script().unwrap().tracks[0].children), [50, 25, 50, 25, 25]);
    assert_eq!(plan.variants[0].media.len(), 1);
}

#[test]
fn a_length_shorter_than_the_pattern_uses_only_its_beginning() {
    let plan = planned("timeline.tracks = [{ children = [{ clip = 'shot', duration = 2 }], length = 3 }]");
    assert_eq!(plan.variants[0].input.script().unwrap().frames(), 75);
    assert_eq!(plan.variants[0].media.len(), 2);
}

#[test]
fn the_length_axis_makes_every_track_longer() {
    let track = |extent: &str| format!("{{ children = [{{ clip = 'shot.1', duration = 2 }}], {extent} }}");
    let plan = planned(&format!(
        "timeline.tracks = [{}, {}]\nmatrix.length = [1, 3]\nmatrix.threading = 'single'",
        track("repeat = 2"),
        track("length = 3"),
    ));
    let frames = |variant: &Variant| {
        let tracks = variant.input.script().unwrap().tracks.iter();
        tracks.map(|track| track.frames(variant.input.script().unwrap().rate)).collect::<Vec<_>>()
    };
    assert_eq!(frames(&plan.variants[0]), [100, 100, 75, 75]);
    assert_eq!(frames(&plan.variants[1]), [300, 300, 225, 225]);
    assert_eq!(plan.variants[1].label(), "length 3");
}

#[test]
fn a_longer_timeline_needs_no_source_again_that_it_has_done_with() {
    let plan = planned(
        "timeline.tracks = [{ children = [{ clip = 'shot', duration = 1 }] }]\nmatrix.length = 3\nmatrix.threading = 'single'",
    );
    let clips: Vec<_> = plan.variants[0].input.script().unwrap().tracks[0].children.iter().collect();
    let media = plan.variants[0].media.len();
    let changes = clips.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!((clips.len(), changes), (3 * media, media - 1));
}

#[test]
fn fewer_sources_keep_the_length() {
    let plan = planned(&format!("{ONE_TRACK}matrix.sources = [1, 3, 4]\nmatrix.threading = 'single'"));
    assert!(plan.variants.iter().all(|variant| variant.input.script().unwrap().frames() == 200));
    assert_eq!(plan.variants.iter().map(|variant| variant.media.len()).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(names_of(&plan.variants[1])[..4], ["shot.1", "shot.2", "shot.3", "shot.1"]);
}

#[test]
fn several_exports_in_one_process_rest_long_enough_for_six_samples() {
    let exports = |more: &str| {
        let plan =
            planned(&format!("{ONE_TRACK}matrix.exports = [1, 5]\nmatrix.threading = 'single'\n{more}"));
        plan.variants.iter().map(|one| (one.exports, one.rest.as_secs_f64())).collect::<Vec<_>>()
    };
    assert_eq!(exports(""), [(1, 0.0), (5, 0.12)]);
    assert_eq!(exports("sampling.interval = 0.001"), [(1, 0.0), (5, 0.1)]);
    assert_eq!(exports("sampling.interval = 10"), [(1, 0.0), (5, 60.0)]);
}

#[test]
fn the_exports_axis_repeats_the_export_not_the_timeline() {
    let plan = planned(&format!("{ONE_TRACK}matrix.exports = [1, 5]\nmatrix.threading = 'single'"));
    let frames: Vec<_> =
        plan.variants.iter().map(|one| (one.frames(), one.frames_of_all_exports())).collect();
    assert_eq!(frames, [(Some(200), Some(200)), (Some(200), Some(1000))]);
    assert_eq!(plan.variants[0].input.script().unwrap(), plan.variants[1].input.script().unwrap());
    assert_eq!(plan.variants.iter().map(Variant::label).collect::<Vec<_>>(), ["exports 1", "exports 5"]);
    assert_eq!(plan.variants[1].slug(), "ffmpeg-single-exports-5");
}

#[test]
fn sound_comes_along_where_there_is_any() {
    let plan = planned(
        "timeline.tracks = [{ children = [{ clip = 'mute', duration = 2 }, { clip = 'shot.1', duration = 2 }] }, { children = [{ clip = 'mute', duration = 2 }] }]",
    );
    let tracks = &plan.variants[0].input.script().unwrap().tracks;
    assert_eq!(tracks.iter().map(|track| track.name.as_str()).collect::<Vec<_>>(), ["V1", "A1", "V2"]);
    assert_eq!(tracks[1].kind, TrackKind::Audio);
    assert!(matches!(tracks[1].children[..], [Item::Gap { .. }, Item::Clip(_)]));
    assert_eq!(frames_of(&tracks[1].children), [50, 50]);
}

#[test]
fn an_axis_wins_over_the_export() {
    let plan = planned(&format!(
        "{ONE_TRACK}export.size = '1280x720'\nexport.audio_rate = 44100\nmatrix.size = '640x360'\nmatrix.audio = ['libopus', false]"
    ));
    assert!(plan.variants.iter().all(|variant| variant.export.size.to_string() == "640x360"));
    assert_eq!(plan.variants[0].export.audio, Some(Audio { encoder: "libopus".into(), rate: 44_100 }));
    assert_eq!(plan.variants.last().unwrap().export.audio, None);
}

#[test]
fn parallel_takes_the_cpus_that_the_context_tells() {
    let plan = planned(ONE_TRACK);
    let threads: Vec<_> = plan.variants.iter().map(|variant| variant.threading.encode).collect();
    assert_eq!(threads, [Some(1), Some(8)]);
    assert_eq!(plan.variants.iter().map(Variant::label).collect::<Vec<_>>(), ["single", "parallel"]);
    assert_eq!(plan.varied, [Axis::Threading]);
}

#[test]
fn excluded_combinations_are_dropped_and_counted() {
    let plan = planned(&format!(
        "{ONE_TRACK}matrix.engine = ['ffmpeg', 'melt']\nmatrix.driver = ['main', 'background']\n\
         matrix.exclude = [{{ engine = 'melt', driver = 'background' }}]"
    ));
    assert_eq!((plan.variants.len(), plan.excluded), (6, 2));
    assert!(
        !plan
            .variants
            .iter()
            .any(|one| one.engine.name == EngineName::Melt && one.driver == Driver::Background)
    );
    assert_eq!(plan.variants[0].label(), "ffmpeg · single · main");
}

/// The labels of a plan's jobs, repeat by repeat.
fn order(more: &str) -> Vec<Vec<String>> {
    let plan = planned(&format!("{ONE_TRACK}{more}"));
    let repeats = plan.jobs.chunk_by(|one, next| one.repeat == next.repeat);
    let labels = |jobs: &[Job]| jobs.iter().map(|&job| plan.variant(job).label().to_string()).collect();
    repeats.map(labels).collect()
}

const FOUR: &str = "matrix.threading = ['single', 'default', 'parallel', 'parallel:3']\n";

#[test]
fn every_repeat_runs_all_variants_once_in_an_order_of_its_own() {
    let order = order(&format!("{FOUR}matrix.repeats = 20"));
    let orders: HashSet<_> = order.iter().collect();
    assert_eq!(order.len(), 20);
    assert!(orders.len() > 10, "{orders:?}");
    let firsts: HashSet<_> = order.iter().map(|labels| &labels[0]).collect();
    assert_eq!(firsts.len(), 4);
    for labels in order {
        assert_eq!(labels.iter().collect::<HashSet<_>>().len(), 4, "{labels:?}");
    }
}

#[test]
fn the_order_is_the_same_today_on_any_machine() {
    // As `printf '1\n1\nffmpeg-single' | sha256sum` and so on sort.
    assert_eq!(order(FOUR)[0], ["parallel:3", "single", "threading default", "parallel"]);
}

#[test]
fn another_seed_is_another_order() {
    let with = |seed: u32| order(&format!("{FOUR}matrix.repeats = 5\nmatrix.seed = {seed}"));
    assert_eq!(with(1), order(&format!("{FOUR}matrix.repeats = 5")));
    assert_ne!(with(1), with(2));
}

#[test]
fn the_order_of_two_variants_is_the_same_whatever_others_there_are() {
    let two = ["single", "parallel:3"];
    let among_four = order(&format!("{FOUR}matrix.repeats = 20"));
    let without =
        |labels: Vec<String>| labels.into_iter().filter(|one| two.contains(&one.as_str())).collect();
    let among_four: Vec<Vec<_>> = among_four.into_iter().map(without).collect();
    assert_eq!(order("matrix.threading = ['parallel:3', 'single']\nmatrix.repeats = 20"), among_four);
}

const SIDES: &str = "matrix.engine = ['a:melt@/a', 'ffmpeg', 'b:melt@/b']\nmatrix.length = [1, 2, 4]\n";

/// What comes directly before a build in a repeat, if that is its other side.
fn is_led(labels: &[String], from: &str, to: &str, length: u32) -> bool {
    let place = |build: &str| {
        let label = format!("{build}:melt · single · length {length}");
        labels.iter().position(|one| *one == label).unwrap()
    };
    assert_eq!(place(from).abs_diff(place(to)), 1, "{labels:?}");
    place(from) < place(to)
}

#[test]
fn labelled_builds_that_are_alike_but_for_their_program_run_directly_after_each_other() {
    let single = "matrix.threading = ['single', 'parallel:3']\nmatrix.repeats = 10";
    for seed in 1..=20 {
        let order = order(&format!("{SIDES}{single}\nmatrix.seed = {seed}"));
        for length in [1, 2, 4] {
            let a_leads = order.iter().filter(|labels| is_led(labels, "a", "b", length)).count();
            assert_eq!(a_leads, 5, "{order:?}");
        }
        assert!(order.iter().all(|labels| labels.iter().collect::<HashSet<_>>().len() == 18));
    }
}

#[test]
fn which_build_leads_changes_with_the_seed_the_variant_and_from_one_pair_of_repeats_to_the_next() {
    let leads = |length: u32, seed: u32| {
        let more = format!(
            "{SIDES}matrix.threading = ['single', 'default']\nmatrix.repeats = 12\nmatrix.seed = {seed}"
        );
        order(&more).iter().map(|labels| is_led(labels, "a", "b", length)).collect::<Vec<_>>()
    };
    let led = leads(1, 1);
    for pair in led.chunks(2) {
        assert_ne!(pair[0], pair[1], "{led:?}");
    }
    let begins: HashSet<_> = led.chunks(2).map(|pair| pair[0]).collect();
    assert_eq!(begins.len(), 2, "{led:?}");
    assert_ne!(led, leads(2, 1));
    assert_ne!(led, leads(1, 2));
    assert_eq!(led, leads(1, 1));
}

#[test]
fn of_three_builds_each_leads_in_a_third_of_the_repeats() {
    let order = order(
        "matrix.engine = ['a:melt', 'b:melt', 'c:ffmpeg']\nmatrix.threading = 'single'\nmatrix.repeats = 9",
    );
    for build in ["a:melt", "b:melt", "c:ffmpeg"] {
        assert_eq!(order.iter().filter(|labels| labels[0] == build).count(), 3, "{order:?}");
    }
}

#[test]
fn builds_without_a_label_are_shuffled_like_any_others() {
    let apart = "matrix.engine = ['melt@/a', 'melt@/b', 'ffmpeg', 'rlvideo']\nmatrix.threading = 'single'\nmatrix.repeats = 20";
    let between = |labels: &Vec<String>| {
        let place = |build: &str| labels.iter().position(|label| label == build).unwrap();
        place("melt@/a").abs_diff(place("melt@/b")) > 1
    };
    assert!(order(apart).iter().any(between));
}

#[test]
fn slugs_are_file_names_that_differ_for_each_variant() {
    let plan = planned(&format!(
        "{ONE_TRACK}matrix.threading = ['default', 'parallel:3', {{ render = 1, encode = 2 }}]\n\
         matrix.preset = ['default', 'ultrafast']\nmatrix.rate = [25, '30000/1001']\nmatrix.length = [1, 2]\nmatrix.sources = [2, 'all']"
    ));
    let slugs: HashSet<_> = plan.variants.iter().map(Variant::slug).collect();
    assert_eq!(slugs.len(), plan.variants.len());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    assert!(slugs.iter().all(|slug| slug.chars().all(plain)), "{slugs:?}");
    assert_eq!(plan.variants[0].slug(), "ffmpeg-threading-default-sources-2");
    assert!(slugs.contains("ffmpeg-parallel-3-rate-30000-1001-preset-ultrafast-length-2"), "{slugs:?}");
}

/// Axis value, label and slug of each variant of these engines.
fn builds(engines: &str) -> Vec<[String; 3]> {
    let plan = planned(&format!("{ONE_TRACK}matrix.engine = {engines}\nmatrix.threading = 'single'"));
    let names = |one: &Variant| [one.axes[0].1.clone(), one.label().to_string(), one.slug().to_string()];
    plan.variants.iter().map(names).collect()
}

#[test]
fn engines_as_they_are_installed_are_named_by_their_names_alone() {
    let named = |name: &str, slug: &str| [name.to_string(), name.to_string(), slug.to_string()];
    assert_eq!(
        builds("['ffmpeg', 'melt', 'mlt-python', 'rlvideo']"),
        [
            named("ffmpeg", "ffmpeg-single"),
            named("melt", "melt-single"),
            named("mlt-python", "mlt-python-single"),
            named("rlvideo", "rlvideo-single")
        ]
    );
    assert_eq!(builds("'melt'"), [named("melt", "melt-single")]);
}

#[test]
fn builds_are_named_by_their_labels_or_by_what_tells_their_paths_apart() {
    let builds =
        builds("['melt', 'a:melt', 'b:melt', 'x:melt@/opt/1/melt', 'melt@/opt/1/melt', 'melt@/opt/2/melt']");
    let told: Vec<_> = builds.iter().map(|[value, label, _]| format!("{value} {label}")).collect();
    assert_eq!(
        told,
        [
            "melt melt",
            "a:melt a:melt",
            "b:melt b:melt",
            "x:melt x:melt",
            "melt@/opt/1/melt melt@1",
            "melt@/opt/2/melt melt@2"
        ]
    );
}

#[test]
fn no_two_builds_share_a_folder_and_whatever_others_there_are_it_is_the_same() {
    let all = ["melt", "a:melt", "a-melt:melt", "a:ffmpeg", "melt@/a-b", "melt@/a/b", "m:melt@/a/b"];
    let slugs: Vec<_> = builds(&format!("{all:?}")).into_iter().map(|[_, _, slug]| slug).collect();
    assert_eq!(slugs.iter().collect::<HashSet<_>>().len(), all.len(), "{slugs:?}");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    assert!(slugs.iter().all(|slug| slug.chars().all(plain)), "{slugs:?}");
    for (one, slug) in all.iter().zip(&slugs) {
        assert_eq!(builds(&format!("'{one}'"))[0][2], *slug);
    }
}

#[test]
fn every_variant_names_every_axis() {
    let variant = &planned(ONE_TRACK).variants[0];
    let axes: Vec<_> = variant.axes.iter().map(|(axis, _)| *axis).collect();
    assert_eq!(axes, Axis::ALL);
    assert!(variant.axes.contains(&(Axis::Preset, "default".into())));
    assert!(variant.axes.contains(&(Axis::Sources, "all".into())));
}

#[test]
fn the_same_scenario_gives_the_same_plan() {
    for (name, text) in crate::scenario::SHIPPED {
        let scenario = Scenario::parse(text, &Path::new("/s").join(name), &[]).unwrap();
        let context = PlanContext { cpus: 2, media_folder: "/media".into(), project: None };
        assert_eq!(plan(&scenario, &context), plan(&scenario, &context));
    }
}

#[test]
fn the_shipped_forty_clips_use_forty_sources_and_the_two_clips_two() {
    let media = |name: &str| {
        let (_, text) = crate::scenario::SHIPPED.iter().find(|(shipped, _)| *shipped == name).unwrap();
        let scenario = Scenario::parse(text, Path::new("x.toml"), &[]).unwrap();
        let plan = plan(&scenario, &PlanContext { cpus: 2, media_folder: "/media".into(), project: None });
        let variant = &plan.variants[0];
        (
            variant.input.script().unwrap().tracks[0].children.len(),
            variant.media.len(),
            variant.input.script().unwrap().frames(),
        )
    };
    assert_eq!(media("one-clip"), (1, 1, 2000));
    assert_eq!(media("two-clips"), (80, 2, 2000));
    assert_eq!(media("forty-clips"), (40, 40, 2000));
    assert_eq!(media("long"), (60, 4, 15_000));
    assert_eq!(media("uhd"), (40, 40, 200));
}
