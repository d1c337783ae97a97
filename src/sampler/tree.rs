//! A process and everything that descends from it.

use std::collections::HashSet;
use std::path::PathBuf;

use super::process::{OpenProcess, Reading};
use crate::trace::{ProcessSample, Sample, ThreadSample};
use crate::units::{Bytes, Count};

/// The processes that are sampled together. A member stays until it ends, also when its parent ends
/// before it and it is adopted by someone else.
#[derive(Debug)]
pub struct Tree {
    proc_root: PathBuf,
    /// Not a member itself, but orphans of the tree become its children.
    adopter: Option<OpenProcess>,
    members: Vec<Member>,
    /// Refreshed at each scan: counting them costs a system call a process.
    descriptors: Option<Count>,
}

#[derive(Debug)]
struct Member {
    process: OpenProcess,
    name: String,
    last: Option<Reading>,
}

impl Tree {
    pub fn new(root: i32, adopter: i32) -> Tree {
        let proc_root = PathBuf::from("/proc");
        let adopter = OpenProcess::open(&proc_root, adopter);
        let process = OpenProcess::open(&proc_root, root);
        let members = process.map(|process| Member { process, name: String::new(), last: None });
        Tree { proc_root, adopter, members: members.into_iter().collect(), descriptors: None }
    }

    /// Whether all of it has ended.
    pub fn is_over(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether there is more than the one process.
    pub fn has_several(&self) -> bool {
        self.members.len() > 1
    }

    /// Reads every member and adds the totals to the sample; members that have ended leave.
    pub fn read(&mut self, sample: &mut Sample) {
        self.members.retain_mut(|member| {
            member.last = member.process.read();
            member.last.is_some()
        });
        if self.members.is_empty() {
            return;
        }
        sample.rss_bytes = self.total(|reading| Some(reading.statm.resident));
        sample.virtual_bytes = self.total(|reading| Some(reading.statm.virtual_bytes));
        sample.anon_bytes = self.total(|reading| reading.status.anon);
        sample.file_bytes = self.total(|reading| reading.status.file);
        sample.shmem_bytes = self.total(|reading| reading.status.shmem);
        sample.swap_bytes = self.total(|reading| reading.status.swap);
        sample.read_bytes = self.total(|reading| reading.io.read);
        sample.written_bytes = self.total(|reading| reading.io.written);
        sample.threads = self.total(|reading| Some(reading.threads));
        sample.minor_faults = self.total(|reading| Some(reading.minor_faults));
        sample.major_faults = self.total(|reading| Some(reading.major_faults));
        sample.cpu_s = self.total(|reading| Some(reading.cpu_s));
        sample.processes = Some(Count::new(self.members.len() as u64));
        sample.descriptors = self.descriptors;
    }

    /// The sum over all members; `None` when one of them does not say.
    fn total<T: std::iter::Sum>(&self, part: impl Fn(&Reading) -> Option<T>) -> Option<T> {
        self.members.iter().filter_map(|member| member.last.as_ref()).map(part).sum()
    }

    /// The sum of the members' proportional set sizes; `None` when any of them cannot be read.
    pub fn read_pss(&mut self) -> Option<Bytes> {
        self.members.iter_mut().map(|member| member.process.read_rollup()?.pss).sum()
    }

    /// The members as last read.
    pub fn process_samples(&self, t_s: f64) -> impl Iterator<Item = ProcessSample> + use<> {
        let rows: Vec<_> = self
            .members
            .iter()
            .filter_map(|member| {
                let reading = member.last?;
                Some(ProcessSample {
                    t_s,
                    pid: member.process.pid,
                    start_ticks: member.process.start_ticks,
                    name: member.name.clone(),
                    rss_bytes: Some(reading.statm.resident),
                    anon_bytes: reading.status.anon,
                    swap_bytes: reading.status.swap,
                    cpu_s: Some(reading.cpu_s),
                })
            })
            .collect();
        rows.into_iter()
    }

    /// Every thread of every member.
    pub fn thread_samples(&mut self, t_s: f64) -> Vec<ThreadSample> {
        let mut samples = Vec::new();
        for Member { process, .. } in &mut self.members {
            let pid = process.pid;
            let threads = process.threads().into_iter();
            samples.extend(threads.map(|(tid, name, cpu_s)| ThreadSample { t_s, pid, tid, name, cpu_s }));
        }
        samples
    }

    /// Finds new members and new names; returns what happened, as event kind and subject.
    pub fn rescan(&mut self) -> Vec<(&'static str, String)> {
        let mut events = Vec::new();
        let mut known: HashSet<i32> = self.members.iter().map(|member| member.process.pid).collect();
        let adopted = self.adopter.as_mut().map(OpenProcess::children).unwrap_or_default();
        self.join(adopted, &mut known);
        let mut next = 0;
        while next < self.members.len() {
            let children = self.members[next].process.children();
            self.join(children, &mut known);
            next += 1;
        }
        for member in &mut self.members {
            note_name(member, &mut events);
        }
        self.descriptors = self.members.iter().map(|member| member.process.descriptors()).sum();
        events
    }

    /// Makes members of those that are none yet and live. A zombie would join, leave at the next
    /// reading and join again at the next scan.
    fn join(&mut self, pids: Vec<i32>, known: &mut HashSet<i32>) {
        for pid in pids {
            if !known.insert(pid) {
                continue;
            }
            if let Some(mut process) = OpenProcess::open(&self.proc_root, pid)
                && process.read().is_some()
            {
                self.members.push(Member { process, name: String::new(), last: None });
            }
        }
    }
}

fn note_name(member: &mut Member, events: &mut Vec<(&'static str, String)>) {
    let Some(name) = member.process.name().filter(|name| *name != member.name) else { return };
    let kind = if member.name.is_empty() { "process-start" } else { "name" };
    events.push((kind, format!("{} {name}", member.process.pid)));
    member.name = name;
}
