//! Which machines may stand for one another.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EngineRecord, Machine};
use crate::units::Bytes;

/// The properties of a machine that measurements depend on. Jobs on machines of one class can be averaged and
/// compared with each other and with a baseline; jobs of different classes cannot.
///
/// A class contains only properties that are known to matter and do not change from day to day: not the host name,
/// the load, the swap or the distribution.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct MachineClass {
    /// The CPU model.
    pub cpu: String,
    /// The number of usable CPUs.
    pub cpus: u32,
    /// Total memory, rounded to GiB: the kernel reserves some of it, and not the same amount on machines of one size.
    pub memory_gib: u64,
    /// The kernel release.
    pub kernel: String,
    /// The builds of the engines that ran there, by the names of the engines, or by the names of builds that ran side
    /// by side. An engine that did not run there is not listed.
    #[serde(default)]
    pub builds: BTreeMap<String, String>,
}

impl MachineClass {
    /// The class of a machine, whatever engine runs.
    pub fn of(machine: &Machine) -> MachineClass {
        MachineClass {
            cpu: machine.cpu.clone(),
            cpus: machine.cpus,
            memory_gib: nearest_gib(machine.memory_bytes),
            kernel: machine.kernel.clone(),
            builds: BTreeMap::new(),
        }
    }

    /// The same with this build of an engine.
    pub fn with_engine(self, engine: &EngineRecord) -> MachineClass {
        self.with_build(&engine.name, &engine.build)
    }

    /// The same with this build of what is called so.
    pub fn with_build(mut self, name: &str, build: &str) -> MachineClass {
        self.builds.insert(name.into(), build.into());
        self
    }

    /// Whether both may be one class: nothing is known in which they differ. An engine that ran in one of
    /// them only tells them not apart.
    pub fn is_like(&self, other: &MachineClass) -> bool {
        self.differences(other).is_empty()
    }

    /// Takes in what is known of another one like it.
    pub fn join(&mut self, other: &MachineClass) {
        self.builds.extend(other.builds.clone());
    }

    /// In what they differ; empty of two that are alike.
    pub fn differences(&self, other: &MachineClass) -> Vec<Difference> {
        let difference = |fact: &str, here: String, there: String| {
            (here != there).then(|| Difference { fact: fact.into(), here, there })
        };
        let gib = |class: &MachineClass| format!("{} GiB", class.memory_gib);
        let facts = [
            difference("CPU model", self.cpu.clone(), other.cpu.clone()),
            difference("number of CPUs", self.cpus.to_string(), other.cpus.to_string()),
            difference("memory", gib(self), gib(other)),
            difference("kernel", self.kernel.clone(), other.kernel.clone()),
        ];
        let builds = self.builds.iter().filter_map(|(name, build)| {
            difference(&format!("build of {name}"), build.clone(), other.builds.get(name)?.clone())
        });
        facts.into_iter().flatten().chain(builds).collect()
    }
}

/// In what two classes of machines differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `CPU model`, `memory`, `build of melt` …
    pub fact: String,
    /// What it is of the one.
    pub here: String,
    /// What it is of the other.
    pub there: String,
}

impl Difference {
    /// Whether an engine's build is what differs, and not the machine.
    pub fn is_of_builds(&self) -> bool {
        self.fact.starts_with("build of ")
    }
}

fn nearest_gib(bytes: Bytes) -> u64 {
    const GIB: u64 = 1 << 30;
    bytes.get().saturating_add(GIB / 2) / GIB
}

/// `2 CPUs (Intel(R) Xeon(R) Processor), 8 GiB, kernel 6.18.5; melt of build 0090b8ea06f43c4f`.
impl fmt::Display for MachineClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.cpus == 1 { "" } else { "s" };
        write!(f, "{} CPU{plural} ({}), {} GiB, kernel ", self.cpus, self.cpu, self.memory_gib)?;
        write!(f, "{}", self.kernel)?;
        for (index, (name, build)) in self.builds.iter().enumerate() {
            write!(f, "{} {name} of build {build}", if index == 0 { ";" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            system: "Linux (Debian GNU/Linux 12)".into(),
            kernel: "6.1.0-28-amd64".into(),
            cpu: "A CPU".into(),
            cpus: 2,
            memory_bytes: Bytes::from_mib(7950),
            swap_bytes: Bytes::ZERO,
        }
    }

    fn engine(name: &str, build: &str) -> EngineRecord {
        EngineRecord {
            name: name.into(),
            path: format!("/usr/bin/{name}").into(),
            version: "1".into(),
            package: None,
            build: build.into(),
            libraries: BTreeMap::new(),
        }
    }

    #[test]
    fn machines_of_one_size_are_one_class_whatever_the_kernel_keeps_to_itself() {
        let other = Machine {
            memory_bytes: Bytes::from_mib(8010),
            swap_bytes: Bytes::from_mib(1024),
            system: "Linux (Ubuntu 24.04)".into(),
            ..machine()
        };
        assert_eq!(MachineClass::of(&machine()), MachineClass::of(&other));
        assert_eq!(MachineClass::of(&machine()).memory_gib, 8);
    }

    #[test]
    fn each_fact_tells_machines_apart_and_is_named() {
        let class = MachineClass::of(&machine()).with_engine(&engine("melt", "a"));
        let differs_in = |change: fn(&mut MachineClass)| {
            let mut other = class.clone();
            change(&mut other);
            assert!(!class.is_like(&other) && class != other);
            class
                .differences(&other)
                .into_iter()
                .map(|difference| difference.fact)
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(differs_in(|other| other.cpu = "Another".into()), "CPU model");
        assert_eq!(differs_in(|other| other.cpus = 4), "number of CPUs");
        assert_eq!(differs_in(|other| other.memory_gib = 16), "memory");
        assert_eq!(differs_in(|other| other.kernel = "6.12".into()), "kernel");
        assert_eq!(differs_in(|other| *other.builds.get_mut("melt").unwrap() = "b".into()), "build of melt");
    }

    #[test]
    fn an_engine_that_ran_on_one_of_them_only_tells_them_not_apart() {
        let class = MachineClass::of(&machine());
        let mut melt = class.clone().with_engine(&engine("melt", "a"));
        let ffmpeg = class.with_engine(&engine("ffmpeg", "b"));
        assert!(melt.is_like(&ffmpeg) && ffmpeg.is_like(&melt));
        melt.join(&ffmpeg);
        assert!(!melt.is_like(&MachineClass::of(&machine()).with_engine(&engine("ffmpeg", "c"))));
        assert_eq!(
            melt.to_string(),
            "2 CPUs (A CPU), 8 GiB, kernel 6.1.0-28-amd64; ffmpeg of build b, melt of build a"
        );
    }
}
