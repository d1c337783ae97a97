//! The `.dat` files of mprof (memory_profiler 0.61).
//!
//! `MEM <MiB> <Unix time>` is a sample of the process, or with `--include-children` of its whole tree.
//! With `--multiprocess` the children follow it, each as `CHLD <number> <MiB> <Unix time>`, and belong to
//! the sum, unless both options were given: then the sum holds them already. `CMDLINE` comes first; `FUNC` lines say when functions ran, and are passed over.
//!
//! mprof adds to a file that is there already. Two recordings in one are none that can be judged.

use std::io::BufRead;

use crate::Sample;
use crate::fault::FileFault;
use crate::lines::WholeLines;
use crate::series::Series;
use crate::table::{decimal, mebibytes};
use crate::units::{Bytes, Count};

/// Whether a line is one of mprof's.
pub fn is_line(line: &str) -> bool {
    ["CMDLINE", "MEM", "CHLD", "FUNC"].contains(&line.split(' ').next().unwrap_or_default())
}

/// The process's memory at an instant, and that of the children that follow it.
struct Tick {
    at: f64,
    rss: Bytes,
    children: Bytes,
    processes: u64,
}

/// Reads a whole file.
pub fn read(lines: &mut WholeLines<impl BufRead>, series: &mut Series) -> Result<(), FileFault> {
    let (mut begun, mut ticks): (bool, Vec<Tick>) = (false, Vec::new());
    loop {
        let number = lines.number() + 1;
        let Some(line) = lines.next_line()? else { break };
        let fault = |what: &str| FileFault::Line { number, what: what.to_string() };
        let nonsense = || fault("not a line of mprof");
        let words: Vec<_> = line.split(|&byte| byte == b' ').collect();
        match words[..] {
            [b"CMDLINE", ..] if begun => {
                return Err(fault("a second recording begins here; put each into its own file"));
            }
            [b"MEM", rss, at] => {
                ticks.push(tick(rss, at).ok_or_else(nonsense)?);
                begun = true;
            }
            [b"CHLD", _, rss, at] => {
                let child = tick(rss, at).ok_or_else(nonsense)?;
                if let Some(tick) = ticks.last_mut() {
                    (tick.children, tick.processes) = (tick.children + child.rss, tick.processes + 1);
                }
            }
            [b"CMDLINE" | b"FUNC", ..] | [b""] => {}
            _ => return Err(nonsense()),
        }
    }
    let begin = ticks.first().map_or(0.0, |tick| tick.at);
    let included = children_are_included(&ticks);
    for Tick { at, rss, children, processes } in ticks {
        let rss_bytes = Some(if included { rss } else { rss + children });
        let processes = Some(Count::new(processes));
        series.push(&Sample { t_s: at - begin, rss_bytes, processes, ..Sample::default() });
    }
    Ok(())
}

/// Whether the process's own lines hold the children already, as with `--include-children` beside `--multiprocess`: then
/// what is left without them changes less than what is told.
fn children_are_included(ticks: &[Tick]) -> bool {
    let changes = |own: fn(&Tick) -> f64| -> f64 {
        ticks.windows(2).map(|pair| (own(&pair[1]) - own(&pair[0])).abs()).sum()
    };
    let told = |tick: &Tick| tick.rss.as_f64();
    let without = |tick: &Tick| tick.rss.as_f64() - tick.children.as_f64();
    changes(without) < changes(told)
}

fn tick(rss: &[u8], at: &[u8]) -> Option<Tick> {
    Some(Tick { at: decimal(at)?, rss: mebibytes(rss)?, children: Bytes::ZERO, processes: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;
    use crate::lines::series_of;

    fn read_text(text: &str) -> Result<Series, String> {
        series_of(text, &Memory::JUDGED, read)
    }

    #[test]
    fn children_belong_to_the_sample_before_them_and_time_begins_with_the_first() {
        let series = read_text(
            "CMDLINE python3 work.py\nMEM 1.5 1700000000.5\nFUNC work 1.0 1.0 2.0 2.0 1\n\
             MEM 2.5 1700000001.5\nCHLD 17 4.0 1700000001.6\nCHLD 18 1.0 1700000001.6\n",
        )
        .unwrap();
        assert_eq!(series.t_s(), [0.0, 1.0]);
        let kib = |row| series.memory(Memory::Rss).at(row);
        assert_eq!((kib(0), kib(1)), (Some(Bytes::from_kib(1536)), Some(Bytes::from_kib(7680))));
        assert_eq!(series.most_processes(), Some(Count::new(3)));
    }

    #[test]
    fn a_line_of_another_kind_is_named() {
        assert_eq!(read_text("MEM 1.5 0.5\nMEM 1.5\n").unwrap_err(), "line 2: not a line of mprof");
        assert_eq!(read_text("MEM much 0.5\n").unwrap_err(), "line 1: not a line of mprof");
        assert_eq!(read_text("MEM 1.5 0.5\nMEM 1.").unwrap().len(), 1);
    }

    #[test]
    fn a_second_recording_in_a_file_is_not_taken_for_the_rest_of_the_first() {
        let told = read_text("CMDLINE a\nMEM 1.5 0.5\nCMDLINE b\nMEM 1.5 900.5\n").unwrap_err();
        assert!(told.starts_with("line 3: a second recording"), "{told}");
    }
}
