//! What is recorded: a command that is started, or a process that runs.

use std::ffi::OsString;
use std::io::PipeReader;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::RecordError;
use crate::launch::{self, End, LaunchError, LaunchReport, LaunchRequest, Launched, Manner, Streams, Waited};
use crate::proc;
use crate::sampler::Target;
use memreel_trace::units::Bytes;

/// What to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A command, started for it.
    Command {
        /// `memreel-launch`.
        launcher: PathBuf,
        /// The program and its arguments.
        words: Vec<OsString>,
        /// Whether it goes on until all that the command started has ended.
        wait_for_all: bool,
    },
    /// A process that runs, by its number.
    Process(i32),
}

impl What {
    /// Whether it is yet to be started.
    pub fn is_command(&self) -> bool {
        matches!(self, What::Command { .. })
    }
}

/// What is recorded.
#[derive(Debug)]
pub struct Subject {
    /// Its process number.
    pub pid: i32,
    words: Vec<String>,
    waits_for_all: bool,
    hold: Hold,
}

/// What we hold of it.
#[derive(Debug)]
enum Hold {
    Launcher(Box<Launched>),
    /// Readable when the process has ended, whoever has its number then.
    PidFd(OwnedFd),
}

/// What was heard of it.
#[derive(Debug)]
pub enum Heard {
    /// From the launcher.
    Report(LaunchReport),
    /// It is over.
    Over,
}

impl Subject {
    /// Starts the command, which waits until it is [released](Subject::release), or takes hold of the
    /// process.
    ///
    /// # Errors
    /// When there is no such process or none whose memory can be recorded; when the launcher fails.
    pub fn take(what: &What, streams: Streams) -> Result<Subject, RecordError> {
        match what {
            What::Process(pid) => attach(*pid),
            What::Command { launcher, words, wait_for_all } => {
                let mut launched = launch::start(&LaunchRequest {
                    launcher,
                    command: words,
                    environment: &[].into(),
                    manner: Manner::Foreground { wait_for_all: *wait_for_all },
                    streams,
                    progress_fd: None,
                    cgroup: None,
                    folder: None,
                    writable: None,
                })?;
                let words = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
                let (pid, waits_for_all) = (launched.command_pid()?, *wait_for_all);
                Ok(Subject { pid, words, waits_for_all, hold: Hold::Launcher(launched.into()) })
            }
        }
    }

    /// What to sample.
    pub fn target(&self) -> Target {
        let adopter = match &self.hold {
            Hold::Launcher(launched) => launched.guard(),
            Hold::PidFd(_) => None,
        };
        Target { root: self.pid, adopter }
    }

    /// The command and its arguments.
    pub fn command(&self) -> Vec<String> {
        self.words.clone()
    }

    /// Whether it is over only when all that the command started is.
    pub fn waits_for_all(&self) -> bool {
        self.waits_for_all
    }

    /// Whether it is a command that we have started.
    pub fn is_command(&self) -> bool {
        matches!(self.hold, Hold::Launcher(_))
    }

    /// The pipes of a command's output and errors, where they come to us.
    pub fn outputs(&mut self) -> Option<(PipeReader, PipeReader)> {
        let Hold::Launcher(launched) = &mut self.hold else { return None };
        launched.output.take().zip(launched.errors.take())
    }

    /// Lets a command execute.
    pub fn release(&mut self) {
        if let Hold::Launcher(launched) = &mut self.hold {
            launched.release();
        }
    }

    /// What there is to hear now.
    pub fn hear(&mut self) -> Option<Heard> {
        match &mut self.hold {
            Hold::Launcher(launched) => match launched.reports.next(Duration::ZERO) {
                Waited::Report(report) => Some(Heard::Report(report)),
                Waited::Nothing => None,
                Waited::End => Some(Heard::Over),
            },
            Hold::PidFd(process) => has_ended(process).then_some(Heard::Over),
        }
    }

    /// Passes a signal on to a command.
    pub fn pass_on(&mut self, signal: u8) {
        if let Hold::Launcher(launched) = &mut self.hold {
            launched.pass_on(signal);
        }
    }

    /// Asks for the end of a command and all it started.
    pub fn ask_to_end(&mut self) {
        if let Hold::Launcher(launched) = &mut self.hold {
            launched.ask_to_end();
        }
    }

    /// CPU time as the kernel counted it for a command and the children it waited for; or what was seen to
    /// be used, where that is more, or all there is.
    pub fn cpu(&self, end: Option<End>, seen: Duration) -> Option<Duration> {
        match &self.hold {
            Hold::Launcher(_) => end.map(|end| end.cpu.max(seen)),
            Hold::PidFd(_) => Some(seen),
        }
    }

    /// Why nobody can tell how a command ended.
    pub fn launcher_died(&self) -> RecordError {
        RecordError::Launch(match &self.hold {
            Hold::Launcher(launched) => launched.died(),
            Hold::PidFd(_) => LaunchError::LauncherDied { path: PathBuf::new() },
        })
    }

    /// Lets go of it when it is over.
    pub fn let_go(self) {
        if let Hold::Launcher(launched) = self.hold {
            launched.reap();
        }
    }
}

impl AsFd for Subject {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.hold {
            Hold::Launcher(launched) => launched.reports.as_fd(),
            Hold::PidFd(process) => process.as_fd(),
        }
    }
}

impl From<LaunchError> for RecordError {
    fn from(error: LaunchError) -> RecordError {
        RecordError::Launch(error)
    }
}

fn attach(pid: i32) -> Result<Subject, RecordError> {
    let number = Pid::from_raw(pid).filter(|_| pid > 0).ok_or(RecordError::NoProcess { pid })?;
    let process = pidfd_open(number, PidfdFlags::empty()).map_err(|_| RecordError::NoProcess { pid })?;
    let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}"));
    let stat = read("stat").map_err(|_| RecordError::NoProcess { pid })?;
    let is_zombie = proc::stat(&stat).is_none_or(|stat| stat.has_ended());
    if is_zombie || has_ended(&process) {
        return Err(RecordError::Ended { pid });
    }
    let page = rustix::param::page_size() as u64;
    let memory = read("statm").ok().and_then(|text| proc::statm(&text, page));
    if memory.is_none_or(|memory| memory.virtual_bytes == Bytes::ZERO) {
        return Err(RecordError::NoMemory { pid });
    }
    // Who has wiped its command line is called as the kernel calls it.
    let words = match read("cmdline") {
        Ok(text) if !text.is_empty() => words(&text),
        _ => words(read("comm").unwrap_or_default().trim_ascii_end()),
    };
    Ok(Subject { pid, words, waits_for_all: false, hold: Hold::PidFd(process) })
}

/// Of `cmdline`, where each word ends with a zero byte.
fn words(cmdline: &[u8]) -> Vec<String> {
    let cmdline = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    cmdline.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

fn has_ended(process: &OwnedFd) -> bool {
    let now = Timespec::default();
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
}
