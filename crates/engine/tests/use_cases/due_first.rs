//! What is due is done before a command, so no decision depends on how late the worker is.

use domain::desk::AccountEdit;
use domain::order::OrderKind;
use domain::resource::State;
use engine::Caller;
use testkit::rules::{amount, one_term};

use crate::site::{Site, code_of};

#[tokio::test]
async fn a_switch_that_is_turned_off_late_comes_after_the_renewal() {
    let site = Site::open().await;
    let account = site.account(24_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.advance_to("2025-06-07 09:00:00").await;

    site.down_until("2025-06-07 11:00:00");
    let view = site.engine.switch(Caller::Account(account), id, false, None).await.unwrap().into_inner();

    let renewals = site.orders(OrderKind::Renewal).await;
    assert_eq!(site.show(renewals[0].created_at), "2025-06-07 10:00:00");
    assert_eq!((view.resource.state, view.resource.auto_renew), (State::Active, false));
}

#[tokio::test]
async fn a_manual_renewal_comes_after_the_automatic_one_that_was_due() {
    let site = Site::open().await;
    let account = site.account(36_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.advance_to("2025-06-07 09:00:00").await;

    site.down_until("2025-06-07 11:00:00");
    site.engine.renew(Caller::Account(account), id, one_term(), None).await.unwrap();

    assert_eq!(site.expiry(id).await, "2025-08-06 10:00:00");
    assert_eq!(site.orders(OrderKind::Renewal).await.len(), 2);
}

#[tokio::test]
async fn a_purchase_does_not_take_the_money_of_a_renewal_that_was_due() {
    let site = Site::open().await;
    let account = site.account(24_000).await;
    site.buys(account, "uhost/thirty").await;
    site.advance_to("2025-06-07 09:00:00").await;

    site.down_until("2025-06-07 11:00:00");
    let refused = site.buy(Caller::Account(account), account, testkit::rules::purchase("uhost/thirty")).await;

    assert_eq!(code_of(refused), "insufficient_balance");
    assert_eq!(site.cash(account).await, 12_000);
}

#[tokio::test]
async fn what_is_refused_leaves_due_work_to_the_worker() {
    let site = Site::open().await;
    let account = site.account(24_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.advance_to("2025-06-07 09:00:00").await;
    site.down_until("2025-06-07 11:00:00");
    let refused = site.engine.delete(Caller::Account(account), id).await;

    site.engine.do_due_batch().await.unwrap();

    assert_eq!(code_of(refused), "resource_active");
    assert_eq!(site.expiry(id).await, "2025-07-07 10:00:00");
}

#[tokio::test]
async fn a_credit_after_an_outage_renews_what_was_due_and_what_waits() {
    let site = Site::open().await;
    let account = site.account(12_100).await;
    let uhost = site.buys(account, "uhost/thirty").await;
    site.buys(account, "gpu/hourly").await;
    site.advance_to("2025-05-08 11:30:00").await;

    site.down_until("2025-06-08 12:00:00");
    site.credit(account, 12_000).await.unwrap();

    assert_eq!(site.expiry(uhost).await, "2025-07-07 10:00:00");
    site.check_books().await;
}

#[tokio::test]
async fn a_higher_credit_limit_renews_at_once() {
    let site = Site::open().await;
    let account = site.account(12_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.advance_to("2025-06-08 12:00:00").await;

    let edit = AccountEdit { credit_limit: Some(amount(12_000)), ..AccountEdit::default() };
    let row = site.engine.edit_account(Caller::Operator, account, edit).await.unwrap();

    assert_eq!((row.wallet.cash.minor(), row.wallet.credit_limit.minor()), (-12_000, 12_000));
    assert_eq!(site.expiry(id).await, "2025-07-07 10:00:00");
}

#[tokio::test]
async fn a_freeze_that_is_lifted_renews_at_once() {
    let site = Site::open().await;
    let account = site.account(24_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    let reason = (amount(1), "a dispute".to_owned());
    let freeze = site.engine.freeze(Caller::Operator, account, reason, None).await.unwrap().into_inner();
    site.advance_to("2025-06-08 12:00:00").await;

    site.engine.lift_freeze(Caller::Operator, account, freeze.id).await.unwrap();

    assert_eq!(site.expiry(id).await, "2025-07-07 10:00:00");
}
