//! What it takes to read, judge and draw a long trace: `memreel summary` and `memreel plot` on a million
//! samples with all columns filled, each in a process of its own. And a million rows of somebody's table.
//!
//! `cargo bench --bench trace`. `MEMREEL_BENCH_SAMPLES` sets another number of samples.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use memreel_trace::Sample;

/// What each run may take, of a million samples.
const MOST_S: f64 = 2.0;
const MOST_MIB: f64 = 200.0;
/// The best of so many is told: what it takes when nothing else runs.
const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` asks for nothing but that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let samples =
        std::env::var("MEMREEL_BENCH_SAMPLES").map_or(1_000_000, |text| text.parse().expect("a number"));
    let folder =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target's folder can be written");
    let path = folder.path().join("samples.csv");
    let bytes = write_trace(&path, samples).expect("a trace can be written");
    write_table(&folder.path().join("table.csv"), samples).expect("a table can be written");
    println!("{samples} samples, all columns filled: {:.0} MB\n", bytes as f64 / 1e6);
    println!("{:<22} {:>7} {:>7} {:>9}", "", "wall s", "CPU s", "peak MiB");
    let contestants: [(&str, &[&str]); 5] = [
        ("memreel summary", &["summary", "samples.csv"]),
        ("memreel plot (PNG)", &["plot", "samples.csv", "-o", "memory.png"]),
        ("memreel plot (SVG)", &["plot", "samples.csv", "-o", "memory.svg"]),
        ("memreel plot (PSS)", &["plot", "samples.csv", "--column", "pss"]),
        (
            "memreel summary, table",
            &["summary", "table.csv", "--columns", "time=when:ms,memory=anon:kB,frames=n"],
        ),
    ];
    let mut within = true;
    for (name, arguments) in contestants {
        let cost = (0..RUNS).map(|_| cost(folder.path(), arguments)).reduce(Cost::least).expect("it ran");
        println!("{name:<22} {:>7.2} {:>7.2} {:>9.0}", cost.wall_s, cost.cpu_s, cost.peak_mib);
        within &= cost.wall_s.max(cost.cpu_s) <= MOST_S && cost.peak_mib <= MOST_MIB;
    }
    println!("\nThe bar, of a million samples: {MOST_S} s wall and CPU, {MOST_MIB} MiB.");
    assert!(within || samples > 1_000_000, "it is not kept");
}

/// Fills every column that a sample has: counters that rise, and memory that rises and jitters, with one
/// spike.
fn write_trace(path: &Path, samples: u64) -> std::io::Result<u64> {
    let mut header = csv::Writer::from_writer(Vec::new());
    header.serialize(Sample::default())?;
    let header = String::from_utf8(header.into_inner().expect("memory takes it")).expect("names are text");
    let names: Vec<_> = header.lines().next().unwrap_or_default().split(',').collect();
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{}", names.join(","))?;
    for tick in 0..samples {
        for (index, name) in names.iter().enumerate() {
            write!(file, "{}{}", if index > 0 { "," } else { "" }, cell(name, tick, samples))?;
        }
        writeln!(file)?;
    }
    file.flush()?;
    Ok(path.metadata()?.len())
}

/// A table of six columns as another program may write it: decimals, times of a clock on the wall, a quoted
/// cell.
fn write_table(path: &Path, rows: u64) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "when;n;rss;anon;threads;note")?;
    for row in 0..rows {
        let (ms, kb) = (1_700_000_000_000 + row * 10, 100_000.0 + row as f64 * 0.04);
        writeln!(file, "{ms};{};{kb:.3};{:.3};7;\"as it was\"", row / 3, kb * 0.6)?;
    }
    file.flush()
}

fn cell(name: &str, tick: u64, samples: u64) -> String {
    let page = 4096;
    let jitter = tick.wrapping_mul(2_654_435_761) % 5000 * page;
    let spike = if tick == samples / 3 * 2 { 200 << 20 } else { 0 };
    match name {
        "t_s" => format!("{:.6}", tick as f64 * 0.01),
        "cpu_s" => format!("{:.2}", tick as f64 * 0.0153),
        "late_s" => "0.000123456".to_string(),
        "processes" => "1".to_string(),
        "frames_in" | "frames_out" => (tick / 3).to_string(),
        "rss_bytes" | "anon_bytes" | "pss_bytes" | "virtual_bytes" => {
            ((130 << 20) + tick * 40 / page * page + jitter + spike).to_string()
        }
        "swap_bytes" | "file_bytes" | "shmem_bytes" => (30 << 20).to_string(),
        _ => (tick * 70_001).to_string(),
    }
}

/// What a process took.
struct Cost {
    wall_s: f64,
    cpu_s: f64,
    peak_mib: f64,
}

impl Cost {
    /// The least of the times; the most of the memory, which no other process can add to.
    fn least(self, other: Cost) -> Cost {
        Cost {
            wall_s: self.wall_s.min(other.wall_s),
            cpu_s: self.cpu_s.min(other.cpu_s),
            peak_mib: self.peak_mib.max(other.peak_mib),
        }
    }
}

/// Runs memreel in a folder and asks the kernel what it took (`wait4`). Its peak is never less than what
/// this process had, which holds no more than a buffer.
#[expect(clippy::zombie_processes, reason = "wait4 takes its end, and only it says what it took")]
fn cost(folder: &Path, arguments: &[&str]) -> Cost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memreel"));
    command.args(arguments).current_dir(folder).stdout(Stdio::null());
    let began = Instant::now();
    let child = command.spawn().expect("memreel is built");
    let (status, usage) = wait(child.id() as i32);
    assert_eq!(status, 0, "memreel {arguments:?}");
    let seconds =
        |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000).as_secs_f64();
    Cost {
        wall_s: began.elapsed().as_secs_f64(),
        cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_mib: usage.ru_maxrss as f64 / 1024.0,
    }
}

fn wait(pid: i32) -> (i32, libc::rusage) {
    let mut status = 0;
    // SAFETY: every bit pattern of a `rusage`, zeros among them, is one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places are ours and live until the call returns; `pid` is a child nobody else waits for.
    let ended = unsafe { libc::wait4(pid, &mut status, 0, &mut usage) };
    assert_eq!(ended, pid, "{}", std::io::Error::last_os_error());
    (status, usage)
}
