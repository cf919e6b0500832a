//! Licenses over HTTP: signed verdicts, hosts that are assigned, failbacks that are committed.

use std::path::Path;
use std::time::Duration;

use domain::id::AccountId;
use tokio::net::TcpListener;

use super::baseline::Baseline;
use super::client::Client;
use super::load::{self, CONNECTIONS, Round, Work};
use super::sample::{self, JUNE};
use super::{Figures, Tally, copy_database, figures};
use crate::serve::Running;

/// Customers, their units and their hosts, for verdicts.
const VALIDATE: (u32, u32, u32) = (500, 20, 10);
/// For assignments: so many units that they last for the whole measurement.
const ASSIGN: (u32, u32) = (64, 10_000);

pub(super) async fn validate(folder: &Path, time: Duration) -> anyhow::Result<Figures> {
    let ours = folder.join("ours");
    let (n, units, hosts) = VALIDATE;
    let (engine, _) = sample::open(&ours, JUNE).await?;
    let accounts = sample::populate_licenses(&engine, n, units, hosts).await?;
    engine.store().close().await;
    drop(engine);
    let baseline = Baseline::open(&copy_database(&ours, &folder.join("baseline"))?, JUNE)?;
    let keys: Vec<_> = accounts.iter().map(|id| id.as_u128().to_be_bytes()).collect();

    let (engine, settings) = sample::open(&ours, JUNE).await?;
    let key = engine.ensure_operator_key(None).await?.expect("the sample has no operator yet");
    let running = Running::start(engine, Some(TcpListener::bind(settings.listen).await?), &settings)?;
    let address = running.address.expect("a benchmark listens");
    let mut base_tally = Tally::default();
    let work = Questions { round: Round::of(accounts.len()), accounts };
    let baseline_turn = |turn| baseline.verdict_turn(turn, &keys, &mut base_tally);
    let (our_tally, latencies) = load::measure((address, key.expose()), time, work, baseline_turn).await?;
    running.stop().await;
    Ok(figures("validate", our_tally, base_tally, latencies))
}

struct Questions {
    accounts: Vec<AccountId>,
    round: Round,
}

impl Work for Questions {
    async fn step(&self, client: &mut Client, connection: usize) -> anyhow::Result<Vec<Duration>> {
        let (_, _, hosts) = VALIDATE;
        let place = self.round.next(connection);
        let host = sample::host(u32::try_from(place)? % hosts);
        let account = self.accounts[place];
        let body = format!(r#"{{"account_id":"{account}","host":"{host}","nonce":"nonce-{place:08}"}}"#);
        let (status, latency) = client.call("POST", "/v1/validate", &body).await?;
        anyhow::ensure!(status == 200, "a question was answered with {status}");
        Ok(vec![latency])
    }
}

pub(super) async fn assign(folder: &Path, time: Duration) -> anyhow::Result<Figures> {
    let ours = folder.join("ours");
    let (n, units) = ASSIGN;
    let (engine, _) = sample::open(&ours, JUNE).await?;
    let accounts = sample::populate_licenses(&engine, n, units, 0).await?;
    engine.store().close().await;
    drop(engine);
    let mut baseline = Baseline::open(&copy_database(&ours, &folder.join("baseline"))?, JUNE)?;

    let (engine, settings) = sample::open(&ours, JUNE).await?;
    let key = engine.ensure_operator_key(None).await?.expect("the sample has no operator yet");
    let running = Running::start(engine, Some(TcpListener::bind(settings.listen).await?), &settings)?;
    let address = running.address.expect("a benchmark listens");
    let (mut base_tally, at_once) = (Tally::default(), u32::try_from(CONNECTIONS)?);
    let work = Hosts { round: Round::of(usize::MAX), accounts };
    let baseline_turn = |turn| baseline.assign_turn(turn, at_once, &mut base_tally);
    let (our_tally, latencies) = load::measure((address, key.expose()), time, work, baseline_turn).await?;
    running.stop().await;
    Ok(figures("assign", our_tally, base_tally, latencies))
}

struct Hosts {
    accounts: Vec<AccountId>,
    round: Round,
}

impl Work for Hosts {
    /// A new host is assigned, fails back, and the failback is committed: three writes.
    async fn step(&self, client: &mut Client, connection: usize) -> anyhow::Result<Vec<Duration>> {
        let number = self.round.unique(connection);
        let account = self.accounts[connection % self.accounts.len()];
        let body = format!(r#"{{"account_id":"{account}","host":"host-{number}"}}"#);
        let (status, assigned) = client.call("POST", "/v1/assignments", &body).await?;
        anyhow::ensure!(status == 201, "an assignment was answered with {status}");
        let body = format!(r#"{{"account_id":"{account}","host":"host-{number}","job_id":"job-{number}"}}"#);
        let (status, started) = client.call("POST", "/v1/failbacks", &body).await?;
        anyhow::ensure!(status == 201, "a failback was answered with {status}");
        let path = format!("/v1/failbacks/{}/commit", client.field("id")?);
        let (status, committed) = client.call("POST", &path, "{}").await?;
        anyhow::ensure!(status == 200, "a commit was answered with {status}");
        Ok(vec![assigned, started, committed])
    }
}
