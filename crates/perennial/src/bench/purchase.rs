//! Purchases out of the wallet over HTTP: durable when answered, many committed together.

use std::path::Path;
use std::time::Duration;

use domain::id::AccountId;
use tokio::net::TcpListener;

use super::baseline::Baseline;
use super::client::Client;
use super::load::{self, CONNECTIONS, Round, Work};
use super::sample::{self, Customers, JUNE, PRICE};
use super::{Figures, Tally, copy_database, figures};
use crate::serve::Running;

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
    let (mut base_tally, at_once) = (Tally::default(), u32::try_from(CONNECTIONS)?);
    let work = Purchases { round: Round::of(accounts.len()), accounts };
    let baseline_turn = |turn| baseline.purchase_turn(turn, at_once, &mut base_tally);
    let (our_tally, latencies) = load::measure((address, key.expose()), time, work, baseline_turn).await?;
    running.stop().await;
    Ok(figures("purchase", our_tally, base_tally, latencies))
}

struct Purchases {
    accounts: Vec<AccountId>,
    round: Round,
}

impl Work for Purchases {
    async fn step(&self, client: &mut Client, connection: usize) -> anyhow::Result<Vec<Duration>> {
        let body = format!(
            r#"{{"account_id":"{}","product":"uhost","plan":"monthly","pay_with":"wallet","auto_renew":false}}"#,
            self.accounts[self.round.next(connection)]
        );
        let (status, latency) = client.call("POST", "/v1/orders", &body).await?;
        anyhow::ensure!(status == 201, "a purchase was answered with {status}");
        Ok(vec![latency])
    }
}
