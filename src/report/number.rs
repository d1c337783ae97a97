//! Numbers as people read them.

use memreel_judge::analysis::Spread;

/// What is shown for a number that was not measured.
pub const UNKNOWN: &str = "–";

/// One MiB in bytes.
const MIB: f64 = (1u64 << 20) as f64;

/// So many digits behind the point, a real minus sign, a thin separator for thousands.
pub fn number(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let negative = value < 0.0 && digits.contains(|digit: char| ('1'..='9').contains(&digit));
    format!("{}{}{fraction}", if negative { "−" } else { "" }, grouped(whole))
}

/// Three digits at most that mean something, and no more than one behind the point.
pub fn short(value: f64) -> String {
    number(value, usize::from(value.abs() < 99.95))
}

/// Bytes in MiB, without the unit.
pub fn mib(bytes: f64) -> String {
    short(bytes / MIB)
}

/// The median.
pub fn middle(spread: Option<Spread>, show: impl Fn(f64) -> String) -> String {
    spread.map_or(UNKNOWN.to_string(), |spread| show(spread.median))
}

/// The smallest and the largest of several repeats, as in `3–5`; nothing of a single one, or of
/// repeats that show the same.
pub fn range(spread: Option<Spread>, show: impl Fn(f64) -> String) -> Option<String> {
    let spread = spread.filter(|spread| spread.of > 1)?;
    let (low, high) = (show(spread.low), show(spread.high));
    if low == high {
        return None;
    }
    Some(if spread.low < 0.0 { format!("{low} … {high}") } else { format!("{low}–{high}") })
}

/// A whole number with a comma between thousands.
fn grouped(whole: &str) -> String {
    let separated = |(index, digit): (usize, char)| {
        let left = whole.len() - index;
        let comma = index > 0 && left.is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    whole.chars().enumerate().flat_map(separated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(number(1_234_567.89, 1), "1,234,567.9");
        assert_eq!(number(999.0, 0), "999");
        assert_eq!(number(-1000.0, 0), "−1,000");
    }

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        assert_eq!(number(-0.3, 0), "0");
        assert_eq!(number(-5.0, 0), "−5");
    }

    #[test]
    fn a_number_keeps_the_digits_that_mean_something() {
        assert_eq!((short(99.96), short(9.04), short(1234.5)), ("100".into(), "9.0".into(), "1,234".into()));
    }

    #[test]
    fn one_repeat_has_no_range() {
        assert_eq!(range(Spread::of(&[4.0]), short), None);
        assert_eq!(range(Spread::of(&[4.0, 2.0]), short).unwrap(), "2.0–4.0");
        assert_eq!(range(Spread::of(&[4.0, -2.0]), short).unwrap(), "−2.0 … 4.0");
    }
}
