//! The files behind the name of a sequence of pictures, as MLT finds them.

use std::path::{Path, PathBuf};

/// MLT looks so far for the next number of a sequence.
const WIDEST_GAP: u64 = 100;

/// The files that the name of a source stands for: itself where there is such a file; else the pictures of
/// `img%03d.png` or `img%03d.png?begin=5`, or those of `folder/.all.png`. None where there is nothing.
pub fn files(named: &Path) -> Vec<PathBuf> {
    match (named.exists(), named.parent(), named.file_name().and_then(|name| name.to_str())) {
        (true, ..) => vec![named.into()],
        (false, Some(folder), Some(name)) => pictures(folder, name),
        _ => Vec::new(),
    }
}

fn pictures(folder: &Path, name: &str) -> Vec<PathBuf> {
    if let Some(ending) = name.strip_prefix(".all.") {
        let of_ending = |name: &str| name.rsplit_once('.').is_some_and(|(_, end)| end == ending);
        let mut all = in_folder(folder, |name| of_ending(name).then(|| name.to_string()));
        all.sort();
        return all.into_iter().map(|(_, path)| path).collect();
    }
    let (name, query) = name.split_once('?').unwrap_or((name, ""));
    let Some(pattern) = Pattern::of(name) else { return Vec::new() };
    let of_query = query.strip_prefix("begin").and_then(|rest| rest.strip_prefix(['=', ':']));
    let begin = of_query.and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut numbered = in_folder(folder, |name| pattern.number(name).filter(|&number| number >= begin));
    numbered.sort();
    let mut next = begin;
    let without_gap = numbered.into_iter().take_while(|(number, _)| {
        let is_near = *number < next + WIDEST_GAP;
        next = number + 1;
        is_near
    });
    without_gap.map(|(_, path)| path).collect()
}

/// The files of a folder whose names have a place in an order.
fn in_folder<T>(folder: &Path, place: impl Fn(&str) -> Option<T>) -> Vec<(T, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((place(entry.file_name().to_str()?)?, entry.path()))).collect()
}

/// `img%03d.png`: a number of at least so many digits between two texts.
struct Pattern<'a> {
    before: &'a str,
    digits: usize,
    after: &'a str,
}

impl Pattern<'_> {
    fn of(name: &str) -> Option<Pattern<'_>> {
        let (before, rest) = name.split_once('%')?;
        let (digits, after) = rest.split_once('d')?;
        let digits =
            digits.strip_prefix('.').map_or_else(|| digits.to_string(), |digits| format!("0{digits}"));
        let is_padded = digits.is_empty() || digits.starts_with('0');
        let digits = if digits.is_empty() { 1 } else { digits.parse().ok().filter(|_| is_padded)? };
        Some(Pattern { before, digits, after })
    }

    fn number(&self, name: &str) -> Option<u64> {
        let digits = name.strip_prefix(self.before)?.strip_suffix(self.after)?;
        let is_padded = digits.len() == self.digits || digits.len() > self.digits && !digits.starts_with('0');
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())
            .flatten()
            .filter(|_| is_padded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, named: &str) -> Vec<String> {
        let files = files(&folder.join(named));
        files.iter().map(|path| path.file_name().unwrap().to_str().unwrap().into()).collect()
    }

    #[test]
    fn a_sequence_of_pictures_is_the_files_of_its_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let here = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        let pictures =
            ["i001.png", "i002.png", "i007.png", "i200.png", "i0003.png", "i1.png", "x.jpg", "a%20b.png"];
        pictures.into_iter().for_each(here);
        let found = |named| names(folder.path(), named);
        assert_eq!(found("i%03d.png"), ["i001.png", "i002.png", "i007.png"]);
        assert_eq!(found("i%03d.png?begin=5"), ["i007.png"]);
        assert_eq!(found("i%03d.png?begin:150"), ["i200.png"]);
        assert_eq!(found("i%03d.png?begin=2"), ["i002.png", "i007.png"]);
        assert_eq!(found("i%d.png"), ["i1.png"]);
        assert_eq!(found(".all.jpg"), ["x.jpg"]);
        assert_eq!(found("a%20b.png"), ["a%20b.png"]);
        assert!(
            found("none%03d.png").is_empty() && found(".all.gif").is_empty() && found("x.png").is_empty()
        );
    }
}
