//! Measures this machine: `perennial bench burst|purchase|read|validate|assign|export`.
//!
//! Each figure is a ratio to a baseline: the least SQL, written by hand, that writes or reads the same rows, measured in
//! turns within the same run, because machines are shared and noisy.
#![expect(clippy::float_arithmetic, reason = "figures for people; no money here")]

mod baseline;
mod burst;
mod client;
mod export;
mod licenses;
mod load;
mod purchase;
mod read;
mod sample;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::config::say;

/// `perennial bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure
    name: BenchName,
    /// How many resources there are [default: burst 1000000, read 100000]
    #[arg(long)]
    resources: Option<u32>,
    /// How long purchases and reads are measured, in seconds
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Where to work; by default a folder that vanishes, beside the program's other temporary files
    #[arg(long)]
    work_dir: Option<PathBuf>,
    /// The last line is the figures as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchName {
    /// Monthly resources of many customers, all due at one month start
    Burst,
    /// Purchases out of the wallet over 64 connections
    Purchase,
    /// Pages of resources over 64 connections
    Read,
    /// Signed answers to "what may this host do?" over 64 connections
    Validate,
    /// Hosts assigned, failbacks started and committed over 64 connections
    Assign,
    /// Lists and exports of a license of 10,000 hosts
    Export,
}

/// The figures of a run.
#[derive(Debug, Clone, Serialize)]
struct Figures {
    name: &'static str,
    per_second: f64,
    baseline_per_second: f64,
    ratio: f64,
    p50_ms: f64,
    p99_ms: f64,
    peak_rss_mb: u64,
    n: u64,
    seconds: f64,
}

/// Runs a benchmark and prints a table.
///
/// # Errors
/// When the folder cannot be used.
pub fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let folder = match &args.work_dir {
        Some(parent) => tempfile::Builder::new().prefix("perennial-bench").tempdir_in(parent),
        None => tempfile::Builder::new().prefix("perennial-bench").tempdir(),
    };
    let folder = folder.context("a folder to work in")?;
    let runtime = crate::serve::runtime()?;
    let time = Duration::from_secs(args.seconds.max(1));
    let figures = match args.name {
        BenchName::Burst => runtime.block_on(burst::run(folder.path(), args.resources.unwrap_or(1_000_000)))?,
        BenchName::Purchase => runtime.block_on(purchase::run(folder.path(), time))?,
        BenchName::Validate => runtime.block_on(licenses::validate(folder.path(), time))?,
        BenchName::Assign => runtime.block_on(licenses::assign(folder.path(), time))?,
        BenchName::Export => runtime.block_on(export::run(folder.path(), time))?,
        BenchName::Read => runtime.block_on(read::run(folder.path(), args.resources.unwrap_or(100_000), time))?,
    };
    table(&figures);
    if args.json {
        say(&serde_json::to_string(&figures)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn table(figures: &Figures) {
    let rows = [
        ("measured", figures.name.to_owned()),
        ("done", format!("{} in {:.1} s", figures.n, figures.seconds)),
        ("per second", format!("{:.0}", figures.per_second)),
        ("baseline per second", format!("{:.0}", figures.baseline_per_second)),
        ("ratio to baseline", format!("{:.2}", figures.ratio)),
        ("answer time p50", format!("{:.2} ms", figures.p50_ms)),
        ("answer time p99", format!("{:.2} ms", figures.p99_ms)),
        ("peak memory", format!("{} MB", figures.peak_rss_mb)),
    ];
    for (label, value) in rows {
        say(&format!("{label:<20} {value}"));
    }
}

/// Work that is measured in turns with its baseline.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    n: u64,
    time: Duration,
}

impl Tally {
    fn per_second(self) -> f64 {
        let seconds = self.time.as_secs_f64();
        if seconds > 0.0 { count(self.n) / seconds } else { 0.0 }
    }
}

fn figures(name: &'static str, ours: Tally, baseline: Tally, latencies: Vec<Duration>) -> Figures {
    let [p50, p99] = percentiles(latencies);
    let (per_second, baseline_per_second) = (ours.per_second(), baseline.per_second());
    Figures {
        name,
        per_second: round(per_second),
        baseline_per_second: round(baseline_per_second),
        ratio: round(per_second / baseline_per_second),
        p50_ms: round(p50.as_secs_f64() * 1000.0),
        p99_ms: round(p99.as_secs_f64() * 1000.0),
        peak_rss_mb: peak_rss_mb(),
        n: ours.n,
        seconds: round(ours.time.as_secs_f64()),
    }
}

fn percentiles(mut latencies: Vec<Duration>) -> [Duration; 2] {
    latencies.sort_unstable();
    let at = |percent: usize| {
        let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).copied().unwrap_or_default()
    };
    [at(50), at(99)]
}

fn round(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

fn count(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// The most memory that this process had at once.
fn peak_rss_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// A copy of a closed database, for the baseline.
fn copy_database(from: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(to)?;
    let file = to.join(store::sqlite::FILE_NAME);
    std::fs::copy(from.join(store::sqlite::FILE_NAME), &file)?;
    Ok(file)
}
