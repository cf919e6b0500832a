//! The workspace on disk, and programs run in it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The checkout that this tool belongs to.
pub struct Workspace {
    root: PathBuf,
}

/// How the binary is built.
#[derive(Clone, Copy)]
pub enum Profile {
    Dev,
    Release,
}

impl Workspace {
    pub fn here() -> Self {
        // Cargo names the package at run time; the built-in path serves a tool that is started by hand.
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).parent().expect("the package lies inside of the workspace");
        Self { root: root.to_path_buf() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A program that starts at the root and cannot wait for input.
    pub fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(name);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    pub fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args);
        if env::var_os("CARGO_TERM_COLOR").is_none() {
            command.env("CARGO_TERM_COLOR", if stderr().is_terminal() { "always" } else { "never" });
        }
        command
    }

    /// Where Cargo builds, whoever chose it: the environment, a configuration file or the default.
    pub fn target_directory(&self) -> Result<PathBuf> {
        let output = output_of(&mut self.cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: serde_json::Value = serde_json::from_slice(&output)?;
        let directory = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        Ok(directory.into())
    }

    /// Builds `perennial` and returns where it lies.
    pub fn build(&self, profile: Profile) -> Result<PathBuf> {
        let mut command = self.cargo(&["build", "--locked", "--package", "perennial"]);
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => {
                command.arg("--release");
                "release"
            }
        };
        run(&mut command)?;
        Ok(self.target_directory()?.join(folder).join("perennial").with_extension(env::consts::EXE_EXTENSION))
    }
}

/// Runs a program with its output shown; an error when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", words_of(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words_of(command));
    }
    Ok(())
}

/// What a program writes to standard output; an error when it fails.
pub fn output_of(command: &mut Command) -> Result<Vec<u8>> {
    command.stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start `{}`", words_of(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", words_of(command), output.status);
    }
    Ok(output.stdout)
}

/// Whether a program is there: it starts and ends well, and nothing of it is shown.
pub fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The command as one would type it, without the folder of the program.
fn words_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_os_string();
    let words: Vec<OsString> = std::iter::once(program).chain(command.get_args().map(OsStr::to_os_string)).collect();
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}
