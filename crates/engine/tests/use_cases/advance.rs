//! T-5: the test clock moves forward through every due instant in order, and is kept.

use std::sync::Arc;

use domain::order::OrderKind;
use engine::{Caller, Engine, SiteClock};
use store::EventFilter;

use crate::site::{Site, code_of, first};

#[tokio::test]
async fn everything_due_on_the_way_is_done_when_it_is_due() {
    let site = Site::open().await;
    let account = site.account(30_000).await;
    site.buys(account, "uhost/thirty").await;

    site.advance_to("2025-08-01 00:00:00").await;

    let filter = EventFilter { kind: Some("reminder.sent".to_owned()), ..EventFilter::default() };
    let reminders = site.engine.events(Caller::Operator, filter, first()).await.unwrap();
    let at: Vec<_> = reminders.iter().map(|event| site.show(event.at)).collect();
    let expected = [
        // Before, on and after the second expiry: the first was paid.
        "2025-06-30 10:00:00",
        "2025-07-04 10:00:00",
        "2025-07-06 10:00:00",
        "2025-07-07 10:00:00",
        "2025-07-09 10:00:00",
        "2025-07-16 10:00:00",
    ];
    assert_eq!(at, expected);
    site.check_books().await;
}

#[tokio::test]
async fn accounts_are_done_in_the_order_in_which_they_fall_due() {
    let site = Site::open().await;
    let (one, other) = (site.account(24_000).await, site.account(50_000).await);
    site.buys(other, "uhost/monthly").await;
    site.buys(one, "uhost/thirty").await;

    site.advance_to("2025-07-01 00:00:00").await;

    let renewals: Vec<_> = site.orders(OrderKind::Renewal).await;
    let at: Vec<_> = renewals.iter().map(|order| site.show(order.created_at)).collect();
    assert_eq!(at, ["2025-06-07 10:00:00", "2025-06-08 10:00:00", "2025-07-01 00:00:00"]);
}

#[tokio::test]
async fn the_clock_is_kept_over_a_restart() {
    let site = Site::open().await;

    site.advance_to("2025-06-20 12:34:56").await;
    let site = site.restart().await;

    let kept = site.engine.store().site().await.unwrap();
    assert_eq!(kept.test_clock, Some(site.at("2025-06-20 12:34:56")));
    assert_eq!(kept.zone.as_deref(), Some("Asia/Shanghai"));
}

#[tokio::test]
async fn it_does_not_go_back() {
    let site = Site::open().await;

    let refused = site.engine.advance(Caller::Operator, site.at("2025-05-08 09:59:59"), None).await;

    assert_eq!(code_of(refused), "clock_backwards");
    assert_eq!(site.engine.now(), site.at("2025-05-08 10:00:00"));
}

#[tokio::test]
async fn to_where_it_stands_is_nothing_to_do() {
    let site = Site::open().await;

    let now = site.engine.advance(Caller::Operator, site.at("2025-05-08 10:00:00"), None).await.unwrap().into_inner();

    assert_eq!(now, site.at("2025-05-08 10:00:00"));
}

#[tokio::test]
async fn a_process_on_real_time_has_no_test_clock() {
    let site = Site::open().await;
    let real = Engine::new(site.temp.store.clone(), Arc::new(SiteClock::System), Arc::clone(&site.temp.zone));

    let refused = real.advance(Caller::Operator, site.at("2500-01-01 00:00:00"), None).await;

    assert_eq!(code_of(refused), "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_move_it_at_once_take_turns() {
    let site = Arc::new(Site::open().await);
    let account = site.account(1_000_000).await;
    site.buys(account, "gpu/hourly").await;

    let mut turns = tokio::task::JoinSet::new();
    ["2025-05-09 10:00:00", "2025-05-10 10:00:00", "2025-05-09 22:00:00"].into_iter().for_each(|to| {
        let site = Arc::clone(&site);
        turns.spawn(async move { site.engine.advance(Caller::Operator, site.at(to), None).await.is_ok() });
    });
    let moved = turns.join_all().await;

    assert!(moved.contains(&true));
    assert_eq!(site.engine.now(), site.at("2025-05-10 10:00:00"));
    assert_eq!(site.orders(OrderKind::Renewal).await.len(), 48);
    site.check_books().await;
}
