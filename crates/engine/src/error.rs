//! Why a use case did nothing, with a stable code for each reason.

use domain::activation::LicenseRefusal;
use domain::assignment::AssignmentRefusal;
use domain::catalog::CatalogRefusal;
use domain::desk::{ResourceRefusal, WalletRefusal};
use domain::failback::FailbackRefusal;
use domain::installation::InstallationRefusal;
use domain::purchase::PurchaseRefusal;
use domain::renewal::RenewalRefusal;
use domain::resource::State;
use domain::settlement::PaymentRefusal;
use domain::time::Instant;
use store::{TransactError, Trouble};

use crate::signing::KeyError;

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
    /// Of a license.
    #[error(transparent)]
    License(#[from] LicenseRefusal),
    /// Of an assignment.
    #[error(transparent)]
    Assignment(#[from] AssignmentRefusal),
    /// Of a failback.
    #[error(transparent)]
    Failback(#[from] FailbackRefusal),
    /// Of something that an installation wants.
    #[error(transparent)]
    Installation(#[from] InstallationRefusal),
    /// A signed document that does not hold.
    #[error(transparent)]
    Seal(seal::Flaw),
    /// The text is no Ed25519 key.
    #[error("the public key is not a valid Ed25519 key of 32 bytes")]
    InvalidPublicKey,
    /// B-5.
    #[error("what was paid for is not refunded; the operator may revoke it with a reason")]
    NonRefundable,
    /// Of something about a payment.
    #[error(transparent)]
    Payment(#[from] PaymentRefusal),
    /// No payment platform is configured that could do it.
    #[error("this site takes no such payments")]
    NoPlatform,
    /// The payment platform cannot be used now; nothing was charged.
    #[error("the payment platform is not available now; nothing was charged: {0}")]
    PlatformUnavailable(String),
    /// The payment platform refuses, for good.
    #[error("the payment platform refused: {0}")]
    PlatformRefused(String),
    /// There is nothing to sign with.
    #[error(transparent)]
    Keys(#[from] KeyError),
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
            Self::License(refusal) => license_code(refusal),
            Self::Assignment(refusal) => assignment_code(refusal),
            Self::Failback(refusal) => failback_code(*refusal),
            Self::Installation(refusal) => installation_code(*refusal),
            Self::Seal(flaw) => (flaw.code(), Class::Invalid),
            Self::InvalidPublicKey => ("invalid_public_key", Class::Invalid),
            Self::NonRefundable => ("non_refundable", Class::Conflict),
            Self::Payment(refusal) => payment_code(refusal),
            Self::NoPlatform => ("payment_not_configured", Class::Unavailable),
            Self::PlatformUnavailable(_) => ("payment_platform_unavailable", Class::Unavailable),
            Self::PlatformRefused(_) => ("payment_platform_refused", Class::Conflict),
            Self::Keys(_) => ("signing_unavailable", Class::Unavailable),
            Self::ClockBackwards { .. } => ("clock_backwards", Class::Conflict),
            Self::NoTestClock => ("not_found", Class::Missing),
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
        PurchaseRefusal::ConsentRequired => ("consent_required", Class::Invalid),
        PurchaseRefusal::AutoRenewRequired => ("auto_renew_required", Class::Invalid),
        PurchaseRefusal::AutoRenewNotSupported => ("auto_renew_not_supported", Class::Invalid),
        PurchaseRefusal::NotAligned => ("not_aligned", Class::Invalid),
        PurchaseRefusal::NotConfigurable => ("not_configurable", Class::Invalid),
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
        RenewalRefusal::LicenseEnded { .. } => ("license_ended", Class::Conflict),
        RenewalRefusal::TermTooShort { .. } => ("term_too_short", Class::Invalid),
        RenewalRefusal::TermsOutOfRange { .. } => ("invalid_terms", Class::Invalid),
        RenewalRefusal::UnknownPlan { .. } => ("unknown_plan", Class::Invalid),
        RenewalRefusal::NotOnSale { .. } => ("not_on_sale", Class::Conflict),
        RenewalRefusal::OtherCurrency { .. } => ("currency_mismatch", Class::Invalid),
        RenewalRefusal::NotMonthly => ("not_monthly", Class::Invalid),
        RenewalRefusal::AmountTooLarge(_) => ("amount_too_large", Class::Invalid),
    }
}

const fn license_code(refusal: &LicenseRefusal) -> (&'static str, Class) {
    match refusal {
        LicenseRefusal::QuantityOutOfRange => ("invalid_quantity", Class::Invalid),
        LicenseRefusal::TermOutOfRange => ("invalid_term", Class::Invalid),
        LicenseRefusal::UnknownCode => ("unknown_activation_code", Class::Invalid),
        LicenseRefusal::AlreadyRedeemed => ("already_redeemed", Class::Conflict),
        LicenseRefusal::CodeExpired { .. } => ("expired", Class::Invalid),
        LicenseRefusal::Unknown => ("not_found", Class::Missing),
        LicenseRefusal::AutoRenewNotSupported => ("auto_renew_not_supported", Class::Invalid),
        LicenseRefusal::Ended { .. } => ("license_ended", Class::Conflict),
        LicenseRefusal::NotSuspended => ("license_not_suspended", Class::Conflict),
    }
}

const fn assignment_code(refusal: &AssignmentRefusal) -> (&'static str, Class) {
    match refusal {
        AssignmentRefusal::UnknownLicense { .. } => ("unknown_license", Class::Invalid),
        AssignmentRefusal::NoUnitsAvailable => ("no_units_available", Class::Conflict),
        AssignmentRefusal::UnknownAssignment => ("not_found", Class::Missing),
        AssignmentRefusal::HostHasUnit { .. } => ("host_has_unit", Class::Conflict),
        AssignmentRefusal::Released => ("assignment_released", Class::Conflict),
        AssignmentRefusal::Stranded => ("stranded", Class::Conflict),
    }
}

const fn failback_code(refusal: FailbackRefusal) -> (&'static str, Class) {
    match refusal {
        FailbackRefusal::NoUnitsAvailable => ("no_units_available", Class::Conflict),
        FailbackRefusal::Unknown => ("not_found", Class::Missing),
        FailbackRefusal::JobOfAnotherHost => ("job_of_another_host", Class::Conflict),
        FailbackRefusal::AlreadyConsumed => ("already_consumed", Class::Conflict),
        FailbackRefusal::Cancelled => ("failback_cancelled", Class::Conflict),
        FailbackRefusal::Lapsed => ("failback_lapsed", Class::Conflict),
    }
}

const fn installation_code(refusal: InstallationRefusal) -> (&'static str, Class) {
    match refusal {
        InstallationRefusal::Unknown => ("not_found", Class::Missing),
        InstallationRefusal::NameTaken => ("installation_exists", Class::Conflict),
        InstallationRefusal::UnitsOutOfRange => ("invalid_quantity", Class::Invalid),
        InstallationRefusal::NoUnitsAvailable => ("no_units_available", Class::Conflict),
        InstallationRefusal::CounterBackwards { .. } => ("receipt_counter_backwards", Class::Conflict),
        InstallationRefusal::NotCheckedOut { .. } => ("not_checked_out", Class::Conflict),
        InstallationRefusal::Retired { .. } => ("installation_retired", Class::Conflict),
    }
}

const fn payment_code(refusal: &PaymentRefusal) -> (&'static str, Class) {
    match refusal {
        PaymentRefusal::UnknownOrder | PaymentRefusal::UnknownPayment | PaymentRefusal::UnknownUnapplied => {
            ("not_found", Class::Missing)
        }
        PaymentRefusal::AlreadyPaid => ("already_paid", Class::Conflict),
        PaymentRefusal::Closed => ("order_closed", Class::Conflict),
        PaymentRefusal::OtherPlatform { .. } => ("payment_open_elsewhere", Class::Conflict),
        PaymentRefusal::RechargeOutOfRange { .. } => ("recharge_out_of_range", Class::Invalid),
        PaymentRefusal::NotATransfer => ("not_a_bank_transfer", Class::Conflict),
        PaymentRefusal::NotHeld { .. } => ("not_held", Class::Conflict),
        PaymentRefusal::OtherCurrency { .. } => ("currency_mismatch", Class::Invalid),
        PaymentRefusal::AmountTooLarge(_) => ("amount_too_large", Class::Invalid),
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
        CatalogRefusal::NotForLicenses => ("not_for_licenses", Class::Invalid),
        CatalogRefusal::ReleaseTooEarly => ("release_too_early", Class::Invalid),
        CatalogRefusal::SuspendedWithinWindow => ("suspended_within_window", Class::Invalid),
        CatalogRefusal::UnknownProduct { .. } => ("not_found", Class::Missing),
        CatalogRefusal::PlanFixed { .. } => ("plan_fixed", Class::Conflict),
        CatalogRefusal::TermOutOfRange { .. } | CatalogRefusal::CycleOfLicense { .. } => {
            ("invalid_term", Class::Invalid)
        }
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

refusals!(
    PurchaseRefusal,
    RenewalRefusal,
    WalletRefusal,
    ResourceRefusal,
    CatalogRefusal,
    LicenseRefusal,
    AssignmentRefusal,
    FailbackRefusal,
    InstallationRefusal,
    PaymentRefusal,
    KeyError
);

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
