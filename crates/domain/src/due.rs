//! Due work of one account: every step whose time has come, in order.
//!
//! Late work is replayed: each step is done as of the instant at which it was due and dated so (R-14). At one instant
//! attempts come first, then expiry, arrears, warnings, suspensions, releases, reminders (C-5).

use std::collections::BTreeSet;

use crate::assignment;
use crate::calendar::BillingZone;
use crate::draft::{Document, Draft, Place, Unpayable, Waiting};
use crate::event::{Body, Reminded, ReminderReason, Subject};
use crate::failback;
use crate::holding::{Holding, HoldingId};
use crate::id::{FailbackId, OrderId};
use crate::license::{self, License, ends_at};
use crate::money::Amount;
use crate::order::{Order, OrderKind, OrderState, Sold, Trigger};
use crate::payment::{Cause, Charging};
use crate::recycling::{
    AttemptOrder, Step, arrears_line, arrears_period, attempt_order, license_attempt_order, release_at, suspend_at,
    timers,
};
use crate::reminder;
use crate::renewal::{self, Books, Choice, Command, Quote, RenewalRefusal, next_attempt_at, wants_attempt};
use crate::resource::{Attempt, Input, Outcome, Resource, State};
use crate::settlement;
use crate::time::Instant;

/// When the next step of a resource is due: the store keeps it beside the resource, so due work is found by a query.
#[must_use]
pub fn due_at(resource: &Resource, books: &Books<'_>) -> Option<Instant> {
    if resource.state.is_final() {
        return None;
    }
    timers(resource, &books.policy(resource), books.zone).next().map(|(at, _)| at)
}

/// When the next step of a license is due.
#[must_use]
pub fn license_due_at(license: &License, zone: &BillingZone) -> Option<Instant> {
    license.timers(zone).next()
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
                perform(draft, entry);
                agenda.add(draft, entry.target);
            }
            (_, Some(at)) => reminder::remind(draft, at),
            (_, None) => return if draft.is_whole() { Progress::Done } else { Progress::More },
        }
    }
    Progress::More
}

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Holding(Place),
    Failback(FailbackId),
    Order(OrderId),
}

/// A step, in the order in which steps happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct AgendaEntry {
    at: Instant,
    step: Step,
    order: Option<AttemptOrder>,
    target: Target,
}

/// The next step of everything.
struct Agenda(BTreeSet<AgendaEntry>);

impl Agenda {
    fn of(draft: &Draft<'_>) -> Self {
        let mut agenda = Self(BTreeSet::new());
        for place in draft.places() {
            agenda.add(draft, Target::Holding(place));
        }
        for failback in draft.failbacks() {
            agenda.add(draft, Target::Failback(failback.id));
        }
        for order_id in draft.pending().keys() {
            agenda.add(draft, Target::Order(*order_id));
        }
        agenda
    }

    fn add(&mut self, draft: &Draft<'_>, target: Target) {
        let next = match target {
            Target::Holding(Place::Resource(index)) => next_step(draft, draft.resource(index)),
            Target::Holding(Place::License(index)) => next_license_step(draft, draft.license(index)),
            Target::Failback(id) => {
                let due_at = draft.failback(id).and_then(failback::Failback::due_at);
                due_at.map(|at| (at, Step::Lapse, None))
            }
            Target::Order(id) => draft.pending().get(&id).map(|closes_at| (*closes_at, Step::CloseOrder, None)),
        };
        if let Some((at, step, order)) = next {
            self.0.insert(AgendaEntry { at, step, order, target });
        }
    }

    fn first(&self) -> Option<AgendaEntry> {
        self.0.first().copied()
    }

    fn remove(&mut self, entry: AgendaEntry) {
        self.0.remove(&entry);
    }
}

type NextStep = (Instant, Step, Option<AttemptOrder>);

fn next_step(draft: &Draft<'_>, resource: &Resource) -> Option<NextStep> {
    if resource.state.is_final() {
        return None;
    }
    let (policy, zone) = (draft.books.policy(resource), draft.books.zone);
    let (at, step) = timers(resource, &policy, zone).next()?;
    Some((at, step, Some(attempt_order(resource, &policy, zone))))
}

fn next_license_step(draft: &Draft<'_>, license: &License) -> Option<NextStep> {
    let license::Timers { attempt, expire, end } = license.timers(draft.books.zone);
    let steps = [(attempt, Step::Attempt), (expire, Step::Expire), (end, Step::End)];
    let (at, step) = steps.into_iter().filter_map(|(at, step)| Some((at?, step))).min()?;
    Some((at, step, Some(license_attempt_order(license))))
}

fn perform(draft: &mut Draft<'_>, entry: AgendaEntry) {
    let AgendaEntry { at, step, target, .. } = entry;
    match target {
        Target::Holding(Place::Resource(index)) => perform_on_resource(draft, index, step, at),
        Target::Holding(Place::License(index)) => perform_on_license(draft, index, step, at),
        Target::Failback(id) => {
            let we_were_down = we_were_down(draft, at);
            failback::lapse(draft, id, at, we_were_down);
        }
        Target::Order(id) => draft.close_order(id, at),
    }
}

fn perform_on_resource(draft: &mut Draft<'_>, index: usize, step: Step, at: Instant) {
    match step {
        Step::Attempt => attempt(draft, Place::Resource(index), at),
        Step::Expire => expire(draft, index, at),
        Step::Arrears => note_arrears(draft, index, at),
        Step::WarnOfSuspension => warn(draft, index, ReminderReason::Suspension),
        Step::WarnOfRelease => warn(draft, index, ReminderReason::Release),
        Step::Suspend => suspend(draft, index, at),
        Step::Release => release(draft, index, at),
        Step::End | Step::Lapse | Step::CloseOrder => unreachable!("a resource has no such step"),
    }
}

fn perform_on_license(draft: &mut Draft<'_>, index: usize, step: Step, at: Instant) {
    match step {
        Step::Attempt => attempt(draft, Place::License(index), at),
        Step::Expire => match draft.license(index).kind {
            license::Kind::Dr => enter_grace(draft, index, at),
            license::Kind::Failback => end_license(draft, index, at),
        },
        Step::End => end_license(draft, index, at),
        Step::Arrears
        | Step::WarnOfSuspension
        | Step::WarnOfRelease
        | Step::Suspend
        | Step::Release
        | Step::Lapse
        | Step::CloseOrder => unreachable!("a license has no such step"),
    }
}

/// Tries everything of the draft that money or the switch gives a chance, in the order of R-9 (R-2).
pub fn attempt_all(draft: &mut Draft<'_>) {
    let now = draft.now;
    let mut wanting: Vec<_> = draft.places().filter_map(|place| Some((wish(draft, place, now)?, place))).collect();
    wanting.sort_unstable();
    for (_, place) in wanting {
        attempt(draft, place, now);
    }
}

/// Where something stands among what wants an attempt now, if it does.
fn wish(draft: &Draft<'_>, place: Place, now: Instant) -> Option<AttemptOrder> {
    let books = &draft.books;
    match place {
        Place::Resource(index) => {
            let resource = draft.resource(index);
            if resource.state.is_final() {
                return None;
            }
            let policy = books.policy(resource);
            wants_attempt(resource, &policy, now).then(|| attempt_order(resource, &policy, books.zone))
        }
        Place::License(index) => {
            let license = draft.license(index);
            let holding = license.holding().filter(|holding| !holding.phase.is_final())?;
            // While a platform is asked to pay a renewal, nothing else pays it (R-15).
            let is_open = now < license.ends_at
                && license.charging.is_none()
                && wants_attempt(holding, &books.policy(holding), now);
            is_open.then(|| license_attempt_order(license))
        }
    }
}

/// Tries one resource now, because its switch was turned on (R-2, R-12).
pub(crate) fn attempt_now(draft: &mut Draft<'_>, index: usize) {
    let now = draft.now;
    attempt(draft, Place::Resource(index), now);
}

/// Tries a license now, if its switch was turned on in its grace (R-2, R-12).
pub(crate) fn attempt_license_now(draft: &mut Draft<'_>, index: usize) {
    let (now, place) = (draft.now, Place::License(index));
    if wish(draft, place, now).is_some() {
        attempt(draft, place, now);
    }
}

/// An automatic attempt to renew, recorded with its outcome (R-1, R-2).
fn attempt(draft: &mut Draft<'_>, place: Place, at: Instant) {
    give_up_charging(draft, place, at);
    let available = draft.wallet().available();
    let holding = draft.holding(place).expect("only what can renew is tried");
    if !holding.auto_renew {
        return;
    }
    let renewed = renew(draft, place, holding, Command::Automatic, Trigger::Auto, at);
    if let Err(RenewalRefusal::InsufficientBalance(shortfall)) = &renewed
        && charge_card(draft, place, holding, shortfall.price, at)
    {
        return;
    }
    let (outcome, reason, price, order_id) = match &renewed {
        Ok(order) => (Outcome::Succeeded, None, Some(order.amount), Some(order.id)),
        Err(refusal @ RenewalRefusal::InsufficientBalance(shortfall)) => {
            (Outcome::InsufficientBalance, Some(refusal.to_string()), Some(shortfall.price), None)
        }
        Err(refusal) => (Outcome::Error, Some(refusal.to_string()), None, None),
    };
    let id = draft.next_id();
    draft.add_attempt(Attempt { id, holding: holding.id, at, outcome, reason, price, available, order_id });
    if renewed.is_err() {
        let next_attempt_at = note_attempt(draft, place, at);
        draft.tell(at, holding.id.into(), Body::RenewalPostponed { price, available, next_attempt_at });
    }
}

/// R-15: the wallet does not cover it, so the card is charged that the customer agreed to. The platform is asked afterwards;
/// its answer is the outcome of the attempt. Gives whether there is a card.
fn charge_card(draft: &mut Draft<'_>, place: Place, holding: Holding, price: Amount, at: Instant) -> bool {
    let Place::License(index) = place else { return false };
    let license = draft.license(index).clone();
    // At the end of the grace the answer comes too late to renew anything.
    let Some(card) = license.card.filter(|_| draft.now < license.ends_at) else { return false };
    let quote = renewal::quote(holding, Command::Automatic, &draft.books, at).expect("it has a price");
    assert_eq!(quote.amount, price, "one renewal, one price");
    let document = Document {
        kind: OrderKind::Renewal,
        trigger: Trigger::Auto,
        at,
        holding: Some(holding.id),
        sold: Some(Sold { product: holding.product, plan: quote.plan }),
        lines: quote.lines,
        amount: quote.amount,
        terms_version: None,
    };
    let until = license.ends_at;
    let order =
        draft.await_payment(document, Waiting { closes_at: until, closes_itself: false, cause: Cause::Renewal });
    settlement::charge(draft, &order, card);
    let charging = Some(Charging { order_id: order.id, since: draft.now, until });
    draft.set_license(License { charging, attempted_at: Some(at), ..license });
    true
}

/// The payer was asked to finish a renewal by hand and did not: its order closes, and the daily attempts go on (R-2).
pub(crate) fn give_up_charging(draft: &mut Draft<'_>, place: Place, at: Instant) {
    let Place::License(index) = place else { return };
    let license = draft.license(index).clone();
    if let Some(charging) = license.charging {
        draft.close_order(charging.order_id, at);
        draft.set_license(License { charging: None, ..license });
    }
}

/// A renewal that a platform paid (R-15): the one that was asked for, if it still is. Gives the order, completed.
pub(crate) fn renew_license_paid(draft: &mut Draft<'_>, order: &Order) -> Option<Order> {
    let index = draft.license_position(order.license_id?)?;
    let license = draft.license(index);
    // A later try of the same renewal may be with the platform already; then this money is the wallet's.
    let is_next = license.charging.is_none_or(|charging| charging.order_id == order.id);
    let is_renewable = is_next
        && matches!(license.state, license::State::Valid | license::State::Grace)
        && Some(license.expires_at) == order.period.map(|period| period.start);
    let holding = license.holding().filter(|_| is_renewable)?;
    // As of the attempt, so it is the very renewal whose price was asked for.
    let quote = renewal::quote(holding, Command::Automatic, &draft.books, order.created_at).ok()?;
    if quote.amount != order.amount {
        return None;
    }
    let now = draft.now;
    let version = draft.books.newest_version(holding);
    let order = Order { state: OrderState::Completed, completed_at: Some(now), ..order.clone() };
    draft.complete_order(order.clone());
    license_was_renewed(draft, index, &quote, version, (&order, now));
    Some(order)
}

/// Keeps how a card answered as an attempt (R-15), and lets the wallet and the daily series go on, or waits for the payer.
pub(crate) fn note_charge(draft: &mut Draft<'_>, order: &Order, charge: Charge) {
    let Some(index) = order.license_id.and_then(|id| draft.license_position(id)) else { return };
    let (now, license) = (draft.now, draft.license(index).clone());
    let available = draft.wallet().available();
    let (outcome, reason, order_id) = match &charge {
        Charge::Paid => (Outcome::Succeeded, None, Some(order.id)),
        Charge::Declined { code } => {
            (Outcome::Declined, Some(format!("the payment method was declined: {code}")), None)
        }
        Charge::NeedsPayer { .. } => {
            (Outcome::Declined, Some("the payment method needs its owner to confirm".to_owned()), None)
        }
        Charge::Silent => {
            (Outcome::Error, Some("the payment platform gave no answer yet and is asked again".to_owned()), None)
        }
    };
    let id = draft.next_id();
    let (holding, price) = (license.id.into(), Some(order.amount));
    draft.add_attempt(Attempt { id, holding, at: now, outcome, reason, price, available, order_id });
    let is_it = license.charging.is_some_and(|charging| charging.order_id == order.id);
    let charging = match charge {
        Charge::Paid | Charge::Declined { .. } => license.charging.filter(|_| !is_it),
        Charge::NeedsPayer { until } if is_it => license.charging.map(|charging| Charging { until, ..charging }),
        Charge::NeedsPayer { .. } | Charge::Silent => license.charging,
    };
    if charging != license.charging {
        draft.set_license(License { charging, ..license });
    }
    if outcome != Outcome::Succeeded {
        let after = draft.license(index);
        let next_attempt_at = after.next_attempt_at(draft.books.zone);
        draft.tell(now, holding.into(), Body::RenewalPostponed { price, available, next_attempt_at });
    }
}

/// How a card answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Charge {
    /// The money came.
    Paid,
    /// No.
    Declined {
        /// Why, in the platform's word.
        code: String,
    },
    /// Not without its owner, who has time until then.
    NeedsPayer {
        /// Until then.
        until: Instant,
    },
    /// No answer yet.
    Silent,
}

/// Keeps that an attempt failed. Gives the time of the next one.
fn note_attempt(draft: &mut Draft<'_>, place: Place, at: Instant) -> Option<Instant> {
    let books = draft.books;
    match place {
        Place::Resource(index) => {
            let mut after = draft.resource(index).clone();
            after.overdue.attempted_at = Some(at);
            let next_attempt_at = next_attempt_at(&after, &books.policy(&after), books.zone);
            draft.set_resource(index, after);
            next_attempt_at
        }
        Place::License(index) => {
            let after = License { attempted_at: Some(at), ..draft.license(index).clone() };
            let next_attempt_at = after.next_attempt_at(books.zone);
            draft.set_license(after);
            next_attempt_at
        }
    }
}

/// Renews out of the wallet: order, ledger entry, new period, arrears revoked (R-7, C-3).
fn renew(
    draft: &mut Draft<'_>,
    place: Place,
    holding: Holding,
    command: Command,
    trigger: Trigger,
    at: Instant,
) -> Result<Order, RenewalRefusal> {
    let quote = renewal::decide(holding, command, &draft.books, draft.wallet(), at)?;
    let order = draft.pay(Document {
        kind: OrderKind::Renewal,
        trigger,
        at,
        holding: Some(holding.id),
        sold: Some(Sold { product: holding.product, plan: quote.plan }),
        lines: quote.lines.clone(),
        amount: quote.amount,
        terms_version: None,
    });
    let order = order.map_err(|unpayable| match unpayable {
        Unpayable::Shortfall(shortfall) => RenewalRefusal::InsufficientBalance(shortfall),
        Unpayable::AmountTooLarge(too_large) => RenewalRefusal::AmountTooLarge(too_large),
    })?;
    let version = draft.books.newest_version(holding);
    match place {
        Place::Resource(index) => resource_was_renewed(draft, index, &quote, version, (&order, at)),
        Place::License(index) => license_was_renewed(draft, index, &quote, version, (&order, at)),
    }
    Ok(order)
}

fn resource_was_renewed(
    draft: &mut Draft<'_>,
    index: usize,
    quote: &Quote,
    version: u32,
    (order, at): (&Order, Instant),
) {
    let before = draft.resource(index).clone();
    let after = before.renewed(quote, version);
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
}

/// L-7, L-3: the same license has another term; its bonus has not.
fn license_was_renewed(
    draft: &mut Draft<'_>,
    index: usize,
    quote: &Quote,
    version: u32,
    (order, at): (&Order, Instant),
) {
    let after = draft.license(index).renewed(quote, version, draft.books.zone);
    let (order_id, amount) = (order.id, order.amount);
    let (start, expires_at) = (quote.period.start, quote.period.end);
    draft.tell(at, Subject::License(after.id), Body::LicenseRenewed { order_id, start, expires_at, amount });
    draft.set_license(after);
}

/// L-7: a DR license past its expiry; running hosts go on; the customer is told.
fn enter_grace(draft: &mut Draft<'_>, index: usize, at: Instant) {
    let before = draft.license(index).clone();
    let state = before.state.apply(license::Input::EnterGrace).expect("only a valid license expires");
    // An outage of ours takes no day from the customer: the grace lasts a day from when they were really told (R-14).
    let planned = ends_at(before.kind, before.expires_at, draft.books.zone);
    let told = draft.books.zone.add_days(draft.now, 1);
    let ends_at = if we_were_down(draft, at) { planned.max(told) } else { planned };
    let after = License { state, ends_at, ..before };
    let (subject, expires_at) = (Subject::License(after.id), after.expires_at);
    draft.tell(at, subject, Body::LicenseGraceStarted { expires_at, ends_at });
    remind_of(draft, (after.id.into(), expires_at), ReminderReason::Expired, Some(ends_at));
    draft.set_license(after);
}

/// L-4, L-7: a license is over; its hosts go to others (L-6).
fn end_license(draft: &mut Draft<'_>, index: usize, at: Instant) {
    let before = draft.license(index).clone();
    if before.state == license::State::Grace && we_were_down(draft, at) {
        return prolong_grace(draft, before);
    }
    // Money that comes after all goes to the wallet.
    give_up_charging(draft, Place::License(index), at);
    let before = draft.license(index).clone();
    let state = before.state.apply(license::Input::Expire).expect("a timer of a state leads out of it");
    let expires_at = before.expires_at;
    draft.tell(at, Subject::License(before.id), Body::LicenseExpired { expires_at });
    draft.set_license(License { state, ended_at: Some(at), ..before });
    assignment::reseat(draft, index, at);
}

/// R-14: in the last days of the grace the customer could not reach us, is told again and has a day.
fn prolong_grace(draft: &mut Draft<'_>, before: License) {
    let ends_at = draft.books.zone.add_days(draft.now, 1);
    remind_of(draft, (before.id.into(), before.expires_at), ReminderReason::Expired, Some(ends_at));
    // A charge without an answer is asked about for as long, never repeated (R-15).
    let is_until_the_end = |charging: &Charging| charging.until == before.ends_at;
    let prolonged = before.charging.filter(is_until_the_end).map(|charging| Charging { until: ends_at, ..charging });
    draft.set_license(License { ends_at, charging: prolonged.or(before.charging), ..before });
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
    let (now, holding) = (draft.now, Holding::from(draft.resource(index)));
    renew(draft, Place::Resource(index), holding, Command::Manual(choice), trigger, now)
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
    remind_of(draft, (after.id.into(), after.expires_at), ReminderReason::Expired, None);
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
            holding: Some(after.id.into()),
            sold: Some(Sold { product: after.product, plan: after.plan }),
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
    remind_of(draft, (after.id.into(), after.expires_at), reason, due_at);
    draft.set_resource(index, after);
}

fn remind_of(
    draft: &mut Draft<'_>,
    (id, expires_at): (HoldingId, Instant),
    reason: ReminderReason,
    due_at: Option<Instant>,
) {
    let reminded = Reminded::of(id, expires_at, due_at);
    let sent_at = draft.now;
    draft.tell(sent_at, id.into(), Body::ReminderSent { reason, resources: vec![reminded] });
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
