//! What every adapter offers, and the words for it.

use std::sync::Arc;

use domain::account::{Account, Wallet};
use domain::activation::ActivationCode;
use domain::assignment::Assignment;
use domain::catalog::{Catalog, Code, Plan, Product};
use domain::change::{ChangeSet, View};
use domain::failback::{self, Failback};
use domain::holding::HoldingId;
use domain::id::{
    AccountId, AllocationId, ApiKeyId, AssignmentId, AttemptId, CodeId, EventId, FailbackId, FreezeId, Ids,
    InstallationId, LicenseId, OrderId, PaymentId, PaymentMethodId, ResourceId, UnappliedId,
};
use domain::installation::Installation;
use domain::label::{Host, InstallationName, JobId};
use domain::ledger::Entry;
use domain::license::{self, License};
use domain::order::{Order, OrderKind, OrderState};
use domain::payment::{self, Bill, Payment, PaymentMethod, PlatformName, Unapplied, UnappliedState};
use domain::resource::{Attempt, Resource, State};
use domain::time::Instant;
use domain::unit::{Allocation, UnitId};
use domain::verdict::Evidence;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sqlite;

/// The one clock, as a store needs it: read once for each transaction, under its lock (T-5).
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Instant;
}

/// What has a next step whose time follows from the rules.
#[derive(Debug, Clone, Copy)]
pub enum Timed<'a> {
    /// A resource.
    Resource(&'a Resource),
    /// A license.
    License(&'a License),
}

/// Says when the next step of something is due; kept beside the row.
pub type DueAt = Arc<dyn Fn(Timed<'_>, &Catalog) -> Option<Instant> + Send + Sync>;

/// What a decision is made with besides the view.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The instant of this transaction.
    pub now: Instant,
    /// The source of ids.
    pub ids: &'a mut Ids,
    /// What is sold.
    pub catalog: &'a Catalog,
}

/// What to load of an account besides itself and what is due now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// These resources; one that is not the account's is left out.
    pub resources: Vec<ResourceId>,
    /// Everything that money or the switch could make an attempt for.
    pub attemptable: bool,
    /// This freeze.
    pub freeze: Option<FreezeId>,
    /// These licenses, each with the bonus that came with it.
    pub licenses: Vec<LicenseId>,
    /// Licenses of these kinds with at least so many free units, those that end first.
    pub free_units: Vec<(license::Kind, u32)>,
    /// The hosts of these licenses.
    pub hosts_of: Vec<LicenseId>,
    /// These assignments.
    pub assignments: Vec<AssignmentId>,
    /// The assignments of these hosts that were not released.
    pub hosts: Vec<Host>,
    /// These failbacks.
    pub failbacks: Vec<FailbackId>,
    /// The failbacks of these jobs.
    pub jobs: Vec<JobId>,
    /// This installation, with what is checked out to it.
    pub installation: Option<InstallationId>,
    /// The installation of this name that is not retired.
    pub installation_name: Option<InstallationName>,
    /// This activation code.
    pub code: Option<CodeId>,
    /// All that a license file shows: every license and host, and the last file's number.
    pub license_file: bool,
    /// This order on a payment platform, with all its payments and its license.
    pub bill: Option<OrderId>,
    /// This unapplied money, whoever's it is.
    pub unapplied: Option<UnappliedId>,
    /// This saved payment method.
    pub method: Option<PaymentMethodId>,
}

/// What makes a repeated write the same write (B-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's account; `None`: the operator.
    pub scope: Option<AccountId>,
    /// The caller's key.
    pub key: String,
    /// A hash of the request: the same key with another request is refused.
    pub fingerprint: [u8; 32],
    /// Whether the key is kept for ever, because what it did happens once for ever (L-5).
    pub lasting: bool,
}

/// How a write ended. Doing something twice is normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Done now.
    Done(T),
    /// Done before under the same idempotency key; the answer of then.
    AlreadyDone(T),
}

impl<T> Outcome<T> {
    /// The answer.
    pub fn into_inner(self) -> T {
        match self {
            Self::Done(reply) | Self::AlreadyDone(reply) => reply,
        }
    }

    /// The same outcome with another answer.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(reply) => Outcome::Done(f(reply)),
            Self::AlreadyDone(reply) => Outcome::AlreadyDone(f(reply)),
        }
    }

    /// The same outcome with another answer, if there is one.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn try_map<U, E>(self, f: impl FnOnce(T) -> Result<U, E>) -> Result<Outcome<U>, E> {
        match self {
            Self::Done(reply) => f(reply).map(Outcome::Done),
            Self::AlreadyDone(reply) => f(reply).map(Outcome::AlreadyDone),
        }
    }
}

/// The outside world failed. Nothing was written, or (for a commit that was not confirmed) it is not known; ask again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Trouble {
    /// The database cannot be used now.
    #[error("the database is not available: {0}")]
    Unavailable(Arc<str>),
    /// There is no room to write.
    #[error("the disk is full")]
    Full,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A row cannot be read: written by another version, or damaged.
    #[error("a stored row cannot be read: {0}")]
    Unreadable(Arc<str>),
}

/// Why a transaction did nothing.
#[derive(Debug, thiserror::Error)]
pub enum TransactError<R> {
    /// A rule says no.
    #[error("refused")]
    Refused(R),
    /// There is no such account.
    #[error("no such account")]
    NoAccount,
    /// The idempotency key was used for another request (B-8).
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A constraint of the database forbids what was decided, such as a second charge for one period.
    #[error("the constraint {0} forbids it")]
    Conflict(Arc<str>),
    /// The decision broke an invariant. Nothing was written.
    #[error("the decision failed: {0}")]
    Bug(Arc<str>),
    /// The outside world failed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// What one batch of due work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DueReport {
    /// Accounts that had due work.
    pub n_accounts: u64,
    /// Attempts that renewed.
    pub n_renewed: u64,
    /// Attempts that did not.
    pub n_postponed: u64,
    /// The greatest delay of an attempt, in seconds.
    pub lateness_seconds: i64,
    /// Whether more is due now.
    pub more: bool,
}

/// Something that belongs to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnedId {
    /// A resource.
    Resource(ResourceId),
    /// A license.
    License(LicenseId),
    /// An assignment.
    Assignment(AssignmentId),
    /// A failback.
    Failback(FailbackId),
    /// An installation.
    Installation(InstallationId),
}

macro_rules! owned {
    ($($id:ty => $variant:ident),*) => {$(
        impl From<$id> for OwnedId {
            fn from(id: $id) -> Self {
                Self::$variant(id)
            }
        }
    )*};
}

owned!(ResourceId => Resource, LicenseId => License, AssignmentId => Assignment, FailbackId => Failback,
    InstallationId => Installation);

/// A page of a list: after a row, so many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<C> {
    /// The last row of the page before.
    pub after: Option<C>,
    /// At most so many rows.
    pub limit: u32,
}

/// Which resources a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceFilter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// In this state.
    pub state: Option<State>,
    /// With the switch so.
    pub auto_renew: Option<bool>,
    /// That expire before.
    pub expires_before: Option<Instant>,
    /// Of this product.
    pub product: Option<Code>,
    /// Whose product, plan or configuration contains this text.
    pub text: Option<String>,
}

/// Which orders a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// About this resource.
    pub resource_id: Option<ResourceId>,
    /// About this license.
    pub license_id: Option<LicenseId>,
    /// Of this kind.
    pub kind: Option<OrderKind>,
    /// In this state.
    pub state: Option<OrderState>,
}

/// Which events a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// Of this type.
    pub kind: Option<String>,
}

/// Which licenses a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LicenseFilter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// Of this kind.
    pub kind: Option<license::Kind>,
    /// With this status at an instant.
    pub status: Option<(license::Status, Instant)>,
    /// From this source.
    pub source: Option<license::Source>,
}

/// Which assignments a list shows; those that were released are never shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssignmentFilter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// Of this host.
    pub host: Option<Host>,
    /// Of this license.
    pub license_id: Option<LicenseId>,
}

/// Which failbacks a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailbackFilter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// In this state.
    pub state: Option<failback::State>,
    /// Of this host.
    pub host: Option<Host>,
}

/// Which payments a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentFilter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// Of this order.
    pub order_id: Option<OrderId>,
    /// In this state.
    pub state: Option<payment::State>,
}

/// Which unapplied money a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnappliedFilter {
    /// In this state.
    pub state: Option<UnappliedState>,
}

/// How a platform calls a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformReference {
    /// The checkout or charge.
    Payment(String),
    /// The movement of money that paid it.
    Movement(String),
}

/// The times of a signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningKeyAge {
    /// When it was made.
    pub created_at: Instant,
    /// When another took its place.
    pub retired_at: Option<Instant>,
    /// When it was declared unusable.
    pub revoked_at: Option<Instant>,
}

/// A key that signs license files. Its private part is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The thumbprint of the public key.
    pub kid: String,
    /// What the root says of it, signed.
    pub certificate: String,
    /// The private key, locked with the site's secret.
    pub locked: String,
    /// Its times.
    pub age: SigningKeyAge,
}

/// The keys of a site.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRing {
    /// The public root key, as products pin it.
    pub root: Option<String>,
    /// All signing keys, newest first.
    pub keys: Vec<SigningKey>,
}

/// An event as it was stored; `data` is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub kind: String,
    /// When.
    pub at: Instant,
    /// The customer.
    pub account_id: AccountId,
    /// What it is about: an id with its prefix.
    pub subject: String,
    /// The facts, as JSON.
    pub data: String,
}

/// An account with its wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The account.
    pub account: Account,
    /// Its wallet.
    pub wallet: Wallet,
}

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The account that it acts for; `None`: the operator.
    pub account_id: Option<AccountId>,
    /// What people call it.
    pub name: String,
    /// The hash of the secret.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Instant,
}

/// What lasts as long as the database: fixed at its first start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The IANA name of the billing zone (T-2).
    pub zone: Option<String>,
    /// Where the test clock stands; `None`: the database lives on real time (T-5).
    pub test_clock: Option<Instant>,
    /// Whether something was sold, so that the zone is fixed (T-2).
    pub has_periods: bool,
}

/// A finding of [`Store::verify`]: a row that breaks an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// The row, and what is wrong with it.
    pub detail: String,
}

/// A way to keep everything, and to get it back.
#[derive(Debug, Clone)]
pub enum Store {
    /// One file on this machine.
    Sqlite(sqlite::Database),
}

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Store {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Trouble`] when the database cannot be read.
            pub async fn $name(&self, $($arg: $type),*) -> Result<$result, Trouble> {
                match self { Self::Sqlite(database) => database.$name($($arg),*) }
            }
        )*}
    };
}

reads! {
    /// An account and its wallet.
    account(id: AccountId) -> Option<AccountRow>;
    /// Accounts, oldest first.
    accounts(page: Page<AccountId>) -> Vec<AccountRow>;
    /// A resource.
    resource(id: ResourceId) -> Option<Resource>;
    /// Resources, oldest first.
    resources(filter: &ResourceFilter, page: Page<ResourceId>) -> Vec<Resource>;
    /// The resources of an account that have not ended and expire before an instant.
    live_resources(account_id: AccountId, expires_before: Instant) -> Vec<Resource>;
    /// An order.
    order(id: OrderId) -> Option<Order>;
    /// Orders, oldest first.
    orders(filter: &OrderFilter, page: Page<OrderId>) -> Vec<Order>;
    /// The ledger entries of an account, oldest first.
    entries(account_id: AccountId, page: Page<u64>) -> Vec<Entry>;
    /// The attempts to renew a resource or license, oldest first.
    attempts(holding: HoldingId, page: Page<AttemptId>) -> Vec<Attempt>;
    /// The account that something belongs to: a resource, a license, an assignment, a failback, an installation.
    account_of(owned: OwnedId) -> Option<AccountId>;
    /// A license.
    license(id: LicenseId) -> Option<License>;
    /// Licenses, oldest first.
    licenses(filter: &LicenseFilter, page: Page<LicenseId>) -> Vec<License>;
    /// The licenses of an account that have not ended.
    live_licenses(account_id: AccountId) -> Vec<License>;
    /// The allocation log of a license, oldest first.
    allocations(license_id: LicenseId, page: Page<AllocationId>) -> Vec<Allocation>;
    /// An assignment.
    assignment(id: AssignmentId) -> Option<Assignment>;
    /// Assignments, oldest first.
    assignments(filter: &AssignmentFilter, page: Page<AssignmentId>) -> Vec<Assignment>;
    /// A failback.
    failback(id: FailbackId) -> Option<Failback>;
    /// Failbacks, oldest first.
    failbacks(filter: &FailbackFilter, page: Page<FailbackId>) -> Vec<Failback>;
    /// An installation.
    installation(id: InstallationId) -> Option<Installation>;
    /// The installations of an account, oldest first.
    installations(account_id: AccountId, page: Page<InstallationId>) -> Vec<Installation>;
    /// The units that are checked out to an installation.
    checked_out(id: InstallationId) -> Vec<UnitId>;
    /// An activation code.
    activation_code(id: CodeId) -> Option<ActivationCode>;
    /// Activation codes, oldest first.
    activation_codes(page: Page<CodeId>) -> Vec<ActivationCode>;
    /// What a verdict looks at: of an account, and of a host of it.
    evidence(account_id: AccountId, host: Option<&Host>) -> Option<Evidence>;
    /// The keys that sign license files.
    key_ring() -> KeyRing;
    /// A payment.
    payment(id: PaymentId) -> Option<Payment>;
    /// The payment that a platform calls so.
    payment_called(platform: PlatformName, reference: &PlatformReference) -> Option<Payment>;
    /// Payments, oldest first.
    payments(filter: &PaymentFilter, page: Page<PaymentId>) -> Vec<Payment>;
    /// Payments whose platform is to be asked at an instant, longest due first.
    due_payments(now: Instant, limit: u32) -> Vec<Payment>;
    /// When a platform is to be asked next about a payment.
    next_look_at() -> Option<Instant>;
    /// An order on a payment platform, with all its payments.
    bill(order_id: OrderId) -> Option<Bill>;
    /// A saved payment method.
    payment_method(id: PaymentMethodId) -> Option<PaymentMethod>;
    /// The saved payment methods of an account that were not removed, oldest first.
    payment_methods(account_id: AccountId) -> Vec<PaymentMethod>;
    /// Unapplied money, oldest first.
    unapplied(filter: &UnappliedFilter, page: Page<UnappliedId>) -> Vec<Unapplied>;
    /// One amount of unapplied money.
    one_unapplied(id: UnappliedId) -> Option<Unapplied>;
    /// Up to when the movements of a platform were compared with ours.
    reconciled_until(platform: PlatformName) -> Option<Instant>;
    /// Events, oldest first.
    events(filter: &EventFilter, page: Page<EventId>) -> Vec<StoredEvent>;
    /// The API key with this hash.
    api_key(hash: [u8; 32]) -> Option<ApiKey>;
    /// Whether there is an operator key.
    has_operator_key() -> bool;
    /// What lasts as long as the database.
    site() -> Site;
    /// The earliest instant at which something is due.
    next_due_at() -> Option<Instant>;
    /// How many accounts have due work at an instant, counted up to a limit.
    n_due(now: Instant, limit: u32) -> u64;
    /// Every row that breaks an invariant.
    verify() -> Vec<Finding>;
}

impl Store {
    /// Decides something about an account: locks it, loads what is wanted and what is due, decides, writes, commits.
    ///
    /// # Errors
    /// [`TransactError`]; then nothing was written.
    pub async fn transact<T, R>(
        &self,
        account_id: AccountId,
        wanted: Wanted,
        idempotency: Option<Idempotency>,
        decide: impl FnOnce(View, &mut Desk<'_>) -> Result<(ChangeSet, T), R> + Send + 'static,
    ) -> Result<Outcome<T>, TransactError<R>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        R: Send + 'static,
    {
        match self {
            Self::Sqlite(database) => database.transact(account_id, wanted, idempotency, decide).await,
        }
    }

    /// Opens an account.
    ///
    /// # Errors
    /// [`TransactError`]; then nothing was written.
    pub async fn open_account<T, R>(
        &self,
        idempotency: Option<Idempotency>,
        decide: impl FnOnce(&mut Desk<'_>) -> Result<(ChangeSet, T), R> + Send + 'static,
    ) -> Result<Outcome<T>, TransactError<R>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        R: Send + 'static,
    {
        match self {
            Self::Sqlite(database) => database.open_account(idempotency, decide).await,
        }
    }

    /// Does a batch of due work, oldest first, account by account. `decide` is called once for each account.
    ///
    /// # Errors
    /// [`Trouble`]; then nothing of the batch was written.
    pub async fn transact_due(
        &self,
        decide: impl Fn(View, &mut Desk<'_>) -> ChangeSet + Send + 'static,
    ) -> Result<DueReport, Trouble> {
        match self {
            Self::Sqlite(database) => database.transact_due(decide).await,
        }
    }

    /// Changes what is sold.
    ///
    /// # Errors
    /// [`TransactError`]; then nothing was written.
    pub async fn transact_catalog<T, R>(
        &self,
        decide: impl FnOnce(&mut Desk<'_>) -> Result<(CatalogChange, T), R> + Send + 'static,
    ) -> Result<T, TransactError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        match self {
            Self::Sqlite(database) => database.transact_catalog(decide).await,
        }
    }

    /// Stores an API key.
    ///
    /// # Errors
    /// [`TransactError`]; then nothing was written.
    pub async fn add_api_key(
        &self,
        idempotency: Option<Idempotency>,
        make: impl FnOnce(&mut Desk<'_>) -> ApiKey + Send + 'static,
    ) -> Result<Outcome<ApiKeyId>, TransactError<std::convert::Infallible>> {
        match self {
            Self::Sqlite(database) => database.add_api_key(idempotency, make).await,
        }
    }

    /// Stores an operator key in place of all others.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn replace_operator_keys(
        &self,
        make: impl FnOnce(&mut Desk<'_>) -> ApiKey + Send + 'static,
    ) -> Result<(), Trouble> {
        match self {
            Self::Sqlite(database) => database.replace_operator_keys(make).await,
        }
    }

    /// Stores an activation code.
    ///
    /// # Errors
    /// [`TransactError`]; then nothing was written.
    pub async fn add_activation_code(
        &self,
        idempotency: Option<Idempotency>,
        make: impl FnOnce(&mut Desk<'_>) -> ActivationCode + Send + 'static,
    ) -> Result<Outcome<ActivationCode>, TransactError<std::convert::Infallible>> {
        match self {
            Self::Sqlite(database) => database.add_activation_code(idempotency, make).await,
        }
    }

    /// Holds money that names no account of ours. Of one movement there is one.
    ///
    /// # Errors
    /// [`TransactError`]; `Conflict`: it is held already.
    pub async fn hold_unapplied(
        &self,
        make: impl FnOnce(&mut Desk<'_>) -> Unapplied + Send + 'static,
    ) -> Result<Unapplied, TransactError<std::convert::Infallible>> {
        match self {
            Self::Sqlite(database) => database.hold_unapplied(make).await,
        }
    }

    /// Keeps up to when the movements of a platform were compared with ours.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn set_reconciled_until(&self, platform: PlatformName, until: Instant) -> Result<(), Trouble> {
        match self {
            Self::Sqlite(database) => database.set_reconciled_until(platform, until).await,
        }
    }

    /// Changes the keys that sign license files. `decide` gets those that are stored.
    ///
    /// # Errors
    /// [`TransactError`]; then nothing was written.
    pub async fn transact_keys<R: Send + 'static>(
        &self,
        decide: impl FnOnce(KeyRing, Instant) -> Result<KeyRing, R> + Send + 'static,
    ) -> Result<(), TransactError<R>> {
        match self {
            Self::Sqlite(database) => database.transact_keys(decide).await,
        }
    }

    /// Claims an idempotency key for a request that is several writes, so that its key means this request only (B-8).
    /// Claiming it again for the same request is `AlreadyDone`: some or all of the writes were done.
    ///
    /// # Errors
    /// [`TransactError::KeyReused`], or [`Trouble`].
    pub async fn claim_key(
        &self,
        idempotency: Idempotency,
    ) -> Result<Outcome<()>, TransactError<std::convert::Infallible>> {
        match self {
            Self::Sqlite(database) => database.claim_key(idempotency).await,
        }
    }

    /// Stores the site's zone, and where its test clock stands.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn set_site(&self, zone: String, test_clock: Option<Instant>) -> Result<(), Trouble> {
        match self {
            Self::Sqlite(database) => database.set_site(zone, test_clock).await,
        }
    }

    /// Forgets idempotency keys that are older than an instant, a batch at a time. Gives the number forgotten.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn forget_idempotency(&self, before: Instant) -> Result<u64, Trouble> {
        match self {
            Self::Sqlite(database) => database.forget_idempotency(before).await,
        }
    }

    /// What is sold, as of now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        match self {
            Self::Sqlite(database) => database.catalog(),
        }
    }

    /// Writes something small, to see whether writing works.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn probe(&self) -> Result<(), Trouble> {
        match self {
            Self::Sqlite(database) => database.probe().await,
        }
    }

    /// Writes a copy of the whole database to a new file, while it is in use.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn backup(&self, file: std::path::PathBuf) -> Result<(), Trouble> {
        match self {
            Self::Sqlite(database) => database.backup(&file),
        }
    }

    /// Finishes what was begun and closes the database.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
        }
    }
}

/// A change of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogChange {
    /// Nothing changes.
    None,
    /// A new version of a product.
    Product(Product),
    /// A plan that is new or has another price version.
    Plan {
        /// Its product.
        product: Code,
        /// The whole plan.
        plan: Plan,
    },
}
