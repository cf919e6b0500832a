//! What a decision did, in lines that a person can read.

use std::collections::BTreeMap;

use domain::calendar::BillingZone;
use domain::change::{ChangeSet, Freeze};
use domain::event::{Body, Event, Reminded, Subject};
use domain::holding::HoldingId;
use domain::id::{LicenseId, ResourceId};
use domain::ledger::{Entry, EntryReason};
use domain::license::Source;
use domain::order::{Order, OrderKind, OrderState};
use domain::payment::Applied;
use domain::resource::{Attempt, Outcome};
use domain::time::{Instant, Period};

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// In the order in which they were made.
    number: u128,
    at: Instant,
    done_at: Instant,
    text: String,
}

impl Moment {
    pub(super) fn show(&self, zone: &BillingZone) -> String {
        let Self { at, done_at, text, .. } = self;
        let late = if at == done_at { String::new() } else { format!(" (done {})", zone.show(*done_at)) };
        format!("{}  {text}{late}", zone.show(*at))
    }
}

/// The lines of one change set, in the order in which its parts were decided: ids rise in it.
pub(super) fn moments(
    changes: &ChangeSet,
    zone: &BillingZone,
    names: &BTreeMap<HoldingId, String>,
    done_at: Instant,
) -> Vec<Moment> {
    let teller = Teller { changes, zone, names };
    let moment = |number, at, text: Option<String>| text.map(|text| Moment { number, at, done_at, text });
    let of_entry = |entry: &Entry| moment(entry.id.as_u128(), entry.at, teller.entry(entry));
    let of_order = |order: &Order| moment(order.id.as_u128(), order.created_at, teller.order(order));
    let of_attempt = |attempt: &Attempt| moment(attempt.id.as_u128(), attempt.at, teller.attempt(attempt));
    let of_event = |event: &Event| moment(event.id.as_u128(), event.at, teller.event(event));
    let freezes = changes.freeze.iter().map(|freeze| Moment {
        number: freeze.id.as_u128(),
        at: freeze.lifted_at.unwrap_or(freeze.created_at),
        done_at,
        text: freeze_text(freeze),
    });
    let mut all: Vec<Moment> = (changes.entries.iter().filter_map(of_entry))
        .chain(changes.orders.iter().filter_map(of_order))
        .chain(changes.attempts.iter().filter_map(of_attempt))
        .chain(changes.events.iter().filter_map(of_event))
        .chain(freezes)
        .collect();
    all.sort_by_key(|moment| moment.number);
    // A renewal revokes many arrears orders, and one line says it.
    all.dedup_by(|later, earlier| later.at == earlier.at && later.text == earlier.text);
    all
}

fn freeze_text(freeze: &Freeze) -> String {
    let Freeze { amount, lifted_at, .. } = freeze;
    if lifted_at.is_some() { format!("frees {amount}") } else { format!("freezes {amount}") }
}

struct Teller<'a> {
    changes: &'a ChangeSet,
    zone: &'a BillingZone,
    names: &'a BTreeMap<HoldingId, String>,
}

impl Teller<'_> {
    fn name(&self, id: Option<impl Into<HoldingId>>) -> &str {
        id.and_then(|id| self.names.get(&id.into())).map_or("?", String::as_str)
    }

    fn name_of_either(&self, resource_id: Option<ResourceId>, license_id: Option<LicenseId>) -> &str {
        let license_id = license_id.map(HoldingId::from);
        self.name(resource_id.map(HoldingId::from).or(license_id))
    }

    fn period(&self, period: Period) -> String {
        format!("{} .. {}", self.zone.show(period.start), self.zone.show(period.end))
    }

    fn at(&self, at: Option<Instant>) -> String {
        at.map_or_else(|| "never".to_owned(), |at| self.zone.show(at))
    }

    /// A charge is told with its order.
    fn entry(&self, entry: &Entry) -> Option<String> {
        let Entry { reason, postings, cash_after, gift_after, .. } = entry;
        let after = format!("cash {cash_after}, gift {gift_after}");
        match reason {
            EntryReason::Charge | EntryReason::Payment => None,
            EntryReason::Recharge | EntryReason::Credit | EntryReason::Refund | EntryReason::Adjustment => {
                let amount = postings.cash.minor() + postings.gift.minor();
                Some(format!("{} {amount}: {after}", reason.name()))
            }
        }
    }

    fn order(&self, order: &Order) -> Option<String> {
        let Order { kind, trigger, amount, lines, period, resource_id, license_id, .. } = order;
        let name = self.name_of_either(*resource_id, *license_id);
        let period = period.map_or_else(|| "no period".to_owned(), |period| self.period(period));
        let paid = self.changes.entries.iter().find(|entry| entry.order_id == Some(order.id));
        let left = paid.map_or_else(String::new, |entry| format!(", cash {}", entry.cash_after));
        let n_lines = if lines.len() > 1 { format!(" in {} lines", lines.len()) } else { String::new() };
        if order.state == OrderState::PendingPayment {
            let product = order.sold.map_or_else(String::new, |sold| sold.product.to_string());
            return Some(match kind {
                OrderKind::Renewal => format!("{name} is charged {amount}: {period}"),
                OrderKind::Recharge => format!("a recharge of {amount} is ordered"),
                OrderKind::Purchase
                | OrderKind::Arrears
                | OrderKind::Deletion
                | OrderKind::Refund
                | OrderKind::Adjustment => format!("{product} is ordered for {amount}: {period}"),
            });
        }
        match kind {
            OrderKind::Purchase => Some(format!("{name} is bought for {amount}: {period}{left}")),
            OrderKind::Renewal => {
                Some(format!("{name} is renewed by {} for {amount}{n_lines}: {period}{left}", trigger.name()))
            }
            OrderKind::Arrears => Some(format!("{name} owes {amount}: {period}")),
            OrderKind::Deletion => None,
            OrderKind::Recharge | OrderKind::Refund | OrderKind::Adjustment => {
                Some(format!("{name} {} {amount}", kind.name()))
            }
        }
    }

    /// An order that was paid on a platform; a recharge is told with its entry.
    fn paid_order(&self, subject: Subject) -> Option<String> {
        let is_it = |order: &&Order| subject == Subject::Order(order.id) && order.kind != OrderKind::Recharge;
        self.changes.paid_orders.iter().find(is_it).and_then(|order| self.order(order))
    }

    /// A success is told with its order.
    fn attempt(&self, attempt: &Attempt) -> Option<String> {
        let Attempt { holding, outcome, price, available, reason, .. } = attempt;
        let name = self.name(Some(*holding));
        match outcome {
            Outcome::Succeeded => None,
            Outcome::InsufficientBalance => {
                let price = price.map_or_else(|| "?".to_owned(), |price| price.to_string());
                Some(format!("{name} is not renewed: {available} of {price}"))
            }
            Outcome::Declined | Outcome::Skipped | Outcome::Error => {
                Some(format!("{name} is not renewed: {} {}", outcome.name(), reason.as_deref().unwrap_or_default()))
            }
        }
    }

    fn event(&self, event: &Event) -> Option<String> {
        let name = match event.subject {
            Subject::Resource(id) => self.name(Some(id)),
            Subject::License(id) => self.name(Some(id)),
            Subject::Account(_)
            | Subject::Order(_)
            | Subject::Failback(_)
            | Subject::Installation(_)
            | Subject::Payment(_) => "",
        };
        match &event.body {
            Body::OrderCompleted { .. } => self.paid_order(event.subject),
            Body::ResourceActivated { .. }
            | Body::ResourceRenewed { .. }
            | Body::RenewalPostponed { .. }
            | Body::ArrearsCreated { .. }
            | Body::LicenseActivated { source: Source::Purchase, .. }
            | Body::LicenseRenewed { .. } => None,
            Body::OrderClosed {} => Some("an order closes".to_owned()),
            Body::PaymentSucceeded { amount, applied_to: Applied::Order, .. } => Some(format!("{amount} is paid")),
            Body::PaymentSucceeded { amount, applied_to: Applied::Wallet, .. } => {
                Some(format!("{amount} is paid, into the wallet"))
            }
            Body::PaymentFailed { code, .. } => Some(format!("a payment fails: {code}")),
            Body::PaymentActionRequired { until, .. } => {
                Some(format!("a payment needs its owner until {}", self.zone.show(*until)))
            }
            Body::PaymentUnapplied { amount, reason, .. } => Some(format!("{amount} is held: {}", reason.name())),
            Body::PaymentDisputed { amount, .. } => Some(format!("{amount} is disputed")),
            Body::LicenseActivated { total, expires_at, .. } => {
                Some(format!("{name} of {total} until {}", self.zone.show(*expires_at)))
            }
            Body::LicenseGraceStarted { ends_at, .. } => {
                Some(format!("{name} is in grace until {}", self.zone.show(*ends_at)))
            }
            Body::LicenseSwitched { auto_renew } => {
                Some(format!("{name} switch {}", if *auto_renew { "on" } else { "off" }))
            }
            Body::LicenseExpired { .. } => Some(format!("{name} has expired")),
            Body::LicenseSuspended { reason } => Some(format!("{name} is suspended: {reason}")),
            Body::LicenseReinstated { reason } => Some(format!("{name} is reinstated: {reason}")),
            Body::LicenseRevoked { reason } => Some(format!("{name} is revoked: {reason}")),
            Body::HostsReseated { n_moved, n_stranded, stranded } => {
                let stranded: String = stranded.iter().map(|host| format!(" {host}")).collect();
                Some(format!("hosts of {name}: {n_moved} go on, {n_stranded} stranded{stranded}"))
            }
            Body::FailbackCommitted { job_id, host, license_id, unit } => {
                Some(format!("{job_id} of {host} consumes {} #{unit}", self.name(Some(*license_id))))
            }
            Body::FailbackLapsed { job_id, host } => Some(format!("{job_id} of {host} lapses")),
            Body::FailbackRefused { job_id, host } => Some(format!("{job_id} of {host} is refused")),
            Body::UnitsCheckedOut { n_units } => Some(format!("{n_units} units are checked out")),
            Body::ReceiptSettled { counter, n_used, n_unused } => {
                Some(format!("receipt {counter}: {n_used} used, {n_unused} unused"))
            }
            Body::ReceiptRefused { counter, last } => Some(format!("receipt {counter} is refused after {last}")),
            Body::StrayUnit { license_id, unit, counter, used } => {
                let used = if *used { "used" } else { "unused" };
                Some(format!(
                    "receipt {counter} is refused: {} #{unit} is not there, {used}",
                    self.name(Some(*license_id))
                ))
            }
            Body::ReceiptOfRetired { counter, .. } => Some(format!("receipt {counter} is refused: retired")),
            Body::InstallationRetired { reason, n_units, consumed } => {
                let fate = if *consumed { "consumed" } else { "free" };
                Some(format!("an installation is retired, {n_units} units are {fate}: {reason}"))
            }
            Body::JobConflict { job_id, host, license_id, unit } => {
                Some(format!("{job_id} of {host} conflicts, {} #{unit} is consumed", self.name(Some(*license_id))))
            }
            Body::ResourceExpired { suspend_at, release_at, .. } => {
                let (suspend_at, release_at) = (self.at(*suspend_at), self.at(*release_at));
                Some(format!("{name} expires; suspended {suspend_at}, released {release_at}"))
            }
            Body::ResourceSuspended { release_at, .. } => {
                Some(format!("{name} is suspended; released {}", self.at(*release_at)))
            }
            Body::ResourceResumed { .. } => Some(format!("{name} is resumed")),
            Body::ResourceReleased { .. } => Some(format!("{name} is released")),
            Body::ResourceDeleted { .. } => Some(format!("{name} is deleted")),
            Body::AutoRenewChanged { auto_renew: true } => Some(format!("{name} switch on")),
            Body::AutoRenewChanged { auto_renew: false } => Some(format!("{name} switch off")),
            Body::ArrearsRevoked { resource_id, .. } => {
                Some(format!("{} owes nothing any more", self.name(Some(*resource_id))))
            }
            Body::BalanceLow { available, needed, .. } => Some(format!("balance low: {available} of {needed}")),
            Body::ReminderSent { reason, resources } => {
                let names: Vec<String> = resources.iter().map(|reminded| self.reminded(reminded)).collect();
                Some(format!("message: {} {}", format!("{reason:?}").to_lowercase(), names.join(", ")))
            }
        }
    }

    fn reminded(&self, reminded: &Reminded) -> String {
        let at = reminded.due_at.unwrap_or(reminded.expires_at);
        format!("{} at {}", self.name_of_either(reminded.resource_id, reminded.license_id), self.zone.show(at))
    }
}
