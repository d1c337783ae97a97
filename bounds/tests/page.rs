//! The page of the bounds says what they are.

use std::path::Path;

/// Names and values in the table of `docs/bounds.md`, with what each bounds.
fn documented() -> Vec<(String, u64, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bounds.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let row = |(name, rest): (&str, &str)| {
        let cells: Vec<_> = rest.trim_end_matches(" |").split(" | ").collect();
        let value = match cells[0].strip_suffix(" MiB") {
            Some(mib) => mib.replace(',', "").parse::<u64>().unwrap() << 20,
            None => cells[0].replace(',', "").parse().unwrap(),
        };
        (name.to_string(), value, cells[1].to_string())
    };
    rows.map(row).collect()
}

#[test]
fn the_page_has_every_bound_with_its_value() {
    let documented = documented();
    let in_page: Vec<_> = documented.iter().map(|(name, value, _)| (name.as_str(), *value)).collect();
    assert_eq!(in_page, memreel_bounds::ALL);
    assert!(documented.iter().all(|(.., what)| what.len() > 5), "{documented:?}");
}
