//! Moves committed pages from the write-ahead log into the database file, on a thread of its own.
//!
//! Left to SQLite the writer does it within a commit, and everyone waits for the disk. Here the writer only says how long
//! the log is; a second connection copies what is committed while the writer goes on. A writer that never rests keeps the
//! log from starting anew, so when it has become very long the writer itself copies the rest once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

/// So many pages in the log are worth copying.
const PAGES_MIN: i32 = 4_000;
/// With so many pages in the log the writer copies the rest itself, so that the log starts anew.
const PAGES_MAX: i32 = 64_000;

/// The writer's side.
#[derive(Debug)]
pub(super) struct Checkpoints {
    wanted: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    log_pages: Arc<AtomicI32>,
    /// A reader may keep the log from starting anew: it is tried again only when the log has grown further.
    retry_at: i32,
}

impl Checkpoints {
    /// Takes over the log of the writer's connection.
    pub(super) fn start(path: &Path, writer: &mut Connection) -> rusqlite::Result<Self> {
        let log_pages = Arc::new(AtomicI32::new(0));
        let noted = Arc::clone(&log_pages);
        writer.wal_hook(Some(move |_: &mut Wal, n_pages| {
            noted.store(n_pages, Ordering::Relaxed);
            Ok(())
        }))?;
        let connection = super::open_second_writer(path)?;
        let (wanted, wishes) = sync_channel(1);
        let thread = std::thread::spawn(move || work(&connection, &wishes));
        Ok(Self { wanted: Some(wanted), thread: Some(thread), log_pages, retry_at: PAGES_MAX })
    }

    /// To be called after each commit.
    pub(super) fn after_commit(&mut self, connection: &Connection) {
        let n_pages = self.log_pages.load(Ordering::Relaxed);
        if n_pages >= self.retry_at {
            checkpoint(connection);
            self.retry_at = n_pages + PAGES_MAX;
        } else if n_pages >= PAGES_MIN {
            // One wish is enough: it is fulfilled for all that is committed by then.
            self.wanted.as_ref().map(|wanted| wanted.try_send(()).ok());
        }
        if n_pages < PAGES_MAX {
            self.retry_at = PAGES_MAX;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that copies the log did not end cleanly");
        }
    }
}

fn work(connection: &Connection, wishes: &Receiver<()>) {
    while wishes.recv().is_ok() {
        checkpoint(connection);
    }
}

/// Copies what no reader needs from the log; waits for no one.
fn checkpoint(connection: &Connection) {
    let done = connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()));
    if let Err(error) = done {
        tracing::warn!(%error, "the log was not copied into the database: {error}");
    }
}
