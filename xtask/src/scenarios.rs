//! The conformance scenarios: stories about the rules, played over HTTP against the release binary.
//!
//! They lie beside the checkout, not in it.

use anyhow::Result;

use crate::suite::Outcome;
use crate::workspace::{Profile, Workspace, run, works};

/// Plays all of them.
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
    run(workspace.program("python3").arg(player).arg("--bin").arg(binary).args(["--jobs", "2"]))?;
    Ok(Outcome::Passed)
}
