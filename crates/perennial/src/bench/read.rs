//! Pages of a customer's resources over HTTP.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use tokio::net::TcpListener;

use super::baseline::Baseline;
use super::client::Client;
use super::purchase::CONNECTIONS;
use super::sample::{self, Customers, JUNE, PRICE};
use super::{Figures, Tally, copy_database, figures};
use crate::serve::Running;

const PER_CUSTOMER: u32 = 20;
const TURN: Duration = Duration::from_secs(1);

pub(super) async fn run(folder: &Path, n_resources: u32, time: Duration) -> anyhow::Result<Figures> {
    let ours = folder.join("ours");
    let n = (n_resources / PER_CUSTOMER).max(1);
    let customers = Customers { n, n_resources: PER_CUSTOMER, cash: PRICE, some_are_short: false };
    let (engine, _) = sample::open(&ours, JUNE).await?;
    sample::sell(&engine).await?;
    let accounts = sample::populate(&engine, customers).await?;
    engine.store().close().await;
    drop(engine);
    let baseline = Baseline::open(&copy_database(&ours, &folder.join("baseline"))?, JUNE)?;
    let keys: Vec<_> = accounts.iter().map(|id| id.as_u128().to_be_bytes()).collect();

    let (engine, settings) = sample::open(&ours, JUNE).await?;
    let key = engine.ensure_operator_key(None).await?.expect("the sample has no operator yet");
    let running = Running::start(engine, Some(TcpListener::bind(settings.listen).await?), &settings)?;
    let address = running.address.expect("a benchmark listens");
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        clients.push((Client::connect(address, key.expose()).await?, number));
    }
    let paths: Arc<Vec<String>> =
        Arc::new(accounts.iter().map(|id| format!("/v1/resources?account_id={id}&limit=20")).collect());
    let (mut our_tally, mut base_tally, mut latencies) = (Tally::default(), Tally::default(), Vec::new());
    while our_tally.time < time {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Stopwatch::now();
        let tasks: Vec<_> = clients
            .drain(..)
            .map(|(client, number)| {
                let (paths, stop) = (Arc::clone(&paths), Arc::clone(&stop));
                tokio::spawn(async move { read_until(client, number, &paths, &stop).await })
            })
            .collect();
        tokio::time::sleep(TURN).await;
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            let (client, number, of_client) = task.await??;
            our_tally.n += u64::try_from(of_client.len())?;
            latencies.extend(of_client);
            clients.push((client, number));
        }
        our_tally.time += begun.elapsed();
        tokio::task::block_in_place(|| baseline.read_turn(TURN, &keys, &mut base_tally))?;
    }
    running.stop().await;
    Ok(figures("read", our_tally, base_tally, latencies))
}

async fn read_until(
    mut client: Client,
    number: usize,
    paths: &[String],
    stop: &AtomicBool,
) -> anyhow::Result<(Client, usize, Vec<Duration>)> {
    let (mut latencies, mut next) = (Vec::new(), number);
    while !stop.load(Ordering::Relaxed) {
        next = (next + CONNECTIONS) % paths.len();
        let (status, latency) = client.call("GET", &paths[next], "").await?;
        anyhow::ensure!(status == 200, "a page was answered with {status}");
        latencies.push(latency);
    }
    Ok((client, number, latencies))
}
