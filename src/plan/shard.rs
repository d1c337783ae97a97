//! Dealing a plan's jobs to several machines.
//!
//! Whole repeats go to a shard where there are enough of them: every machine then runs all variants, in the
//! seeded order, and each comparison can be made on one machine. With fewer repeats than shards whole
//! variants do, neighbours in the matrix together: the last axes change fastest, so that exports of several
//! lengths or with several numbers of sources, which are judged together, stay together for as long as
//! they can. Labelled builds that are alike in all else are there to be compared, and are never parted.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::{Job, JobName, Plan, order};

/// One of several parts of a plan, each for a machine of its own: `2/4` is the second of four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    number: u32,
    of: u32,
}

/// What a plan of a shard is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOf {
    /// Which part.
    pub shard: Shard,
    /// The jobs of the other parts, in the order of the whole plan.
    pub elsewhere: Vec<JobName>,
}

/// Why there is no such shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not the name of a shard.
    #[error("write K/N for the K-th of N shards, like 1/4")]
    Name,
    /// Some of so many would have nothing to run.
    #[error("{of} shards are too many (variants: {variants}, repeats: {repeats}); use at most {most}")]
    TooMany {
        /// How many were asked for.
        of: u32,
        /// Variants of the plan.
        variants: u32,
        /// Repeats of each.
        repeats: u32,
        /// How many make sense.
        most: u32,
    },
}

impl Shard {
    /// The shard of this number, from 1; `None` when there are not so many.
    pub fn new(number: u32, of: u32) -> Option<Shard> {
        (1..=of).contains(&number).then_some(Shard { number, of })
    }

    /// All of so many.
    pub fn all(of: u32) -> impl Iterator<Item = Shard> {
        (1..=of).map(move |number| Shard { number, of })
    }

    /// Which, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Of how many.
    pub fn of(self) -> u32 {
        self.of
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let numbers =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        numbers.and_then(|(number, of)| Shard::new(number, of)).ok_or(ShardError::Name)
    }
}

impl Plan {
    /// The shard of each job, in the order of the jobs, when they are dealt to so many; every shard has some.
    ///
    /// # Errors
    /// When there are neither so many repeats nor so many variants.
    pub fn deal(&self, of: NonZeroU32) -> Result<Vec<Shard>, ShardError> {
        let of = of.get();
        let (variants, repeats) = (self.variants.len() as u32, self.repeats());
        let group_of = order::group_of(&self.variants);
        let groups = group_of.iter().max().map_or(0, |last| last + 1);
        let most = repeats.max(groups as u32);
        if most < of {
            return Err(ShardError::TooMany { of, variants, repeats, most });
        }
        let shard = |job: &Job| match repeats >= of {
            true => (job.repeat - 1) % of,
            false => (group_of[job.variant] * of as usize / groups) as u32,
        };
        Ok(self.jobs.iter().map(|job| Shard { number: shard(job) + 1, of }).collect())
    }

    /// The plan of one shard of a whole plan: its jobs, in the same order, and those variants alone that
    /// they run.
    ///
    /// # Errors
    /// As [`Plan::deal`].
    pub fn shard(self, shard: Shard) -> Result<Plan, ShardError> {
        let dealt = self.deal(NonZeroU32::new(shard.of).expect("no shard is of none"))?;
        let (mine, others): (Vec<_>, Vec<_>) =
            self.jobs.iter().zip(dealt).partition(|(_, dealt)| *dealt == shard);
        let elsewhere = others.iter().map(|(job, _)| self.name_of(**job)).collect();
        let part = Some(PartOf { shard, elsewhere });
        let jobs = mine.into_iter().map(|(job, _)| *job).collect();
        Ok(Plan { part, ..self }.restricted(jobs))
    }

    /// How often each variant is run.
    fn repeats(&self) -> u32 {
        self.jobs.iter().map(|job| job.repeat).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::plan::tests::{ONE_TRACK, planned};

    fn plan(variants: u32, repeats: u32) -> Plan {
        let lengths: Vec<_> = (1..=variants).map(|length| length.to_string()).collect();
        planned(&format!(
            "{ONE_TRACK}matrix.threading = 'single'\nmatrix.repeats = {repeats}\nmatrix.length = [{}]",
            lengths.join(", ")
        ))
    }

    fn shards(plan: &Plan, of: u32) -> Vec<Plan> {
        Shard::all(of).map(|shard| plan.clone().shard(shard).unwrap()).collect()
    }

    fn names(plan: &Plan) -> Vec<JobName> {
        plan.jobs.iter().map(|job| plan.name_of(*job)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn every_job_is_in_one_shard_and_no_shard_is_empty(variants in 1..9_u32, repeats in 1..9_u32, of in 1..9_u32) {
            prop_assume!(of <= variants.max(repeats));
            let whole = plan(variants, repeats);
            let shards = shards(&whole, of);
            let mut all: Vec<_> = shards.iter().flat_map(names).collect();
            all.sort_by_key(|name| names(&whole).iter().position(|other| other == name));
            prop_assert_eq!(all, names(&whole));
            for (shard, number) in shards.iter().zip(1..) {
                let part = shard.part.as_ref().unwrap();
                prop_assert_eq!(part.shard, Shard { number, of });
                prop_assert!(!shard.jobs.is_empty());
                let others: HashSet<_> = part.elsewhere.iter().map(|name| &name.folder).collect();
                prop_assert_eq!(others.len() + shard.jobs.len(), whole.jobs.len());
                prop_assert!(names(shard).iter().all(|name| !others.contains(&name.folder)));
            }
        }

        #[test]
        fn a_shard_keeps_the_order_of_the_whole(variants in 1..9_u32, repeats in 1..9_u32, of in 1..9_u32) {
            prop_assume!(of <= variants.max(repeats));
            let whole = plan(variants, repeats);
            for shard in shards(&whole, of) {
                let mine: HashSet<_> = names(&shard).into_iter().map(|name| name.folder).collect();
                let order = names(&whole).into_iter().filter(|name| mine.contains(&name.folder));
                prop_assert_eq!(names(&shard), order.collect::<Vec<_>>());
            }
        }

        #[test]
        fn a_comparison_is_made_on_one_machine_wherever_there_are_repeats_enough(
            variants in 1..9_u32, repeats in 1..9_u32, of in 1..9_u32,
        ) {
            prop_assume!(of <= variants.max(repeats));
            for shard in shards(&plan(variants, repeats), of) {
                let repeats_of = |variant: usize| -> Vec<_> {
                    let jobs = shard.jobs.iter().filter(|job| job.variant == variant);
                    jobs.map(|job| job.repeat).collect()
                };
                let first = repeats_of(0);
                prop_assert!((0..shard.variants.len()).all(|variant| repeats_of(variant) == first));
                match repeats >= of {
                    true => prop_assert_eq!(shard.variants.len() as u32, variants),
                    false => prop_assert_eq!(first.len() as u32, repeats),
                }
            }
        }
    }

    #[test]
    fn neighbours_in_the_matrix_stay_together() {
        let places = |shard: &Plan| shard.variants.iter().map(|variant| variant.place).collect::<Vec<_>>();
        assert_eq!(
            shards(&plan(5, 1), 2).iter().map(places).collect::<Vec<_>>(),
            [vec![0, 1, 2], vec![3, 4]]
        );
    }

    #[test]
    fn builds_that_take_turns_are_never_parted() {
        let plan = planned(&format!(
            "{ONE_TRACK}matrix.engine = ['a:melt', 'b:melt']\nmatrix.threading = ['single', 'parallel']"
        ));
        for shard in shards(&plan, 2) {
            let engines: Vec<_> = shard.variants.iter().map(|variant| variant.engine.to_string()).collect();
            assert_eq!(engines, ["a:melt", "b:melt"]);
        }
        let error = plan.shard(Shard::new(1, 3).unwrap()).unwrap_err().to_string();
        assert!(error.contains("at most 2"), "{error}");
    }

    #[test]
    fn more_shards_than_have_something_to_run_are_refused_with_how_many_make_sense() {
        let plan = plan(3, 2);
        let error = plan.clone().shard(Shard::new(1, 4).unwrap()).unwrap_err().to_string();
        assert!(error.contains("(variants: 3, repeats: 2); use at most 3"), "{error}");
        assert!(plan.shard(Shard::new(3, 3).unwrap()).is_ok());
    }

    #[test]
    fn a_shard_is_named_by_its_number_and_how_many_there_are() {
        let read = |text: &str| text.parse::<Shard>().map(|shard| shard.to_string());
        assert_eq!(read("2/4").as_deref(), Ok("2/4"));
        for wrong in ["0/4", "5/4", "1/0", "2", "a/b", "1/2/3", "", "-1/2"] {
            assert_eq!(read(wrong), Err(ShardError::Name), "{wrong}");
        }
    }
}
