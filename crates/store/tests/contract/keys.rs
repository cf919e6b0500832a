//! The keys that sign license files.

use std::convert::Infallible;

use domain::time::Instant;
use store::{KeyRing, SigningKey, SigningKeyAge, TransactError};
use testkit::store::TempStore;

use crate::shop::Shop;

fn key(kid: &str, created_at: Instant) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        certificate: format!("a certificate of {kid}"),
        locked: format!("{kid}, locked"),
        age: SigningKeyAge { created_at, retired_at: None, revoked_at: None },
    }
}

async fn put(shop: &Shop, ring: KeyRing) -> KeyRing {
    shop.store().transact_keys(move |_, _| Ok::<_, Infallible>(ring)).await.unwrap();
    shop.store().key_ring().await.unwrap()
}

pub async fn a_new_site_has_none(temp: TempStore) {
    let shop = Shop::open(temp).await;

    assert_eq!(shop.store().key_ring().await.unwrap(), KeyRing::default());
}

pub async fn keys_are_kept_newest_first(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let (old, new) = (key("a", shop.now()), key("b", shop.now().plus_seconds(1)));
    let root = Some("the root".to_owned());

    let ring = put(&shop, KeyRing { root: root.clone(), keys: vec![old.clone(), new.clone()] }).await;
    let shop = shop.restart().await;

    assert_eq!(ring, KeyRing { root, keys: vec![new, old] });
    assert_eq!(shop.store().key_ring().await.unwrap(), ring);
}

pub async fn a_key_that_changed(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let now = shop.now();
    put(&shop, KeyRing { root: Some("the root".to_owned()), keys: vec![key("a", now)] }).await;
    let age =
        SigningKeyAge { created_at: now, retired_at: Some(now.plus_seconds(1)), revoked_at: Some(now.plus_seconds(2)) };
    let (certificate, locked) = ("another".to_owned(), "locked anew".to_owned());
    let changed = SigningKey { certificate, locked, age, ..key("a", now) };

    // What a change leaves out stays: keys are never forgotten.
    let ring = put(&shop, KeyRing { root: None, keys: vec![changed.clone()] }).await;
    let same = put(&shop, KeyRing::default()).await;

    assert_eq!(ring, KeyRing { root: Some("the root".to_owned()), keys: vec![changed] });
    assert_eq!(same, ring);
}

pub async fn a_decision_sees_the_keys_and_the_time(temp: TempStore) {
    let shop = Shop::open(temp).await;
    let now = shop.now();
    let stored = put(&shop, KeyRing { root: Some("the root".to_owned()), keys: vec![key("a", now)] }).await;
    let seen = crate::shop::Slot::new();
    let slot = seen.share();

    let look = move |ring: KeyRing, at| {
        slot.put((ring.clone(), at));
        Ok::<_, Infallible>(ring)
    };
    shop.store().transact_keys(look).await.unwrap();

    assert_eq!(seen.take(), (stored, now));
}

pub async fn a_refusal_changes_no_key(temp: TempStore) {
    let shop = Shop::open(temp).await;

    let refused = shop.store().transact_keys(|_, _| Err("no")).await;

    assert!(matches!(refused, Err(TransactError::Refused("no"))), "{refused:?}");
    assert_eq!(shop.store().key_ring().await.unwrap(), KeyRing::default());
}
