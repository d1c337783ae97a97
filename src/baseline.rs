//! A baseline: what exports took, kept in a small text file beside the code that it guards.
//!
//! The file is TOML, an entry for each variant on each machine, sorted, a line for each figure with a number for each
//! repeat, so that a change of it can be read in a review:
//!
//! ```toml
//! format = "memreel-baseline/1"
//!
//! [[entry]]
//! scenario = "forty-clips"
//! variant = "melt-single"
//! settings = { engine = "melt", preset = "ultrafast", threading = "single" }
//! export = "5cbf1f0b4d3e2a10"
//! engine = "melt 7.12.0"
//! build = "0090b8ea06f43c4f"
//! cpu = "Intel(R) Xeon(R) Processor"
//! cpus = 2
//! memory_gib = 8
//! kernel = "6.18.5"
//! saved = "2026-11-26"
//! peak_bytes = [116300000, 116410000, 116280000]
//! ```
//!
//! What was measured of another export, by another build of the engine, or on another class of machine is not
//! compared with: [`Baseline::runs_of`] says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Deserialize;

use memreel_judge::budget::{Figure, FigureUnit, Figures};
use memreel_trace::MachineClass;

/// The version of the file.
pub const FORMAT: &str = "memreel-baseline/1";

/// No figure is as large: integers beyond are not exact.
const MOST: f64 = 9_007_199_254_740_992.0;

/// Why a text is no baseline; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not TOML, or lacks what an entry has.
    #[error("not a memreel baseline: line {line}: {message}")]
    Broken {
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// An entry has a line that no baseline has, or figures of unlike numbers of repeats.
    #[error("{entry}: {message}")]
    Entry {
        /// Its variant and scenario.
        entry: String,
        /// What is wrong.
        message: String,
    },
    /// It is empty.
    #[error("it has no entries; `memreel baseline save RESULT FILE` adds them")]
    Empty,
    /// Its first key says that it is of another kind or version.
    #[error("its format is {found}, this program reads {FORMAT}; update memreel")]
    Version {
        /// What it says.
        found: String,
    },
}

/// What was measured: the same of two entries may be compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaselineKey {
    /// The scenario's name.
    pub scenario: String,
    /// The variant: engine, threading, and what is not the scenario's default.
    pub variant: String,
    /// Where, and by which build of the engine.
    pub class: MachineClass,
    /// A digest of what is exported and how it is sampled.
    pub export: String,
}

/// The repeats of a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineEntry {
    /// What was measured.
    pub key: BaselineKey,
    /// The axes and their values, so that what has changed can be said; empty in files of before they were kept.
    pub settings: BTreeMap<String, String>,
    /// The engine with its version, for people.
    pub engine: String,
    /// The day on which it was saved: 2026-11-26.
    pub saved: String,
    /// What each repeat that finished measured.
    pub runs: Vec<Figures>,
}

/// What differs between an entry and what was measured now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike {
    /// What a user accepts it by: an axis, [`TIMELINE`], [`BUILD`] or [`MACHINE`].
    pub name: String,
    words: String,
}

/// A difference of what is exported that no axis says.
pub const TIMELINE: &str = "timeline";
/// A difference of the engine's build.
pub const BUILD: &str = "build";
/// A difference of the machine.
pub const MACHINE: &str = "machine";

/// The nearest entry to what was measured now.
#[derive(Debug, Clone)]
pub struct Nearest<'a> {
    /// The entry; `None` where the baseline has nothing that is near.
    pub entry: Option<&'a BaselineEntry>,
    /// How it differs; not empty where there is an entry.
    pub differences: Vec<Unlike>,
    /// The same in words.
    pub why: String,
}

/// Entries, each key once, in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    entries: Vec<BaselineEntry>,
}

impl BaselineKey {
    /// How the machine and the builds are others than those of the other key.
    fn of_class(&self, other: &BaselineKey, across_builds: bool) -> Vec<Unlike> {
        let differences = self.class.differences(&other.class).into_iter();
        let differences = differences.filter(|difference| !(across_builds && difference.is_of_builds()));
        differences
            .map(|it| Unlike {
                name: if it.is_of_builds() { BUILD } else { MACHINE }.into(),
                words: format!("another {} ({}, now {})", it.fact, it.there, it.here),
            })
            .collect()
    }

    /// Whether both were measured on machines that are alike, by whichever build.
    pub fn has_machine_of(&self, other: &BaselineKey) -> bool {
        self.of_class(other, true).is_empty()
    }

    /// Whether one takes the other's place: the same variant on the same machine, whatever was exported by
    /// whichever build.
    fn replaces(&self, other: &BaselineKey) -> bool {
        let machine = |key: &BaselineKey| MachineClass { builds: BTreeMap::new(), ..key.class.clone() };
        self.scenario == other.scenario && self.variant == other.variant && machine(self) == machine(other)
    }
}

impl Baseline {
    /// These entries; of two with one key the later one.
    pub fn of(entries: impl IntoIterator<Item = BaselineEntry>) -> Baseline {
        let mut by_key: BTreeMap<BaselineKey, BaselineEntry> = BTreeMap::new();
        for entry in entries {
            by_key.insert(entry.key.clone(), entry);
        }
        Baseline { entries: by_key.into_values().collect() }
    }

    /// The entries in the order of the file.
    pub fn entries(&self) -> &[BaselineEntry] {
        &self.entries
    }

    /// The entry that one would take the place of.
    pub fn replaced_by(&self, key: &BaselineKey) -> Option<&BaselineEntry> {
        self.entries.iter().find(|entry| key.replaces(&entry.key))
    }

    /// The same with more entries, each in the place of the one that it replaces.
    pub fn with(&self, entries: &[BaselineEntry]) -> Baseline {
        let stays = |old: &&BaselineEntry| !entries.iter().any(|new| new.key.replaces(&old.key));
        Baseline::of(self.entries.iter().filter(stays).chain(entries).cloned())
    }

    /// The repeats that may be compared with.
    ///
    /// # Errors
    /// The nearest entry and how it differs: of the same variant, or with the settings that differ least, but none of
    /// the variants that are `taken`.
    pub fn runs_of(
        &self,
        key: &BaselineKey,
        settings: &BTreeMap<String, String>,
        taken: &[&str],
        across_builds: bool,
    ) -> Result<&[Figures], Nearest<'_>> {
        let of_scenario = self.entries.iter().filter(|entry| entry.key.scenario == key.scenario);
        let is_free = |entry: &&BaselineEntry| {
            let variant = entry.key.variant.as_str();
            let is_known = !settings.is_empty() && !entry.settings.is_empty();
            variant == key.variant || (is_known && !taken.contains(&variant))
        };
        let mut nearest: Option<(usize, Nearest<'_>)> = None;
        for entry in of_scenario.filter(is_free) {
            let (export, class) = (of_export(key, settings, entry), key.of_class(&entry.key, across_builds));
            if export.is_empty() && class.is_empty() {
                return Ok(&entry.runs);
            }
            // Another machine has entries of its own: of two the one of this machine is nearer.
            let distance = export.len() + 10 * class.len();
            if nearest.as_ref().is_none_or(|(so_far, _)| distance < *so_far) {
                let why = in_words(&export, &class);
                let differences = export.into_iter().chain(class).collect();
                nearest = Some((distance, Nearest { entry: Some(entry), differences, why }));
            }
        }
        let why = format!("the baseline has no {} of {}", key.variant, key.scenario);
        Err(nearest.map_or(Nearest { entry: None, differences: Vec::new(), why }, |(_, nearest)| nearest))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is no baseline, or one of a later version.
    pub fn parse(text: &str) -> Result<Baseline, BaselineError> {
        let file: File = toml::from_str(text).map_err(|error| broken(text, &error))?;
        if file.format != FORMAT {
            return Err(BaselineError::Version { found: file.format });
        }
        if file.entry.is_empty() {
            return Err(BaselineError::Empty);
        }
        let entries: Vec<_> = file.entry.into_iter().map(EntryText::entry).collect::<Result<_, _>>()?;
        Ok(Baseline::of(entries))
    }

    /// The text of a file.
    pub fn text(&self) -> String {
        let mut text = format!(
            "# Kept by memreel: `memreel baseline show FILE` shows it, `memreel baseline update RESULT FILE` renews it.\n\
             format = \"{FORMAT}\"\n"
        );
        for entry in &self.entries {
            text.push_str(&entry_text(entry));
        }
        text
    }
}

/// How what is exported is something else.
fn of_export(key: &BaselineKey, settings: &BTreeMap<String, String>, entry: &BaselineEntry) -> Vec<Unlike> {
    if key.export == entry.key.export && key.variant == entry.key.variant {
        return Vec::new();
    }
    let axes: BTreeSet<_> = settings.keys().chain(entry.settings.keys()).collect();
    let known = !settings.is_empty() && !entry.settings.is_empty();
    let value = |of: &BTreeMap<String, String>, axis: &String| {
        of.get(axis).cloned().unwrap_or_else(|| "unset".into())
    };
    let changed = axes.into_iter().filter(|axis| known && settings.get(*axis) != entry.settings.get(*axis));
    let told = |axis: &String| Unlike {
        name: axis.clone(),
        words: format!("{axis} {}, was {}", value(settings, axis), value(&entry.settings, axis)),
    };
    let changed: Vec<_> = changed.map(told).collect();
    if !changed.is_empty() {
        return changed;
    }
    let words = "another export: the command, the scenario, its media or the sampling have changed".into();
    vec![Unlike { name: TIMELINE.into(), words }]
}

fn in_words(export: &[Unlike], class: &[Unlike]) -> String {
    let joined = |differences: &[Unlike]| {
        differences.iter().map(|difference| difference.words.as_str()).collect::<Vec<_>>().join(", ")
    };
    let measured = (!class.is_empty()).then(|| format!("it was measured with {}", joined(class)));
    let exported = (!export.is_empty()).then(|| joined(export));
    exported.into_iter().chain(measured).collect::<Vec<_>>().join("; ")
}

fn broken(text: &str, error: &toml::de::Error) -> BaselineError {
    let before = error.span().map_or(0, |span| span.start).min(text.len());
    let line = 1 + text.as_bytes()[..before].iter().filter(|&&byte| byte == b'\n').count();
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    BaselineError::Broken { line, message }
}

#[derive(Deserialize)]
struct File {
    format: String,
    #[serde(default)]
    entry: Vec<EntryText>,
}

#[derive(Deserialize)]
struct EntryText {
    scenario: String,
    variant: String,
    export: String,
    engine: String,
    build: String,
    cpu: String,
    cpus: u32,
    memory_gib: u64,
    kernel: String,
    saved: String,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(flatten)]
    figures: BTreeMap<String, Vec<f64>>,
}

impl EntryText {
    /// # Errors
    /// When a figure is none that there is – its name may be mistyped, and the figure would go unjudged –, not all
    /// figures have a number for each repeat, or a number is none that a measurement gives.
    fn entry(self) -> Result<BaselineEntry, BaselineError> {
        let wrong = |message: String| {
            Err(BaselineError::Entry { entry: format!("{} of {}", self.variant, self.scenario), message })
        };
        let columns = Figure::ALL.map(Figure::column);
        if let Some(stray) = self.figures.keys().find(|name| !columns.contains(&name.as_str())) {
            return wrong(format!("unknown key `{stray}` (allowed: {})", columns.join(", ")));
        }
        let counts: Vec<_> = self.figures.values().map(Vec::len).collect();
        if counts.iter().any(|&count| count == 0 || count != counts[0]) {
            return wrong("its figures have different numbers of repeats".into());
        }
        let is_measured = |number: &f64| number.is_nan() || number.abs() < MOST;
        if let Some((figure, _)) = self.figures.iter().find(|(_, numbers)| !numbers.iter().all(is_measured)) {
            return wrong(format!("a number of `{figure}` is larger than anything that is measured"));
        }
        let name = self.engine.split(' ').next().unwrap_or_default().to_string();
        let class = MachineClass {
            cpu: self.cpu,
            cpus: self.cpus,
            memory_gib: self.memory_gib,
            kernel: self.kernel,
            builds: BTreeMap::from([(name, self.build)]),
        };
        let repeats = self.figures.values().map(Vec::len).max().unwrap_or(0);
        let run = |repeat: usize| {
            Figure::ALL.into_iter().fold(Figures::default(), |run, figure| {
                let measured = self.figures.get(figure.column()).and_then(|numbers| numbers.get(repeat));
                run.with(figure, measured.copied())
            })
        };
        Ok(BaselineEntry {
            runs: (0..repeats).map(run).collect(),
            key: BaselineKey { scenario: self.scenario, variant: self.variant, class, export: self.export },
            settings: self.settings,
            engine: self.engine,
            saved: self.saved,
        })
    }
}

fn entry_text(entry: &BaselineEntry) -> String {
    let BaselineKey { scenario, variant, class, export } = &entry.key;
    let mut text = String::from("\n[[entry]]\n");
    let mut line = |key: &str, value: String| writeln!(text, "{key} = {value}").expect("a string takes it");
    line("scenario", quoted(scenario));
    line("variant", quoted(variant));
    if !entry.settings.is_empty() {
        let settings = entry.settings.iter().map(|(axis, value)| format!("{axis} = {}", quoted(value)));
        line("settings", format!("{{ {} }}", settings.collect::<Vec<_>>().join(", ")));
    }
    line("export", quoted(export));
    line("engine", quoted(&entry.engine));
    line("build", quoted(class.builds.values().next().map_or("", String::as_str)));
    line("cpu", quoted(&class.cpu));
    line("cpus", class.cpus.to_string());
    line("memory_gib", class.memory_gib.to_string());
    line("kernel", quoted(&class.kernel));
    line("saved", quoted(&entry.saved));
    for figure in Figure::ALL {
        let numbers = entry.runs.iter().map(|run| run.get(figure));
        let written: Vec<_> = numbers.map(|number| number_text(figure, number)).collect();
        if entry.runs.iter().any(|run| run.get(figure).is_some()) {
            line(figure.column(), format!("[{}]", written.join(", ")));
        }
    }
    text
}

/// As many digits as mean something; `nan` for what a repeat did not measure.
fn number_text(figure: Figure, number: Option<f64>) -> String {
    let Some(number) = number else { return "nan".into() };
    let decimals = match figure.unit() {
        FigureUnit::Bytes if figure == Figure::Peak || figure == Figure::Level => 0,
        FigureUnit::Bytes => 1,
        FigureUnit::Seconds => 7,
        FigureUnit::FramesPerSecond => 3,
        FigureUnit::Count => 2,
    };
    let digits = format!("{number:.decimals$}");
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => digits,
    }
}

/// A string of JSON is one of TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(variant: &str, kernel: &str, build: &str, peaks: &[f64]) -> BaselineEntry {
        let class = MachineClass {
            cpu: "A \"CPU\"".into(),
            cpus: 2,
            memory_gib: 8,
            kernel: kernel.into(),
            builds: BTreeMap::from([("melt".to_string(), build.to_string())]),
        };
        let run = |&peak: &f64| {
            Figures::default().with(Figure::Peak, Some(peak)).with(Figure::CpuPerFrame, Some(0.004_217_3))
        };
        BaselineEntry {
            key: BaselineKey { scenario: "x".into(), variant: variant.into(), class, export: "e".into() },
            settings: BTreeMap::new(),
            engine: "melt 7.12.0".into(),
            saved: "2026-11-26".into(),
            runs: peaks.iter().map(run).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_back_the_same_and_sorted() {
        let second = entry("melt-single", "6.1", "b", &[4e6, 5e6]);
        let first = entry("melt-parallel", "6.1", "b", &[1e6]);
        let baseline = Baseline::of([second.clone(), first.clone()]);
        assert_eq!(baseline.entries(), [first, second]);
        let text = baseline.text();
        assert_eq!(Baseline::parse(&text).unwrap(), baseline, "{text}");
        assert!(
            text.contains("peak_bytes = [4000000, 5000000]\ncpu_s_per_frame = [0.0042173, 0.0042173]\n"),
            "{text}"
        );
    }

    #[test]
    fn what_a_repeat_did_not_measure_stays_unmeasured() {
        let mut one = entry("melt-single", "6.1", "b", &[4e6, 5e6]);
        one.runs[0] = one.runs[0].with(Figure::Peak, None);
        let baseline = Baseline::of([one]);
        let read = Baseline::parse(&baseline.text()).unwrap();
        let peaks: Vec<_> = read.entries()[0].runs.iter().map(|run| run.get(Figure::Peak)).collect();
        assert_eq!(peaks, [None, Some(5e6)]);
    }

    #[test]
    fn another_machine_build_or_export_is_said_and_not_compared() {
        let baseline = Baseline::of([entry("melt-single", "6.1", "b", &[4e6])]);
        let key = |change: fn(&mut BaselineKey)| {
            let mut key = entry("melt-single", "6.1", "b", &[]).key;
            change(&mut key);
            key
        };
        let none = BTreeMap::new();
        assert_eq!(baseline.runs_of(&key(|_| ()), &none, &[], false).map(<[_]>::len).ok(), Some(1));
        let why = |key: BaselineKey| baseline.runs_of(&key, &none, &[], false).unwrap_err().why;
        let kernel = why(key(|key| key.class.kernel = "6.2".into()));
        assert_eq!(kernel, "it was measured with another kernel (6.1, now 6.2)");
        assert!(why(key(|key| key.export = "f".into())).starts_with("another export"));
        assert_eq!(why(key(|key| key.variant = "y".into())), "the baseline has no y of x");
        let rebuilt = key(|key| *key.class.builds.get_mut("melt").unwrap() = "c".into());
        assert_eq!(why(rebuilt.clone()), "it was measured with another build of melt (b, now c)");
        assert!(baseline.runs_of(&rebuilt, &none, &[], true).is_ok());
    }

    #[test]
    fn of_a_variant_that_was_changed_the_nearest_is_named_with_what_differs() {
        let with = |variant: &str, preset: &str, size: &str| BaselineEntry {
            settings: [("preset", preset), ("size", size)]
                .map(|(axis, value)| (axis.into(), value.into()))
                .into(),
            ..entry(variant, "6.1", "b", &[4e6])
        };
        let baseline =
            Baseline::of([with("melt-veryfast", "veryfast", "64x64"), with("melt-small", "fast", "8x8")]);
        assert_eq!(Baseline::parse(&baseline.text()).unwrap(), baseline);
        let now = with("melt-medium", "medium", "64x64");
        let nearest = |taken: &[&str]| baseline.runs_of(&now.key, &now.settings, taken, false).unwrap_err();
        let found = nearest(&[]);
        assert_eq!(found.why, "preset medium, was veryfast");
        assert_eq!(found.differences[0].name, "preset");
        // What is compared with something of its own is not near to anything else.
        let other = nearest(&["melt-veryfast"]);
        assert_eq!(other.why, "preset medium, was fast, size 64x64, was 8x8");
        assert!(nearest(&["melt-veryfast", "melt-small"]).entry.is_none());
    }

    #[test]
    fn a_new_build_takes_the_place_of_the_old_one_and_another_machine_has_its_own() {
        let old = entry("melt-single", "6.1", "b", &[4e6]);
        let new = entry("melt-single", "6.1", "c", &[5e6]);
        let elsewhere = entry("melt-single", "6.2", "b", &[6e6]);
        let baseline = Baseline::of([old]).with(&[new.clone(), elsewhere.clone()]);
        assert_eq!(baseline.entries(), [new, elsewhere]);
    }

    #[test]
    fn what_is_no_baseline_is_said_with_its_line() {
        let error =
            Baseline::parse("format = \"memreel-baseline/1\"\n[[entry]]\nscenario = 3\n").unwrap_err();
        assert!(matches!(error, BaselineError::Broken { line: 2 | 3, .. }), "{error}");
        let text = Baseline::of([entry("melt-single", "6.1", "b", &[4e6, 5e6])]).text();
        let error = Baseline::parse(&text.replace("peak_bytes", "peak_bites")).unwrap_err().to_string();
        assert!(error.contains("melt-single of x: unknown key `peak_bites`"), "{error}");
        let error =
            Baseline::parse(&text.replace("[4000000, 5000000]", "[4000000]")).unwrap_err().to_string();
        assert!(error.contains("different numbers of repeats"), "{error}");
        for number in ["1e16", "-1e16", "inf", "26266666666666666666.0"] {
            let error = Baseline::parse(&text.replace("4000000", number)).unwrap_err().to_string();
            assert!(error.contains("a number of `peak_bytes` is larger"), "{number}: {error}");
        }
        assert!(matches!(Baseline::parse("format = \"memreel-baseline/1\""), Err(BaselineError::Empty)));
        let error = Baseline::parse("format = \"memreel-baseline/9\"").unwrap_err();
        assert!(error.to_string().contains("memreel-baseline/9"), "{error}");
    }
}
