//! Writes a trace's time series as they come, on a thread of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sampler::Row;
use crate::trace::{CsvFile, Event, ProcessSample, Sample, ThreadSample, TraceError};

/// What a kill of the harness can lose at most.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// The thread that writes the files.
pub struct TraceFiles {
    failed: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), TraceError>>,
}

impl TraceFiles {
    /// Creates the files and writes whatever comes through the queue until all its senders are gone.
    ///
    /// # Errors
    /// When a file cannot be created.
    pub fn start(folder: &Path, queue: Receiver<Row>) -> Result<TraceFiles, TraceError> {
        let mut files = Files::create(folder)?;
        let failed = Arc::new(AtomicBool::new(false));
        let failure = Arc::clone(&failed);
        let thread = std::thread::spawn(move || {
            let written = files.write_all(&queue);
            failure.store(written.is_err(), Ordering::Relaxed);
            written
        });
        Ok(TraceFiles { failed, thread })
    }

    /// Whether writing has failed, for example because the disk is full.
    pub fn have_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// When something could not be.
    pub fn finish(self) -> Result<(), TraceError> {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Files {
    folder: PathBuf,
    samples: CsvFile<Sample>,
    threads: CsvFile<ThreadSample>,
    events: CsvFile<Event>,
    /// Made when there is a second process.
    processes: Option<CsvFile<ProcessSample>>,
}

impl Files {
    fn create(folder: &Path) -> Result<Files, TraceError> {
        Ok(Files {
            samples: CsvFile::create(&folder.join("samples.csv"))?,
            threads: CsvFile::create(&folder.join("threads.csv"))?,
            events: CsvFile::create(&folder.join("events.csv"))?,
            processes: None,
            folder: folder.to_path_buf(),
        })
    }

    fn write_all(&mut self, queue: &Receiver<Row>) -> Result<(), TraceError> {
        let mut flushed = Instant::now();
        loop {
            match queue.recv_timeout(FLUSH_EVERY) {
                Ok(row) => self.write(&row)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
            if flushed.elapsed() >= FLUSH_EVERY {
                self.flush()?;
                flushed = Instant::now();
            }
        }
    }

    fn write(&mut self, row: &Row) -> Result<(), TraceError> {
        match row {
            Row::Sample(sample) => self.samples.write(sample),
            Row::Thread(thread) => self.threads.write(thread),
            Row::Event(event) => self.events.write(event),
            Row::Process(process) => {
                if self.processes.is_none() {
                    self.processes = Some(CsvFile::create(&self.folder.join("processes.csv"))?);
                }
                self.processes.as_mut().map_or(Ok(()), |file| file.write(process))
            }
        }
    }

    fn flush(&mut self) -> Result<(), TraceError> {
        self.samples.flush()?;
        self.threads.flush()?;
        self.events.flush()?;
        self.processes.as_mut().map_or(Ok(()), CsvFile::flush)
    }
}
