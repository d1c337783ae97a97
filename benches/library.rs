//! The library's own parts: what a tick of the sampler parses, what reading a trace takes, and what a
//! report works out.
//!
//! `cargo bench --bench library`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use memreel_judge::analysis::{Curve, ProgressClock};
use memreel_judge::judge;
use memreel_record::proc;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{CsvFile, Memory, RunContext, Sample, Series, SeriesFormat};

/// The files that are read at every tick, as this process has them.
fn parse_a_tick(criterion: &mut Criterion) {
    let read = |name: &str| std::fs::read(format!("/proc/self/{name}")).expect("this process has it");
    let (stat, statm, status, io) = (read("stat"), read("statm"), read("status"), read("io"));
    let mut group = criterion.benchmark_group("parse");
    group.bench_function("stat", |bench| {
        bench.iter(|| proc::stat(black_box(&stat)).map(|stat| stat.cpu_ticks))
    });
    group.bench_function("statm", |bench| bench.iter(|| proc::statm(black_box(&statm), 4096)));
    group.bench_function("status", |bench| bench.iter(|| proc::status(black_box(&status))));
    group.bench_function("io", |bench| bench.iter(|| proc::io(black_box(&io))));
    group.finish();
}

/// An hour at 50 Hz: memory that fills and then stays, a frame every 40 ms.
fn an_hour() -> Vec<Sample> {
    let sample = |tick: u64| Sample {
        t_s: tick as f64 * 0.02,
        frames_out: Some(Count::new(tick / 2)),
        rss_bytes: Some(Bytes::from_mib(60)),
        anon_bytes: Some(Bytes::from_kib(30_000 + tick.min(1_000) * 10)),
        ..Sample::default()
    };
    (0..180_000).map(sample).collect()
}

fn read_a_trace(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is room for a file");
    let path = folder.path().join("samples.csv");
    let mut file = CsvFile::create(&path).expect("it can be written");
    an_hour().iter().for_each(|sample| file.write(sample).expect("it can be written"));
    file.flush().expect("it can be written");
    criterion.bench_function("read an hour at 50 Hz", |bench| {
        bench.iter(|| memreel_trace::read_series(black_box(&path), SeriesFormat::Samples, &Memory::JUDGED));
    });
}

fn work_out_a_trace(criterion: &mut Criterion) {
    let series = Series::of(&an_hour(), &Memory::JUDGED);
    let memory = Memory::AnonymousAndSwap;
    let mut group = criterion.benchmark_group("an hour at 50 Hz");
    group.bench_function("verdict", |bench| {
        bench.iter(|| judge(black_box(&series), &RunContext::default()));
    });
    group.bench_function("line of a plot", |bench| {
        bench.iter(|| {
            let clock = ProgressClock::of_frames(black_box(&series));
            Curve::over_progress(&clock, &series, memory, 1600)
        });
    });
    group.finish();
}

criterion_group!(benches, parse_a_tick, read_a_trace, work_out_a_trace);
criterion_main!(benches);
