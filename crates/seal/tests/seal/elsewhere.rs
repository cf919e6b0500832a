//! Verification by software that we did not write, with the very programs that the page for makers of products shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::time::Instant;
use seal::{CertificateClaims, LicenseClaims};
use serde_json::Value;

use crate::fixtures::{
    KEY, OTHER_KEY, OTHER_ROOT, ROOT, at, certificate_claims, certificate_of, decode, encode, forge, header, key,
    license_claims, public, segments,
};

#[expect(
    dead_code,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "shown as a program of its own, which reads the clock and prints"
)]
#[path = "../snippets/verify.rs"]
mod snippet;

/// A language and how to run its program.
struct Tool {
    name: &'static str,
    /// The command, and what shows that everything is there.
    program: &'static str,
    probe: &'static [&'static str],
    snippet: &'static str,
    arguments: &'static [&'static str],
    package: &'static str,
}

const OPENSSL: Tool = Tool {
    name: "openssl",
    program: "openssl",
    probe: &["version"],
    snippet: "verify.sh",
    arguments: &["sh"],
    package: "openssl",
};
const PYTHON: Tool = Tool {
    name: "python",
    program: "python3",
    probe: &["-c", "import cryptography"],
    snippet: "verify.py",
    arguments: &["python3"],
    package: "python3-cryptography",
};
const NODE: Tool = Tool {
    name: "node",
    program: "node",
    probe: &["--version"],
    snippet: "verify.mjs",
    arguments: &["node"],
    package: "nodejs",
};
const JAVA: Tool = Tool {
    name: "java",
    program: "javac",
    probe: &["-version"],
    snippet: "Verify.java",
    arguments: &["java", "-XX:TieredStopAtLevel=1"],
    package: "default-jdk-headless",
};
const GO: Tool = Tool {
    name: "go",
    program: "go",
    probe: &["version"],
    snippet: "verify.go",
    arguments: &["go", "run"],
    package: "golang-go",
};

impl Tool {
    fn is_there(&self) -> bool {
        let probe = Command::new(self.program).args(self.probe).output();
        probe.is_ok_and(|output| output.status.success())
    }

    fn run(&self, file: &Path, root: &str) -> Output {
        let snippet = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snippets").join(self.snippet);
        let (program, arguments) = self.arguments.split_first().unwrap();
        Command::new(program).args(arguments).arg(snippet).arg(file).arg(root).output().unwrap()
    }

    /// The claims that the program prints, or the code for which it refuses.
    fn outcome(&self, file: &Path, root: &str) -> Result<Value, String> {
        let output = self.run(file, root);
        let said = String::from_utf8_lossy(&output.stderr);
        match (output.status.code(), said.lines().find_map(|line| line.strip_prefix("refused: "))) {
            (Some(0), _) => Ok(serde_json::from_slice(&output.stdout).unwrap()),
            (Some(1), Some(code)) => Err(code.to_owned()),
            (status, _) => panic!("{} ended with {status:?}: {said}", self.name),
        }
    }
}

/// A file, and what every program has to say of it.
struct Case {
    name: &'static str,
    text: String,
    root: String,
    expected: Result<Value, &'static str>,
}

/// The programs read the clock of the machine, so what is valid here is valid for centuries.
fn certificate_for_long() -> CertificateClaims {
    let mut claims = certificate_claims(KEY);
    (claims.nbf, claims.exp) = (at("2020-01-01T00:00:00Z"), far_away());
    claims
}

fn license_for_long() -> LicenseClaims {
    let mut claims = license_claims();
    (claims.nbf, claims.exp) = (at("2020-01-01T00:00:00Z"), far_away());
    claims
}

fn far_away() -> Instant {
    at("2490-01-01T00:00:00Z")
}

fn file(license: &LicenseClaims, certificate: &CertificateClaims) -> String {
    license.compose(&key(KEY), &certificate_of(certificate)).unwrap()
}

/// The line with other claims under the same signature.
fn changed(line: &str, from: &str, to: &str) -> String {
    let [header, claims, signature] = segments(line);
    let claims = decode(claims);
    assert!(claims.contains(from));
    format!("{header}.{}.{signature}", encode(claims.replace(from, to)))
}

/// The last character of a signature carries two bits; here those that stand for nothing are set.
fn second_way(license: &str, certificate: &str) -> String {
    let (rest, last) = license.split_at(license.len() - 1);
    let other = match last {
        "A" => "B",
        "Q" => "R",
        "g" => "h",
        "w" => "x",
        last => panic!("{last} is not canonical"),
    };
    format!("{rest}{other}\n{certificate}\n")
}

fn cases() -> Vec<Case> {
    let (license, certificate) = (license_for_long(), certificate_for_long());
    let genuine = file(&license, &certificate);
    let [license_line, certificate_line] = genuine.lines().collect::<Vec<_>>().try_into().unwrap();
    let root = public(ROOT).to_string();
    let refused = |name, text, code| Case { name, text, root: root.clone(), expected: Err(code) };
    let with_certificate = |change: fn(&mut CertificateClaims)| {
        let mut certificate = certificate_for_long();
        change(&mut certificate);
        file(&license_for_long(), &certificate)
    };
    let with_license = |change: fn(&mut LicenseClaims)| {
        let mut license = license_for_long();
        change(&mut license);
        file(&license, &certificate_for_long())
    };
    let of_other_key =
        forge(&header("perennial-license+jws", OTHER_KEY), &serde_json::to_string(&license).unwrap(), OTHER_KEY);
    let statement = forge(&header("perennial-statement+jws", KEY), &serde_json::to_string(&license).unwrap(), KEY);

    vec![
        Case {
            name: "genuine",
            text: genuine.clone(),
            root: root.clone(),
            expected: Ok(serde_json::to_value(&license).unwrap()),
        },
        refused(
            "more units",
            format!("{}\n{certificate_line}\n", changed(license_line, r#""total":3"#, r#""total":9"#)),
            "license_signature_invalid",
        ),
        refused(
            "longer certificate",
            format!("{license_line}\n{}\n", changed(certificate_line, r#""nbf":15"#, r#""nbf":14"#)),
            "certificate_signature_invalid",
        ),
        refused(
            "another signature",
            genuine.replacen(&segments(license_line)[2][..8], "AAAAAAAA", 1),
            "license_signature_invalid",
        ),
        refused("a second way to write the signature", second_way(license_line, certificate_line), "malformed_file"),
        Case {
            name: "another root",
            text: genuine.clone(),
            root: public(OTHER_ROOT).to_string(),
            expected: Err("certificate_signature_invalid"),
        },
        refused("another key", format!("{of_other_key}\n{certificate_line}\n"), "key_mismatch"),
        refused("a statement", format!("{statement}\n{certificate_line}\n"), "wrong_type"),
        refused("swapped lines", format!("{certificate_line}\n{license_line}\n"), "wrong_type"),
        refused("three lines", format!("{genuine}{license_line}\n"), "malformed_file"),
        refused("no last newline", genuine.trim_end().to_owned(), "malformed_file"),
        refused("CRLF", genuine.replace('\n', "\r\n"), "malformed_file"),
        refused(
            "revoked",
            with_certificate(|claims| claims.revoked = vec!["other".to_owned(), claims.sub.clone()]),
            "key_revoked",
        ),
        refused("outdated key", with_certificate(|claims| claims.exp = at("2025-01-02T00:00:00Z")), "key_expired"),
        refused("later key", with_certificate(|claims| claims.nbf = far_away().plus_seconds(-1)), "key_not_yet_valid"),
        refused(
            "expired",
            with_license(|claims| {
                claims.exp = at("2025-07-30T08:00:00Z");
            }),
            "expired",
        ),
        refused("later", with_license(|claims| claims.nbf = far_away().plus_seconds(-1)), "not_yet_valid"),
    ]
}

fn check(tool: &Tool) {
    if !tool.is_there() {
        eprintln!("{} was not tried: install {}", tool.name, tool.package);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let file: PathBuf = folder.path().join("license");
        std::fs::write(&file, &case.text).unwrap();
        let outcome = tool.outcome(&file, &case.root);
        assert_eq!(outcome, case.expected.map_err(str::to_owned), "{}: {}", tool.name, case.name);
    }
}

#[test]
fn openssl_verifies_license_files() {
    check(&OPENSSL);
}

#[test]
fn python_verifies_license_files() {
    check(&PYTHON);
}

#[test]
fn node_verifies_license_files() {
    check(&NODE);
}

#[test]
fn java_verifies_license_files() {
    check(&JAVA);
}

#[test]
fn go_verifies_license_files() {
    check(&GO);
}

#[test]
fn the_rust_program_of_the_page_verifies_license_files() {
    for case in cases() {
        let outcome = snippet::verify(&case.text, &case.root, at("2030-01-01T00:00:00Z").seconds());
        assert_eq!(outcome, case.expected.map_err(str::to_owned), "{}", case.name);
    }
}

#[test]
fn openssl_and_two_more_are_here_to_disagree_with_us() {
    let others = [PYTHON, NODE, JAVA, GO];
    let missing: Vec<_> = others.iter().filter(|tool| !tool.is_there()).map(|tool| tool.package).collect();
    let n_there = others.len() - missing.len();

    assert!(OPENSSL.is_there(), "install openssl");
    assert!(n_there >= 2, "install {} of these: {}", 2 - n_there, missing.join(", "));
}
