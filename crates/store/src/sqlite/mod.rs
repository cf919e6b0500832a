//! The embedded database: one SQLite file, one writer thread with group commit, readers beside it.
//!
//! The writer takes all decisions that wait, runs each in its own savepoint and commits them together, so durability costs
//! one disk flush for all of them. Readers see the last commit and block no one.

mod backup;
mod checkpoint;
mod due;
mod load;
mod load_payments;
mod load_rights;
mod migrate;
mod read;
mod read_payments;
mod read_rights;
mod row;
mod row_payments;
mod row_rights;
#[cfg(test)]
mod tests;
mod transact;
mod verify;
mod write;
mod write_payments;
mod write_rights;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use domain::catalog::Catalog;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::port::{Clock, DueAt, Finding, KeyRing, Trouble};
use checkpoint::Checkpoints;
use writer::{Job, Writer};

pub use migrate::SCHEMA_VERSION;

/// Why a database file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or entered.
    #[error("the data directory {path} cannot be used: {source}")]
    Directory {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("the database {path} is in use by another perennial process")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("there is no database {path}")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version; nothing was touched.
    #[error("the database {path} has schema {found}, newer than this program's {known}: use a newer perennial")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The schema of this program.
        known: u32,
    },
    /// Written by an older version, opened for reading only.
    #[error("the database {path} has schema {found}, this program needs {known}: run `perennial migrate` first")]
    Older {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The schema of this program.
        known: u32,
    },
    /// A file of something else.
    #[error("{path} is not a perennial database")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// SQLite says no.
    #[error("the database {path} cannot be opened: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Its content cannot be read.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// The name of the database file in the data directory.
pub const FILE_NAME: &str = "perennial.db";

/// What a database needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// When a resource's next step is due.
    pub due_at: DueAt,
    /// Makes ids differ between processes.
    pub id_seed: u64,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// An open database.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    path: PathBuf,
    ports: Ports,
    readers: Mutex<Vec<Connection>>,
    catalog: Arc<RwLock<Arc<Catalog>>>,
    jobs: Mutex<Option<std::sync::mpsc::SyncSender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    _lock: File,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.0.path).finish()
    }
}

/// So many writes may wait; more are refused as trouble, so an overloaded node answers instead of piling up.
const JOBS_MAX: usize = 20_000;

impl Database {
    /// Opens the database in a folder, makes or migrates it first, and keeps other processes from writing to it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(directory: &Path, ports: Ports) -> Result<Self, OpenError> {
        let path = directory.join(FILE_NAME);
        let lock = lock(directory, &path)?;
        let mut connection = migrate::open_migrated(&path)?;
        let sqlite = |source| OpenError::Sqlite { path: path.clone(), source };
        configure(&connection).map_err(sqlite)?;
        let catalog = Arc::new(RwLock::new(Arc::new(load::catalog(&connection)?)));
        let last_id = load::last_event_id(&connection)?;
        connection.set_prepared_statement_cache_capacity(128);
        let (jobs, queue) = std::sync::mpsc::sync_channel(JOBS_MAX);
        let checkpoints = Checkpoints::start(&path, &mut connection).map_err(sqlite)?;
        let writer = Writer::new(connection, last_id, ports.clone(), Arc::clone(&catalog), checkpoints);
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run(&queue));
        let thread = thread.map_err(|source| OpenError::Directory { path: path.clone(), source })?;
        Ok(Self(Arc::new(Inner {
            path,
            ports,
            readers: Mutex::new(Vec::new()),
            catalog,
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(thread)),
            _lock: lock,
        })))
    }

    /// What is sold, as of the last commit.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every row that breaks an invariant.
    pub(crate) fn verify(&self) -> Result<Vec<Finding>, Trouble> {
        self.read(|connection| verify::verify(connection, &self.0.ports.due_at))
    }

    /// Writes a copy of the whole database to a new file.
    pub(crate) fn backup(&self, file: &Path) -> Result<(), Trouble> {
        self.read(|connection| backup::backup(connection, file))
    }

    /// Lets the writer finish what waits, then closes it.
    pub async fn close(&self) {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer did not end cleanly");
            }
        }
    }

    /// Reads on the calling thread with a connection of its own: a hop to another thread would cost more than the read.
    fn read<T>(&self, f: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let idle = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.0.path).map_err(trouble)?,
        };
        let result = f(&connection);
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }
}

/// A database that another process may be using, opened to be looked at.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
}

impl Snapshot {
    /// Opens the database in a folder. No row is changed; what a crash left in the log is taken into the file.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(FILE_NAME);
        if !path.exists() {
            return Err(OpenError::Missing { path });
        }
        migrate::require_current(&path)?;
        let connection = open_reader(&path).map_err(|source| OpenError::Sqlite { path, source })?;
        Ok(Self { connection })
    }

    /// What lasts as long as the database.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn site(&self) -> Result<crate::port::Site, Trouble> {
        load::site(&self.connection)
    }

    /// The keys that sign license files.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn key_ring(&self) -> Result<KeyRing, Trouble> {
        read_rights::key_ring(&self.connection).map_err(trouble)
    }

    /// Every row that breaks an invariant.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn verify(&self, due_at: &DueAt) -> Result<Vec<Finding>, Trouble> {
        verify::verify(&self.connection, due_at)
    }

    /// Writes a copy of the whole database to a new file.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn backup(&self, file: &Path) -> Result<(), Trouble> {
        backup::backup(&self.connection, file)
    }
}

/// Why keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError<R> {
    /// The keys do not allow it.
    #[error(transparent)]
    Refused(R),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be used.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Changes the keys that sign license files. The only write that may be made beside a running process: nothing that such a
/// process keeps in memory follows from these rows, and it looks at them again by itself.
///
/// # Errors
/// [`KeysError`]; then nothing was written.
pub fn change_keys<R>(
    directory: &Path,
    decide: impl FnOnce(KeyRing) -> Result<KeyRing, R>,
) -> Result<(), KeysError<R>> {
    let path = directory.join(FILE_NAME);
    if !path.exists() {
        return Err(OpenError::Missing { path }.into());
    }
    migrate::require_current(&path)?;
    let mut connection = open_second_writer(&path).map_err(trouble)?;
    let behavior = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior).map_err(trouble)?;
    let ring = decide(read_rights::key_ring(&transaction).map_err(trouble)?).map_err(KeysError::Refused)?;
    write_rights::key_ring(&transaction, &ring).map_err(trouble)?;
    transaction.commit().map_err(trouble)?;
    Ok(())
}

/// Brings the database in a folder to this program's schema, or makes it. Gives the schema before and after.
///
/// # Errors
/// [`OpenError`].
pub fn migrate(directory: &Path) -> Result<(u32, u32), OpenError> {
    let path = directory.join(FILE_NAME);
    let _lock = lock(directory, &path)?;
    let before = migrate::schema_version(&path)?.unwrap_or(0);
    migrate::open_migrated(&path)?;
    Ok((before, SCHEMA_VERSION))
}

/// Keeps other processes from opening the database of a folder to write, as long as it is held.
#[derive(Debug)]
pub struct Exclusive {
    _lock: File,
}

impl Exclusive {
    /// Takes the folder's lock.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another process has it.
    pub fn take(directory: &Path) -> Result<Self, OpenError> {
        lock(directory, &directory.join(FILE_NAME)).map(|lock| Self { _lock: lock })
    }
}

/// One process writes to a database: the cached catalog and the ids rely on it.
fn lock(directory: &Path, path: &Path) -> Result<File, OpenError> {
    let at = |source| OpenError::Directory { path: directory.to_owned(), source };
    std::fs::create_dir_all(directory).map_err(at)?;
    let lock = File::create(directory.join("perennial.lock")).map_err(at)?;
    lock.try_lock().map_err(|_| OpenError::InUse { path: path.to_owned() })?;
    Ok(lock)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    // NORMAL would lose acknowledged writes on a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    steady(connection)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))
}

/// Plans depend on the statement alone, so a bound value never makes SQLite plan again: that cost a tenth of a burst.
fn steady(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn open_second_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    Ok(connection)
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    steady(&connection)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn trouble(error: rusqlite::Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => Trouble::Full,
        _ if is_unreadable(&error) => Trouble::Unreadable(error.to_string().into()),
        _ => Trouble::Unavailable(error.to_string().into()),
    }
}

/// Whether a row does not hold what we write: another version wrote it, or it is damaged.
const fn is_unreadable(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}
