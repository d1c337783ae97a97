//! Jobs of unlike machines, kept apart: averaged or compared they would tell of the machines.

use super::{MachineRecord, PlannedJob, ResultIndex, StoredJob};
use memreel_trace::{MachineClass, RunRecord};

/// The axis that tells variants apart that ran on machines that are not alike.
const AXIS: &str = "machine";

/// Gives the jobs that ran the axis `machine`, where they did so on machines of more than one class; takes it
/// away where they did not.
///
/// It is told anew from the jobs' own records whatever the index says: a result becomes one of several
/// machines when it is merged, but also when it is resumed on another one. A job that did not run has no
/// machine, and so no such axis.
pub(super) fn tell_apart(index: &mut ResultIndex, jobs: &[StoredJob]) {
    forget(index);
    let mut classes: Vec<MachineClass> = Vec::new();
    let place_of = |planned: &PlannedJob| {
        let record = &jobs.iter().find(|job| job.is_called(&planned.folder))?.record;
        let class =
            MachineClass::of(&record.machine).with_build(engine(planned, record), &record.engine.build);
        Some(place(&mut classes, class))
    };
    let places: Vec<_> = index.jobs.iter().map(place_of).collect();
    if classes.len() < 2 {
        return;
    }
    for (planned, place) in index.jobs.iter_mut().zip(places) {
        planned.variant.extend(place.map(|place| (AXIS.to_string(), name(place))));
    }
    index.varied.push(AXIS.into());
    let records = classes.into_iter().enumerate();
    index.machines = records.map(|(place, class)| MachineRecord { name: name(place), class }).collect();
}

/// What the scenario calls the engine of a job: several builds of one engine that it names are what is compared,
/// and no other machine.
fn engine<'a>(planned: &'a PlannedJob, record: &'a RunRecord) -> &'a str {
    let named = planned.variant.iter().find(|(axis, _)| axis == "engine");
    named.map_or(&record.engine.name, |(_, value)| value)
}

/// Takes the axis away.
pub(super) fn forget(index: &mut ResultIndex) {
    index.machines.clear();
    index.varied.retain(|axis| axis != AXIS);
    for job in &mut index.jobs {
        job.variant.retain(|(axis, _)| axis != AXIS);
    }
}

/// The place of the first class that is like this one; it knows what both know from then on.
fn place(classes: &mut Vec<MachineClass>, class: MachineClass) -> usize {
    match classes.iter().position(|known| known.is_like(&class)) {
        Some(place) => {
            classes[place].join(&class);
            place
        }
        None => {
            classes.push(class);
            classes.len() - 1
        }
    }
}

fn name(place: usize) -> String {
    format!("m{}", place + 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::made_up::{MadeUp, result};
    use crate::store::StoredResult;

    fn made_up(folder: &Path) -> StoredResult {
        let job = |engine, repeat| MadeUp::new(engine, "single", |_| 47.0).repeat(repeat);
        let not_run = MadeUp::new("ges", "single", |_| 0.0).not_run("ges is not installed");
        result(folder, &[job("ffmpeg", 1), job("melt", 1), not_run, job("ffmpeg", 2), job("melt", 2)])
    }

    /// The machine of each job after a change to what the jobs say.
    fn machines_after(change: fn(&mut [StoredJob])) -> (Vec<Option<String>>, ResultIndex) {
        let folder = tempfile::tempdir().unwrap();
        let mut result = made_up(folder.path());
        for (job, build) in result.jobs.iter_mut().zip(["f", "m", "f", "m"]) {
            job.record.engine.build = build.into();
        }
        change(&mut result.jobs);
        tell_apart(&mut result.index, &result.jobs);
        let machine = |axes: &[(String, String)]| Some(axes.iter().find(|(axis, _)| axis == AXIS)?.1.clone());
        (result.index.jobs.iter().map(|job| machine(&job.variant)).collect(), result.index)
    }

    #[test]
    fn several_engines_on_one_machine_are_not_told_apart() {
        let (machines, index) = machines_after(|_| ());
        assert!(machines.iter().all(Option::is_none));
        assert_eq!(
            (index.machines, index.varied),
            (vec![], vec!["engine".to_string(), "threading".to_string()])
        );
    }

    #[test]
    fn jobs_of_another_machine_are_told_apart_and_what_did_not_run_has_none() {
        let (machines, index) = machines_after(|jobs| {
            jobs[2..].iter_mut().for_each(|job| {
                job.record.machine.cpus = 64;
            })
        });
        let machines: Vec<_> = machines.iter().map(Option::as_deref).collect();
        assert_eq!(machines, [Some("m1"), Some("m1"), None, Some("m2"), Some("m2")]);
        assert_eq!(index.machines[1].class.cpus, 64);
        assert_eq!(index.machines[1].class.builds.len(), 2);
        assert_eq!(index.varied.last().map(String::as_str), Some(AXIS));
    }

    #[test]
    fn another_build_of_an_engine_is_another_machine_for_that_engine_alone() {
        let (machines, _) = machines_after(|jobs| jobs[3].record.engine.build = "n".into());
        let machines: Vec<_> = machines.iter().map(Option::as_deref).collect();
        assert_eq!(machines, [Some("m1"), Some("m1"), None, Some("m1"), Some("m2")]);
    }

    #[test]
    fn two_builds_that_the_scenario_sets_against_each_other_are_one_machine() {
        let folder = tempfile::tempdir().unwrap();
        let job = |engine| MadeUp::new(engine, "single", |_| 47.0);
        let mut result = result(folder.path(), &[job("old:melt"), job("new:melt")]);
        for (job, build) in result.jobs.iter_mut().zip(["o", "n"]) {
            (job.record.engine.name, job.record.engine.build) = ("melt".into(), build.into());
        }
        tell_apart(&mut result.index, &result.jobs);
        assert_eq!(result.index.machines, []);
    }

    #[test]
    fn an_axis_of_before_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut result = made_up(folder.path());
        let before = result.index.clone();
        result.jobs[0].record.machine.kernel = "6.1".into();
        tell_apart(&mut result.index, &result.jobs);
        let apart = result.index.clone();
        assert_ne!(apart, before);
        tell_apart(&mut result.index, &result.jobs);
        assert_eq!(result.index, apart);
        result.jobs[0].record.machine.kernel = result.jobs[1].record.machine.kernel.clone();
        tell_apart(&mut result.index, &result.jobs);
        assert_eq!(result.index, before);
    }
}
