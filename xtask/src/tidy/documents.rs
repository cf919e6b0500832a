//! Checks of the documents: links lead somewhere, and every invariant of the architecture says what holds it.

use super::Finding;
use super::markdown::{code_spans, is_path, links as links_of, prose};
use super::tree::{File, Tree};

const ARCHITECTURE: &str = "ARCHITECTURE.md";

pub fn links(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().filter(|file| file.has_extension("md")).flat_map(|file| dead_links(tree, file)).collect()
}

fn dead_links(tree: &Tree, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in prose(&file.text).iter().enumerate() {
        for target in links_of(line) {
            let path = target.split('#').next().unwrap_or_default();
            let is_elsewhere = path.contains(':');
            if path.is_empty() || is_elsewhere {
                continue;
            }
            let resolved = resolve(&file.path, path);
            if !resolved.is_some_and(|path| tree.exists(&path)) {
                findings.push(file.finding(index + 1, format!("the link to `{target}` leads nowhere")));
            }
        }
    }
    findings
}

/// The path below the root that a link means; `None` when it leaves the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if link.starts_with('/') {
        return None;
    }
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// `- **I-3** Text. Check: `path`.` may go on over several lines.
pub fn invariants(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.find(ARCHITECTURE) else {
        return vec![Finding { path: ARCHITECTURE.to_owned(), line: 0, text: "is missing".to_owned() }];
    };
    let items = invariants_of(&file.text);
    if items.is_empty() {
        return vec![file.finding(0, "lists no invariant, such as `- **I-1** … Check: `path`.`")];
    }
    items.iter().flat_map(|item| unchecked(tree, file, item)).collect()
}

struct Invariant {
    line: usize,
    name: String,
    text: String,
}

fn invariants_of(text: &str) -> Vec<Invariant> {
    let mut items: Vec<Invariant> = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("- **I-").and_then(|rest| rest.split("**").next()) {
            items.push(Invariant { line: index + 1, name: format!("I-{name}"), text: line.to_owned() });
            is_open = true;
        } else if line.starts_with([' ', '\t'])
            && is_open
            && let Some(item) = items.last_mut()
        {
            item.text.push(' ');
            item.text.push_str(line.trim());
        } else {
            is_open = false;
        }
    }
    items
}

fn unchecked(tree: &Tree, file: &File, item: &Invariant) -> Vec<Finding> {
    let Some((_, check)) = item.text.split_once("Check:") else {
        return vec![file.finding(item.line, format!("{} has no `Check:`", item.name))];
    };
    let paths: Vec<&str> = code_spans(check).into_iter().filter(|span| is_path(span)).collect();
    if paths.is_empty() {
        return vec![file.finding(item.line, format!("the check of {} names no file", item.name))];
    }
    let missing = paths.into_iter().filter(|path| !tree.exists(path));
    missing
        .map(|path| file.finding(item.line, format!("{} is checked by `{path}`, which is missing", item.name)))
        .collect()
}
