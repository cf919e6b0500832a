//! `cargo xtask openapi`: the generated API description, kept in the repository so that a change of the contract is seen
//! in review. A test of the web crate fails when it is stale.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace::{Profile, Workspace, output_of};

const TARGET: &str = "docs/reference/openapi.json";

pub fn write(workspace: &Workspace) -> Result<()> {
    let binary = workspace.build(Profile::Dev)?;
    let text = output_of(workspace.program(binary).arg("openapi"))?;
    let _: serde_json::Value = serde_json::from_slice(&text).context("`perennial openapi` did not print JSON")?;

    let path = workspace.root().join(TARGET);
    fs::create_dir_all(path.parent().expect("the file lies in a folder"))?;
    fs::write(&path, text).with_context(|| format!("cannot write {TARGET}"))?;
    println!("wrote {TARGET}");
    Ok(())
}
