//! Which columns of somebody's table hold what, as the user says it or as they are usually called.
//!
//! `time=t_s,frames=frames,memory="Real, all":MiB`: a quantity, its column's name, and its unit. What is not
//! said is found where a usual name leaves no doubt ([`usual`]).

mod unit;
pub mod usual;

use std::fmt;
use std::str::FromStr;

pub use unit::{Unit, unit_in_name};

use crate::Memory;

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// When the row was taken.
    Time,
    /// How much memory there was.
    Memory,
    /// Frames put out so far.
    Frames,
    /// Threads alive.
    Threads,
    /// CPU time used so far, or the share of one CPU since the row before.
    Cpu,
}

impl Quantity {
    /// All of them, in the order in which they are told.
    pub const ALL: [Quantity; 5] =
        [Quantity::Time, Quantity::Memory, Quantity::Frames, Quantity::Threads, Quantity::Cpu];

    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Quantity::Time => "time",
            Quantity::Memory => "memory",
            Quantity::Frames => "frames",
            Quantity::Threads => "threads",
            Quantity::Cpu => "cpu",
        }
    }

    /// Whether a table without it cannot be judged.
    pub fn is_needed(self) -> bool {
        matches!(self, Quantity::Time | Quantity::Memory)
    }

    fn of_word(word: &str) -> Option<Quantity> {
        Quantity::ALL.into_iter().find(|quantity| quantity.word() == word)
    }
}

/// A column that the user has named.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedColumn {
    /// Its name in the file's header.
    pub name: String,
    /// What its numbers count.
    pub unit: Unit,
}

impl NamedColumn {
    /// The kind of memory that the name suggests: one with `anon` in it (of any case) is anonymous memory
    /// with what of it was swapped out, any other the resident set.
    pub fn memory(&self) -> Memory {
        let is_anonymous = self.name.to_lowercase().contains("anon");
        if is_anonymous { Memory::AnonymousAndSwap } else { Memory::Rss }
    }
}

/// The columns of a table that the user has named, parsed from `time=t_s,memory=mem_mb:MiB,frames=n`.
///
/// A column's name may have spaces, and stands in double quotes where it has a comma, a colon or a quote (two
/// quotes are one, as in CSV). A unit may follow after a colon: B, kB, KiB, MB, MiB, GB, GiB or pages (of
/// 4096 bytes) of memory, s, ms, us, ns or min of time and of CPU time, % for the share of one CPU since the
/// row before. Without one it is the unit that the name ends with (`mem_mb`, `Time (ms)`), else B and s.
///
/// What is not named is looked for by its usual name. A quantity that may be missing and has nothing behind
/// its `=` is not looked for: `frames=`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnNames {
    /// `None` where nothing is behind the `=`.
    said: Vec<(Quantity, Option<NamedColumn>)>,
}

impl ColumnNames {
    /// The column of a quantity, where one was named.
    pub fn of(&self, quantity: Quantity) -> Option<&NamedColumn> {
        self.said.iter().find(|(said, _)| *said == quantity)?.1.as_ref()
    }

    /// Whether a quantity that was not named is looked for by its usual name.
    pub fn leaves_open(&self, quantity: Quantity) -> bool {
        self.said.iter().all(|(said, _)| *said != quantity)
    }

    fn say(&mut self, part: &str) -> Result<(), ColumnNamesError> {
        let wrong = |why: String| ColumnNamesError { part: part.to_string(), why };
        let (word, column) = part.split_once('=').ok_or_else(|| wrong(format!("no `=`; {POSSIBLE}")))?;
        let quantity = Quantity::of_word(word.trim())
            .ok_or_else(|| wrong(format!("`{}` is not a quantity; {POSSIBLE}", word.trim())))?;
        if !self.leaves_open(quantity) {
            return Err(wrong(format!("{} is given twice", quantity.word())));
        }
        let column = column_of(quantity, column.trim()).map_err(&wrong)?;
        if let Some(column) = &column
            && self.said.iter().flat_map(|(_, said)| said).any(|said| said.name == column.name)
        {
            return Err(wrong(format!("column `{}` is named twice", column.name)));
        }
        self.said.push((quantity, column));
        Ok(())
    }
}

/// What a text of column names looks like.
const POSSIBLE: &str =
    "give time=COLUMN, memory=COLUMN, frames=COLUMN, threads=COLUMN, cpu=COLUMN, each with or without :UNIT";

/// A part of a text of column names that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{part}`: {why}")]
pub struct ColumnNamesError {
    /// The part.
    pub part: String,
    /// What is wrong with it, and what is possible.
    pub why: String,
}

impl FromStr for ColumnNames {
    type Err = ColumnNamesError;

    fn from_str(text: &str) -> Result<ColumnNames, ColumnNamesError> {
        let mut names = ColumnNames::default();
        for part in parts(text) {
            names.say(part.trim())?;
        }
        Ok(names)
    }
}

/// The parts between the commas that are not in quotes.
fn parts(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let is_between = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    text.split(is_between).collect()
}

/// The column behind a `=`; `None` when there is nothing and there may be nothing.
fn column_of(quantity: Quantity, text: &str) -> Result<Option<NamedColumn>, String> {
    let (name, unit) = match text.strip_prefix('"') {
        Some(rest) => unquoted(rest)?,
        None => match text.rsplit_once(':') {
            Some((name, unit)) => (name.trim().to_string(), Some(unit)),
            None => (text.to_string(), None),
        },
    };
    match (name.is_empty(), quantity.is_needed()) {
        (true, false) if unit.is_none() => return Ok(None),
        (true, _) => return Err("the column's name is missing".to_string()),
        (false, _) => {}
    }
    let unit = match unit {
        Some(word) => Unit::of_word(quantity, word.trim()).ok_or_else(|| no_unit(quantity, word.trim()))?,
        None => unit_in_name(quantity, &name).unwrap_or(Unit::usual(quantity)),
    };
    Ok(Some(NamedColumn { name, unit }))
}

/// The name whose opening quote was taken off, and the unit behind it.
fn unquoted(rest: &str) -> Result<(String, Option<&str>), String> {
    let mut name = String::new();
    let mut rest = rest;
    loop {
        let (before, after) = rest.split_once('"').ok_or("the closing quote is missing")?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => (name.push('"'), rest = after).1,
            None => {
                let after = after.trim();
                let unit = after.strip_prefix(':');
                let is_end = after.is_empty() || unit.is_some();
                return is_end.then_some((name, unit)).ok_or(format!("`{after}` is after the name"));
            }
        }
    }
}

fn no_unit(quantity: Quantity, word: &str) -> String {
    let units: Vec<_> = Unit::all(quantity).map(Unit::word).collect();
    let quoted = "put a name with a colon in double quotes";
    match units.is_empty() {
        true => format!("{} have no unit, and `{word}` was given; {quoted}", quantity.word()),
        false => format!("`{word}` is not a unit of {}: use {}; {quoted}", quantity.word(), units.join(", ")),
    }
}

/// A name as it can stand in a text of column names.
pub fn quoted(name: &str) -> String {
    let is_plain = !name.contains([',', ':', '"']) && name.trim() == name;
    if is_plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

impl fmt::Display for NamedColumn {
    /// Its name and its unit, as they can be parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.unit.word().is_empty() { "" } else { ":" };
        write!(f, "{}{colon}{}", quoted(&self.name), self.unit.word())
    }
}

impl fmt::Display for ColumnNames {
    /// As it can be parsed, with every unit told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (quantity, column)) in self.said.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}=", quantity.word())?;
            column.iter().try_for_each(|column| write!(f, "{column}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ColumnNames {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn refused(text: &str) -> String {
        let told = text.parse::<ColumnNames>().unwrap_err().to_string();
        assert_eq!(told.lines().count(), 1, "{told}");
        told
    }

    #[test]
    fn columns_are_named_with_their_units_and_say_so_again() {
        for (text, told) in [
            ("time=t_s,frames=frames,memory=anon_bytes", "time=t_s:s,frames=frames,memory=anon_bytes:B"),
            (" memory = Real memory : MiB , time=ms col:ms", "memory=Real memory:MiB,time=ms col:ms"),
            ("memory=\"Real, all: \"\"now\"\"\":KB", "memory=\"Real, all: \"\"now\"\"\":kB"),
            ("memory=\"a:b\"", "memory=\"a:b\":B"),
            ("frames=,cpu=cpu:%,threads=n", "frames=,cpu=cpu:%,threads=n"),
            ("memory=größe:GiB", "memory=größe:GiB"),
        ] {
            assert_eq!(parsed(text).to_string(), told, "{text}");
            assert_eq!(parsed(told), parsed(text), "{text}");
        }
    }

    #[test]
    fn a_unit_that_is_not_said_is_the_one_in_the_name() {
        let told = parsed("time=Elapsed (ms),memory=heap_mib,cpu=cpu %").to_string();
        assert_eq!(told, "time=Elapsed (ms):ms,memory=heap_mib:MiB,cpu=cpu %:%");
        assert_eq!(parsed("memory=heap_mib:kB").to_string(), "memory=heap_mib:kB");
    }

    #[test]
    fn a_part_that_makes_no_sense_is_named_with_what_is_possible() {
        for (text, part, possible) in [
            ("time=t,memry=m", "`memry=m`", "time=COLUMN, memory=COLUMN"),
            ("time=t,memory", "`memory`", "memory=COLUMN"),
            ("", "``", "time=COLUMN"),
            ("time=t,", "``", "time=COLUMN"),
            ("memory=m:TB", "`TB` is not a unit of memory", "B, kB, KiB, MB, MiB, GB, GiB, pages"),
            ("time=t:h", "`h` is not a unit of time", "s, ms, us, ns, min"),
            ("frames=f:s", "frames have no unit", "double quotes"),
            ("time=", "`time=`", "name is missing"),
            ("frames=:s", "`frames=:s`", "name is missing"),
            ("time=t,time=u", "`time=u`", "twice"),
            ("frames=n,threads=n", "`threads=n`", "`n` is named twice"),
            ("memory=\"m", "`memory=\"m`", "closing quote"),
            ("memory=\"m\"x", "`memory=\"m\"x`", "`x` is after the name"),
        ] {
            let told = refused(text);
            assert!(told.contains(part) && told.contains(possible), "{text}: {told}");
        }
    }

    #[test]
    fn what_is_not_named_is_left_open_and_what_is_emptied_is_not() {
        let names = parsed("memory=m,frames=");
        let open: Vec<_> =
            Quantity::ALL.into_iter().filter(|quantity| names.leaves_open(*quantity)).collect();
        assert_eq!(open, [Quantity::Time, Quantity::Threads, Quantity::Cpu]);
        assert_eq!(names.of(Quantity::Frames), None);
    }

    #[test]
    fn a_name_with_anon_in_it_is_of_anonymous_memory() {
        let memory = |text: &str| parsed(text).of(Quantity::Memory).map(NamedColumn::memory);
        assert_eq!(memory("memory=RssAnon"), Some(Memory::AnonymousAndSwap));
        assert_eq!(memory("memory=pss_bytes"), Some(Memory::Rss));
    }
}
