//! Whether memreel itself grows.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use memreel_record::sampler::{self, Detail, Instant, Sampler, Settings, Target};
use memreel_record::writer::{SamplesFile, Sink, Writer};

use crate::subjects::{resident, this_program};

pub fn memory(_: &Path) {
    let target = resident();
    let status = Command::new(this_program()).args(["--ticks", &target.pid()]).status().expect("it starts");
    assert!(status.success(), "it failed");
}

pub fn ten_million_ticks(pid: i32) {
    let settings = Settings { detail: Detail::Resident, ..Settings::every(Duration::ZERO) };
    let target = Target { root: pid, adopter: None };
    let started = Sampler::start(target, settings, Instant::now(), Arc::default(), None);
    let (sampler, rows) = started.expect("it can be sampled");
    let (_nobody, events) = std::sync::mpsc::channel();
    let (counter, counted) = std::sync::mpsc::channel();
    let sinks: Vec<Box<dyn Sink>> = vec![
        Box::new(SamplesFile::create(Path::new("/dev/null")).expect("there is /dev/null")),
        Box::new(Count { ticks: 0, millions: counter }),
    ];
    let writer = Writer::start(rows, events, sinks).expect("a thread");
    for million in counted.iter().take(10) {
        let private = sampler::own_private_bytes().expect("smaps_rollup");
        println!("  after {million:>2} million ticks: {private} private");
    }
    sampler.finish();
    writer.finish(None).expect("it can be written");
}

/// Tells when each million is full.
pub struct Count {
    ticks: u64,
    millions: std::sync::mpsc::Sender<u64>,
}

impl Sink for Count {
    fn row(&mut self, row: &sampler::Row) -> Result<(), memreel_trace::TraceError> {
        self.ticks += u64::from(matches!(row, sampler::Row::Sample(_)));
        if self.ticks.is_multiple_of(1_000_000) && self.ticks > 0 {
            let _ = self.millions.send(self.ticks / 1_000_000);
        }
        Ok(())
    }

    fn event(&mut self, _: &memreel_trace::Event) -> Result<(), memreel_trace::TraceError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), memreel_trace::TraceError> {
        Ok(())
    }
}
