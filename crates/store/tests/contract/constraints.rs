//! What money depends on is refused by the database itself, and then nothing of the decision is written.

use domain::account::Wallet;
use domain::change::ChangeSet;
use domain::event::{Body, Event, Subject};
use domain::id::{AccountId, ResourceId};
use domain::ledger::{Entry, EntryReason, Postings};
use domain::order::{Order, OrderKind, OrderState, Trigger};
use domain::resource::{Resource, State};
use domain::time::Period;
use store::{Desk, EventFilter, OrderFilter, TransactError};
use testkit::rules::amount;
use testkit::store::TempStore;

use crate::shop::{Shop, first};

/// An account with 8000 in cash and a resource.
struct Customer {
    shop: Shop,
    account: AccountId,
    resource: Resource,
}

impl Customer {
    async fn of(temp: TempStore) -> Self {
        let shop = Shop::open(temp).await;
        let account = shop.account(20_000).await;
        let id = shop.buys(account, "uhost/thirty").await;
        let resource = shop.resource(id).await;
        Self { shop, account, resource }
    }

    async fn write(
        &self,
        make: impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static,
    ) -> Result<ChangeSet, TransactError<std::convert::Infallible>> {
        self.shop.write(self.account, make).await
    }

    /// Something that is there already is a conflict: another request was first.
    async fn check_conflict(&self, forbid: impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static) {
        let refused = self.refusal(forbid).await;
        assert!(matches!(refused, TransactError::Conflict(_)), "{refused:?}");
    }

    /// Something that may not be is a mistake of the decision.
    async fn check_bug(&self, forbid: impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static) {
        let refused = self.refusal(forbid).await;
        assert!(matches!(refused, TransactError::Bug(_)), "{refused:?}");
    }

    /// Writes something allowed and something that is not, and finds that neither was kept.
    async fn refusal(
        &self,
        forbid: impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static,
    ) -> TransactError<std::convert::Infallible> {
        let before = self.state().await;
        let (account, id) = (self.account, self.resource.id);

        let refused = self.write(move |changes, desk| {
            let allowed = ChangeSet {
                events: vec![event(desk, account, id)],
                wallet: Wallet { gift: amount(5), ..changes.wallet },
                ..changes
            };
            forbid(allowed, desk)
        });
        let refused = refused.await;

        assert_eq!(self.state().await, before);
        refused.expect_err("what is forbidden is refused")
    }

    /// All that the account holds, and what happened to it.
    async fn state(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let store = self.shop.store();
        let orders = OrderFilter { account_id: Some(self.account), ..OrderFilter::default() };
        let events = EventFilter { account_id: Some(self.account), ..EventFilter::default() };
        (
            self.shop.row(self.account).await,
            self.shop.resource(self.resource.id).await,
            store.orders(&orders, first()).await.unwrap(),
            store.entries(self.account, first()).await.unwrap(),
            store.events(&events, first()).await.unwrap(),
        )
    }
}

fn event(desk: &mut Desk<'_>, account_id: AccountId, resource_id: ResourceId) -> Event {
    Event {
        id: desk.ids.next(desk.now, account_id.shard()),
        account_id,
        at: desk.now,
        subject: Subject::Resource(resource_id),
        body: Body::AutoRenewChanged { auto_renew: true },
    }
}

/// An order about the whole period of a resource.
fn order(desk: &mut Desk<'_>, resource: &Resource, kind: OrderKind) -> Order {
    Order {
        id: desk.ids.next(desk.now, resource.id.shard()),
        account_id: resource.account_id,
        kind,
        state: OrderState::Completed,
        trigger: Trigger::Auto,
        amount: amount(0),
        currency: "CNY".parse().unwrap(),
        resource_id: Some(resource.id),
        license_id: None,
        sold: None,
        lines: Vec::new(),
        period: Period::new(resource.term_started_at, resource.expires_at),
        created_at: desk.now,
        completed_at: Some(desk.now),
        superseded_by: None,
        terms_version: None,
    }
}

fn entry(desk: &mut Desk<'_>, account_id: AccountId, number: u64, postings: Postings) -> Entry {
    Entry {
        id: desk.ids.next(desk.now, account_id.shard()),
        account_id,
        number,
        at: desk.now,
        reason: EntryReason::Adjustment,
        postings,
        cash_after: amount(0),
        gift_after: amount(0),
        order_id: None,
        reference: None,
        payment_id: None,
    }
}

pub async fn a_second_charge_for_one_period_is_a_conflict_and_writes_nothing(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let resource = customer.resource.clone();

    let renewal = move |changes, desk: &mut Desk<'_>| ChangeSet {
        orders: vec![order(desk, &resource, OrderKind::Renewal)],
        ..changes
    };

    customer.check_conflict(renewal).await;
}

pub async fn a_second_arrears_order_for_one_day_is_a_conflict(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let resource = customer.resource.clone();

    let twice = move |changes, desk: &mut Desk<'_>| {
        let orders = vec![order(desk, &resource, OrderKind::Arrears), order(desk, &resource, OrderKind::Arrears)];
        ChangeSet { orders, ..changes }
    };

    customer.check_conflict(twice).await;
}

pub async fn a_charge_and_an_arrears_order_of_one_start_go_together(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let resource = customer.resource.clone();

    let arrears = move |changes, desk: &mut Desk<'_>| ChangeSet {
        orders: vec![order(desk, &resource, OrderKind::Arrears)],
        ..changes
    };

    assert!(customer.write(arrears).await.is_ok());
}

pub async fn deletion_orders_do_not_exclude_each_other(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let resource = customer.resource.clone();

    let twice = move |changes, desk: &mut Desk<'_>| {
        let orders = vec![order(desk, &resource, OrderKind::Deletion), order(desk, &resource, OrderKind::Deletion)];
        ChangeSet { orders, ..changes }
    };

    assert!(customer.write(twice).await.is_ok());
}

pub async fn cash_below_the_credit_limit_is_refused(temp: TempStore) {
    let customer = Customer::of(temp).await;

    let overdrawn = |changes: ChangeSet, _: &mut Desk<'_>| {
        let wallet = Wallet { cash: amount(-11), credit_limit: amount(10), ..changes.wallet };
        ChangeSet { wallet, ..changes }
    };

    customer.check_bug(overdrawn).await;
}

pub async fn an_unbalanced_entry_is_refused(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let account = customer.account;

    let unbalanced = move |changes: ChangeSet, desk: &mut Desk<'_>| {
        let postings = Postings { cash: amount(100), funding: amount(-99), ..Postings::default() };
        ChangeSet { entries: vec![entry(desk, account, changes.wallet.n_entries + 1, postings)], ..changes }
    };

    customer.check_bug(unbalanced).await;
}

pub async fn a_second_entry_of_one_number_is_a_conflict(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let account = customer.account;

    let again = move |changes: ChangeSet, desk: &mut Desk<'_>| {
        let entries = vec![entry(desk, account, changes.wallet.n_entries, Postings::funded(amount(1)))];
        ChangeSet { entries, ..changes }
    };

    customer.check_conflict(again).await;
}

pub async fn an_id_is_used_once(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let resource = customer.resource.clone();

    let again = move |changes, _: &mut Desk<'_>| ChangeSet { new_resources: vec![resource], ..changes };

    customer.check_conflict(again).await;
}

pub async fn a_period_does_not_end_before_it_starts(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let resource = customer.resource.clone();

    let backwards = move |changes, _: &mut Desk<'_>| {
        let expires_at = resource.term_started_at;
        ChangeSet { changed_resources: vec![Resource { expires_at, ..resource }], ..changes }
    };

    customer.check_bug(backwards).await;
}

pub async fn what_has_ended_has_an_end_and_nothing_else_has(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let (endless, ended) = (customer.resource.clone(), customer.resource.clone());

    let without_end = move |changes, _: &mut Desk<'_>| ChangeSet {
        changed_resources: vec![Resource { state: State::Released, ..endless }],
        ..changes
    };
    let with_end = move |changes, desk: &mut Desk<'_>| ChangeSet {
        changed_resources: vec![Resource { ended_at: Some(desk.now), ..ended }],
        ..changes
    };

    customer.check_bug(without_end).await;
    customer.check_bug(with_end).await;
}

pub async fn a_change_of_what_is_not_there_writes_nothing(temp: TempStore) {
    let customer = Customer::of(temp).await;
    let resource = customer.resource.clone();
    let account = customer.account;
    let before = customer.state().await;

    let phantom = move |changes: ChangeSet, desk: &mut Desk<'_>| {
        let id = desk.ids.next(desk.now, account.shard());
        let events = vec![event(desk, account, id)];
        ChangeSet { changed_resources: vec![Resource { id, ..resource }], events, ..changes }
    };
    let refused = customer.write(phantom).await;

    assert!(refused.is_err());
    assert_eq!(customer.state().await, before);
}
