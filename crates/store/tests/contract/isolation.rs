//! What fails leaves nothing behind, what happens at once is done one after the other.

use std::convert::Infallible;
use std::sync::Arc;

use domain::account::Account;
use domain::change::{ChangeSet, View};
use domain::desk::{CreditKind, credit};
use domain::draft::Draft;
use domain::id::AccountId;
use domain::license::Kind;
use domain::money::Amount;
use domain::order::OrderKind;
use domain::renewal::Books;
use domain::resource::Resource;
use store::{Desk, EventFilter, OrderFilter, TransactError, Trouble, Wanted};
use testkit::rules::{amount, code, purchase};
use testkit::store::TempStore;
use tokio::task::JoinSet;

use crate::licensing::unit;
use crate::shop::{Shop, first, new_account, unchanged};

/// Credits, then ends as it is told.
async fn credit_and_then(
    shop: &Shop,
    account: AccountId,
    end: fn() -> Result<(), &'static str>,
) -> Result<(), TransactError<&'static str>> {
    let zone = Arc::clone(&shop.temp.zone);
    let done = shop.store().transact(account, Wanted::default(), None, move |view, desk| {
        let books = Books { zone: &zone, catalog: desk.catalog };
        let mut draft = Draft::new(books, view, desk.ids, desk.now);
        credit(&mut draft, amount(10), CreditKind::Cash, None).unwrap();
        end()?;
        Ok((draft.finish(), ()))
    });
    done.await.map(store::Outcome::into_inner)
}

pub async fn a_refused_decision_writes_nothing(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(100).await;

    let refused = credit_and_then(&shop, account, || Err("no")).await;

    assert!(matches!(refused, Err(TransactError::Refused("no"))), "{refused:?}");
    assert_eq!(shop.cash(account).await, 100);
    assert_eq!(shop.store().entries(account, first()).await.unwrap().len(), 1);
}

pub async fn a_decision_that_panics_is_a_bug_and_writes_nothing(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(100).await;

    let broken = credit_and_then(&shop, account, || panic!("5 is not 6")).await;

    assert!(matches!(&broken, Err(TransactError::Bug(message)) if &**message == "5 is not 6"), "{broken:?}");
    assert_eq!(shop.cash(account).await, 100);
}

pub async fn a_change_set_of_an_unknown_product_is_a_bug_and_the_store_goes_on(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(20_000).await;
    let id = shop.buys(account, "uhost/thirty").await;
    let resource = shop.resource(id).await;

    let write = move |changes, _: &mut Desk<'_>| {
        let unknown = Resource { product: code("gone"), ..resource };
        ChangeSet { changed_resources: vec![unknown], ..changes }
    };
    let broken = shop.write(account, write).await;

    assert!(matches!(broken, Err(TransactError::Bug(_))), "{broken:?}");
    assert_eq!(shop.resource(id).await.product, code("uhost"));
    shop.credit(account, 5).await;
}

pub async fn what_fails_disturbs_nobody_else(temp: TempStore) {
    let shop = Arc::new(Shop::open(temp).await);
    let account = shop.account(0).await;
    let ends: [fn() -> Result<(), &'static str>; 3] = [|| Ok(()), || Err("no"), || panic!("a bug")];

    let mut requests = JoinSet::new();
    ends.into_iter().cycle().take(90).for_each(|end| {
        let shop = Arc::clone(&shop);
        requests.spawn(async move { credit_and_then(&shop, account, end).await });
    });
    let results = requests.join_all().await;

    let count = |of: fn(&Result<(), TransactError<&str>>) -> bool| results.iter().filter(|result| of(result)).count();
    assert_eq!(count(|result| result.is_ok()), 30);
    assert_eq!(count(|result| matches!(result, Err(TransactError::Refused("no")))), 30);
    assert_eq!(count(|result| matches!(result, Err(TransactError::Bug(_)))), 30);
    assert_eq!(shop.cash(account).await, 300);
    assert_eq!(shop.store().entries(account, first()).await.unwrap().len(), 30);
}

pub async fn purchases_at_once_never_overdraw(temp: TempStore) {
    let shop = Arc::new(Shop::open(temp).await);
    let account = shop.account(7 * 12_000 + 11_999).await;

    let mut requests = JoinSet::new();
    (0..40).for_each(|_| {
        let shop = Arc::clone(&shop);
        requests.spawn(async move { shop.buy(account, purchase("uhost/thirty")).await.is_ok() });
    });
    let bought = requests.join_all().await.into_iter().filter(|bought| *bought).count();

    let orders = OrderFilter { kind: Some(OrderKind::Purchase), ..OrderFilter::default() };
    assert_eq!(bought, 7);
    assert_eq!(shop.store().orders(&orders, first()).await.unwrap().len(), 7);
    assert_eq!(shop.cash(account).await, 11_999);
}

pub async fn credits_at_once_all_count(temp: TempStore) {
    let shop = Arc::new(Shop::open(temp).await);
    let account = shop.account(0).await;

    let mut requests = JoinSet::new();
    (1..=50).for_each(|cash| {
        let shop = Arc::clone(&shop);
        requests.spawn(async move { shop.credit(account, cash).await });
    });
    requests.join_all().await;

    let entries = shop.store().entries(account, first()).await.unwrap();
    let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
    assert_eq!(shop.cash(account).await, 50 * 51 / 2);
}

pub async fn an_opening_that_is_refused_opens_nothing(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let refuse = |_: &mut Desk<'_>| -> Result<(ChangeSet, ()), &str> { Err("no") };
    let negative = |desk: &mut Desk<'_>| {
        let account: Account = new_account(desk);
        Ok::<_, Infallible>((ChangeSet::opening(account, amount(-5)), ()))
    };

    let refused = shop.store().open_account(None, refuse).await;
    let mistaken = shop.store().open_account(None, negative).await;

    assert!(matches!(refused, Err(TransactError::Refused("no"))), "{refused:?}");
    assert!(matches!(mistaken, Err(TransactError::Bug(_))), "{mistaken:?}");
    assert_eq!(shop.store().accounts(first()).await.unwrap(), []);
}

pub async fn ids_rise_over_a_restart(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let before = shop.buys(account, "uhost/thirty").await;

    let shop = shop.restart().await;
    let after = shop.buys(account, "uhost/thirty").await;

    assert!(before < after);
    let filter = EventFilter::default();
    let ids: Vec<_> = shop.store().events(&filter, first()).await.unwrap().iter().map(|event| event.id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

pub async fn a_closed_store_says_so(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(100).await;
    shop.store().close().await;

    let decide = |view: View, _: &mut Desk<'_>| Ok::<_, Infallible>((unchanged(&view), ()));
    let refused = shop.store().transact(account, Wanted::default(), None, decide).await;

    assert!(matches!(refused, Err(TransactError::Trouble(Trouble::Closed))), "{refused:?}");
    shop.store().close().await;
}

pub async fn units_taken_at_once_are_taken_once(temp: TempStore) {
    let shop = Arc::new(Shop::open(temp).await);
    let account = shop.account(0).await;
    let license = shop.grant(account, Kind::Dr, 40, 3).await;

    let mut requests = JoinSet::new();
    (0..40).for_each(|number| {
        let shop = Arc::clone(&shop);
        requests.spawn(async move { shop.assign(account, &format!("host-{number}")).await.unit.unwrap() });
    });
    let mut units = requests.join_all().await;

    units.sort();
    assert_eq!(units, (1..=40).map(|number| unit(license, number)).collect::<Vec<_>>());
    assert_eq!(shop.license(license).await.units.assigned, 40);
    assert_eq!(shop.store().verify().await.unwrap(), []);
}

pub async fn a_busy_life_with_licenses_leaves_no_findings(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (rich, poor) = (shop.account(1_000_000).await, shop.account(40_000).await);
    shop.buys_license(rich, "dr/monthly", 5).await;
    shop.buys_license(poor, "dr/thirty", 2).await;
    shop.buys_license(poor, "fb/monthly", 1).await;
    shop.assigns(rich, &["host-1", "host-2"]).await;
    shop.assigns(poor, &["host-1", "host-2"]).await;
    let silent = shop.starts(poor, "job-1", "host-1").await.id;
    let committed = shop.starts(rich, "job-1", "host-1").await.id;
    shop.commits(rich, committed).await;
    shop.advance_to("2025-06-01 00:00:00").await;
    shop.grant(poor, Kind::Dr, 1, 3).await;
    shop.advance_to("2025-07-01 00:00:00").await;
    shop.credit(poor, 50_000).await;
    shop.advance_to("2025-10-01 00:00:00").await;

    assert_eq!(shop.store().verify().await.unwrap(), []);
    let lapsed = shop.store().failback(silent).await.unwrap().unwrap();
    assert_eq!(lapsed.state, domain::failback::State::Lapsed);
}

pub async fn a_busy_life_leaves_no_findings(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (rich, poor) = (shop.account(1_000_000).await, shop.account(40_000).await);
    shop.buys(rich, "uhost/monthly").await;
    shop.buys(rich, "ddos/thirty").await;
    shop.buys(poor, "uhost/thirty").await;
    shop.buys(poor, "dns/monthly").await;
    shop.buys(poor, "ddos/monthly").await;
    shop.advance_to("2025-06-01 00:00:00").await;
    shop.freeze(poor, 100).await;
    shop.advance_to("2025-07-01 00:00:00").await;
    shop.credit(poor, 50_000).await;
    shop.advance_to("2025-10-01 00:00:00").await;

    assert_eq!(shop.store().verify().await.unwrap(), []);
    assert_ne!(shop.row(poor).await.wallet.frozen, Amount::ZERO);
}
