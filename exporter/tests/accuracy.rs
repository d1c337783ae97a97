//! Every exported frame is the one that the timeline asks for.

mod bench;

use bench::*;

/// Sources whose key frames are far apart, with B-frames, in three containers.
fn three_sources(bench: &Bench) -> [std::path::PathBuf; 3] {
    [
        bench.source("a.mp4", 1, 120, &[]),
        bench.source("b.ts", 2, 120, &["--keyframe-distance", "50"]),
        bench.source("c.mkv", 3, 120, &["--video-option", "bf=3"]),
    ]
}

#[test]
fn frames_are_those_of_the_timeline_in_any_container_with_any_threads() {
    let bench = Bench::new();
    let [a, b, c] = three_sources(&bench);
    let items =
        || vec![cut(&a, 37, 20), cut(&b, 11, 30), cut(&a, 70, 13), gap(5), cut(&c, 99, 20), cut(&a, 3, 7)];
    let timeline = bench.timeline(pal(), vec![video(items()), audio(items())]);
    let wanted =
        [run(1, 37, 20), run(2, 11, 30), run(1, 70, 13), black(5), run(3, 99, 20), run(1, 3, 7)].concat();
    for output in ["o.mp4", "o.mkv", "o.ts"] {
        for threads in ["1", "4"] {
            let exported = bench.export(&timeline, output, &["--threads", threads, "--video-option", "bf=2"]);
            assert_eq!(shown(&exported), wanted, "{output}, {threads} threads");
        }
    }
}

#[test]
fn a_clip_of_one_frame_may_begin_anywhere() {
    let bench = Bench::new();
    let open_gop = ["--video-option", "x264-params=open-gop=1:keyint=12:bframes=3"];
    let mpeg2 = ["--video-codec", "mpeg2video", "--video-option", "bf=2", "--keyframe-distance", "12"];
    let mpeg2 = [&mpeg2[..], &["--video-option", "b=4000000"]].concat();
    let sources = [
        bench.source("x264.mp4", 1, 120, &[]),
        bench.source("x264.ts", 2, 120, &["--keyframe-distance", "30"]),
        bench.source("open.mp4", 3, 120, &open_gop),
        bench.source("open.ts", 4, 120, &open_gop),
        bench.source("open.mkv", 5, 120, &open_gop),
        bench.source("mpeg2.ts", 6, 120, &mpeg2),
        // After a seek a program stream begins in the middle of a picture.
        bench.source("mpeg2.mpg", 9, 120, &[&mpeg2[..], &["--audio-codec", "mp2"]].concat()),
        bench.source("mpeg4.mp4", 7, 120, &["--video-codec", "mpeg4", "--video-option", "b=2000000"]),
        // Its decoder makes pictures of anything, so it must be given nothing before a key frame.
        bench.source("mpeg4.ts", 8, 120, &["--video-codec", "mpeg4", "--video-option", "b=2000000"]),
    ];
    for source in &sources {
        let number = shown(source)[0].unwrap().0;
        let places = scattered(25, 120);
        let items = places.iter().map(|&place| cut(source, place, 1)).collect();
        let timeline = bench.timeline(pal(), vec![video(items)]);
        let wanted: Vec<_> = places.iter().map(|&place| Some((number, place as u32))).collect();
        assert_eq!(shown(&bench.export(&timeline, "o.mp4", &[])), wanted, "{}", source.display());
    }
}

#[test]
fn the_last_frames_of_a_source_are_there_wherever_its_last_key_frame_is() {
    let bench = Bench::new();
    for (number, distance) in [(1, "7"), (2, "49"), (3, "98")] {
        for ending in ["mp4", "mkv", "ts"] {
            let options = ["--preset", "medium", "--video-option", "bf=3", "--keyframe-distance", distance];
            let source = bench.source(&format!("{distance}.{ending}"), number, 100, &options);
            let items = [99, 98, 96, 80].map(|place| cut(&source, place, 100 - place)).into();
            let timeline = bench.timeline(pal(), vec![video(items)]);
            let wanted: Vec<_> = [99, 98, 96, 80]
                .iter()
                .flat_map(|&place| place..100)
                .map(|frame| Some((number, frame as u32)))
                .collect();
            assert_eq!(shown(&bench.export(&timeline, "o.mp4", &[])), wanted, "{}", source.display());
        }
    }
}

#[test]
fn the_topmost_clip_is_seen_and_a_gap_shows_what_lies_below() {
    let bench = Bench::new();
    let (low, high) = (bench.source("low.mp4", 1, 60, &[]), bench.source("high.mp4", 2, 60, &[]));
    let bottom = video(vec![cut(&low, 5, 40)]);
    let top = video(vec![gap(10), cut(&high, 20, 8), gap(7), cut(&low, 50, 5), gap(20)]);
    let timeline = bench.timeline(pal(), vec![bottom, top]);
    let wanted =
        [run(1, 5, 10), run(2, 20, 8), run(1, 23, 7), run(1, 50, 5), run(1, 35, 10), black(10)].concat();
    assert_eq!(shown(&bench.export(&timeline, "o.mp4", &[])), wanted);
}

#[test]
fn sources_of_another_rate_show_the_frame_of_the_time() {
    let bench = Bench::new();
    let cases = [("30", 30u32, 1u32), ("24", 24, 1), ("29.97", 30_000, 1_001), ("50", 50, 1), ("60", 60, 1)];
    for (index, (name, above, below)) in cases.into_iter().enumerate() {
        for container in if below == 1 { &["mp4"][..] } else { &["mp4", "mkv", "ts"] } {
            let number = index as u16;
            let source = bench.source(&format!("s{name}.{container}"), number, 150, &["--rate", name]);
            let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 17, 40)])]);
            // The frame that has begun, where a quarter of a frame counts as begun. Containers round
            // timestamps to a millisecond, so close to that border either neighbour is right.
            for (found, frame) in shown(&bench.export(&timeline, "o.mp4", &[])).into_iter().zip(17..57) {
                let exact = f64::from(frame) / 25.0 * f64::from(above) / f64::from(below) + 0.25;
                let (source, found) = found.unwrap();
                assert_eq!(source, number);
                let border = exact.round() as u32;
                let at_border =
                    (exact - exact.round()).abs() < 0.06 && (found == border || found + 1 == border);
                assert!(found == exact as u32 || at_border, "{name} in {container}: {found} for {exact}");
            }
        }
    }
}

#[test]
fn an_export_of_another_rate_shows_the_frame_of_the_time() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 100, &[]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 10, 25), cut(&source, 50, 25)])]);
    let exported = shown(&bench.export(&timeline, "o.mp4", &["--rate", "50"]));
    let wanted: Vec<_> = (10..35).chain(50..75).flat_map(|frame| [Some((1, frame)); 2]).collect();
    assert_eq!(exported, wanted);
}

#[test]
fn lossless_pictures_pass_bit_by_bit() {
    let bench = Bench::new();
    let ffv1 = ["--video-codec", "ffv1", "--pixel-format", "yuv422p"];
    let x264 = ["--preset", "ultrafast", "--video-option", "qp=0", "--pixel-format", "yuv422p"];
    let sources = [bench.source("a.mkv", 1, 60, &ffv1), bench.source("b.mp4", 2, 60, &x264)];
    let items = vec![cut(&sources[0], 13, 20), cut(&sources[1], 31, 20), cut(&sources[0], 40, 10)];
    let timeline = bench.timeline(pal(), vec![video(items)]);
    let [a, b] = sources.each_ref().map(|source| frames(source));
    let wanted = [&a[13..33], &b[31..51], &a[40..50]].concat();
    for (output, codec) in [("o.mkv", &ffv1[..]), ("o.mp4", &x264[2..])] {
        for threads in ["1", "4"] {
            let exported =
                frames(&bench.export(&timeline, output, &[codec, &["--threads", threads]].concat()));
            let sums = |rows: &[FrameRow]| rows.iter().map(|row| row.checksum.clone()).collect::<Vec<_>>();
            assert_eq!(sums(&exported), sums(&wanted), "{output}, {threads} threads");
        }
    }
}

#[test]
fn a_barcode_survives_small_pictures_strong_compression_and_scaling() {
    let bench = Bench::new();
    let crf = ["--preset", "ultrafast", "--video-option", "crf=35"];
    let small = bench.source("small.mp4", 40_000, 50, &crf);
    assert_eq!(shown(&small), run(40_000, 0, 50));
    let large = bench.source("large.mp4", 50_001, 12, &[&crf[..], &["--size", "3840x2160"]].concat());
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&large, 2, 10), cut(&small, 5, 10)])]);
    for format in ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"] {
        for size in ["640x360", "320x180"] {
            let arguments = ["--size", size, "--pixel-format", format, "--video-option", "crf=35"];
            let exported = bench.export(&timeline, "o.mkv", &arguments);
            assert_eq!(
                shown(&exported),
                [run(50_001, 2, 10), run(40_000, 5, 10)].concat(),
                "{format} {size}"
            );
        }
    }
}

#[test]
fn black_is_black_in_the_output_format() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 10, &["--pixel-format", "yuv422p"]);
    let timeline = bench.timeline(pal(), vec![video(vec![gap(3), cut(&source, 0, 3)])]);
    let arguments = ["--video-codec", "ffv1", "--pixel-format", "yuv422p10le"];
    let exported = bench.export(&timeline, "o.mkv", &arguments);
    let rows = frames(&exported);
    let mut bytes = Vec::new();
    bytes.extend(64u16.to_le_bytes().repeat(320 * 180));
    bytes.extend(512u16.to_le_bytes().repeat(320 * 180));
    let sum = format!("{:08x}", crc32fast::hash(&bytes));
    assert!(rows[..3].iter().all(|row| row.checksum == sum), "{rows:?}");
    assert_eq!(rows[3].shown, Some((1, 0)));
}

/// The timeline file with each of these texts replaced once.
fn rewritten(timeline: &std::path::Path, pairs: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(timeline).unwrap();
    for (old, new) in pairs {
        assert!(text.contains(old), "{text}");
        text = text.replacen(old, new, 1);
    }
    std::fs::write(timeline, text).unwrap();
}

#[test]
fn media_that_begin_at_a_timecode_are_cut_by_it() {
    let bench = Bench::new();
    let source = bench.source("a.mp4", 1, 60, &["--no-audio"]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 30, 10)])]);
    let range = "\"available_range\": { \"start_time\": { \"value\": 90000, \"rate\": 90000 },
        \"duration\": { \"value\": 60, \"rate\": 25 } }, \"target_url\"";
    rewritten(&timeline, &[("\"target_url\"", range)]);
    assert_eq!(shown(&bench.export(&timeline, "o.mp4", &[])), run(1, 5, 10));
}

#[test]
fn what_is_disabled_is_neither_seen_nor_heard() {
    let bench = Bench::new();
    let source = bench.source("a.mp4", 1, 60, &[]);
    let items = || vec![cut(&source, 3, 20), cut(&source, 3, 20)];
    let heard = audio(vec![gap(60)]);
    let timeline = bench.timeline(pal(), vec![audio(items()), heard, video(items())]);
    rewritten(&timeline, &[("\"Track.1\"", "\"Track.1\", \"enabled\": false")]);
    let text = std::fs::read_to_string(&timeline).unwrap();
    let (before, last) = text.rsplit_once("\"Clip.2\"").unwrap();
    std::fs::write(&timeline, format!("{before}\"Clip.2\", \"enabled\": false{last}")).unwrap();
    let output = bench.export(&timeline, "o.mkv", &[]);
    assert_eq!(shown(&output), [run(1, 3, 20), black(40)].concat());
    assert_eq!(bursts(&output), Vec::<f64>::new());
}
