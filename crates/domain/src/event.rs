//! Events: what happened, for programs, messages and people. Written in the same transaction as what they tell.

use serde::Serialize;

use crate::id::{AccountId, EventId, LicenseId, OrderId, ResourceId};
use crate::money::Amount;
use crate::order::OrderKind;
use crate::time::Instant;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// An account.
    Account(AccountId),
    /// A resource.
    Resource(ResourceId),
    /// A license.
    License(LicenseId),
    /// An order.
    Order(OrderId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Resource(id) => id.fmt(f),
            Self::License(id) => id.fmt(f),
            Self::Order(id) => id.fmt(f),
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id; ids rise in the order in which events are stored.
    pub id: EventId,
    /// The customer.
    pub account_id: AccountId,
    /// When: for late work the instant at which it was due.
    pub at: Instant,
    /// What it is about.
    pub subject: Subject,
    /// What happened.
    pub body: Body,
}

/// Why a message goes to the customer (C-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReminderReason {
    /// Resources at risk expire soon.
    Expiring,
    /// A resource has expired.
    Expired,
    /// A resource will be suspended.
    Suspension,
    /// A resource will be released.
    Release,
}

/// What happened, with the facts of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the fields say the same words as the API reference")]
pub enum Body {
    /// An order is paid and done.
    OrderCompleted { kind: OrderKind, amount: Amount, resource_id: Option<ResourceId> },
    /// A resource was bought.
    ResourceActivated { order_id: OrderId, expires_at: Instant },
    /// A resource has another period.
    ResourceRenewed { order_id: OrderId, start: Instant, expires_at: Instant, amount: Amount, auto_renew: bool },
    /// A resource is past its expiry (C-1).
    ResourceExpired { expires_at: Instant, suspend_at: Option<Instant>, release_at: Option<Instant> },
    /// A resource is stopped (C-4).
    ResourceSuspended { expires_at: Instant, release_at: Option<Instant> },
    /// A suspended resource runs again.
    ResourceResumed { order_id: OrderId },
    /// A resource is gone by rule (C-4).
    ResourceReleased { expires_at: Instant },
    /// A resource was deleted by the customer (C-7).
    ResourceDeleted { order_id: OrderId },
    /// The switch was turned.
    AutoRenewChanged { auto_renew: bool },
    /// A renewal was tried and waits for money.
    RenewalPostponed { price: Option<Amount>, available: Amount, next_attempt_at: Option<Instant> },
    /// A daily memo of what an expired resource would have cost (C-2).
    ArrearsCreated { resource_id: ResourceId, amount: Amount, start: Instant, end: Instant },
    /// Such a memo no longer matters (C-3).
    ArrearsRevoked { resource_id: ResourceId, superseded_by: Option<OrderId> },
    /// The balance does not cover what is due within the next seven days (C-8).
    BalanceLow { available: Amount, needed: Amount, until: Instant },
    /// A message to the customer (C-8).
    ReminderSent { reason: ReminderReason, resources: Vec<Reminded> },
}

/// A resource that a message names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reminded {
    /// The resource.
    pub resource_id: ResourceId,
    /// When it expires.
    pub expires_at: Instant,
    /// When what the message warns of happens, if that is not the expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
}

impl Body {
    /// The names of all types, as the API's `type` shows them.
    pub const NAMES: [&'static str; 15] = [
        "order.completed",
        "resource.activated",
        "resource.renewed",
        "resource.expired",
        "resource.suspended",
        "resource.resumed",
        "resource.released",
        "resource.deleted",
        "resource.auto_renew_changed",
        "renewal.postponed",
        "arrears.created",
        "arrears.revoked",
        "balance.low",
        "reminder.sent",
        "order.closed",
    ];

    /// The type, as the API shows it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OrderCompleted { .. } => "order.completed",
            Self::ResourceActivated { .. } => "resource.activated",
            Self::ResourceRenewed { .. } => "resource.renewed",
            Self::ResourceExpired { .. } => "resource.expired",
            Self::ResourceSuspended { .. } => "resource.suspended",
            Self::ResourceResumed { .. } => "resource.resumed",
            Self::ResourceReleased { .. } => "resource.released",
            Self::ResourceDeleted { .. } => "resource.deleted",
            Self::AutoRenewChanged { .. } => "resource.auto_renew_changed",
            Self::RenewalPostponed { .. } => "renewal.postponed",
            Self::ArrearsCreated { .. } => "arrears.created",
            Self::ArrearsRevoked { .. } => "arrears.revoked",
            Self::BalanceLow { .. } => "balance.low",
            Self::ReminderSent { .. } => "reminder.sent",
        }
    }
}
