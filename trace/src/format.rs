//! Which program wrote a file of samples, and how it is read.
//!
//! Told by what a file begins with, never by its name.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use memreel_bounds::{self as bounds, BoundedFile};

use crate::columns::ColumnNames;
use crate::fault::{FileFault, TraceError};
use crate::lines::WholeLines;
use crate::series::{Memory, Series};
use crate::{any_csv, mprof, psrecord, samples_csv};

/// The longest first line that is looked at.
const LONGEST_HEADER: u64 = 4096;

/// A way to write samples down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesFormat {
    /// memreel's own `samples.csv`.
    Samples,
    /// The log of psrecord, in columns.
    Psrecord,
    /// The log of psrecord with `--log-format csv`.
    PsrecordCsv,
    /// The `.dat` file of mprof (memory_profiler).
    Mprof,
    /// Any table of whose columns some are called as they usually are: a time (`time`, `t`, `elapsed`,
    /// `timestamp` … in seconds unless a unit follows) and memory with its unit at the end of the name
    /// (`rss_mb`, `mem (MiB)`, `anon_bytes` …).
    Table,
}

impl fmt::Display for SeriesFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SeriesFormat::Samples => "memreel samples",
            SeriesFormat::Psrecord => "psrecord log",
            SeriesFormat::PsrecordCsv => "psrecord CSV log",
            SeriesFormat::Mprof => "mprof data",
            SeriesFormat::Table => "CSV table",
        })
    }
}

impl SeriesFormat {
    /// The format of a text that has this first line; `None` when it is none of these.
    pub fn of_first_line(line: &str) -> Option<SeriesFormat> {
        let cells: Vec<_> = line.split(',').collect();
        match () {
            () if samples_csv::is_header(line) => Some(SeriesFormat::Samples),
            () if cells.starts_with(&["elapsed_time"]) && cells.contains(&"mem_real") => {
                Some(SeriesFormat::PsrecordCsv)
            }
            () if psrecord::is_header(line) => Some(SeriesFormat::Psrecord),
            () if any_csv::is_usual(line) => Some(SeriesFormat::Table),
            () if mprof::is_line(line) => Some(SeriesFormat::Mprof),
            // Without memory that we know there is still a time to say how long it took.
            () if cells.contains(&"t_s") => Some(SeriesFormat::Samples),
            () => None,
        }
    }
}

/// The first line of a file, whole or not, without its end and cut at a few thousand bytes; bytes that
/// are no text are replaced.
///
/// # Errors
/// When the file cannot be read.
pub fn first_line(path: &Path) -> Result<String, TraceError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        BufReader::new(bounds::open_file(path)?).take(LONGEST_HEADER).read_until(b'\n', &mut line)?;
        Ok(line)
    };
    let line =
        read().map_err(|error| TraceError { path: path.to_path_buf(), source: FileFault::Io(error) })?;
    Ok(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_string())
}

/// Reads a file of samples, keeping these kinds of memory.
///
/// The file is read line by line; only what is kept takes memory. A column that the file does not have was
/// not measured, one that is not known is passed over, and a last line that a kill cut short is left out.
///
/// # Errors
/// When the file cannot be read, or a line of it makes no sense.
pub fn read_series(path: &Path, format: SeriesFormat, memory: &[Memory]) -> Result<Series, TraceError> {
    read(path, memory, |lines, series| match format {
        SeriesFormat::Samples => samples_csv::read(lines, series),
        SeriesFormat::Psrecord => psrecord::read_plain(lines, series),
        SeriesFormat::PsrecordCsv => psrecord::read_csv(lines, series),
        SeriesFormat::Mprof => mprof::read(lines, series),
        SeriesFormat::Table => any_csv::read(lines, &ColumnNames::default(), series),
    })
}

/// Reads anybody's table by the names of its columns, keeping these kinds of memory.
///
/// Cells stand between commas, semicolons or tabs, whichever the header has most of, in quotes or not; they
/// are numbers, with decimals and an exponent if need be. An empty one was not measured, and a row of empty
/// ones is none. A last line without its end was cut short by a kill, and is left out.
///
/// A named column of memory is kept as [`NamedColumn::memory`](crate::NamedColumn::memory) tells, by
/// its name: [`Memory::AnonymousAndSwap`] or [`Memory::Rss`]. Frames are those put out. Time that begins more
/// than a minute from zero, as a clock on the wall shows it, counts from the first row.
///
/// # Errors
/// When the file cannot be read, a column is missing or cannot be found without being named, or a line makes
/// no sense: `inf` and `nan` are no measurements, and nothing but time is below zero.
pub fn read_columns(path: &Path, names: &ColumnNames, memory: &[Memory]) -> Result<Series, TraceError> {
    read(path, memory, |lines, series| any_csv::read(lines, names, series))
}

fn read(
    path: &Path,
    memory: &[Memory],
    into: impl FnOnce(&mut WholeLines<BufReader<BoundedFile>>, &mut Series) -> Result<(), FileFault>,
) -> Result<Series, TraceError> {
    let read = || -> Result<Series, FileFault> {
        let mut series = Series::keeping(memory);
        let mut lines =
            WholeLines::of(BufReader::with_capacity(1 << 16, bounds::open(path, bounds::TABLE_BYTES)?));
        into(&mut lines, &mut series)?;
        Ok(series)
    };
    read().map_err(|source| TraceError { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_the_first_line() {
        let first_lines = [
            ("t_s,frames_in,rss_bytes,column_of_tomorrow", SeriesFormat::Samples),
            ("pid,t_s,rss_bytes", SeriesFormat::Samples),
            ("elapsed_time,nproc,cpu,mem_real,mem_virtual", SeriesFormat::PsrecordCsv),
            ("# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)", SeriesFormat::Psrecord),
            ("CMDLINE python3 work.py", SeriesFormat::Mprof),
            ("MEM 0.191406 1795393704.4774", SeriesFormat::Mprof),
            ("MEM (MB),Time (s)", SeriesFormat::Table),
            ("\"time\";\"rss_bytes\"", SeriesFormat::Table),
            ("t_s,mem_mib", SeriesFormat::Table),
            ("t_s,frames", SeriesFormat::Samples),
        ];
        for (line, format) in first_lines {
            assert_eq!(SeriesFormat::of_first_line(line), Some(format), "{line}");
        }
        for line in ["", "time,rss", "# a comment", "MEMORY is short", "{\"rss\": 3}", "\u{fffd}PNG"] {
            assert_eq!(SeriesFormat::of_first_line(line), None, "{line}");
        }
    }
}
