//! The logs of psrecord 1.4.
//!
//! Its MB are 1,048,576 bytes. Its CPU is a percentage since the row before, so that CPU time is what these
//! add up to. `--include-io` adds the kernel's count of bytes that were really read from and written to
//! disk.

use std::io::BufRead;

use crate::Sample;
use crate::fault::FileFault;
use crate::lines::WholeLines;
use crate::series::Series;
use crate::table::{Known, Separator, Table, bytes, count, decimal, mebibytes};

/// The columns by the names that a CSV log has for them; a CPU percentage is put where CPU time is, until
/// it is added up.
const KNOWN: &[Known] = &[
    ("elapsed_time", |sample, cell| decimal(cell).map(|t_s| sample.t_s = t_s)),
    ("nproc", |sample, cell| count(cell).map(|processes| sample.processes = Some(processes))),
    ("cpu", |sample, cell| decimal(cell).map(|percent| sample.cpu_s = Some(percent))),
    ("mem_real", |sample, cell| mebibytes(cell).map(|bytes| sample.rss_bytes = Some(bytes))),
    ("mem_virtual", |sample, cell| mebibytes(cell).map(|bytes| sample.virtual_bytes = Some(bytes))),
    ("write_bytes", |sample, cell| bytes(cell).map(|bytes| sample.written_bytes = Some(bytes))),
];

/// The columns of a plain log, whose header is for people.
const PLAIN: [&str; 4] = ["elapsed_time", "cpu", "mem_real", "mem_virtual"];
/// The columns that `--include-io` adds.
const PLAIN_IO: [&str; 4] = ["read_count", "write_count", "read_bytes", "write_bytes"];

/// Whether a plain log begins with this line.
pub fn is_header(line: &str) -> bool {
    line.starts_with("# Elapsed time") && line.contains("Real (MB)")
}

/// Reads a log in columns.
pub fn read_plain(lines: &mut WholeLines<impl BufRead>, series: &mut Series) -> Result<(), FileFault> {
    let Some(header) = lines.next_line()? else { return Ok(()) };
    let with_io = String::from_utf8_lossy(header).contains("Write bytes");
    let io = PLAIN_IO.iter().filter(|_| with_io);
    let names = PLAIN.iter().chain(io).map(|name| name.as_bytes());
    read(&Table::of(names, KNOWN, Separator::Space), lines, series)
}

/// Reads a log in CSV.
pub fn read_csv(lines: &mut WholeLines<impl BufRead>, series: &mut Series) -> Result<(), FileFault> {
    let Some(header) = lines.next_line()? else { return Ok(()) };
    let table = Table::of(header.split(|&byte| byte == b','), KNOWN, Separator::Comma);
    read(&table, lines, series)
}

fn read(table: &Table, lines: &mut WholeLines<impl BufRead>, series: &mut Series) -> Result<(), FileFault> {
    let mut shares = CpuShares::default();
    table.read(lines, |row| series.push(&shares.summed(row)))
}

/// Shares of one CPU, each since the row before, added up to CPU time.
#[derive(Debug, Default)]
pub struct CpuShares {
    before_s: f64,
    cpu_s: f64,
}

impl CpuShares {
    /// The next row, which has a percentage where CPU time belongs, with CPU time.
    pub fn summed(&mut self, row: Sample) -> Sample {
        let percent = row.cpu_s.map(|percent| percent.max(0.0));
        self.cpu_s += percent.unwrap_or(0.0) / 100.0 * (row.t_s - self.before_s).max(0.0);
        self.before_s = row.t_s;
        Sample { cpu_s: percent.map(|_| self.cpu_s), ..row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;
    use crate::lines::series_of;
    use crate::units::Bytes;

    const PLAIN_LOG: &str = "\
# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)
       0.000        0.000       10.500       14.781
       0.100       50.000       20.000       30.000
       0.300      200.000       30.000       40.000
";

    fn read_text(text: &str, csv: bool) -> Series {
        let read = |lines: &mut WholeLines<&[u8]>, series: &mut Series| {
            if csv { read_csv(lines, series) } else { read_plain(lines, series) }
        };
        series_of(text, &[Memory::Rss, Memory::Virtual], read).unwrap()
    }

    #[test]
    fn a_mb_of_psrecord_is_a_mebibyte_and_its_percents_add_up_to_cpu_time() {
        let series = read_text(PLAIN_LOG, false);
        assert_eq!(series.t_s(), [0.0, 0.1, 0.3]);
        assert_eq!(series.memory(Memory::Rss).at(0), Some(Bytes::from_kib(10_752)));
        assert_eq!(series.memory(Memory::Virtual).last(), Some(Bytes::from_mib(40)));
        assert!((series.cpu_s().last().unwrap() - 0.45).abs() < 1e-9, "{:?}", series.cpu_s());
        assert!(!series.written().is_measured());
    }

    #[test]
    fn a_csv_log_with_io_says_what_was_written() {
        let header =
            "elapsed_time,nproc,cpu,mem_real,mem_virtual,read_count,write_count,read_bytes,write_bytes";
        let series = read_text(&format!("{header}\n0.5,2,10.0,1.25,14.5,36,3,0,602112\n"), true);
        assert_eq!(series.written().last(), Some(Bytes::new(602_112)));
        assert_eq!(series.memory(Memory::Rss).last(), Some(Bytes::from_kib(1280)));
        assert_eq!(series.most_processes().map(|count| count.get()), Some(2));
    }
}
