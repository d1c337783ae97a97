//! How a job ended. An engine that fails is data.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// It exited with status 0.
    Finished,
    /// It exited with another status.
    Failed {
        /// The exit status.
        code: i32,
        /// The last line of its standard error.
        message: Option<String>,
    },
    /// A signal that memreel did not send ended it.
    Killed {
        /// The number of the signal.
        signal: i32,
        /// Whether it may have been the kernel's out-of-memory killer: a process of the machine ended by it at that
        /// time, and neither a control group nor the kernel's log showed which.
        #[serde(default)]
        perhaps_out_of_memory: bool,
    },
    /// The kernel's out-of-memory killer ended it.
    OutOfMemory,
    /// It exceeded the time limit, and memreel ended it.
    TimedOut {
        /// The limit, in seconds.
        limit_s: f64,
    },
    /// Its frame counter stood still, and memreel ended it.
    Stalled {
        /// How long the counter stood still, in seconds.
        for_s: f64,
        /// The frame at which it stood still.
        at_frame: u64,
    },
    /// It reported success, but the file has another number of frames than the timeline.
    Incomplete {
        /// Frames in the file.
        frames: u64,
        /// Frames of the timeline.
        of: u64,
    },
    /// It reported success, but it could not load a part of what it was to export, and left that out.
    ExportedWithout {
        /// Services by their names, producers by what they were to open, each with how often it is used, where that is
        /// known: `2 × qtblend`; or the allocator that the program did not load.
        what: Vec<String>,
    },
    /// The user interrupted it; the samples stop there.
    Interrupted,
    /// The kernel could not start it.
    NotStarted {
        /// The kernel's error message.
        message: String,
    },
}

impl Outcome {
    /// Ended by a signal that was not the out-of-memory killer's.
    pub const fn killed(signal: i32) -> Outcome {
        Outcome::Killed { signal, perhaps_out_of_memory: false }
    }

    /// Whether the engine did what it was asked.
    pub fn is_finished(&self) -> bool {
        matches!(self, Outcome::Finished)
    }

    /// Whether the job is over for good. An interrupted one is measured again on `--resume`.
    pub fn is_final(&self) -> bool {
        !matches!(self, Outcome::Interrupted)
    }

    /// One word for tables and CSV.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Finished => "finished",
            Outcome::Failed { .. } => "failed",
            Outcome::Killed { .. } => "killed",
            Outcome::OutOfMemory => "out-of-memory",
            Outcome::TimedOut { .. } => "timed-out",
            Outcome::Stalled { .. } => "stalled",
            Outcome::Incomplete { .. } | Outcome::ExportedWithout { .. } => "incomplete",
            Outcome::Interrupted => "interrupted",
            Outcome::NotStarted { .. } => "not-started",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Finished | Outcome::Interrupted => f.write_str(self.word()),
            Outcome::Failed { code, message: Some(message) } => {
                write!(f, "failed with exit code {code}: {message}")
            }
            Outcome::Failed { code, message: None } => write!(f, "failed with exit code {code}"),
            Outcome::Killed { signal, perhaps_out_of_memory: false } => {
                write!(f, "killed by {}", signal_name(*signal))
            }
            Outcome::Killed { signal, perhaps_out_of_memory: true } => write!(
                f,
                "killed by signal {signal} ({}), cause unknown – perhaps out of memory: the kernel killed a process \
                 for that at the time, and neither a control group of this one nor the kernel's log shows which",
                signal_name(*signal)
            ),
            Outcome::OutOfMemory => f.write_str("killed by the kernel: out of memory"),
            Outcome::TimedOut { limit_s } => write!(f, "ended after the limit of {limit_s} s"),
            Outcome::Stalled { for_s, at_frame } => {
                write!(f, "stalled: no frame for {for_s} s after frame {at_frame}")
            }
            Outcome::Incomplete { frames, of } => write!(f, "exported {frames} frames instead of {of}"),
            Outcome::ExportedWithout { what } => write!(f, "exported without {}", what.join(", ")),
            Outcome::NotStarted { message } => write!(f, "could not be started: {message}"),
        }
    }
}

fn signal_name(signal: i32) -> String {
    let known = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (15, "SIGTERM"),
    ];
    known
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_string())
}
