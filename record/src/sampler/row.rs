//! What a sampler hands on.

use super::tree::TreeChange;
use memreel_trace::units::Count;
use memreel_trace::{Event, Name, ProcessSample, Sample, ThreadSample};

/// A row for one of the trace's files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Row {
    /// For `samples.csv`.
    Sample(Sample),
    /// For `processes.csv`.
    Process(ProcessSample),
    /// For `threads.csv`.
    Thread(ThreadSample),
    /// For `events.csv`.
    Event(Occurrence),
}

/// Something that the sampler saw happen: an [`Event`] without the words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Occurrence {
    /// Seconds since the beginning.
    pub t_s: f64,
    /// Frames exported by then.
    pub frames: Option<Count>,
    /// What it was.
    pub what: Happening,
}

/// What the sampler can see happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Happening {
    /// A process is seen for the first time.
    ProcessStart {
        /// Process number.
        pid: i32,
        /// Its name.
        name: Name,
    },
    /// A process has another name.
    NewName {
        /// Process number.
        pid: i32,
        /// Its name now.
        name: Name,
    },
    /// A process has ended.
    ProcessEnd {
        /// Process number.
        pid: i32,
        /// Its last name.
        name: Name,
    },
    /// Deadlines were overtaken.
    MissedTicks(u64),
}

impl From<Occurrence> for Event {
    fn from(seen: Occurrence) -> Event {
        let (kind, what) = match seen.what {
            Happening::ProcessStart { pid, name } => ("process-start", format!("{pid} {name}")),
            Happening::NewName { pid, name } => ("name", format!("{pid} {name}")),
            Happening::ProcessEnd { pid, name } => ("process-end", format!("{pid} {name}")),
            Happening::MissedTicks(count) => ("missed-ticks", count.to_string()),
        };
        Event { t_s: seen.t_s, frames: seen.frames, kind: kind.into(), what }
    }
}

impl From<TreeChange> for Happening {
    fn from(change: TreeChange) -> Happening {
        match change {
            TreeChange::Started { pid, name } => Happening::ProcessStart { pid, name },
            TreeChange::Renamed { pid, name } => Happening::NewName { pid, name },
            TreeChange::Ended { pid, name } => Happening::ProcessEnd { pid, name },
        }
    }
}
