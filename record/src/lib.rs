//! Records the memory of a command, or of a running process, with all its children, from outside.
//!
//! - [`sampler`] samples a process tree at absolute deadlines; [`proc`] parses what `/proc` says.
//! - [`writer`] takes the samples off the sampler's ring and keeps them, on a thread of its own.
//! - [`launch`] starts a command through the [`launcher`], which is a program of its own.
//! - [`record`] records any command as it would run without us, or attaches to a process.
//! - [`supervise`] runs a command under guard, with limits and a count of frames, and ends its whole tree.
//! - [`machine`] says what the machine is and how exact its counters are.
//!
//! A sample of this very process:
//!
//! ```
//! let text = std::fs::read("/proc/self/statm").unwrap();
//! let memory = memreel_record::proc::statm(&text, 4096).unwrap();
//! assert!(memory.resident.mib() > 0.5);
//! ```

pub mod launch;
pub mod launcher;
pub mod machine;
pub mod proc;
pub mod record;
pub mod sampler;
pub mod supervise;
pub mod writer;
