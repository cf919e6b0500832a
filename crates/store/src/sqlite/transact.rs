//! The ways to write: each sends a job to the writer and waits for its commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::TrySendError;
use std::sync::{Arc, PoisonError};

use domain::activation::ActivationCode;
use domain::catalog::Catalog;
use domain::change::{ChangeSet, View};
use domain::id::{AccountId, ApiKeyId};
use domain::payment::{PlatformName, Unapplied};
use domain::time::Instant;
use rusqlite::{OptionalExtension, ffi, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::row::sql;
use super::writer::{Finished, Job, Session};
use super::{Database, load, read_payments, read_rights, trouble, write, write_payments, write_rights};
use crate::port::{ApiKey, CatalogChange, Desk, Idempotency, KeyRing, Outcome, TransactError, Trouble, Wanted};

type Decided<T, R> = Result<Outcome<T>, TransactError<R>>;

impl Database {
    pub(crate) async fn transact<T, R>(
        &self,
        account_id: AccountId,
        wanted: Wanted,
        idempotency: Option<Idempotency>,
        decide: impl FnOnce(View, &mut Desk<'_>) -> Result<(ChangeSet, T), R> + Send + 'static,
    ) -> Decided<T, R>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        R: Send + 'static,
    {
        self.submit(move |session| {
            once(session, idempotency.as_ref(), |session| {
                let view = load::view(session.connection, account_id, &wanted, session.now).map_err(failed)?;
                let view = view.ok_or(TransactError::NoAccount)?;
                let (changes, reply) = decided(session, |desk| decide(view, desk))?;
                written(session, &changes)?;
                Ok(reply)
            })
        })
        .await
    }

    pub(crate) async fn open_account<T, R>(
        &self,
        idempotency: Option<Idempotency>,
        decide: impl FnOnce(&mut Desk<'_>) -> Result<(ChangeSet, T), R> + Send + 'static,
    ) -> Decided<T, R>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        R: Send + 'static,
    {
        self.submit(move |session| {
            once(session, idempotency.as_ref(), |session| {
                let (changes, reply) = decided(session, decide)?;
                written(session, &changes)?;
                Ok(reply)
            })
        })
        .await
    }

    pub(crate) async fn transact_catalog<T, R>(
        &self,
        decide: impl FnOnce(&mut Desk<'_>) -> Result<(CatalogChange, T), R> + Send + 'static,
    ) -> Result<T, TransactError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let decided = self.submit(move |session| {
            let (change, reply) = decided(session, decide)?;
            let mut catalog = Catalog::clone(session.catalog);
            match change {
                CatalogChange::None => {}
                CatalogChange::Product(product) => {
                    write::insert_product(session.connection, &product).map_err(failed)?;
                    catalog.insert_product(product);
                }
                CatalogChange::Plan { product, plan } => {
                    write::put_plan(session.connection, product, &plan).map_err(failed)?;
                    catalog.insert_plan(product, plan);
                }
            }
            *session.catalog = Arc::new(catalog);
            Ok(Outcome::Done(reply))
        });
        decided.await.map(Outcome::into_inner)
    }

    pub(crate) async fn add_api_key(
        &self,
        idempotency: Option<Idempotency>,
        make: impl FnOnce(&mut Desk<'_>) -> ApiKey + Send + 'static,
    ) -> Decided<ApiKeyId, std::convert::Infallible> {
        self.submit(move |session| {
            once(session, idempotency.as_ref(), |session| {
                let key = decided(session, |desk| Ok(make(desk)))?;
                write::insert_api_key(session.connection, &key).map_err(failed)?;
                Ok(key.id)
            })
        })
        .await
    }

    pub(crate) async fn replace_operator_keys(
        &self,
        make: impl FnOnce(&mut Desk<'_>) -> ApiKey + Send + 'static,
    ) -> Result<(), Trouble> {
        let replaced = self.submit::<(), std::convert::Infallible>(move |session| {
            let key = decided(session, |desk| Ok(make(desk)))?;
            write::delete_operator_keys(session.connection).map_err(failed)?;
            write::insert_api_key(session.connection, &key).map_err(failed)?;
            Ok(Outcome::Done(()))
        });
        replaced.await.map(Outcome::into_inner).map_err(as_trouble)
    }

    pub(crate) async fn add_activation_code(
        &self,
        idempotency: Option<Idempotency>,
        make: impl FnOnce(&mut Desk<'_>) -> ActivationCode + Send + 'static,
    ) -> Decided<ActivationCode, std::convert::Infallible> {
        self.submit(move |session| {
            once(session, idempotency.as_ref(), |session| {
                let code = decided(session, |desk| Ok(make(desk)))?;
                write_rights::insert_code(session.connection, &code).map_err(failed)?;
                Ok(code)
            })
        })
        .await
    }

    pub(crate) async fn hold_unapplied(
        &self,
        make: impl FnOnce(&mut Desk<'_>) -> Unapplied + Send + 'static,
    ) -> Result<Unapplied, TransactError<std::convert::Infallible>> {
        let held = self.submit(move |session| {
            let unapplied = decided(session, |desk| Ok(make(desk)))?;
            write_payments::put_unapplied(session.connection, &unapplied).map_err(failed)?;
            Ok(Outcome::Done(unapplied))
        });
        held.await.map(Outcome::into_inner)
    }

    pub(crate) async fn set_reconciled_until(&self, platform: PlatformName, until: Instant) -> Result<(), Trouble> {
        let stored = self.submit::<(), std::convert::Infallible>(move |session| {
            let key = read_payments::reconciled_key(platform);
            write::put_meta(session.connection, &key, &until.to_string()).map_err(failed)?;
            Ok(Outcome::Done(()))
        });
        stored.await.map(Outcome::into_inner).map_err(as_trouble)
    }

    pub(crate) async fn transact_keys<R: Send + 'static>(
        &self,
        decide: impl FnOnce(KeyRing, Instant) -> Result<KeyRing, R> + Send + 'static,
    ) -> Result<(), TransactError<R>> {
        let written = self.submit(move |session| {
            let stored = read_rights::key_ring(session.connection).map_err(failed)?;
            let ring = decide(stored, session.now).map_err(TransactError::Refused)?;
            write_rights::key_ring(session.connection, &ring).map_err(failed)?;
            Ok(Outcome::Done(()))
        });
        written.await.map(Outcome::into_inner)
    }

    pub(crate) async fn claim_key(&self, idempotency: Idempotency) -> Decided<(), std::convert::Infallible> {
        self.submit(move |session| once(session, Some(&idempotency), |_| Ok(()))).await
    }

    pub(crate) async fn set_site(&self, zone: String, test_clock: Option<Instant>) -> Result<(), Trouble> {
        let stored = self.submit::<(), std::convert::Infallible>(move |session| {
            write::put_meta(session.connection, "zone", &zone).map_err(failed)?;
            if let Some(at) = test_clock {
                write::put_meta(session.connection, "test_clock", &at.to_string()).map_err(failed)?;
            }
            Ok(Outcome::Done(()))
        });
        stored.await.map(Outcome::into_inner).map_err(as_trouble)
    }

    pub(crate) async fn probe(&self) -> Result<(), Trouble> {
        let written = self.submit::<(), std::convert::Infallible>(move |session| {
            let now = session.now.to_string();
            write::put_meta(session.connection, "probe", &now).map_err(failed)?;
            Ok(Outcome::Done(()))
        });
        written.await.map(Outcome::into_inner).map_err(as_trouble)
    }

    pub(crate) async fn forget_idempotency(&self, before: Instant) -> Result<u64, Trouble> {
        let forgotten = self.submit::<u64, std::convert::Infallible>(move |session| {
            let n = session
                .connection
                .prepare_cached(FORGET)
                .and_then(|mut statement| statement.execute(params![sql(before), FORGET_MAX]));
            Ok(Outcome::Done(u64::try_from(n.map_err(failed)?).unwrap_or(u64::MAX)))
        });
        forgotten.await.map(Outcome::into_inner).map_err(as_trouble)
    }

    /// Runs something in the writer, with others in one commit, and waits until it is committed or undone.
    async fn submit<T, R>(&self, run: impl FnOnce(&mut Session<'_>) -> Decided<T, R> + Send + 'static) -> Decided<T, R>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        self.send(run, false).await
    }

    /// Runs something in the writer in a commit of its own, and waits for it.
    pub(super) async fn submit_alone<T, R>(
        &self,
        run: impl FnOnce(&mut Session<'_>) -> Decided<T, R> + Send + 'static,
    ) -> Decided<T, R>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        self.send(run, true).await
    }

    async fn send<T, R>(
        &self,
        run: impl FnOnce(&mut Session<'_>) -> Decided<T, R> + Send + 'static,
        alone: bool,
    ) -> Decided<T, R>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let run = Box::new(move |session: &mut Session<'_>| {
            let result = run(session);
            if matches!(result, Err(TransactError::Conflict(_))) {
                metrics::counter!("perennial_conflicts_total").increment(1);
            }
            let keep = matches!(result, Ok(Outcome::Done(_)));
            let reply = move |committed: Result<(), Trouble>| {
                let result = match (result, committed) {
                    (result, Ok(())) => result,
                    // A replay or a refusal may rest on what others wrote in the same commit, so it does not hold either.
                    (_, Err(trouble)) => Err(TransactError::Trouble(trouble)),
                };
                // The caller may have given up waiting.
                drop(sender.send(result));
            };
            Finished { keep, reply: Box::new(reply) }
        });
        let jobs = self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(jobs) = jobs else { return Err(Trouble::Closed.into()) };
        match jobs.try_send(Job { run, alone }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(Trouble::Unavailable("too many writes are waiting".into()).into());
            }
            Err(TrySendError::Disconnected(_)) => return Err(Trouble::Closed.into()),
        }
        drop(jobs);
        match receiver.await {
            Ok(result) => result,
            Err(_) => Err(Trouble::Unavailable("the write was not begun".into()).into()),
        }
    }
}

/// Calls a decision. One that breaks an invariant panics; that undoes this job and no other.
fn decided<T, R>(
    session: &mut Session<'_>,
    decide: impl FnOnce(&mut Desk<'_>) -> Result<T, R>,
) -> Result<T, TransactError<R>> {
    let mut desk = session.desk();
    match catch_unwind(AssertUnwindSafe(|| decide(&mut desk))) {
        Ok(decided) => decided.map_err(TransactError::Refused),
        Err(panic) => Err(TransactError::Bug(panic_message(panic.as_ref()).into())),
    }
}

/// Writes what was decided. A change set that breaks an invariant panics; that undoes this job and no other.
fn written<R>(session: &Session<'_>, changes: &ChangeSet) -> Result<(), TransactError<R>> {
    let write = || write::change_set(session.connection, changes, session.catalog, session.due_at);
    match catch_unwind(AssertUnwindSafe(write)) {
        Ok(written) => written.map_err(failed),
        Err(panic) => Err(TransactError::Bug(panic_message(panic.as_ref()).into())),
    }
}

pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}

const FIND_REPLY: &str = "
    select fingerprint, reply
      from idempotency
     where scope = ?1 and key = ?2";

const KEEP_REPLY: &str = "
    insert into idempotency (scope, key, fingerprint, reply, created_at, lasting)
    values (?1, ?2, ?3, ?4, ?5, ?6)";

pub(super) const FORGET: &str = "
    delete from idempotency
     where (scope, key) in (select scope, key from idempotency where created_at < ?1 and lasting = 0 limit ?2)";

const FORGET_MAX: u32 = 1_000;

/// Does a write once for each idempotency key (B-8). Two requests with one key meet here one after the other, so the
/// second always finds what the first did.
fn once<T, R>(
    session: &mut Session<'_>,
    idempotency: Option<&Idempotency>,
    run: impl FnOnce(&mut Session<'_>) -> Result<T, TransactError<R>>,
) -> Decided<T, R>
where
    T: Serialize + DeserializeOwned,
{
    let Some(Idempotency { scope, key, fingerprint, lasting }) = idempotency else {
        return run(session).map(Outcome::Done);
    };
    let scope = scope.map_or(Vec::new(), |account_id| account_id.as_u128().to_be_bytes().to_vec());
    let found = session.connection.prepare_cached(FIND_REPLY).and_then(|mut statement| {
        let stored = |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?));
        statement.query_row(params![scope, key], stored).optional()
    });
    if let Some((stored_fingerprint, reply)) = found.map_err(failed)? {
        if stored_fingerprint != *fingerprint {
            return Err(TransactError::KeyReused);
        }
        let reply = serde_json::from_str(&reply).map_err(|error| Trouble::Unreadable(error.to_string().into()))?;
        return Ok(Outcome::AlreadyDone(reply));
    }
    let reply = run(session)?;
    let text = serde_json::to_string(&reply).expect("a reply is plain data");
    let kept = session
        .connection
        .prepare_cached(KEEP_REPLY)
        .and_then(|mut statement| statement.execute(params![scope, key, fingerprint, text, sql(session.now), lasting]));
    kept.map_err(failed)?;
    Ok(Outcome::Done(reply))
}

pub(super) fn failed<R>(error: rusqlite::Error) -> TransactError<R> {
    if let rusqlite::Error::SqliteFailure(failure, message) = &error
        && failure.code == rusqlite::ErrorCode::ConstraintViolation
    {
        let constraint = message.as_deref().unwrap_or("a constraint").into();
        // That something is there already is another request's work; that something may not be is a mistake of ours.
        let is_taken = [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY];
        return if is_taken.contains(&failure.extended_code) {
            TransactError::Conflict(constraint)
        } else {
            TransactError::Bug(constraint)
        };
    }
    TransactError::Trouble(trouble(error))
}

pub(super) fn as_trouble(error: TransactError<std::convert::Infallible>) -> Trouble {
    match error {
        TransactError::Trouble(trouble) => trouble,
        TransactError::Refused(never) => match never {},
        TransactError::NoAccount | TransactError::KeyReused | TransactError::Conflict(_) | TransactError::Bug(_) => {
            Trouble::Unavailable(error.to_string().into())
        }
    }
}
