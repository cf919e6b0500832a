//! Why a use case did nothing, with a stable code for each reason.

use domain::catalog::CatalogRefusal;
use domain::desk::{ResourceRefusal, WalletRefusal};
use domain::purchase::PurchaseRefusal;
use domain::renewal::RenewalRefusal;
use domain::resource::State;
use domain::time::Instant;
use store::{TransactError, Trouble};

/// Why a use case did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or not for this caller.
    #[error("there is no such thing")]
    NotFound,
    /// Only the operator may do it.
    #[error("this needs an operator key")]
    Forbidden,
    /// A rule says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// B-8.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Another request did what this one wanted to do.
    #[error("another request got there first: {0}")]
    Conflict(std::sync::Arc<str>),
    /// Something outside does not work; asking again later helps.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// The program is wrong; nothing was changed.
    #[error("an internal invariant was broken: {0}")]
    Bug(std::sync::Arc<str>),
}

/// A rule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Of a purchase.
    #[error(transparent)]
    Purchase(#[from] PurchaseRefusal),
    /// Of a renewal.
    #[error(transparent)]
    Renewal(#[from] RenewalRefusal),
    /// Of a movement of money.
    #[error(transparent)]
    Wallet(#[from] WalletRefusal),
    /// Of an action on a resource.
    #[error(transparent)]
    Resource(#[from] ResourceRefusal),
    /// Of a change of the catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogRefusal),
    /// T-5: the clock does not go back.
    #[error("the clock is at {now} and does not go back to {to}")]
    ClockBackwards {
        /// Where it stands.
        now: Instant,
        /// Where it should go.
        to: Instant,
    },
    /// The process lives on real time (T-5).
    #[error("there is no test clock; start with --test-clock")]
    NoTestClock,
    /// No payment platform is set up.
    #[error("no payment platform is set up; pay with the wallet")]
    NoPaymentPlatform,
}

/// What kind of no it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Values that can never work.
    Invalid,
    /// Not in this state.
    Conflict,
    /// Not enough money.
    Payment,
    /// No such thing.
    Missing,
    /// Not now.
    Unavailable,
}

impl Refusal {
    /// The stable code and its class: the table that `docs/reference/errors.md` explains.
    #[must_use]
    pub const fn code(&self) -> (&'static str, Class) {
        match self {
            Self::Purchase(refusal) => purchase_code(refusal),
            Self::Renewal(refusal) => renewal_code(refusal),
            Self::Wallet(refusal) => wallet_code(refusal),
            Self::Resource(ResourceRefusal::Active) => ("resource_active", Class::Conflict),
            Self::Resource(ResourceRefusal::Ended { state }) => (ended(*state), Class::Conflict),
            Self::Catalog(refusal) => catalog_code(refusal),
            Self::ClockBackwards { .. } => ("clock_backwards", Class::Conflict),
            Self::NoTestClock => ("not_found", Class::Missing),
            Self::NoPaymentPlatform => ("payment_platform_unavailable", Class::Unavailable),
        }
    }
}

const fn ended(state: State) -> &'static str {
    match state {
        State::Deleted => "deleted",
        State::Active | State::Expired | State::Suspended | State::Released => "released",
    }
}

const fn purchase_code(refusal: &PurchaseRefusal) -> (&'static str, Class) {
    match refusal {
        PurchaseRefusal::UnknownProduct { .. } => ("unknown_product", Class::Invalid),
        PurchaseRefusal::UnknownPlan { .. } => ("unknown_plan", Class::Invalid),
        PurchaseRefusal::NotAResource => ("licenses_not_available", Class::Invalid),
        PurchaseRefusal::NotOnSale { .. } => ("not_on_sale", Class::Conflict),
        PurchaseRefusal::OtherCurrency { .. } => ("currency_mismatch", Class::Invalid),
        PurchaseRefusal::QuantityOutOfRange { .. } => ("invalid_quantity", Class::Invalid),
        PurchaseRefusal::TermsOutOfRange { .. } => ("invalid_terms", Class::Invalid),
        PurchaseRefusal::NotMonthly => ("not_monthly", Class::Invalid),
        PurchaseRefusal::InsufficientBalance(_) => ("insufficient_balance", Class::Payment),
        PurchaseRefusal::AmountTooLarge(_) => ("amount_too_large", Class::Invalid),
    }
}

const fn renewal_code(refusal: &RenewalRefusal) -> (&'static str, Class) {
    match refusal {
        RenewalRefusal::InsufficientBalance(_) => ("insufficient_balance", Class::Payment),
        RenewalRefusal::NotRenewableAfterExpiry => ("not_renewable_after_expiry", Class::Conflict),
        RenewalRefusal::Ended { state } => (ended(*state), Class::Conflict),
        RenewalRefusal::TermTooShort { .. } => ("term_too_short", Class::Invalid),
        RenewalRefusal::TermsOutOfRange { .. } => ("invalid_terms", Class::Invalid),
        RenewalRefusal::UnknownPlan { .. } => ("unknown_plan", Class::Invalid),
        RenewalRefusal::NotOnSale { .. } => ("not_on_sale", Class::Conflict),
        RenewalRefusal::OtherCurrency { .. } => ("currency_mismatch", Class::Invalid),
        RenewalRefusal::NotMonthly => ("not_monthly", Class::Invalid),
        RenewalRefusal::AmountTooLarge(_) => ("amount_too_large", Class::Invalid),
    }
}

const fn wallet_code(refusal: &WalletRefusal) -> (&'static str, Class) {
    match refusal {
        WalletRefusal::NotPositive => ("invalid_amount", Class::Invalid),
        WalletRefusal::AmountTooLarge(_) => ("amount_too_large", Class::Invalid),
        WalletRefusal::InsufficientBalance(_) => ("insufficient_balance", Class::Payment),
        WalletRefusal::CreditInUse { .. } => ("credit_in_use", Class::Conflict),
    }
}

const fn catalog_code(refusal: &CatalogRefusal) -> (&'static str, Class) {
    match refusal {
        CatalogRefusal::KindFixed { .. } => ("product_kind_fixed", Class::Conflict),
        CatalogRefusal::ReleaseTooEarly => ("release_too_early", Class::Invalid),
        CatalogRefusal::SuspendedWithinWindow => ("suspended_within_window", Class::Invalid),
        CatalogRefusal::UnknownProduct { .. } => ("not_found", Class::Missing),
        CatalogRefusal::PlanFixed { .. } => ("plan_fixed", Class::Conflict),
        CatalogRefusal::TermOutOfRange { .. } => ("invalid_term", Class::Invalid),
        CatalogRefusal::RenewalsBeforePurchases => ("renewals_before_purchases", Class::Invalid),
        CatalogRefusal::PriceInThePast => ("price_in_the_past", Class::Invalid),
        CatalogRefusal::NegativePrice => ("invalid_amount", Class::Invalid),
    }
}

macro_rules! refusals {
    ($($refusal:ty),*) => {$(
        impl From<$refusal> for Error {
            fn from(refusal: $refusal) -> Self {
                Self::Refused(refusal.into())
            }
        }
    )*};
}

refusals!(PurchaseRefusal, RenewalRefusal, WalletRefusal, ResourceRefusal, CatalogRefusal);

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl<R> From<TransactError<R>> for Error
where
    Self: From<R>,
{
    fn from(error: TransactError<R>) -> Self {
        match error {
            TransactError::Refused(refusal) => refusal.into(),
            TransactError::NoAccount => Self::NotFound,
            TransactError::KeyReused => Self::KeyReused,
            TransactError::Conflict(constraint) => Self::Conflict(constraint),
            TransactError::Bug(message) => Self::Bug(message),
            TransactError::Trouble(trouble) => Self::Trouble(trouble),
        }
    }
}
