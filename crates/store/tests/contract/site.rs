//! What lasts as long as the database, and who may use it.

use domain::id::{AccountId, Shard};
use store::{ApiKey, Desk, Site, TransactError};
use testkit::store::TempStore;

use crate::shop::Shop;

pub async fn zone_and_test_clock_are_kept(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let fresh = shop.store().site().await.unwrap();

    shop.store().set_site("Asia/Shanghai".to_owned(), Some(shop.now())).await.unwrap();
    shop.store().set_site("Europe/Berlin".to_owned(), None).await.unwrap();
    let shop = shop.restart().await;

    assert_eq!(fresh, Site { zone: None, test_clock: None, has_periods: false });
    let kept = Site { zone: Some("Europe/Berlin".to_owned()), test_clock: Some(shop.now()), has_periods: false };
    assert_eq!(shop.store().site().await.unwrap(), kept);
}

pub async fn periods_exist_from_the_first_purchase_on(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(20_000).await;
    let before = shop.store().site().await.unwrap().has_periods;

    shop.buys(account, "uhost/thirty").await;

    assert!(!before);
    assert!(shop.store().site().await.unwrap().has_periods);
}

pub async fn periods_exist_from_the_first_license_on(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    let before = shop.store().site().await.unwrap().has_periods;

    shop.grant(account, domain::license::Kind::Failback, 1, 3).await;

    assert!(!before);
    assert!(shop.store().site().await.unwrap().has_periods);
}

/// A key with a hash of one byte.
fn key(account_id: Option<AccountId>, hash: u8) -> impl FnOnce(&mut Desk<'_>) -> ApiKey + Send + 'static {
    move |desk| ApiKey {
        id: desk.ids.next(desk.now, account_id.map_or(Shard(0), AccountId::shard)),
        account_id,
        name: "the key".to_owned(),
        hash: [hash; 32],
        created_at: desk.now,
    }
}

pub async fn an_api_key_is_found_by_its_hash(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;

    let id = shop.store().add_api_key(None, key(Some(account), 1)).await.unwrap().into_inner();

    let found = shop.store().api_key([1; 32]).await.unwrap();
    let (name, hash, created_at) = ("the key".to_owned(), [1; 32], shop.now());
    assert_eq!(found, Some(ApiKey { id, account_id: Some(account), name, hash, created_at }));
}

pub async fn two_keys_with_one_hash_are_a_conflict(temp: TempStore) {
    let shop = Shop::open(temp).await;
    shop.store().add_api_key(None, key(None, 1)).await.unwrap();

    let refused = shop.store().add_api_key(None, key(None, 1)).await;

    assert!(matches!(refused, Err(TransactError::Conflict(_))), "{refused:?}");
}

pub async fn an_operator_key_is_one_without_an_account(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let account = shop.account(0).await;
    shop.store().add_api_key(None, key(Some(account), 1)).await.unwrap();
    let before = shop.store().has_operator_key().await.unwrap();

    shop.store().add_api_key(None, key(None, 2)).await.unwrap();

    assert!(!before);
    assert!(shop.store().has_operator_key().await.unwrap());
}

pub async fn a_copy_is_not_written_over_another_file(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let file = shop.temp.folder().join("copy");
    std::fs::write(&file, "precious").unwrap();

    let refused = shop.store().backup(file.clone()).await;

    assert!(refused.is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}
