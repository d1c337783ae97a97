//! What sampling costs, beside the floor under it and beside psrecord, mprof and con-duct, in one run.
//!
//! `cargo bench --bench sampler -- PART…`; without a part all of them (`make bench`). Figures are
//! medians of rounds in which the contestants take turns; CPU time, not wall time, wherever that answers the
//! question.

mod crowd;
mod export;
mod floor;
mod memory;
mod peers;
mod start;
mod subjects;
#[path = "../support/mod.rs"]
mod support;
mod ticks;

use std::path::Path;
use std::time::Duration;

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
        run: floor::floor,
    },
    Part {
        name: "peers",
        question: "What does a sample cost, at 1 kHz and without an interval?",
        run: peers::peers,
    },
    Part {
        name: "ticks",
        question: "How many deadlines are kept at 1 kHz under two busy loops?",
        run: ticks::ticks,
    },
    Part { name: "export", question: "What does sampling do to a real 720p export?", run: export::export },
    Part {
        name: "memory",
        question: "Does memreel itself grow over ten million ticks?",
        run: memory::memory,
    },
    Part { name: "start", question: "How long until the first sample?", run: start::start },
    Part { name: "crowd", question: "What do 5,000 unrelated processes cost?", run: crowd::crowd },
];

const MS: Duration = Duration::from_millis(1);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--hold") => return subjects::hold(arguments[1].parse().expect("MiB")),
        Some("--ticks") => return memory::ten_million_ticks(arguments[1].parse().expect("a process")),
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
