//! The worker does what is due until it is stopped.

use engine::{Caller, Worker};
use store::EventFilter;
use tokio::sync::watch;

use crate::site::{Site, first};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_fell_due_while_nobody_worked_and_ends_when_it_is_told_to() {
    let site = Site::open().await;
    let account = site.account(24_000).await;
    let id = site.buys(account, "uhost/thirty").await;
    site.down_until("2025-06-07 10:00:00");
    let (stop, stopped) = watch::channel(false);

    let worker = tokio::spawn(Worker::new(site.engine.clone(), stopped).run());
    until_nothing_is_due(&site).await;
    stop.send(true).unwrap();
    worker.await.unwrap();

    assert_eq!(site.expiry(id).await, "2025-07-07 10:00:00");
}

async fn until_nothing_is_due(site: &Site) {
    while site.engine.store().n_due(site.engine.now(), 1).await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn together_with_a_clock_that_moves_nothing_is_done_twice() {
    let site = Site::open().await;
    let account = site.account(1_000_000).await;
    site.buys(account, "gpu/hourly").await;
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(Worker::new(site.engine.clone(), stopped).run());

    site.advance_to("2025-05-12 10:00:00").await;
    stop.send(true).unwrap();
    worker.await.unwrap();

    let filter = EventFilter { kind: Some("resource.renewed".to_owned()), ..EventFilter::default() };
    let renewed = site.engine.events(Caller::Operator, filter, first()).await.unwrap();
    assert_eq!(renewed.len(), 96);
    site.check_books().await;
}
