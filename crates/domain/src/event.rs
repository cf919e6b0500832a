//! Events: what happened, for programs, messages and people. Written in the same transaction as what they tell.

use serde::Serialize;

use crate::holding::HoldingId;
use crate::id::{
    AccountId, EventId, FailbackId, InstallationId, LicenseId, OrderId, PaymentId, ResourceId, UnappliedId,
};
use crate::label::{Host, JobId};
use crate::license;
use crate::money::{Amount, Currency};
use crate::order::OrderKind;
use crate::payment::{Applied, Mismatch, PlatformName};
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
    /// A failback.
    Failback(FailbackId),
    /// An installation.
    Installation(InstallationId),
    /// A payment.
    Payment(PaymentId),
}

impl From<HoldingId> for Subject {
    fn from(id: HoldingId) -> Self {
        match id {
            HoldingId::Resource(id) => Self::Resource(id),
            HoldingId::License(id) => Self::License(id),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Resource(id) => id.fmt(f),
            Self::License(id) => id.fmt(f),
            Self::Order(id) => id.fmt(f),
            Self::Failback(id) => id.fmt(f),
            Self::Installation(id) => id.fmt(f),
            Self::Payment(id) => id.fmt(f),
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
    OrderCompleted { kind: OrderKind, amount: Amount, resource_id: Option<ResourceId>, license_id: Option<LicenseId> },
    /// An order was not paid in time (B-3).
    OrderClosed {},
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
    /// A license took effect (L-2, L-3, L-8).
    LicenseActivated {
        kind: license::Kind,
        source: license::Source,
        total: u32,
        expires_at: Instant,
        order_id: Option<OrderId>,
        parent_id: Option<LicenseId>,
    },
    /// A license has another term (L-7).
    LicenseRenewed { order_id: OrderId, start: Instant, expires_at: Instant, amount: Amount },
    /// A license is past its expiry; running hosts go on (L-7).
    LicenseGraceStarted { expires_at: Instant, ends_at: Instant },
    /// The switch of a license was turned.
    LicenseSwitched { auto_renew: bool },
    /// A license is over (L-4, L-7).
    LicenseExpired { expires_at: Instant },
    /// The operator stopped a license (B-5).
    LicenseSuspended { reason: String },
    /// The operator lets it go on.
    LicenseReinstated { reason: String },
    /// The operator took a license back (B-5).
    LicenseRevoked { reason: String },
    /// A license ended while it had hosts; some went to other licenses, the others are stranded (L-6).
    HostsReseated { n_moved: u32, n_stranded: u32, stranded: Vec<Host> },
    /// A failback succeeded; its unit is consumed (L-5).
    FailbackCommitted { job_id: JobId, host: Host, license_id: LicenseId, unit: u32 },
    /// A failback was not heard of for too long; its unit is free again (L-5).
    FailbackLapsed { job_id: JobId, host: Host },
    /// A failback succeeded after it had lapsed, and no unit was free (L-5).
    FailbackRefused { job_id: JobId, host: Host },
    /// An installation took units along.
    UnitsCheckedOut { n_units: u32 },
    /// An installation brought units back.
    ReceiptSettled { counter: u64, n_used: u32, n_unused: u32 },
    /// A receipt's counter went backwards; the units stay checked out.
    ReceiptRefused { counter: u64, last: u64 },
    /// A receipt named a unit that the installation does not hold; nothing of it was taken.
    StrayUnit { license_id: LicenseId, unit: u32, counter: u64, used: bool },
    /// A receipt of an installation that was retired; nothing of it was taken.
    ReceiptOfRetired { counter: u64, retired_at: Instant },
    /// The operator retired an installation that is lost; its units are consumed or free again.
    InstallationRetired { reason: String, n_units: u32, consumed: bool },
    /// A unit was used offline for a job that is known to have ended, or to be of another host.
    JobConflict { job_id: JobId, host: Host, license_id: LicenseId, unit: u32 },
    /// Money came on a payment platform and is booked (B-3).
    PaymentSucceeded { order_id: OrderId, amount: Amount, currency: Currency, applied_to: Applied },
    /// A payment brought no money.
    PaymentFailed { order_id: OrderId, code: String },
    /// A saved payment method needs its owner: the order can be paid by hand until then.
    PaymentActionRequired { order_id: OrderId, license_id: Option<LicenseId>, until: Instant },
    /// Money came that applies to nothing; it is held for the operator (B-6).
    PaymentUnapplied {
        unapplied_id: UnappliedId,
        order_id: OrderId,
        platform: PlatformName,
        amount: Amount,
        currency: Currency,
        reason: Mismatch,
    },
    /// The payer takes the money back; the license is suspended until the operator decides (B-5).
    PaymentDisputed { order_id: OrderId, license_id: Option<LicenseId>, amount: Amount, currency: Currency },
    /// A message to the customer (C-8).
    ReminderSent { reason: ReminderReason, resources: Vec<Reminded> },
}

/// A resource or license that a message names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reminded {
    /// The resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<ResourceId>,
    /// The license.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_id: Option<LicenseId>,
    /// When it expires.
    pub expires_at: Instant,
    /// When what the message warns of happens, if that is not the expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
}

impl Reminded {
    /// What a message says of a resource or license.
    #[must_use]
    pub const fn of(id: HoldingId, expires_at: Instant, due_at: Option<Instant>) -> Self {
        Self { resource_id: id.resource(), license_id: id.license(), expires_at, due_at }
    }
}

impl Body {
    /// The names of all types, as the API's `type` shows them.
    pub const NAMES: [&'static str; 37] = [
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
        "license.activated",
        "license.renewed",
        "license.auto_renew_changed",
        "license.grace_started",
        "license.expired",
        "license.suspended",
        "license.reinstated",
        "license.revoked",
        "license.hosts_reseated",
        "failback.committed",
        "failback.lapsed",
        "failback.refused",
        "failback.conflict",
        "installation.units_checked_out",
        "installation.receipt_settled",
        "installation.receipt_refused",
        "installation.retired",
        "payment.succeeded",
        "payment.failed",
        "payment.action_required",
        "payment.unapplied",
        "payment.disputed",
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
            Self::OrderClosed {} => "order.closed",
            Self::LicenseActivated { .. } => "license.activated",
            Self::LicenseRenewed { .. } => "license.renewed",
            Self::LicenseGraceStarted { .. } => "license.grace_started",
            Self::LicenseExpired { .. } => "license.expired",
            Self::LicenseSuspended { .. } => "license.suspended",
            Self::LicenseReinstated { .. } => "license.reinstated",
            Self::LicenseRevoked { .. } => "license.revoked",
            Self::HostsReseated { .. } => "license.hosts_reseated",
            Self::FailbackCommitted { .. } => "failback.committed",
            Self::FailbackLapsed { .. } => "failback.lapsed",
            Self::FailbackRefused { .. } => "failback.refused",
            Self::UnitsCheckedOut { .. } => "installation.units_checked_out",
            Self::ReceiptSettled { .. } => "installation.receipt_settled",
            Self::ReceiptRefused { .. } | Self::StrayUnit { .. } | Self::ReceiptOfRetired { .. } => {
                "installation.receipt_refused"
            }
            Self::InstallationRetired { .. } => "installation.retired",
            Self::PaymentSucceeded { .. } => "payment.succeeded",
            Self::PaymentFailed { .. } => "payment.failed",
            Self::PaymentActionRequired { .. } => "payment.action_required",
            Self::PaymentUnapplied { .. } => "payment.unapplied",
            Self::PaymentDisputed { .. } => "payment.disputed",
            Self::JobConflict { .. } => "failback.conflict",
            Self::LicenseSwitched { .. } => "license.auto_renew_changed",
            Self::RenewalPostponed { .. } => "renewal.postponed",
            Self::ArrearsCreated { .. } => "arrears.created",
            Self::ArrearsRevoked { .. } => "arrears.revoked",
            Self::BalanceLow { .. } => "balance.low",
            Self::ReminderSent { .. } => "reminder.sent",
        }
    }
}
