//! A project as each variant exports it: as it is, or a changed copy.

use std::sync::Arc;

use crate::scenario::{AxisValue, MediaChoice, PartChoice};
use memreel_projects::mlt::Removal;
use memreel_projects::project::{self, Opened, Project};
use memreel_timeline::Rate;

/// What a variant changes of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditChoice {
    proxies: bool,
    without: Option<Removal>,
    part: Option<PartChoice>,
    times: u32,
}

/// A project, and copies of it with changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Copies {
    original: Arc<Project>,
    changed: Vec<(EditChoice, Arc<Project>)>,
}

impl EditChoice {
    /// What a combination of values asks for.
    pub fn of(values: &[AxisValue]) -> EditChoice {
        let mut edit = EditChoice { proxies: false, without: None, part: None, times: 1 };
        for value in values {
            match value {
                AxisValue::Media(media) => edit.proxies = *media == MediaChoice::Proxy,
                AxisValue::Times(times) => edit.times = *times,
                AxisValue::Without(removal) => edit.without.clone_from(removal),
                AxisValue::Part(part) => edit.part = *part,
                _ => {}
            }
        }
        edit
    }

    /// The values that change something, as a scenario writes them.
    fn words(&self) -> String {
        let proxies = self.proxies.then(|| "media proxy".to_string());
        let without = self.without.as_ref().map(|removal| format!("without {removal}"));
        let part = self.part.map(|part| format!("part {part}"));
        let times = (self.times > 1).then(|| format!("times {}", self.times));
        proxies.into_iter().chain(without).chain(part).chain(times).collect::<Vec<_>>().join(", ")
    }
}

impl Copies {
    /// A project that no variant changes.
    pub fn unchanged(project: Project) -> Copies {
        Copies { original: Arc::new(project), changed: Vec::new() }
    }

    /// A project with a copy for each of these changes; `ask` has MLT open one.
    ///
    /// # Errors
    /// When a change is not possible: which, and what is.
    pub fn of(
        project: Project,
        rate: Rate,
        edits: impl IntoIterator<Item = EditChoice>,
        ask: &dyn Fn(&Project) -> Option<Opened>,
    ) -> Result<Copies, String> {
        let mut copies = Copies::unchanged(project);
        for edit in edits {
            if copies.changed.iter().any(|(known, _)| *known == edit) {
                continue;
            }
            let project = &copies.original;
            let part = edit.part.map(|part| part.frames(rate, project.frames));
            let asked = project::Edit {
                proxies: edit.proxies,
                without: edit.without.clone(),
                part,
                times: edit.times,
            };
            if asked != project::Edit::default() {
                let copy = project.edited(&asked, ask).map_err(|why| format!("{}: {why}", edit.words()))?;
                copies.changed.push((edit, Arc::new(copy)));
            }
        }
        Ok(copies)
    }

    /// The copy with a change; the project itself where there is none.
    pub fn get(&self, edit: &EditChoice) -> Arc<Project> {
        let found = self.changed.iter().find(|(known, _)| known == edit);
        Arc::clone(found.map_or(&self.original, |(_, project)| project))
    }
}
