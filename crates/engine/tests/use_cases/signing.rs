//! The keys of a site: replaced, revoked, outdated, and what that means for what they signed.

use std::sync::Arc;

use domain::id::AccountId;
use domain::license::Kind;
use engine::signing::{self, KeyError, Secret};
use engine::{Caller, Engine};
use seal::{Expectation, Flaw, PrivateKey, StatementExpectation, Verified, verify, verify_statement};
use store::{KeyRing, TransactError};

use crate::holder::{grant_of, host};
use crate::site::{ISSUER, Site, code_of, root, secret};

type Changed = Result<(), TransactError<KeyError>>;

/// Replaces the signing key.
async fn rotate(site: &Site, root: PrivateKey) -> Changed {
    let zone = Arc::clone(&site.temp.zone);
    let rotate = move |ring, now| signing::rotated(ring, &root, &secret(), &zone, now);
    site.engine.store().transact_keys(rotate).await
}

/// Declares a signing key unusable.
async fn revoke(site: &Site, kid: &str) -> Changed {
    let (zone, kid) = (Arc::clone(&site.temp.zone), kid.to_owned());
    let revoke = move |ring, now| signing::revoked(ring, &kid, &root(), &zone, now);
    site.engine.store().transact_keys(revoke).await
}

/// A process that has just started, so it has looked at the keys as they are.
fn fresh(site: &Site) -> Engine {
    site.temp.engine().with_secret(secret())
}

async fn ring(site: &Site) -> KeyRing {
    site.engine.store().key_ring().await.unwrap()
}

/// A license file as text.
async fn file(engine: &Engine, account: AccountId) -> String {
    engine.license_file(Caller::Account(account), account, None, None).await.unwrap().into_inner()
}

/// As a product sees it that has pinned the root and learned of these revoked keys.
fn see(site: &Site, text: &str, revoked: &[String]) -> Result<Verified, Flaw> {
    let pinned = root();
    verify(text, &Expectation { revoked, ..Expectation::new(pinned.public(), site.engine.now()) })
}

fn refusal(changed: Changed) -> KeyError {
    let Err(TransactError::Refused(refusal)) = changed else { panic!("{changed:?}") };
    refusal
}

#[tokio::test]
async fn what_was_signed_before_a_rotation_holds_after_it() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let old = file(&site.engine, account).await;
    site.advance_to("2025-05-20 00:00:00").await;

    rotate(&site, root()).await.unwrap();
    let new = file(&fresh(&site), account).await;

    let (old, new) = (see(&site, &old, &[]).unwrap(), see(&site, &new, &[]).unwrap());
    assert_eq!((old.claims.seq, new.claims.seq), (1, 2));
    assert_ne!(old.kid, new.kid);
    assert_eq!(new.revoked, Vec::<String>::new());
    let published: Vec<_> = site.engine.license_keys().await.unwrap().iter().map(|key| key.kid().to_owned()).collect();
    assert_eq!(published, [new.kid, old.kid]);
}

#[tokio::test]
async fn a_process_that_runs_goes_on_signing_while_the_key_is_replaced() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let before = see(&site, &file(&site.engine, account).await, &[]).unwrap();

    rotate(&site, root()).await.unwrap();

    // It notices after some seconds; until then both hold.
    let after = see(&site, &file(&site.engine, account).await, &[]).unwrap();
    assert_eq!((before.claims.seq, after.claims.seq), (1, 2));
}

#[tokio::test]
async fn a_key_that_was_replaced_long_ago_is_revoked_by_the_next_certificate() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let first = see(&site, &file(&site.engine, account).await, &[]).unwrap().kid;
    rotate(&site, root()).await.unwrap();
    site.advance_to("2025-06-07 10:01:00").await;

    rotate(&site, root()).await.unwrap();
    let seen = see(&site, &file(&fresh(&site), account).await, &[]).unwrap();

    assert_eq!(seen.revoked, [first]);
    assert_eq!(ring(&site).await.keys.len(), 3);
    assert_eq!(site.engine.license_keys().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_news_of_a_revoked_key_travels_with_the_next_file() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let stolen = file(&site.engine, account).await;
    let kid = see(&site, &stolen, &[]).unwrap().kid;
    rotate(&site, root()).await.unwrap();

    revoke(&site, &kid).await.unwrap();
    let next = see(&site, &file(&fresh(&site), account).await, &[]).unwrap();

    assert_eq!(next.revoked, std::slice::from_ref(&kid));
    assert_eq!(see(&site, &stolen, &next.revoked).unwrap_err().code(), "key_revoked");
    let published = site.engine.license_keys().await.unwrap();
    assert!(published.iter().all(|key| key.kid() != kid), "{published:?}");
    // Again changes nothing.
    let before = ring(&site).await.keys[1].age;
    revoke(&site, &kid).await.unwrap();
    assert_eq!(ring(&site).await.keys[1].age, before);
}

#[tokio::test]
async fn a_code_lives_longer_than_its_key_unless_that_is_revoked() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let make = || site.engine.add_activation_code(Caller::Operator, None, (grant_of(Kind::Dr, 1, 1), None), None);
    let (one, other) = (make().await.unwrap().into_inner().text, make().await.unwrap().into_inner().text);
    let kid = ring(&site).await.keys[0].kid.clone();
    rotate(&site, root()).await.unwrap();
    site.advance_to("2026-01-01 00:00:00").await;
    let redeem = |text: String| {
        let engine = site.engine.clone();
        async move { engine.redeem(Caller::Account(account), account, &text, None).await }
    };

    let redeemed = redeem(one).await;
    revoke(&site, &kid).await.unwrap();
    let refused = redeem(other).await;

    assert!(redeemed.is_ok(), "{redeemed:?}");
    assert_eq!(code_of(refused), "unknown_key");
    site.check_books().await;
}

#[tokio::test]
async fn the_key_that_signs_now_is_replaced_before_it_is_revoked() {
    let site = Site::licensing().await;
    let kid = ring(&site).await.keys[0].kid.clone();

    let in_use = refusal(revoke(&site, &kid).await);
    let unknown = refusal(revoke(&site, "nobody").await);

    assert_eq!(in_use, KeyError::InUse { kid });
    assert_eq!(unknown, KeyError::UnknownKey { kid: "nobody".to_owned() });
}

#[tokio::test]
async fn another_root_than_the_pinned_one_changes_nothing() {
    let site = Site::licensing().await;
    let before = ring(&site).await;

    let other = refusal(rotate(&site, PrivateKey::from_bytes(&[2; 32])).await);
    let zone = Arc::clone(&site.temp.zone);
    let again = move |ring, now| signing::first_keys(&ring, &root(), &secret(), ISSUER, &zone, now);
    let again = refusal(site.engine.store().transact_keys(again).await);

    assert_eq!((other, again), (KeyError::OtherRoot, KeyError::Exists));
    assert_eq!(ring(&site).await, before);
}

#[tokio::test]
async fn an_outdated_certificate_signs_nothing() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let ask = || site.engine.license_file(Caller::Account(account), account, None, None);
    site.advance_to("2027-05-08 09:59:59").await;
    let last = ask().await.unwrap().into_inner();
    let last = see(&site, &last, &[]).unwrap().claims;
    site.advance_to("2027-05-08 10:00:00").await;

    let refused = [
        code_of(ask().await),
        code_of(site.engine.validate(Caller::Operator, account, None, "n".to_owned()).await),
        code_of(site.engine.add_activation_code(Caller::Operator, None, (grant_of(Kind::Dr, 1, 1), None), None).await),
    ];
    rotate(&site, root()).await.unwrap();
    let next = see(&site, &file(&fresh(&site), account).await, &[]).unwrap().claims;

    assert_eq!(refused, ["signing_unavailable"; 3]);
    // No file outlives the certificate of its key, and a refusal takes no number.
    assert_eq!(last.exp, site.at("2027-05-08 10:00:00"));
    assert_eq!((last.seq, next.seq), (1, 2));
}

#[tokio::test]
async fn without_keys_or_with_another_secret_nothing_is_signed() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let other = site.temp.engine().with_secret(Secret::new(&[6; 32]));
    let none = site.temp.engine();
    let unsigned = Site::selling(crate::site::LICENSES).await;
    let lonely = unsigned.account(0).await;
    let ask = |engine: Engine, account| async move {
        code_of(engine.license_file(Caller::Account(account), account, None, None).await)
    };

    assert_eq!(ask(other, account).await, "signing_unavailable");
    assert_eq!(ask(none, account).await, "signing_unavailable");
    assert_eq!(ask(unsigned.temp.engine().with_secret(secret()), lonely).await, "signing_unavailable");
    assert_eq!(unsigned.engine.license_keys().await.unwrap(), []);
}

#[tokio::test]
async fn a_verdict_is_signed_for_the_nonce_of_the_asker() {
    let site = Site::licensing().await;
    let account = site.account(1_000).await;
    site.buys_license(account, "dr/monthly", 1).await;
    site.assign(account, "host-1").await.unwrap();

    let asked = site.engine.validate(Caller::Account(account), account, Some(host("host-1")), "n-1".to_owned());
    let answer = asked.await.unwrap();

    let pinned = root();
    let expected = |nonce| StatementExpectation::new(pinned.public(), site.engine.now(), nonce);
    let claims = verify_statement(&answer.statement, &answer.certificate, &expected("n-1")).unwrap();
    assert_eq!((claims.code.as_str(), claims.host.as_deref(), claims.conclusive), ("valid", Some("host-1"), true));
    assert_eq!(claims.allowed, ["protect", "sync", "drill", "takeover", "failback"]);
    let replayed = verify_statement(&answer.statement, &answer.certificate, &expected("n-2"));
    assert_eq!(replayed.unwrap_err().code(), "wrong_nonce");
}
