//! Starts a command through the launcher, `memreel-launch`, and reads what that reports of it.
//!
//! The launcher is a tiny program between us and the command: see its own words. A [`LaunchRequest`] says what
//! to start and in which [`Manner`]; the command's process exists soon after, and waits until it is
//! [released](Launched::release), so that the first sample is taken before its first instruction.

mod ask;
mod lines;
mod until_over;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use memreel_trace::units::Bytes;

pub use ask::{NoReply, Reply, ask};
pub use lines::{LONGEST_LINE, Lines};
pub use until_over::{UntilOver, WritersEnded};

/// Our pipes to the launcher have numbers from here that nobody uses: what whoever started us has opened
/// for the command (make's job server, for one) keeps its own, and below is room for a progress pipe.
const FIRST_FD: i32 = 10;

/// Who ends all processes of a service or of a job (`systemctl stop`, `scancel`) reaches us this long after the launcher
/// at most.
pub const REACHED_WITHIN: Duration = Duration::from_millis(250);

/// What to start, and how.
#[derive(Debug, Clone, Copy)]
pub struct LaunchRequest<'a> {
    /// `memreel-launch`.
    pub launcher: &'a Path,
    /// The program and its arguments.
    pub command: &'a [OsString],
    /// What to change in the environment: `None` takes a variable away.
    pub environment: &'a BTreeMap<String, Option<String>>,
    /// How close a watch is kept over it.
    pub manner: Manner,
    /// What becomes of its standard input, output and error.
    pub streams: Streams,
    /// The descriptor on which it finds a progress pipe, if it is to have one.
    pub progress_fd: Option<i32>,
    /// Where it runs; `None`: where we do.
    pub folder: Option<&'a Path>,
    /// The file of the control group that it is to join, if any.
    pub cgroup: Option<&'a Path>,
    /// The folders and files outside of which it can write nothing, where the kernel can see to that (Landlock).
    pub writable: Option<&'a [PathBuf]>,
}

/// How close a watch the launcher keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// In a session of its own. When it has ended, or when the harness has, so has all that it started.
    Guarded,
    /// Where whoever started us would have it run himself: in our session and process group, so that the
    /// terminal's keys reach it. Whatever becomes of us, it goes on, and so does what it leaves running.
    Foreground {
        /// Whether it counts as ended only when everything that it started has.
        wait_for_all: bool,
    },
}

/// What becomes of a command's standard input, output and error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Nothing to read; what it writes, either way, comes through one pipe.
    Captured,
    /// Nothing to read; its output and its errors come through a pipe each.
    Apart,
    /// They are ours.
    Ours,
    /// It reads ours; its output and its errors come through a pipe each.
    Relayed,
}

/// What the launcher reports after the command's process number.
#[derive(Debug)]
pub enum LaunchReport {
    /// The program could not be executed.
    NotStarted(std::io::Error),
    /// The kernel does not keep it from writing elsewhere.
    Unconfined,
    /// The program was executed.
    Executed,
    /// Somebody else has the launcher end: it was sent SIGTERM, or its outer guard was killed. It ends the command.
    Interfered,
    /// The command's own process has ended.
    Ended(End),
    /// So many processes outlived it: [guarded](Manner::Guarded) they are being ended, else left alone.
    Left(u64),
}

/// The end of the command's own process, as `wait4` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// How it ended.
    pub status: EndStatus,
    /// The largest resident set of it or of any child it waited for.
    pub max_rss: Bytes,
    /// CPU time of it and the children it waited for.
    pub cpu: Duration,
    /// When it ended, on the monotonic clock.
    pub at: Duration,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndStatus {
    /// With this exit code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

impl std::fmt::Display for EndStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EndStatus::Exit(code) => write!(f, "exit code {code}"),
            EndStatus::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why a command could not be started or watched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The launcher is missing or broken.
    #[error("cannot start the launcher {path}: {source}")]
    Launcher {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The launcher ended without a word.
    #[error("the launcher {path} ended before the command did")]
    LauncherDied {
        /// Which.
        path: PathBuf,
    },
    /// No pipe could be made.
    #[error("cannot make a pipe: {0}")]
    Pipe(#[from] std::io::Error),
}

/// A launcher that runs. The command's process waits until it is released.
#[derive(Debug)]
pub struct Launched {
    launcher: Child,
    /// The process that adopts what the command orphans, once its number is known.
    guard: Option<i32>,
    control: PipeWriter,
    path: PathBuf,
    /// What the launcher says, until it ends.
    pub reports: Reports,
    /// What the command writes on standard output; [captured](Streams::Captured), on standard error, too.
    pub output: Option<PipeReader>,
    /// What it writes on standard error.
    pub errors: Option<PipeReader>,
    /// The progress pipe, if it has one.
    pub progress: Option<PipeReader>,
}

/// Starts the launcher; the command's process exists soon after, and waits.
///
/// # Errors
/// When there is no launcher or no pipe can be made.
pub fn start(request: &LaunchRequest<'_>) -> Result<Launched, LaunchError> {
    let (control_reader, control) = std::io::pipe()?;
    let (report, report_writer) = std::io::pipe()?;
    let (control_fd, report_fd) = (out_of_the_way(control_reader)?, out_of_the_way(report_writer)?);
    let numbers = [control_fd.as_raw_fd(), report_fd.as_raw_fd()];
    let mut mappings = vec![mapping(control_fd, numbers[0]), mapping(report_fd, numbers[1])];
    let mut progress = None;
    if let Some(child_fd) = request.progress_fd {
        let (reader, writer) = std::io::pipe()?;
        mappings.push(mapping(writer, child_fd));
        progress = Some(reader);
    }
    let mut command = Command::new(request.launcher);
    request.folder.into_iter().for_each(|folder| _ = command.current_dir(folder));
    let [control_fd, report_fd] = numbers.map(|number| number.to_string());
    command.args(["--control", &control_fd, "--report", &report_fd, "--hold"]);
    if let Some(file) = request.cgroup {
        command.arg("--cgroup").arg(file);
    }
    command.args(request.writable.map(|_| "--confine"));
    for path in request.writable.into_iter().flatten() {
        command.arg("--writable").arg(path);
    }
    command.args(words(request.manner)).args(environment(request.environment));
    command.arg("--").args(request.command);
    let (output, errors) = connect(&mut command, request.streams)?;
    command.fd_mappings(mappings).map_err(std::io::Error::other)?;
    let path = request.launcher.to_path_buf();
    let launcher = command.spawn().map_err(|source| LaunchError::Launcher { path: path.clone(), source })?;
    // The builder holds the command's ends of the pipes: while it lives they never come to their end.
    drop(command);
    Ok(Launched {
        launcher,
        guard: None,
        control,
        path,
        reports: Reports::new(report),
        output,
        errors,
        progress,
    })
}

/// The launcher's words for a manner.
fn words(manner: Manner) -> &'static [&'static str] {
    match manner {
        Manner::Guarded => &[],
        Manner::Foreground { wait_for_all: false } => &["--foreground"],
        Manner::Foreground { wait_for_all: true } => &["--foreground", "--wait-for-all"],
    }
}

/// The launcher's words for changes to the command's environment.
fn environment(changes: &BTreeMap<String, Option<String>>) -> impl Iterator<Item = String> {
    changes.iter().flat_map(|(name, value)| {
        let change = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"));
        ["--env".to_string(), change]
    })
}

/// Connects the standard streams; returns our ends of the pipes for output and errors.
fn connect(
    command: &mut Command,
    streams: Streams,
) -> std::io::Result<(Option<PipeReader>, Option<PipeReader>)> {
    match streams {
        Streams::Ours => Ok((None, None)),
        Streams::Captured => {
            let (output, writer) = std::io::pipe()?;
            command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
            Ok((Some(output), None))
        }
        Streams::Apart | Streams::Relayed => {
            let (output, output_writer) = std::io::pipe()?;
            let (errors, errors_writer) = std::io::pipe()?;
            command.stdout(output_writer).stderr(errors_writer);
            if streams == Streams::Apart {
                command.stdin(Stdio::null());
            }
            Ok((Some(output), Some(errors)))
        }
    }
}

impl Launched {
    /// The command's process number, once it exists.
    ///
    /// # Errors
    /// When the launcher ends before it has started one.
    pub fn command_pid(&mut self) -> Result<i32, LaunchError> {
        let (command, guard) = self.reports.pids().ok_or_else(|| self.died())?;
        self.guard = Some(guard);
        Ok(command)
    }

    /// Why nobody can tell how the command ended.
    pub fn died(&self) -> LaunchError {
        LaunchError::LauncherDied { path: self.path.clone() }
    }

    /// The process that adopts what the command orphans; `None` before [`Launched::command_pid`].
    pub fn guard(&self) -> Option<i32> {
        self.guard
    }

    /// Lets the command's process execute.
    pub fn release(&mut self) {
        let _ = self.control.write_all(b"g");
    }

    /// Asks the launcher to end the command and everything that descends from it.
    pub fn ask_to_end(&mut self) {
        let _ = self.control.write_all(b"t");
    }

    /// Has a signal sent to the command's own process, if that still runs.
    pub fn pass_on(&mut self, signal: u8) {
        let _ = self.control.write_all(&[b's', signal]);
    }

    /// Waits for the launcher itself; by then it has nothing left to do.
    pub fn reap(mut self) {
        let _ = self.launcher.wait();
    }
}

fn out_of_the_way(pipe: impl AsFd) -> std::io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(pipe, FIRST_FD)?)
}

fn mapping(descriptor: impl Into<OwnedFd>, child_fd: i32) -> FdMapping {
    FdMapping { parent_fd: descriptor.into(), child_fd }
}

/// The launcher's reports, as they come. The descriptor is readable when there is something to
/// [hear](Reports::next).
#[derive(Debug)]
pub struct Reports {
    pipe: PipeReader,
    unread: Vec<u8>,
}

/// What came of waiting for a report.
#[derive(Debug)]
pub enum Waited {
    /// This report.
    Report(LaunchReport),
    /// None within that time.
    Nothing,
    /// The launcher has ended; there will be no more.
    End,
}

impl AsFd for Reports {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Reports {
    fn new(pipe: PipeReader) -> Reports {
        Reports { pipe, unread: Vec::new() }
    }

    /// The next report; waits for it no longer than told.
    pub fn next(&mut self, within: Duration) -> Waited {
        loop {
            if let Some(line) = self.take_line() {
                match report(&line) {
                    Some(report) => return Waited::Report(report),
                    None => continue,
                }
            }
            if !self.is_readable(within) {
                return Waited::Nothing;
            }
            if !self.read_more() {
                return Waited::End;
            }
        }
    }

    /// The first line has the numbers of the command's process and of the guard's.
    fn pids(&mut self) -> Option<(i32, i32)> {
        loop {
            if let Some(line) = self.take_line() {
                let (command, guard) = line.strip_prefix("pid ")?.split_once(' ')?;
                return Some((command.parse().ok()?, guard.parse().ok()?));
            }
            if !self.read_more() {
                return None;
            }
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.unread.iter().position(|&byte| byte == b'\n')?;
        let line = self.unread.drain(..=end).collect::<Vec<_>>();
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn is_readable(&self, within: Duration) -> bool {
        let Ok(within) = Timespec::try_from(within) else { return true };
        poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&within)).is_ok_and(|ready| ready > 0)
    }

    /// Waits for more; false when the launcher has ended.
    fn read_more(&mut self) -> bool {
        let mut more = [0; 256];
        loop {
            match self.pipe.read(&mut more) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return false,
                Ok(length) => {
                    self.unread.extend(&more[..length]);
                    return true;
                }
            }
        }
    }
}

fn report(line: &str) -> Option<LaunchReport> {
    let mut words = line.split(' ');
    let kind = words.next()?;
    let mut number = || words.next()?.parse::<i64>().ok();
    match kind {
        "exec-failed" => Some(LaunchReport::NotStarted(std::io::Error::from_raw_os_error(number()? as i32))),
        "unconfined" => Some(LaunchReport::Unconfined),
        "exec" => Some(LaunchReport::Executed),
        "interfered" => Some(LaunchReport::Interfered),
        "left" => Some(LaunchReport::Left(number()? as u64)),
        "exit" | "signal" => {
            let value = number()? as i32;
            let status = if kind == "exit" { EndStatus::Exit(value) } else { EndStatus::Signal(value) };
            let max_rss = Bytes::from_kib(number()? as u64);
            let cpu = Duration::from_micros((number()? + number()?) as u64);
            let at = Duration::from_nanos(number()? as u64);
            Some(LaunchReport::Ended(End { status, max_rss, cpu, at }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launchers_last_line_is_understood() {
        let Some(LaunchReport::Ended(end)) = report("signal 11 52000 1500000 250000 77000") else { panic!() };
        assert_eq!(end.status, EndStatus::Signal(11));
        assert_eq!(end.max_rss, Bytes::from_kib(52_000));
        assert_eq!(end.cpu, Duration::from_millis(1750));
        assert_eq!(end.at, Duration::from_micros(77));
    }

    #[test]
    fn reports_are_heard_one_by_one_however_they_arrive() {
        let (pipe, mut writer) = std::io::pipe().unwrap();
        let mut reports = Reports::new(pipe);
        writer.write_all(b"pid 12 11\nexec\nleft").unwrap();
        assert_eq!(reports.pids(), Some((12, 11)));
        assert!(matches!(reports.next(Duration::ZERO), Waited::Report(LaunchReport::Executed)));
        assert!(matches!(reports.next(Duration::from_millis(5)), Waited::Nothing));
        writer.write_all(b" 3\n").unwrap();
        assert!(matches!(reports.next(Duration::ZERO), Waited::Report(LaunchReport::Left(3))));
        drop(writer);
        assert!(matches!(reports.next(Duration::from_secs(5)), Waited::End));
    }
}
