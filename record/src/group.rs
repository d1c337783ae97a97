//! Control groups that limit and count the memory of a command: one for each, removed after it.
//!
//! Version 2 where a subtree with the memory controller is delegated to us, version 1 where its groups can be
//! made. A group of ours is called `memreel-PID-NUMBER` and locked (`flock`) for as long as its owner lives: what
//! nobody locks was left behind by a memreel that was killed, and is removed when groups are next [taken](Groups::take).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Access, FlockOperation, access, flock};
use rustix::process::{Pid, Signal, kill_process};

use crate::proc;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{GroupVersion, MemoryGroupRecord};

/// What the names of our groups begin with.
const PREFIX: &str = "memreel-";

/// By so much the limit of memory and swap together is larger than that of memory in version 1: the kernel counts how
/// often the latter is hit, and takes memory by no more at a time.
const BESIDE: Bytes = Bytes::from_kib(256);

/// How long the processes of a group may take to be gone.
const REMOVED_WITHIN: Duration = Duration::from_secs(2);

/// The group in which memory of processes is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlace {
    /// Of control groups.
    pub version: GroupVersion,
    /// The group's folder.
    pub folder: PathBuf,
}

/// Why no group can be made: one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}; a way out: systemd-run --user --scope -p Delegate=yes memreel …", reasons.join("; "))]
pub struct NoGroups {
    reasons: Vec<String>,
}

impl MemoryPlace {
    /// Where the memory of a process is counted, by the text of its `/proc/PID/cgroup`. `mounts` is
    /// `/proc/self/mountinfo`, and what is mounted lies below `root`.
    fn of(mounts: &str, membership: &str, root: &Path) -> Result<MemoryPlace, NoGroups> {
        let mut reasons = Vec::new();
        for mount in mounts.lines().filter_map(GroupMount::parse) {
            let Some(folder) = mount.group_of(membership) else { continue };
            let folder = root.join(folder.strip_prefix("/").unwrap_or(&folder));
            let controllers = folder.join("cgroup.controllers");
            match mount.version {
                GroupVersion::V2 if !has_word(&controllers, "memory") => {
                    reasons.push(format!("{} does not list memory", controllers.display()));
                }
                version => return Ok(MemoryPlace { version, folder }),
            }
        }
        if reasons.is_empty() {
            reasons.push("/proc/self/mountinfo lists no control groups with a memory controller".into());
        }
        Err(NoGroups { reasons })
    }

    /// Where the memory of a process is counted.
    ///
    /// # Errors
    /// When no memory controller counts it.
    pub fn of_process(pid: i32) -> Result<MemoryPlace, NoGroups> {
        let read = |file: String| fs::read_to_string(file).unwrap_or_default();
        MemoryPlace::of(
            &read("/proc/self/mountinfo".into()),
            &read(format!("/proc/{pid}/cgroup")),
            Path::new("/"),
        )
    }

    /// How many of its processes the kernel has killed for want of memory.
    pub fn oom_kills(&self) -> Option<u64> {
        let counted = |file: &str| proc::counter(&fs::read(self.folder.join(file)).ok()?, "oom_kill");
        match self.version {
            GroupVersion::V1 => counted("memory.oom_control"),
            GroupVersion::V2 => counted("memory.events.local").or_else(|| counted("memory.events")),
        }
    }

    /// Why no groups can be made in it; `None` when they can.
    fn objection(&self) -> Option<String> {
        let files: &[&str] = match self.version {
            GroupVersion::V1 => &["."],
            GroupVersion::V2 => &[".", "cgroup.procs", "cgroup.subtree_control"],
        };
        let refused = |file: &&str| access(self.folder.join(file), Access::WRITE_OK).err();
        let (file, error) = files.iter().find_map(|file| Some((file, refused(file)?)))?;
        let path = if *file == "." { self.folder.clone() } else { self.folder.join(file) };
        Some(format!("cannot write to {} (cgroup {}): {error}", path.display(), self.version))
    }
}

/// A hierarchy of control groups, from a line of `mountinfo`.
struct GroupMount<'a> {
    version: GroupVersion,
    /// The group that is mounted.
    group: &'a str,
    point: &'a str,
}

impl<'a> GroupMount<'a> {
    /// `None` for what is mounted for anything but memory.
    fn parse(line: &'a str) -> Option<GroupMount<'a>> {
        let (mount, system) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(3);
        let (group, point) = (words.next()?, words.next()?);
        let mut words = system.split(' ');
        let version = match (words.next()?, words.nth(1)?) {
            ("cgroup2", _) => GroupVersion::V2,
            ("cgroup", options) if options.split(',').any(|option| option == "memory") => GroupVersion::V1,
            _ => return None,
        };
        Some(GroupMount { version, group, point })
    }

    /// The folder of the group that a process is in, by its `/proc/PID/cgroup`; `None` when it is not below
    /// the mount.
    fn group_of(&self, membership: &str) -> Option<PathBuf> {
        let path = membership.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let fits = match self.version {
                GroupVersion::V1 => controllers.split(',').any(|name| name == "memory"),
                GroupVersion::V2 => controllers.is_empty(),
            };
            fits.then_some(path)
        })?;
        Some(Path::new(self.point).join(Path::new(path).strip_prefix(self.group).ok()?))
    }
}

/// Where groups of ours are made.
#[derive(Debug)]
pub struct Groups {
    place: MemoryPlace,
    /// The leaf that we have moved into: version 2 allows no processes beside groups.
    own_leaf: Option<Group>,
}

impl Groups {
    /// Makes sure that groups can be made, and removes those that were left behind. In version 2 this may move us
    /// into a group of our own beside them.
    ///
    /// # Errors
    /// When no group can be made: what was looked at, and a way out.
    pub fn take() -> Result<Groups, NoGroups> {
        Groups::in_place(MemoryPlace::of_process(std::process::id() as i32)?)
    }

    /// The same, but only if it takes nothing but to make the groups.
    pub fn at_hand() -> Option<Groups> {
        let place = MemoryPlace::of_process(std::process::id() as i32).ok()?;
        let ready = place.version == GroupVersion::V1 || is_enabled(&place.folder);
        if ready { Groups::in_place(place).ok() } else { None }
    }

    fn in_place(place: MemoryPlace) -> Result<Groups, NoGroups> {
        if let Some(reason) = place.objection() {
            return Err(NoGroups { reasons: vec![reason] });
        }
        remove_stale(&place);
        let mut groups = Groups { place, own_leaf: None };
        if groups.place.version == GroupVersion::V2 {
            groups.enable_memory().map_err(|reason| NoGroups { reasons: vec![reason] })?;
        }
        Ok(groups)
    }

    /// Which version of control groups they are of.
    pub fn version(&self) -> GroupVersion {
        self.place.version
    }

    /// The group that they are made in.
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// Has the kernel count memory in groups below this one, which it refuses while there are processes in it.
    fn enable_memory(&mut self) -> Result<(), String> {
        let file = self.place.folder.join("cgroup.subtree_control");
        if is_enabled(&self.place.folder) || fs::write(&file, "+memory").is_ok() {
            return Ok(());
        }
        let failed = |error| format!("cannot write +memory to {}: {error}", file.display());
        let leaf = Group::make(&self.place).map_err(failed)?;
        leaf.join(std::process::id()).map_err(failed)?;
        self.own_leaf = Some(leaf);
        fs::write(&file, "+memory").map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => format!(
                "cannot write +memory to {}: other processes are in that group ({})",
                file.display(),
                names_of(&members(&self.place.folder)),
            ),
            _ => failed(error),
        })
    }

    /// A new group, with or without a limit. No memory beyond it can be swapped out.
    ///
    /// # Errors
    /// When it cannot be made, or the kernel refuses the limit.
    pub fn make(&self, limit: Option<Bytes>) -> io::Result<Group> {
        let mut group = Group::make(&self.place)?;
        if let Some(limit) = limit {
            group.limit(limit)?;
        }
        Ok(group)
    }
}

impl Drop for Groups {
    /// We go back to where we were.
    fn drop(&mut self) {
        if self.own_leaf.is_some() {
            let _ = fs::write(self.place.folder.join("cgroup.subtree_control"), "-memory");
            let _ = fs::write(self.place.folder.join("cgroup.procs"), std::process::id().to_string());
        }
    }
}

/// A control group of ours. It is removed when this is dropped, and with it whatever still runs in it.
#[derive(Debug)]
pub struct Group {
    place: MemoryPlace,
    limit: Option<Bytes>,
    /// While it is open the group has an owner.
    _lock: File,
}

impl Group {
    fn make(parent: &MemoryPlace) -> io::Result<Group> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let folder = parent.folder.join(format!("{PREFIX}{}-{number}", std::process::id()));
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            // Whoever looks for what is left behind may have removed it just now.
            let Some(lock) = lock(&folder).filter(|_| folder.exists()) else { continue };
            let place = MemoryPlace { version: parent.version, folder };
            return Ok(Group { place, limit: None, _lock: lock });
        }
    }

    fn limit(&mut self, limit: Bytes) -> io::Result<()> {
        let bytes = limit.get().to_string();
        let with_swap = (limit + BESIDE).get().to_string();
        let (required, where_there_is): (_, &[(&str, &str)]) = match self.place.version {
            GroupVersion::V1 => (
                "memory.limit_in_bytes",
                &[("memory.memsw.limit_in_bytes", &with_swap), ("memory.swappiness", "0")],
            ),
            GroupVersion::V2 => ("memory.max", &[("memory.swap.max", "0"), ("memory.oom.group", "1")]),
        };
        self.write(required, &bytes)?;
        for (file, value) in where_there_is.iter().filter(|(file, _)| self.place.folder.join(file).exists()) {
            self.write(file, value)?;
        }
        self.limit = Some(limit);
        Ok(())
    }

    fn write(&self, file: &str, value: &str) -> io::Result<()> {
        let path = self.place.folder.join(file);
        fs::write(&path, value)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    fn join(&self, pid: u32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// The file in which a process joins it by writing its number.
    pub fn members_file(&self) -> PathBuf {
        self.place.folder.join("cgroup.procs")
    }

    /// How many of its processes the kernel has killed for want of memory.
    pub fn oom_kills(&self) -> Option<u64> {
        self.place.oom_kills()
    }

    /// What it was, and what it has counted so far.
    pub fn record(&self) -> MemoryGroupRecord {
        let read = |file: &str| fs::read(self.place.folder.join(file)).ok();
        let number = |file: &str| std::str::from_utf8(&read(file)?).ok()?.trim().parse::<u64>().ok();
        let (peak, hits) = match self.place.version {
            GroupVersion::V1 => (number("memory.max_usage_in_bytes"), number("memory.failcnt")),
            GroupVersion::V2 => {
                let events = read("memory.events").unwrap_or_default();
                (number("memory.peak"), proc::counter(&events, "max"))
            }
        };
        MemoryGroupRecord {
            version: self.place.version,
            limit_bytes: self.limit,
            peak_bytes: peak.map(Bytes::new),
            limit_hits: hits.map(Count::new),
            oom_kills: self.oom_kills().map(Count::new),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        remove(&self.place.folder);
    }
}

/// `None` when somebody else has it.
fn lock(folder: &Path) -> Option<File> {
    let file = File::open(folder).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(file)
}

/// Groups of owners who died.
fn remove_stale(place: &MemoryPlace) {
    let Ok(entries) = fs::read_dir(&place.folder) else { return };
    let ours = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in ours.map(|entry| entry.path()) {
        if let Some(_lock) = lock(&folder) {
            remove(&folder);
        }
    }
}

/// Removes a group, and ends whatever is left in it.
fn remove(folder: &Path) {
    let since = Instant::now();
    while fs::remove_dir(folder).is_err() && folder.exists() && since.elapsed() < REMOVED_WITHIN {
        end_all(folder);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills the processes of a group. Where the kernel does it (version 2, Linux 5.14), also those that we cannot see, and
/// those that are being forked.
fn end_all(folder: &Path) {
    let all = pids(folder);
    let own = std::process::id() as i32;
    let ask = || File::options().write(true).open(folder.join("cgroup.kill"))?.write_all(b"1");
    if !all.contains(&own) && ask().is_ok() {
        return;
    }
    for pid in all.into_iter().filter(|&pid| pid != own) {
        let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
    }
}

/// The processes of a group, but for ourselves. Those that we cannot see, in another PID namespace, are 0 there.
fn members(folder: &Path) -> Vec<i32> {
    let own = std::process::id() as i32;
    pids(folder).into_iter().filter(|&pid| pid != own).collect()
}

/// The same with ourselves.
fn pids(folder: &Path) -> Vec<i32> {
    let text = fs::read(folder.join("cgroup.procs")).unwrap_or_default();
    proc::children(&text).filter(|&pid| pid > 0).collect()
}

fn names_of(pids: &[i32]) -> String {
    let name = |pid: &i32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        format!("{pid} {}", name.trim())
    };
    pids.iter().take(3).map(name).collect::<Vec<_>>().join(", ")
}

fn is_enabled(folder: &Path) -> bool {
    has_word(&folder.join("cgroup.subtree_control"), "memory")
}

fn has_word(file: &Path, word: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.split_whitespace().any(|other| other == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
        35 31 0:32 /docker/a /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    const V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

    fn write(root: &Path, path: &str, text: &str) {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }

    #[test]
    fn the_kernel_kills_a_group_where_it_can_and_never_one_that_we_are_in() {
        for (kernel_can, with_us) in [(true, false), (false, false), (true, true)] {
            let group = tempfile::tempdir().unwrap();
            let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            let both = [child.id(), std::process::id()];
            let members = &both[..=usize::from(with_us)];
            let members: Vec<_> = members.iter().map(u32::to_string).collect();
            write(group.path(), "cgroup.procs", &members.join("\n"));
            if kernel_can {
                write(group.path(), "cgroup.kill", "");
            }
            end_all(group.path());
            let asked = fs::read_to_string(group.path().join("cgroup.kill")).ok();
            let left_to_the_kernel = kernel_can && !with_us;
            assert_eq!(asked.as_deref(), kernel_can.then_some(if left_to_the_kernel { "1" } else { "" }));
            if left_to_the_kernel {
                assert_eq!(child.try_wait().unwrap(), None);
                child.kill().unwrap();
            }
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(9));
        }
    }

    #[test]
    fn the_memory_of_a_container_is_counted_below_what_is_mounted_there() {
        let place = MemoryPlace::of(V1, "4:memory:/docker/a/b\n1:cpu:/x\n0::/\n", Path::new("/r")).unwrap();
        let folder = "/r/sys/fs/cgroup/memory/b".into();
        assert_eq!(place, MemoryPlace { version: GroupVersion::V1, folder });
    }

    #[test]
    fn version_2_counts_where_the_groups_own_file_lists_memory() {
        let root = tempfile::tempdir().unwrap();
        let file = "sys/fs/cgroup/user.slice/a.scope/cgroup.controllers";
        write(root.path(), file, "cpu memory pids\n");
        let place = MemoryPlace::of(V2, "0::/user.slice/a.scope\n", root.path()).unwrap();
        assert_eq!(place.version, GroupVersion::V2);
        write(root.path(), file, "pids\n");
        let error = MemoryPlace::of(V2, "0::/user.slice/a.scope\n", root.path()).unwrap_err().to_string();
        assert!(error.contains("a.scope/cgroup.controllers does not list memory"), "{error}");
        assert!(error.contains("systemd-run --user --scope -p Delegate=yes"), "{error}");
    }

    #[test]
    fn a_machine_without_control_groups_is_refused_in_words() {
        let error = MemoryPlace::of("22 1 8:1 / / rw - ext4 /dev/sda rw\n", "", Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("/proc/self/mountinfo lists no control groups"), "{error}");
    }

    #[test]
    fn a_group_that_is_not_ours_to_write_is_named() {
        let root = tempfile::tempdir().unwrap();
        let place = MemoryPlace { version: GroupVersion::V2, folder: root.path().join("gone") };
        let error = Groups::in_place(place).unwrap_err().to_string();
        assert!(error.contains(&format!("cannot write to {}", root.path().display())), "{error}");
    }
}
