//! What the sampler says of real processes.

mod support;

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memreel_record::sampler::{
    Happening, Instant, Live, ReadProgress, Row, Rows, Sampler, SamplerReport, Settings, Target,
};
use memreel_trace::Sample;
use memreel_trace::units::{Bytes, Count};
use support::{Patience, Stat};

const MS: Duration = Duration::from_millis(1);

fn sh(script: &str) -> Child {
    Command::new("sh").args(["-c", script]).spawn().unwrap()
}

fn start(process: &Child, interval: Duration, progress: Option<ReadProgress>) -> (Sampler, Rows) {
    let target = Target { root: process.id() as i32, adopter: None };
    let settings = Settings::every(interval);
    Sampler::start(target, settings, Instant::now(), Arc::new(Live::default()), progress).unwrap()
}

/// Samples a process until it ends.
fn all_rows(process: Child) -> (Vec<Row>, SamplerReport) {
    let mut process = process;
    let (sampler, mut rows) = start(&process, 5 * MS, None);
    process.wait().unwrap();
    let report = sampler.finish();
    (std::iter::from_fn(|| rows.take()).collect(), report)
}

fn samples(rows: &[Row]) -> Vec<Sample> {
    rows.iter().filter_map(|row| if let Row::Sample(sample) = row { Some(*sample) } else { None }).collect()
}

fn end(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn what_was_done_so_far_stays_done_when_a_child_ends() {
    let (rows, _) = all_rows(sh("sh -c 'sh -c \"ulimit -t 1; while :; do :; done\"; :'; sleep 0.5"));
    let samples = samples(&rows);
    let cpu: Vec<f64> = samples.iter().filter_map(|sample| sample.cpu_s).collect();
    assert!(cpu.is_sorted(), "{cpu:?}");
    assert!(*cpu.last().unwrap() > 0.3, "the child's time went with it: {cpu:?}");
    let read: Vec<Bytes> = samples.iter().filter_map(|sample| sample.read_bytes).collect();
    assert!(read.len() > 3 && read.is_sorted(), "{read:?}");
    let ended =
        |row: &&Row| matches!(row, Row::Event(seen) if matches!(seen.what, Happening::ProcessEnd { .. }));
    assert!(rows.iter().filter(ended).count() >= 2, "their ends are events");
}

#[test]
fn a_worker_that_was_forked_and_never_executes_counts() {
    // The part in parentheses is a copy of the shell.
    let (rows, _) = all_rows(sh("(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done) & wait"));
    let most = samples(&rows).iter().filter_map(|sample| sample.processes).max();
    assert_eq!(most, Some(Count::new(2)));
}

#[test]
fn the_time_of_children_too_short_to_be_seen_counts_when_they_were_waited_for() {
    let (rows, _) = all_rows(sh(
        "for i in $(seq 60); do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done; sleep 0.3",
    ));
    let last = samples(&rows).iter().rev().find_map(|sample| sample.cpu_s).unwrap();
    // As a child of its own, which is waited for, the whole takes as much again.
    let of_children = || Stat::read(Path::new("/proc/self/stat")).unwrap().of_children;
    let before = of_children();
    sh("for i in $(seq 60); do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done")
        .wait()
        .unwrap();
    let took = (of_children() - before).as_secs_f64();
    assert!(last > 0.4 * took, "{last} of about {took}");
}

#[test]
fn the_kinds_of_memory_add_up_to_the_whole() {
    let (rows, report) = all_rows(sh("sleep 0.5"));
    let samples = samples(&rows);
    let full: Vec<_> = samples.iter().filter(|sample| sample.file_bytes.is_some()).collect();
    assert!(full.len() > 2, "{report:?}");
    for sample in full {
        let parts = sample.anon_bytes.unwrap() + sample.file_bytes.unwrap() + sample.shmem_bytes.unwrap();
        // Another program may be executed between the two reads.
        assert!(parts.get().abs_diff(sample.rss_bytes.unwrap().get()) < 1 << 20, "{sample:?}");
    }
}

#[test]
fn rows_that_nobody_takes_are_lost_and_counted() {
    let process = sh("exec sleep 60");
    let (sampler, mut rows) = start(&process, Duration::from_micros(50), None);
    std::thread::sleep(2000 * MS);
    let report = sampler.finish();
    end(process);
    let kept = std::iter::from_fn(|| rows.take()).filter(|row| matches!(row, Row::Sample(_))).count() as u64;
    assert!(report.sampling.lost_rows > 0, "{report:?}");
    // Rows of other kinds were lost, too, and a few came before the ring was full.
    assert!(kept < report.sampling.samples, "{kept} of {report:?}");
    assert!(kept + report.sampling.lost_rows >= report.sampling.samples, "{kept} of {report:?}");
}

#[test]
fn without_deadlines_no_row_is_lost_however_slow_the_writer() {
    let process = sh("exec sleep 60");
    let (sampler, mut rows) = start(&process, Duration::ZERO, None);
    std::thread::sleep(500 * MS);
    let mut kept = 0;
    let deadline = std::time::Instant::now() + 300 * MS;
    while std::time::Instant::now() < deadline {
        kept += u64::from(matches!(rows.take(), Some(Row::Sample(_))));
    }
    let finishing = std::thread::spawn(move || sampler.finish());
    while !finishing.is_finished() {
        kept += u64::from(matches!(rows.take(), Some(Row::Sample(_))));
    }
    let report = finishing.join().unwrap();
    kept += std::iter::from_fn(|| rows.take()).filter(|row| matches!(row, Row::Sample(_))).count() as u64;
    end(process);
    assert_eq!((kept, report.sampling.lost_rows), (report.sampling.samples, 0));
}

#[test]
fn deadlines_that_were_overtaken_are_counted_and_told() {
    let process = sh("exec sleep 60");
    let slow = AtomicBool::new(true);
    // Runs on the sampling thread, which sleeps through nine deadlines once it has begun.
    let mut readings = 0;
    let progress = move || {
        readings += 1;
        if readings == 5 && slow.swap(false, Ordering::Relaxed) {
            std::thread::sleep(95 * MS);
        }
    };
    let (sampler, mut rows) = start(&process, 10 * MS, Some(Box::new(progress)));
    std::thread::sleep(300 * MS);
    let report = sampler.finish();
    end(process);
    assert!(report.sampling.missed >= 8, "{report:?}");
    let told: u64 = std::iter::from_fn(|| rows.take())
        .filter_map(|row| match row {
            Row::Event(seen) => match seen.what {
                Happening::MissedTicks(count) => Some(count),
                _ => None,
            },
            _ => None,
        })
        .sum();
    assert_eq!(told, report.sampling.missed);
}

#[test]
fn a_sampler_ends_at_once_however_long_its_interval() {
    let process = sh("exec sleep 60");
    let (sampler, _rows) = start(&process, Duration::from_secs(3600), None);
    let finishing = std::thread::spawn(move || sampler.finish());
    let mut patience = Patience::new();
    while !finishing.is_finished() {
        assert!(!patience.is_over(), "it waits for its interval");
        std::thread::sleep(MS);
    }
    let report = finishing.join().unwrap();
    end(process);
    assert_eq!(report.sampling.samples, 1);
}
