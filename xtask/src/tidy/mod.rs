//! `cargo xtask tidy`: what the compiler does not see. Layering, purity of the rules, banned habits, and the links
//! between rules, documents and code.
//!
//! Every check reads one [`Tree`] and returns all that it found, so one run names everything to mend.

mod documents;
mod layering;
mod markdown;
mod migrations;
mod rules;
mod source;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use tree::Tree;

const CHECKS: [fn(&Tree) -> Vec<Finding>; 9] = [
    layering::dependencies,
    source::pure_domain,
    source::calendar_in_one_place,
    source::banned_habits,
    source::file_size,
    migrations::numbering,
    rules::evidence,
    documents::links,
    documents::invariants,
];

/// Something to mend, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1; 0 stands for the whole file.
    line: usize,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Prints every finding; an error when there are any.
pub fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace.root())?;
    let findings = findings_of(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy found things to mend: {}", findings.len());
    }
    println!("tidy: {} files are in order", tree.files().len());
    Ok(())
}

fn findings_of(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(tree)).collect();
    findings.sort();
    findings
}
