//! Where jobs ran, when that was not all in one place.

use std::io::{self, Write};

use crate::report::Report;
use crate::report::terminal::write_wrapped;
use crate::store::MachineRecord;

/// Says of which part of a plan this is the report, and what machines the axis `machine` tells apart.
pub fn write_machines(report: &Report, out: &mut dyn Write, width: u16) -> io::Result<()> {
    let lines: Vec<_> = shard(report).into_iter().chain(legend(&report.machines)).collect();
    if !lines.is_empty() {
        writeln!(out)?;
    }
    lines.iter().try_for_each(|line| write_wrapped(out, line, width))
}

fn shard(report: &Report) -> Option<String> {
    let shard = report.shard.as_ref()?;
    let (jobs, all) = (report.jobs.len(), report.jobs.len() + shard.elsewhere.len());
    let (number, of) = (shard.number, shard.of);
    Some(format!(
        "Shard {number} of {of}: {jobs} of the {all} jobs; `memreel merge` makes one result of all shards."
    ))
}

/// Why there are several machines, and a line for each: what it is, and in what it differs from the first.
fn legend(machines: &[MachineRecord]) -> Vec<String> {
    let Some(first) = machines.first() else { return Vec::new() };
    let differs = |machine: &MachineRecord| {
        let facts = first.class.differences(&machine.class).into_iter().map(|difference| difference.fact);
        let differences = facts.collect::<Vec<_>>().join(", ");
        if machine == first {
            String::new()
        } else {
            format!(" (differs from {} in {differences})", first.name)
        }
    };
    let line = |machine: &MachineRecord| format!("{}{}: {}.", machine.name, differs(machine), machine.class);
    let why = "The jobs ran on different machines: results are listed per machine, and machines are not compared with each \
               other.";
    [why.to_string()].into_iter().chain(machines.iter().map(line)).collect()
}
