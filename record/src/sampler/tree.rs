//! A process and everything that descends from it.

use super::kernel;
use super::process::{Denied, Done, OpenProcess, ProcFolder, ProcessWork};
use crate::proc::{Statm, Status};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Name, ProcessSample, Sample, ThreadSample};

/// The processes that are sampled together: one, and what descends from it.
///
/// A member stays until it ends, also when its parent ends before it and it is adopted by someone else. It
/// is known by its open files, so that a process number that is used again is never taken for it.
///
/// ```
/// use memreel_record::sampler::{Tiers, Tree};
/// use memreel_trace::Sample;
///
/// let mut tree = Tree::new(std::process::id() as i32, None)?;
/// let mut sample = Sample::default();
/// tree.read(&mut sample, Tiers::EVERYTHING, |_| ());
/// assert!(sample.anon_bytes < sample.rss_bytes);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tree {
    proc: ProcFolder,
    /// Not a member itself, but orphans of the tree become its children.
    adopter: Option<OpenProcess>,
    members: Vec<Member>,
    /// Found once, and not yet sure to have memory of their own: process number and start.
    newborn: Vec<(i32, u64)>,
    /// Those that have ended and were not waited for yet.
    zombies: Vec<OpenProcess>,
    /// What the tree had done when that was last added up.
    done: Done,
    /// What went with processes for which nobody of the tree waited.
    gone: Done,
    /// Refreshed with the threads: counting them costs a system call a process.
    descriptors: Option<Count>,
    /// The largest resident set that any member is known to have had since it was first seen.
    largest: Option<Bytes>,
    last_pid: Option<u64>,
    denied: Denied,
}

#[derive(Debug)]
struct Member {
    process: OpenProcess,
    memory: Statm,
    work: ProcessWork,
    status: Status,
    first_high_water: Option<Bytes>,
}

/// What is read beside resident, anonymous and virtual memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiers {
    /// CPU time, threads, faults, input and output.
    pub work: bool,
    /// Memory by kind.
    pub status: bool,
}

impl Tiers {
    /// Nothing beside it.
    pub const NOTHING: Tiers = Tiers { work: false, status: false };
    /// All of it.
    pub const EVERYTHING: Tiers = Tiers { work: true, status: true };
}

/// What happened to a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TreeChange {
    /// It is seen for the first time.
    Started {
        /// Process number.
        pid: i32,
        /// Its name.
        name: Name,
    },
    /// It has another name.
    Renamed {
        /// Process number.
        pid: i32,
        /// Its name now.
        name: Name,
    },
    /// It has ended.
    Ended {
        /// Process number.
        pid: i32,
        /// Its last name.
        name: Name,
    },
}

/// What the maps of all members come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Walked {
    pub pss: Option<Bytes>,
    pub private: Option<Bytes>,
    pub anonymous: Option<Bytes>,
    /// How far the counter of anonymous memory was off, beyond what changed while it was counted.
    pub counter_off: Option<Bytes>,
}

impl Tree {
    /// The process `root`; empty when there is none. `adopter` is who inherits its orphans, if that is known.
    ///
    /// # Errors
    /// When there is no `/proc`.
    pub fn new(root: i32, adopter: Option<i32>) -> std::io::Result<Tree> {
        let proc = ProcFolder::open()?;
        Ok(Tree {
            adopter: adopter.and_then(|adopter| OpenProcess::open(&proc, adopter)),
            members: OpenProcess::open(&proc, root).and_then(Member::new).into_iter().collect(),
            proc,
            newborn: Vec::new(),
            zombies: Vec::new(),
            done: Done::NOTHING,
            gone: Done::NOTHING,
            descriptors: None,
            largest: None,
            last_pid: None,
            denied: Denied::default(),
        })
    }

    /// Whether all of it has ended.
    pub fn is_over(&self) -> bool {
        self.members.is_empty() && self.newborn.is_empty()
    }

    /// Finds all that descends from a process that runs already, so that what they have done so far is
    /// not taken for done since. Nothing of a command that is yet to be started.
    pub fn meet(&mut self, mut happened: impl FnMut(TreeChange)) {
        if self.adopter.is_none() {
            self.scan(&mut happened);
            // Who has not executed counts when seen twice.
            self.scan(&mut happened);
        }
    }

    /// Whether there is more than the one process.
    pub(super) fn has_several(&self) -> bool {
        self.members.len() > 1
    }

    /// Whether a process was found that has to be seen again before it counts.
    pub(super) fn has_newborn(&self) -> bool {
        !self.newborn.is_empty()
    }

    /// Whether any of it is swapped out.
    pub(super) fn is_swapped(&self) -> bool {
        self.members.iter().any(|member| member.status.swap > Some(Bytes::ZERO))
    }

    /// The largest resident set that any member is known to have had since it was first seen.
    pub(super) fn largest(&self) -> Option<Bytes> {
        self.largest
    }

    /// Whether a process was left out because no more files could be opened.
    pub(super) fn ran_out_of_files(&self) -> bool {
        self.proc.ran_out_of_files.get()
    }

    /// What could not be read of some member.
    pub(super) fn denied(&self) -> Denied {
        let of_members = self.members.iter().map(|member| member.process.denied);
        of_members.fold(self.denied, |all, one| Denied {
            io: all.io || one.io,
            rollup: all.rollup || one.rollup,
            descriptors: all.descriptors || one.descriptors,
        })
    }

    /// Reads every member and puts the totals into the sample; members that have ended leave.
    pub fn read(&mut self, sample: &mut Sample, tiers: Tiers, mut happened: impl FnMut(TreeChange)) {
        self.read_memory(&mut happened);
        if self.members.is_empty() {
            // Orphans are left where a parent ended before its children were found.
            self.scan(&mut happened);
        }
        if self.members.is_empty() {
            return;
        }
        self.total_memory(sample);
        if tiers.work {
            self.read_work(&mut happened);
            self.total_work(sample);
        }
        if tiers.status {
            self.members.iter_mut().for_each(|member| member.status = member.process.status());
            self.total_status(sample);
        }
    }

    fn read_memory(&mut self, happened: &mut impl FnMut(TreeChange)) {
        let mut index = 0;
        while index < self.members.len() {
            let member = &mut self.members[index];
            if let Some(memory) = member.process.memory() {
                member.memory = memory;
                self.largest = self.largest.max(Some(memory.resident));
                index += 1;
                continue;
            }
            let Member { mut process, work, .. } = self.members.remove(index);
            self.denied = Denied { io: self.denied.io || process.denied.io, ..self.denied };
            happened(TreeChange::Ended { pid: process.pid, name: work.name });
            if process.last_work().is_some() {
                self.zombies.push(process);
            }
        }
    }

    /// Adds up what was done so far.
    ///
    /// What a process has done goes over to its parent when that waits for it, and else is lost; so the
    /// sum over those that live, and what they have waited for, falls by what nobody waited for. A sum
    /// during which someone left is not used: he may be counted twice, or not at all.
    fn read_work(&mut self, happened: &mut impl FnMut(TreeChange)) {
        let mut sum = Done::NOTHING;
        self.zombies.retain_mut(|process| {
            process.last_work().map(|work| sum = sum.with(work.done, u64::wrapping_add)).is_some()
        });
        let mut is_settled = true;
        for member in &mut self.members {
            let Some(work) = member.process.work() else {
                is_settled = false;
                continue;
            };
            if work.name != member.work.name {
                happened(TreeChange::Renamed { pid: member.process.pid, name: work.name });
            }
            member.work = work;
            sum = sum.with(work.done, u64::wrapping_add);
        }
        is_settled &= self.zombies.iter_mut().all(|process| process.last_work().is_some());
        if is_settled {
            let fallen = self.done.with(sum, u64::saturating_sub);
            self.gone = self.gone.with(fallen, u64::wrapping_add);
            self.done = sum;
        }
    }

    fn total_memory(&self, sample: &mut Sample) {
        let total = |of: fn(&Statm) -> Bytes| self.members.iter().map(|member| of(&member.memory)).sum();
        sample.rss_bytes = Some(total(|memory| memory.resident));
        sample.anon_bytes = Some(total(|memory| memory.resident.saturating_sub(memory.shared)));
        sample.virtual_bytes = Some(total(|memory| memory.virtual_bytes));
        sample.processes = Some(Count::new(self.members.len() as u64));
        sample.descriptors = self.descriptors;
    }

    fn total_work(&self, sample: &mut Sample) {
        let done = self.done.with(self.gone, u64::wrapping_add);
        sample.threads = Some(self.members.iter().map(|member| member.work.threads).sum());
        sample.cpu_s = Some(done.cpu_ticks as f64 / rustix::param::clock_ticks_per_second() as f64);
        sample.minor_faults = Some(Count::new(done.minor_faults));
        sample.major_faults = Some(Count::new(done.major_faults));
        let [read, written, read_calls, write_calls, disk_read, disk_written] = done.io;
        sample.read_bytes = read.map(Bytes::new);
        sample.written_bytes = written.map(Bytes::new);
        sample.read_calls = read_calls.map(Count::new);
        sample.write_calls = write_calls.map(Count::new);
        sample.disk_read_bytes = disk_read.map(Bytes::new);
        sample.disk_written_bytes = disk_written.map(Bytes::new);
    }

    fn total_status(&mut self, sample: &mut Sample) {
        let total = |of: fn(&Status) -> Option<Bytes>| -> Option<Bytes> {
            self.members.iter().map(|member| of(&member.status)).sum()
        };
        sample.file_bytes = total(|status| status.file);
        sample.shmem_bytes = total(|status| status.shmem);
        sample.swap_bytes = total(|status| status.swap);
        // What it was when first seen may be older than the recording.
        let risen = self.members.iter().filter(|member| member.status.high_water > member.first_high_water);
        let highest = risen.filter_map(|member| member.status.high_water).max();
        self.largest = self.largest.max(highest);
    }

    /// Walks the members' memory maps. A total is `None` when any of them cannot be read.
    pub(super) fn walk(&mut self) -> Walked {
        let mut walked = Walked {
            pss: Some(Bytes::ZERO),
            private: Some(Bytes::ZERO),
            anonymous: Some(Bytes::ZERO),
            counter_off: None,
        };
        for member in &mut self.members {
            let (rollup, off) = member.walk();
            let rollup = rollup.unwrap_or_default();
            walked.pss = walked.pss.zip(rollup.pss).map(|(all, one)| all + one);
            walked.private = walked.private.zip(rollup.private).map(|(all, one)| all + one);
            walked.anonymous = walked.anonymous.zip(rollup.anonymous).map(|(all, one)| all + one);
            walked.counter_off = walked.counter_off.max(off);
        }
        walked
    }

    /// The members as last read; the first of them is the root while it lives.
    pub(super) fn processes(&self, t_s: f64) -> impl Iterator<Item = ProcessSample> {
        self.members.iter().map(move |member| member.sample(t_s))
    }

    /// Calls `take` with every thread of every member, and counts open files.
    pub(super) fn threads(&mut self, t_s: f64, mut take: impl FnMut(ThreadSample)) {
        for Member { process, .. } in &mut self.members {
            let pid = process.pid;
            process.each_thread(|tid, name, cpu_s| take(ThreadSample { t_s, pid, tid, name, cpu_s }));
        }
        self.descriptors = self.members.iter_mut().map(|member| member.process.descriptors()).sum();
    }

    /// Whether processes may have come since the last scan. Costs one read; where nothing was started on
    /// the whole machine, nothing else has to be looked at.
    pub(super) fn may_have_grown(&mut self) -> bool {
        let last_pid = self.proc.last_pid();
        self.has_newborn() || last_pid.is_none() || last_pid != self.last_pid
    }

    /// Finds new members.
    pub fn scan(&mut self, mut happened: impl FnMut(TreeChange)) {
        self.last_pid = self.proc.last_pid();
        let mut found: Vec<OpenProcess> = Vec::new();
        let known = |pid: i32, found: &[OpenProcess]| {
            self.members.iter().any(|member| member.process.pid == pid)
                || found.iter().any(|process| process.pid == pid)
        };
        let join = |pid: i32, found: &mut Vec<OpenProcess>| {
            if !known(pid, found) {
                found.extend(OpenProcess::open(&self.proc, pid));
            }
        };
        if let Some(adopter) = &self.adopter {
            adopter.each_child(Count::new(1), |pid| join(pid, &mut found));
        }
        for member in &self.members {
            member.process.each_child(member.work.threads, |pid| join(pid, &mut found));
        }
        let mut next = 0;
        while next < found.len() {
            let mut below = Vec::new();
            // How many threads it has is not known yet: more than one, perhaps.
            found[next].each_child(Count::new(2), |pid| below.push(pid));
            below.into_iter().for_each(|pid| join(pid, &mut found));
            next += 1;
        }
        self.admit(found, &mut happened);
    }

    /// Makes members of those found that live, descend from the tree, and have memory of their own.
    ///
    /// A number that was listed may belong to someone else by the time it is opened; then its parent is a
    /// stranger. The child of a `vfork` counts its parent's memory as its own until it executes, a moment
    /// later: who has not executed when first seen, and may be one, has to be seen twice.
    fn admit(&mut self, found: Vec<OpenProcess>, happened: &mut impl FnMut(TreeChange)) {
        let adopter = self.adopter.as_ref().map(|adopter| adopter.pid);
        let seen = std::mem::take(&mut self.newborn);
        for process in found {
            let identity = (process.pid, process.start_ticks);
            let of_tree = Some(process.parent) == adopter
                || self.members.iter().any(|member| member.process.pid == process.parent)
                || self.newborn.iter().any(|(pid, _)| *pid == process.parent);
            if !of_tree {
                continue;
            }
            let shares_memory = || kernel::share_memory(process.pid, process.parent) != Some(false);
            if process.was_fork_of_parent && !seen.contains(&identity) && shares_memory() {
                self.newborn.push(identity);
                continue;
            }
            if let Some(member) = Member::new(process) {
                happened(TreeChange::Started { pid: member.process.pid, name: member.work.name });
                self.members.push(member);
            }
        }
    }

    /// The root, when it lives, as it is named now.
    pub(super) fn root(&self) -> Option<(i32, Name)> {
        self.members.first().map(|member| (member.process.pid, member.work.name))
    }
}

impl Member {
    /// `None` when it has ended.
    fn new(mut process: OpenProcess) -> Option<Member> {
        let (memory, work) = (process.memory()?, process.work()?);
        let status = process.status();
        Some(Member { process, memory, work, status, first_high_water: status.high_water })
    }

    /// Its memory map, and how far the counter of anonymous memory was off: the distance of the count
    /// page by page from what the counter said just before and just after.
    fn walk(&mut self) -> (Option<crate::proc::Rollup>, Option<Bytes>) {
        let before = self.process.status().anon;
        let rollup = self.process.rollup();
        let after = self.process.status().anon;
        let off = before.zip(after).zip(rollup.and_then(|rollup| rollup.anonymous));
        let off = off.map(|((before, after), exact)| {
            let (low, high) = (before.min(after), before.max(after));
            low.saturating_sub(exact) + exact.saturating_sub(high)
        });
        (rollup, off)
    }

    fn sample(&self, t_s: f64) -> ProcessSample {
        let Member { process, memory, work, status, .. } = self;
        ProcessSample {
            t_s,
            pid: process.pid,
            start_ticks: process.start_ticks,
            name: work.name,
            rss_bytes: Some(memory.resident),
            anon_bytes: Some(memory.resident.saturating_sub(memory.shared)),
            swap_bytes: status.swap,
            cpu_s: Some(work.cpu_s),
            virtual_bytes: Some(memory.virtual_bytes),
            read_calls: work.io.read_calls,
            write_calls: work.io.write_calls,
            disk_read_bytes: work.io.disk_read,
            disk_written_bytes: work.io.disk_written,
        }
    }
}
