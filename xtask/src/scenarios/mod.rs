//! The conformance scenarios: stories about the rules, played over HTTP against the release binary.
//!
//! They lie beside the checkout, not in it, and their player takes whole files. So the scenarios whose subject is built
//! are copied to the target folder and played there. What is left out becomes empty lines, so the line numbers in a
//! failure are those of the original.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::suite::Outcome;
use crate::workspace::{Profile, Workspace, run, works};

/// The files whose subject is built; the others wait.
const FILES: [&str; 13] = [
    "alignment",
    "arrears",
    "calendar",
    "concurrency",
    "errors",
    "exempt",
    "manual_renewal",
    "recycling",
    "reminders",
    "renewal",
    "seed_examples",
    "switch",
    "wallet",
];

/// Plays what is built.
pub fn play(workspace: &Workspace) -> Result<Outcome> {
    let conformance = workspace.root().join("../shared/conformance");
    let player = conformance.join("run.py");
    if !player.exists() {
        return Ok(Outcome::Skipped("no conformance scenarios beside this checkout (../shared/conformance/run.py)"));
    }
    if !works(workspace.program("python3").arg("--version")) {
        return Ok(Outcome::Skipped("the scenarios are played by python3, which is missing"));
    }

    let binary = workspace.build(Profile::Release)?;
    let folder = copy_built(&conformance.join("scenarios"), &workspace.target_directory()?.join("scenarios"))?;
    run(workspace.program("python3").arg(player).arg("--bin").arg(binary).args(["--jobs", "2"]).arg(folder))?;
    Ok(Outcome::Passed)
}

fn copy_built(source: &Path, target: &Path) -> Result<PathBuf> {
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::create_dir_all(target)?;

    let (mut n_kept, mut n_left_out) = (0, 0);
    for name in FILES {
        let name = format!("{name}.scn");
        let text =
            fs::read_to_string(source.join(&name)).with_context(|| format!("cannot read the scenarios {name}"))?;
        let selection = select(&text);
        fs::write(target.join(&name), selection.text)?;
        n_kept += selection.n_kept;
        n_left_out += selection.n_left_out;
    }
    println!("{n_kept} scenarios of {} files; {n_left_out} more need licenses and are left out", FILES.len());
    Ok(target.to_path_buf())
}

#[derive(Debug, PartialEq)]
struct Selection {
    text: String,
    n_kept: usize,
    n_left_out: usize,
}

/// A scenario file without the scenarios that need licenses.
fn select(text: &str) -> Selection {
    let mut selection = Selection { text: String::new(), n_kept: 0, n_left_out: 0 };
    for block in split(text) {
        if needs_licenses(&block) {
            selection.n_left_out += 1;
            selection.text.extend(block.iter().map(|_| '\n'));
            continue;
        }
        selection.n_kept += usize::from(is_scenario(block[0]));
        for line in block {
            selection.text.push_str(line);
            selection.text.push('\n');
        }
    }
    selection
}

/// The lines of the head, then those of each scenario.
fn split(text: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        match blocks.last_mut() {
            Some(block) if !is_scenario(line) => block.push(line),
            Some(_) | None => blocks.push(vec![line]),
        }
    }
    blocks
}

fn is_scenario(line: &str) -> bool {
    line.starts_with("scenario ")
}

fn needs_licenses(block: &[&str]) -> bool {
    block.iter().any(|line| {
        let words: Vec<&str> = line.split_whitespace().take(3).collect();
        matches!(words[..], ["product", _, "dr" | "failback"]) || line.contains("/activation-codes")
    })
}
