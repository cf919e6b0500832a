//! Development commands of the workspace, run as `cargo xtask COMMAND`.
#![expect(clippy::print_stdout, reason = "a command-line tool answers on standard output")]

mod openapi;
mod scenarios;
mod suite;
mod tidy;
mod verifiers;
mod workspace;

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Parser;

use crate::workspace::{Profile, Workspace};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Development commands of the workspace")]
enum Arguments {
    /// Runs everything that a change must pass, and stops at the first failure.
    Test,
    /// Checks layering, style and the links between rules, code and documents.
    Tidy,
    /// Builds the release binary and runs one of its benchmarks.
    Bench {
        /// The benchmark, as `perennial bench` names it.
        name: OsString,
        /// What follows is passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Writes the API description to docs/reference/openapi.json.
    Openapi,
}

fn main() -> ExitCode {
    let workspace = Workspace::here();
    let result = match Arguments::parse() {
        Arguments::Test => suite::run(&workspace).map(|()| ExitCode::SUCCESS),
        Arguments::Tidy => tidy::run(&workspace).map(|()| ExitCode::SUCCESS),
        Arguments::Bench { name, args } => bench(&workspace, name, args),
        Arguments::Openapi => openapi::write(&workspace).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Standard output belongs to the benchmark alone, so that its figures can be piped on.
fn bench(workspace: &Workspace, name: OsString, args: Vec<OsString>) -> Result<ExitCode> {
    let binary = workspace.build(Profile::Release)?;
    let status = Command::new(binary).arg("bench").arg(name).args(args).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
