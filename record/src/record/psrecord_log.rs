//! The log of psrecord 1.4, column for column and byte for byte in its layout.
//!
//! Memory is in MiB (psrecord's header says MB); CPU is in per cent of one CPU since the row before, to
//! one decimal, and 0.0 in the first row, as psutil's `cpu_percent` has it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::sampler::Row;
use crate::writer::Sink;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{self, Event, ProcessSample, Sample, TraceError};

/// How the columns are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLayout {
    /// Twelve places wide, one space between.
    Plain,
    /// With commas; has the number of processes, too.
    Csv,
}

/// What the log is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Whether the process's children count, or it alone.
    pub children: bool,
    /// Whether there are the four columns of input and output.
    pub io: bool,
}

/// The log, open for writing.
pub struct PsrecordLog {
    path: PathBuf,
    file: BufWriter<File>,
    layout: LogLayout,
    content: Content,
    /// The process itself: number and start.
    root: Option<(i32, u64)>,
    /// When CPU time was last known, and what it was.
    before: Option<(f64, f64)>,
    line: String,
}

/// What stands in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figures {
    t_s: f64,
    processes: Count,
    /// Used so far, where it is known at this tick.
    cpu_s: Option<f64>,
    real: Bytes,
    virtual_bytes: Bytes,
    io: [Option<u64>; 4],
}

impl PsrecordLog {
    /// Creates the file and writes its header.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn create(path: &Path, layout: LogLayout, content: Content) -> Result<PsrecordLog, TraceError> {
        let file = memreel_trace::create(path).map_err(|error| failure(path, error))?;
        let file = BufWriter::new(file);
        let line = header(layout, content.io);
        let path = path.to_path_buf();
        let mut log = PsrecordLog { path, file, layout, content, root: None, before: None, line };
        log.write_line().and_then(|()| log.flush())?;
        Ok(log)
    }

    fn write_line(&mut self) -> Result<(), TraceError> {
        self.line.push('\n');
        self.file.write_all(self.line.as_bytes()).map_err(|error| failure(&self.path, error))
    }

    fn write(&mut self, figures: Figures) -> Result<(), TraceError> {
        let cpu = self.cpu_percent(figures.t_s, figures.cpu_s);
        self.line.clear();
        match self.layout {
            LogLayout::Plain => plain_row(&mut self.line, &figures, cpu, self.content.io),
            LogLayout::Csv => csv_row(&mut self.line, &figures, cpu, self.content.io),
        }
        self.write_line()
    }

    /// Per cent of one CPU since the row before. Where CPU time is not known anew, none was seen to pass.
    fn cpu_percent(&mut self, t_s: f64, cpu_s: Option<f64>) -> f64 {
        let Some(cpu_s) = cpu_s else { return 0.0 };
        let Some((t_before, cpu_before)) = self.before.replace((t_s, cpu_s)) else { return 0.0 };
        let percent = (cpu_s - cpu_before) / (t_s - t_before) * 100.0;
        if percent.is_finite() { (percent.max(0.0) * 10.0).round() / 10.0 } else { 0.0 }
    }

    /// The first process that is seen is the one that is recorded.
    fn is_root(&mut self, process: &ProcessSample) -> bool {
        let identity = (process.pid, process.start_ticks);
        *self.root.get_or_insert(identity) == identity
    }
}

impl Sink for PsrecordLog {
    fn row(&mut self, row: &Row) -> Result<(), TraceError> {
        let figures = match row {
            Row::Sample(sample) if self.content.children => of_tree(sample),
            Row::Process(process) if !self.content.children && self.is_root(process) => of_process(process),
            _ => None,
        };
        figures.map_or(Ok(()), |figures| self.write(figures))
    }

    fn event(&mut self, _: &Event) -> Result<(), TraceError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TraceError> {
        self.file.flush().map_err(|error| failure(&self.path, error))
    }
}

fn failure(path: &Path, error: std::io::Error) -> TraceError {
    TraceError { path: path.to_path_buf(), source: error.into() }
}

fn of_tree(sample: &Sample) -> Option<Figures> {
    Some(Figures {
        t_s: sample.t_s,
        processes: sample.processes?,
        cpu_s: sample.cpu_s,
        real: sample.rss_bytes?,
        virtual_bytes: sample.virtual_bytes?,
        io: [
            sample.read_calls.map(Count::get),
            sample.write_calls.map(Count::get),
            sample.disk_read_bytes.map(Bytes::get),
            sample.disk_written_bytes.map(Bytes::get),
        ],
    })
}

fn of_process(process: &ProcessSample) -> Option<Figures> {
    Some(Figures {
        t_s: process.t_s,
        processes: Count::new(1),
        cpu_s: process.cpu_s,
        real: process.rss_bytes?,
        virtual_bytes: process.virtual_bytes?,
        io: [
            process.read_calls.map(Count::get),
            process.write_calls.map(Count::get),
            process.disk_read_bytes.map(Bytes::get),
            process.disk_written_bytes.map(Bytes::get),
        ],
    })
}

fn header(layout: LogLayout, io: bool) -> String {
    let columns: &[&str] = match layout {
        LogLayout::Plain => &["Elapsed time", "CPU (%)", "Real (MB)", "Virtual (MB)"],
        LogLayout::Csv => &["elapsed_time", "nproc", "cpu", "mem_real", "mem_virtual"],
    };
    let more: &[&str] = match layout {
        _ if !io => &[],
        LogLayout::Plain => &["Read count", "Write count", "Read bytes", "Write bytes"],
        LogLayout::Csv => &["read_count", "write_count", "read_bytes", "write_bytes"],
    };
    let columns = columns.iter().chain(more);
    match layout {
        LogLayout::Plain => columns.fold(String::from("#"), |line, name| line + " " + &centred(name)),
        LogLayout::Csv => columns.copied().collect::<Vec<_>>().join(","),
    }
}

/// In twelve places; of an odd number of spaces Python's `center` puts the odd one in front where the
/// width is odd, behind where it is even.
fn centred(name: &str) -> String {
    format!("{name:^12}")
}

fn plain_row(line: &mut String, figures: &Figures, cpu: f64, io: bool) {
    let Figures { t_s, real, virtual_bytes, .. } = figures;
    let (real, virtual_mib) = (real.mib(), virtual_bytes.mib());
    let _ = write!(line, "{t_s:12.3} {cpu:12.3} {real:12.3} {virtual_mib:12.3}");
    for figure in figures.io.iter().filter(|_| io) {
        let _ = match figure {
            Some(figure) => write!(line, " {figure:12}"),
            None => write!(line, " {:>12}", "nan"),
        };
    }
}

fn csv_row(line: &mut String, figures: &Figures, cpu: f64, io: bool) {
    let Figures { t_s, processes, real, virtual_bytes, .. } = figures;
    let numbers = [cpu, real.mib(), virtual_bytes.mib()].map(python_float);
    let _ = write!(line, "{},{processes},{}", python_float(*t_s), numbers.join(","));
    for figure in figures.io.iter().filter(|_| io) {
        let _ = match figure {
            Some(figure) => write!(line, ",{figure}"),
            None => write!(line, ","),
        };
    }
}

/// As Python writes a float: the fewest digits that give it back, `0.0` with its point, and an exponent
/// of two digits where the number is below 0.0001.
fn python_float(number: f64) -> String {
    if number == 0.0 || number >= 1e-4 {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let cases = [
            (0.0, "0.0"),
            (9.5367431640625e-7, "9.5367431640625e-07"),
            (0.000098, "9.8e-05"),
            (0.0001, "0.0001"),
            (1.2012345790863037, "1.2012345790863037"),
            (100.0, "100.0"),
            (3.5e-12, "3.5e-12"),
        ];
        for (number, text) in cases {
            assert_eq!(python_float(number), text);
        }
    }

    #[test]
    fn the_headers_are_those_of_psrecord() {
        let plain = "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)";
        assert_eq!(header(LogLayout::Plain, false), plain);
        let io = "  Read count  Write count   Read bytes  Write bytes ";
        assert_eq!(header(LogLayout::Plain, true), format!("{plain}{io}"));
        let csv = "elapsed_time,nproc,cpu,mem_real,mem_virtual";
        assert_eq!(header(LogLayout::Csv, false), csv);
        assert_eq!(
            header(LogLayout::Csv, true),
            format!("{csv},read_count,write_count,read_bytes,write_bytes")
        );
    }

    #[test]
    fn figures_that_may_not_be_read_are_no_zeros() {
        let io = [Some(3), None, Some(0), None];
        let (real, virtual_bytes) = (Bytes::from_mib(2), Bytes::from_kib(4));
        let figures = Figures { t_s: 1.5, processes: Count::new(1), cpu_s: None, real, virtual_bytes, io };
        let mut plain = String::new();
        plain_row(&mut plain, &figures, 50.0, true);
        let places = plain.split_at(51).1;
        assert_eq!(places, "            3          nan            0          nan");
        let mut csv = String::new();
        csv_row(&mut csv, &figures, 50.0, true);
        assert_eq!(csv, "1.5,1,50.0,2.0,0.00390625,3,,0,");
    }
}
