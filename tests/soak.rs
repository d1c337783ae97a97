//! Small matrices, disturbed in every way that `support/disturb.rs` lists: nothing that was whole is lost, and nothing
//! is left running.
//!
//! `make soak` does it for an hour, `make faults` writes what comes of each to `docs/faults.md`.

#[path = "support/disturb.rs"]
mod disturb;
mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use disturb::{DISTURBANCES, Disturbance, Facts, Lab, ending, undisturbed};
use memreel_judge::stats::random::Random;
use memreel_trace::units::Count;
use rustix::process::Signal;
use support::*;

/// How often each disturbance came, and how memreel ended then.
type Counts = BTreeMap<&'static str, BTreeMap<String, u32>>;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
}

/// Exports that are disturbed.
struct Soak {
    engine: &'static str,
    /// What comes of them undisturbed.
    whole: Facts,
    counts: Mutex<Counts>,
}

impl Soak {
    fn of(engine: &'static str) -> Soak {
        Soak { engine, whole: undisturbed(engine), counts: Mutex::default() }
    }

    fn disturb(&self, disturbance: &'static Disturbance, seed: u64) {
        let begun = Instant::now();
        let ended = ending(&Lab::new(seed, self.engine).disturb(disturbance, &self.whole));
        let (name, took) = (disturbance.name, begun.elapsed().as_secs_f64());
        println!("seed {seed}: {}, {name}: {ended}, {took:.1} s", self.engine);
        *self.counts.lock().unwrap().entry(name).or_default().entry(ended).or_default() += 1;
    }
}

#[test]
fn of_six_kills_none_leaves_anything_running_or_loses_what_was_whole() {
    kills("ffmpeg", 6, 1);
}

#[test]
fn a_memreel_that_is_killed_loses_the_samples_of_the_last_second_at_most() {
    let ran = Lab::new(0, "ffmpeg").kill_late();
    assert!(ran > Duration::from_secs(3), "{ran:?}");
}

#[test]
#[ignore = "minutes; `make soak` and `make test-all` run it"]
fn of_forty_kills_none_leaves_anything_running_or_loses_what_was_whole() {
    kills("ffmpeg", 25, setting("SOAK_SEED", 1));
    kills("melt", 15, setting("SOAK_SEED", 1));
}

/// Kills memreel, a launcher of its, or both, so many times, two at a time.
fn kills(engine: &'static str, number: usize, seed: u64) {
    let soak = Soak::of(engine);
    let kills = DISTURBANCES.iter().filter(|one| one.is_kill).cycle();
    let kills = Mutex::new(kills.take(number).zip(1000 * seed..));
    let next = || kills.lock().unwrap().next();
    // An export has one thread.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((kill, seed)) = next() {
                    soak.disturb(kill, seed);
                }
            });
        }
    });
    print!("{}", table(&soak));
}

#[test]
#[ignore = "SOAK_MINUTES, an hour if not set: `make soak`"]
fn an_hour_of_disturbances_loses_nothing_and_leaves_nothing() {
    let (minutes, seed) = (setting("SOAK_MINUTES", 60), setting("SOAK_SEED", u64::from(std::process::id())));
    println!("SOAK_SEED={seed}");
    let mut random = Random::seeded(seed);
    let soak = Soak::of("ffmpeg");
    let beside = Beside::start(minutes);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60 * minutes) {
        let disturbance = &DISTURBANCES[random.below(DISTURBANCES.len())];
        soak.disturb(disturbance, random.below(1 << 32) as u64);
    }
    print!("{}", table(&soak));
    println!("memreel itself: {}", beside.verdict());
}

/// A memreel that runs undisturbed meanwhile, recorded by another.
struct Beside {
    bench: Bench,
    recorder: Running,
}

impl Beside {
    fn start(minutes: u64) -> Beside {
        let bench = Bench::new();
        let text = "
            sources.shot.generate = { count = 2, seconds = 4, size = '160x90' }
            timeline.tracks = [{ children = [{ clip = 'shot', start = '13f', duration = '20f' }] }]
            export.preset = 'ultrafast'
            export.audio = false
            matrix.threading = 'single'
            matrix.repeats = 1000";
        bench.scenario("long", text);
        // On any machine more than there is time for.
        let length = (6 * minutes).max(60).to_string();
        let memreel = bench.memreel(&["run", "long.toml", "--length", &length]);
        let words = memreel.get_args().map(|word| word.to_str().unwrap());
        let program = memreel.get_program().to_str().unwrap();
        let record = ["record", "--quiet", "--interval", "0.1", "--save", "recording", "--", program];
        let arguments: Vec<_> = record.into_iter().chain(words).collect();
        let recorder = bench.start(&arguments);
        Beside { bench, recorder }
    }

    /// What the judge says of memreel's own memory; it holds no more files open at the end than at the beginning.
    fn verdict(mut self) -> String {
        assert!(!self.recorder.has_ended(), "{}{}", self.recorder.out(), self.recorder.err());
        // The recorder passes it on.
        self.recorder.signal(Signal::INT);
        let _ = self.recorder.wait();
        let recording = self.bench.path().join("recording");
        let samples = memreel_trace::read_samples(&recording.join("samples.csv")).unwrap();
        let alone = samples.iter().filter(|row| row.processes.is_some_and(|count| count.get() == 1));
        let files: Vec<_> = alone.filter_map(|row| row.descriptors).collect();
        let least = |files: &[Count]| files.iter().min().copied();
        // It may first have waited for media that others made, with fewer files open than while it exports.
        let settled = &files[files.len() / 4..];
        let (early, late) = settled.split_at(settled.len() / 2);
        assert!(early.len() > 9 && least(late) <= least(early), "open files: {early:?} {late:?}");
        let rows = memreel_trace::read_processes(&recording.join("processes.csv")).unwrap();
        let own = rows.iter().filter(|row| row.pid == rows[0].pid);
        let mut table = "t_s,anon_bytes\n".to_string();
        for row in own.filter(|row| row.anon_bytes.is_some()) {
            writeln!(table, "{},{}", row.t_s, row.anon_bytes.unwrap().get()).unwrap();
        }
        fs::write(self.bench.path().join("own.csv"), table).unwrap();
        let judged = self.bench.run(&["judge", "own.csv"]);
        let says = judged.expect(0).out.trim().to_string();
        let json = self.bench.run(&["judge", "--json", "own.csv"]).out;
        let verdict: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_ne!(verdict["verdict"], "grows", "{says}");
        says
    }
}

/// The table of faults, with how often each came where that is known.
fn table(soak: &Soak) -> String {
    let counts = soak.counts.lock().unwrap();
    let mut table = "| fault | memreel says | exit code | times |\n| --- | --- | --- | --- |\n".to_string();
    for one in DISTURBANCES {
        let times: u32 = counts.get(one.name).map_or(0, |endings| endings.values().sum());
        writeln!(table, "{}{times} |", row(one)).unwrap();
    }
    table
}

fn row(one: &Disturbance) -> String {
    let codes = one.codes.iter().map(i32::to_string).collect::<Vec<_>>().join(" or ");
    let (says, codes) = match one.codes {
        [] => ("nothing: it is gone".to_string(), "none"),
        _ => (format!("`{}`", one.says.replace('`', "")), codes.as_str()),
    };
    format!("| {} | {says} | {codes} | ", one.name)
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")
}

#[test]
#[ignore = "minutes; `make faults` runs it"]
fn the_table_of_faults_is_written() {
    let (each, seed) = (setting("FAULTS_EACH", 5), setting("SOAK_SEED", 1));
    let soak = Soak::of("ffmpeg");
    for (number, one) in DISTURBANCES.iter().enumerate() {
        (0..each).for_each(|time| soak.disturb(one, seed * 10_000 + 100 * number as u64 + time));
    }
    let text = fs::read_to_string(document()).unwrap();
    let (before, _) = text.split_once("| fault |").unwrap();
    fs::write(document(), format!("{before}{}", table(&soak))).unwrap();
}

#[test]
fn the_table_of_faults_has_every_one_that_is_tried_and_no_other() {
    let text = fs::read_to_string(document()).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert_eq!(rows.len(), DISTURBANCES.len(), "`make faults` writes the table");
    for (line, one) in rows.into_iter().zip(DISTURBANCES) {
        let times =
            line.strip_prefix(&row(one)).and_then(|rest| rest.strip_suffix(" |")?.parse::<u32>().ok());
        assert!(times.is_some_and(|times| times > 0), "`make faults` writes the table: {line}");
    }
}
