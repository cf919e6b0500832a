//! `cargo xtask test`: everything that a change must pass, cheapest first.

use std::env;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace::{Profile, Workspace, run as run_program, works};
use crate::{scenarios, tidy, verifiers};

/// How a step ended; a failure is an error.
pub enum Outcome {
    Passed,
    /// Not done on this machine, and why.
    Skipped(&'static str),
}

struct Step {
    name: &'static str,
    act: fn(&Workspace) -> Result<Outcome>,
}

const STEPS: [Step; 8] = [
    Step { name: "format", act: format },
    Step { name: "clippy", act: clippy },
    Step { name: "tidy", act: |workspace| tidy::run(workspace).map(|()| Outcome::Passed) },
    Step { name: "software of others", act: verifiers::install },
    Step { name: "tests", act: tests },
    Step { name: "documentation tests", act: documentation_tests },
    Step { name: "release build", act: |workspace| workspace.build(Profile::Release).map(|_| Outcome::Passed) },
    Step { name: "scenarios", act: scenarios::play },
];

pub fn run(workspace: &Workspace) -> Result<()> {
    let begun = Instant::now();
    require_c_compiler(workspace)?;

    let mut n_skipped = 0;
    for Step { name, act } in STEPS {
        let step_begun = Instant::now();
        println!("\n==> {name}");
        let outcome = act(workspace).with_context(|| format!("step \"{name}\""))?;
        let verdict = match outcome {
            Outcome::Passed => "passed",
            Outcome::Skipped(reason) => {
                n_skipped += 1;
                println!("skipped: {reason}");
                "skipped"
            }
        };
        println!("<== {name} {verdict} after {:.1?}", step_begun.elapsed());
    }

    let n_passed = STEPS.len() - n_skipped;
    println!("\nAll good: {n_passed} steps passed, {n_skipped} skipped, in {:.1?}.", begun.elapsed());
    Ok(())
}

fn require_c_compiler(workspace: &Workspace) -> Result<()> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    if !works(workspace.program(&compiler).arg("--version")) {
        bail!(
            "no C compiler answers as `{}`, and SQLite is compiled in: install gcc or clang (Debian: `apt-get install gcc`)",
            compiler.display()
        );
    }
    Ok(())
}

fn format(workspace: &Workspace) -> Result<Outcome> {
    cargo(workspace, &["fmt", "--all", "--check"])
}

fn clippy(workspace: &Workspace) -> Result<Outcome> {
    cargo(workspace, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

fn tests(workspace: &Workspace) -> Result<Outcome> {
    if works(&mut workspace.cargo(&["nextest", "--version"])) {
        return cargo(workspace, &["nextest", "run", "--workspace", "--locked"]);
    }
    println!("cargo-nextest runs these faster: `cargo install --locked cargo-nextest`");
    cargo(workspace, &["test", "--workspace", "--locked", "--lib", "--bins", "--tests"])
}

fn documentation_tests(workspace: &Workspace) -> Result<Outcome> {
    cargo(workspace, &["test", "--doc", "--workspace", "--locked"])
}

fn cargo(workspace: &Workspace, args: &[&str]) -> Result<Outcome> {
    run_program(&mut workspace.cargo(args)).map(|()| Outcome::Passed)
}
