//! A copy of the whole database while it is in use.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rusqlite::Connection;

use super::trouble;
use crate::port::Trouble;

/// Writes a consistent, compact copy to a new file; readers and the writer go on. Under its name the file is complete.
pub(super) fn backup(connection: &Connection, file: &Path) -> Result<(), Trouble> {
    let io = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::StorageFull {
            Trouble::Full
        } else {
            Trouble::Unavailable(format!("{}: {error}", file.display()).into())
        }
    };
    if file.exists() {
        return Err(Trouble::Unavailable(format!("{} exists already", file.display()).into()));
    }
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    // `vacuum into` wants a file that is empty or not there; what an aborted copy left is of no use.
    File::create(partial).map_err(io)?;
    let name = partial.to_str().ok_or_else(|| Trouble::Unavailable("the file name is not UTF-8".into()))?;
    // To SQLite the copy is a write, also of a connection that only reads.
    connection.pragma_update(None, "query_only", false).map_err(trouble)?;
    let copied = connection.execute("vacuum into ?1", [name]).map_err(trouble);
    connection.pragma_update(None, "query_only", true).map_err(trouble)?;
    let copied = copied.and_then(|_| {
        OpenOptions::new().write(true).open(partial).and_then(|copy| copy.sync_all()).map_err(io)?;
        // A link, unlike a rename, never takes the place of a file that was made meanwhile.
        std::fs::hard_link(partial, file).map_err(io)?;
        std::fs::remove_file(partial).map_err(io)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    });
    if copied.is_err() {
        std::fs::remove_file(partial).unwrap_or_else(|error| tracing::warn!(%error, "a partial copy was left"));
    }
    copied
}
