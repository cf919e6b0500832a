//! What licenses promise is held by the database itself: one unit, one user; used once, for ever.

use std::convert::Infallible;

use domain::account::Wallet;
use domain::activation::Redemption;
use domain::assignment::Assignment;
use domain::change::{ChangeSet, NewPending};
use domain::failback::{self, Failback};
use domain::id::{AccountId, Id};
use domain::installation::{Installation, Retirement};
use domain::license::{License, State, Subscription};
use domain::license_file::Issued;
use domain::order::{Order, OrderKind, OrderState, Trigger};
use domain::payment::Cause;
use domain::time::Period;
use domain::unit::{Allocation, AllocationEnd, Closing, Ending, Unit, UnitCounts, Use};
use store::{AssignmentFilter, Desk, EventFilter, FailbackFilter, LicenseFilter, OrderFilter, TransactError};
use testkit::rules::{amount, license_purchase};
use testkit::store::TempStore;

use crate::licensing::{host, installation_name, job, unit};
use crate::shop::{Shop, first};

type Refusal = TransactError<Infallible>;

/// An account with five DR units, of which the first protects `host-1`, and the five failback units that came free: the
/// first is reserved, the second an installation has taken along, the third is consumed.
struct Tenant {
    shop: Shop,
    account: AccountId,
    dr: License,
    bonus: License,
    assignment: Assignment,
    reserved: Failback,
    installation: Installation,
}

impl Tenant {
    async fn of(temp: TempStore) -> Self {
        let shop = Shop::open(temp).await;
        let account = shop.account(100_000).await;
        let dr = shop.buys_license(account, "dr/thirty", 5).await;
        let assignment = shop.assign(account, "host-1").await;
        let reserved = shop.starts(account, "job-1", "host-1").await;
        let installation = shop.registers(account, "site-1").await;
        shop.checks_out(account, installation, 1).await;
        let consumed = shop.starts(account, "job-2", "host-1").await;
        shop.commits(account, consumed.id).await;
        let installation = shop.store().installation(installation).await.unwrap().unwrap();
        let (bonus, dr) = (shop.bonus_of(dr).await, shop.license(dr).await);
        Self { shop, account, dr, bonus, assignment, reserved, installation }
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
    async fn refusal(&self, forbid: impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static) -> Refusal {
        let before = self.state().await;

        let refused = self.write(|changes, desk| {
            let allowed = ChangeSet { wallet: Wallet { gift: amount(5), ..changes.wallet }, ..changes };
            forbid(allowed, desk)
        });
        let refused = refused.await;

        assert_eq!(self.state().await, before);
        refused.expect_err("what is forbidden is refused")
    }

    async fn write(
        &self,
        make: impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static,
    ) -> Result<ChangeSet, Refusal> {
        self.shop.write(self.account, make).await
    }

    /// All that the account holds, and what happened to it.
    async fn state(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let store = self.shop.store();
        let rights = (
            store.licenses(&LicenseFilter::default(), first()).await.unwrap(),
            store.assignments(&AssignmentFilter::default(), first()).await.unwrap(),
            store.failbacks(&FailbackFilter::default(), first()).await.unwrap(),
            store.allocations(self.dr.id, first()).await.unwrap(),
            store.allocations(self.bonus.id, first()).await.unwrap(),
            store.installations(self.account, first()).await.unwrap(),
            store.checked_out(self.installation.id).await.unwrap(),
            store.activation_codes(first()).await.unwrap(),
        );
        let orders = store.orders(&OrderFilter::default(), first()).await.unwrap();
        let events = store.events(&EventFilter::default(), first()).await.unwrap();
        (self.shop.row(self.account).await, rights, orders, events)
    }
}

fn using(units: Vec<Unit>) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    move |changes, _| ChangeSet { units, ..changes }
}

pub async fn a_license_has_no_more_units_than_were_sold(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let beyond = |number| vec![Unit { id: unit(tenant.dr.id, number), usage: Use::Assigned(tenant.assignment.id) }];

    tenant.check_bug(using(beyond(6))).await;
    tenant.check_bug(using(beyond(0))).await;
    tenant.write(using(beyond(5))).await.unwrap();
}

pub async fn a_unit_belongs_to_a_license(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let stray = Unit { id: unit(Id::from_u128(1), 1), usage: Use::Free };

    tenant.check_bug(using(vec![stray])).await;
}

pub async fn what_is_consumed_is_never_used_again(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let id = unit(tenant.bonus.id, 3);

    tenant.check_bug(using(vec![Unit { id, usage: Use::Free }])).await;
    tenant.check_bug(using(vec![Unit { id, usage: Use::Reserved(tenant.reserved.id) }])).await;
    tenant.check_bug(using(vec![Unit { id, usage: Use::Consumed(tenant.reserved.id) }])).await;
}

/// A change of the DR license.
fn changed(
    license: &License,
    change: impl FnOnce(License) -> License,
) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    let changed = change(license.clone());
    move |changes, _| ChangeSet { changed_licenses: vec![changed], ..changes }
}

fn counting(
    license: &License,
    units: UnitCounts,
) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    changed(license, move |license| License { units, ..license })
}

pub async fn a_license_counts_no_more_units_than_were_used_or_sold(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let none = UnitCounts::default();

    tenant.check_bug(counting(&tenant.dr, UnitCounts { touched: 6, assigned: 6, ..none })).await;
    tenant.check_bug(counting(&tenant.dr, UnitCounts { touched: 2, assigned: 3, ..none })).await;
    tenant
        .check_bug(counting(&tenant.dr, UnitCounts { touched: 3, reserved: 2, consumed: 1, checked_out: 1, ..none }))
        .await;
    tenant.write(counting(&tenant.dr, UnitCounts { touched: 5, assigned: 5, ..none })).await.unwrap();
}

pub async fn the_term_of_a_license_does_not_end_before_it_starts(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let dr = &tenant.dr;

    tenant.check_bug(changed(dr, |dr| License { expires_at: dr.term_started_at, ..dr })).await;
    tenant.check_bug(changed(dr, |dr| License { ends_at: dr.expires_at.plus_seconds(-1), ..dr })).await;
}

pub async fn a_license_that_has_ended_has_an_end_and_no_other_has(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let (dr, now) = (&tenant.dr, tenant.shop.now());

    tenant.check_bug(changed(dr, |dr| License { state: State::Expired, ..dr })).await;
    tenant.check_bug(changed(dr, |dr| License { state: State::Revoked, ..dr })).await;
    tenant.check_bug(changed(dr, |dr| License { ended_at: Some(now), ..dr })).await;
}

pub async fn what_was_not_bought_has_no_switch(temp: TempStore) {
    let tenant = Tenant::of(temp).await;

    tenant.check_bug(changed(&tenant.bonus, |bonus| License { auto_renew: true, ..bonus })).await;
}

pub async fn what_was_bought_stays_bought(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let (dr, bonus) = (&tenant.dr, &tenant.bonus);
    let subscription: Option<Subscription> = dr.subscription;

    tenant.check_bug(changed(dr, |dr| License { subscription: None, auto_renew: false, ..dr })).await;
    tenant.check_bug(changed(bonus, |bonus| License { subscription, ..bonus })).await;
}

pub async fn the_id_of_a_license_is_used_once(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let again = License { parent_id: None, ..tenant.dr.clone() };

    tenant.check_conflict(move |changes, _| ChangeSet { new_licenses: vec![again], ..changes }).await;
}

/// A license like another, with an id of its own.
fn like(
    license: &License,
    change: impl FnOnce(License) -> License,
) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    let license = change(License { parent_id: None, code_id: None, units: UnitCounts::default(), ..license.clone() });
    move |changes, desk: &mut Desk<'_>| {
        let id = desk.ids.next(desk.now, license.account_id.shard());
        ChangeSet { new_licenses: vec![License { id, ..license }], ..changes }
    }
}

pub async fn a_license_has_one_bonus(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let parent_id = Some(tenant.dr.id);

    tenant.check_conflict(like(&tenant.bonus, |bonus| License { parent_id, ..bonus })).await;
    tenant.write(like(&tenant.bonus, |bonus| bonus)).await.unwrap();
}

pub async fn a_code_makes_one_license(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let code_id = Some(tenant.shop.makes_code(None).await.id);
    tenant.write(like(&tenant.bonus, |bonus| License { code_id, ..bonus })).await.unwrap();

    tenant.check_conflict(like(&tenant.bonus, |bonus| License { code_id, ..bonus })).await;
}

pub async fn a_code_is_redeemed_once(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let code_id = tenant.shop.makes_code(None).await.id;
    let license_id = tenant.shop.redeems(tenant.account, code_id).await;
    let redemption = Redemption { code_id, account_id: tenant.account, license_id, at: tenant.shop.now() };

    tenant.refusal(move |changes, _| ChangeSet { redemption: Some(redemption), ..changes }).await;
}

/// An order about the whole term of a license.
fn order(desk: &mut Desk<'_>, license: &License, kind: OrderKind) -> Order {
    Order {
        id: desk.ids.next(desk.now, license.id.shard()),
        account_id: license.account_id,
        kind,
        state: OrderState::Completed,
        trigger: Trigger::Auto,
        amount: amount(0),
        currency: "CNY".parse().unwrap(),
        resource_id: None,
        license_id: Some(license.id),
        sold: None,
        lines: Vec::new(),
        period: Period::new(license.term_started_at, license.expires_at),
        created_at: desk.now,
        completed_at: Some(desk.now),
        superseded_by: None,
        terms_version: None,
    }
}

pub async fn a_second_charge_for_one_term_of_a_license_is_a_conflict(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let dr = tenant.dr.clone();

    let renewal =
        move |changes, desk: &mut Desk<'_>| ChangeSet { orders: vec![order(desk, &dr, OrderKind::Renewal)], ..changes };

    tenant.check_conflict(renewal).await;
}

/// Another assignment of the same account.
fn assigning(
    assignment: &Assignment,
    change: impl FnOnce(Assignment) -> Assignment,
) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    let assignment = change(assignment.clone());
    move |changes, desk: &mut Desk<'_>| {
        let id = desk.ids.next(desk.now, assignment.account_id.shard());
        ChangeSet { assignments: vec![Assignment { id, ..assignment }], ..changes }
    }
}

pub async fn a_host_is_assigned_once_until_it_is_released(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let (assignment, released_at) = (&tenant.assignment, Some(tenant.shop.now()));
    let other_unit = Some(unit(tenant.dr.id, 2));

    tenant.check_conflict(assigning(assignment, |other| Assignment { unit: other_unit, ..other })).await;
    // Stranded is assigned, too.
    tenant.check_conflict(assigning(assignment, |other| Assignment { unit: None, ..other })).await;
    tenant.write(assigning(assignment, |other| Assignment { released_at, ..other })).await.unwrap();
    tenant.shop.release(tenant.account, assignment.id).await;
    tenant.write(assigning(assignment, |other| Assignment { unit: other_unit, ..other })).await.unwrap();
}

pub async fn hosts_of_two_accounts_may_have_one_name(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let other = tenant.shop.account(50_000).await;
    tenant.shop.buys_license(other, "dr/thirty", 1).await;

    let assigned = tenant.shop.assign(other, "host-1").await;

    assert_eq!(assigned.host, tenant.assignment.host);
}

pub async fn a_unit_protects_one_host(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let assignment = &tenant.assignment;

    tenant.check_conflict(assigning(assignment, |other| Assignment { host: host("host-2"), ..other })).await;
    // Those that are stranded have no unit, and exclude nobody.
    tenant
        .write(assigning(assignment, |other| Assignment { host: host("host-2"), unit: None, ..other }))
        .await
        .unwrap();
    tenant
        .write(assigning(assignment, |other| Assignment { host: host("host-3"), unit: None, ..other }))
        .await
        .unwrap();
    tenant.shop.release(tenant.account, assignment.id).await;
    tenant.write(assigning(assignment, |other| Assignment { host: host("host-4"), ..other })).await.unwrap();
}

/// Another failback of the same account.
fn starting(
    failback: &Failback,
    change: impl FnOnce(Failback) -> Failback,
) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    let failback = change(failback.clone());
    move |changes, desk: &mut Desk<'_>| {
        let id = desk.ids.next(desk.now, failback.account_id.shard());
        ChangeSet { failbacks: vec![Failback { id, ..failback }], ..changes }
    }
}

pub async fn a_job_is_one_failback_for_ever(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let (reserved, other_unit) = (&tenant.reserved, unit(tenant.bonus.id, 4));

    tenant.check_conflict(starting(reserved, |other| Failback { unit: other_unit, ..other })).await;
    tenant.shop.cancels(tenant.account, reserved.id).await;
    tenant.check_conflict(starting(reserved, |other| Failback { unit: other_unit, ..other })).await;
}

pub async fn jobs_of_two_accounts_may_have_one_name(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let other = tenant.shop.account(50_000).await;
    tenant.shop.buys_license(other, "fb/thirty", 1).await;

    let started = tenant.shop.starts(other, "job-1", "host-1").await;

    assert_eq!(started.job_id, tenant.reserved.job_id);
}

pub async fn a_unit_pays_for_one_failback(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let (reserved, now) = (&tenant.reserved, Some(tenant.shop.now()));
    let (consumed, other) = (unit(tenant.bonus.id, 3), || job("job-3"));
    let committed = failback::State::Committed;

    tenant.check_conflict(starting(reserved, |more| Failback { job_id: other(), ..more })).await;
    tenant.check_conflict(starting(reserved, |more| Failback { job_id: other(), unit: consumed, ..more })).await;
    tenant
        .check_conflict(starting(reserved, |more| Failback {
            job_id: other(),
            state: committed,
            ended_at: now,
            ..more
        }))
        .await;
    let lapsed = |more| Failback { job_id: other(), state: failback::State::Lapsed, ended_at: now, ..more };
    tenant.write(starting(reserved, lapsed)).await.unwrap();
}

pub async fn a_failback_that_runs_has_no_end_and_every_other_has(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let (reserved, now) = (&tenant.reserved, Some(tenant.shop.now()));
    let change =
        |failback: Failback| move |changes, _: &mut Desk<'_>| ChangeSet { failbacks: vec![failback], ..changes };

    tenant.check_bug(change(Failback { ended_at: now, ..reserved.clone() })).await;
    tenant.check_bug(change(Failback { state: failback::State::Committed, ..reserved.clone() })).await;
    tenant.check_bug(change(Failback { state: failback::State::Lapsed, ..reserved.clone() })).await;
}

/// A row of the log for a unit of the DR license.
fn logging(
    license: &License,
    number: u32,
    ends_after: Option<i64>,
) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    let license_id = license.id;
    move |changes, desk: &mut Desk<'_>| {
        let end = ends_after.map(|seconds| AllocationEnd {
            at: desk.now.plus_seconds(seconds),
            by: Trigger::Customer,
            ending: Ending::Released,
        });
        let row = Allocation {
            id: desk.ids.next(desk.now, license_id.shard()),
            unit: unit(license_id, number),
            user: "host-9".to_owned(),
            started_at: desk.now,
            started_by: Trigger::Customer,
            end,
        };
        ChangeSet { allocations: vec![row], ..changes }
    }
}

pub async fn the_log_has_one_open_row_for_a_unit(temp: TempStore) {
    let tenant = Tenant::of(temp).await;

    tenant.check_conflict(logging(&tenant.dr, 1, None)).await;
    tenant.write(logging(&tenant.dr, 1, Some(0))).await.unwrap();
    tenant.write(logging(&tenant.dr, 2, None)).await.unwrap();
}

pub async fn a_use_does_not_end_before_it_starts(temp: TempStore) {
    let tenant = Tenant::of(temp).await;

    tenant.check_bug(logging(&tenant.dr, 2, Some(-1))).await;
}

pub async fn a_use_that_is_not_open_does_not_end(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let end = AllocationEnd { at: tenant.shop.now(), by: Trigger::Customer, ending: Ending::Released };
    let closing = |number| {
        let closing = Closing { unit: unit(tenant.dr.id, number), end };
        move |changes, _: &mut Desk<'_>| ChangeSet { closings: vec![closing], ..changes }
    };

    tenant.refusal(closing(2)).await;
    tenant.write(closing(1)).await.unwrap();
    tenant.refusal(closing(1)).await;
}

fn installing(installation: Installation) -> impl FnOnce(ChangeSet, &mut Desk<'_>) -> ChangeSet + Send + 'static {
    move |changes, _| ChangeSet { installation: Some(installation), ..changes }
}

pub async fn a_name_is_one_installation_of_an_account(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let other = tenant.shop.account(0).await;
    let twin = Installation { id: Id::from_u128(9), ..tenant.installation.clone() };

    tenant.check_conflict(installing(twin)).await;
    tenant.shop.registers(other, "site-1").await;
    let named = Installation { id: Id::from_u128(9), name: installation_name("site-2"), ..tenant.installation.clone() };
    tenant.write(installing(named)).await.unwrap();
}

pub async fn the_counter_of_an_installation_does_not_fall(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let counting = |counter| installing(Installation { counter, ..tenant.installation.clone() });
    tenant.write(counting(5)).await.unwrap();

    tenant.check_bug(counting(4)).await;
    tenant.write(counting(5)).await.unwrap();
    tenant.write(counting(9)).await.unwrap();
}

pub async fn a_retired_installation_stays_retired(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let retired = Some(Retirement { at: tenant.shop.now(), reason: "the disk is dead".to_owned() });
    tenant.write(installing(Installation { retired, ..tenant.installation.clone() })).await.unwrap();

    tenant.check_bug(installing(tenant.installation.clone())).await;
    let twin = Installation { id: Id::from_u128(9), ..tenant.installation.clone() };
    tenant.write(installing(twin)).await.unwrap();
}

pub async fn the_numbers_of_license_files_are_used_once(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let account = tenant.account;
    let file = |seq| {
        move |changes, desk: &mut Desk<'_>| {
            let id = desk.ids.next(desk.now, account.shard());
            ChangeSet { file: Some(Issued { id, seq, installation_id: None, at: desk.now }), ..changes }
        }
    };
    tenant.write(file(1)).await.unwrap();

    tenant.check_conflict(file(1)).await;
    tenant.check_bug(file(0)).await;
    tenant.write(file(2)).await.unwrap();
}

pub async fn an_order_waits_for_payment_once_and_is_closed_once(temp: TempStore) {
    let tenant = Tenant::of(temp).await;
    let (dr, closes_at) = (tenant.dr.clone(), tenant.shop.now().plus_seconds(60));
    let waits = move |changes, desk: &mut Desk<'_>| {
        let waiting =
            Order { state: OrderState::PendingPayment, license_id: None, ..order(desk, &dr, OrderKind::Purchase) };
        let cause = Cause::Purchase(license_purchase("dr/monthly", 1));
        let new = NewPending { order_id: waiting.id, closes_at, closes_itself_at: Some(closes_at), cause };
        ChangeSet { new_pending: vec![new], orders: vec![waiting], ..changes }
    };
    let waiting = tenant.write(waits).await.unwrap();
    let again = waiting.new_pending.clone();
    let order_id = waiting.orders[0].id;
    let close = |id| move |changes, _: &mut Desk<'_>| ChangeSet { closed_orders: vec![(id, closes_at)], ..changes };

    tenant.check_conflict(move |changes, _| ChangeSet { new_pending: again, ..changes }).await;
    tenant.refusal(close(Id::from_u128(1))).await;
    tenant.write(close(order_id)).await.unwrap();
    tenant.refusal(close(order_id)).await;
}

pub async fn a_change_of_a_license_that_is_not_there_writes_nothing(temp: TempStore) {
    let tenant = Tenant::of(temp).await;

    tenant.refusal(changed(&tenant.dr, |dr| License { id: Id::from_u128(1), ..dr })).await;
}
