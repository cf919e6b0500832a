//! What a decision sees of an account.

use domain::account::Wallet;
use domain::id::{AccountId, ResourceId};
use domain::purchase::Purchase;
use domain::resource::State;
use store::{TransactError, Wanted};
use testkit::rules::purchase;
use testkit::store::TempStore;

use crate::shop::{Shop, unchanged};

fn wanting(resources: &[ResourceId]) -> Wanted {
    Wanted { resources: resources.to_vec(), ..Wanted::default() }
}

fn for_money() -> Wanted {
    Wanted { attemptable: true, ..Wanted::default() }
}

/// The resources that a decision would see.
async fn seen(shop: &Shop, account: AccountId, wanted: Wanted) -> Vec<ResourceId> {
    let mut ids: Vec<_> = shop.view(account, wanted).await.resources.iter().map(|resource| resource.id).collect();
    ids.sort();
    ids
}

pub async fn an_account_that_is_not_there_is_refused(temp: TempStore) {
    let shop = Shop::open(temp).await;

    let decide = |view: domain::change::View, _: &mut store::Desk<'_>| Ok::<_, ()>((unchanged(&view), ()));
    let refused = shop.store().transact(AccountId::from_u128(5), Wanted::default(), None, decide).await;

    assert!(matches!(refused, Err(TransactError::NoAccount)), "{refused:?}");
}

pub async fn an_account_is_loaded_with_its_wallet_and_nothing_else(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(20_000).await;
    shop.buys(account, "uhost/thirty").await;

    let view = shop.view(account, Wanted::default()).await;

    let row = shop.row(account).await;
    assert_eq!((view.account, view.wallet), (row.account, row.wallet));
    assert_eq!(view.wallet.cash.minor(), 8_000);
    assert_eq!((view.resources, view.unpaid_arrears, view.freeze), (vec![], vec![], None));
    assert_eq!(view.remind_at, Some(shop.at("2025-05-31 10:00:00")));
}

pub async fn what_is_due_is_loaded_and_the_rest_is_not(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let due = shop.buys(account, "uhost/thirty").await;
    shop.stand_at("2025-05-20 10:00:00");
    shop.buys(account, "uhost/monthly").await;
    shop.advance_to("2025-06-07 09:59:59").await;

    let before = seen(&shop, account, Wanted::default()).await;
    shop.stand_at("2025-06-07 10:00:00");

    assert_eq!(before, []);
    assert_eq!(seen(&shop, account, Wanted::default()).await, [due]);
}

pub async fn what_is_wanted_is_loaded_once(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let due = shop.buys(account, "uhost/thirty").await;
    shop.stand_at("2025-05-20 10:00:00");
    let other = shop.buys(account, "uhost/monthly").await;
    shop.advance_to("2025-06-07 09:59:59").await;
    shop.stand_at("2025-06-07 10:00:00");

    assert_eq!(seen(&shop, account, wanting(&[other, due])).await, [due, other]);
}

pub async fn what_belongs_to_another_account_is_not_loaded(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (account, other) = (shop.account(0).await, shop.account(20_000).await);
    let foreign = shop.buys(other, "uhost/thirty").await;
    let frozen = shop.freeze(other, 100).await.freeze.unwrap().id;

    let view = shop.view(account, Wanted { freeze: Some(frozen), ..wanting(&[foreign]) }).await;

    assert_eq!((view.resources, view.freeze), (vec![], None));
}

pub async fn what_money_could_renew_is_loaded_when_it_is_asked_for(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(36_000).await;
    let waiting = shop.buys(account, "uhost/thirty").await;
    let off = Purchase { auto_renew: Some(false), ..purchase("uhost/thirty") };
    shop.buy(account, off).await.unwrap();
    shop.stand_at("2025-06-01 10:00:00");
    shop.buys(account, "uhost/thirty").await;
    shop.advance_to("2025-06-07 12:00:00").await;

    let view = shop.view(account, for_money()).await;

    let wants = |id| view.resources.iter().any(|resource| resource.id == id);
    assert!(wants(waiting), "{:?}", view.resources);
    assert_eq!(seen(&shop, account, Wanted::default()).await, []);
}

pub async fn what_is_exempt_and_in_its_last_day_is_loaded_for_money(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(12_000).await;
    let exempt = shop.buys(account, "ddos/thirty").await;
    shop.advance_to("2025-06-06 10:00:01").await;

    assert_eq!(seen(&shop, account, for_money()).await, [exempt]);
}

pub async fn a_reminder_loads_all_that_has_not_ended(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(50_000).await;
    let off = Purchase { auto_renew: Some(false), ..purchase("uhost/thirty") };
    let ended = shop.buy(account, off).await.unwrap();
    shop.advance_to("2025-06-08 12:00:00").await;
    let live = [shop.buys(account, "uhost/thirty").await, shop.buys(account, "dns/thirty").await];
    let deleted = shop.draft(account, wanting(&[ended]), move |draft| {
        let index = draft.position(ended).unwrap();
        domain::desk::delete(draft, index, domain::order::Trigger::Customer)
    });
    deleted.await.unwrap();
    let remind_at = shop.view(account, Wanted::default()).await.remind_at.unwrap();

    shop.temp.stand_at(remind_at);

    assert_eq!(shop.resource(ended).await.state, State::Deleted);
    assert_eq!(seen(&shop, account, Wanted::default()).await, live);
}

pub async fn unpaid_arrears_come_with_their_resource(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(24_000).await;
    let ids = [shop.buys(account, "uhost/thirty").await, shop.buys(account, "dns/thirty").await];
    shop.advance_to("2025-06-09 12:00:00").await;

    let of_one = shop.view(account, wanting(&ids[..1])).await.unpaid_arrears;
    let of_none = shop.view(account, Wanted::default()).await.unpaid_arrears;

    assert_eq!(of_one.iter().map(|unpaid| unpaid.resource_id).collect::<Vec<_>>(), [ids[0]; 2]);
    assert!(of_one[0].order_id < of_one[1].order_id);
    assert_eq!(of_none, []);
}

pub async fn a_freeze_is_loaded_when_it_is_wanted(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(500).await;
    let freeze = shop.freeze(account, 200).await.freeze.unwrap();

    let view = shop.view(account, Wanted { freeze: Some(freeze.id), ..Wanted::default() }).await;

    assert_eq!(view.wallet, Wallet { frozen: freeze.amount, ..shop.row(account).await.wallet });
    assert_eq!(view.freeze, Some(freeze));
    assert_eq!(shop.view(account, Wanted::default()).await.freeze, None);
}

pub async fn a_decision_is_made_at_the_time_of_the_clock(temp: TempStore) {
    let shop = Shop::open(temp).await;
    shop.stand_at("2030-01-02 03:04:05");

    let account = shop.account(100).await;

    assert_eq!(shop.row(account).await.account.created_at, shop.at("2030-01-02 03:04:05"));
}
