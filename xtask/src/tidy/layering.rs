//! Imports point one way: perennial > web > engine > {store, seal, payments} > domain.

use super::Finding;
use super::tree::{File, Tree};

/// Each crate, and the crates of the workspace that it may build on. `testkit` is for tests, so nothing builds on it.
const LAYERS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("seal", &["domain"]),
    ("payments", &["domain"]),
    ("engine", &["domain", "store", "seal", "payments"]),
    ("web", &["domain", "store", "seal", "payments", "engine"]),
    ("perennial", &["domain", "store", "seal", "payments", "engine", "web"]),
    ("testkit", &["domain", "store", "seal", "payments", "engine", "web"]),
];

/// The rules depend on values and nothing else: no I/O, no runtime, no randomness.
const DOMAIN_LIBRARIES: [&str; 6] = ["iso_currency", "jiff", "serde", "thiserror", "typeid_suffix", "uuid"];

pub fn dependencies(tree: &Tree) -> Vec<Finding> {
    tree.files_in("crates", "toml").filter(|file| file.name() == "Cargo.toml").flat_map(manifest).collect()
}

fn manifest(file: &File) -> Vec<Finding> {
    let manifest: toml::Table = match toml::from_str(&file.text) {
        Ok(manifest) => manifest,
        Err(error) => return vec![file.finding(0, format!("is not a manifest: {}", error.message()))],
    };
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let name = name.unwrap_or_default();
    let Some((_, lower)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
        return vec![
            file.finding(0, format!("the crate `{name}` has no place in the layers (xtask/src/tidy/layering.rs)")),
        ];
    };

    let mut findings = Vec::new();
    for dependency in normal_dependencies(&manifest) {
        let line = line_of(&file.text, &dependency);
        if LAYERS.iter().any(|(layer, _)| *layer == dependency) {
            if !lower.contains(&&*dependency) {
                findings.push(file.finding(line, format!("`{name}` must not depend on `{dependency}`")));
            }
        } else if name == "domain" && !DOMAIN_LIBRARIES.contains(&&*dependency) {
            findings.push(file.finding(line, format!("`domain` must not depend on the library `{dependency}`")));
        }
    }
    findings
}

/// The packages that reach users: those of the crate and of its build script, on every platform.
fn normal_dependencies(manifest: &toml::Table) -> Vec<String> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let platforms = platforms.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    let tables = std::iter::once(manifest).chain(platforms);
    tables
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|section| table.get(section)))
        .filter_map(|section| section.and_then(toml::Value::as_table))
        .flatten()
        .map(|(key, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned())
        .collect()
}

/// Where the dependency is first written; the parsed table does not know.
fn line_of(text: &str, dependency: &str) -> usize {
    let is_entry = |line: &str| {
        let rest = line.trim_start().strip_prefix(dependency);
        rest.is_some_and(|rest| rest.starts_with([' ', '.', '=']))
    };
    text.lines().position(is_entry).map_or(0, |index| index + 1)
}
