//! The writer thread: takes what waits, runs each job in its own savepoint, commits all of them together.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant as Stopwatch};

use domain::catalog::Catalog;
use domain::id::Ids;
use domain::time::Instant;
use rusqlite::Connection;

use super::checkpoint::Checkpoints;
use super::{Ports, trouble};
use crate::port::{Desk, DueAt, Trouble};

/// What a job has to say once it is known whether the commit held.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Trouble>) + Send>;

/// Whether what a job wrote is kept, and its reply.
pub(super) struct Finished {
    pub(super) keep: bool,
    pub(super) reply: Reply,
}

/// What a job does.
pub(super) type Run = Box<dyn FnOnce(&mut Session<'_>) -> Finished + Send>;

/// Something to do in a transaction.
pub(super) struct Job {
    pub(super) run: Run,
    /// A job that writes very much has the transaction to itself: a savepoint would copy every page that it touches.
    pub(super) alone: bool,
}

/// What a job works with.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(super) now: Instant,
    pub(super) ids: &'a mut Ids,
    pub(super) catalog: &'a mut Arc<Catalog>,
    pub(super) due_at: &'a DueAt,
}

impl Session<'_> {
    /// What a decision is made with.
    pub(super) fn desk(&mut self) -> Desk<'_> {
        Desk { now: self.now, ids: self.ids, catalog: self.catalog }
    }
}

/// A group of jobs is committed after so long, so that the first in it does not wait for ever.
const GROUP_TIME: Duration = Duration::from_millis(8);
/// A group has at most so many jobs.
const GROUP_JOBS: usize = 512;

pub(super) struct Writer {
    connection: Connection,
    ids: Ids,
    ports: Ports,
    catalog: Arc<Catalog>,
    shared_catalog: Arc<RwLock<Arc<Catalog>>>,
    checkpoints: Checkpoints,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        last_id: u128,
        ports: Ports,
        shared_catalog: Arc<RwLock<Arc<Catalog>>>,
        checkpoints: Checkpoints,
    ) -> Self {
        let ids = Ids::seeded(ports.id_seed, last_id);
        let catalog = Arc::clone(&shared_catalog.read().unwrap_or_else(PoisonError::into_inner));
        Self { connection, ids, ports, catalog, shared_catalog, checkpoints }
    }

    /// Works until all senders are gone.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        let mut next = queue.recv().ok();
        while let Some(job) = next {
            let left_over = if job.alone {
                self.solo(job);
                None
            } else {
                self.group(job, queue)
            };
            next = left_over.or_else(|| queue.recv().ok());
        }
    }

    fn solo(&mut self, job: Job) {
        if !self.begin() {
            return;
        }
        let before = Arc::clone(&self.catalog);
        let Finished { keep, reply } = (job.run)(&mut self.session());
        let committed = if keep { self.commit(1, &before) } else { self.roll_back(&before) };
        reply(committed);
    }

    /// Runs a job and what waits behind it. Gives back a job that wants to be alone.
    fn group(&mut self, first: Job, queue: &Receiver<Job>) -> Option<Job> {
        let begun = Stopwatch::now();
        if !self.begin() {
            return None;
        }
        let before = Arc::clone(&self.catalog);
        let (mut replies, mut n_kept, mut is_broken) = (Vec::new(), 0, false);
        let (mut next, mut left_over) = (Some(first), None);
        while let Some(job) = next.take() {
            let Job { run, .. } = job;
            match self.one(run) {
                Ok(Finished { keep, reply }) => {
                    n_kept += u64::from(keep);
                    replies.push(reply);
                }
                Err(reply) => {
                    replies.extend(reply);
                    is_broken = true;
                    break;
                }
            }
            if begun.elapsed() < GROUP_TIME && replies.len() < GROUP_JOBS {
                next = queue.try_recv().ok();
            }
            if next.as_ref().is_some_and(|job| job.alone) {
                left_over = next.take();
            }
        }
        let committed = if is_broken {
            self.roll_back(&before).and(Err(Trouble::Unavailable("the transaction was ended by an error".into())))
        } else {
            self.commit(n_kept, &before)
        };
        for reply in replies {
            reply(committed.clone());
        }
        left_over
    }

    /// Begins a transaction. If that fails the jobs are dropped unrun, which their callers see as trouble.
    fn begin(&self) -> bool {
        let begun = self.statement("begin immediate");
        if let Err(error) = &begun {
            tracing::error!(%error, "no transaction can be begun");
        }
        begun.is_ok()
    }

    fn session(&mut self) -> Session<'_> {
        Session {
            connection: &self.connection,
            now: self.ports.clock.now(),
            ids: &mut self.ids,
            catalog: &mut self.catalog,
            due_at: &self.ports.due_at,
        }
    }

    /// Runs a job in a savepoint. An error means that the group cannot go on: what an undone job wrote may still be there,
    /// or the whole transaction is gone (a full disk).
    fn one(&mut self, run: Run) -> Result<Finished, Option<Reply>> {
        if let Err(error) = self.statement("savepoint job") {
            tracing::error!(%error, "no savepoint can be made");
            return Err(None);
        }
        let before = Arc::clone(&self.catalog);
        let Finished { keep, reply } = run(&mut self.session());
        let undone = if keep { Ok(()) } else { self.statement("rollback to job") };
        if !keep {
            self.catalog = before;
        }
        match undone.and_then(|()| self.statement("release job")) {
            Ok(()) => Ok(Finished { keep, reply }),
            Err(error) => {
                tracing::warn!(%error, "a savepoint cannot be ended: {error}");
                Err(Some(reply))
            }
        }
    }

    fn statement(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Undoes the whole transaction, if an error has not done so.
    fn roll_back(&mut self, catalog_before: &Arc<Catalog>) -> Result<(), Trouble> {
        self.publish(Arc::clone(catalog_before));
        if self.connection.is_autocommit() {
            return Ok(());
        }
        let undone = self.statement("rollback").map_err(trouble);
        if let Err(error) = &undone {
            // Nothing that follows could be told from what should have been undone. A start anew reads what is true.
            tracing::error!(%error, "a transaction cannot be undone; the process ends");
            std::process::abort();
        }
        undone
    }

    fn commit(&mut self, n_transactions: u64, catalog_before: &Arc<Catalog>) -> Result<(), Trouble> {
        let begun = Stopwatch::now();
        // Before the commit: who reads a row that names a new version knows the version.
        self.publish(Arc::clone(&self.catalog));
        let committed = self.statement("commit").map_err(trouble);
        if committed.is_err() {
            self.roll_back(catalog_before)?;
            return committed;
        }
        metrics::histogram!("perennial_commit_seconds").record(begun.elapsed());
        metrics::counter!("perennial_transactions_total").increment(n_transactions);
        self.checkpoints.after_commit(&self.connection);
        committed
    }

    fn publish(&mut self, catalog: Arc<Catalog>) {
        let mut shared = self.shared_catalog.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&shared, &catalog) {
            *shared = Arc::clone(&catalog);
        }
        self.catalog = catalog;
    }
}
