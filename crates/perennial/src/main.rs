//! The `perennial` program: command line, configuration, telemetry, wiring. No rules.

mod bench;
mod cashier;
mod config;
mod demo;
mod http;
mod keys;
mod license;
mod maintain;
mod serve;
mod story;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{DataArgs, ServeArgs};

/// Sells prepaid resources and licenses that renew themselves.
#[derive(Debug, Parser)]
#[command(name = "perennial", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the API and the workers on a database.
    Serve(Box<ServeArgs>),
    /// Runs a sample vendor with products and customers on a test clock.
    Demo(demo::DemoArgs),
    /// Brings the database to this program's schema.
    Migrate(DataArgs),
    /// Checks every row against the invariants and names those that break one.
    Verify(maintain::VerifyArgs),
    /// Writes a copy of the database to a new file, while it is in use.
    Backup(maintain::BackupArgs),
    /// Makes an operator key in place of all others, when one was lost or leaked; the server must not run.
    OperatorKey(DataArgs),
    /// Makes, replaces and revokes the keys that sign license files.
    Keys(keys::KeysArgs),
    /// Says what a license file holds, without a server.
    License(license::LicenseArgs),
    /// Prints the OpenAPI document.
    Openapi,
    /// Measures this machine: renewals, purchases and reads per second.
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve::run(*args),
        Command::Demo(args) => demo::run(args),
        Command::Migrate(args) => maintain::migrate(&args),
        Command::Verify(args) => maintain::verify(&args),
        Command::Backup(args) => maintain::backup(&args),
        Command::OperatorKey(args) => maintain::operator_key(&args),
        Command::Keys(args) => keys::run(args),
        Command::License(args) => license::run(args),
        Command::Openapi => maintain::openapi(),
        Command::Bench(args) => bench::run(&args),
    };
    done.unwrap_or_else(|error| {
        for line in format!("{error:#}").lines() {
            config::complain(line);
        }
        ExitCode::from(2)
    })
}
