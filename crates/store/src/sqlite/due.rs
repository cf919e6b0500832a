//! Batches of due work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant as Stopwatch};

use domain::change::{ChangeSet, View};
use domain::id::AccountId;
use domain::resource::Outcome as AttemptOutcome;
use rusqlite::params;

use super::row::{Sql, opt, sql};
use super::transact::{as_trouble, failed, panic_message};
use super::writer::Session;
use super::{Database, is_unreadable, load, load_rights, trouble, write};
use crate::port::{Desk, DueReport, Outcome, Timed, TransactError, Trouble, Wanted};

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

/// How a batch ended.
enum Batch {
    Done(DueReport),
    /// The decision about this account broke an invariant or a constraint.
    Failed(AccountId, String),
}

impl Database {
    pub(crate) async fn transact_due(
        &self,
        decide: impl Fn(View, &mut Desk<'_>) -> ChangeSet + Send + 'static,
    ) -> Result<DueReport, Trouble> {
        let done = self.submit_alone::<DueReport, (AccountId, String)>(move |session| match batch(session, &decide) {
            Ok(Batch::Done(report)) => Ok(Outcome::Done(report)),
            Ok(Batch::Failed(account_id, reason)) => Err(TransactError::Refused((account_id, reason))),
            Err(error) => Err(TransactError::Trouble(trouble(error))),
        });
        match done.await {
            Ok(report) => Ok(report.into_inner()),
            // Nothing of the batch was kept: it is done again without the account that failed.
            Err(TransactError::Refused((account_id, reason))) => {
                self.put_off(account_id, &reason).await?;
                Ok(DueReport { n_accounts: 1, more: true, ..DueReport::default() })
            }
            Err(TransactError::Trouble(trouble)) => Err(trouble),
            Err(error) => Err(Trouble::Unavailable(error.to_string().into())),
        }
    }

    async fn put_off(&self, account_id: AccountId, reason: &str) -> Result<(), Trouble> {
        tracing::error!(account.id = %account_id, reason, "the due work of {account_id} failed and is put off");
        let done = self.submit_alone::<(), std::convert::Infallible>(move |session| {
            let retry_at = session.now.plus_seconds(RETRY_SECONDS);
            let mut statement = session.connection.prepare_cached(PUT_OFF).map_err(failed)?;
            statement.execute(params![sql(account_id), sql(retry_at)]).map_err(failed)?;
            Ok(Outcome::Done(()))
        });
        done.await.map(Outcome::into_inner).map_err(as_trouble)
    }
}

fn batch(session: &mut Session<'_>, decide: &impl Fn(View, &mut Desk<'_>) -> ChangeSet) -> rusqlite::Result<Batch> {
    let begun = Stopwatch::now();
    let mut report = DueReport::default();
    loop {
        let accounts = due_accounts(session)?;
        for account_id in &accounts {
            if let Err(reason) = account(session, *account_id, decide, &mut report)? {
                return Ok(Batch::Failed(*account_id, reason));
            }
            if begun.elapsed() > BATCH_TIME {
                report.more = true;
                return Ok(Batch::Done(report));
            }
        }
        if accounts.is_empty() {
            return Ok(Batch::Done(report));
        }
    }
}

fn due_accounts(session: &Session<'_>) -> rusqlite::Result<Vec<AccountId>> {
    let mut statement = session.connection.prepare_cached(DUE_ACCOUNTS)?;
    let rows = statement.query_map(params![sql(session.now), CHUNK], |row| Ok(row.get::<_, Sql<_>>(0)?.0))?;
    rows.collect()
}

/// Does the due work of one account, or says why its decision cannot be kept.
fn account(
    session: &mut Session<'_>,
    account_id: AccountId,
    decide: &impl Fn(View, &mut Desk<'_>) -> ChangeSet,
    report: &mut DueReport,
) -> rusqlite::Result<Result<(), String>> {
    let view = match load::view(session.connection, account_id, &Wanted::default(), session.now) {
        Ok(Some(view)) => view,
        Ok(None) => return Ok(Ok(())),
        // One damaged row must not keep the due work of everybody else from being done.
        Err(error) if is_unreadable(&error) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error),
    };
    let n_loaded = view.resources.len() + view.rights.licenses.len();
    let mut desk = session.desk();
    let changes = match catch_unwind(AssertUnwindSafe(|| decide(view, &mut desk))) {
        Ok(changes) => changes,
        Err(panic) => return Ok(Err(panic_message(panic.as_ref()))),
    };
    let write = || write::change_set(session.connection, &changes, session.catalog, session.due_at);
    match catch_unwind(AssertUnwindSafe(write)) {
        Ok(Ok(())) => {
            let n_changed = changes.changed_resources.len() + changes.changed_licenses.len();
            if n_loaded == 0 || n_changed < n_loaded {
                correct_timers(session, account_id)?;
            }
            count(&changes, session.now, report);
            Ok(Ok(()))
        }
        Ok(Err(error)) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Ok(Err(error.to_string()))
        }
        Ok(Err(error)) => Err(error),
        Err(panic) => Ok(Err(panic_message(panic.as_ref()))),
    }
}

const CORRECT_TIMER: &str = "
    update resource
       set due_at = ?3
     where account_id = ?1 and resource_id = ?2";

const CORRECT_LICENSE_TIMER: &str = "
    update license
       set due_at = ?3
     where account_id = ?1 and license_id = ?2";

/// What was stored as due but is not by rule gets the time of the rule: another version of the rules, or of the zone data,
/// may have stored it. Left alone it would be looked at for ever, before everything else.
fn correct_timers(session: &Session<'_>, account_id: AccountId) -> rusqlite::Result<()> {
    let is_wrong = |due_at: Option<domain::time::Instant>| due_at.is_none_or(|at| at > session.now);
    for resource in load::due_now(session.connection, account_id, session.now)? {
        let due_at = (session.due_at)(Timed::Resource(&resource), session.catalog);
        if is_wrong(due_at) {
            let values = params![sql(account_id), sql(resource.id), opt(due_at)];
            session.connection.prepare_cached(CORRECT_TIMER)?.execute(values)?;
        }
    }
    for license in load_rights::due_now(session.connection, account_id, session.now)? {
        let due_at = (session.due_at)(Timed::License(&license), session.catalog);
        if is_wrong(due_at) {
            let values = params![sql(account_id), sql(license.id), opt(due_at)];
            session.connection.prepare_cached(CORRECT_LICENSE_TIMER)?.execute(values)?;
        }
    }
    // The account's own time may be the wrong one.
    write::update_rights_timer(session.connection, account_id)?;
    write::update_account_timer(session.connection, account_id)
}

const PUT_OFF: &str = "
    update account
       set due_at = ?2
     where account_id = ?1";

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
