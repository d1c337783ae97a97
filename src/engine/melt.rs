//! MLT's command line, `melt`, on MLT XML that we write.
//!
//! With everything at one thread, melt still has three, two of them working: the program's first, which
//! waits, the consumer's and the file writer's.
//!
//! On a busy machine melt 7.12 with `real_time=0` now and then ends its consumer's thread before the first
//! frame and waits for ever (6 of 285 exports of 80 frames, three at a time on 2 CPUs; 0 of 285 with
//! `real_time=-2`). That is told as what it is: stalled at frame 0.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::probe::{self, Loaded, Probe};
use super::{Engine, Installation, JobFiles, Missing, Resolved, mlt};
use crate::plan::Variant;
use crate::scenario::{Driver, EngineName};
use memreel_record::supervise::{Channel, EngineProgress, ProgressFormat, ProgressLines};
use memreel_trace::EngineRecord;
use memreel_trace::units::Count;

/// `melt` as a shell would find it, or as it was chosen.
#[derive(Debug)]
pub struct Melt {
    installation: Result<Installation, Missing>,
}

impl Melt {
    /// Looks for `melt`, and if that is wanted asks it what it has.
    pub fn find(chosen: Option<&Path>, probe: Option<&Probe>) -> Melt {
        let installation = match probe {
            Some(probe) => chosen.map_or_else(|| installed(probe), |path| self::chosen(path, probe)),
            None => looked_for(chosen),
        };
        Melt { installation }
    }
}

const ADVICE: &str = "install it (Debian and Ubuntu: `apt-get install melt`)";

fn on_path() -> Result<PathBuf, Missing> {
    let missing = || Missing { what: "melt is not installed".into(), advice: ADVICE.into() };
    probe::on_path("melt").ok_or_else(missing)
}

/// The program: the one that was chosen, or as a shell would find it.
///
/// # Errors
/// When it is not there.
pub fn program(chosen: Option<&Path>) -> Result<PathBuf, Missing> {
    chosen.map_or_else(on_path, |path| probe::chosen(path, Some("melt")))
}

fn looked_for(chosen: Option<&Path>) -> Result<Installation, Missing> {
    Ok(Installation::unasked(EngineName::Melt, &program(chosen)?))
}

fn installed(probe: &Probe) -> Result<Installation, Missing> {
    let program = on_path()?;
    let loaded = mlt::loaded(probe, &program, QUESTION, &program);
    installation(probe, &program, &loaded, "melt", ADVICE)
}

fn chosen(path: &Path, probe: &Probe) -> Result<Installation, Missing> {
    let program = probe::chosen(path, Some("melt"))?;
    let advice = format!("see the output of `{} --version`", program.display());
    let loaded = mlt::loaded(probe, &program, QUESTION, &program);
    mlt::check_its_own(&program, &loaded)?;
    installation(probe, &program, &loaded, &program.display().to_string(), &advice)
}

/// What has melt load everything that it exports with.
const QUESTION: [&str; 2] = ["-query", "formats"];

/// What a melt has; `called` and `advice` are for whoever has something else there.
fn installation(
    probe: &Probe,
    program: &Path,
    loaded: &Loaded,
    called: &str,
    advice: &str,
) -> Result<Installation, Missing> {
    let missing = |what: &str| Missing { what: format!("{called} {what}"), advice: advice.into() };
    let version = probe
        .output_of(program, ["--version"])
        .and_then(|text| version(&text))
        .ok_or_else(|| missing("does not identify itself as MLT's melt"))?;
    let libraries = mlt::versions(loaded);
    let build = probe::build_digest(program, &libraries, loaded).ok_or_else(|| missing("cannot be read"))?;
    let list = |kind: &str| {
        mlt::list(probe, program, ["-query", kind])
            .ok_or_else(|| missing(&format!("does not list its {kind}")))
    };
    Ok(Installation {
        is_asked: true,
        video_encoders: list("video_codecs")?,
        audio_encoders: list("audio_codecs")?,
        containers: list("formats")?,
        record: EngineRecord {
            name: "melt".into(),
            package: probe.package_of(program),
            path: program.into(),
            version,
            build,
            libraries,
        },
    })
}

/// `7.12.0` of `melt 7.12.0`: the first line begins with the name under which it was started.
fn version(text: &str) -> Option<String> {
    let (_, version) = text.lines().next()?.trim().split_once(' ')?;
    text.contains("mltframework").then(|| version.trim().to_string())
}

impl Engine for Melt {
    fn name(&self) -> EngineName {
        EngineName::Melt
    }

    fn installation(&self) -> Result<&Installation, &Missing> {
        self.installation.as_ref()
    }

    fn unsupported(&self, variant: &Variant) -> Vec<String> {
        let mut unsupported = Vec::new();
        if variant.driver == Driver::Background {
            unsupported.push("melt is a command-line program: it has no background driver".into());
        }
        if variant.exports > 1 {
            unsupported.push(format!(
                "melt runs one export per process, not {}: use --engine mlt-python",
                variant.exports
            ));
        }
        unsupported.extend(mlt::unsupported(variant));
        unsupported
    }

    fn timeline(&self, variant: &Variant) -> (&'static str, String) {
        mlt::graph(variant)
    }

    fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved {
        let program = self.installation.as_ref().map_or(Path::new("melt"), |here| &here.record.path);
        let mut command: Vec<OsString> = vec![program.into(), files.timeline.into()];
        command.extend(["-progress2", "-consumer", "avformat"].map(OsString::from));
        let mut target = OsString::from("target=");
        target.push(mlt::target(variant, files));
        command.push(target);
        let properties = mlt::properties(variant).into_iter();
        command.extend(properties.map(|(name, value)| format!("{name}={value}").into()));
        Resolved {
            before: None,
            command,
            environment: mlt::environment(variant),
            progress: Some(ProgressFormat {
                channel: Channel::Output,
                lines: ProgressLines::Own(parse_progress),
                counters: "in",
                left_out: mlt::not_loaded,
            }),
            effective: mlt::effective(variant.threading),
            notes: mlt::notes(variant),
        }
    }
}

/// `Current Frame:         12, percentage:          1`, on a line of its own with `-progress2`.
fn parse_progress(line: &str) -> Option<EngineProgress> {
    let rest = line.trim().strip_prefix("Current Frame:")?;
    let frame = rest.split(',').next()?.trim().parse().ok()?;
    Some(EngineProgress { frames_in: Some(Count::new(frame)), ..EngineProgress::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn melts_progress_is_understood() {
        let progress = parse_progress("Current Frame:        312, percentage:         31").unwrap();
        assert_eq!(progress.frames_in, Some(Count::new(312)));
        assert_eq!(parse_progress("[consumer avformat] no frames"), None);
    }
}
