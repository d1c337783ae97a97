//! How long the first sample takes.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::subjects::{Running, median, memreel, peer};

pub fn start(folder: &Path) {
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
pub fn first_line(command: &[&str], lines: usize, folder: &Path) -> f64 {
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
