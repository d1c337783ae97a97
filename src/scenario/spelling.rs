//! The words of error messages: what there is instead, and what was probably meant.

/// `unknown key `prest` in [export]; did you mean `preset`? (allowed: size, rate, preset)`.
pub(super) fn unknown(what: &str, given: &str, place: &str, allowed: &[&str]) -> String {
    let place = if place.is_empty() { String::new() } else { format!(" {place}") };
    let hint = match nearest(given, allowed) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    };
    format!("unknown {what} `{}`{place}{hint} (allowed: {})", shortened(given), listed(allowed))
}

/// The allowed name that is a slip of the pen or two away from the given one, if there is any: one
/// letter and a third of them may differ, but not all.
pub fn nearest<'a>(given: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let letters = given.chars().count();
    if letters > LONGEST_SHOWN {
        return None;
    }
    let distance = |name: &str| strsim::osa_distance(&given.to_lowercase(), &name.to_lowercase());
    let tolerated = letters / 3 + 1;
    let near = |name: &&&str| distance(name) <= tolerated && distance(name) < letters.max(1);
    allowed.iter().filter(near).min_by_key(|name| distance(name)).copied()
}

/// Names with commas between them; the first twenty of many.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    match names.len() {
        0 => "none".into(),
        count if count > SHOWN => format!("{} … {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}

const LONGEST_SHOWN: usize = 60;

/// In quotation marks, shortened, on one line.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// The same without line breaks and other control characters: an error is one line.
pub(super) fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.trim_end()
        .lines()
        .map(|line| line.chars().map(plain).collect::<String>())
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        assert_eq!(nearest("prest", &["size", "preset"]), Some("preset"));
        assert_eq!(nearest("Melt", &["ffmpeg", "melt"]), Some("melt"));
        assert_eq!(nearest("colour", &["size", "preset"]), None);
        assert_eq!(nearest("x", &["ffmpeg", "y"]), None);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let text = unknown("key", &"é".repeat(500), "", &["a"]);
        assert!(text.chars().count() < 120, "{text}");
    }
}
