//! B-8: the same key and request give the same answer again.

use domain::desk::CreditKind;
use domain::order::OrderKind;
use engine::{Caller, RenewalItem};
use store::Outcome;
use testkit::rules::{amount, one_term, purchase};

use crate::site::{Site, account_draft, code_of, first, key};

#[tokio::test]
async fn a_repeated_purchase_is_one_purchase() {
    let site = Site::open().await;
    let account = site.account(50_000).await;
    let own = Caller::Account(account);
    let buy =
        |fingerprint| site.engine.buy(own, account, purchase("uhost/thirty"), key(own.key_scope(), "p", fingerprint));

    let bought = buy(1).await.unwrap();
    let repeated = buy(1).await.unwrap();
    let other = buy(2).await;

    assert!(matches!(bought, Outcome::Done(_)));
    assert_eq!(repeated, Outcome::AlreadyDone(bought.into_inner()));
    assert_eq!(code_of(other), "idempotency_key_reused");
    assert_eq!(site.cash(account).await, 38_000);
}

#[tokio::test]
async fn a_repeated_credit_is_booked_once() {
    let site = Site::open().await;
    let account = site.account(0).await;
    let credit = || {
        let money = (amount(700), CreditKind::Gift, Some("transfer 5".to_owned()));
        site.engine.credit(Caller::Operator, account, money, key(None, "c", 1))
    };

    let booked = credit().await.unwrap();
    let repeated = credit().await.unwrap();

    assert_eq!(repeated, Outcome::AlreadyDone(booked.into_inner()));
    assert_eq!(site.engine.entries(Caller::Operator, account, first()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeated_renewal_is_one_renewal_even_after_a_restart() {
    let site = Site::open().await;
    let account = site.account(50_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    let renewed = site.engine.renew(Caller::Operator, id, one_term(), key(None, "n", 1)).await.unwrap();

    let site = site.restart().await;
    let repeated = site.engine.renew(Caller::Operator, id, one_term(), key(None, "n", 1)).await.unwrap();

    assert_eq!(repeated, Outcome::AlreadyDone(renewed.into_inner()));
    assert_eq!(site.orders(OrderKind::Renewal).await.len(), 1);
}

#[tokio::test]
async fn a_repeat_long_after_gives_the_answer_of_then() {
    let site = Site::open().await;
    let account = site.account(50_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    let renewed = site.engine.renew(Caller::Operator, id, one_term(), key(None, "n", 1)).await.unwrap();
    site.advance_to("2025-09-01 00:00:00").await;

    let repeated = site.engine.renew(Caller::Operator, id, one_term(), key(None, "n", 1)).await.unwrap();

    assert_eq!(repeated.into_inner(), renewed.into_inner());
}

#[tokio::test]
async fn a_refused_request_may_be_sent_again_under_its_key() {
    let site = Site::open().await;
    let account = site.account(11_999).await;
    let buy = || site.engine.buy(Caller::Operator, account, purchase("uhost/thirty"), key(None, "p", 1));
    let refused = buy().await;

    site.credit(account, 1).await.unwrap();
    let bought = buy().await.unwrap();

    assert_eq!(code_of(refused), "insufficient_balance");
    assert!(matches!(bought, Outcome::Done(_)));
}

#[tokio::test]
async fn an_account_is_opened_once() {
    let site = Site::open().await;
    let open = || site.engine.open_account(Caller::Operator, account_draft(), key(None, "a", 1));

    let opened = open().await.unwrap();
    let repeated = open().await.unwrap();

    assert_eq!(repeated, Outcome::AlreadyDone(opened.into_inner()));
    assert_eq!(site.engine.accounts(Caller::Operator, first()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn money_is_set_aside_once() {
    let site = Site::open().await;
    let account = site.account(100).await;
    let freeze = || site.engine.freeze(Caller::Operator, account, (amount(60), "why".to_owned()), key(None, "f", 1));

    let frozen = freeze().await.unwrap();
    let repeated = freeze().await.unwrap();

    assert_eq!(repeated, Outcome::AlreadyDone(frozen.into_inner()));
    assert_eq!(site.engine.balance(Caller::Operator, account).await.unwrap().wallet.frozen, amount(60));
}

#[tokio::test]
async fn several_renewals_under_one_key_replay_what_was_done_and_do_the_rest() {
    let site = Site::open().await;
    let account = site.account(36_000).await;
    let ids = [site.buys(account, "uhost/thirty").await, site.buys(account, "uhost/thirty").await];
    let renew = || {
        let items = ids.map(|id| RenewalItem { id, choice: one_term() }).to_vec();
        site.engine.renew_many(Caller::Operator, items, key(None, "many", 1))
    };
    let [one, other] = renew().await.unwrap().try_into().unwrap();
    site.credit(account, 12_000).await.unwrap();

    let [one_again, other_again] = renew().await.unwrap().try_into().unwrap();

    let first_order = one.result.unwrap().into_inner().order.id;
    assert_eq!(code_of(other.result), "insufficient_balance");
    assert!(matches!(one_again.result, Ok(Outcome::AlreadyDone(renewed)) if renewed.order.id == first_order));
    assert!(matches!(other_again.result, Ok(Outcome::Done(_))));
    assert_eq!(site.cash(account).await, 0);
}

#[tokio::test]
async fn one_key_for_two_requests_of_several_renewals_is_refused() {
    let site = Site::open().await;
    let renew = |fingerprint| site.engine.renew_many(Caller::Operator, Vec::new(), key(None, "many", fingerprint));
    renew(1).await.unwrap();

    assert_eq!(code_of(renew(2).await), "idempotency_key_reused");
}
