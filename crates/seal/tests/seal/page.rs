//! The page for the makers of products shows the programs that the tests run, and every code.

use std::collections::BTreeSet;

use seal::{Flaw, Kind};

const PAGE: &str = include_str!("../../../../docs/guide/verifying-license-files.md");

const SNIPPETS: [(&str, &str); 6] = [
    ("sh", include_str!("../snippets/verify.sh")),
    ("python", include_str!("../snippets/verify.py")),
    ("js", include_str!("../snippets/verify.mjs")),
    ("java", include_str!("../snippets/Verify.java")),
    ("go", include_str!("../snippets/verify.go")),
    ("rust", include_str!("../snippets/verify.rs")),
];

#[test]
fn the_page_shows_the_programs_as_they_are_run() {
    for (language, snippet) in SNIPPETS {
        let block = format!("\n```{language}\n{snippet}```\n");
        assert!(PAGE.contains(&block), "the page does not show the {language} program as in tests/snippets");
    }
}

#[test]
fn the_page_says_of_every_code_what_to_do() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let listed: BTreeSet<&str> = rows.filter(|(_, rest)| rest.split(" | ").count() == 2).map(|row| row.0).collect();
    let missing: Vec<_> = Flaw::CODES.iter().filter(|code| !listed.contains(**code)).collect();

    assert!(missing.is_empty(), "the page does not list {missing:?}");
}

#[test]
fn the_page_names_the_type_of_every_document() {
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !PAGE.contains(kind.typ())).collect();

    assert!(missing.is_empty(), "the page does not name {missing:?}");
}
