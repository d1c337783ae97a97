//! What a contact sheet takes: time, which criterion measures, and memory, which is gated.
//!
//! `cargo bench` compares memory with `benches/memory.baseline` and exits with 1 when it is certainly more;
//! `SAVE_MEMORY=1 cargo bench` keeps what it takes now.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use criterion::Criterion;
use gated_export::{Picture, contact_sheet};
use memreel::function::{self, Baseline, Conclusion, Function};

/// What the baseline calls this program.
const GROUP: &str = "contact_sheet";

/// Decided beforehand: to measure again until it passes is to have another error rate.
const REPEATS: usize = 5;

fn main() -> ExitCode {
    let sheet = Function { name: "sheet of 32", run: &|| drop(black_box(contact_sheet(&pictures()))) };
    // Each repeat is this program again. Nothing may have taken memory before.
    if function::is_repeat(&[sheet]) {
        return ExitCode::SUCCESS;
    }
    measure_time();
    gate_memory(&[sheet]).unwrap_or_else(|error| {
        eprintln!("contact_sheet: {error}");
        ExitCode::from(2)
    })
}

/// 32 MiB of pictures, or as many as `PICTURES` says.
fn pictures() -> Vec<Picture> {
    let count = std::env::var("PICTURES").ok().and_then(|count| count.parse().ok()).unwrap_or(32);
    (0..count).map(|shade| Picture::plain(1024, 1024, shade)).collect()
}

fn measure_time() {
    let quickly = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    let mut criterion = quickly.sample_size(10).configure_from_args();
    let few: Vec<_> = (0..4).map(|shade| Picture::plain(1024, 1024, shade)).collect();
    criterion.bench_function("sheet of 4", |bencher| bencher.iter(|| contact_sheet(black_box(&few))));
    criterion.final_summary();
}

fn gate_memory(functions: &[Function<'_>]) -> Result<ExitCode, Box<dyn Error>> {
    let measured = function::measure(functions, REPEATS)?;
    let file = baseline_file();
    if std::env::var_os("SAVE_MEMORY").is_some() {
        let kept = if file.exists() { read(&file)? } else { Baseline::default() };
        fs::write(&file, kept.with(&function::entries(GROUP, &measured)).text())?;
        println!("{}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    let check = function::check(GROUP, &measured, &[], Some(&read(&file)?));
    function::write_check(GROUP, &check, Some("memory.baseline"), &mut std::io::stdout())?;
    Ok(ExitCode::from(u8::from(check.conclusion() == Conclusion::Failed)))
}

/// `MEMORY_BASELINE`, or the file beside this one.
fn baseline_file() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/memory.baseline");
    std::env::var_os("MEMORY_BASELINE").map_or_else(usual, PathBuf::from)
}

fn read(file: &Path) -> Result<Baseline, Box<dyn Error>> {
    let text = fs::read_to_string(file)
        .map_err(|error| format!("{}: {error}; SAVE_MEMORY=1 cargo bench creates one", file.display()))?;
    Ok(Baseline::parse(&text)?)
}
