//! What a verdict looks at.

use domain::activation::Intervention;
use domain::id::AccountId;
use domain::license::Kind;
use domain::verdict::Evidence;
use testkit::store::TempStore;

use crate::licensing::host;
use crate::shop::Shop;

async fn evidence(shop: &Shop, account: AccountId, name: &str) -> Evidence {
    shop.store().evidence(account, Some(&host(name))).await.unwrap().unwrap()
}

pub async fn an_account_that_is_not_there_has_none(temp: TempStore) {
    let shop = Shop::open(temp).await;

    assert_eq!(shop.store().evidence(AccountId::from_u128(1), None).await.unwrap(), None);
    assert_eq!(shop.store().evidence(AccountId::from_u128(1), Some(&host("host-1"))).await.unwrap(), None);
}

pub async fn an_account_without_licenses_has_nothing(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let nothing = Evidence { licenses: vec![], had_dr: false, assignment: None, failback: None, due_at: None };

    assert_eq!(shop.store().evidence(account, None).await.unwrap(), Some(nothing.clone()));
    assert_eq!(evidence(&shop, account, "host-1").await, nothing);
}

pub async fn a_host_has_its_assignment_and_its_failback_that_runs(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let dr = shop.buys_license(account, "dr/thirty", 3).await;
    let bonus = shop.bonus_of(dr).await.id;
    let assignment = shop.assign(account, "host-1").await;
    let done = shop.starts(account, "job-1", "host-1").await;
    shop.commits(account, done.id).await;
    let running = shop.starts(account, "job-2", "host-1").await;

    let of_host = evidence(&shop, account, "host-1").await;
    let of_other = evidence(&shop, account, "host-2").await;
    let of_account = shop.store().evidence(account, None).await.unwrap().unwrap();

    let licenses = vec![shop.license(dr).await, shop.license(bonus).await];
    let due_at = shop.store().next_due_at().await.unwrap();
    assert_eq!(due_at, Some(running.deadline));
    let nothing = Evidence { licenses, had_dr: true, assignment: None, failback: None, due_at };
    assert_eq!(of_host, Evidence { assignment: Some(assignment), failback: Some(running), ..nothing.clone() });
    assert_eq!((&of_other, &of_account), (&nothing, &nothing));
}

pub async fn what_was_released_or_ended_is_no_evidence(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let fb = shop.grant(account, Kind::Failback, 1, 3).await;
    let dr = shop.grant(account, Kind::Dr, 1, 3).await;
    let assignment = shop.assign(account, "host-1").await.id;
    shop.release(account, assignment).await;
    let failback = shop.starts(account, "job-1", "host-1").await.id;
    shop.cancels(account, failback).await;
    shop.intervene(account, dr, Intervention::Revoke).await;

    let of_host = evidence(&shop, account, "host-1").await;

    assert_eq!((of_host.assignment, of_host.failback, of_host.had_dr), (None, None, true));
    assert_eq!(of_host.licenses, [shop.license(fb).await]);
}

pub async fn a_host_that_is_stranded_has_an_assignment_without_a_unit(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let dr = shop.grant(account, Kind::Dr, 1, 3).await;
    shop.assign(account, "host-1").await;

    shop.intervene(account, dr, Intervention::Revoke).await;

    let of_host = evidence(&shop, account, "host-1").await;
    assert_eq!(of_host.assignment.map(|assignment| assignment.unit), Some(None));
}

pub async fn the_host_of_another_account_is_another(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(0).await);
    shop.grant(other, Kind::Dr, 1, 3).await;
    shop.assign(other, "host-1").await;

    let of_host = evidence(&shop, account, "host-1").await;

    assert_eq!((of_host.assignment, of_host.had_dr), (None, false));
}
