//! The files of a trace, as sinks.

use std::path::{Path, PathBuf};

use crate::sampler::Row;
use crate::writer::Sink;
use memreel_trace::{CsvFile, Event, ProcessSample, Sample, ThreadSample, TraceError};

/// The time series of a job's or recording's folder.
pub struct TraceFiles {
    folder: PathBuf,
    samples: CsvFile<Sample>,
    threads: CsvFile<ThreadSample>,
    events: CsvFile<Event>,
    /// Made when there is a second process.
    processes: Option<CsvFile<ProcessSample>>,
}

impl TraceFiles {
    /// Creates the files.
    ///
    /// # Errors
    /// When one cannot be created.
    pub fn create(folder: &Path) -> Result<TraceFiles, TraceError> {
        TraceFiles::with_samples(folder, CsvFile::create(&folder.join("samples.csv"))?)
    }

    /// The same with the samples in a file elsewhere; the folder has a link to it.
    ///
    /// # Errors
    /// When one cannot be created.
    pub fn create_with_samples_in(folder: &Path, samples: &Path) -> Result<TraceFiles, TraceError> {
        let file = CsvFile::create(samples)?;
        let link = folder.join("samples.csv");
        let linked =
            std::path::absolute(samples).and_then(|samples| std::os::unix::fs::symlink(samples, &link));
        linked.map_err(|error| TraceError { path: link, source: error.into() })?;
        TraceFiles::with_samples(folder, file)
    }

    fn with_samples(folder: &Path, samples: CsvFile<Sample>) -> Result<TraceFiles, TraceError> {
        Ok(TraceFiles {
            samples,
            threads: CsvFile::create(&folder.join("threads.csv"))?,
            events: CsvFile::create(&folder.join("events.csv"))?,
            processes: None,
            folder: folder.to_path_buf(),
        })
    }

    fn process(&mut self, process: &ProcessSample) -> Result<(), TraceError> {
        if self.processes.is_none() {
            self.processes = Some(CsvFile::create(&self.folder.join("processes.csv"))?);
        }
        self.processes.as_mut().map_or(Ok(()), |file| file.write(process))
    }
}

impl Sink for TraceFiles {
    fn row(&mut self, row: &Row) -> Result<(), TraceError> {
        match row {
            Row::Sample(sample) => self.samples.write(sample),
            Row::Thread(thread) => self.threads.write(thread),
            Row::Process(process) => self.process(process),
            // Events come with those of others, in their order.
            Row::Event(_) => Ok(()),
        }
    }

    fn event(&mut self, event: &Event) -> Result<(), TraceError> {
        self.events.write(event)
    }

    fn flush(&mut self) -> Result<(), TraceError> {
        self.samples.flush()?;
        self.threads.flush()?;
        self.events.flush()?;
        self.processes.as_mut().map_or(Ok(()), CsvFile::flush)
    }
}

/// The samples alone, in a file of any name.
pub struct SamplesFile {
    samples: CsvFile<Sample>,
}

impl SamplesFile {
    /// Creates the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<SamplesFile, TraceError> {
        Ok(SamplesFile { samples: CsvFile::create(path)? })
    }
}

impl Sink for SamplesFile {
    fn row(&mut self, row: &Row) -> Result<(), TraceError> {
        match row {
            Row::Sample(sample) => self.samples.write(sample),
            _ => Ok(()),
        }
    }

    fn event(&mut self, _: &Event) -> Result<(), TraceError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TraceError> {
        self.samples.flush()
    }
}
