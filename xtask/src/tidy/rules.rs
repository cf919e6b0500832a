//! `docs/rules.md` says of every rule where the code is and which test holds it. This check keeps that true.
//!
//! A row is `| R-3 | what it says | `crates/domain/src/renewal.rs` `quote` | `crates/…/tests.rs` `test_name` |`: paths, each
//! followed by words that stand in that file. A rule that is not built says `not yet` in both cells.

use std::collections::BTreeMap;

use super::Finding;
use super::markdown::{code_spans, is_path};
use super::source::has_word;
use super::tree::{File, Tree};

const DOCUMENT: &str = "docs/rules.md";

/// Every rule of the product: the letter of a chapter, and how many rules it has.
const CHAPTERS: [(char, u32); 7] = [('T', 5), ('P', 5), ('B', 8), ('R', 15), ('C', 8), ('W', 3), ('L', 8)];

const NOT_YET: &str = "not yet";

pub fn evidence(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.find(DOCUMENT) else {
        return vec![Finding { path: DOCUMENT.to_owned(), line: 0, text: "is missing".to_owned() }];
    };
    let mut findings = Vec::new();
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows_of(&file.text) {
        if let Some(first) = lines.insert(row.rule, row.line) {
            findings.push(file.finding(row.line, format!("{} has a row already, in line {first}", row.rule)));
        }
        findings.extend(row_findings(tree, file, &row));
    }

    let all: Vec<String> = all_rules().collect();
    let missing = all.iter().filter(|rule| !lines.contains_key(&***rule));
    findings.extend(missing.map(|rule| file.finding(0, format!("{rule} has no row"))));
    let unknown = lines.iter().filter(|(rule, _)| !all.iter().any(|known| known == *rule));
    findings.extend(unknown.map(|(rule, line)| file.finding(*line, format!("there is no rule {rule}"))));
    findings
}

pub fn all_rules() -> impl Iterator<Item = String> {
    CHAPTERS.iter().flat_map(|(letter, n_rules)| (1..=*n_rules).map(move |number| format!("{letter}-{number}")))
}

struct Row<'a> {
    line: usize,
    rule: &'a str,
    cells: Vec<&'a str>,
}

fn rows_of(text: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(inner) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) else { continue };
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        if is_rule(cells[0]) {
            rows.push(Row { line: index + 1, rule: cells[0], cells });
        }
    }
    rows
}

/// Whether a cell holds an id such as `R-3`, and not a heading.
fn is_rule(cell: &str) -> bool {
    let Some((letter, number)) = cell.split_once('-') else { return false };
    letter.len() == 1
        && letter.chars().all(|char| char.is_ascii_uppercase())
        && !number.is_empty()
        && number.chars().all(|char| char.is_ascii_digit())
}

fn row_findings(tree: &Tree, file: &File, row: &Row<'_>) -> Vec<Finding> {
    let [_, summary, code, tests] = row.cells[..] else {
        return vec![file.finding(row.line, format!("the row of {} has {} cells, not 4", row.rule, row.cells.len()))];
    };
    let mut mistakes = Vec::new();
    if summary.is_empty() {
        mistakes.push("says nothing".to_owned());
    }
    match (code == NOT_YET, tests == NOT_YET) {
        (true, true) => {}
        (false, false) => {
            mistakes.extend(cell_mistakes(tree, "code", code));
            mistakes.extend(cell_mistakes(tree, "tests", tests));
        }
        (true, false) | (false, true) => mistakes.push(format!("says `{NOT_YET}` in one cell only")),
    }
    mistakes.into_iter().map(|mistake| file.finding(row.line, format!("{} {mistake}", row.rule))).collect()
}

fn cell_mistakes(tree: &Tree, cell: &str, text: &str) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut path = None;
    for span in code_spans(text) {
        if is_path(span) {
            path = Some(span);
            if !tree.exists(span) {
                mistakes.push(format!("names `{span}`, which is missing"));
            }
        } else if let Some(path) = path {
            let stands_in = |file: &File| words_of(span).all(|word| has_word(&file.text, word));
            if tree.exists(path) && !tree.find(path).is_some_and(stands_in) {
                mistakes.push(format!("names `{span}`, which is not in {path}"));
            }
        } else {
            mistakes.push(format!("names `{span}` but no file before it"));
        }
    }
    if path.is_none() {
        mistakes.push(format!("names no file in its cell for {cell}"));
    }
    mistakes
}

/// `Wallet::available()` stands in a file when `Wallet` and `available` do.
fn words_of(span: &str) -> impl Iterator<Item = &str> {
    span.trim_end_matches("()").split("::").flat_map(|part| part.split('.')).filter(|word| !word.is_empty())
}
