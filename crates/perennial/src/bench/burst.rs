//! The month-start burst: every resource of every customer is due at one instant, some customers are short of money.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use domain::id::AccountId;
use engine::Engine;
use tokio::net::TcpListener;

use super::baseline::Baseline;
use super::client::Client;
use super::sample::{self, Customers, JULY, JUNE, PRICE};
use super::{Figures, Tally, copy_database, figures};
use crate::config::{Settings, say};
use crate::serve::Running;

const PER_CUSTOMER: u32 = 10;
/// Ours and the baseline take turns of this length.
const TURN: Duration = Duration::from_millis(400);

pub(super) async fn run(folder: &Path, n_resources: u32) -> anyhow::Result<Figures> {
    let ours = folder.join("ours");
    let customers = Customers {
        n: (n_resources / PER_CUSTOMER).max(1),
        n_resources: PER_CUSTOMER,
        cash: PRICE * i64::from(PER_CUSTOMER),
        some_are_short: true,
    };
    let begun = Stopwatch::now();
    let (engine, _) = sample::open(&ours, JUNE).await?;
    sample::sell(&engine).await?;
    let accounts = sample::populate(&engine, customers).await?;
    engine.store().close().await;
    drop(engine);
    say(&format!("prepared {} resources in {:.1} s", customers.n * PER_CUSTOMER, begun.elapsed().as_secs_f64()));
    let mut baseline = Baseline::open(&copy_database(&ours, &folder.join("baseline"))?, JULY)?;

    let begun = Stopwatch::now();
    let (engine, settings) = sample::open(&ours, JULY).await?;
    say(&format!("started with the backlog in {:.3} s", begun.elapsed().as_secs_f64()));
    let probes = Probes::start(&engine, settings, &accounts).await?;
    let (mut our_tally, mut base_tally) = (Tally::default(), Tally::default());
    let (mut we_are_done, mut base_is_done) = (false, false);
    while !we_are_done || !base_is_done {
        if !we_are_done {
            probes.record.store(true, Ordering::Relaxed);
            we_are_done = our_turn(&engine, &mut our_tally).await?;
            probes.record.store(false, Ordering::Relaxed);
        }
        if !base_is_done {
            base_is_done = tokio::task::block_in_place(|| baseline.renewal_turn(TURN, &mut base_tally))?;
        }
    }
    let latencies = probes.stop().await?;
    Ok(figures("burst", our_tally, base_tally, latencies))
}

async fn our_turn(engine: &Engine, tally: &mut Tally) -> anyhow::Result<bool> {
    let begun = Stopwatch::now();
    loop {
        let report = engine.do_due_batch().await?;
        tally.n += report.n_renewed + report.n_postponed;
        if report.n_accounts == 0 || begun.elapsed() > TURN {
            tally.time += begun.elapsed();
            return Ok(report.n_accounts == 0);
        }
    }
}

/// Requests that go on while the burst runs: pages are read, resources are bought.
struct Probes {
    running: Running,
    record: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<anyhow::Result<Vec<Duration>>>>,
}

/// How often each probe asks.
const EVERY: Duration = Duration::from_millis(15);

impl Probes {
    async fn start(engine: &Engine, settings: Settings, accounts: &[AccountId]) -> anyhow::Result<Self> {
        let key = engine.ensure_operator_key(None).await?.expect("the sample has no operator yet");
        // The batches are done by the measurement itself, so that it can take turns.
        let settings =
            Settings { roles: crate::config::Roles { web: true, worker: false, payments: false }, ..settings };
        let running = Running::start(engine.clone(), Some(TcpListener::bind(settings.listen).await?), &settings)?;
        let address = running.address.expect("a benchmark listens");
        let (record, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        // An account of its own, with money of its own, is bought for; the pages are those of a customer in the burst.
        let buyer = sample::populate(
            engine,
            Customers { n: 1, n_resources: 0, cash: PRICE * 1_000_000, some_are_short: false },
        );
        let buyer = buyer.await?[0];
        let page = format!("/v1/resources?account_id={}&limit=20", accounts[accounts.len() / 2]);
        let order = format!(
            r#"{{"account_id":"{buyer}","product":"uhost","plan":"monthly","pay_with":"wallet","auto_renew":false}}"#
        );
        let mut tasks = Vec::new();
        for (method, path, body) in [("GET", page, String::new()), ("POST", "/v1/orders".to_owned(), order)] {
            let client = Client::connect(address, key.expose()).await?;
            let (record, stop) = (Arc::clone(&record), Arc::clone(&stop));
            tasks.push(tokio::spawn(probe(client, (method, path, body), record, stop)));
        }
        Ok(Self { running, record, stop, tasks })
    }

    async fn stop(self) -> anyhow::Result<Vec<Duration>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut latencies = Vec::new();
        for (task, name) in self.tasks.into_iter().zip(["page of resources", "purchase"]) {
            let of_probe = task.await??;
            let [p50, p99] = super::percentiles(of_probe.clone());
            let (p50, p99) = (p50.as_secs_f64() * 1000.0, p99.as_secs_f64() * 1000.0);
            say(&format!("while the burst ran: {name}, {} times, p50 {p50:.2} ms, p99 {p99:.2} ms", of_probe.len()));
            latencies.extend(of_probe);
        }
        self.running.stop().await;
        Ok(latencies)
    }
}

async fn probe(
    mut client: Client,
    (method, path, body): (&'static str, String, String),
    record: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if record.load(Ordering::Relaxed) {
            let (status, latency) = client.call(method, &path, &body).await?;
            anyhow::ensure!(status < 300, "{method} {path} answered {status}");
            latencies.push(latency);
        }
        tokio::time::sleep(EVERY).await;
    }
    Ok(latencies)
}
