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
    /// What a product is.
    ProductKind is domain::catalog::ProductKind { Resource, License }
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
    TransactionKind is domain::ledger::EntryReason { Recharge, Credit, Charge, Refund, Adjustment }
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
