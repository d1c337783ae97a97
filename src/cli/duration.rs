//! Times as people write them.

use std::time::Duration;

/// `0.02` (seconds), `20ms`, `1.5s`, `5m`, `2h`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == 'µ');
    let unit = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        other => return Err(format!("`{other}` is not a unit of time; use us, ms, s, m or h")),
    };
    let number: f64 =
        digits.parse().map_err(|_| String::from("give seconds, or a time like 20ms, 1.5s, 5m or 2h"))?;
    Duration::try_from_secs_f64(number * unit).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_need_no_unit() {
        for (text, milliseconds) in [("0.02", 20), ("20ms", 20), ("0", 0), ("1.5s", 1500), ("2m", 120_000)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "soon", "-1", "5 days", "nan", "inf", "1e400"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
