//! Deadlines kept under load, beside a loop that only sleeps.

use std::path::Path;
use std::time::Duration;

use memreel_record::sampler::{self, Bell, Instant};

use crate::MS;
use crate::subjects::{busy_loop, measured, median, memreel, resident};

pub fn ticks(folder: &Path) {
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
pub struct BareLoop {
    /// The share of the deadlines that were overtaken by the next.
    pub missed: f64,
    pub cpu: Duration,
}

pub fn bare_loop(interval: Duration, deadlines: u32) -> BareLoop {
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

pub fn missed_by_memreel(pid: &str, option: &str, folder: &Path) -> f64 {
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
