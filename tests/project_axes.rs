//! The axes of a project that cannot be edited: played several times, without something, or a part of it.

mod support;

use std::fs;
use std::path::PathBuf;

use memreel::store::{StoredJob, StoredResult};
use support::*;

/// Two generated sources of five seconds in a folder `media` beside the project.
fn sources(bench: &Bench) -> [String; 2] {
    let media = bench.path().join("media");
    fs::create_dir(&media).unwrap();
    let link = |path: &PathBuf| {
        let name = path.file_name().unwrap();
        fs::hard_link(path, media.join(name)).unwrap();
        name.to_str().unwrap().to_string()
    };
    let names: Vec<_> = bench.sources(2).iter().map(link).collect();
    names.try_into().unwrap()
}

/// Two tracks over black. The lower one plays a sequence twice: 20 frames of the first source, then 10 of the second. The
/// upper one shows 10 frames of the first in the middle. Paths are relative.
fn project(bench: &Bench) -> PathBuf {
    let [one, two] = sources(bench);
    let text = format!(
        r#"<mlt LC_NUMERIC="C">
  <profile width="320" height="180" progressive="1" frame_rate_num="25" frame_rate_den="1" colorspace="601"
    sample_aspect_num="1" sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9"/>
  <producer id="one" in="0" out="124"><property name="resource">media/{one}</property>
    <property name="mlt_service">avformat</property></producer>
  <producer id="above" in="0" out="124"><property name="resource">media/{one}</property>
    <property name="mlt_service">avformat</property></producer>
  <producer id="two" in="0" out="124"><property name="resource">media/{two}</property>
    <property name="mlt_service">avformat</property></producer>
  <producer id="black" in="0" out="59"><property name="resource">black</property>
    <property name="mlt_service">color</property></producer>
  <playlist id="sequence"><entry producer="one" in="10" out="29"/><entry producer="two" in="50" out="59"/></playlist>
  <playlist id="low"><property name="shotcut:name">V1</property>
    <entry producer="sequence" in="0" out="29"/><entry producer="sequence" in="0" out="29"/></playlist>
  <playlist id="high"><property name="shotcut:name">V2</property><blank length="25"/>
    <entry producer="above" in="90" out="99">
      <filter><property name="mlt_service">mono</property></filter></entry></playlist>
  <tractor id="all" in="0" out="59">
    <track producer="black"/><track producer="low"/><track producer="high"/>
    <transition><property name="a_track">1</property><property name="b_track">2</property>
      <property name="mlt_service">mix</property><property name="sum">1</property></transition>
    <filter><property name="mlt_service">volume</property><property name="gain">0.5</property></filter>
  </tractor>
</mlt>
"#
    );
    let path = bench.path().join("my.mlt");
    fs::write(&path, text).unwrap();
    path
}

/// What the file above plays.
fn all() -> Vec<Code> {
    [shot(1, 10, 20), shot(2, 50, 5), shot(1, 90, 10), shot(1, 15, 15), shot(2, 50, 10)].concat()
}

/// Exports the project with these engines.
fn exported(bench: &Bench, engines: &str, more: &[&str]) -> StoredResult {
    let usual = ["run", "my.mlt", "--engine", engines, "--encoder", "libx264", "--preset", "ultrafast"];
    let silent = ["--set", "export.audio=false", "--keep-exports", "--stall-limit", "15"];
    bench.result_of_command("my", &[&usual[..], &silent, more].concat())
}

fn shown_by(result: &StoredResult, job: &StoredJob) -> Vec<Code> {
    shown(&export_of(result, job))
}

#[test]
fn a_project_is_played_several_times_in_one_export_and_a_part_of_it_alone() {
    let bench = Bench::new();
    let before = fs::read(project(&bench)).unwrap();
    let result = exported(&bench, "melt,mlt-python", &["--times", "1,3", "--part", "all,10f..40f"]);
    let part = all()[10..40].to_vec();
    for engine in ["melt", "mlt-python"] {
        for (times, part, once) in [
            ("1", "all", all()),
            ("3", "all", all()),
            ("1", "10f..40f", part.clone()),
            ("3", "10f..40f", part.clone()),
        ] {
            let is_it = |job: &&StoredJob| {
                let has = |axis: &str, value: &str| job.record.variant.contains(&(axis.into(), value.into()));
                has("engine", engine) && has("times", times) && has("part", part)
            };
            let job = result.jobs.iter().find(is_it).unwrap();
            let wanted = once.repeat(times.parse().unwrap());
            assert_eq!(shown_by(&result, job), wanted, "{engine}, times {times}, part {part}");
            assert_eq!(job.record.timeline.frames, Some(wanted.len() as u64));
        }
    }
    let thrice = job(&result, &["melt", "3", "all"]);
    let once: Vec<u64> = vec![20, 25, 30, 50];
    let again =
        |begin: u64| [begin].into_iter().chain(once.iter().map(move |cut| begin + cut)).collect::<Vec<_>>();
    assert_eq!(thrice.record.context.cuts, [once.clone(), again(60), again(120)].concat());
    assert_eq!(thrice.record.context.first_uses, [0, 20]);
    assert_eq!(fs::read(bench.path().join("my.mlt")).unwrap(), before, "the original");
}

#[test]
fn a_project_is_exported_without_a_track_a_clip_or_a_service() {
    let bench = Bench::new();
    project(&bench);
    let result = exported(
        &bench,
        "melt,mlt-python",
        &["--without", "track:1,track:2,clip:2,clip:4,filters,transitions,volume"],
    );
    let low = [shot(1, 10, 20), shot(2, 50, 10), shot(1, 10, 20), shot(2, 50, 10)].concat();
    let cut = |range: std::ops::Range<usize>, frames: &[Code]| {
        let mut frames = frames.to_vec();
        frames[range].fill(None);
        frames
    };
    let high_alone = cut(35..60, &cut(0..25, &all()));
    for (without, wanted) in [
        ("nothing", all()),
        ("track:1", high_alone),
        ("track:2", low),
        // The sequence is played twice, and only one playing of its second clip is gone.
        ("clip:2", cut(20..25, &all())),
        ("clip:4", cut(35..50, &all())),
        ("filters", all()),
        ("transitions", all()),
        ("volume", all()),
    ] {
        for engine in ["melt", "mlt-python"] {
            let job = job(&result, &[engine, without]);
            assert_eq!(shown_by(&result, job), wanted, "{engine} without {without}");
            let cuts = memreel_projects::project::open(&timeline_of(&bench, job)).unwrap().cuts;
            assert_eq!(job.record.context.cuts, cuts, "{engine} without {without}");
        }
    }
    let of = |without: &str| {
        memreel_projects::project::open(&timeline_of(&bench, job(&result, &["melt", without]))).unwrap()
    };
    assert_eq!((of("filters").filters.len(), of("filters").transitions.len()), (0, 1));
    assert_eq!((of("transitions").filters.len(), of("transitions").transitions.len()), (2, 0));
    assert_eq!(of("volume").filters.keys().collect::<Vec<_>>(), ["mono"]);
}

/// The graph that a job exported.
fn timeline_of(bench: &Bench, job: &StoredJob) -> PathBuf {
    let is_graph = |word: &&String| word.ends_with(".mlt");
    bench.path().join(job.record.command.iter().find(is_graph).unwrap())
}

#[test]
fn a_project_is_exported_several_times_in_one_process_by_the_binding_as_it_is_and_changed() {
    let bench = Bench::new();
    project(&bench);
    let more = ["--exports", "3", "--without", "track:2", "--env", CACHES];
    let result = exported(&bench, "mlt-python", &more);
    let low = [shot(1, 10, 20), shot(2, 50, 10), shot(1, 10, 20), shot(2, 50, 10)].concat();
    for (without, wanted) in [("nothing", all()), ("track:2", low)] {
        for cache in ["2", "100"] {
            let job = job(&result, &[without, cache]);
            assert_eq!(shown_by(&result, job), wanted, "the last export, without {without}");
            assert_eq!(job.record.context.exports, [60, 120]);
            let environment = job.record.environment.get("MLT_AVFORMAT_PRODUCER_CACHE");
            assert_eq!(environment, Some(&Some(cache.to_string())));
        }
    }
}

#[test]
fn a_command_of_ones_own_is_given_the_changed_copy() {
    let bench = Bench::new();
    project(&bench);
    let recipe = "[engines.mine]\ncommand = ['melt', '{project}', '-consumer', 'avformat:{output}', 'vcodec=libx264', \
                  'preset=ultrafast', 'real_time=0']\n";
    fs::write(bench.path().join("engines.toml"), recipe).unwrap();
    let options = ["--engines", "engines.toml", "--engine", "mine", "--times", "1,2", "--stall-limit", "15"];
    bench.run(&[&["run", "my.mlt"], &options[..]].concat()).expect(0);
    let frames: Vec<_> =
        bench.latest("my").jobs.iter().map(|job| job.record.timeline.frames.unwrap()).collect();
    assert_eq!(frames, [60, 120]);
}

/// How many opened sources MLT keeps at most.
const CACHES: &str = "MLT_AVFORMAT_PRODUCER_CACHE=2,100";

#[test]
fn what_cannot_be_changed_of_a_project_is_told_before_anything_runs() {
    let bench = Bench::new();
    project(&bench);
    let run = |more: &[&str]| bench.run(&[&["run", "my.mlt"], more].concat());
    run(&["--without", "gblur"])
        .expect(2)
        .complains(&["my.mlt: without gblur: no service \"gblur\"", "mix (1)"]);
    run(&["--part", "0..60s"]).expect(2).complains(&["part 0..60s: choose a part of its 60 frames"]);
    run(&["--times", "2", "--engine", "ffmpeg"]).expect(2).complains(&["cannot open .mlt projects"]);
    let listed = ["track 1    V1", "track 2    V2", "clip 3      from frame 25      media/", "clip 5 "];
    bench.run(&["inspect", "my.mlt", "--clips"]).expect(0).says(&listed);
}
