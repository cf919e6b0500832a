//! Opens the database, wires clock, store, engine, worker and HTTP together, and stops cleanly.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::calendar::BillingZone;
use domain::time::Instant;
use engine::{Caller, Engine, PaymentWorker, SiteClock, Worker};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use store::sqlite::{Database, Ports, Snapshot};
use store::{Site, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::config::{ServeArgs, Settings, complain, say, settings};
use crate::{cashier, http, keys};

/// Requests that run when the process is told to stop have so long to finish.
const GRACE: Duration = Duration::from_secs(10);

/// `perennial serve`.
///
/// # Errors
/// A wrong configuration, or a database that cannot be opened.
pub fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let settings = settings(args)?;
    start_logging(&settings);
    runtime()?.block_on(serve(settings))?;
    Ok(ExitCode::SUCCESS)
}

/// A runtime for everything asynchronous.
///
/// # Errors
/// When the operating system has no threads.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Log lines go to standard error, so that standard output has only what programs wait for.
pub fn start_logging(settings: &Settings) {
    let filter = tracing_subscriber::EnvFilter::new(&settings.log);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let builder = builder.with_ansi(std::io::stderr().is_terminal());
    let started = if settings.log_json { builder.json().try_init() } else { builder.try_init() };
    drop(started);
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let stop = StopSignals::listen()?;
    // Before the database is touched: a start that fails leaves nothing behind.
    let listener = if settings.roles.web { Some(TcpListener::bind(settings.listen).await) } else { None };
    let listener = listener.transpose().with_context(|| format!("listen: {} cannot be used", settings.listen))?;
    let engine = open(&settings).await?;
    let (zone, clock) = (engine.zone().name(), if engine.clock().is_test() { "test" } else { "real" });
    let (now, folder) = (engine.now(), settings.data_dir.display());
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!("perennial {version} on {folder}, billing in {zone}, on {clock} time at {now}");
    let made = engine.ensure_operator_key(settings.operator_key.as_deref()).await?;
    if let Some(key) = settings.operator_key.as_deref().filter(|_| made.is_none())
        && engine.authenticate(key).await? != Some(Caller::Operator)
    {
        complain("operator_key: there is another operator key already, so the given one is not created and not known");
        complain("operator_key: `perennial operator-key` makes a new one in place of the old ones");
    }
    if let Some(secret) = made.filter(|_| settings.operator_key.is_none()) {
        say(&format!("operator key, shown only now: {}", secret.expose()));
    }
    let running = Running::start(engine, listener, &settings)?;
    say(&match running.address {
        Some(address) => format!("listening on http://{address}"),
        None => "ready: due work is done, no address is listened on".to_owned(),
    });
    stop.wait().await;
    running.stop().await;
    Ok(())
}

/// A process that serves.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, if it does.
    pub address: Option<SocketAddr>,
    engine: Engine,
    stop: watch::Sender<bool>,
    tasks: tokio::task::JoinSet<()>,
}

impl Running {
    /// Starts what a process does: HTTP on the listener, if there is one, and the worker, if that is a role.
    ///
    /// # Errors
    /// When the listener has no address, or the payment platform cannot be used.
    pub fn start(engine: Engine, listener: Option<TcpListener>, settings: &Settings) -> anyhow::Result<Self> {
        let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let (stop, stopping) = watch::channel(false);
        let mut tasks = tokio::task::JoinSet::new();
        let metrics = metrics()?;
        tasks.spawn(keep_metrics_small(metrics.clone(), stopping.clone()));
        let engine = cashier::connect(engine, &settings.payments)?;
        if settings.roles.payments {
            tasks.spawn(PaymentWorker::new(engine.clone(), stopping.clone()).run());
        }
        if settings.roles.worker {
            tasks.spawn(Worker::new(engine.clone(), stopping.clone()).run());
        }
        if let Some(listener) = listener {
            let public_url = settings.public_url.clone();
            let options = web::Options { metrics: Some(metrics), public_url, ..web::Options::default() };
            let router = web::router(engine.clone(), options);
            tasks.spawn(http::serve(listener, router, stopping));
        }
        Ok(Self { address, engine, stop, tasks })
    }

    /// Lets requests and the running batch finish, then closes the database.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, finished).await.is_err() {
            tracing::warn!("requests were cut off after {} s", GRACE.as_secs());
            self.tasks.shutdown().await;
        }
        self.engine.store().close().await;
    }
}

/// What tells the process to stop: SIGTERM or Ctrl-C.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Catches them from now on. Before anything else is done, so that being told to stop is never a crash.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("stopping");
    }
}

/// Opens the database of a folder and the use cases over it.
///
/// # Errors
/// When it cannot be opened, or lives in another zone or on another clock.
pub async fn open(settings: &Settings) -> anyhow::Result<Engine> {
    let directory: &Path = &settings.data_dir;
    store::sqlite::migrate(directory)?;
    let site = Snapshot::open(directory)?.site()?;
    let zone = Arc::new(site_zone(&site, settings.zone.as_ref())?);
    let clock = Arc::new(site_clock(&site, settings.test_clock)?);
    let ports = Ports {
        clock: Arc::<SiteClock>::clone(&clock),
        due_at: engine::due_at(Arc::clone(&zone)),
        id_seed: engine::id_seed(),
    };
    let store = Store::Sqlite(Database::open(directory, ports)?);
    let ring = store.key_ring().await?;
    let secret = keys::secret_to_serve(directory, settings.secret_file.as_deref(), &ring)?;
    let engine = Engine::new(store, clock, zone);
    let engine = match &secret {
        Some(secret) => engine.with_secret(secret.clone()),
        None => engine,
    };
    let test_clock = engine.clock().is_test().then(|| engine.now());
    engine.store().set_site(engine.zone().name().to_owned(), test_clock).await?;
    let issuer = settings.public_url.as_deref().unwrap_or(keys::ISSUER);
    if let Some(secret) = &secret {
        keys::ensure(&engine, directory, secret, issuer).await?;
    }
    keys::look_at(&engine).await;
    Ok(engine)
}

/// T-2: the zone cannot change once a period exists.
fn site_zone(site: &Site, given: Option<&BillingZone>) -> anyhow::Result<BillingZone> {
    let stored = site.zone.as_deref().map(BillingZone::parse).transpose()?;
    match (stored, given) {
        (Some(stored), Some(given)) if stored != *given && site.has_periods => bail!(
            "time_zone: this site bills in {}; that cannot change to {} once something was sold",
            stored.name(),
            given.name()
        ),
        (_, Some(given)) => Ok(given.clone()),
        (Some(stored), None) => Ok(stored),
        (None, None) => Ok(BillingZone::utc()),
    }
}

/// T-5: of the stored and the given instant the later one holds. Real and test time do not mix.
fn site_clock(site: &Site, given: Option<Instant>) -> anyhow::Result<SiteClock> {
    match (site.test_clock, given) {
        (Some(stored), Some(given)) => Ok(SiteClock::test(stored.max(given))),
        (Some(stored), None) => {
            bail!("test_clock: this database lives on a test clock at {stored}; start with --test-clock {stored}")
        }
        (None, Some(_)) if site.has_periods => {
            bail!("test_clock: this database lives on real time; a test clock would charge its customers in advance")
        }
        (None, Some(given)) => Ok(SiteClock::test(given)),
        (None, None) => Ok(SiteClock::System),
    }
}

/// Recorded values are kept until someone renders them, or until this folds them.
async fn keep_metrics_small(metrics: PrometheusHandle, mut stopping: watch::Receiver<bool>) {
    const EVERY: Duration = Duration::from_secs(5);
    while tokio::time::timeout(EVERY, stopping.wait_for(|stop| *stop)).await.is_err() {
        metrics.run_upkeep();
    }
}

/// The recorder of all metrics, once per process.
fn metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let seconds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    let lateness = [1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("lateness_seconds".to_owned()), &lateness)?
        .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), &seconds)?;
    let handle = builder.install_recorder()?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
