//! MLT through its Python binding: what an application written in Python does, and nothing else.
//!
//! A driver of ours builds the graph object by object, as an editor does, gives it to an `avformat`
//! consumer, and asks every half a second whether it has stopped: on the main thread, or in a thread of
//! its own while the main thread turns a loop. A project of the user's is loaded instead of built.

use std::ffi::OsString;
use std::path::Path;

use super::binding::{self, Binding};
use super::{Engine, Installation, JobFiles, Missing, Probe, Resolved, mlt};
use crate::plan::Variant;
use crate::scenario::EngineName;

/// A Python that imports MLT.
#[derive(Debug)]
pub struct MltPython {
    binding: Result<Binding, Missing>,
}

impl MltPython {
    /// Looks for a Python that imports MLT, or at the one that was chosen, and if that is wanted asks what it has.
    pub fn find(chosen: Option<&Path>, probe: Option<&Probe>) -> MltPython {
        MltPython { binding: binding::find(EngineName::MltPython, chosen, probe) }
    }
}

impl Engine for MltPython {
    fn name(&self) -> EngineName {
        EngineName::MltPython
    }

    fn installation(&self) -> Result<&Installation, &Missing> {
        self.binding.as_ref().map(|binding| &binding.installation)
    }

    fn unsupported(&self, variant: &Variant) -> Vec<String> {
        mlt::unsupported(variant)
    }

    fn timeline(&self, variant: &Variant) -> (&'static str, String) {
        mlt::graph(variant)
    }

    fn drivers(&self) -> Vec<(String, &str)> {
        vec![(binding::DRIVER.0.into(), binding::DRIVER.1)]
    }

    fn dumps_graph(&self) -> bool {
        true
    }

    fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved {
        let python = self.binding.as_ref().map_or(Path::new("python3"), |binding| &binding.python);
        let driver = files.drivers.join(binding::DRIVER.0);
        let mut command: Vec<OsString> = vec![python.into(), driver.into(), files.timeline.into()];
        let how = if variant.input.project().is_some() { "loaded" } else { "built" };
        command.extend(["--graph", how].map(OsString::from));
        command.extend(binding::arguments(variant, files));
        Resolved {
            before: None,
            command,
            environment: mlt::environment(variant),
            progress: Some(binding::PROGRESS),
            effective: mlt::effective(variant.threading),
            notes: binding::notes(variant, files),
        }
    }
}
