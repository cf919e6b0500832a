//! R-8, W-3: many at once; one wins, the others see it.

use std::sync::Arc;

use domain::order::OrderKind;
use domain::resource::{Outcome, State};
use engine::Caller;
use testkit::rules::one_term;
use tokio::task::JoinSet;

use crate::site::{Site, code_of, first};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_credits_at_once_renew_once() {
    let site = Arc::new(Site::open().await);
    let account = site.account(12_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.advance_to("2025-06-08 12:00:00").await;

    let mut credits = JoinSet::new();
    (0..10).for_each(|_| {
        let site = Arc::clone(&site);
        credits.spawn(async move { site.credit(account, 2_000).await.unwrap() });
    });
    credits.join_all().await;

    assert_eq!(site.orders(OrderKind::Renewal).await.len(), 1);
    assert_eq!(site.expiry(id).await, "2025-07-07 10:00:00");
    assert_eq!(site.cash(account).await, 8_000);
    let attempts = site.engine.attempts(Caller::Operator, id, first()).await.unwrap();
    let succeeded = attempts.iter().filter(|attempt| attempt.outcome == Outcome::Succeeded);
    assert_eq!(succeeded.count(), 1);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_manual_renewals_with_money_for_one() {
    let site = Arc::new(Site::open().await);
    let account = site.account(25_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.engine.switch(Caller::Operator, id, false, None).await.unwrap();
    site.advance_to("2025-06-08 10:00:00").await;

    let mut renewals = JoinSet::new();
    (0..6).for_each(|_| {
        let site = Arc::clone(&site);
        renewals.spawn(async move { site.engine.renew(Caller::Account(account), id, one_term(), None).await });
    });
    let results = renewals.join_all().await;

    let (renewed, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(renewed.len(), 1);
    assert_eq!(refused.into_iter().map(code_of).collect::<Vec<_>>(), ["insufficient_balance"; 5]);
    assert_eq!(site.cash(account).await, 1_000);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_hand_and_by_switch_at_once_with_money_for_one() {
    let site = Arc::new(Site::open().await);
    let account = site.account(24_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.engine.switch(Caller::Operator, id, false, None).await.unwrap();
    site.advance_to("2025-06-08 12:00:00").await;

    let (by_hand, by_switch) = tokio::join!(
        site.engine.renew(Caller::Account(account), id, one_term(), None),
        site.engine.switch(Caller::Account(account), id, true, None),
    );

    let view = by_switch.unwrap();
    let view = view.into_inner();
    assert!(view.resource.auto_renew && view.resource.state == State::Active);
    assert!(by_hand.is_ok() || code_of(by_hand) == "insufficient_balance");
    assert_eq!(site.orders(OrderKind::Renewal).await.len(), 1);
    assert_eq!(site.cash(account).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_work_and_commands_at_once_renew_once() {
    let site = Arc::new(Site::open().await);
    let account = site.account(24_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.advance_to("2025-06-07 09:00:00").await;
    site.down_until("2025-06-07 10:00:00");

    let mut workers = JoinSet::new();
    (0..8).for_each(|n| {
        let site = Arc::clone(&site);
        workers.spawn(async move {
            match n % 2 {
                0 => drop(site.engine.do_due_batch().await.unwrap()),
                _ => site.credit(account, 1).await.unwrap(),
            }
        });
    });
    workers.join_all().await;

    assert_eq!(site.orders(OrderKind::Renewal).await.len(), 1);
    assert_eq!(site.expiry(id).await, "2025-07-07 10:00:00");
    assert_eq!(site.cash(account).await, 4);
}
