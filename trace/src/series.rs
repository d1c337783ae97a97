//! A trace in memory: a column for each quantity that is judged or drawn.

use std::fmt;

use crate::Sample;
use crate::units::{Bytes, Count};

/// A way to say how much memory a process tree has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Resident set size.
    Rss,
    /// Resident anonymous memory.
    Anonymous,
    /// Anonymous memory, resident or swapped out: what growth is judged by. Under pressure the resident
    /// part falls while the process grows.
    ///
    /// Swap is read less often than the rest; between two readings it is taken to stay as it was.
    AnonymousAndSwap,
    /// Resident pages of files.
    File,
    /// Resident shared memory.
    Shared,
    /// Anonymous memory that was swapped out.
    Swap,
    /// Proportional set size.
    Pss,
    /// Address space.
    Virtual,
}

impl Memory {
    /// What judging a trace needs.
    pub const JUDGED: [Memory; 4] = [Memory::Rss, Memory::AnonymousAndSwap, Memory::Pss, Memory::Shared];
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Memory::Rss => "resident memory (RSS)",
            Memory::Anonymous => "anonymous memory",
            Memory::AnonymousAndSwap => "anonymous memory + swap",
            Memory::File => "resident pages of files",
            Memory::Shared => "shared memory",
            Memory::Swap => "swapped-out memory",
            Memory::Pss => "proportional set size (PSS)",
            Memory::Virtual => "address space",
        })
    }
}

/// A quantity at each row of a series; `None` where it was not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Column<T> {
    /// Ends with the last measured one: a quantity that was never measured takes no room.
    cells: Vec<Option<T>>,
}

impl<T> Default for Column<T> {
    fn default() -> Column<T> {
        Column { cells: Vec::new() }
    }
}

impl<T: Copy> Column<T> {
    fn put(&mut self, row: usize, cell: Option<T>) {
        if cell.is_some() {
            self.cells.resize(row, None);
            self.cells.push(cell);
        }
    }

    /// The quantity at a row.
    pub fn at(&self, row: usize) -> Option<T> {
        self.cells.get(row).copied().flatten()
    }

    /// What was measured last.
    pub fn last(&self) -> Option<T> {
        self.cells.last().copied().flatten()
    }

    /// Whether it was measured at all.
    pub fn is_measured(&self) -> bool {
        !self.cells.is_empty()
    }

    /// What was measured, row by row.
    pub fn measured(&self) -> impl Iterator<Item = T> {
        self.cells.iter().filter_map(|cell| *cell)
    }
}

/// A trace, column by column: of a million samples about 80 MiB, where a [`Sample`] for each takes 160.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    t_s: Vec<f64>,
    frames_in: Column<Count>,
    frames_out: Column<Count>,
    written: Column<Bytes>,
    cpu_s: Column<f64>,
    threads: Column<Count>,
    descriptors: Column<Count>,
    memory: Vec<(Memory, Column<Bytes>)>,
    most_processes: Option<Count>,
    swap: Option<Bytes>,
    clock: WallClock,
}

/// What is done about times that fall, because the clock that they come from was set back.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct WallClock {
    /// The time that the last row said.
    last: Option<f64>,
    /// From a row to the next, before the clock was set.
    step: f64,
    /// By how much it was set back in all.
    set_back: f64,
}

impl WallClock {
    /// The time of a row. One that comes before the last is taken to follow it as the last did the one before.
    fn read(&mut self, t_s: f64) -> f64 {
        match self.last.replace(t_s) {
            Some(last) if t_s < last => self.set_back += last + self.step - t_s,
            Some(last) => self.step = t_s - last,
            None => {}
        }
        t_s + self.set_back
    }
}

impl Series {
    /// Nothing yet, and room for these kinds of memory; the others are dropped when they come.
    pub fn keeping(memory: &[Memory]) -> Series {
        let mut kept: Vec<(Memory, Column<Bytes>)> = Vec::new();
        for &kind in memory {
            if !kept.iter().any(|(known, _)| *known == kind) {
                kept.push((kind, Column::default()));
            }
        }
        Series { memory: kept, ..Series::default() }
    }

    /// The series of these samples.
    pub fn of(samples: &[Sample], memory: &[Memory]) -> Series {
        let mut series = Series::keeping(memory);
        samples.iter().for_each(|sample| series.push(sample));
        series
    }

    /// Adds a row. One that seems to come before the last – a wall clock was set back – is taken to follow it at the usual
    /// distance.
    pub fn push(&mut self, sample: &Sample) {
        let row = self.t_s.len();
        let t_s = self.clock.read(sample.t_s);
        self.t_s.push(t_s);
        self.frames_in.put(row, sample.frames_in);
        self.frames_out.put(row, sample.frames_out);
        self.written.put(row, sample.written_bytes);
        self.cpu_s.put(row, sample.cpu_s);
        self.threads.put(row, sample.threads);
        self.descriptors.put(row, sample.descriptors);
        self.most_processes = self.most_processes.max(sample.processes);
        self.swap = sample.swap_bytes.or(self.swap);
        for (kind, column) in &mut self.memory {
            column.put(row, cell(*kind, sample, self.swap));
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.t_s.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.t_s.is_empty()
    }

    /// Seconds since the recording began, row by row; they never fall.
    pub fn t_s(&self) -> &[f64] {
        &self.t_s
    }

    /// By how many seconds the clock was set back while the rows were taken; zero where it was not.
    pub fn set_back_s(&self) -> f64 {
        self.clock.set_back
    }

    /// When the last row was taken.
    pub fn end_s(&self) -> Option<f64> {
        self.t_s.last().copied()
    }

    /// Frames taken in so far.
    pub fn frames_in(&self) -> &Column<Count> {
        &self.frames_in
    }

    /// Frames put out so far.
    pub fn frames_out(&self) -> &Column<Count> {
        &self.frames_out
    }

    /// The counter that comes nearest to "exported": frames put out where they are counted, else frames
    /// taken in.
    pub fn frames(&self) -> &Column<Count> {
        if self.frames_out.is_measured() { &self.frames_out } else { &self.frames_in }
    }

    /// Bytes written so far.
    pub fn written(&self) -> &Column<Bytes> {
        &self.written
    }

    /// CPU time used so far, in seconds.
    pub fn cpu_s(&self) -> &Column<f64> {
        &self.cpu_s
    }

    /// Threads alive.
    pub fn threads(&self) -> &Column<Count> {
        &self.threads
    }

    /// Open files.
    pub fn descriptors(&self) -> &Column<Count> {
        &self.descriptors
    }

    /// Memory of a kind; never measured when the series does not keep it.
    pub fn memory(&self, kind: Memory) -> &Column<Bytes> {
        const NONE: &Column<Bytes> = &Column { cells: Vec::new() };
        self.memory.iter().find(|(known, _)| *known == kind).map_or(NONE, |(_, column)| column)
    }

    /// Seconds and memory of a kind, row by row where it was measured.
    pub fn levels(&self, kind: Memory) -> impl Iterator<Item = (f64, Bytes)> {
        let cells = self.t_s.iter().zip(&self.memory(kind).cells);
        cells.filter_map(|(&t_s, cell)| Some((t_s, (*cell)?)))
    }

    /// The largest number of processes at any row.
    pub fn most_processes(&self) -> Option<Count> {
        self.most_processes
    }
}

/// The cell of a kind of memory; `swap` is what it was when it was last read.
fn cell(kind: Memory, sample: &Sample, swap: Option<Bytes>) -> Option<Bytes> {
    match kind {
        Memory::Rss => sample.rss_bytes,
        Memory::Anonymous => sample.anon_bytes,
        Memory::AnonymousAndSwap => Some(sample.anon_bytes? + swap.unwrap_or(Bytes::ZERO)),
        Memory::File => sample.file_bytes,
        Memory::Shared => sample.shmem_bytes,
        Memory::Swap => sample.swap_bytes,
        Memory::Pss => sample.pss_bytes,
        Memory::Virtual => sample.virtual_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(t_s: f64, anon: u64, swap: Option<u64>) -> Sample {
        let (anon_bytes, swap_bytes) = (Some(Bytes::from_mib(anon)), swap.map(Bytes::from_mib));
        Sample { t_s, anon_bytes, swap_bytes, ..Sample::default() }
    }

    #[test]
    fn swap_that_was_not_read_at_a_tick_is_what_it_was_before() {
        let samples = [sample(0.0, 9, None), sample(1.0, 9, Some(4)), sample(2.0, 5, None)];
        let both = Series::of(&samples, &Memory::JUDGED);
        let mib: Vec<_> = both.memory(Memory::AnonymousAndSwap).measured().map(Bytes::mib).collect();
        assert_eq!(mib, [9.0, 13.0, 9.0]);
        let emptied = Series::of(&[samples[1], sample(2.0, 9, Some(0))], &Memory::JUDGED);
        assert_eq!(emptied.memory(Memory::AnonymousAndSwap).last(), Some(Bytes::from_mib(9)));
    }

    #[test]
    fn an_unmeasured_cell_is_not_a_zero_and_a_zero_is_not_unmeasured() {
        let cells = [None, Some(Count::ZERO), None];
        let rows = cells.map(|frames_in| Sample { frames_in, ..Sample::default() });
        let series = Series::of(&rows, &[]);
        assert_eq!([0, 1, 2].map(|row| series.frames_in().at(row)), cells);
        assert_eq!((series.len(), series.frames_in().last()), (3, Some(Count::ZERO)));
        assert!(!series.frames_out().is_measured() && !series.memory(Memory::Rss).is_measured());
    }

    #[test]
    fn rows_after_a_clock_was_set_back_follow_at_the_usual_distance() {
        let rows = [1.0, 3.0, 0.5, 2.5, 4.5].map(|t_s| Sample { t_s, ..Sample::default() });
        let series = Series::of(&rows, &[]);
        assert_eq!((series.t_s(), series.set_back_s()), ([1.0, 3.0, 5.0, 7.0, 9.0].as_slice(), 4.5));
    }
}
