//! What machine this is, and what can be measured on it.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::proc::{self, KernelRelease};
use crate::sampler;
use memreel_trace::Machine;
use memreel_trace::units::Bytes;

/// The machine's facts, for `run.json` and reports.
pub fn describe() -> Machine {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::everything());
    let system = System::new_with_specifics(wanted);
    let cpu = system.cpus().first().map_or("unknown", |cpu| cpu.brand().trim());
    Machine {
        system: System::long_os_version().unwrap_or_else(|| "unknown".into()),
        kernel: System::kernel_version().unwrap_or_else(|| "unknown".into()),
        cpu: if cpu.is_empty() { "unknown".into() } else { cpu.into() },
        cpus: cpus(),
        memory_bytes: Bytes::new(system.total_memory()),
        swap_bytes: Bytes::new(system.total_swap()),
    }
}

/// CPUs that this process may use.
pub fn cpus() -> u32 {
    std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u32)
}

/// How far the kernel's resident counters may be off on this machine for a process of so many
/// threads; `None` when the kernel's release is not understood.
pub fn counter_error(machine: &Machine, threads: u32) -> Option<Bytes> {
    let page = Bytes::new(rustix::param::page_size() as u64);
    Some(proc::counter_error(KernelRelease::parse(&machine.kernel)?, machine.cpus, threads, page))
}

/// How many processes the kernel has killed for want of memory since it booted.
pub fn oom_kills() -> Option<u64> {
    proc::counter(&std::fs::read("/proc/vmstat").ok()?, "oom_kill")
}

/// Whether the proportional set size of our own processes can be read.
pub fn has_pss() -> bool {
    sampler::own_private_bytes().is_some()
}

/// Whether the kernel can keep a program from writing outside of some folders.
pub fn has_landlock() -> bool {
    use landlock::{ABI, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let handled = ruleset.handle_access(AccessFs::from_write(ABI::V1));
    handled.and_then(|ruleset| ruleset.create()).is_ok()
}
