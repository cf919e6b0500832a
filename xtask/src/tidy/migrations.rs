//! Migrations are named `NNNN_name.sql` and numbered without gaps, so the order is plain and two branches that both add
//! one collide in review.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::{File, Tree};

const SQLITE: &str = "crates/store/src/sqlite/migrations";

pub fn numbering(tree: &Tree) -> Vec<Finding> {
    let mut folders: BTreeMap<&str, Vec<&File>> = BTreeMap::from([(SQLITE, Vec::new())]);
    for file in tree.files_in("crates", "sql") {
        if let Some((folder, _)) = file.path.rsplit_once('/')
            && folder.ends_with("/migrations")
        {
            folders.entry(folder).or_default().push(file);
        }
    }
    folders.into_iter().flat_map(|(folder, files)| numbering_of(folder, &files)).collect()
}

/// The files come in the order of their names.
fn numbering_of(folder: &str, files: &[&File]) -> Vec<Finding> {
    if files.is_empty() {
        return vec![Finding { path: folder.to_owned(), line: 0, text: "holds no migration".to_owned() }];
    }
    let mut findings = Vec::new();
    let mut expected = 1;
    for file in files {
        let Some(number) = number_of(file.name()) else {
            findings.push(file.finding(0, "a migration is named NNNN_name.sql, the name in lower case"));
            continue;
        };
        if number != expected {
            findings.push(file.finding(0, format!("migrations count up without gaps: {expected:04} comes here")));
        }
        expected = number + 1;
    }
    findings
}

fn number_of(name: &str) -> Option<u32> {
    let (number, subject) = name.strip_suffix(".sql")?.split_once('_')?;
    let is_name = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    let is_well_named = number.len() == 4 && !subject.is_empty() && subject.chars().all(is_name);
    is_well_named.then(|| number.parse().ok())?
}
