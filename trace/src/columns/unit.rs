//! What the numbers of a column count.

use crate::columns::Quantity;

/// What a number of a column counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    quantity: Quantity,
    word: &'static str,
    /// How much of what we keep, bytes or seconds, one of it is.
    scale: f64,
}

const fn unit(quantity: Quantity, word: &'static str, scale: f64) -> Unit {
    Unit { quantity, word, scale }
}

/// All units that have a word. The first of a quantity is the usual one.
const UNITS: [Unit; 19] = [
    unit(Quantity::Memory, "B", 1.0),
    unit(Quantity::Memory, "kB", 1e3),
    unit(Quantity::Memory, "KiB", 1024.0),
    unit(Quantity::Memory, "MB", 1e6),
    unit(Quantity::Memory, "MiB", 1024.0 * 1024.0),
    unit(Quantity::Memory, "GB", 1e9),
    unit(Quantity::Memory, "GiB", 1024.0 * 1024.0 * 1024.0),
    unit(Quantity::Memory, "pages", 4096.0),
    unit(Quantity::Time, "s", 1.0),
    unit(Quantity::Time, "ms", 1e-3),
    unit(Quantity::Time, "us", 1e-6),
    unit(Quantity::Time, "ns", 1e-9),
    unit(Quantity::Time, "min", 60.0),
    unit(Quantity::Cpu, "s", 1.0),
    unit(Quantity::Cpu, "ms", 1e-3),
    unit(Quantity::Cpu, "us", 1e-6),
    unit(Quantity::Cpu, "ns", 1e-9),
    unit(Quantity::Cpu, "min", 60.0),
    unit(Quantity::Cpu, "%", 1.0),
];

impl Unit {
    /// Its word on the command line; empty for what is merely counted.
    pub fn word(self) -> &'static str {
        self.word
    }

    /// A number of it in bytes or seconds; a percentage and a count stay what they are.
    pub fn in_base(self, number: f64) -> f64 {
        number * self.scale
    }

    /// Whether it is the share of one CPU since the row before.
    pub fn is_share(self) -> bool {
        self.word == "%"
    }

    /// The units of a quantity; none for what is merely counted.
    pub fn all(quantity: Quantity) -> impl Iterator<Item = Unit> {
        UNITS.into_iter().filter(move |unit| unit.quantity == quantity)
    }

    /// The unit of this word: `KB` is `kB`, and `b` would be bits.
    pub fn of_word(quantity: Quantity, word: &str) -> Option<Unit> {
        let word = if word == "KB" { "kB" } else { word };
        Unit::all(quantity).find(|unit| unit.word == word)
    }

    /// The unit of numbers that come without one: bytes, seconds, or a count.
    pub fn usual(quantity: Quantity) -> Unit {
        Unit::all(quantity).next().unwrap_or(unit(quantity, "", 1.0))
    }
}

/// The unit that a column's name ends with, as in `rss_mb`, `Time (ms)` and `cpu %`.
pub fn unit_in_name(quantity: Quantity, name: &str) -> Option<Unit> {
    let name = name.to_lowercase();
    let end = match name.trim_end_matches([')', ']', ' ']) {
        name if name.ends_with('%') => "%",
        name => name.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default(),
    };
    let word = match end {
        "bytes" => "b",
        "sec" | "secs" | "seconds" => "s",
        "percent" => "%",
        "b" | "min" => return None,
        end => end,
    };
    Unit::all(quantity).find(|unit| unit.word.to_lowercase() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_and_1024_are_told_apart() {
        let bytes = |word: &str| Unit::of_word(Quantity::Memory, word).map(|unit| unit.in_base(2.0));
        assert_eq!((bytes("kB"), bytes("KB"), bytes("KiB")), (Some(2000.0), Some(2000.0), Some(2048.0)));
        assert_eq!((bytes("MB"), bytes("MiB")), (Some(2e6), Some(2_097_152.0)));
        assert_eq!((bytes("GB"), bytes("GiB")), (Some(2e9), Some(2_147_483_648.0)));
        assert_eq!((bytes("B"), bytes("pages")), (Some(2.0), Some(8192.0)));
        assert_eq!((bytes("b"), bytes("mb"), bytes("s")), (None, None, None));
    }

    #[test]
    fn a_name_tells_its_unit_at_its_end() {
        for (quantity, name, unit) in [
            (Quantity::Memory, "rss_bytes", Some("B")),
            (Quantity::Memory, "RSS (MB)", Some("MB")),
            (Quantity::Memory, "heap [KiB] ", Some("KiB")),
            (Quantity::Memory, "gib", Some("GiB")),
            (Quantity::Memory, "mb_per_s", None),
            (Quantity::Memory, "rss", None),
            (Quantity::Memory, "plan_b", None),
            (Quantity::Time, "t_ms", Some("ms")),
            (Quantity::Time, "Elapsed time (s)", Some("s")),
            (Quantity::Time, "ticks", None),
            (Quantity::Time, "t_min", None),
            (Quantity::Cpu, "CPU (%)", Some("%")),
            (Quantity::Cpu, "cpu_s", Some("s")),
            (Quantity::Frames, "frames_s", None),
        ] {
            assert_eq!(unit_in_name(quantity, name).map(Unit::word), unit, "{name}");
        }
    }
}
