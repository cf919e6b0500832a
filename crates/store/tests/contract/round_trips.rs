//! What was written is read back as it was.

use domain::account::{Account, Wallet};
use domain::calendar::Unit;
use domain::catalog::Term;
use domain::change::{ChangeSet, Freeze, Revocation};
use domain::desk::{self, AccountEdit};
use domain::event::Event;
use domain::id::{AccountId, Id, LicenseId, ResourceId};
use domain::ledger::{Entry, EntryReason, Postings};
use domain::money::Amount;
use domain::order::{Basis, Line, Order, OrderKind, OrderState, Sold, Trigger};
use domain::resource::{Attempt, Outcome, Overdue, Resource, Run, State};
use domain::time::{Instant, Period};
use store::{Desk, EventFilter, OrderFilter, Wanted};
use testkit::rules::{amount, code};
use testkit::store::TempStore;

use crate::shop::{Shop, first};

pub async fn an_account_and_its_wallet(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let id = shop.account(0).await;
    let [cash, gift, frozen, credit_limit] = [-7, 5, 2, 9].map(amount);

    let wallet = Wallet { cash, gift, frozen, credit_limit, n_entries: 3 };
    let remind_at = Some(shop.at("2025-06-01 10:00:00"));
    shop.write(id, move |changes, _| ChangeSet { wallet, remind_at, ..changes }).await.unwrap();

    assert_eq!(shop.row(id).await.wallet, wallet);
    assert_eq!(shop.view(id, Wanted::default()).await.remind_at, remind_at);
}

pub async fn an_edited_account(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let id = shop.account(10).await;
    let before = shop.row(id).await;

    let edit = AccountEdit {
        name: Some("Łukasz 'Ann' 陈".to_owned()),
        email: Some("other@example.com".to_owned()),
        credit_limit: Some(amount(77)),
    };
    shop.draft(id, Wanted::default(), |draft| desk::edit_account(draft, edit)).await.unwrap();

    let after = shop.row(id).await;
    let (name, email) = ("Łukasz 'Ann' 陈".to_owned(), "other@example.com".to_owned());
    assert_eq!(after.account, Account { name, email, ..before.account });
    assert_eq!(after.wallet, Wallet { credit_limit: amount(77), ..before.wallet });
}

/// A resource in which every field differs from every other.
fn full_resource(desk: &mut Desk<'_>, account_id: AccountId) -> Resource {
    let second = |n: i64| desk.now.plus_seconds(n);
    let some = |n: i64| Some(desk.now.plus_seconds(n));
    Resource {
        account_id,
        product: code("uhost"),
        product_version: 1,
        plan: code("monthly"),
        terms: 3,
        quantity: 4,
        configuration: r#"{"cpu": 2, "name": "ß%_'\"\\", "nested": [1, {"a": null}]}"#.to_owned(),
        auto_renew: false,
        state: State::Suspended,
        started_at: second(-100),
        term_started_at: second(-50),
        expires_at: second(-10),
        run: Run { unit: Unit::Month, anchor: second(-60), count: 5 },
        overdue: Overdue {
            attempted_at: some(-9),
            switched_on_at: some(-8),
            arrears_until: some(-7),
            told_at: some(-6),
            suspension_warned_at: some(-5),
            suspended_at: some(-4),
            release_warned_at: some(-3),
        },
        ended_at: None,
        id: desk.ids.next(desk.now, account_id.shard()),
    }
}

pub async fn a_resource_with_every_field(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let full = full_resource(desk, account);
        let plain =
            Resource { id: desk.ids.next(desk.now, account.shard()), overdue: Overdue::default(), ..full.clone() };
        ChangeSet { new_resources: vec![full, plain], ..changes }
    };
    let written = shop.write(account, write).await.unwrap().new_resources;

    assert_eq!(shop.resource(written[0].id).await, written[0]);
    assert_eq!(shop.resource(written[1].id).await, written[1]);
}

pub async fn a_resource_that_changed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(20_000).await;
    let id = shop.buys(account, "uhost/thirty").await;
    let bought = shop.resource(id).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let full = full_resource(desk, account);
        let ended_at = Some(desk.now);
        // What was bought and configured, and when, does not change.
        let Resource { configuration, quantity, product, started_at, .. } = bought;
        let state = State::Deleted;
        let changed = Resource { id, configuration, quantity, product, started_at, state, ended_at, ..full };
        ChangeSet { changed_resources: vec![changed], ..changes }
    };
    let written = shop.write(account, write).await.unwrap().changed_resources;

    assert_eq!(shop.resource(id).await, written[0]);
}

const KINDS: [OrderKind; 7] = [
    OrderKind::Purchase,
    OrderKind::Renewal,
    OrderKind::Arrears,
    OrderKind::Recharge,
    OrderKind::Deletion,
    OrderKind::Refund,
    OrderKind::Adjustment,
];
const STATES: [OrderState; 5] =
    [OrderState::PendingPayment, OrderState::Completed, OrderState::Closed, OrderState::Unpaid, OrderState::Revoked];
const TRIGGERS: [Trigger; 4] = [Trigger::Customer, Trigger::Auto, Trigger::System, Trigger::Operator];

/// An order with nothing optional.
fn plain_order(desk: &mut Desk<'_>, account_id: AccountId) -> Order {
    Order {
        id: desk.ids.next(desk.now, account_id.shard()),
        account_id,
        kind: OrderKind::Adjustment,
        state: OrderState::Completed,
        trigger: Trigger::Operator,
        amount: amount(-5),
        currency: "CNY".parse().unwrap(),
        resource_id: None,
        license_id: None,
        sold: None,
        lines: Vec::new(),
        period: None,
        created_at: desk.now,
        completed_at: None,
        superseded_by: None,
        terms_version: None,
    }
}

/// Two lines that follow each other, one of full terms and one of a part.
fn lines(start: Instant) -> Vec<Line> {
    let period = |from: i64, until: i64| Period::new(start.plus_seconds(from), start.plus_seconds(until)).unwrap();
    let term = Term { unit: Unit::Month, count: 3 };
    let part = Basis::Part { seconds: 10, whole_seconds: 2_678_400, share: 3 };
    let line =
        |period, basis, minor| Line { period, quantity: 7, price: amount(36_000), term, basis, amount: amount(minor) };
    vec![line(period(0, 10), part, 0), line(period(10, 500), Basis::Terms(2), 504_000)]
}

pub async fn orders_of_every_kind_and_state(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let every = KINDS.into_iter().zip(STATES.into_iter().cycle()).zip(TRIGGERS.into_iter().cycle());
        let orders = every.map(|((kind, state), trigger)| {
            let lines = lines(desk.now);
            Order {
                kind,
                state,
                trigger,
                amount: amount(504_000),
                resource_id: Some(desk.ids.next(desk.now, account.shard())),
                license_id: Some(desk.ids.next(desk.now, account.shard())),
                sold: Some(Sold { product: code("uhost"), plan: code("monthly") }),
                period: Some(Period { start: lines[0].period.start, end: lines[1].period.end }),
                lines,
                completed_at: Some(desk.now.plus_seconds(1)),
                superseded_by: Some(desk.ids.next(desk.now, account.shard())),
                ..plain_order(desk, account)
            }
        });
        let mut orders: Vec<_> = orders.collect();
        orders.push(plain_order(desk, account));
        ChangeSet { orders, ..changes }
    };
    let written = shop.write(account, write).await.unwrap().orders;

    let filter = OrderFilter { account_id: Some(account), ..OrderFilter::default() };
    assert_eq!(shop.store().orders(&filter, first()).await.unwrap(), written);
    assert_eq!(shop.store().order(written[0].id).await.unwrap().as_ref(), written.first());
}

pub async fn lines_of_full_terms_and_of_parts(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let units = [Unit::Hour, Unit::Day, Unit::Month, Unit::Year];
        let with_unit =
            |unit| lines(desk.now).into_iter().map(move |line| Line { term: Term { unit, count: 5 }, ..line });
        let lines = units.into_iter().flat_map(with_unit).collect();
        let order = Order { lines, ..plain_order(desk, account) };
        ChangeSet { orders: vec![order], ..changes }
    };
    let written = shop.write(account, write).await.unwrap().orders;

    assert_eq!(shop.store().order(written[0].id).await.unwrap().unwrap().lines, written[0].lines);
}

pub async fn a_revocation(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(12_000).await;
    let id = shop.buys(account, "uhost/thirty").await;
    shop.advance_to("2025-06-08 12:00:00").await;
    let filter = OrderFilter { kind: Some(OrderKind::Arrears), ..OrderFilter::default() };
    let unpaid = shop.store().orders(&filter, first()).await.unwrap().remove(0);

    shop.credit(account, 12_000).await;

    let renewal = OrderFilter { resource_id: Some(id), kind: Some(OrderKind::Renewal), ..OrderFilter::default() };
    let superseded_by = Some(shop.store().orders(&renewal, first()).await.unwrap()[0].id);
    let revoked = shop.store().orders(&filter, first()).await.unwrap().remove(0);
    assert_eq!(unpaid.state, OrderState::Unpaid);
    assert_eq!(revoked, Order { state: OrderState::Revoked, superseded_by, ..unpaid });
    // Another revocation of the same order changes nothing.
    let again = Revocation { order_id: revoked.id, superseded_by: None };
    shop.write(account, move |changes, _| ChangeSet { revocations: vec![again], ..changes }).await.unwrap();
    assert_eq!(shop.store().order(revoked.id).await.unwrap(), Some(revoked));
}

const REASONS: [EntryReason; 5] =
    [EntryReason::Recharge, EntryReason::Credit, EntryReason::Charge, EntryReason::Refund, EntryReason::Adjustment];

fn entry(desk: &mut Desk<'_>, account_id: AccountId, number: u64) -> Entry {
    let [cash, gift, revenue, funding, promotion] = [-3, -4, 9, 5, -7].map(amount);
    Entry {
        id: desk.ids.next(desk.now, account_id.shard()),
        account_id,
        number,
        at: desk.now,
        reason: EntryReason::Credit,
        postings: Postings { cash, gift, revenue, funding, promotion },
        cash_after: amount(11),
        gift_after: amount(12),
        order_id: None,
        reference: None,
        payment_id: None,
    }
}

pub async fn entries_of_every_reason(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let numbered = (1_u64..).zip(REASONS);
        let entries = numbered.map(|(number, reason)| Entry {
            reason,
            order_id: Some(desk.ids.next(desk.now, account.shard())),
            reference: Some(format!("bank transfer №{number}")),
            ..entry(desk, account, number)
        });
        let mut entries: Vec<_> = entries.collect();
        entries.push(entry(desk, account, 6));
        ChangeSet { entries, ..changes }
    };
    let written = shop.write(account, write).await.unwrap().entries;

    assert_eq!(shop.store().entries(account, first()).await.unwrap(), written);
}

const OUTCOMES: [Outcome; 5] =
    [Outcome::Succeeded, Outcome::InsufficientBalance, Outcome::Declined, Outcome::Skipped, Outcome::Error];

fn attempt(desk: &mut Desk<'_>, resource_id: ResourceId) -> Attempt {
    Attempt {
        id: desk.ids.next(desk.now, resource_id.shard()),
        holding: resource_id.into(),
        at: desk.now,
        outcome: Outcome::Succeeded,
        reason: None,
        price: None,
        available: amount(-1),
        order_id: None,
    }
}

pub async fn attempts_of_every_outcome(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(20_000).await;
    let id = shop.buys(account, "uhost/thirty").await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let attempts = OUTCOMES.into_iter().map(|outcome| Attempt {
            outcome,
            reason: Some("the balance of 0 does not cover 5".to_owned()),
            price: Some(amount(5)),
            order_id: Some(desk.ids.next(desk.now, account.shard())),
            ..attempt(desk, id)
        });
        let mut attempts: Vec<_> = attempts.collect();
        attempts.push(attempt(desk, id));
        ChangeSet { attempts, ..changes }
    };
    let written = shop.write(account, write).await.unwrap().attempts;

    assert_eq!(shop.store().attempts(id.into(), first()).await.unwrap(), written);
}

/// What is stored of an event.
fn stored(event: &Event) -> (Id<domain::id::EventKindId>, String, Instant, AccountId, String, serde_json::Value) {
    let data = serde_json::to_value(&event.body).unwrap();
    (event.id, event.body.name().to_owned(), event.at, event.account_id, event.subject.to_string(), data)
}

pub async fn events_of_a_whole_life(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(12_000).await;
    let id = shop.buys(account, "uhost/thirty").await;
    shop.advance_to("2025-06-12 12:00:00").await;

    let wanted = Wanted { resources: vec![id], attemptable: true, ..Wanted::default() };
    let (written, _) = shop
        .draft(account, wanted, |draft| desk::credit(draft, amount(12_000), desk::CreditKind::Gift, None))
        .await
        .unwrap();

    let filter = EventFilter { account_id: Some(account), ..EventFilter::default() };
    let events = shop.store().events(&filter, first()).await.unwrap();
    let last = &events[events.len() - written.events.len()..];
    let read: Vec<_> = (last.iter())
        .map(|event| {
            let data = serde_json::from_str(&event.data).unwrap();
            (event.id, event.kind.clone(), event.at, event.account_id, event.subject.clone(), data)
        })
        .collect();
    // Renewed, resumed, arrears revoked, order completed.
    assert!(written.events.len() > 6, "{:?}", written.events);
    assert_eq!(read, written.events.iter().map(stored).collect::<Vec<_>>());
}

pub async fn a_freeze_and_its_end(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(500).await;
    let freeze = shop.freeze(account, 200).await.freeze.unwrap();
    let wanted = Wanted { freeze: Some(freeze.id), ..Wanted::default() };

    shop.stand_at("2025-05-09 10:00:00");
    shop.draft(account, wanted.clone(), |draft| desk::lift_freeze(draft).ok_or(())).await.unwrap();

    let lifted = Freeze { lifted_at: Some(shop.now()), ..freeze };
    let view = shop.view(account, wanted).await;
    assert_eq!((view.freeze, view.wallet.frozen), (Some(lifted), Amount::ZERO));
}

pub async fn the_largest_amounts_and_the_last_instant(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let full = full_resource(desk, account);
        let run = Run { anchor: Instant::MIN, count: u32::MAX, ..full.run };
        let extreme = Resource { quantity: u32::MAX, terms: u32::MAX, expires_at: Instant::MAX, run, ..full };
        let license_id = Some(LicenseId::from_u128(u128::MAX));
        let order = Order { amount: Amount::MAX.negated(), license_id, ..plain_order(desk, account) };
        let wallet = Wallet { cash: Amount::MAX, gift: Amount::MAX, n_entries: 1 << 60, ..Wallet::default() };
        ChangeSet { new_resources: vec![extreme], orders: vec![order], wallet, ..changes }
    };
    let written = shop.write(account, write).await.unwrap();

    assert_eq!(shop.resource(written.new_resources[0].id).await, written.new_resources[0]);
    assert_eq!(shop.store().order(written.orders[0].id).await.unwrap().as_ref(), written.orders.first());
    assert_eq!(shop.row(account).await.wallet, written.wallet);
}

pub async fn many_rows_of_every_kind_at_once(temp: TempStore) {
    const N: u64 = 37;
    let shop = Shop::open(temp).await;
    let account = shop.account(20_000).await;
    let id = shop.buys(account, "uhost/thirty").await;
    let filter = EventFilter { account_id: Some(account), ..EventFilter::default() };
    let n_events_before = shop.store().events(&filter, first()).await.unwrap().len();
    let n_entries_before = shop.row(account).await.wallet.n_entries;

    let write = move |changes, desk: &mut Desk<'_>| {
        let orders = (0..N).map(|_| plain_order(desk, account)).collect();
        let entries = (1..=N).map(|number| entry(desk, account, n_entries_before + number)).collect();
        let attempts = (0..N).map(|_| attempt(desk, id)).collect();
        let events = (0..N).map(|_| Event {
            id: desk.ids.next(desk.now, account.shard()),
            account_id: account,
            at: desk.now,
            subject: domain::event::Subject::Resource(id),
            body: domain::event::Body::AutoRenewChanged { auto_renew: true },
        });
        ChangeSet { orders, entries, attempts, events: events.collect(), ..changes }
    };
    let written = shop.write(account, write).await.unwrap();

    let store = shop.store();
    let adjustments = OrderFilter { kind: Some(OrderKind::Adjustment), ..OrderFilter::default() };
    assert_eq!(store.orders(&adjustments, first()).await.unwrap(), written.orders);
    let after = store::Page { after: Some(n_entries_before), limit: 1_000 };
    assert_eq!(store.entries(account, after).await.unwrap(), written.entries);
    assert_eq!(store.attempts(id.into(), first()).await.unwrap(), written.attempts);
    let events = store.events(&filter, first()).await.unwrap();
    let ids: Vec<_> = events[n_events_before..].iter().map(|event| event.id).collect();
    assert_eq!(ids, written.events.iter().map(|event| event.id).collect::<Vec<_>>());
}
