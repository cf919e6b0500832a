//! `perennial license`: what a license file says, without a server.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use domain::time::Instant;
use engine::SiteClock;
use seal::{Expectation, PublicKey, verify};
use serde_json::json;
use store::Clock;

use crate::config::say;

/// `perennial license`.
#[derive(Debug, Args)]
pub struct LicenseArgs {
    #[command(subcommand)]
    command: LicenseCommand,
}

#[derive(Debug, Subcommand)]
enum LicenseCommand {
    /// Says whether a license file holds, and why not; status 1 when it does not
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The license file
    file: PathBuf,
    /// The public root key: its text, or a file that holds it
    #[arg(long)]
    root: String,
    /// At this instant instead of now
    #[arg(long)]
    at: Option<Instant>,
    /// Must be for this account or installation
    #[arg(long)]
    audience: Option<String>,
    /// Must be of this vendor
    #[arg(long)]
    issuer: Option<String>,
    /// The highest number that the product has seen; an older file is refused
    #[arg(long)]
    highest_seq: Option<u64>,
    /// The latest time that the product has seen; a clock that was set back is refused
    #[arg(long)]
    latest: Option<Instant>,
    /// A signing key that the product knows to be revoked; may be given several times
    #[arg(long)]
    revoked: Vec<String>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `perennial license`.
///
/// # Errors
/// When a file cannot be read, or the root is no key.
pub fn run(args: LicenseArgs) -> anyhow::Result<ExitCode> {
    let LicenseCommand::Verify(args) = args.command;
    let root = read_root(&args.root)?;
    let text = fs::read_to_string(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let expectation = Expectation {
        audience: args.audience.as_deref(),
        issuer: args.issuer.as_deref(),
        highest_seq: args.highest_seq,
        latest_seen: args.latest,
        revoked: &args.revoked,
        ..Expectation::new(&root, args.at.unwrap_or_else(|| SiteClock::System.now()))
    };
    match verify(&text, &expectation) {
        Ok(verified) => {
            if args.json {
                let revoked = &verified.revoked;
                let value = json!({
                    "ok": true, "code": "valid", "kid": verified.kid, "revoked": revoked, "claims": verified.claims,
                });
                say(&value.to_string());
            } else {
                describe(&verified);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(flaw) => {
            let (code, detail) = (flaw.code(), flaw.to_string());
            if args.json {
                say(&json!({ "ok": false, "code": code, "detail": detail }).to_string());
            } else {
                say(&format!("refused: {code}: {detail}"));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read_root(text: &str) -> anyhow::Result<PublicKey> {
    let from_file = || fs::read_to_string(text).with_context(|| format!("root: {text} is no key and no file"));
    text.parse().or_else(|_| {
        let content = from_file()?;
        content.trim().parse::<PublicKey>().with_context(|| format!("root: {text} holds no public root key"))
    })
}

fn describe(verified: &seal::Verified) {
    let claims = &verified.claims;
    say(&format!("holds: file {} of {} for {}, number {}", claims.jti, claims.iss, claims.aud, claims.seq));
    say(&format!("until {}, ask for the next one after {}", claims.exp, claims.refresh_after));
    for grant in &claims.grants {
        say(&format!(
            "{} {} {} units, {}, until {} (grace until {})",
            grant.license_id, grant.kind, grant.total, grant.status, grant.expires_at, grant.ends_at
        ));
    }
    for seat in &claims.assignments {
        say(&format!("host {} has unit {} of {}", seat.host, seat.unit, seat.license_id));
    }
    for unit in &claims.checked_out {
        say(&format!("unit {} of {} may be used offline", unit.unit, unit.license_id));
    }
}
