//! What a decision reads ([`View`]) and what it is ([`ChangeSet`]): data, written by the store in one transaction.
//!
//! A [`Draft`] is a decision in the making. Rules read the state as the draft has it so far and add to it; nothing outside
//! changes before the whole change set is committed.

use std::collections::HashMap;

use crate::account::{Account, Shortfall, Wallet};
use crate::event::{Body, Event, Subject};
use crate::id::{AccountId, FreezeId, Id, Ids, OrderId, ResourceId};
use crate::ledger::{Entry, EntryReason, Postings};
use crate::money::{Amount, AmountTooLarge};
use crate::order::{Line, Order, OrderKind, OrderState, Sold, Trigger};
use crate::reminder::next_reminder_at;
use crate::renewal::Books;
use crate::resource::{Attempt, Resource};
use crate::time::{Instant, Period};

/// What a decision may look at: one account and what was loaded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The account.
    pub account: Account,
    /// Its wallet.
    pub wallet: Wallet,
    /// When reminders are looked at next (C-8).
    pub remind_at: Option<Instant>,
    /// What was asked for, and all that is due.
    pub resources: Vec<Resource>,
    /// The unpaid arrears orders of these resources.
    pub unpaid_arrears: Vec<UnpaidArrears>,
    /// The freeze that was asked for.
    pub freeze: Option<Freeze>,
    /// Whether all that is due was loaded; an account may have more than fits one decision.
    pub is_whole: bool,
}

/// An arrears order that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpaidArrears {
    /// The order.
    pub order_id: OrderId,
    /// Its resource.
    pub resource_id: ResourceId,
}

/// An amount of money that is set aside (W-1).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Freeze {
    /// Its id.
    pub id: FreezeId,
    /// The customer.
    pub account_id: AccountId,
    /// How much.
    pub amount: Amount,
    /// Why, in the operator's words.
    pub reason: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it was lifted.
    pub lifted_at: Option<Instant>,
}

/// An arrears order to revoke (C-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The order.
    pub order_id: OrderId,
    /// The order that takes its place.
    pub superseded_by: Option<OrderId>,
}

/// Everything that one decision changes. One account only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The account.
    pub account_id: AccountId,
    /// The account itself, when it is new or edited.
    pub account: Option<Account>,
    /// The wallet afterwards.
    pub wallet: Wallet,
    /// When reminders are looked at next.
    pub remind_at: Option<Instant>,
    /// New resources.
    pub new_resources: Vec<Resource>,
    /// Changed resources, each once, with the instant of their next step.
    pub changed_resources: Vec<Resource>,
    /// New orders.
    pub orders: Vec<Order>,
    /// Arrears orders that become revoked.
    pub revocations: Vec<Revocation>,
    /// New ledger entries.
    pub entries: Vec<Entry>,
    /// New attempts.
    pub attempts: Vec<Attempt>,
    /// New events.
    pub events: Vec<Event>,
    /// A freeze that is new or lifted.
    pub freeze: Option<Freeze>,
}

impl ChangeSet {
    fn none(view: &View) -> Self {
        Self {
            account_id: view.account.id,
            account: None,
            wallet: view.wallet,
            remind_at: view.remind_at,
            new_resources: Vec::new(),
            changed_resources: Vec::new(),
            orders: Vec::new(),
            revocations: Vec::new(),
            entries: Vec::new(),
            attempts: Vec::new(),
            events: Vec::new(),
            freeze: None,
        }
    }

    /// The change set that opens an account.
    #[must_use]
    pub fn opening(account: Account, credit_limit: Amount) -> Self {
        let wallet = Wallet { credit_limit, ..Wallet::default() };
        let view = View {
            account: account.clone(),
            wallet,
            remind_at: None,
            resources: Vec::new(),
            unpaid_arrears: Vec::new(),
            freeze: None,
            is_whole: true,
        };
        Self { account: Some(account), ..Self::none(&view) }
    }
}

/// A resource of the view, as the draft has it now.
#[derive(Debug)]
struct Held {
    resource: Resource,
    is_new: bool,
    is_changed: bool,
}

/// An arrears order that stands, as the draft has it now.
#[derive(Debug, Clone, Copy)]
enum UnpaidOrder {
    Stored(OrderId),
    /// Made by this draft: its place among the new orders.
    New(usize),
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
    held: Vec<Held>,
    unpaid_arrears: HashMap<ResourceId, Vec<UnpaidOrder>>,
    freeze: Option<Freeze>,
    is_whole: bool,
    changes: ChangeSet,
}

impl<'a> Draft<'a> {
    /// A draft that changes nothing yet.
    #[must_use]
    pub fn new(books: Books<'a>, view: View, ids: &'a mut Ids, now: Instant) -> Self {
        let changes = ChangeSet::none(&view);
        let hold = |resource| Held { resource, is_new: false, is_changed: false };
        let View { account, resources, unpaid_arrears, freeze, is_whole, .. } = view;
        let held = resources.into_iter().map(hold).collect();
        let mut by_resource: HashMap<_, Vec<_>> = HashMap::new();
        for UnpaidArrears { order_id, resource_id } in unpaid_arrears {
            by_resource.entry(resource_id).or_default().push(UnpaidOrder::Stored(order_id));
        }
        let unpaid_arrears = by_resource;
        Self { books, now, ids, account, held, unpaid_arrears, freeze, is_whole, changes }
    }

    /// The change set.
    #[must_use]
    pub fn finish(self) -> ChangeSet {
        let mut changes = self.changes;
        for held in self.held {
            match held {
                Held { resource, is_new: true, .. } => changes.new_resources.push(resource),
                Held { resource, is_changed: true, .. } => changes.changed_resources.push(resource),
                Held { .. } => {}
            }
        }
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
        self.held.iter().map(|held| &held.resource)
    }

    /// A resource by its place among [`Draft::resources`], which does not change.
    #[must_use]
    pub fn resource(&self, index: usize) -> &Resource {
        &self.held[index].resource
    }

    /// The place of a resource.
    #[must_use]
    pub fn position(&self, id: ResourceId) -> Option<usize> {
        self.held.iter().position(|held| held.resource.id == id)
    }

    /// The next id for something of this account.
    pub fn next_id<E>(&mut self) -> Id<E> {
        self.ids.next(self.now, self.account.id.shard())
    }

    pub(crate) fn add_resource(&mut self, resource: Resource) {
        self.remind_for(&resource);
        self.held.push(Held { resource, is_new: true, is_changed: false });
    }

    pub(crate) fn set_resource(&mut self, index: usize, resource: Resource) {
        let held = &mut self.held[index];
        let has_new_end = held.resource.expires_at != resource.expires_at;
        held.resource = resource;
        held.is_changed = true;
        if has_new_end {
            let resource = held.resource.clone();
            self.remind_for(&resource);
        }
    }

    /// Reminders are looked at once per account, at the earliest time that any of its resources asks for (C-8).
    fn remind_for(&mut self, resource: &Resource) {
        let wanted = next_reminder_at(resource, &self.books, self.now);
        self.changes.remind_at = self.changes.remind_at.into_iter().chain(wanted).min();
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
        let Movement { at, reason, postings, order_id, reference } = movement;
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
            })?;
        }
        self.changes.orders.push(order.clone());
        let body = Body::OrderCompleted { kind: order.kind, amount, resource_id: order.resource_id };
        self.tell(order.created_at, Subject::Order(order.id), body);
        Ok(order)
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
        let Document { kind, trigger, at, resource_id, sold, lines, amount, terms_version } = document;
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
            resource_id: Some(resource_id),
            license_id: None,
            sold: Some(sold),
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
}

/// An order to make about a resource.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) kind: OrderKind,
    pub(crate) trigger: Trigger,
    pub(crate) at: Instant,
    pub(crate) resource_id: ResourceId,
    pub(crate) sold: Sold,
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
