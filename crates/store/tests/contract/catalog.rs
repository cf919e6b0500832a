//! What is sold: changed in the same way as everything else, read by everyone.

use domain::calendar::Unit;
use domain::catalog::{CatalogRefusal, PlanDraft, ProductDraft, ProductKind};
use store::{CatalogChange, Desk, TransactError};
use testkit::rules::{amount, code};
use testkit::store::TempStore;

use crate::shop::{Shop, plan_draft, product_draft};

pub async fn what_is_sold_is_visible_after_its_commit(temp: TempStore) {
    let shop = Shop::open(temp).await;

    shop.put_product(product_draft("new")).await.unwrap();
    shop.put_plan("new", plan_draft("day", Unit::Day, 1, 5)).await.unwrap();

    let catalog = shop.store().catalog();
    let plan = catalog.offering(code("new")).unwrap().plan(code("day")).unwrap();
    assert_eq!(plan.price_for_purchase(shop.now()), Some(amount(5)));
}

pub async fn it_is_the_same_after_a_restart(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let durations = domain::catalog::Durations { window: Some("PT2H".parse().unwrap()), ..Default::default() };
    let names = ProductDraft { name: "„Löwe“ 云主机 \"'".to_owned(), durations, ..product_draft("lion") };
    shop.put_product(names).await.unwrap();
    shop.put_product(ProductDraft { kind: ProductKind::FailbackLicense, ..product_draft("failback") }).await.unwrap();
    shop.put_plan("lion", plan_draft("year", Unit::Year, 2, 0)).await.unwrap();
    let before = shop.store().catalog();

    let shop = shop.restart().await;

    assert_eq!(shop.store().catalog(), before);
}

pub async fn versions_of_a_product_are_kept(temp: TempStore) {
    let shop = Shop::open(temp).await;
    shop.put_product(ProductDraft { align: false, ..product_draft("uhost") }).await.unwrap();
    shop.put_product(ProductDraft { align: false, ..product_draft("uhost") }).await.unwrap();

    let shop = shop.restart().await;

    let catalog = shop.store().catalog();
    let uhost = catalog.offering(code("uhost")).unwrap();
    assert_eq!((uhost.product().version, uhost.product().align), (2, false));
    assert!(uhost.version(1).unwrap().align);
}

pub async fn price_versions_are_kept(temp: TempStore) {
    let shop = Shop::open(temp).await;
    shop.stand_at("2025-06-01 00:00:00");
    shop.put_plan("uhost", plan_draft("thirty", Unit::Day, 30, 13_000)).await.unwrap();

    let shop = shop.restart().await;

    let catalog = shop.store().catalog();
    let plan = catalog.offering(code("uhost")).unwrap().plan(code("thirty")).unwrap();
    let prices: Vec<_> = plan.prices.iter().map(|price| price.price.minor()).collect();
    assert_eq!(prices, [12_000, 13_000]);
    assert_eq!(plan.price_for_renewal(shop.at("2025-06-15 00:00:00")).minor(), 12_000);
    assert_eq!(plan.price_for_renewal(shop.at("2025-07-01 00:00:00")).minor(), 13_000);
}

pub async fn a_refusal_or_a_bug_changes_nothing(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let before = shop.store().catalog();

    let negative = PlanDraft { price: amount(-1), ..plan_draft("thirty", Unit::Day, 30, 1) };
    let refused = shop.put_plan("uhost", negative).await;
    let fail = |_: &mut Desk<'_>| -> Result<(CatalogChange, ()), ()> { panic!("a bug") };
    let broken = shop.store().transact_catalog(fail).await;
    let first_version = domain::catalog::put_product(None, product_draft("uhost"), shop.now()).unwrap().unwrap();
    let again = move |_: &mut Desk<'_>| Ok::<_, ()>((CatalogChange::Product(first_version), ()));
    let conflict = shop.store().transact_catalog(again).await;

    assert!(matches!(refused, Err(TransactError::Refused(CatalogRefusal::NegativePrice))), "{refused:?}");
    assert!(matches!(broken, Err(TransactError::Bug(_))), "{broken:?}");
    assert!(matches!(conflict, Err(TransactError::Conflict(_))), "{conflict:?}");
    assert_eq!(shop.store().catalog(), before);
    assert_eq!(shop.restart().await.store().catalog(), before);
}

pub async fn a_decision_sees_what_was_just_put(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(20_000).await;
    shop.put_plan("uhost", plan_draft("week", Unit::Day, 7, 3_000)).await.unwrap();

    shop.buys(account, "uhost/week").await;

    assert_eq!(shop.cash(account).await, 17_000);
}
