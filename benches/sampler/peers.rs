//! A sample beside those of psrecord, mprof and con-duct.

use std::path::{Path, PathBuf};

use crate::MS;
use crate::subjects::{lines, measured, median, memreel, micros, peer, resident};
use crate::ticks::bare_loop;

/// A program that samples: its command for so many seconds, and the samples it then has taken.
pub struct Contestant {
    name: &'static str,
    command: fn(&Files, &str) -> Vec<String>,
    samples: fn(&Files) -> usize,
}

/// Where a contestant writes.
pub struct Files {
    folder: tempfile::TempDir,
    pid: String,
}

impl Files {
    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn words(&self, text: &str) -> Vec<String> {
        let fill = |word: &str| match word {
            "LOG" => self.log().to_string_lossy().into_owned(),
            "PID" => self.pid.clone(),
            word => word.to_string(),
        };
        text.split(' ').map(fill).collect()
    }
}

const AT_1_KHZ: &[Contestant] = &[
    Contestant {
        name: "memreel record, all columns",
        command: |files, seconds| {
            let options = format!("record --quiet --interval 0.001 --duration {seconds} --csv LOG PID");
            [vec![memreel()], files.words(&options)].concat()
        },
        samples: |files| lines(&files.log(), "") - 1,
    },
    Contestant {
        name: "memreel record, no interval",
        command: |files, seconds| {
            let options = format!("record --quiet --interval 0 --duration {seconds} --csv LOG PID");
            [vec![memreel()], files.words(&options)].concat()
        },
        samples: |files| lines(&files.log(), "") - 1,
    },
    Contestant {
        name: "psrecord 1.4, no interval",
        command: |files, seconds| {
            [vec![peer("psrecord")], files.words(&format!("PID --duration {seconds} --log LOG"))].concat()
        },
        samples: |files| lines(&files.log(), " "),
    },
    Contestant {
        name: "psrecord 1.4: RSS, CPU",
        command: |files, seconds| {
            [
                vec![peer("psrecord")],
                files.words(&format!("PID --interval 0.001 --duration {seconds} --log LOG")),
            ]
            .concat()
        },
        samples: |files| lines(&files.log(), " "),
    },
    Contestant {
        name: "mprof: RSS",
        command: |files, seconds| {
            let options = format!("run --nopython --interval 0.001 --output LOG sleep {seconds}");
            [vec![peer("mprof")], files.words(&options)].concat()
        },
        samples: |files| lines(&files.log(), "MEM"),
    },
    Contestant {
        name: "con-duct: RSS, CPU",
        command: |files, seconds| {
            let prefix = files.folder.path().join("duct-").to_string_lossy().into_owned();
            let options =
                "run --quiet --sample-interval 0.001 --report-interval 0.001 --fail-time 0 --clobber -p";
            [vec![peer("con-duct")], files.words(options), vec![prefix, "sleep".into(), seconds.into()]]
                .concat()
        },
        samples: |files| lines(&files.folder.path().join("duct-usage.jsonl"), "{"),
    },
];

/// What the second of two durations takes beyond the first: starting up and loading modules left out.
pub fn cpu_per_sample(contestant: &Contestant, pid: &str, folder: &Path) -> (f64, f64) {
    let [short, long] = ["2", "7"].map(|seconds| {
        let files = Files { folder: tempfile::tempdir_in(folder).expect("a folder"), pid: pid.to_string() };
        let command = (contestant.command)(&files, seconds);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let cpu = measured(&command, folder).cpu.expect("wait4 tells");
        (micros(cpu), (contestant.samples)(&files) as f64)
    });
    let samples = long.1 - short.1;
    ((long.0 - short.0) / samples, samples / 5.0)
}

pub fn peers(folder: &Path) {
    let target = resident();
    let mut sleeping = Vec::new();
    let rounds: Vec<Vec<(f64, f64)>> = (0..5)
        .map(|_| {
            sleeping.push(micros(bare_loop(MS, 3000).cpu) / 3000.0);
            AT_1_KHZ.iter().map(|contestant| cpu_per_sample(contestant, &target.pid(), folder)).collect()
        })
        .collect();
    let figure = |index: usize, of: fn(&(f64, f64)) -> f64| {
        median(&rounds.iter().map(|round| of(&round[index])).collect::<Vec<_>>())
    };
    let sleeping = median(&sleeping);
    println!("  {:<30} {sleeping:8.1} µs of CPU a wake-up", "a loop that only sleeps");
    let ours = figure(0, |row| row.0);
    for (index, contestant) in AT_1_KHZ.iter().enumerate() {
        let (cpu, hz) = (figure(index, |row| row.0), figure(index, |row| row.1));
        // Who has no interval does not sleep.
        let floor = if contestant.name.ends_with("no interval") { 0.0 } else { sleeping };
        println!(
            "  {:<30} {cpu:8.1} µs of CPU a sample, {hz:9.1} samples/s; {:6.1} × memreel; {:8.1} µs beyond the sleeping",
            contestant.name,
            cpu / ours,
            cpu - floor
        );
    }
}
