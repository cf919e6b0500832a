//! Lists of licenses and of what uses their units: in order, page by page, with filters.

use domain::activation::Intervention;
use domain::change::ChangeSet;
use domain::failback;
use domain::id::{AccountId, Id, LicenseId};
use domain::license::{Kind, License, Source, State, Status};
use domain::time::Instant;
use domain::unit::UnitCounts;
use store::{AssignmentFilter, Desk, FailbackFilter, LicenseFilter, OwnedId, Page};
use testkit::store::TempStore;

use crate::licensing::{host, unit};
use crate::round_trips_rights::plain_license;
use crate::shop::{Shop, first};

fn ids(licenses: &[License]) -> Vec<LicenseId> {
    licenses.iter().map(|license| license.id).collect()
}

async fn listed(shop: &Shop, filter: LicenseFilter) -> Vec<LicenseId> {
    ids(&shop.store().licenses(&filter, first()).await.unwrap())
}

pub async fn licenses_by_account_kind_and_source(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(50_000).await, shop.account(0).await);
    let dr = shop.buys_license(account, "dr/thirty", 1).await;
    let bonus = shop.bonus_of(dr).await.id;
    let granted = shop.grant(other, Kind::Dr, 1, 3).await;
    let fb = shop.buys_license(account, "fb/thirty", 1).await;
    let code = shop.makes_code(None).await.id;
    let redeemed = shop.redeems(other, code).await;
    let all = LicenseFilter::default;

    assert_eq!(listed(&shop, all()).await, [dr, bonus, granted, fb, redeemed]);
    assert_eq!(listed(&shop, LicenseFilter { account_id: Some(other), ..all() }).await, [granted, redeemed]);
    assert_eq!(listed(&shop, LicenseFilter { kind: Some(Kind::Dr), ..all() }).await, [dr, granted, redeemed]);
    assert_eq!(listed(&shop, LicenseFilter { source: Some(Source::Bonus), ..all() }).await, [bonus]);
    assert_eq!(listed(&shop, LicenseFilter { source: Some(Source::Code), ..all() }).await, [redeemed]);
    let bought = LicenseFilter { source: Some(Source::Purchase), kind: Some(Kind::Failback), ..all() };
    assert_eq!(listed(&shop, bought).await, [fb]);
    let now = shop.now();
    let valid = LicenseFilter { status: Some((Status::Valid, now)), account_id: Some(other), ..all() };
    assert_eq!(listed(&shop, valid).await, [granted, redeemed]);
}

pub async fn licenses_oldest_first_page_by_page(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let mut expected = Vec::new();
    expected.push(shop.grant(account, Kind::Dr, 1, 3).await);
    expected.push(shop.grant(account, Kind::Failback, 1, 1).await);
    expected.push(shop.grant(account, Kind::Dr, 1, 2).await);
    let status = Some((Status::Valid, shop.now()));
    let filters = [
        LicenseFilter::default(),
        LicenseFilter { account_id: Some(account), ..LicenseFilter::default() },
        LicenseFilter { account_id: Some(account), status, ..LicenseFilter::default() },
    ];

    for filter in filters {
        let page = |after, limit| shop.store().licenses(&filter, Page { after, limit });
        assert_eq!(ids(&page(None, 2).await.unwrap()), expected[..2]);
        assert_eq!(ids(&page(Some(expected[1]), 2).await.unwrap()), expected[2..]);
        assert_eq!(ids(&page(Some(expected[2]), 2).await.unwrap()), []);
        assert_eq!(ids(&page(None, 0).await.unwrap()), []);
    }
}

const STATUSES: [Status; 6] =
    [Status::Valid, Status::Grace, Status::Expired, Status::Exhausted, Status::Suspended, Status::Revoked];

/// A license in every state, of every kind, used up or not; the first term ends at `expires_at`.
fn in_every_state(desk: &mut Desk<'_>, account: AccountId, expires_at: Instant) -> Vec<License> {
    let used = [0, 4, 5].map(|consumed| UnitCounts { touched: 5, consumed, ..UnitCounts::default() });
    let graces = [0, 600];
    let mut licenses = Vec::new();
    for state in State::ALL {
        for kind in [Kind::Dr, Kind::Failback] {
            for (units, grace) in used.into_iter().zip(graces.into_iter().cycle()).chain([(used[2], 600)]) {
                let (ends_at, ended_at) = (expires_at.plus_seconds(grace), state.is_final().then_some(expires_at));
                let plain = plain_license(desk, account);
                licenses.push(License { state, kind, units, total: 5, expires_at, ends_at, ended_at, ..plain });
            }
        }
    }
    licenses
}

pub async fn the_status_in_a_list_is_that_of_the_rules(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let expires_at = shop.at("2025-06-01 00:00:00");
    let write = move |changes, desk: &mut Desk<'_>| ChangeSet {
        new_licenses: in_every_state(desk, account, expires_at),
        ..changes
    };
    let licenses = shop.write(account, write).await.unwrap().new_licenses;

    let mut n_seen = [0; STATUSES.len()];
    for after in [-601, -1, 0, 1, 599, 600, 601] {
        let now = expires_at.plus_seconds(after);
        for (status, n_seen) in STATUSES.into_iter().zip(&mut n_seen) {
            let by_rule: Vec<_> = licenses.iter().filter(|license| license.status(now) == status).cloned().collect();
            let filter = LicenseFilter { status: Some((status, now)), ..LicenseFilter::default() };
            assert_eq!(listed(&shop, filter).await, ids(&by_rule), "{status:?} {after} seconds after the expiry");
            *n_seen += by_rule.len();
        }
    }
    assert!(n_seen.iter().all(|n| *n > 0), "{n_seen:?}");
}

pub async fn live_licenses_are_those_that_have_not_ended(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(50_000).await, shop.account(0).await);
    let dr = shop.buys_license(account, "dr/thirty", 1).await;
    let bonus = shop.bonus_of(dr).await.id;
    let revoked = shop.grant(account, Kind::Dr, 1, 3).await;
    shop.intervene(account, revoked, Intervention::Revoke).await;
    let suspended = shop.grant(account, Kind::Dr, 1, 3).await;
    shop.intervene(account, suspended, Intervention::Suspend).await;
    shop.grant(other, Kind::Dr, 1, 3).await;
    let live = || async { ids(&shop.store().live_licenses(account).await.unwrap()) };

    let before = live().await;
    shop.advance_to("2025-06-08 00:00:00").await;

    assert_eq!(before, [dr, bonus, suspended]);
    assert_eq!(live().await, [dr, suspended]);
}

pub async fn assignments_by_account_host_and_license(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(0).await);
    let (one, two) = (shop.grant(account, Kind::Dr, 2, 1).await, shop.grant(account, Kind::Dr, 5, 2).await);
    shop.grant(other, Kind::Dr, 5, 2).await;
    let hosts = shop.assigns(account, &["host-1", "host-2", "host-3", "host-4"]).await;
    let others = shop.assign(other, "host-3").await;
    shop.release(account, hosts[1].id).await;
    let all = AssignmentFilter::default;
    let listed = |filter: AssignmentFilter| {
        let store = shop.store().clone();
        async move { store.assignments(&filter, first()).await.unwrap() }
    };

    let live = [&hosts[0], &hosts[2], &hosts[3], &others].map(Clone::clone);
    assert_eq!(listed(all()).await, live);
    assert_eq!(listed(AssignmentFilter { account_id: Some(account), ..all() }).await, live[..3]);
    assert_eq!(listed(AssignmentFilter { license_id: Some(one), ..all() }).await, live[..1]);
    assert_eq!(listed(AssignmentFilter { license_id: Some(two), ..all() }).await, live[1..3]);
    assert_eq!(
        listed(AssignmentFilter { host: Some(host("host-3")), ..all() }).await,
        live[1..].iter().filter(|row| row.host == host("host-3")).cloned().collect::<Vec<_>>()
    );
    assert_eq!(listed(AssignmentFilter { host: Some(host("host-2")), ..all() }).await, []);
    let own = AssignmentFilter { account_id: Some(other), host: Some(host("host-3")), ..all() };
    assert_eq!(listed(own).await, [others]);
    let foreign = AssignmentFilter { account_id: Some(other), license_id: Some(one), ..all() };
    assert_eq!(listed(foreign).await, []);
}

pub async fn assignments_oldest_first_page_by_page(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let license = shop.grant(account, Kind::Dr, 5, 1).await;
    let hosts = shop.assigns(account, &["z", "y", "x", "w", "v"]).await;
    shop.release(account, hosts[1].id).await;
    let filters = [
        AssignmentFilter::default(),
        AssignmentFilter { account_id: Some(account), ..AssignmentFilter::default() },
        AssignmentFilter { license_id: Some(license), ..AssignmentFilter::default() },
    ];

    for filter in filters {
        let page = |after, limit| shop.store().assignments(&filter, Page { after, limit });
        assert_eq!(page(None, 2).await.unwrap(), [hosts[0].clone(), hosts[2].clone()]);
        // A page goes on behind its last row, also when that was released meanwhile.
        assert_eq!(page(Some(hosts[1].id), 9).await.unwrap(), hosts[2..]);
        assert_eq!(page(Some(hosts[4].id), 9).await.unwrap(), []);
    }
}

pub async fn failbacks_by_account_state_and_host(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(0).await);
    shop.grant(account, Kind::Failback, 5, 3).await;
    shop.grant(other, Kind::Failback, 5, 3).await;
    let one = shop.starts(account, "job-1", "host-1").await.id;
    let two = shop.starts(account, "job-2", "host-2").await.id;
    let three = shop.starts(other, "job-1", "host-1").await.id;
    let four = shop.starts(account, "job-3", "host-1").await.id;
    shop.commits(account, two).await;
    shop.cancels(account, one).await;
    let all = FailbackFilter::default;
    let listed = |filter: FailbackFilter, page| {
        let store = shop.store().clone();
        async move {
            let found = store.failbacks(&filter, page).await.unwrap();
            found.iter().map(|failback| failback.id).collect::<Vec<_>>()
        }
    };

    assert_eq!(listed(all(), first()).await, [one, two, three, four]);
    assert_eq!(listed(FailbackFilter { account_id: Some(account), ..all() }, first()).await, [one, two, four]);
    assert_eq!(listed(FailbackFilter { host: Some(host("host-1")), ..all() }, first()).await, [one, three, four]);
    let reserved = FailbackFilter { state: Some(failback::State::Reserved), ..all() };
    assert_eq!(listed(reserved.clone(), first()).await, [three, four]);
    let own = FailbackFilter { account_id: Some(account), host: Some(host("host-1")), ..reserved };
    assert_eq!(listed(own, first()).await, [four]);
    assert_eq!(listed(all(), Page { after: Some(two), limit: 1 }).await, [three]);
}

pub async fn installations_of_an_account(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(0).await);
    let mut expected = Vec::new();
    expected.push(shop.registers(account, "z").await);
    expected.push(shop.registers(account, "y").await);
    expected.push(shop.registers(account, "x").await);
    shop.registers(other, "z").await;
    let listed = |page| {
        let store = shop.store().clone();
        async move {
            let found = store.installations(account, page).await.unwrap();
            found.iter().map(|installation| installation.id).collect::<Vec<_>>()
        }
    };

    assert_eq!(listed(first()).await, expected);
    assert_eq!(listed(Page { after: Some(expected[0]), limit: 1 }).await, expected[1..2]);
}

pub async fn units_that_are_checked_out_by_license_and_number(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let (later, sooner) =
        (shop.grant(account, Kind::Failback, 5, 3).await, shop.grant(account, Kind::Failback, 2, 1).await);
    let (one, other) = (shop.registers(account, "site-1").await, shop.registers(account, "site-2").await);

    shop.checks_out(account, one, 1).await;
    shop.checks_out(account, other, 2).await;
    shop.checks_out(account, one, 1).await;

    assert_eq!(shop.store().checked_out(one).await.unwrap(), [unit(later, 2), unit(sooner, 1)]);
    assert_eq!(shop.store().checked_out(other).await.unwrap(), [unit(later, 1), unit(sooner, 2)]);
}

pub async fn activation_codes_page_by_page(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let codes = [shop.makes_code(None).await, shop.makes_code(Some(account)).await, shop.makes_code(None).await];

    let page = |after, limit| shop.store().activation_codes(Page { after, limit });

    assert_eq!(page(None, 2).await.unwrap(), codes[..2]);
    assert_eq!(page(Some(codes[1].id), 2).await.unwrap(), codes[2..]);
}

pub async fn the_allocation_log_of_one_license_page_by_page(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let one = shop.grant(account, Kind::Dr, 3, 1).await;
    let hosts = shop.assigns(account, &["host-1", "host-2", "host-3"]).await;
    let other = shop.grant(account, Kind::Dr, 3, 1).await;
    shop.assign(account, "host-4").await;
    shop.release(account, hosts[0].id).await;
    shop.assign(account, "host-5").await;

    let log = shop.store().allocations(one, first()).await.unwrap();
    let page = Page { after: Some(log[0].id), limit: 2 };

    let users: Vec<_> = log.iter().map(|row| row.user.as_str()).collect();
    assert_eq!(users, ["host-1", "host-2", "host-3", "host-5"]);
    assert_eq!(shop.store().allocations(one, page).await.unwrap(), log[1..3]);
    assert_eq!(shop.store().allocations(other, first()).await.unwrap().len(), 1);
}

pub async fn everything_knows_its_account(temp: TempStore) {
    let shop = Shop::open(temp).await;
    shop.account(0).await;
    let account = shop.account(50_000).await;
    let license = shop.buys_license(account, "dr/thirty", 1).await;
    let assignment = shop.assign(account, "host-1").await.id;
    let failback = shop.starts(account, "job-1", "host-1").await.id;
    let installation = shop.registers(account, "site-1").await;

    let owner = |id: OwnedId| shop.store().account_of(id);

    assert_eq!(owner(license.into()).await.unwrap(), Some(account));
    assert_eq!(owner(assignment.into()).await.unwrap(), Some(account));
    assert_eq!(owner(failback.into()).await.unwrap(), Some(account));
    assert_eq!(owner(installation.into()).await.unwrap(), Some(account));
    // An id says nothing of another kind.
    assert_eq!(owner(OwnedId::Failback(Id::from_u128(license.as_u128()))).await.unwrap(), None);
}

pub async fn no_right_is_there_that_was_not_made(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let store = shop.store();

    assert_eq!(store.license(Id::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.live_licenses(Id::from_u128(1)).await.unwrap(), []);
    assert_eq!(store.allocations(Id::from_u128(1), first()).await.unwrap(), []);
    assert_eq!(store.assignment(Id::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.failback(Id::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.installation(Id::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.installations(Id::from_u128(1), first()).await.unwrap(), []);
    assert_eq!(store.checked_out(Id::from_u128(1)).await.unwrap(), []);
    assert_eq!(store.activation_code(Id::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.account_of(OwnedId::License(Id::from_u128(1))).await.unwrap(), None);
    assert_eq!(store.account_of(OwnedId::Installation(Id::from_u128(1))).await.unwrap(), None);
}
