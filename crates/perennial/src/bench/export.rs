//! A license of ten thousand hosts: assigned in bulk, listed page by page, exported in one stream.

use std::path::Path;
use std::time::{Duration, Instant as Stopwatch};

use tokio::net::TcpListener;

use super::baseline::Baseline;
use super::client::Client;
use super::sample::{self, JUNE};
use super::{Figures, Tally, copy_database, figures};
use crate::config::say;
use crate::serve::Running;

const UNITS: u32 = 10_000;

pub(super) async fn run(folder: &Path, time: Duration) -> anyhow::Result<Figures> {
    let ours = folder.join("ours");
    let (engine, settings) = sample::open(&ours, JUNE).await?;
    let begun = Stopwatch::now();
    let accounts = sample::populate_licenses(&engine, 1, UNITS, UNITS).await?;
    say(&format!("{UNITS} hosts assigned in bulk in {:.2} s", begun.elapsed().as_secs_f64()));
    let key = engine.ensure_operator_key(None).await?.expect("the sample has no operator yet");
    engine.store().close().await;
    drop(engine);
    let baseline = Baseline::open(&copy_database(&ours, &folder.join("baseline"))?, JUNE)?;

    let (engine, _) = sample::open(&ours, JUNE).await?;
    let running = Running::start(engine, Some(TcpListener::bind(settings.listen).await?), &settings)?;
    let mut client = Client::connect(running.address.expect("a benchmark listens"), key.expose()).await?;
    let account = accounts[0];

    let begun = Stopwatch::now();
    let (mut path, mut n_pages) = (format!("/v1/assignments?account_id={account}&limit=100"), 0_u32);
    loop {
        let (status, _) = client.call("GET", &path, "").await?;
        anyhow::ensure!(status == 200, "a page was answered with {status}");
        n_pages += 1;
        let Ok(cursor) = client.field("next_cursor") else { break };
        path = format!("/v1/assignments?account_id={account}&limit=100&cursor={cursor}");
    }
    say(&format!("{n_pages} pages of 100 hosts read in {:.2} s", begun.elapsed().as_secs_f64()));

    let (mut our_tally, mut base_tally, mut latencies) = (Tally::default(), Tally::default(), Vec::new());
    while our_tally.time < time {
        let (n_lines, latency) = client.download(&format!("/v1/assignments.csv?account_id={account}")).await?;
        anyhow::ensure!(n_lines > u64::from(UNITS), "an export has {n_lines} lines");
        our_tally.n += u64::from(UNITS);
        our_tally.time += latency;
        latencies.push(latency);
        let key = account.as_u128().to_be_bytes();
        tokio::task::block_in_place(|| baseline.export_turn(latency, key, &mut base_tally))?;
    }
    running.stop().await;
    Ok(figures("export", our_tally, base_tally, latencies))
}
