//! Records the memory of a command, or of a running process, with all its children, from outside.
//!
//! - [`sampler`] samples a process tree at absolute deadlines; [`proc`] parses what `/proc` says.
//! - [`writer`] takes the samples off the sampler's ring and keeps them, on a thread of its own.
//! - [`launch`] starts a command through the [`launcher`], which is a program of its own.
//! - [`record`] records any command as it would run without us, or attaches to a process.
//! - [`supervise`] runs a command under guard, with limits and a count of frames, and ends its whole tree.
//! - [`group`] makes the control group that limits and counts a command's memory; [`death`] says why a process was
//!   killed.
//! - [`progress`] finds the number of frames in what a program prints or writes to a file.
//! - [`machine`] says what the machine is and how exact its counters are.
//!
//! A running process and its children, sampled a hundred times a second into a log in psrecord's layout – here this very
//! process, for a fifth of a second:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use memreel_record::record::{Content, LogLayout, Order, ProgressSource, PsrecordLog, What, record};
//! use memreel_record::sampler::{Live, Settings};
//! use memreel_trace::WorkUnit;
//!
//! # let folder = std::env::temp_dir().join(format!("memreel-record-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! let path = folder.join("activity.txt");
//! let content = Content { children: true, io: false };
//! let log = PsrecordLog::create(&path, LogLayout::Plain, content)?;
//! let order = Order {
//!     what: What::Process(std::process::id() as i32),
//!     settings: Settings::every(Duration::from_millis(10)),
//!     duration: Some(Duration::from_millis(200)),
//!     progress: ProgressSource::Written,
//!     unit: WorkUnit::Frame,
//!     marks: None,
//! };
//! let end = record(order, vec![Box::new(log)], &Arc::new(Live::default()), &mut |error| eprintln!("{error}"))?;
//!
//! assert!(end.sampled_peak.unwrap().mib() > 0.5);
//! assert!(std::fs::read_to_string(&path)?.lines().count() > 10);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod death;
pub mod group;
pub mod launch;
pub mod launcher;
pub mod machine;
pub mod proc;
pub mod progress;
pub mod record;
pub mod sampler;
pub mod supervise;
pub mod writer;
