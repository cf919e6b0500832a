//! Checks of Rust code: the rules stay pure, and habits that cost trust stay out.

mod text;

use super::Finding;
use super::tree::{File, Tree};
pub use text::{SourceText, has_word};

const DOMAIN: &str = "crates/domain/src";

/// What would make a rule depend on anything but its arguments, or its result on rounding.
const IMPURE: [&str; 11] = [
    "std::fs",
    "std::net",
    "std::io",
    "std::thread",
    "tokio",
    "async fn",
    "f32",
    "f64",
    "SystemTime",
    "Instant::now",
    "rand",
];

/// The files of the domain that may speak to the calendar library; `catalog` for the durations of a policy.
const CALENDAR: [&str; 3] = ["calendar", "time", "catalog"];

const MARKERS: [&str; 3] = ["TODO", "FIXME", "XXX"];

const LINES_MAX: usize = 1200;

pub fn pure_domain(tree: &Tree) -> Vec<Finding> {
    let check = |file: &File| {
        let code = SourceText::of(&file.text).code;
        let mut findings = find_words(file, &code, &IMPURE, |word| format!("the domain is pure: no `{word}`"));
        findings.extend(grouped_std_imports(file, &code));
        findings
    };
    tree.files_in(DOMAIN, "rs").flat_map(check).collect()
}

/// `use std::{fs, io};` hides the full path.
fn grouped_std_imports(file: &File, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (start, opening) in code.match_indices("std::{") {
        let group = code[start + opening.len()..].split(';').next().unwrap_or_default();
        let line = 1 + code[..start].matches('\n').count();
        for word in IMPURE.iter().filter_map(|word| word.strip_prefix("std::")) {
            if has_word(group, word) {
                findings.push(file.finding(line, format!("the domain is pure: no `std::{word}`")));
            }
        }
    }
    findings
}

pub fn calendar_in_one_place(tree: &Tree) -> Vec<Finding> {
    let check = |file: &File| {
        let code = SourceText::of(&file.text).code;
        find_words(file, &code, &["jiff::", "civil::"], |word| {
            format!("calendar arithmetic belongs in calendar.rs: no `{word}` here")
        })
    };
    tree.files_in(DOMAIN, "rs").filter(|file| !CALENDAR.contains(&subject_of(file))).flat_map(check).collect()
}

/// `calendar` for `calendar.rs` and for everything in `calendar/`.
fn subject_of(file: &File) -> &str {
    let below = file.path.strip_prefix(DOMAIN).unwrap_or(&file.path).trim_start_matches('/');
    below.split(['/', '.']).next().unwrap_or_default()
}

pub fn banned_habits(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().flat_map(banned_habits_of).collect()
}

fn banned_habits_of(file: &File) -> Vec<Finding> {
    let unfinished = |word: &str| format!("`{word}`: do it or drop it");
    if file.has_extension("sql") || file.has_extension("toml") {
        return find_words(file, &file.text, &MARKERS, unfinished);
    }
    if !file.has_extension("rs") {
        return Vec::new();
    }
    let SourceText { code, comments } = SourceText::of(&file.text);
    let mut findings = find_words(file, &comments, &MARKERS, unfinished);
    findings.extend(find_words(file, &code, &["#[ignore"], |_| "a test runs or goes: no `#[ignore]`".to_owned()));
    findings.extend(find_words(file, &code, &["#[allow(", "#![allow("], |_| {
        "`#[expect]` with a reason instead of `#[allow]`".to_owned()
    }));
    if is_test(file) {
        findings.extend(find_words(file, &code, &["thread::sleep"], |_| {
            "a test waits for a condition or moves the clock: no `thread::sleep`".to_owned()
        }));
    }
    findings
}

fn is_test(file: &File) -> bool {
    file.name() == "tests.rs" || file.path.starts_with("tests/") || file.path.contains("/tests/")
}

pub fn file_size(tree: &Tree) -> Vec<Finding> {
    let check = |file: &File| {
        let n_lines = file.text.lines().count();
        let text = format!("{n_lines} lines, more than {LINES_MAX}: it has more than one subject");
        (n_lines > LINES_MAX && !is_generated(file)).then(|| file.finding(0, text))
    };
    tree.files().iter().filter(|file| is_crate_source(file)).filter_map(check).collect()
}

fn is_crate_source(file: &File) -> bool {
    let mut parts = file.path.split('/');
    parts.next() == Some("crates") && parts.next().is_some() && parts.next() == Some("src")
}

fn is_generated(file: &File) -> bool {
    file.path.contains("/snapshots/") || file.text.lines().take(5).any(|line| line.contains("@generated"))
}

/// One finding for each line and word.
fn find_words(file: &File, text: &str, words: &[&str], say: impl Fn(&str) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| has_word(line, word)) {
            findings.push(file.finding(index + 1, say(word)));
        }
    }
    findings
}
