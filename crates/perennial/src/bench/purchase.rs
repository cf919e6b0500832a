//! Purchases out of the wallet over HTTP: durable when answered, many committed together.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use tokio::net::TcpListener;

use super::baseline::Baseline;
use super::client::Client;
use super::sample::{self, Customers, JUNE, PRICE};
use super::{Figures, Tally, copy_database, figures};
use crate::serve::Running;

pub(super) const CONNECTIONS: usize = 64;
const TURN: Duration = Duration::from_secs(1);

pub(super) async fn run(folder: &Path, time: Duration) -> anyhow::Result<Figures> {
    let ours = folder.join("ours");
    let customers = Customers { n: 1_000, n_resources: 1, cash: PRICE * 1_000_000, some_are_short: false };
    let (engine, _) = sample::open(&ours, JUNE).await?;
    sample::sell(&engine).await?;
    let accounts = sample::populate(&engine, customers).await?;
    engine.store().close().await;
    drop(engine);
    let mut baseline = Baseline::open(&copy_database(&ours, &folder.join("baseline"))?, JUNE)?;

    let (engine, settings) = sample::open(&ours, JUNE).await?;
    let key = engine.ensure_operator_key(None).await?.expect("the sample has no operator yet");
    let running = Running::start(engine, Some(TcpListener::bind(settings.listen).await?), &settings)?;
    let address = running.address.expect("a benchmark listens");
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        let client = Client::connect(address, key.expose()).await?;
        clients.push((client, number));
    }
    let accounts = Arc::new(accounts);
    let (mut our_tally, mut base_tally, mut latencies) = (Tally::default(), Tally::default(), Vec::new());
    while our_tally.time < time {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Stopwatch::now();
        let tasks: Vec<_> = clients
            .drain(..)
            .map(|(client, number)| {
                let (accounts, stop) = (Arc::clone(&accounts), Arc::clone(&stop));
                tokio::spawn(async move { buy_until(client, number, &accounts, &stop).await })
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
        let at_once = u32::try_from(CONNECTIONS)?;
        tokio::task::block_in_place(|| baseline.purchase_turn(TURN, at_once, &mut base_tally))?;
    }
    running.stop().await;
    Ok(figures("purchase", our_tally, base_tally, latencies))
}

async fn buy_until(
    mut client: Client,
    number: usize,
    accounts: &[domain::id::AccountId],
    stop: &AtomicBool,
) -> anyhow::Result<(Client, usize, Vec<Duration>)> {
    let (mut latencies, mut next) = (Vec::new(), number);
    while !stop.load(Ordering::Relaxed) {
        next = (next + CONNECTIONS) % accounts.len();
        let body = format!(
            r#"{{"account_id":"{}","product":"uhost","plan":"monthly","pay_with":"wallet","auto_renew":false}}"#,
            accounts[next]
        );
        let (status, latency) = client.call("POST", "/v1/orders", &body).await?;
        anyhow::ensure!(status == 201, "a purchase was answered with {status}");
        latencies.push(latency);
    }
    Ok((client, number, latencies))
}
