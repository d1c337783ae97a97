//! What unrelated processes cost.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::subjects::{Running, measured, median, memreel, peer, resident};

pub fn crowd(folder: &Path) {
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

pub fn wall_share(command: &[&str], folder: &Path) -> f64 {
    let shares: Vec<f64> = (0..3)
        .map(|_| {
            let measured = measured(command, folder);
            100.0 * measured.cpu.expect("wait4 tells").as_secs_f64() / measured.wall.as_secs_f64()
        })
        .collect();
    median(&shares)
}
