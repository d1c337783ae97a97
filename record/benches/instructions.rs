//! Guards what the sampling path costs, by counting instructions: on a shared machine times differ by
//! half from run to run, and these by a thousandth.
//!
//! `make guard` (or `cargo bench -p memreel-record --bench instructions --profile guard`) runs each part under valgrind
//! with two numbers of repetitions; the difference is what a repetition takes, the start of the program not counted.
//! Fails when one takes more than its limit. What the kernel does is not counted.

use std::hint::black_box;
use std::process::{Command, ExitCode};

use memreel_record::proc;
use memreel_record::sampler::{Row, Tiers, Tree};
use memreel_record::writer::{SamplesFile, Sink};
use memreel_trace::Sample;
use memreel_trace::units::{Bytes, Count};

/// A part of the sampling path.
struct Part {
    name: &'static str,
    /// Instructions that one repetition may take: what it took when it was written, and a tenth.
    limit: u64,
    /// Repeats it.
    repeat: fn(u64),
}

const PARTS: &[Part] = &[
    Part { name: "parse statm", limit: 440, repeat: parse_statm },
    Part { name: "parse stat", limit: 1_770, repeat: parse_stat },
    Part { name: "parse status", limit: 4_100, repeat: parse_status },
    Part { name: "parse io", limit: 2_540, repeat: parse_io },
    Part { name: "read a process: resident memory", limit: 700, repeat: read_resident },
    Part { name: "read a process: everything", limit: 11_100, repeat: read_everything },
    Part { name: "write a row", limit: 6_480, repeat: write_row },
];

const STATM: &[u8] = b"228864 74561 21380 3 0 102388 0\n";
const STAT: &[u8] = b"4211 (melt) R 4208 4208 4208 0 -1 4194304 31874 0 12 0 1534 87 0 0 20 0 5 0 918273 \
    915456000 61234 18446744073709551615 1 1 0 0 0 0 0 4096 66 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
const IO: &[u8] = b"rchar: 323934931\nwchar: 323929600\nsyscr: 632687\nsyscw: 632675\nread_bytes: 0\n\
    write_bytes: 323932160\ncancelled_write_bytes: 0\n";
const STATUS: &[u8] = b"Name:\tmelt\nUmask:\t0022\nState:\tR (running)\nTgid:\t4211\nNgid:\t0\nPid:\t4211\n\
    PPid:\t4208\nTracerPid:\t0\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nFDSize:\t256\n\
    Groups:\t4 24 27 30 46 1000 \nNStgid:\t4211\nNSpid:\t4211\nNSpgid:\t4208\nNSsid:\t4208\nKthread:\t0\n\
    VmPeak:\t  915456 kB\nVmSize:\t  915456 kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\n\
    VmHWM:\t  298244 kB\nVmRSS:\t  298244 kB\nRssAnon:\t  212724 kB\nRssFile:\t   85520 kB\n\
    RssShmem:\t       0 kB\nVmData:\t  409552 kB\nVmStk:\t     132 kB\nVmExe:\t      12 kB\n\
    VmLib:\t   98320 kB\nVmPTE:\t     920 kB\nVmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\n\
    CoreDumping:\t0\nTHP_enabled:\t1\nThreads:\t5\n";

fn parse_statm(times: u64) {
    (0..times).for_each(|_| {
        black_box(proc::statm(black_box(STATM), 4096));
    });
}

fn parse_stat(times: u64) {
    (0..times).for_each(|_| {
        black_box(proc::stat(black_box(STAT)).map(|stat| stat.cpu_ticks));
    });
}

fn parse_status(times: u64) {
    (0..times).for_each(|_| {
        black_box(proc::status(black_box(STATUS)));
    });
}

fn parse_io(times: u64) {
    (0..times).for_each(|_| {
        black_box(proc::io(black_box(IO)));
    });
}

fn read_resident(times: u64) {
    read(times, Tiers::NOTHING);
}

fn read_everything(times: u64) {
    read(times, Tiers::EVERYTHING);
}

fn read(times: u64, tiers: Tiers) {
    let mut tree = Tree::new(std::process::id() as i32, None).expect("there is /proc");
    for _ in 0..times {
        let mut sample = Sample::default();
        tree.read(&mut sample, tiers, |_| ());
        assert!(black_box(sample).rss_bytes.is_some());
    }
}

fn write_row(times: u64) {
    let mut file = SamplesFile::create(std::path::Path::new("/dev/null")).expect("there is /dev/null");
    let sample = Sample {
        t_s: 12.340_123_456,
        frames_out: Some(Count::new(1234)),
        rss_bytes: Some(Bytes::from_mib(300)),
        anon_bytes: Some(Bytes::from_mib(210)),
        virtual_bytes: Some(Bytes::from_mib(900)),
        processes: Some(Count::new(1)),
        late_s: 0.000_061_3,
        ..Sample::default()
    };
    (0..times).for_each(|_| file.row(&Row::Sample(black_box(sample))).expect("it takes everything"));
}

/// Few repetitions, and many.
const TIMES: [u64; 2] = [500, 1500];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--part") {
        let (part, times) = (&arguments[at + 1], &arguments[at + 2]);
        let part = PARTS.iter().find(|known| known.name == part).expect("a part of this program");
        (part.repeat)(times.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` only wants to know that it builds.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let dearer = PARTS.iter().filter(|part| !holds(part)).count();
    if dearer > 0 {
        eprintln!("{dearer} parts take more instructions than they may");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn holds(part: &Part) -> bool {
    let [few, many] = TIMES.map(|times| instructions(part, times));
    let each = (many - few) / (TIMES[1] - TIMES[0]);
    println!("{:<34} {each:>6} instructions, {:>6} allowed", part.name, part.limit);
    each <= part.limit
}

/// What the whole program takes, as valgrind counts it.
fn instructions(part: &Part, times: u64) -> u64 {
    let this = std::env::current_exe().expect("this program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(this)
        .args(["--part", part.name, &times.to_string()])
        .output()
        .expect("valgrind is installed: `make setup`");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let count = text.lines().find_map(|line| {
        let (_, count) = line.split_once("refs:")?;
        count.trim().replace(',', "").parse().ok()
    });
    count.unwrap_or_else(|| panic!("valgrind gave no count: {text}"))
}
