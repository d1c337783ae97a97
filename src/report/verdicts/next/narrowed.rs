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

/// What is taken out when groups were: each service of those that cause growth; the tracks, when none does.
fn within(removals: &Removals, project: &ProjectRecord) -> Vec<String> {
    if !removals.open.is_empty() || removals.is_empty() {
        return Vec::new();
    }
    let groups = [("filters", &project.filters), ("transitions", &project.transitions)];
    let caused = |(word, _): &(&str, _)| removals.causes().any(|name| name == *word);
    let services = groups.into_iter().filter(caused).flat_map(|(_, services)| services.clone());
    let causes_nothing = removals.causes().next().is_none();
    match causes_nothing && !removals.stays.iter().any(|name| name.contains(':')) {
        true => tracks(project),
        false => services.collect(),
    }
}

fn tracks(project: &ProjectRecord) -> Vec<String> {
    let several = (2..=MOST_TRACKS).contains(&project.tracks.len());
    let tracks = project.tracks.iter().filter(|_| several);
    tracks.map(|number| format!("track:{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::verdicts::next::Longer;
    use memreel_judge::jobs::judge_jobs;

    fn experiment(filters: &[&str], transitions: &[&str], tracks: usize, is_removed: bool) -> Experiment {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let project = ProjectRecord {
            format: "mlt".into(),
            can_be_changed: true,
            filters: words(filters),
            transitions: words(transitions),
            tracks: (1..=tracks).collect(),
        };
        let (scenario, longer) = (vec!["my.mlt".into()], Longer::Times);
        Experiment { scenario, longer, is_removed, project: Some(project), ..Experiment::default() }
    }

    fn named(experiment: &Experiment, grows: Answer, removals: Removals) -> Option<String> {
        let verdict = JobsVerdict { grows, removals, ..judge_jobs(&[]) };
        next(&verdict, experiment).map(|next| next.to_string())
    }

    fn removals(ends: &[&str], lessens: &[&str], stays: &[&str], open: &[&str]) -> Removals {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let [ends, lessens, stays, open] = [ends, lessens, stays, open].map(words);
        Removals { ends, lessens, stays, open }
    }

    #[test]
    fn whole_groups_are_taken_out_first_and_tracks_where_there_are_none() {
        let first = |filters: &[&str], transitions: &[&str], tracks| {
            named(&experiment(filters, transitions, tracks, false), Answer::Yes, Removals::default())
        };
        let command = |values: &str| {
            Some(format!("To find out what causes it: memreel run my.mlt --without '{values}'"))
        };
        assert_eq!(first(&["a", "b"], &["c", "d"], 3), command("filters,transitions"));
        assert_eq!(first(&["a", "b"], &["c"], 3), command("filters,c"));
        assert_eq!(first(&[], &["c"], 3).unwrap().rsplit_once(' ').unwrap().1, "c");
        assert_eq!(first(&[], &[], 2), command("track:1,track:2"));
        assert_eq!(first(&[], &[], 1), None);
        let experiment = experiment(&["a", "b"], &[], 1, false);
        assert_eq!(named(&experiment, Answer::No, Removals::default()), None);
    }

    #[test]
    fn then_each_service_of_the_group_or_the_tracks_and_then_it_is_known() {
        let experiment = experiment(&["a", "b"], &["c", "d"], 2, true);
        let then = |removals| named(&experiment, Answer::Yes, removals);
        let command = |values: &str| {
            Some(format!("To find out what causes it: memreel run my.mlt --without '{values}'"))
        };
        assert_eq!(then(removals(&["filters"], &[], &["transitions"], &[])), command("a,b"));
        assert_eq!(then(removals(&["transitions"], &[], &["filters"], &[])), command("c,d"));
        assert_eq!(then(removals(&[], &[], &["filters", "transitions"], &[])), command("track:1,track:2"));
        assert_eq!(then(removals(&[], &["filters", "transitions"], &[], &[])), command("a,b,c,d"));
        assert_eq!(then(removals(&["a"], &[], &["b"], &[])), None);
        assert_eq!(then(removals(&[], &["a", "b"], &[], &[])), None);
        assert_eq!(then(removals(&[], &[], &["track:1", "track:2"], &[])), None);
        // What is open is decided first, by the command of its own answer.
        assert_eq!(then(removals(&["filters"], &[], &[], &["transitions"])), None);
        // Without something, nothing further is taken out.
        assert_eq!(then(Removals::default()), None);
    }
}
