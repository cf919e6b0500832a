//! The writer thread: takes what waits, runs each job in its own savepoint, commits all of them together.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant as Stopwatch};

use domain::catalog::Catalog;
use domain::id::Ids;
use domain::time::Instant;
use rusqlite::Connection;

use super::{Ports, trouble};
use crate::port::{Desk, DueAt, Trouble};

/// What a job has to say once it is known whether the commit held.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Trouble>) + Send>;

/// Whether what a job wrote is kept, and its reply.
pub(super) struct Finished {
    pub(super) keep: bool,
    pub(super) reply: Reply,
}

/// Something to do in a transaction.
pub(super) type Job = Box<dyn FnOnce(&mut Session<'_>) -> Finished + Send>;

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
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        last_id: u128,
        ports: Ports,
        shared_catalog: Arc<RwLock<Arc<Catalog>>>,
    ) -> Self {
        let ids = Ids::seeded(ports.id_seed, last_id);
        let catalog = Arc::clone(&shared_catalog.read().unwrap_or_else(PoisonError::into_inner));
        Self { connection, ids, ports, catalog, shared_catalog }
    }

    /// Works until all senders are gone.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        while let Ok(job) = queue.recv() {
            self.group(job, queue);
        }
    }

    fn group(&mut self, first: Job, queue: &Receiver<Job>) {
        let begun = Stopwatch::now();
        if let Err(error) = self.connection.execute_batch("begin immediate") {
            let cannot = trouble(error);
            let Finished { reply, .. } = refuse(first);
            return reply(Err(cannot));
        }
        let mut replies = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            replies.push(self.one(job));
            // Some errors end the whole transaction (a full disk): nothing of the group is kept then.
            if self.connection.is_autocommit() {
                break;
            }
            if begun.elapsed() < GROUP_TIME && replies.len() < GROUP_JOBS {
                next = match queue.try_recv() {
                    Ok(job) => Some(job),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
                };
            }
        }
        let committed = self.commit();
        self.settle_catalog(committed.is_ok());
        for reply in replies {
            reply(committed.clone());
        }
    }

    fn one(&mut self, job: Job) -> Reply {
        let saved = self.connection.prepare_cached("savepoint job").and_then(|mut statement| statement.execute([]));
        if let Err(error) = saved {
            let cannot = trouble(error);
            let Finished { reply, .. } = refuse(job);
            return Box::new(move |_| reply(Err(cannot)));
        }
        let before = Arc::clone(&self.catalog);
        let mut session = Session {
            connection: &self.connection,
            now: self.ports.clock.now(),
            ids: &mut self.ids,
            catalog: &mut self.catalog,
            due_at: &self.ports.due_at,
        };
        let Finished { keep, reply } = job(&mut session);
        let undo = |connection: &Connection| {
            connection.prepare_cached("rollback to job").and_then(|mut statement| statement.execute([])).map(drop)
        };
        let undone = if keep { Ok(()) } else { undo(&self.connection) };
        if !keep {
            self.catalog = before;
        }
        let released = undone.and_then(|()| {
            self.connection.prepare_cached("release job").and_then(|mut statement| statement.execute([])).map(drop)
        });
        match released {
            Ok(()) => {
                metrics::counter!("perennial_transactions_total").increment(u64::from(keep));
                reply
            }
            // The savepoint is gone together with the transaction.
            Err(error) if !self.connection.is_autocommit() => {
                let cannot = trouble(error);
                Box::new(move |_| reply(Err(cannot)))
            }
            Err(_) => reply,
        }
    }

    fn commit(&self) -> Result<(), Trouble> {
        if self.connection.is_autocommit() {
            return Err(Trouble::Full);
        }
        let begun = Stopwatch::now();
        let committed = self.connection.execute_batch("commit").map_err(trouble);
        if committed.is_err() && !self.connection.is_autocommit() {
            if let Err(error) = self.connection.execute_batch("rollback") {
                tracing::error!(%error, "a failed transaction cannot be rolled back");
            }
        }
        metrics::histogram!("perennial_commit_seconds").record(begun.elapsed());
        committed
    }

    /// Readers see a changed catalog only after its commit.
    fn settle_catalog(&mut self, committed: bool) {
        let mut shared = self.shared_catalog.write().unwrap_or_else(PoisonError::into_inner);
        if committed {
            *shared = Arc::clone(&self.catalog);
        } else {
            self.catalog = Arc::clone(&shared);
        }
    }
}

/// The reply of a job that was never run.
fn refuse(job: Job) -> Finished {
    drop(job);
    Finished { keep: false, reply: Box::new(|_| {}) }
}
