//! Commands for those who keep a site running.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use domain::calendar::BillingZone;
use store::sqlite::Snapshot;

use crate::config::{DataArgs, Settings, say};

/// `perennial verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Prints findings as JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// `perennial backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The new file
    file: PathBuf,
}

/// Brings the database to this program's schema.
///
/// # Errors
/// When it cannot be opened.
pub fn migrate(args: &DataArgs) -> anyhow::Result<ExitCode> {
    let (before, after) = store::sqlite::migrate(&args.data_dir)?;
    if before == after {
        say(&format!("the database has schema {after} already"));
    } else {
        say(&format!("the database was brought from schema {before} to {after}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks every row; status 1 when there are findings.
///
/// # Errors
/// When the database cannot be read.
pub fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let snapshot = Snapshot::open(&args.data.data_dir)?;
    let zone = snapshot.site()?.zone.unwrap_or_else(|| "UTC".to_owned());
    let due_at = engine::due_at(Arc::new(BillingZone::parse(&zone)?));
    let findings = snapshot.verify(&due_at)?;
    for finding in &findings {
        if args.json {
            say(&serde_json::to_string(finding)?);
        } else {
            say(&format!("{}: {}", finding.check, finding.detail));
        }
    }
    if !args.json {
        say(&match findings.len() {
            0 => "verified: no findings".to_owned(),
            n => format!("verified: {n} findings"),
        });
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a copy of the database.
///
/// # Errors
/// When it cannot be read, or the file cannot be written or exists.
pub fn backup(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    Snapshot::open(&args.data.data_dir)?.backup(&args.file)?;
    say(&format!("copied to {}", args.file.display()));
    Ok(ExitCode::SUCCESS)
}

/// Makes an operator key in place of all others and prints it. The server must not run.
///
/// # Errors
/// When the database cannot be opened.
pub fn operator_key(args: &DataArgs) -> anyhow::Result<ExitCode> {
    let test_clock = Snapshot::open(&args.data_dir)?.site()?.test_clock;
    let secret = crate::serve::runtime()?.block_on(async {
        let engine = crate::serve::open(&Settings::for_maintenance(&args.data_dir, test_clock)).await?;
        let secret = engine.replace_operator_keys().await?;
        engine.store().close().await;
        anyhow::Ok(secret)
    })?;
    say(&format!("operator key, shown only now, in place of all others: {}", secret.expose()));
    Ok(ExitCode::SUCCESS)
}

/// Prints the OpenAPI document.
///
/// # Errors
/// Never in practice: the document is plain data.
pub fn openapi() -> anyhow::Result<ExitCode> {
    say(&serde_json::to_string_pretty(&web::openapi())?);
    Ok(ExitCode::SUCCESS)
}
