//! What sampling costs, beside the floor under it and beside psrecord, mprof and con-duct, in one run.
//!
//! `make bench-sampler`, or `cargo bench --bench sampler -- PART…`; without a part all of them. Figures are
//! medians of rounds in which the contestants take turns; CPU time, not wall time, wherever that answers
//! the question.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use memreel::engine::{self, JobFiles};
use memreel::run::{self, Launch, Limits, Measured, ProgressFormat, Stop};
use memreel::sampler::{self, Bell, Detail, Instant, Live, Sampler, Settings, Target};
use memreel::stats;
use memreel::writer::{SamplesFile, Sink, Writer};
use rustix::process::{Pid, Signal, kill_process_group};

use support::{companions, made_variants};

/// A part of the bench.
struct Part {
    name: &'static str,
    question: &'static str,
    run: fn(&Path),
}

const PARTS: &[Part] = &[
    Part {
        name: "floor",
        question: "What does a sample of resident memory cost, as fast as can be?",
        run: floor,
    },
    Part {
        name: "peers",
        question: "What does a sample cost, at 1 kHz and without an interval?",
        run: peers,
    },
    Part {
        name: "ticks",
        question: "How many deadlines are kept at 1 kHz under two busy loops?",
        run: ticks,
    },
    Part { name: "export", question: "What does sampling do to a real 720p export?", run: export },
    Part { name: "memory", question: "Does memreel itself grow over ten million ticks?", run: memory },
    Part { name: "start", question: "How long until the first sample?", run: start },
    Part { name: "crowd", question: "What do 5,000 unrelated processes cost?", run: crowd },
];

const MS: Duration = Duration::from_millis(1);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--hold") => return hold(arguments[1].parse().expect("MiB")),
        Some("--ticks") => return ten_million_ticks(arguments[1].parse().expect("a process")),
        _ => {}
    }
    // `cargo test --benches` only wants to know that it builds.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let wanted: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for part in PARTS.iter().filter(|part| wanted.is_empty() || wanted.iter().any(|name| *name == part.name))
    {
        println!("{}: {}", part.name, part.question);
        (part.run)(folder.path());
    }
}

// What is measured, and what disturbs.

/// A process that is ended when this goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command) -> Running {
        Running(command.stdout(Stdio::null()).spawn().expect("it starts"))
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// A process with 80 MiB of its own that does nothing.
fn resident() -> Running {
    let running = Running::start(Command::new(this_program()).args(["--hold", "80"]));
    std::thread::sleep(300 * MS);
    running
}

fn hold(mib: usize) {
    let memory: Vec<u8> = (0..mib << 20).map(|index| index as u8).collect();
    std::thread::sleep(Duration::from_secs(std::hint::black_box(&memory).len() as u64));
}

fn busy_loop() -> Running {
    Running::start(Command::new("sh").args(["-c", "while :; do :; done"]))
}

fn memreel() -> String {
    let folder = companions().launcher().expect("memreel-launch is built: `make build`");
    folder.with_file_name("memreel").to_string_lossy().into_owned()
}

fn peer(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin").join(name);
    assert!(path.exists(), "{} is not there: `make peers`", path.display());
    path.to_string_lossy().into_owned()
}

/// Runs a command by itself, to know what it took with all that it started.
fn measured(command: &[&str], folder: &Path) -> Measured {
    let launch = Launch {
        launcher: companions().launcher().expect("memreel-launch is built: `make build`"),
        command: command.iter().map(Into::into).collect(),
        environment: Default::default(),
        progress: None,
        limits: Limits { wall: Some(Duration::from_secs(300)), stall: None },
        interval: Duration::from_secs(3600),
    };
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let measured = run::measure(&launch, folder.path(), &Stop::default(), &Arc::default()).expect("measured");
    if !measured.outcome.is_finished() {
        let log = std::fs::read_to_string(folder.path().join("engine.log")).unwrap_or_default();
        panic!("{command:?}: {}\n{log}", measured.outcome);
    }
    measured
}

fn median(values: &[f64]) -> f64 {
    stats::median(values).unwrap_or(f64::NAN)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Lines of a file that begin like this.
fn lines(path: &Path, beginning: &str) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| line.starts_with(beginning)).count()
}

// floor

fn floor(folder: &Path) {
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

fn bare_reads(pid: &str) -> f64 {
    let file = File::open(format!("/proc/{pid}/statm")).expect("statm");
    let (mut buffer, times) = ([0; 256], 300_000);
    let before = sampler::thread_cpu();
    for _ in 0..times {
        file.read_at(&mut buffer, 0).expect("it can be read");
        std::hint::black_box(&buffer);
    }
    micros(sampler::thread_cpu() - before) / f64::from(times)
}

fn fastest_samples(pid: &str, folder: &Path) -> f64 {
    let before = sampler::process_cpu();
    let sinks: Vec<Box<dyn Sink>> =
        vec![Box::new(SamplesFile::create(&folder.join("fast.csv")).expect("a file"))];
    let settings = Settings { detail: Detail::Resident, ..Settings::every(Duration::ZERO) };
    let samples = sample_for(pid, settings, sinks, 1000 * MS);
    micros(sampler::process_cpu() - before) / samples as f64
}

fn sample_for(pid: &str, settings: Settings, sinks: Vec<Box<dyn Sink>>, duration: Duration) -> u64 {
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

// peers

/// A program that samples: its command for so many seconds, and the samples it then has taken.
struct Contestant {
    name: &'static str,
    command: fn(&Files, &str) -> Vec<String>,
    samples: fn(&Files) -> usize,
}

/// Where a contestant writes.
struct Files {
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
fn cpu_per_sample(contestant: &Contestant, pid: &str, folder: &Path) -> (f64, f64) {
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

fn peers(folder: &Path) {
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

// ticks

fn ticks(folder: &Path) {
    let target = resident();
    let _busy = [busy_loop(), busy_loop()];
    let mut missed: [Vec<f64>; 3] = Default::default();
    for _ in 0..5 {
        missed[0].push(bare_loop(MS, 6000).missed);
        missed[1].push(missed_by_memreel(&target.pid(), "--quiet", folder));
        missed[2].push(missed_by_memreel(&target.pid(), "--realtime", folder));
    }
    let names = ["a bare sleeping loop", "memreel record", "memreel record --realtime"];
    for (name, missed) in names.iter().zip(&missed) {
        let worst = missed.iter().copied().fold(0.0, f64::max);
        println!(
            "  {name:<26} misses {:6.3} % (median of 5; worst {:.3} %)",
            100.0 * median(missed),
            100.0 * worst
        );
    }
    println!("  bars: memreel ≤ the bare loop + 0.2 %; --realtime ≤ 0.5 %");
}

/// What a loop that only sleeps comes to.
struct BareLoop {
    /// The share of the deadlines that were overtaken by the next.
    missed: f64,
    cpu: Duration,
}

fn bare_loop(interval: Duration, deadlines: u32) -> BareLoop {
    let (bell, before) = (Bell::default(), sampler::thread_cpu());
    let mut deadline = Instant::now().after(interval);
    let mut missed = 0;
    let end = deadline.after(interval * deadlines);
    while deadline < end {
        bell.wait(0, deadline);
        deadline = deadline.after(interval);
        while Instant::now() > deadline {
            missed += 1;
            deadline = deadline.after(interval);
        }
    }
    BareLoop { missed: f64::from(missed) / f64::from(deadlines), cpu: sampler::thread_cpu() - before }
}

fn missed_by_memreel(pid: &str, option: &str, folder: &Path) -> f64 {
    let json = folder.join("ticks.json");
    let path = json.to_string_lossy().into_owned();
    measured(
        &[&memreel(), "record", "--interval", "0.001", "--duration", "6", option, "--json", &path, pid],
        folder,
    );
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&json).expect("a summary")).expect("JSON");
    let figure = |name: &str| record["sampling"][name].as_f64().expect(name);
    figure("missed") / (figure("samples") + figure("missed"))
}

// export

fn export(folder: &Path) {
    let short = Exporting::new(2, folder);
    println!("  {} frames of 1280x720, one thread", short.frames);
    equivalence(&short);
    let long = Exporting::new(5, folder);
    println!("  {} frames", long.frames);
    [(20 * MS, 0.2), (10 * MS, 0.4), (MS, 3.0)]
        .into_iter()
        .for_each(|(interval, bar)| accounted_cost(&long, interval, bar));
}

/// An export that can be repeated.
struct Exporting<'a> {
    folder: &'a Path,
    command: Vec<OsString>,
    environment: BTreeMap<String, Option<String>>,
    progress: ProgressFormat,
    frames: u64,
}

impl Exporting<'_> {
    /// Of twelve sources, each seen for so many seconds.
    fn new(seconds: u32, folder: &Path) -> Exporting<'_> {
        let variant = &made_variants(12, seconds, "default")[0];
        let engine = engine::find(variant.engine, &companions());
        let (ending, text) = engine.timeline(variant);
        let timeline = folder.join(format!("timeline-{seconds}.{ending}"));
        std::fs::write(&timeline, text).expect("the timeline can be written");
        let output = folder.join("export.mp4");
        let resolved = engine.resolve(variant, &JobFiles { timeline: &timeline, output: &output });
        Exporting {
            folder,
            command: resolved.command,
            environment: resolved.environment,
            progress: resolved.progress,
            frames: variant.timeline.frames(),
        }
    }

    /// As `memreel run` does it.
    fn sampled(&self, interval: Duration) -> Measured {
        self.measured(self.command.clone(), Some(self.progress), interval)
    }

    /// Without samples, and without anyone to tell its progress.
    fn unsampled(&self) -> Measured {
        let mut command = self.command.clone();
        if let Some(option) = command.iter().position(|word| word == "--progress-fd") {
            command.drain(option..=option + 1);
        }
        self.measured(command, None, Duration::from_secs(3600))
    }

    fn measured(
        &self,
        command: Vec<OsString>,
        progress: Option<ProgressFormat>,
        interval: Duration,
    ) -> Measured {
        let launch = Launch {
            launcher: companions().launcher().expect("memreel-launch is built: `make build`"),
            command,
            environment: self.environment.clone(),
            progress,
            limits: Limits { wall: Some(Duration::from_secs(300)), stall: None },
            interval,
        };
        let measured = run::measure(&launch, self.folder, &Stop::default(), &Arc::new(Live::default()));
        let measured = measured.expect("it can be measured");
        assert!(measured.outcome.is_finished(), "{}", measured.outcome);
        measured
    }
}

/// Pairs until the effect is known to within 5 %, both ways (two one-sided tests at 5 %: Schuirmann 1987).
fn equivalence(export: &Exporting<'_>) {
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    loop {
        let (without, with) = (export.unsampled(), export.sampled(20 * MS));
        cpu.push(
            (with.cpu.expect("wait4 tells").as_secs_f64() / without.cpu.expect("wait4").as_secs_f64()).ln(),
        );
        wall.push((with.wall.as_secs_f64() / without.wall.as_secs_f64()).ln());
        let within = |logarithms: &[f64]| {
            let interval = stats::mean_interval(logarithms, 0.90)?;
            Some((interval.low > 0.95_f64.ln() && interval.high < 1.05_f64.ln(), interval))
        };
        let (Some(cpu_within), Some(wall_within)) = (within(&cpu), within(&wall)) else { continue };
        if cpu.len() >= 60 || (cpu.len() >= 6 && cpu_within.0 && wall_within.0) {
            for (what, (holds, log)) in [("CPU", cpu_within), ("wall", wall_within)] {
                let word = if holds { "equivalent" } else { "NOT SHOWN to be equivalent" };
                let (middle, low, high) = (log.estimate.exp(), log.low.exp(), log.high.exp());
                println!(
                    "  {what:<4} sampled at 50 Hz / not sampled: {middle:.4} (90 % interval {low:.4} to {high:.4}), {} pairs: {word} within 5 %",
                    cpu.len()
                );
            }
            return;
        }
    }
}

/// CPU time of the whole harness and time for which it held the engine's memory map, in wall time; and what
/// a loop takes that only sleeps, beside the same export.
fn accounted_cost(export: &Exporting<'_>, interval: Duration, bar: f64) {
    let deadlines = (Duration::from_secs(4).as_nanos() / interval.as_nanos()) as u32;
    let (mut all, mut held, mut sleeping, mut wall) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let measured = export.sampled(interval);
        let (seconds, overhead) = (measured.wall.as_secs_f64(), measured.overhead);
        all.push((overhead.harness_cpu_s + overhead.held_s) / seconds);
        held.push(overhead.held_s / seconds);
        wall.push(seconds);
        std::thread::scope(|scope| {
            let alongside = scope.spawn(|| bare_loop(interval, deadlines));
            export.unsampled();
            sleeping.push(alongside.join().expect("it ends").cpu.as_secs_f64() / 4.0);
        });
    }
    let [all, held, sleeping] = [all, held, sleeping].map(|shares| 100.0 * median(&shares));
    println!(
        "  accounted cost at {:4.0} Hz over {:.1} s: {all:.3} % of wall time ({held:.3} % of it the memory map held; \
         bar: {bar} %); a loop that only sleeps takes {sleeping:.3} %",
        1.0 / interval.as_secs_f64(),
        median(&wall),
    );
}

// memory

fn memory(_: &Path) {
    let target = resident();
    let status = Command::new(this_program()).args(["--ticks", &target.pid()]).status().expect("it starts");
    assert!(status.success(), "it failed");
}

fn ten_million_ticks(pid: i32) {
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
struct Count {
    ticks: u64,
    millions: std::sync::mpsc::Sender<u64>,
}

impl Sink for Count {
    fn row(&mut self, row: &sampler::Row) -> Result<(), memreel::trace::TraceError> {
        self.ticks += u64::from(matches!(row, sampler::Row::Sample(_)));
        if self.ticks.is_multiple_of(1_000_000) && self.ticks > 0 {
            let _ = self.millions.send(self.ticks / 1_000_000);
        }
        Ok(())
    }

    fn event(&mut self, _: &memreel::trace::Event) -> Result<(), memreel::trace::TraceError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), memreel::trace::TraceError> {
        Ok(())
    }
}

// start

fn start(folder: &Path) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        ours.push(first_line(
            &[&memreel(), "record", "--quiet", "--csv", "LOG", "--", "sleep", "1"],
            2,
            folder,
        ));
        theirs.push(first_line(
            &[&peer("psrecord"), "sleep 1", "--interval", "0.02", "--log", "LOG"],
            2,
            folder,
        ));
    }
    println!("  memreel record: {:7.1} ms until its first sample is on disk", median(&ours));
    println!("  psrecord:       {:7.1} ms", median(&theirs));
}

/// Milliseconds until a file has so many lines; `LOG` stands for it.
fn first_line(command: &[&str], lines: usize, folder: &Path) -> f64 {
    let log = folder.join("first.log");
    let _ = std::fs::remove_file(&log);
    let path = log.to_string_lossy().into_owned();
    let words = command.iter().map(|word| if *word == "LOG" { path.as_str() } else { word });
    let began = std::time::Instant::now();
    let words: Vec<&str> = words.collect();
    let _running = Running::start(Command::new(words[0]).args(&words[1..]));
    loop {
        let text = std::fs::read(&log).unwrap_or_default();
        if text.iter().filter(|&&byte| byte == b'\n').count() >= lines {
            return began.elapsed().as_secs_f64() * 1e3;
        }
        std::thread::sleep(Duration::from_micros(100));
        assert!(began.elapsed() < Duration::from_secs(20), "no sample from {words:?}");
    }
}

// crowd

fn crowd(folder: &Path) {
    let target = resident();
    let figures = |title: &str| {
        let ours = wall_share(
            &[&memreel(), "record", "--quiet", "--csv", "/dev/null", "--duration", "5", &target.pid()],
            folder,
        );
        let theirs = wall_share(
            &[
                &peer("psrecord"),
                &target.pid(),
                "--interval",
                "0.02",
                "--duration",
                "5",
                "--include-children",
                "--log",
                "/dev/null",
            ],
            folder,
        );
        println!(
            "  {title:<22} memreel {ours:6.2} % of a core at 50 Hz, psrecord --include-children {theirs:6.2} %"
        );
    };
    figures("alone:");
    let script = "i=0; while [ $i -lt 5000 ]; do sleep 1000 & i=$((i+1)); done; wait";
    let crowd =
        Running::start(Command::new("sh").args(["-c", script]).process_group(0).stderr(Stdio::null()));
    std::thread::sleep(Duration::from_secs(15));
    figures("among 5,000 processes:");
    let group = Pid::from_child(&crowd.0);
    kill_process_group(group, Signal::KILL).expect("it is ours");
}

fn wall_share(command: &[&str], folder: &Path) -> f64 {
    let shares: Vec<f64> = (0..3)
        .map(|_| {
            let measured = measured(command, folder);
            100.0 * measured.cpu.expect("wait4 tells").as_secs_f64() / measured.wall.as_secs_f64()
        })
        .collect();
    median(&shares)
}
