//! The engines export what the timeline asks for: frame by frame, with the sound in step, with the
//! threads that were asked for.
//!
//! Where sound is exported and only frames are looked at, it is encoded as MP2: AAC would take nine tenths of the time.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use memreel::store::StoredJob;
use memreel_trace::{FramesShownBy, Outcome};
use support::*;

/// The engines that take our timelines, with one thread and with several.
const ALL: &str = "
[matrix]
engine = ['ffmpeg', 'melt', 'mlt-python']
threading = ['single', 'parallel:2']
";

/// Asserts that every job of a scenario exported exactly these frames.
#[track_caller]
fn every_export_shows(text: &str, wanted: &[Option<(u16, u32)>]) {
    let bench = Bench::new();
    let result = bench.result_of("frames", text, &[]);
    assert_eq!(result.jobs.len(), result.index.jobs.len());
    for job in &result.jobs {
        let shown = shown(&export_of(&result, job));
        let first_wrong = shown.iter().zip(wanted).position(|(shown, wanted)| shown != wanted);
        assert_eq!(first_wrong, None, "{:?}: {shown:?}", job.record.command);
        assert_eq!(shown.len(), wanted.len(), "{:?}", job.record.command);
        assert_eq!(job.record.timeline.frames, Some(wanted.len() as u64));
    }
}

#[test]
fn cuts_between_key_frames_of_sources_with_b_frames_show_the_frames_asked_for() {
    let text = format!(
        "sources.shot.generate = {{ count = 2, seconds = 4, size = '320x180', preset = 'medium', options = {{ bf = '3' }} }}
         timeline.tracks = [{{ repeat = 3, children = [
            {{ clip = 'shot.1', start = '13f', duration = '20f' }}, {{ clip = 'shot.2', start = '61f', duration = '9f' }},
            {{ clip = 'shot.1', start = '97f', duration = '1f' }}, {{ clip = 'shot.2', start = '0f', duration = '12f' }},
            {{ clip = 'shot.1', start = '1f', duration = '7f' }} ] }}]
         export.preset = 'veryfast'
         export.audio = false
         export.options = {{ bf = '2' }}
         {ALL}"
    );
    let pattern = [shot(1, 13, 20), shot(2, 61, 9), shot(1, 97, 1), shot(2, 0, 12), shot(1, 1, 7)].concat();
    every_export_shows(&text, &pattern.repeat(3));
}

#[test]
fn two_sources_that_take_turns_show_the_frames_asked_for() {
    let text = format!(
        "sources.shot.generate = {{ count = 2, seconds = 2, size = '320x180' }}
         timeline.tracks = [{{ repeat = 20, children = [{{ clip = 'shot', start = 0.52, duration = '5f' }}] }}]
         export.preset = 'ultrafast'
         export.audio = false
         {ALL}"
    );
    every_export_shows(&text, &[shot(1, 13, 5), shot(2, 13, 5)].concat().repeat(20));
}

#[test]
fn forty_sources_show_the_frames_asked_for() {
    let text = format!(
        "sources.shot.generate = {{ count = 40, seconds = 1, size = '320x180' }}
         timeline.tracks = [{{ children = [{{ clip = 'shot', start = '7f', duration = '6f' }}] }}]
         export.preset = 'ultrafast'
         export.audio = false
         {ALL}"
    );
    let wanted: Vec<_> = (1..=40).flat_map(|source| shot(source, 7, 6)).collect();
    every_export_shows(&text, &wanted);
}

#[test]
fn gaps_are_black_and_show_what_lies_below() {
    let text = format!(
        "sources.low.generate = {{ seconds = 4, size = '320x180' }}
         sources.high.generate = {{ seconds = 4, size = '320x180' }}
         [[timeline.tracks]]
         children = [{{ clip = 'low', start = '10f', duration = '30f' }}, {{ gap = '10f' }},
                     {{ clip = 'low', start = '60f', duration = '20f' }}]
         [[timeline.tracks]]
         children = [{{ gap = '10f' }}, {{ clip = 'high', start = '5f', duration = '15f' }}, {{ gap = '30f' }},
                     {{ clip = 'high', start = '40f', duration = '15f' }}]
         [export]
         preset = 'ultrafast'
         audio = 'mp2'
         {ALL}"
    );
    let (low, high) = (1, 2);
    let wanted = [
        shot(low, 10, 10),
        shot(high, 5, 15),
        shot(low, 35, 5),
        black(10),
        shot(low, 60, 15),
        shot(high, 40, 15),
    ];
    every_export_shows(&text, &wanted.concat());
}

#[test]
fn all_layouts_show_the_same_frames_by_melt_and_by_the_binding() {
    let (low, high) = (1, 2);
    let text = "
        sources.low.generate = { seconds = 4, size = '320x180' }
        sources.high.generate = { seconds = 4, size = '320x180' }
        [[timeline.tracks]]
        children = [{ clip = 'low', start = '10f', duration = '40f' }, { gap = '10f' },
                    { clip = 'low', start = '60f', duration = '20f' }]
        [[timeline.tracks]]
        children = [{ gap = '20f' }, { clip = 'high', start = '5f', duration = '15f' }]
        [export]
        preset = 'ultrafast'
        audio = 'mp2'
        [matrix]
        engine = ['melt', 'mlt-python']
        layout = ['sections', 'stacked', 'flat']
        threading = 'default'";
    let wanted = [shot(low, 10, 20), shot(high, 5, 15), shot(low, 45, 5), black(10), shot(low, 60, 20)];
    every_export_shows(text, &wanted.concat());
}

#[test]
fn untold_engines_choose_how_to_encode_and_proxies_stand_in_for_originals() {
    let bench = Bench::new();
    let text = "
        sources.shot.generate = { count = 2, seconds = 2, size = '1280x720' }
        timeline.tracks = [{ children = [{ clip = 'shot', start = '5f', duration = '10f' }] }]
        export.encoder = 'default'
        export.size = '320x180'
        [matrix]
        engine = ['ffmpeg', 'melt', 'mlt-python']
        media = ['original', 'proxy']
        threading = 'default'";
    let result = bench.result_of("untold", text, &[]);
    assert_eq!(result.jobs.len(), 6);
    for job in &result.jobs {
        assert_eq!(shown(&export_of(&result, job)), [shot(1, 5, 10), shot(2, 5, 10)].concat());
        let told = |word: &str| job.record.command.iter().any(|argument| argument.contains(word));
        assert!(!told("vcodec=") && !told("--video-codec") && !told("acodec="), "{:?}", job.record.command);
        let proxies = job.record.variant.contains(&("media".into(), "proxy".into()));
        assert!(
            job.record
                .media
                .iter()
                .all(|file| file.path.extension().unwrap() == if proxies { "mkv" } else { "mp4" })
        );
    }
}

/// The mean luma of each picture of a file.
fn brightness(file: &Path) -> Vec<f64> {
    let source = format!("movie='{}',signalstats", file.display());
    let arguments = ["-v", "error", "-f", "lavfi", "-i", &source];
    let wanted = ["-show_entries", "frame_tags=lavfi.signalstats.YAVG", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(arguments).args(wanted).output().expect("ffprobe is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(',').parse().expect("a number a frame")).collect()
}

#[test]
fn where_no_track_has_a_clip_the_picture_is_black() {
    let bench = Bench::new();
    let text = format!(
        "sources.shot.generate = {{ seconds = 2, size = '320x180' }}
         timeline.tracks = [{{ children = [{{ clip = 'shot', duration = '10f' }}, {{ gap = '10f' }},
                                          {{ clip = 'shot', duration = '10f' }}] }}]
         [export]
         preset = 'ultrafast'
         audio = 'mp2'
         {ALL}"
    );
    let result = bench.result_of("gap", &text, &[]);
    for job in &result.jobs {
        let brightness = brightness(&export_of(&result, job));
        assert_eq!(brightness.len(), 30);
        // Black is 16 in the range that video has.
        assert!(brightness[10..20].iter().all(|&luma| luma < 17.0), "{brightness:?}");
        assert!(brightness[..10].iter().chain(&brightness[20..]).all(|&luma| luma > 50.0), "{brightness:?}");
    }
}

#[test]
fn melt_that_leaves_out_what_it_was_asked_for_has_not_finished() {
    let bench = Bench::new();
    let text = "
        sources.shot.generate = { seconds = 1, size = '320x180' }
        timeline.tracks = [{ children = [{ clip = 'shot', duration = '10f' }] }]
        export.preset = 'ultrafast'
        matrix.engine = 'ffmpeg'
        matrix.threading = 'single'";
    let short = bench.result_of("short", text, &[]);
    std::fs::copy(export_of(&short, &short.jobs[0]), bench.path().join("ten-frames.mp4")).unwrap();
    std::fs::write(bench.path().join("no-media.mp4"), "words").unwrap();
    let asked = |children: &str| {
        format!(
            "sources.short.file = 'ten-frames.mp4'
             sources.none.file = 'no-media.mp4'
             timeline.tracks = [{{ audio = false, children = [{children}] }}]
             export = {{ size = '320x180', preset = 'ultrafast', audio = false }}
             matrix.engine = 'melt'
             matrix.threading = 'parallel:2'"
        )
    };
    bench.scenario("long", &asked("{ clip = 'short', duration = '30f' }"));
    bench.run(&["run", "long.toml"]).expect(4).says(&["incomplete", "exported 10 frames instead of 30"]);
    bench.scenario("none", &asked("{ clip = 'none', duration = '10f' }"));
    bench.run(&["run", "none.toml"]).expect(4).says(&["exported without ", "no-media.mp4"]);
}

#[test]
fn a_timeline_that_begins_and_ends_with_a_gap_is_as_long_as_asked() {
    let text = format!(
        "sources.shot.generate = {{ seconds = 2, size = '320x180' }}
         [[timeline.tracks]]
         children = [{{ gap = '9f' }}, {{ clip = 'shot', start = '3f', duration = '11f' }}, {{ gap = '9f' }}]
         [export]
         preset = 'ultrafast'
         audio = 'mp2'
         {ALL}"
    );
    every_export_shows(&text, &[black(9), shot(1, 3, 11), black(9)].concat());
}

#[test]
fn a_rate_of_thirty_thousand_by_one_thousand_and_one_shows_the_frames_asked_for() {
    let text = format!(
        "sources.shot.generate = {{ count = 3, seconds = 3, size = '320x180' }}
         [timeline]
         rate = '30000/1001'
         tracks = [{{ repeat = 5, children = [{{ clip = 'shot', start = '17f', duration = '13f' }}] }}]
         [export]
         preset = 'ultrafast'
         audio = 'mp2'
         {ALL}"
    );
    every_export_shows(&text, &[shot(1, 17, 13), shot(2, 17, 13), shot(3, 17, 13)].concat().repeat(5));
}

/// Sources and exports in 4:2:2, so that melt converts nothing (see docs on its colour handling).
fn lossless_cuts_equal_their_sources(source: &str) {
    let bench = Bench::new();
    let text = format!(
        "sources.shot.generate = {{ count = 2, seconds = 2, size = '320x180', pixel_format = 'yuv422p', {source} }}
         timeline.tracks = [{{ repeat = 2, children = [{{ clip = 'shot', start = '13f', duration = '20f' }}] }}]
         [export]
         encoder = 'ffv1'
         audio = 'mp2'
         pixel_format = 'yuv422p'
         container = 'matroska'
         {ALL}"
    );
    let result = bench.result_of("lossless", &text, &[]);
    let media = result.jobs[0].record.media.iter().map(|media| media.path.as_path());
    let sources: HashMap<_, _> =
        media.flat_map(frames).map(|frame| (frame.code.unwrap(), frame.checksum)).collect();
    let wanted = [shot(1, 13, 20), shot(2, 13, 20)].concat().repeat(2);
    for job in &result.jobs {
        let exported = frames(&export_of(&result, job));
        assert_eq!(exported.iter().map(|frame| frame.code).collect::<Vec<_>>(), wanted);
        for frame in &exported {
            assert_eq!(frame.checksum, sources[&frame.code.unwrap()], "{frame:?}: {:?}", job.record.command);
        }
    }
}

#[test]
fn cuts_from_ffv1_are_exported_bit_by_bit() {
    lossless_cuts_equal_their_sources("codec = 'ffv1', container = 'matroska'");
}

#[test]
fn cuts_from_lossless_h264_are_exported_bit_by_bit() {
    lossless_cuts_equal_their_sources("codec = 'libx264', options = { qp = '0' }");
}

/// The sound of a source bursts at each of its whole seconds, so in an export it has to burst wherever a
/// frame is a whole second of its source.
#[track_caller]
fn sound_is_in_step(rate: &str, second: u32, threading: &str) {
    let bench = Bench::new();
    // Long enough that a drift of a thousandth would be two frames.
    let text = format!(
        "sources.shot.generate = {{ count = 3, seconds = 3, size = '192x108' }}
         [timeline]
         rate = '{rate}'
         tracks = [{{ repeat = 42, children = [{{ clip = 'shot', start = '13f', duration = '20f' }}] }}]
         [export]
         preset = 'ultrafast'
         [matrix]
         engine = ['ffmpeg', 'melt']
         threading = '{threading}'"
    );
    let result = bench.result_of("sound", &text, &[]);
    for job in &result.jobs {
        assert_eq!(job.record.timeline.clips, 126);
        let export = export_of(&result, job);
        let marked = |frame: &Shown| frame.code.is_some_and(|(_, number)| number % second == 0);
        let pictures: Vec<f64> = frames(&export).iter().filter(|&f| marked(f)).map(|f| f.seconds).collect();
        let sounds = bursts(&export);
        assert_eq!(pictures.len(), 126, "{:?}", job.record.command);
        assert_eq!(sounds.len(), pictures.len(), "{:?}", job.record.command);
        let apart: Vec<f64> = pictures.iter().zip(&sounds).map(|(picture, sound)| sound - picture).collect();
        let widest = apart.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
        assert!(widest.abs() < 0.002, "{widest} s apart: {:?}: {apart:?}", job.record.command);
    }
}

#[test]
fn after_126_cuts_sound_and_picture_are_less_than_two_milliseconds_apart() {
    sound_is_in_step("25", 25, "parallel:2");
}

#[test]
fn after_126_cuts_at_29_97_sound_and_picture_are_less_than_two_milliseconds_apart() {
    sound_is_in_step("30000/1001", 30, "single");
}

/// How long each stream of a file is, in seconds.
fn lengths(file: &Path) -> BTreeMap<String, f64> {
    let arguments = ["-v", "error", "-show_entries", "stream=codec_type,duration", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(arguments).arg(file).output().expect("ffprobe is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (kind, seconds) = line.split_once(',').unwrap();
        (kind.to_string(), seconds.trim().parse().unwrap())
    };
    text.lines().map(line).collect()
}

#[test]
fn sound_and_pictures_are_equally_long_to_a_packet() {
    let bench = Bench::new();
    let text = format!(
        "sources.shot.generate = {{ count = 3, seconds = 3, size = '320x180' }}
         timeline.tracks = [{{ repeat = 4, children = [{{ clip = 'shot', start = '13f', duration = '23f' }}] }}]
         [export]
         preset = 'ultrafast'
         {ALL}"
    );
    let result = bench.result_of("lengths", &text, &[]);
    for job in &result.jobs {
        let lengths = lengths(&export_of(&result, job));
        let wanted = 4.0 * 3.0 * 23.0 / 25.0;
        assert!((lengths["video"] - wanted).abs() < 0.001, "{lengths:?}: {:?}", job.record.command);
        // Sound comes in whole packets of AAC.
        assert!(
            (lengths["audio"] - wanted).abs() < 1024.0 / 48_000.0,
            "{lengths:?}: {:?}",
            job.record.command
        );
    }
}

#[test]
fn a_null_sink_counts_frames_and_leaves_no_file() {
    let bench = Bench::new();
    let text = "
        sources.shot.generate = { count = 2, seconds = 4, size = '320x180' }
        timeline.tracks = [{ repeat = 25, children = [{ clip = 'shot', start = '13f', duration = '20f' }] }]
        export.preset = 'ultrafast'
        export.audio = 'mp2'
        [matrix]
        engine = ['ffmpeg', 'melt']
        threading = 'single'
        sink = 'null'";
    let result = bench.result_of("null", text, &[]);
    let exports = result.folder.join("exports");
    assert!(!exports.exists() || std::fs::read_dir(exports).unwrap().next().is_none());
    for job in &result.jobs {
        assert_eq!(job.record.outcome, Outcome::Finished);
        assert_eq!(job.record.output_bytes, None);
        assert_eq!(job.record.frames_shown_by, Some(FramesShownBy::Counter));
        let counts = job.samples().unwrap().into_iter().filter_map(|sample| sample.frames());
        let most = counts.map(|count| count.get()).max().unwrap();
        // melt tells its position now and then, counted from 0.
        assert!(
            most == 1000 || job.record.engine.name == "melt" && (900..1000).contains(&most),
            "{most} frames"
        );
    }
}

/// Three clips of two sources, 60 frames.
const THREE_CLIPS: &str = "
sources.shot.generate = { count = 2, seconds = 2, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '20f' }, { clip = 'shot.1', duration = '20f' }] }]
export.preset = 'ultrafast'
export.audio = 'mp2'
matrix.threading = 'single'
";

/// The events of a kind: subject, and frames put out by then.
fn events(job: &StoredJob, kind: &str) -> Vec<(String, u64)> {
    let events = memreel_trace::read_events(&job.folder.join("events.csv")).unwrap();
    let of_kind = events.into_iter().filter(|event| event.kind == kind);
    of_kind.map(|event| (event.what, event.frames.map_or(0, |frames| frames.get()))).collect()
}

#[test]
fn several_exports_in_one_process_are_told_apart_in_the_record() {
    let bench = Bench::new();
    let more = ["--exports", "1,3", "--driver", "main,background", "--engine", "ffmpeg,mlt-python"];
    let result = bench.result_of("again", THREE_CLIPS, &more);
    for (engine, driver) in
        [("ffmpeg", "main"), ("ffmpeg", "background"), ("mlt-python", "main"), ("mlt-python", "background")]
    {
        let times = |exports: &str| {
            let asked = [("engine", engine), ("driver", driver), ("exports", exports)];
            let asked = asked.map(|(axis, value)| (axis.to_string(), value.to_string()));
            let mut jobs = result.jobs.iter();
            jobs.find(|job| asked.iter().all(|value| job.record.variant.contains(value))).unwrap()
        };
        let (once, thrice) = (times("1"), times("3"));
        let context = &thrice.record.context;
        assert_eq!(context.frames.map(|frames| frames.get()), Some(180));
        assert_eq!(context.exports, [60, 120]);
        assert_eq!(context.cuts, [20, 40, 80, 100, 140, 160]);
        assert_eq!(context.first_uses, [0, 20]);
        assert!(once.record.context.exports.is_empty());
        assert_eq!(once.record.context.cuts, [20, 40]);
        assert_eq!(thrice.record.timeline, once.record.timeline);
        let begun = ["1", "2", "3"].map(str::to_string).into_iter().zip([0, 60, 120]);
        assert_eq!(events(thrice, "export-start"), begun.collect::<Vec<_>>(), "{engine} {driver}");
        let ended = ["1", "2", "3"].map(str::to_string).into_iter().zip([60, 120, 180]);
        assert_eq!(events(thrice, "export-end"), ended.collect::<Vec<_>>());
        assert!(engine != "ffmpeg" || events(thrice, "source-open").len() == 6);
        assert_eq!(shown(&export_of(&result, thrice)), shown(&export_of(&result, once)));
        // It rests six samples after each.
        assert!(thrice.record.wall_s > 0.36, "{}", thrice.record.wall_s);
    }
}

#[test]
fn a_rest_between_exports_is_no_stall_however_long() {
    let bench = Bench::new();
    let more = ["--exports", "2", "--interval", "0.3", "--set", "limits.stall=1"];
    let result = bench.result_of("rest", THREE_CLIPS, &more);
    assert_eq!(result.jobs[0].record.outcome, Outcome::Finished);
    assert!(result.jobs[0].record.wall_s > 3.6, "{}", result.jobs[0].record.wall_s);
}

#[test]
fn melt_does_one_export_a_process_and_says_so() {
    let bench = Bench::new();
    bench.scenario("again", THREE_CLIPS);
    let ran = bench.run(&["plan", "again.toml", "--engine", "ffmpeg,melt", "--exports", "1,3"]);
    ran.expect(0).says(&["not run: melt runs one export per process, not 3", "3 times in one process"]);
}

/// An export that takes a second or two with one thread.
const LONG_ENOUGH: &str = "
sources.shot.generate = { count = 2, seconds = 4, size = '320x180' }
timeline.tracks = [{ repeat = 20, children = [{ clip = 'shot', start = '13f', duration = '20f' }] }]
export.preset = 'veryfast'
export.audio = 'mp2'
export.sink = 'null'
";

/// CPU seconds that each thread of a job was last seen with.
fn cpu_of_threads(job: &StoredJob) -> Vec<f64> {
    let mut longest = BTreeMap::new();
    for thread in job.threads().unwrap() {
        longest.insert(thread.tid, thread.cpu_s);
    }
    longest.into_values().collect()
}

fn busy(cpu: &[f64]) -> usize {
    let all: f64 = cpu.iter().sum();
    assert!(all > 0.5, "the job was too short to tell: {cpu:?}");
    cpu.iter().filter(|&&cpu| cpu > 0.05 * all).count()
}

/// Each different number of threads that samples show.
fn counts_of_threads(job: &StoredJob) -> Vec<u64> {
    let mut counts: Vec<_> =
        job.samples().unwrap().iter().filter_map(|sample| sample.threads).map(|count| count.get()).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

#[test]
fn single_threaded_ffmpeg_is_one_thread_from_beginning_to_end() {
    let bench = Bench::new();
    let result = bench.result_of("threads", LONG_ENOUGH, &["--threading", "single"]);
    let job = job(&result, &["single"]);
    assert_eq!(counts_of_threads(job), [1]);
    assert_eq!(cpu_of_threads(job).len(), 1);
    assert_eq!(busy(&cpu_of_threads(job)), 1);
}

#[test]
fn in_the_background_one_thread_works_and_one_waits() {
    let bench = Bench::new();
    let more = ["--threading", "single", "--driver", "background"];
    let result = bench.result_of("threads", LONG_ENOUGH, &more);
    let job = job(&result, &["background"]);
    assert_eq!(counts_of_threads(job), [1, 2]);
    let cpu = cpu_of_threads(job);
    assert_eq!((cpu.len(), busy(&cpu)), (2, 1), "{cpu:?}");
}

#[test]
fn parallel_engines_have_more_than_one_thread_at_work() {
    let bench = Bench::new();
    let more = ["--threading", "parallel:2", "--engine", "ffmpeg,melt"];
    let result = bench.result_of("threads", LONG_ENOUGH, &more);
    for job in &result.jobs {
        let cpu = cpu_of_threads(job);
        assert!(busy(&cpu) > 1, "{cpu:?}: {:?}", job.record.command);
    }
}

#[test]
fn frames_go_in_before_they_come_out_and_all_of_them_do() {
    let bench = Bench::new();
    // So rare that the last sample is taken well before the last frame.
    let more = ["--threading", "single,parallel:2", "--interval", "0.15"];
    let result = bench.result_of("counters", LONG_ENOUGH, &more);
    for job in &result.jobs {
        let samples = job.samples().unwrap();
        let counted = samples.iter().filter_map(|sample| Some((sample.frames_in?, sample.frames_out?)));
        let counted: Vec<_> = counted.map(|(taken, put)| (taken.get(), put.get())).collect();
        assert!(counted.iter().all(|(taken, put)| taken >= put), "{counted:?}");
        assert!(counted.is_sorted(), "{counted:?}");
        assert_eq!(counted.last(), Some(&(800, 800)), "{:?}", job.record.command);
        assert!(samples.is_sorted_by(|a, b| a.t_s < b.t_s));
    }
}

#[test]
fn single_threaded_melt_still_has_three_threads_and_its_counter_rises_towards_its_last_frame() {
    let bench = Bench::new();
    let result = bench.result_of("threads", LONG_ENOUGH, &["--threading", "single", "--engine", "melt"]);
    let job = job(&result, &["melt"]);
    assert_eq!(counts_of_threads(job).last(), Some(&3), "{:?}", counts_of_threads(job));
    assert_eq!(cpu_of_threads(job).len(), 3);

    let samples = job.samples().unwrap();
    assert!(samples.iter().all(|sample| sample.frames_out.is_none()));
    let counted: Vec<_> = samples.iter().filter_map(|sample| Some(sample.frames_in?.get())).collect();
    assert!(counted.is_sorted(), "{counted:?}");
    // melt tells its position now and then, counted from 0.
    assert!((700..800).contains(counted.last().unwrap()), "{counted:?}");
}

#[test]
fn the_record_says_which_threads_were_really_given() {
    let bench = Bench::new();
    let text = "
        sources.shot.generate = { seconds = 2, size = '320x180' }
        timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
        export.preset = 'ultrafast'
        [matrix]
        engine = ['ffmpeg', 'melt']
        threading = ['single', 'default', 'parallel:4']";
    let result = bench.result_of("effective", text, &[]);
    let given = |engine: &str, threading: &str| {
        let record = &job(&result, &[engine, threading]).record;
        let threads = record.effective_threading;
        ([threads.render, threads.decode, threads.filter, threads.encode], record.notes.join("; "))
    };
    assert_eq!(given("ffmpeg", "single"), ([Some(1); 4], String::new()));
    assert_eq!(given("ffmpeg", "default").0, [Some(2), None, None, None]);
    let (threads, notes) = given("ffmpeg", "parallel:4");
    assert_eq!(threads, [Some(2), Some(4), Some(4), Some(4)]);
    assert!(notes.contains("render = 4"), "{notes}");
    let (threads, notes) = given("melt", "single");
    assert_eq!(threads, [Some(1); 4]);
    assert!(notes.contains("three"), "{notes}");
    assert_eq!(given("melt", "default").0, [Some(1), None, None, None]);
    assert_eq!(given("melt", "parallel:4").0, [Some(4); 4]);
}

#[test]
fn what_melt_cannot_do_is_listed_with_the_reason_and_the_rest_runs() {
    let bench = Bench::new();
    bench.scenario(
        "driver",
        "sources.shot.generate = { seconds = 2, size = '320x180' }
         timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
         export.preset = 'ultrafast'
         [matrix]
         engine = ['ffmpeg', 'melt']
         driver = ['main', 'background']
         threading = 'parallel:2'",
    );
    let ran = bench.run(&["run", "driver.toml"]);
    ran.expect(0);
    assert!(ran.err.contains("melt is a command-line program"), "{}", ran.err);
    let outcomes: Vec<_> = summary(&bench.latest_folder("driver"))
        .iter()
        .map(|row| {
            (row["engine"].clone(), row["driver"].clone(), row["outcome"].clone(), row["detail"].clone())
        })
        .collect();
    for (engine, driver, outcome, detail) in &outcomes {
        let cannot = engine == "melt" && driver == "background";
        assert_eq!(outcome, if cannot { "not-run" } else { "finished" }, "{outcomes:?}");
        assert_eq!(detail.contains("melt is a command-line program"), cannot, "{outcomes:?}");
    }
    assert_eq!(outcomes.len(), 4);
}
