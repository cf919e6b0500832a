//! Many connections that work at once, in turns with a baseline.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use super::Tally;
use super::client::Client;

/// So many connections work at once.
pub(super) const CONNECTIONS: usize = 64;
/// Ours and the baseline work so long in turns, so that both meet the same noise of the machine.
const TURN: Duration = Duration::from_secs(1);

/// What a connection does, again and again.
pub(super) trait Work: Send + Sync + 'static {
    /// Sends the next requests of a connection and says how long each took.
    fn step(
        &self,
        client: &mut Client,
        connection: usize,
    ) -> impl Future<Output = anyhow::Result<Vec<Duration>>> + Send;
}

/// Works for a while. Gives what was done, and how long each request took.
pub(super) async fn measure<W: Work>(
    (address, key): (SocketAddr, &str),
    time: Duration,
    work: W,
    mut baseline: impl FnMut(Duration) -> anyhow::Result<()>,
) -> anyhow::Result<(Tally, Vec<Duration>)> {
    let work = Arc::new(work);
    let mut clients = Vec::new();
    for connection in 0..CONNECTIONS {
        clients.push((Client::connect(address, key).await?, connection));
    }
    let (mut tally, mut latencies) = (Tally::default(), Vec::new());
    while tally.time < time {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Stopwatch::now();
        let tasks: Vec<_> = clients
            .drain(..)
            .map(|(client, connection)| {
                let (work, stop) = (Arc::clone(&work), Arc::clone(&stop));
                tokio::spawn(async move { until(&*work, client, connection, &stop).await })
            })
            .collect();
        tokio::time::sleep(TURN).await;
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            let (client, connection, of_client) = task.await??;
            tally.n += u64::try_from(of_client.len())?;
            latencies.extend(of_client);
            clients.push((client, connection));
        }
        tally.time += begun.elapsed();
        tokio::task::block_in_place(|| baseline(TURN))?;
    }
    Ok((tally, latencies))
}

async fn until<W: Work>(
    work: &W,
    mut client: Client,
    connection: usize,
    stop: &AtomicBool,
) -> anyhow::Result<(Client, usize, Vec<Duration>)> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        latencies.extend(work.step(&mut client, connection).await?);
    }
    Ok((client, connection, latencies))
}

/// Goes round, each connection at a place of its own.
#[derive(Debug)]
pub(super) struct Round {
    next: Vec<std::sync::atomic::AtomicUsize>,
    n: usize,
}

impl Round {
    pub(super) fn of(n: usize) -> Self {
        Self { next: (0..CONNECTIONS).map(std::sync::atomic::AtomicUsize::new).collect(), n }
    }

    pub(super) fn next(&self, connection: usize) -> usize {
        self.next[connection].fetch_add(CONNECTIONS, Ordering::Relaxed) % self.n
    }

    /// A number that no other call gives.
    pub(super) fn unique(&self, connection: usize) -> usize {
        self.next[connection].fetch_add(CONNECTIONS, Ordering::Relaxed)
    }
}
