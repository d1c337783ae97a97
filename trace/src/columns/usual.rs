//! Columns that are called as they usually are, so that nobody has to name them.

use crate::Memory;
use crate::columns::{Quantity, Unit, unit_in_name};

/// Names of a time in seconds; with a unit at the end, in that.
const TIME: [&str; 8] = ["time", "t", "t_s", "elapsed", "elapsed_time", "seconds", "timestamp", "time_s"];

/// Names of kinds of memory, without the unit that must follow.
const MEMORY: [(Memory, &[&str]); 7] = [
    (Memory::Rss, &["rss", "memory", "mem", "real", "mem_real", "real_mem", "resident", "vm_rss", "vmrss"]),
    (Memory::Anonymous, &["anon", "anonymous", "rss_anon", "rssanon"]),
    (Memory::Pss, &["pss"]),
    (Memory::Shared, &["shmem", "rss_shmem", "rssshmem"]),
    (Memory::Swap, &["swap", "vm_swap", "vmswap"]),
    (Memory::File, &["rss_file", "rssfile"]),
    (Memory::Virtual, &["vms", "vsz", "virtual", "mem_virtual", "vm_size", "vmsize"]),
];

/// The kinds of memory of which one at least must be there.
const ENOUGH: [Memory; 3] = [Memory::Rss, Memory::Anonymous, Memory::Pss];

/// The column of time and its unit: one that tells its unit rather than one that is taken to be seconds.
pub fn time(names: &[String]) -> Option<(usize, Unit)> {
    let told = |name: &String| {
        let unit = unit_in_name(Quantity::Time, name)?;
        TIME.contains(&without_unit(name).as_str()).then_some(unit)
    };
    let taken = |name: &String| TIME.contains(&plain(name).as_str()).then_some(Unit::usual(Quantity::Time));
    first(names, told).or_else(|| first(names, taken))
}

/// The columns of memory, the first of each kind, with their units.
pub fn memory(names: &[String]) -> Vec<(usize, Memory, Unit)> {
    let column = |&(kind, usual): &(Memory, &[&str])| {
        let (index, unit) = first(names, |name| {
            let unit = unit_in_name(Quantity::Memory, name)?;
            usual.contains(&without_unit(name).as_str()).then_some(unit)
        })?;
        Some((index, kind, unit))
    };
    MEMORY.iter().filter_map(column).collect()
}

/// The column of the memory that can be judged, where there is one.
pub fn judged_memory(names: &[String]) -> Option<usize> {
    memory(names).into_iter().find(|(_, kind, _)| ENOUGH.contains(kind)).map(|(index, _, _)| index)
}

/// Whether a table with these columns can be read without naming any.
pub fn is_enough(names: &[String]) -> bool {
    time(names).is_some() && judged_memory(names).is_some()
}

/// The column of what is merely counted, or of CPU time.
pub fn other(quantity: Quantity, names: &[String]) -> Option<(usize, Unit)> {
    let (usual, unit): (&[&str], _) = match quantity {
        Quantity::Frames => (&["frames_out", "frames", "frame"], Unit::usual(quantity)),
        Quantity::Threads => (&["threads", "num_threads"], Unit::usual(quantity)),
        Quantity::Cpu => (&["cpu_s", "cpu_time_s"], Unit::usual(quantity)),
        Quantity::Time | Quantity::Memory => return None,
    };
    usual.iter().find_map(|usual| first(names, |name| (plain(name) == *usual).then_some(unit)))
}

/// The column that most likely is the memory's, for who must be told how to name it.
pub fn likely_memory(names: &[String]) -> Option<&String> {
    let is_of = |name: &&String, words: &[&str]| words.iter().any(|word| plain(name).contains(word));
    let by = |words: &[&str]| names.iter().find(|name| is_of(name, words));
    by(&["anon"]).or_else(|| by(&["rss", "resident"])).or_else(|| by(&["mem", "real"]))
}

fn first(names: &[String], unit: impl Fn(&String) -> Option<Unit>) -> Option<(usize, Unit)> {
    names.iter().enumerate().find_map(|(index, name)| Some((index, unit(name)?)))
}

/// A name in lower case, with one underline for whatever stands between its words.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// The same without its last word.
fn without_unit(name: &str) -> String {
    let plain = plain(name);
    plain.rsplit_once('_').map_or(String::new(), |(before, _)| before.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<String> {
        line.split(',').map(str::to_string).collect()
    }

    #[test]
    fn a_time_is_found_by_its_name_and_one_with_a_unit_comes_first() {
        for (line, found) in [
            ("rss,time", Some((1, "s"))),
            ("Timestamp,Elapsed (ms)", Some((1, "ms"))),
            ("T_S,t", Some((0, "s"))),
            ("Elapsed time [s]", Some((0, "s"))),
            ("Seconds", Some((0, "s"))),
            ("daytime,real_ms,t_min", None),
        ] {
            let time = time(&names(line)).map(|(index, unit)| (index, unit.word()));
            assert_eq!(time, found, "{line}");
        }
    }

    #[test]
    fn memory_is_found_only_where_its_unit_is_in_the_name() {
        for (line, found) in [
            ("t,RSS_bytes", vec![(1, Memory::Rss, "B")]),
            ("mem (MiB),anon_kb", vec![(0, Memory::Rss, "MiB"), (1, Memory::Anonymous, "kB")]),
            ("real_mb,rss_mb,PSS [KiB]", vec![(0, Memory::Rss, "MB"), (2, Memory::Pss, "KiB")]),
            ("rss,memory,anon,bytes,peak_rss_mb,system_memory_mb,mem_percent,rss_ms", vec![]),
        ] {
            let memory: Vec<_> = memory(&names(line))
                .into_iter()
                .map(|(index, kind, unit)| (index, kind, unit.word()))
                .collect();
            assert_eq!(memory, found, "{line}");
        }
    }

    #[test]
    fn a_table_needs_a_time_and_a_memory_that_can_be_judged() {
        assert!(is_enough(&names("time,mem_mib")));
        for line in ["time,rss", "step,rss_mb", "time,swap_mb", "time,virtual_bytes"] {
            assert!(!is_enough(&names(line)), "{line}");
        }
    }

    #[test]
    fn frames_put_out_are_preferred_to_frames() {
        let found =
            |quantity| other(quantity, &names("Frames,frames_out,num_threads,cpu")).map(|found| found.0);
        assert_eq!(found(Quantity::Frames), Some(1));
        assert_eq!((found(Quantity::Threads), found(Quantity::Cpu)), (Some(2), None));
    }
}
