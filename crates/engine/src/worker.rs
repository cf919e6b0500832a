//! The worker: does due work as it falls due, oldest first, in batches.

use std::time::Duration;

use domain::calendar::BillingZone;
use domain::change::{ChangeSet, View};
use domain::draft::Draft;
use domain::due;
use domain::renewal::Books;
use std::sync::Arc;
use store::{Desk, DueReport, Trouble};
use tokio::sync::watch;

use crate::Engine;

/// Due work is looked for at least so often; what a request makes due it does itself.
const POLL: Duration = Duration::from_millis(500);
/// After trouble the worker waits so long.
const PAUSE: Duration = Duration::from_secs(2);
/// How much of a backlog is counted.
const BACKLOG_MAX: u32 = 100_000;
/// Idempotency keys are kept for a week.
const KEEP_KEYS_SECONDS: i64 = 7 * 86_400;

/// The background work of a process.
#[derive(Debug)]
pub struct Worker {
    engine: Engine,
    stop: watch::Receiver<bool>,
}

impl Worker {
    /// A worker that ends when `stop` becomes true.
    #[must_use]
    pub const fn new(engine: Engine, stop: watch::Receiver<bool>) -> Self {
        Self { engine, stop }
    }

    /// Works until it is stopped. A batch that was begun is finished.
    pub async fn run(mut self) {
        let mut n_rounds = 0_u32;
        while !*self.stop.borrow() {
            let pause = match self.round(n_rounds).await {
                Ok(report) if report.more => Duration::ZERO,
                Ok(_) => POLL,
                Err(trouble) => {
                    tracing::warn!(%trouble, "due work waits: {trouble}");
                    PAUSE
                }
            };
            n_rounds = n_rounds.wrapping_add(1);
            let woken = self.engine.0.due.notified();
            tokio::select! {
                _ = self.stop.changed() => {}
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn round(&self, n_rounds: u32) -> Result<DueReport, Trouble> {
        let report = self.engine.do_due_batch().await?;
        if n_rounds.is_multiple_of(64) {
            let now = self.engine.now();
            let n_due = self.engine.store().n_due(now, BACKLOG_MAX).await?;
            metrics::gauge!("perennial_due_accounts").set(f64::from(u32::try_from(n_due).unwrap_or(u32::MAX)));
            let old = now.plus_seconds(-KEEP_KEYS_SECONDS);
            while self.engine.store().forget_idempotency(old).await? > 0 {}
        }
        Ok(report)
    }
}

/// What is due of one account. What is left of a very long outage is due still, so the next transaction goes on with it.
pub(crate) fn due_work(zone: &BillingZone, view: View, desk: &mut Desk<'_>) -> ChangeSet {
    let books = Books { zone, catalog: desk.catalog };
    let mut draft = Draft::new(books, view, desk.ids, desk.now);
    due::run(&mut draft);
    draft.finish()
}

impl Engine {
    /// Does a batch of what is due now.
    ///
    /// # Errors
    /// [`Trouble`]; then nothing of the batch was done.
    pub async fn do_due_batch(&self) -> Result<DueReport, Trouble> {
        let zone = Arc::clone(&self.0.zone);
        let done = self.0.store.transact_due(move |view, desk| due_work(&zone, view, desk));
        let report = done.await?;
        if report.n_accounts > 0 {
            metrics::counter!("perennial_renewals_total", "outcome" => "renewed").increment(report.n_renewed);
            metrics::counter!("perennial_renewals_total", "outcome" => "postponed").increment(report.n_postponed);
            let lateness = u32::try_from(report.lateness_seconds).unwrap_or(0);
            metrics::histogram!("perennial_renewal_lateness_seconds").record(f64::from(lateness));
        }
        Ok(report)
    }
}
