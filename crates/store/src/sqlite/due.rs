//! Batches of due work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use domain::change::{ChangeSet, View};
use domain::id::AccountId;
use domain::resource::Outcome as AttemptOutcome;
use rusqlite::params;

use super::row::Sql;
use super::transact::{as_trouble, panic_message};
use super::writer::Session;
use super::{Database, load, trouble, write};
use crate::port::{Desk, DueReport, Outcome, TransactError, Trouble, Wanted};

/// Accounts are taken in chunks of this size, until the time of a batch is over.
const CHUNK: usize = 64;
/// A batch takes about so long, so that a request that waits for the writer is answered soon.
const BATCH_TIME: Duration = Duration::from_millis(25);
/// An account whose decision failed is looked at again after so long; the others go on.
const RETRY_SECONDS: i64 = 600;

const DUE_ACCOUNTS: &str = "
    select account_id
      from account
     where due_at <= ?1
     order by due_at, account_id
     limit ?2";

impl Database {
    pub(crate) async fn transact_due(
        &self,
        decide: impl Fn(View, &mut Desk<'_>) -> ChangeSet + Send + 'static,
    ) -> Result<DueReport, Trouble> {
        let done = self.submit::<DueReport, std::convert::Infallible>(move |session| {
            let report = batch(session, &decide).map_err(|error| TransactError::Trouble(trouble(error)))?;
            Ok(Outcome::Done(report))
        });
        done.await.map(Outcome::into_inner).map_err(as_trouble)
    }
}

fn batch(session: &mut Session<'_>, decide: &impl Fn(View, &mut Desk<'_>) -> ChangeSet) -> rusqlite::Result<DueReport> {
    let begun = Stopwatch::now();
    let mut report = DueReport::default();
    loop {
        let accounts = due_accounts(session)?;
        for account_id in &accounts {
            account(session, *account_id, decide, &mut report)?;
            if begun.elapsed() > BATCH_TIME {
                report.more = true;
                return Ok(report);
            }
        }
        if accounts.is_empty() {
            return Ok(report);
        }
    }
}

fn due_accounts(session: &Session<'_>) -> rusqlite::Result<Vec<AccountId>> {
    let mut statement = session.connection.prepare_cached(DUE_ACCOUNTS)?;
    let rows = statement.query_map(params![Sql(session.now), CHUNK], |row| Ok(row.get::<_, Sql<_>>(0)?.0))?;
    rows.collect()
}

/// Does the due work of one account. If its decision breaks an invariant or a constraint, it is put off and reported,
/// and the batch goes on.
fn account(
    session: &mut Session<'_>,
    account_id: AccountId,
    decide: &impl Fn(View, &mut Desk<'_>) -> ChangeSet,
    report: &mut DueReport,
) -> rusqlite::Result<()> {
    let Some(view) = load::view(session.connection, account_id, &Wanted::default(), session.now)? else {
        return Ok(());
    };
    let mut desk = session.desk();
    let changes = match catch_unwind(AssertUnwindSafe(|| decide(view, &mut desk))) {
        Ok(changes) => changes,
        Err(panic) => return put_off(session, account_id, &panic_message(panic.as_ref())),
    };
    session.connection.execute_batch("savepoint account")?;
    let catalog = Arc::clone(session.catalog);
    match write::change_set(session.connection, &changes, &catalog, session.due_at) {
        Ok(()) => {
            count(&changes, session.now, report);
            session.connection.execute_batch("release account")
        }
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            session.connection.execute_batch("rollback to account; release account")?;
            put_off(session, account_id, &error.to_string())
        }
        Err(error) => Err(error),
    }
}

const PUT_OFF: &str = "
    update account
       set due_at = ?2
     where account_id = ?1";

fn put_off(session: &Session<'_>, account_id: AccountId, reason: &str) -> rusqlite::Result<()> {
    tracing::error!(account.id = %account_id, reason, "the due work of {account_id} failed and is put off");
    let retry_at = session.now.plus_seconds(RETRY_SECONDS);
    session.connection.prepare_cached(PUT_OFF)?.execute(params![Sql(account_id), Sql(retry_at)]).map(drop)
}

fn count(changes: &ChangeSet, now: domain::time::Instant, report: &mut DueReport) {
    report.n_accounts += 1;
    for attempt in &changes.attempts {
        match attempt.outcome {
            AttemptOutcome::Succeeded => report.n_renewed += 1,
            AttemptOutcome::InsufficientBalance
            | AttemptOutcome::Declined
            | AttemptOutcome::Skipped
            | AttemptOutcome::Error => report.n_postponed += 1,
        }
        report.lateness_seconds = report.lateness_seconds.max(now.seconds_since(attempt.at));
    }
}
