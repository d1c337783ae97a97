//! From growth of a project to what in it grows: whole groups are taken out first, then each of a group.

use super::{Experiment, Next};
use crate::store::ProjectRecord;
use memreel_judge::jobs::{JobsVerdict, Removals};
use memreel_judge::shape::Answer;

/// The most tracks that one command takes out, each in a variant of its own.
const MOST_TRACKS: usize = 20;

/// The command that finds out what of a project grows, while that is not known.
pub fn next(verdict: &JobsVerdict, experiment: &Experiment) -> Option<Next> {
    let project = experiment.project.as_ref().filter(|_| verdict.grows == Answer::Yes)?;
    let values = match experiment.is_removed {
        false => groups(project),
        true => within(&verdict.removals, project),
    };
    let change = ("matrix.without".to_string(), values.join(","));
    let command = || experiment.command(&[change]);
    (!values.is_empty())
        .then(|| Next::Command { aim: "To find out what causes it".into(), command: command() })
}

/// What is taken out first: the groups that there are, the only service of a group by its name.
fn groups(project: &ProjectRecord) -> Vec<String> {
    let groups = [("filters", &project.filters), ("transitions", &project.transitions)];
    let of = |(word, services): (&str, &Vec<String>)| match services.as_slice() {
        [] => None,
        [service] => Some(service.clone()),
        _ => Some(word.to_string()),
    };
    let mut values: Vec<String> = groups.into_iter().filter_map(of).collect();
    values.dedup();
    if values.is_empty() { tracks(project) } else { values }
}

/// What is taken out when groups were: each service of one without which growth ends; the tracks, when it never ended.
fn within(removals: &Removals, project: &ProjectRecord) -> Vec<String> {
    if !removals.open.is_empty() || removals.is_empty() {
        return Vec::new();
    }
    let ends = |word: &str| removals.ends.iter().any(|name| name == word);
    match () {
        () if ends("filters") => project.filters.clone(),
        () if ends("transitions") => project.transitions.clone(),
        () if removals.ends.is_empty() && !removals.stays.iter().any(|name| name.contains(':')) => {
            tracks(project)
        }
        () => Vec::new(),
    }
}

fn tracks(project: &ProjectRecord) -> Vec<String> {
    let several = (2..=MOST_TRACKS).contains(&project.tracks.len());
    let tracks = project.tracks.iter().filter(|_| several);
    tracks.map(|number| format!("track:{number}")).collect()
}
