//! Results that were never measured, to report on in tests.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::store::{EnginesFiles, PlannedJob, ResultIndex, StoredResult, open_result, write_json};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{CsvFile, Outcome, RunRecord, Sample, ThreadSample};

/// A job to be made up.
pub struct MadeUp {
    engine: &'static str,
    threading: &'static str,
    repeat: u32,
    frames: u64,
    level: fn(f64) -> f64,
    fps: f64,
    outcome: Outcome,
    samples: bool,
    not_run: Option<String>,
}

impl MadeUp {
    /// An export of 1,000 frames that takes `level` MiB at each frame, 100 frames a second.
    pub fn new(engine: &'static str, threading: &'static str, level: fn(f64) -> f64) -> MadeUp {
        MadeUp {
            engine,
            threading,
            repeat: 1,
            frames: 1000,
            level,
            fps: 100.0,
            outcome: Outcome::Finished,
            samples: true,
            not_run: None,
        }
    }

    /// As another repeat.
    pub fn repeat(self, repeat: u32) -> MadeUp {
        MadeUp { repeat, ..self }
    }

    /// At another speed.
    pub fn fps(self, fps: f64) -> MadeUp {
        MadeUp { fps, ..self }
    }

    /// Ended so, after so many frames.
    pub fn ended(self, outcome: Outcome, frames: u64) -> MadeUp {
        MadeUp { outcome, frames, ..self }
    }

    /// Over before the first sample.
    pub fn unsampled(self) -> MadeUp {
        MadeUp { samples: false, ..self }
    }

    /// Not run at all.
    pub fn not_run(self, why: &str) -> MadeUp {
        MadeUp { not_run: Some(why.into()), ..self }
    }

    fn planned(&self) -> PlannedJob {
        PlannedJob {
            variant: vec![("engine".into(), self.engine.into()), ("threading".into(), self.threading.into())],
            place: 0,
            repeat: self.repeat,
            folder: match self.not_run {
                Some(_) => String::new(),
                None => format!("{}-{}-{}", self.engine, self.threading, self.repeat),
            },
            digest: "abc".into(),
            not_run: self.not_run.clone(),
        }
    }

    /// melt says only which frame it has taken in.
    fn counters(&self) -> &'static str {
        if self.engine == "melt" { "in" } else { "out" }
    }

    fn samples(&self) -> Vec<Sample> {
        let frames = (0..=self.frames).filter(|_| self.samples);
        let sample = |frame: u64| {
            let anonymous = Bytes::new(((self.level)(frame as f64) * f64::from(1 << 20)) as u64);
            Sample {
                t_s: 0.1 + frame as f64 / self.fps,
                frames_in: Some(Count::new(frame)).filter(|_| self.counters() == "in"),
                frames_out: Some(Count::new(frame)).filter(|_| self.counters() == "out"),
                rss_bytes: Some(anonymous + Bytes::from_mib(30)),
                anon_bytes: Some(anonymous),
                processes: Some(Count::new(1)),
                ..Sample::default()
            }
        };
        frames.map(sample).collect()
    }

    fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let mut samples = CsvFile::create(&folder.join("samples.csv")).unwrap();
        self.samples().iter().for_each(|sample| samples.write(sample).unwrap());
        samples.flush().unwrap();
        let mut threads = CsvFile::create(&folder.join("threads.csv")).unwrap();
        for tid in 1..=2 {
            let (t_s, name) = (1.0, memreel_trace::name(b"worker"));
            threads.write(&ThreadSample { t_s, pid: 1, tid, name, cpu_s: 0.5 }).unwrap();
        }
        threads.flush().unwrap();
        write_json(&folder.join("run.json"), &self.record()).unwrap();
    }

    fn record(&self) -> RunRecord {
        let threading = json!({"render": null, "decode": null, "filter": null, "encode": null});
        serde_json::from_value(json!({
            "format": "memreel-job/1", "digest": "abc", "scenario": "made-up",
            "variant": self.planned().variant, "repeat": self.repeat,
            "engine": {"name": self.engine, "path": "engine", "version": "1.2", "build": "b", "libraries": {}},
            "command": [], "environment": {},
            "requested_threading": threading, "effective_threading": threading, "notes": [],
            "timeline": {"digest": "t", "frames": 1000, "rate": "25/1", "clips": 4, "sources": 2},
            "media": [],
            "machine": {"system": "Linux", "kernel": "6.18", "cpu": "A CPU", "cpus": 2,
                "memory_bytes": 1u64 << 33, "swap_bytes": 0},
            "sampling": {"interval_s": 0.02, "samples": self.samples().len(), "late": 0, "missed": 1,
                "achieved_hz": 50.0, "pss": "none", "pss_reads": 0},
            "overhead": {"harness_cpu_s": 0.01, "sampler_cpu_s": 0.01, "held_s": 0.0,
                "harness_private_bytes": 4 << 20},
            "context": {"frames": 1000, "rate": 25.0, "cuts": [250, 500, 750], "first_uses": [0, 500],
                "container": "mp4", "packets_per_frame": 2.0, "frame_bytes": null,
                "counter_error_bytes": null, "frame_counters": self.counters()},
            "outcome": self.outcome, "started": "2026-01-01T00:00:00Z",
            "wall_s": 0.1 + self.frames as f64 / self.fps, "cpu_s": 2.0,
            "max_rss_bytes": 45 << 20, "output_bytes": null,
        }))
        .unwrap()
    }
}

/// Writes a result of these jobs into a folder and opens it.
pub fn result(folder: &Path, jobs: &[MadeUp]) -> StoredResult {
    for job in jobs.iter().filter(|job| job.not_run.is_none()) {
        job.write(&folder.join("jobs").join(job.planned().folder));
    }
    let index = ResultIndex {
        format: crate::store::FORMAT.into(),
        scenario: "made-up".into(),
        question: "What does threading cost & give?".into(),
        options: Vec::new(),
        is_opaque: false,
        project: None,
        scenario_path: "scenarios/made-up.toml".into(),
        scenario_text: String::new(),
        ships_with_memreel: false,
        overrides: Vec::new(),
        engines_files: EnginesFiles::default(),
        started: "2026-01-01T00:00:00Z".into(),
        varied: vec!["engine".into(), "threading".into()],
        seed: None,
        shard: None,
        machines: Vec::new(),
        jobs: jobs.iter().map(MadeUp::planned).collect(),
    };
    write_json(&folder.join("result.json"), &index).unwrap();
    open_result(folder).unwrap()
}
