//! Words and values that several endpoints share. Each word is the domain's; a new one there breaks the build here.

use domain::time::Instant;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident is $domain:ty { $($(#[$explanation:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[$explanation])* $variant,)*
        }

        impl From<$domain> for $name {
            fn from(word: $domain) -> Self {
                match word { $(<$domain>::$variant => Self::$variant,)* }
            }
        }

        impl From<$name> for $domain {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant,)* }
            }
        }
    };
}

words! {
    /// A unit of a term. Hours are absolute, the others civil in the site zone (T-3).
    Unit is domain::calendar::Unit { Hour, Day, Month, Year }
}
words! {
    /// What a license is for: its units protect hosts, or pay for one failback each (L-1).
    LicenseKind is domain::license::Kind { Dr, Failback }
}
words! {
    /// Where a license comes from (L-1).
    LicenseSource is domain::license::Source { Purchase, Bonus, Code, Grant }
}
words! {
    /// Where a license stands (L-1, L-7, B-5).
    LicenseStatus is domain::license::Status { Valid, Grace, Expired, Exhausted, Suspended, Revoked }
}
words! {
    /// How the use of a unit ended.
    Ending is domain::unit::Ending {
        Released, Moved, LicenseEnded, Committed, Cancelled, Lapsed, Returned, Retired,
    }
}
words! {
    /// What becomes of the units of an installation that is lost: free again, or consumed (L-5).
    UnitsFate is domain::installation::Fate { Return, Consume }
}
words! {
    /// Where a failback stands (L-5).
    FailbackState is domain::failback::State { Reserved, Committed, Cancelled, Lapsed }
}
words! {
    /// What holds for a host, in a word.
    VerdictCode is domain::verdict::Code {
        Valid, Expiring, Grace, Expired, NotAssigned, Stranded, Exhausted, Suspended,
    }
}
words! {
    /// What can be done with a host. A takeover is always allowed (L-7).
    Operation is domain::verdict::Operation { Protect, Sync, Drill, Takeover, Failback }
}
words! {
    /// Whether what has expired is stopped after its wait, or never (C-4, C-6).
    Suspend is domain::catalog::Suspend { AfterWindow, Never }
}
words! {
    /// The customer's money, received outside, or a present of the vendor (W-1).
    CreditKind is domain::desk::CreditKind { Cash, Gift }
}
words! {
    /// What an order is for.
    OrderKind is domain::order::OrderKind { Purchase, Renewal, Arrears, Recharge, Deletion, Refund, Adjustment }
}
words! {
    /// Where an order stands. Arrears orders are `unpaid` or `revoked` (C-2, C-3).
    OrderState is domain::order::OrderState { PendingPayment, Completed, Closed, Unpaid, Revoked }
}
words! {
    /// Who caused it: an account key, the automatic renewal, a rule, an operator key.
    Trigger is domain::order::Trigger { Customer, Auto, System, Operator }
}
words! {
    /// Where a resource stands (C-1, C-4, C-7).
    ResourceState is domain::resource::State { Active, Expired, Suspended, Released, Deleted }
}
words! {
    /// How an attempt to renew ended.
    AttemptOutcome is domain::resource::Outcome { Succeeded, InsufficientBalance, Declined, Skipped, Error }
}
words! {
    /// Why money moved.
    TransactionKind is domain::ledger::EntryReason { Recharge, Credit, Charge, Payment, Refund, Adjustment }
}

words! {
    /// A payment platform.
    PlatformName is domain::payment::PlatformName { Sandbox, Stripe, BankTransfer }
}
words! {
    /// How the money is to come: a buyer pays, or a saved payment method is charged.
    Means is domain::payment::Means { Checkout, OffSession }
}
words! {
    /// Where a payment stands. `unknown`: the platform gave no answer and is asked again; `quarantined`: other money came
    /// than was asked for, it is held (B-6).
    PaymentState is domain::payment::State { Created, Processing, Succeeded, Failed, Expired, Unknown, Quarantined }
}
words! {
    /// Why money was not applied (B-6).
    Mismatch is domain::payment::Mismatch { Amount, Currency, Mode, Unexpected }
}
words! {
    /// What became of unapplied money.
    UnappliedState is domain::payment::UnappliedState { Held, Credited, Refunding, Refunded }
}

/// To the end of the local month, for monthly plans (B-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    MonthEnd,
}

/// A yes or no of a query string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Flag {
    True,
    False,
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag == Flag::True
    }
}

/// A term.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Term {
    /// The unit.
    unit: Unit,
    /// How many of it.
    count: u32,
}

impl From<domain::catalog::Term> for Term {
    fn from(domain::catalog::Term { unit, count }: domain::catalog::Term) -> Self {
        Self { unit: unit.into(), count }
    }
}

/// How long something shall last.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTerm {
    /// The unit.
    unit: Unit,
    /// How many of it.
    #[schema(minimum = 1, example = 3)]
    count: i64,
}

impl From<&NewTerm> for domain::catalog::Term {
    fn from(term: &NewTerm) -> Self {
        Self { unit: term.unit.into(), count: count(term.count) }
    }
}

/// A count that a rule judges: what is none at all is refused like zero, for the rule knows the range.
pub(crate) fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// An instant: RFC 3339 in UTC, whole seconds (T-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, example = "2019-05-31T16:00:00Z")]
pub(crate) struct Timestamp(Instant);

impl From<Instant> for Timestamp {
    fn from(instant: Instant) -> Self {
        Self(instant)
    }
}

/// For a field that may be left out but not null: `#[serde(default, deserialize_with = "present")]`.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Stored JSON as it is.
pub(crate) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("what is stored as JSON was JSON")
}
