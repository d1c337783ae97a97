//! A sample of resident memory, as fast as can be, beside one bare read.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memreel_record::sampler::{self, Detail, Instant, Sampler, Settings, Target};
use memreel_record::writer::{SamplesFile, Sink, Writer};

use crate::MS;
use crate::subjects::{median, micros, resident};

pub fn floor(folder: &Path) {
    let target = resident();
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        bare.push(bare_reads(&target.pid()));
        ours.push(fastest_samples(&target.pid(), folder));
    }
    let (bare, ours) = (median(&bare), median(&ours));
    println!("  a bare pread of statm      {bare:6.2} µs of CPU");
    println!(
        "  a sample, written as CSV   {ours:6.2} µs of CPU, both threads; {:.2} × the floor (bar: 2)",
        ours / bare
    );
}

pub fn bare_reads(pid: &str) -> f64 {
    let file = File::open(format!("/proc/{pid}/statm")).expect("statm");
    let (mut buffer, times) = ([0; 256], 300_000);
    let before = sampler::thread_cpu();
    for _ in 0..times {
        file.read_at(&mut buffer, 0).expect("it can be read");
        std::hint::black_box(&buffer);
    }
    micros(sampler::thread_cpu() - before) / f64::from(times)
}

pub fn fastest_samples(pid: &str, folder: &Path) -> f64 {
    let before = sampler::process_cpu();
    let sinks: Vec<Box<dyn Sink>> =
        vec![Box::new(SamplesFile::create(&folder.join("fast.csv")).expect("a file"))];
    let settings = Settings { detail: Detail::Resident, ..Settings::every(Duration::ZERO) };
    let samples = sample_for(pid, settings, sinks, 1000 * MS);
    micros(sampler::process_cpu() - before) / samples as f64
}

pub fn sample_for(pid: &str, settings: Settings, sinks: Vec<Box<dyn Sink>>, duration: Duration) -> u64 {
    let target = Target { root: pid.parse().expect("a number"), adopter: None };
    let started = Sampler::start(target, settings, Instant::now(), Arc::default(), None);
    let (sampler, rows) = started.expect("it can be sampled");
    let (_nobody, events) = std::sync::mpsc::channel();
    let writer = Writer::start(rows, events, sinks).expect("a thread");
    std::thread::sleep(duration);
    let report = sampler.finish();
    writer.finish(None).expect("it can be written");
    report.sampling.samples
}
