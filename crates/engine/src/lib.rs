//! Use cases: load, decide, commit. And the worker that does due work.
//!
//! The engine knows ports, not SQL, HTTP or HTML. Who may do what is decided here in one place ([`Caller`]).

mod account;
mod catalog;
mod clock;
mod error;
mod key;
mod license;
pub mod payment;
mod resource;
pub mod signing;
mod unit;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

use domain::calendar::BillingZone;
use domain::draft::Draft;
use domain::due::{self, Progress};
use domain::id::AccountId;
use domain::order::Trigger;
use domain::renewal::Books;
use store::{Idempotency, Outcome, OwnedId, Store, Timed, TransactError, Wanted};

pub use account::{AccountDraft, Balance};
pub use clock::SiteClock;
pub use error::{Class, Error, Refusal};
pub use key::{ApiSecret, InvalidOperatorKey, is_usable_operator_key};
pub use license::{IssuedCode, LicenseView, Summary};
pub use payment::{Limits, PaymentWorker, Payments};
pub use resource::{ItemResult, Preview, RenewalItem, Renewed, ResourceView};
pub use unit::{HOSTS_MAX, InstallationView, Settlement, Validated};
pub use worker::Worker;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The vendor: acts on every account.
    Operator,
    /// A customer: acts on their own account.
    Account(AccountId),
}

impl Caller {
    /// Only the vendor may.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_operator(self) -> Result<(), Error> {
        match self {
            Self::Operator => Ok(()),
            Self::Account(_) => Err(Error::Forbidden),
        }
    }

    /// What belongs to another account does not exist for a customer.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn require_access(self, account_id: AccountId) -> Result<(), Error> {
        match self {
            Self::Operator => Ok(()),
            Self::Account(own) if own == account_id => Ok(()),
            Self::Account(_) => Err(Error::NotFound),
        }
    }

    /// The account whose things a list shows: a customer sees only their own, whatever was asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`] when a customer asks for another account.
    pub fn scope(self, asked: Option<AccountId>) -> Result<Option<AccountId>, Error> {
        match (self, asked) {
            (Self::Operator, asked) => Ok(asked),
            (Self::Account(own), None) => Ok(Some(own)),
            (Self::Account(own), Some(asked)) if asked == own => Ok(Some(own)),
            (Self::Account(_), Some(_)) => Err(Error::NotFound),
        }
    }

    /// The trigger of what the caller does.
    #[must_use]
    pub const fn trigger(self) -> Trigger {
        match self {
            Self::Operator => Trigger::Operator,
            Self::Account(_) => Trigger::Customer,
        }
    }

    /// The idempotency keys of the caller (B-8).
    #[must_use]
    pub const fn key_scope(self) -> Option<AccountId> {
        match self {
            Self::Operator => None,
            Self::Account(own) => Some(own),
        }
    }
}

/// All use cases, over one store, one clock and one zone. Cloned for every request, so it is one pointer.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Arc<SiteClock>,
    zone: Arc<BillingZone>,
    advancing: tokio::sync::Mutex<()>,
    due: tokio::sync::Notify,
    signing: signing::Signing,
    payments: Arc<Payments>,
}

/// Why a transaction decided nothing.
enum Held<R> {
    /// What is due comes first, and there is too much of it.
    Back,
    /// A rule says no.
    Refused(R),
}

impl<R> From<Held<R>> for Error
where
    Self: From<R>,
{
    fn from(held: Held<R>) -> Self {
        match held {
            Held::Back => Self::Bug("a decision that was held back was not tried again".into()),
            Held::Refused(refusal) => refusal.into(),
        }
    }
}

/// When the next step of something is due, for the store to keep.
#[must_use]
pub fn due_at(zone: Arc<BillingZone>) -> store::DueAt {
    Arc::new(move |timed, catalog| match timed {
        Timed::Resource(resource) => due::due_at(resource, &Books { zone: &zone, catalog }),
        Timed::License(license) => due::license_due_at(license, &zone),
    })
}

/// A seed that makes the ids of two processes differ.
///
/// # Panics
/// When the operating system has no randomness.
#[must_use]
pub fn id_seed() -> u64 {
    u64::from_be_bytes(key::random())
}

impl Engine {
    /// The use cases over these. Nothing can be signed.
    #[must_use]
    pub fn new(store: Store, clock: Arc<SiteClock>, zone: Arc<BillingZone>) -> Self {
        Self::with(store, clock, zone, (None, Arc::default()))
    }

    /// The same, with the secret that unlocks the signing keys.
    #[must_use]
    pub fn with_secret(self, secret: signing::Secret) -> Self {
        let Inner { store, clock, zone, payments, .. } = &*self.0;
        Self::with(store.clone(), Arc::clone(clock), Arc::clone(zone), (Some(secret), Arc::clone(payments)))
    }

    /// The same, with payment platforms.
    #[must_use]
    pub fn with_payments(self, payments: Payments) -> Self {
        let Inner { store, clock, zone, signing, .. } = &*self.0;
        Self::with(store.clone(), Arc::clone(clock), Arc::clone(zone), (signing.secret(), Arc::new(payments)))
    }

    fn with(
        store: Store,
        clock: Arc<SiteClock>,
        zone: Arc<BillingZone>,
        (secret, payments): (Option<signing::Secret>, Arc<Payments>),
    ) -> Self {
        let (advancing, due) = (tokio::sync::Mutex::default(), tokio::sync::Notify::new());
        let signing = signing::Signing::with(secret);
        Self(Arc::new(Inner { store, clock, zone, advancing, due, signing, payments }))
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &SiteClock {
        &self.0.clock
    }

    /// The billing zone.
    #[must_use]
    pub fn zone(&self) -> &BillingZone {
        &self.0.zone
    }

    /// Decides something about an account. What is due by now is done first, so a decision never depends on how late the
    /// worker is, and again afterwards, so what the decision makes due at once is done.
    async fn decide<T, R>(
        &self,
        account_id: AccountId,
        wanted: Wanted,
        idempotency: Option<Idempotency>,
        decide: impl FnOnce(&mut Draft<'_>) -> Result<T, R> + Send + 'static,
    ) -> Result<Outcome<T>, Error>
    where
        T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
        R: Send + 'static,
        Error: From<R>,
    {
        // The decision is made once, but maybe only after several transactions of due work.
        let waiting = Arc::new(Mutex::new(Some(decide)));
        loop {
            let (zone, waiting) = (Arc::clone(&self.0.zone), Arc::clone(&waiting));
            let done = self.0.store.transact(account_id, wanted.clone(), idempotency.clone(), move |view, desk| {
                let books = Books { zone: &zone, catalog: desk.catalog };
                let mut draft = Draft::new(books, view, desk.ids, desk.now);
                if due::run(&mut draft) == Progress::More {
                    return Err(Held::Back);
                }
                let decide = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
                let decide = decide.expect("a decision that was not held back is made once");
                let reply = decide(&mut draft).map_err(Held::Refused)?;
                due::run(&mut draft);
                Ok((draft.finish(), reply))
            });
            match done.await {
                Err(TransactError::Refused(Held::Back)) => self.catch_up(account_id).await?,
                other => return Ok(other?),
            }
        }
    }

    /// Does a part of the due work of one account, when there is too much of it for one decision.
    async fn catch_up(&self, account_id: AccountId) -> Result<(), Error> {
        let zone = Arc::clone(&self.0.zone);
        let done = self.0.store.transact(account_id, Wanted::default(), None, move |view, desk| {
            Ok::<_, std::convert::Infallible>((worker::due_work(&zone, view, desk), ()))
        });
        done.await?;
        Ok(())
    }

    /// The account of something that the caller may act on.
    async fn owner(&self, caller: Caller, id: impl Into<OwnedId>) -> Result<AccountId, Error> {
        let account_id = self.0.store.account_of(id.into()).await?.ok_or(Error::NotFound)?;
        caller.require_access(account_id)?;
        Ok(account_id)
    }
}
