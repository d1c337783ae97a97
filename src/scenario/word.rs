//! Names that users give to engines and axes.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;

use super::spelling::quoted;

/// The longest name that a user gives to an engine or an axis, in bytes.
const LONGEST: usize = 40;

/// A name that a user gives to an engine or an axis: letters, digits, `_` and `-`, a letter first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(ArrayString<LONGEST>);

impl Word {
    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Word, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let word = ArrayString::from(text).ok().filter(|_| begins && text.bytes().all(plain));
        word.map(Word).ok_or_else(|| {
            format!(
                "{} is not a valid name: use up to {LONGEST} letters, digits, _ and -, a letter first",
                quoted(text)
            )
        })
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
