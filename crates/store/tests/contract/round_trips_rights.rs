//! What was written of licenses, and of what uses their units, is read back as it was.

use domain::activation::ActivationCode;
use domain::assignment::Assignment;
use domain::calendar::Unit;
use domain::catalog::Term;
use domain::change::{ChangeSet, NewPending};
use domain::event::{Body, Event, Reminded, ReminderReason, Subject};
use domain::failback::{self, Failback};
use domain::id::{AccountId, Id, LicenseId};
use domain::installation::{Installation, Retirement};
use domain::license::{Kind, License, Source, State, Subscription};
use domain::license_file::Issued;
use domain::order::{OrderKind, OrderState, Trigger};
use domain::payment::{Card, Charging, PlatformName};
use domain::purchase::{self, Purchase};
use domain::renewal::Length;
use domain::resource::{Attempt, Outcome, Run};
use domain::time::Instant;
use domain::unit::{Allocation, AllocationEnd, Closing, Ending, Unit as UnitRow, UnitCounts, Use};
use store::{Desk, EventFilter, FailbackFilter, LicenseFilter, OrderFilter, Wanted};
use testkit::rules::{amount, code, license_purchase};
use testkit::store::TempStore;

use crate::licensing::{free, host, installation_name, job, unit};
use crate::shop::{Shop, first};

/// A license in which every field differs from every other.
pub fn full_license(desk: &mut Desk<'_>, account_id: AccountId) -> License {
    let second = |n: i64| desk.now.plus_seconds(n);
    License {
        account_id,
        kind: Kind::Dr,
        source: Source::Code,
        subscription: Some(Subscription { product: code("dr"), product_version: 1, plan: code("monthly"), terms: 3 }),
        total: 9_999,
        auto_renew: true,
        state: State::Grace,
        activated_at: second(-100),
        term_started_at: second(-50),
        expires_at: second(-10),
        ends_at: second(600),
        run: Run { unit: Unit::Month, anchor: second(-60), count: 7 },
        attempted_at: Some(second(-9)),
        card: Some(Card {
            method_id: desk.ids.next(desk.now, account_id.shard()),
            platform: PlatformName::Stripe,
            is_live: true,
        }),
        charging: Some(Charging {
            order_id: desk.ids.next(desk.now, account_id.shard()),
            since: second(-8),
            until: second(500),
        }),
        units: UnitCounts { touched: 50, assigned: 11, reserved: 12, consumed: 13, checked_out: 14 },
        reason: Some("ein »Grund«, 'quoted' 原因".to_owned()),
        ended_at: None,
        parent_id: Some(desk.ids.next(desk.now, account_id.shard())),
        order_id: Some(desk.ids.next(desk.now, account_id.shard())),
        code_id: Some(desk.ids.next(desk.now, account_id.shard())),
        id: desk.ids.next(desk.now, account_id.shard()),
    }
}

/// A license with nothing optional.
pub fn plain_license(desk: &mut Desk<'_>, account_id: AccountId) -> License {
    License {
        card: None,
        charging: None,
        source: Source::Grant,
        subscription: None,
        auto_renew: false,
        state: State::Valid,
        expires_at: desk.now.plus_seconds(500),
        attempted_at: None,
        units: UnitCounts::default(),
        parent_id: None,
        order_id: None,
        code_id: None,
        reason: None,
        ..full_license(desk, account_id)
    }
}

async fn written_licenses(
    shop: &Shop,
    account: AccountId,
    make: impl FnOnce(&mut Desk<'_>) -> Vec<License> + Send + 'static,
) -> Vec<License> {
    let write = |changes, desk: &mut Desk<'_>| ChangeSet { new_licenses: make(desk), ..changes };
    shop.write(account, write).await.unwrap().new_licenses
}

async fn stored_licenses(shop: &Shop) -> Vec<License> {
    shop.store().licenses(&LicenseFilter::default(), first()).await.unwrap()
}

pub async fn a_license_with_every_field_and_one_with_none(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let written =
        written_licenses(&shop, account, move |desk| vec![full_license(desk, account), plain_license(desk, account)])
            .await;

    assert_eq!(shop.license(written[0].id).await, written[0]);
    assert_eq!(shop.license(written[1].id).await, written[1]);
    assert_eq!(shop.view(account, Wanted { license_file: true, ..Wanted::default() }).await.rights.licenses, written);
}

pub async fn licenses_of_every_kind_source_and_state(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let make = move |desk: &mut Desk<'_>| {
        let sources = [Source::Bonus, Source::Purchase, Source::Code, Source::Grant];
        let kinds = [Kind::Dr, Kind::Failback];
        let every = State::ALL.into_iter().zip(sources.into_iter().cycle()).zip(kinds.into_iter().cycle());
        let license = |((state, source), kind): ((State, Source), Kind)| {
            let ended_at = state.is_final().then_some(desk.now.plus_seconds(-1));
            License { state, source, kind, ended_at, ..plain_license(desk, account) }
        };
        every.map(license).collect()
    };
    let written = written_licenses(&shop, account, make).await;

    assert_eq!(stored_licenses(&shop).await, written);
}

pub async fn a_license_that_changed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let id = shop.buys_license(account, "dr/thirty", 2).await;
    let bought = shop.license(id).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let full = full_license(desk, account);
        let subscription = full.subscription.map(|new| Subscription { terms: 5, ..new });
        let units = UnitCounts { touched: 2, assigned: 1, ..UnitCounts::default() };
        let (state, ended_at) = (State::Revoked, Some(desk.now));
        // What it is, where it comes from and when it began does not change.
        let License { kind, source, total, activated_at, parent_id, order_id, code_id, .. } = bought;
        let origin = License { kind, source, total, activated_at, parent_id, order_id, code_id, ..full };
        let changed = License { id, subscription, units, state, ended_at, ..origin };
        ChangeSet { changed_licenses: vec![changed], ..changes }
    };
    let written = shop.write(account, write).await.unwrap().changed_licenses;

    assert_eq!(shop.license(id).await, written[0]);
}

pub async fn the_largest_license_and_the_last_instant(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let make = move |desk: &mut Desk<'_>| {
        let plain = plain_license(desk, account);
        let units = UnitCounts { touched: u32::MAX, consumed: u32::MAX, ..UnitCounts::default() };
        let run = Run { anchor: Instant::MIN, count: u32::MAX, ..plain.run };
        let (expires_at, ends_at, id) = (Instant::MAX, Instant::MAX, LicenseId::from_u128(u128::MAX));
        // What is revoked is due no more: nobody computes with its dates.
        let (state, ended_at) = (State::Revoked, Some(Instant::MIN));
        vec![License { total: u32::MAX, units, run, expires_at, ends_at, id, state, ended_at, ..plain }]
    };
    let written = written_licenses(&shop, account, make).await;

    assert_eq!(stored_licenses(&shop).await, written);
}

/// A change set that also has a license of many units, all of them untouched for the rows of this test.
fn with_license(changes: ChangeSet, license: &License) -> ChangeSet {
    ChangeSet { new_licenses: vec![license.clone()], ..changes }
}

fn full_assignment(desk: &mut Desk<'_>, license: &License) -> Assignment {
    Assignment {
        id: desk.ids.next(desk.now, license.account_id.shard()),
        account_id: license.account_id,
        host: host("Web-1 (Łódź) '主机'"),
        name: Some("the \"first\" host".to_owned()),
        unit: Some(unit(license.id, 3)),
        assigned_at: desk.now.plus_seconds(-5),
        released_at: Some(desk.now.plus_seconds(-4)),
    }
}

pub async fn assignments_with_every_field_and_with_none(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let license = plain_license(desk, account);
        let full = full_assignment(desk, &license);
        let (id, name) = (desk.ids.next(desk.now, account.shard()), None);
        let plain = Assignment { id, name, unit: None, released_at: None, ..full.clone() };
        ChangeSet { assignments: vec![full, plain], ..with_license(changes, &license) }
    };
    let written = shop.write(account, write).await.unwrap().assignments;

    assert_eq!(shop.store().assignment(written[0].id).await.unwrap().as_ref(), Some(&written[0]));
    assert_eq!(shop.store().assignment(written[1].id).await.unwrap().as_ref(), Some(&written[1]));
    let ids = written.iter().map(|assignment| assignment.id).collect();
    assert_eq!(shop.view(account, Wanted { assignments: ids, ..Wanted::default() }).await.rights.assignments, written);
}

pub async fn an_assignment_that_changed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.license(shop.grant(account, Kind::Dr, 5, 3).await).await;
    let before = shop.assign(account, "host-1").await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let full = full_assignment(desk, &license);
        // Who came first is served first, so the time of the first assignment stays.
        let Assignment { id, assigned_at, .. } = before;
        ChangeSet { assignments: vec![Assignment { id, assigned_at, ..full }], ..changes }
    };
    let written = shop.write(account, write).await.unwrap().assignments;

    assert_eq!(shop.store().assignment(written[0].id).await.unwrap().as_ref(), Some(&written[0]));
}

fn full_failback(desk: &mut Desk<'_>, license: &License, number: u32, state: failback::State) -> Failback {
    Failback {
        id: desk.ids.next(desk.now, license.account_id.shard()),
        account_id: license.account_id,
        job_id: job(&format!("job №{number} '任务'")),
        host: host(&format!("host-{number}")),
        unit: unit(license.id, number),
        state,
        reserved_at: desk.now.plus_seconds(-3),
        deadline: desk.now.plus_seconds(-2),
        ended_at: (state != failback::State::Reserved).then_some(desk.now.plus_seconds(-1)),
    }
}

pub async fn failbacks_of_every_state(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let license = plain_license(desk, account);
        let numbered = (1..).zip(failback::State::ALL);
        let failbacks = numbered.map(|(number, state)| full_failback(desk, &license, number, state)).collect();
        ChangeSet { failbacks, ..with_license(changes, &license) }
    };
    let written = shop.write(account, write).await.unwrap().failbacks;

    assert_eq!(shop.store().failbacks(&FailbackFilter::default(), first()).await.unwrap(), written);
    assert_eq!(shop.store().failback(written[2].id).await.unwrap().as_ref(), Some(&written[2]));
    let jobs = written.iter().map(|failback| failback.job_id.clone()).collect();
    assert_eq!(shop.view(account, Wanted { jobs, ..Wanted::default() }).await.rights.failbacks, written);
}

pub async fn a_failback_that_changed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.license(shop.grant(account, Kind::Failback, 5, 3).await).await;
    let before = shop.starts(account, "job-1", "host-1").await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let full = full_failback(desk, &license, 4, failback::State::Committed);
        let Failback { id, job_id, host, reserved_at, .. } = before;
        ChangeSet { failbacks: vec![Failback { id, job_id, host, reserved_at, ..full }], ..changes }
    };
    let written = shop.write(account, write).await.unwrap().failbacks;

    assert_eq!(shop.store().failback(written[0].id).await.unwrap().as_ref(), Some(&written[0]));
}

const ENDINGS: [Ending; 8] = [
    Ending::Released,
    Ending::Moved,
    Ending::LicenseEnded,
    Ending::Committed,
    Ending::Cancelled,
    Ending::Lapsed,
    Ending::Returned,
    Ending::Retired,
];
const TRIGGERS: [Trigger; 4] = [Trigger::Customer, Trigger::Auto, Trigger::System, Trigger::Operator];

fn open_allocation(desk: &mut Desk<'_>, license: &License, number: u32, started_by: Trigger) -> Allocation {
    Allocation {
        id: desk.ids.next(desk.now, license.account_id.shard()),
        unit: unit(license.id, number),
        user: format!("host-{number} 'ß'"),
        started_at: desk.now.plus_seconds(-20),
        started_by,
        end: None,
    }
}

pub async fn the_allocation_log_with_every_ending(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let license = plain_license(desk, account);
        let at = desk.now.plus_seconds(-10);
        let every = (1..).zip(ENDINGS).zip(TRIGGERS.into_iter().cycle());
        let ended = every.map(|((number, ending), by)| {
            let end = Some(AllocationEnd { at, by, ending });
            Allocation { end, ..open_allocation(desk, &license, number, by) }
        });
        let mut allocations: Vec<_> = ended.collect();
        allocations.push(open_allocation(desk, &license, 8, Trigger::Auto));
        ChangeSet { allocations, ..with_license(changes, &license) }
    };
    let written = shop.write(account, write).await.unwrap();

    let id = written.new_licenses[0].id;
    assert_eq!(shop.store().allocations(id, first()).await.unwrap(), written.allocations);
}

pub async fn the_end_of_an_allocation_and_the_next_one_of_the_unit(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.license(shop.grant(account, Kind::Dr, 5, 3).await).await;
    let id = license.id;
    shop.assigns(account, &["host-1", "host-2"]).await;
    let before = shop.store().allocations(id, first()).await.unwrap();

    let write = move |changes, desk: &mut Desk<'_>| {
        let end = AllocationEnd { at: desk.now, by: Trigger::Operator, ending: Ending::Moved };
        let next = open_allocation(desk, &license, 2, Trigger::Customer);
        ChangeSet { closings: vec![Closing { unit: unit(id, 2), end }], allocations: vec![next], ..changes }
    };
    let written = shop.write(account, write).await.unwrap();

    let closed = Allocation { end: Some(written.closings[0].end), ..before[1].clone() };
    let expected = [before[0].clone(), closed, written.allocations[0].clone()];
    assert_eq!(shop.store().allocations(id, first()).await.unwrap(), expected);
}

pub async fn uses_of_units(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let units = UnitCounts { touched: 6, ..UnitCounts::default() };
        let license = License { kind: Kind::Failback, units, ..plain_license(desk, account) };
        let installation = desk.ids.next(desk.now, account.shard());
        let uses = [
            Use::Free,
            Use::Assigned(desk.ids.next(desk.now, account.shard())),
            Use::Reserved(desk.ids.next(desk.now, account.shard())),
            Use::Consumed(desk.ids.next(desk.now, account.shard())),
            Use::CheckedOut(installation),
            Use::Free,
        ];
        let units = (1..).zip(uses).map(|(number, usage)| UnitRow { id: unit(license.id, number), usage });
        let name = installation_name("site-1");
        let installation = Installation { id: installation, name, ..plain_installation(desk, account) };
        ChangeSet { units: units.collect(), installation: Some(installation), ..with_license(changes, &license) }
    };
    let written = shop.write(account, write).await.unwrap();

    let (license, installation) = (written.new_licenses[0].id, written.installation.unwrap().id);
    assert_eq!(shop.store().checked_out(installation).await.unwrap(), [unit(license, 5)]);
    let free_units = shop.view(account, free(Kind::Failback, 9)).await.rights.free_units;
    assert_eq!(free_units, [unit(license, 1), unit(license, 6)]);
    // The same unit is used in another way.
    let again = UnitRow { id: unit(license, 1), usage: Use::CheckedOut(installation) };
    shop.write(account, move |changes, _| ChangeSet { units: vec![again], ..changes }).await.unwrap();
    assert_eq!(shop.store().checked_out(installation).await.unwrap(), [unit(license, 1), unit(license, 5)]);
}

fn plain_installation(desk: &mut Desk<'_>, account_id: AccountId) -> Installation {
    Installation {
        id: desk.ids.next(desk.now, account_id.shard()),
        account_id,
        name: installation_name("Rechenzentrum 'Süd' 一"),
        public_key: [0xab; 32],
        counter: 0,
        receipt_hash: None,
        created_at: desk.now.plus_seconds(-7),
        retired: None,
    }
}

pub async fn an_installation_and_its_receipts(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let make = move |changes, desk: &mut Desk<'_>| ChangeSet {
        installation: Some(plain_installation(desk, account)),
        ..changes
    };
    let made = shop.write(account, make).await.unwrap().installation.unwrap();
    let stored = shop.store().installation(made.id).await.unwrap();
    let receipt = Installation { counter: 1 << 60, receipt_hash: Some([0xfe; 32]), ..made.clone() };
    let settled = receipt.clone();
    shop.write(account, move |changes, _| ChangeSet { installation: Some(settled), ..changes }).await.unwrap();

    assert_eq!(stored, Some(made));
    assert_eq!(shop.store().installation(receipt.id).await.unwrap().as_ref(), Some(&receipt));
    assert_eq!(shop.store().installations(account, first()).await.unwrap(), [receipt]);
}

pub async fn a_retired_installation_is_found_by_its_id_and_no_longer_by_its_name(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let make = move |changes, desk: &mut Desk<'_>| ChangeSet {
        installation: Some(plain_installation(desk, account)),
        ..changes
    };
    let made = shop.write(account, make).await.unwrap().installation.unwrap();
    let of_name = || Wanted { installation_name: Some(made.name.clone()), ..Wanted::default() };
    let named = shop.view(account, of_name()).await.rights.installation;

    let retirement = Retirement { at: shop.now(), reason: "die Platte 'ist' tot".to_owned() };
    let retired = Installation { retired: Some(retirement), ..made.clone() };
    let written = retired.clone();
    shop.write(account, move |changes, _| ChangeSet { installation: Some(written), ..changes }).await.unwrap();

    assert_eq!(named.as_ref(), Some(&made));
    assert_eq!(shop.store().installation(made.id).await.unwrap().as_ref(), Some(&retired));
    let of_id = Wanted { installation: Some(made.id), ..Wanted::default() };
    assert_eq!(shop.view(account, of_id).await.rights.installation.as_ref(), Some(&retired));
    assert_eq!(shop.view(account, of_name()).await.rights.installation, None);
    // Another has its name.
    let next = shop.write(account, make).await.unwrap().installation.unwrap();
    assert_eq!(shop.view(account, of_name()).await.rights.installation, Some(next.clone()));
    assert_eq!(shop.store().installations(account, first()).await.unwrap(), [retired, next]);
}

pub async fn activation_codes_with_every_field_and_with_none(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let own = shop.makes_code(Some(account)).await;
    let open = shop.makes_code(None).await;
    let grant =
        domain::activation::Grant { kind: Kind::Failback, quantity: 7, term: Term { unit: Unit::Year, count: 9 } };
    let yearly = ActivationCode { id: Id::from_u128(3), grant, ..open.clone() };
    let made = yearly.clone();
    shop.store().add_activation_code(None, move |_| made).await.unwrap();

    assert_eq!(shop.store().activation_code(own.id).await.unwrap().as_ref(), Some(&own));
    assert_eq!(shop.store().activation_code(open.id).await.unwrap().as_ref(), Some(&open));
    assert_eq!(shop.store().activation_codes(first()).await.unwrap(), [yearly, own, open]);
}

pub async fn an_activation_code_that_was_redeemed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let code = shop.makes_code(None).await;
    shop.stand_at("2025-05-09 10:00:00");

    let license_id = shop.redeems(account, code.id).await;

    let redeemed = shop.store().activation_code(code.id).await.unwrap().unwrap();
    let redemption =
        domain::activation::Redemption { code_id: code.id, account_id: account, license_id, at: shop.now() };
    assert_eq!(redeemed, ActivationCode { redeemed: Some(redemption), ..code.clone() });
    assert_eq!(shop.license(license_id).await.code_id, Some(code.id));
}

pub async fn the_number_of_the_last_license_file(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(0).await);
    let file = |seq, installation_id| {
        move |changes, desk: &mut Desk<'_>| {
            let issued = Issued { id: desk.ids.next(desk.now, account.shard()), seq, installation_id, at: desk.now };
            ChangeSet { file: Some(issued), ..changes }
        }
    };
    let wanted = || Wanted { license_file: true, ..Wanted::default() };

    shop.write(account, file(1, None)).await.unwrap();
    shop.write(account, file(7, Some(Id::from_u128(5)))).await.unwrap();

    assert_eq!(shop.view(account, wanted()).await.rights.file_seq, 7);
    assert_eq!(shop.view(other, wanted()).await.rights.file_seq, 0);
}

pub async fn an_order_that_waits_for_payment_and_is_closed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let bought = Purchase { length: Length::Terms(3), ..license_purchase("dr/monthly", 4) };

    let ordered = shop.draft(account, Wanted::default(), |draft| purchase::order(draft, bought, Trigger::Customer));
    let (changes, order) = ordered.await.unwrap();
    let stored = shop.store().order(order.id).await.unwrap();
    let NewPending { order_id, closes_at, .. } = changes.new_pending[0];
    shop.temp.stand_at(closes_at);
    shop.do_due().await;

    assert_eq!((order_id, order.state, order.license_id), (order.id, OrderState::PendingPayment, None));
    assert_eq!(stored.as_ref(), Some(&order));
    let closed = shop.store().order(order_id).await.unwrap().unwrap();
    assert_eq!(closed, domain::order::Order { state: OrderState::Closed, ..order });
    assert_eq!(shop.store().next_due_at().await.unwrap(), None);
}

pub async fn the_order_of_a_license_with_its_consent(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let id = shop.buys_license(account, "dr/thirty", 2).await;
    shop.advance_to("2025-06-08 00:00:00").await;

    let filter = OrderFilter { license_id: Some(id), ..OrderFilter::default() };
    let orders = shop.store().orders(&filter, first()).await.unwrap();

    let told: Vec<_> =
        orders.iter().map(|order| (order.kind, order.terms_version.as_deref(), order.license_id)).collect();
    assert_eq!(told, [(OrderKind::Purchase, Some("1"), Some(id)), (OrderKind::Renewal, None, Some(id))]);
}

pub async fn attempts_to_renew_a_license(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let id = shop.buys_license(account, "dr/thirty", 2).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let full = Attempt {
            id: desk.ids.next(desk.now, account.shard()),
            holding: id.into(),
            at: desk.now,
            outcome: Outcome::Declined,
            reason: Some("no".to_owned()),
            price: Some(amount(5)),
            available: amount(-1),
            order_id: Some(desk.ids.next(desk.now, account.shard())),
        };
        let plain = Attempt {
            id: desk.ids.next(desk.now, account.shard()),
            reason: None,
            price: None,
            order_id: None,
            ..full.clone()
        };
        ChangeSet { attempts: vec![full, plain], ..changes }
    };
    let written = shop.write(account, write).await.unwrap().attempts;

    assert_eq!(shop.store().attempts(id.into(), first()).await.unwrap(), written);
}

/// What happens to licenses and to what uses them, once each.
fn bodies(desk: &Desk<'_>, license_id: LicenseId) -> Vec<Body> {
    let (order_id, at) = (Id::from_u128(4), desk.now);
    let (kind, source, reason) = (Kind::Dr, Source::Code, || "a \"chargeback\"".to_owned());
    let (job_id, host) = (|| job("job-1"), || host("host-1"));
    let (order_id_known, parent_id) = (Some(order_id), Some(license_id));
    vec![
        Body::OrderCompleted { kind: OrderKind::Renewal, amount: amount(5), resource_id: None, license_id: parent_id },
        Body::OrderClosed {},
        Body::LicenseActivated { kind, source, total: 5, expires_at: at, order_id: order_id_known, parent_id },
        Body::LicenseActivated { kind, source, total: 5, expires_at: at, order_id: None, parent_id: None },
        Body::LicenseRenewed { order_id, start: at, expires_at: at, amount: amount(7) },
        Body::LicenseGraceStarted { expires_at: at, ends_at: at },
        Body::LicenseSwitched { auto_renew: true },
        Body::LicenseExpired { expires_at: at },
        Body::LicenseSuspended { reason: reason() },
        Body::LicenseReinstated { reason: reason() },
        Body::LicenseRevoked { reason: reason() },
        Body::HostsReseated { n_moved: 1, n_stranded: 2, stranded: vec![host(), host()] },
        Body::FailbackCommitted { job_id: job_id(), host: host(), license_id, unit: 3 },
        Body::FailbackLapsed { job_id: job_id(), host: host() },
        Body::FailbackRefused { job_id: job_id(), host: host() },
        Body::UnitsCheckedOut { n_units: 5 },
        Body::ReceiptSettled { counter: u64::MAX, n_used: 1, n_unused: 2 },
        Body::ReceiptRefused { counter: 1, last: 2 },
        Body::ReminderSent {
            reason: ReminderReason::Expiring,
            resources: vec![Reminded::of(license_id.into(), at, Some(at)), Reminded::of(license_id.into(), at, None)],
        },
    ]
}

pub async fn events_of_licenses_about_every_subject(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let license_id = desk.ids.next(desk.now, account.shard());
        let subjects = [
            Subject::License(license_id),
            Subject::Failback(Id::from_u128(6)),
            Subject::Installation(Id::from_u128(7)),
            Subject::Order(Id::from_u128(8)),
        ];
        let told = bodies(desk, license_id).into_iter().zip(subjects.into_iter().cycle());
        let events = told.map(|(body, subject)| Event {
            id: desk.ids.next(desk.now, account.shard()),
            account_id: account,
            at: desk.now,
            subject,
            body,
        });
        ChangeSet { events: events.collect(), ..changes }
    };
    let written = shop.write(account, write).await.unwrap().events;

    let filter = EventFilter { account_id: Some(account), ..EventFilter::default() };
    let stored = shop.store().events(&filter, first()).await.unwrap();
    let read = |event: &store::StoredEvent| -> (_, _, _, serde_json::Value) {
        (event.id, event.kind.clone(), event.subject.clone(), serde_json::from_str(&event.data).unwrap())
    };
    let told = |event: &Event| {
        let data = serde_json::to_value(&event.body).unwrap();
        (event.id, event.body.name().to_owned(), event.subject.to_string(), data)
    };
    assert_eq!(stored.iter().map(read).collect::<Vec<_>>(), written.iter().map(told).collect::<Vec<_>>());
}

pub async fn many_rows_of_licenses_at_once(temp: TempStore) {
    const N: u32 = 37;
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let write = move |changes, desk: &mut Desk<'_>| {
        let license = plain_license(desk, account);
        let allocations = (1..=N).map(|number| open_allocation(desk, &license, number, Trigger::Customer)).collect();
        let assignment = |number: u32| Assignment {
            id: desk.ids.next(desk.now, account.shard()),
            account_id: account,
            host: host(&format!("host-{number}")),
            name: None,
            unit: Some(unit(license.id, number)),
            assigned_at: desk.now,
            released_at: None,
        };
        let assignments = (1..=N).map(assignment).collect();
        ChangeSet { allocations, assignments, ..with_license(changes, &license) }
    };
    let written = shop.write(account, write).await.unwrap();

    let (store, id) = (shop.store(), written.new_licenses[0].id);
    assert_eq!(store.allocations(id, first()).await.unwrap(), written.allocations);
    let filter = store::AssignmentFilter { license_id: Some(id), ..store::AssignmentFilter::default() };
    assert_eq!(store.assignments(&filter, first()).await.unwrap(), written.assignments);
}
