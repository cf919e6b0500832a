//! Pages of a customer's resources over HTTP.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;

use super::baseline::Baseline;
use super::client::Client;
use super::load::{self, Round, Work};
use super::sample::{self, Customers, JUNE, PRICE};
use super::{Figures, Tally, copy_database, figures};
use crate::serve::Running;

const PER_CUSTOMER: u32 = 20;

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
    let paths: Vec<_> = accounts.iter().map(|id| format!("/v1/resources?account_id={id}&limit=20")).collect();
    let mut base_tally = Tally::default();
    let work = Pages { round: Round::of(paths.len()), paths };
    let baseline_turn = |turn| baseline.read_turn(turn, &keys, &mut base_tally);
    let (our_tally, latencies) = load::measure((address, key.expose()), time, work, baseline_turn).await?;
    running.stop().await;
    Ok(figures("read", our_tally, base_tally, latencies))
}

struct Pages {
    paths: Vec<String>,
    round: Round,
}

impl Work for Pages {
    async fn step(&self, client: &mut Client, connection: usize) -> anyhow::Result<Vec<Duration>> {
        let (status, latency) = client.call("GET", &self.paths[self.round.next(connection)], "").await?;
        anyhow::ensure!(status == 200, "a page was answered with {status}");
        Ok(vec![latency])
    }
}
