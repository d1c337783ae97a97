//! Starts the launcher and reads what it reports.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};

use super::{Channel, Launch, PROGRESS_FD, RunError};
use crate::units::Bytes;

const CONTROL_FD: i32 = 3;
const REPORT_FD: i32 = 4;

/// What the launcher reports after the engine's process number.
#[derive(Debug)]
pub enum Report {
    /// The program could not be executed.
    NotStarted(std::io::Error),
    /// The program was executed.
    Executed,
    /// The engine's own process has ended.
    Ended(End),
    /// So many processes outlived it, and are being ended.
    Left(u64),
}

/// The end of the engine's own process, as `wait4` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub status: Status,
    pub max_rss: Bytes,
    pub cpu: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Exit(i32),
    Signal(i32),
}

/// A launcher that runs. The engine's process waits until it is released.
pub struct Launched {
    launcher: Child,
    control: PipeWriter,
    engine: Receiver<i32>,
    path: std::path::PathBuf,
    /// What the launcher says, until it ends.
    pub reports: Receiver<Report>,
    /// What the engine writes on standard output and error.
    pub output: Option<PipeReader>,
    /// The progress pipe, if the engine has one.
    pub progress: Option<PipeReader>,
}

/// Starts the launcher; the engine's process exists soon after, and waits.
///
/// # Errors
/// When there is no launcher or no pipe can be made.
pub fn start(launch: &Launch) -> Result<Launched, RunError> {
    let (control_reader, control) = std::io::pipe()?;
    let (report, report_writer) = std::io::pipe()?;
    let (output, output_writer) = std::io::pipe()?;
    let mut mappings = vec![mapping(control_reader, CONTROL_FD), mapping(report_writer, REPORT_FD)];
    let mut progress = None;
    if launch.progress.is_some_and(|format| format.channel == Channel::Pipe) {
        let (reader, writer) = std::io::pipe()?;
        mappings.push(mapping(writer, PROGRESS_FD));
        progress = Some(reader);
    }
    let mut command = Command::new(&launch.launcher);
    command
        .args(["--control", "3", "--report", "4", "--hold", "--"])
        .args(&launch.command)
        .stdin(Stdio::null())
        .stdout(output_writer.try_clone()?)
        .stderr(output_writer);
    for (name, value) in &launch.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.fd_mappings(mappings).map_err(std::io::Error::other)?;
    let launcher =
        command.spawn().map_err(|source| RunError::Launcher { path: launch.launcher.clone(), source })?;
    // The command holds the engine's ends of the pipes: while it lives they never come to their end.
    drop(command);
    let (engine, reports) = read_reports(report)?;
    let path = launch.launcher.clone();
    Ok(Launched { launcher, control, engine, path, reports, output: Some(output), progress })
}

impl Launched {
    /// The engine's process number, once it exists.
    ///
    /// # Errors
    /// When the launcher ends before it has started one.
    pub fn engine_pid(&self) -> Result<i32, RunError> {
        self.engine.recv().map_err(|_| RunError::LauncherDied { path: self.path.clone() })
    }

    /// The launcher's own process number.
    pub fn pid(&self) -> i32 {
        self.launcher.id() as i32
    }

    /// Lets the engine's process execute.
    pub fn release(&mut self) {
        let _ = self.control.write_all(b"g");
    }

    /// Asks the launcher to end the engine and everything that descends from it.
    pub fn ask_to_end(&mut self) {
        let _ = self.control.write_all(b"t");
    }

    /// Waits for the launcher itself; by then it has nothing left to do.
    pub fn reap(mut self) {
        let _ = self.launcher.wait();
    }
}

fn mapping(descriptor: impl Into<OwnedFd>, child_fd: i32) -> FdMapping {
    FdMapping { parent_fd: descriptor.into(), child_fd }
}

fn read_reports(pipe: PipeReader) -> std::io::Result<(Receiver<i32>, Receiver<Report>)> {
    let (send_pid, pid) = std::sync::mpsc::channel();
    let (send, reports) = std::sync::mpsc::channel();
    std::thread::Builder::new().name("reports".into()).spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("pid ").and_then(|number| number.parse().ok()) {
                let _ = send_pid.send(number);
            } else if let Some(report) = report(&line) {
                let _ = send.send(report);
            }
        }
    })?;
    Ok((pid, reports))
}

fn report(line: &str) -> Option<Report> {
    let mut words = line.split(' ');
    let kind = words.next()?;
    let mut number = || words.next()?.parse::<i64>().ok();
    match kind {
        "exec-failed" => Some(Report::NotStarted(std::io::Error::from_raw_os_error(number()? as i32))),
        "exec" => Some(Report::Executed),
        "left" => Some(Report::Left(number()? as u64)),
        "exit" | "signal" => {
            let value = number()? as i32;
            let status = if kind == "exit" { Status::Exit(value) } else { Status::Signal(value) };
            let max_rss = Bytes::from_kib(number()? as u64);
            let cpu = Duration::from_micros((number()? + number()?) as u64);
            Some(Report::Ended(End { status, max_rss, cpu }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launchers_last_line_is_understood() {
        let Some(Report::Ended(end)) = report("signal 11 52000 1500000 250000") else { panic!() };
        assert_eq!(end.status, Status::Signal(11));
        assert_eq!(end.max_rss, Bytes::from_kib(52_000));
        assert_eq!(end.cpu, Duration::from_millis(1750));
    }
}
