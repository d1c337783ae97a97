//! Which variants of a result are worth setting against each other.

/// More comparisons than this nobody reads, and of so many equal pairs one would be called different.
pub const MOST_PAIRS: usize = 24;

/// The axes that are told first.
const FIRST: [&str; 2] = ["threading", "engine"];

/// The axis along which nothing is compared: of two machines that are not alike the figures tell of them, and
/// not of the exports.
const NEVER: &str = "machine";

/// Two variants that differ in one axis only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The axis.
    pub axis: String,
    /// The place of the variant that is compared with, in the list that was given.
    pub a: usize,
    /// The place of the variant that is compared.
    pub b: usize,
    /// The value of the axis in `a`.
    pub a_value: String,
    /// The value of the axis in `b`.
    pub b_value: String,
}

/// The pairs of variants that differ in exactly one axis, at most [`MOST_PAIRS`] of them.
///
/// Variants that are alike but for an axis are each compared with the first of them. First come the pairs
/// of threading, then those of the engine, then the other axes in the order of the plan; within an axis
/// the order is that of the list. A variant that comes twice counts once. What is left out when there are
/// more are the last of this order. Variants of different machines are never a pair.
pub fn pairs(variants: &[Vec<(String, String)>]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for axis in axes(variants) {
        pairs.extend((0..variants.len()).filter_map(|b| pair(variants, axis, b)));
    }
    pairs.truncate(MOST_PAIRS);
    pairs
}

/// The axes in the order in which they are told.
fn axes(variants: &[Vec<(String, String)>]) -> Vec<&str> {
    let mut axes: Vec<&str> = Vec::new();
    for (axis, _) in variants.iter().flatten().filter(|(axis, _)| axis != NEVER) {
        if !axes.contains(&axis.as_str()) {
            axes.push(axis);
        }
    }
    axes.sort_by_key(|axis| FIRST.iter().position(|first| first == axis).unwrap_or(FIRST.len()));
    axes
}

/// The variant at `b` and the first of those that it differs from in this axis alone; `None` when it is
/// that one itself, or came before.
fn pair(variants: &[Vec<(String, String)>], axis: &str, b: usize) -> Option<Pair> {
    let b_value = value(&variants[b], axis)?;
    let alike = |other: &Vec<(String, String)>| {
        value(other, axis).is_some() && is_alike_but_for(axis, other, &variants[b])
    };
    let a = variants.iter().position(alike)?;
    let a_value = value(&variants[a], axis)?;
    let is_first = !variants[..b].contains(&variants[b]);
    (a_value != b_value && is_first).then(|| Pair {
        axis: axis.to_string(),
        a,
        b,
        a_value: a_value.to_string(),
        b_value: b_value.to_string(),
    })
}

fn value<'a>(variant: &'a [(String, String)], axis: &str) -> Option<&'a str> {
    variant.iter().find(|(name, _)| name == axis).map(|(_, value)| value.as_str())
}

fn is_alike_but_for(axis: &str, a: &[(String, String)], b: &[(String, String)]) -> bool {
    let others = |variant: &[(String, String)]| {
        variant.iter().filter(|(name, _)| name != axis).cloned().collect::<Vec<_>>()
    };
    others(a) == others(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of these axes, the first changing slowest.
    fn matrix(axes: &[(&str, &[&str])]) -> Vec<Vec<(String, String)>> {
        axes.iter().fold(vec![Vec::new()], |variants, (axis, values)| {
            let with = |variant: &Vec<(String, String)>, value: &&str| {
                let mut variant = variant.clone();
                variant.push((axis.to_string(), value.to_string()));
                variant
            };
            variants.iter().flat_map(|variant| values.iter().map(move |value| with(variant, value))).collect()
        })
    }

    fn told(pairs: &[Pair]) -> Vec<String> {
        pairs.iter().map(|pair| format!("{}: {} > {}", pair.axis, pair.a_value, pair.b_value)).collect()
    }

    #[test]
    fn variants_are_compared_that_differ_in_one_axis_threading_first() {
        let variants = matrix(&[("engine", &["ffmpeg", "melt"]), ("threading", &["single", "parallel"])]);
        let pairs = pairs(&variants);
        assert_eq!(
            told(&pairs),
            [
                "threading: single > parallel",
                "threading: single > parallel",
                "engine: ffmpeg > melt",
                "engine: ffmpeg > melt"
            ]
        );
        let places: Vec<_> = pairs.iter().map(|pair| (pair.a, pair.b)).collect();
        assert_eq!(places, [(0, 1), (2, 3), (0, 2), (1, 3)]);
    }

    #[test]
    fn of_more_than_two_values_each_is_compared_with_the_first() {
        let variants = matrix(&[("length", &["1", "2", "4"])]);
        assert_eq!(told(&pairs(&variants)), ["length: 1 > 2", "length: 1 > 4"]);
    }

    #[test]
    fn where_the_first_value_was_not_run_the_first_that_was_stands_in() {
        let mut variants =
            matrix(&[("engine", &["ffmpeg", "melt"]), ("driver", &["none", "main", "background"])]);
        variants.remove(3);
        let found = pairs(&variants);
        let of_melt: Vec<_> = found.iter().filter(|pair| pair.axis == "driver" && pair.a == 3).collect();
        assert_eq!(of_melt.len(), 1);
        assert_eq!((of_melt[0].a_value.as_str(), of_melt[0].b_value.as_str()), ("main", "background"));
    }

    #[test]
    fn nothing_is_compared_with_itself_or_across_two_axes() {
        let variant = |values: [&str; 2]| {
            vec![("engine".to_string(), values[0].to_string()), ("size".to_string(), values[1].to_string())]
        };
        assert_eq!(pairs(&[variant(["ffmpeg", "720p"]), variant(["melt", "UHD"])]), []);
        assert_eq!(pairs(&[variant(["ffmpeg", "720p"]), variant(["ffmpeg", "720p"])]), []);
        let twice = [["ffmpeg", "720p"], ["melt", "720p"], ["melt", "720p"]].map(variant);
        assert_eq!(told(&pairs(&twice)), ["engine: ffmpeg > melt"]);
        assert_eq!(pairs(&[]), []);
    }

    #[test]
    fn nothing_is_compared_across_machines_and_each_machine_by_itself() {
        let axes: [(&str, &[&str]); 2] = [("threading", &["single", "parallel"]), ("machine", &["m1", "m2"])];
        let found = pairs(&matrix(&axes));
        assert_eq!(told(&found), ["threading: single > parallel", "threading: single > parallel"]);
        assert_eq!(found.iter().map(|pair| (pair.a, pair.b)).collect::<Vec<_>>(), [(0, 2), (1, 3)]);
    }

    #[test]
    fn of_very_many_pairs_those_of_threading_and_engine_are_kept() {
        let lengths = ["1", "2", "3", "4", "5"];
        let axes: [(&str, &[&str]); 3] =
            [("length", &lengths), ("engine", &["ffmpeg", "melt"]), ("threading", &["single", "parallel"])];
        let found = pairs(&matrix(&axes));
        let count = |axis: &str| found.iter().filter(|pair| pair.axis == axis).count();
        assert_eq!((count("threading"), count("engine"), count("length")), (10, 10, 4));
        assert_eq!(found.len(), MOST_PAIRS);
    }
}
