//! `samples.csv`, read column by column.

use std::io::BufRead;

use crate::fault::FileFault;
use crate::lines::WholeLines;
use crate::series::Series;
use crate::table::{Known, Separator, Table, bytes, count, decimal};

/// The columns that judging and drawing use, by the names of [`Sample`](crate::Sample)'s fields.
const KNOWN: &[Known] = &[
    ("t_s", |sample, cell| decimal(cell).map(|t_s| sample.t_s = t_s)),
    ("frames_in", |sample, cell| count(cell).map(|frames| sample.frames_in = Some(frames))),
    ("frames_out", |sample, cell| count(cell).map(|frames| sample.frames_out = Some(frames))),
    ("rss_bytes", |sample, cell| bytes(cell).map(|bytes| sample.rss_bytes = Some(bytes))),
    ("anon_bytes", |sample, cell| bytes(cell).map(|bytes| sample.anon_bytes = Some(bytes))),
    ("file_bytes", |sample, cell| bytes(cell).map(|bytes| sample.file_bytes = Some(bytes))),
    ("shmem_bytes", |sample, cell| bytes(cell).map(|bytes| sample.shmem_bytes = Some(bytes))),
    ("swap_bytes", |sample, cell| bytes(cell).map(|bytes| sample.swap_bytes = Some(bytes))),
    ("pss_bytes", |sample, cell| bytes(cell).map(|bytes| sample.pss_bytes = Some(bytes))),
    ("virtual_bytes", |sample, cell| bytes(cell).map(|bytes| sample.virtual_bytes = Some(bytes))),
    ("cpu_s", |sample, cell| decimal(cell).map(|cpu_s| sample.cpu_s = Some(cpu_s))),
    ("threads", |sample, cell| count(cell).map(|threads| sample.threads = Some(threads))),
    ("processes", |sample, cell| count(cell).map(|processes| sample.processes = Some(processes))),
    ("written_bytes", |sample, cell| bytes(cell).map(|bytes| sample.written_bytes = Some(bytes))),
];

/// Whether a file that begins with this line says when, and how much memory there was.
pub fn is_header(line: &str) -> bool {
    let has = |name: &str| line.split(',').any(|cell| cell == name);
    has("t_s") && ["rss_bytes", "anon_bytes", "pss_bytes"].into_iter().any(has)
}

/// Reads a whole file; one without a whole line has no samples. Where no column is called `frames_out`, one
/// called `frames` holds these.
pub fn read(lines: &mut WholeLines<impl BufRead>, series: &mut Series) -> Result<(), FileFault> {
    let Some(header) = lines.next_line()? else { return Ok(()) };
    let names: Vec<_> = header.split(|&byte| byte == b',').collect();
    let is_only_frames = !names.contains(&b"frames_out".as_slice());
    let ours =
        names.iter().map(|&name| if is_only_frames && name == b"frames" { b"frames_out" } else { name });
    let table = Table::of(ours, KNOWN, Separator::Comma);
    table.read(lines, |sample| series.push(&sample))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::series_of;
    use crate::units::{Bytes, Count};
    use crate::{Memory, Sample};

    fn read_text(text: &str) -> Result<Series, String> {
        series_of(text, &Memory::JUDGED, read)
    }

    /// As the writing side writes it, whatever columns that may have by now.
    fn written(samples: &[Sample]) -> String {
        let mut csv = csv::Writer::from_writer(Vec::new());
        samples.iter().for_each(|sample| csv.serialize(sample).unwrap());
        String::from_utf8(csv.into_inner().unwrap()).unwrap()
    }

    fn samples() -> Vec<Sample> {
        let first = Sample { t_s: 0.02, rss_bytes: Some(Bytes::from_mib(3)), ..Sample::default() };
        let second = Sample {
            t_s: 0.04,
            frames_in: Some(Count::ZERO),
            frames_out: Some(Count::new(7)),
            anon_bytes: Some(Bytes::from_mib(2)),
            shmem_bytes: Some(Bytes::from_mib(1)),
            swap_bytes: Some(Bytes::ZERO),
            pss_bytes: Some(Bytes::new(5)),
            written_bytes: Some(Bytes::new(9)),
            cpu_s: Some(0.0),
            processes: Some(Count::new(2)),
            ..first
        };
        vec![first, second]
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let expected = Series::of(&samples(), &Memory::JUDGED);
        assert_eq!(expected.memory(Memory::Shared).last(), Some(Bytes::from_mib(1)));
        assert_eq!(read_text(&written(&samples())), Ok(expected));
    }

    #[test]
    fn a_file_killed_mid_write_still_loads() {
        let text = written(&samples());
        for end in 0..text.len() {
            let rows = text[..end].matches('\n').count().saturating_sub(1);
            let expected = Series::of(&samples()[..rows], &Memory::JUDGED);
            assert_eq!(read_text(&text[..end]), Ok(expected), "cut at {end}");
        }
    }

    #[test]
    fn columns_that_are_missing_were_not_measured_and_others_are_passed_over() {
        let series = read_text("tomorrow,anon_bytes,t_s\nfine,3145728,0.5\n,,0.6\n").unwrap();
        assert_eq!(series.t_s(), [0.5, 0.6]);
        assert_eq!(series.memory(Memory::AnonymousAndSwap).at(0), Some(Bytes::from_mib(3)));
        assert_eq!(series.memory(Memory::AnonymousAndSwap).at(1), None);
        assert!(!series.memory(Memory::Rss).is_measured());
    }

    #[test]
    fn a_column_of_frames_is_of_frames_put_out_unless_there_is_one() {
        let frames = |text: &str| read_text(text).unwrap().frames_out().last().map(Count::get);
        assert_eq!(frames("t_s,frames,rss_bytes\n0,3,1\n"), Some(3));
        assert_eq!(frames("t_s,frames_out,frames\n0,4,3\n"), Some(4));
        assert_eq!(frames("t_s,frames_in\n0,3\n"), None);
    }

    #[test]
    fn nonsense_in_the_middle_is_named_with_its_line() {
        let complaint = |text: &str| read_text(text).unwrap_err();
        assert_eq!(complaint("t_s,rss_bytes\n0,1\nsoon,2\n"), "line 3: `soon` is not a valid value of t_s");
        assert_eq!(
            complaint("t_s,rss_bytes\n0,1\n1,2.5\n"),
            "line 3: `2.5` is not a valid value of rss_bytes"
        );
        assert_eq!(complaint("t_s,rss_bytes\n0,1\n1\n"), "line 3: 1 cells, the header has 2");
    }
}
