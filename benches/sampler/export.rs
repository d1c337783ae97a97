//! What sampling does to an export.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memreel::engine::{self, JobFiles};
use memreel_judge::stats;
use memreel_record::sampler::Live;
use memreel_record::supervise::{self, EngineLimits, Launch, Measured, ProgressFormat, Stop};

use crate::MS;
use crate::subjects::median;
use crate::support::{companions, made_variants};
use crate::ticks::bare_loop;

pub fn export(folder: &Path) {
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
pub struct Exporting<'a> {
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
        let engine = engine::find(&variant.engine, &companions());
        let (ending, text) = engine.timeline(variant);
        let timeline = folder.join(format!("timeline-{seconds}.{ending}"));
        std::fs::write(&timeline, text).expect("the timeline can be written");
        let output = folder.join("export.mp4");
        let resolved = engine
            .resolve(variant, &JobFiles { timeline: &timeline, output: &output, ..JobFiles::unnamed(false) });
        Exporting {
            folder,
            command: resolved.command,
            environment: resolved.environment,
            progress: resolved.progress.expect("the exporter says how far it is"),
            frames: variant.frames().expect("a scripted timeline has frames"),
        }
    }

    /// As `memreel run` does it.
    fn sampled(&self, interval: Duration) -> Measured {
        self.measured(self.command.clone(), Some(self.progress.clone()), interval)
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
            preload: None,
            progress,
            limits: EngineLimits { wall: Some(Duration::from_secs(300)), stall: None, memory: None },
            groups: None,
            folder: None,
            interval,
            writable: None,
        };
        let measured = supervise::measure(&launch, self.folder, &Stop::default(), &Arc::new(Live::default()));
        let measured = measured.expect("it can be measured");
        assert!(measured.outcome.is_finished(), "{}", measured.outcome);
        measured
    }
}

/// Pairs until the effect is known to within 5 %, both ways (two one-sided tests at 5 %: Schuirmann 1987).
pub fn equivalence(export: &Exporting<'_>) {
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
pub fn accounted_cost(export: &Exporting<'_>, interval: Duration, bar: f64) {
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
