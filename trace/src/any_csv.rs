//! Anybody's table with a column of time and one of memory.
//!
//! Cells are numbers, with decimals and an exponent if need be; an empty one was not measured.

use std::io::BufRead;

use crate::cells::{Header, cells};
use crate::columns::{ColumnNames, Quantity, Unit, quoted, usual};
use crate::fault::FileFault;
use crate::lines::WholeLines;
use crate::psrecord::CpuShares;
use crate::series::{Memory, Series};
use crate::table::{decimal, nonsense};
use crate::units::{Bytes, Count};
use crate::{Sample, mprof, psrecord};

/// A first time later than this, in seconds, and any before zero, is no time since the recording began.
const FAR_S: f64 = 60.0;

/// No clock shows so many seconds: they are milliseconds or less.
const NO_SECONDS: f64 = 1e11;

/// The most columns that an error lists.
const MOST_LISTED: usize = 12;

/// What a kept column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Time,
    Memory(Memory),
    Frames,
    Threads,
    Cpu,
}

/// A kept column.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Kept {
    holds: Holds,
    unit: Unit,
}

/// The columns of a table.
#[derive(Debug)]
struct Layout {
    header: Header,
    /// What each holds; `None` where it is passed over.
    kept: Vec<Option<Kept>>,
}

/// Whether a table with this first line can be read without naming its columns.
pub fn is_usual(line: &str) -> bool {
    usual::is_enough(&Header::of(line.as_bytes()).names)
}

/// Why a table cannot be read without naming its columns, and how they are named; `None` of a text that is
/// no table.
pub fn why_unusual(line: &str) -> Option<String> {
    let names = Header::of(line.as_bytes()).names;
    (names.len() > 1).then(|| unusual(&names, &ColumnNames::default()))
}

/// Reads a whole file; one without a whole line has no samples.
pub fn read(
    lines: &mut WholeLines<impl BufRead>,
    names: &ColumnNames,
    series: &mut Series,
) -> Result<(), FileFault> {
    let Some(line) = lines.next_line()? else { return Ok(()) };
    let layout = Layout::of(line, names).map_err(|what| FileFault::Line { number: 1, what })?;
    let (mut begin, mut shares) = (None, CpuShares::default());
    loop {
        let number = lines.number() + 1;
        let Some(line) = lines.next_line()? else { return Ok(()) };
        let row = layout.row(line, &mut begin).map_err(|what| FileFault::Line { number, what })?;
        if let Some(sample) = row {
            series.push(&if layout.has_cpu_shares() { shares.summed(sample) } else { sample });
        }
    }
}

impl Layout {
    fn of(line: &[u8], said: &ColumnNames) -> Result<Layout, String> {
        let header = Header::of(line);
        let mut layout = Layout { kept: vec![None; header.names.len()], header };
        let fixed = fixed_columns(&String::from_utf8_lossy(line));
        layout.keep_said(said).map_err(|why| fixed.map_or(why, str::to_string))?;
        layout.keep_usual(said).map_err(|why| fixed.map_or(why, str::to_string))?;
        Ok(layout)
    }

    fn keep_said(&mut self, said: &ColumnNames) -> Result<(), String> {
        for quantity in Quantity::ALL {
            let Some(column) = said.of(quantity) else { continue };
            let index = index_of(&column.name, &self.header.names)?;
            let holds = match quantity {
                Quantity::Memory => Holds::Memory(column.memory()),
                quantity => Holds::of(quantity),
            };
            self.kept[index] = Some(Kept { holds, unit: column.unit });
        }
        Ok(())
    }

    /// What was not said, by its usual name, where no other quantity is said to be there.
    fn keep_usual(&mut self, said: &ColumnNames) -> Result<(), String> {
        let names = &self.header.names;
        let mut found = Vec::new();
        if said.leaves_open(Quantity::Time) {
            let (index, unit) = usual::time(names).ok_or_else(|| unusual(names, said))?;
            found.push((index, Kept { holds: Holds::Time, unit }));
        }
        if said.leaves_open(Quantity::Memory) {
            if usual::judged_memory(names).is_none() {
                return Err(unusual(names, said));
            }
            let memory = usual::memory(names).into_iter();
            found
                .extend(memory.map(|(index, kind, unit)| (index, Kept { holds: Holds::Memory(kind), unit })));
        }
        for quantity in [Quantity::Frames, Quantity::Threads, Quantity::Cpu] {
            let column = usual::other(quantity, names).filter(|_| said.leaves_open(quantity));
            found.extend(column.map(|(index, unit)| (index, Kept { holds: Holds::of(quantity), unit })));
        }
        for (index, kept) in found {
            self.kept[index].get_or_insert(kept);
        }
        Ok(())
    }

    fn has_cpu_shares(&self) -> bool {
        self.kept.iter().flatten().any(|kept| kept.holds == Holds::Cpu && kept.unit.is_share())
    }

    /// The sample of a line; `None` where all cells are empty. `begin` is the time that the file counts from,
    /// in its own unit, once it is known.
    fn row(&self, line: &[u8], begin: &mut Option<f64>) -> Result<Option<Sample>, String> {
        let (mut sample, mut time, mut found, mut is_empty) = (Sample::default(), None, 0, true);
        for cell in cells(line, self.header.separator) {
            let column = found;
            found += 1;
            if cell.is_empty() {
                continue;
            }
            is_empty = false;
            let Some(Some(kept)) = self.kept.get(column) else { continue };
            let number = decimal(&cell).filter(|number| kept.holds == Holds::Time || *number >= 0.0);
            let number = number.ok_or_else(|| nonsense(&self.header.names[column], &cell))?;
            match kept.holds {
                Holds::Time => time = Some(since(begin, number, kept.unit)?),
                holds => holds.put(&mut sample, kept.unit.in_base(number)),
            }
        }
        let wanted = self.kept.len();
        match time {
            _ if is_empty && found <= wanted => Ok(None),
            _ if found != wanted => Err(format!("{found} cells, the header has {wanted}")),
            Some(t_s) => Ok(Some(Sample { t_s, ..sample })),
            None => Err("a row without a time".to_string()),
        }
    }
}

impl Holds {
    fn of(quantity: Quantity) -> Holds {
        match quantity {
            Quantity::Time => Holds::Time,
            Quantity::Memory => Holds::Memory(Memory::Rss),
            Quantity::Frames => Holds::Frames,
            Quantity::Threads => Holds::Threads,
            Quantity::Cpu => Holds::Cpu,
        }
    }

    /// Puts a number, in bytes or seconds where it has a unit, where it belongs.
    fn put(self, sample: &mut Sample, number: f64) {
        let (bytes, count) =
            (Some(Bytes::new(number.round() as u64)), Some(Count::new(number.round() as u64)));
        match self {
            Holds::Time => sample.t_s = number,
            Holds::Frames => sample.frames_out = count,
            Holds::Threads => sample.threads = count,
            Holds::Cpu => sample.cpu_s = Some(number),
            Holds::Memory(Memory::Rss) => sample.rss_bytes = bytes,
            Holds::Memory(Memory::Anonymous | Memory::AnonymousAndSwap) => sample.anon_bytes = bytes,
            Holds::Memory(Memory::File) => sample.file_bytes = bytes,
            Holds::Memory(Memory::Shared) => sample.shmem_bytes = bytes,
            Holds::Memory(Memory::Swap) => sample.swap_bytes = bytes,
            Holds::Memory(Memory::Pss) => sample.pss_bytes = bytes,
            Holds::Memory(Memory::Virtual) => sample.virtual_bytes = bytes,
        }
    }
}

/// Seconds since the recording began: as the file has it where that begins near zero, else since its first
/// row.
fn since(begin: &mut Option<f64>, time: f64, unit: Unit) -> Result<f64, String> {
    let t_s = unit.in_base(time);
    if t_s >= NO_SECONDS {
        return Err(format!(
            "{time} {} is too large for a time: give its unit, as in time=COLUMN:ms",
            unit.word()
        ));
    }
    let is_near = (0.0..=FAR_S).contains(&t_s);
    let begin = *begin.get_or_insert(if is_near { 0.0 } else { time });
    Ok(unit.in_base(time - begin))
}

fn index_of(name: &str, names: &[String]) -> Result<usize, String> {
    let mut found = (0..names.len()).filter(|index| names[*index] == name);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(format!("several columns are called `{name}`")),
        (None, _) => Err(format!("no column `{name}`; the columns are {}", listed(names))),
    }
}

/// What is told of a file whose columns need not be named and cannot be.
fn fixed_columns(line: &str) -> Option<&'static str> {
    match () {
        () if psrecord::is_header(line) => Some("a log of psrecord, which is read without naming columns"),
        () if mprof::is_line(line) => Some("a file of mprof, which is read without naming columns"),
        () => None,
    }
}

/// Why columns must be named, and how.
fn unusual(names: &[String], said: &ColumnNames) -> String {
    let has_time = said.of(Quantity::Time).is_some() || usual::time(names).is_some();
    let what = if has_time { "memory with its unit in the name" } else { "a time with a usual name" };
    let (time, memory) = (said_or(Quantity::Time, said, names), said_or(Quantity::Memory, said, names));
    format!("none of the columns {} is {what}; name them: --columns {time},{memory}", listed(names))
}

/// How a quantity that is needed is named: as it was said, as it is usually called, or with what is to be
/// filled in.
fn said_or(quantity: Quantity, said: &ColumnNames, names: &[String]) -> String {
    let (usual, likely, unit) = match quantity {
        Quantity::Memory => (usual::judged_memory(names), usual::likely_memory(names), ":UNIT"),
        _ => (usual::time(names).map(|(index, _)| index), None, ""),
    };
    let column = match (said.of(quantity), usual.map(|index| &names[index]), likely) {
        (Some(column), _, _) => column.to_string(),
        (None, Some(usual), _) => quoted(usual),
        (None, None, Some(likely)) => format!("{}{unit}", quoted(likely)),
        (None, None, None) => format!("COLUMN{unit}"),
    };
    format!("{}={column}", quantity.word())
}

fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(MOST_LISTED).map(|name| format!("`{}`", shown(name))).collect();
    let more =
        if names.len() > MOST_LISTED { format!(" … ({} in all)", names.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// A name as an error can show it.
fn shown(name: &str) -> String {
    const LONGEST: usize = 40;
    let visible = name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let start: String = visible.take(LONGEST).collect();
    if name.chars().count() > LONGEST { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::series_of;

    const KINDS: [Memory; 8] = [
        Memory::Rss,
        Memory::Anonymous,
        Memory::AnonymousAndSwap,
        Memory::File,
        Memory::Shared,
        Memory::Swap,
        Memory::Pss,
        Memory::Virtual,
    ];

    fn read_text(text: &str, names: &str) -> Result<Series, String> {
        let names = if names.is_empty() { ColumnNames::default() } else { names.parse().unwrap() };
        series_of(text, &KINDS, |lines, series| read(lines, &names, series))
    }

    fn memory(series: &Series, kind: Memory) -> Vec<u64> {
        series.memory(kind).measured().map(Bytes::get).collect()
    }

    #[test]
    fn named_columns_are_read_and_the_others_passed_over() {
        let text = "note,n,thr,when,anon heap,work\nfine,1,4,0.5,2.5,0.25\n,2,5,1,3e0,0.5\n";
        let names = "time=when,memory=anon heap:KiB,frames=n,threads=thr,cpu=work";
        let series = read_text(text, names).unwrap();
        assert_eq!(series.t_s(), [0.5, 1.0]);
        assert_eq!(memory(&series, Memory::AnonymousAndSwap), [2560, 3072]);
        assert!(!series.memory(Memory::Rss).is_measured());
        assert_eq!(
            (series.frames_out().last(), series.threads().at(0)),
            (Some(Count::new(2)), Some(Count::new(4)))
        );
        assert_eq!(series.cpu_s().measured().collect::<Vec<_>>(), [0.25, 0.5]);
    }

    #[test]
    fn a_table_with_usual_names_needs_no_names() {
        let text =
            "Timestamp\tThreads\tRSS (MB)\tanon_kib\tshmem_bytes\tframes\n1700000000.5\t3\t1.5\t1\t7\t9\n";
        let series = read_text(text, "").unwrap();
        assert_eq!((series.t_s(), memory(&series, Memory::Rss)), ([0.0].as_slice(), vec![1_500_000]));
        assert_eq!(
            (memory(&series, Memory::Anonymous), memory(&series, Memory::Shared)),
            (vec![1024], vec![7])
        );
        assert_eq!(
            (series.frames_out().last(), series.threads().last()),
            (Some(Count::new(9)), Some(Count::new(3)))
        );
    }

    #[test]
    fn what_is_named_stands_for_itself_and_the_rest_has_its_usual_name() {
        let text = "t_s,frames,rss_bytes,anon_bytes,pss_bytes\n1,2,3,4,5\n";
        let series = read_text(text, "memory=pss_bytes").unwrap();
        assert_eq!((series.t_s(), series.frames_out().last()), ([1.0].as_slice(), Some(Count::new(2))));
        assert_eq!((memory(&series, Memory::Rss), memory(&series, Memory::Anonymous)), (vec![5], vec![]));
        assert!(!read_text(text, "frames=").unwrap().frames_out().is_measured());
        let series = read_text(text, "threads=frames").unwrap();
        assert_eq!((series.threads().last(), series.frames_out().last()), (Some(Count::new(2)), None));
    }

    #[test]
    fn quotes_semicolons_line_ends_of_windows_and_space_around_cells_are_fine() {
        let text = "\u{feff}\"time, all\"; \"Real \"\"mem\"\"\" ;x\r\n\"0.5\"; \"1\" ;\"a;b\"\r\n1; 2 ;\r\n";
        let series = read_text(text, "time=\"time, all\",memory=\"Real \"\"mem\"\"\":MiB").unwrap();
        assert_eq!(
            (series.t_s(), memory(&series, Memory::Rss)),
            ([0.5, 1.0].as_slice(), vec![1 << 20, 2 << 20])
        );
    }

    #[test]
    fn units_of_memory_and_time_are_kept() {
        for (unit, bytes) in [("B", 2), ("kB", 2000), ("KiB", 2048), ("GiB", 2 << 30), ("pages", 8192)] {
            let series = read_text("t,m\n1,2\n", &format!("time=t,memory=m:{unit}")).unwrap();
            assert_eq!(memory(&series, Memory::Rss), [bytes], "{unit}");
        }
        for (unit, t_s) in [("s", 30.0), ("ms", 0.03), ("us", 0.000_03), ("ns", 0.000_000_03)] {
            let series = read_text("t,m\n30,2\n", &format!("time=t:{unit},memory=m")).unwrap();
            assert!((series.t_s()[0] - t_s).abs() < 1e-12, "{unit}: {:?}", series.t_s());
        }
        assert_eq!(read_text("t,m\n0.5,2\n", "time=t:min,memory=m").unwrap().t_s(), [30.0]);
    }

    #[test]
    fn time_that_begins_far_from_zero_counts_from_the_first_row() {
        let t_s = |rows: &str, unit: &str| {
            let series = read_text(&format!("t,m\n{rows}"), &format!("time=t:{unit},memory=m")).unwrap();
            series.t_s().to_vec()
        };
        assert_eq!(t_s("1700000000.25,1\n1700000000.75,1\n", "s"), [0.0, 0.5]);
        assert_eq!(t_s("1700000000250,1\n1700000000750,1\n", "ms"), [0.0, 0.5]);
        assert_eq!(t_s("-5,1\n-4,1\n", "s"), [0.0, 1.0]);
        assert_eq!(t_s("0.02,1\n500,1\n", "s"), [0.02, 500.0]);
        let told = read_text("t,m\n1700000000250,1\n", "time=t,memory=m").unwrap_err();
        assert!(told.starts_with("line 2: ") && told.contains("time=COLUMN:ms"), "{told}");
    }

    #[test]
    fn an_empty_cell_was_not_measured_and_an_empty_row_is_none() {
        let series = read_text("t,m,threads\n0,5,\n1,,0\n,,\n\n2,7,3\n", "time=t,memory=m").unwrap();
        assert_eq!(series.t_s(), [0.0, 1.0, 2.0]);
        assert_eq!(
            [0, 1, 2].map(|row| series.memory(Memory::Rss).at(row).map(Bytes::get)),
            [Some(5), None, Some(7)]
        );
        assert_eq!([0, 1].map(|row| series.threads().at(row)), [None, Some(Count::ZERO)]);
    }

    #[test]
    fn a_share_of_a_cpu_adds_up_to_cpu_time() {
        let series = read_text("t,m,cpu %\n0,1,0\n1,1,50\n3,1,200\n", "time=t,memory=m,cpu=cpu %").unwrap();
        assert_eq!(series.cpu_s().measured().collect::<Vec<_>>(), [0.0, 0.5, 4.5]);
    }

    #[test]
    fn nonsense_in_a_cell_is_named_with_its_line_and_column() {
        for (row, told) in [
            ("1,nan,", "line 3: `nan` is not a valid value of real mem"),
            ("1,inf,", "line 3: `inf` is not a valid value of real mem"),
            ("1,-1,", "line 3: `-1` is not a valid value of real mem"),
            ("1,1e999,", "line 3: `1e999` is not a valid value of real mem"),
            ("1,1 2,", "line 3: `1 2` is not a valid value of real mem"),
            ("2026-01-01,1,", "line 3: `2026-01-01` is not a valid value of t"),
            ("1,1,-3", "line 3: `-3` is not a valid value of frames"),
            ("1,1", "line 3: 2 cells, the header has 3"),
            ("1,1,2,3", "line 3: 4 cells, the header has 3"),
            (",1,2", "line 3: a row without a time"),
        ] {
            let text = format!("t,real mem,frames\n0,1,0\n{row}\n2,1,5\n");
            assert_eq!(read_text(&text, "time=t,memory=real mem").unwrap_err(), told);
        }
    }

    #[test]
    fn a_column_that_is_missing_is_told_with_those_that_are_there() {
        let told = read_text("when,rss\n0,1\n", "time=when,memory=mem").unwrap_err();
        assert_eq!(told, "line 1: no column `mem`; the columns are `when`, `rss`");
        let told = read_text("m,t,m\n0,1,2\n", "time=t,memory=m").unwrap_err();
        assert_eq!(told, "line 1: several columns are called `m`");
        let told = read_text("CMDLINE python3 work.py\n", "time=t,memory=m").unwrap_err();
        assert!(told.contains("mprof") && told.contains("without naming"), "{told}");
    }

    #[test]
    fn who_must_name_columns_is_told_which_there_are_and_how() {
        for (line, words) in [
            (
                "time,rss",
                "none of the columns `time`, `rss` is memory with its unit in the name; \
                          name them: --columns time=time,memory=rss:UNIT",
            ),
            (
                "step;mem_mb",
                "none of the columns `step`, `mem_mb` is a time with a usual name; \
                             name them: --columns time=COLUMN,memory=mem_mb",
            ),
            ("a,\"b,c\"", "--columns time=COLUMN,memory=COLUMN:UNIT"),
            ("time,\"rss, all\"", "--columns time=time,memory=\"rss, all\":UNIT"),
        ] {
            assert!(!is_usual(line));
            let told = why_unusual(line).unwrap();
            assert!(told.contains(words), "{told}");
            assert_eq!(read_text(&format!("{line}\n"), ""), Err(format!("line 1: {told}")));
        }
        assert_eq!(why_unusual("Hello"), None);
        let told = read_text("when,heap\n0,1\n", "memory=heap:MiB").unwrap_err();
        assert!(told.ends_with("--columns time=COLUMN,memory=heap:MiB"), "{told}");
        let many: Vec<_> = (0..400).map(|column| format!("column {column}")).collect();
        let told = why_unusual(&many.join(",")).unwrap();
        assert!(told.len() < 400 && told.contains("(400 in all)"), "{told}");
    }

    #[test]
    fn a_table_without_rows_has_no_samples() {
        for text in ["", "time,rss_mb", "time,rss_mb\n"] {
            assert!(read_text(text, "").unwrap().is_empty(), "{text}");
        }
    }

    #[test]
    fn a_table_cut_short_anywhere_is_read_up_to_its_last_whole_line() {
        let text = "time;\"rss, mib\";frames\n0;\"1.5\";1\n0.5;;2\n1e0;25;30\n";
        let whole = read_text(text, "").unwrap();
        for end in 0..text.len() {
            let rows = text[..end].matches('\n').count().saturating_sub(1);
            let series = read_text(&text[..end], "").unwrap();
            assert_eq!(series.t_s(), &whole.t_s()[..rows], "cut at {end}");
            assert!((0..rows).all(|row| series.frames().at(row) == whole.frames().at(row)), "cut at {end}");
        }
    }
}
