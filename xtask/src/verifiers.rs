//! Software of others that verifies license files in the tests: openssl, and two languages besides Rust.
//!
//! What is missing is installed where that is possible: on Debian, as root. Elsewhere one line names it.

use anyhow::Result;

use crate::suite::Outcome;
use crate::workspace::{Workspace, run, works};

struct Tool {
    program: &'static str,
    /// Ends well when the tool can verify Ed25519.
    probe: &'static [&'static str],
    package: &'static str,
}

const OPENSSL: Tool = Tool { program: "openssl", probe: &["version"], package: "openssl" };
const LANGUAGES: [Tool; 4] = [
    Tool { program: "python3", probe: &["-c", "import cryptography"], package: "python3-cryptography" },
    Tool { program: "node", probe: &["--version"], package: "nodejs" },
    Tool { program: "java", probe: &["-version"], package: "default-jdk-headless" },
    Tool { program: "go", probe: &["version"], package: "golang-go" },
];
/// So many languages besides Rust have to agree with us.
const LANGUAGES_MIN: usize = 2;

/// Installs what is missing.
pub fn install(workspace: &Workspace) -> Result<Outcome> {
    let is_there = |tool: &&Tool| works(workspace.program(tool.program).args(tool.probe));
    let n_there = LANGUAGES.iter().filter(is_there).count();
    let wanting = LANGUAGES.iter().filter(|tool| !is_there(tool)).take(LANGUAGES_MIN.saturating_sub(n_there));
    let openssl = Some(&OPENSSL).filter(|tool| !is_there(tool));
    let missing: Vec<_> = openssl.into_iter().chain(wanting).map(|tool| tool.package).collect();
    if missing.is_empty() {
        return Ok(Outcome::Passed);
    }
    let packages = missing.join(" ");
    if !works(workspace.program("sh").args(["-c", "test $(id -u) = 0 && command -v apt-get"])) {
        anyhow::bail!("the tests need more software: install {packages}");
    }
    println!("installing {packages}");
    run(workspace.program("apt-get").arg("update").arg("-qq"))?;
    run(workspace.program("apt-get").args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing))?;
    Ok(Outcome::Passed)
}
