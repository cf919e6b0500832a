//! Due work of one account: every step whose time has come, in order.
//!
//! Late work is replayed: each step is done as of the instant at which it was due and dated so (R-14). At one instant
//! attempts come first, then expiry, arrears, warnings, suspensions, releases, reminders (C-5).

use std::collections::BTreeSet;

use crate::change::{Document, Draft, Unpayable};
use crate::event::{Body, Reminded, ReminderReason, Subject};
use crate::id::ResourceId;
use crate::order::{Order, OrderKind, Sold, Trigger};
use crate::recycling::{Step, arrears_line, arrears_period, attempt_order, release_at, suspend_at, timers};
use crate::reminder;
use crate::renewal::{self, Books, Choice, Command, RenewalRefusal, next_attempt_at, wants_attempt};
use crate::resource::{Attempt, Input, Outcome, Resource, State};
use crate::time::Instant;

/// When the next step of a resource is due: the store keeps it beside the resource, so due work is found by a query.
#[must_use]
pub fn due_at(resource: &Resource, books: &Books<'_>) -> Option<Instant> {
    if resource.state.is_final() {
        return None;
    }
    timers(resource, &books.policy(resource), books.zone).next().map(|(at, _)| at)
}

/// Whether all that is due is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is due any more.
    Done,
    /// There was too much for one decision; the next one goes on where this one stopped.
    More,
}

/// The most steps of one decision, so that neither memory nor others who wait depend on how long an outage was.
const STEPS_MAX: usize = 2_000;

/// Does what is due of the draft's resources at or before its `now`, in order, up to a limit.
pub fn run(draft: &mut Draft<'_>) -> Progress {
    let now = draft.now;
    let mut agenda = Agenda::of(draft);
    for _ in 0..STEPS_MAX {
        let step = agenda.first();
        let reminder = draft.remind_at().filter(|at| *at <= now);
        match (step, reminder) {
            (Some(entry), reminder) if entry.at <= now && reminder.is_none_or(|at| entry.at <= at) => {
                agenda.remove(entry);
                perform(draft, entry.index, entry.step, entry.at);
                agenda.add(draft, entry.index);
            }
            (_, Some(at)) => reminder::remind(draft, at),
            (_, None) => return if draft.is_whole() { Progress::Done } else { Progress::More },
        }
    }
    Progress::More
}

/// A step of one resource, in the order in which steps happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct AgendaEntry {
    at: Instant,
    step: Step,
    order: (bool, Instant, ResourceId),
    index: usize,
}

/// The next step of each resource.
struct Agenda(BTreeSet<AgendaEntry>);

impl Agenda {
    fn of(draft: &Draft<'_>) -> Self {
        let mut agenda = Self(BTreeSet::new());
        for index in 0..draft.resources().count() {
            agenda.add(draft, index);
        }
        agenda
    }

    fn add(&mut self, draft: &Draft<'_>, index: usize) {
        let resource = draft.resource(index);
        if resource.state.is_final() {
            return;
        }
        let (policy, zone) = (draft.books.policy(resource), draft.books.zone);
        if let Some((at, step)) = timers(resource, &policy, zone).next() {
            let order = attempt_order(resource, &policy, zone);
            self.0.insert(AgendaEntry { at, step, order, index });
        }
    }

    fn first(&self) -> Option<AgendaEntry> {
        self.0.first().copied()
    }

    fn remove(&mut self, entry: AgendaEntry) {
        self.0.remove(&entry);
    }
}

fn perform(draft: &mut Draft<'_>, index: usize, step: Step, at: Instant) {
    match step {
        Step::Attempt => attempt(draft, index, at),
        Step::Expire => expire(draft, index, at),
        Step::Arrears => note_arrears(draft, index, at),
        Step::WarnOfSuspension => warn(draft, index, ReminderReason::Suspension),
        Step::WarnOfRelease => warn(draft, index, ReminderReason::Release),
        Step::Suspend => suspend(draft, index, at),
        Step::Release => release(draft, index, at),
    }
}

/// Tries every resource of the draft that money or the switch gives a chance, in the order of R-9 (R-2).
pub fn attempt_all(draft: &mut Draft<'_>) {
    let now = draft.now;
    let mut wanting: Vec<_> = (draft.resources().enumerate())
        .filter_map(|(index, resource)| {
            if resource.state.is_final() {
                return None;
            }
            let (policy, zone) = (draft.books.policy(resource), draft.books.zone);
            wants_attempt(resource, &policy, now).then(|| (attempt_order(resource, &policy, zone), index))
        })
        .collect();
    wanting.sort_unstable();
    for (_, index) in wanting {
        attempt(draft, index, now);
    }
}

/// Tries one resource now, because its switch was turned on (R-2, R-12).
pub(crate) fn attempt_now(draft: &mut Draft<'_>, index: usize) {
    let now = draft.now;
    attempt(draft, index, now);
}

/// An automatic attempt to renew, recorded with its outcome (R-1, R-2).
fn attempt(draft: &mut Draft<'_>, index: usize, at: Instant) {
    let before = draft.resource(index).clone();
    let available = draft.wallet().available();
    let renewed = renew(draft, index, Command::Automatic, Trigger::Auto, at);
    let (outcome, reason, price, order_id) = match &renewed {
        Ok(order) => (Outcome::Succeeded, None, Some(order.amount), Some(order.id)),
        Err(refusal @ RenewalRefusal::InsufficientBalance(shortfall)) => {
            (Outcome::InsufficientBalance, Some(refusal.to_string()), Some(shortfall.price), None)
        }
        Err(refusal) => (Outcome::Error, Some(refusal.to_string()), None, None),
    };
    let id = draft.next_id();
    draft.add_attempt(Attempt { id, resource_id: before.id, at, outcome, reason, price, available, order_id });
    if renewed.is_err() {
        let mut after = before;
        after.overdue.attempted_at = Some(at);
        let next_attempt_at = next_attempt_at(&after, &draft.books.policy(&after), draft.books.zone);
        let subject = Subject::Resource(after.id);
        draft.set_resource(index, after);
        draft.tell(at, subject, Body::RenewalPostponed { price, available, next_attempt_at });
    }
}

/// Renews a resource out of the wallet: order, ledger entry, new period, arrears revoked (R-7, C-3).
fn renew(
    draft: &mut Draft<'_>,
    index: usize,
    command: Command,
    trigger: Trigger,
    at: Instant,
) -> Result<Order, RenewalRefusal> {
    let before = draft.resource(index).clone();
    let quote = renewal::decide(&before, command, &draft.books, draft.wallet(), at)?;
    let after = before.renewed(&quote, draft.books.newest_version(&before));
    let order = draft.pay(Document {
        kind: OrderKind::Renewal,
        trigger,
        at,
        resource_id: before.id,
        sold: Sold { product: before.product, plan: quote.plan },
        lines: quote.lines,
        amount: quote.amount,
        terms_version: None,
    });
    let order = order.map_err(|unpayable| match unpayable {
        Unpayable::Shortfall(shortfall) => RenewalRefusal::InsufficientBalance(shortfall),
        Unpayable::AmountTooLarge(too_large) => RenewalRefusal::AmountTooLarge(too_large),
    })?;
    draft.revoke_arrears(before.id, Some(order.id), at);
    let subject = Subject::Resource(before.id);
    let (order_id, amount, auto_renew) = (order.id, order.amount, after.auto_renew);
    let (start, expires_at) = (quote.period.start, quote.period.end);
    draft.tell(at, subject, Body::ResourceRenewed { order_id, start, expires_at, amount, auto_renew });
    if before.state == State::Suspended {
        draft.tell(at, subject, Body::ResourceResumed { order_id });
    }
    if before.auto_renew != after.auto_renew {
        draft.tell(at, subject, Body::AutoRenewChanged { auto_renew });
    }
    draft.set_resource(index, after);
    Ok(order)
}

/// A manual renewal (R-10, R-11).
///
/// ```
/// # use testkit::rules::{Life, books, one_term};
/// let mut life = Life::new(books("Asia/Shanghai", "gpu/hourly hour 1 100 CNY"), "2024-03-10 16:30:00");
/// life.credit(200);
/// let gpu = life.buys_switched_off("gpu/hourly");
/// // By hand it is a whole term from the old end, and it turns the switch of an hourly resource on.
/// life.renew(gpu, one_term()).unwrap();
/// assert_eq!(life.show(life.resource(gpu).expires_at), "2024-03-10 18:30:00");
/// assert!(life.resource(gpu).auto_renew);
/// ```
///
/// # Errors
/// [`RenewalRefusal`].
pub fn renew_by_hand(
    draft: &mut Draft<'_>,
    index: usize,
    choice: Choice,
    trigger: Trigger,
) -> Result<Order, RenewalRefusal> {
    let now = draft.now;
    renew(draft, index, Command::Manual(choice), trigger, now)
}

/// C-1: past its expiry; the service still runs; the customer is told.
fn expire(draft: &mut Draft<'_>, index: usize, at: Instant) {
    let mut after = moved(draft.resource(index), Input::Expire);
    after.overdue.told_at = Some(draft.now);
    let (policy, zone) = (draft.books.policy(&after), draft.books.zone);
    let suspend_at = suspend_at(&after, &policy, zone);
    let release_at = release_at(&after, &policy, zone);
    let subject = Subject::Resource(after.id);
    draft.tell(at, subject, Body::ResourceExpired { expires_at: after.expires_at, suspend_at, release_at });
    remind_of(draft, &after, ReminderReason::Expired, None);
    draft.set_resource(index, after);
}

/// C-2: the memo for one local day.
fn note_arrears(draft: &mut Draft<'_>, index: usize, at: Instant) {
    let mut after = draft.resource(index).clone();
    let books = draft.books;
    let period = arrears_period(&after, &books.policy(&after), books.zone).expect("an arrears order is due");
    after.overdue.arrears_until = Some(period.end);
    // A price that does not fit the books was never sold, so the memo has no one to explain it to.
    if let Ok(line) = arrears_line(&after, books.plan_of(&after), period, books.zone) {
        let order = draft.note_arrears(Document {
            kind: OrderKind::Arrears,
            trigger: Trigger::System,
            at,
            resource_id: after.id,
            sold: Sold { product: after.product, plan: after.plan },
            lines: vec![line],
            amount: line.amount,
            terms_version: None,
        });
        let body =
            Body::ArrearsCreated { resource_id: after.id, amount: line.amount, start: period.start, end: period.end };
        draft.tell(at, Subject::Order(order.id), body);
    }
    draft.set_resource(index, after);
}

/// C-5, C-8: a warning counts from when it is really sent.
fn warn(draft: &mut Draft<'_>, index: usize, reason: ReminderReason) {
    let mut after = draft.resource(index).clone();
    let sent_at = Some(draft.now);
    match reason {
        ReminderReason::Suspension => after.overdue.suspension_warned_at = sent_at,
        ReminderReason::Release => after.overdue.release_warned_at = sent_at,
        ReminderReason::Expiring | ReminderReason::Expired => {}
    }
    let (policy, zone) = (draft.books.policy(&after), draft.books.zone);
    let due_at = match reason {
        ReminderReason::Suspension => suspend_at(&after, &policy, zone),
        ReminderReason::Release => release_at(&after, &policy, zone),
        ReminderReason::Expiring | ReminderReason::Expired => None,
    };
    remind_of(draft, &after, reason, due_at);
    draft.set_resource(index, after);
}

fn remind_of(draft: &mut Draft<'_>, resource: &Resource, reason: ReminderReason, due_at: Option<Instant>) {
    let reminded = Reminded { resource_id: resource.id, expires_at: resource.expires_at, due_at };
    let sent_at = draft.now;
    draft.tell(sent_at, Subject::Resource(resource.id), Body::ReminderSent { reason, resources: vec![reminded] });
}

/// What takes something from a customer may be so late, in seconds; if we were down for longer, the customer could not
/// act on the warning, is warned anew and has the whole time again (C-5, R-14).
const LATENESS_MAX: i64 = 300;

fn we_were_down(draft: &Draft<'_>, at: Instant) -> bool {
    draft.now.seconds_since(at) > LATENESS_MAX
}

/// C-4: stopped, data kept.
fn suspend(draft: &mut Draft<'_>, index: usize, at: Instant) {
    if we_were_down(draft, at) {
        let mut after = draft.resource(index).clone();
        after.overdue.told_at = Some(draft.now);
        after.overdue.suspension_warned_at = None;
        return draft.set_resource(index, after);
    }
    let mut after = moved(draft.resource(index), Input::Suspend);
    after.overdue.suspended_at = Some(at);
    let release_at = release_at(&after, &draft.books.policy(&after), draft.books.zone);
    let body = Body::ResourceSuspended { expires_at: after.expires_at, release_at };
    draft.tell(at, Subject::Resource(after.id), body);
    draft.set_resource(index, after);
}

/// C-4: gone; its arrears no longer matter (C-3).
fn release(draft: &mut Draft<'_>, index: usize, at: Instant) {
    if we_were_down(draft, at) {
        let mut after = draft.resource(index).clone();
        after.overdue.release_warned_at = None;
        return draft.set_resource(index, after);
    }
    let mut after = moved(draft.resource(index), Input::Release);
    after.ended_at = Some(at);
    draft.revoke_arrears(after.id, None, at);
    let body = Body::ResourceReleased { expires_at: after.expires_at };
    draft.tell(at, Subject::Resource(after.id), body);
    draft.set_resource(index, after);
}

pub(crate) fn moved(resource: &Resource, input: Input) -> Resource {
    let state = resource.state.apply(input).expect("a timer of a state leads out of it");
    Resource { state, ..resource.clone() }
}

/// What a customer sees of a resource's future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outlook {
    /// Expired and owing arrears (C-1).
    pub in_arrears: bool,
    /// When the next attempt to renew is made.
    pub next_attempt_at: Option<Instant>,
    /// When it will be suspended, or was.
    pub suspend_at: Option<Instant>,
    /// When it will be released.
    pub release_at: Option<Instant>,
}

/// What lies ahead of a resource, as things stand. Suspension and release have dates once it has expired.
#[must_use]
pub fn outlook(resource: &Resource, books: &Books<'_>) -> Outlook {
    let nothing = Outlook { in_arrears: false, next_attempt_at: None, suspend_at: None, release_at: None };
    if resource.state.is_final() {
        return nothing;
    }
    let (policy, zone) = (books.policy(resource), books.zone);
    let release = release_at(resource, &policy, zone);
    let next_attempt_at = next_attempt_at(resource, &policy, zone).filter(|at| release.is_none_or(|end| *at <= end));
    match resource.state {
        State::Expired | State::Suspended => Outlook {
            in_arrears: !policy.exempt,
            next_attempt_at,
            suspend_at: suspend_at(resource, &policy, zone),
            release_at: release,
        },
        State::Active | State::Released | State::Deleted => Outlook { next_attempt_at, ..nothing },
    }
}
