//! What stands in the output file: timestamps, lengths, sound in step with the picture.

mod bench;

use std::path::Path;

use bench::*;
use ffmpeg::{Packet, media};
use ffmpeg_next as ffmpeg;
use memreel_export::clock::units_as_seconds;

/// Timestamps of all packets of a stream, in seconds, as the file has them.
struct Timestamps {
    /// Matroska keeps none, and the reader cannot tell the first ones.
    decode: Vec<f64>,
    show: Vec<f64>,
    end: f64,
}

fn timestamps(path: &Path, kind: media::Type) -> Timestamps {
    memreel_export::libav::start(false).unwrap();
    let mut input = memreel_export::libav::open_input(path).unwrap();
    let stream = input.streams().best(kind).unwrap();
    let (index, unit) = (stream.index(), stream.time_base());
    let mut found = Timestamps { decode: Vec::new(), show: Vec::new(), end: f64::MIN };
    loop {
        let mut packet = Packet::empty();
        if packet.read(&mut input).is_err() {
            return found;
        }
        if packet.stream() == index {
            let pts = packet.pts().unwrap();
            found.decode.extend(packet.dts().map(|dts| units_as_seconds(dts, unit)));
            found.show.push(units_as_seconds(pts, unit));
            found.end = found.end.max(units_as_seconds(pts + packet.duration(), unit));
        }
    }
}

fn with_sound(bench: &Bench) -> std::path::PathBuf {
    let source = bench.source("s.mp4", 1, 100, &[]);
    let items = || vec![cut(&source, 20, 50), cut(&source, 5, 37)];
    bench.timeline(pal(), vec![video(items()), audio(items())])
}

#[test]
fn timestamps_rise_evenly_with_b_frames() {
    let bench = Bench::new();
    let timeline = with_sound(&bench);
    for output in ["o.mp4", "o.mkv", "o.ts"] {
        let arguments = ["--preset", "medium", "--video-codec", "libx264", "--video-option", "bf=3"];
        let exported = bench.export(&timeline, output, &arguments);
        let Timestamps { decode, mut show, .. } = timestamps(&exported, media::Type::Video);
        assert_eq!(show.len(), 87);
        assert!(decode.windows(2).all(|pair| pair[0] < pair[1]), "{output}: {decode:?}");
        let late = show.len() - decode.len();
        assert!(late <= 3, "{output} has decoding times");
        assert!(decode.iter().zip(&show[late..]).all(|(decode, show)| decode <= show), "{output}");
        assert!(show.windows(2).any(|pair| pair[0] > pair[1]), "{output} has no B-frames");
        show.sort_by(f64::total_cmp);
        for (number, at) in show.iter().enumerate() {
            assert!((at - show[0] - number as f64 * 0.04).abs() < 0.0011, "{output}: {number} at {at}");
        }
    }
}

#[test]
fn picture_and_sound_are_as_long_as_the_timeline() {
    let bench = Bench::new();
    let timeline = with_sound(&bench);
    for output in ["o.mp4", "o.mkv", "o.ts"] {
        let exported = bench.export(&timeline, output, &[]);
        let first = frames(&exported)[0].pts_s;
        for kind in [media::Type::Video, media::Type::Audio] {
            let end = timestamps(&exported, kind).end - first;
            assert!((end - 87.0 * 0.04).abs() <= 0.04, "{output}: {kind:?} ends at {end}");
        }
    }
}

#[test]
fn a_timeline_without_audio_tracks_has_no_sound() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 20, &[]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 0, 10)])]);
    let exported = bench.export(&timeline, "o.mp4", &[]);
    assert_eq!(memreel_export::libav::open_input(&exported).unwrap().nb_streams(), 1);
}

#[test]
fn sound_and_picture_are_in_step_at_the_end_of_a_long_timeline() {
    let bench = Bench::new();
    let ntsc = rate(30_000, 1_001);
    let arguments = ["--rate", "29.97", "--audio-rate", "44100"];
    let sources = [
        bench.source("a.mp4", 1, 150, &arguments),
        bench.source("b.ts", 2, 150, &arguments),
        bench.source("c.mkv", 3, 150, &arguments),
    ];
    let lengths = scattered(300, 7).into_iter().map(|length| 7 + length);
    let places = scattered(301, 130).into_iter().skip(1);
    let cuts: Vec<(usize, u64, u64)> = lengths
        .zip(places)
        .enumerate()
        .map(|(number, (length, place))| (number % 3, place, length))
        .collect();
    let items = || {
        cuts.iter().map(|&(source, place, length)| cut_at(&sources[source], place, length, ntsc)).collect()
    };
    let timeline = bench.timeline(ntsc, vec![video(items()), audio(items())]);
    let exported = bench.export(&timeline, "o.mp4", &[]);

    let (mut wanted, mut at) = (Vec::new(), 0);
    for &(_, place, length) in &cuts {
        let marked = (place..place + length).filter(|frame| frame % 30 == 0);
        wanted.extend(marked.map(|frame| (at + frame - place) as f64 * 1001.0 / 30000.0));
        at += length;
    }
    let found = bursts(&exported);
    assert_eq!(found.len(), wanted.len());
    assert!(*wanted.last().unwrap() > 90.0);
    for (wanted, found) in wanted.iter().zip(&found) {
        assert!((wanted - found).abs() < 0.005, "a burst at {found} s belongs at {wanted} s");
    }
}

#[test]
fn tracks_are_summed_and_a_source_without_sound_is_silent() {
    let bench = Bench::new();
    let loud = bench.source("loud.mp4", 1, 100, &[]);
    let mute = bench.source("mute.mp4", 2, 100, &["--no-audio"]);
    let pictures = video(vec![cut(&loud, 0, 100)]);
    let first = audio(vec![gap(10), cut(&loud, 25, 15), cut(&mute, 0, 40)]);
    let second = audio(vec![cut(&loud, 3, 20), cut(&mute, 0, 20), cut(&loud, 40, 50)]);
    let timeline = bench.timeline(pal(), vec![pictures, first, second]);
    let found = bursts(&bench.export(&timeline, "o.mp4", &[]));
    let wanted = [0.40, 40.0 * 0.04 + 0.40, 40.0 * 0.04 + 1.40];
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 0.005), "{found:?}");
}

#[test]
fn colors_are_those_of_the_first_clip() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 10, &["--size", "1280x720", "--preset", "ultrafast"]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 0, 10)])]);
    let exported = bench.export(&timeline, "o.mp4", &[]);
    let color = memreel_export::pictures::PictureReader::open(&exported, 1).unwrap().color();
    assert_eq!(color.space, ffmpeg::color::Space::BT709);
    assert_eq!(color.primaries, ffmpeg::color::Primaries::BT709);
    assert_eq!(color.range, ffmpeg::color::Range::MPEG);
}

#[test]
fn key_frames_are_the_encoders_own_choice() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 50, &["--keyframe-distance", "5"]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 0, 50)])]);
    let exported = bench.export(&timeline, "o.mp4", &[]);
    let mut input = memreel_export::libav::open_input(&exported).unwrap();
    let (mut packet, mut keys) = (Packet::empty(), 0);
    while packet.read(&mut input).is_ok() {
        keys += usize::from(packet.is_key());
        packet = Packet::empty();
    }
    assert_eq!(keys, 1);
}
