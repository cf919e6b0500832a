//! A whole account in memory: the rules, a clock that is moved by hand, and no database.

use std::collections::{BTreeMap, BTreeSet};

use domain::account::Wallet;
use domain::change::{ChangeSet, Freeze, NewPending, Pending, UnpaidArrears, View};
use domain::desk::{self, AccountEdit, CreditKind, ResourceRefusal, WalletRefusal};
use domain::draft::Draft;
use domain::due;
use domain::event::{Body, Event};
use domain::forecast::{Forecast, forecast};
use domain::holding::HoldingId;
use domain::id::{FreezeId, Ids, OrderId, PaymentId, PaymentMethodId, ResourceId, UnappliedId};
use domain::ledger::Entry;
use domain::license::{License, Source};
use domain::order::{Order, OrderKind, OrderState, Trigger};
use domain::payment::{Cause, Payment, PaymentMethod, State as PaymentState, Unapplied, UnappliedState};
use domain::purchase::{Purchase, PurchaseRefusal, buy};
use domain::recycling::Timers;
use domain::renewal::{Choice, RenewalRefusal};
use domain::resource::{Attempt, Resource};
use domain::time::Instant;

use super::records::{Asked, Records};
use super::timeline::{Moment, moments};
use super::{OwnedBooks, amount, empty_view, purchase};

/// An account that lives through time.
///
/// Commands are decided as the engine decides them: what is due first, then the command, then what it made due. Everything
/// that happened is kept, and [`Life::timeline`] tells it.
///
/// ```
/// use testkit::rules::{Life, books};
/// let mut life = Life::new(books("Asia/Shanghai", "uhost/monthly month 1 12000 CNY"), "2019-04-15 17:58:00");
/// life.credit(24_000);
/// let uhost = life.buys("uhost/monthly");
/// life.advance_to("2019-05-20 00:00:00");
/// assert_eq!(life.show(life.resource(uhost).expires_at), "2019-06-01 00:00:00");
/// ```
#[derive(Debug, Clone)]
pub struct Life {
    /// Zone and catalog; the catalog may change between two commands.
    pub books: OwnedBooks,
    pub(super) ids: Ids,
    pub(super) now: Instant,
    pub(super) view: View,
    pub(super) records: Records,
    freezes: BTreeMap<FreezeId, Freeze>,
    pub(super) bills: BTreeMap<OrderId, (Cause, Instant, Option<Instant>)>,
    pub(super) payments: BTreeMap<PaymentId, Payment>,
    pub(super) methods: BTreeMap<PaymentMethodId, PaymentMethod>,
    pub(super) unapplied: BTreeMap<UnappliedId, Unapplied>,
    pub(super) names: BTreeMap<HoldingId, String>,
    orders: Vec<Order>,
    entries: Vec<Entry>,
    attempts: Vec<Attempt>,
    events: Vec<Event>,
    moments: Vec<Moment>,
}

impl Life {
    /// An account without money, opened at a local time.
    #[must_use]
    pub fn new(books: OwnedBooks, start: &str) -> Self {
        let now = books.at(start);
        let mut ids = Ids::seeded(2, 0);
        let view = empty_view(&books, &mut ids, now);
        Self {
            books,
            ids,
            now,
            view,
            records: Records::default(),
            freezes: BTreeMap::new(),
            bills: BTreeMap::new(),
            payments: BTreeMap::new(),
            methods: BTreeMap::new(),
            unapplied: BTreeMap::new(),
            names: BTreeMap::new(),
            orders: Vec::new(),
            entries: Vec::new(),
            attempts: Vec::new(),
            events: Vec::new(),
            moments: Vec::new(),
        }
    }

    /// Decides something as the engine does, and keeps what it changes; a refusal changes nothing.
    ///
    /// # Errors
    /// The refusal.
    ///
    /// # Panics
    /// When something due at or before now is left.
    pub fn decide<T, R>(&mut self, command: impl FnOnce(&mut Draft<'_>) -> Result<T, R>) -> Result<T, R> {
        self.decide_on(&Asked::default(), command)
    }

    /// As [`Life::decide`], with what the command asks for.
    pub(super) fn decide_on<T, R>(
        &mut self,
        asked: &Asked,
        command: impl FnOnce(&mut Draft<'_>) -> Result<T, R>,
    ) -> Result<T, R> {
        let rights = self.records.load(asked);
        let asked_bill = asked.bill.and_then(|id| self.bill(id));
        let asked_unapplied = asked.unapplied.and_then(|id| self.unapplied.get(&id)).cloned();
        let asked_method = asked.method.and_then(|id| self.methods.get(&id)).cloned();
        let view = View {
            rights,
            pending: self.records.pending_due(self.now),
            bill: asked_bill,
            unapplied: asked_unapplied,
            method: asked_method,
            ..self.view.clone()
        };
        let mut draft = Draft::new(self.books.books(), view, &mut self.ids, self.now);
        due::run(&mut draft);
        let reply = command(&mut draft)?;
        due::run(&mut draft);
        let changes = draft.finish();
        self.keep(changes);
        let next = self.next_due();
        assert!(next.is_none_or(|next| next > self.now), "due at {next:?} is left undone at {}", self.now);
        Ok(reply)
    }

    fn keep(&mut self, changes: ChangeSet) {
        for resource in &changes.new_resources {
            self.give_name(resource.id, resource.product.to_string());
            self.view.resources.push(resource.clone());
        }
        for license in &changes.new_licenses {
            self.give_name(license.id, self.what(license));
        }
        self.records.keep(&changes);
        self.moments.extend(moments(&changes, &self.books.zone, &self.names, self.now));
        let ChangeSet { account, wallet, remind_at, changed_resources, orders, .. } = changes;
        self.view.account = account.unwrap_or_else(|| self.view.account.clone());
        self.view.wallet = wallet;
        self.view.remind_at = remind_at;
        for changed in changed_resources {
            let index = self.position(changed.id);
            self.view.resources[index] = changed;
        }
        self.orders.extend(orders);
        for new in changes.new_pending {
            let NewPending { order_id, closes_at, cause, .. } = new;
            self.bills.insert(order_id, (cause, closes_at, None));
        }
        for (Pending { order_id, .. }, until) in changes.prolonged {
            self.bills.get_mut(&order_id).expect("a prolonged order waits for a platform").1 = until;
        }
        for (order_id, at) in changes.closed_orders {
            let order = self.orders.iter_mut().find(|order| order.id == order_id).expect("a closed order was made");
            assert_eq!(order.state, OrderState::PendingPayment, "{order_id} is closed twice");
            order.state = OrderState::Closed;
            self.bills.get_mut(&order_id).expect("a closed order waited for a platform").2 = Some(at);
        }
        for paid in changes.paid_orders {
            let order = self.orders.iter_mut().find(|order| order.id == paid.id).expect("a paid order was made");
            assert!(matches!(order.state, OrderState::PendingPayment | OrderState::Closed), "{order:?} is paid twice");
            assert_eq!(
                (order.amount, order.kind, order.sold),
                (paid.amount, paid.kind, paid.sold),
                "what it says stays"
            );
            *order = paid;
        }
        for payment in changes.payments {
            self.keep_payment(payment);
        }
        changes.unapplied.into_iter().for_each(|unapplied| self.keep_unapplied(unapplied));
        self.methods.extend(changes.method.map(|method| (method.id, method)));
        for revocation in changes.revocations {
            let order = self.orders.iter_mut().find(|order| order.id == revocation.order_id);
            let order = order.expect("a revoked order was made");
            assert_eq!(order.state, OrderState::Unpaid, "{} is revoked twice", order.id);
            order.state = OrderState::Revoked;
            order.superseded_by = revocation.superseded_by;
        }
        self.view.unpaid_arrears = unpaid(&self.orders);
        self.entries.extend(changes.entries);
        self.check_bookings();
        self.attempts.extend(changes.attempts);
        self.events.extend(changes.events);
        self.freezes.extend(changes.freeze.map(|freeze| (freeze.id, freeze)));
        check_charges(&self.orders);
    }

    /// What is known of money is never unlearned, and while one payment may bring money there is no other.
    fn keep_payment(&mut self, payment: Payment) {
        if let Some(before) = self.payments.insert(payment.id, payment.clone()) {
            let is_known = matches!(before.state, PaymentState::Succeeded | PaymentState::Quarantined);
            assert!(!is_known || before.state == payment.state, "{before:?} becomes {payment:?}");
            assert_eq!((before.amount, before.order_id), (payment.amount, payment.order_id), "{payment:?}");
        }
        let is_settled = matches!(payment.state, PaymentState::Succeeded | PaymentState::Quarantined);
        assert_eq!(is_settled, payment.movement.is_some() && payment.settled_at.is_some(), "{payment:?}");
        assert!(payment.state.is_open() || payment.check_at.is_none(), "nothing is to be asked: {payment:?}");
        let open = self.payments.values().filter(|other| other.order_id == payment.order_id && other.state.is_open());
        assert!(open.count() <= 1, "two payments of one order may bring money: {payment:?}");
    }

    /// One movement of money is held once, and what went on does not come back.
    fn keep_unapplied(&mut self, unapplied: Unapplied) {
        let is_twin = |other: &Unapplied| {
            other.id != unapplied.id && (other.platform, &other.movement) == (unapplied.platform, &unapplied.movement)
        };
        assert!(!self.unapplied.values().any(is_twin), "a movement is held twice: {unapplied:?}");
        let before = self.unapplied.insert(unapplied.id, unapplied.clone());
        let is_over = |before: &Unapplied| matches!(before.state, UnappliedState::Credited | UnappliedState::Refunded);
        assert!(before.is_none_or(|before| !is_over(&before)), "it is no longer held, and changes: {unapplied:?}");
    }

    /// A payment is booked once, by the entry that its receipt names.
    fn check_bookings(&self) {
        let mut booked = BTreeMap::new();
        for entry in &self.entries {
            let twin = entry.payment_id.and_then(|id| booked.insert(id, entry.number));
            assert_eq!(twin, None, "a payment is booked twice: {entry:?}");
        }
        for payment in self.payments.values().filter(|payment| payment.state == PaymentState::Succeeded) {
            assert_eq!(payment.entry_number, booked.get(&payment.id).copied(), "{payment:?}");
        }
    }

    fn give_name(&mut self, id: impl Into<HoldingId>, name: String) {
        let is_taken = |name: &String| self.names.values().any(|other| other == name);
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name));
        self.names.insert(id.into(), free.expect("there is no end of numbers"));
    }

    /// What a license is called in a timeline.
    fn what(&self, license: &License) -> String {
        let product = license.subscription.map_or_else(String::new, |subscription| subscription.product.to_string());
        let parent = license.parent_id.and_then(|parent| self.names.get(&parent.into()));
        match license.source {
            Source::Purchase => product,
            Source::Bonus => format!("bonus of {}", parent.map_or("?", String::as_str)),
            Source::Code => format!("{} by code", license.kind.name()),
            Source::Grant => format!("granted {}", license.kind.name()),
        }
    }

    /// Moves the clock to a local time through every instant at which something is due, and does it then.
    pub fn advance_to(&mut self, time: &str) {
        self.advance_to_instant(self.books.at(time));
    }

    /// As [`Life::advance_to`].
    pub fn advance_to_instant(&mut self, to: Instant) {
        while let Some(next) = self.next_due().filter(|next| *next <= to) {
            self.now = self.now.max(next);
            self.run_due();
        }
        self.now = self.now.max(to);
    }

    /// Nothing is done until a local time, as if we were down; then all that fell due.
    pub fn down_until(&mut self, time: &str) {
        self.down_until_instant(self.books.at(time));
    }

    /// As [`Life::down_until`].
    pub fn down_until_instant(&mut self, to: Instant) {
        self.now = self.now.max(to);
        self.run_due();
    }

    /// Moves the clock to a local time, and nothing is done yet: the next command does what is due first.
    pub fn stand_at(&mut self, time: &str) {
        self.stand_at_instant(self.books.at(time));
    }

    /// As [`Life::stand_at`].
    pub fn stand_at_instant(&mut self, to: Instant) {
        self.now = self.now.max(to);
    }

    fn run_due(&mut self) {
        self.decide(|_| Ok::<_, std::convert::Infallible>(())).unwrap_or_else(|never| match never {});
    }

    /// The earliest instant at which something is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let steps = self.view.resources.iter().filter_map(|resource| due::due_at(resource, &self.books.books()));
        steps.chain(self.records.next_due(&self.books.zone)).chain(self.view.remind_at).min()
    }

    /// Credits cash.
    ///
    /// # Panics
    /// When it is refused.
    pub fn credit(&mut self, minor: i64) -> Entry {
        let credited = self.decide(|draft| desk::credit(draft, amount(minor), CreditKind::Cash, None));
        credited.expect("a credit that the rules accept")
    }

    /// Credits gift money.
    ///
    /// # Panics
    /// When it is refused.
    pub fn gift(&mut self, minor: i64) -> Entry {
        let credited = self.decide(|draft| desk::credit(draft, amount(minor), CreditKind::Gift, None));
        credited.expect("a credit that the rules accept")
    }

    /// Sets money aside.
    ///
    /// # Errors
    /// The refusal.
    pub fn freeze(&mut self, minor: i64) -> Result<FreezeId, WalletRefusal> {
        let frozen = self.decide(|draft| desk::freeze(draft, amount(minor), "a dispute".to_owned()));
        frozen.map(|freeze| freeze.id)
    }

    /// Frees what was set aside.
    ///
    /// # Panics
    /// When there is no such freeze.
    pub fn unfreeze(&mut self, id: FreezeId) {
        self.view.freeze = self.freezes.get(&id).cloned();
        let lifted = self.decide(|draft| desk::lift_freeze(draft).ok_or("no such freeze"));
        self.view.freeze = None;
        lifted.expect("the freeze was made");
    }

    /// Changes the credit limit.
    ///
    /// # Errors
    /// The refusal.
    pub fn limit_credit(&mut self, minor: i64) -> Result<(), WalletRefusal> {
        let edit = AccountEdit { credit_limit: Some(amount(minor)), ..AccountEdit::default() };
        self.decide(|draft| desk::edit_account(draft, edit))
    }

    /// Buys one term of a plan, with the switch on.
    ///
    /// # Panics
    /// When it is refused.
    pub fn buys(&mut self, plan: &str) -> ResourceId {
        self.buy(purchase(plan)).expect("a purchase that the rules accept")
    }

    /// Buys one term of a plan, with the switch off.
    ///
    /// # Panics
    /// When it is refused.
    pub fn buys_switched_off(&mut self, plan: &str) -> ResourceId {
        let purchase = Purchase { auto_renew: Some(false), ..purchase(plan) };
        self.buy(purchase).expect("a purchase that the rules accept")
    }

    /// Buys.
    ///
    /// # Errors
    /// The refusal.
    ///
    /// # Panics
    /// When a purchase makes no resource.
    pub fn buy(&mut self, purchase: Purchase) -> Result<ResourceId, PurchaseRefusal> {
        let order = self.decide(|draft| buy(draft, purchase, Trigger::Customer))?;
        Ok(order.resource_id.expect("a purchase is about a resource"))
    }

    /// Turns the switch.
    ///
    /// # Errors
    /// The refusal.
    pub fn switch(&mut self, id: ResourceId, auto_renew: bool) -> Result<(), ResourceRefusal> {
        let index = self.position(id);
        self.decide(|draft| desk::switch(draft, index, auto_renew))
    }

    /// Renews by hand.
    ///
    /// # Errors
    /// The refusal.
    pub fn renew(&mut self, id: ResourceId, choice: Choice) -> Result<Order, RenewalRefusal> {
        let index = self.position(id);
        self.decide(|draft| due::renew_by_hand(draft, index, choice, Trigger::Customer))
    }

    /// Deletes.
    ///
    /// # Errors
    /// The refusal.
    pub fn delete(&mut self, id: ResourceId) -> Result<Order, ResourceRefusal> {
        let index = self.position(id);
        self.decide(|draft| desk::delete(draft, index, Trigger::Customer))
    }

    fn position(&self, id: ResourceId) -> usize {
        let place = self.view.resources.iter().position(|resource| resource.id == id);
        place.expect("a resource of this account")
    }

    /// Where the clock stands.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// A local time as text.
    #[must_use]
    pub fn show(&self, instant: Instant) -> String {
        self.books.zone.show(instant)
    }

    /// The wallet.
    #[must_use]
    pub const fn wallet(&self) -> &Wallet {
        &self.view.wallet
    }

    /// The cash in the wallet.
    #[must_use]
    pub const fn cash(&self) -> i64 {
        self.view.wallet.cash.minor()
    }

    /// All resources, also those that have ended.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.view.resources
    }

    /// A resource.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.view.resources[self.position(id)]
    }

    /// When each step of a resource is due.
    #[must_use]
    pub fn timers(&self, id: ResourceId) -> Timers {
        let (resource, books) = (self.resource(id), self.books.books());
        domain::recycling::timers(resource, &books.policy(resource), books.zone)
    }

    /// What a customer sees of a resource's future.
    #[must_use]
    pub fn outlook(&self, id: ResourceId) -> due::Outlook {
        due::outlook(self.resource(id), &self.books.books())
    }

    /// The renewals of the next days.
    #[must_use]
    pub fn forecast(&self, days: i64) -> Forecast {
        let until = self.books.zone.add_days(self.now, days);
        let owned = (&self.view.resources[..], &self.records.licenses[..]);
        forecast(owned, &self.books.books(), &self.view.wallet, self.now, until)
    }

    /// All orders, as they stand now.
    #[must_use]
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// The orders of a kind about a resource or license.
    #[must_use]
    pub fn orders_of(&self, id: impl Into<HoldingId>, kind: OrderKind) -> Vec<&Order> {
        let id = id.into();
        self.orders.iter().filter(|order| about(order) == Some(id) && order.kind == kind).collect()
    }

    /// The ledger.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The attempts to renew a resource or license.
    #[must_use]
    pub fn attempts_of(&self, id: impl Into<HoldingId>) -> Vec<&Attempt> {
        let id = id.into();
        self.attempts.iter().filter(|attempt| attempt.holding == id).collect()
    }

    /// All events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The local times of the events of a type, such as `reminder.sent`.
    #[must_use]
    pub fn times_of(&self, kind: &str) -> Vec<String> {
        let of_kind = self.events.iter().filter(|event| Body::name(&event.body) == kind);
        of_kind.map(|event| self.show(event.at)).collect()
    }

    /// All freezes, also those that were lifted.
    pub fn freezes(&self) -> impl Iterator<Item = &Freeze> {
        self.freezes.values()
    }

    /// What happened so far, one line each: when, what, and what about it matters. Work that was done late says so.
    #[must_use]
    pub fn timeline(&self) -> String {
        self.moments.iter().map(|moment| format!("{}\n", moment.show(&self.books.zone))).collect()
    }

    /// What happens from here on; what happened so far leaves the timeline.
    pub fn forget(&mut self) {
        self.moments.clear();
    }
}

/// The resource or license that an order is about.
fn about(order: &Order) -> Option<HoldingId> {
    order.resource_id.map(HoldingId::from).or(order.license_id.map(HoldingId::from))
}

/// R-8: one charge for each resource or license and period start. What was closed, unpaid, charges nothing.
fn check_charges(orders: &[Order]) {
    let mut charged = BTreeSet::new();
    let charges = |order: &&Order| {
        matches!(order.kind, OrderKind::Purchase | OrderKind::Renewal) && order.state != OrderState::Closed
    };
    for order in orders.iter().filter(charges) {
        let slot = about(order).zip(order.period.map(|period| period.start));
        assert!(slot.is_none_or(|slot| charged.insert(slot)), "a second charge for one period: {order:?}");
    }
}

fn unpaid(orders: &[Order]) -> Vec<UnpaidArrears> {
    let standing = orders.iter().filter(|order| order.state == OrderState::Unpaid);
    let of = |order: &Order| order.resource_id.map(|resource_id| UnpaidArrears { order_id: order.id, resource_id });
    standing.filter_map(of).collect()
}
