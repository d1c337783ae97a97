//! The page that explains the constants says what they are.

use std::path::Path;

use memreel_judge::constants::Constants;

fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::read_to_string(docs.join(name)).unwrap()
}

/// Names and values in the table of `docs/constants.md`, and where each comes from.
fn documented() -> Vec<(String, f64, String)> {
    let page = page("constants.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let table = rows.filter(|(name, _)| Constants::NAMES.contains(name));
    let row = |(name, rest): (&str, &str)| {
        let cells: Vec<_> = rest.trim_end_matches(" |").split(" | ").collect();
        let value = match cells[0].split_once('/') {
            Some((above, below)) => above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap(),
            None => cells[0].replace(',', "").parse().unwrap(),
        };
        (name.to_string(), value, cells[2].to_string())
    };
    table.map(row).collect()
}

#[test]
fn the_page_has_every_constant_with_its_value_and_its_source() {
    let mut usual = Constants::USUAL;
    let names: Vec<_> = documented().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, Constants::NAMES);
    for (name, value, source) in documented() {
        assert_eq!(*usual.get_mut(&name).unwrap(), value, "{name}");
        assert!(source.len() > 5, "{name} has no source");
    }
}

#[test]
fn there_are_no_more_than_thirty_five() {
    assert!(Constants::NAMES.len() <= 35, "{}", Constants::NAMES.len());
}

#[test]
fn the_page_that_explains_verdicts_is_read_in_ten_minutes() {
    let words = page("verdicts.md").split_whitespace().count();
    assert!(words <= 2000, "{words} words");
}
