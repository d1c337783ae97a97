//! In which order jobs are run: whatever changes on the machine meanwhile is not to fall on one variant.
//!
//! All variants are run once, then all again in another order, and so on. Builds that have labels are there to
//! be compared with each other: those that are alike in all else take turns directly after each other, so that
//! a machine that gets warmer, or busy for a while, is that for all of them.

use std::collections::BTreeMap;

use crate::digest;
use crate::scenario::Axis;

use super::{Job, Variant};

/// Every variant so often, in an order that depends on the seed.
pub(super) fn jobs(variants: &[Variant], repeats: u32, seed: u32) -> Vec<Job> {
    let groups = groups(variants);
    (1..=repeats).flat_map(|repeat| shuffled(&groups, repeat, seed)).collect()
}

/// The group of each variant, by a number from 0 in the order in which groups first appear: labelled builds that are
/// alike but for the engine are one.
pub(super) fn group_of(variants: &[Variant]) -> Vec<usize> {
    let mut names: Vec<String> = Vec::new();
    let number = |variant: &Variant| {
        let name = name(variant);
        names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        })
    };
    variants.iter().map(number).collect()
}

/// Variants that are run directly after each other.
struct Group<'a> {
    /// What tells it from the other groups.
    name: String,
    /// Places in the plan, and the variants' own names.
    members: Vec<(usize, &'a str)>,
}

/// Labelled builds that are alike but for the engine, and each other variant by itself.
fn groups(variants: &[Variant]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (place, variant) in variants.iter().enumerate() {
        let name = name(variant);
        let group = groups.entry(name.clone()).or_insert(Group { name, members: Vec::new() });
        group.members.push((place, variant.slug()));
    }
    groups.into_values().collect()
}

/// Of a labelled build all but its engine; slugs have no line breaks, so none is the name of another variant.
fn name(variant: &Variant) -> String {
    if variant.engine.label.is_none() {
        return variant.slug().into();
    }
    let others = variant.axes.iter().filter(|(axis, _)| *axis != Axis::Engine);
    others.map(|(axis, value)| format!("{axis} {value}\n")).collect()
}

/// One repeat of all variants. The order of two groups depends on nothing but themselves, the repeat and the
/// seed, so that it is the same on every machine and whatever other variants there are.
fn shuffled(groups: &[Group], repeat: u32, seed: u32) -> Vec<Job> {
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_cached_key(|group| digest::of(format!("{seed}\n{repeat}\n{}", group.name)));
    let variants = groups.into_iter().flat_map(|group| in_turn(group, repeat, seed));
    variants.map(|variant| Job { variant, repeat }).collect()
}

/// The members of a group in one repeat. In as many repeats as there are members each of them is the first
/// once; which begins is drawn anew for the next so many.
fn in_turn(group: &Group, repeat: u32, seed: u32) -> Vec<usize> {
    let count = group.members.len() as u32;
    let (round, turn) = ((repeat - 1) / count, (repeat - 1) % count);
    let mut members: Vec<_> = group.members.iter().collect();
    members.sort_by_cached_key(|(_, slug)| digest::of(format!("{seed}\nround {round}\n{slug}")));
    members.rotate_left(turn as usize);
    members.into_iter().map(|(place, _)| *place).collect()
}
