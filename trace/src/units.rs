//! Quantities with their unit in the type.
//!
//! [`Bytes`] and [`Count`] keep their `Option` as small as themselves, because a trace holds
//! millions of them and what was not measured is `None`, never zero.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A whole number from zero: digits and nothing else, as the kernel and our files write them.
// The sampler parses with it in another crate, which it is only inlined into when told so.
#[inline]
pub fn whole(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &digit| {
        let value = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(value)
    })
}

/// The JSON Schema of a number is written out where it is used, so that a field keeps its own description.
macro_rules! schema_of_a_number {
    ($name:ident, $schema:tt) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

macro_rules! whole_number {
    ($(#[$about:meta])* $name:ident, $unit:literal) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(
            /// One more than the number, so that zero is left for `None`.
            NonZeroU64,
        );

        impl $name {
            /// Nothing at all, measured.
            pub const ZERO: $name = $name::new(0);

            /// This many. The largest `u64` is out of reach and becomes the one before it.
            pub const fn new(number: u64) -> $name {
                $name(NonZeroU64::MIN.saturating_add(number))
            }

            /// How many.
            pub const fn get(self) -> u64 {
                self.0.get() - 1
            }

            /// The nearest float.
            pub const fn as_f64(self) -> f64 {
                self.get() as f64
            }

            /// The difference, or zero where `other` is larger.
            pub const fn saturating_sub(self, other: $name) -> $name {
                $name::new(self.get().saturating_sub(other.get()))
            }
        }

        impl std::ops::Add for $name {
            type Output = $name;
            fn add(self, other: $name) -> $name {
                $name::new(self.get().saturating_add(other.get()))
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = $name>>(numbers: I) -> $name {
                numbers.fold($name::ZERO, std::ops::Add::add)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.get())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(self.get())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                u64::deserialize(deserializer).map($name::new)
            }
        }

        schema_of_a_number!($name, { "type": "integer", "minimum": 0, "description": $unit });
    };
}

whole_number! {
    /// An amount of memory or of data. Files hold bytes; people are shown MiB.
    Bytes, "Bytes."
}

whole_number! {
    /// How many of something: frames, threads, processes, faults.
    Count, "A count."
}

impl Bytes {
    /// So many times 1024.
    pub const fn from_kib(kib: u64) -> Bytes {
        Bytes::new(kib.saturating_mul(1024))
    }

    /// So many times 1,048,576.
    pub const fn from_mib(mib: u64) -> Bytes {
        Bytes::new(mib.saturating_mul(1 << 20))
    }

    /// In MiB (1,048,576 bytes).
    pub fn mib(self) -> f64 {
        self.as_f64() / f64::from(1 << 20)
    }
}

impl fmt::Display for Bytes {
    /// For people: MiB with as many digits as mean something.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mib() {
            mib if mib < 10.0 => write!(f, "{mib:.2} MiB"),
            mib if mib < 100.0 => write!(f, "{mib:.1} MiB"),
            mib => write!(f, "{mib:.0} MiB"),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

/// How memory changes with each step of some progress; negative where it falls.
pub trait PerStep: Copy {
    /// So many bytes with each step.
    fn of_bytes(bytes: f64) -> Self;
    /// Bytes with each step.
    fn bytes(self) -> f64;
}

macro_rules! rate {
    ($(#[$about:meta])* $name:ident, $unit:literal) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl PerStep for $name {
            fn of_bytes(bytes: f64) -> $name {
                $name(bytes)
            }

            fn bytes(self) -> f64 {
                self.0
            }
        }

        schema_of_a_number!($name, { "type": "number", "description": $unit });
    };
}

rate! {
    /// How memory changes with each frame exported; negative where it falls.
    BytesPerFrame, "Bytes per frame."
}

rate! {
    /// How memory changes with each second; negative where it falls.
    BytesPerSecond, "Bytes per second."
}

rate! {
    /// How memory changes with each MiB (1,048,576 bytes) that is written; negative where it falls.
    BytesPerMibWritten, "Bytes per MiB written."
}

impl fmt::Display for BytesPerFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes.abs() < 10_000.0 => write!(f, "{bytes:.0} B/frame"),
            bytes => write!(f, "{:.1} KiB/frame", bytes / 1024.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_missing_takes_no_more_room() {
        assert_eq!(size_of::<Option<Bytes>>(), 8);
        assert_eq!(size_of::<Option<Count>>(), 8);
    }

    #[test]
    fn zero_is_a_measurement() {
        assert_eq!(Bytes::ZERO.get(), 0);
        assert_ne!(Some(Bytes::ZERO), None);
        assert_eq!(Bytes::new(u64::MAX).get(), u64::MAX - 1);
    }
}
