//! A decision in the making.
//!
//! Rules read the state as the draft has it so far and add to it; nothing outside changes before the whole change set is
//! committed.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::account::{Account, Shortfall, Wallet};
use crate::activation::{ActivationCode, Redemption};
use crate::assignment::Assignment;
use crate::change::{ChangeSet, Freeze, NewPending, Pending, Revocation, UnpaidArrears, View};
use crate::event::{Body, Event, Subject};
use crate::failback::Failback;
use crate::holding::{Holding, HoldingId};
use crate::id::{AssignmentId, FailbackId, Id, Ids, LicenseId, OrderId, PaymentId, ResourceId};
use crate::installation::Installation;
use crate::label::{Host, JobId};
use crate::ledger::{Entry, EntryReason, Postings};
use crate::license::License;
use crate::license_file::Issued;
use crate::money::{Amount, AmountTooLarge};
use crate::order::{Line, Order, OrderKind, OrderState, Sold, Trigger};
use crate::payment::{Bill, Cause, Payment, PaymentMethod, Unapplied};
use crate::reminder::{next_license_reminder_at, next_reminder_at};
use crate::renewal::Books;
use crate::resource::{Attempt, Resource};
use crate::time::{Instant, Period};
use crate::unit::{Allocation, AllocationEnd, Closing, Pool, UnitId, Use, UseKind};

/// An arrears order that stands, as the draft has it now.
#[derive(Debug, Clone, Copy)]
enum UnpaidOrder {
    Stored(OrderId),
    /// Made by this draft: its place among the new orders.
    New(usize),
}

/// How a thing got into a draft, and whether it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Loaded,
    Changed,
    New,
}

/// Things of the view and of this draft, in a fixed order, each once.
#[derive(Debug)]
struct Held<I, T> {
    rows: Vec<(T, Mark)>,
    places: HashMap<I, usize>,
}

impl<I: Copy + Eq + Hash, T> Held<I, T> {
    fn of(loaded: Vec<T>, id: fn(&T) -> I) -> Self {
        let places = loaded.iter().enumerate().map(|(place, row)| (id(row), place)).collect();
        Self { rows: loaded.into_iter().map(|row| (row, Mark::Loaded)).collect(), places }
    }

    fn get(&self, id: I) -> Option<&T> {
        self.places.get(&id).map(|place| &self.rows[*place].0)
    }

    fn put(&mut self, id: I, row: T) {
        match self.places.get(&id) {
            Some(place) => {
                let held = &mut self.rows[*place];
                let mark = if held.1 == Mark::New { Mark::New } else { Mark::Changed };
                *held = (row, mark);
            }
            None => {
                self.places.insert(id, self.rows.len());
                self.rows.push((row, Mark::New));
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().map(|(row, _)| row)
    }

    fn written(self) -> impl Iterator<Item = (T, Mark)> {
        self.rows.into_iter().filter(|(_, mark)| *mark != Mark::Loaded)
    }
}

/// Where a resource or license lies in a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Resource(usize),
    License(usize),
}

/// A decision in the making.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Zone and catalog.
    pub books: Books<'a>,
    /// The real time. Late work is dated as due, but what is told to a customer is told now (C-5).
    pub now: Instant,
    ids: &'a mut Ids,
    account: Account,
    resources: Held<ResourceId, Resource>,
    unpaid_arrears: HashMap<ResourceId, Vec<UnpaidOrder>>,
    freeze: Option<Freeze>,
    licenses: Held<LicenseId, License>,
    assignments: Held<AssignmentId, Assignment>,
    /// The assignments that were not released, by their host.
    hosts: HashMap<Host, AssignmentId>,
    failbacks: Held<FailbackId, Failback>,
    jobs: HashMap<JobId, FailbackId>,
    pool: Pool,
    installation: Option<Installation>,
    checked_out: Vec<UnitId>,
    code: Option<ActivationCode>,
    file_seq: u64,
    pending: BTreeMap<OrderId, Instant>,
    bill: Option<Bill>,
    unapplied: Option<Unapplied>,
    method: Option<PaymentMethod>,
    is_whole: bool,
    changes: ChangeSet,
}

impl<'a> Draft<'a> {
    /// A draft that changes nothing yet.
    #[must_use]
    pub fn new(books: Books<'a>, view: View, ids: &'a mut Ids, now: Instant) -> Self {
        let changes = ChangeSet::none(&view);
        let View {
            account, resources, unpaid_arrears, freeze, rights, pending, is_whole, bill, unapplied, method, ..
        } = view;
        let mut by_resource: HashMap<_, Vec<_>> = HashMap::new();
        for UnpaidArrears { order_id, resource_id } in unpaid_arrears {
            by_resource.entry(resource_id).or_default().push(UnpaidOrder::Stored(order_id));
        }
        let is_live = |assignment: &&Assignment| assignment.released_at.is_none();
        let live = rights.assignments.iter().filter(is_live);
        let hosts = live.map(|assignment| (assignment.host.clone(), assignment.id)).collect();
        let jobs = rights.failbacks.iter().map(|failback| (failback.job_id.clone(), failback.id)).collect();
        Self {
            books,
            now,
            ids,
            account,
            resources: Held::of(resources, |resource| resource.id),
            unpaid_arrears: by_resource,
            freeze,
            licenses: Held::of(rights.licenses, |license| license.id),
            assignments: Held::of(rights.assignments, |assignment| assignment.id),
            hosts,
            failbacks: Held::of(rights.failbacks, |failback| failback.id),
            jobs,
            pool: Pool::of(rights.free_units),
            installation: rights.installation,
            checked_out: rights.checked_out,
            code: rights.code,
            file_seq: rights.file_seq,
            pending: pending.into_iter().map(|pending| (pending.order_id, pending.closes_at)).collect(),
            bill,
            unapplied,
            method,
            is_whole,
            changes,
        }
    }

    /// The change set.
    #[must_use]
    pub fn finish(self) -> ChangeSet {
        let mut changes = self.changes;
        for (resource, mark) in self.resources.written() {
            match mark {
                Mark::New => changes.new_resources.push(resource),
                Mark::Changed | Mark::Loaded => changes.changed_resources.push(resource),
            }
        }
        for (license, mark) in self.licenses.written() {
            match mark {
                Mark::New => changes.new_licenses.push(license),
                Mark::Changed | Mark::Loaded => changes.changed_licenses.push(license),
            }
        }
        changes.assignments.extend(self.assignments.written().map(|(assignment, _)| assignment));
        changes.failbacks.extend(self.failbacks.written().map(|(failback, _)| failback));
        (changes.units, changes.allocations, changes.closings) = self.pool.finish();
        changes
    }

    /// Whether all that is due is in the draft.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The wallet, as it is so far.
    #[must_use]
    pub const fn wallet(&self) -> &Wallet {
        &self.changes.wallet
    }

    /// When reminders are looked at next.
    #[must_use]
    pub const fn remind_at(&self) -> Option<Instant> {
        self.changes.remind_at
    }

    /// The freeze that was asked for.
    #[must_use]
    pub const fn freeze(&self) -> Option<&Freeze> {
        self.freeze.as_ref()
    }

    /// All resources of the view and of this draft.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter()
    }

    /// A resource by its place among [`Draft::resources`], which does not change.
    #[must_use]
    pub fn resource(&self, index: usize) -> &Resource {
        &self.resources.rows[index].0
    }

    /// The place of a resource.
    #[must_use]
    pub fn position(&self, id: ResourceId) -> Option<usize> {
        self.resources.places.get(&id).copied()
    }

    /// A resource or license as renewal sees it.
    pub(crate) fn holding(&self, place: Place) -> Option<Holding> {
        match place {
            Place::Resource(index) => Some(self.resource(index).into()),
            Place::License(index) => self.license(index).holding(),
        }
    }

    /// The places of all that could renew.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let resources = (0..self.resources.rows.len()).map(Place::Resource);
        resources.chain((0..self.licenses.rows.len()).map(Place::License))
    }

    /// All licenses of the view and of this draft.
    pub fn licenses(&self) -> impl Iterator<Item = &License> {
        self.licenses.iter()
    }

    /// A license by its place among [`Draft::licenses`], which does not change.
    #[must_use]
    pub fn license(&self, index: usize) -> &License {
        &self.licenses.rows[index].0
    }

    /// The place of a license.
    #[must_use]
    pub fn license_position(&self, id: LicenseId) -> Option<usize> {
        self.licenses.places.get(&id).copied()
    }

    /// An assignment.
    #[must_use]
    pub fn assignment(&self, id: AssignmentId) -> Option<&Assignment> {
        self.assignments.get(id)
    }

    /// The assignment of a host, if it was not released.
    #[must_use]
    pub fn assignment_of(&self, host: &Host) -> Option<&Assignment> {
        self.hosts.get(host).and_then(|id| self.assignments.get(*id))
    }

    /// The assignments that hold a unit of a license.
    pub(crate) fn assignments_of(&self, license_id: LicenseId) -> impl Iterator<Item = &Assignment> {
        let holds = move |assignment: &&Assignment| {
            assignment.released_at.is_none() && assignment.unit.is_some_and(|unit| unit.license_id == license_id)
        };
        self.assignments.iter().filter(holds)
    }

    /// All assignments of the view and of this draft that were not released.
    pub(crate) fn live_assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter().filter(|assignment| assignment.released_at.is_none())
    }

    /// A failback.
    #[must_use]
    pub fn failback(&self, id: FailbackId) -> Option<&Failback> {
        self.failbacks.get(id)
    }

    /// All failbacks of the view and of this draft.
    pub(crate) fn failbacks(&self) -> impl Iterator<Item = &Failback> {
        self.failbacks.iter()
    }

    /// The failback of a job.
    #[must_use]
    pub fn failback_of(&self, job_id: &JobId) -> Option<&Failback> {
        self.jobs.get(job_id).and_then(|id| self.failbacks.get(*id))
    }

    /// The installation that was asked for.
    #[must_use]
    pub const fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// The units that are checked out to the installation, as they were loaded.
    pub(crate) fn checked_out(&self) -> &[UnitId] {
        &self.checked_out
    }

    /// The activation code that was asked for.
    pub(crate) const fn code(&self) -> Option<&ActivationCode> {
        self.code.as_ref()
    }

    /// The sequence number of the account's last license file.
    pub(crate) const fn file_seq(&self) -> u64 {
        self.file_seq
    }

    /// The orders that are due to close.
    pub(crate) const fn pending(&self) -> &BTreeMap<OrderId, Instant> {
        &self.pending
    }

    /// The order on a payment platform that was asked for, as it is so far.
    #[must_use]
    pub const fn bill(&self) -> Option<&Bill> {
        self.bill.as_ref()
    }

    /// The unapplied money that was asked for.
    #[must_use]
    pub const fn unapplied(&self) -> Option<&Unapplied> {
        self.unapplied.as_ref()
    }

    /// The saved payment method that was asked for.
    #[must_use]
    pub const fn method(&self) -> Option<&PaymentMethod> {
        self.method.as_ref()
    }

    /// The next id for something of this account.
    pub fn next_id<E>(&mut self) -> Id<E> {
        self.ids.next(self.now, self.account.id.shard())
    }

    pub(crate) fn add_resource(&mut self, resource: Resource) {
        self.remind_by(next_reminder_at(&resource, &self.books, self.now));
        self.resources.put(resource.id, resource);
    }

    pub(crate) fn set_resource(&mut self, index: usize, resource: Resource) {
        if self.resource(index).expires_at != resource.expires_at {
            self.remind_by(next_reminder_at(&resource, &self.books, self.now));
        }
        self.resources.put(resource.id, resource);
    }

    /// Reminders are looked at once per account, at the earliest time that any of its things asks for (C-8).
    fn remind_by(&mut self, wanted: Option<Instant>) {
        self.changes.remind_at = self.changes.remind_at.into_iter().chain(wanted).min();
    }

    pub(crate) fn add_license(&mut self, license: License) {
        self.remind_by(next_license_reminder_at(&license, &self.books, self.now));
        self.licenses.put(license.id, license);
    }

    pub(crate) fn set_license(&mut self, license: License) {
        let before = self.licenses.get(license.id).expect("a license that changes is in the draft");
        // A suspended license is not reminded of, so a reinstated one asks anew.
        if before.expires_at != license.expires_at || before.state != license.state {
            self.remind_by(next_license_reminder_at(&license, &self.books, self.now));
        }
        self.licenses.put(license.id, license);
    }

    /// Takes a free unit of a license, and writes it into the allocation log.
    pub(crate) fn take_unit(&mut self, index: usize, usage: Use, user: &str, at: Instant, by: Trigger) -> UnitId {
        let mut license = self.license(index).clone();
        let unit = self.pool.take(license.id, license.total, &mut license.units, usage);
        self.licenses.put(license.id, license);
        self.log_use(unit, user, at, by);
        unit
    }

    /// Whether a unit that was used before is free.
    pub(crate) fn is_free(&self, unit: UnitId) -> bool {
        self.pool.is_free(unit)
    }

    /// Takes this unit, which is free.
    pub(crate) fn take_this_unit(&mut self, unit: UnitId, usage: Use, user: &str, at: Instant, by: Trigger) {
        self.change_license(unit.license_id, |pool, license| pool.take_this(unit, &mut license.units, usage));
        self.log_use(unit, user, at, by);
    }

    /// Ends the use of a unit: it is free again, or consumed.
    pub(crate) fn end_use(&mut self, unit: UnitId, from: UseKind, usage: Use, end: AllocationEnd) {
        self.change_license(unit.license_id, |pool, license| pool.change(unit, &mut license.units, from, usage));
        self.pool.close(Closing { unit, end });
    }

    /// Lets another host use a unit, without it being free in between.
    pub(crate) fn hand_over(&mut self, unit: UnitId, end: AllocationEnd, user: &str) {
        self.pool.close(Closing { unit, end });
        self.log_use(unit, user, end.at, end.by);
    }

    fn change_license(&mut self, id: LicenseId, change: impl FnOnce(&mut Pool, &mut License)) {
        let license = self.licenses.get(id).expect("the license of a unit that changes is in the draft");
        let mut license = license.clone();
        change(&mut self.pool, &mut license);
        self.licenses.put(id, license);
    }

    fn log_use(&mut self, unit: UnitId, user: &str, at: Instant, by: Trigger) {
        let id = self.next_id();
        let user = user.to_owned();
        self.pool.open(Allocation { id, unit, user, started_at: at, started_by: by, end: None });
    }

    pub(crate) fn set_assignment(&mut self, assignment: Assignment) {
        if let Some(before) = self.assignments.get(assignment.id) {
            self.hosts.remove(&before.host);
        }
        if assignment.released_at.is_none() {
            self.hosts.insert(assignment.host.clone(), assignment.id);
        }
        self.assignments.put(assignment.id, assignment);
    }

    pub(crate) fn set_failback(&mut self, failback: Failback) {
        self.jobs.insert(failback.job_id.clone(), failback.id);
        self.failbacks.put(failback.id, failback);
    }

    pub(crate) fn set_installation(&mut self, installation: Installation) {
        self.installation = Some(installation.clone());
        self.changes.installation = Some(installation);
    }

    pub(crate) fn redeem(&mut self, redemption: Redemption) {
        self.changes.redemption = Some(redemption);
    }

    pub(crate) fn issue_file(&mut self, file: Issued) {
        self.file_seq = file.seq;
        self.changes.file = Some(file);
    }

    pub(crate) fn set_remind_at(&mut self, remind_at: Option<Instant>) {
        self.changes.remind_at = remind_at;
    }

    pub(crate) fn set_account(&mut self, account: Account) {
        self.account = account.clone();
        self.changes.account = Some(account);
    }

    pub(crate) fn set_credit_limit(&mut self, credit_limit: Amount) {
        self.changes.wallet.credit_limit = credit_limit;
    }

    pub(crate) fn set_freeze(&mut self, freeze: Freeze, frozen: Amount) {
        self.changes.wallet.frozen = frozen;
        self.changes.freeze = Some(freeze);
    }

    pub(crate) fn add_attempt(&mut self, attempt: Attempt) {
        self.changes.attempts.push(attempt);
    }

    /// Records that something happened.
    pub(crate) fn tell(&mut self, at: Instant, subject: Subject, body: Body) {
        let id = self.next_id();
        self.changes.events.push(Event { id, account_id: self.account.id, at, subject, body });
    }

    /// Books a movement of money: the only way to change cash and gift (W-2).
    pub(crate) fn post(&mut self, movement: Movement) -> Result<Entry, AmountTooLarge> {
        let wallet = self.changes.wallet.post(&movement.postings)?;
        let Movement { at, reason, postings, order_id, reference, payment_id } = movement;
        let id = self.next_id();
        let entry = Entry {
            id,
            account_id: self.account.id,
            number: wallet.n_entries,
            at,
            reason,
            postings,
            cash_after: wallet.cash,
            gift_after: wallet.gift,
            order_id,
            reference,
            payment_id,
        };
        self.changes.wallet = wallet;
        self.changes.entries.push(entry.clone());
        Ok(entry)
    }

    /// Makes an order that the wallet pays at once (B-4). What costs nothing moves no money (P-4).
    pub(crate) fn pay(&mut self, paid: Document) -> Result<Order, Unpayable> {
        let amount = paid.amount;
        let split = self.changes.wallet.split(amount)?;
        let order = self.document(paid, OrderState::Completed);
        if amount > Amount::ZERO {
            let postings = Postings::paid(split.gift, split.cash)?;
            let order_id = Some(order.id);
            self.post(Movement {
                at: order.created_at,
                reason: EntryReason::Charge,
                postings,
                order_id,
                reference: None,
                payment_id: None,
            })?;
        }
        self.changes.orders.push(order.clone());
        self.tell_of_completion(&order, order.created_at);
        Ok(order)
    }

    fn tell_of_completion(&mut self, order: &Order, at: Instant) {
        let Order { id, kind, amount, resource_id, license_id, .. } = *order;
        self.tell(at, Subject::Order(id), Body::OrderCompleted { kind, amount, resource_id, license_id });
    }

    /// Makes an order that waits for the payment platform (B-3). No money moves.
    pub(crate) fn await_payment(&mut self, document: Document, waiting: Waiting) -> Order {
        let order = self.document(document, OrderState::PendingPayment);
        let Waiting { closes_at, closes_itself, cause } = waiting;
        let (order_id, closes_itself_at) = (order.id, closes_itself.then_some(closes_at));
        self.changes.orders.push(order.clone());
        self.changes.new_pending.push(NewPending { order_id, closes_at, closes_itself_at, cause });
        order
    }

    /// Keeps an order open for longer.
    pub(crate) fn prolong(&mut self, pending: Pending, closes_at: Instant) {
        if let Some(bill) = self.bill.as_mut().filter(|bill| bill.order.id == pending.order_id) {
            bill.closes_at = closes_at;
        }
        self.changes.prolonged.push((pending, closes_at));
    }

    pub(crate) fn put_payment(&mut self, payment: Payment) {
        if let Some(bill) = self.bill.as_mut().filter(|bill| bill.order.id == payment.order_id) {
            put(&mut bill.payments, payment.clone(), |row| row.id);
        }
        put(&mut self.changes.payments, payment, |row| row.id);
    }

    /// What a platform was paid for is done: the order says now what it is about. What it costs never changes.
    pub(crate) fn complete_order(&mut self, order: Order) {
        assert_eq!(order.state, OrderState::Completed, "{} is not done", order.id);
        self.pending.remove(&order.id);
        if let Some(bill) = self.bill.as_mut().filter(|bill| bill.order.id == order.id) {
            assert_eq!(order.amount, bill.order.amount, "{} costs something else", order.id);
            bill.order = order.clone();
        }
        let at = order.completed_at.expect("a completed order has a time");
        self.tell_of_completion(&order, at);
        self.changes.paid_orders.push(order);
    }

    /// B-3: an order that was not paid in time takes no money any more.
    pub(crate) fn close_order(&mut self, order_id: OrderId, at: Instant) {
        self.pending.remove(&order_id);
        if let Some(bill) = self.bill.as_mut().filter(|bill| bill.order.id == order_id) {
            bill.order.state = OrderState::Closed;
            bill.closed_at = Some(at);
        }
        self.changes.closed_orders.push((order_id, at));
        self.tell(at, Subject::Order(order_id), Body::OrderClosed {});
    }

    pub(crate) fn set_unapplied(&mut self, unapplied: Unapplied) {
        self.unapplied = Some(unapplied.clone());
        self.changes.unapplied = Some(unapplied);
    }

    pub(crate) fn set_method(&mut self, method: PaymentMethod) {
        self.method = Some(method.clone());
        self.changes.method = Some(method);
    }

    /// Makes an arrears order: a memo, no money moves (C-2).
    pub(crate) fn note_arrears(&mut self, memo: Document) -> Order {
        let order = self.document(memo, OrderState::Unpaid);
        if let Some(resource_id) = order.resource_id {
            let place = UnpaidOrder::New(self.changes.orders.len());
            self.unpaid_arrears.entry(resource_id).or_default().push(place);
        }
        self.changes.orders.push(order.clone());
        order
    }

    fn document(&mut self, document: Document, state: OrderState) -> Order {
        let Document { kind, trigger, at, holding, sold, lines, amount, terms_version } = document;
        let period = lines.first().zip(lines.last());
        let period = period.map(|(first, last)| Period { start: first.period.start, end: last.period.end });
        Order {
            id: self.next_id(),
            account_id: self.account.id,
            kind,
            state,
            trigger,
            amount,
            currency: self.account.currency,
            resource_id: holding.and_then(HoldingId::resource),
            license_id: holding.and_then(HoldingId::license),
            sold,
            lines,
            period,
            created_at: at,
            completed_at: (state == OrderState::Completed).then_some(at),
            superseded_by: None,
            terms_version,
        }
    }

    /// C-3: all unpaid arrears orders of a resource become revoked, in the transaction that makes them pointless.
    pub(crate) fn revoke_arrears(&mut self, resource_id: ResourceId, superseded_by: Option<OrderId>, at: Instant) {
        for unpaid in self.unpaid_arrears.remove(&resource_id).unwrap_or_default() {
            let order_id = match unpaid {
                UnpaidOrder::Stored(order_id) => {
                    self.changes.revocations.push(Revocation { order_id, superseded_by });
                    order_id
                }
                UnpaidOrder::New(place) => {
                    let order = &mut self.changes.orders[place];
                    order.state = OrderState::Revoked;
                    order.superseded_by = superseded_by;
                    order.id
                }
            };
            self.tell(at, Subject::Order(order_id), Body::ArrearsRevoked { resource_id, superseded_by });
        }
    }
}

/// A movement of money to book.
#[derive(Debug)]
pub(crate) struct Movement {
    pub(crate) at: Instant,
    pub(crate) reason: EntryReason,
    pub(crate) postings: Postings,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) reference: Option<String>,
    pub(crate) payment_id: Option<PaymentId>,
}

/// How an order waits for its payment.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Until when it can be paid.
    pub(crate) closes_at: Instant,
    /// Whether it closes by itself then.
    pub(crate) closes_itself: bool,
    /// What happens when it is paid.
    pub(crate) cause: Cause,
}

/// Puts a row where one of its id is already, or at the end.
fn put<T, I: PartialEq>(rows: &mut Vec<T>, row: T, id: impl Fn(&T) -> I) {
    match rows.iter_mut().find(|other| id(other) == id(&row)) {
        Some(before) => *before = row,
        None => rows.push(row),
    }
}

/// An order to make. What waits for payment is about nothing yet.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) kind: OrderKind,
    pub(crate) trigger: Trigger,
    pub(crate) at: Instant,
    pub(crate) holding: Option<HoldingId>,
    pub(crate) sold: Option<Sold>,
    pub(crate) lines: Vec<Line>,
    pub(crate) amount: Amount,
    pub(crate) terms_version: Option<String>,
}

/// The wallet cannot pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unpayable {
    #[error(transparent)]
    Shortfall(#[from] Shortfall),
    #[error(transparent)]
    AmountTooLarge(#[from] AmountTooLarge),
}
