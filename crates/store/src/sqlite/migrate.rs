//! The schema of the file, brought up to date at start. A file of a newer version is not touched.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::OpenError;

/// Marks a SQLite file as ours.
const APPLICATION_ID: i32 = 0x5065_726e;

const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_licenses.sql"),
    include_str!("migrations/0003_payments.sql"),
];

/// The schema of this program: the number of migrations.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a handful of migrations, in a const")]
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// The schema of a file, or `None` when it does not exist or is empty. Opens it for reading only.
pub(super) fn schema_version(path: &Path) -> Result<Option<u32>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
    let number = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let application_id = match number("pragma application_id") {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(OpenError::Foreign { path: path.to_owned() });
        }
        other => other.map_err(sqlite)?,
    };
    let n_tables = number("select count(*) from sqlite_schema").map_err(sqlite)?;
    if application_id == 0 && n_tables == 0 {
        return Ok(None);
    }
    if application_id != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let version = number("pragma user_version").map_err(sqlite)?;
    Ok(Some(u32::try_from(version).unwrap_or(u32::MAX)))
}

/// Refuses a file whose schema is not this program's.
pub(super) fn require_current(path: &Path) -> Result<(), OpenError> {
    let found = schema_version(path)?.unwrap_or(0);
    let (path, known) = (path.to_owned(), SCHEMA_VERSION);
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(OpenError::Older { path, found, known }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(OpenError::Newer { path, found, known }),
    }
}

/// Opens a file for writing and brings its schema up to date, each migration in one transaction.
pub(super) fn open_migrated(path: &Path) -> Result<Connection, OpenError> {
    let found = schema_version(path)?.unwrap_or(0);
    if found > SCHEMA_VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    // One thread uses a connection at a time, so SQLite needs no locks of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    for (version, migration) in (1_u32..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= found) {
        apply(&mut connection, version, migration).map_err(sqlite)?;
    }
    Ok(connection)
}

fn apply(connection: &mut Connection, version: u32, migration: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(migration)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}
